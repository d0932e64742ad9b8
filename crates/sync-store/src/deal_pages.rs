//! What deals show of their documents: which are to be looked at, what stands there, what people are asked about it.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use sync_core::{budget::Class, ids::DealId};

use crate::{
    StoreError, Tx,
    sql::{Arg, Claim, Due, Many, Row},
};

/// A deal whose documents are to be shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DealPageJob {
    /// The deal.
    pub deal: DealId,
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
pub struct SettledDealPage {
    /// The job, as it was claimed.
    pub job: DealPageJob,
    /// When it is looked at again, if so.
    pub due: Option<Timestamp>,
    /// Tries that failed.
    pub attempts: u32,
    /// Why, if it failed.
    pub error: Option<String>,
}

/// A question about what a deal shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PageQuestion {
    /// What kind of question.
    pub key: String,
    /// The question, JSON.
    pub body: String,
}

/// What is stored of the documents on a deal.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DealPageRow {
    /// What stands there, JSON; none before something was shown.
    pub shown: Option<String>,
    /// The open question, and since when it is asked.
    pub question: Option<(PageQuestion, Timestamp)>,
}

/// An open question, for lists.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PageQuestionRow {
    /// The deal.
    pub deal: DealId,
    /// The question.
    pub question: PageQuestion,
    /// Since when it is asked.
    pub asked_at: Timestamp,
}

/// A deal whose last try failed, for lists.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FailedDealPage {
    /// The deal.
    pub deal: DealId,
    /// How many tries failed in a row.
    pub attempts: u32,
    /// In whose words the last one failed.
    pub error: String,
    /// When it is tried again.
    pub due: Option<Timestamp>,
}

static DUE: Due = Due::new("deal_page");

static CLAIM: Claim = Claim::new("deal_page", "deal_id, class, generation, attempts, origin", "deal_id");

// What is not due has no class to be compared with: that of its last look is done with.
static ENQUEUE: Many = Many::new(
    "INSERT INTO deal_page (connection_id, class, due_at, origin, updated_at, deal_id, generation, attempts) \
        VALUES {rows} ON CONFLICT (connection_id, deal_id) DO UPDATE SET \
        class = CASE WHEN deal_page.due_at IS NOT NULL AND deal_page.class < excluded.class \
            THEN deal_page.class ELSE excluded.class END, \
        due_at = CASE WHEN deal_page.due_at < excluded.due_at THEN deal_page.due_at ELSE excluded.due_at END, \
        origin = excluded.origin, generation = deal_page.generation + 1, attempts = 0, last_error = NULL",
    "($1, $2, $3, $4, $3, ?, 1, 0)",
    4,
);

static SETTLE: Many = Many::new(
    "UPDATE deal_page SET due_at = done.column3, attempts = done.column4, last_error = done.column5 \
        FROM (VALUES {rows}) AS done \
        WHERE deal_page.connection_id = $1 AND deal_page.deal_id = done.column1 AND deal_page.generation = done.column2",
    "(?, ?, ?, ?, ?)",
    1,
);

static BY_DEAL: Many = Many::new(
    "SELECT deal_id, shown, question_key, question, asked_at FROM deal_page \
        WHERE connection_id = $1 AND deal_id IN ({rows})",
    "?",
    1,
);

/// Columns `question_key`, `question`, `asked_at` from this one on.
fn question(row: &Row<'_>, first: usize) -> Result<Option<(PageQuestion, Timestamp)>, StoreError> {
    let Some(key) = row.maybe_text(first, "question_key")? else { return Ok(None) };
    let body = row.text(first + 1, "question")?;
    Ok(Some((PageQuestion { key, body }, row.time(first + 2, "asked_at")?)))
}

