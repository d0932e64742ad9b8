//! The spend ledger: what we spent today per class, and what others spent as far as we have seen.

use async_trait::async_trait;
use jiff::Timestamp;
use std::sync::{
    Arc,
    atomic::{AtomicI64, Ordering},
};

use sync_core::{
    budget::{Class, DailyBudget, DayStart},
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
    /// When the CRM's day begins, in microseconds after midnight UTC; negative until the store was asked.
    starts_after: Arc<AtomicI64>,
}

/// A rise of what is left by this share of the budget is a reset, not a refund.
const RESET_RISE: u64 = 20;

/// A day as stored.
#[derive(Debug, Clone, Copy, Default)]
struct Day {
    ours: u64,
    foreign: u64,
    exhausted_until: Option<Timestamp>,
}

/// Number of the hour since 1970, UTC.
fn hour_of(now: Timestamp) -> i64 {
    now.as_second().div_euclid(3_600)
}

impl Ledger {
    /// The ledger of a connection with this budget.
    #[must_use]
    pub fn new(store: Store, connection: ConnectionId, budget: DailyBudget) -> Self {
        Self { store, connection, budget, starts_after: Arc::new(AtomicI64::new(-1)) }
    }

    /// When the CRM's day begins, as far as we were taught.
    async fn day_start(&self) -> Result<DayStart, StoreError> {
        let known = self.starts_after.load(Ordering::Relaxed);
        if known >= 0 {
            return Ok(DayStart::of_micros(known));
        }
        let mut tx = self.store.read(self.connection).await?;
        let sql = "SELECT starts_after FROM spend_reset WHERE connection_id = $1";
        let stored =
            tx.fetch_one("spend_reset", sql, vec![tx.id()], |row| row.int(0, "starts_after")).await?;
        let start = DayStart::of_micros(stored.unwrap_or(0));
        self.starts_after.store(start.micros(), Ordering::Relaxed);
        Ok(start)
    }

    /// Takes over when the CRM's day begins. What was booked on a day that has not begun yet belongs to the one before,
    /// and so does what was booked on one that began only now (`fresh`).
    async fn learn(
        &self,
        tx: &mut Tx,
        start: DayStart,
        fresh: bool,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let before = self.day_start().await?;
        let sql = "INSERT INTO spend_reset (connection_id, starts_after, learned_at) VALUES ($1, $2, $3) \
            ON CONFLICT (connection_id) DO UPDATE SET \
            starts_after = excluded.starts_after, learned_at = excluded.learned_at";
        tx.execute(sql, vec![tx.id(), start.micros().into(), now.into()]).await?;
        let (from, to) = (before.day_of(now), start.day_of(now));
        if from > to {
            tx.rebook(from, to).await?;
        } else if fresh && from == to {
            tx.rebook(from, to - 1).await?;
        }
        self.starts_after.store(start.micros(), Ordering::Relaxed);
        let minutes = start.micros() / 60_000_000;
        tracing::info!(
            minutes_after_midnight_utc = minutes,
            "the CRM's day begins at another time than we thought"
        );
        Ok(())
    }

