//! Which path is what, what it costs (section 3.2), and what all answers have in common (section 3.4).

use axum::http::{Method, StatusCode};
use jiff::Timestamp;

use super::auth::Caller;
use super::events::Source;
use super::problem::Problem;
use super::settings::PipedriveSettings;
use super::state::{State, Writer};
use super::{oauth, records, route_table, scopes, users, v1};
use crate::call::{Call, Reply};
use crate::text::digest;

/// An operation of the API.
#[derive(Debug)]
pub(crate) struct Operation<'a> {
    /// Method and path in the statistics.
    pub(crate) name: &'static str,
    /// Tokens.
    pub(crate) cost: u64,
    /// Whether it falls under the limit for searches.
    pub(crate) search: bool,
    target: Target<'a>,
}

#[derive(Debug)]
enum Target<'a> {
    Me,
    Record(route_table::Run, &'a str),
    Version1(v1::Target<'a>),
}

/// The operation behind method and path; `Err` when there is none.
fn operation(call: &Call) -> Result<Operation<'_>, Problem> {
    if let Some((route_table::Route(name, cost, search, run), key)) = route_table::find(call) {
        let target = Target::Record(*run, key);
        return Ok(Operation { name, cost: *cost, search: *search, target });
    }
    let path: Vec<&str> = call.segments.iter().map(String::as_str).collect();
    let op = |name, cost, target| Ok(Operation { name, cost, search: false, target });
    let version_1 = match path.as_slice() {
        ["v1", rest @ ..] | ["api", "v1", rest @ ..] => Some(rest),
        _ => None,
    };
    if version_1 == Some(&["users", "me"]) && call.method == Method::GET {
        return op("GET /v1/users/me", 2, Target::Me);
    }
    if let Some(found) = version_1.and_then(|rest| v1::operation(&call.method, rest)) {
        return found.and_then(|(name, cost, target)| op(name, cost, Target::Version1(target)));
    }
    Err(route_table::unknown(call))
}

pub(crate) fn answer(settings: &PipedriveSettings, state: &mut State, call: &Call, now: Timestamp) -> Reply {
    let reply = if call.path == "/oauth/token" {
        state.stats.count("POST /oauth/token", 0);
        state.tokens.grant(settings, call, &mut state.rng, now)
    } else if call.path == "/oauth/authorize" {
        state.stats.count("GET /oauth/authorize", 0);
        oauth::authorize(settings, state, call, now)
    } else if call.path == "/oauth/revoke" {
        state.stats.count("POST /oauth/revoke", 0);
        oauth::revoke(settings, state, call, now)
    } else {
        match state.tokens.caller(settings, call, now) {
            Ok(caller) => known_caller(settings, state, call, &caller, now),
            Err(refusal) => {
                state.stats.count("unauthorized", 0);
                refusal
            }
        }
    };
    let random = digest(&["correlation", &state.rng.u64(..).to_string()]);
    let correlation = format!(
        "{}-{}-4{}-8{}-{}",
        &random[..8],
        &random[8..12],
        &random[13..16],
        &random[17..20],
        &random[20..32]
    );
    reply.with("x-correlation-id", correlation)
}

fn known_caller(
    settings: &PipedriveSettings,
    state: &mut State,
    call: &Call,
    caller: &Caller,
    now: Timestamp,
) -> Reply {
    let within = |operation: &Operation<'_>| match caller.oauth {
        true => scopes::check(settings, operation.name),
        false => Ok(()),
    };
    let reply = match operation(call) {
        Err(problem) => {
            state.stats.count("unknown", 0);
            problem.reply()
        }
        Ok(operation) if let Err(refusal) = within(&operation) => {
            state.stats.count(operation.name, 0);
            refusal
        }
        Ok(operation) => match state.meter.admit(settings, caller, &operation, now) {
            Err(refusal) => {
                state.stats.count(operation.name, 0);
                refusal
            }
            Ok(()) => {
                let reply = run(settings, state, call, &operation.target, caller, now)
                    .unwrap_or_else(|problem| problem.reply());
                let free = reply.status.is_client_error() && !settings.charge_refused;
                if free {
                    state.meter.refund(operation.cost);
                }
                state.stats.count(operation.name, if free { 0 } else { operation.cost });
                reply
            }
        },
    };
    if reply.status == StatusCode::FORBIDDEN
        && reply.headers.iter().any(|(_, value)| value.starts_with("text/html"))
    {
        return reply;
    }
    state.meter.headers(settings, caller, reply, now)
}

fn run(
    settings: &PipedriveSettings,
    state: &mut State,
    call: &Call,
    target: &Target<'_>,
    caller: &Caller,
    now: Timestamp,
) -> Result<Reply, Problem> {
    let by = Writer { user_id: settings.user_id, source: Source::Api, now };
    match target {
        Target::Me => Ok(users::me(settings)),
        Target::Record(run, key) => run(state, &records::Request::new(call, settings, by, key)),
        Target::Version1(target) => v1::run(settings, state, call, target, caller, &by),
    }
}
