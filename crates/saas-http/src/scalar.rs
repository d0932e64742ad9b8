//! Single values out of other people's JSON, whatever type they chose today.
//!
//! Absent, null and blank are the same: `None`. A value of a wrong shape is an error that names the attribute,
//! because that is what the person who reads the hold needs.

use jiff::Timestamp;
use serde_json::Value;
use sync_core::text;

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

/// Enough of a value to recognise it.
fn shown(text: &str) -> String {
    text::bounded(text, 60).0
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

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
