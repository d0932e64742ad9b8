//! Registration of webhooks (section 5.1).

use saas_sims::pipedrive::{PipedriveSettings, WebhookSettings};
use serde_json::{Value, json};

use crate::http::{Answer, Company, FORM, ids, send};

pub(crate) const WEBHOOKS: &str = "/v1/webhooks";

pub(crate) fn with(webhooks: WebhookSettings) -> Company {
    Company::with(PipedriveSettings { enforce_burst: false, webhooks, ..PipedriveSettings::default() })
}

/// A subscription with some attributes replaced; null takes one away.
pub(crate) fn subscription(more: Value) -> Value {
    let mut body = json!({
        "subscription_url": "https://sync.example.com/hooks", "event_action": "*", "event_object": "organization",
        "name": "erp-sync", "version": "2.0",
    });
    for (name, value) in more.as_object().unwrap() {
        match value {
            Value::Null => body.as_object_mut().unwrap().remove(name),
            _ => body.as_object_mut().unwrap().insert(name.clone(), value.clone()),
        };
    }
    body
}

pub(crate) async fn subscribe(company: &Company, more: Value) -> i64 {
    let answer = company.send("POST", WEBHOOKS, &subscription(more)).await;
    answer.refused(201).json()["data"]["id"].as_i64().unwrap()
}

/// A call with a fresh OAuth token.
async fn as_app(company: &Company, method: &str, path: &str, body: &Value) -> Answer {
    let form = "grant_type=refresh_token&refresh_token=1&client_id=app&client_secret=s";
    let grant = send(&company.router, "POST", "/oauth/token", &[FORM], form).await.ok();
    let bearer = format!("Bearer {}", grant["access_token"].as_str().unwrap());
    let headers = [("authorization", bearer.as_str()), ("content-type", "application/json")];
    send(&company.router, method, path, &headers, &body.to_string()).await
}

#[tokio::test]
async fn a_webhook_is_created_with_201_and_its_credentials_come_back_encrypted() {
    let company = with(WebhookSettings::default());
    let body = subscription(json!({"http_auth_user": "u", "http_auth_password": "p"}));
    let answer = company.send("POST", WEBHOOKS, &body).await;
    let mut made = answer.refused(201).json();
    for name in ["http_auth_user", "http_auth_password"] {
        let echo = made["data"].as_object_mut().unwrap().remove(name).unwrap();
        assert!(echo.as_str().unwrap().starts_with("v1u:") && echo.as_str().unwrap().len() > 20);
    }
    let expected = json!({
        "id": 1_828_448, "name": "erp-sync", "company_id": 8_087_566, "owner_id": 12_415_231,
        "user_id": 12_415_231, "admin_id": 12_415_231, "event_action": "*", "event_object": "organization",
        "subscription_url": "https://sync.example.com/hooks", "is_active": 1,
        "add_time": "2026-03-02T10:00:00.000Z", "remove_time": null, "type": "general", "remove_reason": null,
        "last_delivery_time": null, "last_http_status": null, "version": "2.0",
    });
    assert_eq!(made, json!({"status": "ok", "success": true, "data": expected}));
}

#[tokio::test]
async fn the_version_is_2_when_it_is_left_out_and_there_is_no_version_3() {
    let company = with(WebhookSettings::default());
    let made = company.send("POST", WEBHOOKS, &subscription(json!({"version": null}))).await;
    assert_eq!(made.refused(201).json()["data"]["version"], "2.0");
    let made = company.send("POST", WEBHOOKS, &subscription(json!({"version": "1.0"}))).await;
    assert_eq!(made.refused(201).json()["data"]["version"], "1.0");
    company.send("POST", WEBHOOKS, &subscription(json!({"version": "3.0"}))).await.refused(400);
}

#[tokio::test]
async fn urls_must_be_public_https_and_not_pipedrives_own() {
    let company = with(WebhookSettings::default());
    let bad = json!({
        "status": "error", "success": false, "errors": {"subscription_url": ["invalid or non-reachable URL"]},
    });
    for url in [
        "http://sync.example.com/hooks",
        "https://localhost/hooks",
        "https://127.0.0.1/hooks",
        "https://10.0.0.1/hooks",
        "https://[::1]/hooks",
        "https://northwind.pipedrive.com/v1/x",
        "/hooks",
        "ftp://sync.example.com",
    ] {
        let answer = company.send("POST", WEBHOOKS, &subscription(json!({"subscription_url": url}))).await;
        assert_eq!(answer.refused(400).json(), bad, "{url}");
    }
    let local = with(WebhookSettings { allow_local_urls: true, ..WebhookSettings::default() });
    subscribe(&local, json!({"subscription_url": "http://127.0.0.1:9000/hooks"})).await;
    let own = subscription(json!({"subscription_url": "http://pod.example:8080/v1/x"}));
    local.send("POST", WEBHOOKS, &own).await.refused(400);
}

