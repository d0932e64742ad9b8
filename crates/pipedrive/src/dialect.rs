//! How Pipedrive says no (pipedrive.md 3.4, 3.5, 8).

use http::HeaderMap;
use jiff::SignedDuration;
use saas_http::{Dialect, Refusal, Reply, html_block, refusal_by_status, retry_after};
use serde_json::Value;
use sync_core::{
    budget::{BURST_WINDOW, next_reset},
    error::ErrorKind,
};

/// Undocumented, at times absent (3.4).
const TOKENS_LEFT: &str = "x-daily-ratelimit-token-remaining";

/// A wait longer than this is for the day's budget: burst windows are two seconds long.
const LONG: SignedDuration = SignedDuration::from_mins(1);

pub(crate) struct PipedriveDialect;

impl Dialect for PipedriveDialect {
    fn refusal(&self, reply: &Reply<'_>) -> Refusal {
        let words = words(reply);
        let kind = match reply.status.as_u16() {
            429 => over_limit(reply, words.as_deref()),
            400 | 422 if words.as_deref().is_some_and(says_unknown_field) => ErrorKind::UnknownField,
            // Gateways in front block with a page of their own (3.5).
            403 => html_block(reply).unwrap_or(ErrorKind::Forbidden),
            // 402 closed or unpaid, 415 not in this plan: a person must act.
            402 | 415 => ErrorKind::Forbidden,
            _ => refusal_by_status(reply),
        };
        let message = words.map_or_else(|| reply.message(), |words| reply.saying(&words));
        Refusal { kind, message }
    }

    fn correlation(&self, headers: &HeaderMap) -> Option<String> {
        headers.get("x-correlation-id")?.to_str().ok().map(str::to_owned)
    }

    /// Documented, yet said to be missing at times (3.4).
    fn window(&self, headers: &HeaderMap) -> Option<u32> {
        headers.get("x-ratelimit-limit")?.to_str().ok()?.trim().parse().ok()
    }

    fn tokens_left(&self, headers: &HeaderMap) -> Option<u64> {
        headers.get(TOKENS_LEFT)?.to_str().ok()?.trim().parse().ok()
    }
}

/// Two limits share the status: the day's tokens and the burst window. The body is clear where there is one;
/// then the headers, then the length of the wait (3.5).
fn over_limit(reply: &Reply<'_>, words: Option<&str>) -> ErrorKind {
    let wait = retry_after(reply.headers, reply.now);
    let words = words.unwrap_or_default().to_ascii_lowercase();
    let number = |name| reply.header(name).and_then(|text| text.trim().parse::<u32>().ok());
    let daily = if words.contains("daily") {
        true
    } else if words.contains("over limit") {
        false
    } else {
        number(TOKENS_LEFT) == Some(0) || wait.is_some_and(|wait| wait > LONG)
    };
    if daily {
        let until = wait.and_then(|wait| reply.now.checked_add(wait).ok());
        return ErrorKind::Exhausted { until: until.unwrap_or_else(|| next_reset(reply.now)) };
    }
    // A delta in seconds, not an epoch (3.4).
    let reset =
        number("x-ratelimit-reset").map(|seconds| SignedDuration::from_secs(i64::from(seconds)).min(LONG));
    ErrorKind::Transient { after: Some(reset.or(wait).unwrap_or(BURST_WINDOW)) }
}

/// "Validation failed: custom_fields: Unknown key '…'" (8).
fn says_unknown_field(words: &str) -> bool {
    words.to_ascii_lowercase().contains("unknown key")
}

/// The envelope's words; which keys errors have is not fully known (8).
fn words(reply: &Reply<'_>) -> Option<String> {
    let json = reply.json()?;
    let word = |key| json.get(key).and_then(Value::as_str).filter(|text: &&str| !text.is_empty());
    let text = word("error").or_else(|| word("message"))?;
    Some(word("code").map_or_else(|| text.to_owned(), |code| format!("{text} [{code}]")))
}
