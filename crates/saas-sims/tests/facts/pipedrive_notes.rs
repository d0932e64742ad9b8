//! Notes of version 1 (section 6).

use jiff::SignedDuration;
use saas_sims::pipedrive::{Action, PipedriveSettings, V1Settings};
use serde_json::{Value, json};

use crate::http::{Answer, Company, FORM, ids, send};

const NOTES: &str = "/v1/notes";

/// A company with organization 1 and deals 1 to 9.
async fn company() -> Company {
    with(V1Settings::default()).await
}

async fn with(v1: V1Settings) -> Company {
    let company =
        Company::with(PipedriveSettings { enforce_burst: false, v1, ..PipedriveSettings::default() });
    company.create(&json!({"name": "Acme"})).await;
    for n in 1..=9 {
        company.sim.create_deal(&json!({"title": format!("Deal {n}")})).unwrap();
    }
    company
}

async fn note(company: &Company, body: &Value) -> Value {
    company.send("POST", NOTES, body).await.ok()["data"].clone()
}

async fn content(company: &Company, content: &str) -> Answer {
    company.send("POST", NOTES, &json!({"content": content, "org_id": 1})).await
}

#[tokio::test]
async fn a_note_reads_as_version_1_does() {
    let company = company().await;
    company.clock.advance(SignedDuration::from_millis(1500));
    let body =
        json!({"content": "<p>Invoice 1</p>", "org_id": 1, "deal_id": 9, "pinned_to_organization_flag": 1});
    let expected = json!({
        "id": 1, "active_flag": true, "add_time": "2026-03-02 10:00:01", "content": "<p>Invoice 1</p>", "deal": {"title": "Deal 9"},
        "lead_id": null, "deal_id": 9, "last_update_user_id": 12_415_231, "org_id": 1,
        "organization": {"name": "Acme"}, "person": null, "person_id": null, "project_id": null, "project": null,
        "task_id": null, "task": null, "pinned_to_deal_flag": false, "pinned_to_organization_flag": true,
        "pinned_to_person_flag": false, "pinned_to_project_flag": false, "pinned_to_task_flag": false,
        "update_time": "2026-03-02 10:00:01",
        "user": {"email": "integration@northwind-sandbox.example", "icon_url": null, "is_you": true,
                 "name": "ERP Integration"},
        "user_id": 12_415_231,
    });
    assert_eq!(company.send("POST", NOTES, &body).await.ok(), json!({"success": true, "data": expected}));
    assert_eq!(company.get("/api/v1/notes/1", &[]).await.ok()["data"], expected);
}

#[tokio::test]
async fn a_note_hangs_on_an_organization_or_a_deal_that_exists() {
    let company = company().await;
    company.create(&json!({"name": "Gone"})).await;
    company.sim.delete_as_person(2).unwrap();
    for body in [
        json!({"content": "x"}),
        json!({"org_id": 1}),
        json!({"content": "x", "org_id": null}),
        json!({"content": "x", "org_id": 2}),
        json!({"content": "x", "org_id": 99}),
        json!({"content": "x", "deal_id": 0}),
        json!({"content": 5, "org_id": 1}),
        json!({"content": " ", "org_id": 1}),
        json!({"content": "<!-- only a comment -->", "org_id": 1}),
        json!({"content": "x", "org_id": 1, "color": "red"}),
    ] {
        company.send("POST", NOTES, &body).await.refused(400);
    }
    company.send("POST", NOTES, &json!({"content": "x", "person_id": 1})).await.refused(501);
    note(&company, &json!({"content": "x", "deal_id": 5})).await;
    company.send("PUT", &format!("{NOTES}/1"), &json!({"deal_id": null})).await.refused(400);
    let headers = [("x-api-token", "t"), FORM];
    send(&company.router, "POST", NOTES, &headers, "content=x&org_id=1&pinned_to_organization_flag=1")
        .await
        .ok();
}

