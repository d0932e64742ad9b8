//! How long a won deal waits in our own process: from the moment its webhook is sent to the moment the ERP is asked about its
//! organization for the first time. The real binary between the simulators, over loopback; prints a table for
//! docs/handover-bench.md.
//!
//! `BIN=path/to/ml-connector cargo run --release -p ml-connector --example handover_bench [-- CUSTOMERS [DEALS]]`

#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::expect_used,
    reason = "a command-line tool that may end when something fails"
)]
#![expect(clippy::disallowed_methods, reason = "a stop watch")]

use std::collections::BTreeMap;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use axum::extract::Request;
use axum::middleware::{Next, from_fn};
use base64::{Engine as _, prelude::BASE64_STANDARD};
use saas_sims::fusion::{FusionSettings, FusionSim};
use saas_sims::pipedrive::{PipedriveSettings, PipedriveSim, Plan, WebhookSettings};
use saas_sims::{SimClock, generator};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

const CONFIG: &str = r#"
[store]
url = "sqlite://{folder}/store.db"
[web]
listen = "{door}"
[[connection]]
name = "acme"
[connection.oracle]
base_url = "http://{fusion}"
token_url = "http://{fusion}/oauth2/v1/token"
client_id = "connector"
client_secret = "a secret"
scope = "urn:opc:resource:fa:instanceid=1urn:opc:resource:consumer::all"
[connection.pipedrive]
base_url = "http://{pipedrive}"
api_token = "0123456789012345678901234567890123456789"
plan = "ultimate"
seats = 100
[connection.webhooks]
public_url = "http://{door}"
basic = [{ user = "pipedrive", password = "secret" }]
[connection.customers_from_crm]
[[connection.customers_from_crm.business_unit]]
name = "US1"
set_id = 300000001127004
"#;

/// When the ERP was asked about each organization first.
type Asked = Arc<Mutex<BTreeMap<i64, Instant>>>;

/// The daemon; it does not outlive us.
struct Daemon(Child);

