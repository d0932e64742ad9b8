//! The two limits: requests in a rolling window of 2 s per token, and tokens of the company per day (section 3).

use std::collections::{BTreeMap, VecDeque};

use axum::http::StatusCode;
use jiff::{SignedDuration, Timestamp};

use super::auth::Caller;
use super::problem::gateway;
use super::routes::Operation;
use super::settings::PipedriveSettings;
use crate::call::Reply;

const WINDOW: SignedDuration = SignedDuration::from_secs(2);
/// Searches in the window, on every plan.
const SEARCHES: usize = 10;
const DAY: i64 = 86_400;

#[derive(Debug)]
pub(crate) struct Meter {
    rng: fastrand::Rng,
    windows: BTreeMap<String, Window>,
    /// Days since 1970 in UTC, and what was spent on that day.
    day: i64,
    spent: u64,
    /// 429s in a row.
    refused: u32,
    /// All refusals so far, by limit.
    pub(crate) burst_refusals: u64,
    pub(crate) daily_refusals: u64,
    blocked_until: Option<Timestamp>,
}

#[derive(Debug, Default)]
struct Window {
    requests: VecDeque<Timestamp>,
    searches: VecDeque<Timestamp>,
}

impl Meter {
    /// Nothing was asked yet.
    pub(crate) fn new(seed: u64) -> Self {
        Self {
            rng: fastrand::Rng::with_seed(seed),
            windows: BTreeMap::new(),
            day: 0,
            spent: 0,
            refused: 0,
            burst_refusals: 0,
            daily_refusals: 0,
            blocked_until: None,
        }
    }

    /// Lets a request through and charges it, or gives the refusal.
    pub(crate) fn admit(
        &mut self,
        settings: &PipedriveSettings,
        caller: &Caller,
        operation: &Operation<'_>,
        now: Timestamp,
    ) -> Result<(), Reply> {
        self.turn_day(settings, now);
        if self.blocked_until.is_some_and(|until| now < until) && !caller.oauth {
            return Err(cloudflare());
        }
        let window = self.windows.entry(caller.credential.clone()).or_default();
        window.forget(now);
        let full = window.requests.len() >= settings.plan.burst(caller.oauth);
        let searched_out = operation.search && window.searches.len() >= SEARCHES;
        if settings.enforce_burst && (full || searched_out) {
            let wait =
                if full { seconds_left(&window.requests, now) } else { seconds_left(&window.searches, now) };
            self.count_refusal(settings, now);
            self.burst_refusals += 1;
            let reply = gateway(StatusCode::TOO_MANY_REQUESTS, "request over limit");
            return Err(reply.with("x-ratelimit-remaining", "0").with("x-ratelimit-reset", wait.to_string()));
        }
        if settings.enforce_daily && self.spent + operation.cost > settings.daily_budget() {
            self.count_refusal(settings, now);
            self.daily_refusals += 1;
            let reply = gateway(StatusCode::TOO_MANY_REQUESTS, "daily request budget exceeded");
            return Err(
                reply.with("retry-after", (DAY - since_start(settings, now).rem_euclid(DAY)).to_string())
            );
        }
        let window = self.windows.entry(caller.credential.clone()).or_default();
        window.requests.push_back(now);
        if operation.search {
            window.searches.push_back(now);
        }
        self.spent += operation.cost;
        self.refused = 0;
        Ok(())
    }

    /// Gives tokens back.
    pub(crate) fn refund(&mut self, tokens: u64) {
        self.spent = self.spent.saturating_sub(tokens);
    }

    /// Tokens that another integration of the company used up.
    pub(crate) fn spend_foreign(&mut self, settings: &PipedriveSettings, tokens: u64, now: Timestamp) {
        self.turn_day(settings, now);
        self.spent += tokens;
    }

    /// What is left of today's budget.
    pub(crate) fn left(&mut self, settings: &PipedriveSettings, now: Timestamp) -> u64 {
        self.turn_day(settings, now);
        settings.daily_budget().saturating_sub(self.spent)
    }

    /// Adds the headers about both limits; those that are there stay.
    pub(crate) fn headers(
        &mut self,
        settings: &PipedriveSettings,
        caller: &Caller,
        reply: Reply,
        now: Timestamp,
    ) -> Reply {
        let limit = settings.plan.burst(caller.oauth);
        let window = self.windows.entry(caller.credential.clone()).or_default();
        window.forget(now);
        let remaining = limit.saturating_sub(window.requests.len()).to_string();
        let reset = seconds_left(&window.requests, now).to_string();
        let mut headers = vec![
            ("x-ratelimit-limit", limit.to_string()),
            ("x-ratelimit-remaining", remaining),
            ("x-ratelimit-reset", reset),
        ];
        if self.rng.f64() < settings.daily_headers {
            headers.push(("x-daily-ratelimit-token-limit", settings.daily_budget().to_string()));
            headers.push(("x-daily-ratelimit-token-remaining", self.left(settings, now).to_string()));
        }
        let mut reply = reply;
        for (name, value) in headers {
            if !reply.headers.iter().any(|(existing, _)| *existing == name) {
                reply = reply.with(name, value);
            }
        }
        reply
    }

    fn turn_day(&mut self, settings: &PipedriveSettings, now: Timestamp) {
        let day = since_start(settings, now).div_euclid(DAY);
        if day != self.day {
            (self.day, self.spent) = (day, 0);
        }
    }

    fn count_refusal(&mut self, settings: &PipedriveSettings, now: Timestamp) {
        self.refused += 1;
        if settings.block_after_429s.is_some_and(|limit| self.refused >= limit) {
            self.blocked_until = now.checked_add(settings.block_time).ok();
            self.refused = 0;
        }
    }
}

impl Window {
    fn forget(&mut self, now: Timestamp) {
        for times in [&mut self.requests, &mut self.searches] {
            while times.front().is_some_and(|at| now.duration_since(*at) >= WINDOW) {
                times.pop_front();
            }
        }
    }
}

/// Seconds since some day of the budget began.
fn since_start(settings: &PipedriveSettings, now: Timestamp) -> i64 {
    now.as_second() - settings.day_starts_after.as_secs()
}

/// Whole seconds until the oldest request leaves the window, rounded up.
fn seconds_left(times: &VecDeque<Timestamp>, now: Timestamp) -> i64 {
    let left =
        times.front().map_or(SignedDuration::ZERO, |at| WINDOW.saturating_sub(now.duration_since(*at)));
    left.as_secs() + i64::from(left.subsec_nanos() > 0)
}

fn cloudflare() -> Reply {
    let page = "<!DOCTYPE html><html><head><title>Access denied</title></head><body>\
                <h1>This error is produced by Cloudflare</h1></body></html>";
    Reply::of(StatusCode::FORBIDDEN, "text/html; charset=UTF-8", page)
}
