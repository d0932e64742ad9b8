//! `Idempotency-Key`: a request that changes something and comes twice is done once; the second gets the first one's answer.

use axum::{
    Extension,
    body::{Body, to_bytes},
    extract::{Request, State},
    http::{HeaderName, HeaderValue, Method, StatusCode, header::CONTENT_TYPE},
    middleware::Next,
    response::{IntoResponse as _, Response},
};
use sync_store::Once;

use super::writes::MOST_BYTES;
use crate::{
    door::Door,
    problem::Problem,
    who::{Who, digest},
};

const KEY: HeaderName = HeaderName::from_static("idempotency-key");
const REPLAYED: HeaderName = HeaderName::from_static("idempotency-replayed");

/// The most characters of a key.
const LONGEST: usize = 200;

/// Answers a request with a key once.
pub(crate) async fn once(
    State(door): State<Door>,
    Extension(who): Extension<Who>,
    request: Request,
    next: Next,
) -> Response {
    if *request.method() != Method::POST {
        return next.run(request).await;
    }
    let Some(key) = request.headers().get(KEY) else { return next.run(request).await };
    let key = match key.to_str() {
        Ok(key) if !key.is_empty() && key.len() <= LONGEST => key.to_owned(),
        Ok(_) | Err(_) => {
            let message = format!("Idempotency-Key has to have 1 to {LONGEST} characters");
            return Problem::bad(message, "send a UUID").into_response();
        }
    };
    let (parts, body) = request.into_parts();
    let Ok(body) = to_bytes(body, MOST_BYTES).await else {
        let message = "the body is too long, or did not arrive";
        return Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "body", message, "send at most 64 KiB")
            .into_response();
    };
    let key_hash = digest(&format!("{}\n{key}", who.name));
    let asked = format!("{}\n{}", parts.uri, String::from_utf8_lossy(&body));
    let now = door.parts.clock.now();
    match door.parts.store.once(&key_hash, &digest(&asked), now).await {
        Ok(Once::First) => {}
        Ok(Once::Answered(status, body)) => return again(status, body),
        Ok(Once::UnderWay) => {
            return Problem::conflict(
                "a request with this Idempotency-Key is worked on",
                "wait for its answer; if its process died, look whether it was done and take another key",
            )
            .into_response();
        }
        Ok(Once::Other) => {
            return Problem::new(
                StatusCode::UNPROCESSABLE_ENTITY,
                "key_reused",
                "this Idempotency-Key came with another request before",
                "take a new key for each request",
            )
            .into_response();
        }
        Err(error) => return Problem::from(error).into_response(),
    }
    let answer = next.run(Request::from_parts(parts, Body::from(body))).await;
    let (parts, body) = answer.into_parts();
    let body = to_bytes(body, usize::MAX).await.unwrap_or_default();
    let text = String::from_utf8_lossy(&body);
    // What failed for a reason of ours may be tried again with the same key.
    let kept = (!parts.status.is_server_error()).then(|| (parts.status.as_u16(), &*text));
    if let Err(error) = door.parts.store.answered_once(&key_hash, kept).await {
        tracing::warn!(%error, "the answer to a request with a key could not be remembered");
    }
    Response::from_parts(parts, Body::from(body))
}

fn again(status: u16, body: String) -> Response {
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::OK);
    let kind = if status.is_success() { "application/json" } else { "application/problem+json" };
    let headers =
        [(CONTENT_TYPE, HeaderValue::from_static(kind)), (REPLAYED, HeaderValue::from_static("true"))];
    (status, headers, body).into_response()
}
