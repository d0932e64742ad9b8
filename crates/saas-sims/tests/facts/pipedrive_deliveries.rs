//! Deliveries of webhooks (sections 5.2, 5.4, 5.5).

use std::sync::Mutex;

use jiff::SignedDuration;
use saas_sims::pipedrive::{Deliver, Delivery, Outcome, WebhookSettings, deliver_due, deliver_forever};
use serde_json::{Value, json};

use crate::http::{Company, FIELDS, ORGANIZATIONS, send};
use crate::pipedrive_webhooks::{WEBHOOKS, subscribe, with};

fn exact() -> WebhookSettings {
    WebhookSettings { rough_previous: false, ..WebhookSettings::default() }
}

fn wait(company: &Company, seconds: i64) {
    company.clock.advance(SignedDuration::from_secs(seconds));
}

/// Everything that is due, each answered with 200.
fn drain(company: &Company) -> Vec<Value> {
    let due = company.sim.due_deliveries();
    due.iter().for_each(|delivery| assert!(company.sim.delivered(delivery.id, Outcome::Answered(200))));
    due.into_iter().map(|delivery| delivery.body).collect()
}

fn one(company: &Company) -> Delivery {
    let mut due = company.sim.due_deliveries();
    assert_eq!(due.len(), 1, "{due:?}");
    due.pop().unwrap()
}

#[tokio::test]
async fn a_change_is_told_with_the_whole_record_and_string_ids() {
    let company = with(exact());
    let code = company.field("ERP id", "double").await;
    company.sim.create_as_person(&json!({"name": "Sample Org", "address": {"value": "Main St"}})).unwrap();
    let webhook = subscribe(&company, json!({})).await;
    company.clock.advance(SignedDuration::from_millis(1152));
    let body = json!({"custom_fields": {&code: 978}, "website": "https://a.example"});
    company.sim.edit_as_person(1, &body).unwrap();
    let mut told = drain(&company);
    let mut told = told.pop().unwrap();
    let mut meta = told["meta"].take();
    for random in ["id", "correlation_id"] {
        let text = meta.as_object_mut().unwrap().remove(random).unwrap();
        assert_eq!(text.as_str().unwrap().split('-').map(str::len).collect::<Vec<_>>(), [8, 4, 4, 4, 12]);
    }
    let users = ["12415231", "12415232", "12415233", "12415234"];
    assert_eq!(
        meta,
        json!({"action": "change", "entity": "organization", "entity_id": "1", "company_id": "8087566",
            "user_id": "12415232", "webhook_id": webhook.to_string(), "webhook_owner_id": "12415231",
            "timestamp": "2026-03-02T10:00:01.152Z", "type": "general", "version": "2.0", "is_bulk_edit": false,
            "change_source": "app", "attempt": 1, "host": "northwind-sandbox.pipedrive.com",
            "permitted_user_ids": users})
    );
    let (data, previous) = (&told["data"], &told["previous"]);
    assert_eq!(
        (&data["id"], &data["owner_id"], &data["visible_to"]),
        (&json!(1), &json!(12_415_232), &json!("3"))
    );
    assert_eq!((&data["update_time"], &data["country_code"]), (&json!("2026-03-02T10:00:01Z"), &json!(null)));
    assert_eq!(data["custom_fields"], json!({&code: {"type": "double", "value": 978}}));
    assert_eq!(
        previous,
        &json!({"custom_fields": {&code: null}, "website": null, "update_time": "2026-03-02T10:00:00Z"})
    );
}

#[tokio::test]
async fn a_create_has_no_previous_and_a_delete_has_no_data() {
    let company = with(exact());
    subscribe(&company, json!({})).await;
    company.create(&json!({"name": "A"})).await;
    company.send("DELETE", &format!("{ORGANIZATIONS}/1"), &json!({})).await.ok();
    let told = drain(&company);
    assert_eq!((&told[0]["previous"], &told[0]["data"]["name"]), (&json!(null), &json!("A")));
    assert_eq!((&told[1]["data"], &told[1]["previous"]["name"]), (&json!(null), &json!("A")));
    assert_eq!(told[1]["meta"]["action"], "delete");
}

