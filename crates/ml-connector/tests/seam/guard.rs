//! The mass guard (law 10): a wave is held, each record of it can be let pass, daily work goes on.

use crate::{
    plan::{apply, approved, command, plan, story},
    world::{Beginning, World},
};
use jiff::SignedDuration;
use saas_sims::{
    fusion::{Edit, FusionSettings},
    pipedrive::PipedriveSettings,
};
use serde_json::json;
use sync_core::{answers::Answer, guard::Guard, ids::PartyId};
use sync_engine::{Engine, Fate, lease::Lease};

const WINDOW: SignedDuration = SignedDuration::from_hours(6);

async fn world(guard: Guard) -> World {
    let (fusion, pipedrive) = (FusionSettings::default(), PipedriveSettings::default());
    let mut world = World::new(Beginning { seed: 5, fusion, pipedrive, oauth: false }).await;
    world.guard = Some(guard);
    world
}

async fn held(world: &World) -> Vec<PartyId> {
    let listed = async {
        let mut tx = world.store.read(world.connection).await?;
        tx.list_holds(Some("mass_change"), None, 1_000).await
    };
    let held = world.drive(listed).await.expect("alive").expect("the store works");
    held.into_iter().map(|hold| hold.party).collect()
}

async fn hours(world: &World, engine: &mut Engine, lease: &Lease, hours: i64) {
    let end = world.clock.now() + SignedDuration::from_hours(hours);
    world.work_until(engine, lease, end).await;
}

fn created(world: &World) -> usize {
    world.organizations().values().map(Vec::len).sum()
}

#[tokio::test]
async fn of_a_wave_of_new_customers_so_many_pass_and_the_others_wait_for_a_person() {
    let guard = Guard { window: WINDOW, creates: Some(10), ..Guard::default() };
    let world = world(guard).await;
    world.enter_customers(0..25);
    let lease = world.take().await.expect("nobody else wants it");
    let mut engine = world.engine(&lease);
    hours(&world, &mut engine, &lease, 1).await;
    assert_eq!((created(&world), held(&world).await.len()), (10, 15));

    // Another process knows what this one wrote, from the journal; and the wave does not trickle through later.
    drop(engine);
    let mut engine = world.engine(&lease);
    world.enter_customers(25..26);
    hours(&world, &mut engine, &lease, 1).await;
    assert_eq!((created(&world), held(&world).await.len()), (10, 16));
    hours(&world, &mut engine, &lease, 30).await;
    assert_eq!((created(&world), held(&world).await.len()), (10, 16));
    let PartyId(waiting) = held(&world).await[0];
    world.fusion.edit_party(waiting, &Edit::set(json!({"RawPhoneNumber": "2"}))).expect("a party");
    hours(&world, &mut engine, &lease, 1).await;
    assert_eq!(
        (created(&world), held(&world).await.len()),
        (10, 16),
        "whoever is asked about waits for the answer"
    );
    // Daily work passes again once the window has moved on.
    world.enter_customers(26..28);
    hours(&world, &mut engine, &lease, 1).await;
    assert_eq!((created(&world), held(&world).await.len()), (12, 16));

    for party in held(&world).await {
        let now = world.clock.now();
        let given = world.store.answer_hold(world.connection, party, &Answer::Go, "maria", now);
        let given = world.drive(given).await.expect("alive").expect("the store works");
        assert_eq!(given, sync_store::Answered::Taken);
    }
    hours(&world, &mut engine, &lease, 1).await;
    assert_eq!((created(&world), held(&world).await.len()), (28, 0));
    // What a person let pass does not stand in the way of daily work, for other processes neither.
    drop(engine);
    let mut engine = world.engine(&lease);
    world.enter_customers(28..36);
    hours(&world, &mut engine, &lease, 1).await;
    assert_eq!((created(&world), held(&world).await.len()), (36, 0));
    assert_eq!(world.check_agreement().await, Vec::<String>::new());
}

