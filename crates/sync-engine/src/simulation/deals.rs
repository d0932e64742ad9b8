//! Deals in the CRM of a simulation: lists lag and leave out what is archived or deleted, reads by id do not
//! (pipedrive.md 1.6). And what an all-seeing observer knows about why customers may be created.

use std::collections::{BTreeMap, BTreeSet};

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use sync_core::{
    budget::Class,
    deals::{CrmDeal, CrmPerson, DealStatus},
    error::{CallError, ErrorKind},
    handover::{
        ActivityChange, AnswerField, AnswerRules, AnsweredOn, Answers, Approval, Asked, BusinessUnit, Cause,
        Conditions, Directory, HandoverPolicy, NewActivity, Required, Subject, Trigger,
    },
    ids::{ActivityId, ConnectionId, DealId, OrgId, PersonId, SetId},
    laws::{Grounds, Violation},
    model::{Page, Seen},
    money::{Amount, Money},
    ports::{Called, CrmAnswers, CrmDeals, Permit},
};
use sync_store::Store;

use super::{
    book::SETS,
    contacts, crm, papers,
    world::{Effect, Landed, SETTLE, Told, World, Worlds},
};

/// Deals and organization are read this recently before anything is begun.
const FRESHNESS: SignedDuration = SignedDuration::from_secs(5);

/// Whether customers are created in this life.
pub(crate) fn sells(seed: u64) -> bool {
    matches!(seed % 7, 2 | 5)
}

/// Whether both sides learn of the same companies at the same time in this life, and people err and change their minds at once.
fn hurries(seed: u64) -> bool {
    matches!(seed % 11, 2 | 3 | 7 | 8)
}

/// Whether who writes waits for room first, in a life that creates customers: time enough to be called away.
fn crowded(seed: u64) -> bool {
    sells(seed) && seed.is_multiple_of(4)
}

/// How it is decided in this life.
pub(crate) fn policy(seed: u64) -> HandoverPolicy {
    let mut rng = fastrand::Rng::with_seed(seed ^ 0x706f_6c69);
    let approval = if rng.u32(..3) == 0 { Approval::Review } else { Approval::Auto };
    let large = (rng.u32(..3) == 0).then(|| ("USD".to_owned(), Amount(50_000 * 10_000)));
    let tax_id = if rng.u32(..4) == 0 { BTreeSet::from(["DE".to_owned()]) } else { BTreeSet::new() };
    let lasts =
        if rng.u32(..4) == 0 { SignedDuration::from_mins(20) } else { SignedDuration::from_hours(336) };
    HandoverPolicy {
        on: BTreeSet::from([Trigger::DealWon]),
        mark: None,
        require_mark: false,
        approval,
        review_above: large.into_iter().collect(),
        approval_lasts: lasts,
        source_system: "PIPEDRIVE".to_owned(),
        company: 0,
        usage: "CUSTOMER".to_owned(),
        contact: contacts::are_wanted(seed).then(|| "ORG_CONTACT".to_owned()),
        ask_to_reuse: rng.u32(..4) > 0,
        required: Required { address: true, tax_id },
        business_units: units(rng.bool()),
        answers: answers(seed),
        settle: SETTLE,
        freshness: FRESHNESS,
    }
}

/// What sales is shown, in every second of these lives; whether owners are asked, in every second one of both kinds.
fn answers(seed: u64) -> AnswerRules {
    let activity = (seed / 14).is_multiple_of(2);
    if (seed / 7).is_multiple_of(2) {
        return AnswerRules { activity, ..AnswerRules::default() };
    }
    let deal = [AnswerField::CustomerId, AnswerField::AccountNumber, AnswerField::Status].into();
    AnswerRules { deal, org: [AnswerField::Status].into(), link: None, activity }
}

/// Europe by its pipeline; the other one by its own, or for all the rest.
fn units(for_all: bool) -> Vec<BusinessUnit> {
    let unit = |name: &str, set, pipeline: Vec<String>| BusinessUnit {
        name: name.to_owned(),
        set,
        when: Conditions { pipeline, ..Conditions::default() },
        profile_class: "DEFAULT".to_owned(),
        customer_class: None,
        currency: None,
        payment_terms: None,
    };
    let us = if for_all { Vec::new() } else { vec!["US Sales".to_owned()] };
    vec![unit("EU1", SETS[1], vec!["EU Sales".to_owned()]), unit("US1", SETS[0], us)]
}

