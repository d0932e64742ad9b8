//! Relationships of organizations, version 1 (section 1.1 and the specification of version 1).

use jiff::SignedDuration;
use saas_sims::pipedrive::{Action, PipedriveSettings, V1Settings};
use serde_json::{Value, json};

use crate::http::{Answer, Company, FORM, ORGANIZATIONS, send};

const RELATIONSHIPS: &str = "/v1/organizationRelationships";

/// A company with the organizations 1 to 4.
async fn company(v1: V1Settings) -> Company {
    let company =
        Company::with(PipedriveSettings { enforce_burst: false, v1, ..PipedriveSettings::default() });
    for name in ["Group", "Daughter", "Friend", "Other"] {
        company.create(&json!({"name": name, "address": {"value": format!("{name} St 1")}})).await;
    }
    company
}

async fn relate(company: &Company, kind: &str, owner: i64, linked: i64) -> Answer {
    let body = json!({"type": kind, "rel_owner_org_id": owner, "rel_linked_org_id": linked});
    company.send("POST", RELATIONSHIPS, &body).await
}

async fn seen_from(company: &Company, id: i64) -> Vec<(String, i64)> {
    let list = company.get(RELATIONSHIPS, &[("org_id", &id.to_string())]).await.ok();
    let told = |item: &Value| {
        let kind = item["calculated_type"].as_str().unwrap().to_owned();
        (kind, item["calculated_related_org_id"].as_i64().unwrap())
    };
    list["data"].as_array().unwrap().iter().map(told).collect()
}

#[tokio::test]
async fn a_relationship_shows_both_organizations_and_version_1_times() {
    let company = company(V1Settings::default()).await;
    let side = |id: i64, name: &str| {
        json!({"name": name, "people_count": 0, "owner_id": 12_415_231, "address": format!("{name} St 1"),
               "cc_email": null, "value": id})
    };
    let related = |id: i64, name: &str| {
        json!({"name": name, "people_count": 0, "owner_id": 12_415_231, "address": format!("{name} St 1"),
               "cc_email": null, "id": id})
    };
    let record = json!({
        "id": 1, "type": "parent", "rel_owner_org_id": side(1, "Group"), "rel_linked_org_id": side(2, "Daughter"),
        "add_time": "2026-03-02 10:00:00", "update_time": "2026-03-02 10:00:00", "active_flag": "true",
    });
    let objects = json!({"organization": {"1": related(1, "Group"), "2": related(2, "Daughter")}});
    assert_eq!(
        relate(&company, "parent", 1, 2).await.ok(),
        json!({"success": true, "data": record, "related_objects": objects})
    );
}

#[tokio::test]
async fn each_organization_sees_a_relationship_from_its_own_side() {
    let company = company(V1Settings::default()).await;
    relate(&company, "parent", 1, 2).await.ok();
    relate(&company, "related", 3, 1).await.ok();
    assert_eq!(seen_from(&company, 1).await, [("daughter".to_owned(), 2), ("related".to_owned(), 3)]);
    assert_eq!(seen_from(&company, 2).await, [("parent".to_owned(), 1)]);
    assert_eq!(seen_from(&company, 3).await, [("related".to_owned(), 1)]);
    assert_eq!(seen_from(&company, 4).await, []);
    let list = company.get("/api/v1/organizationRelationships", &[("org_id", "2")]).await.ok();
    assert_eq!(list["data"][0]["related_organization_name"], "Group");
    assert_eq!(list["additional_data"], json!({"start": 0, "limit": 100, "more_items_in_collection": false}));
    let one = company.get(&format!("{RELATIONSHIPS}/1"), &[("org_id", "2")]).await.ok();
    assert_eq!(one["data"]["calculated_type"], "parent");
    let one = company.get(&format!("{RELATIONSHIPS}/1"), &[]).await.ok();
    assert_eq!(one["data"]["calculated_related_org_id"], 2, "without org_id from the owner's side");
    company.get(&format!("{RELATIONSHIPS}/1"), &[("org_id", "4")]).await.refused(400);
    company.get(RELATIONSHIPS, &[]).await.refused(400);
    company.get(RELATIONSHIPS, &[("org_id", "99")]).await.refused(404);
}

#[tokio::test]
async fn a_relationship_needs_two_living_organizations_that_are_different() {
    let company = company(V1Settings::default()).await;
    company.sim.delete_as_person(4).unwrap();
    for (kind, owner, linked) in
        [("parent", 1, 1), ("related", 2, 2), ("parent", 1, 99), ("parent", 4, 1), ("daughter", 1, 2)]
    {
        relate(&company, kind, owner, linked).await.refused(400);
    }
    for body in [
        json!({}),
        json!({"type": "parent", "rel_owner_org_id": 1}),
        json!({"type": "parent", "rel_owner_org_id": 1, "rel_linked_org_id": 2, "org_id": 3}),
        json!({"type": "parent", "rel_owner_org_id": 1, "rel_linked_org_id": 2, "name": "x"}),
    ] {
        company.send("POST", RELATIONSHIPS, &body).await.refused(400);
    }
    assert_eq!(seen_from(&company, 1).await, []);
}

