//! What is true of the world whatever a backup says. A store that comes from a backup has forgotten what happened since; what
//! cannot be undone by forgetting is taken over from the store that it replaces, where that can still be read, and where it
//! cannot, the careful answer is assumed.

use std::path::Path;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sqlx::{Sqlite, SqliteConnection, pool::PoolConnection};
use sync_core::ids::ConnectionId;

use super::{BackupError, refused, utf8};
use crate::{Store, StoreError, Tx, connections::INSTALLATION, migrate::NEWEST, sql::json, store::Pools};

/// Name of the row that says when a connection's state came from a backup.
pub const CAME_BACK: &str = "came_back";

/// A connection's state came from a backup.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct CameBack {
    /// When. Whatever we sent was sent before, for nobody had the store open.
    pub at: Timestamp,
}

/// How far numbers leap where it is unknown which ones were given out since: connections are taken over, and plans, intents and
/// journal rows made, far less often than this between two backups.
const LEAP: i64 = 1_000_000_000;

// The same connections in both stores. One that was made since has a number that the backup may give to another one.
macro_rules! of_the_same {
    ($verb:literal, $table:literal, $more:literal) => {
        concat!(
            $verb,
            " INTO main.",
            $table,
            " SELECT * FROM before.",
            $table,
            " WHERE connection_id IN (SELECT ours.id FROM main.connection AS ours \
                JOIN before.connection AS theirs ON theirs.id = ours.id AND theirs.name = ours.name) ",
            $more
        )
    };
}

/// In this order.
const TAKEN_OVER: &[&str] = &[
    "INSERT OR IGNORE INTO main.lease SELECT id, NULL, 1, 0 FROM main.connection WHERE id > 0",
    // Nobody who was taken for dead may hold an epoch that comes again, whatever its connection was called.
    "UPDATE main.lease SET epoch = max(epoch, COALESCE((SELECT max(epoch) FROM before.lease), 0))",
    // Numbers stand in journals, notes and activities of others: none is given out twice.
    "UPDATE main.counter SET value = max(value, COALESCE((SELECT other.value FROM before.counter AS other \
        WHERE other.connection_id = counter.connection_id AND other.name = counter.name), 0))",
    "INSERT OR IGNORE INTO main.counter SELECT * FROM before.counter",
    // What was written stays written, and stays explained.
    of_the_same!("INSERT OR IGNORE", "journal", ""),
    // Tokens are spent (law 5).
    of_the_same!(
        "INSERT",
        "spend",
        "ON CONFLICT (connection_id, day, class, hour) DO UPDATE SET \
            tokens = max(tokens, excluded.tokens), calls = max(calls, excluded.calls)"
    ),
    of_the_same!("INSERT OR REPLACE", "spend_day", ""),
    of_the_same!("INSERT OR REPLACE", "spend_others", ""),
    of_the_same!("INSERT OR REPLACE", "spend_reset", ""),
    // Access that was given, renewed or ended since: an older refresh token is dead.
    of_the_same!("INSERT OR IGNORE", "data_key", ""),
    "DELETE FROM main.credential WHERE connection_id IN (SELECT ours.connection_id FROM main.data_key AS ours \
        JOIN before.data_key AS theirs ON theirs.connection_id = ours.connection_id AND theirs.wrapped = ours.wrapped)",
    "INSERT INTO main.credential SELECT * FROM before.credential WHERE connection_id IN \
        (SELECT ours.connection_id FROM main.data_key AS ours JOIN before.data_key AS theirs \
        ON theirs.connection_id = ours.connection_id AND theirs.wrapped = ours.wrapped)",
    of_the_same!("INSERT OR REPLACE", "company", ""),
    of_the_same!("INSERT OR REPLACE", "subscription", ""),
    // Whoever was told to leave has left; what people did is not undone.
    "INSERT OR REPLACE INTO main.person SELECT * FROM before.person",
    "INSERT OR REPLACE INTO main.api_token SELECT * FROM before.api_token",
    "INSERT OR IGNORE INTO main.deed SELECT * FROM before.deed",
    // What webhooks told of since is read again, as everything is; the same event is known again.
    of_the_same!("INSERT OR REPLACE", "hook_event", ""),
    of_the_same!("INSERT OR REPLACE", "merged_record", ""),
    // What people said of connections that were made in the console, and what they were told.
    of_the_same!("INSERT OR IGNORE", "connection_text", ""),
    of_the_same!("INSERT OR REPLACE", "alert_state", ""),
    of_the_same!("INSERT OR REPLACE", "alert", ""),
    // Runs that the journal names.
    of_the_same!("INSERT OR IGNORE", "run", ""),
];

