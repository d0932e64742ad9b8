//! What people write for us and hand back: configuration files, texts of connections, plans.
#![cfg(test)]

#[path = "../../../sync-core/tests/fuzz/harness/mod.rs"]
mod harness;

use harness::Target;
use ml_connector::{
    config::{Config, ConfigError, StoredError, StoredText, render},
    plan_file::{PlanFile, VERSION},
};

const HOME: &str = env!("CARGO_MANIFEST_DIR");

/// Stands wherever the corpus has a secret in plain text.
const SECRET: &str = "geheim8f3a";

const KEYS: &[&str] = &[
    "[connection.oracle]",
    "[connection.pipedrive]",
    "[connection.sync]",
    "[connection.fields]",
    "[connection.documents]",
    "[connection.customers_from_crm]",
    "[connection.webhooks]",
    "[[connection]]",
    "[web]",
    "[store]",
    "[alerts]",
    "name = ",
    "url = ",
    "poll_every = \"-1s\"",
    "poll_every = \"99999999999999999h\"",
    "\"1h 30m\"",
    "seats = 99999999999",
    "seats = -1",
    "plan = \"lite\"",
    "{ env = \"A\" }",
    "{ file = \"\" }",
    "{ kept = \"x\" }",
    "api_token = \"geheim8f3a\"",
    "client_secret = '''geheim8f3a'''",
    "expression = \"a | upper\"",
    "more = [\"duns\"]",
    "trusted_proxies = [\"0.0.0.0/99\"]",
    "1979-05-27T07:32:00Z",
    "inf",
    "nan",
    "0xDEADBEEF",
    "1_000",
    "+99",
    "a.b.c = 1",
    "\"\" = 1",
    "\\U0010FFFF",
    "\\u00e9",
    "# ",
    "geheim8f3a",
    "pattern = \"PD-{deal_id}\"",
    "postgres://me:geheim8f3a@db/x",
    "https://me:geheim8f3a@h.example",
];

const CONFIG: Target<'_> = Target { name: "config", home: HOME, inputs: 400, words: KEYS };

const TEXTS: Target<'_> = Target { name: "connection_texts", home: HOME, inputs: 400, words: KEYS };

const PLANS: Target<'_> = Target {
    name: "plan_files",
    home: HOME,
    inputs: 500,
    words: &[
        "version",
        "\"version\":3",
        "records",
        "plans",
        "steps",
        "handovers",
        "create",
        "update",
        "bind",
        "relate",
        "unrelate",
        "forget",
        "values",
        "changes",
        "field",
        "old",
        "new",
        "then_hold",
        "party",
        "rule",
        "class",
        "made_at",
        "digest",
        "sides",
        "\"unknown\":1",
        "text",
        "money",
        "amount",
        "currency",
        "labels",
        "organization",
        "deal",
    ],
};

/// Whether a secret stands only where the file may have one: the value of such a key, in quotes that begin and end there.
fn in_its_place(text: &str) -> bool {
    const HOLDERS: [&str; 8] = [
        "api_token",
        "client_secret",
        "password",
        "secret",
        "old_secret",
        "refresh_token",
        "webhook_url",
        "value",
    ];
    if text.contains("\"\"\"") || text.contains("'''") {
        return false;
    }
    text.lines().all(|line| {
        let mut rest = line;
        while let Some(at) = rest.find(SECRET) {
            let before = &rest[..at];
            let Some(key) = before.trim_end_matches(['"', '\'']).trim_end().strip_suffix('=') else {
                return false;
            };
            let key = key
                .trim_end()
                .rsplit(|c: char| !(c.is_ascii_alphanumeric() || c == '_'))
                .next()
                .unwrap_or_default();
            let quoted = before.matches(['"', '\'']).count() % 2 == 1 && !before.contains(['#', '\\']);
            if !HOLDERS.contains(&key) || !quoted {
                return false;
            }
            rest = &rest[at + SECRET.len()..];
            if !rest.starts_with(['"', '\'']) {
                return false;
            }
            rest = &rest[1..];
        }
        true
    })
}

