//! The owner of a won deal is asked once for what is missing, whatever gets lost, and is told when it is there.

use saas_sims::{
    faults::{Fault, FaultRule},
    pipedrive::ActivityView,
};
use serde_json::json;
use sync_core::handover::AnswerRules;

use crate::{
    handovers::{ONE, deal, made, policy, work, world},
    world::World,
};

const OWNER: i64 = 12_415_232;

async fn asking(seed: u64) -> World {
    let mut world = world(seed).await;
    let mut policy = policy();
    policy.answers = AnswerRules { activity: true, ..AnswerRules::default() };
    world.handing = Some(policy);
    world
}

/// An organization without an address, and a deal of it that is won.
async fn bare(world: &World) -> (i64, i64) {
    let org = world.pipedrive.create_as_person(&json!({ "name": "Bare <b>Ltd" })).expect("an organization");
    work(world, 10).await;
    let won = deal(world, Some(org));
    world.pipedrive.edit_deal(won, &json!({ "owner_id": OWNER })).expect("given away");
    world.pipedrive.win_deal(won).expect("won");
    (org, won)
}

fn fill_in(world: &World, org: i64) {
    let address =
        json!({ "value": "1 Main St, London, UK", "locality": "London", "country": "United Kingdom" });
    world.pipedrive.edit_as_person(org, &json!({ "address": address })).expect("edited");
}

fn open(world: &World) -> Vec<ActivityView> {
    let all = world.pipedrive.activities().into_iter();
    all.filter(|activity| !activity.done && !activity.deleted).collect()
}

#[tokio::test]
async fn the_owner_is_asked_once_and_the_activity_is_done_when_it_is_filled_in() {
    let world = asking(80).await;
    let (org, won) = bare(&world).await;
    work(&world, 60).await;
    let activities = world.pipedrive.activities();
    assert_eq!(activities.len(), 1, "{activities:?}");
    let asked = &activities[0];
    assert_eq!(asked.subject, "For the ERP: fill in country, street address");
    assert_eq!((asked.deal_id, asked.org_id, asked.owner_id), (Some(won), Some(org), OWNER));
    assert_eq!(asked.due_date.as_deref(), Some("2026-03-02"));
    let street = json!({ "value": "1 Main St" });
    world.pipedrive.edit_as_person(org, &json!({ "address": street })).expect("edited");
    work(&world, 60).await;
    let left = open(&world);
    assert_eq!(left.len(), 1);
    assert_eq!(left[0].id, asked.id, "the same one");
    assert_eq!(left[0].subject, "For the ERP: fill in country");
    fill_in(&world, org);
    work(&world, 60).await;
    assert_eq!(made(&world, "Bare <b>Ltd"), ONE);
    assert!(open(&world).is_empty());
    assert_eq!(world.pipedrive.activities().len(), 1);
}

#[tokio::test]
async fn one_that_a_person_deleted_or_did_is_not_made_again() {
    let world = asking(81).await;
    let (org, _) = bare(&world).await;
    work(&world, 30).await;
    world.pipedrive.delete_activity(open(&world)[0].id).expect("deleted");
    let street = json!({ "value": "1 Main St" });
    world.pipedrive.edit_as_person(org, &json!({ "address": street })).expect("edited");
    work(&world, 60).await;
    fill_in(&world, org);
    work(&world, 60).await;
    assert_eq!(world.pipedrive.activities().len(), 1);
    assert_eq!(made(&world, "Bare <b>Ltd"), ONE);
}

#[tokio::test]
async fn lost_answers_make_no_second_activity_and_leave_none_open() {
    for (seed, fault) in
        [(82, Fault::DropAfter), (83, Fault::DropBefore), (84, Fault::StatusAfter { status: 502 })]
    {
        let world = asking(seed).await;
        let post = FaultRule::on("/activities", fault.clone()).method("POST").times(1);
        let patch = FaultRule::on("/activities", fault).method("PATCH").times(2);
        world.pipedrive.faults().set(vec![post, patch]);
        let (org, _) = bare(&world).await;
        // It dies, or at least ends, before it could look for it.
        work(&world, 7).await;
        work(&world, 90).await;
        assert_eq!(open(&world).len(), 1);
        fill_in(&world, org);
        work(&world, 120).await;
        assert_eq!(world.pipedrive.activities().len(), 1);
        assert!(open(&world).is_empty());
        assert_eq!(made(&world, "Bare <b>Ltd"), ONE);
    }
}

#[tokio::test]
async fn an_owner_who_cannot_be_asked_holds_nothing_up() {
    let world = asking(85).await;
    let body = json!({ "success": false, "error": "Scope and URL mismatch" }).to_string();
    let refusal = Fault::Status { status: 403, body, content_type: None, retry_after: None };
    world.pipedrive.faults().set(vec![FaultRule::on("/activities", refusal)]);
    let (org, _) = bare(&world).await;
    work(&world, 60).await;
    assert!(world.pipedrive.activities().is_empty());
    fill_in(&world, org);
    work(&world, 60).await;
    assert_eq!(made(&world, "Bare <b>Ltd"), ONE);
}