impl Tx {
    /// Asks for a look at these. Whoever asks again makes the look earlier or more urgent, never double.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn enqueue_deal_pages(
        &mut self,
        deals: &[DealId],
        class: Class,
        due: Timestamp,
        origin: &str,
    ) -> Result<(), StoreError> {
        let once: BTreeSet<DealId> = deals.iter().copied().collect();
        let rows: Vec<Vec<Arg>> = once.iter().map(|deal| vec![deal.0.into()]).collect();
        let shared = [self.id(), class.rank().into(), due.into(), origin.into()];
        self.execute_many(&ENQUEUE, &shared, &rows).await?;
        Ok(())
    }

    /// Deals that are due and at least as urgent as `least`, the most urgent first.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn claim_deal_pages(
        &mut self,
        now: Timestamp,
        least: Class,
        limit: u32,
    ) -> Result<Vec<DealPageJob>, StoreError> {
        let args = vec![self.id(), now.into(), i64::from(limit).into(), least.rank().into()];
        self.fetch("deal_page", CLAIM.text(), args, |row| {
            Ok(DealPageJob {
                deal: DealId(row.int(0, "deal_id")?),
                class: Class::of_rank(row.int(1, "class")?),
                generation: row.int(2, "generation")?,
                attempts: u32::try_from(row.int(3, "attempts")?).unwrap_or(u32::MAX),
                origin: row.text(4, "origin")?,
            })
        })
        .await
    }

    /// Settles jobs, each deal once: nothing is changed where somebody asked again meanwhile.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn settle_deal_pages(&mut self, settled: &[SettledDealPage]) -> Result<(), StoreError> {
        let row = |SettledDealPage { job, due, attempts, error }: &SettledDealPage| -> Vec<Arg> {
            vec![
                job.deal.0.into(),
                job.generation.into(),
                due.map(Timestamp::as_microsecond).into(),
                i64::from(*attempts).into(),
                error.clone().into(),
            ]
        };
        let rows: Vec<Vec<Arg>> = settled.iter().map(row).collect();
        self.execute_many(&SETTLE, &[self.id()], &rows).await?;
        Ok(())
    }

    /// What is stored of these.
    ///
    /// # Errors
    /// When the database refuses or a row cannot be read.
    pub async fn deal_pages(
        &mut self,
        deals: &[DealId],
    ) -> Result<BTreeMap<DealId, DealPageRow>, StoreError> {
        let ids: Vec<i64> = deals.iter().map(|deal| deal.0).collect();
        let read = |row: &Row<'_>| {
            let page = DealPageRow { shown: row.maybe_text(1, "shown")?, question: question(row, 2)? };
            Ok((DealId(row.int(0, "deal_id")?), page))
        };
        let rows = self.fetch_in("deal_page", &BY_DEAL, &[self.id()], &ids, read).await?;
        Ok(rows.into_iter().collect())
    }

    /// Remembers what stands on a deal that was asked for before; none once nothing stands there.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn put_page_shown(
        &mut self,
        deal: DealId,
        shown: Option<&str>,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let sql =
            "UPDATE deal_page SET shown = $3, updated_at = $4 WHERE connection_id = $1 AND deal_id = $2";
        let args = vec![self.id(), deal.0.into(), shown.map(str::to_owned).into(), now.into()];
        self.execute(sql, args).await?;
        Ok(())
    }

    /// Asks a question about what a deal shows, or none any more. One of the same kind is asked since when the first of them
    /// was.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn put_page_question(
        &mut self,
        deal: DealId,
        question: Option<&PageQuestion>,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let sql = "UPDATE deal_page SET question_key = $3, question = $4, updated_at = $6, \
            asked_at = CASE WHEN question_key = $3 THEN asked_at ELSE $5 END \
            WHERE connection_id = $1 AND deal_id = $2";
        let args = vec![
            self.id(),
            deal.0.into(),
            question.map(|question| question.key.clone()).into(),
            question.map(|question| question.body.clone()).into(),
            question.map(|_| now.as_microsecond()).into(),
            now.into(),
        ];
        self.execute(sql, args).await?;
        Ok(())
    }

    /// A page of open questions about what deals show, oldest first; of one kind only, if that is given. `after` says
    /// when the last one of the page before was asked, and about which deal.
    ///
    /// # Errors
    /// When the database refuses or a row cannot be read.
    pub async fn page_questions(
        &mut self,
        key: Option<&str>,
        after: Option<(Timestamp, DealId)>,
        limit: u32,
    ) -> Result<Vec<PageQuestionRow>, StoreError> {
        let sql = "SELECT deal_id, question_key, question, asked_at FROM deal_page \
            WHERE connection_id = $1 AND question_key IS NOT NULL AND ($2 = '' OR question_key = $2) \
            AND (asked_at, deal_id) > ($3, $4) ORDER BY asked_at, deal_id LIMIT $5";
        let (at, deal) = after.map_or((i64::MIN, i64::MIN), |(at, deal)| (at.as_microsecond(), deal.0));
        let key = key.unwrap_or_default();
        let args = vec![self.id(), key.into(), at.into(), deal.into(), i64::from(limit).into()];
        self.fetch("deal_page", sql, args, |row| {
            let asked = question(row, 1)?;
            let (question, asked_at) = asked.ok_or_else(|| row.unreadable("question_key", &"it is none"))?;
            Ok(PageQuestionRow { deal: DealId(row.int(0, "deal_id")?), question, asked_at })
        })
        .await
    }

    /// How many open questions of each kind there are.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn page_question_counts(&mut self) -> Result<BTreeMap<String, u64>, StoreError> {
        let sql = "SELECT question_key, count(*) FROM deal_page \
            WHERE connection_id = $1 AND question_key IS NOT NULL GROUP BY question_key";
        let counts = self.fetch("deal_page", sql, vec![self.id()], |row| {
            Ok((row.text(0, "question_key")?, row.int(1, "count")?.unsigned_abs()))
        });
        Ok(counts.await?.into_iter().collect())
    }

    /// When the next deal is due that is at least as urgent as `least`.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn next_deal_page(&mut self, least: Class) -> Result<Option<Timestamp>, StoreError> {
        self.next_of("deal_page", &DUE, least).await
    }

    /// Deals in the queue that failed fewer than `attempts` times, and those that failed at least so often. Those that are
    /// only looked at again one day are none of them.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn deal_pages_by_attempts(
        &mut self,
        now: Timestamp,
        attempts: u32,
    ) -> Result<(u64, u64), StoreError> {
        let sql = "SELECT count(*), count(CASE WHEN attempts >= $2 THEN 1 END) FROM deal_page \
            WHERE connection_id = $1 AND due_at IS NOT NULL AND (due_at <= $3 OR attempts > 0)";
        let args = vec![self.id(), i64::from(attempts).into(), now.into()];
        let counts =
            self.fetch_one("deal_page", sql, args, |row| Ok((row.int(0, "count")?, row.int(1, "given_up")?)));
        let (all, given_up) = counts.await?.unwrap_or_default();
        Ok(((all - given_up).unsigned_abs(), given_up.unsigned_abs()))
    }

    /// Deals whose last try failed, the one that failed most often first.
    ///
    /// # Errors
    /// When the database refuses or a row cannot be read.
    pub async fn failed_deal_pages(&mut self, limit: u32) -> Result<Vec<FailedDealPage>, StoreError> {
        let sql = "SELECT deal_id, attempts, last_error, due_at FROM deal_page \
            WHERE connection_id = $1 AND last_error IS NOT NULL ORDER BY attempts DESC, deal_id LIMIT $2";
        self.fetch("deal_page", sql, vec![self.id(), i64::from(limit).into()], |row| {
            Ok(FailedDealPage {
                deal: DealId(row.int(0, "deal_id")?),
                attempts: u32::try_from(row.int(1, "attempts")?).unwrap_or(u32::MAX),
                error: row.text(2, "last_error")?,
                due: row.maybe_time(3, "due_at")?,
            })
        })
        .await
    }
}
