//! When somebody is told that a connection's state is another one: not each time it is looked at, but when it changed and
//! stayed so.
//!
//! [`judge`] compares what is so now ([`Seen`]) with what was told last ([`Told`]) and says what there is to tell. What it
//! remembers is stored by whoever asks it, so that a restart repeats nothing. What an alert says is in `words.rs`; neither
//! customers nor secrets are in it, but numbers and ids.

mod words;

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::{handover::Subject, merge::Side};

/// Why a connection is broken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Trouble {
    /// A side does not accept who we are: access ended, or was taken away.
    NoAccess(Side),
    /// A side denies a right.
    Denied(Side),
    /// Nothing was read from a side for longer than its rhythm.
    Silent(Side),
    /// Documents of the ERP were not read for longer than their rhythm, though all else is.
    DocumentsSilent,
}

/// What is so now, of one connection.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Seen {
    /// What keeps it from working; nothing if it works. That the budget is used up is none of it.
    pub troubles: BTreeSet<Trouble>,
    /// Questions that wait for a person, those about handovers and documents among them.
    pub holds: u64,
    /// The CRM's budget.
    pub budget: BudgetSeen,
    /// Handovers that are neither done nor settled, and whether somebody is asked about each; none where nothing is handed
    /// over.
    pub handovers: Option<BTreeMap<Subject, bool>>,
}

/// The CRM's budget of the day.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct BudgetSeen {
    /// The day, by its number.
    pub day: i64,
    /// How much of what the company has is spent, in hundredths.
    pub percent: u64,
    /// Until when nothing is left, as the CRM said.
    pub exhausted_until: Option<Timestamp>,
}

/// How long something has to be so before it is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Patience {
    /// A connection that is broken.
    pub broken_after: SignedDuration,
    /// A handover that is not done.
    pub won_deal_after: SignedDuration,
}

/// What was told last, and since when it is otherwise. Only [`judge`] writes it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Told {
    /// Since when the connection is broken, if that was told.
    broken_since: Option<Timestamp>,
    /// Since when that is otherwise.
    turned_at: Option<Timestamp>,
    holds: HoldsTold,
    budget: Option<BudgetTold>,
    handovers: Vec<HandoverTold>,
    /// When handovers were last told of as late.
    late_at: Option<Timestamp>,
    /// When handovers were last told of as done.
    done_at: Option<Timestamp>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
struct HoldsTold {
    /// How many were told of; 0 where it was told that there are none.
    told: u64,
    /// The fewest since.
    fewest: u64,
    told_at: Option<Timestamp>,
    turned_at: Option<Timestamp>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
struct BudgetTold {
    day: i64,
    mark: u64,
    at: Timestamp,
    exhausted_until: Option<Timestamp>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
struct HandoverTold {
    subject: Subject,
    /// Since when it is seen not to be done.
    since: Timestamp,
    /// Whether that was told.
    late: bool,
}

/// Something to tell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Alert {
    /// A connection is broken.
    Broken {
        /// By what.
        troubles: BTreeSet<Trouble>,
        /// Since when.
        since: Timestamp,
    },
    /// A connection works again.
    Recovered {
        /// Since when it was broken.
        broken_since: Timestamp,
    },
    /// Questions wait for a person.
    HoldsWaiting {
        /// How many.
        holds: u64,
        /// How many there were at least since that was told last; 0 if there were none.
        before: u64,
    },
    /// No question waits any more.
    HoldsDone,
    /// The CRM's budget of the day is used up to a mark.
    BudgetUsed {
        /// The mark: 75 or 100.
        mark: u64,
        /// How much is used up, in hundredths of what the company has.
        percent: u64,
        /// Until when nothing is left, if the CRM said so.
        until: Option<Timestamp>,
    },
    /// Won deals are without a customer for too long.
    HandoverLate {
        /// Which: those that were not told of before.
        late: Vec<Subject>,
        /// About how many of them somebody is asked.
        asked: u64,
        /// How many are late in all.
        all: u64,
    },
    /// Handovers that were late are done or settled.
    HandoverDone {
        /// Which.
        done: Vec<Subject>,
        /// How many are late still.
        left: u64,
    },
}

/// Marks of the budget, the highest first.
const MARKS: [u64; 2] = [100, 75];

/// What is better again, and questions that come or go, have to stay so for this long.
const STEADY: SignedDuration = SignedDuration::from_mins(2);

/// The same is not told again before this time.
const AGAIN: SignedDuration = SignedDuration::from_mins(60);

/// Handovers that are late, or done, within this time are told together.
const TOGETHER: SignedDuration = SignedDuration::from_mins(10);

/// What there is to tell, and what is told then.
#[must_use]
pub fn judge(seen: &Seen, mut told: Told, patience: &Patience, now: Timestamp) -> (Vec<Alert>, Told) {
    let connection = told.connection(&seen.troubles, patience, now);
    let holds = told.holds.judge(seen.holds, now);
    let budget = told.budget(&seen.budget, now);
    let handovers = told.handovers(seen.handovers.as_ref(), patience, now);
    (connection.into_iter().chain(holds).chain(budget).chain(handovers).collect(), told)
}

impl Told {
    /// Whether the connection is broken, as far as was told.
    #[must_use]
    pub fn is_broken(&self) -> bool {
        self.broken_since.is_some()
    }

