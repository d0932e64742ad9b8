//! How many webhooks a second are taken in: verified, durable, acknowledged. Over loopback, on SQLite with every commit
//! synced, against a bare handler that only commits the row. Prints a table for docs/hook-bench.md.
//!
//! `cargo run --release -p ml-connector --example hook_bench [-- SECONDS [CONNECTIONS]]`

#![expect(
    clippy::print_stdout,
    clippy::expect_used,
    reason = "a command-line tool that may end when something fails"
)]
#![expect(clippy::disallowed_methods, reason = "a stop watch")]

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use axum::body::Bytes;
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::post;
use base64::{Engine as _, prelude::BASE64_STANDARD};
use jiff::Timestamp;
use pipedrive::{HookKeys, PipedriveHooks};
use sync_core::hooks::{Check, HookEntity, HookEvent};
use sync_core::ids::ConnectionId;
use sync_engine::Bell;
use sync_engine::daemon::TokioSleeper;
use sync_store::{HookRow, Store, StoreOptions};
use sync_web::{HookDoor, Intake, Limits, Parts, Serving};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

const PATH: &str = "/hooks/acme/0123456789abcdef0123456789abcdef";

/// As large as a change of an organization with forty custom fields.
fn body(number: u64) -> String {
    let fields: Vec<String> = (0..40)
        .map(|field| format!("\"{field:040x}\":{{\"type\":\"varchar\",\"value\":\"value {number}\"}}"))
        .collect();
    format!(
        "{{\"data\":{{\"id\":{id},\"name\":\"Sample Org {number}\",\"custom_fields\":{{{fields}}}}},\"previous\":{{}},\
         \"meta\":{{\"action\":\"change\",\"entity\":\"organization\",\"entity_id\":\"{id}\",\"id\":\"event-{number}\",\
         \"company_id\":\"8087566\",\"user_id\":\"12415231\",\"webhook_id\":\"4710827\",\
         \"timestamp\":\"2026-11-24T15:21:23.152Z\",\"version\":\"2.0\",\"attempt\":1}}}}",
        id = number % 5_000 + 1,
        fields = fields.join(","),
    )
}

struct Ran {
    events: u64,
    seconds: f64,
    slowest_of_100: Duration,
    median: Duration,
}

impl Ran {
    fn rate(&self) -> f64 {
        self.events as f64 / self.seconds
    }
}

/// So many connections, each sending one event after the other and waiting for its 200.
async fn load(address: SocketAddr, seconds: u64, connections: usize) -> Ran {
    let auth = BASE64_STANDARD.encode("pipedrive:secret");
    let next = Arc::new(AtomicU64::new(0));
    let began = Instant::now();
    let until = began + Duration::from_secs(seconds);
    let senders = (0..connections).map(|_| {
        let (next, auth) = (Arc::clone(&next), auth.clone());
        tokio::spawn(async move {
            let mut stream = TcpStream::connect(address).await.expect("the door is open");
            stream.set_nodelay(true).expect("a socket");
            let mut took = Vec::new();
            let mut answer = vec![0_u8; 4_096];
            while Instant::now() < until {
                let body = body(next.fetch_add(1, Ordering::Relaxed));
                let request = format!(
                    "POST {PATH} HTTP/1.1\r\nhost: bench\r\nauthorization: Basic {auth}\r\n\
                     content-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
                    body.len()
                );
                let sent = Instant::now();
                stream.write_all(request.as_bytes()).await.expect("sent");
                let read = stream.read(&mut answer).await.expect("an answer");
                assert!(
                    answer[..read].starts_with(b"HTTP/1.1 200"),
                    "{}",
                    String::from_utf8_lossy(&answer[..read])
                );
                took.push(sent.elapsed());
            }
            took
        })
    });
    let mut took: Vec<Duration> = Vec::new();
    for sender in senders.collect::<Vec<_>>() {
        took.extend(sender.await.expect("a sender"));
    }
    let seconds = began.elapsed().as_secs_f64();
    took.sort_unstable();
    let at = |share: f64| took[((took.len() - 1) as f64 * share) as usize];
    Ran { events: took.len() as u64, seconds, slowest_of_100: at(0.99), median: at(0.5) }
}

