//! The audit: customer after customer is decided anew from what both sides said last, though nobody asked for it, and held
//! against the queue, the questions and the doubts. It finds what is missing without having failed. It costs no token: sweeps
//! are what reads.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use sync_core::{
    budget::Class,
    decide::{Decision, decide},
    ids::{ConnectionId, OrgId, PartyId},
    plan::Step,
    policy::Policy,
    situation::{CrmSide, Situation},
};
use sync_store::{StagedKind, Store, Tx};

use crate::{
    Engine, EngineError,
    engine::{is_loaded, is_related},
    observe::observe,
    watch::Event,
};

/// Name of the row that says how the audit goes.
pub const AUDIT: &str = "audit";

/// Customers looked at in one step.
const PAGE: u32 = 100;

/// Differences that are remembered, to be shown.
const EXAMPLES: usize = 20;

/// What an audit found, as far as it went.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Audited {
    /// When it began.
    pub began_at: Timestamp,
    /// When everything was looked at; none while it goes on.
    pub ended_at: Option<Timestamp>,
    /// The oldest reading that says of a customer that both sides are equal; none where none is.
    pub as_of: Option<Timestamp>,
    /// Customers looked at: those of the ERP that are covered, and all that have an organization.
    pub customers: u64,
    /// Both sides say the same, or are meant to differ.
    pub equal: u64,
    /// They differ, and are in the queue or wait for a lost answer.
    pub working: u64,
    /// They wait for a person.
    pub held: u64,
    /// They differ, and nobody worked on it.
    pub found: u64,
    /// The first of those that were found.
    pub examples: Vec<Difference>,
}

/// A customer whose sides differ though nobody worked on it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Difference {
    /// Its party.
    pub party: PartyId,
    /// Its organization, if it has one.
    pub org: Option<OrgId>,
    /// What would be done.
    pub what: String,
}

/// The last audit, and the one under way.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditState {
    /// The last one that came to its end.
    pub last: Option<Audited>,
    /// The one under way, and up to which party it came.
    pub now: Option<(Audited, Option<PartyId>)>,
}

impl AuditState {
    /// When the next one begins, or goes on.
    #[must_use]
    pub fn next_due(&self, every: SignedDuration, now: Timestamp) -> Timestamp {
        match (&self.now, &self.last) {
            (Some(_), _) | (None, None) => now,
            (None, Some(last)) => {
                last.ended_at.map_or(now, |at| at.saturating_add(every).unwrap_or(Timestamp::MAX))
            }
        }
    }
}

impl Audited {
    fn begun(now: Timestamp) -> Self {
        Self {
            began_at: now,
            ended_at: None,
            as_of: None,
            customers: 0,
            equal: 0,
            working: 0,
            held: 0,
            found: 0,
            examples: Vec::new(),
        }
    }

    fn note(&mut self, page: &AuditPage) {
        for (standing, read_at) in page.standings.values() {
            self.customers += 1;
            match standing {
                Standing::Equal => {
                    self.equal += 1;
                    self.as_of = [self.as_of, *read_at].into_iter().flatten().min();
                }
                Standing::Working => self.working += 1,
                Standing::Held => self.held += 1,
                Standing::Found(difference) => {
                    self.found += 1;
                    if self.examples.len() < EXAMPLES {
                        self.examples.push(difference.clone());
                    }
                }
            }
        }
    }
}

/// How a customer stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Standing {
    /// Both sides say the same, or are meant to differ.
    Equal,
    /// They differ, and are in the queue or wait for a lost answer.
    Working,
    /// It waits for a person.
    Held,
    /// They differ, and nobody works on it.
    Found(Difference),
}

/// A page of customers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditPage {
    /// The last party that was looked at, customer or not.
    pub last: PartyId,
    /// Customers by party, each with the older reading of its two sides.
    pub standings: BTreeMap<PartyId, (Standing, Option<Timestamp>)>,
}

impl AuditPage {
    fn found(&self) -> Vec<&Difference> {
        let found = self.standings.values().filter_map(|(standing, _)| match standing {
            Standing::Found(difference) => Some(difference),
            Standing::Equal | Standing::Working | Standing::Held => None,
        });
        found.collect()
    }
}

/// Looks at all customers at once, and changes nothing.
pub struct Auditor {
    /// The store.
    pub store: Store,
    /// The connection.
    pub connection: ConnectionId,
    /// How customers are decided.
    pub policy: Policy,
}

impl Auditor {
    /// Looks at every customer as of now; none while both systems were not read completely once. `see` hears how many were
    /// looked at so far.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn audit(
        &self,
        now: Timestamp,
        see: &(dyn Fn(u64) + Sync),
    ) -> Result<Option<Audited>, EngineError> {
        let mut tx = self.store.read(self.connection).await?;
        if !is_loaded(&mut tx, &self.policy).await? || !is_related(&mut tx, &self.policy).await? {
            return Ok(None);
        }
        let (mut audited, mut after) = (Audited::begun(now), None);
        while let Some(page) = page(&mut tx, &self.policy, (after, PAGE), now).await? {
            audited.note(&page);
            after = Some(page.last);
            see(audited.customers);
        }
        audited.ended_at = Some(now);
        Ok(Some(audited))
    }

    /// Looks at the parties after this one, `limit` at most; none if there are no more.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn page(
        &self,
        after: Option<PartyId>,
        limit: u32,
        now: Timestamp,
    ) -> Result<Option<AuditPage>, EngineError> {
        let mut tx = self.store.read(self.connection).await?;
        page(&mut tx, &self.policy, (after, limit), now).await
    }
}

