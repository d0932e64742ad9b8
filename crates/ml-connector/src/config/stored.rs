//! Connections that were made in the console: the same text as in a configuration file, one `[[connection]]` of it, without
//! secrets. This file knows what such a text may say; where it is kept, `made.rs` knows.

use toml_edit::DocumentMut;

use super::{Config, ConfigError, Connection};

/// The text of a connection.
#[derive(Debug, Clone)]
pub struct StoredText {
    document: DocumentMut,
}

/// Why a text is none.
#[derive(Debug, thiserror::Error)]
pub enum StoredError {
    /// It says something that a configuration file may not say either.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// It says more, or less, than one connection.
    #[error("{0}")]
    Other(String),
}

impl StoredText {
    /// A text with nothing but a name; the connection is switched off.
    #[must_use]
    pub fn new(name: &str) -> Self {
        let mut table = toml_edit::Table::new();
        table.insert("name", toml_edit::value(name));
        table.insert("enabled", toml_edit::value(false));
        let mut tables = toml_edit::ArrayOfTables::new();
        tables.push(table);
        let mut document = DocumentMut::new();
        document.insert("connection", toml_edit::Item::ArrayOfTables(tables));
        Self { document }
    }

    /// Reads a text.
    ///
    /// # Errors
    /// When it is no TOML, or says something beside one connection.
    pub fn read(text: &str) -> Result<Self, StoredError> {
        let document = text.parse::<DocumentMut>().map_err(|error| no_toml(text, &error))?;
        let only = document.iter().all(|(key, _)| key == "connection");
        let one = document.get("connection").and_then(|item| item.as_array_of_tables());
        match one {
            Some(tables) if only && tables.len() == 1 => Ok(Self { document }),
            _ => Err(StoredError::Other(
                "a text of the console has one [[connection]], and nothing else".to_owned(),
            )),
        }
    }

    /// The text.
    #[must_use]
    pub fn text(&self) -> String {
        self.document.to_string()
    }

    /// Whether both systems are in it: before that it is no connection yet.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.has("oracle") && self.has("pipedrive")
    }

    /// Whether a table stands in it.
    #[must_use]
    pub fn has(&self, table: &str) -> bool {
        self.table().is_some_and(|connection| connection.contains_key(table))
    }

    /// How a secret is named that is kept in the store.
    #[must_use]
    pub fn kept(name: &str) -> toml_edit::Value {
        let mut kept = toml_edit::InlineTable::new();
        kept.insert("kept", name.into());
        kept.into()
    }

    /// Sets, or with none removes, a setting by its path below the connection.
    pub fn set(&mut self, path: &[&str], value: Option<toml_edit::Value>) {
        let Some((last, tables)) = path.split_last() else { return };
        let Some(mut table) = self.table_mut() else { return };
        for key in tables {
            let item = table.entry(key).or_insert_with(toml_edit::table);
            if !item.is_table() {
                *item = toml_edit::table();
            }
            let Some(next) = item.as_table_mut() else { return };
            table = next;
        }
        match value {
            Some(value) => drop(table.insert(last, toml_edit::value(value))),
            None => drop(table.remove(last)),
        }
    }

    /// The connection that it describes, which has to be of this name.
    ///
    /// # Errors
    /// As [`Config::parse`]; and when a secret stands in it, or another name.
    pub fn connection(&self, name: &str) -> Result<Connection, StoredError> {
        let shown = format!("the connection {name}");
        let config = Config::parse(&self.text(), &shown)?;
        let Some(connection) = config.connections.into_iter().next() else {
            return Err(StoredError::Other("there is no connection in it".to_owned()));
        };
        if connection.name != name {
            return Err(StoredError::Other(format!(
                "its name is {name} for ever: another name would be another connection that knows nothing of this one's pairs"
            )));
        }
        if let Some((key, _)) = connection.secrets()?.into_iter().find(|(_, secret)| secret.is_plain()) {
            return Err(StoredError::Other(format!(
                "{key} is a secret, and this text is shown to people: leave {{ kept = \"{key}\" }} there and type the secret into its form"
            )));
        }
        Ok(connection)
    }

    /// The settings of the connection.
    pub fn table_mut(&mut self) -> Option<&mut toml_edit::Table> {
        self.document.get_mut("connection")?.as_array_of_tables_mut()?.get_mut(0)
    }

    fn table(&self) -> Option<&toml_edit::Table> {
        self.document.get("connection")?.as_array_of_tables()?.get(0)
    }
}

