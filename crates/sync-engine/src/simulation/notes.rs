//! What deals show of documents in the CRM of a simulation: fields, notes and activities, and the people who edit and delete them.
//!
//! No create is idempotent. Notes are kept in the CRM's own form; lists show them a little later, reads by id at once, deleted
//! ones too. What we do and what people do is told apart, so that the laws can be judged by what is there.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};
use sync_core::{
    deals::CrmNote,
    documents::{DocumentKind, FieldWrite, RollUpField, RollUpValue},
    handover::NewActivity,
    ids::{ActivityId, DealId, NoteId},
    laws::Violation,
    money::{Amount, Money},
};

use super::{
    deals::whole,
    world::{Landed, SETTLE, T_EFFECT, Worlds},
};

/// Activities of documents are numbered from here on.
const FIRST_ACTIVITY: i64 = 10_000;

/// Notes on deals, and what is remembered of fields and activities.
#[derive(Default)]
pub(crate) struct Notes {
    pub(crate) all: BTreeMap<NoteId, Note>,
    /// What we and people did to the fields of deals.
    pub(crate) fields: BTreeMap<(DealId, RollUpField), FieldStory>,
    activities: BTreeMap<ActivityId, Told>,
    /// Texts of people that we wrote over or deleted, with the deal: the journal has them (law 4).
    pub(crate) replaced: Vec<(DealId, String)>,
    /// Where deals went.
    pub(crate) merged: BTreeMap<DealId, DealId>,
    /// Writes that were carried out.
    pub(crate) writes: u64,
}

/// A note of ours.
pub(crate) struct Note {
    /// Whose documents it shows, and of which kind, as it said when it was made.
    pub(crate) of: (DealId, DocumentKind),
    /// The deal that it is on.
    pub(crate) deal: DealId,
    pub(crate) content: String,
    /// What we wrote last.
    pub(crate) ours: String,
    /// Since when a person's text stands there.
    pub(crate) edited: Option<Timestamp>,
    pub(crate) deleted: Option<Deleted>,
    /// Whether the store knew of it when a person deleted it: what is deleted before cannot be found again.
    pub(crate) known: bool,
    /// Whether we asked for it to be deleted since it was written last: then it does not matter who does it.
    pub(crate) ends: bool,
    shown_at: Timestamp,
    changed_at: Timestamp,
    /// From when on the list of changed notes has the last change.
    listed_at: Timestamp,
}

/// What the store knows when people edit.
#[derive(Default)]
pub(crate) struct Known {
    /// Notes and activities: what is deleted before cannot be found again.
    pub(crate) notes: BTreeSet<NoteId>,
    pub(crate) activities: BTreeSet<ActivityId>,
    /// Deals with a write of which it is not known yet what became of it.
    pub(crate) in_doubt: BTreeSet<DealId>,
}

/// Who deleted a note.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Deleted {
    We,
    Person,
}

/// What became of a field.
#[derive(Default)]
pub(crate) struct FieldStory {
    /// What we wrote last, and how often in a row.
    pub(crate) ours: Option<(Option<RollUpValue>, u32)>,
    /// What we sent to no effect and without knowing that, and how often in a row.
    lost: Option<(Option<RollUpValue>, u32)>,
    /// What stood there before that.
    before: Option<RollUpValue>,
    /// When a person wrote it last, if nobody wrote since.
    pub(crate) theirs: Option<Timestamp>,
    changed_at: Option<Timestamp>,
}

impl FieldStory {
    /// How often in a row we wrote this last, and how often besides we sent it to no effect.
    pub(crate) fn times(&self, value: Option<&RollUpValue>) -> (u32, u32) {
        let times = |of: &Option<(Option<RollUpValue>, u32)>| {
            of.as_ref().filter(|(said, _)| said.as_ref() == value).map_or(0, |(_, times)| *times)
        };
        (times(&self.ours), times(&self.lost))
    }
}

/// An activity that tells of overdue invoices.
pub(crate) struct Told {
    /// The deal that it was made on.
    of: DealId,
    /// The deal that it is on.
    deal: DealId,
    note: String,
    done: bool,
    deleted: bool,
    shown_at: Timestamp,
}

