//! The laws as functions over what can be seen from outside: used by the simulation, by end-to-end tests and in
//! debug assertions. Each returns the sentence that says how it was broken.
//!
//! Numbers are those of section 3 of the architecture. The remaining laws come with what they speak about.

mod customers;
mod door;
mod order;
mod relations;

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};

use crate::{
    fields::{Field, Owner, Values},
    ids::{OrgId, PartyId},
    mapping,
    model::{ErpCustomer, PartyStatus},
    pair::Pair,
    policy::{Life, Policy, Reaction},
    value::{Value, same},
};

pub use customers::{
    Contacts, Grounds, SeenCustomer, Whole, law_1_no_second_organization, law_1_not_for_another,
    law_1_one_contact, law_1_one_customer, law_2_due, law_2_piece_intended, law_8_complete,
    law_8_no_idle_question,
};
pub use door::{Unproven, law_6_kept_before_answered, law_9_unproven_is_nothing};
pub use order::{law_5_reserve_left_alone, law_5_urgent_first, law_10_no_wave};
pub use relations::{
    SeenRelation, TrueRelations, law_1_one_relation, law_3_no_third_relation, law_8_relations,
};

/// A broken law.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// Number of the law.
    pub law: u8,
    /// How it was broken.
    pub story: String,
}

fn broken(law: u8, story: String) -> Violation {
    Violation { law, story }
}

/// Law 1: one organization per party, one party per organization.
///
/// `created` are the organizations that our requests created, with the party id they carried when they were
/// created, deleted ones included; `pairs` is our own table.
#[must_use]
pub fn law_1_one_to_one(
    created: impl IntoIterator<Item = (OrgId, PartyId)>,
    pairs: impl IntoIterator<Item = (PartyId, OrgId)>,
) -> Vec<Violation> {
    let mut found = Vec::new();
    let mut by_party: BTreeMap<PartyId, OrgId> = BTreeMap::new();
    for (org, party) in created {
        if let Some(first) = by_party.insert(party, org) {
            found.push(broken(1, format!("party {party} was given organizations {first} and {org}")));
        }
    }
    let mut parties = BTreeSet::new();
    let mut orgs = BTreeSet::new();
    for (party, org) in pairs {
        if !parties.insert(party) {
            found.push(broken(1, format!("party {party} has two pairs")));
        }
        if !orgs.insert(org) {
            found.push(broken(1, format!("organization {org} has two pairs")));
        }
    }
    found
}

/// Law 1: nobody has an organization that was created for it beside the one that it belongs to. `created` and `pairs` as far as
/// the organizations live.
#[must_use]
pub fn law_1_no_other_home(created: &[(OrgId, PartyId)], pairs: &BTreeMap<PartyId, OrgId>) -> Vec<Violation> {
    let beside = created.iter().filter_map(|(org, party)| {
        let home = pairs.get(party).filter(|home| *home != org)?;
        Some(broken(1, format!("organization {org} was created for party {party}, which belongs to {home}")))
    });
    beside.collect()
}

/// Law 2: no create without an intent. `sent` are the creates sent so far, `intended` the create intents committed so
/// far, each counted per party.
#[must_use]
pub fn law_2_intent_first(
    sent: &BTreeMap<PartyId, u64>,
    intended: &BTreeMap<PartyId, u64>,
) -> Vec<Violation> {
    let intents = |party: &PartyId| intended.get(party).copied().unwrap_or(0);
    let without = sent.iter().filter(|(party, sent)| **sent > intents(party));
    without
        .map(|(party, sent)| {
            broken(2, format!("party {party}: {sent} creates were sent, {} were intended", intents(party)))
        })
        .collect()
}

/// One write that reached an organization, as the remote system saw it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SeenWrite {
    /// The organization.
    pub org: OrgId,
    /// The fields that were sent.
    pub sent: Vec<(Field, Option<Value>)>,
    /// What those fields said before.
    pub before: Values,
    /// Whether a person changed the record after we had last read it: then the write may meet what it wants.
    pub raced: bool,
}

