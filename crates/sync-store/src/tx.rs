//! A transaction on either database, and the few ways in which the tables use it.

use std::sync::Arc;

use jiff::Timestamp;
use sqlx::{PgPool, Postgres, Sqlite, SqlitePool, Transaction};
use sync_core::{budget::Class, ids::ConnectionId};
use tokio::sync::OwnedSemaphorePermit;

use crate::{
    StoreError,
    gate::Meter,
    glance::{Cursors, Glance},
    sql::{Arg, Due, Many, Native, Row, exact, padded},
};

/// A transaction about one connection. Dropped without [`Tx::commit`] it is rolled back.
pub struct Tx {
    pub(crate) pool: Pool,
    /// None until anything was asked.
    pub(crate) native: Option<NativeTx>,
    pub(crate) connection: ConnectionId,
    pub(crate) meter: Arc<Meter>,
    pub(crate) writes: bool,
    /// Where reading stands, by stream, once anybody asked.
    pub(crate) cursors: Option<Cursors>,
    pub(crate) glance: Option<Glance>,
    /// Given back after the transaction has ended: fields are dropped in this order.
    pub(crate) turn: Option<OwnedSemaphorePermit>,
}

pub(crate) enum NativeTx {
    Sqlite(Transaction<'static, Sqlite>),
    Postgres(Transaction<'static, Postgres>),
}

/// Where a transaction begins.
pub(crate) enum Pool {
    Sqlite(SqlitePool),
    Postgres(PgPool),
}

impl Pool {
    pub(crate) async fn begin(&self, meter: &Meter) -> Result<NativeTx, StoreError> {
        let _busy = meter.busy();
        match self {
            Self::Sqlite(pool) => pool.begin().await.map(NativeTx::Sqlite),
            Self::Postgres(pool) => pool.begin().await.map(NativeTx::Postgres),
        }
        .map_err(|error| meter.refused(error))
    }
}

/// A query with its arguments bound, for either driver.
macro_rules! bound {
    ($database:ty, $sql:expr, $args:expr) => {{
        let mut query = sqlx::query::<$database>($sql);
        for arg in $args {
            query = match arg {
                Arg::Int(value) => query.bind(value),
                Arg::Text(value) => query.bind(value),
                Arg::MaybeInt(value) => query.bind(value),
                Arg::MaybeText(value) => query.bind(value),
            };
        }
        query
    }};
}

impl Tx {
    /// The connection it is about.
    #[must_use]
    pub fn connection(&self) -> ConnectionId {
        self.connection
    }

    /// Makes everything durable.
    ///
    /// # Errors
    /// When the database refuses; then nothing was changed.
    pub async fn commit(self) -> Result<(), StoreError> {
        let Self { pool: _, native, connection: _, meter, writes, cursors: _, glance, turn } = self;
        if writes {
            meter.pass("commit.before").await;
        }
        {
            let _busy = meter.busy();
            let done = match native {
                Some(NativeTx::Sqlite(native)) => native.commit().await,
                Some(NativeTx::Postgres(native)) => native.commit().await,
                None => Ok(()),
            };
            // Also where it was refused: perhaps the answer alone was lost.
            if let Some(glance) = glance.filter(|_| writes) {
                glance.forget();
            }
            done.map_err(|error| meter.refused(error))?;
        }
        drop(turn);
        if writes {
            meter.pass("commit.after").await;
        }
        Ok(())
    }

    /// Our own connection's id, as the first argument of every statement.
    pub(crate) fn id(&self) -> Arg {
        Arg::Int(self.connection.0)
    }

    async fn begun(&mut self) -> Result<&mut NativeTx, StoreError> {
        let native = match self.native.take() {
            Some(native) => native,
            None => self.pool.begin(&self.meter).await?,
        };
        Ok(self.native.insert(native))
    }

    /// Runs a statement; tells how many rows it touched.
    pub(crate) async fn execute(&mut self, sql: &'static str, args: Vec<Arg>) -> Result<u64, StoreError> {
        let meter = Arc::clone(&self.meter);
        let native = self.begun().await?;
        let _busy = meter.statement();
        match native {
            NativeTx::Sqlite(native) => {
                bound!(Sqlite, sql, args).execute(&mut **native).await.map(|done| done.rows_affected())
            }
            NativeTx::Postgres(native) => {
                bound!(Postgres, sql, args).execute(&mut **native).await.map(|done| done.rows_affected())
            }
        }
        .map_err(|error| meter.refused(error))
    }

    /// Runs a query and reads its rows.
    pub(crate) async fn fetch<T>(
        &mut self,
        table: &'static str,
        sql: &'static str,
        args: Vec<Arg>,
        read: impl Fn(&Row<'_>) -> Result<T, StoreError>,
    ) -> Result<Vec<T>, StoreError> {
        let meter = Arc::clone(&self.meter);
        let native = self.begun().await?;
        let _busy = meter.statement();
        match native {
            NativeTx::Sqlite(native) => {
                let rows = bound!(Sqlite, sql, args).fetch_all(&mut **native).await;
                let rows = rows.map_err(|error| meter.refused(error))?;
                rows.iter().map(|row| read(&Row { table, native: Native::Sqlite(row) })).collect()
            }
            NativeTx::Postgres(native) => {
                let rows = bound!(Postgres, sql, args).fetch_all(&mut **native).await?;
                rows.iter().map(|row| read(&Row { table, native: Native::Postgres(row) })).collect()
            }
        }
    }

    /// Runs a query that has at most one row.
    pub(crate) async fn fetch_one<T>(
        &mut self,
        table: &'static str,
        sql: &'static str,
        args: Vec<Arg>,
        read: impl Fn(&Row<'_>) -> Result<T, StoreError>,
    ) -> Result<Option<T>, StoreError> {
        Ok(self.fetch(table, sql, args, read).await?.into_iter().next())
    }

    /// When the next row is due that is at least as urgent as `least`.
    pub(crate) async fn next_of(
        &mut self,
        table: &'static str,
        due: &'static Due,
        least: Class,
    ) -> Result<Option<Timestamp>, StoreError> {
        let args = vec![self.id(), least.rank().into()];
        let next = self.fetch_one(table, due.next(), args, |row| row.maybe_time(0, "due_at")).await?;
        Ok(next.flatten())
    }

    /// Runs a statement over many rows, in as few statements as possible.
    pub(crate) async fn execute_many(
        &mut self,
        many: &'static Many,
        shared: &[Arg],
        rows: &[Vec<Arg>],
    ) -> Result<u64, StoreError> {
        let mut touched = 0;
        for (size, chunk) in exact(rows) {
            let args = shared.iter().chain(chunk.iter().flatten()).cloned().collect();
            touched += self.execute(many.text(size), args).await?;
        }
        Ok(touched)
    }

    /// Runs a statement over many rows that tells something of each row it touched, in as few statements as possible.
    pub(crate) async fn fetch_many<T>(
        &mut self,
        table: &'static str,
        many: &'static Many,
        shared: &[Arg],
        rows: &[Vec<Arg>],
        read: impl Fn(&Row<'_>) -> Result<T, StoreError>,
    ) -> Result<Vec<T>, StoreError> {
        let mut found = Vec::new();
        for (size, chunk) in exact(rows) {
            let args = shared.iter().chain(chunk.iter().flatten()).cloned().collect();
            found.extend(self.fetch(table, many.text(size), args, &read).await?);
        }
        Ok(found)
    }

    /// Runs a query with `IN` over many ids, in as few statements as possible.
    pub(crate) async fn fetch_in<T>(
        &mut self,
        table: &'static str,
        many: &'static Many,
        shared: &[Arg],
        ids: &[i64],
        read: impl Fn(&Row<'_>) -> Result<T, StoreError>,
    ) -> Result<Vec<T>, StoreError> {
        let mut found = Vec::new();
        for (size, chunk) in padded(ids) {
            let args = shared.iter().cloned().chain(chunk.into_iter().map(Arg::Int)).collect();
            found.extend(self.fetch(table, many.text(size), args, &read).await?);
        }
        Ok(found)
    }

    /// Runs a statement with `IN` over many ids.
    pub(crate) async fn execute_in(
        &mut self,
        many: &'static Many,
        shared: &[Arg],
        ids: &[i64],
    ) -> Result<u64, StoreError> {
        let mut touched = 0;
        for (size, chunk) in padded(ids) {
            let args = shared.iter().cloned().chain(chunk.into_iter().map(Arg::Int)).collect();
            touched += self.execute(many.text(size), args).await?;
        }
        Ok(touched)
    }

    /// The next `count` numbers of a counter of this connection; returns the first of them.
    pub(crate) async fn numbers(&mut self, name: &'static str, count: usize) -> Result<i64, StoreError> {
        let count = i64::try_from(count).unwrap_or(i64::MAX);
        let sql = "INSERT INTO counter (connection_id, name, value) VALUES ($1, $2, $3) \
            ON CONFLICT (connection_id, name) DO UPDATE SET value = counter.value + excluded.value \
            RETURNING value";
        let last = self
            .fetch_one("counter", sql, vec![self.id(), name.into(), count.into()], |row| row.int(0, "value"))
            .await?;
        Ok(last.unwrap_or(count) - count + 1)
    }
}
