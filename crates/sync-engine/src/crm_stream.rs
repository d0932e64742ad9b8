//! Reading the CRM: what people changed there, and what is no longer there.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use sync_core::{
    budget::Class,
    hooks::HookEntity,
    ids::{OrgId, PartyId},
    model::{CrmOrg, Page, Seen},
    ports::Called,
};
use sync_store::{Changed, StagedKind, Tx};

use crate::{
    Engine, EngineError,
    facts::{self, Watched},
    family,
    hooked::KEPT,
    likeness::{note_changed, parties_near},
    pause::Side,
    staging,
    streams::{CrmCursor, CrmPageEnd, CrmStream, Stream},
};

/// What a page makes due.
pub(crate) struct Staged {
    pub(crate) keys: Vec<PartyId>,
    pub(crate) rows: usize,
    pub(crate) lost: Vec<sync_core::model::Malformed>,
    /// Organizations whose content is new, and when they say that it changed.
    pub(crate) changed: Vec<(i64, Timestamp)>,
}

impl CrmStream {
    /// What the next page is worth: the first walk stands in the way of everything, later ones only check.
    pub(crate) fn class(&self) -> Class {
        match self.cursor {
            CrmCursor::New | CrmCursor::Walk { watermark: None, .. } => Class::NewCustomer,
            CrmCursor::Walk { watermark: Some(_), .. } => Class::Audit,
            CrmCursor::Window { .. } | CrmCursor::Idle { .. } => Class::Edit,
        }
    }

    pub(crate) fn next_due(
        &self,
        poll_every: SignedDuration,
        sweep_every: SignedDuration,
        now: Timestamp,
    ) -> Timestamp {
        match self.cursor {
            CrmCursor::Idle { .. } if self.again => now,
            CrmCursor::New | CrmCursor::Walk { .. } | CrmCursor::Window { .. } => now,
            CrmCursor::Idle { .. } => {
                let poll = self.rhythm.next_poll(poll_every, now);
                poll.min(self.rhythm.next_sweep(sweep_every, now))
            }
        }
    }
}

impl Engine {
    /// Reads the next page of organizations that is due. Tells whether it tried.
    pub(crate) async fn read_crm(&mut self, now: Timestamp) -> Result<bool, EngineError> {
        if !self.crm_is_open(now) {
            return Ok(false);
        }
        let mut tx = self.store.read(self.connection()).await?;
        let state: CrmStream = tx.cursor(Stream::Orgs.name()).await?.unwrap_or_default();
        drop(tx);
        let Some(state) = self.due_orgs(state, now) else { return Ok(false) };
        if !self.crm_is_open_for(state.class(), now) {
            return Ok(false);
        }
        self.read_orgs(state, now).await?;
        Ok(true)
    }

    pub(crate) fn due_orgs(&self, state: CrmStream, now: Timestamp) -> Option<CrmStream> {
        self.due_in(Stream::Orgs, state, now)
    }

    /// How often a stream of the CRM is polled.
    pub(crate) fn poll_every_of(&self, stream: Stream) -> SignedDuration {
        let entity = if stream == Stream::Deals { HookEntity::Deal } else { HookEntity::Organization };
        self.crm_poll_every(entity)
    }

    /// What is to be read next of a stream of the CRM, if anything is due.
    pub(crate) fn due_in(&self, stream: Stream, mut state: CrmStream, now: Timestamp) -> Option<CrmStream> {
        let forced = self.forced.contains(&stream);
        let every = self.poll_every_of(stream);
        match state.cursor {
            CrmCursor::Walk { .. } | CrmCursor::Window { .. } => Some(state),
            CrmCursor::New => {
                state.begin_walk();
                Some(state)
            }
            // Open deals were never read: documents were switched on after the first walk.
            CrmCursor::Idle { .. }
                if stream == Stream::Deals && self.documents.is_some() && !state.with_open =>
            {
                state.begin_walk();
                Some(state)
            }
            CrmCursor::Idle { .. } if state.again => {
                (state.again, state.repeating) = (false, true);
                state.begin_walk();
                Some(state)
            }
            CrmCursor::Idle { watermark } => {
                let rhythm = &mut state.rhythm;
                if forced || rhythm.next_poll(every, now) <= now {
                    let from = watermark - self.settings.crm_overlap;
                    state.cursor = CrmCursor::Window { from, end: None, next: None };
                    rhythm.began = None;
                    Some(state)
                } else if rhythm.next_sweep(self.settings.sweep_every, now) <= now {
                    state.begin_walk();
                    Some(state)
                } else {
                    None
                }
            }
        }
    }

