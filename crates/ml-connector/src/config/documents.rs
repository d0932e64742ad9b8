//! `[connection.documents]`

use std::collections::{BTreeMap, BTreeSet};

use jiff::SignedDuration;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sync_core::documents::{
    self, DocumentKind, DocumentPolicy, How, LinkTemplate, Pattern, ReferenceField, ReferenceRule,
    RollUpField,
};

use super::ConfigError;
use super::Duration;
use super::diagnose::At;
use super::duration::{self, DayDuration, days};

/// Invoices, credit memos, orders and purchase orders of the ERP are shown on the deal that they belong to: in a few fields and
/// in one note for each kind. The ERP is only read for that. Without this section no document is read.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Documents {
    /// What is read and shown: `invoice`, `credit_memo`, `sales_order` and `purchase_order`. Default `["invoice",
    /// "credit_memo", "sales_order", "purchase_order"]`.
    pub kinds: Vec<Kind>,

    /// Time between two polls of what was entered or changed. A duration of 10s or more. Default `"15m"`.
    #[serde(with = "duration")]
    #[schemars(with = "Duration")]
    pub poll_every: SignedDuration,

    /// Time between two looks at what is open of invoices: a payment need not show in what changed. A duration of 1m or more.
    /// Default `"6h"`.
    #[serde(with = "duration")]
    #[schemars(with = "Duration")]
    pub balances_every: SignedDuration,

    /// How old documents may be that the first load reads, by the day they were entered in the ERP; credit memos are read
    /// whatever their age. It counts once: what it left out is not read later. A duration of 1h or more, also in days.
    /// Default `"90d"`.
    #[serde(with = "days")]
    #[schemars(with = "DayDuration")]
    pub since: SignedDuration,

    /// What "invoiced" means: `gross` (what all invoices come to) or `net` (the same less what was credited). Default
    /// `"gross"`.
    pub amounts: Amounts,

    /// Whether an invoice or a sales order that names no deal is matched by its customer's won and open deals: by currency,
    /// amount and date, and only if one of them fits clearly best. Purchase orders and credit memos never are. Default `true`.
    pub match_by_customer: bool,

    /// Which fields deals get, of `last_invoice_number`, `last_invoice_status`, `invoiced_total`, `open_balance`,
    /// `oldest_unpaid_due`, `invoice_count`, `last_order_number`, `last_order_status`, `last_purchase_order`, `paid_total`,
    /// `credited_total`, `overdue_amount` and `other_currencies`. Each is one custom field of the company. Default
    /// `["last_invoice_number", "last_invoice_status", "invoiced_total", "open_balance", "oldest_unpaid_due"]`.
    pub fields: Vec<RollUp>,

    /// Whether deals get a note for each kind of document. Default `true`.
    pub note: bool,

    /// For which deals notes are begun: `open_and_recent` (open ones, and those with a document that is unpaid or of the last
    /// 90 days), `all` or `none`. A note that is there is kept true. Default `"open_and_recent"`.
    pub note_for: NoteFor,

    /// How a note shows its documents: `list` (a line each) or `table`. Default `"list"`.
    pub note_style: NoteStyle,

    /// Whether a note that a person deleted is made once more. Default `false`.
    pub recreate_notes: bool,

    /// Whether the deal's owner gets one activity when invoices of it become overdue, which is marked as done once none of them
    /// is; invoices that were overdue for more than two weeks when they were first read are no news. Default `false`.
    pub overdue_activity: bool,

    /// Where a document is found in the ERP's pages, by kind, with `{id}` or `{number}`, such as
    /// `{ invoice = "https://erp.example.com/invoices/{id}" }`. Default `{}`.
    pub links: BTreeMap<Kind, String>,

    /// How documents name their deal. The first one that names a deal counts. Default `[]`.
    pub deal_reference: Vec<DealReference>,
}

/// How a field of a document names a deal: by a `pattern`, or by saying the same as a `deal_field`.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DealReference {
    /// The field, as the ERP spells it: of invoices and credit memos `PurchaseOrder` and `CrossReference`, of invoices
    /// `SpecialInstructions`, of sales orders `SourceTransactionNumber` and `CustomerPONumber`, of purchase orders
    /// `Description`, `ReferenceNumber` and `SalesOrder`; of invoices and purchase orders also `DFF:` and the name of a segment
    /// of their descriptive flexfields. Required.
    pub field: String,

    /// How the deal's id stands in it, such as `PD-{deal_id}`; found in a longer text, too. No default.
    pub pattern: Option<String>,

    /// The custom field of deals, by name or code, that says the same as the document's. No default.
    pub deal_field: Option<String>,

    /// The kinds that it is for; all that have the field if this is empty. Default `[]`.
    #[serde(default)]
    pub kinds: Vec<Kind>,

    /// Of sales orders only those that came from this system (`SourceTransactionSystem`): numbers of another one are not ours.
    /// No default.
    pub source_system: Option<String>,
}

