//! What a customer of the ERP is made of: party, address, account with a site to bill to, profile, and whom the bill goes to.
//! Each is looked for, then created if it is missing, then remembered.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{contact::MadeContact, shown::Shown, trigger::Cause};
use crate::{
    customers::{
        BILL_TO, ErpAddress, ErpPerson, FoundAccount, FoundContact, NewAccount, NewAccountContact,
        NewAddress, NewParty, NewPerson, NewProfile, NewSite, Profile, Reference,
    },
    deals::CrmPerson,
    ids::{AccountId, AccountSiteId, PartyId, PartySiteId, PersonId, RelationshipId, SetId, SiteUseId},
    matching::PartyVerdict,
    model::ErpParty,
};

/// What was made or found so far, and stays so.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Made {
    /// What the first of our writes was for, and when; none before it.
    pub began: Option<Began>,
    /// The party.
    pub party: Option<MadeParty>,
    /// The party's address that is billed to.
    pub address: Option<PartySiteId>,
    /// The account.
    pub account: Option<MadeAccount>,
    /// Where the account has a site to bill to.
    pub sites: BTreeMap<SetId, SiteUseId>,
    /// Whether the account has a credit profile.
    pub profile: bool,
    /// Whom the bill goes to, by the persons of the CRM.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub contacts: BTreeMap<PersonId, MadeContact>,
    /// Whether the organization was told of what was made.
    pub told: bool,
    /// What deals and organization were told of how it stands.
    #[serde(skip_serializing_if = "Shown::is_empty")]
    pub shown: Shown,
}

/// When creating began, and for what.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Began {
    /// The cause.
    pub cause: Cause,
    /// The set of the business unit.
    pub set: SetId,
    /// When.
    pub at: Timestamp,
    /// The person of the deal, if it is to become a contact of the account.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub contact: Option<PersonId>,
}

/// The party of a customer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MadeParty {
    /// Its identity.
    pub id: PartyId,
    /// The key people and URLs use.
    pub number: String,
    /// Whether we created it.
    pub ours: bool,
    /// Whether it has a usage that customers have.
    pub usage: bool,
}

/// The account of a customer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MadeAccount {
    /// Its identity.
    pub id: AccountId,
    /// What finance and invoices use.
    pub number: String,
    /// Whether we created it.
    pub ours: bool,
}

impl Made {
    /// Whether nothing is missing of a customer of this set that can be invoiced.
    #[must_use]
    pub fn is_complete(&self, set: SetId) -> bool {
        self.party.is_some() && self.account.is_some() && self.sites.contains_key(&set) && self.profile
    }

    /// Whether nothing is left to be done for it: it can be invoiced, and has the contact that it is to have.
    #[must_use]
    pub fn is_finished(&self, set: SetId) -> bool {
        self.is_complete(set) && self.contact_wanted().is_none()
    }

    /// Remembers an account with all its sites that are billed to. The profile of one that others made is their concern.
    pub fn adopt_account(&mut self, account: MadeAccount, found: &FoundAccount) {
        for site in found.sites.iter().filter(|site| site.active) {
            let billed = site.uses.iter().find(|one| one.active && one.purpose == BILL_TO);
            self.sites.extend(site.set.zip(billed).map(|(set, billed)| (set, billed.id)));
        }
        self.profile |= !account.ours;
        self.account = Some(account);
    }
}

