//! What a REST resource of Fusion is: its root, its keys, its attributes, its finders.

use std::collections::BTreeMap;

/// The type of an attribute.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Integer,
    Number,
    Text,
    Boolean,
    /// `YYYY-MM-DD`, without time and zone.
    Date,
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

/// How a finder comes to its rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum How {
    /// Every variable is the attribute that has to be equal; the attribute need not be queryable.
    Equal,
    /// By a reference of a registered source system, which stands in a child (section 1.2).
    Reference,
    /// `FromDate` and `ToDate` around an attribute.
    Between(&'static str),
}

/// A named finder: its variables and what they mean.
#[derive(Debug)]
pub(crate) struct Finder {
    pub(crate) name: &'static str,
    /// The variable and, where it has another name, the attribute behind it.
    pub(crate) variables: &'static [(&'static str, &'static str)],
    /// Whether every variable has to be given.
    pub(crate) complete: bool,
    pub(crate) how: How,
}

impl Finder {
    /// A finder that wants all of its variables equal.
    pub(crate) const fn key(name: &'static str, variables: &'static [(&'static str, &'static str)]) -> Self {
        Self { name, variables, complete: true, how: How::Equal }
    }

    /// A finder that wants at least one of its variables equal.
    pub(crate) const fn any(name: &'static str, variables: &'static [(&'static str, &'static str)]) -> Self {
        Self { name, variables, complete: false, how: How::Equal }
    }
}

/// What the REST API may write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Writes {
    /// Nothing: 405.
    None,
    /// The real system can, this simulator cannot: 501, never silently ignored.
    NotModelled,
    /// POST and PATCH.
    All,
}

/// A resource: top-level, or a child collection of one.
#[derive(Debug)]
pub(crate) struct Resource {
    pub(crate) name: &'static str,
    /// `crmRestApi` or `fscmRestApi`; on the other root the resource does not exist (section 0).
    pub(crate) root: &'static str,
    /// The name of the resource whose child this one is.
    pub(crate) parent: Option<&'static str>,
    /// The surrogate key, a 15-digit number.
    pub(crate) id: &'static str,
    /// The attribute that stands in the item's URL.
    pub(crate) key: &'static str,
    /// Whether the item's URL has a serialised key instead, which nobody can build (section 6).
    pub(crate) opaque: bool,
    /// The surrogate key of the row this one belongs to, where it is an attribute.
    pub(crate) owner: Option<&'static str>,
    pub(crate) attributes: BTreeMap<&'static str, Attribute>,
    pub(crate) finders: &'static [Finder],
    /// Names of the child collections, which appear as links of an item.
    pub(crate) children: &'static [&'static str],
    pub(crate) writes: Writes,
}

impl Resource {
    pub(crate) fn attribute(&self, name: &str) -> Option<&Attribute> {
        self.attributes.get(name)
    }

    /// The name that tells it from all others: with the parent's before it.
    pub(crate) fn full_name(&self) -> String {
        self.parent.map_or_else(|| self.name.to_owned(), |parent| format!("{parent}/{}", self.name))
    }

    /// Whether two references mean one resource.
    pub(crate) fn is(&self, other: &Self) -> bool {
        (self.parent, self.name) == (other.parent, other.name)
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
            "date" => Kind::Date,
            "timestamp" => Kind::Timestamp,
            _ => Kind::Text,
        };
        Some((name, Attribute { name, kind, queryable: flag == "queryable" }))
    });
    attributes.collect()
}
