//! Reading documents: all of them by id once, then what changed; balances by themselves, because a payment need not move the
//! stamp of its invoice. Each page is staged together with the cursor that passes it.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sync_core::{
    budget::Class,
    documents::{Document, DocumentKey, DocumentKind, DocumentPolicy, LinkAsk, asks},
    error::{CallError, ErrorKind},
    ids::TransactionId,
    model::{Malformed, Page, Seen},
    poll::{ErpCursor, PageEnd, Progress, floor_ms},
    ports::DocumentRead,
};
use sync_store::{DocumentId, StagedKind, StagedRow, Tx};

use super::{Did, DocumentFlow, Place};
use crate::{
    EngineError, erp_stream::is_believable, likeness::word_of, pause::Side, plants::Plant, staging,
    streams::ErpStream,
};

/// Key of the state of reading balances.
const BALANCES: &str = "erp.invoice_balance";

/// Where reading documents of a kind stands, as stored.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct DocumentStream {
    #[serde(flatten)]
    stream: ErpStream,
    /// Documents that were entered before are not read. Settled by the first page.
    created_since: Option<Timestamp>,
    /// The greatest id that was staged.
    #[serde(default)]
    last: i64,
    /// Whether the walk under way follows new ids alone: how a kind is polled whose stamp cannot be asked for.
    #[serde(default)]
    news: bool,
}

/// Where reading of balances stands, as stored.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
struct BalanceStream {
    /// The last invoice of the walk under way.
    after: Option<i64>,
    /// When the last walk was completed.
    polled_at: Option<Timestamp>,
}

impl DocumentStream {
    /// What the next page is worth: walks over everything are bulk work, whatever follows what changed is not.
    fn class(&self) -> Class {
        let walks = matches!(self.stream.cursor, ErpCursor::New | ErpCursor::Walk { .. });
        if walks && !self.news { Class::Backfill } else { Class::Document }
    }
}

/// Under which key it is stored where reading documents of a kind stands.
#[must_use]
pub fn cursor_of(kind: DocumentKind) -> &'static str {
    match kind {
        DocumentKind::Invoice => "erp.invoice",
        DocumentKind::CreditMemo => "erp.credit_memo",
        DocumentKind::SalesOrder => "erp.sales_order",
        DocumentKind::PurchaseOrder => "erp.purchase_order",
    }
}

pub(super) fn kind_of(kind: DocumentKind) -> StagedKind {
    DocumentId::from(DocumentKey { kind, id: 0 }).kind
}

impl DocumentFlow {
    /// Reads the next page that is due and at least as urgent as `least`, if any is.
    ///
    /// # Errors
    /// When the store fails or the connection was taken by another process.
    pub async fn read_documents(
        &mut self,
        place: &Place,
        least: Class,
        now: Timestamp,
    ) -> Result<Did, EngineError> {
        for kind in DocumentKind::ALL.into_iter().filter(|kind| self.policy.kinds.contains(kind)) {
            let mut tx = place.read().await?;
            let state: DocumentStream = tx.cursor(cursor_of(kind)).await?.unwrap_or_default();
            drop(tx);
            if let Some(state) = self.due(kind, state, now).filter(|state| state.class() <= least) {
                return self.read_page(place, kind, state, now).await;
            }
        }
        if self.policy.kinds.contains(&DocumentKind::Invoice) && Class::Document <= least {
            return self.read_balances(place, now).await;
        }
        Ok(Did::Nothing)
    }

