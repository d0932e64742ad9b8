//! What a deal of a simulation has to say of its documents, told from docs/documents.md in whole numbers of a hundredth of a
//! cent, by code of its own.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{Timestamp, ToSpan, civil::Date, tz::TimeZone};
use sync_core::{
    deals::{CrmDeal, DealStatus},
    documents::{DocumentKey, DocumentKind, RollUpField, RollUpValue},
    ids::DealId,
    laws::Violation,
    money::{Amount, Money},
};

use super::{
    notes::Note,
    papers::{Sheet, prefix},
    world::Worlds,
};

/// A deal that is there, with the documents that belong to it.
pub(super) struct Deal<'a> {
    pub(super) id: DealId,
    pub(super) now: &'a CrmDeal,
    pub(super) documents: BTreeMap<DocumentKey, &'a Sheet>,
    /// Whether a person is asked about it.
    pub(super) asked: bool,
}

/// What is wrong on a deal in the end.
pub(super) fn told_wrongly(worlds: &Worlds, deal: &Deal<'_>, now: Timestamp) -> Vec<Violation> {
    let today = now.to_zoned(TimeZone::UTC).date();
    let mut found = Vec::new();
    for field in &worlds.papers.policy.fields {
        found.extend(wrong_field(worlds, deal, *field, today));
    }
    for kind in DocumentKind::ALL {
        found.extend(wrong_note(worlds, deal, kind, today));
    }
    found.extend(wrong_activities(worlds, deal, today));
    found.into_iter().map(|story| Violation { law: 8, story }).collect()
}

/// Rounded to cents, half away from zero.
fn cents(amount: i64) -> i64 {
    let sign = if amount < 0 { -1 } else { 1 };
    sign * ((amount.abs() + 50) / 100 * 100)
}

fn owed(sheet: &Sheet) -> i64 {
    cents(sheet.balance()).max(0)
}

/// How an invoice stands.
fn standing(sheet: &Sheet, today: Date) -> &'static str {
    let owed = owed(sheet);
    let late = sheet.left().iter().any(|(due, left)| cents(*left) > 0 && *due < today);
    match owed {
        0 if cents(sheet.credited) >= cents(sheet.total) => "credited",
        0 => "paid",
        _ if late => "overdue",
        _ if owed < cents(sheet.total) => "partly paid",
        _ => "open",
    }
}

