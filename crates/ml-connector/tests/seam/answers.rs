//! Sales reads on the deal and the organization what became of their customer, whatever gets lost and whoever writes over it.

use jiff::SignedDuration;
use saas_sims::faults::{Fault, FaultRule};
use serde_json::{Value, json};
use sync_core::handover::{AnswerField, AnswerRules};

use crate::{
    handovers::{ONE, deal, made, organization, policy, work, world},
    world::{World, lock},
};

async fn answering(seed: u64) -> World {
    let mut world = world(seed).await;
    let mut policy = policy();
    policy.answers = AnswerRules {
        deal: AnswerField::ALL.into(),
        org: [AnswerField::Status, AnswerField::Link].into(),
        link: Some("https://pod.example/customers/{party_id}".to_owned()),
        activity: true,
    };
    world.handing = Some(policy);
    world
}

fn on_deal(world: &World, deal: i64, field: &str) -> Value {
    world.pipedrive.deal(deal).expect("a deal").custom.get(field).cloned().unwrap_or_default()
}

fn on_org(world: &World, org: i64, field: &str) -> Value {
    world.pipedrive.organization(org).expect("an organization").custom.get(field).cloned().unwrap_or_default()
}

/// What a person writes into a field of a deal.
fn write_over(world: &World, deal: i64, field: &str, text: &str) {
    let codes = world.pipedrive.custom_deal_fields();
    let (code, _) = codes.iter().find(|(_, name)| name == field).expect("a field");
    world.pipedrive.edit_deal(deal, &json!({ "custom_fields": { code: text } })).expect("edited");
}

/// Times that a deal was written to by the connector.
fn patches(world: &World) -> u64 {
    let stats = world.pipedrive.stats();
    let of_deals =
        stats.by_operation.iter().filter(|(name, _)| name.starts_with("PATCH") && name.contains("/deals"));
    of_deals.map(|(_, counted)| counted.0).sum()
}

async fn reasons(world: &World, op: &str) -> Vec<String> {
    let journal = async { world.store.read(world.connection).await?.journal(None, None, 100).await };
    let journal = world.drive(journal).await.expect("alive").expect("the store works");
    journal.into_iter().rev().map(|row| row.entry).filter(|it| it.op == op).map(|it| it.reason).collect()
}

#[tokio::test]
async fn the_deal_shows_its_customer_in_one_write_and_then_nothing_happens() {
    let world = answering(60).await;
    let org = organization(&world, "Acme Trading Inc");
    work(&world, 10).await;
    let [won, second] = [deal(&world, Some(org)), deal(&world, Some(org))];
    world.pipedrive.win_deal(won).expect("won");
    work(&world, 40).await;
    assert_eq!(made(&world, "Acme Trading Inc"), ONE);
    let party = *world.organizations().keys().next().expect("one carries an ERP id");
    let account = world.fusion.account_number(world.fusion.account_ids(party)[0]).expect("a number");
    let link = format!("https://pod.example/customers/{party}");
    for (field, says) in [
        ("ERP customer id", json!(party.to_string())),
        ("ERP account number", json!(account)),
        ("ERP handover", json!("customer created")),
        ("ERP link", json!(link)),
    ] {
        assert_eq!(on_deal(&world, won, field), says, "{field}");
        assert_eq!(on_deal(&world, second, field), Value::Null, "it is not won: {field}");
    }
    assert_eq!(on_org(&world, org, "ERP handover"), "customer created");
    assert_eq!(on_org(&world, org, "ERP link"), link.as_str());
    assert_eq!(patches(&world), 1);
    let before = (world.pipedrive.deal(won), world.pipedrive.organization(org));
    work(&world, 180).await;
    assert_eq!(patches(&world), 1, "what came back was our own");
    assert_eq!((world.pipedrive.deal(won), world.pipedrive.organization(org)), before);
    world.pipedrive.win_deal(second).expect("won");
    work(&world, 40).await;
    assert_eq!(on_deal(&world, second, "ERP account number"), json!(account), "a customer already");
    assert_eq!(patches(&world), 2);
    assert_eq!(reasons(&world, "answer_deal").await.len(), 2);
    assert_eq!(world.check_agreement().await, Vec::<String>::new());
    let unknown = lock(&world.witness).unknown.clone();
    assert!(unknown.is_empty(), "the specification does not know: {unknown:?}");
}

