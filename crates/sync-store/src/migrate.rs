//! Migrations: the same numbers for both databases. Numbers may be left out.

use sqlx::migrate::{MigrateError, Migration, MigrationType, Migrator};

use crate::{Store, StoreError, Trouble, store::Pools};

const SQLITE: [(i64, &str, &str); 22] = [
    (1, "first floor", include_str!("../migrations/sqlite/0001_first_floor.sql")),
    (2, "wishes", include_str!("../migrations/sqlite/0002_wishes.sql")),
    (3, "last spent", include_str!("../migrations/sqlite/0003_last_spent.sql")),
    (4, "day start", include_str!("../migrations/sqlite/0004_day_start.sql")),
    (5, "answers", include_str!("../migrations/sqlite/0005_answers.sql")),
    (6, "errands", include_str!("../migrations/sqlite/0006_errands.sql")),
    (7, "relations", include_str!("../migrations/sqlite/0007_relations.sql")),
    (8, "match keys", include_str!("../migrations/sqlite/0008_match_keys.sql")),
    (9, "hooks", include_str!("../migrations/sqlite/0009_hooks.sql")),
    (10, "connects", include_str!("../migrations/sqlite/0010_connects.sql")),
    (11, "subscriptions", include_str!("../migrations/sqlite/0011_subscriptions.sql")),
    (12, "handovers", include_str!("../migrations/sqlite/0012_handovers.sql")),
    (13, "deals_told_of", include_str!("../migrations/sqlite/0013_deals_told_of.sql")),
    (14, "documents", include_str!("../migrations/sqlite/0014_documents.sql")),
    (15, "handovers shown", include_str!("../migrations/sqlite/0015_handovers_shown.sql")),
    (16, "people", include_str!("../migrations/sqlite/0016_people.sql")),
    (17, "fits", include_str!("../migrations/sqlite/0017_fits.sql")),
    (18, "alerts", include_str!("../migrations/sqlite/0018_alerts.sql")),
    (19, "search", include_str!("../migrations/sqlite/0019_search.sql")),
    (20, "hours", include_str!("../migrations/sqlite/0020_hours.sql")),
    (21, "mergers", include_str!("../migrations/sqlite/0021_mergers.sql")),
    (22, "selectivity", include_str!("../migrations/sqlite/0022_selectivity.sql")),
];
const POSTGRES: [(i64, &str, &str); 22] = [
    (1, "first floor", include_str!("../migrations/postgres/0001_first_floor.sql")),
    (2, "wishes", include_str!("../migrations/postgres/0002_wishes.sql")),
    (3, "last spent", include_str!("../migrations/postgres/0003_last_spent.sql")),
    (4, "day start", include_str!("../migrations/postgres/0004_day_start.sql")),
    (5, "answers", include_str!("../migrations/postgres/0005_answers.sql")),
    (6, "errands", include_str!("../migrations/postgres/0006_errands.sql")),
    (7, "relations", include_str!("../migrations/postgres/0007_relations.sql")),
    (8, "match keys", include_str!("../migrations/postgres/0008_match_keys.sql")),
    (9, "hooks", include_str!("../migrations/postgres/0009_hooks.sql")),
    (10, "connects", include_str!("../migrations/postgres/0010_connects.sql")),
    (11, "subscriptions", include_str!("../migrations/postgres/0011_subscriptions.sql")),
    (12, "handovers", include_str!("../migrations/postgres/0012_handovers.sql")),
    (13, "deals_told_of", include_str!("../migrations/postgres/0013_deals_told_of.sql")),
    (14, "documents", include_str!("../migrations/postgres/0014_documents.sql")),
    (15, "handovers shown", include_str!("../migrations/postgres/0015_handovers_shown.sql")),
    (16, "people", include_str!("../migrations/postgres/0016_people.sql")),
    (17, "fits", include_str!("../migrations/postgres/0017_fits.sql")),
    (18, "alerts", include_str!("../migrations/postgres/0018_alerts.sql")),
    (19, "search", include_str!("../migrations/postgres/0019_search.sql")),
    (20, "hours", include_str!("../migrations/postgres/0020_hours.sql")),
    (21, "mergers", include_str!("../migrations/postgres/0021_mergers.sql")),
    (22, "selectivity", include_str!("../migrations/postgres/0022_selectivity.sql")),
];

/// The newest migration that this program knows.
pub(crate) const NEWEST: i64 = SQLITE[SQLITE.len() - 1].0;

/// A migration that was applied.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AppliedMigration {
    /// Its number.
    pub version: i64,
    /// What it is about.
    pub description: String,
}

impl Store {
    /// Brings the tables up to date; tells what had to be done.
    ///
    /// # Errors
    /// When a migration fails or an applied one was altered.
    pub async fn migrate(&self) -> Result<Vec<AppliedMigration>, StoreError> {
        let pending = self.pending_migrations().await?;
        self.migrate_to(i64::MAX).await?;
        Ok(pending)
    }

    /// Brings the tables up to a version, e.g. to fill them as that version did before going on.
    ///
    /// # Errors
    /// When a migration fails or an applied one was altered.
    pub async fn migrate_to(&self, version: i64) -> Result<(), StoreError> {
        let _busy = self.meter.busy();
        let run = match &self.pools {
            Pools::Sqlite { writer, .. } => migrator(&SQLITE, version).run(writer).await,
            Pools::Postgres(pool) => migrator(&POSTGRES, version).run(pool).await,
        };
        run.map_err(|error| match error {
            MigrateError::Execute(error) => self.meter.refused(error),
            MigrateError::VersionMissing(found) if found > NEWEST => {
                StoreError::Newer { found, known: NEWEST }
            }
            MigrateError::ExecuteMigration(error, _) if Trouble::of(&error).is_some() => {
                self.meter.refused(error)
            }
            error => error.into(),
        })
    }

    /// Migrations that were not applied yet.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn pending_migrations(&self) -> Result<Vec<AppliedMigration>, StoreError> {
        let applied = self.applied().await?;
        let all = match &self.pools {
            Pools::Sqlite { .. } => &SQLITE,
            Pools::Postgres(_) => &POSTGRES,
        };
        Ok(all
            .iter()
            .filter(|(version, ..)| !applied.contains(version))
            .map(|(version, description, _)| AppliedMigration {
                version: *version,
                description: (*description).to_owned(),
            })
            .collect())
    }

    async fn applied(&self) -> Result<Vec<i64>, StoreError> {
        let _busy = self.meter.busy();
        let sql = "SELECT version FROM _sqlx_migrations WHERE success";
        let found = match &self.pools {
            Pools::Sqlite { writer, .. } => sqlx::query_scalar(sql).fetch_all(writer).await,
            Pools::Postgres(pool) => sqlx::query_scalar(sql).fetch_all(pool).await,
        };
        match found.map_err(|error| self.meter.refused(error)) {
            Ok(versions) => Ok(versions),
            Err(StoreError::NotMigrated) => Ok(Vec::new()),
            Err(error) => Err(error),
        }
    }
}

fn migrator(all: &[(i64, &'static str, &'static str)], last: i64) -> Migrator {
    let wanted = all.iter().filter(|(version, ..)| *version <= last);
    let migrations = wanted.map(|(version, description, sql)| {
        let sql = sqlx::SqlStr::from_static(sql);
        Migration::new(*version, (*description).into(), MigrationType::Simple, sql, false)
    });
    Migrator { migrations: migrations.collect::<Vec<_>>().into(), ..Migrator::DEFAULT }
}
