//! What invoices say beside their headers: installments (what was paid, credited, and when each part is due) and descriptive
//! flexfields. Asked for by id, a hundred at a time, of invoices that are new or whose header changed; of all others what was
//! read before is kept.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use sync_core::{
    documents::{Document, DocumentKind},
    error::{CallError, ErrorKind},
    ids::TransactionId,
    model::Seen,
};
use sync_store::StagedKind;

use super::{DocumentFlow, Place};
use crate::{EngineError, staging};

/// When they are asked for again after a refusal.
const NEXT_DAY: SignedDuration = SignedDuration::from_hours(24);

impl DocumentFlow {
    /// The invoices among these with their details. A refusal leaves them without for a day: headers are enough to go on with
    /// (law 10).
    pub(super) async fn with_details(
        &mut self,
        place: &Place,
        rows: &mut [Seen<Document>],
        now: Timestamp,
    ) -> Result<Result<(), CallError>, EngineError> {
        let mut invoices: Vec<&mut Document> = rows
            .iter_mut()
            .filter_map(|row| match row {
                Seen::Record(document) if document.key.kind == DocumentKind::Invoice => Some(document),
                Seen::Record(_) | Seen::Malformed(_) => None,
            })
            .collect();
        if invoices.is_empty() {
            return Ok(Ok(()));
        }
        let ids: Vec<i64> = invoices.iter().map(|invoice| invoice.key.id).collect();
        let mut tx = place.read().await?;
        let staged = tx.staged(StagedKind::Invoice, &ids).await?;
        drop(tx);
        let mut known: BTreeMap<i64, Document> = BTreeMap::new();
        for (id, record) in staged {
            if record.row.malformed.is_none() {
                known.insert(id, staging::read("document", &record.row)?);
            }
        }
        let segments = self.policy.asks_segments(DocumentKind::Invoice);
        let is_new = |invoice: &Document| {
            let known = known.get(&invoice.key.id);
            invoice.is_complete() && known.is_none_or(|known| !invoice.has_details_of(known, segments))
        };
        let ids: Vec<TransactionId> = invoices
            .iter()
            .filter(|invoice| is_new(invoice))
            .map(|invoice| TransactionId(invoice.key.id))
            .collect();
        let refused = self.details_refused.is_some_and(|until| now < until);
        let mut read = BTreeMap::new();
        if !ids.is_empty() && !refused {
            match self.erp.invoice_details(&ids, segments).await {
                Ok(details) => read = details,
                Err(error) => match error.kind {
                    ErrorKind::Rejected
                    | ErrorKind::Missing
                    | ErrorKind::Unreadable
                    | ErrorKind::Forbidden
                    | ErrorKind::UnknownField => {
                        let until = now + NEXT_DAY;
                        tracing::warn!(%until, %error, "installments of invoices cannot be read; headers are gone by");
                        self.details_refused = Some(until);
                    }
                    ErrorKind::Unauthorized | ErrorKind::Exhausted { .. } | ErrorKind::Transient { .. } => {
                        return Ok(Err(error));
                    }
                },
            }
        }
        for invoice in &mut invoices {
            let plain = (**invoice).clone();
            match (read.get(&TransactionId(invoice.key.id)), known.get(&invoice.key.id)) {
                (Some(details), _) => **invoice = plain.with_details(details),
                (None, Some(known)) => **invoice = plain.keeping_details_of(known),
                (None, None) => {}
            }
        }
        Ok(Ok(()))
    }
}