impl Notes {
    /// Notes of ours that are there.
    pub(crate) fn living(&self) -> impl Iterator<Item = (NoteId, &Note)> {
        self.all.iter().filter(|(_, note)| note.deleted.is_none()).map(|(id, note)| (*id, note))
    }

    /// Whether lately a person or a late request did something that a write of ours could not know.
    fn raced(changed_at: Option<Timestamp>, now: Timestamp) -> bool {
        changed_at.is_some_and(|at| now.duration_since(at) <= T_EFFECT + SETTLE)
    }

    /// A note as it is read by id.
    pub(crate) fn read(&self, id: NoteId) -> Option<CrmNote> {
        self.all.get(&id).map(|note| note.seen(id))
    }

    /// Notes that a list of the deal's shows.
    pub(crate) fn list(&self, deal: DealId, now: Timestamp) -> Vec<CrmNote> {
        let on = |(_, note): &(&NoteId, &Note)| {
            note.deal == deal && note.deleted.is_none() && note.shown_at <= now
        };
        self.all.iter().filter(on).map(|(id, note)| note.seen(*id)).collect()
    }

    /// Notes that the list of those changed since then shows.
    pub(crate) fn changed(&self, since: Timestamp, now: Timestamp) -> Vec<CrmNote> {
        let on = |(_, note): &(&NoteId, &Note)| {
            note.deleted.is_none() && note.listed_at <= now && note.changed_at >= since
        };
        self.all.iter().filter(on).map(|(id, note)| note.seen(*id)).collect()
    }

    /// Activities that a list of the deal's shows.
    pub(crate) fn activities_on(&self, deal: DealId, now: Timestamp) -> Vec<(ActivityId, String)> {
        let on = self
            .activities
            .iter()
            .filter(|(_, told)| told.deal == deal && !told.deleted && told.shown_at <= now);
        on.map(|(id, told)| (*id, told.note.clone())).collect()
    }

    /// What each open activity that was made on a deal tells of.
    pub(crate) fn told_on(&self, deal: DealId) -> impl Iterator<Item = BTreeSet<i64>> {
        let open =
            self.activities.values().filter(move |told| told.of == deal && !told.done && !told.deleted);
        open.map(|told| invoices_in(&told.note).into_iter().collect())
    }

    /// The invoices that a deal's owner was ever told of.
    pub(crate) fn ever_told(&self, deal: DealId) -> BTreeSet<i64> {
        let all = self.activities.values().filter(|told| told.of == deal);
        all.flat_map(|told| invoices_in(&told.note)).collect()
    }
}

impl Note {
    fn seen(&self, id: NoteId) -> CrmNote {
        CrmNote {
            id,
            deal: Some(self.deal),
            content: self.content.clone(),
            updated_at: Some(whole(self.changed_at)),
            deleted: self.deleted.is_some(),
        }
    }
}

/// The form in which this CRM keeps notes: its own.
fn own_form(content: &str) -> String {
    content.replace("<b>", "<strong>").replace("</b>", "</strong>").replace("</li>", "</li>\n")
}

/// What a note of ours says at its end: the kind and the deal.
fn marked(content: &str) -> Option<(DealId, DocumentKind)> {
    let (_, end) = content.rsplit_once("[erp-sync:")?;
    let mut parts = end.split([':', ']']);
    let kind = DocumentKind::parse(parts.next()?)?;
    let deal = parts.next().filter(|word| *word == "deal").and(parts.next())?.parse().ok()?;
    Some((DealId(deal), kind))
}

/// The invoices that an activity names.
fn invoices_in(note: &str) -> Vec<i64> {
    let parts = note.split("[erp-sync:overdue:invoice:").skip(1);
    parts.filter_map(|part| part.split_once(']')?.0.parse().ok()).collect()
}

impl Worlds {
    fn broken(&mut self, law: u8, story: String) {
        self.violations.push(Violation { law, story });
    }

    /// Whether a deal can be written: not if it is gone, nor if it is archived.
    fn writable(&self, deal: DealId) -> Option<bool> {
        let deal = self.sales.deals.get(&deal).filter(|deal| !deal.deleted)?;
        Some(!deal.now.archived)
    }

