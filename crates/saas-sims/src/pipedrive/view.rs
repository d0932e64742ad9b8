//! What tests see of an organization.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::Value;

use super::fields::Fields;
use super::organizations::Organization;

/// An organization as it is stored, with its custom fields by name.
#[derive(Clone, Debug, PartialEq)]
pub struct OrganizationView {
    /// The organization's id.
    pub id: i64,
    /// Its name.
    pub name: String,
    /// Whether it was deleted.
    pub deleted: bool,
    /// Its owner's user id.
    pub owner_id: i64,
    /// Ids of its labels.
    pub label_ids: Vec<i64>,
    /// The free text of its address.
    pub address: Option<String>,
    /// Its website.
    pub website: Option<String>,
    /// Values of all custom fields by field name, null when unset. Of several fields with one name a set one wins.
    pub custom: BTreeMap<String, Value>,
    /// When it was created, in whole seconds.
    pub add_time: Timestamp,
    /// When it was last written to, in whole seconds.
    pub update_time: Timestamp,
}

impl OrganizationView {
    pub(super) fn of(organization: &Organization, fields: &Fields) -> Self {
        let mut custom: BTreeMap<String, Value> = BTreeMap::new();
        for field in fields.custom() {
            let value = organization.custom.get(&field.code).cloned().unwrap_or_default();
            let known = custom.entry(field.name.clone()).or_default();
            if known.is_null() {
                *known = value;
            }
        }
        Self {
            id: organization.id,
            name: organization.name.clone(),
            deleted: organization.is_deleted,
            owner_id: organization.owner_id,
            label_ids: organization.label_ids.clone(),
            address: organization.address["value"].as_str().map(str::to_owned),
            website: organization.plain.get("website").and_then(Value::as_str).map(str::to_owned),
            custom,
            add_time: organization.add_time,
            update_time: organization.update_time,
        }
    }
}
