//! Keeps the subscription for webhooks alive: made once, made again when somebody took it away, replaced when its secret is
//! changed. Tells whether webhooks can be relied upon; polling goes on in any case, more seldom while they can.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use sync_core::{
    budget::Class,
    error::{CallError, ErrorKind},
    hooks::{HookEntity, MOST_SUBSCRIPTIONS, Subscription},
    ids::SubscriptionId,
    subscriptions::{EndReason, Keep, KnownSubscription, SubscriptionWish, keep},
};
use sync_store::{OurSubscription, Tx};

use crate::{Engine, EngineError, settings::Subscribing, streams::Stream};

/// Key under which [`HookState`] is stored.
pub const STATE: &str = "crm.webhooks";

/// So much more seldom the CRM is polled while webhooks are healthy.
pub const SELDOMER: i32 = 4;

/// After trouble the list is looked at again no earlier.
const AFTER_TROUBLE: SignedDuration = SignedDuration::from_hours(1);

/// After a passing failure.
const AFTER_FAILURE: SignedDuration = SignedDuration::from_mins(2);

/// Two looks that something suspicious leads to are at least this far apart: each costs tokens.
const AFTER_SUSPICION: SignedDuration = SignedDuration::from_mins(15);

/// One that was refused is replaced once in this time: if the secret is not the reason, that does not help.
const REPLACE_EVERY: SignedDuration = SignedDuration::from_hours(24);

/// Deliveries are repeated for three minutes (pipedrive.md 5.4); what was told of by nobody after this was missed.
const ON_ITS_WAY: SignedDuration = SignedDuration::from_mins(5);

/// The clocks of the CRM and of this machine may differ by this.
const SKEW: SignedDuration = SignedDuration::from_mins(1);

/// From here on it is worth a warning that the CRM takes no more than 40.
pub const NEARLY_FULL: usize = MOST_SUBSCRIPTIONS - 5;

/// What is known about webhooks of a connection, as stored.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct HookState {
    /// When the CRM's list of subscriptions was looked at last.
    pub looked_at: Option<Timestamp>,
    /// How many subscriptions it had, those of others too.
    pub listed: usize,
    /// Why there is no subscription that works, if so.
    pub trouble: Option<String>,
    /// Whether all subscriptions that are wanted stood at the last look.
    pub stands: bool,
    /// Whether the first event about an organization came.
    pub proven: bool,
    /// Whether the first event about a deal came.
    pub deals_proven: bool,
    /// Whether the latest poll found changes of organizations that nobody had told of.
    pub lossy: bool,
    /// The same of deals.
    pub deals_lossy: bool,
    /// Changes that webhooks told of first.
    pub announced: u64,
    /// Changes that only a poll found, though a subscription stood: an estimate of what webhooks lost.
    pub missed: u64,
    /// When a subscription was last replaced because it was refused.
    pub replaced_at: Option<Timestamp>,
}

impl HookState {
    /// Whether organizations can be polled seldom.
    #[must_use]
    pub fn is_healthy(&self) -> bool {
        self.is_healthy_for(HookEntity::Organization)
    }

    /// Whether records of this kind can be polled seldom.
    #[must_use]
    pub fn is_healthy_for(&self, entity: HookEntity) -> bool {
        let (proven, lossy) = match entity {
            HookEntity::Organization => (self.proven, self.lossy),
            HookEntity::Deal => (self.deals_proven, self.deals_lossy),
        };
        self.stands && proven && !lossy
    }

    /// Notes which of these told of something.
    fn note_proven(&mut self, current: &[&OurSubscription]) {
        let is_proven =
            |entity| current.iter().any(|ours| ours.entity == Some(entity) && ours.proven_at.is_some());
        self.proven = is_proven(HookEntity::Organization);
        self.deals_proven = is_proven(HookEntity::Deal);
    }
}

/// What the engine remembers between steps; all of it can be lost.
#[derive(Debug, Default)]
pub(crate) struct Keeping {
    /// When the list is looked at next; at once after the start, because the configuration may be another one.
    due: Timestamp,
    state: Option<HookState>,
    /// Whether a subscription in use has brought no event yet.
    unproven: bool,
    last_look: Option<Timestamp>,
    /// What polls found first.
    pending: BTreeMap<HookEntity, Pending>,
}

/// Changes that polls found first.
#[derive(Debug, Default)]
struct Pending {
    /// The records, and when they changed.
    changed: Vec<(i64, Timestamp)>,
    /// When it is judged whether webhooks told of them, too.
    judged_at: Option<Timestamp>,
}

