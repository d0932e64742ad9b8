//! Deals of the CRM: all that are won by id, then what changes; staged, and their organizations looked at.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};
use sync_core::{
    budget::Class,
    deals::{CrmDeal, DealStatus},
    error::ErrorKind,
    handover::Subject,
    hooks::HookEntity,
    ids::{DealId, OrgId},
    model::{Page, Seen},
    ports::{Called, CrmDeals},
};
use sync_store::{Changed, StagedKind, StagedRow, Tx};

use crate::{
    Engine, EngineError,
    documents::{asks_answered_by, deals_moved},
    handover::counts_since,
    likeness::word_of,
    plants::Plant,
    staging,
    streams::{CrmCursor, CrmPageEnd, CrmStream, Stream},
};

impl Engine {
    /// Reads the next page of deals that is due. Tells whether it tried.
    pub(crate) async fn read_deals(&mut self, now: Timestamp) -> Result<bool, EngineError> {
        let Some(crm) = self.deals_port() else { return Ok(false) };
        let since = match (self.counting_since().await?, &self.handing) {
            (Some(since), _) => since,
            // Whoever switches the flow on reads all of them first.
            (None, Some(_)) => {
                self.forced.retain(|forced| *forced != Stream::Deals);
                return Ok(false);
            }
            // Nothing is handed over for what is won before somebody switches that on.
            (None, None) => Timestamp::MAX,
        };
        if !self.crm_is_open(now) {
            return Ok(false);
        }
        let mut tx = self.store.read(self.connection()).await?;
        let state: CrmStream = tx.cursor(Stream::Deals.name()).await?.unwrap_or_default();
        drop(tx);
        let Some(mut state) = self.due_in(Stream::Deals, state, now) else { return Ok(false) };
        if state.in_open && self.documents.is_none() {
            // Nobody asks about open deals any more: the place in their list means nothing.
            (state.with_open, state.in_open) = (false, false);
            state.restart();
        }
        let class = state.class();
        if !self.crm_is_open_for(class, now) {
            return Ok(false);
        }
        let read_at = self.clock.now();
        let open = self.documents.as_ref().filter(|_| state.in_open).map(|flow| flow.crm.clone());
        let answer = match (open, &state.cursor) {
            (Some(open), CrmCursor::Walk { next, .. }) => Some(open.deals_open(next.clone(), class).await),
            _ => deals_page(crm.as_ref(), &state).await,
        };
        let Some(answer) = answer else { return Ok(false) };
        let page = match answer {
            Ok(page) => page,
            Err(error) => {
                if error.kind == ErrorKind::Rejected {
                    // A cursor that the CRM no longer understands: the stretch is read again.
                    state.restart();
                    let mut tx = self.write().await?;
                    tx.put_cursor(Stream::Deals.name(), &state, now).await?;
                    tx.commit().await?;
                    let kind = ErrorKind::Unreadable;
                    self.crm_failed(class, &sync_core::error::CallError { kind, ..error });
                } else {
                    self.crm_failed(class, &error);
                }
                return Ok(true);
            }
        };
        self.crm_pauses.answered();
        let end = end_of(&page);
        let window = matches!(state.cursor, CrmCursor::Window { .. });
        let sweep = state.rhythm.sweep;
        state.rhythm.began.get_or_insert(end.server_now);
        let rows = page.rows.len();
        let mut tx = self.write().await?;
        let staged = self.stage_listed_deals(&mut tx, page, (read_at, sweep), since).await?;
        let walks_open = self.documents.is_some();
        let walking = matches!(state.cursor, CrmCursor::Walk { .. });
        if walking && !end.more && walks_open && !state.in_open {
            state.walk_open(end.server_now);
        } else if state.passes(end, self.settings.pace.safety, now) {
            (state.with_open, state.in_open) = (state.in_open, false);
            let gone = tx.sweep_finish(StagedKind::Deal, sweep).await?;
            let gone: Vec<i64> = gone.iter().map(|row| row.id).collect();
            look_at_gone(&mut tx, &gone, now).await?;
        }
        let complete = matches!(state.cursor, CrmCursor::Idle { .. });
        tx.put_cursor(Stream::Deals.name(), &state, now).await?;
        tx.commit().await?;
        if window {
            self.note_polled(HookEntity::Deal, &staged.changed, complete, now);
        }
        if complete {
            self.forced.retain(|forced| *forced != Stream::Deals);
        }
        self.tell_page(Stream::Deals, rows, staged.asked, complete, Vec::new());
        Ok(true)
    }

