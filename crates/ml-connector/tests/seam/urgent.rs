//! A won deal waits for nothing that is on its way; and what comes back is looked at again.

use std::sync::Arc;

use jiff::SignedDuration;
use saas_sims::fusion::Edit;
use serde_json::json;
use sync_core::{
    hooks::{Check, HookEntity, HookEvent},
    ids::SubscriptionId,
};
use sync_engine::Bell;
use sync_store::HookRow;

use crate::{
    handovers::{NONE, ONE, deal, made, organization, work, world},
    world::World,
};

fn written(world: &World) -> u64 {
    world.pipedrive.stats().by_operation.get("POST /api/v2/organizations").map_or(0, |(asked, _)| *asked)
}

fn told_of(deal: i64) -> HookRow {
    let event = HookEvent {
        key: "1".to_owned(),
        subscription: Some(SubscriptionId(1)),
        entity: HookEntity::Deal,
        record: deal,
        action: "change".to_owned(),
        at: None,
        urgent: true,
    };
    HookRow { event, vouched: vec![Check::Basic], body: "{}".to_owned() }
}

/// In the very step in which many organizations are written, a deal is told of when the first of them is on its way.
#[tokio::test]
async fn a_won_deal_does_not_wait_for_writes_that_are_on_their_way() {
    let world = world(31).await;
    let org = organization(&world, "Acme Trading Inc");
    let won = deal(&world, Some(org));
    work(&world, 10).await;
    for number in 0..40 {
        let name = format!("Customer number {number} Ltd");
        let party = json!({ "OrganizationName": name, "PartyUsageCode": "CUSTOMER" });
        world.fusion.add_party(Edit::set(party)).expect("a party");
    }
    world.clock.advance(SignedDuration::from_mins(5));
    world.gate.begin(None);
    let lease = world.take().await.expect("alive");
    let mut engine = world.engine(&lease);
    let bell = Arc::new(Bell::default());
    engine.heed(bell.clone());
    engine.poll_now();
    let begin = written(&world);
    for _ in 0..60 {
        world.drive(lease.renew()).await.expect("alive").expect("it is ours");
        let telling = async {
            while written(&world) == begin {
                world.gate.enter("nobody won anything yet").await;
            }
            world.pipedrive.win_deal(won).expect("won");
            let now = world.clock.now();
            world.store.put_hooks(world.connection, &[told_of(won)], now).await.expect("the store works");
            bell.ring();
            std::future::pending::<()>().await;
        };
        let stepping = Box::pin(engine.step(world.clock.now()));
        let step = async {
            tokio::select! {
                biased;
                step = stepping => step,
                () = telling => unreachable!("it never ends"),
            }
        };
        Box::pin(world.drive(step)).await.expect("alive").expect("the store works");
        if written(&world) > begin {
            break;
        }
        world.clock.advance(SignedDuration::from_millis(20));
    }
    assert!(written(&world) > begin, "customers were written");
    assert_eq!(made(&world, "Acme Trading Inc"), ONE, "in the same step");
    world.drive(lease.release()).await.expect("alive").expect("the store works");
    work(&world, 60).await;
    assert_eq!(made(&world, "Acme Trading Inc"), ONE);
    assert_eq!(world.organizations().len(), 41);
    assert_eq!(world.check_agreement().await, Vec::<String>::new());
}

/// Its deal says the same as before: nothing but the organization tells that something is to be done.
#[tokio::test]
async fn an_organization_that_is_restored_is_looked_at_again() {
    let world = world(32).await;
    let org = organization(&world, "Acme Trading Inc");
    let won = deal(&world, Some(org));
    work(&world, 10).await;
    world.pipedrive.win_deal(won).expect("won");
    world.pipedrive.delete_as_person(org).expect("deleted");
    work(&world, 60 * 26).await;
    assert_eq!(made(&world, "Acme Trading Inc"), NONE);
    world.pipedrive.restore_as_person(org).expect("restored");
    work(&world, 60).await;
    assert_eq!(made(&world, "Acme Trading Inc"), ONE);
}
