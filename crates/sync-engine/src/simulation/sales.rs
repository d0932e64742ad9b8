//! Sales and finance around won deals: they enter companies, win and lose deals, merge and delete, fill in what is missing,
//! and know the same companies in both systems.

use jiff::{SignedDuration, Timestamp};
use sync_core::{
    deals::{CrmDeal, DealFacts, DealStatus},
    fields::{Field, Values},
    handover::{HandoverAnswer, Question},
    ids::{DealId, OrgId, PartyId},
    model::{ErpParty, PartyStatus},
    value::{PostalAddress, Value},
};

use super::{
    contacts,
    deals::{Deal, money, whole},
    world::{Version, Worlds},
};

/// Words of which no two companies share one.
const WORDS: [&str; 10] =
    ["Kelvor", "Brastin", "Ormund", "Tulaxa", "Fenwick", "Dorvane", "Quillon", "Sabrix", "Wexmoor", "Jantol"];

/// More of them tell nothing new and take time.
const MOST_DEALS: usize = 14;

/// A company that both systems may know.
struct Company {
    name: String,
    website: String,
    tax_id: String,
    address: PostalAddress,
}

fn company(number: usize) -> Company {
    let word = WORDS.get(number % WORDS.len()).copied().unwrap_or("Nobody");
    let german = number.is_multiple_of(3);
    let (city, code, country) =
        if german { ("Berlin", "10115", "DE") } else { ("Redwood City", "94065", "US") };
    let line = format!("{} {word} Street, {code} {city}, {country}", number + 1);
    Company {
        name: format!("{word} Trading"),
        website: format!("https://{}.example", word.to_lowercase()),
        tax_id: format!("{country}{}", 123_456 + number),
        address: PostalAddress {
            line,
            locality: Some(city.to_owned()),
            region: None,
            postal_code: Some(code.to_owned()),
            country: Some(country.to_owned()),
        },
    }
}

impl Company {
    /// As sales enters it: with everything, or without what is filled in later.
    fn values(self, whole: bool, taxed: bool) -> Values {
        let mut values = Values::from([
            (Field::Name, Value::Text(self.name)),
            (Field::Website, Value::Text(self.website)),
        ]);
        if whole {
            values.insert(Field::Address, Value::Address(self.address));
        }
        if taxed {
            values.insert(Field::TaxId, Value::Text(self.tax_id));
        }
        values
    }
}

impl Worlds {
    /// What is there before the flow is switched on: companies that both sides may know, and deals that were won long ago.
    pub(crate) fn populate_sales(&mut self, now: Timestamp) {
        if !self.sales.on {
            return;
        }
        for _ in 0..self.sales.rng.usize(1..4) {
            self.enter_organization(now);
        }
        for _ in 0..self.sales.rng.usize(0..3) {
            self.enter_party(now);
        }
        for _ in 0..self.sales.rng.usize(1..5) {
            self.new_deal(now - SignedDuration::from_hours(30));
        }
    }

    /// People do not wait until we have read everything.
    pub(crate) fn meanwhile(&mut self, call: &str, now: Timestamp) {
        if self.sales.on && self.faults && self.sales.rng.u32(..60) == 0 {
            self.edit_sales(now);
        }
        if self.papers.on && self.faults && self.papers.rng.u32(..40) == 0 {
            self.edit_papers(now);
        }
        // The worst moment: the ERP's list shows whom the CRM's lists do not show yet.
        if self.sales.on
            && self.faults
            && self.sales.hurries
            && call == "erp.parties"
            && self.sales.rng.u32(..24) == 0
        {
            self.learn_of_company(now);
        }
    }

    /// One plausible edit around deals.
    pub(crate) fn edit_sales(&mut self, now: Timestamp) {
        if self.sales.hurries && self.sales.rng.u32(..5) == 0 {
            return self.hurry(now);
        }
        match self.sales.rng.u32(..22) {
            0..3 => self.enter_organization(now),
            3..7 => self.new_deal(now),
            7..12 => self.decide_deal(DealStatus::Won, now),
            12 => self.decide_deal(DealStatus::Open, now),
            13 => self.decide_deal(DealStatus::Lost, now),
            14 => self.edit_deal("archives it, or takes that back", now, |deal| {
                deal.now.archived = !deal.now.archived;
            }),
            15 if self.few_deals() => {}
            15 => self.edit_deal("deletes it", now, |deal| deal.deleted = true),
            16 => self.move_deal(now),
            17..19 => self.fill_in(now),
            19 => self.enter_party(now),
            20 => self.merge(now),
            _ => self.delete_organization(now),
        }
    }

