//! What the fields of a deal say about its documents.
//!
//! Every amount is rounded to its currency's decimals *before* it is added, so that a sum is the sum of the lines that a
//! person sees. Only documents in the deal's currency are added; nothing is converted. Sums are exact or not there at all.
//!
//! - **Invoiced**, gross: what all complete invoices come to. Net: the same less what was credited.
//! - **Credited**: what the installments say or what the deal's credit memos come to, whichever is more. A credit memo that
//!   was applied is in both, so adding them would count it twice.
//! - **Open**: what is still owed of each invoice. Credit memos are not subtracted: applied ones have reduced the balance.

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use super::{
    document::Document,
    kind::{DocumentKey, DocumentKind},
    money::{Currencies, shown_amount},
    policy::{Amounts, DocumentPolicy},
};
use crate::{
    fields::CustomKind,
    money::{Amount, Money},
    text,
};

/// A field of the deal that shows something of its documents.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RollUpField {
    /// The number of the newest invoice, in whatever currency.
    LastInvoiceNumber,
    /// How the newest invoice stands, in our own words.
    LastInvoiceStatus,
    /// What was invoiced.
    InvoicedTotal,
    /// What is still owed.
    OpenBalance,
    /// The first day on which something was or is due that is not paid.
    OldestUnpaidDue,
    /// How many invoices there are, in whatever currency.
    InvoiceCount,
    /// The number of the newest sales order.
    LastOrderNumber,
    /// Its status, as the ERP says it.
    LastOrderStatus,
    /// The number and the status of the newest purchase order.
    LastPurchaseOrder,
    /// What was paid; where the installments are not known, what is not owed.
    PaidTotal,
    /// What was credited.
    CreditedTotal,
    /// What is late.
    OverdueAmount,
    /// What there is in other currencies, which no amount counts.
    OtherCurrencies,
}

impl RollUpField {
    /// All of them.
    pub const ALL: [Self; 13] = [
        Self::LastInvoiceNumber,
        Self::LastInvoiceStatus,
        Self::InvoicedTotal,
        Self::OpenBalance,
        Self::OldestUnpaidDue,
        Self::InvoiceCount,
        Self::LastOrderNumber,
        Self::LastOrderStatus,
        Self::LastPurchaseOrder,
        Self::PaidTotal,
        Self::CreditedTotal,
        Self::OverdueAmount,
        Self::OtherCurrencies,
    ];

    /// Those that are shown unless the settings say otherwise: custom fields are scarce.
    pub const DEFAULT: [Self; 5] = [
        Self::LastInvoiceNumber,
        Self::LastInvoiceStatus,
        Self::InvoicedTotal,
        Self::OpenBalance,
        Self::OldestUnpaidDue,
    ];

    /// Its name in settings.
    #[must_use]
    pub const fn key(self) -> &'static str {
        match self {
            Self::LastInvoiceNumber => "last_invoice_number",
            Self::LastInvoiceStatus => "last_invoice_status",
            Self::InvoicedTotal => "invoiced_total",
            Self::OpenBalance => "open_balance",
            Self::OldestUnpaidDue => "oldest_unpaid_due",
            Self::InvoiceCount => "invoice_count",
            Self::LastOrderNumber => "last_order_number",
            Self::LastOrderStatus => "last_order_status",
            Self::LastPurchaseOrder => "last_purchase_order",
            Self::PaidTotal => "paid_total",
            Self::CreditedTotal => "credited_total",
            Self::OverdueAmount => "overdue_amount",
            Self::OtherCurrencies => "other_currencies",
        }
    }

    /// What people read above it. It finds the field again, so it never changes.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::LastInvoiceNumber => "ERP last invoice",
            Self::LastInvoiceStatus => "ERP last invoice status",
            Self::InvoicedTotal => "ERP invoiced",
            Self::OpenBalance => "ERP open balance",
            Self::OldestUnpaidDue => "ERP oldest unpaid due",
            Self::InvoiceCount => "ERP invoices",
            Self::LastOrderNumber => "ERP last order",
            Self::LastOrderStatus => "ERP last order status",
            Self::LastPurchaseOrder => "ERP last purchase order",
            Self::PaidTotal => "ERP paid",
            Self::CreditedTotal => "ERP credited",
            Self::OverdueAmount => "ERP overdue",
            Self::OtherCurrencies => "ERP in other currencies",
        }
    }

    /// What it takes.
    #[must_use]
    pub const fn kind(self) -> CustomKind {
        match self {
            Self::LastInvoiceNumber
            | Self::LastInvoiceStatus
            | Self::LastOrderNumber
            | Self::LastOrderStatus
            | Self::LastPurchaseOrder
            | Self::OtherCurrencies => CustomKind::ShortText,
            Self::InvoicedTotal
            | Self::OpenBalance
            | Self::PaidTotal
            | Self::CreditedTotal
            | Self::OverdueAmount => CustomKind::Money,
            Self::OldestUnpaidDue => CustomKind::Date,
            Self::InvoiceCount => CustomKind::Number,
        }
    }

    /// The field of this name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|field| field.key() == name)
    }
}

