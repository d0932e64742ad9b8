//! Times of version 1: `YYYY-MM-DD HH:MM:SS` in UTC (sections 1.3, 8).

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;

/// The time as version 1 writes it.
pub(crate) fn text(at: Timestamp) -> String {
    at.to_zoned(TimeZone::UTC).strftime("%Y-%m-%d %H:%M:%S").to_string()
}

/// A time in exactly that form.
pub(crate) fn parse(given: &str) -> Option<Timestamp> {
    let at = DateTime::strptime("%Y-%m-%d %H:%M:%S", given).ok()?;
    let at = at.to_zoned(TimeZone::UTC).ok()?.timestamp();
    (text(at) == given).then_some(at)
}

#[cfg(test)]
mod tests {
    use super::{parse, text};

    #[test]
    fn times_have_one_form() {
        let at = parse("2026-09-26 10:00:00").unwrap();
        assert_eq!((at.to_string(), text(at)), ("2026-09-26T10:00:00Z".into(), "2026-09-26 10:00:00".into()));
        for bad in ["2026-09-26T10:00:00Z", "2026-9-26 10:00:00", "2026-09-26", "2026-02-30 10:00:00"] {
            assert_eq!(parse(bad), None, "{bad}");
        }
    }
}
