//! Persons: the record and how it is read (section 1.1, SPEC-v2).

mod endpoints;
mod write;

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::{Value, json};

pub(crate) use endpoints::{create, delete, list, one, update};

use super::attributes;
use super::entity::Entity;
use super::fields::Fields;
use super::show;
use super::table::{Link, Row};

/// An e-mail address or a telephone number.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Contact {
    pub(crate) value: String,
    pub(crate) primary: bool,
    pub(crate) label: String,
}

/// One person. Times are in whole seconds.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Person {
    pub(crate) id: i64,
    pub(crate) name: String,
    pub(crate) owner_id: i64,
    pub(crate) org_id: Option<i64>,
    pub(crate) add_time: Timestamp,
    pub(crate) update_time: Timestamp,
    pub(crate) emails: Vec<Contact>,
    pub(crate) phones: Vec<Contact>,
    pub(crate) is_deleted: bool,
    pub(crate) visible_to: i64,
    pub(crate) label_ids: Vec<i64>,
    pub(crate) custom: BTreeMap<String, Value>,
}

impl Person {
    /// Names of the attributes and custom fields that differ, times aside.
    pub(crate) fn changed_from(&self, old: &Self) -> Vec<String> {
        let same = [
            ("name", self.name == old.name),
            ("owner_id", self.owner_id == old.owner_id),
            ("org_id", self.org_id == old.org_id),
            ("emails", self.emails == old.emails),
            ("phones", self.phones == old.phones),
            ("visible_to", self.visible_to == old.visible_to),
            ("label_ids", self.label_ids == old.label_ids),
        ];
        let plain = same.into_iter().filter(|(_, same)| !same).map(|(name, _)| name.to_owned());
        plain.chain(attributes::changed_custom(&self.custom, &old.custom)).collect()
    }
}

impl Row for Person {
    const ENTITY: Entity = Entity::Person;

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
        self.org_id.map(Link::Organization).into_iter().collect()
    }

    fn custom(&self) -> &BTreeMap<String, Value> {
        &self.custom
    }

    fn custom_mut(&mut self) -> &mut BTreeMap<String, Value> {
        &mut self.custom
    }

    fn json(&self, fields: &Fields, only: Option<&[&str]>) -> Value {
        let (first, last) =
            self.name.split_once(' ').map_or((self.name.as_str(), None), |(a, b)| (a, Some(b)));
        let contacts = |all: &[Contact]| {
            let one = |at: &Contact| json!({"value": at.value, "primary": at.primary, "label": at.label});
            all.iter().map(one).collect::<Vec<_>>()
        };
        json!({
            "id": self.id,
            "name": self.name,
            "first_name": first,
            "last_name": last,
            "owner_id": self.owner_id,
            "org_id": self.org_id,
            "add_time": self.add_time.to_string(),
            "update_time": self.update_time.to_string(),
            "emails": contacts(&self.emails),
            "phones": contacts(&self.phones),
            "is_deleted": self.is_deleted,
            "visible_to": self.visible_to,
            "label_ids": self.label_ids,
            "picture_id": null,
            "custom_fields": show::custom(&self.custom, fields, only),
        })
    }
}
