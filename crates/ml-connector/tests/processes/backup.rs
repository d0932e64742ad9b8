//! `db backup` beside a daemon, `db restore` after it was killed, and what they say where that is not possible.

use serde_json::Value;

use crate::{
    commands::{config, customers},
    support::{Running, json, run, simulators},
};

fn error(output: &std::process::Output, code: i32) -> (String, String) {
    let error = json(output, code);
    let text = |name: &str| error["error"][name].as_str().unwrap_or_default().to_owned();
    (text("message"), text("help"))
}

#[test]
fn a_backup_made_beside_the_daemon_is_restored_after_it_died() {
    let folder = tempfile::tempdir().expect("a folder");
    let (_simulators, addresses) = simulators("30", &[]);
    let file = config(folder.path(), &addresses);
    // What was sent is found within seconds here.
    let text = std::fs::read_to_string(&file).expect("the file");
    let quick = text
        .replace("[connection.sync]", "[connection.sync]\nmargin = \"0s\"\nsettle = \"1s\"")
        .replace("seats = 5", "seats = 5\ntimeout = \"2s\"");
    std::fs::write(&file, quick).expect("the file is written");
    let path = |name: &str| folder.path().join(name).to_str().expect("UTF-8").to_owned();
    let db = |arguments: &[&str]| run(&file, &[&["db", "--json"], arguments].concat());

    let (missing, _) = error(&db(&["backup", &path("early.db")]), 2);
    assert!(missing.contains("there is no file"), "{missing}");
    customers(&run(&file, &["sync", "--json"]));
    let (daemon, _) = Running::start(&["run", "--config", &file], "in sync from now on", 1);
    let backup = path("backup.db");
    let made = json(&db(&["backup", &backup]), 0);
    assert_eq!((&made["pairs"], &made["schema"]), (&30.into(), &22.into()), "{made}");
    assert_eq!(made["connections"], serde_json::json!(["acme"]));
    let (exists, help) = error(&db(&["backup", &backup]), 2);
    assert!(exists.contains("exists already") && help.contains("nothing is overwritten"), "{exists}: {help}");
    let (held, help) = error(&db(&["restore", &backup]), 5);
    assert!(held.contains("in use: process") && held.contains("works on acme"), "{held}");
    assert!(help.contains("stop `ml-connector run`"), "{help}");

    drop(daemon);
    std::fs::write(path("text.db"), "Dear diary").expect("the file is written");
    let (text, _) = error(&db(&["restore", &path("text.db")]), 1);
    assert!(text.contains("no SQLite database"), "{text}");
    let restored = json(&db(&["restore", &backup]), 0);
    assert_eq!((&restored["pairs"], &restored["taken_over"]), (&30.into(), &true.into()), "{restored}");
    let aside = restored["aside"][0].as_str().expect("a file");
    assert!(std::path::Path::new(aside).exists());
    let words = run(&file, &["db", "restore", aside]);
    let words = String::from_utf8_lossy(&words.stdout).into_owned();
    assert!(words.contains("what was there before") && words.contains("both systems are read"), "{words}");
    let again = customers(&run(&file, &["sync", "--json"]));
    assert_eq!((&again["created"], &again["updated"]), (&0.into(), &0.into()), "{again}");

    // A database that came back by other means.
    let told = json(&db(&["restored"]), 0);
    assert_eq!(told["connections"], serde_json::json!(["acme"]), "{told}");
    let again = customers(&run(&file, &["sync", "--json"]));
    assert_eq!((&again["created"], &again["updated"]), (&0.into(), &0.into()), "{again}");
}

#[test]
fn on_postgresql_its_own_tools_are_named() {
    let folder = tempfile::tempdir().expect("a folder");
    let addresses = ["127.0.0.1:1".to_owned(), "127.0.0.1:2".to_owned()];
    let file = config(folder.path(), &addresses);
    let text = std::fs::read_to_string(&file).expect("the file");
    let url = text.lines().find(|line| line.contains("sqlite://")).expect("a store").to_owned();
    std::fs::write(&file, text.replace(&url, "url = \"postgres://me@nowhere.example/store\""))
        .expect("written");
    for (command, tool) in [("backup", "pg_dump"), ("restore", "pg_restore")] {
        let refused: Value = json(&run(&file, &["db", command, "x.db", "--json"]), 2);
        let help = refused["error"]["help"].as_str().unwrap_or_default();
        assert!(help.contains(tool), "{refused}");
    }
}
