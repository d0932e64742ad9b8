//! What is read of any remote system: answers of token endpoints, headers, single values of JSON, addresses.
#![cfg(test)]

mod answers;
#[path = "../../../sync-core/tests/fuzz/harness/mod.rs"]
mod harness;
#[path = "../support/mod.rs"]
mod support;

use std::{sync::Arc, time::Duration};

use answers::{SECRET, Scene, stubborn, told, wait};
use harness::Target;
use http::{HeaderMap, HeaderValue, Method, header};
use jiff::SignedDuration;
use saas_http::{
    Adaptive, BaseUrl, Caller, ClientCredentials, ClientProof, Code, Credentials, Endpoint, OAuthClient,
    OAuthWay, Pass, Plain, RefreshToken, TokenSource, Transport, Wiring, http_date, retry_after, scalar,
    scopes,
};
use serde_json::Value;
use sync_core::{
    budget::Class,
    error::{CallError, Effect, ErrorKind},
    ports::ManualClock,
};

use crate::support::*;

const HOME: &str = env!("CARGO_MANIFEST_DIR");

const TOKENS: Target<'_> = Target {
    name: "token_answers",
    home: HOME,
    inputs: 500,
    words: &[
        SECRET,
        "hunter2-01",
        "hunt\\u0065r2-0123456789abcdef",
        "hunter2-0123\\n456789abcdef",
        "access_token",
        "expires_in",
        "refresh_token",
        "api_domain",
        "invalid_grant",
        "error_description",
        "retry-after: 99999999999",
        "Retry-After",
        "client",
        "refresh",
        "code",
        "revoke",
        "200",
        "400",
        "401",
        "429",
        "lost",
        "https://acme.pipedrive.com",
        "scope",
        "9223372036854775",
        "1844674407370955",
    ],
};

const VALUES: Target<'_> = Target {
    name: "values",
    home: HOME,
    inputs: 600,
    words: &[
        "T",
        "Z",
        "+00:00",
        "[UTC]",
        "24:00",
        "-23:59",
        "GMT",
        "e5",
        "2026-W01",
        "https://",
        "http://[::1]:99999",
    ],
};

struct Get;

impl Endpoint for Get {
    const NAME: &'static str = "things.list";
    const METHOD: Method = Method::GET;
    type Output = Value;

    fn path(&self) -> String {
        "things".to_owned()
    }
}

fn client() -> OAuthClient {
    let token_url = BaseUrl::parse("token_url", "https://id.example/token").unwrap();
    OAuthClient { token_url, id: "me".to_owned(), proof: ClientProof::Secret(SECRET.into()) }
}

fn caller(transport: &Arc<dyn Transport>, clock: &ManualClock, source: TokenSource) -> Caller {
    Caller::new(Wiring {
        base: BaseUrl::parse("base_url", "https://api.example").unwrap(),
        headers: HeaderMap::new(),
        timeout: Duration::from_secs(30),
        transport: Arc::clone(transport),
        credentials: Credentials::bearer(source),
        gate: Arc::new(Adaptive::new(9, Arc::new(clock.clone()))),
        dialect: Arc::new(Plain),
        clock: Arc::new(clock.clone()),
    })
}

/// What a token endpoint says: by the client itself, by a refresh token, by a code, to a revocation, or for an API.
fn token(input: &[u8]) {
    let mut scene = Scene::parse(input);
    if !["api", "refresh", "code", "revoke"].contains(&scene.call.as_str()) {
        scene = scene.to("client");
    }
    let outcome = ended(&scene);
    if let Some(marked) = scene.marked() {
        assert_eq!(ended(&marked), outcome, "the mark of UTF-8 before an answer says nothing");
    }
}

