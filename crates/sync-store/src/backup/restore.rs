//! Putting a backup back. All work is done on a copy beside the database; only when that is sound, up to date and safe are the
//! old files moved aside and the copy moved into their place. Nothing is ever deleted.

use std::path::{Path, PathBuf};

use jiff::Timestamp;
use sqlx::{
    ConnectOptions as _, Connection as _, Executor as _,
    sqlite::{SqliteConnectOptions, SqliteLockingMode},
};
use sync_core::ids::ConnectionId;

use super::{
    Access, Backup, BackupError, examine,
    files::{self, Part},
    open, outside, refused,
};
use crate::{AppliedMigration, Store, StoreError, Trouble, Tx, claim::Claim, migrate::NEWEST};

/// Whoever closes its connections just now is waited for.
const PATIENCE: std::time::Duration = std::time::Duration::from_secs(2);

/// A restore on its way: the copy is safe, and not in its place yet. Dropped, it leaves everything as it was.
pub struct Restoring {
    database: PathBuf,
    claim: Claim,
    copy: Store,
    part: Part,
    backup: Backup,
    migrated: Vec<AppliedMigration>,
    taken_over: bool,
    now: Timestamp,
}

/// What a restore did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Restored {
    /// What was in the backup.
    pub backup: Backup,
    /// Migrations that it did not have yet.
    pub migrated: Vec<AppliedMigration>,
    /// Where the files are that were there before.
    pub aside: Vec<PathBuf>,
    /// Whether what is true of the world (what was spent, access, people, numbers) was taken over from them.
    pub taken_over: bool,
}

/// The database that is to be replaced.
enum Before {
    /// There is none.
    Absent,
    /// Nobody has it open.
    Free,
    /// It cannot be read.
    Unreadable,
}

impl Restoring {
    /// Prepares a copy of `backup` that may take the place of `database`.
    ///
    /// # Errors
    /// While anybody has the database open, and when the backup is not sound or newer than this program. Nothing was
    /// changed then.
    pub async fn begin(database: &Path, backup: &Path, now: Timestamp) -> Result<Self, BackupError> {
        if !backup.exists() {
            return Err(BackupError::Missing(backup.to_owned()));
        }
        if let (Ok(one), Ok(other)) = (backup.canonicalize(), database.canonicalize())
            && one == other
        {
            return Err(BackupError::Itself(backup.to_owned()));
        }
        let Some(claim) = Claim::alone(database)? else { return Err(held(database).await) };
        let before = before(database).await?;
        let part = Part::copied(backup, database)?;
        let examined = examine(part.path(), Access::Write).await.map_err(|error| error.named(backup))?;
        if examined.schema > NEWEST {
            return Err(StoreError::Newer { found: examined.schema, known: NEWEST }.into());
        }
        let copy = Store::open_unseen(super::utf8(part.path())?).await?;
        let migrated = copy.migrate().await?;
        let taken_over = match before {
            Before::Free => outside::take_over(&copy, database).await?,
            Before::Absent | Before::Unreadable => false,
        };
        copy.came_back(!taken_over, now).await?;
        let database = database.to_owned();
        Ok(Self { database, claim, part, copy, backup: examined, migrated, taken_over, now })
    }

    /// The connections in the copy, by number.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn connections(&self) -> Result<Vec<ConnectionId>, BackupError> {
        Ok(self.copy.connections().await?.into_iter().map(|connection| connection.id).collect())
    }

    /// Begins a transaction on the copy, for whoever knows more of what has to be read again.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn write(&self, connection: ConnectionId) -> Result<Tx, BackupError> {
        Ok(self.copy.begin(connection).await?)
    }

    /// Moves what is there aside, and the copy into its place.
    ///
    /// # Errors
    /// When files cannot be moved. Whoever opens the database then is told that a restore was broken off.
    pub async fn finish(self) -> Result<Restored, BackupError> {
        let Self { database, mut claim, part, copy, backup, migrated, taken_over, now } = self;
        copy.close().await;
        // What is in a log has to be in the file: that alone is moved.
        let whole = open(part.path(), Access::Write).await?;
        whole.close().await.map_err(|error| refused(&database, error))?;
        claim.mark()?;
        let aside = files::move_aside(&database, now)?;
        part.replace(&database)?;
        claim.unmark()?;
        Ok(Restored { backup, migrated, aside, taken_over })
    }
}

/// Looks whether anybody has the database open, and puts its log into it if nobody has. The lock that is asked for here is
/// denied while any connection is open, also one of a program that knows nothing of our claims.
async fn before(database: &Path) -> Result<Before, BackupError> {
    if !database.exists() {
        return Ok(Before::Absent);
    }
    let options = SqliteConnectOptions::new().filename(database).busy_timeout(PATIENCE);
    let options = options.locking_mode(SqliteLockingMode::Exclusive).disable_statement_logging();
    let looking = async {
        let mut alone = options.connect().await?;
        alone.execute("BEGIN EXCLUSIVE").await?;
        alone.execute("ROLLBACK").await?;
        alone.execute("PRAGMA wal_checkpoint(TRUNCATE)").await?;
        alone.close().await
    };
    match looking.await {
        Ok(()) => Ok(Before::Free),
        Err(error) if Trouble::of(&error) == Some(Trouble::Locked) => Err(held(database).await),
        Err(error) => {
            tracing::warn!(%error, "the database that is replaced cannot be read");
            Ok(Before::Unreadable)
        }
    }
}

async fn held(database: &Path) -> BackupError {
    let owners = match open(database, Access::Read).await {
        Ok(mut open) => outside::owners(&mut open).await,
        Err(_) => Vec::new(),
    };
    BackupError::Held { file: database.to_owned(), owners }
}
