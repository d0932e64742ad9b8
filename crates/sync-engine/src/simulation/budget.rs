//! A budget of which, in some lives, only the reserve is left now and then.

use std::sync::{Mutex, PoisonError};

use jiff::Timestamp;
use sync_core::budget::Class;

/// What a process was told of the budget; one that begins was told nothing.
#[derive(Default)]
pub(crate) struct Budget {
    /// Whether it runs out in this life.
    pub(crate) runs_out: bool,
    told: Mutex<Option<(Class, Timestamp)>>,
}

impl Budget {
    /// The budget of a life.
    pub(crate) fn of(seed: u64) -> Self {
        Self { runs_out: seed % 11 == 4, told: Mutex::default() }
    }

    /// Which class was told last that only the reserve is left, and until when.
    pub(crate) fn told(&self) -> Option<(Class, Timestamp)> {
        *self.told.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn tell(&self, class: Class, until: Timestamp) {
        *self.told.lock().unwrap_or_else(PoisonError::into_inner) = Some((class, until));
    }
}