/// A kind of document.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// A receivables invoice.
    Invoice,
    /// A credit memo.
    CreditMemo,
    /// A sales order.
    SalesOrder,
    /// A purchase order.
    PurchaseOrder,
}

/// What "invoiced" means.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Amounts {
    /// What all invoices come to.
    Gross,
    /// The same less what was credited.
    Net,
}

/// For which deals notes are begun.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum NoteFor {
    /// Open ones, and those with a document that is unpaid or recent.
    OpenAndRecent,
    /// All.
    All,
    /// None.
    None,
}

/// How a note shows its documents.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum NoteStyle {
    /// A line each.
    List,
    /// A row each.
    Table,
}

/// A field of deals.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RollUp {
    /// The number of the newest invoice.
    LastInvoiceNumber,
    /// How the newest invoice stands.
    LastInvoiceStatus,
    /// What was invoiced.
    InvoicedTotal,
    /// What is still owed.
    OpenBalance,
    /// The first day on which something is due that is not paid.
    OldestUnpaidDue,
    /// How many invoices there are.
    InvoiceCount,
    /// The number of the newest sales order.
    LastOrderNumber,
    /// Its status.
    LastOrderStatus,
    /// Number and status of the newest purchase order.
    LastPurchaseOrder,
    /// What was paid.
    PaidTotal,
    /// What was credited.
    CreditedTotal,
    /// What is late.
    OverdueAmount,
    /// What there is in other currencies than the deal's.
    OtherCurrencies,
}

impl Default for Documents {
    fn default() -> Self {
        Self {
            kinds: vec![Kind::Invoice, Kind::CreditMemo, Kind::SalesOrder, Kind::PurchaseOrder],
            poll_every: SignedDuration::from_mins(15),
            balances_every: SignedDuration::from_hours(6),
            since: SignedDuration::from_hours(90 * 24),
            amounts: Amounts::Gross,
            match_by_customer: true,
            fields: vec![
                RollUp::LastInvoiceNumber,
                RollUp::LastInvoiceStatus,
                RollUp::InvoicedTotal,
                RollUp::OpenBalance,
                RollUp::OldestUnpaidDue,
            ],
            note: true,
            note_for: NoteFor::OpenAndRecent,
            note_style: NoteStyle::List,
            recreate_notes: false,
            overdue_activity: false,
            links: BTreeMap::new(),
            deal_reference: Vec::new(),
        }
    }
}

impl Documents {
    /// The policy.
    #[must_use]
    pub fn policy(&self) -> DocumentPolicy {
        let link = |(kind, link): (&Kind, &String)| Some((kind.core(), LinkTemplate::parse(link).ok()?));
        DocumentPolicy {
            kinds: self.kinds.iter().map(|kind| kind.core()).collect(),
            amounts: match self.amounts {
                Amounts::Gross => documents::Amounts::Gross,
                Amounts::Net => documents::Amounts::Net,
            },
            match_by_customer: self.match_by_customer,
            references: self.deal_reference.iter().filter_map(DealReference::policy).collect(),
            links: self.links.iter().filter_map(link).collect(),
            fields: self.fields.iter().map(|field| field.core()).collect(),
            note: self.note,
            note_style: match self.note_style {
                NoteStyle::List => documents::NoteStyle::List,
                NoteStyle::Table => documents::NoteStyle::Table,
            },
            note_for: match self.note_for {
                NoteFor::OpenAndRecent => documents::NoteFor::OpenAndRecent,
                NoteFor::All => documents::NoteFor::All,
                NoteFor::None => documents::NoteFor::None,
            },
            recreate_notes: self.recreate_notes,
            overdue_activity: self.overdue_activity,
            ..DocumentPolicy::default()
        }
    }

    pub(super) fn check(&self, at: &At<'_>) -> Result<(), ConfigError> {
        let Self {
            kinds,
            poll_every,
            balances_every,
            since,
            amounts: _,
            match_by_customer,
            fields,
            note,
            note_for: _,
            note_style: _,
            recreate_notes: _,
            overdue_activity: _,
            links,
            deal_reference,
        } = self;
        if kinds.is_empty() {
            return Err(at.key("kinds").fail(
                "no document would be read",
                "write kinds = [\"invoice\"], or remove [connection.documents]",
            ));
        }
        if fields.is_empty() && !note {
            return Err(at.key("note").fail(
                "nothing would be shown on any deal: there are neither fields nor notes",
                "write note = true, or name fields such as fields = [\"open_balance\"]",
            ));
        }
        let longest = SignedDuration::from_hours(24 * 365);
        duration::within(*poll_every, SignedDuration::from_secs(10), longest, &at.key("poll_every"))?;
        duration::within(*balances_every, SignedDuration::from_mins(1), longest, &at.key("balances_every"))?;
        days::within(*since, SignedDuration::from_hours(1), longest * 30, &at.key("since"))?;
        for (kind, link) in links {
            if let Err(error) = LinkTemplate::parse(link) {
                let text = error.to_string();
                let (what, help) = text.split_once(": ").unwrap_or((&text, "write a whole address"));
                return Err(at.key("links").key(kind.core().key()).fail(what, help));
            }
        }
        for (index, reference) in deal_reference.iter().enumerate() {
            reference.check(&at.key("deal_reference").index(index))?;
        }
        let guesses =
            *match_by_customer && kinds.iter().any(|kind| matches!(kind, Kind::Invoice | Kind::SalesOrder));
        if deal_reference.is_empty() && !guesses {
            return Err(at.key("match_by_customer").fail(
                "no document would ever find its deal: nothing says how documents name deals, and none is matched by its customer",
                "write a [[connection.documents.deal_reference]] with field and pattern, or match_by_customer = true with invoices or sales orders among the kinds",
            ));
        }
        Ok(())
    }
}

