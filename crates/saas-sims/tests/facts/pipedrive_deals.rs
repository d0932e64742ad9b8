//! Writes of deals (section 1.6).

use jiff::SignedDuration;
use saas_sims::pipedrive::{Action, PipedriveSettings, Plan, Source};
use serde_json::{Value, json};

use crate::http::{Company, DEAL_FIELDS, DEALS, ORGANIZATIONS, at};

async fn patch(company: &Company, id: i64, body: Value) -> Value {
    company.send("PATCH", &format!("{DEALS}/{id}"), &body).await.ok()["data"].clone()
}

#[tokio::test]
async fn a_created_deal_gets_its_defaults_and_no_times_of_closing() {
    let company = Company::new();
    let field = json!({"field_name": "ERP order", "field_type": "varchar"});
    let code = company.send("POST", DEAL_FIELDS, &field).await.ok()["data"]["field_code"].clone();
    let answer = company.send("POST", DEALS, &json!({"title": " Big one "})).await.ok();
    let time = "2026-03-02T10:00:00Z";
    let expected = json!({
        "id": 1, "title": "Big one", "creator_user_id": 12_415_231, "owner_id": 12_415_231, "value": 0,
        "currency": "EUR", "person_id": null, "org_id": null, "pipeline_id": 1, "stage_id": 1, "status": "open",
        "probability": null, "lost_reason": null, "visible_to": 3, "add_time": time, "update_time": time,
        "stage_change_time": null, "close_time": null, "won_time": null, "lost_time": null, "local_won_date": null,
        "local_lost_date": null, "local_close_date": null, "expected_close_date": null, "is_deleted": false,
        "is_archived": false, "archive_time": null, "label_ids": [], "origin": "API", "origin_id": null,
        "channel": null, "channel_id": null, "acv": null, "arr": null, "mrr": null,
        "custom_fields": {code.as_str().unwrap(): null},
    });
    assert_eq!(answer, json!({"success": true, "data": expected}));
    assert_eq!(company.read(DEALS, 1).await, expected);
}

#[tokio::test]
async fn winning_losing_and_reopening_move_the_times() {
    let company = Company::new();
    let id = company.make(DEALS, &json!({"title": "A"})).await;
    company.clock.advance(SignedDuration::from_secs(10));
    let won = patch(&company, id, json!({"status": "won"})).await;
    let time = json!("2026-03-02T10:00:10Z");
    for name in ["won_time", "close_time", "stage_change_time", "update_time"] {
        assert_eq!(won[name], time, "{name}");
    }
    assert_eq!((&won["local_won_date"], &won["lost_time"]), (&json!("2026-03-02"), &json!(null)));
    company.clock.advance(SignedDuration::from_secs(10));
    let open = patch(&company, id, json!({"status": "open"})).await;
    for name in ["won_time", "close_time", "lost_time", "lost_reason", "local_won_date"] {
        assert_eq!(open[name], json!(null), "{name}");
    }
    let path = format!("{DEALS}/{id}");
    let extra = company.get(&path, &[("include_fields", "first_won_time")]).await.ok();
    assert_eq!(extra["data"]["first_won_time"], time);
    let lost = patch(&company, id, json!({"status": "lost", "lost_reason": "Price"})).await;
    assert_eq!((&lost["lost_time"], &lost["won_time"]), (&json!("2026-03-02T10:00:20Z"), &json!(null)));
    assert_eq!((&lost["lost_reason"], &lost["close_time"]), (&json!("Price"), &lost["lost_time"]));
}

#[tokio::test]
async fn times_and_reasons_belong_to_their_status() {
    let company = Company::new();
    let id = company.make(DEALS, &json!({"title": "A"})).await;
    let time = "2026-01-31T12:00:00Z";
    for bad in [
        json!({"won_time": time}),
        json!({"lost_time": time}),
        json!({"close_time": time}),
        json!({"lost_reason": "x"}),
        json!({"status": "lost", "won_time": time}),
        json!({"status": "won", "lost_time": time}),
        json!({"status": "won", "lost_reason": "x"}),
        json!({"status": "won", "won_time": null}),
        json!({"status": "won", "won_time": "2026-01-31 12:00:00"}),
    ] {
        company.send("PATCH", &format!("{DEALS}/{id}"), &bad).await.refused(400);
        assert_eq!(company.read(DEALS, id).await["status"], "open", "{bad}");
    }
    let won = patch(&company, id, json!({"status": "won", "won_time": time})).await;
    assert_eq!((&won["won_time"], &won["close_time"]), (&json!(time), &json!(time)));
    let later = "2026-02-01T23:00:00Z";
    let closed = patch(&company, id, json!({"close_time": later})).await;
    assert_eq!((&closed["won_time"], &closed["close_time"]), (&json!(time), &json!(later)));
    assert_eq!(closed["local_close_date"], "2026-02-02");
    company
        .make(DEALS, &json!({"title": "B", "status": "lost", "lost_reason": "x", "lost_time": time}))
        .await;
}

