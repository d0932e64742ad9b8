//! Bodies of version 1: JSON, or a form on POST; numbers may come as text (section 1.3).

use axum::http::Method;
use serde_json::{Map, Value};

use super::super::problem::Problem;
use super::super::settings::PipedriveSettings;
use super::bad;
use crate::call::Call;

/// The attributes that were sent, all of them among `known`.
pub(super) fn object(
    settings: &PipedriveSettings,
    call: &Call,
    known: &[&str],
) -> Result<Map<String, Value>, Problem> {
    let body = match call.media_type().as_str() {
        "application/json" => match serde_json::from_slice(&call.body) {
            Ok(Value::Object(body)) => body,
            Ok(_) | Err(_) => return Err(bad("The body must be a JSON object")),
        },
        "application/x-www-form-urlencoded" if call.method == Method::POST => {
            let form = call.form().ok_or_else(|| bad("An attribute is repeated"))?;
            form.into_iter().map(|(name, text)| (name, Value::String(text))).collect()
        }
        _ => return Err(bad("The content type must be application/json")),
    };
    match body.keys().find(|name| !known.contains(&name.as_str())) {
        Some(name) if settings.refuse_unknown_parameters => {
            Err(bad(format_args!("\"{name}\" is not allowed")))
        }
        Some(_) | None => Ok(body),
    }
}

/// An id: a positive integer, also as text; `None` when it is absent or null.
pub(super) fn id(body: &Map<String, Value>, name: &str) -> Result<Option<i64>, Problem> {
    let Some(value) = body.get(name).filter(|value| !value.is_null()) else { return Ok(None) };
    let id = integer(value).filter(|id| *id > 0);
    id.map(Some).ok_or_else(|| bad(format_args!("{name}: must be a positive integer")))
}

/// A number, also as text.
pub(super) fn integer(value: &Value) -> Option<i64> {
    match value {
        Value::Number(number) => number.as_i64(),
        Value::String(text) => text.parse().ok(),
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
    }
}
