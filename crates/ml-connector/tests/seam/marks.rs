//! People say by a label or a custom field what is meant for the ERP: on organizations and on deals.

use axum::body::Body;
use saas_sims::pipedrive::PipedriveSim;
use serde_json::{Value, json};
use sync_core::{
    handover::{Approval, Cause, Conditions, FieldIs, HandoverPolicy, Mark, Question, Subject, Trigger},
    ids::OrgId,
};
use tower::ServiceExt as _;

use crate::{
    handovers::{NONE, ONE, deal, made, organization, policy, question, work, world},
    world::{World, lock},
};

async fn world_of(seed: u64, change: impl FnOnce(&mut HandoverPolicy)) -> World {
    let mut world = world(seed).await;
    let mut changed = policy();
    change(&mut changed);
    world.handing = Some(changed);
    world
}

/// A custom field with the options Yes and No: its code and their ids.
async fn yes_or_no(sim: &PipedriveSim, resource: &str, name: &str) -> (String, i64, i64) {
    let body = json!({ "field_name": name, "field_type": "enum", "options": [{ "label": "Yes" }, { "label": "No" }] });
    let request = http::Request::post(format!("/api/v2/{resource}"))
        .header("x-api-token", "0123456789012345678901234567890123456789")
        .header("content-type", "application/json")
        .body(Body::from(body.to_string()))
        .expect("a request");
    let answer = sim.router().oneshot(request).await.expect("an answer");
    let body = axum::body::to_bytes(answer.into_body(), usize::MAX).await.expect("a body");
    let field: Value = serde_json::from_slice(&body).expect("JSON");
    let data = &field["data"];
    let option = |at: usize| data["options"][at]["id"].as_i64().expect("an option");
    (data["field_code"].as_str().expect("a code").to_owned(), option(0), option(1))
}

fn said(world: &World) {
    let unknown = lock(&world.witness).unknown.clone();
    assert!(unknown.is_empty(), "the specification does not know: {unknown:?}");
}

#[tokio::test]
async fn a_label_on_the_organization_lets_its_won_deals_through() {
    let world = world_of(40, |policy| {
        policy.mark = Some(Mark::Label("customer".to_owned()));
        policy.require_mark = true;
    })
    .await;
    let [plain, early, old] = ["Plain Ltd", "Early Ltd", "Old Ltd"].map(|name| organization(&world, name));
    world.pipedrive.edit_as_person(early, &json!({ "label_ids": [5] })).expect("labelled");
    world.pipedrive.win_deal(deal(&world, Some(old))).expect("won");
    world.clock.advance(jiff::SignedDuration::from_mins(1));
    work(&world, 10).await;
    for org in [plain, early] {
        world.pipedrive.win_deal(deal(&world, Some(org))).expect("won");
    }
    work(&world, 40).await;
    assert_eq!(made(&world, "Early Ltd"), ONE, "it was marked before; when the deal was won counts");
    assert_eq!(made(&world, "Plain Ltd"), NONE, "it has no mark");
    assert_eq!(question(&world, Subject::Org(OrgId(plain))).await, None, "and nobody is asked");
    for org in [plain, old] {
        world.pipedrive.edit_as_person(org, &json!({ "label_ids": [6, 5] })).expect("labelled");
    }
    work(&world, 40).await;
    assert_eq!(made(&world, "Plain Ltd"), ONE, "the mark appeared");
    assert_eq!(made(&world, "Old Ltd"), NONE, "its deal was won before this was switched on");
    said(&world);
}

#[tokio::test]
async fn a_label_on_the_deal_does_too() {
    let world = world_of(41, |policy| {
        policy.mark = Some(Mark::Label("Hot".to_owned()));
        policy.require_mark = true;
    })
    .await;
    let org = organization(&world, "Deal Ltd");
    work(&world, 10).await;
    let won = deal(&world, Some(org));
    world.pipedrive.edit_deal(won, &json!({ "label_ids": [22] })).expect("labelled");
    world.pipedrive.win_deal(won).expect("won");
    work(&world, 40).await;
    assert_eq!(made(&world, "Deal Ltd"), NONE, "it has another label");
    world.pipedrive.edit_deal(won, &json!({ "label_ids": [21] })).expect("labelled");
    work(&world, 40).await;
    assert_eq!(made(&world, "Deal Ltd"), ONE);
    said(&world);
}

