//! `audit`

use serde::Serialize;
use sync_engine::audit::{AUDIT, AuditState, Audited};

use super::Context;
use super::sync::chosen;
use crate::cli::AuditArgs;
use crate::exit::{ExitCode, Failed};
use crate::output::{table, talk};
use crate::wire::{Process, SystemClock, open_store};

#[derive(Serialize)]
struct Report {
    connection: String,
    #[serde(flatten)]
    audited: Audited,
    /// When the last one of the process that keeps them in sync ended.
    rolling_ended_at: Option<String>,
    /// What that one found that nobody worked on.
    rolling_found: Option<u64>,
}

pub(super) async fn run(context: &Context<'_>, args: &AuditArgs) -> anyhow::Result<ExitCode> {
    let config = context.config().await?;
    let connections = chosen(&config, args.connection.as_deref())?;
    let store = open_store(&config.store).await?;
    let clock = std::sync::Arc::new(SystemClock::start());
    let process = Process { config: &config, store, clock, env: context.env, kind: "audit" };
    let mut reports = Vec::new();
    for connection in connections {
        let id = process.number(connection).await?;
        let silent = context.output.is_json();
        let see = |customers: u64| {
            if !silent && customers.is_multiple_of(20_000) && customers > 0 {
                talk(format!("{}: {customers} customers", connection.name));
            }
        };
        let Some(audited) = process.auditor(connection, id).audit(process.clock.now(), &see).await? else {
            let failed = Failed::new(
                ExitCode::Usage,
                format!("{}: both systems were not read completely yet", connection.name),
            );
            return Err(failed.help("run `ml-connector sync` first").into());
        };
        let state: AuditState = process.store.read(id).await?.cursor(AUDIT).await?.unwrap_or_default();
        let last = state.last.as_ref();
        reports.push(Report {
            connection: connection.name.clone(),
            audited,
            rolling_ended_at: last.and_then(|last| last.ended_at).map(|at| format!("{at:.0}")),
            rolling_found: last.map(|last| last.found),
        });
    }
    process.store.close().await;
    context.output.data(&reports, |reports| reports.iter().map(told).collect::<Vec<_>>().join("\n\n"))?;
    let agrees = reports.iter().all(|report| report.audited.found == 0);
    Ok(if agrees { ExitCode::Ok } else { ExitCode::Unfit })
}

fn told(report: &Report) -> String {
    let Report { connection, audited, rolling_ended_at, rolling_found } = report;
    let Audited { as_of, customers, equal, working, held, found, examples, .. } = audited;
    let as_of = as_of.map_or_else(String::new, |at| format!("as of {at:.0} "));
    let mut told =
        format!("{connection}: {as_of}{equal} of {customers} customers are equal on both sides\n\n");
    let rows = [
        ("equal", equal, "-"),
        ("in the queue, or a lost answer is looked for", working, "the next sync goes on"),
        ("wait for a person", held, "ml-connector holds list"),
        (
            "differ, and nobody works on it",
            found,
            "the next audit of `run` or `sync` puts them into the queue",
        ),
    ];
    let rows = rows.map(|(what, count, next)| [what.to_owned(), count.to_string(), next.to_owned()]);
    told.push_str(&table(["customers", "count", "what comes next"], &["count"], rows).to_string());
    if !examples.is_empty() {
        let rows = examples.iter().map(|one| {
            let org = one.org.map_or_else(|| "-".to_owned(), |org| org.to_string());
            [one.party.to_string(), org, one.what.clone()]
        });
        let all = table(["party", "organization", "what would be done"], &["party", "organization"], rows);
        told.push_str(&format!("\n{all}"));
    }
    match (rolling_ended_at, rolling_found) {
        (Some(at), Some(found)) => {
            told.push_str(&format!("\nThe last audit of a sync ended at {at} and found {found}."));
        }
        (None | Some(_), _) => told.push_str("\nNo sync has come to an audit yet."),
    }
    told
}
