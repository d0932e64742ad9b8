//! What would be done about the keys in the queue, and about those that the mass guard holds, a page of them at a time:
//! observe and decide without apply. Needs no lease and writes nothing.

use std::{collections::BTreeMap, sync::Arc};

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use sync_core::{
    budget::Class,
    decide::{Decision, decide},
    fields::{Field, FieldTable},
    foresee::{Course, Rest, foresee},
    handover::HandoverPolicy,
    hierarchy::{Family, Parent},
    hold::HoldReason,
    ids::{ConnectionId, OrgId, PartyId},
    mapping,
    model::{CrmOrg, Seen},
    plan::{Plan, Step},
    policy::Policy,
    ports::{Called, Clock, Crm},
    situation::{CrmSide, ErpSide, Situation},
    value::Value,
};
use sync_store::{StagedKind, StagedRecord, Store, Tx};

use crate::{
    EngineError,
    audit::parties_after,
    engine::{is_loaded, is_related},
    family::families,
    observe::observe,
    staging,
};

/// Which organizations a preview reads by id.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reads {
    /// None: another process holds the connection, and the rate limits with it.
    Nothing,
    /// Those of which nothing usable is known.
    Unknown,
    /// Those too, and all that would be written and were read too long ago.
    Stale,
}

/// Decides what is in the queue of a connection, and does nothing about it.
pub struct Planner {
    /// The store.
    pub store: Store,
    /// The connection.
    pub connection: ConnectionId,
    /// How customers are decided.
    pub policy: Policy,
    /// The CRM.
    pub crm: Arc<dyn Crm>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// What is read.
    pub reads: Reads,
}

/// A party, and what would be done about it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Foreseen {
    /// The party.
    pub party: PartyId,
    /// The number that people use.
    pub number: Option<String>,
    /// Its name.
    pub name: Option<String>,
    /// Its organization, if it has one.
    pub org: Option<OrgId>,
    /// The plans that would be stored, in order.
    pub plans: Vec<Plan>,
    /// What remains after them.
    #[serde(flatten)]
    pub rest: Rest,
    /// Parents that it becomes a daughter of once both have organizations; no plan can say so before.
    pub parents_to_come: Vec<Parent>,
    /// Parties with organizations that become its daughters once it has one.
    pub daughters_to_come: Vec<PartyId>,
    /// When the organization was read, if it has one that could be read.
    pub read_at: Option<Timestamp>,
    /// What the two sides said.
    pub sides: Sides,
}

/// Digests of what the two sides said when a party was decided.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sides {
    /// What the ERP said, mapped.
    pub erp: String,
    /// What the organization said, and which organizations carry the party's id.
    pub crm: String,
}

impl Foreseen {
    /// Whether the party would get an organization that it does not have yet.
    #[must_use]
    pub fn gets_organization(&self) -> bool {
        let mut steps = self.plans.iter().flat_map(|plan| &plan.steps);
        steps.any(|step| matches!(step, Step::Create { .. } | Step::Bind { .. }))
    }
}

impl Sides {
    /// Those of a situation.
    #[must_use]
    pub fn of(fields: &FieldTable, situation: &Situation) -> Self {
        let Family { parents, made, cycle, unreadable } = &situation.family;
        let mut erp = match &situation.erp {
            ErpSide::Present(customer) => staging::json(&mapping::desired(fields, customer).values),
            ErpSide::Unseen => "unseen".to_owned(),
            ErpSide::Missing => "missing".to_owned(),
            ErpSide::Malformed(reason) => reason.clone(),
        };
        let mut org = match &situation.crm {
            CrmSide::Present { org, .. } => staging::json(&org.values),
            CrmSide::NoPair => "none".to_owned(),
            CrmSide::Unknown => "unknown".to_owned(),
            CrmSide::Malformed(reason) => reason.clone(),
            CrmSide::Absent { .. } => "absent".to_owned(),
        };
        if !parents.is_empty() || unreadable.is_some() {
            let parents: Vec<PartyId> = parents.iter().map(|parent| parent.party).collect();
            erp.push_str(&format!(" {parents:?} {cycle:?} {unreadable:?}"));
        }
        if !made.is_empty() {
            org.push_str(&format!(" {made:?}"));
        }
        let carriers: Vec<i64> = situation.carriers.iter().map(|carrier| carrier.org.0).collect();
        Self { erp: staging::digest(&erp), crm: staging::digest(&format!("{org} {carriers:?}")) }
    }
}

