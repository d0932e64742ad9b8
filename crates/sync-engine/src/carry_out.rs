//! Carrying out plans that a person approved: each party is observed and decided again, and only if the very same plan
//! comes out is it applied, through the ordinary path. Everything else is refused, party by party.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use sync_core::{
    budget::Class,
    decide::Decision,
    ids::PartyId,
    merge::Side,
    moved::{Moved, moved},
    plan::{Plan, Step},
};
use sync_store::{Job, Outcome};

use crate::{CUSTOMERS, Engine, EngineError, apply::Manners, planner::Sides, reconcile::Looked};

/// Plans of one party that a person approved.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Approved {
    /// The party.
    pub party: PartyId,
    /// In order; only the last one may write to a remote system.
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
        /// How many of the plans were applied before something had moved.
        applied: usize,
        /// What moved.
        moved: Vec<Moved>,
    },
    /// The CRM refused the write, or it got no answer; the words of whoever said so.
    Failed(String),
}

/// How far a party got.
struct Way<'a> {
    approved: &'a Approved,
    applied: usize,
}

impl Way<'_> {
    fn next(&self) -> Option<&Plan> {
        self.approved.plans.get(self.applied)
    }
}

impl Engine {
    /// Carries out a batch. Whoever is not told of was not reached: the CRM could not be called any more.
    ///
    /// # Errors
    /// When the store fails or the connection was taken by another process.
    pub async fn carry_out(&mut self, batch: &[Approved]) -> Result<BTreeMap<PartyId, Fate>, EngineError> {
        let mut fates = BTreeMap::new();
        let mut open: BTreeMap<PartyId, Way<'_>> =
            batch.iter().map(|approved| (approved.party, Way { approved, applied: 0 })).collect();
        loop {
            self.check_lease()?;
            let before = (open.len(), open.values().map(|way| way.applied).sum::<usize>());
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
            let after = (open.len(), open.values().map(|way| way.applied).sum::<usize>());
            if before == after {
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
            let Some(way) = open.get(&party) else { continue };
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
                way.applied += 1;
                continue;
            }
            let fate = match outcomes.get(&party) {
                Some(Outcome::Created | Outcome::Updated) => Fate::Applied,
                Some(Outcome::Held) if plan.then_hold.is_some() => Fate::Applied,
                Some(Outcome::Held) => Fate::Failed(
                    holds.get(&party).map(sync_core::hold::HoldReason::explain).unwrap_or_default(),
                ),
                Some(Outcome::Failed) => {
                    Fate::Failed("the write got no receipt; the next sync finds out and goes on".to_owned())
                }
                // Not sent: it is looked at again in the next round.
                Some(Outcome::Unchanged) | None => continue,
            };
            fates.insert(party, fate);
            open.remove(&party);
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
    fn judge(&self, way: &Way<'_>, looked: &Looked) -> Option<Fate> {
        let (plan, party) = (way.next()?, way.approved.party);
        let decision = looked.decisions.get(&party).unwrap_or(&Decision::NotOurs);
        let mut moved = moved(plan, decision);
        if moved.is_empty() {
            return None;
        }
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
