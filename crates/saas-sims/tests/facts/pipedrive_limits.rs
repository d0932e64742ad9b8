//! Costs, the rolling window, the daily budget, headers (section 3).

use jiff::SignedDuration;
use saas_sims::pipedrive::{PipedriveSettings, Plan};
use serde_json::json;

use crate::http::{Company, FIELDS, FORM, ORGANIZATIONS, SEARCH, send};

fn lite() -> PipedriveSettings {
    PipedriveSettings { plan: Plan::Lite, seats: 1, daily_headers: 1.0, ..PipedriveSettings::default() }
}

#[tokio::test]
async fn operations_cost_what_the_specification_says() {
    let company = Company::new();
    let code = company.field("ERP id", "varchar").await;
    let id = company.create(&json!({"name": "A"})).await;
    let path = format!("{ORGANIZATIONS}/{id}");
    company.get(&path, &[]).await.ok();
    company.get(ORGANIZATIONS, &[]).await.ok();
    company.get(FIELDS, &[]).await.ok();
    company.get("/v1/users/me", &[]).await.ok();
    company.search(&code, "x").await;
    company.send("PATCH", &path, &json!({"name": "B"})).await.ok();
    company.send("DELETE", &path, &json!({})).await.ok();
    let stats = company.sim.stats();
    let costs = [
        ("POST /api/v2/organizationFields", 5),
        ("POST /api/v2/organizations", 5),
        ("GET /api/v2/organizations/{id}", 1),
        ("GET /api/v2/organizations", 10),
        ("GET /api/v2/organizationFields", 10),
        ("GET /v1/users/me", 2),
        ("GET /api/v2/itemSearch/field", 20),
        ("PATCH /api/v2/organizations/{id}", 5),
        ("DELETE /api/v2/organizations/{id}", 3),
    ];
    for (operation, cost) in costs {
        assert_eq!(stats.by_operation[operation], (1, cost), "{operation}");
    }
    assert_eq!((stats.requests, stats.tokens), (9, 61));
    assert_eq!(company.sim.tokens_left(), 60_000 * 5 - 61);
}

#[tokio::test]
async fn the_window_of_two_seconds_rolls() {
    let company = Company::with(lite());
    for _ in 0..20 {
        company.get("/v1/users/me", &[]).await.ok();
    }
    let answer = company.get("/v1/users/me", &[]).await;
    assert_eq!(
        answer.refused(429).json(),
        json!({"success": false, "error": "request over limit", "errorCode": 429, "error_info": "Please check developers.pipedrive.com"})
    );
    assert_eq!(
        (
            answer.header("x-ratelimit-limit"),
            answer.header("x-ratelimit-remaining"),
            answer.header("x-ratelimit-reset")
        ),
        ("20", "0", "2")
    );
    assert_eq!(answer.header("retry-after"), "");
    company.clock.advance(SignedDuration::from_millis(1999));
    company.get("/v1/users/me", &[]).await.refused(429);
    company.clock.advance(SignedDuration::from_millis(1));
    let answer = company.get("/v1/users/me", &[]).await;
    answer.ok();
    assert_eq!(answer.header("x-ratelimit-remaining"), "19");
}

#[tokio::test]
async fn searches_have_their_own_window_on_every_plan() {
    let company = Company::with(PipedriveSettings { plan: Plan::Ultimate, ..PipedriveSettings::default() });
    let code = company.field("ERP id", "varchar").await;
    for _ in 0..10 {
        company.search(&code, "x").await;
    }
    let query = [("term", "x"), ("entity_type", "organization"), ("field", code.as_str())];
    company.get(SEARCH, &query).await.refused(429);
    company.get(ORGANIZATIONS, &[]).await.ok();
}

#[tokio::test]
async fn oauth_may_send_four_times_as_much() {
    let company = Company::with(lite());
    let body = "grant_type=refresh_token&refresh_token=r&client_id=a&client_secret=b";
    let grant = send(&company.router, "POST", "/oauth/token", &[FORM], body).await.ok();
    let bearer = format!("Bearer {}", grant["access_token"].as_str().unwrap());
    let answer = send(&company.router, "GET", "/v1/users/me", &[("authorization", &bearer)], "").await;
    assert_eq!(answer.header("x-ratelimit-limit"), "80");
}