/// Law 3: no write that changes nothing, and no value written to a field a third time in a row.
#[must_use]
pub fn law_3_no_idle_write(writes: &[SeenWrite]) -> Vec<Violation> {
    let mut found = Vec::new();
    let mut row: BTreeMap<(OrgId, Field), (Option<Value>, u32)> = BTreeMap::new();
    for SeenWrite { org, sent, before, raced } in writes {
        let idle = sent.iter().all(|(field, value)| same(value.as_ref(), before.get(field)));
        if idle && !raced {
            let fields: Vec<&str> = sent.iter().map(|(field, _)| field.key()).collect();
            found.push(broken(3, format!("a write to organization {org} changed nothing: {fields:?}")));
        }
        for (field, value) in sent {
            let last = row.entry((*org, *field)).or_insert((None, 0));
            *last = if last.1 > 0 && same(last.0.as_ref(), value.as_ref()) {
                (value.clone(), last.1 + 1)
            } else {
                (value.clone(), 1)
            };
            if last.1 > 2 {
                found.push(broken(
                    3,
                    format!("{} of organization {org} was given the same value a third time", field.key()),
                ));
            }
        }
    }
    found
}

/// A record of the ERP as an all-seeing observer knows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Committed {
    /// Its id.
    pub id: i64,
    /// Its change stamp.
    pub stamp: Timestamp,
    /// When that version became visible to readers.
    pub visible_at: Timestamp,
}

/// Law 6: a watermark has passed a record only when it is durably staged.
///
/// A version must be staged, or a newer one, when its stamp lies before the watermark, it was visible when the
/// window that set the watermark began to be read, and it did not commit later than `overlap` after its stamp
/// (later ones are the sweep's).
#[must_use]
pub fn law_6_staged_before_passed(
    stream: &str,
    records: impl IntoIterator<Item = Committed>,
    staged: &BTreeMap<i64, Timestamp>,
    watermark: Timestamp,
    window_began: Timestamp,
    overlap: SignedDuration,
) -> Vec<Violation> {
    let mut found = Vec::new();
    for Committed { id, stamp, visible_at } in records {
        let due =
            stamp < watermark && visible_at <= window_began && visible_at.duration_since(stamp) <= overlap;
        // Stamps are printed in milliseconds.
        let known = staged.get(&id).is_some_and(|seen| seen.as_millisecond() >= stamp.as_millisecond());
        if due && !known {
            found.push(broken(
                6,
                format!("{stream} {id} stamped {stamp} was passed by the watermark {watermark} unstaged"),
            ));
        }
    }
    found
}

/// Law 7: a second run without outside changes writes nothing and reads only what its polls need.
#[must_use]
pub fn law_7_second_run_is_idle(writes: u64, reads: u64, reads_needed: u64) -> Option<Violation> {
    if writes > 0 {
        return Some(broken(7, format!("a run without outside changes sent {writes} writes")));
    }
    (reads > reads_needed).then(|| {
        broken(7, format!("a run without outside changes sent {reads} reads, {reads_needed} suffice"))
    })
}

