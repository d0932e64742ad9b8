//! Commands beside each other and beside the daemon.

use std::{
    path::Path,
    process::{Command, Output},
};

use serde_json::Value;

use crate::support::{Running, example, http, json, run, simulators};

/// The file of the README, with the addresses of this test.
pub(crate) fn config(folder: &Path, simulators: &[String; 2]) -> String {
    let file = folder.join("ml-connector.toml");
    std::fs::write(&file, example(simulators, "127.0.0.1:0")).expect("the file is written");
    file.to_str().expect("UTF-8").to_owned()
}

pub(crate) fn customers(output: &Output) -> Value {
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    let summary: Value = serde_json::from_slice(&output.stdout).expect("one JSON object");
    assert_eq!(summary["connections"][0]["name"], "acme");
    summary["connections"][0]["flows"]["customers"].clone()
}

#[test]
fn a_second_sync_writes_nothing() {
    let folder = tempfile::tempdir().expect("a folder");
    let (_simulators, addresses) = simulators("30", &[]);
    let file = config(folder.path(), &addresses);
    let sync = || run(&file, &["sync", "--json"]);
    let first = customers(&sync());
    assert_eq!((&first["created"], &first["failed"]), (&30.into(), &0.into()));
    let second = customers(&sync());
    assert_eq!(
        (&second["created"], &second["updated"], &second["failed"]),
        (&0.into(), &0.into(), &0.into())
    );
}

#[test]
fn sync_beside_the_daemon_asks_it_and_follows() {
    let folder = tempfile::tempdir().expect("a folder");
    let (_simulators, addresses) = simulators("30", &[]);
    let file = config(folder.path(), &addresses);
    let (daemon, _) = Running::start(&["run", "--config", &file], "in sync from now on", 1);
    let output = run(&file, &["sync", "--json"]);
    let talk = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(talk.contains("asking it to do so now"), "{talk}");
    assert_eq!(customers(&output)["failed"], 0);
    let pairs = run(&file, &["pairs", "list", "--json"]);
    let pairs: Value = serde_json::from_slice(&pairs.stdout).expect("JSON");
    let count = pairs.as_array().or_else(|| pairs["pairs"].as_array()).map(Vec::len);
    assert_eq!(count, Some(30), "when the wish is fulfilled, every customer has its organization");

    drop(daemon);
    let output = run(&file, &["sync", "--json"]);
    let alone = customers(&output);
    assert_eq!(
        (&alone["created"], &alone["updated"]),
        (&0.into(), &0.into()),
        "the daemon was killed; nothing is lost"
    );
}

