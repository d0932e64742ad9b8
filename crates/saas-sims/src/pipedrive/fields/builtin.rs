//! The fields that every organization has.

use serde_json::{Value, json};

use super::super::values::LABELS;
use super::subfields;

/// Code, name, type, and whether the value only comes when `include_fields` asks for it.
pub(crate) const BUILTIN: [(&str, &str, &str, bool); 26] = [
    ("id", "ID", "int", false),
    ("name", "Name", "varchar", false),
    ("label_ids", "Labels", "set", false),
    ("owner_id", "Owner", "user", false),
    ("address", "Address", "address", false),
    ("website", "Website", "varchar", false),
    ("linkedin", "LinkedIn profile", "varchar", false),
    ("industry", "Industry", "enum", false),
    ("annual_revenue", "Annual revenue", "double", false),
    ("employee_count", "Number of employees", "int", false),
    ("visible_to", "Visible to", "visible_to", false),
    ("add_time", "Organization created", "date", false),
    ("update_time", "Update time", "date", false),
    ("is_deleted", "Deleted", "boolean", false),
    ("people_count", "People", "int", true),
    ("open_deals_count", "Open deals", "int", true),
    ("closed_deals_count", "Closed deals", "int", true),
    ("won_deals_count", "Won deals", "int", true),
    ("lost_deals_count", "Lost deals", "int", true),
    ("activities_count", "Total activities", "int", true),
    ("done_activities_count", "Done activities", "int", true),
    ("undone_activities_count", "Activities to do", "int", true),
    ("email_messages_count", "Email messages count", "int", true),
    ("files_count", "Files", "int", true),
    ("notes_count", "Notes", "int", true),
    ("next_activity_id", "Next activity", "activity", true),
];

/// The definition of a built-in field; the three namespaces only when asked for.
pub(super) fn json(index: usize, namespaces: &[&str]) -> Value {
    let (code, name, kind, optional) = BUILTIN[index];
    let options = match code {
        "label_ids" => json!(LABELS.map(|(id, label)| json!({"id": id, "label": label, "color": "blue"}))),
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
            "ui_visibility" => json!({"add_visible_flag": code == "name", "details_visible_flag": true}),
            "required_fields" => json!({"enabled": code == "name"}),
            _ => json!({"enabled": false, "stage_ids": []}),
        };
    }
    field
}
