//! Questions for a person about a handover, and what can be answered.

use serde::{Deserialize, Serialize};

use super::{
    pieces::{Piece, PieceKind},
    trigger::Cause,
};
use crate::{
    error::Exchange,
    ids::{AccountId, DealId, OrgId, PartyId, PersonId, SetId},
    matching::JudgedParty,
    money::Money,
};

/// Why a handover waits for a person. Closed on purpose: match it without `_`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "hold")]
pub enum Question {
    /// Somebody has to approve it.
    ApprovalNeeded {
        /// What it is for.
        cause: Cause,
        /// What sales calls the deal.
        title: Option<String>,
        /// What the deal is worth.
        value: Option<Money>,
    },
    /// Nobody approved it in time.
    ApprovalExpired {
        /// What it is for.
        cause: Cause,
        /// What sales calls the deal.
        title: Option<String>,
    },
    /// Something has to be filled in first.
    DataMissing {
        /// What it is for.
        cause: Cause,
        /// What is missing.
        what: Vec<String>,
    },
    /// No rule says which business unit the customer belongs to.
    NoBusinessUnit {
        /// What it is for.
        cause: Cause,
    },
    /// A deal was won that has no organization.
    NoOrganization {
        /// The deal.
        deal: DealId,
        /// What sales calls it.
        title: String,
    },
    /// Parties of the ERP may be this company, but that is not certain enough to decide by itself.
    PartyAmbiguous {
        /// They, the likeliest first, each with what speaks for and against it.
        candidates: Vec<JudgedParty>,
        /// Why it was not decided.
        why: String,
    },
    /// The ERP knows the company already as something else, a supplier for example.
    PartyKnown {
        /// The party.
        party: PartyId,
        /// Its name.
        name: String,
        /// What the ERP uses it as.
        usage: Option<String>,
    },
    /// The party that it should be cannot be used.
    PartyUnusable {
        /// The party.
        party: PartyId,
        /// Why.
        why: String,
    },
    /// What was begun belongs to one party, the organization to another by now.
    PartyChanged {
        /// The party that was made or found.
        made: PartyId,
        /// The party that the organization belongs to.
        party: PartyId,
    },
    /// More than one party carries our name for the organization.
    SeveralParties {
        /// All of them.
        parties: Vec<PartyId>,
    },
    /// There is more than one account to choose from.
    SeveralAccounts {
        /// All of them, with their numbers.
        accounts: Vec<(AccountId, String)>,
        /// Why it was not decided.
        why: String,
    },
    /// A customer that we did not create has no site to bill to in the business unit.
    SiteMissing {
        /// Its account.
        account: AccountId,
        /// The account's number.
        number: String,
        /// The set of the business unit.
        set: SetId,
        /// What people call the business unit.
        unit: String,
    },
    /// The deal's person cannot be made a contact to bill; the customer is there.
    ContactUnusable {
        /// The person of the CRM.
        person: PersonId,
        /// Why.
        why: String,
    },
    /// The ERP refused a write.
    Refused {
        /// The write.
        piece: Box<Piece>,
        /// The ERP's words.
        message: String,
        /// The request and its answer.
        #[serde(default)]
        exchange: Option<Box<Exchange>>,
    },
    /// The organization is gone, and its customer is half created.
    OrganizationGone {
        /// The organization.
        org: OrgId,
    },
    /// The organization could not be understood.
    OrganizationUnreadable {
        /// The organization.
        org: OrgId,
        /// Which attribute was wrong, and how.
        reason: String,
    },
}

impl Question {
    /// One example of each, for reference pages and for tests of what handles all of them.
    #[must_use]
    pub fn examples() -> Vec<Self> {
        std::iter::successors(Self::example_after(None), |one| Self::example_after(Some(one))).collect()
    }

