//! Bodies of organization writes: strict types, all or nothing (sections 1.3, 1.5, 1.8, 8).

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::attributes;
use super::entity::Entity;
use super::fields::Fields;
use super::organizations::{Organization, PLAIN};
use super::params::whole_seconds;
use super::problem::Problem;
use super::settings::PipedriveSettings;
use super::values;
use crate::call::Call;

/// The body as a JSON object; only `application/json` is taken.
pub(crate) fn object(call: &Call) -> Result<Map<String, Value>, Problem> {
    if call.media_type() != "application/json" {
        return Err(Problem::invalid("the content type must be application/json"));
    }
    match serde_json::from_slice(&call.body) {
        Ok(Value::Object(body)) => Ok(body),
        Ok(_) | Err(_) => Err(Problem::invalid("the body must be a JSON object")),
    }
}

/// The body as a JSON list; only `application/json` is taken.
pub(crate) fn array(call: &Call) -> Result<Vec<Value>, Problem> {
    if call.media_type() != "application/json" {
        return Err(Problem::invalid("the content type must be application/json"));
    }
    match serde_json::from_slice(&call.body) {
        Ok(Value::Array(body)) => Ok(body),
        Ok(_) | Err(_) => Err(Problem::invalid("the body must be a JSON array")),
    }
}

/// A time in whole seconds.
pub(crate) fn whole(at: Timestamp) -> Timestamp {
    Timestamp::from_second(at.as_second()).unwrap_or(at)
}

/// Puts the body into the organization; on a problem the caller throws the half-written copy away.
pub(crate) fn apply(
    organization: &mut Organization,
    body: &Map<String, Value>,
    fields: &Fields,
    settings: &PipedriveSettings,
    creating: bool,
) -> Result<(), Problem> {
    if body.is_empty() {
        return Err(Problem::invalid("the body must not be empty"));
    }
    for (name, value) in body {
        let expected = |what: &str| Problem::invalid(format_args!("{name}: must be {what}"));
        match name.as_str() {
            "name" => organization.name = attributes::name("name", value, settings)?,
            "owner_id" => organization.owner_id = attributes::owner(value, settings)?,
            "visible_to" => organization.visible_to = attributes::visible_to(value)?,
            "label_ids" => organization.label_ids = attributes::labels(Entity::Organization, value)?,
            "address" if value.is_null() => organization.address = Value::Null,
            "address" => organization.address = values::address(value)?,
            "add_time" if creating => {
                let time = value.as_str().and_then(whole_seconds);
                organization.add_time = time.ok_or_else(|| expected("a valid datetime"))?;
            }
            "custom_fields" => attributes::custom(&mut organization.custom, value, fields, settings)?,
            other => {
                let Some(plain) = PLAIN.into_iter().find(|plain| *plain == other) else {
                    return Err(Problem::invalid(format_args!("\"{other}\" is not allowed")));
                };
                let textual = matches!(plain, "website" | "linkedin");
                match value {
                    Value::Null => organization.plain.remove(plain),
                    Value::String(text) if textual && text.chars().count() <= 255 => {
                        organization.plain.insert(plain, json!(text))
                    }
                    Value::Number(number) if !textual && number.is_i64() => {
                        organization.plain.insert(plain, value.clone())
                    }
                    _ => return Err(expected(if textual { "a string" } else { "an integer" })),
                };
            }
        }
    }
    Ok(())
}
