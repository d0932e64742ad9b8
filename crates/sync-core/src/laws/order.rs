//! The laws about what may be sent when: 5 (what is urgent, what is reserved) and 10 (waves).

use std::collections::VecDeque;

use jiff::{SignedDuration, Timestamp};

use super::{Violation, broken};
use crate::budget::Class;

/// Law 5, order: nothing is sent while something more urgent is due. `waiting` is the most urgent class of what is due.
#[must_use]
pub fn law_5_urgent_first(sent: Class, waiting: Option<Class>) -> Option<Violation> {
    let waiting = waiting.filter(|waiting| *waiting < sent)?;
    Some(broken(5, format!("a write of class {sent:?} is to be sent while {waiting:?} is due")))
}

/// Law 5, reserve: who was told that only the reserve is left until then does not ask again before, neither for the class that
/// was refused nor for any that is less urgent. `told` are that class and that time.
#[must_use]
pub fn law_5_reserve_left_alone(
    asked: Class,
    now: Timestamp,
    told: Option<(Class, Timestamp)>,
) -> Option<Violation> {
    let (refused, until) = told.filter(|(refused, until)| asked >= *refused && now < *until)?;
    Some(broken(5, format!("{asked:?} asks again though {refused:?} was told to wait until {until}")))
}

/// Law 10, waves: of writes that nobody was asked about no more than `limit` are made within `window`. `at` are their times.
#[must_use]
pub fn law_10_no_wave(
    what: &str,
    at: impl IntoIterator<Item = Timestamp>,
    limit: u64,
    window: SignedDuration,
) -> Option<Violation> {
    let mut times: Vec<Timestamp> = at.into_iter().collect();
    times.sort_unstable();
    let mut recent: VecDeque<Timestamp> = VecDeque::new();
    for at in times {
        recent.push_back(at);
        while recent.front().is_some_and(|first| at.duration_since(*first) >= window) {
            recent.pop_front();
        }
        if recent.len() as u64 > limit {
            let (count, minutes) = (recent.len(), window.as_mins());
            return Some(broken(
                10,
                format!("{count} {what} within {minutes} minutes, {limit} may pass unasked"),
            ));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_less_urgent_waits() {
        assert!(law_5_urgent_first(Class::Edit, Some(Class::NewCustomer)).is_some());
        assert_eq!(law_5_urgent_first(Class::Edit, Some(Class::Edit)), None);
        assert_eq!(law_5_urgent_first(Class::Edit, None), None);
    }

    #[test]
    fn whoever_was_told_to_wait_waits_until_then() {
        let at = |second| Timestamp::from_second(second).unwrap();
        let told = Some((Class::Edit, at(100)));
        assert!(law_5_reserve_left_alone(Class::Audit, at(99), told).is_some());
        assert_eq!(law_5_reserve_left_alone(Class::Audit, at(100), told), None);
        assert_eq!(law_5_reserve_left_alone(Class::NewCustomer, at(99), told), None);
    }

    #[test]
    fn a_wave_is_more_than_the_limit_within_the_window() {
        let at = |minutes: &[i64]| {
            minutes.iter().map(|m| Timestamp::from_second(m * 60).unwrap()).collect::<Vec<_>>()
        };
        let window = SignedDuration::from_mins(30);
        assert!(law_10_no_wave("creates", at(&[40, 1, 2, 29]), 2, window).is_some());
        assert_eq!(law_10_no_wave("creates", at(&[1, 2, 31, 32]), 2, window), None);
    }
}
