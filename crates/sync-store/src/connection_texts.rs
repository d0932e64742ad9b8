//! Connections that were made in the console: every version of what the configuration file would say of them.

use jiff::Timestamp;
use sync_core::ids::ConnectionId;

use crate::{Store, StoreError, connections::INSTALLATION, sql::Row};

/// A version of a connection's text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConnectionText {
    /// The connection.
    pub connection: ConnectionId,
    /// Its name.
    pub name: String,
    /// The version, from 1.
    pub version: i64,
    /// When it was made.
    pub made_at: Timestamp,
    /// Who made it.
    pub made_by: String,
    /// What for, in words.
    pub why: String,
    /// The text: TOML, without secrets.
    pub body: String,
}

const NEWEST: &str = "SELECT connection_id, name, version, made_at, made_by, why, body \
    FROM connection_text JOIN connection ON connection.id = connection_id \
    WHERE version = (SELECT max(newest.version) FROM connection_text AS newest \
    WHERE newest.connection_id = connection_text.connection_id) ORDER BY connection_id";

const VERSIONS: &str = "SELECT connection_id, name, version, made_at, made_by, why, body \
    FROM connection_text JOIN connection ON connection.id = connection_id \
    WHERE connection_id = $1 AND version < $2 ORDER BY version DESC LIMIT $3";

fn text(row: &Row<'_>) -> Result<ConnectionText, StoreError> {
    Ok(ConnectionText {
        connection: ConnectionId(row.int(0, "connection_id")?),
        name: row.text(1, "name")?,
        version: row.int(2, "version")?,
        made_at: row.time(3, "made_at")?,
        made_by: row.text(4, "made_by")?,
        why: row.text(5, "why")?,
        body: row.text(6, "body")?,
    })
}

impl Store {
    /// The newest version of every connection that was made in the console, by number.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn connection_texts(&self) -> Result<Vec<ConnectionText>, StoreError> {
        self.read(INSTALLATION).await?.fetch("connection_text", NEWEST, Vec::new(), text).await
    }

    /// Versions of a connection's text, newest first.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn versions_of(
        &self,
        connection: ConnectionId,
        limit: u32,
    ) -> Result<Vec<ConnectionText>, StoreError> {
        self.versions_before(connection, i64::MAX, limit).await
    }

    /// Versions of a connection's text that are older than `before`, newest first.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn versions_before(
        &self,
        connection: ConnectionId,
        before: i64,
        limit: u32,
    ) -> Result<Vec<ConnectionText>, StoreError> {
        let args = vec![connection.0.into(), before.into(), i64::from(limit).into()];
        self.read(INSTALLATION).await?.fetch("connection_text", VERSIONS, args, text).await
    }

    /// Adds the version after `version`, the newest that whoever made it has seen (0 for none). Tells whether it still was:
    /// nothing is added where somebody was faster.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn add_connection_text(
        &self,
        connection: ConnectionId,
        version: i64,
        (made_by, why): (&str, &str),
        body: &str,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let mut tx = self.begin(connection).await?;
        let sql = "SELECT COALESCE(max(version), 0) FROM connection_text WHERE connection_id = $1";
        let newest = tx.fetch_one("connection_text", sql, vec![tx.id()], |row| row.int(0, "version")).await?;
        if newest != Some(version) {
            return Ok(false);
        }
        let sql = "INSERT INTO connection_text (connection_id, version, made_at, made_by, why, body) \
            VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (connection_id, version) DO NOTHING";
        let args = vec![tx.id(), (version + 1).into(), now.into(), made_by.into(), why.into(), body.into()];
        let added = tx.execute(sql, args).await? == 1;
        tx.commit().await?;
        Ok(added)
    }
}
