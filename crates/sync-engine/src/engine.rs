//! One connection's engine and its step.

use std::{collections::BTreeMap, sync::Arc};

use jiff::Timestamp;
use sync_core::{
    budget::Class,
    error::{CallError, ErrorKind},
    ids::{ConnectionId, IntentId, RunId},
    policy::Policy,
    poll::Again,
    ports::{Clock, Crm, Erp},
};
use sync_store::{Fence, Store, Tx};

use crate::{
    Bell, EngineError, Planner, Reads, Settings,
    audit::{AUDIT, AuditState},
    documents::DocumentFlow,
    guard::Tally,
    handover::{Handing, HandingState},
    lease::Lease,
    pause::{Pause, Pauses, Side},
    plants::{Plant, Plants},
    streams::{CrmStream, ErpStream, RelationStream, Stream},
    subscriptions::Keeping,
    terms::TermsRead,
    urgent::Attention,
    watch::{Event, Watch},
    wishes::Serving,
};

/// What an engine is made of.
pub struct Parts {
    /// The store.
    pub store: Store,
    /// The right to work on the connection.
    pub lease: Lease,
    /// The ERP.
    pub erp: Arc<dyn Erp>,
    /// The CRM.
    pub crm: Arc<dyn Crm>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Somebody who looks on.
    pub watch: Arc<dyn Watch>,
    /// The connection's settings.
    pub settings: Settings,
    /// The run in whose name work is done.
    pub run: RunId,
    /// What creating customers in the ERP takes; without it none is created.
    pub handing: Option<Handing>,
}

/// The engine of one connection. Everything it has to remember is in the store; what it holds itself can be lost.
pub struct Engine {
    pub(crate) store: Store,
    pub(crate) lease: Lease,
    pub(crate) erp: Arc<dyn Erp>,
    pub(crate) crm: Arc<dyn Crm>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) watch: Arc<dyn Watch>,
    pub(crate) settings: Settings,
    pub(crate) run: RunId,
    /// Whether the CRM's custom fields are known.
    pub(crate) prepared: bool,
    /// Whether the ERP was found to have what is read of it.
    erp_prepared: bool,
    /// Whether every staged record has its keys for matching.
    pub(crate) likeness_indexed: bool,
    /// Until when nothing is done because the store came from a backup. Loaded from the store by the first step.
    pub(crate) settles_at: Option<Option<Timestamp>>,
    /// The latest time that was seen.
    pub(crate) clock_seen: Option<Timestamp>,
    /// When each write without an answer is looked for next. Loaded from the store by the first step.
    pub(crate) looks: Option<BTreeMap<IntentId, Timestamp>>,
    pub(crate) erp_pauses: Pauses,
    pub(crate) crm_pauses: Pauses,
    /// This class and all less urgent ones may spend nothing for a while: what is left is reserved for the others.
    pub(crate) parked: Option<(Class, Pause)>,
    /// Streams that shall be polled now, whatever their rhythm.
    pub(crate) forced: Vec<Stream>,
    /// Wishes of others that are worked on.
    pub(crate) serving: Option<Serving>,
    /// What was written lately; read from the journal when it is needed first.
    pub(crate) tally: Option<Tally>,
    /// Whether no terms are due, until accounts are read again.
    pub(crate) terms_checked: bool,
    /// Up to this account terms were looked through for what is due; the next look goes on there.
    pub(crate) terms_after: i64,
    /// When it was told last how many keys wait: they are counted for that.
    pub(crate) backlog_told: Option<Timestamp>,
    /// Whether no webhook told of anything, until the next one does.
    pub(crate) hooks_checked: bool,
    /// The same for deals.
    pub(crate) deals_checked: bool,
    /// How often in a row what webhooks told of could not be read.
    pub(crate) hooks_failed: u32,
    /// What is known of our subscription for webhooks.
    pub(crate) keeping: Keeping,
    /// Who rings while answers are waited for is heard at once.
    pub(crate) bell: Option<Arc<Bell>>,
    pub(crate) attention: Attention,
    pub(crate) handing: Option<Handing>,
    pub(crate) handed: HandingState,
    /// What showing documents takes; without it none is read.
    pub(crate) documents: Option<DocumentFlow>,
    /// Whether it has that, also while that is at work.
    pub(crate) shows_documents: bool,
    /// Nothing but in tests.
    pub(crate) plants: Plants,
}

