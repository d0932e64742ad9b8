//! What kinds of records are staged, and how far the stamps of each are believed.

use jiff::Timestamp;

use crate::StagedRecord;

/// Kind of a staged record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum StagedKind {
    /// A party of the ERP.
    Party,
    /// An AR account of the ERP.
    Account,
    /// An organization of the CRM.
    Org,
    /// A relationship of the ERP that makes one party a part of another.
    Relation,
    /// What is known of an AR account beside what lists show; it has the account's id and stamp.
    Terms,
    /// A deal of the CRM.
    Deal,
    /// A credit memo of the ERP.
    CreditMemo,
    /// A receivables invoice of the ERP.
    Invoice,
    /// A purchase order of the ERP.
    PurchaseOrder,
    /// A sales order of the ERP.
    SalesOrder,
    /// The installments of an invoice; they have the invoice's id and stamp.
    Installments,
}

impl StagedKind {
    pub(crate) fn key(self) -> &'static str {
        match self {
            Self::Party => "party",
            Self::Account => "account",
            Self::Org => "org",
            Self::Relation => "relation",
            Self::Terms => "terms",
            Self::Deal => "deal",
            Self::CreditMemo => "credit_memo",
            Self::Invoice => "invoice",
            Self::PurchaseOrder => "purchase_order",
            Self::SalesOrder => "sales_order",
            Self::Installments => "installments",
        }
    }
}

/// Whether what is staged is newer than a row that was read now.
///
/// Stamps decide, because lists may lag. But a sweep of the ERP is the last word on its records: a stamp that went
/// back (a commit that was overtaken, a data fix) would otherwise hide a record for ever.
pub(crate) fn is_newer(
    kind: StagedKind,
    staged: &StagedRecord,
    stamp: Timestamp,
    read_at: Timestamp,
    sweep: i64,
) -> bool {
    let believed = match kind {
        StagedKind::Party
        | StagedKind::Account
        | StagedKind::Relation
        | StagedKind::Invoice
        | StagedKind::PurchaseOrder
        | StagedKind::SalesOrder => sweep > staged.sweep && read_at >= staged.read_at,
        // Asked for by id, or without a stamp of its own: the later answer is the newer one, also when the stamp went back.
        StagedKind::Terms | StagedKind::Installments | StagedKind::CreditMemo => read_at >= staged.read_at,
        StagedKind::Org | StagedKind::Deal => false,
    };
    !believed && (staged.row.stamp, staged.read_at) > (stamp, read_at)
}
