//! `/connect/{connection}`: people come back here from the CRM's page on which they gave access, or did not; and the CRM
//! tells here that somebody took it away.
//!
//! Who comes back is known by the state alone: by its hash, once, in time. Before that nothing is exchanged. What
//! happens then is the vendor's part, behind [`Connecting`]. Code and state are in no log and on no page.

use std::{collections::BTreeMap, sync::Arc};

use async_trait::async_trait;
use axum::{
    body::{Body, to_bytes},
    extract::{Path, Query, State},
    http::{HeaderMap, Method, StatusCode, Uri, header},
    response::{IntoResponse as _, Response},
    routing::{MethodRouter, get},
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use secrecy::{ExposeSecret as _, SecretString};
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;
use sync_core::{ids::ConnectionId, ports::Clock};
use sync_store::{Attempt, AttemptEnd, Connected, Store};
use tower::limit::GlobalConcurrencyLimitLayer;

use crate::{door::Door, page::Page};

/// The most bytes of what tells of an end.
const MOST_BYTES: usize = 64 << 10;

/// People and callbacks at a time: they are few.
const AT_A_TIME: usize = 16;

/// The vendor's part of connecting.
#[async_trait]
pub trait Connecting: Send + Sync {
    /// Exchanges the code that a person brought back, finds out whose company it is, and keeps what was granted or gives
    /// it back. Whatever becomes of it is the end of the attempt.
    async fn granted(&self, attempt: &Attempt, code: SecretString) -> AttemptEnd;

    /// The remote system tells that access was ended there; that it is the one is proven already.
    async fn ended(&self, told: &[u8]);
}

/// The door of one connection.
pub struct ConnectDoor {
    /// The connection.
    pub connection: ConnectionId,
    /// The user by whom the remote system proves that it is the one that tells of an end (HTTP Basic).
    pub user: String,
    /// The password to it.
    pub password: SecretString,
    /// The vendor's part.
    pub vendor: Arc<dyn Connecting>,
}

/// The doors of all connections of the process, by their names.
pub struct Connects {
    doors: BTreeMap<String, ConnectDoor>,
    store: Store,
    clock: Arc<dyn Clock>,
}

impl Connects {
    /// Doors.
    #[must_use]
    pub fn new(doors: BTreeMap<String, ConnectDoor>, store: Store, clock: Arc<dyn Clock>) -> Arc<Self> {
        Arc::new(Self { doors, store, clock })
    }

    async fn back(self: &Arc<Self>, name: &str, uri: &Uri) -> Response {
        let again =
            format!("Begin again: in the console under Setup, or with `ml-connector connect {name}`.");
        let setup = format!("/c/{}/setup", crate::console::part_of(name));
        let Some(door) = self.doors.get(name) else {
            return Page::new("There is no such connection")
                .says("Nothing was changed. Look whether the redirect URL of the app names the connection as the configuration does.")
                .answer(StatusCode::NOT_FOUND);
        };
        let stale = || {
            Page::new("This link is not valid any more")
                .says("It is too old, was used before, or was not made for this connection. Nothing was changed.")
                .says(&again)
                .answer(StatusCode::BAD_REQUEST)
        };
        let Some(Back { state, brought }) = Back::read(uri) else { return stale() };
        let hash = hex::encode(Sha256::digest(state.expose_secret()));
        let attempt = match self.store.take_attempt(door.connection, &hash, self.clock.now()).await {
            Ok(Some(attempt)) => attempt,
            Ok(None) => {
                tracing::warn!(connection = name, "somebody came back with a state that is not valid");
                return stale();
            }
            Err(error) => {
                tracing::error!(connection = name, %error, "an attempt to connect cannot be looked up");
                return Page::new("The connector cannot use its store")
                    .says("Nothing was changed. Load this page again in a minute.")
                    .answer(StatusCode::SERVICE_UNAVAILABLE);
            }
        };
        // Whether or not the person waits: a code that was exchanged is not left lying about.
        let (connects, owned) = (Arc::clone(self), name.to_owned());
        let finished = tokio::spawn(async move { connects.finish(&owned, &attempt, brought).await });
        match finished.await {
            Ok(end) => told(name, &end, &again)
                .leads(&setup, "To the connection in the console")
                .answer(status(&end)),
            Err(_) => Page::new("Something went wrong")
                .says("The connector's log tells what.")
                .says(&again)
                .answer(StatusCode::INTERNAL_SERVER_ERROR),
        }
    }

    async fn finish(&self, name: &str, attempt: &Attempt, brought: Brought) -> AttemptEnd {
        let Some(door) = self.doors.get(name) else {
            return AttemptEnd::Failed {
                message: "there is no such connection".to_owned(),
                help: String::new(),
            };
        };
        let end = match brought {
            Brought::Code(code) => door.vendor.granted(attempt, code).await,
            Brought::Denial(said) => AttemptEnd::Denied { said },
        };
        match &end {
            AttemptEnd::Connected(Connected { company_id, user_id, .. }) => {
                tracing::info!(connection = name, company = company_id, user = user_id, "access was given");
            }
            AttemptEnd::Denied { said } => tracing::warn!(connection = name, said, "access was denied"),
            AttemptEnd::Failed { message, .. } => {
                tracing::warn!(connection = name, message, "access was not established");
            }
        }
        let kept = self.store.end_attempt(door.connection, &attempt.state_hash, &end, self.clock.now()).await;
        if let Err(error) = kept {
            tracing::error!(connection = name, %error, "the end of an attempt to connect cannot be stored");
        }
        end
    }

    async fn gone(self: &Arc<Self>, name: &str, headers: &HeaderMap, body: Body) -> StatusCode {
        let Some(door) = self.doors.get(name).filter(|door| door.vouches(headers)) else {
            tracing::warn!("an end of access was told without the proof for it");
            return StatusCode::UNAUTHORIZED;
        };
        let Ok(told) = to_bytes(body, MOST_BYTES).await else {
            tracing::warn!(connection = name, "an end of access was told at too great length");
            return StatusCode::OK;
        };
        let vendor = Arc::clone(&door.vendor);
        // A panic would be logged; whoever told us cannot help it.
        let _ = tokio::spawn(async move { vendor.ended(&told).await }).await;
        StatusCode::OK
    }
}

impl ConnectDoor {
    /// Compares digests, so that time tells nothing, not even a length.
    fn vouches(&self, headers: &HeaderMap) -> bool {
        let mut all = headers.get_all(header::AUTHORIZATION).iter();
        let (Some(one), None) = (all.next(), all.next()) else { return false };
        let Some((scheme, encoded)) = one.to_str().ok().and_then(|text| text.split_once(' ')) else {
            return false;
        };
        let Ok(given) = STANDARD.decode(encoded.trim()) else { return false };
        let known = format!("{}:{}", self.user, self.password.expose_secret());
        let same: bool = Sha256::digest(&given).ct_eq(&Sha256::digest(known)).into();
        scheme.eq_ignore_ascii_case("basic") && same
    }
}

/// What somebody comes back with.
struct Back {
    state: SecretString,
    brought: Brought,
}

enum Brought {
    Code(SecretString),
    /// The word for a denial.
    Denial(String),
}

impl Back {
    /// None for anything but one state with either one code or one denial.
    fn read(uri: &Uri) -> Option<Self> {
        let Query(pairs) = Query::<Vec<(String, String)>>::try_from_uri(uri).ok()?;
        let all = |wanted: &str| -> Vec<&str> {
            pairs.iter().filter(|(name, _)| name == wanted).map(|(_, text)| text.as_str()).collect()
        };
        let [state] = all("state")[..] else { return None };
        let brought = match (&all("code")[..], &all("error")[..]) {
            ([code], []) if !code.is_empty() => Brought::Code(SecretString::from(*code)),
            ([], [error]) => Brought::Denial(word(error)),
            _ => return None,
        };
        Some(Self { state: SecretString::from(state), brought })
    }
}

/// A word of RFC 6749, 4.1.2.1, and nothing else.
fn word(text: &str) -> String {
    let plain = text.len() <= 64 && text.bytes().all(|c| c.is_ascii_alphanumeric() || c == b'_');
    if plain && !text.is_empty() { text.to_owned() } else { "error".to_owned() }
}

fn status(end: &AttemptEnd) -> StatusCode {
    match end {
        AttemptEnd::Connected(_) | AttemptEnd::Denied { .. } => StatusCode::OK,
        AttemptEnd::Failed { .. } => StatusCode::CONFLICT,
    }
}

fn told(name: &str, end: &AttemptEnd, again: &str) -> Page {
    match end {
        AttemptEnd::Connected(connected) => connected_page(name, connected),
        AttemptEnd::Denied { said } => {
            Page::new("Access was denied").says(&format!("Nothing was changed ({said}).")).says(again)
        }
        AttemptEnd::Failed { message, help } => {
            Page::new("Access was not established").says(message).says(help)
        }
    }
}

fn connected_page(name: &str, connected: &Connected) -> Page {
    let Connected {
        company_id,
        company_name,
        company_domain,
        user_id,
        user_name,
        scopes,
        missing,
        api_domain,
    } = connected;
    let named = |name: &Option<String>, id: &i64| match name {
        Some(name) => format!("{name} ({id})"),
        None => id.to_string(),
    };
    let mut rows = vec![("Company", named(company_name, company_id)), ("User", named(user_name, user_id))];
    rows.extend(company_domain.iter().map(|domain| ("Domain", domain.clone())));
    rows.extend(api_domain.iter().map(|domain| ("API", domain.clone())));
    let told = scopes.is_some();
    let scopes = scopes.as_ref().map_or_else(|| "not told".to_owned(), |scopes| scopes.join(", "));
    rows.push(("Scopes", scopes));
    let page = Page::new(&format!("{name} is connected")).lists(&rows);
    if !told {
        return page.says(
            "Which scopes were granted was not told: `ml-connector check` tries. You can close this page.",
        );
    }
    if missing.is_empty() {
        return page.says("Every scope that is wanted was granted. You can close this page.");
    }
    let missing: Vec<(&str, String)> =
        missing.iter().map(|missing| (missing.scope.as_str(), missing.without.clone())).collect();
    page.says("Some scopes were not granted. Add them to the app and connect again. Without them:")
        .lists(&missing)
}

/// No bearer token: a state, or the app's own secret, is the proof.
pub(crate) fn methods() -> MethodRouter<Door> {
    get(back).delete(gone).layer(GlobalConcurrencyLimitLayer::new(AT_A_TIME))
}

async fn back(State(door): State<Door>, Path(name): Path<String>, method: Method, uri: Uri) -> Response {
    if method != Method::GET {
        // Whoever only looks ahead (HEAD) uses nobody's state up.
        return StatusCode::METHOD_NOT_ALLOWED.into_response();
    }
    door.parts.connects.back(&name, &uri).await
}

async fn gone(
    State(door): State<Door>,
    Path(name): Path<String>,
    headers: HeaderMap,
    body: Body,
) -> StatusCode {
    door.parts.connects.gone(&name, &headers, body).await
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(query: &str) -> Option<(String, Result<String, String>)> {
        let uri: Uri = format!("/connect/acme?{query}").parse().unwrap();
        let Back { state, brought } = Back::read(&uri)?;
        let brought = match brought {
            Brought::Code(code) => Ok(code.expose_secret().to_owned()),
            Brought::Denial(said) => Err(said),
        };
        Some((state.expose_secret().to_owned(), brought))
    }

    #[test]
    fn one_state_with_one_code_or_one_denial_and_nothing_twice() {
        assert_eq!(read("code=a%20b&state=s"), Some(("s".to_owned(), Ok("a b".to_owned()))));
        let denied = |said: &str| Some(("s".to_owned(), Err(said.to_owned())));
        assert_eq!(read("error=user_denied&state=s&error_description=x"), denied("user_denied"));
        assert_eq!(read("error=%3Cb%3E&state=s"), denied("error"));
        for query in [
            "",
            "code=a",
            "state=s",
            "code=&state=s",
            "code=a&code=b&state=s",
            "code=a&state=s&state=t",
            "code=a&error=b&state=s",
        ] {
            assert_eq!(read(query), None, "{query}");
        }
    }
}
