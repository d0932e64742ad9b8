//! Activities and their types (sections 1.1, 1.4, 6, 8; SPEC-v1, SPEC-v2).

use jiff::SignedDuration;
use saas_sims::pipedrive::{Outcome, PipedriveSettings, WebhookSettings};
use serde_json::{Value, json};

use crate::http::{Company, DEALS, ORGANIZATIONS, PERSONS, at, column, ids, send};
use crate::pipedrive_webhooks::{subscribe, with};

const ACTIVITIES: &str = "/api/v2/activities";
const TYPES: &str = "/v1/activityTypes";
const OWNER: i64 = 12_415_233;

/// An organization, a person in it and a deal with both, each with the id 1.
async fn company(settings: PipedriveSettings) -> Company {
    let company = Company::with(PipedriveSettings { enforce_burst: false, ..settings });
    company.create(&json!({"name": "O"})).await;
    company.make(PERSONS, &json!({"name": "P", "org_id": 1})).await;
    company.make(DEALS, &json!({"title": "D", "org_id": 1, "person_id": 1, "owner_id": OWNER})).await;
    company
}

fn wait(company: &Company, seconds: i64) {
    company.clock.advance(SignedDuration::from_secs(seconds));
}

#[tokio::test]
async fn an_activity_for_the_owner_of_a_deal_is_created_with_200_read_changed_and_deleted() {
    let company = company(PipedriveSettings::default()).await;
    let body = json!({
        "subject": " Check the ERP customer ", "type": "task", "owner_id": OWNER, "deal_id": 1, "org_id": 1,
        "due_date": "2026-03-03", "due_time": "15:00:00", "duration": "01:00:00", "note": "<b>see</b> hold 7",
        "location": {"value": "Main St 1"}, "public_description": "x", "busy": true,
    });
    let before = company.sim.tokens_left();
    let made = company.send("POST", ACTIVITIES, &body).await.ok()["data"].clone();
    let location = json!({
        "value": "Main St 1", "country": null, "admin_area_level_1": null, "admin_area_level_2": null,
        "locality": null, "sublocality": null, "route": null, "street_number": null, "subpremise": null,
        "postal_code": null,
    });
    assert_eq!(
        made,
        json!({
            "id": 1, "subject": "Check the ERP customer", "type": "task", "owner_id": OWNER,
            "creator_user_id": 12_415_231, "is_deleted": false, "add_time": "2026-03-02T10:00:00Z",
            "update_time": "2026-03-02T10:00:00Z", "deal_id": 1, "lead_id": null, "person_id": null, "org_id": 1,
            "project_id": null, "due_date": "2026-03-03", "due_time": "15:00:00", "duration": "01:00:00",
            "busy": true, "done": false, "marked_as_done_time": null, "location": location, "participants": [],
            "conference_meeting_client": null, "conference_meeting_url": null, "conference_meeting_id": null,
            "public_description": "x", "priority": null, "note": "<b>see</b> hold 7",
        })
    );
    assert_eq!(company.read(ACTIVITIES, 1).await, made);
    wait(&company, 5);
    let path = format!("{ACTIVITIES}/1");
    let changed = company.send("PATCH", &path, &json!({"subject": "Look", "note": null})).await.ok();
    assert_eq!(
        (&changed["data"]["subject"], &changed["data"]["note"], &changed["data"]["update_time"]),
        (&json!("Look"), &json!(null), &json!("2026-03-02T10:00:05Z"))
    );
    let gone = company.send("DELETE", &path, &json!({})).await.ok();
    assert_eq!(gone, json!({"success": true, "data": {"id": 1}}));
    company.get(&path, &[]).await.refused(404);
    company.send("PATCH", &path, &json!({"subject": "x"})).await.refused(404);
    company.send("DELETE", &path, &json!({})).await.refused(404);
    // One create, two changes, two deletions, two reads.
    assert_eq!(before - company.sim.tokens_left(), 5 + 2 * 5 + 2 * 3 + 2);
}

