//! What hides the two drivers: arguments, rows, and statements over many rows.

use std::sync::OnceLock;

use jiff::Timestamp;
use serde::{Serialize, de::DeserializeOwned};
use sqlx::{Row as _, postgres::PgRow, sqlite::SqliteRow};
use sync_core::budget::Class;

use crate::StoreError;

/// A bound value. Only texts and whole numbers are stored.
#[derive(Debug, Clone)]
pub(crate) enum Arg {
    Int(i64),
    Text(String),
    MaybeInt(Option<i64>),
    MaybeText(Option<String>),
}

impl From<i64> for Arg {
    fn from(value: i64) -> Self {
        Self::Int(value)
    }
}

impl From<&str> for Arg {
    fn from(value: &str) -> Self {
        Self::Text(value.to_owned())
    }
}

impl From<String> for Arg {
    fn from(value: String) -> Self {
        Self::Text(value)
    }
}

impl From<Option<i64>> for Arg {
    fn from(value: Option<i64>) -> Self {
        Self::MaybeInt(value)
    }
}

impl From<Option<String>> for Arg {
    fn from(value: Option<String>) -> Self {
        Self::MaybeText(value)
    }
}

impl From<Timestamp> for Arg {
    fn from(value: Timestamp) -> Self {
        Self::Int(value.as_microsecond())
    }
}

impl From<Option<Timestamp>> for Arg {
    fn from(value: Option<Timestamp>) -> Self {
        Self::MaybeInt(value.map(Timestamp::as_microsecond))
    }
}

/// A value as JSON.
pub(crate) fn json<T: Serialize>(
    table: &'static str,
    column: &'static str,
    value: &T,
) -> Result<String, StoreError> {
    serde_json::to_string(value).map_err(|source| StoreError::Unwritable { table, column, source })
}

/// A row of either database. The first column of every SELECT is the row's key, for errors.
pub(crate) struct Row<'r> {
    pub(crate) table: &'static str,
    pub(crate) native: Native<'r>,
}

pub(crate) enum Native<'r> {
    Sqlite(&'r SqliteRow),
    Postgres(&'r PgRow),
}

macro_rules! getter {
    ($name:ident, $type:ty) => {
        pub(crate) fn $name(&self, index: usize, column: &'static str) -> Result<$type, StoreError> {
            match self.native {
                Native::Sqlite(row) => row.try_get(index),
                Native::Postgres(row) => row.try_get(index),
            }
            .map_err(|error| self.unreadable(column, &error))
        }
    };
}

impl Row<'_> {
    getter!(int, i64);
    getter!(text, String);
    getter!(maybe_int, Option<i64>);
    getter!(maybe_text, Option<String>);

    pub(crate) fn time(&self, index: usize, column: &'static str) -> Result<Timestamp, StoreError> {
        Timestamp::from_microsecond(self.int(index, column)?).map_err(|error| self.unreadable(column, &error))
    }

    pub(crate) fn maybe_time(
        &self,
        index: usize,
        column: &'static str,
    ) -> Result<Option<Timestamp>, StoreError> {
        let Some(micros) = self.maybe_int(index, column)? else { return Ok(None) };
        Timestamp::from_microsecond(micros).map(Some).map_err(|error| self.unreadable(column, &error))
    }

    pub(crate) fn json<T: DeserializeOwned>(
        &self,
        index: usize,
        column: &'static str,
    ) -> Result<T, StoreError> {
        serde_json::from_str(&self.text(index, column)?).map_err(|error| self.unreadable(column, &error))
    }

    pub(crate) fn unreadable(&self, column: &'static str, reason: &dyn std::fmt::Display) -> StoreError {
        StoreError::Inconsistent { table: self.table, column, row: self.key(), reason: reason.to_string() }
    }

    fn key(&self) -> String {
        let number: Option<i64> = match self.native {
            Native::Sqlite(row) => row.try_get(0).ok(),
            Native::Postgres(row) => row.try_get(0).ok(),
        };
        let text: Option<String> = match self.native {
            Native::Sqlite(row) => row.try_get(0).ok(),
            Native::Postgres(row) => row.try_get(0).ok(),
        };
        number.map(|id| id.to_string()).or(text).unwrap_or_else(|| "?".to_owned())
    }
}

/// How many rows a multi-row statement takes. Few sizes, so that few statements are ever prepared.
pub(crate) const SIZES: [usize; 4] = [128, 16, 4, 1];

/// A statement over many rows. `{rows}` in `sql` becomes as many copies of `row`; `$1` to `$shared` are the same
/// for all of them, and each `?` of a copy becomes the next number.
pub(crate) struct Many {
    sql: &'static str,
    row: &'static str,
    shared: usize,
    texts: [OnceLock<String>; SIZES.len()],
}

impl Many {
    pub(crate) const fn new(sql: &'static str, row: &'static str, shared: usize) -> Self {
        Self { sql, row, shared, texts: [const { OnceLock::new() }; SIZES.len()] }
    }

    /// The text for `SIZES[size]` rows, made once.
    pub(crate) fn text(&'static self, size: usize) -> &'static str {
        self.texts[size].get_or_init(|| self.sql.replace("{rows}", &self.rows(SIZES[size])))
    }

    fn rows(&self, count: usize) -> String {
        let mut text = String::new();
        let mut number = self.shared;
        for copy in 0..count {
            if copy > 0 {
                text.push_str(", ");
            }
            for part in self.row.split_inclusive('?') {
                match part.strip_suffix('?') {
                    Some(before) => {
                        number += 1;
                        text.push_str(before);
                        text.push('$');
                        text.push_str(&number.to_string());
                    }
                    None => text.push_str(part),
                }
            }
        }
        text
    }
}

/// Each class, as a part of a statement, in one text.
fn of_each_class(between: &str, part: impl Fn(i64) -> String) -> String {
    Class::ALL.map(|class| part(class.rank())).join(between)
}

/// When something is due in a table that has a class, a time (`due_at`) and an index of the two.
pub(crate) struct Due {
    table: &'static str,
    text: OnceLock<String>,
}

impl Due {
    pub(crate) const fn new(table: &'static str) -> Self {
        Self { table, text: OnceLock::new() }
    }

