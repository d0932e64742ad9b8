//! What the generator makes beside the population: odd names, bulk loads, families, late commits.

use std::collections::{BTreeMap, BTreeSet};

use jiff::SignedDuration;
use saas_sims::SimClock;
use saas_sims::fusion::{FusionSettings, FusionSim};
use saas_sims::generator::{Odd, Tree, Truth, bulk_load, families, late_commits, oddities, populate};
use serde_json::{Value, json};

use crate::http::{at, start};

pub(crate) fn pod(customers: usize, seed: u64) -> (FusionSim, Truth) {
    let sim = FusionSim::new(FusionSettings::default(), SimClock::at(start()), 3);
    let truth = populate(&sim, customers, seed, start());
    (sim, truth)
}

/// A number that changes with any byte of any party or account.
fn fingerprint(sim: &FusionSim) -> u64 {
    let mut hash = 0xcbf2_9ce4_8422_2325_u64;
    let mut eat = |value: Option<Value>| {
        for byte in value.unwrap_or_default().to_string().bytes() {
            hash = (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        }
    };
    for party in sim.party_ids() {
        eat(sim.party(party));
        for account in sim.account_ids(party) {
            eat(sim.account(account));
        }
    }
    hash
}

#[test]
fn a_seeds_population_is_what_it_always_was() {
    assert_eq!(
        [1, 6].map(|seed| fingerprint(&pod(300, seed).0)),
        [3_446_262_952_098_861_486, 17_298_843_050_093_903_812]
    );
}

#[test]
fn every_kind_of_odd_name_is_entered_as_it_is_written_beside_the_population() {
    let (sim, truth) = pod(40, 1);
    let before = fingerprint(&sim);
    let odd = oddities(&sim, 1, start());
    let kinds: BTreeSet<Odd> = odd.iter().map(|oddity| oddity.odd).collect();
    assert_eq!(kinds.len(), 13);
    for oddity in &odd {
        let party = sim.party(oddity.customer.party_id).unwrap();
        assert_eq!(party["OrganizationName"], oddity.customer.name);
        assert!(!oddity.customer.accounts.is_empty());
    }
    let of =
        |kind: Odd| odd.iter().filter(move |oddity| oddity.odd == kind).map(|oddity| &oddity.customer.name);
    let lengths: Vec<usize> = of(Odd::Border).map(|name| name.chars().count()).collect();
    assert_eq!(lengths, [255, 256, 359, 360]);
    let marks =
        |c: char| matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    assert!(of(Odd::RightToLeftMarks).all(|name| name.chars().any(marks)));
    let invisible = |c: char| matches!(c, '\u{200b}'..='\u{200d}' | '\u{ad}' | '\u{feff}');
    assert!(of(Odd::Invisible).all(|name| name.chars().any(invisible)));
    let latin = |c: char| c.is_ascii_alphabetic();
    assert_eq!(
        of(Odd::Homoglyph).filter(|name| name.chars().any(|c| c.is_alphabetic() && !latin(c))).count(),
        2
    );
    assert!(of(Odd::Astral).all(|name| name.chars().any(|c| u32::from(c) > 0xffff)));
    // What was there before is untouched, and the next one is as odd.
    assert_eq!(sim.customer_ids().len(), truth.customers.len() + odd.len());
    assert_ne!(fingerprint(&sim), before);
    let (again, _) = pod(40, 1);
    assert_eq!(oddities(&again, 1, start()), odd);
}

#[test]
fn a_bulk_load_has_one_stamp_for_hundreds_of_rows_of_both_resources() {
    let (sim, _) = pod(5, 1);
    let loaded = bulk_load(&sim, 700, 2, start(), SignedDuration::from_hours(3));
    assert_eq!(loaded.len(), 700);
    let mut stamps: BTreeMap<String, usize> = BTreeMap::new();
    for customer in &loaded {
        let party = sim.party(customer.party_id).unwrap();
        let account = sim.account(sim.account_ids(customer.party_id)[0]).unwrap();
        for row in [party, account] {
            assert_eq!(row["CreationDate"], row["LastUpdateDate"]);
            *stamps.entry(row["LastUpdateDate"].as_str().unwrap().to_owned()).or_default() += 1;
        }
    }
    assert_eq!(stamps.into_values().collect::<Vec<_>>(), [1400]);
}

#[test]
fn families_have_every_tree_and_the_relationships_that_the_truth_tells() {
    let (sim, truth) = pod(1500, 4);
    let made = families(&sim, &truth, 0.1, 7);
    let trees: BTreeSet<Tree> = made.iter().map(|family| family.tree).collect();
    assert_eq!(trees.len(), 6);
    let one = |tree: Tree| made.iter().find(|family| family.tree == tree).unwrap();
    for once in [Tree::Cycle, Tree::TwoParents] {
        assert_eq!(made.iter().filter(|family| family.tree == once).count(), 1);
    }
    let members: Vec<i64> = made.iter().flat_map(|family| family.members.clone()).collect();
    assert!((150..160).contains(&members.len()), "{}", members.len());
    assert_eq!(members.iter().collect::<BTreeSet<_>>().len(), members.len(), "each is in one family only");
    // Each relationship stands below its daughter as the truth has it.
    for relation in made.iter().flat_map(|family| &family.relations) {
        let rows = sim.children(relation.daughter, "Relationship");
        let row = rows.iter().find(|row| row["RelationshipId"] == relation.id).unwrap();
        assert_eq!((&row["ObjectPartyId"], &row["Status"] == "I"), (&json!(relation.parent), relation.ended));
        assert_eq!(row["EndDate"].as_str().unwrap() < "2026-03-02", relation.ended);
    }
    // Up from the lowest daughter: three levels.
    let three = one(Tree::ThreeLevels);
    let parent =
        |of: i64| three.relations.iter().find(|relation| relation.daughter == of).map(|up| up.parent);
    let deepest = three.members.iter().filter_map(|party| parent(parent(*party)?)).next();
    assert_eq!(deepest, Some(three.members[0]));
    let first = &one(Tree::DaughterFirst).relations[0];
    assert!(first.daughter < first.parent);
    let customers = sim.customer_ids();
    for relation in &one(Tree::ParentIsNoCustomer).relations {
        assert!(!customers.contains(&relation.parent) && customers.contains(&relation.daughter));
        assert_eq!(sim.party(relation.parent).unwrap()["PartyUsageCode"], "SUPPLIER");
    }
    let sold = one(Tree::Sold);
    assert_eq!(sold.relations.iter().map(|relation| relation.ended).collect::<Vec<_>>(), [true, false]);
    assert_eq!(sold.relations[0].daughter, sold.relations[1].daughter);
    let cycle = &one(Tree::Cycle).relations;
    assert_eq!(
        cycle.iter().map(|relation| relation.daughter).collect::<BTreeSet<_>>(),
        cycle.iter().map(|relation| relation.parent).collect()
    );
    let two = &one(Tree::TwoParents).relations;
    assert!(two[0].daughter == two[1].daughter && two[0].parent != two[1].parent);
    // Relatives often have a word in common, as families have.
    let word = |party: &i64| {
        let name = &truth.customers.iter().find(|customer| customer.party_id == *party).unwrap().name;
        name.split([' ', '\u{a0}']).find(|word| word.chars().count() > 3).map(str::to_owned)
    };
    let alike =
        made.iter().filter(|family| family.members.iter().map(word).collect::<BTreeSet<_>>().len() == 1);
    assert!(alike.count() * 2 > made.len());
}

#[test]
fn some_members_have_more_addresses_contact_points_and_references() {
    let (sim, truth) = pod(600, 4);
    let made = families(&sim, &truth, 0.2, 7);
    let (again, truth) = pod(600, 4);
    assert_eq!(families(&again, &truth, 0.2, 7), made);
    let members: Vec<i64> = made.into_iter().flat_map(|family| family.members).collect();
    let with = |name: &str, fewest: usize| {
        members.iter().filter(|party| sim.children(**party, name).len() >= fewest).count()
    };
    for (name, fewest) in [("Address", 2), ("ContactPoint", 1), ("SourceSystemReference", 1)] {
        let some = with(name, fewest);
        assert!(some > members.len() / 10 && some < members.len(), "{name}: {some} of {}", members.len());
    }
    assert!(families(&sim, &Truth::default(), 0.5, 1).is_empty());
}

#[test]
fn late_commits_are_seen_at_their_time_and_not_before() {
    let (sim, truth) = pod(400, 4);
    let window = start()..start() + SignedDuration::from_mins(30);
    let late = late_commits(&sim, &truth, 0.2, 3, window.clone());
    assert_eq!(late.len(), 80);
    assert!(late.iter().all(|commit| window.contains(&commit.stamp) && commit.visible > commit.stamp));
    assert!(
        late.iter().any(|commit| commit.visible.duration_since(commit.stamp) > SignedDuration::from_mins(10))
    );
    let heaps = late.iter().map(|commit| late.iter().filter(|other| other.stamp == commit.stamp).count());
    assert!(heaps.max() > Some(20));
    assert!(late.iter().any(|commit| commit.entered));
    let seen = |commit: &saas_sims::generator::LateCommit| {
        sim.party(commit.party_id).is_some_and(|party| party[commit.set.0] == commit.set.1)
    };
    for step in 0..=46 {
        let now = start() + SignedDuration::from_mins(step);
        for commit in &late {
            assert_eq!(seen(commit), commit.visible <= now, "{commit:?} at {now}");
        }
        sim.clock().advance(SignedDuration::from_mins(1));
    }
    // The stamp is the old one: a mark set to the highest stamp seen has passed it.
    let stamp = |commit: &saas_sims::generator::LateCommit| {
        at(sim.party(commit.party_id).unwrap()["LastUpdateDate"].as_str().unwrap())
    };
    assert!(
        late.iter().all(|commit| commit.stamp.duration_since(stamp(commit)) < SignedDuration::from_millis(1))
    );
    let overtaken = late.windows(2).filter(|pair| pair[1].stamp < pair[0].stamp).count();
    assert!(overtaken > 10, "{overtaken}");
}