/// Digest of everything that decisions depend on beside the two sides: a plan made under another policy is another plan.
#[must_use]
pub fn policy_digest(policy: &Policy, handing: Option<&HandoverPolicy>) -> String {
    let handing = handing.map(staging::json).unwrap_or_default();
    staging::digest(&format!("{}{handing}", staging::json(policy)))
}

/// A preview is for checking, and stands back behind everything that is for doing.
const CLASS: Class = Class::Audit;

impl Planner {
    /// Whether both systems were read completely once. What is shown before that knows nothing of half of the records.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn is_loaded(&self) -> Result<bool, EngineError> {
        let mut tx = self.store.read(self.connection).await?;
        Ok(is_loaded(&mut tx, &self.policy).await? && is_related(&mut tx, &self.policy).await?)
    }

    /// The next page of parties, in the order of their ids; empty when there are no more.
    ///
    /// # Errors
    /// When the store cannot be read; inside, when the CRM did not answer.
    pub async fn page(
        &self,
        after: Option<PartyId>,
        limit: u32,
    ) -> Result<Called<Vec<Foreseen>>, EngineError> {
        let now = self.clock.now();
        let mut tx = self.store.read(self.connection).await?;
        let jobs = tx.queued_or_held(HoldReason::MASS_CHANGE, after, limit).await?;
        let parties: Vec<PartyId> = jobs.iter().map(|job| job.party).collect();
        let mut situations = observe(&mut tx, &self.policy, &parties, now).await?;
        // Nothing is kept open while the CRM is asked.
        drop(tx);
        let staged = Policy { freshness: SignedDuration::MAX, ..self.policy.clone() };
        let (known, unread) = match self.reads {
            Reads::Stale => (&self.policy, true),
            Reads::Unknown => (&staged, true),
            Reads::Nothing => (&staged, false),
        };
        if unread {
            let wanted = situations.values().filter_map(|situation| match decide(known, situation) {
                Decision::Observe(org) => Some(org),
                Decision::InSync
                | Decision::NotOurs
                | Decision::Do(_)
                | Decision::Hold(_)
                | Decision::WaitUntil(_) => None,
            });
            let wanted: Vec<OrgId> = wanted.collect();
            if let Err(error) = self.read(&mut situations, &wanted).await? {
                return Ok(Err(error));
            }
        }
        let mut tx = self.store.read(self.connection).await?;
        let orgs = staged_orgs(&mut tx, situations.values()).await?;
        drop(tx);
        let foreseen = jobs.into_iter().filter_map(|job| {
            let situation = situations.remove(&job.party)?;
            Some(tell(&staged, situation, job.class, &orgs))
        });
        let mut foreseen: Vec<Foreseen> = foreseen.collect();
        if self.policy.hierarchy.is_some() {
            let mut tx = self.store.read(self.connection).await?;
            find_daughters(&mut tx, &mut foreseen).await?;
        }
        Ok(Ok(foreseen))
    }

    /// The parties after this one, in the queue or not, and the last one that was looked at; none if there are no more. They
    /// are decided on what was read last, and nobody is asked.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn page_of_all(
        &self,
        after: Option<PartyId>,
        limit: u32,
    ) -> Result<Option<(PartyId, Vec<Foreseen>)>, EngineError> {
        let mut tx = self.store.read(self.connection).await?;
        let (parties, _) = parties_after(&mut tx, after, limit).await?;
        let Some(last) = parties.last().copied() else { return Ok(None) };
        let staged = Policy { freshness: SignedDuration::MAX, ..self.policy.clone() };
        let situations = observe(&mut tx, &staged, &parties, self.clock.now()).await?;
        let orgs = staged_orgs(&mut tx, situations.values()).await?;
        drop(tx);
        let told = |situation| tell(&staged, situation, Class::Edit, &orgs);
        Ok(Some((last, situations.into_values().map(told).collect())))
    }

    /// Reads organizations by id and puts what they say into the situations, not into the store.
    async fn read(
        &self,
        situations: &mut BTreeMap<PartyId, Situation>,
        orgs: &[OrgId],
    ) -> Result<Called<()>, EngineError> {
        if orgs.is_empty() {
            return Ok(Ok(()));
        }
        let read_at = self.clock.now();
        let found = match self.crm.orgs_by_id(orgs, CLASS).await {
            Ok(found) => found,
            Err(error) => return Ok(Err(error)),
        };
        let mut sides: BTreeMap<OrgId, CrmSide> = BTreeMap::new();
        for seen in found {
            match seen {
                Seen::Record(org) => sides.insert(org.id, CrmSide::Present { org, read_at }),
                Seen::Malformed(record) => {
                    let Some(id) = record.id else { continue };
                    sides.insert(OrgId(id), CrmSide::Malformed(record.reason))
                }
            };
        }
        let ids: Vec<i64> = orgs.iter().map(|org| org.0).collect();
        let staged = self.store.read(self.connection).await?.staged(StagedKind::Org, &ids).await?;
        for situation in situations.values_mut() {
            let Some(org) = situation.pair.as_ref().map(|pair| pair.org).filter(|org| orgs.contains(org))
            else {
                continue;
            };
            situation.now = self.clock.now();
            let last_seen = staged.get(&org.0).map_or(read_at, |record| record.read_at);
            situation.crm = sides.get(&org).cloned().unwrap_or(CrmSide::Absent { last_seen });
        }
        Ok(Ok(()))
    }
}

