//! What a connection would be like: whether both systems fit, how much there is, what a first sync would do, what it costs
//! on every plan, and what became of an earlier forecast. For console, API and command line alike; `ml-connector` measures it.
//!
//! Longer than 600 lines: one report, whose parts are shown together and nowhere else.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde::{Deserialize, Serialize};
use sync_core::ids::ConnectionId;
use sync_store::{Store, WrittenSince};
use utoipa::ToSchema;

use super::TellError;

/// A fit report.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct FitReport {
    /// The connection.
    pub connection: String,
    /// When it was made.
    pub made_at: String,
    /// Whether nothing stands in the way.
    pub fits: bool,
    /// What was looked at, system by system.
    pub findings: Vec<FitFinding>,
    /// How much there is, and how often it changes.
    pub volumes: Vec<VolumeTold>,
    /// What a sync would do now; none where something stands in the way of knowing.
    pub first_sync: Option<FirstSync>,
    /// Why that is not known.
    pub not_known: Option<String>,
    /// What a day costs afterwards.
    pub each_day: EachDay,
    /// What it would be on every plan; the first one is as configured.
    pub plans: Vec<PlanCost>,
    /// What making the report took.
    pub took: Took,
}

/// How bad a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// As it should be.
    Ok,
    /// Worth knowing.
    Note,
    /// It works, but not as well as it should, or not for long.
    Warning,
    /// It does not work before this is put right.
    Problem,
    /// Could not be looked at, because something before it failed.
    NotChecked,
}

impl Severity {
    /// As people are told.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Note => "note",
            Self::Warning => "warning",
            Self::Problem => "problem",
            Self::NotChecked => "not checked",
        }
    }

    /// How it is coloured.
    pub(crate) fn class(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Warning => "warn",
            Self::Problem => "bad",
            Self::Note | Self::NotChecked => "soft",
        }
    }

    /// Whether nothing is known that stands in the way.
    fn is_good(self) -> bool {
        match self {
            Self::Ok | Self::Note | Self::Warning => true,
            Self::Problem | Self::NotChecked => false,
        }
    }
}

/// Whether nothing of what was found stands in the way; where nothing was looked at, that is not known.
pub(crate) fn nothing_in_the_way(findings: &[FitFinding]) -> bool {
    !findings.is_empty() && findings.iter().all(|finding| finding.severity.is_good())
}

/// Something that was looked at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct FitFinding {
    /// Its name, stable; up to the first dot it is the system: `store`, `fusion` or `pipedrive`.
    pub name: String,
    /// How bad it is.
    pub severity: Severity,
    /// What was seen.
    pub seen: String,
    /// What to do.
    pub remedy: Option<String>,
    /// Where to do it: a place in one of the systems, or a key of the configuration.
    #[serde(rename = "where")]
    pub place: Option<String>,
}

/// Records of a kind.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct VolumeTold {
    /// parties, accounts or organizations.
    pub what: String,
    /// Those that were read.
    pub records: u64,
    /// Those of them that cannot be understood.
    pub malformed: u64,
    /// Changed within the last hour. A record counts where it changed last.
    pub last_hour: u64,
    /// Within the last 24 hours.
    pub last_day: u64,
    /// Within the last seven days.
    pub last_week: u64,
    /// Most changes within one hour of the last seven days.
    pub busiest_hour: u64,
}

/// What a sync would do.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct FirstSync {
    /// Customers that would be decided.
    pub customers: u64,
    /// Organizations created.
    pub create: u64,
    /// Organizations changed.
    pub update: u64,
    /// Organizations found for customers that have none yet.
    pub matched: u64,
    /// Organizations made daughters of others.
    pub relate: u64,
    /// Customers that have an organization already.
    pub paired: u64,
    /// Customers that agree already.
    pub unchanged: u64,
    /// Records that have to wait, or to be read first.
    pub wait: u64,
    /// Questions for a person, by cause.
    pub held: Vec<HeldTold>,
    /// What stays as it is, and why.
    pub not_mapped: Vec<NotMapped>,
    /// How many of the organizations that would be created get a value, by field.
    pub fields: Vec<FieldFit>,
    /// Custom fields that would be created first.
    pub missing_fields: Vec<String>,
    /// What writing costs, custom fields included.
    pub tokens: u64,
    /// What the mass guard asks about first: creates beyond its limit; none where it does not count them.
    pub unasked_creates: Option<u64>,
}

