//! Intents: committed before a write is sent, ended by its receipt. Open ones without an answer are in doubt.

use std::collections::BTreeMap;

use jiff::Timestamp;
use sync_core::{
    budget::Class,
    fields::Values,
    ids::{IntentId, PartyId, RunId},
    plan::Step,
};

use crate::{
    StoreError, Tx,
    sql::{Many, Row, json},
};

/// A write that is about to be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewIntent {
    /// The party it is about.
    pub party: PartyId,
    /// Number of its plan.
    pub plan: i64,
    /// The write.
    pub step: Step,
    /// What the record said before.
    pub before: Values,
    /// The record's change stamp before, if it existed.
    pub before_stamp: Option<Timestamp>,
    /// Why, for people.
    pub reason: String,
    /// Why, for filters.
    pub rule: String,
    /// How urgent.
    pub class: Class,
    /// What asked for it.
    pub origin: String,
}

/// An open intent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Intent {
    /// Its number.
    pub id: IntentId,
    /// The run in whose name it was opened.
    pub run: RunId,
    /// The party it is about.
    pub party: PartyId,
    /// The write.
    pub step: Step,
    /// What the record said before.
    pub before: Values,
    /// The record's change stamp before, if it existed.
    pub before_stamp: Option<Timestamp>,
    /// Why, for people.
    pub reason: String,
    /// Why, for filters.
    pub rule: String,
    /// How urgent.
    pub class: Class,
    /// What asked for it.
    pub origin: String,
    /// When it was opened.
    pub created_at: Timestamp,
    /// From when on a look can tell that it did not happen. None while its answer is awaited, or was never taken.
    pub settled_at: Option<Timestamp>,
}

/// How an intent ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IntentEnd {
    /// It took effect.
    Done,
    /// The remote system refused it.
    Refused,
    /// It surely did not take effect.
    Void,
}

impl IntentEnd {
    pub(crate) fn key(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Refused => "refused",
            Self::Void => "void",
        }
    }
}

static OPEN: Many = Many::new(
    "INSERT INTO intent (connection_id, run_id, created_at, id, plan_id, party_id, step, before_image, before_stamp, \
        reason, rule, class, origin, state, epoch) VALUES {rows}",
    "($1, $2, $3, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 'open', \
        (SELECT epoch FROM lease WHERE connection_id = $1))",
    3,
);

static CLOSE: Many = Many::new(
    "UPDATE intent SET state = $2, ended_at = $3 WHERE connection_id = $1 AND state = 'open' AND id IN ({rows})",
    "?",
    3,
);

static DOUBT: Many = Many::new(
    "UPDATE intent SET settled_at = $2 WHERE connection_id = $1 AND state = 'open' AND id IN ({rows})",
    "?",
    2,
);

impl Tx {
    /// Opens intents; returns their numbers, in order.
    ///
    /// # Errors
    /// When the database refuses: also when a party has an open intent already.
    pub async fn open_intents(
        &mut self,
        run: RunId,
        intents: &[NewIntent],
        now: Timestamp,
    ) -> Result<Vec<IntentId>, StoreError> {
        if intents.is_empty() {
            return Ok(Vec::new());
        }
        let first = self.numbers("intent", intents.len()).await?;
        let ids: Vec<i64> = (first..).take(intents.len()).collect();
        let mut rows = Vec::with_capacity(intents.len());
        for (id, intent) in ids.iter().zip(intents) {
            let NewIntent { party, plan, step, before, before_stamp, reason, rule, class, origin } = intent;
            rows.push(vec![
                (*id).into(),
                (*plan).into(),
                party.0.into(),
                json("intent", "step", step)?.into(),
                json("intent", "before_image", before)?.into(),
                before_stamp.map(Timestamp::as_microsecond).into(),
                reason.clone().into(),
                rule.clone().into(),
                class.rank().into(),
                origin.clone().into(),
            ]);
        }
        let shared = [self.id(), run.0.into(), now.into()];
        self.execute_many(&OPEN, &shared, &rows).await?;
        Ok(ids.into_iter().map(IntentId).collect())
    }

    /// Ends intents.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn close_intents(
        &mut self,
        ended: &[(IntentId, IntentEnd)],
        now: Timestamp,
    ) -> Result<(), StoreError> {
        for end in [IntentEnd::Done, IntentEnd::Refused, IntentEnd::Void] {
            let ids: Vec<i64> = ended.iter().filter(|(_, e)| *e == end).map(|(id, _)| id.0).collect();
            let shared = [self.id(), end.key().into(), now.into()];
            self.execute_in(&CLOSE, &shared, &ids).await?;
        }
        Ok(())
    }

    /// Notes from when on a look can tell that these did not happen.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn doubt_intents(&mut self, doubts: &[(IntentId, Timestamp)]) -> Result<(), StoreError> {
        let mut times: Vec<Timestamp> = doubts.iter().map(|(_, at)| *at).collect();
        times.sort_unstable();
        times.dedup();
        for time in times {
            let ids: Vec<i64> = doubts.iter().filter(|(_, at)| *at == time).map(|(id, _)| id.0).collect();
            let shared = [self.id(), time.into()];
            self.execute_in(&DOUBT, &shared, &ids).await?;
        }
        Ok(())
    }

    /// How many creates were ever intended, per party.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn create_intents(&mut self) -> Result<BTreeMap<PartyId, u64>, StoreError> {
        let sql = "SELECT party_id, count(*) FROM intent \
            WHERE connection_id = $1 AND (step LIKE '{\"op\":\"create\"%' OR step LIKE '{\"op\":\"relate\"%') \
            GROUP BY party_id";
        let args = vec![self.id()];
        let read =
            |row: &Row<'_>| Ok((PartyId(row.int(0, "party_id")?), row.int(1, "count")?.unsigned_abs()));
        Ok(self.fetch("intent", sql, args, read).await?.into_iter().collect())
    }

    /// Whether an organization is being created for this party, or may have been: from when on a look can tell, if that is known.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn create_in_doubt(&mut self, party: PartyId) -> Result<Option<Option<Timestamp>>, StoreError> {
        let sql = "SELECT settled_at FROM intent WHERE connection_id = $1 AND party_id = $2 AND state = 'open' \
            AND step LIKE '{\"op\":\"create\"%'";
        let args = vec![self.id(), party.0.into()];
        self.fetch_one("intent", sql, args, |row| row.maybe_time(0, "settled_at")).await
    }

    /// All open intents, by number.
    ///
    /// # Errors
    /// When the database refuses or a row cannot be read.
    pub async fn intents(&mut self) -> Result<Vec<Intent>, StoreError> {
        let sql = "SELECT id, run_id, party_id, step, before_image, before_stamp, reason, rule, class, origin, \
            created_at, settled_at FROM intent WHERE connection_id = $1 AND state = 'open' ORDER BY id";
        let args = vec![self.id()];
        self.fetch("intent", sql, args, |row| {
            Ok(Intent {
                id: IntentId(row.int(0, "id")?),
                run: RunId(row.int(1, "run_id")?),
                party: PartyId(row.int(2, "party_id")?),
                step: row.json(3, "step")?,
                before: row.json(4, "before_image")?,
                before_stamp: row.maybe_time(5, "before_stamp")?,
                reason: row.text(6, "reason")?,
                rule: row.text(7, "rule")?,
                class: Class::of_rank(row.int(8, "class")?),
                origin: row.text(9, "origin")?,
                created_at: row.time(10, "created_at")?,
                settled_at: row.maybe_time(11, "settled_at")?,
            })
        })
        .await
    }
}
