//! A door on a throw-away store.

use std::{collections::BTreeMap, net::SocketAddr, sync::Arc};

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use sync_core::{
    budget::DailyBudget,
    hooks::{Check, Delivery, Headers, HookEntity, HookEvent, HookVerifier, Refused},
    ids::ConnectionId,
    ports::ManualClock,
};
use sync_engine::{Bell, daemon::Sleeper};
use sync_store::{Fence, Store, StoreOptions};
use sync_web::{Certificates, HookDoor, Intake, Keeper, Limits, Parts, Served, Serving, Token};
use tokio::{
    net::TcpListener,
    sync::{Semaphore, oneshot, watch},
    task::JoinHandle,
};

pub(crate) const TOKEN: &str = "0123456789abcdef";
pub(crate) const HOOK: &str = "/hooks/acme/path";

/// Vouches for whatever has a header `x-vouched`, by its value.
struct Vouching;

impl HookVerifier for Vouching {
    fn at_first_sight(&self, _: Headers<'_>) -> Result<(), Refused> {
        Ok(())
    }

    fn verify(&self, delivery: &Delivery<'_>) -> Result<Vec<Check>, Refused> {
        match (delivery.headers)("x-vouched").first().map(Vec::as_slice) {
            Some(b"basic") => Ok(vec![Check::Basic]),
            Some(b"both") => Ok(vec![Check::Basic, Check::Hmac]),
            Some(_) | None => Err(Refused::NoProof),
        }
    }

    fn read(&self, body: &[u8]) -> Result<Option<HookEvent>, String> {
        let key = String::from_utf8_lossy(body).into_owned();
        match key.as_str() {
            "deal" => Ok(None),
            "{" => Err("not JSON".to_owned()),
            _ => Ok(Some(HookEvent {
                subscription: None,
                key,
                entity: HookEntity::Organization,
                record: 1,
                action: "change".to_owned(),
                at: None,
                urgent: true,
                merged: None,
            })),
        }
    }
}

pub(crate) struct World {
    pub(crate) store: Store,
    pub(crate) clock: ManualClock,
    pub(crate) connection: ConnectionId,
    pub(crate) fence: Fence,
    _folder: tempfile::TempDir,
}

pub(crate) fn at(seconds: i64) -> Timestamp {
    Timestamp::from_second(1_767_225_600 + seconds).unwrap()
}

impl World {
    pub(crate) async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let url = format!("sqlite://{}", folder.path().join("door.db").display());
        let store = Store::open(&url, StoreOptions { durable: false, gate: None }).await.unwrap();
        store.migrate().await.unwrap();
        let connection = store.ensure_connection("acme", "{}", at(0)).await.unwrap();
        let fence = store.lease_take(connection, "process 7", None).await.unwrap().unwrap();
        Self { store, clock: ManualClock::at(at(0)), connection, fence, _folder: folder }
    }

    pub(crate) fn parts(&self) -> (Parts, Keeper) {
        let door = HookDoor {
            connection: self.connection,
            base: "https://sync.example.com/hooks/acme/".to_owned(),
            paths: vec!["path".to_owned()],
            verifier: Arc::new(Vouching),
            bell: Arc::new(Bell::default()),
        };
        let clock = Arc::new(self.clock.clone());
        let doors = BTreeMap::from([("acme".to_owned(), door)]);
        let (intake, keeper) = Intake::new(doors, self.store.clone(), clock.clone());
        let budget = DailyBudget { tokens: 300_000, max_share: 0.5, reserve: 0.1 };
        let rhythms = BTreeMap::from([("erp.party".to_owned(), SignedDuration::from_mins(5))]);
        let served = Served { name: "acme".to_owned(), fence: self.fence, budget, rhythms };
        let parts = Parts {
            token: Token::new(TOKEN),
            served: vec![served],
            version: "1.2.3",
            ..Parts::new(self.store.clone(), intake, clock)
        };
        (parts, keeper)
    }

    pub(crate) async fn inbox(&self) -> u64 {
        self.store.figures(at(0)).await.unwrap()[0].inbox
    }
}

/// A sleeper whose sleeps end when the test says so.
pub(crate) struct Turns {
    turns: Semaphore,
    asleep: watch::Sender<usize>,
}

#[async_trait]
impl Sleeper for Turns {
    async fn sleep(&self, _: SignedDuration) {
        self.asleep.send_modify(|times| *times += 1);
        self.turns.acquire().await.unwrap().forget();
    }
}

/// A served door.
pub(crate) struct Opened {
    pub(crate) address: SocketAddr,
    turns: Arc<Turns>,
    stop: Option<oneshot::Sender<()>>,
    served: JoinHandle<std::io::Result<()>>,
}

impl Opened {
    pub(crate) async fn new(world: &World, limits: Limits, certificates: Option<Certificates>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let turns = Arc::new(Turns { turns: Semaphore::new(0), asleep: watch::Sender::new(0) });
        let certificates = certificates.map(Arc::new);
        let serving = Serving { listener, certificates, limits, sleeper: turns.clone() };
        let (stop, stopped) = oneshot::channel();
        let (parts, keeper) = world.parts();
        let served = tokio::spawn(sync_web::serve(serving, parts, keeper, async { drop(stopped.await) }));
        Self { address, turns, stop: Some(stop), served }
    }

    /// Lets a minute pass: whoever sleeps wakes, and has done its work when this returns.
    pub(crate) async fn a_minute(&self) {
        let mut asleep = self.turns.asleep.subscribe();
        let times = *asleep.wait_for(|times| *times > 0).await.unwrap();
        self.turns.turns.add_permits(1);
        asleep.wait_for(|now| *now > times).await.unwrap();
    }

    pub(crate) fn stop(&mut self) {
        drop(self.stop.take());
    }

    pub(crate) async fn ended(self) {
        self.served.await.unwrap().unwrap();
    }
}
