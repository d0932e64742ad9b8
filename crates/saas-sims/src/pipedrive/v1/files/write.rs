//! Writes of `/v1/files`: uploads as multipart, name and description as a form.

use serde_json::{Value, json};

use super::super::super::events::Action;
use super::super::super::params;
use super::super::super::problem::Problem;
use super::super::super::settings::PipedriveSettings;
use super::super::super::state::{State, Writer};
use super::super::super::write::whole;
use super::super::{bad, body, multipart, record_exists};
use super::{File, answer};
use crate::call::{Call, Reply};
use crate::text::digest;

pub(in super::super) fn create(
    settings: &PipedriveSettings,
    state: &mut State,
    call: &Call,
    by: &Writer,
) -> Result<Reply, Problem> {
    params::check_names(call, &[], settings)?;
    let now = whole(by.now);
    let parts = multipart::parts(call).ok_or_else(|| bad("The body must be multipart/form-data"))?;
    let (mut upload, mut deal_id, mut org_id) = (None, None, None);
    for part in parts {
        let text = || std::str::from_utf8(part.content).unwrap_or_default().to_owned();
        match part.name.as_str() {
            "file" if upload.is_some() => return Err(bad("file: must be a single file")),
            "file" => upload = Some((part.file_name.unwrap_or_default(), part.content.to_vec())),
            "deal_id" => deal_id = Some(attached(state, "deal_id", text())?),
            "org_id" => org_id = Some(attached(state, "org_id", text())?),
            "person_id" | "product_id" | "activity_id" | "lead_id" | "project_id" => {
                return Err(Problem::not_modelled(&format!("{} of a file", part.name)));
            }
            other => return Err(bad(format_args!("\"{other}\" is not allowed"))),
        }
    }
    let Some((name, content)) = upload.filter(|(name, content)| !name.is_empty() && !content.is_empty())
    else {
        return Err(bad("file: is required, with a name and not empty"));
    };
    let random = digest(&["file", &state.rng.u64(..).to_string()]);
    let (stem, ending) = name
        .rsplit_once('.')
        .map_or((name.as_str(), String::new()), |(stem, ending)| (stem, format!(".{ending}")));
    let file = File {
        id: state.v1.files.all.last_key_value().map_or(1, |(id, _)| id + 1),
        user_id: by.user_id,
        deal_id,
        org_id,
        add_time: now,
        update_time: now,
        active: true,
        stored_name: format!("{stem}_{}{ending}", &random[..38]),
        name,
        description: String::new(),
        content,
    };
    Ok(store(settings, state, file, Action::Create, Vec::new(), by))
}

/// Name and description, form-encoded.
pub(in super::super) fn update(
    settings: &PipedriveSettings,
    state: &mut State,
    call: &Call,
    id: i64,
    by: &Writer,
) -> Result<Reply, Problem> {
    params::check_names(call, &[], settings)?;
    let mut file = living(state, id)?;
    let form = call.form().filter(|_| call.media_type() == "application/x-www-form-urlencoded");
    let form = form.filter(|form| !form.is_empty());
    let form = form.ok_or_else(|| bad("The body must be application/x-www-form-urlencoded and not empty"))?;
    let mut changed = Vec::new();
    for (name, text) in form {
        let place = match name.as_str() {
            "name" if text.trim().is_empty() => return Err(bad("name: must not be empty")),
            "name" => &mut file.name,
            "description" => &mut file.description,
            other => return Err(bad(format_args!("\"{other}\" is not allowed"))),
        };
        if *place != text {
            *place = text;
            changed.push(name);
        }
    }
    file.update_time = whole(by.now);
    Ok(store(settings, state, file, Action::Change, changed, by))
}

pub(in super::super) fn delete(
    settings: &PipedriveSettings,
    state: &mut State,
    call: &Call,
    id: i64,
    by: &Writer,
) -> Result<Reply, Problem> {
    params::check_names(call, &[], settings)?;
    let mut file = living(state, id)?;
    file.active = false;
    file.update_time = whole(by.now);
    store(settings, state, file, Action::Delete, Vec::new(), by);
    Ok(Reply::ok(&json!({"success": true, "data": {"id": id}})))
}

fn living(state: &State, id: i64) -> Result<File, Problem> {
    let found = state.v1.files.all.get(&id).filter(|file| file.active);
    found.cloned().ok_or_else(|| Problem::not_found("File"))
}

fn attached(state: &State, name: &str, text: String) -> Result<i64, Problem> {
    let id = body::integer(&Value::from(text)).filter(|id| *id > 0 && record_exists(state, name, *id));
    id.ok_or_else(|| bad(format_args!("{name}: not found")))
}

fn store(
    settings: &PipedriveSettings,
    state: &mut State,
    file: File,
    action: Action,
    changed: Vec<String>,
    by: &Writer,
) -> Reply {
    // No webhook tells of files.
    state.log("file", file.id.to_string(), action, changed, by);
    let reply = answer(settings, state, &file);
    state.v1.files.all.insert(file.id, file);
    reply
}
