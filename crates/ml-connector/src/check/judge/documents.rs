//! Whether documents can be read, and what showing them takes of the budget.

use std::collections::BTreeMap;

use sync_core::documents::DocumentKind;

use super::super::finding::Finding;
use super::super::observe::Asked;
use super::super::trouble::Cause;
use super::access::seen;
use super::fusion::SECURITY;
use super::grouped;
use crate::config::Connection;

const READABLE: &str = "fusion.documents";
const COST: &str = "pipedrive.documents";

/// Reading a deal and setting its fields (pipedrive.md 3.2).
const FIELDS: u64 = 1 + 5;

/// Reading a note and writing it.
const NOTE: u64 = 2 + 10;

/// Whether documents of each kind can be read.
pub(super) fn readable(asked: &BTreeMap<DocumentKind, Asked<bool>>, blocked_by: &'static str) -> Finding {
    let (mut refused, mut empty, mut there, mut forbidden) = (Vec::new(), Vec::new(), Vec::new(), false);
    for (kind, asked) in asked {
        let name = kind.heading().to_lowercase();
        match (asked.answer(), asked.refusal()) {
            (Some(true), _) => there.push(name),
            (Some(false), _) => empty.push(name),
            (None, Some(trouble)) => {
                forbidden |= trouble.cause == Cause::Forbidden;
                refused.push(format!("{name}: {}", seen(trouble)));
            }
            (None, None) => {}
        }
    }
    if !refused.is_empty() {
        let remedy = if forbidden {
            "give that user the privileges for these resources (of invoices: Create Receivables Invoice) and access to the \
             data of their business units, or leave these kinds out"
        } else {
            "see what the pod says of it, or leave these kinds out"
        };
        let place = format!("{SECURITY}; [connection.documents] kinds");
        return Finding::problem(READABLE, refused.join("; ")).remedy(remedy, place);
    }
    if !empty.is_empty() {
        let said = format!(
            "the pod answers 200 without any of the {}: a user without data access gets this answer, too",
            empty.join(", ")
        );
        let remedy = "where there are some, give that user access to the data of their business units";
        return Finding::warning(READABLE, said).remedy(remedy, SECURITY);
    }
    if there.is_empty() {
        return Finding::not_checked(READABLE, blocked_by);
    }
    Finding::ok(READABLE, format!("{} can be read", there.join(", ")))
}

/// How many deals may change a day, given what is left a day after looking for changes.
pub(super) fn forecast(connection: &Connection, left: u64) -> Option<Finding> {
    let documents = connection.documents.as_ref()?;
    let notes = if documents.note { documents.kinds.len() as u64 } else { 0 };
    let most = FIELDS + notes * NOTE;
    let least = FIELDS + NOTE * u64::from(documents.note);
    let said = format!(
        "a deal whose documents change takes {least} tokens with one note, {most} with all of them: about {} deals a day \
         with what is left",
        grouped(left / least)
    );
    Some(Finding::ok(COST, said))
}
