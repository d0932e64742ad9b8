//! Why an organization should be a customer of the ERP: decided on what is there, not on what happened.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{
    policy::{BusinessUnit, Conditions, Directory, HandoverPolicy, Trigger, same},
    situation::{Asked, Handover},
};
use crate::{
    deals::{CrmDeal, DealStatus},
    fields::Field,
    ids::DealId,
    matching::country_code,
    situation::CrmSide,
    value::Value,
};

/// Why a customer is created.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Cause {
    /// This deal was won.
    Deal(DealId),
    /// The organization was entered.
    Created,
    /// The organization was given to somebody else.
    Assigned,
    /// A person asked for it.
    Asked,
}

impl std::fmt::Display for Cause {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Deal(deal) => write!(f, "deal {deal} was won"),
            Self::Created => f.write_str("the organization was entered"),
            Self::Assigned => f.write_str("the organization was given to somebody else"),
            Self::Asked => f.write_str("a person asked for it"),
        }
    }
}

/// A cause, with what follows from it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Because<'a> {
    /// The cause.
    pub cause: Cause,
    /// Its deal, if it has one.
    pub deal: Option<&'a CrmDeal>,
    /// When the deal was read.
    pub read_at: Option<Timestamp>,
    /// Where the customer belongs; none if no rule says so.
    pub unit: Option<&'a BusinessUnit>,
    /// Whether it counts by itself: it came after the connection was activated, or a person asked for it.
    pub due: bool,
    /// Whether a person asked for exactly this.
    pub by_hand: bool,
}

/// Everything for which the organization should be a customer, the oldest first. What is not `due` waits for a person.
#[must_use]
pub fn causes<'a>(
    policy: &'a HandoverPolicy,
    directory: &Directory,
    handover: &'a Handover,
) -> Vec<Because<'a>> {
    let Handover { answers, activated_at, assigned_at, .. } = handover;
    let facts = handover.facts();
    let mut found: Vec<(Timestamp, Because<'a>)> = Vec::new();
    let org_marked = policy.marks_org(&facts);
    let marked = |deal: &CrmDeal| org_marked || policy.marks_deal(&deal.facts);
    for staged in &handover.deals {
        let deal = &staged.deal;
        let by_hand = answers.asked.contains(&Asked::Deal(deal.id));
        let triggers = policy.on.contains(&Trigger::DealWon) && (!policy.require_mark || marked(deal));
        if !is_won(deal, handover) || !(triggers || by_hand) {
            continue;
        }
        let won_at = deal.won_at.unwrap_or(deal.updated_at);
        let because = Because {
            cause: Cause::Deal(deal.id),
            deal: Some(deal),
            read_at: Some(staged.read_at),
            unit: unit(policy, directory, handover, Some(deal)),
            due: by_hand || won_at >= *activated_at,
            by_hand,
        };
        found.push((won_at, because));
    }
    let of_org = |cause, due, by_hand| Because {
        cause,
        deal: None,
        read_at: None,
        unit: unit(policy, directory, handover, None),
        due,
        by_hand,
    };
    let needs_mark = policy.require_mark || policy.mark.is_some();
    let fits = !needs_mark || org_marked;
    for (trigger, cause, at) in [
        (Trigger::OrgCreated, Cause::Created, facts.added_at),
        (Trigger::OrgAssigned, Cause::Assigned, *assigned_at),
    ] {
        if let Some(at) = at.filter(|_| policy.on.contains(&trigger) && fits) {
            found.push((at, of_org(cause, at >= *activated_at, false)));
        }
    }
    if answers.asked.contains(&Asked::Org) {
        found.push((Timestamp::MAX, of_org(Cause::Asked, true, true)));
    }
    found.sort_by_key(|(at, because)| (*at, because.cause));
    found.into_iter().map(|(_, because)| because).collect()
}

/// Archived deals are out of the game, as deleted ones are (pipedrive.md 1.6).
fn is_won(deal: &CrmDeal, handover: &Handover) -> bool {
    deal.status == DealStatus::Won && !deal.archived && deal.org == Some(handover.org)
}

fn unit<'a>(
    policy: &'a HandoverPolicy,
    directory: &Directory,
    handover: &Handover,
    deal: Option<&CrmDeal>,
) -> Option<&'a BusinessUnit> {
    policy.business_units.iter().find(|unit| fits(&unit.when, directory, handover, deal))
}

fn fits(when: &Conditions, directory: &Directory, handover: &Handover, deal: Option<&CrmDeal>) -> bool {
    let Conditions { pipeline, country, owner, field } = when;
    let in_pipeline = || {
        let pipeline_of = deal.and_then(|deal| deal.pipeline);
        pipeline_of.is_some_and(|id| directory.is_pipeline(id, pipeline))
    };
    let in_country = || {
        let of = country_of(handover);
        of.is_some_and(|of| country.iter().any(|wanted| same(wanted, &of)))
    };
    let owned = || {
        let of = match deal {
            Some(deal) => deal.owner,
            None => handover.facts().owner,
        };
        of.is_some_and(|id| directory.is_user(id, owner))
    };
    (pipeline.is_empty() || in_pipeline())
        && (country.is_empty() || in_country())
        && (owner.is_empty() || owned())
        && field.as_ref().is_none_or(|field| {
            field.holds(&handover.facts().custom) || deal.is_some_and(|deal| field.holds(&deal.facts.custom))
        })
}

/// The organization's country as ISO 3166 alpha-2, as far as its address tells.
pub(super) fn country_of(handover: &Handover) -> Option<String> {
    let CrmSide::Present { org, .. } = &handover.crm else { return None };
    let Some(Value::Address(address)) = org.values.get(&Field::Address) else { return None };
    country_code(address.country.as_deref()?)
}
