//! What a deal shows of its documents -> what is to be written for that. Pure and total.
//!
//! Fields change together in one request; a note changes when what it says changes. What a person did to our fields is
//! undone once and then left alone and reported; what a person wrote into our note stays until its documents change; a note
//! that a person deleted stays deleted, unless the policy says to make it again, once.

use std::collections::BTreeSet;

use jiff::{ToSpan, civil::Date};

use super::{
    document::{Document, InvoiceStatus},
    kind::{DocumentKey, DocumentKind},
    note::{digest, is_ours, overdue_note, render},
    page_model::{
        DealHere, DealPage, DealState, FieldWrite, NotShown, PageDecision, PageWrite, SeenNote, ShownField,
        ShownNote, ToRead,
    },
    policy::{DocumentPolicy, NoteFor},
    question::DocumentQuestion,
    rollup::{RollUp, RollUpField, RollUpValue, counted, roll_up},
};
use crate::{
    deals::DealStatus,
    ids::{DealId, NoteId},
    text,
};

/// A document of so many days is recent.
const RECENT: i32 = 90;

/// An invoice that became overdue longer ago is no news: a first load must not fill calendars.
const NEWS: i32 = 14;

/// So many invoices are named in an activity.
const NAMED: usize = 3;

/// Why a first note is made.
const FIRST: &str = "it has documents";

/// Decides what to write on a deal's page.
#[must_use]
pub fn decide_page(policy: &DocumentPolicy, page: &DealPage, today: Date) -> PageDecision {
    let deal = match &page.state {
        DealState::Unknown => return PageDecision::Observe(ToRead::Deal),
        DealState::Deleted | DealState::Missing => return PageDecision::NotShown(NotShown::Gone),
        DealState::Merged { into } => return after_merger(page, *into),
        DealState::Here(deal) if deal.archived => return PageDecision::NotShown(NotShown::Archived),
        DealState::Here(deal) => deal,
    };
    let task = Task { policy, page, deal, today };
    let fields = match task.fields() {
        Ok(fields) => fields,
        Err(read) => return PageDecision::Observe(read),
    };
    let notes = match task.notes() {
        Ok(notes) => notes,
        Err(read) => return PageDecision::Observe(read),
    };
    if !notes.found.is_empty() {
        return PageDecision::Adopt(notes.found);
    }
    let mut writes = Vec::new();
    if !fields.writes.is_empty() {
        writes.push(PageWrite::Fields { writes: fields.writes });
    }
    writes.extend(notes.writes);
    writes.extend(task.overdue());
    writes.extend(task.ended());
    if !writes.is_empty() {
        return PageDecision::Do(writes);
    }
    fields.question.map_or(PageDecision::InSync, |question| PageDecision::Hold(Box::new(question)))
}

/// Its documents are shown on the deal that stands for both. Our notes and activities went there, too, and would say the same
/// a second time, and never change again.
fn after_merger(page: &DealPage, into: DealId) -> PageDecision {
    let DealPage { deal, shown, in_doubt, read, .. } = page;
    let ours: Vec<(DocumentKind, &ShownNote)> =
        shown.notes.iter().filter(|(_, note)| !note.deleted).map(|(kind, note)| (*kind, note)).collect();
    let mut writes = Vec::new();
    if !ours.is_empty() || !in_doubt.is_empty() {
        let Some(seen) = &read.notes else { return PageDecision::Observe(ToRead::Notes) };
        let lost = |kind: DocumentKind| {
            let one = seen.iter().find(|(_, note)| !note.deleted && is_ours(&note.content, *deal, kind));
            one.map(|(id, note)| (kind, *id, digest(&note.content)))
        };
        let unknown = in_doubt.iter().filter(|kind| shown.notes.get(kind).is_none_or(|note| note.deleted));
        let found: Vec<_> = unknown.filter_map(|kind| lost(*kind)).collect();
        if !found.is_empty() {
            return PageDecision::Adopt(found);
        }
        writes.extend(ours.into_iter().filter_map(|(kind, note)| {
            let there = seen.get(&note.id).filter(|seen| !seen.deleted)?;
            Some(PageWrite::DeleteNote {
                kind,
                id: note.id,
                reason: "its deal was merged into another one, which shows its documents",
                replaces_edit: edited(note, there),
            })
        }));
    }
    writes.extend(shown.activities.keys().map(|id| PageWrite::EndActivity { id: *id }));
    if writes.is_empty() {
        PageDecision::NotShown(NotShown::Merged { into })
    } else {
        PageDecision::Do(writes)
    }
}

struct Task<'a> {
    policy: &'a DocumentPolicy,
    page: &'a DealPage,
    deal: &'a DealHere,
    today: Date,
}

#[derive(Default)]
struct Fields {
    writes: Vec<FieldWrite>,
    /// The first one.
    question: Option<DocumentQuestion>,
}

#[derive(Default)]
struct Notes {
    writes: Vec<PageWrite>,
    found: Vec<(DocumentKind, NoteId, String)>,
}

