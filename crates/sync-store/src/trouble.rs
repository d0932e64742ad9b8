//! What may be wrong with the file of a SQLite database, and what to do about it.

use std::fmt;

use sqlx::sqlite::SqliteError;

/// Why a file cannot be used as it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trouble {
    /// There is no room left on its disk.
    DiskFull,
    /// Another process kept it locked for longer than we wait.
    Locked,
    /// What is in it contradicts itself.
    Damaged,
    /// It is something else.
    NoDatabase,
    /// It, or its folder, may only be read.
    ReadOnly,
    /// It, or its folder, is not there, or not for us.
    CannotOpen,
    /// The disk did not do what it was told.
    DiskFailed,
    /// Another process is restoring it from a backup.
    BeingRestored,
    /// A restore was broken off when half of its files had been moved.
    HalfRestored,
}

// Result codes of SQLite: the last byte of what it calls extended codes (https://www.sqlite.org/rescode.html).
const BUSY: i32 = 5;
const LOCKED: i32 = 6;
const READONLY: i32 = 8;
const IOERR: i32 = 10;
const CORRUPT: i32 = 11;
const FULL: i32 = 13;
const CANTOPEN: i32 = 14;
const NOTADB: i32 = 26;
const PRIMARY: i32 = 0xff;

/// `SQLITE_IOERR_SHMSIZE`: the index of the write-ahead log finds no room.
const NO_ROOM_FOR_INDEX: i32 = 10 | (19 << 8);

/// `SQLITE_READONLY_DBMOVED`: somebody moved the file away from under us.
const MOVED: i32 = 8 | (4 << 8);

impl Trouble {
    /// What a refusal of SQLite says about the file; none where it is about the statement.
    #[must_use]
    pub fn of_code(code: i32) -> Option<Self> {
        match (code, code & PRIMARY) {
            (NO_ROOM_FOR_INDEX, _) | (_, FULL) => Some(Self::DiskFull),
            (MOVED, _) | (_, CANTOPEN) => Some(Self::CannotOpen),
            (_, BUSY | LOCKED) => Some(Self::Locked),
            (_, CORRUPT) => Some(Self::Damaged),
            (_, NOTADB) => Some(Self::NoDatabase),
            (_, READONLY) => Some(Self::ReadOnly),
            (_, IOERR) => Some(Self::DiskFailed),
            (_, _) => None,
        }
    }

    /// What a failure says about the file; none where it is about something else.
    pub(crate) fn of(error: &sqlx::Error) -> Option<Self> {
        let refusal = error.as_database_error()?.try_downcast_ref::<SqliteError>()?;
        Self::of_code(sqlx::error::DatabaseError::code(refusal)?.parse().ok()?)
    }

    /// What a failure of the operating system says about a file.
    pub(crate) fn of_io(error: &std::io::Error) -> Self {
        use std::io::ErrorKind;
        match error.kind() {
            ErrorKind::StorageFull | ErrorKind::QuotaExceeded => Self::DiskFull,
            ErrorKind::ReadOnlyFilesystem => Self::ReadOnly,
            ErrorKind::NotFound | ErrorKind::PermissionDenied | ErrorKind::IsADirectory => Self::CannotOpen,
            // Whatever else an operating system may say: there are many, and more to come.
            _ => Self::DiskFailed,
        }
    }

    /// What to do about it.
    #[must_use]
    pub fn remedy(self, file: &str) -> String {
        match self {
            Self::DiskFull => {
                "free some space there, then start again: what has no receipt is looked for before anything is repeated"
                    .to_owned()
            }
            Self::Locked => format!(
                "`fuser {file}` names the processes that have it open: a backup tool, sqlite3 on a terminal; end that one \
                 and start again"
            ),
            Self::Damaged | Self::NoDatabase => format!(
                "stop everything that uses it and run `ml-connector db restore BACKUP`, which keeps {file} beside; \
                 docs/backup.md tells what happens then"
            ),
            Self::ReadOnly => {
                format!("let the user that ml-connector runs as write to {file} and to its folder")
            }
            Self::CannotOpen => {
                format!("see that the folder of {file} exists, and that the user that ml-connector runs as may use it")
            }
            Self::DiskFailed => {
                "look into the system's log for the disk; a backup on another one is restored with \
                 `ml-connector db restore BACKUP`"
                    .to_owned()
            }
            Self::BeingRestored => "wait for `ml-connector db restore` to end, then start again".to_owned(),
            Self::HalfRestored => {
                "run `ml-connector db restore BACKUP` again; what was there before lies beside it".to_owned()
            }
        }
    }
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::DiskFull => "its disk is full",
            Self::Locked => "another process has kept the database locked for too long",
            Self::Damaged => "the database is damaged",
            Self::NoDatabase => "this is no SQLite database",
            Self::ReadOnly => "the database can only be read",
            Self::CannotOpen => "the database cannot be opened",
            Self::DiskFailed => "its disk failed",
            Self::BeingRestored => "the database is being restored from a backup",
            Self::HalfRestored => "a restore of the database was broken off before its end",
        })
    }
}

