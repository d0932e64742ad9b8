//! Plan, budget and what a first load would take of it (pipedrive.md 3).

use ::pipedrive::Pipedrive;
use jiff::SignedDuration;
use sync_core::budget::{AuthKind, Class, DailyBudget};

use super::super::finding::{Finding, FirstLoad};
use super::super::observe::PipedriveSeen;
use super::super::trouble::Cause;
use super::{fields, grouped};
use crate::clients;
use crate::config::{Connection, Credentials};
use crate::hooks::entities;

const NAME: &str = "pipedrive.budget";
const SETTINGS: &str = "[connection.pipedrive] plan, seats, daily_tokens";

/// More days than this for a first load are worth a warning.
const LONG: u64 = 3;

/// What a first load would be like.
pub(super) fn first_load(
    connection: &Connection,
    customers: Option<u64>,
    pipedrive: &PipedriveSeen,
) -> FirstLoad {
    let organizations = pipedrive.organizations.answer();
    let missing = fields::missing(connection, pipedrive).map_or(0, |missing| missing.len());
    let pages = 1 + u64::from(organizations.is_some_and(|(_, more)| *more));
    let tokens = customers.map(|customers| {
        customers * u64::from(Pipedrive::WRITE_TOKENS)
            + u64::try_from(missing).unwrap_or(u64::MAX) * u64::from(Pipedrive::FIELD_TOKENS)
            + pages * u64::from(Pipedrive::PAGE_TOKENS)
    });
    let tokens_a_day = for_bulk(connection, pipedrive).saturating_sub(for_looking(connection));
    let left_today = pipedrive.left_today.unwrap_or(tokens_a_day);
    FirstLoad {
        customers,
        organizations: organizations.map(|(count, _)| u64::try_from(*count).unwrap_or(u64::MAX)),
        more_organizations: organizations.is_some_and(|(_, more)| *more),
        tokens,
        unasked: connection.sync.guard.policy().creates,
        tokens_a_day,
        days: tokens.and_then(|tokens| days(tokens, left_today, tokens_a_day)),
    }
}

/// Days for so many tokens, today included; none if they never suffice.
pub(crate) fn days(tokens: u64, left_today: u64, a_day: u64) -> Option<u64> {
    let rest = tokens.saturating_sub(left_today);
    if rest == 0 {
        return Some(1);
    }
    (a_day > 0).then(|| 1 + rest.div_ceil(a_day))
}

/// What bulk work may spend on a day on which nothing else is done.
fn for_bulk(connection: &Connection, pipedrive: &PipedriveSeen) -> u64 {
    let budget = clients::budget(&connection.pipedrive);
    let tokens = pipedrive.tokens_a_day.map_or(budget.tokens, |told| told.min(budget.tokens));
    DailyBudget { tokens, ..budget }.left(Class::Backfill, 0, 0)
}

/// What looking for changes takes a day: a page each time, of each kind of record that is polled.
pub(crate) fn for_looking(connection: &Connection) -> u64 {
    let every = connection.sync.crm_poll_every.as_secs().max(1).unsigned_abs();
    let day = SignedDuration::from_hours(24).as_secs().unsigned_abs();
    let kinds = entities(connection).len() as u64;
    day.div_ceil(every) * u64::from(Pipedrive::PAGE_TOKENS) * kinds
}

/// What is left a day for bulk work after looking for changes.
pub(super) fn left_a_day(connection: &Connection, pipedrive: &PipedriveSeen) -> u64 {
    for_bulk(connection, pipedrive).saturating_sub(for_looking(connection))
}

/// Whether the budget suffices.
pub(super) fn judge(
    connection: &Connection,
    pipedrive: &PipedriveSeen,
    first_load: &FirstLoad,
    end: Option<&Cause>,
) -> Finding {
    if let Some(Cause::Exhausted(until)) = end {
        return Finding::problem(NAME, format!("today's budget is used up until {until}")).remedy(
            "check again then; if others spend it, lower what they do, or buy more seats or tokens",
            "Pipedrive: Company settings > API usage",
        );
    }
    let (bulk, looking) = (for_bulk(connection, pipedrive), for_looking(connection));
    if bulk <= looking {
        let said = format!(
            "{} tokens a day are ours for bulk work, but looking for changes alone takes {}",
            grouped(bulk),
            grouped(looking)
        );
        return Finding::problem(NAME, said).remedy(
            "look less often, or raise our part of the budget",
            "[connection.sync] crm_poll_every; [connection.pipedrive] plan, seats, daily_tokens, max_share, reserve",
        );
    }
    let spent = format!(
        "looking takes {} tokens a day, {} are left for bulk work",
        grouped(looking),
        grouped(bulk - looking)
    );
    match (first_load.tokens, first_load.days) {
        (Some(tokens), Some(days)) if days > LONG => Finding::warning(
            NAME,
            format!("{spent}; a first load takes about {}, so about {days} days", grouped(tokens)),
        )
        .remedy("leave it running, or raise our part of the budget; sales sees customers in the order of their ids", SETTINGS),
        (Some(tokens), Some(_)) => Finding::ok(NAME, format!("{spent}; a first load takes about {}", grouped(tokens))),
        _ => Finding::ok(NAME, format!("{spent}; what a first load takes is not known")),
    }
}

/// Whether the company is as large as the configuration says. No call tells the plan; headers tell what it gives.
pub(super) fn plan(connection: &Connection, pipedrive: &PipedriveSeen, blocked_by: &'static str) -> Finding {
    let name = "pipedrive.plan";
    let configured = clients::budget(&connection.pipedrive).tokens;
    let burst = u64::from(burst(connection));
    let told = format!("{} tokens a day, {burst} requests in 2 seconds", grouped(configured));
    if pipedrive.me.answer().is_none() && pipedrive.tokens_a_day.is_none() && pipedrive.window.is_none() {
        return Finding::not_checked(name, blocked_by);
    }
    match (pipedrive.tokens_a_day, pipedrive.window) {
        (Some(theirs), _) if theirs < configured => Finding::warning(
            name,
            format!("configured are {told}, but Pipedrive gives {} tokens a day", grouped(theirs)),
        )
        .remedy("write the plan and the seats that the company pays for, or the tokens themselves", SETTINGS),
        (Some(theirs), _) if theirs > configured => Finding::note(
            name,
            format!("configured are {told}; Pipedrive gives more: {} tokens a day", grouped(theirs)),
        )
        .remedy("write the plan and the seats that the company pays for, if all of it may be used", SETTINGS),
        (_, Some(theirs)) if theirs != burst => Finding::note(
            name,
            format!(
                "configured are {told}; Pipedrive says {theirs} requests in 2 seconds, which is followed"
            ),
        )
        .remedy("see whether the plan is right", SETTINGS),
        (Some(_), _) => Finding::ok(name, told),
        (None, _) => Finding::note(
            name,
            format!("{told}, by the configuration; Pipedrive did not tell its own numbers"),
        ),
    }
}

fn burst(connection: &Connection) -> u32 {
    let settings = &connection.pipedrive;
    let kind = match settings.credentials() {
        Ok(Credentials::OAuth(_)) => AuthKind::OAuth,
        Ok(Credentials::ApiToken(_)) | Err(_) => AuthKind::ApiToken,
    };
    settings.burst.unwrap_or_else(|| clients::plan(settings.plan).burst(kind))
}
