//! Writes of `/v1/notes`: what is stored is the sanitised HTML.

use serde_json::{Map, Value, json};

use super::super::super::events::{Action, Around};
use super::super::super::params;
use super::super::super::problem::Problem;
use super::super::super::settings::PipedriveSettings;
use super::super::super::state::{State, Writer};
use super::super::super::write::whole;
use super::super::{bad, body, html, record_exists, time};
use super::{NOT_MODELLED, Note, answer};
use crate::call::{Call, Reply};

const KNOWN: [&str; 15] = [
    "content",
    "deal_id",
    "org_id",
    "lead_id",
    "person_id",
    "project_id",
    "task_id",
    "user_id",
    "add_time",
    "pinned_to_lead_flag",
    "pinned_to_deal_flag",
    "pinned_to_organization_flag",
    "pinned_to_person_flag",
    "pinned_to_project_flag",
    "pinned_to_task_flag",
];

pub(in super::super) fn create(
    settings: &PipedriveSettings,
    state: &mut State,
    call: &Call,
    by: &Writer,
) -> Result<Reply, Problem> {
    params::check_names(call, &[], settings)?;
    let body = body::object(settings, call, &KNOWN)?;
    if !body.contains_key("content") {
        return Err(bad("content: is required"));
    }
    let now = whole(by.now);
    let mut note = Note {
        id: state.v1.notes.all.last_key_value().map_or(1, |(id, _)| id + 1),
        active: true,
        content: String::new(),
        deal_id: None,
        org_id: None,
        pinned_to_deal: false,
        pinned_to_organization: false,
        user_id: by.user_id,
        last_update_user_id: by.user_id,
        add_time: now,
        update_time: now,
    };
    apply(settings, state, &mut note, &body)?;
    Ok(store(settings, state, note, Action::Create, by))
}

pub(in super::super) fn update(
    settings: &PipedriveSettings,
    state: &mut State,
    call: &Call,
    id: i64,
    by: &Writer,
) -> Result<Reply, Problem> {
    params::check_names(call, &[], settings)?;
    let mut note = living(state, id)?;
    let body = body::object(settings, call, &KNOWN)?;
    if body.is_empty() {
        return Err(bad("The body must not be empty"));
    }
    apply(settings, state, &mut note, &body)?;
    note.last_update_user_id = by.user_id;
    note.update_time = whole(by.now);
    Ok(store(settings, state, note, Action::Change, by))
}

/// Deletes softly: lists leave the note out, its id still finds it.
pub(in super::super) fn delete(
    settings: &PipedriveSettings,
    state: &mut State,
    call: &Call,
    id: i64,
    by: &Writer,
) -> Result<Reply, Problem> {
    params::check_names(call, &[], settings)?;
    let mut note = living(state, id)?;
    note.active = false;
    note.update_time = whole(by.now);
    store(settings, state, note, Action::Delete, by);
    Ok(Reply::ok(&json!({"success": true, "data": true})))
}

fn living(state: &State, id: i64) -> Result<Note, Problem> {
    let found = state.v1.notes.all.get(&id).filter(|note| note.active);
    found.cloned().ok_or_else(|| Problem::not_found("Note"))
}

fn store(settings: &PipedriveSettings, state: &mut State, note: Note, action: Action, by: &Writer) -> Reply {
    let before = state.v1.notes.all.get(&note.id).map(Note::told);
    let after = note.told();
    let changed = match (&before, action) {
        (Some(before), Action::Change) => {
            let names = KNOWN.into_iter().filter(|name| before[*name] != after[*name]);
            names.map(str::to_owned).collect()
        }
        _ => Vec::new(),
    };
    let after = (action != Action::Delete).then_some(after);
    let around = Around { before, after, ..Around::default() };
    state.log_around("note", note.id.to_string(), action, changed, by, around);
    let reply = answer(settings, state, &note);
    state.v1.notes.all.insert(note.id, note);
    reply
}

/// Puts the body in; on a problem the caller throws the half-written copy away.
fn apply(
    settings: &PipedriveSettings,
    state: &State,
    note: &mut Note,
    body: &Map<String, Value>,
) -> Result<(), Problem> {
    if let Some(name) = NOT_MODELLED.iter().find(|name| body.get(**name).is_some_and(|id| !id.is_null())) {
        return Err(Problem::not_modelled(&format!("{name} of a note")));
    }
    if let Some(content) = body.get("content") {
        note.content = checked_content(settings, content)?;
    }
    for (name, place) in [("deal_id", &mut note.deal_id), ("org_id", &mut note.org_id)] {
        if body.contains_key(name) {
            *place = body::id(body, name)?;
            if let Some(id) = place.filter(|id| !record_exists(state, name, *id)) {
                return Err(bad(format_args!("{name}: {id} not found")));
            }
        }
    }
    if note.deal_id.is_none() && note.org_id.is_none() {
        return Err(bad("One of deal_id, org_id, person_id, lead_id, project_id, task_id is required"));
    }
    if body.contains_key("user_id") {
        // The token's user is an admin and may name another author.
        let known = body::id(body, "user_id")?.filter(|id| settings.users().contains(id));
        note.user_id = known.ok_or_else(|| bad("user_id: must be the id of a user"))?;
    }
    if let Some(given) = body.get("add_time") {
        let time = given.as_str().and_then(time::parse);
        note.add_time = time.ok_or_else(|| bad("add_time: must be YYYY-MM-DD HH:MM:SS"))?;
    }
    note.pinned_to_deal = flag(body, "pinned_to_deal_flag")?.unwrap_or(note.pinned_to_deal);
    let pinned = flag(body, "pinned_to_organization_flag")?;
    note.pinned_to_organization = pinned.unwrap_or(note.pinned_to_organization);
    let mut loose = (note.pinned_to_deal && note.deal_id.is_none())
        || (note.pinned_to_organization && note.org_id.is_none());
    for what in ["lead", "person", "project", "task"] {
        loose |= flag(body, &format!("pinned_to_{what}_flag"))? == Some(true);
    }
    match loose {
        true => Err(bad("A note can only be pinned to a record that it is attached to")),
        false => Ok(()),
    }
}

/// The limit is for what is sent, in characters and in bytes alike; nothing may be left of the text.
fn checked_content(settings: &PipedriveSettings, content: &Value) -> Result<String, Problem> {
    let sent = content.as_str().ok_or_else(|| bad("content: must be a string"))?;
    if sent.len() > settings.v1.note_limit {
        return Err(bad(format_args!("content: must not be longer than {}", settings.v1.note_limit)));
    }
    let kept = html::sanitize(&settings.v1, sent);
    if kept.is_empty() { Err(bad("content: must not be empty")) } else { Ok(kept) }
}

/// A flag of version 1: the number 0 or 1, never a boolean.
fn flag(body: &Map<String, Value>, name: &str) -> Result<Option<bool>, Problem> {
    match body.get(name).map(body::integer) {
        None => Ok(None),
        Some(Some(0)) => Ok(Some(false)),
        Some(Some(1)) => Ok(Some(true)),
        Some(_) => Err(bad(format_args!("{name}: must be 0 or 1"))),
    }
}
