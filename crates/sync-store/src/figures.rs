//! Figures for whoever watches from outside: about all connections at once, in a handful of statements whatever their
//! number. Each counts over an index or a small table; nothing of a record is read.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use sync_core::{
    budget::{Class, DayStart},
    ids::ConnectionId,
};

use crate::{HoldCause, Store, StoreError, Tx, connections::INSTALLATION, sql::Row};

/// What the store knows of a connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Figures {
    /// The connection.
    pub id: ConnectionId,
    /// Its name.
    pub name: String,
    /// Who holds its lease; none if it was given back or never taken.
    pub owner: Option<String>,
    /// The epoch of its lease, 0 if it was never taken.
    pub epoch: i64,
    /// Events of webhooks whose records were not read again yet.
    pub inbox: u64,
    /// When the oldest of them came.
    pub inbox_since: Option<Timestamp>,
    /// The queue, class by class; classes without keys are not there.
    pub queue: BTreeMap<Class, QueueFigures>,
    /// The queues of documents and of what deals show of them, by queue and class.
    pub documents: BTreeMap<(DocumentQueue, Class), QueueFigures>,
    /// Open holds, those about handovers, documents and what deals show of them among them, reason by reason.
    pub holds: Vec<HoldCause>,
    /// Writes that were committed to and have no receipt yet.
    pub writes_open: u64,
    /// Those of them whose answer was lost.
    pub writes_in_doubt: u64,
    /// What was spent in the CRM's day.
    pub day: DayFigures,
    /// Where reading stands, stream by stream.
    pub cursors: Vec<CursorRow>,
    /// Records staged, kind by kind; also those that are gone on their side.
    pub staged: BTreeMap<String, u64>,
    /// Pairs.
    pub pairs: u64,
    /// Alerts that are kept, by what became of them: `waiting`, `sent` and `given_up`; what there is none of is not there.
    pub alerts: BTreeMap<String, u64>,
}

/// Keys of one class.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct QueueFigures {
    /// To be looked at now.
    pub due: u64,
    /// To be looked at later.
    pub waiting: u64,
    /// Those of both that failed at least once.
    pub failed: u64,
}

/// A queue of what belongs to documents.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum DocumentQueue {
    /// Documents whose deal is to be found.
    Documents,
    /// Deals that are to show their documents.
    Deals,
}

/// A day of the CRM, as far as it went.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DayFigures {
    /// Its number.
    pub number: i64,
    /// When it began.
    pub began_at: Timestamp,
    /// When the next one begins.
    pub ends_at: Timestamp,
    /// Tokens and requests of ours, class by class; classes that spent nothing are not there.
    pub ours: BTreeMap<Class, (u64, u64)>,
    /// Tokens that others spent, as far as we have seen.
    pub others: u64,
    /// The day as it went, by the hour since 1970 (UTC); hours in which nothing happened are not there.
    pub hours: BTreeMap<i64, HourFigures>,
    /// Tokens that were left when the CRM last said so.
    pub remaining: Option<u64>,
    /// Until when nothing is left, as the CRM said.
    pub exhausted_until: Option<Timestamp>,
}

/// An hour of a day.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct HourFigures {
    /// Tokens of ours in this hour.
    pub ours: u64,
    /// Tokens that others had spent of the day by its end, if that was seen in it.
    pub others: Option<u64>,
}

/// Where reading of a stream stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CursorRow {
    /// The stream.
    pub stream: String,
    /// Its state, JSON of whoever reads it.
    pub body: String,
    /// When it last moved.
    pub moved_at: Timestamp,
}

const CONNECTIONS: &str = "SELECT connection.id, name, owner, epoch, starts_after FROM connection \
    LEFT JOIN lease ON lease.connection_id = connection.id \
    LEFT JOIN spend_reset ON spend_reset.connection_id = connection.id ORDER BY connection.id";

const INBOX: &str = "SELECT connection_id, count(*), min(received_at) FROM hook_event \
    WHERE done_at IS NULL GROUP BY connection_id";

const QUEUE: &str = "SELECT connection_id, class, count(*), count(CASE WHEN due_at <= $1 THEN 1 END), \
    count(CASE WHEN attempts > 0 THEN 1 END) FROM job GROUP BY connection_id, class";

