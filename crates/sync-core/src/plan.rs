//! The exact writes that follow from a decision. What is previewed, stored, tested and executed is this value.

use serde::{Deserialize, Serialize};

use crate::{
    budget::Class,
    fields::{Field, Values},
    hierarchy,
    hold::HoldReason,
    ids::{OrgId, PartyId, RelationId},
    value::Value,
};

/// What to do about one party, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    /// The party it is about.
    pub party: PartyId,
    /// One write each, in order. Only the first is applied before everything is observed again.
    pub steps: Vec<Step>,
    /// Why, in words for people.
    pub reason: String,
    /// The rule that asked for it, stable, for filters and metrics.
    pub rule: Rule,
    /// How urgent it is.
    pub class: Class,
    /// A question that remains when the steps are done.
    pub then_hold: Option<HoldReason>,
}

impl Plan {
    /// The plan as it is stored when a key of this class asked for it: what bulk work finds stays bulk work, however new
    /// the customer is; else the more urgent of the two counts, so that a plan is never less urgent than its key.
    #[must_use]
    pub fn asked_by(self, key: Class) -> Self {
        let class = match key {
            Class::Audit | Class::Backfill => key,
            Class::Urgent | Class::NewCustomer | Class::Document | Class::Edit => key.min(self.class),
        };
        Self { class, ..self }
    }

    /// What is left of it once its first step is done; none where that was all. Only plans about relations have more.
    #[must_use]
    pub fn after_first(&self) -> Option<Self> {
        let steps: Vec<Step> = self.steps.iter().skip(1).cloned().collect();
        (!steps.is_empty()).then(|| Self { reason: hierarchy::explain(&steps), steps, ..self.clone() })
    }
}

/// One write.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "op")]
pub enum Step {
    /// Remember that party and organization are the same company. Writes to our own store only.
    Bind {
        /// The organization that carries the party's id.
        org: OrgId,
    },
    /// Forget the pair with an organization that is gone. Writes to our own store only.
    Forget {
        /// The organization that is gone.
        org: OrgId,
    },
    /// Create an organization.
    Create {
        /// Everything it shall say.
        values: Values,
    },
    /// Set some fields of an organization.
    Update {
        /// The organization.
        org: OrgId,
        /// Only what differs.
        changes: Vec<Change>,
    },
    /// Make an organization a daughter of another one.
    Relate {
        /// The parent's party.
        parent: PartyId,
        /// The parent's organization.
        parent_org: OrgId,
        /// The daughter's organization.
        org: OrgId,
    },
    /// End a relation that we made.
    Unrelate {
        /// Its id.
        relation: RelationId,
        /// The parent's party.
        parent: PartyId,
        /// The daughter's organization.
        org: OrgId,
    },
}

/// One field of an update.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change {
    /// The field.
    pub field: Field,
    /// What the CRM says now.
    pub old: Option<Value>,
    /// What it shall say; absent clears it.
    pub new: Option<Value>,
}

/// Which rule asked for a plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Rule {
    /// A customer of the ERP has no organization.
    CustomerWithoutOrganization,
    /// An organization already carries the customer's id.
    OrganizationCarriesId,
    /// An existing organization is surely the same company.
    OrganizationMatches,
    /// A person said which organization it is.
    PersonChose,
    /// A field of the organization differs from the ERP, which owns it.
    ErpOwnsField,
    /// The organization of a customer is gone.
    OrganizationGone,
    /// The ERP says whose daughter the customer is.
    ErpFamily,
}

impl Rule {
    /// Its name in the journal.
    #[must_use]
    pub fn key(self) -> &'static str {
        match self {
            Self::CustomerWithoutOrganization => "customer_without_organization",
            Self::OrganizationCarriesId => "organization_carries_id",
            Self::OrganizationMatches => "organization_matches",
            Self::PersonChose => "person_chose",
            Self::ErpOwnsField => "erp_owns_field",
            Self::OrganizationGone => "organization_gone",
            Self::ErpFamily => "erp_family",
        }
    }
}

impl Step {
    /// Whether it is sent to a remote system.
    #[must_use]
    pub fn is_remote(&self) -> bool {
        match self {
            Self::Bind { .. } | Self::Forget { .. } => false,
            Self::Create { .. } | Self::Update { .. } | Self::Relate { .. } | Self::Unrelate { .. } => true,
        }
    }

    /// Whether repeating it would make a second record.
    #[must_use]
    pub fn is_create(&self) -> bool {
        match self {
            Self::Create { .. } | Self::Relate { .. } => true,
            Self::Bind { .. } | Self::Forget { .. } | Self::Update { .. } | Self::Unrelate { .. } => false,
        }
    }

    /// Its name in the journal.
    #[must_use]
    pub fn op(&self) -> &'static str {
        match self {
            Self::Bind { .. } => "bind",
            Self::Forget { .. } => "forget",
            Self::Create { .. } => "create",
            Self::Update { .. } => "update",
            Self::Relate { .. } => "relate",
            Self::Unrelate { .. } => "unrelate",
        }
    }

    /// The organization it is about, if that exists already.
    #[must_use]
    pub fn org(&self) -> Option<OrgId> {
        match self {
            Self::Bind { org }
            | Self::Forget { org }
            | Self::Update { org, .. }
            | Self::Relate { org, .. }
            | Self::Unrelate { org, .. } => Some(*org),
            Self::Create { .. } => None,
        }
    }

    /// The fields it sends with their values.
    #[must_use]
    pub fn sent(&self) -> Vec<(Field, Option<Value>)> {
        match self {
            Self::Bind { .. } | Self::Forget { .. } | Self::Relate { .. } | Self::Unrelate { .. } => {
                Vec::new()
            }
            Self::Create { values } => {
                values.iter().map(|(field, value)| (*field, Some(value.clone()))).collect()
            }
            Self::Update { changes, .. } => {
                changes.iter().map(|change| (change.field, change.new.clone())).collect()
            }
        }
    }
}
