//! Runs and the outcomes of their keys.

use std::collections::BTreeMap;

use jiff::Timestamp;
use sync_core::ids::{DealId, OrgId, PartyId, RunId};

use crate::{StoreError, Tx, sql::Many};

/// How a key ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Outcome {
    /// A record was created for it.
    Created,
    /// Its record was changed.
    Updated,
    /// Its record was right.
    Unchanged,
    /// It waits for a person.
    Held,
    /// It failed and is tried again.
    Failed,
}

impl Outcome {
    const ALL: [Self; 5] = [Self::Created, Self::Updated, Self::Unchanged, Self::Held, Self::Failed];

    /// Its name in the store and in summaries.
    #[must_use]
    pub fn key(self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::Updated => "updated",
            Self::Unchanged => "unchanged",
            Self::Held => "held",
            Self::Failed => "failed",
        }
    }
}

/// Outcomes counted: each key once, by its last outcome.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// See [`Outcome::Created`].
    pub created: u64,
    /// See [`Outcome::Updated`].
    pub updated: u64,
    /// See [`Outcome::Unchanged`].
    pub unchanged: u64,
    /// See [`Outcome::Held`].
    pub held: u64,
    /// See [`Outcome::Failed`].
    pub failed: u64,
}

/// A run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunRow {
    /// Its number.
    pub id: RunId,
    /// `sync`, `run` or `demo`.
    pub kind: String,
    /// When it began.
    pub started_at: Timestamp,
    /// When it ended, if it ended well.
    pub finished_at: Option<Timestamp>,
}

// What was created in this run stays created when a later look finds it right or touches it up; what was updated
// stays updated when a later look finds it right.
static PUT: Many = Many::new(
    "INSERT INTO outcome (connection_id, run_id, flow, record_id, outcome) VALUES {rows} \
        ON CONFLICT (connection_id, run_id, flow, record_id) DO UPDATE SET outcome = CASE \
        WHEN outcome.outcome = 'created' AND excluded.outcome IN ('unchanged', 'updated') THEN 'created' \
        WHEN outcome.outcome = 'updated' AND excluded.outcome = 'unchanged' THEN 'updated' \
        ELSE excluded.outcome END",
    "($1, $2, $3, ?, ?)",
    3,
);

static BY_PARTY: Many = Many::new(
    "SELECT record_id, outcome FROM outcome \
        WHERE connection_id = $1 AND run_id = $2 AND flow = $3 AND record_id IN ({rows})",
    "?",
    3,
);

