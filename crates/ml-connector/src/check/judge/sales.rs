//! What handovers need of the CRM: deals, and whatever rules name (pipedrive.md 1.6, 1.7); and what handing over would be like.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use pipedrive::{Fielded, KnownField, User};
use sync_core::handover::{Directory, FieldIs, HandoverPolicy, Mark};
use sync_core::ids::OrgId;

use super::super::finding::{Finding, HandoverForecast};
use super::super::observe::Asked;
use super::super::readiness::{CrmReady, DealsSeen};
use super::access::seen;
use super::pipedrive::refused;
use super::{counted, same};

const DEALS: &str = "pipedrive.deals.readable";
const PIPELINES: &str = "pipedrive.pipelines";
const OWNERS: &str = "pipedrive.owners";
const CURRENCIES: &str = "pipedrive.currencies";
const MARKS: &str = "pipedrive.marks";
const UNITS: &str = "[[connection.customers_from_crm.business_unit]]";

/// Custom fields by what has them.
type Fields = [(Fielded, Asked<Vec<KnownField>>)];

/// The findings there are for these settings.
pub(super) fn names(policy: &HandoverPolicy) -> Vec<&'static str> {
    let units = &policy.business_units;
    let mut names = vec![DEALS];
    names.extend(units.iter().any(|unit| !unit.when.pipeline.is_empty()).then_some(PIPELINES));
    names.extend(units.iter().any(|unit| !unit.when.owner.is_empty()).then_some(OWNERS));
    names.extend((!policy.review_above.is_empty()).then_some(CURRENCIES));
    names.extend((!marks(policy).is_empty()).then_some(MARKS));
    names
}

pub(super) fn judge(
    policy: &HandoverPolicy,
    ready: &CrmReady,
    fields: &Fields,
    blocked_by: &'static str,
) -> Vec<Finding> {
    let mut findings = vec![deals(ready, blocked_by)];
    findings.extend(ready.pipelines.as_ref().map(|asked| pipelines(policy, asked, blocked_by)));
    findings.extend(ready.users.as_ref().map(|asked| owners(policy, asked, blocked_by)));
    findings.extend(ready.currencies.as_ref().map(|asked| currencies(policy, asked, blocked_by)));
    let marks = marks(policy);
    if !marks.is_empty() {
        findings.push(marked(&marks, fields, blocked_by));
    }
    findings
}

fn deals(ready: &CrmReady, blocked_by: &'static str) -> Finding {
    let trouble = match &ready.won {
        Asked::Answered(DealsSeen { rows, more }) => {
            let than = if *more { "more than " } else { "" };
            return Finding::ok(
                DEALS,
                format!("{than}{} visible to this user", counted(rows.len(), "won deal")),
            );
        }
        Asked::Failed(trouble) => trouble,
        Asked::NotAsked => return Finding::not_checked(DEALS, blocked_by),
    };
    let said = format!("deals cannot be read, so none ever becomes a customer: {}", seen(trouble));
    refused(
        Finding::problem(DEALS, said),
        trouble,
        "let the user read deals of everybody; an app needs the scope deals:read or deals:full",
    )
}

/// Names of rules that stand for nothing, unit by unit.
fn unknown<'a>(
    policy: &'a HandoverPolicy,
    named: impl Fn(&'a sync_core::handover::Conditions) -> &'a [String],
    is_known: impl Fn(&[String]) -> bool,
) -> Vec<String> {
    let mut unknown = Vec::new();
    for unit in &policy.business_units {
        for name in named(&unit.when) {
            if !is_known(std::slice::from_ref(name)) {
                unknown.push(format!("\"{name}\" ({})", unit.name));
            }
        }
    }
    unknown
}

