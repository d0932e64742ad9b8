//! Intents of writes to the ERP: committed before a write is sent, ended by its receipt. At most one open one an
//! organization; open ones without an answer are in doubt.

use jiff::Timestamp;
use sync_core::{
    budget::Class,
    handover::{Cause, Piece},
    ids::{IntentId, OrgId, RunId, SetId},
};

use crate::{
    IntentEnd, StoreError, Tx,
    sql::{Row, json},
};

/// A write that is about to be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewErpIntent {
    /// The organization it is for.
    pub org: OrgId,
    /// The write.
    pub piece: Piece,
    /// What it is for.
    pub cause: Cause,
    /// The set of the business unit.
    pub set: SetId,
    /// Why, for people.
    pub reason: String,
    /// How urgent.
    pub class: Class,
    /// What asked for it.
    pub origin: String,
}

/// An open intent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ErpIntent {
    /// Its number.
    pub id: IntentId,
    /// What it says.
    pub new: NewErpIntent,
    /// When it was opened.
    pub created_at: Timestamp,
    /// From when on a look can tell that it did not happen. None while its answer is awaited, or was never taken.
    pub settled_at: Option<Timestamp>,
}

impl Tx {
    /// Opens an intent.
    ///
    /// # Errors
    /// When the database refuses: also when the organization has an open intent already.
    pub async fn open_erp_intent(
        &mut self,
        run: RunId,
        intent: &NewErpIntent,
        now: Timestamp,
    ) -> Result<IntentId, StoreError> {
        let NewErpIntent { org, piece, cause, set, reason, class, origin } = intent;
        let id = self.numbers("erp_intent", 1).await?;
        let sql = "INSERT INTO erp_intent (connection_id, id, run_id, org_id, kind, piece, cause, set_id, reason, class, \
            origin, created_at, state, epoch) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, 'open', \
            (SELECT epoch FROM lease WHERE connection_id = $1))";
        let args = vec![
            self.id(),
            id.into(),
            run.0.into(),
            org.0.into(),
            piece.op().into(),
            json("erp_intent", "piece", piece)?.into(),
            json("erp_intent", "cause", cause)?.into(),
            set.0.into(),
            reason.clone().into(),
            class.rank().into(),
            origin.clone().into(),
            now.into(),
        ];
        self.execute(sql, args).await?;
        Ok(IntentId(id))
    }

    /// Ends an intent.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn close_erp_intent(
        &mut self,
        id: IntentId,
        end: IntentEnd,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let sql = "UPDATE erp_intent SET state = $3, ended_at = $4 \
            WHERE connection_id = $1 AND id = $2 AND state = 'open'";
        self.execute(sql, vec![self.id(), id.0.into(), end.key().into(), now.into()]).await?;
        Ok(())
    }

    /// Notes from when on a look can tell that this one did not happen.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn doubt_erp_intent(&mut self, id: IntentId, settled_at: Timestamp) -> Result<(), StoreError> {
        let sql =
            "UPDATE erp_intent SET settled_at = $3 WHERE connection_id = $1 AND id = $2 AND state = 'open'";
        self.execute(sql, vec![self.id(), id.0.into(), settled_at.into()]).await?;
        Ok(())
    }

    /// All open intents, by number.
    ///
    /// # Errors
    /// When the database refuses or a row cannot be read.
    pub async fn erp_intents(&mut self) -> Result<Vec<ErpIntent>, StoreError> {
        let sql = "SELECT id, org_id, piece, cause, set_id, reason, class, origin, created_at, settled_at FROM erp_intent \
            WHERE connection_id = $1 AND state = 'open' ORDER BY id";
        self.fetch("erp_intent", sql, vec![self.id()], intent).await
    }

    /// The open intent of an organization.
    ///
    /// # Errors
    /// When the database refuses or a row cannot be read.
    pub async fn erp_intent_of(&mut self, org: OrgId) -> Result<Option<ErpIntent>, StoreError> {
        let sql = "SELECT id, org_id, piece, cause, set_id, reason, class, origin, created_at, settled_at FROM erp_intent \
            WHERE connection_id = $1 AND org_id = $2 AND state = 'open'";
        self.fetch_one("erp_intent", sql, vec![self.id(), org.0.into()], intent).await
    }
}

fn intent(row: &Row<'_>) -> Result<ErpIntent, StoreError> {
    Ok(ErpIntent {
        id: IntentId(row.int(0, "id")?),
        new: NewErpIntent {
            org: OrgId(row.int(1, "org_id")?),
            piece: row.json(2, "piece")?,
            cause: row.json(3, "cause")?,
            set: SetId(row.int(4, "set_id")?),
            reason: row.text(5, "reason")?,
            class: Class::of_rank(row.int(6, "class")?),
            origin: row.text(7, "origin")?,
        },
        created_at: row.time(8, "created_at")?,
        settled_at: row.maybe_time(9, "settled_at")?,
    })
}