/// What a field says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RollUpValue {
    /// A text.
    Text(String),
    /// An amount in the deal's currency.
    Money(Money),
    /// A day.
    Date(Date),
    /// How many.
    Count(u64),
}

impl RollUpValue {
    fn text(said: &str) -> Option<Self> {
        text::present(Some(said)).map(|said| Self::Text(text::bounded(&said, 255).0))
    }
}

/// Why a field cannot be told. It is left as it is, and reported. Closed on purpose: match it without `_`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "trouble")]
pub enum Trouble {
    /// The CRM does not know the deal's currency.
    UnknownCurrency {
        /// The currency.
        currency: String,
    },
    /// The ERP does not tell what a document comes to, or what is owed of it.
    AmountMissing {
        /// The first such document.
        document: DocumentKey,
    },
    /// The sum is larger than any amount.
    TooLarge,
}

impl Trouble {
    /// One sentence for people.
    #[must_use]
    pub fn explain(&self) -> String {
        match self {
            Self::UnknownCurrency { currency } => {
                format!("the CRM does not know the deal's currency {currency}; activate it there")
            }
            Self::AmountMissing { document } => format!("the ERP tells no amount of {document}"),
            Self::TooLarge => "the sum is larger than any amount can be".to_owned(),
        }
    }
}

/// What the fields of a deal say about its documents.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RollUp {
    /// What they say; a field that is neither here nor in `troubles` is empty.
    pub values: BTreeMap<RollUpField, RollUpValue>,
    /// What cannot be told.
    pub troubles: BTreeMap<RollUpField, Trouble>,
}

/// What the fields of a deal say, those of the policy.
#[must_use]
pub fn roll_up(
    policy: &DocumentPolicy,
    currency: &str,
    currencies: &Currencies,
    documents: &[Document],
    today: Date,
) -> RollUp {
    let counted = counted(policy, documents);
    let sums = Sums { policy, currency, decimals: currencies.decimals(currency), documents: &counted };
    let mut roll_up = RollUp::default();
    for field in &policy.fields {
        match value(*field, &sums, currencies, today) {
            Ok(Some(value)) => {
                roll_up.values.insert(*field, value);
            }
            Ok(None) => {}
            Err(trouble) => {
                roll_up.troubles.insert(*field, trouble);
            }
        }
    }
    roll_up
}

/// The documents that count, each once and in its newest state, the newest first.
pub(super) fn counted<'a>(policy: &DocumentPolicy, documents: &'a [Document]) -> Vec<&'a Document> {
    let mut newest: BTreeMap<DocumentKey, &Document> = BTreeMap::new();
    for document in documents.iter().filter(|one| one.is_complete() && policy.kinds.contains(&one.key.kind)) {
        let known = newest.entry(document.key).or_insert(document);
        if (document.updated_at, document) > (known.updated_at, *known) {
            *known = document;
        }
    }
    let mut all: Vec<&Document> = newest.into_values().collect();
    // Orders tell no date: what was made later has the greater id.
    all.sort_by_key(|document| std::cmp::Reverse((document.date, document.key)));
    all
}

