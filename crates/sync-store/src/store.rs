//! The store itself: opening, migrating, beginning transactions.

use std::{path::Path, str::FromStr, sync::Arc, time::Duration};

use sqlx::{
    PgPool, Sqlite, SqlitePool, Transaction,
    postgres::{PgConnectOptions, PgPoolOptions},
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous},
};
use sync_core::ids::ConnectionId;
use tokio::sync::Semaphore;

use crate::{
    Fence, Gate, StoreError,
    claim::Claim,
    gate::Meter,
    glance::Glance,
    tx::{NativeTx, Pool, Tx},
};

/// The oldest SQLite that is safe in WAL mode (fixes a corruption of 3.7.0 to 3.51.2).
const OLDEST_SQLITE: (u32, u32, u32) = (3, 51, 3);
const OLDEST_SQLITE_TEXT: &str = "3.51.3";

/// What locks out other writers at once, not in the middle of a transaction.
const BEGIN: &str = "BEGIN IMMEDIATE";

/// State of an installation. Clones share it.
#[derive(Clone)]
pub struct Store {
    pub(crate) pools: Pools,
    pub(crate) meter: Arc<Meter>,
    pub(crate) glance: Option<Glance>,
}

/// SQLite: exactly one writer connection, and readers beside it. PostgreSQL: one pool.
#[derive(Clone)]
pub(crate) enum Pools {
    Sqlite {
        writer: SqlitePool,
        /// Whose turn it is to write. Waiting here is waiting for one of us, not for the database.
        turn: Arc<Semaphore>,
        readers: SqlitePool,
        /// That nobody may replace the file meanwhile; none for one that nobody else knows of.
        claim: Option<Arc<Claim>>,
    },
    Postgres(PgPool),
}

/// How to open a store.
#[derive(Clone)]
pub struct StoreOptions {
    /// Whether a commit survives a power cut. Only the simulation does without.
    pub durable: bool,
    /// Who watches, in the simulation.
    pub gate: Option<Arc<dyn Gate>>,
}

impl Default for StoreOptions {
    fn default() -> Self {
        Self { durable: true, gate: None }
    }
}

impl Store {
    /// Opens `sqlite://PATH` (created if missing) or `postgres://...`.
    ///
    /// # Errors
    /// When the address is neither, the database cannot be reached, or SQLite is too old.
    pub async fn open(url: &str, options: StoreOptions) -> Result<Self, StoreError> {
        let StoreOptions { durable, gate } = options;
        let mut file = None;
        let pools = if let Some(path) = url.strip_prefix("sqlite://") {
            file = Some(path.to_owned());
            let claim = Claim::share(Path::new(path))?;
            open_sqlite(path, durable, Some(claim)).await?
        } else if url.starts_with("postgres://") || url.starts_with("postgresql://") {
            let pool = PgPoolOptions::new().max_connections(16).acquire_timeout(Duration::from_secs(30));
            let options = PgConnectOptions::from_str(url)?.statement_cache_capacity(STATEMENTS);
            Pools::Postgres(pool.connect_with(options).await?)
        } else {
            return Err(StoreError::Url);
        };
        Ok(Self { pools, meter: Arc::new(Meter::new(gate, file)), glance: None })
    }

    /// Opens a file that nobody else knows of.
    pub(crate) async fn open_unseen(path: &str) -> Result<Self, StoreError> {
        let pools = open_sqlite(path, true, None).await?;
        Ok(Self { pools, meter: Arc::new(Meter::new(None, Some(path.to_owned()))), glance: None })
    }

    /// Begins a transaction that may write. Refused when the lease behind `fence` was taken over.
    ///
    /// # Errors
    /// [`StoreError::Fenced`], or when the database refuses.
    pub async fn write(&self, fence: &Fence) -> Result<Tx, StoreError> {
        self.meter.pass("write.before").await;
        let mut tx = self.begin(fence.connection).await?;
        tx.check_fence(fence).await?;
        Ok(tx)
    }

