//! Lists of persons, and one person: create, read, update, delete (SPEC-v2).

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use super::super::entity::Entity;
use super::super::events::Action;
use super::super::filters::Selection;
use super::super::listing::Listing;
use super::super::params;
use super::super::problem::Problem;
use super::super::records::Request;
use super::super::settings::PipedriveSettings;
use super::super::show::Show;
use super::super::state::{State, Writer};
use super::super::table::{Link, Row as _};
use super::super::write::whole;
use super::{Person, write};
use crate::call::Reply;

const KNOWN: [&str; 15] = [
    "filter_id",
    "ids",
    "owner_id",
    "org_id",
    "deal_id",
    "updated_since",
    "updated_until",
    "sort_by",
    "sort_direction",
    "include_fields",
    "custom_fields",
    "include_option_labels",
    "include_labels",
    "limit",
    "cursor",
];

pub(crate) fn list(state: &mut State, request: &Request<'_>) -> Result<Reply, Problem> {
    let Request { call, settings, .. } = *request;
    params::check_names(call, &KNOWN, settings)?;
    let listing = Listing::read(call, settings)?;
    let show = Show::read(call, state, Entity::Person)?;
    let mut chosen = Selection::read(call, state, Entity::Person)?;
    if let Some(id) = chosen.integer(call, "org_id")? {
        chosen.narrow(state.persons.linked_ids(Link::Organization(id)));
    }
    if let Some(id) = chosen.integer(call, "deal_id")? {
        let person = state.deals.living(id).and_then(|deal| deal.person_id);
        chosen.narrow(person.into_iter().collect::<BTreeSet<_>>());
    }
    Ok(listing.page(state, &state.persons, chosen.ids.as_ref(), &show, |person| {
        !person.is_deleted && chosen.owner.is_none_or(|owner| person.owner_id == owner)
    }))
}

pub(crate) fn one(state: &mut State, request: &Request<'_>) -> Result<Reply, Problem> {
    request.one(state, &state.persons)
}

/// Creates a person; two with one name are two persons.
pub(crate) fn create(
    settings: &PipedriveSettings,
    state: &mut State,
    body: &Map<String, Value>,
    by: &Writer,
) -> Result<Value, Problem> {
    if !body.contains_key("name") {
        return Err(Problem::invalid("name: is required"));
    }
    let now = whole(by.now);
    let mut person = Person {
        id: state.persons.next_id(),
        name: String::new(),
        owner_id: by.user_id,
        org_id: None,
        add_time: now,
        update_time: now,
        emails: Vec::new(),
        phones: Vec::new(),
        is_deleted: false,
        visible_to: 3,
        label_ids: Vec::new(),
        custom: std::collections::BTreeMap::new(),
    };
    write::apply(&mut person, body, state, settings, by, true)?;
    Ok(store(settings, state, person, Action::Create, Vec::new(), by))
}

pub(crate) fn update(
    settings: &PipedriveSettings,
    state: &mut State,
    id: i64,
    body: &Map<String, Value>,
    by: &Writer,
) -> Result<Value, Problem> {
    let old = state.persons.living(id).ok_or_else(|| Problem::not_found("Person"))?;
    let mut person = old.clone();
    write::apply(&mut person, body, state, settings, by, false)?;
    let changed = person.changed_from(old);
    if !changed.is_empty() || settings.unchanged_patch_moves_update_time {
        person.update_time = whole(by.now);
    }
    Ok(store(settings, state, person, Action::Change, changed, by))
}

/// Deletes softly: the update time is that of the deletion.
pub(crate) fn delete(
    settings: &PipedriveSettings,
    state: &mut State,
    id: i64,
    by: &Writer,
) -> Result<Value, Problem> {
    let mut person = state.persons.living(id).ok_or_else(|| Problem::not_found("Person"))?.clone();
    person.is_deleted = true;
    person.update_time = whole(by.now);
    store(settings, state, person, Action::Delete, Vec::new(), by);
    Ok(json!({"id": id}))
}

fn store(
    settings: &PipedriveSettings,
    state: &mut State,
    person: Person,
    action: Action,
    changed: Vec<String>,
    by: &Writer,
) -> Value {
    let counted = |person: &Person| (person.org_id, person.is_deleted);
    let before = state.persons.get(person.id).map(counted);
    let organizations =
        (before != Some(counted(&person))).then(|| [before.and_then(|(id, _)| id), person.org_id]);
    state.store(settings, person.clone(), action, changed, by);
    if settings.linked_writes_move_update_time {
        for id in organizations.into_iter().flatten().flatten() {
            state.organizations.touch(id, whole(by.now));
        }
    }
    person.json(&state.person_fields, None)
}
