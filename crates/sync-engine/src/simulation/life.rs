//! One seed, one life: a turbulent youth with faults and deaths, then peace, and the laws all along.
//!
//! Longer than 600 lines: one life from its first process to its last look; worlds, people and verdicts are files of their own.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use sync_core::{
    fields::{Field, Owner},
    guard::Guard,
    hierarchy::HierarchyRule,
    hooks::HookEntity,
    ids::ConnectionId,
    laws::{Violation, law_7_second_run_is_idle},
    policy::{Policy, Reaction},
    poll::{Again, Pace},
    ports::{Clock, Crm, Erp},
};
use sync_store::{Store, StoreOptions};

use super::{
    access::Access,
    budget::Budget,
    crm::CrmSeat,
    frozen::{Sleeper, freezes},
    gate::SeededGate,
    hooks::Hooks,
    letterbox::{Doorman, Letter, Letterbox},
    trial::{Failure, Report, Trial},
    world::{OVERLAP, SETTLE, T_EFFECT, World, labels},
};
use crate::{
    Bell, Engine, EngineError, Event, Parts, Settings, Step, Subscribing, Watch,
    lease::{Lease, Taker, Taking},
    streams::{ErpStream, Stream},
};

const LEASE: SignedDuration = SignedDuration::from_secs(10);
const POLL: SignedDuration = SignedDuration::from_mins(5);
const SWEEP: SignedDuration = SignedDuration::from_mins(40);
/// In peace polls that find nothing are of no interest, and sweeps are.
const PEACE_POLL: SignedDuration = SignedDuration::from_mins(10);
const PEACE_SWEEP: SignedDuration = SignedDuration::from_mins(20);

/// One life.
pub(super) struct Life {
    pub(super) world: World,
    pub(super) rng: fastrand::Rng,
    pub(super) store: Store,
    pub(super) connection: ConnectionId,
    pub(super) settings: Settings,
    pub(super) trial: Trial,
    pub(super) report: Report,
    pub(super) hooks: Hooks,
    pub(super) bell: Arc<Bell>,
    /// Webhooks that come in while the next step is done.
    told: Vec<Letter>,
    /// Where webhooks come in.
    pub(super) door: Arc<dyn Letterbox>,
    /// Who makes what processes are let in with; none where everybody is.
    pub(super) access: Option<Arc<dyn Access>>,
    pub(super) sleeper: Option<Sleeper>,
    /// The ERP's streams as of the last check.
    pub(super) judged: [Option<ErpStream>; 2],
    /// How many writes there were.
    pub(super) judged_writes: usize,
}

/// Law 8 at every audit: what differs is worked on, or somebody is asked.
struct Onlooker(World);

impl Watch for Onlooker {
    fn see(&self, event: Event) {
        let Event::Audited(audited) = event else { return };
        let mut worlds = self.0.lock();
        worlds.audits += 1;
        let found = audited.examples.iter().map(|one| Violation {
            law: 8,
            story: format!("nobody worked on party {}, the audit found: {}", one.party, one.what),
        });
        worlds.violations.extend(found);
    }
}

/// Lives a life in a store at `url` that is new, or was only prepared by [`prepare`].
///
/// # Errors
/// When a law is broken, or the store fails.
pub async fn live(trial: &Trial, url: &str) -> Result<Report, Failure> {
    live_by(Means { door: Arc::new(Doorman), access: None }, trial, url).await
}

/// What a life takes from whoever lives it.
pub struct Means {
    /// Where webhooks come in.
    pub door: Arc<dyn Letterbox>,
    /// What processes are let in with at the CRM, in lives where not everybody is; none: everybody is in all of them.
    pub access: Option<Arc<dyn Access>>,
}

