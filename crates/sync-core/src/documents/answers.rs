//! What persons said about where documents belong.

use serde::{Deserialize, Serialize};

use super::{
    document::Document,
    reference::{ReferenceField, fold},
};
use crate::ids::{DealId, PartyId};

/// Where a person said that a document belongs. It wins until its deal is gone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AttachAnswer {
    /// To this deal.
    Deal(DealId),
    /// To none.
    NoDeal,
}

/// An answer that a person made a rule of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Learned {
    /// Documents of which kind of likeness.
    pub by: LearnedBy,
    /// The deal they belong to.
    pub deal: DealId,
}

/// What documents of a learned rule have in common.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LearnedBy {
    /// They say the same in this field.
    Reference {
        /// The field.
        field: ReferenceField,
        /// What it says; letter case and blanks do not matter.
        value: String,
    },
    /// They are billed to this account.
    Account(String),
    /// They are of this customer, or of this supplier.
    Party(PartyId),
}

impl LearnedBy {
    /// Whether a document is meant.
    #[must_use]
    pub fn means(&self, document: &Document) -> bool {
        match self {
            Self::Reference { field, value } => {
                document.references.get(field).is_some_and(|said| fold(said) == fold(value))
            }
            Self::Account(account) => document.account_number.as_deref() == Some(account),
            Self::Party(party) => document.party == Some(*party),
        }
    }

    /// All rules that an answer about this document can become, the narrowest first.
    #[must_use]
    pub fn choices(document: &Document) -> Vec<Self> {
        let by_reference = |(field, value): (&ReferenceField, &String)| Self::Reference {
            field: field.clone(),
            value: value.clone(),
        };
        let mut all: Vec<Self> = document.references.iter().map(by_reference).collect();
        all.extend(document.account_number.clone().map(Self::Account));
        all.extend(document.party.map(Self::Party));
        all
    }

    /// By what a person chooses it among those of a document: the field's name, `account` or `party`.
    #[must_use]
    pub fn key(&self) -> String {
        match self {
            Self::Reference { field, .. } => field.to_string(),
            Self::Account(_) => "account".to_owned(),
            Self::Party(_) => "party".to_owned(),
        }
    }

    /// In words.
    #[must_use]
    pub fn explain(&self) -> String {
        match self {
            Self::Reference { field, value } => format!("{field} is \"{value}\""),
            Self::Account(account) => format!("it is billed to account {account}"),
            Self::Party(party) => format!("it is of party {party}"),
        }
    }
}
