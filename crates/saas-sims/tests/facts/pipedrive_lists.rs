//! `GET /api/v2/organizations` (sections 1.4, 1.5).

use jiff::SignedDuration;
use saas_sims::pipedrive::PipedriveSettings;
use serde_json::json;

use crate::http::{Company, ORGANIZATIONS, column, ids};

/// Organizations 1 to `count`, one a second.
fn company(count: usize) -> Company {
    let company = Company::new();
    for n in 1..=count {
        company.sim.create_as_person(&json!({"name": format!("Org {n}")})).unwrap();
        company.clock.advance(SignedDuration::from_secs(1));
    }
    company
}

async fn walk(company: &Company, query: &[(&str, &str)]) -> Vec<i64> {
    let mut seen = Vec::new();
    let mut cursor: Option<String> = None;
    loop {
        let mut query = query.to_vec();
        if let Some(cursor) = &cursor {
            query.push(("cursor", cursor));
        }
        let body = company.get(ORGANIZATIONS, &query).await.ok();
        seen.extend(ids(&body["data"], "id"));
        let next = body["additional_data"]["next_cursor"].as_str().map(str::to_owned);
        if next.is_none() {
            return seen;
        }
        cursor = next;
    }
}

#[tokio::test]
async fn a_page_has_100_unless_asked_and_500_at_most() {
    let company = company(105);
    let body = company.get(ORGANIZATIONS, &[]).await.ok();
    assert_eq!(body["data"].as_array().unwrap().len(), 100);
    company.get(ORGANIZATIONS, &[("limit", "500")]).await.ok();
    company.get(ORGANIZATIONS, &[("limit", "501")]).await.refused(400);
    let settings = PipedriveSettings { refuse_limit_above_cap: false, ..PipedriveSettings::default() };
    Company::with(settings).get(ORGANIZATIONS, &[("limit", "501")]).await.ok();
}

#[tokio::test]
async fn the_cursor_walks_in_every_order() {
    let company = company(25);
    let up: Vec<i64> = (1..=25).collect();
    let down: Vec<i64> = (1..=25).rev().collect();
    for sort in ["id", "update_time", "add_time"] {
        assert_eq!(walk(&company, &[("limit", "4"), ("sort_by", sort)]).await, up);
        assert_eq!(
            walk(&company, &[("limit", "4"), ("sort_by", sort), ("sort_direction", "desc")]).await,
            down
        );
    }
    assert_eq!(walk(&company, &[("limit", "25")]).await, up);
}

#[tokio::test]
async fn a_cursor_is_only_good_for_its_own_order() {
    let company = company(5);
    let body = company.get(ORGANIZATIONS, &[("limit", "2")]).await.ok();
    let cursor = body["additional_data"]["next_cursor"].as_str().unwrap();
    company.get(ORGANIZATIONS, &[("cursor", cursor), ("sort_by", "update_time")]).await.refused(400);
    company.get(ORGANIZATIONS, &[("cursor", "abc")]).await.refused(400);
    assert_eq!(
        body["additional_data"]["next_cursor"],
        "eyJmaWVsZCI6ImlkIiwiZmllbGRWYWx1ZSI6Mywic29ydERpcmVjdGlvbiI6ImFzYyIsImlkIjozfQ"
    );
}

#[tokio::test]
async fn a_row_that_changes_during_a_walk_by_update_time_comes_again_at_the_end() {
    let company = company(6);
    let query = [("limit", "3"), ("sort_by", "update_time")];
    let first = company.get(ORGANIZATIONS, &query).await.ok();
    company.sim.edit_as_person(1, &json!({"name": "Changed"})).unwrap();
    let cursor = first["additional_data"]["next_cursor"].as_str().unwrap();
    let second = company
        .get(ORGANIZATIONS, &[("limit", "10"), ("sort_by", "update_time"), ("cursor", cursor)])
        .await
        .ok();
    assert_eq!((ids(&first["data"], "id"), ids(&second["data"], "id")), (vec![1, 2, 3], vec![4, 5, 6, 1]));
}

