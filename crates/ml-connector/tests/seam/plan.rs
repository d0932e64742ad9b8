//! Plan, apply, one customer and repetitions, with the real clients against the simulators.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use jiff::SignedDuration;
use saas_sims::{fusion::Edit, fusion::FusionSettings, generator, pipedrive::PipedriveSettings};
use serde_json::json;
use sync_core::{
    error::ErrorKind,
    fields::Field,
    foresee::Rest,
    ids::{PartyId, RunId},
    merge::Side,
    plan::{Plan, Step},
    poll::Again,
    value::Value,
};
use sync_engine::{Approved, Engine, Fate, Foreseen, Survey, Told, lease::Lease, streams::ErpStream};
use sync_store::{Errand, Outcome, StagedKind, StagedRow, Tx, WishEnd};

use crate::world::{Beginning, World, lock};

const CUSTOMERS: usize = 30;

/// A test's story, on one thread.
pub(crate) fn story<F: Future<Output = ()>>(tell: impl FnOnce() -> F) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(tell());
}

async fn world(seed: u64) -> World {
    let (fusion, pipedrive) = (FusionSettings::default(), PipedriveSettings::default());
    let world = World::new(Beginning { seed, fusion, pipedrive, oauth: false }).await;
    generator::populate(&world.fusion, CUSTOMERS, seed, world.clock.now());
    world.clock.advance(SignedDuration::from_mins(30));
    world
}

/// Each command is a process of its own: new clients, a run of its own (numbered beyond those that engines begin).
pub(crate) fn command(world: &World, lease: &Lease, run: i64) -> Engine {
    world.engine_in(lease, Arc::new(world.pipedrive_client()), RunId(1_000 + run))
}

pub(crate) fn alive<'a, F: Future + 'a>(
    world: &'a World,
    lease: &'a Lease,
    future: F,
) -> impl Future<Output = F::Output> + use<'a, F> {
    let driven = world.drive(future);
    async move {
        world.drive(lease.renew()).await.expect("alive").expect("the lease is ours");
        driven.await.expect("nobody dies")
    }
}

/// `plan`: reads what is due, decides what is in the queue.
pub(crate) async fn plan(world: &World, lease: &Lease, engine: &mut Engine) -> (Survey, Vec<Foreseen>) {
    let mut survey = alive(world, lease, engine.begin_survey()).await.expect("the store works");
    while alive(world, lease, engine.survey(&mut survey, world.clock.now())).await.expect("it reads") {}
    assert!(engine.has_surveyed(&survey), "{:?}", engine.pauses(world.clock.now()));
    let planner = engine.planner(false);
    let mut found: Vec<Foreseen> = Vec::new();
    loop {
        let after = found.last().map(|foreseen| foreseen.party);
        let page = alive(world, lease, planner.page(after, 7)).await.expect("the store works");
        let page = page.expect("the CRM answers");
        if page.is_empty() {
            return (survey, found);
        }
        found.extend(page);
    }
}

/// `sync`: everything to quiescence.
pub(crate) async fn sync(world: &World, lease: &Lease, engine: &mut Engine) {
    engine.poll_now();
    loop {
        let soon = world.clock.now() + SignedDuration::from_secs(1);
        world.work_until(engine, lease, soon).await;
        let unfinished = alive(world, lease, engine.unfinished(5)).await.expect("the store works");
        if unfinished.is_quiescent() {
            return;
        }
    }
}

/// `apply`: reads what is due, then carries out.
pub(crate) async fn apply(
    world: &World,
    lease: &Lease,
    engine: &mut Engine,
    batch: &[Approved],
) -> BTreeMap<PartyId, Fate> {
    engine.poll_now();
    while alive(world, lease, engine.read(world.clock.now())).await.expect("it reads") {}
    assert!(alive(world, lease, engine.has_read()).await.expect("the store works"));
    alive(world, lease, engine.carry_out(batch)).await.expect("the store works")
}

