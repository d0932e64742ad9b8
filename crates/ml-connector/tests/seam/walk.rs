//! Walks under fire: while tens of thousands of parties are read for the first time, rows are updated, stamped in bulk,
//! committed late, merged and deleted. At the end what was staged is compared with the ERP id by id.

use std::sync::{Arc, Mutex};

use jiff::{SignedDuration, Timestamp};
use saas_sims::{
    fusion::{Edit, FusionSettings, FusionSim},
    generator,
    pipedrive::{PipedriveSettings, Plan},
};
use serde_json::json;
use sync_store::StagedKind;

use crate::world::{Beginning, World, lock};

const CUSTOMERS: usize = 50_000;

/// What happens to the ERP between two requests.
fn fire(fusion: &FusionSim, rng: &mut fastrand::Rng, number: u64, removed: &Mutex<Vec<i64>>) {
    let parties = fusion.party_ids();
    let some = |rng: &mut fastrand::Rng| parties[rng.usize(..parties.len())];
    let rename = |late: i64| {
        Edit::set(json!({"OrganizationName": format!("Renamed by request {number}")}))
            .visible_after(SignedDuration::from_secs(late))
    };
    for _ in 0..3 {
        // Refusals (merged away, deleted meanwhile) are part of life.
        let _ = fusion.edit_party(some(rng), &rename(0));
        let _ = fusion.edit_party(some(rng), &rename(rng.i64(1..500)));
    }
    match number % 10 {
        2 => {
            let _ = fusion.merge_party(some(rng), some(rng));
        }
        4 => {
            let party = some(rng);
            fusion.remove_party(party).expect("it was there");
            lock(removed).push(party);
        }
        6 => {
            let bulk: Vec<i64> = (0..700).map(|_| some(rng)).collect();
            fusion.stamp_parties(&bulk, fusion.clock().now());
        }
        8 => {
            let company = json!({"OrganizationName": format!("New {number}"), "PartyUsageCode": "CUSTOMER"});
            let new = fusion.add_party(Edit::set(company)).expect("a new party");
            let _ = fusion.add_account(new, Edit::set(json!({})));
        }
        _ => {}
    }
}

#[test]
fn nothing_is_missing_after_a_walk_of_50_000_parties_under_fire() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        // Nobody may write to Pipedrive here: its budget is used up, and the ERP is read all the same.
        let pipedrive = PipedriveSettings { plan: Plan::Lite, seats: 1, ..PipedriveSettings::default() };
        let fusion = FusionSettings::default();
        let world = World::new(Beginning { seed: 3, fusion, pipedrive, oauth: false }).await;
        generator::populate(&world.fusion, CUSTOMERS, 3, world.clock.now());
        world.clock.advance(SignedDuration::from_hours(12));
        let lease = world.take().await.expect("nobody dies");
        let mut engine = world.engine(&lease);
        let removed: Arc<Mutex<Vec<i64>>> = Arc::default();
        let (sim, mut rng, gone) = (world.fusion.clone(), fastrand::Rng::with_seed(3), Arc::clone(&removed));
        *lock(&world.between) = Some(Box::new(move |number| {
            if number % 2 == 0 {
                fire(&sim, &mut rng, number / 2, &gone);
            }
        }));
        world.pipedrive.spend_foreign(30_000);
        while !is_loaded(&world).await {
            let soon = world.clock.now() + SignedDuration::from_secs(30);
            world.work_until(&mut engine, &lease, soon).await;
            if world.pipedrive.tokens_left() > 0 {
                world.pipedrive.spend_foreign(30_000);
            }
        }
        let walked = world.fusion.stats().requests;
        *lock(&world.between) = None;
        // Late commits become visible within the overlap; deletions take two sweeps.
        for _ in 0..5 {
            world.pipedrive.spend_foreign(30_000);
            let later = world.clock.now() + SignedDuration::from_mins(30);
            world.work_until(&mut engine, &lease, later).await;
        }
        let removed = lock(&removed).clone();
        compare(&world, walked, &removed).await;
    });
}

