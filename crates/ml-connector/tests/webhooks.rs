//! Webhooks end to end: the daemon as a process, the simulated Pipedrive as another one, which delivers over sockets.

#![expect(clippy::expect_used, reason = "a test that cannot go on has failed")]

use std::{
    collections::BTreeSet,
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::{SocketAddr, TcpListener, TcpStream},
    path::PathBuf,
    process::{Child, Command, Output, Stdio},
    time::Duration,
};

use serde_json::{Value, json};

/// `pipedrive:first secret`
const FIRST: &str = "Basic cGlwZWRyaXZlOmZpcnN0IHNlY3JldA==";

/// A process that does not outlive its test.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn command(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ml-connector"));
    command.args(arguments).env_remove("MLC_CONFIG");
    command.envs([("FUSION_CLIENT_SECRET", "a secret"), ("PIPEDRIVE_API_TOKEN", &"a1".repeat(20))]);
    command
}

/// Starts a process and waits until it said `starts` so many times; gives these lines.
fn start(arguments: &[&str], starts: &str, wanted: usize) -> (Running, Vec<String>) {
    let mut child = command(arguments).stderr(Stdio::piped()).spawn().expect("the binary runs");
    let talk = BufReader::new(child.stderr.take().expect("stderr"));
    let mut lines = talk.lines().map_while(Result::ok);
    let found: Vec<String> = lines.by_ref().filter(|line| line.contains(starts)).take(wanted).collect();
    assert_eq!(found.len(), wanted, "the process ended before it said so: {arguments:?}");
    // Keep the pipe drained, or the process would stop at its next word.
    std::thread::spawn(move || lines.for_each(drop));
    (Running(child), found)
}

/// One request over a socket of its own; status and body. Status 0: the connection was closed without an answer.
fn http(method: &str, at: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> (u16, Vec<u8>) {
    let Ok(mut stream) = TcpStream::connect(at) else { return (0, Vec::new()) };
    stream.set_read_timeout(Some(Duration::from_secs(20))).expect("a socket");
    let mut request = format!("{method} {path} HTTP/1.1\r\nhost: {at}\r\nconnection: close\r\n");
    for (name, value) in headers {
        request.push_str(&format!("{name}: {value}\r\n"));
    }
    request.push_str(&format!("content-length: {}\r\n\r\n", body.len()));
    // Who is refused early may find the socket closed while it still sends.
    let _ = stream.write_all(request.as_bytes()).and_then(|()| stream.write_all(body));
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer);
    let text = String::from_utf8_lossy(&answer);
    let status = text.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or(0);
    let start = answer.windows(4).position(|four| four == b"\r\n\r\n").map_or(answer.len(), |at| at + 4);
    (status, answer.split_off(start))
}

/// Both simulators, the daemon's configuration, and the daemon.
struct Story {
    folder: tempfile::TempDir,
    _simulators: Running,
    erp: String,
    crm: String,
    door: SocketAddr,
    daemon: Option<Running>,
}

impl Story {
    fn begin(customers: &str, more: &[&str]) -> Self {
        let base = ["sim", "--fusion", "127.0.0.1:0", "--pipedrive", "127.0.0.1:0", "--webhooks-local"];
        let sized = ["--plan", "ultimate", "--seats", "20", "--customers", customers];
        let (simulators, lines) = start(&[&base[..], &sized, more].concat(), "on http://", 2);
        let address = |line: &String| line.split_once("http://").map(|(_, rest)| rest.to_owned());
        let [erp, crm] = [0, 1].map(|index| address(&lines[index]).expect("an address"));
        // The address has to be known before the daemon runs: it is what Pipedrive is told.
        let door = TcpListener::bind("127.0.0.1:0").and_then(|free| free.local_addr()).expect("a port");
        let folder = tempfile::tempdir().expect("a folder");
        let mut story = Self { folder, _simulators: simulators, erp, crm, door, daemon: None };
        story.configure(&["first secret"]);
        story.run();
        story
    }

    fn file(&self) -> PathBuf {
        self.folder.path().join("ml-connector.toml")
    }

