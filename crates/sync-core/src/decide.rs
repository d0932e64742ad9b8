//! situation -> decision. Pure and total; the whole policy of the customer flow can be read here.

use jiff::Timestamp;

use crate::{
    answers::{GoneAnswer, LifeAnswer},
    budget::Class,
    difference::{Difference, difference},
    fields::{Field, FieldTable},
    hierarchy,
    hold::HoldReason,
    ids::{OrgId, PartyId},
    mapping::{self, Desired},
    matching::Verdict,
    model::{CrmOrg, ErpCustomer},
    pair::Pair,
    plan::{Plan, Rule, Step},
    policy::{Life, Policy, Reaction},
    situation::{Carrier, CrmSide, ErpSide, Likeness, Situation},
};

/// What follows from a situation. Closed on purpose: match it without `_`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decision {
    /// Both sides say the same, or are meant to differ.
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

/// Decides what to do about a party.
#[must_use]
pub fn decide(policy: &Policy, situation: &Situation) -> Decision {
    if let Some(doubt) = situation.doubt {
        return Decision::WaitUntil(doubt.settled_at);
    }
    let decision = match (&situation.erp, &situation.pair) {
        (ErpSide::Unseen, _) | (ErpSide::Missing, None) => Decision::NotOurs,
        (ErpSide::Malformed(reason), _) => Decision::Hold(HoldReason::Malformed { reason: reason.clone() }),
        (ErpSide::Missing, Some(pair)) => with_pair(policy, situation, None, pair),
        (ErpSide::Present(customer), Some(pair)) => with_pair(policy, situation, Some(customer), pair),
        (ErpSide::Present(customer), None) if policy.customers.covers(customer) => {
            without_pair(policy, situation, customer)
        }
        (ErpSide::Present(_), None) => Decision::NotOurs,
    };
    match decision {
        Decision::Do(plan) if situation.try_again => Decision::Do(plan),
        Decision::Do(plan) => unless_refused_before(plan, situation.hold.as_ref()),
        Decision::InSync
        | Decision::NotOurs
        | Decision::Observe(_)
        | Decision::Hold(_)
        | Decision::WaitUntil(_) => decision,
    }
}

fn without_pair(policy: &Policy, situation: &Situation, customer: &ErpCustomer) -> Decision {
    if situation.answers.alias_of.is_some() {
        // Its numbers are shown by the organization of the other party.
        return Decision::InSync;
    }
    if situation.made_for.is_some() {
        // The handover that created it asks which of the two its organization is.
        return Decision::InSync;
    }
    match carriers(situation).as_slice() {
        [] => by_likeness(policy, situation, customer),
        [Carrier { org, paired_with: None }] => {
            let why = format!("Organization {org} already carries this customer's ERP id");
            Decision::Do(bind(situation, *org, Rule::OrganizationCarriesId, why))
        }
        [Carrier { org, paired_with: Some(by) }] => {
            Decision::Hold(HoldReason::OrganizationTaken { org: *org, by: *by })
        }
        several => Decision::Hold(HoldReason::SeveralOrganizations {
            orgs: several.iter().map(|carrier| carrier.org).collect(),
        }),
    }
}

/// Organizations that carry the party's id, but for those that a person said are other companies.
fn carriers(situation: &Situation) -> Vec<Carrier> {
    let apart = &situation.answers.apart;
    situation.carriers.iter().filter(|carrier| !apart.contains(&carrier.org)).copied().collect()
}

/// Nobody carries its id: perhaps sales knows the company already, under its own name.
fn by_likeness(policy: &Policy, situation: &Situation, customer: &ErpCustomer) -> Decision {
    if let Some(org) = situation.answers.same {
        return Decision::Do(bind(situation, org, Rule::PersonChose, "A person said so".to_owned()));
    }
    match &situation.likeness {
        Likeness::Compared(Verdict::Bind { chosen, runner_up }) => {
            let mut why =
                format!("It is \"{}\": {}", chosen.name, chosen.comparison.explain().replace('\n', "; "));
            if let Some(next) = runner_up {
                let points = next.comparison.points;
                why.push_str(&format!("; the next one, \"{}\", has {points} points only", next.name));
            }
            Decision::Do(bind(situation, chosen.org, Rule::OrganizationMatches, why))
        }
        Likeness::Compared(Verdict::Ask { candidates, why }) => {
            Decision::Hold(HoldReason::Ambiguous { candidates: candidates.clone(), why: why.clone() })
        }
        // Nobody wants a customer in the CRM that the ERP has retired.
        Likeness::NotCompared | Likeness::Compared(Verdict::Nobody)
            if Life::of(&customer.party.status) != Life::Active =>
        {
            Decision::NotOurs
        }
        Likeness::NotCompared | Likeness::Compared(Verdict::Nobody) => {
            create(policy, situation.party, customer)
        }
    }
}