#[cfg(test)]
mod tests {
    use sqlx::Executor as _;
    use sync_core::ids::ConnectionId;

    use super::*;
    use crate::{Store, StoreError, StoreOptions, store::Pools};

    const CONNECTION: ConnectionId = ConnectionId(1);

    #[test]
    fn codes_with_details_mean_what_their_last_byte_means() {
        assert_eq!(Trouble::of_code(13), Some(Trouble::DiskFull));
        assert_eq!(Trouble::of_code(4874), Some(Trouble::DiskFull), "no room for the index of the log");
        assert_eq!(Trouble::of_code(10), Some(Trouble::DiskFailed));
        assert_eq!(Trouble::of_code(5), Some(Trouble::Locked));
        assert_eq!(Trouble::of_code(517), Some(Trouble::Locked), "a snapshot that is out of date");
        assert_eq!(Trouble::of_code(779), Some(Trouble::Damaged), "an index");
        assert_eq!(Trouble::of_code(26), Some(Trouble::NoDatabase));
        assert_eq!(Trouble::of_code(1032), Some(Trouble::CannotOpen), "the file was moved");
        assert_eq!(Trouble::of_code(2067), None, "a constraint is about the statement");
    }

    async fn opened() -> (Store, tempfile::TempDir, String) {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("store.db").display().to_string();
        let store = Store::open(&format!("sqlite://{file}"), StoreOptions::default()).await.unwrap();
        store.migrate().await.unwrap();
        assert_eq!(
            store.ensure_connection("acme", "{}", jiff::Timestamp::UNIX_EPOCH).await.unwrap(),
            CONNECTION
        );
        (store, folder, file)
    }

    async fn tell_writer(store: &Store, pragma: &'static str) {
        let Pools::Sqlite { writer, .. } = &store.pools else { panic!("another database") };
        writer.execute(pragma).await.unwrap();
    }

    fn trouble(error: &StoreError) -> (Trouble, String) {
        let StoreError::File { file, trouble, .. } = error else { panic!("{error:?}") };
        (*trouble, file.clone())
    }

    #[tokio::test]
    async fn sqlite_a_full_disk_is_told_by_its_name_and_nothing_of_the_transaction_stays() {
        let (store, _folder, file) = opened().await;
        let fence = store.lease_take(CONNECTION, "one", None).await.unwrap().unwrap();
        tell_writer(&store, "PRAGMA max_page_count = 1").await;
        let mut written = 0;
        let error = loop {
            let mut tx = store.write(&fence).await.unwrap();
            let put = tx.put_cursor("big", &"x".repeat(1_000_000), jiff::Timestamp::UNIX_EPOCH).await;
            if let Err(error) = put {
                break error;
            }
            if let Err(error) = tx.commit().await {
                break error;
            }
            written += 1;
            assert!(written < 10, "there is room for ever");
        };
        assert_eq!(trouble(&error), (Trouble::DiskFull, file));
        assert!(error.to_string().contains("disk is full"), "{error}");
        assert!(error.remedy().is_some_and(|remedy| remedy.contains("free some space")));
        let kept = store.read(CONNECTION).await.unwrap().cursor::<String>("big").await.unwrap();
        assert_eq!(kept.is_some(), written > 0);

        // The writer's connection, which SQLite left in the middle of a transaction, has given way to another.
        let mut tx = store.write(&fence).await.unwrap();
        tx.put_cursor("big", &"room again", jiff::Timestamp::UNIX_EPOCH).await.unwrap();
        tx.commit().await.unwrap();
    }

    #[tokio::test]
    async fn sqlite_who_waits_too_long_for_a_lock_says_so() {
        use sqlx::Connection as _;
        let (store, _folder, file) = opened().await;
        tell_writer(&store, "PRAGMA busy_timeout = 50").await;
        let mut other = sqlx::SqliteConnection::connect(&format!("sqlite://{file}")).await.unwrap();
        other.execute("BEGIN EXCLUSIVE").await.unwrap();
        let refused = store.lease_take(CONNECTION, "one", None).await.unwrap_err();
        assert_eq!(trouble(&refused), (Trouble::Locked, file.clone()));
        assert!(refused.remedy().is_some_and(|remedy| remedy.contains(&format!("fuser {file}"))));
        other.execute("ROLLBACK").await.unwrap();
        assert!(store.lease_take(CONNECTION, "one", None).await.unwrap().is_some());
    }
}
