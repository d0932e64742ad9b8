//! The queue of keys. Coalesces: whoever asks again makes the look earlier or more urgent, never double.

use jiff::Timestamp;
use sync_core::{budget::Class, ids::PartyId};

use crate::{
    StoreError, Tx,
    sql::{Due, Many, Row},
};

/// A key that is due.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Job {
    /// The party to look at.
    pub party: PartyId,
    /// How urgent.
    pub class: Class,
    /// Grows with every asking: whoever finishes a job names the generation it has seen.
    pub generation: i64,
    /// Tries that failed.
    pub attempts: u32,
    /// Who asked last.
    pub origin: String,
    /// When it was due.
    pub due: Timestamp,
}

/// A key to look at later.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reschedule {
    /// The party.
    pub party: PartyId,
    /// The generation that was worked on; if somebody asked meanwhile, nothing is changed.
    pub generation: i64,
    /// When.
    pub due: Timestamp,
    /// Tries that failed.
    pub attempts: u32,
    /// Why, if it failed.
    pub error: Option<String>,
}

/// Keys in the queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct QueueLen {
    /// Due now.
    pub due: u64,
    /// Due later.
    pub waiting: u64,
}

static ENQUEUE: Many = Many::new(
    "INSERT INTO job (connection_id, class, due_at, origin, party_id, generation, attempts) VALUES {rows} \
        ON CONFLICT (connection_id, party_id) DO UPDATE SET \
        class = CASE WHEN excluded.class < job.class THEN excluded.class ELSE job.class END, \
        due_at = CASE WHEN excluded.due_at < job.due_at THEN excluded.due_at ELSE job.due_at END, \
        origin = excluded.origin, generation = job.generation + 1, attempts = 0, last_error = NULL",
    "($1, $2, $3, $4, ?, 1, 0)",
    4,
);

static DUE: Due = Due::new("job");

// By the parties first: pairs of values are looked for in no index.
static FINISH: Many = Many::new(
    "WITH done (party, generation) AS (VALUES {rows}) \
        DELETE FROM job WHERE connection_id = $1 AND party_id IN (SELECT party FROM done) AND EXISTS \
        (SELECT 1 FROM done WHERE done.party = job.party_id AND done.generation = job.generation)",
    "(?, ?)",
    1,
);

static BY_PARTY: Many = Many::new(
    "SELECT party_id, class, generation, attempts, origin, due_at FROM job \
        WHERE connection_id = $1 AND party_id IN ({rows}) ORDER BY party_id",
    "?",
    1,
);

fn job(row: &Row<'_>) -> Result<Job, StoreError> {
    Ok(Job {
        party: PartyId(row.int(0, "party_id")?),
        class: Class::of_rank(row.int(1, "class")?),
        generation: row.int(2, "generation")?,
        attempts: u32::try_from(row.int(3, "attempts")?).unwrap_or(u32::MAX),
        origin: row.text(4, "origin")?,
        due: row.time(5, "due_at")?,
    })
}

