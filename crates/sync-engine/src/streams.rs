//! Where reading of each stream stands, as stored. Moves only in the transaction that stages a page.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use sync_core::{ids::PartyId, poll::ErpCursor};

/// Key under which the state of a stream is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stream {
    /// AR accounts of the ERP.
    Accounts,
    /// Parties of the ERP.
    Parties,
    /// What parties of the ERP are to each other.
    Relations,
    /// Organizations of the CRM.
    Orgs,
}

impl Stream {
    /// Its name in the store, in logs and in events.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Accounts => "erp.account",
            Self::Parties => "erp.party",
            Self::Relations => "erp.relation",
            Self::Orgs => "crm.organization",
        }
    }
}

/// When a stream was last read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rhythm {
    /// When the last window or walk was completed, by our clock.
    pub polled_at: Option<Timestamp>,
    /// When the last walk over all ids was completed, by our clock.
    pub swept_at: Option<Timestamp>,
    /// Number of the current or last walk.
    pub sweep: i64,
    /// The server's clock at the first page of the window under way or last completed.
    pub began: Option<Timestamp>,
}

impl Default for Rhythm {
    fn default() -> Self {
        Self { polled_at: None, swept_at: None, sweep: 1, began: None }
    }
}

impl Rhythm {
    pub(crate) fn next_poll(&self, every: SignedDuration, now: Timestamp) -> Timestamp {
        self.polled_at.map_or(now, |at| at + every)
    }

    pub(crate) fn next_sweep(&self, every: SignedDuration, now: Timestamp) -> Timestamp {
        self.swept_at.map_or(now, |at| at + every)
    }
}

/// State of a stream of the ERP.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ErpStream {
    /// Where reading stands.
    pub cursor: ErpCursor,
    /// When it was last read.
    #[serde(flatten)]
    pub rhythm: Rhythm,
}

impl Default for ErpStream {
    fn default() -> Self {
        Self { cursor: ErpCursor::New, rhythm: Rhythm::default() }
    }
}

/// State of the stream of relationships, which is only ever walked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct RelationStream {
    /// Where reading stands.
    pub cursor: RelationCursor,
    /// When it was last read.
    #[serde(flatten)]
    pub rhythm: Rhythm,
}

impl Default for RelationStream {
    fn default() -> Self {
        Self { cursor: RelationCursor::New, rhythm: Rhythm::default() }
    }
}

/// Where reading of relationships stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "state")]
pub enum RelationCursor {
    /// Nothing was read yet.
    New,
    /// In the middle of a walk over all parties.
    Walk {
        /// The last party that was read.
        after: PartyId,
    },
    /// The last walk is complete.
    Idle,
}

/// State of the stream of the CRM.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CrmStream {
    /// Where reading stands.
    pub cursor: CrmCursor,
    /// When it was last read.
    #[serde(flatten)]
    pub rhythm: Rhythm,
}

impl Default for CrmStream {
    fn default() -> Self {
        Self { cursor: CrmCursor::New, rhythm: Rhythm::default() }
    }
}

/// Where reading of the CRM stands. Its pages are chained by opaque cursors.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "state")]
pub enum CrmCursor {
    /// Nothing was read yet.
    New,
    /// In the middle of a walk over all ids.
    Walk {
        /// Where the next page begins.
        next: Option<String>,
        /// The server's clock at the first page.
        began: Option<Timestamp>,
        /// The watermark to keep when this walk is a sweep.
        watermark: Option<Timestamp>,
    },
    /// Everything changed before the watermark was staged.
    Idle {
        /// End of the last window.
        watermark: Timestamp,
    },
    /// In the middle of a window.
    Window {
        /// Where the window begins.
        from: Timestamp,
        /// Where it ends, fixed by the server's clock in the answer to the first page.
        end: Option<Timestamp>,
        /// Where the next page begins.
        next: Option<String>,
    },
}

impl CrmCursor {
    /// Whether the first walk was completed.
    #[must_use]
    pub fn is_loaded(&self) -> bool {
        match self {
            Self::New => false,
            Self::Walk { watermark, .. } => watermark.is_some(),
            Self::Idle { .. } | Self::Window { .. } => true,
        }
    }
}
