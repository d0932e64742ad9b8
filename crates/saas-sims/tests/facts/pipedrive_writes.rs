//! Writes of organizations (sections 1.3, 1.5, 1.8, 8).

use jiff::SignedDuration;
use saas_sims::pipedrive::{Action, PipedriveSettings, Source};
use serde_json::{Value, json};

use crate::http::{Company, ORGANIZATIONS, send};

#[tokio::test]
async fn a_create_answers_200_with_the_whole_record() {
    let company = Company::new();
    let code = company.field("ERP id", "varchar").await;
    company.clock.advance(SignedDuration::from_millis(700));
    let answer = company.send("POST", ORGANIZATIONS, &json!({"name": "  Acme Oy "})).await.ok();
    let expected = json!({
        "id": 1, "name": "Acme Oy", "owner_id": 12_415_231, "add_time": "2026-03-02T10:00:00Z",
        "update_time": "2026-03-02T10:00:00Z", "is_deleted": false, "visible_to": 3, "label_ids": [], "address": null,
        "website": null, "linkedin": null, "industry": null, "annual_revenue": null, "employee_count": null,
        "custom_fields": {code: null},
    });
    assert_eq!(answer, json!({"success": true, "data": expected}));
}

#[tokio::test]
async fn the_same_create_twice_makes_two_organizations() {
    let company = Company::new();
    assert_eq!(
        (company.create(&json!({"name": "A"})).await, company.create(&json!({"name": "A"})).await),
        (1, 2)
    );
}

#[tokio::test]
async fn types_are_strict_and_a_refused_write_stores_nothing() {
    let company = Company::new();
    let id = company.create(&json!({"name": "A"})).await;
    let bodies: [Value; 18] = [
        json!({}),
        json!({"name": ""}),
        json!({"name": "  "}),
        json!({"name": null}),
        json!({"name": 5}),
        json!({"name": "x".repeat(256)}),
        json!({"owner_id": "12415231"}),
        json!({"owner_id": 1}),
        json!({"visible_to": "3"}),
        json!({"visible_to": 2}),
        json!({"label_ids": 5}),
        json!({"label_ids": [99]}),
        json!({"employee_count": "5"}),
        json!({"employee_count": 5.5}),
        json!({"website": 5}),
        json!({"address": "Main St 1"}),
        json!({"custom_fields": []}),
        json!({"unknown": 1}),
    ];
    for body in bodies {
        let mut patch = body.clone();
        if let (Some(patch), false) = (patch.as_object_mut(), body.get("name").is_some() || body == json!({}))
        {
            patch.insert("name".to_owned(), json!("B"));
        }
        let answer = company.send("PATCH", &format!("{ORGANIZATIONS}/{id}"), &patch).await;
        assert_eq!(answer.refused(400).json()["code"], "ERR_SCHEMA_VALIDATION_FAILED", "{body}");
        assert_eq!(company.sim.organization(id).unwrap().name, "A", "{body}");
    }
    company.send("POST", ORGANIZATIONS, &json!({"website": "x"})).await.refused(400);
    assert_eq!(company.sim.organizations().len(), 1);
}

