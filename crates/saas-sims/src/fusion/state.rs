//! What the pod holds: committed rows, changes not yet committed, access tokens.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::accounts::{ACCOUNTS, FROM_PARTY};
use super::catalog;
use super::edit::Edit;
use super::parties::PARTIES;
use super::persons::PERSONS;
use super::resource::Resource;
use super::soap::SoapState;
use super::table::{Row, Table, to_micros};
use crate::stats::Stats;

/// Who edits when nobody is named.
const PERSON: &str = "maria.silva";

#[derive(Debug)]
pub(crate) struct State {
    pub(crate) parties: Table,
    pub(crate) accounts: Table,
    /// All other resources by their full names.
    others: BTreeMap<String, Table>,
    /// Changes that are stamped but not committed, by the time of their commit and the order of their entry.
    pending: BTreeMap<(Timestamp, u64), Change>,
    next_change: u64,
    pub(crate) rng: fastrand::Rng,
    /// Access tokens and when they end.
    pub(crate) tokens: BTreeMap<String, Timestamp>,
    /// Ids of client assertions that were used, and the second until which they are remembered.
    pub(crate) assertions: BTreeMap<String, i64>,
    pub(crate) stats: Stats,
    /// What the SOAP services keep beside the accounts.
    pub(crate) soap: SoapState,
    next_party: i64,
    next_account: i64,
    next_number: i64,
    next_other: i64,
}

#[derive(Debug)]
struct Change {
    resource: &'static Resource,
    id: i64,
    parent: Option<i64>,
    silent: bool,
    values: Vec<(&'static str, Value)>,
    by: String,
    stamp: Timestamp,
}

impl State {
    pub(crate) fn new(seed: u64) -> Self {
        Self {
            parties: Table::new(&PARTIES),
            accounts: Table::new(&ACCOUNTS),
            others: catalog::OTHERS
                .iter()
                .chain([&*PERSONS])
                .map(|resource| (resource.full_name(), Table::new(resource)))
                .collect(),
            pending: BTreeMap::new(),
            next_change: 0,
            rng: fastrand::Rng::with_seed(seed),
            tokens: BTreeMap::new(),
            assertions: BTreeMap::new(),
            stats: Stats::default(),
            soap: SoapState::default(),
            next_party: 300_000_200_000_000,
            next_account: 300_000_300_000_000,
            next_number: 10_000,
            next_other: 300_000_400_000_000,
        }
    }

    /// The rows of a resource.
    pub(crate) fn table(&self, resource: &Resource) -> &Table {
        if resource.is(&ACCOUNTS) {
            return &self.accounts;
        }
        self.others.get(&resource.full_name()).unwrap_or(&self.parties)
    }

    fn table_mut(&mut self, resource: &'static Resource) -> &mut Table {
        if resource.is(&ACCOUNTS) {
            return &mut self.accounts;
        }
        self.others.get_mut(&resource.full_name()).unwrap_or(&mut self.parties)
    }

    /// The next surrogate key of a row that is neither party nor account.
    pub(crate) fn next_id(&mut self) -> i64 {
        self.next_other += 1 + self.next_other % 7;
        self.next_other
    }

    /// Takes a row out, as if it had never been.
    pub(crate) fn remove_row(&mut self, resource: &'static Resource, id: i64) -> Option<Row> {
        self.table_mut(resource).remove(id)
    }

    /// Commits what is due.
    pub(crate) fn settle(&mut self, now: Timestamp) {
        while let Some(entry) = self.pending.first_entry().filter(|entry| entry.key().0 <= now) {
            let change = entry.remove();
            self.commit(change);
        }
    }

    /// How many changes are stamped but not committed.
    pub(crate) fn uncommitted(&self) -> usize {
        self.pending.len()
    }

    /// A new party; its number is generated unless given (profile ZCA_PUID_PREFIX + sequence).
    pub(crate) fn add_party(&mut self, edit: Edit, now: Timestamp) -> Result<i64, String> {
        let mut edit = edit;
        self.next_party += self.rng.i64(1..=40);
        self.next_number += self.rng.i64(1..=9);
        let id = self.next_party;
        let number = json!(format!("CDRM_{}", self.next_number));
        let number = edit.set.entry("PartyNumber").or_insert(number).as_str().unwrap_or_default().to_owned();
        if number.is_empty() || self.parties.by_key(&number).is_some() {
            return Err(format!("PartyNumber {number} is taken or empty"));
        }
        edit.set.insert("PartyId".to_owned(), json!(id));
        edit.set.entry("Status").or_insert(json!("A"));
        edit.set.entry("CreatedByModule").or_insert(json!("HZ_WS"));
        self.apply(&PARTIES, id, None, &edit, now)?;
        Ok(id)
    }

    /// A new person; its number is generated unless given.
    pub(crate) fn add_person(&mut self, edit: Edit, now: Timestamp) -> Result<i64, String> {
        let mut edit = edit;
        self.next_party += self.rng.i64(1..=40);
        self.next_number += self.rng.i64(1..=9);
        let id = self.next_party;
        let text = |name: &str| edit.set.get(name).and_then(Value::as_str).unwrap_or_default();
        let name = format!("{} {}", text("PersonFirstName"), text("PersonLastName"));
        edit.set.entry("PartyNumber").or_insert(json!(format!("CDRM_{}", self.next_number)));
        edit.set.insert("PartyId".to_owned(), json!(id));
        edit.set.insert("PartyName".to_owned(), json!(name.trim()));
        edit.set.entry("Status").or_insert(json!("A"));
        edit.set.entry("CreatedByModule").or_insert(json!("HZ_WS"));
        self.apply(&PERSONS, id, None, &edit, now)?;
        Ok(id)
    }

