//! Values of mapped fields, and what it means that two of them are the same.

use serde::{Deserialize, Serialize};

use crate::text;

/// The value of one mapped field on one side. Absent values are absent from the map, never an empty text.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Value {
    /// Any text.
    Text(String),
    /// A postal address.
    Address(PostalAddress),
}

/// A postal address as one line and, where the side knows them, its parts.
///
/// Addresses compare on the normalised `line` alone: Pipedrive's geocoding fills the parts by itself
/// (pipedrive.md 1.5).
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct PostalAddress {
    /// The whole address as a person would write it on one line.
    pub line: String,
    /// Town.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub locality: Option<String>,
    /// State, province or region.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub region: Option<String>,
    /// Postal code.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub postal_code: Option<String>,
    /// Country, as the ERP writes it (ISO 3166 alpha-2).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub country: Option<String>,
}

impl Value {
    /// The text on which values are compared: normalised, parts of addresses left out.
    #[must_use]
    pub fn comparable(&self) -> String {
        text::squeeze(self.text())
    }

    /// What a person reads.
    #[must_use]
    pub fn text(&self) -> &str {
        match self {
            Self::Text(text) => text,
            Self::Address(address) => &address.line,
        }
    }

    /// Whether the other value says the same, whatever its blanks or address parts.
    #[must_use]
    pub fn same_as(&self, other: &Self) -> bool {
        self.comparable() == other.comparable()
    }
}

/// Whether two optional values say the same. Absent equals absent.
#[must_use]
pub fn same(left: Option<&Value>, right: Option<&Value>) -> bool {
    match (left, right) {
        (None, None) => true,
        (Some(left), Some(right)) => left.same_as(right),
        (Some(_), None) | (None, Some(_)) => false,
    }
}
