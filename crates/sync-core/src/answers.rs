//! What people decided about one party. Remembered, so that nobody is asked twice, and no longer applied once the
//! values or records that the question was about have changed.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::{
    fields::Field,
    hold::HoldReason,
    ids::{OrgId, PartyId},
    matching::Judged,
    merge::Side,
    policy::Life,
    value::{Value, same},
};

/// Everything that people decided about one party.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Answers {
    /// This organization is the party's.
    pub same: Option<OrgId>,
    /// None of the existing organizations is the party's: it gets a new one.
    pub new: bool,
    /// These organizations are other companies, for ever.
    pub apart: BTreeSet<OrgId>,
    /// Whose value counts, by field, as long as both sides say what they said then.
    pub fields: BTreeMap<Field, FieldAnswer>,
    /// What happens about these lives of the party in the ERP.
    pub lives: BTreeMap<Life, LifeAnswer>,
    /// What happens about an organization that is gone.
    pub gone: Option<(OrgId, GoneAnswer)>,
    /// The organization of this party, which sales merged with its own, stands for both.
    pub alias_of: Option<PartyId>,
    /// Until when its writes pass the mass guard.
    pub pass_until: Option<Timestamp>,
    /// This circle of parents is left as it is.
    pub cycle_left: Option<BTreeSet<PartyId>>,
    /// That the relations to these parents are not there, or still are, is left as it is.
    pub parents_left: BTreeSet<PartyId>,
}

/// For how long writes pass the mass guard once a person let them.
const PASS: SignedDuration = SignedDuration::from_hours(24);

/// Whose value of a field counts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FieldAnswer {
    /// What the ERP said.
    pub erp: Option<Value>,
    /// What the CRM said.
    pub crm: Option<Value>,
    /// Whose value counts; the CRM's is left as it is.
    pub counts: Side,
}

/// What happens about a customer that ended in the ERP, or returned there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LifeAnswer {
    /// The organization is flagged; syncing goes on.
    Flag,
    /// The organization is left as it is.
    Leave,
}

/// What happens about an organization that is gone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GoneAnswer {
    /// A new one is created.
    Recreate,
    /// The customer stays without one.
    Leave,
    /// The customer stays without one, also when the one that was gone is back.
    LeaveForGood,
}

/// One answer to a hold.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "answer")]
pub enum Answer {
    /// This organization is the party's.
    Same {
        /// The organization.
        org: OrgId,
    },
    /// None of them is; create one.
    New,
    /// This organization is another company, for ever.
    Apart {
        /// The organization.
        org: OrgId,
    },
    /// The ERP's value counts.
    UseErp,
    /// The CRM's value stays.
    LeaveCrm,
    /// Flag the organization and go on.
    Flag,
    /// Leave everything as it is.
    Leave,
    /// Go on as with every other customer.
    Resume,
    /// Create a new organization.
    Recreate,
    /// The other party's organization stands for this one too.
    Alias,
    /// Write it although there are many; for a day.
    Go,
    /// Look at it again; nothing is decided.
    Retry,
}

impl Answer {
    /// Its name on the command line and in the API.
    #[must_use]
    pub fn key(&self) -> &'static str {
        match self {
            Self::Same { .. } => "same",
            Self::New => "new",
            Self::Apart { .. } => "apart",
            Self::UseErp => "use-erp",
            Self::LeaveCrm => "leave-crm",
            Self::Flag => "flag",
            Self::Leave => "leave",
            Self::Resume => "resume",
            Self::Recreate => "recreate",
            Self::Alias => "alias",
            Self::Go => "go",
            Self::Retry => "retry",
        }
    }

    /// The answer of this name; `org` is the organization that some of them need.
    ///
    /// # Errors
    /// When there is no answer of this name, or it needs an organization; the text says what to do about it.
    pub fn parse(key: &str, org: Option<OrgId>) -> Result<Self, String> {
        let named = || org.ok_or_else(|| format!("the answer {key} needs an organization: add --org ID"));
        Ok(match key {
            "same" => Self::Same { org: named()? },
            "apart" => Self::Apart { org: named()? },
            "new" => Self::New,
            "use-erp" => Self::UseErp,
            "leave-crm" => Self::LeaveCrm,
            "flag" => Self::Flag,
            "leave" => Self::Leave,
            "resume" => Self::Resume,
            "recreate" => Self::Recreate,
            "alias" => Self::Alias,
            "go" => Self::Go,
            "retry" => Self::Retry,
            _ => {
                let all =
                    "same, new, apart, use-erp, leave-crm, flag, leave, resume, recreate, alias, go, retry";
                return Err(format!("{key} is no answer; there are: {all}"));
            }
        })
    }
}

