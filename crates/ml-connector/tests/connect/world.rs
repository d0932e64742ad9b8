//! A company, an app, a connection, its door, and a person with a browser.

use std::{
    collections::BTreeMap,
    io::Write,
    sync::{Arc, Mutex, PoisonError},
};

use async_trait::async_trait;
use axum::{Router, body::Body, http::Request};
use bytes::Bytes;
use jiff::{SignedDuration, Timestamp};
use ml_connector::{
    check::{Means, Report, judge, observe},
    clients::{Clients, Kept},
    config::Config,
    connect::{Begun, Connector},
};
use pipedrive::Pipedrive;
use saas_http::{Sleeper, Transport, TransportError};
use saas_sims::{
    SimClock,
    pipedrive::{OAuthSettings, PipedriveSettings, PipedriveSim},
};
use sync_core::{
    error::CallError,
    ids::ConnectionId,
    ports::{Clock, TokenVault},
};
use sync_store::{AttemptEnd, Ledger, Store, StoreOptions};
use sync_web::{Connects, Intake, Parts};
use tower::ServiceExt as _;

pub(crate) const CALLBACK: &str = "https://sync.example.com/connect/acme";
pub(crate) const SECRET: &str = "hush-client-secret";
pub(crate) const SEED: &str = "seed-refresh-token";

#[derive(Clone)]
pub(crate) struct Time(pub(crate) SimClock);

impl Clock for Time {
    fn now(&self) -> Timestamp {
        self.0.now()
    }
}

#[async_trait]
impl Sleeper for Time {
    async fn sleep(&self, wait: SignedDuration) {
        self.0.advance(wait);
        tokio::task::yield_now().await;
    }
}

/// Sleeps as long as another process needs to store what it got: until the vault says something else, and not much
/// longer than any machine needs for that.
struct Patient(SimClock, Arc<dyn TokenVault>);

impl Patient {
    async fn look(&self) -> Option<String> {
        self.1.load("pipedrive.refresh_token").await.expect("the vault works")
    }
}

#[async_trait]
impl Sleeper for Patient {
    async fn sleep(&self, wait: SignedDuration) {
        self.0.advance(wait);
        let before = self.look().await;
        for _ in 0..500 {
            if self.look().await != before {
                break;
            }
        }
    }
}

/// Carries requests to whatever company Pipedrive knows them for.
#[derive(Clone)]
struct Wire(Arc<Mutex<Router>>);

#[async_trait]
impl Transport for Wire {
    async fn send(&self, request: http::Request<Bytes>) -> Result<http::Response<Bytes>, TransportError> {
        // Let somebody else go first: whoever waits for an answer does not hold the world up.
        tokio::task::yield_now().await;
        let router = self.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let answer = router.oneshot(request.map(Body::from)).await.unwrap_or_else(|never| match never {});
        let (parts, body) = answer.into_parts();
        let body = axum::body::to_bytes(body, 1 << 24).await.expect("a body");
        Ok(http::Response::from_parts(parts, body))
    }
}

/// How a world begins.
pub(crate) struct Beginning {
    pub(crate) pkce: &'static str,
    pub(crate) seed: bool,
    pub(crate) master_key: bool,
    pub(crate) settings: PipedriveSettings,
}

impl Default for Beginning {
    fn default() -> Self {
        Self { pkce: "\"auto\"", seed: false, master_key: true, settings: company(OAuthSettings::default()) }
    }
}

/// A company that knows our app.
pub(crate) fn company(oauth: OAuthSettings) -> PipedriveSettings {
    PipedriveSettings {
        client_id: Some("app".to_owned()),
        client_secret: Some(SECRET.to_owned()),
        refresh_token: Some(SEED.to_owned()),
        oauth: OAuthSettings { redirect_uri: Some(CALLBACK.to_owned()), ..oauth },
        ..PipedriveSettings::default()
    }
}

/// A page or an answer that a person or a program got.
pub(crate) struct Got {
    pub(crate) status: u16,
    pub(crate) headers: http::HeaderMap,
    pub(crate) text: String,
}

impl Got {
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }
}

