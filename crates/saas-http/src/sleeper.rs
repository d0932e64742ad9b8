//! Who waits, and how: really, or on a clock that tests move.

use async_trait::async_trait;
use jiff::SignedDuration;
use sync_core::ports::{Clock, ManualClock};

/// Lets time pass for those who must wait for a burst slot.
#[async_trait]
pub trait Sleeper: Send + Sync {
    /// Returns when `wait` has passed on the clock that belongs to it.
    async fn sleep(&self, wait: SignedDuration);
}

/// Really sleeps.
#[derive(Debug, Clone, Copy, Default)]
pub struct TokioSleeper;

#[async_trait]
impl Sleeper for TokioSleeper {
    #[expect(clippy::disallowed_methods, reason = "the one sleep behind every pacer")]
    async fn sleep(&self, wait: SignedDuration) {
        tokio::time::sleep(wait.unsigned_abs()).await;
    }
}

/// Moves a manual clock on instead of sleeping, as if nothing else happened meanwhile.
#[derive(Debug, Clone)]
pub struct VirtualSleeper(ManualClock);

impl VirtualSleeper {
    /// A sleeper of this clock.
    #[must_use]
    pub fn of(clock: ManualClock) -> Self {
        Self(clock)
    }
}

#[async_trait]
impl Sleeper for VirtualSleeper {
    async fn sleep(&self, wait: SignedDuration) {
        self.0.advance_to(self.0.now() + wait);
        tokio::task::yield_now().await;
    }
}
