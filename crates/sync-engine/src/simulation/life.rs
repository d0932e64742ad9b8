//! One seed, one life: a turbulent youth with faults and deaths, then peace, and the laws all along.

use std::{collections::BTreeMap, sync::Arc};

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
    crm::CrmSeat,
    gate::SeededGate,
    hooks::Hooks,
    world::{OVERLAP, SETTLE, T_EFFECT, World, labels},
};
use crate::{
    Engine, EngineError, Parts, Settings, Silent, Step, Subscribing,
    lease::{Lease, Taker, Taking},
    streams::Stream,
};

/// Bugs that can be planted to see the laws catch them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Plant {
    /// None.
    Nothing,
    /// Creates are sent without an intent; only what the remote worlds show is checked, not law 2 itself.
    NoIntent,
    /// Pieces of customers are sent without an intent, and one whose answer is lost is forgotten; only what the ERP shows is
    /// checked, not law 2 itself.
    NoErpIntent,
}

/// What a life was like.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Report {
    /// Steps made.
    pub steps: u64,
    /// Processes that died.
    pub deaths: u64,
    /// Organizations created.
    pub creates: u64,
    /// Updates sent and carried out.
    pub updates: u64,
    /// Relations made and ended.
    pub relations: u64,
    /// Reads sent.
    pub reads: u64,
    /// Customers held at the end.
    pub held: u64,
    /// Customers of the ERP that were created, with an account.
    pub customers: u64,
    /// What became of the requests for each kind of piece of a customer: piece and fate.
    pub pieces: BTreeMap<(&'static str, &'static str), u64>,
    /// Everything that happened, one line each; the same seed tells the same story.
    pub story: Vec<String>,
}

/// A life that broke a law, or could not be lived.
#[derive(Debug)]
pub struct Failure {
    /// The seed.
    pub seed: u64,
    /// What was broken.
    pub violations: Vec<Violation>,
    /// How it came to that.
    pub story: Vec<String>,
}

impl std::fmt::Display for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        writeln!(f, "seed {} breaks", self.seed)?;
        for Violation { law, story } in &self.violations {
            writeln!(f, "  law {law}: {story}")?;
        }
        let skip = self.story.len().saturating_sub(60);
        writeln!(f, "the last of {} lines of its story:", self.story.len())?;
        for line in self.story.iter().skip(skip) {
            writeln!(f, "  {line}")?;
        }
        Ok(())
    }
}

const LEASE: SignedDuration = SignedDuration::from_secs(10);
const POLL: SignedDuration = SignedDuration::from_mins(5);
const SWEEP: SignedDuration = SignedDuration::from_mins(40);
/// In peace polls that find nothing are of no interest, and sweeps are.
const PEACE_POLL: SignedDuration = SignedDuration::from_mins(10);
const PEACE_SWEEP: SignedDuration = SignedDuration::from_mins(20);

/// One life.
pub(super) struct Life {
    seed: u64,
    pub(super) world: World,
    rng: fastrand::Rng,
    pub(super) store: Store,
    pub(super) connection: ConnectionId,
    pub(super) settings: Settings,
    pub(super) plant: Plant,
    pub(super) report: Report,
    hooks: Hooks,
}

