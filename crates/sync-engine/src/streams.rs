//! Where reading of each stream stands, as stored. Moves only in the transaction that stages a page.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use sync_core::{
    ids::PartyId,
    poll::{Again, ErpCursor, Pace, Progress},
};

/// Key under which the state of a stream is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stream {
    /// AR accounts of the ERP.
    Accounts,
    /// Parties of the ERP.
    Parties,
    /// What parties of the ERP are to each other.
    Relations,
    /// What is known of AR accounts beside what lists show.
    Terms,
    /// Organizations of the CRM.
    Orgs,
    /// Deals of the CRM.
    Deals,
}

impl Stream {
    /// Its name in the store, in logs and in events.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Accounts => "erp.account",
            Self::Parties => "erp.party",
            Self::Relations => "erp.relation",
            Self::Terms => "erp.terms",
            Self::Orgs => "crm.organization",
            Self::Deals => "crm.deal",
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
    /// A repetition that somebody asked for and that has not begun.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub again: Option<Again>,
    /// Whether what is under way is one: whatever it reads is looked at again, changed or not.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub repeating: bool,
}

impl Default for ErpStream {
    fn default() -> Self {
        Self { cursor: ErpCursor::New, rhythm: Rhythm::default(), again: None, repeating: false }
    }
}

impl ErpStream {
    /// Whether the next page can be asked for at once.
    pub(crate) fn has_work(&self) -> bool {
        self.cursor.is_reading() || self.again.is_some()
    }

    /// Begins the repetition that was asked for.
    pub(crate) fn begin_again(&mut self, pace: Pace) {
        let Some(again) = self.again.take() else { return };
        self.repeating = true;
        self.rhythm.began = None;
        let is_new = self.cursor == ErpCursor::New;
        self.cursor = match again {
            Again::From(from) => self.cursor.begin_from(from, pace),
            Again::All => self.cursor.begin_sweep(),
        };
        // The first walk of all has its number already.
        self.rhythm.sweep += i64::from(again == Again::All && !is_new);
    }

    /// Takes over where a page has led to. Stuck, the same place is asked again when the side is open again.
    pub(crate) fn passes(&mut self, progress: Progress, now: Timestamp) {
        match progress {
            Progress::Going(cursor) => self.cursor = cursor,
            Progress::Polled(cursor) => {
                self.cursor = cursor;
                self.rhythm.polled_at = Some(now);
                self.repeating = false;
            }
            Progress::Walked(cursor) => {
                self.cursor = cursor;
                self.rhythm.swept_at = Some(now);
                self.rhythm.polled_at.get_or_insert(now);
                self.repeating = false;
            }
            Progress::Stuck => self.rhythm.polled_at = Some(now),
        }
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
    /// Whether somebody asked for a repetition of everything that has not begun.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub again: bool,
    /// Whether the walk under way is one: whatever it reads is looked at again, changed or not.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub repeating: bool,
    /// Whether the walk over deals that is under way is in its second half: won ones come first, then open ones.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub in_open: bool,
    /// Whether the last walk over deals had both halves.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub with_open: bool,
}

impl Default for CrmStream {
    fn default() -> Self {
        Self {
            cursor: CrmCursor::New,
            rhythm: Rhythm::default(),
            again: false,
            repeating: false,
            in_open: false,
            with_open: false,
        }
    }
}

/// What a page of the CRM says about what follows.
pub(crate) struct CrmPageEnd {
    /// Whether more rows follow.
    pub(crate) more: bool,
    /// Where the next page begins.
    pub(crate) next: Option<String>,
    /// The newest change on it.
    pub(crate) newest: Option<Timestamp>,
    /// The server's clock.
    pub(crate) server_now: Timestamp,
}

impl CrmStream {
    /// Begins a walk over all ids that keeps the watermark, if there is one.
    pub(crate) fn begin_walk(&mut self) {
        let watermark = match self.cursor {
            CrmCursor::Idle { watermark } => Some(watermark),
            CrmCursor::New | CrmCursor::Walk { .. } | CrmCursor::Window { .. } => None,
        };
        // The first walk of all has its number already.
        self.rhythm.sweep += i64::from(watermark.is_some());
        self.cursor = CrmCursor::Walk { next: None, began: None, watermark };
        self.in_open = false;
    }

    /// Goes on with the second half of a walk over deals, in the same sweep.
    pub(crate) fn walk_open(&mut self, server_now: Timestamp) {
        if let CrmCursor::Walk { next, began, .. } = &mut self.cursor {
            *next = None;
            began.get_or_insert(server_now);
            self.in_open = true;
        }
    }

    /// The CRM does not understand where the next page begins: the stretch is read again.
    pub(crate) fn restart(&mut self) {
        match &mut self.cursor {
            CrmCursor::Walk { next, .. } | CrmCursor::Window { next, .. } => *next = None,
            CrmCursor::New | CrmCursor::Idle { .. } => {}
        }
    }

    /// Takes over where a page has led to. Tells whether a walk over all ids is complete.
    pub(crate) fn passes(&mut self, page: CrmPageEnd, safety: SignedDuration, now: Timestamp) -> bool {
        let CrmPageEnd { more, next, newest, server_now } = page;
        let mut walked = false;
        self.cursor = match std::mem::replace(&mut self.cursor, CrmCursor::New) {
            CrmCursor::Walk { began, watermark, .. } => {
                let began = began.unwrap_or(server_now);
                if more {
                    CrmCursor::Walk { next, began: Some(began), watermark }
                } else {
                    walked = true;
                    self.rhythm.swept_at = Some(now);
                    self.rhythm.polled_at.get_or_insert(now);
                    self.repeating = false;
                    CrmCursor::Idle { watermark: watermark.unwrap_or(began - safety) }
                }
            }
            CrmCursor::Window { from, end, .. } => {
                let end = end.unwrap_or(server_now - safety);
                // Rows that change while we read move to the end of the window; we need not chase them.
                if more && newest.is_none_or(|newest| newest < end) {
                    CrmCursor::Window { from, end: Some(end), next }
                } else {
                    self.rhythm.polled_at = Some(now);
                    CrmCursor::Idle { watermark: end }
                }
            }
            idle @ (CrmCursor::New | CrmCursor::Idle { .. }) => idle,
        };
        walked
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
