//! The log of everything that changed, in order: what webhooks will be made from.

use jiff::Timestamp;
use serde::Serialize;

/// Where a change came from, as `change_source` says it (section 5.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Source {
    /// The REST API.
    Api,
    /// A person in the web application.
    App,
}

/// What happened to the record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Action {
    /// It was created.
    Create,
    /// It was written to; see [`Event::changed`].
    Change,
    /// It was deleted.
    Delete,
}

/// One change.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Event {
    /// When, in microseconds.
    pub time: Timestamp,
    /// `organization`, `deal`, `person`, or one of these with `Field` at its end.
    pub entity: &'static str,
    /// The record's id or field code.
    pub entity_id: String,
    /// What happened.
    pub action: Action,
    /// Names of the attributes and hashes of the custom fields that got another value; empty when a write changed nothing.
    pub changed: Vec<String>,
    /// The user who did it.
    pub user_id: i64,
    /// How it was done.
    pub source: Source,
    /// Of a deletion by merge: the record that survived.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub merged_to_id: Option<i64>,
    /// Of a change by merge: the record that was merged into this one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub merged_from_id: Option<i64>,
}
