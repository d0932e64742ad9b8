//! One activity: create, read, update, delete.

use serde_json::{Map, Value, json};

use super::super::events::{Action, Around};
use super::super::params;
use super::super::problem::Problem;
use super::super::records::Request;
use super::super::settings::PipedriveSettings;
use super::super::state::{State, Writer};
use super::super::write::whole;
use super::{Activity, NAME, list, write};
use crate::call::Reply;

pub(crate) fn one(state: &mut State, request: &Request<'_>) -> Result<Reply, Problem> {
    params::check_names(request.call, &["include_fields"], request.settings)?;
    let attendees = list::attendees(request.call)?;
    let hidden = |found: &&Activity| !(found.is_deleted && request.settings.deleted_is_404);
    let found = state.activities.all.get(&request.id()?).filter(hidden);
    let found = found.ok_or_else(|| Problem::not_found("Activity"))?;
    Ok(request.data(list::shown(found, attendees)))
}

/// Creates an activity. The specification requires nothing: the type is the first one and the subject its name when they
/// are left out (UNVERIFIED).
pub(crate) fn create(
    settings: &PipedriveSettings,
    state: &mut State,
    body: &Map<String, Value>,
    by: &Writer,
) -> Result<Value, Problem> {
    let first = state.v1.activity_types.first();
    let kind = first.ok_or_else(|| Problem::invalid("type: there is no activity type"))?.key.clone();
    let now = whole(by.now);
    let mut activity = Activity {
        id: state.activities.last_id + 1,
        subject: String::new(),
        kind,
        owner_id: by.user_id,
        creator_user_id: by.user_id,
        add_time: now,
        update_time: now,
        is_deleted: false,
        deal_id: None,
        org_id: None,
        participants: Vec::new(),
        due_date: None,
        due_time: None,
        duration: None,
        busy: false,
        done: None,
        location: Value::Null,
        public_description: None,
        note: None,
    };
    write::apply(&mut activity, body, state, settings, by)?;
    if activity.subject.is_empty() {
        let kind = state.v1.activity_types.active(&activity.kind);
        activity.subject = kind.map(|kind| kind.name.clone()).unwrap_or_default();
    }
    Ok(store(settings, state, activity, Action::Create, by))
}

pub(crate) fn update(
    settings: &PipedriveSettings,
    state: &mut State,
    id: i64,
    body: &Map<String, Value>,
    by: &Writer,
) -> Result<Value, Problem> {
    let old = living(state, id)?;
    if body.is_empty() {
        return Err(Problem::invalid("the body must not be empty"));
    }
    let mut activity = old.clone();
    write::apply(&mut activity, body, state, settings, by)?;
    if !activity.changed_from(&old).is_empty() || settings.unchanged_patch_moves_update_time {
        activity.update_time = whole(by.now);
    }
    Ok(store(settings, state, activity, Action::Change, by))
}

/// Deletes softly: the update time is that of the deletion.
pub(crate) fn delete(
    settings: &PipedriveSettings,
    state: &mut State,
    id: i64,
    by: &Writer,
) -> Result<Value, Problem> {
    let mut activity = living(state, id)?;
    activity.is_deleted = true;
    activity.update_time = whole(by.now);
    store(settings, state, activity, Action::Delete, by);
    Ok(json!({"id": id}))
}

fn living(state: &State, id: i64) -> Result<Activity, Problem> {
    state.activities.living(id).cloned().ok_or_else(|| Problem::not_found("Activity"))
}

fn store(
    settings: &PipedriveSettings,
    state: &mut State,
    activity: Activity,
    action: Action,
    by: &Writer,
) -> Value {
    let before = state.activities.living(activity.id).cloned();
    let changed = match (&before, action) {
        (Some(before), Action::Change) => activity.changed_from(before),
        (_, Action::Create | Action::Change | Action::Delete) => Vec::new(),
    };
    if settings.linked_writes_move_update_time {
        touch(state, before.as_ref(), &activity, by);
    }
    let after = activity.json();
    let around = Around {
        before: before.map(|before| before.json()),
        after: (action != Action::Delete).then(|| after.clone()),
        ..Around::default()
    };
    state.log_around(NAME, activity.id.to_string(), action, changed, by, around);
    state.activities.put(activity);
    after
}

/// Moves the update times of what the activity is or was linked to, when it counts differently there.
fn touch(state: &mut State, before: Option<&Activity>, after: &Activity, by: &Writer) {
    let links = |activity: &Activity| (activity.deal_id, activity.org_id, activity.person_id());
    let counted = |activity: &Activity| (links(activity), activity.done.is_some(), activity.is_deleted);
    if before.map(counted) == Some(counted(after)) {
        return;
    }
    let now = whole(by.now);
    for (deal, organization, person) in before.map(links).into_iter().chain([links(after)]) {
        deal.into_iter().for_each(|id| state.deals.touch(id, now));
        organization.into_iter().for_each(|id| state.organizations.touch(id, now));
        person.into_iter().for_each(|id| state.persons.touch(id, now));
    }
}