    /// A new account of a party.
    pub(crate) fn add_account(&mut self, party: i64, edit: Edit, now: Timestamp) -> Result<i64, String> {
        let mut edit = edit;
        let Some(owner) = self.parties.get(party) else { return Err(format!("no party {party}")) };
        for (ours, theirs) in FROM_PARTY {
            edit.set.insert(ours.to_owned(), owner.values.get(theirs).cloned().unwrap_or_default());
        }
        self.next_account += self.rng.i64(1..=40);
        self.next_number += self.rng.i64(1..=9);
        let id = self.next_account;
        edit.set.entry("AccountNumber").or_insert(json!((self.next_number + 100_000).to_string()));
        edit.set.insert("AccountId".to_owned(), json!(id));
        edit.set.insert("CustomerId".to_owned(), json!(party));
        for total in ["TotalOpenReceivablesForAccount", "TotalTransactionsDueForAccount"] {
            edit.set.entry(total).or_insert(json!(0));
        }
        self.apply(&ACCOUNTS, id, None, &edit, now)?;
        Ok(id)
    }

    /// Deletes a party with its accounts: rare, and seen by no poll (section 8).
    pub(crate) fn remove_party(&mut self, party: i64) -> Result<(), String> {
        self.parties.remove(party).ok_or_else(|| format!("no party {party}"))?;
        let accounts: Vec<i64> = self.accounts.owned_by(party).map(|row| row.id).collect();
        for account in accounts {
            self.accounts.remove(account);
        }
        for child in PARTIES.children.iter().filter_map(|name| catalog::child(&PARTIES, name)) {
            let ids: Vec<i64> = self.table(child).owned_by(party).map(|row| row.id).collect();
            for id in ids {
                self.remove_row(child, id);
            }
        }
        Ok(())
    }

    /// Merges a party into another: its status changes and its accounts move (section 8).
    pub(crate) fn merge_party(&mut self, party: i64, into: i64, now: Timestamp) -> Result<(), String> {
        if party == into || self.parties.get(into).is_none() || self.parties.get(party).is_none() {
            return Err(format!("{party} cannot be merged into {into}"));
        }
        let merged = Edit::set(json!({"Status": "M"})).by("PARTY_MERGE");
        self.apply(&PARTIES, party, None, &merged, now)?;
        let accounts: Vec<i64> = self.accounts.owned_by(party).map(|row| row.id).collect();
        for account in accounts {
            let moved = Edit::set(json!({"CustomerId": into})).by("PARTY_MERGE");
            self.apply(&ACCOUNTS, account, None, &moved, now)?;
        }
        self.refresh_accounts(into);
        Ok(())
    }

    /// Makes or changes a row, at once or later.
    pub(crate) fn apply(
        &mut self,
        resource: &'static Resource,
        id: i64,
        parent: Option<i64>,
        edit: &Edit,
        now: Timestamp,
    ) -> Result<(), String> {
        let values = edit.values(resource)?;
        let stamp = to_micros(edit.stamp.unwrap_or(now));
        let by = edit.by.clone().unwrap_or_else(|| PERSON.to_owned());
        let change = Change { resource, id, parent, silent: edit.silent, values, by, stamp };
        let visible = stamp.checked_add(edit.late).unwrap_or(stamp);
        if edit.late > SignedDuration::ZERO && visible > now {
            self.pending.insert((visible, self.next_change), change);
            self.next_change += 1;
        } else {
            self.commit(change);
        }
        Ok(())
    }

    fn commit(&mut self, change: Change) {
        let Change { resource, id, parent, silent, values, by, stamp } = change;
        let table = self.table_mut(resource);
        let mut row = table.get(id).cloned().unwrap_or_else(|| {
            let values = [("CreatedBy", json!(by))].into_iter().collect();
            Row { id, parent, values, created: stamp, updated: stamp, version: 0 }
        });
        let follows = FROM_PARTY.iter().any(|(_, theirs)| values.iter().any(|(name, _)| name == theirs));
        for (name, value) in values {
            if value.is_null() {
                row.values.remove(name);
            } else {
                row.values.insert(name, value);
            }
        }
        if !silent {
            row.values.insert("LastUpdatedBy", json!(by));
            row.updated = stamp;
        }
        row.version += 1;
        table.put(row);
        if resource.is(&PARTIES) && follows {
            self.refresh_accounts(id);
        }
    }

    /// Accounts show their party's name as it is now; their own stamp does not move.
    fn refresh_accounts(&mut self, party: i64) {
        let Some(owner) = self.parties.get(party) else { return };
        let shown = FROM_PARTY.map(|(ours, theirs)| (ours, owner.values.get(theirs).cloned()));
        let accounts: Vec<Row> = self.accounts.owned_by(party).cloned().collect();
        for mut account in accounts {
            for (name, value) in &shown {
                match value {
                    Some(value) => account.values.insert(name, value.clone()),
                    None => account.values.remove(name),
                };
            }
            self.accounts.put(account);
        }
    }
}
