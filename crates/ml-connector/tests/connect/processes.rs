//! The same with processes of their own, over real sockets, as a person goes through it.

use std::{
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::TcpStream,
    path::Path,
    process::{Child, Command, Output, Stdio},
    sync::{Arc, Mutex},
};

use serde_json::Value;

use crate::world::{SECRET, param};

/// A process that does not outlive its test, and everything it said.
struct Running {
    child: Child,
    said: Arc<Mutex<String>>,
    reader: Option<std::thread::JoinHandle<()>>,
}

impl Running {
    /// Starts a process and reads until it said `wanted` lines that contain `mark`.
    fn start(arguments: &[&str], mark: &str, wanted: usize) -> (Self, Vec<String>) {
        let mut child = command(arguments)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the binary runs");
        let mut talk = BufReader::new(child.stderr.take().expect("stderr")).lines().map_while(Result::ok);
        let said = Arc::new(Mutex::new(String::new()));
        let (mut found, mut all) = (Vec::new(), String::new());
        for line in talk.by_ref() {
            all.push_str(&line);
            all.push('\n');
            found.extend(line.contains(mark).then_some(line));
            if found.len() == wanted {
                break;
            }
        }
        assert_eq!(found.len(), wanted, "the process ended before it said so: {arguments:?}\n{all}");
        said.lock().unwrap().push_str(&all);
        let kept = Arc::clone(&said);
        let reader = std::thread::spawn(move || {
            for line in talk {
                let mut said = kept.lock().unwrap();
                said.push_str(&line);
                said.push('\n');
            }
        });
        (Self { child, said, reader: Some(reader) }, found)
    }

