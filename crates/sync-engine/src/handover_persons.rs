//! Persons that were made in the ERP a moment ago: one person of the CRM may be on the deals of several organizations, and what
//! was made for one of them is not yet found by our name for it when the next one asks (oracle-fusion.md 9, index lag).

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use sync_core::{
    customers::ErpPerson,
    handover::{MadePerson, Piece},
    ids::{OrgId, PersonId},
    model::PartyStatus,
};
use sync_store::Tx;

use crate::EngineError;

/// Name of the row that holds them.
const RECENT: &str = "persons";

/// Persons by their numbers in the CRM; older ones than `settle` are found in the ERP.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Recent(BTreeMap<PersonId, (MadePerson, Timestamp)>);

/// Remembers a person that was made or found after a doubt.
pub(crate) async fn remember(
    tx: &mut Tx,
    of: PersonId,
    person: &MadePerson,
    (now, settle): (Timestamp, SignedDuration),
) -> Result<(), EngineError> {
    let Recent(mut known) = tx.cursor(RECENT).await?.unwrap_or_default();
    known.retain(|_, (_, at)| now.duration_since(*at) <= settle);
    known.insert(of, (person.clone(), now));
    Ok(tx.put_cursor(RECENT, &Recent(known), now).await?)
}

/// The person, if it was made so recently that the ERP's search need not show it.
pub(crate) async fn recent(
    tx: &mut Tx,
    of: PersonId,
    (now, settle): (Timestamp, SignedDuration),
) -> Result<Option<ErpPerson>, EngineError> {
    let Recent(mut known) = tx.cursor(RECENT).await?.unwrap_or_default();
    let found = known.remove(&of).filter(|(_, at)| now.duration_since(*at) <= settle);
    Ok(found.map(|(MadePerson { id, number }, _)| ErpPerson { id, number, status: PartyStatus::Active }))
}

/// Whether the same person is just being made for another organization, or may have been: from when on that can be told.
pub(crate) async fn made_for_another(
    tx: &mut Tx,
    org: OrgId,
    of: PersonId,
) -> Result<Option<Option<Timestamp>>, EngineError> {
    let open = tx.erp_intents().await?;
    let same = open.into_iter().find(|intent| {
        intent.new.org != org && matches!(&intent.new.piece, Piece::Person { of: other, .. } if *other == of)
    });
    Ok(same.map(|intent| intent.settled_at))
}
