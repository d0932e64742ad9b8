//! Codes of our custom fields in one company: 40 hex digits each, different everywhere (pipedrive.md 2); and its labels.

use std::collections::BTreeMap;

use sync_core::{
    fields::{CustomField, CustomKind, Field},
    text::squeeze,
};

use crate::asked::AskedFields;

/// The most custom fields that a list can be asked for (pipedrive.md 1.5).
const MOST: usize = 15;

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

/// The custom fields that are mapped, and the labels if those are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Codes {
    codes: BTreeMap<Field, Code>,
    labels: Option<Labels>,
    asked: AskedFields,
}

/// The labels of organizations by their ids, different in every company (7).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Labels(BTreeMap<i64, String>);

/// Before the id of a label that was added since the labels were learned.
const UNKNOWN: &str = "label ";

impl Labels {
    pub(crate) fn of(options: BTreeMap<i64, String>) -> Self {
        Self(options)
    }

    /// The name of a label.
    pub(crate) fn name(&self, id: i64) -> String {
        self.0.get(&id).cloned().unwrap_or_else(|| format!("{UNKNOWN}{id}"))
    }

    /// The name of a label that is known.
    pub(crate) fn if_known(&self, id: i64) -> Option<String> {
        self.0.get(&id).cloned()
    }

    /// The label of this name, whatever its case; or one that is unknown, by what [`Labels::name`] called it.
    pub(crate) fn id(&self, name: &str) -> Option<i64> {
        self.known(name).or_else(|| name.strip_prefix(UNKNOWN)?.parse().ok())
    }

    /// The known label of this name, whatever its case.
    pub(crate) fn known(&self, name: &str) -> Option<i64> {
        let same = |known: &str| squeeze(known).to_lowercase() == squeeze(name).to_lowercase();
        let exact = self.0.iter().find(|(_, known)| *known == name);
        exact.or_else(|| self.0.iter().find(|(_, known)| same(known))).map(|(id, _)| *id)
    }
}

impl Codes {
    /// All of those that are mapped, or none.
    pub(crate) fn complete(wanted: &[CustomField], codes: BTreeMap<Field, Code>) -> Option<Self> {
        wanted.iter().all(|custom| codes.contains_key(&custom.field)).then(|| Self::partial(codes))
    }

    /// Those that exist: enough to read with. Nothing may be written with them.
    pub(crate) fn partial(codes: BTreeMap<Field, Code>) -> Self {
        Self { codes, labels: None, asked: AskedFields::default() }
    }

    /// With what rules ask about beside.
    pub(crate) fn asking(self, asked: AskedFields) -> Self {
        Self { asked, ..self }
    }

    /// What rules ask about beside.
    pub(crate) fn asked(&self) -> &AskedFields {
        &self.asked
    }

    /// With labels.
    pub(crate) fn with_labels(self, labels: Option<Labels>) -> Self {
        Self { labels, ..self }
    }

    /// The labels, if they are mapped.
    pub(crate) fn labels(&self) -> Option<&Labels> {
        self.labels.as_ref()
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

    /// As `custom_fields=` wants them; none when there is nothing to name, or more than it takes: then all are returned.
    pub(crate) fn joined(&self) -> Option<String> {
        let mapped = self.codes.values().map(|code| code.code.as_str());
        let mut codes: Vec<&str> = mapped.chain(self.asked.codes()).collect();
        codes.sort_unstable();
        codes.dedup();
        (1..=MOST).contains(&codes.len()).then(|| codes.join(","))
    }
}