/// The same, by these means.
///
/// # Errors
/// When a law is broken, or the store fails.
pub async fn live_by(means: Means, trial: &Trial, url: &str) -> Result<Report, Failure> {
    let Means { door, access } = means;
    let seed = trial.seed;
    let start = start();
    let world = World::new(seed, start);
    let opened = open(url, &world.gate, start).await;
    let (store, connection) = match opened {
        Ok(opened) => opened,
        Err(error) => return Err(Failure::impossible(seed, error.to_string())),
    };
    {
        let mut worlds = world.lock();
        #[cfg(feature = "planted")]
        {
            worlds.planted.bug = trial.bug;
        }
        worlds.populate(start);
        worlds.populate_sales(start);
        worlds.populate_papers(start);
    }
    let rng = fastrand::Rng::with_seed(seed ^ 0x6c69_6665);
    let settings = settings(seed);
    let (report, hooks) = (Report::default(), Hooks::of(seed));
    let trial = trial.clone();
    let mut life = Life {
        world,
        rng,
        store,
        connection,
        settings,
        trial,
        report,
        hooks,
        bell: Arc::new(Bell::default()),
        told: Vec::new(),
        door,
        access,
        sleeper: None,
        judged: [None; 2],
        judged_writes: 0,
    };
    if life.sells() {
        life.world.gate.has_ring(life.bell.clone(), life.trial.seed);
    }
    Box::pin(life.youth()).await?;
    Box::pin(life.peace()).await?;
    Box::pin(life.idleness()).await?;
    life.store.close().await;
    Ok(life.report())
}

/// Makes a store at `url` in which lives can begin: whoever lives many copies it, which is cheaper than making it anew.
///
/// # Errors
/// When the database refuses.
pub async fn prepare(url: &str) -> Result<(), sync_store::StoreError> {
    let gate = SeededGate::new(0);
    let (store, _) = open(url, &gate, start()).await?;
    store.close().await;
    Ok(())
}

/// When lives begin.
pub(super) fn start() -> Timestamp {
    Timestamp::from_second(1_767_225_600).unwrap_or(Timestamp::UNIX_EPOCH)
}

async fn open(
    url: &str,
    gate: &SeededGate,
    now: Timestamp,
) -> Result<(Store, ConnectionId), sync_store::StoreError> {
    gate.begin(None);
    let options = StoreOptions { durable: false, gate: Some(Arc::new(gate.clone())) };
    let opening = async {
        let store = Store::open(url, options).await?;
        store.migrate().await?;
        let connection = store.ensure_connection("simulated", "{}", now).await?;
        Ok((store, connection))
    };
    match gate.drive(opening).await {
        Some(opened) => opened,
        None => Err(sync_store::StoreError::Fenced),
    }
}

fn settings(seed: u64) -> Settings {
    let mut policy = Policy {
        hierarchy: Some(HierarchyRule::default()),
        ..Policy::of(["CUSTOMER".to_owned()].into(), SETTLE, SignedDuration::from_secs(5))
    };
    if labels(seed) {
        policy.erp.inactive = Reaction::Label;
        policy.fields = policy.fields.with(Field::Labels, Owner::Erp);
    }
    Settings {
        policy,
        pace: Pace { overlap: OVERLAP, safety: SignedDuration::from_secs(1) },
        poll_every: POLL,
        crm_poll_every: POLL,
        crm_overlap: SignedDuration::from_mins(2),
        sweep_every: SWEEP,
        t_effect: T_EFFECT,
        settle: SETTLE,
        // Some lives have a guard that asks all the time; nobody answers it there.
        guard: (seed % 10 == 7).then(|| Guard {
            window: SignedDuration::from_mins(30),
            creates: Some(3),
            updates_per_mille: Some(100),
            deactivations: Some(0),
        }),
        batch: 16,
        subscribing: Hooks::come(seed).then(|| Subscribing {
            wanted: true,
            entities: vec![HookEntity::Organization],
            address: "https://sync.example.com/hooks/simulated/0".to_owned(),
            older: Vec::new(),
            name: "simulated".to_owned(),
        }),
    }
}

