//! Wishes: somebody beside the process that holds a connection asks for a sync now, and follows what becomes of it.
//!
//! Asking and looking need no lease; noticing and ending a wish is the holder's, like all other work.

use jiff::Timestamp;
use sync_core::{
    ids::{ConnectionId, RunId, WishId},
    poll::Again,
};

use crate::{
    Store, StoreError, Tx,
    sql::{Row, json},
};

/// What is wished for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Errand {
    /// A sync of everything that is due.
    Sync,
    /// A sync of one customer, by its party id or number.
    Customer(String),
    /// That something is read and looked at again, changed or not.
    Again(Again),
}

/// How a wish ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WishEnd {
    /// Nothing was due and nothing in flight any more.
    Done,
    /// The daily budget was used up first.
    Budget,
    /// A remote system refused us or did not answer.
    Remote,
}

impl WishEnd {
    const ALL: [Self; 3] = [Self::Done, Self::Budget, Self::Remote];

    /// Its name in the store.
    #[must_use]
    pub fn key(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Budget => "budget",
            Self::Remote => "remote",
        }
    }
}

/// What the work for a wish cost.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct WishCost {
    /// Requests to the CRM.
    pub crm_requests: u64,
    /// Tokens of the CRM's daily budget.
    pub crm_tokens: u64,
    /// Requests to the ERP.
    pub erp_requests: u64,
}

/// A wish as stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WishRow {
    /// Its number.
    pub id: WishId,
    /// How the one who asked calls itself.
    pub asked_by: String,
    /// When it was asked.
    pub asked_at: Timestamp,
    /// The run in which it is worked on; none while nobody noticed it.
    pub run: Option<RunId>,
    /// How it ended, and what there is to say about that; none while it is worked on.
    pub ended: Option<(WishEnd, String)>,
    /// What it cost, once ended.
    pub cost: WishCost,
    /// What became of the one customer that was asked for, JSON.
    pub report: Option<String>,
}

const ONE: &str = "SELECT id, asked_by, asked_at, run_id, ended, message, crm_requests, crm_tokens, \
    erp_requests, report FROM wish WHERE connection_id = $1 AND id = $2";

fn read(row: &Row<'_>) -> Result<WishRow, StoreError> {
    let count =
        |index, column| Ok::<_, StoreError>(row.maybe_int(index, column)?.unwrap_or(0).unsigned_abs());
    let ended = match row.maybe_text(4, "ended")? {
        None => None,
        Some(key) => {
            let end = WishEnd::ALL.into_iter().find(|end| end.key() == key);
            let end = end.ok_or_else(|| row.unreadable("ended", &format!("{key} is no end")))?;
            Some((end, row.maybe_text(5, "message")?.unwrap_or_default()))
        }
    };
    Ok(WishRow {
        id: WishId(row.int(0, "id")?),
        asked_by: row.text(1, "asked_by")?,
        asked_at: row.time(2, "asked_at")?,
        run: row.maybe_int(3, "run_id")?.map(RunId),
        ended,
        cost: WishCost {
            crm_requests: count(6, "crm_requests")?,
            crm_tokens: count(7, "crm_tokens")?,
            erp_requests: count(8, "erp_requests")?,
        },
        report: row.maybe_text(9, "report")?,
    })
}

fn errand(row: &Row<'_>) -> Result<(WishId, Errand), StoreError> {
    let errand = match (row.maybe_text(1, "customer")?, row.maybe_text(2, "again")?) {
        (Some(customer), _) => Errand::Customer(customer),
        (None, Some(_)) => Errand::Again(row.json(2, "again")?),
        (None, None) => Errand::Sync,
    };
    Ok((WishId(row.int(0, "id")?), errand))
}

