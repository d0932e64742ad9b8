//! Handovers: which organizations are to be looked at, what was made of each, what people decided and what they are asked.
//! They are few (whatever was won, not whatever exists), so each is a statement of its own.
//!
//! Longer than 600 lines: one table with two queues, each statement beside the method that runs it.

use jiff::Timestamp;
use sync_core::{
    budget::Class,
    handover::{Asked, HandoverAnswer, HandoverAnswers, Made, Question, Shown, Subject},
    ids::{ConnectionId, DealId, IntentId, OrgId},
};

use crate::{
    Answered, Store, StoreError, Tx,
    sql::{Arg, Due, Many, Row, json},
};

/// A key that is due.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HandoverJob {
    /// What to look at.
    pub subject: Subject,
    /// How urgent.
    pub class: Class,
    /// Grows with every asking: whoever finishes a job names the generation it has seen.
    pub generation: i64,
    /// Tries that failed.
    pub attempts: u32,
    /// Who asked last.
    pub origin: String,
}

/// What is stored of one handover.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct HandoverRow {
    /// What was made or found so far.
    pub made: Made,
    /// What people decided.
    pub answers: HandoverAnswers,
    /// When the organization was seen to belong to somebody else than before.
    pub assigned_at: Option<Timestamp>,
    /// The open question, and since when it is asked.
    pub question: Option<(Question, Timestamp)>,
    /// The last try, if it failed.
    pub failure: Option<HandoverFailure>,
}

/// Tries that failed, and what became of the last of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HandoverFailure {
    /// How many failed in a row.
    pub attempts: u32,
    /// In whose words it failed.
    pub error: String,
    /// When it is tried again.
    pub due: Option<Timestamp>,
}

/// A handover whose last try failed, for lists.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FailedHandover {
    /// What it is about.
    pub subject: Subject,
    /// How it failed.
    pub failure: HandoverFailure,
}

/// A handover that is neither done nor settled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenHandover {
    /// What it is about.
    pub subject: Subject,
    /// What was made or found so far.
    pub made: Made,
    /// Whether somebody is asked about it.
    pub asked: bool,
}

/// An open question, for lists.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QuestionRow {
    /// What it is about.
    pub subject: Subject,
    /// The question.
    pub question: Question,
    /// Since when it is asked.
    pub asked_at: Timestamp,
}

static DUE: Due = Due::new("handover");

static ASKED: Many = Many::new(
    "UPDATE handover SET class = $3, due_at = CASE WHEN due_at < $2 THEN due_at ELSE $2 END, \
        origin = 'the organization was changed', generation = generation + 1, attempts = 0, last_error = NULL \
        WHERE connection_id = $1 AND kind = 'org' AND question_key IS NOT NULL AND id IN ({rows})",
    "?",
    3,
);

static RETURNED: Many = Many::new(
    "UPDATE handover SET class = $3, due_at = CASE WHEN due_at < $2 THEN due_at ELSE $2 END, \
        origin = 'the organization is back', generation = generation + 1, attempts = 0, last_error = NULL \
        WHERE connection_id = $1 AND kind = 'org' AND id IN ({rows})",
    "?",
    3,
);

/// How often it failed, how and until when; the handover's own failure comes before that to tell of it.
macro_rules! failure {
    () => {
        "CASE WHEN last_error IS NULL THEN show_attempts ELSE attempts END, COALESCE(last_error, show_error), \
        CASE WHEN last_error IS NULL THEN show_at ELSE due_at END"
    };
}

const ORG: &str = "org";
const DEAL: &str = "deal";

fn kind(subject: Subject) -> (&'static str, i64) {
    match subject {
        Subject::Org(org) => (ORG, org.0),
        Subject::Deal(deal) => (DEAL, deal.0),
    }
}

/// Columns `id` and `kind`, in this order: errors name the first one.
fn subject(row: &Row<'_>) -> Result<Subject, StoreError> {
    let id = row.int(0, "id")?;
    match row.text(1, "kind")?.as_str() {
        ORG => Ok(Subject::Org(OrgId(id))),
        DEAL => Ok(Subject::Deal(DealId(id))),
        other => Err(row.unreadable("kind", &format!("{other} is none"))),
    }
}