    async fn read_orgs(&mut self, mut state: CrmStream, now: Timestamp) -> Result<(), EngineError> {
        let read_at = self.clock.now();
        let page = match self.crm_page(&state).await {
            Some(Ok(page)) => self.plants.as_if_newest(page, read_at),
            Some(Err(error)) => return self.restart_refused_cursor(state, &error, now).await,
            None => return Ok(()),
        };
        let (end, sweep, repeating) = (end_of(&page), state.rhythm.sweep, state.repeating);
        let window = matches!(state.cursor, CrmCursor::Window { .. });
        state.rhythm.began.get_or_insert(end.server_now);

        let mut tx = self.write().await?;
        let rules = StageRules { sweep, repeating, ..self.stage_rules() };
        let mut staged = stage_orgs(&mut tx, page, read_at, rules).await?;
        if state.passes(end, self.settings.pace.safety, now) {
            let gone = tx.sweep_finish(StagedKind::Org, sweep).await?;
            staged.keys.extend(keys_of(&mut tx, &gone).await?);
            let gone: Vec<i64> = gone.iter().map(|row| row.id).collect();
            tx.enqueue_asked(&gone, now).await?;
        }
        let complete = matches!(state.cursor, CrmCursor::Idle { .. });
        tx.enqueue(&staged.keys, Class::Edit, now, "crm poll").await?;
        tx.put_cursor(Stream::Orgs.name(), &state, now).await?;
        if complete {
            tx.forget_hooks(now - KEPT).await?;
        }
        tx.commit().await?;

        if window {
            self.note_polled(HookEntity::Organization, &staged.changed, complete, now);
        }
        if complete {
            self.forced.retain(|forced| *forced != Stream::Orgs);
        }
        self.tell_page(Stream::Orgs, staged.rows, staged.keys.len(), complete, staged.lost);
        Ok(())
    }

    /// Asks for the next page of organizations; none when nothing is being read. A failure is noted.
    pub(crate) async fn crm_page(&mut self, state: &CrmStream) -> Option<Called<Page<CrmOrg>>> {
        let class = state.class();
        let answer = match &state.cursor {
            CrmCursor::Walk { next, .. } => self.crm.orgs_walk(next.clone(), class).await,
            CrmCursor::Window { from, next, .. } => self.crm.orgs_changed(*from, next.clone(), class).await,
            CrmCursor::New | CrmCursor::Idle { .. } => return None,
        };
        match &answer {
            Ok(_) => self.crm_pauses.answered(),
            Err(error) => self.crm_failed(class, error),
        }
        Some(answer)
    }

    /// A cursor that the CRM no longer understands (how long they live is undocumented): begin the stretch again.
    async fn restart_refused_cursor(
        &mut self,
        mut state: CrmStream,
        error: &sync_core::error::CallError,
        now: Timestamp,
    ) -> Result<(), EngineError> {
        if error.kind != sync_core::error::ErrorKind::Rejected {
            return Ok(());
        }
        state.restart();
        let mut tx = self.write().await?;
        tx.put_cursor(Stream::Orgs.name(), &state, now).await?;
        tx.commit().await?;
        // Whatever it dislikes, asking again at once will not help.
        let kind = sync_core::error::ErrorKind::Unreadable;
        let retry = sync_core::error::CallError { kind, ..error.clone() };
        self.side_failed(Side::Crm, &retry);
        Ok(())
    }
}

pub(crate) fn end_of(page: &Page<CrmOrg>) -> CrmPageEnd {
    let newest = page.rows.iter().rev().find_map(|seen| match seen {
        Seen::Record(org) => Some(org.updated_at),
        Seen::Malformed(record) => record.updated_at,
    });
    let (more, next, server_now) = (page.more && page.next.is_some(), page.next.clone(), page.server_now);
    CrmPageEnd { more, next, newest, server_now }
}

/// How organizations are staged.
#[derive(Clone, Copy)]
pub(crate) struct StageRules<'a> {
    /// The walk that they come from, 0 for anything else.
    pub(crate) sweep: i64,
    /// Whether what they speak about is looked at again, changed or not.
    pub(crate) repeating: bool,
    /// See [`sync_core::policy::Policy`].
    pub(crate) freshness: SignedDuration,
    /// What they are watched for.
    pub(crate) watched: Option<Watched<'a>>,
}

impl Engine {
    /// How organizations are staged that come from no walk.
    pub(crate) fn stage_rules(&self) -> StageRules<'_> {
        let freshness = self.settings.policy.freshness;
        StageRules { sweep: 0, repeating: false, freshness, watched: self.watched() }
    }
}

