//! What records say about themselves by which others find them: derived from staged records, deleted and written with them.

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    StagedKind, StoreError, Tx,
    sql::{Arg, Many, Row},
};

static CLEAR: Many =
    Many::new("DELETE FROM said WHERE connection_id = $1 AND kind = $2 AND id IN ({rows})", "?", 2);

static PUT: Many = Many::new(
    "INSERT INTO said (connection_id, kind, word, id) VALUES {rows} ON CONFLICT DO NOTHING",
    "($1, $2, ?, ?)",
    2,
);

static WHO: Many = Many::new(
    "SELECT word, id FROM said WHERE connection_id = $1 AND kind = $2 AND word IN ({rows})",
    "?",
    2,
);

impl Tx {
    /// Replaces what these records say, as digests.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn put_said(
        &mut self,
        kind: StagedKind,
        said: &BTreeMap<i64, BTreeSet<i64>>,
    ) -> Result<(), StoreError> {
        let ids: Vec<i64> = said.keys().copied().collect();
        let words = said.iter().flat_map(|(id, words)| words.iter().map(|word| (*word, *id)));
        let rows: Vec<Vec<Arg>> = words.map(|(word, id)| vec![word.into(), id.into()]).collect();
        let shared = [self.id(), kind.key().into()];
        self.execute_in(&CLEAR, &shared, &ids).await?;
        self.execute_many(&PUT, &shared, &rows).await?;
        Ok(())
    }

    /// Who says these, digest by digest. Two texts may have one digest: whoever asks reads on.
    ///
    /// # Errors
    /// When the database refuses or a row cannot be read.
    pub async fn who_says(
        &mut self,
        kind: StagedKind,
        words: &BTreeSet<i64>,
    ) -> Result<BTreeMap<i64, BTreeSet<i64>>, StoreError> {
        let words: Vec<i64> = words.iter().copied().collect();
        let read = |row: &Row<'_>| Ok((row.int(0, "word")?, row.int(1, "id")?));
        let shared = [self.id(), kind.key().into()];
        let mut found: BTreeMap<i64, BTreeSet<i64>> = BTreeMap::new();
        for (word, id) in self.fetch_in("said", &WHO, &shared, &words, read).await? {
            found.entry(word).or_default().insert(id);
        }
        Ok(found)
    }
}
