//! A transport that remembers what it carried: for those who must tell people what is wrong with a connection, where
//! the engine only has to know what to do.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use bytes::Bytes;
use http::{HeaderMap, Uri, header};
use jiff::SignedDuration;
use sync_core::ports::Clock;

use crate::{Reply, Transport, TransportError, Unreached, date::http_date};

/// What became of the last request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Last {
    /// An answer, whatever it says.
    Answered {
        /// Its status.
        status: u16,
        /// Whether it is a web page, which no API answers with.
        web_page: bool,
        /// Where it redirects to, without path and query.
        elsewhere: Option<String>,
    },
    /// No connection came about.
    Unsent(Unreached),
    /// It was sent, but no whole answer came.
    Lost,
    /// The answer was too large to be read.
    TooLarge,
}

/// Carries requests for another transport and remembers a little of the answers; no body, no secret.
pub struct Witness {
    inner: Arc<dyn Transport>,
    clock: Arc<dyn Clock>,
    seen: Mutex<Seen>,
}

#[derive(Default)]
struct Seen {
    last: Option<Last>,
    ahead: Option<SignedDuration>,
    scope: Option<String>,
    headers: HeaderMap,
}

impl Witness {
    /// A witness of what `inner` carries.
    pub fn new(inner: Arc<dyn Transport>, clock: Arc<dyn Clock>) -> Self {
        Self { inner, clock, seen: Mutex::default() }
    }

    /// Forgets the last request, so that [`Witness::last`] speaks of the next one or of none.
    pub fn turn_page(&self) {
        self.seen().last = None;
    }

    /// What became of the last request.
    pub fn last(&self) -> Option<Last> {
        self.seen().last.clone()
    }

    /// How far the server's clock (`Date`, whole seconds) is ahead of ours, by the last answer that told it.
    pub fn ahead(&self) -> Option<SignedDuration> {
        self.seen().ahead
    }

    /// The scope that the last token has, if its endpoint told one (RFC 6749, 5.1).
    pub fn scope(&self) -> Option<String> {
        self.seen().scope.clone()
    }

    /// A number in a header, by the last answer that had it.
    pub fn number(&self, header: &str) -> Option<u64> {
        self.seen().headers.get(header)?.to_str().ok()?.trim().parse().ok()
    }

    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn note(&self, outcome: &Result<http::Response<Bytes>, TransportError>) {
        let mut seen = self.seen();
        let answer = match outcome {
            Ok(answer) => answer,
            Err(error) => {
                seen.last = Some(match error {
                    TransportError::NotSent { at, .. } => Last::Unsent(*at),
                    TransportError::Lost(_) => Last::Lost,
                    TransportError::TooLarge { .. } => Last::TooLarge,
                });
                return;
            }
        };
        let now = self.clock.now();
        let reply = Reply { status: answer.status(), headers: answer.headers(), body: answer.body(), now };
        seen.last = Some(Last::Answered {
            status: reply.status.as_u16(),
            web_page: reply.is_html(),
            elsewhere: reply.header(header::LOCATION.as_str()).and_then(origin),
        });
        seen.ahead = http_date(reply.headers).map(|theirs| theirs.duration_since(now)).or(seen.ahead);
        seen.scope = granted_scope(&reply).or_else(|| seen.scope.take());
        seen.headers.extend(reply.headers.clone());
    }
}

/// Scheme and host of an address; none if it names no host.
fn origin(location: &str) -> Option<String> {
    let uri: Uri = location.parse().ok()?;
    Some(format!("{}://{}", uri.scheme_str()?, uri.authority()?.host()))
}

fn granted_scope(reply: &Reply<'_>) -> Option<String> {
    let json = reply.json().filter(|json| json.get("access_token").is_some())?;
    json.get("scope")?.as_str().map(str::to_owned)
}

#[async_trait]
impl Transport for Witness {
    async fn send(&self, request: http::Request<Bytes>) -> Result<http::Response<Bytes>, TransportError> {
        let outcome = self.inner.send(request).await;
        self.note(&outcome);
        outcome
    }
}

#[cfg(test)]
mod tests {
    use sync_core::ports::ManualClock;

    use super::*;

    struct Says(Mutex<Vec<Result<http::Response<Bytes>, TransportError>>>);

    #[async_trait]
    impl Transport for Says {
        async fn send(&self, _: http::Request<Bytes>) -> Result<http::Response<Bytes>, TransportError> {
            self.0.lock().unwrap().remove(0)
        }
    }

    fn answer(
        status: u16,
        headers: &[(&'static str, &str)],
        body: &'static str,
    ) -> Result<http::Response<Bytes>, TransportError> {
        let mut answer = http::Response::builder().status(status);
        for (name, value) in headers {
            answer = answer.header(*name, *value);
        }
        Ok(answer.body(Bytes::from_static(body.as_bytes())).unwrap())
    }

    #[tokio::test]
    async fn what_was_seen_is_told_without_paths_and_secrets() {
        let said = vec![
            answer(200, &[], r#"{"access_token": "t", "scope": "base,contacts:full"}"#),
            answer(302, &[("location", "https://login.example/sso?ticket=1")], ""),
            answer(403, &[("date", "Tue, 24 Nov 2026 12:03:00 GMT"), ("x-left", " 7 ")], "<html>"),
            Err(TransportError::NotSent { at: Unreached::Tls, why: String::new() }),
        ];
        let clock = ManualClock::at("2026-11-24T12:00:00Z".parse().unwrap());
        let witness = Witness::new(Arc::new(Says(Mutex::new(said))), Arc::new(clock));
        let send = async || {
            let _ = witness.send(http::Request::new(Bytes::new())).await;
            witness.last().unwrap()
        };
        let answered = |status, web_page, elsewhere: Option<&str>| Last::Answered {
            status,
            web_page,
            elsewhere: elsewhere.map(str::to_owned),
        };
        assert_eq!(send().await, answered(200, false, None));
        assert_eq!(send().await, answered(302, false, Some("https://login.example")));
        assert_eq!(send().await, answered(403, true, None));
        assert_eq!(send().await, Last::Unsent(Unreached::Tls));
        assert_eq!(witness.scope().as_deref(), Some("base,contacts:full"));
        assert_eq!(witness.ahead(), Some(SignedDuration::from_mins(3)));
        assert_eq!(witness.number("x-left"), Some(7));
        witness.turn_page();
        assert_eq!(witness.last(), None);
    }
}
