//! People who edit both systems while we work, and the batch jobs that touch records without changing them.

use jiff::{SignedDuration, Timestamp};
use sync_core::{
    fields::Field,
    ids::{AccountId, OrgId, PartyId},
    model::{ErpAccount, ErpParty, PartyStatus},
    value::{PostalAddress, Value},
};

use super::world::{OVERLAP, Version, Worlds};

/// Ids of the first party and account.
const FIRST: i64 = 300_000_200_000_000;

impl Worlds {
    /// The customers and suppliers that are there when we come.
    pub(crate) fn populate(&mut self, now: Timestamp) {
        let count = self.rng.usize(1..14);
        // Some batch job stamped most of them at the same instant.
        let batch = now - SignedDuration::from_hours(self.rng.i64(1..100));
        for _ in 0..count {
            let own = now - SignedDuration::from_secs(self.rng.i64(1..900_000));
            let stamp = if self.rng.bool() { batch } else { own };
            self.new_party(stamp, stamp);
        }
        self.found_families(now);
    }

    /// One plausible edit in the ERP.
    pub(crate) fn edit_erp(&mut self, now: Timestamp) {
        let late = if self.rng.u32(..5) == 0 {
            SignedDuration::from_secs(self.rng.i64(1..OVERLAP.as_secs() - 60))
        } else {
            SignedDuration::ZERO
        };
        // Stamped when the row was changed, visible when the transaction commits.
        let visible_at = now + late;
        if self.parties.is_empty() || self.rng.u32(..6) == 0 {
            let id = self.new_party(now, visible_at);
            return self.tell(now, format!("people: party {id} is new (visible at {visible_at})"));
        }
        let chosen = self.rng.usize(..self.parties.len());
        let Some(id) = self.parties.keys().nth(chosen).copied() else { return };
        let Some(newest) = self.parties.get(&id).and_then(|v| v.iter().max_by_key(|v| v.stamp)).cloned()
        else {
            return;
        };
        // The row is locked until the earlier transaction commits.
        if newest.visible_at > now || newest.stamp >= now {
            return;
        }
        let mut party = newest.record;
        let what = match self.rng.u32(..7) {
            0 => {
                party.name = format!("Company {}", self.rng.u32(..1000));
                "renamed"
            }
            1 => {
                party.phone = self.rng.bool().then(|| format!("+1-650-{}", self.rng.u32(..9999)));
                "another phone"
            }
            2 => {
                party.url = self.rng.bool().then(|| format!("https://c{}.example", self.rng.u32(..99)));
                "another web site"
            }
            3 => {
                party.status = if self.rng.bool() { PartyStatus::Active } else { PartyStatus::Inactive };
                "another status"
            }
            4 => {
                let line = format!("{} Main St, Springfield", self.rng.u32(..500));
                party.address = Some(PostalAddress { line, ..PostalAddress::default() });
                "moved"
            }
            5 => {
                self.new_account(PartyId(id), now, visible_at);
                return self
                    .tell(now, format!("people: party {id} has another account (visible at {visible_at})"));
            }
            _ => "touched",
        };
        self.tell(now, format!("people: party {id} {what} (visible at {visible_at})"));
        let version = Version { record: party, stamp: now, visible_at };
        self.parties.entry(id).or_default().push(version);
    }

    /// One plausible edit in the CRM.
    pub(crate) fn edit_crm(&mut self, now: Timestamp) {
        if self.orgs.is_empty() {
            return;
        }
        let chosen = self.rng.usize(..self.orgs.len());
        let Some((id, org)) = self.orgs.iter().nth(chosen).map(|(id, org)| (*id, org.clone())) else {
            return;
        };
        if org.deleted {
            return;
        }
        let mut values = org.values;
        let what = match self.rng.u32(..12) {
            0..4 => {
                values.insert(Field::Name, Value::Text(format!("Sales calls it {}", self.rng.u32(..1000))));
                "renames it"
            }
            4..6 => {
                values
                    .insert(Field::Website, Value::Text(format!("https://s{}.example", self.rng.u32(..99))));
                "gives it a web site"
            }
            6 => {
                values.remove(&Field::Phone);
                "clears the phone"
            }
            // Assumed by the laws: nobody writes our origin keys while a create is in doubt. On pairs they may.
            7 if self.paired.contains(&id) => {
                values.insert(Field::ErpCustomerId, Value::Text("12345".to_owned()));
                "overwrites the ERP id"
            }
            8 => {
                self.tell(now, format!("people: sales deletes organization {id}"));
                // What a person deletes before we have heard of it cannot be found again; creating it anew gives
                // the party one organization, not two.
                if !self.paired.contains(&id) {
                    self.created.retain(|(created, _)| *created != id);
                }
                if let Some(org) = self.orgs.get_mut(&id) {
                    org.deleted = true;
                    org.edited_at = Some(now);
                }
                return;
            }
            9 if self.labels => {
                let mut labels = match values.remove(&Field::Labels) {
                    Some(Value::Labels(labels)) => labels.labels,
                    _ => Vec::new(),
                };
                let known = labels.len();
                labels.retain(|label| label != "VIP");
                if labels.len() == known {
                    labels.push("VIP".to_owned());
                }
                values.extend(Value::labels(labels).map(|labels| (Field::Labels, labels)));
                "labels it, or takes that back"
            }
            _ => "touches it",
        };
        self.tell(now, format!("people: sales {what}: organization {id}"));
        self.change_org(id, values, now);
        if let Some(org) = self.orgs.get_mut(&OrgId(id.0)) {
            org.edited_at = Some(now);
        }
    }

    fn new_party(&mut self, stamp: Timestamp, visible_at: Timestamp) -> i64 {
        let last = self.parties.keys().next_back().copied().unwrap_or(FIRST);
        let id = last + self.rng.i64(1..9);
        let customer = self.rng.u32(..4) > 0;
        let record = ErpParty {
            id: PartyId(id),
            number: format!("CDRM_{id}"),
            name: format!("Company {}", self.rng.u32(..1000)),
            usage: Some(if customer { "CUSTOMER" } else { "SUPPLIER" }.to_owned()),
            status: PartyStatus::Active,
            tax_id: self.rng.bool().then(|| format!("TAX{id}")),
            url: None,
            phone: self.rng.bool().then(|| "+44-20-7946".to_owned()),
            duns: None,
            email: None,
            currency: None,
            address: None,
            attributes: Default::default(),
            updated_at: stamp,
        };
        self.parties.insert(id, vec![Version { record, stamp, visible_at }]);
        if self.rng.bool() {
            self.new_account(PartyId(id), stamp, visible_at);
        }
        id
    }

    fn new_account(&mut self, party: PartyId, stamp: Timestamp, visible_at: Timestamp) {
        let last = self.accounts.keys().next_back().copied().unwrap_or(FIRST);
        let id = last + self.rng.i64(1..9);
        let record =
            ErpAccount { id: AccountId(id), party, number: format!("{}", id % 10_000), updated_at: stamp };
        self.accounts.insert(id, vec![Version { record, stamp, visible_at }]);
    }
}
