//! `plan`: observe and decide without apply.

use std::path::Path;
use std::sync::Arc;

use anyhow::Context as _;
use sync_core::budget::Class;
use sync_core::ids::{OrgId, PartyId};
use sync_core::plan::Step;
use sync_core::ports::Missing;
use sync_engine::daemon::{End, TokioSleeper, heartbeat, until_surveyed};
use sync_engine::lease::Lease;
use sync_engine::{HandoverPlanner, Planner};
use sync_store::Ledger;

use super::Context;
use super::sync::{chosen, stopped};
use crate::cli::PlanArgs;
use crate::config::Connection;
use crate::exit::{ExitCode, Failed};
use crate::output::talk;
use crate::plan_file::{PlanFile, PlanRecord, PlannedHandover, VERSION};
use crate::preview::{Preview, Read, Tokens};
use crate::progress::Progress;
use sync_web::handover_plan::Handovers;
use sync_web::plan::{Entry, Families, Totals};

use crate::wire::{Process, SystemClock, open_store, plan_digest};

/// Keys decided at once.
const PAGE: u32 = 200;

/// A preview and what goes into the file.
struct Planned {
    preview: Preview,
    records: Vec<PlanRecord>,
    handovers: Vec<PlannedHandover>,
}

pub(super) async fn run(context: &Context<'_>, args: &PlanArgs) -> anyhow::Result<ExitCode> {
    let config = context.config().await?;
    let connections = chosen(&config, args.connection.as_deref())?;
    if args.out.is_some() && connections.len() > 1 {
        let failed = Failed::new(ExitCode::Usage, "a plan file is about one connection");
        return Err(failed.help("name it with --connection NAME").into());
    }
    let store = open_store(&config.store).await?;
    let clock = Arc::new(SystemClock::start());
    let process = Process { config: &config, store, clock, env: context.env, kind: "plan" };
    let mut previews = Vec::new();
    let mut code = ExitCode::Ok;
    for connection in connections {
        match one(&process, connection, args, !context.output.is_json()).await? {
            Ok(planned) => {
                if let Some(path) = &args.out {
                    write(path, &process, connection, planned.records, planned.handovers)?;
                }
                previews.push(planned.preview);
            }
            Err(ended) => code = ended,
        }
    }
    process.store.close().await;
    context.output.data(&previews, |previews| {
        previews.iter().map(|preview| preview.told(args.limit)).collect::<Vec<_>>().join("\n")
    })?;
    Ok(code)
}

async fn one(
    process: &Process<'_>,
    connection: &Connection,
    args: &PlanArgs,
    bars: bool,
) -> anyhow::Result<Result<Planned, ExitCode>> {
    match process.take(connection).await? {
        Ok(lease) => alone(process, connection, args, lease, bars).await,
        Err(owner) if args.fresh => {
            let message = format!("{owner} holds the connection {}", connection.name);
            let failed = Failed::new(ExitCode::Held, message);
            Err(failed.help("leave --fresh out: what that process has read is shown then; or stop it").into())
        }
        Err(owner) => {
            let id = process.number(connection).await?;
            let planner = process.planner_beside(connection, id)?;
            if !planner.is_loaded().await? {
                let message = format!("{owner} reads both sides of {} for the first time", connection.name);
                let failed = Failed::new(ExitCode::Held, message);
                return Err(failed.help("nothing can be told before it is done; plan again then").into());
            }
            talk(format!("{}: {owner} keeps it in sync; showing what it has not done yet", connection.name));
            let ledger = process.ledger(connection, id);
            let handovers = match process.handover_planner_beside(connection, id).await? {
                Ok(handovers) => handovers,
                Err(error) => return Ok(Err(stopped(&connection.name, &error))),
            };
            let planners = Planners { customers: planner, handovers };
            decide(process, connection, &planners, &ledger, (Read::ByTheOtherProcess, Missing::default()))
                .await
        }
    }
}

