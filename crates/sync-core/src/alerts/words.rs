//! What an alert says, to people and to programs.

use std::collections::BTreeSet;

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::{Alert, Trouble};
use crate::{handover::Subject, merge::Side};

/// So many of those that are told together are named; how many they are is always said.
const MOST_NAMED: usize = 20;

impl Alert {
    /// Its type, for programs.
    #[must_use]
    pub fn key(&self) -> &'static str {
        match self {
            Self::Broken { .. } => "connection.broken",
            Self::Recovered { .. } => "connection.recovered",
            Self::HoldsWaiting { .. } => "holds.waiting",
            Self::HoldsDone => "holds.done",
            Self::BudgetUsed { .. } => "budget.used",
            Self::HandoverLate { .. } => "handover.late",
            Self::HandoverDone { .. } => "handover.done",
        }
    }

    /// It in one sentence.
    #[must_use]
    pub fn text(&self, connection: &str) -> String {
        match self {
            Self::Broken { troubles, since } => {
                let troubles: Vec<&str> = troubles.iter().map(|trouble| trouble.explain()).collect();
                format!("{connection} is broken since {since:.0}: {}.", troubles.join("; "))
            }
            Self::Recovered { broken_since } => {
                format!("{connection} works again; it was broken since {broken_since:.0}.")
            }
            Self::HoldsWaiting { holds, before } => {
                let before = if *before > 0 {
                    format!(", {} more than before", holds - before)
                } else {
                    String::new()
                };
                format!("{connection}: {} for a person{before}.", wait(*holds, "question"))
            }
            Self::HoldsDone => format!("{connection}: no question waits any more."),
            Self::BudgetUsed { mark: _, percent, until } => {
                let until = until.map(|until| format!("; nothing is left until {until:.0}"));
                let until = until.unwrap_or_default();
                format!("{connection}: {percent} % of the CRM's budget of the day is used up{until}.")
            }
            Self::HandoverLate { late, asked, all: _ } => {
                let asked = match asked {
                    0 => String::new(),
                    asked => format!(", {asked} of them for an answer"),
                };
                let waiting = wait(late.len() as u64, "won deal");
                format!("{connection}: {waiting} for a customer of the ERP for too long{asked}.")
            }
            Self::HandoverDone { done, left } => {
                let left = if *left > 0 { format!("; {left} still wait") } else { String::new() };
                let done = match done.len() {
                    1 => "1 won deal that waited for a customer of the ERP is done with".to_owned(),
                    many => format!("{many} won deals that waited for a customer of the ERP are done with"),
                };
                format!("{connection}: {done}{left}.")
            }
        }
    }

    /// What a person does about it.
    #[must_use]
    pub fn help(&self, connection: &str) -> String {
        match self {
            Self::Broken { troubles, .. } => help_with(troubles, connection),
            Self::Recovered { .. } | Self::HoldsDone | Self::HandoverDone { .. } => {
                "Nothing has to be done.".to_owned()
            }
            Self::HoldsWaiting { .. } => {
                "Answer them in the console, or with `ml-connector holds list` and `ml-connector handovers list`."
                    .to_owned()
            }
            Self::BudgetUsed { mark, .. } if *mark < 100 => {
                "What is not urgent waits when only the reserve is left; `/metrics` tells who spends it.".to_owned()
            }
            Self::BudgetUsed { .. } => {
                "Nothing is lost: it goes on when the CRM's day begins. If that happens often, `plan`, `seats` and \
                    `max_share` are worth a look."
                    .to_owned()
            }
            Self::HandoverLate { .. } => {
                "`ml-connector handovers list` tells what each waits for; questions are answered there or in the console."
                    .to_owned()
            }
        }
    }

    /// Whole, as it is sent: `{type, timestamp, text, data}`.
    #[must_use]
    pub fn body(&self, connection: &str, link: Option<&str>, at: Timestamp) -> Value {
        let mut data = self.data();
        let text = self.text(connection);
        data.insert("connection".to_owned(), json!(connection));
        data.insert("text".to_owned(), json!(text));
        data.insert("help".to_owned(), json!(self.help(connection)));
        if let Some(link) = link {
            data.insert("link".to_owned(), json!(link));
        }
        json!({ "type": self.key(), "timestamp": format!("{at:.0}"), "text": text, "data": data })
    }

    fn data(&self) -> Map<String, Value> {
        let data = match self {
            Self::Broken { troubles, since } => {
                let troubles: Vec<&str> = troubles.iter().map(|trouble| trouble.key()).collect();
                json!({ "troubles": troubles, "since": format!("{since:.0}") })
            }
            Self::Recovered { broken_since } => json!({ "broken_since": format!("{broken_since:.0}") }),
            Self::HoldsWaiting { holds, before } => json!({ "holds": holds, "before": before }),
            Self::HoldsDone => json!({ "holds": 0 }),
            Self::BudgetUsed { mark, percent, until } => {
                json!({ "mark": mark, "percent": percent, "until": until.map(|until| format!("{until:.0}")) })
            }
            Self::HandoverLate { late, asked, all } => {
                json!({ "count": late.len(), "handovers": named(late), "asked": asked, "all": all })
            }
            Self::HandoverDone { done, left } => {
                json!({ "count": done.len(), "handovers": named(done), "left": left })
            }
        };
        match data {
            Value::Object(data) => data,
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => {
                Map::new()
            }
        }
    }
}

impl Trouble {
    /// Its name, for programs.
    #[must_use]
    pub fn key(self) -> &'static str {
        match self {
            Self::NoAccess(Side::Erp) => "erp_no_access",
            Self::NoAccess(Side::Crm) => "crm_no_access",
            Self::Denied(Side::Erp) => "erp_denied",
            Self::Denied(Side::Crm) => "crm_denied",
            Self::Silent(Side::Erp) => "erp_silent",
            Self::Silent(Side::Crm) => "crm_silent",
            Self::DocumentsSilent => "documents_silent",
        }
    }

    fn explain(self) -> &'static str {
        match self {
            Self::NoAccess(Side::Erp) => "the ERP refuses our access",
            Self::NoAccess(Side::Crm) => "the CRM refuses our access",
            Self::Denied(Side::Erp) => "the ERP denies a right that is needed",
            Self::Denied(Side::Crm) => "the CRM denies a right that is needed",
            Self::Silent(Side::Erp) => "nothing can be read from the ERP",
            Self::Silent(Side::Crm) => "nothing can be read from the CRM",
            Self::DocumentsSilent => "documents of the ERP cannot be read",
        }
    }
}

fn help_with(troubles: &BTreeSet<Trouble>, connection: &str) -> String {
    let check = format!("`ml-connector check --connection {connection}` tells what is wrong and what to do");
    if troubles.contains(&Trouble::NoAccess(Side::Crm)) {
        return format!("{check}; an app gets access again with `ml-connector connect {connection}`.");
    }
    format!("{check}.")
}

/// "1 question waits", "3 questions wait"
fn wait(count: u64, what: &str) -> String {
    if count == 1 { format!("1 {what} waits") } else { format!("{count} {what}s wait") }
}

fn named(subjects: &[Subject]) -> Vec<String> {
    subjects.iter().take(MOST_NAMED).map(ToString::to_string).collect()
}
