//! What comes to the door: whole requests of strangers, programs and people, with the store behind it.
#![cfg(test)]

#[path = "../../../sync-core/tests/fuzz/harness/mod.rs"]
mod harness;

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
};

use axum::{
    Router,
    body::{Body, to_bytes},
    http::{HeaderName, HeaderValue, Request, header::CONTENT_TYPE},
};
use harness::{Target, hash};
use jiff::{SignedDuration, Timestamp};
use sha2::{Digest as _, Sha256};
use sync_core::{
    budget::DailyBudget,
    hold::HoldReason,
    hooks::{Check, Delivery, Headers, HookEntity, HookEvent, HookVerifier, Refused},
    ids::PartyId,
    ports::{Clock as _, ManualClock},
};
use sync_engine::Bell;
use sync_store::{Role, Store, StoreOptions, Welcomed};
use sync_web::{HookDoor, Intake, Parts, Served, Token, invitation, router};
use tower::ServiceExt as _;

const TOKEN: &str = "0123456789abcdef";

/// What an answer must never have in it as it came.
const SCRIPT: &str = "<script>alert(1)</script>";

const REQUESTS: Target<'_> = Target {
    name: "requests",
    home: env!("CARGO_MANIFEST_DIR"),
    inputs: 1_500,
    words: &[
        SCRIPT,
        "%3Cscript%3Ealert(1)%3C/script%3E",
        "GET",
        "POST",
        "PUT",
        "DELETE",
        "/c/acme",
        "/api/v1/",
        "/hooks/acme/path",
        "/connect/acme",
        "..%2f",
        "%00",
        "%ff",
        "?cursor=",
        "?limit=",
        "?q=",
        "&",
        "{proof}",
        "{session}",
        "{token}",
        "300000200000001",
        "-9223372036854775808",
        "content-type: application/json",
        "application/x-www-form-urlencoded",
        "idempotency-key: ",
        "x-forwarded-for: ",
        "hx-request: true",
        "answer=",
        "party",
        "answers",
        "next=//evil.example",
    ],
};

/// Vouches for who knows the hash of the body, and is never asked to read anything else.
#[derive(Default)]
struct Strict {
    vouched: Mutex<BTreeSet<u64>>,
    broken: AtomicBool,
}

impl HookVerifier for Strict {
    fn at_first_sight(&self, headers: Headers<'_>) -> Result<(), Refused> {
        if headers("x-proof").is_empty() { Err(Refused::NoProof) } else { Ok(()) }
    }

    fn verify(&self, delivery: &Delivery<'_>) -> Result<Vec<Check>, Refused> {
        let proof = proof(delivery.body);
        if (delivery.headers)("x-proof").iter().any(|shown| shown == proof.as_bytes()) {
            self.vouched.lock().unwrap().insert(hash(delivery.body));
            Ok(vec![Check::Hmac])
        } else {
            Err(Refused::Wrong(Check::Hmac))
        }
    }

    fn read(&self, body: &[u8]) -> Result<Option<HookEvent>, String> {
        if !self.vouched.lock().unwrap().contains(&hash(body)) {
            self.broken.store(true, Ordering::Relaxed);
        }
        let key = String::from_utf8_lossy(body).chars().take(200).collect();
        let (entity, action) = (HookEntity::Organization, "change".to_owned());
        Ok(Some(HookEvent {
            subscription: None,
            key,
            entity,
            record: 1,
            action,
            at: None,
            urgent: true,
            merged: None,
        }))
    }
}

fn proof(body: &[u8]) -> String {
    format!("{:016x}", hash(body))
}

fn digest(secret: &str) -> String {
    hex::encode(Sha256::digest(secret))
}

struct Site {
    app: Router,
    clock: ManualClock,
    verifier: Arc<Strict>,
    session: String,
    _folder: tempfile::TempDir,
}

