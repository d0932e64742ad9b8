//! The right to work on a connection. One process at a time has it; the taker judges when it has expired.
//!
//! Expiry is measured on the taker's own monotonic clock: the heartbeat number was seen unchanged for a whole ttl.
//! The holder checks its own validity just before it sends. Together with "wait T_effect before touching what is
//! in doubt" this keeps a frozen process that thaws from doing harm; the store refuses its transactions anyway.

use std::sync::{
    Arc,
    atomic::{AtomicI64, Ordering},
};

use jiff::SignedDuration;
use sync_core::{ids::ConnectionId, ports::Clock};
use sync_store::{Fence, LeaseRow, Store, StoreError};

/// A held lease. Clones share it.
#[derive(Clone)]
pub struct Lease {
    store: Store,
    clock: Arc<dyn Clock>,
    fence: Fence,
    ttl: SignedDuration,
    /// Monotonic microseconds until which the lease surely is ours.
    valid_until: Arc<AtomicI64>,
}

impl Lease {
    /// What every write to the store has to show.
    #[must_use]
    pub fn fence(&self) -> &Fence {
        &self.fence
    }

    /// Whether the lease is surely still ours.
    #[must_use]
    pub fn is_valid(&self) -> bool {
        micros(self.clock.monotonic()) < self.valid_until.load(Ordering::SeqCst)
    }

    /// TEST ONLY. Plants the bug of believing in a lease for ever.
    #[cfg(feature = "planted")]
    pub(crate) fn never_ends(&self) {
        self.valid_until.store(i64::MAX, Ordering::SeqCst);
    }

    /// How long a heartbeat lasts.
    #[must_use]
    pub fn ttl(&self) -> SignedDuration {
        self.ttl
    }

    /// Beats once. Counted from before the beat, so that a slow store shortens our own belief, never the taker's.
    ///
    /// # Errors
    /// [`StoreError::Fenced`] when another process has taken the connection; then the lease is gone for good.
    pub async fn renew(&self) -> Result<(), StoreError> {
        let before = self.clock.monotonic();
        match self.store.lease_renew(&self.fence).await {
            Ok(()) => {
                self.valid_until.store(micros(before + self.ttl), Ordering::SeqCst);
                Ok(())
            }
            Err(error) => {
                if matches!(error, StoreError::Fenced) {
                    self.valid_until.store(i64::MIN, Ordering::SeqCst);
                }
                Err(error)
            }
        }
    }

    /// Beats once, unless it has beaten within a third of its time: as often as [`crate::daemon::heartbeat`] does.
    ///
    /// # Errors
    /// As [`Lease::renew`].
    pub(crate) async fn renew_in_time(&self) -> Result<(), StoreError> {
        let left = self.valid_until.load(Ordering::SeqCst) - micros(self.clock.monotonic());
        if left > micros(self.ttl) / 3 * 2 { Ok(()) } else { self.renew().await }
    }

    /// Gives the connection back at once, so that the next process need not wait.
    ///
    /// # Errors
    /// When the store cannot be written.
    pub async fn release(self) -> Result<(), StoreError> {
        self.valid_until.store(i64::MIN, Ordering::SeqCst);
        self.store.lease_release(&self.fence).await
    }
}

/// Somebody who wants a connection, remembering what it saw.
pub struct Taker {
    owner: String,
    ttl: SignedDuration,
    seen: Option<(LeaseRow, SignedDuration)>,
}

/// What became of a try.
pub enum Taking {
    /// The connection is ours.
    Taken(Lease),
    /// Another process has it, or had it less than a ttl ago.
    Held {
        /// How it calls itself.
        owner: String,
        /// Whether its heart has been seen beating since we first looked.
        alive: bool,
    },
}

impl Taker {
    /// Somebody called `owner`. `ttl` must be the same in all processes of an installation.
    #[must_use]
    pub fn new(owner: String, ttl: SignedDuration) -> Self {
        Self { owner, ttl, seen: None }
    }

    /// Tries once.
    ///
    /// # Errors
    /// When the store cannot be used.
    pub async fn try_take(
        &mut self,
        store: &Store,
        connection: ConnectionId,
        clock: &Arc<dyn Clock>,
    ) -> Result<Taking, StoreError> {
        let row = store.lease_look(connection).await?;
        let now = clock.monotonic();
        if let Some(held) = row.clone().filter(|row| row.owner.is_some()) {
            let known = self.seen.as_ref().filter(|(seen, _)| *seen == held);
            match known {
                Some((_, since)) if now - *since >= self.ttl => {}
                Some(_) => return Ok(Self::held(held, false)),
                None => {
                    let alive = self.seen.is_some();
                    self.seen = Some((held.clone(), now));
                    return Ok(Self::held(held, alive));
                }
            }
        }
        match store.lease_take(connection, &self.owner, row.as_ref()).await? {
            Some(fence) => {
                let valid_until = Arc::new(AtomicI64::new(micros(now + self.ttl)));
                let (store, clock) = (store.clone(), clock.clone());
                Ok(Taking::Taken(Lease { store, clock, fence, ttl: self.ttl, valid_until }))
            }
            None => Ok(Taking::Held { owner: "another process".to_owned(), alive: true }),
        }
    }

    fn held(row: LeaseRow, alive: bool) -> Taking {
        Taking::Held { owner: row.owner.unwrap_or_default(), alive }
    }
}

fn micros(duration: SignedDuration) -> i64 {
    i64::try_from(duration.as_micros()).unwrap_or(i64::MAX)
}