/// What a step did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// Something; the next step may follow at once.
    Worked,
    /// Nothing was due; nothing will be before this time, unless somebody calls.
    IdleUntil(Timestamp),
}

impl Engine {
    /// An engine; it does nothing before its first step.
    #[must_use]
    pub fn new(parts: Parts) -> Self {
        let Parts { store, lease, erp, crm, clock, watch, settings, run, handing } = parts;
        Self {
            store: store.for_its_holder(),
            lease,
            erp,
            crm,
            clock,
            watch,
            settings,
            run,
            prepared: false,
            erp_prepared: false,
            likeness_indexed: false,
            clock_seen: None,
            settles_at: None,
            looks: None,
            erp_pauses: Pauses::default(),
            crm_pauses: Pauses::default(),
            parked: None,
            forced: Vec::new(),
            serving: None,
            tally: None,
            terms_checked: false,
            terms_after: i64::MIN,
            backlog_told: None,
            hooks_checked: false,
            deals_checked: false,
            hooks_failed: 0,
            keeping: Keeping::default(),
            bell: None,
            attention: Attention::default(),
            handing,
            handed: HandingState::default(),
            documents: None,
            shows_documents: false,
            plants: Plants::default(),
        }
    }

    /// Whoever rings this bell is attended to while answers and burst slots are waited for, from now on.
    pub fn heed(&mut self, bell: Arc<Bell>) {
        self.bell = Some(bell);
    }

    /// Makes every stream due, whatever its rhythm.
    pub fn poll_now(&mut self) {
        self.forced = vec![Stream::Accounts, Stream::Parties, Stream::Orgs];
        self.forced.extend(self.deals_port().map(|_| Stream::Deals));
        self.poll_documents_now();
        self.look_into_hooks();
    }

    /// Does the next thing that is due, if anything is: a page, a batch of keys, a look after doubt. Never sleeps.
    ///
    /// # Errors
    /// When the store fails or the connection was taken by another process. Failed remote calls are no errors.
    pub async fn step(&mut self, now: Timestamp) -> Result<Step, EngineError> {
        self.attention.listen(true);
        // Boxed: whoever steps holds little.
        let stepped = Box::pin(self.do_step(now)).await;
        self.attention.listen(false);
        stepped
    }

    async fn do_step(&mut self, now: Timestamp) -> Result<Step, EngineError> {
        // A dozen flows look where reading stands, and nobody else moves it.
        let _glancing = self.store.glance();
        if self.notice_the_clock(now).await? {
            return Ok(Step::Worked);
        }
        if let Some(until) = self.settles_until(now).await? {
            self.check_lease()?;
            return Ok(Step::IdleUntil(until));
        }
        let worked = self.read_hooked_deals(now).await?
            || self.hand_over(now).await?
            || self.show_handover(now).await?
            || self.read(now).await?
            || self.tend_documents(now).await?
            || self.reconcile(now).await?
            || self.audit(now).await?;
        if worked { Ok(Step::Worked) } else { Ok(Step::IdleUntil(self.next_due(now).await?)) }
    }

    /// The part of a step that comes before keys are decided: looks after doubt, then the next page. Tells whether
    /// anything was due.
    ///
    /// # Errors
    /// As [`Engine::step`].
    pub async fn read(&mut self, now: Timestamp) -> Result<bool, EngineError> {
        self.check_lease()?;
        if self.settles_until(now).await?.is_some() {
            return Ok(false);
        }
        Ok(self.recover(now).await?
            || self.prepare(now).await
            || self.prepare_erp(now).await
            || self.index_likeness(now).await?
            || self.settle_doubts(now).await?
            || self.keep_subscription(now).await?
            || self.read_hooked(now).await?
            || self.read_deals(now).await?
            || self.read_erp(now).await?
            || self.read_terms(now).await?
            || self.read_relations(now).await?
            || self.read_crm(now).await?)
    }