    /// Without `_`, so that a new one cannot be forgotten.
    fn example_after(question: Option<&Self>) -> Option<Self> {
        let cause = Cause::Deal(DealId(81));
        let (org, party) = (OrgId(4711), PartyId(300_000_200_000_002));
        let account = AccountId(300_000_300_000_007);
        let title = || Some("Framework contract".to_owned());
        Some(match question {
            None => Self::ApprovalNeeded { cause, title: title(), value: None },
            Some(Self::ApprovalNeeded { .. }) => Self::ApprovalExpired { cause, title: title() },
            Some(Self::ApprovalExpired { .. }) => {
                Self::DataMissing { cause, what: vec!["country".to_owned()] }
            }
            Some(Self::DataMissing { .. }) => Self::NoBusinessUnit { cause },
            Some(Self::NoBusinessUnit { .. }) => {
                Self::NoOrganization { deal: DealId(81), title: "Framework contract".to_owned() }
            }
            Some(Self::NoOrganization { .. }) => Self::PartyAmbiguous {
                candidates: vec![JudgedParty {
                    party,
                    name: "Acme".to_owned(),
                    usage: Some("SUPPLIER".to_owned()),
                    customer: false,
                    paired_with: None,
                    comparison: crate::matching::Comparison::default(),
                }],
                why: "The evidence is not strong enough to decide by itself.".to_owned(),
            },
            Some(Self::PartyAmbiguous { .. }) => {
                Self::PartyKnown { party, name: "Acme".to_owned(), usage: Some("SUPPLIER".to_owned()) }
            }
            Some(Self::PartyKnown { .. }) => {
                Self::PartyUnusable { party, why: "its status is Inactive".to_owned() }
            }
            Some(Self::PartyUnusable { .. }) => {
                Self::PartyChanged { made: party, party: PartyId(party.0 + 1) }
            }
            Some(Self::PartyChanged { .. }) => {
                Self::SeveralParties { parties: vec![party, PartyId(party.0 + 1)] }
            }
            Some(Self::SeveralParties { .. }) => Self::SeveralAccounts {
                accounts: vec![(account, "10061".to_owned()), (AccountId(account.0 + 1), "10062".to_owned())],
                why: "the party has several".to_owned(),
            },
            Some(Self::SeveralAccounts { .. }) => Self::SiteMissing {
                account,
                number: "10061".to_owned(),
                set: SetId(300_000_001_127_004),
                unit: "US1".to_owned(),
            },
            Some(Self::SiteMissing { .. }) => Self::ContactUnusable {
                person: PersonId(17),
                why: "the status of its person 300000200000009 is Inactive".to_owned(),
            },
            Some(Self::ContactUnusable { .. }) => Self::Refused {
                piece: Box::new(Piece::Usage { number: "1001".to_owned(), usage: "CUSTOMER".to_owned() }),
                message: "HZ-120421: there is no party usage assigned".to_owned(),
                exchange: None,
            },
            Some(Self::Refused { .. }) => Self::OrganizationGone { org },
            Some(Self::OrganizationGone { .. }) => {
                Self::OrganizationUnreadable { org, reason: "update_time is missing".to_owned() }
            }
            Some(Self::OrganizationUnreadable { .. }) => return None,
        })
    }

