//! What a deal shows of its documents: one write at a time, each with its intent before it and its receipt after it. A write
//! whose answer is lost is looked for once it can no longer take effect.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp, civil::Date, tz::TimeZone};
use sync_core::{
    budget::Class,
    deals::{CrmDeal, CrmNote},
    documents::{
        Currencies, DealHere, DealPage, DealState, Document, DocumentKind, NotShown, PageAnswers,
        PageDecision, PageRead, PageWrite, SeenNote, Shown, ToRead, decide_page,
    },
    error::{CallError, Effect, ErrorKind},
    fields::Values,
    ids::{DealId, NoteId, PartyId},
    model::Seen,
    ports::Called,
};
use sync_store::{
    DealPageJob, IntentEnd, JournalEntry, NewPageIntent, PageIntent, PageQuestion, SettledDealPage,
};

use super::{Did, DocumentFlow, Place};
use crate::{EngineError, backoff, pause::Side, staging};

/// Deals read together: a list of so many costs as much as ten single ones.
const BATCH: u32 = 100;

/// Decisions about one deal in a row: what is read and written in between is less.
const MOST_DECISIONS: usize = 20;

/// How old the CRM's currencies may be.
const CURRENCIES_LAST: SignedDuration = SignedDuration::from_hours(24);

/// How a page went on.
enum Page {
    Settled,
    Failed(CallError),
}

impl DocumentFlow {
    /// Brings the next deals that are due up to date.
    ///
    /// # Errors
    /// When the store fails or the connection was taken by another process.
    pub async fn show_documents(&mut self, place: &Place, now: Timestamp) -> Result<Did, EngineError> {
        self.recover(place, now).await?;
        let mut tx = place.read().await?;
        let jobs = tx.claim_deal_pages(now, Class::Backfill, BATCH).await?;
        drop(tx);
        let Some(class) = jobs.iter().map(|job| job.class).min() else { return Ok(Did::Nothing) };
        let currencies = match self.currencies(class, now).await {
            Ok(currencies) => currencies,
            Err(error) => return Ok(Did::Failed(Side::Crm, error)),
        };
        let ids: Vec<DealId> = jobs.iter().map(|job| job.deal).collect();
        let deals = match self.deals.deals_by_id(&ids, class).await {
            Ok(deals) => deals,
            Err(error) => return Ok(Did::Failed(Side::Crm, error)),
        };
        for job in &jobs {
            let state = state_of(job.deal, &deals);
            match self.show_one(place, job, (state, &currencies), now).await? {
                Page::Settled => {}
                Page::Failed(error) => {
                    self.try_again(place, job, &error, now).await?;
                    let of_this_deal = matches!(
                        error.kind,
                        ErrorKind::Rejected | ErrorKind::Missing | ErrorKind::Unreadable
                    );
                    if !of_this_deal {
                        return Ok(Did::Failed(Side::Crm, error));
                    }
                }
            }
        }
        Ok(Did::Something)
    }

