//! situation -> decision. Pure and total; the whole policy of the customer flow can be read here.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::{
    budget::Class,
    fields::{Field, Owner, Values},
    ids::{OrgId, PartyId},
    mapping::{self, Desired},
    model::{CrmOrg, ErpCustomer, PartyStatus},
    pair::Pair,
    plan::{Change, Plan, Rule, Step},
    value::{Value, same},
};

/// What the connection's owner wants, as far as customers are concerned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    /// Party usages that make a party a customer even before it has an AR account.
    pub customer_usages: BTreeSet<String>,
    /// After this a created or changed record is surely shown by every look-up.
    pub settle: SignedDuration,
    /// An organization must have been read this recently before it is written.
    pub freshness: SignedDuration,
}

/// Everything known about one party when it is decided.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Situation {
    /// The party in question.
    pub party: PartyId,
    /// Now.
    pub now: Timestamp,
    /// What the ERP says.
    pub erp: ErpSide,
    /// The pair, if there is one.
    pub pair: Option<Pair>,
    /// What the CRM says about the pair's organization.
    pub crm: CrmSide,
    /// Organizations that carry this party's id, as last read, with the party each is paired with.
    pub carriers: Vec<Carrier>,
    /// An unanswered write, if any: nothing else is decided before it is cleared up.
    pub doubt: Option<Doubt>,
    /// The open hold of this party, if any.
    pub hold: Option<HoldReason>,
}

/// What the ERP says about a party.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(
    clippy::large_enum_variant,
    reason = "nearly every situation is the large one; a box would cost each of them"
)]
pub enum ErpSide {
    /// Nothing was read about it (its account may have come first).
    Unseen,
    /// As last read.
    Present(ErpCustomer),
    /// It was read once, but two sweeps in a row did not find it.
    Missing,
    /// It was read but could not be understood.
    Malformed(String),
}

/// What the CRM says about the organization of a pair.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CrmSide {
    /// There is no pair, so nothing to say.
    NoPair,
    /// As last read.
    Present {
        /// The organization.
        org: CrmOrg,
        /// When it was read.
        read_at: Timestamp,
    },
    /// A sweep did not find it, or it was never staged: it has to be read by id.
    Unknown,
    /// It exists, but could not be understood.
    Malformed(String),
    /// Reading it by id gave nothing.
    Absent {
        /// When it was last seen alive.
        last_seen: Timestamp,
    },
}

/// An organization that carries a party's id.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Carrier {
    /// The organization.
    pub org: OrgId,
    /// The party it is paired with, if any.
    pub paired_with: Option<PartyId>,
}

/// A write whose outcome is not known yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Doubt {
    /// From when on a look-up can tell that it did not happen.
    pub settled_at: Timestamp,
}

/// What follows from a situation. Closed on purpose: match it without `_`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decision {
    /// Both sides say the same.
    InSync,
    /// The party is none of our customers.
    NotOurs,
    /// The organization must be read by id before anything can be decided.
    Observe(OrgId),
    /// Write.
    Do(Plan),
    /// Ask a person.
    Hold(HoldReason),
    /// Look again at this time.
    WaitUntil(Timestamp),
}

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
    /// The only organization that carries the party's id belongs to another party.
    OrganizationTaken {
        /// The organization.
        org: OrgId,
        /// The party it is paired with.
        by: PartyId,
    },
    /// The ERP no longer shows the party.
    PartyMissing,
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
    /// Its name in lists, filters and metrics.
    #[must_use]
    pub fn key(&self) -> &'static str {
        match self {
            Self::OrganizationGone { .. } => "organization_gone",
            Self::SeveralOrganizations { .. } => "several_organizations",
            Self::OrganizationTaken { .. } => "organization_taken",
            Self::PartyMissing => "party_missing",
            Self::TugOfWar { .. } => "tug_of_war",
            Self::Refused { .. } => "refused",
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
            Self::OrganizationTaken { org, by } => format!(
                "Organization {org} carries this customer's ERP id but belongs to party {by}. Clear the id there."
            ),
            Self::PartyMissing => {
                "The ERP no longer shows this party: it was deleted, merged, or our user lost access to it."
                    .to_owned()
            }
            Self::TugOfWar { field, erp, crm } => format!(
                "{field}: the ERP says \"{}\" and was written twice, the CRM says \"{}\" again. Change it in the ERP, or leave it as it is.",
                text(erp),
                text(crm)
            ),
            Self::Refused { message, .. } => format!("The CRM refused the write: {message}"),
            Self::OrganizationUnreadable { org, reason } => {
                format!(
                    "Organization {org} cannot be read: {reason}. It is looked at again with its next change."
                )
            }
            Self::Malformed { reason } => format!("The ERP's record cannot be read: {reason}"),
        }
    }
}

