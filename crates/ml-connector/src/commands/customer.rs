//! `sync --customer`: one customer, read from both sides now.

use std::sync::Arc;

use serde::Serialize;
use sync_engine::Told;
use sync_engine::daemon::{TokioSleeper, heartbeat};
use sync_engine::lease::Lease;
use sync_store::Errand;
use sync_web::plan::Entry;

use super::Context;
use super::sync::{Followed, chosen, follow, stopped};
use crate::cli::SyncArgs;
use crate::config::Connection;
use crate::exit::{ExitCode, Failed};
use crate::output::talk;
use crate::progress::Progress;
use crate::wire::{Process, SystemClock, open_store};

/// What became of a customer.
#[derive(Debug, Serialize)]
struct Done {
    connection: String,
    /// created, updated, unchanged, held or failed; none when it is no customer of ours, or has to wait.
    outcome: Option<String>,
    #[serde(flatten)]
    entry: Entry,
}

pub(super) async fn run(context: &Context<'_>, args: &SyncArgs, who: &str) -> anyhow::Result<ExitCode> {
    let config = context.config().await?;
    let connections = chosen(&config, args.connection.as_deref())?;
    let store = open_store(&config.store).await?;
    let clock = Arc::new(SystemClock::start());
    let process = Process { config: &config, store, clock, env: context.env, kind: "customer" };
    let mut done = Vec::new();
    let mut code = ExitCode::Ok;
    for connection in &connections {
        match one(&process, connection, who).await? {
            Ok(told) => done.extend(told.into_iter().map(|told| of(&connection.name, told))),
            Err(ended) => code = ended,
        }
    }
    process.store.close().await;
    if done.is_empty() && code == ExitCode::Ok {
        let failed =
            Failed::new(ExitCode::Usage, format!("the ERP shows no party with the id or number {who}"));
        return Err(failed.help("see whether it exists there, and whether our user may see it").into());
    }
    context.output.data(&done, |done| done.iter().map(words).collect::<Vec<_>>().join("\n"))?;
    let failed = done.iter().any(|done| done.outcome.as_deref() == Some("failed"));
    Ok(if code == ExitCode::Ok && failed { ExitCode::SomeFailed } else { code })
}

async fn one(
    process: &Process<'_>,
    connection: &Connection,
    who: &str,
) -> anyhow::Result<Result<Vec<Told>, ExitCode>> {
    let lease = match process.take(connection).await? {
        Ok(lease) => lease,
        Err(owner) => {
            talk(format!("{}: {owner} keeps it in sync; asking it for this customer now", connection.name));
            match follow(process, connection, &Errand::Customer(who.to_owned())).await? {
                Followed::Ended(ended) => {
                    return Ok(match ended.report {
                        Some(report) => Ok(serde_json::from_str(&report)?),
                        None => Err(ended.code),
                    });
                }
                Followed::Ours(lease) => lease,
            }
        }
    };
    alone(process, connection, lease, who).await
}

async fn alone(
    process: &Process<'_>,
    connection: &Connection,
    lease: Lease,
    who: &str,
) -> anyhow::Result<Result<Vec<Told>, ExitCode>> {
    let watch = Arc::new(Progress::new(&connection.name, false));
    let mut wired = process.wire_with(connection, lease, watch).await?;
    let lease = wired.lease.clone();
    let told = tokio::select! {
        biased;
        told = wired.engine.sync_customer(who) => told?,
        lost = heartbeat(&lease, &TokioSleeper) => return Err(lost.into()),
    };
    wired.finish().await?;
    Ok(told.map_err(|error| stopped(&connection.name, &error)))
}

fn of(connection: &str, told: Told) -> Done {
    let Told { foreseen, outcome } = told;
    // What it cost stands in the summary of the run; what is left to pay is nothing.
    Done { connection: connection.to_owned(), outcome, entry: Entry::of(&foreseen, |_| 0) }
}

fn words(done: &Done) -> String {
    let outcome = match done.outcome.as_deref() {
        Some("unchanged") => "both sides agree, or are meant to differ; nothing was written",
        Some("created") => "its organization was created",
        Some("updated") => "its organization was changed",
        Some("held") => "a person is asked",
        Some("failed") => "a write got no receipt; the next sync finds out and goes on",
        Some(_) | None if done.entry.action == "not_ours" => {
            "it is no customer of ours: no account, another usage, or left out by the filters"
        }
        Some(_) | None => "nothing was written",
    };
    format!("{}: {outcome}\n{}", done.connection, done.entry.told())
}
