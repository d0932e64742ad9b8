//! Fit reports, and what they are made of and compared with: how much there is, how often it changes, what was written since.

use std::collections::BTreeMap;

use jiff::Timestamp;
use sync_core::{budget::DayStart, ids::ConnectionId};

use crate::{StagedKind, Store, StoreError, Tx, sql::Row};

/// Fit reports that are kept of a connection.
const KEPT: i64 = 50;

/// An hour, in the unit of stored times.
const HOUR: i64 = 3_600_000_000;

/// A fit report as stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FitRow {
    /// Its number.
    pub id: i64,
    /// When it was made.
    pub made_at: Timestamp,
    /// The report, JSON of whoever made it.
    pub body: String,
}

/// How many records of a kind there are, and when they changed last.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Volume {
    /// Those that are there, as far as they were read.
    pub records: u64,
    /// Those of them that cannot be read.
    pub malformed: u64,
    /// Records by the hour of their last change, counted from 1970; hours without changes are not there.
    pub changed: BTreeMap<i64, u64>,
}

/// What was written since a time.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct WrittenSince {
    /// Writes by operation.
    pub writes: BTreeMap<String, u64>,
    /// Tokens by day of the CRM, reading included.
    pub tokens: BTreeMap<i64, u64>,
}

fn count(row: &Row<'_>, index: usize, column: &'static str) -> Result<u64, StoreError> {
    Ok(row.int(index, column)?.unsigned_abs())
}

impl Store {
    /// Keeps a fit report; the oldest ones go.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn put_fit(
        &self,
        connection: ConnectionId,
        made_at: Timestamp,
        body: &str,
    ) -> Result<i64, StoreError> {
        let mut tx = self.begin(connection).await?;
        let id = tx.numbers("fit_report", 1).await?;
        let sql = "INSERT INTO fit_report (connection_id, id, made_at, body) VALUES ($1, $2, $3, $4)";
        tx.execute(sql, vec![tx.id(), id.into(), made_at.into(), body.into()]).await?;
        let sql = "DELETE FROM fit_report WHERE connection_id = $1 AND id <= $2";
        tx.execute(sql, vec![tx.id(), (id - KEPT).into()]).await?;
        tx.commit().await?;
        Ok(id)
    }

    /// Fit reports, newest first.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn fits(&self, connection: ConnectionId, limit: u32) -> Result<Vec<FitRow>, StoreError> {
        let mut tx = self.read(connection).await?;
        let sql =
            "SELECT id, made_at, body FROM fit_report WHERE connection_id = $1 ORDER BY id DESC LIMIT $2";
        tx.fetch("fit_report", sql, vec![tx.id(), i64::from(limit).into()], |row| {
            Ok(FitRow { id: row.int(0, "id")?, made_at: row.time(1, "made_at")?, body: row.text(2, "body")? })
        })
        .await
    }
}

impl Tx {
    /// How many records of a kind are there, and which of them changed since a time.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn volume(&mut self, kind: StagedKind, since: Timestamp) -> Result<Volume, StoreError> {
        let sql = "SELECT count(*), count(malformed) FROM staged \
            WHERE connection_id = $1 AND kind = $2 AND missing = 0";
        let counts = self
            .fetch_one("staged", sql, vec![self.id(), kind.key().into()], |row| {
                Ok((count(row, 0, "count")?, count(row, 1, "count")?))
            })
            .await?;
        let (records, malformed) = counts.unwrap_or_default();
        let sql = "SELECT stamp / $4, count(*) FROM staged \
            WHERE connection_id = $1 AND kind = $2 AND missing = 0 AND stamp >= $3 GROUP BY stamp / $4";
        let args = vec![self.id(), kind.key().into(), since.into(), HOUR.into()];
        let hours = self
            .fetch("staged", sql, args, |row| Ok((row.int(0, "stamp")?, count(row, 1, "count")?)))
            .await?;
        Ok(Volume { records, malformed, changed: hours.into_iter().collect() })
    }

    /// What was written and spent since a time; of tokens, the whole day in which it lies.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn written_since(&mut self, since: Timestamp) -> Result<WrittenSince, StoreError> {
        let sql = "SELECT op, count(*) FROM journal WHERE connection_id = $1 AND at >= $2 GROUP BY op";
        let writes = self
            .fetch("journal", sql, vec![self.id(), since.into()], |row| {
                Ok((row.text(0, "op")?, count(row, 1, "count")?))
            })
            .await?;
        let sql = "SELECT starts_after FROM spend_reset WHERE connection_id = $1";
        let starts =
            self.fetch_one("spend_reset", sql, vec![self.id()], |row| row.int(0, "starts_after")).await?;
        let day = DayStart::of_micros(starts.unwrap_or(0)).day_of(since);
        let sql = "SELECT day, CAST(SUM(tokens) AS BIGINT) FROM spend WHERE connection_id = $1 AND day >= $2 GROUP BY day";
        let tokens = self
            .fetch("spend", sql, vec![self.id(), day.into()], |row| {
                Ok((row.int(0, "day")?, count(row, 1, "tokens")?))
            })
            .await?;
        Ok(WrittenSince { writes: writes.into_iter().collect(), tokens: tokens.into_iter().collect() })
    }
}
