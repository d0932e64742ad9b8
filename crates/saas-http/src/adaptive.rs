//! Concurrency that adapts: for systems without published rates (oracle-fusion.md 4.9).
//!
//! Additive increase while answers come well, multiplicative decrease on 429, 503, lost answers and rising latency;
//! at most once per round of requests, because one overload is told by all that were under way. Above one request at
//! a time, the last place is kept for urgent calls.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use sync_core::{
    budget::Class,
    error::{CallError, ErrorKind},
    ports::{Called, Clock},
};
use tokio::sync::Notify;

use crate::{Gate, Heard, Need, Pass, Slot};

/// A limit of requests at a time that finds its own height.
pub struct Adaptive {
    shared: Arc<Shared>,
}

struct Shared {
    state: Mutex<State>,
    freed: Notify,
    clock: Arc<dyn Clock>,
}

#[derive(Debug)]
struct State {
    /// Between 1 and `most`; its whole part counts.
    limit: f64,
    most: f64,
    under_way: usize,
    /// Grows with every request; a decrease counts only for requests younger than the last one.
    sent: u64,
    decreased_at: u64,
    /// Smoothed time of an answer, in milliseconds.
    usual_ms: Option<f64>,
    waiting: BTreeMap<Class, usize>,
    closed_until: SignedDuration,
}

/// One request under way.
pub struct Running {
    shared: Arc<Shared>,
    number: u64,
}

/// Answers this many times slower than usual are a sign of overload.
const SLOW: f64 = 4.0;

/// Answers faster than this say nothing about load, however they compare.
const QUICK_MS: f64 = 2_000.0;

impl Adaptive {
    /// At most `most` requests at a time (at least one), beginning with two.
    pub fn new(most: usize, clock: Arc<dyn Clock>) -> Self {
        let most = f64::from(u32::try_from(most.max(1)).unwrap_or(u32::MAX));
        let state = State {
            limit: most.min(2.0),
            most,
            under_way: 0,
            sent: 0,
            decreased_at: 0,
            usual_ms: None,
            waiting: BTreeMap::new(),
            closed_until: SignedDuration::ZERO,
        };
        Self { shared: Arc::new(Shared { state: Mutex::new(state), freed: Notify::new(), clock }) }
    }

    /// How many requests may be under way now.
    #[must_use]
    pub fn limit(&self) -> usize {
        self.shared.lock().places()
    }
}

#[async_trait]
impl Gate for Adaptive {
    async fn admit(&self, need: Need, pass: Pass) -> Called<Slot> {
        let class = pass.class();
        let mut waiter = Waiter { shared: &self.shared, class, counted: false };
        loop {
            let freed = self.shared.freed.notified();
            {
                let mut state = self.shared.lock();
                let now = self.shared.clock.monotonic();
                if state.closed_until > now {
                    let after = Some(state.closed_until - now);
                    let message = "the remote system asked to be left alone";
                    return Err(CallError::without_effect(
                        need.call,
                        ErrorKind::Transient { after },
                        message,
                    ));
                }
                if state.admits(class) {
                    state.under_way += 1;
                    state.sent += 1;
                    let number = state.sent;
                    drop(state);
                    return Ok(Slot::Running(Running { shared: Arc::clone(&self.shared), number }));
                }
                if !waiter.counted {
                    *state.waiting.entry(class).or_default() += 1;
                    waiter.counted = true;
                }
            }
            freed.await;
        }
    }

    async fn left(&self, _: u64) {}

    async fn exhausted(&self, _: Timestamp) {}

    async fn heard(&self, _: Need, _: Class, slot: &Slot, heard: Heard) {
        let Slot::Running(running) = slot else { return };
        let now = self.shared.clock.monotonic();
        let mut state = self.shared.lock();
        match heard {
            Heard::Answered { took } => state.answered(running.number, took),
            Heard::Lost => state.decrease(running.number),
            Heard::Overloaded { after } => {
                state.decrease(running.number);
                state.close(now, after);
            }
            Heard::Blocked { after } => state.close(now, Some(after)),
            Heard::Unsent | Heard::Refused => {}
        }
        drop(state);
        self.shared.freed.notify_waiters();
    }
}

impl State {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "between 1 and a number of requests at a time"
    )]
    fn places(&self) -> usize {
        self.limit as usize
    }

    /// The last place is for urgent calls, if there is more than one; and nobody overtakes who is more urgent.
    fn admits(&self, class: Class) -> bool {
        let places = self.places();
        let mine = if class == Class::Urgent || places == 1 { places } else { places - 1 };
        self.under_way < mine && self.waiting.range(..class).all(|(_, count)| *count == 0)
    }

    fn answered(&mut self, number: u64, took: SignedDuration) {
        let ms = took.as_secs_f64() * 1_000.0;
        let usual = self.usual_ms.unwrap_or(ms);
        self.usual_ms = Some(usual * 0.9 + ms * 0.1);
        if ms > QUICK_MS && ms > usual * SLOW {
            self.decrease(number);
        } else {
            // One more place after a whole round of good answers.
            self.limit = (self.limit + 1.0 / self.limit).min(self.most);
        }
    }

    fn decrease(&mut self, number: u64) {
        if number > self.decreased_at {
            self.limit = (self.limit / 2.0).max(1.0);
            self.decreased_at = self.sent;
        }
    }

    fn close(&mut self, now: SignedDuration, after: Option<SignedDuration>) {
        if let Some(after) = after {
            self.closed_until = self.closed_until.max(now + after);
        }
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Somebody who waits; no longer counted when gone.
struct Waiter<'a> {
    shared: &'a Shared,
    class: Class,
    counted: bool,
}

