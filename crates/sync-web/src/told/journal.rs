//! Writes that took effect, and runs.

use std::collections::BTreeSet;

use serde::Serialize;
use sync_core::{
    fields::{Field, Values},
    ids::{PartyId, RunId},
    value::Value,
};
use sync_store::{JournalRow, Tx};
use utoipa::ToSchema;

use super::{Paged, TellError, at};

/// A write that took effect.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Written {
    /// Its number: newer ones have greater ones.
    pub(crate) id: i64,
    /// When its answer came.
    pub(crate) at: String,
    /// `create`, `update`, and so on.
    pub(crate) op: String,
    /// The customer's party in the ERP; 0 where it is about none.
    pub(crate) party: i64,
    /// The organization in the CRM.
    pub(crate) organization: Option<i64>,
    /// Field by field.
    pub(crate) changes: Vec<Change>,
    /// Why, in words.
    pub(crate) reason: String,
    /// The rule behind it.
    pub(crate) rule: String,
    /// The event that asked for it.
    pub(crate) origin: String,
    /// The run in which it was sent.
    pub(crate) run: i64,
    /// What it cost, in the CRM's tokens.
    pub(crate) tokens: i64,
    /// What was sent to the ERP and what it said, where it was written there.
    #[schema(value_type = Option<Object>)]
    pub(crate) detail: Option<serde_json::Value>,
}

/// A field that a write changed.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Change {
    /// The field's key.
    pub(crate) field: String,
    /// What people call it.
    pub(crate) label: String,
    /// What it said before.
    pub(crate) before: Option<String>,
    /// What it said in the answer.
    pub(crate) after: Option<String>,
}

/// What differs between two images of an organization.
pub(crate) fn changes(before: &Values, after: &Values) -> Vec<Change> {
    let fields: BTreeSet<&Field> = before.keys().chain(after.keys()).collect();
    let text = |value: Option<&Value>| value.map(|value| value.text().to_owned());
    let differs = fields.into_iter().filter(|field| before.get(field) != after.get(field));
    differs
        .map(|field| Change {
            field: field.key().to_owned(),
            label: field.label().to_owned(),
            before: text(before.get(field)),
            after: text(after.get(field)),
        })
        .collect()
}

impl From<JournalRow> for Written {
    fn from(JournalRow { id, entry }: JournalRow) -> Self {
        Self {
            id,
            at: at(entry.at),
            op: entry.op,
            party: entry.party.0,
            organization: entry.org.map(|org| org.0),
            changes: changes(&entry.before, &entry.after),
            reason: entry.reason,
            rule: entry.rule,
            origin: entry.origin,
            run: entry.run.0,
            tokens: entry.tokens,
            detail: entry.detail,
        }
    }
}

/// A page of writes, newest first: of one party or of all.
pub(crate) async fn journal(
    tx: &mut Tx,
    party: Option<i64>,
    before: Option<i64>,
    limit: u32,
) -> Result<Paged<Written>, TellError> {
    let rows = tx.journal(party.map(PartyId), before, limit + 1).await?;
    Ok(Paged::of(rows.into_iter().map(Written::from).collect(), limit, |written| written.id))
}

/// A run: what one process, or one command, did to a connection.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct RunRow {
    /// Its number.
    pub(crate) id: i64,
    /// `sync`, `run`, `apply`, and so on.
    pub(crate) kind: String,
    /// When it began.
    pub(crate) started_at: String,
    /// When it ended, if it ended well.
    pub(crate) finished_at: Option<String>,
}

/// A page of runs, newest first.
pub(crate) async fn runs(tx: &mut Tx, before: Option<i64>, limit: u32) -> Result<Paged<RunRow>, TellError> {
    let rows = tx.runs(before.map(RunId), limit + 1).await?;
    let told = rows.into_iter().map(|run| RunRow {
        id: run.id.0,
        kind: run.kind,
        started_at: at(run.started_at),
        finished_at: run.finished_at.map(at),
    });
    Ok(Paged::of(told.collect(), limit, |run| run.id))
}
