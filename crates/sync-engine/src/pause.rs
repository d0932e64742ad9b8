//! A side that is overloaded, exhausted or has locked us out is left alone for a while; the other one goes on.

use jiff::{SignedDuration, Timestamp};
use sync_core::error::{CallError, ErrorKind};

use crate::backoff;

/// A remote system, by its role.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Side {
    /// The ERP.
    Erp,
    /// The CRM.
    Crm,
}

/// Why and until when a side is left alone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pause {
    /// Which side.
    pub side: Side,
    /// Not before this.
    pub until: Timestamp,
    /// What it said.
    pub error: CallError,
}

/// Pauses of one side, growing while it keeps failing.
#[derive(Debug, Default)]
pub(crate) struct Pauses {
    failures: u32,
    current: Option<Pause>,
}

/// A person has to act; looking again more often than this helps nobody.
const LOCKED_OUT: SignedDuration = SignedDuration::from_mins(5);

impl Pauses {
    pub(crate) fn active(&self, now: Timestamp) -> Option<&Pause> {
        self.current.as_ref().filter(|pause| pause.until > now)
    }

    /// The side answered: the next failure starts small again.
    pub(crate) fn answered(&mut self) {
        self.failures = 0;
        self.current = None;
    }

    /// A person asks for something, who may just have given access: try again at once.
    pub(crate) fn asked_for(&mut self) {
        let locked = |pause: &Pause| pause.error.kind == ErrorKind::Unauthorized;
        if self.current.as_ref().is_some_and(locked) {
            self.current = None;
        }
    }

    /// Pauses the side; tells the pause.
    pub(crate) fn failed(&mut self, side: Side, error: &CallError, now: Timestamp) -> Pause {
        let until = match &error.kind {
            ErrorKind::Transient { after } => {
                self.failures += 1;
                let wish = after.unwrap_or(SignedDuration::ZERO);
                now + wish.max(backoff::after(self.failures, 0))
            }
            ErrorKind::Unreadable | ErrorKind::Rejected | ErrorKind::UnknownField | ErrorKind::Missing => {
                self.failures += 1;
                now + backoff::after(self.failures, 0)
            }
            ErrorKind::Exhausted { until } => *until,
            ErrorKind::Unauthorized | ErrorKind::Forbidden => now + LOCKED_OUT,
        };
        let pause = Pause { side, until, error: error.clone() };
        self.current = Some(pause.clone());
        pause
    }
}
