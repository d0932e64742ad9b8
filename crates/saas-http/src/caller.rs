//! The one way in which requests are made.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, StatusCode, header};
use jiff::{SignedDuration, Timestamp};
use sync_core::{
    budget::Spent,
    error::{CallError, Effect, ErrorKind},
    ports::{Called, Clock},
    text,
};
use tracing::Instrument;

use crate::{
    BaseUrl, Credentials, Dialect, Endpoint, Gate, Heard, Need, Pass, Reply, RequestTimeout, Slot, Transport,
    TransportError,
    credentials::Token,
    date::http_date,
    endpoint::JSON,
    exchange::exchange,
    redact::{REDACTED, redacted_body, redacted_text},
    transport::unmarked,
};

/// The most characters that are kept of the id of an exchange.
const CORRELATION: usize = 200;

/// A decoded answer.
#[derive(Debug, Clone)]
pub struct Answer<T> {
    /// What it says.
    pub value: T,
    /// The server's clock (its `Date` header).
    pub server_now: Option<Timestamp>,
    /// All its headers.
    pub headers: HeaderMap,
    /// The remote system's id of the exchange.
    pub correlation: Option<String>,
}

/// What a caller is made of.
pub struct Wiring {
    /// Where the API lives.
    pub base: BaseUrl,
    /// Headers of every request.
    pub headers: HeaderMap,
    /// The most time that one request may take.
    pub timeout: Duration,
    /// How requests travel.
    pub transport: Arc<dyn Transport>,
    /// How we prove who we are.
    pub credentials: Credentials,
    /// When requests may be sent.
    pub gate: Arc<dyn Gate>,
    /// How refusals are worded.
    pub dialect: Arc<dyn Dialect>,
    /// The time.
    pub clock: Arc<dyn Clock>,
}

/// Makes requests of one connection with one remote system.
pub struct Caller {
    wiring: Wiring,
    requests: AtomicU64,
    tokens: AtomicU64,
}

impl Caller {
    /// A caller.
    #[must_use]
    pub fn new(wiring: Wiring) -> Self {
        Self { wiring, requests: AtomicU64::new(0), tokens: AtomicU64::new(0) }
    }

    /// Requests sent so far (those for tokens included) and what they cost by the price list.
    #[must_use]
    pub fn spent(&self) -> Spent {
        let requests = self.requests.load(Ordering::Relaxed) + self.wiring.credentials.requests();
        Spent { requests, tokens: self.tokens.load(Ordering::Relaxed) }
    }

    /// Token, slot, span, transport, classification, decoding. Sent once; a second time only with a new token
    /// after a 401, which surely had no effect.
    ///
    /// # Errors
    /// Whatever went wrong, told so that the engine can decide; nothing is repeated here.
    pub async fn send<E: Endpoint>(&self, endpoint: &E, pass: Pass) -> Called<Answer<E::Output>> {
        let class = pass.class();
        let token = self.wiring.credentials.token().await?;
        let answer = self.once(endpoint, pass, &token).await?;
        if answer.status() != StatusCode::UNAUTHORIZED {
            return self.read(endpoint, answer).await;
        }
        let Some(fresh) = self.wiring.credentials.renewed(token).await? else {
            return self.read(endpoint, answer).await;
        };
        let answer = self.once(endpoint, Pass::Class(class), &fresh).await?;
        self.read(endpoint, answer).await
    }

    /// What an answer says about the next request.
    fn hear(&self, answer: &http::Response<Bytes>, took: SignedDuration) -> Heard {
        let (status, headers) = (answer.status(), answer.headers());
        if status.is_success() {
            return Heard::Answered { took };
        }
        let reply = Reply { status, headers, body: answer.body(), now: self.wiring.clock.now() };
        match self.wiring.dialect.refusal(&reply).kind {
            ErrorKind::Transient { after: Some(after) } if status == StatusCode::FORBIDDEN => {
                Heard::Blocked { after }
            }
            ErrorKind::Transient { after } => Heard::Overloaded { after },
            ErrorKind::Unauthorized | ErrorKind::Forbidden | ErrorKind::Exhausted { .. } => Heard::Refused,
            ErrorKind::Rejected | ErrorKind::UnknownField | ErrorKind::Missing | ErrorKind::Unreadable => {
                Heard::Answered { took }
            }
        }
    }

    async fn once<E: Endpoint>(
        &self,
        endpoint: &E,
        pass: Pass,
        token: &Token,
    ) -> Called<http::Response<Bytes>> {
        let request = self.request(endpoint, token)?;
        let class = pass.class();
        let need = Need { call: E::NAME, tokens: E::TOKENS, search: E::SEARCH };
        let mut slot = self.wiring.gate.admit(need, pass).await?;
        if let Slot::Paced(held) = &mut slot {
            held.sent();
        }
        self.requests.fetch_add(1, Ordering::Relaxed);
        self.tokens.fetch_add(u64::from(E::TOKENS), Ordering::Relaxed);

        let span = tracing::debug_span!("call", call = E::NAME);
        let begun = self.wiring.clock.monotonic();
        let outcome = self.wiring.transport.send(request).instrument(span.clone()).await;
        let secrets: Vec<&str> = token.secret().into_iter().chain(endpoint.secret()).collect();
        let outcome = outcome.map(|answer| tellable(unmarked(answer), &secrets));
        let took = self.wiring.clock.monotonic() - begun;
        let ms = took.as_millis();
        let heard = match &outcome {
            Ok(answer) => self.hear(answer, took),
            Err(TransportError::NotSent { .. }) => Heard::Unsent,
            Err(TransportError::Lost(_) | TransportError::TooLarge { .. }) => Heard::Lost,
        };
        self.wiring.gate.heard(need, class, &slot, heard).await;
        span.in_scope(|| match &outcome {
            Ok(answer) => {
                let correlation = self.wiring.dialect.correlation(answer.headers());
                tracing::debug!(status = answer.status().as_u16(), ms, correlation, "answered");
            }
            Err(error) => tracing::debug!(ms, %error, "not answered"),
        });
        outcome.map_err(|error| unanswered::<E>(&error))
    }

