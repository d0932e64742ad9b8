//! What whoever alone writes where reading stands has seen of it: in one step it asks a dozen times what is due, and nobody else
//! changes that meanwhile.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use crate::Store;

/// Where reading of each stream stands, as JSON, by stream.
pub(crate) type Cursors = Arc<BTreeMap<String, String>>;

/// What was seen; nothing is kept unless a [`Glancing`] lives.
#[derive(Clone, Default)]
pub(crate) struct Glance(Arc<Mutex<Seen>>);

#[derive(Default)]
enum Seen {
    #[default]
    Closed,
    Nothing,
    All(Cursors),
}

/// While it lives, where reading stands is read from the database once, and again after each commit of its store.
pub struct Glancing(Glance);

impl Drop for Glancing {
    fn drop(&mut self) {
        *self.0.seen() = Seen::Closed;
    }
}

impl Glance {
    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn cursors(&self) -> Option<Cursors> {
        match &*self.seen() {
            Seen::Closed | Seen::Nothing => None,
            Seen::All(cursors) => Some(Arc::clone(cursors)),
        }
    }

    pub(crate) fn keep(&self, cursors: &Cursors) {
        let mut seen = self.seen();
        match &*seen {
            Seen::Closed => {}
            Seen::Nothing | Seen::All(_) => *seen = Seen::All(Arc::clone(cursors)),
        }
    }

    pub(crate) fn forget(&self) {
        let mut seen = self.seen();
        match &*seen {
            Seen::Closed => {}
            Seen::Nothing | Seen::All(_) => *seen = Seen::Nothing,
        }
    }
}

impl Store {
    /// The same store, for one who holds the lease of a connection and asks about no other one: see [`Store::glance`].
    #[must_use]
    pub fn for_its_holder(&self) -> Self {
        Self { glance: Some(Glance::default()), ..self.clone() }
    }

    /// The same store, for anybody: every transaction reads what the database has.
    #[must_use]
    pub fn for_others(&self) -> Self {
        Self { glance: None, ..self.clone() }
    }

    /// Until what is given back goes, transactions that only read tell where reading stands as it was when this store or a clone of
    /// it first read that, or has last written: nobody but the holder of the lease changes it. Without effect on a store that is
    /// for others.
    #[must_use]
    pub fn glance(&self) -> Option<Glancing> {
        let glance = self.glance.clone()?;
        *glance.seen() = Seen::Nothing;
        Some(Glancing(glance))
    }
}
