//! `db backup`, `db restore`, `db restored`

use std::path::{Path, PathBuf};
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use serde::Serialize;
use sync_core::ports::Clock as _;
use sync_engine::read_anew;
use sync_store::{Backup, BackupError, Restored, Restoring, StoreError, back_up};

use super::Context;
use crate::cli::{DbBackupArgs, DbRestoreArgs};
use crate::config::{Config, StoreUrl};
use crate::exit::{ExitCode, Failed, store_code};
use crate::wire::{Process, SystemClock, open_store, settling};

#[derive(Serialize)]
struct Made {
    file: String,
    #[serde(flatten)]
    holds: Holds,
}

#[derive(Serialize)]
struct Holds {
    bytes: u64,
    schema: i64,
    connections: Vec<String>,
    pairs: u64,
}

impl From<Backup> for Holds {
    fn from(backup: Backup) -> Self {
        let Backup { bytes, schema, connections, pairs } = backup;
        Self { bytes, schema, connections, pairs }
    }
}

impl std::fmt::Display for Holds {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { bytes, schema, connections, pairs } = self;
        let connections = if connections.is_empty() { "none".to_owned() } else { connections.join(", ") };
        write!(f, "{bytes} bytes, schema {schema:04}, connections: {connections}, pairs: {pairs}")
    }
}

pub(super) async fn make(context: &Context<'_>, args: &DbBackupArgs) -> anyhow::Result<ExitCode> {
    let config = Config::load(&context.global.config)?;
    let database = database(&config, POSTGRES_BACKUP)?;
    let backup = back_up(database, &args.file).await.map_err(told)?;
    let made = Made { file: args.file.display().to_string(), holds: backup.into() };
    context.output.data(&made, |made| format!("{}: {}", made.file, made.holds))?;
    Ok(ExitCode::Ok)
}

#[derive(Serialize)]
struct PutBack {
    store: String,
    file: String,
    #[serde(flatten)]
    holds: Holds,
    /// Migrations that were applied after.
    migrated: Vec<String>,
    /// Where the files are that were there before.
    aside: Vec<PathBuf>,
    /// Whether what was spent, access, people and numbers were taken over from them.
    taken_over: bool,
    /// Before this nothing is read or written.
    settles_at: Timestamp,
}

pub(super) async fn restore(context: &Context<'_>, args: &DbRestoreArgs) -> anyhow::Result<ExitCode> {
    let config = Config::load(&context.global.config)?;
    let database = database(&config, POSTGRES_RESTORE)?;
    let now = SystemClock::start().now();
    let restoring = Restoring::begin(database, &args.file, now).await.map_err(told)?;
    for connection in restoring.connections().await.map_err(told)? {
        let mut tx = restoring.write(connection).await.map_err(told)?;
        read_anew(&mut tx, now).await?;
        tx.commit().await?;
    }
    let Restored { backup, migrated, aside, taken_over } = restoring.finish().await.map_err(told)?;
    let migrated = migrated.into_iter().map(|one| format!("{:04} {}", one.version, one.description));
    let put_back = PutBack {
        store: config.store.url.to_string(),
        file: args.file.display().to_string(),
        holds: backup.into(),
        migrated: migrated.collect(),
        aside,
        taken_over,
        settles_at: now + settles(&config),
    };
    context.output.data(&put_back, words)?;
    Ok(ExitCode::Ok)
}

fn words(put_back: &PutBack) -> String {
    let PutBack { store, file, holds, migrated, aside, taken_over, settles_at } = put_back;
    let mut lines = vec![format!("{store} is {file} now: {holds}")];
    if !migrated.is_empty() {
        lines.push(format!("applied {}", migrated.join(", ")));
    }
    lines.extend(aside.iter().map(|path| format!("what was there before: {}", path.display())));
    lines.push(if *taken_over {
        "taken over from it: what was spent, access, people and tokens, the journal, numbers".to_owned()
    } else {
        "nothing could be taken over from before: look whether `people list` and the tokens of the API are right, and run \
         `ml-connector connect NAME` for each connection by OAuth that is refused"
            .to_owned()
    });
    lines.push("everybody has to log in again; open invitations are void".to_owned());
    lines.push(format!(
        "before {settles_at} nothing is written; then both systems are read completely before anything is decided"
    ));
    lines.join("\n")
}

#[derive(Serialize)]
struct ReadAnew {
    store: String,
    connections: Vec<String>,
    settles_at: Timestamp,
}

