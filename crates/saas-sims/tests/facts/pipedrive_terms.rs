//! Searches by term, and `itemSearch/field` of deals and persons (section 7).

use jiff::SignedDuration;
use saas_sims::pipedrive::PipedriveSettings;
use serde_json::{Value, json};

use crate::http::{Answer, Company, DEAL_FIELDS, DEALS, ORGANIZATIONS, PERSONS, SEARCH, ids};

async fn find(company: &Company, path: &str, query: &[(&str, &str)]) -> Answer {
    company.get(&format!("{path}/search"), query).await
}

fn hits(body: &Value) -> Vec<i64> {
    body["data"]["items"].as_array().unwrap().iter().map(|hit| hit["item"]["id"].as_i64().unwrap()).collect()
}

fn lag(company: &Company) {
    company.clock.advance(SignedDuration::from_secs(3));
}

#[tokio::test]
async fn an_exact_match_is_not_case_sensitive_and_a_term_has_two_characters_otherwise() {
    let company = Company::new();
    for name in ["Acme", "ACME", "Acme Oy", "Other"] {
        company.create(&json!({"name": name})).await;
    }
    lag(&company);
    let exact = find(&company, ORGANIZATIONS, &[("term", "acme"), ("exact_match", "true")]).await.ok();
    assert_eq!(hits(&exact), [1, 2]);
    assert_eq!(hits(&find(&company, ORGANIZATIONS, &[("term", "ACM")]).await.ok()), [1, 2, 3]);
    find(&company, ORGANIZATIONS, &[("term", "A")]).await.refused(400);
    assert!(
        hits(&find(&company, ORGANIZATIONS, &[("term", "A"), ("exact_match", "true")]).await.ok()).is_empty()
    );
    for bad in [("exact_match", "1"), ("fields", "title"), ("status", "open")] {
        find(&company, ORGANIZATIONS, &[("term", "Acme"), bad]).await.refused(400);
    }
    find(&company, ORGANIZATIONS, &[]).await.refused(400);
}

#[tokio::test]
async fn hits_have_the_owner_as_an_object_the_address_as_a_text_and_bare_matched_values() {
    let company = Company::new();
    let code = company.field("ERP id", "varchar").await;
    let other = company.field("Other", "varchar").await;
    let body = json!({
        "name": "Acme", "address": {"value": "Main St 1"}, "custom_fields": {&code: "E-100", &other: "zzz"},
    });
    company.create(&body).await;
    lag(&company);
    let item = |hits: &Value| hits["data"]["items"][0]["item"].clone();
    let found = item(&find(&company, ORGANIZATIONS, &[("term", "e-100")]).await.ok());
    let expected = json!({
        "id": 1, "type": "organization", "name": "Acme", "address": "Main St 1", "visible_to": 3,
        "owner": {"id": 12_415_231}, "custom_fields": ["E-100"], "notes": [],
    });
    assert_eq!(found, expected);
    let by_address =
        find(&company, ORGANIZATIONS, &[("term", "main"), ("fields", "address,name")]).await.ok();
    assert_eq!(item(&by_address)["custom_fields"], json!([]));
    let query = [("term", "e-100"), ("fields", "name")];
    assert!(hits(&find(&company, ORGANIZATIONS, &query).await.ok()).is_empty());
}

#[tokio::test]
async fn deals_are_found_by_title_status_and_links() {
    let company = Company::new();
    company.create(&json!({"name": "Acme"})).await;
    company.make(PERSONS, &json!({"name": "Jane Doe"})).await;
    let body = json!({"title": "Big order", "org_id": 1, "person_id": 1, "value": 100, "status": "won"});
    company.make(DEALS, &body).await;
    company.make(DEALS, &json!({"title": "Big mistake"})).await;
    lag(&company);
    assert_eq!(hits(&find(&company, DEALS, &[("term", "big")]).await.ok()), [1, 2]);
    for narrow in [("status", "won"), ("organization_id", "1"), ("person_id", "1")] {
        let found = find(&company, DEALS, &[("term", "big"), narrow]).await.ok();
        assert_eq!(hits(&found), [1]);
        let expected = json!({
            "id": 1, "type": "deal", "title": "Big order", "value": 100, "currency": "EUR", "status": "won",
            "visible_to": 3, "owner": {"id": 12_415_231}, "stage": {"id": 1, "name": "Qualified"},
            "person": {"id": 1, "name": "Jane Doe"},
            "organization": {"id": 1, "name": "Acme"}, "custom_fields": [], "notes": [], "is_archived": false,
        });
        assert_eq!(found["data"]["items"][0]["item"], expected);
    }
    find(&company, DEALS, &[("term", "big"), ("status", "deleted")]).await.refused(400);
    find(&company, DEALS, &[("term", "big"), ("include_fields", "deal.cc_email")]).await.refused(501);
}

