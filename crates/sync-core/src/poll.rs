//! Reading two moving worlds without offsets: id walks, windows over the change stamp, one-millisecond ties.
//!
//! The ERP stores microseconds and prints milliseconds, gives no cursor, and lets rows move while they are read
//! (oracle-fusion.md 4.1, 4.3). So nothing here grows an offset: a walk continues after the last id, a window
//! restarts at the last stamp seen, and a millisecond that fills a whole page is walked by id.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

/// One page to ask the ERP for. Every answer starts at offset 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ErpRead {
    /// `id > after`, ordered by id.
    ById {
        /// The last id already read; 0 to begin with.
        after: i64,
    },
    /// `from <= LastUpdateDate < to`, ordered by stamp, then id.
    Window {
        /// First stamp, inclusive.
        from: Timestamp,
        /// Last stamp, exclusive. Open on the first page of a window: its answer tells the server's time,
        /// from which the window's end follows.
        to: Option<Timestamp>,
    },
    /// `from <= LastUpdateDate < to` and `id > after`, ordered by id: for a millisecond with more rows than a page.
    Tie {
        /// First stamp, inclusive: a whole millisecond.
        from: Timestamp,
        /// Last stamp, exclusive: the next one, or the window's end if that is earlier.
        to: Timestamp,
        /// The last id already read of this millisecond.
        after: i64,
    },
}

/// Where reading of one ERP stream stands. Stored; moves only in the transaction that stages the page.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "state")]
pub enum ErpCursor {
    /// Nothing was read yet.
    New,
    /// In the middle of an id walk (first load or sweep).
    Walk {
        /// The last id staged.
        after: i64,
        /// The server's clock at the first page: what changed since is read by the window that follows.
        began: Option<Timestamp>,
        /// The watermark to keep when this walk is a sweep between windows.
        watermark: Option<Timestamp>,
    },
    /// Everything stamped before the watermark was staged; waiting for the next window.
    Idle {
        /// End of the last window.
        watermark: Timestamp,
    },
    /// In the middle of a window.
    Window {
        /// Where the next page begins.
        at: Timestamp,
        /// The window's end, fixed by the server's clock in the answer to the first page.
        end: Option<Timestamp>,
        /// Within one millisecond: the last id staged.
        tie: Option<i64>,
    },
}

/// A repetition that somebody asked for: what it reads is looked at again, changed or not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Again {
    /// What the ERP changed since then.
    From(Timestamp),
    /// Everything, on both sides.
    All,
}

impl Again {
    /// Both wishes at once.
    #[must_use]
    pub fn and(self, other: Option<Self>) -> Self {
        match (self, other) {
            (Self::From(one), Some(Self::From(other))) => Self::From(one.min(other)),
            (Self::All, _) | (_, Some(Self::All)) => Self::All,
            (Self::From(_), None) => self,
        }
    }
}

/// Overlap and safety of windows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pace {
    /// How far before the watermark a window begins: rows committed late carry old stamps.
    pub overlap: SignedDuration,
    /// How far behind the server's clock a window ends.
    pub safety: SignedDuration,
}

/// What a page told us about the rows it holds, in the order asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct PageEnd {
    /// Id of the last row whose id could be read.
    pub last_id: Option<i64>,
    /// Stamp of the first row, whole milliseconds.
    pub first_stamp: Option<Timestamp>,
    /// Stamp of the last row, whole milliseconds.
    pub last_stamp: Option<Timestamp>,
    /// Whether the server says that more rows follow.
    pub more: bool,
}

/// The end of a stretch of reading.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Progress {
    /// More pages follow.
    Going(ErpCursor),
    /// A walk over all ids is complete.
    Walked(ErpCursor),
    /// A window is complete.
    Polled(ErpCursor),
    /// The page says that more follows but gives nothing to continue from. A person must look.
    Stuck,
}

impl ErpCursor {
    /// Begins a window, or the first walk.
    #[must_use]
    pub fn begin_poll(self, pace: Pace) -> Self {
        match self {
            Self::New => Self::Walk { after: 0, began: None, watermark: None },
            Self::Walk { .. } | Self::Window { .. } => self,
            Self::Idle { watermark } => {
                Self::Window { at: floor_ms(watermark - pace.overlap), end: None, tie: None }
            }
        }
    }

    /// Begins a sweep: a walk over all ids that keeps the watermark.
    #[must_use]
    pub fn begin_sweep(self) -> Self {
        match self {
            Self::New => Self::Walk { after: 0, began: None, watermark: None },
            Self::Idle { watermark } => Self::Walk { after: 0, began: None, watermark: Some(watermark) },
            Self::Walk { .. } | Self::Window { .. } => self,
        }
    }

    /// Begins a window that reaches back to `from`, and never less far than the next one would; or the first walk.
    #[must_use]
    pub fn begin_from(self, from: Timestamp, pace: Pace) -> Self {
        match self {
            Self::New => self.begin_poll(pace),
            Self::Walk { .. } | Self::Window { .. } => self,
            Self::Idle { watermark } => {
                let at = floor_ms(from.min(watermark - pace.overlap));
                Self::Window { at, end: None, tie: None }
            }
        }
    }

