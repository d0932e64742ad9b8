//! Fields of organizations, deals and persons: the built-in ones and the company's own, each of those behind a random code
//! of 40 hex digits (section 2).

mod builtin;
mod change;
mod endpoints;
mod options;

use serde_json::{Value, json};

pub(crate) use change::{change, delete, remove};
pub(crate) use endpoints::{create, list, one};
pub(crate) use options::{add as add_options, change as change_options, remove as remove_options};

use super::entity::Entity;

/// Types that a custom field can have.
pub(crate) const CREATABLE: [&str; 16] = [
    "varchar",
    "varchar_auto",
    "text",
    "double",
    "monetary",
    "date",
    "daterange",
    "time",
    "timerange",
    "set",
    "enum",
    "phone",
    "address",
    "user",
    "org",
    "people",
];

/// Types whose values can be searched for.
pub(crate) const SEARCHABLE: [&str; 7] =
    ["address", "varchar", "text", "varchar_auto", "double", "monetary", "phone"];

/// A custom field.
#[derive(Clone, Debug)]
pub(crate) struct CustomField {
    pub(crate) entity: Entity,
    pub(crate) code: String,
    pub(crate) name: String,
    pub(crate) kind: String,
    /// Ids and labels of an enum or set.
    pub(crate) options: Vec<(i64, String)>,
    ui_visibility: Value,
    important_fields: Value,
    required_fields: Value,
    /// Only deal fields have one.
    description: Value,
}

impl CustomField {
    /// The definition; the three namespaces only when asked for.
    pub(crate) fn json(&self, namespaces: &[&str]) -> Value {
        let options =
            || self.options.iter().map(|(id, label)| json!({"id": id, "label": label})).collect::<Vec<_>>();
        let mut field = json!({
            "field_name": self.name,
            "field_code": self.code,
            "field_type": self.kind,
            "options": if self.options.is_empty() { Value::Null } else { json!(options()) },
            "subfields": subfields(&self.code, &self.kind),
            "is_custom_field": true,
            "is_optional_response_field": false,
        });
        if self.entity == Entity::Deal {
            field["description"] = self.description.clone();
        }
        let all = [
            ("ui_visibility", &self.ui_visibility),
            ("important_fields", &self.important_fields),
            ("required_fields", &self.required_fields),
        ];
        for (name, value) in all.into_iter().filter(|(name, _)| namespaces.contains(name)) {
            field[name] = value.clone();
        }
        field
    }
}

/// The custom fields of one kind of record, in the order of their creation.
#[derive(Debug, Default)]
pub(crate) struct Fields {
    custom: Vec<CustomField>,
    last_option: i64,
}

impl Fields {
    pub(crate) fn custom(&self) -> &[CustomField] {
        &self.custom
    }

    pub(crate) fn get(&self, code: &str) -> Option<&CustomField> {
        self.custom.iter().find(|field| field.code == code)
    }

    fn get_mut(&mut self, code: &str) -> Option<&mut CustomField> {
        self.custom.iter_mut().find(|field| field.code == code)
    }
}

/// Parts of an address or an amount of money, null for other types.
fn subfields(code: &str, kind: &str) -> Value {
    let parts: &[&str] = match kind {
        "address" => &super::values::ADDRESS_PARTS,
        "monetary" => &["currency"],
        _ => return Value::Null,
    };
    let part = |name: &&str| json!({"field_code": format!("{code}_{name}"), "field_name": name.replace('_', " "), "field_type": "varchar"});
    Value::Array(parts.iter().map(part).collect())
}
