//! What makes a customer of the ERP that can be invoiced: party, address, account with a site to bill to, credit
//! profile, and whom there the bill goes to (oracle-fusion.md 1.4, 1.5); free of any vendor's JSON and XML.

use std::collections::BTreeMap;

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use crate::{
    ids::{
        AccountContactId, AccountId, AccountSiteId, PartyId, PartySiteId, ProfileId, RelationshipId, SetId,
        SiteUseId,
    },
    model::PartyStatus,
};

/// Our name for a record there, by which it is found again: unique within its system and kind of record.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Reference {
    /// The source system as it is registered there.
    pub system: String,
    /// What the record is called in that system; at most 240 characters fit everywhere.
    pub value: String,
}

/// A party to create.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewParty {
    /// Up to 360 characters, need not be unique.
    pub name: String,
    /// Why it exists; without a usage there is no party.
    pub usage: String,
    /// Our name for it.
    pub reference: Reference,
    /// Its number with the tax authority.
    pub tax_id: Option<String>,
    /// Its web site.
    pub url: Option<String>,
    /// Its telephone number.
    pub phone: Option<String>,
    /// The currency that it prefers (ISO 4217).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub currency: Option<String>,
    /// Where it is; created with it, all or nothing.
    pub addresses: Vec<NewAddress>,
}

/// A party that was just created.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CreatedParty {
    /// Its identity.
    pub id: PartyId,
    /// The key people and URLs use.
    pub number: String,
}

/// The parts of an address as the ERP keeps them.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AddressParts {
    /// Street and house; up to four lines.
    pub lines: Vec<String>,
    /// Town.
    pub city: Option<String>,
    /// County.
    pub county: Option<String>,
    /// State.
    pub state: Option<String>,
    /// Province, where a country has these instead of states.
    pub province: Option<String>,
    /// Postal code.
    pub postal_code: Option<String>,
    /// ISO 3166 alpha-2.
    pub country: Option<String>,
}

/// An address to add to a party.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewAddress {
    /// What it is for, `BILL_TO` for example.
    pub purpose: Option<String>,
    /// Our name for it, if it has one.
    pub reference: Option<Reference>,
    /// Where it is; the country is needed.
    pub parts: AddressParts,
}

/// An address of a party.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ErpAddress {
    /// Its identity: what a site of an account names.
    pub id: PartySiteId,
    /// Its key in URLs.
    pub number: Option<String>,
    /// What it is for.
    pub purpose: Option<String>,
    /// Our name for it, if that is shown.
    pub reference: Option<Reference>,
    /// Where it is.
    pub parts: AddressParts,
    /// Whether it is the party's main address.
    pub primary: bool,
    /// Whether it is in use; without a status it is.
    pub active: bool,
}

/// What can be changed of a party; its addresses are records of their own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PartyAttribute {
    /// Its name.
    Name,
    /// Its number with the tax authority.
    TaxId,
    /// Its web site.
    Url,
    /// Its telephone number.
    Phone,
}

/// Changes of a party: what is not named is kept, `None` clears.
pub type PartyChanges = BTreeMap<PartyAttribute, Option<String>>;

/// How a conditional change ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Updated {
    /// The change is made.
    Done,
    /// Somebody else changed the record since it was read: nothing was written. Read again, decide again.
    Overtaken,
}

/// The site use that makes a customer invoiceable.
pub const BILL_TO: &str = "BILL_TO";

/// An account to create, with its first site.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewAccount {
    /// Who owns it.
    pub party: PartyId,
    /// What people call it.
    pub name: String,
    /// A class from the ERP's own list.
    pub class: Option<String>,
    /// Our name for it: creating is not idempotent, so this is how it is found again.
    pub reference: Reference,
    /// Its first site.
    pub site: NewSite,
}

/// A site to add to an account, with its first use.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewSite {
    /// The party's address.
    pub party_site: PartySiteId,
    /// The reference data set of the business unit.
    pub set: SetId,
    /// What it is for, [`BILL_TO`] for example.
    pub purpose: String,
    /// Our name for the site and, in a table of its own, for its use.
    pub reference: Reference,
}

