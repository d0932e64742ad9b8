//! `db migrate`

use serde::Serialize;
use sync_store::{Store, StoreOptions};

use super::Context;
use crate::exit::ExitCode;

#[derive(Serialize)]
struct Migrated {
    store: String,
    applied: Vec<String>,
}

pub(super) async fn run(context: &Context<'_>) -> anyhow::Result<ExitCode> {
    let config = context.file()?;
    let store = Store::open(&config.store.url.expose(), StoreOptions::default()).await?;
    let applied = store.migrate().await?;
    store.close().await;
    let applied = applied.into_iter().map(|m| format!("{:04} {}", m.version, m.description)).collect();
    let migrated = Migrated { store: config.store.url.to_string(), applied };
    context.output.data(&migrated, |migrated| match migrated.applied.as_slice() {
        [] => format!("{} is up to date", migrated.store),
        applied => format!("{}: applied {}", migrated.store, applied.join(", ")),
    })?;
    Ok(ExitCode::Ok)
}
