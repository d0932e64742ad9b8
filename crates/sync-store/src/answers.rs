//! Answers of people: to holds, remembered per party; and aliases, which follow from them.
//!
//! Answering needs no lease: a person answers beside the process that holds the connection, which finds the key in its
//! queue. Everything an answer leads to is the holder's work.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use sync_core::{
    answers::{Answer, Answers},
    budget::Class,
    hold::HoldReason,
    ids::{ConnectionId, PartyId},
};

use crate::{
    MatchSide, Store, StoreError, Tx,
    sql::{Many, Row, json},
};

static BY_PARTY: Many =
    Many::new("SELECT party_id, body FROM answer WHERE connection_id = $1 AND party_id IN ({rows})", "?", 1);

static ALIASES_OF: Many = Many::new(
    "SELECT party_id, of_party_id FROM alias WHERE connection_id = $1 AND of_party_id IN ({rows})",
    "?",
    1,
);

static ALIAS: Many = Many::new(
    "SELECT party_id, of_party_id FROM alias WHERE connection_id = $1 AND party_id IN ({rows})",
    "?",
    1,
);

/// What became of an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answered {
    /// It is remembered, and the party will be looked at.
    Taken,
    /// Nothing was asked about this party.
    NotAsked,
    /// It is no answer to the question; the text says which are.
    Refused(String),
}

impl Store {
    /// Answers the open hold of a party, and asks for a look at it.
    ///
    /// # Errors
    /// When the database refuses or a row cannot be read.
    pub async fn answer_hold(
        &self,
        connection: ConnectionId,
        party: PartyId,
        answer: &Answer,
        by: &str,
        now: Timestamp,
    ) -> Result<Answered, StoreError> {
        let mut tx = self.begin(connection).await?;
        let Some(question) = tx.holds(&[party]).await?.remove(&party) else { return Ok(Answered::NotAsked) };
        let mut answers = tx.answers(&[party]).await?.remove(&party).unwrap_or_default();
        if let Err(why) = answers.give(&question, answer, now) {
            return Ok(Answered::Refused(why));
        }
        tx.remember(party, &answers, by, now).await?;
        let sql = "UPDATE hold SET closed_at = $3, answer = $4, answered_by = $5 \
            WHERE connection_id = $1 AND party_id = $2 AND closed_at IS NULL";
        let body = json("hold", "answer", answer)?;
        let args = vec![tx.id(), party.0.into(), now.into(), body.into(), by.into()];
        tx.execute(sql, args).await?;
        let of = answers.alias_of;
        let origin = format!("{by} answered {}", answer.key());
        let parties: Vec<PartyId> = [Some(party), of].into_iter().flatten().collect();
        if let HoldReason::Ambiguous { candidates, .. } = &question {
            // Whoever may be one of these too has a rival less, perhaps.
            let orgs: Vec<i64> = candidates.iter().map(|candidate| candidate.org.0).collect();
            let keys = tx.match_keys_of(MatchSide::Crm, &orgs).await?;
            let near: BTreeSet<i64> =
                tx.free_by_key(MatchSide::Erp, &keys).await?.into_values().flatten().collect();
            let near: Vec<PartyId> =
                near.into_iter().map(PartyId).filter(|near| !parties.contains(near)).collect();
            tx.enqueue(&near, Class::Edit, now, &origin).await?;
        }
        tx.enqueue(&parties, Class::Urgent, now, &origin).await?;
        tx.commit().await?;
        Ok(Answered::Taken)
    }
}

impl Tx {
    /// What people decided about these parties.
    ///
    /// # Errors
    /// When the database refuses or a row cannot be read.
    pub async fn answers(&mut self, parties: &[PartyId]) -> Result<BTreeMap<PartyId, Answers>, StoreError> {
        let ids: Vec<i64> = parties.iter().map(|party| party.0).collect();
        let read = |row: &Row<'_>| Ok((PartyId(row.int(0, "party_id")?), row.json(1, "body")?));
        Ok(self.fetch_in("answer", &BY_PARTY, &[self.id()], &ids, read).await?.into_iter().collect())
    }

    /// Replaces what is remembered about a party, its alias included.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn remember(
        &mut self,
        party: PartyId,
        answers: &Answers,
        by: &str,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let sql = "INSERT INTO answer (connection_id, party_id, body, answered_by, answered_at) \
            VALUES ($1, $2, $3, $4, $5) ON CONFLICT (connection_id, party_id) DO UPDATE SET \
            body = excluded.body, answered_by = excluded.answered_by, answered_at = excluded.answered_at";
        let body = json("answer", "body", answers)?;
        self.execute(sql, vec![self.id(), party.0.into(), body.into(), by.into(), now.into()]).await?;
        match answers.alias_of {
            Some(of) => {
                let sql = "INSERT INTO alias (connection_id, party_id, of_party_id) VALUES ($1, $2, $3) \
                    ON CONFLICT (connection_id, party_id) DO UPDATE SET of_party_id = excluded.of_party_id";
                self.execute(sql, vec![self.id(), party.0.into(), of.0.into()]).await?;
            }
            None => {
                let sql = "DELETE FROM alias WHERE connection_id = $1 AND party_id = $2";
                self.execute(sql, vec![self.id(), party.0.into()]).await?;
            }
        }
        Ok(())
    }

    /// The aliases of these parties: alias and party.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn aliases_of(&mut self, parties: &[PartyId]) -> Result<Vec<(PartyId, PartyId)>, StoreError> {
        let ids: Vec<i64> = parties.iter().map(|party| party.0).collect();
        self.fetch_in("alias", &ALIASES_OF, &[self.id()], &ids, alias).await
    }

    /// The parties that these are aliases of.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn alias_targets(
        &mut self,
        parties: &[PartyId],
    ) -> Result<BTreeMap<PartyId, PartyId>, StoreError> {
        let ids: Vec<i64> = parties.iter().map(|party| party.0).collect();
        Ok(self.fetch_in("alias", &ALIAS, &[self.id()], &ids, alias).await?.into_iter().collect())
    }
}

fn alias(row: &Row<'_>) -> Result<(PartyId, PartyId), StoreError> {
    Ok((PartyId(row.int(0, "party_id")?), PartyId(row.int(1, "of_party_id")?)))
}
