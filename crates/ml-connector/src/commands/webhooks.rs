//! `webhooks`: the address under which a connection takes webhooks in, for whoever registers them.

use serde::Serialize;

use super::Context;
use crate::cli::WebhooksArgs;
use crate::config::{Config, Require};
use crate::exit::{ExitCode, Failed};
use crate::hooks::addresses;
use crate::output::talk;

#[derive(Serialize)]
struct Shown {
    address: String,
    /// Valid as long as the secret they were made of is configured.
    older: Vec<String>,
    user: Option<String>,
    hmac_header: Option<String>,
    all_required: bool,
}

pub(super) fn run(context: &Context<'_>, args: &WebhooksArgs) -> anyhow::Result<ExitCode> {
    let config = Config::load(&context.global.config)?;
    let selected = config.select(Some(&args.connection))?;
    let [connection] = selected[..] else { return Ok(ExitCode::Failure) };
    let Some(webhooks) = &connection.webhooks else {
        let failed = Failed::new(ExitCode::Usage, format!("{} takes no webhooks", args.connection));
        return Err(failed.help("add a [connection.webhooks] table; docs/config.md explains it").into());
    };
    let mut addresses = addresses(connection, context.env)?.into_iter();
    let shown = Shown {
        address: addresses.next().unwrap_or_default(),
        older: addresses.collect(),
        user: webhooks.basic.first().map(|basic| basic.user.clone()),
        hmac_header: webhooks.hmac.as_ref().map(|hmac| hmac.header.clone()),
        all_required: webhooks.require == Require::All,
    };
    context.output.data(&shown, |shown| {
        let mut text =
            format!("address  {}\nevents   organization, all actions, version 2.0\n", shown.address);
        if let Some(user) = &shown.user {
            text.push_str(&format!("user     {user}, with the password of the configuration\n"));
        }
        if let Some(header) = &shown.hmac_header {
            text.push_str(&format!("digest   in {header}, added by your gateway\n"));
        }
        for older in &shown.older {
            text.push_str(&format!("also     {older}\n"));
        }
        text
    })?;
    talk(
        "Pipedrive: Settings > Tools and apps > Webhooks; events are filtered by what the webhook's user may see",
    );
    Ok(ExitCode::Ok)
}
