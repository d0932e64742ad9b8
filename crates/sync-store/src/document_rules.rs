//! Answers about documents that persons made rules of: which documents are meant (JSON of whoever decides), and their deal.

use jiff::Timestamp;
use sync_core::{
    budget::Class,
    ids::{ConnectionId, DealId},
};

use crate::{Store, StoreError, Tx};

/// A rule of a person's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DocumentRule {
    /// Its number.
    pub id: i64,
    /// What the documents have in common, JSON.
    pub likeness: String,
    /// The deal they belong to.
    pub deal: DealId,
    /// Who made it.
    pub by: String,
    /// When.
    pub at: Timestamp,
}

impl Store {
    /// Takes down a rule; one for the same documents is replaced and keeps its number. What it may move is looked at again:
    /// whatever found no deal, and what is on the deal. Needs no lease: see [`Store::answer_hold`]. Gives its number.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn put_document_rule(
        &self,
        connection: ConnectionId,
        (likeness, deal): (&str, DealId),
        by: &str,
        now: Timestamp,
    ) -> Result<i64, StoreError> {
        let mut tx = self.begin(connection).await?;
        let sql = "SELECT id, deal_id FROM document_rule WHERE connection_id = $1 AND likeness = $2";
        let args = vec![tx.id(), likeness.into()];
        let read = |row: &crate::sql::Row<'_>| Ok((row.int(0, "id")?, row.int(1, "deal_id")?));
        let known = tx.fetch_one("document_rule", sql, args, read).await?;
        let id = match known {
            Some((id, before)) => {
                tx.look_again_for_rule(DealId(before), by, now).await?;
                id
            }
            None => tx.numbers("document_rule", 1).await?,
        };
        let sql = "INSERT INTO document_rule (connection_id, id, likeness, deal_id, made_by, made_at) \
            VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (connection_id, id) DO UPDATE SET \
            deal_id = excluded.deal_id, made_by = excluded.made_by, made_at = excluded.made_at";
        let args = vec![tx.id(), id.into(), likeness.into(), deal.0.into(), by.into(), now.into()];
        tx.execute(sql, args).await?;
        tx.look_again_for_rule(deal, by, now).await?;
        tx.commit().await?;
        Ok(id)
    }

    /// Takes a rule back, and looks again at what it moved. Tells which one it was, if there is such a one.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn remove_document_rule(
        &self,
        connection: ConnectionId,
        id: i64,
        by: &str,
        now: Timestamp,
    ) -> Result<Option<DocumentRule>, StoreError> {
        let mut tx = self.begin(connection).await?;
        let Some(rule) = tx.document_rules().await?.into_iter().find(|rule| rule.id == id) else {
            return Ok(None);
        };
        let sql = "DELETE FROM document_rule WHERE connection_id = $1 AND id = $2";
        tx.execute(sql, vec![tx.id(), id.into()]).await?;
        tx.look_again_for_rule(rule.deal, by, now).await?;
        tx.commit().await?;
        Ok(Some(rule))
    }
}

impl Tx {
    /// All rules, in the order in which they were made first.
    ///
    /// # Errors
    /// When the database refuses or a row cannot be read.
    pub async fn document_rules(&mut self) -> Result<Vec<DocumentRule>, StoreError> {
        let sql = "SELECT id, likeness, deal_id, made_by, made_at FROM document_rule \
            WHERE connection_id = $1 ORDER BY id";
        let read = |row: &crate::sql::Row<'_>| {
            Ok(DocumentRule {
                id: row.int(0, "id")?,
                likeness: row.text(1, "likeness")?,
                deal: DealId(row.int(2, "deal_id")?),
                by: row.text(3, "made_by")?,
                at: row.time(4, "made_at")?,
            })
        };
        self.fetch("document_rule", sql, vec![self.id()], read).await
    }

    async fn look_again_for_rule(
        &mut self,
        deal: DealId,
        by: &str,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let sql = "UPDATE document SET \
            class = CASE WHEN due_at IS NOT NULL AND class < $2 THEN class ELSE $2 END, \
            due_at = CASE WHEN due_at < $3 THEN due_at ELSE $3 END, \
            origin = $4, generation = generation + 1, attempts = 0, last_error = NULL \
            WHERE connection_id = $1 AND (deal_id = $5 OR decision_key IN ('ambiguous', 'customer', 'unmatched'))";
        let origin = format!("a rule of {by}");
        let class = Class::Document.rank();
        let args = vec![self.id(), class.into(), now.into(), origin.into(), deal.0.into()];
        self.execute(sql, args).await?;
        Ok(())
    }
}