    /// A configuration in which polling comes too late for anything.
    fn configure(&self, passwords: &[&str]) {
        let basic: Vec<String> = passwords
            .iter()
            .map(|password| format!("{{ user = \"pipedrive\", password = \"{password}\" }}"))
            .collect();
        let text = include_str!("example.toml")
            .replace("127.0.0.1:7001", &self.erp)
            .replace("127.0.0.1:7002", &self.crm)
            .replace("127.0.0.1:8080", &self.door.to_string())
            .replace("[web]", "lease = \"2s\"\n[web]")
            .replace("\"growth\"", "\"ultimate\"")
            .replace("seats = 5", "seats = 20")
            .replace(
                "poll_every = \"5m\"",
                "poll_every = \"24h\"\ncrm_poll_every = \"24h\"\nguard = { update_share = 0.0 }",
            );
        let webhooks = format!(
            "[connection.webhooks]\npublic_url = \"http://{}\"\nbasic = [{}]\n",
            self.door,
            basic.join(", ")
        );
        std::fs::write(self.file(), format!("{text}\n{webhooks}")).expect("the file is written");
    }

    fn run(&mut self) {
        let file = self.file();
        let arguments = ["run", "--config", file.to_str().expect("UTF-8")];
        self.daemon = Some(start(&arguments, "webhooks are taken in", 1).0);
    }

    fn command(&self, arguments: &[&str]) -> Output {
        let file = self.file();
        let config = ["--json", "--config", file.to_str().expect("UTF-8")];
        command(&[arguments, &config].concat()).output().expect("the binary runs")
    }

    fn json(&self, arguments: &[&str]) -> Value {
        let output = self.command(arguments);
        assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
        serde_json::from_slice(&output.stdout).expect("one JSON value")
    }

    fn sim(&self, method: &str, path: &str, body: &Value) -> Value {
        let body = if body.is_null() { String::new() } else { body.to_string() };
        let headers = [("content-type", "application/json")];
        let (status, answer) = http(method, &self.crm, path, &headers, body.as_bytes());
        assert_eq!(status, 200, "{path}: {}", String::from_utf8_lossy(&answer));
        serde_json::from_slice(&answer).expect("JSON")
    }

    /// Organizations by id, with their names.
    fn organizations(&self) -> Vec<(i64, String)> {
        let truth = self.sim("GET", "/_sim/truth", &Value::Null);
        let rows = truth["organizations"].as_array().expect("organizations");
        let one = |row: &Value| {
            (row["id"].as_i64().expect("an id"), row["name"].as_str().expect("a name").to_owned())
        };
        rows.iter().filter(|row| row["deleted"] != true).map(one).collect()
    }

    /// How often an operation was asked for.
    fn calls(&self, operation: &str) -> u64 {
        let stats = self.sim("GET", "/_sim/stats", &Value::Null);
        let asked = &stats["by_operation"][operation];
        asked.as_u64().or_else(|| asked[0].as_u64()).unwrap_or(0)
    }

    fn edit(&self, id: i64, name: &str) {
        self.sim("POST", &format!("/_sim/organizations/{id}"), &json!({ "name": name }));
    }

    /// Asks again and again, at most two minutes: other processes have to come to it.
    #[expect(clippy::disallowed_methods, reason = "the other processes live by the real clock")]
    fn until<T>(&self, what: &str, mut look: impl FnMut(&Self) -> Option<T>) -> T {
        let began = std::time::Instant::now();
        loop {
            if let Some(found) = look(self) {
                return found;
            }
            assert!(began.elapsed() < Duration::from_secs(120), "never: {what}");
            // They need the processor more than this one.
            std::thread::yield_now();
        }
    }

    /// What `webhooks` shows.
    fn webhooks(&self) -> Value {
        self.json(&["webhooks", "acme"])
    }

    fn registered(&self) -> i64 {
        self.until("a webhook", |story| {
            story.webhooks()["subscriptions"].as_array()?.iter().find(|row| row["secret"] == "current")?["id"]
                .as_i64()
        })
    }