#[tokio::test]
async fn own_writes_come_back_as_an_echo() {
    let company = with(exact());
    subscribe(&company, json!({})).await;
    company.create(&json!({"name": "A"})).await;
    let meta = drain(&company).pop().unwrap()["meta"].clone();
    assert_eq!((&meta["change_source"], &meta["user_id"]), (&json!("api"), &json!("12415231")));
}

#[tokio::test]
async fn custom_fields_say_their_type() {
    let company = with(exact());
    let mut options =
        json!({"field_name": "s", "field_type": "set", "options": [{"label": "a"}, {"label": "b"}]});
    let set = company.send("POST", crate::http::FIELDS, &options).await.ok()["data"].clone();
    options["field_type"] = json!("enum");
    let single = company.send("POST", crate::http::FIELDS, &options).await.ok()["data"].clone();
    let (set_code, enum_code) = (set["field_code"].as_str().unwrap(), single["field_code"].as_str().unwrap());
    let (first, second) = (&set["options"][0]["id"], &set["options"][1]["id"]);
    let choice = &single["options"][0]["id"];
    let mut given = json!({set_code: [first, second], enum_code: choice});
    let mut wanted = json!({
        set_code: {"values": [{"id": first}, {"id": second}], "type": "set"}, enum_code: {"id": choice, "type": "enum"},
    });
    for (kind, value, told) in [
        ("varchar", json!("x"), json!({"type": "varchar", "value": "x"})),
        ("phone", json!("1"), json!({"type": "phone", "value": "1"})),
        (
            "monetary",
            json!({"value": 5, "currency": "EUR"}),
            json!({"type": "monetary", "value": 5, "currency": "EUR"}),
        ),
        ("org", json!(1), json!({"id": 1, "type": "org"})),
        ("date", json!("2026-01-01"), json!({"type": "date", "value": "2026-01-01"})),
        (
            "daterange",
            json!({"value": "2026-01-01", "until": "2026-01-02"}),
            json!({"from": "2026-01-01", "until": "2026-01-02", "type": "daterange"}),
        ),
        (
            "timerange",
            json!({"value": "09:00:00", "until": "11:00:00", "timezone_id": 7}),
            json!({"timezone_id": 7, "from": "09:00:00", "until": "11:00:00", "type": "timerange"}),
        ),
        (
            "time",
            json!({"value": "09:00:00"}),
            json!({"timezone_id": null, "type": "time", "value": "09:00:00"}),
        ),
        ("text", json!(null), json!(null)),
    ] {
        let code = company.field(kind, kind).await;
        given[&code] = value;
        wanted[&code] = told;
    }
    let address = company.field("address", "address").await;
    given[&address] = json!({"value": "Main St"});
    subscribe(&company, json!({})).await;
    company.create(&json!({"name": "A", "custom_fields": given})).await;
    let mut told = drain(&company).pop().unwrap()["data"]["custom_fields"].take();
    let place = told.as_object_mut().unwrap().remove(&address).unwrap();
    assert_eq!(
        (&place["type"], &place["value"], &place["formatted_address"]),
        (&json!("address"), &json!("Main St"), &json!("Main St"))
    );
    assert_eq!(told, wanted);
}

