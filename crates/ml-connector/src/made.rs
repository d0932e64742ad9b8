//! Connections that were made in the console: taken in beside those of the configuration file, changed and kept. Their
//! secrets are sealed in the store; the key to them lies beside the configuration file unless another is given.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use jiff::Timestamp;
use secrecy::{ExposeSecret as _, SecretString};
use sync_core::ids::ConnectionId;
use sync_core::ports::TokenVault as _;
use sync_store::Store;
use sync_web::setup::{Change, NotMade, Setting};

use crate::clients::{Clients, system_seed};
use crate::config::{Config, Connection, StoreUrl, StoredError, StoredText};
use crate::output::talk;
use crate::wire::open_store;

/// The file of the master key, beside the configuration file.
const KEY_FILE: &str = "ml-connector.key";

/// Where a secret of a connection is kept.
fn place(secret: &str) -> String {
    format!("setup.{secret}")
}

/// The environment, with the master key that lies beside the configuration file where no other is named.
pub fn with_key<'a>(
    config: &Path,
    env: &'a dyn Fn(&str) -> Option<String>,
) -> impl Fn(&str) -> Option<String> + use<'a> {
    let file = key_file(config);
    move |name| match (name, env(name)) {
        ("MLC_MASTER_KEY_FILE", None) if env("MLC_MASTER_KEY").is_none() && file.exists() => {
            Some(file.display().to_string())
        }
        (_, value) => value,
    }
}

fn key_file(config: &Path) -> PathBuf {
    config.parent().unwrap_or(Path::new("")).join(KEY_FILE)
}

/// The configuration file, and the connections that were made in the console.
///
/// # Errors
/// When the file cannot be used, or the store.
pub async fn whole(file: &Path, env: &dyn Fn(&str) -> Option<String>) -> anyhow::Result<Config> {
    let mut config = Config::load(file)?;
    if let StoreUrl::Sqlite(path) = &config.store.url
        && !path.exists()
    {
        return Ok(config);
    }
    let store = open_store(&config.store).await?;
    take_in(&mut config, &store, env).await?;
    store.close().await;
    Ok(config)
}

/// Adds the connections that were made in the console. What cannot be used is told and left out: the others go on.
///
/// # Errors
/// When the store fails.
pub async fn take_in(
    config: &mut Config,
    store: &Store,
    env: &dyn Fn(&str) -> Option<String>,
) -> anyhow::Result<()> {
    for row in store.connection_texts().await? {
        let name = row.name;
        if config.connections.iter().any(|connection| connection.name == name) {
            talk(format!("{name}: the configuration file counts, not what was made in the console"));
            continue;
        }
        let connection = match read(&name, &row.body) {
            Ok(Some(connection)) => connection,
            Ok(None) => continue,
            Err(error) => {
                talk(format!(
                    "{name}: left out, because what was made in the console cannot be used: {error}"
                ));
                continue;
            }
        };
        if let Err(error) = fill(&connection, store, row.connection, env).await {
            talk(format!("{name}: its secrets cannot be read: {error:#}"));
        }
        config.connections.push(connection);
        config.made.push(name);
    }
    Ok(())
}

/// The connection of a text; none while it is not complete.
fn read(name: &str, text: &str) -> Result<Option<Connection>, StoredError> {
    let text = StoredText::read(text)?;
    if text.is_complete() { text.connection(name).map(Some) } else { Ok(None) }
}

/// A connection of whose text only the ERP's side is there yet, to look at that side.
///
/// # Errors
/// When the text cannot be used.
pub fn half(name: &str, text: &str) -> Result<Connection, StoredError> {
    let mut text = StoredText::read(text)?;
    text.set(&["pipedrive", "base_url"], Some("https://not-connected.invalid".into()));
    let mut kept = toml_edit::InlineTable::new();
    kept.insert("kept", "pipedrive.api_token".into());
    text.set(&["pipedrive", "api_token"], Some(kept.into()));
    text.connection(name)
}

/// Fills in what is kept of a connection's secrets.
///
/// # Errors
/// When the vault cannot be opened.
pub async fn fill(
    connection: &Connection,
    store: &Store,
    id: ConnectionId,
    env: &dyn Fn(&str) -> Option<String>,
) -> anyhow::Result<()> {
    let secrets = connection.secrets()?;
    let kept: Vec<_> = secrets.iter().filter_map(|(_, secret)| Some((secret, secret.kept()?))).collect();
    if kept.is_empty() {
        return Ok(());
    }
    let clock = std::sync::Arc::new(crate::wire::SystemClock::start());
    let vault = Clients { env, clock, seed: &system_seed }.vault(store, id)?;
    for (secret, name) in kept {
        if let Some(text) = vault.load(&place(name)).await? {
            secret.fill(SecretString::from(text));
        }
    }
    Ok(())
}

/// Who changes connections that were made in the console.
pub struct Making<'a> {
    /// The store.
    pub store: Store,
    /// The configuration file.
    pub file: PathBuf,
    /// Looks an environment variable up.
    pub env: &'a dyn Fn(&str) -> Option<String>,
    /// Where people come back to who gave access: the console's own address.
    pub console: String,
}

