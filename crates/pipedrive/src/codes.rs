//! Codes of our custom fields in one company: 40 hex digits each, different everywhere (pipedrive.md 2).

use std::collections::BTreeMap;

use sync_core::fields::{Field, Place};

/// The code of every custom field of the field table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Codes(BTreeMap<Field, String>);

impl Codes {
    /// All of them, or none.
    pub(crate) fn complete(codes: BTreeMap<Field, String>) -> Option<Self> {
        wanted().all(|(field, _)| codes.contains_key(&field)).then_some(Self(codes))
    }

    /// The code of a field, if it is a custom one.
    pub(crate) fn of(&self, field: Field) -> Option<&str> {
        self.0.get(&field).map(String::as_str)
    }

    /// As `custom_fields=` wants them.
    pub(crate) fn joined(&self) -> String {
        let codes: Vec<&str> = self.0.values().map(String::as_str).collect();
        codes.join(",")
    }
}

/// The custom fields of the field table with the names under which they are found again.
pub(crate) fn wanted() -> impl Iterator<Item = (Field, &'static str)> {
    Field::ALL.into_iter().filter_map(|field| match field.row().place {
        Place::Custom(name) => Some((field, name)),
        Place::BuiltIn => None,
    })
}
