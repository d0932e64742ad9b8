//! The committed rows of one resource, with the indexes that keep a walk over 100,000 rows linear.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde_json::{Map, Value};

use super::request::Shape;
use super::resource::{Attribute, Kind, Resource};
use crate::text::digest;

/// One row. Attributes that are NULL are not in `values`.
#[derive(Clone, Debug)]
pub(crate) struct Row {
    pub(crate) id: i64,
    /// The surrogate key of the row that this one is a child of, where no attribute says it.
    pub(crate) parent: Option<i64>,
    pub(crate) values: BTreeMap<&'static str, Value>,
    /// CreationDate, in microseconds.
    pub(crate) created: Timestamp,
    /// LastUpdateDate, in microseconds; printed in milliseconds.
    pub(crate) updated: Timestamp,
    /// Counts the versions, like ObjectVersionNumber.
    pub(crate) version: u64,
}

/// An attribute's value in a row.
pub(crate) enum Cell<'a> {
    Null,
    Stamp(Timestamp),
    Value(&'a Value),
}

impl Row {
    pub(crate) fn cell(&self, attribute: &Attribute) -> Cell<'_> {
        match (attribute.kind, attribute.name) {
            (Kind::Timestamp, "CreationDate") => Cell::Stamp(self.created),
            (Kind::Timestamp, _) => Cell::Stamp(self.updated),
            _ => self.values.get(attribute.name).map_or(Cell::Null, Cell::Value),
        }
    }

    pub(crate) fn text(&self, name: &str) -> Option<&str> {
        self.values.get(name).and_then(Value::as_str)
    }

    pub(crate) fn integer(&self, name: &str) -> Option<i64> {
        self.values.get(name).and_then(Value::as_i64)
    }

    /// What stands for the row in its URL: an attribute, or a serialised key that nobody can build (section 6).
    pub(crate) fn key(&self, resource: &Resource) -> String {
        if resource.opaque {
            let hash = digest(&[resource.name, &self.id.to_string()]);
            return format!(
                "00020000000EACED0005{}",
                hash.get(..36).unwrap_or_default().to_ascii_uppercase()
            );
        }
        match self.values.get(resource.key) {
            Some(Value::String(key)) => key.clone(),
            Some(other) => other.to_string(),
            None => self.id.to_string(),
        }
    }

    /// The attributes as JSON: all of them with NULLs, or those in `only`.
    pub(crate) fn json(&self, resource: &Resource, only: Option<&BTreeSet<&str>>) -> Map<String, Value> {
        let wanted = resource
            .attributes
            .values()
            .filter(|attribute| only.is_none_or(|only| only.contains(attribute.name)));
        let pairs = wanted.map(|attribute| {
            let value = match self.cell(attribute) {
                Cell::Null => Value::Null,
                Cell::Stamp(at) => Value::String(print_stamp(at)),
                Cell::Value(value) => value.clone(),
            };
            (attribute.name.to_owned(), value)
        });
        pairs.collect()
    }

    /// The same as text, without braces: a page has 500 items of 136 attributes, most of them NULL.
    pub(crate) fn write(&self, resource: &Resource, shape: &Shape, out: &mut String) {
        let mut separator = "";
        for attribute in resource.attributes.values() {
            if shape.leaves_out(attribute.name) {
                continue;
            }
            out.push_str(separator);
            out.push('"');
            out.push_str(attribute.name);
            out.push_str("\":");
            match self.cell(attribute) {
                Cell::Null => out.push_str("null"),
                Cell::Stamp(at) => out.push_str(&format!("\"{}\"", print_stamp(at))),
                Cell::Value(value) => out.push_str(&value.to_string()),
            }
            separator = ",";
        }
    }

    /// The change indicator, which is also the ETag (section 4.6).
    pub(crate) fn change_indicator(&self, resource: &Resource) -> String {
        let hash = digest(&[resource.name, &self.id.to_string(), &self.version.to_string()]);
        format!("ACED0005{}", hash.get(..48).unwrap_or_default().to_ascii_uppercase())
    }
}