    /// Tokens that we spent or reserved on the day of `now`.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn spent_today(&self, now: Timestamp) -> Result<u64, StoreError> {
        let today = self.day_start().await?.day_of(now);
        let mut tx = self.store.read(self.connection).await?;
        Ok(tx.day(today).await?.ours)
    }

    /// Tokens that `class` may still spend on the day of `now`.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn left_today(&self, class: Class, now: Timestamp) -> Result<u64, StoreError> {
        let today = self.day_start().await?.day_of(now);
        let mut tx = self.store.read(self.connection).await?;
        let day = tx.day(today).await?;
        if day.exhausted_until.is_some_and(|until| until > now) {
            return Ok(0);
        }
        Ok(self.budget.left(class, day.ours, day.foreign))
    }

    async fn try_reserve(
        &self,
        class: Class,
        each: u32,
        count: u32,
        now: Timestamp,
    ) -> Result<Grant, StoreError> {
        let start = self.day_start().await?;
        let today = start.day_of(now);
        let mut tx = self.store.begin(self.connection).await?;
        tx.lock_day(today).await?;
        let day = tx.day(today).await?;
        if let Some(until) = day.exhausted_until.filter(|until| *until > now) {
            return Ok(Grant { granted: 0, retry_at: until });
        }
        let left = self.budget.left(class, day.ours, day.foreign);
        let affordable = if each == 0 { u64::from(count) } else { left / u64::from(each) };
        let granted = u32::try_from(affordable).unwrap_or(u32::MAX).min(count);
        if granted > 0 {
            let sql = "INSERT INTO spend (connection_id, day, class, hour, tokens, calls) VALUES ($1, $2, $3, $4, $5, $6) \
                ON CONFLICT (connection_id, day, class, hour) DO UPDATE SET \
                tokens = spend.tokens + excluded.tokens, calls = spend.calls + excluded.calls";
            let (tokens, calls) = (i64::from(granted) * i64::from(each), i64::from(granted));
            let (class, hour) = (class.rank(), hour_of(now));
            let args = vec![tx.id(), today.into(), class.into(), hour.into(), tokens.into(), calls.into()];
            tx.execute(sql, args).await?;
            let sql = "UPDATE spend_day SET last_at = $3 WHERE connection_id = $1 AND day = $2";
            let args = vec![tx.id(), today.into(), now.into()];
            tx.execute(sql, args).await?;
            tx.commit().await?;
        }
        Ok(Grant { granted, retry_at: start.next(now) })
    }

    async fn try_last_spent(&self, now: Timestamp) -> Result<Option<Timestamp>, StoreError> {
        let today = self.day_start().await?.day_of(now);
        let mut tx = self.store.read(self.connection).await?;
        let sql = "SELECT day, last_at FROM spend_day \
            WHERE connection_id = $1 AND day IN ($2, $3) AND last_at IS NOT NULL ORDER BY day DESC LIMIT 1";
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
        let today = self.day_start().await?.day_of(now);
        let mut tx = self.store.begin(self.connection).await?;
        tx.lock_day(today).await?;
        // Never below nothing: a refund after midnight belongs to a day that is over. What was reserved in the hour before
        // this one is given back there.
        let sql = "UPDATE spend SET tokens = tokens - $4, calls = calls - $5 \
            WHERE connection_id = $1 AND day = $2 AND class = $3 AND hour = (SELECT max(other.hour) FROM spend AS other \
            WHERE other.connection_id = $1 AND other.day = $2 AND other.class = $3 \
            AND other.tokens >= $4 AND other.calls >= $5)";
        let args = vec![tx.id(), today.into(), class.rank().into(), tokens.into(), calls.into()];
        tx.execute(sql, args).await?;
        tx.commit().await
    }

    async fn try_correct(&self, remaining: u64, now: Timestamp) -> Result<(), StoreError> {
        let start = self.day_start().await?;
        let mut tx = self.store.begin(self.connection).await?;
        tx.lock_day(start.day_of(now)).await?;
        let rise = self.budget.tokens / RESET_RISE;
        let before = tx.last_remaining(start.day_of(now)).await?;
        let risen = before.is_some_and(|(_, left, _)| remaining > left.saturating_add(rise));
        let taught = match before {
            // More is left than a while ago: in between the CRM's day began.
            Some((.., at)) if risen => DayStart::between(at, now),
            // A day should have begun, but nothing came back.
            Some((day, left, _)) if day < start.day_of(now) && left < self.budget.tokens - rise => {
                Some(DayStart::later_than(now))
            }
            Some(_) | None => None,
        };
        let taught = taught.filter(|taught| *taught != start);
        if let Some(taught) = taught {
            self.learn(&mut tx, taught, risen, now).await?;
        }
        let today = taught.unwrap_or(start).day_of(now);
        tx.lock_day(today).await?;
        let day = tx.day(today).await?;
        let spent_by_all = self.budget.tokens.saturating_sub(remaining);
        let foreign = spent_by_all.saturating_sub(day.ours).max(day.foreign);
        let sql = "UPDATE spend_day SET foreign_tokens = $3, remaining_seen = $4, remaining_at = $5 \
            WHERE connection_id = $1 AND day = $2";
        let number = |tokens: u64| i64::try_from(tokens).unwrap_or(i64::MAX);
        let args = vec![tx.id(), today.into(), number(foreign).into(), number(remaining).into(), now.into()];
        tx.execute(sql, args).await?;
        if foreign > day.foreign {
            let sql = "INSERT INTO spend_others (connection_id, day, hour, tokens) VALUES ($1, $2, $3, $4) \
                ON CONFLICT (connection_id, day, hour) DO UPDATE SET tokens = excluded.tokens";
            let args = vec![tx.id(), today.into(), hour_of(now).into(), number(foreign).into()];
            tx.execute(sql, args).await?;
        }
        tx.commit().await
    }

    async fn try_exhausted(&self, until: Timestamp, now: Timestamp) -> Result<(), StoreError> {
        let start = self.day_start().await?;
        let mut tx = self.store.begin(self.connection).await?;
        let taught = DayStart::told_by(until).filter(|taught| *taught != start);
        if let Some(taught) = taught {
            self.learn(&mut tx, taught, false, now).await?;
        }
        let today = taught.unwrap_or(start).day_of(now);
        tx.lock_day(today).await?;
        let sql = "UPDATE spend_day SET exhausted_until = $3 WHERE connection_id = $1 AND day = $2";
        let args = vec![tx.id(), today.into(), until.into()];
        tx.execute(sql, args).await?;
        tx.commit().await
    }
}