    /// Its name in lists, filters and metrics.
    #[must_use]
    pub fn key(&self) -> &'static str {
        match self {
            Self::ApprovalNeeded { .. } => "approval_needed",
            Self::ApprovalExpired { .. } => "approval_expired",
            Self::DataMissing { .. } => "data_missing",
            Self::NoBusinessUnit { .. } => "no_business_unit",
            Self::NoOrganization { .. } => "no_organization",
            Self::PartyAmbiguous { .. } => "party_ambiguous",
            Self::PartyKnown { .. } => "party_known",
            Self::PartyUnusable { .. } => "party_unusable",
            Self::PartyChanged { .. } => "party_changed",
            Self::SeveralParties { .. } => "several_parties",
            Self::SeveralAccounts { .. } => "several_accounts",
            Self::SiteMissing { .. } => "site_missing",
            Self::ContactUnusable { .. } => "contact_unusable",
            Self::Refused { .. } => "erp_refused",
            Self::OrganizationGone { .. } => "handover_organization_gone",
            Self::OrganizationUnreadable { .. } => "handover_organization_unreadable",
        }
    }

    /// Whether this is still the question that was asked before, in other words perhaps: how long it is asked counts on.
    #[must_use]
    pub fn continues(&self, before: &Self) -> bool {
        let cause = |question: &Self| match question {
            Self::ApprovalNeeded { cause, .. } => Some(*cause),
            _ => None,
        };
        self.key() == before.key() && cause(self) == cause(before)
    }

    /// The kind of write that was refused, if that is the question.
    #[must_use]
    pub fn refused(&self) -> Option<PieceKind> {
        match self {
            Self::Refused { piece, .. } => Some(piece.kind()),
            Self::ApprovalNeeded { .. }
            | Self::ApprovalExpired { .. }
            | Self::DataMissing { .. }
            | Self::NoBusinessUnit { .. }
            | Self::NoOrganization { .. }
            | Self::PartyAmbiguous { .. }
            | Self::PartyKnown { .. }
            | Self::PartyUnusable { .. }
            | Self::PartyChanged { .. }
            | Self::SeveralParties { .. }
            | Self::SeveralAccounts { .. }
            | Self::SiteMissing { .. }
            | Self::ContactUnusable { .. }
            | Self::OrganizationGone { .. }
            | Self::OrganizationUnreadable { .. } => None,
        }
    }

    /// The deal whose owner can fill in what is missing, and that, if this is the question.
    #[must_use]
    pub fn asks_owner_of(&self) -> Option<(DealId, &Vec<String>)> {
        match self {
            Self::DataMissing { cause: Cause::Deal(deal), what } => Some((*deal, what)),
            Self::DataMissing { cause: Cause::Created | Cause::Assigned | Cause::Asked, .. }
            | Self::ApprovalNeeded { .. }
            | Self::ApprovalExpired { .. }
            | Self::NoBusinessUnit { .. }
            | Self::NoOrganization { .. }
            | Self::PartyAmbiguous { .. }
            | Self::PartyKnown { .. }
            | Self::PartyUnusable { .. }
            | Self::PartyChanged { .. }
            | Self::SeveralParties { .. }
            | Self::SeveralAccounts { .. }
            | Self::SiteMissing { .. }
            | Self::ContactUnusable { .. }
            | Self::Refused { .. }
            | Self::OrganizationGone { .. }
            | Self::OrganizationUnreadable { .. } => None,
        }
    }

    /// A few words for whoever sees the deal only.
    #[must_use]
    pub fn short(&self) -> String {
        let words = match self {
            Self::ApprovalNeeded { .. } => "approval",
            Self::ApprovalExpired { .. } => "approval, which nobody gave in time",
            Self::DataMissing { what, .. } => {
                return format!("the organization has no {}", what.join(", no "));
            }
            Self::NoBusinessUnit { .. } => "no business unit fits",
            Self::NoOrganization { .. } => "the deal has no organization",
            Self::PartyAmbiguous { .. } => "which customer of the ERP it is",
            Self::PartyKnown { .. } => "the ERP knows it as something else",
            Self::PartyUnusable { .. } => "its party in the ERP cannot be used",
            Self::PartyChanged { .. } => "it belongs to another customer of the ERP now",
            Self::SeveralParties { .. } => "several parties in the ERP",
            Self::SeveralAccounts { .. } => "which account to use",
            Self::SiteMissing { unit, .. } => return format!("whether it is to be billed in {unit}"),
            Self::ContactUnusable { .. } => "its contact in the ERP cannot be used",
            Self::Refused { piece, .. } => return format!("the ERP refused the {}", piece.kind().label()),
            Self::OrganizationGone { .. } => "the organization is gone",
            Self::OrganizationUnreadable { .. } => "the organization cannot be read",
        };
        words.to_owned()
    }

    /// One sentence for people: what is wrong and what can be done about it.
    #[must_use]
    pub fn explain(&self) -> String {
        let titled =
            |title: &Option<String>| title.as_ref().map(|t| format!(" (\"{t}\")")).unwrap_or_default();
        match self {
            Self::ApprovalNeeded { cause, title, value } => {
                let value =
                    value.as_ref().map(|v| format!(", {} {}", v.amount, v.currency)).unwrap_or_default();
                let what = titled(title);
                format!(
                    "A customer of the ERP would be created because {cause}{what}{value}. Approve it, or reject it."
                )
            }
            Self::ApprovalExpired { cause, title } => format!(
                "Nobody approved in time that a customer of the ERP is created because {cause}{}. Ask again, or reject it.",
                titled(title)
            ),
            Self::DataMissing { cause, what } => format!(
                "A customer of the ERP should be created because {cause}, but the organization has no {}. Fill it in; then it goes on by itself.",
                what.join(", no ")
            ),
            Self::NoBusinessUnit { cause } => format!(
                "A customer of the ERP should be created because {cause}, but no rule of customers_from_crm.business_unit fits. Add a rule, or change what the rules look at."
            ),
            Self::NoOrganization { deal, title } => format!(
                "Deal {deal} (\"{title}\") was won and has no organization, so nobody can be billed. Give it one; then it goes on by itself."
            ),
            Self::PartyAmbiguous { candidates, why } => {
                let list: Vec<String> = candidates
                    .iter()
                    .map(|one| {
                        let usage = one.usage.as_deref().unwrap_or("no usage");
                        let points = one.comparison.points;
                        format!("{} \"{}\" ({usage}, {points} points)", one.party, one.name)
                    })
                    .collect();
                format!(
                    "{why} Parties of the ERP: {}. Say which one it is, or that it is none of them.",
                    list.join(", ")
                )
            }
            Self::PartyKnown { party, name, usage } => format!(
                "The ERP knows the company already: party {party} \"{name}\" ({}). Make it a customer too, or create another party.",
                usage.as_deref().unwrap_or("no usage")
            ),
            Self::PartyUnusable { party, why } => {
                format!("Party {party} cannot become the customer: {why}. Mend it in the ERP.")
            }
            Self::PartyChanged { made, party } => format!(
                "Party {made} was the customer of this organization, which belongs to party {party} by now. Merge them in the ERP, or see to what party {made} has there; then go on with party {party}."
            ),
            Self::SeveralParties { parties } => {
                let list: Vec<String> = parties.iter().map(ToString::to_string).collect();
                format!(
                    "Parties {} all carry our reference for this organization. Merge them in the ERP, or end the reference of all but one.",
                    list.join(", ")
                )
            }
            Self::SeveralAccounts { accounts, why } => {
                let list: Vec<String> =
                    accounts.iter().map(|(id, number)| format!("{number} ({id})")).collect();
                format!(
                    "Which account to use is not certain: {why}. There are {}. Say which one.",
                    list.join(", ")
                )
            }
            Self::SiteMissing { number, unit, .. } => format!(
                "Account {number} was not created here and has no site to bill to in business unit {unit}. Add one, or leave it as it is."
            ),
            Self::ContactUnusable { person, why } => format!(
                "The customer is there, but person {person} of the deal cannot become its contact to bill: {why}. Mend it in the ERP, or leave the customer without this contact."
            ),
            Self::Refused { piece, message, .. } => {
                format!("The ERP refused to {}: {message}", piece.explain())
            }
            Self::OrganizationGone { org } => format!(
                "Organization {org} was deleted, merged or hidden while its customer was being created, and the ERP has only a part of it. Restore the organization, or finish the customer in the ERP."
            ),
            Self::OrganizationUnreadable { org, reason } => {
                format!(
                    "Organization {org} cannot be read: {reason}. It is looked at again with its next change."
                )
            }
        }
    }

    /// What can be answered, with what it does.
    #[must_use]
    pub fn answers(&self) -> Vec<(&'static str, &'static str)> {
        const RETRY: (&str, &str) = ("retry", "look at it again now");
        const LEAVE: (&str, &str) = ("leave", "leave the customer without this contact");
        const REJECT: (&str, &str) = ("reject", "create no customer for this");
        const APART: (&str, &str) = ("apart", "party PARTY is another company");
        match self {
            Self::ApprovalNeeded { .. } => vec![("approve", "create the customer"), REJECT, RETRY],
            Self::ApprovalExpired { .. } => vec![REJECT, ("retry", "ask for approval again")],
            Self::PartyAmbiguous { .. } => vec![
                ("same", "party PARTY is this organization"),
                ("new", "it is none of them, create one"),
                APART,
                RETRY,
            ],
            Self::PartyKnown { .. } => vec![
                ("go", "make this party a customer too"),
                ("new", "it is another company, create one"),
                APART,
                RETRY,
            ],
            Self::PartyChanged { .. } => vec![("go", "go on with the party that it belongs to now"), RETRY],
            Self::SeveralAccounts { .. } => vec![("account", "use account ACCOUNT"), RETRY],
            Self::SiteMissing { .. } => {
                vec![("go", "add a site to bill to"), ("leave", "leave the customer as it is"), RETRY]
            }
            Self::ContactUnusable { .. } => vec![LEAVE, RETRY],
            Self::Refused { piece, .. } if piece.contact().is_some() => vec![LEAVE, RETRY],
            Self::DataMissing { .. }
            | Self::NoBusinessUnit { .. }
            | Self::NoOrganization { .. }
            | Self::PartyUnusable { .. }
            | Self::SeveralParties { .. }
            | Self::Refused { .. }
            | Self::OrganizationGone { .. }
            | Self::OrganizationUnreadable { .. } => vec![RETRY],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_question_has_its_own_name_a_sentence_and_an_answer() {
        let all = Question::examples();
        let keys: std::collections::BTreeSet<&str> = all.iter().map(Question::key).collect();
        assert_eq!(keys.len(), all.len());
        let holds = crate::hold::HoldReason::examples();
        assert!(holds.iter().all(|hold| !keys.contains(hold.key())), "one list shows both");
        for question in &all {
            assert!(question.explain().len() > 20, "{}", question.explain());
            assert!((5..60).contains(&question.short().len()), "{}", question.short());
            assert!(question.answers().iter().any(|(key, _)| *key == "retry"), "{}", question.key());
            let json = serde_json::to_string(question).unwrap();
            assert_eq!(&serde_json::from_str::<Question>(&json).unwrap(), question);
        }
    }
}