#[tokio::test]
async fn the_daily_budget_ends_in_429_with_retry_after_until_midnight_utc() {
    let company = Company::with(lite());
    assert_eq!(company.get("/v1/users/me", &[]).await.header("x-daily-ratelimit-token-limit"), "30000");
    company.sim.spend_foreign(29_990);
    let answer = company.get(ORGANIZATIONS, &[]).await;
    assert_eq!(answer.refused(429).json()["error"], "daily request budget exceeded");
    assert_eq!(answer.header("retry-after"), (14 * 3600).to_string());
    assert_eq!(answer.header("x-daily-ratelimit-token-remaining"), "8");
    company.clock.advance(SignedDuration::from_hours(14));
    assert_eq!(company.get(ORGANIZATIONS, &[]).await.header("x-daily-ratelimit-token-remaining"), "29990");
}

#[tokio::test]
async fn the_day_of_the_budget_begins_when_the_company_s_server_says() {
    let company =
        Company::with(PipedriveSettings { day_starts_after: SignedDuration::from_hours(17), ..lite() });
    company.sim.spend_foreign(30_000);
    // It is ten o'clock.
    let answer = company.get(ORGANIZATIONS, &[]).await;
    assert_eq!(answer.refused(429).header("retry-after"), (7 * 3600).to_string());
    company.clock.advance(SignedDuration::from_hours(7));
    company.get(ORGANIZATIONS, &[]).await.ok();
}

#[tokio::test]
async fn the_daily_headers_can_be_missing() {
    let company = Company::with(PipedriveSettings { daily_headers: 0.0, ..lite() });
    let answer = company.get("/v1/users/me", &[]).await;
    assert_eq!(answer.header("x-daily-ratelimit-token-remaining"), "");
    assert_eq!(answer.header("x-ratelimit-limit"), "20");
    let company = Company::with(PipedriveSettings { daily_headers: 0.5, enforce_burst: false, ..lite() });
    let mut carried = 0;
    for _ in 0..100 {
        let answer = company.get("/v1/users/me", &[]).await;
        carried += u32::from(!answer.header("x-daily-ratelimit-token-remaining").is_empty());
    }
    assert!((30..70).contains(&carried), "omitted at random: {carried} of 100 carry them");
}

#[tokio::test]
async fn refused_requests_are_charged_unless_set_otherwise() {
    for (charge_refused, spent) in [(true, 10), (false, 0)] {
        let company = Company::with(PipedriveSettings { charge_refused, ..lite() });
        company.get(ORGANIZATIONS, &[("limit", "x")]).await.refused(400);
        assert_eq!(company.sim.tokens_left(), 30_000 - spent);
    }
}

#[tokio::test]
async fn hammering_after_429_is_blocked_with_cloudflares_html() {
    let company = Company::with(PipedriveSettings { block_after_429s: Some(3), ..lite() });
    for _ in 0..20 {
        company.get("/v1/users/me", &[]).await.ok();
    }
    for _ in 0..3 {
        company.get("/v1/users/me", &[]).await.refused(429);
    }
    company.clock.advance(SignedDuration::from_secs(60));
    let answer = company.get("/v1/users/me", &[]).await;
    assert!(answer.refused(403).text.contains("This error is produced by Cloudflare"));
    company.clock.advance(SignedDuration::from_mins(10));
    company.get("/v1/users/me", &[]).await.ok();
}

#[tokio::test]
async fn answers_carry_a_correlation_id_and_the_clocks_date() {
    let answer = Company::new().get("/v1/users/me", &[]).await;
    assert_eq!(answer.header("x-correlation-id").len(), 36);
    assert_eq!(answer.header("date"), "Mon, 02 Mar 2026 10:00:00 GMT");
}