impl Tx {
    /// Makes the day's row and locks it, so that two reservations cannot overlap.
    async fn lock_day(&mut self, day: i64) -> Result<(), StoreError> {
        let sql = "INSERT INTO spend_day (connection_id, day, foreign_tokens) VALUES ($1, $2, 0) \
            ON CONFLICT (connection_id, day) DO UPDATE SET foreign_tokens = spend_day.foreign_tokens";
        self.execute(sql, vec![self.id(), day.into()]).await?;
        Ok(())
    }

    /// The day, what was left and the time when we last heard of it, today or yesterday.
    async fn last_remaining(&mut self, today: i64) -> Result<Option<(i64, u64, Timestamp)>, StoreError> {
        let sql = "SELECT day, remaining_seen, remaining_at FROM spend_day \
            WHERE connection_id = $1 AND day IN ($2, $3) AND remaining_at IS NOT NULL ORDER BY remaining_at DESC LIMIT 1";
        let args = vec![self.id(), today.into(), (today - 1).into()];
        self.fetch_one("spend_day", sql, args, |row| {
            let left = row.int(1, "remaining_seen")?.unsigned_abs();
            Ok((row.int(0, "day")?, left, row.time(2, "remaining_at")?))
        })
        .await
    }

    /// Moves what was spent on one day to another.
    async fn rebook(&mut self, from: i64, to: i64) -> Result<(), StoreError> {
        self.lock_day(to).await?;
        let args = || vec![self.id(), from.into(), to.into()];
        let (spent, last, gone) = (args(), args(), args());
        let sql = "INSERT INTO spend (connection_id, day, class, hour, tokens, calls) \
            SELECT connection_id, CAST($3 AS BIGINT), class, hour, tokens, calls FROM spend \
            WHERE connection_id = $1 AND day = $2 \
            ON CONFLICT (connection_id, day, class, hour) DO UPDATE SET \
            tokens = spend.tokens + excluded.tokens, calls = spend.calls + excluded.calls";
        self.execute(sql, spent).await?;
        let sql = "UPDATE spend_day SET last_at = COALESCE((SELECT other.last_at FROM spend_day AS other \
            WHERE other.connection_id = $1 AND other.day = $2), last_at) WHERE connection_id = $1 AND day = $3";
        self.execute(sql, last).await?;
        for sql in [
            "DELETE FROM spend WHERE connection_id = $1 AND day = $2 AND day <> $3",
            "DELETE FROM spend_others WHERE connection_id = $1 AND day = $2 AND day <> $3",
            "DELETE FROM spend_day WHERE connection_id = $1 AND day = $2 AND day <> $3",
        ] {
            self.execute(sql, gone.clone()).await?;
        }
        Ok(())
    }

    async fn day(&mut self, today: i64) -> Result<Day, StoreError> {
        // A sum of BIGINT is NUMERIC on PostgreSQL.
        let sql = "SELECT CAST(COALESCE(SUM(tokens), 0) AS BIGINT) FROM spend WHERE connection_id = $1 AND day = $2";
        let args = vec![self.id(), today.into()];
        let ours = self.fetch_one("spend", sql, args, |row| row.int(0, "tokens")).await?.unwrap_or(0);
        // The CRM's word that nothing is left may reach into the next day of ours.
        let sql = "SELECT day, foreign_tokens, exhausted_until FROM spend_day \
            WHERE connection_id = $1 AND day IN ($2, $3) ORDER BY day";
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