/// Deals, and what people decided about them.
pub(crate) struct Sales {
    /// Of the life.
    pub(crate) seed: u64,
    /// Whether any of this plays a part.
    pub(crate) on: bool,
    /// Whether customers are created.
    pub(crate) hands: bool,
    /// Whether people hurry.
    pub(crate) hurries: bool,
    /// Whether there is not always room for a request to the CRM.
    pub(crate) crowded: bool,
    pub(crate) rng: fastrand::Rng,
    pub(crate) policy: HandoverPolicy,
    pub(crate) deals: BTreeMap<DealId, Deal>,
    /// Organizations that sales entered.
    pub(crate) entered: Vec<OrgId>,
    /// What somebody asked for by hand, perhaps.
    pub(crate) asked: BTreeSet<(OrgId, Asked)>,
    /// What of that was surely heard.
    pub(crate) heard: BTreeSet<(OrgId, Asked)>,
    /// What somebody approved, perhaps.
    pub(crate) approved: BTreeSet<(OrgId, Cause)>,
}

/// A deal, and what lists still say about it.
pub(crate) struct Deal {
    pub(crate) now: CrmDeal,
    pub(crate) deleted: bool,
    /// What lists show: older versions until their time has come.
    shown: Vec<(Timestamp, CrmDeal, bool)>,
    /// When it was won last.
    last_won: Option<Timestamp>,
    /// For which organizations it counted, and until when.
    past: Vec<(OrgId, Timestamp)>,
}

impl Deal {
    /// The organization that should be a customer because of it.
    pub(crate) fn counts_for(&self) -> Option<OrgId> {
        self.is_won().then_some(self.now.org).flatten()
    }

    pub(crate) fn is_won(&self) -> bool {
        self.now.status == DealStatus::Won && !self.now.archived && !self.deleted
    }

    pub(crate) fn listed(&self, now: Timestamp) -> Option<&CrmDeal> {
        let (_, deal, deleted) = self.shown.iter().rev().find(|(at, ..)| *at <= now)?;
        (!deleted && !deal.archived).then_some(deal)
    }
}

impl Sales {
    pub(crate) fn new(seed: u64) -> Self {
        Self {
            seed,
            on: sells(seed) || papers::alone(seed),
            hands: sells(seed),
            hurries: hurries(seed),
            crowded: crowded(seed),
            rng: fastrand::Rng::with_seed(seed ^ 0x73_616c_6573),
            policy: policy(seed),
            deals: BTreeMap::new(),
            entered: Vec::new(),
            asked: BTreeSet::new(),
            heard: BTreeSet::new(),
            approved: BTreeSet::new(),
        }
    }

    /// The set of the business unit that a deal belongs to; of an organization without one.
    pub(crate) fn set_of(&self, pipeline: Option<i64>) -> Option<SetId> {
        let for_all = self.policy.business_units.iter().any(|unit| unit.when == Conditions::default());
        match pipeline {
            Some(2) => Some(SETS[1]),
            Some(1) => Some(SETS[0]),
            Some(_) | None => for_all.then_some(SETS[0]),
        }
    }

    /// Whether somebody has to approve what this deal is worth.
    fn needs_approval(&self, deal: Option<&Deal>) -> bool {
        let large = deal.and_then(|deal| deal.now.value.as_ref()).is_some_and(|value| {
            let limit = self.policy.review_above.get(&value.currency);
            !self.policy.review_above.is_empty() && limit.is_none_or(|limit| value.amount >= *limit)
        });
        self.policy.approval == Approval::Review || large
    }

