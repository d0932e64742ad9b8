//! Deal fields, person fields, options and changes of fields (section 2).

use saas_sims::pipedrive::{Action, PipedriveSettings, Plan};
use serde_json::{Value, json};

use crate::http::{Company, DEAL_FIELDS, DEALS, FIELDS, PERSONS, column};

const PERSON_FIELDS: &str = "/api/v2/personFields";

async fn field(company: &Company, path: &str, body: &Value) -> Value {
    company.send("POST", path, body).await.ok()["data"].clone()
}

fn code(field: &Value) -> String {
    field["field_code"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn deals_and_persons_have_fields_of_their_own() {
    let company = Company::new();
    let body = json!({"field_name": "ERP order", "field_type": "varchar"});
    let (deal, person) =
        (field(&company, DEAL_FIELDS, &body).await, field(&company, PERSON_FIELDS, &body).await);
    for (path, own, built_in) in
        [(DEAL_FIELDS, code(&deal), "expected_close_date"), (PERSON_FIELDS, code(&person), "emails")]
    {
        let codes = column(&company.get(path, &[("limit", "500")]).await.ok()["data"], "field_code");
        assert!(codes.contains(&own) && codes.iter().any(|code| code == built_in), "{path}");
        assert_eq!(
            company.get(&format!("{path}/{built_in}"), &[]).await.ok()["data"]["is_custom_field"],
            false
        );
    }
    company.get(&format!("{FIELDS}/{}", code(&deal)), &[]).await.refused(404);
    let value = json!({"title": "A", "custom_fields": {code(&deal): "1"}});
    let deal_id = company.make(DEALS, &value).await;
    assert_eq!(company.read(DEALS, deal_id).await["custom_fields"], json!({code(&deal): "1"}));
    assert_eq!(company.sim.deal(deal_id).unwrap().custom["ERP order"], "1");
    company.make(PERSONS, &json!({"name": "A", "custom_fields": {code(&person): "1"}})).await;
}

#[tokio::test]
async fn only_deal_fields_have_a_description() {
    let company = Company::new();
    let body = json!({"field_name": "x", "field_type": "varchar", "description": "from the ERP"});
    assert_eq!(field(&company, DEAL_FIELDS, &body).await["description"], "from the ERP");
    company.send("POST", FIELDS, &body).await.refused(400);
    company.send("POST", PERSON_FIELDS, &body).await.refused(400);
}

#[tokio::test]
async fn the_plan_counts_the_fields_of_all_kinds_together() {
    let settings =
        PipedriveSettings { plan: Plan::Lite, enforce_burst: false, ..PipedriveSettings::default() };
    let company = Company::with(settings);
    let body = json!({"field_name": "x", "field_type": "varchar"});
    for path in [FIELDS, DEAL_FIELDS, PERSON_FIELDS] {
        for _ in 0..10 {
            field(&company, path, &body).await;
        }
    }
    for path in [FIELDS, DEAL_FIELDS, PERSON_FIELDS] {
        company.send("POST", path, &body).await.refused(403);
    }
}

#[tokio::test]
async fn a_field_is_renamed_but_keeps_its_type_and_code() {
    let company = Company::new();
    for path in [FIELDS, DEAL_FIELDS, PERSON_FIELDS] {
        let old = field(&company, path, &json!({"field_name": "x", "field_type": "varchar"})).await;
        let at = format!("{path}/{}", code(&old));
        let change = json!({"field_name": "y", "ui_visibility": {"add_visible_flag": true}});
        let new = company.send("PATCH", &at, &change).await.ok()["data"].clone();
        assert_eq!((&new["field_name"], &new["field_code"]), (&json!("y"), &old["field_code"]));
        assert_eq!(new["ui_visibility"], json!({"add_visible_flag": true, "details_visible_flag": true}));
        for bad in [
            json!({"field_type": "text"}),
            json!({"field_name": ""}),
            json!({"important_fields": {"enabled": true, "stage_ids": [99]}}),
            json!({}),
        ] {
            company.send("PATCH", &at, &bad).await.refused(400);
        }
        company.send("PATCH", &format!("{path}/nope"), &change).await.refused(404);
    }
    let event = company.sim.events()[1].clone();
    assert_eq!((event.entity, event.action), ("organizationField", Action::Change));
}

#[tokio::test]
async fn a_deleted_field_leaves_the_answers_and_fails_writes_of_every_kind() {
    let company = Company::new();
    for (fields, records, name) in [(DEAL_FIELDS, DEALS, "title"), (PERSON_FIELDS, PERSONS, "name")] {
        let made = field(&company, fields, &json!({"field_name": "x", "field_type": "varchar"})).await;
        let id = company.make(records, &json!({name: "A", "custom_fields": {code(&made): "1"}})).await;
        company.send("DELETE", &format!("{fields}/{}", code(&made)), &json!({})).await.ok();
        assert_eq!(company.read(records, id).await["custom_fields"], json!({}));
        let body = json!({name: "B", "custom_fields": {code(&made): "2"}});
        let answer = company.send("PATCH", &format!("{records}/{id}"), &body).await;
        assert!(answer.refused(400).text.contains("Unknown key"));
        assert_eq!(company.read(records, id).await[name], "A");
    }
}

#[tokio::test]
async fn options_are_added_renamed_and_deleted_all_or_nothing() {
    let company = Company::new();
    for path in [FIELDS, DEAL_FIELDS, PERSON_FIELDS] {
        let body =
            json!({"field_name": "x", "field_type": "enum", "options": [{"label": "a"}, {"label": "b"}]});
        let made = field(&company, path, &body).await;
        let at = format!("{path}/{}/options", code(&made));
        let added = company.send("POST", &at, &json!([{"label": "c"}, {"label": "d"}])).await.ok();
        let options = json!([{"id": 3, "label": "c"}, {"id": 4, "label": "d"}]);
        assert_eq!(added, json!({"success": true, "data": options, "additional_data": null}));
        company
            .send("PATCH", &at, &json!([{"id": 3, "label": "C"}, {"id": 99, "label": "x"}]))
            .await
            .refused(400);
        company.send("PATCH", &at, &json!([{"id": 4, "label": "D"}])).await.ok();
        company.send("DELETE", &at, &json!([{"id": 1}, {"id": 99}])).await.refused(400);
        company.send("DELETE", &at, &json!([{"id": 1}])).await.ok();
        company.send("POST", &at, &json!({"label": "e"})).await.refused(400);
        company.send("POST", &at, &json!([])).await.refused(400);
        let now = company.get(&format!("{path}/{}", code(&made)), &[]).await.ok()["data"]["options"].clone();
        assert_eq!(column(&now, "label"), ["b", "c", "D"]);
    }
    let plain = field(&company, FIELDS, &json!({"field_name": "x", "field_type": "varchar"})).await;
    company
        .send("POST", &format!("{FIELDS}/{}/options", code(&plain)), &json!([{"label": "a"}]))
        .await
        .refused(400);
}

#[tokio::test]
async fn a_deleted_option_leaves_the_records() {
    let company = Company::new();
    let options = json!([{"label": "a"}, {"label": "b"}]);
    let one =
        field(&company, DEAL_FIELDS, &json!({"field_name": "x", "field_type": "enum", "options": options}))
            .await;
    let many =
        field(&company, DEAL_FIELDS, &json!({"field_name": "y", "field_type": "set", "options": options}))
            .await;
    let values = json!({code(&one): 1, code(&many): [3, 4]});
    let id = company.make(DEALS, &json!({"title": "A", "custom_fields": values})).await;
    for (made, option) in [(&one, 1), (&many, 3)] {
        let at = format!("{DEAL_FIELDS}/{}/options", code(made));
        company.send("DELETE", &at, &json!([{"id": option}])).await.ok();
    }
    assert_eq!(company.read(DEALS, id).await["custom_fields"], json!({code(&one): null, code(&many): [4]}));
}
