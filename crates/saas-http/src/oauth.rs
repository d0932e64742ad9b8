//! Access tokens: fetched once for all, renewed at 80 % of their life, renewed at once when refused.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use http::{HeaderValue, header};
use jiff::{SignedDuration, Timestamp};
use secrecy::{ExposeSecret, SecretString};
use sync_core::{
    error::{CallError, Effect, ErrorKind},
    ports::{Called, Clock},
};
use tokio::sync::Mutex;

use crate::{
    BaseUrl, ClientProof, RefreshToken, Reply, RequestTimeout, Sleeper, Transport, TransportError,
    base_url::encode,
    proof::Proof,
    token_reply::{self, CALL, Granted, Refused},
    transport::unmarked,
};

/// A token endpoint does little; it answers soon or not at all.
pub(crate) const TIMEOUT: Duration = Duration::from_secs(30);

/// How long to go on with a token that could not be renewed early.
const AGAIN: SignedDuration = SignedDuration::from_secs(30);

/// An OAuth client as the token endpoint knows it.
#[derive(Debug, Clone)]
pub struct OAuthClient {
    /// Where tokens come from.
    pub token_url: BaseUrl,
    /// The client's public name.
    pub id: String,
    /// How it proves that it is this client.
    pub proof: ClientProof,
}

impl OAuthClient {
    /// A request with a form, in the client's name.
    pub(crate) fn form(
        &self,
        url: &BaseUrl,
        form: &[(&str, &str)],
        proof: &Proof,
    ) -> Called<http::Request<Bytes>> {
        let proven = proof.form.iter().map(|(name, value)| (*name, value.as_str()));
        let assertion = proof.assertion.iter().map(|(name, secret)| (*name, secret.expose_secret()));
        let pairs = form.iter().copied().chain(proven).chain(assertion);
        let pairs: Vec<String> =
            pairs.map(|(name, value)| format!("{}={}", encode(name), encode(value))).collect();
        let mut request = http::Request::post(url.join("", &[]));
        if let Some(value) = &proof.header {
            request = request.header(header::AUTHORIZATION, value);
        }
        request
            .header(header::ACCEPT, HeaderValue::from_static("application/json"))
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .extension(RequestTimeout(TIMEOUT))
            .body(Bytes::from(pairs.join("&")))
            .map_err(|error| CallError::without_effect(CALL, ErrorKind::Rejected, error.to_string()))
    }
}

/// Tokens for the client itself (oracle-fusion.md 5).
#[derive(Debug, Clone)]
pub struct ClientCredentials {
    /// Exactly as the vendor gives it: for Fusion audience and scope are one string without a separator.
    pub scope: String,
}

#[derive(Debug)]
enum Grant {
    Client(ClientCredentials),
    Refresh(Box<RefreshToken>),
}

/// Where access tokens come from. One per connection.
pub struct TokenSource {
    client: OAuthClient,
    grant: Grant,
    /// Below which domain an `api_domain` is followed; nowhere if absent.
    follows: Option<&'static str>,
    /// Who waits while another process stores what it was given.
    sleeper: Option<Arc<dyn Sleeper>>,
    transport: Arc<dyn Transport>,
    clock: Arc<dyn Clock>,
    state: Mutex<State>,
    requests: AtomicU64,
}

#[derive(Default)]
struct State {
    current: Option<Current>,
    fetched: u64,
}

struct Current {
    token: AccessToken,
    renew_at: SignedDuration,
    dead_at: SignedDuration,
}

/// A token and which one it is.
#[derive(Clone)]
pub(crate) struct AccessToken {
    pub(crate) secret: SecretString,
    pub(crate) number: u64,
    /// Where the API of this token lives, if not where the configuration says.
    pub(crate) home: Option<BaseUrl>,
}

impl TokenSource {
    /// Tokens by client_credentials.
    pub fn client_credentials(
        client: OAuthClient,
        grant: ClientCredentials,
        transport: Arc<dyn Transport>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self::of(client, Grant::Client(grant), transport, clock)
    }

    /// Tokens by a refresh token.
    pub fn refresh_token(
        client: OAuthClient,
        grant: RefreshToken,
        transport: Arc<dyn Transport>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self::of(client, Grant::Refresh(Box::new(grant)), transport, clock)
    }

    fn of(client: OAuthClient, grant: Grant, transport: Arc<dyn Transport>, clock: Arc<dyn Clock>) -> Self {
        let (state, requests) = (Mutex::default(), AtomicU64::new(0));
        Self { client, grant, follows: None, sleeper: None, transport, clock, state, requests }
    }

