//! One item: its attributes, its links with the change indicator, and the answer to a GET of it (sections 4.1, 4.6).

use axum::http::StatusCode;
use serde_json::{Value, json};

use super::request::Shape;
use super::resource::Resource;
use super::table::Row;
use crate::call::{Call, Reply};
use crate::text::percent_encode;

/// Where a collection is as the caller sees it: hrefs carry an explicit `:443` (section 6).
pub(crate) struct Place<'a> {
    pub(crate) host: &'a str,
    /// The release in the path, `11.13.18.05` or `latest`.
    pub(crate) release: &'a str,
    pub(crate) resource: &'static Resource,
}

impl Place<'_> {
    pub(crate) fn collection(&self) -> String {
        let host = self.host.rsplit_once(':').map_or(self.host, |(name, _)| name);
        format!("https://{host}:443/{}/resources/{}/{}", self.resource.root, self.release, self.resource.name)
    }

    fn item(&self, row: &Row) -> String {
        let key = match row.values.get(self.resource.key) {
            Some(Value::String(key)) => percent_encode(key),
            Some(other) => other.to_string(),
            None => row.id.to_string(),
        };
        format!("{}/{key}", self.collection())
    }
}

/// Writes the item's JSON; `onlyData` drops all links, and with them the change indicator.
pub(crate) fn write(row: &Row, shape: &Shape, place: &Place<'_>, out: &mut String) {
    out.push('{');
    row.write(place.resource, shape.fields.as_ref(), out);
    if !shape.only_data {
        out.push_str(",\"links\":");
        out.push_str(&links(row, shape, place).to_string());
    }
    out.push('}');
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

/// 200 with an ETag, or 304 when the caller has this version already.
pub(crate) fn reply(row: &Row, shape: &Shape, place: &Place<'_>, call: &Call) -> Reply {
    let etag = format!("\"{}\"", row.change_indicator(place.resource));
    if call.header("if-none-match") == Some(etag.as_str()) {
        return Reply::empty(StatusCode::NOT_MODIFIED).with("etag", etag);
    }
    let mut body = String::new();
    write(row, shape, place, &mut body);
    Reply::of(StatusCode::OK, "application/json", body).with("etag", etag)
}