fn bind(situation: &Situation, org: OrgId, rule: Rule, reason: String) -> Plan {
    Plan {
        party: situation.party,
        steps: vec![Step::Bind { org }],
        reason,
        rule,
        class: Class::NewCustomer,
        then_hold: None,
    }
}

/// A record that an expression fails on holds itself, before anything of it is written.
fn failure(failed: Vec<(Field, String)>) -> Option<HoldReason> {
    let (field, reason) = failed.into_iter().next()?;
    Some(HoldReason::FieldFailed { field, reason })
}

fn create(policy: &Policy, party: PartyId, customer: &ErpCustomer) -> Decision {
    let Desired { values, cut, failed } = mapping::desired(&policy.fields, customer);
    if let Some(question) = failure(failed) {
        return Decision::Hold(question);
    }
    let mut reason = "The customer has no organization yet".to_owned();
    explain_cuts(&policy.fields, &mut reason, &cut);
    Decision::Do(Plan {
        party,
        steps: vec![Step::Create { values }],
        reason,
        rule: Rule::CustomerWithoutOrganization,
        class: Class::NewCustomer,
        then_hold: None,
    })
}

/// What happens to the organization of a customer that lives this way in the ERP.
enum Care {
    /// It is kept as the ERP says.
    Sync,
    /// It is left as it is.
    Leave,
    /// A person decides.
    Ask(Box<HoldReason>),
}

/// `customer` is none when the ERP does not show it any more.
fn with_pair(
    policy: &Policy,
    situation: &Situation,
    customer: Option<&ErpCustomer>,
    pair: &Pair,
) -> Decision {
    if customer.is_some_and(|customer| !policy.customers.admits(customer)) {
        // The filters were changed, or it was renamed: what is there stays as it is.
        return Decision::InSync;
    }
    if let Some(chosen) = situation.answers.same
        && chosen != pair.org
        && carriers(situation).contains(&Carrier { org: chosen, paired_with: None })
    {
        return Decision::Do(forget(situation, pair.org, &format!("A person chose organization {chosen}")));
    }
    let others: Vec<OrgId> =
        carriers(situation).iter().map(|carrier| carrier.org).filter(|org| *org != pair.org).collect();
    let gone = matches!(situation.crm, CrmSide::Absent { .. });
    if !others.is_empty() && !gone {
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
                without_its_organization(policy, situation, pair)
            }
        }
        CrmSide::Present { org, read_at } => {
            if let Some(decision) = returned(policy, situation, org) {
                return decision;
            }
            match care(policy, situation, customer, pair) {
                Care::Sync => synced(policy, situation, customer, pair, (org, *read_at)),
                Care::Leave => Decision::InSync,
                Care::Ask(reason) => Decision::Hold(*reason),
            }
        }
    }
}

/// The organization of the pair is deleted, hidden or merged into another one.
fn without_its_organization(policy: &Policy, situation: &Situation, pair: &Pair) -> Decision {
    let gone = pair.org;
    if situation.answers.alias_of.is_some() {
        return Decision::Do(forget(situation, gone, "It is an alias of another customer"));
    }
    match situation.answers.about_gone(gone) {
        Some(GoneAnswer::Leave | GoneAnswer::LeaveForGood) => return Decision::InSync,
        Some(GoneAnswer::Recreate) => {
            return Decision::Do(forget(situation, gone, "A person asked for a new organization"));
        }
        None => {}
    }
    match carriers(situation).as_slice() {
        // Merging fills what is empty in the survivor: it says itself whose id it now carries (pipedrive.md 1.5). The pair moves in
        // one go: a customer whose pair was forgotten would be created anew if somebody deleted the survivor before it is bound.
        [Carrier { org, paired_with: None }] => {
            let why = format!("Organization {gone} is gone and {org} carries this customer's ERP id now");
            Decision::Do(bind(situation, *org, Rule::OrganizationCarriesId, why))
        }
        [Carrier { org, paired_with: Some(of) }] if *of != situation.party => match policy.crm.merged {
            Reaction::Ignore => Decision::InSync,
            Reaction::Ask | Reaction::Flag | Reaction::Label => {
                Decision::Hold(HoldReason::OrganizationMerged { org: gone, into: *org, of: *of })
            }
        },
        _ => match policy.crm.deleted {
            Reaction::Ignore => Decision::InSync,
            Reaction::Ask | Reaction::Flag | Reaction::Label => {
                Decision::Hold(HoldReason::OrganizationGone { org: gone })
            }
        },
    }
}

fn forget(situation: &Situation, org: OrgId, why: &str) -> Plan {
    Plan {
        party: situation.party,
        steps: vec![Step::Forget { org }],
        reason: why.to_owned(),
        rule: Rule::OrganizationGone,
        class: Class::NewCustomer,
        then_hold: None,
    }
}

