//! What became of writes whose answers were lost: looked for once they can no longer take effect, remembered as if they had been
//! answered, and entered into the journal, so that what a person wrote before them is found there (law 4).

use std::collections::BTreeSet;

use jiff::Timestamp;
use sync_core::{
    budget::Class,
    deals::CrmNote,
    documents::{DealPage, DocumentKey, DocumentKind, digest, says, tells_of},
    error::ErrorKind,
    ids::{IntentId, NoteId},
    ports::Called,
};
use sync_store::{DealPageJob, IntentEnd, PageIntent};

use super::{
    DocumentFlow, Place,
    written::{Entry, adopt_fields},
};
use crate::{EngineError, doubt::FOUND_AFTERWARDS, plants::Plant, staging};

/// A change of a note that was on its way.
enum Lost {
    Update { kind: DocumentKind, id: NoteId, content: String },
    Delete { kind: DocumentKind, id: NoteId },
}

impl Lost {
    fn of(body: &serde_json::Value) -> Option<Self> {
        let read = |write: &serde_json::Value| {
            let kind = DocumentKind::parse(write.get("kind")?.as_str()?)?;
            Some((kind, serde_json::from_value::<NoteId>(write.get("id")?.clone()).ok()?))
        };
        if let Some(write) = body.get("update_note") {
            let (kind, id) = read(write)?;
            let content = write.get("content")?.as_str()?.to_owned();
            return Some(Self::Update { kind, id, content });
        }
        read(body.get("delete_note")?).map(|(kind, id)| Self::Delete { kind, id })
    }

    fn id(&self) -> NoteId {
        match self {
            Self::Update { id, .. } | Self::Delete { id, .. } => *id,
        }
    }

    /// Remembers it if it happened, and tells whether it did.
    fn happened(&self, page: &mut DealPage, seen: Option<&CrmNote>) -> bool {
        let there = seen.filter(|note| !note.deleted);
        match (self, there) {
            // One that was deleted since still tells what it said.
            (Self::Update { kind, id, content }, _) => {
                let happened = seen.is_some_and(|note| says(&note.content, content));
                if happened && there.is_some() {
                    page.shown.found_note(*kind, *id, &digest(content));
                }
                happened
            }
            // Whoever it was that deleted it: it was to be deleted.
            (Self::Delete { kind, .. }, None) => {
                page.shown.removed_note(*kind);
                true
            }
            (Self::Delete { .. }, Some(_)) => false,
        }
    }
}

impl DocumentFlow {
    /// Finds out what became of a write of fields or of a note that is there, and ends its intent.
    pub(super) async fn look_for(
        &self,
        place: &Place,
        (job, page): (&DealPageJob, &mut DealPage),
        intent: &PageIntent,
        now: Timestamp,
    ) -> Result<Called<()>, EngineError> {
        let body: serde_json::Value = serde_json::from_str(&intent.new.body).unwrap_or_default();
        let (happened, became) = match Lost::of(&body) {
            Some(lost) => {
                let seen = match self.crm.note(lost.id(), job.class).await {
                    Ok(seen) => seen,
                    Err(error) => return Ok(Err(error)),
                };
                let became = serde_json::json!(seen.as_ref().map(|note| &note.content));
                (lost.happened(page, seen.as_ref()), became)
            }
            // Setting to a value is done again if need be.
            None if self.plants.has(Plant::LostFieldsNotCounted) => (false, serde_json::Value::Null),
            None => (adopt_fields(page, &body), serde_json::json!(page.read.fields)),
        };
        self.found(place, (job, page), intent, happened.then_some(became), now).await.map(Ok)
    }

    /// Remembers what is known of a deal once a write of it was looked for, and ends its intent: done, with a line of the journal
    /// that tells what it became, or void.
    pub(super) async fn found(
        &self,
        place: &Place,
        (job, page): (&DealPageJob, &DealPage),
        intent: &PageIntent,
        became: Option<serde_json::Value>,
        now: Timestamp,
    ) -> Result<(), EngineError> {
        let end = if became.is_some() { IntentEnd::Done } else { IntentEnd::Void };
        let mut tx = place.write().await?;
        if let Some(became) = became {
            let mut sent: serde_json::Value = serde_json::from_str(&intent.new.body).unwrap_or_default();
            let before = sent.get_mut("before").map(serde_json::Value::take).unwrap_or_default();
            let entry = Entry {
                intent: intent.id,
                op: intent.new.kind.clone(),
                reason: format!("{}{FOUND_AFTERWARDS}", intent.new.reason),
                tokens: 0,
                told: (sent, before, became),
            };
            tx.append_journal(&[entry.of(place.run, job, page, now)]).await?;
        }
        tx.put_page_shown(job.deal, Some(&staging::json(&page.shown)), now).await?;
        let ids: [IntentId; 1] = [intent.id];
        tx.close_page_intents(&ids, end, now).await?;
        Ok(tx.commit().await?)
    }

    /// Looks whether activities on the deal told of these invoices already, and remembers it of those that did. Tells whether
    /// there was any.
    pub(super) async fn owner_was_told(
        &self,
        page: &mut DealPage,
        invoices: &BTreeSet<DocumentKey>,
        class: Class,
    ) -> Called<bool> {
        let activities = match self.crm.activities_on(page.notes_are_on(), class).await {
            // A deal that is gone has none.
            Err(error) if error.kind == ErrorKind::Missing => Vec::new(),
            activities => activities?,
        };
        let mut any = false;
        for (id, note) in activities {
            let told: BTreeSet<DocumentKey> =
                invoices.iter().copied().filter(|invoice| tells_of(&note, *invoice)).collect();
            if !told.is_empty() {
                page.shown.told_owner(id, &told);
                any = true;
            }
        }
        Ok(any)
    }

    /// Takes over the writes that an earlier process left without an answer: when they were sent is not known, so T_effect
    /// and settle are counted from now.
    pub(super) async fn recover(&mut self, place: &Place, now: Timestamp) -> Result<(), EngineError> {
        if self.recovered {
            return Ok(());
        }
        let mut tx = place.write().await?;
        for intent in tx.page_intents().await? {
            let at = intent.settled_at.unwrap_or(now + self.rhythm.t_effect + self.rhythm.settle);
            if intent.settled_at.is_none() {
                tx.doubt_page_intents(&[intent.id], at).await?;
            }
            tx.enqueue_deal_pages(&[intent.new.deal], intent.new.class, at, "after doubt").await?;
        }
        tx.commit().await?;
        self.recovered = true;
        Ok(())
    }
}
