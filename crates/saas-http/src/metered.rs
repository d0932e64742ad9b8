//! The gate of a system with a daily budget and burst windows (pipedrive.md 3).

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use sync_core::{
    budget::{BURST_WINDOW, Class},
    error::{CallError, ErrorKind},
    ports::{Called, Clock, Permit, Spend, SpendError},
};
use tokio::sync::OnceCell;

use crate::{Gate, Heard, Need, Pacer, Pass, Slot};

/// A pause up to this long is waited for where the request is; a longer one is the engine's to plan around.
const WORTH_WAITING: SignedDuration = SignedDuration::from_secs(5);

/// Pays every request from the ledger and takes a place in the windows, in the opposite order: a place can be
/// given back, tokens cannot.
pub struct Metered {
    pacer: Pacer,
    spend: Arc<dyn Spend>,
    clock: Arc<dyn Clock>,
    /// What the operator allows at most, whatever the remote system says.
    ceiling: u32,
    /// Whether the window that an earlier process may have filled was waited for.
    warmed_up: OnceCell<()>,
    /// What answers said is left of the budget, as long as nobody came to note it.
    said: Mutex<Said>,
}

/// What is left of the budget, by what answers say.
#[derive(Default)]
struct Said {
    /// Whether somebody is noting it: who comes meanwhile leaves what it heard and goes on.
    noting: bool,
    /// The least that was heard since.
    least: Option<u64>,
}

impl Metered {
    /// Permits are given for at most one second's worth of the pacer's window. `ceiling`: the most that a window
    /// may hold even if the remote system allows more.
    pub fn new(pacer: Pacer, ceiling: Option<u32>, spend: Arc<dyn Spend>, clock: Arc<dyn Clock>) -> Self {
        let ceiling = ceiling.unwrap_or(u32::MAX);
        Self { pacer, spend, clock, ceiling, warmed_up: OnceCell::new(), said: Mutex::default() }
    }

    fn most_permits(&self) -> usize {
        (self.pacer.limit() / 2).max(1)
    }

    /// Up to `wanted` permits of `each` tokens; at least one, unless the budget is used up.
    ///
    /// # Errors
    /// [`ErrorKind::Exhausted`] when the class may spend nothing now; transient when the ledger cannot be used.
    pub async fn permits(
        &self,
        call: &'static str,
        class: Class,
        each: u32,
        wanted: usize,
    ) -> Called<Vec<Permit>> {
        if wanted == 0 {
            return Ok(Vec::new());
        }
        self.warm_up(call).await?;
        self.open(call)?;
        let places = self.pacer.promise(class, wanted.min(self.most_permits())).await;
        let paid = self.pay(call, class, each, places).await;
        let granted = paid.as_ref().copied().unwrap_or(0).min(places);
        self.pacer.withdraw(places - granted);
        paid?;
        Ok((0..granted).map(|_| Permit::paid(class, each)).collect())
    }

    /// Waits until a write of this class would not have to wait; takes nothing.
    pub async fn room(&self, class: Class) {
        self.pacer.room(class).await;
    }

    /// Before the first request: what an earlier process sent is still in the window.
    async fn warm_up(&self, call: &'static str) -> Called<()> {
        let looking = self.warmed_up.get_or_try_init(|| async {
            let now = self.clock.now();
            if let Some(last) = self.spend.last_spent(now).await? {
                let left = BURST_WINDOW - now.duration_since(last);
                if left > SignedDuration::ZERO {
                    // A clock that was set back must not keep us waiting for long.
                    self.pacer.close(left.min(BURST_WINDOW));
                }
            }
            Ok(())
        });
        looking.await.map(|_| ()).map_err(|error| unusable(call, &error))
    }