/// Milliseconds with three digits, or no fraction when they are zero, and always `+00:00` (section 4.3).
pub(crate) fn print_stamp(at: Timestamp) -> String {
    let millis = at.subsec_millisecond();
    let seconds = at.strftime("%Y-%m-%dT%H:%M:%S");
    if millis == 0 { format!("{seconds}+00:00") } else { format!("{seconds}.{millis:03}+00:00") }
}

/// Cuts a time to what the database stores.
pub(crate) fn to_micros(at: Timestamp) -> Timestamp {
    Timestamp::from_microsecond(at.as_microsecond()).unwrap_or(at)
}

/// The rows of one resource.
#[derive(Debug)]
pub(crate) struct Table {
    pub(crate) resource: &'static Resource,
    rows: BTreeMap<i64, Row>,
    by_key: BTreeMap<String, i64>,
    by_stamp: BTreeSet<(Timestamp, i64)>,
    by_owner: BTreeSet<(i64, i64)>,
}

impl Table {
    pub(crate) fn new(resource: &'static Resource) -> Self {
        let (rows, by_key) = (BTreeMap::new(), BTreeMap::new());
        Self { resource, rows, by_key, by_stamp: BTreeSet::new(), by_owner: BTreeSet::new() }
    }

    /// Stores a row in place of the one with its id.
    pub(crate) fn put(&mut self, row: Row) {
        self.remove(row.id);
        self.by_stamp.insert((row.updated, row.id));
        self.by_key.insert(self.key_of(&row), row.id);
        if let Some(owner) = self.owner_of(&row) {
            self.by_owner.insert((owner, row.id));
        }
        self.rows.insert(row.id, row);
    }

    /// Takes a row out, as if it had never been.
    pub(crate) fn remove(&mut self, id: i64) -> Option<Row> {
        let old = self.rows.remove(&id)?;
        self.by_stamp.remove(&(old.updated, old.id));
        self.by_key.remove(&self.key_of(&old));
        if let Some(owner) = self.owner_of(&old) {
            self.by_owner.remove(&(owner, old.id));
        }
        Some(old)
    }

    pub(crate) fn get(&self, id: i64) -> Option<&Row> {
        self.rows.get(&id)
    }

    pub(crate) fn by_key(&self, key: &str) -> Option<&Row> {
        self.by_key.get(key).and_then(|id| self.rows.get(id))
    }

    pub(crate) fn owned_by(&self, owner: i64) -> impl Iterator<Item = &Row> {
        let ids = self.by_owner.range((owner, i64::MIN)..=(owner, i64::MAX));
        ids.filter_map(|(_, id)| self.rows.get(id))
    }

    /// Rows with `low <= id <= high`, by id.
    pub(crate) fn by_id(&self, low: i64, high: i64) -> Box<dyn Iterator<Item = &Row> + '_> {
        if low > high {
            return Box::new(std::iter::empty());
        }
        Box::new(self.rows.range(low..=high).map(|(_, row)| row))
    }

    /// Rows with `low <= LastUpdateDate <= high`, by stamp and then id.
    pub(crate) fn by_stamp(&self, low: Timestamp, high: Timestamp) -> Box<dyn Iterator<Item = &Row> + '_> {
        if low > high {
            return Box::new(std::iter::empty());
        }
        let range = self.by_stamp.range((low, i64::MIN)..=(high, i64::MAX));
        Box::new(range.filter_map(|(_, id)| self.rows.get(id)))
    }

    pub(crate) fn rows(&self) -> impl Iterator<Item = &Row> {
        self.rows.values()
    }

    fn key_of(&self, row: &Row) -> String {
        row.key(self.resource)
    }

    fn owner_of(&self, row: &Row) -> Option<i64> {
        self.resource.owner.and_then(|owner| row.integer(owner)).or(row.parent)
    }
}