    pub(crate) fn any_organization(&mut self) -> Option<OrgId> {
        // Most are of their own entering; some came from the ERP.
        let own = self.sales.rng.u32(..5) > 0;
        let entered = &self.sales.entered;
        let living = self.orgs.iter().filter(|(_, org)| !org.deleted).map(|(id, _)| *id);
        let living: Vec<OrgId> = living.filter(|id| !own || entered.contains(id)).collect();
        let chosen = self.sales.rng.usize(..living.len().max(1));
        living.get(chosen).copied()
    }

    /// Whether a life that is about documents has hardly any deals left.
    pub(crate) fn few_deals(&self) -> bool {
        self.papers.on && self.sales.deals.values().filter(|deal| !deal.deleted).count() < 6
    }

    pub(crate) fn any_deal(&mut self) -> Option<DealId> {
        let living = self.sales.deals.iter().filter(|(_, deal)| !deal.deleted).map(|(id, _)| *id);
        let living: Vec<DealId> = living.collect();
        let chosen = self.sales.rng.usize(..living.len().max(1));
        living.get(chosen).copied()
    }

    /// What people do at the same time, or take back at once.
    fn hurry(&mut self, now: Timestamp) {
        match self.sales.rng.u32(..6) {
            0..4 => self.learn_of_company(now),
            4 => {
                let Some(id) = self.any_deal() else { return };
                self.tell(now, format!("people: sales calls it Won by mistake, and Open again: deal {id}"));
                self.sales.win_by_mistake(id, now);
            }
            _ => self.rebrand(now),
        }
    }

    /// A company that nobody knew orders: sales enters it with a won deal, and finance enters it as a customer, which may be the
    /// parent of another one.
    fn learn_of_company(&mut self, now: Timestamp) {
        let number = self.sales.entered.len();
        if number >= WORDS.len() || self.sales.deals.len() >= MOST_DEALS {
            return;
        }
        let id = self.enter_org(company(number).values(true, true), now);
        self.sales.entered.push(id);
        self.tell(now, format!("people: sales enters organization {id}, of whom it has an order"));
        // Lists show neither for a while; the party they show.
        let later = now + SignedDuration::from_secs(28);
        if let Some((shown_at, ..)) = self.orgs.get_mut(&id).and_then(|org| org.shown.last_mut()) {
            *shown_at = later;
        }
        self.add_deal(Some(id), true, (now, later));
        let party = self.next_party();
        let stamp = now - SignedDuration::from_secs(5);
        self.add_party(party, company(number), "CUSTOMER", [true; 3], (stamp, now));
        if self.sales.rng.bool() {
            self.has_daughter(party, now);
        }
    }

    /// A company changes everything by which it was known, except its number for taxes.
    fn rebrand(&mut self, now: Timestamp) {
        let chosen = self.sales.rng.usize(..self.sales.entered.len().max(1));
        let Some(id) = self.sales.entered.get(chosen).copied() else { return };
        let Some(mut values) = self.orgs.get(&id).filter(|org| !org.deleted).map(|org| org.values.clone())
        else {
            return;
        };
        let number = self.sales.rng.u32(..1_000);
        values.insert(Field::Name, Value::Text(format!("Novum {number}")));
        values.insert(Field::Website, Value::Text(format!("https://novum{number}.example")));
        self.tell(now, format!("people: sales knows organization {id} as Novum {number} now"));
        self.change_org(id, values, now);
        self.touched(id, now);
    }

    fn enter_organization(&mut self, now: Timestamp) {
        let number = self.sales.entered.len();
        if number >= WORDS.len() {
            return;
        }
        let (whole, taxed) = (self.sales.rng.u32(..4) > 0, self.sales.rng.bool());
        let id = self.enter_org(company(number).values(whole, taxed), now);
        self.sales.entered.push(id);
        let how = if whole { "" } else { " without an address" };
        self.tell(now, format!("people: sales enters organization {id}{how}"));
    }

    fn new_deal(&mut self, now: Timestamp) {
        if self.sales.deals.len() >= MOST_DEALS {
            return;
        }
        let org = if self.sales.rng.u32(..8) > 0 { self.any_organization() } else { None };
        let won = self.sales.rng.u32(..3) == 0;
        self.add_deal(org, won, (now, now));
    }

