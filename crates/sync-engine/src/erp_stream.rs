//! Reading the ERP: one page a step, staged together with the cursor that passes it.

use jiff::Timestamp;
use sync_core::{
    budget::Class,
    fields::Field,
    ids::PartyId,
    model::{Page, Seen},
    poll::{ErpCursor, PageEnd, Progress, floor_ms},
    ports::Called,
};
use sync_store::{Changed, StagedKind, StagedRow, Tx};

use crate::{
    Engine, EngineError,
    likeness::stage,
    pause::Side,
    plants::Plant,
    reconcile::TRY_AGAIN,
    staging,
    streams::{ErpStream, Stream},
    watch::Event,
};

/// A page whose records are rows already.
pub(crate) struct StagedPage {
    pub(crate) rows: Vec<StagedRow>,
    pub(crate) lost: Vec<sync_core::model::Malformed>,
    pub(crate) end: PageEnd,
    pub(crate) server_now: Timestamp,
}

impl StagedPage {
    /// All of its rows, for those who look at them again, changed or not.
    pub(crate) fn all(&self) -> Vec<Changed> {
        let changed = |row: &StagedRow| Changed {
            id: row.id,
            party: row.party,
            was_party: None,
            was_parent: None,
            tied: false,
            returned: false,
        };
        self.rows.iter().map(changed).collect()
    }
}