/// The words of the reader repeat the line, which may have a secret in it: only what is wrong is told, and where.
fn no_toml(text: &str, error: &toml_edit::TomlError) -> StoredError {
    let shown = "the text of the connection";
    match Config::parse(text, shown) {
        Err(error) => StoredError::Config(error),
        Ok(_) => StoredError::Other(format!("{shown} is not TOML: {}", error.message())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn complete() -> StoredText {
        let mut text = StoredText::new("acme");
        text.set(&["oracle", "base_url"], Some("https://pod.example.com".into()));
        text.set(&["oracle", "token_url"], Some("https://idcs.example.com/oauth2/v1/token".into()));
        text.set(&["oracle", "client_id"], Some("id".into()));
        text.set(&["oracle", "scope"], Some("scope".into()));
        text.set(&["oracle", "client_secret"], Some(StoredText::kept("oracle.client_secret")));
        assert!(!text.is_complete());
        text.set(&["pipedrive", "base_url"], Some("https://acme.pipedrive.com".into()));
        text.set(&["pipedrive", "api_token"], Some(StoredText::kept("pipedrive.api_token")));
        text.set(&["pipedrive", "seats"], Some(3_i64.into()));
        text
    }

    #[test]
    fn what_is_set_can_be_read_and_is_a_connection_that_is_off() {
        let text = complete();
        assert!(text.is_complete());
        let again = StoredText::read(&text.text()).expect("a text of ours");
        let connection = again.connection("acme").expect("a connection");
        assert!(!connection.enabled);
        assert_eq!(connection.pipedrive.seats, 3);
    }

    #[test]
    fn a_secret_that_is_kept_is_known_once_it_is_filled_in() {
        let connection = complete().connection("acme").expect("a connection");
        let [(key, secret), (_, token)] = connection.secrets().expect("two")[..] else {
            panic!("two secrets")
        };
        assert_eq!((key, secret.kept()), ("oracle.client_secret", Some("oracle.client_secret")));
        let missing = secret.resolve(&|_| None).expect_err("not filled in").to_string();
        assert!(missing.contains("the secret oracle.client_secret is not kept in the store"), "{missing}");
        secret.fill("geheim".into());
        secret.fill("another".into());
        assert_eq!(
            secrecy::ExposeSecret::expose_secret(&secret.resolve(&|_| None).expect("filled in")),
            "geheim"
        );
        assert!(token.resolve(&|_| None).is_err(), "each has its own");
    }

    #[test]
    fn what_is_no_text_of_one_connection_is_refused() {
        for (text, why) in [
            ("[web]\nlisten = \"127.0.0.1:1\"\n[[connection]]\nname = \"acme\"", "nothing else"),
            ("[[connection]]\nname = \"acme\"\n[[connection]]\nname = \"other\"", "one [[connection]]"),
            ("", "one [[connection]]"),
        ] {
            let error = StoredText::read(text).expect_err(text).to_string();
            assert!(error.contains(why), "{error}");
        }
    }

    #[test]
    fn a_text_that_is_no_toml_is_told_by_its_place_and_not_repeated() {
        let text =
            "[[connection]]\nname = \"acme\"\n[connection.pipedrive]\napi_token = \"geheim\" seats = 3\n";
        let Err(StoredError::Config(error)) = StoredText::read(text) else { panic!("it is no TOML") };
        assert_eq!(error.line_column().map(|(line, _)| line), Some(4));
        assert!(!crate::config::render(&error, false).contains("geheim"), "{error}");
        assert!(error.remedy().contains("not TOML"), "{}", error.remedy());
    }

    #[test]
    fn names_stay_and_secrets_are_not_written_into_the_text() {
        let mut text = complete();
        assert!(
            text.connection("other").expect_err("another name").to_string().contains("another connection")
        );
        text.set(&["pipedrive", "api_token"], Some("0123456789".into()));
        let error = text.connection("acme").expect_err("a secret").to_string();
        assert!(
            error.contains("pipedrive.api_token is a secret") && !error.contains("0123456789"),
            "{error}"
        );
        text.set(&["pipedrive", "api_token"], None);
        assert!(matches!(text.connection("acme"), Err(StoredError::Config(_))), "neither token nor app");
    }
}
