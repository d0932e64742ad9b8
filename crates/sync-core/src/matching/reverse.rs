//! The same question from the other side: which party of the ERP, of whatever usage, is this organization?

use serde::{Deserialize, Serialize};

use super::{
    compare::Comparison,
    judge::{Candidate, Judged, Rarest, Verdict, judge},
    profile::Profile,
};
use crate::ids::{OrgId, PartyId};

/// A party that shares a key with an organization.
#[derive(Debug, Clone)]
pub struct PartyCandidate<'a> {
    /// The party.
    pub party: PartyId,
    /// Its profile.
    pub profile: &'a Profile,
    /// What the ERP uses it as.
    pub usage: Option<String>,
    /// Whether it is a customer already, by its usage or because it has an account.
    pub customer: bool,
    /// The organization that it is paired with.
    pub paired_with: Option<OrgId>,
}

/// A party with what speaks for and against it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct JudgedParty {
    /// The party.
    pub party: PartyId,
    /// Its name.
    pub name: String,
    /// What the ERP uses it as.
    pub usage: Option<String>,
    /// Whether it is a customer already.
    pub customer: bool,
    /// The organization that it is paired with.
    pub paired_with: Option<OrgId>,
    /// The evidence; `ours` is what the organization says.
    pub comparison: Comparison,
}

/// What follows. Closed on purpose: match it without `_`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PartyVerdict {
    /// They are one company.
    Bind {
        /// The party.
        chosen: Box<JudgedParty>,
    },
    /// A person has to say.
    Ask {
        /// The likeliest first.
        candidates: Vec<JudgedParty>,
        /// Why it is not certain, one sentence.
        why: String,
    },
    /// None of them is worth a question.
    Nobody,
}

/// Judges the parties that share a key with an organization by the rules of [`judge`]. `rarest` is about the words of the
/// organization's name.
#[must_use]
pub fn judge_parties(
    subject: &Profile,
    rarest: Option<Rarest<'_>>,
    candidates: &[PartyCandidate<'_>],
) -> PartyVerdict {
    // The rules do not care whose numbers they are.
    let numbered: Vec<Candidate<'_>> = candidates
        .iter()
        .map(|one| Candidate { org: OrgId(one.party.0), profile: one.profile, rivals: Vec::new() })
        .collect();
    let told = |judged: Judged| {
        let Judged { org, name, comparison, rivals: _ } = judged;
        let candidate = candidates.iter().find(|candidate| candidate.party.0 == org.0);
        JudgedParty {
            party: PartyId(org.0),
            name,
            usage: candidate.and_then(|candidate| candidate.usage.clone()),
            customer: candidate.is_some_and(|candidate| candidate.customer),
            paired_with: candidate.and_then(|candidate| candidate.paired_with),
            comparison,
        }
    };
    match judge(subject, rarest, &numbered) {
        Verdict::Bind { chosen, runner_up: _ } => PartyVerdict::Bind { chosen: Box::new(told(chosen)) },
        Verdict::Ask { candidates, why } => {
            PartyVerdict::Ask { candidates: candidates.into_iter().map(told).collect(), why }
        }
        Verdict::Nobody => PartyVerdict::Nobody,
    }
}