#[tokio::test]
async fn attributes_of_webhooks_are_checked_one_by_one() {
    let company = with(WebhookSettings::default());
    for (name, value) in [
        ("subscription_url", json!(null)),
        ("event_action", json!(null)),
        ("event_action", json!("added")),
        ("event_object", json!(null)),
        ("event_object", json!("file")),
        ("event_object", json!("project")),
        ("name", json!(null)),
        ("name", json!("x".repeat(256))),
        ("user_id", json!(1)),
        ("http_auth_password", json!(5)),
        ("secret", json!("hmac")),
    ] {
        let answer = company.send("POST", WEBHOOKS, &subscription(json!({name: value}))).await;
        let body = answer.refused(400).json();
        assert_eq!((&body["status"], &body["success"]), (&json!("error"), &json!(false)));
        assert!(body["errors"][name][0].is_string(), "{name}: {body}");
    }
    subscribe(&company, json!({"event_object": "*", "user_id": 12_415_232})).await;
    let newer = with(WebhookSettings { newer_objects: true, ..WebhookSettings::default() });
    subscribe(&newer, json!({"event_object": "deal_product"})).await;
}

#[tokio::test]
async fn a_user_has_forty_webhooks_and_an_app_as_many_again() {
    let company = with(WebhookSettings::default());
    let mut last = 0;
    for _ in 0..40 {
        last = subscribe(&company, json!({})).await;
    }
    let over = company.send("POST", WEBHOOKS, &subscription(json!({}))).await;
    assert_eq!(over.refused(422).json()["success"], false);
    as_app(&company, "POST", WEBHOOKS, &subscription(json!({}))).await.refused(201);
    company.send("DELETE", &format!("{WEBHOOKS}/{last}"), &json!({})).await.ok();
    subscribe(&company, json!({})).await;
}

#[tokio::test]
async fn webhooks_are_listed_and_deleted_and_never_edited() {
    let company = with(WebhookSettings::default());
    let (one, two) = (subscribe(&company, json!({})).await, subscribe(&company, json!({})).await);
    let list = company.get("/api/v1/webhooks", &[]).await.ok();
    assert_eq!((&list["status"], ids(&list["data"], "id")), (&json!("ok"), vec![one, two]));
    let path = format!("{WEBHOOKS}/{one}");
    company.send("PUT", &path, &subscription(json!({}))).await.refused(405);
    company.send("PATCH", &path, &subscription(json!({}))).await.refused(405);
    company.get(&path, &[]).await.refused(405);
    let gone = company.send("DELETE", &path, &json!({})).await.ok();
    assert_eq!(gone, json!({"status": "ok", "success": true}));
    let missing = company.send("DELETE", &path, &json!({})).await;
    assert_eq!(
        missing.refused(404).json(),
        json!({"status": "error", "success": false, "errors": {"id": ["not found"]}})
    );
    assert_eq!(ids(&company.get(WEBHOOKS, &[]).await.ok()["data"], "id"), [two]);
    let costs = company.sim.stats().by_operation;
    let cost = |name: &str| costs[name].1 / costs[name].0;
    assert_eq!(["GET /v1/webhooks", "POST /v1/webhooks", "DELETE /v1/webhooks/{id}"].map(cost), [10, 10, 6]);
}

#[tokio::test]
async fn an_app_sees_its_own_webhooks_only_and_loses_them_with_its_installation() {
    let company = with(WebhookSettings::default());
    let general = subscribe(&company, json!({})).await;
    let made = as_app(&company, "POST", WEBHOOKS, &subscription(json!({}))).await;
    let own = made.refused(201).json()["data"].clone();
    assert_eq!(own["type"], "application");
    let own = own["id"].as_i64().unwrap();
    let seen = as_app(&company, "GET", WEBHOOKS, &json!({})).await.ok();
    assert_eq!(ids(&seen["data"], "id"), [own]);
    let foreign = as_app(&company, "DELETE", &format!("{WEBHOOKS}/{general}"), &json!({})).await;
    assert_eq!(foreign.refused(403).json(), json!({"success": false, "message": "Forbidden"}));
    company.sim.uninstall_as_person();
    company.sim.create_as_person(&json!({"name": "A"})).unwrap();
    let told: Vec<i64> = company.sim.due_deliveries().iter().map(|delivery| delivery.webhook_id).collect();
    assert_eq!(told, [general]);
}

#[tokio::test]
async fn webhooks_need_admin_or_their_own_scope() {
    for (scopes, webhook_scopes, status) in [
        ("base,contacts:full", true, 403),
        ("webhooks:full", true, 201),
        ("webhooks:full", false, 403),
        ("admin", false, 201),
    ] {
        let mut settings = PipedriveSettings { enforce_burst: false, ..PipedriveSettings::default() };
        settings.oauth.scopes = scopes.to_owned();
        settings.oauth.webhook_scopes = webhook_scopes;
        let company = Company::with(settings);
        as_app(&company, "POST", WEBHOOKS, &subscription(json!({}))).await.refused(status);
    }
}