pub(crate) fn approved(foreseen: &[Foreseen]) -> Vec<Approved> {
    let some = foreseen.iter().filter(|foreseen| !foreseen.plans.is_empty());
    some.map(|foreseen| Approved {
        party: foreseen.party,
        plans: foreseen.plans.clone(),
        sides: foreseen.sides.clone(),
    })
    .collect()
}

/// Everything that must not move while somebody only looks.
pub(crate) async fn tables(world: &World) -> String {
    let looking = async {
        let mut tx = world.store.read(world.connection).await?;
        let mut cursors = Vec::new();
        for stream in ["erp.account", "erp.party", "erp.relation", "crm.organization"] {
            cursors.push(tx.cursor::<serde_json::Value>(stream).await?);
        }
        let pairs = tx.list_pairs(None, 1_000).await?;
        let mut plans = Vec::new();
        for party in world.fusion.party_ids() {
            plans.push(tx.plans(PartyId(party), 100).await?);
        }
        let (intents, journal) = (tx.intents().await?, tx.journal(None, None, 1_000).await?);
        let holds = tx.list_holds(None, None, 1_000).await?;
        Ok::<_, sync_store::StoreError>(format!(
            "{cursors:?}{pairs:?}{plans:?}{intents:?}{journal:?}{holds:?}"
        ))
    };
    world.drive(looking).await.expect("alive").expect("the store works")
}

async fn newest_plan(world: &World, party: PartyId) -> Option<Plan> {
    let looking = async { world.store.read(world.connection).await?.plans(party, 1).await };
    let plans = world.drive(looking).await.expect("alive").expect("the store works");
    plans.into_iter().next().map(|row| row.plan)
}

pub(crate) fn writes(world: &World) -> u64 {
    lock(&world.witness).writes
}

pub(crate) fn rename(world: &World, party: PartyId, name: &str) {
    world
        .fusion
        .edit_party(party.0, &Edit::set(json!({ "OrganizationName": name })))
        .expect("an active party can be renamed");
    world.clock.advance(SignedDuration::from_secs(5));
}

/// Active customers with an organization.
fn paired(world: &World) -> Vec<(PartyId, i64)> {
    let organizations = world.organizations();
    let active = |party: &i64| world.fusion.party(*party).unwrap_or_default()["Status"] == "A";
    let customers = world.fusion.customer_ids();
    customers
        .into_iter()
        .filter(active)
        .filter_map(|party| Some((PartyId(party), organizations.get(&party)?.first()?.id)))
        .collect()
}

