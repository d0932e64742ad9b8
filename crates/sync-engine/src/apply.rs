//! Sending: permit, then intent, then call, then receipt. Never more unsent intents than the next second's permits.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::Arc,
};

use futures::{StreamExt, stream::FuturesUnordered};
use jiff::Timestamp;
use sync_core::{
    budget::Class,
    deals::Relation,
    error::{CallError, ErrorKind},
    fields::{Field, Values},
    ids::{IntentId, PartyId},
    model::CrmOrg,
    plan::{Plan, Step},
    ports::{Called, Crm, Permit},
    situation::CrmSide,
    value::Value,
};
use sync_store::NewIntent;

use crate::{Engine, EngineError, lease::Lease, plants::Plant, reconcile::Planned};

/// A write with the answer it got.
pub(crate) struct Sent {
    pub(crate) planned: Planned,
    pub(crate) intent: IntentId,
    pub(crate) tokens: u32,
    pub(crate) answer: Called<Reply>,
}

/// When what a batch was decided upon was observed.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Observed {
    pub(crate) at: Timestamp,
    /// Who had been attended to until then.
    pub(crate) attended: u64,
}

/// What a write was answered with.
pub(crate) enum Reply {
    /// What the organization says now.
    Org(CrmOrg),
    /// The relation that was made.
    Related(Relation),
    /// The relation is ended.
    Ended,
}

/// Whether what is to be sent gives way to more urgent keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Manners {
    /// It does: whoever calls comes back to it.
    GiveWay,
    /// It does not: a person waits for exactly this.
    Insist,
}

/// Answers whose receipts are stored together, at most.
const RECEIPTS: usize = 32;

impl Engine {
    /// Sends the first step of each plan. What could not be sent now stays in the queue and is observed again.
    pub(crate) async fn apply(
        &mut self,
        mut planned: Vec<Planned>,
        observed: Observed,
        manners: Manners,
    ) -> Result<(), EngineError> {
        // Permits are for one price.
        let crm = self.crm.clone();
        let price = |p: &Planned| p.plan.steps.first().map_or(0, |step| crm.price(step));
        planned.sort_by_key(|p| (p.plan.class, price(p), p.job.party));
        if self.plants.has(Plant::ClassIgnored) {
            planned.sort_by_key(|p| p.job.party);
        }
        let mut waiting = VecDeque::from(planned);
        while let Some(class) = waiting.front().map(|p| p.plan.class) {
            if self.is_stale(observed.at) {
                // Creates overwrite nothing; updates need a fresh look and stay in the queue.
                waiting.retain(|p| p.plan.steps.first().is_some_and(Step::is_create));
                if waiting.front().is_none_or(|p| p.plan.class != class) {
                    continue;
                }
            }
            let gives_way = match manners {
                _ if self.plants.has(Plant::ClassIgnored) => false,
                Manners::GiveWay => self.more_urgent_waits(class).await?,
                Manners::Insist => false,
            };
            if gives_way || !self.crm_is_open_for(class, self.clock.now()) {
                break;
            }
            if manners == Manners::GiveWay {
                let mark = self.attention.mark();
                let called = self.is_called_away(class).await?;
                // Attending may have left something that is more urgent.
                if called || self.attention.mark() != mark && self.more_urgent_waits(class).await? {
                    break;
                }
            }
            let Some(each) = waiting.front().map(price) else { break };
            let alike = waiting.iter().take_while(|p| p.plan.class == class && price(p) == each).count();
            let permits = match self.crm.permits(class, each, alike).await {
                Ok(permits) => permits,
                Err(error) => {
                    self.crm_failed(class, &error);
                    break;
                }
            };
            if self.is_stale(observed.at) && waiting.iter().any(|p| !p.plan.steps.iter().all(Step::is_create))
            {
                // Waiting for permits took too long: look again.
                self.crm.give_back(permits).await;
                continue;
            }
            let slice: Vec<Planned> = waiting.drain(..permits.len().min(alike)).collect();
            self.send_slice(slice, permits, observed.attended, manners).await?;
        }
        Ok(())
    }