#[tokio::test]
async fn an_activity_without_type_and_subject_gets_those_of_the_first_type() {
    let company = Company::new();
    let made = company.send("POST", ACTIVITIES, &json!({})).await.ok()["data"].clone();
    assert_eq!((&made["type"], &made["subject"]), (&json!("call"), &json!("Call")));
    assert_eq!((&made["owner_id"], &made["done"]), (&json!(12_415_231), &json!(false)));
    let made = company.send("POST", ACTIVITIES, &json!({"type": "deadline"})).await.ok();
    assert_eq!(made["data"]["subject"], "Deadline");
    company.send("PATCH", &format!("{ACTIVITIES}/1"), &json!({})).await.refused(400);
}

#[tokio::test]
async fn activities_are_listed_by_owner_links_done_and_time_and_never_by_type() {
    let company = company(PipedriveSettings::default()).await;
    let bodies = [
        json!({"deal_id": 1, "owner_id": OWNER}),
        json!({"org_id": 1}),
        json!({"person_id": 1, "done": true}),
        json!({"deal_id": 1, "org_id": 1}),
        json!({}),
    ];
    for body in &bodies {
        company.make(ACTIVITIES, body).await;
        wait(&company, 1);
    }
    company.sim.delete_activity(5).unwrap();
    let owner = OWNER.to_string();
    for (query, expected) in [
        (vec![], vec![1, 2, 3, 4]),
        (vec![("owner_id", owner.as_str())], vec![1]),
        (vec![("deal_id", "1")], vec![1, 4]),
        (vec![("deal_id", "99")], vec![]),
        (vec![("org_id", "1")], vec![2, 4]),
        (vec![("org_id", "1"), ("deal_id", "1")], vec![4]),
        (vec![("person_id", "1")], vec![3]),
        (vec![("done", "true")], vec![3]),
        (vec![("done", "false"), ("ids", "3,4,5,99")], vec![4]),
        (
            vec![("updated_since", "2026-03-02T10:00:01Z"), ("updated_until", "2026-03-02T10:00:03Z")],
            vec![2, 3],
        ),
    ] {
        assert_eq!(company.list(ACTIVITIES, &query).await, expected, "{query:?}");
    }
    for query in [
        ("type", "call"),
        ("done", "1"),
        ("deal_id", "x"),
        ("sort_by", "subject"),
        ("updated_since", "2026-03-02T10:00:01.5Z"),
        ("limit", "501"),
        ("include_fields", "notes"),
        ("nonsense", "1"),
    ] {
        company.get(ACTIVITIES, &[query]).await.refused(400);
    }
    company.get(ACTIVITIES, &[("lead_id", "abc-def")]).await.refused(501);
    let tolerant =
        Company::with(PipedriveSettings { refuse_unknown_parameters: false, ..PipedriveSettings::default() });
    tolerant.get(ACTIVITIES, &[("nonsense", "1")]).await.ok();
    tolerant.get(ACTIVITIES, &[("type", "call")]).await.refused(400);
    let asked = company.get(ACTIVITIES, &[("include_fields", "attendees")]).await.ok();
    assert_eq!(asked["data"][0]["attendees"], json!([]));
}

#[tokio::test]
async fn a_saved_filter_of_activities_silences_all_but_done() {
    let company = company(PipedriveSettings::default()).await;
    for body in [json!({"deal_id": 1}), json!({"done": true}), json!({})] {
        company.make(ACTIVITIES, &body).await;
    }
    let id = company.sim.save_filter(&json!({"entity": "activity", "ids": [2, 3]})).unwrap().to_string();
    let query =
        [("filter_id", id.as_str()), ("ids", "1"), ("owner_id", "7"), ("deal_id", "1"), ("lead_id", "x")];
    assert_eq!(company.list(ACTIVITIES, &query).await, [2, 3]);
    assert_eq!(company.list(ACTIVITIES, &[("filter_id", &id), ("done", "true")]).await, [2]);
    company.get(DEALS, &[("filter_id", &id)]).await.refused(400);
    assert!(company.sim.save_filter(&json!({"entity": "activity"})).is_err());
    assert!(company.sim.save_filter(&json!({"entity": "note", "ids": [1]})).is_err());
}