#[tokio::test]
async fn only_what_was_subscribed_to_since_is_told() {
    let company = with(exact());
    company.create(&json!({"name": "before"})).await;
    subscribe(&company, json!({"event_action": "create"})).await;
    subscribe(&company, json!({"event_object": "*", "event_action": "delete"})).await;
    subscribe(&company, json!({"event_object": "note"})).await;
    company.create(&json!({"name": "A"})).await;
    company.sim.edit_as_person(2, &json!({"name": "B"})).unwrap();
    company.sim.delete_as_person(2).unwrap();
    company.field("not told", "varchar").await;
    company.send("POST", "/v1/notes", &json!({"content": "x", "org_id": 1})).await.ok();
    let told: Vec<String> = drain(&company)
        .iter()
        .map(|told| {
            format!(
                "{}.{}",
                told["meta"]["action"].as_str().unwrap(),
                told["meta"]["entity"].as_str().unwrap()
            )
        })
        .collect();
    assert_eq!(told, ["create.organization", "delete.organization", "create.note"]);
}

#[tokio::test]
async fn notes_are_told_with_times_in_rfc_3339() {
    let company = with(exact());
    company.create(&json!({"name": "A"})).await;
    subscribe(&company, json!({"event_object": "note"})).await;
    company.send("POST", "/v1/notes", &json!({"content": "x", "org_id": 1})).await.ok();
    company.send("PUT", "/v1/notes/1", &json!({"content": "y"})).await.ok();
    let told = drain(&company);
    assert_eq!(
        told[0]["data"],
        json!({"id": 1, "active_flag": true, "add_time": "2026-03-02T10:00:00Z", "content": "x", "deal_id": null,
            "lead_id": null, "org_id": 1, "person_id": null, "project_id": null, "pinned_to_deal_flag": false,
            "pinned_to_lead_flag": false, "pinned_to_organization_flag": false, "pinned_to_person_flag": false,
            "pinned_to_project_flag": false, "update_time": "2026-03-02T10:00:00Z", "user_id": 12_415_231})
    );
    assert_eq!(told[1]["previous"], json!({"content": "x"}));
}

#[tokio::test]
async fn requests_carry_basic_credentials_and_no_signature() {
    let company = with(exact());
    subscribe(&company, json!({"http_auth_user": "u", "http_auth_password": "p"})).await;
    subscribe(&company, json!({})).await;
    company.create(&json!({"name": "A"})).await;
    let due = company.sim.due_deliveries();
    let header = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    let json = header("content-type", "application/json");
    assert_eq!(due[0].headers, [json.clone(), header("authorization", "Basic dTpw")]);
    assert_eq!(due[1].headers, [json]);
    assert_eq!(due[0].url, "https://sync.example.com/hooks");
    assert_eq!(due[0].body["meta"]["id"], due[1].body["meta"]["id"], "one event, two webhooks");
}

#[tokio::test]
async fn a_failure_is_tried_again_after_3_30_and_150_seconds_with_the_same_id() {
    for (stable_event_id, failure) in
        [(true, Outcome::Answered(500)), (true, Outcome::Answered(302)), (false, Outcome::Unreachable)]
    {
        let company = with(WebhookSettings { stable_event_id, ..exact() });
        subscribe(&company, json!({})).await;
        company.create(&json!({"name": "A"})).await;
        let first = one(&company);
        assert!(company.sim.due_deliveries().is_empty(), "handed out once");
        let mut last = first.clone();
        for (seconds, attempt) in [(3, 2), (30, 3), (150, 4)] {
            assert!(company.sim.delivered(last.id, failure));
            wait(&company, seconds - 1);
            assert!(company.sim.due_deliveries().is_empty());
            wait(&company, 1);
            last = one(&company);
            assert_eq!((last.attempt, &last.body["meta"]["attempt"]), (attempt, &json!(attempt)));
            assert_eq!(last.body["meta"]["id"] == first.body["meta"]["id"], stable_event_id);
            assert_eq!(last.body["data"], first.body["data"]);
        }
        company.sim.delivered(last.id, failure);
        assert_eq!(company.sim.next_delivery(), None, "four attempts and no more");
        assert!(!company.sim.delivered(last.id, Outcome::Answered(200)), "told twice");
    }
}

