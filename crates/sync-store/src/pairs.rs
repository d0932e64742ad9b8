//! Pairs and their mirrors.

use std::collections::BTreeMap;

use jiff::Timestamp;
use sync_core::{
    fields::{Field, Values},
    ids::{OrgId, PartyId},
    pair::Pair,
    value::Value,
};

use crate::{
    StoreError, Tx,
    sql::{Many, Row, json},
};

/// The most characters that a pair is searched by: an entry of an index is not long.
const SEARCHED: usize = 500;

/// A pair with its dates.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PairRow {
    /// The pair.
    pub pair: Pair,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
}

/// Pairs in which a text was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FoundPairs {
    /// They, in the order of their parties.
    pub rows: Vec<PairRow>,
    /// After which party to look on; none if all were looked through.
    pub next: Option<PartyId>,
}

static PUT: Many = Many::new(
    "INSERT INTO pair (connection_id, created_at, updated_at, party_id, org_id, erp_mirror, crm_mirror, written, search) \
        VALUES {rows} ON CONFLICT (connection_id, party_id) DO UPDATE SET org_id = excluded.org_id, \
        erp_mirror = excluded.erp_mirror, crm_mirror = excluded.crm_mirror, written = excluded.written, search = excluded.search, \
        updated_at = excluded.updated_at",
    "($1, $2, $2, ?, ?, ?, ?, ?, ?)",
    2,
);

static DELETE: Many = Many::new("DELETE FROM pair WHERE connection_id = $1 AND party_id IN ({rows})", "?", 1);

static WITH_DATES: Many = Many::new(
    "SELECT party_id, org_id, erp_mirror, crm_mirror, written, created_at, updated_at FROM pair \
        WHERE connection_id = $1 AND party_id IN ({rows})",
    "?",
    1,
);

static BY_PARTY: Many = Many::new(
    "SELECT party_id, org_id, erp_mirror, crm_mirror, written FROM pair \
        WHERE connection_id = $1 AND party_id IN ({rows})",
    "?",
    1,
);

static BY_ORG: Many =
    Many::new("SELECT party_id, org_id FROM pair WHERE connection_id = $1 AND org_id IN ({rows})", "?", 1);

impl Tx {
    /// Makes or changes pairs.
    ///
    /// # Errors
    /// When the database refuses: also when an organization belongs to another party (law 1).
    pub async fn put_pairs(&mut self, pairs: &[Pair], now: Timestamp) -> Result<(), StoreError> {
        let mut rows = Vec::with_capacity(pairs.len());
        for Pair { party, org, erp_mirror, crm_mirror, written } in pairs {
            rows.push(vec![
                party.0.into(),
                org.0.into(),
                json("pair", "erp_mirror", erp_mirror)?.into(),
                json("pair", "crm_mirror", crm_mirror)?.into(),
                json("pair", "written", written)?.into(),
                searched_by(crm_mirror).into(),
            ]);
        }
        let shared = [self.id(), now.into()];
        self.execute_many(&PUT, &shared, &rows).await?;
        Ok(())
    }

