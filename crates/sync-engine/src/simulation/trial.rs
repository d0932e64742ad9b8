//! What a life is asked to be, and what is told of it afterwards.

use std::collections::{BTreeMap, BTreeSet};

use jiff::SignedDuration;
use sync_core::laws::Violation;

/// A life to be lived.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trial {
    /// Decides everything.
    pub seed: u64,
    /// The turbulent part of the life ends after so many turns; peace, and the verdict of peace, come earlier then.
    pub turns: Option<u32>,
    /// Laws that may be broken: to see that it is they who catch a planted bug.
    pub without: BTreeSet<u8>,
    /// The bug that is planted.
    #[cfg(feature = "planted")]
    pub bug: Option<super::planted::Bug>,
}

impl Trial {
    /// The whole life of a seed, under all laws.
    #[must_use]
    pub fn of(seed: u64) -> Self {
        Self {
            seed,
            turns: None,
            without: BTreeSet::new(),
            #[cfg(feature = "planted")]
            bug: None,
        }
    }

    /// The same with a bug planted.
    #[cfg(feature = "planted")]
    #[must_use]
    pub fn planted(self, bug: super::planted::Bug) -> Self {
        Self { bug: Some(bug), ..self }
    }

    /// The same, but its turbulent part ends after so many turns.
    #[must_use]
    pub fn at_most(self, turns: u32) -> Self {
        Self { turns: Some(turns), ..self }
    }

    /// The same, where this law may be broken, too.
    #[must_use]
    pub fn without(mut self, law: u8) -> Self {
        self.without.insert(law);
        self
    }
}

/// What became of requests: how often which fate met which step.
pub type Met = BTreeMap<(&'static str, &'static str), u64>;

/// What a life was like; several lives can be added up.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Report {
    /// Lives that were lived.
    pub lives: u64,
    /// Time that passed in them.
    pub lived: SignedDuration,
    /// Turns of their turbulent parts: people edit, ask and look, then the engine makes a step.
    pub turns: u32,
    /// Steps made.
    pub steps: u64,
    /// Processes that died.
    pub deaths: u64,
    /// Organizations created.
    pub creates: u64,
    /// Updates sent and carried out.
    pub updates: u64,
    /// Relations made and ended.
    pub relations: u64,
    /// Pieces of customers that were created in the ERP.
    pub pieces: u64,
    /// Fields, notes and activities of documents that were written.
    pub shown: u64,
    /// Reads sent.
    pub reads: u64,
    /// Audits of all customers.
    pub audits: u64,
    /// Customers held at the end.
    pub held: u64,
    /// Customers of the ERP that were created, with an account.
    pub customers: u64,
    /// Which fate met which step.
    pub met: Met,
    /// Everything that happened, one line each; the same seed tells the same story.
    pub story: Vec<String>,
}

impl Report {
    /// Adds what another life was like; its story is not kept.
    pub fn add(&mut self, other: &Self) {
        let Self {
            lives,
            lived,
            turns,
            steps,
            deaths,
            creates,
            updates,
            relations,
            pieces,
            shown,
            reads,
            audits,
            held,
            customers,
            met,
            story: _,
        } = other;
        self.lives += lives;
        self.lived = self.lived.saturating_add(*lived);
        self.turns = self.turns.saturating_add(*turns);
        self.steps += steps;
        self.deaths += deaths;
        self.creates += creates;
        self.updates += updates;
        self.relations += relations;
        self.pieces += pieces;
        self.shown += shown;
        self.reads += reads;
        self.audits += audits;
        self.held += held;
        self.customers += customers;
        for (what, count) in met {
            *self.met.entry(*what).or_default() += count;
        }
    }

    /// Writes that reached a remote system.
    #[must_use]
    pub fn writes(&self) -> u64 {
        self.creates + self.updates + self.relations + self.pieces + self.shown
    }
}

/// A life that broke a law, or could not be lived.
#[derive(Debug, Clone)]
pub struct Failure {
    /// The seed.
    pub seed: u64,
    /// Turns until it came to that.
    pub turns: u32,
    /// What was broken; law 0 is none of ours: the life could not be lived.
    pub violations: Vec<Violation>,
    /// How it came to that.
    pub story: Vec<String>,
}

impl Failure {
    /// A life that could not be lived at all.
    #[must_use]
    pub fn impossible(seed: u64, what: String) -> Self {
        Self { seed, turns: 0, violations: vec![Violation { law: 0, story: what }], story: Vec::new() }
    }

    /// The laws that were broken.
    #[must_use]
    pub fn laws(&self) -> BTreeSet<u8> {
        self.violations.iter().map(|violation| violation.law).collect()
    }
}

impl std::fmt::Display for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        writeln!(f, "seed {} breaks in turn {}", self.seed, self.turns)?;
        for Violation { law, story } in &self.violations {
            writeln!(f, "  law {law}: {story}")?;
        }
        let skip = self.story.len().saturating_sub(60);
        writeln!(f, "the last of {} lines of its story:", self.story.len())?;
        for line in self.story.iter().skip(skip) {
            writeln!(f, "  {line}")?;
        }
        Ok(())
    }
}
