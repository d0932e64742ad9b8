//! A store that comes from a backup has forgotten what was written since, and nothing is written twice for all that.

use std::path::{Path, PathBuf};

use jiff::SignedDuration;
use saas_sims::{
    fusion::{Edit, FusionSettings},
    pipedrive::PipedriveSettings,
};
use serde_json::json;
use sync_core::ids::PartyId;
use sync_engine::{Step, read_anew};
use sync_store::{CAME_BACK, CameBack, Restored, Restoring, back_up};

use crate::{
    documents,
    handovers::work,
    plan::story,
    world::{Beginning, SETTLE, T_EFFECT, World, lock},
};

async fn world(seed: u64) -> World {
    let (fusion, pipedrive) = (FusionSettings::default(), PipedriveSettings::default());
    World::new(Beginning { seed, fusion, pipedrive, oauth: false }).await
}

async fn backup(world: &World) -> PathBuf {
    let file = world.database().with_file_name("backup.db");
    back_up(&world.database(), &file).await.expect("a backup");
    file
}

/// Nobody works on the store any more: its processes were killed.
async fn restore(world: &mut World, file: &Path) -> Restored {
    world.store.close().await;
    let now = world.clock.now();
    let restoring = Restoring::begin(&world.database(), file, now).await.expect("the backup is sound");
    for connection in restoring.connections().await.expect("the copy can be read") {
        let mut tx = restoring.write(connection).await.expect("a transaction");
        read_anew(&mut tx, now).await.expect("the streams");
        tx.commit().await.expect("a commit");
    }
    let restored = restoring.finish().await.expect("the files can be moved");
    world.reopen().await;
    restored
}

fn writes(world: &World) -> u64 {
    lock(&world.witness).writes
}

#[test]
fn what_was_created_after_a_backup_is_found_and_not_created_again() {
    story(|| async {
        for seed in [1, 2] {
            tell_of(seed).await;
        }
    });
}

async fn tell_of(seed: u64) {
    let mut world = world(seed).await;
    let parties = world.enter_customers(0..12);
    work(&world, 60).await;
    assert_eq!(world.check_agreement().await, Vec::<String>::new());
    let file = backup(&world).await;

    // Life goes on: new customers, a new name, one organization that a person deletes, one that a person edits.
    let later = world.enter_customers(12..18);
    let renamed = Edit::set(json!({"OrganizationName": "Customer three, renamed"}));
    world.fusion.edit_party(parties[3], &renamed).expect("a party");
    let org_of = |world: &World, party: i64| world.organizations()[&party][0].id;
    world.pipedrive.delete_as_person(org_of(&world, parties[5])).expect("an organization");
    work(&world, 180).await;
    assert_eq!(world.check_agreement().await, Vec::<String>::new());
    world
        .pipedrive
        .edit_as_person(org_of(&world, later[0]), &json!({"name": "Sales knows better"}))
        .expect("one");
    work(&world, 30).await;

    // Another one is created, and the process is killed before it knows; the store is gone in the same moment.
    let last = world.enter_customers(18..19)[0];
    let lease = world.take().await.expect("nobody else wants it");
    let mut engine = world.engine(&lease);
    let before = writes(&world);
    while writes(&world) == before {
        if let Step::IdleUntil(due) = world.step(&mut engine, &lease).await.expect("nobody kills it") {
            world.clock.advance(due.duration_since(world.clock.now()).min(SignedDuration::from_mins(1)));
        }
    }
    drop((engine, lease));
    assert_eq!(world.organizations()[&last].len(), 1);
    let all = world.pipedrive.organizations().len();
    let written = writes(&world);
    let restored = restore(&mut world, &file).await;
    assert!(restored.taken_over && restored.backup.pairs == 12, "{restored:?}");
    let came_back = world.clock.now();

    // Nothing is asked and nothing written before whatever was sent can be found.
    let asked = lock(&world.witness).total;
    let lease = world.take().await.expect("nobody holds it");
    let mut engine = world.engine(&lease);
    world.work_until(&mut engine, &lease, came_back + T_EFFECT + SETTLE).await;
    assert_eq!(lock(&world.witness).total, asked);
    drop((engine, lease));

    work(&world, 240).await;
    let organizations = world.organizations();
    let doubled: Vec<_> = organizations.iter().filter(|(_, orgs)| orgs.len() > 1).collect();
    assert!(doubled.is_empty(), "{doubled:?}");
    assert_eq!(world.pipedrive.organizations().len(), all, "nothing was created again");
    assert_eq!(world.check_agreement().await, Vec::<String>::new());
    assert!(writes(&world) <= written + 2, "{} writes for what both sides knew", writes(&world) - written);

    // Whose organization was deleted since is asked about, not given another one.
    let holds = async { world.store.read(world.connection).await?.holds(&[PartyId(parties[5])]).await };
    let holds = world.drive(holds).await.expect("alive").expect("the store works");
    assert_eq!(holds.len(), 1, "{holds:?}");

    // And daily work goes on.
    world.enter_customers(19..22);
    work(&world, 30).await;
    assert_eq!(world.pipedrive.organizations().len(), all + 3);
    assert_eq!(world.check_agreement().await, Vec::<String>::new());
}

/// Where the old store cannot be read, nothing is known of its epochs and numbers: both leap.
#[test]
fn a_restore_over_a_store_that_cannot_be_read_is_as_safe() {
    story(|| async {
        let mut world = world(4).await;
        world.enter_customers(0..12);
        work(&world, 60).await;
        let file = backup(&world).await;
        world.enter_customers(12..15);
        work(&world, 60).await;
        let all = world.pipedrive.organizations().len();
        assert_eq!(all, 15);
        world.store.close().await;
        std::fs::write(world.database(), "this was a database").expect("the file is written");
        let restored = restore(&mut world, &file).await;
        assert!(!restored.taken_over, "{restored:?}");
        let read = async { world.store.read(world.connection).await?.cursor::<CameBack>(CAME_BACK).await };
        let back = world.drive(read).await.expect("alive").expect("the store works");
        assert_eq!(back.map(|back| back.at), Some(world.clock.now()));
        work(&world, 240).await;
        assert_eq!(world.pipedrive.organizations().len(), all);
        assert_eq!(world.check_agreement().await, Vec::<String>::new());
    });
}

/// Notes are found by reading a deal's notes, which nobody does unless there is a doubt: after a restore there is one.
#[test]
fn a_note_that_was_made_after_a_backup_is_not_made_again() {
    story(|| async {
        let mut world = documents::world(5).await;
        let customer = documents::customer(&world, "Northwind Traders").await;
        let deal = documents::deal(&world, &customer);
        work(&world, 30).await;
        let file = backup(&world).await;
        documents::invoice(&world, &customer, 500.0, json!({"PurchaseOrder": format!("PD-{deal}")}));
        work(&world, 60).await;
        let note = documents::note(&world, deal);
        restore(&mut world, &file).await;
        work(&world, 240).await;
        assert_eq!(documents::note(&world, deal), note);
        // What it says goes on to be kept right.
        documents::invoice(&world, &customer, 250.0, json!({"PurchaseOrder": format!("PD-{deal}")}));
        work(&world, 60).await;
        assert_ne!(documents::note(&world, deal), note, "one note, with both invoices");
    });
}