    /// Ends it (if it does not end by itself), and tells all that it said on stderr and stdout.
    fn end(mut self, kill: bool) -> (Option<i32>, String, String) {
        if kill {
            let _ = self.child.kill();
        }
        let mut data = String::new();
        let _ = self.child.stdout.take().expect("stdout").read_to_string(&mut data);
        let status = self.child.wait().expect("it ended");
        self.reader.take().expect("a reader").join().expect("it read all");
        let said = self.said.lock().unwrap().clone();
        (status.code(), said, data)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn command(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ml-connector"));
    command.args(arguments).env_remove("MLC_CONFIG");
    let master = "ab".repeat(32);
    command.envs([("FUSION_CLIENT_SECRET", "a secret"), ("MLC_MASTER_KEY", &master)]);
    command.envs([("PIPEDRIVE_CLIENT_SECRET", SECRET)]);
    command
}

fn simulators(more: &[&str]) -> (Running, Vec<String>) {
    let fixed = ["sim", "--fusion", "127.0.0.1:0", "--pipedrive", "127.0.0.1:0", "--customers", "20"];
    let app = ["--oauth-client-id", "app", "--oauth-refresh-token", "nobody-has-it"];
    let (process, lines) = Running::start(&[&fixed[..], &app, more].concat(), "on http://", 2);
    let address = |line: &String| line.split_once("http://").expect("an address").1.to_owned();
    (process, lines.iter().map(address).collect())
}

/// A port that is free now.
fn free_port() -> u16 {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    listener.local_addr().expect("an address").port()
}

fn config(folder: &Path, addresses: &[String], web: u16) -> String {
    let crm = &addresses[1];
    let oauth = format!(
        "oauth = {{ client_id = \"app\", client_secret = {{ env = \"PIPEDRIVE_CLIENT_SECRET\" }}, \
         token_url = \"http://{crm}/oauth/token\", authorize_url = \"http://{crm}/oauth/authorize\", \
         revoke_url = \"http://{crm}/oauth/revoke\", redirect_url = \"http://127.0.0.1:{web}/connect/acme\" }}"
    );
    let text = include_str!("../example.toml")
        .replace("api_token = { env = \"PIPEDRIVE_API_TOKEN\" }", &oauth)
        .replace("127.0.0.1:7001", &addresses[0])
        .replace("127.0.0.1:7002", crm)
        .replace("127.0.0.1:8080", &format!("127.0.0.1:{web}"));
    let file = folder.join("ml-connector.toml");
    std::fs::write(&file, text).expect("the file is written");
    file.to_str().expect("UTF-8").to_owned()
}

/// A browser that follows nothing by itself: head and body.
fn browse(url: &str) -> (String, String) {
    let rest = url.strip_prefix("http://").expect("an http address");
    let (host, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    let mut stream = TcpStream::connect(host).expect("somebody listens");
    write!(stream, "GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n").expect("sent");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("an answer");
    let (head, body) = answer.split_once("\r\n\r\n").expect("a head");
    (head.to_owned(), body.to_owned())
}

/// Where a redirect leads.
fn redirected(url: &str) -> String {
    let (head, body) = browse(url);
    assert!(head.starts_with("HTTP/1.1 302"), "{head}{body}");
    let location = head.lines().find_map(|line| line.strip_prefix("location: "));
    location.expect("a location").to_owned()
}

fn begin(file: &str, more: &[&str]) -> (Running, String) {
    let arguments = [&["connect", "acme", "--json", "--config", file], more].concat();
    let (process, lines) = Running::start(&arguments, "/oauth/authorize?", 1);
    (process, lines[0].trim().to_owned())
}

fn json(output: &Output, code: i32) -> Value {
    let talk = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(code), "{talk}{}", String::from_utf8_lossy(&output.stdout));
    serde_json::from_slice(&output.stdout).expect("one JSON value")
}

#[test]
fn a_person_gives_access_through_the_daemon_which_goes_on_by_itself() {
    let folder = tempfile::tempdir().expect("a folder");
    let web = free_port();
    let redirect = format!("http://127.0.0.1:{web}/connect/acme");
    let (sim, addresses) = simulators(&["--oauth-pkce", "--oauth-redirect", &redirect, "--oauth-rotate"]);
    let file = config(folder.path(), &addresses, web);
    let (daemon, _) = Running::start(&["run", "-vvv", "--config", &file], "nobody has given access yet", 1);
    let (connect, url) = begin(&file, &["-vvv"]);
    assert!(url.contains("code_challenge_method=S256"), "{url}");
    let back = redirected(&url);
    let (head, page) = browse(&back);
    assert!(head.starts_with("HTTP/1.1 200") && page.contains("Northwind Trading"), "{head}{page}");
    assert!(browse(&back).0.starts_with("HTTP/1.1 400"), "once");
    let (code, told, data) = connect.end(false);
    assert_eq!(code, Some(0), "{told}");
    let data: Value = serde_json::from_str(&data).expect("JSON");
    assert_eq!((&data["result"], &data["company_id"]), (&"connected".into(), &8_087_566.into()));

    let sync = command(&["sync", "--json", "--config", &file]).output().expect("the binary runs");
    let flows = &json(&sync, 0)["connections"][0]["flows"]["customers"];
    assert_eq!(flows["failed"], 0, "{flows}");
    let pairs = command(&["pairs", "list", "--json", "--config", &file]).output().expect("the binary runs");
    let pairs = json(&pairs, 0);
    assert_eq!(pairs.as_array().or_else(|| pairs["pairs"].as_array()).map(Vec::len), Some(20));

    let (_, log, _) = daemon.end(true);
    let (_, sim_log, _) = sim.end(true);
    assert!(log.contains("access was given"), "{log}");
    let state = param(&url, "state").expect("a state");
    for secret in [param(&back, "code").expect("a code").as_str(), &state, SECRET, "v1u:", "12415231:"] {
        for (name, text) in [("daemon", &log), ("simulator", &sim_log), ("page", &page)] {
            assert!(!text.contains(secret), "{secret} in what the {name} said");
        }
    }
    let told = told.replace(&url, "");
    assert!(!told.contains(&state) && !told.contains(SECRET), "beside the address itself: {told}");
}

#[test]
fn without_a_daemon_the_command_has_a_door_of_its_own_and_access_can_be_given_back() {
    let folder = tempfile::tempdir().expect("a folder");
    let (_sim, addresses) = simulators(&["--oauth-rotate"]);
    let file = config(folder.path(), &addresses, free_port());
    let run = |arguments: &[&str]| {
        command(&[arguments, &["--config", &file]].concat()).output().expect("the binary runs")
    };
    let checked = json(&run(&["check", "--json"]), 7);
    let found = checked[0]["findings"].as_array().expect("findings");
    let grant =
        found.iter().find(|finding| finding["name"] == "pipedrive.refresh_token").expect("it is looked at");
    assert_eq!(grant["severity"], "problem");
    assert_eq!(grant["remedy"]["what"], "run `ml-connector connect acme`");

    let (connect, url) = begin(&file, &["--listen", "127.0.0.1:0"]);
    assert!(!url.contains("code_challenge"), "this Pipedrive refuses it: {url}");
    let (head, page) = browse(&redirected(&url));
    assert!(head.starts_with("HTTP/1.1 200") && page.contains("acme is connected"), "{head}{page}");
    let (code, told, _) = connect.end(false);
    assert_eq!(code, Some(0), "{told}");

    // Two processes at a time, and refresh tokens that rotate.
    let check = || command(&["check", "--json", "--config", &file]).stdout(Stdio::piped()).spawn();
    let both = [check().expect("it runs"), check().expect("it runs")];
    for process in both {
        json(&process.wait_with_output().expect("an end"), 0);
    }
    json(&run(&["sync", "--json"]), 0);

    assert_eq!(json(&run(&["disconnect", "acme", "--json"]), 0)["revoked"], true);
    assert_eq!(json(&run(&["disconnect", "acme", "--json"]), 0)["revoked"], false);
    let locked_out = run(&["sync"]);
    assert_eq!(locked_out.status.code(), Some(4));
    assert!(String::from_utf8_lossy(&locked_out.stderr).contains("run `ml-connector connect acme`"));
}

#[test]
fn whoever_says_no_ends_the_command_and_bad_ways_to_begin_are_told() {
    let folder = tempfile::tempdir().expect("a folder");
    let (_sim, addresses) = simulators(&["--oauth-deny"]);
    let file = config(folder.path(), &addresses, free_port());
    let (connect, url) = begin(&file, &["--listen", "127.0.0.1:0"]);
    let (head, page) = browse(&redirected(&url));
    assert!(head.starts_with("HTTP/1.1 200") && page.contains("Access was denied"), "{head}{page}");
    let (code, _, data) = connect.end(false);
    assert_eq!(code, Some(4));
    assert!(data.contains("access was denied (user_denied)"), "{data}");

    let refused = |command: &mut Command| {
        let output = command.output().expect("the binary runs");
        assert_eq!(output.status.code(), Some(2));
        String::from_utf8_lossy(&output.stderr).into_owned()
    };
    let arguments = ["connect", "acme", "--config", &file];
    let said = refused(command(&arguments).env_remove("MLC_MASTER_KEY"));
    assert!(said.contains("MLC_MASTER_KEY") && !said.contains("authorize"), "{said}");
    let said = refused(&mut command(&[&arguments[..], &["--listen", "0.0.0.0:1"]].concat()));
    assert!(said.contains("loopback"), "{said}");
    let text = std::fs::read_to_string(&file).expect("the file");
    let start = text.find(", redirect_url").expect("the key");
    let end = start + text[start..].find(" }").expect("the end of the table");
    std::fs::write(&file, format!("{}{}", &text[..start], &text[end..])).expect("written");
    let said = refused(&mut command(&arguments));
    assert!(said.contains("oauth.redirect_url") && said.contains("--listen"), "{said}");
}
