//! The log of everything that changed, in order: what webhooks will be made from.

use jiff::Timestamp;
use serde::Serialize;
use serde_json::Value;

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

/// A value that was replaced.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Replaced {
    /// The attribute's name or the custom field's hash.
    pub key: String,
    /// The value before.
    pub old: Value,
    /// The value after.
    pub new: Value,
}

/// The record around a change, for those who tell of it; all of it is optional.
#[derive(Debug, Default)]
pub(crate) struct Around {
    /// The record before the change.
    pub(crate) before: Option<Value>,
    /// The record after it.
    pub(crate) after: Option<Value>,
    /// The record that this one was merged into.
    pub(crate) merged_to: Option<i64>,
    /// The record that was merged into this one.
    pub(crate) merged_from: Option<i64>,
}

impl Around {
    /// Old and new values of what changed, as far as they are known.
    pub(crate) fn replaced(&self, changed: &[String]) -> Vec<Replaced> {
        let (Some(before), Some(after)) = (&self.before, &self.after) else { return Vec::new() };
        let value = |record: &Value, key: &str| {
            record.get(key).or_else(|| record.get("custom_fields")?.get(key)).cloned().unwrap_or_default()
        };
        let of =
            |key: &String| Replaced { key: key.clone(), old: value(before, key), new: value(after, key) };
        changed.iter().map(of).collect()
    }
}

/// One change.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Event {
    /// When, in microseconds.
    pub time: Timestamp,
    /// `organization`, `deal`, `person`, `note`, `organizationField`, `organizationRelationship` and the like.
    pub entity: &'static str,
    /// The record's id or field code.
    pub entity_id: String,
    /// What happened.
    pub action: Action,
    /// Names of the attributes and hashes of the custom fields that got another value; empty when a write changed nothing.
    pub changed: Vec<String>,
    /// What the changed values were and became, where the write told.
    pub values: Vec<Replaced>,
    /// The user who did it.
    pub user_id: i64,
    /// How it was done.
    pub source: Source,
    /// Whether many records were changed at once.
    pub bulk: bool,
    /// The record that this one was merged into.
    pub merged_to: Option<i64>,
    /// The record that was merged into this one.
    pub merged_from: Option<i64>,
}
