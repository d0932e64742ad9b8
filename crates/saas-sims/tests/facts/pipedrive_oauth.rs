//! Authorization, codes, revocation, uninstallation, scopes (section 4.2).

use jiff::SignedDuration;
use saas_sims::pipedrive::{OAuthSettings, PipedriveSettings};
use serde_json::{Value, json};

use crate::http::{Answer, Company, FIELDS, FORM, ORGANIZATIONS, SEARCH, send, with_query};

const BASIC: (&str, &str) = ("authorization", "Basic YXBwOnM=");
const CALLBACK: &str = "https://app.example/callback";

fn company(oauth: OAuthSettings) -> Company {
    Company::with(PipedriveSettings {
        client_id: Some("app".to_owned()),
        client_secret: Some("s".to_owned()),
        refresh_token: Some("1:abc".to_owned()),
        oauth: OAuthSettings { redirect_uri: Some(CALLBACK.to_owned()), ..oauth },
        ..PipedriveSettings::default()
    })
}

async fn authorize(company: &Company, more: &[(&str, &str)]) -> Answer {
    let query = [&[("client_id", "app"), ("redirect_uri", CALLBACK), ("state", "x y/1")], more].concat();
    send(&company.router, "GET", &with_query("/oauth/authorize", &query), &[], "").await
}

/// The code of a consent.
async fn code(company: &Company, more: &[(&str, &str)]) -> String {
    let answer = authorize(company, more).await;
    let location = answer.refused(302).header("location").to_owned();
    let query = location.strip_prefix(&format!("{CALLBACK}?")).unwrap();
    let (code, state) = query.split_once('&').unwrap();
    assert_eq!(state, "state=x+y%2F1");
    code.strip_prefix("code=").unwrap().to_owned()
}

async fn token(company: &Company, form: &str) -> Answer {
    send(&company.router, "POST", "/oauth/token", &[FORM, BASIC], form).await
}

fn grant(code: &str) -> String {
    format!("grant_type=authorization_code&code={code}&redirect_uri=https%3A%2F%2Fapp.example%2Fcallback")
}

async fn exchange(company: &Company) -> Value {
    token(company, &grant(&code(company, &[]).await)).await.ok()
}