    /// Begins a transaction that only reads. Of a store that is for the holder of a lease it begins with the first statement that
    /// the database has to be asked.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn read(&self, connection: ConnectionId) -> Result<Tx, StoreError> {
        let pool = match &self.pools {
            Pools::Sqlite { readers, .. } => Pool::Sqlite(readers.clone()),
            Pools::Postgres(pool) => Pool::Postgres(pool.clone()),
        };
        let native = match &self.glance {
            Some(_) => None,
            None => Some(pool.begin(&self.meter).await?),
        };
        let (meter, glance) = (self.meter.clone(), self.glance.clone());
        Ok(Tx { pool, native, connection, meter, writes: false, cursors: None, glance, turn: None })
    }

    /// Begins a transaction that writes without a lease: only for what the lease itself, the ledger, connections
    /// and credentials need.
    pub(crate) async fn begin(&self, connection: ConnectionId) -> Result<Tx, StoreError> {
        let turn = match &self.pools {
            // Closed semaphores give no turn; this one is never closed.
            Pools::Sqlite { turn, .. } => Arc::clone(turn).acquire_owned().await.ok(),
            Pools::Postgres(_) => None,
        };
        let native = {
            let _busy = self.meter.busy();
            match &self.pools {
                Pools::Sqlite { writer, .. } => begin_writing(writer).await.map(NativeTx::Sqlite),
                Pools::Postgres(pool) => pool.begin().await.map(NativeTx::Postgres),
            }
            .map_err(|error| self.meter.refused(error))?
        };
        let pool = match &self.pools {
            Pools::Sqlite { writer, .. } => Pool::Sqlite(writer.clone()),
            Pools::Postgres(pool) => Pool::Postgres(pool.clone()),
        };
        let (native, meter, glance) = (Some(native), self.meter.clone(), self.glance.clone());
        Ok(Tx { pool, native, connection, meter, writes: true, cursors: None, glance, turn })
    }

    /// Statements run so far, for tests that count them.
    #[must_use]
    pub fn statements(&self) -> u64 {
        self.meter.statements()
    }

    /// Closes all connections; waits for what is under way.
    pub async fn close(&self) {
        match &self.pools {
            Pools::Sqlite { writer, readers, claim, .. } => {
                readers.close().await;
                writer.close().await;
                if let Some(claim) = claim {
                    claim.release();
                }
            }
            Pools::Postgres(pool) => pool.close().await,
        }
    }
}

/// The next transaction that writes. SQLite ends one by itself when a disk is full or fails, which the driver does not notice: its
/// connection takes no other transaction then, and a new one has to take its place.
async fn begin_writing(writer: &SqlitePool) -> Result<Transaction<'static, Sqlite>, sqlx::Error> {
    match writer.begin_with(BEGIN).await {
        Err(sqlx::Error::InvalidSavePointStatement) => {
            // It is given up, whatever it says to that.
            let _ = writer.acquire().await?.close().await;
            writer.begin_with(BEGIN).await
        }
        begun => begun,
    }
}

/// Pages kept in memory by each connection to a file, as SQLite says it: so many KiB. What a page of customers adds to the keys
/// for matching lies all over their index; with the 2 MB that are usual most of that was written and read again.
const CACHE: &str = "-16384";

/// Statements that each connection keeps prepared: all that there are, with some to spare. Lives run
/// 203 different ones, which kept pushing each other out of the driver's hundred.
const STATEMENTS: usize = 1_000;

async fn open_sqlite(path: &str, durable: bool, claim: Option<Claim>) -> Result<Pools, StoreError> {
    let refused = |error| StoreError::of(error, Some(path));
    let synchronous = if durable { SqliteSynchronous::Full } else { SqliteSynchronous::Off };
    let options = SqliteConnectOptions::new()
        .filename(path)
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(synchronous)
        .foreign_keys(true)
        .pragma("cache_size", CACHE)
        .statement_cache_capacity(STATEMENTS)
        .busy_timeout(Duration::from_secs(10));
    // Nobody can take a connection to a file away from us: asking each time whether it is there costs as much as a statement.
    let lasting =
        || SqlitePoolOptions::new().idle_timeout(None).max_lifetime(None).test_before_acquire(false);
    let writer = lasting().min_connections(1).max_connections(1).connect_with(options.clone()).await;
    let writer = writer.map_err(refused)?;
    let version = sqlx::query_scalar("SELECT sqlite_version()").fetch_one(&writer).await;
    let version: String = version.map_err(refused)?;
    if parsed(&version).is_none_or(|version| version < OLDEST_SQLITE) {
        return Err(StoreError::Version { found: version, needed: OLDEST_SQLITE_TEXT });
    }
    let readers = lasting().max_connections(4).connect_with(options.read_only(true)).await;
    let readers = readers.map_err(refused)?;
    Ok(Pools::Sqlite { writer, turn: Arc::new(Semaphore::new(1)), readers, claim: claim.map(Arc::new) })
}

fn parsed(version: &str) -> Option<(u32, u32, u32)> {
    let mut parts = version.split('.').map(u32::from_str);
    Some((parts.next()?.ok()?, parts.next()?.ok()?, parts.next()?.ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_compare_by_number() {
        assert!(parsed("3.51.3").unwrap() >= OLDEST_SQLITE);
        assert!(parsed("3.9.10").unwrap() < OLDEST_SQLITE);
        assert_eq!(parsed("3.51"), None);
    }
}