impl Making<'_> {
    /// Keeps a change: a new version of the text, and secrets.
    ///
    /// # Errors
    /// When the text would not be one, somebody was faster, or the store fails.
    pub async fn keep(&self, change: Change, now: Timestamp) -> Result<(), NotMade> {
        let Change { name, version, who, why, settings, text, secrets } = change;
        let id = self.store.ensure_connection(&name, "{}", now).await.map_err(failed)?;
        let newest = self.store.versions_of(id, 1).await.map_err(failed)?.into_iter().next();
        if newest.as_ref().map_or(0, |newest| newest.version) != version {
            return Err(NotMade::new(
                "somebody else changed this connection meanwhile",
                "look at what it says now and change it again",
            ));
        }
        let before = match (text, newest) {
            (Some(text), _) => StoredText::read(&text),
            (None, Some(newest)) => StoredText::read(&newest.body),
            (None, None) => Ok(StoredText::new(&name)),
        };
        let mut text = before.map_err(|error| unusable(&error))?;
        for (path, setting) in settings {
            let path: Vec<&str> = path.split('.').collect();
            text.set(&path, setting.map(|setting| value(&self.console, &name, setting)));
        }
        let checked = if text.is_complete() { text.connection(&name) } else { half(&name, &text.text()) };
        // What is not complete may lack whatever it likes; what is there has to be right.
        if let Err(error) = checked
            && (text.is_complete() || text.get(&["oracle", "base_url"]).is_some())
        {
            return Err(unusable(&error));
        }
        for (secret, typed) in secrets {
            self.seal(id, &secret, &typed).await.map_err(|error| {
                NotMade::new(
                    format!("the secret cannot be kept: {error:#}"),
                    "see docs/connect.md, `The master key`",
                )
            })?;
        }
        let added = self.store.add_connection_text(id, version, (&who, &why), &text.text(), now).await;
        if !added.map_err(failed)? {
            return Err(NotMade::new(
                "somebody else changed this connection at the same time",
                "look at what it says now and change it again",
            ));
        }
        Ok(())
    }

    async fn seal(&self, id: ConnectionId, name: &str, secret: &SecretString) -> anyhow::Result<()> {
        let clock = std::sync::Arc::new(crate::wire::SystemClock::start());
        let clients = Clients { env: self.env, clock, seed: &system_seed };
        if clients.vault(&self.store, id)?.is_usable().await.is_err() && !key_file(&self.file).exists() {
            make_key(&key_file(&self.file))?;
        }
        clients.vault(&self.store, id)?.save(&place(name), secret.expose_secret()).await?;
        Ok(())
    }
}

/// Makes a master key that only this user reads.
fn make_key(path: &Path) -> anyhow::Result<()> {
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let shown = path.display();
    let mut file = options.open(path).with_context(|| format!("the master key {shown} cannot be written"))?;
    let digits = hex::encode([system_seed(), system_seed()].concat());
    writeln!(file, "{digits}").with_context(|| format!("the master key {shown} cannot be written"))?;
    talk(format!("secrets are sealed with the key in {shown}: keep a copy of it apart from the database's"));
    Ok(())
}

fn value(console: &str, connection: &str, setting: Setting) -> toml_edit::Value {
    match setting {
        Setting::Text(text) => text.into(),
        Setting::Number(number) => number.into(),
        Setting::Flag(flag) => flag.into(),
        Setting::Kept(name) => {
            let mut kept = toml_edit::InlineTable::new();
            kept.insert("kept", name.into());
            kept.into()
        }
        Setting::BackHere => format!("{console}connect/{connection}").into(),
    }
}

/// Settings of a text by their paths, for forms.
#[must_use]
pub fn settings(text: &str) -> BTreeMap<String, String> {
    fn below(path: &str, table: &toml::Table, into: &mut BTreeMap<String, String>) {
        for (key, value) in table {
            let path = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
            match value {
                toml::Value::Table(table) => below(&path, table, into),
                toml::Value::String(text) => drop(into.insert(path, text.clone())),
                toml::Value::Array(_) => {}
                toml::Value::Integer(_)
                | toml::Value::Float(_)
                | toml::Value::Boolean(_)
                | toml::Value::Datetime(_) => drop(into.insert(path, value.to_string())),
            }
        }
    }
    let mut found = BTreeMap::new();
    let table = text.parse::<toml::Table>().ok();
    let first = table.as_ref().and_then(|table| table.get("connection")?.as_array()?.first()?.as_table());
    if let Some(table) = first {
        below("", table, &mut found);
    }
    found
}

fn unusable(error: &StoredError) -> NotMade {
    match error {
        StoredError::Config(error) => {
            let place = error.line_column();
            let place = place.map(|(line, column)| format!(" (line {line}, column {column} of the text)"));
            NotMade::new(format!("{error}{}", place.unwrap_or_default()), error.remedy())
        }
        StoredError::Other(why) => NotMade::new(why.clone(), "put it right and save again"),
    }
}

fn failed(error: sync_store::StoreError) -> NotMade {
    NotMade::new(format!("the store does not answer: {error}"), "try again in a moment")
}