#[tokio::test]
async fn a_question_is_shown_until_it_is_answered_or_withdrawn() {
    let world = answering(61).await;
    let [filled, reopened] = ["Filled Ltd", "Reopened Ltd"]
        .map(|name| world.pipedrive.create_as_person(&json!({ "name": name })).expect("an organization"));
    work(&world, 10).await;
    let [filled_deal, reopened_deal] = [filled, reopened].map(|org| deal(&world, Some(org)));
    let nobodys = deal(&world, None);
    for won in [filled_deal, reopened_deal, nobodys] {
        world.pipedrive.win_deal(won).expect("won");
    }
    work(&world, 30).await;
    let waiting = "waiting: the organization has no country, no street address";
    for deal in [filled_deal, reopened_deal] {
        assert_eq!(on_deal(&world, deal, "ERP handover"), waiting);
        assert_eq!(on_deal(&world, deal, "ERP customer id"), Value::Null);
    }
    assert_eq!(on_org(&world, filled, "ERP handover"), waiting);
    assert_eq!(on_deal(&world, nobodys, "ERP handover"), "waiting: the deal has no organization");
    let address =
        json!({ "value": "1 Main St, London, UK", "locality": "London", "country": "United Kingdom" });
    world.pipedrive.edit_as_person(filled, &json!({ "address": address })).expect("edited");
    world.pipedrive.reopen_deal(reopened_deal).expect("open");
    let friend = organization(&world, "Friend Ltd");
    world.pipedrive.edit_deal(nobodys, &json!({ "org_id": friend })).expect("edited");
    work(&world, 60).await;
    assert_eq!(on_deal(&world, filled_deal, "ERP handover"), "customer created");
    assert_eq!(on_org(&world, filled, "ERP handover"), "customer created");
    assert_eq!(on_deal(&world, reopened_deal, "ERP handover"), Value::Null, "nobody is asked any more");
    assert_eq!(on_org(&world, reopened, "ERP handover"), Value::Null);
    assert_eq!(on_deal(&world, nobodys, "ERP handover"), "customer created");
}

#[tokio::test]
async fn what_a_person_writes_over_is_written_once_more_and_then_left() {
    let world = answering(62).await;
    let org = organization(&world, "Acme Trading Inc");
    work(&world, 10).await;
    let won = deal(&world, Some(org));
    world.pipedrive.win_deal(won).expect("won");
    work(&world, 40).await;
    write_over(&world, won, "ERP handover", "ask Ann");
    work(&world, 40).await;
    assert_eq!(on_deal(&world, won, "ERP handover"), "customer created");
    write_over(&world, won, "ERP handover", "I said: ask Ann");
    work(&world, 180).await;
    assert_eq!(on_deal(&world, won, "ERP handover"), "I said: ask Ann");
    assert_eq!(patches(&world), 2);
    let reasons = reasons(&world, "answer_deal").await;
    assert!(reasons[1].contains("written once more and then left alone"), "{reasons:?}");
}

#[tokio::test]
async fn a_lost_answer_is_looked_for_and_what_is_archived_is_left_alone() {
    for (seed, fault) in
        [(63, Fault::DropAfter), (64, Fault::DropBefore), (65, Fault::StatusAfter { status: 502 })]
    {
        let world = answering(seed).await;
        let [acme, gone, away] =
            ["Acme Trading Inc", "Gone Ltd", "Away Ltd"].map(|name| organization(&world, name));
        work(&world, 10).await;
        let [won, deleted, archived] = [acme, gone, away].map(|org| deal(&world, Some(org)));
        for id in [won, deleted, archived] {
            world.pipedrive.win_deal(id).expect("won");
        }
        world.pipedrive.faults().set(vec![FaultRule::on("/deals/", fault).method("PATCH").times(3)]);
        work(&world, 16).await;
        world.pipedrive.delete_deal(deleted).expect("deleted");
        world.pipedrive.archive_deal(archived, true).expect("archived");
        let frozen = world.pipedrive.deal(archived);
        work(&world, 90).await;
        assert_eq!(on_deal(&world, won, "ERP handover"), "customer created");
        assert_eq!(world.pipedrive.deal(archived), frozen);
        let fields = world.pipedrive.custom_deal_fields();
        assert_eq!(fields.len(), AnswerField::ALL.len(), "each once: {fields:?}");
    }
}