    fn connection(
        &mut self,
        troubles: &BTreeSet<Trouble>,
        patience: &Patience,
        now: Timestamp,
    ) -> Option<Alert> {
        let is_broken = !troubles.is_empty();
        let turned = is_broken != self.broken_since.is_some();
        let wait = if is_broken { patience.broken_after } else { STEADY };
        let since = stayed(&mut self.turned_at, turned, wait, now)?;
        if is_broken {
            self.broken_since = Some(since);
            return Some(Alert::Broken { troubles: troubles.clone(), since });
        }
        self.broken_since.take().map(|broken_since| Alert::Recovered { broken_since })
    }

    fn budget(&mut self, seen: &BudgetSeen, now: Timestamp) -> Option<Alert> {
        let BudgetSeen { day, percent, exhausted_until } = *seen;
        let reached = |mark: &u64| percent >= *mark || exhausted_until.is_some();
        let mark = MARKS.into_iter().find(reached)?;
        let known = self.budget.is_some_and(|told| {
            // That nothing is left may reach into the next day, and a day may turn out to begin at another hour.
            let goes_on = exhausted_until.is_some() && told.exhausted_until == exhausted_until;
            told.mark >= mark && (told.day == day || goes_on || is_within(AGAIN, Some(told.at), now))
        });
        if known {
            return None;
        }
        self.budget = Some(BudgetTold { day, mark, at: now, exhausted_until });
        Some(Alert::BudgetUsed { mark, percent, until: exhausted_until })
    }

    fn handovers(
        &mut self,
        seen: Option<&BTreeMap<Subject, bool>>,
        patience: &Patience,
        now: Timestamp,
    ) -> Vec<Alert> {
        let Some(open) = seen else {
            // Switched off: what was late is nobody's concern any more.
            self.handovers.clear();
            return Vec::new();
        };
        self.handovers.retain(|known| known.late || open.contains_key(&known.subject));
        let known: BTreeSet<Subject> = self.handovers.iter().map(|known| known.subject).collect();
        let new = open.keys().filter(|subject| !known.contains(subject));
        self.handovers.extend(new.map(|subject| HandoverTold { subject: *subject, since: now, late: false }));

        let mut alerts = Vec::new();
        let is_late =
            |one: &HandoverTold| !one.late && now.duration_since(one.since) >= patience.won_deal_after;
        let late: Vec<Subject> =
            self.handovers.iter().filter(|one| is_late(one)).map(|one| one.subject).collect();
        if !late.is_empty() && !is_within(TOGETHER, self.late_at, now) {
            self.late_at = Some(now);
            self.handovers.iter_mut().for_each(|one| one.late |= late.contains(&one.subject));
            let asked = late.iter().filter(|subject| open.get(subject) == Some(&true)).count() as u64;
            let is_open = |one: &&HandoverTold| one.late && open.contains_key(&one.subject);
            let all = self.handovers.iter().filter(is_open).count() as u64;
            alerts.push(Alert::HandoverLate { late, asked, all });
        }
        let is_done = |one: &HandoverTold| one.late && !open.contains_key(&one.subject);
        let done: Vec<Subject> =
            self.handovers.iter().filter(|one| is_done(one)).map(|one| one.subject).collect();
        if !done.is_empty() && !is_within(TOGETHER, self.done_at, now) {
            self.done_at = Some(now);
            self.handovers.retain(|one| !is_done(one));
            let left = self.handovers.iter().filter(|one| one.late).count() as u64;
            alerts.push(Alert::HandoverDone { done, left });
        }
        alerts
    }
}

impl HoldsTold {
    fn judge(&mut self, holds: u64, now: Timestamp) -> Option<Alert> {
        self.fewest = self.fewest.min(holds);
        let turned = (holds > 0) != (self.told > 0);
        let has_turned = stayed(&mut self.turned_at, turned, STEADY, now).is_some();
        let more = !turned && holds > self.fewest && !is_within(AGAIN, self.told_at, now);
        if !has_turned && !more {
            return None;
        }
        let before = self.fewest;
        *self = Self { told: holds, fewest: holds, told_at: Some(now), turned_at: None };
        Some(if holds > 0 { Alert::HoldsWaiting { holds, before } } else { Alert::HoldsDone })
    }
}

/// Since when it is otherwise than told, once it stayed so for this long. Forgotten as soon as it is as told.
fn stayed(
    turned_at: &mut Option<Timestamp>,
    turned: bool,
    wait: SignedDuration,
    now: Timestamp,
) -> Option<Timestamp> {
    if !turned {
        *turned_at = None;
        return None;
    }
    // A clock that was set back does not make anybody wait for longer.
    let since = turned_at.unwrap_or(now).min(now);
    *turned_at = Some(since);
    if now.duration_since(since) < wait {
        return None;
    }
    *turned_at = None;
    Some(since)
}

fn is_within(time: SignedDuration, since: Option<Timestamp>, now: Timestamp) -> bool {
    since.is_some_and(|since| since <= now && now.duration_since(since) < time)
}