impl HoldReason {
    /// What can be answered, with what it does.
    #[must_use]
    pub fn answers(&self) -> Vec<(&'static str, &'static str)> {
        const RETRY: (&str, &str) = ("retry", "look at it again now");
        const LEAVE: (&str, &str) = ("leave", "leave the organization as it is");
        match self {
            Self::OrganizationGone { .. } => vec![
                ("recreate", "create a new organization"),
                ("leave", "leave the customer without an organization"),
                RETRY,
            ],
            Self::OrganizationMerged { .. } => vec![
                (
                    "alias",
                    "the surviving organization stands for both customers and shows both account numbers",
                ),
                ("recreate", "create an organization of its own again"),
                ("leave", "leave the customer without an organization"),
                RETRY,
            ],
            Self::SeveralOrganizations { .. } => vec![
                ("same", "organization ORG is this customer's, the others are other companies"),
                ("apart", "organization ORG is another company"),
                RETRY,
            ],
            Self::Ambiguous { .. } => vec![
                ("same", "organization ORG is this customer's"),
                ("new", "it is none of them, create one; they are other companies"),
                ("apart", "organization ORG is another company"),
                RETRY,
            ],
            Self::OrganizationTaken { .. } => vec![("apart", "organization ORG is another company"), RETRY],
            Self::PartyMissing | Self::CustomerEnded { .. } => {
                vec![("flag", "write it into the organization's ERP status"), LEAVE, RETRY]
            }
            Self::CustomerReturned { .. } | Self::OrganizationReturned { .. } => {
                vec![("resume", "go on as with every other customer"), LEAVE, RETRY]
            }
            Self::Conflict { .. } => vec![
                ("use-erp", "the ERP's value is written to the CRM"),
                ("leave-crm", "both sides keep what they say, until one of them changes"),
                RETRY,
            ],
            Self::TugOfWar { .. } => {
                vec![("leave-crm", "both sides keep what they say, until one of them changes"), RETRY]
            }
            Self::MassChange { .. } => {
                vec![
                    ("go", "write it although there are many; the customer passes the guard for a day"),
                    RETRY,
                ]
            }
            Self::RelationCycle { .. } | Self::RelationUnsure { .. } | Self::RelationFound { .. } => {
                vec![LEAVE, RETRY]
            }
            Self::Refused { .. }
            | Self::FieldFailed { .. }
            | Self::OrganizationUnreadable { .. }
            | Self::Malformed { .. } => {
                vec![RETRY]
            }
        }
    }
}