    /// The page to ask for next; `None` when nothing is being read.
    #[must_use]
    pub fn next_read(self) -> Option<ErpRead> {
        match self {
            Self::New | Self::Idle { .. } => None,
            Self::Walk { after, .. } => Some(ErpRead::ById { after }),
            Self::Window { at, end, tie: None } => Some(ErpRead::Window { from: at, to: end }),
            Self::Window { at, end, tie: Some(after) } => {
                let to = end.map_or(next_ms(at), |end| next_ms(at).min(end));
                Some(ErpRead::Tie { from: at, to, after })
            }
        }
    }

    /// Where reading stands once the page is staged.
    #[must_use]
    pub fn after_page(self, page: PageEnd, server_now: Timestamp, pace: Pace) -> Progress {
        match self {
            Self::New | Self::Idle { .. } => Progress::Stuck,
            Self::Walk { after, began, watermark } => {
                let began = began.unwrap_or(server_now);
                match (page.more, page.last_id) {
                    (true, Some(last)) if last > after => {
                        Progress::Going(Self::Walk { after: last, began: Some(began), watermark })
                    }
                    (true, _) => Progress::Stuck,
                    (false, _) => {
                        let first = floor_ms(began - pace.safety);
                        Progress::Walked(Self::Idle { watermark: watermark.unwrap_or(first) })
                    }
                }
            }
            Self::Window { at, end, tie } => {
                let end = end.unwrap_or(floor_ms(server_now - pace.safety));
                match tie {
                    None => Self::after_window_page(at, end, page),
                    Some(after) => Self::after_tie_page(at, end, after, page),
                }
            }
        }
    }

    fn after_window_page(at: Timestamp, end: Timestamp, page: PageEnd) -> Progress {
        if !page.more {
            return Progress::Polled(Self::Idle { watermark: end });
        }
        match (page.first_stamp.map(floor_ms), page.last_stamp.map(floor_ms)) {
            (_, Some(last)) if last >= end => Progress::Polled(Self::Idle { watermark: end }),
            // A whole page within one millisecond: walk it by id, from the beginning.
            (Some(first), Some(last)) if first == last => {
                Progress::Going(Self::Window { at: last, end: Some(end), tie: Some(0) })
            }
            (_, Some(last)) if last >= at => {
                Progress::Going(Self::Window { at: last, end: Some(end), tie: None })
            }
            _ => Progress::Stuck,
        }
    }

    fn after_tie_page(at: Timestamp, end: Timestamp, after: i64, page: PageEnd) -> Progress {
        match (page.more, page.last_id) {
            (true, Some(last)) if last > after => {
                Progress::Going(Self::Window { at, end: Some(end), tie: Some(last) })
            }
            (true, _) => Progress::Stuck,
            (false, _) if next_ms(at) >= end => Progress::Polled(Self::Idle { watermark: end }),
            (false, _) => Progress::Going(Self::Window { at: next_ms(at), end: Some(end), tie: None }),
        }
    }

    /// Whether a poll or walk is under way.
    #[must_use]
    pub fn is_reading(self) -> bool {
        self.next_read().is_some()
    }

    /// Whether the first walk was completed.
    #[must_use]
    pub fn is_loaded(self) -> bool {
        match self {
            Self::New => false,
            Self::Walk { watermark, .. } => watermark.is_some(),
            Self::Idle { .. } | Self::Window { .. } => true,
        }
    }
}

/// Rounds down to the millisecond, the finest stamp the ERP prints.
#[must_use]
pub fn floor_ms(at: Timestamp) -> Timestamp {
    Timestamp::from_millisecond(at.as_microsecond().div_euclid(1_000)).unwrap_or(at)
}