    /// Whether a key is due that is more urgent than what would be sent next. Asked about once a second.
    async fn more_urgent_waits(&self, class: Class) -> Result<bool, EngineError> {
        let Some(least) = Class::ALL.into_iter().rev().find(|other| *other < class) else { return Ok(false) };
        let mut tx = self.store.read(self.connection()).await?;
        Ok(tx.next_due(least).await?.is_some_and(|due| due <= self.clock.now()))
    }

    /// Waits for burst slots, and attends to who rings before there are any; tells if somebody rang for something else. What
    /// was not sent stays in the queue.
    async fn is_called_away(&mut self, class: Class) -> Result<bool, EngineError> {
        let crm = self.crm.clone();
        let mark = self.attention.mark();
        let room = async {
            tokio::select! {
                // Whoever rings again and again does not keep it from what it can do.
                biased;
                () = crm.room(class) => false,
                () = self.rung() => true,
            }
        };
        if !room.await {
            return Ok(false);
        }
        self.attend().await?;
        Ok(self.attention.mark() == mark)
    }

    /// Whether what was observed is too old to write upon.
    fn is_stale(&self, observed_at: Timestamp) -> bool {
        self.clock.now().duration_since(observed_at) > self.settings.policy.freshness
    }

    /// Sends what of these still is as it was decided.
    async fn send_slice(
        &mut self,
        slice: Vec<Planned>,
        permits: Vec<Permit>,
        attended: u64,
        manners: Manners,
    ) -> Result<(), EngineError> {
        if !self.lease.is_valid() {
            return Err(EngineError::LeaseLost);
        }
        let (slice, permits) = self.still_so(slice, permits, attended).await?;
        let intents = self.open_intents(&slice).await?;
        let mut calls: FuturesUnordered<_> = slice
            .into_iter()
            .zip(intents)
            .zip(permits)
            .map(|((planned, intent), permit)| {
                send(self.crm.clone(), self.lease.clone(), planned, intent, permit)
            })
            .collect();
        let mut answered: Vec<Sent> = Vec::new();
        loop {
            // The other calls go on while the store is awaited: they may hold what it waits for (the ledger's row).
            let attends = manners == Manners::GiveWay;
            if answered.is_empty() {
                tokio::select! {
                    biased;
                    sent = calls.next() => match sent {
                        Some(sent) => answered.push(sent),
                        None => return Ok(()),
                    },
                    () = self.rung(), if attends => {}
                }
            }
            if attends && self.is_rung() {
                let others = async {
                    while let Some(sent) = calls.next().await {
                        answered.push(sent);
                    }
                };
                self.attend_beside(others).await?;
            }
            let batch: Vec<Sent> = answered.drain(..answered.len().min(RECEIPTS)).collect();
            if batch.is_empty() {
                continue;
            }
            let mut storing = std::pin::pin!(self.store_receipts(batch));
            loop {
                tokio::select! {
                    biased;
                    stored = &mut storing => break stored?,
                    Some(sent) = calls.next(), if !calls.is_empty() => answered.push(sent),
                }
            }
        }
    }

    /// If somebody was attended to since these were decided: those about which nobody asked anew. The others stay in the queue.
    async fn still_so(
        &mut self,
        slice: Vec<Planned>,
        mut permits: Vec<Permit>,
        attended: u64,
    ) -> Result<(Vec<Planned>, Vec<Permit>), EngineError> {
        if self.attention.mark() == attended || self.plants.has(Plant::DecidedBefore) {
            return Ok((slice, permits));
        }
        let parties: Vec<PartyId> = slice.iter().map(|planned| planned.job.party).collect();
        let mut tx = self.store.read(self.connection()).await?;
        let jobs: BTreeMap<PartyId, i64> =
            tx.jobs(&parties).await?.into_iter().map(|job| (job.party, job.generation)).collect();
        drop(tx);
        let so: Vec<Planned> = slice
            .into_iter()
            .filter(|planned| jobs.get(&planned.job.party) == Some(&planned.job.generation))
            .collect();
        let unused = permits.split_off(so.len().min(permits.len()));
        if !unused.is_empty() {
            self.crm.give_back(unused).await;
        }
        Ok((so, permits))
    }

