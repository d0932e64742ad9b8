//! The door for webhooks in lives: the intake of the product, with headers and bytes as Pipedrive and its gateway would send
//! them, and as others would.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use aws_lc_rs::hmac;
use base64::{Engine as _, prelude::BASE64_STANDARD};
use bytes::Bytes;
use futures::future::{Either, join_all, select};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use pipedrive::{Encoding, HmacKeys, HookKeys, PipedriveHooks};
use serde_json::json;
use sync_core::hooks::{Check, Delivery, Headers, HookEvent, HookVerifier, Refused};
use sync_engine::simulation::{Handled, House, Letter, Letterbox, Proof, Trial};
use sync_web::{Client, HookDoor, Intake};

const NAME: &str = "simulated";
const PATH: &str = "the-path-that-nobody-guesses";
const LOGIN: (&str, &str) = ("crm", "the password of webhooks");
const SIGNATURE: &str = "x-signature";
const KEY: &str = "the key of the gateway";

/// The product's door.
pub(super) struct FrontDoor {
    bug: DoorBug,
}

/// What is wrong with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum DoorBug {
    Nothing,
    #[cfg(feature = "planted")]
    ParsesFirst,
    #[cfg(feature = "planted")]
    BelievesDigests,
    #[cfg(feature = "planted")]
    AnswersFirst,
}

impl FrontDoor {
    /// The door of a life.
    #[cfg_attr(not(feature = "planted"), expect(unused_variables, reason = "no bug can be planted"))]
    pub(super) fn of(trial: &Trial) -> Self {
        #[cfg(feature = "planted")]
        let bug = match trial.bug.map(|bug| bug.name) {
            Some("hook-parsed-first") => DoorBug::ParsesFirst,
            Some("hook-digest-believed") => DoorBug::BelievesDigests,
            Some("hook-answered-first") => DoorBug::AnswersFirst,
            Some(_) | None => DoorBug::Nothing,
        };
        #[cfg(not(feature = "planted"))]
        let bug = DoorBug::Nothing;
        Self { bug }
    }
}

#[async_trait]
impl Letterbox for FrontDoor {
    async fn post(&self, house: &House, letters: &[Letter]) -> Vec<Handled> {
        let Ok(verifier) = verifier() else { return Vec::new() };
        let watched = Arc::new(Watched { verifier, bug: self.bug, parsed: Mutex::default() });
        let door = HookDoor {
            connection: house.connection,
            base: format!("https://sync.example.com/hooks/{NAME}/"),
            paths: vec![PATH.to_owned()],
            verifier: watched.clone(),
            bell: house.bell.clone(),
        };
        let doors = BTreeMap::from([(NAME.to_owned(), door)]);
        let (intake, keeper) = Intake::new(doors, house.store.clone(), house.clock.clone());
        #[cfg(feature = "planted")]
        let keeper = if self.bug == DoorBug::AnswersFirst { keeper.answering_first() } else { keeper };
        let sent: Vec<(HeaderMap, Bytes)> = letters.iter().map(sent).collect();
        let delivering = letters.iter().zip(&sent).map(|(letter, (headers, body))| {
            let path = if letter.proof == Proof::OtherPlace { "another-path" } else { PATH };
            intake.deliver((NAME, path), Client::UNKNOWN, headers, async { Ok(body.clone()) })
        });
        let delivering = Box::pin(join_all(delivering));
        // Who keeps them ends with the door, so it does not end before.
        let Either::Left((answers, _)) = select(delivering, Box::pin(keeper.work())).await else {
            return Vec::new();
        };
        let parsed = watched.parsed.lock().unwrap_or_else(PoisonError::into_inner);
        let handled = |(status, (_, body)): (StatusCode, &(_, Bytes))| Handled {
            answered: status.is_success(),
            parsed: parsed.contains(body.as_ref()),
        };
        answers.into_iter().zip(&sent).map(handled).collect()
    }
}

fn verifier() -> Result<PipedriveHooks, String> {
    let hmac = HmacKeys {
        header: SIGNATURE.to_owned(),
        prefix: "sha256=".to_owned(),
        encoding: Encoding::Hex,
        secrets: vec![KEY.into()],
    };
    let basic = vec![(LOGIN.0.to_owned(), LOGIN.1.into())];
    PipedriveHooks::new(&HookKeys { basic, hmac: Some(hmac), all: false })
}