#[test]
fn a_plan_moves_nothing_and_sync_does_what_it_showed() {
    story(|| async {
        let world = world(31).await;
        let lease = world.take().await.expect("nobody dies");
        let before = tables(&world).await;

        // Never synced: everything is read, the custom fields are not even created.
        let (survey, shown) = plan(&world, &lease, &mut command(&world, &lease, 1)).await;
        let missing = survey.missing().expect("it was looked for");
        assert!(missing.fields.contains(&Field::ErpCustomerId) && missing.tokens >= 25, "{missing:?}");
        assert_eq!(world.pipedrive.custom_fields(), []);
        assert_eq!(writes(&world), 0);
        assert_eq!(tables(&world).await, before);
        let creates = shown.iter().filter(|foreseen| foreseen.plans.iter().any(|p| p.steps[0].is_create()));
        let creates: Vec<&Foreseen> = creates.collect();
        assert!(!creates.is_empty());

        // Looking twice shows the same again.
        let (_, again) = plan(&world, &lease, &mut command(&world, &lease, 2)).await;
        let plans = |shown: &[Foreseen]| shown.iter().map(|f| f.plans.clone()).collect::<Vec<_>>();
        assert_eq!(plans(&again), plans(&shown));

        // And the sync stores the very plans that were shown, and no others.
        let mut engine = command(&world, &lease, 3);
        sync(&world, &lease, &mut engine).await;
        for foreseen in &shown {
            assert_eq!(
                newest_plan(&world, foreseen.party).await.as_ref(),
                foreseen.plans.last(),
                "{foreseen:?}"
            );
        }
        assert_eq!(world.pipedrive.organization_ids().len(), creates.len());
        assert_eq!(world.check_agreement().await, Vec::<String>::new());

        // The same with people at work on both sides, and one organization that is gone.
        let some = paired(&world);
        rename(&world, some[0].0, "Renamed in the ERP");
        world.pipedrive.edit_as_person(some[1].1, &json!({"name": "Edited in the CRM"})).expect("it exists");
        world.pipedrive.delete_as_person(some[2].1).expect("it exists");
        world.clock.advance(SignedDuration::from_mins(70));
        let (before, sent) = (tables(&world).await, writes(&world));
        let (_, shown) = plan(&world, &lease, &mut command(&world, &lease, 4)).await;
        assert_eq!((tables(&world).await, writes(&world)), (before, sent));
        let of = |party: PartyId| shown.iter().find(|foreseen| foreseen.party == party).expect("it is shown");
        for (party, org) in &some[..2] {
            let [Plan { steps, .. }] = of(*party).plans.as_slice() else { panic!("{:?}", of(*party)) };
            let [Step::Update { org: written, changes }] = steps.as_slice() else { panic!("{steps:?}") };
            assert_eq!((written.0, changes.len(), changes[0].field), (*org, 1, Field::Name));
        }
        sync(&world, &lease, &mut command(&world, &lease, 5)).await;
        assert_eq!(writes(&world), sent + 2);
        for (party, _) in &some[..2] {
            assert_eq!(newest_plan(&world, *party).await.as_ref(), of(*party).plans.last());
        }

        // An edit of this very second is in no window yet: only a fresh look shows it.
        let (party, org) = some[3];
        rename(&world, party, "Renamed last");
        world.pipedrive.edit_as_person(org, &json!({"name": "Edited last"})).expect("it exists");
        let mut engine = command(&world, &lease, 6);
        plan(&world, &lease, &mut engine).await;
        world.pipedrive.edit_as_person(org, &json!({"name": "Edited just now"})).expect("it exists");
        world.clock.advance(SignedDuration::from_secs(6));
        for (fresh, old) in [(false, "Edited last"), (true, "Edited just now")] {
            let planner = engine.planner(fresh);
            let page = alive(&world, &lease, planner.page(None, 100)).await.expect("the store works");
            let page = page.expect("the CRM answers");
            let foreseen = page.iter().find(|foreseen| foreseen.party == party).expect("it is shown");
            let [Step::Update { changes, .. }] = foreseen.plans[0].steps.as_slice() else {
                panic!("{foreseen:?}")
            };
            assert_eq!(changes[0].old.as_ref().map(Value::text), Some(old));
        }
        assert_eq!(
            lock(&world.witness).unknown,
            BTreeSet::new(),
            "Pipedrive's specification knows all of it"
        );
    });
}

