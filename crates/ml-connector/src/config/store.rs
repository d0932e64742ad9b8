//! `[store]`

use std::fmt;
use std::path::{Path, PathBuf};

use jiff::SignedDuration;
use schemars::JsonSchema;
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::ConfigError;
use super::diagnose::At;
use super::duration::{self, Duration};

/// Where the connector remembers what it did.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Store {
    /// The database: `sqlite://PATH` (one process; created when absent; a relative path starts at the folder of
    /// the configuration file) or `postgres://USER@HOST/DATABASE` (any number of processes; the password is
    /// best left to `PGPASSWORD` or a pgpass file). Default `"sqlite://./ml-connector.db"`.
    #[schemars(with = "String")]
    pub url: StoreUrl,

    /// How long a process keeps a connection to itself without renewing its claim; another process takes over
    /// after that. A duration from 1s to 10m. Default `"10s"`.
    #[serde(with = "duration")]
    #[schemars(with = "Duration")]
    pub lease: SignedDuration,
}

impl Default for Store {
    fn default() -> Self {
        Self {
            url: StoreUrl::Sqlite(PathBuf::from("./ml-connector.db")),
            lease: SignedDuration::from_secs(10),
        }
    }
}

impl Store {
    pub(super) fn check(&mut self, at: &At<'_>, folder: &Path) -> Result<(), ConfigError> {
        let Self { url, lease } = self;
        url.resolve(folder);
        duration::within(
            *lease,
            SignedDuration::from_secs(1),
            SignedDuration::from_mins(10),
            &at.key("lease"),
        )
    }
}

/// A database, of one of the two kinds we know.
#[derive(Clone)]
pub enum StoreUrl {
    /// A SQLite file; once loaded, relative to the working directory and no longer to the config file.
    Sqlite(PathBuf),
    /// A PostgreSQL URL, which may contain a password.
    Postgres(SecretString),
}

impl StoreUrl {
    /// The URL as database drivers take it. It may contain a password: not for logs.
    pub fn expose(&self) -> String {
        match self {
            Self::Sqlite(path) => format!("sqlite://{}", path.display()),
            Self::Postgres(url) => url.expose_secret().to_owned(),
        }
    }

    fn resolve(&mut self, folder: &Path) {
        if let Self::Sqlite(path) = self
            && path.is_relative()
            && !folder.as_os_str().is_empty()
        {
            *path = folder.join(path.strip_prefix("./").unwrap_or(path));
        }
    }
}

/// Without user, password and parameters.
impl fmt::Display for StoreUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sqlite(path) => write!(f, "sqlite://{}", path.display()),
            Self::Postgres(url) => match url::Url::parse(url.expose_secret()) {
                Ok(url) => write!(f, "postgres://{}{}", url.host_str().unwrap_or_default(), url.path()),
                Err(_) => f.write_str("postgres://"),
            },
        }
    }
}

impl fmt::Debug for StoreUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "StoreUrl({self})")
    }
}

impl Serialize for StoreUrl {
    fn serialize<S: Serializer>(&self, output: S) -> Result<S::Ok, S::Error> {
        output.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for StoreUrl {
    fn deserialize<D: Deserializer<'de>>(input: D) -> Result<Self, D::Error> {
        const HELP: &str = "write \"sqlite://./ml-connector.db\" or \"postgres://USER@HOST/DATABASE\"";
        let text = String::deserialize(input)?;
        let fail = |message: &str| Err(serde::de::Error::custom(format_args!("{message}\n{HELP}")));
        if let Some(path) = text.strip_prefix("sqlite://") {
            return match path {
                "" => fail("the path of the database file is missing"),
                path if path.contains(['?', '%']) => fail("a path with ? or % is not taken here"),
                path => Ok(Self::Sqlite(PathBuf::from(path))),
            };
        }
        if !text.starts_with("postgres://") && !text.starts_with("postgresql://") {
            return fail("this is neither a sqlite:// nor a postgres:// URL");
        }
        match url::Url::parse(&text) {
            Ok(_) => Ok(Self::Postgres(SecretString::from(text))),
            Err(_) => fail("this is not a valid postgres:// URL"),
        }
    }
}
