//! `prove` as a user meets it, and the page that it writes.

#![expect(clippy::expect_used, reason = "a test that cannot go on has failed")]

use std::process::{Command, Output};

fn prove(arguments: &[&str]) -> (Output, serde_json::Value) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ml-connector"));
    let output = command.args(["prove", "--json"]).args(arguments).output().expect("the binary runs");
    let value = serde_json::from_slice(&output.stdout).expect("one JSON object");
    (output, value)
}

#[test]
fn lives_are_counted_with_what_met_them() {
    let (output, proof) = prove(&["--seeds", "2", "--from", "9"]);
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(proof["lives"], 2);
    assert_eq!(proof["failure"], serde_json::Value::Null);
    assert!(proof["coverage"]["create organization"]["answered"].as_u64() > Some(0), "{proof}");
}

/// Lives that need access or stand at the door, where the simulation alone has neither: seeds that once broke a law.
#[test]
fn seeds_of_the_past_with_the_products_own_door_and_access() {
    // 544: law 5, writes of a first load passed a new customer that was handed over while they waited for a free slot.
    // 2201: law 8, a process that slept between its request for tokens and the answer put a dead token over a good one.
    for seed in ["544", "2201"] {
        let (output, proof) = prove(&["--seeds", "1", "--from", seed]);
        assert_eq!(output.status.code(), Some(0), "{}", proof["failure"]);
    }
}

/// The bug shows early in the life of the seed, and its shortest beginning is told.
#[cfg(feature = "planted")]
#[test]
fn a_life_that_breaks_a_law_ends_with_its_story() {
    let (output, proof) = prove(&["--seeds", "1", "--plant", "no-intent"]);
    assert_eq!(output.status.code(), Some(1));
    let failure = &proof["failure"];
    assert_eq!(failure["seed"], 1);
    assert_eq!(failure["violations"][0]["law"], 2);
    assert!(failure["shortest_turns"].as_u64() <= failure["turns"].as_u64());
    assert!(failure["story"].as_array().is_some_and(|story| !story.is_empty()));
    let (output, _) = prove(&["--seeds", "1", "--plant", "no-intent", "--expect-failure"]);
    assert_eq!(output.status.code(), Some(0), "who expects a failure is content with one");
}

#[test]
fn the_committed_page_tells_every_planted_bug() {
    let docs = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs");
    let bugs = ml_connector::prove::planted_bugs(&docs.join("planted.json")).expect("the bugs are committed");
    let page = std::fs::read_to_string(docs.join("proof.md")).expect("the page is committed");
    assert!(!bugs.is_empty());
    for bug in bugs {
        let row = format!("| `{}` | {} | {} |", bug.name, bug.story, bug.shown_seed());
        assert!(page.contains(&row), "docs/proof.md lacks {row}: prove --document docs/proof.md writes it");
    }
}