    /// When the next page is due.
    pub(super) async fn next_page(&self, tx: &mut Tx, now: Timestamp) -> Result<Timestamp, EngineError> {
        let mut next = Timestamp::MAX;
        for kind in DocumentKind::ALL.into_iter().filter(|kind| self.policy.kinds.contains(kind)) {
            let state: DocumentStream = tx.cursor(cursor_of(kind)).await?.unwrap_or_default();
            let reading = state.stream.cursor.is_reading() || self.forced.contains(&kind);
            let rhythm = &state.stream.rhythm;
            let poll = rhythm.next_poll(self.rhythm.poll_every, now);
            let due = poll.min(rhythm.next_sweep(self.rhythm.sweep_every, now));
            next = next.min(if reading { now } else { due });
        }
        if self.policy.kinds.contains(&DocumentKind::Invoice) {
            let state: BalanceStream = tx.cursor(BALANCES).await?.unwrap_or_default();
            let reading = state.after.is_some() || self.balances_forced;
            let due = state.polled_at.map_or(now, |at| at + self.rhythm.balances_every);
            next = next.min(if reading { now } else { due });
        }
        Ok(next)
    }

    /// Whether all kinds were read completely once, and whatever was asked for since.
    pub(super) async fn has_read(&self, tx: &mut Tx) -> Result<bool, EngineError> {
        for kind in &self.policy.kinds {
            let state: DocumentStream = tx.cursor(cursor_of(*kind)).await?.unwrap_or_default();
            if !state.stream.cursor.is_loaded() {
                return Ok(false);
            }
        }
        Ok(self.forced.is_empty() && !self.balances_forced)
    }

    /// The state with which to read on, if something is under way or due.
    fn due(&self, kind: DocumentKind, mut state: DocumentStream, now: Timestamp) -> Option<DocumentStream> {
        let stream = &mut state.stream;
        if stream.cursor.is_reading() {
            return Some(state);
        }
        if self.forced.contains(&kind) || stream.rhythm.next_poll(self.rhythm.poll_every, now) <= now {
            stream.rhythm.began = None;
            stream.cursor = match (kind, stream.cursor) {
                (DocumentKind::CreditMemo, ErpCursor::Idle { watermark }) => {
                    state.news = true;
                    ErpCursor::Walk { after: state.last, began: None, watermark: Some(watermark) }
                }
                (_, cursor) => cursor.begin_poll(self.rhythm.pace),
            };
            return Some(state);
        }
        if stream.rhythm.next_sweep(self.rhythm.sweep_every, now) <= now {
            stream.cursor = stream.cursor.begin_sweep();
            stream.rhythm.sweep += 1;
            return Some(state);
        }
        None
    }

    async fn read_page(
        &mut self,
        place: &Place,
        kind: DocumentKind,
        mut state: DocumentStream,
        now: Timestamp,
    ) -> Result<Did, EngineError> {
        let Some(at) = state.stream.cursor.next_read() else { return Ok(Did::Nothing) };
        let created_since = *state.created_since.get_or_insert(now - self.rhythm.since);
        let segments = self.policy.asks_segments(kind);
        let asked = DocumentRead { at, created_since: Some(created_since), segments };
        let page = match self.erp.documents(kind, asked).await {
            Ok(page) => page,
            Err(error) => return Ok(Did::failed(Side::Erp, error)),
        };
        let Page { mut rows, more, next: _, server_now } = page;
        if let Err(error) = self.with_details(place, &mut rows, now).await? {
            return Ok(Did::failed(Side::Erp, error));
        }
        let end = page_end(&rows, more);
        let progress = state.stream.cursor.after_page(end, server_now, self.rhythm.pace);
        let first = matches!(state.stream.cursor, ErpCursor::Walk { watermark: None, .. });
        let window = matches!(state.stream.cursor, ErpCursor::Window { .. });
        let (sweep, news) = (state.stream.rhythm.sweep, state.news);
        state.last = state.last.max(end.last_id.unwrap_or(0));
        state.stream.rhythm.began.get_or_insert(server_now);
        match progress {
            Progress::Walked(cursor) if news => state.stream.passes(Progress::Polled(cursor), now),
            progress => state.stream.passes(progress, now),
        }
        let mut tx = place.write().await?;
        let mut changed = self.stage(&mut tx, kind, rows, now, if news { 0 } else { sweep }).await?;
        if let Progress::Walked(_) = progress {
            state.news = false;
            let staged = kind_of(kind);
            let (known, unseen) = if news { (0, 0) } else { tx.sweep_unseen(staged, sweep).await? };
            if is_believable(known, unseen) {
                changed.extend(tx.sweep_finish(staged, sweep).await?.iter().map(|gone| gone.id));
            } else if unseen > 0 {
                tracing::warn!(stream = cursor_of(kind), known, unseen, "a sweep is not believed");
            }
        }
        let class = if first || !(window || news) { Class::Backfill } else { Class::Document };
        let origin = if window || news { "document poll" } else { "document sweep" };
        enqueue(&mut tx, kind, &changed, (class, origin), now).await?;
        tx.put_cursor(cursor_of(kind), &state, now).await?;
        tx.commit().await?;
        if !state.stream.cursor.is_reading() {
            self.forced.remove(&kind);
        }
        if progress == Progress::Stuck {
            let message = "a page says that more follows but gives nothing to continue from";
            let error = CallError::without_effect(cursor_of(kind), ErrorKind::Unreadable, message);
            return Ok(Did::failed(Side::Erp, error));
        }
        Ok(Did::Something)
    }