#[tokio::test]
async fn updated_since_is_inclusive_and_updated_until_exclusive() {
    let company = company(5);
    let (since, until) = ("2026-03-02T10:00:01Z", "2026-03-02T10:00:03Z");
    assert_eq!(walk(&company, &[("updated_since", since), ("updated_until", until)]).await, [2, 3]);
    assert_eq!(walk(&company, &[("updated_since", since), ("sort_by", "update_time")]).await, [2, 3, 4, 5]);
}

#[tokio::test]
async fn fractional_seconds_in_updated_since_are_refused() {
    let company = company(1);
    for bad in ["2026-03-02T10:00:01.000Z", "2026-03-02T10:00:01", "2026-03-02 10:00:01", "2026-03-02"] {
        for name in ["updated_since", "updated_until"] {
            let answer = company.get(ORGANIZATIONS, &[(name, bad)]).await;
            assert_eq!(answer.refused(400).json()["code"], "ERR_SCHEMA_VALIDATION_FAILED");
            assert!(answer.text.contains("is not a valid datetime"));
        }
    }
}

#[tokio::test]
async fn ids_takes_a_hundred_and_leaves_out_what_is_missing() {
    let company = company(3);
    company.sim.delete_as_person(2).unwrap();
    assert_eq!(walk(&company, &[("ids", "3,2,1,77")]).await, [1, 3]);
    let many: Vec<String> = (1..=101).map(|id| id.to_string()).collect();
    company.get(ORGANIZATIONS, &[("ids", &many[..100].join(","))]).await.ok();
    company.get(ORGANIZATIONS, &[("ids", &many.join(","))]).await.refused(400);
    company.get(ORGANIZATIONS, &[("ids", "1,x")]).await.refused(400);
}

#[tokio::test]
async fn deleted_organizations_are_left_out() {
    let company = company(3);
    company.sim.delete_as_person(2).unwrap();
    assert_eq!(walk(&company, &[]).await, [1, 3]);
    assert_eq!(walk(&company, &[("sort_by", "update_time")]).await, [1, 3]);
    company.get(&format!("{ORGANIZATIONS}/2"), &[]).await.refused(404);
    let view = company.sim.organization(2).unwrap();
    assert!(view.deleted && view.update_time > view.add_time);
}

#[tokio::test]
async fn at_most_fifteen_custom_fields_can_be_picked() {
    let company = Company::new();
    let mut codes = Vec::new();
    for n in 0..16 {
        codes.push(company.field(&format!("f{n}"), "varchar").await);
    }
    company.create(&json!({"name": "A"})).await;
    let body = company.get(ORGANIZATIONS, &[("custom_fields", &codes[..2].join(","))]).await.ok();
    assert_eq!(body["data"][0]["custom_fields"].as_object().unwrap().len(), 2);
    company.get(ORGANIZATIONS, &[("custom_fields", &codes.join(","))]).await.refused(400);
    let all = company.get(ORGANIZATIONS, &[]).await.ok();
    assert_eq!(all["data"][0]["custom_fields"].as_object().unwrap().len(), 16);
}

#[tokio::test]
async fn unknown_parameters_and_values_are_refused() {
    let company = company(1);
    for (name, value) in
        [("sort_by", "name"), ("sort_direction", "up"), ("start", "0"), ("limit", "0"), ("owner_id", "x")]
    {
        company.get(ORGANIZATIONS, &[(name, value)]).await.refused(400);
    }
    for name in ["filter_id", "include_fields", "include_labels", "include_option_labels"] {
        company.get(ORGANIZATIONS, &[(name, "1")]).await.refused(400);
    }
}

#[tokio::test]
async fn there_is_no_total_and_the_last_cursor_is_null() {
    let company = company(2);
    let body = company.get(ORGANIZATIONS, &[]).await.ok();
    assert_eq!(body["additional_data"], json!({"next_cursor": null}));
    assert_eq!(column(&body["data"], "name"), ["Org 1", "Org 2"]);
}
