//! The CRM of a simulation: lists and search lag, reads by id do not, writes get lost in every way.

use std::{collections::BTreeMap, sync::Arc};

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use sync_core::{
    budget::{Class, Spent},
    deals::Relation,
    error::{CallError, ErrorKind},
    fields::{Field, Values},
    handover::OrgFacts,
    hooks::{HookEntity, Subscription},
    ids::{ConnectionId, OrgId, PartyId, RelationId, SubscriptionId},
    laws::{Violation, law_2_intent_first, law_5_reserve_left_alone, law_5_urgent_first},
    model::{CrmOrg, Page, Seen},
    plan::Step,
    ports::{Called, Crm, Missing, Permit},
    value::Value,
};

use sync_store::Store;

use super::{
    access::Badge,
    budget::Budget,
    hooks::Hooks,
    letterbox::Letter,
    world::{Effect, Fate, Landed, Org, World, Worlds, lost, not_sent},
};
use crate::Bell;

/// The CRM's side of the world.
pub(crate) struct CrmSeat {
    pub(crate) world: World,
    /// Where every create's intent must be found when it is sent.
    pub(crate) intents: (Store, ConnectionId),
    pub(crate) budget: Budget,
    /// What it is let in with, where not everybody is.
    pub(crate) badge: Option<Arc<dyn Badge>>,
    /// Wakes whoever works on the connection.
    pub(crate) bell: Arc<Bell>,
}

#[async_trait]
impl Crm for CrmSeat {
    async fn prepare(&self) -> Called<()> {
        self.reading("crm.prepare").await
    }

    async fn survey(&self) -> Called<Missing> {
        self.reading("crm.survey").await?;
        Ok(Missing::default())
    }

    async fn orgs_walk(&self, cursor: Option<String>, class: Class) -> Called<Page<CrmOrg>> {
        self.spend("crm.orgs_walk", class)?;
        self.reading("crm.orgs_walk").await?;
        let worlds = self.world.lock();
        let now = self.world.now();
        let after = cursor.and_then(|cursor| cursor.parse().ok()).unwrap_or(0);
        let rows: Vec<CrmOrg> = listed(&worlds, now).filter(|org| org.id.0 > after).collect();
        Ok(page(rows, worlds.page_size, now, |org| org.id.to_string()))
    }

    async fn orgs_changed(
        &self,
        from: Timestamp,
        cursor: Option<String>,
        class: Class,
    ) -> Called<Page<CrmOrg>> {
        self.spend("crm.orgs_changed", class)?;
        self.reading("crm.orgs_changed").await?;
        let worlds = self.world.lock();
        let now = self.world.now();
        let after: Option<(i64, i64)> = cursor
            .and_then(|c| c.split_once(':').and_then(|(t, id)| Some((t.parse().ok()?, id.parse().ok()?))));
        let key = |org: &CrmOrg| (org.updated_at.as_second(), org.id.0);
        let mut rows: Vec<CrmOrg> = listed(&worlds, now)
            .filter(|org| org.updated_at.as_second() >= from.as_second())
            .filter(|org| after.is_none_or(|after| key(org) > after))
            .collect();
        rows.sort_by_key(key);
        Ok(page(rows, worlds.page_size, now, |org| format!("{}:{}", org.updated_at.as_second(), org.id)))
    }

    async fn orgs_by_id(&self, ids: &[OrgId], class: Class) -> Called<Vec<Seen<CrmOrg>>> {
        self.spend("crm.orgs_by_id", class)?;
        self.reading("crm.orgs_by_id").await?;
        let mut worlds = self.world.lock();
        worlds.looks += 1;
        let alive =
            ids.iter().filter_map(|id| worlds.orgs.get(id).filter(|org| !org.deleted).map(|org| (*id, org)));
        Ok(alive
            .map(|(id, org)| CrmOrg {
                id,
                values: org.values.clone(),
                facts: facts(org),
                updated_at: org.updated_at,
            })
            .map(Seen::Record)
            .collect())
    }