fn ended(scene: &Scene) -> Result<(), (ErrorKind, Effect)> {
    let api = scene.call == "api";
    let transport = stubborn(scene, move |sent| match (api, sent.path()) {
        (true, "/token") => Some(ok(serde_json::json!({ "access_token": SECRET, "expires_in": 3600 }))),
        (false, "/things") => Some(ok("[]")),
        _ => None,
    });
    let (clock, sleeper) = clock();
    let time = Arc::new(clock.clone());
    let outcome =
        match scene.call.as_str() {
            "refresh" => {
                let grant =
                    RefreshToken::new("r", Some(SECRET.into()), "run connect", Arc::new(Vault::default()));
                let source = TokenSource::refresh_token(client(), grant, Arc::clone(&transport), time);
                let source = source.following("pipedrive.com").waiting(sleeper);
                wait(twice(&caller(&transport, &clock, source), &clock))
            }
            "code" => {
                let way = OAuthWay { client: client(), transport, clock: time };
                let (redirect_url, verifier) = ("https://here.example/back".to_owned(), Some(SECRET.into()));
                wait(way.exchange(&Code { code: SECRET.into(), redirect_url, verifier })).map(drop)
            }
            "revoke" => {
                let way = OAuthWay { client: client(), transport, clock: time };
                wait(way.revoke(
                    &BaseUrl::parse("revoke_url", "https://id.example/revoke").unwrap(),
                    &SECRET.into(),
                ))
            }
            _ => {
                let grant = ClientCredentials { scope: "urn:opc:resource:consumer::all".to_owned() };
                let source = TokenSource::client_credentials(client(), grant, Arc::clone(&transport), time);
                wait(twice(&caller(&transport, &clock, source), &clock))
            }
        };
    outcome.map_err(|error| {
        told(&error, SECRET, scene);
        (error.kind, error.effect)
    })
}

/// A token is kept, and renewed.
async fn twice(caller: &Caller, clock: &ManualClock) -> Result<(), CallError> {
    caller.send(&Get, Pass::Class(Class::Edit)).await?;
    clock.advance(SignedDuration::from_hours(24 * 365));
    caller.send(&Get, Pass::Class(Class::Edit)).await.map(drop)
}

/// One line is the value of a header, an address, a list, and JSON.
fn value(input: &[u8]) {
    let now = at("2026-11-24T12:00:00Z");
    for line in input.split(|byte| *byte == b'\n').take(20) {
        if let Ok(value) = HeaderValue::from_bytes(line) {
            let headers = HeaderMap::from_iter([(header::DATE, value.clone()), (header::RETRY_AFTER, value)]);
            if let Some(theirs) = http_date(&headers) {
                assert_eq!(theirs.subsec_nanosecond(), 0, "whole seconds");
            }
            let wait = retry_after(&headers, now).unwrap_or_default();
            assert!(!wait.is_negative() && wait <= SignedDuration::from_hours(25), "{wait:?} to wait");
        }
        let text = String::from_utf8_lossy(line);
        assert!(scopes(&text).iter().all(|scope| !scope.trim().is_empty()));
        match BaseUrl::parse("base_url", &text) {
            Ok(base) => {
                let joined = base.join("", &[]);
                assert_eq!(
                    BaseUrl::parse("base_url", &joined),
                    Ok(base.clone()),
                    "an address is read as it is written"
                );
                assert!(!base.is_below("pipedrive.com") || joined.starts_with("https://"));
            }
            Err(error) => assert!(error.to_string().len() < 100, "it repeats nothing"),
        }
        let json: Value = serde_json::from_slice(line).unwrap_or_else(|_| Value::from(text.as_ref()));
        complaints(&json);
    }
}

fn complaints(json: &Value) {
    let of = Some(json);
    let errors = [
        scalar::text("Name", of).err(),
        scalar::int("Name", of).err(),
        scalar::moment("Name", of).err(),
        scalar::amount("Name", of).err(),
        scalar::day("Name", of).err(),
        scalar::flag("Name", of).err(),
    ];
    for error in errors.into_iter().flatten() {
        assert!(error.starts_with("Name is not "), "{error} names the attribute");
        assert!(error.chars().count() <= 120, "{} characters", error.chars().count());
        assert!(!error.chars().any(char::is_control), "control characters in {error:?}");
    }
    if let Ok(Some(amount)) = scalar::amount("Name", of) {
        let again = Value::from(amount.to_string());
        assert_eq!(
            scalar::amount("Name", Some(&again)),
            Ok(Some(amount)),
            "an amount is read as it is written"
        );
    }
}

#[test]
fn fuzz_token_answers() {
    TOKENS.run(token);
}

#[test]
fn fuzz_values() {
    VALUES.run(value);
}
