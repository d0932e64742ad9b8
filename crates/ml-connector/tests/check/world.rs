//! Two simulated systems, a configuration, and a check of them.

use std::{path::PathBuf, sync::Arc};

use async_trait::async_trait;
use axum::{Router, body::Body};
use bytes::Bytes;
use jiff::{SignedDuration, Timestamp};
use ml_connector::{
    check::{Means, Report, judge, observe, told},
    clients::Clients,
    config::Config,
};
use saas_http::{Sleeper, Transport, TransportError, Unreached};
use saas_sims::{
    ConnectionDropped, SimClock,
    fusion::{FusionSettings, FusionSim},
    generator,
    pipedrive::{PipedriveSettings, PipedriveSim},
};
use serde_json::{Value, json};
use sync_core::ports::Clock;
use sync_store::{Store, StoreOptions};
use tower::ServiceExt as _;

#[derive(Clone)]
struct Time {
    clock: SimClock,
    /// How far our own clock is ahead of the world's.
    ahead: SignedDuration,
}

impl Clock for Time {
    fn now(&self) -> Timestamp {
        self.clock.now() + self.ahead
    }
}

#[async_trait]
impl Sleeper for Time {
    async fn sleep(&self, wait: SignedDuration) {
        self.clock.advance(wait);
        tokio::task::yield_now().await;
    }
}

/// Carries requests to a router.
struct Wire(Router);

#[async_trait]
impl Transport for Wire {
    async fn send(&self, request: http::Request<Bytes>) -> Result<http::Response<Bytes>, TransportError> {
        let answer = self.0.clone().oneshot(request.map(Body::from)).await;
        let answer = answer.unwrap_or_else(|never| match never {});
        if answer.extensions().get::<ConnectionDropped>().is_some() {
            return Err(TransportError::Lost("the simulated network lost it".to_owned()));
        }
        let (parts, body) = answer.into_parts();
        let body = axum::body::to_bytes(body, usize::MAX).await.expect("a body");
        Ok(http::Response::from_parts(parts, body))
    }
}

/// A network that does not get there.
pub(crate) struct Cut(pub(crate) Unreached);

#[async_trait]
impl Transport for Cut {
    async fn send(&self, _: http::Request<Bytes>) -> Result<http::Response<Bytes>, TransportError> {
        Err(TransportError::NotSent { at: self.0, why: "in the network's words".to_owned() })
    }
}

/// What is checked.
pub(crate) struct World {
    pub(crate) clock: SimClock,
    pub(crate) fusion: FusionSim,
    pub(crate) pipedrive: PipedriveSim,
    /// The configuration file.
    pub(crate) config: String,
    /// Stands in the way to the ERP.
    pub(crate) cut: Option<Unreached>,
    /// How far the clock of this machine is ahead.
    pub(crate) ahead: SignedDuration,
    /// Whether there is a store.
    pub(crate) stored: bool,
    /// What the environment variables of both secrets say; none: they are not set.
    pub(crate) secret: Option<String>,
}

impl World {
    /// The file of the README, and 50 customers.
    pub(crate) fn new() -> Self {
        Self::of(FusionSettings::default(), PipedriveSettings::default())
    }

    pub(crate) fn of(fusion: FusionSettings, pipedrive: PipedriveSettings) -> Self {
        let clock = SimClock::at("2026-03-02T12:00:00Z".parse().expect("a time"));
        // Headers on every answer, or the seed would decide what a report says.
        let pipedrive = PipedriveSettings { daily_headers: 1.0, ..pipedrive };
        let fusion = FusionSim::new(fusion, clock.clone(), 1);
        generator::populate(&fusion, 50, 1, clock.now());
        let pipedrive = PipedriveSim::new(pipedrive, clock.clone(), 1);
        let config = include_str!("../example.toml").to_owned();
        let secret = Some("0123456789012345678901234567890123456789".to_owned());
        Self {
            clock,
            fusion,
            pipedrive,
            config,
            cut: None,
            ahead: SignedDuration::ZERO,
            stored: true,
            secret,
        }
    }

