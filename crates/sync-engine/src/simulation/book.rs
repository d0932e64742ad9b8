//! Customers in the ERP of a simulation, as our requests make them: parties with references, usages and addresses,
//! accounts with sites and their uses, profiles. No create is idempotent (oracle-fusion.md 1.4).
//!
//! What is asked for by its own key is shown at once; what is searched for (by reference, by likeness) lags behind.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};
use sync_core::{
    customers::{
        AccountKey, AccountSite, AddressParts, BILL_TO, ErpAddress, FoundAccount, NewAccount, NewAddress,
        NewParty, NewProfile, NewSite, Profile, Reference, SiteUse,
    },
    handover::Piece,
    ids::{
        AccountId, AccountSiteId, IntentId, OrgId, PartyId, PartySiteId, RelationshipId, SetId, SiteUseId,
    },
    laws::SeenCustomer,
    model::{ErpAccount, ErpParty, PartyStatus},
    value::PostalAddress,
};

use super::{
    contacts::Persons,
    erp::newest_visible,
    world::{Version, Worlds},
};

/// Sets of the business units.
pub(crate) const SETS: [SetId; 2] = [SetId(11), SetId(22)];

/// What the ERP knows beside the lists that are polled, and what our requests did.
pub(crate) struct Book {
    pub(crate) rng: fastrand::Rng,
    /// Whether what should be there once is refused the second time; how is unknown (oracle-fusion.md 1.5).
    pub(super) refuses_twice: bool,
    references: BTreeMap<PartyId, Reference>,
    usages: BTreeMap<PartyId, BTreeSet<String>>,
    addresses: BTreeMap<PartyId, Vec<ErpAddress>>,
    accounts: BTreeMap<AccountId, Booked>,
    profiles: BTreeMap<AccountId, Vec<Profile>>,
    /// Persons, and whose contacts they are.
    pub(super) persons: Persons,
    next: i64,
    /// For whom which party was created.
    pub(crate) made: BTreeMap<PartyId, OrgId>,
    /// Organizations for which something was created, with the set of the business unit.
    pub(crate) begun: BTreeSet<(OrgId, SetId)>,
    /// Writes that were carried out.
    pub(crate) writes: u64,
    /// Intents whose writes were sent.
    pub(crate) used: BTreeSet<IntentId>,
}

pub(super) struct Booked {
    pub(super) found: FoundAccount,
    /// Our name for it, if it was created by us.
    reference: Option<Reference>,
    /// From when on searches show it.
    shown_at: Timestamp,
}

/// What a write to the ERP did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Became {
    Party(PartyId),
    Address(PartySiteId),
    Account(AccountId),
    Person(PartyId),
    Contact(RelationshipId),
    /// A usage or a profile.
    Noted,
    /// Nothing; the ERP says why.
    Refused(&'static str),
}

pub(super) const TWICE: &str = "A record with this value already exists. Enter a unique value.";
pub(super) const INACTIVE: &str = "Inactive records can't be updated.";
pub(super) const NOBODY: &str = "There is no such record.";

impl Book {
    pub(crate) fn new(seed: u64) -> Self {
        let mut rng = fastrand::Rng::with_seed(seed ^ 0x626f_6f6b);
        let refuses_twice = rng.bool();
        Self {
            rng,
            refuses_twice,
            references: BTreeMap::new(),
            usages: BTreeMap::new(),
            addresses: BTreeMap::new(),
            accounts: BTreeMap::new(),
            profiles: BTreeMap::new(),
            persons: Persons::default(),
            next: 0,
            made: BTreeMap::new(),
            begun: BTreeSet::new(),
            writes: 0,
            used: BTreeSet::new(),
        }
    }

    pub(super) fn id(&mut self) -> i64 {
        self.next += self.rng.i64(1..5);
        900_000 + self.next
    }

    pub(super) fn shown_at(&mut self, now: Timestamp) -> Timestamp {
        let lag = SignedDuration::from_millis(self.rng.i64(0..28_000));
        if self.rng.bool() { now } else { now + lag }
    }

