//! The CRM's budget of a day: what is spent, how the day went, and whether it lasts.

use jiff::{SignedDuration, Timestamp};
use serde::Serialize;
use sync_core::budget::{Class, DailyBudget};
use sync_store::DayFigures;
use utoipa::ToSchema;

use super::at;

/// The CRM's budget of the day, in its tokens.
#[derive(Debug, Default, Serialize, ToSchema)]
pub(crate) struct Budget {
    /// What the company is granted, as configured; none where this process does not know the connection.
    pub(crate) daily: Option<u64>,
    /// What of it we may spend, as configured.
    pub(crate) daily_ours: Option<u64>,
    /// What we spent.
    pub(crate) ours: u64,
    /// What others spent, as far as we have seen.
    pub(crate) others: u64,
    /// What was left when the CRM last said so.
    pub(crate) remaining_said: Option<u64>,
    /// Until when nothing is left, as the CRM said.
    pub(crate) exhausted_until: Option<String>,
    /// When the CRM's day ends and a new budget begins.
    pub(crate) ends_at: String,
    /// When nothing will be left for us if the last hour goes on; none if the day ends before, or nothing was spent.
    pub(crate) lasts_until: Option<String>,
    /// What we spent it for, most urgent first.
    pub(crate) classes: Vec<ClassSpent>,
    /// The day as it went: what was spent by the end of each hour in which something was, and now.
    pub(crate) curve: Vec<SpentBy>,
}

/// What was spent for one kind of work.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct ClassSpent {
    /// `urgent`, `new_customer`, `document`, `edit`, `audit` or `backfill`.
    #[schema(value_type = String)]
    pub(crate) class: Class,
    /// Tokens.
    pub(crate) tokens: u64,
    /// Requests.
    pub(crate) requests: u64,
}

/// What was spent by a time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct SpentBy {
    /// The time.
    pub(crate) at: String,
    /// Minutes since the day began.
    pub(crate) minute: i64,
    /// What we had spent.
    pub(crate) ours: u64,
    /// What others had spent, as far as was seen.
    pub(crate) others: u64,
}

impl Budget {
    /// How much of the day is spent, in hundredths; none where it is not known what there is.
    pub(crate) fn percent(&self) -> Option<u64> {
        let daily = self.daily.filter(|daily| *daily > 0)?;
        Some((self.ours + self.others).saturating_mul(100) / daily)
    }

    pub(super) fn of(day: &DayFigures, granted: Option<DailyBudget>, now: Timestamp) -> Self {
        let ours: u64 = day.ours.values().map(|(tokens, _)| tokens).sum();
        let classes = day.ours.iter().map(|(class, (tokens, requests))| ClassSpent {
            class: *class,
            tokens: *tokens,
            requests: *requests,
        });
        Self {
            daily: granted.map(|granted| granted.tokens),
            daily_ours: granted.map(|granted| granted.left(Class::Urgent, 0, 0)),
            ours,
            others: day.others,
            remaining_said: day.remaining,
            exhausted_until: day.exhausted_until.map(at),
            ends_at: at(day.ends_at),
            lasts_until: granted.and_then(|granted| lasts_until(day, ours, granted, now)).map(at),
            classes: classes.collect(),
            curve: curve(day, now),
        }
    }
}

const HOUR: i64 = 3_600;

fn second(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap_or(Timestamp::MAX)
}

fn curve(day: &DayFigures, now: Timestamp) -> Vec<SpentBy> {
    let spent_by = |time: Timestamp, ours, others| {
        let minute = time.duration_since(day.began_at).as_mins().max(0);
        SpentBy { at: at(time), minute, ours, others }
    };
    let (mut ours, mut others) = (0, 0);
    let mut points = vec![spent_by(day.began_at, 0, 0)];
    for (hour, of) in &day.hours {
        // What was spent before the hour was spent by its beginning: quiet hours are flat.
        let begin = second(hour * HOUR).max(day.began_at);
        if points.last().is_some_and(|last| last.at != at(begin)) {
            points.push(spent_by(begin, ours, others));
        }
        ours += of.ours;
        others = of.others.unwrap_or(others);
        points.push(spent_by(second((hour + 1) * HOUR).min(now).max(begin), ours, others));
    }
    let last = spent_by(now, ours, others.max(day.others));
    if points.last() != Some(&last) {
        points.push(last);
    }
    points
}

