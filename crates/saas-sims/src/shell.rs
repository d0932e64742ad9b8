//! What surrounds both simulators: reading the request, faults, the `Date` header, `/_sim/` paths they share.

use std::io;

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::http::{Method, StatusCode};
use axum::response::{IntoResponse as _, Response};
use jiff::SignedDuration;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::call::{Call, Reply};
use crate::clock::SimClock;
use crate::faults::{Fault, FaultRule, Faults};
use crate::stats::Stats;
use crate::text::imf_fixdate;

/// Bodies above this are refused, in bytes.
const BODY_LIMIT: usize = 16 * 1024 * 1024;

/// Serves a simulator's router until the task is dropped.
pub async fn serve(listener: tokio::net::TcpListener, router: Router) -> io::Result<()> {
    axum::serve(listener, router).await
}

/// Marks a response (as an extension) that stands for a connection closed without an answer.
///
/// Over a socket the connection really is closed. An in-process caller sees status 502 and a body that fails
/// when it is read, and may look for this mark to treat it as a transport error at once.
#[derive(Clone, Copy, Debug)]
pub struct ConnectionDropped;

/// What a simulator has to offer to be put behind a router.
pub(crate) trait Simulator: Clone + Send + Sync + 'static {
    fn clock(&self) -> &SimClock;
    fn faults(&self) -> &Faults;
    fn stats(&self) -> Stats;
    /// Everything that is stored.
    fn truth(&self) -> Value;
    /// Answers a request to the vendor's own paths.
    fn answer(&self, call: &Call) -> Reply;
    /// Answers a request under `/_sim/` that is not common to both; `None` when there is no such path.
    fn admin(&self, call: &Call) -> Option<Reply>;
}

pub(crate) fn router<S: Simulator>(sim: S) -> Router {
    Router::new().fallback(move |request: Request| {
        let sim = sim.clone();
        async move { handle(&sim, request).await }
    })
}

async fn handle<S: Simulator>(sim: &S, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let Ok(body) = axum::body::to_bytes(body, BODY_LIMIT).await else {
        return StatusCode::PAYLOAD_TOO_LARGE.into_response();
    };
    let call = Call::new(parts.method, &parts.uri, parts.headers, body);
    if call.segments.first().is_some_and(|first| first == "_sim") {
        return admin(sim, &call).into_response();
    }
    let fault = sim.faults().strike(call.method.as_str(), &call.path);
    let reply = match fault {
        None => sim.answer(&call),
        Some(Fault::Delay { millis }) => {
            sim.clock().pass(SignedDuration::from_millis(i64::from(millis))).await;
            sim.answer(&call)
        }
        Some(Fault::Truncate { bytes }) => {
            let mut reply = sim.answer(&call);
            reply.body.truncate(bytes);
            reply
        }
        Some(Fault::StatusAfter { status }) => {
            sim.answer(&call);
            Reply::empty(status_of(status))
        }
        Some(Fault::DropBefore) => return dropped(),
        Some(Fault::DropAfter) => {
            sim.answer(&call);
            return dropped();
        }
        Some(Fault::Status { status, body, content_type, retry_after }) => {
            let content_type = content_type.unwrap_or_else(|| "application/json".to_owned());
            let reply = Reply::of(status_of(status), &content_type, body);
            match retry_after {
                Some(value) => reply.with("retry-after", value),
                None => reply,
            }
        }
        Some(Fault::Html { status }) => html(status_of(status)),
    };
    reply.with("date", imf_fixdate(sim.clock().now())).into_response()
}

fn status_of(status: u16) -> StatusCode {
    StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
}

fn html(status: StatusCode) -> Reply {
    let page = format!(
        "<!DOCTYPE html><html><head><title>{status}</title></head><body><h1>{status}</h1>\
         <p>The service is temporarily unavailable.</p></body></html>"
    );
    Reply::of(status, "text/html; charset=utf-8", page)
}

/// A body that fails before its first byte: hyper closes the connection before the head is sent.
fn dropped() -> Response {
    let failure = io::Error::new(io::ErrorKind::ConnectionReset, "connection dropped by the simulator");
    let body = Body::from_stream(futures::stream::iter([Err::<bytes::Bytes, _>(failure)]));
    let mut response = Response::new(body);
    *response.status_mut() = StatusCode::BAD_GATEWAY;
    response.extensions_mut().insert(ConnectionDropped);
    response
}

fn admin<S: Simulator>(sim: &S, call: &Call) -> Reply {
    let path: Vec<&str> = call.segments.iter().skip(1).map(String::as_str).collect();
    match (&call.method, path.as_slice()) {
        (&Method::GET, ["stats"]) => Reply::ok(&json!(sim.stats())),
        (&Method::GET, ["truth"]) => Reply::ok(&sim.truth()),
        (&Method::GET, ["faults"]) => {
            Reply::ok(&json!({"rules": sim.faults().rules(), "hits": sim.faults().hits()}))
        }
        (&Method::DELETE, ["faults"]) => {
            sim.faults().clear();
            done()
        }
        (&Method::POST, ["faults"]) => match serde_json::from_slice::<FaultPlan>(&call.body) {
            Ok(plan) => {
                sim.faults().set(plan.rules);
                done()
            }
            Err(error) => refused(&error.to_string()),
        },
        (&Method::POST, ["clock"]) => match serde_json::from_slice::<ClockMove>(&call.body) {
            Ok(step) => {
                sim.clock().advance(SignedDuration::from_secs(step.advance_seconds));
                Reply::ok(&json!({"now": sim.clock().now().to_string()}))
            }
            Err(error) => refused(&error.to_string()),
        },
        _ => sim.admin(call).unwrap_or_else(|| {
            Reply::json(StatusCode::NOT_FOUND, &json!({"error": format!("no {} {}", call.method, call.path)}))
        }),
    }
}

pub(crate) fn done() -> Reply {
    Reply::ok(&json!({"ok": true}))
}

pub(crate) fn refused(why: &str) -> Reply {
    Reply::json(StatusCode::BAD_REQUEST, &json!({"error": why}))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FaultPlan {
    rules: Vec<FaultRule>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ClockMove {
    advance_seconds: i64,
}
