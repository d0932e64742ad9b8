//! `apply`: what a plan file says, record by record, unless something moved.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::sync::Arc;

use serde::Serialize;
use sync_core::ids::PartyId;
use sync_core::moved::Moved;
use sync_engine::daemon::{End, TokioSleeper, heartbeat, until_carried_out, until_read};
use sync_engine::{Approved, Fate};

use super::Context;
use super::answering::by;
use super::set_off::{SetOff, set_off};
use super::sync::stopped;
use crate::cli::ApplyArgs;
use crate::config::Connection;
use crate::exit::{ExitCode, Failed};
use crate::output::{ErpUse, PipedriveUse, talk};
use crate::plan_file::{PlanFile, PlanRecord, PlannedHandover};
use crate::progress::Progress;
use crate::wire::{Process, SystemClock, Wired, open_store, plan_digest};

/// Records looked at together.
const BATCH: usize = 200;

/// What became of a plan.
#[derive(Debug, Default, Serialize)]
struct Applied {
    connection: String,
    applied: u64,
    already_so: u64,
    refused: Vec<Refused>,
    failed: Vec<Failure>,
    not_reached: u64,
    handovers: Vec<SetOff>,
    pipedrive: PipedriveUse,
    erp: ErpUse,
}

#[derive(Debug, Serialize)]
struct Refused {
    party: PartyId,
    name: Option<String>,
    moved: Vec<Moved>,
    /// Steps that were done before something had moved.
    #[serde(skip_serializing_if = "is_zero")]
    applied: usize,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks for it")]
fn is_zero(number: &usize) -> bool {
    *number == 0
}

#[derive(Debug, Serialize)]
struct Failure {
    party: PartyId,
    name: Option<String>,
    why: String,
}

pub(super) async fn run(context: &Context<'_>, args: &ApplyArgs) -> anyhow::Result<ExitCode> {
    let config = context.config().await?;
    let file = PlanFile::load(&args.file)?;
    let Some(connection) = config.select(Some(&file.connection))?.into_iter().next() else {
        return Err(Failed::new(ExitCode::Usage, "the plan is about no connection").into());
    };
    file.check_policy(&plan_digest(connection))?;
    let chosen = chosen(&file, args)?;
    let store = open_store(&config.store).await?;
    let clock = Arc::new(SystemClock::start());
    let process = Process { config: &config, store, clock, env: context.env, kind: "apply" };
    let lease = match process.take(connection).await? {
        Ok(lease) => lease,
        // Asking needs no lease: that process does it.
        Err(_) if chosen.records.is_empty() => {
            let applied = beside(context, &process, connection, &chosen).await?;
            process.store.close().await;
            return told_all(context, &applied, ExitCode::Ok);
        }
        Err(owner) => {
            let message = format!("{owner} holds the connection {}", connection.name);
            let failed = Failed::new(ExitCode::Held, message);
            let remedy = "that process does by itself what a plan shows; stop it to apply only this plan, or use \
                          `sync --customer` for single customers";
            return Err(failed.help(remedy).into());
        }
    };
    let watch = Arc::new(Progress::new(&connection.name, !context.output.is_json()));
    let mut wired = process.wire_with(connection, lease, watch).await?;
    let lease = wired.lease.clone();
    let working = async {
        let (mut applied, code) = carry_out(&mut wired, &chosen.records).await?;
        if code == ExitCode::Ok {
            applied.handovers = ask(context, &mut wired, &chosen.handovers).await?;
        }
        anyhow::Ok((applied, code))
    };
    let (mut applied, code) = tokio::select! {
        biased;
        done = working => done?,
        lost = heartbeat(&lease, &TokioSleeper) => return Err(lost.into()),
    };
    let summary = wired.finish().await?;
    process.store.close().await;
    (applied.pipedrive, applied.erp) = (summary.pipedrive, summary.erp);
    told_all(context, &applied, code)
}

/// Tells what was done; gives the exit code.
fn told_all(context: &Context<'_>, applied: &Applied, code: ExitCode) -> anyhow::Result<ExitCode> {
    context.output.data(applied, told)?;
    if applied.handovers.iter().any(|handover| !handover.is_refused()) {
        talk("whoever works on the connection hands over at once; without `run`, run `ml-connector sync`");
    }
    let incomplete = !applied.refused.is_empty()
        || !applied.failed.is_empty()
        || applied.not_reached > 0
        || applied.handovers.iter().any(SetOff::is_refused);
    Ok(if code == ExitCode::Ok && incomplete { ExitCode::SomeFailed } else { code })
}

/// Asks for older won deals, after the plans were carried out, so that what was read meanwhile counts.
async fn ask(
    context: &Context<'_>,
    wired: &mut Wired,
    handovers: &[&PlannedHandover],
) -> anyhow::Result<Vec<SetOff>> {
    if handovers.is_empty() {
        return Ok(Vec::new());
    }
    let Some(planner) = wired.engine.handover_planner(false).await?? else { return Ok(Vec::new()) };
    set_off(&planner, &wired.store, wired.id, handovers, &by(context, None)).await
}

/// Asks for older won deals while another process works on the connection.
async fn beside(
    context: &Context<'_>,
    process: &Process<'_>,
    connection: &Connection,
    chosen: &Chosen<'_>,
) -> anyhow::Result<Applied> {
    let mut applied = Applied { connection: connection.name.clone(), ..Applied::default() };
    let id = process.number(connection).await?;
    if let Some(planner) = process.handover_planner_beside(connection, id).await?? {
        applied.handovers =
            set_off(&planner, &process.store, id, &chosen.handovers, &by(context, None)).await?;
    }
    Ok(applied)
}

/// What to apply.
struct Chosen<'a> {
    records: Vec<&'a PlanRecord>,
    handovers: Vec<&'a PlannedHandover>,
}

