//! From what is so in the store to what reaches a receiver on this machine, on a clock that the test moves.

use std::sync::{Mutex, PoisonError};

use axum::{Router, body::Bytes, extract::State, http::HeaderMap, http::StatusCode, routing::any};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::Value;
use sync_core::alerts::Trouble;
use sync_core::error::{CallError, ErrorKind};
use sync_core::hold::HoldReason;
use sync_core::ids::PartyId;
use sync_engine::{Event, Pause, Side, Watch as _};
use sync_store::{Fence, StoreOptions};

use super::*;

const KEY: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

fn at(minute: i64) -> Timestamp {
    Timestamp::from_second(1_767_225_600 + minute * 60).unwrap()
}

/// A request that came.
#[derive(Debug, Clone)]
struct Came {
    path: String,
    headers: HeaderMap,
    body: String,
}

impl Came {
    fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }

    fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap()
    }
}

/// Somebody who listens on this machine, and answers what the test says.
#[derive(Clone, Default)]
struct Listener {
    came: Arc<Mutex<Vec<Came>>>,
    answer: Arc<Mutex<u16>>,
}

impl Listener {
    async fn open() -> (Self, String) {
        let listener = Self::default();
        listener.answers(204);
        let router = Router::new().fallback(any(hear)).with_state(listener.clone());
        let socket = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}", socket.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(socket, router).await });
        (listener, address)
    }

    fn answers(&self, status: u16) {
        *self.answer.lock().unwrap_or_else(PoisonError::into_inner) = status;
    }

    /// What came since the last time, at this path.
    fn came(&self, path: &str) -> Vec<Came> {
        let mut came = self.came.lock().unwrap_or_else(PoisonError::into_inner);
        came.extract_if(.., |one| one.path == path).collect()
    }
}

async fn hear(
    State(listener): State<Listener>,
    uri: axum::http::Uri,
    headers: HeaderMap,
    body: Bytes,
) -> StatusCode {
    let body = String::from_utf8_lossy(&body).into_owned();
    let came = Came { path: uri.path().to_owned(), headers, body };
    listener.came.lock().unwrap_or_else(PoisonError::into_inner).push(came);
    let status = *listener.answer.lock().unwrap_or_else(PoisonError::into_inner);
    StatusCode::from_u16(status).unwrap()
}

/// HMAC-SHA256 as RFC 2104 writes it, from nothing that the sender uses.
fn hmac(key: &[u8], text: &str) -> Vec<u8> {
    let pad = |with: u8| {
        let mut block = [with; 64];
        block.iter_mut().zip(key).for_each(|(byte, key)| *byte ^= key);
        block.to_vec()
    };
    let inner = Sha256::digest([pad(0x36), text.as_bytes().to_vec()].concat());
    Sha256::digest([pad(0x5c), inner.to_vec()].concat()).to_vec()
}

struct World {
    config: Config,
    store: Store,
    fence: Fence,
    board: Arc<Board>,
    listener: Listener,
    _folder: tempfile::TempDir,
}

impl World {
    async fn new() -> Self {
        let (listener, address) = Listener::open().await;
        let folder = tempfile::tempdir().unwrap();
        let url = format!("sqlite://{}", folder.path().join("alerts.db").display());
        let store = Store::open(&url, StoreOptions { durable: false, gate: None }).await.unwrap();
        store.migrate().await.unwrap();
        let id = store.ensure_connection("acme", "{}", at(0)).await.unwrap();
        let fence = store.lease_take(id, "process 7", None).await.unwrap().unwrap();
        let example = include_str!("../../tests/example.toml")
            .replace("[web]", "[web]\npublic_url = \"https://sync.example.com/mlc\"");
        let alerts = format!(
            "[alerts]\nwebhook_url = \"{address}/hook\"\nsecret = \"{KEY}\"\nping_url = \"{address}/ping\""
        );
        let config = Config::parse(&format!("{example}\n{alerts}"), "ml-connector.toml").unwrap();
        Self { config, store, fence, board: Arc::default(), listener, _folder: folder }
    }

    /// A process of its own, which knows nothing but what is stored.
    fn process(&self) -> Alerts {
        let mut alerts = Alerts::configured(&self.config, &self.store, &|_| None).unwrap().unwrap();
        let connection = &self.config.connections[0];
        alerts.watched.push(Watched::new(connection, self.fence.connection, Arc::clone(&self.board)));
        alerts
    }

    /// Looks each minute from one to another, each time in a new process.
    async fn look(&self, from: i64, to: i64) {
        for minute in from..=to {
            self.process().step(at(minute)).await.unwrap();
        }
    }

