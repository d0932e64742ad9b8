//! What webhooks told of: the records are read again by id, in hundreds, and staged as if a poll had found them.

use jiff::Timestamp;
use sync_core::{
    budget::Class,
    error::{CallError, ErrorKind},
    hooks::HookEntity,
    ids::{DealId, OrgId},
    model::{Page, Seen},
};
use sync_store::{HookedRecord, StagedKind};

use crate::{
    Engine, EngineError,
    crm_stream::stage_orgs,
    deal_stream::{look_at_gone, stage_deals},
    family,
    likeness::parties_near,
    streams::Stream,
};

/// Records read at a time: as many as one request takes (pipedrive.md 1.5).
const AT_A_TIME: u32 = 100;

/// So many may all be gone at once.
const FEW: usize = 5;

/// After so many failures in a row what webhooks told of is left to the poll.
const MOST_FAILURES: u32 = 3;

/// So long events stay to be looked at by people once they were looked into.
pub(crate) const KEPT: jiff::SignedDuration = jiff::SignedDuration::from_hours(7 * 24);

impl Engine {
    /// Notes that webhooks may have told of something.
    pub fn look_into_hooks(&mut self) {
        self.hooks_checked = false;
        self.deals_checked = false;
    }

    /// Reads the organizations that webhooks told of. Tells whether it tried.
    pub(crate) async fn read_hooked(&mut self, now: Timestamp) -> Result<bool, EngineError> {
        if self.hooks_checked || !self.crm_is_open_for(Class::Edit, now) {
            return Ok(false);
        }
        let mut tx = self.store.read(self.connection()).await?;
        // Until all were read once, reading some of them again is no use; nothing is forgotten meanwhile.
        let loaded = self.is_loaded(&mut tx).await?;
        let any = loaded && tx.is_hooked(HookEntity::Organization).await?;
        drop(tx);
        if !any {
            self.hooks_checked = loaded;
            return Ok(false);
        }
        let hooked = self.take_hooked(HookEntity::Organization, now).await?;
        let ids: Vec<OrgId> = hooked.iter().map(|record| OrgId(record.id)).collect();
        let read_at = self.clock.now();
        let rows = match self.crm.orgs_by_id(&ids, Class::Edit).await {
            Ok(rows) => rows,
            Err(error) => {
                self.not_read(HookEntity::Organization, &hooked, &error, now).await?;
                return Ok(true);
            }
        };
        self.hooks_failed = 0;
        self.crm_pauses.answered();
        let gone = gone(&hooked, &rows, |org| org.id.0);
        let page = Page { rows, more: false, next: None, server_now: read_at };
        let mut tx = self.write().await?;
        let mut staged = stage_orgs(&mut tx, page, read_at, self.stage_rules()).await?;
        if !gone.is_empty() {
            let orgs: Vec<OrgId> = gone.iter().copied().map(OrgId).collect();
            let near = parties_near(&mut tx, &orgs).await?;
            staged.keys.extend(near);
            staged.keys.extend(tx.pairs_by_org(&orgs).await?.into_values());
            family::orgs_gone(&mut tx, &gone, now).await?;
            tx.enqueue_asked(&gone, now).await?;
        }
        tx.enqueue(&staged.keys, Class::Edit, now, "webhook").await?;
        tx.hooks_done(HookEntity::Organization, &hooked, now).await?;
        self.note_announced(&mut tx, staged.changed.len(), now).await?;
        tx.commit().await?;
        self.tell_page(Stream::Orgs, staged.rows, staged.keys.len(), true, staged.lost);
        Ok(true)
    }