/// All of it, or what is named.
fn chosen<'a>(file: &'a PlanFile, args: &ApplyArgs) -> anyhow::Result<Chosen<'a>> {
    let ApplyArgs { file: _, only, organization } = args;
    let unknown = |org: &&i64| file.handovers.iter().all(|handover| handover.organization.0 != **org);
    if let Some(unknown) = organization.iter().find(unknown) {
        let message = format!("the plan says nothing about older won deals of organization {unknown}");
        let failed = Failed::new(ExitCode::Usage, message);
        return Err(failed.help("name organizations as they stand in the file").into());
    }
    let all = only.is_empty() && organization.is_empty();
    let named = |handover: &&PlannedHandover| all || organization.contains(&handover.organization.0);
    let records = if all || !only.is_empty() { records(file, only)? } else { Vec::new() };
    Ok(Chosen { records, handovers: file.handovers.iter().filter(named).collect() })
}

/// The records of these parties; all of them if none is named.
fn records<'a>(file: &'a PlanFile, only: &[i64]) -> anyhow::Result<Vec<&'a PlanRecord>> {
    if let Some(unknown) = only.iter().find(|party| file.records.iter().all(|r| r.party.0 != **party)) {
        let failed = Failed::new(ExitCode::Usage, format!("the plan says nothing about party {unknown}"));
        return Err(failed.help("name parties as they stand in the file").into());
    }
    Ok(file.records.iter().filter(|record| only.is_empty() || only.contains(&record.party.0)).collect())
}

async fn carry_out(wired: &mut Wired, records: &[&PlanRecord]) -> anyhow::Result<(Applied, ExitCode)> {
    let mut applied = Applied { connection: wired.name.clone(), ..Applied::default() };
    applied.not_reached = records.len() as u64;
    if let End::Stopped(pause) = until_read(&mut wired.engine, &TokioSleeper).await? {
        return Ok((applied, stopped(&wired.name, &pause.error)));
    }
    for some in records.chunks(BATCH) {
        let batch: Vec<Approved> = some.iter().map(|record| record.approved()).collect();
        let (fates, end) = until_carried_out(&mut wired.engine, &batch, &TokioSleeper).await?;
        let names: BTreeMap<PartyId, Option<String>> =
            some.iter().map(|record| (record.party, record.name.clone())).collect();
        for (party, fate) in fates {
            applied.not_reached = applied.not_reached.saturating_sub(1);
            let name = names.get(&party).cloned().flatten();
            match fate {
                Fate::Applied => applied.applied += 1,
                Fate::AlreadySo => applied.already_so += 1,
                Fate::Refused { applied: steps, moved } => {
                    applied.refused.push(Refused { party, name, moved, applied: steps });
                }
                Fate::Failed(why) => applied.failed.push(Failure { party, name, why }),
            }
        }
        if let End::Stopped(pause) = end {
            return Ok((applied, stopped(&wired.name, &pause.error)));
        }
    }
    Ok((applied, ExitCode::Ok))
}

fn told(applied: &Applied) -> String {
    let Applied {
        connection,
        applied,
        already_so,
        refused,
        failed,
        not_reached,
        handovers,
        pipedrive,
        erp: _,
    } = applied;
    let mut text = format!(
        "{connection}: {applied} applied, {already_so} already so, {} refused, {} failed, {not_reached} not reached; \
         {} tokens\n",
        refused.len(),
        failed.len(),
        pipedrive.tokens
    );
    // Writing to a String cannot fail.
    for Refused { party, name, moved, applied } in refused {
        let _ = writeln!(text, "\nrefused  {}  (party {party})", name.as_deref().unwrap_or("(no name)"));
        if *applied > 0 {
            let _ = writeln!(text, "    after {applied} of its steps");
        }
        for moved in moved {
            let _ = writeln!(text, "    {}", moved.what);
        }
    }
    for Failure { party, name, why } in failed {
        let _ = writeln!(text, "\nfailed  {}  (party {party})", name.as_deref().unwrap_or("(no name)"));
        let _ = writeln!(text, "    {why}");
    }
    for SetOff { organization, deal, name, result, why } in handovers {
        let name = name.as_deref().unwrap_or("(no name)");
        let result = result.replace('_', " ");
        let _ = writeln!(text, "\n{result}  {name}  (organization {organization}, deal {deal})");
        if let Some(why) = why {
            let _ = writeln!(text, "    {why}");
        }
    }
    text
}
