//! How every connection stands.

use jiff::Timestamp;
use serde::Serialize;
use sync_engine::{
    audit::{AUDIT, AuditState},
    streams::Rhythm,
    subscriptions::{HookState, STATE},
};
use sync_store::{Figures, QueueFigures};
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
    let (mut streams, mut webhooks_healthy, mut audit) = (Vec::new(), None, None);
    for cursor in &figures.cursors {
        if cursor.stream == STATE {
            let state = serde_json::from_str::<HookState>(&cursor.body).ok();
            webhooks_healthy = state.map(|state| state.is_healthy());
        } else if cursor.stream == AUDIT {
            let state = serde_json::from_str::<AuditState>(&cursor.body).ok();
            audit = state.and_then(|state| state.last).map(|last| AuditTold {
                ended_at: last.ended_at.map(at),
                as_of: last.as_of.map(at),
                customers: last.customers,
                equal: last.equal,
                working: last.working,
                held: last.held,
                found: last.found,
            });
        } else if let Ok(rhythm) = serde_json::from_str::<Rhythm>(&cursor.body) {
            // What has another form is no stream that is read in a rhythm.
            streams.push(StreamTold {
                name: cursor.stream.clone(),
                polled_at: rhythm.polled_at.map(at),
                lag_seconds: rhythm.polled_at.map(|polled| now.duration_since(polled).as_secs().max(0)),
                swept_at: rhythm.swept_at.map(at),
            });
        }
    }
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
