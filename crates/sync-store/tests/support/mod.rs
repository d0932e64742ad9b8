//! Throw-away databases.

use sync_store::{Store, StoreOptions};

/// A store of its own; gone when dropped.
pub(crate) struct Opened {
    pub(crate) store: Store,
    pub(crate) url: String,
    _folder: Option<tempfile::TempDir>,
}

pub(crate) async fn sqlite() -> Opened {
    let folder = tempfile::tempdir().unwrap();
    let url = format!("sqlite://{}", folder.path().join("story.db").display());
    let store = Store::open(&url, StoreOptions { durable: false, gate: None }).await.unwrap();
    Opened { store, url, _folder: Some(folder) }
}

/// A database of its own on the server that the test command started.
pub(crate) async fn postgres(name: &str) -> Opened {
    use sqlx::{Connection as _, Executor as _};
    let server = std::env::var("MLC_TEST_POSTGRES_URL")
        .expect("MLC_TEST_POSTGRES_URL is not set: run the tests with ./test, which starts PostgreSQL");
    let mut admin = sqlx::PgConnection::connect(&server).await.unwrap();
    let name = format!("{name}_{}", std::process::id());
    admin.execute(sqlx::AssertSqlSafe(format!("CREATE DATABASE {name}"))).await.unwrap();
    let url = server.rsplit_once('/').map(|(host, _)| format!("{host}/{name}")).unwrap();
    let store = Store::open(&url, StoreOptions::default()).await.unwrap();
    Opened { store, url, _folder: None }
}
