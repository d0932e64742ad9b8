//! Authorization, codes, revocation and uninstallation (section 4.2); tokens themselves are in [`super::auth`].

mod authorize;
mod people;
mod pkce;
mod settings;

use std::collections::BTreeMap;

use axum::http::{Method, StatusCode};
use jiff::{SignedDuration, Timestamp};
use serde::Serialize;

pub(super) use authorize::authorize;
pub use settings::OAuthSettings;

use super::auth::{Tokens, client, fits, refuse};
use super::settings::PipedriveSettings;
use super::state::State;
use crate::call::{Call, Reply};
use pkce::Challenge;

/// A code lives so long.
const CODE_LIFETIME: SignedDuration = SignedDuration::from_mins(5);

/// What happened between the app and the company besides tokens.
#[derive(Debug, Default)]
pub(crate) struct Installation {
    /// Codes that were given out and not used yet.
    codes: BTreeMap<String, Code>,
    /// Whether the next authorization is denied.
    pub(super) denying: bool,
    /// Whether the app was ever uninstalled: from then on only refresh tokens that were given out since are good.
    pub(super) uninstalled: bool,
    /// `DELETE` requests that Pipedrive sent to the app's callback URL.
    pub(super) callbacks: Vec<Uninstall>,
}

#[derive(Debug)]
struct Code {
    redirect_uri: String,
    challenge: Option<Challenge>,
    end: Timestamp,
}

/// The `DELETE` that tells the app's callback URL of an uninstallation; with Basic `client_id:client_secret`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Uninstall {
    /// The app.
    pub client_id: String,
    /// The company that uninstalled it.
    pub company_id: i64,
    /// The user whose installation it was.
    pub user_id: i64,
    /// When.
    pub timestamp: Timestamp,
}

impl Installation {
    /// Takes a code: five minutes, one use, the same `redirect_uri`.
    pub(super) fn exchange(&mut self, call: &Call, now: Timestamp) -> Result<(), Reply> {
        let form = call.form().unwrap_or_default();
        let text = |name: &str| form.get(name).map_or("", String::as_str);
        let Some(code) = self.codes.get(text("code")) else {
            return Err(refuse("invalid_grant", "Invalid grant: authorization_code is invalid"));
        };
        if now >= code.end {
            return Err(refuse("invalid_grant", "Invalid grant: authorization_code has expired"));
        }
        if code.redirect_uri != text("redirect_uri") {
            return Err(refuse("invalid_request", "Invalid request: redirect_uri is invalid"));
        }
        if !pkce::answered(code.challenge.as_ref(), form.get("code_verifier").map(String::as_str)) {
            return Err(refuse("invalid_grant", "Invalid grant: code_verifier is invalid"));
        }
        self.codes.remove(text("code"));
        Ok(())
    }
}

/// `POST /oauth/revoke`: always 200, also when nothing is revoked. The refresh token's end is the app's uninstallation.
pub(super) fn revoke(settings: &PipedriveSettings, state: &mut State, call: &Call, now: Timestamp) -> Reply {
    if call.method != Method::POST {
        return Reply::empty(StatusCode::METHOD_NOT_ALLOWED);
    }
    let form = call.form().filter(|_| call.media_type() == "application/x-www-form-urlencoded");
    if let (Some(form), true) = (form, client(settings, call).is_ok()) {
        let token = form.get("token").map_or("", String::as_str);
        let hint = form.get("token_type_hint").map(String::as_str);
        // The hint only helps to look: a token that is known is known whatever the hint says.
        if !state.tokens.revoke_access(token)
            && (state.tokens.gave_refresh(token)
                || (hint != Some("access_token") && first_refresh(settings, &state.tokens, token)))
        {
            uninstall(settings, state, now);
        }
    }
    Reply::empty(StatusCode::OK)
}

/// Whether this is the refresh token that the settings brought along.
fn first_refresh(settings: &PipedriveSettings, tokens: &Tokens, token: &str) -> bool {
    !tokens.installation.uninstalled && !tokens.knows(token) && fits(settings.refresh_token.as_ref(), token)
}

/// Ends the installation: tokens, codes, and the app's callback is told.
pub(super) fn uninstall(settings: &PipedriveSettings, state: &mut State, now: Timestamp) {
    state.tokens.end();
    state.webhooks.uninstall(settings, now);
    let installation = &mut state.tokens.installation;
    installation.codes.clear();
    installation.uninstalled = true;
    installation.callbacks.push(Uninstall {
        client_id: settings.client_id.clone().unwrap_or_default(),
        company_id: settings.company_id,
        user_id: settings.user_id,
        timestamp: now,
    });
}
