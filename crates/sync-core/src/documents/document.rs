//! One form for all kinds of documents, so that what follows need not know what the ERP calls its attributes.

use std::collections::BTreeMap;

use jiff::{Timestamp, civil::Date};
use serde::{Deserialize, Serialize};

use super::{
    headers::{ErpCreditMemo, ErpInvoice, ErpPurchaseOrder, ErpSalesOrder, Installment, InvoiceDetails},
    kind::{DocumentKey, DocumentKind},
    reference::ReferenceField,
};
use crate::{ids::PartyId, money::Amount, text};

/// A document of any kind.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Document {
    /// Its identity.
    pub key: DocumentKey,
    /// What people call it; may be empty.
    pub number: String,
    /// The customer; the supplier of a purchase order.
    pub party: Option<PartyId>,
    /// The account it is billed to.
    pub account_number: Option<String>,
    /// As the ERP says it.
    pub status: Option<String>,
    /// ISO 4217.
    pub currency: Option<String>,
    /// What it comes to. That of a credit memo is positive, however the ERP signs it.
    pub total: Option<Amount>,
    /// What is still open of an invoice.
    pub balance: Option<Amount>,
    /// What was paid, if the installments are known.
    pub paid: Option<Amount>,
    /// What was credited, if the installments are known.
    pub credited: Option<Amount>,
    /// The day it was issued.
    pub date: Option<Date>,
    /// The day it is due.
    pub due: Option<Date>,
    /// Its installments that are not paid, if the installments are known.
    #[serde(default)]
    pub open_parts: Vec<OpenPart>,
    /// Whether its details were read as they are: those of an invoice that changed since may be of before.
    #[serde(default)]
    pub detailed: bool,
    /// Whether its flexfields were among them.
    #[serde(default)]
    pub segmented: bool,
    /// What it says about where it belongs; nothing that is blank.
    #[serde(default)]
    pub references: BTreeMap<ReferenceField, String>,
    /// The system that an order came from.
    pub source_system: Option<String>,
    /// Who issued it.
    pub business_unit: Option<String>,
    /// When it was last changed; credit memos do not tell.
    pub updated_at: Option<Timestamp>,
}

/// A part of an invoice that is not paid.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct OpenPart {
    /// The day it is due.
    pub due: Option<Date>,
    /// What is due.
    pub balance: Amount,
}

/// How an invoice stands, in our own words: the ERP's say whether it is complete, not whether it is paid.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum InvoiceStatus {
    /// All of it was paid, perhaps some of it credited.
    Paid,
    /// Some of it was paid or credited, and nothing is late.
    PartlyPaid,
    /// Nothing was paid, and nothing is late.
    Open,
    /// Something is late.
    Overdue,
    /// All of it was credited.
    Credited,
}

impl InvoiceStatus {
    /// In words.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::Paid => "paid",
            Self::PartlyPaid => "partly paid",
            Self::Open => "open",
            Self::Overdue => "overdue",
            Self::Credited => "credited",
        }
    }
}

impl Document {
    fn new(kind: DocumentKind, id: i64, number: &str) -> Self {
        Self {
            key: DocumentKey { kind, id },
            number: text::squeeze(number),
            party: None,
            account_number: None,
            status: None,
            currency: None,
            total: None,
            balance: None,
            paid: None,
            credited: None,
            date: None,
            due: None,
            open_parts: Vec::new(),
            detailed: false,
            segmented: false,
            references: BTreeMap::new(),
            source_system: None,
            business_unit: None,
            updated_at: None,
        }
    }

    /// The document with what its installments say. The header's balance is asked for more often, so it counts on.
    #[must_use]
    pub fn with_installments(mut self, installments: &[Installment]) -> Self {
        let sum = |of: fn(&Installment) -> Option<Amount>| {
            let known = installments.iter().map(of).collect::<Option<Vec<Amount>>>()?;
            let exact: i128 = known.iter().map(|amount| i128::from(amount.0)).sum();
            i64::try_from(exact).ok().map(Amount).filter(|_| !known.is_empty())
        };
        self.paid = sum(|part| part.paid);
        self.credited = sum(|part| part.credited);
        let open =
            installments.iter().filter_map(|part| Some(OpenPart { due: part.due, balance: part.balance? }));
        self.open_parts = open.filter(|part| part.balance > Amount::ZERO).collect();
        self.open_parts.sort_unstable();
        self
    }

