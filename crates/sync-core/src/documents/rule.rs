//! Why a document belongs to a deal, and why that is not certain.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::{
    answers::LearnedBy, kind::DocumentKey, known::LinkAsk, reference::ReferenceField, score::Reason,
};
use crate::ids::{DealId, OrgId};

/// By which rule a document found its deal. Closed on purpose: match it without `_`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "rule")]
pub enum Rule {
    /// A person said so.
    Answer,
    /// A person made a rule of an answer.
    Learned {
        /// What is the same.
        by: LearnedBy,
    },
    /// It names the deal by its id.
    Pattern {
        /// Where.
        field: ReferenceField,
        /// In which form.
        pattern: String,
        /// What the field says.
        said: String,
    },
    /// It says the same as a custom field of the deal.
    DealField {
        /// Where.
        field: ReferenceField,
        /// The field of the deal.
        deal_field: String,
        /// What both say.
        said: String,
    },
    /// It belongs to another document, and that has the deal.
    Link {
        /// The other document.
        document: DocumentKey,
        /// What links them.
        by: LinkAsk,
    },
    /// The deal of its customer that fits clearly best.
    Customer {
        /// The points of the deal.
        score: i32,
        /// What speaks for it and against it.
        reasons: Vec<Reason>,
    },
    /// It was matched by its customer before, and the deal can still be meant.
    Kept,
}

impl Rule {
    /// Its name in lists and metrics.
    #[must_use]
    pub const fn key(&self) -> &'static str {
        match self {
            Self::Answer => "answer",
            Self::Learned { .. } => "learned",
            Self::Pattern { .. } => "pattern",
            Self::DealField { .. } => "deal_field",
            Self::Link { .. } => "link",
            Self::Customer { .. } => "customer",
            Self::Kept => "kept",
        }
    }

    /// Whether it is a guess by the customer, which a better reference corrects.
    #[must_use]
    pub const fn is_guess(&self) -> bool {
        matches!(self, Self::Customer { .. } | Self::Kept)
    }

    /// One sentence for people.
    #[must_use]
    pub fn explain(&self, deal: DealId) -> String {
        match self {
            Self::Answer => format!("A person said that it belongs to deal {deal}."),
            Self::Learned { by } => {
                format!("A person said that documents belong to deal {deal} when {}.", by.explain())
            }
            Self::Pattern { field, pattern, said } => {
                format!("{field} says \"{said}\", which by the pattern {pattern} is deal {deal}.")
            }
            Self::DealField { field, deal_field, said } => {
                format!("{field} says \"{said}\", as does the field \"{deal_field}\" of deal {deal} alone.")
            }
            Self::Link { document, by } => {
                format!("It belongs to {document}, which is on deal {deal}: {}.", by.explain())
            }
            Self::Customer { score, reasons } => format!(
                "Deal {deal} fits clearly best of the customer's deals ({score} points): {}.",
                Reason::list(reasons)
            ),
            Self::Kept => format!("It was matched to deal {deal} before, and nothing says otherwise."),
        }
    }
}

/// Why it is not certain which deal is meant. Closed on purpose: match it without `_`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "why")]
pub enum Ambiguity {
    /// One field names several deals.
    SeveralNamed {
        /// The field.
        field: ReferenceField,
        /// What it says.
        said: String,
    },
    /// Several deals say the same in their custom field.
    SeveralSay {
        /// The field of the deals.
        deal_field: String,
        /// What they say.
        said: String,
    },
    /// It belongs to several documents that are on different deals.
    SeveralLinked {
        /// These.
        documents: BTreeSet<DocumentKey>,
    },
    /// The deal is another company's: one customer would see the invoices of another.
    OtherCompany {
        /// The deal's organization.
        org: OrgId,
        /// The organization of the document's customer.
        customer: OrgId,
    },
    /// No deal of the customer is clearly ahead.
    CloseCall,
}

impl Ambiguity {
    /// One sentence for people.
    #[must_use]
    pub fn explain(&self) -> String {
        match self {
            Self::SeveralNamed { field, said } => {
                format!("{field} says \"{said}\", which names several deals.")
            }
            Self::SeveralSay { deal_field, said } => {
                format!("Several deals say \"{said}\" in their field \"{deal_field}\".")
            }
            Self::SeveralLinked { documents } => {
                let list: Vec<String> = documents.iter().map(ToString::to_string).collect();
                format!("It belongs to {}, and these are on different deals.", list.join(", "))
            }
            Self::OtherCompany { org, customer } => format!(
                "The deal it names is of organization {org}, but its customer is organization {customer}: one company would see the documents of another."
            ),
            Self::CloseCall => "No deal of the customer fits clearly better than the others.".to_owned(),
        }
    }
}

/// A deal that may be meant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Candidate {
    /// The deal.
    pub deal: DealId,
    /// What sales calls it.
    pub title: String,
    /// Its points; see [`Reason::points`].
    pub score: i32,
    /// What speaks for it and against it.
    pub reasons: Vec<Reason>,
}
