//! What handovers of other organizations made of the same party. Sales merges one organization into another while a customer is
//! being created for it: the survivor gets the party, and goes on with what is there.

use jiff::Timestamp;
use sync_core::{
    handover::Subject,
    ids::{AccountId, OrgId, PartyId},
};
use sync_store::Tx;

use crate::EngineError;

/// From when on it can be told what became of the writes about the party that were sent for other organizations; none where all
/// are answered.
pub(crate) async fn in_doubt_elsewhere(
    tx: &mut Tx,
    org: OrgId,
    party: PartyId,
    now: Timestamp,
) -> Result<Option<Timestamp>, EngineError> {
    let mut settled = None;
    for intent in tx.erp_intents().await?.into_iter().filter(|intent| intent.new.org != org) {
        let row = tx.handover(Subject::Org(intent.new.org)).await?;
        if row.and_then(|row| row.made.party).is_some_and(|made| made.id == party) {
            settled = settled.max(Some(intent.settled_at.unwrap_or(now)));
        }
    }
    Ok(settled)
}

/// Whether we created an account of the party for another organization: then it is ours, and what it lacks is not left to others.
pub(crate) async fn created_elsewhere(
    tx: &mut Tx,
    org: OrgId,
    party: PartyId,
    account: AccountId,
) -> Result<bool, EngineError> {
    for other in tx.orgs_handed_over(party).await?.into_iter().filter(|other| *other != org) {
        let row = tx.handover(Subject::Org(other)).await?;
        if row.and_then(|row| row.made.account).is_some_and(|made| made.id == account && made.ours) {
            return Ok(true);
        }
    }
    Ok(false)
}