    /// Fields of a deal are written.
    pub(crate) fn show(&mut self, id: DealId, writes: &[FieldWrite], now: Timestamp) -> Option<Landed> {
        if !self.writable(id)? {
            return Some(Landed::Refused);
        }
        let told: Vec<String> =
            writes.iter().map(|write| format!("{}={:?}", write.field.key(), write.value)).collect();
        self.tell(now, format!("deal {id} shows {}", told.join(", ")));
        self.notes.writes += 1;
        for FieldWrite { field, value, reason: _ } in writes {
            let before = self.sales.deals.get(&id)?.now.facts.rolled.get(field).cloned();
            let story = self.notes.fields.entry((id, *field)).or_default();
            let idle = before == *value && !Notes::raced(story.changed_at, now);
            let (times, _) = story.times(value.as_ref());
            story.lost = story.lost.take().filter(|(lost, _)| lost == value);
            story.ours = Some((value.clone(), times + 1));
            (story.theirs, story.changed_at, story.before) = (None, Some(now), before);
            if idle {
                self.broken(3, format!("deal {id} says {value:?} in {} already", field.key()));
            }
            if times >= 2 {
                self.broken(3, format!("deal {id} is told {value:?} in {} a third time", field.key()));
            }
        }
        self.sales.change(id, now, |deal| {
            for FieldWrite { field, value, reason: _ } in writes {
                match value {
                    Some(value) => deal.now.facts.rolled.insert(*field, value.clone()),
                    None => deal.now.facts.rolled.remove(field),
                };
            }
        });
        Some(Landed::Deal(id))
    }

    /// Fields of a deal were written to no effect, and no answer says so.
    pub(crate) fn lose_fields(&mut self, id: DealId, writes: &[FieldWrite]) {
        for FieldWrite { field, value, reason: _ } in writes {
            let story = self.notes.fields.entry((id, *field)).or_default();
            let (_, lost) = story.times(value.as_ref());
            story.lost = Some((value.clone(), lost + 1));
        }
    }

    /// When a list has what changes now: at once, or a little later.
    fn listed_from(&mut self, now: Timestamp) -> Timestamp {
        let lag = SignedDuration::from_millis(self.rng.i64(0..28_000));
        if self.rng.bool() { now } else { now + lag }
    }

    /// A note comes to be. Two that stand there for the same documents are one too many (law 1).
    pub(crate) fn make_note(&mut self, deal: DealId, content: &str, now: Timestamp) -> Option<Landed> {
        if !self.writable(deal)? {
            return Some(Landed::Refused);
        }
        let id = NoteId(self.notes.all.keys().next_back().map_or(1, |last| last.0 + 1));
        self.notes.writes += 1;
        let Some(of) = marked(content) else {
            self.broken(1, format!("note {id} says not whose it is: it could never be found again"));
            return Some(Landed::Refused);
        };
        self.tell(now, format!("note {id} of {of:?} on deal {deal}: {content}"));
        let same: Vec<&Note> = self.notes.all.values().filter(|note| note.of == of).collect();
        let twice = same.iter().any(|note| note.deleted.is_none());
        // Once there was nothing to show and its end was asked for, the next one is a first one.
        let anew = same.iter().rposition(|note| note.ends || note.deleted == Some(Deleted::We));
        let since = same.iter().skip(anew.map_or(0, |last| last + 1));
        let by_people = since.filter(|note| note.deleted == Some(Deleted::Person) && note.known).count();
        let allowed = usize::from(self.papers.policy.recreate_notes);
        if twice {
            self.broken(1, format!("deal {deal} has two notes of ours for {of:?}"));
        }
        if by_people > allowed {
            self.broken(4, format!("a person deleted the note of {of:?}, and it is made again"));
        }
        let shown_at = self.listed_from(now);
        let (content, ours) = (own_form(content), content.to_owned());
        let (edited, deleted, known, ends, changed_at, listed_at) = (None, None, false, false, now, shown_at);
        let note =
            Note { of, deal, content, ours, edited, deleted, known, ends, shown_at, changed_at, listed_at };
        self.notes.all.insert(id, note);
        Some(Landed::Note(id))
    }