    /// Everything for which an organization should be a customer now, with the pipeline that tells where; `asked` is what was
    /// asked for by hand.
    pub(crate) fn causes(
        &self,
        org: OrgId,
        since: Timestamp,
        asked: &BTreeSet<(OrgId, Asked)>,
    ) -> Vec<(Cause, Option<i64>)> {
        let won = self.deals.values().filter(|deal| deal.counts_for() == Some(org)).filter(|deal| {
            deal.last_won.is_some_and(|at| at >= since) || asked.contains(&(org, Asked::Deal(deal.now.id)))
        });
        let mut causes: Vec<_> = won.map(|deal| (Cause::Deal(deal.now.id), deal.now.pipeline)).collect();
        causes.extend(asked.contains(&(org, Asked::Org)).then_some((Cause::Asked, None)));
        causes
    }

    /// A deal that lists show from then on.
    pub(crate) fn add(&mut self, deal: CrmDeal, shown_at: Timestamp) {
        let id = deal.id;
        let shown = vec![(shown_at, deal.clone(), false)];
        let last_won = deal.won_at;
        self.deals.insert(id, Deal { now: deal, deleted: false, shown, last_won, past: Vec::new() });
    }

    /// Changes a deal; lists learn of it a little later.
    pub(crate) fn change(&mut self, id: DealId, now: Timestamp, change: impl FnOnce(&mut Deal)) {
        let lag = SignedDuration::from_millis(self.rng.i64(0..28_000));
        let shown_at = if self.rng.bool() { now } else { now + lag };
        let Some(deal) = self.deals.get_mut(&id) else { return };
        let counted = deal.counts_for();
        change(deal);
        deal.now.updated_at = whole(now).max(deal.now.updated_at);
        deal.last_won = deal.now.won_at.or(deal.last_won);
        deal.past.extend(counted.filter(|org| deal.counts_for() != Some(*org)).map(|org| (org, now)));
        deal.shown.push((shown_at, deal.now.clone(), deal.deleted));
    }
}

impl Sales {
    /// A deal is won, and at once it is not: lists show what it was for as long as they may.
    pub(crate) fn win_by_mistake(&mut self, id: DealId, now: Timestamp) {
        let of = self.deals.get(&id).filter(|deal| deal.now.status == DealStatus::Open && !deal.now.archived);
        if of.is_none() {
            return;
        }
        self.change(id, now, |deal| {
            (deal.now.status, deal.now.won_at) = (DealStatus::Won, Some(whole(now)));
        });
        self.change(id, now, |deal| (deal.now.status, deal.now.won_at) = (DealStatus::Open, None));
        if let Some([.., won, open]) = self.deals.get_mut(&id).map(|deal| deal.shown.as_mut_slice()) {
            won.0 = now;
            open.0 = now + SignedDuration::from_secs(28);
        }
    }
}

impl Worlds {
    /// Why a customer may be created for an organization.
    pub(crate) fn grounds(
        &self,
        org: OrgId,
        cause: Cause,
        begun: bool,
        since: Option<Timestamp>,
        now: Timestamp,
    ) -> Grounds {
        let sales = &self.sales;
        let deal = match cause {
            Cause::Deal(id) => sales.deals.get(&id),
            Cause::Asked | Cause::Created | Cause::Assigned => None,
        };
        let asked = match cause {
            Cause::Deal(id) => sales.asked.contains(&(org, Asked::Deal(id))),
            Cause::Asked | Cause::Created | Cause::Assigned => sales.asked.contains(&(org, Asked::Org)),
        };
        // What was read is trusted for a moment.
        let recent = |(of, until): &(OrgId, Timestamp)| {
            *of == org && now.duration_since(*until) <= FRESHNESS + SignedDuration::from_secs(1)
        };
        let stands = match deal {
            Some(deal) => deal.counts_for() == Some(org) || deal.past.iter().any(recent),
            None => cause == Cause::Asked && asked,
        };
        let young = deal.and_then(|deal| deal.last_won).zip(since).is_some_and(|(at, since)| at >= since);
        Grounds {
            begun,
            stands,
            young,
            asked,
            needs_approval: sales.needs_approval(deal),
            approved: sales.approved.contains(&(org, cause)),
        }
    }
}

/// The CRM's seat for deals.
pub(crate) struct DealSeat {
    pub(crate) world: World,
    /// Where what is said must be intended when it is sent.
    pub(crate) intents: (Store, ConnectionId),
}