/// Law 3: how often in a row the same value may be written to the same field.
const MOST_WRITES: u8 = 2;

/// Decides what to do about a party.
#[must_use]
pub fn decide(policy: &Policy, situation: &Situation) -> Decision {
    if let Some(doubt) = situation.doubt {
        return Decision::WaitUntil(doubt.settled_at);
    }
    let customer = match (&situation.erp, &situation.pair) {
        (ErpSide::Unseen, _) | (ErpSide::Missing, None) => return Decision::NotOurs,
        (ErpSide::Missing, Some(_)) => return Decision::Hold(HoldReason::PartyMissing),
        (ErpSide::Malformed(reason), _) => {
            return Decision::Hold(HoldReason::Malformed { reason: reason.clone() });
        }
        (ErpSide::Present(customer), _) => customer,
    };
    let decision = match &situation.pair {
        None if is_customer(policy, customer) => without_pair(situation, customer),
        None => Decision::NotOurs,
        Some(pair) => with_pair(policy, situation, customer, pair),
    };
    match decision {
        Decision::Do(plan) => unless_refused_before(plan, situation.hold.as_ref()),
        Decision::InSync
        | Decision::NotOurs
        | Decision::Observe(_)
        | Decision::Hold(_)
        | Decision::WaitUntil(_) => decision,
    }
}

/// A party with customer usage or at least one AR account (architecture section 2, oracle-fusion.md 10.11).
#[must_use]
pub fn is_customer(policy: &Policy, customer: &ErpCustomer) -> bool {
    let by_usage = customer.party.usage.as_ref().is_some_and(|usage| policy.customer_usages.contains(usage));
    by_usage || !customer.accounts.is_empty()
}

fn without_pair(situation: &Situation, customer: &ErpCustomer) -> Decision {
    match situation.carriers.as_slice() {
        [] if customer.party.status == PartyStatus::Active => Decision::Do(create(situation.party, customer)),
        // Nobody wants a customer in the CRM that the ERP has retired.
        [] => Decision::NotOurs,
        [Carrier { org, paired_with: None }] => Decision::Do(Plan {
            party: situation.party,
            steps: vec![Step::Bind { org: *org }],
            reason: format!("Organization {org} already carries this customer's ERP id"),
            rule: Rule::OrganizationCarriesId,
            class: Class::NewCustomer,
            then_hold: None,
        }),
        [Carrier { org, paired_with: Some(by) }] => {
            Decision::Hold(HoldReason::OrganizationTaken { org: *org, by: *by })
        }
        several => Decision::Hold(HoldReason::SeveralOrganizations {
            orgs: several.iter().map(|carrier| carrier.org).collect(),
        }),
    }
}

fn create(party: PartyId, customer: &ErpCustomer) -> Plan {
    let Desired { values, cut } = mapping::desired(customer);
    let mut reason = "The customer has no organization yet".to_owned();
    explain_cuts(&mut reason, &cut);
    Plan {
        party,
        steps: vec![Step::Create { values }],
        reason,
        rule: Rule::CustomerWithoutOrganization,
        class: Class::NewCustomer,
        then_hold: None,
    }
}