    /// Forgets the pairs of these parties.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn delete_pairs(&mut self, parties: &[PartyId]) -> Result<(), StoreError> {
        let ids: Vec<i64> = parties.iter().map(|party| party.0).collect();
        let shared = [self.id()];
        self.execute_in(&DELETE, &shared, &ids).await?;
        Ok(())
    }

    /// Pairs of these parties.
    ///
    /// # Errors
    /// When the database refuses or a row cannot be read.
    pub async fn pairs_by_party(
        &mut self,
        parties: &[PartyId],
    ) -> Result<BTreeMap<PartyId, Pair>, StoreError> {
        let ids: Vec<i64> = parties.iter().map(|party| party.0).collect();
        let shared = [self.id()];
        let found = self.fetch_in("pair", &BY_PARTY, &shared, &ids, pair).await?;
        Ok(found.into_iter().map(|pair| (pair.party, pair)).collect())
    }

    /// The parties that these organizations belong to.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn pairs_by_org(&mut self, orgs: &[OrgId]) -> Result<BTreeMap<OrgId, PartyId>, StoreError> {
        let ids: Vec<i64> = orgs.iter().map(|org| org.0).collect();
        let shared = [self.id()];
        let read = |row: &Row<'_>| Ok((OrgId(row.int(1, "org_id")?), PartyId(row.int(0, "party_id")?)));
        Ok(self.fetch_in("pair", &BY_ORG, &shared, &ids, read).await?.into_iter().collect())
    }

    /// A page of pairs in the order of their parties.
    ///
    /// # Errors
    /// When the database refuses or a row cannot be read.
    pub async fn list_pairs(
        &mut self,
        after: Option<PartyId>,
        limit: u32,
    ) -> Result<Vec<PairRow>, StoreError> {
        let sql = "SELECT party_id, org_id, erp_mirror, crm_mirror, written, created_at, updated_at FROM pair \
            WHERE connection_id = $1 AND party_id > $2 ORDER BY party_id LIMIT $3";
        let after = after.map_or(i64::MIN, |party| party.0);
        let args = vec![self.id(), after.into(), i64::from(limit).into()];
        self.fetch("pair", sql, args, pair_row).await
    }

    /// A page of pairs in the order of their parties, of those that have a text in what the CRM says, whatever its case, and on
    /// the first page those whose party or organization has this number. At most `window` of them are looked through: a page
    /// may be empty and not the last one.
    ///
    /// # Errors
    /// When the database refuses or a row cannot be read.
    pub async fn find_pairs(
        &mut self,
        text: &str,
        after: Option<PartyId>,
        (limit, window): (u32, u32),
    ) -> Result<FoundPairs, StoreError> {
        let from = after.map_or(i64::MIN, |party| party.0);
        let party = |row: &Row<'_>| row.int(0, "party_id");
        let sql = "SELECT party_id FROM pair WHERE connection_id = $1 AND party_id > $2 \
            ORDER BY party_id LIMIT 1 OFFSET $3";
        let args = vec![self.id(), from.into(), i64::from(window.saturating_sub(1)).into()];
        let end = self.fetch_one("pair", sql, args, party).await?;
        let mut pattern = String::from("%");
        for c in text.to_lowercase().chars() {
            if matches!(c, '%' | '_' | '!') {
                pattern.push('!');
            }
            pattern.push(c);
        }
        pattern.push('%');
        let sql = "SELECT party_id FROM pair WHERE connection_id = $1 AND party_id > $2 AND party_id <= $3 \
            AND search LIKE $4 ESCAPE '!' ORDER BY party_id LIMIT $5";
        let most = i64::from(limit) + 1;
        let args = vec![self.id(), from.into(), end.unwrap_or(i64::MAX).into(), pattern.into(), most.into()];
        let mut parties = self.fetch("pair", sql, args, party).await?;
        let full = parties.len() > limit as usize;
        parties.truncate(limit as usize);
        let next = if full { parties.last().copied() } else { end };
        if let (None, Ok(number)) = (after, text.parse::<i64>()) {
            let sql = "SELECT party_id FROM pair WHERE connection_id = $1 AND party_id = $2 \
                UNION SELECT party_id FROM pair WHERE connection_id = $1 AND org_id = $2";
            parties.extend(self.fetch("pair", sql, vec![self.id(), number.into()], party).await?);
            parties.sort_unstable();
            parties.dedup();
        }
        let mut rows = self.fetch_in("pair", &WITH_DATES, &[self.id()], &parties, pair_row).await?;
        rows.sort_unstable_by_key(|row| row.pair.party);
        rows.dedup_by_key(|row| row.pair.party);
        Ok(FoundPairs { rows, next: next.map(PartyId) })
    }

    /// Who belongs to whom, by party.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn pair_ids(&mut self) -> Result<Vec<(PartyId, OrgId)>, StoreError> {
        let sql = "SELECT party_id, org_id FROM pair WHERE connection_id = $1 ORDER BY party_id";
        self.fetch("pair", sql, vec![self.id()], |row| {
            Ok((PartyId(row.int(0, "party_id")?), OrgId(row.int(1, "org_id")?)))
        })
        .await
    }

    /// How many pairs there are.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn pair_count(&mut self) -> Result<u64, StoreError> {
        let args = vec![self.id()];
        let sql = "SELECT count(*) FROM pair WHERE connection_id = $1";
        let count = self.fetch_one("pair", sql, args, |row| row.int(0, "count")).await?;
        Ok(count.unwrap_or(0).unsigned_abs())
    }
}

/// What a pair is searched by: what the CRM says but for long texts, which nobody types.
fn searched_by(mirror: &Values) -> String {
    let texts = mirror.iter().filter(|(field, _)| **field != Field::Address);
    let all: Vec<&str> = texts.map(|(_, value)| Value::text(value)).collect();
    all.join("\n").to_lowercase().chars().take(SEARCHED).collect()
}

fn pair_row(row: &Row<'_>) -> Result<PairRow, StoreError> {
    Ok(PairRow {
        pair: pair(row)?,
        created_at: row.time(5, "created_at")?,
        updated_at: row.time(6, "updated_at")?,
    })
}

fn pair(row: &Row<'_>) -> Result<Pair, StoreError> {
    Ok(Pair {
        party: PartyId(row.int(0, "party_id")?),
        org: OrgId(row.int(1, "org_id")?),
        erp_mirror: row.json(2, "erp_mirror")?,
        crm_mirror: row.json(3, "crm_mirror")?,
        written: row.json(4, "written")?,
    })
}
