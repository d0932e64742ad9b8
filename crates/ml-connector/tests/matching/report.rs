//! First-sync matching against the truth of the generator: who is bound rightly, falsely, asked about, created anew.
//!
//! Used by the test beside it and by `examples/matching.rs`.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use saas_sims::{
    SimClock,
    fusion::{FusionSettings, FusionSim},
    generator::{self, Customer, Details, SalesOrganization},
};
use sync_core::{
    ids::{OrgId, PartyId},
    matching::{Candidate, Company, Comparison, EvidenceKind, Profile, Rarest, Verdict, judge},
    value::PostalAddress,
};

/// What came of one population.
#[derive(Debug, Default)]
pub(crate) struct Report {
    pub(crate) customers: usize,
    pub(crate) organizations: usize,
    /// Customers that sales knew, once or twice.
    pub(crate) known: usize,
    /// Known exactly once: these can be bound by themselves.
    pub(crate) bindable: usize,
    pub(crate) bound_right: usize,
    pub(crate) bound_falsely: Vec<String>,
    pub(crate) asked_with_the_true_one: usize,
    pub(crate) asked_without: usize,
    /// Known to sales, and yet given an organization of their own.
    pub(crate) created_twice: usize,
    pub(crate) created: usize,
    pub(crate) comparisons: usize,
    pub(crate) biggest_bucket: usize,
    /// What spoke for the true one of those asked about, and whether another one came near; how often.
    pub(crate) asked_because: BTreeMap<(String, bool), usize>,
}

impl Report {
    pub(crate) fn recall(&self) -> f64 {
        self.bound_right as f64 / self.bindable.max(1) as f64
    }

    pub(crate) fn precision(&self) -> f64 {
        let bound = self.bound_right + self.bound_falsely.len();
        self.bound_right as f64 / bound.max(1) as f64
    }
}

/// Matches so many customers with what salespeople made of 60 % of them.
pub(crate) fn matched(customers: usize, seed: u64, end: Timestamp, crowded: bool) -> Report {
    let sim = FusionSim::new(FusionSettings::default(), SimClock::at(end), seed);
    let populate = if crowded { generator::populate_crowded } else { generator::populate };
    let truth = populate(&sim, customers, seed, end);
    let organizations = generator::sales(&truth, 0.6, seed);
    let parties: Vec<(i64, Profile)> =
        truth.customers.iter().map(|customer| (customer.party_id, Profile::of(&of_erp(customer)))).collect();
    let orgs: Vec<Profile> = organizations.iter().map(|org| Profile::of(&of_crm(org))).collect();
    judged(&parties, &orgs, &organizations)
}

/// How many companies of both sides have each word.
fn bearers<'a>(profiles: impl Iterator<Item = &'a Profile>) -> BTreeMap<String, usize> {
    let mut bearers = BTreeMap::new();
    for word in profiles.flat_map(Profile::words) {
        *bearers.entry(word.to_owned()).or_default() += 1;
    }
    bearers
}

fn judged(parties: &[(i64, Profile)], orgs: &[Profile], organizations: &[SalesOrganization]) -> Report {
    let mut known = BTreeMap::new();
    let of_parties = Keys::of(&mut known, parties.iter().map(|(_, profile)| profile));
    let of_orgs = Keys::of(&mut known, orgs.iter());
    let bearers = bearers(orgs.iter().chain(parties.iter().map(|(_, profile)| profile)));
    let mut times: BTreeMap<i64, usize> = BTreeMap::new();
    for org in organizations {
        *times.entry(org.party.unwrap_or_default()).or_default() += 1;
    }
    let mut report = Report {
        customers: parties.len(),
        organizations: orgs.len(),
        biggest_bucket: of_orgs.who.values().chain(of_parties.who.values()).map(Vec::len).max().unwrap_or(0),
        ..Report::default()
    };
    for (at, (party, profile)) in parties.iter().enumerate() {
        let near = of_orgs.near(&of_parties.keys[at]);
        let candidate = |org: usize| {
            let others = of_parties.near(&of_orgs.keys[org]).into_iter().filter(|other| *other != at);
            let rivals =
                others.take(50).map(|other| (PartyId(parties[other].0), &parties[other].1)).collect();
            Candidate { org: OrgId(org as i64), profile: &orgs[org], rivals }
        };
        let candidates: Vec<Candidate<'_>> = near.into_iter().take(200).map(candidate).collect();
        report.comparisons += candidates.iter().map(|candidate| 1 + candidate.rivals.len()).sum::<usize>();
        let words = profile.words().into_iter().map(|word| Rarest { bearers: bearers[word], word });
        let verdict = judge(profile, words.min(), &candidates);
        note(&mut report, *party, profile, &verdict, organizations, times.get(party).copied().unwrap_or(0));
    }
    report
}

