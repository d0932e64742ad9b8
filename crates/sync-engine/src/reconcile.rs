//! A batch of keys: observe, decide, and do what needs no remote system; `apply` sends the rest.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};
use sync_core::{
    budget::Class,
    decide::{Decision, decide, is_left},
    error::{CallError, ErrorKind},
    hierarchy,
    hold::HoldReason,
    ids::{OrgId, PartyId},
    mapping,
    pair::Pair,
    plan::{Plan, Step},
    policy::Policy,
    situation::{CrmSide, ErpSide, Situation},
};
use sync_store::{Job, Outcome, QueueLen, Reschedule, StagedKind};

use crate::{
    CUSTOMERS, Engine, EngineError,
    apply::{Manners, Observed},
    facts, family, guard,
    likeness::{parties_near, stage},
    observe::observe,
    pause::Side,
    plants::Plant,
    receipt::new_pair,
    staging,
    watch::Event,
};

/// A key with the plan to be sent for it.
pub(crate) struct Planned {
    pub(crate) job: Job,
    pub(crate) plan: Plan,
    pub(crate) pair: Option<Pair>,
    pub(crate) situation: Situation,
}

/// Keys with what is known and was decided about them.
pub(crate) struct Looked {
    pub(crate) decisions: BTreeMap<PartyId, Decision>,
    pub(crate) situations: BTreeMap<PartyId, Situation>,
    pub(crate) observed: Observed,
}

/// A decided batch, sorted by what has to be done with it.
#[derive(Default)]
struct Sorted {
    done: Vec<(PartyId, i64)>,
    later: Vec<Reschedule>,
    held: Vec<(PartyId, HoldReason)>,
    /// Those whose organization is gone, as nobody knew before.
    bereft: Vec<PartyId>,
    freed: Vec<PartyId>,
    pairs: Vec<Pair>,
    forgotten: Vec<PartyId>,
    again: Vec<PartyId>,
    /// Remembered relations that mean nothing any more, by daughter and parent.
    outdated: Vec<(PartyId, PartyId)>,
    outcomes: Vec<(PartyId, Outcome)>,
    planned: Vec<Planned>,
}

impl Engine {
    /// Handles the keys that are due. Tells whether there were any.
    pub(crate) async fn reconcile(&mut self, now: Timestamp) -> Result<bool, EngineError> {
        let Some(least) = self.least_urgent_open(now) else { return Ok(false) };
        let mut tx = self.store.read(self.connection()).await?;
        if !self.is_loaded(&mut tx).await? {
            return Ok(false);
        }
        let jobs = tx.claim(now, least, self.batch()).await?;
        if jobs.is_empty() {
            return Ok(false);
        }
        if self.backlog_told.is_none_or(|at| now.duration_since(at).abs() >= SignedDuration::from_secs(1)) {
            let QueueLen { due, waiting } = tx.queue_len(now).await?;
            self.backlog_told = Some(now);
            self.watch.see(Event::Backlog { keys: due + waiting });
        }
        drop(tx);
        if let Some(looked) = self.look_at(&jobs, now).await? {
            self.handle(jobs, looked, Manners::GiveWay, now).await?;
        }
        Ok(true)
    }

    /// Observes and decides these keys, reading organizations by id where needed. None when the CRM did not answer.
    pub(crate) async fn look_at(
        &mut self,
        jobs: &[Job],
        now: Timestamp,
    ) -> Result<Option<Looked>, EngineError> {
        let parties: Vec<PartyId> = jobs.iter().map(|job| job.party).collect();
        let mut tx = self.store.read(self.connection()).await?;
        let mut situations = observe(&mut tx, &self.settings.policy, &parties, now).await?;
        try_refused_again(jobs, &mut situations);
        self.plants.misread(&mut situations);
        drop(tx);

        let mut decisions = self.decide_all(&situations);
        let unread: Vec<OrgId> = decisions.values().filter_map(to_be_read).collect();
        if !unread.is_empty() {
            let reads = jobs.iter().filter(|job| decisions.get(&job.party).and_then(to_be_read).is_some());
            let class = reads.map(|job| job.class).min().unwrap_or(Class::Edit);
            if !self.read_by_id(&unread, class).await? {
                return Ok(None);
            }
            let again: Vec<PartyId> =
                decisions.iter().filter(|(_, d)| to_be_read(d).is_some()).map(|(party, _)| *party).collect();
            let mut tx = self.store.read(self.connection()).await?;
            let mut fresh = observe(&mut tx, &self.settings.policy, &again, self.clock.now()).await?;
            try_refused_again(jobs, &mut fresh);
            self.plants.misread(&mut fresh);
            drop(tx);
            decisions.extend(self.decide_all(&fresh));
            situations.extend(fresh);
        }

        for (party, decision) in &decisions {
            tracing::trace!(%party, ?decision, "decided");
        }
        let observed = Observed { at: self.clock.now(), attended: self.attention.mark() };
        Ok(Some(Looked { decisions, situations, observed }))
    }

