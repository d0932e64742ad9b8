//! Documents of the ERP: which are to be looked at, and what was decided of each. They come by the page, so everything here is
//! done in many rows at once. What a decision says is for whoever decides: here it is a text with a key. What is known of
//! them beside the queue is read in `document_rows.rs`.

use std::collections::BTreeSet;

use jiff::Timestamp;
use sync_core::{
    budget::Class,
    documents::{DocumentKey, DocumentKind},
    ids::DealId,
};

use crate::{
    StagedKind, StoreError, Tx,
    sql::{Arg, Claim, Due, Many, Row},
};

/// A document, by what it is staged as: [`StagedKind::Invoice`], [`StagedKind::CreditMemo`], [`StagedKind::SalesOrder`] or
/// [`StagedKind::PurchaseOrder`]. The database refuses all other kinds. In order of the names of kinds, as lists are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DocumentId {
    /// What kind of document.
    pub kind: StagedKind,
    /// Its id in the ERP.
    pub id: i64,
}

impl From<DocumentKey> for DocumentId {
    fn from(DocumentKey { kind, id }: DocumentKey) -> Self {
        let kind = match kind {
            DocumentKind::Invoice => StagedKind::Invoice,
            DocumentKind::CreditMemo => StagedKind::CreditMemo,
            DocumentKind::SalesOrder => StagedKind::SalesOrder,
            DocumentKind::PurchaseOrder => StagedKind::PurchaseOrder,
        };
        Self { kind, id }
    }
}

/// The kinds of documents, in the order of their names.
pub(crate) const KINDS: [StagedKind; 4] =
    [StagedKind::CreditMemo, StagedKind::Invoice, StagedKind::PurchaseOrder, StagedKind::SalesOrder];

/// What was decided of a document, in one word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum DecisionKey {
    /// It belongs to a deal.
    Attached,
    /// It may belong to several; a person is asked.
    Ambiguous,
    /// It says something about a deal, and there is none such.
    Unmatched,
    /// Nothing is known of it but its customer.
    Customer,
    /// It does not count: incomplete, say, or not of our business units.
    NotCounted,
}

impl DecisionKey {
    /// All of them.
    pub const ALL: [Self; 5] =
        [Self::Attached, Self::Ambiguous, Self::Unmatched, Self::Customer, Self::NotCounted];

    /// The word.
    #[must_use]
    pub fn key(self) -> &'static str {
        match self {
            Self::Attached => "attached",
            Self::Ambiguous => "ambiguous",
            Self::Unmatched => "unmatched",
            Self::Customer => "customer",
            Self::NotCounted => "not_counted",
        }
    }
}

/// A decision about a document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decided {
    /// The decision in one word.
    pub key: DecisionKey,
    /// The deal it belongs to: for [`DecisionKey::Attached`], and for nothing else.
    pub deal: Option<DealId>,
    /// The decision, JSON.
    pub body: String,
    /// Whether its balance is not zero.
    pub open: bool,
}

/// A document that is due.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DocumentJob {
    /// What to look at.
    pub id: DocumentId,
    /// How urgent.
    pub class: Class,
    /// Grows with every asking: whoever settles a job names the generation it has seen.
    pub generation: i64,
    /// Tries that failed.
    pub attempts: u32,
    /// Who asked last.
    pub origin: String,
}

/// What became of a job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SettledDocument {
    /// The job, as it was claimed.
    pub job: DocumentJob,
    /// What was decided; none leaves what was decided before.
    pub decided: Option<Decided>,
    /// When it is looked at again, if so.
    pub due: Option<Timestamp>,
    /// Tries that failed.
    pub attempts: u32,
    /// Why, if it failed.
    pub error: Option<String>,
}

/// A document whose job was settled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct DecidedDocument {
    /// The document.
    pub id: DocumentId,
    /// The deal it belonged to.
    pub was: Option<DealId>,
    /// The deal it belongs to.
    pub deal: Option<DealId>,
}

/// A document whose last look failed, for lists.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FailedDocument {
    /// The document.
    pub id: DocumentId,
    /// How many looks failed in a row.
    pub attempts: u32,
    /// In whose words the last one failed.
    pub error: String,
    /// When it is tried again.
    pub due: Option<Timestamp>,
}

