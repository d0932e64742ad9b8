//! The world of the seam. Everything that leaves or commits passes the seeded gate, so that one seed decides the order of all things
//! and a process can die at any of them.

use std::{
    collections::{BTreeMap, BTreeSet},
    future::Future,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use axum::{Router, body::Body};
use bytes::Bytes;
use jiff::{SignedDuration, Timestamp};
use oracle_fusion::{Fusion, FusionConfig, Terms};
use pipedrive::{Pipedrive, PipedriveAuth, PipedriveConfig};
use saas_http::{RequestTimeout, Transport, TransportError};
use saas_sims::{
    ConnectionDropped, SimClock,
    fusion::{FusionSettings, FusionSim},
    pipedrive::{PipedriveSettings, PipedriveSim},
};
use sync_core::{
    budget::{self, DailyBudget},
    documents::DocumentPolicy,
    fields::Field,
    handover::{HandoverPolicy, Interest},
    ids::ConnectionId,
    policy::Policy,
    poll::Pace,
    ports::{Clock, Crm},
};
use sync_engine::{
    Engine, Handing, Parts, Settings, Silent, Step,
    documents::{DocumentFlow, DocumentRhythm},
    lease::{Lease, Taker, Taking},
    simulation::SeededGate,
};
use sync_store::{Ledger, MasterKey, Store, StoreOptions, Vault};
use tower::ServiceExt as _;

use crate::contract::Contract;

/// Time for one request; T_effect adds a margin.
const TIMEOUT: Duration = Duration::from_secs(30);
pub(crate) const T_EFFECT: SignedDuration = SignedDuration::from_secs(40);
pub(crate) const SETTLE: SignedDuration = SignedDuration::from_secs(60);
pub(crate) const POLL: SignedDuration = SignedDuration::from_mins(5);
pub(crate) const SWEEP: SignedDuration = SignedDuration::from_mins(60);
pub(crate) const OVERLAP: SignedDuration = SignedDuration::from_mins(10);
const LEASE: SignedDuration = SignedDuration::from_secs(10);

/// The simulators' clock as ours.
#[derive(Clone)]
pub(crate) struct Shared(pub(crate) SimClock);

impl Clock for Shared {
    fn now(&self) -> Timestamp {
        self.0.now()
    }
}

#[async_trait]
impl saas_http::Sleeper for Shared {
    async fn sleep(&self, wait: SignedDuration) {
        self.0.advance(wait);
        tokio::task::yield_now().await;
    }
}

/// What travelled, as a witness between both sides saw it.
#[derive(Debug, Default)]
pub(crate) struct Witness {
    /// Answers by side and kind of refusal.
    pub(crate) refusals: BTreeMap<&'static str, u64>,
    /// Requests by side.
    pub(crate) requests: BTreeMap<&'static str, u64>,
    /// What was said that Pipedrive's specification does not know.
    pub(crate) unknown: BTreeSet<String>,
    /// Writes sent to organizations.
    pub(crate) writes: u64,
    /// Parties whose records are spoilt on their way.
    pub(crate) spoilt: BTreeSet<i64>,
    /// Something to do with every request, by its number: edits in the midst of a walk.
    pub(crate) total: u64,
}

/// What happens between two requests, told the number of the next one.
pub(crate) type Between = Arc<Mutex<Option<Box<dyn FnMut(u64) + Send>>>>;

/// Carries requests to a router, through the gate.
struct Wire {
    side: &'static str,
    router: Router,
    gate: SeededGate,
    clock: SimClock,
    witness: Arc<Mutex<Witness>>,
    between: Between,
    contract: Arc<Contract>,
}

#[async_trait]
impl Transport for Wire {
    async fn send(&self, request: http::Request<Bytes>) -> Result<http::Response<Bytes>, TransportError> {
        self.gate.enter("http.send").await;
        let number = self.note(&request);
        let (method, path) = (request.method().clone(), request.uri().path().to_owned());
        if let Some(between) = lock(&self.between).as_mut() {
            between(number);
        }
        let patience = request.extensions().get::<RequestTimeout>().map_or(TIMEOUT, |timeout| timeout.0);
        let began = self.clock.now();
        let answer = self.router.clone().oneshot(request.map(Body::from)).await;
        let answer = match answer {
            Ok(answer) => answer,
            Err(never) => match never {},
        };
        let late = self.clock.now().duration_since(began).unsigned_abs() > patience;
        let dropped = answer.extensions().get::<ConnectionDropped>().is_some();
        let (parts, body) = answer.into_parts();
        let body = axum::body::to_bytes(body, usize::MAX).await.unwrap_or_default();
        self.gate.enter("http.answer").await;
        if dropped || late {
            return Err(TransportError::Lost("the simulated network lost it".to_owned()));
        }
        if self.side == "crm" && parts.status.is_success() {
            lock(&self.witness).unknown.extend(self.contract.answer(&method, &path, &body));
        }
        let body = self.spoil(body);
        self.judge(parts.status, &body);
        Ok(http::Response::from_parts(parts, body))
    }
}

impl Wire {
    fn note(&self, request: &http::Request<Bytes>) -> u64 {
        let mut witness = lock(&self.witness);
        *witness.requests.entry(self.side).or_default() += 1;
        witness.total += 1;
        let write = request.method() != http::Method::GET && request.uri().path().contains("/organizations");
        witness.writes += u64::from(write);
        if self.side == "crm" && !request.uri().path().starts_with("/oauth/") {
            witness.unknown.extend(self.contract.request(request));
        }
        witness.total
    }

    fn judge(&self, status: http::StatusCode, body: &[u8]) {
        let text = String::from_utf8_lossy(body);
        let kind = match status.as_u16() {
            429 if text.contains("daily") => "daily 429",
            429 => "burst 429",
            403 if text.trim_start().starts_with('<') => "blocked",
            _ => return,
        };
        if self.side == "crm" {
            *lock(&self.witness).refusals.entry(kind).or_default() += 1;
        }
    }

    /// Gives a telephone number a shape that no text has.
    fn spoil(&self, body: Bytes) -> Bytes {
        let spoilt = lock(&self.witness).spoilt.clone();
        if spoilt.is_empty() || self.side != "erp" {
            return body;
        }
        let Ok(mut json) = serde_json::from_slice::<serde_json::Value>(&body) else { return body };
        for item in json["items"].as_array_mut().into_iter().flatten() {
            if item["PartyId"].as_i64().is_some_and(|id| spoilt.contains(&id)) {
                item["RawPhoneNumber"] = serde_json::json!({"spoilt": true});
            }
        }
        Bytes::from(json.to_string())
    }
}

pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Two simulated systems, a store, and processes that come and go.
pub(crate) struct World {
    pub(crate) clock: SimClock,
    pub(crate) fusion: FusionSim,
    pub(crate) pipedrive: PipedriveSim,
    pub(crate) gate: SeededGate,
    pub(crate) witness: Arc<Mutex<Witness>>,
    pub(crate) between: Between,
    pub(crate) contract: Arc<Contract>,
    pub(crate) store: Store,
    pub(crate) connection: ConnectionId,
    pub(crate) plan: budget::Plan,
    pub(crate) seats: u32,
    pub(crate) budget: DailyBudget,
    pub(crate) oauth: bool,
    pub(crate) poll_every: SignedDuration,
    pub(crate) guard: Option<sync_core::guard::Guard>,
    pub(crate) sweep_every: SignedDuration,
    pub(crate) policy: Policy,
    /// How won deals become customers of the ERP, if they do.
    pub(crate) handing: Option<HandoverPolicy>,
    /// How documents are shown on deals, if they are.
    pub(crate) documents: Option<DocumentPolicy>,
    master: [u8; 32],
    folder: tempfile::TempDir,
}

/// How a world begins.
pub(crate) struct Beginning {
    pub(crate) seed: u64,
    pub(crate) fusion: FusionSettings,
    pub(crate) pipedrive: PipedriveSettings,
    pub(crate) oauth: bool,
}

/// Noon, so that a day's reset is some hours away.
pub(crate) fn start() -> Timestamp {
    "2026-03-02T12:00:00Z".parse().expect("a time")
}

async fn open(database: &Path, gate: &SeededGate, now: Timestamp) -> (Store, ConnectionId) {
    let url = format!("sqlite://{}", database.display());
    let options = StoreOptions { durable: false, gate: Some(Arc::new(gate.clone())) };
    let opening = async {
        let store = Store::open(&url, options).await.expect("the store opens");
        store.migrate().await.expect("the store migrates");
        let connection = store.ensure_connection("acme", "{}", now).await.expect("a connection");
        (store, connection)
    };
    gate.drive(opening).await.expect("nobody dies here")
}

impl World {
    pub(crate) async fn new(beginning: Beginning) -> Self {
        let Beginning { seed, fusion, pipedrive, oauth } = beginning;
        let clock = SimClock::at(start());
        let plan = match pipedrive.plan {
            saas_sims::pipedrive::Plan::Lite => budget::Plan::Lite,
            saas_sims::pipedrive::Plan::Growth => budget::Plan::Growth,
            saas_sims::pipedrive::Plan::Premium => budget::Plan::Premium,
            saas_sims::pipedrive::Plan::Ultimate => budget::Plan::Ultimate,
        };
        let seats = pipedrive.seats;
        let gate = SeededGate::new(seed);
        gate.begin(None);
        let folder = tempfile::tempdir().expect("a folder");
        let (store, connection) = open(&folder.path().join("seam.db"), &gate, clock.now()).await;
        Self {
            fusion: FusionSim::new(fusion, clock.clone(), seed),
            pipedrive: PipedriveSim::new(pipedrive, clock.clone(), seed),
            clock,
            gate,
            witness: Arc::default(),
            between: Arc::default(),
            contract: Arc::new(Contract::load()),
            store,
            connection,
            plan,
            seats,
            budget: DailyBudget { tokens: plan.daily_tokens(seats), max_share: 1.0, reserve: 0.1 },
            oauth,
            poll_every: POLL,
            guard: None,
            sweep_every: SWEEP,
            policy: Policy::of(
                ["CUSTOMER", "EXTERNAL_LEGAL_ENTITY"].map(str::to_owned).into(),
                SETTLE,
                SignedDuration::from_secs(5),
            ),
            handing: None,
            documents: None,
            master: [7; 32],
            folder,
        }
    }

    /// The file of the store.
    pub(crate) fn database(&self) -> PathBuf {
        self.folder.path().join("seam.db")
    }

    /// Opens the store anew, after somebody put another file in its place.
    pub(crate) async fn reopen(&mut self) {
        let (store, connection) = open(&self.database(), &self.gate, self.clock.now()).await;
        assert_eq!(connection, self.connection);
        self.store = store;
    }

    fn wire(&self, side: &'static str, router: Router) -> Arc<dyn Transport> {
        let (gate, clock) = (self.gate.clone(), self.clock.clone());
        let (witness, between) = (Arc::clone(&self.witness), Arc::clone(&self.between));
        let contract = Arc::clone(&self.contract);
        Arc::new(Wire { side, router, gate, clock, witness, between, contract })
    }

    fn fusion_client(&self) -> Fusion {
        let config = FusionConfig {
            base_url: "https://pod.example".to_owned(),
            token_url: "https://pod.example/oauth2/v1/token".to_owned(),
            client_id: "connector".to_owned(),
            client_proof: saas_http::ClientProof::Secret("secret".into()),
            scope: "urn:opc:resource:fa:instanceid=1urn:opc:resource:consumer::all".to_owned(),
            page_size: FusionConfig::PAGE_SIZE,
            api_version: FusionConfig::API_VERSION.to_owned(),
            timeout: TIMEOUT,
            concurrency: FusionConfig::CONCURRENCY,
            attributes: self.policy.fields.attributes(),
            terms: Terms {
                class: self.policy.fields.has(Field::AccountClass),
                payment_terms: self.policy.fields.has(Field::PaymentTerms),
            },
            created_by_module: FusionConfig::CREATED_BY_MODULE.to_owned(),
        };
        Fusion::new(config, self.wire("erp", self.fusion.router()), Arc::new(Shared(self.clock.clone())))
            .expect("the addresses are good")
    }

    pub(crate) fn vault(&self) -> Vault {
        Vault::new(self.store.clone(), self.connection, MasterKey::from_bytes(self.master))
    }

    fn interest(&self) -> Interest {
        let handovers = self.handing.as_ref().map(HandoverPolicy::interest).unwrap_or_default();
        match &self.documents {
            Some(documents) => handovers.with_documents(documents),
            None => handovers,
        }
    }

    pub(crate) fn pipedrive_client(&self) -> Pipedrive {
        let auth = if self.oauth {
            PipedriveAuth::OAuth {
                client_id: "app".to_owned(),
                client_secret: "secret".into(),
                token_url: "https://company.example/oauth/token".to_owned(),
                refresh_token: Some("seed".into()),
                remedy: "run `ml-connector connect acme`".to_owned(),
            }
        } else {
            PipedriveAuth::ApiToken("0123456789012345678901234567890123456789".into())
        };
        let config = PipedriveConfig {
            fields: self.policy.fields.custom(),
            labels: self.policy.wanted_labels(),
            asked: self.interest(),
            base_url: "https://company.example".to_owned(),
            auth,
            plan: self.plan,
            seats: self.seats,
            burst: None,
            search_burst: None,
            timeout: TIMEOUT,
            owner_id: None,
            visible_to: None,
            hook_login: Some(("pipedrive".to_owned(), "secret".into())),
        };
        let clock = Shared(self.clock.clone());
        let ledger = Ledger::new(self.store.clone(), self.connection, self.budget);
        let vault = self.vault();
        let transport = self.wire("crm", self.pipedrive.router());
        let (clock, sleeper) = (Arc::new(clock.clone()), Arc::new(clock));
        Pipedrive::new(config, transport, clock, sleeper, Arc::new(ledger), Arc::new(vault))
            .expect("the addresses are good")
    }

    pub(crate) fn engine(&self, lease: &Lease) -> Engine {
        self.engine_with(lease, Arc::new(self.pipedrive_client()))
    }

    /// An engine that shares its client, and so its windows, with somebody else.
    pub(crate) fn engine_with(&self, lease: &Lease, crm: Arc<dyn Crm>) -> Engine {
        self.engine_in(lease, crm, sync_core::ids::RunId(1))
    }

    /// An engine that works in a run of its own.
    pub(crate) fn engine_in(&self, lease: &Lease, crm: Arc<dyn Crm>, run: sync_core::ids::RunId) -> Engine {
        let fusion = Arc::new(self.fusion_client());
        let handing = self.handing.clone().map(|policy| Handing {
            policy,
            erp: fusion.clone(),
            crm: Arc::new(self.pipedrive_client()),
        });
        let documents = self.documents.clone().map(|policy| {
            let client = Arc::new(self.pipedrive_client());
            DocumentFlow::new(policy, (fusion.clone(), client.clone(), client), self.document_rhythm())
        });
        let mut engine = Engine::new(Parts {
            store: self.store.clone(),
            lease: lease.clone(),
            erp: fusion,
            crm,
            clock: Arc::new(Shared(self.clock.clone())),
            watch: Arc::new(Silent),
            settings: self.settings(),
            run,
            handing,
        });
        if let Some(documents) = documents {
            engine.take_up_documents(documents);
        }
        engine
    }

    fn document_rhythm(&self) -> DocumentRhythm {
        DocumentRhythm {
            poll_every: self.poll_every,
            balances_every: self.sweep_every,
            sweep_every: self.sweep_every,
            since: SignedDuration::from_hours(24 * 90),
            pace: Pace { overlap: OVERLAP, safety: SignedDuration::from_secs(1) },
            t_effect: T_EFFECT,
            settle: SETTLE,
            freshness: SignedDuration::from_secs(5),
            notes_listed_from: pipedrive::NOTES_LISTED_FROM,
            notes_freshness: SignedDuration::from_secs(30),
        }
    }

    fn settings(&self) -> Settings {
        Settings {
            policy: self.policy.clone(),
            pace: Pace { overlap: OVERLAP, safety: SignedDuration::from_secs(1) },
            poll_every: self.poll_every,
            crm_poll_every: self.poll_every * 3,
            crm_overlap: SignedDuration::from_mins(2),
            sweep_every: self.sweep_every,
            t_effect: T_EFFECT,
            settle: SETTLE,
            guard: self.guard.clone(),
            batch: 100,
            subscribing: None,
        }
    }

    /// Drives a future through the gate. `None`: the process died.
    pub(crate) fn drive<'a, F: Future + 'a>(
        &'a self,
        future: F,
    ) -> impl Future<Output = Option<F::Output>> + use<'a, F> {
        self.gate.drive(future)
    }

    /// Takes the connection, waiting for a dead holder's lease to run out. `None`: we died meanwhile.
    pub(crate) async fn take(&self) -> Option<Lease> {
        let clock: Arc<dyn Clock> = Arc::new(Shared(self.clock.clone()));
        let mut taker = Taker::new("a process".to_owned(), LEASE);
        for _ in 0..40 {
            let taking = taker.try_take(&self.store, self.connection, &clock);
            match self.drive(taking).await?.expect("the store works") {
                Taking::Taken(lease) => return Some(lease),
                Taking::Held { .. } => self.clock.advance(SignedDuration::from_secs(1)),
            }
        }
        panic!("a dead process's lease never runs out");
    }

    /// One step of a living process; keeps its lease. `None`: it died.
    pub(crate) async fn step(&self, engine: &mut Engine, lease: &Lease) -> Option<Step> {
        self.drive(lease.renew()).await?.expect("the lease is ours");
        let now = self.clock.now();
        match self.drive(engine.step(now)).await? {
            Ok(step) => Some(step),
            // Slow answers may outlast a heartbeat that nobody beats meanwhile.
            Err(sync_engine::EngineError::LeaseLost) => Some(Step::Worked),
            Err(error) => panic!("{error}"),
        }
    }

    /// Works until `end`, sleeping as the daemon would; the process must not die.
    pub(crate) async fn work_until(&self, engine: &mut Engine, lease: &Lease, end: Timestamp) {
        let mut steps = 0_u32;
        while self.clock.now() < end {
            steps += 1;
            assert!(steps < 1_000_000, "it never comes to rest");
            match self.step(engine, lease).await.expect("nobody kills it") {
                Step::Worked => self.clock.advance(SignedDuration::from_millis(20)),
                Step::IdleUntil(due) => {
                    let now = self.clock.now();
                    let nap = due.min(now + SignedDuration::from_mins(5)).min(end).duration_since(now);
                    self.clock.advance(nap.max(SignedDuration::from_millis(1)));
                }
            }
        }
    }

    /// Active customers by party id with what must be shown of them: name and account numbers.
    pub(crate) fn customers(&self) -> BTreeMap<i64, (String, String)> {
        let text = |value: &serde_json::Value| value.as_str().unwrap_or_default().to_owned();
        let one = |id: i64| {
            let party = self.fusion.party(id).unwrap_or_default();
            let mut accounts = self.fusion.account_ids(id);
            accounts.sort_unstable();
            let numbers = accounts.iter().filter_map(|account| self.fusion.account_number(*account));
            let numbers: Vec<String> = numbers.collect();
            (id, (text(&party["OrganizationName"]), numbers.join(", ")))
        };
        self.fusion.customer_ids().into_iter().map(one).collect()
    }

    /// Finance enters customers, each with an account. Gives their parties.
    pub(crate) fn enter_customers(&self, names: std::ops::Range<u32>) -> Vec<i64> {
        let enter = |n| {
            let values = serde_json::json!({"OrganizationName": format!("Customer {n}"), "PartyUsageCode": "CUSTOMER"});
            let party = self.fusion.add_party(saas_sims::fusion::Edit::set(values)).expect("a party");
            let account = saas_sims::fusion::Edit::set(serde_json::json!({}));
            self.fusion.add_account(party, account).expect("an account");
            party
        };
        names.map(enter).collect()
    }

    /// Organizations by the party id they carry, deleted ones included.
    pub(crate) fn organizations(&self) -> BTreeMap<i64, Vec<saas_sims::pipedrive::OrganizationView>> {
        let mut found: BTreeMap<i64, Vec<_>> = BTreeMap::new();
        for organization in self.pipedrive.organizations() {
            let party =
                organization.custom.get("ERP customer id").and_then(|value| value.as_str()?.parse().ok());
            if let Some(party) = party {
                found.entry(party).or_default().push(organization);
            }
        }
        found
    }

    /// Every customer that is not held has exactly one organization, which says what it must (laws 1, 8, 10).
    pub(crate) async fn check_agreement(&self) -> Vec<String> {
        let holds = async { self.store.read(self.connection).await?.list_holds(None, None, 100_000).await };
        let holds = self.drive(holds).await.expect("alive").expect("the store works");
        let held: BTreeSet<i64> = holds.iter().map(|hold| hold.party.0).collect();
        let organizations = self.organizations();
        let mut wrong = Vec::new();
        for (party, organizations) in &organizations {
            if organizations.len() > 1 {
                wrong.push(format!("law 1: party {party} has {} organizations", organizations.len()));
            }
        }
        for (party, (name, numbers)) in self.customers() {
            if held.contains(&party) {
                continue;
            }
            let Some([organization]) = organizations.get(&party).map(Vec::as_slice) else {
                let found = organizations.get(&party).map_or(0, Vec::len);
                // Nobody wants a customer in the CRM that the ERP retired before it got there.
                if found > 0 || self.fusion.party(party).unwrap_or_default()["Status"] == "A" {
                    wrong.push(format!("law 8: customer {party} has {found} organizations"));
                }
                continue;
            };
            let name = shown(&name);
            if organization.name != name {
                wrong.push(format!("law 8: customer {party} is {name:?}, shown {:?}", organization.name));
            }
            let shown = organization.custom.get("ERP account numbers").and_then(|value| value.as_str());
            if shown.unwrap_or_default() != numbers {
                wrong.push(format!("law 8: accounts of {party} are {numbers}, shown {shown:?}"));
            }
        }
        wrong
    }
}

/// A name as Pipedrive is to show it: composed, blanks squeezed, at most 255 characters. Written anew here, not taken from the
/// product.
fn shown(name: &str) -> String {
    let name: String = unicode_normalization::UnicodeNormalization::nfc(name).collect();
    let words: Vec<&str> =
        name.split(|c: char| c.is_whitespace() || c.is_control()).filter(|w| !w.is_empty()).collect();
    let squeezed = words.join(" ");
    squeezed.chars().take(255).collect::<String>().trim_end().to_owned()
}
