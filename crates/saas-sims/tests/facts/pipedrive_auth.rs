//! API token, OAuth refresh, the token's user (section 4).

use jiff::SignedDuration;
use saas_sims::pipedrive::PipedriveSettings;

use crate::http::{Answer, Company, FORM, Headers, ORGANIZATIONS, send};

const TOKEN: &str = "/oauth/token";
/// `app:s`
const BASIC: (&str, &str) = ("authorization", "Basic YXBwOnM=");
const REFRESH: &str = "grant_type=refresh_token&refresh_token=1%3Aabc";

fn strict() -> Company {
    Company::with(PipedriveSettings {
        api_token: Some("t".to_owned()),
        client_id: Some("app".to_owned()),
        client_secret: Some("s".to_owned()),
        refresh_token: Some("1:abc".to_owned()),
        ..PipedriveSettings::default()
    })
}

async fn bearer(company: &Company, token: &str) -> Answer {
    send(&company.router, "GET", ORGANIZATIONS, &[("authorization", &format!("Bearer {token}"))], "").await
}

#[tokio::test]
async fn a_wrong_token_is_401_by_the_gateway() {
    let company = strict();
    for headers in [&[("x-api-token", "wrong")][..], &[]] {
        let answer = send(&company.router, "GET", ORGANIZATIONS, headers, "").await;
        let body = answer.refused(401).json();
        assert_eq!(
            (body["success"].as_bool(), body["error"].as_str()),
            (Some(false), Some("unauthorized access"))
        );
        assert_eq!(body["errorCode"], 401);
        assert_eq!(answer.header("x-401-by-gw"), "true");
    }
    company.get(ORGANIZATIONS, &[]).await.ok();
}

#[tokio::test]
async fn a_refresh_gives_an_hour_and_the_same_refresh_token() {
    let company = strict();
    for (headers, body) in [
        (&[FORM, BASIC][..], REFRESH.to_owned()),
        (&[FORM], format!("{REFRESH}&client_id=app&client_secret=s")),
    ] {
        let grant = send(&company.router, "POST", TOKEN, headers, &body).await.ok();
        assert_eq!(
            (grant["refresh_token"].as_str(), grant["expires_in"].as_i64()),
            (Some("1:abc"), Some(3599))
        );
        assert_eq!(grant["api_domain"], "http://pod.example:8080");
        let access = grant["access_token"].as_str().unwrap();
        assert!(access.starts_with("v1u:") && access.len() >= 768);
        bearer(&company, access).await.ok();
    }
}

#[tokio::test]
async fn an_access_token_ends() {
    let company = strict();
    let grant = send(&company.router, "POST", TOKEN, &[FORM, BASIC], REFRESH).await.ok();
    company.clock.advance(SignedDuration::from_secs(3599));
    let answer = bearer(&company, grant["access_token"].as_str().unwrap()).await;
    assert_eq!(answer.refused(401).json()["error"], "Invalid token: access_token is invalid");
}

#[tokio::test]
async fn a_refresh_token_dies_after_sixty_idle_days() {
    let company = strict();
    for (days, status) in [(0, 200), (60, 200), (60, 200), (61, 400)] {
        company.clock.advance(SignedDuration::from_hours(24 * days));
        let answer = send(&company.router, "POST", TOKEN, &[FORM, BASIC], REFRESH).await;
        assert_eq!(answer.status, status);
    }
}

#[tokio::test]
async fn rotation_ends_the_old_refresh_token() {
    let company =
        Company::with(PipedriveSettings { rotate_refresh_tokens: true, ..PipedriveSettings::default() });
    let grant = send(&company.router, "POST", TOKEN, &[FORM, BASIC], REFRESH).await.ok();
    assert_ne!(grant["refresh_token"], "1:abc");
    let again = send(&company.router, "POST", TOKEN, &[FORM, BASIC], REFRESH).await;
    assert_eq!(again.refused(400).json()["message"], "Invalid grant: refresh_token is invalid");
}

#[tokio::test]
async fn the_token_endpoint_takes_forms_only_and_says_what_is_wrong() {
    let company = strict();
    let cases: [(Headers<'_>, &str, &str); 5] = [
        (
            &[("content-type", "application/json"), BASIC],
            "{}",
            "Invalid request: content must be application/x-www-form-urlencoded",
        ),
        (&[FORM, BASIC], "refresh_token=1", "Missing parameter: grant_type"),
        (&[FORM, BASIC], "grant_type=password", "Unsupported grant type: password"),
        (&[FORM], REFRESH, "Invalid client: cannot retrieve client credentials"),
        (&[FORM, ("authorization", "Basic YXBwOng=")], REFRESH, "Invalid client: client is invalid"),
    ];
    for (headers, body, message) in cases {
        assert_eq!(
            send(&company.router, "POST", TOKEN, headers, body).await.refused(400).json()["message"],
            message
        );
    }
}

#[tokio::test]
async fn the_user_is_the_same_on_both_version_1_paths() {
    let company = strict();
    let me = company.get("/v1/users/me", &[]).await.ok();
    assert_eq!(me, company.get("/api/v1/users/me", &[]).await.ok());
    assert_eq!(me["data"]["company_domain"], "northwind-sandbox");
    company.get("/api/v2/users/me", &[]).await.refused(404);
    assert_eq!(company.sim.stats().by_operation["GET /v1/users/me"], (2, 4));
}
