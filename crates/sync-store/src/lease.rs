//! Leases: who may work on a connection. The epoch fences off a holder that was taken for dead.

use sync_core::ids::ConnectionId;

use crate::{Store, StoreError, Tx, tx::Pool};

/// What a holder shows with every write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fence {
    /// The connection.
    pub connection: ConnectionId,
    /// The epoch in which it was taken.
    pub epoch: i64,
}

/// A lease as stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeaseRow {
    /// How the holder calls itself; none if it was given back.
    pub owner: Option<String>,
    /// Grows with every taking.
    pub epoch: i64,
    /// Grows with every sign of life.
    pub heartbeat: i64,
}

impl Store {
    /// The lease of a connection, if it was ever taken.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn lease_look(&self, connection: ConnectionId) -> Result<Option<LeaseRow>, StoreError> {
        let mut tx = self.read(connection).await?;
        let sql = "SELECT epoch, owner, heartbeat FROM lease WHERE connection_id = $1";
        let args = vec![tx.id()];
        tx.fetch_one("lease", sql, args, |row| {
            Ok(LeaseRow {
                epoch: row.int(0, "epoch")?,
                owner: row.maybe_text(1, "owner")?,
                heartbeat: row.int(2, "heartbeat")?,
            })
        })
        .await
    }

    /// Takes the lease if it is still as it was seen. `None`: somebody was faster, or showed a sign of life.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn lease_take(
        &self,
        connection: ConnectionId,
        owner: &str,
        seen: Option<&LeaseRow>,
    ) -> Result<Option<Fence>, StoreError> {
        let mut tx = self.begin(connection).await?;
        let taken = match seen {
            None => {
                let sql = "INSERT INTO lease (connection_id, owner, epoch, heartbeat) VALUES ($1, $2, 1, 0) \
                    ON CONFLICT (connection_id) DO NOTHING RETURNING epoch";
                let args = vec![tx.id(), owner.into()];
                tx.fetch_one("lease", sql, args, |row| row.int(0, "epoch")).await?
            }
            Some(seen) => {
                let sql = "UPDATE lease SET owner = $2, epoch = epoch + 1, heartbeat = heartbeat + 1 \
                    WHERE connection_id = $1 AND epoch = $3 AND heartbeat = $4 RETURNING epoch";
                let args = vec![tx.id(), owner.into(), seen.epoch.into(), seen.heartbeat.into()];
                tx.fetch_one("lease", sql, args, |row| row.int(0, "epoch")).await?
            }
        };
        tx.commit().await?;
        Ok(taken.map(|epoch| Fence { connection, epoch }))
    }

    /// Gives a sign of life.
    ///
    /// # Errors
    /// [`StoreError::Fenced`] when the lease was taken over, or when the database refuses.
    pub async fn lease_renew(&self, fence: &Fence) -> Result<(), StoreError> {
        let sql = "UPDATE lease SET heartbeat = heartbeat + 1 \
            WHERE connection_id = $1 AND epoch = $2 AND owner IS NOT NULL";
        self.lease_change(fence, sql).await
    }

    /// Gives the lease back, so that the next taker need not wait.
    ///
    /// # Errors
    /// [`StoreError::Fenced`] when the lease was taken over, or when the database refuses.
    pub async fn lease_release(&self, fence: &Fence) -> Result<(), StoreError> {
        let sql = "UPDATE lease SET owner = NULL, heartbeat = heartbeat + 1 WHERE connection_id = $1 AND epoch = $2";
        self.lease_change(fence, sql).await
    }

    async fn lease_change(&self, fence: &Fence, sql: &'static str) -> Result<(), StoreError> {
        let mut tx = self.begin(fence.connection).await?;
        let args = vec![tx.id(), fence.epoch.into()];
        let touched = tx.execute(sql, args).await?;
        if touched == 0 {
            return Err(StoreError::Fenced);
        }
        tx.commit().await
    }
}

impl Tx {
    /// Refuses a holder whose lease was taken over. Locks the row, so that a taker waits for this transaction.
    pub(crate) async fn check_fence(&mut self, fence: &Fence) -> Result<(), StoreError> {
        // An update locks the row on PostgreSQL; on SQLite BEGIN IMMEDIATE has locked everything already.
        let sql = match self.pool {
            Pool::Sqlite(_) => "SELECT epoch FROM lease WHERE connection_id = $1 AND epoch = $2",
            Pool::Postgres(_) => "SELECT epoch FROM lease WHERE connection_id = $1 AND epoch = $2 FOR SHARE",
        };
        let args = vec![self.id(), fence.epoch.into()];
        let held = self.fetch_one("lease", sql, args, |row| row.int(0, "epoch")).await?;
        held.map(|_| ()).ok_or(StoreError::Fenced)
    }
}