/// Questions of a cause.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct HeldTold {
    /// The cause.
    pub cause: String,
    /// How many.
    pub records: u64,
    /// Some of them.
    pub examples: Vec<HeldExample>,
}

/// A question.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct HeldExample {
    /// The party.
    pub party: i64,
    /// Its name.
    pub name: Option<String>,
    /// The question in words.
    pub explanation: String,
}

/// Records that stay as they are.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct NotMapped {
    /// What they are.
    pub what: String,
    /// How many.
    pub records: u64,
    /// Why.
    pub why: String,
}

/// A mapped field.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct FieldFit {
    /// What people call it.
    pub field: String,
    /// Organizations that would be created with a value.
    pub filled: u64,
}

/// What a day costs, in the CRM's tokens.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct EachDay {
    /// Customers changed a day, by the last week.
    pub changes: u64,
    /// What writing them costs.
    pub for_changes: u64,
    /// What looking for changes costs.
    pub for_looking: u64,
    /// What reading everything once in a while costs.
    pub for_sweeps: u64,
}

impl EachDay {
    /// All of it.
    #[must_use]
    pub fn tokens(&self) -> u64 {
        self.for_changes + self.for_looking + self.for_sweeps
    }
}

/// What it would be on a plan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PlanCost {
    /// The plan.
    pub plan: String,
    /// Seats.
    pub seats: u32,
    /// Whether it is as configured.
    pub configured: bool,
    /// Tokens that the company gets a day.
    pub daily_tokens: u64,
    /// Days of the first sync, today included; none if it never ends, or if it is not known what there is to do.
    pub first_sync_days: Option<u64>,
    /// Share of a day's tokens afterwards, in hundredths, rounded up.
    pub percent_each_day: u64,
}

/// What making a report took.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Took {
    /// Requests to the ERP.
    pub erp_requests: u64,
    /// Requests to the CRM.
    pub crm_requests: u64,
    /// Their tokens.
    pub tokens: u64,
}

/// What was forecast, and what happened since.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Compared {
    /// When the forecast was made.
    pub forecast_at: String,
    /// Line by line.
    pub lines: Vec<ComparedLine>,
}

/// A number that was forecast.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ComparedLine {
    /// What.
    pub what: String,
    /// As it was forecast.
    pub forecast: u64,
    /// As it is since then.
    pub happened: u64,
}

/// The newest report of a connection, and what became of the oldest one that is kept.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct FitTold {
    /// The report.
    pub report: FitReport,
    /// None where nothing was written since the first forecast.
    pub compared: Option<Compared>,
}

/// Reports looked through for the one that was made before the first write.
const LOOKED_THROUGH: u32 = 50;

/// The newest report of a connection; none where none was made, or none that this version understands.
///
/// # Errors
/// When the store refuses.
pub async fn newest(store: &Store, connection: ConnectionId) -> Result<Option<FitTold>, TellError> {
    let rows = store.fits(connection, LOOKED_THROUGH).await?;
    let read = |body: &str| serde_json::from_str::<FitReport>(body).ok();
    let Some(report) = rows.first().and_then(|row| read(&row.body)) else { return Ok(None) };
    // The first forecast of a sync is what people decided on.
    let first = rows.iter().rev().find_map(|row| {
        let report = read(&row.body)?;
        report.first_sync.is_some().then_some((row.made_at, report))
    });
    let compared = match first {
        Some((at, forecast)) => {
            let since = store.read(connection).await?.written_since(at).await?;
            compare(&forecast, &since)
        }
        None => None,
    };
    Ok(Some(FitTold { report, compared }))
}

