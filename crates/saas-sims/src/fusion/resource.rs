//! What a REST resource of Fusion is: its root, its keys, its attributes, its finders.

use std::collections::BTreeMap;

/// The type of an attribute.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Integer,
    Number,
    Text,
    Boolean,
    Timestamp,
}

/// One attribute as Oracle's published specification has it.
#[derive(Clone, Debug)]
pub(crate) struct Attribute {
    pub(crate) name: &'static str,
    pub(crate) kind: Kind,
    /// Whether `q`, `orderBy` and the bounds of a search may name it.
    pub(crate) queryable: bool,
}

/// A named finder: its variables are attributes that have to equal the given values.
#[derive(Debug)]
pub(crate) struct Finder {
    pub(crate) name: &'static str,
    pub(crate) variables: &'static [&'static str],
    /// Whether every variable has to be given.
    pub(crate) complete: bool,
}

/// A top-level resource.
#[derive(Debug)]
pub(crate) struct Resource {
    pub(crate) name: &'static str,
    /// `crmRestApi` or `fscmRestApi`; on the other root the resource does not exist (section 0).
    pub(crate) root: &'static str,
    /// The surrogate key, a 15-digit number.
    pub(crate) id: &'static str,
    /// The attribute that stands in the item's URL.
    pub(crate) key: &'static str,
    /// The surrogate key of the row this one belongs to.
    pub(crate) owner: Option<&'static str>,
    pub(crate) attributes: BTreeMap<&'static str, Attribute>,
    pub(crate) finders: &'static [Finder],
    /// Names of the child collections, which appear as links of an item.
    pub(crate) children: &'static [&'static str],
}

impl Resource {
    pub(crate) fn attribute(&self, name: &str) -> Option<&Attribute> {
        self.attributes.get(name)
    }
}

/// Reads a fixture: lines of name, type and `queryable` or `-`; `#` starts a comment.
pub(crate) fn attributes(fixture: &'static str) -> BTreeMap<&'static str, Attribute> {
    let lines = fixture.lines().filter(|line| !line.starts_with('#'));
    let attributes = lines.filter_map(|line| {
        let mut words = line.split(' ');
        let (name, kind, flag) = (words.next()?, words.next()?, words.next()?);
        let kind = match kind {
            "integer" => Kind::Integer,
            "number" => Kind::Number,
            "boolean" => Kind::Boolean,
            "timestamp" => Kind::Timestamp,
            _ => Kind::Text,
        };
        Some((name, Attribute { name, kind, queryable: flag == "queryable" }))
    });
    attributes.collect()
}
