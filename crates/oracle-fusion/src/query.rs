//! What is asked of a collection: rowmatch expressions of framework version 2 and above (oracle-fusion.md 4.2, 4.3).

use jiff::{SignedDuration, Timestamp, tz::TimeZone};
use sync_core::poll::{ErpRead, floor_ms};

/// Query parameters of one page of a walk or window.
pub(crate) fn page(read: ErpRead, id: &str, fields: &str, limit: u32) -> Vec<(&'static str, String)> {
    of(condition(read, id), order(read, id), Some(fields), limit)
}

/// Query parameters of one page, always at offset 0: the set moves (4.1), so the condition moves, not the offset.
pub(crate) fn of(
    condition: String,
    order: String,
    fields: Option<&str>,
    limit: u32,
) -> Vec<(&'static str, String)> {
    let mut query = vec![("q", condition), ("orderBy", order)];
    query.extend(fields.map(|fields| ("fields", fields.to_owned())));
    // Drops links from every item; we need no changeIndicator while we only read.
    query.push(("onlyData", "true".to_owned()));
    query.push(("limit", limit.to_string()));
    query.push(("offset", "0".to_owned()));
    query
}

/// The condition of a walk or window.
pub(crate) fn condition(read: ErpRead, id: &str) -> String {
    match read {
        ErpRead::ById { after } => format!("{id} > {after}"),
        ErpRead::Window { from, to: None } => from_on(from),
        ErpRead::Window { from, to: Some(to) } => format!("{} and {}", from_on(from), before(to)),
        ErpRead::Tie { from, to, after } => {
            format!("{} and {} and {id} > {after}", from_on(from), before(to))
        }
    }
}

/// Without a unique attribute at the end the order of equals is undefined (4.1).
pub(crate) fn order(read: ErpRead, id: &str) -> String {
    match read {
        ErpRead::ById { .. } | ErpRead::Tie { .. } => format!("{id}:asc"),
        ErpRead::Window { .. } => format!("LastUpdateDate:asc,{id}:asc"),
    }
}

/// Entered then or later. The stamp of the last change says nothing about that: old invoices are paid late.
pub(crate) fn created_on(at: Timestamp) -> String {
    format!("CreationDate >= '{}'", literal(at))
}

fn from_on(at: Timestamp) -> String {
    format!("LastUpdateDate >= '{}'", literal(at))
}

/// Rounded up: a row too many is read again, a row too few is lost.
fn before(at: Timestamp) -> String {
    let up = floor_ms(at + SignedDuration::from_nanos(999_999));
    format!("LastUpdateDate < '{}'", literal(up))
}

/// UTC with milliseconds and `Z`: how literals without zone are read is unknown (4.3).
fn literal(at: Timestamp) -> String {
    floor_ms(at).to_zoned(TimeZone::UTC).strftime("%Y-%m-%dT%H:%M:%S.%3fZ").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn asked(read: ErpRead) -> (String, String) {
        (condition(read, "PartyId"), order(read, "PartyId"))
    }

    #[test]
    fn walks_follow_the_id() {
        let (q, order) = asked(ErpRead::ById { after: 300_000_248_939_071 });
        assert_eq!((q.as_str(), order.as_str()), ("PartyId > 300000248939071", "PartyId:asc"));
    }

    #[test]
    fn windows_quote_utc_literals_with_milliseconds_and_zone() {
        let from = at("2026-01-01T00:00:00Z");
        let (q, order) = asked(ErpRead::Window { from, to: None });
        assert_eq!(q, "LastUpdateDate >= '2026-01-01T00:00:00.000Z'");
        assert_eq!(order, "LastUpdateDate:asc,PartyId:asc");
        let to = Some(at("2026-01-01T01:00:00+01:00"));
        let (q, _) = asked(ErpRead::Window { from: at("2025-12-31T23:59:59.9876Z"), to });
        assert_eq!(
            q,
            "LastUpdateDate >= '2025-12-31T23:59:59.987Z' and LastUpdateDate < '2026-01-01T00:00:00.000Z'"
        );
    }

    #[test]
    fn ties_walk_one_millisecond_by_id() {
        let (from, to) = (at("2026-01-01T00:00:00.123Z"), at("2026-01-01T00:00:00.1231Z"));
        let (q, order) = asked(ErpRead::Tie { from, to, after: 7 });
        assert_eq!(
            q,
            "LastUpdateDate >= '2026-01-01T00:00:00.123Z' and LastUpdateDate < '2026-01-01T00:00:00.124Z' \
             and PartyId > 7"
        );
        assert_eq!(order, "PartyId:asc");
    }
}