#[tokio::test]
async fn activities_page_in_every_order_and_one_that_changes_comes_again_at_the_end() {
    let company = Company::new();
    for day in ["2026-04-03", "2026-04-01", "", "2026-04-02", "2026-04-01"] {
        let body = if day.is_empty() { json!({}) } else { json!({"due_date": day}) };
        company.make(ACTIVITIES, &body).await;
        wait(&company, 1);
    }
    for (sort, ascending) in
        [("id", [1, 2, 3, 4, 5]), ("add_time", [1, 2, 3, 4, 5]), ("due_date", [3, 2, 5, 4, 1])]
    {
        let mut descending = ascending;
        descending.reverse();
        for (direction, expected) in [("asc", ascending), ("desc", descending)] {
            let (mut seen, mut cursor) = (Vec::new(), String::new());
            loop {
                let mut query = vec![("sort_by", sort), ("sort_direction", direction), ("limit", "2")];
                query.extend((!cursor.is_empty()).then_some(("cursor", cursor.as_str())));
                let page = company.get(ACTIVITIES, &query).await.ok();
                seen.extend(ids(&page["data"], "id"));
                let Some(next) = page["additional_data"]["next_cursor"].as_str() else { break };
                cursor = next.to_owned();
            }
            assert_eq!(seen, expected, "{sort} {direction}");
            let other = [("sort_by", "update_time"), ("cursor", cursor.as_str())];
            company.get(ACTIVITIES, &other).await.refused(400);
        }
    }
    let query = [("sort_by", "update_time"), ("limit", "2")];
    let first = company.get(ACTIVITIES, &query).await.ok();
    assert_eq!(ids(&first["data"], "id"), [1, 2]);
    // The one that the cursor points at moves behind all others, and so does one that was seen.
    company.sim.edit_activity(3, &json!({"subject": "x"})).unwrap();
    company.sim.edit_activity(1, &json!({"subject": "x"})).unwrap();
    let cursor = first["additional_data"]["next_cursor"].as_str().unwrap();
    let rest = company.list(ACTIVITIES, &[("sort_by", "update_time"), ("cursor", cursor)]).await;
    assert_eq!(rest, [4, 5, 1, 3]);
}

#[tokio::test]
async fn an_activitys_types_are_strict_and_a_refused_write_stores_nothing() {
    let company = company(PipedriveSettings::default()).await;
    company.make(ACTIVITIES, &json!({"subject": "A", "deal_id": 1, "due_date": "2026-03-03"})).await;
    let before = company.read(ACTIVITIES, 1).await;
    for (name, value) in [
        ("subject", json!("")),
        ("subject", json!(7)),
        ("type", json!("dance")),
        ("type", json!("lunch")),
        ("type", json!(1)),
        ("owner_id", json!(1)),
        ("owner_id", json!(OWNER.to_string())),
        ("deal_id", json!("1")),
        ("deal_id", json!(99)),
        ("deal_id", json!(null)),
        ("org_id", json!(99)),
        ("person_id", json!(99)),
        ("due_date", json!("2026-02-30")),
        ("due_date", json!("03.03.2026")),
        ("due_date", json!(null)),
        ("due_time", json!("15:00")),
        ("due_time", json!("24:00:00")),
        ("due_time", json!(null)),
        ("duration", json!("1:00:000")),
        ("duration", json!(60)),
        ("busy", json!(1)),
        ("done", json!("true")),
        ("location", json!("Main St")),
        ("location", json!({"locality": "X"})),
        ("note", json!(7)),
        ("participants", json!(null)),
        ("participants", json!([{"person_id": 99}])),
        ("participants", json!([{"person_id": 1}, {"person_id": 1}])),
        ("participants", json!([{"person_id": 1, "role": "x"}])),
        ("custom_fields", json!({})),
        ("add_time", json!("2026-03-02T10:00:00Z")),
        ("is_deleted", json!(true)),
    ] {
        let body = json!({"note": "lost", "public_description": "lost", name: value});
        let refused = company.send("PATCH", &format!("{ACTIVITIES}/1"), &body).await;
        assert_eq!(refused.refused(400).json()["code"], "ERR_SCHEMA_VALIDATION_FAILED", "{name}");
        company.send("POST", ACTIVITIES, &body).await.refused(400);
    }
    for (name, value) in [
        ("lead_id", json!("abc-def")),
        ("project_id", json!(1)),
        ("priority", json!(263)),
        ("attendees", json!([{"email": "a@b.example"}])),
    ] {
        company.send("PATCH", &format!("{ACTIVITIES}/1"), &json!({name: value})).await.refused(501);
        let empty = json!({"subject": "A", name: if name == "attendees" { json!([]) } else { json!(null) }});
        company.send("PATCH", &format!("{ACTIVITIES}/1"), &empty).await.ok();
    }
    assert_eq!(company.read(ACTIVITIES, 1).await, before);
    assert_eq!(company.list(ACTIVITIES, &[]).await, [1]);
    // An empty text stores the zero date, as for deals; people may clear.
    let zero = company.send("PATCH", &format!("{ACTIVITIES}/1"), &json!({"due_date": ""})).await.ok();
    assert_eq!(zero["data"]["due_date"], "0000-00-00");
    company.sim.edit_activity(1, &json!({"due_date": null, "due_time": null, "deal_id": null})).unwrap();
    let cleared = company.read(ACTIVITIES, 1).await;
    assert_eq!((&cleared["due_date"], &cleared["deal_id"]), (&json!(null), &json!(null)));
}