impl Life {
    /// Faults, deaths and people, for some dozens of turns.
    async fn youth(&mut self) -> Result<(), Failure> {
        let whole = self.rng.u32(20..60) + self.longer();
        let mut turns = self.trial.turns.map_or(whole, |most| whole.min(most));
        while turns > 0 {
            let patience = self.rng.u32(1..400);
            self.world.gate.begin(Some(patience));
            let lived = Box::pin(self.process(&mut turns)).await?;
            if !lived {
                let froze = self.sleeper.as_ref().is_some_and(Sleeper::is_fresh);
                self.report.deaths += u64::from(!froze);
                self.world.process_ended(if froze { "freezes" } else { "dies" });
                let pause = SignedDuration::from_secs(self.rng.i64(0..120));
                self.world.advance_to(self.world.now() + pause);
            }
        }
        Ok(())
    }

    /// One process: takes the lease and steps until it dies (`false`) or the turns are used up.
    async fn process(&mut self, turns: &mut u32) -> Result<bool, Failure> {
        let Some(lease) = self.take().await? else { return Ok(false) };
        let mut engine = self.engine(&lease);
        while *turns > 0 {
            *turns -= 1;
            self.report.turns += 1;
            let (edits, steps) = self.pace();
            for _ in 0..edits {
                let now = self.world.now();
                let mut worlds = self.world.lock();
                match self.rng.u32(..8) {
                    0..3 => worlds.edit_erp(now),
                    3..6 => worlds.edit_crm(now),
                    6 => worlds.edit_links(now),
                    _ => worlds.edit_relations(now),
                }
            }
            let lives = self.thaw().await?
                && self.curious(&mut engine, &lease).await?
                && self.give_access().await?
                && self.hooked(&mut engine).await?
                && self.sell().await?
                && self.file(&mut engine).await?;
            if !lives {
                return Ok(false);
            }
            if freezes(self.trial.seed) && self.sleeper.is_none() && self.rng.u32(..12) == 0 {
                self.freeze(engine, &lease).await?;
                return Ok(false);
            }
            for _ in 0..steps {
                let nap = self.rng.i64(1..90);
                if !self.step(&mut engine, &lease, nap).await? {
                    return Ok(false);
                }
            }
        }
        Ok(true)
    }

    /// Edits of others than finance, and steps of the engine, in the next turn: documents come after all else.
    fn pace(&mut self) -> (u32, u32) {
        let mut worlds = self.world.lock();
        if !worlds.papers.on {
            return (self.rng.u32(..3), 1);
        }
        let rng = &mut worlds.papers.rng;
        (if rng.u32(..3) == 0 { rng.u32(..3) } else { 0 }, rng.u32(1..4))
    }

    /// Now and then somebody looks at what would be done, or asks for everything to be looked at again. `false`: the
    /// process died.
    async fn curious(&mut self, engine: &mut Engine, lease: &Lease) -> Result<bool, Failure> {
        match self.rng.u32(..30) {
            // A person may ask again for what was refused; it is refused again, which costs nothing.
            0 if Budget::of(self.trial.seed).runs_out => Ok(true),
            0 => self.look(engine, lease).await,
            1 => {
                let since = self.world.now() - SignedDuration::from_mins(self.rng.i64(1..600));
                let again = if self.rng.bool() { Again::All } else { Again::From(since) };
                match self.world.gate.drive(engine.ask_again(again)).await {
                    None => Ok(false),
                    Some(Ok(())) => Ok(true),
                    Some(Err(error)) => Err(self.failed(&error)),
                }
            }
            _ => Ok(true),
        }
    }