impl Answers {
    /// Remembers an answer to a question.
    ///
    /// # Errors
    /// When it is no answer to that question; the text says which are.
    pub fn give(&mut self, question: &HoldReason, answer: &Answer, now: Timestamp) -> Result<(), String> {
        let possible = question.answers();
        if possible.iter().all(|(key, _)| *key != answer.key()) {
            let keys: Vec<&str> = possible.into_iter().map(|(key, _)| key).collect();
            return Err(format!(
                "{} does not answer {}; there are: {}",
                answer.key(),
                question.key(),
                keys.join(", ")
            ));
        }
        match (question, answer) {
            (_, Answer::Retry) => {}
            (HoldReason::OrganizationGone { org }, Answer::Recreate) => {
                self.is_gone(*org, GoneAnswer::Recreate);
            }
            (HoldReason::OrganizationGone { org }, Answer::Leave) => self.is_gone(*org, GoneAnswer::Leave),
            (HoldReason::OrganizationMerged { org, .. }, Answer::Recreate) => {
                self.is_gone(*org, GoneAnswer::Recreate);
            }
            (HoldReason::OrganizationMerged { org, .. }, Answer::Leave) => {
                self.is_gone(*org, GoneAnswer::Leave);
            }
            (HoldReason::OrganizationMerged { of, .. }, Answer::Alias) => self.alias_of = Some(*of),
            (HoldReason::SeveralOrganizations { orgs }, Answer::Same { org }) => {
                one_of(orgs, *org)?;
                self.same = Some(*org);
                self.apart.extend(orgs.iter().filter(|other| *other != org));
                self.apart.remove(org);
            }
            (HoldReason::SeveralOrganizations { orgs }, Answer::Apart { org }) => {
                one_of(orgs, *org)?;
                self.apart.insert(*org);
            }
            (HoldReason::Ambiguous { candidates, .. }, Answer::Same { org }) => {
                one_of(&orgs_of(candidates), *org)?;
                self.same = Some(*org);
                self.apart.remove(org);
            }
            (HoldReason::Ambiguous { candidates, .. }, Answer::Apart { org }) => {
                one_of(&orgs_of(candidates), *org)?;
                self.apart.insert(*org);
            }
            (HoldReason::Ambiguous { candidates, .. }, Answer::New) => {
                self.new = true;
                self.apart.extend(orgs_of(candidates));
            }
            (HoldReason::OrganizationTaken { org: taken, .. }, Answer::Apart { org }) => {
                one_of(&[*taken], *org)?;
                self.apart.insert(*org);
            }
            (HoldReason::PartyMissing, answer) => self.lives.extend(life(Life::Deleted, answer)),
            (HoldReason::CustomerEnded { life: ended }, answer) => self.lives.extend(life(*ended, answer)),
            (HoldReason::CustomerReturned { .. }, answer) => self.lives.extend(life(Life::Active, answer)),
            (HoldReason::OrganizationReturned { org }, Answer::Leave) => {
                self.is_gone(*org, GoneAnswer::LeaveForGood);
            }
            // Resumed: as if it had never been away.
            (HoldReason::OrganizationReturned { .. }, _) => self.gone = None,
            (
                HoldReason::Conflict { field, erp, crm, .. } | HoldReason::TugOfWar { field, erp, crm },
                answer,
            ) => {
                let counts = if *answer == Answer::UseErp { Side::Erp } else { Side::Crm };
                self.fields.insert(*field, FieldAnswer { erp: erp.clone(), crm: crm.clone(), counts });
            }
            (HoldReason::MassChange { .. }, _) => self.pass_until = Some(now + PASS),
            (HoldReason::RelationCycle { parties }, _) => {
                self.cycle_left = Some(parties.iter().copied().collect());
            }
            (HoldReason::RelationUnsure { parent, .. } | HoldReason::RelationFound { parent, .. }, _) => {
                self.parents_left.insert(*parent);
            }
            // Refused above: every other answer is none to these.
            (
                HoldReason::OrganizationGone { .. }
                | HoldReason::OrganizationMerged { .. }
                | HoldReason::SeveralOrganizations { .. }
                | HoldReason::OrganizationTaken { .. }
                | HoldReason::Ambiguous { .. }
                | HoldReason::Refused { .. }
                | HoldReason::FieldFailed { .. }
                | HoldReason::OrganizationUnreadable { .. }
                | HoldReason::Malformed { .. },
                _,
            ) => {}
        }
        Ok(())
    }

    /// Whether a person let its writes pass the mass guard.
    #[must_use]
    pub fn lets_pass(&self, now: Timestamp) -> bool {
        self.pass_until.is_some_and(|until| now < until)
    }

    /// Whether a person asked for a new organization: nobody needs to ask whether it may be created.
    #[must_use]
    pub fn wants_new(&self) -> bool {
        self.new || matches!(self.gone, Some((_, GoneAnswer::Recreate)))
    }

    fn is_gone(&mut self, org: OrgId, what: GoneAnswer) {
        self.gone = Some((org, what));
    }

    /// Whose value of the field counts, if that was decided about these very values.
    #[must_use]
    pub fn about(&self, field: Field, erp: Option<&Value>, crm: Option<&Value>) -> Option<Side> {
        let answer = self.fields.get(&field)?;
        (same(answer.erp.as_ref(), erp) && same(answer.crm.as_ref(), crm)).then_some(answer.counts)
    }

    /// What was decided about an organization that is gone.
    #[must_use]
    pub fn about_gone(&self, org: OrgId) -> Option<GoneAnswer> {
        self.gone.filter(|(gone, _)| *gone == org).map(|(_, what)| what)
    }
}

fn life(life: Life, answer: &Answer) -> Option<(Life, LifeAnswer)> {
    match answer {
        Answer::Flag | Answer::Resume => Some((life, LifeAnswer::Flag)),
        Answer::Leave => Some((life, LifeAnswer::Leave)),
        Answer::Same { .. }
        | Answer::New
        | Answer::Apart { .. }
        | Answer::UseErp
        | Answer::LeaveCrm
        | Answer::Recreate
        | Answer::Alias
        | Answer::Go
        | Answer::Retry => None,
    }
}