#[tokio::test]
async fn no_answer_within_ten_seconds_is_a_failure() {
    let company = with(exact());
    subscribe(&company, json!({})).await;
    company.create(&json!({"name": "A"})).await;
    let late = one(&company);
    wait(&company, 14);
    assert!(!company.sim.delivered(late.id, Outcome::Answered(200)));
    assert_eq!(one(&company).attempt, 2);
}

#[tokio::test]
async fn ten_failed_first_attempts_ban_for_half_an_hour_and_what_happens_then_is_lost() {
    let company = with(exact());
    subscribe(&company, json!({})).await;
    for _ in 0..10 {
        company.create(&json!({"name": "failing"})).await;
        company.sim.delivered(one(&company).id, Outcome::Answered(500));
        wait(&company, 3);
        company.sim.due_deliveries().iter().for_each(|retry| {
            company.sim.delivered(retry.id, Outcome::Answered(200));
        });
    }
    company.create(&json!({"name": "lost"})).await;
    assert_eq!(drain(&company), Vec::<Value>::new());
    wait(&company, 30 * 60 - 4);
    company.create(&json!({"name": "lost"})).await;
    assert_eq!(drain(&company), Vec::<Value>::new());
    wait(&company, 2);
    company.create(&json!({"name": "told"})).await;
    assert_eq!(drain(&company)[0]["data"]["name"], "told");
    company.create(&json!({"name": "failing"})).await;
    company.sim.delivered(one(&company).id, Outcome::Answered(500));
    company.create(&json!({"name": "told"})).await;
    assert_eq!(drain(&company).len(), 1, "the count began again");
}

#[tokio::test]
async fn a_success_clears_the_ban_count_only_where_set() {
    for (success_clears_ban_count, told) in [(false, 0), (true, 1)] {
        let company = with(WebhookSettings { success_clears_ban_count, ..exact() });
        subscribe(&company, json!({})).await;
        for failing in [true, true, true, true, true, false, true, true, true, true, true] {
            company.create(&json!({"name": "A"})).await;
            let status = if failing { 500 } else { 200 };
            company.sim.due_deliveries().iter().filter(|delivery| delivery.attempt == 1).for_each(
                |delivery| {
                    company.sim.delivered(delivery.id, Outcome::Answered(status));
                },
            );
        }
        company.create(&json!({"name": "B"})).await;
        assert_eq!(drain(&company).len(), told);
    }
}

#[tokio::test]
async fn three_days_without_success_remove_the_webhook() {
    let company = with(WebhookSettings { list_removed: true, ..exact() });
    subscribe(&company, json!({})).await;
    company.create(&json!({"name": "A"})).await;
    company.sim.delivered(one(&company).id, Outcome::Unreachable);
    wait(&company, 72 * 3600 - 1);
    assert_eq!(company.get(WEBHOOKS, &[]).await.ok()["data"][0]["is_active"], 1);
    wait(&company, 1);
    let removed = company.get(WEBHOOKS, &[]).await.ok()["data"][0].clone();
    assert_eq!(
        (&removed["is_active"], &removed["remove_time"]),
        (&json!(0), &json!("2026-03-05T10:00:00.000Z"))
    );
    assert!(removed["remove_reason"].is_string());
    company.create(&json!({"name": "B"})).await;
    assert!(company.sim.due_deliveries().is_empty());
    let kept = with(exact());
    subscribe(&kept, json!({})).await;
    kept.create(&json!({"name": "A"})).await;
    kept.sim.delivered(one(&kept).id, Outcome::Unreachable);
    wait(&kept, 3);
    assert_eq!(drain(&kept).len(), 1);
    wait(&kept, 100 * 3600);
    let list = kept.get(WEBHOOKS, &[]).await.ok();
    assert_eq!(
        (&list["data"][0]["last_http_status"], list["data"].as_array().unwrap().len()),
        (&json!(200), 1)
    );
}

