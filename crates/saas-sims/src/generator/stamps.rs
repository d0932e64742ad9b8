//! When rows were created and last updated.

use jiff::{SignedDuration, Timestamp};

const TWO_YEARS: i64 = 2 * 365 * 86_400;

/// Hands out pairs of CreationDate and LastUpdateDate, the first never after the second.
pub(super) struct Stamps {
    rng: fastrand::Rng,
    end: Timestamp,
    /// Bulk jobs; each stamped hundreds of rows at the same microsecond.
    bulk: Vec<Timestamp>,
    /// The only stamp, where there is one.
    standing: Option<Timestamp>,
}

impl Stamps {
    /// Always one stamp.
    pub(super) fn standing(rng: fastrand::Rng, at: Timestamp) -> Self {
        Self { rng, end: at, bulk: Vec::new(), standing: Some(at) }
    }

    pub(super) fn new(rng: fastrand::Rng, rows: usize, end: Timestamp) -> Self {
        let mut stamps = Self { rng, end, bulk: Vec::new(), standing: None };
        for _ in 0..(rows / 1000).max(1) {
            let at = stamps.single();
            stamps.bulk.push(at);
        }
        stamps
    }

    pub(super) fn next(&mut self) -> (Timestamp, Timestamp) {
        if let Some(at) = self.standing {
            return (at, at);
        }
        let updated = match self.rng.u32(..100) {
            0..35 => self.rng.choice(&self.bulk).copied().unwrap_or(self.end),
            _ => self.single(),
        };
        if self.rng.u32(..100) < 30 {
            return (updated, updated);
        }
        let age = SignedDuration::from_micros(self.rng.i64(1..300 * 86_400 * 1_000_000));
        (updated.checked_sub(age).unwrap_or(updated), updated)
    }

    /// Some time in the two years before the end; a quarter of the stamps has no milliseconds.
    fn single(&mut self) -> Timestamp {
        let seconds = self.rng.i64(1..TWO_YEARS);
        let millis = if self.rng.u32(..4) == 0 { 0 } else { self.rng.i64(0..1000) };
        let micros = self.rng.i64(0..1000);
        let fraction = SignedDuration::from_micros(millis * 1000 + micros);
        let at =
            self.end.checked_sub(SignedDuration::from_secs(seconds)).and_then(|at| at.checked_add(fraction));
        at.unwrap_or(self.end)
    }
}
