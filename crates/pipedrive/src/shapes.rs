//! Single values in the shapes that v1 has, some of which shine through in v2 (pipedrive.md 1.3, 8).

use jiff::{Timestamp, civil::DateTime, tz::TimeZone};
use saas_http::scalar::{int, moment, required, text};
use serde_json::Value as Json;

/// The id of a related record: a plain number, or an object with the number in `value`.
pub(crate) fn reference(name: &str, value: Option<&Json>) -> Result<Option<i64>, String> {
    match value {
        Some(Json::Object(object)) => {
            let inner = format!("{name}.value");
            required(&inner, int(&inner, object.get("value"))?).map(Some)
        }
        other => int(name, other),
    }
}

/// A moment as v1 writes it, `YYYY-MM-DD HH:MM:SS` in UTC, or as v2 does.
pub(crate) fn old_moment(name: &str, value: Option<&Json>) -> Result<Option<Timestamp>, String> {
    let Some(written) = text(name, value)? else { return Ok(None) };
    let old = DateTime::strptime("%Y-%m-%d %H:%M:%S", &written).and_then(|at| at.to_zoned(TimeZone::UTC));
    old.map_or_else(|_| moment(name, value), |at| Ok(Some(at.timestamp())))
}

/// Whether a flag says no: false, 0, or either of them as a text.
pub(crate) fn says_no(value: Option<&Json>) -> bool {
    match value {
        Some(Json::Bool(flag)) => !flag,
        Some(Json::Number(number)) => number.as_i64() == Some(0),
        Some(Json::String(text)) => matches!(text.trim(), "false" | "0"),
        None | Some(Json::Null | Json::Array(_) | Json::Object(_)) => false,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn related_records_are_ids_or_objects_with_one() {
        assert_eq!(reference("org_id", Some(&json!(5))), Ok(Some(5)));
        assert_eq!(reference("org_id", Some(&json!({"name": "Acme", "value": "5"}))), Ok(Some(5)));
        assert_eq!(reference("org_id", Some(&json!(null))), Ok(None));
        let nameless = reference("org_id", Some(&json!({"name": "Acme"})));
        assert_eq!(nameless, Err("org_id.value is missing".to_owned()), "never taken for nobody");
    }

    #[test]
    fn times_of_both_versions_are_the_same_moment() {
        let at: Timestamp = "2019-12-09T14:26:11Z".parse().unwrap();
        for written in ["2019-12-09 14:26:11", "2019-12-09T14:26:11Z"] {
            assert_eq!(old_moment("time", Some(&json!(written))), Ok(Some(at)), "{written}");
        }
        assert!(old_moment("time", Some(&json!("yesterday"))).is_err());
        assert_eq!(old_moment("time", None), Ok(None));
    }

    #[test]
    fn flags_say_no_in_four_ways_and_nothing_else_does() {
        for no in [json!(false), json!(0), json!("false"), json!("0")] {
            assert!(says_no(Some(&no)), "{no}");
        }
        for yes in [json!(true), json!(1), json!("true"), json!(null)] {
            assert!(!says_no(Some(&yes)), "{yes}");
        }
        assert!(!says_no(None));
    }
}
