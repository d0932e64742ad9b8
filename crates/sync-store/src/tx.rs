//! A transaction on either database, and the four ways in which the tables use it.

use std::sync::Arc;

use sqlx::{Postgres, Sqlite, Transaction};
use sync_core::ids::ConnectionId;

use crate::{
    StoreError,
    gate::Meter,
    sql::{Arg, Many, Native, Row, exact, padded},
};

/// A transaction about one connection. Dropped without [`Tx::commit`] it is rolled back.
pub struct Tx {
    pub(crate) native: NativeTx,
    pub(crate) connection: ConnectionId,
    pub(crate) meter: Arc<Meter>,
    pub(crate) writes: bool,
}

pub(crate) enum NativeTx {
    Sqlite(Transaction<'static, Sqlite>),
    Postgres(Transaction<'static, Postgres>),
}

/// Runs `$query.$call(..)` with `$args` bound on whichever database the transaction is.
macro_rules! run {
    ($tx:expr, $sql:expr, $args:expr, |$query:ident, $connection:ident, $wrap:ident| $body:expr) => {
        match &mut $tx.native {
            NativeTx::Sqlite(native) => {
                let $connection = &mut **native;
                #[expect(unused_imports, reason = "only a fetch wraps rows")]
                use Native::Sqlite as $wrap;
                let $query = bind!(sqlx::query::<Sqlite>($sql), $args);
                $body
            }
            NativeTx::Postgres(native) => {
                let $connection = &mut **native;
                #[expect(unused_imports, reason = "only a fetch wraps rows")]
                use Native::Postgres as $wrap;
                let $query = bind!(sqlx::query::<Postgres>($sql), $args);
                $body
            }
        }
    };
}

macro_rules! bind {
    ($query:expr, $args:expr) => {{
        let mut query = $query;
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
