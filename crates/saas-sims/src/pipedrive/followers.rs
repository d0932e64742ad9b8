//! Followers of organizations and deals (section 1.1; creating answers 201, section 10 no. 4).

use std::collections::BTreeMap;

use axum::http::StatusCode;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::cursor::Cursor;
use super::entity::Entity;
use super::params;
use super::problem::Problem;
use super::records::Request;
use super::state::State;
use super::write;
use crate::call::Reply;

/// Who follows what, and since when.
#[derive(Debug, Default)]
pub(crate) struct Followers(BTreeMap<(Entity, i64), BTreeMap<i64, Timestamp>>);

impl Followers {
    pub(crate) fn count(&self, entity: Entity, id: i64) -> usize {
        self.0.get(&(entity, id)).map_or(0, BTreeMap::len)
    }
}

fn json(user: i64, since: Timestamp) -> Value {
    json!({"user_id": user, "add_time": write::whole(since).to_string()})
}

/// The record whose followers are meant: it has to exist.
fn followed(state: &State, request: &Request<'_>, entity: Entity) -> Result<(Entity, i64), Problem> {
    let segment = request.call.segments.get(3).and_then(|id| id.parse::<i64>().ok()).filter(|id| *id > 0);
    let id = segment.ok_or_else(|| Problem::invalid("id: must be a positive integer"))?;
    let living = match entity {
        Entity::Organization => state.organizations.living(id).is_some(),
        Entity::Deal => state.deals.living(id).is_some(),
        Entity::Person => state.persons.living(id).is_some(),
    };
    if living { Ok((entity, id)) } else { Err(Problem::not_found(Entity::title(entity))) }
}

pub(crate) fn list(state: &mut State, request: &Request<'_>, entity: Entity) -> Result<Reply, Problem> {
    params::check_names(request.call, &["limit", "cursor"], request.settings)?;
    let limit = params::limit(request.call, 500, request.settings)?;
    let start = params::cursor(request.call)?.map_or(i64::MIN, |cursor| cursor.id);
    let key = followed(state, request, entity)?;
    let all = state.followers.0.get(&key).cloned().unwrap_or_default();
    let mut page: Vec<(i64, Timestamp)> = all.into_iter().filter(|(user, _)| *user >= start).collect();
    let next = page.get(limit).map(|(user, _)| Cursor::by_id(*user).encode());
    page.truncate(limit);
    let data: Vec<Value> = page.into_iter().map(|(user, since)| json(user, since)).collect();
    Ok(Reply::ok(&json!({"success": true, "data": data, "additional_data": {"next_cursor": next}})))
}

pub(crate) fn add(state: &mut State, request: &Request<'_>, entity: Entity) -> Result<Reply, Problem> {
    params::check_names(request.call, &[], request.settings)?;
    let key = followed(state, request, entity)?;
    let body = write::object(request.call)?;
    if let Some(other) = body.keys().find(|name| *name != "user_id") {
        return Err(Problem::invalid(format_args!("\"{other}\" is not allowed")));
    }
    let user = body.get("user_id").and_then(Value::as_i64);
    let user = user.filter(|user| request.settings.users().contains(user));
    let user = user.ok_or_else(|| Problem::invalid("user_id: must be a user of the company"))?;
    let since = *state.followers.0.entry(key).or_default().entry(user).or_insert(request.now());
    Ok(Reply::json(StatusCode::CREATED, &json!({"success": true, "data": json(user, since)})))
}

pub(crate) fn remove(state: &mut State, request: &Request<'_>, entity: Entity) -> Result<Reply, Problem> {
    params::check_names(request.call, &[], request.settings)?;
    let key = followed(state, request, entity)?;
    let user = request.id()?;
    let gone = state.followers.0.get_mut(&key).and_then(|users| users.remove(&user));
    gone.map(|_| request.data(json!({"user_id": user}))).ok_or_else(|| Problem::not_found("Follower"))
}
