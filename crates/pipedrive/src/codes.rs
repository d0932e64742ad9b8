//! Codes of our custom fields in one company: 40 hex digits each, different everywhere (pipedrive.md 2).

use std::collections::BTreeMap;

use sync_core::fields::{Field, Place};

/// The codes of the custom fields that are mapped.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Codes(BTreeMap<Field, String>);

impl Codes {
    /// All of those that are mapped, or none.
    pub(crate) fn complete(fields: &[Field], codes: BTreeMap<Field, String>) -> Option<Self> {
        wanted(fields).all(|(field, _)| codes.contains_key(&field)).then_some(Self(codes))
    }

    /// Those that exist: enough to read with. Nothing may be written with them.
    pub(crate) fn partial(codes: BTreeMap<Field, String>) -> Self {
        Self(codes)
    }

    /// The code of a field, if it is a custom one.
    pub(crate) fn of(&self, field: Field) -> Option<&str> {
        self.0.get(&field).map(String::as_str)
    }

    /// As `custom_fields=` wants them; none when there is nothing to name.
    pub(crate) fn joined(&self) -> Option<String> {
        let codes: Vec<&str> = self.0.values().map(String::as_str).collect();
        (!codes.is_empty()).then(|| codes.join(","))
    }
}

/// The custom ones among the mapped fields, with the names under which they are found again.
pub(crate) fn wanted(fields: &[Field]) -> impl Iterator<Item = (Field, &'static str)> {
    fields.iter().copied().filter_map(|field| match field.row().place {
        Place::Custom(name) => Some((field, name)),
        Place::BuiltIn => None,
    })
}
