//! `GET /v1/activityTypes`: the types of activities, which companies rename, add and switch off (SPEC-v1).

use jiff::Timestamp;
use serde_json::{Value, json};

use super::super::params;
use super::super::problem::Problem;
use super::super::settings::PipedriveSettings;
use super::super::state::State;
use super::time;
use crate::call::{Call, Reply};

/// When the company began.
const FOUNDED: &str = "2024-03-01 09:30:00";
/// Those of a new company; the last one was switched off.
const USUAL: [&str; 6] = ["Call", "Meeting", "Task", "Deadline", "Email", "Lunch"];

/// A type of activities.
#[derive(Clone, Debug)]
pub(crate) struct ActivityType {
    id: i64,
    pub(crate) name: String,
    /// What activities carry in `type`.
    pub(crate) key: String,
    icon: String,
    active: bool,
    custom: bool,
    added: String,
    updated: String,
}

/// All types, in their order.
#[derive(Debug)]
pub(crate) struct ActivityTypes(Vec<ActivityType>);

impl Default for ActivityTypes {
    fn default() -> Self {
        let all = (1..).zip(USUAL).map(|(id, name)| ActivityType {
            id,
            name: name.to_owned(),
            key: key_of(name),
            icon: key_of(name),
            active: name != "Lunch",
            custom: false,
            added: FOUNDED.to_owned(),
            updated: FOUNDED.to_owned(),
        });
        Self(all.collect())
    }
}

impl ActivityTypes {
    /// The type with the key, if it is in use.
    pub(crate) fn active(&self, key: &str) -> Option<&ActivityType> {
        self.0.iter().find(|kind| kind.active && kind.key == key)
    }

    /// The first one in use.
    pub(crate) fn first(&self) -> Option<&ActivityType> {
        self.0.iter().find(|kind| kind.active)
    }

    /// Adds one at the end and gives its key, which is made from the name.
    pub(crate) fn add(&mut self, name: &str, now: Timestamp) -> String {
        let id = self.0.last().map_or(1, |last| last.id + 1);
        let taken = self.0.iter().any(|kind| kind.key == key_of(name));
        let key = if taken { format!("{}_{id}", key_of(name)) } else { key_of(name) };
        let (icon, at) = ("task".to_owned(), time::text(now));
        let (added, updated) = (at.clone(), at);
        let (name, key_given) = (name.to_owned(), key.clone());
        self.0.push(ActivityType { id, name, key, icon, active: true, custom: true, added, updated });
        key_given
    }

    /// Switches one off; activities that have it keep it.
    pub(crate) fn switch_off(&mut self, key: &str, now: Timestamp) -> bool {
        let found = self.0.iter_mut().find(|kind| kind.active && kind.key == key);
        found.map(|kind| (kind.active, kind.updated) = (false, time::text(now))).is_some()
    }
}

/// `Video call` has the key `video_call`, as in the specification's example.
fn key_of(name: &str) -> String {
    let plain = |letter: char| if letter.is_alphanumeric() { letter } else { '_' };
    name.to_lowercase().chars().map(plain).collect()
}

pub(super) fn list(settings: &PipedriveSettings, state: &State, call: &Call) -> Result<Reply, Problem> {
    params::check_names(call, &[], settings)?;
    let json = |(order, kind): (i32, &ActivityType)| {
        json!({
            "id": kind.id, "order_nr": order, "name": kind.name, "key_string": kind.key, "icon_key": kind.icon,
            "active_flag": kind.active, "color": "FFFFFF", "is_custom_flag": kind.custom,
            "add_time": kind.added, "update_time": kind.updated,
        })
    };
    let all: Vec<Value> = (1..).zip(&state.v1.activity_types.0).map(json).collect();
    Ok(Reply::ok(&json!({"success": true, "data": all})))
}