#[test]
fn apply_refuses_what_moved_and_does_the_rest_once() {
    story(|| async {
        let world = world(32).await;
        let lease = world.take().await.expect("nobody dies");
        let (_, shown) = plan(&world, &lease, &mut command(&world, &lease, 1)).await;
        let batch = approved(&shown);
        assert!(batch.len() > 5);

        // Two things happen between looking and applying: finance renames one, sales makes an organization of another.
        let (renamed, made) = (batch[0].party, batch[1].party);
        rename(&world, renamed, "Renamed meanwhile");
        let mut engine = command(&world, &lease, 2);
        while alive(&world, &lease, engine.read(world.clock.now())).await.expect("it reads") {}
        let code = world.pipedrive.custom_fields().into_iter().find(|(_, name)| name == "ERP customer id");
        let code = code.expect("apply creates custom fields").0;
        let body = json!({"name": "By hand", "custom_fields": {code: made.to_string()}});
        let by_hand = world.pipedrive.create_as_person(&body).expect("a new organization");
        world.clock.advance(SignedDuration::from_secs(5));

        let fates = apply(&world, &lease, &mut engine, &batch).await;
        assert_eq!(fates.len(), batch.len());
        let Fate::Refused { applied: 0, moved } = &fates[&renamed] else { panic!("{:?}", fates[&renamed]) };
        assert_eq!((moved[0].side, moved[0].field), (Some(Side::Erp), Some(Field::Name)), "{moved:?}");
        let Fate::Refused { applied: 0, moved } = &fates[&made] else { panic!("{:?}", fates[&made]) };
        assert_eq!((moved[0].side, moved[0].field), (Some(Side::Crm), None), "{moved:?}");
        assert!(moved[0].what.contains(&by_hand.to_string()), "{moved:?}");
        let rest = fates.iter().filter(|(party, _)| **party != renamed && **party != made);
        assert!(rest.clone().all(|(_, fate)| *fate == Fate::Applied), "{fates:?}");
        assert_eq!(world.pipedrive.organization_ids().len(), batch.len() - 2 + 1);

        // The same file again writes nothing; what was applied is known to be so.
        let sent = writes(&world);
        let fates = apply(&world, &lease, &mut command(&world, &lease, 3), &batch).await;
        assert_eq!(writes(&world), sent);
        let already = fates.values().filter(|fate| **fate == Fate::AlreadySo).count();
        assert_eq!(already, batch.len() - 2);

        // A new plan shows what the refused ones need: the one made by hand is bound and then written.
        let (_, shown) = plan(&world, &lease, &mut command(&world, &lease, 4)).await;
        let bound = shown.iter().find(|foreseen| foreseen.party == made).expect("it is in the queue");
        let ops: Vec<&str> = bound.plans.iter().map(|plan| plan.steps[0].op()).collect();
        assert_eq!(ops, ["bind", "update"]);
        let fates = apply(&world, &lease, &mut command(&world, &lease, 5), &approved(&shown)).await;
        assert!(fates.values().all(|fate| *fate == Fate::Applied), "{fates:?}");
        sync(&world, &lease, &mut command(&world, &lease, 6)).await;
        assert_eq!(world.check_agreement().await, Vec::<String>::new());

        // An edit of the CRM in the very field refuses an update.
        let (party, org) = paired(&world)[3];
        rename(&world, party, "Renamed again");
        let (_, shown) = plan(&world, &lease, &mut command(&world, &lease, 7)).await;
        let batch = approved(&shown);
        assert_eq!(batch.len(), 1, "{batch:?}");
        world.pipedrive.edit_as_person(org, &json!({"name": "Sales was here"})).expect("it exists");
        world.clock.advance(SignedDuration::from_secs(5));
        let sent = writes(&world);
        let fates = apply(&world, &lease, &mut command(&world, &lease, 8), &batch).await;
        let Fate::Refused { moved, .. } = &fates[&party] else { panic!("{fates:?}") };
        assert_eq!((moved[0].side, moved[0].field), (Some(Side::Crm), Some(Field::Name)), "{moved:?}");
        assert_eq!(writes(&world), sent);
        assert_eq!(world.pipedrive.organization(org).expect("it exists").name, "Sales was here");
    });
}

/// Loses what a poll would need to find a change: the row is staged, its key is gone, and another body is lied about.
async fn tamper(world: &World, lease: &Lease, lost: PartyId, lied: PartyId) -> StagedRow {
    let tampering = async {
        let mut tx: Tx = world.store.write(lease.fence()).await?;
        let jobs = tx.jobs(&[lost]).await?;
        let done: Vec<(PartyId, i64)> = jobs.iter().map(|job| (job.party, job.generation)).collect();
        assert_eq!(done.len(), 1, "the survey has put the key into the queue");
        tx.finish(&done).await?;
        let mut staged = tx.staged(StagedKind::Party, &[lied.0]).await?;
        let honest = staged.remove(&lied.0).expect("it is staged").row;
        let mut body: serde_json::Value = serde_json::from_str(&honest.body).expect("JSON");
        body["name"] = json!("A lie");
        let row = StagedRow { body: body.to_string(), ..honest.clone() };
        tx.stage(StagedKind::Party, &[row], world.clock.now(), 0).await?;
        tx.commit().await?;
        Ok::<_, sync_store::StoreError>(honest)
    };
    alive(world, lease, tampering).await.expect("the store works")
}

