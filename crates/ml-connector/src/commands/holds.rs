//! `holds list`

use serde::Serialize;

use super::Context;
use crate::config::Config;
use crate::exit::ExitCode;
use crate::output::table;
use crate::wire::open_store;

#[derive(Serialize)]
struct Hold {
    connection: String,
    id: i64,
    party: i64,
    reason: &'static str,
    since: String,
    explanation: String,
}

/// Most holds listed of a connection.
const MOST: u32 = 1_000;

pub(super) async fn run(context: &Context<'_>) -> anyhow::Result<ExitCode> {
    let config = Config::load(&context.global.config)?;
    let store = open_store(&config.store).await?;
    let mut holds = Vec::new();
    for connection in store.connections().await? {
        let mut tx = store.read(connection.id).await?;
        for hold in tx.list_holds(None, None, MOST).await? {
            holds.push(Hold {
                connection: connection.name.clone(),
                id: hold.id,
                party: hold.party.0,
                reason: hold.reason.key(),
                since: format!("{:.0}", hold.opened_at),
                explanation: hold.reason.explain(),
            });
        }
    }
    store.close().await;
    context.output.data(&holds, |holds| {
        let rows = holds.iter().map(|hold| {
            [
                hold.connection.clone(),
                hold.party.to_string(),
                hold.reason.to_owned(),
                hold.since.clone(),
                hold.explanation.clone(),
            ]
        });
        table(["connection", "party", "reason", "since", "what to do"], &["party"], rows)
    })?;
    Ok(ExitCode::Ok)
}
