//! The time of the simulated world.

use std::sync::{Arc, Mutex, PoisonError};

use jiff::{SignedDuration, Timestamp};

/// The clock of a simulator: the system's, or one that only moves when told to. Clones share it.
#[derive(Clone, Debug)]
pub struct SimClock {
    fixed: Option<Timestamp>,
    /// What was added by [`SimClock::advance`].
    shift: Arc<Mutex<SignedDuration>>,
}

impl SimClock {
    /// A clock that follows the system's.
    pub fn system() -> Self {
        Self { fixed: None, shift: Arc::default() }
    }

    /// A clock that stands still at `start` until it is advanced.
    pub fn at(start: Timestamp) -> Self {
        Self { fixed: Some(start), shift: Arc::default() }
    }

    /// The time in the simulated world.
    pub fn now(&self) -> Timestamp {
        let shift = *self.shift.lock().unwrap_or_else(PoisonError::into_inner);
        let base = self.fixed.unwrap_or_else(system_now);
        base.checked_add(shift).unwrap_or(base)
    }

    /// Moves the clock; also a system clock can be moved ahead.
    pub fn advance(&self, by: SignedDuration) {
        let mut shift = self.shift.lock().unwrap_or_else(PoisonError::into_inner);
        *shift = shift.saturating_add(by);
    }

    /// Whether the clock stands still by itself.
    pub fn is_virtual(&self) -> bool {
        self.fixed.is_some()
    }

    /// Lets `time` pass: a virtual clock is moved, a system clock is waited for.
    pub(crate) async fn pass(&self, time: SignedDuration) {
        if self.is_virtual() {
            self.advance(time);
        } else {
            wait(time).await;
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "the one place where a simulator asks the system for the time")]
fn system_now() -> Timestamp {
    Timestamp::now()
}

#[expect(clippy::disallowed_methods, reason = "a simulator run as a process is slow in real time")]
async fn wait(time: SignedDuration) {
    tokio::time::sleep(time.unsigned_abs()).await;
}