impl Engine {
    /// Looks after the subscription for webhooks from now on: to be called by whoever takes them in.
    pub fn look_after_webhooks(&mut self, subscribing: Subscribing) {
        self.settings.subscribing = Some(subscribing);
        self.keeping = Keeping::default();
    }

    /// How often records of a kind are polled, as things are.
    pub(crate) fn crm_poll_every(&self, entity: HookEntity) -> SignedDuration {
        let every = self.settings.crm_poll_every;
        let healthy = self.keeping.state.as_ref().is_some_and(|state| state.is_healthy_for(entity));
        if healthy { every * SELDOMER } else { every }
    }

    /// When the list of subscriptions is looked at next, if we keep any.
    pub(crate) fn subscriptions_due(&self) -> Option<Timestamp> {
        let Keeping { due, pending, .. } = &self.keeping;
        let judged = pending.values().filter_map(|pending| pending.judged_at);
        self.settings.subscribing.as_ref().map(|_| judged.fold(*due, Timestamp::min))
    }

    /// Looks after the subscription, if that is due. Tells whether it tried.
    pub(crate) async fn keep_subscription(&mut self, now: Timestamp) -> Result<bool, EngineError> {
        let Some(subscribing) = self.settings.subscribing.clone() else { return Ok(false) };
        self.load_hook_state().await?;
        if !subscribing.wanted && self.keeping.due <= now && self.living().await?.is_empty() {
            self.keeping.due = Timestamp::MAX;
        }
        for entity in HookEntity::ALL {
            self.judge_polled(entity, now).await?;
        }
        if self.keeping.unproven {
            self.look_for_proof(&subscribing, now).await?;
        }
        if self.keeping.due > now || !self.crm_is_open_for(Class::Edit, now) {
            return Ok(false);
        }
        self.keeping.last_look = Some(now);
        match self.look_after(&subscribing, now).await? {
            Ok(()) => self.keeping.due = now + self.settings.sweep_every,
            Err(error) => self.subscriptions_failed(&error, now).await?,
        }
        Ok(true)
    }

    /// Something speaks against the subscription: look at once, but not too often.
    pub(crate) fn suspect_subscription(&mut self, now: Timestamp) {
        let earliest = self.keeping.last_look.map_or(now, |at| at + AFTER_SUSPICION);
        self.keeping.due = self.keeping.due.min(earliest.max(now));
    }

    async fn load_hook_state(&mut self) -> Result<(), EngineError> {
        if self.keeping.state.is_none() {
            let mut tx = self.store.read(self.connection()).await?;
            self.keeping.state = Some(tx.cursor(STATE).await?.unwrap_or_default());
        }
        Ok(())
    }

    /// Whether the first event of a subscription in use came meanwhile: then older ones can be ended.
    async fn look_for_proof(&mut self, subscribing: &Subscribing, now: Timestamp) -> Result<(), EngineError> {
        let current = digest(&subscribing.address);
        let living = self.living().await?;
        let ours: Vec<&OurSubscription> = living.iter().filter(|ours| ours.address == current).collect();
        let mut state = self.keeping.state.clone().unwrap_or_default();
        state.note_proven(&ours);
        if self.keeping.state.as_ref() == Some(&state) {
            return Ok(());
        }
        self.keeping.unproven = ours.iter().any(|ours| ours.proven_at.is_none());
        if living.len() > ours.len() {
            self.keeping.due = now;
        }
        let mut tx = self.write().await?;
        tx.put_cursor(STATE, &state, now).await?;
        tx.commit().await?;
        self.keeping.state = Some(state);
        Ok(())
    }

    async fn living(&self) -> Result<Vec<OurSubscription>, EngineError> {
        let mut tx = self.store.read(self.connection()).await?;
        Ok(tx.subscriptions(true, ALL).await?)
    }

