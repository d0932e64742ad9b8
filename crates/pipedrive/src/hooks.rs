//! Webhooks of Pipedrive (pipedrive.md 5): who sent a delivery, and which record it is about.
//!
//! Pipedrive itself knows HTTP Basic only and signs nothing (5.5); a keyed digest is what a gateway of one's own adds.

use base64::{Engine as _, prelude::BASE64_STANDARD};
use hmac::{Hmac, KeyInit, Mac};
use jiff::{SignedDuration, Timestamp};
use saas_http::scalar::{int, moment, text};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use serde_json::Value as Json;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;
use sync_core::{
    hooks::{Check, Delivery, Headers, HookEntity, HookEvent, HookVerifier, Merged, Refused},
    ids::SubscriptionId,
};

/// How deliveries prove where they come from. `Debug` shows no secret.
#[derive(Debug, Clone)]
pub struct HookKeys {
    /// Users with their passwords; several while they are changed.
    pub basic: Vec<(String, SecretString)>,
    /// The digest that a gateway adds.
    pub hmac: Option<HmacKeys>,
    /// Whether every configured check has to vouch, or one is enough. One that is there and wrong always rejects.
    pub all: bool,
}

/// A keyed digest (SHA-256) over the body.
#[derive(Debug, Clone)]
pub struct HmacKeys {
    /// The header it is in.
    pub header: String,
    /// What stands before it there, such as `sha256=`.
    pub prefix: String,
    /// How it is written.
    pub encoding: Encoding,
    /// Keys; several while they are changed.
    pub secrets: Vec<SecretString>,
}

/// How bytes are written as text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encoding {
    /// Hexadecimal digits of either case.
    Hex,
    /// Base64 with padding.
    Base64,
}

/// Verifies deliveries of one connection.
pub struct PipedriveHooks {
    /// Digests of `user:password`: of one length, so that comparing tells nothing about theirs.
    basic: Vec<[u8; 32]>,
    hmac: Option<Signed>,
    all: bool,
}

struct Signed {
    header: String,
    prefix: Vec<u8>,
    encoding: Encoding,
    /// Keyed already.
    keyed: Vec<Hmac<Sha256>>,
}

/// One check: it is not configured or not there, it is right, or it is wrong.
enum Seen {
    Nothing,
    Right,
    Wrong,
}

impl PipedriveHooks {
    /// A verifier.
    ///
    /// # Errors
    /// When there is nothing to verify with: it would let everybody in.
    pub fn new(keys: &HookKeys) -> Result<Self, String> {
        let HookKeys { basic, hmac, all } = keys;
        let basic: Vec<[u8; 32]> = basic
            .iter()
            .map(|(user, password)| digest(format!("{user}:{}", password.expose_secret()).as_bytes()))
            .collect();
        let hmac = match hmac {
            Some(HmacKeys { header, prefix, encoding, secrets }) => {
                let keyed: Result<Vec<_>, _> = secrets
                    .iter()
                    .map(|secret| Hmac::<Sha256>::new_from_slice(secret.expose_secret().as_bytes()))
                    .collect();
                let keyed = keyed.map_err(|error| error.to_string())?;
                let (header, prefix) = (header.clone(), prefix.clone().into_bytes());
                Some(Signed { header, prefix, encoding: *encoding, keyed }).filter(|s| !s.keyed.is_empty())
            }
            None => None,
        };
        if basic.is_empty() && hmac.is_none() {
            return Err("webhooks need a user with a password, or a secret for their digest".to_owned());
        }
        Ok(Self { basic, hmac, all: *all })
    }

    fn basic(&self, headers: Headers<'_>) -> Seen {
        let values = headers("authorization");
        if self.basic.is_empty() || values.is_empty() {
            return Seen::Nothing;
        }
        let [value] = values.as_slice() else { return Seen::Wrong };
        let Some(credentials) = credentials(value) else { return Seen::Wrong };
        let shown = digest(&credentials);
        // All of them are compared, whichever is right.
        let right =
            self.basic.iter().fold(subtle::Choice::from(0), |right, known| right | known.ct_eq(&shown));
        if bool::from(right) { Seen::Right } else { Seen::Wrong }
    }

