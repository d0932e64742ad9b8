//! Bodies of activity writes: strict types, all or nothing (sections 1.3, 8; SPEC-v2).

use serde_json::{Map, Value};

use super::super::attributes;
use super::super::events::Source;
use super::super::problem::Problem;
use super::super::settings::PipedriveSettings;
use super::super::state::{State, Writer};
use super::super::values;
use super::super::write::whole;
use super::{Activity, Participant};

/// Puts the body into the activity; on a problem the caller throws the half-written copy away.
pub(super) fn apply(
    activity: &mut Activity,
    body: &Map<String, Value>,
    state: &State,
    settings: &PipedriveSettings,
    by: &Writer,
) -> Result<(), Problem> {
    for (name, value) in body {
        match name.as_str() {
            "subject" => activity.subject = attributes::name(name, value, settings)?,
            "type" => activity.kind = kind(value, state)?,
            "owner_id" => activity.owner_id = attributes::owner(value, settings)?,
            "deal_id" => {
                let living = |id| state.deals.living(id).is_some();
                activity.deal_id = attributes::link(name, value, living, by.source, settings)?;
            }
            "org_id" => {
                let living = |id| state.organizations.living(id).is_some();
                activity.org_id = attributes::link(name, value, living, by.source, settings)?;
            }
            "due_date" => activity.due_date = attributes::date(name, value, by.source)?,
            "due_time" => activity.due_time = clock(name, value, 23, by.source)?,
            "duration" => activity.duration = clock(name, value, 99, by.source)?,
            "busy" => activity.busy = boolean(name, value)?,
            "done" => {
                let marked = activity.done.unwrap_or_else(|| whole(by.now));
                activity.done = boolean(name, value)?.then_some(marked);
            }
            "location" if value.is_null() => activity.location = Value::Null,
            "location" => {
                let address = values::address(value);
                activity.location =
                    address.map_err(|_| Problem::invalid("location: must be an address with its value"))?;
            }
            "public_description" => activity.public_description = text(name, value)?,
            "note" => activity.note = text(name, value)?,
            "participants" | "person_id" => {}
            "lead_id" | "project_id" | "priority" | "attendees" => unset(name, value)?,
            other => return Err(Problem::invalid(format_args!("\"{other}\" is not allowed"))),
        }
    }
    people(activity, body, state, settings, by)
}

/// The key of a type that the company has and uses; what happens with another one is UNVERIFIED.
fn kind(value: &Value, state: &State) -> Result<String, Problem> {
    let known = value.as_str().and_then(|key| state.v1.activity_types.active(key));
    let known = known.ok_or_else(|| Problem::invalid("type: must be the key of an activity type"))?;
    Ok(known.key.clone())
}

fn boolean(name: &str, value: &Value) -> Result<bool, Problem> {
    value.as_bool().ok_or_else(|| Problem::invalid(format_args!("{name}: must be a boolean")))
}

/// A text; null clears.
fn text(name: &str, value: &Value) -> Result<Option<String>, Problem> {
    match value {
        Value::Null => Ok(None),
        Value::String(text) => Ok(Some(text.clone())),
        Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => {
            Err(Problem::invalid(format_args!("{name}: must be a string")))
        }
    }
}

/// `HH:MM:SS` as the specification's example has it, up to `hours`; null as for dates (section 8, there for dates).
fn clock(name: &str, value: &Value, hours: u8, source: Source) -> Result<Option<String>, Problem> {
    if value.is_null() && source == Source::App {
        return Ok(None);
    }
    let wrong = || Problem::invalid(format_args!("{name}: The value is not a valid 'string' of HH:MM:SS"));
    let given = value.as_str().ok_or_else(wrong)?;
    let digits = |part: &str| part.len() == 2 && part.bytes().all(|byte| byte.is_ascii_digit());
    let parts: Vec<u8> =
        given.split(':').filter(|part| digits(part)).filter_map(|part| part.parse().ok()).collect();
    match parts.as_slice() {
        [hour, minute, second] if given.len() == 8 && *hour <= hours && *minute < 60 && *second < 60 => {
            Ok(Some(given.to_owned()))
        }
        _ => Err(wrong()),
    }
}

/// Nothing but null, or an empty list, can be written where nothing is modelled.
fn unset(name: &str, value: &Value) -> Result<(), Problem> {
    if value.is_null() || value.as_array().is_some_and(Vec::is_empty) {
        Ok(())
    } else {
        Err(Problem::not_modelled(&format!("{name} of an activity")))
    }
}

/// `participants` replaces them all; `person_id` is the primary one, and has to agree when both are written.
fn people(
    activity: &mut Activity,
    body: &Map<String, Value>,
    state: &State,
    settings: &PipedriveSettings,
    by: &Writer,
) -> Result<(), Problem> {
    let living = |id| state.persons.living(id).is_some();
    if let Some(list) = body.get("participants") {
        activity.participants = participants(list, living)?;
    }
    let Some(value) = body.get("person_id") else { return Ok(()) };
    let person = attributes::link("person_id", value, living, by.source, settings)?;
    if person == activity.person_id() {
        return Ok(());
    }
    if body.contains_key("participants") {
        return Err(Problem::invalid("person_id: must be the primary participant"));
    }
    activity.participants.retain(|one| !one.primary && Some(one.person_id) != person);
    let primary = person.map(|person_id| Participant { person_id, primary: true });
    activity.participants.splice(0..0, primary);
    Ok(())
}

/// A list of `{person_id, primary}`; at most one is primary, the first if none says so.
fn participants(value: &Value, living: impl Fn(i64) -> bool) -> Result<Vec<Participant>, Problem> {
    let wrong = || Problem::invalid("participants: must be a list of person_id and primary");
    let mut all: Vec<Participant> = Vec::new();
    for entry in value.as_array().ok_or_else(wrong)? {
        let entry = entry.as_object().ok_or_else(wrong)?;
        if entry.keys().any(|key| key != "person_id" && key != "primary") {
            return Err(wrong());
        }
        let person_id = entry.get("person_id").and_then(Value::as_i64).ok_or_else(wrong)?;
        let primary = entry.get("primary").map_or(Some(false), Value::as_bool).ok_or_else(wrong)?;
        if !living(person_id) || all.iter().any(|one| one.person_id == person_id) {
            return Err(Problem::invalid("participants: there is no such person, or it is there twice"));
        }
        all.push(Participant { person_id, primary });
    }
    match all.iter().filter(|one| one.primary).count() {
        0 => all.first_mut().into_iter().for_each(|first| first.primary = true),
        1 => {}
        _ => return Err(Problem::invalid("participants: only one can be primary")),
    }
    Ok(all)
}