/// One write to the ERP.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "piece")]
pub enum Piece {
    /// A party with its address.
    Party {
        /// It.
        new: NewParty,
    },
    /// A usage for a party that the ERP knew already as something else.
    Usage {
        /// The party's number.
        number: String,
        /// The usage.
        usage: String,
    },
    /// An address to bill to.
    Address {
        /// The party's number.
        number: String,
        /// The address.
        new: NewAddress,
    },
    /// An account with its first site.
    Account {
        /// It.
        new: NewAccount,
    },
    /// A site for an account that exists.
    Site {
        /// The account.
        account: AccountId,
        /// The site.
        new: NewSite,
    },
    /// A use for a site that exists.
    SiteUse {
        /// The account.
        account: AccountId,
        /// The site.
        site: AccountSiteId,
        /// The set that the site belongs to.
        set: SetId,
        /// What for.
        purpose: String,
        /// Our name for it.
        reference: Reference,
    },
    /// A credit profile.
    Profile {
        /// It.
        new: NewProfile,
    },
    /// A person, to be made a contact.
    Person {
        /// Who it is in the CRM.
        of: PersonId,
        /// It.
        new: NewPerson,
    },
    /// What makes a person a contact of the customer.
    Contact {
        /// Who it is in the CRM.
        of: PersonId,
        /// The person's number in the ERP.
        number: String,
        /// The customer.
        party: PartyId,
    },
    /// Somebody whom the bills of an account go to.
    AccountContact {
        /// Who it is in the CRM.
        of: PersonId,
        /// The account.
        account: AccountId,
        /// It.
        new: NewAccountContact,
    },
}

/// Kinds of pieces.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PieceKind {
    /// A party.
    Party,
    /// A usage.
    Usage,
    /// An address.
    Address,
    /// An account.
    Account,
    /// A site.
    Site,
    /// A use of a site.
    SiteUse,
    /// A profile.
    Profile,
    /// A person.
    Person,
    /// A contact of a party.
    Contact,
    /// A contact of an account.
    AccountContact,
}

impl Piece {
    /// Its kind.
    #[must_use]
    pub fn kind(&self) -> PieceKind {
        match self {
            Self::Party { .. } => PieceKind::Party,
            Self::Usage { .. } => PieceKind::Usage,
            Self::Address { .. } => PieceKind::Address,
            Self::Account { .. } => PieceKind::Account,
            Self::Site { .. } => PieceKind::Site,
            Self::SiteUse { .. } => PieceKind::SiteUse,
            Self::Profile { .. } => PieceKind::Profile,
            Self::Person { .. } => PieceKind::Person,
            Self::Contact { .. } => PieceKind::Contact,
            Self::AccountContact { .. } => PieceKind::AccountContact,
        }
    }

    /// The person of the CRM that it is made for, if it is a part of a contact.
    #[must_use]
    pub fn contact(&self) -> Option<PersonId> {
        match self {
            Self::Person { of, .. } | Self::Contact { of, .. } | Self::AccountContact { of, .. } => Some(*of),
            Self::Party { .. }
            | Self::Usage { .. }
            | Self::Address { .. }
            | Self::Account { .. }
            | Self::Site { .. }
            | Self::SiteUse { .. }
            | Self::Profile { .. } => None,
        }
    }

    /// Its name in the journal.
    #[must_use]
    pub fn op(&self) -> &'static str {
        match self.kind() {
            PieceKind::Party => "create_party",
            PieceKind::Usage => "add_usage",
            PieceKind::Address => "add_address",
            PieceKind::Account => "create_account",
            PieceKind::Site => "add_site",
            PieceKind::SiteUse => "add_site_use",
            PieceKind::Profile => "create_profile",
            PieceKind::Person => "create_person",
            PieceKind::Contact => "add_contact",
            PieceKind::AccountContact => "add_account_contact",
        }
    }

    /// One sentence for people.
    #[must_use]
    pub fn explain(&self) -> String {
        match self {
            Self::Party { new } => format!("create party \"{}\" as {}", new.name, new.usage),
            Self::Usage { number, usage } => format!("make party {number} a {usage} too"),
            Self::Address { number, .. } => format!("give party {number} an address to bill to"),
            Self::Account { new } => {
                format!("create account \"{}\" with a site to bill to in set {}", new.name, new.site.set)
            }
            Self::Site { account, new } => {
                format!("give account {account} a site to bill to in set {}", new.set)
            }
            Self::SiteUse { account, set, .. } => {
                format!("let account {account} be billed at its site in set {set}")
            }
            Self::Profile { new } => format!("create a credit profile of class {}", new.class),
            Self::Person { new, .. } => {
                let name = new.first.iter().chain([&new.last]).cloned().collect::<Vec<_>>().join(" ");
                format!("create person \"{name}\" as {}", new.usage)
            }
            Self::Contact { number, party, .. } => format!("make person {number} a contact of party {party}"),
            Self::AccountContact { of, account, .. } => {
                format!("let the bills of account {account} go to the person that the CRM has as {of}")
            }
        }
    }
}

