//! `sync`: every connection once, to quiescence.

use std::sync::Arc;

use sync_core::error::ErrorKind;
use sync_engine::daemon::{End, TokioSleeper, heartbeat, until_quiescent};

use super::Context;
use crate::cli::SyncArgs;
use crate::config::{Config, Connection};
use crate::exit::{ExitCode, Failed};
use crate::output::{ConnectionSummary, Summary, talk};
use crate::progress::Progress;
use crate::wire::{Process, SystemClock, open_store};

pub(super) async fn run(context: &Context<'_>, args: &SyncArgs) -> anyhow::Result<ExitCode> {
    let config = Config::load(&context.global.config)?;
    let connections = config.select(args.connection.as_deref())?;
    if connections.is_empty() {
        let failed =
            Failed::new(ExitCode::Usage, "the configuration file has no connection that is switched on");
        return Err(failed.help("add a [[connection]] table; `ml-connector init` writes an example").into());
    }
    let store = open_store(&config.store).await?;
    let clock = Arc::new(SystemClock::start());
    let process = Process { config: &config, store, clock, env: context.env, kind: "sync" };
    let mut summary = Summary::default();
    let mut code = ExitCode::Ok;
    for connection in connections {
        let (done, ended) = once(&process, connection, !context.output.is_json()).await?;
        summary.connections.push(done);
        if code == ExitCode::Ok {
            code = ended;
        }
    }
    process.store.close().await;
    context.output.data(&summary, Summary::table)?;
    if code == ExitCode::Ok && summary.failed() > 0 {
        code = ExitCode::SomeFailed;
    }
    Ok(code)
}

/// Brings one connection up to date.
pub(super) async fn once(
    process: &Process<'_>,
    connection: &Connection,
    bars: bool,
) -> anyhow::Result<(ConnectionSummary, ExitCode)> {
    let watch = Arc::new(Progress::new(&connection.name, bars));
    let mut wired = process.wire(connection, watch).await?;
    let lease = wired.lease.clone();
    let end = tokio::select! {
        biased;
        end = until_quiescent(&mut wired.engine, &TokioSleeper) => end?,
        lost = heartbeat(&lease, &TokioSleeper) => return Err(lost.into()),
    };
    let code = match end {
        End::Quiescent => ExitCode::Ok,
        End::Stopped(pause) => {
            talk(format!("{}: stopped: {}", wired.name, pause.error));
            match pause.error.kind {
                ErrorKind::Exhausted { until } => {
                    talk(format!("{}: the budget is used up; it is filled again at {until}", wired.name));
                    ExitCode::Budget
                }
                ErrorKind::Unauthorized
                | ErrorKind::Forbidden
                | ErrorKind::Transient { .. }
                | ErrorKind::Rejected
                | ErrorKind::UnknownField
                | ErrorKind::Missing
                | ErrorKind::Unreadable => ExitCode::Remote,
            }
        }
    };
    Ok((wired.finish().await?, code))
}