/// A message, a remedy, and a place that is one of the text.
fn told(error: &ConfigError, text: &str, shows_secrets: bool) {
    let (plain, colored) = (render(error, false), render(error, true));
    let json = error.to_json();
    assert!(!error.to_string().is_empty() && !error.remedy().is_empty(), "{plain}");
    assert!(json["error"]["message"].as_str().is_some_and(|message| !message.is_empty()));
    if let Some((line, column)) = error.line_column() {
        let lines: Vec<&str> = text.split('\n').collect();
        let there = lines.get(line - 1).unwrap_or_else(|| panic!("line {line} of {}", lines.len()));
        assert!(column <= there.chars().count() + 1, "column {column} of {}", there.chars().count());
    }
    if !shows_secrets {
        for said in [plain, colored, json.to_string(), format!("{error:?}"), error.to_string()] {
            assert!(!said.contains(SECRET), "a secret in {said}");
        }
    }
}

fn config(input: &[u8]) {
    // What is not UTF-8 is refused before it is read.
    let Ok(text) = std::str::from_utf8(input) else { return };
    let shows_secrets = !in_its_place(text);
    match Config::parse(text, "fuzz/ml-connector.toml") {
        Ok(config) => {
            let shown = format!("{config:?}");
            assert!(shows_secrets || !shown.contains(SECRET), "a secret in {shown}");
            assert_eq!(format!("{:?}", Config::parse(text, "fuzz/ml-connector.toml").unwrap()), shown);
        }
        Err(error) => {
            if toml::from_str::<toml::Table>(text).is_err() {
                // What is too deep is so from its beginning.
                let deep = error.to_string() == "recursion limit";
                assert!(deep || error.line_column().is_some(), "{error} has no place");
            }
            told(&error, text, shows_secrets);
        }
    }
}

fn connection_text(input: &[u8]) {
    let Ok(text) = std::str::from_utf8(input) else { return };
    let shows_secrets = !in_its_place(text);
    let stored = match StoredText::read(text) {
        Ok(stored) => stored,
        Err(error) => {
            assert!(!error.to_string().is_empty());
            assert!(shows_secrets || !error.to_string().contains(SECRET), "a secret in {error}");
            return;
        }
    };
    let written = stored.text();
    let again = StoredText::read(&written).unwrap_or_else(|error| panic!("{error} in what was read before"));
    assert_eq!(again.text(), written, "what is written is read alike");
    match stored.connection("acme") {
        Ok(connection) => {
            assert_eq!(connection.name, "acme");
            assert!(connection.secrets().unwrap().iter().all(|(_, secret)| !secret.is_plain()));
        }
        Err(StoredError::Config(error)) => told(&error, &written, shows_secrets),
        Err(StoredError::Other(why)) => assert!(shows_secrets || !why.contains(SECRET), "a secret in {why}"),
    }
    let mut changed = stored;
    changed.set(&["pipedrive", "seats"], Some(7_i64.into()));
    changed.set(&["oracle", "scope"], None);
    let changed = changed.text();
    StoredText::read(&changed).unwrap_or_else(|error| panic!("{error} in what was set: {changed}"));
}

/// What is always refused is never read to its end.
#[test]
fn fuzz_begins_with_good_ones_too() {
    let (configs, texts, plans) = (CONFIG.corpus(), TEXTS.corpus(), PLANS.corpus());
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    for name in ["example", "init", "plain", "sections"] {
        let parsed = Config::parse(&text(&configs[name]), "x.toml");
        parsed.unwrap_or_else(|error| panic!("{name}: {}", render(&error, false)));
    }
    StoredText::read(&text(&texts["made"])).unwrap().connection("acme").unwrap();
    for name in ["steps", "holds", "pretty"] {
        serde_json::from_slice::<PlanFile>(&plans[name]).unwrap_or_else(|error| panic!("{name}: {error}"));
    }
}

#[test]
fn fuzz_config() {
    CONFIG.run(config);
}

#[test]
fn fuzz_connection_texts() {
    TEXTS.run(connection_text);
}

#[test]
fn fuzz_plan_files() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("acme.plan.json");
    PLANS.run(|input| {
        std::fs::write(&path, input).unwrap();
        match PlanFile::load(&path) {
            Ok(plan) => {
                assert_eq!(plan.version, VERSION);
                std::fs::write(&path, serde_json::to_vec(&plan).unwrap()).unwrap();
                let again =
                    PlanFile::load(&path).unwrap_or_else(|error| panic!("{error} in what was read before"));
                assert_eq!(again, plan, "what is written is read alike");
            }
            Err(error) => {
                let said = error.to_string();
                assert!(said.contains("acme.plan.json"), "{said} names the file");
                assert!(said.chars().count() <= 1_000, "{} characters", said.chars().count());
                assert!(!said.chars().any(char::is_control), "control characters in {said:?}");
            }
        }
    });
}
