//! The binary as a user meets it.

#![expect(clippy::expect_used, reason = "a test that cannot go on has failed")]

use std::process::{Command, Output};

fn ml_connector(arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ml-connector"));
    command.args(arguments).env_remove("MLC_CONFIG").output().expect("the binary runs")
}

fn stdout(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

#[test]
fn the_demo_creates_every_customer_and_fails_none() {
    let output = ml_connector(&["demo", "--once", "--json", "--customers", "40", "--seed", "7"]);
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    let summary: serde_json::Value = serde_json::from_str(&stdout(&output)).expect("one JSON object");
    let customers = &summary["connections"][0]["flows"]["customers"];
    assert_eq!(customers["created"], 40);
    assert_eq!(customers["failed"], 0);
    let tokens = summary["connections"][0]["pipedrive"]["tokens"].as_u64().expect("tokens");
    assert!(tokens <= 5 * 40 + 20 + 200, "{tokens} tokens for 40 customers");
}

#[test]
fn help_tells_the_exit_codes() {
    let output = ml_connector(&["--help"]);
    assert_eq!(output.status.code(), Some(0));
    assert!(stdout(&output).contains("5  another process holds the connection"));
}

#[test]
fn a_missing_configuration_is_a_usage_error_with_a_remedy() {
    let output = ml_connector(&["sync", "--config", "does-not-exist.toml", "--json"]);
    assert_eq!(output.status.code(), Some(2));
    let error: serde_json::Value = serde_json::from_str(&stdout(&output)).expect("one JSON object");
    assert!(error["error"]["help"].as_str().is_some_and(|help| help.contains("ml-connector init")));
}

#[test]
fn what_init_writes_passes_config_check() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("ml-connector.toml");
    let file = file.to_str().expect("UTF-8");
    assert_eq!(ml_connector(&["init", "--config", file]).status.code(), Some(0));
    let unset = ml_connector(&["config", "check", "--config", file]);
    assert_eq!(unset.status.code(), Some(2), "its secrets come from the environment");
    let output = Command::new(env!("CARGO_BIN_EXE_ml-connector"))
        .args(["config", "check", "--config", file])
        .envs([("FUSION_CLIENT_SECRET", "a"), ("PIPEDRIVE_API_TOKEN", "b")])
        .output()
        .expect("the binary runs");
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
}