static DUE: Due = Due::new("document");

static CLAIM: Claim = Claim::new("document", "id, kind, class, generation, attempts, origin", "kind, id");

// What is not due has no class to be compared with: that of its last look is done with.
static ENQUEUE: Many = Many::new(
    "INSERT INTO document (connection_id, class, due_at, origin, updated_at, kind, id, generation, attempts, is_open) \
        VALUES {rows} ON CONFLICT (connection_id, kind, id) DO UPDATE SET \
        class = CASE WHEN document.due_at IS NOT NULL AND document.class < excluded.class \
            THEN document.class ELSE excluded.class END, \
        due_at = CASE WHEN document.due_at < excluded.due_at THEN document.due_at ELSE excluded.due_at END, \
        origin = excluded.origin, generation = document.generation + 1, attempts = 0, last_error = NULL",
    "($1, $2, $3, $4, $3, ?, ?, 1, 0, 0)",
    4,
);

// Decided or not, a job is settled only as it was claimed. A row without a decision leaves the one before alone.
static SETTLE: Many = Many::new(
    "UPDATE document SET due_at = done.column4, attempts = done.column5, last_error = done.column6, updated_at = $2, \
        decision_key = COALESCE(done.column7, decision_key), decision = COALESCE(done.column8, decision), \
        deal_id = CASE WHEN done.column7 IS NULL THEN deal_id ELSE done.column9 END, \
        is_open = COALESCE(done.column10, is_open), \
        decided_at = CASE WHEN done.column7 IS NULL THEN decided_at ELSE $2 END \
        FROM (VALUES {rows}) AS done \
        WHERE document.connection_id = $1 AND document.kind = done.column1 AND document.id = done.column2 \
        AND document.generation = done.column3 \
        RETURNING id, kind, deal_id",
    "(?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
    2,
);

