//! `GET /api/v2/itemSearch/field` (section 7): case-sensitive, over one custom field.

use serde_json::{Value, json};

use super::cursor::Cursor;
use super::entity::Entity;
use super::fields::SEARCHABLE;
use super::params;
use super::problem::Problem;
use super::records::Request;
use super::search::Entry;
use super::settings::PipedriveSettings;
use super::state::State;
use crate::call::{Call, Reply};

const ENTITIES: [&str; 6] = ["deal", "lead", "person", "organization", "product", "project"];

pub(crate) fn by_field(state: &mut State, request: &Request<'_>) -> Result<Reply, Problem> {
    let Request { call, settings, .. } = *request;
    params::check_names(call, &["term", "entity_type", "field", "match", "limit", "cursor"], settings)?;
    let needed =
        |name: &str| call.param(name).ok_or_else(|| Problem::invalid(format_args!("{name}: is required")));
    let (term, field) = (needed("term")?, needed("field")?);
    needed("entity_type")?;
    let entity = params::choice(call, "entity_type", &ENTITIES)?.and_then(Entity::of_name);
    let entity =
        entity.ok_or_else(|| Problem::not_modelled("entity_type other than organization, deal, person"))?;
    let how = params::choice(call, "match", &["exact", "beginning", "middle"])?.unwrap_or("exact");
    check_length(term, how == "exact")?;
    let limit = params::limit(call, 100, settings)?;
    let start = start(call)?;
    let known = state.fields_of(entity).get(field);
    let known = known.ok_or_else(|| Problem::invalid(format_args!("field: Unknown key '{field}'")))?;
    if !SEARCHABLE.contains(&known.kind.as_str()) {
        return Err(Problem::invalid(format_args!("field: '{field}' is not searchable")));
    }
    state.search.settle(request.now());
    let matches = |value: &String| match how {
        "exact" => value == term,
        "beginning" => value.starts_with(term),
        _ => value.contains(term),
    };
    let hits =
        state.search.entries(entity, start).filter(|(_, entry)| entry.values.get(field).is_some_and(matches));
    let (hits, next) = page(hits, limit);
    let item = |(id, entry): (i64, &Entry)| {
        let item = json!({"id": id, "name": entry.name});
        if settings.field_search_items { json!({"result_score": 1.0, "item": item}) } else { item }
    };
    let data: Vec<Value> = hits.into_iter().map(item).collect();
    Ok(Reply::ok(&json!({"success": true, "data": data, "additional_data": {"next_cursor": next}})))
}

/// A term has two characters, or one when all of it has to match.
pub(super) fn check_length(term: &str, exact: bool) -> Result<(), Problem> {
    let shortest = if exact { 1 } else { 2 };
    if term.chars().count() < shortest {
        return Err(Problem::invalid(format_args!("term: must be at least {shortest} characters long")));
    }
    Ok(())
}

/// `limit` of the searches per kind of record: 100 in fact, though the specification says 500 (section 1.4, LIVE).
pub(super) fn limit(call: &Call, settings: &PipedriveSettings) -> Result<usize, Problem> {
    let limit = params::limit(call, 500, settings)?;
    if settings.search_refuses_limit_above_100 && limit > 100 {
        return Err(Problem::invalid("limit: must be less than or equal to 100"));
    }
    Ok(limit)
}

/// The id at which the page begins.
pub(super) fn start(call: &Call) -> Result<i64, Problem> {
    match params::cursor(call)? {
        None => Ok(i64::MIN),
        Some(cursor) if cursor == Cursor::by_id(cursor.id) => Ok(cursor.id),
        Some(_) => Err(Problem::invalid("cursor: is not valid")),
    }
}

/// The first hits, and the cursor of the next page.
pub(super) fn page<T>(hits: impl Iterator<Item = (i64, T)>, limit: usize) -> (Vec<(i64, T)>, Option<String>) {
    let mut hits: Vec<(i64, T)> = hits.take(limit + 1).collect();
    let next = if hits.len() > limit { hits.pop() } else { None };
    (hits, next.map(|(id, _)| Cursor::by_id(id).encode()))
}
