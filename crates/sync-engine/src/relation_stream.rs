//! Reading the ERP's relationships: a walk over all parties by id, at the sweep's rhythm. A relationship need not move
//! the stamp of any party, so that no window would find it.

use jiff::{Timestamp, tz::TimeZone};
use sync_core::{
    budget::Class,
    hierarchy::{ErpLink, HierarchyRule},
    ids::PartyId,
    model::{Malformed, Seen},
    ports::LinkPage,
};
use sync_store::{Changed, StagedKind, StagedRow, Tx};

use crate::{
    Engine, EngineError,
    erp_stream::{is_believable, keys_of},
    family::circles,
    pause::Side,
    staging,
    streams::{RelationCursor, RelationStream, Stream},
    watch::Event,
};

/// Key of the hold of a circle: whoever is in one is looked at again when any relationship has changed.
const CIRCLE: &str = "relation_cycle";

/// What a page of a walk led past.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Passed {
    /// Some parties; more follow.
    Some,
    /// All parties.
    All,
    /// Nothing: it says that more follows, and gives nothing to continue from.
    Nothing,
}

impl RelationStream {
    pub(crate) fn next_due(&self, every: jiff::SignedDuration, now: Timestamp) -> Timestamp {
        match self.cursor {
            RelationCursor::New | RelationCursor::Walk { .. } => now,
            RelationCursor::Idle => self.rhythm.next_sweep(every, now),
        }
    }

    /// The state with which to read on, if something is under way or due.
    pub(crate) fn due(mut self, every: jiff::SignedDuration, now: Timestamp) -> Option<(Self, PartyId)> {
        let after = match self.cursor {
            RelationCursor::Walk { after } => after,
            RelationCursor::New => PartyId(0),
            RelationCursor::Idle if self.rhythm.next_sweep(every, now) <= now => {
                self.rhythm.sweep += 1;
                PartyId(0)
            }
            RelationCursor::Idle => return None,
        };
        self.cursor = RelationCursor::Walk { after };
        Some((self, after))
    }

    /// Takes over where a page has led to. Stuck, the same place is asked again when the side is open again.
    pub(crate) fn passes(
        &mut self,
        after: PartyId,
        last: Option<PartyId>,
        more: bool,
        now: Timestamp,
    ) -> Passed {
        match last.filter(|last| more && *last > after) {
            Some(after) => {
                self.cursor = RelationCursor::Walk { after };
                Passed::Some
            }
            None if more => Passed::Nothing,
            None => {
                self.cursor = RelationCursor::Idle;
                self.rhythm.swept_at = Some(now);
                Passed::All
            }
        }
    }
}

impl Engine {
    /// Reads the next page of relationships, if they are wanted and it is due. Tells whether it tried.
    pub(crate) async fn read_relations(&mut self, now: Timestamp) -> Result<bool, EngineError> {
        let Some(rule) = self.settings.policy.hierarchy.clone() else { return Ok(false) };
        if !self.erp_is_open(now) {
            return Ok(false);
        }
        let mut tx = self.store.read(self.connection()).await?;
        let state: RelationStream = tx.cursor(Stream::Relations.name()).await?.unwrap_or_default();
        drop(tx);
        let Some((state, after)) = state.due(self.settings.sweep_every, now) else { return Ok(false) };
        let erp = self.erp.clone();
        match self.meanwhile(erp.links(after)).await? {
            Ok(page) => {
                self.erp_pauses.answered();
                self.stage_relations(&rule, state, (after, page), now).await?;
            }
            Err(error) => self.side_failed(Side::Erp, &error),
        }
        Ok(true)
    }

    async fn stage_relations(
        &mut self,
        rule: &HierarchyRule,
        mut state: RelationStream,
        (after, page): (PartyId, LinkPage),
        now: Timestamp,
    ) -> Result<(), EngineError> {
        let LinkPage { rows, last, more, server_now } = page;
        let (rows, lost) = rows_of(rule, rows, server_now);
        state.rhythm.began.get_or_insert(server_now);
        let mut tx = self.write().await?;
        let mut changed = tx.stage(StagedKind::Relation, &rows, now, state.rhythm.sweep).await?;
        let mut disbelieved = None;
        let passed = state.passes(after, last, more, now);
        if passed == Passed::All {
            let rhythm = &state.rhythm;
            let (known, unseen) = tx.sweep_unseen(StagedKind::Relation, rhythm.sweep).await?;
            if is_believable(known, unseen) {
                changed.extend(tx.sweep_finish(StagedKind::Relation, rhythm.sweep).await?);
            } else if unseen > 0 {
                let stream = Stream::Relations.name();
                tracing::warn!(stream, known, unseen, "a sweep is not believed");
                disbelieved = Some(Event::Implausible { stream, known, unseen });
            }
        }
        let keys = enqueue_daughters(&mut tx, &changed, now).await?;
        tx.put_cursor(Stream::Relations.name(), &state, now).await?;
        tx.commit().await?;

        self.tell_page(Stream::Relations, rows.len(), keys, passed == Passed::All, lost);
        if let Some(event) = disbelieved {
            self.watch.see(event);
        }
        if passed == Passed::Nothing {
            self.tell_stuck(Stream::Relations);
        }
        Ok(())
    }
}

/// Asks for a look at the daughters of changed relationships, and at whoever is in a circle with them. Gives how many there
/// are.
pub(crate) async fn enqueue_daughters(
    tx: &mut Tx,
    changed: &[Changed],
    now: Timestamp,
) -> Result<usize, EngineError> {
    let mut keys = keys_of(StagedKind::Relation, changed);
    if !changed.is_empty() {
        // One row closes a circle for all of its members, and breaks it for all.
        let closed = circles(tx, &keys).await?;
        keys.extend(closed);
        keys.extend(tx.held_parties(CIRCLE).await?);
        keys.sort_unstable();
        keys.dedup();
    }
    tx.enqueue(&keys, Class::Backfill, now, "erp relationships").await?;
    Ok(keys.len())
}

/// The rows of parents and daughters; each relationship may come twice, and says the same both times.
pub(crate) fn rows_of(
    rule: &HierarchyRule,
    links: Vec<Seen<ErpLink>>,
    server_now: Timestamp,
) -> (Vec<StagedRow>, Vec<Malformed>) {
    let today = server_now.to_zoned(TimeZone::UTC).date();
    let relations = links.into_iter().filter_map(|seen| match seen {
        Seen::Record(link) => rule.relation(&link, today).map(Seen::Record),
        Seen::Malformed(bad) => Some(Seen::Malformed(bad)),
    });
    staging::rows(relations.collect(), staging::relation)
}