impl Deal<'_> {
    fn of(&self, kind: DocumentKind) -> impl Iterator<Item = (&DocumentKey, &&Sheet)> {
        self.documents.iter().filter(move |(key, _)| key.kind == kind)
    }

    /// The newest by its day, then by its id; orders have no day.
    fn newest(&self, kind: DocumentKind) -> Option<&Sheet> {
        let dated = matches!(kind, DocumentKind::Invoice | DocumentKind::CreditMemo);
        let newest = self.of(kind).max_by_key(|(key, sheet)| (dated.then_some(sheet.date), key.id));
        newest.map(|(_, sheet)| *sheet)
    }

    /// Whether notes that are not there are begun (`note_for` as it is if nobody says otherwise): the deal is open, or has a document
    /// that is unpaid or of the last 90 days. Orders have no day, and all changed lately.
    fn begins_notes(&self, today: Date) -> bool {
        let since = today.saturating_sub(90.days());
        let recent = |(key, sheet): (&DocumentKey, &&Sheet)| match key.kind {
            DocumentKind::Invoice => owed(sheet) > 0 || sheet.date >= since,
            DocumentKind::CreditMemo => sheet.date >= since,
            DocumentKind::SalesOrder | DocumentKind::PurchaseOrder => true,
        };
        self.now.status == DealStatus::Open || self.documents.iter().any(recent)
    }

    /// The sum of what is in the deal's currency; none where nothing is.
    fn money(&self, sum: impl Fn(&[&Sheet], &[&Sheet]) -> i64) -> Option<RollUpValue> {
        let currency = self.now.value.as_ref()?.currency.clone();
        let own = |kind| -> Vec<&Sheet> {
            self.of(kind).map(|(_, sheet)| *sheet).filter(|sheet| sheet.currency == currency).collect()
        };
        let (invoices, memos) = (own(DocumentKind::Invoice), own(DocumentKind::CreditMemo));
        let any = !invoices.is_empty() || !memos.is_empty();
        let amount = Amount(sum(&invoices, &memos));
        any.then_some(RollUpValue::Money(Money { amount, currency }))
    }

    fn says(&self, field: RollUpField, today: Date) -> Option<RollUpValue> {
        let text = |said: &str| RollUpValue::Text(said.to_owned());
        let total = |of: &[&Sheet], amount: fn(&Sheet) -> i64| of.iter().map(|sheet| amount(sheet)).sum();
        match field {
            RollUpField::LastInvoiceNumber => self.newest(DocumentKind::Invoice).map(|one| text(&one.number)),
            RollUpField::LastInvoiceStatus => {
                self.newest(DocumentKind::Invoice).map(|one| text(standing(one, today)))
            }
            RollUpField::InvoicedTotal => self.money(|invoices, _| total(invoices, |one| cents(one.total))),
            RollUpField::OpenBalance => self.money(|invoices, _| total(invoices, owed)),
            RollUpField::PaidTotal => self.money(|invoices, _| total(invoices, |one| cents(one.paid))),
            RollUpField::CreditedTotal => self.money(|invoices, memos| {
                let by_invoices: i64 = total(invoices, |one| cents(one.credited));
                by_invoices.max(total(memos, |one| cents(one.total)))
            }),
            RollUpField::OverdueAmount => self.money(|invoices, _| {
                let parts = invoices.iter().flat_map(|one| one.left());
                parts.filter(|(due, _)| *due < today).map(|(_, left)| cents(left)).sum()
            }),
            RollUpField::OldestUnpaidDue => {
                let currency = &self.now.value.as_ref()?.currency;
                let own = self.of(DocumentKind::Invoice).filter(|(_, one)| one.currency == *currency);
                let parts = own.flat_map(|(_, one)| one.left());
                let unpaid = parts.filter(|(_, left)| cents(*left) > 0).map(|(due, _)| due);
                unpaid.min().map(RollUpValue::Date)
            }
            RollUpField::InvoiceCount => {
                let count = self.of(DocumentKind::Invoice).count() as u64;
                (count > 0).then_some(RollUpValue::Count(count))
            }
            RollUpField::LastOrderNumber => {
                self.newest(DocumentKind::SalesOrder).map(|one| text(&one.number))
            }
            RollUpField::LastOrderStatus => {
                self.newest(DocumentKind::SalesOrder).map(|one| text(one.status()))
            }
            RollUpField::LastPurchaseOrder => {
                let newest = self.newest(DocumentKind::PurchaseOrder);
                newest.map(|one| text(&format!("{} ({})", one.number, one.status())))
            }
            RollUpField::OtherCurrencies => {
                let own = self.now.value.as_ref().map(|value| value.currency.as_str());
                let mut by_code: BTreeMap<&str, (i64, usize)> = BTreeMap::new();
                for (_, one) in self.of(DocumentKind::Invoice).filter(|(_, one)| Some(one.currency) != own) {
                    let (sum, count) = by_code.entry(one.currency).or_default();
                    (*sum, *count) = (*sum + cents(one.total), *count + 1);
                }
                let told = by_code.iter().map(|(code, (sum, count))| {
                    let invoices = if *count == 1 { "invoice" } else { "invoices" };
                    format!("{} {code} in {count} {invoices}", written(*sum))
                });
                let told: Vec<String> = told.collect();
                (!told.is_empty()).then(|| text(&told.join(", ")))
            }
        }
    }
}

/// An amount with two decimals.
fn written(amount: i64) -> String {
    format!("{}.{:02}", amount / 10_000, amount % 10_000 / 100)
}

fn wrong_field(worlds: &Worlds, deal: &Deal<'_>, field: RollUpField, today: Date) -> Option<String> {
    let (wanted, seen) = (deal.says(field, today), deal.now.facts.rolled.get(&field));
    if wanted.as_ref() == seen {
        return None;
    }
    let story = worlds.notes.fields.get(&(deal.id, field));
    let by_person = story.is_some_and(|story| story.theirs.is_some());
    // A correction without an answer may have been what they wrote over: nobody can tell.
    let (times, lost) = story.map_or((0, 0), |story| story.times(wanted.as_ref()));
    // What a person writes where we have nothing to say stays; elsewhere it is corrected once, then asked about.
    let theirs = by_person && if wanted.is_none() { seen.is_some() } else { times + lost >= 2 && deal.asked };
    (!theirs).then(|| {
        format!(
            "deal {} says {seen:?} in {} where its documents say {wanted:?}; ours was written {times} times, by a person: {by_person}",
            deal.id,
            field.key()
        )
    })
}