const HOLDS: &str = "SELECT connection_id, reason_key, count(*), min(opened_at) FROM hold \
    WHERE closed_at IS NULL GROUP BY connection_id, reason_key ORDER BY connection_id, reason_key";

const DOCUMENT_QUEUES: &str = "SELECT connection_id, class, count(*), count(CASE WHEN due_at <= $1 THEN 1 END), \
    count(CASE WHEN attempts > 0 THEN 1 END), 'document' FROM document WHERE due_at IS NOT NULL GROUP BY connection_id, class \
    UNION ALL SELECT connection_id, class, count(*), count(CASE WHEN due_at <= $1 THEN 1 END), \
    count(CASE WHEN attempts > 0 THEN 1 END), 'deal_page' FROM deal_page WHERE due_at IS NOT NULL GROUP BY connection_id, class";

// A document has no question of its own: that it is ambiguous is one.
const QUESTIONS: &str = "SELECT connection_id, question_key, count(*), min(asked_at) FROM handover \
    WHERE question_key IS NOT NULL GROUP BY connection_id, question_key \
    UNION ALL SELECT connection_id, question_key, count(*), min(asked_at) FROM deal_page \
    WHERE question_key IS NOT NULL GROUP BY connection_id, question_key \
    UNION ALL SELECT connection_id, 'deal_ambiguous', count(*), min(decided_at) FROM document \
    WHERE decision_key = 'ambiguous' GROUP BY connection_id";

const WRITES: &str = "SELECT connection_id, count(*), count(settled_at) FROM intent \
    WHERE state = 'open' GROUP BY connection_id \
    UNION ALL SELECT connection_id, count(*), count(settled_at) FROM page_intent \
    WHERE state = 'open' GROUP BY connection_id";

// What others spent has no class.
const SPENT: &str = "SELECT connection_id, day, class, tokens, calls, hour FROM spend WHERE day >= $1 \
    UNION ALL SELECT connection_id, day, NULL, tokens, 0, hour FROM spend_others WHERE day >= $1";

const DAYS: &str = "SELECT connection_id, day, foreign_tokens, remaining_seen, remaining_at, exhausted_until \
    FROM spend_day WHERE day >= $1";

const CURSORS: &str =
    "SELECT connection_id, stream, body, updated_at FROM cursor_state ORDER BY connection_id, stream";

const STAGED: &str = "SELECT connection_id, kind, count(*) FROM staged GROUP BY connection_id, kind";

const PAIRS_AND_ALERTS: &str = "SELECT connection_id, 'pair', count(*) FROM pair GROUP BY connection_id \
    UNION ALL SELECT connection_id, state, count(*) FROM alert GROUP BY connection_id, state";

/// A day of the CRM.
const DAY: SignedDuration = SignedDuration::from_hours(24);

/// By connection, while they are filled in.
type Filling = BTreeMap<i64, (Figures, DayStart)>;

impl Store {
    /// What the store knows of every connection, by number; staged records are not counted, which would take longer than all the
    /// rest.
    ///
    /// # Errors
    /// When the database refuses or a row cannot be read.
    pub async fn figures(&self, now: Timestamp) -> Result<Vec<Figures>, StoreError> {
        self.count(now, false).await
    }

    /// The same, with the staged records.
    ///
    /// # Errors
    /// As [`Store::figures`].
    pub async fn figures_and_records(&self, now: Timestamp) -> Result<Vec<Figures>, StoreError> {
        self.count(now, true).await
    }

    async fn count(&self, now: Timestamp, records: bool) -> Result<Vec<Figures>, StoreError> {
        let mut tx = self.read(INSTALLATION).await?;
        let mut all: Filling = tx
            .fetch("connection", CONNECTIONS, Vec::new(), connection)
            .await?
            .into_iter()
            .map(|(figures, start)| (figures.id.0, (figures, start)))
            .collect();
        tx.work_to_do(&mut all, now).await?;
        tx.days(&mut all, now).await?;
        tx.what_is_known(&mut all).await?;
        if records {
            tx.records(&mut all).await?;
        }
        Ok(all.into_values().map(|(figures, _)| figures).collect())
    }
}

