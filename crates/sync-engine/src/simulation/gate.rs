//! The gate: everything that reaches out waits here and is released one at a time, in an order the seed decides.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, BTreeSet},
    future::{Future, poll_fn},
    pin::Pin,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicI32, Ordering},
    },
    task::{Context, Poll, Waker},
};

use async_trait::async_trait;

use crate::Bell;

/// One of so many whom the gate lets through is heard by the bell, too.
const RINGS_ONE_IN: u32 = 6;

/// The gate of one simulation. Clones share it.
#[derive(Clone)]
pub struct SeededGate {
    state: Arc<Mutex<State>>,
    busy: Arc<AtomicI32>,
}

struct State {
    rng: fastrand::Rng,
    next_ticket: u64,
    /// How many were released.
    released_so_far: u64,
    waiting: BTreeMap<u64, Waiting>,
    /// Let through but not polled yet: the engine may be busy with something else that waited here.
    released: BTreeSet<u64>,
    /// Gates to pass until the process dies.
    dies_after: Option<u32>,
    dead: bool,
    last_point: &'static str,
    commits: u64,
    /// Who rings while others are on their way.
    ringer: Option<Ringer>,
}

/// Rings now and then when somebody is let through.
struct Ringer {
    bell: Arc<Bell>,
    rng: fastrand::Rng,
    /// It has yet to ring: not while the database commits, or whether whoever is called sees what is committed would be a race.
    owes: bool,
}

/// Somebody who waits to be let through.
struct Waiting {
    point: &'static str,
    /// How many were released before it came.
    after: u64,
    waker: Option<Waker>,
}

/// Those who waited at the gate when their process froze.
pub(crate) struct Frozen(BTreeMap<u64, Waiting>);

/// When a process freezes.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Freeze {
    /// After so many gates.
    After(u32),
    /// Where it comes to such a gate.
    At(&'static str),
}

impl Freeze {
    fn later(self) -> Self {
        match self {
            Self::After(left) => Self::After(left.saturating_sub(1)),
            Self::At(_) => self,
        }
    }
}

/// How driving a future ended.
pub(crate) enum Driven<T> {
    /// It is done.
    Done(T),
    /// The process died.
    Died,
    /// The process froze; it can be thawed.
    Froze(Frozen),
}

