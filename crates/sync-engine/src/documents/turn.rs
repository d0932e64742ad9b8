//! When documents have their turn among everything else that a connection does (law 5): what is more urgent goes first, keys of
//! customers and documents alike, and bulk work comes last.

use jiff::Timestamp;
use sync_core::{
    budget::Class,
    error::{CallError, ErrorKind},
    ids::PartyId,
    pair::Pair,
    ports::CrmDeals,
};
use sync_store::Tx;

use super::{Did, DocumentFlow, Place};
use crate::{
    Engine, EngineError, Pause,
    engine::Unfinished,
    pause::Side,
    plants::Plant,
    streams::{CrmStream, Stream},
};

/// What follows a change comes before what only loads or checks.
const LEVELS: [Class; 2] = [Class::Document, Class::Backfill];

impl Engine {
    /// Documents are read, matched and shown from now on.
    pub fn take_up_documents(&mut self, flow: DocumentFlow) {
        self.documents = Some(flow);
        self.shows_documents = true;
    }

    /// Somebody who reads deals, if anything here asks about deals.
    pub(crate) fn deals_port(&self) -> Option<std::sync::Arc<dyn CrmDeals>> {
        let handing = self.handing.as_ref().map(|handing| handing.crm.clone() as _);
        handing.or_else(|| self.documents.as_ref().map(|flow| flow.deals.clone()))
    }

    /// Does the next thing that is due about documents and waits for nothing more urgent. Tells whether there was one.
    pub(crate) async fn tend_documents(&mut self, now: Timestamp) -> Result<bool, EngineError> {
        let Some(mut flow) = self.documents.take() else { return Ok(false) };
        flow.plants = self.plants;
        // Boxed: it holds whole deals and documents.
        let did = Box::pin(self.tend(&mut flow, now)).await;
        let worked = did.map(|did| match did {
            Did::Nothing => false,
            Did::Something => true,
            Did::Failed { side, class, error } => {
                self.documents_failed(&mut flow, (side, class), &error, now);
                true
            }
        });
        self.documents = Some(flow);
        worked
    }

    async fn tend(&mut self, flow: &mut DocumentFlow, now: Timestamp) -> Result<Did, EngineError> {
        let mut tx = self.store.read(self.connection()).await?;
        // Without customers and deals documents would find nothing.
        if !self.is_loaded(&mut tx).await? {
            return Ok(Did::Nothing);
        }
        let open = self.least_urgent_open(now);
        let key = match open {
            Some(open) => tx.claim(now, open, 1).await?.first().map(|job| job.class),
            None => None,
        };
        let found_deals = deals_are_read(&mut tx).await?;
        drop(tx);
        let least = match key {
            None => Class::Backfill,
            Some(key) => match Class::ALL.into_iter().rev().find(|class| *class < key) {
                Some(before) => before,
                None => return Ok(Did::Nothing),
            },
        };
        let place = Place {
            store: self.store.clone(),
            lease: self.lease.clone(),
            clock: self.clock.clone(),
            run: self.run,
        };
        let erp = self.erp_is_open(now) && flow.erp_pauses.active(now).is_none();
        let crm = open.filter(|_| found_deals && flow.crm_pauses.active(now).is_none());
        for level in LEVELS.map(|level| level.min(least)) {
            let mut did = Did::Nothing;
            if erp {
                // The ERP takes its time.
                did = self.meanwhile(flow.read_documents(&place, level, now)).await??;
            }
            if let (Did::Nothing, Some(open)) = (&did, crm) {
                did = flow.find_deals(&place, level.min(open), now).await?;
            }
            if let (Did::Nothing, Some(open)) = (&did, crm) {
                did = flow.show_documents(&place, level.min(open), now).await?;
            }
            match did {
                Did::Nothing => {}
                Did::Something | Did::Failed { .. } => return Ok(did),
            }
        }
        Ok(Did::Nothing)
    }

    /// A failure that is about what only documents need pauses documents alone.
    fn documents_failed(
        &mut self,
        flow: &mut DocumentFlow,
        (side, class): (Side, Class),
        error: &CallError,
        now: Timestamp,
    ) {
        match (&error.kind, side) {
            (
                ErrorKind::Rejected | ErrorKind::Missing | ErrorKind::Unreadable | ErrorKind::Forbidden,
                side,
            ) => {
                let pauses = match side {
                    Side::Erp => &mut flow.erp_pauses,
                    Side::Crm => &mut flow.crm_pauses,
                };
                let until = pauses.failed(side, error, now).until;
                tracing::warn!(?side, %until, %error, "documents are left alone for a while");
            }
            (
                ErrorKind::UnknownField
                | ErrorKind::Unauthorized
                | ErrorKind::Exhausted { .. }
                | ErrorKind::Transient { .. },
                Side::Erp,
            ) => self.side_failed(side, error),
            (
                ErrorKind::UnknownField
                | ErrorKind::Unauthorized
                | ErrorKind::Exhausted { .. }
                | ErrorKind::Transient { .. },
                Side::Crm,
            ) => self.crm_failed(class, error),
        }
    }

