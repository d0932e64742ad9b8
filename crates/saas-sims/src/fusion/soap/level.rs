//! The levels of a customer account and their attributes (section 1.4). What is not listed here is refused.

use super::names::{ACCOUNT, PARTY};

/// A row of the tree that the account service reads and writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Level {
    Account,
    Site,
    SiteUse,
    Contact,
    ContactRole,
    Reference,
}

/// What an attribute takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A surrogate key.
    Id,
    /// A number that may have a fraction.
    Number,
    /// Text of at most so many characters.
    Text(usize),
    /// One of these.
    Code(&'static [&'static str]),
    /// `YYYY-MM-DD`.
    Date,
    /// Who and when: kept by the server.
    Who,
}

/// When an attribute can be set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Change {
    Always,
    /// When the row is made.
    Once,
    /// By the server alone; a client may repeat the value.
    Never,
}

/// An attribute.
#[derive(Debug)]
pub(crate) struct Attribute {
    pub(crate) name: &'static str,
    pub(crate) kind: Kind,
    pub(crate) change: Change,
    /// Whether a new row needs it.
    pub(crate) required: bool,
}

pub(crate) const fn free(name: &'static str, kind: Kind) -> Attribute {
    Attribute { name, kind, change: Change::Always, required: false }
}

pub(crate) const fn once(name: &'static str, kind: Kind) -> Attribute {
    Attribute { name, kind, change: Change::Once, required: true }
}

pub(crate) const fn never(name: &'static str, kind: Kind) -> Attribute {
    Attribute { name, kind, change: Change::Never, required: false }
}

const STATUS: Kind = Kind::Code(&["A", "I"]);
const MODULE: Attribute = once("CreatedByModule", Kind::Text(150));
const CREATED: Attribute = never("CreationDate", Kind::Who);
const CREATED_BY: Attribute = never("CreatedBy", Kind::Who);
const UPDATED: Attribute = never("LastUpdateDate", Kind::Who);
const UPDATED_BY: Attribute = never("LastUpdatedBy", Kind::Who);

const ACCOUNT_ATTRIBUTES: &[Attribute] = &[
    never("CustomerAccountId", Kind::Id),
    once("PartyId", Kind::Id),
    free("AccountNumber", Kind::Text(30)),
    free("AccountName", Kind::Text(240)),
    free("Status", STATUS),
    free("CustomerType", Kind::Code(&["R", "I"])),
    free("CustomerClassCode", Kind::Text(30)),
    free("AccountEstablishedDate", Kind::Date),
    free("AccountTerminationDate", Kind::Date),
    MODULE,
    CREATED,
    CREATED_BY,
    UPDATED,
    UPDATED_BY,
];

const SITE_ATTRIBUTES: &[Attribute] = &[
    never("CustomerAccountSiteId", Kind::Id),
    never("CustomerAccountId", Kind::Id),
    once("PartySiteId", Kind::Id),
    once("SetId", Kind::Id),
    free("Status", STATUS),
    free("CustomerCategoryCode", Kind::Text(30)),
    MODULE,
    CREATED,
    CREATED_BY,
    UPDATED,
    UPDATED_BY,
];

const SITE_USE_ATTRIBUTES: &[Attribute] = &[
    never("SiteUseId", Kind::Id),
    never("CustomerAccountSiteId", Kind::Id),
    once("SiteUseCode", Kind::Code(&["BILL_TO", "SHIP_TO"])),
    free("Status", STATUS),
    free("Location", Kind::Text(150)),
    MODULE,
    CREATED,
    CREATED_BY,
    UPDATED,
    UPDATED_BY,
];

const FLAG: Kind = Kind::Code(&["true", "false"]);

/// docs: oesws, Add-a-New-Role-to-an-Existing-Account-Contact; and what public integrations send and read.
const CONTACT_ATTRIBUTES: &[Attribute] = &[
    never("CustomerAccountRoleId", Kind::Id),
    never("CustomerAccountId", Kind::Id),
    once("RelationshipId", Kind::Id),
    once("RoleType", Kind::Code(&["CONTACT"])),
    free("PrimaryFlag", FLAG),
    free("Status", STATUS),
    MODULE,
    CREATED,
    CREATED_BY,
    UPDATED,
    UPDATED_BY,
];

