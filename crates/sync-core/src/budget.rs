//! Arithmetic of Pipedrive-like budgets: tokens a day, requests a window, classes and reserve.
//!
//! Numbers: pipedrive.md 3.1 and 3.3.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

/// Priority of a call, most urgent first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Class {
    /// A won deal, or a person who waits.
    Urgent,
    /// A customer that the CRM does not have yet.
    NewCustomer,
    /// A document on an open deal.
    Document,
    /// A changed field.
    Edit,
    /// Checking that all is well.
    Audit,
    /// The first load and other bulk work.
    Backfill,
}

impl Class {
    /// Every class, most urgent first.
    pub const ALL: [Self; 6] =
        [Self::Urgent, Self::NewCustomer, Self::Document, Self::Edit, Self::Audit, Self::Backfill];

    /// 0 (most urgent) to 5, as stored.
    #[must_use]
    pub fn rank(self) -> i64 {
        match self {
            Self::Urgent => 0,
            Self::NewCustomer => 1,
            Self::Document => 2,
            Self::Edit => 3,
            Self::Audit => 4,
            Self::Backfill => 5,
        }
    }

    /// The class of a stored rank; unknown ranks are the least urgent.
    #[must_use]
    pub fn of_rank(rank: i64) -> Self {
        Self::ALL.into_iter().find(|class| class.rank() == rank).unwrap_or(Self::Backfill)
    }

    /// Whether it may spend the reserve.
    #[must_use]
    pub fn may_use_reserve(self) -> bool {
        match self {
            Self::Urgent | Self::NewCustomer => true,
            Self::Document | Self::Edit | Self::Audit | Self::Backfill => false,
        }
    }
}

/// What was spent with the CRM since the adapter was made.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Spent {
    /// Requests sent, answered or not.
    pub requests: u64,
    /// Tokens they cost by the price list, whether or not the remote system charged them.
    pub tokens: u64,
}

/// A Pipedrive plan (pipedrive.md 3.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Plan {
    /// 30,000 tokens a seat and day.
    Lite,
    /// Twice that.
    Growth,
    /// Five times.
    Premium,
    /// Seven times.
    Ultimate,
}

/// How we prove who we are; it decides the burst window (pipedrive.md 3.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AuthKind {
    /// A user's API token.
    ApiToken,
    /// An OAuth application.
    OAuth,
}

/// Length of the rolling burst window.
pub const BURST_WINDOW: SignedDuration = SignedDuration::from_secs(2);

/// Requests of the search API a window, on every plan and auth kind.
pub const SEARCH_BURST: u32 = 10;

impl Plan {
    /// Tokens a day of a company with this many seats.
    #[must_use]
    pub fn daily_tokens(self, seats: u32) -> u64 {
        let multiplier = match self {
            Self::Lite => 1,
            Self::Growth => 2,
            Self::Premium => 5,
            Self::Ultimate => 7,
        };
        30_000 * multiplier * u64::from(seats)
    }

    /// Requests a [`BURST_WINDOW`].
    #[must_use]
    pub fn burst(self, auth: AuthKind) -> u32 {
        let api_token = match self {
            Self::Lite => 20,
            Self::Growth => 40,
            Self::Premium => 100,
            Self::Ultimate => 120,
        };
        match auth {
            AuthKind::ApiToken => api_token,
            AuthKind::OAuth => api_token * 4,
        }
    }
}

/// What a connection may spend a day.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct DailyBudget {
    /// Tokens of the whole company a day.
    pub tokens: u64,
    /// Share of them that we may use, 0 to 1.
    pub max_share: f64,
    /// Share of ours that low classes cannot touch, 0 to 1.
    pub reserve: f64,
}

impl DailyBudget {
    /// Tokens that `class` may still spend today, given what we and others have spent.
    #[must_use]
    pub fn left(&self, class: Class, ours: u64, foreign: u64) -> u64 {
        let company_left = self.tokens.saturating_sub(ours).saturating_sub(foreign);
        let cap = share(self.tokens, self.max_share);
        let reserve = if class.may_use_reserve() { 0 } else { share(cap, self.reserve) };
        cap.saturating_sub(ours).min(company_left).saturating_sub(reserve)
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_precision_loss,
    reason = "tokens a day stay far below 2^52 and shares are within 0..=1"
)]
fn share(of: u64, share: f64) -> u64 {
    (of as f64 * share.clamp(0.0, 1.0)).floor() as u64
}

/// Microseconds of the UTC day, the unit in which the ledger counts.
const DAY: i64 = 86_400_000_000;

/// Number of the UTC day. The reset's time zone is unnamed in the documentation; UTC until headers teach otherwise.
#[must_use]
pub fn day_of(now: Timestamp) -> i64 {
    now.as_microsecond().div_euclid(DAY)
}

/// The next UTC midnight.
#[must_use]
pub fn next_reset(now: Timestamp) -> Timestamp {
    Timestamp::from_microsecond((day_of(now) + 1) * DAY).unwrap_or(Timestamp::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plans_give_the_published_budgets() {
        assert_eq!(Plan::Lite.daily_tokens(5), 150_000);
        assert_eq!(Plan::Growth.daily_tokens(1), 60_000);
        assert_eq!(Plan::Premium.daily_tokens(1), 150_000);
        assert_eq!(Plan::Ultimate.daily_tokens(2), 420_000);
        assert_eq!(Plan::Growth.burst(AuthKind::ApiToken), 40);
        assert_eq!(Plan::Ultimate.burst(AuthKind::OAuth), 480);
    }

    #[test]
    fn the_reserve_is_out_of_reach_for_low_classes() {
        let budget = DailyBudget { tokens: 1_000, max_share: 1.0, reserve: 0.2 };
        assert_eq!(budget.left(Class::Backfill, 0, 0), 800);
        assert_eq!(budget.left(Class::Urgent, 0, 0), 1_000);
        assert_eq!(budget.left(Class::Backfill, 700, 0), 100);
        assert_eq!(budget.left(Class::Backfill, 700, 200), 0);
        assert_eq!(budget.left(Class::Urgent, 700, 200), 100);
    }

    #[test]
    fn others_spending_and_our_share_both_bound_us() {
        let budget = DailyBudget { tokens: 1_000, max_share: 0.5, reserve: 0.0 };
        assert_eq!(budget.left(Class::Edit, 0, 0), 500);
        assert_eq!(budget.left(Class::Edit, 100, 700), 200);
        assert_eq!(budget.left(Class::Edit, 500, 0), 0);
    }

    #[test]
    fn days_end_at_utc_midnight() {
        let now: Timestamp = "2026-11-24T23:59:59.5Z".parse().unwrap();
        assert_eq!(next_reset(now), "2026-11-25T00:00:00Z".parse::<Timestamp>().unwrap());
        assert_eq!(day_of(now) + 1, day_of(next_reset(now)));
    }
}