    fn site(&mut self, new: &NewSite) -> AccountSite {
        let uses = vec![SiteUse { id: SiteUseId(self.id()), purpose: new.purpose.clone(), active: true }];
        let id = AccountSiteId(self.id());
        AccountSite { id, party_site: new.party_site, set: Some(new.set), active: true, uses }
    }

    fn address(&mut self, new: &NewAddress, primary: bool) -> ErpAddress {
        let NewAddress { purpose, reference, parts } = new.clone();
        let id = self.id();
        let number = Some(format!("A{id}"));
        ErpAddress { id: PartySiteId(id), number, purpose, reference, parts, primary, active: true }
    }
}

impl Worlds {
    fn party_now(&self, id: PartyId) -> Option<&ErpParty> {
        let versions = self.parties.get(&id.0)?;
        versions.iter().max_by_key(|version| version.stamp).map(|version| &version.record)
    }

    pub(super) fn party_numbered(&self, number: &str) -> Option<PartyId> {
        let id = number.strip_prefix("CDRM_")?.parse().ok().map(PartyId)?;
        self.party_now(id).map(|party| party.id)
    }

    pub(super) fn is_active(&self, party: PartyId) -> bool {
        self.party_now(party).is_some_and(|party| party.status == PartyStatus::Active)
    }

    /// The parties that a search shows now.
    pub(crate) fn parties_shown(&self, now: Timestamp) -> impl Iterator<Item = &ErpParty> {
        let newest = self.parties.values().filter_map(move |versions| newest_visible(versions, now));
        newest.map(|version| &version.record)
    }

    pub(crate) fn parties_referred(&self, reference: &Reference, now: Timestamp) -> Vec<ErpParty> {
        let ours = |party: &&ErpParty| self.book.references.get(&party.id) == Some(reference);
        self.parties_shown(now).filter(ours).cloned().collect()
    }

    pub(crate) fn usages_of(&self, number: &str) -> Option<Vec<String>> {
        let party = self.party_now(self.party_numbered(number)?)?;
        let more = self.book.usages.get(&party.id).into_iter().flatten();
        Some(party.usage.iter().chain(more).cloned().collect())
    }

    pub(crate) fn addresses_of(&self, number: &str) -> Option<Vec<ErpAddress>> {
        let party = self.party_now(self.party_numbered(number)?)?;
        Some(self.all_addresses(party))
    }

    /// Those that were added, and the one that the party's own data show.
    fn all_addresses(&self, party: &ErpParty) -> Vec<ErpAddress> {
        let added = self.book.addresses.get(&party.id).cloned().unwrap_or_default();
        // Ours is what the party's own data show.
        let own = party.address.as_ref().filter(|_| !self.book.made.contains_key(&party.id));
        let own = own.map(|address| ErpAddress {
            id: PartySiteId(party.id.0),
            number: Some(format!("A{}", party.id)),
            purpose: None,
            reference: None,
            parts: AddressParts {
                lines: vec![address.line.clone()],
                country: address.country.clone(),
                ..AddressParts::default()
            },
            primary: true,
            active: true,
        });
        own.into_iter().chain(added).collect()
    }

    pub(crate) fn accounts_referred(&self, reference: &Reference, now: Timestamp) -> Vec<FoundAccount> {
        let shown = self.book.accounts.values().filter(|booked| booked.shown_at <= now);
        let ours = shown.filter(|booked| booked.reference.as_ref() == Some(reference));
        ours.map(|booked| booked.found.clone()).collect()
    }

