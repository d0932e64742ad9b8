//! The payload of version 2 (section 5.2): string ids, typed custom fields, a `previous` that is only roughly right.

use serde_json::{Map, Value, json};

use super::super::events::{Action, Event};
use super::super::settings::PipedriveSettings;
use super::{Told, Webhook, WebhookSettings, milliseconds};

/// Objects of the specification.
pub(super) const OBJECTS: [&str; 10] =
    ["activity", "deal", "lead", "note", "organization", "person", "pipeline", "product", "stage", "user"];
/// Objects that only the guide and the changelog name.
pub(super) const NEWER_OBJECTS: [&str; 6] =
    ["project", "task", "board", "phase", "deal_product", "deal_installment"];

/// The record with its custom fields as webhooks have them; `kind` knows the type of a custom field.
pub(crate) fn typed<'a>(mut record: Value, kind: impl Fn(&str) -> Option<&'a str>) -> Value {
    if let Some(custom) = record.get_mut("custom_fields").and_then(Value::as_object_mut) {
        for (code, value) in custom {
            *value = typed_value(kind(code).unwrap_or_else(|| guess(value)), value);
        }
    }
    record
}

fn typed_value(kind: &str, value: &Value) -> Value {
    let zone = || value["timezone_id"].clone();
    match kind {
        _ if value.is_null() => Value::Null,
        "monetary" => json!({"currency": value["currency"], "type": kind, "value": value["value"]}),
        "enum" | "org" | "people" | "user" => json!({"id": value, "type": kind}),
        "set" => {
            let ids = value.as_array().map(Vec::as_slice).unwrap_or_default();
            let values: Vec<Value> = ids.iter().map(|id| json!({"id": id})).collect();
            json!({"values": values, "type": kind})
        }
        "daterange" => json!({"from": value["value"], "until": value["until"], "type": kind}),
        "time" => json!({"timezone_id": zone(), "type": kind, "value": value["value"]}),
        "timerange" => {
            json!({"timezone_id": zone(), "from": value["value"], "until": value["until"], "type": kind})
        }
        "address" => {
            let mut address = value.clone();
            address["type"] = Value::from(kind);
            address
        }
        _ => json!({"type": kind, "value": value}),
    }
}

/// The type of a custom field that nobody knows any more, by its value.
fn guess(value: &Value) -> &'static str {
    match value {
        Value::Number(_) => "double",
        Value::Array(_) => "set",
        Value::Object(parts) if parts.contains_key("currency") => "monetary",
        Value::Object(parts) if parts.contains_key("formatted_address") => "address",
        Value::Object(_) => "daterange",
        Value::Null | Value::Bool(_) | Value::String(_) => "varchar",
    }
}

/// What one event tells: `data` and `previous`; `None` when it is not told.
pub(super) fn content(
    settings: &WebhookSettings,
    told: &Told,
    rng: &mut fastrand::Rng,
) -> Option<(Value, Value)> {
    let entity = told.event.entity;
    let shaped = |record: &Option<Value>| record.clone().map(|record| shape(settings, entity, record));
    let (before, after) = (shaped(&told.before), shaped(&told.after));
    match told.event.action {
        Action::Create => Some((after?, Value::Null)),
        Action::Delete => Some((Value::Null, before?)),
        Action::Change => {
            let (before, after) = (before?, after?);
            let mut previous = differences(&before, &after);
            let unchanged = previous.keys().all(|name| name == "update_time");
            // A merge is told whatever it changed.
            if unchanged && !settings.tell_unchanged && told.event.merged_from.is_none() {
                return None;
            }
            if settings.rough_previous {
                roughen(&mut previous, &before, rng);
            }
            Some((after, Value::Object(previous)))
        }
    }
}

fn roughen(previous: &mut Map<String, Value>, before: &Value, rng: &mut fastrand::Rng) {
    if rng.u8(..4) > 0 {
        previous.remove("update_time");
    }
    if rng.u8(..4) == 0 {
        for name in ["owner_id", "visible_to"] {
            if let Some(value) = before.get(name) {
                previous.entry(name).or_insert_with(|| value.clone());
            }
        }
    }
}

/// Old values of what is different now.
fn differences(before: &Value, after: &Value) -> Map<String, Value> {
    let mut previous = Map::new();
    for (name, old) in before.as_object().into_iter().flatten() {
        let new = after.get(name).unwrap_or(&Value::Null);
        if old == new {
            continue;
        }
        let old = match (name.as_str(), old) {
            ("custom_fields", Value::Object(_)) => Value::Object(differences(old, new)),
            _ => old.clone(),
        };
        previous.insert(name.clone(), old);
    }
    previous
}

