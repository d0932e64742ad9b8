//! `fit`: whether two real systems fit and what it would be like, measured by reading alone. [`measure`] looks, [`tally`]
//! counts what would be done, [`costs`] knows what that costs on which plan.

mod costs;
mod tally;

use std::sync::Arc;

use jiff::SignedDuration;
use saas_http::TokioSleeper as Waiting;
use sync_core::ports::Missing;
use sync_engine::daemon::{End, TokioSleeper, heartbeat, until_surveyed};
use sync_engine::lease::Lease;
use sync_engine::{Planner, Watch};
use sync_store::{StagedKind, Volume};
use sync_web::fit::{FirstSync, FitFinding, FitReport, NotMapped, Took, VolumeTold};

use crate::check::{self, Means, Report, observe};
use crate::clients::{Clients, crm_transport, erp_transport, system_seed};
use crate::config::Connection;
use crate::wire::{Process, Wired};

/// An hour, as records are counted by.
const HOUR: i64 = 3_600;

/// Whether both systems let us in and have what we need.
pub(crate) async fn checked(process: &Process<'_>, connection: &Connection) -> Report {
    let means = Means {
        clients: Clients { env: process.env, clock: process.clock.clone(), seed: &system_seed },
        sleeper: Arc::new(Waiting),
        store: Ok(&process.store),
        erp: erp_transport(&connection.oracle),
        crm: crm_transport(&connection.pipedrive),
    };
    check::judge(connection, &observe(connection, means).await)
}

/// Measures a connection and keeps the report. Only reads: where another process holds the connection, what that process has
/// read is counted.
///
/// # Errors
/// When a secret is missing or the store fails. What the two systems refuse is told in the report.
pub async fn measure(
    process: &Process<'_>,
    connection: &Connection,
    watch: Arc<dyn Watch>,
) -> anyhow::Result<FitReport> {
    let checked = checked(process, connection).await;
    let mut took = Took {
        erp_requests: checked.spent.erp_requests,
        crm_requests: checked.spent.pipedrive_requests,
        tokens: checked.spent.pipedrive_tokens,
    };
    let known = match checked.fits {
        true => first_sync(process, connection, watch, &mut took).await?,
        false => Err("what stands in the way has to be put right first".to_owned()),
    };
    let report = put_together(process, connection, checked, known, took).await?;
    let body = serde_json::to_string(&report)?;
    let id = process.number(connection).await?;
    process.store.put_fit(id, process.clock.now(), &body).await?;
    Ok(report)
}

/// What a sync would do now, or why that is not known.
async fn first_sync(
    process: &Process<'_>,
    connection: &Connection,
    watch: Arc<dyn Watch>,
    took: &mut Took,
) -> anyhow::Result<Result<FirstSync, String>> {
    match process.take(connection).await? {
        Ok(lease) => alone(process, connection, lease, watch, took).await,
        Err(owner) => {
            let id = process.number(connection).await?;
            let planner = process.planner_beside(connection, id)?;
            if !planner.is_loaded().await? {
                return Ok(Err(format!(
                    "{owner} reads both sides for the first time; look again when it is done"
                )));
            }
            tally::count(connection, &planner, &Missing::default()).await
        }
    }
}

/// Reads what is due, and moves nothing.
async fn alone(
    process: &Process<'_>,
    connection: &Connection,
    lease: Lease,
    watch: Arc<dyn Watch>,
    took: &mut Took,
) -> anyhow::Result<Result<FirstSync, String>> {
    let mut wired = process.wire_with(connection, lease, watch).await?;
    let lease = wired.lease.clone();
    let working = async {
        let mut survey = wired.engine.begin_survey().await?;
        let end = until_surveyed(&mut wired.engine, &mut survey, &TokioSleeper).await?;
        if let End::Stopped(pause) = end {
            return Ok(Err(pause.error.to_string()));
        }
        let missing = survey.missing().cloned().unwrap_or_default();
        let planner: Planner = wired.engine.planner(false);
        tally::count(connection, &planner, &missing).await
    };
    let counted = tokio::select! {
        biased;
        counted = working => counted,
        lost = heartbeat(&lease, &TokioSleeper) => Err(lost.into()),
    };
    spent(wired, took).await?;
    counted
}

async fn spent(wired: Wired, took: &mut Took) -> anyhow::Result<()> {
    let summary = wired.finish().await?;
    took.erp_requests += summary.erp.requests;
    took.crm_requests += summary.pipedrive.requests;
    took.tokens += summary.pipedrive.tokens;
    Ok(())
}