    async fn hold(&self, parties: std::ops::Range<i64>) {
        let mut tx = self.store.write(&self.fence).await.unwrap();
        for party in parties {
            tx.open_hold(PartyId(party), &HoldReason::PartyMissing, at(0)).await.unwrap();
        }
        tx.commit().await.unwrap();
    }

    /// The stream was read.
    async fn polled(&self, stream: &str, minute: i64) {
        let rhythm = sync_engine::streams::Rhythm { polled_at: Some(at(minute)), ..Default::default() };
        let mut tx = self.store.write(&self.fence).await.unwrap();
        tx.put_cursor(stream, &rhythm, at(minute)).await.unwrap();
        tx.commit().await.unwrap();
    }

    fn refused(&self, side: Side, kind: ErrorKind, until: Timestamp) {
        let error = CallError::without_effect("call", kind, "no");
        self.board.see(Event::Paused(Pause { side, until, error }));
    }

    fn types(&self) -> Vec<String> {
        let came = self.listener.came("/hook");
        came.iter().map(|came| came.json()["type"].as_str().unwrap().to_owned()).collect()
    }
}

#[tokio::test]
async fn questions_that_wait_reach_a_receiver_that_can_tell_who_sent_it() {
    let world = World::new().await;
    world.hold(1..4).await;
    world.look(0, 10).await;
    let came = world.listener.came("/hook");
    assert_eq!(came.len(), 1, "once, though each look was a process of its own: {came:?}");
    let came = &came[0];
    let body = came.json();
    assert_eq!(body["type"], "holds.waiting");
    assert_eq!(body["text"], "acme: 3 questions wait for a person.");
    assert_eq!((&body["data"]["connection"], &body["data"]["holds"]), (&"acme".into(), &3.into()));
    assert_eq!(body["data"]["link"], "https://sync.example.com/mlc/c/acme/holds");
    assert_eq!(came.header("content-type"), "application/json");
    let (id, time) = (came.header("webhook-id"), came.header("webhook-timestamp"));
    assert_eq!(time, at(2).as_second().to_string());
    let key = STANDARD.decode(KEY.trim_start_matches("whsec_")).unwrap();
    let expected = STANDARD.encode(hmac(&key, &format!("{id}.{time}.{}", came.body)));
    assert_eq!(came.header("webhook-signature"), format!("v1,{expected}"));
}

#[tokio::test]
async fn an_alert_whose_process_died_before_it_was_sent_is_sent_by_the_next_one() {
    let world = World::new().await;
    world.hold(1..2).await;
    world.look(0, 1).await;
    // It is committed, and the process dies before anything is sent.
    world.process().look(at(2)).await.unwrap();
    let waiting = world.store.waiting_alerts(world.fence.connection, 10).await.unwrap();
    assert_eq!(waiting.len(), 1);
    world.process().step(at(90)).await.unwrap();
    let came = world.listener.came("/hook");
    assert_eq!(came.len(), 1);
    assert_eq!(came[0].header("webhook-id"), waiting[0].webhook_id);
    assert_eq!(
        (came[0].body.as_str(), came[0].json()["timestamp"].as_str()),
        (waiting[0].body.as_str(), Some("2026-01-01T00:02:00Z"))
    );
    // The next one dies after it was sent and before that is known: it comes twice, and can be told.
    world.hold(2..5).await;
    world.process().look(at(91)).await.unwrap();
    let mut waiting = world.store.waiting_alerts(world.fence.connection, 10).await.unwrap();
    let alert = waiting.remove(0);
    assert!(world.store.take_alert(world.fence.connection, &alert, at(91) + UNHEARD).await.unwrap());
    let receiver = world.process().receiver.unwrap();
    receiver.send(&alert.webhook_id, &alert.body, at(91)).await.unwrap();
    world.look(92, 92).await;
    assert_eq!(world.listener.came("/hook").len(), 1, "whoever took it may still be at it");
    world.look(93, 93).await;
    let again = world.listener.came("/hook");
    assert_eq!(again.iter().map(|came| came.header("webhook-id")).collect::<Vec<_>>(), [alert.webhook_id]);
    world.look(94, 99).await;
    assert_eq!(world.listener.came("/hook").len(), 0);
}

