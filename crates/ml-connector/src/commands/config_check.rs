//! `config check`: loads the configuration file and reads every secret of the connections that are switched on.

use serde::Serialize;

use super::Context;
use crate::config::{Authentication, Config, Plan};
use crate::exit::ExitCode;
use crate::output::{table, talk};

#[derive(Serialize)]
struct Checked {
    config: String,
    store: String,
    connections: Vec<CheckedConnection>,
}

#[derive(Serialize)]
struct CheckedConnection {
    name: String,
    enabled: bool,
    erp: String,
    pipedrive: String,
    plan: Plan,
    seats: u32,
}

pub(super) fn run(context: &Context<'_>) -> anyhow::Result<ExitCode> {
    let path = &context.global.config;
    let config = Config::load(path)?;
    config.web.token(context.env)?;
    if let Some(tls) = &config.web.tls {
        tls.load()?;
    }
    if let Some(alerts) = &config.alerts {
        alerts.webhook(context.env)?;
        alerts.ping(context.env)?;
    }
    for connection in config.select(None)? {
        for (_, secret) in connection.secrets()? {
            secret.resolve(context.env)?;
        }
        if let Authentication::Assertion(assertion) = connection.oracle.authentication()? {
            assertion.signer(context.env)?;
        }
    }
    let checked = Checked {
        config: path.display().to_string(),
        store: config.store.url.to_string(),
        connections: config.connections.iter().map(describe).collect(),
    };
    context.output.data(&checked, |checked| {
        let rows = checked.connections.iter().map(|connection| {
            let CheckedConnection { name, enabled, erp, pipedrive, plan: _, seats: _ } = connection;
            let state = if *enabled { "on" } else { "off" };
            [name.clone(), state.to_owned(), erp.clone(), pipedrive.clone()]
        });
        table(["connection", "state", "erp", "pipedrive"], &[], rows)
    })?;
    talk(format_args!("{} is fine; the store is {}", checked.config, checked.store));
    Ok(ExitCode::Ok)
}

fn describe(connection: &crate::config::Connection) -> CheckedConnection {
    CheckedConnection {
        name: connection.name.clone(),
        enabled: connection.enabled,
        erp: connection.oracle.base_url.to_string(),
        pipedrive: connection.pipedrive.base_url.to_string(),
        plan: connection.pipedrive.plan,
        seats: connection.pipedrive.seats,
    }
}