impl Tx {
    /// Asks for a look at these parties.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn enqueue(
        &mut self,
        parties: &[PartyId],
        class: Class,
        due: Timestamp,
        origin: &str,
    ) -> Result<(), StoreError> {
        let mut parties = parties.to_vec();
        parties.sort_unstable();
        parties.dedup();
        let rows: Vec<_> = parties.iter().map(|party| vec![party.0.into()]).collect();
        let shared = [self.id(), class.rank().into(), due.into(), origin.into()];
        self.execute_many(&ENQUEUE, &shared, &rows).await?;
        Ok(())
    }

    /// Keys that are due and at least as urgent as `least`, the most urgent first. The lease makes marking them
    /// unnecessary.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn claim(&mut self, now: Timestamp, least: Class, limit: u32) -> Result<Vec<Job>, StoreError> {
        let sql = "SELECT party_id, class, generation, attempts, origin, due_at FROM job \
            WHERE connection_id = $1 AND due_at <= $2 AND class <= $4 \
            ORDER BY class, due_at, party_id LIMIT $3";
        let args = vec![self.id(), now.into(), i64::from(limit).into(), least.rank().into()];
        self.fetch("job", sql, args, job).await
    }

    /// A page of all keys in the order of their parties, whether due or not; and of the parties that are held for this
    /// reason, as if they were asked for.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn queued_or_held(
        &mut self,
        reason: &str,
        after: Option<PartyId>,
        limit: u32,
    ) -> Result<Vec<Job>, StoreError> {
        let sql = "SELECT party_id, class, generation, attempts, origin, due_at FROM job \
            WHERE connection_id = $1 AND party_id > $2 \
            UNION ALL SELECT party_id, CAST($4 AS BIGINT), 0, 0, reason_key, opened_at FROM hold \
            WHERE connection_id = $1 AND party_id > $2 AND closed_at IS NULL AND reason_key = $5 AND NOT EXISTS \
            (SELECT 1 FROM job WHERE job.connection_id = hold.connection_id AND job.party_id = hold.party_id) \
            ORDER BY party_id LIMIT $3";
        let after = after.map_or(i64::MIN, |party| party.0);
        let class = Class::Edit.rank();
        let args = vec![self.id(), after.into(), i64::from(limit).into(), class.into(), reason.into()];
        self.fetch("job", sql, args, job).await
    }

    /// The keys of these parties, as far as they are in the queue, whether due or not.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn jobs(&mut self, parties: &[PartyId]) -> Result<Vec<Job>, StoreError> {
        let ids: Vec<i64> = parties.iter().map(|party| party.0).collect();
        self.fetch_in("job", &BY_PARTY, &[self.id()], &ids, job).await
    }

    /// Keys that were dealt with; kept where somebody asked again meanwhile.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn finish(&mut self, jobs: &[(PartyId, i64)]) -> Result<(), StoreError> {
        let rows: Vec<_> =
            jobs.iter().map(|(party, generation)| vec![party.0.into(), (*generation).into()]).collect();
        let shared = [self.id()];
        self.execute_many(&FINISH, &shared, &rows).await?;
        Ok(())
    }

    /// Keys to look at later.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn reschedule(&mut self, jobs: &[Reschedule]) -> Result<(), StoreError> {
        let sql = "UPDATE job SET due_at = $4, attempts = $5, last_error = $6 \
            WHERE connection_id = $1 AND party_id = $2 AND generation = $3";
        for Reschedule { party, generation, due, attempts, error } in jobs {
            let attempts = i64::from(*attempts);
            let args = vec![
                self.id(),
                party.0.into(),
                (*generation).into(),
                (*due).into(),
                attempts.into(),
                error.clone().into(),
            ];
            self.execute(sql, args).await?;
        }
        Ok(())
    }

    /// When the next key is due that is at least as urgent as `least`.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn next_due(&mut self, least: Class) -> Result<Option<Timestamp>, StoreError> {
        self.next_of("job", &DUE, least).await
    }

    /// How many keys there are.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn queue_len(&mut self, now: Timestamp) -> Result<QueueLen, StoreError> {
        let sql =
            "SELECT count(*), count(CASE WHEN due_at <= $2 THEN 1 END) FROM job WHERE connection_id = $1";
        let args = vec![self.id(), now.into()];
        let (all, due) = self
            .fetch_one("job", sql, args, |row| Ok((row.int(0, "count")?, row.int(1, "due")?)))
            .await?
            .unwrap_or_default();
        Ok(QueueLen { due: due.unsigned_abs(), waiting: (all - due).unsigned_abs() })
    }

    /// Keys of this connection that failed fewer than `attempts` times, and those that failed at least so often.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn queue_by_attempts(&mut self, attempts: u32) -> Result<(u64, u64), StoreError> {
        let sql =
            "SELECT count(*), count(CASE WHEN attempts >= $2 THEN 1 END) FROM job WHERE connection_id = $1";
        let args = vec![self.id(), i64::from(attempts).into()];
        let (all, given_up) = self
            .fetch_one("job", sql, args, |row| Ok((row.int(0, "count")?, row.int(1, "given_up")?)))
            .await?
            .unwrap_or_default();
        Ok(((all - given_up).unsigned_abs(), given_up.unsigned_abs()))
    }
}
