//! Intents of writes of what deals show: committed before a write is sent, ended by its receipt. At most one open one a deal;
//! open ones without an answer are in doubt.

use jiff::Timestamp;
use sync_core::{
    budget::Class,
    ids::{DealId, IntentId, RunId},
};

use crate::{
    IntentEnd, StoreError, Tx,
    sql::{Arg, Many, Row},
};

/// A write that is about to be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewPageIntent {
    /// The deal it is for.
    pub deal: DealId,
    /// What kind of write.
    pub kind: String,
    /// The write, JSON.
    pub body: String,
    /// Why, for people.
    pub reason: String,
    /// How urgent.
    pub class: Class,
    /// What asked for it.
    pub origin: String,
}

/// An open intent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PageIntent {
    /// Its number.
    pub id: IntentId,
    /// The run in whose name it was opened.
    pub run: RunId,
    /// What it says.
    pub new: NewPageIntent,
    /// When it was opened.
    pub created_at: Timestamp,
    /// From when on a look can tell that it did not happen. None while its answer is awaited, or was never taken.
    pub settled_at: Option<Timestamp>,
}

static OPEN: Many = Many::new(
    "INSERT INTO page_intent (connection_id, run_id, created_at, id, deal_id, kind, body, reason, class, origin, state, \
        epoch) VALUES {rows}",
    "($1, $2, $3, ?, ?, ?, ?, ?, ?, ?, 'open', (SELECT epoch FROM lease WHERE connection_id = $1))",
    3,
);

static CLOSE: Many = Many::new(
    "UPDATE page_intent SET state = $2, ended_at = $3 WHERE connection_id = $1 AND state = 'open' AND id IN ({rows})",
    "?",
    3,
);

static DOUBT: Many = Many::new(
    "UPDATE page_intent SET settled_at = $2 WHERE connection_id = $1 AND state = 'open' AND id IN ({rows})",
    "?",
    2,
);

impl Tx {
    /// Opens intents; returns their numbers, in order.
    ///
    /// # Errors
    /// When the database refuses: also when a deal has an open intent already.
    pub async fn open_page_intents(
        &mut self,
        run: RunId,
        intents: &[NewPageIntent],
        now: Timestamp,
    ) -> Result<Vec<IntentId>, StoreError> {
        if intents.is_empty() {
            return Ok(Vec::new());
        }
        let first = self.numbers("page_intent", intents.len()).await?;
        let ids: Vec<IntentId> = (first..).take(intents.len()).map(IntentId).collect();
        let row = |(id, new): (&IntentId, &NewPageIntent)| -> Vec<Arg> {
            let NewPageIntent { deal, kind, body, reason, class, origin } = new;
            vec![
                id.0.into(),
                deal.0.into(),
                kind.clone().into(),
                body.clone().into(),
                reason.clone().into(),
                class.rank().into(),
                origin.clone().into(),
            ]
        };
        let rows: Vec<Vec<Arg>> = ids.iter().zip(intents).map(row).collect();
        self.execute_many(&OPEN, &[self.id(), run.0.into(), now.into()], &rows).await?;
        Ok(ids)
    }

    /// Ends intents.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn close_page_intents(
        &mut self,
        intents: &[IntentId],
        end: IntentEnd,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let ids: Vec<i64> = intents.iter().map(|id| id.0).collect();
        self.execute_in(&CLOSE, &[self.id(), end.key().into(), now.into()], &ids).await?;
        Ok(())
    }

    /// Notes from when on a look can tell that these did not happen.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn doubt_page_intents(
        &mut self,
        intents: &[IntentId],
        settled_at: Timestamp,
    ) -> Result<(), StoreError> {
        let ids: Vec<i64> = intents.iter().map(|id| id.0).collect();
        self.execute_in(&DOUBT, &[self.id(), settled_at.into()], &ids).await?;
        Ok(())
    }

    /// All open intents, by number.
    ///
    /// # Errors
    /// When the database refuses or a row cannot be read.
    pub async fn page_intents(&mut self) -> Result<Vec<PageIntent>, StoreError> {
        let sql = "SELECT id, run_id, deal_id, kind, body, reason, class, origin, created_at, settled_at FROM page_intent \
            WHERE connection_id = $1 AND state = 'open' ORDER BY id";
        self.fetch("page_intent", sql, vec![self.id()], intent).await
    }

    /// The open intent of a deal.
    ///
    /// # Errors
    /// When the database refuses or a row cannot be read.
    pub async fn page_intent_of(&mut self, deal: DealId) -> Result<Option<PageIntent>, StoreError> {
        let sql = "SELECT id, run_id, deal_id, kind, body, reason, class, origin, created_at, settled_at FROM page_intent \
            WHERE connection_id = $1 AND deal_id = $2 AND state = 'open'";
        self.fetch_one("page_intent", sql, vec![self.id(), deal.0.into()], intent).await
    }
}

fn intent(row: &Row<'_>) -> Result<PageIntent, StoreError> {
    Ok(PageIntent {
        id: IntentId(row.int(0, "id")?),
        run: RunId(row.int(1, "run_id")?),
        new: NewPageIntent {
            deal: DealId(row.int(2, "deal_id")?),
            kind: row.text(3, "kind")?,
            body: row.text(4, "body")?,
            reason: row.text(5, "reason")?,
            class: Class::of_rank(row.int(6, "class")?),
            origin: row.text(7, "origin")?,
        },
        created_at: row.time(8, "created_at")?,
        settled_at: row.maybe_time(9, "settled_at")?,
    })
}