    /// A note says something else.
    pub(crate) fn rewrite_note(&mut self, id: NoteId, content: &str, now: Timestamp) -> Option<Landed> {
        let listed_at = self.listed_from(now);
        let note = self.notes.all.get_mut(&id).filter(|note| note.deleted.is_none())?;
        note.listed_at = listed_at;
        let (of, deal) = (note.of, note.deal);
        let raced = Notes::raced(Some(note.changed_at), now);
        let idle = own_form(content) == note.content && !raced;
        let unchanged = note.edited.is_some() && note.ours == content && !raced;
        let text = note.edited.filter(|_| !raced).map(|_| note.content.clone());
        note.content = own_form(content);
        content.clone_into(&mut note.ours);
        (note.edited, note.ends, note.changed_at) = (None, false, now);
        self.notes.writes += 1;
        self.notes.replaced.extend(text.map(|text| (deal, text)));
        self.tell(now, format!("note {id} of {of:?} says now: {content}"));
        if idle {
            self.broken(3, format!("note {id} of {of:?} says that already"));
        }
        if unchanged {
            self.broken(4, format!("what a person wrote into note {id} of {of:?} is replaced though its documents are the same"));
        }
        Some(Landed::Note(id))
    }

    /// We delete a note.
    pub(crate) fn drop_note(&mut self, id: NoteId, now: Timestamp) -> Option<Landed> {
        let note = self.notes.all.get_mut(&id).filter(|note| note.deleted.is_none())?;
        let (of, deal) = (note.of, note.deal);
        let raced = Notes::raced(Some(note.changed_at), now);
        let text = note.edited.filter(|_| !raced).map(|_| note.content.clone());
        note.deleted = Some(Deleted::We);
        self.notes.writes += 1;
        self.notes.replaced.extend(text.map(|text| (deal, text)));
        self.tell(now, format!("note {id} of {of:?} is deleted"));
        Some(Landed::Ended)
    }

    /// The owner of a deal is told of overdue invoices, of each once (law 1).
    pub(crate) fn tell_owner(&mut self, activity: &NewActivity, now: Timestamp) -> Option<Landed> {
        let deal = activity.deal;
        if !self.writable(deal)? {
            return Some(Landed::Refused);
        }
        let note = activity.words.note.clone();
        let id = self.notes.activities.keys().next_back().map_or(FIRST_ACTIVITY, |last| last.0 + 1);
        self.tell(now, format!("activity {id} on deal {deal}: {}", activity.words.subject));
        let known = self.notes.ever_told(deal);
        if let Some(twice) = invoices_in(&note).into_iter().find(|invoice| known.contains(invoice)) {
            self.broken(1, format!("the owner of deal {deal} is told twice that invoice {twice} is overdue"));
        }
        let shown_at = self.listed_from(now);
        self.notes.writes += 1;
        self.notes
            .activities
            .insert(ActivityId(id), Told { of: deal, deal, note, done: false, deleted: false, shown_at });
        Some(Landed::Activity(ActivityId(id)))
    }

    /// An activity is done.
    pub(crate) fn end_activity(&mut self, id: ActivityId, now: Timestamp) -> Option<Landed> {
        let told = self.notes.activities.get_mut(&id).filter(|told| !told.deleted)?;
        told.done = true;
        self.notes.writes += 1;
        self.tell(now, format!("activity {id} is done"));
        Some(Landed::Ended)
    }

    /// One plausible edit of sales to what we show.
    pub(crate) fn edit_shown(&mut self, known: &Known, now: Timestamp) {
        match self.papers.rng.u32(..12) {
            0..4 => self.write_into_note(now),
            4 | 5 => self.delete_note(known, now),
            6..9 => self.write_over_field(known, now),
            9 => self.delete_activity(known, now),
            10 => self.merge_deals(now),
            _ => {}
        }
    }

    fn any_note(&mut self) -> Option<NoteId> {
        let here: Vec<NoteId> = self.notes.living().map(|(id, _)| id).collect();
        here.get(self.papers.rng.usize(..here.len().max(1))).copied()
    }

    fn write_into_note(&mut self, now: Timestamp) {
        let Some(id) = self.any_note() else { return };
        let number = self.papers.rng.u32(..1_000);
        let listed_at = self.listed_from(now);
        let Some(note) = self.notes.all.get_mut(&id) else { return };
        note.listed_at = listed_at;
        note.content.push_str(&format!("<p>Called them, reference {number}</p>"));
        (note.edited, note.changed_at) = (Some(now), now);
        self.tell(now, format!("people: sales writes {number} into note {id}"));
    }

