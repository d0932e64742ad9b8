//! No statement of the loop reads more than what it is about: SQLite is asked how it would go about every statement that whole
//! lives ran. What walks all rows of a connection takes no time in a test, and all of it in an installation of a hundred thousand
//! customers.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::{
    collections::BTreeSet,
    fmt::Debug,
    sync::{Arc, Mutex},
};

use sqlx::{Connection, Row, SqliteConnection};
use sync_engine::simulation::{Trial, live, prepare};
use tracing::{
    Event, Subscriber,
    field::{Field, Visit},
};
use tracing_subscriber::{
    Layer,
    layer::{Context, SubscriberExt as _},
};

/// Tables that grow with the customers, or with time.
const LARGE: [&str; 19] = [
    "deal_page",
    "document",
    "erp_intent",
    "handover",
    "hold",
    "hook_event",
    "intent",
    "job",
    "journal",
    "match_key",
    "match_word",
    "outcome",
    "page_intent",
    "pair",
    "plan",
    "relation",
    "run",
    "said",
    "staged",
];

/// What may look at all rows of a connection, by how it begins, and why.
const MAY_WALK: [(&str, &str); 17] = [
    (
        "SELECT party_id, class, generation, attempts, origin, due_at FROM job WHERE connection_id = $1 AND due_at <=",
        "in the order of its index, up to the limit; few keys are due later",
    ),
    ("SELECT MIN(due_at) FROM (SELECT MIN(due_at)", "stops at the first row of each class"),
    ("SELECT count(*), count(CASE WHEN sweep", "once at the end of a sweep"),
    (
        "SELECT id, party_id, stamp, hash, body, malformed, read_at, missing, sweep, parent_id FROM staged WHERE connection_id = $1 AND kind = $2 AND sweep <",
        "the same",
    ),
    ("UPDATE staged SET missing", "the same"),
    ("SELECT count(*), count(CASE WHEN due_at", "progress, once a second"),
    ("SELECT count(*), count(CASE WHEN attempts", "once nothing is left to do"),
    ("SELECT count(*), count(CASE WHEN tries", "the same"),
    ("SELECT count(*) FROM pair", "the guard's share of all customers, for a batch"),
    ("SELECT count(*) FROM staged", "reports"),
    ("SELECT outcome, count(*)", "the end of a run"),
    ("DELETE FROM outcome", "the end of a run"),
    ("SELECT id, kind, made, question_key FROM handover", "the verdict of a life alone"),
    ("SELECT event, received_at, entity", "the verdict of a life, and the newest events for a person"),
    ("SELECT party_id, count(*) FROM intent", "the verdict of a life alone"),
    (
        "SELECT party_id, org_id FROM pair WHERE connection_id = $1 ORDER BY party_id",
        "the verdict of a life alone",
    ),
    (
        "SELECT id, party_id, reason, opened_at, closed_at, answer, answered_by FROM hold",
        "the history of one customer, for a person",
    ),
];

/// Statements as SQLite was given them.
#[derive(Default, Clone)]
struct Said(Arc<Mutex<BTreeSet<String>>>);

struct Text<'a>(&'a Said);

impl Visit for Text<'_> {
    fn record_str(&mut self, field: &Field, value: &str) {
        // A short statement is its own summary.
        if ["db.statement", "summary"].contains(&field.name()) && !value.contains('…') {
            let words: Vec<&str> = value.split_whitespace().collect();
            self.0.0.lock().unwrap().insert(words.join(" "));
        }
    }

    fn record_debug(&mut self, _: &Field, _: &dyn Debug) {}
}

impl<S: Subscriber> Layer<S> for Said {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        if event.metadata().target() == "sqlx::query" {
            event.record(&mut Text(self));
        }
    }
}

/// How a step of a plan walks all rows of a connection in a table that is large, if it does.
fn walks(step: &str, partial: &BTreeSet<String>) -> bool {
    let words: Vec<&str> = step.split(' ').collect();
    let (how, table) =
        (words.first().copied().unwrap_or_default(), words.get(1).copied().unwrap_or_default());
    let of_few = words.iter().any(|word| partial.contains(*word));
    // What stands in a bracket is what the index narrows it down by.
    let by = step.split_once('(').map_or("", |(_, by)| by.trim_end_matches(')'));
    let narrow = by.split(" AND ").any(|by| {
        let column = by.split(['=', '<', '>']).next().unwrap_or_default().trim();
        !["", "connection_id", "kind", "side", "class", "state", "entity"].contains(&column)
    });
    ["SCAN", "SEARCH"].contains(&how) && LARGE.contains(&table) && !of_few && !narrow
}

