//! How every connection stands.

use jiff::{SignedDuration, Timestamp};
use serde::Serialize;
use sync_engine::{
    audit::{AUDIT, AuditState},
    streams::Rhythm,
    subscriptions::{HookState, SELDOMER, STATE},
};
use sync_store::{CursorRow, Figures, QueueFigures};
use utoipa::ToSchema;

use super::{Cause, TellError, at, budget::Budget};
use crate::door::{Door, Served};

/// A connection.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ConnectionTold {
    /// Its name.
    pub(crate) name: String,
    /// The process that works on it; none if nobody does.
    pub(crate) worked_on_by: Option<String>,
    /// Pairs of a party and an organization.
    pub(crate) pairs: u64,
    /// Customers to be looked at.
    pub(crate) queue: Queue,
    /// Documents whose deal is to be found, and deals that are to show theirs.
    pub(crate) document_queue: Queue,
    /// Events of webhooks that were not looked into yet.
    pub(crate) inbox: u64,
    /// What waits for a person, by cause.
    pub(crate) holds: Vec<Cause>,
    /// Writes whose answer was lost; they are looked for before anything else is written about their customer.
    pub(crate) writes_in_doubt: u64,
    /// The CRM's budget of the day.
    pub(crate) budget: Budget,
    /// What is read, and when it was read last.
    pub(crate) streams: Vec<StreamTold>,
    /// Whether webhooks stand and lose nothing; none where none are taken.
    pub(crate) webhooks_healthy: Option<bool>,
    /// The last audit that came to its end.
    pub(crate) audit: Option<AuditTold>,
}

/// Keys of a queue.
#[derive(Debug, Clone, Copy, Default, Serialize, ToSchema)]
pub(crate) struct Queue {
    /// To be looked at now.
    pub(crate) due: u64,
    /// To be looked at later.
    pub(crate) waiting: u64,
    /// Those of both that failed at least once.
    pub(crate) failed: u64,
}

impl ConnectionTold {
    /// Seconds until the stream is read that is read next; none where nobody here reads.
    pub(crate) fn next_run(&self) -> Option<i64> {
        self.streams.iter().filter_map(|stream| stream.next_in_seconds).min()
    }

    /// Seconds since the stream was read that was read the longest ago.
    pub(crate) fn worst_lag(&self) -> Option<i64> {
        self.streams.iter().filter_map(|stream| stream.lag_seconds).max()
    }
}

/// A stream that is read in a rhythm.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct StreamTold {
    /// Its name, e.g. `erp.party`.
    pub(crate) name: String,
    /// When the last window was read to its end.
    pub(crate) polled_at: Option<String>,
    /// Seconds since then.
    pub(crate) lag_seconds: Option<i64>,
    /// When everything was walked last.
    pub(crate) swept_at: Option<String>,
    /// When it is read next by itself; what is asked for, and what webhooks tell of, is read at once. None where this process
    /// does not work on the connection.
    pub(crate) next_at: Option<String>,
    /// Seconds until then, 0 if it is late.
    pub(crate) next_in_seconds: Option<i64>,
}

impl StreamTold {
    /// What is told of a stream; none of what is not read in a rhythm.
    fn of(cursor: &CursorRow, every: Option<SignedDuration>, now: Timestamp) -> Option<Self> {
        let Rhythm { polled_at, swept_at, .. } = serde_json::from_str(&cursor.body).ok()?;
        let next = polled_at.zip(every).and_then(|(polled, every)| polled.checked_add(every).ok());
        Some(Self {
            name: cursor.stream.clone(),
            polled_at: polled_at.map(at),
            lag_seconds: polled_at.map(|polled| now.duration_since(polled).as_secs().max(0)),
            swept_at: swept_at.map(at),
            next_at: next.map(at),
            next_in_seconds: next.map(|next| next.duration_since(now).as_secs().max(0)),
        })
    }
}

