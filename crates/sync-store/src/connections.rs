//! Connections: numbered once, found by name.

use jiff::Timestamp;
use sync_core::ids::ConnectionId;

use crate::{Store, StoreError};

/// A connection as stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConnectionRow {
    /// Its number.
    pub id: ConnectionId,
    /// Its name in the configuration.
    pub name: String,
    /// Its settings as last seen, JSON without secrets.
    pub settings: String,
    /// Since when changes count as new.
    pub activated_at: Timestamp,
}

/// Numbers of connections are handed out under this pseudo-connection.
pub(crate) const INSTALLATION: ConnectionId = ConnectionId(0);

impl Store {
    /// The connection of this name, made if there is none. Its settings are kept for those who look later.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn ensure_connection(
        &self,
        name: &str,
        settings_json: &str,
        now: Timestamp,
    ) -> Result<ConnectionId, StoreError> {
        let mut tx = self.begin(INSTALLATION).await?;
        let known = tx
            .fetch_one("connection", "SELECT id FROM connection WHERE name = $1", vec![name.into()], |row| {
                row.int(0, "id")
            })
            .await?;
        let id = match known {
            Some(id) => {
                let sql = "UPDATE connection SET settings = $2 WHERE id = $1 AND settings <> $2";
                tx.execute(sql, vec![id.into(), settings_json.into()]).await?;
                id
            }
            None => {
                let id = tx.numbers("connection", 1).await?;
                let sql = "INSERT INTO connection (id, name, settings, activated_at, created_at) \
                    VALUES ($1, $2, $3, $4, $4)";
                tx.execute(sql, vec![id.into(), name.into(), settings_json.into(), now.into()]).await?;
                id
            }
        };
        tx.commit().await?;
        Ok(ConnectionId(id))
    }

    /// All connections, by number.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn connections(&self) -> Result<Vec<ConnectionRow>, StoreError> {
        let mut tx = self.read(INSTALLATION).await?;
        let sql = "SELECT id, name, settings, activated_at FROM connection ORDER BY id";
        tx.fetch("connection", sql, Vec::new(), |row| {
            Ok(ConnectionRow {
                id: ConnectionId(row.int(0, "id")?),
                name: row.text(1, "name")?,
                settings: row.text(2, "settings")?,
                activated_at: row.time(3, "activated_at")?,
            })
        })
        .await
    }
}
