//! Single values out of other people's JSON, whatever type they chose today.
//!
//! Absent, null and blank are the same: `None`. A value of a wrong shape is an error that names the attribute,
//! because that is what the person who reads the hold needs.

use jiff::{Timestamp, civil::Date};
use serde_json::Value;
use sync_core::{money::Amount, text};

/// Text; numbers are taken as they are written. Blanks are squeezed.
///
/// # Errors
/// When it is anything else.
pub fn text(name: &str, value: Option<&Value>) -> Result<Option<String>, String> {
    match value {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(text::present(Some(text))),
        Some(Value::Number(number)) => Ok(Some(number.to_string())),
        Some(other) => Err(wrong(name, "a text", other)),
    }
}

/// A whole number, as a number or as decimal digits in a text.
///
/// # Errors
/// When it is anything else.
pub fn int(name: &str, value: Option<&Value>) -> Result<Option<i64>, String> {
    match value {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) if text.trim().is_empty() => Ok(None),
        Some(value) => {
            let read = match value {
                Value::Number(number) => number.as_i64(),
                Value::String(text) => text.trim().parse().ok(),
                Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
            };
            read.map(Some).ok_or_else(|| wrong(name, "a whole number", value))
        }
    }
}

/// A moment in RFC 3339, with or without a fraction, with `Z` or an offset.
///
/// # Errors
/// When it is anything else, or names no zone.
pub fn moment(name: &str, value: Option<&Value>) -> Result<Option<Timestamp>, String> {
    let Some(text) = text(name, value)? else { return Ok(None) };
    match text.parse() {
        Ok(at) => Ok(Some(at)),
        Err(_) => Err(format!("{name} is not a time: {}", shown(&text))),
    }
}

/// An amount of money, as a number or as decimal digits in a text, exact to 1/10,000 (numbers of up to 15 digits).
///
/// # Errors
/// When it is anything else, or too large.
pub fn amount(name: &str, value: Option<&Value>) -> Result<Option<Amount>, String> {
    match value {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) if text.trim().is_empty() => Ok(None),
        Some(value) => {
            let read = match value {
                // The shortest digits that mean the same number: those that were sent, up to 15 of them.
                Value::Number(number) => Amount::parse(&number.to_string()),
                Value::String(text) => Amount::parse(text),
                Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
            };
            read.map(Some).ok_or_else(|| wrong(name, "an amount", value))
        }
    }
}

/// A day, without time and zone. A time of day is cut off, as it is written: no zone is shifted.
///
/// # Errors
/// When it is anything else.
pub fn day(name: &str, value: Option<&Value>) -> Result<Option<Date>, String> {
    let Some(text) = text(name, value)? else { return Ok(None) };
    let day = text.split(['T', ' ']).next().unwrap_or_default();
    day.parse().map(Some).map_err(|_| format!("{name} is not a day: {}", shown(&text)))
}

/// True or false, also as the 0 and 1 of older interfaces.
///
/// # Errors
/// When it is anything else.
pub fn flag(name: &str, value: Option<&Value>) -> Result<Option<bool>, String> {
    match value {
        None | Some(Value::Null) => Ok(None),
        Some(Value::Bool(flag)) => Ok(Some(*flag)),
        Some(Value::Number(number)) if number.as_i64() == Some(1) => Ok(Some(true)),
        Some(Value::Number(number)) if number.as_i64() == Some(0) => Ok(Some(false)),
        Some(other) => Err(wrong(name, "true or false", other)),
    }
}

/// The value, or the complaint that it is missing.
///
/// # Errors
/// When there is none.
pub fn required<T>(name: &str, value: Option<T>) -> Result<T, String> {
    value.ok_or_else(|| format!("{name} is missing"))
}

fn wrong(name: &str, wanted: &str, value: &Value) -> String {
    format!("{name} is not {wanted}: {}", shown(&value.to_string()))
}

/// Enough of a value to recognise it, in one line without control characters.
fn shown(text: &str) -> String {
    text::bounded(&text::squeeze(text), 60).0
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn amounts_are_decimals_whether_numbers_or_digits() {
        for value in [json!(0.1), json!("0.1"), json!(0.100)] {
            assert_eq!(amount("Total", Some(&value)), Ok(Some(Amount(1_000))));
        }
        assert_eq!(amount("Total", Some(&json!(1_234_567_890.12))), Ok(Some(Amount(12_345_678_901_200))));
        assert_eq!(amount("Total", Some(&json!(null))), Ok(None));
        assert!(amount("Total", Some(&json!("1,5"))).unwrap_err().contains("Total is not an amount"));
    }

    #[test]
    fn days_are_never_shifted_by_a_zone() {
        for text in ["2026-01-31", "2026-01-31T23:59:59-11:00", "2026-01-31 00:00:00"] {
            assert_eq!(day("DueDate", Some(&json!(text))), Ok(Some(jiff::civil::date(2026, 1, 31))));
        }
        assert!(day("DueDate", Some(&json!("31.01.2026"))).is_err());
        assert_eq!(flag("x", Some(&json!(1))), Ok(Some(true)));
        assert!(flag("x", Some(&json!("yes"))).is_err());
    }

    #[test]
    fn ids_are_numbers_or_digits() {
        for value in [json!(300_000_248_939_071_i64), json!("300000248939071"), json!(" 300000248939071 ")] {
            assert_eq!(int("PartyId", Some(&value)), Ok(Some(300_000_248_939_071)));
        }
        assert_eq!(int("PartyId", Some(&json!(null))), Ok(None));
        assert_eq!(int("PartyId", None), Ok(None));
        let complaint = int("PartyId", Some(&json!({"a": 1}))).unwrap_err();
        assert_eq!(complaint, r#"PartyId is not a whole number: {"a":1}"#);
    }

    #[test]
    fn times_come_with_and_without_fraction_and_zone_letter() {
        let at: Timestamp = "2026-01-02T03:04:05Z".parse().unwrap();
        for text in ["2026-01-02T03:04:05Z", "2026-01-02T03:04:05+00:00", "2026-01-02T03:04:05.000+00:00"] {
            assert_eq!(moment("LastUpdateDate", Some(&json!(text))), Ok(Some(at)));
        }
        assert!(moment("LastUpdateDate", Some(&json!("2026-01-02T03:04:05"))).is_err(), "no zone, no moment");
        assert!(moment("LastUpdateDate", Some(&json!("4712-12-31"))).is_err());
    }

    #[test]
    fn texts_may_be_numbers_but_not_objects() {
        assert_eq!(text("n", Some(&json!("  a  b "))), Ok(Some("a b".to_owned())));
        assert_eq!(text("n", Some(&json!(42))), Ok(Some("42".to_owned())));
        assert_eq!(text("n", Some(&json!(" "))), Ok(None));
        assert!(text("n", Some(&json!([1]))).is_err());
    }
}
