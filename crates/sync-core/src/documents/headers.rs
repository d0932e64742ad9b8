//! Headers and balances of documents as the ERP has them, no lines; free of any vendor's JSON.

use std::collections::BTreeMap;

use jiff::{Timestamp, civil::Date};
use serde::{Deserialize, Serialize};

use crate::{
    ids::{PartyId, PurchaseOrderId, SalesOrderId, TransactionId},
    money::Amount,
};

/// A receivables invoice (oracle-fusion.md 2).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ErpInvoice {
    /// Its identity; numbers are unique within a transaction source only.
    pub id: TransactionId,
    /// What people call it.
    pub number: String,
    /// The customer it is billed to.
    pub party: Option<PartyId>,
    /// The account it is billed to.
    pub account_number: Option<String>,
    /// `Complete`, `Incomplete`, `Frozen`; only complete ones count.
    pub status: Option<String>,
    /// ISO 4217.
    pub currency: Option<String>,
    /// What was entered.
    pub entered: Option<Amount>,
    /// What is still open. Payments change it without moving the stamp.
    pub balance: Option<Amount>,
    /// The day it was issued.
    pub date: Option<Date>,
    /// The day it is due.
    pub due: Option<Date>,
    /// The customer's order number: the first place for a reference to a deal.
    pub purchase_order: Option<String>,
    /// The source document's reference.
    pub cross_reference: Option<String>,
    /// Free text.
    pub special_instructions: Option<String>,
    /// Who issued it.
    pub business_unit: Option<String>,
    /// `LastUpdateDate` of the header.
    pub updated_at: Timestamp,
}

/// A part of an invoice that is due on one day: where payments are seen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Installment {
    /// `InstallmentId`.
    pub id: i64,
    /// The day it is due.
    pub due: Option<Date>,
    /// What was due at first.
    pub original: Option<Amount>,
    /// What is due now.
    pub balance: Option<Amount>,
    /// What was paid.
    pub paid: Option<Amount>,
    /// What was credited.
    pub credited: Option<Amount>,
}

/// What an invoice says beside its header: read for itself, because it is dear.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct InvoiceDetails {
    /// All its installments; none if one of them cannot be read.
    pub installments: Option<Vec<Installment>>,
    /// What its descriptive flexfields say, by segment; none if they were not asked for.
    pub segments: Option<BTreeMap<String, String>>,
}

/// A credit memo. Its stamp cannot be asked for, only its id.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ErpCreditMemo {
    /// Its identity.
    pub id: TransactionId,
    /// What people call it.
    pub number: String,
    /// The account it is for.
    pub account_number: Option<String>,
    /// ISO 4217.
    pub currency: Option<String>,
    /// What was entered, as the ERP signs it.
    pub entered: Option<Amount>,
    /// The day it was issued.
    pub date: Option<Date>,
    /// The customer's order number.
    pub purchase_order: Option<String>,
    /// The source document's reference.
    pub cross_reference: Option<String>,
}

/// A sales order's header (oracle-fusion.md 3.2).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ErpSalesOrder {
    /// Its identity.
    pub id: SalesOrderId,
    /// What people call it.
    pub number: String,
    /// The customer who buys.
    pub party: Option<PartyId>,
    /// The system it came from, and its number there: the cleanest reference to a deal.
    pub source_system: Option<String>,
    /// Its number in that system.
    pub source_number: Option<String>,
    /// The customer's order number.
    pub customer_po: Option<String>,
    /// An open set of codes.
    pub status: Option<String>,
    /// ISO 4217.
    pub currency: Option<String>,
    /// `LastUpdateDate`.
    pub updated_at: Timestamp,
}

/// A purchase order's header (oracle-fusion.md 3.1). It goes to a supplier.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ErpPurchaseOrder {
    /// Its identity; numbers are unique within a procurement business unit only.
    pub id: PurchaseOrderId,
    /// What people call it.
    pub number: String,
    /// The supplier.
    pub supplier: Option<PartyId>,
    /// An open set of codes.
    pub status: Option<String>,
    /// What it comes to.
    pub total: Option<Amount>,
    /// ISO 4217.
    pub currency: Option<String>,
    /// Free text.
    pub description: Option<String>,
    /// Somebody's reference.
    pub reference: Option<String>,
    /// The sales order it was made for.
    pub sales_order: Option<String>,
    /// What its descriptive flexfield says, by segment, where that was asked for.
    pub segments: BTreeMap<String, String>,
    /// `LastUpdateDate`.
    pub updated_at: Timestamp,
}