    /// Does what was decided about these keys.
    pub(crate) async fn handle(
        &mut self,
        mut jobs: Vec<Job>,
        looked: Looked,
        manners: Manners,
        now: Timestamp,
    ) -> Result<(), EngineError> {
        let Looked { mut decisions, situations, observed } = looked;
        let approved: BTreeSet<PartyId> = match manners {
            Manners::GiveWay => self.hold_waves(&mut decisions, &situations, now).await?,
            Manners::Insist => jobs.iter().map(|job| job.party).collect(),
        };
        for job in jobs.iter_mut().filter(|job| approved.contains(&job.party)) {
            job.origin = guard::approved(&job.origin);
        }
        let sorted = sort(&self.settings.policy, jobs, decisions, situations, now);
        let planned = self.settle_locally(sorted, now).await?;
        self.apply(planned, observed, manners).await
    }

    fn decide_all(&self, situations: &BTreeMap<PartyId, Situation>) -> BTreeMap<PartyId, Decision> {
        let policy = &self.settings.policy;
        let decide = |situation| self.plants.misjudge(situation, decide(policy, situation));
        situations.iter().map(|(party, situation)| (*party, decide(situation))).collect()
    }

    /// Reads organizations by id and stages what came, and what did not. Tells whether the CRM answered.
    pub(crate) async fn read_by_id(&mut self, orgs: &[OrgId], class: Class) -> Result<bool, EngineError> {
        let read_at = self.clock.now();
        let found = match self.crm.orgs_by_id(orgs, class).await {
            Ok(found) => found,
            Err(error) => {
                self.crm_failed(class, &error);
                return Ok(false);
            }
        };
        self.crm_pauses.answered();
        let (rows, lost) = staging::rows(found, staging::org);
        if let Some(record) = lost.into_iter().next() {
            // Without its id nobody knows which one it is; taken for deleted it would be held for the wrong reason.
            let error = CallError::without_effect("orgs_by_id", ErrorKind::Unreadable, record.reason);
            self.side_failed(Side::Crm, &error);
            return Ok(false);
        }
        let absent: Vec<i64> =
            orgs.iter().map(|org| org.0).filter(|org| rows.iter().all(|row| row.id != *org)).collect();
        let mut tx = self.write().await?;
        let was = facts::before(&mut tx, self.watched(), rows.iter().map(|row| row.id)).await?;
        let changed = stage(&mut tx, StagedKind::Org, &rows, read_at, 0).await?;
        facts::note(&mut tx, self.watched(), was, read_at).await?;
        let returned: Vec<i64> = changed.iter().filter(|row| row.returned).map(|row| row.id).collect();
        tx.enqueue_returned(&returned, read_at).await?;
        let relatives = family::relatives_of_returned(&mut tx, &changed).await?;
        tx.enqueue(&relatives, Class::Edit, read_at, "a relative's organization is back").await?;
        family::orgs_gone(&mut tx, &absent, read_at).await?;
        tx.commit().await?;
        Ok(true)
    }

    /// One transaction for everything that is not sent anywhere.
    async fn settle_locally(&mut self, sorted: Sorted, now: Timestamp) -> Result<Vec<Planned>, EngineError> {
        let Sorted {
            done,
            later,
            held,
            bereft,
            freed,
            pairs,
            forgotten,
            again,
            outdated,
            outcomes,
            planned: _,
        } = &sorted;
        let nothing = done.is_empty()
            && later.is_empty()
            && held.is_empty()
            && pairs.is_empty()
            && forgotten.is_empty()
            && again.is_empty();
        if !nothing {
            let mut tx = self.write().await?;
            self.note_paired(&mut tx, pairs, now).await?;
            tx.put_pairs(pairs, now).await?;
            tx.delete_pairs(forgotten).await?;
            tx.delete_relations(outdated).await?;
            // Whoever thought that one of these might be theirs looks again.
            let bound: Vec<OrgId> =
                pairs.iter().filter(|pair| pair.crm_mirror.is_empty()).map(|pair| pair.org).collect();
            let near = parties_near(&mut tx, &bound).await?;
            tx.enqueue(&near, Class::Edit, now, "an organization found its customer").await?;
            for (party, reason) in held.iter().filter(|_| !self.plants.has(Plant::HoldForgotten)) {
                tx.open_hold(*party, reason, now).await?;
            }
            tx.close_holds(freed, now).await?;
            tx.finish(done).await?;
            tx.reschedule(later).await?;
            tx.enqueue(again, Class::NewCustomer, now, "looked at again").await?;
            self.enqueue_relatives(&mut tx, again, Class::Edit, now).await?;
            // What was to be related to it cannot be any more.
            let mut orphans = tx.relatives(bereft).await?;
            orphans.retain(|party| !bereft.contains(party));
            tx.enqueue(&orphans, Class::Edit, now, "a relative's organization is gone").await?;
            tx.put_outcomes(self.run, CUSTOMERS, outcomes).await?;
            tx.commit().await?;
        }
        for (party, outcome) in sorted.outcomes {
            self.watch.see(Event::Outcome { party, outcome });
        }
        Ok(sorted.planned)
    }
}