fn orgs_of(candidates: &[Judged]) -> Vec<OrgId> {
    candidates.iter().map(|candidate| candidate.org).collect()
}

fn one_of(orgs: &[OrgId], org: OrgId) -> Result<(), String> {
    if orgs.contains(&org) {
        return Ok(());
    }
    let known: Vec<String> = orgs.iter().map(ToString::to_string).collect();
    Err(format!("organization {org} is none of those in question: {}", known.join(", ")))
}

#[cfg(test)]
mod tests {
    use super::*;

    const ORG: OrgId = OrgId(11);
    const NOW: Timestamp = Timestamp::UNIX_EPOCH;

    #[test]
    fn an_answer_that_is_none_is_refused_and_says_what_would_be() {
        let mut answers = Answers::default();
        let gone = HoldReason::OrganizationGone { org: ORG };
        let refused = answers.give(&gone, &Answer::UseErp, NOW).unwrap_err();
        assert_eq!(refused, "use-erp does not answer organization_gone; there are: recreate, leave, retry");
        let several = HoldReason::SeveralOrganizations { orgs: vec![ORG, OrgId(12)] };
        let refused = answers.give(&several, &Answer::Same { org: OrgId(13) }, NOW).unwrap_err();
        assert_eq!(refused, "organization 13 is none of those in question: 11, 12");
        assert_eq!(answers, Answers::default(), "nothing is remembered of it");
    }

    #[test]
    fn choosing_one_keeps_the_others_apart() {
        let mut answers = Answers::default();
        let several = HoldReason::SeveralOrganizations { orgs: vec![ORG, OrgId(12), OrgId(13)] };
        answers.give(&several, &Answer::Same { org: OrgId(12) }, NOW).unwrap();
        assert_eq!(answers.same, Some(OrgId(12)));
        assert_eq!(answers.apart, BTreeSet::from([ORG, OrgId(13)]));
    }

    #[test]
    fn an_answer_about_values_lasts_as_long_as_the_values() {
        let mut answers = Answers::default();
        let text = |text: &str| Some(Value::Text(text.into()));
        let conflict =
            HoldReason::Conflict { field: Field::Phone, erp: text("1"), crm: text("2"), before: None };
        answers.give(&conflict, &Answer::LeaveCrm, NOW).unwrap();
        assert_eq!(answers.about(Field::Phone, text("1").as_ref(), text(" 2").as_ref()), Some(Side::Crm));
        assert_eq!(answers.about(Field::Phone, text("1").as_ref(), text("3").as_ref()), None);
        assert_eq!(answers.about(Field::Name, text("1").as_ref(), text("2").as_ref()), None);
    }

    #[test]
    fn a_wave_passes_for_a_day() {
        let mut answers = Answers::default();
        let many = HoldReason::MassChange { wave: crate::guard::Wave::Creates, limit: 5, minutes: 60 };
        assert!(!answers.lets_pass(NOW));
        answers.give(&many, &Answer::Retry, NOW).unwrap();
        assert!(!answers.lets_pass(NOW));
        answers.give(&many, &Answer::Go, NOW).unwrap();
        assert!(answers.lets_pass(NOW) && !answers.lets_pass(NOW + PASS));
    }

    #[test]
    fn every_name_can_be_said_and_answers_are_stored_as_they_are() {
        for key in [
            "same",
            "new",
            "apart",
            "use-erp",
            "leave-crm",
            "flag",
            "leave",
            "resume",
            "recreate",
            "alias",
            "go",
            "retry",
        ] {
            assert_eq!(Answer::parse(key, Some(ORG)).unwrap().key(), key);
        }
        assert!(Answer::parse("same", None).unwrap_err().contains("--org"));
        assert!(Answer::parse("yes", None).is_err());
        let mut answers = Answers { gone: Some((ORG, GoneAnswer::Leave)), new: true, ..Answers::default() };
        answers.lives.insert(Life::Inactive, LifeAnswer::Leave);
        answers.fields.insert(Field::Name, FieldAnswer { erp: None, crm: None, counts: Side::Crm });
        let json = serde_json::to_string(&answers).unwrap();
        assert_eq!(serde_json::from_str::<Answers>(&json).unwrap(), answers);
        assert_eq!(serde_json::from_str::<Answers>("{}").unwrap(), Answers::default());
    }
}
