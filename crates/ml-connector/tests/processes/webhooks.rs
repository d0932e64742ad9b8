//! The simulated Pipedrive delivers webhooks over sockets to a daemon.

use std::{
    collections::BTreeSet,
    path::PathBuf,
    sync::atomic::{AtomicU64, Ordering},
};

use serde_json::{Value, json};

use crate::support::{Running, example, free_address, http, json, run, simulators, until};

/// `pipedrive:first secret`
const FIRST: &str = "Basic cGlwZWRyaXZlOmZpcnN0IHNlY3JldA==";

/// Both simulators, the daemon's configuration, and the daemon.
struct Story {
    folder: tempfile::TempDir,
    _simulators: Running,
    addresses: [String; 2],
    door: String,
    daemon: Option<Running>,
}

impl Story {
    fn begin(customers: &str, more: &[&str]) -> Self {
        let sized = ["--webhooks-local", "--plan", "ultimate", "--seats", "20"];
        let (simulators, addresses) = simulators(customers, &[&sized[..], more].concat());
        // The address has to be known before the daemon runs: it is what Pipedrive is told.
        let door = free_address();
        let folder = tempfile::tempdir().expect("a folder");
        let mut story = Self { folder, _simulators: simulators, addresses, door, daemon: None };
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
        let text = example(&self.addresses, &self.door)
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
        self.daemon = Some(Running::start(&arguments, "webhooks are taken in", 1).0);
    }

    fn json(&self, arguments: &[&str]) -> Value {
        let file = self.file();
        json(&run(file.to_str().expect("UTF-8"), &[arguments, &["--json"]].concat()), 0)
    }

    fn sim(&self, method: &str, path: &str, body: &Value) -> Value {
        let body = if body.is_null() { String::new() } else { body.to_string() };
        let headers = [("content-type", "application/json")];
        let answer = http(method, &format!("{}{path}", self.addresses[1]), &headers, body.as_bytes());
        assert_eq!(answer.status, 200, "{path}: {}", answer.body);
        serde_json::from_str(&answer.body).expect("JSON")
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

    fn until<T>(&self, what: &str, mut look: impl FnMut(&Self) -> Option<T>) -> T {
        until(what, || look(self))
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
    let (path, door) = (story.path(), story.door.clone());
    let right = [("authorization", FIRST), ("content-type", "application/json")];
    let before = stored(&story).0;
    let post = |path: &str, headers: &[(&str, &str)], body: &[u8]| {
        http("POST", &format!("{door}{path}"), headers, body).status
    };
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
    let (path, door) = (story.path(), story.door.clone());
    let mut all = BTreeSet::new();
    for round in 0..3_u64 {
        let taken = AtomicU64::new(0);
        let acknowledged = std::thread::scope(|scope| {
            let senders: Vec<_> = (0..8_u64)
                .map(|sender| {
                    let (hook, taken) = (format!("{door}{path}"), &taken);
                    scope.spawn(move || {
                        let mut acknowledged = Vec::new();
                        for number in 0..10_000 {
                            let number = round * 1_000_000 + sender * 100_000 + number;
                            let headers = [("authorization", FIRST), ("content-type", "application/json")];
                            let record = i64::try_from(number % 40 + 1).expect("a small number");
                            match http("POST", &hook, &headers, &event(number, record)).status {
                                200 => {
                                    acknowledged.push(format!("1:event-{number}:{record}"));
                                    taken.fetch_add(1, Ordering::Relaxed);
                                }
                                _ => break,
                            }
                        }
                        acknowledged
                    })
                })
                .collect();
            // In the midst of it.
            let enough = || taken.load(Ordering::Relaxed) > 100 * (round + 1);
            story.until("some were taken in", |_| enough().then_some(()));
            // SIGKILL.
            story.daemon = None;
            senders.into_iter().flat_map(|sender| sender.join().expect("a sender")).collect::<Vec<_>>()
        });
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
    let at = format!("{}/v1/webhooks/{webhook}", story.addresses[1]);
    assert_eq!(http("DELETE", &at, &headers, b"").status, 200);
    let mut story = story;
    story.daemon = None;
    story.run();
    story.until("another webhook", |story| Some(story.registered()).filter(|id| *id != webhook));
}