/// An account as it is there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FoundAccount {
    /// Its identity.
    pub id: AccountId,
    /// Who owns it.
    pub party: PartyId,
    /// What finance and invoices use.
    pub number: String,
    /// What people call it.
    pub name: Option<String>,
    /// Its class, from the ERP's own list.
    pub class: Option<String>,
    /// Whether it is in use; without a status it is.
    pub active: bool,
    /// Its sites.
    pub sites: Vec<AccountSite>,
    /// Who is a contact of it.
    #[serde(default)]
    pub contacts: Vec<AccountContact>,
    /// Why not all of its contacts could be read; nothing is decided about them then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unclear: Option<String>,
}

/// An address used by an account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccountSite {
    /// Its identity.
    pub id: AccountSiteId,
    /// The party's address.
    pub party_site: PartySiteId,
    /// The reference data set it belongs to.
    pub set: Option<SetId>,
    /// Whether it is in use; without a status it is.
    pub active: bool,
    /// What it is for.
    pub uses: Vec<SiteUse>,
}

/// What a site is for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SiteUse {
    /// Its identity.
    pub id: SiteUseId,
    /// `BILL_TO`, `SHIP_TO` and others.
    pub purpose: String,
    /// Whether it is in use; without a status it is.
    pub active: bool,
}

/// Which account a profile belongs to: either name will do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AccountKey {
    /// Its identity.
    Id(AccountId),
    /// Its number.
    Number(String),
}

/// A credit profile to create. An account without one cannot be invoiced.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewProfile {
    /// Whose profile it is.
    pub account: AccountKey,
    /// The owner of the account; needed beside it.
    pub party: PartyId,
    /// The profile class, which gives it its values.
    pub class: String,
    /// Other payment terms than those of the class, by name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub payment_terms: Option<String>,
    /// The day from which it counts.
    pub starts: Date,
}

/// The credit profile in force for an account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Profile {
    /// Its identity, where the ERP tells it.
    pub id: Option<ProfileId>,
    /// Its profile class.
    pub class: Option<String>,
    /// When what is invoiced has to be paid, by the name of the terms.
    pub payment_terms: Option<String>,
    /// The day from which it counts.
    pub starts: Option<Date>,
    /// The last day on which it counts.
    pub ends: Option<Date>,
}

/// A person to create in the ERP: a party of its own, which becomes somebody's contact by a relationship.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewPerson {
    /// The first name, where one is known apart from the last.
    pub first: Option<String>,
    /// The last name, or all of it.
    pub last: String,
    /// The e-mail address.
    pub email: Option<String>,
    /// The telephone number.
    pub phone: Option<String>,
    /// Why the party exists.
    pub usage: String,
    /// Our name for it.
    pub reference: Reference,
}

/// A person of the ERP.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ErpPerson {
    /// Its identity.
    pub id: PartyId,
    /// The key people and URLs use.
    pub number: String,
    /// Whether it is in use.
    pub status: PartyStatus,
}

/// Somebody whom a company of the ERP names as its contact.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FoundContact {
    /// What makes the person its contact.
    pub relationship: RelationshipId,
    /// The person.
    pub person: PartyId,
    /// What the person is called, if that is told.
    pub name: Option<String>,
}

/// Who is a contact of an account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccountContact {
    /// Its identity.
    pub id: AccountContactId,
    /// What makes the person a contact of the account's owner.
    pub relationship: RelationshipId,
    /// Whether it is in use; without a status it is.
    pub active: bool,
    /// What for, [`BILL_TO`] for example.
    pub purposes: Vec<String>,
}

/// Somebody to make a contact of an account, for one purpose.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewAccountContact {
    /// What makes the person a contact of the account's owner.
    pub relationship: RelationshipId,
    /// The contact that is there already, and only lacks the purpose.
    pub known: Option<AccountContactId>,
    /// What for, [`BILL_TO`] for example.
    pub purpose: String,
    /// Whether it is the first one asked for that purpose.
    pub primary: bool,
}
