//! `GET /api/v2/organizations` (section 1.5): a keyset walk; rows that change during it move as in a real one.

use std::collections::BTreeSet;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::super::cursor::Cursor;
use super::super::params::{self, whole_seconds};
use super::super::problem::Problem;
use super::super::settings::PipedriveSettings;
use super::super::state::State;
use super::{Organization, Organizations};
use crate::call::{Call, Reply};

const KNOWN: [&str; 13] = [
    "filter_id",
    "ids",
    "owner_id",
    "updated_since",
    "updated_until",
    "sort_by",
    "sort_direction",
    "include_fields",
    "custom_fields",
    "include_option_labels",
    "include_labels",
    "limit",
    "cursor",
];
const NOT_MODELLED: [&str; 4] = ["filter_id", "include_fields", "include_option_labels", "include_labels"];

/// Place in the order: the time sorted by, if any, and the id.
type Key = (Timestamp, i64);

const FIRST: Key = (Timestamp::MIN, i64::MIN);
const LAST: Key = (Timestamp::MAX, i64::MAX);

#[derive(Clone, Copy, PartialEq, Eq)]
enum Sort {
    Id,
    UpdateTime,
    AddTime,
}

impl Sort {
    fn name(self) -> &'static str {
        match self {
            Self::Id => "id",
            Self::UpdateTime => "update_time",
            Self::AddTime => "add_time",
        }
    }

    fn key(self, organization: &Organization) -> Key {
        match self {
            Self::Id => (Timestamp::MIN, organization.id),
            Self::UpdateTime => (organization.update_time, organization.id),
            Self::AddTime => (organization.add_time, organization.id),
        }
    }

    fn cursor(self, organization: &Organization, direction: &str) -> Cursor {
        let field_value = match self {
            Self::Id => json!(organization.id),
            Self::UpdateTime | Self::AddTime => json!(self.key(organization).0.to_string()),
        };
        Cursor {
            field: self.name().to_owned(),
            field_value,
            sort_direction: direction.to_owned(),
            id: organization.id,
        }
    }

    fn key_of(self, cursor: &Cursor, direction: &str) -> Option<Key> {
        let time = match self {
            Self::Id => Timestamp::MIN,
            Self::UpdateTime | Self::AddTime => whole_seconds(cursor.field_value.as_str()?)?,
        };
        (cursor.field == self.name() && cursor.sort_direction == direction).then_some((time, cursor.id))
    }
}

pub(crate) fn list(settings: &PipedriveSettings, state: &State, call: &Call) -> Result<Reply, Problem> {
    params::check_names(call, &KNOWN, settings)?;
    refuse_not_modelled(call)?;
    let sort = match params::choice(call, "sort_by", &["id", "update_time", "add_time"])? {
        Some("update_time") => Sort::UpdateTime,
        Some("add_time") => Sort::AddTime,
        _ => Sort::Id,
    };
    let direction = params::choice(call, "sort_direction", &["asc", "desc"])?.unwrap_or("asc");
    let limit = params::limit(call, 500, settings)?;
    let ids = params::integers(call, "ids")?;
    if ids.as_ref().is_some_and(|ids| ids.len() > 100) {
        return Err(Problem::invalid("ids: must contain at most 100 items"));
    }
    let ids: Option<BTreeSet<i64>> = ids.map(|ids| ids.into_iter().collect());
    let owner = params::integers(call, "owner_id")?;
    let since = params::time(call, "updated_since")?;
    let until = params::time(call, "updated_until")?;
    let only = custom_fields(call, state)?;
    let start = match params::cursor(call)? {
        None => None,
        Some(cursor) => {
            Some(sort.key_of(&cursor, direction).ok_or_else(|| Problem::invalid("cursor: is not valid"))?)
        }
    };

    let fits = |organization: &&Organization| {
        !organization.is_deleted
            && since.is_none_or(|since| organization.update_time >= since)
            && until.is_none_or(|until| organization.update_time < until)
            && owner.as_ref().is_none_or(|owners| owners.contains(&organization.owner_id))
            && ids.as_ref().is_none_or(|ids| ids.contains(&organization.id))
    };
    let walk = state.organizations.walk(sort, direction == "asc", start, since, ids.as_ref());
    let mut page: Vec<&Organization> = walk.filter(fits).take(limit + 1).collect();
    let next = if page.len() > limit { page.pop() } else { None };
    let data: Vec<Value> =
        page.iter().map(|organization| organization.json(&state.fields, only.as_deref())).collect();
    let cursor = next.map(|organization| sort.cursor(organization, direction).encode());
    Ok(Reply::ok(&json!({"success": true, "data": data, "additional_data": {"next_cursor": cursor}})))
}

/// Refuses what the real system would honour and this simulator would not.
pub(super) fn refuse_not_modelled(call: &Call) -> Result<(), Problem> {
    match NOT_MODELLED.iter().find(|name| call.param(name).is_some()) {
        Some(name) => Err(Problem::not_modelled(name)),
        None => Ok(()),
    }
}

/// The hashes in `custom_fields`: at most 15, all known.
pub(super) fn custom_fields<'a>(call: &'a Call, state: &State) -> Result<Option<Vec<&'a str>>, Problem> {
    let Some(list) = call.param("custom_fields") else { return Ok(None) };
    let codes: Vec<&str> = list.split(',').collect();
    if codes.len() > 15 {
        return Err(Problem::invalid("custom_fields: must contain at most 15 items"));
    }
    match codes.iter().find(|code| state.fields.get(code).is_none()) {
        Some(code) => Err(Problem::invalid(format_args!("custom_fields: Unknown key '{code}'"))),
        None => Ok(Some(codes)),
    }
}

impl Organizations {
    /// Organizations in order, from `start` on. `since` and `ids` may be used to leave out what cannot fit.
    fn walk<'a>(
        &'a self,
        sort: Sort,
        ascending: bool,
        start: Option<Key>,
        since: Option<Timestamp>,
        ids: Option<&BTreeSet<i64>>,
    ) -> Box<dyn Iterator<Item = &'a Organization> + 'a> {
        let (low, high) = if ascending { (start, None) } else { (None, start) };
        let (low, high) = (low.unwrap_or(FIRST), high.unwrap_or(LAST));
        if let Some(ids) = ids {
            let mut found: Vec<&Organization> = ids.iter().filter_map(|id| self.all.get(id)).collect();
            found.sort_by_key(|organization| sort.key(organization));
            found.retain(|organization| (low..=high).contains(&sort.key(organization)));
            if !ascending {
                found.reverse();
            }
            return Box::new(found.into_iter());
        }
        let index = match sort {
            Sort::Id => {
                let range = self.all.range(low.1..=high.1).map(|(_, organization)| organization);
                return if ascending { Box::new(range) } else { Box::new(range.rev()) };
            }
            Sort::UpdateTime => &self.by_update,
            Sort::AddTime => &self.by_add,
        };
        let low = match since {
            Some(since) if sort == Sort::UpdateTime => low.max((since, i64::MIN)),
            _ => low,
        };
        if low > high {
            return Box::new(std::iter::empty());
        }
        let range = index.range(low..=high).filter_map(|(_, id)| self.all.get(id));
        if ascending { Box::new(range) } else { Box::new(range.rev()) }
    }
}