    /// When the next row of connection `$1` is due whose class is at most `$2`; NULL if none is. Class by class: the first of
    /// each is found without sorting.
    pub(crate) fn next(&'static self) -> &'static str {
        self.text.get_or_init(|| {
            let first = of_each_class(" UNION ALL ", |rank| {
                format!(
                    "SELECT MIN(due_at) AS due_at FROM {} \
                        WHERE connection_id = $1 AND class = {rank} AND class <= $2 AND due_at IS NOT NULL",
                    self.table
                )
            });
            format!("SELECT MIN(due_at) FROM ({first}) AS due")
        })
    }
}

/// What is due in such a table, where much is due on a later day: in a range of classes it stands before what is due in the next
/// one, and would be passed by each claim. So it is claimed class by class, which takes five times as long where little is there:
/// queues that are empty most of the time do not.
pub(crate) struct Claim {
    table: &'static str,
    /// The columns to give, and those in whose order rows come that are due at one time.
    columns: &'static str,
    keys: &'static str,
    text: OnceLock<String>,
}

impl Claim {
    pub(crate) const fn new(table: &'static str, columns: &'static str, keys: &'static str) -> Self {
        Self { table, columns, keys, text: OnceLock::new() }
    }

    /// At most `$3` rows of connection `$1` due at `$2` whose class is at most `$4`, the most urgent first, the longest due of
    /// them first.
    pub(crate) fn text(&'static self) -> &'static str {
        self.text.get_or_init(|| {
            let Self { table, columns, keys, .. } = self;
            let due = of_each_class(" UNION ALL ", |rank| {
                format!(
                    "SELECT * FROM (SELECT {columns}, due_at AS due_time, class AS due_class FROM {table} \
                        WHERE connection_id = $1 AND class = {rank} AND class <= $4 AND due_at IS NOT NULL AND due_at <= $2 \
                        ORDER BY due_at, {keys} LIMIT $3) AS of_{rank}"
                )
            });
            format!("{due} ORDER BY due_class, due_time, {keys} LIMIT $3")
        })
    }
}

/// The chunks of `items` with the index of their size: as few as possible, none padded.
pub(crate) fn exact<T>(items: &[T]) -> Vec<(usize, &[T])> {
    let mut rest = items;
    let mut chunks = Vec::new();
    for (size, rows) in SIZES.into_iter().enumerate() {
        while rest.len() >= rows {
            let (chunk, after) = rest.split_at(rows);
            chunks.push((size, chunk));
            rest = after;
        }
    }
    chunks
}

/// The ids, each once, in chunks that are filled up by repeating the last one: for `IN`.
pub(crate) fn padded(ids: &[i64]) -> Vec<(usize, Vec<i64>)> {
    let mut ids = ids.to_vec();
    ids.sort_unstable();
    ids.dedup();
    ids.chunks(SIZES[0])
        .filter_map(|chunk| {
            let last = *chunk.last()?;
            let size = (0..SIZES.len()).rev().find(|size| SIZES[*size] >= chunk.len())?;
            let mut filled = chunk.to_vec();
            filled.resize(SIZES[size], last);
            Some((size, filled))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    static INSERT: Many = Many::new("INSERT INTO t VALUES {rows} RETURNING a", "($1, ?, ?)", 1);

    #[test]
    fn rows_are_numbered_after_what_they_share() {
        assert_eq!(INSERT.text(3), "INSERT INTO t VALUES ($1, $2, $3) RETURNING a");
        assert!(INSERT.text(1).contains("($1, $2, $3), ($1, $4, $5), "));
        assert!(INSERT.text(0).ends_with("($1, $256, $257) RETURNING a"));
    }

    #[test]
    fn rows_are_taken_by_128_and_16_and_4_and_one_by_one() {
        let rows: Vec<i64> = (0..201).collect();
        let sizes: Vec<usize> = exact(&rows).iter().map(|(_, chunk)| chunk.len()).collect();
        assert_eq!(sizes, [vec![128], vec![16; 4], vec![4; 2], vec![1]].concat());
        assert_eq!(exact(&rows).concat_rows(), rows);
    }

    #[test]
    fn look_ups_are_filled_up_with_the_last_id() {
        let ids: Vec<i64> = (0..200).chain(0..5).collect();
        let chunks = padded(&ids);
        assert_eq!(
            chunks.iter().map(|(size, ids)| (*size, ids.len())).collect::<Vec<_>>(),
            [(0, 128), (0, 128)]
        );
        assert_eq!(chunks[1].1[70..74], [198, 199, 199, 199]);
        assert_eq!(padded(&[7, 7]), [(3, vec![7])]);
        assert_eq!(padded(&[7, 8, 9]), [(2, vec![7, 8, 9, 9])]);
        assert!(padded(&[]).is_empty());
    }

    trait ConcatRows {
        fn concat_rows(&self) -> Vec<i64>;
    }

    impl ConcatRows for Vec<(usize, &[i64])> {
        fn concat_rows(&self) -> Vec<i64> {
            self.iter().flat_map(|(_, chunk)| chunk.iter().copied()).collect()
        }
    }
}
