//! The note of one deal and one kind of documents, as HTML: a pure function of the documents and the day.
//!
//! The newest come first, line by line, and what does not fit is summarised, so that the note stays below [`NOTE_LIMIT`]
//! whatever the ERP says. The last line is our marker in plain text: the CRM's sanitiser strips comments and attributes
//! (pipedrive.md 6), and by the marker a note is found again whose id was lost.
//!
//! What was sent and what the CRM kept of it are compared by [`digest`], which looks at nothing but the letters that a person
//! reads.

use jiff::civil::Date;
use sha2::{Digest, Sha256};
use unicode_normalization::UnicodeNormalization;

use super::{
    document::Document,
    kind::{DocumentKey, DocumentKind},
    money::{Currencies, shown_amount},
    policy::{DocumentPolicy, NoteStyle},
    rollup::counted,
    summary::summary,
};
use crate::{ids::DealId, text};

/// A note has fewer bytes; the CRM refuses 100,000 (pipedrive.md 6).
pub const NOTE_LIMIT: usize = 90_000;

/// For lines; the rest is for the heading, the summary and the marker, which have bounds of their own.
const LINES_LIMIT: usize = 60_000;

/// More lines nobody reads.
const LINES: usize = 200;

/// Characters of anything that the ERP says.
const TEXT: usize = 120;

/// A longer link is none.
const LINK: usize = 1_000;

/// What a note of ours ends with.
#[must_use]
pub fn marker(deal: DealId, kind: DocumentKind) -> String {
    format!("[erp-sync:{}:deal:{deal}]", kind.key())
}

/// Whether a note, as the CRM keeps it, is ours for this deal and kind. The last marker counts: the ERP's texts stand before.
#[must_use]
pub fn is_ours(content: &str, deal: DealId, kind: DocumentKind) -> bool {
    let said = comparable(content);
    said.rfind("[erp-sync:").is_some_and(|at| said[at..].starts_with(&marker(deal, kind)))
}

/// What an activity says of an invoice that became overdue, by which it is found again.
#[must_use]
pub fn overdue_marker(invoice: DocumentKey) -> String {
    format!("[erp-sync:overdue:{}:{}]", invoice.kind.key(), invoice.id)
}

/// Whether an activity, as the CRM keeps it, told of this invoice.
#[must_use]
pub fn tells_of(content: &str, invoice: DocumentKey) -> bool {
    comparable(content).contains(&overdue_marker(invoice))
}

/// What an activity says of invoices that became overdue.
pub(super) fn overdue_note(invoices: &[&Document], currencies: &Currencies) -> String {
    let line = |invoice: &&Document| {
        let currency = invoice.currency.as_deref();
        let open = invoice.balance.map(|open| format!(", open {}", shown_amount(currencies, open, currency)));
        let due = invoice.due.map(|due| format!(", due {due}")).unwrap_or_default();
        let said = escaped(&format!("{}{}{due}", invoice.name(), open.unwrap_or_default()));
        format!("<li>{said} {}</li>", overdue_marker(invoice.key))
    };
    let shown: Vec<String> = invoices.iter().take(LINES).map(line).collect();
    let rest = invoices.len().saturating_sub(LINES);
    let rest = if rest > 0 { format!("<p>and {rest} more</p>") } else { String::new() };
    format!("<ul>{}</ul>{rest}", shown.concat())
}

/// By this two notes say the same to a person, whatever the CRM did to tags, attributes, entities and blanks.
#[must_use]
pub fn digest(content: &str) -> String {
    hex::encode(Sha256::digest(comparable(content).as_bytes()))
}

/// Whether a note, as the CRM keeps it, says all of what was sent; a person may have written more into it.
#[must_use]
pub fn says(content: &str, sent: &str) -> bool {
    comparable(content).contains(&comparable(sent))
}

/// All letters outside of tags, entities decoded, composed, without blanks.
fn comparable(content: &str) -> String {
    let mut plain = String::with_capacity(content.len());
    let mut rest = content;
    while let Some(at) = rest.find('<') {
        plain.push_str(&rest[..at]);
        // A sign that opens no tag is a sign that somebody forgot to escape.
        let tag = rest[at + 1..].starts_with(|c: char| c.is_ascii_alphabetic() || c == '/' || c == '!');
        let end = rest[at..].find('>').filter(|_| tag);
        if end.is_none() {
            plain.push('<');
        }
        rest = &rest[at + end.unwrap_or(0) + 1..];
    }
    plain.push_str(rest);
    let invisible = |c: &char| !c.is_whitespace() && !c.is_control() && *c != '\u{200b}' && *c != '\u{feff}';
    decoded(&plain).nfc().filter(invisible).collect()
}

/// Entities become what they stand for, once: what is not known stays as it is.
fn decoded(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('&') {
        out.push_str(&rest[..at]);
        rest = &rest[at..];
        let end = rest.bytes().take(12).position(|byte| byte == b';');
        match end.and_then(|end| Some((entity(&rest[1..end])?, end))) {
            Some((stands_for, end)) => {
                out.push(stands_for);
                rest = &rest[end + 1..];
            }
            None => {
                out.push('&');
                rest = &rest[1..];
            }
        }
    }
    out.push_str(rest);
    out
}