/// Finds those who wait for the organizations that these parties would get.
async fn find_daughters(tx: &mut Tx, foreseen: &mut [Foreseen]) -> Result<(), EngineError> {
    let new: Vec<PartyId> = foreseen.iter().filter(|f| f.gets_organization()).map(|f| f.party).collect();
    if new.is_empty() {
        return Ok(());
    }
    let relatives = tx.relatives(&new).await?;
    let mut daughters: BTreeMap<PartyId, Vec<PartyId>> = BTreeMap::new();
    for (daughter, family) in families(tx, &relatives).await? {
        if family.cycle.is_empty() && family.unreadable.is_none() && !new.contains(&daughter) {
            for parent in family.parents.iter().filter(|parent| parent.org.is_none()) {
                daughters.entry(parent.party).or_default().push(daughter);
            }
        }
    }
    for one in foreseen.iter_mut().filter(|one| one.gets_organization()) {
        one.daughters_to_come = daughters.remove(&one.party).unwrap_or_default();
    }
    Ok(())
}

/// What the store knows of these organizations, as far as it can be read.
pub(crate) async fn staged_orgs(
    tx: &mut Tx,
    situations: impl Iterator<Item = &Situation>,
) -> Result<BTreeMap<OrgId, (CrmOrg, Timestamp)>, EngineError> {
    let ids: Vec<i64> = situations.flat_map(Situation::bindable).map(|org| org.0).collect();
    let mut found = BTreeMap::new();
    for (id, StagedRecord { row, read_at, missing, .. }) in tx.staged(StagedKind::Org, &ids).await? {
        if missing == 0 && row.malformed.is_none() {
            found.insert(OrgId(id), (staging::read("organization", &row)?, read_at));
        }
    }
    Ok(found)
}

/// Decides a party and says so. `policy` must take organizations as they are.
pub(crate) fn tell(
    policy: &Policy,
    situation: Situation,
    class: Class,
    orgs: &BTreeMap<OrgId, (CrmOrg, Timestamp)>,
) -> Foreseen {
    let party = situation.party;
    let (number, name) = called(&situation);
    let org = situation.pair.as_ref().map(|pair| pair.org);
    let read_at = match &situation.crm {
        CrmSide::Present { read_at, .. } => Some(*read_at),
        CrmSide::NoPair | CrmSide::Unknown | CrmSide::Malformed(_) | CrmSide::Absent { .. } => None,
    };
    let sides = Sides::of(&policy.fields, &situation);
    let Course { plans, rest, parents_to_come } = foresee(policy, situation, class, orgs);
    let read_at = read_at.or_else(|| {
        plans
            .iter()
            .flat_map(|p| &p.steps)
            .find_map(|step| orgs.get(&step.org()?).map(|(_, read_at)| *read_at))
    });
    let daughters_to_come = Vec::new();
    Foreseen { party, number, name, org, plans, rest, parents_to_come, daughters_to_come, read_at, sides }
}

/// Number and name of a party, as far as they are known.
fn called(situation: &Situation) -> (Option<String>, Option<String>) {
    match &situation.erp {
        ErpSide::Present(customer) => {
            (Some(customer.party.number.clone()), Some(customer.party.name.clone()))
        }
        ErpSide::Unseen | ErpSide::Missing | ErpSide::Malformed(_) => {
            let mirror = situation.pair.as_ref().and_then(|pair| pair.erp_mirror.get(&Field::Name));
            (None, mirror.map(|name| Value::text(name).to_owned()))
        }
    }
}
