//! Organization fields (section 2).

use saas_sims::pipedrive::{PipedriveSettings, Plan};
use serde_json::json;

use crate::http::{Company, FIELDS, ORGANIZATIONS, column};

#[tokio::test]
async fn a_field_gets_a_random_code_of_forty_hex_digits_and_names_may_repeat() {
    let company = Company::new();
    let (first, second) =
        (company.field("ERP id", "varchar").await, company.field("ERP id", "varchar").await);
    assert_ne!(first, second);
    assert!(
        first.len() == 40 && first.bytes().all(|byte| byte.is_ascii_hexdigit() && !byte.is_ascii_uppercase())
    );
    assert_eq!(company.get(&format!("{FIELDS}/{first}"), &[]).await.ok()["data"]["field_name"], "ERP id");
}

#[tokio::test]
async fn the_list_has_built_in_fields_first_and_pages_by_cursor() {
    let company = Company::new();
    let own = company.field("ERP id", "varchar").await;
    let mut codes = Vec::new();
    let mut cursor = String::new();
    loop {
        let mut query = vec![("limit", "10")];
        if !cursor.is_empty() {
            query.push(("cursor", &cursor));
        }
        let body = company.get(FIELDS, &query).await.ok();
        codes.extend(column(&body["data"], "field_code"));
        match body["additional_data"]["next_cursor"].as_str() {
            Some(next) => cursor = next.to_owned(),
            None => break,
        }
    }
    for builtin in ["name", "address", "owner_id", "label_ids", "website"] {
        assert!(codes.iter().any(|code| code == builtin));
    }
    assert_eq!(codes.last(), Some(&own));
}

#[tokio::test]
async fn namespaces_come_on_request() {
    let company = Company::new();
    company.field("ERP id", "varchar").await;
    let bare = company.get(FIELDS, &[]).await.ok();
    assert_eq!(bare["data"][0].get("ui_visibility"), None);
    let full = company.get(FIELDS, &[("include_fields", "ui_visibility,required_fields")]).await.ok();
    assert!(
        full["data"][0]["ui_visibility"].is_object() && full["data"][0].get("important_fields").is_none()
    );
}

#[tokio::test]
async fn field_bodies_are_checked() {
    let company = Company::new();
    for bad in [
        json!({"field_name": "x"}),
        json!({"field_name": "", "field_type": "varchar"}),
        json!({"field_name": "x", "field_type": "url"}),
        json!({"field_name": "x", "field_type": "enum"}),
        json!({"field_name": "x", "field_type": "varchar", "options": [{"label": "a"}]}),
        json!({"name": "x", "field_type": "varchar"}),
    ] {
        assert_eq!(
            company.send("POST", FIELDS, &bad).await.refused(400).json()["code"],
            "ERR_SCHEMA_VALIDATION_FAILED"
        );
    }
    let good = json!({"field_name": "x", "field_type": "set", "options": [{"label": "a"}, {"label": "b"}]});
    assert_eq!(
        company.send("POST", FIELDS, &good).await.ok()["data"]["options"][1],
        json!({"id": 2, "label": "b"})
    );
}

#[tokio::test]
async fn the_plan_limits_the_number_of_custom_fields() {
    let company = Company::with(PipedriveSettings {
        plan: Plan::Lite,
        enforce_burst: false,
        ..PipedriveSettings::default()
    });
    for n in 0..30 {
        company.field(&format!("f{n}"), "varchar").await;
    }
    let answer =
        company.send("POST", FIELDS, &json!({"field_name": "one more", "field_type": "varchar"})).await;
    let body = answer.refused(403).json();
    assert!(body["code"].as_str().unwrap().starts_with("feature_capping"));
    assert_eq!((&body["success"], &body["data"]), (&json!(false), &json!(null)));
}

#[tokio::test]
async fn a_deleted_field_leaves_all_answers_and_fails_writes() {
    let company = Company::new();
    let code = company.field("ERP id", "varchar").await;
    let id = company.create(&json!({"name": "A", "custom_fields": {&code: "1"}})).await;
    company.send("DELETE", &format!("{FIELDS}/{code}"), &json!({})).await.ok();
    let path = format!("{ORGANIZATIONS}/{id}");
    assert_eq!(company.get(&path, &[]).await.ok()["data"]["custom_fields"], json!({}));
    let answer = company.send("PATCH", &path, &json!({"name": "B", "custom_fields": {&code: "1"}})).await;
    assert!(answer.refused(400).text.contains(&format!("Unknown key '{code}'")));
    assert_eq!(company.sim.organization(id).unwrap().name, "A");
    company.send("DELETE", &format!("{FIELDS}/name"), &json!({})).await.refused(400);
}
