//! `POST /oauth2/v1/token` of the identity domain, and the check of the tokens it gave out (section 5).

use std::collections::BTreeMap;

use axum::http::{Method, StatusCode};
use base64::Engine as _;
use jiff::Timestamp;
use serde_json::json;

use super::assertion;
use super::settings::FusionSettings;
use super::state::State;
use crate::call::{Call, Reply};
use crate::text::digest;

/// The one type of client assertion (RFC 7523, section 2.2).
const JWT_BEARER: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// What is said where a reason would help a burglar.
const FAILED: &str = "Client authentication failed.";

pub(crate) fn grant(settings: &FusionSettings, state: &mut State, call: &Call, now: Timestamp) -> Reply {
    match check(settings, state, call, now) {
        Err(refusal) => refusal,
        Ok(scope) => {
            let token = make(state, &scope, now);
            let seconds = settings.token_lifetime.as_secs();
            state.tokens.insert(token.clone(), now.checked_add(settings.token_lifetime).unwrap_or(now));
            let body = json!({"access_token": token, "token_type": "Bearer", "expires_in": seconds});
            Reply::ok(&body).with("cache-control", "no-store").with("pragma", "no-cache")
        }
    }
}

/// 401 with an empty body unless the request carries a live token of a user that the pod knows.
pub(crate) fn refuse_bearer(
    settings: &FusionSettings,
    state: &State,
    call: &Call,
    now: Timestamp,
) -> Option<Reply> {
    let known = call.bearer().and_then(|token| state.tokens.get(token)).is_some_and(|end| now < *end);
    let basic = settings.basic.is_some() && settings.basic == call.basic();
    if (known || basic) && settings.user_known {
        return None;
    }
    Some(
        Reply::empty(StatusCode::UNAUTHORIZED)
            .with("www-authenticate", "Bearer realm=\"fusion\", error=\"invalid_token\""),
    )
}

/// The scope to grant, or the refusal as RFC 6749 section 5.2 words it.
fn check(settings: &FusionSettings, state: &mut State, call: &Call, now: Timestamp) -> Result<String, Reply> {
    if call.method != Method::POST {
        return Err(Reply::empty(StatusCode::METHOD_NOT_ALLOWED));
    }
    if call.media_type() != "application/x-www-form-urlencoded" {
        return Err(refuse("invalid_request", "The content type must be application/x-www-form-urlencoded."));
    }
    let form = call.form().ok_or_else(|| refuse("invalid_request", "A parameter is repeated."))?;
    authenticate(settings, state, call, &form, now)?;
    match form.get("grant_type").map(String::as_str) {
        None => return Err(refuse("invalid_request", "The grant_type is missing.")),
        Some("client_credentials") => {}
        Some(other) => {
            return Err(refuse(
                "unsupported_grant_type",
                &format!("The grant type {other} isn't supported."),
            ));
        }
    }
    let scope = form.get("scope").cloned().unwrap_or_default();
    if fits(&settings.scope, &scope) {
        Ok(scope)
    } else {
        Err(refuse("invalid_scope", "The scope isn't valid."))
    }
}

/// Whether something is the one that is wanted, or any if none is.
fn fits(wanted: &Option<String>, given: &str) -> bool {
    wanted.as_ref().map_or(!given.is_empty(), |wanted| wanted == given)
}

/// Exactly one way of client authentication: Basic, a secret in the form, or an assertion.
fn authenticate(
    settings: &FusionSettings,
    state: &mut State,
    call: &Call,
    form: &BTreeMap<String, String>,
    now: Timestamp,
) -> Result<(), Reply> {
    let from_form = |name: &str| form.get(name).cloned();
    let (header, secret) = (call.header("authorization"), from_form("client_secret"));
    let assertion = (from_form("client_assertion_type"), from_form("client_assertion"));
    let signs = assertion.0.is_some() || assertion.1.is_some();
    if usize::from(header.is_some()) + usize::from(secret.is_some()) + usize::from(signs) > 1 {
        return Err(refuse("invalid_request", "More than one client authentication is used."));
    }
    let named = from_form("client_id");
    let (id, good) = match (call.basic(), secret, assertion) {
        (Some((id, secret)), _, _) => (id, fits(&settings.client_secret, &secret)),
        (None, _, (Some(kind), Some(jwt))) if kind == JWT_BEARER => {
            let known = assertion::client(settings.assertion.as_ref(), state, &jwt, now);
            (known.map_err(invalid_client)?, true)
        }
        (None, _, (Some(_), Some(_))) => {
            return Err(invalid_client("The client_assertion_type isn't supported."));
        }
        (None, _, (None, Some(_)) | (Some(_), None)) => {
            return Err(refuse("invalid_request", "Half of the client assertion is missing."));
        }
        (None, Some(secret), (None, None)) => {
            (named.clone().unwrap_or_default(), fits(&settings.client_secret, &secret))
        }
        (None, None, (None, None)) => return Err(invalid_client(FAILED)),
    };
    if !good || !fits(&settings.client_id, &id) || named.is_some_and(|named| named != id) {
        return Err(invalid_client(FAILED));
    }
    Ok(())
}

fn refuse(error: &str, description: &str) -> Reply {
    Reply::json(StatusCode::BAD_REQUEST, &json!({"error": error, "error_description": description}))
}

fn invalid_client(description: &str) -> Reply {
    let body = json!({"error": "invalid_client", "error_description": description});
    Reply::json(StatusCode::UNAUTHORIZED, &body).with("www-authenticate", "Basic realm=\"identity\"")
}

/// Shaped like a JWT; the clients have no business reading it.
fn make(state: &mut State, scope: &str, now: Timestamp) -> String {
    let random = state.rng.u64(..).to_string();
    let encode = |text: &str| base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(text);
    let claims = json!({"scope": scope, "iat": now.as_second(), "jti": digest(&[&random])});
    let signature = digest(&["signature", &random]);
    format!(
        "{}.{}.{}",
        encode(r#"{"alg":"RS256","typ":"JWT"}"#),
        encode(&claims.to_string()),
        encode(&signature)
    )
}
