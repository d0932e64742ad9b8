//! `db`

use std::path::PathBuf;

use clap::{Args, Subcommand};

/// `db`
#[derive(Debug, Subcommand)]
pub enum DbCommand {
    /// Bring the database to the schema of this version
    Migrate,
    /// Make a consistent copy of the SQLite database, also while `run` writes to it
    Backup(DbBackupArgs),
    /// Put a backup in the place of the SQLite database, and have both systems read anew
    Restore(DbRestoreArgs),
    /// Have both systems read anew after the database was restored by other means, such as pg_restore or a snapshot
    Restored,
}

/// `db backup`
#[derive(Debug, Args)]
#[command(after_help = "\
The file is sound and complete, or not there. Secrets in it are sealed: keep the master key, and keep it elsewhere.
docs/backup.md tells what to keep and how often.

Examples:
  ml-connector db backup /var/backups/ml-connector/2026-11-29.db
  ml-connector db backup \"backup-$(date +%F).db\" --json")]
pub struct DbBackupArgs {
    /// Write the backup to this file, which must not exist
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
}

/// `db restore`
#[derive(Debug, Args)]
#[command(after_help = "\
Everything that uses the database has to be stopped. Its files are moved aside, never deleted. The next `run` or `sync`
waits until whatever was sent can be found, and reads both systems completely before it decides anything.
docs/backup.md tells what becomes of what came after the backup.

Examples:
  ml-connector db restore /var/backups/ml-connector/2026-11-29.db")]
pub struct DbRestoreArgs {
    /// The backup
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
}
