//! What a deal shows of its documents: one write at a time, each with its intent before it and its receipt after it. A write
//! whose answer is lost is looked for once it can no longer take effect.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp, tz::TimeZone};
use sync_core::{
    budget::Class,
    deals::CrmDeal,
    documents::{
        Currencies, DealPage, DocumentKind, NotShown, PageAnswers, PageDecision, PageRead, PageWrite,
        RollUpField, Shown, ToRead, decide_page, digest,
    },
    error::{CallError, Effect, ErrorKind},
    handover::{ActivityWords, NewActivity},
    hooks::HookEntity,
    ids::DealId,
    ports::Called,
};
use sync_store::{
    DealPageJob, IntentEnd, NewPageIntent, Outcome, PageIntent, PageQuestion, SettledDealPage, StagedKind,
};

use super::{
    DOCUMENTS, Did, DocumentFlow, Place,
    known::{documents_on, found, next_look, rolled, shown, state_of},
    written::{Became, Entry, before, content_created, created_by, intended, name_of, receipt, told_by},
};
use crate::{
    EngineError, backoff, came_back::came_back_at, deal_stream::stage_answer, handover_activity::is_lasting,
    pause::Side, plants::Plant, staging,
};

/// After so many failures in a row that are about the deal itself it is left for a day.
const MOST_ATTEMPTS: u32 = 5;

/// When it is tried again what a person has to allow first, or what failed too often.
const NEXT_DAY: SignedDuration = SignedDuration::from_hours(24);

/// Deals read together: a list of so many costs as much as ten single ones.
const BATCH: u32 = 100;

/// Decisions about one deal in a row: what is read and written in between is less.
const MOST_DECISIONS: usize = 20;

/// How old the CRM's currencies may be.
const CURRENCIES_LAST: SignedDuration = SignedDuration::from_hours(24);

/// How a page went on.
enum Page {
    /// It shows what it can, asks or waits; the outcome, if it has one.
    Settled(Option<Outcome>),
    Failed(CallError),
}

/// A deal as last read, and when; none where there is none.
type Read = (Option<CrmDeal>, Timestamp);

impl DocumentFlow {
    /// Brings the next deal that is due and at least as urgent as `least` up to date. One at a time, so that whatever is more
    /// urgent does not wait; what is due with it is read together with it.
    ///
    /// # Errors
    /// When the store fails or the connection was taken by another process.
    pub async fn show_documents(
        &mut self,
        place: &Place,
        least: Class,
        now: Timestamp,
    ) -> Result<Did, EngineError> {
        self.recover(place, now).await?;
        let mut tx = place.read().await?;
        let mut jobs = tx.claim_deal_pages(now, least, 1).await?;
        let known = jobs.first().and_then(|job| self.read_ahead.remove(&job.deal));
        let known = known.filter(|(_, at)| now.duration_since(*at) < self.rhythm.freshness);
        if known.is_none() {
            jobs = tx.claim_deal_pages(now, least, BATCH).await?;
        }
        drop(tx);
        let Some(job) = jobs.first() else { return Ok(Did::Nothing) };
        let class = job.class;
        let failed = |error| Ok(Did::Failed { side: Side::Crm, class, error });
        let currencies = match self.currencies(class, now).await {
            Ok(currencies) => currencies,
            Err(error) => return failed(error),
        };
        let read = match known {
            Some(read) => read,
            None => {
                let ids: Vec<DealId> =
                    jobs.iter().filter(|job| job.class == class).map(|job| job.deal).collect();
                let read_at = place.clock.now();
                let deals = match self.deals.deals_by_id(&ids, class).await {
                    Ok(deals) => deals,
                    Err(error) => return failed(error),
                };
                self.read_ahead = ids.iter().map(|id| (*id, (found(*id, &deals), read_at))).collect();
                self.read_ahead.remove(&job.deal).unwrap_or((None, read_at))
            }
        };
        match self.show_one(place, job, (read, &currencies), now).await? {
            Page::Settled(outcome) => {
                self.note(place, job, outcome).await?;
                Ok(Did::Something)
            }
            Page::Failed(error) => {
                self.try_again(place, job, &error, now).await?;
                self.note(place, job, Some(Outcome::Failed)).await?;
                match error.kind {
                    // It says nothing about the CRM (law 10).
                    ErrorKind::Rejected | ErrorKind::Missing | ErrorKind::Unreadable => Ok(Did::Something),
                    ErrorKind::UnknownField
                    | ErrorKind::Unauthorized
                    | ErrorKind::Forbidden
                    | ErrorKind::Exhausted { .. }
                    | ErrorKind::Transient { .. } => failed(error),
                }
            }
        }
    }

