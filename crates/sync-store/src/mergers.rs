//! Mergers that the CRM told of: which record went into which. Believed only of records that are gone.

use std::collections::BTreeMap;

use jiff::Timestamp;
use sync_core::hooks::{HookEntity, Merged};

use crate::{
    StoreError, Tx,
    sql::{Arg, Many},
};

static PUT: Many = Many::new(
    "INSERT INTO merged_record (connection_id, told_at, entity, record_id, into_id) VALUES {rows} \
        ON CONFLICT (connection_id, entity, record_id) DO UPDATE SET \
        into_id = excluded.into_id, told_at = excluded.told_at",
    "($1, $2, ?, ?, ?)",
    2,
);

static INTO: Many = Many::new(
    "SELECT record_id, into_id FROM merged_record WHERE connection_id = $1 AND entity = $2 AND record_id IN ({rows})",
    "?",
    2,
);

impl Tx {
    /// Remembers what was told; the latest word counts.
    pub(crate) async fn put_mergers(
        &mut self,
        mergers: &[(HookEntity, Merged)],
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let once: BTreeMap<(&str, i64), i64> =
            mergers.iter().map(|(entity, merged)| ((entity.key(), merged.gone), merged.into)).collect();
        let row = |((entity, gone), into): ((&str, i64), i64)| -> Vec<Arg> {
            vec![entity.into(), gone.into(), into.into()]
        };
        let rows: Vec<Vec<Arg>> = once.into_iter().map(row).collect();
        self.execute_many(&PUT, &[self.id(), now.into()], &rows).await?;
        Ok(())
    }

    /// What these records were merged into, as far as it was told; they may have been merged further.
    ///
    /// # Errors
    /// When the database refuses or a row cannot be read.
    pub async fn merged_into(
        &mut self,
        entity: HookEntity,
        records: &[i64],
    ) -> Result<BTreeMap<i64, i64>, StoreError> {
        let shared = [self.id(), entity.key().into()];
        let pair = |row: &crate::sql::Row<'_>| Ok((row.int(0, "record_id")?, row.int(1, "into_id")?));
        Ok(self.fetch_in("merged_record", &INTO, &shared, records, pair).await?.into_iter().collect())
    }
}
