//! Records as rows of the staging table, and back. The hash leaves out the change stamp: a record that was only
//! touched is not a changed record.

use jiff::Timestamp;
use serde::{Serialize, de::DeserializeOwned};
use sha2::{Digest, Sha256};
use sync_core::{
    fields::Field,
    hierarchy::ErpRelation,
    ids::PartyId,
    model::{AccountTerms, CrmOrg, ErpAccount, ErpParty, Malformed, Seen},
    value::Value,
};
use sync_store::StagedRow;

use crate::EngineError;

/// Turns a page of records into rows; gives back what has no id to be staged under.
pub(crate) fn rows<T>(seen: Vec<Seen<T>>, row: impl Fn(&T) -> StagedRow) -> (Vec<StagedRow>, Vec<Malformed>) {
    let mut rows = Vec::with_capacity(seen.len());
    let mut lost = Vec::new();
    for record in seen {
        match record {
            Seen::Record(record) => rows.push(row(&record)),
            Seen::Malformed(Malformed { id: Some(id), owner, updated_at, reason }) => rows.push(StagedRow {
                id,
                party: owner.map(|party| party.0),
                parent: None,
                stamp: updated_at.unwrap_or(Timestamp::UNIX_EPOCH),
                hash: digest(&reason),
                body: String::new(),
                malformed: Some(reason),
            }),
            Seen::Malformed(record) => lost.push(record),
        }
    }
    (rows, lost)
}

pub(crate) fn party(party: &ErpParty) -> StagedRow {
    let content = ErpParty { updated_at: Timestamp::UNIX_EPOCH, ..party.clone() };
    row(party.id.0, None, party.updated_at, &content, party)
}

pub(crate) fn account(account: &ErpAccount) -> StagedRow {
    let content = ErpAccount { updated_at: Timestamp::UNIX_EPOCH, ..account.clone() };
    row(account.id.0, Some(account.party.0), account.updated_at, &content, account)
}

/// Terms have the stamp of their account: once that is newer they are read again.
pub(crate) fn terms(account: &StagedRow, terms: &Seen<AccountTerms>) -> StagedRow {
    let (id, stamp) = (account.id, account.stamp);
    match terms {
        Seen::Record(terms) => row(id, Some(terms.party.0), stamp, terms, terms),
        Seen::Malformed(bad) => StagedRow {
            id,
            party: account.party,
            parent: None,
            stamp,
            hash: digest(&bad.reason),
            body: String::new(),
            malformed: Some(bad.reason.clone()),
        },
    }
}

pub(crate) fn relation(relation: &ErpRelation) -> StagedRow {
    let content = ErpRelation { updated_at: Timestamp::UNIX_EPOCH, ..relation.clone() };
    let staged = row(relation.id.0, Some(relation.daughter.0), relation.updated_at, &content, relation);
    StagedRow { parent: Some(relation.parent.0), ..staged }
}

pub(crate) fn org(org: &CrmOrg) -> StagedRow {
    row(org.id.0, carried_party(org).map(|party| party.0), org.updated_at, &org.values, org)
}

/// The party whose id the organization carries, if it carries a readable one.
pub(crate) fn carried_party(org: &CrmOrg) -> Option<PartyId> {
    org.values.get(&Field::ErpCustomerId).map(Value::text)?.trim().parse().ok().map(PartyId)
}

pub(crate) fn read<T: DeserializeOwned>(what: &'static str, row: &StagedRow) -> Result<T, EngineError> {
    serde_json::from_str(&row.body).map_err(|error| EngineError::Stored {
        what,
        id: row.id,
        reason: error.to_string(),
    })
}

fn row<C: Serialize, B: Serialize>(
    id: i64,
    party: Option<i64>,
    stamp: Timestamp,
    content: &C,
    body: &B,
) -> StagedRow {
    StagedRow {
        id,
        party,
        parent: None,
        stamp,
        hash: digest(&json(content)),
        body: json(body),
        malformed: None,
    }
}

/// Our own types always serialise: their map keys are names and their numbers are integers.
pub(crate) fn json<T: Serialize>(value: &T) -> String {
    serde_json::to_string(value).unwrap_or_default()
}

pub(crate) fn digest(text: &str) -> String {
    hex::encode(&Sha256::digest(text.as_bytes())[..16])
}