    /// Whether everything that was asked for with [`Engine::poll_now`] is read, and both systems once completely.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn has_read(&self) -> Result<bool, EngineError> {
        let mut tx = self.store.read(self.connection()).await?;
        let related = is_related(&mut tx, &self.settings.policy).await?;
        Ok(self.forced.is_empty() && self.is_loaded(&mut tx).await? && related)
    }

    pub(crate) fn check_lease(&self) -> Result<(), EngineError> {
        if self.lease.is_valid() { Ok(()) } else { Err(EngineError::LeaseLost) }
    }

    /// Whether both systems were read completely once. Before that nothing is decided.
    pub(crate) async fn is_loaded(&self, tx: &mut Tx) -> Result<bool, EngineError> {
        is_loaded(tx, &self.settings.policy).await
    }

    /// Pauses of the sides, for those who wait or report.
    #[must_use]
    pub fn pauses(&self, now: Timestamp) -> Vec<Pause> {
        let sides = [&self.erp_pauses, &self.crm_pauses].into_iter().filter_map(|side| side.active(now));
        let parked = self.parked.iter().map(|(_, pause)| pause).filter(|pause| pause.until > now);
        sides.chain(parked).cloned().chain(self.pauses_of_documents(now)).collect()
    }

    /// What keeps this connection from being quiescent: streams to read, keys to handle, writes in doubt.
    ///
    /// Keys that failed `most_attempts` times or more do not count: they come back with the next run.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn unfinished(&self, most_attempts: u32) -> Result<Unfinished, EngineError> {
        let mut tx = self.store.read(self.connection()).await?;
        let (mut keys, mut given_up) = tx.queue_by_attempts(most_attempts).await?;
        let mut writes_in_doubt = self.looks.as_ref().map_or(0, BTreeMap::len);
        if self.handing.is_some() {
            let (handovers, hopeless) = tx.handovers_by_attempts(self.clock.now(), most_attempts).await?;
            (keys, given_up) = (keys + handovers, given_up + hopeless);
            writes_in_doubt += tx.erp_intents().await?.len();
        }
        let documents = self.unfinished_documents(&mut tx, most_attempts).await?;
        (keys, given_up) = (keys + documents.keys, given_up + documents.given_up);
        writes_in_doubt += documents.writes_in_doubt;
        let related = is_related(&mut tx, &self.settings.policy).await?;
        let reading = !self.forced.is_empty() || !self.is_loaded(&mut tx).await? || !related;
        Ok(Unfinished { reading: reading || documents.reading, keys, given_up, writes_in_doubt })
    }

    /// Somebody who shows what would be done about the keys in the queue. `fresh`: organizations that would be written
    /// are read again by id.
    #[must_use]
    pub fn planner(&self, fresh: bool) -> Planner {
        Planner {
            store: self.store.for_others(),
            connection: self.connection(),
            policy: self.settings.policy.clone(),
            crm: self.crm.clone(),
            clock: self.clock.clone(),
            reads: if fresh { Reads::Stale } else { Reads::Unknown },
        }
    }

    /// Asks that something is read and looked at again, changed or not. Durable: whoever works on the connection next
    /// goes on with it. Nothing that is under way is broken off, and no place of reading is lost.
    ///
    /// # Errors
    /// When the store fails or the connection was taken by another process.
    pub async fn ask_again(&mut self, again: Again) -> Result<(), EngineError> {
        let mut tx = self.write().await?;
        put_again(&mut tx, again, self.clock.now()).await?;
        Ok(tx.commit().await?)
    }

    /// The engine's clock.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    pub(crate) fn connection(&self) -> ConnectionId {
        self.lease.fence().connection
    }

    pub(crate) async fn write(&self) -> Result<Tx, EngineError> {
        if self.plants.has(Plant::NoFencing) {
            let epoch = self.store.lease_look(self.connection()).await?.map_or(0, |row| row.epoch);
            return Ok(self.store.write(&Fence { epoch, ..*self.lease.fence() }).await?);
        }
        Ok(self.store.write(self.lease.fence()).await?)
    }

    /// Learns the CRM's custom fields. Tells whether it tried.
    pub(crate) async fn prepare(&mut self, now: Timestamp) -> bool {
        if self.prepared || self.crm_pauses.active(now).is_some() {
            return false;
        }
        match self.crm.prepare().await {
            Ok(()) => {
                self.prepared = true;
                self.crm_pauses.answered();
            }
            Err(error) => self.side_failed(Side::Crm, &error),
        }
        true
    }

    /// Looks whether the ERP is as we know it. Tells whether it tried.
    pub(crate) async fn prepare_erp(&mut self, now: Timestamp) -> bool {
        if self.erp_prepared || self.erp_pauses.active(now).is_some() {
            return false;
        }
        match self.erp.prepare().await {
            Ok(()) => {
                self.erp_prepared = true;
                self.erp_pauses.answered();
            }
            Err(error) => self.side_failed(Side::Erp, &error),
        }
        true
    }

    /// Whether the ERP may be called now.
    pub(crate) fn erp_is_open(&self, now: Timestamp) -> bool {
        self.erp_prepared && self.erp_pauses.active(now).is_none()
    }

    /// Whether the CRM may be called now.
    pub(crate) fn crm_is_open(&self, now: Timestamp) -> bool {
        self.prepared && self.crm_pauses.active(now).is_none()
    }

    /// Whether calls of this class may be made to the CRM now.
    pub(crate) fn crm_is_open_for(&self, class: Class, now: Timestamp) -> bool {
        self.least_urgent_open(now).is_some_and(|least| class <= least)
    }

    /// The least urgent class that may call the CRM now; none while nobody may.
    pub(crate) fn least_urgent_open(&self, now: Timestamp) -> Option<Class> {
        if !self.crm_is_open(now) {
            return None;
        }
        match &self.parked {
            Some((from, pause)) if pause.until > now && !self.plants.has(Plant::ReserveIgnored) => {
                Class::ALL.into_iter().rev().find(|class| class < from)
            }
            Some(_) | None => Some(Class::Backfill),
        }
    }

    /// Notes that a call of this class to the CRM failed. When only the reserve is left, the more urgent go on.
    pub(crate) fn crm_failed(&mut self, class: Class, error: &CallError) {
        let ErrorKind::Exhausted { until } = error.kind else {
            return self.side_failed(Side::Crm, error);
        };
        if class.may_use_reserve() {
            return self.side_failed(Side::Crm, error);
        }
        let now = self.clock.now();
        let earlier = self.parked.take().filter(|(_, pause)| pause.until > now);
        let from = earlier.map_or(class, |(from, _)| from.min(class));
        let pause = Pause { side: Side::Crm, until, error: error.clone() };
        tracing::warn!(?from, %until, "only the reserve of the budget is left; less urgent work is parked");
        self.parked = Some((from, pause.clone()));
        self.watch.see(Event::Paused(pause));
    }

    /// Notes that a call failed, for what it says about its whole side.
    pub(crate) fn side_failed(&mut self, side: Side, error: &CallError) {
        let now = self.clock.now();
        if error.kind == ErrorKind::UnknownField {
            self.prepared = false;
        }
        if side == Side::Erp && error.kind == ErrorKind::Rejected {
            // Perhaps an update of the ERP took something away: look again.
            self.erp_prepared = false;
        }
        let pauses = match side {
            Side::Erp => &mut self.erp_pauses,
            Side::Crm => &mut self.crm_pauses,
        };
        let pause = pauses.failed(side, error, now);
        tracing::warn!(side = ?side, until = %pause.until, %error, "a remote system is left alone for a while");
        self.watch.see(Event::Paused(pause));
    }

    /// When there will be something to do.
    async fn next_due(&self, now: Timestamp) -> Result<Timestamp, EngineError> {
        let mut tx = self.store.read(self.connection()).await?;
        let mut erp_due = Timestamp::MAX;
        for stream in [Stream::Accounts, Stream::Parties] {
            let state: ErpStream = tx.cursor(stream.name()).await?.unwrap_or_default();
            let due = if state.has_work() {
                now
            } else {
                let poll = state.rhythm.next_poll(self.settings.poll_every, now);
                poll.min(state.rhythm.next_sweep(self.settings.sweep_every, now))
            };
            erp_due = erp_due.min(due);
        }
        if self.settings.policy.hierarchy.is_some() {
            let state: RelationStream = tx.cursor(Stream::Relations.name()).await?.unwrap_or_default();
            erp_due = erp_due.min(state.next_due(self.settings.sweep_every, now));
        }
        if self.wants_terms() && !self.terms_checked {
            erp_due = now;
        }
        let orgs: CrmStream = tx.cursor(Stream::Orgs.name()).await?.unwrap_or_default();
        let crm_poll_every = self.poll_every_of(Stream::Orgs);
        let mut crm_due = orgs.next_due(crm_poll_every, self.settings.sweep_every, now);
        let parked = self.parked.as_ref().filter(|(_, pause)| pause.until > now);
        if let Some((from, pause)) = parked {
            // What is due but parked waits; a poll that is not parked and not due yet may come before that.
            let due_now = self.due_orgs(orgs.clone(), now);
            if due_now.is_some_and(|due| due.class() >= *from) {
                let poll = orgs.rhythm.next_poll(crm_poll_every, now);
                let open = *from > Class::Edit && poll > now;
                crm_due = if open { poll.min(pause.until) } else { pause.until };
            } else if *from <= Class::Edit {
                crm_due = crm_due.max(pause.until);
            }
        }
        let least = self.least_urgent_open(now).unwrap_or(Class::Backfill);
        // Before everything was read once no key is looked at.
        let mut audit_due = Timestamp::MAX;
        if self.is_loaded(&mut tx).await? {
            if let Some(job) = tx.next_due(least).await? {
                crm_due = crm_due.min(job);
            }
            if is_related(&mut tx, &self.settings.policy).await? {
                let audit: AuditState = tx.cursor(AUDIT).await?.unwrap_or_default();
                audit_due = audit.next_due(self.settings.sweep_every, now);
            }
        }
        let (documents_at_erp, documents_at_crm) = self.documents_due(&mut tx, now).await?;
        erp_due = erp_due.min(documents_at_erp);
        crm_due = crm_due.min(documents_at_crm);
        if self.deals_port().is_some() {
            let deals: CrmStream = tx.cursor(Stream::Deals.name()).await?.unwrap_or_default();
            let every = self.poll_every_of(Stream::Deals);
            let due = deals.next_due(every, self.settings.sweep_every, now);
            // What is parked comes with the end of the pause.
            let open = self.due_in(Stream::Deals, deals, now).is_none_or(|due| due.class() <= least);
            // Before the flow is switched on its deals wait for that.
            let waits = self.handing.is_some() && self.counting_since().await?.is_none();
            crm_due = crm_due.min(if open && !waits { due } else { Timestamp::MAX });
            if self.handing.is_some()
                && self.is_loaded(&mut tx).await?
                && let Some(due) = tx.next_handover(Class::Backfill).await?
            {
                crm_due = crm_due.min(due.max(self.erp_pauses.active(now).map_or(now, |pause| pause.until)));
            }
            // What is parked comes with the end of the pause.
            if self.handed.begun.is_some()
                && self.crm_is_open_for(Class::Document, now)
                && let Some(show) = tx.next_show().await?
            {
                crm_due = crm_due.min(show);
            }
        }
        if let Some((_, pause)) = parked {
            crm_due = crm_due.min(pause.until);
        }
        if let Some(look) = self.subscriptions_due()
            && least >= Class::Edit
        {
            crm_due = crm_due.min(look);
        }
        if let Some(look) = self.looks.iter().flatten().map(|(_, at)| *at).min() {
            crm_due = crm_due.min(look);
        }
        if let Some(pause) = self.erp_pauses.active(now) {
            erp_due = erp_due.max(pause.until);
        }
        if let Some(pause) = self.crm_pauses.active(now) {
            crm_due = crm_due.max(pause.until);
        }
        Ok(erp_due.min(crm_due).min(audit_due))
    }
}

