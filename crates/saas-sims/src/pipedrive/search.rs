//! `GET /api/v2/itemSearch/field` (section 7): an index that lags, and keeps the values of what was deleted.

use std::collections::{BTreeMap, VecDeque};

use jiff::Timestamp;
use serde_json::{Value, json};

use super::cursor::Cursor;
use super::fields::{Fields, SEARCHABLE};
use super::organizations::Organization;
use super::params;
use super::problem::Problem;
use super::settings::PipedriveSettings;
use super::state::State;
use crate::call::{Call, Reply};

/// Searchable values by organization.
#[derive(Debug, Default)]
pub(crate) struct SearchIndex {
    entries: BTreeMap<i64, Entry>,
    /// Writes on their way into the index, with the time of their arrival.
    arriving: VecDeque<(Timestamp, i64, Entry)>,
}

#[derive(Clone, Debug)]
struct Entry {
    name: String,
    values: BTreeMap<String, String>,
}

impl SearchIndex {
    /// Takes a written organization; it can be found from `due` on.
    pub(crate) fn take(&mut self, due: Timestamp, organization: &Organization, fields: &Fields) {
        let searchable = fields.custom().iter().filter(|field| SEARCHABLE.contains(&field.kind.as_str()));
        let values = searchable.filter_map(|field| {
            let text = text(organization.custom.get(&field.code)?)?;
            Some((field.code.clone(), text))
        });
        let entry = Entry { name: organization.name.clone(), values: values.collect() };
        self.arriving.push_back((due, organization.id, entry));
    }

    /// Lets arrive what is due.
    fn settle(&mut self, now: Timestamp) {
        while self.arriving.front().is_some_and(|(due, ..)| *due <= now) {
            if let Some((_, id, entry)) = self.arriving.pop_front() {
                self.entries.insert(id, entry);
            }
        }
    }
}

/// What is searched for in a value: its text, its number, the amount, the free text of an address.
fn text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Object(parts) => parts.get("value").and_then(text),
        Value::Null | Value::Bool(_) | Value::Array(_) => None,
    }
}

const ENTITIES: [&str; 6] = ["deal", "lead", "person", "organization", "product", "project"];

pub(crate) fn by_field(
    settings: &PipedriveSettings,
    state: &mut State,
    call: &Call,
    now: Timestamp,
) -> Result<Reply, Problem> {
    params::check_names(call, &["term", "entity_type", "field", "match", "limit", "cursor"], settings)?;
    let needed =
        |name: &str| call.param(name).ok_or_else(|| Problem::invalid(format_args!("{name}: is required")));
    let (term, field) = (needed("term")?, needed("field")?);
    needed("entity_type")?;
    if params::choice(call, "entity_type", &ENTITIES)? != Some("organization") {
        return Err(Problem::not_modelled("entity_type other than organization"));
    }
    let how = params::choice(call, "match", &["exact", "beginning", "middle"])?.unwrap_or("exact");
    let shortest = if how == "exact" { 1 } else { 2 };
    if term.chars().count() < shortest {
        return Err(Problem::invalid(format_args!("term: must be at least {shortest} characters long")));
    }
    let limit = params::limit(call, 100, settings)?;
    let start = match params::cursor(call)? {
        None => i64::MIN,
        Some(cursor) if cursor == Cursor::by_id(cursor.id) => cursor.id,
        Some(_) => return Err(Problem::invalid("cursor: is not valid")),
    };
    let known = state
        .fields
        .get(field)
        .ok_or_else(|| Problem::invalid(format_args!("field: Unknown key '{field}'")))?;
    if !SEARCHABLE.contains(&known.kind.as_str()) {
        return Err(Problem::invalid(format_args!("field: '{field}' is not searchable")));
    }
    state.search.settle(now);
    let matches = |value: &str| match how {
        "exact" => value == term,
        "beginning" => value.starts_with(term),
        _ => value.contains(term),
    };
    let hits = state
        .search
        .entries
        .range(start..)
        .filter(|(_, entry)| entry.values.get(field).is_some_and(|value| matches(value)));
    let mut hits: Vec<(&i64, &Entry)> = hits.take(limit + 1).collect();
    let next = if hits.len() > limit { hits.pop() } else { None };
    let data: Vec<Value> = hits
        .into_iter()
        .map(|(id, entry)| {
            let item = json!({"id": id, "name": entry.name});
            if settings.field_search_items { json!({"result_score": 1.0, "item": item}) } else { item }
        })
        .collect();
    let cursor = next.map(|(id, _)| Cursor::by_id(*id).encode());
    Ok(Reply::ok(&json!({"success": true, "data": data, "additional_data": {"next_cursor": cursor}})))
}