/// Holds a forecast against what happened; none while nothing was written.
fn compare(forecast: &FitReport, since: &WrittenSince) -> Option<Compared> {
    let first = forecast.first_sync.as_ref()?;
    if since.writes.is_empty() {
        return None;
    }
    let written = |op: &str| since.writes.get(op).copied().unwrap_or_default();
    let days = since.tokens.len().max(1) as u64;
    let line = |what: &str, forecast, happened| ComparedLine { what: what.to_owned(), forecast, happened };
    let expected = first.tokens + days.saturating_sub(1) * forecast.each_day.tokens();
    let lines = vec![
        line("organizations created", first.create, written("create")),
        line("organizations changed", first.update, written("update")),
        line("relations made", first.relate, written("relate")),
        line("tokens, reading included", expected, since.tokens.values().sum()),
    ];
    Some(Compared { forecast_at: forecast.made_at.clone(), lines })
}

/// A number with its thousands told apart.
#[must_use]
pub fn grouped(number: &u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

impl FitReport {
    /// Findings that ask for something, the worst first.
    #[must_use]
    pub fn to_do(&self) -> Vec<&FitFinding> {
        let of = |severity| self.findings.iter().filter(move |one| one.severity == severity);
        of(Severity::Problem).chain(of(Severity::Warning)).collect()
    }

    /// In one sentence.
    #[must_use]
    pub fn verdict(&self) -> String {
        let count = |severity| self.findings.iter().filter(|one| one.severity == severity).count();
        let (problems, warnings) = (count(Severity::Problem), count(Severity::Warning));
        let plural = |many: usize, thing: &str| format!("{many} {thing}{}", if many == 1 { "" } else { "s" });
        match (self.fits, warnings) {
            (true, 0) => "It fits".to_owned(),
            (true, many) => format!("It fits, with {}", plural(many, "warning")),
            (false, _) => format!("It does not fit yet: {}", plural(problems, "problem")),
        }
    }

    /// The costs as a table: plans, seats, and for each plan the costs in the order of the seats.
    fn costs(&self) -> (Vec<u32>, BTreeMap<u64, Vec<&PlanCost>>) {
        let mut seats: Vec<u32> = self.plans.iter().map(|one| one.seats).collect();
        seats.sort_unstable();
        seats.dedup();
        let mut rows: BTreeMap<u64, Vec<&PlanCost>> = BTreeMap::new();
        for cost in &self.plans {
            // Plans in the order of what a seat gets.
            rows.entry(cost.daily_tokens / u64::from(cost.seats.max(1))).or_default().push(cost);
        }
        for row in rows.values_mut() {
            row.sort_by_key(|cost| (cost.seats, !cost.configured));
            row.dedup_by_key(|cost| cost.seats);
        }
        (seats, rows)
    }

    /// The same in words: seats, and for each plan its name and a cell for each of them.
    #[must_use]
    pub fn cost_table(&self) -> (Vec<String>, Vec<(String, Vec<String>)>) {
        let (seats, rows) = self.costs();
        let cell = |row: &[&PlanCost], seats: u32| {
            row.iter().find(|cost| cost.seats == seats).map(|cost| cost.told()).unwrap_or_default()
        };
        let named = rows.values().map(|row| {
            let name = row.first().map(|cost| cost.plan.clone()).unwrap_or_default();
            (name, seats.iter().map(|seats| cell(row, *seats)).collect())
        });
        (seats.iter().map(u32::to_string).collect(), named.collect())
    }

    /// For people in a terminal.
    #[must_use]
    pub fn told(&self) -> String {
        // Writing to a String cannot fail, here and below.
        let mut text = format!("{}: {}\n", self.connection, self.verdict());
        for finding in self.to_do() {
            let _ = writeln!(text, "  {} {}: {}", finding.severity.word(), finding.name, finding.seen);
            if let (Some(what), Some(place)) = (&finding.remedy, &finding.place) {
                let _ = writeln!(text, "    -> {what}\n       where: {place}");
            }
        }
        text.push_str("\nHow much there is, and how often it changes\n");
        for one in &self.volumes {
            let _ = writeln!(
                text,
                "  {:>11} {:<14} changed: {} in the last hour, {} in a day, {} in a week; {} in the busiest hour",
                grouped(&one.records),
                one.what,
                grouped(&one.last_hour),
                grouped(&one.last_day),
                grouped(&one.last_week),
                grouped(&one.busiest_hour),
            );
        }
        match (&self.first_sync, &self.not_known) {
            (Some(first), _) => first.tell(&mut text),
            (None, Some(why)) => {
                let _ = writeln!(text, "\nWhat a first sync would do is not known: {why}");
            }
            (None, None) => {}
        }
        self.tell_costs(&mut text);
        let Took { erp_requests, crm_requests, tokens } = self.took;
        let _ = writeln!(
            text,
            "\nNothing was written. This took {} requests to the ERP and {} to the CRM ({} tokens).",
            grouped(&erp_requests),
            grouped(&crm_requests),
            grouped(&tokens)
        );
        text
    }

    fn tell_costs(&self, text: &mut String) {
        let day = &self.each_day;
        let _ = writeln!(
            text,
            "\nEach day afterwards: {} tokens (about {} changed customers: {}; looking for changes: {}; reading everything: {})",
            grouped(&day.tokens()),
            grouped(&day.changes),
            grouped(&day.for_changes),
            grouped(&day.for_looking),
            grouped(&day.for_sweeps)
        );
        let (seats, rows) = self.cost_table();
        text.push_str("\nDays of the first sync, and share of the budget each day afterwards\n");
        for (name, cells) in std::iter::once(("seats".to_owned(), seats)).chain(rows) {
            let _ = write!(text, "  {name:<10}");
            for cell in cells {
                let _ = write!(text, "{cell:>16}");
            }
            text.push('\n');
        }
        if self.plans.iter().any(|cost| cost.configured) {
            text.push_str("  (* as configured)\n");
        }
    }
}

impl PlanCost {
    /// As a cell of a table.
    #[must_use]
    pub fn told(&self) -> String {
        let star = if self.configured { "*" } else { "" };
        let days = match self.first_sync_days {
            Some(1) => "1 day".to_owned(),
            Some(days) => format!("{days} days"),
            None => "-".to_owned(),
        };
        format!("{star}{days}, {}%", self.percent_each_day)
    }
}

impl FirstSync {
    fn tell(&self, text: &mut String) {
        let _ = writeln!(text, "\nWhat a sync would do now, for {} tokens", grouped(&self.tokens));
        let lines = [
            (self.create, "organizations created"),
            (self.update, "organizations changed"),
            (self.matched, "customers matched with an organization that is there"),
            (self.relate, "relations made"),
            (self.unchanged, "customers that agree already"),
            (self.wait, "records that have to wait, or to be read first"),
        ];
        for (count, what) in lines.iter().filter(|(count, _)| *count > 0) {
            let _ = writeln!(text, "  {:>11} {what}", grouped(count));
        }
        for held in &self.held {
            let _ = writeln!(text, "  {:>11} questions for a person: {}", grouped(&held.records), held.cause);
            for example in &held.examples {
                let name = example.name.as_deref().unwrap_or("(no name)");
                let _ =
                    writeln!(text, "              {name} (party {}): {}", example.party, example.explanation);
            }
        }
        if let Some(limit) = self.unasked_creates.filter(|limit| self.create > *limit) {
            let _ = writeln!(
                text,
                "  The mass guard asks about creates beyond {}: let them pass with `plan` and `apply`, or in the console.",
                grouped(&limit)
            );
        }
        if !self.missing_fields.is_empty() {
            let _ = writeln!(text, "  Custom fields created first: {}", self.missing_fields.join(", "));
        }
        if !self.not_mapped.is_empty() {
            text.push_str("\nWhat stays as it is\n");
            for one in &self.not_mapped {
                let _ = writeln!(text, "  {:>11} {}: {}", grouped(&one.records), one.what, one.why);
            }
        }
        if self.create > 0 {
            text.push_str("\nFields of the organizations that would be created\n");
            for one in &self.fields {
                let _ = writeln!(
                    text,
                    "  {:>11} of {} have a value: {}",
                    grouped(&one.filled),
                    grouped(&self.create),
                    one.field
                );
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cost(plan: &str, seats: u32, each: u64, days: Option<u64>, configured: bool) -> PlanCost {
        PlanCost {
            plan: plan.to_owned(),
            seats,
            configured,
            daily_tokens: each * u64::from(seats),
            first_sync_days: days,
            percent_each_day: 7,
        }
    }

    #[test]
    fn costs_are_a_table_of_plans_by_seats_with_the_configured_one_marked() {
        let plans = vec![
            cost("growth", 3, 60_000, Some(2), true),
            cost("lite", 1, 30_000, None, false),
            cost("lite", 3, 30_000, Some(4), false),
            cost("growth", 1, 60_000, Some(6), false),
            cost("growth", 3, 60_000, Some(2), false),
        ];
        let report = FitReport { plans, ..FitReport::default() };
        let (seats, rows) = report.costs();
        assert_eq!(seats, [1, 3]);
        let told: Vec<Vec<String>> =
            rows.values().map(|row| row.iter().map(|cost| cost.told()).collect()).collect();
        assert_eq!(told, [["-, 7%", "4 days, 7%"], ["6 days, 7%", "*2 days, 7%"]]);
    }

    #[test]
    fn a_forecast_is_compared_once_something_was_written() {
        let first_sync = Some(FirstSync { create: 10, update: 2, tokens: 600, ..FirstSync::default() });
        let each_day = EachDay { for_looking: 50, ..EachDay::default() };
        let forecast = FitReport { first_sync, each_day, ..FitReport::default() };
        assert_eq!(compare(&forecast, &WrittenSince::default()), None);
        let writes = BTreeMap::from([("create".to_owned(), 9)]);
        let tokens = BTreeMap::from([(1, 500), (2, 200)]);
        let compared = compare(&forecast, &WrittenSince { writes, tokens }).expect("something was written");
        let lines: Vec<(u64, u64)> =
            compared.lines.iter().map(|line| (line.forecast, line.happened)).collect();
        assert_eq!(lines, [(10, 9), (2, 0), (0, 0), (650, 700)]);
    }

    #[test]
    fn the_worst_comes_first_and_is_counted() {
        let finding = |severity| FitFinding {
            name: "fusion.x".to_owned(),
            severity,
            seen: "seen".to_owned(),
            remedy: Some("do this".to_owned()),
            place: Some("there".to_owned()),
        };
        let findings = [Severity::Ok, Severity::Warning, Severity::Problem].map(finding).to_vec();
        let report = FitReport { findings, ..FitReport::default() };
        assert_eq!(
            report.to_do().iter().map(|one| one.severity).collect::<Vec<_>>(),
            [Severity::Problem, Severity::Warning]
        );
        assert_eq!(report.verdict(), "It does not fit yet: 1 problem");
        assert!(report.told().contains("problem fusion.x: seen\n    -> do this\n       where: there"));
        let report = FitReport { fits: true, ..report };
        assert_eq!(report.verdict(), "It fits, with 1 warning");
    }

    #[test]
    fn numbers_are_told_in_thousands() {
        assert_eq!(
            [0, 999, 1_000, 1_234_567].map(|number| grouped(&number)),
            ["0", "999", "1,000", "1,234,567"]
        );
    }
}