/// Whether both systems of a connection were read completely once, as far as the policy asks for it.
pub(crate) async fn is_loaded(tx: &mut Tx, policy: &Policy) -> Result<bool, EngineError> {
    let accounts: Option<ErpStream> = tx.cursor(Stream::Accounts.name()).await?;
    let parties: Option<ErpStream> = tx.cursor(Stream::Parties.name()).await?;
    let orgs: Option<CrmStream> = tx.cursor(Stream::Orgs.name()).await?;
    let erp = [accounts, parties].into_iter().all(|s| s.is_some_and(|s| s.cursor.is_loaded()));
    // A customer that is written before its accounts are known would be written twice.
    let terms: Option<TermsRead> = tx.cursor(Stream::Terms.name()).await?;
    let terms = terms.is_some() || !policy.fields.wants_terms();
    Ok(erp && terms && orgs.is_some_and(|s| s.cursor.is_loaded()))
}

/// Whether the relationships were read completely, where the policy asks for them. A walk that somebody asked to repeat
/// counts only once it is done.
pub(crate) async fn is_related(tx: &mut Tx, policy: &Policy) -> Result<bool, EngineError> {
    if policy.hierarchy.is_none() {
        return Ok(true);
    }
    let relations: Option<RelationStream> = tx.cursor(Stream::Relations.name()).await?;
    Ok(relations.is_some_and(|state| state.rhythm.swept_at.is_some()))
}

