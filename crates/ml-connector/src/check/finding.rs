//! What a check says: findings by name, a verdict, and what would happen next. The JSON of `check --json` is this.

use serde::Serialize;

pub use sync_web::fit::Severity;

/// One thing that was looked at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// Its name; names are stable. Up to the first dot it is the system: `store`, `fusion` or `pipedrive`.
    pub name: &'static str,
    /// How bad it is.
    pub severity: Severity,
    /// What was seen.
    pub seen: String,
    /// What to do, where there is something to do.
    pub remedy: Option<Remedy>,
}

/// What to do about a finding.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Remedy {
    /// What.
    pub what: String,
    /// Where: a key of the configuration file, or a place in one of the systems.
    #[serde(rename = "where")]
    pub place: String,
}

impl Finding {
    pub(super) fn ok(name: &'static str, seen: impl Into<String>) -> Self {
        Self { name, severity: Severity::Ok, seen: seen.into(), remedy: None }
    }

    pub(super) fn note(name: &'static str, seen: impl Into<String>) -> Self {
        Self { name, severity: Severity::Note, seen: seen.into(), remedy: None }
    }

    pub(super) fn warning(name: &'static str, seen: impl Into<String>) -> Self {
        Self { name, severity: Severity::Warning, seen: seen.into(), remedy: None }
    }

    pub(super) fn problem(name: &'static str, seen: impl Into<String>) -> Self {
        Self { name, severity: Severity::Problem, seen: seen.into(), remedy: None }
    }

    pub(super) fn not_checked(name: &'static str, because: &str) -> Self {
        let seen = format!("not checked, because of {because}");
        Self { name, severity: Severity::NotChecked, seen, remedy: None }
    }

    #[must_use]
    pub(super) fn remedy(mut self, what: impl Into<String>, place: impl Into<String>) -> Self {
        self.remedy = Some(Remedy { what: what.into(), place: place.into() });
        self
    }
}

/// What was found about one connection.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Report {
    /// The connection's name.
    pub connection: String,
    /// Whether there is no problem.
    pub fits: bool,
    /// Problems found.
    pub problems: usize,
    /// Warnings found.
    pub warnings: usize,
    /// Grouped by system, in the order of looking.
    pub findings: Vec<Finding>,
    /// What a first load would be like.
    pub first_load: FirstLoad,
    /// What the flow from the CRM to the ERP would be like; none where it is not wanted, or not known.
    pub handovers: Option<HandoverForecast>,
    /// What the check itself took.
    pub spent: Spent,
}

/// What handing over would be like, by the first page of won deals and the first of open ones.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct HandoverForecast {
    /// From when on won deals count by themselves; none before the flow was switched on: it begins with the first run.
    pub since: Option<String>,
    /// Won deals that were seen.
    pub won_deals: u64,
    /// Whether there are more of them.
    pub more_won_deals: bool,
    /// Those of them that were won before: they wait for a person.
    pub older_deals: u64,
    /// Organizations of these that are no customers yet.
    pub older_organizations: u64,
    /// Won deals without an organization: somebody is asked about those that are not older.
    pub won_without_organization: u64,
    /// Open deals that were seen.
    pub open_deals: u64,
    /// Whether there are more of them.
    pub more_open_deals: bool,
    /// Organizations of these that would be handed over when won, because they are no customers yet.
    pub organizations_when_won: u64,
}

/// What a first load would be like, as far as it is cheaply known. Everything is an estimate.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct FirstLoad {
    /// Customers in the ERP: the larger of parties with a customer's usage and of AR accounts.
    pub customers: Option<u64>,
    /// Organizations in Pipedrive: all of them, or those on the first page.
    pub organizations: Option<u64>,
    /// Whether there are more organizations than that.
    pub more_organizations: bool,
    /// Tokens of Pipedrive's daily budget that it takes.
    pub tokens: Option<u64>,
    /// New organizations that pass the mass guard; what is beyond is held. None if the guard does not count them.
    pub unasked: Option<u64>,
    /// Tokens that it may spend a day.
    pub tokens_a_day: u64,
    /// Days that it takes, today included.
    pub days: Option<u64>,
}

/// What a check took.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Spent {
    /// Requests to the ERP.
    pub erp_requests: u64,
    /// Requests to Pipedrive.
    pub pipedrive_requests: u64,
    /// Tokens of the daily budget there.
    pub pipedrive_tokens: u64,
}

impl Report {
    pub(super) fn new(
        connection: String,
        findings: Vec<Finding>,
        first_load: FirstLoad,
        handovers: Option<HandoverForecast>,
        spent: Spent,
    ) -> Self {
        let count = |severity| findings.iter().filter(|finding| finding.severity == severity).count();
        let (problems, warnings) = (count(Severity::Problem), count(Severity::Warning));
        Self { connection, fits: problems == 0, problems, warnings, findings, first_load, handovers, spent }
    }
}