/// Stages a page of a list.
pub(crate) async fn stage_orgs(
    tx: &mut Tx,
    page: Page<CrmOrg>,
    read_at: Timestamp,
    rules: StageRules<'_>,
) -> Result<Staged, EngineError> {
    let StageRules { sweep, repeating, freshness, watched } = rules;
    let values: BTreeMap<OrgId, CrmOrg> = page
        .rows
        .iter()
        .filter_map(|seen| match seen {
            Seen::Record(org) => Some((org.id, org.clone())),
            Seen::Malformed(_) => None,
        })
        .collect();
    let (rows, lost) = staging::rows(page.rows, staging::org);
    let was = facts::before(tx, watched, rows.iter().map(|row| row.id)).await?;
    let changed = tx.stage(StagedKind::Org, &rows, read_at, sweep).await?;
    facts::note(tx, watched, was, read_at).await?;
    // Stamps have whole seconds and lists lag: of two versions in one second a list may still show the older one. So it is
    // too old to be written upon, and read again by id first.
    let tied: Vec<i64> = changed.iter().filter(|row| row.tied).map(|row| row.id).collect();
    tx.read_earlier(StagedKind::Org, &tied, read_at - freshness - SignedDuration::from_millis(1)).await?;
    let before = free_of(tx, &changed).await?;
    let mut keys = parties_near(tx, &before).await?;
    note_changed(tx, StagedKind::Org, &rows, &changed).await?;
    keys.extend(parties_near(tx, &before).await?);
    keys.extend(keys_unless_echo(tx, &changed, &values).await?);
    keys.extend(family::relatives_of_returned(tx, &changed).await?);
    if repeating {
        let ids: Vec<OrgId> = rows.iter().map(|row| OrgId(row.id)).collect();
        keys.extend(tx.pairs_by_org(&ids).await?.into_values());
        keys.extend(rows.iter().filter_map(|row| row.party).map(PartyId));
    }
    keys.sort_unstable();
    keys.dedup();
    let ids: Vec<i64> = changed.iter().map(|row| row.id).collect();
    tx.enqueue_asked(&ids, read_at).await?;
    let returned: Vec<i64> = changed.iter().filter(|row| row.returned).map(|row| row.id).collect();
    tx.enqueue_returned(&returned, read_at).await?;
    let stamp = |row: &Changed| values.get(&OrgId(row.id)).map(|org| (row.id, org.updated_at));
    let changed = changed.iter().filter_map(stamp).collect();
    Ok(Staged { keys, rows: rows.len(), lost, changed })
}

/// The parties concerned by changed organizations, leaving out our own writes come back: what an organization says
/// is what the mirror already says.
pub(crate) async fn keys_unless_echo(
    tx: &mut Tx,
    changed: &[Changed],
    orgs: &BTreeMap<OrgId, CrmOrg>,
) -> Result<Vec<PartyId>, EngineError> {
    let ids: Vec<OrgId> = changed.iter().map(|row| OrgId(row.id)).collect();
    let parties = tx.pairs_by_org(&ids).await?;
    let of_pairs: Vec<PartyId> = parties.values().copied().collect();
    let pairs = tx.pairs_by_party(&of_pairs).await?;
    // What a list showed late may be what somebody is asked about: that it says now what it should is news then.
    let held = tx.holds(&of_pairs).await?;
    let mut keys = Vec::new();
    for row in changed {
        let id = OrgId(row.id);
        let pair = parties.get(&id).and_then(|party| pairs.get(party));
        let quiet = pair.filter(|pair| !held.contains_key(&pair.party) && !row.returned);
        let echo = quiet.is_some_and(|pair| orgs.get(&id).is_some_and(|org| org.values == pair.crm_mirror));
        if !echo {
            keys.extend(pair.map(|pair| pair.party));
            keys.extend(row.party.map(PartyId));
            keys.extend(row.was_party.map(PartyId));
        }
    }
    keys.sort_unstable();
    keys.dedup();
    Ok(keys)
}

async fn keys_of(tx: &mut Tx, gone: &[Changed]) -> Result<Vec<PartyId>, EngineError> {
    let ids: Vec<OrgId> = gone.iter().map(|row| OrgId(row.id)).collect();
    let free = free_of(tx, gone).await?;
    let mut keys = parties_near(tx, &free).await?;
    keys.extend(tx.pairs_by_org(&ids).await?.into_values());
    Ok(keys)
}

/// Those of the organizations that belong to nobody, by pair or by the id they carry.
async fn free_of(tx: &mut Tx, orgs: &[Changed]) -> Result<Vec<OrgId>, EngineError> {
    let free = orgs.iter().filter(|row| row.party.is_none()).map(|row| OrgId(row.id));
    let free: Vec<OrgId> = free.collect();
    let paired = tx.pairs_by_org(&free).await?;
    Ok(free.into_iter().filter(|org| !paired.contains_key(org)).collect())
}