fn pipelines(
    policy: &HandoverPolicy,
    asked: &Asked<BTreeMap<i64, String>>,
    blocked_by: &'static str,
) -> Finding {
    let known = match asked {
        Asked::Answered(known) => known,
        Asked::Failed(trouble) => {
            let said = format!("pipelines cannot be read, so no rule about them can hold: {}", seen(trouble));
            let needed = "let the user see pipelines; an app needs the scope deals:read or deals:full";
            return refused(Finding::problem(PIPELINES, said), trouble, needed);
        }
        Asked::NotAsked => return Finding::not_checked(PIPELINES, blocked_by),
    };
    let directory = Directory { pipelines: known.clone(), users: BTreeMap::new() };
    let is_known = |name: &[String]| known.keys().any(|id| directory.is_pipeline(*id, name));
    let unknown = unknown(policy, |when| &when.pipeline, is_known);
    if unknown.is_empty() {
        return Finding::ok(PIPELINES, "the pipelines that rules name exist");
    }
    let there: Vec<String> = known.values().map(|name| format!("\"{name}\"")).collect();
    let said = format!("there is no pipeline {}; there are {}", unknown.join(", "), there.join(", "));
    Finding::problem(PIPELINES, said)
        .remedy("write a pipeline's name or number", format!("{UNITS} when.pipeline"))
}

fn owners(policy: &HandoverPolicy, asked: &Asked<Vec<User>>, blocked_by: &'static str) -> Finding {
    let place = || format!("{UNITS} when.owner");
    let users = match asked {
        Asked::Answered(users) => users,
        Asked::Failed(trouble) => {
            let said = format!("users cannot be read, so no rule about owners can hold: {}", seen(trouble));
            let needed = "let the user see users; an app needs the scope users:read";
            return refused(Finding::problem(OWNERS, said), trouble, needed);
        }
        Asked::NotAsked => return Finding::not_checked(OWNERS, blocked_by),
    };
    let named = |user: &User| [&user.name, &user.email].into_iter().flatten().cloned().collect();
    let directory = Directory {
        pipelines: BTreeMap::new(),
        users: users.iter().map(|user| (user.id, named(user))).collect(),
    };
    let is = |user: &User, name: &[String]| directory.is_user(user.id, name);
    let gone = unknown(policy, |when| &when.owner, |name| users.iter().any(|user| is(user, name)));
    if !gone.is_empty() {
        let said = format!("there is no user {}", gone.join(", "));
        return Finding::problem(OWNERS, said)
            .remedy("write a user's name, e-mail address or number", place());
    }
    let active = |name: &[String]| users.iter().any(|user| user.active && is(user, name));
    let inactive = unknown(policy, |when| &when.owner, active);
    if !inactive.is_empty() {
        let said = format!("users that rules name may not log in any more: {}", inactive.join(", "));
        return Finding::warning(OWNERS, said).remedy("name those who won their deals, too", place());
    }
    Finding::ok(OWNERS, "the users that rules name exist")
}

fn currencies(
    policy: &HandoverPolicy,
    asked: &Asked<BTreeMap<String, u8>>,
    blocked_by: &'static str,
) -> Finding {
    let known = match asked {
        Asked::Answered(known) => known,
        Asked::Failed(trouble) => {
            let said = format!("whether the currencies exist cannot be told: {}", seen(trouble));
            return Finding::note(CURRENCIES, said);
        }
        Asked::NotAsked => return Finding::not_checked(CURRENCIES, blocked_by),
    };
    let missing: Vec<&str> =
        policy.review_above.keys().filter(|code| !known.contains_key(*code)).map(String::as_str).collect();
    if missing.is_empty() {
        return Finding::ok(CURRENCIES, "the currencies that have a limit exist");
    }
    let said = format!("no deal can be in {}: the company has no such currency", missing.join(", "));
    Finding::warning(CURRENCIES, said).remedy(
        "name currencies that deals have; those that are not named are asked about in any case",
        "[connection.customers_from_crm] review_above; Pipedrive: Company settings > Currencies",
    )
}

