//! Persons (SPEC-v2, section 8).

use jiff::SignedDuration;
use serde_json::json;

use crate::http::{Company, DEALS, PERSONS};

#[tokio::test]
async fn a_person_is_created_read_changed_and_deleted() {
    let company = Company::new();
    let organization = company.create(&json!({"name": "O"})).await;
    let body = json!({"name": "Jane van Doe", "org_id": organization, "emails": [{"value": "j@o.example"}]});
    let answer = company.send("POST", PERSONS, &body).await.ok();
    let time = "2026-03-02T10:00:00Z";
    let expected = json!({
        "id": 1, "name": "Jane van Doe", "first_name": "Jane", "last_name": "van Doe", "owner_id": 12_415_231,
        "org_id": 1, "add_time": time, "update_time": time,
        "emails": [{"value": "j@o.example", "primary": true, "label": "work"}], "phones": [],
        "is_deleted": false, "visible_to": 3, "label_ids": [], "picture_id": null, "custom_fields": {},
    });
    assert_eq!(answer, json!({"success": true, "data": expected}));
    company.clock.advance(SignedDuration::from_secs(1));
    let path = format!("{PERSONS}/1");
    let phones = json!([{"value": "1", "primary": false, "label": "home"}, {"value": "2", "primary": true, "label": "work"}]);
    let changed = company.send("PATCH", &path, &json!({"phones": phones, "emails": []})).await.ok();
    assert_eq!((&changed["data"]["phones"], &changed["data"]["emails"]), (&phones, &json!([])));
    assert_eq!(
        company.send("DELETE", &path, &json!({})).await.ok(),
        json!({"success": true, "data": {"id": 1}})
    );
    company.get(&path, &[]).await.refused(404);
    assert!(company.list(PERSONS, &[]).await.is_empty());
    assert!(company.sim.person(1).unwrap().deleted);
}

#[tokio::test]
async fn persons_are_listed_by_organization_and_deal() {
    let company = Company::new();
    let organization = company.create(&json!({"name": "O"})).await;
    for body in [json!({"name": "A"}), json!({"name": "B", "org_id": organization}), json!({"name": "C"})] {
        company.make(PERSONS, &body).await;
    }
    let deal = company.make(DEALS, &json!({"title": "D", "person_id": 3})).await;
    assert_eq!(company.list(PERSONS, &[("org_id", "1")]).await, [2]);
    assert_eq!(company.list(PERSONS, &[("deal_id", &deal.to_string())]).await, [3]);
    assert_eq!(company.list(PERSONS, &[("ids", "1,3,9"), ("sort_direction", "desc")]).await, [3, 1]);
}

#[tokio::test]
async fn person_bodies_are_strict() {
    let company = Company::new();
    company.make(PERSONS, &json!({"name": "A"})).await;
    for bad in [
        json!({"name": 5}),
        json!({"email": "a@b.example"}),
        json!({"emails": "a@b.example"}),
        json!({"emails": ["a@b.example"]}),
        json!({"emails": [{"primary": true}]}),
        json!({"emails": [{"value": "a", "primary": "true"}]}),
        json!({"emails": [{"value": "a", "type": "work"}]}),
        json!({"emails": [{"value": "a", "primary": true}, {"value": "b", "primary": true}]}),
        json!({"phones": null}),
        json!({"org_id": 9}),
        json!({"label_ids": [5]}),
        json!({"custom_fields": {"x": 1}}),
    ] {
        let answer = company.send("PATCH", &format!("{PERSONS}/1"), &bad).await;
        assert_eq!(answer.refused(400).json()["code"], "ERR_SCHEMA_VALIDATION_FAILED", "{bad}");
    }
    company.send("POST", PERSONS, &json!({"emails": []})).await.refused(400);
}

#[tokio::test]
async fn what_needs_contact_sync_is_forbidden() {
    let company = Company::new();
    for name in ["job_title", "birthday", "notes", "im", "postal_address"] {
        company.send("POST", PERSONS, &json!({"name": "A", name: "x"})).await.refused(403);
    }
    assert!(company.sim.persons().is_empty());
}
