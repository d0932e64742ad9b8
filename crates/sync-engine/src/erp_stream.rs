//! Reading the ERP: one page a step, staged together with the cursor that passes it.

use jiff::Timestamp;
use sync_core::{
    budget::Class,
    ids::PartyId,
    model::{Page, Seen},
    poll::{ErpCursor, PageEnd, Progress, floor_ms},
    ports::Called,
};
use sync_store::{Changed, StagedKind, StagedRow};

use crate::{
    Engine, EngineError,
    pause::Side,
    staging,
    streams::{ErpStream, Stream},
    watch::Event,
};

/// A page whose records are rows already.
struct StagedPage {
    rows: Vec<StagedRow>,
    lost: Vec<sync_core::model::Malformed>,
    end: PageEnd,
    server_now: Timestamp,
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
    fn due(&self, stream: Stream, mut state: ErpStream, now: Timestamp) -> Option<ErpStream> {
        if state.cursor.is_reading() {
            return Some(state);
        }
        let rhythm = &mut state.rhythm;
        let forced = self.forced.contains(&stream);
        if forced || rhythm.next_poll(self.settings.poll_every, now) <= now {
            state.cursor = state.cursor.begin_poll(self.settings.pace);
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
        let Some(read) = state.cursor.next_read() else { return Ok(()) };
        let page = match stream {
            Stream::Accounts => {
                stage_page(self.erp.accounts(read).await, |a| (a.id.0, a.updated_at), staging::account)
            }
            Stream::Parties | Stream::Relations | Stream::Orgs => {
                stage_page(self.erp.parties(read).await, |p| (p.id.0, p.updated_at), staging::party)
            }
        };
        let page = match page {
            Ok(page) => page,
            Err(error) => {
                self.side_failed(Side::Erp, &error);
                return Ok(());
            }
        };
        self.erp_pauses.answered();

        let walking = matches!(state.cursor, ErpCursor::Walk { .. });
        let progress = state.cursor.after_page(page.end, page.server_now, self.settings.pace);
        let rhythm = &mut state.rhythm;
        rhythm.began.get_or_insert(page.server_now);
        let kind = if stream == Stream::Accounts { StagedKind::Account } else { StagedKind::Party };

        let mut tx = self.write().await?;
        let mut disbelieved = None;
        let mut changed = tx.stage(kind, &page.rows, now, rhythm.sweep).await?;
        match progress {
            Progress::Going(cursor) => state.cursor = cursor,
            Progress::Polled(cursor) => {
                state.cursor = cursor;
                rhythm.polled_at = Some(now);
            }
            Progress::Walked(cursor) => {
                state.cursor = cursor;
                rhythm.swept_at = Some(now);
                rhythm.polled_at.get_or_insert(now);
                let (known, unseen) = tx.sweep_unseen(kind, rhythm.sweep).await?;
                if is_believable(known, unseen) {
                    changed.extend(tx.sweep_finish(kind, rhythm.sweep).await?);
                } else {
                    tracing::warn!(stream = stream.name(), known, unseen, "a sweep is not believed");
                    disbelieved = Some(Event::Implausible { stream: stream.name(), known, unseen });
                }
            }
            Progress::Stuck => {
                // The page is kept; the same place is asked again when the side is open again.
                rhythm.polled_at = Some(now);
            }
        }
        let mut keys = keys_of(kind, &changed);
        // What an alias says is shown by the organization of the party that it is an alias of.
        keys.extend(tx.alias_targets(&keys).await?.into_values());
        let origin = if walking { "erp sweep" } else { "erp poll" };
        let class = if walking { Class::Backfill } else { Class::Edit };
        tx.enqueue(&keys, class, now, origin).await?;
        tx.put_cursor(stream.name(), &state, now).await?;
        tx.commit().await?;

        let complete = !state.cursor.is_reading();
        if complete {
            self.forced.retain(|forced| *forced != stream);
        }
        self.tell_page(stream, page.rows.len(), keys.len(), complete, page.lost);
        if let Some(event) = disbelieved {
            self.watch.see(event);
        }
        if progress == Progress::Stuck {
            self.tell_stuck(stream);
        }
        Ok(())
    }

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
            StagedKind::Account | StagedKind::Org | StagedKind::Relation => {
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
