//! A deal's page: what is known of it, what was shown on it, and what is to be written.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{
    document::Document,
    kind::{DocumentKey, DocumentKind},
    money::Currencies,
    note::digest,
    question::DocumentQuestion,
    rollup::{RollUpField, RollUpValue},
};
use crate::{
    deals::DealStatus,
    ids::{ActivityId, DealId, NoteId},
};

/// Everything that is known when a deal's page is decided about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DealPage {
    /// The deal.
    pub deal: DealId,
    /// What became of it.
    pub state: DealState,
    /// All documents that are attached to it.
    pub documents: Vec<Document>,
    /// The currencies that the CRM knows.
    pub currencies: Currencies,
    /// What was shown last.
    pub shown: Shown,
    /// Kinds whose note may have been made without an answer: before another one is made, it is looked for.
    pub in_doubt: BTreeSet<DocumentKind>,
    /// What the CRM said last.
    pub read: PageRead,
    /// What persons answered.
    pub answers: PageAnswers,
}

impl DealPage {
    /// The deal that it was merged into.
    #[must_use]
    pub fn merged_into(&self) -> Option<DealId> {
        match &self.state {
            DealState::Merged { into } => Some(*into),
            DealState::Unknown | DealState::Here(_) | DealState::Deleted | DealState::Missing => None,
        }
    }

    /// The deal on which its notes and activities are: they go with a merger.
    #[must_use]
    pub fn notes_are_on(&self) -> DealId {
        self.merged_into().unwrap_or(self.deal)
    }
}

/// What became of a deal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DealState {
    /// It was not read.
    Unknown,
    /// It is there.
    Here(DealHere),
    /// It was deleted.
    Deleted,
    /// It was merged into another one, whose page shows its documents.
    Merged {
        /// The survivor.
        into: DealId,
    },
    /// There is none, or our user does not see it.
    Missing,
}

/// A deal as far as its page asks about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DealHere {
    /// How it stands.
    pub status: DealStatus,
    /// Its currency; a deal has one even without a value.
    pub currency: String,
    /// The salesperson.
    pub owner: Option<i64>,
    /// Whether it is archived, and so cannot be written.
    pub archived: bool,
}

/// What was shown on a deal, as the store remembers it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Shown {
    /// What was written to its fields.
    pub fields: BTreeMap<RollUpField, ShownField>,
    /// Our notes.
    pub notes: BTreeMap<DocumentKind, ShownNote>,
    /// Invoices that the owner was told of.
    pub told_overdue: BTreeSet<DocumentKey>,
    /// The activities that told of them and are not done yet.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub activities: BTreeMap<ActivityId, BTreeSet<DocumentKey>>,
    /// When all notes of the deal were listed, because there may have been some of ours that nobody knew of.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub looked_at: Option<Timestamp>,
    /// When all its activities were, for the same reason.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub activities_looked_at: Option<Timestamp>,
}

/// What was written to a field.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShownField {
    /// What was written last; `None` cleared it.
    pub value: Option<RollUpValue>,
    /// What the CRM's answer made of it.
    pub became: Option<RollUpValue>,
    /// How often in a row (law 3: never a third time).
    pub times: u8,
}

/// A note of ours.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShownNote {
    /// Its identity.
    pub id: NoteId,
    /// The digest of what was sent.
    pub sent: String,
    /// The digest of what the CRM's answer made of it.
    pub became: String,
    /// How often it was made again after a person deleted it.
    #[serde(default)]
    pub made_again: u8,
    /// Whether a person deleted it.
    #[serde(default)]
    pub deleted: bool,
}

impl Shown {
    /// Whether nothing was shown yet.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        let Self { looked_at, activities_looked_at, .. } = *self;
        *self == Self { looked_at, activities_looked_at, ..Self::default() }
    }

    /// Remembers what was answered to [`PageWrite::Fields`].
    pub fn wrote_fields(&mut self, writes: &[FieldWrite], answer: &BTreeMap<RollUpField, RollUpValue>) {
        for write in writes {
            let before = self.fields.get(&write.field).filter(|before| before.value == write.value);
            let times = before.map_or(0, |before| before.times).saturating_add(1);
            let became = answer.get(&write.field).cloned();
            self.fields.insert(write.field, ShownField { value: write.value.clone(), became, times });
        }
    }

    /// Remembers what was answered to [`PageWrite::CreateNote`] and [`PageWrite::UpdateNote`].
    pub fn wrote_note(&mut self, kind: DocumentKind, id: NoteId, sent: &str, answer: &str) {
        let before = self.notes.get(&kind);
        let made_again = before.map_or(0, |note| note.made_again + u8::from(note.id != id));
        let note = ShownNote { id, sent: digest(sent), became: digest(answer), made_again, deleted: false };
        self.notes.insert(kind, note);
    }

    /// Remembers a note that was found, with what it says: [`PageDecision::Adopt`].
    pub fn adopt(&mut self, kind: DocumentKind, id: NoteId, digest: &str) {
        let digest = digest.to_owned();
        let before = self.notes.get(&kind);
        let made_again = before.map_or(0, |note| note.made_again + u8::from(note.id != id));
        let note = ShownNote { id, sent: digest.clone(), became: digest, made_again, deleted: false };
        self.notes.insert(kind, note);
    }

    /// Remembers what was sent, by its digest, of a note that was found: whatever else it says, a person wrote.
    pub fn found_note(&mut self, kind: DocumentKind, id: NoteId, sent: &str) {
        if let Some(note) = self.notes.get_mut(&kind).filter(|note| note.id == id) {
            (note.sent, note.became) = (sent.to_owned(), sent.to_owned());
        }
    }

    /// Remembers that a person deleted our note, so that nobody has to look for it again.
    pub fn found_deleted(&mut self, kind: DocumentKind) {
        if let Some(note) = self.notes.get_mut(&kind) {
            note.deleted = true;
        }
    }

    /// Remembers what was answered to [`PageWrite::OverdueActivity`], or that it was found.
    pub fn told_owner(&mut self, id: ActivityId, invoices: &BTreeSet<DocumentKey>) {
        self.told_overdue.extend(invoices);
        self.activities.entry(id).or_default().extend(invoices);
    }

    /// Remembers what was answered to [`PageWrite::EndActivity`].
    pub fn ended_activity(&mut self, id: ActivityId) {
        self.activities.remove(&id);
    }

    /// Remembers what was answered to [`PageWrite::DeleteNote`].
    pub fn removed_note(&mut self, kind: DocumentKind) {
        self.notes.remove(&kind);
    }
}