#[tokio::test]
async fn persons_are_found_by_name_email_and_phone() {
    let company = Company::new();
    company.create(&json!({"name": "Acme"})).await;
    let body = json!({
        "name": "Jane Doe", "org_id": 1, "emails": [{"value": "jane@acme.example"}], "phones": [{"value": "+372 5"}],
    });
    company.make(PERSONS, &body).await;
    lag(&company);
    for query in [
        [("term", "JANE@acme.example"), ("fields", "email")],
        [("term", "+372"), ("fields", "phone")],
        [("term", "doe"), ("organization_id", "1")],
    ] {
        let found = find(&company, PERSONS, &query).await.ok();
        let expected = json!({
            "id": 1, "type": "person", "name": "Jane Doe", "phones": ["+372 5"], "emails": ["jane@acme.example"],
            "visible_to": 3, "owner": {"id": 12_415_231},
            "organization": {"id": 1, "name": "Acme", "address": null}, "custom_fields": [], "notes": [],
        });
        assert_eq!(found["data"]["items"][0]["item"], expected);
    }
    assert!(
        hits(&find(&company, PERSONS, &[("term", "doe"), ("organization_id", "2")]).await.ok()).is_empty()
    );
}

#[tokio::test]
async fn the_index_lags_and_keeps_the_deleted_until_the_purge() {
    let company = Company::new();
    let id = company.make(DEALS, &json!({"title": "Big order"})).await;
    let query = [("term", "big order")];
    assert!(hits(&find(&company, DEALS, &query).await.ok()).is_empty());
    lag(&company);
    assert_eq!(hits(&find(&company, DEALS, &query).await.ok()), [id]);
    company.sim.delete_deal(id).unwrap();
    lag(&company);
    assert_eq!(hits(&find(&company, DEALS, &query).await.ok()), [id]);
    company.clock.advance(SignedDuration::from_hours(31 * 24));
    assert!(hits(&find(&company, DEALS, &query).await.ok()).is_empty());
}

#[tokio::test]
async fn a_limit_above_a_hundred_is_refused_unless_switched() {
    for refuses in [true, false] {
        let settings =
            PipedriveSettings { search_refuses_limit_above_100: refuses, ..PipedriveSettings::default() };
        let company = Company::with(settings);
        for n in 0..3 {
            company.make(DEALS, &json!({"title": format!("Order {n}")})).await;
        }
        lag(&company);
        for path in [ORGANIZATIONS, DEALS, PERSONS] {
            let answer = find(&company, path, &[("term", "order"), ("limit", "101")]).await;
            assert_eq!(answer.status == 200, !refuses);
        }
        let first = find(&company, DEALS, &[("term", "order"), ("limit", "2")]).await.ok();
        let cursor = first["additional_data"]["next_cursor"].as_str().unwrap();
        let second =
            find(&company, DEALS, &[("term", "order"), ("limit", "2"), ("cursor", cursor)]).await.ok();
        assert_eq!((hits(&first), hits(&second)), (vec![1, 2], vec![3]));
        assert_eq!(second["additional_data"]["next_cursor"], json!(null));
    }
}

#[tokio::test]
async fn searches_cost_twenty_and_fall_under_the_limit_for_searches() {
    let company = Company::with(PipedriveSettings::default());
    let before = company.sim.tokens_left();
    for path in [ORGANIZATIONS, DEALS, PERSONS].into_iter().cycle().take(10) {
        find(&company, path, &[("term", "abc")]).await.ok();
    }
    assert_eq!(before - company.sim.tokens_left(), 200);
    find(&company, DEALS, &[("term", "abc")]).await.refused(429);
    company.get(DEALS, &[]).await.ok();
}

#[tokio::test]
async fn the_search_by_field_knows_deals_and_persons() {
    let company = Company::new();
    for (fields, records, name, entity) in
        [(DEAL_FIELDS, DEALS, "title", "deal"), ("/api/v2/personFields", PERSONS, "name", "person")]
    {
        let body = json!({"field_name": "ERP id", "field_type": "varchar"});
        let made = company.send("POST", fields, &body).await.ok();
        let code = made["data"]["field_code"].as_str().unwrap();
        for value in ["abc", "ABC"] {
            company.make(records, &json!({name: value, "custom_fields": {code: value}})).await;
        }
        lag(&company);
        let query = [("term", "abc"), ("entity_type", entity), ("field", code)];
        assert_eq!(ids(&company.get(SEARCH, &query).await.ok()["data"], "id"), [1]);
        let query = [("term", "abc"), ("entity_type", "organization"), ("field", code)];
        company.get(SEARCH, &query).await.refused(400);
    }
    let query = [("term", "abc"), ("entity_type", "product"), ("field", "x")];
    company.get(SEARCH, &query).await.refused(501);
}