/// Lives the life of a seed in a new store at `url`.
///
/// # Errors
/// When a law is broken, or the store fails.
pub async fn live(seed: u64, url: &str, plant: Plant) -> Result<Report, Failure> {
    let start: Timestamp = Timestamp::from_second(1_767_225_600).unwrap_or(Timestamp::UNIX_EPOCH);
    let world = World::new(seed, start);
    let opened = open(url, &world.gate, start).await;
    let (store, connection) = match opened {
        Ok(opened) => opened,
        Err(error) => return Err(impossible(seed, &error.to_string(), Vec::new())),
    };
    {
        let mut worlds = world.lock();
        worlds.populate(start);
        worlds.populate_sales(start);
    }
    let rng = fastrand::Rng::with_seed(seed ^ 0x6c69_6665);
    let settings = settings(seed);
    let (report, hooks) = (Report::default(), Hooks::of(seed));
    let mut life = Life { seed, world, rng, store, connection, settings, plant, report, hooks };
    life.youth().await?;
    life.peace().await?;
    life.idleness().await?;
    Ok(life.report())
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
        let mut turns = self.rng.u32(20..60) + self.longer();
        while turns > 0 {
            let patience = self.rng.u32(1..400);
            self.world.gate.begin(Some(patience));
            let lived = self.process(&mut turns).await?;
            if !lived {
                self.report.deaths += 1;
                self.world.process_died();
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
            for _ in 0..self.rng.u32(..3) {
                let now = self.world.now();
                let mut worlds = self.world.lock();
                match self.rng.u32(..8) {
                    0..3 => worlds.edit_erp(now),
                    3..6 => worlds.edit_crm(now),
                    6 => worlds.edit_links(now),
                    _ => worlds.edit_relations(now),
                }
            }
            let lives = self.curious(&mut engine, &lease).await?
                && self.hooked(&mut engine).await?
                && self.sell().await?;
            if !lives {
                return Ok(false);
            }
            let nap = self.rng.i64(1..90);
            if !self.step(&mut engine, &lease, nap).await? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Now and then somebody looks at what would be done, or asks for everything to be looked at again. `false`: the
    /// process died.
    async fn curious(&mut self, engine: &mut Engine, lease: &Lease) -> Result<bool, Failure> {
        match self.rng.u32(..30) {
            0 => self.look(engine, lease).await,
            1 => {
                let since = self.world.now() - SignedDuration::from_mins(self.rng.i64(1..600));
                let again = if self.rng.bool() { Again::All } else { Again::From(since) };
                match self.world.gate.drive(engine.ask_again(again)).await {
                    None => Ok(false),
                    Some(Ok(())) => Ok(true),
                    Some(Err(error)) => Err(self.failure(&error.to_string())),
                }
            }
            _ => Ok(true),
        }
    }

    /// Webhooks come in, if this life has any. `false`: the process died.
    async fn hooked(&mut self, engine: &mut Engine) -> Result<bool, Failure> {
        let rows = self.hooks.come_in(&self.world.lock().orgs);
        if rows.is_empty() {
            return Ok(true);
        }
        let taken = self.store.put_hooks(self.connection, &rows, self.world.now());
        match self.world.gate.drive(taken).await {
            None => Ok(false),
            Some(Ok(())) => {
                engine.look_into_hooks();
                Ok(true)
            }
            Some(Err(error)) => Err(self.failure(&error.to_string())),
        }
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
            Some(Err(error)) => Err(self.failure(&error.to_string())),
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
        self.world.gate.begin(None);
        let Some(lease) = self.take().await? else {
            return Err(self.failure("the lease could not be taken in peace"));
        };
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
                return Err(self.failure("the engine never comes to rest"));
            }
        }
        self.check_agreement().await?;
        self.check_customers().await?;
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
        let broken = law_7_second_run_is_idle(writes, reads, if self.sells() { 4 } else { 3 });
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
        (writes as u64 + worlds.book.writes, worlds.reads)
    }

    async fn step_once(&mut self, engine: &mut Engine) -> Result<Option<Step>, Failure> {
        let now = self.world.now();
        match self.world.gate.drive(engine.step(now)).await {
            None => Ok(None),
            Some(Ok(step)) => Ok(Some(step)),
            Some(Err(error)) => Err(self.failure(&error.to_string())),
        }
    }

    /// A step, then time passes, then the laws. `false`: the process died.
    async fn step(&mut self, engine: &mut Engine, lease: &Lease, nap: i64) -> Result<bool, Failure> {
        let beat = self.world.gate.drive(lease.renew()).await;
        match beat {
            None => return Ok(false),
            Some(Err(error)) => return Err(self.failure(&error.to_string())),
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
                Some(Err(error)) => return Err(self.failure(&error.to_string())),
            }
            self.world.advance_to(self.world.now() + SignedDuration::from_secs(1));
        }
        Err(self.failure("a dead process's lease never expires"))
    }

    async fn release(&mut self, lease: Lease) -> Result<(), Failure> {
        match self.world.gate.drive(lease.release()).await {
            Some(Ok(())) => Ok(()),
            Some(Err(error)) => Err(self.failure(&error.to_string())),
            None => Err(self.failure("a process died in peace")),
        }
    }

    fn engine(&self, lease: &Lease) -> Engine {
        let erp: Arc<dyn Erp> = Arc::new(self.world.clone());
        let intents = (self.plant != Plant::NoIntent).then(|| (self.store.clone(), self.connection));
        let crm: Arc<dyn Crm> = Arc::new(CrmSeat { world: self.world.clone(), intents });
        let mut engine = Engine::new(Parts {
            store: self.store.clone(),
            lease: lease.clone(),
            erp,
            crm,
            clock: Arc::new(self.world.clock.clone()),
            watch: Arc::new(Silent),
            settings: self.settings.clone(),
            run: sync_core::ids::RunId(1),
            handing: self.handing(),
        });
        match self.plant {
            Plant::Nothing => {}
            Plant::NoIntent => engine.plant_no_intents(),
            Plant::NoErpIntent => engine.plant_no_erp_intents(),
        }
        engine
    }

    fn report(self) -> Report {
        let worlds = self.world.lock();
        let creates = worlds.created.len() as u64;
        Report {
            creates,
            updates: worlds.writes.len() as u64 - creates,
            reads: worlds.reads,
            pieces: worlds.book.met.clone(),
            story: worlds.story.clone(),
            ..self.report
        }
    }

    pub(super) fn broken(&self, violations: Vec<Violation>) -> Failure {
        Failure { seed: self.seed, violations, story: self.world.lock().story.clone() }
    }

    pub(super) fn failure(&self, what: &str) -> Failure {
        impossible(self.seed, what, self.world.lock().story.clone())
    }
}

fn impossible(seed: u64, what: &str, story: Vec<String>) -> Failure {
    Failure { seed, violations: vec![Violation { law: 0, story: what.to_owned() }], story }
}
