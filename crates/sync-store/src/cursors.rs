//! Where reading of each stream stands.

use jiff::Timestamp;
use serde::{Serialize, de::DeserializeOwned};

use crate::{StoreError, Tx, sql::json};

impl Tx {
    /// The state of a stream, if it was ever stored.
    ///
    /// # Errors
    /// When the database refuses or the state cannot be read.
    pub async fn cursor<T: DeserializeOwned>(&mut self, stream: &str) -> Result<Option<T>, StoreError> {
        let sql = "SELECT stream, body FROM cursor_state WHERE connection_id = $1 AND stream = $2";
        let args = vec![self.id(), stream.into()];
        self.fetch_one("cursor_state", sql, args, |row| row.json(1, "body")).await
    }

    /// Stores the state of a stream.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn put_cursor<T: Serialize>(
        &mut self,
        stream: &str,
        state: &T,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let sql = "INSERT INTO cursor_state (connection_id, stream, body, updated_at) VALUES ($1, $2, $3, $4) \
            ON CONFLICT (connection_id, stream) DO UPDATE SET body = excluded.body, updated_at = excluded.updated_at";
        let body = json("cursor_state", "body", state)?;
        self.execute(sql, vec![self.id(), stream.into(), body.into(), now.into()]).await?;
        Ok(())
    }
}
