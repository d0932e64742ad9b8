//! Deals of the CRM, notes on them, and how organizations belong together, free of any vendor's JSON.

use std::collections::BTreeMap;

use jiff::{Timestamp, civil::Date};
use serde::{Deserialize, Serialize};

use crate::{
    documents::{RollUpField, RollUpValue},
    handover::Answers,
    ids::{DealId, NoteId, OrgId, PersonId, RelationId},
    money::Money,
};

/// A deal as last read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CrmDeal {
    /// Its identity.
    pub id: DealId,
    /// What sales calls it.
    pub title: String,
    /// How it stands.
    pub status: DealStatus,
    /// What it is worth; recomputed by the CRM when it has products.
    pub value: Option<Money>,
    /// The customer; a deal may have none.
    pub org: Option<OrgId>,
    /// The person at the customer.
    pub person: Option<PersonId>,
    /// The salesperson.
    pub owner: Option<i64>,
    /// Its pipeline.
    pub pipeline: Option<i64>,
    /// Its stage.
    pub stage: Option<i64>,
    /// When it was won, whole seconds; gone again when it is reopened.
    pub won_at: Option<Timestamp>,
    /// When it was entered.
    pub added_at: Option<Timestamp>,
    /// The day on which it should close.
    pub expected_close: Option<Date>,
    /// Whether it is archived: out of all lists, read-only.
    pub archived: bool,
    /// `update_time`, whole seconds.
    pub updated_at: Timestamp,
    /// The custom fields that were asked for, by code and as they came; null when unset.
    pub custom: BTreeMap<String, serde_json::Value>,
    /// Ids of its labels.
    #[serde(default)]
    pub label_ids: Vec<i64>,
    /// What people read on it, as far as rules ask about it.
    #[serde(default, skip_serializing_if = "DealFacts::is_empty")]
    pub facts: DealFacts,
}

/// A person of the CRM, as far as the ERP is to know it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CrmPerson {
    /// Its identity.
    pub id: PersonId,
    /// The whole name; never blank.
    pub name: String,
    /// The first name, where the CRM tells it apart.
    pub first: Option<String>,
    /// The last name, where the CRM tells it apart.
    pub last: Option<String>,
    /// The e-mail address that is the main one.
    pub email: Option<String>,
    /// The telephone number that is the main one.
    pub phone: Option<String>,
}

/// What people read on a deal, as far as rules ask about it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct DealFacts {
    /// Its labels.
    pub labels: Vec<String>,
    /// Custom fields by the names that the rules have for them, each with what it says: of a field with several options all
    /// that are chosen.
    pub custom: BTreeMap<String, Vec<String>>,
    /// What our own answers say there.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub shown: Answers,
    /// What it shows of its documents.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub rolled: BTreeMap<RollUpField, RollUpValue>,
}

impl DealFacts {
    /// Whether nothing is known.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// How a deal stands (pipedrive.md 1.6).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DealStatus {
    /// Being worked on.
    Open,
    /// The customer bought.
    Won,
    /// The customer did not.
    Lost,
    /// In the bin, for 30 days.
    Deleted,
    /// Something we do not know.
    Other(String),
}

/// A note on a deal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CrmNote {
    /// Its identity.
    pub id: NoteId,
    /// The deal it hangs on.
    pub deal: Option<DealId>,
    /// HTML as the CRM kept it: sanitised, not what was sent.
    pub content: String,
    /// When it was last changed, whole seconds.
    pub updated_at: Option<Timestamp>,
    /// Whether it was deleted; it can still be read by id.
    pub deleted: bool,
}

/// One organization is a part of another.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Relation {
    /// Its identity.
    pub id: RelationId,
    /// The whole.
    pub parent: OrgId,
    /// The part.
    pub daughter: OrgId,
}
