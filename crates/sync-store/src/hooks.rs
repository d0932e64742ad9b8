//! The inbox of webhooks: what was told, by whom it was vouched for, and whether the record was read again since.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};
use sync_core::{
    hooks::{Check, HookEntity, HookEvent},
    ids::ConnectionId,
};

use crate::{Store, StoreError, Tx, sql::Many};

/// An event that somebody vouched for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HookRow {
    /// What it says.
    pub event: HookEvent,
    /// Who vouched for it; at least one.
    pub vouched: Vec<Check>,
    /// The delivery as it came.
    pub body: String,
}

/// An event that came in, for people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HookSeen {
    /// By what it is known.
    pub key: String,
    /// When it came in.
    pub received_at: Timestamp,
    /// What it is about: kind and id.
    pub record: (String, i64),
    /// What happened, in the vendor's word.
    pub action: String,
    /// Who vouched for it.
    pub vouched: String,
    /// When the record was read again.
    pub done_at: Option<Timestamp>,
}

/// A record that events speak of which were not looked into yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HookedRecord {
    /// Its id.
    pub id: i64,
    /// When it was taken to be read again.
    pub taken_at: Timestamp,
}

/// Deliveries of one event are repeated for some minutes (pipedrive.md 5.4). That its id is never used again nobody
/// promises: what comes with it later counts as new.
const SAME_EVENT: SignedDuration = SignedDuration::from_mins(15);

static PUT: Many = Many::new(
    "INSERT INTO hook_event (connection_id, received_at, event, entity, record_id, action, vouched, body, done_at) \
        VALUES {rows} ON CONFLICT (connection_id, event) DO UPDATE SET received_at = excluded.received_at, \
        entity = excluded.entity, record_id = excluded.record_id, action = excluded.action, \
        vouched = excluded.vouched, body = excluded.body, done_at = excluded.done_at, taken_at = NULL WHERE hook_event.received_at < $3",
    "($1, $2, ?, ?, ?, ?, ?, ?, ?)",
    3,
);

static TAKE: Many = Many::new(
    "UPDATE hook_event SET taken_at = $3 WHERE connection_id = $1 AND entity = $2 AND done_at IS NULL \
        AND record_id IN ({rows})",
    "?",
    3,
);

static DONE: Many = Many::new(
    "UPDATE hook_event SET done_at = $3 WHERE connection_id = $1 AND entity = $2 AND done_at IS NULL \
        AND taken_at = $4 AND record_id IN ({rows})",
    "?",
    4,
);

impl Store {
    /// Keeps events, each once; durable when this returns. Needs no lease: whatever process they reach may take them in.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn put_hooks(
        &self,
        connection: ConnectionId,
        rows: &[HookRow],
        now: Timestamp,
    ) -> Result<(), StoreError> {
        // The same event may come twice at a time.
        let rows: BTreeMap<&str, &HookRow> = rows.iter().map(|row| (row.event.key.as_str(), row)).collect();
        let heard: BTreeSet<i64> =
            rows.values().filter_map(|row| row.event.subscription).map(|id| id.0).collect();
        let mergers: Vec<_> =
            rows.values().filter_map(|row| Some((row.event.entity, row.event.merged?))).collect();
        let args: Vec<_> = rows
            .into_values()
            .map(|HookRow { event, vouched, body }| {
                let HookEvent { key, subscription: _, entity, record, action, at: _, urgent, merged: _ } =
                    event;
                let vouched: Vec<&str> = vouched.iter().map(|check| check.key()).collect();
                vec![
                    key.clone().into(),
                    entity.key().into(),
                    (*record).into(),
                    action.clone().into(),
                    vouched.join(" ").into(),
                    body.clone().into(),
                    // What can wait is left to the poll; that it was told of is remembered.
                    (!urgent).then_some(now).into(),
                ]
            })
            .collect();
        let mut tx = self.begin(connection).await?;
        let shared = [tx.id(), now.into(), (now - SAME_EVENT).into()];
        tx.execute_many(&PUT, &shared, &args).await?;
        tx.put_mergers(&mergers, now).await?;
        tx.heard_of(&heard.into_iter().collect::<Vec<_>>(), now).await?;
        tx.commit().await
    }
}

