//! `itemSearch/field` (section 7).

use jiff::SignedDuration;
use saas_sims::pipedrive::PipedriveSettings;
use serde_json::json;

use crate::http::{Company, ORGANIZATIONS, SEARCH, ids};

async fn company() -> (Company, String) {
    let company = Company::new();
    let code = company.field("ERP id", "varchar").await;
    for value in ["abc", "Abc", "abcd", "xabc"] {
        company.create(&json!({"name": value, "custom_fields": {&code: value}})).await;
    }
    (company, code)
}

#[tokio::test]
async fn the_index_lags_three_seconds() {
    let (company, code) = company().await;
    company.clock.advance(SignedDuration::from_millis(2999));
    assert!(company.search(&code, "abc").await.is_empty());
    company.clock.advance(SignedDuration::from_millis(1));
    assert_eq!(company.search(&code, "abc").await, [1]);
}

#[tokio::test]
async fn matches_are_case_sensitive() {
    let (company, code) = company().await;
    company.clock.advance(SignedDuration::from_secs(3));
    for (how, found) in [("exact", &[1][..]), ("beginning", &[1, 3]), ("middle", &[1, 3, 4])] {
        let query =
            [("term", "abc"), ("entity_type", "organization"), ("field", code.as_str()), ("match", how)];
        assert_eq!(ids(&company.get(SEARCH, &query).await.ok()["data"], "id"), found);
    }
}

#[tokio::test]
async fn deleted_organizations_stay_in_the_index() {
    let (company, code) = company().await;
    company.clock.advance(SignedDuration::from_secs(3));
    company.send("DELETE", &format!("{ORGANIZATIONS}/1"), &json!({})).await.ok();
    company.clock.advance(SignedDuration::from_secs(60));
    assert_eq!(company.search(&code, "abc").await, [1]);
}

#[tokio::test]
async fn a_changed_value_is_found_under_the_old_one_until_the_index_caught_up() {
    let (company, code) = company().await;
    company.clock.advance(SignedDuration::from_secs(3));
    company
        .send("PATCH", &format!("{ORGANIZATIONS}/1"), &json!({"custom_fields": {&code: "new"}}))
        .await
        .ok();
    assert_eq!((company.search(&code, "abc").await, company.search(&code, "new").await), (vec![1], vec![]));
    company.clock.advance(SignedDuration::from_secs(3));
    assert_eq!((company.search(&code, "abc").await, company.search(&code, "new").await), (vec![], vec![1]));
}

#[tokio::test]
async fn search_parameters_are_checked() {
    let (company, code) = company().await;
    let date = company.field("Since", "date").await;
    let good = [("term", "abc"), ("entity_type", "organization"), ("field", code.as_str())];
    for (at, value) in [(0, ""), (1, "company"), (2, "nope"), (2, date.as_str())] {
        let mut query = good;
        query[at].1 = value;
        company.get(SEARCH, &query).await.refused(400);
    }
    for extra in [("limit", "101"), ("match", "Exact"), ("exact_match", "true")] {
        let mut query = good.to_vec();
        query.push(extra);
        company.get(SEARCH, &query).await.refused(400);
    }
    company.get(SEARCH, &good[..2]).await.refused(400);
}

#[tokio::test]
async fn hits_have_the_shape_of_the_example_or_of_the_schema() {
    for field_search_items in [false, true] {
        let company = Company::with(PipedriveSettings { field_search_items, ..PipedriveSettings::default() });
        let code = company.field("ERP id", "varchar").await;
        company.create(&json!({"name": "A", "custom_fields": {&code: "1"}})).await;
        company.clock.advance(SignedDuration::from_secs(3));
        let query = [("term", "1"), ("entity_type", "organization"), ("field", code.as_str())];
        let hit = &company.get(SEARCH, &query).await.ok()["data"][0];
        let item = if field_search_items { &hit["item"] } else { hit };
        assert_eq!(item, &json!({"id": 1, "name": "A"}));
    }
}