    /// Looks at the list and does what follows from it. The inner error is the CRM's.
    async fn look_after(
        &mut self,
        subscribing: &Subscribing,
        now: Timestamp,
    ) -> Result<Result<(), CallError>, EngineError> {
        let listed = match self.crm.subscriptions(Class::Edit).await {
            Ok(listed) => listed,
            Err(error) => return Ok(Err(error)),
        };
        self.crm_pauses.answered();
        let living = self.living().await?;
        let mut state = self.keeping.state.clone().unwrap_or_default();
        let replace_refused = state.replaced_at.is_none_or(|at| now.duration_since(at) >= REPLACE_EVERY);
        let Subscribing { entities, address, older, .. } = subscribing;
        let wish = SubscriptionWish { entities, address, older, replace_refused };
        let known: Vec<KnownSubscription> = living
            .iter()
            .map(|ours| KnownSubscription { id: ours.id, proven: ours.proven_at.is_some() })
            .collect();
        let steps = keep(subscribing.wanted.then_some(&wish), &listed, &known);
        // What happened while there was none was told of by nobody.
        let unheard = steps.iter().any(|step| matches!(step, Keep::Gone(_)))
            || (state.stands && steps.iter().any(|step| matches!(step, Keep::Create(_))));
        for step in &steps {
            if let Err(error) = self.do_keep(step, subscribing, &listed, now).await? {
                return Ok(Err(error));
            }
            if matches!(step, Keep::End(_, EndReason::Refused)) {
                state.replaced_at = Some(now);
            }
        }
        if unheard && subscribing.wanted {
            self.forced.push(Stream::Orgs);
            self.forced.extend(self.deals_port().map(|_| Stream::Deals));
        }
        let mut tx = self.write().await?;
        let living = tx.subscriptions(true, ALL).await?;
        let current = digest(&subscribing.address);
        let ours: Vec<&OurSubscription> = living.iter().filter(|ours| ours.address == current).collect();
        let stands = |entity: &HookEntity| ours.iter().any(|ours| ours.entity == Some(*entity));
        state.looked_at = Some(now);
        let count = |wanted: fn(&Keep) -> bool| steps.iter().filter(|step| wanted(step)).count();
        let made = count(|step| matches!(step, Keep::Create(_)));
        let ended = count(|step| matches!(step, Keep::End(..)));
        state.listed = (listed.len() + made).saturating_sub(ended);
        state.trouble = None;
        state.stands = subscribing.wanted && entities.iter().all(stands);
        state.note_proven(&ours);
        tx.put_cursor(STATE, &state, now).await?;
        tx.commit().await?;
        // Also when it was proven while we looked: the older one is still there.
        let unproven = ours.iter().any(|ours| ours.proven_at.is_none());
        self.keeping.unproven = state.stands && (unproven || living.len() > ours.len());
        if listed.len() >= NEARLY_FULL {
            let listed = listed.len();
            tracing::warn!(
                listed,
                most = MOST_SUBSCRIPTIONS,
                "there are nearly as many webhooks as the CRM takes"
            );
        }
        self.keeping.state = Some(state);
        Ok(Ok(()))
    }

    async fn do_keep(
        &mut self,
        step: &Keep,
        subscribing: &Subscribing,
        listed: &[Subscription],
        now: Timestamp,
    ) -> Result<Result<(), CallError>, EngineError> {
        match step {
            Keep::Gone(id) => {
                tracing::warn!(webhook = %id, "a webhook was removed by somebody else");
                let mut tx = self.write().await?;
                tx.end_subscription(*id, "it was removed by somebody else", now).await?;
                tx.commit().await?;
            }
            Keep::Adopt(id) => {
                tracing::info!(webhook = %id, "a webhook that leads to us is there already");
                let seen = listed.iter().find(|seen| seen.id == *id);
                let address = seen.map_or(subscribing.address.as_str(), |seen| seen.address.as_str());
                let entity = seen.and_then(|seen| seen.entity).unwrap_or(HookEntity::Organization);
                self.remember(*id, entity, address, now).await?;
            }
            Keep::Create(entity) => {
                let Subscribing { address, name, .. } = subscribing;
                match self.crm.subscribe(Class::Edit, *entity, address, name).await {
                    Ok(made) => {
                        tracing::info!(webhook = %made.id, entity = entity.key(), "a webhook was made");
                        self.remember(made.id, *entity, address, now).await?;
                    }
                    // In doubt or not: the next look at the list tells whether it is there.
                    Err(error) => return Ok(Err(error)),
                }
            }
            Keep::End(id, why) => {
                if let Err(error) = self.crm.unsubscribe(Class::Edit, *id).await {
                    return Ok(Err(error));
                }
                tracing::info!(webhook = %id, why = why.words(), "a webhook was ended");
                let mut tx = self.write().await?;
                tx.end_subscription(*id, why.words(), now).await?;
                tx.commit().await?;
            }
        }
        Ok(Ok(()))
    }

    async fn remember(
        &self,
        id: SubscriptionId,
        entity: HookEntity,
        address: &str,
        now: Timestamp,
    ) -> Result<(), EngineError> {
        let mut tx = self.write().await?;
        tx.put_subscription(id, entity, &digest(address), now).await?;
        tx.commit().await?;
        Ok(())
    }

