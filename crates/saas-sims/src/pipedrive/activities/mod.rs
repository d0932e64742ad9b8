//! Activities (SPEC-v2; section 6): tasks in the calendar, on deals, organizations and persons. Their types are version 1's.
//!
//! Leads, projects, attendees and priorities are not modelled: what names one is refused with 501.

mod endpoints;
mod list;
mod write;

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde_json::{Value, json};

pub(crate) use endpoints::{create, delete, one, update};
pub(crate) use list::list;

use super::entity::Entity;

/// As events, webhooks and filters say it.
pub(crate) const NAME: &str = "activity";

/// All activities, deleted ones included until they are purged.
#[derive(Debug, Default)]
pub(crate) struct Activities {
    all: BTreeMap<i64, Activity>,
    deleted: BTreeSet<(Timestamp, i64)>,
    last_id: i64,
}

/// One activity. Times are in whole seconds.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Activity {
    pub(crate) id: i64,
    pub(crate) subject: String,
    /// The key of its type.
    pub(crate) kind: String,
    pub(crate) owner_id: i64,
    pub(crate) creator_user_id: i64,
    pub(crate) add_time: Timestamp,
    pub(crate) update_time: Timestamp,
    pub(crate) is_deleted: bool,
    pub(crate) deal_id: Option<i64>,
    pub(crate) org_id: Option<i64>,
    /// At most one is the primary one.
    pub(crate) participants: Vec<Participant>,
    pub(crate) due_date: Option<String>,
    pub(crate) due_time: Option<String>,
    pub(crate) duration: Option<String>,
    pub(crate) busy: bool,
    /// When it was marked as done, if it is.
    pub(crate) done: Option<Timestamp>,
    pub(crate) location: Value,
    pub(crate) public_description: Option<String>,
    pub(crate) note: Option<String>,
}

/// A person who takes part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Participant {
    pub(crate) person_id: i64,
    pub(crate) primary: bool,
}

impl Activity {
    /// The primary participant.
    pub(crate) fn person_id(&self) -> Option<i64> {
        self.participants.iter().find(|one| one.primary).map(|one| one.person_id)
    }

    /// Place among what is to be done: what has no day comes last.
    pub(crate) fn due(&self) -> (bool, Option<&str>, Option<&str>, i64) {
        (self.due_date.is_none(), self.due_date.as_deref(), self.due_time.as_deref(), self.id)
    }

    /// Whether it is linked to the record.
    fn is_on(&self, entity: Entity, id: i64) -> bool {
        let linked = match entity {
            Entity::Organization => self.org_id,
            Entity::Deal => self.deal_id,
            Entity::Person => self.person_id(),
        };
        linked == Some(id)
    }

    pub(crate) fn json(&self) -> Value {
        let participant = |one: &Participant| json!({"person_id": one.person_id, "primary": one.primary});
        json!({
            "id": self.id,
            "subject": self.subject,
            "type": self.kind,
            "owner_id": self.owner_id,
            "creator_user_id": self.creator_user_id,
            "is_deleted": self.is_deleted,
            "add_time": self.add_time.to_string(),
            "update_time": self.update_time.to_string(),
            "deal_id": self.deal_id,
            "lead_id": null,
            "person_id": self.person_id(),
            "org_id": self.org_id,
            "project_id": null,
            "due_date": self.due_date,
            "due_time": self.due_time,
            "duration": self.duration,
            "busy": self.busy,
            "done": self.done.is_some(),
            "marked_as_done_time": self.done.map(|at| at.to_string()),
            "location": self.location,
            "participants": self.participants.iter().map(participant).collect::<Vec<_>>(),
            "conference_meeting_client": null,
            "conference_meeting_url": null,
            "conference_meeting_id": null,
            "public_description": self.public_description,
            "priority": null,
            "note": self.note,
        })
    }

    /// Names of the attributes that differ, times of writing aside.
    fn changed_from(&self, old: &Self) -> Vec<String> {
        let (new, old) = (self.json(), old.json());
        let names = new.as_object().into_iter().flatten().filter(|(name, value)| old[*name] != **value);
        let names = names.map(|(name, _)| name.clone());
        names.filter(|name| name != "update_time" && name != "marked_as_done_time").collect()
    }
}

impl Activities {
    /// All of them, deleted ones included, by id.
    pub(crate) fn all(&self) -> impl Iterator<Item = &Activity> {
        self.all.values()
    }

    /// The activity unless it is deleted.
    fn living(&self, id: i64) -> Option<&Activity> {
        self.all.get(&id).filter(|activity| !activity.is_deleted)
    }

    /// Those of a record that are not deleted.
    pub(crate) fn on(&self, entity: Entity, id: i64) -> impl Iterator<Item = &Activity> {
        self.all.values().filter(move |activity| !activity.is_deleted && activity.is_on(entity, id))
    }

    fn put(&mut self, activity: Activity) {
        if activity.is_deleted {
            self.deleted.insert((activity.update_time, activity.id));
        }
        self.last_id = self.last_id.max(activity.id);
        self.all.insert(activity.id, activity);
    }

    /// Forgets what was deleted before `limit`.
    pub(crate) fn purge(&mut self, limit: Timestamp) {
        while let Some((at, id)) = self.deleted.first().copied().filter(|(at, _)| *at < limit) {
            self.deleted.remove(&(at, id));
            self.all.remove(&id);
        }
    }

    /// What hangs on `from` hangs on `to` from now on (section 1.5: "etc.", so without a trace like notes).
    pub(crate) fn move_over(&mut self, entity: Entity, from: i64, to: i64) {
        for activity in self.all.values_mut() {
            let moved = |linked: &mut Option<i64>| {
                if *linked == Some(from) {
                    *linked = Some(to);
                }
            };
            match entity {
                Entity::Organization => moved(&mut activity.org_id),
                Entity::Deal => moved(&mut activity.deal_id),
                // Merging persons is not modelled.
                Entity::Person => {}
            }
        }
    }
}
