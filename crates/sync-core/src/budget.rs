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

/// Number of the UTC day.
#[must_use]
pub fn day_of(now: Timestamp) -> i64 {
    DayStart::MIDNIGHT.day_of(now)
}

/// The next UTC midnight.
#[must_use]
pub fn next_reset(now: Timestamp) -> Timestamp {
    DayStart::MIDNIGHT.next(now)
}

/// When the remote system's day begins. The documentation says "midnight, server's timezone" and names none
/// (pipedrive.md 3.1): it is midnight UTC until answers teach otherwise.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct DayStart {
    /// Microseconds after midnight UTC, within a day.
    after: i64,
}

impl DayStart {
    /// Midnight UTC.
    pub const MIDNIGHT: Self = Self { after: 0 };

    /// From what is stored; anything outside a day is brought into it.
    #[must_use]
    pub fn of_micros(after: i64) -> Self {
        Self { after: after.rem_euclid(DAY) }
    }

    /// Microseconds after midnight UTC, to be stored.
    #[must_use]
    pub fn micros(self) -> i64 {
        self.after
    }

    /// The start that a reset at about this time tells of: the nearest quarter of an hour, as all time zones have it.
    /// `None` exactly at midnight UTC, which is also what is said where nobody knows.
    #[must_use]
    pub fn told_by(reset: Timestamp) -> Option<Self> {
        let exact = reset.as_microsecond().rem_euclid(DAY);
        let rounded = (exact + QUARTER / 2).div_euclid(QUARTER) * QUARTER;
        (exact != 0).then(|| Self::of_micros(rounded))
    }

    /// The start that lies between two moments, when exactly one full hour does.
    #[must_use]
    pub fn between(before: Timestamp, after: Timestamp) -> Option<Self> {
        let hour = 4 * QUARTER;
        let hours = |at: Timestamp| at.as_microsecond().div_euclid(hour);
        (hours(after) == hours(before) + 1).then(|| Self::of_micros(hours(after) * hour))
    }

    /// The start at the next full hour: what is known while a day should have begun and did not.
    #[must_use]
    pub fn later_than(now: Timestamp) -> Self {
        let hour = 4 * QUARTER;
        Self::of_micros((now.as_microsecond().div_euclid(hour) + 1) * hour)
    }

    /// Number of the remote system's day.
    #[must_use]
    pub fn day_of(self, now: Timestamp) -> i64 {
        (now.as_microsecond() - self.after).div_euclid(DAY)
    }

    /// When the next one begins.
    #[must_use]
    pub fn next(self, now: Timestamp) -> Timestamp {
        Timestamp::from_microsecond((self.day_of(now) + 1) * DAY + self.after).unwrap_or(Timestamp::MAX)
    }
}

/// A quarter of an hour, in microseconds.
const QUARTER: i64 = 900_000_000;

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
    fn a_day_may_begin_at_any_quarter_of_an_hour() {
        let at = |text: &str| text.parse::<Timestamp>().unwrap();
        let start = DayStart::told_by(at("2026-11-25T04:59:58Z")).unwrap();
        assert_eq!(start, DayStart::of_micros(5 * 4 * QUARTER));
        assert_eq!(start.next(at("2026-11-25T04:59:59Z")), at("2026-11-25T05:00:00Z"));
        assert_eq!(start.next(at("2026-11-25T05:00:00Z")), at("2026-11-26T05:00:00Z"));
        assert_eq!(start.day_of(at("2026-11-25T05:00:00Z")), start.day_of(at("2026-11-25T04:59:59Z")) + 1);
        assert_eq!(DayStart::told_by(at("2026-11-25T18:16:00Z")).unwrap().micros(), 73 * QUARTER);
        assert_eq!(DayStart::told_by(at("2026-11-25T23:59:58Z")), Some(DayStart::MIDNIGHT));
        assert_eq!(DayStart::told_by(at("2026-11-26T00:00:00Z")), None, "nobody may have said it");
        let later = DayStart::later_than(at("2026-11-25T00:00:00Z"));
        assert_eq!(later.next(at("2026-11-25T00:10:00Z")), at("2026-11-25T01:00:00Z"));
        let between = |before, after| DayStart::between(at(before), at(after));
        assert_eq!(between("2026-11-25T04:50:00Z", "2026-11-25T05:05:00Z"), Some(start));
        assert_eq!(between("2026-11-25T05:05:00Z", "2026-11-25T05:20:00Z"), None);
        assert_eq!(between("2026-11-25T03:50:00Z", "2026-11-25T05:05:00Z"), None);
    }

    #[test]
    fn days_end_at_utc_midnight() {
        let now: Timestamp = "2026-11-24T23:59:59.5Z".parse().unwrap();
        assert_eq!(next_reset(now), "2026-11-25T00:00:00Z".parse::<Timestamp>().unwrap());
        assert_eq!(day_of(now) + 1, day_of(next_reset(now)));
    }
}
