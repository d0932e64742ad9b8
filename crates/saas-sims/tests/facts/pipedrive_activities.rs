//! Activities and their types (sections 1.1, 6, 8; SPEC-v1, SPEC-v2); their lists and links are next door.

use jiff::SignedDuration;
use saas_sims::pipedrive::PipedriveSettings;
use serde_json::{Value, json};

use crate::http::{Company, DEALS, PERSONS, column, send};

pub(crate) const ACTIVITIES: &str = "/api/v2/activities";
const TYPES: &str = "/v1/activityTypes";
pub(crate) const OWNER: i64 = 12_415_233;

/// An organization, a person in it and a deal with both, each with the id 1.
pub(crate) async fn company(settings: PipedriveSettings) -> Company {
    let company = Company::with(PipedriveSettings { enforce_burst: false, ..settings });
    company.create(&json!({"name": "O"})).await;
    company.make(PERSONS, &json!({"name": "P", "org_id": 1})).await;
    company.make(DEALS, &json!({"title": "D", "org_id": 1, "person_id": 1, "owner_id": OWNER})).await;
    company
}

pub(crate) fn wait(company: &Company, seconds: i64) {
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