    /// The same with other lines in the configuration file.
    pub(crate) fn with(mut self, was: &str, is: &str) -> Self {
        assert!(self.config.contains(was), "{was}");
        self.config = self.config.replace(was, is);
        self
    }

    /// The same with more tables below the connection.
    pub(crate) fn and(mut self, lines: &str) -> Self {
        self.config.push_str(lines);
        self
    }

    /// Makes a custom field as a person would in the browser: it costs nothing.
    pub(crate) async fn make_field(&self, name: &str, kind: &str) {
        let body = json!({"field_name": name, "field_type": kind});
        let request = http::Request::post("https://company.example/api/v2/organizationFields")
            .header("x-api-token", "0123456789012345678901234567890123456789")
            .header("content-type", "application/json")
            .body(Body::from(body.to_string()))
            .expect("a request");
        let answer = self.pipedrive.router().oneshot(request).await.unwrap_or_else(|never| match never {});
        assert!(answer.status().is_success(), "{}", answer.status());
        self.clock.advance(SignedDuration::from_secs(3));
    }

    fn variable(&self, name: &str) -> Option<String> {
        match name {
            "FUSION_CLIENT_SECRET" | "PIPEDRIVE_API_TOKEN" => self.secret.clone(),
            "MLC_MASTER_KEY" => Some("ab".repeat(32)),
            _ => None,
        }
    }

    pub(crate) async fn check(&self) -> Report {
        let folder = tempfile::tempdir().expect("a folder");
        let config = Config::parse(&self.config, "ml-connector.toml").expect("a configuration");
        let connection = config.connections.first().expect("a connection");
        let url = format!("sqlite://{}", folder.path().join("check.db").display());
        let options = StoreOptions { durable: false, gate: None };
        let store = Store::open(&url, options).await.expect("the store opens");
        store.migrate().await.expect("the store migrates");
        let erp: Arc<dyn Transport> = match self.cut {
            Some(at) => Arc::new(Cut(at)),
            None => Arc::new(Wire(self.fusion.router())),
        };
        let time = Time { clock: self.clock.clone(), ahead: self.ahead };
        let means = Means {
            clients: Clients {
                env: &|name| self.variable(name),
                clock: Arc::new(time.clone()),
                seed: &|| [7; 16],
            },
            sleeper: Arc::new(time),
            store: if self.stored { Ok(&store) } else { Err("the store cannot be opened".to_owned()) },
            erp: Ok(erp),
            crm: Ok(Arc::new(Wire(self.pipedrive.router()))),
        };
        let before = (self.pipedrive.custom_fields().len(), self.pipedrive.organization_ids());
        let parties = self.fusion.party_ids();
        let report = judge(connection, &observe(connection, means).await);
        let after = (self.pipedrive.custom_fields().len(), self.pipedrive.organization_ids());
        assert_eq!(after, before, "a check writes nothing");
        assert_eq!(self.fusion.party_ids(), parties, "a check writes nothing");
        let handovers = if connection.customers_from_crm.is_some() { 65 } else { 0 };
        assert!(report.spent.pipedrive_tokens <= 62 + handovers, "{:?}", report.spent);
        assert!(report.spent.erp_requests < if handovers > 0 { 28 } else { 12 }, "{:?}", report.spent);
        report
    }

    /// Checks, and compares what people are told with the text of this name.
    pub(crate) async fn says(&self, name: &str) -> Report {
        let report = self.check().await;
        compare(name, &told(&report));
        report
    }
}

/// Compares a text with the one that is kept under this name, or keeps it.
pub(crate) fn compare(name: &str, text: &str) {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/check").join(format!("{name}.txt"));
    if std::env::var_os("MLC_REWRITE").is_some() {
        std::fs::write(&path, text).expect("the text is written");
        return;
    }
    let kept = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(kept == text, "{name}.txt is another; MLC_REWRITE=1 writes it anew. Now it is:\n{text}");
}

/// The severity of a finding.
pub(crate) fn severity(report: &Report, name: &str) -> Value {
    let found = report.findings.iter().find(|finding| finding.name == name);
    json!(found.unwrap_or_else(|| panic!("{name} is not looked at")).severity)
}