    /// The document with what was read beside its header.
    #[must_use]
    pub fn with_details(self, details: &InvoiceDetails) -> Self {
        let document = match &details.installments {
            Some(installments) => self.with_installments(installments),
            None => self,
        };
        let document = match &details.segments {
            Some(segments) => document.with_segments(segments),
            None => document,
        };
        Self { detailed: true, segmented: details.segments.is_some(), ..document }
    }

    /// Whether the details of what is known of it are still its own, with flexfields if these are wanted: nothing that its header
    /// says changed.
    #[must_use]
    pub fn has_details_of(&self, known: &Self, segments: bool) -> bool {
        let header = |one: &Self| (one.total, one.balance, one.due, one.updated_at);
        known.detailed && (known.segmented || !segments) && header(self) == header(known)
    }

    /// The document with the details that were read of it before.
    #[must_use]
    pub fn keeping_details_of(mut self, known: &Self) -> Self {
        (self.detailed, self.segmented) = (self.has_details_of(known, false), known.segmented);
        (self.paid, self.credited) = (known.paid, known.credited);
        self.open_parts.clone_from(&known.open_parts);
        let segments = known.references.iter().filter(|(field, _)| matches!(field, ReferenceField::Dff(_)));
        self.references.extend(segments.map(|(field, value)| (field.clone(), value.clone())));
        self
    }

    /// The document with its descriptive flexfield's segments.
    #[must_use]
    pub fn with_segments(mut self, segments: &BTreeMap<String, String>) -> Self {
        for (segment, value) in segments {
            self.refer(ReferenceField::Dff(segment.clone()), Some(value));
        }
        self
    }

    fn refer(&mut self, field: ReferenceField, value: Option<&str>) {
        if let Some(value) = text::present(value) {
            self.references.insert(field, value);
        }
    }

    /// Whether it counts: of invoices only complete ones do.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        match self.key.kind {
            DocumentKind::Invoice => {
                self.status.as_deref().is_some_and(|status| status.trim().eq_ignore_ascii_case("complete"))
            }
            DocumentKind::CreditMemo | DocumentKind::SalesOrder | DocumentKind::PurchaseOrder => true,
        }
    }

    /// What people call it; its id where it has no number.
    #[must_use]
    pub fn name(&self) -> String {
        if self.number.is_empty() { format!("no. {}", self.key.id) } else { self.number.clone() }
    }

    /// What the customer still owes of it, in so many decimals; never negative: what was overpaid does not pay anything else
    /// until somebody applies it. `None` if nobody knows the balance.
    #[must_use]
    pub fn owed(&self, decimals: u8) -> Option<Amount> {
        self.balance.map(|balance| balance.rounded(decimals).max(Amount::ZERO))
    }

    /// Its unpaid parts in so many decimals: the installments where they are known and come to the balance, else one.
    #[must_use]
    pub fn unpaid(&self, decimals: u8) -> Vec<OpenPart> {
        let Some(owed) = self.owed(decimals).filter(|owed| !owed.is_zero()) else { return Vec::new() };
        let rounded = |part: &OpenPart| OpenPart { due: part.due, balance: part.balance.rounded(decimals) };
        let parts: Vec<OpenPart> =
            self.open_parts.iter().map(rounded).filter(|part| !part.balance.is_zero()).collect();
        let sum: i128 = parts.iter().map(|part| i128::from(part.balance.0)).sum();
        // Read at another time than the header: only the header tells how much, and the first day is the careful one.
        if sum == i128::from(owed.0) {
            return parts;
        }
        let due = parts.iter().filter_map(|part| part.due).min().or(self.due);
        vec![OpenPart { due, balance: owed }]
    }

    /// How an invoice stands on a day; `None` if nobody knows its balance.
    #[must_use]
    pub fn standing(&self, decimals: u8, today: Date) -> Option<InvoiceStatus> {
        let owed = self.owed(decimals)?;
        let total = self.total.map(|total| total.rounded(decimals));
        if owed.is_zero() {
            let all_credited = total.is_some_and(|total| {
                total > Amount::ZERO
                    && self.credited.is_some_and(|credited| credited.rounded(decimals) >= total)
            });
            return Some(if all_credited { InvoiceStatus::Credited } else { InvoiceStatus::Paid });
        }
        let late = |part: &OpenPart| part.due.is_some_and(|due| due < today);
        Some(if self.unpaid(decimals).iter().any(late) {
            InvoiceStatus::Overdue
        } else if total.is_some_and(|total| owed < total) {
            InvoiceStatus::PartlyPaid
        } else {
            InvoiceStatus::Open
        })
    }
}

