//! Which documents there are, and what names one of them.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

/// A kind of document.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DocumentKind {
    /// A receivables invoice.
    Invoice,
    /// A credit memo.
    CreditMemo,
    /// A sales order.
    SalesOrder,
    /// A purchase order: it goes to a supplier.
    PurchaseOrder,
}

impl DocumentKind {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Invoice, Self::CreditMemo, Self::SalesOrder, Self::PurchaseOrder];

    /// Its name in settings, keys and markers.
    #[must_use]
    pub const fn key(self) -> &'static str {
        match self {
            Self::Invoice => "invoice",
            Self::CreditMemo => "credit_memo",
            Self::SalesOrder => "sales_order",
            Self::PurchaseOrder => "purchase_order",
        }
    }

    /// One of them, in words.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::Invoice => "invoice",
            Self::CreditMemo => "credit memo",
            Self::SalesOrder => "sales order",
            Self::PurchaseOrder => "purchase order",
        }
    }

    /// Several of them, as a heading.
    #[must_use]
    pub const fn heading(self) -> &'static str {
        match self {
            Self::Invoice => "Invoices",
            Self::CreditMemo => "Credit memos",
            Self::SalesOrder => "Sales orders",
            Self::PurchaseOrder => "Purchase orders",
        }
    }

    /// The kind of this name.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.key() == text)
    }
}

impl fmt::Display for DocumentKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.key())
    }
}

/// The identity of a document. Numbers are none: they are unique within a source or a business unit only.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct DocumentKey {
    /// Its kind.
    pub kind: DocumentKind,
    /// Its id in the ERP.
    pub id: i64,
}

/// `invoice 300100123`.
impl fmt::Display for DocumentKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.kind.key(), self.id)
    }
}

/// The text names no document.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` names no document: write its kind and its id in the ERP, such as `invoice:300100123`")]
pub struct ParseKeyError(String);

/// Reads `invoice 300100123` and `invoice:300100123`.
impl FromStr for DocumentKey {
    type Err = ParseKeyError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let parse = || {
            let (kind, id) = text.trim().split_once([' ', ':'])?;
            let id = id.trim().parse().ok().filter(|id| *id > 0)?;
            Some(Self { kind: DocumentKind::parse(kind.trim())?, id })
        };
        parse().ok_or_else(|| ParseKeyError(text.to_owned()))
    }
}

impl From<DocumentKey> for String {
    fn from(key: DocumentKey) -> Self {
        key.to_string()
    }
}

impl TryFrom<String> for DocumentKey {
    type Error = ParseKeyError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}
