//! A collection: which rows, in which order, and the envelope around a page of them (section 4.1).

use std::cmp::Ordering;

use serde_json::{Value, json};

use super::item::{self, Place};
use super::query::Bounds;
use super::request::{Column, Read};
use super::state::State;
use super::table::{Cell, Row, Table};

/// Which rows the page has. `rng` decides the order wherever the request leaves it open.
pub(crate) fn find(table: &Table, read: &Read, visible: bool, rng: &mut fastrand::Rng) -> Hits {
    if visible { Hits::find(table, read, rng) } else { Hits::default() }
}

/// The page and its envelope as JSON text.
pub(crate) fn page(state: &State, hits: &Hits, read: &Read, place: &Place<'_>) -> String {
    let table = state.table(place.resource);
    let shown = hits.ids.len().min(read.limit);
    let mut envelope = json!({
        "count": shown,
        "hasMore": hits.ids.len() > read.limit,
        "limit": read.limit,
        "offset": read.offset,
        "links": [{"rel": "self", "href": place.collection(), "name": table.resource.name, "kind": "collection"}],
    });
    if read.total {
        envelope["totalResults"] = json!(hits.total);
    }
    let mut text = String::from("{\"items\":[");
    for (at, row) in hits.ids.iter().take(shown).filter_map(|id| table.get(*id)).enumerate() {
        if at > 0 {
            text.push(',');
        }
        item::write(state, row, &read.shape, place, &mut text);
    }
    text.push_str("],");
    text.push_str(envelope.to_string().trim_start_matches('{'));
    text
}

/// The rows from `offset` on, one more than the page where there is one.
#[derive(Default)]
pub(crate) struct Hits {
    pub(crate) ids: Vec<i64>,
    /// How many rows the query has; only counted when it was asked for.
    total: usize,
}

impl Hits {
    fn find(table: &Table, read: &Read, rng: &mut fastrand::Rng) -> Self {
        let bounds = Bounds::of(&read.filters, table.resource);
        let fits = |row: &&Row| read.filters.iter().all(|filter| filter.holds(row));
        let walk = Walk::of(read, &bounds, table);
        let rows = walk.rows(table, &bounds).filter(fits);
        let cut = |rows: &mut dyn Iterator<Item = &Row>| {
            rows.skip(read.offset).take(read.limit + 1).map(|row| row.id).collect()
        };
        if walk.ordered() && !read.total {
            return Self { ids: cut(&mut { rows }), total: 0 };
        }
        let mut rows: Vec<&Row> = rows.collect();
        let total = rows.len();
        if !walk.ordered() {
            rng.shuffle(&mut rows);
            rows.sort_by(|left, right| compare(left, right, &read.order));
        }
        Self { ids: cut(&mut rows.into_iter()), total }
    }
}

/// How to come to the candidates.
enum Walk {
    /// By id; `ordered` when the request wants them so.
    Ids { ordered: bool },
    /// By stamp and id.
    Stamps { ordered: bool },
    /// One by one, by surrogate keys, owners or the key in the URL.
    Points,
    /// The children of one row.
    Children(i64),
}

impl Walk {
    fn of(read: &Read, bounds: &Bounds, table: &Table) -> Self {
        if let Some(owner) = read.owner {
            return Self::Children(owner);
        }
        if bounds.ids.is_some() || bounds.owners.is_some() || bounds.key.is_some() {
            return Self::Points;
        }
        let ascending = |at: usize, name: &str| {
            read.order.get(at).is_some_and(|(attribute, down)| attribute.name == name && !down)
        };
        let by_id = ascending(0, table.resource.id);
        let by_stamp = ascending(0, "LastUpdateDate") && ascending(1, table.resource.id);
        let narrow = table.rows_in_window(bounds, WINDOW);
        match (by_id, by_stamp) {
            (_, true) => Self::Stamps { ordered: true },
            (true, false) if narrow => Self::Stamps { ordered: false },
            (true, false) => Self::Ids { ordered: true },
            (false, false) if bounds.low_stamp > jiff::Timestamp::MIN || narrow => {
                Self::Stamps { ordered: false }
            }
            (false, false) => Self::Ids { ordered: false },
        }
    }

    fn ordered(&self) -> bool {
        match self {
            Self::Ids { ordered } | Self::Stamps { ordered } => *ordered,
            Self::Points | Self::Children(_) => false,
        }
    }

    fn rows<'a>(&self, table: &'a Table, bounds: &Bounds) -> Box<dyn Iterator<Item = &'a Row> + 'a> {
        match self {
            Self::Ids { .. } => table.by_id(bounds.low_id, bounds.high_id),
            Self::Stamps { .. } => table.by_stamp(bounds.low_stamp, bounds.high_stamp),
            Self::Children(owner) => Box::new(table.owned_by(*owner)),
            Self::Points => {
                if let Some(ids) = &bounds.ids {
                    let ids: std::collections::BTreeSet<i64> = ids.iter().copied().collect();
                    return Box::new(ids.into_iter().filter_map(|id| table.get(id)));
                }
                if let Some(key) = &bounds.key {
                    return Box::new(table.by_key(key).into_iter());
                }
                let owners: std::collections::BTreeSet<i64> =
                    bounds.owners.iter().flatten().copied().collect();
                Box::new(owners.into_iter().flat_map(|owner| table.owned_by(owner)))
            }
        }
    }
}

/// A window of stamps with fewer rows than this is walked by stamp even when ids are wanted in order.
const WINDOW: usize = 5_000;

impl Table {
    fn rows_in_window(&self, bounds: &Bounds, limit: usize) -> bool {
        bounds.window() && self.by_stamp(bounds.low_stamp, bounds.high_stamp).take(limit).count() < limit
    }
}

/// Column by column; NULL is last when ascending, as in Oracle's database.
fn compare(left: &Row, right: &Row, order: &[Column]) -> Ordering {
    for (attribute, descending) in order {
        let ordering = cells(&left.cell(attribute), &right.cell(attribute));
        let ordering = if *descending { ordering.reverse() } else { ordering };
        if ordering.is_ne() {
            return ordering;
        }
    }
    Ordering::Equal
}

fn cells(left: &Cell<'_>, right: &Cell<'_>) -> Ordering {
    match (left, right) {
        (Cell::Null, Cell::Null) => Ordering::Equal,
        (Cell::Null, _) => Ordering::Greater,
        (_, Cell::Null) => Ordering::Less,
        (Cell::Stamp(left), Cell::Stamp(right)) => left.cmp(right),
        (Cell::Value(left), Cell::Value(right)) => values(left, right),
        (Cell::Stamp(_), Cell::Value(_)) | (Cell::Value(_), Cell::Stamp(_)) => Ordering::Equal,
    }
}

fn values(left: &Value, right: &Value) -> Ordering {
    match (left, right) {
        (Value::String(left), Value::String(right)) => left.cmp(right),
        (Value::Bool(left), Value::Bool(right)) => left.cmp(right),
        _ => match (left.as_i64(), right.as_i64()) {
            (Some(left), Some(right)) => left.cmp(&right),
            _ => left.as_f64().partial_cmp(&right.as_f64()).unwrap_or(Ordering::Equal),
        },
    }
}