/// Whether both say the same to a person.
fn same(a: Option<&RollUpValue>, b: Option<&RollUpValue>) -> bool {
    match (a, b) {
        (Some(RollUpValue::Text(a)), Some(RollUpValue::Text(b))) => text::squeeze(a) == text::squeeze(b),
        _ => a == b,
    }
}

impl Task<'_> {
    fn fields(&self) -> Result<Fields, ToRead> {
        let DealPage { deal, documents, currencies, shown, read, answers, .. } = self.page;
        let RollUp { values, troubles } =
            roll_up(self.policy, &self.deal.currency, currencies, documents, self.today);
        let mut fields = Fields::default();
        let all: BTreeSet<RollUpField> =
            self.policy.fields.iter().chain(shown.fields.keys()).copied().collect();
        for field in all.into_iter().filter(|field| !answers.left.contains(field)) {
            if let Some(trouble) = troubles.get(&field) {
                let trouble = trouble.clone();
                fields.ask(DocumentQuestion::FieldUntold { deal: *deal, field, trouble });
                continue;
            }
            let wanted = values.get(&field);
            let before = shown.fields.get(&field);
            let Some(seen) = &read.fields else {
                // What was shown is what should be: nothing has to be read for that.
                if before.map(|before| before.value.as_ref()).unwrap_or_default() == wanted {
                    continue;
                }
                return Err(ToRead::Deal);
            };
            let seen = seen.get(&field);
            let told_before = before.filter(|before| before.value.as_ref() == wanted);
            let in_its_form = told_before.is_some_and(|before| same(before.became.as_ref(), seen));
            // Nothing is to be said: what we said is cleared, what somebody else said stays.
            let not_ours = wanted.is_none() && !before.is_some_and(|before| is_ours_still(before, seen));
            if same(seen, wanted) || in_its_form || not_ours {
                continue;
            }
            let times = told_before.map_or(0, |before| before.times);
            if times >= 2 && answers.again.get(&field) != Some(&times) {
                let (ours, theirs) = (wanted.cloned(), seen.cloned());
                fields.ask(DocumentQuestion::FieldContested { deal: *deal, field, ours, theirs });
                continue;
            }
            let reason = match (wanted, told_before) {
                (None, _) => "its documents no longer say anything here",
                (Some(_), Some(_)) => "somebody changed what its documents say",
                (Some(_), None) => "its documents say this",
            };
            fields.writes.push(FieldWrite { field, value: wanted.cloned(), reason });
        }
        Ok(fields)
    }

    fn notes(&self) -> Result<Notes, ToRead> {
        let mut notes = Notes::default();
        for kind in DocumentKind::ALL {
            self.note(kind, &mut notes)?;
        }
        Ok(notes)
    }

    fn note(&self, kind: DocumentKind, notes: &mut Notes) -> Result<(), ToRead> {
        let DealPage { deal, documents, currencies, shown, read, .. } = self.page;
        let wanted = render(self.policy, *deal, kind, documents, currencies, self.today)
            .filter(|_| self.policy.note && self.policy.kinds.contains(&kind));
        let known = shown.notes.get(&kind);
        let said = wanted.as_deref().map(digest);
        let in_doubt = self.page.in_doubt.contains(&kind);
        match (known, &said) {
            (None, None) if !in_doubt => return Ok(()),
            (None, Some(_)) if !in_doubt && !self.begins_notes() => return Ok(()),
            (Some(note), _) if note.deleted && !in_doubt && !self.makes_again(note) => return Ok(()),
            // What was shown is what should be: nothing has to be read for that.
            (Some(note), Some(said)) if note.sent == *said && !note.deleted && read.notes.is_none() => {
                return Ok(());
            }
            (None | Some(_), _) => {}
        }
        let Some(seen) = &read.notes else {
            // Only a create without an answer can have left a note that we do not know.
            match (known, wanted) {
                (None, Some(content)) if !in_doubt => {
                    notes.writes.push(PageWrite::CreateNote { kind, content, reason: FIRST });
                    return Ok(());
                }
                (None | Some(_), _) => return Err(ToRead::Notes),
            }
        };
        let there = known.and_then(|note| seen.get(&note.id)).filter(|seen| !seen.deleted);
        // One that was made again after a person deleted it may be the one that is not known.
        let lost = (known.is_none() || in_doubt && there.is_none())
            .then(|| seen.iter().find(|(_, note)| !note.deleted && is_ours(&note.content, *deal, kind)));
        if let Some((id, lost)) = lost.flatten() {
            notes.found.push((kind, *id, digest(&lost.content)));
            return Ok(());
        }
        let Some(note) = known else {
            if let Some(content) = wanted.filter(|_| self.begins_notes()) {
                notes.writes.push(PageWrite::CreateNote { kind, content, reason: FIRST });
            }
            return Ok(());
        };
        notes.writes.extend(match (there, wanted) {
            (Some(seen), Some(content)) => update(kind, note, seen, content),
            (Some(seen), None) => Some(PageWrite::DeleteNote {
                kind,
                id: note.id,
                reason: "what it shows is no longer on the deal",
                replaces_edit: edited(note, seen),
            }),
            (None, Some(content)) => self.recreate(kind, note, content),
            (None, None) => None,
        });
        Ok(())
    }

    /// Once: a person who deletes it again means it.
    fn makes_again(&self, note: &ShownNote) -> bool {
        self.policy.recreate_notes && note.made_again == 0
    }

    /// A person deleted our note.
    fn recreate(&self, kind: DocumentKind, note: &ShownNote, content: String) -> Option<PageWrite> {
        self.makes_again(note).then_some(PageWrite::CreateNote {
            kind,
            content,
            reason: "it was deleted, and recreate_notes is on",
        })
    }

    /// Whether a note that does not exist is begun on this deal.
    fn begins_notes(&self) -> bool {
        let recent = |document: &Document| {
            let since = self.today.saturating_sub(RECENT.days());
            let unpaid = document.balance.is_some() && !document.unpaid(4).is_empty();
            // An order that tells no date counts by its last change, about.
            let day =
                document.date.or_else(|| Some(document.updated_at?.to_zoned(jiff::tz::TimeZone::UTC).date()));
            unpaid || day.is_some_and(|day| day >= since)
        };
        match self.policy.note_for {
            NoteFor::All => true,
            NoteFor::None => false,
            NoteFor::OpenAndRecent => {
                self.deal.status == DealStatus::Open
                    || counted(self.policy, &self.page.documents).into_iter().any(recent)
            }
        }
    }

    /// One activity for all invoices that became overdue.
    fn overdue(&self) -> Option<PageWrite> {
        let owner = self.deal.owner.filter(|_| self.policy.overdue_activity)?;
        let since = self.today.saturating_sub(NEWS.days());
        let news = |invoice: &&Document| {
            let late = invoice.unpaid(self.decimals(invoice)).iter().filter_map(|part| part.due).min();
            self.is_overdue(invoice)
                && late.is_some_and(|due| due >= since)
                && !self.page.shown.told_overdue.contains(&invoice.key)
        };
        let late: Vec<&Document> =
            counted(self.policy, &self.page.documents).into_iter().filter(news).collect();
        let named: Vec<String> =
            late.iter().take(NAMED).map(|invoice| text::bounded(&invoice.name(), 40).0).collect();
        let more = late.len().checked_sub(NAMED).filter(|more| *more > 0);
        let more = more.map(|more| format!(" and {more} more")).unwrap_or_default();
        let invoices = late.iter().map(|invoice| invoice.key).collect();
        let subject = format!("Overdue: invoice {}{more}", named.join(", "));
        let note = overdue_note(&late, &self.page.currencies);
        (!late.is_empty()).then_some(PageWrite::OverdueActivity { owner, invoices, subject, note })
    }

    /// Activities of which nothing is overdue any more: paid, credited, or moved to another deal.
    fn ended(&self) -> impl Iterator<Item = PageWrite> {
        let here = counted(self.policy, &self.page.documents);
        let overdue: BTreeSet<DocumentKey> = here
            .into_iter()
            .filter(|document| self.is_overdue(document))
            .map(|document| document.key)
            .collect();
        let activities = self.page.shown.activities.iter();
        let ended = activities.filter(move |(_, invoices)| invoices.is_disjoint(&overdue));
        ended.map(|(id, _)| PageWrite::EndActivity { id: *id })
    }

    fn is_overdue(&self, document: &Document) -> bool {
        document.key.kind == DocumentKind::Invoice
            && document.standing(self.decimals(document), self.today) == Some(InvoiceStatus::Overdue)
    }

    fn decimals(&self, document: &Document) -> u8 {
        let code = document.currency.as_deref();
        code.and_then(|code| self.page.currencies.decimals(code)).unwrap_or(4)
    }
}

impl Fields {
    fn ask(&mut self, question: DocumentQuestion) {
        self.question.get_or_insert(question);
    }
}

/// Whether the field says what we wrote, in our form or in the CRM's.
fn is_ours_still(before: &ShownField, seen: Option<&RollUpValue>) -> bool {
    before.value.is_some() && (same(before.value.as_ref(), seen) || same(before.became.as_ref(), seen))
}

/// Whether a person edited our note.
fn edited(note: &ShownNote, seen: &SeenNote) -> bool {
    let says = digest(&seen.content);
    says != note.sent && says != note.became
}

/// New content, if it says something else than what was sent last.
fn update(kind: DocumentKind, note: &ShownNote, seen: &SeenNote, content: String) -> Option<PageWrite> {
    let wanted = digest(&content);
    // A person who made the note say this already has done our work.
    let same = wanted == note.sent || wanted == digest(&seen.content);
    (!same).then(|| PageWrite::UpdateNote {
        kind,
        id: note.id,
        content,
        reason: "its documents changed",
        replaces_edit: edited(note, seen),
    })
}
