//! What the engine tells those who look on: progress bars, logs, later the console. Never needed for correctness.

use jiff::Timestamp;
use sync_core::{ids::PartyId, model::Malformed};
use sync_store::Outcome;

use crate::{audit::Audited, pause::Pause};

/// Something that happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// A page was staged.
    Page {
        /// Which stream, e.g. `erp.party`.
        stream: &'static str,
        /// Rows on the page.
        rows: usize,
        /// Keys it put into the queue.
        enqueued: usize,
        /// Whether the walk or window is now complete.
        complete: bool,
    },
    /// A record of a page could not be read and has no id to hold it by.
    Unreadable {
        /// Which stream.
        stream: &'static str,
        /// What was wrong.
        record: Malformed,
    },
    /// A page said that more follows but gave nothing to continue from; the read starts again later.
    Stuck {
        /// Which stream.
        stream: &'static str,
    },
    /// A sweep saw so few records that it is not believed: the user behind it has probably lost a role.
    Implausible {
        /// Which stream.
        stream: &'static str,
        /// Records known before.
        known: u64,
        /// How many of them the sweep did not see.
        unseen: u64,
    },
    /// A batch is begun.
    Backlog {
        /// Keys that wait in the queue, those of the batch included.
        keys: u64,
    },
    /// A key was dealt with.
    Outcome {
        /// The key.
        party: PartyId,
        /// How.
        outcome: Outcome,
    },
    /// Writes whose outcome is unknown are looked for.
    InDoubt {
        /// How many.
        writes: usize,
        /// When the next look is due.
        until: Timestamp,
    },
    /// An audit came to its end.
    Audited(Audited),
    /// A side is left alone for a while.
    Paused(Pause),
}

/// Somebody who looks on.
pub trait Watch: Send + Sync {
    /// Told after it is durable.
    fn see(&self, event: Event);
}

/// Nobody looks on.
#[derive(Debug, Clone, Copy, Default)]
pub struct Silent;

impl Watch for Silent {
    fn see(&self, _event: Event) {}
}