/// Takes over what is true of the world from the store that is replaced. Tells whether it could be read; if not, nothing of it
/// was taken.
pub(super) async fn take_over(copy: &Store, before: &Path) -> Result<bool, BackupError> {
    let Pools::Sqlite { writer, .. } = &copy.pools else { return Ok(false) };
    let own = |error| BackupError::from(copy.meter.refused(error));
    let mut database = writer.acquire().await.map_err(own)?;
    if let Err(error) = attach(&mut database, before).await {
        tracing::warn!(%error, "the database that is replaced cannot be read");
        return Ok(false);
    }
    let taken = take(&mut database).await;
    sqlx::query("DETACH DATABASE before").execute(&mut *database).await.map_err(own)?;
    match taken {
        Ok(()) => Ok(true),
        Err(error) => {
            tracing::warn!(%error, "the database that is replaced cannot be read");
            Ok(false)
        }
    }
}

async fn attach(database: &mut PoolConnection<Sqlite>, before: &Path) -> Result<(), BackupError> {
    let path = utf8(before)?;
    let attached = sqlx::query("ATTACH DATABASE $1 AS before").bind(path).execute(&mut **database).await;
    attached.map(drop).map_err(|error| refused(before, error))
}

async fn take(database: &mut PoolConnection<Sqlite>) -> Result<(), sqlx::Error> {
    let mut tx = sqlx::Connection::begin(&mut **database).await?;
    let sound: Vec<String> = sqlx::query_scalar("PRAGMA before.quick_check(1)").fetch_all(&mut *tx).await?;
    let sql = "SELECT max(version) FROM before._sqlx_migrations WHERE success";
    let schema: Option<i64> = sqlx::query_scalar(sql).fetch_one(&mut *tx).await?;
    if sound != ["ok"] || schema != Some(NEWEST) {
        return Err(sqlx::Error::Protocol("it is damaged, or of another version".to_owned()));
    }
    for sql in TAKEN_OVER {
        sqlx::query(*sql).execute(&mut *tx).await?;
    }
    tx.commit().await
}

impl Store {
    /// Begins a transaction that writes without a lease, for whoever puts a connection's state right after
    /// [`Store::came_back`]: nobody holds anything then.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn write_after_coming_back(&self, connection: ConnectionId) -> Result<Tx, StoreError> {
        self.begin(connection).await
    }

    /// Makes a store that came from a backup safe to work on: nobody holds anything, nobody waits for anything, nobody is logged
    /// in, no epoch and no number is given out twice, and every connection is known to have come back at `now`. `forgotten`:
    /// what happened since is unknown.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn came_back(&self, forgotten: bool, now: Timestamp) -> Result<(), StoreError> {
        let leap = if forgotten { LEAP } else { 1 };
        let back = json("cursor_state", "body", &CameBack { at: now })?;
        let mut tx = self.begin(INSTALLATION).await?;
        let sql = "INSERT INTO lease (connection_id, owner, epoch, heartbeat) \
            SELECT id, NULL, (SELECT COALESCE(max(epoch), 1) FROM lease), 0 FROM connection WHERE id > 0 \
            ON CONFLICT (connection_id) DO NOTHING";
        tx.execute(sql, Vec::new()).await?;
        let sql = "UPDATE lease SET owner = NULL, epoch = epoch + $1, heartbeat = heartbeat + 1";
        tx.execute(sql, vec![leap.into()]).await?;
        if forgotten {
            let sql = "UPDATE counter SET value = value + $1 WHERE connection_id > 0";
            tx.execute(sql, vec![leap.into()]).await?;
        }
        for sql in [
            // Who was logged out or removed since would be in again.
            "DELETE FROM session",
            "DELETE FROM invitation WHERE used_at IS NULL",
            // Nobody follows them any more; everything is read again anyway.
            "DELETE FROM wish WHERE ended_at IS NULL",
            "DELETE FROM connect_attempt WHERE taken_at IS NULL",
            "DELETE FROM idempotent WHERE status IS NULL",
        ] {
            tx.execute(sql, Vec::new()).await?;
        }
        let sql = "INSERT INTO cursor_state (connection_id, stream, body, updated_at) \
            SELECT id, CAST($1 AS TEXT), CAST($2 AS TEXT), CAST($3 AS BIGINT) FROM connection WHERE id > 0 \
            ON CONFLICT (connection_id, stream) DO UPDATE SET body = excluded.body, updated_at = excluded.updated_at";
        tx.execute(sql, vec![CAME_BACK.into(), back.into(), now.into()]).await?;
        tx.commit().await
    }
}

/// Who holds connections of a database, as far as it can be read.
pub(super) async fn owners(database: &mut SqliteConnection) -> Vec<String> {
    let sql = "SELECT lease.owner || ' works on ' || connection.name FROM lease \
        JOIN connection ON connection.id = lease.connection_id WHERE lease.owner IS NOT NULL ORDER BY connection.id";
    sqlx::query_scalar(sql).fetch_all(database).await.unwrap_or_default()
}