impl Tx {
    /// Whether events speak of records that were not looked into yet.
    ///
    /// # Errors
    /// When the database refuses or a row cannot be read.
    pub async fn is_hooked(&mut self, entity: HookEntity) -> Result<bool, StoreError> {
        let sql = "SELECT record_id FROM hook_event WHERE connection_id = $1 AND entity = $2 AND done_at IS NULL LIMIT 1";
        let args = vec![self.id(), entity.key().into()];
        Ok(self.fetch_one("hook_event", sql, args, |row| row.int(0, "record_id")).await?.is_some())
    }

    /// Takes records that events speak of which were not looked into yet, those that wait longest first. What comes in
    /// from now on is not part of it.
    ///
    /// # Errors
    /// When the database refuses or a row cannot be read.
    pub async fn take_hooked(
        &mut self,
        entity: HookEntity,
        limit: u32,
        now: Timestamp,
    ) -> Result<Vec<HookedRecord>, StoreError> {
        let sql = "SELECT record_id FROM hook_event WHERE connection_id = $1 AND entity = $2 AND done_at IS NULL \
            GROUP BY record_id ORDER BY MIN(received_at), record_id LIMIT $3";
        let args = vec![self.id(), entity.key().into(), i64::from(limit).into()];
        let ids = self.fetch("hook_event", sql, args, |row| row.int(0, "record_id")).await?;
        let shared = [self.id(), entity.key().into(), now.into()];
        self.execute_in(&TAKE, &shared, &ids).await?;
        Ok(ids.into_iter().map(|id| HookedRecord { id, taken_at: now }).collect())
    }

    /// Notes that these records were read again since the events came in. What came in meanwhile stays open.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn hooks_done(
        &mut self,
        entity: HookEntity,
        records: &[HookedRecord],
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let mut by_time: BTreeMap<Timestamp, Vec<i64>> = BTreeMap::new();
        for HookedRecord { id, taken_at } in records {
            by_time.entry(*taken_at).or_default().push(*id);
        }
        for (taken_at, ids) in by_time {
            let shared = [self.id(), entity.key().into(), now.into(), taken_at.into()];
            self.execute_in(&DONE, &shared, &ids).await?;
        }
        Ok(())
    }

    /// The events that are still kept, newest first.
    ///
    /// # Errors
    /// When the database refuses or a row cannot be read.
    pub async fn hook_events(&mut self, limit: u32) -> Result<Vec<HookSeen>, StoreError> {
        let sql = "SELECT event, received_at, entity, record_id, action, vouched, done_at FROM hook_event \
            WHERE connection_id = $1 ORDER BY received_at DESC, event LIMIT $2";
        let args = vec![self.id(), i64::from(limit).into()];
        let seen = |row: &crate::sql::Row<'_>| {
            Ok(HookSeen {
                key: row.text(0, "event")?,
                received_at: row.time(1, "received_at")?,
                record: (row.text(2, "entity")?, row.int(3, "record_id")?),
                action: row.text(4, "action")?,
                vouched: row.text(5, "vouched")?,
                done_at: row.maybe_time(6, "done_at")?,
            })
        };
        self.fetch("hook_event", sql, args, seen).await
    }

    /// When the latest event of each record came in, of those that were not looked into before `since`.
    ///
    /// # Errors
    /// When the database refuses or a row cannot be read.
    pub async fn told_since(
        &mut self,
        entity: HookEntity,
        since: Timestamp,
    ) -> Result<BTreeMap<i64, Timestamp>, StoreError> {
        let sql = "SELECT record_id, MAX(received_at) AS newest FROM hook_event \
            WHERE connection_id = $1 AND entity = $2 AND (done_at IS NULL OR done_at >= $3) GROUP BY record_id";
        let args = vec![self.id(), entity.key().into(), since.into()];
        let record = |row: &crate::sql::Row<'_>| Ok((row.int(0, "record_id")?, row.time(1, "newest")?));
        Ok(self.fetch("hook_event", sql, args, record).await?.into_iter().collect())
    }

    /// Forgets events that were looked into before a time.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn forget_hooks(&mut self, before: Timestamp) -> Result<(), StoreError> {
        let sql = "DELETE FROM hook_event WHERE connection_id = $1 AND done_at < $2";
        self.execute(sql, vec![self.id(), before.into()]).await?;
        Ok(())
    }
}
