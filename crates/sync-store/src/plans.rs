//! Plans: the exact writes that were decided.

use jiff::Timestamp;
use sync_core::{
    ids::{PartyId, RunId},
    plan::Plan,
};

use crate::{
    StoreError, Tx,
    sql::{Many, json},
};

static PUT: Many = Many::new(
    "INSERT INTO plan (connection_id, run_id, created_at, id, party_id, body) VALUES {rows}",
    "($1, $2, $3, ?, ?, ?)",
    3,
);

/// A stored plan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlanRow {
    /// Its number.
    pub id: i64,
    /// The run that decided it.
    pub run: RunId,
    /// The plan.
    pub plan: Plan,
    /// When it was decided.
    pub created_at: Timestamp,
}

impl Tx {
    /// Stores plans; returns their numbers, in order.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn put_plans(
        &mut self,
        run: RunId,
        plans: &[Plan],
        now: Timestamp,
    ) -> Result<Vec<i64>, StoreError> {
        if plans.is_empty() {
            return Ok(Vec::new());
        }
        let first = self.numbers("plan", plans.len()).await?;
        let ids: Vec<i64> = (first..).take(plans.len()).collect();
        let mut rows = Vec::with_capacity(plans.len());
        for (id, plan) in ids.iter().zip(plans) {
            rows.push(vec![(*id).into(), plan.party.0.into(), json("plan", "body", plan)?.into()]);
        }
        let shared = [self.id(), run.0.into(), now.into()];
        self.execute_many(&PUT, &shared, &rows).await?;
        Ok(ids)
    }

    /// The plans of a party, newest first.
    ///
    /// # Errors
    /// When the database refuses or a row cannot be read.
    pub async fn plans(&mut self, party: PartyId, limit: u32) -> Result<Vec<PlanRow>, StoreError> {
        let sql = "SELECT id, run_id, body, created_at FROM plan \
            WHERE connection_id = $1 AND party_id = $2 ORDER BY id DESC LIMIT $3";
        let args = vec![self.id(), party.0.into(), i64::from(limit).into()];
        self.fetch("plan", sql, args, |row| {
            Ok(PlanRow {
                id: row.int(0, "id")?,
                run: RunId(row.int(1, "run_id")?),
                plan: row.json(2, "body")?,
                created_at: row.time(3, "created_at")?,
            })
        })
        .await
    }
}
