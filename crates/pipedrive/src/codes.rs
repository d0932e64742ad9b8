//! Codes of our custom fields in one company: 40 hex digits each, different everywhere (pipedrive.md 2).

use std::collections::BTreeMap;

use sync_core::fields::{CustomField, CustomKind, Field};

/// A custom field as this company has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Code {
    /// 40 hex digits.
    pub(crate) code: String,
    /// What it takes.
    pub(crate) kind: CustomKind,
    /// Labels by id, of an option field.
    pub(crate) options: BTreeMap<i64, String>,
}

/// The custom fields that are mapped.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Codes {
    codes: BTreeMap<Field, Code>,
}

impl Codes {
    /// All of those that are mapped, or none.
    pub(crate) fn complete(wanted: &[CustomField], codes: BTreeMap<Field, Code>) -> Option<Self> {
        wanted.iter().all(|custom| codes.contains_key(&custom.field)).then_some(Self { codes })
    }

    /// Those that exist: enough to read with. Nothing may be written with them.
    pub(crate) fn partial(codes: BTreeMap<Field, Code>) -> Self {
        Self { codes }
    }

    /// The code of a field, if it is a custom one that is mapped.
    pub(crate) fn of(&self, field: Field) -> Option<&str> {
        self.codes.get(&field).map(|code| code.code.as_str())
    }

    /// A field, if it is a custom one that is mapped.
    pub(crate) fn get(&self, field: Field) -> Option<&Code> {
        self.codes.get(&field)
    }

    /// Every custom field that is mapped.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (Field, &Code)> {
        self.codes.iter().map(|(field, code)| (*field, code))
    }

    /// As `custom_fields=` wants them; none when there is nothing to name.
    pub(crate) fn joined(&self) -> Option<String> {
        let codes: Vec<&str> = self.codes.values().map(|code| code.code.as_str()).collect();
        (!codes.is_empty()).then(|| codes.join(","))
    }
}