fn connection(row: &Row<'_>) -> Result<(Figures, DayStart), StoreError> {
    let figures = Figures {
        id: ConnectionId(row.int(0, "id")?),
        name: row.text(1, "name")?,
        owner: row.maybe_text(2, "owner")?,
        epoch: row.maybe_int(3, "epoch")?.unwrap_or(0),
        inbox: 0,
        inbox_since: None,
        queue: BTreeMap::new(),
        documents: BTreeMap::new(),
        holds: Vec::new(),
        writes_open: 0,
        writes_in_doubt: 0,
        day: DayFigures::default(),
        cursors: Vec::new(),
        staged: BTreeMap::new(),
        pairs: 0,
        alerts: BTreeMap::new(),
    };
    Ok((figures, DayStart::of_micros(row.maybe_int(4, "starts_after")?.unwrap_or(0))))
}

/// A count.
fn count(row: &Row<'_>, index: usize) -> Result<u64, StoreError> {
    Ok(row.int(index, "count")?.unsigned_abs())
}

impl Tx {
    async fn work_to_do(&mut self, all: &mut Filling, now: Timestamp) -> Result<(), StoreError> {
        let inbox = |row: &Row<'_>| {
            Ok((row.int(0, "connection_id")?, count(row, 1)?, row.maybe_time(2, "received_at")?))
        };
        for (id, events, since) in self.fetch("hook_event", INBOX, Vec::new(), inbox).await? {
            let Some((figures, _)) = all.get_mut(&id) else { continue };
            (figures.inbox, figures.inbox_since) = (events, since);
        }
        let queue = |row: &Row<'_>| {
            let (keys, due) = (count(row, 2)?, count(row, 3)?);
            let figures = QueueFigures { due, waiting: keys.saturating_sub(due), failed: count(row, 4)? };
            Ok((row.int(0, "connection_id")?, Class::of_rank(row.int(1, "class")?), figures))
        };
        for (id, class, keys) in self.fetch("job", QUEUE, vec![now.into()], &queue).await? {
            let Some((figures, _)) = all.get_mut(&id) else { continue };
            figures.queue.insert(class, keys);
        }
        let queues = |row: &Row<'_>| {
            let deals = row.text(5, "queue")? == "deal_page";
            let of = if deals { DocumentQueue::Deals } else { DocumentQueue::Documents };
            let (id, class, figures) = queue(row)?;
            Ok((id, (of, class), figures))
        };
        for (id, of, keys) in self.fetch("document", DOCUMENT_QUEUES, vec![now.into()], queues).await? {
            let Some((figures, _)) = all.get_mut(&id) else { continue };
            figures.documents.insert(of, keys);
        }
        let hold = |row: &Row<'_>| {
            let (reason, holds) = (row.text(1, "reason_key")?, count(row, 2)?);
            Ok((row.int(0, "connection_id")?, HoldCause { reason, holds, since: row.time(3, "opened_at")? }))
        };
        for (id, cause) in self.fetch("hold", HOLDS, Vec::new(), hold).await? {
            let Some((figures, _)) = all.get_mut(&id) else { continue };
            figures.holds.push(cause);
        }
        for (id, cause) in self.fetch("handover", QUESTIONS, Vec::new(), hold).await? {
            let Some((figures, _)) = all.get_mut(&id) else { continue };
            match figures.holds.iter_mut().find(|known| known.reason == cause.reason) {
                Some(known) => {
                    (known.holds, known.since) = (known.holds + cause.holds, known.since.min(cause.since));
                }
                None => figures.holds.push(cause),
            }
            figures.holds.sort_by(|left, right| left.reason.cmp(&right.reason));
        }
        let writes = |row: &Row<'_>| Ok((row.int(0, "connection_id")?, count(row, 1)?, count(row, 2)?));
        for (id, open, in_doubt) in self.fetch("intent", WRITES, Vec::new(), writes).await? {
            let Some((figures, _)) = all.get_mut(&id) else { continue };
            figures.writes_open += open;
            figures.writes_in_doubt += in_doubt;
        }
        Ok(())
    }

    async fn days(&mut self, all: &mut Filling, now: Timestamp) -> Result<(), StoreError> {
        // Days of the CRM begin up to a day after ours.
        let since = DayStart::MIDNIGHT.day_of(now) - 1;
        for (figures, start) in all.values_mut() {
            figures.day.number = start.day_of(now);
            figures.day.ends_at = start.next(now);
            figures.day.began_at = figures.day.ends_at.saturating_sub(DAY).unwrap_or(Timestamp::MIN);
        }
        let spent = |row: &Row<'_>| {
            let (tokens, calls) = (row.int(3, "tokens")?.unsigned_abs(), row.int(4, "calls")?.unsigned_abs());
            let class = row.maybe_int(2, "class")?.map(Class::of_rank);
            let (id, day, hour) = (row.int(0, "connection_id")?, row.int(1, "day")?, row.int(5, "hour")?);
            Ok((id, day, hour, class, (tokens, calls)))
        };
        for (id, day, hour, class, (tokens, calls)) in
            self.fetch("spend", SPENT, vec![since.into()], spent).await?
        {
            let Some((figures, start)) = all.get_mut(&id) else { continue };
            if day != start.day_of(now) {
                continue;
            }
            let of_hour = figures.day.hours.entry(hour).or_default();
            if let Some(class) = class {
                of_hour.ours += tokens;
                let of_class = figures.day.ours.entry(class).or_default();
                *of_class = (of_class.0 + tokens, of_class.1 + calls);
            } else {
                of_hour.others = Some(tokens);
            }
        }
        let told = |row: &Row<'_>| {
            let seen = row.maybe_int(3, "remaining_seen")?.map(i64::unsigned_abs);
            let seen = row.maybe_time(4, "remaining_at")?.and(seen);
            let others = row.int(2, "foreign_tokens")?.unsigned_abs();
            let until = row.maybe_time(5, "exhausted_until")?;
            Ok((row.int(0, "connection_id")?, row.int(1, "day")?, others, seen, until))
        };
        for (id, day, others, seen, until) in self.fetch("spend_day", DAYS, vec![since.into()], told).await? {
            let Some((figures, start)) = all.get_mut(&id) else { continue };
            let told = &mut figures.day;
            if day == start.day_of(now) {
                (told.others, told.remaining) = (others, seen);
            }
            // The CRM's word that nothing is left may reach into the next day of ours.
            told.exhausted_until = told.exhausted_until.max(until.filter(|until| *until > now));
        }
        Ok(())
    }

    /// Records that were staged.
    async fn records(&mut self, all: &mut Filling) -> Result<(), StoreError> {
        let staged = |row: &Row<'_>| Ok((row.int(0, "connection_id")?, row.text(1, "kind")?, count(row, 2)?));
        for (id, kind, records) in self.fetch("staged", STAGED, Vec::new(), staged).await? {
            let Some((figures, _)) = all.get_mut(&id) else { continue };
            figures.staged.insert(kind, records);
        }
        Ok(())
    }

    async fn what_is_known(&mut self, all: &mut Filling) -> Result<(), StoreError> {
        let cursor = |row: &Row<'_>| {
            let (stream, body) = (row.text(1, "stream")?, row.text(2, "body")?);
            Ok((
                row.int(0, "connection_id")?,
                CursorRow { stream, body, moved_at: row.time(3, "updated_at")? },
            ))
        };
        for (id, cursor) in self.fetch("cursor_state", CURSORS, Vec::new(), cursor).await? {
            let Some((figures, _)) = all.get_mut(&id) else { continue };
            figures.cursors.push(cursor);
        }
        let counted =
            |row: &Row<'_>| Ok((row.int(0, "connection_id")?, row.text(1, "what")?, count(row, 2)?));
        for (id, what, number) in self.fetch("pair", PAIRS_AND_ALERTS, Vec::new(), counted).await? {
            let Some((figures, _)) = all.get_mut(&id) else { continue };
            if what == "pair" {
                figures.pairs = number;
            } else {
                figures.alerts.insert(what, number);
            }
        }
        Ok(())
    }
}
