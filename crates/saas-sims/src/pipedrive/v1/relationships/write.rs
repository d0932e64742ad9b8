//! Writes of `/v1/organizationRelationships`: both ends living and different, not there yet.

use serde_json::{Map, Value, json};

use super::super::super::events::Action;
use super::super::super::organizations::Organization;
use super::super::super::params;
use super::super::super::problem::Problem;
use super::super::super::settings::PipedriveSettings;
use super::super::super::state::{State, Writer};
use super::super::super::write::whole;
use super::super::{bad, body};
use super::{Relationship, answer, find};
use crate::call::{Call, Reply};

const KNOWN: [&str; 4] = ["org_id", "type", "rel_owner_org_id", "rel_linked_org_id"];

pub(in super::super) fn create(
    settings: &PipedriveSettings,
    state: &mut State,
    call: &Call,
    by: &Writer,
) -> Result<Reply, Problem> {
    params::check_names(call, &[], settings)?;
    let now = whole(by.now);
    let id = state.v1.relationships.last_id + 1;
    let empty = Relationship { id, parent: false, owner: 0, linked: 0, add_time: now, update_time: now };
    let body = body::object(settings, call, &KNOWN)?;
    if let Some(name) = KNOWN[1..].iter().find(|name| body.get(**name).is_none_or(Value::is_null)) {
        return Err(bad(format_args!("{name}: is required")));
    }
    let relationship = apply(settings, state, empty, &body)?;
    state.v1.relationships.last_id = id;
    Ok(store(state, relationship, Action::Create, Vec::new(), by))
}

pub(in super::super) fn update(
    settings: &PipedriveSettings,
    state: &mut State,
    call: &Call,
    id: i64,
    by: &Writer,
) -> Result<Reply, Problem> {
    params::check_names(call, &[], settings)?;
    let old = find(settings, state, id)?;
    let body = body::object(settings, call, &KNOWN)?;
    if body.is_empty() {
        return Err(bad("The body must not be empty"));
    }
    let mut relationship = apply(settings, state, old.clone(), &body)?;
    relationship.update_time = whole(by.now);
    let same = [
        ("type", relationship.parent == old.parent),
        ("rel_owner_org_id", relationship.owner == old.owner),
        ("rel_linked_org_id", relationship.linked == old.linked),
    ];
    let changed = same.into_iter().filter(|(_, same)| !same).map(|(name, _)| name.to_owned()).collect();
    Ok(store(state, relationship, Action::Change, changed, by))
}

/// Deletes for good.
pub(in super::super) fn delete(
    settings: &PipedriveSettings,
    state: &mut State,
    call: &Call,
    id: i64,
    by: &Writer,
) -> Result<Reply, Problem> {
    params::check_names(call, &[], settings)?;
    find(settings, state, id)?;
    state.v1.relationships.all.remove(&id);
    state.log("organizationRelationship", id.to_string(), Action::Delete, Vec::new(), by);
    Ok(Reply::ok(&json!({"success": true, "data": {"id": id}})))
}

fn store(
    state: &mut State,
    relationship: Relationship,
    action: Action,
    changed: Vec<String>,
    by: &Writer,
) -> Reply {
    state.log("organizationRelationship", relationship.id.to_string(), action, changed, by);
    let reply = answer(state, &relationship, relationship.json(state));
    state.v1.relationships.all.insert(relationship.id, relationship);
    reply
}

/// The relationship with the body put in: both ends living and different, not there yet.
fn apply(
    settings: &PipedriveSettings,
    state: &State,
    mut relationship: Relationship,
    body: &Map<String, Value>,
) -> Result<Relationship, Problem> {
    let organization = |name: &str| {
        let Some(id) = body::id(body, name)? else { return Ok(None) };
        let living = |found: &&Organization| !found.is_deleted;
        let known = state.organizations.get(id).filter(living).map(|found| Some(found.id));
        known.ok_or_else(|| bad(format_args!("{name}: organization {id} not found")))
    };
    match body.get("type").map(Value::as_str) {
        None => {}
        Some(Some("parent")) => relationship.parent = true,
        Some(Some("related")) => relationship.parent = false,
        Some(_) => return Err(bad("type: must be one of parent, related")),
    }
    relationship.owner = organization("rel_owner_org_id")?.unwrap_or(relationship.owner);
    relationship.linked = organization("rel_linked_org_id")?.unwrap_or(relationship.linked);
    let base = organization("org_id")?;
    if relationship.owner == relationship.linked {
        return Err(bad("An organization cannot be related to itself"));
    }
    if base.is_some_and(|base| base != relationship.owner && base != relationship.linked) {
        return Err(bad("org_id: is not part of the relationship"));
    }
    let repeated = state.v1.relationships.all.values().any(|known| relationship.repeats(known));
    if repeated && settings.v1.refuse_duplicate_relationships {
        return Err(bad("The organizations are already related in this way"));
    }
    Ok(relationship)
}
