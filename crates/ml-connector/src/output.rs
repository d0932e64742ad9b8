//! What commands print. stdout is data: a table for people, or with `--json` one JSON value. stderr is talk.

use std::fmt::Display;
use std::io::{self, Write};

use anyhow::Context;
use comfy_table::{CellAlignment, Table, presets};
use serde::Serialize;
use sync_store::StoreError;

use crate::config::{self, ConfigError};
use crate::exit::{self, Failed};

/// Where a command's data goes, and in which form.
#[derive(Debug, Clone, Copy)]
pub struct Output {
    json: bool,
}

impl Output {
    /// With `json`, data is printed as JSON, else as text for people.
    pub fn new(json: bool) -> Self {
        Self { json }
    }

    /// Whether data is printed as JSON.
    pub fn is_json(self) -> bool {
        self.json
    }

    /// Prints a command's data: `value` as one line of JSON, or what `human` makes of it.
    ///
    /// # Errors
    /// stdout cannot be written. A broken pipe is one of these errors too: [`crate::exit::code_of`] turns it into
    /// a quiet end.
    pub fn data<T: Serialize, H: Display>(
        self,
        value: &T,
        human: impl FnOnce(&T) -> H,
    ) -> anyhow::Result<()> {
        let text = if self.json {
            serde_json::to_string(value)?
        } else {
            human(value).to_string().trim_end().to_owned()
        };
        let mut stdout = anstream::stdout().lock();
        writeln!(stdout, "{text}").and_then(|()| stdout.flush()).context("cannot write to stdout")
    }

    /// Prints the error that ends the process: with `--json` as `{"error":{...}}` on stdout, where a program waits
    /// for the one value of this command, else with snippet and remedy on stderr.
    pub fn error(self, error: &anyhow::Error) {
        // If nobody listens any more there is nobody left to tell; the exit code still says it.
        let _ = self.try_error(error);
    }

    fn try_error(self, error: &anyhow::Error) -> io::Result<()> {
        let config = error.downcast_ref::<ConfigError>();
        let known = || exit::of_store(error).and_then(StoreError::remedy);
        let help = error.downcast_ref::<Failed>().and_then(Failed::remedy).map(str::to_owned).or_else(known);
        let help = help.as_deref();
        if self.json {
            let json = config.map_or_else(|| error_json(&format!("{error:#}"), help), ConfigError::to_json);
            return writeln!(anstream::stdout().lock(), "{json}");
        }
        if let Some(config) = config {
            config::report(config);
            return Ok(());
        }
        let mut stderr = anstream::stderr().lock();
        writeln!(stderr, "error: {error:#}")?;
        help.map_or(Ok(()), |help| writeln!(stderr, "help: {help}"))
    }
}

/// The JSON form of an error that belongs to no place in a file.
pub fn error_json(message: &str, help: Option<&str>) -> serde_json::Value {
    serde_json::json!({ "error": { "message": message, "line": null, "column": null, "help": help } })
}

/// Says something to the person watching, on stderr.
pub fn talk(message: impl Display) {
    // Talk that nobody hears is no failure.
    let _ = writeln!(anstream::stderr().lock(), "{message}");
}

/// A plain table without borders: a line per row, easy to read, to cut and to grep. Columns named in `numbers` are
/// aligned right.
pub fn table<const N: usize>(
    header: [&str; N],
    numbers: &[&str],
    rows: impl IntoIterator<Item = [String; N]>,
) -> Table {
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_header(header.map(str::to_uppercase));
    table.add_rows(rows);
    for (index, name) in header.iter().enumerate() {
        if let Some(column) = table.column_mut(index) {
            column.set_padding((0, 2));
            if numbers.contains(name) {
                column.set_cell_alignment(CellAlignment::Right);
            }
        }
    }
    table
}

/// What a sync did, per connection: the last line of `sync --json` and `demo --once --json`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Summary {
    /// In the order of the configuration file.
    pub connections: Vec<ConnectionSummary>,
}

/// What was done for one connection.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct ConnectionSummary {
    /// The connection's name.
    pub name: String,
    /// What became of the records.
    pub flows: Flows,
    /// What it cost at Pipedrive.
    pub pipedrive: PipedriveUse,
    /// What it cost at the ERP.
    pub erp: ErpUse,
}