fn with_pair(policy: &Policy, situation: &Situation, customer: &ErpCustomer, pair: &Pair) -> Decision {
    let others: Vec<OrgId> =
        situation.carriers.iter().map(|carrier| carrier.org).filter(|org| *org != pair.org).collect();
    if !others.is_empty() {
        let orgs = std::iter::once(pair.org).chain(others).collect();
        return Decision::Hold(HoldReason::SeveralOrganizations { orgs });
    }
    match &situation.crm {
        CrmSide::NoPair | CrmSide::Unknown => Decision::Observe(pair.org),
        CrmSide::Malformed(reason) => {
            Decision::Hold(HoldReason::OrganizationUnreadable { org: pair.org, reason: reason.clone() })
        }
        CrmSide::Absent { last_seen } => {
            // A record that was alive a moment ago may only be missing from a list that lags.
            let settled = *last_seen + policy.settle;
            if situation.now < settled {
                Decision::WaitUntil(settled)
            } else {
                Decision::Hold(HoldReason::OrganizationGone { org: pair.org })
            }
        }
        CrmSide::Present { org, read_at } => {
            let difference = difference(customer, pair, &org.values);
            if difference.changes.is_empty() {
                return difference.tug.map_or(Decision::InSync, Decision::Hold);
            }
            if situation.now.duration_since(*read_at) > policy.freshness {
                return Decision::Observe(pair.org);
            }
            Decision::Do(update(situation.party, org.id, difference))
        }
    }
}

struct Difference {
    changes: Vec<Change>,
    restored: Vec<Field>,
    cut: Vec<Field>,
    tug: Option<HoldReason>,
}

/// Compares field by field, against what each side said before.
fn difference(customer: &ErpCustomer, pair: &Pair, actual: &Values) -> Difference {
    let Desired { values: desired, cut } = mapping::desired(customer);
    let mut found = Difference { changes: Vec::new(), restored: Vec::new(), cut, tug: None };
    for field in Field::ALL {
        match field.row().owner {
            Owner::Erp => erp_owned(field, desired.get(&field), pair, actual.get(&field), &mut found),
        }
    }
    found.cut.retain(|field| found.changes.iter().any(|change| change.field == *field));
    found
}

fn erp_owned(
    field: Field,
    desired: Option<&Value>,
    pair: &Pair,
    actual: Option<&Value>,
    found: &mut Difference,
) {
    let before = pair.erp_mirror.get(&field);
    if same(desired, actual) || pair.is_remote_form(field, desired, actual) {
        return;
    }
    // Where the ERP has nothing, a value in the CRM is cleared only if it is the one the ERP used to have:
    // what sales typed into a field that finance left empty is theirs.
    if desired.is_none() && !clears(field, before, pair, actual) {
        return;
    }
    if pair.times_written(field, desired) >= MOST_WRITES {
        found.tug.get_or_insert(HoldReason::TugOfWar { field, erp: desired.cloned(), crm: actual.cloned() });
        return;
    }
    if same(desired, before) {
        found.restored.push(field);
    }
    found.changes.push(Change { field, old: actual.cloned(), new: desired.cloned() });
}

fn clears(field: Field, before: Option<&Value>, pair: &Pair, actual: Option<&Value>) -> bool {
    before.is_some() && (same(before, actual) || pair.is_remote_form(field, before, actual))
}

fn update(party: PartyId, org: OrgId, difference: Difference) -> Plan {
    let Difference { changes, restored, cut, tug } = difference;
    let labels = |fields: &mut dyn Iterator<Item = Field>| -> String {
        fields.map(|field| field.row().label).collect::<Vec<_>>().join(", ")
    };
    let mut reason =
        format!("Differs from the ERP: {}", labels(&mut changes.iter().map(|change| change.field)));
    if !restored.is_empty() {
        let list = labels(&mut restored.into_iter());
        reason.push_str(&format!(
            "; edited in the CRM but owned by the ERP, the edit is kept in the journal: {list}"
        ));
    }
    explain_cuts(&mut reason, &cut);
    Plan {
        party,
        steps: vec![Step::Update { org, changes }],
        reason,
        rule: Rule::ErpOwnsField,
        class: Class::Edit,
        then_hold: tug,
    }
}

fn explain_cuts(reason: &mut String, cut: &[Field]) {
    for field in cut {
        reason.push_str(&format!("; {field} is cut to {} characters", field.row().limit));
    }
}

/// A write that was refused is not sent again as long as it would be the same write.
fn unless_refused_before(plan: Plan, hold: Option<&HoldReason>) -> Decision {
    match hold {
        Some(refusal @ HoldReason::Refused { step, .. }) if plan.steps.first() == Some(step) => {
            Decision::Hold(refusal.clone())
        }
        Some(_) | None => Decision::Do(plan),
    }
}
