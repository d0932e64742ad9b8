//! `/{field_code}/options` (section 2): all of a request or nothing, at most 10,000 options.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};

use super::super::entity::Entity;
use super::super::events::Action;
use super::super::params;
use super::super::problem::Problem;
use super::super::records::Request;
use super::super::state::State;
use super::super::write::array;
use super::CustomField;
use crate::call::Reply;

const MOST: usize = 10_000;

pub(crate) fn add(state: &mut State, request: &Request<'_>, entity: Entity) -> Result<Reply, Problem> {
    let labels: Vec<String> = body(request, &["label"])?.iter().map(label).collect::<Result<_, _>>()?;
    let known = field(state, request, entity)?.options.len();
    if known + labels.len() > MOST {
        return Err(Problem::invalid(format_args!("options: must contain at most {MOST} items")));
    }
    let fields = state.fields_of_mut(entity);
    let first = fields.last_option + 1;
    let new: Vec<(i64, String)> = (first..).zip(labels).collect();
    fields.last_option = new.last().map_or(fields.last_option, |(id, _)| *id);
    if let Some(field) = fields.get_mut(request.key) {
        field.options.extend(new.iter().cloned());
    }
    Ok(done(state, request, entity, &new))
}

pub(crate) fn change(state: &mut State, request: &Request<'_>, entity: Entity) -> Result<Reply, Problem> {
    let given = body(request, &["id", "label"])?;
    let old = field(state, request, entity)?;
    let new = given.iter().map(|entry| Ok((known(old, entry)?.0, label(entry)?)));
    let new: Vec<(i64, String)> = new.collect::<Result<_, Problem>>()?;
    let texts: BTreeMap<i64, &String> = new.iter().map(|(id, label)| (*id, label)).collect();
    if let Some(field) = state.fields_of_mut(entity).get_mut(request.key) {
        for (id, label) in &mut field.options {
            if let Some(text) = texts.get(id) {
                label.clone_from(text);
            }
        }
    }
    Ok(done(state, request, entity, &new))
}

/// Deletes options; records lose the value.
pub(crate) fn remove(state: &mut State, request: &Request<'_>, entity: Entity) -> Result<Reply, Problem> {
    let given = body(request, &["id"])?;
    let old = field(state, request, entity)?;
    let gone: Vec<(i64, String)> = given.iter().map(|entry| known(old, entry)).collect::<Result<_, _>>()?;
    let ids: BTreeSet<i64> = gone.iter().map(|(id, _)| *id).collect();
    if let Some(field) = state.fields_of_mut(entity).get_mut(request.key) {
        field.options.retain(|(id, _)| !ids.contains(id));
    }
    let code = request.key.to_owned();
    let forget = |custom: &mut BTreeMap<String, Value>| {
        let lost = |id: &Value| id.as_i64().is_some_and(|id| ids.contains(&id));
        let empty = match custom.get_mut(&code) {
            Some(Value::Array(set)) => {
                set.retain(|id| !lost(id));
                set.is_empty()
            }
            Some(value) => lost(value),
            None => false,
        };
        if empty {
            custom.remove(&code);
        }
    };
    match entity {
        Entity::Organization => state.organizations.change_custom(forget),
        Entity::Deal => state.deals.change_custom(forget),
        Entity::Person => state.persons.change_custom(forget),
    }
    Ok(done(state, request, entity, &gone))
}

fn done(state: &mut State, request: &Request<'_>, entity: Entity, options: &[(i64, String)]) -> Reply {
    let changed = vec!["options".to_owned()];
    state.log(entity.field(), request.key.to_owned(), Action::Change, changed, &request.by);
    let data: Vec<Value> = options.iter().map(|(id, label)| json!({"id": id, "label": label})).collect();
    Reply::ok(&json!({"success": true, "data": data, "additional_data": null}))
}

/// The entries of the body: objects with exactly these keys.
fn body(request: &Request<'_>, keys: &[&str]) -> Result<Vec<Map<String, Value>>, Problem> {
    params::check_names(request.call, &[], request.settings)?;
    let wrong =
        || Problem::invalid(format_args!("options: must be a list of objects with {}", keys.join(" and ")));
    let entries = array(request.call)?;
    let exact = |entry: &Value| {
        let entry = entry.as_object()?;
        (entry.len() == keys.len() && keys.iter().all(|key| entry.contains_key(*key))).then(|| entry.clone())
    };
    let entries: Option<Vec<_>> = entries.iter().map(exact).collect();
    entries.filter(|entries| !entries.is_empty()).ok_or_else(wrong)
}

fn label(entry: &Map<String, Value>) -> Result<String, Problem> {
    let label = entry.get("label").and_then(Value::as_str).map(str::trim).filter(|label| !label.is_empty());
    Ok(label.ok_or_else(|| Problem::invalid("label: must be a non-empty string"))?.to_owned())
}

/// The option that the entry names.
fn known(field: &CustomField, entry: &Map<String, Value>) -> Result<(i64, String), Problem> {
    let id = entry.get("id").and_then(Value::as_i64);
    let found = field.options.iter().find(|(option, _)| Some(*option) == id);
    found.cloned().ok_or_else(|| Problem::invalid("id: there is no such option"))
}

/// The enum or set behind the key.
fn field<'a>(state: &'a State, request: &Request<'_>, entity: Entity) -> Result<&'a CustomField, Problem> {
    let field = state.fields_of(entity).get(request.key).ok_or_else(|| Problem::not_found("Field"))?;
    match field.kind.as_str() {
        "enum" | "set" => Ok(field),
        _ => Err(Problem::invalid("field_code: only enum and set fields have options")),
    }
}
