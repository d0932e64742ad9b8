//! Holds: why a party waits for a person, and what can be answered.

use serde::{Deserialize, Serialize};

use crate::{
    error::Exchange,
    fields::Field,
    guard::Wave,
    ids::{OrgId, PartyId, RelationId},
    matching::{Comparison, Judged},
    plan::Step,
    policy::Life,
    value::Value,
};

/// Why a party waits for a person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "hold")]
pub enum HoldReason {
    /// The organization was deleted, merged away or hidden from our user.
    OrganizationGone {
        /// The organization of the pair.
        org: OrgId,
    },
    /// More than one organization carries the party's id.
    SeveralOrganizations {
        /// All of them.
        orgs: Vec<OrgId>,
    },
    /// Existing organizations may be this customer, but that is not certain enough to decide by itself.
    Ambiguous {
        /// They, the likeliest first, each with what speaks for and against it.
        candidates: Vec<Judged>,
        /// Why it was not decided.
        why: String,
    },
    /// The only organization that carries the party's id belongs to another party.
    OrganizationTaken {
        /// The organization.
        org: OrgId,
        /// The party it is paired with.
        by: PartyId,
    },
    /// The ERP no longer shows the party.
    PartyMissing,
    /// The ERP no longer uses the customer, and the policy says to ask.
    CustomerEnded {
        /// What became of it.
        life: Life,
    },
    /// The ERP uses a customer again that had ended, and the policy says to ask.
    CustomerReturned {
        /// What it was before.
        was: String,
    },
    /// An organization without which its customer was left is back, and the policy says to ask.
    OrganizationReturned {
        /// The organization.
        org: OrgId,
    },
    /// The organization was merged into that of another customer.
    OrganizationMerged {
        /// The organization that is gone.
        org: OrgId,
        /// The one that lives on.
        into: OrgId,
        /// The party it is paired with.
        of: PartyId,
    },
    /// Both sides say something else than before, or nobody knows whose value counts.
    Conflict {
        /// The field.
        field: Field,
        /// What the ERP says.
        erp: Option<Value>,
        /// What the CRM says.
        crm: Option<Value>,
        /// What both said when they last agreed.
        before: Option<Value>,
    },
    /// We wrote the same value twice and it was changed each time; a third time would be quarrelling.
    TugOfWar {
        /// The field.
        field: Field,
        /// What the ERP says.
        erp: Option<Value>,
        /// What the CRM says.
        crm: Option<Value>,
    },
    /// The CRM refused the write.
    Refused {
        /// The write.
        step: Step,
        /// The CRM's words.
        message: String,
        /// The request and its answer.
        #[serde(default)]
        exchange: Option<Box<Exchange>>,
    },
    /// An expression of the connection's own fields fails on this record.
    FieldFailed {
        /// The field.
        field: Field,
        /// What is wrong, and what to do about it.
        reason: String,
    },
    /// More of these writes than daily work brings, within a short time.
    MassChange {
        /// What there are many of.
        wave: Wave,
        /// How many pass without being asked about.
        limit: u64,
        /// Within how many minutes.
        minutes: i64,
    },
    /// The ERP says that the party is, over others, its own parent.
    RelationCycle {
        /// All parties of the circle, in the order of their ids.
        parties: Vec<PartyId>,
    },
    /// A relation that the ERP no longer wants, and of which nobody can tell whether we or a person made it.
    RelationFound {
        /// The relation.
        relation: RelationId,
        /// The parent by the ERP, then.
        parent: PartyId,
        /// The parent's organization.
        org: OrgId,
    },
    /// The relation to a parent was sent as often as it may be, and is not there.
    RelationUnsure {
        /// The parent.
        parent: PartyId,
        /// The parent's organization.
        org: OrgId,
    },
    /// The organization could not be understood.
    OrganizationUnreadable {
        /// The organization.
        org: OrgId,
        /// Which attribute was wrong, and how.
        reason: String,
    },
    /// The ERP's record could not be understood.
    Malformed {
        /// Which attribute was wrong, and how.
        reason: String,
    },
}

impl HoldReason {
    /// Name of what the mass guard asks.
    pub const MASS_CHANGE: &str = "mass_change";

    /// One example of each, for reference pages and for tests of what handles all of them.
    #[must_use]
    pub fn examples() -> Vec<Self> {
        std::iter::successors(Self::example_after(None), |reason| Self::example_after(Some(reason))).collect()
    }

