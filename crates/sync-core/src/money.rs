//! Amounts of money: whole numbers of 1/10,000 of a unit, so that sums and comparisons are exact.

use std::{fmt, iter::Sum, ops};

use serde::{Deserialize, Serialize};

/// Parts of one unit.
const SCALE: i64 = 10_000;

/// An amount without its currency, in 1/10,000 of the unit. Up to about 922 trillion units either way.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Amount(pub i64);

impl Amount {
    /// Nothing.
    pub const ZERO: Self = Self(0);

    /// Reads decimal digits, with or without sign, fraction and exponent; beyond the fourth decimal it is rounded, half
    /// away from zero. `None` for anything else and for what is too large.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        let (mantissa, exponent) = match text.split_once(['e', 'E']) {
            Some((mantissa, exponent)) => (mantissa, exponent.parse::<i32>().ok()?),
            None => (text, 0),
        };
        let negative = mantissa.starts_with('-');
        let digits = mantissa.strip_prefix(['-', '+']).unwrap_or(mantissa);
        let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
        let all = [whole, fraction].concat();
        if all.is_empty() || !all.bytes().all(|byte| byte.is_ascii_digit()) || all.len() > 38 {
            return None;
        }
        let number: i128 = all.parse().ok()?;
        let fraction_digits = i32::try_from(fraction.len()).ok()?;
        // number * 10^shift, in parts of a unit.
        let shift = exponent.checked_sub(fraction_digits)?.checked_add(4)?;
        let parts = if shift >= 0 {
            let power = 10_i128.checked_pow(u32::try_from(shift).ok()?)?;
            number.checked_mul(power)?
        } else {
            match 10_i128.checked_pow(shift.unsigned_abs()) {
                Some(power) => half_away(number, power),
                None => 0,
            }
        };
        i64::try_from(if negative { -parts } else { parts }).ok().map(Self)
    }

    /// The amount in so many decimals, half away from zero; currencies have 0 (JPY) to 4.
    #[must_use]
    pub fn rounded(self, decimals: u8) -> Self {
        let Some(drop) = 4_u32.checked_sub(u32::from(decimals)) else { return self };
        let step = 10_i128.pow(drop);
        let rounded = half_away(i128::from(self.0), step) * step;
        Self(i64::try_from(rounded).unwrap_or(self.0))
    }

    /// Whether it is nothing.
    #[must_use]
    pub fn is_zero(self) -> bool {
        self.0 == 0
    }
}

/// Division by a positive number, to the nearest, half away from zero.
fn half_away(number: i128, by: i128) -> i128 {
    let half = by / 2;
    if number < 0 { (number - half) / by } else { (number + half) / by }
}

/// Decimal digits without needless zeros: `12.5`, `-3`.
impl fmt::Display for Amount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.0 < 0 { "-" } else { "" };
        let (whole, parts) =
            (self.0.unsigned_abs() / SCALE.unsigned_abs(), self.0.unsigned_abs() % SCALE.unsigned_abs());
        if parts == 0 {
            return write!(f, "{sign}{whole}");
        }
        let fraction = format!("{parts:04}");
        write!(f, "{sign}{whole}.{}", fraction.trim_end_matches('0'))
    }
}

impl ops::Add for Amount {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }
}

impl ops::Sub for Amount {
    type Output = Self;

    fn sub(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0))
    }
}

impl Sum for Amount {
    fn sum<I: Iterator<Item = Self>>(amounts: I) -> Self {
        amounts.fold(Self::ZERO, ops::Add::add)
    }
}

/// An amount in a currency.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Money {
    /// How much.
    pub amount: Amount,
    /// ISO 4217, or a code of the company's own.
    pub currency: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decimals_are_exact_and_rounded_beyond_the_fourth() {
        for (text, parts) in [
            ("0", 0),
            ("12.5", 125_000),
            ("-0.0001", -1),
            ("0.00005", 1),
            ("-0.00005", -1),
            ("0.00004999", 0),
            ("1e3", 10_000_000),
            ("1.5E-2", 150),
            ("922337203685477.5807", i64::MAX),
            (" 7 ", 70_000),
            ("1e-40", 0),
        ] {
            assert_eq!(Amount::parse(text), Some(Amount(parts)), "{text}");
        }
        for bad in ["", "-", "1,5", "x", "922337203685477.5808", "1e400", "NaN", "--1", "1.2.3"] {
            assert_eq!(Amount::parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn printing_and_reading_are_inverse() {
        for parts in [0, 1, -1, 10_000, 125_000, -999_999_999, i64::MAX, i64::MIN + 1] {
            assert_eq!(Amount::parse(&Amount(parts).to_string()), Some(Amount(parts)));
        }
    }

    #[test]
    fn currencies_round_half_away_from_zero() {
        let amount = Amount::parse("2.3455").unwrap();
        let rounded = [0, 1, 2, 3, 4, 9].map(|decimals| amount.rounded(decimals).to_string());
        assert_eq!(rounded, ["2", "2.3", "2.35", "2.346", "2.3455", "2.3455"]);
        assert_eq!(Amount::parse("-0.5").unwrap().rounded(0).to_string(), "-1");
        assert_eq!(Amount(i64::MAX).rounded(0).0 % SCALE, Amount(i64::MAX).0 % SCALE);
    }
}
