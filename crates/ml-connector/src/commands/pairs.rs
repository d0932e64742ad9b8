//! `pairs list` and `pairs show`

use std::collections::BTreeSet;

use serde::Serialize;
use sync_core::fields::Field;
use sync_core::ids::PartyId;
use sync_core::value::Value;
use sync_store::{ConnectionRow, JournalRow, Store};

use super::Context;
use super::parents::{ShownParent, parents_of};
use crate::cli::{PairsCommand, PairsListArgs, PairsShowArgs};
use crate::exit::{ExitCode, Failed};
use crate::output::table;
use crate::wire::open_store;

#[derive(Serialize)]
struct Listed {
    connection: String,
    party: i64,
    organization: i64,
    name: String,
    updated_at: String,
}

#[derive(Serialize)]
struct Shown {
    connection: String,
    party: i64,
    organization: Option<i64>,
    fields: Vec<ShownField>,
    hold: Option<String>,
    parents: Vec<ShownParent>,
    journal: Vec<Written>,
}

#[derive(Serialize)]
struct ShownField {
    field: String,
    erp: Option<String>,
    crm: Option<String>,
}

#[derive(Serialize)]
struct Written {
    at: String,
    op: String,
    reason: String,
    origin: String,
}

pub(super) async fn run(context: &Context<'_>, command: &PairsCommand) -> anyhow::Result<ExitCode> {
    let config = context.file()?;
    let store = open_store(&config.store).await?;
    let code = match command {
        PairsCommand::List(args) => list(context, &store, args).await?,
        PairsCommand::Show(args) => show(context, &store, args).await?,
    };
    store.close().await;
    Ok(code)
}

pub(super) async fn chosen(store: &Store, name: Option<&str>) -> anyhow::Result<Vec<ConnectionRow>> {
    let mut connections = store.connections().await?;
    connections.retain(|connection| name.is_none_or(|name| name == connection.name));
    match (connections.is_empty(), name) {
        (true, Some(name)) => {
            let failed = Failed::new(ExitCode::Usage, format!("no connection named {name} was ever synced"));
            Err(failed
                .help("run `ml-connector sync` first, or look at the names in the configuration file")
                .into())
        }
        _ => Ok(connections),
    }
}

async fn list(context: &Context<'_>, store: &Store, args: &PairsListArgs) -> anyhow::Result<ExitCode> {
    let mut pairs = Vec::new();
    for connection in chosen(store, args.connection.as_deref()).await? {
        let mut tx = store.read(connection.id).await?;
        for row in tx.list_pairs(args.after.map(PartyId), args.limit).await? {
            pairs.push(Listed {
                connection: connection.name.clone(),
                party: row.pair.party.0,
                organization: row.pair.org.0,
                name: row.pair.crm_mirror.get(&Field::Name).map(Value::text).unwrap_or_default().to_owned(),
                updated_at: format!("{:.0}", row.updated_at),
            });
        }
    }
    context.output.data(&pairs, |pairs| {
        let rows = pairs.iter().map(|pair| {
            [
                pair.connection.clone(),
                pair.party.to_string(),
                pair.organization.to_string(),
                pair.name.clone(),
                pair.updated_at.clone(),
            ]
        });
        table(["connection", "party", "organization", "name", "updated"], &["party", "organization"], rows)
    })?;
    Ok(ExitCode::Ok)
}

async fn show(context: &Context<'_>, store: &Store, args: &PairsShowArgs) -> anyhow::Result<ExitCode> {
    let party = PartyId(args.party);
    let mut found = Vec::new();
    for connection in chosen(store, args.connection.as_deref()).await? {
        let mut tx = store.read(connection.id).await?;
        let pair = tx.pairs_by_party(&[party]).await?.remove(&party);
        let hold = tx.holds(&[party]).await?.remove(&party);
        let journal = tx.journal(Some(party), None, 100).await?;
        let parents = parents_of(&mut tx, party).await?;
        if pair.is_none() && hold.is_none() && journal.is_empty() {
            continue;
        }
        let text = |value: Option<&Value>| value.map(|value| value.text().to_owned());
        let fields = pair.iter().flat_map(|pair| {
            let all: BTreeSet<Field> =
                pair.erp_mirror.keys().chain(pair.crm_mirror.keys()).copied().collect();
            all.into_iter().map(|field| ShownField {
                field: field.key().to_owned(),
                erp: text(pair.erp_mirror.get(&field)),
                crm: text(pair.crm_mirror.get(&field)),
            })
        });
        found.push(Shown {
            connection: connection.name.clone(),
            party: party.0,
            organization: pair.as_ref().map(|pair| pair.org.0),
            fields: fields.collect(),
            hold: hold.map(|hold| hold.explain()),
            parents,
            journal: journal.into_iter().map(written).collect(),
        });
    }
    if found.is_empty() {
        let failed = Failed::new(ExitCode::Usage, format!("nothing is known about party {party}"));
        return Err(failed
            .help("`ml-connector pairs list` lists the parties that have an organization")
            .into());
    }
    context.output.data(&found, |found| found.iter().map(told).collect::<Vec<_>>().join("\n\n"))?;
    Ok(ExitCode::Ok)
}

fn written(row: JournalRow) -> Written {
    let entry = row.entry;
    Written { at: format!("{:.0}", entry.at), op: entry.op, reason: entry.reason, origin: entry.origin }
}

fn told(shown: &Shown) -> String {
    let organization = shown.organization.map_or("none".to_owned(), |org| org.to_string());
    let mut text = format!("{}: party {}, organization {organization}\n", shown.connection, shown.party);
    if let Some(hold) = &shown.hold {
        text.push_str(&format!("waits for a person: {hold}\n"));
    }
    let rows = shown.fields.iter().map(|field| {
        [field.field.clone(), field.erp.clone().unwrap_or_default(), field.crm.clone().unwrap_or_default()]
    });
    text.push_str(&format!("\n{}\n", table(["field", "erp", "crm"], &[], rows)));
    if !shown.parents.is_empty() {
        let rows = shown.parents.iter().map(|parent| {
            let organization = parent.organization.map_or("none".to_owned(), |org| org.to_string());
            [parent.party.to_string(), organization, parent.relation.clone()]
        });
        text.push_str(&format!("\n{}\n", table(["parent", "organization", "relation"], &[], rows)));
    }
    let rows = shown
        .journal
        .iter()
        .map(|entry| [entry.at.clone(), entry.op.clone(), entry.origin.clone(), entry.reason.clone()]);
    text.push_str(&format!("\n{}", table(["at", "write", "because of", "reason"], &[], rows)));
    text
}