async fn put_together(
    process: &Process<'_>,
    connection: &Connection,
    checked: Report,
    known: Result<FirstSync, String>,
    took: Took,
) -> anyhow::Result<FitReport> {
    let id = process.number(connection).await?;
    let now = process.clock.now();
    let mut tx = process.store.read(id).await?;
    let mut volumes = Vec::new();
    for (kind, what) in KINDS {
        let volume = tx.volume(kind, now - SignedDuration::from_hours(24 * 7)).await?;
        volumes.push(told(what, &volume, now.as_second() / HOUR));
    }
    let pairs = tx.pair_count().await?;
    drop(tx);
    let (first_sync, not_known) = match known {
        Ok(mut first) => {
            first.paired = pairs;
            first.not_mapped.extend(left_alone(&first, &volumes));
            (Some(first), None)
        }
        Err(why) => (None, Some(why)),
    };
    let changed = volumes.iter().find(|volume| volume.what == PARTIES).map_or(0, |volume| volume.last_week);
    let organizations =
        volumes.iter().find(|volume| volume.what == ORGANIZATIONS).map_or(0, |one| one.records);
    // Changes of parties that are none of our customers are looked at, and cost nothing.
    let ours = first_sync.as_ref().map_or(0, |first| first.customers.max(pairs));
    let each_day = costs::each_day(connection, changed.min(ours).div_ceil(7), organizations);
    let tokens = first_sync.as_ref().map(|first| first.tokens);
    Ok(FitReport {
        connection: connection.name.clone(),
        made_at: format!("{now:.0}"),
        fits: checked.fits,
        findings: checked.findings.into_iter().map(finding).collect(),
        volumes,
        first_sync,
        not_known,
        each_day,
        plans: costs::plans(connection, tokens, each_day),
        took,
    })
}

const PARTIES: &str = "parties";
const ORGANIZATIONS: &str = "organizations";

/// What is counted.
const KINDS: [(StagedKind, &str); 3] =
    [(StagedKind::Party, PARTIES), (StagedKind::Account, "accounts"), (StagedKind::Org, ORGANIZATIONS)];

/// A volume for people; `hour` is now, in hours since 1970.
fn told(what: &str, volume: &Volume, hour: i64) -> VolumeTold {
    // An hour is not over: the last one is what remains of it and the one before.
    let since = |hours: i64| volume.changed.range(hour - hours..).map(|(_, count)| count).sum();
    VolumeTold {
        what: what.to_owned(),
        records: volume.records,
        malformed: volume.malformed,
        last_hour: since(1),
        last_day: since(24),
        last_week: since(24 * 7),
        busiest_hour: volume.changed.values().copied().max().unwrap_or_default(),
    }
}

/// Records that no sync would touch.
fn left_alone(first: &FirstSync, volumes: &[VolumeTold]) -> Vec<NotMapped> {
    let mut left = Vec::new();
    let organizations = volumes.iter().find(|volume| volume.what == ORGANIZATIONS);
    let free = organizations.map_or(0, |one| one.records.saturating_sub(first.paired + first.matched));
    if free > 0 {
        left.push(NotMapped {
            what: "organizations".to_owned(),
            records: free,
            why: "no customer of the ERP is theirs; they are left as they are".to_owned(),
        });
    }
    for volume in volumes.iter().filter(|volume| volume.malformed > 0) {
        left.push(NotMapped {
            what: volume.what.clone(),
            records: volume.malformed,
            why: "they cannot be understood; `ml-connector holds list` tells why".to_owned(),
        });
    }
    left
}

/// A finding as it is told.
pub(crate) fn finding(finding: check::Finding) -> FitFinding {
    let check::Finding { name, severity, seen, remedy } = finding;
    let (remedy, place) = remedy.map(|remedy| (remedy.what, remedy.place)).unzip();
    FitFinding { name: name.to_owned(), severity, seen, remedy, place }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    #[test]
    fn changes_are_counted_by_how_long_ago_they_were() {
        let changed = BTreeMap::from([(1_000, 1), (999, 2), (998, 4), (976, 8), (975, 16), (832, 32)]);
        let volume = Volume { records: 100, malformed: 3, changed };
        let told = told("parties", &volume, 1_000);
        assert_eq!((told.last_hour, told.last_day, told.last_week, told.busiest_hour), (3, 15, 63, 32));
    }

    #[test]
    fn what_nobody_would_touch_is_told() {
        let volume = |what: &str, records, malformed| VolumeTold {
            what: what.to_owned(),
            records,
            malformed,
            last_hour: 0,
            last_day: 0,
            last_week: 0,
            busiest_hour: 0,
        };
        let volumes = [volume("parties", 9, 2), volume("organizations", 10, 0)];
        let first = FirstSync { paired: 3, matched: 2, ..FirstSync::default() };
        let left: Vec<(String, u64)> =
            left_alone(&first, &volumes).into_iter().map(|one| (one.what, one.records)).collect();
        assert_eq!(left, [("organizations".to_owned(), 5), ("parties".to_owned(), 2)]);
    }
}