    /// Without `_`, so that a new reason cannot be forgotten.
    fn example_after(reason: Option<&Self>) -> Option<Self> {
        let (org, other) = (OrgId(4711), OrgId(4712));
        let (by, of) = (PartyId(300_000_200_000_002), PartyId(300_000_200_000_002));
        let said = |text: &str| Some(Value::Text(text.to_owned()));
        Some(match reason {
            None => Self::Ambiguous {
                candidates: vec![Judged {
                    org,
                    name: "Acme".to_owned(),
                    comparison: Comparison { points: 57, ..Comparison::default() },
                    rivals: Vec::new(),
                }],
                why: "The evidence is not strong enough to decide by itself.".to_owned(),
            },
            Some(Self::Ambiguous { .. }) => Self::SeveralOrganizations { orgs: vec![org, other] },
            Some(Self::SeveralOrganizations { .. }) => Self::OrganizationTaken { org, by },
            Some(Self::OrganizationTaken { .. }) => Self::OrganizationGone { org },
            Some(Self::OrganizationGone { .. }) => Self::OrganizationMerged { org, into: other, of },
            Some(Self::OrganizationMerged { .. }) => Self::OrganizationReturned { org },
            Some(Self::OrganizationReturned { .. }) => Self::PartyMissing,
            Some(Self::PartyMissing) => Self::CustomerEnded { life: Life::Inactive },
            Some(Self::CustomerEnded { .. }) => {
                Self::CustomerReturned { was: Life::Inactive.label().to_owned() }
            }
            Some(Self::CustomerReturned { .. }) => Self::Conflict {
                field: Field::Phone,
                erp: said("+49 89 1234567"),
                crm: said("+49 89 1234568"),
                before: said("+49 89 1234500"),
            },
            Some(Self::Conflict { .. }) => {
                Self::TugOfWar { field: Field::Name, erp: said("Acme GmbH"), crm: said("ACME") }
            }
            Some(Self::TugOfWar { .. }) => Self::MassChange { wave: Wave::Creates, limit: 500, minutes: 60 },
            Some(Self::MassChange { .. }) => Self::Refused {
                step: Step::Forget { org },
                message: "name: must not be longer than 255 characters".to_owned(),
                exchange: None,
            },
            Some(Self::Refused { .. }) => Self::FieldFailed {
                field: Field::Name,
                reason: "undefined value: there is no attribute `Region`".to_owned(),
            },
            Some(Self::FieldFailed { .. }) => Self::RelationCycle { parties: vec![by, PartyId(by.0 + 1)] },
            Some(Self::RelationCycle { .. }) => Self::RelationUnsure { parent: by, org: other },
            Some(Self::RelationUnsure { .. }) => {
                Self::RelationFound { relation: RelationId(21), parent: by, org: other }
            }
            Some(Self::RelationFound { .. }) => {
                Self::OrganizationUnreadable { org, reason: "update_time is missing".to_owned() }
            }
            Some(Self::OrganizationUnreadable { .. }) => {
                Self::Malformed { reason: "OrganizationName is missing".to_owned() }
            }
            Some(Self::Malformed { .. }) => return None,
        })
    }

    /// Whether the mass guard asks.
    #[must_use]
    pub fn is_wave(&self) -> bool {
        matches!(self, Self::MassChange { .. })
    }