impl DealReference {
    fn policy(&self) -> Option<ReferenceRule> {
        let how = match (&self.pattern, &self.deal_field) {
            (Some(pattern), None) => How::Pattern(Pattern::parse(pattern).ok()?),
            (None, Some(field)) => How::DealField(field.clone()),
            (Some(_), Some(_)) | (None, None) => return None,
        };
        Some(ReferenceRule {
            kinds: self.kinds.iter().map(|kind| kind.core()).collect::<BTreeSet<DocumentKind>>(),
            field: self.field.parse().ok()?,
            how,
            source_system: self.source_system.clone(),
        })
    }

    fn check(&self, at: &At<'_>) -> Result<(), ConfigError> {
        let Self { field, pattern, deal_field, kinds, source_system } = self;
        let names = "write one of PurchaseOrder, CrossReference, SpecialInstructions, SourceTransactionNumber, CustomerPONumber, Description, ReferenceNumber, SalesOrder and DFF:<segment>";
        match field.parse() {
            Err(_) => {
                return Err(at.key("field").fail(format!("no document has a field \"{field}\""), names));
            }
            Ok(ReferenceField::Dff(_))
                if kinds.iter().any(|kind| matches!(kind, Kind::CreditMemo | Kind::SalesOrder)) =>
            {
                let what = "descriptive flexfields are read of invoices and purchase orders only";
                return Err(at.key("kinds").fail(what, "name none but these, or leave kinds out"));
            }
            Ok(_) => {}
        }
        let ways = "write pattern = \"PD-{deal_id}\", or deal_field = \"Customer PO\"";
        match (pattern, deal_field) {
            (None, None) => Err(at.fail("it does not say how the field names a deal", ways)),
            (Some(_), Some(_)) => {
                Err(at.key("deal_field").fail("it names deals in two ways at once", "make two tables of it"))
            }
            (Some(pattern), None) => Pattern::parse(pattern).map(|_| ()).map_err(|error| {
                let text = error.to_string();
                let (what, help) = text.split_once(": ").unwrap_or((&text, ways));
                at.key("pattern").fail(what, help)
            }),
            (None, Some(name)) if name.trim().is_empty() => {
                Err(at.key("deal_field").fail("it names no custom field", ways))
            }
            (None, Some(_)) => Ok(()),
        }?;
        let of_orders = matches!(
            field.parse(),
            Ok(ReferenceField::SourceTransactionNumber | ReferenceField::CustomerPoNumber)
        );
        match source_system {
            Some(system) if system.trim().is_empty() => {
                Err(at.key("source_system").fail("it names no system", "name one, or remove source_system"))
            }
            Some(_) if !of_orders => Err(at.key("source_system").fail(
                format!("only sales orders tell which system they came from, and they have no {field}"),
                "remove source_system",
            )),
            Some(_) | None => Ok(()),
        }
    }
}

impl Kind {
    fn core(self) -> DocumentKind {
        match self {
            Self::Invoice => DocumentKind::Invoice,
            Self::CreditMemo => DocumentKind::CreditMemo,
            Self::SalesOrder => DocumentKind::SalesOrder,
            Self::PurchaseOrder => DocumentKind::PurchaseOrder,
        }
    }
}

impl RollUp {
    fn core(self) -> RollUpField {
        match self {
            Self::LastInvoiceNumber => RollUpField::LastInvoiceNumber,
            Self::LastInvoiceStatus => RollUpField::LastInvoiceStatus,
            Self::InvoicedTotal => RollUpField::InvoicedTotal,
            Self::OpenBalance => RollUpField::OpenBalance,
            Self::OldestUnpaidDue => RollUpField::OldestUnpaidDue,
            Self::InvoiceCount => RollUpField::InvoiceCount,
            Self::LastOrderNumber => RollUpField::LastOrderNumber,
            Self::LastOrderStatus => RollUpField::LastOrderStatus,
            Self::LastPurchaseOrder => RollUpField::LastPurchaseOrder,
            Self::PaidTotal => RollUpField::PaidTotal,
            Self::CreditedTotal => RollUpField::CreditedTotal,
            Self::OverdueAmount => RollUpField::OverdueAmount,
            Self::OtherCurrencies => RollUpField::OtherCurrencies,
        }
    }
}
