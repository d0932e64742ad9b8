//! What the audit says through the real binary: that all is well, and what was missed.

use serde_json::json;

use crate::support::{example, json, run, simulators};

#[test]
fn all_is_equal_and_what_nobody_works_on_is_told() {
    let folder = tempfile::tempdir().expect("a folder");
    let (_simulators, addresses) = simulators("12", &["--plan", "ultimate", "--seats", "20"]);
    let file = folder.path().join("ml-connector.toml");
    let text = example(&addresses, "127.0.0.1:0");
    std::fs::write(&file, &text).expect("the file is written");
    let path = file.to_str().expect("UTF-8");

    let refused = json(&run(path, &["audit", "--json"]), 2);
    assert!(refused["error"]["message"].to_string().contains("read completely"), "{refused}");

    json(&run(path, &["sync", "--json"]), 0);
    let report = json(&run(path, &["audit", "--json"]), 0)[0].clone();
    let customers = report["customers"].as_u64().expect("a number");
    assert!(customers > 0 && report["as_of"].is_string(), "{report}");
    assert_eq!((&report["found"], &report["working"]), (&json!(0), &json!(0)), "{report}");
    let equal_and_held = report["equal"].as_u64().zip(report["held"].as_u64()).map(|(a, b)| a + b);
    assert_eq!(equal_and_held, Some(customers), "{report}");
    // The sync looked itself before it ended.
    assert_eq!(report["rolling_found"], json!(0), "{report}");

    // A rule that is new changes what organizations should say, and nobody has worked on it yet.
    let changed = format!("{text}\n[connection.fields]\nmore = [\"currency\"]\n");
    std::fs::write(&file, changed).expect("the file is written");
    let report = json(&run(path, &["audit", "--json"]), 7)[0].clone();
    assert!(report["found"].as_u64().is_some_and(|found| found > 0), "{report}");
    assert!(report["examples"][0]["what"].to_string().contains("update its organization"), "{report}");
    let words = run(path, &["audit"]);
    let words = String::from_utf8_lossy(&words.stdout).into_owned();
    assert!(words.contains("differ, and nobody works on it") && words.contains("urrency"), "{words}");
}
