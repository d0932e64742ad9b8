//! The generated population and the people.

use std::collections::{BTreeMap, BTreeSet};

use saas_sims::SimClock;
use saas_sims::fusion::{FusionSettings, FusionSim};
use saas_sims::generator::{Truth, populate};
use saas_sims::people::People;
use saas_sims::pipedrive::{PipedriveSettings, PipedriveSim};
use serde_json::{Value, json};

use crate::http::{Company, PARTIES, Pod, at, ids, send, start};

fn world(customers: usize, seed: u64) -> (FusionSim, Truth) {
    let sim = FusionSim::new(FusionSettings::default(), SimClock::at(start()), 3);
    let truth = populate(&sim, customers, seed, start());
    (sim, truth)
}

fn texts(sim: &FusionSim, name: &str) -> Vec<String> {
    let parties = sim.party_ids().into_iter().filter_map(|id| sim.party(id));
    parties.filter_map(|party| party[name].as_str().map(str::to_owned)).collect()
}

#[test]
fn there_are_exactly_as_many_customers_as_asked_for() {
    for customers in [0, 1, 7, 500] {
        let (sim, truth) = world(customers, 1);
        assert_eq!(
            truth.customers.iter().map(|customer| customer.party_id).collect::<Vec<_>>(),
            sim.customer_ids()
        );
        assert_eq!((truth.customers.len(), truth.others), (customers, customers * 15 / 100));
        assert_eq!(sim.party_ids().len(), customers + truth.others);
    }
}

#[test]
fn the_same_seed_gives_the_same_population() {
    assert_eq!(world(300, 4).1, world(300, 4).1);
    assert_ne!(world(300, 4).1, world(300, 5).1);
}

#[test]
fn ids_have_fifteen_digits_with_gaps_and_numbers_are_unlike_them() {
    let (sim, truth) = world(300, 1);
    let ids = sim.party_ids();
    assert!(ids.iter().all(|id| id.to_string().len() == 15 && id.to_string().starts_with("3000002")));
    assert!(ids.windows(2).any(|pair| pair[1] - pair[0] > 1));
    let numbers: BTreeSet<&String> = truth.customers.iter().map(|customer| &customer.party_number).collect();
    assert_eq!(numbers.len(), 300);
    assert!(
        truth
            .customers
            .iter()
            .all(|customer| !customer.party_number.contains(&customer.party_id.to_string()))
    );
}

#[test]
fn names_look_like_life() {
    let (sim, truth) = world(3000, 2);
    let names: Vec<&str> = truth.customers.iter().map(|customer| customer.name.as_str()).collect();
    let any = |test: fn(char) -> bool| names.iter().any(|name| name.chars().any(test));
    assert!(
        any(|c| ('א'..='ת').contains(&c)) && any(|c| ('\u{621}'..='\u{64a}').contains(&c)),
        "right to left"
    );
    assert!(any(|c| ('一'..='鿿').contains(&c)) && any(|c| c == '\u{301}') && any(|c| c == '\u{a0}'));
    assert!(
        names
            .iter()
            .any(|name| name.chars().any(|c| c == 'а') && name.is_ascii() != name.chars().any(|c| c == 'n'))
    );
    let long = names.iter().filter(|name| name.chars().count() > 255).count();
    assert!(
        long > 3
            && names.iter().all(|name| (1..=360).contains(&name.chars().count()) && name.trim() == *name),
        "{long}"
    );
    let distinct: BTreeSet<&&str> = names.iter().collect();
    assert!(distinct.len() < names.len() && distinct.len() * 10 > names.len() * 8, "{}", distinct.len());
    let countries: BTreeSet<String> = texts(&sim, "Country").into_iter().collect();
    assert!(countries.len() >= 20);
}

#[test]
fn stamps_come_in_heaps_within_two_years() {
    let (sim, _) = world(3000, 2);
    let mut heaps: BTreeMap<String, usize> = BTreeMap::new();
    for stamp in texts(&sim, "LastUpdateDate") {
        assert!(at(&stamp) > at("2024-03-01T00:00:00Z") && at(&stamp) <= start());
        *heaps.entry(stamp).or_default() += 1;
    }
    assert!(heaps.values().any(|size| *size > 200));
    assert!(heaps.keys().any(|stamp| !stamp.contains('.')));
    for party in sim.party_ids().into_iter().filter_map(|id| sim.party(id)) {
        let stamp = |name: &str| at(party[name].as_str().unwrap());
        assert!(stamp("CreationDate") <= stamp("LastUpdateDate"));
    }
}