/// When nothing will be left for us if it goes on as in this hour and the one before.
fn lasts_until(day: &DayFigures, ours: u64, granted: DailyBudget, now: Timestamp) -> Option<Timestamp> {
    /// Too little of a day to tell how it goes.
    const LEAST: SignedDuration = SignedDuration::from_mins(10);
    let for_us = granted.left(Class::Urgent, ours, day.others);
    if for_us == 0 {
        return Some(now);
    }
    let since_hour = now.as_second().div_euclid(HOUR) - 1;
    let since = second(since_hour * HOUR).max(day.began_at);
    let passed = now.duration_since(since);
    if passed < LEAST {
        return None;
    }
    let lately: u64 = day.hours.range(since_hour..).map(|(_, of)| of.ours).sum();
    let before = day.hours.range(..since_hour).rev().find_map(|(_, of)| of.others).unwrap_or(0);
    let all_lately = lately + day.others.saturating_sub(before);
    let of_company = granted.tokens.saturating_sub(ours).saturating_sub(day.others);
    let seconds = u64::try_from(passed.as_secs()).ok()?;
    // Our share ends by what we spend, the company's by what everybody does.
    let share = granted.left(Class::Urgent, ours, 0);
    let ends = [(share, lately), (of_company, all_lately)];
    let soonest =
        ends.into_iter().filter_map(|(left, spent)| left.saturating_mul(seconds).checked_div(spent)).min()?;
    let end = now.checked_add(SignedDuration::from_secs(i64::try_from(soonest).ok()?)).ok()?;
    (end < day.ends_at).then_some(end)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use sync_store::HourFigures;

    use super::*;

    const GRANTED: DailyBudget = DailyBudget { tokens: 10_000, max_share: 0.5, reserve: 0.1 };

    /// A day that began at 00:15, with what was spent of it by the hour.
    fn day(hours: &[(i64, u64, Option<u64>)]) -> DayFigures {
        let began_at = time("00:15");
        let hours: BTreeMap<i64, HourFigures> = hours
            .iter()
            .map(|(hour, ours, others)| (20_000 * 24 + hour, HourFigures { ours: *ours, others: *others }))
            .collect();
        let ours = hours.values().map(|of| of.ours).sum();
        DayFigures {
            began_at,
            ends_at: began_at + SignedDuration::from_hours(24),
            ours: BTreeMap::from([(Class::Edit, (ours, 7))]),
            others: hours.values().filter_map(|of| of.others).max().unwrap_or(0),
            hours,
            ..DayFigures::default()
        }
    }

    fn time(clock: &str) -> Timestamp {
        let (hour, minute) = clock.split_once(':').expect("a time");
        let minutes = hour.parse::<i64>().expect("hours") * 60 + minute.parse::<i64>().expect("minutes");
        second(20_000 * 86_400 + minutes * 60)
    }

    #[test]
    fn the_curve_is_flat_where_nothing_was_spent_and_ends_now() {
        let day = day(&[(0, 100, None), (3, 50, Some(30)), (5, 1, None)]);
        let told = Budget::of(&day, Some(GRANTED), time("05:30"));
        let points: Vec<_> = told.curve.iter().map(|by| (by.minute, by.ours, by.others)).collect();
        assert_eq!(
            points,
            [(0, 0, 0), (45, 100, 0), (165, 100, 0), (225, 150, 30), (285, 150, 30), (315, 151, 30)]
        );
        assert_eq!((told.ours, told.others, told.daily_ours), (151, 30, Some(5_000)));
        assert_eq!(told.classes, [ClassSpent { class: Class::Edit, tokens: 151, requests: 7 }]);
        assert!(told.ends_at.ends_with("T00:15:00Z"), "{}", told.ends_at);
        let quiet = Budget::of(&self::day(&[]), None, time("02:15"));
        assert_eq!(quiet.curve.iter().map(|by| by.minute).collect::<Vec<_>>(), [0, 120]);
        assert_eq!((quiet.lasts_until, quiet.daily), (None, None));
    }

    #[test]
    fn what_will_be_left_is_told_by_the_last_hours() {
        let until = |hours: &[(i64, u64, Option<u64>)], now: &str| {
            Budget::of(&day(hours), Some(GRANTED), time(now)).lasts_until
        };
        let clock = |at: Option<String>| at.map(|at| at[11..16].to_owned());
        // 1,000 tokens in an hour, and 4,000 of our share are left.
        assert_eq!(clock(until(&[(9, 1_000, None)], "10:00")), Some("14:00".to_owned()));
        // Others spend three times as much: 6,000 of the company's are left.
        assert_eq!(clock(until(&[(9, 1_000, Some(3_000))], "10:00")), Some("11:30".to_owned()));
        // What others spent before is no sign of what they spend now.
        assert_eq!(clock(until(&[(5, 0, Some(3_000)), (9, 1_000, None)], "10:00")), Some("14:00".to_owned()));
        assert_eq!(until(&[(9, 100, None)], "10:00"), None, "the day ends before");
        assert_eq!(until(&[(3, 1_000, None)], "10:00"), None, "nothing is spent any more");
        assert_eq!(until(&[(0, 1_000, None)], "00:20"), None, "the day has only begun");
        assert_eq!(clock(until(&[(3, 5_000, None)], "10:00")), Some("10:00".to_owned()), "used up");
    }
}
