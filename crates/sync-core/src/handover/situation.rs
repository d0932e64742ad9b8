//! Everything that is known about one organization when its handover is decided.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{
    answers::HandoverAnswers,
    pieces::{Looked, Made, PieceKind},
    question::Question,
    shown::Answers,
};
use crate::{
    deals::CrmDeal,
    ids::{DealId, OrgId, PartyId},
    model::ErpCustomer,
    situation::{CrmSide, Doubt},
};

/// Everything known about one organization.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Handover {
    /// The organization.
    pub org: OrgId,
    /// Now.
    pub now: Timestamp,
    /// From when on changes set handovers off by themselves.
    pub activated_at: Timestamp,
    /// What the CRM says about it.
    pub crm: CrmSide,
    /// When it was seen to belong to somebody else than before.
    pub assigned_at: Option<Timestamp>,
    /// Its deals, as last read.
    pub deals: Vec<StagedDeal>,
    /// The customer it is paired with.
    pub pair: Option<Paired>,
    /// The party whose id it carries.
    pub carried: Option<PartyId>,
    /// What was made so far.
    pub made: Made,
    /// What the ERP was found to have, a moment ago.
    pub looked: Looked,
    /// An unanswered write, if any.
    pub doubt: Option<Doubt>,
    /// The open question, and since when it is asked.
    pub hold: Option<(Question, Timestamp)>,
    /// Whether a write that was refused before shall be tried again.
    pub try_again: bool,
    /// What people decided.
    pub answers: HandoverAnswers,
}

/// What the CRM says about an organization beside its mapped fields.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct OrgFacts {
    /// The salesperson.
    pub owner: Option<i64>,
    /// When it was entered.
    pub added_at: Option<Timestamp>,
    /// Its labels.
    pub labels: Vec<String>,
    /// Custom fields that the policy asks about, by the names that it has for them, as people read them: of a field with
    /// several options all that are chosen.
    pub custom: BTreeMap<String, Vec<String>>,
    /// What our own answers say there.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub shown: Answers,
}

impl OrgFacts {
    /// Whether nothing is known.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// A deal as last read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StagedDeal {
    /// The deal.
    pub deal: CrmDeal,
    /// When it was read.
    pub read_at: Timestamp,
}

/// The customer that an organization is paired with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Paired {
    /// The party.
    pub party: PartyId,
    /// What the ERP says about it, if that was read.
    pub customer: Option<ErpCustomer>,
}

/// What is handed over: the key of this flow.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "kind", content = "id")]
pub enum Subject {
    /// An organization.
    Org(OrgId),
    /// A won deal that has no organization.
    Deal(DealId),
}

impl std::fmt::Display for Subject {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Org(org) => write!(f, "organization {org}"),
            Self::Deal(deal) => write!(f, "deal {deal}"),
        }
    }
}

/// What a person asked for by hand.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Asked {
    /// The organization, whether a deal was won or not.
    Org,
    /// This deal, whenever it was won.
    Deal(DealId),
}

impl Handover {
    /// What else the CRM says about the organization; nothing where it was not read.
    #[must_use]
    pub fn facts(&self) -> OrgFacts {
        match &self.crm {
            CrmSide::Present { org, .. } => org.facts.clone(),
            CrmSide::NoPair | CrmSide::Unknown | CrmSide::Malformed(_) | CrmSide::Absent { .. } => {
                OrgFacts::default()
            }
        }
    }

    /// Whether anything of the customer was created already.
    #[must_use]
    pub fn is_begun(&self) -> bool {
        self.made.began.is_some()
    }

    /// Whether a part of a customer was created and another is still missing.
    #[must_use]
    pub fn is_under_way(&self) -> bool {
        self.made.began.as_ref().is_some_and(|began| !self.made.is_finished(began.set))
    }

    /// Whether a write of this kind was refused, and nobody said to try again.
    #[must_use]
    pub fn was_refused(&self, kind: PieceKind) -> bool {
        let refused = self.hold.as_ref().and_then(|(question, _)| question.refused());
        refused == Some(kind) && !self.try_again
    }
}
