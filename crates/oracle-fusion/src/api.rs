//! The calls, one file each.

pub(crate) mod describe;
pub(crate) mod documents;
pub(crate) mod hub_organizations;
pub(crate) mod parties;
pub(crate) mod persons;
pub(crate) mod receivables_customer_account_activities;
pub(crate) mod relationships;
pub(crate) mod set_assignments;

use serde::Deserialize;
use serde_json::Value;

/// A page as every collection answers it (oracle-fusion.md 4.1). Items stay unread, so that a bad one spoils
/// nothing but itself. `count`, `limit`, `offset`, `totalResults` and `links` are not needed.
#[derive(Debug, Deserialize)]
pub(crate) struct Collection {
    /// The rows; their number may be smaller than asked for.
    pub(crate) items: Vec<Value>,
    /// Whether more rows follow. Not defaulted: without it a walk would seem to end.
    #[serde(rename = "hasMore")]
    pub(crate) has_more: bool,
}
