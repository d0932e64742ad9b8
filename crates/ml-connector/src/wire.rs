//! Puts the parts together. With `clients.rs` the only file in which vendors and roles meet: `Fusion` becomes the ERP,
//! `Pipedrive` the CRM.

use std::sync::Arc;

use anyhow::Context as _;
use jiff::{SignedDuration, Timestamp};
use oracle_fusion::Fusion;
use pipedrive::Pipedrive;
use saas_http::TokioSleeper;
use sync_core::{
    budget::Class,
    fields::{Field, Owner},
    handover::{Directory, HandoverPolicy, Interest},
    ids::{ConnectionId, RunId},
    policy::Policy,
    poll::Pace,
    ports::{Called, Clock, Crm, CrmAnswers, Erp},
};
use sync_engine::audit::Auditor;
use sync_engine::{
    CUSTOMERS, Engine, HANDOVERS, Handing, HandoverPlanner, Parts, Planner, Reads, Settings, Watch,
    activated_at,
    daemon::{self, Sleeper as _},
    documents::{DOCUMENTS, DocumentFlow, DocumentRhythm},
    lease::{Lease, Taker, Taking},
    policy_digest,
};
use sync_store::{Ledger, Store, StoreOptions};

use crate::{
    clients::{self, Clients, Kept},
    config::{self, Config, Connection},
    connect::Connector,
    exit::{ExitCode, Failed},
    output::{ConnectionSummary, ErpUse, Flows, PipedriveUse, talk},
};

/// The system's clock.
#[derive(Debug, Clone, Copy)]
pub struct SystemClock {
    started: std::time::Instant,
}

impl SystemClock {
    /// A clock whose monotonic time begins now.
    #[expect(
        clippy::disallowed_methods,
        reason = "the one place where the process asks the system for the time"
    )]
    pub fn start() -> Self {
        Self { started: std::time::Instant::now() }
    }
}

impl Clock for SystemClock {
    #[expect(
        clippy::disallowed_methods,
        reason = "the one place where the process asks the system for the time"
    )]
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }

    fn monotonic(&self) -> SignedDuration {
        SignedDuration::try_from(self.started.elapsed()).unwrap_or(SignedDuration::MAX)
    }
}

/// An organization of the CRM must have been read this recently before it is written (architecture section 7).
const FRESHNESS: SignedDuration = SignedDuration::from_secs(5);

/// For so long a list of changed notes is believed: long enough to show more deals than the list costs, with some hundred milliseconds for
/// each answer.
const NOTES_FRESHNESS: SignedDuration = SignedDuration::from_secs(30);

/// The CRM's stamps have whole seconds and its lists may lag: windows overlap by this.
const CRM_OVERLAP: SignedDuration = SignedDuration::from_mins(2);

/// Opens the store and brings its tables up to date.
///
/// # Errors
/// When the store cannot be opened or migrated.
pub async fn open_store(store: &config::Store) -> anyhow::Result<Store> {
    let opened = Store::open(&store.url.expose(), StoreOptions::default()).await;
    let opened = opened.with_context(|| format!("the store {} cannot be opened", store.url))?;
    opened.migrate().await.with_context(|| format!("the store {} cannot be migrated", store.url))?;
    Ok(opened)
}

/// A connection that is ours to work on.
pub struct Wired {
    /// Its name.
    pub name: String,
    /// Its store.
    pub store: Store,
    /// Its number there.
    pub id: ConnectionId,
    /// The right to work on it.
    pub lease: Lease,
    /// Its engine.
    pub engine: Engine,
    /// Its budget.
    pub ledger: Ledger,
    run: RunId,
    hands_over: bool,
    shows: bool,
    erp: Arc<dyn Erp>,
    crm: Arc<dyn Crm>,
    clock: Arc<dyn Clock>,
}

/// What all connections of a process share.
pub struct Process<'a> {
    /// The configuration.
    pub config: &'a Config,
    /// The store.
    pub store: Store,
    /// The clock.
    pub clock: Arc<dyn Clock>,
    /// Looks an environment variable up.
    pub env: &'a dyn Fn(&str) -> Option<String>,
    /// The command, for the list of runs.
    pub kind: &'static str,
}