/// For whoever restored the database by other means.
pub(super) async fn restored(context: &Context<'_>) -> anyhow::Result<ExitCode> {
    let config = Config::load(&context.global.config)?;
    let store = open_store(&config.store).await?;
    let clock = Arc::new(SystemClock::start());
    let process = Process { config: &config, store, clock, env: context.env, kind: "restored" };
    // Whoever works on a connection would go on with what it remembers.
    let mut leases = Vec::new();
    for connection in &config.connections {
        match process.take(connection).await? {
            Ok(lease) => leases.push(lease),
            Err(owner) => {
                let message = format!("{owner} holds the connection {}", connection.name);
                return Err(Failed::new(ExitCode::Held, message).help(STOP).into());
            }
        }
    }
    drop(leases);
    let now = process.clock.now();
    process.store.came_back(true, now).await?;
    let connections = process.store.connections().await?;
    for connection in &connections {
        let mut tx = process.store.write_after_coming_back(connection.id).await?;
        read_anew(&mut tx, now).await?;
        tx.commit().await?;
    }
    process.store.close().await;
    let connections = connections.into_iter().map(|connection| connection.name).collect();
    let anew =
        ReadAnew { store: config.store.url.to_string(), connections, settles_at: now + settles(&config) };
    context.output.data(&anew, |anew| {
        let ReadAnew { store, connections, settles_at } = anew;
        format!(
            "{store}: both systems are read anew for {}; before {settles_at} nothing is written\n\
             everybody has to log in again; look whether `people list` and the tokens of the API are right, and run \
             `ml-connector connect NAME` for each connection by OAuth that is refused",
            connections.join(", ")
        )
    })?;
    Ok(ExitCode::Ok)
}

/// The longest that anything that was sent may take before it is found.
fn settles(config: &Config) -> SignedDuration {
    config.connections.iter().map(settling).max().unwrap_or_default()
}

const STOP: &str = "stop `ml-connector run` and every other command, then try again";

const POSTGRES_BACKUP: &str = "\
    PostgreSQL makes its own backups: pg_dump --format=custom --file=FILE --dbname=URL, with the URL of [store], also while \
    `run` works; docs/backup.md tells the rest";

const POSTGRES_RESTORE: &str = "\
    stop every process, run pg_restore --clean --if-exists --dbname=URL FILE with the URL of [store], and then \
    `ml-connector db restored`, before anything else is started";

/// The file of the database.
fn database<'a>(config: &'a Config, remedy: &str) -> anyhow::Result<&'a Path> {
    match &config.store.url {
        StoreUrl::Sqlite(path) => Ok(path),
        StoreUrl::Postgres(_) => {
            let message = format!("{} is no SQLite database", config.store.url);
            Err(Failed::new(ExitCode::Usage, message).help(remedy).into())
        }
    }
}

/// The same with its exit code and its remedy.
fn told(error: BackupError) -> anyhow::Error {
    let (code, remedy) = match &error {
        BackupError::Exists(_) => {
            (ExitCode::Usage, Some("name another file: nothing is overwritten".to_owned()))
        }
        BackupError::Missing(_) => (ExitCode::Usage, None),
        BackupError::Itself(_) => (ExitCode::Usage, Some("name the file of a backup".to_owned())),
        BackupError::Path(_) => (ExitCode::Usage, Some("name another file".to_owned())),
        BackupError::Damaged { .. } => {
            (ExitCode::Failure, Some("nothing was changed; take another backup".to_owned()))
        }
        BackupError::Foreign(_) => {
            let remedy = "nothing was changed; take a file that `ml-connector db backup` wrote";
            (ExitCode::Usage, Some(remedy.to_owned()))
        }
        BackupError::Held { file, .. } => {
            (ExitCode::Held, Some(format!("{STOP}; `fuser {}` names the processes", file.display())))
        }
        BackupError::Io { .. } => (ExitCode::Failure, None),
        BackupError::Store(error) => (store_code(error), error.remedy()),
    };
    let mut message = error.to_string();
    if let BackupError::Io { source, .. } = &error {
        message.push_str(&format!(": {source}"));
    }
    if let BackupError::Store(StoreError::File { source: Some(source), .. }) = &error {
        tracing::debug!(%source, "the words of SQLite");
    }
    let failed = Failed::new(code, message);
    match remedy {
        Some(remedy) => failed.help(remedy).into(),
        None => failed.into(),
    }
}
