//! What people decided about a handover. Remembered, so that nobody is asked twice.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::{question::Question, situation::Asked, trigger::Cause};
use crate::ids::{AccountId, PartyId, PersonId, SetId};

/// Everything that people decided about the handover of one organization.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct HandoverAnswers {
    /// What somebody asked for by hand.
    pub asked: BTreeSet<Asked>,
    /// Causes that a person approved.
    pub approved: BTreeSet<Cause>,
    /// Causes that a person refused.
    pub rejected: BTreeSet<Cause>,
    /// This party of the ERP is the organization.
    pub party: Option<PartyId>,
    /// None of the parties of the ERP is it.
    pub new: bool,
    /// These parties are other companies.
    pub apart: BTreeSet<PartyId>,
    /// This is the account to use.
    pub account: Option<AccountId>,
    /// Sets in which a customer that we did not create gets a site.
    pub sites: BTreeSet<SetId>,
    /// Sets in which it does not.
    pub sites_left: BTreeSet<SetId>,
    /// Persons of the CRM that become no contacts.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub contacts_left: BTreeSet<PersonId>,
}

/// One answer to a question about a handover.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "answer")]
pub enum HandoverAnswer {
    /// Create the customer.
    Approve,
    /// Do not.
    Reject,
    /// This party is the organization.
    Same {
        /// The party.
        party: PartyId,
    },
    /// None of them is: create one.
    New,
    /// This party is another company, for ever.
    Apart {
        /// The party.
        party: PartyId,
    },
    /// Use this account.
    Account {
        /// The account.
        account: AccountId,
    },
    /// Go on.
    Go,
    /// Leave everything as it is.
    Leave,
    /// Look at it again; nothing is decided.
    Retry,
}

impl HandoverAnswer {
    /// Its name on the command line and in the API.
    #[must_use]
    pub fn key(&self) -> &'static str {
        match self {
            Self::Approve => "approve",
            Self::Reject => "reject",
            Self::Same { .. } => "same",
            Self::New => "new",
            Self::Apart { .. } => "apart",
            Self::Account { .. } => "account",
            Self::Go => "go",
            Self::Leave => "leave",
            Self::Retry => "retry",
        }
    }

    /// The answer of this name; some need the party or the account that is meant.
    ///
    /// # Errors
    /// When there is no answer of this name, or it needs something that is not there; the text says what to do about it.
    pub fn parse(key: &str, party: Option<PartyId>, account: Option<AccountId>) -> Result<Self, String> {
        let party = || party.ok_or_else(|| format!("the answer {key} needs a party: add --party ID"));
        let account =
            || account.ok_or_else(|| format!("the answer {key} needs an account: add --account ID"));
        Ok(match key {
            "approve" => Self::Approve,
            "reject" => Self::Reject,
            "same" => Self::Same { party: party()? },
            "new" => Self::New,
            "apart" => Self::Apart { party: party()? },
            "account" => Self::Account { account: account()? },
            "go" => Self::Go,
            "leave" => Self::Leave,
            "retry" => Self::Retry,
            _ => {
                let all = "approve, reject, same, new, apart, account, go, leave, retry";
                return Err(format!("{key} is no answer about a handover; there are: {all}"));
            }
        })
    }
}

impl HandoverAnswers {
    /// Remembers an answer to a question.
    ///
    /// # Errors
    /// When it does not answer this question; the text names those that do.
    pub fn remember(&mut self, reason: &Question, answer: HandoverAnswer) -> Result<(), String> {
        use HandoverAnswer as A;
        match (reason, answer) {
            (_, A::Retry) => {}
            (Question::ApprovalNeeded { cause, .. }, A::Approve) => {
                self.rejected.remove(cause);
                self.approved.insert(*cause);
            }
            (Question::ApprovalNeeded { cause, .. } | Question::ApprovalExpired { cause, .. }, A::Reject) => {
                self.approved.remove(cause);
                self.rejected.insert(*cause);
            }
            (Question::PartyAmbiguous { candidates, .. }, A::Same { party }) => {
                if !candidates.iter().any(|candidate| candidate.party == party) {
                    return Err(format!("party {party} is none of the candidates"));
                }
                self.party = Some(party);
            }
            (Question::PartyKnown { party, .. } | Question::PartyChanged { party, .. }, A::Go) => {
                self.party = Some(*party);
            }
            (Question::PartyAmbiguous { .. } | Question::PartyKnown { .. }, A::New) => {
                (self.new, self.party) = (true, None);
            }
            (Question::PartyAmbiguous { .. } | Question::PartyKnown { .. }, A::Apart { party }) => {
                self.apart.insert(party);
                self.party = self.party.filter(|chosen| *chosen != party);
            }
            (Question::SeveralAccounts { accounts, .. }, A::Account { account }) => {
                if !accounts.iter().any(|(known, _)| *known == account) {
                    return Err(format!("account {account} is none of them"));
                }
                self.account = Some(account);
            }
            (Question::SiteMissing { set, .. }, A::Go) => {
                self.sites_left.remove(set);
                self.sites.insert(*set);
            }
            (Question::SiteMissing { set, .. }, A::Leave) => {
                self.sites.remove(set);
                self.sites_left.insert(*set);
            }
            (Question::ContactUnusable { person, .. }, A::Leave) => {
                self.contacts_left.insert(*person);
            }
            (Question::Refused { piece, .. }, A::Leave) if piece.contact().is_some() => {
                self.contacts_left.extend(piece.contact());
            }
            (reason, answer) => {
                let fit: Vec<&str> = reason.answers().iter().map(|(key, _)| *key).collect();
                return Err(format!(
                    "{} does not answer {}; these do: {}",
                    answer.key(),
                    reason.key(),
                    fit.join(", ")
                ));
            }
        }
        Ok(())
    }
}