impl Tx {
    /// Begins a run.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn begin_run(&mut self, kind: &str, now: Timestamp) -> Result<RunId, StoreError> {
        let id = self.numbers("run", 1).await?;
        let sql = "INSERT INTO run (connection_id, id, kind, started_at) VALUES ($1, $2, $3, $4)";
        self.execute(sql, vec![self.id(), id.into(), kind.into(), now.into()]).await?;
        Ok(RunId(id))
    }

    /// Ends a run.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn finish_run(
        &mut self,
        run: RunId,
        summary_json: &str,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let sql = "UPDATE run SET finished_at = $3, summary = $4 WHERE connection_id = $1 AND id = $2";
        self.execute(sql, vec![self.id(), run.0.into(), now.into(), summary_json.into()]).await?;
        Ok(())
    }

    /// The latest runs, newest first.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn runs(&mut self, before: Option<RunId>, limit: u32) -> Result<Vec<RunRow>, StoreError> {
        let sql = "SELECT id, kind, started_at, finished_at FROM run \
            WHERE connection_id = $1 AND id < $2 ORDER BY id DESC LIMIT $3";
        let before = before.map_or(i64::MAX, |run| run.0);
        let args = vec![self.id(), before.into(), i64::from(limit).into()];
        self.fetch("run", sql, args, |row| {
            Ok(RunRow {
                id: RunId(row.int(0, "id")?),
                kind: row.text(1, "kind")?,
                started_at: row.time(2, "started_at")?,
                finished_at: row.maybe_time(3, "finished_at")?,
            })
        })
        .await
    }

    /// Notes how keys ended.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn put_outcomes(
        &mut self,
        run: RunId,
        flow: &str,
        outcomes: &[(PartyId, Outcome)],
    ) -> Result<(), StoreError> {
        // A key twice in one statement is refused by PostgreSQL; the later outcome counts.
        let last: std::collections::BTreeMap<PartyId, Outcome> = outcomes.iter().copied().collect();
        let rows: Vec<_> =
            last.into_iter().map(|(party, outcome)| vec![party.0.into(), outcome.key().into()]).collect();
        let shared = [self.id(), run.0.into(), flow.into()];
        self.execute_many(&PUT, &shared, &rows).await?;
        Ok(())
    }

    /// Notes how the handover of an organization ended.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn put_handover_outcome(
        &mut self,
        run: RunId,
        flow: &str,
        org: OrgId,
        outcome: Outcome,
    ) -> Result<(), StoreError> {
        let rows = [vec![org.0.into(), outcome.key().into()]];
        let shared = [self.id(), run.0.into(), flow.into()];
        self.execute_many(&PUT, &shared, &rows).await?;
        Ok(())
    }

    /// Notes how showing documents on a deal ended.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn put_page_outcome(
        &mut self,
        run: RunId,
        flow: &str,
        deal: DealId,
        outcome: Outcome,
    ) -> Result<(), StoreError> {
        let rows = [vec![deal.0.into(), outcome.key().into()]];
        let shared = [self.id(), run.0.into(), flow.into()];
        self.execute_many(&PUT, &shared, &rows).await?;
        Ok(())
    }

    /// How these keys ended in a run, as far as they were dealt with.
    ///
    /// # Errors
    /// When the database refuses or a row cannot be read.
    pub async fn outcomes_of(
        &mut self,
        run: RunId,
        flow: &str,
        parties: &[PartyId],
    ) -> Result<BTreeMap<PartyId, Outcome>, StoreError> {
        let ids: Vec<i64> = parties.iter().map(|party| party.0).collect();
        let shared = [self.id(), run.0.into(), flow.into()];
        let found = self.fetch_in("outcome", &BY_PARTY, &shared, &ids, |row| {
            let key = row.text(1, "outcome")?;
            let outcome = Outcome::ALL.into_iter().find(|outcome| outcome.key() == key);
            let outcome =
                outcome.ok_or_else(|| row.unreadable("outcome", &format!("{key} is no outcome")))?;
            Ok((PartyId(row.int(0, "record_id")?), outcome))
        });
        Ok(found.await?.into_iter().collect())
    }

    /// Counts how the keys of a run ended.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn outcomes(&mut self, run: RunId, flow: &str) -> Result<Counts, StoreError> {
        let sql = "SELECT outcome, count(*) FROM outcome \
            WHERE connection_id = $1 AND run_id = $2 AND flow = $3 GROUP BY outcome";
        let args = vec![self.id(), run.0.into(), flow.into()];
        let found = self
            .fetch("outcome", sql, args, |row| {
                Ok((row.text(0, "outcome")?, row.int(1, "count")?.unsigned_abs()))
            })
            .await?;
        let count = |outcome: Outcome| {
            found.iter().find(|(key, _)| key == outcome.key()).map_or(0, |(_, count)| *count)
        };
        Ok(Counts {
            created: count(Outcome::Created),
            updated: count(Outcome::Updated),
            unchanged: count(Outcome::Unchanged),
            held: count(Outcome::Held),
            failed: count(Outcome::Failed),
        })
    }

    /// Forgets outcomes of runs that began before `keep_after`. Plans, intents and the journal stay.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn prune_runs(&mut self, keep_after: Timestamp) -> Result<u64, StoreError> {
        let sql = "DELETE FROM outcome WHERE connection_id = $1 AND run_id IN \
            (SELECT id FROM run WHERE connection_id = $1 AND started_at < $2)";
        self.execute(sql, vec![self.id(), keep_after.into()]).await
    }
}
