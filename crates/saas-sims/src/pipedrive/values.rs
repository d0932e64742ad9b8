//! Values that may be written: custom fields by type (section 1.8), addresses (section 1.5).

use serde_json::{Map, Value, json};

use super::fields::CustomField;
use super::problem::Problem;
use super::settings::PipedriveSettings;
use crate::text::is_date;

/// Parts of an address besides its free text.
pub(crate) const ADDRESS_PARTS: [&str; 9] = [
    "country",
    "admin_area_level_1",
    "admin_area_level_2",
    "locality",
    "sublocality",
    "route",
    "street_number",
    "subpremise",
    "postal_code",
];

/// Labels of organizations: option id and text.
pub(super) const LABELS: [(i64, &str); 4] =
    [(5, "Customer"), (6, "Hot lead"), (7, "Warm lead"), (8, "Cold lead")];

/// Checks a value for a custom field and gives what is stored; null clears.
pub(crate) fn custom(
    field: &CustomField,
    value: &Value,
    settings: &PipedriveSettings,
) -> Result<Value, Problem> {
    if value.is_null() {
        return Ok(Value::Null);
    }
    let expected = |what: &str| {
        Problem::invalid(format_args!(
            "custom_fields: Expected '{what}' as value for {} custom field '{}'",
            field.entity.name(),
            field.code
        ))
    };
    match field.kind.as_str() {
        kind @ ("varchar" | "varchar_auto" | "phone" | "text") => {
            let text = value.as_str().ok_or_else(|| expected("string"))?;
            let limit = if kind == "text" { 65_535 } else { 255 };
            if text.chars().count() > limit {
                let what = format_args!("custom_fields: '{}' must be at most {limit} characters", field.code);
                return Err(Problem::invalid(what));
            }
            Ok(if text.is_empty() && settings.empty_text_is_null { Value::Null } else { json!(text) })
        }
        "double" if value.is_number() => Ok(value.clone()),
        "double" => Err(expected("number")),
        "monetary" => shaped(value, &["value", "currency"], &[], |name, part| match name {
            "value" => part.is_number(),
            _ => part.as_str().is_some_and(|code| code.len() == 3),
        })
        .ok_or_else(|| expected("object")),
        "enum" => match value.as_i64() {
            Some(id) if field.options.iter().any(|(option, _)| *option == id) => Ok(value.clone()),
            _ => Err(expected("number")),
        },
        "set" => {
            let ids = value
                .as_array()
                .filter(|ids| !ids.is_empty())
                .ok_or_else(|| Problem::invalid("custom_fields: Invalid collection"))?;
            let known = |id: &Value| field.options.iter().any(|(option, _)| id.as_i64() == Some(*option));
            if ids.iter().all(known) {
                Ok(value.clone())
            } else {
                Err(Problem::invalid("custom_fields: Invalid collection"))
            }
        }
        "user" | "org" | "people" if value.is_i64() => Ok(value.clone()),
        "user" | "org" | "people" => Err(expected("number")),
        "date" => {
            value.as_str().filter(|text| is_date(text)).map(|_| value.clone()).ok_or_else(|| expected("date"))
        }
        "daterange" => shaped(value, &["value", "until"], &[], |_, part| part.as_str().is_some_and(is_date))
            .ok_or_else(|| expected("object")),
        "time" => shaped(value, &["value"], &["timezone_id", "timezone_name"], |_, _| true)
            .ok_or_else(|| expected("object")),
        "timerange" => shaped(value, &["value", "until"], &["timezone_id", "timezone_name"], |_, _| true)
            .ok_or_else(|| expected("object")),
        _ => address(value).map_err(|_| expected("object")),
    }
}

/// Checks an address and gives it with every part; parts that are left out become null.
pub(crate) fn address(value: &Value) -> Result<Value, Problem> {
    let given = value.as_object().ok_or_else(|| Problem::invalid("address: must be an object"))?;
    if let Some(name) = given.keys().find(|name| *name != "value" && !ADDRESS_PARTS.contains(&name.as_str()))
    {
        return Err(Problem::invalid(format_args!("address: \"{name}\" is not allowed")));
    }
    if let Some((name, _)) = given.iter().find(|(_, part)| !part.is_string() && !part.is_null()) {
        return Err(Problem::invalid(format_args!("address.{name}: must be a string")));
    }
    if given.get("value").and_then(Value::as_str).is_none_or(|text| text.trim().is_empty()) {
        return Err(Problem::invalid("address.value: is required"));
    }
    let mut full = Map::new();
    for name in std::iter::once("value").chain(ADDRESS_PARTS) {
        full.insert(name.to_owned(), given.get(name).cloned().unwrap_or_default());
    }
    Ok(Value::Object(full))
}

/// A stored address as it is read: with `formatted_address`.
pub(crate) fn address_for_reading(stored: &Value) -> Value {
    let mut address = stored.clone();
    if address.is_object() {
        address["formatted_address"] = stored["value"].clone();
    }
    address
}

/// An object with all of `needed`, some of `allowed`, nothing else.
fn shaped(
    value: &Value,
    needed: &[&str],
    allowed: &[&str],
    fits: impl Fn(&str, &Value) -> bool,
) -> Option<Value> {
    let given = value.as_object()?;
    let known = |name: &str| needed.contains(&name) || allowed.contains(&name);
    let complete = needed.iter().all(|name| given.get(*name).is_some_and(|part| !part.is_null()));
    let good = complete && given.iter().all(|(name, part)| known(name) && fits(name, part));
    good.then(|| value.clone())
}
