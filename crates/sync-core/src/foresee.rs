//! What would be done about a party, step after step, if nothing moved meanwhile. Pure: the preview of what the loop
//! does one look at a time.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{
    budget::Class,
    decide::{Decision, decide},
    fields::Values,
    hierarchy::{self, Parent},
    hold::HoldReason,
    ids::OrgId,
    model::CrmOrg,
    pair::Pair,
    plan::{Plan, Step},
    policy::Policy,
    situation::{CrmSide, Situation},
};

/// What would be done, and what remains then.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Course {
    /// The plans that would be stored, in order. Only the last one may write to a remote system, or two of them: an
    /// organization's own fields, and then what it is to others.
    pub plans: Vec<Plan>,
    /// What is left to say after them.
    pub rest: Rest,
    /// Parents that it becomes a daughter of once both have organizations.
    pub parents_to_come: Vec<Parent>,
}

/// What is left to say about a party after its plans.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "rest")]
pub enum Rest {
    /// Both sides say the same then.
    InSync,
    /// The party is none of our customers.
    NotOurs,
    /// A person is asked.
    Hold {
        /// The question.
        reason: Box<HoldReason>,
    },
    /// It is looked at again at this time.
    Wait {
        /// When.
        until: Timestamp,
    },
    /// The organization has to be read first.
    Unread {
        /// Which.
        org: OrgId,
    },
}

/// After a pair is made or forgotten the party is looked at again, at least this urgently.
const AFTER_A_PAIR: Class = Class::NewCustomer;

/// Pairs are made or forgotten at most so often in a row; more would be going round in circles.
const MOST_PLANS: usize = 4;

/// Follows a party through its plans. `class` is that of its key; `orgs` are the organizations that it may be bound to,
/// as last read, and when that was.
#[must_use]
pub fn foresee(
    policy: &Policy,
    mut situation: Situation,
    mut class: Class,
    orgs: &BTreeMap<OrgId, (CrmOrg, Timestamp)>,
) -> Course {
    let mut plans: Vec<Plan> = Vec::new();
    loop {
        let rest = match decide(policy, &situation) {
            Decision::Do(plan) => {
                let plan = plan.asked_by(class);
                let step = plan.steps.first().cloned();
                let mut question = plan.then_hold.clone();
                plans.push(plan);
                match step {
                    Some(Step::Bind { org }) if plans.len() < MOST_PLANS => {
                        bind(&mut situation, org, orgs);
                        class = class.min(AFTER_A_PAIR);
                        continue;
                    }
                    Some(Step::Forget { org }) if plans.len() < MOST_PLANS => {
                        forget(&mut situation, org);
                        class = class.min(AFTER_A_PAIR);
                        continue;
                    }
                    Some(Step::Update { org, .. }) => {
                        question = relations(policy, &situation, (org, class), question, &mut plans);
                    }
                    Some(
                        Step::Bind { .. }
                        | Step::Forget { .. }
                        | Step::Create { .. }
                        | Step::Relate { .. }
                        | Step::Unrelate { .. },
                    )
                    | None => {}
                }
                question.map_or(Rest::InSync, |reason| Rest::Hold { reason: Box::new(reason) })
            }
            Decision::InSync => Rest::InSync,
            Decision::NotOurs => Rest::NotOurs,
            Decision::Hold(reason) => Rest::Hold { reason: Box::new(reason) },
            Decision::WaitUntil(until) => Rest::Wait { until },
            Decision::Observe(org) => Rest::Unread { org },
        };
        let parents_to_come = parents_to_come(policy, &situation, &plans);
        return Course { plans, rest, parents_to_come };
    }
}

/// What an organization is to others follows its own fields. Gives the question that remains.
fn relations(
    policy: &Policy,
    situation: &Situation,
    (org, class): (OrgId, Class),
    question: Option<HoldReason>,
    plans: &mut Vec<Plan>,
) -> Option<HoldReason> {
    if policy.hierarchy.is_none() {
        return question;
    }
    match hierarchy::decide(situation, org, question) {
        Decision::Do(plan) => {
            let question = plan.then_hold.clone();
            plans.push(plan.asked_by(class));
            question
        }
        Decision::Hold(reason) => Some(reason),
        Decision::InSync | Decision::NotOurs | Decision::WaitUntil(_) | Decision::Observe(_) => None,
    }
}

fn parents_to_come(policy: &Policy, situation: &Situation, plans: &[Plan]) -> Vec<Parent> {
    let creates = plans.last().is_some_and(|plan| matches!(plan.steps.first(), Some(Step::Create { .. })));
    if creates || situation.pair.is_some() {
        hierarchy::parents_to_come(policy, situation, !creates)
    } else {
        Vec::new()
    }
}

/// As if the pair had been made.
fn bind(situation: &mut Situation, org: OrgId, orgs: &BTreeMap<OrgId, (CrmOrg, Timestamp)>) {
    let party = situation.party;
    situation.pair = Some(Pair {
        party,
        org,
        erp_mirror: Values::new(),
        crm_mirror: Values::new(),
        written: BTreeMap::new(),
    });
    situation.crm = match orgs.get(&org) {
        Some((org, read_at)) => CrmSide::Present { org: org.clone(), read_at: *read_at },
        None => CrmSide::Unknown,
    };
    for carrier in situation.carriers.iter_mut().filter(|carrier| carrier.org == org) {
        carrier.paired_with = Some(party);
    }
}

/// As if the pair had been forgotten.
fn forget(situation: &mut Situation, org: OrgId) {
    situation.pair = None;
    situation.crm = CrmSide::NoPair;
    for carrier in situation.carriers.iter_mut().filter(|carrier| carrier.org == org) {
        carrier.paired_with = None;
    }
}
