//! The journal: every remote write that took effect, with what it changed and why.

use jiff::Timestamp;
use serde_json::Value as Json;
use sync_core::{
    fields::Values,
    ids::{IntentId, OrgId, PartyId, RunId},
};

use crate::{
    StoreError, Tx,
    sql::{Many, json},
};

/// A write that took effect.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JournalEntry {
    /// The intent behind it.
    pub intent: IntentId,
    /// The run in whose name it was sent.
    pub run: RunId,
    /// When its answer came.
    pub at: Timestamp,
    /// `create` or `update`.
    pub op: String,
    /// The party.
    pub party: PartyId,
    /// The organization.
    pub org: Option<OrgId>,
    /// What the organization said before.
    pub before: Values,
    /// What it said in the answer.
    pub after: Values,
    /// Why, for people.
    pub reason: String,
    /// Why, for filters.
    pub rule: String,
    /// What asked for it.
    pub origin: String,
    /// Tokens it cost.
    pub tokens: i64,
    /// What was sent to the ERP and what it said, where that is no organization of the CRM.
    pub detail: Option<Json>,
}

/// A journal entry with its number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JournalRow {
    /// Its number.
    pub id: i64,
    /// The entry.
    pub entry: JournalEntry,
}

static APPEND: Many = Many::new(
    "INSERT INTO journal (connection_id, id, intent_id, run_id, at, op, party_id, org_id, before_image, after_image, \
        reason, rule, origin, tokens, detail) VALUES {rows}",
    "($1, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
    1,
);

impl Tx {
    /// Appends entries.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn append_journal(&mut self, entries: &[JournalEntry]) -> Result<(), StoreError> {
        if entries.is_empty() {
            return Ok(());
        }
        let first = self.numbers("journal", entries.len()).await?;
        let mut rows = Vec::with_capacity(entries.len());
        for (id, entry) in (first..).zip(entries) {
            let JournalEntry {
                intent,
                run,
                at,
                op,
                party,
                org,
                before,
                after,
                reason,
                rule,
                origin,
                tokens,
                detail,
            } = entry;
            let detail = detail.as_ref().map(|detail| json("journal", "detail", detail)).transpose()?;
            rows.push(vec![
                id.into(),
                intent.0.into(),
                run.0.into(),
                (*at).into(),
                op.clone().into(),
                party.0.into(),
                org.map(|org| org.0).into(),
                json("journal", "before_image", before)?.into(),
                json("journal", "after_image", after)?.into(),
                reason.clone().into(),
                rule.clone().into(),
                origin.clone().into(),
                (*tokens).into(),
                detail.into(),
            ]);
        }
        let shared = [self.id()];
        self.execute_many(&APPEND, &shared, &rows).await?;
        Ok(())
    }

    /// The organizations for which something of this party was created.
    ///
    /// # Errors
    /// When the database refuses or a row cannot be read.
    pub async fn orgs_handed_over(&mut self, party: PartyId) -> Result<Vec<OrgId>, StoreError> {
        let sql = "SELECT DISTINCT org_id FROM journal \
            WHERE connection_id = $1 AND party_id = $2 AND rule = 'customers_from_crm' AND org_id IS NOT NULL \
            ORDER BY org_id";
        let args = vec![self.id(), party.0.into()];
        self.fetch("journal", sql, args, |row| Ok(OrgId(row.int(0, "org_id")?))).await
    }

    /// A page of the journal, newest first: of one party or of all.
    ///
    /// # Errors
    /// When the database refuses or a row cannot be read.
    pub async fn journal(
        &mut self,
        party: Option<PartyId>,
        before_id: Option<i64>,
        limit: u32,
    ) -> Result<Vec<JournalRow>, StoreError> {
        // Of one party in the order of an index of its own: it may have been written about long ago.
        let sql = match party {
            None => {
                "SELECT id, intent_id, run_id, at, op, party_id, org_id, before_image, after_image, reason, rule, \
                origin, tokens, detail FROM journal \
                WHERE connection_id = $1 AND id < $2 ORDER BY id DESC LIMIT $3"
            }
            Some(_) => {
                "SELECT id, intent_id, run_id, at, op, party_id, org_id, before_image, after_image, reason, rule, \
                origin, tokens, detail FROM journal \
                WHERE connection_id = $1 AND party_id = $4 AND id < $2 ORDER BY party_id DESC, id DESC LIMIT $3"
            }
        };
        let before = before_id.unwrap_or(i64::MAX);
        let mut args = vec![self.id(), before.into(), i64::from(limit).into()];
        args.extend(party.map(|party| party.0.into()));
        self.fetch("journal", sql, args, |row| {
            let entry = JournalEntry {
                intent: IntentId(row.int(1, "intent_id")?),
                run: RunId(row.int(2, "run_id")?),
                at: row.time(3, "at")?,
                op: row.text(4, "op")?,
                party: PartyId(row.int(5, "party_id")?),
                org: row.maybe_int(6, "org_id")?.map(OrgId),
                before: row.json(7, "before_image")?,
                after: row.json(8, "after_image")?,
                reason: row.text(9, "reason")?,
                rule: row.text(10, "rule")?,
                origin: row.text(11, "origin")?,
                tokens: row.int(12, "tokens")?,
                detail: match row.maybe_text(13, "detail")? {
                    Some(_) => Some(row.json(13, "detail")?),
                    None => None,
                },
            };
            Ok(JournalRow { id: row.int(0, "id")?, entry })
        })
        .await
    }
}
