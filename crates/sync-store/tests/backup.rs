//! Backups are consistent while others write, are put back only where that is safe, and change nothing where it is not.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on has failed")]

use std::path::{Path, PathBuf};

use jiff::{SignedDuration, Timestamp};
use sqlx::{Connection as _, Executor as _};
use sync_core::{
    budget::{Class, DailyBudget},
    ids::ConnectionId,
    ports::{Spend as _, TokenVault as _},
};
use sync_store::{
    BackupError, CAME_BACK, CameBack, Fence, Ledger, MasterKey, Restored, Restoring, Store, StoreError,
    StoreOptions, Trouble, Vault, back_up,
};

mod support;

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_second(1_767_225_600 + seconds).unwrap()
}

const ACME: ConnectionId = ConnectionId(1);

/// A folder with a database in it.
struct Place {
    folder: tempfile::TempDir,
}

impl Place {
    fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn database(&self) -> PathBuf {
        self.file("store.db")
    }

    async fn open(&self) -> Store {
        let url = format!("sqlite://{}", self.database().display());
        let store = Store::open(&url, StoreOptions { durable: false, gate: None }).await.unwrap();
        store.migrate().await.unwrap();
        assert_eq!(store.ensure_connection("acme", "{}", at(0)).await.unwrap(), ACME);
        store
    }

    /// Everything that lies in the folder, with its content.
    fn content(&self) -> Vec<(String, Vec<u8>)> {
        let name = |entry: &std::fs::DirEntry| entry.file_name().to_str().unwrap().to_owned();
        let entries = std::fs::read_dir(self.folder.path()).unwrap().map(Result::unwrap);
        let read = |entry: std::fs::DirEntry| (name(&entry), std::fs::read(entry.path()).unwrap());
        let mut all: Vec<_> = entries.map(read).filter(|(name, _)| !name.ends_with(".lock")).collect();
        all.sort();
        all
    }
}

async fn take(store: &Store) -> Fence {
    let seen = store.lease_look(ACME).await.unwrap();
    store.lease_take(ACME, "process 1", seen.as_ref()).await.unwrap().unwrap()
}

async fn put(store: &Store, fence: &Fence, number: i64) {
    let mut tx = store.write(fence).await.unwrap();
    tx.put_cursor("left", &number, at(number)).await.unwrap();
    tx.put_cursor("right", &(1_000_000 - number), at(number)).await.unwrap();
    tx.commit().await.unwrap();
}

async fn cursor(store: &Store, name: &str) -> Option<i64> {
    store.read(ACME).await.unwrap().cursor(name).await.unwrap()
}

async fn restore(place: &Place, backup: &Path, now: Timestamp) -> Result<Restored, BackupError> {
    Restoring::begin(&place.database(), backup, now).await?.finish().await
}

#[tokio::test]
async fn sqlite_a_backup_is_consistent_while_others_write_and_overwrites_nothing() {
    use std::os::unix::fs::PermissionsExt as _;
    let place = Place::new();
    let store = place.open().await;
    let fence = take(&store).await;
    put(&store, &fence, 0).await;
    let writing = {
        let store = store.clone();
        tokio::spawn(async move {
            for number in 1.. {
                put(&store, &fence, number).await;
                tokio::task::yield_now().await;
            }
        })
    };
    for round in 0..5 {
        let file = place.file(&format!("backup-{round}.db"));
        let backup = back_up(&place.database(), &file).await.unwrap();
        assert_eq!((backup.connections, backup.pairs, backup.schema), (vec!["acme".to_owned()], 0, 22));
        let metadata = std::fs::metadata(&file).unwrap();
        assert_eq!((metadata.len(), metadata.permissions().mode() & 0o777), (backup.bytes, 0o600));
        let url = format!("sqlite://{}", file.display());
        let copy = Store::open(&url, StoreOptions::default()).await.unwrap();
        let (left, right) = (cursor(&copy, "left").await.unwrap(), cursor(&copy, "right").await.unwrap());
        assert_eq!(left + right, 1_000_000, "both of a transaction or none");
        copy.close().await;
    }
    writing.abort();
    let _ = writing.await;

    let taken = place.file("taken.db");
    std::fs::write(&taken, "somebody's").unwrap();
    let refused = back_up(&place.database(), &taken).await;
    assert!(matches!(refused, Err(BackupError::Exists(_))), "{refused:?}");
    assert_eq!(std::fs::read(&taken).unwrap(), b"somebody's");
    let nothing = back_up(&place.file("none.db"), &place.file("new.db")).await;
    assert!(matches!(nothing, Err(BackupError::Missing(_))), "{nothing:?}");
    assert!(!place.file("none.db").exists() && !place.file("new.db").exists(), "nothing is made by looking");
}