    /// Takes back permits that will not be used.
    pub async fn give_back(&self, permits: Vec<Permit>) {
        self.pacer.withdraw(permits.len());
        let mut by_price: BTreeMap<(Class, u32), u32> = BTreeMap::new();
        for permit in permits {
            *by_price.entry((permit.class(), permit.tokens())).or_default() += 1;
        }
        for ((class, each), count) in by_price {
            if let Err(error) = self.spend.refund(class, each, count, self.clock.now()).await {
                tracing::warn!(%error, "tokens of unused permits stay booked");
            }
        }
    }

    /// Refuses while the remote system has shut us out; a pause of a few windows is waited for instead.
    fn open(&self, call: &'static str) -> Called<()> {
        match self.pacer.closed_for() {
            Some(after) if after > WORTH_WAITING => {
                let kind = ErrorKind::Transient { after: Some(after) };
                Err(CallError::without_effect(call, kind, "the remote system asked to be left alone"))
            }
            Some(_) | None => Ok(()),
        }
    }

    /// Keeps what an answer said; tells whether whoever heard it has to note it.
    fn heard_left(&self, remaining: u64) -> bool {
        let mut said = lock(&self.said);
        said.least = Some(said.least.map_or(remaining, |least| least.min(remaining)));
        !std::mem::replace(&mut said.noting, true)
    }

    /// Pays for up to `count` calls; at least one or an error.
    async fn pay(&self, call: &'static str, class: Class, each: u32, count: usize) -> Called<usize> {
        let count = u32::try_from(count).unwrap_or(u32::MAX);
        let grant = self.spend.reserve(class, each, count, self.clock.now()).await;
        let grant = grant.map_err(|error| unusable(call, &error))?;
        if grant.granted == 0 {
            let kind = ErrorKind::Exhausted { until: grant.retry_at };
            return Err(CallError::without_effect(call, kind, "today's token budget is used up"));
        }
        Ok(usize::try_from(grant.granted).unwrap_or(usize::MAX))
    }
}

/// Whoever notes what is left. Broken off, what was heard waits for the next answer.
struct Noting<'a> {
    said: &'a Mutex<Said>,
    ended: bool,
}

impl Noting<'_> {
    /// What is to be noted next; after the last of it nobody notes any more.
    fn next(&mut self) -> Option<u64> {
        let mut said = lock(self.said);
        let least = said.least.take();
        self.ended = least.is_none();
        said.noting = !self.ended;
        least
    }
}

impl Drop for Noting<'_> {
    fn drop(&mut self) {
        if !self.ended {
            lock(self.said).noting = false;
        }
    }
}

fn lock(said: &Mutex<Said>) -> MutexGuard<'_, Said> {
    said.lock().unwrap_or_else(PoisonError::into_inner)
}

#[async_trait]
impl Gate for Metered {
    async fn admit(&self, need: Need, pass: Pass) -> Called<Slot> {
        self.warm_up(need.call).await?;
        if let Err(closed) = self.open(need.call) {
            if let Pass::Permit(permit) = pass {
                let slot = Slot::Paced(self.pacer.redeem(permit.class()).await);
                self.heard(need, permit.class(), &slot, Heard::Unsent).await;
            }
            return Err(closed);
        }
        let held = match pass {
            Pass::Permit(permit) => self.pacer.redeem(permit.class()).await,
            Pass::Class(class) => {
                let held = self.pacer.slot(class, need.search).await;
                if need.tokens > 0 {
                    self.pay(need.call, class, need.tokens, 1).await?;
                }
                held
            }
        };
        Ok(Slot::Paced(held))
    }

    /// Many answers come at once, and each note is a transaction for which all others wait: one answer notes for all.
    async fn left(&self, remaining: u64) {
        if !self.heard_left(remaining) {
            return;
        }
        let mut noting = Noting { said: &self.said, ended: false };
        while let Some(least) = noting.next() {
            if let Err(error) = self.spend.correct(least, self.clock.now()).await {
                tracing::warn!(%error, "what is left of the budget could not be noted");
            }
        }
    }

    fn window(&self, limit: u32) {
        let limit = limit.min(self.ceiling);
        let before = self.pacer.limit();
        if limit > 0 && usize::try_from(limit).is_ok_and(|limit| limit != before) {
            tracing::warn!(before, limit, "the remote system counts other burst windows than its plan has");
            self.pacer.set_limit(limit);
        }
    }

