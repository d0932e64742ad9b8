//! What it costs, on the plan that is configured and on every other (pipedrive.md 3.1).

use jiff::SignedDuration;
use pipedrive::Pipedrive;
use sync_core::budget::{Class, DailyBudget, Plan};
use sync_web::fit::{EachDay, PlanCost};

use crate::check::{days, for_looking};
use crate::clients;
use crate::config::Connection;

/// Seats that companies have.
const SEATS: [u32; 6] = [1, 3, 5, 10, 25, 50];

const PLANS: [(Plan, &str); 4] = [
    (Plan::Lite, "lite"),
    (Plan::Growth, "growth"),
    (Plan::Premium, "premium"),
    (Plan::Ultimate, "ultimate"),
];

/// What a day costs once everything is the same.
pub(super) fn each_day(connection: &Connection, changes: u64, organizations: u64) -> EachDay {
    let every = connection.sync.sweep_every.as_secs().max(1);
    let day = SignedDuration::from_hours(24).as_secs();
    let pages = organizations.div_ceil(u64::from(Pipedrive::PAGE)).max(1);
    let sweep = pages * u64::from(Pipedrive::PAGE_TOKENS);
    EachDay {
        changes,
        for_changes: changes * u64::from(Pipedrive::WRITE_TOKENS + Pipedrive::READ_TOKENS),
        for_looking: for_looking(connection),
        for_sweeps: (u128::from(sweep) * u128::from(day.unsigned_abs()))
            .div_ceil(u128::from(every.unsigned_abs()))
            .try_into()
            .unwrap_or(u64::MAX),
    }
}

/// What it would be on every plan, the configured one first.
pub(super) fn plans(connection: &Connection, tokens: Option<u64>, each_day: EachDay) -> Vec<PlanCost> {
    let settings = &connection.pipedrive;
    let ours = clients::budget(settings);
    let configured = clients::plan(settings.plan);
    let cost = |plan: Plan, name: &str, seats: u32, configured: bool| {
        let daily = if configured { ours.tokens } else { plan.daily_tokens(seats) };
        let budget = DailyBudget { tokens: daily, ..ours };
        let bulk = budget.left(Class::Backfill, 0, 0).saturating_sub(each_day.tokens());
        PlanCost {
            plan: name.to_owned(),
            seats,
            configured,
            daily_tokens: daily,
            first_sync_days: tokens.and_then(|tokens| days(tokens, bulk, bulk)),
            percent_each_day: (each_day.tokens() * 100).div_ceil(daily.max(1)),
        }
    };
    let name = |plan: Plan| PLANS.iter().find(|(known, _)| *known == plan).map_or("", |(_, name)| name);
    let mut all = vec![cost(configured, name(configured), settings.seats, true)];
    all.extend(PLANS.iter().flat_map(|(plan, name)| SEATS.map(|seats| cost(*plan, name, seats, false))));
    all
}
