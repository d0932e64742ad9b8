//! Which path is what, what it costs (section 3.2), and what all answers have in common (section 3.4).

use axum::http::{Method, StatusCode};
use jiff::Timestamp;
use serde_json::json;

use super::auth::Caller;
use super::entity::Entity;
use super::events::Source;
use super::problem::Problem;
use super::settings::PipedriveSettings;
use super::state::{State, Writer};
use super::{fields, organizations, records, route_table, users, write};
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
    ListOrganizations,
    CreateOrganization,
    GetOrganization(&'a str),
    UpdateOrganization(&'a str),
    DeleteOrganization(&'a str),
    ListFields,
    CreateField,
    GetField(&'a str),
    DeleteField(&'a str),
    Me,
    Record(route_table::Run, &'a str),
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
    let ["api", "v2", rest @ ..] = path.as_slice() else { return Err(route_table::unknown(call)) };
    let (get, post, patch, delete) = (&Method::GET, &Method::POST, &Method::PATCH, &Method::DELETE);
    match (&call.method, rest) {
        (m, ["organizations"]) if m == get => op("GET /api/v2/organizations", 10, Target::ListOrganizations),
        (m, ["organizations"]) if m == post => {
            op("POST /api/v2/organizations", 5, Target::CreateOrganization)
        }
        (m, ["organizations", id]) if m == get => {
            op("GET /api/v2/organizations/{id}", 1, Target::GetOrganization(id))
        }
        (m, ["organizations", id]) if m == patch => {
            op("PATCH /api/v2/organizations/{id}", 5, Target::UpdateOrganization(id))
        }
        (m, ["organizations", id]) if m == delete => {
            op("DELETE /api/v2/organizations/{id}", 3, Target::DeleteOrganization(id))
        }
        (m, ["organizationFields"]) if m == get => {
            op("GET /api/v2/organizationFields", 10, Target::ListFields)
        }
        (m, ["organizationFields"]) if m == post => {
            op("POST /api/v2/organizationFields", 5, Target::CreateField)
        }
        (m, ["organizationFields", code]) if m == get => {
            op("GET /api/v2/organizationFields/{code}", 1, Target::GetField(code))
        }
        (m, ["organizationFields", code]) if m == delete => {
            op("DELETE /api/v2/organizationFields/{code}", 3, Target::DeleteField(code))
        }
        (_, ["organizations" | "organizationFields"] | ["organizations" | "organizationFields", _]) => {
            Err(Problem::method_not_allowed())
        }
        _ => Err(route_table::unknown(call)),
    }
}

pub(crate) fn answer(settings: &PipedriveSettings, state: &mut State, call: &Call, now: Timestamp) -> Reply {
    let reply = if call.path == "/oauth/token" {
        state.stats.count("POST /oauth/token", 0);
        state.tokens.grant(settings, call, &mut state.rng, now)
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
    let reply = match operation(call) {
        Err(problem) => {
            state.stats.count("unknown", 0);
            problem.reply()
        }
        Ok(operation) => match state.meter.admit(settings, caller, &operation, now) {
            Err(refusal) => {
                state.stats.count(operation.name, 0);
                refusal
            }
            Ok(()) => {
                let reply = run(settings, state, call, &operation.target, now)
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
    now: Timestamp,
) -> Result<Reply, Problem> {
    let by = Writer { user_id: settings.user_id, source: Source::Api, now };
    let data = match target {
        Target::ListOrganizations => return organizations::list(settings, state, call),
        Target::GetOrganization(key) => {
            return organizations::one(state, &records::Request::new(call, settings, by, key));
        }
        Target::ListFields => {
            return fields::list(state, &records::Request::new(call, settings, by, ""), Entity::Organization);
        }
        Target::CreateField => {
            return fields::create(
                state,
                &records::Request::new(call, settings, by, ""),
                Entity::Organization,
            );
        }
        Target::GetField(code) => {
            return fields::one(
                state,
                &records::Request::new(call, settings, by, code),
                Entity::Organization,
            );
        }
        Target::DeleteField(code) => {
            return fields::remove(
                state,
                &records::Request::new(call, settings, by, code),
                Entity::Organization,
            );
        }
        Target::Record(run, key) => {
            return run(state, &records::Request::new(call, settings, by, key));
        }
        Target::Me => return Ok(users::me(settings)),
        Target::CreateOrganization => organizations::create(settings, state, &write::object(call)?, &by)?,
        Target::UpdateOrganization(key) => {
            organizations::update(settings, state, id(key)?, &write::object(call)?, &by)?
        }
        Target::DeleteOrganization(key) => organizations::delete(settings, state, id(key)?, &by)?,
    };
    Ok(Reply::ok(&json!({"success": true, "data": data})))
}

fn id(text: &str) -> Result<i64, Problem> {
    let id = text.parse().ok().filter(|id: &i64| *id > 0);
    id.ok_or_else(|| Problem::invalid("id: must be a positive integer"))
}