/// Columns `id`, `kind`, `class`, `generation`, `attempts`, `origin`.
fn job(row: &Row<'_>) -> Result<HandoverJob, StoreError> {
    Ok(HandoverJob {
        subject: subject(row)?,
        class: Class::of_rank(row.int(2, "class")?),
        generation: row.int(3, "generation")?,
        attempts: u32::try_from(row.int(4, "attempts")?).unwrap_or(u32::MAX),
        origin: row.text(5, "origin")?,
    })
}

/// Columns `attempts`, `last_error`, `due_at` from this one on.
fn failure(row: &Row<'_>, first: usize) -> Result<Option<HandoverFailure>, StoreError> {
    let Some(error) = row.maybe_text(first + 1, "last_error")? else { return Ok(None) };
    let attempts = u32::try_from(row.int(first, "attempts")?).unwrap_or(u32::MAX);
    Ok(Some(HandoverFailure { attempts, error, due: row.maybe_time(first + 2, "due_at")? }))
}

impl Store {
    /// Answers the open question of a handover, and asks for a look at it. Needs no lease: see [`Store::answer_hold`].
    ///
    /// # Errors
    /// When the database refuses or a row cannot be read.
    pub async fn answer_handover(
        &self,
        connection: ConnectionId,
        subject: Subject,
        answer: HandoverAnswer,
        by: &str,
        now: Timestamp,
    ) -> Result<Answered, StoreError> {
        let mut tx = self.begin(connection).await?;
        let Some(row) = tx.handover(subject).await? else { return Ok(Answered::NotAsked) };
        let Some((question, _)) = row.question else { return Ok(Answered::NotAsked) };
        let mut answers = row.answers;
        if let Err(why) = answers.remember(&question, answer) {
            return Ok(Answered::Refused(why));
        }
        tx.put_handover_answers(subject, &answers, by, now).await?;
        tx.put_question(subject, None, now).await?;
        let origin = format!("{by} answered {}", answer.key());
        tx.enqueue_handovers(&[subject], Class::Urgent, now, &origin).await?;
        tx.commit().await?;
        Ok(Answered::Taken)
    }

    /// A person asks for a customer of the ERP by hand: for an organization, or for one of its deals.
    ///
    /// # Errors
    /// When the database refuses or a row cannot be read.
    pub async fn ask_for_handover(
        &self,
        connection: ConnectionId,
        org: OrgId,
        asked: Asked,
        by: &str,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let subject = Subject::Org(org);
        let mut tx = self.begin(connection).await?;
        let origin = format!("{by} asked for it");
        tx.enqueue_handovers(&[subject], Class::Urgent, now, &origin).await?;
        let mut answers = tx.handover(subject).await?.unwrap_or_default().answers;
        answers.asked.insert(asked);
        tx.put_handover_answers(subject, &answers, by, now).await?;
        tx.commit().await
    }
}

fn failed(row: &Row<'_>) -> Result<FailedHandover, StoreError> {
    let failure = failure(row, 2)?.ok_or_else(|| row.unreadable("last_error", &"it is none"))?;
    Ok(FailedHandover { subject: subject(row)?, failure })
}