/// The verifier of the product; what it looks into is remembered.
struct Watched {
    verifier: PipedriveHooks,
    bug: DoorBug,
    parsed: Mutex<BTreeSet<Vec<u8>>>,
}

impl HookVerifier for Watched {
    fn at_first_sight(&self, headers: Headers<'_>) -> Result<(), Refused> {
        self.verifier.at_first_sight(headers)
    }

    fn verify(&self, delivery: &Delivery<'_>) -> Result<Vec<Check>, Refused> {
        match self.bug {
            DoorBug::Nothing => {}
            #[cfg(feature = "planted")]
            DoorBug::AnswersFirst => {}
            #[cfg(feature = "planted")]
            DoorBug::ParsesFirst => drop(self.read(delivery.body)),
            #[cfg(feature = "planted")]
            DoorBug::BelievesDigests => {
                let verified = self.verifier.verify(delivery);
                let wrong = matches!(verified, Err(Refused::Wrong(Check::Hmac)));
                return if wrong { Ok(vec![Check::Hmac]) } else { verified };
            }
        }
        self.verifier.verify(delivery)
    }

    fn read(&self, body: &[u8]) -> Result<Option<HookEvent>, String> {
        self.parsed.lock().unwrap_or_else(PoisonError::into_inner).insert(body.to_vec());
        self.verifier.read(body)
    }
}

/// The headers and the bytes of a letter.
fn sent(letter: &Letter) -> (HeaderMap, Bytes) {
    let body = body(letter);
    let (right, wrong) = (basic(LOGIN.1), basic("a password that somebody guessed"));
    let (ours, others) = (digest(KEY, &body), digest(KEY, b"other bytes"));
    let (password, signature) = match letter.proof {
        Proof::Password | Proof::OtherPlace => (Some(right), None),
        Proof::Digest => (None, Some(ours)),
        Proof::Both => (Some(right), Some(ours)),
        Proof::Nothing => (None, None),
        Proof::WrongPassword => (Some(wrong), None),
        Proof::OtherBytes => (None, Some(others)),
        Proof::OtherKey => (None, Some(digest("a key that somebody guessed", &body))),
        Proof::PasswordAndOtherBytes => (Some(right), Some(others)),
        Proof::DigestAndWrongPassword => (Some(wrong), Some(ours)),
    };
    let value = |text: Option<String>| text.and_then(|text| HeaderValue::try_from(text).ok());
    let mut headers = HeaderMap::new();
    headers.extend(value(password).map(|value| (header::AUTHORIZATION, value)));
    headers.extend(value(signature).map(|value| (header::HeaderName::from_static(SIGNATURE), value)));
    (headers, body)
}

fn basic(password: &str) -> String {
    format!("Basic {}", BASE64_STANDARD.encode(format!("{}:{password}", LOGIN.0)))
}

fn digest(key: &str, bytes: &[u8]) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA256, key.as_bytes());
    format!("sha256={}", hex::encode(hmac::sign(&key, bytes)))
}

/// A payload of version 2 (pipedrive.md 5.2), every fourth of version 1 (5.3).
fn body(letter: &Letter) -> Bytes {
    let Letter { id, entity, record, merged, proof: _ } = letter;
    let into = merged.map(|merged| merged.into);
    let mut payload = if id % 4 == 3 {
        json!({
            "meta": { "v": 1, "action": "updated", "object": entity.key(), "id": record, "timestamp_micro": id, "webhook_id": "1" },
            "current": { "id": record },
            "previous": {},
        })
    } else {
        json!({
            "meta": {
                "version": "2.0", "action": "change", "entity": entity.key(), "entity_id": record.to_string(), "id": format!("event-{id}"),
                "timestamp": "2026-01-01T00:00:00.000Z", "webhook_id": "1", "attempt": 1,
            },
            "data": { "id": record },
            "previous": {},
        })
    };
    if let Some((into, meta)) = into.zip(payload.get_mut("meta").and_then(serde_json::Value::as_object_mut)) {
        meta.insert("merged_to_id".to_owned(), into.into());
    }
    payload.to_string().into()
}