impl Process<'_> {
    /// The connection's number in the store.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn number(&self, connection: &Connection) -> anyhow::Result<ConnectionId> {
        Ok(self.store.ensure_connection(&connection.name, "{}", self.clock.now()).await?)
    }

    /// Somebody who takes connections in the name of this process.
    pub fn taker(&self) -> Taker {
        Taker::new(process_name(), self.config.store.lease)
    }

    /// Takes a connection and puts its engine together.
    ///
    /// # Errors
    /// When a secret is missing, another process holds the connection, or the store fails.
    pub async fn wire(&self, connection: &Connection, watch: Arc<dyn Watch>) -> anyhow::Result<Wired> {
        match self.take(connection).await? {
            Ok(lease) => self.wire_with(connection, lease, watch).await,
            Err(owner) => {
                let message = format!("{owner} holds the connection {}", connection.name);
                let failed = Failed::new(ExitCode::Held, message);
                Err(failed.help("it is kept in sync there; `sync` asks that process to sync now").into())
            }
        }
    }

    /// Puts the engine of a connection together whose lease is ours.
    ///
    /// # Errors
    /// When a secret is missing or the store fails; the lease is given back then.
    pub async fn wire_with(
        &self,
        connection: &Connection,
        lease: Lease,
        watch: Arc<dyn Watch>,
    ) -> anyhow::Result<Wired> {
        let wired = self.put_together(connection, &lease, watch).await;
        if wired.is_err() {
            // The error that led here is the one to tell; an unreleased lease only makes the next process wait.
            let _ = lease.release().await;
        }
        wired
    }

    async fn put_together(
        &self,
        connection: &Connection,
        lease: &Lease,
        watch: Arc<dyn Watch>,
    ) -> anyhow::Result<Wired> {
        let (id, now) = (lease.fence().connection, self.clock.now());
        let (fusion, pipedrive) =
            (Arc::new(self.fusion(connection)?), Arc::new(self.pipedrive(connection, id)?));
        let settings = settings(connection);
        let handing = handover_policy(connection).map(|policy| Handing {
            policy,
            erp: fusion.clone(),
            crm: pipedrive.clone(),
        });
        let documents = connection.documents.as_ref().map(|section| {
            let ports = (fusion.clone() as _, pipedrive.clone() as _, pipedrive.clone() as _);
            DocumentFlow::new(section.policy(), ports, document_rhythm(connection, section))
        });
        let erp: Arc<dyn Erp> = fusion;
        let crm: Arc<dyn Crm> = pipedrive;
        let ledger = self.ledger(connection, id);
        let mut tx = self.store.write(lease.fence()).await?;
        let run = tx.begin_run(self.kind, now).await?;
        tx.commit().await?;
        let mut engine = Engine::new(Parts {
            store: self.store.clone(),
            lease: lease.clone(),
            erp: erp.clone(),
            crm: crm.clone(),
            clock: self.clock.clone(),
            watch,
            settings,
            run,
            handing,
        });
        let name = connection.name.clone();
        let (store, lease, clock) = (self.store.clone(), lease.clone(), self.clock.clone());
        if let Some(documents) = documents {
            engine.take_up_documents(documents);
        }
        let hands_over = connection.customers_from_crm.is_some();
        let shows = connection.documents.is_some();
        Ok(Wired { name, store, id, lease, engine, ledger, run, hands_over, shows, erp, crm, clock })
    }

    /// Waits for the lease of a process that seems dead; gives up on one that is alive, and tells its name.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn take(&self, connection: &Connection) -> anyhow::Result<Result<Lease, String>> {
        let id = self.number(connection).await?;
        let mut taker = self.taker();
        let mut told = false;
        loop {
            match taker.try_take(&self.store, id, &self.clock).await? {
                Taking::Taken(lease) => return Ok(Ok(lease)),
                Taking::Held { owner, alive: true } => return Ok(Err(owner)),
                Taking::Held { owner, alive: false } => {
                    if !told {
                        let name = &connection.name;
                        talk(format!("{name}: {owner} held it last; looking whether that process is alive"));
                        told = true;
                    }
                    daemon::TokioSleeper.sleep(SignedDuration::from_millis(500)).await;
                }
            }
        }
    }

    fn clients(&self) -> Clients<'_> {
        Clients { env: self.env, clock: self.clock.clone(), seed: &clients::system_seed }
    }

    fn fusion(&self, connection: &Connection) -> anyhow::Result<Fusion> {
        self.clients().fusion(connection, clients::erp_transport(&connection.oracle)?)
    }

    fn pipedrive(&self, connection: &Connection, id: ConnectionId) -> anyhow::Result<Pipedrive> {
        let clients = self.clients();
        let kept = Kept {
            spend: Arc::new(self.ledger(connection, id)),
            vault: Arc::new(clients.vault(&self.store, id)?),
        };
        let transport = clients::crm_transport(&connection.pipedrive)?;
        clients.pipedrive(connection, transport, Arc::new(TokioSleeper), kept)
    }

    /// Whoever gets and ends the access of a connection that is an app; none where it is none.
    ///
    /// # Errors
    /// When a secret is missing or an address cannot be used.
    pub fn connector(&self, connection: &Connection, id: ConnectionId) -> anyhow::Result<Option<Connector>> {
        let transport = clients::crm_transport(&connection.pipedrive)?;
        self.clients().connector(connection, (&self.store, id), transport, Arc::new(TokioSleeper))
    }

    /// The budget of a connection.
    pub fn ledger(&self, connection: &Connection, id: ConnectionId) -> Ledger {
        Ledger::new(self.store.clone(), id, clients::budget(&connection.pipedrive))
    }

    /// Somebody who shows what would be done for a connection that another process holds. The rate limits are that
    /// process's too, so nothing is read from anywhere but the store.
    ///
    /// # Errors
    /// When a secret is missing.
    pub fn planner_beside(&self, connection: &Connection, id: ConnectionId) -> anyhow::Result<Planner> {
        Ok(Planner {
            store: self.store.clone(),
            connection: id,
            policy: policy(connection),
            crm: Arc::new(self.pipedrive(connection, id)?),
            clock: self.clock.clone(),
            reads: Reads::Nothing,
        })
    }

    /// Somebody who compares what was read last of both sides; asks nobody.
    #[must_use]
    pub fn auditor(&self, connection: &Connection, id: ConnectionId) -> Auditor {
        Auditor { store: self.store.clone(), connection: id, policy: policy(connection) }
    }

    /// The same for handovers; none where nothing is handed over. Names behind numbers are no part of the store, so they
    /// alone are asked for, if rules name them.
    ///
    /// # Errors
    /// When a secret is missing or the store fails; inside, when the CRM did not answer.
    pub async fn handover_planner_beside(
        &self,
        connection: &Connection,
        id: ConnectionId,
    ) -> anyhow::Result<Called<Option<HandoverPlanner>>> {
        let Some(handing) = handover_policy(connection) else { return Ok(Ok(None)) };
        let mut directory = Directory::default();
        if handing.asks_for_names() {
            let pipedrive: Arc<dyn CrmAnswers> = Arc::new(self.pipedrive(connection, id)?);
            directory = match pipedrive.directory(Class::Audit).await {
                Ok(names) => names,
                Err(error) => return Ok(Err(error)),
            };
        }
        Ok(Ok(Some(HandoverPlanner {
            store: self.store.clone(),
            connection: id,
            policy: handing,
            customers: policy(connection),
            since: activated_at(&self.store, id).await?,
            directory,
            sides: None,
            fresh: false,
            clock: self.clock.clone(),
        })))
    }
}

