//! Persons in both systems of a simulation: those that deals have in the CRM, and those that our requests make in the ERP,
//! contacts of a party first and of its account then.
//!
//! As everywhere there, no create is idempotent, and what is searched for lags behind.

use std::collections::BTreeMap;

use jiff::Timestamp;
use sync_core::{
    customers::{AccountContact, ErpPerson, FoundContact, NewAccountContact, NewPerson, Reference},
    deals::CrmPerson,
    ids::{AccountContactId, AccountId, DealId, PartyId, PersonId, RelationshipId},
    laws::Contacts,
    model::PartyStatus,
};

use super::{
    book::{Became, INACTIVE, NOBODY, TWICE},
    world::Worlds,
};

/// Numbers of persons of the CRM begin here.
const FIRST: i64 = 500;

/// Whether deals' persons become contacts in this life.
pub(crate) fn are_wanted(seed: u64) -> bool {
    seed % 7 == 5 && seed % 4 < 2
}

/// A deal's person: several deals share one, and some have none.
pub(crate) fn of_deal(deal: DealId) -> Option<PersonId> {
    (deal.0 % 4 != 3).then_some(PersonId(FIRST + deal.0 % 5))
}

/// The person, as long as it is there: one of them nobody finds.
pub(crate) fn in_crm(id: PersonId) -> Option<CrmPerson> {
    let first = (id.0 % 2 == 0).then(|| "Ada".to_owned());
    let last = first.as_ref().map(|_| format!("Lovelace {id}"));
    let name = first.iter().chain(&last).cloned().collect::<Vec<_>>().join(" ");
    let name = if name.is_empty() { format!("Purchasing {id}") } else { name };
    let email = Some(format!("person{id}@example.com"));
    (id.0 != FIRST + 3).then_some(CrmPerson { id, name, first, last, email, phone: None })
}

/// Persons of the ERP, and whose contacts they are.
#[derive(Default)]
pub(crate) struct Persons {
    made: BTreeMap<PartyId, Made>,
    contacts: BTreeMap<(PartyId, PartyId), Vec<RelationshipId>>,
}

struct Made {
    reference: Reference,
    name: String,
    /// From when on searches show it.
    shown_at: Timestamp,
}

impl Persons {
    /// What laws are judged by.
    pub(crate) fn seen(&self) -> Contacts {
        let mut seen = Contacts::default();
        for made in self.made.values() {
            *seen.persons.entry(made.reference.value.clone()).or_default() += 1;
        }
        seen.of_parties = self.contacts.iter().map(|(of, all)| (*of, all.len())).collect();
        seen
    }
}

fn number(person: PartyId) -> String {
    format!("P_{person}")
}

impl Worlds {
    fn person_numbered(&self, number: &str) -> Option<PartyId> {
        let id = PartyId(number.strip_prefix("P_")?.parse().ok()?);
        self.book.persons.made.contains_key(&id).then_some(id)
    }

    pub(crate) fn persons_referred(&self, reference: &Reference, now: Timestamp) -> Vec<ErpPerson> {
        let made = self.book.persons.made.iter();
        let found = made.filter(|(_, made)| made.reference == *reference && made.shown_at <= now);
        let told = |id: &PartyId| ErpPerson { id: *id, number: number(*id), status: PartyStatus::Active };
        found.map(|(id, _)| told(id)).collect()
    }

    pub(crate) fn contacts_of(&self, party: &str) -> Option<Vec<FoundContact>> {
        let party = self.party_numbered(party)?;
        let persons = &self.book.persons;
        let own = persons.contacts.iter().filter(|((_, of), _)| *of == party);
        let told = |person: PartyId, relationship: RelationshipId| {
            let name = persons.made.get(&person).map(|made| made.name.clone());
            FoundContact { relationship, person, name }
        };
        Some(own.flat_map(|((person, _), all)| all.iter().map(|one| told(*person, *one))).collect())
    }

    pub(crate) fn contact_between(&self, person: &str, party: PartyId) -> Option<RelationshipId> {
        let person = self.person_numbered(person)?;
        self.book.persons.contacts.get(&(person, party))?.first().copied()
    }

    pub(crate) fn make_person(&mut self, new: &NewPerson, now: Timestamp) -> Became {
        let twice = self.book.persons.made.values().any(|made| made.reference == new.reference);
        if self.book.refuses_twice && twice {
            return Became::Refused(TWICE);
        }
        let (id, shown_at) = (PartyId(self.book.id()), self.book.shown_at(now));
        let name = new.first.iter().chain([&new.last]).cloned().collect::<Vec<_>>().join(" ");
        let made = Made { reference: new.reference.clone(), name, shown_at };
        self.book.persons.made.insert(id, made);
        Became::Person(id)
    }

    pub(crate) fn make_contact(&mut self, person: &str, party: PartyId) -> Became {
        let Some(person) = self.person_numbered(person) else { return Became::Refused(NOBODY) };
        if !self.is_active(party) {
            return Became::Refused(INACTIVE);
        }
        let id = RelationshipId(self.book.id());
        let refuses = self.book.refuses_twice;
        let all = self.book.persons.contacts.entry((person, party)).or_default();
        if refuses && !all.is_empty() {
            return Became::Refused(TWICE);
        }
        all.push(id);
        Became::Contact(id)
    }

    pub(crate) fn make_account_contact(
        &mut self,
        account: AccountId,
        new: &NewAccountContact,
        now: Timestamp,
    ) -> Became {
        let NewAccountContact { relationship, known, purpose, primary: _ } = new;
        let id = AccountContactId(self.book.id());
        let refuses = self.book.refuses_twice;
        let owner = self.account_now(account, now).map(|account| account.party);
        let contacts = self.book.persons.contacts.iter();
        let belongs = contacts.filter(|(_, all)| all.contains(relationship)).map(|((_, of), _)| *of).next();
        let Some(booked) = self.booked(account, now).filter(|_| owner.is_some() && owner == belongs) else {
            return Became::Refused(NOBODY);
        };
        let contacts = &mut booked.found.contacts;
        if refuses && contacts.iter().any(|one| one.relationship == *relationship && known.is_none()) {
            return Became::Refused(TWICE);
        }
        match known {
            Some(known) => match contacts.iter_mut().find(|one| one.id == *known) {
                Some(one) => one.purposes.push(purpose.clone()),
                None => return Became::Refused(NOBODY),
            },
            None => contacts.push(AccountContact {
                id,
                relationship: *relationship,
                active: true,
                purposes: vec![purpose.clone()],
            }),
        }
        Became::Account(account)
    }
}
