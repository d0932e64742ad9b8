//! What is urgent while something else is on its way: a won deal waits for no write that was sent and for no page that was
//! asked for.
//!
//! There is one loop, and it stays one. Whoever waits for an answer listens to the bell meanwhile, and does then what a step
//! would begin with: deals that webhooks told of, and handovers. The answers that come in the meantime are kept, and the calls
//! go on all the while (they may hold what the store waits for). What was decided before is not written after: `apply`
//! compares the keys with the queue again once anybody was attended to, and whoever is concerned was put there.

use std::{future::Future, pin::Pin, sync::Arc};

use crate::{Bell, Engine, EngineError};

/// Handovers looked at in a row before answers that came meanwhile are stored.
const MOST_AT_ONCE: usize = 8;

/// Keys that are looked at in one go where somebody may ring: nobody is listened to while they are compared with what is staged.
const MOST_KEYS: u32 = 64;

/// Records that are staged in one go where somebody may ring: what they are searched by later takes longer to write than they do.
const MOST_RECORDS: usize = 64;

/// What is remembered of who rang.
#[derive(Default, Clone, Copy)]
pub(crate) struct Attention {
    /// Whether somebody listens: in steps alone, not while a person only looks.
    listens: bool,
    /// Rings up to this one were attended to.
    heard: u64,
    /// Whether somebody is attended to just now: nobody interrupts that.
    busy: bool,
    /// How often something was done for somebody who rang.
    times: u64,
}

impl Attention {
    /// A mark by which one can tell whether anybody was attended to since.
    pub(crate) fn mark(&self) -> u64 {
        self.times
    }

    pub(crate) fn listen(&mut self, listens: bool) {
        self.listens = listens;
    }

    /// Whether this is done for somebody who rang, while something else is on its way.
    pub(crate) fn is_busy(&self) -> bool {
        self.busy
    }
}

impl Engine {
    /// Returns when somebody rings who was not attended to; never where nobody is listened to.
    pub(crate) async fn rung(&self) {
        match self.open_ear() {
            Some(bell) => bell.heard_after(self.attention.heard).await,
            None => std::future::pending().await,
        }
    }

    /// Whether somebody rang who was not attended to.
    pub(crate) fn is_rung(&self) -> bool {
        self.open_ear().is_some_and(|bell| bell.rings() > self.attention.heard)
    }

    /// The bell, if whoever rings it can be attended to now.
    fn open_ear(&self) -> Option<&Arc<Bell>> {
        let Attention { listens, busy, .. } = self.attention;
        self.bell.as_ref().filter(|_| listens && !busy && self.handing.is_some())
    }

    /// How many records of a page are staged in one go.
    pub(crate) fn part(&self) -> usize {
        if self.open_ear().is_some() { MOST_RECORDS.min(self.settings.batch as usize) } else { usize::MAX }
    }

    /// How many keys are looked at in one go.
    pub(crate) fn batch(&self) -> u32 {
        if self.open_ear().is_some() { self.settings.batch.min(MOST_KEYS) } else { self.settings.batch }
    }

    /// Waits for an answer; attends to whoever rings meanwhile.
    pub(crate) async fn meanwhile<F: Future + Send>(&mut self, call: F) -> Result<F::Output, EngineError>
    where
        F::Output: Send,
    {
        let mut call = std::pin::pin!(call);
        loop {
            tokio::select! {
                biased;
                answer = &mut call => return Ok(answer),
                () = self.rung() => {}
            }
            let mut answer = None;
            self.attend_beside(async { answer = Some((&mut call).await) }).await?;
            if let Some(answer) = answer {
                return Ok(answer);
            }
        }
    }

    /// Attends to whoever rang; `others` goes on meanwhile, and may be left unfinished.
    pub(crate) async fn attend_beside(
        &mut self,
        others: impl Future<Output = ()> + Send,
    ) -> Result<(), EngineError> {
        let mut others = std::pin::pin!(others);
        let mut attending = self.attend();
        let mut going_on = true;
        loop {
            tokio::select! {
                biased;
                attended = &mut attending => return attended,
                () = &mut others, if going_on => going_on = false,
            }
        }
    }

    /// Does what is urgent. A type of its own, because it may come back to where it was called from.
    pub(crate) fn attend(&mut self) -> Pin<Box<dyn Future<Output = Result<(), EngineError>> + Send + '_>> {
        Box::pin(async move {
            let Some(bell) = self.open_ear().cloned() else { return Ok(()) };
            let ring = bell.rings();
            self.deals_checked = false;
            self.attention.busy = true;
            let done = self.do_urgent().await;
            self.attention.busy = false;
            if done? {
                self.attention.heard = ring;
            }
            Ok(())
        })
    }

    /// Tells whether nothing urgent is left.
    async fn do_urgent(&mut self) -> Result<bool, EngineError> {
        for _ in 0..MOST_AT_ONCE {
            let now = self.clock.now();
            if !self.read_hooked_deals(now).await? && !self.hand_over(now).await? {
                return Ok(true);
            }
            self.attention.times += 1;
        }
        Ok(false)
    }
}