#[tokio::test]
async fn the_same_relationship_twice_is_refused_unless_allowed() {
    let strict = company(V1Settings::default()).await;
    relate(&strict, "parent", 1, 2).await.ok();
    relate(&strict, "related", 1, 2).await.ok();
    relate(&strict, "parent", 2, 1).await.ok();
    relate(&strict, "parent", 1, 2).await.refused(400);
    relate(&strict, "related", 2, 1).await.refused(400);
    let lax = company(V1Settings { refuse_duplicate_relationships: false, ..V1Settings::default() }).await;
    relate(&lax, "parent", 1, 2).await.ok();
    assert_eq!(relate(&lax, "parent", 1, 2).await.ok()["data"]["id"], 2);
}

#[tokio::test]
async fn a_put_changes_what_it_names() {
    let company = company(V1Settings::default()).await;
    relate(&company, "parent", 1, 2).await.ok();
    company.clock.advance(SignedDuration::from_secs(5));
    let path = format!("{RELATIONSHIPS}/1");
    let body = company.send("PUT", &path, &json!({"rel_linked_org_id": 3})).await.ok();
    assert_eq!(body["data"]["type"], "parent");
    assert_eq!(body["data"]["rel_linked_org_id"]["value"], 3);
    assert_eq!(body["data"]["update_time"], "2026-03-02 10:00:05");
    company.send("PUT", &path, &json!({})).await.refused(400);
    company.send("PUT", &path, &json!({"rel_owner_org_id": 3})).await.refused(400);
    company.send("PUT", &format!("{RELATIONSHIPS}/9"), &json!({"type": "related"})).await.refused(404);
    company.send("PATCH", &path, &json!({"type": "related"})).await.refused(405);
    let event = company.sim.events().pop().unwrap();
    assert_eq!((event.entity, event.action), ("organizationRelationship", Action::Change));
    assert_eq!(event.changed, ["rel_linked_org_id"]);
}

#[tokio::test]
async fn a_deleted_relationship_is_gone_and_its_id_is_not_used_again() {
    let company = company(V1Settings::default()).await;
    relate(&company, "parent", 1, 2).await.ok();
    let path = format!("{RELATIONSHIPS}/1");
    assert_eq!(
        company.send("DELETE", &path, &json!({})).await.ok(),
        json!({"success": true, "data": {"id": 1}})
    );
    company.get(&path, &[]).await.refused(404);
    company.send("DELETE", &path, &json!({})).await.refused(404);
    assert_eq!(relate(&company, "parent", 1, 2).await.ok()["data"]["id"], 2);
}

#[tokio::test]
async fn a_deleted_organization_keeps_its_relationships_unless_set_otherwise() {
    for (relationships_survive_deletion, left) in [(true, 1), (false, 0)] {
        let company = company(V1Settings { relationships_survive_deletion, ..V1Settings::default() }).await;
        relate(&company, "parent", 1, 2).await.ok();
        company.send("DELETE", &format!("{ORGANIZATIONS}/2"), &json!({})).await.ok();
        assert_eq!(seen_from(&company, 1).await.len(), left);
    }
}

#[tokio::test]
async fn version_1_takes_forms_on_post_and_numbers_as_text() {
    let company = company(V1Settings::default()).await;
    let body = "type=parent&rel_owner_org_id=1&rel_linked_org_id=2";
    send(&company.router, "POST", RELATIONSHIPS, &[("x-api-token", "t"), FORM], body).await.ok();
    let body = json!({"type": "related", "rel_owner_org_id": "1", "rel_linked_org_id": "2"});
    company.send("POST", RELATIONSHIPS, &body).await.ok();
    let headers = [("x-api-token", "t"), FORM];
    send(&company.router, "PUT", &format!("{RELATIONSHIPS}/1"), &headers, "type=related").await.refused(400);
}

#[tokio::test]
async fn relationships_cost_what_the_specification_says() {
    let company = company(V1Settings::default()).await;
    relate(&company, "parent", 1, 2).await.ok();
    let path = format!("{RELATIONSHIPS}/1");
    company.get(RELATIONSHIPS, &[("org_id", "1")]).await.ok();
    company.get(&path, &[]).await.ok();
    company.send("PUT", &path, &json!({"type": "related"})).await.ok();
    company.send("DELETE", &path, &json!({})).await.ok();
    let costs = company.sim.stats().by_operation;
    let cost = |name: &str| costs[name].1;
    assert_eq!(cost("GET /v1/organizationRelationships"), 20);
    assert_eq!(cost("GET /v1/organizationRelationships/{id}"), 2);
    assert_eq!(cost("POST /v1/organizationRelationships"), 10);
    assert_eq!(cost("PUT /v1/organizationRelationships/{id}"), 10);
    assert_eq!(cost("DELETE /v1/organizationRelationships/{id}"), 6);
}