/// Law 8: once faults have stopped and two cycles have passed, every customer without a hold agrees.
///
/// `customer` is the truth of the ERP, `org` the truth of the CRM.
#[must_use]
pub fn law_8_agreement(
    policy: &Policy,
    customer: &ErpCustomer,
    pair: Option<&Pair>,
    org: Option<&Values>,
    held: bool,
) -> Option<Violation> {
    let party = customer.party.id;
    let life = Life::of(&customer.party.status);
    let told = matches!(policy.erp.to(life), Reaction::Flag | Reaction::Label);
    let left_alone = life != Life::Active && !told;
    if held || left_alone || !policy.customers.covers(customer) {
        return None;
    }
    let Some(pair) = pair else {
        let retired = customer.party.status != PartyStatus::Active;
        return (!retired).then(|| broken(8, format!("customer {party} has no organization")));
    };
    let Some(org) = org else {
        return Some(broken(8, format!("organization {} of customer {party} does not exist", pair.org)));
    };
    let mut desired = mapping::desired(&policy.fields, customer).values;
    let labels = policy.labels(life, org.get(&Field::Labels));
    let surplus = labels.is_none() && org.contains_key(&Field::Labels);
    if surplus && policy.fields.has(Field::Labels) {
        return Some(broken(8, format!("customer {party} does not live as the labels of {} say", pair.org)));
    }
    desired.extend(labels.map(|labels| (Field::Labels, labels)));
    let mut owned = policy.fields.rules().filter(|(_, owner)| *owner == Owner::Erp);
    let differs = owned.find(|(field, _)| {
        let (desired, actual) = (desired.get(field), org.get(field));
        desired.is_some() && !same(desired, actual) && !pair.is_remote_form(*field, desired, actual)
    });
    differs.map(|(field, _)| {
        let text = |value: Option<&Value>| value.map_or("nothing", Value::text).to_owned();
        broken(
            8,
            format!(
                "{} of customer {party}: the ERP says \"{}\", organization {} says \"{}\"",
                field.key(),
                text(desired.get(&field)),
                pair.org,
                text(org.get(&field))
            ),
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_organizations_of_one_party_break_law_1() {
        let created = [(OrgId(1), PartyId(7)), (OrgId(2), PartyId(7))];
        assert_eq!(law_1_one_to_one(created, []).len(), 1);
        assert_eq!(law_1_one_to_one([(OrgId(1), PartyId(7))], [(PartyId(7), OrgId(1))]), []);
        let pairs = [(PartyId(7), OrgId(1)), (PartyId(8), OrgId(1))];
        assert_eq!(law_1_one_to_one([], pairs).len(), 1);
    }

    #[test]
    fn an_organization_beside_the_one_that_a_party_belongs_to_breaks_law_1() {
        let created = [(OrgId(1), PartyId(7)), (OrgId(2), PartyId(8))];
        let pairs = BTreeMap::from([(PartyId(7), OrgId(1))]);
        assert_eq!(law_1_no_other_home(&created, &pairs), []);
        let pairs = BTreeMap::from([(PartyId(7), OrgId(3)), (PartyId(8), OrgId(2))]);
        assert_eq!(law_1_no_other_home(&created, &pairs).len(), 1);
    }

    #[test]
    fn a_create_needs_an_intent() {
        let counted = |count| BTreeMap::from([(PartyId(1), count)]);
        assert_eq!(law_2_intent_first(&counted(1), &BTreeMap::new()).len(), 1);
        assert_eq!(law_2_intent_first(&counted(2), &counted(1)).len(), 1);
        assert_eq!(law_2_intent_first(&counted(1), &counted(1)), []);
    }

    #[test]
    fn idle_writes_and_third_times_break_law_3() {
        let value = || Some(Value::Text("a".into()));
        let write = |before: &str| SeenWrite {
            org: OrgId(1),
            sent: vec![(Field::Name, value())],
            before: Values::from([(Field::Name, Value::Text(before.into()))]),
            raced: false,
        };
        assert_eq!(law_3_no_idle_write(&[write("b"), write("c")]), []);
        assert_eq!(law_3_no_idle_write(&[write(" a ")]).len(), 1);
        assert_eq!(law_3_no_idle_write(&[write("b"), write("c"), write("d")]).len(), 1);
    }

    #[test]
    fn a_watermark_beyond_an_unstaged_record_breaks_law_6() {
        let at = |text: &str| text.parse::<Timestamp>().unwrap();
        let stamp = at("2026-01-01T00:00:00.0005Z");
        let record = Committed { id: 1, stamp, visible_at: stamp };
        let check = |staged: &BTreeMap<i64, Timestamp>, watermark: &str| {
            let overlap = SignedDuration::from_mins(10);
            law_6_staged_before_passed(
                "party",
                [record],
                staged,
                at(watermark),
                at("2026-01-01T01:00:00Z"),
                overlap,
            )
        };
        assert_eq!(check(&BTreeMap::new(), "2026-01-01T00:30:00Z").len(), 1);
        assert_eq!(check(&BTreeMap::new(), "2026-01-01T00:00:00Z"), []);
        assert_eq!(check(&BTreeMap::from([(1, at("2026-01-01T00:00:00Z"))]), "2026-01-01T00:30:00Z"), []);
    }

    #[test]
    fn idle_runs_are_idle() {
        assert_eq!(law_7_second_run_is_idle(0, 3, 3), None);
        assert!(law_7_second_run_is_idle(1, 0, 3).is_some());
        assert!(law_7_second_run_is_idle(0, 4, 3).is_some());
    }
}