impl Drop for Waiter<'_> {
    fn drop(&mut self) {
        if self.counted {
            let mut state = self.shared.lock();
            if let Some(count) = state.waiting.get_mut(&self.class) {
                *count = count.saturating_sub(1);
            }
            drop(state);
            self.shared.freed.notify_waiters();
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let mut state = self.shared.lock();
        state.under_way = state.under_way.saturating_sub(1);
        drop(state);
        self.shared.freed.notify_waiters();
    }
}

impl std::fmt::Debug for Running {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Running").field("number", &self.number).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt as _;
    use sync_core::ports::ManualClock;

    use super::*;

    const NEED: Need = Need { call: "test", tokens: 0, search: false };

    fn gate(most: usize) -> (Adaptive, ManualClock) {
        let clock = ManualClock::at("2026-11-24T12:00:00Z".parse().unwrap());
        (Adaptive::new(most, Arc::new(clock.clone())), clock)
    }

    fn enter(gate: &Adaptive, class: Class) -> Option<Called<Slot>> {
        gate.admit(NEED, Pass::Class(class)).now_or_never()
    }

    async fn exchange(gate: &Adaptive, heard: Heard) {
        let slot = gate.admit(NEED, Pass::Class(Class::Urgent)).await.unwrap();
        gate.heard(NEED, Class::Urgent, &slot, heard).await;
    }

    fn well() -> Heard {
        Heard::Answered { took: SignedDuration::from_millis(300) }
    }

    #[tokio::test]
    async fn it_grows_by_one_a_round_up_to_its_most() {
        let (gate, _) = gate(4);
        let mut limits = Vec::new();
        for _ in 0..12 {
            exchange(&gate, well()).await;
            limits.push(gate.limit());
        }
        assert_eq!(limits, [2, 2, 3, 3, 3, 4, 4, 4, 4, 4, 4, 4]);
    }

    #[tokio::test]
    async fn overload_halves_it_once_for_all_that_were_under_way() {
        let (gate, clock) = gate(8);
        for _ in 0..60 {
            exchange(&gate, well()).await;
        }
        let mut slots = Vec::new();
        for _ in 0..8 {
            slots.push(gate.admit(NEED, Pass::Class(Class::Urgent)).await.unwrap());
        }
        for slot in &slots {
            gate.heard(NEED, Class::Urgent, slot, Heard::Overloaded { after: None }).await;
        }
        assert_eq!(gate.limit(), 4);
        drop(slots);
        exchange(&gate, Heard::Overloaded { after: Some(SignedDuration::from_secs(30)) }).await;
        assert_eq!(gate.limit(), 2);
        let refused = enter(&gate, Class::Urgent).unwrap().unwrap_err();
        assert_eq!(refused.kind, ErrorKind::Transient { after: Some(SignedDuration::from_secs(30)) });
        clock.advance(SignedDuration::from_secs(30));
        assert!(enter(&gate, Class::Urgent).unwrap().is_ok());
    }

    #[tokio::test]
    async fn answers_much_slower_than_usual_are_overload_too() {
        let (gate, _) = gate(8);
        for _ in 0..60 {
            exchange(&gate, Heard::Answered { took: SignedDuration::from_secs(1) }).await;
        }
        exchange(&gate, Heard::Answered { took: SignedDuration::from_secs(3) }).await;
        assert_eq!(gate.limit(), 8, "heavy pages take three to seven seconds");
        exchange(&gate, Heard::Answered { took: SignedDuration::from_secs(9) }).await;
        assert_eq!(gate.limit(), 4);
        exchange(&gate, Heard::Lost).await;
        assert_eq!(gate.limit(), 2);
    }

    #[tokio::test]
    async fn the_last_place_is_for_urgent_calls_and_they_are_served_first() {
        let (gate, _) = gate(2);
        let backfill = enter(&gate, Class::Backfill).unwrap().unwrap();
        assert!(enter(&gate, Class::NewCustomer).is_none());
        let urgent = enter(&gate, Class::Urgent).unwrap().unwrap();
        let mut edit = Box::pin(gate.admit(NEED, Pass::Class(Class::Edit)));
        assert!(edit.as_mut().now_or_never().is_none());
        let mut late = Box::pin(gate.admit(NEED, Pass::Class(Class::Urgent)));
        assert!(late.as_mut().now_or_never().is_none());
        drop(backfill);
        assert!(edit.as_mut().now_or_never().is_none(), "somebody more urgent waits");
        assert!(late.as_mut().now_or_never().is_some());
        drop((urgent, late));
        assert!(edit.as_mut().now_or_never().is_some());
    }
}