/// Outcomes by flow.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Flows {
    /// ERP customers and Pipedrive organizations.
    pub customers: Outcomes,
    /// Organizations of Pipedrive on their way to the ERP; none where that is not configured.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub customers_from_crm: Option<Outcomes>,
    /// Deals on which documents of the ERP are shown; none where that is not configured.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub documents: Option<Outcomes>,
}

/// Each record counts once, by its last outcome.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Outcomes {
    /// Created on the other side.
    pub created: u64,
    /// Changed on the other side.
    pub updated: u64,
    /// Looked at and found right.
    pub unchanged: u64,
    /// Waiting for a person.
    pub held: u64,
    /// Failed, to be tried again.
    pub failed: u64,
}

impl From<sync_store::Counts> for Outcomes {
    fn from(counts: sync_store::Counts) -> Self {
        let sync_store::Counts { created, updated, unchanged, held, failed } = counts;
        Self { created, updated, unchanged, held, failed }
    }
}

/// Calls to Pipedrive.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct PipedriveUse {
    /// Requests sent.
    pub requests: u64,
    /// Tokens of the daily budget spent.
    pub tokens: u64,
}

/// Calls to the ERP.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct ErpUse {
    /// Requests sent.
    pub requests: u64,
}

impl Summary {
    /// How many records failed, over all connections.
    pub fn failed(&self) -> u64 {
        let failed = |flows: &Flows| {
            let others = [flows.customers_from_crm, flows.documents].into_iter().flatten();
            flows.customers.failed + others.map(|flow| flow.failed).sum::<u64>()
        };
        self.connections.iter().map(|connection| failed(&connection.flows)).sum()
    }

    /// The table for people.
    pub fn table(&self) -> Table {
        const NUMBERS: [&str; 8] = [
            "created",
            "updated",
            "unchanged",
            "held",
            "failed",
            "pipedrive requests",
            "tokens",
            "erp requests",
        ];
        let [created, updated, unchanged, held, failed, requests, tokens, erp] = NUMBERS;
        let header = ["connection", "flow", created, updated, unchanged, held, failed, requests, tokens, erp];
        let rows = self.connections.iter().flat_map(|connection| {
            let ConnectionSummary { name, flows, pipedrive, erp } = connection;
            let Flows { customers, customers_from_crm, documents } = flows;
            let spent = [pipedrive.requests, pipedrive.tokens, erp.requests].map(|number| number.to_string());
            // What was spent is told once: one connection has one budget.
            let others = [("customers_from_crm", customers_from_crm), ("documents", documents)];
            let others = others
                .into_iter()
                .filter_map(|(flow, counts)| Some((flow, counts.as_ref()?, Default::default())));
            std::iter::once(("customers", customers, spent)).chain(others).map(|(flow, counts, spent)| {
                let Outcomes { created, updated, unchanged, held, failed } = counts;
                let numbers = [created, updated, unchanged, held, failed];
                let [created, updated, unchanged, held, failed] = numbers.map(ToString::to_string);
                let [requests, tokens, erp] = spent;
                let (name, flow) = (name.clone(), flow.to_owned());
                [name, flow, created, updated, unchanged, held, failed, requests, tokens, erp]
            })
        });
        table(header, &NUMBERS, rows)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn summary() -> Summary {
        Summary {
            connections: vec![ConnectionSummary {
                name: "acme".to_owned(),
                flows: Flows {
                    customers: Outcomes { created: 500, updated: 1, unchanged: 2, held: 3, failed: 4 },
                    customers_from_crm: None,
                    documents: None,
                },
                pipedrive: PipedriveUse { requests: 510, tokens: 2_600 },
                erp: ErpUse { requests: 7 },
            }],
        }
    }

    #[test]
    fn the_summary_has_exactly_the_promised_shape() {
        assert_eq!(
            serde_json::to_string(&summary()).unwrap(),
            concat!(
                r#"{"connections":[{"name":"acme","flows":{"customers":"#,
                r#"{"created":500,"updated":1,"unchanged":2,"held":3,"failed":4}},"#,
                r#""pipedrive":{"requests":510,"tokens":2600},"erp":{"requests":7}}]}"#
            )
        );
    }

    #[test]
    fn the_summary_as_a_table() {
        let table = summary().table().to_string();
        let words: Vec<&str> = table.lines().last().unwrap().split_whitespace().collect();
        assert_eq!(words, ["acme", "customers", "500", "1", "2", "3", "4", "510", "2600", "7"]);
        assert_eq!(summary().failed(), 4);
    }
}