#[tokio::test]
async fn done_is_marked_with_its_time_once_and_taken_back() {
    let company = Company::new();
    company.make(ACTIVITIES, &json!({"subject": "A"})).await;
    let path = format!("{ACTIVITIES}/1");
    let marked = |answer: Value| answer["data"]["marked_as_done_time"].clone();
    wait(&company, 5);
    assert_eq!(
        marked(company.send("PATCH", &path, &json!({"done": true})).await.ok()),
        "2026-03-02T10:00:05Z"
    );
    wait(&company, 5);
    assert_eq!(
        marked(company.send("PATCH", &path, &json!({"done": true})).await.ok()),
        "2026-03-02T10:00:05Z"
    );
    assert_eq!(marked(company.send("PATCH", &path, &json!({"done": false})).await.ok()), json!(null));
    let events = company.sim.events();
    let changed: Vec<&[String]> = events.iter().map(|event| event.changed.as_slice()).collect();
    assert_eq!(changed, [&[][..], &["done".to_owned()], &[], &["done".to_owned()]]);
}

#[tokio::test]
async fn the_person_of_an_activity_is_its_primary_participant() {
    let company = company(PipedriveSettings::default()).await;
    for name in ["Q", "R"] {
        company.make(PERSONS, &json!({"name": name})).await;
    }
    let one = |id: i64, primary: bool| json!({"person_id": id, "primary": primary});
    let made =
        company.send("POST", ACTIVITIES, &json!({"participants": [{"person_id": 2}, one(3, false)]})).await;
    let made = made.ok()["data"].clone();
    assert_eq!(
        (&made["person_id"], &made["participants"]),
        (&json!(2), &json!([one(2, true), one(3, false)]))
    );
    assert_eq!(company.list(ACTIVITIES, &[("person_id", "2")]).await, [1]);
    assert_eq!(company.list(ACTIVITIES, &[("person_id", "3")]).await, Vec::<i64>::new());
    let path = format!("{ACTIVITIES}/1");
    let moved = company.send("PATCH", &path, &json!({"person_id": 3})).await.ok();
    assert_eq!(moved["data"]["participants"], json!([one(3, true)]));
    let both = json!({"participants": [one(1, true), one(2, true)]});
    company.send("PATCH", &path, &both).await.refused(400);
    let disagree = json!({"participants": [one(1, true)], "person_id": 2});
    company.send("PATCH", &path, &disagree).await.refused(400);
    let agree = json!({"participants": [one(1, false), one(2, true)], "person_id": 2});
    assert_eq!(company.send("PATCH", &path, &agree).await.ok()["data"]["person_id"], 2);
}

#[tokio::test]
async fn a_deleted_activity_is_kept_for_thirty_days_and_its_id_is_not_used_again() {
    let company = company(PipedriveSettings { deleted_is_404: false, ..PipedriveSettings::default() }).await;
    company.make(ACTIVITIES, &json!({"subject": "A"})).await;
    company.sim.delete_activity(1).unwrap();
    assert_eq!(company.list(ACTIVITIES, &[]).await, Vec::<i64>::new());
    assert_eq!(company.read(ACTIVITIES, 1).await["is_deleted"], true);
    company.clock.advance(SignedDuration::from_hours(30 * 24));
    assert_eq!(company.sim.activities().len(), 1);
    wait(&company, 1);
    assert!(company.sim.activities().is_empty());
    company.get(&format!("{ACTIVITIES}/1"), &[]).await.refused(404);
    assert_eq!(company.make(ACTIVITIES, &json!({"subject": "B"})).await, 2);
}

