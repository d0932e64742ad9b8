//! Access to Pipedrive is given and taken, as a person goes through it.

use std::{
    path::Path,
    process::{Command, Stdio},
};

use serde_json::Value;

use crate::support::{APP_SECRET, Running, command, example, free_address, http, json, run};

fn simulators(more: &[&str]) -> (Running, [String; 2]) {
    let app = ["--oauth-client-id", "app", "--oauth-refresh-token", "nobody-has-it"];
    crate::support::simulators("20", &[&app[..], more].concat())
}

fn config(folder: &Path, addresses: &[String; 2], door: &str) -> String {
    let crm = &addresses[1];
    let oauth = format!(
        "oauth = {{ client_id = \"app\", client_secret = {{ env = \"PIPEDRIVE_CLIENT_SECRET\" }}, \
         token_url = \"http://{crm}/oauth/token\", authorize_url = \"http://{crm}/oauth/authorize\", \
         revoke_url = \"http://{crm}/oauth/revoke\", redirect_url = \"http://{door}/connect/acme\" }}"
    );
    let text = example(addresses, door).replace("api_token = { env = \"PIPEDRIVE_API_TOKEN\" }", &oauth);
    let file = folder.join("ml-connector.toml");
    std::fs::write(&file, text).expect("the file is written");
    file.to_str().expect("UTF-8").to_owned()
}

/// A browser that follows nothing by itself: head and body.
fn browse(url: &str) -> (String, String) {
    let answer = http("GET", url, &[], b"");
    (answer.head, answer.body)
}

/// Where a redirect leads.
fn redirected(url: &str) -> String {
    let (head, body) = browse(url);
    assert!(head.starts_with("HTTP/1.1 302"), "{head}{body}");
    let location = head.lines().find_map(|line| line.strip_prefix("location: "));
    location.expect("a location").to_owned()
}

/// A parameter of an address.
fn param(url: &str, name: &str) -> String {
    let url = url::Url::parse(url).expect("an address");
    let found = url.query_pairs().find(|(key, _)| key == name);
    found.expect("the parameter is there").1.into_owned()
}

fn begin(file: &str, more: &[&str]) -> (Running, String) {
    let arguments = [&["connect", "acme", "--json", "--config", file], more].concat();
    let (process, lines) = Running::start(&arguments, "/oauth/authorize?", 1);
    (process, lines[0].trim().to_owned())
}

#[test]
fn a_person_gives_access_through_the_daemon_which_goes_on_by_itself() {
    let folder = tempfile::tempdir().expect("a folder");
    let door = free_address();
    let redirect = format!("http://{door}/connect/acme");
    let (sim, addresses) = simulators(&["--oauth-pkce", "--oauth-redirect", &redirect, "--oauth-rotate"]);
    let file = config(folder.path(), &addresses, &door);
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

    let sync = run(&file, &["sync", "--json"]);
    let flows = &json(&sync, 0)["connections"][0]["flows"]["customers"];
    assert_eq!(flows["failed"], 0, "{flows}");
    let pairs = run(&file, &["pairs", "list", "--json"]);
    let pairs = json(&pairs, 0);
    assert_eq!(pairs.as_array().or_else(|| pairs["pairs"].as_array()).map(Vec::len), Some(20));

    let (_, log, _) = daemon.end(true);
    let (_, sim_log, _) = sim.end(true);
    assert!(log.contains("access was given"), "{log}");
    let state = param(&url, "state");
    for secret in [param(&back, "code").as_str(), &state, APP_SECRET, "v1u:", "12415231:"] {
        for (name, text) in [("daemon", &log), ("simulator", &sim_log), ("page", &page)] {
            assert!(!text.contains(secret), "{secret} in what the {name} said");
        }
    }
    let told = told.replace(&url, "");
    assert!(!told.contains(&state) && !told.contains(APP_SECRET), "beside the address itself: {told}");
}

#[test]
fn without_a_daemon_the_command_has_a_door_of_its_own_and_access_can_be_given_back() {
    let folder = tempfile::tempdir().expect("a folder");
    let (_sim, addresses) = simulators(&["--oauth-rotate"]);
    let file = config(folder.path(), &addresses, &free_address());
    let run = |arguments: &[&str]| run(&file, arguments);
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
    let file = config(folder.path(), &addresses, &free_address());
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
