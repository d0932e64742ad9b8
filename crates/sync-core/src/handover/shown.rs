//! What sales reads on the deal and the organization about their customer in the ERP: its numbers, how far it is, a link.
//!
//! Few fields, set to values and compared with what was read. What a person writes over is written once more, then left alone.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::{
    activity::Activity,
    policy::{Directory, HandoverPolicy},
    question::Question,
    situation::Handover,
    trigger::{Because, Cause, causes},
};
use crate::{
    ids::{DealId, IntentId},
    text,
};

/// A custom field in which a handover is answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AnswerField {
    /// The party's id, as organizations carry it.
    CustomerId,
    /// The number of its account.
    AccountNumber,
    /// How far it is.
    Status,
    /// Where the customer is in the ERP.
    Link,
}

impl AnswerField {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::CustomerId, Self::AccountNumber, Self::Status, Self::Link];

    /// What the custom field is called in the CRM.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::CustomerId => "ERP customer id",
            Self::AccountNumber => "ERP account number",
            Self::Status => "ERP handover",
            Self::Link => "ERP link",
        }
    }
}

/// A kind of record that answers are shown on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum AnsweredOn {
    /// Deals.
    Deals,
    /// Organizations.
    Orgs,
}

/// What is to be shown, and where.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct AnswerRules {
    /// On deals.
    pub deal: BTreeSet<AnswerField>,
    /// On organizations, beside what is mapped there.
    pub org: BTreeSet<AnswerField>,
    /// The address of a customer in the ERP, with `{party_id}`, `{party_number}`, `{account_id}` and `{account_number}`.
    pub link: Option<String>,
    /// Whether the deal's owner gets an activity that says what is missing.
    pub activity: bool,
}

/// Texts by field; what is not there is unset.
pub type Answers = BTreeMap<AnswerField, String>;

/// The most characters that a field takes (pipedrive.md 2: varchar).
const LENGTH: usize = 255;

/// What was shown so far of one handover.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Shown {
    /// On deals.
    pub deals: BTreeMap<DealId, OnRecord>,
    /// On the organization.
    pub org: OnRecord,
    /// The activity that asks the deal's owner to fill something in.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub activity: Option<Activity>,
}

impl Shown {
    /// Whether nothing was shown yet.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// What was written to one record.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct OnRecord {
    /// What each field was set to last; none where it was cleared.
    pub written: BTreeMap<AnswerField, Option<String>>,
    /// Fields that were set to the same once more, because they said something else.
    pub again: BTreeSet<AnswerField>,
    /// What is being written: committed before it is sent, and gone with its receipt.
    pub sending: Option<Sending>,
    /// Why the last write did not come about, in the CRM's words; none once one did.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refused: Option<String>,
}

/// A write without a receipt.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sending {
    /// Its number.
    pub intent: IntentId,
    /// What is set; none clears.
    pub changes: BTreeMap<AnswerField, Option<String>>,
}

impl OnRecord {
    /// What has to be written: what differs from what was read, but for what a person insists on. Only our own words are
    /// cleared.
    #[must_use]
    pub fn changes(&self, wanted: &Wanted, read: &Answers) -> BTreeMap<AnswerField, Option<String>> {
        let differs = |(field, wanted): &(&AnswerField, &Option<String>)| {
            let said = read.get(*field);
            let ours = self.written.get(*field).is_some_and(|ours| ours.as_ref() == said);
            let insists = self.written.get(*field) == Some(*wanted) && self.again.contains(*field);
            said != wanted.as_ref() && (wanted.is_some() || ours) && !insists
        };
        wanted.iter().filter(differs).map(|(field, wanted)| (*field, wanted.clone())).collect()
    }

    /// Fields among these that were set to the very same before.
    #[must_use]
    pub fn repeated(&self, changes: &BTreeMap<AnswerField, Option<String>>) -> BTreeSet<AnswerField> {
        let same =
            |(field, value): &(&AnswerField, &Option<String>)| self.written.get(*field) == Some(*value);
        changes.iter().filter(same).map(|(field, _)| *field).collect()
    }

    /// Remembers a write that took effect.
    pub fn remember(&mut self, changes: BTreeMap<AnswerField, Option<String>>) {
        let repeated = self.repeated(&changes);
        for (field, value) in changes {
            if repeated.contains(&field) {
                self.again.insert(field);
            } else {
                self.again.remove(&field);
            }
            self.written.insert(field, value);
        }
        (self.sending, self.refused) = (None, None);
    }
}

