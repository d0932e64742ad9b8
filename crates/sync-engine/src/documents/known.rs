//! What is known when it is decided what a deal shows: its documents and what was shown, as stored, and the deal as last read.

use std::collections::BTreeMap;

use jiff::{Timestamp, civil::Date, tz::TimeZone};
use sync_core::{
    deals::{CrmDeal, DealStatus},
    documents::{DealHere, DealState, Document, DocumentKind, RollUpField, RollUpValue, Shown},
    ids::DealId,
    model::Seen,
};
use sync_store::Tx;

use super::stream::kind_of;
use crate::{EngineError, staging};

pub(super) async fn documents_on(tx: &mut Tx, deal: DealId) -> Result<Vec<Document>, EngineError> {
    let rows = tx.documents_of(&[deal]).await?;
    let mut documents = Vec::with_capacity(rows.len());
    for kind in DocumentKind::ALL.map(kind_of) {
        let ids: Vec<i64> = rows.iter().filter(|row| row.id.kind == kind).map(|row| row.id.id).collect();
        for record in tx.staged(kind, &ids).await?.into_values() {
            if record.row.malformed.is_none() {
                documents.push(staging::read("document", &record.row)?);
            }
        }
    }
    Ok(documents)
}

pub(super) fn shown(deal: DealId, stored: Option<&str>) -> Result<Shown, EngineError> {
    let Some(body) = stored else { return Ok(Shown::default()) };
    serde_json::from_str(body).map_err(|error| EngineError::Stored {
        what: "what a deal shows",
        id: deal.0,
        reason: error.to_string(),
    })
}

pub(super) fn found(id: DealId, deals: &[Seen<CrmDeal>]) -> Option<CrmDeal> {
    deals.iter().find_map(|seen| match seen {
        Seen::Record(deal) if deal.id == id => Some(deal.clone()),
        Seen::Record(_) | Seen::Malformed(_) => None,
    })
}

/// What became of a deal as it was read, and where it went, if that was told.
pub(super) fn state_of(deal: Option<&CrmDeal>, merged: Option<DealId>) -> DealState {
    let deal = match (deal.filter(|deal| deal.status != DealStatus::Deleted), merged) {
        (Some(deal), _) => deal,
        (None, Some(into)) => return DealState::Merged { into },
        (None, None) if deal.is_some() => return DealState::Deleted,
        (None, None) => return DealState::Missing,
    };
    DealState::Here(DealHere {
        status: deal.status.clone(),
        currency: deal.value.as_ref().map(|value| value.currency.clone()).unwrap_or_default(),
        owner: deal.owner,
        archived: deal.archived,
    })
}

pub(super) fn rolled(deal: Option<&CrmDeal>) -> Option<BTreeMap<RollUpField, RollUpValue>> {
    deal.map(|deal| deal.facts.rolled.clone())
}

/// When time alone changes what a deal shows: the day after the next unpaid one is due.
pub(super) fn next_look(documents: &[Document], today: Date) -> Option<Timestamp> {
    let due = documents.iter().flat_map(|document| document.unpaid(4)).filter_map(|part| part.due);
    let next = due.filter(|due| *due >= today).min()?.tomorrow().ok()?;
    Some(next.to_zoned(TimeZone::UTC).ok()?.timestamp())
}