    async fn orgs_by_origin(&self, party: PartyId, _class: Class) -> Called<Vec<Seen<CrmOrg>>> {
        self.reading("crm.orgs_by_origin").await?;
        let mut worlds = self.world.lock();
        worlds.looks += 1;
        let origin = party.to_string();
        let now = self.world.now();
        Ok(listed(&worlds, now)
            .filter(|org| org.values.get(&Field::ErpCustomerId).is_some_and(|v| v.text() == origin))
            .map(Seen::Record)
            .collect())
    }

    async fn room(&self, _class: Class) {
        if self.world.lock().sales.crowded {
            // Twice: whoever rings does so when somebody is let through, and is heard before there is room.
            self.world.gate.enter("crm.room").await;
            self.tell_of_won_deals().await;
            self.world.gate.enter("crm.room").await;
        }
    }

    async fn permits(&self, class: Class, each: u32, wanted: usize) -> Called<Vec<Permit>> {
        self.check_order(class).await;
        self.spend("crm.permits", class)?;
        self.world.gate.enter("crm.permits").await;
        let most = self.world.lock().rng.usize(1..5);
        Ok((0..wanted.min(most)).map(|_| Permit::paid(class, each)).collect())
    }

    async fn give_back(&self, _permits: Vec<Permit>) {}

    async fn create_org(&self, permit: Permit, values: &Values) -> Called<CrmOrg> {
        drop(permit);
        let party =
            values.get(&Field::ErpCustomerId).and_then(|value| value.text().parse().ok()).map(PartyId);
        // Behind a gate, so that looking at the store does not decide who comes first.
        self.world.gate.enter("crm.send").await;
        if let Some(party) = party {
            self.check_intent(party).await;
        }
        let landed = self.write("crm.create", Effect::Create(values.clone())).await?;
        self.org("crm.create", landed)
    }

    async fn update_org(
        &self,
        permit: Permit,
        id: OrgId,
        changes: &[(Field, Option<Value>)],
    ) -> Called<CrmOrg> {
        drop(permit);
        let gone = self.world.lock().orgs.get(&id).is_none_or(|org| org.deleted);
        if gone {
            self.world.gate.enter("crm.update").await;
            return Err(CallError::without_effect("crm.update", ErrorKind::Missing, "no such organization"));
        }
        let landed = self.write("crm.update", Effect::Update(id, changes.to_vec())).await?;
        self.org("crm.update", landed)
    }

    async fn relate(&self, permit: Permit, parent: OrgId, daughter: OrgId) -> Called<Relation> {
        drop(permit);
        self.world.gate.enter("crm.send").await;
        self.check_relation_intent(daughter).await;
        match self.write("crm.relate", Effect::Relate(parent, daughter)).await? {
            Landed::Relation(id) => Ok(Relation { id, parent, daughter }),
            Landed::Refused
            | Landed::Org(_)
            | Landed::Ended
            | Landed::Activity(_)
            | Landed::Deal(_)
            | Landed::Note(_)
            | Landed::Piece(_) => {
                let why = "already related, or no such organization";
                Err(CallError::without_effect("crm.relate", ErrorKind::Rejected, why))
            }
        }
    }

    async fn unrelate(&self, permit: Permit, relation: RelationId) -> Called<()> {
        drop(permit);
        self.write("crm.unrelate", Effect::Unrelate(relation)).await.map(|_| ())
    }

    async fn relations_of(&self, org: OrgId, _class: Class) -> Called<Vec<Relation>> {
        self.reading("crm.relations_of").await?;
        let mut worlds = self.world.lock();
        worlds.looks += 1;
        Ok(worlds.relations_of(org))
    }

    fn price(&self, step: &Step) -> u32 {
        if step.is_remote() { 5 } else { 0 }
    }

    async fn subscriptions(&self, _class: Class) -> Called<Vec<Subscription>> {
        self.reading("crm.subscriptions").await?;
        Ok(self.world.lock().subscriptions.clone())
    }

