//! Client assertions at the token endpoint (section 5; RFC 7523, section 3). The tests sign by themselves.

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{RSA_PKCS1_SHA256, RsaKeyPair};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use jiff::SignedDuration;
use saas_sims::SimClock;
use saas_sims::fusion::{FusionSettings, FusionSim, Trust};
use serde_json::{Value, json};

use crate::http::{Answer, FORM, Headers, send, start};

const KEY: &str = include_str!("../../../saas-http/tests/fixtures/key.pem");
const OTHER_KEY: &str = include_str!("../../../saas-http/tests/fixtures/other-key.pem");
const PUBLIC_KEY: &str = include_str!("../../../saas-http/tests/fixtures/public-key.pem");
const TOKEN: &str = "/oauth2/v1/token";
const GRANT: &str = "grant_type=client_credentials&scope=all";
const KIND: &str = "client_assertion_type=urn%3Aietf%3Aparams%3Aoauth%3Aclient-assertion-type%3Ajwt-bearer";

fn trust() -> Trust {
    let x5t = Some("RCN9QaGHpfqKNP7pIjWnr2HXJgk".to_owned());
    Trust { kid: Some("mlc".to_owned()), x5t, ..Trust::of(PUBLIC_KEY) }
}

fn strict(trust: Trust) -> (axum::Router, SimClock) {
    let settings = FusionSettings {
        client_id: Some("me".to_owned()),
        client_secret: Some("s".to_owned()),
        assertion: Some(trust),
        ..FusionSettings::default()
    };
    let clock = SimClock::at(start());
    (FusionSim::new(settings, clock.clone(), 1).router(), clock)
}

fn encode(part: &Value) -> String {
    URL_SAFE_NO_PAD.encode(part.to_string())
}

fn sign(pem: &str, header: &Value, claims: &Value) -> String {
    let inner: String = pem.lines().filter(|line| !line.starts_with("-----")).collect();
    let pair = RsaKeyPair::from_pkcs8(&STANDARD.decode(inner).unwrap()).unwrap();
    let signed = format!("{}.{}", encode(header), encode(claims));
    let mut signature = vec![0; pair.public_modulus_len()];
    pair.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), signed.as_bytes(), &mut signature).unwrap();
    format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature))
}

fn header() -> Value {
    json!({"alg": "RS256", "typ": "JWT", "kid": "mlc"})
}

fn claims() -> Value {
    let now = start().as_second();
    json!({
        "iss": "me", "sub": "me", "aud": "https://identity.oraclecloud.com/", "iat": now, "exp": now + 300, "jti": "1"
    })
}

/// The same with one value replaced, or with null removed.
fn with(mut json: Value, name: &str, value: Value) -> Value {
    let map = json.as_object_mut().unwrap();
    if value.is_null() {
        map.remove(name)
    } else {
        map.insert(name.to_owned(), value)
    };
    json
}

async fn ask(router: &axum::Router, jwt: &str) -> Answer {
    send(router, "POST", TOKEN, &[FORM], &format!("{GRANT}&{KIND}&client_assertion={jwt}")).await
}

async fn refused(jwt: &str, says: &str) {
    let answer = ask(&strict(trust()).0, jwt).await;
    let body = answer.refused(401).json();
    assert_eq!(body["error"], "invalid_client");
    assert!(body["error_description"].as_str().unwrap().contains(says), "{says}: {body}");
}

#[tokio::test]
async fn a_signed_assertion_gets_a_token() {
    let token = ask(&strict(trust()).0, &sign(KEY, &header(), &claims())).await.ok();
    assert_eq!(token["token_type"], "Bearer");
    let by_print = with(with(header(), "kid", Value::Null), "x5t", json!("RCN9QaGHpfqKNP7pIjWnr2HXJgk"));
    let several = with(claims(), "aud", json!(["else", "https://identity.oraclecloud.com/"]));
    ask(&strict(trust()).0, &sign(KEY, &by_print, &several)).await.ok();
}

#[tokio::test]
async fn an_assertion_of_another_key_algorithm_or_certificate_is_refused() {
    refused(&sign(OTHER_KEY, &header(), &claims()), "signature").await;
    let none = with(header(), "alg", json!("none"));
    refused(&format!("{}.{}.", encode(&none), encode(&claims())), "RS256").await;
    refused(&sign(KEY, &with(header(), "alg", json!("HS256")), &claims()), "RS256").await;
    refused(&sign(KEY, &with(header(), "kid", json!("other")), &claims()), "isn't registered").await;
    refused(&sign(KEY, &with(header(), "x5t", json!("other")), &claims()), "isn't registered").await;
    refused(&sign(KEY, &with(header(), "kid", Value::Null), &claims()), "kid or x5t").await;
    refused("no-jwt", "no JWT").await;
    let good = sign(KEY, &header(), &claims());
    let forged = format!("{}.{}", encode(&header()), encode(&with(claims(), "sub", json!("you"))));
    refused(&format!("{forged}.{}", good.rsplit_once('.').unwrap().1), "signature").await;
}