    /// Webhooks come in, if this life has any. `false`: the process died.
    async fn hooked(&mut self, engine: &mut Engine) -> Result<bool, Failure> {
        if self.sells() {
            self.told = self.hooks.come_in_meanwhile(&self.world.lock().sales.deals);
        }
        let letters = self.hooks.come_in(&self.world.lock().orgs);
        let come = !letters.is_empty();
        if !self.post(letters).await? {
            return Ok(false);
        }
        if come {
            engine.look_into_hooks();
        }
        self.forge().await
    }

    /// A survey and a preview: nothing remote is written, and no place of reading moves.
    async fn look(&mut self, engine: &mut Engine, lease: &Lease) -> Result<bool, Failure> {
        let looking = async {
            lease.renew().await?;
            let before = self.places().await?;
            let writes = self.spent().0;
            let mut survey = engine.begin_survey().await?;
            for _ in 0..40 {
                if !engine.survey(&mut survey, self.world.now()).await? {
                    break;
                }
            }
            // Whether the CRM answers is of no concern here.
            let _ = engine.planner(true).page(None, 100).await?;
            let moved = self.places().await? != before || self.spent().0 != writes;
            Ok::<bool, EngineError>(moved)
        };
        let looked = self.world.gate.drive(looking).await;
        match looked {
            None => Ok(false),
            Some(Ok(false)) => Ok(true),
            Some(Ok(true)) => Err(self.failure("looking has moved something")),
            Some(Err(error)) => Err(self.failed(&error)),
        }
    }

    /// Where reading stands, and all pairs.
    async fn places(&self) -> Result<String, EngineError> {
        let mut tx = self.store.read(self.connection).await?;
        let mut places = format!("{:?}", tx.list_pairs(None, 1_000).await?);
        for stream in [Stream::Accounts, Stream::Parties, Stream::Orgs] {
            let stored: Option<serde_json::Value> = tx.cursor(stream.name()).await?;
            places.push_str(&format!("{stored:?}"));
        }
        Ok(places)
    }

    /// No more faults, no more people: two cycles with a sweep each, and whatever was in doubt settles.
    async fn peace(&mut self) -> Result<(), Failure> {
        self.world.lock().faults = false;
        self.sleeper = None;
        self.world.gate.begin(None);
        let Some(lease) = self.take().await? else {
            return Err(self.failure("the lease could not be taken in peace"));
        };
        self.give_access().await?;
        self.settings.poll_every = PEACE_POLL;
        self.settings.crm_poll_every = PEACE_POLL;
        self.settings.sweep_every = PEACE_SWEEP;
        let mut engine = self.engine(&lease);
        // The last late commit may become visible within an overlap; two sweeps follow.
        let end = self.world.now() + OVERLAP + (PEACE_SWEEP + PEACE_POLL) * 2 + T_EFFECT + SETTLE;
        let mut steps = 0;
        // Whoever is asked answers now, and once more what is asked then.
        let mut rounds = vec![end - PEACE_SWEEP * 3, self.world.now()];
        while self.world.now() < end {
            if rounds.last().is_some_and(|at| *at <= self.world.now()) {
                rounds.pop();
                self.everybody_answers(&mut engine).await?;
            }
            if !self.step(&mut engine, &lease, 600).await? {
                return Err(self.failure("a process died in peace"));
            }
            steps += 1;
            if steps > 3_000 {
                let story = "the engine never comes to rest".to_owned();
                self.judge(vec![Violation { law: 8, story }])?;
                break;
            }
        }
        self.check_agreement().await?;
        self.check_waves().await?;
        self.check_customers().await?;
        self.check_documents().await?;
        self.release(lease).await
    }

    /// What people do then is found by a poll, because webhooks do not tell of it any more.
    async fn everybody_answers(&mut self, engine: &mut Engine) -> Result<(), Failure> {
        if self.sells() {
            if !self.answer_some(100).await? {
                return Err(self.failure("a process died in peace"));
            }
            engine.poll_now();
        }
        Ok(())
    }