    fn signed(&self, delivery: &Delivery<'_>) -> Seen {
        let Some(Signed { header, prefix, encoding, keyed }) = &self.hmac else { return Seen::Nothing };
        let values = (delivery.headers)(header);
        if values.is_empty() {
            return Seen::Nothing;
        }
        let [value] = values.as_slice() else { return Seen::Wrong };
        let Some(written) = value.trim_ascii().strip_prefix(prefix.as_slice()) else { return Seen::Wrong };
        let shown = match encoding {
            Encoding::Hex => hex::decode(written).ok(),
            Encoding::Base64 => BASE64_STANDARD.decode(written).ok(),
        };
        let Some(shown) = shown else { return Seen::Wrong };
        let right = keyed.iter().fold(false, |right, keyed| {
            let mut mac = keyed.clone();
            mac.update(delivery.body);
            mac.verify_slice(&shown).is_ok() | right
        });
        if right { Seen::Right } else { Seen::Wrong }
    }
}

/// What stands behind `Basic`.
fn credentials(value: &[u8]) -> Option<Vec<u8>> {
    let (scheme, rest) = value.trim_ascii().split_at_checked(6)?;
    (scheme.eq_ignore_ascii_case(b"basic ")).then_some(())?;
    BASE64_STANDARD.decode(rest.trim_ascii()).ok()
}

fn digest(bytes: &[u8]) -> [u8; 32] {
    Sha256::digest(bytes).into()
}

impl HookVerifier for PipedriveHooks {
    fn at_first_sight(&self, headers: Headers<'_>) -> Result<(), Refused> {
        match self.basic(headers) {
            Seen::Wrong => Err(Refused::Wrong(Check::Basic)),
            Seen::Right => Ok(()),
            Seen::Nothing if self.all && !self.basic.is_empty() => Err(Refused::Missing(Check::Basic)),
            // Only what is there can vouch for the body.
            Seen::Nothing => match &self.hmac {
                Some(signed) if !headers(&signed.header).is_empty() => Ok(()),
                Some(_) | None => Err(Refused::NoProof),
            },
        }
    }

    fn verify(&self, delivery: &Delivery<'_>) -> Result<Vec<Check>, Refused> {
        let mut vouched = Vec::new();
        let checks = [(Check::Basic, self.basic(delivery.headers)), (Check::Hmac, self.signed(delivery))];
        for (check, seen) in checks {
            match seen {
                Seen::Right => vouched.push(check),
                Seen::Wrong => return Err(Refused::Wrong(check)),
                Seen::Nothing => {}
            }
        }
        if self.all {
            let configured = [(Check::Basic, !self.basic.is_empty()), (Check::Hmac, self.hmac.is_some())];
            let missing = configured.into_iter().find(|(check, on)| *on && !vouched.contains(check));
            if let Some((check, _)) = missing {
                return Err(Refused::Missing(check));
            }
        }
        if vouched.is_empty() { Err(Refused::NoProof) } else { Ok(vouched) }
    }

    fn read(&self, body: &[u8]) -> Result<Option<HookEvent>, String> {
        let payload: Payload = serde_json::from_slice(body).map_err(|error| unlike(&error))?;
        event(payload, body)
    }
}

/// Where, not what: a body may hold anything.
pub(crate) fn unlike(error: &serde_json::Error) -> String {
    format!("it is not the JSON expected (line {}, column {})", error.line(), error.column())
}

/// Ids of webhooks and events are far shorter (5.2).
const LONGEST_KEY: usize = 200;

/// Both versions of a payload (5.2, 5.3): ids are texts in the one and numbers in the other.
#[derive(Debug, Deserialize)]
struct Payload {
    meta: Meta,
}

#[derive(Debug, Deserialize)]
struct Meta {
    /// `change`, or `updated` in version 1.
    action: Option<Json>,
    /// Version 2.
    entity: Option<Json>,
    /// Version 2.
    entity_id: Option<Json>,
    /// Version 1.
    object: Option<Json>,
    /// The event in version 2, the record in version 1.
    id: Option<Json>,
    webhook_id: Option<Json>,
    timestamp: Option<Json>,
    /// Version 1.
    timestamp_micro: Option<Json>,
    /// On the record that goes (5.2).
    merged_to_id: Option<Json>,
    /// On the record that stays.
    merged_from_id: Option<Json>,
}