/// The numbers of documents that a note tells.
fn numbers(content: &str, kind: DocumentKind) -> BTreeSet<String> {
    let begin = format!("{}-", prefix(kind));
    let parts = content.split(begin.as_str()).skip(1);
    let digits = |part: &str| part.chars().take_while(char::is_ascii_digit).collect::<String>();
    parts.map(|part| format!("{begin}{}", digits(part))).collect()
}

fn wrong_note(worlds: &Worlds, deal: &Deal<'_>, kind: DocumentKind, today: Date) -> Option<String> {
    let of = (deal.id, kind);
    let notes: Vec<&Note> =
        worlds.notes.living().map(|(_, note)| note).filter(|note| note.of == of).collect();
    let documents: Vec<&Sheet> = deal.of(kind).map(|(_, sheet)| *sheet).collect();
    let (note, documents) = match (notes.as_slice(), documents.as_slice()) {
        ([], []) => return None,
        // A person who deletes our note means it.
        ([], _) if worlds.unwanted(of) || !deal.begins_notes(today) => return None,
        ([], _) => return Some(format!("deal {} has no note for its {}s", deal.id, kind.label())),
        ([_, ..], []) => {
            return Some(format!("deal {} has a note for {}s and none of them", deal.id, kind.label()));
        }
        ([note], documents) => (note, documents),
        ([_, _, ..], _) => return Some(format!("deal {} has several notes for {}s", deal.id, kind.label())),
    };
    let wanted: BTreeSet<String> = documents.iter().map(|sheet| sheet.number.clone()).collect();
    let told = numbers(&note.ours, kind);
    if told != wanted {
        return Some(format!("the note of deal {} tells of {told:?} instead of {wanted:?}", deal.id));
    }
    if note.edited.is_none() && numbers(&note.content, kind) != wanted {
        return Some(format!("the note of deal {} does not say what we wrote", deal.id));
    }
    let line = |sheet: &&Sheet| {
        let lines = note.ours.split("<li>");
        let own: Vec<&str> = lines.filter(|line| line.starts_with(&format!("{},", sheet.number))).collect();
        let total = format!("{} {}", written(cents(sheet.total)), sheet.currency);
        let open = format!("open {} {}", written(owed(sheet)), sheet.currency);
        let right = |line: &str| match kind {
            DocumentKind::Invoice => line.contains(&total) && line.contains(&open),
            DocumentKind::CreditMemo => line.contains(&total),
            DocumentKind::SalesOrder => line.contains(sheet.status()),
            DocumentKind::PurchaseOrder => line.contains(&total) && line.contains(sheet.status()),
        };
        !matches!(own.as_slice(), [line] if right(line))
    };
    let wrong = documents.iter().find(|sheet| line(sheet))?;
    Some(format!("the note of deal {} tells {} wrongly: {}", deal.id, wrong.number, note.ours))
}

/// Whom nobody told what is overdue, and activities about what is not overdue any more.
fn wrong_activities(worlds: &Worlds, deal: &Deal<'_>, today: Date) -> Vec<String> {
    if !worlds.papers.policy.overdue_activity {
        return Vec::new();
    }
    let overdue: Vec<(i64, &Sheet)> = deal
        .of(DocumentKind::Invoice)
        .filter(|(_, sheet)| standing(sheet, today) == "overdue")
        .map(|(key, sheet)| (key.id, *sheet))
        .collect();
    let ever = worlds.notes.ever_told(deal.id);
    let mut found = Vec::new();
    // What has been overdue for long when it is read first is no news.
    let news = today.saturating_sub(14.days());
    let is_news = |sheet: &Sheet| {
        let unpaid = sheet.left().into_iter().filter(|(_, left)| cents(*left) > 0);
        unpaid.map(|(due, _)| due).min().is_some_and(|due| due >= news)
    };
    for (invoice, _) in overdue.iter().filter(|(id, sheet)| is_news(sheet) && !ever.contains(id)) {
        found.push(format!("nobody told the owner of deal {} that invoice {invoice} is overdue", deal.id));
    }
    for told in worlds.notes.told_on(deal.id) {
        if !overdue.iter().any(|(id, _)| told.contains(id)) {
            found.push(format!(
                "an activity on deal {} tells of {told:?}, and none of them is overdue",
                deal.id
            ));
        }
    }
    found
}