impl SeededGate {
    /// A gate whose dice come from `seed`.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        let state = State {
            rng: fastrand::Rng::with_seed(seed),
            next_ticket: 0,
            released_so_far: 0,
            waiting: BTreeMap::new(),
            released: BTreeSet::new(),
            dies_after: None,
            dead: false,
            last_point: "start",
            commits: 0,
            ringer: None,
        };
        Self { state: Arc::new(Mutex::new(state)), busy: Arc::new(AtomicI32::new(0)) }
    }

    /// A new process begins; it will die after that many gates.
    pub fn begin(&self, dies_after: Option<u32>) {
        let mut state = self.lock();
        state.waiting.clear();
        state.released.clear();
        state.dead = false;
        state.dies_after = dies_after;
        self.busy.store(0, Ordering::SeqCst);
    }

    /// From now on this bell rings now and then while others are on their way.
    pub(crate) fn has_ring(&self, bell: Arc<Bell>, seed: u64) {
        let rng = fastrand::Rng::with_seed(seed ^ 0x6265_6c6c);
        self.lock().ringer = Some(Ringer { bell, rng, owes: false });
    }

    /// Where the process passed last.
    #[must_use]
    pub fn last_point(&self) -> &'static str {
        self.lock().last_point
    }

    /// How many transactions were let through to be committed.
    #[must_use]
    pub fn commits(&self) -> u64 {
        self.lock().commits
    }

    /// Drives a future, releasing what waits at the gate whenever the database is at rest. `None`: the process died.
    pub fn drive<'a, F: Future + 'a>(
        &'a self,
        future: F,
    ) -> impl Future<Output = Option<F::Output>> + use<'a, F> {
        // Boxed before it is a part of anything: a step is large, and whoever holds one would be, too.
        let mut future = Box::pin(future);
        async move {
            match self.drive_until(&mut future.as_mut(), None).await {
                Driven::Done(output) => Some(output),
                Driven::Died | Driven::Froze(_) => None,
            }
        }
    }

    /// The same, but then the process freezes, as soon as it holds nothing of the database and is not about
    /// to send: what it does not do within T_effect of looking at its lease is outside of what is assumed.
    pub(crate) async fn drive_until<F: Future + ?Sized>(
        &self,
        future: &mut Pin<&mut F>,
        mut freezes: Option<Freeze>,
    ) -> Driven<F::Output> {
        poll_fn(|cx| {
            loop {
                if let Poll::Ready(output) = future.as_mut().poll(cx) {
                    return Poll::Ready(Driven::Done(output));
                }
                if self.busy.load(Ordering::SeqCst) > 0 {
                    return if self.lock().dead { Poll::Ready(Driven::Died) } else { Poll::Pending };
                }
                if freezes.is_some_and(|freeze| self.is_time(freeze))
                    && let Some(frozen) = self.freeze()
                {
                    return Poll::Ready(Driven::Froze(frozen));
                }
                freezes = freezes.map(Freeze::later);
                let released = self.release_one();
                match (self.lock().dead, released) {
                    (true, _) => return Poll::Ready(Driven::Died),
                    (false, true) => {}
                    (false, false) => return Poll::Pending,
                }
            }
        })
        .await
    }

    fn is_time(&self, freeze: Freeze) -> bool {
        match freeze {
            Freeze::After(left) => left == 0,
            Freeze::At(point) => self.lock().waiting.values().any(|waiting| waiting.point == point),
        }
    }

    fn freeze(&self) -> Option<Frozen> {
        let mut state = self.lock();
        let at_rest = |point: &str| point != "commit.before" && !point.ends_with(".send");
        let can = !state.waiting.is_empty() && state.waiting.values().all(|waiting| at_rest(waiting.point));
        can.then(|| Frozen(std::mem::take(&mut state.waiting)))
    }

    /// Those who were frozen wait at the gate again.
    pub(crate) fn thaw(&self, frozen: Frozen) {
        self.lock().waiting.extend(frozen.0);
    }

    /// Waits to be released.
    pub async fn enter(&self, point: &'static str) {
        let ticket = {
            let mut state = self.lock();
            state.next_ticket += 1;
            let ticket = state.next_ticket;
            let after = state.released_so_far;
            state.waiting.insert(ticket, Waiting { point, after, waker: None });
            ticket
        };
        poll_fn(|cx| self.poll_ticket(ticket, cx)).await;
        let mut state = self.lock();
        state.commits += u64::from(point == "commit.before");
        state.last_point = point;
    }

    fn poll_ticket(&self, ticket: u64, cx: &Context<'_>) -> Poll<()> {
        let mut state = self.lock();
        if state.released.remove(&ticket) {
            return Poll::Ready(());
        }
        if let Some(waiting) = state.waiting.get_mut(&ticket) {
            waiting.waker = Some(cx.waker().clone());
        }
        Poll::Pending
    }

    /// Releases one of those who wait, or kills the process instead. Tells whether anybody waited.
    fn release_one(&self) -> bool {
        let mut state = self.lock();
        if state.waiting.is_empty() {
            return false;
        }
        if let Some(left) = &mut state.dies_after {
            if *left == 0 {
                state.dead = true;
                return true;
            }
            *left -= 1;
        }
        // Who of those who came since the last release was quicker is not for the seed to decide: two may have asked the database.
        let mut order: Vec<(u64, Reverse<&str>, u64)> = state
            .waiting
            .iter()
            .map(|(ticket, waiting)| (waiting.after, Reverse(waiting.point), *ticket))
            .collect();
        order.sort_unstable();
        let chosen = state.rng.usize(..order.len());
        let ticket = order.get(chosen).map(|(.., ticket)| *ticket);
        state.released_so_far += 1;
        if let Some(ticket) = ticket {
            state.released.insert(ticket);
            let commits = state.waiting.get(&ticket).is_some_and(|waiting| waiting.point == "commit.before");
            if let Some(Ringer { bell, rng, owes }) = &mut state.ringer {
                *owes |= rng.u32(..RINGS_ONE_IN) == 0;
                if *owes && !commits {
                    *owes = false;
                    bell.ring();
                }
            }
            if let Some(waker) = state.waiting.remove(&ticket).and_then(|waiting| waiting.waker) {
                drop(state);
                waker.wake();
            }
        }
        true
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl sync_store::Gate for SeededGate {
    async fn pass(&self, point: &'static str) {
        self.enter(point).await;
    }

    fn busy(&self, delta: i32) {
        self.busy.fetch_add(delta, Ordering::SeqCst);
    }
}