    /// An account as it is now: some of those that finance entered are billed to already, some have a bare site.
    pub(crate) fn account_now(&self, id: AccountId, now: Timestamp) -> Option<FoundAccount> {
        if let Some(booked) = self.book.accounts.get(&id) {
            return Some(booked.found.clone());
        }
        let account = &newest_visible(self.accounts.get(&id.0)?, now)?.record;
        let set = SETS.get(usize::from(id.0 % 2 == 1)).copied();
        let bill = SiteUse { id: SiteUseId(id.0), purpose: BILL_TO.to_owned(), active: true };
        let site = |uses| AccountSite {
            id: AccountSiteId(id.0),
            party_site: PartySiteId(account.party.0),
            set,
            active: true,
            uses,
        };
        let sites = match id.0 % 3 {
            0 => vec![site(vec![bill])],
            1 => vec![site(Vec::new())],
            _ => Vec::new(),
        };
        Some(FoundAccount {
            id,
            party: account.party,
            number: account.number.clone(),
            name: None,
            class: None,
            active: true,
            sites,
            contacts: Vec::new(),
            unclear: None,
        })
    }

    pub(crate) fn profile_of(&self, account: AccountId) -> Option<Profile> {
        self.book.profiles.get(&account).and_then(|profiles| profiles.first().cloned())
    }

    /// Carries a write out.
    pub(crate) fn make(&mut self, piece: &Piece, now: Timestamp) -> Became {
        let became = match piece {
            Piece::Party { new } => self.make_party(new, now),
            Piece::Usage { number, usage } => self.make_usage(number, usage),
            Piece::Address { number, new } => self.make_address(number, new),
            Piece::Account { new } => self.make_account(new, now),
            Piece::Site { account, new } => self.make_site(*account, new, now),
            Piece::SiteUse { account, site, set: _, purpose, reference: _ } => {
                self.make_site_use(*account, *site, purpose, now)
            }
            Piece::Profile { new } => self.make_profile(new, now),
            Piece::Person { of: _, new } => self.make_person(new, now),
            Piece::Contact { of: _, number, party } => self.make_contact(number, *party),
            Piece::AccountContact { of: _, account, new } => self.make_account_contact(*account, new, now),
        };
        self.book.writes += u64::from(!matches!(became, Became::Refused(_)));
        self.tell(now, format!("the ERP is asked to {}: {became:?}", piece.explain()));
        became
    }

    fn make_party(&mut self, new: &NewParty, now: Timestamp) -> Became {
        if self.book.refuses_twice && self.book.references.values().any(|known| *known == new.reference) {
            return Became::Refused(TWICE);
        }
        let step = self.book.rng.i64(1..9);
        let id = PartyId(self.parties.keys().next_back().copied().unwrap_or(300_000_200_000_000) + step);
        let parts = new.addresses.first().map(|address| &address.parts);
        let record = ErpParty {
            id,
            number: format!("CDRM_{id}"),
            name: new.name.clone(),
            usage: Some(new.usage.clone()),
            status: PartyStatus::Active,
            tax_id: new.tax_id.clone(),
            url: new.url.clone(),
            phone: new.phone.clone(),
            duns: None,
            email: None,
            currency: None,
            address: parts.map(written),
            attributes: Default::default(),
            updated_at: now,
        };
        let visible_at = self.book.shown_at(now);
        self.parties.insert(id.0, vec![Version { record, stamp: now, visible_at }]);
        let addresses = new.addresses.iter().map(|address| self.book.address(address, true)).collect();
        self.book.addresses.insert(id, addresses);
        self.book.references.insert(id, new.reference.clone());
        self.book.made.extend(org_of(&new.reference).map(|org| (id, org)));
        Became::Party(id)
    }

    fn make_usage(&mut self, number: &str, usage: &str) -> Became {
        let Some(party) = self.party_numbered(number) else { return Became::Refused(NOBODY) };
        if !self.is_active(party) {
            return Became::Refused(INACTIVE);
        }
        let new = self.book.usages.entry(party).or_default().insert(usage.to_owned());
        if new || !self.book.refuses_twice { Became::Noted } else { Became::Refused(TWICE) }
    }

