//! API version 1 (section 1.1): what version 2 does not have, under `/v1/` and `/api/v1/`.

mod body;
mod currencies;
mod relationships;
mod settings;
mod time;
mod users;

use axum::http::Method;

pub use currencies::CustomCurrency;
pub use settings::V1Settings;

use super::problem::Problem;
use super::settings::PipedriveSettings;
use super::state::{State, Writer};
use crate::call::{Call, Reply};
use relationships::Relationships;

/// What version 1 alone holds.
#[derive(Debug, Default)]
pub(crate) struct Records {
    relationships: Relationships,
}

/// What a request to version 1 wants.
#[derive(Debug)]
pub(crate) enum Target<'a> {
    ListRelationships,
    CreateRelationship,
    GetRelationship(&'a str),
    UpdateRelationship(&'a str),
    DeleteRelationship(&'a str),
    ListUsers,
    GetUser(&'a str),
    ListCurrencies,
}

/// Name in the statistics, cost in tokens, target.
pub(crate) type Operation<'a> = (&'static str, u64, Target<'a>);

/// The operation behind a path without its `/v1`; `None` when it is none of these.
pub(crate) fn operation<'a>(method: &Method, path: &[&'a str]) -> Option<Result<Operation<'a>, Problem>> {
    let found = match (method.as_str(), path) {
        ("GET", ["organizationRelationships"]) => {
            ("GET /v1/organizationRelationships", 20, Target::ListRelationships)
        }
        ("POST", ["organizationRelationships"]) => {
            ("POST /v1/organizationRelationships", 10, Target::CreateRelationship)
        }
        ("GET", ["organizationRelationships", id]) => {
            ("GET /v1/organizationRelationships/{id}", 2, Target::GetRelationship(id))
        }
        ("PUT", ["organizationRelationships", id]) => {
            ("PUT /v1/organizationRelationships/{id}", 10, Target::UpdateRelationship(id))
        }
        ("DELETE", ["organizationRelationships", id]) => {
            ("DELETE /v1/organizationRelationships/{id}", 6, Target::DeleteRelationship(id))
        }
        ("GET", ["users"]) => ("GET /v1/users", 20, Target::ListUsers),
        ("GET", ["users", id]) => ("GET /v1/users/{id}", 2, Target::GetUser(id)),
        ("GET", ["currencies"]) => ("GET /v1/currencies", 20, Target::ListCurrencies),
        (_, ["organizationRelationships" | "users" | "currencies"])
        | (_, ["organizationRelationships" | "users", _]) => {
            return Some(Err(Problem::method_not_allowed()));
        }
        _ => return None,
    };
    Some(Ok(found))
}

pub(crate) fn run(
    settings: &PipedriveSettings,
    state: &mut State,
    call: &Call,
    target: &Target<'_>,
    by: &Writer,
) -> Result<Reply, Problem> {
    match target {
        Target::ListRelationships => relationships::list(settings, state, call),
        Target::CreateRelationship => relationships::create(settings, state, call, by),
        Target::GetRelationship(key) => relationships::one(settings, state, call, id(key)?),
        Target::UpdateRelationship(key) => relationships::update(settings, state, call, id(key)?, by),
        Target::ListUsers => users::list(settings, call),
        Target::GetUser(key) => users::one(settings, call, id(key)?),
        Target::ListCurrencies => currencies::list(settings, call),
        Target::DeleteRelationship(key) => relationships::delete(settings, state, call, id(key)?, by),
    }
}

fn id(text: &str) -> Result<i64, Problem> {
    let id = text.parse().ok().filter(|id: &i64| *id > 0);
    id.ok_or_else(|| bad("id: must be a positive integer"))
}

/// 400 without the code that only version 2 has.
fn bad(what: impl std::fmt::Display) -> Problem {
    Problem { status: axum::http::StatusCode::BAD_REQUEST, error: what.to_string(), code: None }
}