fn entity(name: &str) -> Option<char> {
    Some(match name {
        "amp" => '&',
        "lt" => '<',
        "gt" => '>',
        "quot" => '"',
        "apos" => '\'',
        "nbsp" => '\u{a0}',
        _ => {
            let number = name.strip_prefix('#')?;
            let hex = number.strip_prefix(['x', 'X']);
            let code = hex.map_or_else(|| number.parse().ok(), |hex| u32::from_str_radix(hex, 16).ok())?;
            char::from_u32(code)?
        }
    })
}

/// What the ERP says, on one line, bounded, with nothing in it that a browser understands.
fn escaped(said: &str) -> String {
    let said = text::bounded(&text::squeeze(said), TEXT).0;
    escape(&said)
}

fn escape(said: &str) -> String {
    let mut out = String::with_capacity(said.len());
    for c in said.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c => out.push(c),
        }
    }
    out
}

/// The note; `None` if there is no document of the kind that counts.
#[must_use]
pub fn render(
    policy: &DocumentPolicy,
    deal: DealId,
    kind: DocumentKind,
    documents: &[Document],
    currencies: &Currencies,
    today: Date,
) -> Option<String> {
    let mut all = counted(policy, documents);
    all.retain(|document| document.key.kind == kind);
    if all.is_empty() {
        return None;
    }
    let mut lines = String::new();
    let mut shown = 0;
    for document in all.iter().take(LINES) {
        let line = line(policy, document, currencies, today);
        if lines.len() + line.len() > LINES_LIMIT {
            break;
        }
        lines += &line;
        shown += 1;
    }
    let older: String = summary(kind, &all[shown..], currencies)
        .iter()
        .map(|line| format!("<li>{}</li>", escape(line)))
        .collect();
    let mut note = format!("<p><b>{} in the ERP: {}</b></p>", kind.heading(), all.len());
    note += &match policy.note_style {
        NoteStyle::List => format!("<ul>{lines}</ul>"),
        NoteStyle::Table => format!("<table>{}{lines}</table>", header(kind)),
    };
    if shown < all.len() {
        note += &format!("<p>{} older:</p><ul>{older}</ul>", all.len() - shown);
    }
    note += &format!("<p>Kept up to date, changes to this note are replaced. {}</p>", marker(deal, kind));
    Some(note)
}

fn header(kind: DocumentKind) -> String {
    let cell = |title: &str| format!("<th>{title}</th>");
    let titles: &[&str] = match kind {
        DocumentKind::Invoice => &["Number", "Date", "Total", "Open", "Due", "Status"],
        DocumentKind::CreditMemo => &["Number", "Date", "Total"],
        DocumentKind::SalesOrder => &["Number", "Status"],
        DocumentKind::PurchaseOrder => &["Number", "Total", "Status"],
    };
    format!("<tr>{}</tr>", titles.iter().map(|title| cell(title)).collect::<String>())
}

/// One document in the columns of its kind.
fn line(policy: &DocumentPolicy, document: &Document, currencies: &Currencies, today: Date) -> String {
    let currency = document.currency.as_deref();
    let decimals = currency.and_then(|code| currencies.decimals(code)).unwrap_or(4);
    let name = escaped(&document.name());
    let link = policy.links.get(&document.key.kind).map(|link| link.link(document));
    let number = match link.filter(|link| link.len() <= LINK) {
        Some(link) => format!("<a href=\"{}\">{name}</a>", escape(&link)),
        None => name,
    };
    let day = |day: Option<Date>| day.map(|day| day.to_string()).unwrap_or_default();
    let money = |amount| escaped(&shown_amount(currencies, amount, currency));
    let total = document.total.map(money).unwrap_or_default();
    let erp_status = escaped(document.status.as_deref().unwrap_or_default());
    let cells = match document.key.kind {
        DocumentKind::Invoice => {
            let standing = document.standing(decimals, today).map(|standing| standing.label().to_owned());
            let open = document.owed(decimals).map(money).unwrap_or_default();
            let due = document.unpaid(decimals).iter().filter_map(|part| part.due).min().or(document.due);
            vec![
                ("", number),
                ("", day(document.date)),
                ("", total),
                ("open ", open),
                ("due ", day(due)),
                ("", standing.unwrap_or_default()),
            ]
        }
        DocumentKind::CreditMemo => vec![("", number), ("", day(document.date)), ("", total)],
        DocumentKind::SalesOrder => vec![("", number), ("", erp_status)],
        DocumentKind::PurchaseOrder => vec![("", number), ("", total), ("", erp_status)],
    };
    match policy.note_style {
        NoteStyle::Table => {
            let row: String = cells.iter().map(|(_, said)| format!("<td>{said}</td>")).collect();
            format!("<tr>{row}</tr>")
        }
        NoteStyle::List => {
            let said = cells.iter().filter(|(_, said)| !said.is_empty());
            let row: Vec<String> = said.map(|(label, said)| format!("{label}{said}")).collect();
            format!("<li>{}</li>", row.join(", "))
        }
    }
}
