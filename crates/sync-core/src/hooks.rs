//! Deliveries of webhooks: hints that a record changed. What a delivery says is not believed; the record is read again. Only where a
//! merged record went no reading tells: that is remembered, and counts once it is gone.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::ids::SubscriptionId;

/// A delivery as it came in: nothing of it is parsed before somebody vouched for it (law 9).
pub struct Delivery<'a> {
    /// All values of a header, by its name whatever its case.
    pub headers: Headers<'a>,
    /// The bytes of the body, as they came.
    pub body: &'a [u8],
}

/// What tells that a delivery is from whom it says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Check {
    /// A user and a password.
    Basic,
    /// A keyed digest of the body.
    Hmac,
}

impl Check {
    /// Its name in the store, in logs and metrics.
    #[must_use]
    pub fn key(self) -> &'static str {
        match self {
            Self::Basic => "basic",
            Self::Hmac => "hmac",
        }
    }
}

/// Why nobody vouches for a delivery. Says nothing of what was expected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// There is no proof at all.
    #[error("nothing vouches for it")]
    NoProof,
    /// There is a proof, and it is wrong.
    #[error("its {} is wrong", .0.key())]
    Wrong(Check),
    /// All proofs are required, and this one is missing.
    #[error("its {} is missing", .0.key())]
    Missing(Check),
}

/// A change that somebody vouched for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HookEvent {
    /// What it is the same by when it is delivered again.
    pub key: String,
    /// The subscription that it is delivered for, if it says so.
    pub subscription: Option<SubscriptionId>,
    /// The kind of record.
    pub entity: HookEntity,
    /// The record.
    pub record: i64,
    /// What happened, in the vendor's word.
    pub action: String,
    /// When, if it says so.
    pub at: Option<Timestamp>,
    /// Whether it may be of interest at once; if not, the next poll is early enough.
    pub urgent: bool,
    /// The merger that it is part of, if it says so.
    pub merged: Option<Merged>,
}

/// Two records of the same kind became one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Merged {
    /// The one that is gone.
    pub gone: i64,
    /// The one that stands for both.
    pub into: i64,
}

/// Kinds of records that are of interest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HookEntity {
    /// An organization.
    Organization,
    /// A deal.
    Deal,
}

impl HookEntity {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::Organization, Self::Deal];

    /// Its name in the store, in logs and metrics.
    #[must_use]
    pub fn key(self) -> &'static str {
        match self {
            Self::Organization => "organization",
            Self::Deal => "deal",
        }
    }

    /// The kind with this name, if it is of interest.
    #[must_use]
    pub fn of_key(key: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|entity| entity.key() == key)
    }
}

/// A subscription for webhooks, as the CRM shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subscription {
    /// Its id.
    pub id: SubscriptionId,
    /// Where it delivers to. Who knows it has half of what it takes to send something: it is in no log.
    pub address: String,
    /// The kind of record that it tells of; none if that is nothing that we ever ask for.
    pub entity: Option<HookEntity>,
    /// Whether it delivers every change of them, in the form that we read.
    pub complete: bool,
    /// Whether it delivers at all; it may be switched off or removed.
    pub active: bool,
    /// The last answer that a delivery got: its status, if any is told.
    pub answered: Option<u16>,
}

/// The most subscriptions that one user may have (pipedrive.md 5.1).
pub const MOST_SUBSCRIPTIONS: usize = 40;

/// All values of a header, by its name whatever its case.
pub type Headers<'a> = &'a dyn Fn(&str) -> Vec<Vec<u8>>;

/// Tells who sent a delivery, and what it is about.
pub trait HookVerifier: Send + Sync {
    /// Whether the headers alone show that nobody can vouch for it: then its body is not even waited for.
    ///
    /// # Errors
    /// When that is so.
    fn at_first_sight(&self, headers: Headers<'_>) -> Result<(), Refused>;

    /// The checks that vouch for a delivery, in constant time and without parsing its body.
    ///
    /// # Errors
    /// When nobody vouches for it.
    fn verify(&self, delivery: &Delivery<'_>) -> Result<Vec<Check>, Refused>;

    /// What it is about; none if it is of no interest. Only to be called after [`HookVerifier::verify`].
    ///
    /// # Errors
    /// When it cannot be understood; the text tells what is wrong.
    fn read(&self, body: &[u8]) -> Result<Option<HookEvent>, String>;
}
