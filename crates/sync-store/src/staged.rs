//! Staged records: the newest version seen of each remote record.

use std::collections::BTreeMap;

use jiff::Timestamp;
use sync_core::ids::{DealId, OrgId};

use crate::{
    StagedKind, StoreError, Tx,
    sql::{Many, Row},
    staged_kind::is_newer,
};

/// A record to stage.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StagedRow {
    /// Its id on its own side.
    pub id: i64,
    /// Owner of an account; the ERP id that an organization carries; the daughter of a relation; none for parties.
    pub party: Option<i64>,
    /// The parent of a relation; the organization of a deal; none for everything else.
    pub parent: Option<i64>,
    /// Its change stamp.
    pub stamp: Timestamp,
    /// Digest of its content without the stamp.
    pub hash: String,
    /// The record, JSON.
    pub body: String,
    /// Why it cannot be understood, if so.
    pub malformed: Option<String>,
}

/// A staged record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StagedRecord {
    /// The record.
    pub row: StagedRow,
    /// When it was read.
    pub read_at: Timestamp,
    /// How many sweeps in a row did not find it, at most 2.
    pub missing: i64,
    /// The last sweep that saw it.
    pub sweep: i64,
}

/// A record whose content is new.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Changed {
    /// Its id.
    pub id: i64,
    /// The party it speaks about now.
    pub party: Option<i64>,
    /// The party it spoke about before.
    pub was_party: Option<i64>,
    /// The organization of a deal, or the parent of a relation, before, if that is another one now.
    pub was_parent: Option<i64>,
    /// It bears the stamp of what was staged: which of the two is the newer one cannot be told from a list.
    pub tied: bool,
    /// It was taken for gone, and is there.
    pub returned: bool,
}

static BY_ID: Many = Many::new(
    "SELECT id, party_id, stamp, hash, body, malformed, read_at, missing, sweep, parent_id FROM staged \
        WHERE connection_id = $1 AND kind = $2 AND id IN ({rows})",
    "?",
    2,
);

static BY_PARTY: Many = Many::new(
    "SELECT id, party_id, stamp, hash, body, malformed, read_at, missing, sweep, parent_id FROM staged \
        WHERE connection_id = $1 AND kind = $2 AND party_id IN ({rows}) ORDER BY id",
    "?",
    2,
);

// An older version never overwrites a newer one; of two with one stamp the one read later counts. A record that was
// seen at all is not missing.
static PUT: Many = Many::new(
    "INSERT INTO staged (connection_id, kind, read_at, sweep, id, party_id, parent_id, stamp, hash, body, malformed, \
        missing) \
        VALUES {rows} \
        ON CONFLICT (connection_id, kind, id) DO UPDATE SET \
        party_id = excluded.party_id, parent_id = excluded.parent_id, stamp = excluded.stamp, hash = excluded.hash, \
        body = excluded.body, \
        malformed = excluded.malformed, read_at = excluded.read_at, missing = 0, \
        sweep = CASE WHEN excluded.sweep > staged.sweep THEN excluded.sweep ELSE staged.sweep END",
    "($1, $2, $3, $4, ?, ?, ?, ?, ?, ?, ?, 0)",
    4,
);

static SEEN: Many = Many::new(
    "UPDATE staged SET missing = 0, sweep = CASE WHEN $3 > sweep THEN $3 ELSE sweep END \
        WHERE connection_id = $1 AND kind = $2 AND id IN ({rows})",
    "?",
    3,
);

static ABSENT: Many = Many::new(
    "UPDATE staged SET missing = 2 WHERE connection_id = $1 AND kind = $2 AND id IN ({rows})",
    "?",
    2,
);

static EARLIER: Many = Many::new(
    "UPDATE staged SET read_at = $3 WHERE connection_id = $1 AND kind = $2 AND id IN ({rows})",
    "?",
    3,
);

