//! Answers as texts, and what must be true of every error that follows from one. Shared by the fuzz tests of the vendor crates
//! (by path).
//!
//! An answer is a line with the call that gets it, one with the status (`lost` for none), headers, a blank line, the body.
#![cfg(test)]

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use bytes::Bytes;
use http::{HeaderName, HeaderValue};
use jiff::SignedDuration;
use saas_http::{Transport, TransportError};
use sync_core::error::{CallError, ErrorKind};

use crate::support::*;

/// What nobody may be told.
pub(crate) const SECRET: &str = "hunter2-0123456789abcdef";

/// Characters of one message: a remote system says at most 300 of them, and some calls ask several questions.
const MOST_MESSAGE: usize = 1_500;

/// Nobody is waited for longer, whatever an answer asks: daily budgets are the longest pauses that there are.
const LONGEST_WAIT: SignedDuration = SignedDuration::from_hours(25);

/// One answer, and the call that gets it.
#[derive(Debug, Clone)]
pub(crate) struct Scene {
    pub(crate) call: String,
    status: Option<u16>,
    headers: Vec<(HeaderName, HeaderValue)>,
    pub(crate) body: Bytes,
}

impl Scene {
    /// Anything is one.
    pub(crate) fn parse(input: &[u8]) -> Self {
        let mut rest = input;
        let call = String::from_utf8_lossy(line(&mut rest)).trim().to_owned();
        let status = line(&mut rest).trim_ascii();
        let status = match std::str::from_utf8(status) {
            Ok("lost") => None,
            Ok(text) => Some(text.parse().ok().filter(|status| (200..1_000).contains(status)).unwrap_or(200)),
            Err(_) => Some(200),
        };
        let mut headers = Vec::new();
        while !rest.is_empty() {
            let header = line(&mut rest);
            if header.trim_ascii().is_empty() {
                break;
            }
            let Some(colon) = header.iter().position(|byte| *byte == b':') else { continue };
            let name = HeaderName::from_bytes(header[..colon].trim_ascii());
            let value = HeaderValue::from_bytes(header[colon + 1..].trim_ascii());
            headers.extend(name.ok().zip(value.ok()));
        }
        Self { call, status, headers, body: Bytes::copy_from_slice(rest) }
    }

    /// The same for another call.
    pub(crate) fn to(&self, call: &str) -> Self {
        Self { call: call.to_owned(), ..self.clone() }
    }

    /// The same with the mark of UTF-8 before the body, if it has none yet.
    pub(crate) fn marked(&self) -> Option<Self> {
        let marked = self.body.starts_with(b"\xef\xbb\xbf");
        let body = Bytes::from([b"\xef\xbb\xbf", self.body.as_ref()].concat());
        (!marked).then(|| Self { body, ..self.clone() })
    }

    /// Whether no half of a secret is in the answer without the other one.
    fn has_whole(&self, secret: &str, half: &str) -> bool {
        let text = String::from_utf8_lossy(&self.body).into_owned();
        let plain = serde_json::from_slice::<serde_json::Value>(&self.body).map(|json| json.to_string());
        let headers =
            self.headers.iter().map(|(_, value)| String::from_utf8_lossy(value.as_bytes()).into_owned());
        let mut written = std::iter::once(text).chain(plain.ok()).chain(headers);
        written.all(|text| text.matches(half).count() == text.matches(secret).count())
    }

    pub(crate) fn outcome(&self) -> Outcome {
        let Some(status) = self.status else { return lost() };
        let mut answer = http::Response::new(self.body.clone());
        *answer.status_mut() = http::StatusCode::from_u16(status).unwrap();
        answer.headers_mut().extend(self.headers.iter().cloned());
        Ok(answer)
    }
}

fn line<'a>(rest: &mut &'a [u8]) -> &'a [u8] {
    let end = rest.iter().position(|byte| *byte == b'\n');
    let (line, after) = rest.split_at(end.unwrap_or(rest.len()));
    *rest = after.get(1..).unwrap_or_default();
    line
}

/// Requests that are made before somebody stops asking, who is always given the same answer.
const MOST_REQUESTS: usize = 300;

/// A remote system that gives the same answer to everything but what `known` answers.
pub(crate) fn stubborn(
    scene: &Scene,
    known: impl Fn(&Sent) -> Option<Outcome> + Send + Sync + 'static,
) -> Arc<dyn Transport> {
    let (outcome, asked) = (scene.outcome(), AtomicUsize::new(0));
    let (transport, _) = remote(move |sent| {
        if let Some(known) = known(sent) {
            return known;
        }
        let times = asked.fetch_add(1, Ordering::Relaxed);
        assert!(times < MOST_REQUESTS, "{} {} is asked without end", sent.method, sent.path());
        match &outcome {
            Ok(answer) => {
                let mut again = http::Response::new(answer.body().clone());
                *again.status_mut() = answer.status();
                *again.headers_mut() = answer.headers().clone();
                Ok(again)
            }
            Err(error) => Err::<_, TransportError>(error.clone()),
        }
    });
    transport
}

/// Every error names the call, tells something that fits on a screen, tells no secret that the answer repeats, and asks for no wait
/// without end.
pub(crate) fn told(error: &CallError, secret: &str, scene: &Scene) {
    let shown = error.to_string();
    assert!(!error.call.is_empty() && !error.message.trim().is_empty(), "{error:?}");
    assert!(error.message.chars().count() <= MOST_MESSAGE, "a message of {} bytes", error.message.len());
    assert!(!shown.chars().any(char::is_control), "control characters in {shown:?}");
    assert!(shown.len() <= 4 * MOST_MESSAGE, "{} bytes with the correlation", shown.len());
    let half = &secret[..12];
    let hidden = if scene.has_whole(secret, half) { half } else { secret };
    assert!(!shown.contains(hidden), "a secret, or the half of one, in {shown}");
    if let Some(exchange) = &error.exchange {
        assert!(!exchange.request.contains(secret), "a secret in {}", exchange.request);
    }
    let now = at("2026-11-24T12:00:00Z");
    match &error.kind {
        ErrorKind::Transient { after: Some(after) } => {
            assert!(!after.is_negative() && *after <= LONGEST_WAIT, "{after:?} to wait");
        }
        ErrorKind::Exhausted { until } => {
            assert!(until.duration_since(now) <= LONGEST_WAIT, "exhausted until {until}");
        }
        ErrorKind::Transient { after: None }
        | ErrorKind::Unauthorized
        | ErrorKind::Forbidden
        | ErrorKind::Rejected
        | ErrorKind::UnknownField
        | ErrorKind::Missing
        | ErrorKind::Unreadable => {}
    }
}

/// Runs what needs no clock and no socket.
pub(crate) fn wait<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(future)
}
