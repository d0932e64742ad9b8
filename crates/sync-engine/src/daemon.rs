//! The only place that sleeps: drives one engine to quiescence, or for ever, and keeps its lease beating.

use std::{collections::BTreeMap, sync::Arc};

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use sync_core::{
    error::ErrorKind,
    ids::{ConnectionId, PartyId},
};
use sync_store::{Store, StoreError};

use crate::{Approved, Bell, Engine, EngineError, Fate, Pause, Step, Survey, lease::Lease};

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

/// Tries to carry out one batch; plans that still were not sent then are left to the next run.
const MOST_ROUNDS: u32 = 50;

/// Longest sleep: an operator may set the clock while we sleep.
const LONGEST_SLEEP: SignedDuration = SignedDuration::from_secs(30);

/// Polls everything once and works until nothing is due and nothing is in flight.
///
/// # Errors
/// When the store fails or the connection was taken by another process.
pub async fn until_quiescent(engine: &mut Engine, sleeper: &dyn Sleeper) -> Result<End, EngineError> {
    engine.poll_now();
    let mut patience = Patience::default();
    loop {
        let now = engine.now();
        let Step::IdleUntil(due) = engine.step(now).await? else { continue };
        if let Some(end) = patience.end(engine, now).await? {
            return Ok(end);
        }
        sleeper.sleep(nap(due, now)).await;
    }
}

/// Reads what a sync would read now, into a survey that moves nothing.
///
/// # Errors
/// When the store fails or the connection was taken by another process.
pub async fn until_surveyed(
    engine: &mut Engine,
    survey: &mut Survey,
    sleeper: &dyn Sleeper,
) -> Result<End, EngineError> {
    let mut patience = Patience::default();
    loop {
        let now = engine.now();
        if engine.survey(survey, now).await? {
            continue;
        }
        if engine.has_surveyed(survey) {
            return Ok(End::Quiescent);
        }
        if let Some(end) = patience.wait(engine, sleeper, now).await {
            return Ok(end);
        }
    }
}

/// Reads everything that is due, and decides nothing about it.
///
/// # Errors
/// When the store fails or the connection was taken by another process.
pub async fn until_read(engine: &mut Engine, sleeper: &dyn Sleeper) -> Result<End, EngineError> {
    engine.poll_now();
    let mut patience = Patience::default();
    loop {
        let now = engine.now();
        if engine.read(now).await? {
            continue;
        }
        if engine.has_read().await? {
            return Ok(End::Quiescent);
        }
        if let Some(end) = patience.wait(engine, sleeper, now).await {
            return Ok(end);
        }
    }
}

/// Carries out what a person approved, waiting for a side that is overloaded. Whoever is not told of was not reached.
///
/// # Errors
/// When the store fails or the connection was taken by another process.
pub async fn until_carried_out(
    engine: &mut Engine,
    batch: &[Approved],
    sleeper: &dyn Sleeper,
) -> Result<(BTreeMap<PartyId, Fate>, End), EngineError> {
    let mut patience = Patience::default();
    let mut fates = BTreeMap::new();
    for _ in 0..MOST_ROUNDS {
        let now = engine.now();
        let left: Vec<Approved> =
            batch.iter().filter(|approved| !fates.contains_key(&approved.party)).cloned().collect();
        fates.extend(engine.carry_out(&left).await?);
        if batch.iter().all(|approved| fates.contains_key(&approved.party)) {
            return Ok((fates, End::Quiescent));
        }
        if let Some(end) = patience.wait(engine, sleeper, now).await {
            return Ok((fates, end));
        }
    }
    Ok((fates, End::Quiescent))
}

/// Works until the bell rings for the last time; when it rings, looks for wishes of others.
///
/// # Errors
/// When the store fails or the connection was taken by another process.
pub async fn forever(engine: &mut Engine, sleeper: &dyn Sleeper, bell: &Bell) -> Result<(), EngineError> {
    let mut patience = Patience::default();
    while !bell.has_closed() {
        if bell.rang() {
            engine.look_into_hooks();
            if engine.take_wishes().await? {
                patience = Patience::default();
            }
        }
        let now = engine.now();
        let Step::IdleUntil(due) = engine.step(now).await? else { continue };
        if engine.serves_wishes()
            && let Some(end) = patience.end(engine, now).await?
        {
            engine.end_wishes(&end).await?;
        }
        tokio::select! {
            biased;
            () = bell.heard() => {}
            () = sleeper.sleep(nap(due, now)) => {}
        }
    }
    Ok(())
}

/// How often wishes are looked for. Each look is one small query for all connections of the process.
const LISTEN_EVERY: SignedDuration = SignedDuration::from_millis(500);

/// Rings the bells of connections that somebody wishes something of, or that webhooks of another process told of. Returns
/// only when the store fails.
pub async fn listen(
    store: &Store,
    bells: &BTreeMap<ConnectionId, Arc<Bell>>,
    sleeper: &dyn Sleeper,
) -> StoreError {
    loop {
        match store.asked_for().await {
            Ok(asked) => asked.iter().filter_map(|id| bells.get(id)).for_each(|bell| bell.ring()),
            Err(error) => return error,
        }
        sleeper.sleep(LISTEN_EVERY).await;
    }
}

/// Tells an idle moment from the end, and when a side that only fails has been waited for long enough.
#[derive(Default)]
struct Patience {
    pauses: u32,
}

impl Patience {
    /// Whether this idle moment is the end.
    async fn end(&mut self, engine: &Engine, now: Timestamp) -> Result<Option<End>, EngineError> {
        if engine.unfinished(MOST_ATTEMPTS).await?.is_quiescent() {
            return Ok(Some(End::Quiescent));
        }
        Ok(self.stopped(engine.pauses(now)))
    }

    /// Waits for a side that is left alone; tells when that is no use.
    async fn wait(&mut self, engine: &Engine, sleeper: &dyn Sleeper, now: Timestamp) -> Option<End> {
        let pauses = engine.pauses(engine.now());
        let due = pauses.iter().map(|pause| pause.until).min();
        if let Some(end) = self.stopped(pauses) {
            return Some(end);
        }
        sleeper.sleep(nap(due.unwrap_or(now + SignedDuration::from_secs(1)), now)).await;
        None
    }

    fn stopped(&mut self, pauses: Vec<Pause>) -> Option<End> {
        let stopped = pauses.iter().find(|pause| match pause.error.kind {
            ErrorKind::Unauthorized | ErrorKind::Forbidden | ErrorKind::Exhausted { .. } => true,
            ErrorKind::Transient { .. }
            | ErrorKind::Rejected
            | ErrorKind::UnknownField
            | ErrorKind::Missing
            | ErrorKind::Unreadable => false,
        });
        if let Some(pause) = stopped {
            return Some(End::Stopped(pause.clone()));
        }
        let Some(pause) = pauses.into_iter().next() else {
            self.pauses = 0;
            return None;
        };
        self.pauses += 1;
        (self.pauses > MOST_PAUSES).then_some(End::Stopped(pause))
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

fn nap(due: Timestamp, now: Timestamp) -> SignedDuration {
    due.duration_since(now).clamp(SignedDuration::from_millis(1), LONGEST_SLEEP)
}
