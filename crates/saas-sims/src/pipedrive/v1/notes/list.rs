//! `GET /v1/notes`: filters, several sort fields, pages by offset.

use std::cmp::Ordering;

use jiff::civil::Date;
use jiff::tz::TimeZone;
use serde_json::Value;

use super::super::super::params;
use super::super::super::problem::Problem;
use super::super::super::settings::PipedriveSettings;
use super::super::super::state::State;
use super::super::{bad, offset};
use super::{NOT_MODELLED, Note};
use crate::call::{Call, Reply};

const KNOWN: [&str; 19] = [
    "user_id",
    "lead_id",
    "deal_id",
    "person_id",
    "org_id",
    "project_id",
    "task_id",
    "start",
    "limit",
    "sort",
    "start_date",
    "end_date",
    "updated_since",
    "pinned_to_lead_flag",
    "pinned_to_deal_flag",
    "pinned_to_organization_flag",
    "pinned_to_person_flag",
    "pinned_to_project_flag",
    "pinned_to_task_flag",
];
/// The largest page; the specification names none, 500 is that of other lists.
const CAP: usize = 500;

pub(in super::super) fn list(
    settings: &PipedriveSettings,
    state: &State,
    call: &Call,
) -> Result<Reply, Problem> {
    params::check_names(call, &KNOWN, settings)?;
    if let Some(name) = NOT_MODELLED.iter().find(|name| call.param(name).is_some()) {
        return Err(Problem::not_modelled(name));
    }
    let (user, deal, organization) = (id(call, "user_id")?, id(call, "deal_id")?, id(call, "org_id")?);
    let since = params::time(call, "updated_since")?;
    let (first, last) = (date(call, "start_date")?, date(call, "end_date")?);
    let pinned = |name: &str| flag(call, name);
    let (to_deal, to_organization) = (pinned("pinned_to_deal_flag")?, pinned("pinned_to_organization_flag")?);
    let elsewhere = ["lead", "person", "project", "task"];
    let elsewhere: Vec<Option<bool>> = elsewhere
        .iter()
        .map(|what| flag(call, &format!("pinned_to_{what}_flag")))
        .collect::<Result<_, Problem>>()?;
    let day = |note: &Note| note.add_time.to_zoned(TimeZone::UTC).date();
    let mut found: Vec<&Note> = state
        .v1
        .notes
        .all
        .values()
        .filter(|note| {
            note.active
                && user.is_none_or(|id| note.user_id == id)
                && deal.is_none_or(|id| note.deal_id == Some(id))
                && organization.is_none_or(|id| note.org_id == Some(id))
                && since.is_none_or(|since| note.update_time >= since)
                && first.is_none_or(|first| day(note) >= first)
                && last.is_none_or(|last| day(note) <= last)
                && to_deal.is_none_or(|flag| note.pinned_to_deal == flag)
                && to_organization.is_none_or(|flag| note.pinned_to_organization == flag)
                && !elsewhere.contains(&Some(true))
        })
        .collect();
    if let Some(sort) = call.param("sort") {
        let keys: Vec<Key> = sort.split(',').map(key).collect::<Result<_, Problem>>()?;
        // Stable: what is equal stays in the order of the ids.
        found.sort_by(|one, two| {
            let steps = keys.iter().map(|(compare, falling)| {
                let order = compare(one, two);
                if *falling { order.reverse() } else { order }
            });
            steps.fold(Ordering::Equal, Ordering::then)
        });
    }
    let all: Vec<Value> = found.iter().map(|note| note.json(settings, state)).collect();
    offset::page(settings, call, &all, CAP)
}

/// How to compare two notes, and whether the order is descending.
type Key = (fn(&Note, &Note) -> Ordering, bool);

/// `field` or `field ASC` or `field DESC`.
fn key(text: &str) -> Result<Key, Problem> {
    let mut words = text.split_whitespace();
    let compare: fn(&Note, &Note) -> Ordering = match words.next() {
        Some("id") => |one, two| one.id.cmp(&two.id),
        Some("user_id") => |one, two| one.user_id.cmp(&two.user_id),
        Some("deal_id") => |one, two| one.deal_id.cmp(&two.deal_id),
        Some("org_id") => |one, two| one.org_id.cmp(&two.org_id),
        Some("person_id") => |_, _| Ordering::Equal,
        Some("content") => |one, two| one.content.cmp(&two.content),
        Some("add_time") => |one, two| one.add_time.cmp(&two.add_time),
        Some("update_time") => |one, two| one.update_time.cmp(&two.update_time),
        Some(_) | None => return Err(bad(format_args!("sort: \"{text}\" is not a field to sort by"))),
    };
    let falling = match words.next().map(str::to_ascii_uppercase).as_deref() {
        None | Some("ASC") => false,
        Some("DESC") => true,
        Some(_) => return Err(bad("sort: must be ASC or DESC")),
    };
    match words.next() {
        None => Ok((compare, falling)),
        Some(_) => Err(bad("sort: fields are separated by commas")),
    }
}

fn id(call: &Call, name: &str) -> Result<Option<i64>, Problem> {
    let parse = |text: &str| text.parse().map_err(|_| bad(format_args!("{name}: must be an integer")));
    call.param(name).map(parse).transpose()
}

fn date(call: &Call, name: &str) -> Result<Option<Date>, Problem> {
    let parse = |text: &str| {
        let date = text.parse().ok().filter(|_| text.len() == 10);
        date.ok_or_else(|| bad(format_args!("{name}: must be a date, YYYY-MM-DD")))
    };
    call.param(name).map(parse).transpose()
}

fn flag(call: &Call, name: &str) -> Result<Option<bool>, Problem> {
    match call.param(name) {
        None => Ok(None),
        Some("0") => Ok(Some(false)),
        Some("1") => Ok(Some(true)),
        Some(_) => Err(bad(format_args!("{name}: must be 0 or 1"))),
    }
}
