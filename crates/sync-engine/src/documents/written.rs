//! What a write on a deal leaves behind: what stood there before, what it became, and what is remembered of it; also where its
//! answer is lost and it is found afterwards.

use std::collections::BTreeSet;

use jiff::Timestamp;
use sync_core::{
    deals::{CrmDeal, CrmNote},
    documents::{
        DealPage, DocumentKey, DocumentKind, PageWrite, RollUpField, RollUpValue, SeenNote, ShownField,
    },
    fields::Values,
    ids::{ActivityId, IntentId, PartyId, RunId},
};
use sync_store::{DealPageJob, JournalEntry, PageIntent};

/// What a write became.
pub(super) enum Became {
    Deal(Box<CrmDeal>),
    Note(CrmNote),
    Activity(ActivityId),
    Nothing,
}

impl Became {
    /// For the journal.
    pub(super) fn told(&self) -> serde_json::Value {
        match self {
            Self::Deal(deal) => serde_json::json!(deal.facts.rolled),
            Self::Note(note) => serde_json::json!(note.content),
            Self::Activity(id) => serde_json::json!(id),
            Self::Nothing => serde_json::Value::Null,
        }
    }
}

/// What stood there before a write, as far as it was read: what a person wrote must be found again (law 4).
pub(super) fn before(page: &DealPage, write: &PageWrite) -> serde_json::Value {
    match write {
        PageWrite::Fields { .. } => serde_json::json!(page.read.fields),
        PageWrite::UpdateNote { id, .. } | PageWrite::DeleteNote { id, .. } => {
            let note = page.read.notes.as_ref().and_then(|notes| notes.get(id));
            serde_json::json!(note.map(|note| &note.content))
        }
        PageWrite::CreateNote { .. } | PageWrite::OverdueActivity { .. } | PageWrite::EndActivity { .. } => {
            serde_json::Value::Null
        }
    }
}

/// A write as its intent has it, with what stood there before: if its answer is lost, nobody else remembers that.
pub(super) fn intended(page: &DealPage, write: &PageWrite) -> String {
    let mut body = serde_json::json!(write);
    if let Some(body) = body.as_object_mut() {
        body.insert("before".to_owned(), before(page, write));
    }
    body.to_string()
}

/// A line of the journal.
pub(super) struct Entry {
    pub(super) intent: IntentId,
    pub(super) op: String,
    pub(super) reason: String,
    pub(super) tokens: u32,
    /// What was sent, what stood there before, and what it became.
    pub(super) told: (serde_json::Value, serde_json::Value, serde_json::Value),
}

impl Entry {
    /// The line for a deal.
    pub(super) fn of(self, run: RunId, job: &DealPageJob, page: &DealPage, at: Timestamp) -> JournalEntry {
        let Self { intent, op, reason, tokens, told: (sent, before, became) } = self;
        JournalEntry {
            intent,
            run,
            at,
            op,
            party: page.documents.iter().find_map(|document| document.party).unwrap_or(PartyId(0)),
            org: None,
            before: Values::new(),
            after: Values::new(),
            reason,
            rule: "documents".to_owned(),
            origin: job.origin.clone(),
            tokens: i64::from(tokens),
            detail: Some(serde_json::json!({
                "deal": job.deal, "sent": sent, "before": before, "became": became,
            })),
        }
    }
}

/// Remembers what a write became: as what is shown, and as what was read last.
pub(super) fn receipt(page: &mut DealPage, write: &PageWrite, became: &Became) {
    match (write, became) {
        (PageWrite::Fields { writes }, Became::Deal(deal)) => {
            page.shown.wrote_fields(writes, &deal.facts.rolled);
            page.read.fields = Some(deal.facts.rolled.clone());
        }
        (
            PageWrite::CreateNote { kind, content, .. } | PageWrite::UpdateNote { kind, content, .. },
            Became::Note(note),
        ) => {
            page.shown.wrote_note(*kind, note.id, content, &note.content);
            if note.deleted {
                page.shown.found_deleted(*kind);
            }
            if let Some(notes) = &mut page.read.notes {
                notes.insert(note.id, SeenNote { content: note.content.clone(), deleted: note.deleted });
            }
        }
        (PageWrite::DeleteNote { kind, id, .. }, _) => {
            page.shown.removed_note(*kind);
            if let Some(notes) = &mut page.read.notes {
                notes.remove(id);
            }
        }
        (PageWrite::OverdueActivity { invoices, .. }, Became::Activity(id)) => {
            page.shown.told_owner(*id, invoices);
        }
        (PageWrite::EndActivity { id }, _) => page.shown.ended_activity(*id),
        (
            PageWrite::CreateNote { .. }
            | PageWrite::UpdateNote { .. }
            | PageWrite::Fields { .. }
            | PageWrite::OverdueActivity { .. },
            Became::Deal(_) | Became::Note(_) | Became::Activity(_) | Became::Nothing,
        ) => {}
    }
}

