//! The list of activities: a keyset walk by id, a time of writing, or the day it is due.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::super::cursor::Cursor;
use super::super::entity::Entity;
use super::super::filters::Selection;
use super::super::params;
use super::super::problem::Problem;
use super::super::records::Request;
use super::super::state::State;
use super::{Activity, NAME};
use crate::call::{Call, Reply};

const KNOWN: [&str; 15] = [
    "filter_id",
    "ids",
    "owner_id",
    "deal_id",
    "lead_id",
    "person_id",
    "org_id",
    "done",
    "updated_since",
    "updated_until",
    "sort_by",
    "sort_direction",
    "include_fields",
    "limit",
    "cursor",
];

/// Place in the order: what is sorted by, empty for the id alone, and the id. Times and dates are in order as texts; what
/// is never due comes first.
type Key = (String, i64);

/// Which activities are wanted.
struct Wanted {
    chosen: Selection,
    links: Vec<(Entity, i64)>,
    done: Option<bool>,
    since: Option<Timestamp>,
    until: Option<Timestamp>,
}

/// `GET /api/v2/activities`.
pub(crate) fn list(state: &mut State, request: &Request<'_>) -> Result<Reply, Problem> {
    let Request { call, settings, .. } = *request;
    // LIVE (section 8), whatever becomes of other unknown parameters.
    if call.param("type").is_some() {
        return Err(Problem::invalid("\"type\" is not allowed"));
    }
    params::check_names(call, &KNOWN, settings)?;
    let sort = params::choice(call, "sort_by", &["id", "update_time", "add_time", "due_date"])?;
    let sort = sort.unwrap_or("id");
    let direction = params::choice(call, "sort_direction", &["asc", "desc"])?.unwrap_or("asc");
    let limit = params::limit(call, 500, settings)?;
    let start = params::cursor(call)?.map(|cursor| start(cursor, sort, direction)).transpose()?;
    let attendees = attendees(call)?;
    let wanted = Wanted::read(call, state)?;

    let fits = |activity: &&Activity| wanted.fits(activity);
    let mut rows: Vec<(Key, &Activity)> =
        state.activities.all().filter(fits).map(|activity| (key(activity, sort), activity)).collect();
    rows.sort_by(|(one, _), (other, _)| one.cmp(other));
    if direction == "desc" {
        rows.reverse();
    }
    if let Some(start) = start {
        rows.retain(|(key, _)| if direction == "asc" { *key >= start } else { *key <= start });
    }
    let next = rows.get(limit).map(|(key, _)| cursor(key, sort, direction).encode());
    let data: Vec<Value> =
        rows.into_iter().take(limit).map(|(_, activity)| shown(activity, attendees)).collect();
    Ok(Reply::ok(&json!({"success": true, "data": data, "additional_data": {"next_cursor": next}})))
}

/// Whether the attendees, of whom there are none, are asked for.
pub(super) fn attendees(call: &Call) -> Result<bool, Problem> {
    Ok(params::choices(call, "include_fields", &["attendees"])?.is_some())
}

pub(super) fn shown(activity: &Activity, attendees: bool) -> Value {
    let mut record = activity.json();
    if attendees {
        record["attendees"] = json!([]);
    }
    record
}

impl Wanted {
    fn read(call: &Call, state: &State) -> Result<Self, Problem> {
        let chosen = Selection::of(call, state, NAME)?;
        if call.param("lead_id").is_some() && !chosen.filtered {
            return Err(Problem::not_modelled("lead_id of activities"));
        }
        let mut links = Vec::new();
        for (name, entity) in
            [("deal_id", Entity::Deal), ("org_id", Entity::Organization), ("person_id", Entity::Person)]
        {
            links.extend(chosen.integer(call, name)?.map(|id| (entity, id)));
        }
        let done = params::choice(call, "done", &["true", "false"])?.map(|done| done == "true");
        let (since, until) = (params::time(call, "updated_since")?, params::time(call, "updated_until")?);
        Ok(Self { chosen, links, done, since, until })
    }

    fn fits(&self, activity: &Activity) -> bool {
        let Self { chosen, links, done, since, until } = self;
        !activity.is_deleted
            && chosen.ids.as_ref().is_none_or(|ids| ids.contains(&activity.id))
            && chosen.owner.is_none_or(|owner| activity.owner_id == owner)
            && links.iter().all(|(entity, id)| activity.is_on(*entity, *id))
            && done.is_none_or(|done| activity.done.is_some() == done)
            && since.is_none_or(|since| activity.update_time >= since)
            && until.is_none_or(|until| activity.update_time < until)
    }
}

fn key(activity: &Activity, sort: &str) -> Key {
    let text = match sort {
        "update_time" => activity.update_time.to_string(),
        "add_time" => activity.add_time.to_string(),
        "due_date" => activity.due_date.clone().unwrap_or_default(),
        _ => String::new(),
    };
    (text, activity.id)
}

fn cursor((text, id): &Key, sort: &str, direction: &str) -> Cursor {
    let field_value = if sort == "id" { json!(id) } else { json!(text) };
    Cursor { field: sort.to_owned(), field_value, sort_direction: direction.to_owned(), id: *id }
}

/// Where a page begins; a cursor is only good for its own order.
fn start(given: Cursor, sort: &str, direction: &str) -> Result<Key, Problem> {
    let text = match sort {
        "id" => Some(String::new()),
        _ => given.field_value.as_str().map(str::to_owned),
    };
    let same = given.field == sort && given.sort_direction == direction;
    let text = text.filter(|_| same).ok_or_else(|| Problem::invalid("cursor: is not valid"))?;
    Ok((text, given.id))
}