    fn add_deal(&mut self, org: Option<OrgId>, won: bool, (now, shown_at): (Timestamp, Timestamp)) {
        let id = DealId(self.sales.deals.keys().next_back().map_or(81, |last| last.0 + 1));
        let rng = &mut self.sales.rng;
        let deal = CrmDeal {
            id,
            title: format!("Framework contract {id}"),
            status: if won { DealStatus::Won } else { DealStatus::Open },
            value: (rng.u32(..4) > 0).then(|| money(rng.i64(1..90) * 1_000)),
            org,
            person: contacts::of_deal(id),
            owner: self.papers.on.then_some(7),
            pipeline: Some(if rng.u32(..12) == 0 { 3 } else { rng.i64(1..3) }),
            stage: None,
            won_at: won.then(|| whole(now)),
            added_at: Some(whole(now)),
            expected_close: None,
            archived: false,
            updated_at: whole(now),
            custom: Default::default(),
            label_ids: Vec::new(),
            facts: DealFacts::default(),
        };
        let how = if won { " won" } else { "" };
        self.tell(now, format!("people: sales enters{how} deal {id} of {org:?} in {:?}", deal.pipeline));
        self.sales.add(deal, shown_at);
    }

    fn edit_deal(&mut self, what: &str, now: Timestamp, change: impl FnOnce(&mut Deal)) {
        let Some(id) = self.any_deal() else { return };
        self.sales.change(id, now, change);
        self.tell(now, format!("people: sales {what}: deal {id}"));
    }

    fn decide_deal(&mut self, status: DealStatus, now: Timestamp) {
        self.edit_deal(&format!("calls it {status:?}"), now, |deal| {
            let again = deal.now.status == status;
            if !deal.now.archived && !again {
                deal.now.won_at = (status == DealStatus::Won).then(|| whole(now));
                deal.now.status = status;
            }
        });
    }

    fn move_deal(&mut self, now: Timestamp) {
        let to = if self.sales.rng.u32(..5) > 0 { self.any_organization() } else { None };
        self.edit_deal(&format!("moves it to {to:?}"), now, |deal| deal.now.org = to);
    }

    fn fill_in(&mut self, now: Timestamp) {
        let lacks = |id: &OrgId| {
            let org = self.orgs.get(id).filter(|org| !org.deleted)?;
            (!org.values.contains_key(&Field::Address)).then_some(*id)
        };
        let lacking: Vec<OrgId> = self.sales.entered.iter().filter_map(lacks).collect();
        let chosen = self.sales.rng.usize(..lacking.len().max(1));
        let Some(id) = lacking.get(chosen).copied() else { return };
        self.fill_in_all(id, now);
    }

    /// Everything that may be asked for is filled in.
    pub(crate) fn fill_in_all(&mut self, id: OrgId, now: Timestamp) {
        let Some(number) = self.sales.entered.iter().position(|entered| *entered == id) else { return };
        let Some(mut values) = self.orgs.get(&id).filter(|org| !org.deleted).map(|org| org.values.clone())
        else {
            return;
        };
        for (field, value) in company(number).values(true, true) {
            values.entry(field).or_insert(value);
        }
        self.tell(now, format!("people: sales fills in what organization {id} lacks"));
        self.change_org(id, values, now);
        self.touched(id, now);
    }

    fn touched(&mut self, id: OrgId, now: Timestamp) {
        if let Some(org) = self.orgs.get_mut(&id) {
            org.edited_at = Some(now);
        }
    }

    /// Finance knows a company, as a customer or as a supplier, by much or by little.
    fn enter_party(&mut self, now: Timestamp) {
        let most = self.sales.entered.len().max(1);
        let who = company(self.sales.rng.usize(..most));
        let id = self.next_party();
        let usage = if self.sales.rng.bool() { "CUSTOMER" } else { "SUPPLIER" };
        let known = [self.sales.rng.bool(), self.sales.rng.bool(), self.sales.rng.bool()];
        let late = if self.sales.rng.u32(..5) == 0 { self.sales.rng.i64(1..120) } else { 0 };
        self.add_party(id, who, usage, known, (now, now + SignedDuration::from_secs(late)));
    }

    fn next_party(&mut self) -> PartyId {
        let step = self.sales.rng.i64(1..9);
        PartyId(self.parties.keys().next_back().copied().unwrap_or(300_000_200_000_000) + step)
    }

