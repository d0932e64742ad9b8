//! One organization: create, read, update, delete (section 1.5).

use serde_json::{Map, Value, json};

use super::super::events::Action;
use super::super::problem::Problem;
use super::super::records::Request;
use super::super::settings::PipedriveSettings;
use super::super::state::{State, Writer};
use super::super::table::Row as _;
use super::super::write::{self, whole};
use super::Organization;
use crate::call::Reply;

pub(crate) fn one(state: &mut State, request: &Request<'_>) -> Result<Reply, Problem> {
    request.one(state, &state.organizations)
}

/// Creates an organization; two with one name are two organizations.
pub(crate) fn create(
    settings: &PipedriveSettings,
    state: &mut State,
    body: &Map<String, Value>,
    by: &Writer,
) -> Result<Value, Problem> {
    let now = whole(by.now);
    let mut organization = Organization {
        id: state.organizations.next_id(),
        name: String::new(),
        owner_id: by.user_id,
        add_time: now,
        update_time: now,
        is_deleted: false,
        visible_to: 3,
        label_ids: Vec::new(),
        address: Value::Null,
        plain: std::collections::BTreeMap::new(),
        custom: std::collections::BTreeMap::new(),
    };
    if !body.contains_key("name") {
        return Err(Problem::invalid("name: is required"));
    }
    write::apply(&mut organization, body, &state.fields, settings, true)?;
    Ok(store(settings, state, organization, Action::Create, Vec::new(), by))
}

pub(crate) fn update(
    settings: &PipedriveSettings,
    state: &mut State,
    id: i64,
    body: &Map<String, Value>,
    by: &Writer,
) -> Result<Value, Problem> {
    let old = living(state, id)?;
    let mut organization = old.clone();
    write::apply(&mut organization, body, &state.fields, settings, false)?;
    let changed = organization.changed_from(old);
    if !changed.is_empty() || settings.unchanged_patch_moves_update_time {
        organization.update_time = whole(by.now);
    }
    Ok(store(settings, state, organization, Action::Change, changed, by))
}

/// Deletes softly: the update time is that of the deletion.
pub(crate) fn delete(
    settings: &PipedriveSettings,
    state: &mut State,
    id: i64,
    by: &Writer,
) -> Result<Value, Problem> {
    let mut organization = living(state, id)?.clone();
    organization.is_deleted = true;
    organization.update_time = whole(by.now);
    store(settings, state, organization, Action::Delete, Vec::new(), by);
    Ok(json!({"id": id}))
}

/// What a person can do within 30 days; how webhooks tell of it is UNVERIFIED, here as a change.
pub(crate) fn restore(
    settings: &PipedriveSettings,
    state: &mut State,
    id: i64,
    by: &Writer,
) -> Result<Value, Problem> {
    let found = state.organizations.get(id).filter(|organization| organization.is_deleted);
    let mut organization = found.ok_or_else(|| Problem::not_found("Organization"))?.clone();
    organization.is_deleted = false;
    organization.update_time = whole(by.now);
    Ok(store(settings, state, organization, Action::Change, vec!["is_deleted".to_owned()], by))
}

fn living(state: &State, id: i64) -> Result<&Organization, Problem> {
    let found = state.organizations.get(id).filter(|organization| !organization.is_deleted);
    found.ok_or_else(|| Problem::not_found("Organization"))
}

fn store(
    settings: &PipedriveSettings,
    state: &mut State,
    organization: Organization,
    action: Action,
    changed: Vec<String>,
    by: &Writer,
) -> Value {
    let record = organization.json(&state.fields, None);
    state.store(settings, organization, action, changed, by);
    record
}
