//! `/v1/files` (section 6): uploads on deals and organizations; content cannot be replaced; deleted softly for 30 days.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::super::events::Action;
use super::super::params;
use super::super::problem::Problem;
use super::super::settings::PipedriveSettings;
use super::super::state::{State, Writer};
use super::super::write::whole;
use super::{bad, body, multipart, offset, record_exists, time};
use crate::call::{Call, Reply};
use crate::text::digest;

/// The largest page.
const CAP: usize = 100;
/// Deleted files are gone for good after so long.
const KEPT: SignedDuration = SignedDuration::from_hours(30 * 24);

/// All files, those deleted included.
#[derive(Debug, Default)]
pub(crate) struct Files {
    all: BTreeMap<i64, File>,
}

#[derive(Clone, Debug)]
struct File {
    id: i64,
    user_id: i64,
    deal_id: Option<i64>,
    org_id: Option<i64>,
    add_time: Timestamp,
    update_time: Timestamp,
    active: bool,
    /// The name in the store, which is unique.
    stored_name: String,
    name: String,
    description: String,
    size: usize,
}

impl File {
    fn json(&self, settings: &PipedriveSettings, state: &State) -> Value {
        let organization = self.org_id.and_then(|id| state.organizations.get(id));
        let base = settings
            .public_url
            .clone()
            .unwrap_or_else(|| format!("https://{}.pipedrive.com", settings.company_domain));
        json!({
            "id": self.id,
            "user_id": self.user_id,
            "deal_id": self.deal_id,
            "person_id": null,
            "org_id": self.org_id,
            "product_id": null,
            "activity_id": null,
            "lead_id": null,
            "project_id": null,
            "add_time": time::text(self.add_time),
            "update_time": time::text(self.update_time),
            "file_name": self.stored_name,
            "file_size": self.size,
            "active_flag": self.active,
            "inline_flag": false,
            "remote_location": "s3",
            "remote_id": "",
            "cid": "",
            "s3_bucket": "",
            "mail_message_id": "",
            "mail_template_id": "",
            "deal_name": null,
            "person_name": null,
            "org_name": organization.map(|found| found.name.clone()),
            "product_name": null,
            "lead_name": null,
            "project_name": null,
            "url": format!("{base}/v1/files/{}/download", self.id),
            "name": self.name,
            "description": self.description,
        })
    }
}

pub(super) fn list(settings: &PipedriveSettings, state: &State, call: &Call) -> Result<Reply, Problem> {
    params::check_names(call, &["start", "limit", "sort"], settings)?;
    let mut found: Vec<&File> = state.v1.files.all.values().filter(|file| file.active).collect();
    let words: Vec<String> =
        call.param("sort").unwrap_or("id").split_whitespace().map(str::to_ascii_lowercase).collect();
    match words.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        ["id"] | ["id", "asc"] => {}
        ["id", "desc"] => found.reverse(),
        ["update_time"] | ["update_time", "asc"] => found.sort_by_key(|file| file.update_time),
        ["update_time", "desc"] => found.sort_by_key(|file| std::cmp::Reverse(file.update_time)),
        _ => return Err(bad("sort: must be id or update_time, ASC or DESC")),
    }
    let all: Vec<Value> = found.iter().map(|file| file.json(settings, state)).collect();
    offset::page(settings, call, &all, CAP)
}

pub(super) fn one(
    settings: &PipedriveSettings,
    state: &State,
    call: &Call,
    id: i64,
    by: &Writer,
) -> Result<Reply, Problem> {
    params::check_names(call, &[], settings)?;
    let kept = |file: &&File| file.active || by.now.duration_since(file.update_time) < KEPT;
    let file = state.v1.files.all.get(&id).filter(kept).ok_or_else(|| Problem::not_found("File"))?;
    Ok(answer(settings, state, file))
}

pub(super) fn create(
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
            "file" => upload = Some((part.file_name.unwrap_or_default(), part.content.len())),
            "deal_id" => deal_id = Some(attached(state, "deal_id", text())?),
            "org_id" => org_id = Some(attached(state, "org_id", text())?),
            "person_id" | "product_id" | "activity_id" | "lead_id" | "project_id" => {
                return Err(Problem::not_modelled(&format!("{} of a file", part.name)));
            }
            other => return Err(bad(format_args!("\"{other}\" is not allowed"))),
        }
    }
    let Some((name, size)) = upload.filter(|(name, size)| !name.is_empty() && *size > 0) else {
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
        size,
    };
    Ok(store(settings, state, file, Action::Create, Vec::new(), by))
}

/// Name and description, form-encoded.
pub(super) fn update(
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

pub(super) fn delete(
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

fn answer(settings: &PipedriveSettings, state: &State, file: &File) -> Reply {
    Reply::ok(&json!({"success": true, "data": file.json(settings, state)}))
}
