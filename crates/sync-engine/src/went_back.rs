//! The system's clock was moved backwards. What was to be done later by the clock of before would wait until that time comes
//! again, which may be days: it is done now instead. Whatever is too early is seen to be when it is decided.

use jiff::{SignedDuration, Timestamp};

use crate::{Engine, EngineError, pause::Pauses};

/// Clocks are set right by less than this all the time, and waiting so long harms nobody.
const LEAST: SignedDuration = SignedDuration::from_mins(2);

impl Engine {
    /// Notices that it is earlier than it was, in this process or when the last one wrote where it stands. Tells whether it is.
    pub(crate) async fn notice_the_clock(&mut self, now: Timestamp) -> Result<bool, EngineError> {
        let seen = match self.clock_seen {
            Some(seen) => seen,
            None => self.store.read(self.connection()).await?.latest_moment().await?.unwrap_or(now),
        };
        self.clock_seen = Some(seen.max(now));
        let back = seen.duration_since(now);
        if back < LEAST {
            return Ok(false);
        }
        let mut tx = self.write().await?;
        let moved = tx.time_went_back(now).await?;
        tx.commit().await?;
        self.clock_seen = Some(now);
        self.forget_times();
        tracing::warn!(
            seconds = back.as_secs(),
            moved,
            "the system's clock was moved backwards: what was to be done later is done now"
        );
        Ok(true)
    }

    /// Forgets until when something waits.
    fn forget_times(&mut self) {
        let documents =
            self.documents.iter_mut().flat_map(|flow| [&mut flow.erp_pauses, &mut flow.crm_pauses]);
        [&mut self.erp_pauses, &mut self.crm_pauses].into_iter().chain(documents).for_each(Pauses::answered);
        self.parked = None;
        self.looks = None;
        self.tally = None;
        self.poll_now();
    }
}
