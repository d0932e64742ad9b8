//! The payload of version 1 (section 5.3), for webhooks that were registered with it: flat records, `current` and
//! `previous` whole, blanks in times.

use serde_json::{Map, Value, json};

use super::super::events::Action;
use super::super::settings::PipedriveSettings;
use super::{Told, Webhook};

/// The body of the first attempt; `retry` counts the later ones.
pub(super) fn body(settings: &PipedriveSettings, webhook: &Webhook, told: &Told) -> Value {
    let event = &told.event;
    let action = match (event.action, event.merged_from) {
        (_, Some(_)) => "merged",
        (Action::Create, None) => "added",
        (Action::Change, None) => "updated",
        (Action::Delete, None) => "deleted",
    };
    let flat = |record: &Option<Value>| record.as_ref().map_or(Value::Null, flat);
    let current = if event.action == Action::Delete { Value::Null } else { flat(&told.after) };
    let previous = if event.action == Action::Create { Value::Null } else { flat(&told.before) };
    let id: Value =
        event.entity_id.parse::<i64>().map_or_else(|_| event.entity_id.clone().into(), Value::from);
    json!({
        "v": 1,
        "matches_filters": {"current": [], "previous": []},
        "meta": {
            "v": 1,
            "action": action,
            "object": event.entity,
            "id": id,
            "company_id": settings.company_id,
            "user_id": event.user_id,
            "host": format!("{}.pipedrive.com", settings.company_domain),
            "timestamp": event.time.as_second(),
            "timestamp_micro": event.time.as_microsecond(),
            "permitted_user_ids": settings.users(),
            "trans_pending": false,
            "is_bulk_update": event.bulk,
            "pipedrive_service_name": false,
            "matches_filters": {},
            "webhook_id": webhook.id,
            "change_source": event.source,
        },
        "retry": 0,
        "current": current,
        "previous": previous,
        "event": format!("{action}.{}", event.entity),
    })
}

/// Custom fields beside the other attributes (section 1.8, the column of version 1), times with a blank.
fn flat(record: &Value) -> Value {
    let mut flat = Map::new();
    for (name, value) in record.as_object().into_iter().flatten() {
        match (name.as_str(), value) {
            ("custom_fields", Value::Object(custom)) => {
                custom.iter().for_each(|(code, value)| custom_field(&mut flat, code, value));
            }
            ("is_deleted", _) => {}
            ("visible_to", Value::Number(level)) => {
                flat.insert(name.clone(), level.to_string().into());
            }
            ("address", Value::Object(address)) => {
                flat.insert(name.clone(), address.get("value").cloned().unwrap_or_default());
            }
            (_, Value::String(text)) if name.ends_with("_time") => {
                flat.insert(name.clone(), text.replacen('T', " ", 1).trim_end_matches('Z').into());
            }
            _ => drop(flat.insert(name.clone(), value.clone())),
        }
    }
    Value::Object(flat)
}

fn custom_field(flat: &mut Map<String, Value>, code: &str, typed: &Value) {
    let text = |value: &Value| match value {
        Value::Number(number) => Value::from(number.to_string()),
        other => other.clone(),
    };
    let mut put = |suffix: &str, value: Value| drop(flat.insert(format!("{code}{suffix}"), value));
    match typed["type"].as_str().unwrap_or_default() {
        "monetary" => {
            put("", typed["value"].clone());
            put("_currency", typed["currency"].clone());
        }
        "enum" => put("", text(&typed["id"])),
        "org" | "people" | "user" => put("", typed["id"].clone()),
        "set" => {
            let ids = typed["values"].as_array().into_iter().flatten();
            let ids: Vec<String> = ids.map(|option| option["id"].to_string()).collect();
            put("", ids.join(",").into());
        }
        "daterange" => {
            put("", typed["from"].clone());
            put("_until", typed["until"].clone());
        }
        "timerange" => {
            put("_timezone_id", typed["timezone_id"].clone());
            put("", typed["from"].clone());
            put("_until", typed["until"].clone());
        }
        "address" => {
            for (part, value) in typed.as_object().into_iter().flatten() {
                match part.as_str() {
                    "type" => {}
                    "value" => put("", value.clone()),
                    part => put(&format!("_{part}"), value.clone()),
                }
            }
        }
        "time" => {
            put("", typed["value"].clone());
            put("_timezone_id", typed["timezone_id"].clone());
        }
        _ => put("", typed["value"].clone()),
    }
}
