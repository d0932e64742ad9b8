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
use crate::config::{Config, ConfigError, Connection, StoreUrl, StoredError, StoredText};
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

/// The configuration file; where none is named and none is there, everything that may be left out of one. Connections are made
/// in the console then.
///
/// # Errors
/// When the file cannot be used, or there is neither a file nor a store that was made without one.
pub fn file(path: &Path, first: bool) -> Result<Config, ConfigError> {
    let missing = path == Path::new("./ml-connector.toml") && !path.exists();
    if missing && (first || Path::new("./ml-connector.db").exists()) {
        if first {
            talk(format!(
                "there is no {}: everything is as it is without one (docs/config.md)",
                path.display()
            ));
        }
        return Config::parse("", &path.display().to_string());
    }
    Config::load(path)
}

/// The configuration file, and the connections that were made in the console.
///
/// # Errors
/// When the file cannot be used, or the store.
pub async fn whole(path: &Path, env: &dyn Fn(&str) -> Option<String>) -> anyhow::Result<Config> {
    let mut config = file(path, false)?;
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
    text.set(&["pipedrive", "api_token"], Some(StoredText::kept("pipedrive.api_token")));
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
            return Err(NotMade::as_things_stand(
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
            && (text.is_complete() || text.has("oracle"))
        {
            return Err(unusable(&error));
        }
        for (secret, typed) in secrets {
            self.seal(id, &secret, &typed).await.map_err(|error| {
                NotMade::as_things_stand(
                    format!("the secret cannot be kept: {error:#}"),
                    "docs/connect.md tells where the master key is looked for",
                )
            })?;
        }
        let added = self.store.add_connection_text(id, version, (&who, &why), &text.text(), now).await;
        if !added.map_err(failed)? {
            return Err(NotMade::as_things_stand(
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
        Setting::Kept(name) => StoredText::kept(name),
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

/// Why a text is refused, as people are told.
#[must_use]
pub fn unusable(error: &StoredError) -> NotMade {
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
    NotMade::as_things_stand(format!("the store does not answer: {error}"), "try again in a moment")
}

#[cfg(test)]
mod tests {
    use sync_store::StoreOptions;

    use super::*;

    struct Place {
        folder: tempfile::TempDir,
        store: Store,
    }

    impl Place {
        async fn new() -> Self {
            let folder = tempfile::tempdir().expect("a folder");
            let url = format!("sqlite://{}", folder.path().join("made.db").display());
            let store =
                Store::open(&url, StoreOptions { durable: false, gate: None }).await.expect("a store");
            store.migrate().await.expect("its tables");
            Self { folder, store }
        }

        fn file(&self) -> PathBuf {
            self.folder.path().join("ml-connector.toml")
        }

        async fn keep(&self, change: Change) -> Result<(), NotMade> {
            let nothing = |_: &str| None;
            let env = with_key(&self.file(), &nothing);
            let console = "https://console.example.com/".to_owned();
            let making = Making { store: self.store.clone(), file: self.file(), env: &env, console };
            making.keep(change, Timestamp::UNIX_EPOCH).await
        }

        async fn config(&self) -> Config {
            let nothing = |_: &str| None;
            let env = with_key(&self.file(), &nothing);
            let mut config = Config::parse("", "ml-connector.toml").expect("nothing is enough");
            take_in(&mut config, &self.store, &env).await.expect("the store answers");
            config
        }
    }

    fn change(version: i64, settings: Vec<(&'static str, Option<Setting>)>) -> Change {
        Change {
            name: "acme".to_owned(),
            version,
            who: "Ada".to_owned(),
            why: "test".to_owned(),
            settings,
            text: None,
            secrets: Vec::new(),
        }
    }

    fn text(path: &'static str, text: &str) -> (&'static str, Option<Setting>) {
        (path, Some(Setting::Text(text.to_owned())))
    }

    fn oracle() -> Vec<(&'static str, Option<Setting>)> {
        vec![
            text("oracle.base_url", "https://pod.example.com"),
            text("oracle.token_url", "https://idcs.example.com/oauth2/v1/token"),
            text("oracle.client_id", "id"),
            text("oracle.scope", "scope"),
            ("oracle.client_secret", Some(Setting::Kept("oracle.client_secret"))),
        ]
    }

    async fn complete(place: &Place) {
        place.keep(change(0, Vec::new())).await.expect("a name");
        let secret = ("oracle.client_secret".to_owned(), SecretString::from("geheim"));
        place.keep(Change { secrets: vec![secret], ..change(1, oracle()) }).await.expect("one side");
        let other = vec![
            text("pipedrive.base_url", "https://acme.pipedrive.com"),
            text("pipedrive.oauth.client_id", "app"),
            ("pipedrive.oauth.client_secret", Some(Setting::Kept("pipedrive.oauth.client_secret"))),
            ("pipedrive.oauth.redirect_url", Some(Setting::BackHere)),
        ];
        let secret = ("pipedrive.oauth.client_secret".to_owned(), SecretString::from("streng"));
        place.keep(Change { secrets: vec![secret], ..change(2, other) }).await.expect("the other");
    }

    #[tokio::test]
    async fn what_was_made_is_a_connection_with_its_secrets_and_off_until_it_is_switched_on() {
        let place = Place::new().await;
        assert!(place.config().await.connections.is_empty());
        complete(&place).await;
        let config = place.config().await;
        let [connection] = &config.connections[..] else { panic!("one connection") };
        assert_eq!((connection.name.as_str(), connection.enabled), ("acme", false));
        let secrets = connection.secrets().expect("two");
        let resolved: Vec<String> = secrets
            .iter()
            .map(|(_, secret)| secret.resolve(&|_| None).expect("kept").expose_secret().to_owned())
            .collect();
        assert_eq!(resolved, ["geheim", "streng"]);
        let oauth = connection.pipedrive.oauth.as_ref().expect("an app");
        let back = oauth.redirect_url.as_ref().map(ToString::to_string);
        assert_eq!(back.as_deref(), Some("https://console.example.com/connect/acme"));
        place.keep(change(3, vec![("enabled", Some(Setting::Flag(true)))])).await.expect("switched on");
        assert!(place.config().await.connections[0].enabled);
        let texts = place.store.connection_texts().await.expect("the store answers");
        assert!(!texts[0].body.contains("geheim") && !texts[0].body.contains("streng"), "{}", texts[0].body);
    }

    #[cfg(unix)]
    #[tokio::test]
    async fn the_master_key_is_made_once_and_read_by_its_user_alone() {
        use std::os::unix::fs::PermissionsExt as _;
        let place = Place::new().await;
        complete(&place).await;
        let key = place.folder.path().join(KEY_FILE);
        let mode = std::fs::metadata(&key).expect("a key").permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        // Without it secrets are not there, and the connection says so where they are needed.
        std::fs::remove_file(&key).expect("it is gone");
        let config = place.config().await;
        let secrets = config.connections[0].secrets().expect("two");
        assert!(secrets[0].1.resolve(&|_| None).is_err());
    }

    #[tokio::test]
    async fn whoever_has_not_seen_the_newest_version_changes_nothing() {
        let place = Place::new().await;
        complete(&place).await;
        let late = place.keep(change(2, vec![("enabled", Some(Setting::Flag(true)))])).await;
        assert!(late.expect_err("too late").message.contains("meanwhile"));
        assert!(!place.config().await.connections[0].enabled);
    }

    #[tokio::test]
    async fn a_text_that_is_wrong_is_refused_with_its_place_and_the_one_before_counts() {
        let place = Place::new().await;
        complete(&place).await;
        let before = place.store.connection_texts().await.expect("the store answers")[0].body.clone();
        for (extra, told) in [
            ("\n[connection.sync]\npoll_every = \"soon\"\n", "line "),
            ("\n[web]\nlisten = \"127.0.0.1:1\"\n", "one [[connection]]"),
            (
                "\n[connection.webhooks]\npublic_url = \"https://a.example.com\"\nbasic = [{ user = \"u\", password = \"in the open, long\" }]\n",
                "is a secret",
            ),
        ] {
            let wrong = Change { text: Some(format!("{before}{extra}")), ..change(3, Vec::new()) };
            let refused = place.keep(wrong).await.expect_err(extra);
            assert!(refused.message.contains(told), "{refused:?}");
            assert!(!refused.message.contains("in the open"), "{refused:?}");
        }
        let texts = place.store.connection_texts().await.expect("the store answers");
        assert_eq!((texts[0].version, &texts[0].body), (3, &before));
    }

    #[tokio::test]
    async fn the_file_counts_and_what_cannot_be_used_is_left_out() {
        let place = Place::new().await;
        complete(&place).await;
        let broken =
            place.store.ensure_connection("broken", "{}", Timestamp::UNIX_EPOCH).await.expect("a number");
        let body = "[[connection]]\nname = \"broken\"\n[connection.oracle]\n[connection.pipedrive]\n";
        let kept =
            place.store.add_connection_text(broken, 0, ("Ada", "old"), body, Timestamp::UNIX_EPOCH).await;
        assert!(kept.expect("the store answers"));
        let config = place.config().await;
        assert_eq!(config.made, ["acme"]);
        let mut config =
            Config::parse(&place.store.connection_texts().await.expect("texts")[0].body, "file.toml")
                .expect("the same text in a file");
        take_in(&mut config, &place.store, &|_| None).await.expect("the store answers");
        assert_eq!((config.connections.len(), config.made.len()), (1, 0));
    }

    #[test]
    fn settings_are_told_by_their_paths() {
        let told = settings(
            "[[connection]]\nname = \"a\"\nenabled = false\n[connection.pipedrive]\nseats = 3\napi_token = { kept = \"x\" }\n",
        );
        let expected = [
            ("enabled", "false"),
            ("name", "a"),
            ("pipedrive.api_token.kept", "x"),
            ("pipedrive.seats", "3"),
        ];
        assert_eq!(
            told.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect::<Vec<_>>(),
            expected
        );
        assert!(settings("no text").is_empty());
    }
}