#[tokio::test]
async fn types_are_strict_and_a_refused_write_stores_nothing() {
    let company = Company::new();
    let id = company.make(DEALS, &json!({"title": "A"})).await;
    for bad in [
        json!({}),
        json!({"title": ""}),
        json!({"title": null}),
        json!({"value": "5"}),
        json!({"value": null}),
        json!({"currency": "QQQ"}),
        json!({"currency": "eur"}),
        json!({"owner_id": 1}),
        json!({"org_id": 77}),
        json!({"org_id": "1"}),
        json!({"org_id": null}),
        json!({"person_id": 77}),
        json!({"pipeline_id": 77}),
        json!({"stage_id": 77}),
        json!({"pipeline_id": 1, "stage_id": 6}),
        json!({"status": "deleted"}),
        json!({"status": "Won"}),
        json!({"probability": 101}),
        json!({"probability": "5"}),
        json!({"is_deleted": true}),
        json!({"is_archived": "true"}),
        json!({"is_archived": 1}),
        json!({"archive_time": "2026-01-01 00:00:00"}),
        json!({"expected_close_date": null}),
        json!({"expected_close_date": "2026-02-30"}),
        json!({"label_ids": [5]}),
        json!({"add_time": "2026-01-01T00:00:00Z"}),
        json!({"custom_fields": {"title": "x"}}),
        json!({"unknown": 1}),
    ] {
        let mut body = bad.clone();
        if let (Some(body), true) = (body.as_object_mut(), bad != json!({}) && bad.get("title").is_none()) {
            body.insert("title".to_owned(), json!("B"));
        }
        let answer = company.send("PATCH", &format!("{DEALS}/{id}"), &body).await;
        assert_eq!(answer.refused(400).json()["code"], "ERR_SCHEMA_VALIDATION_FAILED", "{bad}");
        assert_eq!(company.read(DEALS, id).await["title"], "A", "{bad}");
    }
    company.send("POST", DEALS, &json!({"value": 5})).await.refused(400);
    assert_eq!(company.sim.deals().len(), 1);
}

#[tokio::test]
async fn an_unknown_custom_field_fails_the_whole_write_and_organization_hashes_are_unknown() {
    let company = Company::new();
    let code = company.field("ERP id", "varchar").await;
    let body = json!({"title": "A", "custom_fields": {&code: "1"}});
    let answer = company.send("POST", DEALS, &body).await.refused(400).json();
    assert_eq!(answer["error"], format!("Validation failed: custom_fields: Unknown key '{code}'"));
    assert!(company.sim.deals().is_empty());
}

#[tokio::test]
async fn a_stage_brings_its_pipeline_and_a_pipeline_its_first_stage() {
    let company = Company::new();
    let id = company.make(DEALS, &json!({"title": "A", "value": 12.5, "currency": "USD"})).await;
    company.clock.advance(SignedDuration::from_secs(5));
    let moved = patch(&company, id, json!({"stage_id": 7})).await;
    assert_eq!(
        (&moved["pipeline_id"], &moved["stage_change_time"]),
        (&json!(2), &json!("2026-03-02T10:00:05Z"))
    );
    assert_eq!((&moved["value"], &moved["currency"]), (&json!(12.5), &json!("USD")));
    company.clock.advance(SignedDuration::from_secs(5));
    let same = patch(&company, id, json!({"pipeline_id": 2})).await;
    assert_eq!((&same["stage_id"], &same["stage_change_time"]), (&json!(7), &moved["stage_change_time"]));
    assert_eq!(patch(&company, id, json!({"pipeline_id": 1})).await["stage_id"], 1);
}