    /// When there will be something to do about documents: at the ERP, and at the CRM.
    pub(crate) async fn documents_due(
        &self,
        tx: &mut Tx,
        now: Timestamp,
    ) -> Result<(Timestamp, Timestamp), EngineError> {
        let nothing = (Timestamp::MAX, Timestamp::MAX);
        let Some(flow) = self.documents.as_ref() else { return Ok(nothing) };
        if !self.is_loaded(tx).await? {
            return Ok(nothing);
        }
        let mut erp = flow.next_page(tx, now).await?;
        if let Some(pause) = flow.erp_pauses.active(now) {
            erp = erp.max(pause.until);
        }
        let mut crm = Timestamp::MAX;
        if deals_are_read(tx).await? {
            // What is parked comes with the end of the pause.
            let least = self.least_urgent_open(now).unwrap_or(Class::Backfill);
            let due = [tx.next_document(least).await?, tx.next_deal_page(least).await?];
            crm = due.into_iter().flatten().min().unwrap_or(Timestamp::MAX);
            if let Some(pause) = flow.crm_pauses.active(now) {
                crm = crm.max(pause.until);
            }
        }
        Ok((erp, crm))
    }

    /// What keeps documents from being quiescent, beside what keeps everything else.
    pub(crate) async fn unfinished_documents(
        &self,
        tx: &mut Tx,
        most_attempts: u32,
    ) -> Result<Unfinished, EngineError> {
        let nothing = Unfinished { reading: false, keys: 0, given_up: 0, writes_in_doubt: 0 };
        let Some(flow) = self.documents.as_ref() else { return Ok(nothing) };
        let now = self.clock.now();
        let (documents, unread) = tx.documents_by_attempts(now, most_attempts).await?;
        let (pages, unshown) = tx.deal_pages_by_attempts(now, most_attempts).await?;
        Ok(Unfinished {
            reading: !flow.has_read(tx).await? || !deals_are_read(tx).await?,
            keys: documents + pages,
            given_up: unread + unshown,
            writes_in_doubt: tx.page_intents().await?.len(),
        })
    }

    /// Documents of customers whose organization was another one, or none, before these are stored are looked at again: those
    /// that found no deal by their customer, and those on a deal that may be another company's.
    pub(crate) async fn note_paired(
        &self,
        tx: &mut Tx,
        pairs: &[Pair],
        now: Timestamp,
    ) -> Result<(), EngineError> {
        if !self.shows_documents || pairs.is_empty() {
            return Ok(());
        }
        let parties: Vec<PartyId> = pairs.iter().map(|pair| pair.party).collect();
        let known = tx.pairs_by_party(&parties).await?;
        let is_new = |pair: &&Pair| known.get(&pair.party).is_none_or(|known| known.org != pair.org);
        let new: Vec<PartyId> = pairs.iter().filter(is_new).map(|pair| pair.party).collect();
        let documents = if self.plants.has(Plant::PairedUntold) {
            tx.documents_without_deal(&new).await?
        } else {
            tx.documents_of_parties(&new).await?
        };
        Ok(tx.enqueue_documents(&documents, Class::Document, now, "its customer has an organization").await?)
    }

    /// Everything about documents is read again now, whatever its rhythm.
    pub(crate) fn poll_documents_now(&mut self) {
        if let Some(flow) = &mut self.documents {
            flow.forced = flow.policy.kinds.clone();
            flow.balances_forced = flow.forced.contains(&sync_core::documents::DocumentKind::Invoice);
            flow.erp_pauses.asked_for();
            flow.crm_pauses.asked_for();
        }
    }

    /// Why documents alone are left alone.
    pub(crate) fn pauses_of_documents(&self, now: Timestamp) -> Vec<Pause> {
        let sides = |flow: &DocumentFlow| {
            [&flow.erp_pauses, &flow.crm_pauses]
                .into_iter()
                .filter_map(|side| side.active(now).cloned())
                .collect()
        };
        self.documents.as_ref().map(sides).unwrap_or_default()
    }
}

/// Whether won and open deals were read completely once.
async fn deals_are_read(tx: &mut Tx) -> Result<bool, EngineError> {
    let deals: CrmStream = tx.cursor(Stream::Deals.name()).await?.unwrap_or_default();
    Ok(deals.cursor.is_loaded() && deals.with_open)
}
