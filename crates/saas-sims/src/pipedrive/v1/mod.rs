//! API version 1 (section 1.1): what version 2 does not have, under `/v1/` and `/api/v1/`.

mod activity_types;
mod body;
mod changelog;
mod currencies;
mod files;
mod html;
mod multipart;
pub(crate) mod notes;
mod offset;
mod relationships;
mod settings;
mod time;
mod users;

use axum::http::Method;

pub use currencies::CustomCurrency;
pub(crate) use currencies::known as currency_known;
pub(crate) use relationships::hands as relationship_hands;
pub use settings::V1Settings;

use super::auth::Caller;
use super::entity::Entity;
use super::problem::Problem;
use super::settings::PipedriveSettings;
use super::state::{State, Writer};
use super::webhooks;
use crate::call::{Call, Reply};
use activity_types::ActivityTypes;
use files::Files;
use notes::Notes;
use relationships::Relationships;

/// What version 1 alone holds.
#[derive(Debug, Default)]
pub(crate) struct Records {
    pub(crate) activity_types: ActivityTypes,
    relationships: Relationships,
    notes: Notes,
    files: Files,
}

impl Records {
    /// Notes and files of a record that was merged follow it.
    pub(crate) fn move_over(&mut self, entity: Entity, from: i64, to: i64) {
        self.notes.move_over(entity, from, to);
        self.files.move_over(entity, from, to);
    }
}

