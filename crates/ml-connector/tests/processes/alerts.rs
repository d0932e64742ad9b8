//! Whoever is told of alerts listens on a socket of this machine.

use std::{
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::TcpListener,
    sync::mpsc::{Receiver, channel},
    thread::JoinHandle,
    time::Duration,
};

use serde_json::Value;

use crate::support::{Running, free_address, json, run, simulators};

/// Takes one request, answers it, and gives its head and its body.
fn receiver(answer: &'static str) -> (String, JoinHandle<(String, String)>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = format!("http://{}/hook/token-1", listener.local_addr().expect("an address"));
    let heard = std::thread::spawn(move || hear(&listener, answer));
    (address, heard)
}

fn hear(listener: &TcpListener, answer: &str) -> (String, String) {
    let (stream, _) = listener.accept().expect("somebody calls");
    let mut reader = BufReader::new(stream);
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        reader.read_line(&mut head).expect("a line");
    }
    let length =
        head.lines().find_map(|line| line.to_lowercase().strip_prefix("content-length: ")?.parse().ok());
    let mut body = vec![0; length.unwrap_or(0)];
    reader.read_exact(&mut body).expect("a body");
    reader.get_mut().write_all(answer.as_bytes()).expect("it listens");
    (head.to_lowercase(), String::from_utf8(body).expect("UTF-8"))
}

/// Takes requests as long as somebody listens to what was heard.
fn receivers() -> (String, Receiver<(String, String)>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = format!("http://{}", listener.local_addr().expect("an address"));
    let (told, heard) = channel();
    std::thread::spawn(move || {
        let answer = "HTTP/1.1 204 No Content\r\nconnection: close\r\n\r\n";
        while told.send(hear(&listener, answer)).is_ok() {}
    });
    (address, heard)
}

/// A configuration that sends alerts there.
fn configured(address: &str) -> (tempfile::TempDir, String) {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("ml-connector.toml");
    let alerts =
        format!("[alerts]\nwebhook_url = \"{address}\"\nsecret = \"a text that nobody will guess\"\n");
    std::fs::write(&file, format!("{}\n{alerts}", include_str!("../example.toml"))).expect("it is written");
    (folder, file.to_str().expect("UTF-8").to_owned())
}

#[test]
fn a_test_alert_is_signed_and_its_answer_is_told() {
    let (address, heard) = receiver("HTTP/1.1 200 OK\r\ncontent-length: 3\r\nconnection: close\r\n\r\nok\n");
    let (_folder, file) = configured(&address);
    let tried = json(&run(&file, &["alerts", "test", "--json"]), 0);
    assert_eq!(
        (&tried["taken"], &tried["status"], &tried["answer"]),
        (&true.into(), &200.into(), &"ok".into())
    );
    let (head, body) = heard.join().expect("it heard");
    let body: Value = serde_json::from_str(&body).expect("JSON");
    assert_eq!(body["type"], "test");
    assert!(head.starts_with("post /hook/token-1 ") && head.contains("webhook-signature: v1,"), "{head}");
    assert!(
        head.contains(&format!("webhook-id: {}", tried["id"].as_str().expect("an id").to_lowercase())),
        "{head}"
    );
}

#[test]
fn a_receiver_that_does_not_take_it_or_is_not_there_is_told_without_its_address() {
    let (address, heard) =
        receiver("HTTP/1.1 403 Forbidden\r\ncontent-length: 13\r\nconnection: close\r\n\r\ninvalid_token");
    let (_folder, file) = configured(&address);
    let tried = json(&run(&file, &["alerts", "test", "--json"]), 4);
    assert_eq!((&tried["taken"], &tried["answer"]), (&false.into(), &"invalid_token".into()));
    heard.join().expect("it heard");
    let told = run(&file, &["alerts", "test"]);
    let talk = String::from_utf8_lossy(&told.stderr);
    assert_eq!(told.status.code(), Some(4), "{talk}");
    assert!(talk.contains("not reached") && !talk.contains("token-1"), "{talk}");
}

#[test]
fn without_an_address_nobody_is_told() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("ml-connector.toml");
    std::fs::write(&file, include_str!("../example.toml")).expect("it is written");
    let told = run(file.to_str().expect("UTF-8"), &["alerts", "test"]);
    assert_eq!(told.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&told.stderr).contains("webhook_url"), "it says what to write");
}

#[test]
fn a_daemon_that_spends_its_budget_tells_so_once_and_is_known_to_be_alive() {
    let folder = tempfile::tempdir().expect("a folder");
    let (_simulators, addresses) = simulators("30", &["--plan", "ultimate", "--seats", "20"]);
    let (alerts, heard) = receivers();
    let (ping, pinged) = receivers();
    let (door, file) = (free_address(), folder.path().join("ml-connector.toml"));
    let url = format!("sqlite://{}", folder.path().join("alerts.db").display());
    let installation = format!(
        "[store]\nurl = \"{url}\"\n[web]\nlisten = \"{door}\"\npublic_url = \"https://sync.example.com/\"\n\
         [alerts]\nwebhook_url = \"{alerts}/hook/token-1\"\nsecret = \"a text that nobody will guess\"\n\
         ping_url = \"{ping}/alive\"\nping_every = \"10s\"\nlook_every = \"10s\"\n"
    );
    let example = include_str!("../example.toml");
    let connection = &example[example.find("[[connection]]").expect("a connection")..];
    let connection = connection
        .replace("127.0.0.1:7001", &addresses[0])
        .replace("127.0.0.1:7002", &addresses[1])
        .replace("[connection.pipedrive]", "[connection.pipedrive]\ndaily_tokens = 200");
    std::fs::write(&file, format!("{installation}{connection}")).expect("the file is written");
    let path = file.to_str().expect("UTF-8");
    let (process, _) = Running::start(&["run", "--config", path], "in sync from now on", 1);

    let (head, body) = heard.recv_timeout(Duration::from_secs(60)).expect("an alert");
    let body: Value = serde_json::from_str(&body).expect("JSON");
    assert_eq!((&body["type"], &body["data"]["connection"]), (&"budget.used".into(), &"acme".into()));
    assert!(head.contains("webhook-signature: v1,") && head.contains("webhook-id: msg_"), "{head}");
    let link = body["data"]["link"].as_str().expect("a link");
    assert!(link.starts_with("https://sync.example.com/c/acme"), "{link}");
    let (head, _) = pinged.recv_timeout(Duration::from_secs(60)).expect("a ping");
    assert!(head.starts_with("get /alive "), "{head}");
    // It looks again, at least once more, and says nothing new.
    pinged.recv_timeout(Duration::from_secs(60)).expect("another ping");
    let again = heard.try_iter().find(|(_, again)| again.contains("\"budget.used\""));
    assert!(again.is_none(), "told twice: {again:?}");
    let (_, said, _) = process.end(true);
    assert!(!said.contains("token-1"), "{said}");
}
