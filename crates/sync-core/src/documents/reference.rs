//! Where a document says which deal it belongs to, and how that is read.

use std::{collections::BTreeSet, fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use crate::{ids::DealId, text};

/// A field of a document that may name a deal, spelled as the ERP spells its attribute.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub enum ReferenceField {
    /// The customer's order number on an invoice or a credit memo.
    PurchaseOrder,
    /// The source document's reference on an invoice or a credit memo.
    CrossReference,
    /// Free text on an invoice.
    SpecialInstructions,
    /// A sales order's number in the system it came from.
    SourceTransactionNumber,
    /// The customer's order number on a sales order.
    CustomerPoNumber,
    /// Free text on a purchase order.
    Description,
    /// Somebody's reference on a purchase order.
    ReferenceNumber,
    /// The sales order that a purchase order was made for.
    SalesOrder,
    /// A segment of the descriptive flexfield, `DFF:` and its name.
    Dff(String),
}

impl ReferenceField {
    /// All but the segments.
    pub const PLAIN: [Self; 8] = [
        Self::PurchaseOrder,
        Self::CrossReference,
        Self::SpecialInstructions,
        Self::SourceTransactionNumber,
        Self::CustomerPoNumber,
        Self::Description,
        Self::ReferenceNumber,
        Self::SalesOrder,
    ];
}

impl fmt::Display for ReferenceField {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::PurchaseOrder => "PurchaseOrder",
            Self::CrossReference => "CrossReference",
            Self::SpecialInstructions => "SpecialInstructions",
            Self::SourceTransactionNumber => "SourceTransactionNumber",
            Self::CustomerPoNumber => "CustomerPONumber",
            Self::Description => "Description",
            Self::ReferenceNumber => "ReferenceNumber",
            Self::SalesOrder => "SalesOrder",
            Self::Dff(segment) => return write!(f, "DFF:{segment}"),
        })
    }
}

/// The text names no field that can carry a reference.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is no field that names a deal: there are PurchaseOrder, CrossReference, SpecialInstructions, SourceTransactionNumber, CustomerPONumber, Description, ReferenceNumber, SalesOrder and DFF:<segment>"
)]
pub struct ParseFieldError(String);

impl FromStr for ReferenceField {
    type Err = ParseFieldError;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        if let Some(segment) = name.strip_prefix("DFF:").map(str::trim).filter(|segment| !segment.is_empty())
        {
            return Ok(Self::Dff(segment.to_owned()));
        }
        let known = Self::PLAIN.into_iter().find(|field| field.to_string() == name);
        known.ok_or_else(|| ParseFieldError(name.to_owned()))
    }
}

impl From<ReferenceField> for String {
    fn from(field: ReferenceField) -> Self {
        field.to_string()
    }
}

impl TryFrom<String> for ReferenceField {
    type Error = ParseFieldError;

    fn try_from(name: String) -> Result<Self, Self::Error> {
        name.parse()
    }
}

/// How a field names a deal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum How {
    /// By the deal's id, in this form.
    Pattern(Pattern),
    /// It says the same as this custom field of the deal.
    DealField(String),
}

/// How people write a deal's id, such as `PD-{deal_id}`. Found in a longer text too; letter case does not matter, and a run
/// of blanks is one. Nothing but the placeholder means that the whole field is the id: a number in free text says nothing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct Pattern {
    written: String,
    before: String,
    after: String,
}

/// Why a text is no pattern.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PatternError {
    /// There is no placeholder.
    #[error(
        "the pattern `{0}` has no `{{deal_id}}`: write where the deal's id stands, such as `PD-{{deal_id}}`"
    )]
    NoPlaceholder(String),
    /// There is more than one placeholder.
    #[error(
        "the pattern `{0}` has `{{deal_id}}` more than once: keep one, and make a second rule of the other form"
    )]
    Several(String),
    /// There are other braces.
    #[error("the pattern `{0}` has a brace that is not of `{{deal_id}}`, the only placeholder: remove it")]
    Brace(String),
    /// A digit is next to the placeholder.
    #[error(
        "the pattern `{0}` has a digit right beside `{{deal_id}}`, so nobody can tell where the id ends: put a sign between them"
    )]
    Digit(String),
}

const PLACEHOLDER: &str = "{deal_id}";

/// More digits are no id.
const DIGITS: usize = 18;

impl Pattern {
    /// Reads a pattern.
    ///
    /// # Errors
    /// With the pattern and the remedy, if it is none.
    pub fn parse(written: &str) -> Result<Self, PatternError> {
        let told = || written.to_owned();
        // Folded as a whole: a blank before the placeholder is a part of the pattern.
        let folded = fold(written);
        let mut parts = folded.split(PLACEHOLDER);
        let (Some(before), after) = (parts.next(), parts.next()) else {
            return Err(PatternError::NoPlaceholder(told()));
        };
        let Some(after) = after else {
            return Err(PatternError::NoPlaceholder(told()));
        };
        if parts.next().is_some() {
            return Err(PatternError::Several(told()));
        }
        if [before, after].iter().any(|part| part.contains(['{', '}'])) {
            return Err(PatternError::Brace(told()));
        }
        let digit = |c: Option<char>| c.is_some_and(char::is_numeric);
        if digit(before.chars().next_back()) || digit(after.chars().next()) {
            return Err(PatternError::Digit(told()));
        }
        Ok(Self { written: written.to_owned(), before: before.to_owned(), after: after.to_owned() })
    }

    /// The pattern as it was written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.written
    }

    /// All deals that a text names, each once.
    #[must_use]
    pub fn find(&self, text: &str) -> BTreeSet<DealId> {
        let text = fold(text);
        if self.before.is_empty() && self.after.is_empty() {
            return id(&text).into_iter().collect();
        }
        // Every place where the digits could begin: right after the literal, or anywhere if there is none.
        let starts = text.char_indices().map(|(at, _)| at);
        starts.filter_map(|at| self.at(&text, at)).collect()
    }

    /// The deal that is named from this place on.
    fn at(&self, text: &str, at: usize) -> Option<DealId> {
        let (left, rest) = text.split_at(at);
        let rest = rest.strip_prefix(self.before.as_str())?;
        let end = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
        let (digits, right) = rest.split_at(end);
        let beyond = right.strip_prefix(self.after.as_str())?;
        // What is found must not be a part of a longer word or number.
        let first = self.before.chars().next().unwrap_or('0');
        let last = self.after.chars().next_back().unwrap_or('0');
        let glued = |inside: char, outside: Option<char>| {
            inside.is_alphanumeric() && outside.is_some_and(char::is_alphanumeric)
        };
        if glued(first, left.chars().next_back()) || glued(last, beyond.chars().next()) {
            return None;
        }
        id(digits)
    }
}

fn id(digits: &str) -> Option<DealId> {
    let plain = digits.len() <= DIGITS && digits.bytes().all(|byte| byte.is_ascii_digit());
    digits.parse().ok().filter(|id| plain && *id > 0).map(DealId)
}

/// The form in which texts of two systems are compared: composed, blanks squeezed, letter case gone.
#[must_use]
pub(super) fn fold(text: &str) -> String {
    text::squeeze(text).to_lowercase()
}

impl From<Pattern> for String {
    fn from(pattern: Pattern) -> Self {
        pattern.written
    }
}

impl TryFrom<String> for Pattern {
    type Error = PatternError;

    fn try_from(written: String) -> Result<Self, Self::Error> {
        Self::parse(&written)
    }
}
