//! Odd records, and a field that somebody deletes: nothing is lost, nobody else is kept waiting. What holds itself is in
//! `own_fields.rs` (an expression that fails) and in `oracle-fusion` (a record that cannot be read).

use crate::world::{Beginning, World};
use axum::body::Body;
use jiff::SignedDuration;
use saas_sims::{
    fusion::{Edit, FusionSettings},
    pipedrive::{OrganizationView, PipedriveSettings},
};
use serde_json::{Value, json};
use sync_core::fields::{Field, Owner};
use sync_engine::{Engine, lease::Lease};
use tower::ServiceExt as _;

async fn world() -> World {
    let (fusion, pipedrive) = (FusionSettings::default(), PipedriveSettings::default());
    let mut world = World::new(Beginning { seed: 5, fusion, pipedrive, oauth: false }).await;
    world.policy.fields = world.policy.fields.clone().with(Field::Currency, Owner::Erp);
    world
}

fn customer(world: &World, values: Value) -> i64 {
    let mut all = json!({"PartyUsageCode": "CUSTOMER", "RawPhoneNumber": "+49 89 1234567"});
    let known = values.as_object().expect("an object").clone();
    all.as_object_mut().expect("an object").extend(known);
    let party = world.fusion.add_party(Edit::set(all)).expect("a party");
    world.fusion.add_account(party, Edit::set(json!({}))).expect("an account");
    party
}

async fn hours(world: &World, engine: &mut Engine, lease: &Lease, hours: i64) {
    let end = world.clock.now() + SignedDuration::from_hours(hours);
    world.work_until(engine, lease, end).await;
}

async fn held(world: &World) -> Vec<(i64, String)> {
    let listed = async { world.store.read(world.connection).await?.list_holds(None, None, 100).await };
    let held = world.drive(listed).await.expect("alive").expect("the store works");
    held.into_iter().map(|hold| (hold.party.0, hold.reason.explain())).collect()
}

fn organization(world: &World, party: i64) -> OrganizationView {
    let mut all = world.organizations().remove(&party).unwrap_or_default();
    assert_eq!(all.len(), 1, "{party}: {all:?}");
    all.remove(0)
}

#[tokio::test]
async fn records_that_are_only_odd_are_written_as_far_as_the_other_side_can_keep_them() {
    let world = world().await;
    let nameless = customer(&world, json!({"OrganizationName": null}));
    let blank = customer(&world, json!({"OrganizationName": " \u{7}\t "}));
    let long = customer(&world, json!({"OrganizationName": "Consortium ".repeat(40)}));
    let bell = customer(&world, json!({"OrganizationName": "Ring\u{7}ing\u{0}\tBells\r\nLtd"}));
    let nowhere =
        customer(&world, json!({"OrganizationName": "Atlantis", "Country": "ZZ", "CurrencyCode": "XXZ"}));
    let good: Vec<i64> =
        (0..30).map(|n| customer(&world, json!({"OrganizationName": format!("Good {n}")}))).collect();
    let lease = world.take().await.expect("nobody else wants it");
    let mut engine = world.engine(&lease);
    hours(&world, &mut engine, &lease, 2).await;

    assert_eq!(held(&world).await, []);
    for party in [nameless, blank] {
        let number = world.fusion.party_number(party).expect("a party");
        assert_eq!(organization(&world, party).name, number, "its number stands in for its name");
    }
    assert_eq!(organization(&world, long).name.chars().count(), 255);
    assert_eq!(organization(&world, bell).name, "Ring ing Bells Ltd");
    assert_eq!(organization(&world, nowhere).custom["ERP currency"], "XXZ", "what the ERP says is shown");
    for party in &good {
        assert_eq!(organization(&world, *party).custom["ERP status"], "Active");
    }

    world.fusion.edit_party(nameless, &Edit::set(json!({"OrganizationName": "Named"}))).expect("a party");
    hours(&world, &mut engine, &lease, 1).await;
    assert_eq!(organization(&world, nameless).name, "Named");
}

#[tokio::test]
async fn a_field_that_somebody_deletes_is_made_again_and_filled() {
    let world = world().await;
    let parties: Vec<i64> =
        (0..20).map(|n| customer(&world, json!({"OrganizationName": format!("Good {n}")}))).collect();
    let lease = world.take().await.expect("nobody else wants it");
    let mut engine = world.engine(&lease);
    hours(&world, &mut engine, &lease, 1).await;
    let code = |world: &World| {
        let fields = world.pipedrive.custom_fields();
        fields.into_iter().find(|(_, name)| name == "ERP phone").map(|(code, _)| code)
    };
    let first = code(&world).expect("it was made");
    let delete = http::Request::delete(format!("/api/v2/organizationFields/{first}"))
        .header("x-api-token", "0123456789012345678901234567890123456789")
        .body(Body::empty())
        .expect("a request");
    let answer = world.pipedrive.router().oneshot(delete).await.expect("an answer");
    assert_eq!(answer.status(), 200);
    assert_eq!(code(&world), None);

    world
        .fusion
        .edit_party(parties[3], &Edit::set(json!({"RawPhoneNumber": "+49 30 7654321"})))
        .expect("a party");
    hours(&world, &mut engine, &lease, 30).await;
    assert!(code(&world).is_some_and(|second| second != first), "under another code");
    assert_eq!(organization(&world, parties[3]).custom["ERP phone"], "+49 30 7654321");
    assert_eq!(held(&world).await, []);
    assert_eq!(world.check_agreement().await, Vec::<String>::new());
}