fn note(
    report: &mut Report,
    party: i64,
    profile: &Profile,
    verdict: &Verdict,
    organizations: &[SalesOrganization],
    times: usize,
) {
    let is_it = |org: OrgId| organizations[org.0 as usize].party == Some(party);
    report.known += usize::from(times > 0);
    report.bindable += usize::from(times == 1);
    match verdict {
        Verdict::Bind { chosen, .. } if is_it(chosen.org) => report.bound_right += usize::from(times == 1),
        Verdict::Bind { chosen, .. } => {
            let organization = &organizations[chosen.org.0 as usize];
            let why = chosen.comparison.explain().replace('\n', "; ");
            report.bound_falsely.push(format!("{} -> {}: {why}", profile.name(), organization.name));
        }
        Verdict::Ask { candidates, .. } => {
            if let Some(true_one) = candidates.iter().find(|candidate| is_it(candidate.org)) {
                report.asked_with_the_true_one += 1;
                if times == 1 {
                    let near = candidates.len() > 1 || !true_one.rivals.is_empty();
                    let spoke = (spoke_for(&true_one.comparison), near);
                    *report.asked_because.entry(spoke).or_default() += 1;
                }
            } else {
                report.asked_without += 1;
            }
        }
        Verdict::Nobody if times > 0 => report.created_twice += 1,
        Verdict::Nobody => report.created += 1,
    }
}

/// `name (32), town, street = 54`.
fn spoke_for(comparison: &Comparison) -> String {
    let said = comparison.evidence.iter().filter(|piece| piece.points != 0);
    let said = said.map(|piece| match piece.kind {
        EvidenceKind::Name => format!("name ({})", piece.points),
        kind if piece.points < 0 => format!("another {}", kind.label()),
        kind => kind.label().to_owned(),
    });
    format!("{} = {}", said.collect::<Vec<_>>().join(", "), comparison.points)
}

/// The keys of one side, as numbers, and who has each.
struct Keys {
    keys: Vec<Vec<u32>>,
    who: BTreeMap<u32, Vec<usize>>,
}

impl Keys {
    fn of<'a>(known: &mut BTreeMap<String, u32>, profiles: impl Iterator<Item = &'a Profile>) -> Self {
        let mut all = Self { keys: Vec::new(), who: BTreeMap::new() };
        for (at, profile) in profiles.enumerate() {
            let number = |key: String| {
                let next = u32::try_from(known.len()).unwrap_or(u32::MAX);
                *known.entry(key).or_insert(next)
            };
            let keys: Vec<u32> = profile.keys().into_iter().map(number).collect();
            for key in &keys {
                all.who.entry(*key).or_default().push(at);
            }
            all.keys.push(keys);
        }
        all
    }

    fn near(&self, keys: &[u32]) -> BTreeSet<usize> {
        keys.iter().filter_map(|key| self.who.get(key)).flatten().copied().collect()
    }
}

fn some(text: &str) -> Vec<String> {
    (!text.is_empty()).then(|| text.to_owned()).into_iter().collect()
}

/// A customer as our adapter reads it.
fn of_erp(customer: &Customer) -> Company {
    let Details { country, currency: _, street, city, postal_code, phone, url, email, tax_number } =
        &customer.details;
    let parts = [street.clone(), city.clone(), postal_code.clone(), country.clone()];
    let line = parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(", ");
    let option = |text: &String| (!text.is_empty()).then(|| text.clone());
    let address = PostalAddress {
        line: line.clone(),
        locality: option(city),
        region: None,
        postal_code: option(postal_code),
        country: option(country),
    };
    Company {
        names: vec![customer.name.clone()],
        tax_ids: some(tax_number),
        websites: some(url),
        emails: some(email),
        phones: some(phone),
        address: (!line.is_empty()).then_some(address),
        ..Company::default()
    }
}

/// An organization as our adapter reads it.
fn of_crm(organization: &SalesOrganization) -> Company {
    let SalesOrganization { name, address, place, website, tax_id, phone, party: _, duplicate: _ } =
        organization;
    let (locality, country) = place.clone().unzip();
    let address = address.as_ref().map(|line| PostalAddress {
        line: line.clone(),
        locality: locality.filter(|town| !town.is_empty()),
        region: None,
        postal_code: None,
        country: country.filter(|country| !country.is_empty()),
    });
    Company {
        names: vec![name.chars().take(255).collect()],
        tax_ids: tax_id.iter().cloned().collect(),
        websites: website.iter().cloned().collect(),
        phones: phone.iter().cloned().collect(),
        address,
        ..Company::default()
    }
}