#[tokio::test]
async fn scripts_comments_unknown_tags_and_attributes_are_stripped() {
    let company = company().await;
    let sent = "<p style=\"color:red\">Invoice<!-- [erp:1] --> <span data-id=1>7</span></p><script>x</script>\
                <a href=\"https://erp.example/1\" target=_blank>open</a> <a href=\"ftp://x\">no</a>";
    let kept = content(&company, sent).await.ok()["data"]["content"].clone();
    assert_eq!(kept, "<p>Invoice 7</p><a href=\"https://erp.example/1\">open</a> <a>no</a>");
    let updated = company.send("PUT", &format!("{NOTES}/1"), &json!({"content": "<h1>big</h1>"})).await.ok();
    assert_eq!(updated["data"]["content"], "big");
}

#[tokio::test]
async fn tables_survive_only_where_set() {
    let table = "<table><tr><td>1</td></tr></table>";
    for (note_tables, kept) in [(false, "1"), (true, table)] {
        let company = with(V1Settings { note_tables, ..V1Settings::default() }).await;
        assert_eq!(content(&company, table).await.ok()["data"]["content"], kept);
    }
}

#[tokio::test]
async fn content_is_limited_in_characters_and_in_bytes() {
    let company = company().await;
    content(&company, &"x".repeat(100_000)).await.ok();
    content(&company, &"x".repeat(100_001)).await.refused(400);
    content(&company, &"ä".repeat(50_001)).await.refused(400);
    let too_long = json!({"content": "x".repeat(100_001)});
    company.send("PUT", &format!("{NOTES}/1"), &too_long).await.refused(400);
}

#[tokio::test]
async fn flags_are_numbers_when_written_and_booleans_when_read() {
    let company = company().await;
    let body = json!({"content": "x", "org_id": 1, "pinned_to_organization_flag": 1});
    assert_eq!(note(&company, &body).await["pinned_to_organization_flag"], true);
    for flag in [json!(true), json!(2), json!("yes"), json!(null)] {
        let body = json!({"content": "x", "org_id": 1, "pinned_to_organization_flag": flag});
        company.send("POST", NOTES, &body).await.refused(400);
    }
    let loose = json!({"content": "x", "org_id": 1, "pinned_to_deal_flag": 1});
    company.send("POST", NOTES, &loose).await.refused(400);
    let unpinned =
        company.send("PUT", &format!("{NOTES}/1"), &json!({"pinned_to_organization_flag": 0})).await;
    assert_eq!(unpinned.ok()["data"]["pinned_to_organization_flag"], false);
}

#[tokio::test]
async fn an_admin_names_another_author_and_time() {
    let company = company().await;
    let body = json!({"content": "x", "org_id": 1, "user_id": 12_415_232, "add_time": "2020-01-31 08:00:00"});
    let made = note(&company, &body).await;
    assert_eq!(
        (&made["add_time"], &made["update_time"]),
        (&json!("2020-01-31 08:00:00"), &json!("2026-03-02 10:00:00"))
    );
    assert_eq!(
        (&made["user"]["name"], &made["last_update_user_id"]),
        (&json!("Maria Tamm"), &json!(12_415_231))
    );
    for wrong in [json!({"user_id": 1}), json!({"add_time": "2020-01-31T08:00:00Z"}), json!({"add_time": 5})]
    {
        let mut body = json!({"content": "x", "org_id": 1});
        body.as_object_mut().unwrap().extend(wrong.as_object().unwrap().clone());
        company.send("POST", NOTES, &body).await.refused(400);
    }
}

#[tokio::test]
async fn a_deleted_note_leaves_the_list_and_is_still_found_by_id() {
    let company = company().await;
    content(&company, "x").await.ok();
    let path = format!("{NOTES}/1");
    let answer = company.send("DELETE", &path, &json!({})).await.ok();
    assert_eq!(answer, json!({"success": true, "data": true}));
    let found = company.get(&path, &[]).await.ok();
    assert_eq!((&found["data"]["active_flag"], &found["data"]["content"]), (&json!(false), &json!("x")));
    assert_eq!(company.get(NOTES, &[]).await.ok()["data"], json!([]));
    company.send("PUT", &path, &json!({"content": "y"})).await.refused(404);
    company.send("DELETE", &path, &json!({})).await.refused(404);
    company.get(&format!("{NOTES}/2"), &[]).await.refused(404);
}

