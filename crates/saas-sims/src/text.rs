//! Small things about text that both simulators need.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use sha2::{Digest as _, Sha256};

/// Decodes `%xx`; what is no valid escape stays as it is.
pub(crate) fn percent_decode(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let escaped = (bytes[at] == b'%').then(|| text.get(at + 1..at + 3)).flatten();
        if let Some(byte) = escaped.and_then(|hex| u8::from_str_radix(hex, 16).ok()) {
            out.push(byte);
            at += 3;
        } else {
            out.push(bytes[at]);
            at += 1;
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

/// Encodes everything but unreserved characters, for a path segment.
pub(crate) fn percent_encode(text: &str) -> String {
    text.bytes()
        .map(|byte| match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                char::from(byte).to_string()
            }
            other => format!("%{other:02X}"),
        })
        .collect()
}

/// The `Date` header's form, such as `Tue, 24 Nov 2026 12:35:00 GMT` (RFC 7231, IMF-fixdate).
pub(crate) fn imf_fixdate(at: Timestamp) -> String {
    at.to_zoned(TimeZone::UTC).strftime("%a, %d %b %Y %H:%M:%S GMT").to_string()
}

/// Whether `text` reads `YYYY-MM-DDTHH:MM:SS[.f][Z|±HH:MM]`; says what comes after the seconds.
pub(crate) fn date_time_shape(text: &str) -> Option<DateTimeTail<'_>> {
    let pattern = b"0000-00-00T00:00:00";
    let head = text.as_bytes().get(..pattern.len())?;
    let fits = head.iter().zip(pattern).all(|(byte, want)| match want {
        b'0' => byte.is_ascii_digit(),
        other => byte == other,
    });
    if !fits {
        return None;
    }
    let rest = text.get(pattern.len()..)?;
    let (fraction, zone) = match rest.strip_prefix('.') {
        None => ("", rest),
        Some(after) => {
            let digits = after.bytes().take_while(u8::is_ascii_digit).count();
            if digits == 0 {
                return None;
            }
            after.split_at(digits)
        }
    };
    let zone_fits = match zone.as_bytes() {
        b"" | b"Z" => true,
        [b'+' | b'-', a, b, b':', c, d] => [a, b, c, d].iter().all(|byte| byte.is_ascii_digit()),
        _ => false,
    };
    zone_fits.then_some(DateTimeTail { fraction, zone })
}

/// What follows the seconds of a date-time.
pub(crate) struct DateTimeTail<'a> {
    /// The digits after the point; empty when there is none.
    pub(crate) fraction: &'a str,
    /// `Z`, an offset, or empty.
    pub(crate) zone: &'a str,
}

/// A hash as hex: the same parts give the same text.
pub(crate) fn digest(parts: &[&str]) -> String {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update(part.as_bytes());
        hash.update([0]);
    }
    hex::encode(hash.finalize())
}

/// Whether the text is a day, `YYYY-MM-DD`.
pub(crate) fn is_date(text: &str) -> bool {
    text.len() == 10 && text.parse::<jiff::civil::Date>().is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_of_headers_are_imf_fixdates() {
        let at: Timestamp = "1994-11-06T08:49:37Z".parse().unwrap();
        assert_eq!(imf_fixdate(at), "Sun, 06 Nov 1994 08:49:37 GMT");
    }

    #[test]
    fn date_times_have_one_shape() {
        assert!(date_time_shape("2026-01-01T00:00:00Z").is_some_and(|tail| tail.fraction.is_empty()));
        assert!(date_time_shape("2026-01-01T00:00:00.5+00:00").is_some_and(|tail| tail.zone == "+00:00"));
        for bad in
            ["2026-01-01", "2026-01-01 00:00:00Z", "2026-01-01T00:00:00.Z", "2026-01-01T00:00:00 Z", "x"]
        {
            assert!(date_time_shape(bad).is_none(), "{bad}");
        }
    }

    #[test]
    fn percent_escapes_go_both_ways() {
        assert_eq!(percent_decode(&percent_encode("a/b ü%")), "a/b ü%");
        assert_eq!(percent_decode("100%"), "100%");
    }
}