#[tokio::test]
async fn a_receiver_that_is_down_for_hours_gets_everything_in_order() {
    let world = World::new().await;
    world.listener.answers(503);
    world.hold(1..2).await;
    world.look(0, 63).await;
    let tries = world.listener.came("/hook");
    let minutes: Vec<i64> = tries
        .iter()
        .map(|came| (came.header("webhook-timestamp").parse::<i64>().unwrap() - at(0).as_second()) / 60)
        .collect();
    assert_eq!(minutes, [2, 3, 5, 9, 17, 33], "seldomer and seldomer");
    let ids: std::collections::BTreeSet<&str> = tries.iter().map(|came| came.header("webhook-id")).collect();
    assert_eq!(ids.len(), 1, "the same each time");
    let mut tx = world.store.write(&world.fence).await.unwrap();
    tx.close_holds(&[PartyId(1)], at(63)).await.unwrap();
    tx.commit().await.unwrap();
    world.listener.answers(204);
    world.look(64, 66).await;
    assert_eq!(world.types(), ["holds.waiting", "holds.done"]);
    world.look(67, 70).await;
    assert_eq!(world.types(), Vec::<String>::new());
}

#[tokio::test]
async fn an_alert_is_given_up_after_a_day_and_at_once_where_nobody_wants_it() {
    let world = World::new().await;
    world.listener.answers(500);
    world.hold(1..2).await;
    world.look(0, 2).await;
    for hour in 1..=26 {
        world.process().send_all(at(2 + hour * 61)).await.unwrap();
    }
    assert_eq!(world.store.waiting_alerts(world.fence.connection, 10).await.unwrap(), []);
    assert_eq!(world.listener.came("/hook").len(), 25);
    world.listener.answers(410);
    world.hold(2..5).await;
    world.look(2_000, 2_001).await;
    assert_eq!(world.types(), ["holds.waiting"]);
    assert_eq!(world.store.waiting_alerts(world.fence.connection, 10).await.unwrap(), []);
}

#[tokio::test]
async fn while_a_connection_is_broken_nobody_is_told_that_all_is_well() {
    let world = World::new().await;
    let mut process = world.process();
    for minute in 0..30 {
        process.step(at(minute)).await.unwrap();
    }
    assert_eq!(world.listener.came("/ping").len(), 6, "every five minutes");
    for minute in 30..90 {
        world.refused(Side::Crm, ErrorKind::Unauthorized, at(minute + 1));
        process.step(at(minute)).await.unwrap();
    }
    assert_eq!(world.listener.came("/ping").len(), 3, "until it is known to be broken");
    let told = world.listener.came("/hook");
    assert_eq!(told.len(), 1);
    assert_eq!(told[0].json()["type"], "connection.broken");
    assert_eq!(told[0].json()["data"]["troubles"], serde_json::json!(["crm_no_access", "crm_silent"]));
    assert_eq!(told[0].json()["data"]["link"], "https://sync.example.com/mlc/c/acme");
    for minute in 90..100 {
        process.step(at(minute)).await.unwrap();
    }
    assert_eq!(world.types(), ["connection.recovered"]);
    assert_eq!(world.listener.came("/ping").len(), 2);
}

#[tokio::test]
async fn a_side_that_is_not_read_is_silent_unless_the_budget_is_why() {
    let world = World::new().await;
    for stream in ["erp.account", "erp.party", "crm.organization"] {
        world.polled(stream, 0).await;
    }
    let watched = &world.process().watched[0];
    let troubles = async |minute| {
        let figures = world.store.figures(at(minute)).await.unwrap();
        watched
            .seen(&figures[0], Vec::new(), at(minute))
            .troubles
            .into_iter()
            .map(Trouble::key)
            .collect::<Vec<_>>()
    };
    assert_eq!(troubles(7).await, Vec::<&str>::new());
    assert_eq!(troubles(8).await, ["erp_silent"], "five minutes and two of grace");
    world.polled("erp.account", 18).await;
    world.polled("erp.party", 18).await;
    assert_eq!(troubles(18).await, ["crm_silent"], "a quarter of an hour and two minutes");
    // A burst or an outage in between does not hide that the budget is used up.
    world.refused(Side::Crm, ErrorKind::Exhausted { until: at(600) }, at(600));
    world.refused(Side::Crm, ErrorKind::Transient { after: None }, at(19));
    assert_eq!(troubles(18).await, Vec::<&str>::new());
    world.polled("erp.account", 598).await;
    world.polled("erp.party", 598).await;
    assert_eq!(troubles(601).await, ["crm_silent"], "it is not polled though it could be");
    world.refused(Side::Erp, ErrorKind::Forbidden, at(601));
    assert_eq!(troubles(602).await, ["erp_denied", "crm_silent"]);
}
