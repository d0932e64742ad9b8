//! What the routes of a process share.

use std::{
    collections::BTreeMap,
    sync::{Arc, atomic::AtomicU64},
};

use ipnet::IpNet;
use jiff::{SignedDuration, Timestamp};
use sync_core::{budget::DailyBudget, ports::Clock};
use sync_engine::{
    Planner,
    daemon::{Sleeper, TokioSleeper},
};
use sync_store::{Fence, Store};
use tokio::sync::{Semaphore, watch};

use crate::{
    api::Pace,
    bearer::Token,
    connect::Connects,
    hooks::Intake,
    scrape::Scrapes,
    setup::{Looks, Maker},
    who::{Passwords, Throttle},
};

/// Pages that are told of writes at a time.
const LIVE: usize = 64;

/// What the routes need. Whoever adds a route that needs more adds a field, and its default to [`Parts::new`].
pub struct Parts {
    /// The store.
    pub store: Store,
    /// The doors of connections for webhooks.
    pub intake: Arc<Intake>,
    /// The doors of connections for people who come back with consent.
    pub connects: Arc<Connects>,
    /// The clock.
    pub clock: Arc<dyn Clock>,
    /// What callers of guarded routes have to show; without one nobody may call them.
    pub token: Option<Token>,
    /// Whose word about the client's address is believed.
    pub trusted_proxies: Vec<IpNet>,
    /// The connections that this process works on.
    pub served: Vec<Served>,
    /// Who tells what would be written, by connection.
    pub planners: BTreeMap<String, Planner>,
    /// Looks at both systems that people ask for.
    pub looks: Arc<Looks>,
    /// Who keeps what people say of connections; none where nobody does.
    pub maker: Option<Arc<dyn Maker>>,
    /// Who waits for us.
    pub sleeper: Arc<dyn Sleeper>,
    /// The version of the process.
    pub version: &'static str,
}

/// A connection that this process works on.
#[derive(Debug, Clone)]
pub struct Served {
    /// Its name.
    pub name: String,
    /// The right to work on it, as it was taken.
    pub fence: Fence,
    /// What the CRM grants its company a day, and what of it is ours, as configured.
    pub budget: DailyBudget,
    /// How often each stream is read, as configured, by its name.
    pub rhythms: BTreeMap<String, SignedDuration>,
}

impl Parts {
    /// A door that trusts nobody: no token, no proxies, no connections.
    #[must_use]
    pub fn new(store: Store, intake: Arc<Intake>, clock: Arc<dyn Clock>) -> Self {
        let connects = Connects::new(BTreeMap::new(), store.clone(), Arc::clone(&clock));
        Self {
            store,
            intake,
            connects,
            clock,
            token: None,
            trusted_proxies: Vec::new(),
            served: Vec::new(),
            planners: BTreeMap::new(),
            looks: Looks::new().0,
            maker: None,
            sleeper: Arc::new(TokioSleeper),
            version: env!("CARGO_PKG_VERSION"),
        }
    }
}

/// The state of all routes.
#[derive(Clone)]
pub(crate) struct Door(Arc<Inside>);

/// What is behind the door.
pub(crate) struct Inside {
    pub(crate) parts: Parts,
    /// Requests without a right to what they asked for, since the process began.
    pub(crate) unauthorized: AtomicU64,
    pub(crate) scrapes: Scrapes,
    pub(crate) passwords: Passwords,
    pub(crate) throttle: Throttle,
    pub(crate) pace: Pace,
    /// Places for pages that are told of writes.
    pub(crate) live: Arc<Semaphore>,
    /// True once the process ends: whoever keeps a response open ends it.
    pub(crate) closing: watch::Receiver<bool>,
    pub(crate) started: Timestamp,
}

impl Door {
    pub(crate) fn new(parts: Parts, closing: watch::Receiver<bool>) -> Self {
        let started = parts.clock.now();
        Self(Arc::new(Inside {
            parts,
            unauthorized: AtomicU64::new(0),
            scrapes: Scrapes::default(),
            passwords: Passwords::default(),
            throttle: Throttle::default(),
            pace: Pace::default(),
            live: Arc::new(Semaphore::new(LIVE)),
            closing,
            started,
        }))
    }
}

impl std::ops::Deref for Door {
    type Target = Inside;

    fn deref(&self) -> &Inside {
        &self.0
    }
}