/// What the CRM said last of a deal. What was not read is `None`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PageRead {
    /// The roll-up fields that say something.
    pub fields: Option<BTreeMap<RollUpField, RollUpValue>>,
    /// The notes on the deal that are ours by id or by marker. One that is deleted is told only when it is read by id.
    pub notes: Option<BTreeMap<NoteId, SeenNote>>,
}

/// A note as last read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SeenNote {
    /// What it says.
    pub content: String,
    /// Whether it was deleted.
    pub deleted: bool,
}

/// What persons answered about a deal's page.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct PageAnswers {
    /// Fields that are left as the deal says, whatever the documents say.
    pub left: BTreeSet<RollUpField>,
    /// Fields that are written once more although they are contested, with how often they had been written when a person
    /// said so: one answer is one write.
    pub again: BTreeMap<RollUpField, u8>,
}

/// What follows for a deal's page. Closed on purpose: match it without `_`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum PageDecision {
    /// It shows what it should.
    InSync,
    /// Nothing can be shown on it.
    NotShown(NotShown),
    /// This has to be read first.
    Observe(ToRead),
    /// These notes are ours and were lost: remember them with their digests, and decide again. Nothing is written.
    Adopt(Vec<(DocumentKind, NoteId, String)>),
    /// Write.
    Do(Vec<PageWrite>),
    /// Ask a person. Everything that can be written without an answer is there.
    Hold(Box<DocumentQuestion>),
}

/// Why nothing can be shown on a deal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum NotShown {
    /// It was deleted, or our user does not see it.
    Gone,
    /// It was merged; its documents are shown there.
    Merged {
        /// The survivor.
        into: DealId,
    },
    /// It is archived and read-only: its documents are shown when it is back.
    Archived,
}

/// What has to be read of a deal before it is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ToRead {
    /// The deal with its roll-up fields.
    Deal,
    /// Its notes: by id where known, else by marker.
    Notes,
}

/// One remote write. Closed on purpose: match it without `_`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum PageWrite {
    /// All fields that change, in one request.
    Fields {
        /// They.
        writes: Vec<FieldWrite>,
    },
    /// A new note.
    CreateNote {
        /// The kind that it shows.
        kind: DocumentKind,
        /// HTML.
        content: String,
        /// Why.
        reason: &'static str,
    },
    /// New content for our note.
    UpdateNote {
        /// The kind that it shows.
        kind: DocumentKind,
        /// The note.
        id: NoteId,
        /// HTML.
        content: String,
        /// Why.
        reason: &'static str,
        /// Whether a person edited it: what they wrote goes to the journal, as the image before the write.
        replaces_edit: bool,
    },
    /// Our note shows documents that are no longer on the deal.
    DeleteNote {
        /// The kind that it showed.
        kind: DocumentKind,
        /// The note.
        id: NoteId,
        /// Why.
        reason: &'static str,
        /// Whether a person edited it.
        replaces_edit: bool,
    },
    /// An activity for the deal's owner.
    OverdueActivity {
        /// The salesperson.
        owner: i64,
        /// The invoices that became overdue: remember them in [`Shown::told_overdue`].
        invoices: BTreeSet<DocumentKey>,
        /// One line of plain text.
        subject: String,
        /// HTML, with [`overdue_marker`](super::overdue_marker) of each of them.
        note: String,
    },
    /// An activity of ours is done: none of its invoices is overdue any more.
    EndActivity {
        /// It.
        id: ActivityId,
    },
}

/// A field that changes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FieldWrite {
    /// The field.
    pub field: RollUpField,
    /// What it is to say; `None` clears it.
    pub value: Option<RollUpValue>,
    /// Why.
    pub reason: &'static str,
}