    async fn subscribe(
        &self,
        _class: Class,
        entity: HookEntity,
        address: &str,
        _name: &str,
    ) -> Called<Subscription> {
        self.reading("crm.subscribe").await?;
        let mut worlds = self.world.lock();
        let id = worlds.subscriptions.last().map_or(1, |last| last.id.0 + 1);
        let (id, address) = (SubscriptionId(id), address.to_owned());
        let entity = Some(entity);
        let made = Subscription { id, address, entity, complete: true, active: true, answered: None };
        worlds.subscriptions.push(made.clone());
        Ok(made)
    }

    async fn unsubscribe(&self, _class: Class, id: SubscriptionId) -> Called<()> {
        self.reading("crm.unsubscribe").await?;
        self.world.lock().subscriptions.retain(|there| there.id != id);
        Ok(())
    }

    fn spent(&self) -> Spent {
        Spent::default()
    }
}

impl CrmSeat {
    /// The worst moment to hear of a won deal: it is decided what to write about its company, and nothing of that is sent.
    async fn tell_of_won_deals(&self) {
        let now = self.world.now();
        let rows: Vec<_> = {
            let mut worlds = self.world.lock();
            if !worlds.faults || !Hooks::come(worlds.sales.seed) || worlds.sales.rng.bool() {
                return;
            }
            let lately = now - SignedDuration::from_mins(1);
            let won =
                worlds.sales.deals.iter().filter(|(_, deal)| deal.is_won() && deal.now.updated_at > lately);
            won.map(|(id, deal)| Letter::about_deal(*id, deal.now.updated_at).row()).collect()
        };
        let (store, connection) = &self.intents;
        // What is not taken in is told again.
        if !rows.is_empty() && store.put_hooks(*connection, &rows, now).await.is_ok() {
            self.bell.ring();
        }
    }

    /// Law 5: nothing that is more urgent is due when permits are asked for. Whoever was frozen knows nothing of what became due
    /// meanwhile, and sends nothing: it may intend nothing any more.
    pub(crate) async fn check_order(&self, class: Class) {
        if self.world.lock().thaws {
            return;
        }
        let (store, connection) = &self.intents;
        let now = self.world.now();
        let due = async { store.read(*connection).await?.claim(now, class, 1).await };
        let broken = match due.await {
            Ok(due) => law_5_urgent_first(class, due.first().map(|job| job.class)),
            Err(error) => Some(Violation { law: 5, story: format!("the queue cannot be read: {error}") }),
        };
        self.world.lock().violations.extend(broken);
    }

    /// Law 5: whoever was told that only the reserve is left waits. Now and then somebody is told.
    pub(crate) fn spend(&self, call: &'static str, class: Class) -> Called<()> {
        let now = self.world.now();
        let mut worlds = self.world.lock();
        let broken = law_5_reserve_left_alone(class, now, self.budget.told());
        worlds.violations.extend(broken);
        if !self.budget.runs_out || class.may_use_reserve() || !worlds.faults || worlds.rng.u32(..12) > 0 {
            return Ok(());
        }
        let until = now + SignedDuration::from_secs(worlds.rng.i64(30..600));
        worlds.meet(call, "only the reserve is left");
        worlds.tell(now, format!("{call}: only the reserve is left for {class:?} until {until}"));
        self.budget.tell(class, until);
        Err(CallError::without_effect(call, ErrorKind::Exhausted { until }, "only the reserve is left"))
    }

    /// Law 2 at the moment of sending: what another process could read of the store now must announce this create.
    async fn check_intent(&self, party: PartyId) {
        let (store, connection) = &self.intents;
        let intended = async { store.read(*connection).await?.create_intents().await };
        let intended = intended.await;
        let mut worlds = self.world.lock();
        let sent = worlds.sent.entry(party).or_default();
        *sent += 1;
        let sent = BTreeMap::from([(party, *sent)]);
        let broken = match intended {
            Ok(intended) => law_2_intent_first(&sent, &intended),
            Err(error) => {
                vec![Violation { law: 2, story: format!("the intents cannot be read: {error}") }]
            }
        };
        worlds.violations.extend(broken);
    }