#[tokio::test]
async fn a_field_that_somebody_deleted_is_made_again_once_there_is_something_to_say() {
    let world = answering(66).await;
    let org = organization(&world, "Acme Trading Inc");
    work(&world, 10).await;
    let won = deal(&world, Some(org));
    world.pipedrive.win_deal(won).expect("won");
    work(&world, 40).await;
    let codes = world.pipedrive.custom_deal_fields();
    let (code, _) = codes.iter().find(|(_, name)| name == "ERP handover").expect("the field of the status");
    world.pipedrive.delete_deal_field(code).expect("deleted");
    let second = deal(&world, Some(org));
    world.pipedrive.win_deal(second).expect("won");
    work(&world, 120).await;
    assert_eq!(on_deal(&world, second, "ERP handover"), "customer created");
    assert_eq!(on_deal(&world, second, "ERP link"), on_deal(&world, won, "ERP link"));
    let fields = world.pipedrive.custom_deal_fields();
    assert_eq!(fields.len(), AnswerField::ALL.len(), "each once: {fields:?}");
}

#[tokio::test]
async fn customers_are_created_also_where_their_fields_cannot_be() {
    let world = answering(67).await;
    let org = organization(&world, "Acme Trading Inc");
    work(&world, 10).await;
    let body = json!({ "success": false, "error": "Scope and URL mismatch" }).to_string();
    let refusal = Fault::Status { status: 403, body, content_type: None, retry_after: None };
    // Once only: whoever asked again before a day is over would be let.
    world.pipedrive.faults().set(vec![FaultRule::on("/dealFields", refusal).method("POST").times(1)]);
    let won = deal(&world, Some(org));
    world.pipedrive.win_deal(won).expect("won");
    let other = deal(&world, Some(organization(&world, "Other Ltd")));
    let winner = world.pipedrive.clone();
    let late = world.clock.now() + SignedDuration::from_hours(6);
    let clock = world.clock.clone();
    *lock(&world.between) = Some(Box::new(move |_| {
        if clock.now() > late {
            let _ = winner.win_deal(other);
        }
    }));
    work(&world, 12 * 60).await;
    *lock(&world.between) = None;
    for name in ["Acme Trading Inc", "Other Ltd"] {
        assert_eq!(made(&world, name), ONE);
    }
    assert_eq!(patches(&world), 0);
    assert_eq!(
        on_org(&world, org, "ERP handover"),
        "customer created",
        "the organization has its own fields"
    );
    work(&world, 24 * 60).await;
    for id in [won, other] {
        assert_eq!(on_deal(&world, id, "ERP handover"), "customer created", "told once it is possible");
    }
}

#[tokio::test]
async fn a_deal_that_moves_tells_of_the_customer_it_has_then() {
    let world = answering(68).await;
    let [acme, other] = ["Acme Trading Inc", "Other Ltd"].map(|name| organization(&world, name));
    work(&world, 10).await;
    let [won, others] = [acme, other].map(|org| deal(&world, Some(org)));
    for id in [won, others] {
        world.pipedrive.win_deal(id).expect("won");
    }
    work(&world, 40).await;
    assert_ne!(on_deal(&world, won, "ERP customer id"), on_deal(&world, others, "ERP customer id"));
    world.pipedrive.edit_deal(won, &json!({ "org_id": other })).expect("moved");
    work(&world, 60).await;
    for field in AnswerField::ALL {
        assert_eq!(on_deal(&world, won, field.label()), on_deal(&world, others, field.label()), "{field:?}");
    }
}