async fn store(folder: &std::path::Path, name: &str) -> (Store, ConnectionId) {
    let url = format!("sqlite://{}", folder.join(name).display());
    let store = Store::open(&url, StoreOptions::default()).await.expect("a store");
    store.migrate().await.expect("tables");
    let connection = store.ensure_connection("acme", "{}", Timestamp::now()).await.expect("a connection");
    (store, connection)
}

/// The door as `run` has it.
async fn ours(folder: &std::path::Path, seconds: u64, connections: usize) -> Ran {
    let (store, connection) = store(folder, "ours.db").await;
    let keys = HookKeys { basic: vec![("pipedrive".to_owned(), "secret".into())], hmac: None, all: false };
    let door = HookDoor {
        connection,
        base: "http://127.0.0.1/hooks/acme/".to_owned(),
        paths: vec!["0123456789abcdef0123456789abcdef".to_owned()],
        verifier: Arc::new(PipedriveHooks::new(&keys).expect("a verifier")),
        bell: Arc::new(Bell::default()),
    };
    let clock = Arc::new(ml_connector::wire::SystemClock::start());
    let (intake, keeper) =
        Intake::new(BTreeMap::from([("acme".to_owned(), door)]), store.clone(), clock.clone());
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    let sleeper = Arc::new(TokioSleeper);
    let serving = Serving { listener, certificates: None, limits: Limits::default(), sleeper };
    let parts = Parts::new(store, intake, clock);
    let served = tokio::spawn(sync_web::serve(serving, parts, keeper, std::future::pending()));
    let ran = load(address, seconds, connections).await;
    served.abort();
    ran
}

/// A handler that only commits the row, one transaction each.
async fn bare(folder: &std::path::Path, seconds: u64, connections: usize) -> Ran {
    let (store, connection) = store(folder, "bare.db").await;
    let commit = move |State((store, next)): State<(Store, Arc<AtomicU64>)>, body: Bytes| async move {
        let key = next.fetch_add(1, Ordering::Relaxed).to_string();
        let event = HookEvent {
            key,
            subscription: None,
            entity: HookEntity::Organization,
            record: 1,
            action: "change".to_owned(),
            at: None,
            urgent: true,
            merged: None,
        };
        let body = String::from_utf8_lossy(&body).into_owned();
        let row = HookRow { event, vouched: vec![Check::Basic], body };
        match store.put_hooks(connection, &[row], Timestamp::now()).await {
            Ok(()) => StatusCode::OK,
            Err(_) => StatusCode::SERVICE_UNAVAILABLE,
        }
    };
    let router =
        axum::Router::new().route(PATH, post(commit)).with_state((store, Arc::new(AtomicU64::new(0))));
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    let served = tokio::spawn(async move { axum::serve(listener, router).await });
    let ran = load(address, seconds, connections).await;
    served.abort();
    ran
}

#[tokio::main]
async fn main() {
    let mut words = std::env::args().skip(1).filter_map(|word| word.parse::<u64>().ok());
    let (seconds, connections) = (words.next().unwrap_or(10), words.next().unwrap_or(32));
    let folder = tempfile::tempdir().expect("a folder");
    println!("| what | events a second | median | slowest of 100 |\n|---|---|---|---|");
    let connections = usize::try_from(connections).unwrap_or(32);
    let mut rates = Vec::new();
    for (name, ran) in [
        ("verified, deduplicated, durable, acknowledged", ours(folder.path(), seconds, connections).await),
        ("bare handler that only commits the row", bare(folder.path(), seconds, connections).await),
    ] {
        let (median, slow) = (ran.median.as_secs_f64() * 1e3, ran.slowest_of_100.as_secs_f64() * 1e3);
        println!("| {name} | {:.0} | {median:.1} ms | {slow:.1} ms |", ran.rate());
        rates.push(ran.rate());
    }
    let ratio = rates.first().zip(rates.last()).map_or(0.0, |(ours, bare)| ours / bare);
    println!(
        "\n{connections} connections, {seconds} s each, {} bytes an event; ours : bare = {ratio:.2}",
        body(1).len()
    );
}