    /// Stages what a list of deals shows. Lists lag: it is no ground for a write before it was read by id.
    pub(crate) async fn stage_listed_deals(
        &self,
        tx: &mut Tx,
        page: Page<CrmDeal>,
        (read_at, sweep): (Timestamp, i64),
        activated_at: Timestamp,
    ) -> Result<StagedDeals, EngineError> {
        let ids: Vec<i64> = page.rows.iter().filter_map(id_of).collect();
        let staged = stage_deals(tx, page, read_at, sweep, activated_at).await?;
        let freshness =
            self.handing.as_ref().map_or(self.settings.policy.freshness, |on| on.policy.freshness);
        let too_old = read_at - freshness - SignedDuration::from_millis(1);
        if !self.plants.has(Plant::DealListBelieved) {
            tx.read_earlier(StagedKind::Deal, &ids, too_old).await?;
        }
        Ok(staged)
    }
}

/// Whoever is handed over for a deal that is gone is looked at again, and so are its documents.
pub(crate) async fn look_at_gone(tx: &mut Tx, gone: &[i64], now: Timestamp) -> Result<(), EngineError> {
    let records = tx.staged(StagedKind::Deal, gone).await?;
    let orgs = records.values().filter_map(|record| record.row.parent.map(OrgId)).collect();
    let deals: Vec<DealId> = gone.iter().copied().map(DealId).collect();
    deals_moved(tx, &deals, &orgs, now, "deal gone").await?;
    for record in records.into_values() {
        let org = record.row.parent.map(|org| Subject::Org(OrgId(org)));
        let subjects = [org, Some(Subject::Deal(DealId(record.row.id)))];
        for subject in subjects.into_iter().flatten() {
            if tx.handover(subject).await?.is_some() {
                tx.enqueue_handovers(&[subject], Class::Urgent, now, "deal gone").await?;
            }
        }
    }
    Ok(())
}

fn id_of(seen: &Seen<CrmDeal>) -> Option<i64> {
    match seen {
        Seen::Record(deal) => Some(deal.id.0),
        Seen::Malformed(record) => record.id,
    }
}

/// What a page of deals makes due.
#[derive(Debug, Default)]
pub(crate) struct StagedDeals {
    /// Looks at handovers that were asked for.
    pub(crate) asked: usize,
    /// Deals whose content is new, and when they say that it changed.
    pub(crate) changed: Vec<(i64, Timestamp)>,
}

/// The next page of a walk over won deals, or of a window of changed ones.
pub(crate) async fn deals_page(crm: &dyn CrmDeals, state: &CrmStream) -> Option<Called<Page<CrmDeal>>> {
    let class = state.class();
    match &state.cursor {
        CrmCursor::Walk { next, .. } => Some(crm.deals_won(next.clone(), class).await),
        CrmCursor::Window { from, next, .. } => Some(crm.deals_changed(*from, next.clone(), class).await),
        CrmCursor::New | CrmCursor::Idle { .. } => None,
    }
}

pub(crate) fn end_of(page: &Page<CrmDeal>) -> CrmPageEnd {
    let newest = page.rows.iter().rev().find_map(|seen| match seen {
        Seen::Record(deal) => Some(deal.updated_at),
        Seen::Malformed(record) => record.updated_at,
    });
    let (more, next, server_now) = (page.more && page.next.is_some(), page.next.clone(), page.server_now);
    CrmPageEnd { more, next, newest, server_now }
}

