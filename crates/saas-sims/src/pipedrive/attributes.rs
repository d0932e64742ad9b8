//! Attributes that records of several kinds have, with their strict types (sections 1.3, 1.8, 8).

use std::collections::BTreeMap;

use serde_json::Value;

use super::entity::Entity;
use super::events::Source;
use super::fields::Fields;
use super::problem::Problem;
use super::settings::PipedriveSettings;
use super::values;

/// A name or title, trimmed; not empty and not too long.
pub(crate) fn name(what: &str, value: &Value, settings: &PipedriveSettings) -> Result<String, Problem> {
    let text =
        value.as_str().ok_or_else(|| Problem::invalid(format_args!("{what}: must be a string")))?.trim();
    if text.is_empty() {
        return Err(Problem::invalid(format_args!("{what}: must not be empty")));
    }
    match settings.name_limit {
        Some(limit) if text.chars().count() > limit => {
            Err(Problem::invalid(format_args!("{what}: must be at most {limit} characters")))
        }
        Some(_) | None => Ok(text.to_owned()),
    }
}

pub(crate) fn owner(value: &Value, settings: &PipedriveSettings) -> Result<i64, Problem> {
    let known = value.as_i64().filter(|id| settings.users().contains(id));
    known.ok_or_else(|| Problem::invalid("owner_id: must be the id of a user"))
}

pub(crate) fn visible_to(value: &Value) -> Result<i64, Problem> {
    let known = value.as_i64().filter(|level| [1, 3, 5, 7].contains(level));
    known.ok_or_else(|| Problem::invalid("visible_to: must be 1, 3, 5 or 7"))
}

pub(crate) fn labels(entity: Entity, value: &Value) -> Result<Vec<i64>, Problem> {
    let known = |id: &Value| id.as_i64().filter(|id| entity.labels().iter().any(|(label, _)| label == id));
    let ids = value.as_array().and_then(|ids| ids.iter().map(known).collect());
    ids.ok_or_else(|| Problem::invalid("label_ids: must be a list of label ids"))
}

/// The id of a linked record that is not deleted. Null cuts the link: always for people, over the API by a switch.
pub(crate) fn link(
    name: &str,
    value: &Value,
    living: impl Fn(i64) -> bool,
    source: Source,
    settings: &PipedriveSettings,
) -> Result<Option<i64>, Problem> {
    if value.is_null() && (source == Source::App || settings.null_cuts_links) {
        return Ok(None);
    }
    let id = value.as_i64().ok_or_else(|| Problem::invalid(format_args!("{name}: must be an integer")))?;
    if living(id) {
        Ok(Some(id))
    } else {
        Err(Problem::invalid(format_args!("{name}: there is no such record")))
    }
}

/// A date of the vendor's own; null is refused over the API, and an empty text stores the zero date (section 8, LIVE).
pub(crate) fn date(name: &str, value: &Value, source: Source) -> Result<Option<String>, Problem> {
    let wrong = || Problem::invalid(format_args!("{name}: The value is not a valid 'string'"));
    match value {
        Value::Null if source == Source::App => Ok(None),
        Value::String(text) if text.is_empty() => Ok(Some("0000-00-00".to_owned())),
        Value::String(text) if text.len() == 10 && text.parse::<jiff::civil::Date>().is_ok() => {
            Ok(Some(text.clone()))
        }
        Value::Null
        | Value::Bool(_)
        | Value::Number(_)
        | Value::String(_)
        | Value::Array(_)
        | Value::Object(_) => Err(wrong()),
    }
}

/// Puts the values into the custom fields; one unknown hash fails the whole write.
pub(crate) fn custom(
    stored: &mut BTreeMap<String, Value>,
    value: &Value,
    fields: &Fields,
    settings: &PipedriveSettings,
) -> Result<(), Problem> {
    let given = value.as_object().ok_or_else(|| Problem::invalid("custom_fields: must be an object"))?;
    for (code, value) in given {
        let unknown = || Problem::invalid(format_args!("custom_fields: Unknown key '{code}'"));
        let field = fields.get(code).ok_or_else(unknown)?;
        match values::custom(field, value, settings)? {
            Value::Null => stored.remove(code),
            checked => stored.insert(code.clone(), checked),
        };
    }
    Ok(())
}

/// Codes of the custom fields that differ.
pub(crate) fn changed_custom(
    new: &BTreeMap<String, Value>,
    old: &BTreeMap<String, Value>,
) -> impl Iterator<Item = String> {
    let codes: std::collections::BTreeSet<&String> = new.keys().chain(old.keys()).collect();
    let differ: Vec<String> =
        codes.into_iter().filter(|code| new.get(*code) != old.get(*code)).cloned().collect();
    differ.into_iter()
}
