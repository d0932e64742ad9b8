//! Organizations: the record and how it is read (section 1.5).

mod endpoints;
mod list;

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::{Value, json};

pub(crate) use endpoints::{create, delete, one, restore, update};
pub(crate) use list::list;

use super::attributes;
use super::entity::Entity;
use super::fields::Fields;
use super::show;
use super::table::{Link, Row, Table};
use super::values::address_for_reading;

/// Optional built-in attributes.
pub(crate) const PLAIN: [&str; 5] = ["website", "linkedin", "industry", "annual_revenue", "employee_count"];

/// One organization. Times are in whole seconds.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Organization {
    pub(crate) id: i64,
    pub(crate) name: String,
    pub(crate) owner_id: i64,
    pub(crate) add_time: Timestamp,
    pub(crate) update_time: Timestamp,
    pub(crate) is_deleted: bool,
    pub(crate) visible_to: i64,
    pub(crate) label_ids: Vec<i64>,
    /// The address with all its parts, or null.
    pub(crate) address: Value,
    /// The optional built-in attributes that are set.
    pub(crate) plain: BTreeMap<&'static str, Value>,
    /// The custom fields that are set, by code.
    pub(crate) custom: BTreeMap<String, Value>,
}

impl Organization {
    /// Names of the attributes and custom fields that differ, times aside.
    pub(crate) fn changed_from(&self, old: &Self) -> Vec<String> {
        let mut changed = Vec::new();
        let same = [
            ("name", self.name == old.name),
            ("owner_id", self.owner_id == old.owner_id),
            ("visible_to", self.visible_to == old.visible_to),
            ("label_ids", self.label_ids == old.label_ids),
            ("address", self.address == old.address),
        ];
        changed.extend(same.into_iter().filter(|(_, same)| !same).map(|(name, _)| name.to_owned()));
        let plain = PLAIN.into_iter().filter(|name| self.plain.get(name) != old.plain.get(name));
        changed.extend(plain.map(str::to_owned));
        changed.extend(attributes::changed_custom(&self.custom, &old.custom));
        changed
    }
}

/// All organizations, deleted ones included.
pub(crate) type Organizations = Table<Organization>;

impl Row for Organization {
    const ENTITY: Entity = Entity::Organization;

    fn id(&self) -> i64 {
        self.id
    }

    fn owner_id(&self) -> i64 {
        self.owner_id
    }

    fn add_time(&self) -> Timestamp {
        self.add_time
    }

    fn update_time(&self) -> Timestamp {
        self.update_time
    }

    fn set_update_time(&mut self, at: Timestamp) {
        self.update_time = at;
    }

    fn is_deleted(&self) -> bool {
        self.is_deleted
    }

    fn links(&self) -> Vec<Link> {
        Vec::new()
    }

    fn custom(&self) -> &BTreeMap<String, Value> {
        &self.custom
    }

    fn custom_mut(&mut self) -> &mut BTreeMap<String, Value> {
        &mut self.custom
    }

    fn json(&self, fields: &Fields, only: Option<&[&str]>) -> Value {
        let mut record = json!({
            "id": self.id,
            "name": self.name,
            "owner_id": self.owner_id,
            "add_time": self.add_time.to_string(),
            "update_time": self.update_time.to_string(),
            "is_deleted": self.is_deleted,
            "visible_to": self.visible_to,
            "label_ids": self.label_ids,
            "address": address_for_reading(&self.address),
            "custom_fields": show::custom(&self.custom, fields, only),
        });
        for name in PLAIN {
            record[name] = self.plain.get(name).cloned().unwrap_or_default();
        }
        record
    }
}
