//! A won deal waits for nothing that is on its way; and what comes back is looked at again.

use std::{collections::BTreeMap, sync::Arc};

use jiff::SignedDuration;
use saas_sims::{
    faults::{Fault, FaultRule},
    fusion::Edit,
};
use serde_json::json;
use sync_core::{
    fields::Values,
    handover::{HandoverAnswer, Question, Subject},
    hooks::{Check, HookEntity, HookEvent},
    ids::{OrgId, PartyId, SubscriptionId},
    pair::Pair,
};
use sync_engine::Bell;
use sync_store::HookRow;

use crate::{
    handovers::{Made, NONE, ONE, answer, deal, made, organization, question, work, world},
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
        merged: None,
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

/// While its account waits for the ERP's service, somebody else binds the organization to another customer.
#[tokio::test]
async fn a_customer_whose_organization_belongs_to_another_one_meanwhile_is_asked_about() {
    let world = world(33).await;
    let org = organization(&world, "Acme Trading Inc");
    let values =
        json!({ "OrganizationName": "Quite Another Ltd", "PartyUsageCode": "CUSTOMER", "Country": "US" });
    let other = world.fusion.add_party(Edit::set(values)).expect("a party");
    work(&world, 10).await;
    let busy = FaultRule::on("CustomerAccountService", Fault::Html { status: 503 });
    world.fusion.faults().set(vec![busy]);
    world.pipedrive.win_deal(deal(&world, Some(org))).expect("won");
    work(&world, 10).await;
    let ours = world.organizations().into_iter().find(|(_, orgs)| orgs.iter().any(|one| one.id == org));
    assert_eq!(made(&world, "Acme Trading Inc"), Made { parties: 1, ..NONE }, "{ours:?}");

    let lease = world.take().await.expect("alive");
    let (org, other) = (OrgId(org), PartyId(other));
    let binding = async {
        let mut tx = world.store.write(lease.fence()).await?;
        let mine = tx.pairs_by_org(&[org]).await?.remove(&org).expect("it was bound at once");
        tx.delete_pairs(&[mine, other]).await?;
        let (erp_mirror, crm_mirror) = (Values::new(), Values::new());
        let pair = Pair { party: other, org, erp_mirror, crm_mirror, written: BTreeMap::new() };
        tx.put_pairs(&[pair], world.clock.now()).await?;
        tx.commit().await?;
        Ok::<PartyId, sync_store::StoreError>(mine)
    };
    let mine = world.drive(binding).await.expect("alive").expect("the store works");
    world.drive(lease.release()).await.expect("alive").expect("the store works");
    world.fusion.faults().set(Vec::new());
    work(&world, 40).await;
    let asked = question(&world, Subject::Org(org)).await;
    assert_eq!(asked, Some(Question::PartyChanged { made: mine, party: other }));
    assert_eq!(
        made(&world, "Acme Trading Inc"),
        Made { parties: 1, ..NONE },
        "nothing more is written for it"
    );

    answer(&world, Subject::Org(org), HandoverAnswer::Go).await;
    work(&world, 40).await;
    assert_eq!(world.fusion.account_ids(other.0).len(), 1, "the customer is the one that it belongs to now");
    assert_eq!(world.fusion.account_ids(mine.0), Vec::<i64>::new());
}
