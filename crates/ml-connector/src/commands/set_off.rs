//! Older won deals of a plan: asked for as `handovers ask` does, each only if it still waits as the plan showed it.

use serde::Serialize;
use sync_core::handover::Asked;
use sync_core::ids::{ConnectionId, DealId, OrgId};
use sync_core::ports::Clock as _;
use sync_engine::HandoverPlanner;
use sync_store::Store;

use crate::plan_file::PlannedHandover;
use crate::wire::SystemClock;

/// What became of a handover of a plan.
#[derive(Debug, Serialize)]
pub(super) struct SetOff {
    pub(super) organization: OrgId,
    pub(super) deal: DealId,
    pub(super) name: Option<String>,
    /// asked, already_asked or refused
    pub(super) result: &'static str,
    /// Why it was refused.
    pub(super) why: Option<String>,
}

impl SetOff {
    /// Whether it was not asked for.
    pub(super) fn is_refused(&self) -> bool {
        self.result == "refused"
    }
}

/// Asks for these by hand. A look at the store alone: whoever hands over looks at both systems again before each write.
pub(super) async fn set_off(
    planner: &HandoverPlanner,
    store: &Store,
    connection: ConnectionId,
    handovers: &[&PlannedHandover],
    by: &str,
) -> anyhow::Result<Vec<SetOff>> {
    let mut results = Vec::new();
    for planned in handovers {
        let PlannedHandover { organization, deal, name, .. } = planned;
        let (result, why) = match moved(planner, store, connection, planned).await? {
            Now::Same => {
                let now = SystemClock::start().now();
                store.ask_for_handover(connection, *organization, Asked::Deal(*deal), by, now).await?;
                ("asked", None)
            }
            Now::Asked => ("already_asked", None),
            Now::Moved(why) => ("refused", Some(why)),
        };
        results.push(SetOff { organization: *organization, deal: *deal, name: name.clone(), result, why });
    }
    Ok(results)
}

/// How a planned handover stands now.
enum Now {
    Same,
    Asked,
    Moved(String),
}

async fn moved(
    planner: &HandoverPlanner,
    store: &Store,
    connection: ConnectionId,
    planned: &PlannedHandover,
) -> anyhow::Result<Now> {
    let PlannedHandover { organization, deal, digest, .. } = planned;
    let subject = sync_core::handover::Subject::Org(*organization);
    let known = store.read(connection).await?.handover(subject).await?;
    if known.is_some_and(|row| row.answers.asked.contains(&Asked::Deal(*deal))) {
        return Ok(Now::Asked);
    }
    Ok(match planner.waits(*organization, *deal).await?? {
        Some(found) if found.digest == *digest => Now::Same,
        Some(_) => Now::Moved("the deal, its organization or what the ERP has of it changed since".to_owned()),
        None => Now::Moved(
            "it does not wait any more: it is a customer, the deal is no longer won, or somebody is asked about it".to_owned(),
        ),
    })
}