/// Which of these statements walk, as SQLite would go about them in a store that one life has left.
async fn walking(url: &str, statements: &[String]) -> Vec<String> {
    let mut store = SqliteConnection::connect(url).await.unwrap();
    // Indexes of what is open or asked alone are short.
    let short = "SELECT name FROM sqlite_schema WHERE type = 'index' AND sql LIKE '% WHERE %' AND name NOT IN \
        ('staged_by_party', 'staged_by_parent', 'document_due', 'deal_page_due', 'document_by_deal', 'document_by_key')";
    let partial = sqlx::query_scalar(short).fetch_all(&mut store).await.unwrap().into_iter().collect();
    let mut bad = Vec::new();
    for statement in statements {
        let explained = sqlx::AssertSqlSafe(format!("EXPLAIN QUERY PLAN {statement}"));
        let Ok(plan) = sqlx::query(explained).fetch_all(&mut store).await else { continue };
        let steps = plan.iter().map(|row| row.get::<String, _>("detail"));
        let Some(step) = steps.into_iter().find(|step| walks(step, &partial)) else { continue };
        if !MAY_WALK.iter().any(|(allowed, _)| statement.starts_with(allowed)) {
            bad.push(format!("{step}\n    {statement}"));
        }
    }
    bad
}

#[test]
fn no_statement_of_the_loop_walks_all_rows() {
    let said = Said::default();
    tracing::subscriber::set_global_default(tracing_subscriber::registry().with(said.clone())).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let url = |seed| format!("sqlite://{}", folder.path().join(format!("{seed}.db")).display());
    for seed in 1..=40 {
        runtime.block_on(live(&Trial::of(seed), &url(seed))).unwrap_or_else(|broken| panic!("{broken}"));
    }
    let statements = said.0.lock().unwrap().clone();
    let looks = |statement: &String| {
        ["SELECT", "UPDATE", "DELETE", "WITH"].iter().any(|verb| statement.starts_with(verb))
    };
    let statements: Vec<String> = statements.into_iter().filter(looks).collect();
    assert!(statements.len() > 100, "only {} statements were seen", statements.len());

    let bad = runtime.block_on(walking(&url(1), &statements));
    assert!(bad.is_empty(), "{} statements walk all rows:\n{}", bad.len(), bad.join("\n"));

    // It can fail: without our figures SQLite chooses otherwise (migration 22).
    runtime.block_on(async {
        let mut store = SqliteConnection::connect(&url(1)).await.unwrap();
        sqlx::query("DELETE FROM sqlite_stat1").execute(&mut store).await.unwrap();
    });
    let bad = runtime.block_on(walking(&url(1), &statements));
    assert!(bad.iter().any(|bad| bad.contains("FROM staged WHERE")), "{}", bad.join("\n"));
}

#[tokio::test]
async fn every_index_of_a_large_table_says_how_selective_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let url = format!("sqlite://{}", folder.path().join("empty.db").display());
    prepare(&url).await.unwrap();
    let mut store = SqliteConnection::connect(&url).await.unwrap();
    let silent = "SELECT tbl_name || '.' || name FROM sqlite_schema WHERE type = 'index' \
        AND NOT EXISTS (SELECT 1 FROM sqlite_stat1 WHERE tbl = tbl_name AND idx = name)";
    let silent: Vec<String> = sqlx::query_scalar(silent).fetch_all(&mut store).await.unwrap();
    let large = |index: &&String| LARGE.contains(&index.split('.').next().unwrap_or_default());
    assert_eq!(silent.iter().filter(large).collect::<Vec<_>>(), Vec::<&String>::new());
}

#[test]
fn what_walks_is_told_from_what_does_not() {
    let partial = BTreeSet::from(["intent_open".to_owned()]);
    for step in [
        "SCAN staged",
        "SEARCH staged USING INDEX sqlite_autoindex_staged_1 (connection_id=? AND kind=?)",
        "SEARCH job USING COVERING INDEX job_by_due (connection_id=?)",
    ] {
        assert!(walks(step, &partial), "{step}");
    }
    for step in [
        "SEARCH staged USING INDEX staged_by_party (connection_id=? AND kind=? AND party_id=?)",
        "SEARCH intent USING INDEX intent_open (connection_id=?)",
        "SEARCH lease USING INDEX sqlite_autoindex_lease_1 (connection_id=?)",
        "SCAN 3 CONSTANT ROWS",
        "USE TEMP B-TREE FOR ORDER BY",
    ] {
        assert!(!walks(step, &partial), "{step}");
    }
}