impl Wired {
    /// What was done and what it cost.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn summary(&self) -> anyhow::Result<ConnectionSummary> {
        let mut tx = self.store.read(self.id).await?;
        let customers = tx.outcomes(self.run, CUSTOMERS).await?.into();
        let customers_from_crm = match self.hands_over {
            true => Some(tx.outcomes(self.run, HANDOVERS).await?.into()),
            false => None,
        };
        let documents = match self.shows {
            true => Some(tx.outcomes(self.run, DOCUMENTS).await?.into()),
            false => None,
        };
        let spent = self.crm.spent();
        Ok(ConnectionSummary {
            name: self.name.clone(),
            flows: Flows { customers, customers_from_crm, documents },
            pipedrive: PipedriveUse { requests: spent.requests, tokens: spent.tokens },
            erp: ErpUse { requests: self.erp.requests() },
        })
    }

    /// Ends the run and gives the connection back.
    ///
    /// # Errors
    /// When the store cannot be written.
    pub async fn finish(self) -> anyhow::Result<ConnectionSummary> {
        let summary = self.summary().await?;
        let mut tx = self.store.write(self.lease.fence()).await?;
        tx.finish_run(self.run, &serde_json::to_string(&summary)?, self.clock.now()).await?;
        tx.commit().await?;
        self.lease.release().await?;
        Ok(summary)
    }
}

