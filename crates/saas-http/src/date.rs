//! Dates in HTTP headers.

use http::{HeaderMap, header};
use jiff::{SignedDuration, Timestamp, fmt::rfc2822::DateTimeParser};

/// Nobody is waited for longer, whatever is asked: the longest pauses that make sense are daily budgets, and a clock or a gateway
/// that is wrong must not stop us for ever.
const LONGEST: SignedDuration = SignedDuration::from_hours(24);

/// The server's clock: its `Date` header (IMF-fixdate, whole seconds).
#[must_use]
pub fn http_date(headers: &HeaderMap) -> Option<Timestamp> {
    parse(headers.get(header::DATE)?.to_str().ok()?)
}

/// What `Retry-After` asks for, in seconds or as a date compared with `now`; never negative,
/// and never more than a day.
#[must_use]
pub fn retry_after(headers: &HeaderMap, now: Timestamp) -> Option<SignedDuration> {
    let text = headers.get(header::RETRY_AFTER)?.to_str().ok()?.trim();
    let wait = match text.parse::<u32>() {
        Ok(seconds) => SignedDuration::from_secs(i64::from(seconds)),
        Err(_) => parse(text)?.duration_since(now),
    };
    Some(wait.clamp(SignedDuration::ZERO, LONGEST))
}

fn parse(text: &str) -> Option<Timestamp> {
    DateTimeParser::new().parse_timestamp(text.trim()).ok()
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn with(name: header::HeaderName, value: &'static str) -> HeaderMap {
        HeaderMap::from_iter([(name, HeaderValue::from_static(value))])
    }

    #[test]
    fn the_date_header_is_an_imf_fixdate() {
        let at = http_date(&with(header::DATE, "Tue, 24 Nov 2026 12:00:05 GMT"));
        assert_eq!(at, Some("2026-11-24T12:00:05Z".parse().unwrap()));
        assert_eq!(http_date(&with(header::DATE, "yesterday")), None);
        assert_eq!(http_date(&HeaderMap::new()), None);
    }

    #[test]
    fn retry_after_is_seconds_or_a_date() {
        let now = "2026-11-24T12:00:00Z".parse().unwrap();
        let wait = |text| retry_after(&with(header::RETRY_AFTER, text), now);
        assert_eq!(wait("3939"), Some(SignedDuration::from_secs(3939)));
        assert_eq!(wait("Tue, 24 Nov 2026 12:01:00 GMT"), Some(SignedDuration::from_secs(60)));
        assert_eq!(wait("Tue, 24 Nov 2026 11:00:00 GMT"), Some(SignedDuration::ZERO));
        assert_eq!(wait("Thu, 31 Dec 2099 23:59:59 GMT"), Some(LONGEST));
        assert_eq!(wait("soon"), None);
    }
}
