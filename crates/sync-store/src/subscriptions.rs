//! Subscriptions for webhooks that we made, those that ended too.

use jiff::Timestamp;
use sync_core::{hooks::HookEntity, ids::SubscriptionId};

use crate::{
    StoreError, Tx,
    sql::{Many, Row},
};

/// A subscription that we made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OurSubscription {
    /// Its id at the CRM.
    pub id: SubscriptionId,
    /// The kind of record that it tells of; none if a later version asked for it.
    pub entity: Option<HookEntity>,
    /// Digest of the address that it delivers to.
    pub address: String,
    /// When it was made, or found to be there.
    pub made_at: Timestamp,
    /// When its first event came.
    pub proven_at: Option<Timestamp>,
    /// When its latest event came.
    pub heard_at: Option<Timestamp>,
    /// When and why it ended.
    pub ended: Option<(Timestamp, String)>,
}

// The first event proves it, every one shows that it lives.
static HEARD: Many = Many::new(
    "UPDATE subscription SET heard_at = $2, proven_at = COALESCE(proven_at, $2) WHERE connection_id = $1 \
        AND remote_id IN ({rows})",
    "?",
    2,
);

impl Tx {
    /// Notes that events of these subscriptions came in.
    pub(crate) async fn heard_of(&mut self, ids: &[i64], now: Timestamp) -> Result<(), StoreError> {
        let shared = [self.id(), now.into()];
        self.execute_in(&HEARD, &shared, ids).await?;
        Ok(())
    }

    /// Remembers a subscription that was made or found; one that had ended lives again.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn put_subscription(
        &mut self,
        id: SubscriptionId,
        entity: HookEntity,
        address: &str,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let sql = "INSERT INTO subscription (connection_id, remote_id, entity, address, made_at) \
            VALUES ($1, $2, $3, $4, $5) ON CONFLICT (connection_id, remote_id) DO UPDATE SET \
            entity = excluded.entity, address = excluded.address, \
            made_at = excluded.made_at, proven_at = NULL, heard_at = NULL, ended_at = NULL, ended_why = NULL";
        self.execute(sql, vec![self.id(), id.0.into(), entity.key().into(), address.into(), now.into()])
            .await?;
        Ok(())
    }

    /// Notes that a subscription ended, and why.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn end_subscription(
        &mut self,
        id: SubscriptionId,
        why: &str,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let sql = "UPDATE subscription SET ended_at = $3, ended_why = $4 \
            WHERE connection_id = $1 AND remote_id = $2 AND ended_at IS NULL";
        self.execute(sql, vec![self.id(), id.0.into(), now.into(), why.into()]).await?;
        Ok(())
    }

    /// The subscriptions that we made, the newest first: those that live, or the latest `limit` of all.
    ///
    /// # Errors
    /// When the database refuses or a row cannot be read.
    pub async fn subscriptions(
        &mut self,
        living: bool,
        limit: u32,
    ) -> Result<Vec<OurSubscription>, StoreError> {
        let sql = "SELECT remote_id, address, made_at, proven_at, heard_at, ended_at, ended_why, entity FROM subscription \
            WHERE connection_id = $1 AND ($2 = 0 OR ended_at IS NULL) ORDER BY made_at DESC, remote_id DESC LIMIT $3";
        let args = vec![self.id(), i64::from(living).into(), i64::from(limit).into()];
        self.fetch("subscription", sql, args, subscription).await
    }
}

fn subscription(row: &Row<'_>) -> Result<OurSubscription, StoreError> {
    let ended_at = row.maybe_time(5, "ended_at")?;
    let why = row.maybe_text(6, "ended_why")?.unwrap_or_default();
    Ok(OurSubscription {
        id: SubscriptionId(row.int(0, "remote_id")?),
        entity: HookEntity::of_key(&row.text(7, "entity")?),
        address: row.text(1, "address")?,
        made_at: row.time(2, "made_at")?,
        proven_at: row.maybe_time(3, "proven_at")?,
        heard_at: row.maybe_time(4, "heard_at")?,
        ended: ended_at.map(|at| (at, why)),
    })
}