/// Reads what is due, then decides.
async fn alone(
    process: &Process<'_>,
    connection: &Connection,
    args: &PlanArgs,
    lease: Lease,
    bars: bool,
) -> anyhow::Result<Result<Planned, ExitCode>> {
    let watch = Arc::new(Progress::new(&connection.name, bars));
    let mut wired = process.wire_with(connection, lease, watch).await?;
    let (lease, ledger) = (wired.lease.clone(), wired.ledger.clone());
    let working = async {
        let mut survey = wired.engine.begin_survey().await?;
        let end = until_surveyed(&mut wired.engine, &mut survey, &TokioSleeper).await?;
        if let End::Stopped(pause) = end {
            return Ok(Err(stopped(&connection.name, &pause.error)));
        }
        let missing = survey.missing().cloned().unwrap_or_default();
        let handovers = match wired.engine.handover_planner(args.fresh).await? {
            Ok(handovers) => handovers,
            Err(error) => return Ok(Err(stopped(&connection.name, &error))),
        };
        let planners = Planners { customers: wired.engine.planner(args.fresh), handovers };
        decide(process, connection, &planners, &ledger, (Read::Now, missing)).await
    };
    let planned = tokio::select! {
        biased;
        planned = working => planned,
        lost = heartbeat(&lease, &TokioSleeper) => return Err(lost.into()),
    };
    wired.finish().await?;
    planned
}

/// Who decides: about customers, and about handovers where there are any.
struct Planners {
    customers: Planner,
    handovers: Option<HandoverPlanner>,
}

/// Decides every key in the queue. Only what there is something to say about is kept.
async fn decide(
    process: &Process<'_>,
    connection: &Connection,
    Planners { customers: planner, handovers: handing }: &Planners,
    ledger: &Ledger,
    (read, missing): (Read, Missing),
) -> anyhow::Result<Result<Planned, ExitCode>> {
    let handed = match handing {
        Some(handing) => match handing.preview().await? {
            Ok(preview) => Some((preview, handing.since)),
            Err(error) => return Ok(Err(stopped(&connection.name, &error))),
        },
        None => None,
    };
    let (mut totals, mut families) = (Totals::default(), Families::default());
    let (mut entries, mut records) = (Vec::new(), Vec::new());
    let mut after: Option<PartyId> = None;
    loop {
        let page = match planner.page(after, PAGE).await? {
            Ok(page) => page,
            Err(error) => return Ok(Err(stopped(&connection.name, &error))),
        };
        let Some(last) = page.last() else { break };
        after = Some(last.party);
        for foreseen in &page {
            totals.count(foreseen);
            families.note(foreseen);
            let entry = Entry::of(foreseen, |step| planner.crm.price(step));
            if !entry.is_quiet() {
                entries.push(entry);
            }
            records.extend(PlanRecord::of(foreseen));
        }
    }
    let relation = Step::Relate { parent: PartyId(0), parent_org: OrgId(0), org: OrgId(0) };
    families.tell(&mut entries, &mut totals, planner.crm.price(&relation));
    let needed = entries.iter().map(|entry| entry.tokens).sum::<u64>() + u64::from(missing.tokens);
    let left_today = ledger.left_today(Class::Edit, process.clock.now()).await?;
    let written = entries.iter().filter(|entry| entry.tokens > 0);
    let oldest_read = written.filter_map(|entry| entry.read_at.clone()).min();
    let preview = Preview {
        connection: connection.name.clone(),
        read,
        totals,
        tokens: Tokens { needed, left_today },
        oldest_read,
        missing_fields: missing.fields.iter().map(|field| field.label().to_owned()).collect(),
        records: entries,
        handovers: handed.as_ref().map(|(preview, since)| Handovers::of(preview, *since)),
    };
    let waiting = handed.iter().flat_map(|(preview, _)| &preview.handovers);
    let handovers = waiting.filter_map(PlannedHandover::of).collect();
    Ok(Ok(Planned { preview, records, handovers }))
}

fn write(
    path: &Path,
    process: &Process<'_>,
    connection: &Connection,
    records: Vec<PlanRecord>,
    handovers: Vec<PlannedHandover>,
) -> anyhow::Result<()> {
    let file = PlanFile {
        version: VERSION,
        connection: connection.name.clone(),
        made_at: process.clock.now(),
        policy: plan_digest(connection),
        records,
        handovers,
    };
    let mut text = serde_json::to_string_pretty(&file)?;
    text.push('\n');
    std::fs::write(path, text).with_context(|| format!("the plan {} cannot be written", path.display()))?;
    let (records, handovers) = (file.records.len(), file.handovers.len());
    let asked = if handovers > 0 { format!(" and {handovers} older won deals") } else { String::new() };
    talk(format!("{records} records{asked} are in {}; `ml-connector apply` does them", path.display()));
    Ok(())
}