    /// A party of which finance knows number for taxes, web site and address, or not.
    fn add_party(
        &mut self,
        id: PartyId,
        who: Company,
        usage: &str,
        [taxed, sited, addressed]: [bool; 3],
        (now, visible_at): (Timestamp, Timestamp),
    ) {
        let Company { name, website, tax_id, address } = who;
        let record = ErpParty {
            id,
            number: format!("CDRM_{id}"),
            name,
            usage: Some(usage.to_owned()),
            status: PartyStatus::Active,
            tax_id: taxed.then_some(tax_id),
            url: sited.then_some(website),
            phone: None,
            duns: None,
            email: None,
            currency: None,
            address: addressed.then_some(address),
            attributes: Default::default(),
            updated_at: now,
        };
        self.tell(
            now,
            format!("people: finance enters {usage} {id} \"{}\" (visible at {visible_at})", record.name),
        );
        self.parties.insert(id.0, vec![Version { record, stamp: now, visible_at }]);
    }

    /// Merged into another one, which takes its deals and, if it has none, its ERP customer id (pipedrive.md 1.5).
    fn merge(&mut self, now: Timestamp) {
        let (Some(gone), Some(into)) = (self.any_organization(), self.any_organization()) else { return };
        let Some(values) = self.orgs.get(&gone).map(|org| org.values.clone()) else { return };
        let carried = values.get(&Field::ErpCustomerId).cloned();
        // Assumed by the laws: nobody touches our origin keys while a create is in doubt.
        let settled = carried.is_none() || self.paired.contains(&gone);
        if gone == into || !settled {
            return;
        }
        self.tell(now, format!("people: sales merges organization {gone} into {into}"));
        if let Some(mut survivor) = self.orgs.get(&into).map(|org| org.values.clone()) {
            if let Some(carried) = carried {
                survivor.entry(Field::ErpCustomerId).or_insert(carried);
            }
            self.change_org(into, survivor, now);
            self.touched(into, now);
        }
        let moved: Vec<DealId> = self.deals_of(gone);
        for deal in moved {
            self.sales.change(deal, now, |deal| deal.now.org = Some(into));
        }
        self.end_organization(gone, now);
    }

    fn deals_of(&self, org: OrgId) -> Vec<DealId> {
        let of = self.sales.deals.values().filter(|deal| deal.now.org == Some(org));
        of.map(|deal| deal.now.id).collect()
    }

    fn delete_organization(&mut self, now: Timestamp) {
        let Some(id) = self.any_organization().filter(|id| self.sales.entered.contains(id)) else { return };
        self.tell(now, format!("people: sales deletes organization {id}"));
        self.end_organization(id, now);
    }

    fn end_organization(&mut self, id: OrgId, now: Timestamp) {
        if let Some(org) = self.orgs.get_mut(&id) {
            org.deleted = true;
            org.edited_at = Some(now);
        }
    }

    /// What a person says to a question.
    pub(crate) fn think(&mut self, question: &Question) -> HandoverAnswer {
        use HandoverAnswer as A;
        let rng = &mut self.sales.rng;
        match question {
            Question::ApprovalNeeded { .. } if rng.u32(..4) == 0 => A::Reject,
            Question::ApprovalNeeded { .. } => A::Approve,
            Question::ApprovalExpired { .. } if rng.u32(..4) == 0 => A::Reject,
            Question::PartyAmbiguous { candidates, .. } => match (candidates.first(), rng.u32(..4)) {
                (Some(one), 0 | 1) => A::Same { party: one.party },
                (Some(one), 2) => A::Apart { party: one.party },
                (Some(_) | None, _) => A::New,
            },
            Question::PartyKnown { party, .. } => match rng.u32(..4) {
                0 => A::New,
                1 => A::Apart { party: *party },
                _ => A::Go,
            },
            Question::PartyChanged { .. } => A::Go,
            Question::SeveralAccounts { accounts, .. } => match accounts.first() {
                Some((account, _)) => A::Account { account: *account },
                None => A::Retry,
            },
            Question::SiteMissing { .. } => {
                if rng.u32(..4) == 0 {
                    A::Leave
                } else {
                    A::Go
                }
            }
            // Only where contacts are made are there such questions: no other life is drawn other lots.
            Question::Refused { piece, .. } if piece.contact().is_some() && rng.u32(..4) == 0 => A::Leave,
            Question::ContactUnusable { .. } => A::Leave,
            Question::ApprovalExpired { .. }
            | Question::DataMissing { .. }
            | Question::NoBusinessUnit { .. }
            | Question::NoOrganization { .. }
            | Question::PartyUnusable { .. }
            | Question::SeveralParties { .. }
            | Question::Refused { .. }
            | Question::OrganizationGone { .. }
            | Question::OrganizationUnreadable { .. } => A::Retry,
        }
    }
}