impl DealSeat {
    /// Says how a handover stands. Whoever looks into the store then must find that it is meant to be said (law 2).
    async fn tell(&self, told: Told, changes: &Changes) -> Called<()> {
        self.world.gate.enter("crm.send").await;
        let (store, connection) = &self.intents;
        let subjects: Vec<Subject> = {
            let worlds = self.world.lock();
            let orgs = worlds.orgs.keys().map(|org| Subject::Org(*org));
            orgs.chain(worlds.sales.deals.keys().map(|deal| Subject::Deal(*deal))).collect()
        };
        let reading = async {
            let mut tx = store.read(*connection).await?;
            let mut intended = false;
            for subject in subjects {
                let shown = tx.handover(subject).await?.unwrap_or_default().made.shown;
                let on = match told {
                    Told::Deal(deal) => shown.deals.get(&deal).cloned().unwrap_or_default(),
                    Told::Org(org) if subject == Subject::Org(org) => shown.org,
                    Told::Org(_) => continue,
                };
                intended |= on.sending.is_some_and(|sending| sending.changes == *changes);
            }
            Ok::<bool, sync_store::StoreError>(intended)
        };
        let intended = reading.await.unwrap_or_default();
        {
            let mut worlds = self.world.lock();
            if !intended {
                let story = format!("{told:?} is told {changes:?}, and the store does not know");
                worlds.violations.push(Violation { law: 2, story });
            }
        }
        match crm::write(&self.world, "crm.answer_handover", Effect::Answer(told, changes.clone())).await? {
            Landed::Ended => Ok(()),
            Landed::Org(_)
            | Landed::Relation(_)
            | Landed::Piece(_)
            | Landed::Activity(_)
            | Landed::Deal(_)
            | Landed::Note(_)
            | Landed::Refused => {
                Err(CallError::without_effect("crm.answer_handover", ErrorKind::Rejected, "it is archived"))
            }
        }
    }
}

/// What is said; none clears.
type Changes = BTreeMap<AnswerField, Option<String>>;

impl Worlds {
    /// A deal or an organization is told how its handover stands.
    pub(crate) fn be_told(&mut self, told: Told, changes: Changes, now: Timestamp) -> Option<Landed> {
        self.tell(now, format!("{told:?} is told {changes:?}"));
        match told {
            Told::Deal(id) => {
                let deal = self.sales.deals.get(&id).filter(|deal| !deal.deleted)?;
                if deal.now.archived {
                    return Some(Landed::Refused);
                }
                self.sales.change(id, now, |deal| say(&mut deal.now.facts.shown, changes));
            }
            Told::Org(id) => {
                let org = self.orgs.get_mut(&id).filter(|org| !org.deleted)?;
                say(&mut org.answers, changes);
                let values = org.values.clone();
                self.change_org(id, values, now);
            }
        }
        Some(Landed::Ended)
    }
}

fn say(answers: &mut Answers, changes: Changes) {
    for (field, value) in changes {
        match value {
            Some(value) => answers.insert(field, value),
            None => answers.remove(&field),
        };
    }
}

#[async_trait]
impl CrmDeals for DealSeat {
    async fn deals_won(&self, cursor: Option<String>, _class: Class) -> Called<Page<CrmDeal>> {
        self.world.reading("crm.deals_won").await?;
        let (worlds, now) = (self.world.lock(), self.world.now());
        let after = cursor.and_then(|cursor| cursor.parse().ok()).unwrap_or(0);
        let listed = worlds.sales.deals.values().filter_map(|deal| deal.listed(now));
        let rows: Vec<CrmDeal> =
            listed.filter(|deal| deal.status == DealStatus::Won && deal.id.0 > after).cloned().collect();
        Ok(page(rows, worlds.page_size, now, |deal| deal.id.to_string()))
    }