/// The rounded amount, where sums cannot overflow.
fn exact(amount: Amount, decimals: u8) -> i128 {
    i128::from(amount.rounded(decimals).0)
}

struct Sums<'a> {
    policy: &'a DocumentPolicy,
    currency: &'a str,
    decimals: Option<u8>,
    documents: &'a [&'a Document],
}

type Told = Result<Option<RollUpValue>, Trouble>;

impl<'a> Sums<'a> {
    fn of(&self, kind: DocumentKind) -> impl Iterator<Item = &'a Document> {
        self.documents.iter().copied().filter(move |document| document.key.kind == kind)
    }

    fn own(&self, kind: DocumentKind) -> impl Iterator<Item = &'a Document> {
        self.of(kind).filter(|document| document.currency.as_deref() == Some(self.currency))
    }

    fn decimals(&self) -> Result<u8, Trouble> {
        self.decimals.ok_or_else(|| Trouble::UnknownCurrency { currency: self.currency.to_owned() })
    }

    /// The exact sum over a kind, of what has to be known of each document.
    fn sum(
        &self,
        kind: DocumentKind,
        amount: impl Fn(&Document, u8) -> Option<i128>,
    ) -> Result<i128, Trouble> {
        let decimals = self.decimals()?;
        self.own(kind)
            .map(|document| {
                let amount = amount(document, decimals);
                amount.ok_or(Trouble::AmountMissing { document: document.key })
            })
            .sum()
    }

    fn invoiced(&self) -> Result<i128, Trouble> {
        self.sum(DocumentKind::Invoice, |invoice, decimals| Some(exact(invoice.total?, decimals)))
    }

    fn open(&self) -> Result<i128, Trouble> {
        self.sum(DocumentKind::Invoice, |invoice, decimals| Some(i128::from(invoice.owed(decimals)?.0)))
    }

    fn overdue(&self, today: Date) -> Result<i128, Trouble> {
        let late = |invoice: &Document, decimals: u8| {
            invoice.owed(decimals)?;
            let parts = invoice.unpaid(decimals);
            Some(
                parts
                    .iter()
                    .filter(|part| part.due.is_some_and(|due| due < today))
                    .map(|part| i128::from(part.balance.0))
                    .sum(),
            )
        };
        self.sum(DocumentKind::Invoice, late)
    }

    fn credited(&self) -> Result<i128, Trouble> {
        let by_installments = self.sum(DocumentKind::Invoice, |invoice, decimals| {
            let credited = invoice.credited.unwrap_or_default();
            Some(exact(credited, decimals).abs())
        })?;
        let by_memos =
            self.sum(DocumentKind::CreditMemo, |memo, decimals| Some(exact(memo.total?, decimals)))?;
        Ok(by_installments.max(by_memos))
    }

    /// What was paid by the installments where they are known, else what is not owed: then credits are in it.
    fn paid(&self) -> Result<i128, Trouble> {
        self.sum(DocumentKind::Invoice, |invoice, decimals| match invoice.paid {
            Some(paid) => Some(exact(paid, decimals)),
            None => Some(exact(invoice.total?, decimals) - exact(invoice.balance?, decimals)),
        })
    }

    /// The amount; empty where the deal has neither an invoice nor a credit memo in its currency.
    fn money(&self, sum: Result<i128, Trouble>) -> Told {
        let any = self.own(DocumentKind::Invoice).chain(self.own(DocumentKind::CreditMemo)).next().is_some();
        if !any {
            return Ok(None);
        }
        let amount = i64::try_from(sum?).map(Amount).map_err(|_| Trouble::TooLarge)?;
        Ok(Some(RollUpValue::Money(Money { amount, currency: self.currency.to_owned() })))
    }

    fn oldest_due(&self) -> Told {
        if self.own(DocumentKind::Invoice).next().is_none() {
            return Ok(None);
        }
        self.open()?;
        let decimals = self.decimals()?;
        let parts = self.own(DocumentKind::Invoice).flat_map(|invoice| invoice.unpaid(decimals));
        Ok(parts.filter_map(|part| part.due).min().map(RollUpValue::Date))
    }
}

