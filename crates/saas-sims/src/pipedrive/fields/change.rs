//! `PATCH` and `DELETE` of a custom field (section 2): its type and code never change.

use serde_json::{Value, json};

use super::super::entity::Entity;
use super::super::events::Action;
use super::super::params;
use super::super::problem::Problem;
use super::super::records::Request;
use super::super::state::{State, Writer};
use super::super::write::object;
use super::builtin;
use super::endpoints::{NAMESPACES, check_names, description, namespace, text};
use crate::call::Reply;

const BODY: [&str; 5] = ["field_name", "ui_visibility", "important_fields", "required_fields", "description"];

/// Changes name, visibility and the like.
pub(crate) fn change(state: &mut State, request: &Request<'_>, entity: Entity) -> Result<Reply, Problem> {
    params::check_names(request.call, &[], request.settings)?;
    let body = object(request.call)?;
    check_names(&body, &BODY, entity)?;
    if body.is_empty() {
        return Err(Problem::invalid("the body must not be empty"));
    }
    if builtin::position(entity, request.key).is_some() {
        return Err(Problem::not_modelled("changing a built-in field"));
    }
    let old = state.fields_of(entity).get(request.key).ok_or_else(|| Problem::not_found("Field"))?;
    let mut field = old.clone();
    if body.contains_key("field_name") {
        field.name = text(&body, "field_name")?;
    }
    field.ui_visibility = namespace(&body, "ui_visibility", field.ui_visibility, state)?;
    field.important_fields = namespace(&body, "important_fields", field.important_fields, state)?;
    field.required_fields = namespace(&body, "required_fields", field.required_fields, state)?;
    field.description = description(&body)?.unwrap_or(field.description);
    let changed = body.keys().cloned().collect();
    let (code, answer) = (field.code.clone(), field.json(&NAMESPACES));
    if let Some(place) = state.fields_of_mut(entity).get_mut(request.key) {
        *place = field;
    }
    state.log(entity.field(), code, Action::Change, changed, &request.by);
    Ok(request.data(answer))
}

/// Deletes a custom field: it leaves all answers and the search, and writes that name it fail from now on.
pub(crate) fn remove(state: &mut State, request: &Request<'_>, entity: Entity) -> Result<Reply, Problem> {
    let removed = delete(state, request.key, entity, &request.by)?;
    Ok(Reply::ok(&json!({"success": true, "data": removed})))
}

/// The deed itself; gives the field that was.
pub(crate) fn delete(state: &mut State, code: &str, entity: Entity, by: &Writer) -> Result<Value, Problem> {
    if builtin::position(entity, code).is_some() {
        return Err(Problem::invalid(format_args!("field_code: {code} is not a custom field")));
    }
    let fields = state.fields_of_mut(entity);
    let at = fields.custom.iter().position(|field| field.code == code);
    let field = fields.custom.remove(at.ok_or_else(|| Problem::not_found("Field"))?);
    state.log(entity.field(), field.code.clone(), Action::Delete, Vec::new(), by);
    Ok(field.json(&[]))
}