    /// Decides about a deal until it shows what it should, waits or asks.
    async fn show_one(
        &mut self,
        place: &Place,
        job: &DealPageJob,
        (state, currencies): (DealState, &Currencies),
        now: Timestamp,
    ) -> Result<Page, EngineError> {
        let mut tx = place.read().await?;
        let stored = tx.deal_pages(&[job.deal]).await?.remove(&job.deal).unwrap_or_default();
        let intent = tx.page_intent_of(job.deal).await?;
        let mut documents = Vec::new();
        for row in tx.documents_of(&[job.deal]).await? {
            if let Some(record) = tx.staged(row.id.kind, &[row.id.id]).await?.remove(&row.id.id)
                && record.row.malformed.is_none()
            {
                documents.push(staging::read::<Document>("document", &record.row)?);
            }
        }
        drop(tx);
        let shown: Shown = match &stored.shown {
            Some(body) => serde_json::from_str(body).map_err(|error| EngineError::Stored {
                what: "what a deal shows",
                id: job.deal.0,
                reason: error.to_string(),
            })?,
            None => Shown::default(),
        };
        let mut doubt = None;
        if let Some(intent) = intent {
            match intent.settled_at {
                Some(at) if at <= now => doubt = Some(intent),
                // Nobody may tell yet whether it happened.
                Some(at) => return self.settle_page(place, job, Some(at)).await,
                None => {
                    let at = now + self.rhythm.t_effect + self.rhythm.settle;
                    let mut tx = place.write().await?;
                    tx.doubt_page_intents(&[intent.id], at).await?;
                    tx.commit().await?;
                    return self.settle_page(place, job, Some(at)).await;
                }
            }
        }
        let today = now.to_zoned(TimeZone::UTC).date();
        let in_doubt: BTreeSet<DocumentKind> = doubt.iter().filter_map(created_by).collect();
        let mut page = DealPage {
            deal: job.deal,
            state,
            documents,
            currencies: currencies.clone(),
            shown,
            in_doubt,
            read: PageRead::default(),
            answers: PageAnswers::default(),
        };
        if let Some(intent) = &doubt
            && page.in_doubt.is_empty()
        {
            // Setting to a value is done again if need be.
            self.close(place, intent, IntentEnd::Void, now).await?;
        }
        for _ in 0..MOST_DECISIONS {
            match decide_page(&self.policy, &page, today) {
                // Whether it was written can be told when the deal is back.
                PageDecision::NotShown(NotShown::Archived) if doubt.is_some() => {
                    return self.settle_page(place, job, Some(now + self.rhythm.sweep_every)).await;
                }
                PageDecision::InSync | PageDecision::NotShown(_) => {
                    if let Some(intent) = doubt.as_ref().filter(|_| !page.in_doubt.is_empty()) {
                        self.close(place, intent, IntentEnd::Void, now).await?;
                    }
                    self.ask(place, job, None, now).await?;
                    return self.settle_page(place, job, next_look(&page.documents, today)).await;
                }
                PageDecision::Hold(question) => {
                    let body = staging::json(question.as_ref());
                    let question = PageQuestion { key: question.key().to_owned(), body };
                    self.ask(place, job, Some(question), now).await?;
                    return self.settle_page(place, job, next_look(&page.documents, today)).await;
                }
                // The deal is read with each batch; fields are not shown yet.
                PageDecision::Observe(ToRead::Deal) => return self.settle_page(place, job, None).await,
                PageDecision::Observe(ToRead::Notes) => match self.read_notes(&page, job.class).await {
                    Ok(notes) => {
                        let gone = |id: &NoteId| notes.get(id).is_none_or(|note| note.deleted);
                        let known = &page.shown.notes;
                        let deleted: Vec<DocumentKind> =
                            known.iter().filter(|(_, note)| gone(&note.id)).map(|(kind, _)| *kind).collect();
                        for kind in deleted {
                            page.shown.found_deleted(kind);
                        }
                        page.read.notes = Some(notes);
                        self.remember(place, job, &page.shown, now).await?;
                    }
                    Err(error) => return Ok(Page::Failed(error)),
                },
                PageDecision::Adopt(found) => {
                    for (kind, id, digest) in found {
                        page.shown.adopt(kind, id, &digest);
                        page.in_doubt.remove(&kind);
                    }
                    self.remember(place, job, &page.shown, now).await?;
                    if let Some(intent) = doubt.take() {
                        self.close(place, &intent, IntentEnd::Done, now).await?;
                    }
                }
                PageDecision::Do(writes) => {
                    if let Some(intent) = doubt.take() {
                        // It was looked for, and did not happen.
                        self.close(place, &intent, IntentEnd::Void, now).await?;
                        page.in_doubt.clear();
                    }
                    let Some(write) = writes.into_iter().next() else { break };
                    match self.send(place, job, &mut page, &write, now).await? {
                        Ok(()) => {}
                        Err(error) if error.effect == Effect::InDoubt => {
                            return self
                                .settle_page(
                                    place,
                                    job,
                                    Some(now + self.rhythm.t_effect + self.rhythm.settle),
                                )
                                .await;
                        }
                        Err(error) => return Ok(Page::Failed(error)),
                    }
                }
            }
        }
        tracing::warn!(deal = %job.deal, "a deal does not come to a decision; it is looked at again");
        self.settle_page(place, job, Some(now + SignedDuration::from_mins(1))).await
    }

