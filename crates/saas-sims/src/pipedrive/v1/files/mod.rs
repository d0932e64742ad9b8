//! `/v1/files` (section 6): uploads on deals and organizations; content cannot be replaced; deleted softly for 30 days.

mod write;

use std::collections::BTreeMap;

use axum::http::StatusCode;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

pub(super) use write::{create, delete, update};

use super::super::entity::Entity;
use super::super::params;
use super::super::problem::Problem;
use super::super::settings::PipedriveSettings;
use super::super::state::{State, Writer};
use super::{bad, offset, time};
use crate::call::{Call, Reply};

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
    content: Vec<u8>,
}

impl Files {
    /// What hangs on `from` hangs on `to` from now on.
    pub(super) fn move_over(&mut self, entity: Entity, from: i64, to: i64) {
        for file in self.all.values_mut() {
            let place = match entity {
                Entity::Organization => &mut file.org_id,
                Entity::Deal => &mut file.deal_id,
                Entity::Person => return,
            };
            if *place == Some(from) {
                *place = Some(to);
            }
        }
    }
}

impl File {
    fn json(&self, settings: &PipedriveSettings, state: &State) -> Value {
        let organization = self.org_id.and_then(|id| state.organizations.get(id));
        let deal = self.deal_id.and_then(|id| state.deals.get(id));
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
            "file_size": self.content.len(),
            "active_flag": self.active,
            "inline_flag": false,
            "remote_location": "s3",
            "remote_id": "",
            "cid": "",
            "s3_bucket": "",
            "mail_message_id": "",
            "mail_template_id": "",
            "deal_name": deal.map(|found| found.title.clone()),
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
    let file = kept(state, id, by)?;
    Ok(answer(settings, state, file))
}

/// A file that is there, or was deleted a little while ago.
fn kept<'a>(state: &'a State, id: i64, by: &Writer) -> Result<&'a File, Problem> {
    let kept = |file: &&File| file.active || by.now.duration_since(file.update_time) < KEPT;
    state.v1.files.all.get(&id).filter(kept).ok_or_else(|| Problem::not_found("File"))
}

/// The content as it was uploaded; how the real system answers, by itself or by a redirect, is UNVERIFIED.
pub(super) fn download(
    settings: &PipedriveSettings,
    state: &State,
    call: &Call,
    id: i64,
    by: &Writer,
) -> Result<Reply, Problem> {
    params::check_names(call, &[], settings)?;
    let file = kept(state, id, by)?;
    let name = file.name.replace(['"', '\r', '\n'], "");
    let reply = Reply::of(StatusCode::OK, "application/octet-stream", file.content.clone());
    Ok(reply.with("content-disposition", format!("attachment; filename=\"{name}\"")))
}

fn answer(settings: &PipedriveSettings, state: &State, file: &File) -> Reply {
    Reply::ok(&json!({"success": true, "data": file.json(settings, state)}))
}
