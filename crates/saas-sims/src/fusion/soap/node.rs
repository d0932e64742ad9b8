//! A row of an account's tree: its values, who touched it, and the rows below.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::super::table::print_stamp;
use super::level::{Attribute, Kind, Level};
use super::names::ACCOUNT;
use super::xml::Element;

#[derive(Clone, Debug)]
pub(crate) struct Node {
    pub(crate) level: Level,
    pub(crate) id: i64,
    /// Without keys and who columns; NULLs are not in it.
    pub(crate) values: BTreeMap<&'static str, String>,
    pub(crate) children: Vec<Node>,
    pub(crate) created: (Timestamp, String),
    pub(crate) updated: (Timestamp, String),
}

impl Node {
    pub(crate) fn new(level: Level, id: i64, now: Timestamp, user: &str) -> Self {
        let touched = (now, user.to_owned());
        let values = BTreeMap::from([("Status", "A".to_owned())]);
        Self { level, id, values, children: Vec::new(), created: touched.clone(), updated: touched }
    }

    pub(crate) fn value(&self, name: &str) -> Option<&str> {
        self.values.get(name).map(String::as_str)
    }

    pub(crate) fn id_of(&self, name: &str) -> Option<i64> {
        self.value(name).and_then(|id| id.parse().ok())
    }

    pub(crate) fn active(&self) -> bool {
        self.value("Status") == Some("A")
    }

    /// The children of one level.
    pub(crate) fn at(&self, level: Level) -> impl Iterator<Item = &Node> {
        self.children.iter().filter(move |child| child.level == level)
    }

    /// This row and all below, each with the id of the row above.
    pub(crate) fn walk(&self, parent: i64) -> Vec<(&Node, i64)> {
        let mut all = vec![(self, parent)];
        all.extend(self.children.iter().flat_map(|child| child.walk(self.id)));
        all
    }

    /// An attribute as text.
    pub(crate) fn text(&self, attribute: &Attribute, parent: i64) -> Option<String> {
        match (attribute.kind, attribute.name) {
            (_, name) if name == self.level.id() => Some(self.id.to_string()),
            (_, name) if Some(name) == self.level.parent_id() => Some(parent.to_string()),
            (Kind::Who, "CreationDate") => Some(print_stamp(self.created.0)),
            (Kind::Who, "CreatedBy") => Some(self.created.1.clone()),
            (Kind::Who, "LastUpdateDate") => Some(print_stamp(self.updated.0)),
            (Kind::Who, _) => Some(self.updated.1.clone()),
            (_, name) => self.values.get(name).cloned(),
        }
    }

    /// The whole tree: all attributes as text, NULLs as nil.
    pub(crate) fn element(&self, name: &str, parent: i64) -> Element {
        let content = self.level.content();
        let attributes =
            self.level.attributes().iter().map(|attribute| {
                Element::leaf(content, attribute.name, self.text(attribute, parent).as_deref())
            });
        let children = self.children.iter().map(|child| child.element(child.level.element(), self.id));
        Element::new(ACCOUNT, name).with(attributes).with(children)
    }

    /// The row without those below, for tests: ids are numbers.
    pub(crate) fn json(&self, parent: i64) -> Value {
        let pairs = self.level.attributes().iter().map(|attribute| {
            let text = self.text(attribute, parent);
            let value = match (attribute.kind, text) {
                (_, None) => Value::Null,
                (Kind::Id, Some(text)) => text.parse::<i64>().map_or(Value::Null, |id| json!(id)),
                (_, Some(text)) => Value::String(text),
            };
            (attribute.name.to_owned(), value)
        });
        Value::Object(pairs.collect::<Map<_, _>>())
    }
}
