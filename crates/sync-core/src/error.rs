//! What went wrong with a remote call, told for the one who must decide what happens next.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

/// A failed call to a remote system.
///
/// `kind` answers "what now", `effect` answers "may it have happened all the same". `message` is readable by
/// people and free of secrets; `correlation` is what the vendor's support asks for (`x-correlation-id`,
/// `x-oracle-dms-ecid`).
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{call}: {message}{}", .correlation.as_deref().map(|c| format!(" (correlation {c})")).unwrap_or_default())]
pub struct CallError {
    /// Name of the endpoint, e.g. `organizations.create`.
    pub call: &'static str,
    /// What the caller should do.
    pub kind: ErrorKind,
    /// Whether the remote system may have carried the request out.
    pub effect: Effect,
    /// One sentence with the remote system's own words where it gave any.
    pub message: String,
    /// The remote system's id of this exchange, when the answer carried one.
    pub correlation: Option<String>,
    /// What was said on both sides, where a write was refused: people need it to see why.
    pub exchange: Option<Box<Exchange>>,
}

/// A refused request and its answer, without headers, secrets masked, each bounded to [`Exchange::MOST`] characters.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Exchange {
    /// Method and path, and the body if there was one.
    pub request: String,
    /// Status and body.
    pub answer: String,
}

impl Exchange {
    /// Characters kept of each side.
    pub const MOST: usize = 4_000;
}

/// What to do about a failed call. Closed on purpose: match it without `_`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ErrorKind {
    /// Overload, outage or a broken connection: the same call may succeed later, not before `after`.
    Transient {
        /// The remote system's wish (`Retry-After`), if it uttered one.
        after: Option<SignedDuration>,
    },
    /// The daily token budget is used up, by us or by others: nothing can be sent before `until`.
    Exhausted {
        /// When the budget is expected to be filled again.
        until: Timestamp,
    },
    /// Credentials are missing, wrong or revoked: a person must act.
    Unauthorized,
    /// Credentials are right but not allowed to do this: a person must act.
    Forbidden,
    /// The remote system refuses this very record (validation): it holds itself.
    Rejected,
    /// A custom field that we write is unknown there: learn the fields again, then decide again.
    UnknownField,
    /// The record does not exist (or is hidden from our user).
    Missing,
    /// An answer that we cannot read, or one that breaks the documented contract.
    Unreadable,
}

/// Whether a failed request may have taken effect.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    /// Surely not: it was never sent, or the answer says so.
    None,
    /// Unknown: it may have, or may still within T_effect. Creates must be looked for before they are repeated.
    InDoubt,
}

impl CallError {
    /// A call that was never sent, or was refused with a clear answer.
    pub fn without_effect(call: &'static str, kind: ErrorKind, message: impl Into<String>) -> Self {
        Self { call, kind, effect: Effect::None, message: message.into(), correlation: None, exchange: None }
    }

    /// A call whose outcome nobody can tell from here.
    pub fn in_doubt(call: &'static str, kind: ErrorKind, message: impl Into<String>) -> Self {
        Self {
            call,
            kind,
            effect: Effect::InDoubt,
            message: message.into(),
            correlation: None,
            exchange: None,
        }
    }

    /// The same error with the remote system's id of the exchange.
    #[must_use]
    pub fn with_correlation(mut self, correlation: Option<String>) -> Self {
        self.correlation = correlation;
        self
    }
}
