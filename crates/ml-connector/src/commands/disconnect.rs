//! `disconnect`: gives access to a company back.

use std::sync::Arc;

use super::Context;
use super::connect::app;
use crate::cli::DisconnectArgs;
use crate::exit::ExitCode;
use crate::output::talk;
use crate::wire::{Process, SystemClock, open_store};

pub(super) async fn run(context: &Context<'_>, args: &DisconnectArgs) -> anyhow::Result<ExitCode> {
    let config = context.config().await?;
    let selected = config.select(Some(&args.connection))?;
    let [connection] = selected[..] else { return Ok(ExitCode::Failure) };
    let store = open_store(&config.store).await?;
    let clock = Arc::new(SystemClock::start());
    let process =
        Process { config: &config, store: store.clone(), clock, env: context.env, kind: "disconnect" };
    let id = process.number(connection).await?;
    let done = app(&process, connection, id)?.disconnect().await?;
    store.close().await;
    let token_in_file = done.token_in_file;
    context.output.data(&done, |done| match done.revoked {
        true => format!("{}: access was given back; pairs and history are kept", done.connection),
        false => format!("{}: there was no access to give back", done.connection),
    })?;
    if token_in_file {
        talk("remove oauth.refresh_token from the configuration file: it is worth nothing any more");
    }
    Ok(ExitCode::Ok)
}
