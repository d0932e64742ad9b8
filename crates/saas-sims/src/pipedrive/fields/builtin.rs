//! The fields that every organization, deal and person has.

use serde_json::{Value, json};

use super::super::entity::Entity;
use super::super::optional;
use super::subfields;

/// Code, name and type of what comes always.
const ORGANIZATION: [(&str, &str, &str); 14] = [
    ("id", "ID", "int"),
    ("name", "Name", "varchar"),
    ("label_ids", "Labels", "set"),
    ("owner_id", "Owner", "user"),
    ("address", "Address", "address"),
    ("website", "Website", "varchar"),
    ("linkedin", "LinkedIn profile", "varchar"),
    ("industry", "Industry", "enum"),
    ("annual_revenue", "Annual revenue", "double"),
    ("employee_count", "Number of employees", "int"),
    ("visible_to", "Visible to", "visible_to"),
    ("add_time", "Organization created", "date"),
    ("update_time", "Update time", "date"),
    ("is_deleted", "Deleted", "boolean"),
];

const DEAL: [(&str, &str, &str); 35] = [
    ("id", "ID", "int"),
    ("title", "Title", "varchar"),
    ("creator_user_id", "Creator", "user"),
    ("owner_id", "Owner", "user"),
    ("value", "Value", "monetary"),
    ("currency", "Currency", "varchar"),
    ("org_id", "Organization", "org"),
    ("person_id", "Contact person", "people"),
    ("pipeline_id", "Pipeline", "int"),
    ("stage_id", "Stage", "stage"),
    ("status", "Status", "status"),
    ("probability", "Probability", "int"),
    ("lost_reason", "Lost reason", "varchar_options"),
    ("label_ids", "Labels", "set"),
    ("visible_to", "Visible to", "visible_to"),
    ("add_time", "Deal created", "date"),
    ("update_time", "Update time", "date"),
    ("stage_change_time", "Last stage change", "date"),
    ("close_time", "Deal closed on", "date"),
    ("won_time", "Won time", "date"),
    ("lost_time", "Lost time", "date"),
    ("local_won_date", "Won date", "date"),
    ("local_lost_date", "Lost date", "date"),
    ("local_close_date", "Close date", "date"),
    ("expected_close_date", "Expected close date", "date"),
    ("is_deleted", "Deleted", "boolean"),
    ("is_archived", "Archived", "boolean"),
    ("archive_time", "Archive time", "date"),
    ("origin", "Source origin", "varchar"),
    ("origin_id", "Source origin ID", "varchar"),
    ("channel", "Source channel", "enum"),
    ("channel_id", "Source channel ID", "varchar"),
    ("acv", "Annual contract value", "double"),
    ("arr", "Annual recurring revenue", "double"),
    ("mrr", "Monthly recurring revenue", "double"),
];

const PERSON: [(&str, &str, &str); 14] = [
    ("id", "ID", "int"),
    ("name", "Name", "varchar"),
    ("first_name", "First name", "varchar"),
    ("last_name", "Last name", "varchar"),
    ("label_ids", "Labels", "set"),
    ("owner_id", "Owner", "user"),
    ("org_id", "Organization", "org"),
    ("emails", "Email", "varchar"),
    ("phones", "Phone", "phone"),
    ("picture_id", "Profile picture", "picture"),
    ("visible_to", "Visible to", "visible_to"),
    ("add_time", "Person created", "date"),
    ("update_time", "Update time", "date"),
    ("is_deleted", "Deleted", "boolean"),
];

fn always(entity: Entity) -> &'static [(&'static str, &'static str, &'static str)] {
    match entity {
        Entity::Organization => &ORGANIZATION,
        Entity::Deal => &DEAL,
        Entity::Person => &PERSON,
    }
}

/// How many there are; behind those that come always are those that `include_fields` asks for.
pub(super) fn count(entity: Entity) -> usize {
    always(entity).len() + optional::names(entity).len()
}

/// The place of a built-in field.
pub(super) fn position(entity: Entity, code: &str) -> Option<usize> {
    let codes = always(entity).iter().map(|(code, ..)| *code);
    codes.chain(optional::names(entity).iter().copied()).position(|known| known == code)
}

/// The definition of a built-in field; the three namespaces only when asked for.
pub(super) fn json(entity: Entity, index: usize, namespaces: &[&str]) -> Value {
    let (code, name, kind, optional) = match always(entity).get(index) {
        Some((code, name, kind)) => (*code, (*name).to_owned(), *kind, false),
        None => {
            let code = optional::names(entity)[index - always(entity).len()];
            let kind = match code {
                "source_lead_id" => "lead",
                code if code.ends_with("_time") => "date",
                code if code.ends_with("_activity_id") => "activity",
                code if code.ends_with("_email") => "varchar",
                _ => "int",
            };
            (code, code.replace('_', " "), kind, true)
        }
    };
    let options = match code {
        "label_ids" => {
            let label = |(id, label): &(i64, &str)| json!({"id": id, "label": label, "color": "blue"});
            entity.labels().iter().map(label).collect()
        }
        "status" => {
            json!([{"id": "open", "label": "Open"}, {"id": "won", "label": "Won"}, {"id": "lost", "label": "Lost"}])
        }
        "industry" => {
            json!([{"id": 1, "label": "Manufacturing"}, {"id": 2, "label": "Retail"}, {"id": 3, "label": "Services"}])
        }
        _ => Value::Null,
    };
    let mut field = json!({
        "field_name": name, "field_code": code, "field_type": kind, "options": options,
        "subfields": subfields(code, kind), "is_custom_field": false, "is_optional_response_field": optional,
    });
    for namespace in namespaces {
        field[*namespace] = match *namespace {
            "ui_visibility" => {
                json!({"add_visible_flag": matches!(code, "name" | "title"), "details_visible_flag": true})
            }
            "required_fields" => json!({"enabled": matches!(code, "name" | "title")}),
            _ => json!({"enabled": false, "stage_ids": []}),
        };
    }
    field
}
