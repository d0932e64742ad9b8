//! `GET /v1/organizations/{id}/changelog` and that of deals (section 1.7): from the event log, the latest change first.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::super::events::{Event, Replaced};
use super::super::params;
use super::super::problem::Problem;
use super::super::settings::PipedriveSettings;
use super::super::state::State;
use super::{bad, time};
use crate::call::{Call, Reply};

/// The largest page; the specification names none, 500 is that of other lists.
const CAP: usize = 500;

pub(super) fn organization(
    settings: &PipedriveSettings,
    state: &State,
    call: &Call,
    id: i64,
) -> Result<Reply, Problem> {
    match state.organizations.get(id) {
        Some(_) => list(settings, state, call, "organization", id),
        None => Err(Problem::not_found("Organization")),
    }
}

pub(super) fn deal(
    settings: &PipedriveSettings,
    state: &State,
    call: &Call,
    id: i64,
) -> Result<Reply, Problem> {
    match state.deals.get(id) {
        Some(_) => list(settings, state, call, "deal", id),
        None => Err(Problem::not_found("Deal")),
    }
}

fn list(
    settings: &PipedriveSettings,
    state: &State,
    call: &Call,
    entity: &str,
    id: i64,
) -> Result<Reply, Problem> {
    params::check_names(call, &["cursor", "limit"], settings)?;
    let limit = params::limit(call, CAP, settings)?;
    let key = id.to_string();
    let of_record = state.events.iter().filter(|event| event.entity == entity && event.entity_id == key);
    let all: Vec<(&Event, &Replaced)> =
        of_record.flat_map(|event| event.values.iter().map(move |value| (event, value))).collect();
    // Entries are numbered from the oldest, so that new ones do not move a walk.
    let end = match call.param("cursor") {
        None => all.len(),
        Some(text) => {
            number(text).filter(|at| (1..=all.len()).contains(at)).ok_or_else(|| bad("Invalid cursor"))?
        }
    };
    let from = end.saturating_sub(limit);
    let shown = all.get(from..end).unwrap_or_default();
    let data: Vec<Value> = shown.iter().rev().map(|(event, value)| entry(event, value)).collect();
    let next = (from > 0).then(|| STANDARD.encode(format!("id:{from}")));
    Ok(Reply::ok(&json!({"success": true, "data": data, "additional_data": {"next_cursor": next}})))
}

/// The number in a cursor, which is `id:544` in base64 in the published sample.
fn number(cursor: &str) -> Option<usize> {
    String::from_utf8(STANDARD.decode(cursor).ok()?).ok()?.strip_prefix("id:")?.parse().ok()
}

fn entry(event: &Event, value: &Replaced) -> Value {
    json!({
        "field_key": value.key,
        "old_value": text(&value.old),
        "new_value": text(&value.new),
        "actor_user_id": event.user_id,
        "time": time::text(event.time),
        "change_source": event.source,
        "change_source_user_agent": null,
        "is_bulk_update_flag": event.bulk,
    })
}

/// Values are texts: of amounts and addresses the `value`, of sets the ids with commas.
fn text(value: &Value) -> Option<String> {
    match value {
        Value::Null => None,
        Value::String(text) => Some(text.clone()),
        Value::Bool(_) | Value::Number(_) => Some(value.to_string()),
        Value::Array(parts) => Some(parts.iter().filter_map(text).collect::<Vec<_>>().join(",")),
        Value::Object(parts) => parts.get("value").map_or_else(|| Some(value.to_string()), text),
    }
}
