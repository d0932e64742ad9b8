//! Access in lives: the product's token source, its vault in the life's store, and requests as they would travel.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use http::{HeaderMap, Method, StatusCode, header};
use saas_http::{
    Adaptive, BaseUrl, Caller, ClientProof, Credentials, Endpoint, OAuthClient, Pass, Plain, RefreshToken,
    TokenSource, Transport, TransportError, Wiring,
};
use serde_json::json;
use sync_core::budget::Class;
use sync_core::ports::Called;
use sync_engine::simulation::{Access, Answer, Badge, House, Issued, Office, Trial};
use sync_store::{MasterKey, Vault};

/// The vault's name for the refresh token.
const TOKEN: &str = "crm.refresh_token";
const KEY: [u8; 32] = *b"the master key of simulated life";
/// One at a time would do: processes of lives wait for each other.
const AT_ONCE: usize = 9;

/// Makes what processes are let in with.
pub(super) struct Identity {
    #[cfg(feature = "planted")]
    saves_late: bool,
}

impl Identity {
    /// That of a life.
    #[cfg_attr(not(feature = "planted"), expect(unused_variables, reason = "no bug can be planted"))]
    pub(super) fn of(trial: &Trial) -> Self {
        Self {
            #[cfg(feature = "planted")]
            saves_late: trial.bug.is_some_and(|bug| bug.name == "refresh-token-saved-late"),
        }
    }
}

fn grant(house: &House) -> RefreshToken {
    let vault = Vault::new(house.store.clone(), house.connection, MasterKey::from_bytes(KEY));
    RefreshToken::new(TOKEN, None, "connect again", Arc::new(vault))
}

#[async_trait]
impl Access for Identity {
    fn begin(&self, house: House, office: Office) -> Arc<dyn Badge> {
        let grant = grant(&house);
        #[cfg(feature = "planted")]
        let grant = if self.saves_late { grant.saving_late() } else { grant };
        let url = |what, text| BaseUrl::parse(what, text).ok();
        let parts = url("token_url", "https://id.example/token").zip(url("base_url", "https://crm.example"));
        let Some((token_url, base)) = parts else { return Arc::new(Locked) };
        let transport: Arc<dyn Transport> = Arc::new(Wire(office));
        let client = OAuthClient {
            token_url,
            id: "simulated".to_owned(),
            proof: ClientProof::Secret("hunter2".into()),
        };
        let source = TokenSource::refresh_token(client, grant, transport.clone(), house.clock.clone());
        Arc::new(Card(Caller::new(Wiring {
            base,
            headers: HeaderMap::new(),
            timeout: Duration::from_secs(30),
            transport,
            credentials: Credentials::bearer(source),
            gate: Arc::new(Adaptive::new(AT_ONCE, house.clock.clone())),
            dialect: Arc::new(Plain),
            clock: house.clock,
        })))
    }

    async fn consent(&self, house: House, refresh: &str) -> bool {
        grant(&house).begin(&refresh.into(), house.clock.now()).await.is_ok()
    }
}

/// Lets a process in as far as its token source does.
struct Card(Caller);

#[async_trait]
impl Badge for Card {
    async fn show(&self) -> Called<()> {
        self.0.send(&Door, Pass::Class(Class::NewCustomer)).await.map(drop)
    }
}

/// Nobody is let in: the addresses of this module are wrong.
struct Locked;

#[async_trait]
impl Badge for Locked {
    async fn show(&self) -> Called<()> {
        use sync_core::error::{CallError, ErrorKind};
        Err(CallError::without_effect("door", ErrorKind::Rejected, "its address is wrong"))
    }
}

struct Door;

impl Endpoint for Door {
    const NAME: &'static str = "door";
    const METHOD: Method = Method::GET;
    type Output = serde_json::Value;

    fn path(&self) -> String {
        "door".to_owned()
    }
}

/// Carries requests to the office.
struct Wire(Office);

#[async_trait]
impl Transport for Wire {
    async fn send(&self, request: http::Request<Bytes>) -> Result<http::Response<Bytes>, TransportError> {
        let answer = if request.uri().path() == "/token" {
            let form = String::from_utf8_lossy(request.body());
            let refresh = url::form_urlencoded::parse(form.as_bytes())
                .find_map(|(name, value)| (name == "refresh_token").then(|| value.into_owned()));
            told(self.0.exchange(&refresh.unwrap_or_default()).await, |issued| {
                let Issued { access, refresh, life } = issued;
                json!({ "access_token": access, "refresh_token": refresh, "expires_in": life.as_secs(), "token_type": "Bearer" })
            })
        } else {
            let shown = request.headers().get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
            let access = shown.and_then(|shown| shown.strip_prefix("Bearer ")).unwrap_or_default();
            told(self.0.admits(access).await, |()| json!([]))
        };
        let Some((mut status, body)) = answer else {
            return Err(TransportError::Lost("no answer in time".to_owned()));
        };
        if request.uri().path() == "/token" && status == StatusCode::UNAUTHORIZED {
            status = StatusCode::BAD_REQUEST;
        }
        let mut response = http::Response::new(Bytes::from(body.to_string()));
        *response.status_mut() = status;
        response
            .headers_mut()
            .insert(header::CONTENT_TYPE, header::HeaderValue::from_static("application/json"));
        Ok(response)
    }
}

fn told<T>(
    answer: Answer<T>,
    said: impl Fn(T) -> serde_json::Value,
) -> Option<(StatusCode, serde_json::Value)> {
    match answer {
        Answer::Said(value) => Some((StatusCode::OK, said(value))),
        Answer::Refused => {
            let refused =
                json!({ "error": "invalid_grant", "message": "Invalid grant: refresh_token is invalid" });
            Some((StatusCode::UNAUTHORIZED, refused))
        }
        Answer::Broken => Some((StatusCode::SERVICE_UNAVAILABLE, json!({ "error": "try again" }))),
        Answer::Lost => None,
    }
}
