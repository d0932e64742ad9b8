//! What a token endpoint answers (RFC 6749; pipedrive.md 4.2, oracle-fusion.md 5).

use bytes::Bytes;
use http::StatusCode;
use jiff::SignedDuration;
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;
use sync_core::{
    error::{CallError, ErrorKind},
    ports::Called,
};

use crate::{Reply, dialect::refusal_by_status, redact::redacted_body, scalar};

/// Name of the call in errors and logs.
pub(crate) const CALL: &str = "oauth.token";

/// Life of a token that does not say how long it lives: an hour, as both vendors' do.
const LIFE: SignedDuration = SignedDuration::from_hours(1);

/// Words for a grant that is not accepted, in lower case; the names of the keys are not certain (pipedrive.md 4.2).
const GRANT: [&str; 4] = ["invalid_grant", "invalid grant", "refresh_token is invalid", "already exchanged"];
/// No token is taken to live longer; one that ends before is renewed when it is refused.
const LONGEST_LIFE: SignedDuration = SignedDuration::from_hours(24 * 365);

/// A token endpoint's yes.
#[derive(Debug)]
pub(crate) struct Granted {
    pub(crate) access: SecretString,
    pub(crate) refresh: Option<SecretString>,
    pub(crate) life: SignedDuration,
    /// What was granted, if the endpoint says so: by commas there (pipedrive.md 4.2), by blanks elsewhere.
    pub(crate) scopes: Option<Vec<String>>,
    /// Where this token's API lives, if the endpoint says so (pipedrive.md 4.2).
    pub(crate) api_domain: Option<String>,
}

/// A token endpoint's no.
#[derive(Debug)]
pub(crate) struct Refused {
    pub(crate) error: CallError,
    /// The grant itself (the refresh token) is not accepted: another one may be.
    pub(crate) grant: bool,
}

/// Reads the answer. `secrets` never come back in a message, even if the endpoint repeats them.
pub(crate) fn read(reply: &Reply<'_>, secrets: &[&SecretString]) -> Result<Granted, Refused> {
    if reply.status.is_success() {
        return granted(reply).map_err(|error| Refused { error, grant: false });
    }
    let words = String::from_utf8_lossy(reply.body).to_ascii_lowercase();
    let grant = reply.status == StatusCode::BAD_REQUEST && GRANT.iter().any(|mark| words.contains(mark));
    let kind = match reply.status.as_u16() {
        // invalid_client, invalid_scope, invalid_grant, unsupported_grant_type: only a person can help.
        400 | 401 if !reply.is_html() && !reply.body.trim_ascii().is_empty() => ErrorKind::Unauthorized,
        401 => ErrorKind::Unauthorized,
        400 => ErrorKind::Transient { after: None },
        _ => refusal_by_status(reply),
    };
    let secrets: Vec<&str> = secrets.iter().map(|secret| secret.expose_secret()).collect();
    let body = redacted_body(&Bytes::copy_from_slice(reply.body), &secrets);
    let told = Reply { body: &body, status: reply.status, headers: reply.headers, now: reply.now };
    let message = match description(&told) {
        Some(words) => told.saying(&words),
        None => told.message(),
    };
    Err(Refused { error: CallError::without_effect(CALL, kind, message), grant })
}

fn description(reply: &Reply<'_>) -> Option<String> {
    let json = reply.json()?;
    let word = |key| json.get(key).and_then(Value::as_str);
    match (word("error"), word("error_description").or_else(|| word("message"))) {
        (Some(code), Some(words)) => Some(format!("{code}: {words}")),
        (Some(words), None) | (None, Some(words)) => Some(words.to_owned()),
        (None, None) => None,
    }
}

/// The scopes of a list.
#[must_use]
pub fn scopes(list: &str) -> Vec<String> {
    list.split([',', ' ']).map(str::trim).filter(|scope| !scope.is_empty()).map(str::to_owned).collect()
}

fn granted(reply: &Reply<'_>) -> Called<Granted> {
    let unreadable = |what: String| CallError::without_effect(CALL, ErrorKind::Unreadable, what);
    let json =
        reply.json().ok_or_else(|| unreadable("the token endpoint's answer is not JSON".to_owned()))?;
    let secret =
        |key| json.get(key).and_then(Value::as_str).filter(|text| !text.is_empty()).map(SecretString::from);
    let access =
        secret("access_token").ok_or_else(|| unreadable("the answer contains no access token".to_owned()))?;
    let seconds = scalar::int("expires_in", json.get("expires_in")).unwrap_or(None);
    let life = seconds
        .filter(|seconds| *seconds > 0)
        .map_or(LIFE, |seconds| SignedDuration::from_secs(seconds).min(LONGEST_LIFE));
    let api_domain = json.get("api_domain").and_then(Value::as_str).map(str::to_owned);
    let scopes = json.get("scope").and_then(Value::as_str).map(scopes);
    Ok(Granted { access, refresh: secret("refresh_token"), life, scopes, api_domain })
}