fn code(currency: Option<&str>) -> Option<String> {
    text::present(currency).map(|code| code.to_uppercase())
}

impl From<&ErpInvoice> for Document {
    fn from(invoice: &ErpInvoice) -> Self {
        let mut document = Self {
            party: invoice.party,
            account_number: text::present(invoice.account_number.as_deref()),
            status: text::present(invoice.status.as_deref()),
            currency: code(invoice.currency.as_deref()),
            total: invoice.entered,
            balance: invoice.balance,
            date: invoice.date,
            due: invoice.due,
            business_unit: text::present(invoice.business_unit.as_deref()),
            updated_at: Some(invoice.updated_at),
            ..Self::new(DocumentKind::Invoice, invoice.id.0, &invoice.number)
        };
        document.refer(ReferenceField::PurchaseOrder, invoice.purchase_order.as_deref());
        document.refer(ReferenceField::CrossReference, invoice.cross_reference.as_deref());
        document.refer(ReferenceField::SpecialInstructions, invoice.special_instructions.as_deref());
        document
    }
}

impl From<&ErpCreditMemo> for Document {
    fn from(memo: &ErpCreditMemo) -> Self {
        let mut document = Self {
            account_number: text::present(memo.account_number.as_deref()),
            currency: code(memo.currency.as_deref()),
            total: memo.entered.map(|amount| Amount(amount.0.saturating_abs())),
            date: memo.date,
            ..Self::new(DocumentKind::CreditMemo, memo.id.0, &memo.number)
        };
        document.refer(ReferenceField::PurchaseOrder, memo.purchase_order.as_deref());
        document.refer(ReferenceField::CrossReference, memo.cross_reference.as_deref());
        document
    }
}

impl From<&ErpSalesOrder> for Document {
    fn from(order: &ErpSalesOrder) -> Self {
        let mut document = Self {
            party: order.party,
            status: text::present(order.status.as_deref()),
            currency: code(order.currency.as_deref()),
            source_system: text::present(order.source_system.as_deref()),
            updated_at: Some(order.updated_at),
            ..Self::new(DocumentKind::SalesOrder, order.id.0, &order.number)
        };
        document.refer(ReferenceField::SourceTransactionNumber, order.source_number.as_deref());
        document.refer(ReferenceField::CustomerPoNumber, order.customer_po.as_deref());
        document
    }
}

impl From<&ErpPurchaseOrder> for Document {
    fn from(order: &ErpPurchaseOrder) -> Self {
        let mut document = Self {
            party: order.supplier,
            status: text::present(order.status.as_deref()),
            currency: code(order.currency.as_deref()),
            total: order.total,
            updated_at: Some(order.updated_at),
            ..Self::new(DocumentKind::PurchaseOrder, order.id.0, &order.number)
        };
        document.refer(ReferenceField::Description, order.description.as_deref());
        document.refer(ReferenceField::ReferenceNumber, order.reference.as_deref());
        document.refer(ReferenceField::SalesOrder, order.sales_order.as_deref());
        document.with_segments(&order.segments)
    }
}
