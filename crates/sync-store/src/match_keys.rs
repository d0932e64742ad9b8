//! Keys by which companies of both sides meet: derived from staged records, deleted and written with them.

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    StoreError, Tx,
    sql::{Arg, Many, Row},
};

/// Whose companies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MatchSide {
    /// Parties of the ERP.
    Erp,
    /// Organizations of the CRM.
    Crm,
}

impl MatchSide {
    fn key(self) -> &'static str {
        match self {
            Self::Erp => "erp",
            Self::Crm => "crm",
        }
    }
}

/// What a record can be found by, as digests.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct MatchKeys {
    /// Whoever shares one of these is compared.
    pub keys: BTreeSet<i64>,
    /// Words of its names.
    pub words: BTreeSet<i64>,
}

static PUT: Many = Many::new(
    "INSERT INTO match_key (connection_id, side, key, id) VALUES {rows} ON CONFLICT DO NOTHING",
    "($1, $2, ?, ?)",
    2,
);

static CLEAR: Many =
    Many::new("DELETE FROM match_key WHERE connection_id = $1 AND side = $2 AND id IN ({rows})", "?", 2);

static PUT_WORDS: Many = Many::new(
    "INSERT INTO match_word (connection_id, side, word, id) VALUES {rows} ON CONFLICT DO NOTHING",
    "($1, $2, ?, ?)",
    2,
);

static CLEAR_WORDS: Many =
    Many::new("DELETE FROM match_word WHERE connection_id = $1 AND side = $2 AND id IN ({rows})", "?", 2);

static BEARERS: Many = Many::new(
    "SELECT word, COUNT(*) FROM match_word WHERE connection_id = $1 AND word IN ({rows}) GROUP BY word",
    "?",
    1,
);

static OF: Many = Many::new(
    "SELECT id, key FROM match_key WHERE connection_id = $1 AND side = $2 AND id IN ({rows})",
    "?",
    2,
);

// Who has found its counterpart is nobody's candidate and nobody's rival.
static FREE_ORGS: Many = Many::new(
    "SELECT id, key FROM match_key WHERE connection_id = $1 AND side = 'crm' AND NOT EXISTS \
        (SELECT 1 FROM pair WHERE pair.connection_id = $1 AND pair.org_id = match_key.id) AND key IN ({rows})",
    "?",
    1,
);

static ALL: Many = Many::new(
    "SELECT id, key FROM match_key WHERE connection_id = $1 AND side = $2 AND key IN ({rows})",
    "?",
    2,
);

static FREE_PARTIES: Many = Many::new(
    "SELECT id, key FROM match_key WHERE connection_id = $1 AND side = 'erp' AND NOT EXISTS \
        (SELECT 1 FROM pair WHERE pair.connection_id = $1 AND pair.party_id = match_key.id) AND key IN ({rows})",
    "?",
    1,
);

impl Tx {
    /// Replaces the keys of these records.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn put_match_keys(
        &mut self,
        side: MatchSide,
        keys: &BTreeMap<i64, MatchKeys>,
    ) -> Result<(), StoreError> {
        let ids: Vec<i64> = keys.keys().copied().collect();
        let shared = [self.id(), side.key().into()];
        let rows = |of: fn(&MatchKeys) -> &BTreeSet<i64>| -> Vec<Vec<Arg>> {
            let digests = keys.iter().flat_map(|(id, keys)| of(keys).iter().map(|digest| (*digest, *id)));
            digests.map(|(digest, id)| vec![digest.into(), id.into()]).collect()
        };
        self.execute_in(&CLEAR, &shared, &ids).await?;
        self.execute_many(&PUT, &shared, &rows(|keys| &keys.keys)).await?;
        self.execute_in(&CLEAR_WORDS, &shared, &ids).await?;
        self.execute_many(&PUT_WORDS, &shared, &rows(|keys| &keys.words)).await?;
        Ok(())
    }

    /// How many records of both sides have each of these words in their names; a word that nobody has is left out.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn bearers(&mut self, words: &BTreeSet<i64>) -> Result<BTreeMap<i64, i64>, StoreError> {
        let words: Vec<i64> = words.iter().copied().collect();
        let read = |row: &Row<'_>| Ok((row.int(0, "word")?, row.int(1, "count")?));
        Ok(self.fetch_in("match_word", &BEARERS, &[self.id()], &words, read).await?.into_iter().collect())
    }

    /// The keys of these records, all together.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn match_keys_of(&mut self, side: MatchSide, ids: &[i64]) -> Result<BTreeSet<i64>, StoreError> {
        let shared = [self.id(), side.key().into()];
        let read = |row: &Row<'_>| row.int(1, "key");
        Ok(self.fetch_in("match_key", &OF, &shared, ids, read).await?.into_iter().collect())
    }

    /// Records of a side that have no counterpart yet, by the keys of these that they have.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn free_by_key(
        &mut self,
        side: MatchSide,
        keys: &BTreeSet<i64>,
    ) -> Result<BTreeMap<i64, BTreeSet<i64>>, StoreError> {
        let statement = match side {
            MatchSide::Erp => &FREE_PARTIES,
            MatchSide::Crm => &FREE_ORGS,
        };
        let keys: Vec<i64> = keys.iter().copied().collect();
        let read = |row: &Row<'_>| Ok((row.int(1, "key")?, row.int(0, "id")?));
        let mut by_key: BTreeMap<i64, BTreeSet<i64>> = BTreeMap::new();
        for (key, id) in self.fetch_in("match_key", statement, &[self.id()], &keys, read).await? {
            by_key.entry(key).or_default().insert(id);
        }
        Ok(by_key)
    }

    /// Records of a side that have these keys, whether they belong to anybody or not.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn all_by_key(
        &mut self,
        side: MatchSide,
        keys: &BTreeSet<i64>,
    ) -> Result<BTreeMap<i64, BTreeSet<i64>>, StoreError> {
        let keys: Vec<i64> = keys.iter().copied().collect();
        let read = |row: &Row<'_>| Ok((row.int(1, "key")?, row.int(0, "id")?));
        let mut by_key: BTreeMap<i64, BTreeSet<i64>> = BTreeMap::new();
        let shared = [self.id(), side.key().into()];
        for (key, id) in self.fetch_in("match_key", &ALL, &shared, &keys, read).await? {
            by_key.entry(key).or_default().insert(id);
        }
        Ok(by_key)
    }
}
