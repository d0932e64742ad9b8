//! One item: its attributes, its expanded children, its links with the change indicator, and the answer to a GET of it
//! (sections 4.1, 4.4, 4.6).

use axum::http::StatusCode;
use serde_json::{Value, json};

use super::request::Shape;
use super::resource::Resource;
use super::state::State;
use super::table::Row;
use crate::call::{Call, Reply};
use crate::text::percent_encode;

/// Where a collection is as the caller sees it: hrefs carry an explicit `:443` (section 6).
#[derive(Clone, Debug)]
pub(crate) struct Place<'a> {
    pub(crate) host: &'a str,
    /// The release in the path, `11.13.18.05` or `latest`.
    pub(crate) release: &'a str,
    /// Name and key of the parent, for a child collection.
    pub(crate) parent: Option<String>,
    pub(crate) resource: &'static Resource,
}

impl Place<'_> {
    pub(crate) fn collection(&self) -> String {
        let host = self.host.rsplit_once(':').map_or(self.host, |(name, _)| name);
        let (root, release, name) = (self.resource.root, self.release, self.resource.name);
        match &self.parent {
            None => format!("https://{host}:443/{root}/resources/{release}/{name}"),
            Some(parent) => format!("https://{host}:443/{root}/resources/{release}/{parent}/child/{name}"),
        }
    }

    fn item(&self, row: &Row) -> String {
        format!("{}/{}", self.collection(), percent_encode(&row.key(self.resource)))
    }

    /// The child collection of a row.
    fn child(&self, row: &Row, child: &'static Resource) -> Self {
        let parent = format!("{}/{}", self.resource.name, percent_encode(&row.key(self.resource)));
        Self { parent: Some(parent), resource: child, ..self.clone() }
    }
}

/// Writes the item's JSON; `onlyData` drops all links, and with them the change indicator.
pub(crate) fn write(state: &State, row: &Row, shape: &Shape, place: &Place<'_>, out: &mut String) {
    out.push('{');
    row.write(place.resource, shape, out);
    for child in &shape.expand {
        expanded(state, row, child, shape, &place.child(row, child), out);
    }
    if !shape.only_data {
        out.push_str(",\"links\":");
        out.push_str(&links(row, shape, place).to_string());
    }
    out.push('}');
}

/// A child collection inside its parent: a bare array below framework 3, a page with an envelope from it on.
fn expanded(
    state: &State,
    row: &Row,
    child: &'static Resource,
    shape: &Shape,
    place: &Place<'_>,
    out: &mut String,
) {
    let rows: Vec<&Row> = state.table(child).owned_by(row.id).collect();
    let shown = rows.len().min(shape.expand_limit);
    let inner = Shape::of_child(shape);
    out.push_str(&format!(",\"{}\":", child.name));
    if shape.version >= 3 {
        out.push_str("{\"items\":");
    }
    out.push('[');
    for (at, row) in rows.iter().take(shown).enumerate() {
        if at > 0 {
            out.push(',');
        }
        write(state, row, &inner, place, out);
    }
    out.push(']');
    if shape.version >= 3 {
        let envelope = json!({
            "count": shown, "hasMore": rows.len() > shown, "limit": shape.expand_limit, "offset": 0,
            "links": [{"rel": "self", "href": place.collection(), "name": child.name, "kind": "collection"}],
        });
        out.push(',');
        out.push_str(envelope.to_string().trim_start_matches('{'));
    }
}

fn links(row: &Row, shape: &Shape, place: &Place<'_>) -> Value {
    let (resource, href) = (place.resource, place.item(row));
    let indicator = row.change_indicator(resource);
    let mut links = vec![
        json!({"rel": "self", "href": href, "name": resource.name, "kind": "item",
               "properties": {"changeIndicator": indicator}}),
        json!({"rel": "canonical", "href": href, "name": resource.name, "kind": "item"}),
    ];
    if shape.fields.is_none() {
        links.extend(resource.children.iter().map(
            |child| json!({"rel": "child", "href": format!("{href}/child/{child}"), "name": child, "kind": "collection"}),
        ));
    }
    Value::Array(links)
}

/// The row's change indicator as an ETag.
pub(crate) fn etag(row: &Row, resource: &Resource) -> String {
    format!("\"{}\"", row.change_indicator(resource))
}

/// 200 with an ETag, or 304 when the caller has this version already.
pub(crate) fn reply(state: &State, row: &Row, shape: &Shape, place: &Place<'_>, call: &Call) -> Reply {
    let etag = etag(row, place.resource);
    if call.header("if-none-match") == Some(etag.as_str()) {
        return Reply::empty(StatusCode::NOT_MODIFIED).with("etag", etag);
    }
    let mut body = String::new();
    write(state, row, shape, place, &mut body);
    Reply::of(StatusCode::OK, "application/json", body).with("etag", etag)
}
