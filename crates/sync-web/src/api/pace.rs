//! How fast programs may ask: each who asks has a bucket of requests that fills steadily.

use std::{collections::BTreeMap, sync::Mutex};

use axum::{
    Extension,
    extract::{Request, State},
    http::{HeaderValue, StatusCode, header::RETRY_AFTER},
    middleware::Next,
    response::{IntoResponse as _, Response},
};
use jiff::SignedDuration;

use crate::{door::Door, problem::Problem, who::Who};

/// Requests that may come at once.
const BURST: f64 = 100.0;

/// Requests a second that may come for ever.
const STEADY: f64 = 20.0;

#[derive(Debug, Clone, Copy)]
struct Bucket {
    left: f64,
    at: SignedDuration,
}

/// The buckets, by who asks. There are as many as there are tokens.
#[derive(Default)]
pub(crate) struct Pace(Mutex<BTreeMap<String, Bucket>>);

impl Pace {
    /// Takes a request; if there is none, tells in how many seconds there is one. `now` is of a clock that never jumps.
    fn take(&self, who: &str, now: SignedDuration) -> Result<(), u64> {
        let Ok(mut buckets) = self.0.lock() else { return Ok(()) };
        let bucket = buckets.entry(who.to_owned()).or_insert(Bucket { left: BURST, at: now });
        let filled = (now - bucket.at).as_secs_f64().max(0.0) * STEADY;
        *bucket = Bucket { left: (bucket.left + filled).min(BURST), at: now };
        if bucket.left >= 1.0 {
            bucket.left -= 1.0;
            return Ok(());
        }
        // Less than one is missing, and twenty come a second.
        Err(1)
    }
}

/// Lets requests pass as fast as they may come.
pub(crate) async fn slowly(
    State(door): State<Door>,
    Extension(who): Extension<Who>,
    request: Request,
    next: Next,
) -> Response {
    match door.pace.take(&who.name, door.parts.clock.monotonic()) {
        Ok(()) => next.run(request).await,
        Err(seconds) => {
            let problem = Problem::new(
                StatusCode::TOO_MANY_REQUESTS,
                "too_many_requests",
                format!("this token asks too often: {STEADY} requests a second, {BURST} at once"),
                format!("wait {seconds} s, as Retry-After says"),
            );
            let mut response = problem.into_response();
            response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(seconds));
            response
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hundred_at_once_and_twenty_a_second() {
        let pace = Pace::default();
        let mut now = SignedDuration::from_secs(5);
        for _ in 0..100 {
            assert_eq!(pace.take("a", now), Ok(()));
        }
        assert_eq!(pace.take("a", now), Err(1));
        assert_eq!(pace.take("b", now), Ok(()), "everybody has a bucket of their own");
        now += SignedDuration::from_secs(1);
        let passed = (0..50).filter(|_| pace.take("a", now).is_ok()).count();
        assert_eq!(passed, 20);
        now += SignedDuration::from_hours(1);
        let passed = (0..200).filter(|_| pace.take("a", now).is_ok()).count();
        assert_eq!(passed, 100);
    }
}
