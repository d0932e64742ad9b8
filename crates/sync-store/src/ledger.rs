//! The spend ledger: what we spent today per class, and what others spent as far as we have seen.

use async_trait::async_trait;
use jiff::Timestamp;
use sync_core::{
    budget::{Class, DailyBudget, day_of, next_reset},
    ids::ConnectionId,
    ports::{Grant, Spend, SpendError},
};

use crate::{Store, StoreError, Tx};

/// The ledger of one connection.
#[derive(Clone)]
pub struct Ledger {
    store: Store,
    connection: ConnectionId,
    budget: DailyBudget,
}

/// A day as stored.
#[derive(Debug, Clone, Copy, Default)]
struct Day {
    ours: u64,
    foreign: u64,
    exhausted_until: Option<Timestamp>,
}

impl Ledger {
    /// The ledger of a connection with this budget.
    #[must_use]
    pub fn new(store: Store, connection: ConnectionId, budget: DailyBudget) -> Self {
        Self { store, connection, budget }
    }

    /// Tokens that we spent or reserved on the day of `now`.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn spent_today(&self, now: Timestamp) -> Result<u64, StoreError> {
        let mut tx = self.store.read(self.connection).await?;
        Ok(tx.day(now).await?.ours)
    }

    async fn try_reserve(
        &self,
        class: Class,
        each: u32,
        count: u32,
        now: Timestamp,
    ) -> Result<Grant, StoreError> {
        let mut tx = self.store.begin(self.connection).await?;
        tx.lock_day(now).await?;
        let day = tx.day(now).await?;
        if let Some(until) = day.exhausted_until.filter(|until| *until > now) {
            return Ok(Grant { granted: 0, retry_at: until });
        }
        let left = self.budget.left(class, day.ours, day.foreign);
        let affordable = if each == 0 { u64::from(count) } else { left / u64::from(each) };
        let granted = u32::try_from(affordable).unwrap_or(u32::MAX).min(count);
        if granted > 0 {
            let sql = "INSERT INTO spend (connection_id, day, class, tokens, calls) VALUES ($1, $2, $3, $4, $5) \
                ON CONFLICT (connection_id, day, class) DO UPDATE SET \
                tokens = spend.tokens + excluded.tokens, calls = spend.calls + excluded.calls";
            let (tokens, calls) = (i64::from(granted) * i64::from(each), i64::from(granted));
            let args = vec![tx.id(), day_of(now).into(), class.rank().into(), tokens.into(), calls.into()];
            tx.execute(sql, args).await?;
            let sql = "UPDATE spend_day SET last_at = $3 WHERE connection_id = $1 AND day = $2";
            let args = vec![tx.id(), day_of(now).into(), now.into()];
            tx.execute(sql, args).await?;
            tx.commit().await?;
        }
        Ok(Grant { granted, retry_at: next_reset(now) })
    }

    async fn try_last_spent(&self, now: Timestamp) -> Result<Option<Timestamp>, StoreError> {
        let mut tx = self.store.read(self.connection).await?;
        let sql = "SELECT day, last_at FROM spend_day \
            WHERE connection_id = $1 AND day IN ($2, $3) AND last_at IS NOT NULL ORDER BY day DESC LIMIT 1";
        let today = day_of(now);
        let args = vec![tx.id(), today.into(), (today - 1).into()];
        tx.fetch_one("spend_day", sql, args, |row| row.time(1, "last_at")).await
    }

    async fn try_refund(
        &self,
        class: Class,
        tokens: i64,
        calls: i64,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let mut tx = self.store.begin(self.connection).await?;
        tx.lock_day(now).await?;
        // Never below nothing: a refund after midnight belongs to a day that is over.
        let sql = "UPDATE spend SET tokens = tokens - $4, calls = calls - $5 \
            WHERE connection_id = $1 AND day = $2 AND class = $3 AND tokens >= $4 AND calls >= $5";
        let args = vec![tx.id(), day_of(now).into(), class.rank().into(), tokens.into(), calls.into()];
        tx.execute(sql, args).await?;
        tx.commit().await
    }

    async fn try_correct(&self, remaining: u64, now: Timestamp) -> Result<(), StoreError> {
        let mut tx = self.store.begin(self.connection).await?;
        tx.lock_day(now).await?;
        let day = tx.day(now).await?;
        let spent_by_all = self.budget.tokens.saturating_sub(remaining);
        let foreign = spent_by_all.saturating_sub(day.ours).max(day.foreign);
        let sql = "UPDATE spend_day SET foreign_tokens = $3, remaining_seen = $4 \
            WHERE connection_id = $1 AND day = $2";
        let number = |tokens: u64| i64::try_from(tokens).unwrap_or(i64::MAX);
        let args = vec![tx.id(), day_of(now).into(), number(foreign).into(), number(remaining).into()];
        tx.execute(sql, args).await?;
        tx.commit().await
    }

    async fn try_exhausted(&self, until: Timestamp, now: Timestamp) -> Result<(), StoreError> {
        let mut tx = self.store.begin(self.connection).await?;
        tx.lock_day(now).await?;
        let sql = "UPDATE spend_day SET exhausted_until = $3 WHERE connection_id = $1 AND day = $2";
        let args = vec![tx.id(), day_of(now).into(), until.into()];
        tx.execute(sql, args).await?;
        tx.commit().await
    }
}

