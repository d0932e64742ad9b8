//! What was asked of a simulator.

use std::collections::BTreeMap;

use serde::Serialize;

/// Counts since the start; requests to `/_sim/` are not among them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Stats {
    /// Requests that reached the simulator, refused ones included.
    pub requests: u64,
    /// API tokens charged (Pipedrive section 3.2); always 0 in Fusion.
    pub tokens: u64,
    /// Requests refused because too many came within two seconds, searches included (Pipedrive section 3.3).
    pub burst_refusals: u64,
    /// Requests refused because the daily budget was used up (Pipedrive section 3.1).
    pub daily_refusals: u64,
    /// Requests and tokens by operation, such as `GET /api/v2/organizations`.
    pub by_operation: BTreeMap<String, (u64, u64)>,
}

impl Stats {
    pub(crate) fn count(&mut self, operation: &str, tokens: u64) {
        self.requests += 1;
        self.tokens += tokens;
        let (requests, spent) = self.by_operation.entry(operation.to_owned()).or_default();
        *requests += 1;
        *spent += tokens;
    }
}
