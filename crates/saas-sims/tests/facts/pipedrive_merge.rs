//! Merges (section 1.5).

use jiff::SignedDuration;
use saas_sims::pipedrive::{Action, PipedriveSettings};
use serde_json::json;

use crate::http::{Company, DEALS, ORGANIZATIONS, PERSONS};

#[tokio::test]
async fn the_id_in_the_path_loses_and_its_deals_and_persons_move() {
    let company = Company::with(PipedriveSettings {
        linked_writes_move_update_time: false,
        enforce_burst: false,
        ..PipedriveSettings::default()
    });
    let (short, long) = (company.field("ERP id", "varchar").await, company.field("Remarks", "text").await);
    let other = company.field("VAT", "varchar").await;
    let loser = json!({
        "name": "Acme GmbH", "address": {"value": "Main St 1"}, "website": "https://a.example",
        "custom_fields": {&short: "1", &long: "from one", &other: "DE1"},
    });
    let survivor = json!({
        "name": "Acme", "website": "https://b.example", "custom_fields": {&short: "2", &long: "from two"},
    });
    let (loser, survivor) = (company.create(&loser).await, company.create(&survivor).await);
    let deal = company.make(DEALS, &json!({"title": "D", "org_id": loser})).await;
    let person = company.make(PERSONS, &json!({"name": "P", "org_id": loser})).await;
    company.clock.advance(SignedDuration::from_secs(5));
    let before = (company.sim.tokens_left(), company.sim.events().len());
    let path = format!("/v1/organizations/{loser}/merge");
    let answer = company.send("PUT", &path, &json!({"merge_with_id": survivor})).await.ok();
    assert_eq!(answer, json!({"success": true, "data": {"id": survivor}}));
    assert_eq!(before.0 - company.sim.tokens_left(), 40);

    let now = company.read(ORGANIZATIONS, survivor).await;
    assert_eq!((&now["name"], &now["website"]), (&json!("Acme"), &json!("https://b.example")));
    assert_eq!(
        (&now["address"]["value"], &now["update_time"]),
        (&json!("Main St 1"), &json!("2026-03-02T10:00:05Z"))
    );
    assert_eq!(now["custom_fields"], json!({short: "2", long: "from two\nfrom one", other: "DE1"}));
    company.get(&format!("{ORGANIZATIONS}/{loser}"), &[]).await.refused(404);
    assert!(company.sim.organization(loser).unwrap().deleted);
    assert_eq!(company.read(DEALS, deal).await["org_id"], survivor);
    assert_eq!(company.read(PERSONS, person).await["org_id"], survivor);

    let events = &company.sim.events()[before.1..];
    let (gone, kept) = (&events[0], &events[1]);
    assert_eq!((gone.action, gone.entity_id.as_str(), gone.merged_to), (Action::Delete, "1", Some(survivor)));
    assert_eq!((kept.action, kept.entity_id.as_str(), kept.merged_from), (Action::Change, "2", Some(loser)));
    let moved: Vec<_> = events[2..].iter().map(|event| (event.entity, event.changed.join(","))).collect();
    assert_eq!(moved, [("deal", "org_id".to_owned()), ("person", "org_id".to_owned())]);
}

#[tokio::test]
async fn a_merge_needs_two_living_records_and_an_integer() {
    let company = Company::new();
    for name in ["A", "B", "C"] {
        company.create(&json!({"name": name})).await;
    }
    company.sim.delete_as_person(3).unwrap();
    for (loser, body, status) in [
        (1, json!({"merge_with_id": 1}), 400),
        (1, json!({"merge_with_id": "2"}), 400),
        (1, json!({}), 400),
        (1, json!({"merge_with_id": 2, "x": 1}), 400),
        (1, json!({"merge_with_id": 3}), 404),
        (1, json!({"merge_with_id": 9}), 404),
        (9, json!({"merge_with_id": 1}), 404),
    ] {
        company.send("PUT", &format!("/v1/organizations/{loser}/merge"), &body).await.refused(status);
    }
    company.send("PUT", "/api/v2/organizations/1/merge", &json!({"merge_with_id": 2})).await.refused(404);
    company.send("POST", "/v1/organizations/1/merge", &json!({"merge_with_id": 2})).await.refused(405);
    company.send("PUT", "/api/v1/organizations/1/merge", &json!({"merge_with_id": 2})).await.ok();
}

#[tokio::test]
async fn people_merge_organizations_and_deals_too() {
    let company = Company::new();
    for name in ["A", "B"] {
        company.create(&json!({"name": name})).await;
    }
    company.make(DEALS, &json!({"title": "one", "org_id": 1, "probability": 50})).await;
    company.make(DEALS, &json!({"title": "two"})).await;
    company.sim.merge_deals(1, 2).unwrap();
    assert_eq!(company.list(DEALS, &[]).await, [2]);
    assert_eq!(company.read(DEALS, 2).await["org_id"], 1);
    company.sim.merge_organizations(1, 2).unwrap();
    assert_eq!(company.read(DEALS, 2).await["org_id"], 2);
    assert!(company.sim.merge_organizations(1, 2).is_err());
    company.make(DEALS, &json!({"title": "three"})).await;
    let answer = company.send("PUT", "/v1/deals/3/merge", &json!({"merge_with_id": 2})).await.ok();
    assert_eq!(answer["data"]["id"], 2);
}

#[tokio::test]
async fn notes_follow_and_webhooks_tell_of_both_sides_of_a_merge() {
    let company = Company::new();
    for name in ["A", "B"] {
        company.create(&json!({"name": name})).await;
    }
    let deal = company.make(DEALS, &json!({"title": "D", "org_id": 1})).await;
    company.send("POST", "/v1/notes", &json!({"content": "x", "org_id": 1})).await.ok();
    let hook = json!({"name": "all", "subscription_url": "https://sync.example.com/", "event_action": "*", "event_object": "*"});
    company.send("POST", "/v1/webhooks", &hook).await.refused(201);
    company.sim.merge_organizations(1, 2).unwrap();
    assert_eq!(company.get("/v1/notes/1", &[]).await.ok()["data"]["org_id"], 2);
    let told: Vec<_> = company.sim.due_deliveries().into_iter().map(|delivery| delivery.body).collect();
    let side = |entity: &str, id: &str| {
        told.iter().find(|body| body["meta"]["entity"] == entity && body["meta"]["entity_id"] == id).unwrap()
    };
    assert_eq!(side("organization", "1")["meta"]["merged_to_id"], "2");
    assert_eq!(side("organization", "2")["meta"]["merged_from_id"], "1");
    let moved = side("deal", &deal.to_string());
    assert_eq!((&moved["data"]["org_id"], &moved["previous"]["org_id"]), (&json!(2), &json!(1)));
}