async fn site() -> Site {
    let folder = tempfile::tempdir().unwrap();
    let url = format!("sqlite://{}", folder.path().join("door.db").display());
    let store = Store::open(&url, StoreOptions { durable: false, gate: None }).await.unwrap();
    store.migrate().await.unwrap();
    let clock = ManualClock::at(Timestamp::UNIX_EPOCH + SignedDuration::from_hours(24 * 365));
    let now = clock.now();
    let connection = store.ensure_connection("acme", "{}", now).await.unwrap();
    let fence = store.lease_take(connection, "process 7", None).await.unwrap().unwrap();
    let mut tx = store.write(&fence).await.unwrap();
    tx.open_hold(PartyId(300_000_200_000_001), &HoldReason::PartyMissing, now).await.unwrap();
    tx.commit().await.unwrap();
    let (link, invited) = invitation(Role::Admin, None, "test", now);
    store.invite(&invited).await.unwrap();
    let welcomed = store.welcome(&digest(&link), "ada", "no hash", now).await.unwrap();
    let Welcomed::Person(person) = welcomed else { panic!("{welcomed:?}") };
    let session = "5e55".repeat(16);
    let life = SignedDuration::from_hours(24);
    store.begin_session(person.id, &digest(&session), now + life, now).await.unwrap();
    let verifier = Arc::new(Strict::default());
    let door = HookDoor {
        base: "http://127.0.0.1/hooks/acme/".to_owned(),
        connection,
        paths: vec!["path".to_owned()],
        verifier: Arc::clone(&verifier) as _,
        bell: Arc::new(Bell::default()),
    };
    let time = Arc::new(clock.clone());
    let (intake, keeper) =
        Intake::new(BTreeMap::from([("acme".to_owned(), door)]), store.clone(), time.clone());
    tokio::spawn(keeper.work());
    let budget = DailyBudget { tokens: 300_000, max_share: 0.5, reserve: 0.1 };
    let rhythms = BTreeMap::from([("erp.party".to_owned(), SignedDuration::from_mins(5))]);
    let served = Served { name: "acme".to_owned(), fence, budget, rhythms };
    let parts = Parts { token: Token::new(TOKEN), served: vec![served], ..Parts::new(store, intake, time) };
    Site { app: router(parts), clock, verifier, session, _folder: folder }
}

impl Site {
    /// `METHOD TARGET`, headers, a blank line, the body; nothing where that is no request.
    fn request(&self, input: &[u8]) -> Option<Request<Body>> {
        let end = input.windows(2).position(|pair| pair == b"\n\n").map_or(input.len(), |end| end + 2);
        let (head, body) = input.split_at(end);
        let head = String::from_utf8_lossy(head)
            .replace("{session}", &self.session)
            .replace("{token}", TOKEN)
            .replace("{proof}", &proof(body));
        let mut lines = head.lines();
        let (method, target) = lines.next()?.split_once(' ')?;
        let mut request =
            Request::builder().method(method).uri(target.trim()).body(Body::from(body.to_vec())).ok()?;
        for (name, value) in lines.filter_map(|line| line.split_once(':')) {
            let name = HeaderName::from_bytes(name.trim().as_bytes());
            let value = HeaderValue::from_str(value.trim());
            if let (Ok(name), Ok(value)) = (name, value) {
                request.headers_mut().append(name, value);
            }
        }
        Some(request)
    }

    async fn check(&self, input: &[u8]) {
        let Some(request) = self.request(input) else { return };
        // Where it stands in the address, it is shown as a part of that.
        let told = request.uri().to_string().contains(&self.session);
        // As fast as a token may ask.
        self.clock.advance(SignedDuration::from_millis(60));
        let answer = self.app.clone().oneshot(request).await.unwrap();
        assert!(!self.verifier.broken.load(Ordering::Relaxed), "a body was read that nobody vouched for");
        let (parts, body) = answer.into_parts();
        let kind = parts
            .headers
            .get(CONTENT_TYPE)
            .and_then(|kind| kind.to_str().ok())
            .unwrap_or_default()
            .to_owned();
        // A page that is told of writes never ends.
        if kind == "text/event-stream" {
            return;
        }
        let body = to_bytes(body, 8 << 20).await.unwrap();
        let text = String::from_utf8_lossy(&body);
        assert!(parts.status.as_u16() < 500, "{}: {text}", parts.status);
        assert!(told || !text.contains(&self.session), "the session is shown");
        if kind.contains("json") {
            let json: serde_json::Value = serde_json::from_slice(&body).unwrap();
            assert!(
                !kind.contains("problem") || json["help"].as_str().is_some_and(|help| !help.is_empty()),
                "{json}"
            );
        } else if kind.contains("html") {
            assert!(!text.contains(SCRIPT), "a script in {text}");
        }
    }
}

#[test]
fn fuzz_requests() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let site = runtime.block_on(site());
    REQUESTS.run(|input| runtime.block_on(site.check(input)));
}
