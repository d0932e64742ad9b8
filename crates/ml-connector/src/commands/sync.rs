//! `sync`: every connection once, to quiescence.

use std::sync::Arc;

use jiff::SignedDuration;
use sync_core::error::{CallError, ErrorKind};
use sync_core::poll::Again;
use sync_engine::daemon::{End, Sleeper as _, TokioSleeper, heartbeat, until_quiescent};
use sync_engine::documents::DOCUMENTS;
use sync_engine::lease::{Lease, Taking};
use sync_engine::{CUSTOMERS, HANDOVERS};
use sync_store::{Errand, WishEnd};

use super::Context;
use crate::cli::SyncArgs;
use crate::config::{Config, Connection};
use crate::exit::{ExitCode, Failed};
use crate::output::{ConnectionSummary, ErpUse, Flows, Outcomes, PipedriveUse, Summary, talk};
use crate::progress::Progress;
use crate::wire::{Process, SystemClock, open_store, process_name};

pub(super) async fn run(context: &Context<'_>, args: &SyncArgs) -> anyhow::Result<ExitCode> {
    all(context, args.connection.as_deref(), None, "sync").await
}

/// The connections that a command is about: at least one.
pub(super) fn chosen<'a>(config: &'a Config, name: Option<&str>) -> anyhow::Result<Vec<&'a Connection>> {
    let connections = config.select(name)?;
    if connections.is_empty() {
        let failed = Failed::new(ExitCode::Usage, "no connection is switched on");
        return Err(failed.help("make one in the console of `ml-connector run`, or add a [[connection]] table; `ml-connector init` writes an example").into());
    }
    Ok(connections)
}

/// Brings connections up to date, one after the other; with `again`, looks at more than what changed.
pub(super) async fn all(
    context: &Context<'_>,
    name: Option<&str>,
    again: Option<Again>,
    kind: &'static str,
) -> anyhow::Result<ExitCode> {
    let config = context.config().await?;
    let connections = chosen(&config, name)?;
    let store = open_store(&config.store).await?;
    let clock = Arc::new(SystemClock::start());
    let process = Process { config: &config, store, clock, env: context.env, kind };
    let mut summary = Summary::default();
    let mut code = ExitCode::Ok;
    for connection in connections {
        let (done, ended) = once(&process, connection, !context.output.is_json(), again).await?;
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

/// Brings one connection up to date; beside a process that holds it, by asking that process and following.
pub(super) async fn once(
    process: &Process<'_>,
    connection: &Connection,
    bars: bool,
    again: Option<Again>,
) -> anyhow::Result<(ConnectionSummary, ExitCode)> {
    let lease = match process.take(connection).await? {
        Ok(lease) => lease,
        Err(owner) => {
            talk(format!("{}: {owner} keeps it in sync; asking it to do so now", connection.name));
            let errand = again.map_or(Errand::Sync, Errand::Again);
            match follow(process, connection, &errand).await? {
                Followed::Ended(ended) => return Ok((ended.summary, ended.code)),
                Followed::Ours(lease) => lease,
            }
        }
    };
    let watch = Arc::new(Progress::new(&connection.name, bars));
    let mut wired = process.wire_with(connection, lease, watch).await?;
    let lease = wired.lease.clone();
    if let Some(again) = again {
        wired.engine.ask_again(again).await?;
    }
    let end = tokio::select! {
        biased;
        end = until_quiescent(&mut wired.engine, &TokioSleeper) => end?,
        lost = heartbeat(&lease, &TokioSleeper) => return Err(lost.into()),
    };
    let code = match end {
        End::Quiescent => ExitCode::Ok,
        End::Stopped(pause) => stopped(&wired.name, &pause.error),
    };
    Ok((wired.finish().await?, code))
}

/// Says why work on a connection stopped; gives the exit code.
pub(super) fn stopped(name: &str, error: &CallError) -> ExitCode {
    talk(format!("{name}: stopped: {error}"));
    match error.kind {
        ErrorKind::Exhausted { until } => {
            talk(format!("{name}: the budget is used up; it is filled again at {until}"));
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

/// How following ended.
pub(super) enum Followed {
    /// The other process did what was asked.
    Ended(Box<Ended>),
    /// The other process has gone; the work is ours.
    Ours(Lease),
}

/// What the other process did.
pub(super) struct Ended {
    pub(super) summary: ConnectionSummary,
    pub(super) code: ExitCode,
    /// What became of the one customer that was asked for, JSON.
    pub(super) report: Option<String>,
}

/// Asks something of the process that holds the connection, and waits for its end or for the connection itself.
pub(super) async fn follow(
    process: &Process<'_>,
    connection: &Connection,
    errand: &Errand,
) -> anyhow::Result<Followed> {
    let store = &process.store;
    let id = process.number(connection).await?;
    let mut taker = process.taker();
    let wish = store.wish_for(id, &process_name(), errand, process.clock.now()).await?;
    let mut told = Outcomes::default();
    loop {
        let Some(row) = store.wish_look(id, wish).await? else {
            anyhow::bail!("the wish of this command was deleted from the store");
        };
        let mut counts = Outcomes::default();
        let mut customers_from_crm = connection.customers_from_crm.as_ref().map(|_| Outcomes::default());
        let mut documents = connection.documents.as_ref().map(|_| Outcomes::default());
        if let Some(run) = row.run {
            let mut tx = store.read(id).await?;
            counts = tx.outcomes(run, CUSTOMERS).await?.into();
            if let Some(counts) = &mut customers_from_crm {
                *counts = tx.outcomes(run, HANDOVERS).await?.into();
            }
            if let Some(counts) = &mut documents {
                *counts = tx.outcomes(run, DOCUMENTS).await?.into();
            }
        }
        if let Some((end, message)) = row.ended {
            let summary = ConnectionSummary {
                name: connection.name.clone(),
                flows: Flows { customers: counts, customers_from_crm, documents },
                pipedrive: PipedriveUse { requests: row.cost.crm_requests, tokens: row.cost.crm_tokens },
                erp: ErpUse { requests: row.cost.erp_requests },
            };
            if !message.is_empty() {
                talk(format!("{}: stopped: {message}", connection.name));
            }
            let code = match end {
                WishEnd::Done => ExitCode::Ok,
                WishEnd::Budget => ExitCode::Budget,
                WishEnd::Remote => ExitCode::Remote,
            };
            return Ok(Followed::Ended(Box::new(Ended { summary, code, report: row.report })));
        }
        if counts != told {
            let Outcomes { created, updated, unchanged, held, failed } = counts;
            talk(format!(
                "{}: {created} created, {updated} updated, {unchanged} unchanged, {held} held, {failed} failed",
                connection.name
            ));
            told = counts;
        }
        if let Taking::Taken(lease) = taker.try_take(store, id, &process.clock).await? {
            store.wish_withdraw(id, wish).await?;
            return Ok(Followed::Ours(lease));
        }
        TokioSleeper.sleep(SignedDuration::from_millis(300)).await;
    }
}
