//! The configuration file: one TOML file, every key documented where it is declared.
//!
//! The doc comments of the sections are the reference: `docs/config.md` and `docs/config.schema.json` are generated
//! from them. Reading has two passes over the same text: serde gives the typed structs, and a tree of spans
//! ([`diagnose::At`]) goes along while they are validated, so that every error points at its value. Secrets are
//! not read here but by [`Secret::resolve`], when they are needed.

mod alerts;
mod assertion;
mod check;
mod connection;
mod customers;
mod diagnose;
mod documents;
mod duration;
mod fields;
mod handovers;
mod mask;
mod oracle;
mod own_field;
mod pipedrive;
mod secret;
mod store;
mod stored;
mod sync;
#[cfg(test)]
mod tests;
mod web;
mod webhooks;

use std::path::Path;

use schemars::JsonSchema;
use serde::Deserialize;
use toml::de::{DeTable, DeValue};

pub use self::alerts::Alerts;
pub use self::assertion::Assertion;
pub use self::connection::Connection;
pub use self::customers::Customers;
pub use self::diagnose::{ConfigError, Location, Source, render, report};
pub use self::documents::Documents;
pub use self::duration::Duration;
pub use self::fields::{Fields, Owner};
pub use self::handovers::{BusinessUnit, CustomersFromCrm};
pub use self::oracle::{Authentication, Oracle};
pub use self::own_field::{OwnField, OwnType};
pub use self::pipedrive::{Credentials, OAuth, Pipedrive, Pkce, Plan};
pub use self::secret::Secret;
pub use self::store::{Store, StoreUrl};
pub use self::stored::{StoredError, StoredText};
pub use self::sync::Sync;
pub use self::web::{Tls, Web};
pub use self::webhooks::{Encoding, Require, Webhooks};

use self::diagnose::At;

/// The configuration of ml-connector: one TOML file, `./ml-connector.toml` unless `--config` names another.
/// A key that is not listed here is an error, and so is a value outside its range.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Where the connector remembers what it did. Default: all its defaults.
    #[serde(default)]
    pub store: Store,

    /// What the daemon listens on. Default: all its defaults.
    #[serde(default)]
    pub web: Web,

    /// Who is told when the state of a connection becomes another one. No default: nobody is.
    pub alerts: Option<Alerts>,

    /// The connections. Default: none.
    #[serde(default, rename = "connection")]
    pub connections: Vec<Connection>,

    /// Names of those that were made in the console and come from the store.
    #[serde(skip)]
    pub made: Vec<String>,
}

impl Config {
    /// Reads and checks a configuration file.
    ///
    /// # Errors
    /// The file cannot be read, is not TOML, or says something that docs/config.md does not allow.
    pub fn load(path: &Path) -> Result<Self, ConfigError> {
        let shown = path.display().to_string();
        let text = std::fs::read_to_string(path).map_err(|cause| {
            let help = match cause.kind() {
                std::io::ErrorKind::NotFound => {
                    "write one with `ml-connector init`, name another with --config FILE, or make a connection in the console of `ml-connector run`"
                }
                std::io::ErrorKind::InvalidData => "save the file as UTF-8",
                _ => "let this user read the file, or name another with --config FILE",
            };
            ConfigError::new(format!("the configuration file {shown} cannot be read"), help).because(cause)
        })?;
        Self::parse(&text, &shown)
    }

    /// Checks the text of a configuration file. Relative paths in it start at the folder of `source_name`.
    ///
    /// # Errors
    /// As [`Config::load`].
    pub fn parse(text: &str, source_name: &str) -> Result<Self, ConfigError> {
        let source = Source::new(source_name, text);
        let tree = DeTable::parse(text).map_err(|error| diagnose::from_toml(&error, &source))?;
        let mut config: Self = toml::from_str(text).map_err(|error| diagnose::from_toml(&error, &source))?;
        let root = DeValue::Table(tree.into_inner());
        let folder = Path::new(source_name).parent().unwrap_or(Path::new(""));
        config.check(&At::root(&source, &root), folder)?;
        Ok(config)
    }

    fn check(&mut self, at: &At<'_>, folder: &Path) -> Result<(), ConfigError> {
        let Self { store, web, alerts, connections, made: _ } = self;
        store.check(&at.key("store"), folder)?;
        web.check(&at.key("web"), folder)?;
        if let Some(alerts) = alerts {
            alerts.check(&at.key("alerts"), folder)?;
        }
        let mut earlier: Vec<(String, usize)> = Vec::new();
        for (index, connection) in connections.iter_mut().enumerate() {
            let at = at.key("connection").index(index);
            connection.check(&at, folder)?;
            let name = at.key("name");
            if let Some((_, line)) = earlier.iter().find(|(earlier, _)| *earlier == connection.name) {
                return Err(name.fail(
                    format!("the connection name {} is used twice", connection.name),
                    format!("give this connection another name; the first use is on line {line}"),
                ));
            }
            earlier.push((connection.name.clone(), name.location().line_column().0));
        }
        Ok(())
    }

    /// The connections that are switched on; with a name, only that one.
    ///
    /// # Errors
    /// No connection has that name, or it is switched off.
    pub fn select(&self, name: Option<&str>) -> Result<Vec<&Connection>, ConfigError> {
        let Some(name) = name else {
            return Ok(self.connections.iter().filter(|connection| connection.enabled).collect());
        };
        match self.connections.iter().find(|connection| connection.name == name) {
            Some(connection) if connection.enabled => Ok(vec![connection]),
            Some(_) => Err(ConfigError::new(
                format!("the connection {name} is switched off"),
                "set enabled = true in its [[connection]] table",
            )),
            None => {
                let known: Vec<&str> = self.connections.iter().map(|c| c.name.as_str()).collect();
                Err(ConfigError::new(
                    format!("no connection is named {name}"),
                    format!("the configuration file has: {}", known.join(", ")),
                ))
            }
        }
    }
}
