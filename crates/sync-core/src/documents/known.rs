//! What has to be known to attach a document, and what is known.

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use super::{
    answers::AttachAnswer,
    document::Document,
    kind::{DocumentKey, DocumentKind},
    reference::{ReferenceField, fold},
};
use crate::{
    deals::DealStatus,
    ids::{DealId, OrgId, PartyId},
    money::{Amount, Money},
};

/// What has to be known before a document is attached.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Asks {
    /// These deals, in [`Known::deals`].
    pub deals: BTreeSet<DealId>,
    /// Which deals say this in a custom field, in [`Known::fields`].
    pub fields: BTreeSet<FieldAsk>,
    /// Which documents that have a deal are meant, in [`Known::links`].
    pub links: BTreeSet<LinkAsk>,
    /// The organization of this customer, and its deals where wanted, in [`Known::customer`].
    pub customer: Option<CustomerAsk>,
}

/// Which deals say this in a custom field.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct FieldAsk {
    /// The field, by name or code.
    pub field: String,
    /// What it says: composed, blanks squeezed, in small letters. What deals say is folded the same way.
    pub value: String,
}

impl FieldAsk {
    /// What a deal is found by that says this in a field.
    #[must_use]
    pub fn answered_by(field: &str, says: &str) -> Self {
        Self { field: field.to_owned(), value: fold(says) }
    }
}

/// A customer that has to be known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CustomerAsk {
    /// The customer.
    pub party: PartyId,
    /// Whether its deals are wanted too.
    pub deals: bool,
}

/// Which documents are meant. Only those count that have a deal.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LinkAsk {
    /// The sales order of this number.
    OrderNumber(String),
    /// The sales orders of this customer with this order number of the customer's.
    OrderWithCustomerPo {
        /// The customer.
        party: PartyId,
        /// Its order number.
        value: String,
    },
    /// The invoices of this number that are billed to this account.
    InvoiceNumber {
        /// The number.
        number: String,
        /// The account.
        account: String,
    },
    /// The invoices billed to this account of which, by their installments, exactly this was credited.
    InvoiceCredited {
        /// The account.
        account: String,
        /// The currency.
        currency: String,
        /// The amount.
        amount: Amount,
    },
}

impl LinkAsk {
    /// Everything that a document is found by when another one means it.
    #[must_use]
    pub fn answered_by(document: &Document) -> BTreeSet<Self> {
        let mut all = BTreeSet::new();
        match document.key.kind {
            DocumentKind::SalesOrder => {
                all.insert(Self::OrderNumber(document.number.clone()));
                let po = document.references.get(&ReferenceField::CustomerPoNumber).cloned();
                let po = document.party.zip(po);
                all.extend(po.map(|(party, value)| Self::OrderWithCustomerPo { party, value }));
            }
            DocumentKind::Invoice => {
                let Some(account) = document.account_number.clone() else { return all };
                all.insert(Self::InvoiceNumber { number: document.number.clone(), account: account.clone() });
                let credited = document.credited.filter(|credited| !credited.is_zero());
                let credited = credited.zip(document.currency.clone());
                all.extend(credited.map(|(amount, currency)| Self::InvoiceCredited {
                    account,
                    currency,
                    amount: Amount(amount.0.saturating_abs()),
                }));
            }
            DocumentKind::CreditMemo | DocumentKind::PurchaseOrder => {}
        }
        all
    }

    /// In words.
    #[must_use]
    pub fn explain(&self) -> String {
        match self {
            Self::OrderNumber(number) => format!("it was made for sales order {number}"),
            Self::OrderWithCustomerPo { value, .. } => {
                format!(
                    "a sales order of the customer has the same order number of the customer's, \"{value}\""
                )
            }
            Self::InvoiceNumber { number, .. } => format!("it refers to invoice {number}"),
            Self::InvoiceCredited { amount, currency, .. } => {
                format!("{amount} {currency} were credited on an invoice of the same account")
            }
        }
    }
}

/// Everything that is known about where a document may belong.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Known {
    /// Deals by id, what became of them included. One that is not here was not looked for.
    pub deals: BTreeMap<DealId, DealFound>,
    /// Which deals say something in a custom field. Their state is in `deals`.
    pub fields: BTreeMap<FieldAsk, BTreeSet<DealId>>,
    /// Documents that are meant and have a deal. Its state is in `deals`.
    pub links: Vec<Link>,
    /// The customer's organization; `None` if it has none.
    pub customer: Option<CustomerDeals>,
    /// What a person said.
    pub answer: Option<AttachAnswer>,
    /// The deal that it is attached to now.
    pub before: Option<Before>,
}

/// The deal that a document is attached to now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Before {
    /// The deal.
    pub deal: DealId,
    /// Whether it was matched by its customer: that is kept while the deal is among the customer's that can be meant.
    pub by_customer: bool,
}

/// A document that is meant and has a deal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Link {
    /// What it was asked for by.
    pub ask: LinkAsk,
    /// The document.
    pub document: DocumentKey,
    /// Its deal.
    pub deal: DealId,
}

/// What became of a deal that was looked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DealFound {
    /// It is there; archived ones are.
    Here(DealSeen),
    /// It was deleted.
    Deleted,
    /// It was merged into another one.
    Merged {
        /// The survivor.
        into: DealId,
    },
    /// There is none, or our user does not see it.
    Missing,
}

/// A deal as far as documents ask about it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DealSeen {
    /// What sales calls it.
    pub title: String,
    /// How it stands.
    pub status: DealStatus,
    /// The customer.
    pub org: Option<OrgId>,
    /// What it is worth.
    pub value: Option<Money>,
    /// The day on which it was entered.
    pub added: Option<Date>,
    /// The day on which it was won.
    pub won: Option<Date>,
    /// Whether it is archived.
    pub archived: bool,
}

/// The organization of a customer, and its deals.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CustomerDeals {
    /// The organization of the customer's pair.
    pub org: OrgId,
    /// Other organizations whose deals this customer may be billed for: a parent or a daughter, an alias.
    #[serde(default)]
    pub family: BTreeSet<OrgId>,
    /// The organization's deals, if they were asked for; lost, deleted and archived ones do not matter.
    #[serde(default)]
    pub deals: BTreeMap<DealId, DealSeen>,
}

impl CustomerDeals {
    /// Whether deals of an organization are the customer's.
    #[must_use]
    pub fn includes(&self, org: OrgId) -> bool {
        org == self.org || self.family.contains(&org)
    }
}
