//! How plans are shown: what was read, what it costs, and the records ([`sync_web::plan`]).

use std::fmt::Write;

use serde::Serialize;
use sync_web::plan::{Entry, Totals};

use sync_web::handover_plan::Handovers;

/// What a sync of one connection would do.
#[derive(Debug, Clone, Serialize)]
pub struct Preview {
    /// The connection's name.
    pub connection: String,
    /// Who read what this is decided on.
    pub read: Read,
    /// How many records of which kind.
    pub totals: Totals,
    /// What it would cost.
    pub tokens: Tokens,
    /// The oldest reading of an organization that would be written; none when there is none.
    pub oldest_read: Option<String>,
    /// Custom fields that would be created first.
    pub missing_fields: Vec<String>,
    /// Every record about which something is to be said; what agrees already is only counted.
    pub records: Vec<Entry>,
    /// What would be handed over to the ERP; none where nothing is.
    pub handovers: Option<Handovers>,
}

/// Who read what a preview is decided on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Read {
    /// This command, just now.
    Now,
    /// The process that holds the connection, at its own pace.
    ByTheOtherProcess,
}

/// What writing would cost.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Tokens {
    /// For all writes, custom fields included.
    pub needed: u64,
    /// What is left of today's budget, the reserve for urgent work not counted.
    pub left_today: u64,
}

impl Preview {
    /// For people: totals first, then at most `limit` records.
    pub fn told(&self, limit: usize) -> String {
        let Self { connection, read, totals, tokens, oldest_read, missing_fields, records, handovers } = self;
        let mut text = format!("{connection}: {}\n", totals.told());
        // Writing to a String cannot fail.
        let _ =
            writeln!(text, "  {} tokens needed for writing, {} left today", tokens.needed, tokens.left_today);
        if !missing_fields.is_empty() {
            let _ = writeln!(text, "  custom fields to be created first: {}", missing_fields.join(", "));
        }
        if let Some(oldest) = oldest_read {
            let _ = writeln!(
                text,
                "  organizations are shown as they were last read, the oldest at {oldest}; --fresh reads them again"
            );
        }
        if *read == Read::ByTheOtherProcess {
            text.push_str("  another process holds the connection: decided on what that process has read\n");
        }
        for entry in records.iter().take(limit) {
            text.push('\n');
            text.push_str(&entry.told());
        }
        if records.len() > limit {
            let _ = writeln!(text, "\n... and {} more; --limit shows more of them", records.len() - limit);
        }
        if let Some(handovers) = handovers {
            text.push('\n');
            text.push_str(&handovers.told(limit));
        }
        text
    }
}