pub(crate) struct World {
    pub(crate) clock: SimClock,
    pub(crate) company: PipedriveSim,
    pub(crate) store: Store,
    pub(crate) id: ConnectionId,
    config: Config,
    wire: Wire,
    door: Router,
    master_key: bool,
    _folder: tempfile::TempDir,
}

impl World {
    pub(crate) async fn new(beginning: Beginning) -> Self {
        let Beginning { pkce, seed, master_key, settings } = beginning;
        let clock = SimClock::at("2026-03-02T12:00:00Z".parse().expect("a time"));
        let company = PipedriveSim::new(settings, clock.clone(), 1);
        let folder = tempfile::tempdir().expect("a folder");
        let url = format!("sqlite://{}", folder.path().join("connect.db").display());
        let store = Store::open(&url, StoreOptions { durable: false, gate: None }).await.expect("a store");
        store.migrate().await.expect("tables");
        let id = store.ensure_connection("acme", "{}", clock.now()).await.expect("a connection");
        let seed = if seed { format!(", refresh_token = \"{SEED}\"") } else { String::new() };
        let oauth = format!(
            "oauth = {{ client_id = \"app\", client_secret = \"{SECRET}\", redirect_url = \"{CALLBACK}\", pkce = {pkce}, \
             token_url = \"http://crm.example/oauth/token\", authorize_url = \"http://crm.example/oauth/authorize\", \
             revoke_url = \"http://crm.example/oauth/revoke\"{seed} }}"
        );
        let text = include_str!("../example.toml")
            .replace("api_token = { env = \"PIPEDRIVE_API_TOKEN\" }", &oauth)
            .replace("http://127.0.0.1:7002", "http://crm.example");
        let config = Config::parse(&text, "ml-connector.toml").expect("a configuration");
        let wire = Wire(Arc::new(Mutex::new(company.router())));
        let mut world = Self {
            clock,
            company,
            store,
            id,
            config,
            wire,
            door: Router::new(),
            master_key,
            _folder: folder,
        };
        let clock: Arc<dyn Clock> = Arc::new(Time(world.clock.clone()));
        let doors = BTreeMap::from([("acme".to_owned(), world.connector().door())]);
        let connects = Connects::new(doors, world.store.clone(), clock.clone());
        let (intake, _) = Intake::new(BTreeMap::new(), world.store.clone(), clock.clone());
        let parts = Parts { connects, ..Parts::new(world.store.clone(), intake, clock) };
        world.door = sync_web::router(parts);
        world
    }

    /// Pipedrive knows the person's browser, and all that follows, as another company's from now on.
    pub(crate) fn log_in_at(&self, company: &PipedriveSim) {
        *self.wire.0.lock().unwrap_or_else(PoisonError::into_inner) = company.router();
    }

    fn env(&self, name: &str) -> Option<String> {
        match name {
            "FUSION_CLIENT_SECRET" => Some("f".to_owned()),
            "MLC_MASTER_KEY" => self.master_key.then(|| "ab".repeat(32)),
            _ => None,
        }
    }