#[tokio::test]
async fn removed_webhooks_leave_the_list() {
    let company = with(exact());
    subscribe(&company, json!({})).await;
    company.create(&json!({"name": "A"})).await;
    company.sim.delivered(one(&company).id, Outcome::Unreachable);
    wait(&company, 72 * 3600);
    assert_eq!(company.get(WEBHOOKS, &[]).await.ok()["data"], json!([]));
}

#[tokio::test]
async fn previous_is_only_roughly_what_changed() {
    let company = with(WebhookSettings::default());
    subscribe(&company, json!({"event_action": "change"})).await;
    company.create(&json!({"name": "A"})).await;
    let mut seen = Vec::new();
    for turn in 0..60 {
        wait(&company, 1);
        company.sim.edit_as_person(1, &json!({"name": format!("A{turn}")})).unwrap();
        let previous = drain(&company).pop().unwrap()["previous"].clone();
        assert!(previous["name"].is_string(), "what changed is there");
        seen.push((previous.get("update_time").is_some(), previous.get("owner_id").is_some()));
    }
    assert!(seen.contains(&(false, false)) && seen.contains(&(true, false)) && seen.contains(&(false, true)));
}

#[tokio::test]
async fn a_write_that_changes_nothing_is_told_unless_set_otherwise() {
    for (tell_unchanged, told) in [(true, 1), (false, 0)] {
        let company = with(WebhookSettings { tell_unchanged, ..exact() });
        company.create(&json!({"name": "A"})).await;
        subscribe(&company, json!({})).await;
        company.send("PATCH", &format!("{ORGANIZATIONS}/1"), &json!({"name": "A"})).await.ok();
        assert_eq!(drain(&company).len(), told);
    }
}

#[tokio::test]
async fn the_system_may_change_what_was_just_created() {
    let company = with(WebhookSettings { change_after_create: true, ..exact() });
    subscribe(&company, json!({})).await;
    company.create(&json!({"name": "A"})).await;
    let told = drain(&company);
    assert_eq!(told[1]["meta"]["action"], "change");
    assert_eq!((&told[1]["meta"]["change_source"], &told[1]["data"]), (&json!("app"), &told[0]["data"]));
    assert_ne!(told[0]["meta"]["id"], told[1]["meta"]["id"]);
}

#[tokio::test]
async fn a_bulk_edit_is_one_delivery_for_each_record() {
    let company = with(exact());
    for _ in 0..3 {
        company.create(&json!({"name": "A"})).await;
    }
    subscribe(&company, json!({})).await;
    company.sim.bulk_edit_as_person(&[1, 2, 3], &json!({"name": "B"})).unwrap();
    company.sim.edit_as_person(1, &json!({"name": "C"})).unwrap();
    let bulk: Vec<Value> = drain(&company).iter().map(|told| told["meta"]["is_bulk_edit"].clone()).collect();
    assert_eq!(bulk, [true, true, true, false]);
}

#[tokio::test]
async fn deliveries_get_lost_doubled_and_late_where_set() {
    let count = |settings: WebhookSettings| async move {
        let company = with(settings);
        subscribe(&company, json!({})).await;
        company.create(&json!({"name": "A"})).await;
        let at_once = drain(&company);
        wait(&company, 600);
        (at_once.len(), drain(&company).len())
    };
    assert_eq!(count(WebhookSettings { loss: 1.0, ..exact() }).await, (0, 0));
    assert_eq!(count(WebhookSettings { duplication: 1.0, ..exact() }).await, (2, 0));
    assert_eq!(count(WebhookSettings { delay: 1.0, ..exact() }).await, (0, 1));
    let company = with(WebhookSettings { reordering: 0.5, ..exact() });
    subscribe(&company, json!({})).await;
    let mut order = Vec::new();
    for _ in 0..20 {
        company.create(&json!({"name": "A"})).await;
        wait(&company, 1);
        order.extend(drain(&company).iter().map(|told| told["data"]["id"].as_i64().unwrap()));
    }
    wait(&company, 5);
    order.extend(drain(&company).iter().map(|told| told["data"]["id"].as_i64().unwrap()));
    assert_eq!(order.len(), 20);
    assert!(!order.is_sorted());
}