    /// Requests go to the `api_domain` that comes with a token, if that is an https address below `domain`: a
    /// token is never shown to anybody else, whatever an answer says.
    #[must_use]
    pub fn following(self, domain: &'static str) -> Self {
        Self { follows: Some(domain), ..self }
    }

    /// A refresh token that is refused may have been exchanged by another process just now: it is given a moment to store
    /// what it got.
    #[must_use]
    pub fn waiting(self, sleeper: Arc<dyn Sleeper>) -> Self {
        Self { sleeper: Some(sleeper), ..self }
    }

    pub(crate) async fn sleep(&self, wait: SignedDuration) {
        if let Some(sleeper) = &self.sleeper {
            sleeper.sleep(wait).await;
        }
    }

    fn home(&self, api_domain: Option<&str>) -> Option<BaseUrl> {
        let (domain, text) = (self.follows?, api_domain?);
        let home = BaseUrl::parse("api_domain", text).ok().filter(|home| home.is_below(domain));
        if home.is_none() {
            tracing::warn!("the token endpoint named an API address outside {domain}; it is not followed");
        }
        home
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    pub(crate) fn requests(&self) -> u64 {
        self.requests.load(Ordering::Relaxed)
    }

    /// A token other than the refused one. Whoever comes while one is being fetched waits for that one.
    pub(crate) async fn token(&self, refused: Option<u64>) -> Called<AccessToken> {
        let mut state = self.state.lock().await;
        let now = self.clock.monotonic();
        let usable = state.current.as_ref().filter(|current| Some(current.token.number) != refused);
        let usable = usable.filter(|current| now < current.dead_at);
        if let Some(current) = usable.filter(|current| now < current.renew_at) {
            return Ok(current.token.clone());
        }
        let still_good = usable.map(|current| current.token.clone());
        match (self.fetch().await, still_good) {
            (Ok(granted), _) => Ok(self.keep(&mut state, granted)),
            (Err(error), Some(token)) if matches!(error.kind, ErrorKind::Transient { .. }) => {
                tracing::warn!(%error, "the access token could not be renewed early; the old one is still good");
                if let Some(current) = &mut state.current {
                    current.renew_at = self.clock.monotonic() + AGAIN;
                }
                Ok(token)
            }
            (Err(error), _) => Err(error),
        }
    }

    fn keep(&self, state: &mut State, granted: Granted) -> AccessToken {
        let now = self.clock.monotonic();
        let home = self.home(granted.api_domain.as_deref());
        state.fetched += 1;
        let token = AccessToken { secret: granted.access, number: state.fetched, home };
        let (renew_at, dead_at) = (now + granted.life * 4 / 5, now + granted.life);
        state.current = Some(Current { token: token.clone(), renew_at, dead_at });
        token
    }

    async fn fetch(&self) -> Called<Granted> {
        match &self.grant {
            Grant::Client(ClientCredentials { scope }) => {
                let form = [("grant_type", "client_credentials"), ("scope", scope)];
                self.post(&form, &[]).await.map_err(|refused| refused.error)
            }
            Grant::Refresh(refresh) => refresh.fetch(self).await,
        }
    }

    /// Asks the token endpoint once.
    pub(crate) async fn post(
        &self,
        form: &[(&str, &str)],
        secrets: &[&SecretString],
    ) -> Result<Granted, Refused> {
        let plainly = |error| Refused { error, grant: false };
        let proof = self.client.proof.of(&self.client.id, self.clock.now()).map_err(plainly)?;
        let request = self.client.form(&self.client.token_url, form, &proof).map_err(plainly)?;
        self.requests.fetch_add(1, Ordering::Relaxed);
        let answer = self.transport.send(request).await.map_err(|error| plainly(unanswered(&error)))?;
        let (parts, body) = unmarked(answer).into_parts();
        tracing::debug!(call = CALL, status = parts.status.as_u16(), "answered");
        let reply =
            Reply { status: parts.status, headers: &parts.headers, body: &body, now: self.clock.now() };
        let mut hidden = vec![&proof.hidden];
        hidden.extend(secrets);
        let explained = |refused| self.client.proof.explained(refused, reply.headers, reply.now);
        token_reply::read(&reply, &hidden).map_err(explained)
    }
}

/// The call that needed the token was not sent, whatever became of the request for the token.
pub(crate) fn unanswered(error: &TransportError) -> CallError {
    let kind = ErrorKind::Transient { after: None };
    CallError {
        call: CALL,
        kind,
        effect: Effect::None,
        message: error.to_string(),
        correlation: None,
        exchange: None,
    }
}

impl std::fmt::Debug for TokenSource {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TokenSource")
            .field("client", &self.client)
            .field("grant", &self.grant)
            .finish_non_exhaustive()
    }
}
