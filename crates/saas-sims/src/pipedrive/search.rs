//! The search index (section 7): it lags, and it keeps what was deleted until the purge.

use std::collections::{BTreeMap, VecDeque};

use jiff::Timestamp;
use serde_json::Value;

use super::deals::{Deal, Status};
use super::entity::Entity;
use super::fields::{Fields, SEARCHABLE};
use super::organizations::Organization;
use super::persons::Person;
use super::table::Row;

/// What the index knows about a record.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    pub(crate) name: String,
    pub(crate) owner_id: i64,
    pub(crate) visible_to: i64,
    pub(crate) org_id: Option<i64>,
    pub(crate) person_id: Option<i64>,
    /// Searchable texts by the group that `fields` names.
    pub(crate) texts: Vec<(&'static str, String)>,
    /// Searchable custom values by code.
    pub(crate) values: BTreeMap<String, String>,
    /// Of a deal.
    pub(crate) deal: Option<DealEntry>,
}

#[derive(Clone, Debug)]
pub(crate) struct DealEntry {
    pub(crate) value: serde_json::Number,
    pub(crate) currency: String,
    pub(crate) status: Status,
    pub(crate) stage_id: i64,
    pub(crate) is_archived: bool,
}

/// A record that can be searched for.
pub(crate) trait Indexed: Row {
    fn entry(&self, fields: &Fields) -> Entry;
}

/// An entry without what only some records have.
fn base<R: Row>(row: &R, fields: &Fields, group: &'static str, name: &str, visible_to: i64) -> Entry {
    let searchable = fields.custom().iter().filter(|field| SEARCHABLE.contains(&field.kind.as_str()));
    let values = searchable.filter_map(|field| {
        let text = text(row.custom().get(&field.code)?)?;
        Some((field.code.clone(), text))
    });
    Entry {
        name: name.to_owned(),
        owner_id: row.owner_id(),
        visible_to,
        org_id: None,
        person_id: None,
        texts: vec![(group, name.to_owned())],
        values: values.collect(),
        deal: None,
    }
}

impl Indexed for Organization {
    fn entry(&self, fields: &Fields) -> Entry {
        let mut entry = base(self, fields, "name", &self.name, self.visible_to);
        entry.texts.extend(self.address["value"].as_str().map(|text| ("address", text.to_owned())));
        entry
    }
}

impl Indexed for Deal {
    fn entry(&self, fields: &Fields) -> Entry {
        let deal = DealEntry {
            value: self.value.clone(),
            currency: self.currency.clone(),
            status: self.status,
            stage_id: self.stage_id,
            is_archived: self.is_archived,
        };
        let entry = base(self, fields, "title", &self.title, self.visible_to);
        Entry { org_id: self.org_id, person_id: self.person_id, deal: Some(deal), ..entry }
    }
}

impl Indexed for Person {
    fn entry(&self, fields: &Fields) -> Entry {
        let mut entry = base(self, fields, "name", &self.name, self.visible_to);
        entry.texts.extend(self.emails.iter().map(|email| ("email", email.value.clone())));
        entry.texts.extend(self.phones.iter().map(|phone| ("phone", phone.value.clone())));
        Entry { org_id: self.org_id, ..entry }
    }
}

#[derive(Debug, Default)]
pub(crate) struct SearchIndex {
    entries: BTreeMap<(Entity, i64), Entry>,
    /// Writes on their way into the index, with the time of their arrival.
    arriving: VecDeque<(Timestamp, (Entity, i64), Entry)>,
}

impl SearchIndex {
    /// Takes a written record; it can be found from `due` on.
    pub(crate) fn take(&mut self, due: Timestamp, entity: Entity, id: i64, entry: Entry) {
        self.arriving.push_back((due, (entity, id), entry));
    }

    /// Lets arrive what is due.
    pub(crate) fn settle(&mut self, now: Timestamp) {
        while self.arriving.front().is_some_and(|(due, ..)| *due <= now) {
            if let Some((_, key, entry)) = self.arriving.pop_front() {
                self.entries.insert(key, entry);
            }
        }
    }

    /// Drops a purged record.
    pub(crate) fn forget(&mut self, entity: Entity, id: i64) {
        self.entries.remove(&(entity, id));
        self.arriving.retain(|(_, key, _)| *key != (entity, id));
    }

    /// What arrived, by id, from `start` on.
    pub(crate) fn entries(&self, entity: Entity, start: i64) -> impl Iterator<Item = (i64, &Entry)> {
        self.entries.range((entity, start)..=(entity, i64::MAX)).map(|((_, id), entry)| (*id, entry))
    }
}

/// What is searched for in a value: its text, its number, the amount, the free text of an address.
fn text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Object(parts) => parts.get("value").and_then(text),
        Value::Null | Value::Bool(_) | Value::Array(_) => None,
    }
}