#[tokio::test]
async fn archived_deals_are_read_only_until_they_are_brought_back() {
    let company = Company::new();
    let id = company.make(DEALS, &json!({"title": "A"})).await;
    let archived =
        patch(&company, id, json!({"is_archived": true, "archive_time": "2026-02-01 08:00:00"})).await;
    assert_eq!(
        (&archived["is_archived"], &archived["archive_time"]),
        (&json!(true), &json!("2026-02-01T08:00:00Z"))
    );
    let path = format!("{DEALS}/{id}");
    company.send("PATCH", &path, &json!({"title": "B"})).await.refused(403);
    company.send("PATCH", &path, &json!({"title": "B", "is_archived": false})).await.refused(403);
    company.send("DELETE", &path, &json!({})).await.refused(403);
    let back = patch(&company, id, json!({"is_archived": false})).await;
    assert_eq!((&back["title"], &back["archive_time"]), (&json!("A"), &json!(null)));
    company.send("DELETE", &path, &json!({})).await.ok();
}

#[tokio::test]
async fn an_empty_text_in_a_date_stores_the_zero_date() {
    let company = Company::new();
    let id = company.make(DEALS, &json!({"title": "A", "expected_close_date": "2026-12-31"})).await;
    assert_eq!(
        patch(&company, id, json!({"expected_close_date": ""})).await["expected_close_date"],
        "0000-00-00"
    );
}

#[tokio::test]
async fn links_are_cut_by_people_and_over_the_api_only_by_a_switch() {
    for null_cuts_links in [false, true] {
        let company = Company::with(PipedriveSettings { null_cuts_links, ..PipedriveSettings::default() });
        let organization = company.create(&json!({"name": "O"})).await;
        let id = company.make(DEALS, &json!({"title": "A", "org_id": organization})).await;
        let answer = company.send("PATCH", &format!("{DEALS}/{id}"), &json!({"org_id": null})).await;
        assert_eq!(answer.status == 200, null_cuts_links);
        company.sim.edit_deal(id, &json!({"org_id": null})).unwrap();
        assert_eq!(company.sim.deal(id).unwrap().org_id, None);
    }
}

#[tokio::test]
async fn the_plan_limits_the_open_deals() {
    let settings = PipedriveSettings { plan: Plan::Lite, seats: 1, ..PipedriveSettings::default() };
    let company = Company::with(settings);
    for _ in 0..2_500 {
        company.sim.create_deal(&json!({"title": "A"})).unwrap();
    }
    let body = company.send("POST", DEALS, &json!({"title": "B"})).await.refused(403).json();
    assert_eq!(body["code"], "feature_capping_deals_limit");
    company.sim.win_deal(1).unwrap();
    company.make(DEALS, &json!({"title": "B"})).await;
}

#[tokio::test]
async fn every_change_of_a_deal_is_in_the_log() {
    let company = Company::new();
    let id = company.make(DEALS, &json!({"title": "A"})).await;
    company.sim.win_deal(id).unwrap();
    company.send("DELETE", &format!("{DEALS}/{id}"), &json!({})).await.ok();
    let events = company.sim.events();
    let seen: Vec<_> = events.iter().map(|event| (event.entity, event.action, event.source)).collect();
    let deal = "deal";
    assert_eq!(
        seen,
        [
            (deal, Action::Create, Source::Api),
            (deal, Action::Change, Source::App),
            (deal, Action::Delete, Source::Api)
        ]
    );
    let changed: Vec<&str> = events[1].changed.iter().map(String::as_str).collect();
    assert_eq!(changed, ["status", "stage_change_time", "close_time", "won_time"]);
}

#[tokio::test]
async fn a_deal_that_is_made_or_closed_moves_the_organization_s_update_time() {
    for linked_writes_move_update_time in [true, false] {
        let company = Company::with(PipedriveSettings {
            linked_writes_move_update_time,
            ..PipedriveSettings::default()
        });
        let organization = company.create(&json!({"name": "O"})).await;
        company.clock.advance(SignedDuration::from_secs(5));
        let id = company.make(DEALS, &json!({"title": "A", "org_id": organization})).await;
        company.clock.advance(SignedDuration::from_secs(5));
        let time =
            |text: &str| if linked_writes_move_update_time { at(text) } else { at("2026-03-02T10:00:00Z") };
        let seen = || company.sim.organization(organization).unwrap().update_time;
        assert_eq!(seen(), time("2026-03-02T10:00:05Z"));
        company.sim.edit_deal(id, &json!({"title": "B"})).unwrap();
        assert_eq!(seen(), time("2026-03-02T10:00:05Z"));
        company.sim.win_deal(id).unwrap();
        assert_eq!(seen(), time("2026-03-02T10:00:10Z"));
        assert_eq!(company.list(ORGANIZATIONS, &[("sort_by", "update_time")]).await, [organization]);
    }
}