#[tokio::test]
async fn only_json_bodies_are_taken() {
    let company = Company::new();
    let headers = [("x-api-token", "t"), ("content-type", "application/x-www-form-urlencoded")];
    send(&company.router, "POST", ORGANIZATIONS, &headers, "name=A").await.refused(400);
    let headers = [("x-api-token", "t"), ("content-type", "application/json; charset=utf-8")];
    send(&company.router, "POST", ORGANIZATIONS, &headers, "[]").await.refused(400);
    send(&company.router, "POST", ORGANIZATIONS, &headers, r#"{"name":"A"}"#).await.ok();
    company.send("PUT", &format!("{ORGANIZATIONS}/1"), &json!({"name": "B"})).await.refused(405);
}

#[tokio::test]
async fn an_unknown_custom_field_fails_the_whole_write_and_is_named() {
    let company = Company::new();
    let code = company.field("ERP id", "varchar").await;
    let body = json!({"name": "A", "custom_fields": {&code: "1", "title": "x"}});
    let answer = company.send("POST", ORGANIZATIONS, &body).await.refused(400).json();
    assert_eq!(answer["error"], "Validation failed: custom_fields: Unknown key 'title'");
    assert_eq!((&answer["data"], &answer["additional_data"]), (&json!(null), &json!(null)));
    assert!(company.sim.organizations().is_empty());
}

#[tokio::test]
async fn custom_values_are_checked_by_type() {
    let company = Company::new();
    let id = company.create(&json!({"name": "A"})).await;
    let (good, bad) = (true, false);
    let cases = [
        ("varchar", json!("x".repeat(255)), good),
        ("varchar", json!("x".repeat(256)), bad),
        ("varchar", json!(5), bad),
        ("text", json!("x".repeat(300)), good),
        ("double", json!(1.5), good),
        ("double", json!("1.5"), bad),
        ("monetary", json!({"value": 5, "currency": "EUR"}), good),
        ("monetary", json!(5), bad),
        ("monetary", json!({"value": 5}), bad),
        ("date", json!("2026-01-31"), good),
        ("date", json!("2026-02-31"), bad),
        ("daterange", json!({"value": "2026-01-01", "until": "2026-02-01"}), good),
        ("user", json!("1"), bad),
        ("address", json!({"value": "Main St"}), good),
        ("address", json!("Main St"), bad),
    ];
    for (kind, value, fits) in cases {
        let code = company.field(kind, kind).await;
        let answer = company
            .send("PATCH", &format!("{ORGANIZATIONS}/{id}"), &json!({"custom_fields": {&code: value}}))
            .await;
        assert_eq!(answer.status == 200, fits, "{kind}: {}", answer.text);
    }
}

#[tokio::test]
async fn a_set_is_cleared_with_null_and_never_with_an_empty_list() {
    let company = Company::new();
    let id = company.create(&json!({"name": "A"})).await;
    let field = json!({"field_name": "s", "field_type": "set", "options": [{"label": "a"}]});
    let field = company.send("POST", crate::http::FIELDS, &field).await.ok()["data"].clone();
    let (code, option) = (field["field_code"].as_str().unwrap(), &field["options"][0]["id"]);
    let path = format!("{ORGANIZATIONS}/{id}");
    company.send("PATCH", &path, &json!({"custom_fields": {code: [option]}})).await.ok();
    let answer = company.send("PATCH", &path, &json!({"custom_fields": {code: []}})).await;
    assert!(answer.refused(400).text.contains("Invalid collection"));
    company.send("PATCH", &path, &json!({"custom_fields": {code: null}})).await.ok();
    assert_eq!(company.sim.organization(id).unwrap().custom["s"], json!(null));
}

#[tokio::test]
async fn a_patch_leaves_other_custom_fields_alone_and_null_clears() {
    let company = Company::new();
    let (one, two) = (company.field("one", "varchar").await, company.field("two", "varchar").await);
    let id = company.create(&json!({"name": "A", "custom_fields": {&one: "1", &two: "2"}})).await;
    company
        .send("PATCH", &format!("{ORGANIZATIONS}/{id}"), &json!({"custom_fields": {&one: null}}))
        .await
        .ok();
    let custom = company.sim.organization(id).unwrap().custom;
    assert_eq!((&custom["one"], &custom["two"]), (&json!(null), &json!("2")));
}

#[tokio::test]
async fn address_parts_that_are_left_out_become_null() {
    let company = Company::new();
    let id =
        company.create(&json!({"name": "A", "address": {"value": "Main St 1", "locality": "Riga"}})).await;
    let path = format!("{ORGANIZATIONS}/{id}");
    let before = company.get(&path, &[]).await.ok()["data"]["address"].clone();
    assert_eq!(
        (before["locality"].as_str(), before["formatted_address"].as_str()),
        (Some("Riga"), Some("Main St 1"))
    );
    let after = company.send("PATCH", &path, &json!({"address": {"value": "Elm St 2"}})).await.ok()["data"]["address"].clone();
    assert_eq!(
        (after["value"].as_str(), &after["locality"], &after["postal_code"]),
        (Some("Elm St 2"), &json!(null), &json!(null))
    );
    for bad in [
        json!({"locality": "Riga"}),
        json!({"value": "x", "city": "Riga"}),
        json!({"value": 5}),
        json!({"value": "x", "formatted_address": "x"}),
    ] {
        company.send("PATCH", &path, &json!({"address": bad})).await.refused(400);
    }
    company.send("PATCH", &path, &json!({"address": null})).await.ok();
    assert_eq!(company.sim.organization(id).unwrap().address, None);
}

#[tokio::test]
async fn a_delete_is_soft_and_answers_with_the_id() {
    let company = Company::new();
    let id = company.create(&json!({"name": "A"})).await;
    let path = format!("{ORGANIZATIONS}/{id}");
    assert_eq!(
        company.send("DELETE", &path, &json!({})).await.ok(),
        json!({"success": true, "data": {"id": 1}})
    );
    company.send("PATCH", &path, &json!({"name": "B"})).await.refused(404);
    company.send("DELETE", &path, &json!({})).await.refused(404);
    let settings = PipedriveSettings { deleted_is_404: false, ..PipedriveSettings::default() };
    let shown = Company::with(settings);
    let id = shown.create(&json!({"name": "A"})).await;
    shown.sim.delete_as_person(id).unwrap();
    assert_eq!(shown.get(&format!("{ORGANIZATIONS}/{id}"), &[]).await.ok()["data"]["is_deleted"], true);
}

#[tokio::test]
async fn update_time_moves_in_whole_seconds() {
    let company = Company::new();
    let id = company.create(&json!({"name": "A"})).await;
    company.clock.advance(SignedDuration::from_millis(1900));
    let body = company.send("PATCH", &format!("{ORGANIZATIONS}/{id}"), &json!({"name": "B"})).await.ok();
    assert_eq!(body["data"]["update_time"], "2026-03-02T10:00:01Z");
}

#[tokio::test]
async fn the_event_log_says_who_changed_what() {
    let company = Company::new();
    let id = company.create(&json!({"name": "A"})).await;
    company.send("PATCH", &format!("{ORGANIZATIONS}/{id}"), &json!({"name": "A"})).await.ok();
    let body = r#"{"website":"https://a.example","label_ids":[5]}"#;
    send(&company.router, "POST", &format!("/_sim/organizations/{id}"), &[], body).await.ok();
    send(&company.router, "DELETE", &format!("/_sim/organizations/{id}"), &[], "").await.ok();
    let told: Vec<_> =
        company.sim.events().into_iter().map(|event| (event.action, event.source, event.changed)).collect();
    let changed = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
    assert_eq!(
        told,
        [
            (Action::Create, Source::Api, vec![]),
            (Action::Change, Source::Api, vec![]),
            (Action::Change, Source::App, changed(&["label_ids", "website"])),
            (Action::Delete, Source::App, vec![]),
        ]
    );
    assert_eq!(company.sim.stats().requests, 2, "what people do costs nothing");
}