/// What a record shall say: only the fields that something is to be said about; none clears.
pub type Wanted = BTreeMap<AnswerField, Option<String>>;

/// What the records of a handover shall say.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct WantedAnswers {
    /// Deals that caused it, and deals that did until now.
    pub deals: BTreeMap<DealId, Wanted>,
    /// The organization.
    pub org: Wanted,
}

/// What deals and organization shall say. Nothing about what is under way: only where it came to rest.
#[must_use]
pub fn answers(policy: &HandoverPolicy, directory: &Directory, handover: &Handover) -> WantedAnswers {
    let all = causes(policy, directory, handover);
    let mut wanted = WantedAnswers::default();
    let mut status = None;
    for because in all.iter().filter(|because| because.due) {
        let Some(standing) = standing(handover, because) else { continue };
        if let Cause::Deal(deal) = because.cause {
            let on_deal = said(policy, handover, &policy.answers.deal, Some(&standing));
            wanted.deals.insert(deal, on_deal);
        }
        // The latest cause that is not done tells how far it is.
        if status.is_none() || standing != DONE_HERE && standing != DONE_THERE {
            status = Some(standing);
        }
    }
    if let Some(status) = &status {
        wanted.org = said(policy, handover, &policy.answers.org, Some(status));
    }
    let on_org = &handover.made.shown.org;
    if status.is_none() && on_org.written.contains_key(&AnswerField::Status) && !is_customer(handover) {
        wanted.org.insert(AnswerField::Status, None);
    }
    for deal in handover.made.shown.deals.keys() {
        let counts = all.iter().any(|because| because.cause == Cause::Deal(*deal));
        if !counts && !is_customer(handover) {
            wanted.deals.entry(*deal).or_default().insert(AnswerField::Status, None);
        }
    }
    wanted
}

const DONE_HERE: &str = "customer created";
const DONE_THERE: &str = "customer found";

fn is_customer(handover: &Handover) -> bool {
    handover.made.party.is_some() && handover.made.account.is_some()
}

/// How far it is for one cause, once it came to rest.
fn standing(handover: &Handover, because: &Because<'_>) -> Option<String> {
    let made = &handover.made;
    let done = because.unit.is_some_and(|unit| {
        made.is_complete(unit.set) || handover.answers.sites_left.contains(&unit.set) && is_customer(handover)
    });
    if done {
        let ours = made.party.as_ref().is_some_and(|party| party.ours);
        return Some(if ours { DONE_HERE } else { DONE_THERE }.to_owned());
    }
    if handover.answers.rejected.contains(&because.cause) && !because.by_hand {
        return Some("rejected".to_owned());
    }
    handover.hold.as_ref().map(|(question, _)| waiting(question))
}

/// The status while a question is open.
#[must_use]
pub fn waiting(question: &Question) -> String {
    text::bounded(&format!("waiting: {}", question.short()), LENGTH).0
}

fn said(
    policy: &HandoverPolicy,
    handover: &Handover,
    fields: &BTreeSet<AnswerField>,
    status: Option<&String>,
) -> Wanted {
    let made = &handover.made;
    let account = made.account.as_ref();
    let value = |field: AnswerField| match field {
        AnswerField::CustomerId => made.party.as_ref().map(|party| party.id.to_string()),
        AnswerField::AccountNumber => account.map(|account| account.number.clone()),
        AnswerField::Status => status.cloned(),
        AnswerField::Link => policy.answers.link.as_deref().and_then(|template| link(template, handover)),
    };
    // What is not known yet is not said; what was said once stays true.
    fields.iter().filter_map(|field| Some((*field, Some(value(*field)?)))).collect()
}

/// The address of the customer; none while one of its parts is unknown, or when it is too long for the field.
fn link(template: &str, handover: &Handover) -> Option<String> {
    let made = &handover.made;
    let party = made.party.as_ref()?;
    let mut link =
        template.replace("{party_id}", &party.id.to_string()).replace("{party_number}", &party.number);
    if link.contains("{account_") {
        let account = made.account.as_ref()?;
        link = link
            .replace("{account_id}", &account.id.to_string())
            .replace("{account_number}", &account.number);
    }
    (link.chars().count() <= LENGTH).then_some(link)
}