    /// Reads a page of balances: of the invoices that have one, and of those that had one with us and have none any more.
    async fn read_balances(&mut self, place: &Place, now: Timestamp) -> Result<Did, EngineError> {
        if self.plants.has(Plant::BalancesForgotten) {
            self.balances_forced = false;
            return Ok(Did::Nothing);
        }
        let mut tx = place.read().await?;
        let state: BalanceStream = tx.cursor(BALANCES).await?.unwrap_or_default();
        let due = state.after.is_some()
            || self.balances_forced
            || state.polled_at.is_none_or(|at| at + self.rhythm.balances_every <= now);
        let loaded: Option<DocumentStream> = tx.cursor(cursor_of(DocumentKind::Invoice)).await?;
        if !due || !loaded.is_some_and(|stream| stream.stream.cursor.is_loaded()) {
            return Ok(Did::Nothing);
        }
        let after = state.after.unwrap_or(0);
        let page = match self.erp.open_invoices(TransactionId(after)).await {
            Ok(page) => page,
            Err(error) => return Ok(Did::failed(Side::Erp, error)),
        };
        let last = page_end(&page.rows, page.more).last_id.filter(|last| page.more && *last > after);
        let there: BTreeSet<i64> = page.rows.iter().filter_map(id_of).collect();
        let mut absent = Vec::new();
        let mut from = after;
        loop {
            let open = tx.open_documents(StagedKind::Invoice, from, OPEN).await?;
            let Some(end) = open.last().copied() else { break };
            absent.extend(
                open.into_iter().filter(|id| !there.contains(id) && last.is_none_or(|last| *id <= last)),
            );
            if last.is_some_and(|last| end >= last) {
                break;
            }
            from = end;
        }
        drop(tx);
        let absent: Vec<TransactionId> = absent.into_iter().map(TransactionId).collect();
        let closed = if absent.is_empty() { Ok(Vec::new()) } else { self.erp.invoices_by_id(&absent).await };
        let closed = match closed {
            Ok(closed) => closed,
            Err(error) => return Ok(Did::failed(Side::Erp, error)),
        };
        // Whatever is not known yet comes with its own window, or is too old.
        let ids: Vec<i64> = there.into_iter().collect();
        let mut tx = place.read().await?;
        let known = tx.staged(StagedKind::Invoice, &ids).await?;
        drop(tx);
        let mut rows = page.rows;
        rows.retain(|row| id_of(row).is_some_and(|id| known.contains_key(&id)));
        rows.extend(closed);
        if let Err(error) = self.with_details(place, &mut rows, now).await? {
            return Ok(Did::failed(Side::Erp, error));
        }
        let mut tx = place.write().await?;
        let changed = self.stage(&mut tx, DocumentKind::Invoice, rows, now, 0).await?;
        enqueue(&mut tx, DocumentKind::Invoice, &changed, (Class::Document, "balances"), now).await?;
        let polled_at = if last.is_none() { Some(now) } else { state.polled_at };
        tx.put_cursor(BALANCES, &BalanceStream { after: last, polled_at }, now).await?;
        tx.commit().await?;
        self.balances_forced &= last.is_some();
        Ok(Did::Something)
    }
}