    fn make_address(&mut self, number: &str, new: &NewAddress) -> Became {
        let Some(party) = self.party_numbered(number) else { return Became::Refused(NOBODY) };
        if !self.is_active(party) {
            return Became::Refused(INACTIVE);
        }
        let known = self.book.addresses.entry(party).or_default();
        let named = |address: &ErpAddress| address.reference.is_some() && address.reference == new.reference;
        if self.book.refuses_twice && known.iter().any(named) {
            return Became::Refused(TWICE);
        }
        let address = self.book.address(new, false);
        let id = address.id;
        self.book.addresses.entry(party).or_default().push(address);
        Became::Address(id)
    }

    fn make_account(&mut self, new: &NewAccount, now: Timestamp) -> Became {
        let NewAccount { party, name, class, reference, site } = new;
        let Some(owner) = self.party_now(*party).cloned() else { return Became::Refused(NOBODY) };
        if owner.status != PartyStatus::Active {
            return Became::Refused(INACTIVE);
        }
        if !self.all_addresses(&owner).iter().any(|address| address.id == site.party_site) {
            return Became::Refused(NOBODY);
        }
        let twice = self.book.accounts.values().any(|known| known.reference.as_ref() == Some(reference));
        if self.book.refuses_twice && twice {
            return Became::Refused(TWICE);
        }
        let step = self.book.rng.i64(1..9);
        let id = AccountId(self.accounts.keys().next_back().copied().unwrap_or(300_000_200_000_000) + step);
        let number = format!("{}", id.0 % 10_000);
        let shown_at = self.book.shown_at(now);
        let listed = ErpAccount { id, party: *party, number: number.clone(), updated_at: now };
        self.accounts.insert(id.0, vec![Version { record: listed, stamp: now, visible_at: shown_at }]);
        let sites = vec![self.book.site(site)];
        let (party, name, class) = (*party, Some(name.clone()), class.clone());
        let contacts = Vec::new();
        let found =
            FoundAccount { id, party, number, name, class, active: true, sites, contacts, unclear: None };
        let booked = Booked { found, reference: Some(reference.clone()), shown_at };
        self.book.accounts.insert(id, booked);
        Became::Account(id)
    }

    /// The account as it is kept in the book from its first change on.
    pub(super) fn booked(&mut self, id: AccountId, now: Timestamp) -> Option<&mut Booked> {
        let found = self.account_now(id, now)?;
        Some(self.book.accounts.entry(id).or_insert(Booked { found, reference: None, shown_at: now }))
    }

    fn make_site(&mut self, account: AccountId, new: &NewSite, now: Timestamp) -> Became {
        let site = self.book.site(new);
        let refuses = self.book.refuses_twice;
        let Some(booked) = self.booked(account, now) else { return Became::Refused(NOBODY) };
        if refuses && billed(&booked.found, new.set) > 0 {
            return Became::Refused(TWICE);
        }
        booked.found.sites.push(site);
        Became::Account(account)
    }

    fn make_site_use(
        &mut self,
        account: AccountId,
        site: AccountSiteId,
        purpose: &str,
        now: Timestamp,
    ) -> Became {
        let id = SiteUseId(self.book.id());
        let refuses = self.book.refuses_twice;
        let Some(booked) = self.booked(account, now) else { return Became::Refused(NOBODY) };
        let Some(site) = booked.found.sites.iter_mut().find(|known| known.id == site) else {
            return Became::Refused(NOBODY);
        };
        if refuses && site.uses.iter().any(|one| one.purpose == purpose) {
            return Became::Refused(TWICE);
        }
        site.uses.push(SiteUse { id, purpose: purpose.to_owned(), active: true });
        Became::Account(account)
    }

    fn make_profile(&mut self, new: &NewProfile, now: Timestamp) -> Became {
        let AccountKey::Id(account) = new.account else { return Became::Refused(NOBODY) };
        let owner = self.account_now(account, now).map(|account| account.party);
        if owner != Some(new.party) {
            return Became::Refused(NOBODY);
        }
        let profiles = self.book.profiles.entry(account).or_default();
        if self.book.refuses_twice && !profiles.is_empty() {
            return Became::Refused(TWICE);
        }
        profiles.push(Profile {
            id: None,
            class: Some(new.class.clone()),
            payment_terms: None,
            starts: Some(new.starts),
            ends: None,
        });
        Became::Noted
    }