    fn clients<'a>(&self, env: &'a dyn Fn(&str) -> Option<String>) -> Clients<'a> {
        Clients { env, clock: Arc::new(Time(self.clock.clone())), seed: &|| [7; 16] }
    }

    pub(crate) fn connector(&self) -> Connector {
        let env = |name: &str| self.env(name);
        let connection = &self.config.connections[0];
        let made = self.clients(&env).connector(
            connection,
            (&self.store, self.id),
            Arc::new(self.wire.clone()),
            Arc::new(Time(self.clock.clone())),
        );
        made.expect("a connector").expect("it is an app")
    }

    /// What `check` says about Pipedrive.
    pub(crate) async fn check(&self) -> Report {
        let env = |name: &str| self.env(name);
        let means = Means {
            clients: self.clients(&env),
            sleeper: Arc::new(Time(self.clock.clone())),
            store: Ok(&self.store),
            erp: Err(anyhow::anyhow!("nobody asks the ERP here")),
            crm: Ok(Arc::new(self.wire.clone())),
        };
        let connection = &self.config.connections[0];
        judge(connection, &observe(connection, means).await)
    }

    /// The client of a process.
    pub(crate) fn process(&self) -> Pipedrive {
        let env = |name: &str| self.env(name);
        let clients = self.clients(&env);
        let connection = &self.config.connections[0];
        let budget = ml_connector::clients::budget(&connection.pipedrive);
        let vault: Arc<dyn TokenVault> = Arc::new(clients.vault(&self.store, self.id).expect("a vault"));
        let sleeper = Arc::new(Patient(self.clock.clone(), Arc::clone(&vault)));
        let kept = Kept { spend: Arc::new(Ledger::new(self.store.clone(), self.id, budget)), vault };
        clients.pipedrive(connection, Arc::new(self.wire.clone()), sleeper, kept).expect("a client")
    }

    pub(crate) async fn begin(&self) -> Begun {
        self.connector().begin(CALLBACK.to_owned(), None).await.expect("an attempt")
    }

    /// Opens the address in a browser; tells where that sends the person.
    pub(crate) async fn open(&self, url: &str) -> Got {
        let request = Request::get(url).body(Bytes::new()).expect("a request");
        let answer = self.wire.send(request).await.expect("an answer");
        let (parts, body) = answer.into_parts();
        Got {
            status: parts.status.as_u16(),
            headers: parts.headers,
            text: String::from_utf8_lossy(&body).into(),
        }
    }

    /// Opens the address and consents, or not; tells path and query of where that leads.
    pub(crate) async fn consent(&self, url: &str) -> String {
        let got = self.open(url).await;
        assert_eq!(got.status, 302, "{}", got.text);
        got.header("location").strip_prefix("https://sync.example.com").expect("our door").to_owned()
    }

    /// Knocks at our own door.
    pub(crate) async fn knock(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> Got {
        let request = Request::builder().method(method).uri(path);
        let request = headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
        let request = request.body(Body::from(body.to_owned())).expect("a request");
        let answer = self.door.clone().oneshot(request).await.unwrap_or_else(|never| match never {});
        let (parts, body) = answer.into_parts();
        let body = axum::body::to_bytes(body, 1 << 20).await.expect("a body");
        Got {
            status: parts.status.as_u16(),
            headers: parts.headers,
            text: String::from_utf8_lossy(&body).into(),
        }
    }

    pub(crate) async fn get(&self, path: &str) -> Got {
        self.knock("GET", path, &[], "").await
    }

    /// All of it: asks, consents, comes back.
    pub(crate) async fn connect(&self) -> Got {
        let begun = self.begin().await;
        let path = self.consent(&begun.url).await;
        self.get(&path).await
    }

    pub(crate) async fn end(&self, begun: &Begun) -> Option<AttemptEnd> {
        self.store.attempt_end(self.id, &begun.state_hash).await.expect("the store works")
    }

    /// Requests for this operation so far.
    pub(crate) fn asked(&self, operation: &str) -> u64 {
        self.company.stats().by_operation.get(operation).map_or(0, |(requests, _)| *requests)
    }

    /// Whose access a process has.
    pub(crate) async fn who(&self) -> Result<i64, CallError> {
        self.process().whoami().await.map(|me| me.company_id)
    }
}

/// Everything that is logged, down to the smallest word.
#[derive(Clone, Default)]
pub(crate) struct Overheard(Arc<Mutex<Vec<u8>>>);

impl Overheard {
    pub(crate) fn begin(&self) -> tracing::subscriber::DefaultGuard {
        let writer = self.clone();
        let log = tracing_subscriber::fmt()
            .with_max_level(tracing::Level::TRACE)
            .with_ansi(false)
            .with_writer(move || writer.clone());
        tracing::subscriber::set_default(log.finish())
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.0.lock().unwrap_or_else(PoisonError::into_inner)).into_owned()
    }
}

impl Write for Overheard {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// A parameter of an address.
pub(crate) fn param(url: &str, name: &str) -> Option<String> {
    let (_, query) = url.split_once('?')?;
    let pairs = url::form_urlencoded::parse(query.as_bytes());
    pairs.into_iter().find(|(key, _)| key == name).map(|(_, value)| value.into_owned())
}