    /// Intent, call, receipt.
    async fn send(
        &mut self,
        place: &Place,
        job: &DealPageJob,
        page: &mut DealPage,
        write: &PageWrite,
        now: Timestamp,
    ) -> Result<Called<()>, EngineError> {
        let permit = match self.crm.permit(job.class, write).await {
            Ok(permit) => permit,
            Err(error) => return Ok(Err(error)),
        };
        let tokens = i64::from(permit.tokens());
        let (kind, reason) = name_of(write);
        let new = NewPageIntent {
            deal: job.deal,
            kind: kind.to_owned(),
            body: staging::json(write),
            reason: reason.to_owned(),
            class: job.class,
            origin: job.origin.clone(),
        };
        let now = place.clock.now().max(now);
        let mut tx = place.write().await?;
        let ids = tx.open_page_intents(place.run, &[new], now).await?;
        tx.commit().await?;
        if !place.lease.is_valid() {
            return Err(EngineError::LeaseLost);
        }
        let answer = match write {
            PageWrite::CreateNote { content, .. } => {
                self.crm.create_note(permit, job.deal, content).await.map(Some)
            }
            PageWrite::UpdateNote { id, content, .. } => {
                self.crm.update_note(permit, *id, content).await.map(Some)
            }
            PageWrite::DeleteNote { id, .. } => self.crm.delete_note(permit, *id).await.map(|()| None),
            PageWrite::Fields { .. } | PageWrite::OverdueActivity { .. } => {
                let message = "fields and activities are not written yet";
                Err(CallError::without_effect("documents", ErrorKind::Rejected, message))
            }
        };
        let now = place.clock.now().max(now);
        let mut tx = place.write().await?;
        let became = match answer {
            Ok(became) => became,
            Err(error) => {
                if error.effect == Effect::InDoubt {
                    tx.doubt_page_intents(&ids, now + self.rhythm.t_effect + self.rhythm.settle).await?;
                } else {
                    let refused =
                        matches!(error.kind, ErrorKind::Rejected | ErrorKind::Missing | ErrorKind::Forbidden);
                    let end = if refused { IntentEnd::Refused } else { IntentEnd::Void };
                    tx.close_page_intents(&ids, end, now).await?;
                }
                tx.commit().await?;
                return Ok(Err(error));
            }
        };
        receipt(&mut page.shown, write, became.as_ref());
        let before = page
            .read
            .notes
            .as_ref()
            .and_then(|notes| notes.get(&note_of(write)?))
            .map(|note| note.content.clone());
        let party = page.documents.iter().find_map(|document| document.party).unwrap_or(PartyId(0));
        let entry = JournalEntry {
            intent: *ids.first().unwrap_or(&sync_core::ids::IntentId(0)),
            run: place.run,
            at: now,
            op: kind.to_owned(),
            party,
            org: None,
            before: Values::new(),
            after: Values::new(),
            reason: reason.to_owned(),
            rule: "documents".to_owned(),
            origin: job.origin.clone(),
            tokens,
            detail: Some(serde_json::json!({
                "deal": job.deal, "sent": write, "before": before, "became": became.map(|note| note.content),
            })),
        };
        tx.append_journal(&[entry]).await?;
        tx.put_page_shown(job.deal, Some(&staging::json(&page.shown)), now).await?;
        tx.close_page_intents(&ids, IntentEnd::Done, now).await?;
        tx.commit().await?;
        // What was read is no longer what is there.
        page.read = PageRead::default();
        Ok(Ok(()))
    }

    /// Our notes by id; all notes on the deal only where one may have been made without an answer.
    async fn read_notes(&self, page: &DealPage, class: Class) -> Called<BTreeMap<NoteId, SeenNote>> {
        let mut notes = BTreeMap::new();
        let seen = |note: CrmNote| (note.id, SeenNote { content: note.content, deleted: note.deleted });
        if !page.in_doubt.is_empty() {
            notes.extend(self.crm.notes_of(page.deal, class).await?.into_iter().map(seen));
        }
        for note in page.shown.notes.values() {
            notes.extend(self.crm.note(note.id, class).await?.map(seen));
        }
        Ok(notes)
    }

    async fn currencies(&mut self, class: Class, now: Timestamp) -> Called<Currencies> {
        if let Some((known, at)) = &self.currencies
            && now.duration_since(*at) < CURRENCIES_LAST
        {
            return Ok(known.clone());
        }
        let read = self.crm.currencies(class).await?;
        self.currencies = Some((read.clone(), now));
        Ok(read)
    }

