//! What is told of the lives that were lived.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use serde::Serialize;
use sync_core::laws::Violation;
use sync_engine::simulation::{Failure, Report};

use crate::output::table;

/// Lines of a story that people are shown unasked.
const LAST_LINES: usize = 60;

/// What was proven, or where it failed.
#[derive(Debug, Serialize)]
pub struct Proof {
    /// The first seed.
    pub from: u64,
    /// How many were asked for.
    pub seeds: u64,
    /// Lives lived to their end without a broken law.
    pub lives: u64,
    /// Hours that passed in them.
    pub simulated_hours: u64,
    /// Turns of their turbulent parts.
    pub turns: u32,
    /// Steps of the engine.
    pub steps: u64,
    /// Processes that died.
    pub deaths: u64,
    /// Writes that reached a remote system, by kind.
    pub writes: BTreeMap<&'static str, u64>,
    /// Reads that were sent.
    pub reads: u64,
    /// Audits of all customers.
    pub audits: u64,
    /// Customers that waited for a person in the end.
    pub held: u64,
    /// Faults by kind.
    pub faults: BTreeMap<&'static str, u64>,
    /// Which fate met which step, how often.
    pub coverage: BTreeMap<&'static str, BTreeMap<&'static str, u64>>,
    /// The life that failed, with the shortest beginning that still fails.
    pub failure: Option<ShownFailure>,
    /// Whether people are told the whole story.
    #[serde(skip)]
    pub tells_all: bool,
}

/// A life that failed.
#[derive(Debug, Serialize)]
pub struct ShownFailure {
    /// Its seed.
    pub seed: u64,
    /// Turns until it failed.
    pub turns: u32,
    /// Turns of the shortest beginning that still fails.
    pub shortest_turns: u32,
    /// What was broken then.
    pub violations: Vec<ShownViolation>,
    /// How it came to that.
    pub story: Vec<String>,
}

/// A broken law.
#[derive(Debug, Serialize)]
pub struct ShownViolation {
    /// Its number; 0: the life could not be lived.
    pub law: u8,
    /// How it was broken.
    pub story: String,
}

impl ShownFailure {
    /// `whole` as it failed first, `shortest` as it fails at the earliest.
    pub fn new(whole_turns: u32, shortest: Failure) -> Self {
        let Failure { seed, turns, violations, story } = shortest;
        let shown = |Violation { law, story }| ShownViolation { law, story };
        let violations = violations.into_iter().map(shown).collect();
        Self { seed, turns: whole_turns, shortest_turns: turns, violations, story }
    }

    fn explain(&self, tells_all: bool) -> String {
        let Self { seed, turns, shortest_turns, violations, story } = self;
        let mut text =
            format!("seed {seed} breaks after {turns} turns, and after {shortest_turns} already:\n");
        for ShownViolation { law, story } in violations {
            let law = if *law == 0 { "no law".to_owned() } else { format!("law {law}") };
            let _ = writeln!(text, "  {law}: {story}");
        }
        let skipped = if tells_all { 0 } else { story.len().saturating_sub(LAST_LINES) };
        let _ = match skipped {
            0 => writeln!(text, "its story:"),
            skipped => {
                writeln!(text, "its story, without the first {skipped} lines (--story shows them all):")
            }
        };
        for line in story.iter().skip(skipped) {
            let _ = writeln!(text, "  {line}");
        }
        text
    }
}

impl Proof {
    /// What is told of these lives.
    pub fn new(from: u64, seeds: u64, report: &Report, failure: Option<ShownFailure>) -> Self {
        let Report { creates, updates, relations, pieces, shown, .. } = *report;
        let writes = [
            ("organizations created", creates),
            ("organizations updated", updates),
            ("relations made or ended", relations),
            ("pieces of customers created in the ERP", pieces),
            ("fields, notes and activities of documents written", shown),
        ];
        let mut faults = BTreeMap::from([("processes that died", report.deaths)]);
        let mut coverage: BTreeMap<_, BTreeMap<_, u64>> = BTreeMap::new();
        for ((step, fate), count) in &report.met {
            *coverage.entry(*step).or_default().entry(*fate).or_default() += count;
            if !matches!(*fate, "answered" | "died") {
                *faults.entry(*fate).or_default() += count;
            }
        }
        Self {
            from,
            seeds,
            lives: report.lives,
            simulated_hours: u64::try_from(report.lived.as_hours()).unwrap_or(0),
            turns: report.turns,
            steps: report.steps,
            deaths: report.deaths,
            writes: writes.into(),
            reads: report.reads,
            audits: report.audits,
            held: report.held,
            faults,
            coverage,
            failure,
            tells_all: false,
        }
    }

    /// Whether no law was broken.
    pub fn holds(&self) -> bool {
        self.failure.is_none()
    }

    /// For people.
    pub fn text(&self) -> String {
        let Self { lives, simulated_hours, steps, turns, reads, audits, held, .. } = self;
        let mut text = format!(
            "{lives} lives, seeds from {}: {simulated_hours} simulated hours, {turns} turns, {steps} steps, {reads} reads, {audits} audits, {held} customers held in the end\n\n",
            self.from
        );
        let counted = |map: &BTreeMap<&'static str, u64>, what| {
            let rows = map.iter().map(|(what, count)| [(*what).to_owned(), count.to_string()]);
            table([what, "count"], &["count"], rows)
        };
        let _ = writeln!(text, "{}\n", counted(&self.writes, "writes"));
        let _ = writeln!(text, "{}\n", counted(&self.faults, "faults"));
        let _ = writeln!(text, "{}", self.coverage());
        if let Some(failure) = &self.failure {
            let _ = write!(text, "\n{}", failure.explain(self.tells_all));
        }
        text
    }

    /// Which fate met which step: a line a step.
    pub fn coverage(&self) -> String {
        let rows = self.coverage.iter().map(|(step, fates)| {
            let fates: Vec<String> = fates.iter().map(|(fate, count)| format!("{fate} {count}")).collect();
            [(*step).to_owned(), fates.join(", ")]
        });
        table(["step", "what met it"], &[], rows).to_string()
    }

    /// Fates that some step met, in one order.
    pub fn fates(&self) -> BTreeSet<&'static str> {
        self.coverage.values().flat_map(BTreeMap::keys).copied().collect()
    }
}
