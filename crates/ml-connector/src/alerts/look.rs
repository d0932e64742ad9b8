//! What is so now of a connection: from the store's figures, and from what the engine last said of its sides.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};

use jiff::{SignedDuration, Timestamp};
use sync_core::alerts::{BudgetSeen, Seen, Trouble};
use sync_core::error::ErrorKind;
use sync_core::handover::{Made, Subject};
use sync_core::ids::ConnectionId;
use sync_core::merge;
use sync_engine::documents::cursor_of;
use sync_engine::streams::{Rhythm, Stream};
use sync_engine::subscriptions::SELDOMER;
use sync_engine::{Event, Pause, Side, Watch};
use sync_store::{CursorRow, Figures, OpenHandover};

use crate::clients;
use crate::config::Connection;

/// A connection that is looked after.
pub struct Watched {
    /// Its number.
    pub id: ConnectionId,
    /// Its name.
    pub name: String,
    /// Tokens that the company has a day.
    pub daily_tokens: u64,
    /// Whether won deals become customers of the ERP.
    pub hands_over: bool,
    /// What the engine last said of its sides.
    pub board: Arc<Board>,
    rhythms: Vec<(&'static str, Reads, SignedDuration)>,
}

/// What a stream reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reads {
    /// Customers of the ERP.
    Erp,
    /// Documents of the ERP.
    Documents,
    /// The CRM.
    Crm,
}

/// How often each stream of a connection is read. The CRM's are read more seldom while webhooks stand and lose nothing.
#[must_use]
pub fn rhythms(connection: &Connection) -> Vec<(&'static str, Reads, SignedDuration)> {
    let sync = &connection.sync;
    let mut rhythms = vec![
        (Stream::Accounts.name(), Reads::Erp, sync.poll_every),
        (Stream::Parties.name(), Reads::Erp, sync.poll_every),
        (Stream::Orgs.name(), Reads::Crm, sync.crm_poll_every),
    ];
    if connection.customers_from_crm.is_some() {
        rhythms.push((Stream::Deals.name(), Reads::Crm, sync.crm_poll_every));
    }
    if let Some(documents) = &connection.documents {
        let kinds = documents.policy().kinds;
        rhythms.extend(kinds.iter().map(|kind| (cursor_of(*kind), Reads::Documents, documents.poll_every)));
    }
    rhythms
}

/// What was last said of each side, kept by whoever looks on. It is gone with the process, which tries each side anew.
#[derive(Debug, Default)]
pub struct Board(Mutex<BTreeMap<Side, Last>>);

#[derive(Debug, Clone, Default)]
struct Last {
    /// Until when the budget is used up.
    exhausted_until: Option<Timestamp>,
    /// Any other pause.
    pause: Option<Pause>,
}

/// A side that refuses us is tried again after its pause; until that answer is there it counts as refusing. Also how much
/// later than its rhythm a stream may be read.
const GRACE: SignedDuration = SignedDuration::from_mins(2);

impl Watch for Board {
    fn see(&self, event: Event) {
        match event {
            Event::Paused(pause) => {
                let mut sides = self.0.lock().unwrap_or_else(PoisonError::into_inner);
                let last = sides.entry(pause.side).or_default();
                match pause.error.kind {
                    ErrorKind::Exhausted { until } => last.exhausted_until = Some(until),
                    ErrorKind::Transient { .. }
                    | ErrorKind::Unauthorized
                    | ErrorKind::Forbidden
                    | ErrorKind::Rejected
                    | ErrorKind::UnknownField
                    | ErrorKind::Missing
                    | ErrorKind::Unreadable => last.pause = Some(pause),
                }
            }
            Event::Page { .. }
            | Event::Unreadable { .. }
            | Event::Stuck { .. }
            | Event::Implausible { .. }
            | Event::Backlog { .. }
            | Event::Outcome { .. }
            | Event::InDoubt { .. }
            | Event::Audited(_) => {}
        }
    }
}

impl Board {
    /// Why a side is left alone, if it is for another reason than the budget.
    fn refusal(&self, side: Side, now: Timestamp) -> Option<ErrorKind> {
        let sides = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let pause = sides.get(&side)?.pause.as_ref().filter(|pause| pause.until + GRACE > now);
        pause.map(|pause| pause.error.kind.clone())
    }

    fn is_exhausted(&self, side: Side, now: Timestamp) -> bool {
        let sides = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        sides.get(&side).and_then(|last| last.exhausted_until).is_some_and(|until| until > now)
    }
}