    fn delete_note(&mut self, known: &Known, now: Timestamp) {
        let Some(id) = self.any_note() else { return };
        let Some(note) = self.notes.all.get_mut(&id) else { return };
        note.deleted = Some(Deleted::Person);
        note.known = known.notes.contains(&id) && !note.ends;
        let known = note.known;
        self.tell(now, format!("people: sales deletes note {id}, known to us: {known}"));
    }

    fn write_over_field(&mut self, known: &Known, now: Timestamp) {
        let Some(id) = self.any_deal().filter(|deal| self.writable(*deal) == Some(true)) else { return };
        let said: Vec<RollUpField> = self
            .sales
            .deals
            .get(&id)
            .map(|deal| deal.now.facts.rolled.keys().copied().collect())
            .unwrap_or_default();
        let rng = &mut self.papers.rng;
        let field = match said.get(rng.usize(..said.len().max(1))) {
            Some(field) => *field,
            None if rng.u32(..4) == 0 => RollUpField::LastInvoiceNumber,
            None => return,
        };
        let value = match (rng.u32(..4), field) {
            (0, _) => None,
            (_, RollUpField::LastInvoiceNumber | RollUpField::LastInvoiceStatus) => {
                Some(RollUpValue::Text(format!("see {}", rng.u32(..100))))
            }
            (_, RollUpField::InvoicedTotal | RollUpField::OpenBalance) => Some(RollUpValue::Money(Money {
                amount: Amount(rng.i64(1..100) * 10_000),
                currency: "USD".to_owned(),
            })),
            (
                _,
                RollUpField::OldestUnpaidDue
                | RollUpField::InvoiceCount
                | RollUpField::LastOrderNumber
                | RollUpField::LastOrderStatus
                | RollUpField::LastPurchaseOrder
                | RollUpField::PaidTotal
                | RollUpField::CreditedTotal
                | RollUpField::OverdueAmount
                | RollUpField::OtherCurrencies,
            ) => None,
        };
        let story = self.notes.fields.entry((id, field)).or_default();
        // Assumed by the laws: nobody puts back what stood there before a write of ours that we may not know of yet.
        if known.in_doubt.contains(&id) && story.before == value {
            return;
        }
        (story.theirs, story.changed_at) = (Some(now), Some(now));
        self.tell(now, format!("people: sales writes {value:?} over {} of deal {id}", field.key()));
        self.sales.change(id, now, |deal| {
            match value {
                Some(value) => deal.now.facts.rolled.insert(field, value),
                None => deal.now.facts.rolled.remove(&field),
            };
        });
    }

    fn delete_activity(&mut self, known: &Known, now: Timestamp) {
        let open: Vec<ActivityId> = self
            .notes
            .activities
            .iter()
            .filter(|(id, told)| !told.deleted && !told.done && known.activities.contains(id))
            .map(|(id, _)| *id)
            .collect();
        let Some(id) = open.get(self.papers.rng.usize(..open.len().max(1))) else { return };
        if let Some(told) = self.notes.activities.get_mut(id) {
            told.deleted = true;
        }
        self.tell(now, format!("people: sales deletes activity {id}"));
    }

    /// A deal is merged into another one: notes and activities go there, fields do not (pipedrive.md 1.6).
    fn merge_deals(&mut self, now: Timestamp) {
        if self.few_deals() {
            return;
        }
        let (Some(gone), Some(into)) = (self.any_deal(), self.any_deal()) else { return };
        if gone == into || self.writable(gone) != Some(true) || self.writable(into) != Some(true) {
            return;
        }
        self.tell(now, format!("people: sales merges deal {gone} into {into}"));
        self.sales.change(gone, now, |deal| deal.deleted = true);
        self.sales.change(into, now, |_| {});
        self.notes.merged.insert(gone, into);
        for note in self.notes.all.values_mut().filter(|note| note.deal == gone) {
            note.deal = into;
        }
        for told in self.notes.activities.values_mut().filter(|told| told.deal == gone) {
            told.deal = into;
        }
    }
}