#[tokio::test]
async fn sqlite_a_restore_goes_back_but_not_behind_what_is_true_of_the_world() {
    let place = Place::new();
    let store = place.open().await;
    let fence = take(&store).await;
    put(&store, &fence, 1).await;
    let vault = |store: &Store| Vault::new(store.clone(), ACME, MasterKey::from_bytes([7; 32]));
    vault(&store).save("refresh_token", "old").await.unwrap();
    let budget = DailyBudget { tokens: 10_000, max_share: 1.0, reserve: 0.0 };
    let ledger = |store: &Store| Ledger::new(store.clone(), ACME, budget);
    ledger(&store).reserve(Class::Edit, 10, 1, at(1)).await.unwrap();
    let mut tx = store.write(&fence).await.unwrap();
    let run = tx.begin_run("sync", at(1)).await.unwrap();
    tx.commit().await.unwrap();
    let backup = place.file("backup.db");
    back_up(&place.database(), &backup).await.unwrap();

    // What happens after it.
    put(&store, &fence, 2).await;
    vault(&store).save("refresh_token", "rotated").await.unwrap();
    ledger(&store).reserve(Class::Edit, 10, 5, at(2)).await.unwrap();
    let mut tx = store.write(&fence).await.unwrap();
    for _ in 0..5 {
        tx.begin_run("sync", at(2)).await.unwrap();
    }
    tx.commit().await.unwrap();
    store.wish(ACME, "somebody", at(2)).await.unwrap();
    store.lease_release(&fence).await.unwrap();
    let later = take(&store).await;
    assert_eq!(later.epoch, fence.epoch + 1);
    store.close().await;

    let restored = restore(&place, &backup, at(100)).await.unwrap();
    assert!(restored.taken_over, "{restored:?}");
    assert_eq!((restored.backup.connections.len(), restored.migrated.len()), (1, 0));
    let [aside] = restored.aside.as_slice() else { panic!("{restored:?}") };
    assert!(aside.display().to_string().ends_with("store.db.before-restore-20260101T000140Z"), "{aside:?}");

    let store = place.open().await;
    assert_eq!(cursor(&store, "left").await, Some(1), "it went back");
    let back: Option<CameBack> = store.read(ACME).await.unwrap().cursor(CAME_BACK).await.unwrap();
    assert_eq!(back, Some(CameBack { at: at(100) }));
    assert_eq!(vault(&store).load("refresh_token").await.unwrap().as_deref(), Some("rotated"));
    assert_eq!(ledger(&store).spent_today(at(101)).await.unwrap(), 60);
    assert!(store.asked_for().await.unwrap().is_empty(), "nobody waits any more");

    // Whoever was frozen all the while, before the backup or after it, is refused.
    let lease = store.lease_look(ACME).await.unwrap().unwrap();
    assert_eq!(lease.owner, None);
    assert!(lease.epoch > later.epoch);
    for frozen in [fence, later] {
        assert!(matches!(store.write(&frozen).await.map(drop), Err(StoreError::Fenced)));
        assert!(matches!(store.lease_renew(&frozen).await, Err(StoreError::Fenced)));
    }
    let fence = take(&store).await;
    let mut tx = store.write(&fence).await.unwrap();
    assert!(tx.begin_run("sync", at(102)).await.unwrap().0 > run.0 + 5, "no number is given out twice");
    drop(tx);
    store.close().await;

    // What was moved aside is as good a backup as any.
    let again = restore(&place, aside, at(200)).await.unwrap();
    assert!(again.taken_over);
    assert_eq!(cursor(&place.open().await, "left").await, Some(2));
}

