//! A page of what would be written, for console and API.

use std::collections::BTreeSet;

use serde::Serialize;
use sync_core::{hold::HoldReason, ids::PartyId};
use sync_engine::{EngineError, Planner};
use utoipa::ToSchema;

use super::{
    Paged,
    plan::{Entry, Totals},
};

/// A page of a plan.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct PlanPage {
    /// Records by what would be done, of those looked at for this page.
    pub(crate) totals: Totals,
    /// What their writes cost, in the CRM's tokens.
    pub(crate) tokens: u64,
    /// Parties among them that the mass guard holds: what is shown of them is written once the question about it is answered
    /// with `go`.
    pub(crate) held_by_guard: Vec<i64>,
    /// The records about which there is something to say.
    #[serde(flatten)]
    pub(crate) records: Paged<Entry>,
}

impl PlanPage {
    /// Whether the mass guard holds this record.
    pub(crate) fn holds(&self, record: &Entry) -> bool {
        self.held_by_guard.contains(&record.party)
    }
}

/// Why there is no plan.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PlanError {
    /// Half of the records is not known.
    #[error("both systems were not read completely yet")]
    NotLoaded,
    /// The CRM did not answer.
    #[error("{0}")]
    Remote(sync_core::error::CallError),
    /// The store refused.
    #[error(transparent)]
    Engine(#[from] EngineError),
}

/// The next records of the queue, and of those that the mass guard holds, after a party.
pub(crate) async fn plan_page(
    planner: &Planner,
    after: Option<i64>,
    limit: u32,
) -> Result<PlanPage, PlanError> {
    if !planner.is_loaded().await? {
        return Err(PlanError::NotLoaded);
    }
    let page = planner.page(after.map(PartyId), limit).await?.map_err(PlanError::Remote)?;
    let next_cursor =
        page.last().filter(|_| page.len() >= limit as usize).map(|last| last.party.0.to_string());
    let (mut totals, mut items) = (Totals::default(), Vec::new());
    for foreseen in &page {
        totals.count(foreseen);
        let entry = Entry::of(foreseen, |step| planner.crm.price(step));
        if !entry.is_quiet() {
            items.push(entry);
        }
    }
    let mut tx = planner.store.read(planner.connection).await.map_err(EngineError::from)?;
    let held = tx.held_parties(HoldReason::MASS_CHANGE).await.map_err(EngineError::from)?;
    let held: BTreeSet<i64> = held.into_iter().map(|party| party.0).collect();
    let held_by_guard = items.iter().map(|entry| entry.party).filter(|party| held.contains(party)).collect();
    let tokens = items.iter().map(|entry| entry.tokens).sum();
    Ok(PlanPage { totals, tokens, held_by_guard, records: Paged { items, next_cursor } })
}