/// Takes what a write without an answer was to set for ours, if the deal tells that it happened: as a whole, for it was one
/// request. Where something stands that was neither there before nor sent, somebody wrote over it, perhaps: it counts (law 3).
/// Tells whether anything did.
pub(super) fn adopt_fields(page: &mut DealPage, body: &serde_json::Value) -> bool {
    let seen = page.read.fields.clone().unwrap_or_default();
    let writes = body.pointer("/fields/writes").and_then(serde_json::Value::as_array);
    let sent: Vec<(RollUpField, Option<RollUpValue>)> = writes
        .into_iter()
        .flatten()
        .filter_map(|write| {
            let field = RollUpField::parse(write.get("field")?.as_str()?)?;
            Some((field, serde_json::from_value(write.get("value")?.clone()).ok()?))
        })
        .collect();
    let stands = |field: &RollUpField| serde_json::json!(seen.get(field));
    let changed = |field: &RollUpField| stands(field) != body["before"][field.key()];
    let as_sent = |(field, value): &(RollUpField, Option<RollUpValue>)| seen.get(field) == value.as_ref();
    let happened = sent.iter().any(|write| as_sent(write) && changed(&write.0));
    let counts: Vec<_> =
        sent.into_iter().filter(|write| happened || as_sent(write) || changed(&write.0)).collect();
    let any = page.read.fields.is_some() && !counts.is_empty();
    for (field, value) in counts.into_iter().filter(|_| any) {
        let known = page.shown.fields.get(&field).filter(|known| known.value == value);
        let times = known.map_or(0, |known| known.times).saturating_add(1);
        page.shown.fields.insert(field, ShownField { became: value.clone(), value, times });
    }
    any
}

pub(super) fn name_of(write: &PageWrite) -> (&'static str, &'static str) {
    match write {
        PageWrite::Fields { .. } => ("deal_fields", "its documents changed"),
        PageWrite::CreateNote { reason, .. } => ("create_note", reason),
        PageWrite::UpdateNote { reason, .. } => ("update_note", reason),
        PageWrite::DeleteNote { reason, .. } => ("delete_note", reason),
        PageWrite::OverdueActivity { .. } => ("overdue_activity", "invoices became overdue"),
        PageWrite::EndActivity { .. } => ("end_activity", "nothing that it told of is overdue any more"),
    }
}

/// The invoices that an intent was to tell the deal's owner of.
pub(super) fn told_by(intent: &PageIntent) -> Option<BTreeSet<DocumentKey>> {
    let body: serde_json::Value = serde_json::from_str(&intent.new.body).ok()?;
    serde_json::from_value(body.get("overdue_activity")?.get("invoices")?.clone()).ok()
}

/// What a note of this kind was to say that an intent was to create.
pub(super) fn content_created(intent: &PageIntent, kind: DocumentKind) -> Option<String> {
    let body: serde_json::Value = serde_json::from_str(&intent.new.body).ok()?;
    let content = body.get("create_note")?.get("content")?.as_str()?;
    created_by(intent).filter(|created| *created == kind).map(|_| content.to_owned())
}

/// The kind whose note an intent was to create.
pub(super) fn created_by(intent: &PageIntent) -> Option<DocumentKind> {
    let body: serde_json::Value = serde_json::from_str(&intent.new.body).ok()?;
    DocumentKind::parse(body.get("create_note")?.get("kind")?.as_str()?)
}
