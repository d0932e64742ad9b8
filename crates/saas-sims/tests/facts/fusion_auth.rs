//! The token endpoint and the Bearer check (section 5).

use jiff::SignedDuration;
use saas_sims::SimClock;
use saas_sims::fusion::{FusionSettings, FusionSim};

use crate::http::{FORM, Headers, PARTIES, Pod, send, start};

const TOKEN: &str = "/oauth2/v1/token";
/// `me:s`
const BASIC: (&str, &str) = ("authorization", "Basic bWU6cw==");

fn strict() -> axum::Router {
    let settings = FusionSettings {
        client_id: Some("me".to_owned()),
        client_secret: Some("s".to_owned()),
        scope: Some("urn:opc:resource:fa:instanceid=1urn:opc:resource:consumer::all".to_owned()),
        ..FusionSettings::default()
    };
    FusionSim::new(settings, SimClock::at(start()), 1).router()
}

const GOOD: &str = "grant_type=client_credentials&scope=urn%3Aopc%3Aresource%3Afa%3Ainstanceid%3D1urn%3Aopc%3Aresource%3Aconsumer%3A%3Aall";

#[tokio::test]
async fn a_token_is_given_for_basic_and_for_body_credentials() {
    let basic = send(&strict(), "POST", TOKEN, &[FORM, BASIC], GOOD).await.ok();
    assert_eq!((basic["token_type"].as_str(), basic["expires_in"].as_i64()), (Some("Bearer"), Some(3600)));
    assert_eq!(basic.get("refresh_token"), None);
    send(&strict(), "POST", TOKEN, &[FORM], &format!("{GOOD}&client_id=me&client_secret=s")).await.ok();
}

#[tokio::test]
async fn token_errors_are_those_of_rfc_6749() {
    let cases: [(Headers<'_>, &str, u16, &str); 6] = [
        (&[FORM, ("authorization", "Basic bWU6eA==")], GOOD, 401, "invalid_client"),
        (&[FORM], GOOD, 401, "invalid_client"),
        (
            &[FORM, BASIC],
            "grant_type=client_credentials&scope=urn%3Aopc%3Aresource%3Aconsumer%3A%3Aall",
            400,
            "invalid_scope",
        ),
        (&[FORM, BASIC], "grant_type=password&scope=x", 400, "unsupported_grant_type"),
        (&[FORM, BASIC], "scope=x", 400, "invalid_request"),
        (&[("content-type", "application/json"), BASIC], "{}", 400, "invalid_request"),
    ];
    for (headers, body, status, error) in cases {
        let answer = send(&strict(), "POST", TOKEN, headers, body).await;
        assert_eq!(answer.refused(status).json()["error"], error, "{body}");
    }
}

#[tokio::test]
async fn a_call_without_a_live_token_is_401_with_an_empty_body() {
    let pod = Pod::new().await;
    let answer = send(&pod.router, "GET", PARTIES, &[("authorization", "Bearer other")], "").await;
    assert_eq!(answer.refused(401).text, "");
    assert!(answer.header("www-authenticate").starts_with("Bearer"));
    send(&pod.router, "GET", PARTIES, &[], "").await.refused(401);
}

#[tokio::test]
async fn a_token_ends_after_an_hour() {
    let pod = Pod::new().await;
    pod.clock.advance(SignedDuration::from_secs(3599));
    pod.get(PARTIES, &[]).await.ok();
    pod.clock.advance(SignedDuration::from_secs(1));
    pod.get(PARTIES, &[]).await.refused(401);
}

#[tokio::test]
async fn a_revoked_token_is_401() {
    let pod = Pod::new().await;
    send(&pod.router, "POST", "/_sim/fusion/tokens/revoke", &[], "").await.ok();
    pod.get(PARTIES, &[]).await.refused(401);
}

#[tokio::test]
async fn a_good_token_without_a_fusion_user_is_401() {
    let pod = Pod::with(FusionSettings { user_known: false, ..FusionSettings::default() }).await;
    pod.get(PARTIES, &[]).await.refused(401);
}

#[tokio::test]
async fn without_data_access_a_collection_is_200_and_empty() {
    let pod = Pod::with(FusionSettings { data_access: false, ..FusionSettings::default() }).await;
    saas_sims::generator::populate(&pod.sim, 3, 1, start());
    let body = pod.get(PARTIES, &[]).await.ok();
    assert_eq!((body["count"].as_i64(), body["hasMore"].as_bool()), (Some(0), Some(false)));
}
