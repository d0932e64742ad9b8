//! `/api/v2/organizationFields`, `/dealFields` and `/personFields`: list, read, create (section 2).

use serde_json::{Map, Value, json};

use super::super::cursor::Cursor;
use super::super::entity::Entity;
use super::super::events::Action;
use super::super::params;
use super::super::problem::Problem;
use super::super::records::Request;
use super::super::state::State;
use super::super::write::object;
use super::{CREATABLE, CustomField, builtin};
use crate::call::{Call, Reply};

pub(super) const NAMESPACES: [&str; 3] = ["ui_visibility", "important_fields", "required_fields"];
const BODY: [&str; 7] = [
    "description",
    "field_name",
    "field_type",
    "options",
    "ui_visibility",
    "important_fields",
    "required_fields",
];

pub(crate) fn list(state: &mut State, request: &Request<'_>, entity: Entity) -> Result<Reply, Problem> {
    let Request { call, settings, .. } = *request;
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
    let own = state.fields_of(entity).custom();
    let total = builtin::count(entity) + own.len();
    let page = (start..total).take(limit).map(|at| match at.checked_sub(builtin::count(entity)) {
        None => builtin::json(entity, at, &namespaces),
        Some(at) => own[at].json(&namespaces),
    });
    let data: Vec<Value> = page.collect();
    let next = start.saturating_add(limit);
    let cursor = (next < total).then(|| Cursor::by_id(i64::try_from(next).unwrap_or(i64::MAX)).encode());
    Ok(Reply::ok(&json!({"success": true, "data": data, "additional_data": {"next_cursor": cursor}})))
}

pub(crate) fn one(state: &mut State, request: &Request<'_>, entity: Entity) -> Result<Reply, Problem> {
    let Request { call, settings, key: code, .. } = *request;
    params::check_names(call, &["include_fields"], settings)?;
    let namespaces = namespaces(call)?;
    let own = state.fields_of(entity).get(code).map(|field| field.json(&namespaces));
    let field = own.or_else(|| {
        let at = builtin::position(entity, code)?;
        Some(builtin::json(entity, at, &namespaces))
    });
    let field = field.ok_or_else(|| Problem::not_found("Field"))?;
    Ok(Reply::ok(&json!({"success": true, "data": field})))
}

pub(crate) fn create(state: &mut State, request: &Request<'_>, entity: Entity) -> Result<Reply, Problem> {
    let Request { call, settings, by, .. } = *request;
    params::check_names(call, &[], settings)?;
    let body = object(call)?;
    check_names(&body, &BODY, entity)?;
    let name = text(&body, "field_name")?;
    let kind = text(&body, "field_type")?;
    if !CREATABLE.contains(&kind.as_str()) {
        return Err(Problem::invalid(format_args!("field_type: must be one of {}", CREATABLE.join(", "))));
    }
    let labels = labels(&body, &kind)?;
    let namespace = |name: &str, default: Value| namespace(&body, name, default, state);
    let ui_visibility =
        namespace("ui_visibility", json!({"add_visible_flag": false, "details_visible_flag": true}))?;
    let important_fields = namespace("important_fields", json!({"enabled": false, "stage_ids": []}))?;
    let required_fields = namespace("required_fields", json!({"enabled": false}))?;
    let description = description(&body)?.unwrap_or_default();
    let taken: usize = Entity::ALL.into_iter().map(|entity| state.fields_of(entity).custom.len()).sum();
    if taken >= settings.plan.custom_fields() {
        return Err(Problem::field_limit());
    }
    let code = hex::encode(std::array::from_fn::<u8, 20, _>(|_| state.rng.u8(..)));
    let fields = state.fields_of_mut(entity);
    let mut options = Vec::new();
    for label in labels {
        fields.last_option += 1;
        options.push((fields.last_option, label));
    }
    let code_in_log = code.clone();
    let field = CustomField {
        entity,
        description,
        code,
        name,
        kind,
        options,
        ui_visibility,
        important_fields,
        required_fields,
    };
    let answer = field.json(&NAMESPACES);
    fields.custom.push(field);
    state.log(entity.field(), code_in_log, Action::Create, Vec::new(), &by);
    Ok(Reply::ok(&json!({"success": true, "data": answer})))
}

/// Only known names; `description` only for deal fields.
pub(super) fn check_names(body: &Map<String, Value>, known: &[&str], entity: Entity) -> Result<(), Problem> {
    let fits = |name: &str| known.contains(&name) && (entity == Entity::Deal || name != "description");
    match body.keys().find(|name| !fits(name)) {
        Some(name) => Err(Problem::invalid(format_args!("\"{name}\" is not allowed"))),
        None => Ok(()),
    }
}

/// A namespace with what the body says over `old`; stages that it names have to exist.
pub(super) fn namespace(
    body: &Map<String, Value>,
    name: &str,
    old: Value,
    state: &State,
) -> Result<Value, Problem> {
    let Some(given) = body.get(name) else { return Ok(old) };
    let wrong = |what: &str| Problem::invalid(format_args!("{name}{what}"));
    let given = given.as_object().ok_or_else(|| wrong(": must be an object"))?;
    let mut new = old;
    for (key, value) in given {
        let flag = key == "enabled" || key.ends_with("_flag");
        if flag && !value.is_boolean() {
            return Err(wrong(&format!(".{key}: must be a boolean")));
        }
        let known = |id: &Value| id.as_i64().is_some_and(|id| state.pipelines.stage(id).is_some());
        if key == "stage_ids" && !value.as_array().is_some_and(|ids| ids.iter().all(known)) {
            return Err(wrong(".stage_ids: must be a list of stages"));
        }
        new[key] = value.clone();
    }
    Ok(new)
}

/// The description of a deal field, if the body has one.
pub(super) fn description(body: &Map<String, Value>) -> Result<Option<Value>, Problem> {
    match body.get("description") {
        Some(value) if !value.is_string() && !value.is_null() => {
            Err(Problem::invalid("description: must be a string"))
        }
        found => Ok(found.cloned()),
    }
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

pub(super) fn text(body: &Map<String, Value>, name: &str) -> Result<String, Problem> {
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