#[tokio::test]
async fn a_custom_field_says_it_on_organizations_and_on_deals() {
    let world = world_of(42, |policy| {
        let field = FieldIs { name: "Send to ERP".to_owned(), values: vec!["yes".to_owned()] };
        policy.mark = Some(Mark::Field(field));
        policy.require_mark = true;
    })
    .await;
    let (of_org, org_yes, org_no) = yes_or_no(&world.pipedrive, "organizationFields", "Send to ERP").await;
    let (of_deal, deal_yes, _) = yes_or_no(&world.pipedrive, "dealFields", "Send to  ERP").await;
    let [by_org, by_deal, by_nobody] =
        ["Org Ltd", "Deal Ltd", "Nobody Ltd"].map(|name| organization(&world, name));
    work(&world, 10).await;
    let [_, deal, _] = [by_org, by_deal, by_nobody].map(|org| {
        let won = deal(&world, Some(org));
        world.pipedrive.win_deal(won).expect("won");
        won
    });
    work(&world, 20).await;
    for name in ["Org Ltd", "Deal Ltd", "Nobody Ltd"] {
        assert_eq!(made(&world, name), NONE, "{name}");
    }
    let set = |code: &str, option: i64| json!({ "custom_fields": { code: option } });
    world.pipedrive.edit_as_person(by_org, &set(&of_org, org_yes)).expect("edited");
    world.pipedrive.edit_as_person(by_nobody, &set(&of_org, org_no)).expect("edited");
    world.pipedrive.edit_deal(deal, &set(&of_deal, deal_yes)).expect("edited");
    work(&world, 40).await;
    assert_eq!(made(&world, "Org Ltd"), ONE);
    assert_eq!(made(&world, "Deal Ltd"), ONE);
    assert_eq!(made(&world, "Nobody Ltd"), NONE);
    said(&world);
}

#[tokio::test]
async fn organizations_are_handed_over_without_a_deal_when_they_are_entered_or_given_away() {
    let world = world_of(43, |policy| {
        policy.on.extend([Trigger::OrgCreated, Trigger::OrgAssigned]);
        policy.mark = Some(Mark::Label("Customer".to_owned()));
    })
    .await;
    let owner = world.pipedrive.settings().user_id;
    let [known, given] = ["Known Ltd", "Given Ltd"].map(|name| organization(&world, name));
    world.clock.advance(jiff::SignedDuration::from_mins(1));
    work(&world, 20).await;
    let [marked, plain] = ["Marked Ltd", "Plain Ltd"].map(|name| organization(&world, name));
    for org in [marked, known] {
        world.pipedrive.edit_as_person(org, &json!({ "label_ids": [5] })).expect("labelled");
    }
    world.pipedrive.edit_as_person(given, &json!({ "owner_id": owner })).expect("given away");
    work(&world, 40).await;
    assert_eq!(made(&world, "Marked Ltd"), ONE, "entered and marked");
    for name in ["Plain Ltd", "Known Ltd", "Given Ltd"] {
        assert_eq!(made(&world, name), NONE, "{name}: not marked, entered before, given away without a mark");
    }
    world.pipedrive.edit_as_person(given, &json!({ "label_ids": [5] })).expect("labelled");
    work(&world, 40).await;
    assert_eq!(made(&world, "Given Ltd"), ONE, "who it was given to is remembered until the mark came");
    assert_eq!(question(&world, Subject::Org(OrgId(plain))).await, None);
    said(&world);
}

#[tokio::test]
async fn without_a_mark_somebody_is_asked_about_what_was_given_away() {
    let world = world_of(44, |policy| {
        policy.on = [Trigger::OrgAssigned].into();
        policy.approval = Approval::Review;
    })
    .await;
    let owner = world.pipedrive.settings().user_id;
    let [given, kept] = ["Given Ltd", "Kept Ltd"].map(|name| organization(&world, name));
    work(&world, 20).await;
    world.pipedrive.edit_as_person(given, &json!({ "owner_id": owner })).expect("given away");
    world.pipedrive.edit_as_person(kept, &json!({ "website": "https://kept.example/new" })).expect("edited");
    work(&world, 40).await;
    let asked = question(&world, Subject::Org(OrgId(given))).await;
    assert!(matches!(asked, Some(Question::ApprovalNeeded { cause: Cause::Assigned, .. })), "{asked:?}");
    assert_eq!(question(&world, Subject::Org(OrgId(kept))).await, None);
}

#[tokio::test]
async fn a_custom_field_tells_the_business_unit() {
    let world = world_of(45, |policy| {
        let field = FieldIs { name: "Bill from the US".to_owned(), values: vec!["Yes".to_owned()] };
        policy.business_units[0].when = Conditions { field: Some(field), ..Conditions::default() };
    })
    .await;
    let (code, yes, _) = yes_or_no(&world.pipedrive, "organizationFields", "Bill from the US").await;
    let org = organization(&world, "Unit Ltd");
    work(&world, 10).await;
    world.pipedrive.win_deal(deal(&world, Some(org))).expect("won");
    work(&world, 20).await;
    let asked = question(&world, Subject::Org(OrgId(org))).await;
    assert!(matches!(asked, Some(Question::NoBusinessUnit { .. })), "{asked:?}");
    world.pipedrive.edit_as_person(org, &json!({ "custom_fields": { code: yes } })).expect("edited");
    work(&world, 30).await;
    assert_eq!(question(&world, Subject::Org(OrgId(org))).await, None);
    assert_eq!(made(&world, "Unit Ltd"), ONE);
    said(&world);
}
