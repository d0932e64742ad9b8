//! Organizations: the record, and all of them with the indexes that keep a walk over 100,000 of them linear.

mod endpoints;
mod list;

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde_json::{Map, Value, json};

pub(crate) use endpoints::{create, delete, one, update};
pub(crate) use list::list;

use super::fields::Fields;
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
    /// The record as it is read: every custom field of the company, null when unset; or only those in `only`.
    pub(crate) fn json(&self, fields: &Fields, only: Option<&[&str]>) -> Value {
        let shown = fields
            .custom()
            .iter()
            .filter(|field| only.is_none_or(|only| only.contains(&field.code.as_str())));
        let custom: Map<String, Value> = shown
            .map(|field| {
                let value = self.custom.get(&field.code).cloned().unwrap_or_default();
                let value = if field.kind == "address" { address_for_reading(&value) } else { value };
                (field.code.clone(), value)
            })
            .collect();
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
            "custom_fields": custom,
        });
        for name in PLAIN {
            record[name] = self.plain.get(name).cloned().unwrap_or_default();
        }
        record
    }

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
        let codes: BTreeSet<&String> = self.custom.keys().chain(old.custom.keys()).collect();
        changed.extend(
            codes.into_iter().filter(|code| self.custom.get(*code) != old.custom.get(*code)).cloned(),
        );
        changed
    }
}

/// All organizations, deleted ones included.
#[derive(Debug, Default)]
pub(crate) struct Organizations {
    all: BTreeMap<i64, Organization>,
    /// The living by update time and by add time.
    by_update: BTreeSet<(Timestamp, i64)>,
    by_add: BTreeSet<(Timestamp, i64)>,
}

impl Organizations {
    pub(crate) fn next_id(&self) -> i64 {
        self.all.last_key_value().map_or(1, |(id, _)| id + 1)
    }

    pub(crate) fn get(&self, id: i64) -> Option<&Organization> {
        self.all.get(&id)
    }

    pub(crate) fn all(&self) -> impl Iterator<Item = &Organization> {
        self.all.values()
    }

    pub(crate) fn put(&mut self, organization: Organization) {
        if let Some(old) = self.all.remove(&organization.id) {
            self.by_update.remove(&(old.update_time, old.id));
            self.by_add.remove(&(old.add_time, old.id));
        }
        if !organization.is_deleted {
            self.by_update.insert((organization.update_time, organization.id));
            self.by_add.insert((organization.add_time, organization.id));
        }
        self.all.insert(organization.id, organization);
    }
}