#[tokio::test]
async fn the_types_of_activities_are_version_1s_and_only_those_in_use_can_be_written() {
    let company = Company::new();
    let before = company.sim.tokens_left();
    let types = company.get(TYPES, &[]).await.ok();
    assert_eq!(before - company.sim.tokens_left(), 20);
    let keys = ["call", "meeting", "task", "deadline", "email", "lunch"];
    assert_eq!(column(&types["data"], "key_string"), keys);
    assert_eq!(
        types["data"][2],
        json!({"id": 3, "order_nr": 3, "name": "Task", "key_string": "task", "icon_key": "task",
            "active_flag": true, "color": "FFFFFF", "is_custom_flag": false,
            "add_time": "2024-03-01 09:30:00", "update_time": "2024-03-01 09:30:00"})
    );
    assert_eq!(types["data"][5]["active_flag"], false);
    let key = company.sim.add_activity_type("Video call");
    assert_eq!(
        (key.as_str(), company.sim.add_activity_type("video-call")),
        ("video_call", "video_call_8".into())
    );
    company.make(ACTIVITIES, &json!({"type": key})).await;
    wait(&company, 5);
    company.sim.switch_off_activity_type(&key).unwrap();
    assert!(company.sim.switch_off_activity_type("dance").is_err());
    company.send("POST", ACTIVITIES, &json!({"type": key})).await.refused(400);
    assert_eq!(company.read(ACTIVITIES, 1).await["type"], "video_call");
    let types = company.get("/api/v1/activityTypes", &[]).await.ok();
    assert_eq!(
        (
            &types["data"][6]["active_flag"],
            &types["data"][6]["is_custom_flag"],
            &types["data"][6]["update_time"]
        ),
        (&json!(false), &json!(true), &json!("2026-03-02 10:00:05"))
    );
    company.send("POST", TYPES, &json!({"name": "x", "icon_key": "task"})).await.refused(501);
    company.send("PUT", &format!("{TYPES}/1"), &json!({"name": "x"})).await.refused(501);
    company.send("DELETE", &format!("{TYPES}/1"), &json!({})).await.refused(501);
    company.send("PATCH", &format!("{TYPES}/1"), &json!({})).await.refused(405);
    company.send("PUT", ACTIVITIES, &json!({})).await.refused(405);
}

#[tokio::test]
async fn webhooks_of_both_versions_tell_of_activities() {
    let company = with(WebhookSettings { rough_previous: false, ..WebhookSettings::default() });
    subscribe(&company, json!({"event_object": "activity"})).await;
    subscribe(&company, json!({"event_object": "activity", "version": "1.0"})).await;
    company.make(ACTIVITIES, &json!({"subject": "A", "type": "task", "due_time": "15:00:00"})).await;
    company.sim.edit_activity(1, &json!({"done": true})).unwrap();
    company.sim.delete_activity(1).unwrap();
    let due = company.sim.due_deliveries();
    due.iter().for_each(|one| assert!(company.sim.delivered(one.id, Outcome::Answered(200))));
    let (second, first): (Vec<Value>, Vec<Value>) =
        due.into_iter().map(|one| one.body).partition(|body| body["v"].is_null());
    let told: Vec<(&Value, &Value)> =
        second.iter().map(|body| (&body["meta"]["action"], &body["meta"]["change_source"])).collect();
    let (api, app) = (json!("api"), json!("app"));
    assert_eq!(told, [(&json!("create"), &api), (&json!("change"), &app), (&json!("delete"), &app)]);
    assert_eq!(
        (&second[0]["meta"]["entity"], &second[0]["data"]["type"], second[0]["data"].get("is_deleted")),
        (&json!("activity"), &json!("task"), None)
    );
    assert_eq!(second[1]["previous"], json!({"done": false, "marked_as_done_time": null}));
    assert_eq!((&second[2]["data"], &second[2]["previous"]["subject"]), (&json!(null), &json!("A")));
    let names: Vec<&Value> = first.iter().map(|body| &body["event"]).collect();
    assert_eq!(names, ["added.activity", "updated.activity", "deleted.activity"]);
    assert_eq!(
        (&first[0]["current"]["add_time"], &first[0]["current"]["due_time"]),
        (&json!("2026-03-02 10:00:00"), &json!("15:00:00"))
    );
}