fn value(field: RollUpField, sums: &Sums<'_>, currencies: &Currencies, today: Date) -> Told {
    let last = |kind| sums.of(kind).next();
    Ok(match field {
        RollUpField::LastInvoiceNumber => {
            last(DocumentKind::Invoice).and_then(|one| RollUpValue::text(&one.name()))
        }
        RollUpField::LastInvoiceStatus => {
            let Some(invoice) = last(DocumentKind::Invoice) else { return Ok(None) };
            let decimals =
                invoice.currency.as_deref().and_then(|code| currencies.decimals(code)).unwrap_or(4);
            let standing = invoice.standing(decimals, today);
            let standing = standing.ok_or(Trouble::AmountMissing { document: invoice.key })?;
            RollUpValue::text(standing.label())
        }
        RollUpField::InvoicedTotal => {
            let sum = match sums.policy.amounts {
                Amounts::Gross => sums.invoiced(),
                Amounts::Net => sums.invoiced().and_then(|invoiced| Ok(invoiced - sums.credited()?)),
            };
            return sums.money(sum);
        }
        RollUpField::OpenBalance => return sums.money(sums.open()),
        RollUpField::PaidTotal => return sums.money(sums.paid()),
        RollUpField::CreditedTotal => return sums.money(sums.credited()),
        RollUpField::OverdueAmount => return sums.money(sums.overdue(today)),
        RollUpField::OldestUnpaidDue => return sums.oldest_due(),
        RollUpField::InvoiceCount => {
            let count = sums.of(DocumentKind::Invoice).count();
            (count > 0).then_some(RollUpValue::Count(count as u64))
        }
        RollUpField::LastOrderNumber => {
            last(DocumentKind::SalesOrder).and_then(|one| RollUpValue::text(&one.name()))
        }
        RollUpField::LastOrderStatus => {
            let status = last(DocumentKind::SalesOrder).and_then(|one| one.status.as_deref());
            status.and_then(RollUpValue::text)
        }
        RollUpField::LastPurchaseOrder => last(DocumentKind::PurchaseOrder).and_then(|one| {
            let status = one.status.as_deref().map(|status| format!(" ({status})")).unwrap_or_default();
            RollUpValue::text(&format!("{}{status}", one.name()))
        }),
        RollUpField::OtherCurrencies => RollUpValue::text(&other_currencies(sums, currencies)),
    })
}

/// `1200.00 USD in 2 invoices, 3 GBP in 1 invoice`; without the sum where an amount is missing.
fn other_currencies(sums: &Sums<'_>, currencies: &Currencies) -> String {
    let invoices = || sums.of(DocumentKind::Invoice);
    let codes: BTreeSet<Option<&str>> = invoices().map(|one| one.currency.as_deref()).collect();
    let told = codes.into_iter().filter(|code| *code != Some(sums.currency)).map(|code| {
        let of_code = || invoices().filter(|one| one.currency.as_deref() == code);
        let count = of_code().count();
        let total: Option<i128> =
            of_code().map(|one| Some(i128::from(currencies.round(one.total?, code).0))).sum();
        let total = total.and_then(|total| i64::try_from(total).ok());
        let total = total.map_or_else(
            || format!("an unknown sum {}", code.unwrap_or("(no currency)")),
            |total| shown_amount(currencies, Amount(total), code),
        );
        format!("{total} in {count} invoice{}", if count == 1 { "" } else { "s" })
    });
    told.collect::<Vec<_>>().join(", ")
}