    /// The same for a relation: it is intended in the name of its daughter.
    async fn check_relation_intent(&self, daughter: OrgId) {
        let (store, connection) = &self.intents;
        let party = async { store.read(*connection).await?.pairs_by_org(&[daughter]).await };
        match party.await.ok().and_then(|parties| parties.get(&daughter).copied()) {
            Some(party) => self.check_intent(party).await,
            None => {
                let story = format!("organization {daughter}, which has no pair, is made a daughter");
                self.world.lock().violations.push(Violation { law: 2, story });
            }
        }
    }

    fn org(&self, call: &'static str, landed: Landed) -> Called<CrmOrg> {
        let worlds = self.world.lock();
        let id = match landed {
            Landed::Org(id) => Some(id),
            Landed::Relation(_)
            | Landed::Ended
            | Landed::Activity(_)
            | Landed::Refused
            | Landed::Deal(_)
            | Landed::Note(_)
            | Landed::Piece(_) => None,
        };
        let org = id.and_then(|id| Some((id, worlds.orgs.get(&id)?)));
        let org = org.map(|(id, org)| CrmOrg {
            id,
            values: org.values.clone(),
            facts: facts(org),
            updated_at: org.updated_at,
        });
        org.ok_or_else(|| CallError::without_effect(call, ErrorKind::Missing, "no such organization"))
    }

    /// Nothing is read and nothing is sent by who is not let in.
    async fn enter(&self) -> Called<()> {
        match &self.badge {
            Some(badge) => badge.show().await,
            None => Ok(()),
        }
    }

    async fn reading(&self, call: &'static str) -> Called<()> {
        self.enter().await?;
        self.world.reading(call).await
    }

    async fn write(&self, call: &'static str, effect: Effect) -> Called<Landed> {
        self.enter().await?;
        write(&self.world, call, effect).await
    }
}

/// A write: sent, carried out or not, answered or not. The process may die in between.
pub(crate) async fn write(world: &World, call: &'static str, effect: Effect) -> Called<Landed> {
    let fate = world.lock().fate();
    write_so(world, call, effect, fate).await
}

/// A write of which it is settled what becomes of it.
pub(crate) async fn write_so(
    world: &World,
    call: &'static str,
    effect: Effect,
    fate: Fate,
) -> Called<Landed> {
    let ticket = {
        let mut worlds = world.lock();
        worlds.meet(effect.label(), fate.label());
        if fate == Fate::NotSent {
            return Err(not_sent(call));
        }
        worlds.send(effect)
    };
    world.gate.enter(call).await;
    let now = world.now();
    if !world.lock().is_in_air(ticket) {
        return Err(lost(call));
    }
    let landed = world.lock().reach(ticket, fate, now);
    world.gate.enter("crm.answer").await;
    match (fate, landed) {
        (Fate::Answered, Some(landed)) => Ok(landed),
        (Fate::Answered, None) => Err(CallError::without_effect(call, ErrorKind::Missing, "no such record")),
        (Fate::NotSent | Fate::LostBefore | Fate::LostAfter | Fate::Late | Fate::ServerError, _) => {
            let mut worlds = world.lock();
            worlds.tell(now, format!("{call} gets no answer ({fate:?})"));
            let error = lost(call);
            #[cfg(feature = "planted")]
            let error = worlds.mistold(error, crate::plants::Plant::LostAnswerRepeated);
            Err(error)
        }
    }
}

/// What is read of an organization beside its values.
fn facts(org: &Org) -> OrgFacts {
    OrgFacts { shown: org.answers.clone(), ..OrgFacts::default() }
}

fn listed(worlds: &Worlds, now: Timestamp) -> impl Iterator<Item = CrmOrg> + '_ {
    worlds.orgs.iter().filter_map(move |(id, org)| {
        let (values, updated_at) = org.listed(now)?;
        Some(CrmOrg { id: *id, values: values.clone(), facts: facts(org), updated_at })
    })
}

fn page(
    mut rows: Vec<CrmOrg>,
    size: usize,
    server_now: Timestamp,
    cursor: impl Fn(&CrmOrg) -> String,
) -> Page<CrmOrg> {
    let more = rows.len() > size;
    rows.truncate(size);
    let next = rows.last().filter(|_| more).map(cursor);
    Page { rows: rows.into_iter().map(Seen::Record).collect(), more, next, server_now }
}