/// Origin of keys whose write was refused in an earlier cycle.
pub(crate) const TRY_AGAIN: &str = "refused before";

fn try_refused_again(jobs: &[Job], situations: &mut BTreeMap<PartyId, Situation>) {
    for job in jobs.iter().filter(|job| job.origin == TRY_AGAIN) {
        if let Some(situation) = situations.get_mut(&job.party) {
            situation.try_again = true;
        }
    }
}

fn to_be_read(decision: &Decision) -> Option<OrgId> {
    match decision {
        Decision::Observe(org) => Some(*org),
        Decision::InSync
        | Decision::NotOurs
        | Decision::Do(_)
        | Decision::Hold(_)
        | Decision::WaitUntil(_) => None,
    }
}

fn sort(
    policy: &Policy,
    jobs: Vec<Job>,
    mut decisions: BTreeMap<PartyId, Decision>,
    mut situations: BTreeMap<PartyId, Situation>,
    now: Timestamp,
) -> Sorted {
    let mut sorted = Sorted::default();
    for job in jobs {
        let party = job.party;
        let (Some(decision), Some(situation)) = (decisions.remove(&party), situations.remove(&party)) else {
            continue;
        };
        match decision {
            Decision::InSync => in_sync(policy, job, situation, &mut sorted),
            Decision::NotOurs => {
                sorted.freed.extend(situation.hold.map(|_| party));
                sorted.done.push((party, job.generation));
            }
            Decision::Hold(reason) => {
                let gone = matches!(reason, HoldReason::OrganizationGone { .. });
                if gone && situation.hold.as_ref() != Some(&reason) {
                    sorted.bereft.push(party);
                }
                sorted.held.push((party, reason));
                sorted.outcomes.push((party, Outcome::Held));
                sorted.done.push((party, job.generation));
            }
            Decision::WaitUntil(due) => sorted.later.push(wait(&job, due)),
            // The organization was read and is still unknown: another page overtook us. Look again a little later.
            Decision::Observe(_) => sorted.later.push(wait(&job, now + jiff::SignedDuration::from_secs(1))),
            Decision::Do(plan) => planned(job, plan, situation, &mut sorted),
        }
    }
    sorted
}

fn wait(job: &Job, due: Timestamp) -> Reschedule {
    Reschedule { party: job.party, generation: job.generation, due, attempts: job.attempts, error: None }
}

/// Both sides agree: remember on what, unless the ERP says what is not to be told.
fn in_sync(policy: &Policy, job: Job, situation: Situation, sorted: &mut Sorted) {
    let left = is_left(policy, &situation);
    let Situation { party, erp, pair, crm, hold, family, answers, .. } = situation;
    if let Some(pair) = &pair {
        let parents = hierarchy::outdated(&family, &answers, pair.org);
        sorted.outdated.extend(parents.into_iter().map(|parent| (party, parent)));
    }
    if let (Some(pair), CrmSide::Present { org, .. }, ErpSide::Present(customer)) = (pair, crm, erp) {
        let erp_mirror = mapping::desired(&policy.fields, &customer).values;
        let moved = erp_mirror != pair.erp_mirror || org.values != pair.crm_mirror;
        if moved && !left {
            sorted.pairs.push(Pair { erp_mirror, crm_mirror: org.values, ..pair });
        }
    }
    sorted.freed.extend(hold.map(|_| party));
    sorted.outcomes.push((party, Outcome::Unchanged));
    sorted.done.push((party, job.generation));
}

fn planned(job: Job, plan: Plan, situation: Situation, sorted: &mut Sorted) {
    // Never less urgent than its key: `apply` would wait for itself.
    let plan = plan.asked_by(job.class);
    match plan.steps.first() {
        // Two parties of one batch that would have the same organization: the second one looks again.
        Some(Step::Bind { org }) if sorted.pairs.iter().any(|pair| pair.org == *org) => {
            sorted.again.push(job.party);
        }
        Some(Step::Bind { org }) => {
            let party = job.party;
            sorted.pairs.push(new_pair(party, *org));
            sorted.again.push(party);
        }
        Some(Step::Forget { .. }) => {
            sorted.forgotten.push(job.party);
            sorted.again.push(job.party);
        }
        Some(Step::Create { .. } | Step::Update { .. } | Step::Relate { .. } | Step::Unrelate { .. }) => {
            let pair = situation.pair.clone();
            sorted.planned.push(Planned { job, plan, pair, situation });
        }
        None => sorted.done.push((job.party, job.generation)),
    }
}