const CONTACT_ROLE_ATTRIBUTES: &[Attribute] = &[
    never("ResponsibilityId", Kind::Id),
    never("CustomerAccountRoleId", Kind::Id),
    once("ResponsibilityType", Kind::Code(&["BILL_TO", "SHIP_TO"])),
    free("PrimaryFlag", FLAG),
    MODULE,
    CREATED,
    CREATED_BY,
    UPDATED,
    UPDATED_BY,
];

const REFERENCE_ATTRIBUTES: &[Attribute] = &[
    never("OrigSystemReferenceId", Kind::Id),
    once("OrigSystem", Kind::Text(30)),
    once("OrigSystemReference", Kind::Text(255)),
    once("OwnerTableName", Kind::Text(30)),
    never("OwnerTableId", Kind::Id),
    free("Status", STATUS),
    MODULE,
    CREATED,
    CREATED_BY,
    UPDATED,
    UPDATED_BY,
];

impl Level {
    /// The level's element inside its parent.
    pub(crate) fn element(self) -> &'static str {
        match self {
            Self::Account => "customerAccount",
            Self::Site => "CustomerAccountSite",
            Self::SiteUse => "CustomerAccountSiteUse",
            Self::Contact => "CustomerAccountContact",
            Self::ContactRole => "CustomerAccountContactRole",
            Self::Reference => "OriginalSystemReference",
        }
    }

    /// What faults call it.
    pub(crate) fn object(self) -> &'static str {
        match self {
            Self::Account => "CustomerAccount",
            Self::Site | Self::SiteUse | Self::Contact | Self::ContactRole | Self::Reference => {
                self.element()
            }
        }
    }

    /// The namespace of what is inside the element.
    pub(crate) fn content(self) -> &'static str {
        match self {
            Self::Account | Self::Site | Self::SiteUse | Self::Contact | Self::ContactRole => ACCOUNT,
            Self::Reference => PARTY,
        }
    }

    pub(crate) fn attributes(self) -> &'static [Attribute] {
        match self {
            Self::Account => ACCOUNT_ATTRIBUTES,
            Self::Site => SITE_ATTRIBUTES,
            Self::SiteUse => SITE_USE_ATTRIBUTES,
            Self::Contact => CONTACT_ATTRIBUTES,
            Self::ContactRole => CONTACT_ROLE_ATTRIBUTES,
            Self::Reference => REFERENCE_ATTRIBUTES,
        }
    }

    /// The surrogate key.
    pub(crate) fn id(self) -> &'static str {
        match self {
            Self::Account => "CustomerAccountId",
            Self::Site => "CustomerAccountSiteId",
            Self::SiteUse => "SiteUseId",
            Self::Contact => "CustomerAccountRoleId",
            Self::ContactRole => "ResponsibilityId",
            Self::Reference => "OrigSystemReferenceId",
        }
    }

    /// The surrogate key of the row above.
    pub(crate) fn parent_id(self) -> Option<&'static str> {
        match self {
            Self::Account => None,
            Self::Site | Self::Contact => Some("CustomerAccountId"),
            Self::ContactRole => Some("CustomerAccountRoleId"),
            Self::SiteUse => Some("CustomerAccountSiteId"),
            Self::Reference => Some("OwnerTableId"),
        }
    }

    pub(crate) fn children(self) -> &'static [Level] {
        match self {
            Self::Account => &[Self::Reference, Self::Site, Self::Contact],
            Self::Contact => &[Self::Reference, Self::ContactRole],
            Self::ContactRole => &[],
            Self::Site => &[Self::Reference, Self::SiteUse],
            Self::SiteUse => &[Self::Reference],
            Self::Reference => &[],
        }
    }

    pub(crate) fn child(self, element: &str) -> Option<Level> {
        self.children().iter().copied().find(|child| child.element() == element)
    }

    /// The table that references of this level name (section 1.1).
    pub(crate) fn table(self) -> Option<&'static str> {
        match self {
            Self::Account => Some("HZ_CUST_ACCOUNTS"),
            Self::Site => Some("HZ_CUST_ACCT_SITES_ALL"),
            Self::SiteUse => Some("HZ_CUST_SITE_USES_ALL"),
            Self::Contact => Some("HZ_CUST_ACCOUNT_ROLES"),
            Self::ContactRole => None,
            Self::Reference => None,
        }
    }
}