impl DocumentFlow {
    /// Stages documents with what they are found by; tells which are new, changed or back.
    async fn stage(
        &self,
        tx: &mut Tx,
        kind: DocumentKind,
        mut rows: Vec<Seen<Document>>,
        read_at: Timestamp,
        sweep: i64,
    ) -> Result<Vec<i64>, EngineError> {
        self.plants.as_if_complete(&mut rows);
        let said: BTreeMap<i64, BTreeSet<i64>> = rows
            .iter()
            .filter_map(|seen| match seen {
                Seen::Record(document) => Some((document.key.id, words(&self.policy, document))),
                Seen::Malformed(_) => None,
            })
            .collect();
        let (rows, lost) = staging::rows(rows, row);
        for record in lost {
            tracing::warn!(
                kind = kind.key(),
                reason = record.reason,
                "a document without a readable id was left out"
            );
        }
        let changed: Vec<i64> =
            tx.stage(kind_of(kind), &rows, read_at, sweep).await?.iter().map(|changed| changed.id).collect();
        let new: BTreeMap<i64, BTreeSet<i64>> =
            said.into_iter().filter(|(id, _)| changed.contains(id)).collect();
        tx.put_said(kind_of(kind), &new).await?;
        Ok(changed)
    }
}

/// Open invoices of ours to compare at a time.
const OPEN: u32 = 500;

fn id_of(seen: &Seen<Document>) -> Option<i64> {
    match seen {
        Seen::Record(document) => Some(document.key.id),
        Seen::Malformed(bad) => bad.id,
    }
}

fn page_end(rows: &[Seen<Document>], more: bool) -> PageEnd {
    let stamp = |seen: &Seen<Document>| match seen {
        Seen::Record(document) => document.updated_at.map(floor_ms),
        Seen::Malformed(Malformed { updated_at, .. }) => updated_at.map(floor_ms),
    };
    PageEnd {
        last_id: rows.iter().rev().find_map(id_of),
        first_stamp: rows.first().and_then(stamp),
        last_stamp: rows.iter().rev().find_map(stamp),
        more,
    }
}

/// By what other documents find this one, and by what it looks for others.
fn words(policy: &DocumentPolicy, document: &Document) -> BTreeSet<i64> {
    let answers = LinkAsk::answered_by(document).into_iter().map(|ask| word_of(&staging::json(&ask)));
    answers.chain(asks(policy, document).links.iter().map(word_of_asking)).collect()
}

/// The word under which those are noted who look for a document like this.
pub(super) fn word_of_asking(ask: &LinkAsk) -> i64 {
    word_of(&format!("asks {}", staging::json(ask)))
}

async fn enqueue(
    tx: &mut Tx,
    kind: DocumentKind,
    ids: &[i64],
    (class, origin): (Class, &str),
    now: Timestamp,
) -> Result<(), EngineError> {
    let documents: Vec<DocumentId> = ids.iter().map(|id| DocumentKey { kind, id: *id }.into()).collect();
    Ok(tx.enqueue_documents(&documents, class, now, origin).await?)
}

fn row(document: &Document) -> StagedRow {
    let content = Document { updated_at: None, ..document.clone() };
    StagedRow {
        id: document.key.id,
        party: document.party.map(|party| party.0),
        parent: None,
        stamp: document.updated_at.unwrap_or(Timestamp::UNIX_EPOCH),
        hash: staging::digest(&staging::json(&content)),
        body: staging::json(document),
        malformed: None,
    }
}