/// Look, approve, apply: the way of somebody who does not trust a first load.
#[test]
fn a_plan_is_shown_applied_once_and_refused_elsewhere() {
    let folder = tempfile::tempdir().expect("a folder");
    let (_simulators, addresses) = simulators("30", &[]);
    let file = config(folder.path(), &addresses);
    let path = folder.path().join("acme.plan.json");
    let plan = path.to_str().expect("UTF-8");
    let run = |arguments: &[&str]| run(&file, &[arguments, &["--json"]].concat());
    let shown = json(&run(&["plan", "--out", plan]), 0);
    assert_eq!(shown[0]["totals"]["create"], 30, "{}", shown[0]["totals"]);
    assert_eq!(shown[0]["records"].as_array().map(Vec::len), Some(30));
    let needed = shown[0]["tokens"]["needed"].as_u64().expect("a price");
    assert!(needed > 30 * 5, "{needed}: custom fields are created too");
    let record = &shown[0]["records"][0];
    assert_eq!(record["writes"][0]["op"], "create");
    let name = record["writes"][0]["changes"].as_array().and_then(|changes| changes.first());
    assert!(
        name.is_some_and(|name| name["field"] == "name" && name["old"].is_null() && name["new"].is_string())
    );
    let words = crate::support::run(&file, &["plan", "--limit", "2"]);
    let words = String::from_utf8_lossy(&words.stdout).into_owned();
    assert!(words.contains("30 create") && words.contains("and 28 more"), "{words}");

    // One of them, then all; then nothing is left to do.
    let party = record["party"].as_i64().expect("a party").to_string();
    let applied = json(&run(&["apply", plan, "--only", &party]), 0);
    assert_eq!(applied["applied"], 1, "{applied}");
    let applied = json(&run(&["apply", plan]), 0);
    assert_eq!((&applied["applied"], &applied["already_so"]), (&29.into(), &1.into()), "{applied}");
    let again = json(&run(&["apply", plan]), 0);
    assert_eq!((&again["applied"], &again["already_so"]), (&0.into(), &30.into()), "{again}");
    let synced = customers(&run(&["sync"]));
    assert_eq!((&synced["created"], &synced["updated"]), (&0.into(), &0.into()));
    let nothing = json(&run(&["plan"]), 0);
    assert_eq!(nothing[0]["records"], serde_json::json!([]));

    let one = json(&run(&["sync", "--customer", &party]), 0);
    assert_eq!((&one[0]["outcome"], &one[0]["party"]), (&"unchanged".into(), &record["party"]));
    let nobody = json(&run(&["sync", "--customer", "no such number"]), 2);
    assert!(nobody["error"]["message"].as_str().is_some_and(|text| text.contains("no such number")));
    let again = customers(&run(&["resync", "--from", "2020-01-01"]));
    assert_eq!((&again["unchanged"], &again["updated"]), (&30.into(), &0.into()), "all were looked at");

    // Files of another version, connection or policy.
    let text = std::fs::read_to_string(&path).expect("the plan");
    for (was, is, said) in [
        ("\"version\": 2", "\"version\": 3", "version 3"),
        ("\"connection\": \"acme\"", "\"connection\": \"other\"", "other"),
        ("\"policy\": \"", "\"policy\": \"0", "other settings"),
    ] {
        assert!(text.contains(was));
        std::fs::write(&path, text.replace(was, is)).expect("the plan is written");
        let refused = json(&run(&["apply", plan]), 2);
        assert!(refused["error"]["message"].as_str().is_some_and(|text| text.contains(said)), "{refused}");
        assert!(refused["error"]["help"].is_string(), "{refused}");
    }
    std::fs::write(&path, text).expect("the plan is written");

    // Beside the daemon: looking works, applying does not, single customers and repetitions are asked for.
    let (_daemon, _) = Running::start(&["run", "--config", &file], "in sync from now on", 1);
    let shown = json(&run(&["plan"]), 0);
    assert_eq!(shown[0]["read"], "by_the_other_process");
    let refused = json(&run(&["apply", plan]), 5);
    assert!(refused["error"]["help"].is_string(), "{refused}");
    let output = run(&["sync", "--customer", &party]);
    assert!(String::from_utf8_lossy(&output.stderr).contains("asking it for this customer now"));
    assert_eq!(json(&output, 0)[0]["outcome"], "unchanged");
    let again = customers(&run(&["resync", "--all"]));
    assert_eq!((&again["unchanged"], &again["failed"]), (&30.into(), &0.into()), "all were looked at");
}

#[test]
fn the_daemon_has_a_door_and_ends_when_asked() {
    let folder = tempfile::tempdir().expect("a folder");
    let (_simulators, addresses) = simulators("3", &[]);
    let file = config(folder.path(), &addresses);
    let text = std::fs::read_to_string(&file).expect("the file");
    let token = "token = { file = \"token\" }\ntrusted_proxies = [\"127.0.0.1/32\"]";
    std::fs::write(&file, text.replace("[web]", &format!("[web]\n{token}"))).expect("the file is written");
    std::fs::write(folder.path().join("token"), "too short\n").expect("a token");
    let refused = run(&file, &["run"]);
    let told = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(told.contains("fewer than 16 characters") && !told.contains("too short"), "{told}");

    std::fs::write(folder.path().join("token"), "0123456789abcdef\n").expect("a token");
    let (mut daemon, told) = Running::start(&["run", "--config", &file], "health on http://", 1);
    let address = told[0].split('/').nth(2).expect("an address").to_owned();
    let ask = |path: &str, headers: &[(&str, &str)]| http("GET", &format!("{address}{path}"), headers, b"");
    assert_eq!(ask("/api/v1/status", &[]).status, 401);
    let status = ask("/api/v1/status", &[("authorization", "Bearer 0123456789abcdef")]).body;
    assert!(status.contains("\"name\":\"acme\""), "{status}");
    let metrics = ask("/metrics", &[]).body;
    assert!(metrics.contains("mlc_lease_held{connection=\"acme\"} 1"), "{metrics}");
    assert!(metrics.contains("mlc_crm_tokens_budget{connection=\"acme\"}"), "{metrics}");

    let asked = Command::new("kill").arg(daemon.child.id().to_string()).status().expect("kill runs");
    assert!(asked.success());
    assert_eq!(daemon.child.wait().expect("it ends").code(), Some(0));
    let after = run(&file, &["sync", "--json"]);
    let told = String::from_utf8_lossy(&after.stderr).into_owned();
    assert!(!told.contains("held it last"), "the connection was given back: {told}");
}