impl Engine {
    /// Looks at the next customers, if an audit is due: one for each sweep, while nothing else is to be done. What is found is
    /// put into the queue. Tells whether there were any.
    pub(crate) async fn audit(&mut self, now: Timestamp) -> Result<bool, EngineError> {
        let mut tx = self.store.read(self.connection()).await?;
        let mut state: AuditState = tx.cursor(AUDIT).await?.unwrap_or_default();
        if state.next_due(self.settings.sweep_every, now) > now
            || !self.is_loaded(&mut tx).await?
            || !is_related(&mut tx, &self.settings.policy).await?
        {
            return Ok(false);
        }
        let (mut audited, after) = state.now.take().unwrap_or_else(|| (Audited::begun(now), None));
        let page = page(&mut tx, &self.settings.policy, (after, PAGE), now).await?;
        drop(tx);
        let mut tx = self.write().await?;
        let Some(page) = page else {
            audited.ended_at = Some(now);
            state.last = Some(audited.clone());
            tx.put_cursor(AUDIT, &state, now).await?;
            tx.commit().await?;
            self.watch.see(Event::Audited(audited));
            return Ok(true);
        };
        audited.note(&page);
        let found = page.found();
        let parties: Vec<PartyId> = found.iter().map(|difference| difference.party).collect();
        tx.enqueue(&parties, Class::Audit, now, AUDIT).await?;
        state.now = Some((audited, Some(page.last)));
        tx.put_cursor(AUDIT, &state, now).await?;
        tx.commit().await?;
        for Difference { party, what, .. } in found {
            tracing::warn!(%party, what, "the audit found a customer that nobody worked on");
        }
        Ok(true)
    }
}

/// The customers after this party, in the order of their ids; none if there are no more.
async fn page(
    tx: &mut Tx,
    policy: &Policy,
    (after, limit): (Option<PartyId>, u32),
    now: Timestamp,
) -> Result<Option<AuditPage>, EngineError> {
    let (parties, read_at) = parties_after(tx, after, limit).await?;
    let Some(last) = parties.last().copied() else { return Ok(None) };
    let queued: BTreeSet<PartyId> = tx.jobs(&parties).await?.into_iter().map(|job| job.party).collect();
    // What was read last is what is compared, however long ago that was.
    let policy = Policy { freshness: SignedDuration::MAX, ..policy.clone() };
    let mut standings = BTreeMap::new();
    for (party, situation) in observe(tx, &policy, &parties, now).await? {
        let Some(standing) = standing(&policy, &situation, queued.contains(&party)) else { continue };
        let org_read = match &situation.crm {
            CrmSide::Present { read_at, .. } => Some(*read_at),
            CrmSide::NoPair | CrmSide::Unknown | CrmSide::Malformed(_) | CrmSide::Absent { .. } => None,
        };
        let older = [read_at.get(&party.0).copied(), org_read].into_iter().flatten().min();
        standings.insert(party, (standing, older));
    }
    Ok(Some(AuditPage { last, standings }))
}

/// The parties after this one that the ERP told of or that have an organization, `limit` at most, and when the ERP's were read.
pub(crate) async fn parties_after(
    tx: &mut Tx,
    after: Option<PartyId>,
    limit: u32,
) -> Result<(Vec<PartyId>, BTreeMap<i64, Timestamp>), EngineError> {
    let from = after.map_or(i64::MIN, |party| party.0);
    let staged = tx.staged_page(StagedKind::Party, from, limit).await?;
    let paired = tx.list_pairs(after, limit).await?;
    let mut parties: BTreeSet<PartyId> = staged.iter().map(|record| PartyId(record.row.id)).collect();
    parties.extend(paired.iter().map(|row| row.pair.party));
    let read_at = staged.into_iter().map(|record| (record.row.id, record.read_at)).collect();
    Ok((parties.into_iter().take(limit as usize).collect(), read_at))
}

/// How a party stands; none if it is no customer of ours.
fn standing(policy: &Policy, situation: &Situation, queued: bool) -> Option<Standing> {
    let found = |what: String| {
        let org = situation.pair.as_ref().map(|pair| pair.org);
        Standing::Found(Difference { party: situation.party, org, what })
    };
    Some(match decide(policy, situation) {
        Decision::NotOurs if situation.hold.is_none() => return None,
        // Whoever is in the queue is decided soon, whatever it looks like now.
        _ if queued || situation.doubt.is_some() => Standing::Working,
        Decision::NotOurs | Decision::InSync => match &situation.hold {
            Some(asked) => {
                found(format!("take a question back that has no reason any more: {}", asked.explain()))
            }
            None => Standing::Equal,
        },
        _ if situation.hold.is_some() => Standing::Held,
        Decision::Hold(reason) => found(format!("a person is to be asked: {}", reason.explain())),
        Decision::Observe(org) => found(format!("organization {org} is to be read")),
        Decision::WaitUntil(at) => found(format!("it is to be looked at again at {at}")),
        Decision::Do(plan) => {
            let steps: Vec<&str> = plan.steps.iter().map(step_name).collect();
            found(format!("{}: {}", steps.join(", "), plan.reason))
        }
    })
}

fn step_name(step: &Step) -> &'static str {
    match step {
        Step::Create { .. } => "create its organization",
        Step::Bind { .. } => "bind its organization",
        Step::Update { .. } => "update its organization",
        Step::Forget { .. } => "forget its organization",
        Step::Relate { .. } => "make it a daughter",
        Step::Unrelate { .. } => "end a relation",
    }
}
