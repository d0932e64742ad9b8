//! `/api/v2/organizationFields`.

use serde_json::{Map, Value, json};

use super::super::cursor::Cursor;
use super::super::events::Action;
use super::super::params;
use super::super::problem::Problem;
use super::super::settings::PipedriveSettings;
use super::super::state::{State, Writer};
use super::super::write::object;
use super::{BUILTIN, CREATABLE, CustomField, builtin};
use crate::call::{Call, Reply};

const NAMESPACES: [&str; 3] = ["ui_visibility", "important_fields", "required_fields"];
const BODY: [&str; 6] =
    ["field_name", "field_type", "options", "ui_visibility", "important_fields", "required_fields"];

pub(crate) fn list(settings: &PipedriveSettings, state: &State, call: &Call) -> Result<Reply, Problem> {
    params::check_names(call, &["limit", "cursor", "include_fields"], settings)?;
    let limit = params::limit(call, 500, settings)?;
    let start = match params::cursor(call)? {
        None => 0,
        Some(cursor) if cursor == Cursor::by_id(cursor.id) => {
            usize::try_from(cursor.id).unwrap_or(usize::MAX)
        }
        Some(_) => return Err(Problem::invalid("cursor: is not valid")),
    };
    let namespaces = namespaces(call)?;
    let own = state.fields.custom();
    let total = BUILTIN.len() + own.len();
    let page = (start..total).take(limit).map(|at| match at.checked_sub(BUILTIN.len()) {
        None => builtin::json(at, &namespaces),
        Some(at) => own[at].json(&namespaces),
    });
    let data: Vec<Value> = page.collect();
    let next = start.saturating_add(limit);
    let cursor = (next < total).then(|| Cursor::by_id(i64::try_from(next).unwrap_or(i64::MAX)).encode());
    Ok(Reply::ok(&json!({"success": true, "data": data, "additional_data": {"next_cursor": cursor}})))
}

pub(crate) fn one(
    settings: &PipedriveSettings,
    state: &State,
    call: &Call,
    code: &str,
) -> Result<Reply, Problem> {
    params::check_names(call, &["include_fields"], settings)?;
    let namespaces = namespaces(call)?;
    let own = state.fields.get(code).map(|field| field.json(&namespaces));
    let field = own.or_else(|| {
        let at = BUILTIN.iter().position(|(builtin, ..)| *builtin == code)?;
        Some(builtin::json(at, &namespaces))
    });
    let field = field.ok_or_else(|| Problem::not_found("Field"))?;
    Ok(Reply::ok(&json!({"success": true, "data": field})))
}

pub(crate) fn create(
    settings: &PipedriveSettings,
    state: &mut State,
    call: &Call,
    by: &Writer,
) -> Result<Reply, Problem> {
    params::check_names(call, &[], settings)?;
    let body = object(call)?;
    if let Some(name) = body.keys().find(|name| !BODY.contains(&name.as_str())) {
        return Err(Problem::invalid(format_args!("\"{name}\" is not allowed")));
    }
    let name = text(&body, "field_name")?;
    let kind = text(&body, "field_type")?;
    if !CREATABLE.contains(&kind.as_str()) {
        return Err(Problem::invalid(format_args!("field_type: must be one of {}", CREATABLE.join(", "))));
    }
    let labels = labels(&body, &kind)?;
    let namespace = |name: &str, default: Value| match body.get(name) {
        None => Ok(default),
        Some(Value::Object(given)) => Ok(Value::Object(given.clone())),
        Some(_) => Err(Problem::invalid(format_args!("{name}: must be an object"))),
    };
    let ui_visibility =
        namespace("ui_visibility", json!({"add_visible_flag": false, "details_visible_flag": true}))?;
    let important_fields = namespace("important_fields", json!({"enabled": false, "stage_ids": []}))?;
    let required_fields = namespace("required_fields", json!({"enabled": false}))?;
    if state.fields.custom.len() >= settings.plan.custom_fields() {
        return Err(Problem::field_limit());
    }
    let code = hex::encode(std::array::from_fn::<u8, 20, _>(|_| state.rng.u8(..)));
    let fields = &mut state.fields;
    let mut options = Vec::new();
    for label in labels {
        fields.last_option += 1;
        options.push((fields.last_option, label));
    }
    let code_in_log = code.clone();
    let field = CustomField { code, name, kind, options, ui_visibility, important_fields, required_fields };
    let answer = field.json(&NAMESPACES);
    fields.custom.push(field);
    state.log("organizationField", code_in_log, Action::Create, Vec::new(), by);
    Ok(Reply::ok(&json!({"success": true, "data": answer})))
}

/// Deletes a custom field: it leaves all answers and the search, and writes that name it fail from now on.
pub(crate) fn remove(state: &mut State, code: &str, by: &Writer) -> Result<Reply, Problem> {
    if BUILTIN.iter().any(|(builtin, ..)| *builtin == code) {
        return Err(Problem::invalid(format_args!("field_code: {code} is not a custom field")));
    }
    let at = state.fields.custom.iter().position(|field| field.code == code);
    let at = at.ok_or_else(|| Problem::not_found("Field"))?;
    let field = state.fields.custom.remove(at);
    state.log("organizationField", field.code.clone(), Action::Delete, Vec::new(), by);
    Ok(Reply::ok(&json!({"success": true, "data": field.json(&[])})))
}

fn namespaces(call: &Call) -> Result<Vec<&str>, Problem> {
    let names = call.param("include_fields").into_iter().flat_map(|list| list.split(','));
    let known = |name: &str| NAMESPACES.contains(&name);
    names
        .map(
            |name| if known(name) { Ok(name) } else { Err(Problem::invalid("include_fields: is not valid")) },
        )
        .collect()
}

fn text(body: &Map<String, Value>, name: &str) -> Result<String, Problem> {
    match body.get(name) {
        Some(Value::String(text)) if !text.trim().is_empty() && text.chars().count() <= 255 => {
            Ok(text.trim().to_owned())
        }
        _ => Err(Problem::invalid(format_args!("{name}: must be a non-empty string"))),
    }
}

/// Labels of the options: needed for enum and set, refused otherwise.
fn labels(body: &Map<String, Value>, kind: &str) -> Result<Vec<String>, Problem> {
    let wanted = matches!(kind, "enum" | "set");
    let bad = || Problem::invalid("options: must be a list of objects with a label, for enum and set only");
    let Some(options) = body.get("options") else { return if wanted { Err(bad()) } else { Ok(Vec::new()) } };
    let options = options.as_array().filter(|options| wanted && !options.is_empty()).ok_or_else(bad)?;
    let label =
        |option: &Value| option.get("label")?.as_str().map(str::to_owned).filter(|label| !label.is_empty());
    options.iter().map(|option| label(option).ok_or_else(bad)).collect()
}