/// Notes what is to be read again: the ERP since a time, or both sides completely.
pub(crate) async fn put_again(tx: &mut Tx, again: Again, now: Timestamp) -> Result<(), EngineError> {
    for stream in [Stream::Accounts, Stream::Parties] {
        let mut state: ErpStream = tx.cursor(stream.name()).await?.unwrap_or_default();
        state.again = Some(again.and(state.again));
        tx.put_cursor(stream.name(), &state, now).await?;
    }
    if again == Again::All {
        let mut state: CrmStream = tx.cursor(Stream::Orgs.name()).await?.unwrap_or_default();
        state.again = true;
        tx.put_cursor(Stream::Orgs.name(), &state, now).await?;
        // Relationships are only ever walked; without a walk they are due anyway.
        let relations: Option<RelationStream> = tx.cursor(Stream::Relations.name()).await?;
        if let Some(mut state) = relations {
            state.rhythm.swept_at = None;
            tx.put_cursor(Stream::Relations.name(), &state, now).await?;
        }
    }
    Ok(())
}

/// What keeps a connection from being quiescent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Unfinished {
    /// Streams are still to be read.
    pub reading: bool,
    /// Keys in the queue that will be tried again soon.
    pub keys: u64,
    /// Keys that failed too often for this run.
    pub given_up: u64,
    /// Writes without an answer.
    pub writes_in_doubt: usize,
}

impl Unfinished {
    /// Nothing due, nothing in flight.
    #[must_use]
    pub fn is_quiescent(&self) -> bool {
        !self.reading && self.keys == 0 && self.writes_in_doubt == 0
    }
}