/// What a deal was and is: in version 2 `data`, in version 1 `current`.
#[derive(Debug, Deserialize)]
struct Statuses {
    #[serde(alias = "current")]
    data: Option<DealStatus>,
    previous: Option<DealStatus>,
}

#[derive(Debug, Deserialize)]
struct DealStatus {
    status: Option<String>,
}

/// Whether a deal is won, was, or may be. Most changes are of deals that are not, and reading each again costs a token;
/// `previous` need not be complete (5.2), so polling finds what this leaves out.
fn may_be_won(body: &[u8]) -> bool {
    let Ok(Statuses { data, previous }) = serde_json::from_slice(body) else { return true };
    let status = |deal: Option<DealStatus>| deal.and_then(|deal| deal.status);
    match (status(data), status(previous)) {
        (None, None) => true,
        (now, before) => [now, before].into_iter().flatten().any(|status| status == "won"),
    }
}

fn event(payload: Payload, body: &[u8]) -> Result<Option<HookEvent>, String> {
    let Meta { action, entity, entity_id, object, id, webhook_id, .. } = &payload.meta;
    let (timestamp, micros) = (&payload.meta.timestamp, &payload.meta.timestamp_micro);
    let is_v2 = entity.is_some();
    let entity = text("meta.entity", if is_v2 { entity.as_ref() } else { object.as_ref() })?;
    let action = text("meta.action", action.as_ref())?.ok_or("meta.action is missing")?;
    let webhook = text("meta.webhook_id", webhook_id.as_ref())?.unwrap_or_default();
    let entity = match entity.as_deref() {
        Some("organization") => HookEntity::Organization,
        Some("deal") => HookEntity::Deal,
        Some(_) => return Ok(None),
        None => return Err("meta.entity is missing".to_owned()),
    };
    let record =
        if is_v2 { int("meta.entity_id", entity_id.as_ref())? } else { int("meta.id", id.as_ref())? };
    let record = record.filter(|id| *id > 0).ok_or("the record's id is missing")?;
    // Nothing depends on it: whatever it says, the record is read again.
    let at = if is_v2 {
        moment("meta.timestamp", timestamp.as_ref()).ok().flatten()
    } else {
        int("meta.timestamp_micro", micros.as_ref())
            .ok()
            .flatten()
            .and_then(|micros| Timestamp::UNIX_EPOCH.checked_add(SignedDuration::from_micros(micros)).ok())
    };
    let event = if is_v2 { text("meta.id", id.as_ref())? } else { None };
    let key = match event {
        // Whether events of a bulk edit may share an id is not known: the record is part of it.
        Some(event) => format!("{webhook}:{event}:{record}"),
        // Without an id of its own it is what happened to which record when.
        None => {
            let at = at.map_or_else(|| hex::encode(&digest(body)[..16]), |at| at.to_string());
            format!("{webhook}:{}:{record}:{action}:{at}", entity.key())
        }
    };
    if key.len() > LONGEST_KEY || action.len() > LONGEST_KEY {
        return Err("an id or an action is too long".to_owned());
    }
    let subscription = webhook.parse().ok().map(SubscriptionId);
    let merged = merger(&payload.meta, record);
    // Where a deal went that is gone no poll tells.
    let gone = merged.is_some_and(|merged| merged.gone == record);
    let urgent = entity == HookEntity::Organization || gone || may_be_won(body);
    Ok(Some(HookEvent { key, subscription, entity, record, action, at, urgent, merged }))
}

/// The merger that a record is part of. What cannot be read tells of none.
fn merger(meta: &Meta, record: i64) -> Option<Merged> {
    let other =
        |name, id: &Option<Json>| int(name, id.as_ref()).ok().flatten().filter(|id| *id > 0 && *id != record);
    let into = other("meta.merged_to_id", &meta.merged_to_id).map(|into| Merged { gone: record, into });
    into.or_else(|| {
        other("meta.merged_from_id", &meta.merged_from_id).map(|gone| Merged { gone, into: record })
    })
}