async fn call(company: &Company, grant: &Value, method: &str, path: &str) -> Answer {
    let bearer = format!("Bearer {}", grant["access_token"].as_str().unwrap());
    let headers = [("authorization", bearer.as_str()), ("content-type", "application/json")];
    send(&company.router, method, path, &headers, r#"{"name":"A"}"#).await
}

async fn revoke(company: &Company, headers: &[(&str, &str)], token: &Value, hint: &str) {
    let body = format!("token={}&token_type_hint={hint}", token.as_str().unwrap().replace(':', "%3A"));
    assert_eq!(send(&company.router, "POST", "/oauth/revoke", headers, &body).await.status, 200);
}

fn message(answer: &Answer) -> Value {
    answer.refused(400).json()["message"].clone()
}

#[tokio::test]
async fn a_code_becomes_tokens_once() {
    let company = company(OAuthSettings::default());
    let code = code(&company, &[("response_type", "code")]).await;
    let granted = token(&company, &grant(&code)).await.ok();
    assert_eq!((&granted["token_type"], &granted["expires_in"]), (&json!("Bearer"), &json!(3599)));
    call(&company, &granted, "GET", ORGANIZATIONS).await.ok();
    let again = token(&company, &grant(&code)).await;
    assert_eq!(message(&again), "Invalid grant: authorization_code is invalid");
    let refresh = granted["refresh_token"].as_str().unwrap().replace(':', "%3A");
    token(&company, &format!("grant_type=refresh_token&refresh_token={refresh}")).await.ok();
}

#[tokio::test]
async fn a_code_lives_five_minutes_and_belongs_to_its_redirect_uri() {
    let company = company(OAuthSettings::default());
    let code = code(&company, &[]).await;
    let elsewhere =
        format!("grant_type=authorization_code&code={code}&redirect_uri=https%3A%2F%2Fevil.example");
    assert_eq!(message(&token(&company, &elsewhere).await), "Invalid request: redirect_uri is invalid");
    company.clock.advance(SignedDuration::from_secs(299));
    let late = super::pipedrive_oauth::code(&company, &[]).await;
    token(&company, &grant(&code)).await.ok();
    company.clock.advance(SignedDuration::from_secs(300));
    assert_eq!(
        message(&token(&company, &grant(&late)).await),
        "Invalid grant: authorization_code has expired"
    );
    assert_eq!(message(&token(&company, &grant("x")).await), "Invalid grant: authorization_code is invalid");
}

#[tokio::test]
async fn a_denial_goes_to_the_callback_with_the_state() {
    let company = company(OAuthSettings::default());
    send(&company.router, "POST", "/_sim/oauth/consent", &[], r#"{"deny":true}"#).await.ok();
    let answer = authorize(&company, &[]).await;
    assert_eq!(
        answer.refused(302).header("location"),
        "https://app.example/callback?error=user_denied&state=x+y%2F1"
    );
}

#[tokio::test]
async fn authorization_has_no_scopes_and_says_itself_what_is_wrong_with_app_or_callback() {
    let company = company(OAuthSettings::default());
    authorize(&company, &[("scope", "base")]).await.refused(400);
    authorize(&company, &[("response_type", "token")]).await.refused(400);
    authorize(&company, &[("code_challenge", &"x".repeat(43))]).await.refused(400);
    for query in [
        [("client_id", "other"), ("redirect_uri", CALLBACK)],
        [("client_id", "app"), ("redirect_uri", "https://evil.example/callback")],
        [("client_id", "app"), ("redirect_uri", "/callback")],
    ] {
        let path = with_query("/oauth/authorize", &query);
        let answer = send(&company.router, "GET", &path, &[], "").await;
        assert_eq!(answer.refused(400).header("location"), "");
    }
}

#[tokio::test]
async fn pkce_is_checked_where_it_is_taken() {
    let company = company(OAuthSettings { pkce: true, ..OAuthSettings::default() });
    // The pair of RFC 7636, appendix B.
    let challenge = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
    let verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
    let code = code(&company, &[("code_challenge", challenge), ("code_challenge_method", "S256")]).await;
    for wrong in ["", "&code_verifier=wrong"] {
        token(&company, &format!("{}{wrong}", grant(&code))).await.refused(400);
    }
    token(&company, &format!("{}&code_verifier={verifier}", grant(&code))).await.ok();
}

#[tokio::test]
async fn revoking_the_refresh_token_uninstalls() {
    let company = company(OAuthSettings::default());
    let granted = exchange(&company).await;
    revoke(&company, &[FORM, BASIC], &granted["refresh_token"], "refresh_token").await;
    call(&company, &granted, "GET", ORGANIZATIONS).await.refused(401);
    let refresh = granted["refresh_token"].as_str().unwrap().replace(':', "%3A");
    for dead in [refresh.as_str(), "1%3Aabc"] {
        let answer = token(&company, &format!("grant_type=refresh_token&refresh_token={dead}")).await;
        assert_eq!(message(&answer), "Invalid grant: refresh_token is invalid");
    }
    let told = send(&company.router, "GET", "/_sim/oauth/callbacks", &[], "").await.ok();
    assert_eq!(
        told,
        json!([{"client_id": "app", "company_id": 8_087_566, "user_id": 12_415_231, "timestamp": "2026-03-02T10:00:00Z"}])
    );
    let again = exchange(&company).await;
    call(&company, &again, "GET", ORGANIZATIONS).await.ok();
}

#[tokio::test]
async fn revoking_is_always_200_and_an_access_token_ends_alone() {
    let company = company(OAuthSettings::default());
    let (one, two) = (exchange(&company).await, exchange(&company).await);
    revoke(&company, &[FORM, BASIC], &json!("unknown"), "refresh_token").await;
    revoke(&company, &[FORM], &one["refresh_token"], "refresh_token").await;
    revoke(&company, &[FORM, BASIC], &one["access_token"], "access_token").await;
    call(&company, &one, "GET", ORGANIZATIONS).await.refused(401);
    call(&company, &two, "GET", ORGANIZATIONS).await.ok();
    assert!(company.sim.uninstall_callbacks().is_empty());
    let refresh = "grant_type=refresh_token&refresh_token=1%3Aabc";
    token(&company, refresh).await.ok();
    revoke(&company, &[FORM, BASIC], &json!("1:abc"), "refresh_token").await;
    token(&company, refresh).await.refused(400);
}

#[tokio::test]
async fn a_person_can_uninstall_too() {
    let company = company(OAuthSettings::default());
    let granted = exchange(&company).await;
    send(&company.router, "POST", "/_sim/oauth/uninstall", &[], "").await.ok();
    call(&company, &granted, "GET", ORGANIZATIONS).await.refused(401);
    assert_eq!(company.sim.uninstall_callbacks().len(), 1);
}

#[tokio::test]
async fn calls_outside_the_scopes_are_403() {
    let scopes = "base,contacts:read".to_owned();
    let company = company(OAuthSettings { scopes, ..OAuthSettings::default() });
    let granted = exchange(&company).await;
    assert_eq!(granted["scope"], "base,contacts:read");
    call(&company, &granted, "GET", ORGANIZATIONS).await.ok();
    call(&company, &granted, "GET", "/v1/users/me").await.ok();
    call(&company, &granted, "GET", FIELDS).await.ok();
    call(&company, &granted, "GET", "/v1/notes").await.ok();
    call(&company, &granted, "GET", "/v1/organizationRelationships?org_id=1").await.refused(404);
    for (method, path) in [
        ("POST", ORGANIZATIONS),
        ("GET", SEARCH),
        ("POST", FIELDS),
        ("POST", "/v1/notes"),
        ("DELETE", "/v1/files/1"),
        ("GET", "/v1/users"),
        ("GET", "/v1/activityTypes"),
        ("POST", "/api/v2/activities"),
        ("GET", "/v1/webhooks"),
        ("GET", "/v1/organizations/1/changelog"),
    ] {
        let answer = call(&company, &granted, method, path).await;
        let body = answer.refused(403).json();
        assert_eq!(body["error"], "Scope and URL mismatch", "{method} {path}");
        assert_eq!((&body["errorCode"], &body["success"]), (&json!(403), &json!(false)));
    }
    company.create(&json!({"name": "an API token has no scopes"})).await;
}

#[tokio::test]
async fn scopes_can_be_left_unenforced() {
    let scopes = "base".to_owned();
    let company = company(OAuthSettings { scopes, enforce_scopes: false, ..OAuthSettings::default() });
    let granted = exchange(&company).await;
    call(&company, &granted, "POST", ORGANIZATIONS).await.ok();
}