impl Watched {
    /// A connection as it is configured.
    pub fn new(connection: &Connection, id: ConnectionId, board: Arc<Board>) -> Self {
        let hands_over = connection.customers_from_crm.is_some();
        let mut rhythms = rhythms(connection);
        for (_, reads, every) in &mut rhythms {
            if *reads == Reads::Crm && connection.webhooks.is_some() {
                *every *= SELDOMER;
            }
        }
        Self {
            id,
            name: connection.name.clone(),
            daily_tokens: clients::budget(&connection.pipedrive).tokens,
            hands_over,
            board,
            rhythms,
        }
    }

    /// What is so now.
    pub(super) fn seen(&self, figures: &Figures, open: Vec<OpenHandover>, now: Timestamp) -> Seen {
        let day = &figures.day;
        let ours: u64 = day.ours.values().map(|(tokens, _)| tokens).sum();
        let spent = ours.saturating_add(day.others).saturating_mul(100);
        Seen {
            troubles: self.troubles(figures, now),
            holds: figures.holds.iter().map(|cause| cause.holds).sum(),
            budget: BudgetSeen {
                day: day.number,
                percent: spent.checked_div(self.daily_tokens).unwrap_or(0),
                exhausted_until: day.exhausted_until,
            },
            handovers: self.hands_over.then(|| without_customer(open)),
        }
    }

    fn troubles(&self, figures: &Figures, now: Timestamp) -> BTreeSet<Trouble> {
        // While the budget is used up nothing is polled that costs any of it; that is no trouble, and told as what it is.
        let crm_waits = figures.day.exhausted_until.is_some() || self.board.is_exhausted(Side::Crm, now);
        let refusals = [Side::Erp, Side::Crm].map(|side| (side, self.board.refusal(side, now)));
        let mut troubles: BTreeSet<Trouble> =
            refusals.iter().filter_map(|(side, kind)| refused(*side, kind.as_ref()?)).collect();
        for (stream, reads, every) in &self.rhythms {
            let cursor = figures.cursors.iter().find(|cursor| cursor.stream == *stream);
            let silent = cursor.is_some_and(|cursor| is_late(cursor, *every, now));
            match reads {
                Reads::Erp if silent => troubles.insert(Trouble::Silent(merge::Side::Erp)),
                Reads::Crm if silent && !crm_waits => troubles.insert(Trouble::Silent(merge::Side::Crm)),
                Reads::Documents if silent && !crm_waits => troubles.insert(Trouble::DocumentsSilent),
                Reads::Erp | Reads::Crm | Reads::Documents => false,
            };
        }
        // A side of which nothing was ever read has no rhythm yet.
        for (side, refusal) in refusals {
            let reads = match side {
                Side::Erp => Reads::Erp,
                Side::Crm => Reads::Crm,
            };
            let of_side =
                |stream: &str| self.rhythms.iter().any(|(name, of, _)| *name == stream && *of == reads);
            let never = !figures.cursors.iter().any(|cursor| of_side(&cursor.stream));
            if never && refusal.is_some() {
                troubles.insert(Trouble::Silent(core_side(side)));
            }
        }
        if troubles.contains(&Trouble::Silent(merge::Side::Erp)) {
            troubles.remove(&Trouble::DocumentsSilent);
        }
        troubles
    }
}

/// A long walk moves its cursor with each page: it is not late while it goes on.
fn is_late(cursor: &CursorRow, every: SignedDuration, now: Timestamp) -> bool {
    // What has another form is no stream that is read in a rhythm.
    let Ok(rhythm) = serde_json::from_str::<Rhythm>(&cursor.body) else { return false };
    let last = rhythm.polled_at.unwrap_or(cursor.moved_at).max(cursor.moved_at);
    now.duration_since(last) > every + GRACE
}

fn refused(side: Side, kind: &ErrorKind) -> Option<Trouble> {
    match kind {
        ErrorKind::Unauthorized => Some(Trouble::NoAccess(core_side(side))),
        ErrorKind::Forbidden => Some(Trouble::Denied(core_side(side))),
        // Whether these last is told by what is read.
        ErrorKind::Transient { .. }
        | ErrorKind::Exhausted { .. }
        | ErrorKind::Rejected
        | ErrorKind::UnknownField
        | ErrorKind::Missing
        | ErrorKind::Unreadable => None,
    }
}

fn core_side(side: Side) -> merge::Side {
    match side {
        Side::Erp => merge::Side::Erp,
        Side::Crm => merge::Side::Crm,
    }
}

/// Handovers that are open and lack a customer; whether somebody is asked.
fn without_customer(open: Vec<OpenHandover>) -> BTreeMap<Subject, bool> {
    let lacks = |made: &Made| match &made.began {
        Some(began) => !made.is_complete(began.set),
        None => made.account.is_none(),
    };
    open.into_iter().filter(|one| one.asked || lacks(&one.made)).map(|one| (one.subject, one.asked)).collect()
}
