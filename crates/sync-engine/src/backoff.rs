//! How long to wait before the next try: doubling, capped, spread by the key itself instead of by chance.

use jiff::SignedDuration;

const FIRST_MS: i64 = 2_000;
const MOST_MS: i64 = 15 * 60 * 1_000;

/// Pause before try number `attempts + 1`, for the key `spread`. Between 2 s and about 17 min.
pub(crate) fn after(attempts: u32, spread: i64) -> SignedDuration {
    let doubled = FIRST_MS.saturating_mul(1_i64 << attempts.saturating_sub(1).min(20)).min(MOST_MS);
    // An eighth more or less, so that keys that failed together do not come back together.
    let eighth = doubled / 8;
    let jitter = spread.wrapping_mul(0x9E37_79B9).rem_euclid(eighth.max(1));
    SignedDuration::from_millis(doubled + jitter)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_a_quarter_of_an_hour() {
        assert!(after(1, 0) >= SignedDuration::from_secs(2));
        assert!(after(3, 0) >= SignedDuration::from_secs(8));
        assert!(after(3, 12_345) < SignedDuration::from_secs(10));
        assert!(after(200, 7) <= SignedDuration::from_mins(17));
    }
}