    fn path(&self) -> String {
        let shown = self.webhooks();
        let address = shown["address"].as_str().expect("an address").to_owned();
        address.trim_start_matches(&format!("http://{}", self.door)).to_owned()
    }
}

fn event(number: u64, record: i64) -> Vec<u8> {
    json!({"data": {"id": record}, "previous": {}, "meta": {"action": "change", "entity": "organization",
        "entity_id": record.to_string(), "id": format!("event-{number}"), "webhook_id": "1",
        "timestamp": "2026-11-28T12:00:00.000Z", "version": "2.0", "attempt": 1}})
    .to_string()
    .into_bytes()
}

/// Keys of the events in the store, and how many of them wait.
fn stored(story: &Story) -> (BTreeSet<String>, usize) {
    let shown = story.json(&["webhooks", "acme", "--events", "100000"]);
    let events = shown["events"].as_array().expect("events");
    let waiting = events.iter().filter(|event| event["read_again_at"].is_null()).count();
    let keys = events.iter().map(|event| event["event"].as_str().expect("a key").to_owned());
    (keys.collect(), waiting)
}

#[test]
fn an_edit_arrives_at_once_and_echoes_nothing() {
    let mut story = Story::begin("5", &[]);
    story.registered();
    story.json(&["sync"]);
    let (id, name) = story.organizations().remove(0);
    let patches = story.calls("PATCH /api/v2/organizations/{id}");
    story.edit(id, "Renamed by sales");
    // Polling would find it in days.
    story.until("the ERP's name is back", |story| {
        story.organizations().contains(&(id, name.clone())).then_some(())
    });
    // The create of each, the edit, our own write: all told of, all looked into.
    story.until("all events are looked into", |story| {
        let (keys, waiting) = stored(story);
        (keys.len() >= 7 && waiting == 0).then_some(())
    });
    assert_eq!(story.calls("PATCH /api/v2/organizations/{id}") - patches, 1, "one write, and no echo of it");
    let shown = story.json(&["webhooks", "acme"]);
    assert_eq!((&shown["state"]["trouble"], &shown["state"]["missed"]), (&Value::Null, &json!(0)), "{shown}");
    let first = shown["subscriptions"][0]["first_event_at"].clone();
    assert!(first.is_string(), "{shown}");
    let checked = story.json(&["check"]).to_string();
    assert!(checked.contains("a webhook leads to us"), "{checked}");

    // Secrets are changed while people work: one webhook at the end, and nothing was missed.
    let before = story.registered();
    story.daemon = None;
    story.configure(&["second secret", "first secret"]);
    story.run();
    let after = story
        .until("a webhook of the new secret", |story| Some(story.registered()).filter(|id| *id != before));
    let mut turn = 0;
    story.until("the old webhook is gone", |story| {
        turn += 1;
        story.edit(id, &format!("Renamed by sales, {turn}"));
        let there = story.webhooks();
        let ended = |row: &Value| row["id"] == before && row["ended_why"] == "its secret was replaced";
        there["subscriptions"].as_array()?.iter().any(ended).then_some(())
    });
    assert_eq!(story.registered(), after);
    story.until("all events are looked into", |story| (stored(story).1 == 0).then_some(()));
}

/// What comes from others: nothing of it is believed, and the daemon goes on.
#[test]
fn whoever_comes_to_the_door_without_proof_changes_nothing() {
    let mut story = Story::begin("2", &[]);
    story.registered();
    story.json(&["sync"]);
    let (path, door) = (story.path(), story.door.to_string());
    let right = [("authorization", FIRST), ("content-type", "application/json")];
    let before = stored(&story).0;
    let post = |path: &str, headers: &[(&str, &str)], body: &[u8]| http("POST", &door, path, headers, body).0;
    assert_eq!(post(&path, &[], &event(1, 1)), 401);
    assert_eq!(post(&path, &[("authorization", "Basic cGlwZWRyaXZlOndyb25n")], &event(1, 1)), 401);
    assert_eq!(post(&format!("{}0", &path[..path.len() - 1]), &right, &event(1, 1)), 404);
    assert_eq!(post("/hooks/nobody/0", &right, &event(1, 1)), 404);
    assert_eq!(post(&path, &right, &vec![b' '; (1 << 20) + 1]), 413);
    assert_eq!(post(&path, &right, b"{\"meta\":"), 200, "vouched for: a refusal would count towards a ban");
    assert_eq!(stored(&story).0, before, "none of these is stored");
    // Replayed: once is enough.
    for _ in 0..3 {
        assert_eq!(post(&path, &right, &event(7, 1)), 200);
    }
    let after = stored(&story).0;
    assert_eq!(after.difference(&before).collect::<Vec<_>>(), ["1:event-7:1"]);
    story.until("it is looked into", |story| (stored(story).1 == 0).then_some(()));
    story.daemon = None;
}