impl Engine {
    /// Reads the next page of the ERP that is due. Tells whether it tried.
    pub(crate) async fn read_erp(&mut self, now: Timestamp) -> Result<bool, EngineError> {
        if !self.erp_is_open(now) {
            return Ok(false);
        }
        // Accounts first: a party should find its accounts beside it when it is looked at.
        for stream in [Stream::Accounts, Stream::Parties] {
            let mut tx = self.store.read(self.connection()).await?;
            let state: ErpStream = tx.cursor(stream.name()).await?.unwrap_or_default();
            drop(tx);
            if let Some(state) = self.due(stream, state, now) {
                self.read_erp_page(stream, state, now).await?;
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// The state with which to read on, if something is under way or due.
    pub(crate) fn due(&self, stream: Stream, mut state: ErpStream, now: Timestamp) -> Option<ErpStream> {
        if state.cursor.is_reading() {
            return Some(state);
        }
        if state.again.is_some() {
            state.begin_again(self.settings.pace);
            return Some(state);
        }
        let rhythm = &mut state.rhythm;
        let forced = self.forced.contains(&stream);
        if forced || rhythm.next_poll(self.settings.poll_every, now) <= now {
            state.cursor = state.cursor.begin_poll(self.plants.misplace(self.settings.pace));
            rhythm.began = None;
            return Some(state);
        }
        if rhythm.next_sweep(self.settings.sweep_every, now) <= now {
            state.cursor = state.cursor.begin_sweep();
            rhythm.sweep += 1;
            return Some(state);
        }
        None
    }

    async fn read_erp_page(
        &mut self,
        stream: Stream,
        mut state: ErpStream,
        now: Timestamp,
    ) -> Result<(), EngineError> {
        let Some(mut page) = self.erp_page(stream, &state).await? else { return Ok(()) };
        let (class, origin) = asking(&state);
        let repeating = state.repeating;
        let (read, mut asked) = (page.rows.len(), 0);
        while page.rows.len() > self.part() {
            let rest = page.rows.split_off(self.part());
            asked += self.stage_part(stream, &state, &page, now).await?;
            page.rows = rest;
            if self.is_rung() {
                self.attend().await?;
            }
        }
        let progress = state.cursor.after_page(page.end, page.server_now, self.settings.pace);
        let progress = self.plants.mismark(progress, page.end);
        state.rhythm.began.get_or_insert(page.server_now);
        let (kind, sweep) = (kind_of(stream), state.rhythm.sweep);
        state.passes(progress, now);

        if self.plants.has(Plant::CursorBeforePage) {
            let mut tx = self.write().await?;
            tx.put_cursor(stream.name(), &state, now).await?;
            tx.commit().await?;
        }
        let mut tx = self.write().await?;
        let mut disbelieved = None;
        let mut changed = stage(&mut tx, kind, &page.rows, now, sweep).await?;
        if repeating {
            changed.extend(page.all());
        }
        if matches!(progress, Progress::Walked(_)) {
            let (known, unseen) = tx.sweep_unseen(kind, sweep).await?;
            if is_believable(known, unseen) {
                changed.extend(tx.sweep_finish(kind, sweep).await?);
                if stream == Stream::Parties {
                    // What the CRM refused may be welcome by now: people change its settings too.
                    let refused = tx.held_parties("refused").await?;
                    tx.enqueue(&refused, Class::Audit, now, TRY_AGAIN).await?;
                    // Whoever else might have been that company may be gone.
                    let unsure = tx.held_parties("ambiguous").await?;
                    tx.enqueue(&unsure, Class::Audit, now, "asked about before").await?;
                }
            } else {
                tracing::warn!(stream = stream.name(), known, unseen, "a sweep is not believed");
                disbelieved = Some(Event::Implausible { stream: stream.name(), known, unseen });
            }
        }
        asked += self.enqueue_changed(&mut tx, (kind, &changed), (class, origin), now).await?;
        tx.put_cursor(stream.name(), &state, now).await?;
        tx.commit().await?;

        let complete = !state.cursor.is_reading();
        if complete {
            self.forced.retain(|forced| *forced != stream);
        }
        self.tell_page(stream, read, asked, complete, page.lost);
        if let Some(event) = disbelieved {
            self.watch.see(event);
        }
        if progress == Progress::Stuck {
            self.tell_stuck(stream);
        }
        Ok(())
    }

    /// Stages rows that are not the last of their page; the cursor passes the page with the last. Gives how many parties are
    /// looked at for it.
    async fn stage_part(
        &self,
        stream: Stream,
        state: &ErpStream,
        part: &StagedPage,
        now: Timestamp,
    ) -> Result<usize, EngineError> {
        let kind = kind_of(stream);
        let mut tx = self.write().await?;
        let mut changed = stage(&mut tx, kind, &part.rows, now, state.rhythm.sweep).await?;
        if state.repeating {
            changed.extend(part.all());
        }
        let asked = self.enqueue_changed(&mut tx, (kind, &changed), asking(state), now).await?;
        tx.commit().await?;
        Ok(asked)
    }

    /// Asks for a look at those whom changed rows speak about. Gives how many parties these are.
    async fn enqueue_changed(
        &self,
        tx: &mut Tx,
        (kind, changed): (StagedKind, &[Changed]),
        (class, origin): (Class, &'static str),
        now: Timestamp,
    ) -> Result<usize, EngineError> {
        let keys = with_targets(tx, keys_of(kind, changed)).await?;
        tx.enqueue(&keys, class, now, origin).await?;
        self.enqueue_daughters_of(tx, kind, &keys, class, now).await?;
        Ok(keys.len())
    }

    /// Asks for a look at those who show the names of these parties as their parents.
    pub(crate) async fn enqueue_daughters_of(
        &self,
        tx: &mut Tx,
        kind: StagedKind,
        parties: &[PartyId],
        class: Class,
        now: Timestamp,
    ) -> Result<(), EngineError> {
        if kind == StagedKind::Party && self.settings.policy.fields.has(Field::Parent) && !parties.is_empty()
        {
            let relatives = tx.relatives(parties).await?;
            tx.enqueue(&relatives, class, now, "a parent was changed").await?;
        }
        Ok(())
    }

    /// Asks for the next page of a stream of the ERP; none when it failed, which is noted.
    pub(crate) async fn erp_page(
        &mut self,
        stream: Stream,
        state: &ErpStream,
    ) -> Result<Option<StagedPage>, EngineError> {
        let Some(read) = state.cursor.next_read() else { return Ok(None) };
        let erp = self.erp.clone();
        let page = match stream {
            Stream::Accounts => {
                self.terms_checked = false;
                let page = self.meanwhile(erp.accounts(read)).await?;
                stage_page(page, |a| (a.id.0, a.updated_at), staging::account)
            }
            Stream::Parties | Stream::Relations | Stream::Terms | Stream::Orgs | Stream::Deals => {
                let page = self.meanwhile(erp.parties(read)).await?;
                stage_page(page, |p| (p.id.0, p.updated_at), staging::party)
            }
        };
        match page {
            Ok(page) => {
                self.erp_pauses.answered();
                Ok(Some(page))
            }
            Err(error) => {
                self.side_failed(Side::Erp, &error);
                Ok(None)
            }
        }
    }

    /// Notes that a page led nowhere.
    pub(crate) fn tell_stuck(&mut self, stream: Stream) {
        let message = "a page says that more follows but gives nothing to continue from";
        let kind = sync_core::error::ErrorKind::Unreadable;
        let error = sync_core::error::CallError::without_effect(stream.name(), kind, message);
        self.side_failed(Side::Erp, &error);
        self.watch.see(Event::Stuck { stream: stream.name() });
    }

    pub(crate) fn tell_page(
        &self,
        stream: Stream,
        rows: usize,
        enqueued: usize,
        complete: bool,
        lost: Vec<sync_core::model::Malformed>,
    ) {
        for record in lost {
            tracing::warn!(
                stream = stream.name(),
                reason = record.reason,
                "a record without a readable id was left out"
            );
            self.watch.see(Event::Unreadable { stream: stream.name(), record });
        }
        tracing::debug!(stream = stream.name(), rows, enqueued, complete, "page staged");
        self.watch.see(Event::Page { stream: stream.name(), rows, enqueued, complete });
    }
}

pub(crate) fn kind_of(stream: Stream) -> StagedKind {
    match stream {
        Stream::Accounts => StagedKind::Account,
        Stream::Parties => StagedKind::Party,
        Stream::Relations => StagedKind::Relation,
        Stream::Terms => StagedKind::Terms,
        Stream::Orgs => StagedKind::Org,
        Stream::Deals => StagedKind::Deal,
    }
}

/// How urgent the keys of the page under way are, and who asks for them.
pub(crate) fn asking(state: &ErpStream) -> (Class, &'static str) {
    match state.cursor {
        _ if state.repeating => (Class::Backfill, "resync"),
        ErpCursor::Walk { .. } => (Class::Backfill, "erp sweep"),
        ErpCursor::New | ErpCursor::Idle { .. } | ErpCursor::Window { .. } => (Class::Edit, "erp poll"),
    }
}

/// What an alias says is shown by the organization of the party that it is an alias of.
pub(crate) async fn with_targets(tx: &mut Tx, mut keys: Vec<PartyId>) -> Result<Vec<PartyId>, EngineError> {
    keys.extend(tx.alias_targets(&keys).await?.into_values());
    Ok(keys)
}

/// Whether a sweep that saw so little may declare the rest missing. A user without data access is shown an empty 200
/// (oracle-fusion.md 4.8): half of all records gone at once is a role taken away, not a clean-up.
pub(crate) fn is_believable(known: u64, unseen: u64) -> bool {
    known > 0 && (unseen < FEW || unseen * 2 <= known)
}

/// So many records may be gone at once, however few there are.
const FEW: u64 = 10;

/// The parties that changed rows speak about.
pub(crate) fn keys_of(kind: StagedKind, changed: &[Changed]) -> Vec<PartyId> {
    let mut keys: Vec<PartyId> = Vec::with_capacity(changed.len());
    for row in changed {
        match kind {
            StagedKind::Party => keys.push(PartyId(row.id)),
            StagedKind::Account
            | StagedKind::Org
            | StagedKind::Relation
            | StagedKind::Terms
            | StagedKind::Deal
            | StagedKind::CreditMemo
            | StagedKind::Invoice
            | StagedKind::PurchaseOrder
            | StagedKind::SalesOrder
            | StagedKind::Installments => {
                keys.extend(row.party.map(PartyId));
                keys.extend(row.was_party.filter(|was| Some(*was) != row.party).map(PartyId));
            }
        }
    }
    keys.sort_unstable();
    keys.dedup();
    keys
}

fn stage_page<T>(
    page: Called<Page<T>>,
    place: impl Fn(&T) -> (i64, Timestamp),
    row: impl Fn(&T) -> StagedRow,
) -> Called<StagedPage> {
    let Page { rows, more, next: _, server_now } = page?;
    let places: Vec<(Option<i64>, Option<Timestamp>)> = rows
        .iter()
        .map(|seen| match seen {
            Seen::Record(record) => {
                let (id, stamp) = place(record);
                (Some(id), Some(floor_ms(stamp)))
            }
            Seen::Malformed(record) => (record.id, record.updated_at.map(floor_ms)),
        })
        .collect();
    let end = PageEnd {
        last_id: places.iter().rev().find_map(|(id, _)| *id),
        first_stamp: places.iter().find_map(|(_, stamp)| *stamp),
        last_stamp: places.iter().rev().find_map(|(_, stamp)| *stamp),
        more,
    };
    let (rows, lost) = staging::rows(rows, row);
    Ok(StagedPage { rows, lost, end, server_now })
}
