//! Documents of the ERP on the deals that they belong to: read, matched, shown.
//!
//! Each of the three does the next thing that is due on a store and a few ports; whose turn it is and what a failure means for
//! its side is for whoever calls. `stream` reads pages into staging, `find` attaches documents to deals, `show` writes what a
//! deal shows of them. The decisions are made in `sync_core::documents`.

mod find;
mod moved;
mod show;
mod stream;

pub(crate) use find::asks_answered_by;
pub(crate) use moved::deals_moved;

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use sync_core::{
    documents::{Currencies, DocumentPolicy},
    error::CallError,
    ids::RunId,
    poll::Pace,
    ports::{Clock, CrmDeals, CrmDocuments, ErpDocuments},
};
use sync_store::{Store, Tx};

use crate::{EngineError, lease::Lease, pause::Side};

/// What documents take, and what is remembered of them in between; all of that can be lost.
pub struct DocumentFlow {
    /// How it is decided.
    pub policy: DocumentPolicy,
    /// The ERP's documents.
    pub erp: Arc<dyn ErpDocuments>,
    /// Notes on the CRM's deals.
    pub crm: Arc<dyn CrmDocuments>,
    /// The CRM's deals.
    pub deals: Arc<dyn CrmDeals>,
    /// How often and how carefully.
    pub rhythm: DocumentRhythm,
    /// The CRM's currencies, and when they were read.
    pub(crate) currencies: Option<(Currencies, Timestamp)>,
    /// Whether writes that an earlier process left without an answer were taken over.
    pub(crate) recovered: bool,
}

/// How often and how carefully documents are read and shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DocumentRhythm {
    /// How often what changed is read.
    pub poll_every: SignedDuration,
    /// How often balances are read.
    pub balances_every: SignedDuration,
    /// How often everything is read by id, and documents without a deal are looked at again.
    pub sweep_every: SignedDuration,
    /// How old documents may be that the first load reads, by the day they were entered.
    pub since: SignedDuration,
    /// Overlap and safety of windows.
    pub pace: Pace,
    /// A request takes effect within this time of being sent, or never.
    pub t_effect: SignedDuration,
    /// After T_effect and this a note is surely found.
    pub settle: SignedDuration,
}

/// Where work is done, and in whose name.
pub struct Place {
    /// The store.
    pub store: Store,
    /// The right to work on the connection.
    pub lease: Lease,
    /// The time: calls take some, and wait for their turn.
    pub clock: Arc<dyn Clock>,
    /// The run.
    pub run: RunId,
}

impl Place {
    async fn read(&self) -> Result<Tx, EngineError> {
        Ok(self.store.read(self.lease.fence().connection).await?)
    }

    async fn write(&self) -> Result<Tx, EngineError> {
        Ok(self.store.write(self.lease.fence()).await?)
    }
}

/// What became of a step.
#[derive(Debug)]
pub enum Did {
    /// Nothing was due.
    Nothing,
    /// Something.
    Something,
    /// A side did not answer.
    Failed(Side, CallError),
}

impl DocumentFlow {
    /// A flow that has done nothing yet.
    #[must_use]
    pub fn new(
        policy: DocumentPolicy,
        (erp, crm, deals): (Arc<dyn ErpDocuments>, Arc<dyn CrmDocuments>, Arc<dyn CrmDeals>),
        rhythm: DocumentRhythm,
    ) -> Self {
        Self { policy, erp, crm, deals, rhythm, currencies: None, recovered: false }
    }
}
