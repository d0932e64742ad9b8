//! Records of the two systems as the rest of the program knows them, free of any vendor's JSON.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json};

use crate::{
    fields::Values,
    handover::OrgFacts,
    ids::{AccountId, OrgId, PartyId},
    value::PostalAddress,
};

/// A party of the ERP as last read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ErpParty {
    /// Its identity.
    pub id: PartyId,
    /// `PartyNumber`: the key people and URLs use.
    pub number: String,
    /// `OrganizationName`, up to 360 characters, not unique.
    pub name: String,
    /// `PartyUsageCode`: why the party exists (CUSTOMER, SUPPLIER, ...).
    pub usage: Option<String>,
    /// Whether it is in use.
    pub status: PartyStatus,
    /// `TaxpayerIdentificationNumber`.
    pub tax_id: Option<String>,
    /// `URL`.
    pub url: Option<String>,
    /// `RawPhoneNumber`.
    pub phone: Option<String>,
    /// `DUNSNumber`.
    #[serde(default)]
    pub duns: Option<String>,
    /// `EmailAddress`.
    #[serde(default)]
    pub email: Option<String>,
    /// `CurrencyCode`.
    #[serde(default)]
    pub currency: Option<String>,
    /// The flattened primary address.
    pub address: Option<PostalAddress>,
    /// Attributes as they came, where the connection's own fields read them.
    #[serde(default)]
    pub attributes: Map<String, Json>,
    /// `LastUpdateDate`.
    pub updated_at: Timestamp,
}

/// Life of a party (lookup HZ_STATUS, oracle-fusion.md 1.2).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PartyStatus {
    /// `A`.
    Active,
    /// `I`: no longer in use; Fusion does not update it any more.
    Inactive,
    /// Any other code, e.g. that of a merged party (UNVERIFIED which).
    Other(String),
}

impl PartyStatus {
    /// What sales reads on the organization.
    #[must_use]
    pub fn label(&self) -> &str {
        match self {
            Self::Active => "Active",
            Self::Inactive => "Inactive",
            Self::Other(code) => code,
        }
    }
}

/// An AR account of the ERP as last read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ErpAccount {
    /// Its identity.
    pub id: AccountId,
    /// The party that owns it.
    pub party: PartyId,
    /// `AccountNumber`: what finance and invoices use.
    pub number: String,
    /// `LastUpdateDate`.
    pub updated_at: Timestamp,
}

/// What only the ERP's services say about an AR account (oracle-fusion.md 1.4): no list shows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccountTerms {
    /// The account.
    pub account: AccountId,
    /// The party that owns it.
    pub party: PartyId,
    /// `CustomerClassCode`, from the ERP's own list.
    pub class: Option<String>,
    /// `PaymentTerms` of the profile in force.
    pub payment_terms: Option<String>,
}

/// A customer of the ERP: a party together with its accounts, ordered by account id.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ErpCustomer {
    /// The party.
    pub party: ErpParty,
    /// Its AR accounts.
    pub accounts: Vec<ErpAccount>,
    /// Accounts of parties that are its aliases, in the order of their ids: their numbers are shown, nothing else.
    #[serde(default)]
    pub also: Vec<ErpAccount>,
    /// What is known beside that of its accounts, in the same order, where it is mapped.
    #[serde(default)]
    pub terms: Vec<AccountTerms>,
    /// Names of its parents by the ERP's relationships, where they are mapped, in the order of their ids.
    #[serde(default)]
    pub parents: Vec<String>,
}

impl ErpCustomer {
    /// A party and its accounts, of which nothing else is known.
    #[must_use]
    pub fn of(party: ErpParty, accounts: Vec<ErpAccount>) -> Self {
        Self { party, accounts, also: Vec::new(), terms: Vec::new(), parents: Vec::new() }
    }
}

/// An organization of the CRM as last read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CrmOrg {
    /// Its identity.
    pub id: OrgId,
    /// Its mapped fields; unset ones are absent.
    pub values: Values,
    /// What else is known of it.
    #[serde(default, skip_serializing_if = "OrgFacts::is_empty")]
    pub facts: OrgFacts,
    /// `update_time`, whole seconds.
    pub updated_at: Timestamp,
}

/// A record of a page, or what is left of it when it could not be read. A bad record never spoils its page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Seen<T> {
    /// Read and understood.
    Record(T),
    /// Not understood: it becomes a hold of its own.
    Malformed(Malformed),
}

/// A record that could not be understood.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Malformed {
    /// Its id, when that much could be read.
    pub id: Option<i64>,
    /// The party it belongs to, for records that belong to one, when that much could be read.
    pub owner: Option<PartyId>,
    /// Its change stamp, when that much could be read.
    pub updated_at: Option<Timestamp>,
    /// Which attribute was wrong, and how.
    pub reason: String,
}

/// A page of records as a remote system gave it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page<T> {
    /// The records in the order asked for.
    pub rows: Vec<Seen<T>>,
    /// Whether more records follow.
    pub more: bool,
    /// Where the next page begins, for systems that hand out cursors.
    pub next: Option<String>,
    /// The server's own clock when it answered (its `Date` header).
    pub server_now: Timestamp,
}
