//! The seam through which the simulation watches and stops the store. Nothing is behind it in production.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use async_trait::async_trait;

use crate::StoreError;

/// Watches the store's work. Awaited at the places where a crash matters.
#[async_trait]
pub trait Gate: Send + Sync {
    /// Returns when the work may go on. Points: `write.before` a transaction under a lease begins; `commit.before` and
    /// `commit.after` of every write transaction.
    async fn pass(&self, point: &'static str);

    /// +1 when the database begins to work for us, -1 when it is done.
    fn busy(&self, delta: i32);
}

/// What is watched and counted at every statement.
#[derive(Default)]
pub(crate) struct Meter {
    pub(crate) gate: Option<Arc<dyn Gate>>,
    /// The file of the database, where it is one: for errors.
    file: Option<String>,
    statements: AtomicU64,
}

/// While it lives, the database works.
pub(crate) struct Busy<'a>(Option<&'a dyn Gate>);

impl Meter {
    pub(crate) fn new(gate: Option<Arc<dyn Gate>>, file: Option<String>) -> Self {
        Self { gate, file, statements: AtomicU64::new(0) }
    }

    /// What a failure means for this database.
    pub(crate) fn refused(&self, error: sqlx::Error) -> StoreError {
        StoreError::of(error, self.file.as_deref())
    }

    pub(crate) fn statements(&self) -> u64 {
        self.statements.load(Ordering::Relaxed)
    }

    /// For BEGIN and COMMIT.
    pub(crate) fn busy(&self) -> Busy<'_> {
        let gate = self.gate.as_deref();
        if let Some(gate) = gate {
            gate.busy(1);
        }
        Busy(gate)
    }

    /// For everything else.
    pub(crate) fn statement(&self) -> Busy<'_> {
        self.statements.fetch_add(1, Ordering::Relaxed);
        self.busy()
    }

    pub(crate) async fn pass(&self, point: &'static str) {
        if let Some(gate) = &self.gate {
            gate.pass(point).await;
        }
    }
}

impl Drop for Busy<'_> {
    fn drop(&mut self) {
        if let Some(gate) = self.0 {
            gate.busy(-1);
        }
    }
}