#[test]
fn a_resync_finds_what_no_poll_would_find() {
    story(|| async {
        let mut world = world(33).await;
        world.sweep_every = SignedDuration::from_hours(24);
        let lease = world.take().await.expect("nobody dies");
        let mut engine = command(&world, &lease, 1);
        sync(&world, &lease, &mut engine).await;
        // Nor would an audit: there was one, and the next one is far away.
        let soon = world.clock.now() + SignedDuration::from_mins(10);
        world.work_until(&mut engine, &lease, soon).await;
        let some = paired(&world);
        for (run, again) in [(10, Again::From(world.clock.now())), (20, Again::All)] {
            let (lost, org) = some[usize::try_from(run / 10).expect("small")];
            let lied = some[5].0;
            let name = format!("Renamed in run {run}");
            rename(&world, lost, &name);
            plan(&world, &lease, &mut command(&world, &lease, run)).await;
            let honest = tamper(&world, &lease, lost, lied).await;
            // Beyond the overlap of a poll.
            world.clock.advance(SignedDuration::from_mins(20));
            let shows = || world.pipedrive.organization(org).expect("it exists").name == name;
            let mut engine = command(&world, &lease, run + 1);
            sync(&world, &lease, &mut engine).await;
            assert!(!shows(), "nobody knows of it");

            let mut engine = command(&world, &lease, run + 2);
            let sent = writes(&world);
            let asked = Again::From(world.clock.now() - SignedDuration::from_hours(24 * 3650));
            let again = if again == Again::All { again } else { asked };
            alive(&world, &lease, engine.ask_again(again)).await.expect("the store works");
            // Its process dies; the next one goes on with it.
            let mut engine = command(&world, &lease, run + 3);
            sync(&world, &lease, &mut engine).await;
            assert!(shows());
            assert_eq!(writes(&world), sent + 1, "all were looked at, one was written");
            let looking = async {
                let mut tx = world.store.read(world.connection).await?;
                let row = tx.staged(StagedKind::Party, &[lied.0]).await?.remove(&lied.0);
                let cursor: Option<ErpStream> = tx.cursor("erp.party").await?;
                Ok::<_, sync_store::StoreError>((row, cursor))
            };
            let (row, cursor) = alive(&world, &lease, looking).await.expect("the store works");
            assert_eq!(row.expect("it is staged").row.body, honest.body, "the lie is found out");
            let cursor = cursor.expect("it was read");
            assert!(cursor.cursor.is_loaded() && cursor.again.is_none() && !cursor.repeating);
            assert_eq!(world.check_agreement().await, Vec::<String>::new());
        }
    });
}

pub(crate) fn one(told: Vec<Told>) -> Told {
    assert_eq!(told.len(), 1, "{told:?}");
    told.into_iter().next().expect("one")
}

