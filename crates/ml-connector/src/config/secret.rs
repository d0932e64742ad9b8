//! Secrets: written in the file, or named by an environment variable or another file, read when needed.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use secrecy::{ExposeSecret, SecretString};
use serde::de::{Deserializer, Error, MapAccess, Visitor};

use super::ConfigError;
use super::diagnose::{At, Location};

/// A secret and where it comes from. It is read by [`Secret::resolve`], not when the file is loaded.
#[derive(Clone)]
pub struct Secret {
    from: From,
    at: Option<Location>,
}

#[derive(Clone)]
enum From {
    Plain(SecretString),
    Env(String),
    File(PathBuf),
    /// Sealed in the store, under this name; filled in by whoever has opened it.
    Kept(String, Arc<OnceLock<SecretString>>),
}

const HELP: &str = "write { env = \"NAME\" }, { file = \"path\" } or the secret itself as a string in quotes";

impl Secret {
    /// The secret itself. `env` looks an environment variable up.
    ///
    /// # Errors
    /// The variable is not set or empty, or the file cannot be read or is empty.
    pub fn resolve(&self, env: &dyn Fn(&str) -> Option<String>) -> Result<SecretString, ConfigError> {
        match &self.from {
            From::Plain(secret) => Ok(secret.clone()),
            From::Env(name) => match env(name) {
                Some(value) if !value.is_empty() => Ok(SecretString::from(value)),
                found => Err(ConfigError::new(
                    match found {
                        Some(_) => format!("the environment variable {name} is empty"),
                        None => format!("the environment variable {name} is not set"),
                    },
                    format!("set {name} before starting ml-connector, or {HELP}"),
                )
                .label("needed here")
                .at(self.at.clone())),
            },
            From::File(path) => self.read(path),
            From::Kept(name, filled) => filled.get().cloned().ok_or_else(|| {
                ConfigError::new(
                    format!("the secret {name} is not kept in the store"),
                    "type it in the console, under Setup of the connection",
                )
                .label("needed here")
                .at(self.at.clone())
            }),
        }
    }

    /// The name under which it is kept in the store, if it is.
    #[must_use]
    pub fn kept(&self) -> Option<&str> {
        match &self.from {
            From::Kept(name, _) => Some(name),
            From::Plain(_) | From::Env(_) | From::File(_) => None,
        }
    }

    /// Whether it stands in the text itself.
    #[must_use]
    pub fn is_plain(&self) -> bool {
        matches!(self.from, From::Plain(_))
    }

    /// Fills in what is kept in the store; what is filled in stays.
    pub fn fill(&self, secret: SecretString) {
        if let From::Kept(_, filled) = &self.from {
            let _ = filled.set(secret);
        }
    }

    fn read(&self, path: &Path) -> Result<SecretString, ConfigError> {
        let shown = path.display();
        let text = std::fs::read_to_string(path).map_err(|cause| {
            ConfigError::new(
                format!("the secret file {shown} cannot be read"),
                "create the file and let this user read it; a relative path starts at the folder of the config file",
            )
            .label("needed here")
            .at(self.at.clone())
            .because(cause)
        })?;
        let secret = text.trim_end_matches(['\r', '\n']);
        if secret.is_empty() {
            return Err(ConfigError::new(
                format!("the secret file {shown} is empty"),
                "write the secret into the file; one trailing newline does no harm",
            )
            .label("needed here")
            .at(self.at.clone()));
        }
        Ok(SecretString::from(secret))
    }

    /// An error about what the secret turned out to be.
    pub(super) fn fail(&self, message: impl Into<String>, help: impl Into<String>) -> ConfigError {
        ConfigError::new(message, help).label("needed here").at(self.at.clone())
    }

    /// Remembers the place for later errors, makes a file's path absolute, refuses what is empty.
    pub(super) fn check(&mut self, at: &At<'_>, folder: &Path) -> Result<(), ConfigError> {
        self.at = Some(at.location());
        let empty = match &mut self.from {
            From::Plain(secret) => secret.expose_secret().is_empty(),
            From::Env(name) => name.is_empty(),
            From::File(path) => {
                let empty = path.as_os_str().is_empty();
                *path = folder.join(&*path);
                empty
            }
            From::Kept(name, _) => name.is_empty(),
        };
        if empty { Err(at.fail("this secret is empty", HELP)) } else { Ok(()) }
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.from {
            From::Plain(_) => f.write_str("Secret(redacted)"),
            From::Env(name) => write!(f, "Secret(env {name})"),
            From::File(path) => write!(f, "Secret(file {})", path.display()),
            From::Kept(name, _) => write!(f, "Secret(kept {name})"),
        }
    }
}

impl<'de> serde::Deserialize<'de> for Secret {
    fn deserialize<D: Deserializer<'de>>(input: D) -> Result<Self, D::Error> {
        input.deserialize_any(Reader).map(|from| Secret { from, at: None })
    }
}

/// Written by hand because derived code would repeat a value of the wrong type in its error.
struct Reader;

impl Reader {
    fn wrong<E: Error>() -> E {
        E::custom(format_args!("a secret is a string or a table with one key\n{HELP}"))
    }
}

impl<'de> Visitor<'de> for Reader {
    type Value = From;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a secret")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<From, E> {
        Ok(From::Plain(SecretString::from(text)))
    }

    fn visit_bool<E: Error>(self, _: bool) -> Result<From, E> {
        Err(Self::wrong())
    }

    fn visit_i64<E: Error>(self, _: i64) -> Result<From, E> {
        Err(Self::wrong())
    }

    fn visit_f64<E: Error>(self, _: f64) -> Result<From, E> {
        Err(Self::wrong())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<From, A::Error> {
        let Some(key) = map.next_key::<String>()? else { return Err(Self::wrong()) };
        let from = match key.as_str() {
            "env" => From::Env(map.next_value()?),
            "file" => From::File(map.next_value::<String>()?.into()),
            "kept" => From::Kept(map.next_value()?, Arc::default()),
            other => return Err(A::Error::unknown_field(other, &["env", "file", "kept"])),
        };
        match map.next_key::<String>()? {
            None => Ok(from),
            Some(_) => Err(Self::wrong()),
        }
    }
}

impl JsonSchema for Secret {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Secret".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "A secret: `{ env = \"NAME\" }` reads an environment variable, `{ file = \"path\" }` \
                reads a file (trailing newlines are dropped, a relative path starts at the folder of the \
                configuration file), `{ kept = \"NAME\" }` is what the console sealed in the store, a plain string is the secret itself. Variables and files are read when the \
                secret is needed. Secrets are never printed.",
            "oneOf": [
                { "type": "string", "minLength": 1 },
                {
                    "type": "object",
                    "properties": { "env": { "type": "string", "description": "Name of an environment variable." } },
                    "required": ["env"],
                    "additionalProperties": false
                },
                {
                    "type": "object",
                    "properties": { "file": { "type": "string", "description": "Path of a file." } },
                    "required": ["file"],
                    "additionalProperties": false
                },
                {
                    "type": "object",
                    "properties": { "kept": { "type": "string", "description": "Name under which the console keeps it, sealed, in the store." } },
                    "required": ["kept"],
                    "additionalProperties": false
                }
            ]
        })
    }
}
