//! `/v1/notes` (section 6): HTML on a deal or an organization, deleted softly.

pub(crate) mod hands;
mod list;
mod write;

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::{Value, json};

pub(super) use list::list;
pub(super) use write::{create, delete, update};

use super::super::entity::Entity;
use super::super::params;
use super::super::problem::Problem;
use super::super::settings::PipedriveSettings;
use super::super::state::State;
use super::{time, users};
use crate::call::{Call, Reply};

/// Records that a note can hang on in the real system and not here.
const NOT_MODELLED: [&str; 4] = ["lead_id", "person_id", "project_id", "task_id"];

/// All notes, deleted ones included.
#[derive(Debug, Default)]
pub(crate) struct Notes {
    all: BTreeMap<i64, Note>,
}

#[derive(Clone, Debug, PartialEq)]
struct Note {
    id: i64,
    active: bool,
    content: String,
    deal_id: Option<i64>,
    org_id: Option<i64>,
    pinned_to_deal: bool,
    pinned_to_organization: bool,
    user_id: i64,
    last_update_user_id: i64,
    add_time: Timestamp,
    update_time: Timestamp,
}

impl Note {
    /// The note as version 1 shows it.
    fn json(&self, settings: &PipedriveSettings, state: &State) -> Value {
        let organization = self.org_id.and_then(|id| state.organizations.get(id));
        let deal = self.deal_id.and_then(|id| state.deals.get(id));
        json!({
            "id": self.id,
            "active_flag": self.active,
            "add_time": time::text(self.add_time),
            "content": self.content,
            "deal": deal.map(|found| json!({"title": found.title})),
            "lead_id": null,
            "deal_id": self.deal_id,
            "last_update_user_id": self.last_update_user_id,
            "org_id": self.org_id,
            "organization": organization.map(|found| json!({"name": found.name})),
            "person": null,
            "person_id": null,
            "project_id": null,
            "project": null,
            "task_id": null,
            "task": null,
            "pinned_to_deal_flag": self.pinned_to_deal,
            "pinned_to_organization_flag": self.pinned_to_organization,
            "pinned_to_person_flag": false,
            "pinned_to_project_flag": false,
            "pinned_to_task_flag": false,
            "update_time": time::text(self.update_time),
            "user": users::author(settings, self.user_id),
            "user_id": self.user_id,
        })
    }

    /// The note as webhooks tell it: other attributes, and times in RFC 3339 (section 5.2).
    fn told(&self) -> Value {
        json!({
            "id": self.id,
            "active_flag": self.active,
            "add_time": self.add_time.to_string(),
            "content": self.content,
            "deal_id": self.deal_id,
            "lead_id": null,
            "org_id": self.org_id,
            "person_id": null,
            "project_id": null,
            "pinned_to_deal_flag": self.pinned_to_deal,
            "pinned_to_lead_flag": false,
            "pinned_to_organization_flag": self.pinned_to_organization,
            "pinned_to_person_flag": false,
            "pinned_to_project_flag": false,
            "update_time": self.update_time.to_string(),
            "user_id": self.user_id,
        })
    }
}

impl Notes {
    /// What hangs on `from` hangs on `to` from now on.
    pub(super) fn move_over(&mut self, entity: Entity, from: i64, to: i64) {
        for note in self.all.values_mut() {
            let place = match entity {
                Entity::Organization => &mut note.org_id,
                Entity::Deal => &mut note.deal_id,
                Entity::Person => return,
            };
            if *place == Some(from) {
                *place = Some(to);
            }
        }
    }
}

/// One note, also when it is deleted.
pub(super) fn one(
    settings: &PipedriveSettings,
    state: &State,
    call: &Call,
    id: i64,
) -> Result<Reply, Problem> {
    params::check_names(call, &[], settings)?;
    let note = state.v1.notes.all.get(&id).ok_or_else(|| Problem::not_found("Note"))?;
    Ok(answer(settings, state, note))
}

fn answer(settings: &PipedriveSettings, state: &State, note: &Note) -> Reply {
    Reply::ok(&json!({"success": true, "data": note.json(settings, state)}))
}