    /// Commits plans and intents. After this, and not before, the writes may be sent.
    async fn open_intents(&mut self, slice: &[Planned]) -> Result<Vec<IntentId>, EngineError> {
        if self.plants.has(Plant::NoIntent) {
            return Ok(vec![IntentId(0); slice.len()]);
        }
        let now = self.clock.now();
        let plans: Vec<Plan> = slice.iter().map(|p| p.plan.clone()).collect();
        let mut tx = self.write().await?;
        let ids = tx.put_plans(self.run, &plans, now).await?;
        let intents: Vec<NewIntent> = slice
            .iter()
            .zip(ids)
            .filter_map(|(p, plan)| {
                Some(NewIntent {
                    party: p.plan.party,
                    plan,
                    step: p.plan.steps.first()?.clone(),
                    before: before(p),
                    before_stamp: before_stamp(p),
                    reason: p.plan.reason.clone(),
                    rule: p.plan.rule.key().to_owned(),
                    class: p.plan.class,
                    origin: p.job.origin.clone(),
                })
            })
            .collect();
        let intents = tx.open_intents(self.run, &intents, now).await?;
        if self.plants.has(Plant::DoneBeforeSent) {
            let done: Vec<_> = slice.iter().map(|p| (p.job.party, p.job.generation)).collect();
            tx.finish(&done).await?;
        }
        tx.commit().await?;
        Ok(intents)
    }
}

/// What the organization said when the write was decided.
pub(crate) fn before(planned: &Planned) -> Values {
    match &planned.situation.crm {
        CrmSide::Present { org, .. } => org.values.clone(),
        CrmSide::NoPair | CrmSide::Unknown | CrmSide::Malformed(_) | CrmSide::Absent { .. } => Values::new(),
    }
}

/// When the organization had last changed when the write was decided.
fn before_stamp(planned: &Planned) -> Option<Timestamp> {
    match &planned.situation.crm {
        CrmSide::Present { org, .. } => Some(org.updated_at),
        CrmSide::NoPair | CrmSide::Unknown | CrmSide::Malformed(_) | CrmSide::Absent { .. } => None,
    }
}

async fn send(crm: Arc<dyn Crm>, lease: Lease, planned: Planned, intent: IntentId, permit: Permit) -> Sent {
    let tokens = permit.tokens();
    let answer = match planned.plan.steps.first() {
        _ if !lease.is_valid() => Err(not_sent("the lease on the connection has run out")),
        Some(Step::Create { values }) => crm.create_org(permit, values).await.map(Reply::Org),
        Some(Step::Update { org, changes }) => {
            let changes: Vec<(Field, Option<Value>)> =
                changes.iter().map(|change| (change.field, change.new.clone())).collect();
            crm.update_org(permit, *org, &changes).await.map(Reply::Org)
        }
        Some(Step::Relate { parent_org, org, .. }) => {
            crm.relate(permit, *parent_org, *org).await.map(Reply::Related)
        }
        Some(Step::Unrelate { relation, .. }) => crm.unrelate(permit, *relation).await.map(|()| Reply::Ended),
        Some(Step::Bind { .. } | Step::Forget { .. }) | None => Err(not_sent("nothing to send")),
    };
    Sent { planned, intent, tokens, answer }
}

fn not_sent(why: &str) -> CallError {
    CallError::without_effect("apply", ErrorKind::Transient { after: None }, why)
}
