//! What can go wrong with the store, told to the one who must decide.

use std::path::Path;

use crate::Trouble;

/// The store could not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Another process has taken the connection over (or this one gave it up): stop working on it.
    #[error("another process has taken over this connection")]
    Fenced,
    /// A row cannot be understood. Names where to look.
    #[error("table {table}, row {row}: column {column} cannot be read: {reason}")]
    Inconsistent {
        /// The table.
        table: &'static str,
        /// The column.
        column: &'static str,
        /// What its key column says.
        row: String,
        /// Why it cannot be read.
        reason: String,
    },
    /// A value cannot be written as JSON.
    #[error("a value for table {table}, column {column} cannot be written")]
    Unwritable {
        /// The table.
        table: &'static str,
        /// The column.
        column: &'static str,
        /// Why.
        source: serde_json::Error,
    },
    /// The database library is too old to be trusted with data.
    #[error(
        "SQLite {found} is too old: {needed} or newer is needed (older ones can corrupt a database in WAL mode)"
    )]
    Version {
        /// What is there.
        found: String,
        /// What is needed.
        needed: &'static str,
    },
    /// The tables are not there, or not the ones this program needs.
    #[error("the database has not been migrated for this program")]
    NotMigrated,
    /// The address of the database is none that we understand. The address itself may hold a password.
    #[error("the database URL must begin with sqlite:// or postgres://")]
    Url,
    /// The file of a SQLite database cannot be used as it is.
    #[error("{file}: {trouble}")]
    File {
        /// The file.
        file: String,
        /// What is wrong with it.
        trouble: Trouble,
        /// The words of whoever refused.
        source: Option<sqlx::Error>,
    },
    /// A later version of this program has changed the tables.
    #[error(
        "the database was written by a newer version: it has migration {found}, and this program knows {known} of them"
    )]
    Newer {
        /// The newest migration in it.
        found: i64,
        /// The newest that we know.
        known: i64,
    },
    /// The tables could not be brought up to date.
    #[error("the database could not be migrated")]
    Migrate(#[source] sqlx::migrate::MigrateError),
    /// The database refused.
    #[error("the database refused")]
    Sql(#[source] sqlx::Error),
}

/// PostgreSQL's code for a table that does not exist.
const UNDEFINED_TABLE: &str = "42P01";

impl From<sqlx::Error> for StoreError {
    fn from(error: sqlx::Error) -> Self {
        let no_table = error.as_database_error().is_some_and(|refusal| {
            refusal.code().is_some_and(|code| code == UNDEFINED_TABLE)
                || refusal.message().starts_with("no such table")
        });
        if no_table { Self::NotMigrated } else { Self::Sql(error) }
    }
}

impl From<sqlx::migrate::MigrateError> for StoreError {
    fn from(error: sqlx::migrate::MigrateError) -> Self {
        Self::Migrate(error)
    }
}

impl StoreError {
    /// What a failure of the operating system means for a file.
    pub(crate) fn io(file: &Path, error: std::io::Error) -> Self {
        let trouble = Trouble::of_io(&error);
        Self::File { file: file.display().to_string(), trouble, source: Some(error.into()) }
    }

    /// What a failure of the database means; `file` is its name, where it has one.
    pub(crate) fn of(error: sqlx::Error, file: Option<&str>) -> Self {
        match (Trouble::of(&error), file) {
            (Some(trouble), Some(file)) => Self::File { file: file.to_owned(), trouble, source: Some(error) },
            (Some(_), None) | (None, _) => error.into(),
        }
    }

    /// What to do about it, where we know.
    #[must_use]
    pub fn remedy(&self) -> Option<String> {
        match self {
            Self::File { file, trouble, source: _ } => Some(trouble.remedy(file)),
            Self::Newer { .. } => {
                Some("use the newer version of ml-connector, or a backup from before it".to_owned())
            }
            Self::NotMigrated => Some("run `ml-connector db migrate`".to_owned()),
            Self::Fenced
            | Self::Inconsistent { .. }
            | Self::Unwritable { .. }
            | Self::Version { .. }
            | Self::Url
            | Self::Migrate(_)
            | Self::Sql(_) => None,
        }
    }

    /// The whole chain of reasons on one line, for errors that can only carry a text.
    pub(crate) fn told(&self) -> String {
        let mut text = self.to_string();
        let mut cause = std::error::Error::source(self);
        while let Some(error) = cause {
            text.push_str(": ");
            text.push_str(&error.to_string());
            cause = error.source();
        }
        text
    }
}
