//! Documents of the ERP on the deals that they belong to: read, matched, shown.
//!
//! Each of the three does the next thing that is due on a store and a few ports; whose turn it is and what a failure means for
//! its side is for whoever calls. `stream` reads pages into staging, with the `details` of invoices; `find` attaches documents to deals, `show` writes what a
//! deal shows of them, with what `noted` knows of notes, `lost` finds out about writes without an answer. The decisions are made in `sync_core::documents`.

mod details;
mod find;
mod known;
mod lost;
mod moved;
mod noted;
mod show;
mod stream;
mod turn;
mod written;

pub use stream::cursor_of;

pub(crate) use find::asks_answered_by;
pub(crate) use moved::deals_moved;

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use jiff::{SignedDuration, Timestamp};
use sync_core::{
    budget::Class,
    deals::CrmDeal,
    documents::{Currencies, DocumentKind, DocumentPolicy},
    error::CallError,
    ids::{DealId, RunId},
    poll::Pace,
    ports::{Clock, CrmDeals, CrmDocuments, ErpDocuments},
};
use sync_store::{Store, Tx};

use crate::{
    EngineError,
    lease::Lease,
    pause::{Pauses, Side},
    plants::Plants,
};

/// Name of the flow in summaries.
pub const DOCUMENTS: &str = "documents";

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
    /// Deals that were read together with one that was due, and when; none where there is no such deal.
    pub(crate) read_ahead: BTreeMap<DealId, (Option<CrmDeal>, Timestamp)>,
    /// What notes say.
    pub(crate) notes: noted::NoteWatch,
    /// Until when no custom fields are tried to be made: there is no room for them, or no right to.
    pub(crate) fields_refused: Option<Timestamp>,
    /// Until when no details of invoices are asked for: there are none for us.
    pub(crate) details_refused: Option<Timestamp>,
    /// Kinds that shall be polled now, whatever their rhythm.
    pub(crate) forced: BTreeSet<DocumentKind>,
    /// The same for balances.
    pub(crate) balances_forced: bool,
    /// A right or a resource that only documents need stops nothing else (law 10): these are pauses of theirs alone.
    pub(crate) erp_pauses: Pauses,
    pub(crate) crm_pauses: Pauses,
    /// What is planted in the engine.
    pub(crate) plants: Plants,
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
    /// A deal must have been read this recently before it is written.
    pub freshness: SignedDuration,
    /// Where so many deals wait, one list of the notes that changed costs less than to read theirs one by one.
    pub notes_listed_from: usize,
    /// For so long such a list is believed. What a person writes into a note of ours between the list and our next change of it is
    /// in no journal.
    pub notes_freshness: SignedDuration,
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
    Failed {
        /// Which.
        side: Side,
        /// For how urgent a call.
        class: Class,
        /// What it said.
        error: CallError,
    },
}

impl Did {
    fn failed(side: Side, error: CallError) -> Self {
        Self::Failed { side, class: Class::Document, error }
    }
}

impl DocumentFlow {
    /// A flow that has done nothing yet.
    #[must_use]
    pub fn new(
        policy: DocumentPolicy,
        (erp, crm, deals): (Arc<dyn ErpDocuments>, Arc<dyn CrmDocuments>, Arc<dyn CrmDeals>),
        rhythm: DocumentRhythm,
    ) -> Self {
        Self {
            policy,
            erp,
            crm,
            deals,
            rhythm,
            currencies: None,
            recovered: false,
            read_ahead: BTreeMap::new(),
            notes: noted::NoteWatch::default(),
            fields_refused: None,
            details_refused: None,
            forced: BTreeSet::new(),
            balances_forced: false,
            erp_pauses: Pauses::default(),
            crm_pauses: Pauses::default(),
            plants: Plants::default(),
        }
    }
}
