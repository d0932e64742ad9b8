//! `alerts test`: whether whoever is told listens.

use serde::Serialize;
use serde_json::json;
use sync_core::ports::Clock as _;
use sync_store::unguessable;

use super::Context;
use crate::alerts::{Delivery, Receiver, Said};
use crate::clients;
use crate::config::Config;
use crate::exit::{ExitCode, Failed};
use crate::wire::SystemClock;

/// What came of it.
#[derive(Serialize)]
struct Tried {
    /// By which the receiver knows it.
    id: String,
    signed: bool,
    taken: bool,
    status: u16,
    /// The first line of the answer.
    answer: String,
}

pub(super) async fn test(context: &Context<'_>) -> anyhow::Result<ExitCode> {
    let config = Config::load(&context.global.config)?;
    let section = config.alerts.as_ref().map(|alerts| alerts.webhook(context.env)).transpose()?;
    let Some((url, key)) = section.flatten() else {
        let failed = Failed::new(ExitCode::Usage, "no address is configured that alerts are sent to");
        return Err(failed.help("write webhook_url into [alerts]: docs/alerts.md").into());
    };
    let (now, signed) = (SystemClock::start().now(), key.is_some());
    let receiver = Receiver::new(url, key, clients::alert_transport()?);
    let id = format!("msg_{}", unguessable());
    let text = "This is a test of ml-connector's alerts; nothing has to be done.";
    let body = json!({
        "type": "test",
        "timestamp": format!("{now:.0}"),
        "text": text,
        "data": { "text": text, "help": "Nothing has to be done." },
    });
    let (said, taken) = match receiver.send(&id, &body.to_string(), now).await? {
        Delivery::Taken(said) => (said, true),
        Delivery::Refused { said, after: _ } => (said, false),
        Delivery::Unreached(error) => {
            let failed =
                Failed::new(ExitCode::Remote, format!("the receiver of alerts was not reached: {error}"));
            return Err(failed
                .help("look at webhook_url in [alerts], and whether this machine reaches it")
                .into());
        }
    };
    let Said { status, text: answer } = said;
    let tried = Tried { id, signed, taken, status: status.as_u16(), answer };
    context.output.data(&tried, |tried| {
        let how = if tried.signed { "signed" } else { "not signed" };
        let took = if tried.taken { "took" } else { "did not take" };
        let answer = if tried.answer.is_empty() { String::new() } else { format!(": {}", tried.answer) };
        format!("the receiver {took} the test alert {} ({how}) and said {}{answer}", tried.id, tried.status)
    })?;
    Ok(if taken { ExitCode::Ok } else { ExitCode::Remote })
}