#[test]
fn all_are_active_some_have_several_accounts_and_some_none() {
    let (sim, truth) = world(1000, 2);
    assert!(texts(&sim, "Status").iter().all(|status| status == "A"));
    for count in [0, 1, 2, 3] {
        assert!(truth.customers.iter().any(|customer| customer.accounts.len() == count), "{count}");
    }
    for name in ["URL", "RawPhoneNumber", "TaxpayerIdentificationNumber", "DUNSNumber", "Address1"] {
        let set = texts(&sim, name).len();
        assert!(set > 300 && set < 1150, "{name}: {set}");
    }
}

#[tokio::test]
async fn every_generated_customer_fits_into_pipedrive() {
    let (sim, truth) = world(1000, 9);
    let company = Company::with(PipedriveSettings { enforce_burst: false, ..PipedriveSettings::default() });
    for customer in truth.customers {
        let party = sim.party(customer.party_id).unwrap();
        let name: String = customer.name.chars().take(255).collect();
        company.create(&json!({"name": name, "website": party["URL"]})).await;
    }
}

#[test]
fn people_do_the_same_for_the_same_seed_and_never_fail() {
    let run = || {
        let (fusion, _) = world(50, 1);
        let pipedrive = PipedriveSim::new(PipedriveSettings::default(), SimClock::at(start()), 1);
        for n in 0..5 {
            pipedrive.create_as_person(&json!({"name": format!("Org {n}")})).unwrap();
        }
        let mut people = People::new(8, fusion, pipedrive);
        (0..300).map(|_| people.act()).collect::<Vec<_>>()
    };
    let told = run();
    assert_eq!(told, run());
    assert!(told.iter().all(|sentence| sentence.ends_with('.') && !sentence.contains("refused")), "{told:?}");
    for word in [
        "renamed",
        "moved",
        "telephone",
        "opened account",
        "new customer",
        "inactivated",
        "labelled",
        "website",
    ] {
        assert!(told.iter().any(|sentence| sentence.contains(word)), "{word}");
    }
}

#[tokio::test]
async fn the_truth_and_the_clock_have_admin_paths() {
    let (sim, _) = world(10, 1);
    let truth: Value = send(&sim.router(), "GET", "/_sim/truth", &[], "").await.ok();
    assert_eq!(truth["parties"].as_array().unwrap().len(), 11);
    let moved = send(&sim.router(), "POST", "/_sim/clock", &[], r#"{"advance_seconds":60}"#).await.ok();
    assert_eq!(moved["now"], "2026-03-02T10:01:00Z");
    send(&sim.router(), "GET", "/_sim/nope", &[], "").await.refused(404);
}

#[tokio::test]
async fn a_hundred_thousand_parties_are_walked_by_id_and_polled_by_stamp() {
    let pod = Pod::new().await;
    let truth = populate(&pod.sim, 100_000, 9, start());
    let total = truth.customers.len() + truth.others;
    assert!(total > 100_000, "{total}");
    let (mut seen, mut after) = (0, 0);
    loop {
        let q = format!("PartyId > {after}");
        let query = [
            ("q", q.as_str()),
            ("orderBy", "PartyId:asc"),
            ("fields", "PartyId"),
            ("limit", "500"),
            ("onlyData", "true"),
        ];
        let page = pod.get(PARTIES, &query).await.ok();
        let found = ids(&page["items"], "PartyId");
        assert!(found.is_sorted() && found.iter().all(|id| *id > after));
        seen += found.len();
        after = found.last().copied().unwrap_or(after);
        if page["hasMore"] == false {
            break;
        }
    }
    assert_eq!(seen, total);
    // The last day of two years is a small part of it.
    let q = "LastUpdateDate >= '2026-03-01T10:00:00Z' and LastUpdateDate < '2026-03-02T10:00:00Z'";
    let query =
        [("q", q), ("orderBy", "LastUpdateDate:asc,PartyId:asc"), ("limit", "500"), ("onlyData", "true")];
    let day = pod.get(PARTIES, &query).await.ok();
    assert!(day["count"].as_u64().is_some_and(|count| count > 0 && count <= 500));
}
