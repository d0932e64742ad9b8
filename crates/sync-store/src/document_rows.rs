//! What is known of documents: what was decided, what a person said, which lists each is on.

use std::collections::BTreeMap;

use jiff::Timestamp;
use sync_core::{
    budget::Class,
    ids::{ConnectionId, DealId, PartyId},
};

use crate::{
    Decided, DecisionKey, DocumentId, StagedKind, Store, StoreError, Tx,
    documents::{KINDS, id, key_of},
    sql::{Many, Row},
};

/// What a person said about a document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PersonAnswer {
    /// The answer, JSON.
    pub body: String,
    /// Who said it.
    pub by: String,
    /// When.
    pub at: Timestamp,
}

/// What is stored of a document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DocumentRow {
    /// The document.
    pub id: DocumentId,
    /// What was decided, and when; none before the first look.
    pub decided: Option<(Decided, Timestamp)>,
    /// What a person said.
    pub answer: Option<PersonAnswer>,
}

static BY_ID: Many = Many::new(
    "SELECT id, kind, decision_key, decision, deal_id, is_open, decided_at, answer, answered_by, \
    answered_at FROM document WHERE connection_id = $1 AND kind = $2 AND id IN ({rows})",
    "?",
    2,
);

static BY_DEAL: Many = Many::new(
    "SELECT id, kind, decision_key, decision, deal_id, is_open, decided_at, answer, answered_by, answered_at \
        FROM document WHERE connection_id = $1 AND deal_id IN ({rows}) ORDER BY deal_id, kind, id",
    "?",
    1,
);

/// Columns as in [`BY_ID`].
// Driven by the party: what else was decided of how many others does not matter.
static WITHOUT_DEAL: Many = Many::new(
    "SELECT d.id, d.kind FROM staged s JOIN document d ON d.connection_id = s.connection_id AND d.kind = s.kind AND d.id = s.id \
        WHERE s.connection_id = $1 AND s.kind = $2 AND s.party_id IN ({rows}) \
        AND d.decision_key IN ('ambiguous', 'customer', 'unmatched') ORDER BY d.id",
    "?",
    2,
);

/// Columns as in [`BY_ID`].
// Driven by the party, too.
static OF_PARTY: Many = Many::new(
    "SELECT d.id, d.kind FROM staged s JOIN document d ON d.connection_id = s.connection_id AND d.kind = s.kind AND d.id = s.id \
        WHERE s.connection_id = $1 AND s.kind = $2 AND s.party_id IN ({rows}) \
        AND d.decision_key IN ('ambiguous', 'attached', 'customer', 'unmatched') ORDER BY d.id",
    "?",
    2,
);

fn document(row: &Row<'_>) -> Result<DocumentRow, StoreError> {
    let decided = match row.maybe_text(3, "decision")? {
        None => None,
        Some(body) => {
            let key = key_of(row, (2, "decision_key"), &DecisionKey::ALL, DecisionKey::key)?;
            let deal = row.maybe_int(4, "deal_id")?.map(DealId);
            let open = row.int(5, "is_open")? != 0;
            Some((Decided { key, deal, body, open }, row.time(6, "decided_at")?))
        }
    };
    let answer = match row.maybe_text(7, "answer")? {
        None => None,
        Some(body) => {
            Some(PersonAnswer { body, by: row.text(8, "answered_by")?, at: row.time(9, "answered_at")? })
        }
    };
    Ok(DocumentRow { id: id(row)?, decided, answer })
}

impl Store {
    /// Takes down what a person says about a document, or takes it back, and asks for a look at it. Needs no lease: see
    /// [`Store::answer_hold`]. Tells whether there is such a document.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn answer_document(
        &self,
        connection: ConnectionId,
        document: DocumentId,
        answer: Option<&str>,
        by: &str,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let mut tx = self.begin(connection).await?;
        if !tx.put_document_answer(document, answer, by, now).await? {
            return Ok(false);
        }
        let origin = format!("{by} {}", if answer.is_some() { "answered" } else { "took an answer back" });
        tx.enqueue_documents(&[document], Class::Urgent, now, &origin).await?;
        tx.commit().await?;
        Ok(true)
    }
}

impl Tx {
    /// What is stored of these.
    ///
    /// # Errors
    /// When the database refuses or a row cannot be read.
    pub async fn documents(
        &mut self,
        ids: &[DocumentId],
    ) -> Result<BTreeMap<DocumentId, DocumentRow>, StoreError> {
        let mut found = BTreeMap::new();
        for kind in KINDS {
            let ids: Vec<i64> = ids.iter().filter(|id| id.kind == kind).map(|id| id.id).collect();
            let shared = [self.id(), kind.key().into()];
            let rows = self.fetch_in("document", &BY_ID, &shared, &ids, document).await?;
            found.extend(rows.into_iter().map(|row| (row.id, row)));
        }
        Ok(found)
    }