    /// Its name in lists, filters and metrics.
    #[must_use]
    pub fn key(&self) -> &'static str {
        match self {
            Self::OrganizationGone { .. } => "organization_gone",
            Self::SeveralOrganizations { .. } => "several_organizations",
            Self::Ambiguous { .. } => "ambiguous",
            Self::OrganizationTaken { .. } => "organization_taken",
            Self::PartyMissing => "party_missing",
            Self::CustomerEnded { .. } => "customer_ended",
            Self::CustomerReturned { .. } => "customer_returned",
            Self::OrganizationReturned { .. } => "organization_returned",
            Self::OrganizationMerged { .. } => "organization_merged",
            Self::Conflict { .. } => "conflict",
            Self::TugOfWar { .. } => "tug_of_war",
            Self::Refused { .. } => "refused",
            Self::FieldFailed { .. } => "field_failed",
            Self::MassChange { .. } => Self::MASS_CHANGE,
            Self::RelationCycle { .. } => "relation_cycle",
            Self::RelationUnsure { .. } => "relation_unsure",
            Self::RelationFound { .. } => "relation_found",
            Self::OrganizationUnreadable { .. } => "organization_unreadable",
            Self::Malformed { .. } => "malformed",
        }
    }

    /// One sentence for people: what is wrong and what can be done about it.
    #[must_use]
    pub fn explain(&self) -> String {
        let text = |value: &Option<Value>| value.as_ref().map_or("nothing", Value::text).to_owned();
        match self {
            Self::OrganizationGone { org } => format!(
                "Organization {org} was deleted, merged or hidden from the integration user. Restore it, or decide that the customer stays without one."
            ),
            Self::SeveralOrganizations { orgs } => {
                let list: Vec<String> = orgs.iter().map(ToString::to_string).collect();
                format!(
                    "Organizations {} all carry this customer's ERP id. Merge them, or clear the id on those that are other companies.",
                    list.join(", ")
                )
            }
            Self::Ambiguous { candidates, why } => {
                let list: Vec<String> = candidates
                    .iter()
                    .map(|candidate| {
                        format!(
                            "{} \"{}\" ({} points)",
                            candidate.org, candidate.name, candidate.comparison.points
                        )
                    })
                    .collect();
                format!(
                    "{why} Candidates: {}. Say which one it is, or that it is none of them.",
                    list.join(", ")
                )
            }
            Self::OrganizationTaken { org, by } => format!(
                "Organization {org} carries this customer's ERP id but belongs to party {by}. Clear the id there."
            ),
            Self::PartyMissing => {
                "The ERP no longer shows this party: it was deleted, merged, or our user lost access to it."
                    .to_owned()
            }
            Self::CustomerEnded { life } => format!(
                "The customer is {} in the ERP. Flag its organization, or leave it as it is.",
                life.label().to_lowercase()
            ),
            Self::CustomerReturned { was } => format!(
                "The customer was {} and is in use again in the ERP. Resume, or leave its organization as it is.",
                was.to_lowercase()
            ),
            Self::OrganizationReturned { org } => format!(
                "Organization {org} is back, and its customer had been left without it. Resume, or leave it as it is."
            ),
            Self::OrganizationMerged { org, into, of } => format!(
                "Organization {org} was merged into {into}, which belongs to party {of}. Make this customer its alias, create an organization of its own again, or leave it without one."
            ),
            Self::Conflict { field, erp, crm, before } => format!(
                "{field}: the ERP says \"{}\", the CRM says \"{}\"; before, it was \"{}\". Say whose value counts.",
                text(erp),
                text(crm),
                text(before)
            ),
            Self::TugOfWar { field, erp, crm } => format!(
                "{field}: the ERP says \"{}\" and was written twice, the CRM says \"{}\" again. Change it in the ERP, or leave it as it is.",
                text(erp),
                text(crm)
            ),
            Self::Refused { message, .. } => format!("The CRM refused the write: {message}"),
            Self::FieldFailed { field, reason } => {
                format!(
                    "The expression of {field} fails on this record: {reason}. Mend the record or the expression."
                )
            }
            Self::MassChange { wave, limit, minutes } => format!(
                "More than {limit} {} within {minutes} minutes: `plan` shows what would be written, `apply` writes it, or let it pass; or mend what caused it.",
                wave.label()
            ),
            Self::RelationCycle { parties } => {
                let list: Vec<String> = parties.iter().map(ToString::to_string).collect();
                format!(
                    "Parties {} are parents of each other in a circle. End the wrong relationship in the ERP, or leave their organizations as they are.",
                    list.join(", ")
                )
            }
            Self::RelationFound { relation, parent, org } => format!(
                "The ERP no longer says that party {parent} is the parent, and relation {relation} to its organization {org} is there: we sent it without an answer, so it is ours or a person's. Remove it in the CRM if it is wrong, then leave it."
            ),
            Self::RelationUnsure { parent, org } => format!(
                "It was sent twice that organization {org} (party {parent}) is the parent, no answer came, and it is not there: it got lost, or somebody removed it. Relate them in the CRM, or leave them as they are."
            ),
            Self::OrganizationUnreadable { org, reason } => {
                format!(
                    "Organization {org} cannot be read: {reason}. It is looked at again with its next change."
                )
            }
            Self::Malformed { reason } => format!("The ERP's record cannot be read: {reason}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reason_has_its_own_name_a_sentence_and_an_answer() {
        let all = HoldReason::examples();
        let keys: std::collections::BTreeSet<&str> = all.iter().map(HoldReason::key).collect();
        assert_eq!(keys.len(), all.len());
        for reason in &all {
            assert!(reason.explain().len() > 20, "{}", reason.explain());
            assert!(reason.answers().iter().any(|(key, _)| *key == "retry"), "{}", reason.key());
        }
    }
}