#[tokio::test]
async fn sqlite_nothing_is_restored_while_anybody_has_the_database_open() {
    let place = Place::new();
    let store = place.open().await;
    take(&store).await;
    let backup = place.file("backup.db");
    back_up(&place.database(), &backup).await.unwrap();
    let refused = restore(&place, &backup, at(100)).await.unwrap_err();
    let BackupError::Held { owners, .. } = &refused else { panic!("{refused:?}") };
    assert_eq!(owners, &["process 1 works on acme"]);
    assert!(refused.to_string().ends_with("store.db is in use: process 1 works on acme"), "{refused}");
    store.close().await;

    // Somebody who knows nothing of our claims.
    let url = format!("sqlite://{}", place.database().display());
    let mut other = sqlx::SqliteConnection::connect(&url).await.unwrap();
    other.execute("SELECT count(*) FROM lease").await.unwrap();
    let before = place.content();
    let refused = restore(&place, &backup, at(100)).await;
    assert!(matches!(refused, Err(BackupError::Held { .. })), "{refused:?}");
    assert_eq!(place.content().len(), before.len(), "nothing was moved");
    other.close().await.unwrap();

    // And while it is restored nobody gets in.
    let restoring = Restoring::begin(&place.database(), &backup, at(100)).await.unwrap();
    let early = Store::open(&url, StoreOptions::default()).await.map(drop).unwrap_err();
    assert!(matches!(early, StoreError::File { trouble: Trouble::BeingRestored, .. }), "{early:?}");
    restoring.finish().await.unwrap();
    place.open().await;
}

#[tokio::test]
async fn sqlite_a_backup_that_is_not_sound_changes_nothing() {
    let place = Place::new();
    let store = place.open().await;
    let fence = take(&store).await;
    for number in 0..200 {
        let mut tx = store.write(&fence).await.unwrap();
        tx.put_cursor(&format!("stream {number}"), &"x".repeat(2_000), at(1)).await.unwrap();
        tx.commit().await.unwrap();
    }
    let good = place.file("good.db");
    back_up(&place.database(), &good).await.unwrap();
    store.close().await;
    let bytes = std::fs::read(&good).unwrap();
    let half = bytes.len() / 2;

    let mut broken = bytes.clone();
    broken[half..half + 8_192].fill(0xA5);
    std::fs::write(place.file("broken.db"), broken).unwrap();
    std::fs::write(place.file("short.db"), &bytes[..half]).unwrap();
    std::fs::write(place.file("text.db"), "Dear diary,\n".repeat(1_000)).unwrap();
    std::fs::write(place.file("empty.db"), "").unwrap();
    let newer = place.file("newer.db");
    std::fs::write(&newer, &bytes).unwrap();
    let mut future = sqlx::SqliteConnection::connect(&format!("sqlite://{}", newer.display())).await.unwrap();
    let sql = "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time) \
        VALUES (999, 'from the future', 1, x'00', 0)";
    future.execute(sql).await.unwrap();
    future.close().await.unwrap();

    let before = place.content();
    let told = async |name: &str| {
        let refused = restore(&place, &place.file(name), at(100)).await.unwrap_err();
        assert!(place.content() == before, "{name}: nothing was moved, made or changed");
        refused
    };
    let broken = told("broken.db").await;
    assert!(broken.to_string().contains("broken.db") && broken.to_string().contains("damaged"), "{broken}");
    let short = told("short.db").await;
    assert!(short.to_string().contains("short.db") && short.to_string().contains("damaged"), "{short}");
    let text = told("text.db").await;
    assert!(text.to_string().ends_with("text.db: this is no SQLite database"), "{text}");
    assert!(matches!(told("empty.db").await, BackupError::Foreign(_)));
    let newer = told("newer.db").await;
    assert!(matches!(newer, BackupError::Store(StoreError::Newer { found: 999, known: 22 })), "{newer:?}");
    assert!(matches!(told("none.db").await, BackupError::Missing(_)));
    assert!(matches!(told("store.db").await, BackupError::Itself(_)));
}

#[tokio::test]
async fn sqlite_a_backup_of_an_earlier_version_is_brought_up_to_date() {
    let place = Place::new();
    let old = place.file("old.db");
    let url = format!("sqlite://{}", old.display());
    let store = Store::open(&url, StoreOptions::default()).await.unwrap();
    store.migrate_to(9).await.unwrap();
    store.ensure_connection("acme", "{}", at(0)).await.unwrap();
    store.close().await;
    let restored = restore(&place, &old, at(100)).await.unwrap();
    assert_eq!((restored.backup.schema, restored.migrated.len()), (9, 13));
    assert!(restored.aside.is_empty() && !restored.taken_over, "there was nothing before");
    let store = place.open().await;
    let lease = store.lease_look(ACME).await.unwrap().expect("an epoch to go on from");
    assert!(lease.epoch > 1_000_000 && lease.owner.is_none(), "epochs that nobody knows of are left behind");
}

