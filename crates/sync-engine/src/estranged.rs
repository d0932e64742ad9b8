//! Parties that a handover created for an organization which belonged to another party by the time that their identity was known:
//! sales merged a customer's organization into it while the answer was lost. The handover asks a person which of the two it is;
//! until then the customer flow must not take the new party for a customer that nobody in the CRM knows.

use std::collections::BTreeMap;

use jiff::Timestamp;
use sync_core::{
    budget::Class,
    ids::{OrgId, PartyId},
};
use sync_store::Tx;

use crate::EngineError;

/// Name of the row that holds them.
const ESTRANGED: &str = "estranged";

/// They, with the organizations that they were created for.
pub(crate) async fn estranged(tx: &mut Tx) -> Result<BTreeMap<PartyId, OrgId>, EngineError> {
    Ok(tx.cursor(ESTRANGED).await?.unwrap_or_default())
}

/// Remembers that a party was created for an organization which belongs to another one.
pub(crate) async fn remember(
    tx: &mut Tx,
    party: PartyId,
    org: OrgId,
    now: Timestamp,
) -> Result<(), EngineError> {
    let mut known = estranged(tx).await?;
    known.insert(party, org);
    Ok(tx.put_cursor(ESTRANGED, &known, now).await?)
}

/// The party has found its place. Tells whether it had none.
pub(crate) async fn settled(tx: &mut Tx, party: PartyId, now: Timestamp) -> Result<bool, EngineError> {
    let mut known = estranged(tx).await?;
    let had_none = known.remove(&party).is_some();
    if had_none {
        tx.put_cursor(ESTRANGED, &known, now).await?;
    }
    Ok(had_none)
}

/// A person said that the organization is the other party's: what was created stands for the same company and gets no organization
/// of its own.
pub(crate) async fn is_alias(
    tx: &mut Tx,
    party: PartyId,
    of: PartyId,
    now: Timestamp,
) -> Result<(), EngineError> {
    if !settled(tx, party, now).await? {
        return Ok(());
    }
    let mut answers = tx.answers(&[party]).await?.remove(&party).unwrap_or_default();
    answers.alias_of = Some(of);
    tx.remember(party, &answers, "the answer about its organization", now).await?;
    Ok(tx.enqueue(&[party, of], Class::Edit, now, "it is an alias of the other party").await?)
}