    /// Whatever is wrong with subscriptions, polling goes on: only what says something of the whole CRM pauses it.
    async fn subscriptions_failed(&mut self, error: &CallError, now: Timestamp) -> Result<(), EngineError> {
        match error.kind {
            ErrorKind::Exhausted { .. } | ErrorKind::Unauthorized => {
                self.crm_failed(Class::Edit, error);
                self.keeping.due = now + AFTER_TROUBLE;
            }
            // A path that only fails shall not keep us from all the others.
            ErrorKind::Transient { after } => {
                self.keeping.due = now + after.unwrap_or_default().max(AFTER_FAILURE);
            }
            ErrorKind::Forbidden
            | ErrorKind::Rejected
            | ErrorKind::Missing
            | ErrorKind::Unreadable
            | ErrorKind::UnknownField => self.keeping.due = now + AFTER_TROUBLE,
        }
        tracing::warn!(%error, "webhooks cannot be looked after; polling goes on");
        self.keeping.unproven = false;
        let mut state = self.keeping.state.clone().unwrap_or_default();
        state.trouble = Some(error.to_string());
        state.stands = false;
        let mut tx = self.write().await?;
        tx.put_cursor(STATE, &state, now).await?;
        tx.commit().await?;
        self.keeping.state = Some(state);
        Ok(())
    }

    /// Counts what webhooks told of first.
    pub(crate) async fn note_announced(
        &mut self,
        tx: &mut Tx,
        changes: usize,
        now: Timestamp,
    ) -> Result<(), EngineError> {
        if self.settings.subscribing.is_none() || changes == 0 {
            return Ok(());
        }
        let Some(state) = &mut self.keeping.state else { return Ok(()) };
        state.announced += changes as u64;
        tx.put_cursor(STATE, state, now).await?;
        Ok(())
    }

    /// Notes what a page of a poll found: each of these records had changed, at that time, and nothing had been read of it.
    /// Whether webhooks tell of it late or never shows a little later.
    pub(crate) fn note_polled(
        &mut self,
        entity: HookEntity,
        changed: &[(i64, Timestamp)],
        complete: bool,
        now: Timestamp,
    ) {
        let wanted =
            self.settings.subscribing.as_ref().is_some_and(|wanted| wanted.entities.contains(&entity));
        if !wanted {
            return;
        }
        let pending = self.keeping.pending.entry(entity).or_default();
        let room = MOST_PENDING.saturating_sub(pending.changed.len());
        pending.changed.extend(changed.iter().take(room));
        if complete {
            pending.judged_at = Some(now + ON_ITS_WAY);
        }
    }

    /// Judges what the last poll found, once there was time to tell of it.
    async fn judge_polled(&mut self, entity: HookEntity, now: Timestamp) -> Result<(), EngineError> {
        let due = |pending: &Pending| pending.judged_at.is_some_and(|at| at <= now);
        if !self.keeping.pending.get(&entity).is_some_and(due) {
            return Ok(());
        }
        let pending = self.keeping.pending.remove(&entity).unwrap_or_default();
        let Some(mut state) = self.keeping.state.clone().filter(|state| state.stands) else { return Ok(()) };
        let living = self.living().await?;
        let since =
            living.iter().filter(|ours| ours.entity == Some(entity)).filter_map(|ours| ours.proven_at).min();
        let changed: Vec<(i64, Timestamp)> =
            pending.changed.into_iter().filter(|(_, at)| since.is_some_and(|since| *at >= since)).collect();
        let mut missed = 0;
        if let Some(first) = changed.iter().map(|(_, at)| *at).min() {
            let mut tx = self.store.read(self.connection()).await?;
            let told = tx.told_since(entity, first - SKEW).await?;
            let unheard = |(id, at): &&(i64, Timestamp)| told.get(id).is_none_or(|told| *told < *at - SKEW);
            missed = changed.iter().filter(unheard).count();
        }
        match entity {
            HookEntity::Organization => state.lossy = missed > 0,
            HookEntity::Deal => state.deals_lossy = missed > 0,
        }
        state.missed += missed as u64;
        if missed > 0 {
            tracing::warn!(missed, entity = entity.key(), "a poll found changes that no webhook had told of");
            self.suspect_subscription(now);
        }
        if self.keeping.state.as_ref() != Some(&state) {
            let mut tx = self.write().await?;
            tx.put_cursor(STATE, &state, now).await?;
            tx.commit().await?;
            self.keeping.state = Some(state);
        }
        Ok(())
    }
}

/// More changes of one poll are not judged: the share that was missed is clear by then.
const MOST_PENDING: usize = 1_000;

/// More than there ever are.
const ALL: u32 = 1_000;

/// What is kept of an address: enough to know it again.
#[must_use]
pub fn digest(address: &str) -> String {
    hex::encode(Sha256::digest(address.as_bytes()))
}
