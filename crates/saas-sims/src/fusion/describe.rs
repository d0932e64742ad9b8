//! `describe`: what a resource offers on this pod (sections 4.2, 4.4, 6).

use axum::http::StatusCode;
use serde_json::{Map, Value, json};

use super::catalog;
use super::resource::{Attribute, Kind, Resource, Writes};
use super::settings::FusionSettings;
use super::writes;
use crate::call::Reply;

/// Longest values in characters, where the tables' documentation gives them (section 1.1).
const LENGTHS: [(&str, usize); 8] = [
    ("OrganizationName", 360),
    ("PartyNumber", 30),
    ("AccountNumber", 30),
    ("CreatedBy", 64),
    ("LastUpdatedBy", 64),
    ("SourceSystem", 30),
    ("SourceSystemReferenceValue", 255),
    ("TransactionNumber", 20),
];

/// The longest value that an attribute takes, if the documentation says one.
pub(crate) fn longest(attribute: &str) -> Option<usize> {
    LENGTHS.iter().find(|(name, _)| *name == attribute).map(|(_, length)| *length)
}

pub(crate) fn reply(resource: &'static Resource, settings: &FusionSettings) -> Reply {
    let mut all = Map::new();
    all.insert(resource.name.to_owned(), one(resource, settings));
    Reply::json(StatusCode::OK, &json!({"Resources": all}))
}

fn one(resource: &'static Resource, settings: &FusionSettings) -> Value {
    let shown = |attribute: &&Attribute| !settings.removed(resource, attribute.name);
    let attributes: Vec<Value> = resource
        .attributes
        .values()
        .filter(shown)
        .map(|attribute| {
            let mut described = json!({
                "name": attribute.name,
                "type": kind(attribute.kind),
                "updatable": resource.writes == Writes::All && !writes::read_only(resource, attribute.name),
                "mandatory": writes::MANDATORY.contains(&(resource.name, attribute.name)),
                "queryable": attribute.queryable,
            });
            if let Some(length) = longest(attribute.name) {
                described["maxLength"] = json!(length.to_string());
            }
            described
        })
        .collect();
    let finders: Vec<Value> = resource
        .finders
        .iter()
        .map(|finder| {
            let variables: Vec<Value> =
                finder.variables.iter().map(|(name, _)| json!({"name": name, "type": "string"})).collect();
            json!({"name": finder.name, "attributes": variables})
        })
        .collect();
    let children: Map<String, Value> = resource
        .children
        .iter()
        .filter_map(|name| catalog::child(resource, name))
        .map(|child| (child.name.to_owned(), one(child, settings)))
        .collect();
    json!({
        "discrColumnType": false,
        "attributes": attributes,
        "children": children,
        "collection": {
            "rangeSize": 25,
            "finders": finders,
            "links": [],
            "defaultFrameworkVersion": "1",
            "allowedFrameworkVersions": "1,2,3,4,5,6,7,8,9",
        },
        "item": {"links": []},
        "links": [],
    })
}

fn kind(kind: Kind) -> &'static str {
    match kind {
        Kind::Integer => "integer",
        Kind::Number => "number",
        Kind::Text => "string",
        Kind::Boolean => "boolean",
        Kind::Date => "date",
        Kind::Timestamp => "datetime",
    }
}
