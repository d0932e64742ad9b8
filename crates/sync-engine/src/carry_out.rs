//! Carrying out plans that a person approved: each party is observed and decided again, and only if the very same plan
//! comes out is it applied, through the ordinary path. Everything else is refused, party by party. Of several steps (a pair,
//! the fields, one relation after the other) each is decided again before it is applied.

use std::collections::{BTreeMap, VecDeque};

use serde::{Deserialize, Serialize};
use sync_core::{
    budget::Class,
    decide::Decision,
    ids::PartyId,
    merge::Side,
    moved::{Moved, moved},
    plan::{Plan, Rule, Step},
};
use sync_store::{Job, Outcome};

use crate::{CUSTOMERS, Engine, EngineError, apply::Manners, planner::Sides, reconcile::Looked};

/// Plans of one party that a person approved.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Approved {
    /// The party.
    pub party: PartyId,
    /// In order, as they were foreseen.
    pub plans: Vec<Plan>,
    /// What the two sides said when they were decided.
    pub sides: Sides,
}

/// What became of approved plans.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fate {
    /// They were applied.
    Applied,
    /// There was nothing left to do: they were applied before, or somebody did the same by hand.
    AlreadySo,
    /// Something moved since; nothing was written but for what is said.
    Refused {
        /// How many steps of the plans were applied before something had moved.
        applied: usize,
        /// What moved.
        moved: Vec<Moved>,
    },
    /// The CRM refused the write, or it got no answer; the words of whoever said so.
    Failed(String),
}

/// How far a party got.
#[derive(Clone)]
struct Way<'a> {
    approved: &'a Approved,
    /// What is left, the next one first.
    left: VecDeque<Plan>,
    /// Steps done.
    applied: usize,
    /// Whether one of them was sent to a remote system: outcomes no longer tell then which step they are about.
    has_sent: bool,
    /// Whether the next step may have been done since: the next look tells.
    may_be_done: bool,
}

impl<'a> Way<'a> {
    fn new(approved: &'a Approved) -> Self {
        let left = approved.plans.iter().cloned().collect();
        Self { approved, left, applied: 0, has_sent: false, may_be_done: false }
    }

    fn next(&self) -> Option<&Plan> {
        self.left.front()
    }

    /// The next step is done.
    fn advance(&mut self) {
        self.may_be_done = false;
        self.applied += 1;
        let Some(done) = self.left.pop_front() else { return };
        self.has_sent |= done.steps.first().is_some_and(Step::is_remote);
        if let Some(rest) = done.after_first() {
            self.left.push_front(rest);
        }
    }

    /// Goes on to the step that is decided now, if it was approved: what came before is done, in an earlier round or by
    /// somebody else. Tells whether there is one.
    fn catch_up(&mut self, decision: &Decision) -> bool {
        let mut ahead = self.clone();
        while let Some(plan) = ahead.next() {
            if moved(plan, decision).is_empty() {
                *self = ahead;
                return true;
            }
            ahead.advance();
        }
        false
    }

    /// Whether nothing is left to do, now that this is decided.
    fn is_over(&self, decision: &Decision) -> bool {
        let Some(plan) = self.next() else { return true };
        // Of several relations some may have been made by hand meanwhile.
        let done = self.may_be_done || (self.has_sent && plan.rule == Rule::ErpFamily);
        match decision {
            Decision::InSync => done,
            Decision::Hold(reason) => done && plan.then_hold.as_ref() == Some(reason),
            Decision::NotOurs | Decision::Observe(_) | Decision::Do(_) | Decision::WaitUntil(_) => false,
        }
    }

    /// How far it got, for those who look whether it gets on at all.
    fn place(&self) -> (usize, bool) {
        (self.applied, self.may_be_done)
    }
}

fn places(open: &BTreeMap<PartyId, Way<'_>>) -> Vec<(PartyId, (usize, bool))> {
    open.iter().map(|(party, way)| (*party, way.place())).collect()
}

impl Engine {
    /// Carries out a batch. Whoever is not told of was not reached: the CRM could not be called any more.
    ///
    /// # Errors
    /// When the store fails or the connection was taken by another process.
    pub async fn carry_out(&mut self, batch: &[Approved]) -> Result<BTreeMap<PartyId, Fate>, EngineError> {
        let mut fates = BTreeMap::new();
        let mut open: BTreeMap<PartyId, Way<'_>> =
            batch.iter().map(|approved| (approved.party, Way::new(approved))).collect();
        loop {
            self.check_lease()?;
            let before = places(&open);
            open.retain(|party, way| {
                let done = way.next().is_none();
                if done {
                    fates.insert(*party, Fate::Applied);
                }
                !done
            });
            if open.is_empty() || !self.crm_is_open(self.clock.now()) {
                return Ok(fates);
            }
            self.carry_on(&mut open, &mut fates).await?;
            if before == places(&open) {
                return Ok(fates);
            }
        }
    }