#[tokio::test]
async fn an_address_is_an_object_or_its_text() {
    for (address_as_text, shown) in [(false, "/data/address/value"), (true, "/data/address")] {
        let company = with(WebhookSettings { address_as_text, ..exact() });
        subscribe(&company, json!({})).await;
        company.create(&json!({"name": "A", "address": {"value": "Main St"}})).await;
        assert_eq!(drain(&company)[0].pointer(shown), Some(&json!("Main St")));
    }
}

#[tokio::test]
async fn a_process_can_deliver_through_the_admin_paths() {
    let company = with(exact());
    subscribe(&company, json!({})).await;
    company.create(&json!({"name": "A"})).await;
    let outbox = send(&company.router, "GET", "/_sim/webhooks/outbox", &[], "").await.ok();
    let delivery = &outbox["deliveries"][0];
    assert_eq!(delivery["body"]["data"]["name"], "A");
    let path = "/_sim/webhooks/outcome";
    let body = json!({"id": delivery["id"], "error": "timeout"}).to_string();
    assert_eq!(send(&company.router, "POST", path, &[], &body).await.ok(), json!({"taken": true}));
    wait(&company, 3);
    let again = send(&company.router, "GET", "/_sim/webhooks/outbox", &[], "").await.ok();
    let body = json!({"id": again["deliveries"][0]["id"], "status": 204}).to_string();
    assert_eq!(send(&company.router, "POST", path, &[], &body).await.ok(), json!({"taken": true}));
    send(&company.router, "POST", path, &[], r#"{"id":1}"#).await.refused(400);
    assert_eq!(company.sim.next_delivery(), None);
}

struct Receiver(Mutex<Vec<String>>);

impl Deliver for Receiver {
    async fn deliver(&self, delivery: &Delivery) -> Outcome {
        self.0.lock().unwrap().push(delivery.body["data"]["name"].as_str().unwrap().to_owned());
        Outcome::Answered(200)
    }
}

#[tokio::test]
async fn a_deliverer_is_handed_everything_that_is_due() {
    let company = with(exact());
    subscribe(&company, json!({})).await;
    company.create(&json!({"name": "A"})).await;
    company.create(&json!({"name": "B"})).await;
    let receiver = Receiver(Mutex::default());
    assert_eq!(deliver_due(&company.sim, &receiver).await, 2);
    assert_eq!(*receiver.0.lock().unwrap(), ["A", "B"]);
    assert_eq!(deliver_due(&company.sim, &receiver).await, 0);
}

/// Fails once.
struct Stumbling(std::sync::Arc<Mutex<Vec<u8>>>);

impl Deliver for Stumbling {
    async fn deliver(&self, delivery: &Delivery) -> Outcome {
        let mut attempts = self.0.lock().unwrap();
        attempts.push(delivery.attempt);
        Outcome::Answered(if attempts.len() == 1 { 503 } else { 200 })
    }
}

#[tokio::test]
async fn a_delivery_loop_retries_by_itself() {
    let company = with(exact());
    subscribe(&company, json!({})).await;
    company.create(&json!({"name": "A"})).await;
    let attempts = std::sync::Arc::default();
    let receiver = Stumbling(std::sync::Arc::clone(&attempts));
    let running = tokio::spawn(deliver_forever(company.sim.clone(), receiver));
    for _ in 0..1_000 {
        tokio::task::yield_now().await;
    }
    running.abort();
    assert_eq!(*attempts.lock().unwrap(), [1, 2]);
}

#[tokio::test]
async fn version_1_payloads_are_flat_and_whole_on_both_sides() {
    let company = with(exact());
    let code = company.field("ERP id", "varchar").await;
    company.sim.create_as_person(&json!({"name": "A", "custom_fields": {&code: "7"}})).unwrap();
    let webhook = subscribe(&company, json!({"version": "1.0"})).await;
    company.sim.edit_as_person(1, &json!({"name": "B"})).unwrap();
    let first = one(&company);
    let told = &first.body;
    assert_eq!(
        (&told["v"], &told["event"], &told["retry"]),
        (&json!(1), &json!("updated.organization"), &json!(0))
    );
    assert_eq!((&told["current"]["name"], &told["previous"]["name"]), (&json!("B"), &json!("A")));
    assert_eq!((&told["current"][&code], &told["previous"][&code]), (&json!("7"), &json!("7")));
    assert_eq!(told["current"]["add_time"], "2026-03-02 10:00:00");
    let meta = &told["meta"];
    assert_eq!(
        (&meta["id"], &meta["object"], &meta["action"]),
        (&json!(1), &json!("organization"), &json!("updated"))
    );
    assert_eq!((&meta["webhook_id"], &meta["timestamp"]), (&json!(webhook), &json!(1_772_445_600)));
    company.sim.delivered(first.id, Outcome::Answered(500));
    wait(&company, 3);
    assert_eq!(one(&company).body["retry"], 1);
    company.create(&json!({"name": "C"})).await;
    company.send("DELETE", &format!("{ORGANIZATIONS}/2"), &json!({})).await.ok();
    let told = drain(&company);
    assert_eq!((&told[0]["event"], &told[0]["previous"]), (&json!("added.organization"), &json!(null)));
    assert_eq!((&told[1]["event"], &told[1]["current"]), (&json!("deleted.organization"), &json!(null)));
}

#[tokio::test]
async fn custom_fields_of_version_1_payloads_have_the_flat_shapes_of_version_1() {
    let company = with(exact());
    let mut codes = Vec::new();
    for kind in ["monetary", "enum", "set", "date", "daterange", "time", "address"] {
        let mut body = json!({"field_name": kind, "field_type": kind});
        if matches!(kind, "enum" | "set") {
            body["options"] = json!([{"label": "a"}, {"label": "b"}]);
        }
        let made = company.send("POST", FIELDS, &body).await.ok();
        codes.push(made["data"]["field_code"].as_str().unwrap().to_owned());
    }
    let [money, one_of, some_of, day, days, time, place] = &codes[..] else { panic!("{codes:?}") };
    subscribe(&company, json!({"version": "1.0"})).await;
    let custom = json!({
        money: {"value": 500, "currency": "USD"}, one_of: 1, some_of: [3, 4], day: "2024-01-01",
        days: {"value": "2024-01-01", "until": "2024-02-01"}, time: {"value": "09:00:00", "timezone_id": 7},
        place: {"value": "Main St 1, X", "locality": "X"},
    });
    company.create(&json!({"name": "A", "custom_fields": custom})).await;
    let told = one(&company).body;
    let flat = |code: &str, part: &str| told["current"][format!("{code}{part}")].clone();
    assert_eq!((flat(money, ""), flat(money, "_currency")), (json!(500), json!("USD")));
    assert_eq!((flat(one_of, ""), flat(some_of, "")), (json!("1"), json!("3,4")));
    assert_eq!((flat(day, ""), flat(days, "")), (json!("2024-01-01"), json!("2024-01-01")));
    assert_eq!((flat(days, "_until"), flat(time, "")), (json!("2024-02-01"), json!("09:00:00")));
    assert_eq!(flat(time, "_timezone_id"), 7);
    assert_eq!((flat(place, ""), flat(place, "_locality")), (json!("Main St 1, X"), json!("X")));
    assert_eq!((&told["meta"]["matches_filters"], told["current"].get("custom_fields")), (&json!({}), None));
}