impl Tx {
    /// Asks for a look at these. Whoever asks again makes the look earlier or more urgent, never double, and never takes back
    /// that a person said to try again.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn enqueue_handovers(
        &mut self,
        subjects: &[Subject],
        class: Class,
        due: Timestamp,
        origin: &str,
    ) -> Result<(), StoreError> {
        let sql = "INSERT INTO handover (connection_id, kind, id, class, due_at, generation, attempts, origin, made, \
            answers, updated_at) VALUES ($1, $2, $3, $4, $5, 1, 0, $6, '{}', '{}', $5) \
            ON CONFLICT (connection_id, kind, id) DO UPDATE SET \
            class = CASE WHEN handover.due_at IS NOT NULL AND handover.class < excluded.class \
                THEN handover.class ELSE excluded.class END, \
            due_at = CASE WHEN handover.due_at < excluded.due_at THEN handover.due_at ELSE excluded.due_at END, \
            origin = CASE WHEN handover.due_at IS NOT NULL AND handover.origin LIKE '%answered retry' \
                THEN handover.origin ELSE excluded.origin END, generation = handover.generation + 1, attempts = 0, last_error = NULL";
        for one in subjects {
            let (kind, id) = kind(*one);
            let args: Vec<Arg> =
                vec![self.id(), kind.into(), id.into(), class.rank().into(), due.into(), origin.into()];
            self.execute(sql, args).await?;
        }
        Ok(())
    }

    /// Remembers when an organization was given to somebody else; nothing is looked at for that alone.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn note_assigned(
        &mut self,
        org: OrgId,
        at: Timestamp,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let sql = "INSERT INTO handover (connection_id, kind, id, class, generation, attempts, origin, made, answers, \
            assigned_at, updated_at) VALUES ($1, 'org', $2, $3, 0, 0, '', '{}', '{}', $4, $5) \
            ON CONFLICT (connection_id, kind, id) DO UPDATE SET assigned_at = excluded.assigned_at, \
            updated_at = excluded.updated_at";
        let class = Class::Backfill.rank();
        self.execute(sql, vec![self.id(), org.0.into(), class.into(), at.into(), now.into()]).await?;
        Ok(())
    }

    /// Notes that what a person said to try again was tried.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn has_tried_again(&mut self, subject: Subject) -> Result<(), StoreError> {
        let (kind, id) = kind(subject);
        let sql = "UPDATE handover SET origin = 'tried again' \
            WHERE connection_id = $1 AND kind = $2 AND id = $3 AND origin LIKE '%answered retry'";
        self.execute(sql, vec![self.id(), kind.into(), id.into()]).await?;
        Ok(())
    }

    /// Asks for a look at those of these organizations about which somebody is asked: what was missing may be there now.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn enqueue_asked(&mut self, orgs: &[i64], due: Timestamp) -> Result<(), StoreError> {
        self.execute_in(&ASKED, &[self.id(), due.into(), Class::Urgent.rank().into()], orgs).await?;
        Ok(())
    }

    /// Asks for a look at those of these organizations that a handover was about: they were gone and are back.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn enqueue_returned(&mut self, orgs: &[i64], due: Timestamp) -> Result<(), StoreError> {
        self.execute_in(&RETURNED, &[self.id(), due.into(), Class::Urgent.rank().into()], orgs).await?;
        Ok(())
    }

    /// Keys that are due and at least as urgent as `least`, the most urgent first.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn claim_handovers(
        &mut self,
        now: Timestamp,
        least: Class,
        limit: u32,
    ) -> Result<Vec<HandoverJob>, StoreError> {
        let sql = "SELECT id, kind, class, generation, attempts, origin FROM handover \
            WHERE connection_id = $1 AND due_at IS NOT NULL AND due_at <= $2 AND class <= $4 \
            ORDER BY class, due_at, kind, id LIMIT $3";
        let args = vec![self.id(), now.into(), i64::from(limit).into(), least.rank().into()];
        self.fetch("handover", sql, args, job).await
    }

    /// A key was dealt with, or is to be looked at later: nothing is changed where somebody asked again meanwhile. Unless it
    /// failed, what its records say of it is to be looked at next, from `now` on.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn settle_handover(
        &mut self,
        job: &HandoverJob,
        due: Option<Timestamp>,
        attempts: u32,
        error: Option<&str>,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let sql = "UPDATE handover SET due_at = $5, attempts = $6, last_error = $7, \
            show_attempts = CASE WHEN $7 IS NULL THEN 0 ELSE show_attempts END, \
            show_error = CASE WHEN $7 IS NULL THEN NULL ELSE show_error END, \
            show_at = CASE WHEN $7 IS NULL THEN $8 ELSE show_at END \
            WHERE connection_id = $1 AND kind = $2 AND id = $3 AND generation = $4";
        let mut args = self.settled(job, due, attempts, error);
        args.push(now.into());
        self.execute(sql, args).await?;
        Ok(())
    }

    /// Arguments that say which key is settled, and how.
    fn settled(
        &self,
        job: &HandoverJob,
        due: Option<Timestamp>,
        attempts: u32,
        error: Option<&str>,
    ) -> Vec<Arg> {
        let (kind, id) = kind(job.subject);
        vec![
            self.id(),
            kind.into(),
            id.into(),
            job.generation.into(),
            due.map(Timestamp::as_microsecond).into(),
            i64::from(attempts).into(),
            error.map(str::to_owned).into(),
        ]
    }

    /// Keys of which deal and organization shall be told, unless they are decided first; the longest due first. Attempts are
    /// those to tell.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn claim_shows(&mut self, now: Timestamp, limit: u32) -> Result<Vec<HandoverJob>, StoreError> {
        let sql = "SELECT id, kind, class, generation, show_attempts AS attempts, origin FROM handover \
            WHERE connection_id = $1 AND show_at IS NOT NULL AND show_at <= $2 AND (due_at IS NULL OR due_at > $2) \
            ORDER BY show_at, kind, id LIMIT $3";
        let args = vec![self.id(), now.into(), i64::from(limit).into()];
        self.fetch("handover", sql, args, job).await
    }

    /// Keys of which deal and organization shall be told, now or later, unless they are decided first.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn pending_shows(
        &mut self,
        now: Timestamp,
        limit: u32,
    ) -> Result<Vec<HandoverJob>, StoreError> {
        let sql = "SELECT id, kind, class, generation, show_attempts AS attempts, origin FROM handover \
            WHERE connection_id = $1 AND show_at IS NOT NULL AND (due_at IS NULL OR due_at > $2) \
            ORDER BY kind, id LIMIT $3";
        let args = vec![self.id(), now.into(), i64::from(limit).into()];
        self.fetch("handover", sql, args, job).await
    }

    /// They were told, or are to be told later: nothing is changed where somebody asked for a look meanwhile.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn settle_show(
        &mut self,
        job: &HandoverJob,
        due: Option<Timestamp>,
        attempts: u32,
        error: Option<&str>,
    ) -> Result<(), StoreError> {
        let sql = "UPDATE handover SET show_at = $5, show_attempts = $6, show_error = $7 \
            WHERE connection_id = $1 AND kind = $2 AND id = $3 AND generation = $4";
        let args = self.settled(job, due, attempts, error);
        self.execute(sql, args).await?;
        Ok(())
    }

    /// When somebody is to be told next of a handover.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn next_show(&mut self) -> Result<Option<Timestamp>, StoreError> {
        let sql = "SELECT show_at FROM handover \
            WHERE connection_id = $1 AND show_at IS NOT NULL ORDER BY show_at LIMIT 1";
        self.fetch_one("handover", sql, vec![self.id()], |row| row.time(0, "show_at")).await
    }

    /// Keys that go on without anybody being asked, now or later, the most urgent first.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn pending_handovers(
        &mut self,
        now: Timestamp,
        limit: u32,
    ) -> Result<Vec<HandoverJob>, StoreError> {
        let sql = "SELECT id, kind, class, generation, attempts, origin FROM handover \
            WHERE connection_id = $1 AND due_at IS NOT NULL AND (question IS NULL OR due_at <= $2) \
            ORDER BY class, due_at, kind, id LIMIT $3";
        let args = vec![self.id(), now.into(), i64::from(limit).into()];
        self.fetch("handover", sql, args, job).await
    }

    /// Handovers whose last try failed, the one that failed most often first.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn failed_handovers(&mut self, limit: u32) -> Result<Vec<FailedHandover>, StoreError> {
        let sql = concat!(
            "SELECT id, kind, ",
            failure!(),
            " FROM handover WHERE connection_id = $1 AND (last_error IS NOT NULL OR show_error IS NOT NULL) \
            ORDER BY 3 DESC, kind, id LIMIT $2"
        );
        let args = vec![self.id(), i64::from(limit).into()];
        self.fetch("handover", sql, args, failed).await
    }

    /// A page of handovers whose last try failed, by kind and id. `after` is the last one of the page before.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn failed_handovers_after(
        &mut self,
        after: Option<Subject>,
        limit: u32,
    ) -> Result<Vec<FailedHandover>, StoreError> {
        let sql = concat!(
            "SELECT id, kind, ",
            failure!(),
            " FROM handover WHERE connection_id = $1 AND (last_error IS NOT NULL OR show_error IS NOT NULL) \
            AND (kind, id) > ($3, $4) ORDER BY kind, id LIMIT $2"
        );
        let (kind, id) = after.map_or(("", i64::MIN), kind);
        let args = vec![self.id(), i64::from(limit).into(), kind.into(), id.into()];
        self.fetch("handover", sql, args, failed).await
    }

    /// Handovers that are neither done nor settled: somebody is asked, or they are to be looked at.
    ///
    /// # Errors
    /// When the database refuses or a row cannot be read.
    pub async fn open_handovers(&mut self) -> Result<Vec<OpenHandover>, StoreError> {
        let sql = "SELECT id, kind, made, question_key FROM handover \
            WHERE connection_id = $1 AND (due_at IS NOT NULL OR question_key IS NOT NULL) ORDER BY kind, id";
        self.fetch("handover", sql, vec![self.id()], |row| {
            let asked = row.maybe_text(3, "question_key")?.is_some();
            Ok(OpenHandover { subject: subject(row)?, made: row.json(2, "made")?, asked })
        })
        .await
    }

    /// When the next key is due that is at least as urgent as `least`.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn next_handover(&mut self, least: Class) -> Result<Option<Timestamp>, StoreError> {
        self.next_of("handover", &DUE, least).await
    }

    /// Keys that failed fewer than `attempts` times, and those that failed at least so often, to be decided or told of. Questions
    /// that are only asked again later are none of them.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn handovers_by_attempts(
        &mut self,
        now: Timestamp,
        attempts: u32,
    ) -> Result<(u64, u64), StoreError> {
        let sql = "SELECT count(*), count(CASE WHEN tries >= $2 THEN 1 END) FROM ( \
            SELECT attempts AS tries FROM handover \
                WHERE connection_id = $1 AND due_at IS NOT NULL AND (question IS NULL OR due_at <= $3) \
            UNION ALL SELECT show_attempts AS tries FROM handover \
                WHERE connection_id = $1 AND show_at IS NOT NULL) AS open";
        let args = vec![self.id(), i64::from(attempts).into(), now.into()];
        let counts =
            self.fetch_one("handover", sql, args, |row| Ok((row.int(0, "count")?, row.int(1, "given_up")?)));
        let (all, given_up) = counts.await?.unwrap_or_default();
        Ok(((all - given_up).unsigned_abs(), given_up.unsigned_abs()))
    }

    /// What is stored of a handover.
    ///
    /// # Errors
    /// When the database refuses or a row cannot be read.
    pub async fn handover(&mut self, of: Subject) -> Result<Option<HandoverRow>, StoreError> {
        let (kind, id) = kind(of);
        let sql = concat!(
            "SELECT id, made, answers, assigned_at, question, asked_at, ",
            failure!(),
            " FROM handover WHERE connection_id = $1 AND kind = $2 AND id = $3"
        );
        self.fetch_one("handover", sql, vec![self.id(), kind.into(), id.into()], |row| {
            let question = match row.maybe_text(4, "question")? {
                Some(_) => Some((row.json(4, "question")?, row.time(5, "asked_at")?)),
                None => None,
            };
            Ok(HandoverRow {
                made: row.json(1, "made")?,
                answers: row.json(2, "answers")?,
                assigned_at: row.maybe_time(3, "assigned_at")?,
                question,
                failure: failure(row, 6)?,
            })
        })
        .await
    }

    /// Remembers what was made or found.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn put_made(&mut self, org: OrgId, made: &Made, now: Timestamp) -> Result<(), StoreError> {
        let sql = "UPDATE handover SET made = $3, updated_at = $4 \
            WHERE connection_id = $1 AND kind = 'org' AND id = $2";
        let body = json("handover", "made", made)?;
        self.execute(sql, vec![self.id(), org.0.into(), body.into(), now.into()]).await?;
        Ok(())
    }

    /// Remembers what was shown of it, or is about to be. Nothing else that was made is changed.
    ///
    /// # Errors
    /// When the database refuses or a row cannot be read.
    pub async fn put_shown(&mut self, of: Subject, shown: &Shown, now: Timestamp) -> Result<(), StoreError> {
        let Some(row) = self.handover(of).await? else { return Ok(()) };
        let (kind, id) = kind(of);
        let sql = "UPDATE handover SET made = $4, updated_at = $5 \
            WHERE connection_id = $1 AND kind = $2 AND id = $3";
        let body = json("handover", "made", &Made { shown: shown.clone(), ..row.made })?;
        self.execute(sql, vec![self.id(), kind.into(), id.into(), body.into(), now.into()]).await?;
        Ok(())
    }

    /// The number of the next answer that is written to the CRM.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn next_answer(&mut self) -> Result<IntentId, StoreError> {
        Ok(IntentId(self.numbers("answer", 1).await?))
    }

    /// Remembers what people decided.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn put_handover_answers(
        &mut self,
        of: Subject,
        answers: &HandoverAnswers,
        by: &str,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let (kind, id) = kind(of);
        let sql = "UPDATE handover SET answers = $4, answered_by = $5, updated_at = $6 \
            WHERE connection_id = $1 AND kind = $2 AND id = $3";
        let body = json("handover", "answers", answers)?;
        let args = vec![self.id(), kind.into(), id.into(), body.into(), by.into(), now.into()];
        self.execute(sql, args).await?;
        Ok(())
    }

    /// Asks a question, or none any more. The same one again is asked since when it was asked first.
    ///
    /// # Errors
    /// When the database refuses or a row cannot be read.
    pub async fn put_question(
        &mut self,
        of: Subject,
        question: Option<&Question>,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let known = self.handover(of).await?.and_then(|row| row.question);
        if known.as_ref().map(|(known, _)| known) == question {
            return Ok(());
        }
        let since = known.filter(|(known, _)| question.is_some_and(|new| new.continues(known)));
        let asked_at = question.map(|_| since.map_or(now, |(_, at)| at).as_microsecond());
        let (kind, id) = kind(of);
        let sql = "UPDATE handover SET question_key = $4, question = $5, asked_at = $6, updated_at = $7 \
            WHERE connection_id = $1 AND kind = $2 AND id = $3";
        let body = question.map(|question| json("handover", "question", question)).transpose()?;
        let args = vec![
            self.id(),
            kind.into(),
            id.into(),
            question.map(|question| question.key().to_owned()).into(),
            body.into(),
            asked_at.into(),
            now.into(),
        ];
        self.execute(sql, args).await?;
        Ok(())
    }

    /// A page of open questions about handovers, oldest first; of one kind only, if that is given by its key. `after` says
    /// when the last one of the page before was asked, and about what.
    ///
    /// # Errors
    /// When the database refuses or a row cannot be read.
    pub async fn questions(
        &mut self,
        key: Option<&str>,
        after: Option<(Timestamp, Subject)>,
        limit: u32,
    ) -> Result<Vec<QuestionRow>, StoreError> {
        let sql = "SELECT id, kind, question, asked_at FROM handover \
            WHERE connection_id = $1 AND question_key IS NOT NULL AND ($2 = '' OR question_key = $2) \
            AND (asked_at, kind, id) > ($3, $4, $5) ORDER BY asked_at, kind, id LIMIT $6";
        let (at, kind, id) = match after {
            None => (i64::MIN, "", i64::MIN),
            Some((asked_at, subject)) => {
                let (kind, id) = kind(subject);
                (asked_at.as_microsecond(), kind, id)
            }
        };
        let args = vec![
            self.id(),
            key.unwrap_or_default().into(),
            at.into(),
            kind.into(),
            id.into(),
            i64::from(limit).into(),
        ];
        self.fetch("handover", sql, args, |row| {
            Ok(QuestionRow {
                subject: subject(row)?,
                question: row.json(2, "question")?,
                asked_at: row.time(3, "asked_at")?,
            })
        })
        .await
    }
}