/// Stages deals and asks for a look at what they are about: what was won since the connection was activated, and whatever
/// is being handed over already.
pub(crate) async fn stage_deals(
    tx: &mut Tx,
    page: Page<CrmDeal>,
    read_at: Timestamp,
    sweep: i64,
    activated_at: Timestamp,
) -> Result<StagedDeals, EngineError> {
    let deals: Vec<CrmDeal> = page
        .rows
        .iter()
        .filter_map(|seen| match seen {
            Seen::Record(deal) => Some(deal.clone()),
            Seen::Malformed(_) => None,
        })
        .collect();
    let (rows, lost) = staging::rows(page.rows, row);
    for record in lost {
        tracing::warn!(reason = record.reason, "a deal without a readable id was left out");
    }
    let changed = tx.stage(StagedKind::Deal, &rows, read_at, sweep).await?;
    note_said(tx, &deals, &changed).await?;
    let by_id: BTreeMap<i64, &CrmDeal> = deals.iter().map(|deal| (deal.id.0, deal)).collect();
    let moved: Vec<DealId> = changed.iter().map(|changed| DealId(changed.id)).collect();
    let now_of = changed.iter().filter_map(|changed| by_id.get(&changed.id)?.org);
    let orgs = now_of.chain(changed.iter().filter_map(|changed| changed.was_parent.map(OrgId))).collect();
    deals_moved(tx, &moved, &orgs, read_at, "deal changed").await?;
    let mut staged = StagedDeals::default();
    for changed in changed {
        let Some(deal) = by_id.get(&changed.id) else { continue };
        staged.changed.push((deal.id.0, deal.updated_at));
        let origin = format!("deal {}", deal.id);
        let won_at = deal.won_at.unwrap_or(deal.updated_at);
        let won = deal.status == DealStatus::Won && !deal.archived && won_at >= activated_at;
        let here = deal.org.map_or(Subject::Deal(deal.id), Subject::Org);
        let before = changed.was_parent.map(|org| Subject::Org(OrgId(org)));
        // A deal that had no organization and has one now, and one that has moved on.
        let others = [before, Some(Subject::Deal(deal.id)), Some(here)];
        for subject in others.into_iter().flatten() {
            if (won && subject == here) || tx.handover(subject).await?.is_some() {
                tx.enqueue_handovers(&[subject], Class::Urgent, read_at, &origin).await?;
                staged.asked += 1;
            }
        }
    }
    Ok(staged)
}

/// Notes by what documents find the deals that changed.
async fn note_said(tx: &mut Tx, deals: &[CrmDeal], changed: &[Changed]) -> Result<(), EngineError> {
    let mut said: BTreeMap<i64, BTreeSet<i64>> = BTreeMap::new();
    for deal in deals.iter().filter(|deal| changed.iter().any(|changed| changed.id == deal.id.0)) {
        let words = asks_answered_by(deal).iter().map(|ask| word_of(&staging::json(ask))).collect();
        said.insert(deal.id.0, words);
    }
    Ok(tx.put_said(StagedKind::Deal, &said).await?)
}

/// The deal as the answer shows it. If nothing but our own fields is new, no poll has to find it changed; whatever a person did
/// meanwhile makes due what it would have made due.
pub(crate) async fn stage_answer(tx: &mut Tx, deal: CrmDeal, now: Timestamp) -> Result<(), EngineError> {
    let row = row(&deal);
    let known = match tx.staged(StagedKind::Deal, &[deal.id.0]).await?.remove(&deal.id.0) {
        Some(known) if known.row.malformed.is_none() => Some(staging::read::<CrmDeal>("deal", &known.row)?),
        Some(_) | None => None,
    };
    let others = |deal: &CrmDeal| {
        let mut deal = deal.clone();
        deal.updated_at = Timestamp::UNIX_EPOCH;
        deal.custom.clear();
        deal.facts.rolled.clear();
        deal.facts.shown.clear();
        deal
    };
    if known.is_some_and(|known| others(&known) == others(&deal)) {
        tx.stage(StagedKind::Deal, &[row], now, 0).await?;
        return Ok(());
    }
    let since = counts_since(tx).await?;
    let page = Page { rows: vec![Seen::Record(deal)], more: false, next: None, server_now: now };
    stage_deals(tx, page, now, 0, since).await?;
    Ok(())
}

pub(crate) fn row(deal: &CrmDeal) -> StagedRow {
    let mut content = CrmDeal { updated_at: Timestamp::UNIX_EPOCH, ..deal.clone() };
    // A field that somebody makes is empty on all deals, and changes none.
    content.custom.retain(|_, value| !value.is_null());
    StagedRow {
        id: deal.id.0,
        party: None,
        parent: deal.org.map(|org| org.0),
        stamp: deal.updated_at,
        hash: staging::digest(&staging::json(&content)),
        body: staging::json(deal),
        malformed: None,
    }
}
