//! The only place that sleeps: drives one engine to quiescence, or for ever, and keeps its lease beating.

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use sync_core::error::ErrorKind;
use sync_store::StoreError;

use crate::{Engine, EngineError, Pause, Step, lease::Lease};

/// Who waits for us.
#[async_trait]
pub trait Sleeper: Send + Sync {
    /// Returns after `duration`, or earlier.
    async fn sleep(&self, duration: SignedDuration);
}

/// Waits on tokio's timer.
#[derive(Debug, Clone, Copy, Default)]
pub struct TokioSleeper;

#[async_trait]
impl Sleeper for TokioSleeper {
    #[expect(clippy::disallowed_methods, reason = "this is the loop that sleeps, so that no step has to")]
    async fn sleep(&self, duration: SignedDuration) {
        tokio::time::sleep(duration.unsigned_abs()).await;
    }
}

/// How a run to quiescence ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum End {
    /// Nothing due, nothing in flight. Keys that failed too often are counted as failed.
    Quiescent,
    /// Nothing more can be done now: credentials are refused, or the budget is used up.
    Stopped(Pause),
}

/// After this many tries in one run a key is left for the next run.
const MOST_ATTEMPTS: u32 = 5;

/// After this many pauses in a row of a side that only fails, a run to quiescence gives up.
const MOST_PAUSES: u32 = 5;

/// Longest sleep: an operator may set the clock while we sleep.
const LONGEST_SLEEP: SignedDuration = SignedDuration::from_secs(30);

/// Polls everything once and works until nothing is due and nothing is in flight.
///
/// # Errors
/// When the store fails or the connection was taken by another process.
pub async fn until_quiescent(engine: &mut Engine, sleeper: &dyn Sleeper) -> Result<End, EngineError> {
    engine.poll_now();
    let mut pauses = 0;
    loop {
        let now = engine.now();
        let due = match engine.step(now).await? {
            Step::Worked => continue,
            Step::IdleUntil(due) => due,
        };
        let stopped = engine.pauses(now).into_iter().find(|pause| match pause.error.kind {
            ErrorKind::Unauthorized | ErrorKind::Forbidden | ErrorKind::Exhausted { .. } => true,
            ErrorKind::Transient { .. }
            | ErrorKind::Rejected
            | ErrorKind::UnknownField
            | ErrorKind::Missing
            | ErrorKind::Unreadable => false,
        });
        if let Some(pause) = stopped {
            return Ok(End::Stopped(pause));
        }
        if engine.unfinished(MOST_ATTEMPTS).await?.is_quiescent() {
            return Ok(End::Quiescent);
        }
        if let Some(pause) = engine.pauses(now).into_iter().next() {
            pauses += 1;
            if pauses > MOST_PAUSES {
                return Ok(End::Stopped(pause));
            }
        } else {
            pauses = 0;
        }
        nap(sleeper, due, now).await;
    }
}

/// Works for ever. Returns only with an error.
///
/// # Errors
/// When the store fails or the connection was taken by another process.
pub async fn forever(
    engine: &mut Engine,
    sleeper: &dyn Sleeper,
) -> Result<std::convert::Infallible, EngineError> {
    loop {
        let now = engine.now();
        if let Step::IdleUntil(due) = engine.step(now).await? {
            nap(sleeper, due, now).await;
        }
    }
}

/// Keeps a lease beating, three times a ttl. Returns when it is lost.
pub async fn heartbeat(lease: &Lease, sleeper: &dyn Sleeper) -> EngineError {
    loop {
        sleeper.sleep(lease.ttl() / 3).await;
        match lease.renew().await {
            Ok(()) => {}
            Err(StoreError::Fenced) => return EngineError::LeaseLost,
            Err(error) if lease.is_valid() => tracing::warn!(%error, "a heartbeat failed; trying again"),
            Err(error) => return error.into(),
        }
    }
}

async fn nap(sleeper: &dyn Sleeper, due: Timestamp, now: Timestamp) {
    let wait = due.duration_since(now).clamp(SignedDuration::from_millis(1), LONGEST_SLEEP);
    sleeper.sleep(wait).await;
}