/// What has to be found out about the ERP before the next decision.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Look {
    /// The parties that carry our name for the organization.
    ByReference,
    /// Parties that may be the same company, of any usage.
    Alike,
    /// The party as it is now.
    Party(PartyId),
    /// What a party is used as.
    Usages {
        /// Its number.
        number: String,
    },
    /// The addresses of a party.
    Addresses {
        /// Its number.
        number: String,
    },
    /// The accounts that carry our name for the organization.
    Accounts,
    /// The accounts of a party, whoever created them.
    Others(PartyId),
    /// The profile in force of an account.
    Profile {
        /// The account.
        account: AccountId,
        /// The party that owns it.
        party: PartyId,
    },
    /// A person of the CRM.
    Person(PersonId),
    /// The persons of the ERP that carry our name for a person of the CRM.
    Persons(PersonId),
    /// Whom a party names as its contacts.
    Contacts {
        /// Its number.
        number: String,
    },
    /// What makes a person a contact of a party.
    ContactOf {
        /// The person's number.
        number: String,
        /// The party.
        party: PartyId,
    },
    /// An account as it is now.
    Account(AccountId),
}

impl Look {
    /// Whether it is about a contact: whoever may not look there has a customer all the same.
    #[must_use]
    pub fn is_about_contact(&self) -> bool {
        match self {
            Self::Person(_)
            | Self::Persons(_)
            | Self::Contacts { .. }
            | Self::ContactOf { .. }
            | Self::Account(_) => true,
            Self::ByReference
            | Self::Alike
            | Self::Party(_)
            | Self::Usages { .. }
            | Self::Addresses { .. }
            | Self::Accounts
            | Self::Others(_)
            | Self::Profile { .. } => false,
        }
    }

    /// Whether it is the CRM that is asked.
    #[must_use]
    pub fn asks_crm(&self) -> bool {
        match self {
            Self::Person(_) => true,
            Self::ByReference
            | Self::Alike
            | Self::Party(_)
            | Self::Usages { .. }
            | Self::Addresses { .. }
            | Self::Accounts
            | Self::Others(_)
            | Self::Profile { .. }
            | Self::Persons(_)
            | Self::Contacts { .. }
            | Self::ContactOf { .. }
            | Self::Account(_) => false,
        }
    }
}

/// What was found out, a moment ago; none where nobody looked.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Looked {
    /// See [`Look::ByReference`].
    pub by_reference: Option<Vec<ErpParty>>,
    /// See [`Look::Alike`].
    pub alike: Option<PartyVerdict>,
    /// See [`Look::Party`].
    pub party: Option<Option<ErpParty>>,
    /// See [`Look::Usages`].
    pub usages: Option<Vec<String>>,
    /// See [`Look::Addresses`].
    pub addresses: Option<Vec<ErpAddress>>,
    /// See [`Look::Accounts`].
    pub accounts: Option<Vec<FoundAccount>>,
    /// See [`Look::Others`].
    pub others: Option<Vec<FoundAccount>>,
    /// See [`Look::Profile`].
    pub profile: Option<Option<Profile>>,
    /// See [`Look::Person`].
    pub person: Option<Option<CrmPerson>>,
    /// See [`Look::Persons`].
    pub persons: Option<Vec<ErpPerson>>,
    /// See [`Look::Contacts`].
    pub contacts: Option<Vec<FoundContact>>,
    /// See [`Look::ContactOf`].
    pub contact_of: Option<Option<RelationshipId>>,
    /// See [`Look::Account`].
    pub account: Option<Option<FoundAccount>>,
}

impl PieceKind {
    /// What people read.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::Party => "party",
            Self::Usage => "usage",
            Self::Address => "address",
            Self::Account => "account",
            Self::Site => "site",
            Self::SiteUse => "site use",
            Self::Profile => "profile",
            Self::Person => "person",
            Self::Contact => "contact",
            Self::AccountContact => "contact to bill",
        }
    }
}