    async fn heard(&self, need: Need, class: Class, _: &Slot, heard: Heard) {
        match heard {
            // Tokens of a request that never left are given back; those of an unanswered one may be charged.
            Heard::Unsent if need.tokens > 0 => {
                let refunded = self.spend.refund(class, need.tokens, 1, self.clock.now()).await;
                if let Err(error) = refunded {
                    tracing::warn!(%error, "tokens of a request that never left stay booked");
                }
            }
            Heard::Overloaded { after: Some(after) } | Heard::Blocked { after } => self.pacer.close(after),
            Heard::Overloaded { after: None }
            | Heard::Unsent
            | Heard::Answered { .. }
            | Heard::Refused
            | Heard::Lost => {}
        }
    }

    async fn exhausted(&self, until: Timestamp) {
        if let Err(error) = self.spend.exhausted(until, self.clock.now()).await {
            tracing::warn!(%error, "that the budget is used up could not be noted");
        }
    }
}

fn unusable(call: &'static str, error: &SpendError) -> CallError {
    CallError::without_effect(call, ErrorKind::Transient { after: None }, error.to_string())
}

#[cfg(test)]
mod tests {
    use sync_core::ports::{Grant, ManualClock};
    use tokio::sync::Semaphore;

    use super::*;
    use crate::VirtualSleeper;

    /// A ledger that notes what is left only when it is let.
    struct Slow {
        let_through: Semaphore,
        noted: Mutex<Vec<u64>>,
    }

    #[async_trait]
    impl Spend for Slow {
        async fn reserve(&self, _: Class, _: u32, count: u32, now: Timestamp) -> Result<Grant, SpendError> {
            Ok(Grant { granted: count, retry_at: now })
        }

        async fn correct(&self, remaining: u64, _: Timestamp) -> Result<(), SpendError> {
            self.let_through.acquire().await.unwrap().forget();
            self.noted.lock().unwrap().push(remaining);
            Ok(())
        }

        async fn last_spent(&self, _: Timestamp) -> Result<Option<Timestamp>, SpendError> {
            Ok(None)
        }

        async fn refund(&self, _: Class, _: u32, _: u32, _: Timestamp) -> Result<(), SpendError> {
            Ok(())
        }

        async fn exhausted(&self, _: Timestamp, _: Timestamp) -> Result<(), SpendError> {
            Ok(())
        }
    }

    #[tokio::test]
    async fn one_answer_notes_for_all_what_is_left() {
        let clock = ManualClock::at("2026-11-24T12:00:00Z".parse().unwrap());
        let sleeper = Arc::new(VirtualSleeper::of(clock.clone()));
        let pacer = Pacer::new(20, 10, Arc::new(clock.clone()), sleeper);
        let slow = Arc::new(Slow { let_through: Semaphore::new(0), noted: Mutex::default() });
        let metered = Metered::new(pacer, None, Arc::clone(&slow) as _, Arc::new(clock));
        let mut first = Box::pin(metered.left(100));
        assert!(futures::poll!(first.as_mut()).is_pending());
        for left in [70, 95, 60, 80] {
            let mut other = Box::pin(metered.left(left));
            assert!(futures::poll!(other.as_mut()).is_ready(), "it does not wait for the one that notes");
        }
        slow.let_through.add_permits(9);
        first.await;
        assert_eq!(*slow.noted.lock().unwrap(), [100, 60], "the least of what came meanwhile");

        // Whoever is broken off leaves it to the next one.
        slow.let_through.forget_permits(9);
        let mut broken = Box::pin(metered.left(50));
        assert!(futures::poll!(broken.as_mut()).is_pending());
        drop(broken);
        slow.let_through.add_permits(1);
        metered.left(40).await;
        assert_eq!(slow.noted.lock().unwrap().last(), Some(&40));
    }
}