impl Drop for Daemon {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// The organization that a request names by our reference.
fn named(uri: &str) -> Option<i64> {
    let uri = uri.replace("%3A", ":").replace("%3a", ":");
    let rest = uri.split_once(":org:")?.1;
    rest.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok()
}

async fn post(address: &str, path: &str, body: &str) {
    let auth = BASE64_STANDARD.encode("pipedrive:secret");
    let mut stream = TcpStream::connect(address).await.expect("the door is open");
    let request = format!(
        "POST {path} HTTP/1.1\r\nhost: bench\r\nauthorization: Basic {auth}\r\ncontent-type: application/json\r\n\
         connection: close\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
    stream.write_all(request.as_bytes()).await.expect("sent");
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.expect("an answer");
    assert!(answer.starts_with(b"HTTP/1.1 200"), "{}", String::from_utf8_lossy(&answer));
}

/// Asks until it is so.
async fn until(what: &str, mut so: impl AsyncFnMut() -> bool) {
    eprintln!("waiting until {what}");
    while !so().await {
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

async fn served(router: axum::Router) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address").to_string();
    tokio::spawn(saas_sims::serve(listener, router));
    address
}

fn enter(pipedrive: &PipedriveSim, number: u64) -> (i64, i64) {
    let address = json!({ "value": format!("{number} Bench Road, Boston, MA 02101, USA"), "country": "USA" });
    let org = json!({ "name": format!("Bench number {number} Corporation"), "address": address });
    let org = pipedrive.create_as_person(&org).expect("an organization");
    let deal = json!({ "title": "Bench", "org_id": org, "value": 1_000, "currency": "USD" });
    let deal = pipedrive.create_deal(&deal).expect("a deal");
    pipedrive.win_deal(deal).expect("won");
    (org, deal)
}

fn delivery(deal: i64, number: u64) -> String {
    json!({
        "data": { "id": deal, "status": "won" }, "previous": { "status": "open" },
        "meta": { "action": "change", "entity": "deal", "entity_id": deal.to_string(), "version": "2.0",
            "id": format!("event-{number}"), "webhook_id": "1", "timestamp": "2026-11-24T15:21:23.152Z" },
    })
    .to_string()
}

/// The daemon with its configuration, and the path of its door.
fn start(folder: &std::path::Path, door: &str, fusion: &str, pipedrive: &str) -> (Daemon, String) {
    let binary = std::env::var("BIN").unwrap_or_else(|_| "target/release/ml-connector".to_owned());
    let file = folder.join("ml-connector.toml");
    let text = CONFIG
        .replace("{folder}", &folder.display().to_string())
        .replace("{door}", door)
        .replace("{fusion}", fusion)
        .replace("{pipedrive}", pipedrive);
    std::fs::write(&file, text).expect("the configuration is written");
    let file = file.display().to_string();
    let run = |arguments: &[&str]| {
        let mut command = Command::new(&binary);
        command.args(arguments).args(["--config", &file]).env("MLC_MASTER_KEY", "ab".repeat(32));
        command
    };
    let shown = run(&["webhooks", "acme", "--json"]).output().expect("the binary runs");
    let shown: Value = serde_json::from_slice(&shown.stdout)
        .unwrap_or_else(|_| panic!("no address: {}", String::from_utf8_lossy(&shown.stderr)));
    let address = shown["address"].as_str().expect("an address").to_owned();
    let path = address.trim_start_matches(&format!("http://{door}")).to_owned();
    let log = std::fs::File::create(folder.join("log")).expect("a log");
    let daemon =
        run(&["run"]).stdout(Stdio::null()).stderr(Stdio::from(log)).spawn().expect("the binary runs");
    (Daemon(daemon), path)
}

#[tokio::main]
async fn main() {
    let mut words = std::env::args().skip(1).filter_map(|word| word.parse::<u64>().ok());
    let (customers, deals) = (words.next().unwrap_or(0), words.next().unwrap_or(200));
    let clock = SimClock::system();
    let settings = FusionSettings { client_secret: Some("a secret".to_owned()), ..FusionSettings::default() };
    let fusion = FusionSim::new(settings, clock.clone(), 1);
    let settings = PipedriveSettings {
        api_token: Some("0123456789012345678901234567890123456789".to_owned()),
        plan: Plan::Ultimate,
        seats: 100,
        webhooks: WebhookSettings { allow_local_urls: true, ..WebhookSettings::default() },
        ..PipedriveSettings::default()
    };
    let pipedrive = PipedriveSim::new(settings, clock.clone(), 1);
    generator::populate(&fusion, usize::try_from(customers).expect("few"), 1, clock.now());
    let asked = Asked::default();
    let watched = Arc::clone(&asked);
    let watch = from_fn(move |request: Request, next: Next| {
        let watched = Arc::clone(&watched);
        async move {
            if let Some(org) = named(&request.uri().to_string()) {
                watched.lock().expect("no panic").entry(org).or_insert_with(Instant::now);
            }
            next.run(request).await
        }
    });
    let at_fusion = served(fusion.router().layer(watch)).await;
    let at_pipedrive = served(pipedrive.router()).await;
    let door = {
        let free = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        free.local_addr().expect("an address").to_string()
    };
    let folder = tempfile::tempdir().expect("a folder");
    let (_daemon, path) = start(folder.path(), &door, &at_fusion, &at_pipedrive);
    until("the door is open", async || TcpStream::connect(&door).await.is_ok()).await;
    let calls = |name: &str| pipedrive.stats().by_operation.get(name).map_or(0, |(asked, _)| *asked);
    until("deals were read once", async || calls("GET /api/v2/deals") > 0).await;
    let written = || calls("POST /api/v2/organizations");
    let began = Instant::now();
    until("the first load runs", async || customers == 0 || written() > 200).await;
    eprintln!("it ran after {} s", began.elapsed().as_secs());

    let (before, began) = (written(), Instant::now());
    let mut took = Vec::new();
    for number in 0..deals {
        let (org, deal) = enter(&pipedrive, number);
        // Not in step with anything.
        tokio::time::sleep(Duration::from_millis(150 + number * 37 % 211)).await;
        let sent = Instant::now();
        post(&door, &path, &delivery(deal, number)).await;
        let first = loop {
            if let Some(first) = asked.lock().expect("no panic").get(&org) {
                break *first;
            }
            assert!(sent.elapsed() < Duration::from_secs(60), "deal {deal} was not handed over");
            tokio::time::sleep(Duration::from_millis(1)).await;
        };
        took.push(first.saturating_duration_since(sent));
    }
    let (created, seconds) = (written() - before, began.elapsed().as_secs_f64());
    took.sort_unstable();
    let at = |share: f64| took[((took.len() - 1) as f64 * share) as usize].as_secs_f64() * 1e3;
    println!(
        "| {customers} | {:.0} | {} | {:.1} ms | {:.1} ms | {:.1} ms |",
        created as f64 / seconds,
        took.len(),
        at(0.5),
        at(0.9),
        at(0.99)
    );
}
