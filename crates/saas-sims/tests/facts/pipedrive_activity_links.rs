//! Lists of activities, and what an activity means to the records that it is linked to (sections 1.4, 1.5, 5, 8).

use saas_sims::pipedrive::{Outcome, PipedriveSettings, WebhookSettings};
use serde_json::{Value, json};

use crate::http::{Company, DEALS, ORGANIZATIONS, PERSONS, at, ids};
use crate::pipedrive_activities::{ACTIVITIES, OWNER, company, wait};
use crate::pipedrive_webhooks::{subscribe, with};

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