    /// Law 7: one more cycle changes nothing and reads one page a stream.
    async fn idleness(&mut self) -> Result<(), Failure> {
        let Some(lease) = self.take().await? else {
            return Err(self.failure("a released lease could not be taken"));
        };
        let mut engine = self.engine(&lease);
        self.come_to_rest(&mut engine).await?;
        let (writes, reads) = self.spent();
        self.world.lock().calls.clear();
        engine.poll_now();
        self.come_to_rest(&mut engine).await?;
        let (writes, reads) = (self.spent().0 - writes, self.spent().1 - reads);
        let calls = std::mem::take(&mut self.world.lock().calls);
        self.world.lock().tell(self.world.now(), format!("the idle run reads {calls:?}"));
        let broken = law_7_second_run_is_idle(writes, reads, self.reads_needed());
        self.world.lock().violations.extend(broken);
        self.check().await
    }

    async fn come_to_rest(&mut self, engine: &mut Engine) -> Result<(), Failure> {
        while self.step_once(engine).await?.is_some_and(|step| step == Step::Worked) {}
        Ok(())
    }

    fn spent(&self) -> (u64, u64) {
        let worlds = self.world.lock();
        let writes = worlds.writes.len() + worlds.family.writes.len();
        (writes as u64 + worlds.book.writes + worlds.notes.writes, worlds.reads)
    }

    async fn step_once(&mut self, engine: &mut Engine) -> Result<Option<Step>, Failure> {
        let now = self.world.now();
        let stepping = Box::pin(engine.step(now));
        let letters = std::mem::take(&mut self.told);
        if letters.is_empty() {
            return match self.world.gate.drive(stepping).await {
                None => Ok(None),
                Some(Ok(step)) => Ok(Some(step)),
                Some(Err(error)) => Err(self.failed(&error)),
            };
        }
        let house = self.house(self.bell.clone());
        let telling = async {
            // Behind a gate: what the database says meanwhile must not depend on which of its connections is quicker.
            self.world.gate.enter("hook").await;
            self.door.post(&house, &letters).await
        };
        // In this order each time: how often they are polled is not for the seed to decide.
        let both = async { tokio::join!(biased; stepping, telling) };
        match self.world.gate.drive(both).await {
            None => Ok(None),
            Some((Ok(step), handled)) => {
                engine.look_into_hooks();
                self.acknowledged(&letters, &handled, now).await?;
                Ok(Some(step))
            }
            Some((Err(error), _)) => Err(self.failed(&error)),
        }
    }

    /// A step, then time passes, then the laws. `false`: the process died.
    async fn step(&mut self, engine: &mut Engine, lease: &Lease, nap: i64) -> Result<bool, Failure> {
        let beat = self.world.gate.drive(lease.renew_in_time()).await;
        match beat {
            None => return Ok(false),
            Some(Err(error)) => return Err(self.failed(&error)),
            Some(Ok(())) => {}
        }
        self.report.steps += 1;
        let commits = self.world.gate.commits();
        let Some(step) = self.step_once(engine).await? else { return Ok(false) };
        let stored = self.world.gate.commits() > commits;
        let now = self.world.now();
        let next = match step {
            Step::Worked => now + SignedDuration::from_millis(self.rng.i64(1..900)),
            Step::IdleUntil(due) => {
                due.min(now + SignedDuration::from_secs(nap)).max(now + SignedDuration::from_millis(1))
            }
        };
        self.world.advance_to(next);
        // Without a commit the store says what it said when it was checked last.
        if stored {
            self.check().await?;
        }
        Ok(true)
    }

    async fn take(&mut self) -> Result<Option<Lease>, Failure> {
        let clock: Arc<dyn Clock> = Arc::new(self.world.clock.clone());
        let mut taker = Taker::new("simulated process".to_owned(), LEASE);
        for _ in 0..40 {
            let taking = taker.try_take(&self.store, self.connection, &clock);
            match self.world.gate.drive(taking).await {
                None => return Ok(None),
                Some(Ok(Taking::Taken(lease))) => return Ok(Some(lease)),
                Some(Ok(Taking::Held { .. })) => {}
                Some(Err(error)) => return Err(self.failed(&error)),
            }
            self.world.advance_to(self.world.now() + SignedDuration::from_secs(1));
        }
        Err(self.failure("a dead process's lease never expires"))
    }