#[tokio::test]
async fn notes_are_listed_by_offset() {
    let company = company().await;
    for at in 0..5 {
        content(&company, &format!("note {at}")).await.ok();
    }
    let page = company.get(NOTES, &[("start", "1"), ("limit", "2")]).await.ok();
    assert_eq!(ids(&page["data"], "id"), [2, 3]);
    assert_eq!(
        page["additional_data"],
        json!({"pagination": {"start": 1, "limit": 2, "more_items_in_collection": true, "next_start": 3}})
    );
    let last = company.get(NOTES, &[("start", "3"), ("limit", "2")]).await.ok();
    assert_eq!(
        last["additional_data"],
        json!({"pagination": {"start": 3, "limit": 2, "more_items_in_collection": false}})
    );
    let default = company.get(NOTES, &[]).await.ok();
    assert_eq!(default["additional_data"]["pagination"]["limit"], 100);
    for query in [("start", "-1"), ("limit", "0"), ("limit", "501"), ("cursor", "x"), ("sort", "name")] {
        company.get(NOTES, &[query]).await.refused(400);
    }
    let null = with(V1Settings { empty_list_is_null: true, ..V1Settings::default() }).await;
    assert_eq!(null.get(NOTES, &[]).await.ok()["data"], json!(null));
}

#[tokio::test]
async fn notes_are_filtered_and_sorted() {
    let company = company().await;
    company.create(&json!({"name": "Other"})).await;
    for (text, place, time) in [
        ("c", ("deal_id", 7), "2026-01-01 00:00:00"),
        ("a", ("org_id", 1), "2026-01-03 00:00:00"),
        ("b", ("org_id", 2), "2026-01-02 00:00:00"),
    ] {
        let body = json!({"content": text, place.0: place.1, "add_time": time});
        note(&company, &body).await;
        company.clock.advance(SignedDuration::from_secs(10));
    }
    let found = |query: Vec<(&'static str, &'static str)>| {
        let company = &company;
        async move { ids(&company.get(NOTES, &query).await.ok()["data"], "id") }
    };
    assert_eq!(found(vec![("deal_id", "7")]).await, [1]);
    assert_eq!(found(vec![("org_id", "1")]).await, [2]);
    assert_eq!(found(vec![("updated_since", "2026-03-02T10:00:10Z")]).await, [2, 3], "inclusive");
    assert_eq!(found(vec![("start_date", "2026-01-02"), ("end_date", "2026-01-02")]).await, [3]);
    assert_eq!(found(vec![("sort", "content")]).await, [2, 3, 1]);
    assert_eq!(found(vec![("sort", "add_time DESC")]).await, [2, 3, 1]);
    assert_eq!(found(vec![("sort", "deal_id ASC, id DESC")]).await, [3, 2, 1]);
    assert_eq!(found(vec![("pinned_to_deal_flag", "1")]).await, Vec::<i64>::new());
    company.get(NOTES, &[("updated_since", "2026-03-02 10:00:10")]).await.refused(400);
    company.get(NOTES, &[("lead_id", "x")]).await.refused(501);
}

#[tokio::test]
async fn notes_cost_what_the_specification_says_and_are_logged() {
    let company = company().await;
    content(&company, "x").await.ok();
    let path = format!("{NOTES}/1");
    company.get(NOTES, &[]).await.ok();
    company.get(&path, &[]).await.ok();
    company.send("PUT", &path, &json!({"content": "y"})).await.ok();
    company.send("DELETE", &path, &json!({})).await.ok();
    company.send("PATCH", &path, &json!({})).await.refused(405);
    let costs = company.sim.stats().by_operation;
    let cost = |name: &str| costs[name].1;
    assert_eq!(
        [
            "GET /v1/notes",
            "GET /v1/notes/{id}",
            "POST /v1/notes",
            "PUT /v1/notes/{id}",
            "DELETE /v1/notes/{id}"
        ]
        .map(cost),
        [20, 2, 10, 10, 6]
    );
    let events = company.sim.events();
    let told: Vec<_> =
        events.iter().filter(|event| event.entity == "note").map(|event| event.action).collect();
    assert_eq!(told, [Action::Create, Action::Change, Action::Delete]);
    let change =
        events.iter().find(|event| event.entity == "note" && event.action == Action::Change).unwrap();
    assert_eq!((&change.values[0].old, &change.values[0].new), (&json!("x"), &json!("y")));
}
