//! From an organization to everything that is known about its handover.

use jiff::Timestamp;
use sync_core::{
    handover::{Handover, Looked, Paired, StagedDeal, Subject},
    ids::{OrgId, PartyId},
    model::ErpCustomer,
    situation::{CrmSide, Doubt},
};
use sync_store::{HandoverJob, HandoverRow, StagedKind, StagedRecord, Tx};

use crate::{EngineError, staging};

/// Everything known about an organization and its deals.
pub(crate) async fn situation(
    tx: &mut Tx,
    since: Timestamp,
    org: OrgId,
    looked: Looked,
    job: &HandoverJob,
    now: Timestamp,
) -> Result<(Handover, HandoverRow), EngineError> {
    let row = tx.handover(Subject::Org(org)).await?.unwrap_or_default();
    let staged = tx.staged(StagedKind::Org, &[org.0]).await?.remove(&org.0);
    let crm = crm_side(staged.as_ref())?;
    let carried = match &crm {
        CrmSide::Present { org, .. } => staging::carried_party(org),
        CrmSide::NoPair | CrmSide::Unknown | CrmSide::Malformed(_) | CrmSide::Absent { .. } => None,
    };
    let mut deals = Vec::new();
    for record in tx.staged_deals_of(org).await? {
        deals.push(StagedDeal { deal: staging::read("deal", &record.row)?, read_at: record.read_at });
    }
    let pair = match tx.pairs_by_org(&[org]).await?.remove(&org) {
        Some(party) => Some(Paired { party, customer: customer(tx, party).await? }),
        None => None,
    };
    let doubt = tx.erp_intent_of(org).await?.and_then(|intent| intent.settled_at);
    let handover = Handover {
        org,
        now,
        activated_at: since,
        crm,
        assigned_at: row.assigned_at,
        deals,
        pair,
        carried,
        made: row.made.clone(),
        looked,
        doubt: doubt.filter(|at| *at > now).map(|settled_at| Doubt { settled_at }),
        hold: row.question.clone(),
        try_again: job.origin.ends_with("answered retry"),
        answers: row.answers.clone(),
    };
    Ok((handover, row))
}

fn crm_side(record: Option<&StagedRecord>) -> Result<CrmSide, EngineError> {
    let Some(record) = record else { return Ok(CrmSide::Unknown) };
    if let (0, Some(reason)) = (record.missing, &record.row.malformed) {
        return Ok(CrmSide::Malformed(reason.clone()));
    }
    match record.missing {
        0 => {
            Ok(CrmSide::Present { org: staging::read("organization", &record.row)?, read_at: record.read_at })
        }
        1 => Ok(CrmSide::Unknown),
        _ => Ok(CrmSide::Absent { last_seen: record.read_at }),
    }
}

async fn customer(tx: &mut Tx, party: PartyId) -> Result<Option<ErpCustomer>, EngineError> {
    let Some(record) = tx.staged(StagedKind::Party, &[party.0]).await?.remove(&party.0) else {
        return Ok(None);
    };
    if record.missing >= 2 || record.row.malformed.is_some() {
        return Ok(None);
    }
    let mut accounts = Vec::new();
    for record in tx.staged_of_parties(StagedKind::Account, &[party.0]).await? {
        if record.missing < 2 && record.row.malformed.is_none() {
            accounts.push(staging::read("account", &record.row)?);
        }
    }
    Ok(Some(ErpCustomer::of(staging::read("party", &record.row)?, accounts)))
}