    async fn release(&mut self, lease: Lease) -> Result<(), Failure> {
        match self.world.gate.drive(lease.release()).await {
            Some(Ok(())) => Ok(()),
            Some(Err(error)) => Err(self.failed(&error)),
            None => Err(self.failure("a process died in peace")),
        }
    }

    fn engine(&self, lease: &Lease) -> Engine {
        let erp: Arc<dyn Erp> = Arc::new(self.world.clone());
        let intents = (self.store.clone(), self.connection);
        let seat = Arc::new(CrmSeat {
            world: self.world.clone(),
            intents,
            budget: Budget::of(self.trial.seed),
            badge: self.badge(),
            bell: self.bell.clone(),
        });
        let crm: Arc<dyn Crm> = seat.clone();
        let mut engine = Engine::new(Parts {
            store: self.store.clone(),
            lease: lease.clone(),
            erp,
            crm,
            clock: Arc::new(self.world.clock.clone()),
            watch: Arc::new(Onlooker(self.world.clone())),
            settings: self.settings(),
            run: sync_core::ids::RunId(1),
            handing: self.handing(),
        });
        engine.heed(self.bell.clone());
        if let Some(flow) = self.flow(seat) {
            engine.take_up_documents(flow);
        }
        #[cfg(feature = "planted")]
        {
            engine.plants = self.trial.bug.map(|bug| bug.plant).into();
        }
        engine
    }

    /// Whether this bug is planted.
    #[cfg(feature = "planted")]
    pub(super) fn has(&self, plant: crate::plants::Plant) -> bool {
        self.trial.bug.is_some_and(|bug| bug.plant == plant)
    }

    /// The settings of its engines: right, unless that is where its bug is.
    fn settings(&self) -> Settings {
        let settings = self.settings.clone();
        #[cfg(feature = "planted")]
        let settings = super::planted::mistaken(settings, self.trial.bug.map(|bug| bug.plant));
        settings
    }

    fn report(self) -> Report {
        let worlds = self.world.lock();
        let creates = worlds.created.len() as u64;
        Report {
            lives: 1,
            creates,
            updates: worlds.writes.len() as u64 - creates,
            relations: worlds.family.writes.len() as u64,
            pieces: worlds.book.writes,
            shown: worlds.notes.writes,
            reads: worlds.reads,
            lived: self.world.now().duration_since(start()),
            audits: worlds.audits,
            met: worlds.met.clone(),
            story: worlds.story.clone(),
            ..self.report
        }
    }

    /// Breaks off the life if a law that counts was broken.
    pub(super) fn judge(&self, mut found: Vec<Violation>) -> Result<(), Failure> {
        found.retain(|violation| !self.trial.without.contains(&violation.law));
        found.truncate(5);
        if found.is_empty() { Ok(()) } else { Err(self.broken(found)) }
    }

    fn broken(&self, violations: Vec<Violation>) -> Failure {
        let story = self.world.lock().story.clone();
        Failure { seed: self.trial.seed, turns: self.report.turns, violations, story }
    }

    /// The life cannot go on, with all that is known of why.
    pub(super) fn failed(&self, error: &dyn std::error::Error) -> Failure {
        let mut story = error.to_string();
        let mut cause = error.source();
        while let Some(error) = cause {
            story.push_str(&format!(": {error}"));
            cause = error.source();
        }
        self.failure(&story)
    }

    pub(super) fn failure(&self, what: &str) -> Failure {
        self.broken(vec![Violation { law: 0, story: what.to_owned() }])
    }
}
