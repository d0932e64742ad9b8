//! What webhooks told of: the records are read again by id, in hundreds, and staged as if a poll had found them.

use jiff::Timestamp;
use sync_core::{
    budget::Class,
    error::{CallError, ErrorKind},
    hooks::HookEntity,
    ids::OrgId,
    model::{Page, Seen},
};
use sync_store::{HookedRecord, StagedKind};

use crate::{Engine, EngineError, crm_stream::stage_orgs, likeness::parties_near, streams::Stream};

/// Organizations read at a time: as many as one request takes (pipedrive.md 1.5).
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
        let mut tx = self.write().await?;
        let hooked = tx.take_hooked(HookEntity::Organization, AT_A_TIME, now).await?;
        tx.commit().await?;
        let ids: Vec<OrgId> = hooked.iter().map(|record| OrgId(record.id)).collect();
        let read_at = self.clock.now();
        let rows = match self.crm.orgs_by_id(&ids, Class::Edit).await {
            Ok(rows) => rows,
            Err(error) => {
                self.not_read(&hooked, &error, now).await?;
                return Ok(true);
            }
        };
        self.hooks_failed = 0;
        self.crm_pauses.answered();
        let seen = |id: OrgId| {
            rows.iter().any(|seen| match seen {
                Seen::Record(org) => org.id == id,
                Seen::Malformed(record) => record.id == Some(id.0),
            })
        };
        // A record without a readable id may be any of those that seem to be missing: the sweep will tell.
        let unclear = rows.iter().any(|seen| matches!(seen, Seen::Malformed(record) if record.id.is_none()));
        // Nor is it believed that many are gone and not one of them is there.
        let unclear = unclear || (rows.is_empty() && ids.len() > FEW);
        if unclear {
            tracing::warn!(
                asked = ids.len(),
                read = rows.len(),
                "whether some organizations are gone is left to the next walk"
            );
        }
        let gone: Vec<OrgId> = ids.iter().copied().filter(|id| !unclear && !seen(*id)).collect();
        let page = Page { rows, more: false, next: None, server_now: read_at };
        let mut tx = self.write().await?;
        let mut staged = stage_orgs(&mut tx, page, read_at, self.stage_rules()).await?;
        if !gone.is_empty() {
            let near = parties_near(&mut tx, &gone).await?;
            staged.keys.extend(near);
            staged.keys.extend(tx.pairs_by_org(&gone).await?.into_values());
            let ids: Vec<i64> = gone.iter().map(|org| org.0).collect();
            tx.mark_absent(StagedKind::Org, &ids).await?;
        }
        tx.enqueue(&staged.keys, Class::Edit, now, "webhook").await?;
        tx.hooks_done(HookEntity::Organization, &hooked, now).await?;
        self.note_announced(&mut tx, staged.changed.len(), now).await?;
        tx.commit().await?;
        self.tell_page(Stream::Orgs, staged.rows, staged.keys.len(), true, staged.lost);
        Ok(true)
    }

    /// The records could not be read. Passing trouble passes; what fails again and again, or would, is left to the poll,
    /// so that one record never stands in the way of all others (law 10).
    async fn not_read(
        &mut self,
        hooked: &[HookedRecord],
        error: &CallError,
        now: Timestamp,
    ) -> Result<(), EngineError> {
        let hopeless = match error.kind {
            ErrorKind::Exhausted { .. } | ErrorKind::Unauthorized | ErrorKind::UnknownField => {
                self.crm_failed(Class::Edit, error);
                return Ok(());
            }
            ErrorKind::Transient { .. } => {
                self.crm_failed(Class::Edit, error);
                self.hooks_failed += 1;
                self.hooks_failed >= MOST_FAILURES
            }
            ErrorKind::Rejected | ErrorKind::Missing | ErrorKind::Unreadable | ErrorKind::Forbidden => true,
        };
        if hopeless {
            tracing::warn!(records = hooked.len(), %error, "what webhooks told of cannot be read by id; it is polled");
            self.hooks_failed = 0;
            let mut tx = self.write().await?;
            tx.hooks_done(HookEntity::Organization, hooked, now).await?;
            tx.commit().await?;
            self.forced.push(Stream::Orgs);
        }
        Ok(())
    }
}
