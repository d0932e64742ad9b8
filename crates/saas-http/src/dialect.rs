//! What a refusal means, and how each vendor words it.

use http::{HeaderMap, StatusCode, header};
use jiff::{SignedDuration, Timestamp};
use sync_core::{
    error::{Effect, ErrorKind},
    text,
};

use crate::date::retry_after;

/// How long to stay away from a gateway that blocks us: its length is unknown, so many minutes (pipedrive.md 3.5).
const BLOCK: SignedDuration = SignedDuration::from_mins(10);

/// The most characters of a remote message that we repeat.
const MESSAGE: usize = 300;

/// An answer without success, as it came.
#[derive(Debug, Clone, Copy)]
pub struct Reply<'a> {
    /// Its status.
    pub status: StatusCode,
    /// Its headers.
    pub headers: &'a HeaderMap,
    /// Its body, decompressed.
    pub body: &'a [u8],
    /// When it came.
    pub now: Timestamp,
}

/// What a refusal means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// What to do about it.
    pub kind: ErrorKind,
    /// The remote system's words, bounded.
    pub message: String,
}

/// How a vendor speaks. The defaults are plain HTTP.
pub trait Dialect: Send + Sync {
    /// Reads an answer whose status is not 2xx.
    fn refusal(&self, reply: &Reply<'_>) -> Refusal {
        Refusal { kind: refusal_by_status(reply), message: reply.message() }
    }

    /// Whether what was refused may have happened all the same (reads never leave doubt). `None`: the status tells.
    fn effect(&self, reply: &Reply<'_>) -> Option<Effect> {
        let _ = reply;
        None
    }

    /// The id of the exchange that the vendor's support asks for.
    fn correlation(&self, headers: &HeaderMap) -> Option<String> {
        let _ = headers;
        None
    }

    /// How many requests a window may hold, if the answer says so.
    fn window(&self, headers: &HeaderMap) -> Option<u32> {
        let _ = headers;
        None
    }

    /// What is left of the day's budget, if the answer says so.
    fn tokens_left(&self, headers: &HeaderMap) -> Option<u64> {
        let _ = headers;
        None
    }
}

/// Plain HTTP without any vendor's habits.
#[derive(Debug, Clone, Copy, Default)]
pub struct Plain;

impl Dialect for Plain {}

/// What a status means when nobody knows better.
#[must_use]
pub fn refusal_by_status(reply: &Reply<'_>) -> ErrorKind {
    let transient = ErrorKind::Transient { after: retry_after(reply.headers, reply.now) };
    match reply.status.as_u16() {
        401 => ErrorKind::Unauthorized,
        403 => html_block(reply).unwrap_or(ErrorKind::Forbidden),
        402 => ErrorKind::Forbidden,
        404 | 410 => ErrorKind::Missing,
        408 | 425 | 429 => transient,
        400..=499 => ErrorKind::Rejected,
        // Redirects are not followed; gateways use them for maintenance pages.
        _ => transient,
    }
}

/// A gateway that answers for the API with a web page blocks us: stay away for long.
#[must_use]
pub fn html_block(reply: &Reply<'_>) -> Option<ErrorKind> {
    let after = retry_after(reply.headers, reply.now).map_or(BLOCK, |asked| asked.max(BLOCK));
    reply.is_html().then_some(ErrorKind::Transient { after: Some(after) })
}

impl Reply<'_> {
    /// Whether the body is a web page, by its type or its looks.
    #[must_use]
    pub fn is_html(&self) -> bool {
        let typed = self.headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
        typed.is_some_and(|kind| kind.to_ascii_lowercase().contains("text/html"))
            || self.body.trim_ascii_start().first() == Some(&b'<')
    }

    /// The body as JSON, if it is any.
    #[must_use]
    pub fn json(&self) -> Option<serde_json::Value> {
        serde_json::from_slice(self.body).ok()
    }

    /// A header as text.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// A sentence about the answer with whatever readable words it has.
    #[must_use]
    pub fn message(&self) -> String {
        let status = self.status.as_u16();
        if self.body.trim_ascii().is_empty() {
            return format!("{status} with an empty body");
        }
        if self.is_html() {
            return format!("{status} with a web page instead of an answer");
        }
        let words = match self.json() {
            Some(json) => ["error", "message", "error_description", "detail", "title"]
                .iter()
                .find_map(|key| json.get(key)?.as_str().map(str::to_owned)),
            None => Some(String::from_utf8_lossy(self.body).into_owned()),
        };
        match words {
            Some(words) => self.saying(&words),
            None => format!("{status} without a message"),
        }
    }

    /// A sentence about the answer with these words of its own, squeezed and bounded.
    #[must_use]
    pub fn saying(&self, words: &str) -> String {
        let words = text::squeeze(words);
        format!("{}: {}", self.status.as_u16(), text::bounded(&words, MESSAGE).0)
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn refused(status: u16, headers: &HeaderMap, body: &str) -> Refusal {
        let status = StatusCode::from_u16(status).unwrap();
        let now = "2026-11-24T12:00:00Z".parse().unwrap();
        Plain.refusal(&Reply { status, headers, body: body.as_bytes(), now })
    }

    #[test]
    fn statuses_say_what_to_do() {
        let none = HeaderMap::new();
        let kind = |status| refused(status, &none, "{}").kind;
        assert_eq!(kind(401), ErrorKind::Unauthorized);
        assert_eq!(kind(403), ErrorKind::Forbidden);
        assert_eq!(kind(404), ErrorKind::Missing);
        assert_eq!(kind(422), ErrorKind::Rejected);
        for status in [302, 408, 429, 500, 502, 503, 524] {
            assert_eq!(kind(status), ErrorKind::Transient { after: None }, "{status}");
        }
    }

    #[test]
    fn an_html_403_is_a_block_for_many_minutes_not_a_missing_right() {
        let page = "<!doctype html><title>Attention</title>This error is produced by Cloudflare";
        let refusal = refused(403, &HeaderMap::new(), page);
        assert_eq!(refusal.kind, ErrorKind::Transient { after: Some(SignedDuration::from_mins(10)) });
        assert_eq!(refusal.message, "403 with a web page instead of an answer");
    }

    #[test]
    fn every_kind_of_body_gives_a_sentence() {
        let none = HeaderMap::new();
        assert_eq!(refused(400, &none, "  ").message, "400 with an empty body");
        assert_eq!(refused(400, &none, r#"{"error":"bad\n name"}"#).message, "400: bad name");
        assert_eq!(
            refused(400, &none, "isn't valid. (EGP-2776154)").message,
            "400: isn't valid. (EGP-2776154)"
        );
        assert_eq!(refused(400, &none, "[1]").message, "400 without a message");
        assert_eq!(refused(400, &none, r#"{"error": "cut of"#).message, r#"400: {"error": "cut of"#);
        assert!(refused(400, &none, &"x".repeat(9_000)).message.len() < 400);
    }

    #[test]
    fn retry_after_is_heard() {
        let headers = HeaderMap::from_iter([(header::RETRY_AFTER, HeaderValue::from_static("7"))]);
        let after = Some(SignedDuration::from_secs(7));
        assert_eq!(refused(503, &headers, "").kind, ErrorKind::Transient { after });
    }
}