#[tokio::test]
async fn an_assertion_of_another_client_or_for_another_audience_is_refused() {
    refused(&sign(KEY, &header(), &with(claims(), "iss", json!("you"))), "must be the client").await;
    let you = with(with(claims(), "iss", json!("you")), "sub", json!("you"));
    refused(&sign(KEY, &header(), &you), "authentication failed").await;
    let old = with(claims(), "aud", json!("oauth.idm.oracle.com"));
    refused(&sign(KEY, &header(), &old), "audience").await;
    for audiences in [vec!["oauth.idm.oracle.com".to_owned()], Vec::new()] {
        let (router, _) = strict(Trust { audiences, ..trust() });
        ask(&router, &sign(KEY, &header(), &old)).await.ok();
    }
    for missing in ["iss", "sub", "aud", "iat", "exp", "jti"] {
        refused(&sign(KEY, &header(), &with(claims(), missing, Value::Null)), "missing").await;
    }
}

#[tokio::test]
async fn an_assertion_lives_from_its_issue_to_its_end_and_not_for_long() {
    let now = start().as_second();
    let at = |iat: i64, exp: i64| {
        let claims = with(with(claims(), "iat", json!(now + iat)), "exp", json!(now + exp));
        sign(KEY, &header(), &claims)
    };
    refused(&at(-600, -60), "expired").await;
    refused(&at(61, 300), "not yet valid").await;
    refused(&at(0, 3661), "too long").await;
    refused(&at(10, 10), "too long").await;
    ask(&strict(trust()).0, &at(-600, -59)).await.ok();
    ask(&strict(trust()).0, &at(60, 3660)).await.ok();
}

#[tokio::test]
async fn an_assertion_works_once() {
    let (router, clock) = strict(trust());
    let jwt = sign(KEY, &header(), &claims());
    ask(&router, &jwt).await.ok();
    assert!(ask(&router, &jwt).await.refused(401).text.contains("used before"));
    clock.advance(SignedDuration::from_secs(359));
    assert!(ask(&router, &jwt).await.refused(401).text.contains("used before"));
    clock.advance(SignedDuration::from_secs(1));
    assert!(ask(&router, &jwt).await.refused(401).text.contains("expired"));
}

#[tokio::test]
async fn there_is_exactly_one_way_of_client_authentication() {
    let jwt = sign(KEY, &header(), &claims());
    let basic = ("authorization", "Basic bWU6cw==");
    let cases: [(Headers<'_>, String, u16, &str); 6] = [
        (&[FORM, basic], format!("{GRANT}&{KIND}&client_assertion={jwt}"), 400, "invalid_request"),
        (&[FORM], format!("{GRANT}&{KIND}&client_assertion={jwt}&client_secret=s"), 400, "invalid_request"),
        (&[FORM], format!("{GRANT}&client_assertion={jwt}"), 400, "invalid_request"),
        (&[FORM], format!("{GRANT}&{KIND}"), 400, "invalid_request"),
        (&[FORM], format!("{GRANT}&client_assertion_type=x&client_assertion={jwt}"), 401, "invalid_client"),
        (&[FORM], format!("{GRANT}&{KIND}&client_assertion={jwt}&client_id=you"), 401, "invalid_client"),
    ];
    for (headers, body, status, error) in cases {
        let answer = send(&strict(trust()).0, "POST", TOKEN, headers, &body).await;
        assert_eq!(answer.refused(status).json()["error"], error, "{body}");
    }
    let body = format!("{GRANT}&{KIND}&client_assertion={jwt}&client_id=me");
    send(&strict(trust()).0, "POST", TOKEN, &[FORM], &body).await.ok();
}

#[tokio::test]
async fn without_a_registered_certificate_no_assertion_is_taken() {
    let pod = FusionSim::new(FusionSettings::default(), SimClock::at(start()), 1).router();
    let answer = ask(&pod, &sign(KEY, &header(), &claims())).await;
    assert_eq!(answer.refused(401).json()["error"], "invalid_client");
}