    /// One round: the next plan of each party.
    async fn carry_on(
        &mut self,
        open: &mut BTreeMap<PartyId, Way<'_>>,
        fates: &mut BTreeMap<PartyId, Fate>,
    ) -> Result<(), EngineError> {
        let now = self.clock.now();
        let jobs = self.jobs_for(open).await?;
        let Some(mut looked) = self.look_at(&jobs, now).await? else { return Ok(()) };
        let mut going: Vec<Job> = Vec::new();
        for job in jobs {
            let party = job.party;
            let Some(way) = open.get_mut(&party) else { continue };
            match self.judge(way, &looked) {
                None => going.push(job),
                Some(fate) => {
                    fates.insert(party, fate);
                    open.remove(&party);
                    looked.decisions.remove(&party);
                    looked.situations.remove(&party);
                }
            }
        }
        let parties: Vec<PartyId> = going.iter().map(|job| job.party).collect();
        self.handle(going, looked, Manners::Insist, now).await?;

        let mut tx = self.store.read(self.connection()).await?;
        let outcomes = tx.outcomes_of(self.run, CUSTOMERS, &parties).await?;
        let holds = tx.holds(&parties).await?;
        drop(tx);
        for party in parties {
            let Some(way) = open.get_mut(&party) else { continue };
            let Some(plan) = way.next() else { continue };
            if !plan.steps.iter().any(Step::is_remote) {
                way.advance();
                continue;
            }
            let fate = match outcomes.get(&party) {
                Some(Outcome::Created | Outcome::Updated) => None,
                Some(Outcome::Held) if plan.then_hold.is_some() => None,
                Some(Outcome::Held) => {
                    let why = holds.get(&party).map(sync_core::hold::HoldReason::explain);
                    Some(Fate::Failed(why.unwrap_or_default()))
                }
                Some(Outcome::Failed) => {
                    let why = "the write got no receipt; the next sync finds out and goes on";
                    Some(Fate::Failed(why.to_owned()))
                }
                // Not sent: it is looked at again in the next round.
                Some(Outcome::Unchanged) | None => continue,
            };
            match fate {
                None if way.has_sent => way.may_be_done = true,
                // What is left of the way, or that nothing is, is seen in the next round.
                None => way.advance(),
                Some(fate) => {
                    fates.insert(party, fate);
                    open.remove(&party);
                }
            }
        }
        Ok(())
    }

    /// Puts the parties into the queue, for their receipts end a key, and takes exactly these.
    async fn jobs_for(&mut self, open: &BTreeMap<PartyId, Way<'_>>) -> Result<Vec<Job>, EngineError> {
        let now = self.clock.now();
        let mut tx = self.write().await?;
        let parties: Vec<PartyId> = open.keys().copied().collect();
        let mut by_class: BTreeMap<Class, Vec<PartyId>> = BTreeMap::new();
        for (party, way) in open {
            if let Some(plan) = way.next() {
                by_class.entry(plan.class).or_default().push(*party);
            }
        }
        for (class, parties) in by_class {
            tx.enqueue(&parties, class, now, "apply").await?;
        }
        let mut jobs = tx.jobs(&parties).await?;
        tx.commit().await?;
        for job in &mut jobs {
            // The class that was approved, whoever else asks for the key.
            if let Some(plan) = open.get(&job.party).and_then(Way::next) {
                job.class = plan.class;
            }
        }
        Ok(jobs)
    }

    /// What is already certain about a party; none when its next plan can be applied.
    fn judge(&self, way: &mut Way<'_>, looked: &Looked) -> Option<Fate> {
        let party = way.approved.party;
        let decision = looked.decisions.get(&party).unwrap_or(&Decision::NotOurs);
        if way.catch_up(decision) {
            return None;
        }
        if way.is_over(decision) {
            return Some(Fate::Applied);
        }
        let mut moved = moved(way.next()?, decision);
        if way.applied == 0 && *decision == Decision::InSync {
            return Some(Fate::AlreadySo);
        }
        if let Some(situation) = looked.situations.get(&party) {
            let (was, is) = (&way.approved.sides, Sides::of(&self.settings.policy.fields, situation));
            let side = match (was.erp == is.erp, was.crm == is.crm) {
                (false, true) => Some(Side::Erp),
                (true, false) => Some(Side::Crm),
                (true, true) | (false, false) => None,
            };
            moved.iter_mut().for_each(|moved| moved.side = moved.side.or(side));
        }
        Some(Fate::Refused { applied: way.applied, moved })
    }
}
