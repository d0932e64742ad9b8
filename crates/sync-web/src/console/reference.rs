//! The API's reference page, from its OpenAPI document.

use std::collections::BTreeMap;

use askama::Template;
use axum::{Extension, http::StatusCode};
use serde_json::Value as Json;

use super::shell::{Frame, Shown, page};
use crate::{api, told::TellError, who::Who};

/// What many routes take: told once, not with each of them.
const COMMON: [&str; 4] = ["connection", "cursor", "limit", "Idempotency-Key"];

#[derive(Template)]
#[template(path = "reference.html")]
struct Reference {
    frame: Frame,
    common: Vec<Parameter>,
    groups: Vec<Group>,
}

struct Group {
    title: String,
    operations: Vec<Operation>,
}

struct Operation {
    method: String,
    path: String,
    summary: String,
    description: String,
    parameters: Vec<Parameter>,
    bodies: Vec<(String, String)>,
}

struct Parameter {
    name: String,
    place: String,
    required: bool,
    what: String,
}

fn text(value: &Json, key: &str) -> String {
    value.get(key).and_then(Json::as_str).unwrap_or_default().to_owned()
}

/// `GET /reference`
pub(crate) async fn reference(Extension(who): Extension<Who>) -> Shown {
    let document = serde_json::to_value(api::document()).map_err(TellError::from)?;
    let frame = Frame::of("API", &who, "reference");
    Ok(page(StatusCode::OK, &Reference { frame, common: common(&document), groups: groups(&document) }))
}

fn parameters(operation: &Json) -> impl Iterator<Item = Parameter> {
    operation["parameters"].as_array().into_iter().flatten().map(|parameter| Parameter {
        name: text(parameter, "name"),
        place: text(parameter, "in"),
        required: parameter["required"].as_bool().unwrap_or(false),
        what: text(parameter, "description"),
    })
}

fn common(document: &Json) -> Vec<Parameter> {
    let find = |name: &&str| {
        let paths = document["paths"].as_object().into_iter().flatten();
        let operations = paths.filter_map(|(_, item)| item.as_object()).flatten();
        operations.flat_map(|(_, operation)| parameters(operation)).find(|one| one.name == **name)
    };
    COMMON.iter().filter_map(find).collect()
}

fn groups(document: &Json) -> Vec<Group> {
    let mut by_tag: BTreeMap<String, Vec<Operation>> = BTreeMap::new();
    for (path, item) in document["paths"].as_object().into_iter().flatten() {
        for (method, operation) in item.as_object().into_iter().flatten() {
            let tag = operation["tags"][0].as_str().unwrap_or("site").to_owned();
            by_tag.entry(tag).or_default().push(told(document, (path, method), operation));
        }
    }
    let tags = document["tags"].as_array().into_iter().flatten();
    let group = |tag: &Json| {
        let operations = by_tag.remove(tag["name"].as_str()?)?;
        Some(Group { title: text(tag, "description"), operations })
    };
    tags.filter_map(group).collect()
}

fn told(document: &Json, (path, method): (&str, &str), operation: &Json) -> Operation {
    let parameters = parameters(operation).filter(|one| !COMMON.contains(&one.name.as_str()));
    let mut bodies = Vec::new();
    if let Some(schema) = operation.pointer("/requestBody/content/application~1json/schema") {
        bodies.push(("What to send:".to_owned(), shape(document, schema, 0)));
    }
    for (status, response) in operation["responses"].as_object().into_iter().flatten() {
        if let Some(schema) = response.pointer("/content/application~1json/schema") {
            bodies.push((format!("What comes back ({status}):"), shape(document, schema, 0)));
        }
    }
    Operation {
        method: method.to_uppercase(),
        path: path.to_owned(),
        summary: text(operation, "summary"),
        description: text(operation, "description"),
        parameters: parameters.collect(),
        bodies,
    }
}

/// A schema as an example of it, with what each attribute is.
fn shape(document: &Json, schema: &Json, depth: usize) -> String {
    let indent = "  ".repeat(depth + 1);
    if let Some(name) = schema["$ref"].as_str().and_then(|name| name.rsplit('/').next()) {
        return shape(document, &document["components"]["schemas"][name], depth);
    }
    if let Some(parts) = schema["oneOf"].as_array().or(schema["allOf"].as_array()) {
        let known = parts.iter().filter(|part| part["type"] != "null");
        let told: Vec<String> = known.map(|part| shape(document, part, depth)).collect();
        return told.join(" & ");
    }
    if let Some(properties) = schema["properties"].as_object() {
        let lines = properties.iter().map(|(name, property)| {
            let what = text(property, "description").replace('\n', " ");
            let what = if what.is_empty() { what } else { format!("   // {what}") };
            format!("{indent}{name}: {}{what}", shape(document, property, depth + 1))
        });
        return format!("{{\n{}\n{}}}", lines.collect::<Vec<_>>().join("\n"), "  ".repeat(depth));
    }
    if schema["type"] == "array" {
        return format!("[{}]", shape(document, &schema["items"], depth));
    }
    match &schema["type"] {
        Json::String(one) => one.clone(),
        Json::Array(all) => all.iter().filter_map(Json::as_str).collect::<Vec<_>>().join(" | "),
        _ => "anything".to_owned(),
    }
}
