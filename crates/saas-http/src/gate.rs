//! May this request be sent now? Budgets, windows and concurrency, seen from the caller.

use std::sync::Arc;

use async_trait::async_trait;
use jiff::Timestamp;
use sync_core::{
    budget::Class,
    error::{CallError, ErrorKind},
    ports::{Called, Permit},
};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::pacer::Held;

/// By what right a request is sent.
#[derive(Debug)]
pub enum Pass {
    /// To be paid for now, by this class.
    Class(Class),
    /// Paid for already.
    Permit(Permit),
}

impl Pass {
    /// The class that pays or has paid.
    #[must_use]
    pub fn class(&self) -> Class {
        match self {
            Self::Class(class) => *class,
            Self::Permit(permit) => permit.class(),
        }
    }
}

/// What a request needs to be let through.
#[derive(Debug, Clone, Copy)]
pub struct Need {
    /// Name of the endpoint.
    pub call: &'static str,
    /// Its price.
    pub tokens: u32,
    /// Whether it counts against the search window.
    pub search: bool,
}

/// Room for one request; give it back by dropping it when the answer is there.
#[derive(Debug)]
pub enum Slot {
    /// One of a limited number at a time.
    Concurrent(OwnedSemaphorePermit),
    /// One of a limited number a window.
    Paced(Held),
}

/// Lets requests through when budget, windows and concurrency allow it.
#[async_trait]
pub trait Gate: Send + Sync {
    /// Waits for room, never for budget.
    async fn admit(&self, need: Need, pass: Pass) -> Called<Slot>;

    /// The remote system said how much of today's budget is left.
    async fn left(&self, remaining: u64);

    /// The remote system said that the budget is used up.
    async fn exhausted(&self, until: Timestamp);
}

/// A plain limit of requests at a time, for systems without published rates (oracle-fusion.md 4.9).
#[derive(Debug)]
pub struct AtOnce(Arc<Semaphore>);

impl AtOnce {
    /// At most `limit` requests at a time; at least one.
    #[must_use]
    pub fn new(limit: usize) -> Self {
        Self(Arc::new(Semaphore::new(limit.max(1))))
    }
}

#[async_trait]
impl Gate for AtOnce {
    async fn admit(&self, need: Need, _: Pass) -> Called<Slot> {
        let slot = Arc::clone(&self.0).acquire_owned().await;
        slot.map(Slot::Concurrent).map_err(|_| {
            let kind = ErrorKind::Transient { after: None };
            CallError::without_effect(need.call, kind, "the connection is shutting down")
        })
    }

    async fn left(&self, _: u64) {}

    async fn exhausted(&self, _: Timestamp) {}
}