/// What people say that something is meant for the ERP by, and where it counts.
pub(super) enum Named<'a> {
    Label(&'a str),
    Field(&'a FieldIs),
}

fn marks(policy: &HandoverPolicy) -> Vec<Named<'_>> {
    let mark = policy.mark.iter().map(|mark| match mark {
        Mark::Label(label) => Named::Label(label),
        Mark::Field(field) => Named::Field(field),
    });
    let of_units = policy.business_units.iter().filter_map(|unit| unit.when.field.as_ref()).map(Named::Field);
    mark.chain(of_units).collect()
}

/// Labels and custom fields, of organizations or deals, that rules name.
pub(super) fn marked(marks: &[Named<'_>], fields: &Fields, blocked_by: &'static str) -> Finding {
    let of = |wanted: Fielded| {
        fields.iter().filter(move |(fielded, _)| *fielded == wanted).find_map(|(_, asked)| asked.answer())
    };
    let (orgs, deals) = (of(Fielded::Organizations), of(Fielded::Deals));
    if orgs.is_none() && deals.is_none() {
        return Finding::not_checked(MARKS, blocked_by);
    }
    let known = || orgs.into_iter().chain(deals).flatten();
    let wrong: Vec<String> = marks
        .iter()
        .filter_map(|mark| match mark {
            Named::Label(label) => {
                let there = known().filter(|field| field.labels);
                let found = there.flat_map(|field| &field.options).any(|option| same(option, label));
                (!found).then(|| format!("organizations and deals have no label \"{label}\""))
            }
            Named::Field(FieldIs { name, values }) => {
                let found: Vec<&KnownField> = known()
                    .filter(|field| !field.labels && (same(&field.name, name) || field.code == *name))
                    .collect();
                if found.is_empty() {
                    return Some(format!("neither organizations nor deals have a field \"{name}\""));
                }
                let options: Vec<&String> = found.iter().flat_map(|field| &field.options).collect();
                let missing: Vec<String> = values
                    .iter()
                    .filter(|value| !options.is_empty() && !options.iter().any(|option| same(option, value)))
                    .map(|value| format!("\"{value}\""))
                    .collect();
                (!missing.is_empty())
                    .then(|| format!("the field \"{name}\" has no option {}", missing.join(", ")))
            }
        })
        .collect();
    if wrong.is_empty() {
        return Finding::ok(MARKS, "the labels and fields that rules name exist");
    }
    Finding::problem(MARKS, wrong.join("; ")).remedy(
        "create it, or write it as it is there",
        "[connection.customers_from_crm]; Pipedrive: Company settings > Data fields",
    )
}

/// What handing over would be like; none while deals cannot be read.
pub(super) fn forecast(ready: &CrmReady) -> Option<HandoverForecast> {
    let CrmReady { won, open, activated_at, customers, .. } = ready;
    let won = won.answer()?;
    let open = open.answer()?;
    let count = |number: usize| u64::try_from(number).unwrap_or(u64::MAX);
    // Before the flow is switched on everything is older.
    let since = activated_at.unwrap_or(Timestamp::MAX);
    let older = || won.rows.iter().filter(|deal| deal.won_at.unwrap_or(deal.updated_at) < since);
    let new = |orgs: BTreeSet<OrgId>| count(orgs.into_iter().filter(|org| !customers.contains(org)).count());
    Some(HandoverForecast {
        since: activated_at.map(|at| format!("{at:.0}")),
        won_deals: count(won.rows.len()),
        more_won_deals: won.more,
        older_deals: count(older().count()),
        older_organizations: new(older().filter_map(|deal| deal.org).collect()),
        won_without_organization: count(won.rows.iter().filter(|deal| deal.org.is_none()).count()),
        open_deals: count(open.rows.len()),
        more_open_deals: open.more,
        organizations_when_won: new(open.rows.iter().filter_map(|deal| deal.org).collect()),
    })
}
