//! Values of mapped fields, and what it means that two of them are the same.

use serde::{Deserialize, Serialize};

use crate::{expression::canonical_number, money::Amount, text};

/// The value of one mapped field on one side. Absent values are absent from the map, never an empty text.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Value {
    /// Any text.
    Text(String),
    /// A postal address.
    Address(PostalAddress),
    /// A number by its digits, such as `-12.5`.
    Number(String),
    /// A day, `YYYY-MM-DD`.
    Date(String),
    /// An amount of money.
    Money(MoneyValue),
    /// Labels of options.
    Labels(Labels),
}

/// An amount of money as a field has it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct MoneyValue {
    /// The amount.
    pub amount: Amount,
    /// ISO 4217.
    pub currency: String,
    /// What a person reads.
    shown: String,
}

/// Labels of options as a field has them.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Labels {
    /// The labels, each once, in their order.
    pub labels: Vec<String>,
    /// What a person reads.
    shown: String,
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
    /// An amount of money.
    #[must_use]
    pub fn money(amount: Amount, currency: String) -> Self {
        let shown = format!("{amount} {currency}");
        Self::Money(MoneyValue { amount, currency, shown })
    }

    /// Labels of options; none if there are none.
    #[must_use]
    pub fn labels(labels: Vec<String>) -> Option<Self> {
        let mut once: Vec<String> = Vec::with_capacity(labels.len());
        for label in labels {
            if !once.contains(&label) {
                once.push(label);
            }
        }
        let shown = once.join(", ");
        (!once.is_empty()).then_some(Self::Labels(Labels { labels: once, shown }))
    }

    /// A number, written the one way in which numbers compare; none if it is none.
    #[must_use]
    pub fn number(digits: &str) -> Option<Self> {
        canonical_number(digits).map(Self::Number)
    }

    /// The text on which values are compared: normalised, parts of addresses left out.
    #[must_use]
    pub fn comparable(&self) -> String {
        match self {
            Self::Text(_) | Self::Address(_) | Self::Number(_) | Self::Date(_) | Self::Money(_) => {
                text::squeeze(self.text())
            }
            // The order of options is that of the CRM's settings.
            Self::Labels(Labels { labels, .. }) => {
                let mut sorted: Vec<String> = labels.iter().map(|label| text::squeeze(label)).collect();
                sorted.sort();
                sorted.join("\n")
            }
        }
    }

    /// What a person reads.
    #[must_use]
    pub fn text(&self) -> &str {
        match self {
            Self::Text(text) | Self::Number(text) | Self::Date(text) => text,
            Self::Address(address) => &address.line,
            Self::Money(money) => &money.shown,
            Self::Labels(labels) => &labels.shown,
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
