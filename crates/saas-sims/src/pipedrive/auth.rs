//! Who calls (section 4), and the OAuth token endpoint.

use std::collections::BTreeMap;

use axum::http::{Method, StatusCode};
use jiff::{SignedDuration, Timestamp};
use serde_json::json;

use super::oauth::Installation;
use super::problem::gateway;
use super::settings::PipedriveSettings;
use crate::call::{Call, Reply};
use crate::text::digest;

const ACCESS_LIFETIME: SignedDuration = SignedDuration::from_secs(3599);
/// A refresh token dies when it is not used for so long.
const REFRESH_LIFETIME: SignedDuration = SignedDuration::from_hours(60 * 24);

/// Whose window and which limit a request falls under.
#[derive(Clone, Debug)]
pub(crate) struct Caller {
    pub(crate) credential: String,
    pub(crate) oauth: bool,
}

/// Tokens that were given out.
#[derive(Debug, Default)]
pub(crate) struct Tokens {
    /// Access tokens and when they end.
    access: BTreeMap<String, Timestamp>,
    /// Refresh tokens and when they were last used; `None` once exchanged for another.
    refresh: BTreeMap<String, Option<Timestamp>>,
    /// Codes, denial, uninstallation.
    pub(crate) installation: Installation,
}

impl Tokens {
    /// Ends all access tokens.
    pub(crate) fn revoke(&mut self) {
        self.access.clear();
    }

    /// Ends one access token, if it is one.
    pub(crate) fn revoke_access(&mut self, token: &str) -> bool {
        self.access.remove(token).is_some()
    }

    /// Ends all tokens.
    pub(crate) fn end(&mut self) {
        self.access.clear();
        self.refresh.values_mut().for_each(|used| *used = None);
    }

    /// Whether this refresh token is in use.
    pub(crate) fn gave_refresh(&self, token: &str) -> bool {
        self.refresh.get(token).is_some_and(Option::is_some)
    }

    /// Whether this refresh token was ever in use.
    pub(crate) fn knows(&self, token: &str) -> bool {
        self.refresh.contains_key(token)
    }

    /// Who calls, or the 401.
    pub(crate) fn caller(
        &self,
        settings: &PipedriveSettings,
        call: &Call,
        now: Timestamp,
    ) -> Result<Caller, Reply> {
        if let Some(token) = call.header("x-api-token") {
            return match fits(settings.api_token.as_ref(), token) {
                true => Ok(Caller { credential: token.to_owned(), oauth: false }),
                false => Err(unauthorized("unauthorized access")),
            };
        }
        let Some(token) = call.bearer() else { return Err(unauthorized("unauthorized access")) };
        if self.access.get(token).is_some_and(|end| now < *end) {
            // One installation has one window, however often its token is refreshed.
            return Ok(Caller { credential: format!("oauth:{}", settings.user_id), oauth: true });
        }
        Err(unauthorized("Invalid token: access_token is invalid"))
    }

    /// `POST /oauth/token`: a code or a refresh token; form only, client credentials as Basic or in the body.
    pub(crate) fn grant(
        &mut self,
        settings: &PipedriveSettings,
        call: &Call,
        rng: &mut fastrand::Rng,
        now: Timestamp,
    ) -> Reply {
        match self.issue(settings, call, rng, now) {
            Ok(reply) | Err(reply) => reply,
        }
    }

    fn issue(
        &mut self,
        settings: &PipedriveSettings,
        call: &Call,
        rng: &mut fastrand::Rng,
        now: Timestamp,
    ) -> Result<Reply, Reply> {
        if call.method != Method::POST {
            return Err(Reply::empty(StatusCode::METHOD_NOT_ALLOWED));
        }
        if call.media_type() != "application/x-www-form-urlencoded" {
            let message = "Invalid request: content must be application/x-www-form-urlencoded";
            return Err(refuse("invalid_request", message));
        }
        let form = call
            .form()
            .ok_or_else(|| refuse("invalid_request", "Invalid request: a parameter is repeated"))?;
        let text = |name: &str| form.get(name).map_or("", String::as_str);
        let grant = text("grant_type");
        if grant.is_empty() {
            return Err(refuse("invalid_request", "Missing parameter: grant_type"));
        }
        client(settings, call)?;
        let fresh = |rng: &mut fastrand::Rng| {
            format!("{}:{}", settings.user_id, &digest(&["refresh", &rng.u64(..).to_string()])[..40])
        };
        let kept = match grant {
            "refresh_token" => {
                let given = text("refresh_token");
                let known = match self.refresh.get(given) {
                    Some(Some(used)) => now.duration_since(*used) <= REFRESH_LIFETIME,
                    Some(None) => false,
                    None => !self.installation.uninstalled && fits(settings.refresh_token.as_ref(), given),
                };
                if !known {
                    return Err(refuse("invalid_grant", "Invalid grant: refresh_token is invalid"));
                }
                if settings.rotate_refresh_tokens {
                    self.refresh.insert(given.to_owned(), None);
                    fresh(rng)
                } else {
                    given.to_owned()
                }
            }
            "authorization_code" => {
                self.installation.exchange(call, now)?;
                fresh(rng)
            }
            other => {
                return Err(refuse("unsupported_grant_type", &format!("Unsupported grant type: {other}")));
            }
        };
        self.refresh.insert(kept.clone(), Some(now));
        // Access tokens of the real system are long: store at least 768 characters.
        let random = rng.u64(..).to_string();
        let parts: String = (0..12).map(|part| digest(&["access", &random, &part.to_string()])).collect();
        let access = format!("v1u:{parts}");
        self.access.insert(access.clone(), now.checked_add(ACCESS_LIFETIME).unwrap_or(now));
        let api_domain = settings.public_url.clone().unwrap_or_else(|| format!("http://{}", call.host()));
        Ok(Reply::ok(&json!({
            "access_token": access, "token_type": "Bearer", "refresh_token": kept, "scope": settings.oauth.scopes,
            "expires_in": ACCESS_LIFETIME.as_secs(), "api_domain": api_domain,
        })))
    }
}

/// Client credentials as Basic or in the body.
pub(super) fn client(settings: &PipedriveSettings, call: &Call) -> Result<(), Reply> {
    let form = call.form().unwrap_or_default();
    let text = |name: &str| form.get(name).cloned().unwrap_or_default();
    let (id, secret) = match call.basic() {
        Some(pair) => pair,
        None if form.contains_key("client_id") => (text("client_id"), text("client_secret")),
        None => return Err(refuse("invalid_client", "Invalid client: cannot retrieve client credentials")),
    };
    match fits(settings.client_id.as_ref(), &id) && fits(settings.client_secret.as_ref(), &secret) {
        true => Ok(()),
        false => Err(refuse("invalid_client", "Invalid client: client is invalid")),
    }
}

pub(super) fn fits(wanted: Option<&String>, given: &str) -> bool {
    wanted.map_or(!given.is_empty(), |wanted| wanted == given)
}

pub(super) fn refuse(error: &str, message: &str) -> Reply {
    Reply::json(StatusCode::BAD_REQUEST, &json!({"success": false, "message": message, "error": error}))
}

fn unauthorized(error: &str) -> Reply {
    gateway(StatusCode::UNAUTHORIZED, error).with("x-401-by-gw", "true")
}