    /// Decides about a deal until it shows what it should, waits or asks.
    async fn show_one(
        &mut self,
        place: &Place,
        job: &DealPageJob,
        (mut read, currencies): (Read, &Currencies),
        now: Timestamp,
    ) -> Result<Page, EngineError> {
        let mut tx = place.read().await?;
        let stored = tx.deal_pages(&[job.deal]).await?.remove(&job.deal).unwrap_or_default();
        let mut doubt = tx.page_intent_of(job.deal).await?;
        let came_back = came_back_at(&mut tx).await?;
        let documents = documents_on(&mut tx, job.deal).await?;
        let merged = tx.merged_into(HookEntity::Deal, &[job.deal.0]).await?.remove(&job.deal.0).map(DealId);
        drop(tx);
        if let Some(intent) = &doubt {
            let until = match intent.settled_at {
                Some(at) if at <= now => None,
                // Nobody may tell yet whether it happened.
                Some(at) => Some(at),
                None => {
                    let at = now + self.rhythm.t_effect + self.rhythm.settle;
                    let mut tx = place.write().await?;
                    tx.doubt_page_intents(&[intent.id], at).await?;
                    tx.commit().await?;
                    Some(at)
                }
            };
            if until.is_some() {
                return self.settle_page(place, job, until, None).await;
            }
        }
        let today = now.to_zoned(TimeZone::UTC).date();
        let known = shown(job.deal, stored.shown.as_deref())?;
        let looked_for = doubt.iter().filter(|_| !self.plants.has(Plant::LostNoteForgotten));
        let created: BTreeSet<DocumentKind> = looked_for.filter_map(created_by).collect();
        // What was written after a backup that the store came from is in doubt, all of it, until it was listed once.
        let unlooked =
            |looked: Option<Timestamp>| came_back.is_some_and(|back| looked.is_none_or(|at| at <= back));
        let notes_unlooked = unlooked(known.looked_at);
        let mut activities_unlooked = unlooked(known.activities_looked_at);
        let mut page = DealPage {
            deal: job.deal,
            state: state_of(read.0.as_ref(), merged),
            documents,
            currencies: currencies.clone(),
            shown: known,
            in_doubt: if notes_unlooked { DocumentKind::ALL.into() } else { created.clone() },
            read: PageRead { fields: rolled(read.0.as_ref()), notes: None },
            answers: PageAnswers::default(),
        };
        if self.fields_refused.is_some_and(|until| now < until) {
            page.answers.left = RollUpField::ALL.into();
        }
        if let Some(invoices) = doubt.as_ref().and_then(told_by) {
            let told = match self.owner_was_told(&mut page, &invoices, job.class).await {
                Ok(told) => told,
                Err(error) => return Ok(Page::Failed(error)),
            };
            self.remember(place, job, &page.shown, now).await?;
            if let Some(intent) = doubt.take_if(|_| told) {
                self.close(place, &intent, IntentEnd::Done, now).await?;
            }
        }
        if let Some(intent) = doubt.take_if(|_| created.is_empty())
            && let Err(error) = self.look_for(place, (job, &mut page), &intent, now).await?
        {
            return Ok(Page::Failed(error));
        }
        self.plants.as_if_never_written(&mut page);
        let mut outcome = Outcome::Unchanged;
        let mut missed = false;
        for _ in 0..MOST_DECISIONS {
            let decision = decide_page(&self.policy, &page, today);
            let mut back = None;
            if let PageDecision::NotShown(reason) = &decision {
                back = self.note_absence(place, job, reason, &read).await?;
            }
            match decision {
                // Whether it was written can be told when the deal is back.
                PageDecision::NotShown(NotShown::Archived) if doubt.is_some() => {
                    return self.settle_page(place, job, Some(now + self.rhythm.sweep_every), None).await;
                }
                decision @ (PageDecision::InSync | PageDecision::NotShown(_)) => {
                    if let Some(intent) = doubt.as_ref() {
                        self.close(place, intent, IntentEnd::Void, now).await?;
                    }
                    self.ask(place, job, None, now).await?;
                    // What is not there or cannot be written shows nothing, and nothing was found right.
                    let shows = decision == PageDecision::InSync || outcome != Outcome::Unchanged;
                    let outcome = shows.then_some(outcome);
                    let due = back.into_iter().chain(next_look(&page.documents, today)).min();
                    return self.settle_page(place, job, due, outcome).await;
                }
                PageDecision::Hold(question) => {
                    let body = staging::json(question.as_ref());
                    let question = PageQuestion { key: question.key().to_owned(), body };
                    self.ask(place, job, Some(question), now).await?;
                    let due = next_look(&page.documents, today);
                    return self.settle_page(place, job, due, Some(Outcome::Held)).await;
                }
                PageDecision::Observe(ToRead::Deal) => {
                    if let Err(error) = self.read_deal(place, job, &mut page, &mut read).await {
                        return Ok(Page::Failed(error));
                    }
                }
                PageDecision::Observe(ToRead::Notes) => {
                    let notes = match self.read_notes(place, &page, job.class).await {
                        Ok(notes) => notes,
                        Err(error) => return Ok(Page::Failed(error)),
                    };
                    for note in page.shown.notes.values_mut() {
                        note.deleted |= notes.get(&note.id).is_none_or(|seen| seen.deleted);
                    }
                    if !page.in_doubt.is_empty() {
                        page.shown.looked_at = Some(place.clock.now());
                    }
                    page.read.notes = Some(notes);
                    self.remember(place, job, &page.shown, now).await?;
                }
                PageDecision::Adopt(found) => {
                    for (kind, id, says) in found {
                        page.shown.adopt(kind, id, &says);
                        page.in_doubt.remove(&kind);
                        // A person may have written into it since.
                        let sent = doubt.as_ref().and_then(|intent| content_created(intent, kind));
                        if let Some(sent) = sent {
                            page.shown.found_note(kind, id, &digest(&sent));
                        }
                    }
                    match doubt.take() {
                        Some(intent) => {
                            let became = Some(serde_json::Value::Null);
                            self.found(place, (job, &page), &intent, became, now).await?;
                        }
                        None => self.remember(place, job, &page.shown, now).await?,
                    }
                }
                PageDecision::Do(writes) => {
                    if let Some(intent) = doubt.take() {
                        // It was looked for, and did not happen.
                        self.close(place, &intent, IntentEnd::Void, now).await?;
                        page.in_doubt.clear();
                    }
                    let Some(write) = writes.into_iter().next() else { break };
                    if let (true, PageWrite::OverdueActivity { invoices, .. }) = (activities_unlooked, &write)
                    {
                        if let Err(error) = self.owner_was_told(&mut page, invoices, job.class).await {
                            return Ok(Page::Failed(error));
                        }
                        activities_unlooked = false;
                        page.shown.activities_looked_at = Some(place.clock.now());
                        self.remember(place, job, &page.shown, now).await?;
                        continue;
                    }
                    if matches!(write, PageWrite::Fields { .. }) {
                        match self.ready_for_fields(place, job, &mut page, &mut read).await {
                            Ok(true) => {}
                            Ok(false) => continue,
                            Err(error) => return Ok(Page::Failed(error)),
                        }
                    }
                    let first = page.shown.is_empty();
                    match self.send(place, job, &mut page, &write, now).await? {
                        Ok(()) if first => outcome = Outcome::Created,
                        Ok(()) if outcome == Outcome::Unchanged => outcome = Outcome::Updated,
                        Ok(()) => {}
                        Err(error) if error.effect == Effect::InDoubt => {
                            let again =
                                place.clock.now().max(now) + self.rhythm.t_effect + self.rhythm.settle;
                            return self.settle_page(place, job, Some(again), None).await;
                        }
                        // Deleted since it was seen, which no list tells: it is read by itself, once.
                        Err(error)
                            if error.kind == ErrorKind::Missing
                                && matches!(write, PageWrite::UpdateNote { .. })
                                && !missed =>
                        {
                            missed = true;
                            page.read.notes = None;
                        }
                        Err(error) => return Ok(Page::Failed(error)),
                    }
                }
            }
        }
        tracing::warn!(deal = %job.deal, "a deal does not come to a decision; it is looked at again");
        self.settle_page(place, job, Some(now + SignedDuration::from_mins(1)), None).await
    }

