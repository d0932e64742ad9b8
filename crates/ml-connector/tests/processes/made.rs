//! Connections that were made in the console, as another process keeps them: `run` takes them up, and takes up their changes.

use jiff::Timestamp;
use serde_json::Value;
use sync_store::{Store, StoreOptions};

use crate::support::{Running, free_address, http, json, run, simulators, until};

const TOKEN: &str = "0123456789abcdef";

fn ask(door: &str, path: &str) -> Option<Value> {
    let bearer = format!("Bearer {TOKEN}");
    let answer =
        http("GET", &format!("http://{door}/api/v1/{path}"), &[("authorization", bearer.as_str())], b"");
    (answer.status == 200).then(|| serde_json::from_str(&answer.body).expect("JSON"))
}

fn keep(url: &str, version: i64, text: &str) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        let store = Store::open(url, StoreOptions::default()).await.expect("the store");
        let now = Timestamp::UNIX_EPOCH;
        let id = store.ensure_connection("acme", "{}", now).await.expect("a number");
        let added = store.add_connection_text(id, version, ("Ada", "test"), text, now).await;
        assert!(added.expect("the store answers"));
        store.close().await;
    });
}

/// How many pairs the connection has, if somebody works on it.
fn worked_on(door: &str) -> Option<u64> {
    let all = ask(door, "connections")?;
    let one = all.as_array()?.iter().find(|one| one["name"] == "acme")?;
    one["worked_on_by"].as_str()?;
    one["pairs"].as_u64()
}

/// A daemon whose file names no connection, with the address of its door and that of its store.
fn installed(folder: &std::path::Path) -> (Running, String, String) {
    let (door, file) = (free_address(), folder.join("ml-connector.toml"));
    let url = format!("sqlite://{}", folder.join("made.db").display());
    let installation = format!("[store]\nurl = \"{url}\"\n[web]\nlisten = \"{door}\"\ntoken = \"{TOKEN}\"\n");
    std::fs::write(&file, installation).expect("the file is written");
    let path = file.to_str().expect("UTF-8");
    let (process, _) = Running::start(&["run", "--config", path], "no connection is switched on", 1);
    (process, door, url)
}

#[test]
fn what_another_process_keeps_is_taken_up_and_so_is_its_change() {
    let folder = tempfile::tempdir().expect("a folder");
    let (_simulators, addresses) = simulators("20", &["--plan", "ultimate", "--seats", "20"]);
    let (process, door, url) = installed(folder.path());

    let example = include_str!("../example.toml");
    let connection = &example[example.find("[[connection]]").expect("a connection")..];
    let connection =
        connection.replace("127.0.0.1:7001", &addresses[0]).replace("127.0.0.1:7002", &addresses[1]);
    keep(&url, 0, &connection);
    until("it is worked on and loaded", || worked_on(&door).filter(|pairs| *pairs >= 20));

    // A change of settings is taken up without a write: whoever works begins anew, and finds everything as it was.
    // Whoever asks as often as that is refused now and then.
    let before =
        until("its runs are told", || ask(&door, "connections/acme/runs"))["items"].as_array().map(Vec::len);
    keep(&url, 1, &connection.replace("poll_every = \"5m\"", "poll_every = \"7m\""));
    until("it began anew", || {
        let runs = ask(&door, "connections/acme/runs")?["items"].as_array().map(Vec::len);
        (runs > before).then_some(())
    });
    // What cannot be used is left out, and the process goes on.
    keep(&url, 2, "[[connection]]\nname = \"acme\"\n[connection.oracle]\n[connection.pipedrive]\n");
    until("nobody works on it", || {
        let all = ask(&door, "connections")?;
        all.as_array()?.iter().any(|one| one["worked_on_by"].is_null()).then_some(())
    });
    keep(&url, 3, &connection);
    until("it is worked on again", || worked_on(&door));
    // Commands know it, too.
    let file = folder.path().join("ml-connector.toml");
    let path = file.to_str().expect("UTF-8");
    let listed = json(&run(path, &["audit", "--json"]), 0);
    assert_eq!(listed[0]["connection"], "acme");
    let (_, said, _) = process.end(true);
    assert!(said.contains("acme: left out"), "{said}");
}

#[test]
fn connections_are_made_one_right_after_the_other() {
    let folder = tempfile::tempdir().expect("a folder");
    let (process, door, _) = installed(folder.path());
    let bearer = format!("Bearer {TOKEN}");
    let headers = [("authorization", bearer.as_str()), ("content-type", "application/json")];
    let make = |name: usize| {
        let body = format!("{{\"name\":\"made-{name}\"}}");
        http("POST", &format!("http://{door}/api/v1/connections"), &headers, body.as_bytes()).status
    };
    // Each comes while everything begins anew for the one before it.
    assert_eq!((0..8).map(make).collect::<Vec<_>>(), [201; 8]);
    assert_eq!(ask(&door, "connections").and_then(|all| all.as_array().map(Vec::len)), Some(8));
    process.end(true);
}
