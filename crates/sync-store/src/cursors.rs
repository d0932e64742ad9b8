//! Where reading of each stream stands.

use std::sync::Arc;

use jiff::Timestamp;
use serde::{Serialize, de::DeserializeOwned};

use crate::{
    StoreError, Tx,
    glance::Glance,
    sql::{Row, json},
};

impl Tx {
    /// The state of a stream, if it was ever stored.
    ///
    /// # Errors
    /// When the database refuses or the state cannot be read.
    pub async fn cursor<T: DeserializeOwned>(&mut self, stream: &str) -> Result<Option<T>, StoreError> {
        // They are few, and whoever asks for one asks for others: all of them are read at once.
        let known = self.cursors.clone().or_else(|| self.glance().and_then(Glance::cursors));
        let known = match known {
            Some(known) => known,
            None => {
                let sql = "SELECT stream, body FROM cursor_state WHERE connection_id = $1";
                let row = |row: &Row<'_>| Ok((row.text(0, "stream")?, row.text(1, "body")?));
                let all = self.fetch("cursor_state", sql, vec![self.id()], row).await?;
                let all = Arc::new(all.into_iter().collect());
                if let Some(glance) = self.glance() {
                    glance.keep(&all);
                }
                all
            }
        };
        let known = &**self.cursors.insert(known);
        let Some(body) = known.get(stream) else { return Ok(None) };
        serde_json::from_str(body).map(Some).map_err(|error| StoreError::Inconsistent {
            table: "cursor_state",
            column: "body",
            row: stream.to_owned(),
            reason: error.to_string(),
        })
    }

    /// What was seen of where reading stands, for a transaction that only reads: one that writes asks the database.
    fn glance(&self) -> Option<&Glance> {
        self.glance.as_ref().filter(|_| !self.writes)
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
        if let Some(known) = &mut self.cursors {
            Arc::make_mut(known).insert(stream.to_owned(), body.clone());
        }
        self.execute(sql, vec![self.id(), stream.into(), body.into(), now.into()]).await?;
        Ok(())
    }
}
