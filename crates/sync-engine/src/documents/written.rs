//! What a write on a deal leaves behind: what stood there before, what it became, and what is remembered of it; also where its
//! answer is lost and it is found afterwards.

use std::collections::BTreeSet;

use sync_core::{
    deals::{CrmDeal, CrmNote},
    documents::{DealPage, DocumentKey, DocumentKind, PageWrite, RollUpField, SeenNote, ShownField},
    ids::ActivityId,
};
use sync_store::PageIntent;

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
            if let Some(notes) = &mut page.read.notes {
                notes.insert(note.id, SeenNote { content: note.content.clone(), deleted: false });
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

/// Takes what a write without an answer was to set for ours, as far as the deal says it. Tells whether there was any.
pub(super) fn adopt_fields(page: &mut DealPage, intent: &PageIntent) -> bool {
    let body: serde_json::Value = serde_json::from_str(&intent.new.body).unwrap_or_default();
    let writes = body.pointer("/fields/writes").and_then(serde_json::Value::as_array);
    let mut any = false;
    for write in writes.into_iter().flatten() {
        let Some(field) = write.get("field").and_then(|field| RollUpField::parse(field.as_str()?)) else {
            continue;
        };
        let seen = page.read.fields.as_ref().and_then(|fields| fields.get(&field)).cloned();
        if serde_json::json!(seen) == write["value"] {
            let known = ShownField { value: seen.clone(), became: seen, times: 1 };
            page.shown.fields.insert(field, known);
            any = true;
        }
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

/// The kind whose note an intent was to create.
pub(super) fn created_by(intent: &PageIntent) -> Option<DocumentKind> {
    let body: serde_json::Value = serde_json::from_str(&intent.new.body).ok()?;
    DocumentKind::parse(body.get("create_note")?.get("kind")?.as_str()?)
}