    /// A deal that cannot be written is in no list, and once it is back as it was before, lists would show nothing new of it. So
    /// an archived one is remembered as it was read; one that is gone while lists still had it is looked for again: whether many
    /// are gone at once is for walks to believe. Gives when, if so.
    async fn note_absence(
        &self,
        place: &Place,
        job: &DealPageJob,
        reason: &NotShown,
        (deal, read_at): &Read,
    ) -> Result<Option<Timestamp>, EngineError> {
        let id = job.deal.0;
        let known = place.read().await?.staged(StagedKind::Deal, &[id]).await?.remove(&id);
        if known.is_none_or(|known| known.missing >= 2) {
            return Ok(None);
        }
        match (reason, deal) {
            (NotShown::Gone, _) => Ok(Some(*read_at + self.rhythm.sweep_every)),
            (NotShown::Archived, Some(deal)) => {
                let mut tx = place.write().await?;
                stage_answer(&mut tx, deal.clone(), *read_at).await?;
                tx.commit().await?;
                Ok(None)
            }
            (NotShown::Archived | NotShown::Merged { .. }, _) => Ok(None),
        }
    }

    /// Makes sure that fields can be written and that the deal was read a moment before. Where it tells that not, decide again.
    async fn ready_for_fields(
        &mut self,
        place: &Place,
        job: &DealPageJob,
        page: &mut DealPage,
        read: &mut Read,
    ) -> Called<bool> {
        match self.crm.ready_to_show(job.class).await {
            Ok(()) => {}
            // Without room for fields, or the right to make them, there are notes alone (law 10).
            Err(error)
                if matches!(error.kind, ErrorKind::Rejected | ErrorKind::Forbidden | ErrorKind::Missing) =>
            {
                let until = place.clock.now() + NEXT_DAY;
                tracing::warn!(%until, %error, "custom fields for documents cannot be made; deals have notes alone");
                self.fields_refused = Some(until);
                page.answers.left = RollUpField::ALL.into();
                return Ok(false);
            }
            Err(error) => return Err(error),
        }
        if place.clock.now().duration_since(read.1) <= self.rhythm.freshness {
            return Ok(true);
        }
        self.read_deal(place, job, page, read).await.map(|()| false)
    }

