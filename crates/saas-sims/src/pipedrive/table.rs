//! Records of one kind with the indexes that keep walks over 100,000 of them linear; purge after 30 days (section 1.3).

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde_json::Value;

use super::entity::Entity;
use super::fields::Fields;

/// What a record is found by besides its id and its times.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Link {
    /// Records of an organization.
    Organization(i64),
    /// Records of a person.
    Person(i64),
    /// Open deals, which the plan limits.
    Open,
}

/// A record.
pub(crate) trait Row: Clone {
    const ENTITY: Entity;
    fn id(&self) -> i64;
    fn owner_id(&self) -> i64;
    fn add_time(&self) -> Timestamp;
    fn update_time(&self) -> Timestamp;
    fn set_update_time(&mut self, at: Timestamp);
    fn is_deleted(&self) -> bool;
    fn links(&self) -> Vec<Link>;
    /// The custom fields that are set, by code.
    fn custom(&self) -> &BTreeMap<String, Value>;
    fn custom_mut(&mut self) -> &mut BTreeMap<String, Value>;
    /// The record as it is read: every custom field of the company, null when unset; or only those in `only`.
    fn json(&self, fields: &Fields, only: Option<&[&str]>) -> Value;
}

/// All records of a kind, deleted ones included until they are purged.
#[derive(Debug)]
pub(crate) struct Table<R> {
    pub(super) all: BTreeMap<i64, R>,
    pub(super) by_update: BTreeSet<(Timestamp, i64)>,
    pub(super) by_add: BTreeSet<(Timestamp, i64)>,
    deleted: BTreeSet<(Timestamp, i64)>,
    links: BTreeMap<Link, BTreeSet<i64>>,
    last_id: i64,
}

impl<R> Default for Table<R> {
    fn default() -> Self {
        Self {
            all: BTreeMap::new(),
            by_update: BTreeSet::new(),
            by_add: BTreeSet::new(),
            deleted: BTreeSet::new(),
            links: BTreeMap::new(),
            last_id: 0,
        }
    }
}

impl<R: Row> Table<R> {
    /// Never that of an earlier record, not even of a purged one.
    pub(crate) fn next_id(&self) -> i64 {
        self.last_id + 1
    }

    pub(crate) fn get(&self, id: i64) -> Option<&R> {
        self.all.get(&id)
    }

    /// The record unless it is deleted.
    pub(crate) fn living(&self, id: i64) -> Option<&R> {
        self.get(id).filter(|row| !row.is_deleted())
    }

    pub(crate) fn all(&self) -> impl Iterator<Item = &R> {
        self.all.values()
    }

    pub(crate) fn linked_ids(&self, link: Link) -> BTreeSet<i64> {
        self.links.get(&link).cloned().unwrap_or_default()
    }

    pub(crate) fn count(&self, link: Link) -> usize {
        self.links.get(&link).map_or(0, BTreeSet::len)
    }

    /// The records of a link that are not deleted.
    pub(crate) fn linked(&self, link: Link) -> impl Iterator<Item = &R> {
        let ids = self.links.get(&link).into_iter().flatten();
        ids.filter_map(|id| self.living(*id))
    }

    pub(crate) fn put(&mut self, row: R) {
        self.remove(row.id());
        let id = row.id();
        self.by_update.insert((row.update_time(), id));
        self.by_add.insert((row.add_time(), id));
        if row.is_deleted() {
            self.deleted.insert((row.update_time(), id));
        }
        for link in row.links() {
            self.links.entry(link).or_default().insert(id);
        }
        self.last_id = self.last_id.max(id);
        self.all.insert(id, row);
    }

    /// Forgets what was deleted before `limit` and gives the ids.
    pub(crate) fn purge(&mut self, limit: Timestamp) -> Vec<i64> {
        let gone: Vec<i64> = self.deleted.range(..(limit, i64::MIN)).map(|(_, id)| *id).collect();
        for id in &gone {
            self.remove(*id);
        }
        gone
    }

    /// Moves only the update time.
    pub(crate) fn touch(&mut self, id: i64, at: Timestamp) {
        if let Some(mut row) = self.living(id).cloned() {
            row.set_update_time(at);
            self.put(row);
        }
    }

    /// Changes custom fields of all records without any trace.
    pub(crate) fn change_custom(&mut self, change: impl Fn(&mut BTreeMap<String, Value>)) {
        self.all.values_mut().for_each(|row| change(row.custom_mut()));
    }

    fn remove(&mut self, id: i64) {
        let Some(old) = self.all.remove(&id) else { return };
        self.by_update.remove(&(old.update_time(), id));
        self.by_add.remove(&(old.add_time(), id));
        self.deleted.remove(&(old.update_time(), id));
        for link in old.links() {
            if let Some(ids) = self.links.get_mut(&link) {
                ids.remove(&id);
                if ids.is_empty() {
                    self.links.remove(&link);
                }
            }
        }
    }
}

/// Everything as it is stored.
pub(crate) fn json<R: Row>(table: &Table<R>, fields: &Fields) -> Vec<Value> {
    table.all().map(|row| row.json(fields, None)).collect()
}