#[tokio::test]
async fn an_activity_moves_the_update_time_of_what_it_is_linked_to_where_so_set() {
    for linked_writes_move_update_time in [true, false] {
        let settings = PipedriveSettings { linked_writes_move_update_time, ..PipedriveSettings::default() };
        let company = company(settings).await;
        let seen = || {
            let (deal, person) = (company.sim.deal(1).unwrap(), company.sim.person(1).unwrap());
            [deal.update_time, person.update_time, company.sim.organization(1).unwrap().update_time]
        };
        let time =
            |text: &str| [at(if linked_writes_move_update_time { text } else { "2026-03-02T10:00:00Z" }); 3];
        wait(&company, 5);
        company.make(ACTIVITIES, &json!({"deal_id": 1, "org_id": 1, "person_id": 1})).await;
        assert_eq!(seen(), time("2026-03-02T10:00:05Z"));
        wait(&company, 5);
        company.sim.edit_activity(1, &json!({"subject": "x"})).unwrap();
        assert_eq!(seen(), time("2026-03-02T10:00:05Z"));
        company.sim.edit_activity(1, &json!({"done": true})).unwrap();
        assert_eq!(seen(), time("2026-03-02T10:00:10Z"));
        wait(&company, 5);
        company.sim.delete_activity(1).unwrap();
        assert_eq!(seen(), time("2026-03-02T10:00:15Z"));
    }
}

#[tokio::test]
async fn activities_are_counted_follow_a_merge_and_outlive_their_deal() {
    let company = company(PipedriveSettings::default()).await;
    company.create(&json!({"name": "survivor"})).await;
    for body in [
        json!({"org_id": 1}),
        json!({"org_id": 1, "due_date": "2026-03-09"}),
        json!({"org_id": 1, "due_date": "2026-03-08", "deal_id": 1}),
        json!({"org_id": 1, "done": true}),
    ] {
        company.make(ACTIVITIES, &body).await;
    }
    let names =
        "activities_count,done_activities_count,undone_activities_count,next_activity_id,last_activity_id";
    let counted = async |id: i64| {
        let path = format!("{ORGANIZATIONS}/{id}");
        let record = company.get(&path, &[("include_fields", names)]).await.ok()["data"].clone();
        names.split(',').map(|name| record[name].clone()).collect::<Vec<_>>()
    };
    let expected = [json!(4), json!(1), json!(3), json!(3), json!(4)];
    assert_eq!(counted(1).await, expected);
    let deal = company.get(DEALS, &[("include_fields", "activities_count,next_activity_id")]).await.ok();
    assert_eq!(
        (&deal["data"][0]["activities_count"], &deal["data"][0]["next_activity_id"]),
        (&json!(1), &json!(3))
    );
    company.sim.merge_organizations(1, 2).unwrap();
    assert_eq!(counted(2).await, expected);
    assert_eq!(company.list(ACTIVITIES, &[("org_id", "2")]).await, [1, 2, 3, 4]);
    company.make(DEALS, &json!({"title": "survivor"})).await;
    company.sim.merge_deals(1, 2).unwrap();
    assert_eq!(company.list(ACTIVITIES, &[("deal_id", "2")]).await, [3]);
    company.sim.delete_deal(2).unwrap();
    assert_eq!(company.read(ACTIVITIES, 3).await["deal_id"], 2);
}

#[tokio::test]
async fn people_work_with_activities_over_the_admin_path() {
    let company = Company::new();
    let path = "/_sim/activities";
    let made = send(&company.router, "POST", path, &[], r#"{"subject":"Call Maria"}"#).await.ok();
    assert_eq!(made, json!({"id": 1}));
    send(&company.router, "POST", "/_sim/activities/1", &[], r#"{"done":true}"#).await.ok();
    let seen = company.sim.activities();
    assert_eq!(
        (seen[0].subject.as_str(), seen[0].done, seen[0].owner_id, seen[0].kind.as_str()),
        ("Call Maria", true, 12_415_232, "call")
    );
    send(&company.router, "DELETE", "/_sim/activities/1", &[], "").await.ok();
    assert!(company.sim.activities()[0].deleted);
    send(&company.router, "DELETE", "/_sim/activities/1", &[], "").await.refused(400);
}
