//! Reading the CRM: what people changed there, and what is no longer there.

use std::collections::BTreeMap;

use jiff::Timestamp;
use sync_core::{
    budget::Class,
    ids::{OrgId, PartyId},
    model::{CrmOrg, Page, Seen},
};
use sync_store::{Changed, StagedKind, Tx};

use crate::{
    Engine, EngineError, Settings,
    likeness::{note_changed, parties_near},
    pause::Side,
    staging,
    streams::{CrmCursor, CrmStream, Stream},
};

/// What a page makes due.
struct Staged {
    keys: Vec<PartyId>,
    rows: usize,
    lost: Vec<sync_core::model::Malformed>,
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

    pub(crate) fn next_due(&self, settings: &Settings, now: Timestamp) -> Timestamp {
        match self.cursor {
            CrmCursor::New | CrmCursor::Walk { .. } | CrmCursor::Window { .. } => now,
            CrmCursor::Idle { .. } => {
                let poll = self.rhythm.next_poll(settings.crm_poll_every, now);
                poll.min(self.rhythm.next_sweep(settings.sweep_every, now))
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

    pub(crate) fn due_orgs(&self, mut state: CrmStream, now: Timestamp) -> Option<CrmStream> {
        let forced = self.forced.contains(&Stream::Orgs);
        match state.cursor {
            CrmCursor::Walk { .. } | CrmCursor::Window { .. } => Some(state),
            CrmCursor::New => {
                state.cursor = CrmCursor::Walk { next: None, began: None, watermark: None };
                Some(state)
            }
            CrmCursor::Idle { watermark } => {
                let rhythm = &mut state.rhythm;
                if forced || rhythm.next_poll(self.settings.crm_poll_every, now) <= now {
                    let from = watermark - self.settings.crm_overlap;
                    state.cursor = CrmCursor::Window { from, end: None, next: None };
                    rhythm.began = None;
                    Some(state)
                } else if rhythm.next_sweep(self.settings.sweep_every, now) <= now {
                    rhythm.sweep += 1;
                    state.cursor = CrmCursor::Walk { next: None, began: None, watermark: Some(watermark) };
                    Some(state)
                } else {
                    None
                }
            }
        }
    }

    async fn read_orgs(&mut self, mut state: CrmStream, now: Timestamp) -> Result<(), EngineError> {
        let (read_at, class) = (self.clock.now(), state.class());
        let answer = match &state.cursor {
            CrmCursor::Walk { next, .. } => self.crm.orgs_walk(next.clone(), class).await,
            CrmCursor::Window { from, next, .. } => self.crm.orgs_changed(*from, next.clone(), class).await,
            CrmCursor::New | CrmCursor::Idle { .. } => return Ok(()),
        };
        let page = match answer {
            Ok(page) => page,
            Err(error) => {
                self.crm_failed(class, &error);
                return self.restart_refused_cursor(state, &error, now).await;
            }
        };
        self.crm_pauses.answered();
        let newest = page.rows.iter().rev().find_map(|seen| match seen {
            Seen::Record(org) => Some(org.updated_at),
            Seen::Malformed(record) => record.updated_at,
        });
        let (more, next, server_now) = (page.more && page.next.is_some(), page.next.clone(), page.server_now);
        state.rhythm.began.get_or_insert(server_now);

        let mut tx = self.write().await?;
        let mut staged = stage_orgs(&mut tx, page, read_at, state.rhythm.sweep).await?;
        let safety = self.settings.pace.safety;
        state.cursor = match state.cursor {
            CrmCursor::Walk { began, watermark, .. } => {
                let began = began.unwrap_or(server_now);
                if more {
                    CrmCursor::Walk { next, began: Some(began), watermark }
                } else {
                    state.rhythm.swept_at = Some(now);
                    state.rhythm.polled_at.get_or_insert(now);
                    let gone = tx.sweep_finish(StagedKind::Org, state.rhythm.sweep).await?;
                    staged.keys.extend(keys_of(&mut tx, &gone).await?);
                    CrmCursor::Idle { watermark: watermark.unwrap_or(began - safety) }
                }
            }
            CrmCursor::Window { from, end, .. } => {
                let end = end.unwrap_or(server_now - safety);
                // Rows that change while we read move to the end of the window; we need not chase them.
                if more && newest.is_none_or(|newest| newest < end) {
                    CrmCursor::Window { from, end: Some(end), next }
                } else {
                    state.rhythm.polled_at = Some(now);
                    CrmCursor::Idle { watermark: end }
                }
            }
            idle @ (CrmCursor::New | CrmCursor::Idle { .. }) => idle,
        };
        tx.enqueue(&staged.keys, Class::Edit, now, "crm poll").await?;
        tx.put_cursor(Stream::Orgs.name(), &state, now).await?;
        tx.commit().await?;

        let complete = matches!(state.cursor, CrmCursor::Idle { .. });
        if complete {
            self.forced.retain(|forced| *forced != Stream::Orgs);
        }
        self.tell_page(Stream::Orgs, staged.rows, staged.keys.len(), complete, staged.lost);
        Ok(())
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
        match &mut state.cursor {
            CrmCursor::Walk { next, .. } | CrmCursor::Window { next, .. } => *next = None,
            CrmCursor::New | CrmCursor::Idle { .. } => {}
        }
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

async fn stage_orgs(
    tx: &mut Tx,
    page: Page<CrmOrg>,
    read_at: Timestamp,
    sweep: i64,
) -> Result<Staged, EngineError> {
    let values: BTreeMap<OrgId, CrmOrg> = page
        .rows
        .iter()
        .filter_map(|seen| match seen {
            Seen::Record(org) => Some((org.id, org.clone())),
            Seen::Malformed(_) => None,
        })
        .collect();
    let (rows, lost) = staging::rows(page.rows, staging::org);
    let changed = tx.stage(StagedKind::Org, &rows, read_at, sweep).await?;
    let before = free_of(tx, &changed).await?;
    let mut keys = parties_near(tx, &before).await?;
    note_changed(tx, StagedKind::Org, &rows, &changed).await?;
    keys.extend(parties_near(tx, &before).await?);
    keys.extend(keys_unless_echo(tx, &changed, &values).await?);
    keys.sort_unstable();
    keys.dedup();
    Ok(Staged { keys, rows: rows.len(), lost })
}

/// The parties concerned by changed organizations, leaving out our own writes come back: what an organization says
/// is what the mirror already says.
async fn keys_unless_echo(
    tx: &mut Tx,
    changed: &[Changed],
    orgs: &BTreeMap<OrgId, CrmOrg>,
) -> Result<Vec<PartyId>, EngineError> {
    let ids: Vec<OrgId> = changed.iter().map(|row| OrgId(row.id)).collect();
    let parties = tx.pairs_by_org(&ids).await?;
    let of_pairs: Vec<PartyId> = parties.values().copied().collect();
    let pairs = tx.pairs_by_party(&of_pairs).await?;
    let mut keys = Vec::new();
    for row in changed {
        let id = OrgId(row.id);
        let pair = parties.get(&id).and_then(|party| pairs.get(party));
        let echo = pair.is_some_and(|pair| orgs.get(&id).is_some_and(|org| org.values == pair.crm_mirror));
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