/// Attributes that webhooks have and REST has not, and the other way round.
fn shape(settings: &WebhookSettings, entity: &str, mut record: Value) -> Value {
    if let Some(level) = record["visible_to"].as_i64() {
        record["visible_to"] = Value::from(level.to_string());
    }
    if entity == "organization" {
        for name in ["country_code", "label", "picture_id"] {
            record[name] = Value::Null;
        }
        if settings.address_as_text {
            record["address"] = record["address"]["value"].clone();
        }
    }
    if let Some(attributes) = record.as_object_mut() {
        attributes.remove("is_deleted");
        if attributes.get("visible_to").is_some_and(Value::is_null) {
            attributes.remove("visible_to");
        }
    }
    record
}

/// `meta` for one webhook and the first attempt.
pub(super) fn meta(
    settings: &PipedriveSettings,
    webhook: &Webhook,
    event: &Event,
    id: &str,
    correlation_id: &str,
) -> Value {
    let mut meta = json!({
        "action": event.action,
        "entity": event.entity,
        "entity_id": event.entity_id,
        "id": id,
        "correlation_id": correlation_id,
        "company_id": settings.company_id.to_string(),
        "user_id": event.user_id.to_string(),
        "webhook_id": webhook.id.to_string(),
        "webhook_owner_id": webhook.owner_id.to_string(),
        "timestamp": milliseconds(event.time),
        "type": if webhook.application { "application" } else { "general" },
        "version": "2.0",
        "is_bulk_edit": event.bulk,
        "change_source": event.source,
        "attempt": 1,
        "host": format!("{}.pipedrive.com", settings.company_domain),
    });
    // Who may see the record is not modelled: everybody may.
    if event.entity != "user" {
        meta["permitted_user_ids"] = json!(settings.users().map(|id| id.to_string()));
    }
    for (name, other) in [("merged_to_id", event.merged_to), ("merged_from_id", event.merged_from)] {
        if let Some(other) = other {
            meta[name] = Value::from(other.to_string());
        }
    }
    meta
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::super::super::events::{Action, Around, Source};
    use super::super::super::settings::PipedriveSettings;
    use super::super::super::state::{State, Writer};
    use super::super::Webhook;

    /// A webhook for everything.
    fn listener(now: jiff::Timestamp) -> Webhook {
        Webhook {
            id: 1,
            name: "all".to_owned(),
            owner_id: 1,
            user_id: 1,
            action: "*".to_owned(),
            object: "*".to_owned(),
            url: "https://sync.example.com".to_owned(),
            user: None,
            password: None,
            version_1: false,
            application: false,
            add_time: now,
            removed: None,
            last_delivery: None,
            failures: 0,
            banned: None,
            failing_since: None,
        }
    }

    #[test]
    fn a_merge_is_told_as_a_pair_that_names_each_other() {
        let now: jiff::Timestamp = "2026-03-02T10:00:00Z".parse().unwrap();
        let mut state = State::new(7);
        state.webhooks.all.insert(1, listener(now));
        let by = Writer { user_id: 1, source: Source::App, now };
        let record = |id: i64| Some(json!({"id": id, "title": "x", "custom_fields": {"hash": 5}}));
        let lost = Around { before: record(1), merged_to: Some(2), ..Around::default() };
        state.log_around("deal", "1".to_owned(), Action::Delete, Vec::new(), &by, lost);
        let kept = Around { before: record(2), after: record(2), merged_from: Some(1), ..Around::default() };
        state.log_around("deal", "2".to_owned(), Action::Change, Vec::new(), &by, kept);
        let mut settings = PipedriveSettings::default();
        settings.webhooks.tell_unchanged = false;
        let told = state.webhooks.due(&settings, now);
        let meta = |at: usize, name: &str| told[at].body["meta"].get(name).cloned().unwrap_or(Value::Null);
        assert_eq!((meta(0, "action"), meta(1, "action")), (json!("delete"), json!("change")));
        assert_eq!((meta(0, "merged_to_id"), meta(0, "merged_from_id")), (json!("2"), Value::Null));
        assert_eq!((meta(1, "merged_to_id"), meta(1, "merged_from_id")), (Value::Null, json!("1")));
        let hash = &told[1].body["data"]["custom_fields"]["hash"];
        assert_eq!(hash, &json!({"type": "double", "value": 5}), "a type that nobody knows is guessed");
    }
}
