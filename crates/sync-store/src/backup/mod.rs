//! Backups of a SQLite database: made while others write, looked at before they are believed, and put back in a way that is
//! safe although the store then knows nothing of what was written since. docs/backup.md tells it to whoever operates it.
//!
//! `mod` makes and examines, `restore` puts back, `outside` says what is true of the world whatever the backup says, `files`
//! moves files. PostgreSQL has tools of its own.

mod files;
mod outside;
mod restore;

use std::path::{Path, PathBuf};

use sqlx::{
    ConnectOptions as _, Connection as _, SqliteConnection,
    sqlite::{SqliteConnectOptions, SqliteJournalMode},
};

pub use outside::{CAME_BACK, CameBack};
pub use restore::{Restored, Restoring};

use crate::{StoreError, Trouble, claim::Claim};
use files::Part;

/// How long somebody else's lock is waited for.
const PATIENCE: std::time::Duration = std::time::Duration::from_secs(10);

/// So many damages are told of one file.
const MOST_DAMAGES: usize = 3;

/// What a backup holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Backup {
    /// Its size.
    pub bytes: u64,
    /// The newest migration in it.
    pub schema: i64,
    /// The connections in it, by number.
    pub connections: Vec<String>,
    /// Pairs of a party and an organization in it.
    pub pairs: u64,
}

/// A backup could not be made or put back. Nothing was changed then.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    /// Nothing is overwritten.
    #[error("{} exists already", .0.display())]
    Exists(PathBuf),
    /// There is nothing to read.
    #[error("there is no file {}", .0.display())]
    Missing(PathBuf),
    /// The backup is the database itself.
    #[error("{} is the database itself", .0.display())]
    Itself(PathBuf),
    /// The path cannot be told to SQLite.
    #[error("the path {} is not UTF-8", .0.display())]
    Path(PathBuf),
    /// The file is damaged.
    #[error("{} is damaged: {said}", .file.display())]
    Damaged {
        /// The file.
        file: PathBuf,
        /// The words of SQLite.
        said: String,
    },
    /// The file is a database, but none of ours.
    #[error("{} is no database of ml-connector", .0.display())]
    Foreign(PathBuf),
    /// The database is in use.
    #[error("{} is in use{}", .file.display(), by(.owners))]
    Held {
        /// The database.
        file: PathBuf,
        /// Who holds connections, as far as the leases tell.
        owners: Vec<String>,
    },
    /// A file could not be written or moved.
    #[error("{} cannot be used", .file.display())]
    Io {
        /// The file.
        file: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A database refused.
    #[error(transparent)]
    Store(#[from] StoreError),
}

fn by(owners: &[String]) -> String {
    if owners.is_empty() { String::new() } else { format!(": {}", owners.join(", ")) }
}

/// Makes a consistent copy of a database while others write to it, and looks whether the copy is sound. The file is there with
/// everything in it or not at all, and only for its owner to read.
///
/// # Errors
/// When there is no database, something is in the way, or a disk or the copy is not as it should be.
pub async fn back_up(database: &Path, to: &Path) -> Result<Backup, BackupError> {
    files::refuse_existing(to)?;
    if !database.exists() {
        return Err(BackupError::Missing(database.to_owned()));
    }
    let _claim = Claim::share(database)?;
    let part = Part::beside(to)?;
    let mut source = open(database, Access::Read).await?;
    let copied = sqlx::query("VACUUM INTO $1").bind(utf8(part.path())?).execute(&mut source).await;
    copied.map_err(|error| {
        // Whatever else is wrong is wrong with what is read.
        let full = Trouble::of(&error) == Some(Trouble::DiskFull);
        refused(if full { to } else { database }, error)
    })?;
    source.close().await.map_err(|error| refused(database, error))?;
    let backup = examine(part.path(), Access::Read).await.map_err(|error| error.named(to))?;
    part.keep_as(to)?;
    Ok(backup)
}

/// How a file is opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Access {
    /// To be read; a log beside it is left there.
    Read,
    /// To be worked on: a log beside it becomes a part of it.
    Write,
}

/// Whether a file is a sound database of ours, and what is in it.
async fn examine(file: &Path, access: Access) -> Result<Backup, BackupError> {
    let mut database = open(file, access).await?;
    let said: Vec<String> = sqlx::query_scalar("PRAGMA integrity_check(100)")
        .fetch_all(&mut database)
        .await
        .map_err(|error| refused(file, error))?;
    if said != ["ok"] {
        let told = said.iter().take(MOST_DAMAGES).map(|line| line.replace('\n', " "));
        let said = told.collect::<Vec<_>>().join("; ");
        return Err(BackupError::Damaged { file: file.to_owned(), said });
    }
    let schema = schema_of(&mut database).await.map_err(|error| foreign_or(file, error))?;
    let Some(schema) = schema else { return Err(BackupError::Foreign(file.to_owned())) };
    let connections = sqlx::query_scalar("SELECT name FROM connection ORDER BY id")
        .fetch_all(&mut database)
        .await
        .map_err(|error| foreign_or(file, error))?;
    let pairs: i64 = sqlx::query_scalar("SELECT count(*) FROM pair")
        .fetch_one(&mut database)
        .await
        .map_err(|error| foreign_or(file, error))?;
    database.close().await.map_err(|error| refused(file, error))?;
    let bytes = std::fs::metadata(file).map_err(|error| io(file, error))?.len();
    Ok(Backup { bytes, schema, connections, pairs: pairs.unsigned_abs() })
}

async fn schema_of(database: &mut SqliteConnection) -> Result<Option<i64>, sqlx::Error> {
    let sql = "SELECT max(version) FROM _sqlx_migrations WHERE success";
    sqlx::query_scalar::<_, Option<i64>>(sql).fetch_one(database).await
}

async fn open(file: &Path, access: Access) -> Result<SqliteConnection, BackupError> {
    let options = SqliteConnectOptions::new().filename(file).busy_timeout(PATIENCE);
    let options = match access {
        Access::Read => options.read_only(true),
        // One file holds all of it once this is over.
        Access::Write => options.journal_mode(SqliteJournalMode::Delete),
    };
    let opened = options.disable_statement_logging().connect().await;
    opened.map_err(|error| refused(file, error))
}

/// What SQLite says about a file.
fn refused(file: &Path, error: sqlx::Error) -> BackupError {
    StoreError::of(error, Some(&file.display().to_string())).into()
}

/// The same of a question that every database of ours can answer.
fn foreign_or(file: &Path, error: sqlx::Error) -> BackupError {
    match refused(file, error) {
        BackupError::Store(StoreError::NotMigrated) => BackupError::Foreign(file.to_owned()),
        other => other,
    }
}

fn io(file: &Path, source: std::io::Error) -> BackupError {
    BackupError::Io { file: file.to_owned(), source }
}

fn utf8(path: &Path) -> Result<&str, BackupError> {
    path.to_str().ok_or_else(|| BackupError::Path(path.to_owned()))
}

impl BackupError {
    /// The same about a file that people know by another name.
    fn named(self, name: &Path) -> Self {
        let name = name.to_owned();
        match self {
            Self::Damaged { file: _, said } => Self::Damaged { file: name, said },
            Self::Foreign(_) => Self::Foreign(name),
            Self::Store(StoreError::File { file: _, trouble, source }) => {
                StoreError::File { file: name.display().to_string(), trouble, source }.into()
            }
            Self::Exists(_)
            | Self::Missing(_)
            | Self::Itself(_)
            | Self::Path(_)
            | Self::Held { .. }
            | Self::Io { .. }
            | Self::Store(_) => self,
        }
    }
}