/// What follows if the organization had been given up and is back.
fn returned(policy: &Policy, situation: &Situation, org: &CrmOrg) -> Option<Decision> {
    match situation.answers.about_gone(org.id) {
        None | Some(GoneAnswer::Recreate) => return None,
        Some(GoneAnswer::LeaveForGood) => return Some(Decision::InSync),
        Some(GoneAnswer::Leave) => {}
    }
    match policy.crm.returned {
        Reaction::Flag | Reaction::Label => None,
        Reaction::Ignore => Some(Decision::InSync),
        Reaction::Ask => Some(Decision::Hold(HoldReason::OrganizationReturned { org: org.id })),
    }
}

/// Whether nothing is done about a customer that ended, or is back, because that is ignored, or a person said to leave it. As long
/// as that is so, what the ERP says of it was not told: whoever remembers it as told would tell it with the next look.
#[must_use]
pub fn is_left(policy: &Policy, situation: &Situation) -> bool {
    match (&situation.erp, &situation.pair) {
        (ErpSide::Present(customer), Some(pair)) => {
            matches!(care(policy, situation, Some(customer), pair), Care::Leave)
        }
        (ErpSide::Present(_) | ErpSide::Unseen | ErpSide::Missing | ErpSide::Malformed(_), _) => false,
    }
}

fn life(customer: Option<&ErpCustomer>) -> Life {
    customer.map_or(Life::Deleted, |customer| Life::of(&customer.party.status))
}

fn care(policy: &Policy, situation: &Situation, customer: Option<&ErpCustomer>, pair: &Pair) -> Care {
    let life = life(customer);
    let told = pair.erp_mirror.get(&Field::ErpStatus).map_or(Life::Active.label(), |status| status.text());
    let tells = match customer {
        Some(customer) => customer.party.status.label(),
        None => Life::Deleted.label(),
    };
    if told == tells {
        // Nothing happened since it was last dealt with.
        return Care::Sync;
    }
    let reaction = policy.erp.to(life);
    match (reaction, situation.answers.lives.get(&life)) {
        (Reaction::Flag | Reaction::Label, _) | (Reaction::Ask, Some(LifeAnswer::Flag)) => Care::Sync,
        (Reaction::Ignore, _) | (Reaction::Ask, Some(LifeAnswer::Leave)) => Care::Leave,
        (Reaction::Ask, None) => Care::Ask(Box::new(match life {
            Life::Active => HoldReason::CustomerReturned { was: told.to_owned() },
            Life::Deleted => HoldReason::PartyMissing,
            Life::Inactive | Life::Merged => HoldReason::CustomerEnded { life },
        })),
    }
}

fn synced(
    policy: &Policy,
    situation: &Situation,
    customer: Option<&ErpCustomer>,
    pair: &Pair,
    (org, read_at): (&CrmOrg, Timestamp),
) -> Decision {
    let mut desired = match customer {
        Some(customer) => mapping::desired(&policy.fields, customer),
        None => mapping::deleted(&pair.erp_mirror),
    };
    match policy.labels(life(customer), org.values.get(&Field::Labels)) {
        Some(labels) => desired.values.insert(Field::Labels, labels),
        None => desired.values.remove(&Field::Labels),
    };
    if let Some(question) = failure(desired.failed.clone()) {
        return Decision::Hold(question);
    }
    let difference = difference(&policy.fields, desired, pair, &org.values, &situation.answers);
    if difference.changes.is_empty() {
        // The customer's own fields first, relations after.
        return match &policy.hierarchy {
            Some(_) => hierarchy::decide(situation, org.id, difference.question),
            None => difference.question.map_or(Decision::InSync, Decision::Hold),
        };
    }
    if situation.now.duration_since(read_at) > policy.freshness {
        return Decision::Observe(pair.org);
    }
    Decision::Do(update(&policy.fields, situation.party, org.id, difference))
}

fn update(fields: &FieldTable, party: PartyId, org: OrgId, difference: Difference) -> Plan {
    let Difference { changes, restored, cut, question } = difference;
    let labels = |fields: &mut dyn Iterator<Item = Field>| -> String {
        fields.map(|field| field.label().to_owned()).collect::<Vec<_>>().join(", ")
    };
    let mut reason =
        format!("Differs from the ERP: {}", labels(&mut changes.iter().map(|change| change.field)));
    if !restored.is_empty() {
        let list = labels(&mut restored.into_iter());
        reason.push_str(&format!(
            "; edited in the CRM but owned by the ERP, the edit is kept in the journal: {list}"
        ));
    }
    explain_cuts(fields, &mut reason, &cut);
    Plan {
        party,
        steps: vec![Step::Update { org, changes }],
        reason,
        rule: Rule::ErpOwnsField,
        class: Class::Edit,
        then_hold: question,
    }
}

fn explain_cuts(fields: &FieldTable, reason: &mut String, cut: &[Field]) {
    for field in cut {
        reason.push_str(&format!("; {field} is cut to {} characters", fields.limit(*field)));
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
