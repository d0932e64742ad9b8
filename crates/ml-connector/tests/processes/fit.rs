//! What it would be like, measured by the real binary, and held against what happened.

use serde_json::json;

use crate::support::{example, json, run, simulators};

#[test]
fn what_is_forecast_is_what_the_first_sync_does() {
    let folder = tempfile::tempdir().expect("a folder");
    let (_simulators, addresses) = simulators("40", &["--plan", "ultimate", "--seats", "20"]);
    let file = folder.path().join("ml-connector.toml");
    std::fs::write(&file, example(&addresses, "127.0.0.1:0")).expect("the file is written");
    let path = file.to_str().expect("UTF-8");

    let report = json(&run(path, &["fit", "--json"]), 0)[0].clone();
    let first = &report["first_sync"];
    assert!(first["create"].as_u64().is_some_and(|create| create > 30), "{report}");
    assert_eq!((&report["fits"], &first["update"]), (&json!(true), &json!(0)), "{report}");
    let parties = &report["volumes"][0];
    assert_eq!(parties["what"], "parties");
    assert!(parties["records"].as_u64() >= first["customers"].as_u64(), "{report}");
    // The configured plan, and four plans on six numbers of seats.
    assert_eq!(report["plans"].as_array().map(Vec::len), Some(25));
    let words = run(path, &["fit"]);
    let words = String::from_utf8_lossy(&words.stdout).into_owned();
    assert!(words.contains("It fits") && words.contains("organizations created"), "{words}");

    let summary = json(&run(path, &["sync", "--json"]), 0);
    let flow = &summary["connections"][0]["flows"]["customers"];
    assert_eq!(flow["created"], first["create"], "as it was forecast: {summary} {report}");
    let spent = summary["connections"][0]["pipedrive"]["tokens"].as_u64().expect("a number");
    let forecast = first["tokens"].as_u64().expect("a number");
    // What is forecast is writing; the sync reads, too.
    assert!(spent >= forecast && spent <= forecast + 200, "{spent} against {forecast}");
    let after = json(&run(path, &["fit", "--json"]), 0)[0].clone();
    assert_eq!(
        (&after["first_sync"]["create"], &after["first_sync"]["paired"]),
        (&json!(0), &first["create"])
    );
}

#[test]
fn what_stands_in_the_way_is_told_and_nothing_is_read() {
    let folder = tempfile::tempdir().expect("a folder");
    let (_simulators, addresses) = simulators("10", &[]);
    let file = folder.path().join("ml-connector.toml");
    let text = example(&addresses, "127.0.0.1:0").replace("/oauth2/v1/token", "/nothing/here");
    std::fs::write(&file, text).expect("the file is written");
    let report = json(&run(file.to_str().expect("UTF-8"), &["fit", "--json"]), 7)[0].clone();
    assert_eq!((&report["fits"], &report["first_sync"]), (&json!(false), &json!(null)), "{report}");
    assert!(report["not_known"].is_string(), "{report}");
    assert_eq!(report["volumes"][0]["records"], 0, "{report}");
}