#[test]
fn one_customer_is_synced_by_id_or_number_and_told_of() {
    story(|| async {
        let world = world(34).await;
        let lease = world.take().await.expect("nobody dies");
        let customers: Vec<i64> = world
            .fusion
            .customer_ids()
            .into_iter()
            .filter(|party| world.fusion.party(*party).unwrap_or_default()["Status"] == "A")
            .collect();
        let (first, second) = (customers[0], customers[1]);

        // On a connection that was never synced, one customer and no other.
        let mut engine = command(&world, &lease, 1);
        let told =
            alive(&world, &lease, engine.sync_customer(&first.to_string())).await.expect("the store works");
        let told = one(told.expect("both sides answer"));
        assert_eq!(told.outcome.as_deref(), Some(Outcome::Created.key()));
        assert_eq!((told.foreseen.party.0, told.foreseen.plans.len()), (first, 1));
        assert_eq!(told.foreseen.rest, Rest::InSync);
        assert!(told.foreseen.org.is_some());
        assert_eq!(world.organizations().keys().copied().collect::<Vec<_>>(), [first]);

        // Again, by its number: nothing is written, and that is told.
        let sent = writes(&world);
        let number = world.fusion.party_number(first).expect("it has one");
        let mut engine = command(&world, &lease, 2);
        let told = alive(&world, &lease, engine.sync_customer(&number)).await.expect("the store works");
        let told = one(told.expect("both sides answer"));
        assert_eq!((told.outcome.as_deref(), told.foreseen.plans.len()), (Some("unchanged"), 0));
        assert_eq!(writes(&world), sent);

        // An organization that carries the id of the second is found by search, bound and written.
        let code = world.pipedrive.custom_fields().into_iter().find(|(_, name)| name == "ERP customer id");
        let code = code.expect("it was created").0;
        let body = json!({"name": "By hand", "custom_fields": {code: second.to_string()}});
        let by_hand = world.pipedrive.create_as_person(&body).expect("a new organization");
        world.clock.advance(SignedDuration::from_mins(2));
        let mut engine = command(&world, &lease, 3);
        let told =
            alive(&world, &lease, engine.sync_customer(&second.to_string())).await.expect("the store works");
        let told = one(told.expect("both sides answer"));
        let ops: Vec<&str> = told.foreseen.plans.iter().map(|plan| plan.steps[0].op()).collect();
        assert_eq!(
            (ops.as_slice(), told.outcome.as_deref()),
            (["bind", "update"].as_slice(), Some("updated"))
        );
        assert_eq!(told.foreseen.org.map(|org| org.0), Some(by_hand));

        // A change of the ERP is written at once, without waiting for a poll.
        rename(&world, PartyId(second), "Renamed a moment ago");
        let mut engine = command(&world, &lease, 4);
        let told =
            alive(&world, &lease, engine.sync_customer(&second.to_string())).await.expect("the store works");
        assert_eq!(one(told.expect("both sides answer")).outcome.as_deref(), Some("updated"));
        assert_eq!(world.pipedrive.organization(by_hand).expect("it exists").name, "Renamed a moment ago");

        // Nobody, and somebody who is no customer.
        let mut engine = command(&world, &lease, 5);
        let nobody = alive(&world, &lease, engine.sync_customer("1")).await.expect("the store works");
        assert_eq!(nobody.expect("both sides answer"), []);
        let supplier = json!({"OrganizationName": "A supplier", "PartyUsageCode": "SUPPLIER"});
        let supplier = world.fusion.add_party(Edit::set(supplier)).expect("a new party");
        let told =
            alive(&world, &lease, engine.sync_customer(&supplier.to_string())).await.expect("it works");
        let told = one(told.expect("both sides answer"));
        assert_eq!((told.foreseen.rest, told.outcome), (Rest::NotOurs, None));

        // Somebody whose record cannot be read is held, and the question is told.
        let spoilt = customers[2];
        lock(&world.witness).spoilt.insert(spoilt);
        let told = alive(&world, &lease, engine.sync_customer(&spoilt.to_string())).await.expect("it works");
        let told = one(told.expect("both sides answer"));
        let Rest::Hold { reason } = &told.foreseen.rest else { panic!("{told:?}") };
        assert_eq!((reason.key(), told.outcome.as_deref()), ("malformed", Some("held")));
        lock(&world.witness).spoilt.clear();
        let told = alive(&world, &lease, engine.sync_customer(&spoilt.to_string())).await.expect("it works");
        assert_eq!(one(told.expect("both sides answer")).outcome.as_deref(), Some("created"));

        // The sync that follows does the rest, and makes nothing twice.
        sync(&world, &lease, &mut command(&world, &lease, 6)).await;
        assert_eq!(world.check_agreement().await, Vec::<String>::new());
    });
}