/// An audit: customers compared on both sides, as they were read last.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct AuditTold {
    /// When it ended.
    pub(crate) ended_at: Option<String>,
    /// The oldest reading that it is based on.
    pub(crate) as_of: Option<String>,
    /// Customers compared.
    pub(crate) customers: u64,
    /// Those that are equal, or meant to differ.
    pub(crate) equal: u64,
    /// Those that differ and are worked on.
    pub(crate) working: u64,
    /// Those that wait for a person.
    pub(crate) held: u64,
    /// Those that differed though nobody worked on it.
    pub(crate) found: u64,
}

/// All connections, by number.
pub(crate) async fn connections(door: &Door) -> Result<Vec<ConnectionTold>, TellError> {
    let now = door.parts.clock.now();
    let all = door.parts.store.figures(now).await?;
    Ok(all.into_iter().map(|figures| told(figures, &door.parts.served, now)).collect())
}

fn told(figures: Figures, served: &[Served], now: Timestamp) -> ConnectionTold {
    let served = served.iter().find(|served| served.name == figures.name);
    let budget = Budget::of(&figures.day, served.map(|served| served.budget), now);
    let state = |name: &str| figures.cursors.iter().find(|cursor| cursor.stream == name);
    let hooks = state(STATE).and_then(|cursor| serde_json::from_str::<HookState>(&cursor.body).ok());
    let webhooks_healthy = hooks.map(|state| state.is_healthy());
    let audit = state(AUDIT).and_then(|cursor| serde_json::from_str::<AuditState>(&cursor.body).ok());
    let audit = audit.and_then(|state| state.last).map(|last| AuditTold {
        ended_at: last.ended_at.map(at),
        as_of: last.as_of.map(at),
        customers: last.customers,
        equal: last.equal,
        working: last.working,
        held: last.held,
        found: last.found,
    });
    let every = |stream: &str| {
        let every = served?.rhythms.get(stream)?;
        let seldom = stream.starts_with("crm.") && webhooks_healthy == Some(true);
        every.checked_mul(if seldom { SELDOMER } else { 1 })
    };
    let read = figures.cursors.iter().filter(|cursor| ![STATE, AUDIT].contains(&cursor.stream.as_str()));
    let streams = read.filter_map(|cursor| StreamTold::of(cursor, every(&cursor.stream), now)).collect();
    let sum = |queues: &mut dyn Iterator<Item = &QueueFigures>| {
        queues.fold(Queue::default(), |sum, queue| Queue {
            due: sum.due + queue.due,
            waiting: sum.waiting + queue.waiting,
            failed: sum.failed + queue.failed,
        })
    };
    let queue = sum(&mut figures.queue.values());
    let document_queue = sum(&mut figures.documents.values());
    let mut holds: Vec<Cause> = figures.holds.into_iter().map(Cause::from).collect();
    holds.sort_by_key(|cause| std::cmp::Reverse(cause.holds));
    ConnectionTold {
        name: figures.name,
        worked_on_by: figures.owner,
        pairs: figures.pairs,
        queue,
        document_queue,
        inbox: figures.inbox,
        holds,
        writes_in_doubt: figures.writes_in_doubt,
        budget,
        streams,
        webhooks_healthy,
        audit,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stream_tells_when_it_was_read_and_when_it_is_read_next() {
        let moved_at = Timestamp::UNIX_EPOCH;
        let cursor =
            |body: &str| CursorRow { stream: "erp.party".to_owned(), body: body.to_owned(), moved_at };
        let now = moved_at + SignedDuration::from_secs(100);
        let read = r#"{"polled_at":"1970-01-01T00:01:00Z","swept_at":null,"sweep":1,"began":null}"#;
        let told = |every| StreamTold::of(&cursor(read), every, now).expect("a stream");
        let soon = told(Some(SignedDuration::from_mins(5)));
        assert_eq!((soon.lag_seconds, soon.next_in_seconds), (Some(40), Some(260)));
        assert_eq!(soon.next_at.as_deref(), Some("1970-01-01T00:06:00Z"));
        assert_eq!(told(Some(SignedDuration::from_secs(10))).next_in_seconds, Some(0), "it is late");
        assert_eq!(told(None).next_at, None, "nobody here reads");
        assert!(StreamTold::of(&cursor("[1]"), None, now).is_none());
    }
}
