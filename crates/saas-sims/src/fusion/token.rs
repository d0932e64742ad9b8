//! `POST /oauth2/v1/token` of the identity domain, and the check of the tokens it gave out (section 5).

use axum::http::{Method, StatusCode};
use base64::Engine as _;
use jiff::Timestamp;
use serde_json::json;

use super::settings::FusionSettings;
use super::state::State;
use crate::call::{Call, Reply};
use crate::text::digest;

pub(crate) fn grant(settings: &FusionSettings, state: &mut State, call: &Call, now: Timestamp) -> Reply {
    match check(settings, call) {
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
fn check(settings: &FusionSettings, call: &Call) -> Result<String, Reply> {
    if call.method != Method::POST {
        return Err(Reply::empty(StatusCode::METHOD_NOT_ALLOWED));
    }
    if call.media_type() != "application/x-www-form-urlencoded" {
        return Err(refuse("invalid_request", "The content type must be application/x-www-form-urlencoded."));
    }
    let form = call.form().ok_or_else(|| refuse("invalid_request", "A parameter is repeated."))?;
    let from_form = |name: &str| form.get(name).cloned();
    let (id, secret) = match (call.basic(), from_form("client_id"), from_form("client_secret")) {
        (Some(_), _, Some(_)) => {
            return Err(refuse("invalid_request", "More than one client authentication is used."));
        }
        (Some((id, secret)), _, None) | (None, Some(id), Some(secret)) => (id, secret),
        (None, _, _) => return Err(invalid_client()),
    };
    let fits = |wanted: &Option<String>, given: &str| {
        wanted.as_ref().map_or(!given.is_empty(), |wanted| wanted == given)
    };
    if !fits(&settings.client_id, &id) || !fits(&settings.client_secret, &secret) {
        return Err(invalid_client());
    }
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

fn refuse(error: &str, description: &str) -> Reply {
    Reply::json(StatusCode::BAD_REQUEST, &json!({"error": error, "error_description": description}))
}

fn invalid_client() -> Reply {
    let body = json!({"error": "invalid_client", "error_description": "Client authentication failed."});
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