impl Tx {
    /// Makes the day's row and locks it, so that two reservations cannot overlap.
    async fn lock_day(&mut self, now: Timestamp) -> Result<(), StoreError> {
        let sql = "INSERT INTO spend_day (connection_id, day, foreign_tokens) VALUES ($1, $2, 0) \
            ON CONFLICT (connection_id, day) DO UPDATE SET foreign_tokens = spend_day.foreign_tokens";
        self.execute(sql, vec![self.id(), day_of(now).into()]).await?;
        Ok(())
    }

    async fn day(&mut self, now: Timestamp) -> Result<Day, StoreError> {
        // A sum of BIGINT is NUMERIC on PostgreSQL.
        let sql = "SELECT CAST(COALESCE(SUM(tokens), 0) AS BIGINT) FROM spend WHERE connection_id = $1 AND day = $2";
        let args = vec![self.id(), day_of(now).into()];
        let ours = self.fetch_one("spend", sql, args, |row| row.int(0, "tokens")).await?.unwrap_or(0);
        // The CRM's word that nothing is left may reach into the next day of ours.
        let sql = "SELECT day, foreign_tokens, exhausted_until FROM spend_day \
            WHERE connection_id = $1 AND day IN ($2, $3) ORDER BY day";
        let today = day_of(now);
        let args = vec![self.id(), today.into(), (today - 1).into()];
        let days = self
            .fetch("spend_day", sql, args, |row| {
                Ok((row.int(0, "day")?, row.int(1, "foreign_tokens")?, row.maybe_time(2, "exhausted_until")?))
            })
            .await?;
        let foreign = days.iter().find(|(day, ..)| *day == today).map_or(0, |(_, foreign, _)| *foreign);
        let exhausted_until = days.iter().filter_map(|(.., until)| *until).max();
        Ok(Day { ours: ours.unsigned_abs(), foreign: foreign.unsigned_abs(), exhausted_until })
    }
}

#[async_trait]
impl Spend for Ledger {
    async fn reserve(
        &self,
        class: Class,
        each: u32,
        count: u32,
        now: Timestamp,
    ) -> Result<Grant, SpendError> {
        self.try_reserve(class, each, count, now).await.map_err(|error| SpendError(error.told()))
    }

    async fn correct(&self, remaining: u64, now: Timestamp) -> Result<(), SpendError> {
        self.try_correct(remaining, now).await.map_err(|error| SpendError(error.told()))
    }

    async fn last_spent(&self, now: Timestamp) -> Result<Option<Timestamp>, SpendError> {
        self.try_last_spent(now).await.map_err(|error| SpendError(error.told()))
    }

    async fn refund(&self, class: Class, each: u32, count: u32, now: Timestamp) -> Result<(), SpendError> {
        let tokens = i64::from(each) * i64::from(count);
        let refunded = self.try_refund(class, tokens, i64::from(count), now).await;
        refunded.map_err(|error| SpendError(error.told()))
    }

    async fn exhausted(&self, until: Timestamp, now: Timestamp) -> Result<(), SpendError> {
        self.try_exhausted(until, now).await.map_err(|error| SpendError(error.told()))
    }
}