impl Tx {
    /// Stages a page; tells which records are new, changed or back.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn stage(
        &mut self,
        kind: StagedKind,
        rows: &[StagedRow],
        read_at: Timestamp,
        sweep: i64,
    ) -> Result<Vec<Changed>, StoreError> {
        // A row can be on a page twice; the later one counts, as on two pages.
        let newest: BTreeMap<i64, &StagedRow> = rows.iter().map(|row| (row.id, row)).collect();
        let ids: Vec<i64> = newest.keys().copied().collect();
        let known = self.staged(kind, &ids).await?;
        let mut changed = Vec::new();
        let mut put = Vec::new();
        let mut outdated = Vec::new();
        for (id, row) in newest {
            let before = known.get(&id);
            if before.is_some_and(|before| is_newer(kind, before, row.stamp, read_at, sweep)) {
                outdated.push(id);
                continue;
            }
            let same = before.is_some_and(|before| {
                before.missing == 0
                    && before.row.hash == row.hash
                    && before.row.party == row.party
                    && before.row.malformed == row.malformed
            });
            if !same {
                changed.push(Changed {
                    id,
                    party: row.party,
                    was_party: before.and_then(|b| b.row.party),
                    was_parent: before.and_then(|b| b.row.parent).filter(|was| Some(*was) != row.parent),
                    tied: before.is_some_and(|b| b.missing == 0 && b.row.stamp == row.stamp),
                    returned: before.is_some_and(|b| b.missing >= 2),
                });
            }
            put.push(vec![
                id.into(),
                row.party.into(),
                row.parent.into(),
                row.stamp.into(),
                row.hash.clone().into(),
                row.body.clone().into(),
                row.malformed.clone().into(),
            ]);
        }
        let shared = [self.id(), kind.key().into(), read_at.into(), sweep.into()];
        self.execute_many(&PUT, &shared, &put).await?;
        let shared = [self.id(), kind.key().into(), sweep.into()];
        self.execute_in(&SEEN, &shared, &outdated).await?;
        Ok(changed)
    }

    /// Takes staged records for read at `read_at`: what a list says may be older than the list.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn read_earlier(
        &mut self,
        kind: StagedKind,
        ids: &[i64],
        read_at: Timestamp,
    ) -> Result<(), StoreError> {
        let shared = [self.id(), kind.key().into(), read_at.into()];
        self.execute_in(&EARLIER, &shared, ids).await.map(|_| ())
    }

    /// Staged records by id.
    ///
    /// # Errors
    /// When the database refuses or a row cannot be read.
    pub async fn staged(
        &mut self,
        kind: StagedKind,
        ids: &[i64],
    ) -> Result<BTreeMap<i64, StagedRecord>, StoreError> {
        let shared = [self.id(), kind.key().into()];
        let found = self.fetch_in("staged", &BY_ID, &shared, ids, record).await?;
        Ok(found.into_iter().map(|record| (record.row.id, record)).collect())
    }

    /// A page of the staged records of a kind that can be understood, by their ids.
    ///
    /// # Errors
    /// When the database refuses or a row cannot be read.
    pub async fn staged_page(
        &mut self,
        kind: StagedKind,
        after: i64,
        limit: u32,
    ) -> Result<Vec<StagedRecord>, StoreError> {
        let sql = "SELECT id, party_id, stamp, hash, body, malformed, read_at, missing, sweep, parent_id FROM staged \
            WHERE connection_id = $1 AND kind = $2 AND id > $3 AND malformed IS NULL ORDER BY id LIMIT $4";
        let args = vec![self.id(), kind.key().into(), after.into(), i64::from(limit).into()];
        self.fetch("staged", sql, args, record).await
    }

    /// Accounts with an id above `after` whose terms were not read since they changed, or were last read before `before`; at
    /// most `limit`, in order of their ids.
    ///
    /// # Errors
    /// When the database refuses or a row cannot be read.
    pub async fn terms_due(
        &mut self,
        before: Timestamp,
        after: i64,
        limit: u32,
    ) -> Result<Vec<StagedRecord>, StoreError> {
        let sql = "SELECT a.id, a.party_id, a.stamp, a.hash, a.body, a.malformed, a.read_at, a.missing, a.sweep, a.parent_id \
            FROM staged a LEFT JOIN staged t ON t.connection_id = a.connection_id AND t.kind = 'terms' AND t.id = a.id \
            WHERE a.connection_id = $1 AND a.kind = 'account' AND a.id > $4 AND a.malformed IS NULL AND a.missing < 2 AND a.party_id IS NOT NULL \
            AND (t.id IS NULL OR t.stamp < a.stamp OR t.read_at < $2) ORDER BY a.id LIMIT $3";
        let args = vec![self.id(), before.into(), i64::from(limit).into(), after.into()];
        self.fetch("staged", sql, args, record).await
    }

    /// Staged accounts, organizations or relations by the party they speak about, in order of their ids. Organizations
    /// that are gone are left out.
    ///
    /// # Errors
    /// When the database refuses or a row cannot be read.
    pub async fn staged_of_parties(
        &mut self,
        kind: StagedKind,
        parties: &[i64],
    ) -> Result<Vec<StagedRecord>, StoreError> {
        let shared = [self.id(), kind.key().into()];
        let mut found = self.fetch_in("staged", &BY_PARTY, &shared, parties, record).await?;
        if kind == StagedKind::Org {
            found.retain(|record| record.missing < 2);
        }
        found.sort_by_key(|record| record.row.id);
        Ok(found)
    }

    /// Staged deals of an organization that are not missing, in order of their ids.
    ///
    /// # Errors
    /// When the database refuses or a row cannot be read.
    pub async fn staged_deals_of(&mut self, org: OrgId) -> Result<Vec<StagedRecord>, StoreError> {
        let sql = "SELECT id, party_id, stamp, hash, body, malformed, read_at, missing, sweep, parent_id FROM staged \
            WHERE connection_id = $1 AND kind = 'deal' AND parent_id = $2 AND missing < 2 AND malformed IS NULL ORDER BY id";
        self.fetch("staged", sql, vec![self.id(), org.0.into()], record).await
    }

    /// Organizations that have deals, as far as those are staged, by ascending id.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn orgs_with_deals(&mut self, after: OrgId, limit: u32) -> Result<Vec<OrgId>, StoreError> {
        let sql = "SELECT DISTINCT parent_id FROM staged WHERE connection_id = $1 AND kind = 'deal' AND parent_id > $2 \
            AND missing < 2 AND malformed IS NULL ORDER BY parent_id LIMIT $3";
        let args = vec![self.id(), after.0.into(), i64::from(limit).into()];
        self.fetch("staged", sql, args, |row| Ok(OrgId(row.int(0, "parent_id")?))).await
    }

    /// A page of the staged deals that are not missing and to which no document belongs, by their ids. Of any status: what a
    /// deal is, its body says.
    ///
    /// # Errors
    /// When the database refuses or a row cannot be read.
    pub async fn deals_without_documents(
        &mut self,
        after: DealId,
        limit: u32,
    ) -> Result<Vec<StagedRecord>, StoreError> {
        let sql = "SELECT s.id, s.party_id, s.stamp, s.hash, s.body, s.malformed, s.read_at, s.missing, s.sweep, s.parent_id \
            FROM staged s LEFT JOIN document d ON d.connection_id = s.connection_id AND d.deal_id = s.id \
            WHERE s.connection_id = $1 AND s.kind = 'deal' AND s.id > $2 AND s.missing < 2 AND s.malformed IS NULL \
            AND d.deal_id IS NULL ORDER BY s.id LIMIT $3";
        self.fetch("staged", sql, vec![self.id(), after.0.into(), i64::from(limit).into()], record).await
    }

    /// A walk over all ids is complete: what it did not see is missing once more. Tells what is now missing for
    /// good (records of the ERP: twice), or worth a look by id (organizations: once).
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn sweep_finish(&mut self, kind: StagedKind, sweep: i64) -> Result<Vec<Changed>, StoreError> {
        let sql = "UPDATE staged SET missing = missing + 1 \
            WHERE connection_id = $1 AND kind = $2 AND sweep < $3 AND missing < 2 RETURNING id, party_id, missing";
        let args = vec![self.id(), kind.key().into(), sweep.into()];
        let rows = self
            .fetch("staged", sql, args, |row| {
                Ok((row.int(0, "id")?, row.maybe_int(1, "party_id")?, row.int(2, "missing")?))
            })
            .await?;
        let told = rows.into_iter().filter(|(.., missing)| kind == StagedKind::Org || *missing == 2);
        Ok(told
            .map(|(id, party, _)| Changed {
                id,
                party,
                was_party: party,
                was_parent: None,
                tied: false,
                returned: false,
            })
            .collect())
    }

    /// How many records of a kind are known and not missing, and how many of them a sweep did not see.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn sweep_unseen(&mut self, kind: StagedKind, sweep: i64) -> Result<(u64, u64), StoreError> {
        let sql = "SELECT count(*), count(CASE WHEN sweep < $3 THEN 1 END) FROM staged \
            WHERE connection_id = $1 AND kind = $2 AND missing < 2";
        let args = vec![self.id(), kind.key().into(), sweep.into()];
        let counts = self
            .fetch_one("staged", sql, args, |row| Ok((row.int(0, "count")?, row.int(1, "unseen")?)))
            .await?;
        let (known, unseen) = counts.unwrap_or_default();
        Ok((known.unsigned_abs(), unseen.unsigned_abs()))
    }

    /// These were read by id and are not there.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn mark_absent(&mut self, kind: StagedKind, ids: &[i64]) -> Result<(), StoreError> {
        let shared = [self.id(), kind.key().into()];
        self.execute_in(&ABSENT, &shared, ids).await?;
        Ok(())
    }

    /// How many records of a kind are staged and not missing.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn staged_count(&mut self, kind: StagedKind) -> Result<u64, StoreError> {
        let sql = "SELECT count(*) FROM staged WHERE connection_id = $1 AND kind = $2 AND missing < 2";
        let args = vec![self.id(), kind.key().into()];
        let count = self.fetch_one("staged", sql, args, |row| row.int(0, "count")).await?;
        Ok(count.unwrap_or(0).unsigned_abs())
    }
}

fn record(row: &Row<'_>) -> Result<StagedRecord, StoreError> {
    Ok(StagedRecord {
        row: StagedRow {
            id: row.int(0, "id")?,
            party: row.maybe_int(1, "party_id")?,
            stamp: row.time(2, "stamp")?,
            hash: row.text(3, "hash")?,
            body: row.text(4, "body")?,
            malformed: row.maybe_text(5, "malformed")?,
            parent: row.maybe_int(9, "parent_id")?,
        },
        read_at: row.time(6, "read_at")?,
        missing: row.int(7, "missing")?,
        sweep: row.int(8, "sweep")?,
    })
}
