//! May this request be sent now? Budgets, windows and concurrency, seen from the caller.

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use sync_core::{
    budget::Class,
    ports::{Called, Permit},
};

use crate::{adaptive::Running, pacer::Held};

/// By what right a request is sent.
#[derive(Debug)]
pub enum Pass {
    /// To be paid for now, by this class.
    Class(Class),
    /// Paid for already.
    Permit(Permit),
}

impl From<Class> for Pass {
    fn from(class: Class) -> Self {
        Self::Class(class)
    }
}

impl From<Permit> for Pass {
    fn from(permit: Permit) -> Self {
        Self::Permit(permit)
    }
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
    Running(Running),
    /// One of a limited number a window.
    Paced(Held),
}

/// What became of a request, as far as it says something about the next one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Heard {
    /// Answered, well or with a clear refusal of this very request.
    Answered {
        /// From sending to the answer.
        took: SignedDuration,
    },
    /// Refused for lack of rights or of a valid token.
    Refused,
    /// No answer came.
    Lost,
    /// It surely never left.
    Unsent,
    /// Refused because there were too many, or because of trouble over there.
    Overloaded {
        /// How long to stay away, if that was said.
        after: Option<SignedDuration>,
    },
    /// A gateway blocks us.
    Blocked {
        /// How long to stay away.
        after: SignedDuration,
    },
}

/// Lets requests through when budget, windows and concurrency allow it.
#[async_trait]
pub trait Gate: Send + Sync {
    /// Waits for room, never for budget.
    async fn admit(&self, need: Need, pass: Pass) -> Called<Slot>;

    /// The remote system said how much of today's budget is left.
    async fn left(&self, remaining: u64);

    /// The remote system said how many requests a window may hold.
    fn window(&self, limit: u32) {
        let _ = limit;
    }

    /// The remote system said that the budget is used up.
    async fn exhausted(&self, until: Timestamp);

    /// What became of a request that was let through.
    async fn heard(&self, need: Need, class: Class, slot: &Slot, heard: Heard);
}