    /// The documents that belong to these deals.
    ///
    /// # Errors
    /// When the database refuses or a row cannot be read.
    pub async fn documents_of(&mut self, deals: &[DealId]) -> Result<Vec<DocumentRow>, StoreError> {
        let deals: Vec<i64> = deals.iter().map(|deal| deal.0).collect();
        self.fetch_in("document", &BY_DEAL, &[self.id()], &deals, document).await
    }

    /// Documents of these parties that were looked at and found no deal.
    ///
    /// # Errors
    /// When the database refuses or a row cannot be read.
    pub async fn documents_without_deal(
        &mut self,
        parties: &[PartyId],
    ) -> Result<Vec<DocumentId>, StoreError> {
        let parties: Vec<i64> = parties.iter().map(|party| party.0).collect();
        let mut found = Vec::new();
        for kind in KINDS {
            let shared = [self.id(), kind.key().into()];
            found.extend(self.fetch_in("document", &WITHOUT_DEAL, &shared, &parties, id).await?);
        }
        Ok(found)
    }

    /// Documents of these parties that count and were looked at, whether or not they found a deal.
    ///
    /// # Errors
    /// When the database refuses or a row cannot be read.
    pub async fn documents_of_parties(&mut self, parties: &[PartyId]) -> Result<Vec<DocumentId>, StoreError> {
        let parties: Vec<i64> = parties.iter().map(|party| party.0).collect();
        let mut found = Vec::new();
        for kind in KINDS {
            let shared = [self.id(), kind.key().into()];
            found.extend(self.fetch_in("document", &OF_PARTY, &shared, &parties, id).await?);
        }
        Ok(found)
    }

    /// Takes down what a person says about a document, or takes it back; tells whether there is such a document.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn put_document_answer(
        &mut self,
        document: DocumentId,
        answer: Option<&str>,
        by: &str,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let sql = "UPDATE document SET answer = $4, answered_by = $5, answered_at = $6, updated_at = $7 \
            WHERE connection_id = $1 AND kind = $2 AND id = $3";
        let args = vec![
            self.id(),
            document.kind.key().into(),
            document.id.into(),
            answer.map(str::to_owned).into(),
            answer.map(|_| by.to_owned()).into(),
            answer.map(|_| now.as_microsecond()).into(),
            now.into(),
        ];
        Ok(self.execute(sql, args).await? > 0)
    }

    /// A page of the documents of which this was decided, by kind and id. `after` is the last one of the page before.
    ///
    /// # Errors
    /// When the database refuses or a row cannot be read.
    pub async fn decided_documents(
        &mut self,
        key: DecisionKey,
        after: Option<DocumentId>,
        limit: u32,
    ) -> Result<Vec<DocumentRow>, StoreError> {
        let sql = "SELECT id, kind, decision_key, decision, deal_id, is_open, decided_at, answer, answered_by, answered_at \
            FROM document WHERE connection_id = $1 AND decision_key = $2 AND (kind, id) > ($3, $4) \
            ORDER BY kind, id LIMIT $5";
        let (kind, id) = after.map_or(("", i64::MIN), |after| (after.kind.key(), after.id));
        let args = vec![self.id(), key.key().into(), kind.into(), id.into(), i64::from(limit).into()];
        self.fetch("document", sql, args, document).await
    }

    /// How many documents there are of which each was decided; what was decided of none is not there.
    ///
    /// # Errors
    /// When the database refuses or a row cannot be read.
    pub async fn document_counts(&mut self) -> Result<BTreeMap<DecisionKey, u64>, StoreError> {
        let sql = "SELECT decision_key, count(*) FROM document \
            WHERE connection_id = $1 AND decision_key IS NOT NULL GROUP BY decision_key";
        let counts = self.fetch("document", sql, vec![self.id()], |row| {
            let key = key_of(row, (0, "decision_key"), &DecisionKey::ALL, DecisionKey::key)?;
            Ok((key, row.int(1, "count")?.unsigned_abs()))
        });
        Ok(counts.await?.into_iter().collect())
    }

    /// A page of the documents of a kind whose balance was not zero when they were last looked at, by id.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn open_documents(
        &mut self,
        kind: StagedKind,
        after: i64,
        limit: u32,
    ) -> Result<Vec<i64>, StoreError> {
        let sql = "SELECT id FROM document \
            WHERE connection_id = $1 AND kind = $2 AND is_open = 1 AND id > $3 ORDER BY id LIMIT $4";
        let args = vec![self.id(), kind.key().into(), after.into(), i64::from(limit).into()];
        self.fetch("document", sql, args, |row| row.int(0, "id")).await
    }
}