async fn is_loaded(world: &World) -> bool {
    let looking = async {
        let mut tx = world.store.read(world.connection).await?;
        tx.cursor::<serde_json::Value>("erp.party").await
    };
    let cursor = world.drive(looking).await.expect("alive").expect("the store works");
    cursor.is_some_and(|state| state["cursor"].to_string().to_lowercase().contains("idle"))
}

async fn compare(world: &World, walked: u64, removed: &[i64]) {
    let alive = world.fusion.party_ids();
    let looking = async {
        let mut tx = world.store.read(world.connection).await?;
        let all: Vec<i64> = alive.iter().chain(removed).copied().collect();
        tx.staged(StagedKind::Party, &all).await
    };
    let staged = world.drive(looking).await.expect("alive").expect("the store works");
    let mut wrong = Vec::new();
    for id in &alive {
        let truth = world.fusion.party(*id).unwrap_or_default();
        let Some(record) = staged.get(id) else {
            wrong.push(format!("party {id} is missing"));
            continue;
        };
        let body: serde_json::Value = serde_json::from_str(&record.row.body).unwrap_or_default();
        let name = truth["OrganizationName"].as_str().unwrap_or_default();
        let name: String = unicode_normalization::UnicodeNormalization::nfc(name.trim()).collect();
        let stamp: Option<Timestamp> = truth["LastUpdateDate"].as_str().and_then(|text| text.parse().ok());
        let squeezed: Vec<&str> = name.split_whitespace().collect();
        if body["name"].as_str() != Some(&squeezed.join(" ")) || Some(record.row.stamp) != stamp {
            wrong.push(format!(
                "party {id}: {name:?} at {stamp:?}, staged {} at {}",
                body["name"], record.row.stamp
            ));
        }
        if record.missing > 0 {
            wrong.push(format!("party {id} is said to be missing"));
        }
    }
    for id in removed {
        if staged.get(id).is_some_and(|record| record.missing < 2) {
            wrong.push(format!("party {id} was deleted and is not missed"));
        }
    }
    println!(
        "{} removed, {} parties after the fire, first load of both streams {walked} requests, {} in all",
        removed.len(),
        alive.len(),
        world.fusion.stats().requests
    );
    wrong.truncate(10);
    assert_eq!(wrong, Vec::<String>::new());
}

/// A quarterly update took an attribute away. Taken for empty it would be cleared on every organization; instead nothing
/// is read, and the pause says what is gone.
#[test]
fn what_an_update_took_away_stops_the_reading_and_clears_nothing() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        let fusion = FusionSettings {
            removed_attributes: vec!["hubOrganizations.URL".to_owned()],
            ..FusionSettings::default()
        };
        let pipedrive = PipedriveSettings::default();
        let world = World::new(Beginning { seed: 4, fusion, pipedrive, oauth: false }).await;
        generator::populate(&world.fusion, 5, 4, world.clock.now());
        let lease = world.take().await.expect("nobody dies");
        let mut engine = world.engine(&lease);
        let soon = world.clock.now() + SignedDuration::from_secs(30);
        world.work_until(&mut engine, &lease, soon).await;
        let pauses = engine.pauses(world.clock.now());
        let told = pauses.iter().any(|pause| {
            pause.error.message.contains("hubOrganizations") && pause.error.message.contains("URL is gone")
        });
        assert!(told, "{pauses:?}");
        let asked = world.fusion.stats().by_operation;
        assert!(asked.keys().any(|operation| operation.ends_with("hubOrganizations/describe")), "{asked:?}");
        assert!(!asked.contains_key("GET /crmRestApi/hubOrganizations"), "{asked:?}");
        assert_eq!(world.pipedrive.organization_ids().len(), 0);
    });
}
