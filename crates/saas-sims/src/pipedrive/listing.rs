//! Lists of records (sections 1.4 to 1.6): a keyset walk; rows that change during it move as in a real one.

use std::collections::BTreeSet;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::cursor::Cursor;
use super::params::{self, whole_seconds};
use super::problem::Problem;
use super::settings::PipedriveSettings;
use super::show::Show;
use super::state::State;
use super::table::{Row, Table};
use crate::call::{Call, Reply};

/// Place in the order: the time sorted by, if any, and the id.
type Key = (Timestamp, i64);

/// More ids than this are not sorted for each page.
const MANY: usize = 1_000;

const FIRST: Key = (Timestamp::MIN, i64::MIN);
const LAST: Key = (Timestamp::MAX, i64::MAX);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
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

    fn key(self, row: &impl Row) -> Key {
        match self {
            Self::Id => (Timestamp::MIN, row.id()),
            Self::UpdateTime => (row.update_time(), row.id()),
            Self::AddTime => (row.add_time(), row.id()),
        }
    }

    fn cursor(self, row: &impl Row, direction: &str) -> Cursor {
        let field_value = match self {
            Self::Id => json!(row.id()),
            Self::UpdateTime | Self::AddTime => json!(self.key(row).0.to_string()),
        };
        let (field, sort_direction) = (self.name().to_owned(), direction.to_owned());
        Cursor { field, field_value, sort_direction, id: row.id() }
    }

    fn key_of(self, cursor: &Cursor, direction: &str) -> Option<Key> {
        let time = match self {
            Self::Id => Timestamp::MIN,
            Self::UpdateTime | Self::AddTime => whole_seconds(cursor.field_value.as_str()?)?,
        };
        (cursor.field == self.name() && cursor.sort_direction == direction).then_some((time, cursor.id))
    }
}

/// What every list takes.
#[derive(Debug)]
pub(crate) struct Listing<'a> {
    sort: Sort,
    direction: &'a str,
    limit: usize,
    start: Option<Key>,
    since: Option<Timestamp>,
    until: Option<Timestamp>,
}

impl<'a> Listing<'a> {
    pub(crate) fn read(call: &'a Call, settings: &PipedriveSettings) -> Result<Self, Problem> {
        let sort = match params::choice(call, "sort_by", &["id", "update_time", "add_time"])? {
            Some("update_time") => Sort::UpdateTime,
            Some("add_time") => Sort::AddTime,
            _ => Sort::Id,
        };
        let direction = params::choice(call, "sort_direction", &["asc", "desc"])?.unwrap_or("asc");
        let start = match params::cursor(call)? {
            None => None,
            Some(cursor) => Some(
                sort.key_of(&cursor, direction).ok_or_else(|| Problem::invalid("cursor: is not valid"))?,
            ),
        };
        Ok(Self {
            sort,
            direction,
            limit: params::limit(call, 500, settings)?,
            start,
            since: params::time(call, "updated_since")?,
            until: params::time(call, "updated_until")?,
        })
    }

    /// One page of the rows that fit; of `ids` only, if given.
    pub(crate) fn page<R: Row>(
        &self,
        state: &State,
        table: &Table<R>,
        ids: Option<&BTreeSet<i64>>,
        show: &Show<'_>,
        fits: impl Fn(&R) -> bool,
    ) -> Reply {
        let fits = |row: &&R| {
            self.since.is_none_or(|since| row.update_time() >= since)
                && self.until.is_none_or(|until| row.update_time() < until)
                && ids.is_none_or(|ids| ids.contains(&row.id()))
                && fits(row)
        };
        let mut page: Vec<&R> = self.walk(table, ids).filter(fits).take(self.limit + 1).collect();
        let next = if page.len() > self.limit { page.pop() } else { None };
        let data: Vec<Value> = page.into_iter().map(|row| show.record(state, row)).collect();
        let cursor = next.map(|row| self.sort.cursor(row, self.direction).encode());
        Reply::ok(&json!({"success": true, "data": data, "additional_data": {"next_cursor": cursor}}))
    }

    /// Rows in order, from the start on; what cannot fit may be left out.
    fn walk<'t, R: Row>(
        &self,
        table: &'t Table<R>,
        ids: Option<&BTreeSet<i64>>,
    ) -> Box<dyn Iterator<Item = &'t R> + 't> {
        let (sort, ascending) = (self.sort, self.direction == "asc");
        let (low, high) = if ascending { (self.start, None) } else { (None, self.start) };
        let (low, high) = (low.unwrap_or(FIRST), high.unwrap_or(LAST));
        // Many ids are rather looked for along the index than sorted for each page.
        if let Some(ids) = ids.filter(|ids| ids.len() <= MANY) {
            let mut found: Vec<&R> = ids.iter().filter_map(|id| table.all.get(id)).collect();
            found.sort_by_key(|row| sort.key(*row));
            found.retain(|row| (low..=high).contains(&sort.key(*row)));
            if !ascending {
                found.reverse();
            }
            return Box::new(found.into_iter());
        }
        let index = match sort {
            Sort::Id => {
                let range = table.all.range(low.1..=high.1).map(|(_, row)| row);
                return if ascending { Box::new(range) } else { Box::new(range.rev()) };
            }
            Sort::UpdateTime => &table.by_update,
            Sort::AddTime => &table.by_add,
        };
        let low = match self.since {
            Some(since) if sort == Sort::UpdateTime => low.max((since, i64::MIN)),
            _ => low,
        };
        if low > high {
            return Box::new(std::iter::empty());
        }
        let range = index.range(low..=high).filter_map(|(_, id)| table.all.get(id));
        if ascending { Box::new(range) } else { Box::new(range.rev()) }
    }
}
