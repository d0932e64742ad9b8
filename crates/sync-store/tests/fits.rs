//! Fit reports, what they are made of, and texts of connections, on both databases.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on has failed")]

use std::collections::BTreeMap;

use jiff::Timestamp;
use sync_core::{
    budget::{Class, DailyBudget},
    ids::{ConnectionId, PartyId, RunId},
    ports::Spend as _,
};
use sync_store::{Fence, JournalEntry, Ledger, StagedKind, StagedRow, Store, WrittenSince};

#[expect(dead_code, reason = "another test reopens its store")]
mod support;

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_second(1_767_225_600 + seconds).unwrap()
}

const HOUR: i64 = 3_600;

async fn acme(store: &Store) -> (ConnectionId, Fence) {
    store.migrate().await.unwrap();
    let id = store.ensure_connection("acme", "{}", at(0)).await.unwrap();
    let fence = store.lease_take(id, "test", None).await.unwrap().unwrap();
    (id, fence)
}

fn party(id: i64, changed: i64, malformed: bool) -> StagedRow {
    StagedRow {
        id,
        party: Some(id),
        parent: None,
        stamp: at(changed),
        hash: format!("h{id}"),
        body: "{}".to_owned(),
        malformed: malformed.then(|| "no name".to_owned()),
    }
}

async fn the_newest_reports_are_kept(store: Store) {
    let (id, _) = acme(&store).await;
    assert_eq!(store.fits(id, 5).await.unwrap(), []);
    for number in 1..=52 {
        assert_eq!(store.put_fit(id, at(number), &format!("{{\"n\":{number}}}")).await.unwrap(), number);
    }
    let kept = store.fits(id, 100).await.unwrap();
    assert_eq!((kept.len(), kept[0].id, kept[49].id), (50, 52, 3));
    assert_eq!((kept[0].made_at, kept[0].body.as_str()), (at(52), "{\"n\":52}"));
    let other = store.ensure_connection("other", "{}", at(0)).await.unwrap();
    assert_eq!(store.fits(other, 5).await.unwrap(), [], "each connection has its own");
}

async fn volumes_count_what_is_there_by_the_hour_of_its_change(store: Store) {
    let (id, fence) = acme(&store).await;
    let mut tx = store.write(&fence).await.unwrap();
    let rows = [
        party(1, -100 * HOUR, false),
        party(2, -HOUR, false),
        party(3, -HOUR + 1, true),
        party(4, -5, false),
        party(5, -5, false),
    ];
    tx.stage(StagedKind::Party, &rows, at(0), 1).await.unwrap();
    tx.mark_absent(StagedKind::Party, &[5]).await.unwrap();
    tx.mark_absent(StagedKind::Party, &[5]).await.unwrap();
    tx.commit().await.unwrap();
    let volume = store.read(id).await.unwrap().volume(StagedKind::Party, at(-24 * HOUR)).await.unwrap();
    let hour = at(0).as_second() / HOUR;
    assert_eq!((volume.records, volume.malformed), (4, 1));
    assert_eq!(volume.changed, BTreeMap::from([(hour - 1, 3)]));
    let none = store.read(id).await.unwrap().volume(StagedKind::Org, at(-24 * HOUR)).await.unwrap();
    assert_eq!((none.records, none.changed.len()), (0, 0));
}

async fn what_was_written_since_is_counted_by_operation(store: Store) {
    let (id, fence) = acme(&store).await;
    let mut tx = store.write(&fence).await.unwrap();
    let run = tx.begin_run("test", at(0)).await.unwrap();
    let entry = |op: &str, seconds: i64| JournalEntry {
        intent: sync_core::ids::IntentId(seconds),
        run: RunId(run.0),
        at: at(seconds),
        op: op.to_owned(),
        party: PartyId(1),
        org: None,
        before: Default::default(),
        after: Default::default(),
        reason: String::new(),
        rule: String::new(),
        origin: String::new(),
        tokens: 5,
        detail: None,
    };
    tx.append_journal(&[entry("create", 1), entry("create", 5), entry("update", 6)]).await.unwrap();
    tx.commit().await.unwrap();
    let ledger = Ledger::new(store.clone(), id, DailyBudget { tokens: 1_000, max_share: 1.0, reserve: 0.0 });
    ledger.reserve(Class::Urgent, 5, 1, at(-24 * HOUR)).await.unwrap();
    ledger.reserve(Class::Urgent, 5, 2, at(1)).await.unwrap();
    ledger.reserve(Class::Backfill, 10, 2, at(2)).await.unwrap();
    let since = store.read(id).await.unwrap().written_since(at(5)).await.unwrap();
    let day = at(0).as_second() / (24 * HOUR);
    let writes = BTreeMap::from([("create".to_owned(), 1), ("update".to_owned(), 1)]);
    assert_eq!(since, WrittenSince { writes, tokens: BTreeMap::from([(day, 30)]) });
}

async fn of_two_who_change_a_text_one_is_told_that_the_other_was_faster(store: Store) {
    let (id, _) = acme(&store).await;
    assert_eq!(store.connection_texts().await.unwrap(), []);
    assert!(store.add_connection_text(id, 0, ("Ada", "made"), "one", at(1)).await.unwrap());
    assert!(!store.add_connection_text(id, 0, ("Bob", "made"), "other", at(2)).await.unwrap());
    assert!(store.add_connection_text(id, 1, ("Bob", "switched on"), "two", at(3)).await.unwrap());
    assert!(!store.add_connection_text(id, 4, ("Bob", "of the future"), "five", at(3)).await.unwrap());
    let newest = store.connection_texts().await.unwrap();
    assert_eq!(newest.len(), 1);
    let newest = &newest[0];
    assert_eq!((newest.name.as_str(), newest.version, newest.body.as_str()), ("acme", 2, "two"));
    assert_eq!((newest.made_by.as_str(), newest.why.as_str(), newest.made_at), ("Bob", "switched on", at(3)));
    let versions = store.versions_of(id, 10).await.unwrap();
    assert_eq!(versions.iter().map(|one| one.version).collect::<Vec<_>>(), [2, 1]);
}

macro_rules! on_both {
    ($($story:ident, $sqlite:ident, $postgres:ident;)*) => {
        $(
            #[tokio::test]
            async fn $sqlite() {
                $story(support::sqlite().await.store).await;
            }

            #[tokio::test]
            async fn $postgres() {
                $story(support::postgres(stringify!($postgres)).await.store).await;
            }
        )*
    };
}

on_both! {
    the_newest_reports_are_kept, sqlite_fits, postgres_fits;
    volumes_count_what_is_there_by_the_hour_of_its_change, sqlite_volumes, postgres_volumes;
    what_was_written_since_is_counted_by_operation, sqlite_written_since, postgres_written_since;
    of_two_who_change_a_text_one_is_told_that_the_other_was_faster, sqlite_texts, postgres_texts;
}