/// What a request to version 1 wants.
#[derive(Debug)]
pub(crate) enum Target<'a> {
    ListActivityTypes,
    WriteActivityTypes,
    ListRelationships,
    CreateRelationship,
    GetRelationship(&'a str),
    UpdateRelationship(&'a str),
    DeleteRelationship(&'a str),
    ListUsers,
    GetUser(&'a str),
    ListCurrencies,
    ListWebhooks,
    CreateWebhook,
    DeleteWebhook(&'a str),
    ListNotes,
    CreateNote,
    GetNote(&'a str),
    UpdateNote(&'a str),
    DeleteNote(&'a str),
    ListFiles,
    CreateFile,
    GetFile(&'a str),
    UpdateFile(&'a str),
    DeleteFile(&'a str),
    DownloadFile(&'a str),
    OrganizationChangelog(&'a str),
    DealChangelog(&'a str),
}

/// Name in the statistics, cost in tokens, target.
pub(crate) type Operation<'a> = (&'static str, u64, Target<'a>);

/// The operation behind a path without its `/v1`; `None` when it is none of these.
pub(crate) fn operation<'a>(method: &Method, path: &[&'a str]) -> Option<Result<Operation<'a>, Problem>> {
    let found = match (method.as_str(), path) {
        ("GET", ["activityTypes"]) => ("GET /v1/activityTypes", 20, Target::ListActivityTypes),
        ("POST", ["activityTypes"]) => ("POST /v1/activityTypes", 10, Target::WriteActivityTypes),
        ("PUT", ["activityTypes", _]) => ("PUT /v1/activityTypes/{id}", 10, Target::WriteActivityTypes),
        ("DELETE", ["activityTypes", _]) => ("DELETE /v1/activityTypes/{id}", 6, Target::WriteActivityTypes),
        ("GET", ["organizationRelationships"]) => {
            ("GET /v1/organizationRelationships", 20, Target::ListRelationships)
        }
        ("POST", ["organizationRelationships"]) => {
            ("POST /v1/organizationRelationships", 10, Target::CreateRelationship)
        }
        ("GET", ["organizationRelationships", id]) => {
            ("GET /v1/organizationRelationships/{id}", 2, Target::GetRelationship(id))
        }
        ("PUT", ["organizationRelationships", id]) => {
            ("PUT /v1/organizationRelationships/{id}", 10, Target::UpdateRelationship(id))
        }
        ("DELETE", ["organizationRelationships", id]) => {
            ("DELETE /v1/organizationRelationships/{id}", 6, Target::DeleteRelationship(id))
        }
        ("GET", ["users"]) => ("GET /v1/users", 20, Target::ListUsers),
        ("GET", ["users", id]) => ("GET /v1/users/{id}", 2, Target::GetUser(id)),
        ("GET", ["currencies"]) => ("GET /v1/currencies", 20, Target::ListCurrencies),
        ("GET", ["notes"]) => ("GET /v1/notes", 20, Target::ListNotes),
        ("POST", ["notes"]) => ("POST /v1/notes", 10, Target::CreateNote),
        ("GET", ["notes", id]) => ("GET /v1/notes/{id}", 2, Target::GetNote(id)),
        ("PUT", ["notes", id]) => ("PUT /v1/notes/{id}", 10, Target::UpdateNote(id)),
        ("DELETE", ["notes", id]) => ("DELETE /v1/notes/{id}", 6, Target::DeleteNote(id)),
        ("GET", ["webhooks"]) => ("GET /v1/webhooks", 10, Target::ListWebhooks),
        ("POST", ["webhooks"]) => ("POST /v1/webhooks", 10, Target::CreateWebhook),
        ("DELETE", ["webhooks", id]) => ("DELETE /v1/webhooks/{id}", 6, Target::DeleteWebhook(id)),
        ("GET", ["files"]) => ("GET /v1/files", 20, Target::ListFiles),
        ("POST", ["files"]) => ("POST /v1/files", 10, Target::CreateFile),
        ("GET", ["files", id]) => ("GET /v1/files/{id}", 2, Target::GetFile(id)),
        ("PUT", ["files", id]) => ("PUT /v1/files/{id}", 10, Target::UpdateFile(id)),
        ("DELETE", ["files", id]) => ("DELETE /v1/files/{id}", 6, Target::DeleteFile(id)),
        ("GET", ["files", id, "download"]) => ("GET /v1/files/{id}/download", 20, Target::DownloadFile(id)),
        ("GET", ["organizations", id, "changelog"]) => {
            ("GET /v1/organizations/{id}/changelog", 20, Target::OrganizationChangelog(id))
        }
        ("GET", ["deals", id, "changelog"]) => {
            ("GET /v1/deals/{id}/changelog", 20, Target::DealChangelog(id))
        }
        (
            _,
            [
                "activityTypes"
                | "organizationRelationships"
                | "users"
                | "currencies"
                | "notes"
                | "webhooks"
                | "files",
            ],
        )
        | (
            _,
            ["activityTypes" | "organizationRelationships" | "users" | "notes" | "webhooks" | "files", _],
        )
        | (_, ["organizations" | "deals", _, "changelog"])
        | (_, ["files", _, "download"]) => {
            return Some(Err(Problem::method_not_allowed()));
        }
        _ => return None,
    };
    Some(Ok(found))
}

pub(crate) fn run(
    settings: &PipedriveSettings,
    state: &mut State,
    call: &Call,
    target: &Target<'_>,
    caller: &Caller,
    by: &Writer,
) -> Result<Reply, Problem> {
    match target {
        Target::ListActivityTypes => activity_types::list(settings, state, call),
        Target::WriteActivityTypes => Err(Problem::not_modelled("changing activity types over the API")),
        Target::ListRelationships => relationships::list(settings, state, call),
        Target::CreateRelationship => relationships::create(settings, state, call, by),
        Target::GetRelationship(key) => relationships::one(settings, state, call, id(key)?),
        Target::UpdateRelationship(key) => relationships::update(settings, state, call, id(key)?, by),
        Target::ListWebhooks => webhooks::list(settings, state, call, caller, by),
        Target::CreateWebhook => webhooks::create(settings, state, call, caller, by),
        Target::DeleteWebhook(key) => Ok(webhooks::delete(settings, state, key, caller, by)),
        Target::ListNotes => notes::list(settings, state, call),
        Target::CreateNote => notes::create(settings, state, call, by),
        Target::GetNote(key) => notes::one(settings, state, call, id(key)?),
        Target::UpdateNote(key) => notes::update(settings, state, call, id(key)?, by),
        Target::DeleteNote(key) => notes::delete(settings, state, call, id(key)?, by),
        Target::ListFiles => files::list(settings, state, call),
        Target::CreateFile => files::create(settings, state, call, by),
        Target::GetFile(key) => files::one(settings, state, call, id(key)?, by),
        Target::UpdateFile(key) => files::update(settings, state, call, id(key)?, by),
        Target::DownloadFile(key) => files::download(settings, state, call, id(key)?, by),
        Target::DeleteFile(key) => files::delete(settings, state, call, id(key)?, by),
        Target::OrganizationChangelog(key) => changelog::organization(settings, state, call, id(key)?),
        Target::DealChangelog(key) => changelog::deal(settings, state, call, id(key)?),
        Target::ListUsers => users::list(settings, call),
        Target::GetUser(key) => users::one(settings, call, id(key)?),
        Target::ListCurrencies => currencies::list(settings, call),
        Target::DeleteRelationship(key) => relationships::delete(settings, state, call, id(key)?, by),
    }
}

fn id(text: &str) -> Result<i64, Problem> {
    let id = text.parse().ok().filter(|id: &i64| *id > 0);
    id.ok_or_else(|| bad("id: must be a positive integer"))
}

/// Whether there is such a record to attach something to; `attribute` is `deal_id` or `org_id`.
fn record_exists(state: &State, attribute: &str, id: i64) -> bool {
    match attribute {
        "org_id" => state.organizations.get(id).is_some_and(|found| !found.is_deleted),
        _ => state.deals.living(id).is_some(),
    }
}

/// 400 without the code that only version 2 has.
fn bad(what: impl std::fmt::Display) -> Problem {
    Problem { status: axum::http::StatusCode::BAD_REQUEST, error: what.to_string(), code: None }
}