/// Whoever answered that a customer gets a new organization has looked at it: it is not asked about a second time.
#[tokio::test]
async fn an_organization_that_a_person_asked_for_is_not_a_wave() {
    let world = world(Guard { window: WINDOW, creates: Some(3), ..Guard::default() }).await;
    let parties = world.enter_customers(0..3);
    let lease = world.take().await.expect("nobody else wants it");
    let mut engine = world.engine(&lease);
    hours(&world, &mut engine, &lease, 1).await;
    assert_eq!(created(&world), 3);
    let org = world.organizations()[&parties[0]][0].id;
    world.pipedrive.delete_as_person(org).expect("an organization");
    world.fusion.edit_party(parties[0], &Edit::set(json!({"RawPhoneNumber": "2"}))).expect("a party");
    hours(&world, &mut engine, &lease, 2).await;
    let answered = world.store.answer_hold(
        world.connection,
        PartyId(parties[0]),
        &Answer::Recreate,
        "maria",
        world.clock.now(),
    );
    let answered = world.drive(answered).await.expect("alive").expect("the store works");
    assert_eq!(answered, sync_store::Answered::Taken);
    hours(&world, &mut engine, &lease, 1).await;
    assert_eq!((created(&world), held(&world).await.len()), (4, 0), "one of them is the deleted one");
}

/// The first load of a careful person: `plan`, `apply`, and then daily work.
#[test]
fn what_was_planned_and_applied_is_not_held_and_not_counted() {
    story(|| async {
        let world = world(Guard { window: WINDOW, creates: Some(3), ..Guard::default() }).await;
        world.enter_customers(0..12);
        world.clock.advance(SignedDuration::from_mins(30));
        let lease = world.take().await.expect("nobody else wants it");
        let (_, shown) = plan(&world, &lease, &mut command(&world, &lease, 1)).await;
        let fates = apply(&world, &lease, &mut command(&world, &lease, 2), &approved(&shown)).await;
        assert!(fates.len() == 12 && fates.values().all(|fate| *fate == Fate::Applied), "{fates:?}");
        world.enter_customers(12..17);
        hours(&world, &mut command(&world, &lease, 3), &lease, 1).await;
        assert_eq!((created(&world), held(&world).await.len()), (15, 2));
    });
}

/// A wave that is held can be seen before it is let pass, and applied as it was seen.
#[test]
fn a_plan_shows_the_wave_that_is_held_and_apply_writes_it() {
    story(|| async {
        let world = world(Guard { window: WINDOW, creates: Some(3), ..Guard::default() }).await;
        world.enter_customers(0..12);
        world.clock.advance(SignedDuration::from_mins(30));
        let lease = world.take().await.expect("nobody else wants it");
        hours(&world, &mut command(&world, &lease, 1), &lease, 1).await;
        assert_eq!((created(&world), held(&world).await.len()), (3, 9));
        let (_, shown) = plan(&world, &lease, &mut command(&world, &lease, 2)).await;
        let creates = approved(&shown);
        assert_eq!(creates.iter().map(|approved| approved.party).collect::<Vec<_>>(), held(&world).await);
        let fates = apply(&world, &lease, &mut command(&world, &lease, 3), &creates).await;
        assert!(fates.len() == 9 && fates.values().all(|fate| *fate == Fate::Applied), "{fates:?}");
        assert_eq!((created(&world), held(&world).await.len()), (12, 0));
    });
}

#[tokio::test]
async fn when_the_erp_ends_many_customers_at_once_the_others_keep_their_flag() {
    let guard = Guard { window: WINDOW, deactivations: Some(3), ..Guard::default() };
    let world = world(guard).await;
    let parties = world.enter_customers(0..12);
    let lease = world.take().await.expect("nobody else wants it");
    let mut engine = world.engine(&lease);
    hours(&world, &mut engine, &lease, 1).await;
    assert_eq!((created(&world), held(&world).await.len()), (12, 0));
    for party in &parties {
        world.fusion.edit_party(*party, &Edit::set(json!({"Status": "I"}))).expect("a party");
    }
    hours(&world, &mut engine, &lease, 1).await;
    let inactive = |world: &World| {
        let organizations = world.organizations();
        organizations.values().flatten().filter(|org| org.custom["ERP status"] == "Inactive").count()
    };
    assert_eq!((inactive(&world), held(&world).await.len()), (3, 9));
    // It was a mistake and is taken back: what reality has solved closes itself.
    for party in &parties {
        world.fusion.edit_party(*party, &Edit::set(json!({"Status": "A"}))).expect("a party");
    }
    hours(&world, &mut engine, &lease, 1).await;
    assert_eq!((inactive(&world), held(&world).await.len()), (0, 0));
}