#[tokio::test]
async fn sqlite_a_database_that_cannot_be_read_is_told_by_its_name_and_replaced() {
    let place = Place::new();
    let store = place.open().await;
    let backup = place.file("backup.db");
    back_up(&place.database(), &backup).await.unwrap();
    store.close().await;
    std::fs::write(place.database(), "Dear diary,\n".repeat(1_000)).unwrap();
    let url = format!("sqlite://{}", place.database().display());
    let error = Store::open(&url, StoreOptions::default()).await.map(drop).unwrap_err();
    assert!(matches!(error, StoreError::File { trouble: Trouble::NoDatabase, .. }), "{error:?}");
    assert!(error.to_string().contains("store.db") && error.remedy().unwrap().contains("db restore"));
    let restored = restore(&place, &backup, at(100)).await.unwrap();
    assert!(!restored.taken_over);
    assert!(std::fs::read_to_string(&restored.aside[0]).unwrap().starts_with("Dear diary"));
    place.open().await;

    let nowhere = Store::open("sqlite:///nowhere/at/all.db", StoreOptions::default()).await.map(drop);
    let nowhere = nowhere.unwrap_err();
    assert!(matches!(nowhere, StoreError::File { trouble: Trouble::CannotOpen, .. }), "{nowhere:?}");
}

#[tokio::test]
async fn sqlite_after_a_restore_that_was_broken_off_nobody_works_on_half_of_it() {
    let place = Place::new();
    let store = place.open().await;
    let backup = place.file("backup.db");
    back_up(&place.database(), &backup).await.unwrap();
    store.close().await;
    // As it is left behind when the process dies between moving the old files and the new one.
    std::fs::write(place.file("store.db.lock"), "a restore has begun and not ended\n").unwrap();
    std::fs::rename(place.database(), place.file("aside.db")).unwrap();
    let url = format!("sqlite://{}", place.database().display());
    let half = Store::open(&url, StoreOptions::default()).await.map(drop).unwrap_err();
    assert!(matches!(half, StoreError::File { trouble: Trouble::HalfRestored, .. }), "{half:?}");
    assert!(!place.database().exists(), "no empty database is made");
    restore(&place, &backup, at(100)).await.unwrap();
    place.open().await;
}

/// On both databases: what makes a store safe that was restored by other means.
async fn safe_whatever_restored_it(store: Store) {
    store.migrate().await.unwrap();
    let acme = store.ensure_connection("acme", "{}", at(0)).await.unwrap();
    let other = store.ensure_connection("other", "{}", at(0)).await.unwrap();
    let fence = store.lease_take(acme, "one", None).await.unwrap().unwrap();
    store.wish(acme, "somebody", at(1)).await.unwrap();
    store.came_back(true, at(10)).await.unwrap();
    store.came_back(true, at(20) + SignedDuration::from_millis(1)).await.unwrap();
    assert!(matches!(store.write(&fence).await.map(drop), Err(StoreError::Fenced)));
    for connection in [acme, other] {
        let mut tx = store.read(connection).await.unwrap();
        let back: Option<CameBack> = tx.cursor(CAME_BACK).await.unwrap();
        assert_eq!(back.map(|back| back.at), Some(at(20) + SignedDuration::from_millis(1)));
        drop(tx);
        let lease = store.lease_look(connection).await.unwrap().expect("a lease");
        assert!(lease.owner.is_none() && lease.epoch > 1_000_000_000);
    }
    assert!(store.asked_for().await.unwrap().is_empty());
}

#[tokio::test]
async fn sqlite_is_safe_whatever_restored_it() {
    let opened = support::sqlite().await;
    assert!(opened.url.starts_with("sqlite"));
    safe_whatever_restored_it(opened.store).await;
}

#[tokio::test]
async fn postgres_is_safe_whatever_restored_it() {
    safe_whatever_restored_it(support::postgres("backup").await.store).await;
}