impl Store {
    /// Asks whoever holds the connection to bring it up to date now.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn wish(
        &self,
        connection: ConnectionId,
        asked_by: &str,
        now: Timestamp,
    ) -> Result<WishId, StoreError> {
        self.wish_for(connection, asked_by, &Errand::Sync, now).await
    }

    /// Asks whoever holds the connection to do this now.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn wish_for(
        &self,
        connection: ConnectionId,
        asked_by: &str,
        errand: &Errand,
        now: Timestamp,
    ) -> Result<WishId, StoreError> {
        let (customer, again) = match errand {
            Errand::Sync => (None, None),
            Errand::Customer(customer) => (Some(customer.clone()), None),
            Errand::Again(again) => (None, Some(json("wish", "again", again)?)),
        };
        let mut tx = self.begin(connection).await?;
        let id = tx.numbers("wish", 1).await?;
        let sql = "INSERT INTO wish (connection_id, id, asked_by, asked_at, customer, again) \
            VALUES ($1, $2, $3, $4, $5, $6)";
        let args = vec![tx.id(), id.into(), asked_by.into(), now.into(), customer.into(), again.into()];
        tx.execute(sql, args).await?;
        tx.commit().await?;
        Ok(WishId(id))
    }

    /// What became of a wish.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn wish_look(
        &self,
        connection: ConnectionId,
        id: WishId,
    ) -> Result<Option<WishRow>, StoreError> {
        let mut tx = self.read(connection).await?;
        let args = vec![tx.id(), id.0.into()];
        tx.fetch_one("wish", ONE, args, read).await
    }

    /// Takes a wish back, because the one who asked does the work itself now, or does not wait any longer.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn wish_withdraw(&self, connection: ConnectionId, id: WishId) -> Result<(), StoreError> {
        let mut tx = self.begin(connection).await?;
        let sql = "DELETE FROM wish WHERE connection_id = $1 AND id = $2 AND ended_at IS NULL";
        let args = vec![tx.id(), id.0.into()];
        tx.execute(sql, args).await?;
        tx.commit().await
    }

    /// Connections that somebody wishes something of and nobody has noticed yet, and those with events of webhooks that
    /// nobody has looked into.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn asked_for(&self) -> Result<Vec<ConnectionId>, StoreError> {
        let mut tx = self.read(ConnectionId(0)).await?;
        let sql = "SELECT connection_id FROM wish WHERE ended_at IS NULL AND run_id IS NULL \
            UNION SELECT connection_id FROM hook_event WHERE done_at IS NULL ORDER BY connection_id";
        tx.fetch("wish", sql, Vec::new(), |row| Ok(ConnectionId(row.int(0, "connection_id")?))).await
    }
}

impl Tx {
    /// Open wishes that are more than a sync of everything: customers that nobody has reported on, repetitions that
    /// nobody has begun.
    ///
    /// # Errors
    /// When the database refuses or a row cannot be read.
    pub async fn open_errands(&mut self) -> Result<Vec<(WishId, Errand)>, StoreError> {
        let sql = "SELECT id, customer, again FROM wish WHERE connection_id = $1 AND ended_at IS NULL \
            AND (customer IS NOT NULL OR (again IS NOT NULL AND run_id IS NULL)) ORDER BY id";
        self.fetch("wish", sql, vec![self.id()], errand).await
    }

    /// How many wishes of this connection are open that are fulfilled by bringing everything up to date.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn open_wishes(&mut self) -> Result<u64, StoreError> {
        let sql = "SELECT count(*) FROM wish \
            WHERE connection_id = $1 AND ended_at IS NULL AND customer IS NULL";
        let args = vec![self.id()];
        Ok(self
            .fetch_one("wish", sql, args, |row| Ok(row.int(0, "count")?.unsigned_abs()))
            .await?
            .unwrap_or(0))
    }

    /// Works on a customer's wish in this run.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn take_wish(&mut self, id: WishId, run: RunId) -> Result<u64, StoreError> {
        let sql = "UPDATE wish SET run_id = $3 WHERE connection_id = $1 AND id = $2 AND ended_at IS NULL";
        self.execute(sql, vec![self.id(), id.0.into(), run.0.into()]).await
    }

    /// Tells what became of the customer that was asked for in this run.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn report_wish(&mut self, run: RunId, report: &str) -> Result<u64, StoreError> {
        let sql = "UPDATE wish SET report = $3 WHERE connection_id = $1 AND run_id = $2 AND ended_at IS NULL";
        self.execute(sql, vec![self.id(), run.0.into(), report.into()]).await
    }

    /// Works on all open wishes in this run from now on, those of a run that died with its process included; those for
    /// one customer have runs of their own.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn take_wishes(&mut self, run: RunId) -> Result<u64, StoreError> {
        let sql = "UPDATE wish SET run_id = $2 \
            WHERE connection_id = $1 AND ended_at IS NULL AND customer IS NULL";
        self.execute(sql, vec![self.id(), run.0.into()]).await
    }

    /// Ends the wishes that were worked on in this run.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn end_wishes(
        &mut self,
        run: RunId,
        (end, message): (WishEnd, &str),
        cost: WishCost,
        now: Timestamp,
    ) -> Result<u64, StoreError> {
        let sql = "UPDATE wish SET ended_at = $3, ended = $4, message = $5, crm_requests = $6, crm_tokens = $7, \
            erp_requests = $8 WHERE connection_id = $1 AND run_id = $2 AND ended_at IS NULL";
        let count = |number: u64| i64::try_from(number).unwrap_or(i64::MAX).into();
        let WishCost { crm_requests, crm_tokens, erp_requests } = cost;
        let counts = [crm_requests, crm_tokens, erp_requests].map(count);
        let mut args = vec![self.id(), run.0.into(), now.into(), end.key().into(), message.into()];
        args.extend(counts);
        self.execute(sql, args).await
    }
}
