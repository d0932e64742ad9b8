//! Bodies of person writes: strict types, e-mails and telephones replaced wholesale (sections 1.3, 8).

use serde_json::{Map, Value};

use super::super::attributes;
use super::super::entity::Entity;
use super::super::params::whole_seconds;
use super::super::problem::Problem;
use super::super::settings::PipedriveSettings;
use super::super::state::{State, Writer};
use super::{Contact, Person};

/// Attributes that need contact sync or the marketing app, which this company does not have.
const OF_APPS: [&str; 6] = ["postal_address", "notes", "im", "birthday", "job_title", "marketing_status"];

/// Puts the body into the person; on a problem the caller throws the half-written copy away.
pub(super) fn apply(
    person: &mut Person,
    body: &Map<String, Value>,
    state: &State,
    settings: &PipedriveSettings,
    by: &Writer,
    creating: bool,
) -> Result<(), Problem> {
    if body.is_empty() {
        return Err(Problem::invalid("the body must not be empty"));
    }
    for (name, value) in body {
        match name.as_str() {
            "name" => person.name = attributes::name("name", value, settings)?,
            "owner_id" => person.owner_id = attributes::owner(value, settings)?,
            "visible_to" => person.visible_to = attributes::visible_to(value)?,
            "label_ids" => person.label_ids = attributes::labels(Entity::Person, value)?,
            "org_id" => {
                let living = |id| state.organizations.living(id).is_some();
                person.org_id = attributes::link(name, value, living, by.source, settings)?;
            }
            "emails" => person.emails = contacts(name, value)?,
            "phones" => person.phones = contacts(name, value)?,
            "add_time" if creating => {
                let time = value.as_str().and_then(whole_seconds);
                person.add_time =
                    time.ok_or_else(|| Problem::invalid("add_time: must be a valid datetime"))?;
            }
            "custom_fields" => attributes::custom(&mut person.custom, value, &state.person_fields, settings)?,
            other if OF_APPS.contains(&other) => return Err(Problem::app_needed(other)),
            other => return Err(Problem::invalid(format_args!("\"{other}\" is not allowed"))),
        }
    }
    Ok(())
}

/// A list of `{value, primary, label}`; at most one is primary, the first if none says so.
fn contacts(name: &str, value: &Value) -> Result<Vec<Contact>, Problem> {
    let wrong = || Problem::invalid(format_args!("{name}: must be a list of value, primary and label"));
    let mut all = Vec::new();
    for entry in value.as_array().ok_or_else(wrong)? {
        let entry = entry.as_object().ok_or_else(wrong)?;
        if entry.keys().any(|key| !["value", "primary", "label"].contains(&key.as_str())) {
            return Err(wrong());
        }
        let text = entry.get("value").and_then(Value::as_str).map(str::trim).filter(|text| !text.is_empty());
        let primary = entry.get("primary").map_or(Some(false), Value::as_bool);
        let label = entry.get("label").map_or(Some("work"), Value::as_str);
        all.push(Contact {
            value: text.ok_or_else(wrong)?.to_owned(),
            primary: primary.ok_or_else(wrong)?,
            label: label.ok_or_else(wrong)?.to_owned(),
        });
    }
    match all.iter().filter(|contact| contact.primary).count() {
        0 => all.first_mut().into_iter().for_each(|first| first.primary = true),
        1 => {}
        _ => return Err(Problem::invalid(format_args!("{name}: only one can be primary"))),
    }
    Ok(all)
}
