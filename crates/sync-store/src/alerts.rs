//! Alerts: what was told last of each connection, and what is on its way to whoever is told.
//!
//! Needs no lease: whoever has read what was told last may replace it, once.

use jiff::Timestamp;
use sync_core::ids::ConnectionId;

use crate::{Store, StoreError, sql::Row};

/// An alert to be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewAlert {
    /// By which the receiver knows one that comes twice.
    pub webhook_id: String,
    /// Its type.
    pub kind: String,
    /// What is sent.
    pub body: String,
}

/// An alert on its way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AlertRow {
    /// Its number; they were told in this order.
    pub id: i64,
    /// By which the receiver knows one that comes twice.
    pub webhook_id: String,
    /// What is sent.
    pub body: String,
    /// When it was told.
    pub at: Timestamp,
    /// Tries so far.
    pub attempts: u32,
    /// When it is tried next.
    pub next_at: Timestamp,
}

/// What became of a try.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AlertEnd {
    /// The receiver took it.
    Sent,
    /// It is tried again.
    Again {
        /// When.
        at: Timestamp,
        /// How it failed.
        error: String,
    },
    /// It is not tried again.
    GivenUp {
        /// How it failed last.
        error: String,
    },
}

fn alert(row: &Row<'_>) -> Result<AlertRow, StoreError> {
    Ok(AlertRow {
        id: row.int(0, "id")?,
        webhook_id: row.text(1, "webhook_id")?,
        body: row.text(2, "body")?,
        at: row.time(3, "at")?,
        attempts: u32::try_from(row.int(4, "attempts")?).unwrap_or(u32::MAX),
        next_at: row.time(5, "next_at")?,
    })
}

impl Store {
    /// What was told last of a connection, as it was stored; none if nothing ever was.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn alert_told(&self, connection: ConnectionId) -> Result<Option<String>, StoreError> {
        let mut tx = self.read(connection).await?;
        let sql = "SELECT connection_id, told FROM alert_state WHERE connection_id = $1";
        let args = vec![tx.id()];
        tx.fetch_one("alert_state", sql, args, |row| row.text(1, "told")).await
    }

    /// Replaces what was told last, if it still is `was`, and puts the alerts on their way, all or nothing. Tells whether it
    /// was so; if not, somebody else has told meanwhile.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn tell(
        &self,
        connection: ConnectionId,
        was: Option<&str>,
        told: &str,
        alerts: &[NewAlert],
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let mut tx = self.begin(connection).await?;
        let replaced = match was {
            Some(was) => {
                let sql = "UPDATE alert_state SET told = $3, updated_at = $4 WHERE connection_id = $1 AND told = $2";
                tx.execute(sql, vec![tx.id(), was.into(), told.into(), now.into()]).await?
            }
            None => {
                let sql = "INSERT INTO alert_state (connection_id, told, updated_at) VALUES ($1, $2, $3) \
                    ON CONFLICT (connection_id) DO NOTHING";
                tx.execute(sql, vec![tx.id(), told.into(), now.into()]).await?
            }
        };
        if replaced == 0 {
            return Ok(false);
        }
        if !alerts.is_empty() {
            let first = tx.numbers("alert", alerts.len()).await?;
            let sql = "INSERT INTO alert (connection_id, id, webhook_id, kind, body, at, state, attempts, next_at) \
                VALUES ($1, $2, $3, $4, $5, $6, 'waiting', 0, $6)";
            for (id, NewAlert { webhook_id, kind, body }) in (first..).zip(alerts.iter().cloned()) {
                let args = vec![tx.id(), id.into(), webhook_id.into(), kind.into(), body.into(), now.into()];
                tx.execute(sql, args).await?;
            }
        }
        tx.commit().await?;
        Ok(true)
    }

    /// Alerts that nobody took yet, in the order in which they were told, due or not.
    ///
    /// # Errors
    /// When the database refuses or a row cannot be read.
    pub async fn waiting_alerts(
        &self,
        connection: ConnectionId,
        limit: u32,
    ) -> Result<Vec<AlertRow>, StoreError> {
        let mut tx = self.read(connection).await?;
        let sql = "SELECT id, webhook_id, body, at, attempts, next_at FROM alert \
            WHERE connection_id = $1 AND state = 'waiting' ORDER BY id LIMIT $2";
        let args = vec![tx.id(), i64::from(limit).into()];
        tx.fetch("alert", sql, args, alert).await
    }

    /// Takes an alert to try it once, as it was read. If nothing is heard of that, it is tried again at `until`. Tells whether
    /// it is ours.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn take_alert(
        &self,
        connection: ConnectionId,
        row: &AlertRow,
        until: Timestamp,
    ) -> Result<bool, StoreError> {
        let mut tx = self.begin(connection).await?;
        let sql = "UPDATE alert SET attempts = attempts + 1, next_at = $4 \
            WHERE connection_id = $1 AND id = $2 AND attempts = $3 AND state = 'waiting'";
        let args = vec![tx.id(), row.id.into(), i64::from(row.attempts).into(), until.into()];
        let taken = tx.execute(sql, args).await?;
        tx.commit().await?;
        Ok(taken > 0)
    }

    /// Notes what became of a try.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn settle_alert(
        &self,
        connection: ConnectionId,
        id: i64,
        end: &AlertEnd,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let mut tx = self.begin(connection).await?;
        let ended = "UPDATE alert SET state = $3, last_error = $4, ended_at = $5 \
            WHERE connection_id = $1 AND id = $2 AND state = 'waiting'";
        let later = "UPDATE alert SET last_error = $3, next_at = $4 \
            WHERE connection_id = $1 AND id = $2 AND state = 'waiting'";
        let (sql, args) = match end {
            AlertEnd::Sent => (ended, vec!["sent".into(), None::<String>.into(), now.into()]),
            AlertEnd::GivenUp { error } => {
                (ended, vec!["given_up".into(), Some(error.clone()).into(), now.into()])
            }
            AlertEnd::Again { at, error } => (later, vec![error.clone().into(), (*at).into()]),
        };
        tx.execute(sql, [vec![tx.id(), id.into()], args].concat()).await?;
        tx.commit().await
    }

    /// Forgets alerts that came to their end before a time.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn forget_alerts(&self, connection: ConnectionId, before: Timestamp) -> Result<(), StoreError> {
        let mut tx = self.begin(connection).await?;
        let sql = "DELETE FROM alert WHERE connection_id = $1 AND ended_at < $2";
        tx.execute(sql, vec![tx.id(), before.into()]).await?;
        tx.commit().await
    }
}