    async fn read_deal(
        &self,
        place: &Place,
        job: &DealPageJob,
        page: &mut DealPage,
        read: &mut Read,
    ) -> Called<()> {
        let read_at = place.clock.now();
        let deals = self.deals.deals_by_id(&[job.deal], job.class).await?;
        *read = (found(job.deal, &deals), read_at);
        page.state = state_of(read.0.as_ref(), page.merged_into());
        page.read.fields = rolled(read.0.as_ref());
        Ok(())
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
        let tokens = permit.tokens();
        let (kind, reason) = name_of(write);
        let new = NewPageIntent {
            deal: job.deal,
            kind: kind.to_owned(),
            body: intended(page, write),
            reason: reason.to_owned(),
            class: job.class,
            origin: job.origin.clone(),
        };
        let now = place.clock.now().max(now);
        let mut tx = place.write().await?;
        let ids = tx.open_page_intents(place.run, &[new], now).await?;
        if self.plants.has(Plant::NoPageIntent) {
            tx.close_page_intents(&ids, IntentEnd::Void, now).await?;
        }
        tx.commit().await?;
        if !place.lease.is_valid() {
            return Err(EngineError::LeaseLost);
        }
        let answer = match write {
            PageWrite::Fields { writes } => {
                let deal = self.crm.show_fields(permit, job.deal, writes).await;
                deal.map(|deal| Became::Deal(Box::new(deal)))
            }
            PageWrite::CreateNote { content, .. } => {
                self.crm.create_note(permit, job.deal, content).await.map(Became::Note)
            }
            PageWrite::UpdateNote { id, content, .. } => {
                self.notes.forget(*id);
                self.crm.update_note(permit, *id, content).await.map(Became::Note)
            }
            PageWrite::DeleteNote { id, .. } => {
                self.notes.forget(*id);
                self.crm.delete_note(permit, *id).await.map(|()| Became::Nothing)
            }
            PageWrite::OverdueActivity { owner, invoices: _, subject, note } => {
                let words = ActivityWords { subject: subject.clone(), note: note.clone() };
                let due = now.to_zoned(TimeZone::UTC).date();
                let activity = NewActivity { deal: job.deal, org: None, owner: Some(*owner), due, words };
                self.crm.tell_owner(permit, &activity).await.map(Became::Activity)
            }
            PageWrite::EndActivity { id } => match self.crm.end_activity(permit, *id).await {
                // Somebody deleted it, or it may not be changed: it is left as it is.
                Err(error) if is_lasting(&error) => {
                    tracing::info!(activity = %id, %error, "an activity cannot be marked as done; it is left as it is");
                    Ok(Became::Nothing)
                }
                ended => ended.map(|()| Became::Nothing),
            },
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
        if let Became::Note(note) = &became {
            self.notes.saw(note);
        }
        let before = before(page, write);
        receipt(page, write, &became);
        let entry = Entry {
            intent: *ids.first().unwrap_or(&sync_core::ids::IntentId(0)),
            op: kind.to_owned(),
            reason: reason.to_owned(),
            tokens,
            told: (serde_json::json!(write), before, became.told()),
        };
        tx.append_journal(&[entry.of(place.run, job, page, now)]).await?;
        tx.put_page_shown(job.deal, Some(&staging::json(&page.shown)), now).await?;
        tx.close_page_intents(&ids, IntentEnd::Done, now).await?;
        if let Became::Deal(deal) = became {
            stage_answer(&mut tx, *deal, now).await?;
        }
        tx.commit().await?;
        Ok(Ok(()))
    }

    /// Counts how a deal ended.
    async fn note(
        &self,
        place: &Place,
        job: &DealPageJob,
        outcome: Option<Outcome>,
    ) -> Result<(), EngineError> {
        let Some(outcome) = outcome else { return Ok(()) };
        let mut tx = place.write().await?;
        tx.put_page_outcome(place.run, DOCUMENTS, job.deal, outcome).await?;
        Ok(tx.commit().await?)
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
        outcome: Option<Outcome>,
    ) -> Result<Page, EngineError> {
        let mut tx = place.write().await?;
        let settled = SettledDealPage { job: job.clone(), due, attempts: 0, error: None };
        tx.settle_deal_pages(&[settled]).await?;
        tx.commit().await?;
        Ok(Page::Settled(outcome))
    }

    async fn try_again(
        &self,
        place: &Place,
        job: &DealPageJob,
        error: &CallError,
        now: Timestamp,
    ) -> Result<(), EngineError> {
        let attempts = job.attempts + 1;
        let soon = now + backoff::after(attempts, job.deal.0);
        let due = match error.kind {
            ErrorKind::Exhausted { until } => until,
            // Each try costs as much as a write.
            ErrorKind::Rejected | ErrorKind::Missing | ErrorKind::Unreadable | ErrorKind::Forbidden
                if attempts >= MOST_ATTEMPTS =>
            {
                now + NEXT_DAY
            }
            ErrorKind::Rejected
            | ErrorKind::Missing
            | ErrorKind::Unreadable
            | ErrorKind::Forbidden
            | ErrorKind::UnknownField
            | ErrorKind::Unauthorized
            | ErrorKind::Transient { .. } => soon,
        };
        let error = Some(error.to_string());
        let settled = SettledDealPage { job: job.clone(), due: Some(due), attempts, error };
        let mut tx = place.write().await?;
        tx.settle_deal_pages(&[settled]).await?;
        Ok(tx.commit().await?)
    }
}