    fn request<E: Endpoint>(&self, endpoint: &E, token: &Token) -> Called<http::Request<Bytes>> {
        let broken = |what: String| CallError::without_effect(E::NAME, ErrorKind::Rejected, what);
        let body = endpoint.bytes();
        let has_body = body.is_some();
        let base = token.home().unwrap_or(&self.wiring.base);
        let mut request = http::Request::builder()
            .method(E::METHOD)
            .uri(url(base, endpoint))
            .extension(RequestTimeout(self.wiring.timeout))
            .body(body.unwrap_or_default())
            .map_err(|error| broken(format!("the request cannot be built: {error}")))?;
        let headers = request.headers_mut();
        headers.insert(header::ACCEPT, HeaderValue::from_static(E::ACCEPT));
        if has_body {
            headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(E::CONTENT_TYPE));
        }
        headers.extend(self.wiring.headers.clone());
        headers.extend(endpoint.headers());
        let (name, secret) = token.header();
        headers.insert(name, secret);
        Ok(request)
    }

    async fn read<E: Endpoint>(
        &self,
        endpoint: &E,
        answer: http::Response<Bytes>,
    ) -> Called<Answer<E::Output>> {
        let (parts, body) = answer.into_parts();
        let dialect = &self.wiring.dialect;
        if let Some(left) = dialect.tokens_left(&parts.headers) {
            self.wiring.gate.left(left).await;
        }
        // Answers to searches may speak of the window for searches.
        if let Some(limit) = dialect.window(&parts.headers).filter(|_| !E::SEARCH) {
            self.wiring.gate.window(limit);
        }
        let now = self.wiring.clock.now();
        let reply = Reply { status: parts.status, headers: &parts.headers, body: &body, now };
        let correlation = dialect.correlation(&parts.headers).map(|id| text::bounded(&id, CORRELATION).0);
        if !parts.status.is_success() {
            let refusal = dialect.refusal(&reply);
            if let ErrorKind::Exhausted { until } = refusal.kind {
                self.wiring.gate.exhausted(until).await;
            }
            let effect = match dialect.effect(&reply) {
                Some(Effect::None) => Effect::None,
                Some(Effect::InDoubt) => doubt::<E>(),
                None => effect_of_status::<E>(parts.status),
            };
            let refused = E::WRITE && refusal.kind == ErrorKind::Rejected;
            return Err(CallError {
                call: E::NAME,
                kind: refusal.kind,
                effect,
                message: refusal.message,
                correlation,
                exchange: refused.then(|| Box::new(exchange(endpoint, parts.status, &body))),
            });
        }
        match E::decode(&body) {
            Ok(value) => {
                let server_now = http_date(&parts.headers);
                Ok(Answer { value, server_now, headers: parts.headers, correlation })
            }
            Err(what) => {
                // XML looks like a web page.
                let page = E::ACCEPT == JSON && reply.is_html();
                let message = if page || body.trim_ascii().is_empty() { reply.message() } else { what };
                let kind = ErrorKind::Unreadable;
                Err(CallError {
                    call: E::NAME,
                    kind,
                    effect: doubt::<E>(),
                    message,
                    correlation,
                    exchange: None,
                })
            }
        }
    }
}

/// The answer without secrets that it repeats. A record has none of them escaped.
fn tellable(mut answer: http::Response<Bytes>, secrets: &[&str]) -> http::Response<Bytes> {
    for value in answer.headers_mut().values_mut() {
        let text = String::from_utf8_lossy(value.as_bytes());
        if secrets.iter().any(|secret| !secret.is_empty() && text.contains(*secret)) {
            *value = HeaderValue::from_static(REDACTED);
        }
    }
    let refused = !answer.status().is_success();
    answer.map(|body| if refused { redacted_body(&body, secrets) } else { redacted_text(&body, secrets) })
}

/// Parameters that are encoded already come first.
fn url<E: Endpoint>(base: &BaseUrl, endpoint: &E) -> String {
    let (path, query) = (endpoint.path(), endpoint.query());
    let Some(encoded) = endpoint.encoded_query() else { return base.join(&path, &query) };
    let (bare, whole) = (base.join(&path, &[]), base.join(&path, &query));
    let rest = whole.strip_prefix(&bare).unwrap_or_default().replacen('?', "&", 1);
    format!("{bare}?{encoded}{rest}")
}

fn doubt<E: Endpoint>() -> Effect {
    if E::WRITE { Effect::InDoubt } else { Effect::None }
}

/// A clear refusal had no effect; anything else that is not success leaves doubt.
fn effect_of_status<E: Endpoint>(status: StatusCode) -> Effect {
    let clear = status.is_client_error() && status != StatusCode::REQUEST_TIMEOUT;
    if clear { Effect::None } else { doubt::<E>() }
}

fn unanswered<E: Endpoint>(error: &TransportError) -> CallError {
    let transient = ErrorKind::Transient { after: None };
    let (kind, effect) = match error {
        TransportError::NotSent { .. } => (transient, Effect::None),
        TransportError::Lost(_) => (transient, doubt::<E>()),
        TransportError::TooLarge { .. } => (ErrorKind::Unreadable, doubt::<E>()),
    };
    CallError { call: E::NAME, kind, effect, message: error.to_string(), correlation: None, exchange: None }
}
