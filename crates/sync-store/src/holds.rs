//! Holds: questions for a person, at most one open one a party.

use std::collections::BTreeMap;

use jiff::Timestamp;
use sync_core::{answers::Answer, hold::HoldReason, ids::PartyId};

use crate::{
    StoreError, Tx,
    sql::{Many, Row, json},
};

/// An open hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HoldRow {
    /// Its number.
    pub id: i64,
    /// The party that waits.
    pub party: PartyId,
    /// Why.
    pub reason: HoldReason,
    /// Since when.
    pub opened_at: Timestamp,
}

/// How many open holds have one cause.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HoldCause {
    /// The cause's key.
    pub reason: String,
    /// How many there are.
    pub holds: u64,
    /// Since when the oldest is open.
    pub since: Timestamp,
}

/// A hold that is closed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClosedHold {
    /// What was asked.
    pub hold: HoldRow,
    /// Until when it was open.
    pub closed_at: Timestamp,
    /// How it was answered, and by whom; none if reality solved it.
    pub answered: Option<(Answer, String)>,
}

static CLOSE: Many = Many::new(
    "UPDATE hold SET closed_at = $2 WHERE connection_id = $1 AND closed_at IS NULL AND party_id IN ({rows})",
    "?",
    2,
);

static OPEN_ONES: Many = Many::new(
    "SELECT id, party_id, reason, opened_at FROM hold \
        WHERE connection_id = $1 AND closed_at IS NULL AND party_id IN ({rows})",
    "?",
    1,
);

impl Tx {
    /// Opens a hold, or puts another reason to the open one. The same reason again changes nothing.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn open_hold(
        &mut self,
        party: PartyId,
        reason: &HoldReason,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let known = self.holds(&[party]).await?;
        if known.get(&party) == Some(reason) {
            return Ok(());
        }
        self.close_holds(&[party], now).await?;
        let id = self.numbers("hold", 1).await?;
        let sql = "INSERT INTO hold (connection_id, id, party_id, reason_key, reason, opened_at) \
            VALUES ($1, $2, $3, $4, $5, $6)";
        let body = json("hold", "reason", reason)?;
        let args = vec![self.id(), id.into(), party.0.into(), reason.key().into(), body.into(), now.into()];
        self.execute(sql, args).await?;
        Ok(())
    }

    /// Closes the open holds of these parties.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn close_holds(&mut self, parties: &[PartyId], now: Timestamp) -> Result<(), StoreError> {
        let ids: Vec<i64> = parties.iter().map(|party| party.0).collect();
        let shared = [self.id(), now.into()];
        self.execute_in(&CLOSE, &shared, &ids).await?;
        Ok(())
    }

    /// The open holds of these parties.
    ///
    /// # Errors
    /// When the database refuses or a row cannot be read.
    pub async fn holds(&mut self, parties: &[PartyId]) -> Result<BTreeMap<PartyId, HoldReason>, StoreError> {
        let ids: Vec<i64> = parties.iter().map(|party| party.0).collect();
        let shared = [self.id()];
        let found = self.fetch_in("hold", &OPEN_ONES, &shared, &ids, hold).await?;
        Ok(found.into_iter().map(|hold| (hold.party, hold.reason)).collect())
    }

    /// The parties with an open hold of this cause ([`HoldReason::key`]).
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn held_parties(&mut self, reason: &str) -> Result<Vec<PartyId>, StoreError> {
        let sql = "SELECT party_id FROM hold \
            WHERE connection_id = $1 AND closed_at IS NULL AND reason_key = $2 ORDER BY party_id";
        self.fetch("hold", sql, vec![self.id(), reason.into()], |row| Ok(PartyId(row.int(0, "party_id")?)))
            .await
    }

    /// The open hold of a party.
    ///
    /// # Errors
    /// When the database refuses or a row cannot be read.
    pub async fn open_hold_of(&mut self, party: PartyId) -> Result<Option<HoldRow>, StoreError> {
        let found = self.fetch_in("hold", &OPEN_ONES, &[self.id()], &[party.0], hold).await?;
        Ok(found.into_iter().next())
    }

    /// A page of open holds, oldest first; of one cause only, if that is given by its key.
    ///
    /// # Errors
    /// When the database refuses or a row cannot be read.
    pub async fn list_holds(
        &mut self,
        reason: Option<&str>,
        after: Option<i64>,
        limit: u32,
    ) -> Result<Vec<HoldRow>, StoreError> {
        let sql = "SELECT id, party_id, reason, opened_at FROM hold WHERE connection_id = $1 \
            AND closed_at IS NULL AND id > $2 AND ($4 = '' OR reason_key = $4) ORDER BY id LIMIT $3";
        let reason = reason.unwrap_or_default();
        let args = vec![self.id(), after.unwrap_or(0).into(), i64::from(limit).into(), reason.into()];
        self.fetch("hold", sql, args, hold).await
    }

    /// Causes of open holds, with how many there are of each and since when, the most frequent first.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn hold_causes(&mut self) -> Result<Vec<HoldCause>, StoreError> {
        let sql = "SELECT reason_key, count(*), min(opened_at) FROM hold \
            WHERE connection_id = $1 AND closed_at IS NULL GROUP BY reason_key ORDER BY 2 DESC, 1";
        let args = vec![self.id()];
        self.fetch("hold", sql, args, |row| {
            Ok(HoldCause {
                reason: row.text(0, "reason_key")?,
                holds: row.int(1, "count")?.unsigned_abs(),
                since: row.time(2, "opened_at")?,
            })
        })
        .await
    }

    /// The holds that a party had before, newest first.
    ///
    /// # Errors
    /// When the database refuses or a row cannot be read.
    pub async fn closed_holds(&mut self, party: PartyId, limit: u32) -> Result<Vec<ClosedHold>, StoreError> {
        let sql = "SELECT id, party_id, reason, opened_at, closed_at, answer, answered_by FROM hold \
            WHERE connection_id = $1 AND party_id = $2 AND closed_at IS NOT NULL ORDER BY id DESC LIMIT $3";
        let args = vec![self.id(), party.0.into(), i64::from(limit).into()];
        self.fetch("hold", sql, args, |row| {
            let answered = match (row.maybe_text(5, "answer")?, row.maybe_text(6, "answered_by")?) {
                (Some(_), Some(by)) => Some((row.json(5, "answer")?, by)),
                _ => None,
            };
            Ok(ClosedHold { hold: hold(row)?, closed_at: row.time(4, "closed_at")?, answered })
        })
        .await
    }
}

fn hold(row: &Row<'_>) -> Result<HoldRow, StoreError> {
    Ok(HoldRow {
        id: row.int(0, "id")?,
        party: PartyId(row.int(1, "party_id")?),
        reason: row.json(2, "reason")?,
        opened_at: row.time(3, "opened_at")?,
    })
}