#[test]
fn the_daemon_does_errands_and_reports() {
    story(|| async {
        let world = world(35).await;
        let lease = world.take().await.expect("nobody dies");
        let mut engine = command(&world, &lease, 1);
        sync(&world, &lease, &mut engine).await;
        let (party, org) = paired(&world)[0];
        rename(&world, party, "Asked for");
        let wish = |errand: Errand| {
            let (store, connection, now) = (world.store.clone(), world.connection, world.clock.now());
            async move { store.wish_for(connection, "process 9", &errand, now).await }
        };
        let id =
            alive(&world, &lease, wish(Errand::Customer(party.to_string()))).await.expect("the store works");
        assert!(!alive(&world, &lease, engine.take_wishes()).await.expect("the store works"));
        assert_eq!(world.pipedrive.organization(org).expect("it exists").name, "Asked for");
        let looking = world.store.wish_look(world.connection, id);
        let row = alive(&world, &lease, looking).await.expect("the store works").expect("it stays");
        assert_eq!(row.ended, Some((WishEnd::Done, String::new())));
        let told: Vec<Told> = serde_json::from_str(&row.report.expect("a report")).expect("JSON");
        assert_eq!(one(told).outcome.as_deref(), Some("updated"));
        assert!(row.cost.crm_requests > 0 && row.cost.erp_requests > 0);

        // A repetition is taken over into the cursors and then worked on like every other wish.
        let id = alive(&world, &lease, wish(Errand::Again(Again::All))).await.expect("the store works");
        assert!(alive(&world, &lease, engine.take_wishes()).await.expect("the store works"));
        sync(&world, &lease, &mut engine).await;
        let end = sync_engine::daemon::End::Quiescent;
        alive(&world, &lease, engine.end_wishes(&end)).await.expect("the store works");
        let looking = async {
            let row = world.store.wish_look(world.connection, id).await?.expect("it stays");
            let mut tx = world.store.read(world.connection).await?;
            Ok::<_, sync_store::StoreError>((
                tx.outcomes(row.run.expect("a run"), "customers").await?,
                row.ended,
            ))
        };
        let (counts, ended) = alive(&world, &lease, looking).await.expect("the store works");
        assert_eq!(ended.map(|(end, _)| end), Some(WishEnd::Done));
        assert!(counts.unchanged >= paired(&world).len() as u64, "everything was looked at: {counts:?}");
    });
}

/// The rest of a file that the budget did not suffice for is done by the same file another day.
#[test]
fn what_the_budget_does_not_suffice_for_is_left_to_the_next_apply() {
    story(|| async {
        let world = world(36).await;
        let lease = world.take().await.expect("nobody dies");
        let (_, shown) = plan(&world, &lease, &mut command(&world, &lease, 1)).await;
        let batch = approved(&shown);
        let mut engine = command(&world, &lease, 2);
        while alive(&world, &lease, engine.read(world.clock.now())).await.expect("it reads") {}
        // What bulk work may spend beside the reserve: enough for a few of them.
        let left = world.pipedrive.tokens_left();
        let reserve = world.budget.tokens / 10;
        world.pipedrive.spend_foreign(left - reserve - 40);
        let fates = apply(&world, &lease, &mut engine, &batch).await;
        assert!(fates.len() < batch.len(), "{fates:?}");
        assert!(fates.values().all(|fate| *fate == Fate::Applied), "{fates:?}");
        let pauses = engine.pauses(world.clock.now());
        assert!(
            pauses.iter().any(|pause| matches!(pause.error.kind, ErrorKind::Exhausted { .. })),
            "{pauses:?}"
        );

        world.clock.advance(SignedDuration::from_hours(13));
        let rest = apply(&world, &lease, &mut command(&world, &lease, 3), &batch).await;
        let count = |fate: &Fate| rest.values().filter(|other| *other == fate).count();
        assert_eq!(
            (count(&Fate::AlreadySo), count(&Fate::Applied)),
            (fates.len(), batch.len() - fates.len())
        );
        assert_eq!(world.check_agreement().await, Vec::<String>::new());
    });
}