pub(crate) fn key_of<T: Copy>(
    row: &Row<'_>,
    (index, column): (usize, &'static str),
    all: &[T],
    key: fn(T) -> &'static str,
) -> Result<T, StoreError> {
    let text = row.text(index, column)?;
    let known = all.iter().copied().find(|known| key(*known) == text);
    known.ok_or_else(|| row.unreadable(column, &format!("{text} is none")))
}

/// Columns `id` and `kind`, in this order: errors name the first one.
pub(crate) fn id(row: &Row<'_>) -> Result<DocumentId, StoreError> {
    Ok(DocumentId { kind: key_of(row, (1, "kind"), &KINDS, StagedKind::key)?, id: row.int(0, "id")? })
}

/// Columns `id`, `kind`, `class`, `generation`, `attempts`, `origin`.
fn job(row: &Row<'_>) -> Result<DocumentJob, StoreError> {
    Ok(DocumentJob {
        id: id(row)?,
        class: Class::of_rank(row.int(2, "class")?),
        generation: row.int(3, "generation")?,
        attempts: u32::try_from(row.int(4, "attempts")?).unwrap_or(u32::MAX),
        origin: row.text(5, "origin")?,
    })
}

impl Tx {
    /// Asks for a look at these. Whoever asks again makes the look earlier or more urgent, never double.
    ///
    /// # Errors
    /// When the database refuses: also when one of them is of a kind that is no document.
    pub async fn enqueue_documents(
        &mut self,
        documents: &[DocumentId],
        class: Class,
        due: Timestamp,
        origin: &str,
    ) -> Result<(), StoreError> {
        let once: BTreeSet<DocumentId> = documents.iter().copied().collect();
        let rows: Vec<Vec<Arg>> = once.iter().map(|one| vec![one.kind.key().into(), one.id.into()]).collect();
        let shared = [self.id(), class.rank().into(), due.into(), origin.into()];
        self.execute_many(&ENQUEUE, &shared, &rows).await?;
        Ok(())
    }

    /// Documents that are due and at least as urgent as `least`, the most urgent first.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn claim_documents(
        &mut self,
        now: Timestamp,
        least: Class,
        limit: u32,
    ) -> Result<Vec<DocumentJob>, StoreError> {
        let args = vec![self.id(), now.into(), i64::from(limit).into(), least.rank().into()];
        self.fetch("document", CLAIM.text(), args, job).await
    }

    /// Settles jobs, each document once. Nothing is changed where somebody asked again meanwhile; those where nobody did
    /// are told, with the deal that each belonged to and the one that it belongs to now, so that both show it.
    ///
    /// # Errors
    /// When the database refuses: also when a deal is named and the document is not attached, or the other way round.
    pub async fn settle_documents(
        &mut self,
        settled: &[SettledDocument],
        now: Timestamp,
    ) -> Result<Vec<DecidedDocument>, StoreError> {
        let ids: Vec<DocumentId> = settled.iter().map(|settled| settled.job.id).collect();
        let before = self.documents(&ids).await?;
        let mut rows = Vec::with_capacity(settled.len());
        for SettledDocument { job, decided, due, attempts, error } in settled {
            let decided = decided.as_ref();
            rows.push(vec![
                job.id.kind.key().into(),
                job.id.id.into(),
                job.generation.into(),
                due.map(Timestamp::as_microsecond).into(),
                i64::from(*attempts).into(),
                error.clone().into(),
                decided.map(|decided| decided.key.key().to_owned()).into(),
                decided.map(|decided| decided.body.clone()).into(),
                decided.and_then(|decided| decided.deal).map(|deal| deal.0).into(),
                decided.map(|decided| i64::from(decided.open)).into(),
            ]);
        }
        let read = |row: &Row<'_>| Ok((id(row)?, row.maybe_int(2, "deal_id")?.map(DealId)));
        let now = self.fetch_many("document", &SETTLE, &[self.id(), now.into()], &rows, read).await?;
        let was = |id| before.get(&id).and_then(|row| row.decided.as_ref()).and_then(|(was, _)| was.deal);
        let mut told: Vec<DecidedDocument> =
            now.into_iter().map(|(id, deal)| DecidedDocument { id, was: was(id), deal }).collect();
        told.sort_unstable();
        Ok(told)
    }

    /// When the next document is due that is at least as urgent as `least`.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn next_document(&mut self, least: Class) -> Result<Option<Timestamp>, StoreError> {
        self.next_of("document", &DUE, least).await
    }

    /// Documents in the queue that failed fewer than `attempts` times, and those that failed at least so often. Those that
    /// are only looked at again one day are none of them.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn documents_by_attempts(
        &mut self,
        now: Timestamp,
        attempts: u32,
    ) -> Result<(u64, u64), StoreError> {
        let sql = "SELECT count(*), count(CASE WHEN attempts >= $2 THEN 1 END) FROM document \
            WHERE connection_id = $1 AND due_at IS NOT NULL AND (due_at <= $3 OR attempts > 0)";
        let args = vec![self.id(), i64::from(attempts).into(), now.into()];
        let counts =
            self.fetch_one("document", sql, args, |row| Ok((row.int(0, "count")?, row.int(1, "given_up")?)));
        let (all, given_up) = counts.await?.unwrap_or_default();
        Ok(((all - given_up).unsigned_abs(), given_up.unsigned_abs()))
    }

    /// Documents whose last look failed, the one that failed most often first.
    ///
    /// # Errors
    /// When the database refuses or a row cannot be read.
    pub async fn failed_documents(&mut self, limit: u32) -> Result<Vec<FailedDocument>, StoreError> {
        let sql = "SELECT id, kind, attempts, last_error, due_at FROM document \
            WHERE connection_id = $1 AND last_error IS NOT NULL ORDER BY attempts DESC, kind, id LIMIT $2";
        let args = vec![self.id(), i64::from(limit).into()];
        self.fetch("document", sql, args, |row| {
            Ok(FailedDocument {
                id: id(row)?,
                attempts: u32::try_from(row.int(2, "attempts")?).unwrap_or(u32::MAX),
                error: row.text(3, "last_error")?,
                due: row.maybe_time(4, "due_at")?,
            })
        })
        .await
    }
}
