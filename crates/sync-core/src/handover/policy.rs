//! What the owner of a connection wants to become a customer of the ERP, when, and where.

use std::collections::{BTreeMap, BTreeSet};

use jiff::SignedDuration;
use serde::{Deserialize, Serialize};

use super::{
    shown::{AnswerField, AnswerRules},
    situation::OrgFacts,
};
use crate::{
    customers::Reference,
    deals::DealFacts,
    documents::{DocumentPolicy, How, RollUpField},
    ids::{OrgId, PersonId, SetId},
    money::Amount,
    text,
};

/// Everything that a handover depends on beside the situation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct HandoverPolicy {
    /// What sets one off.
    pub on: BTreeSet<Trigger>,
    /// By what people say that an organization or a deal is meant for the ERP.
    pub mark: Option<Mark>,
    /// Whether nothing is handed over without the mark, whatever else sets it off.
    pub require_mark: bool,
    /// Whether a person is asked first.
    pub approval: Approval,
    /// From these values of a deal on a person is asked in any case, by currency. A currency that is not named is asked
    /// about if any is.
    pub review_above: BTreeMap<String, Amount>,
    /// After this a question for approval is no longer answered with yes.
    pub approval_lasts: SignedDuration,
    /// The source system that is registered in the ERP for us.
    pub source_system: String,
    /// The company of the CRM: two of them may feed one ERP.
    pub company: i64,
    /// Why a party exists that we create.
    pub usage: String,
    /// Why the persons exist that become contacts of the accounts that we create: of each deal that sets one off its person;
    /// none become contacts if it is not said.
    pub contact: Option<String>,
    /// Whether a person is asked before a party is used that the ERP knows already as something else.
    pub ask_to_reuse: bool,
    /// What has to be known before anything is created.
    pub required: Required,
    /// Where a customer belongs: the first one that fits.
    pub business_units: Vec<BusinessUnit>,
    /// What is shown of it on deals and organizations.
    pub answers: AnswerRules,
    /// After this a created record of the ERP is surely found.
    pub settle: SignedDuration,
    /// Deals and organization must have been read this recently before anything is begun.
    pub freshness: SignedDuration,
}

impl HandoverPolicy {
    /// Our name for whatever we create for an organization (architecture section 2: origin key). The ERP keeps one name
    /// space for each kind of record (oracle-fusion.md 1.5), so all of them share it.
    #[must_use]
    pub fn reference(&self, org: OrgId) -> Reference {
        Reference { system: self.source_system.clone(), value: format!("pd:{}:org:{org}", self.company) }
    }

    /// Whether rules name pipelines or users: the CRM tells them by number only.
    #[must_use]
    pub fn asks_for_names(&self) -> bool {
        self.business_units.iter().any(|unit| !unit.when.pipeline.is_empty() || !unit.when.owner.is_empty())
    }

    /// Our name for the site of an organization's account in a set.
    #[must_use]
    pub fn site_reference(&self, org: OrgId, set: SetId) -> Reference {
        Reference {
            system: self.source_system.clone(),
            value: format!("pd:{}:org:{org}:set:{set}", self.company),
        }
    }

    /// Our name for a person.
    #[must_use]
    pub fn person_reference(&self, person: PersonId) -> Reference {
        Reference {
            system: self.source_system.clone(),
            value: format!("pd:{}:person:{person}", self.company),
        }
    }

    /// What has to be read of organizations and deals beside their mapped fields.
    #[must_use]
    pub fn interest(&self) -> Interest {
        let of_units = self.business_units.iter().filter_map(|unit| unit.when.field.as_ref());
        let of_mark = match &self.mark {
            Some(Mark::Field(field)) => Some(field),
            Some(Mark::Label(_)) | None => None,
        };
        let mut fields: Vec<String> = Vec::new();
        for field in of_mark.into_iter().chain(of_units) {
            if !fields.contains(&field.name) {
                fields.push(field.name.clone());
            }
        }
        let labels = matches!(self.mark, Some(Mark::Label(_)));
        let AnswerRules { deal, org, link: _, activity: _ } = self.answers.clone();
        Interest { fields, labels, on_deal: deal, on_org: org, rolled: BTreeSet::new() }
    }

    /// Whether the organization itself says that it is meant for the ERP. Never, if there is no mark.
    #[must_use]
    pub fn marks_org(&self, facts: &OrgFacts) -> bool {
        self.mark.as_ref().is_some_and(|mark| mark.is_on(&facts.labels, &facts.custom))
    }

    /// Whether the deal itself says so.
    #[must_use]
    pub fn marks_deal(&self, facts: &DealFacts) -> bool {
        self.mark.as_ref().is_some_and(|mark| mark.is_on(&facts.labels, &facts.custom))
    }
}

