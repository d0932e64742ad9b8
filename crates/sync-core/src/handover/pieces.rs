//! What a customer of the ERP is made of: party, address, account with a site to bill to, profile. Each is looked for,
//! then created if it is missing, then remembered.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{shown::Shown, trigger::Cause};
use crate::{
    customers::{
        BILL_TO, ErpAddress, FoundAccount, NewAccount, NewAddress, NewParty, NewProfile, NewSite, Profile,
        Reference,
    },
    ids::{AccountId, AccountSiteId, PartyId, PartySiteId, SetId, SiteUseId},
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
    /// Whether nothing is missing of a customer of this set.
    #[must_use]
    pub fn is_complete(&self, set: SetId) -> bool {
        self.party.is_some() && self.account.is_some() && self.sites.contains_key(&set) && self.profile
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
        }
    }
}