fn next_ms(at: Timestamp) -> Timestamp {
    floor_ms(at) + SignedDuration::from_millis(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    const PACE: Pace = Pace { overlap: SignedDuration::from_mins(10), safety: SignedDuration::from_secs(1) };

    #[test]
    fn the_first_watermark_is_before_the_walk_began_not_the_newest_stamp_seen() {
        let first = ErpCursor::New.begin_poll(PACE);
        let page = PageEnd { last_id: Some(500), more: true, ..PageEnd::default() };
        let Progress::Going(second) = first.after_page(page, at("2026-01-01T12:00:00Z"), PACE) else {
            panic!()
        };
        assert_eq!(second.next_read(), Some(ErpRead::ById { after: 500 }));
        let page = PageEnd { last_id: Some(700), more: false, ..PageEnd::default() };
        let end = second.after_page(page, at("2026-01-01T12:30:00Z"), PACE);
        assert_eq!(end, Progress::Walked(ErpCursor::Idle { watermark: at("2026-01-01T11:59:59Z") }));
    }

    #[test]
    fn a_window_begins_overlap_before_the_watermark_and_ends_by_the_servers_clock() {
        let cursor = ErpCursor::Idle { watermark: at("2026-01-01T12:00:00Z") }.begin_poll(PACE);
        assert_eq!(cursor.next_read(), Some(ErpRead::Window { from: at("2026-01-01T11:50:00Z"), to: None }));
        let newest = PageEnd { last_stamp: Some(at("2026-01-01T11:55:00Z")), ..PageEnd::default() };
        assert_eq!(
            cursor.after_page(newest, at("2026-01-01T12:05:00Z"), PACE),
            Progress::Polled(ErpCursor::Idle { watermark: at("2026-01-01T12:04:59Z") })
        );
    }

    #[test]
    fn a_window_that_is_asked_for_reaches_back_and_never_skips() {
        let idle = ErpCursor::Idle { watermark: at("2026-01-01T12:00:00Z") };
        let from = |from: &str| idle.begin_from(at(from), PACE).next_read();
        let begins = |from: &str| Some(ErpRead::Window { from: at(from), to: None });
        assert_eq!(from("2025-12-01T00:00:00Z"), begins("2025-12-01T00:00:00Z"));
        assert_eq!(from("2026-01-01T11:59:00Z"), begins("2026-01-01T11:50:00Z"), "never later than a poll");
        let walk = ErpCursor::Walk { after: 7, began: None, watermark: None };
        assert_eq!(walk.begin_from(at("2025-12-01T00:00:00Z"), PACE), walk, "what is under way goes on");
    }

    #[test]
    fn of_two_wishes_the_one_that_reaches_further_counts() {
        let (early, late) = (at("2026-01-01T00:00:00Z"), at("2026-02-01T00:00:00Z"));
        assert_eq!(Again::From(late).and(Some(Again::From(early))), Again::From(early));
        assert_eq!(Again::From(late).and(Some(Again::All)), Again::All);
        assert_eq!(Again::From(late).and(None), Again::From(late));
    }

    #[test]
    fn a_page_restarts_at_the_last_stamp_instead_of_growing_an_offset() {
        let cursor = ErpCursor::Window { at: at("2026-01-01T10:00:00Z"), end: None, tie: None };
        let page = PageEnd {
            last_id: Some(9),
            first_stamp: Some(at("2026-01-01T10:00:00Z")),
            last_stamp: Some(at("2026-01-01T10:07:00.123Z")),
            more: true,
        };
        let Progress::Going(next) = cursor.after_page(page, at("2026-01-01T12:00:00Z"), PACE) else {
            panic!()
        };
        let to = Some(at("2026-01-01T11:59:59Z"));
        assert_eq!(next.next_read(), Some(ErpRead::Window { from: at("2026-01-01T10:07:00.123Z"), to }));
    }

    #[test]
    fn a_page_within_one_millisecond_is_walked_by_id_and_then_left_behind() {
        let stamp = at("2026-01-01T10:00:00.005Z");
        let cursor = ErpCursor::Window { at: stamp, end: None, tie: None };
        let full =
            PageEnd { last_id: Some(7), first_stamp: Some(stamp), last_stamp: Some(stamp), more: true };
        let Progress::Going(tie) = cursor.after_page(full, at("2026-01-01T12:00:00Z"), PACE) else {
            panic!()
        };
        let to = at("2026-01-01T10:00:00.006Z");
        assert_eq!(tie.next_read(), Some(ErpRead::Tie { from: stamp, to, after: 0 }));
        let Progress::Going(tie) = tie.after_page(full, at("2026-01-01T12:00:00Z"), PACE) else { panic!() };
        assert_eq!(tie.next_read(), Some(ErpRead::Tie { from: stamp, to, after: 7 }));
        let last = PageEnd { more: false, ..full };
        let Progress::Going(rest) = tie.after_page(last, at("2026-01-01T12:00:00Z"), PACE) else { panic!() };
        let end = Some(at("2026-01-01T11:59:59Z"));
        assert_eq!(rest.next_read(), Some(ErpRead::Window { from: to, to: end }));
    }

    #[test]
    fn a_page_that_leads_nowhere_is_reported_not_repeated_for_ever() {
        let walk = ErpCursor::Walk { after: 5, began: None, watermark: None };
        let page = PageEnd { last_id: Some(5), more: true, ..PageEnd::default() };
        assert_eq!(walk.after_page(page, at("2026-01-01T12:00:00Z"), PACE), Progress::Stuck);
    }

    #[test]
    fn a_sweep_keeps_the_watermark() {
        let watermark = at("2026-01-01T12:00:00Z");
        let sweep = ErpCursor::Idle { watermark }.begin_sweep();
        let end = sweep.after_page(PageEnd::default(), at("2026-01-02T00:00:00Z"), PACE);
        assert_eq!(end, Progress::Walked(ErpCursor::Idle { watermark }));
    }
}