    /// Takes over the writes that an earlier process left without an answer: when they were sent is not known, so T_effect
    /// and settle are counted from now.
    async fn recover(&mut self, place: &Place, now: Timestamp) -> Result<(), EngineError> {
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

    async fn remember(
        &self,
        place: &Place,
        job: &DealPageJob,
        shown: &Shown,
        now: Timestamp,
    ) -> Result<(), EngineError> {
        let mut tx = place.write().await?;
        tx.put_page_shown(job.deal, Some(&staging::json(shown)), now).await?;
        Ok(tx.commit().await?)
    }

    async fn ask(
        &self,
        place: &Place,
        job: &DealPageJob,
        question: Option<PageQuestion>,
        now: Timestamp,
    ) -> Result<(), EngineError> {
        let mut tx = place.write().await?;
        tx.put_page_question(job.deal, question.as_ref(), now).await?;
        Ok(tx.commit().await?)
    }

    async fn close(
        &self,
        place: &Place,
        intent: &PageIntent,
        end: IntentEnd,
        now: Timestamp,
    ) -> Result<(), EngineError> {
        let mut tx = place.write().await?;
        tx.close_page_intents(&[intent.id], end, now).await?;
        Ok(tx.commit().await?)
    }

    async fn settle_page(
        &self,
        place: &Place,
        job: &DealPageJob,
        due: Option<Timestamp>,
    ) -> Result<Page, EngineError> {
        let mut tx = place.write().await?;
        let settled = SettledDealPage { job: job.clone(), due, attempts: 0, error: None };
        tx.settle_deal_pages(&[settled]).await?;
        tx.commit().await?;
        Ok(Page::Settled)
    }

    async fn try_again(
        &self,
        place: &Place,
        job: &DealPageJob,
        error: &CallError,
        now: Timestamp,
    ) -> Result<(), EngineError> {
        let attempts = job.attempts + 1;
        let due = Some(now + backoff::after(attempts, job.deal.0));
        let settled = SettledDealPage { job: job.clone(), due, attempts, error: Some(error.to_string()) };
        let mut tx = place.write().await?;
        tx.settle_deal_pages(&[settled]).await?;
        Ok(tx.commit().await?)
    }
}

/// Remembers what a write became.
fn receipt(shown: &mut Shown, write: &PageWrite, became: Option<&CrmNote>) {
    match (write, became) {
        (
            PageWrite::CreateNote { kind, content, .. } | PageWrite::UpdateNote { kind, content, .. },
            Some(note),
        ) => {
            shown.wrote_note(*kind, note.id, content, &note.content);
        }
        (PageWrite::DeleteNote { kind, .. }, _) => shown.removed_note(*kind),
        (
            PageWrite::CreateNote { .. }
            | PageWrite::UpdateNote { .. }
            | PageWrite::Fields { .. }
            | PageWrite::OverdueActivity { .. },
            _,
        ) => {}
    }
}

fn name_of(write: &PageWrite) -> (&'static str, &'static str) {
    match write {
        PageWrite::Fields { .. } => ("deal_fields", "its documents changed"),
        PageWrite::CreateNote { reason, .. } => ("create_note", reason),
        PageWrite::UpdateNote { reason, .. } => ("update_note", reason),
        PageWrite::DeleteNote { reason, .. } => ("delete_note", reason),
        PageWrite::OverdueActivity { .. } => ("overdue_activity", "invoices became overdue"),
    }
}

fn note_of(write: &PageWrite) -> Option<NoteId> {
    match write {
        PageWrite::UpdateNote { id, .. } | PageWrite::DeleteNote { id, .. } => Some(*id),
        PageWrite::CreateNote { .. } | PageWrite::Fields { .. } | PageWrite::OverdueActivity { .. } => None,
    }
}

/// The kind whose note an intent was to create.
fn created_by(intent: &PageIntent) -> Option<DocumentKind> {
    let body: serde_json::Value = serde_json::from_str(&intent.new.body).ok()?;
    DocumentKind::parse(body.get("create_note")?.get("kind")?.as_str()?)
}

fn state_of(id: DealId, deals: &[Seen<CrmDeal>]) -> DealState {
    let found = deals.iter().find_map(|seen| match seen {
        Seen::Record(deal) if deal.id == id => Some(deal),
        Seen::Record(_) | Seen::Malformed(_) => None,
    });
    let Some(deal) = found else { return DealState::Missing };
    DealState::Here(DealHere {
        status: deal.status.clone(),
        currency: deal.value.as_ref().map(|value| value.currency.clone()).unwrap_or_default(),
        owner: deal.owner,
        archived: deal.archived,
    })
}

/// When time alone changes what a deal shows: the day after the next unpaid one is due.
fn next_look(documents: &[Document], today: Date) -> Option<Timestamp> {
    let due = documents.iter().flat_map(|document| document.unpaid(4)).filter_map(|part| part.due);
    let next = due.filter(|due| *due >= today).min()?.tomorrow().ok()?;
    Some(next.to_zoned(TimeZone::UTC).ok()?.timestamp())
}