    /// Reads the deals that webhooks told of, and has what they are about looked at. Tells whether it tried.
    pub(crate) async fn read_hooked_deals(&mut self, now: Timestamp) -> Result<bool, EngineError> {
        if self.deals_checked {
            return Ok(false);
        }
        self.check_lease()?;
        let mut tx = self.store.read(self.connection()).await?;
        let any = tx.is_hooked(HookEntity::Deal).await?;
        drop(tx);
        if !any {
            self.deals_checked = true;
            return Ok(false);
        }
        let Some(crm) = self.deals_port() else {
            self.forget_hooked_deals(now).await?;
            return Ok(false);
        };
        let waits = self.handing.is_some() && self.handed.begun.is_none();
        if waits || !self.crm_is_open_for(Class::Urgent, now) {
            return Ok(false);
        }
        let hooked = self.take_hooked(HookEntity::Deal, now).await?;
        let ids: Vec<DealId> = hooked.iter().map(|record| DealId(record.id)).collect();
        let read_at = self.clock.now();
        let rows = match crm.deals_by_id(&ids, Class::Urgent).await {
            Ok(rows) => rows,
            Err(error) => {
                self.not_read(HookEntity::Deal, &hooked, &error, now).await?;
                return Ok(true);
            }
        };
        self.hooks_failed = 0;
        self.crm_pauses.answered();
        let gone = gone(&hooked, &rows, |deal| deal.id.0);
        let page = Page { rows, more: false, next: None, server_now: read_at };
        let read = page.rows.len();
        let since = self.counting_since().await?.unwrap_or(Timestamp::MAX);
        let mut tx = self.write().await?;
        look_at_gone(&mut tx, &gone, now).await?;
        tx.mark_absent(StagedKind::Deal, &gone).await?;
        let staged = stage_deals(&mut tx, page, read_at, 0, since).await?;
        tx.hooks_done(HookEntity::Deal, &hooked, now).await?;
        self.note_announced(&mut tx, staged.changed.len(), now).await?;
        tx.commit().await?;
        self.tell_page(Stream::Deals, read, staged.asked, true, Vec::new());
        Ok(true)
    }

    /// Nothing follows from deals any more.
    async fn forget_hooked_deals(&mut self, now: Timestamp) -> Result<(), EngineError> {
        loop {
            let hooked = self.take_hooked(HookEntity::Deal, now).await?;
            if hooked.is_empty() {
                break;
            }
            let mut tx = self.write().await?;
            tx.hooks_done(HookEntity::Deal, &hooked, now).await?;
            tx.commit().await?;
        }
        self.deals_checked = true;
        Ok(())
    }

    async fn take_hooked(
        &self,
        entity: HookEntity,
        now: Timestamp,
    ) -> Result<Vec<HookedRecord>, EngineError> {
        let mut tx = self.write().await?;
        let hooked = tx.take_hooked(entity, AT_A_TIME, now).await?;
        tx.commit().await?;
        Ok(hooked)
    }

    /// The records could not be read. Passing trouble passes; what fails again and again, or would, is left to the poll,
    /// so that one record never stands in the way of all others (law 10).
    async fn not_read(
        &mut self,
        entity: HookEntity,
        hooked: &[HookedRecord],
        error: &CallError,
        now: Timestamp,
    ) -> Result<(), EngineError> {
        let (class, stream) = match entity {
            HookEntity::Organization => (Class::Edit, Stream::Orgs),
            HookEntity::Deal => (Class::Urgent, Stream::Deals),
        };
        let hopeless = match error.kind {
            ErrorKind::Exhausted { .. } | ErrorKind::Unauthorized | ErrorKind::UnknownField => {
                self.crm_failed(class, error);
                return Ok(());
            }
            ErrorKind::Transient { .. } => {
                self.crm_failed(class, error);
                self.hooks_failed += 1;
                self.hooks_failed >= MOST_FAILURES
            }
            ErrorKind::Rejected | ErrorKind::Missing | ErrorKind::Unreadable | ErrorKind::Forbidden => true,
        };
        if hopeless {
            tracing::warn!(records = hooked.len(), %error, "what webhooks told of cannot be read by id; it is polled");
            self.hooks_failed = 0;
            let mut tx = self.write().await?;
            tx.hooks_done(entity, hooked, now).await?;
            tx.commit().await?;
            self.forced.push(stream);
        }
        Ok(())
    }
}

/// Those that were asked for and are not there.
fn gone<T>(hooked: &[HookedRecord], rows: &[Seen<T>], id_of: impl Fn(&T) -> i64) -> Vec<i64> {
    let seen = |id: i64| {
        rows.iter().any(|seen| match seen {
            Seen::Record(record) => id_of(record) == id,
            Seen::Malformed(record) => record.id == Some(id),
        })
    };
    // A record without a readable id may be any of those that seem to be missing: the sweep will tell. Nor is it believed
    // that many are gone and not one of them is there.
    let nameless = rows.iter().any(|seen| matches!(seen, Seen::Malformed(record) if record.id.is_none()));
    if nameless || (rows.is_empty() && hooked.len() > FEW) {
        let (asked, read) = (hooked.len(), rows.len());
        tracing::warn!(asked, read, "whether some records are gone is left to the next walk");
        return Vec::new();
    }
    hooked.iter().map(|record| record.id).filter(|id| !seen(*id)).collect()
}
