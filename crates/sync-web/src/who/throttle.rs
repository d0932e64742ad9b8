//! Who tries passwords has to wait: per name and per address, longer with every failure.
//!
//! Kept in memory: a process that starts anew forgets, which costs whoever guesses more time than it saves.

use std::{collections::BTreeMap, net::IpAddr, sync::Mutex};

use jiff::{SignedDuration, Timestamp};

/// Failures that cost nothing.
const FREE: u32 = 5;

/// How long the first wait is; each following one is twice as long.
const FIRST: SignedDuration = SignedDuration::from_secs(2);

/// How long a wait is at most.
const LONGEST: SignedDuration = SignedDuration::from_mins(15);

/// After how long failures are forgotten: longer than any wait, or the longest would be the last.
const FORGOTTEN: SignedDuration = SignedDuration::from_hours(1);

/// The most names and addresses remembered: what others can make us hold in memory.
const MOST: usize = 10_000;

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Key {
    Name(String),
    Address(IpAddr),
}

#[derive(Debug, Clone, Copy)]
struct Failures {
    count: u32,
    last: Timestamp,
}

impl Failures {
    fn until(self) -> Timestamp {
        let doublings = self.count.saturating_sub(FREE);
        if doublings == 0 {
            return self.last;
        }
        let wait = 2_i64.saturating_pow(doublings - 1).saturating_mul(FIRST.as_secs());
        self.last + SignedDuration::from_secs(wait).min(LONGEST)
    }
}

/// What failed lately.
#[derive(Default)]
pub(crate) struct Throttle(Mutex<BTreeMap<Key, Failures>>);

fn keys(name: &str, address: Option<IpAddr>) -> impl Iterator<Item = Key> {
    let name: String = name.trim().to_lowercase().chars().take(100).collect();
    [Some(Key::Name(name)), address.map(Key::Address)].into_iter().flatten()
}

impl Throttle {
    /// From when on a password may be tried; none if at once.
    pub(crate) fn wait(&self, name: &str, address: Option<IpAddr>, now: Timestamp) -> Option<Timestamp> {
        let Ok(known) = self.0.lock() else { return None };
        let until = keys(name, address).filter_map(|key| known.get(&key)).map(|failures| failures.until());
        until.max().filter(|until| *until > now)
    }

    /// A password was wrong.
    pub(crate) fn failed(&self, name: &str, address: Option<IpAddr>, now: Timestamp) {
        let Ok(mut known) = self.0.lock() else { return };
        if known.len() >= MOST {
            known.retain(|_, failures| now.duration_since(failures.last) < FORGOTTEN);
        }
        for key in keys(name, address) {
            // Full of those who tried a moment ago: whoever is new is not remembered, whoever is known still waits.
            if known.len() >= MOST && !known.contains_key(&key) {
                continue;
            }
            let failures = known.entry(key).or_insert(Failures { count: 0, last: now });
            if now.duration_since(failures.last) >= FORGOTTEN {
                failures.count = 0;
            }
            *failures = Failures { count: failures.count.saturating_add(1), last: now };
        }
    }

    /// It was right.
    pub(crate) fn passed(&self, name: &str, address: Option<IpAddr>) {
        let Ok(mut known) = self.0.lock() else { return };
        for key in keys(name, address) {
            known.remove(&key);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_guesses_waits_longer_and_longer() {
        let throttle = Throttle::default();
        let (here, there) = (Some(IpAddr::from([10, 0, 0, 1])), Some(IpAddr::from([10, 0, 0, 2])));
        let mut now = Timestamp::UNIX_EPOCH;
        let seconds = SignedDuration::from_secs;
        for _ in 0..5 {
            assert_eq!(throttle.wait("Ada", here, now), None);
            throttle.failed("Ada", here, now);
        }
        let mut waits = Vec::new();
        for _ in 0..11 {
            throttle.failed("ada ", here, now);
            let until = throttle.wait("ADA", here, now).expect("a wait");
            waits.push(until.duration_since(now).as_secs());
            now = until;
            assert_eq!(throttle.wait("ada", here, now), None, "the wait is over");
        }
        assert_eq!(waits, [2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900]);
        throttle.failed("ada", here, now);
        assert!(throttle.wait("ada", there, now).is_some(), "a name waits from everywhere");
        assert!(throttle.wait("bob", here, now).is_some(), "an address waits for every name");
        assert_eq!(throttle.wait("bob", there, now), None);
        throttle.passed("ada", here);
        assert_eq!(throttle.wait("ada", here, now), None);
        for _ in 0..6 {
            throttle.failed("ada", here, now);
        }
        now += FORGOTTEN + seconds(1);
        throttle.failed("ada", here, now);
        assert_eq!(throttle.wait("ada", here, now), None, "what is long ago does not count");
    }

    #[test]
    fn others_cannot_fill_the_memory() {
        let throttle = Throttle::default();
        let now = Timestamp::UNIX_EPOCH;
        for number in 0..MOST + 100 {
            throttle.failed(&format!("name {number}"), None, now);
        }
        assert_eq!(throttle.0.lock().unwrap().len(), MOST);
        throttle.failed("late", None, now + FORGOTTEN);
        assert_eq!(throttle.0.lock().unwrap().len(), 1);
    }
}
