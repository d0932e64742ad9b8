//! `GET /oauth/authorize`: the consent page, with a person who agrees at once, or denies if so told.

use axum::http::{Method, StatusCode};
use jiff::Timestamp;
use url::Url;

use super::super::auth::{fits, refuse};
use super::super::settings::PipedriveSettings;
use super::super::state::State;
use super::pkce::Challenge;
use super::{CODE_LIFETIME, Code};
use crate::call::{Call, Reply};
use crate::text::digest;

const PKCE: [&str; 2] = ["code_challenge", "code_challenge_method"];

/// Redirects with a code or the denial; what is wrong with app or callback is said here and not there.
pub(in super::super) fn authorize(
    settings: &PipedriveSettings,
    state: &mut State,
    call: &Call,
    now: Timestamp,
) -> Reply {
    match consent(settings, state, call, now) {
        Ok(location) => Reply::empty(StatusCode::FOUND).with("location", location),
        Err(reply) => reply,
    }
}

fn consent(
    settings: &PipedriveSettings,
    state: &mut State,
    call: &Call,
    now: Timestamp,
) -> Result<String, Reply> {
    if call.method != Method::GET {
        return Err(Reply::empty(StatusCode::METHOD_NOT_ALLOWED));
    }
    let invalid = |what: &str| refuse("invalid_request", &format!("Invalid request: {what}"));
    if let Some(name) = call.repeated_param() {
        return Err(invalid(&format!("{name} is repeated")));
    }
    // Scopes are set in the Developer Hub.
    let known = ["client_id", "redirect_uri", "state", "response_type"];
    let taken = |name: &str| known.contains(&name) || (settings.oauth.pkce && PKCE.contains(&name));
    if let Some((name, _)) = call.query.iter().find(|(name, _)| !taken(name)) {
        return Err(invalid(&format!("{name} is not a parameter")));
    }
    if call.param("response_type").is_some_and(|kind| kind != "code") {
        return Err(invalid("response_type is invalid"));
    }
    if !call.param("client_id").is_some_and(|id| fits(settings.client_id.as_ref(), id)) {
        return Err(refuse("invalid_client", "Invalid client: client is invalid"));
    }
    let redirect_uri = call.param("redirect_uri").unwrap_or_default();
    let absolute =
        Url::parse(redirect_uri).ok().filter(|url| url.has_host() && url.scheme().starts_with("http"));
    let wanted = settings.oauth.redirect_uri.as_deref().is_none_or(|wanted| wanted == redirect_uri);
    let (Some(mut location), true) = (absolute, wanted) else {
        return Err(invalid("redirect_uri is invalid"));
    };
    let challenge = Challenge::of(call).map_err(invalid)?;
    let random = digest(&["code", &state.rng.u64(..).to_string()]);
    let installation = &mut state.tokens.installation;
    if installation.denying {
        location.query_pairs_mut().append_pair("error", &settings.oauth.denial);
    } else {
        let end = now.checked_add(CODE_LIFETIME).unwrap_or(now);
        let code = Code { redirect_uri: redirect_uri.to_owned(), challenge, end };
        location.query_pairs_mut().append_pair("code", &random[..40]);
        installation.codes.insert(random[..40].to_owned(), code);
    }
    if let Some(echoed) = call.param("state") {
        location.query_pairs_mut().append_pair("state", echoed);
    }
    Ok(location.into())
}