/// SIGKILL under load: whatever was acknowledged is there, and the next process looks into it.
#[test]
fn no_acknowledged_event_is_lost_when_the_daemon_is_killed() {
    let mut story = Story::begin("5", &[]);
    story.registered();
    story.json(&["sync"]);
    let (path, door) = (story.path(), story.door.to_string());
    let mut all = BTreeSet::new();
    for round in 0..3_u64 {
        let acknowledged = std::thread::scope(|scope| {
            let senders: Vec<_> = (0..8_u64)
                .map(|sender| {
                    let (path, door) = (&path, &door);
                    scope.spawn(move || {
                        let mut acknowledged = Vec::new();
                        for number in 0..10_000 {
                            let number = round * 1_000_000 + sender * 100_000 + number;
                            let headers = [("authorization", FIRST), ("content-type", "application/json")];
                            let record = i64::try_from(number % 40 + 1).expect("a small number");
                            match http("POST", door, path, &headers, &event(number, record)).0 {
                                200 => acknowledged.push(format!("1:event-{number}:{record}")),
                                _ => break,
                            }
                        }
                        acknowledged
                    })
                })
                .collect();
            // In the midst of it: some hundreds were taken in.
            let path = story.folder.path().join("ml-connector.db-wal");
            let size = || std::fs::metadata(&path).map_or(0, |file| file.len());
            let (began, more) = (size(), 400_000 * (round + 1));
            story.until("some were taken in", |_| (size().abs_diff(began) > more).then_some(()));
            // SIGKILL.
            story.daemon = None;
            senders.into_iter().flat_map(|sender| sender.join().expect("a sender")).collect::<Vec<_>>()
        });
        assert!(acknowledged.len() > 50, "only {} were acknowledged", acknowledged.len());
        all.extend(acknowledged);
        let (stored, _) = stored(&story);
        let lost: Vec<&String> = all.difference(&stored).collect();
        assert!(lost.is_empty(), "{} of {} are lost", lost.len(), all.len());
        story.run();
    }
    story.until("the next process looks into them", |story| (stored(story).1 == 0).then_some(()));
}

/// Lost, twice, late and out of order; a deletion behind our back; and all the same in the end.
#[test]
fn in_the_end_everything_is_as_it_should_be_however_badly_it_was_told() {
    let faults = ["--webhooks-lost", "0.2", "--webhooks-twice", "0.3", "--webhooks-late", "0.3"];
    let story = Story::begin("40", &faults);
    let webhook = story.registered();
    story.json(&["sync"]);
    let wanted = story.organizations();
    for (id, name) in &wanted {
        story.edit(*id, &format!("{name} (sales)"));
    }
    story.json(&["sync"]);
    let as_before = |story: &Story| (story.organizations() == wanted).then_some(());
    story.until("everything is as the ERP says", as_before);
    let patches = story.calls("PATCH /api/v2/organizations/{id}");
    assert!(patches <= 40, "{patches} writes for 40 edits");

    // Somebody deletes the webhook; a daemon that starts finds out at once.
    let headers =
        [("x-api-token", "a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1"), ("content-type", "application/json")];
    let (status, _) = http("DELETE", &story.crm, &format!("/v1/webhooks/{webhook}"), &headers, b"");
    assert_eq!(status, 200);
    let mut story = story;
    story.daemon = None;
    story.run();
    story.until("another webhook", |story| Some(story.registered()).filter(|id| *id != webhook));
}
