//! Exact decimal numbers, as far as a double of the CRM can keep them.

use std::{cmp::Ordering, fmt};

/// Digits after the point.
const MOST_SCALE: i64 = 400;

/// Digits of the longest number that is written without an exponent: what we write we can read.
const MOST_WRITTEN: usize = 440;

/// A number without needless zeros: `digits` times ten to the power of `-scale`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Decimal {
    digits: i128,
    scale: u32,
}

impl Decimal {
    /// Reads digits with or without sign, fraction and exponent; `None` for anything else and beyond 30 digits.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        let (mantissa, exponent) = match text.split_once(['e', 'E']) {
            Some((mantissa, exponent)) => (mantissa, exponent.parse::<i64>().ok()?),
            None => (text, 0),
        };
        let negative = mantissa.starts_with('-');
        let plain = mantissa.strip_prefix(['-', '+']).unwrap_or(mantissa);
        let (whole, fraction) = plain.split_once('.').unwrap_or((plain, ""));
        let all = [whole, fraction].concat();
        if all.is_empty() || !all.bytes().all(|byte| byte.is_ascii_digit()) || all.len() > MOST_WRITTEN {
            return None;
        }
        let significant = all.trim_start_matches('0');
        if significant.trim_end_matches('0').len() > 30 {
            return None;
        }
        let digits: i128 = if significant.is_empty() { 0 } else { significant.parse().ok()? };
        let scale = i64::try_from(fraction.len()).ok()?.checked_sub(exponent)?;
        Self::new(if negative { -digits } else { digits }, scale)
    }

    fn new(mut digits: i128, mut scale: i64) -> Option<Self> {
        if digits == 0 {
            return Some(Self { digits: 0, scale: 0 });
        }
        if !(-30..=MOST_SCALE).contains(&scale) {
            return None;
        }
        while scale > 0 && digits % 10 == 0 {
            (digits, scale) = (digits / 10, scale - 1);
        }
        while scale < 0 {
            (digits, scale) = (digits.checked_mul(10)?, scale + 1);
        }
        Some(Self { digits, scale: u32::try_from(scale).ok()? })
    }

    /// The product, when it is not too long.
    pub(super) fn times(self, other: Self) -> Option<Self> {
        Self::new(self.digits.checked_mul(other.digits)?, i64::from(self.scale) + i64::from(other.scale))
    }

    /// The number as a whole one.
    pub(super) fn whole(self) -> Option<i128> {
        (self.scale == 0).then_some(self.digits)
    }

    /// How many digits stand before the point.
    pub(super) fn whole_digits(self) -> usize {
        self.digits_text().len().saturating_sub(self.scale as usize)
    }

    /// How many digits it takes to say it.
    pub(super) fn significant(self) -> usize {
        self.digits_text().len()
    }

    /// How many digits stand after the point.
    pub(super) fn decimals(self) -> u32 {
        self.scale
    }

    fn digits_text(self) -> String {
        self.digits.unsigned_abs().to_string()
    }
}

impl Ord for Decimal {
    /// By value: signs first, then the places before the point, then the digits of one length.
    fn cmp(&self, other: &Self) -> Ordering {
        let signs = self.digits.signum().cmp(&other.digits.signum());
        if signs.is_ne() {
            return signs;
        }
        let place = |decimal: &Self| decimal.digits_text().len() as i64 - i64::from(decimal.scale);
        let (left, right) = (self.digits_text(), other.digits_text());
        // Trailing zeros of a fraction are gone, so the longer of two equal beginnings is the larger.
        let size = place(self).cmp(&place(other)).then_with(|| left.cmp(&right));
        if self.digits < 0 { size.reverse() } else { size }
    }
}

impl PartialOrd for Decimal {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl fmt::Display for Decimal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.digits < 0 { "-" } else { "" };
        let scale = self.scale as usize;
        let padded = format!("{:0>width$}", self.digits_text(), width = scale + 1);
        let (whole, fraction) = padded.split_at(padded.len() - scale);
        if fraction.is_empty() { write!(f, "{sign}{whole}") } else { write!(f, "{sign}{whole}.{fraction}") }
    }
}

/// The digits of a calculated number, without the noise after the fifteenth (`0.1 + 0.2` is `0.3`).
pub(super) fn float_text(number: f64) -> Option<String> {
    if !number.is_finite() {
        return None;
    }
    Decimal::parse(&format!("{number:.14e}")).map(|decimal| decimal.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decimals_are_read_and_said_exactly() {
        for (text, said) in [
            ("0012.500", "12.5"),
            ("-0.0", "0"),
            ("-.05", "-0.05"),
            ("1e3", "1000"),
            ("1.5E-3", "0.0015"),
            ("+7.", "7"),
            ("123456789012345678901234567890", "123456789012345678901234567890"),
        ] {
            assert_eq!(
                Decimal::parse(text).map(|decimal| decimal.to_string()).as_deref(),
                Some(said),
                "{text}"
            );
        }
        for bad in
            ["", "-", "1,5", "x", "NaN", "--1", "1.2.3", "1e999", "1e-999", "1234567890123456789012345678901"]
        {
            assert_eq!(Decimal::parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn numbers_are_in_their_order() {
        let sorted = [
            "-100.5", "-100", "-0.5", "-0.05", "0", "0.001", "0.05", "0.5", "9", "9.25", "10", "99.9", "100",
        ];
        for (at, left) in sorted.iter().enumerate() {
            for (other, right) in sorted.iter().enumerate() {
                let order = Decimal::parse(left).unwrap().cmp(&Decimal::parse(right).unwrap());
                assert_eq!(order, at.cmp(&other), "{left} {right}");
            }
        }
    }

    #[test]
    fn products_are_exact_or_none() {
        let decimal = |text| Decimal::parse(text).unwrap();
        assert_eq!(decimal("1250.5").times(decimal("0.1")).unwrap().to_string(), "125.05");
        assert_eq!(decimal("0.5").times(decimal("2")).unwrap().whole(), Some(1));
        assert_eq!(decimal(&"9".repeat(30)).times(decimal(&"9".repeat(30))), None);
    }

    #[test]
    fn digits_are_counted_on_both_sides_of_the_point() {
        let decimal = Decimal::parse("-120.034").unwrap();
        assert_eq!((decimal.whole_digits(), decimal.decimals(), decimal.significant()), (3, 3, 6));
        assert_eq!(Decimal::parse("0.00001").unwrap().whole_digits(), 0);
        assert_eq!(float_text(0.1 + 0.2).as_deref(), Some("0.3"));
        assert_eq!(float_text(f64::NAN), None);
    }
}