    async fn deals_changed(
        &self,
        from: Timestamp,
        cursor: Option<String>,
        _class: Class,
    ) -> Called<Page<CrmDeal>> {
        self.world.reading("crm.deals_changed").await?;
        let (worlds, now) = (self.world.lock(), self.world.now());
        let after: Option<(i64, i64)> = cursor
            .and_then(|c| c.split_once(':').and_then(|(t, id)| Some((t.parse().ok()?, id.parse().ok()?))));
        let key = |deal: &CrmDeal| (deal.updated_at.as_second(), deal.id.0);
        let listed = worlds.sales.deals.values().filter_map(|deal| deal.listed(now));
        let mut rows: Vec<CrmDeal> = listed
            .filter(|deal| deal.updated_at.as_second() >= from.as_second())
            .filter(|deal| after.is_none_or(|after| key(deal) > after))
            .cloned()
            .collect();
        rows.sort_by_key(key);
        Ok(page(rows, worlds.page_size, now, |deal| format!("{}:{}", deal.updated_at.as_second(), deal.id)))
    }

    async fn deals_by_id(&self, ids: &[DealId], _class: Class) -> Called<Vec<Seen<CrmDeal>>> {
        self.world.reading("crm.deals_by_id").await?;
        let worlds = self.world.lock();
        let found = ids.iter().filter_map(|id| worlds.sales.deals.get(id)).filter(|deal| !deal.deleted);
        Ok(found.map(|deal| Seen::Record(deal.now.clone())).collect())
    }

    async fn person(&self, id: PersonId, _class: Class) -> Called<Option<CrmPerson>> {
        self.world.reading("crm.person").await?;
        Ok(contacts::in_crm(id))
    }

    async fn company(&self) -> Called<i64> {
        self.world.reading("crm.company").await?;
        Ok(8_087_566)
    }

    async fn directory(&self, _class: Class) -> Called<Directory> {
        self.world.reading("crm.directory").await?;
        let named = [(1, "US Sales"), (2, "EU Sales"), (3, "Rest of the world")];
        let pipelines = named.map(|(id, name)| (id, name.to_owned())).into();
        Ok(Directory { pipelines, users: BTreeMap::new() })
    }
}

#[async_trait]
impl CrmAnswers for DealSeat {
    async fn ready_to_answer(&self, _on: AnsweredOn, _class: Class) -> Called<bool> {
        self.world.reading("crm.ready_to_answer").await?;
        Ok(false)
    }

    async fn answer_on_deal(&self, permit: Permit, id: DealId, changes: &Changes) -> Called<CrmDeal> {
        drop(permit);
        self.tell(Told::Deal(id), changes).await?;
        let worlds = self.world.lock();
        let deal = worlds.sales.deals.get(&id).map(|deal| deal.now.clone());
        deal.ok_or_else(|| CallError::without_effect("crm.answer_handover", ErrorKind::Missing, "no deal"))
    }

    async fn answer_on_org(&self, permit: Permit, id: OrgId, changes: &Changes) -> Called<()> {
        drop(permit);
        self.tell(Told::Org(id), changes).await
    }

    fn price_of_answer(&self) -> u32 {
        5
    }

    async fn create_activity(&self, permit: Permit, activity: &NewActivity) -> Called<ActivityId> {
        drop(permit);
        self.make_activity(activity).await
    }

    async fn find_activity(&self, deal: DealId, marker: &str, _class: Class) -> Called<Option<ActivityId>> {
        self.activity_with(deal, marker).await
    }

    async fn change_activity(&self, permit: Permit, id: ActivityId, change: &ActivityChange) -> Called<()> {
        drop(permit);
        self.alter_activity(id, change).await
    }

    fn price_of_activity(&self) -> u32 {
        5
    }
}

pub(crate) fn page<T>(
    mut rows: Vec<T>,
    size: usize,
    server_now: Timestamp,
    cursor: impl Fn(&T) -> String,
) -> Page<T> {
    let more = rows.len() > size;
    rows.truncate(size);
    let next = rows.last().filter(|_| more).map(cursor);
    Page { rows: rows.into_iter().map(Seen::Record).collect(), more, next, server_now }
}

/// The CRM's times have whole seconds.
pub(crate) fn whole(at: Timestamp) -> Timestamp {
    Timestamp::from_second(at.as_second()).unwrap_or(at)
}

/// What a deal may be worth.
pub(crate) fn money(amount: i64) -> Money {
    Money { amount: Amount(amount * 10_000), currency: "USD".to_owned() }
}