    /// What our requests made, by organization.
    pub(crate) fn seen_customers(&self) -> BTreeMap<OrgId, SeenCustomer> {
        let mut seen: BTreeMap<OrgId, SeenCustomer> = BTreeMap::new();
        for (party, org) in &self.book.made {
            seen.entry(*org).or_default().parties.push(*party);
        }
        for (id, booked) in &self.book.accounts {
            let owner = self.book.made.get(&booked.found.party).copied();
            let named = booked.reference.as_ref().and_then(org_of);
            let Some(org) = named.or(owner) else { continue };
            let customer = seen.entry(org).or_default();
            customer.accounts.extend(named.map(|_| *id));
            for set in SETS {
                customer.billed.insert((*id, set), billed(&booked.found, set));
            }
            customer.profiles.insert(*id, self.book.profiles.get(id).map_or(0, Vec::len));
            for contact in &booked.found.contacts {
                let billed = contact.purposes.iter().filter(|purpose| *purpose == BILL_TO).count();
                *customer.contacts.entry((*id, contact.relationship)).or_default() += billed;
            }
        }
        for (party, addresses) in &self.book.addresses {
            for org in addresses.iter().filter_map(|address| org_of(address.reference.as_ref()?)) {
                *seen.entry(org).or_default().addresses.entry(*party).or_default() += 1;
            }
        }
        seen
    }

    /// Whether an account of the party is billed to in the set, and whether that one has a profile or is none of ours.
    pub(crate) fn invoiceable(&self, party: PartyId, set: SetId, now: Timestamp) -> (bool, bool) {
        let owned = self.accounts.values().filter_map(|versions| newest_visible(versions, now));
        let owned = owned.filter(|version| version.record.party == party).map(|version| version.record.id);
        let accounts: Vec<FoundAccount> = owned.filter_map(|id| self.account_now(id, now)).collect();
        let here: Vec<AccountId> =
            accounts.iter().filter(|found| billed(found, set) > 0).map(|found| found.id).collect();
        let ours = |id: &AccountId| self.book.accounts.get(id).is_some_and(|it| it.reference.is_some());
        let profile = here.iter().any(|id| !ours(id) || self.profile_of(*id).is_some());
        (!here.is_empty(), profile)
    }

    /// The party that a write is about; none where it creates one.
    pub(crate) fn party_of(&self, piece: &Piece, now: Timestamp) -> Option<PartyId> {
        match piece {
            Piece::Party { .. } | Piece::Person { .. } => None,
            Piece::Usage { number, .. } | Piece::Address { number, .. } => self.party_numbered(number),
            Piece::Account { new } => Some(new.party),
            Piece::Site { account, .. }
            | Piece::SiteUse { account, .. }
            | Piece::AccountContact { account, .. } => {
                self.account_now(*account, now).map(|account| account.party)
            }
            Piece::Profile { new } => Some(new.party),
            Piece::Contact { party, .. } => Some(*party),
        }
    }
}

fn billed(account: &FoundAccount, set: SetId) -> usize {
    let sites = account.sites.iter().filter(|site| site.active && site.set == Some(set));
    sites.flat_map(|site| &site.uses).filter(|one| one.active && one.purpose == BILL_TO).count()
}

/// For which organization something is called so: `pd:{company}:org:{org}` and what follows.
fn org_of(reference: &Reference) -> Option<OrgId> {
    reference.value.split(':').nth(3)?.parse().ok().map(OrgId)
}

/// An address as the party's own data show it.
fn written(parts: &AddressParts) -> PostalAddress {
    let rest = [&parts.postal_code, &parts.city, &parts.country];
    let line = parts.lines.iter().chain(rest.into_iter().flatten()).cloned().collect::<Vec<_>>().join(", ");
    PostalAddress {
        line,
        locality: parts.city.clone(),
        region: parts.state.clone(),
        postal_code: parts.postal_code.clone(),
        country: parts.country.clone(),
    }
}