/// What has to be read of organizations and deals beside their mapped fields.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Interest {
    /// Custom fields, by name or code.
    pub fields: Vec<String>,
    /// Whether labels matter.
    pub labels: bool,
    /// What we show on deals ourselves.
    pub on_deal: BTreeSet<AnswerField>,
    /// What we show on organizations ourselves.
    pub on_org: BTreeSet<AnswerField>,
    /// What we show on deals of their documents.
    pub rolled: BTreeSet<RollUpField>,
}

impl Interest {
    /// Whether rules ask for nothing.
    #[must_use]
    pub fn asks_nothing(&self) -> bool {
        self.fields.is_empty() && !self.labels
    }

    /// With what documents ask about on deals.
    #[must_use]
    pub fn with_documents(mut self, documents: &DocumentPolicy) -> Self {
        let said = documents.references.iter().filter_map(|rule| match &rule.how {
            How::DealField(field) => Some(field.clone()),
            How::Pattern(_) => None,
        });
        for field in said {
            if !self.fields.contains(&field) {
                self.fields.push(field);
            }
        }
        self.rolled.clone_from(&documents.fields);
        self
    }
}

/// What sets a handover off.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Trigger {
    /// A deal of the organization was won.
    DealWon,
    /// The organization was given to somebody else.
    OrgAssigned,
    /// The organization was entered.
    OrgCreated,
}

/// By what people say that something is meant for the ERP.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mark {
    /// The organization or the deal has this label.
    Label(String),
    /// A custom field of the organization or the deal says this.
    Field(FieldIs),
}

impl Mark {
    fn is_on(&self, labels: &[String], custom: &BTreeMap<String, Vec<String>>) -> bool {
        match self {
            Self::Label(label) => labels.iter().any(|shown| same(shown, label)),
            Self::Field(field) => field.holds(custom),
        }
    }
}

/// A custom field that says something.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FieldIs {
    /// Its name or its code.
    pub name: String,
    /// What it says, one of these; letter case does not matter.
    pub values: Vec<String>,
}

impl FieldIs {
    /// Whether the field says so; of several chosen options one is enough.
    #[must_use]
    pub fn holds(&self, custom: &BTreeMap<String, Vec<String>>) -> bool {
        let said = custom.iter().find(|(name, _)| same(name, &self.name)).map(|(_, said)| said);
        said.into_iter().flatten().any(|said| self.values.iter().any(|value| same(value, said)))
    }
}

/// Whether a person is asked before something is created.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Approval {
    /// Nobody is.
    Auto,
    /// Somebody is, each time.
    Review,
}

/// What has to be known of an organization.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Required {
    /// A street address; the country is needed always, because the ERP has no address without one.
    pub address: bool,
    /// The tax id, in these countries (ISO 3166 alpha-2, or `*` for all).
    pub tax_id: BTreeSet<String>,
}

/// A business unit, and what customers get that belong to it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BusinessUnit {
    /// What people call it.
    pub name: String,
    /// Its reference data set for customer sites (oracle-fusion.md 1.4).
    pub set: SetId,
    /// What belongs to it.
    pub when: Conditions,
    /// The profile class of its customers.
    pub profile_class: String,
    /// The class of its customers' accounts.
    pub customer_class: Option<String>,
    /// The currency that a party created for it prefers (ISO 4217).
    pub currency: Option<String>,
    /// The payment terms of its customers' profiles, by name; those of the profile class without.
    pub payment_terms: Option<String>,
}

/// What has to be true; what is empty asks for nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Conditions {
    /// The deal is in one of these pipelines, by name or number. Not true where there is no deal.
    pub pipeline: Vec<String>,
    /// The organization is in one of these countries (ISO 3166 alpha-2).
    pub country: Vec<String>,
    /// The deal, or without one the organization, belongs to one of these users, by name, e-mail address or number.
    pub owner: Vec<String>,
    /// A custom field of the deal or the organization says so.
    pub field: Option<FieldIs>,
}

/// Names behind numbers of the CRM.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Directory {
    /// Pipelines.
    pub pipelines: BTreeMap<i64, String>,
    /// Users: name and e-mail address.
    pub users: BTreeMap<i64, Vec<String>>,
}

impl Directory {
    /// Whether one of the names stands for this pipeline.
    #[must_use]
    pub fn is_pipeline(&self, id: i64, names: &[String]) -> bool {
        means(id, self.pipelines.get(&id).into_iter(), names)
    }

    /// Whether one of the names stands for this user.
    #[must_use]
    pub fn is_user(&self, id: i64, names: &[String]) -> bool {
        means(id, self.users.get(&id).into_iter().flatten(), names)
    }
}

fn means<'a>(id: i64, mut known: impl Iterator<Item = &'a String>, names: &[String]) -> bool {
    let id = id.to_string();
    names.iter().any(|name| name.trim() == id)
        || known.any(|known| names.iter().any(|name| same(name, known)))
}

/// Whether two names are the same, whatever their blanks and letter case.
pub(super) fn same(left: &str, right: &str) -> bool {
    text::squeeze(left).to_lowercase() == text::squeeze(right).to_lowercase()
}