/// How this process calls itself to others.
pub fn process_name() -> String {
    format!("process {}", std::process::id())
}

/// How the customers of a connection are decided.
pub fn policy(connection: &Connection) -> Policy {
    let (fields, erp) = (connection.fields.table(), connection.customers.erp());
    let labels = erp.labelled().next().is_some();
    Policy {
        fields: if labels { fields.with(Field::Labels, Owner::Erp) } else { fields },
        customers: connection.customers.rule(&connection.oracle.customer_usages),
        erp,
        crm: connection.customers.crm(),
        labels: connection.customers.labels(),
        hierarchy: connection.customers.hierarchy(),
        settle: connection.sync.settle,
        freshness: FRESHNESS,
    }
}

/// How won deals of a connection become customers of the ERP, if they do. The company is learned from the CRM.
pub fn handover_policy(connection: &Connection) -> Option<HandoverPolicy> {
    let section = connection.customers_from_crm.as_ref()?;
    let (host, table) =
        (connection.oracle.base_url.host_str().unwrap_or_default(), connection.fields.table());
    Some(section.policy((host, &table), connection.sync.settle, FRESHNESS))
}

/// What has to be read of organizations and deals beside their mapped fields.
pub fn interest(connection: &Connection) -> Interest {
    let handovers = handover_policy(connection).map(|policy| policy.interest()).unwrap_or_default();
    match &connection.documents {
        Some(documents) => handovers.with_documents(&documents.policy()),
        None => handovers,
    }
}

fn document_rhythm(connection: &Connection, documents: &config::Documents) -> DocumentRhythm {
    let sync = &connection.sync;
    DocumentRhythm {
        poll_every: documents.poll_every,
        balances_every: documents.balances_every,
        sweep_every: sync.sweep_every,
        since: documents.since,
        pace: Pace { overlap: sync.overlap, safety: sync.safety },
        t_effect: connection.pipedrive.timeout + sync.margin,
        settle: sync.settle,
        freshness: FRESHNESS,
        notes_listed_from: pipedrive::NOTES_LISTED_FROM,
        notes_freshness: NOTES_FRESHNESS,
    }
}

/// Within this time whatever was sent has taken effect and is found, or never is.
pub fn settling(connection: &Connection) -> SignedDuration {
    connection.pipedrive.timeout + connection.sync.margin + connection.sync.settle
}

/// Digest of the settings under which plans are made.
pub fn plan_digest(connection: &Connection) -> String {
    policy_digest(&policy(connection), handover_policy(connection).as_ref())
}

fn settings(connection: &Connection) -> Settings {
    let sync = &connection.sync;
    Settings {
        policy: policy(connection),
        pace: Pace { overlap: sync.overlap, safety: sync.safety },
        poll_every: sync.poll_every,
        crm_poll_every: sync.crm_poll_every,
        crm_overlap: CRM_OVERLAP,
        sweep_every: sync.sweep_every,
        t_effect: connection.pipedrive.timeout + sync.margin,
        settle: sync.settle,
        guard: Some(sync.guard.policy()),
        batch: sync.batch,
        subscribing: None,
    }
}
