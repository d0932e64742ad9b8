//! Sales reads on deal and organization how their handover stands. Set-to-value writes: read again, compared, written under a
//! permit and an intent, remembered with the receipt. They never stand in the way of the handover itself.
//!
//! Longer than 600 lines: one answer from its decision to its receipt, and the ends it can come to.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};
use sync_core::{
    budget::Class,
    deals::{CrmDeal, DealStatus},
    error::{CallError, Effect, ErrorKind},
    fields::Values,
    handover::{
        AnswerField, AnsweredOn, Answers, Directory, HandoverPolicy, Looked, OnRecord, Sending, Shown,
        Subject, Wanted, answers, waiting,
    },
    ids::{DealId, IntentId, OrgId, PartyId},
    model::{CrmOrg, Page, Seen},
    ports::Called,
};
use sync_store::{HandoverJob, HandoverRow, JournalEntry, StagedKind, StagedRecord, Tx};

use crate::{
    Engine, EngineError, backoff,
    crm_stream::stage_orgs,
    deal_stream::{stage_answer, stage_deals},
    documents::deals_moved,
    family,
    handover::Handing,
    handover_observe::situation,
    likeness::parties_near,
    pause::Side,
    plants::Plant,
    staging,
};

/// Telling is less urgent than doing: it leaves the reserve alone.
pub(crate) const CLASS: Class = Class::Document;

/// When it is tried again what a person has to see to first.
const NEXT_DAY: SignedDuration = SignedDuration::from_hours(24);

/// After so many failures in a row nobody waits for it.
const MOST_ATTEMPTS: u32 = 5;

/// What sales would be shown: the exact write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ForeseenAnswer {
    /// The record that would be written.
    pub on: Subject,
    /// What is set; none clears.
    pub set: BTreeMap<AnswerField, Option<String>>,
}

/// Something that answers are shown on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Record {
    Deal(DealId),
    Org(OrgId),
}

impl Record {
    fn kind(self) -> AnsweredOn {
        match self {
            Self::Deal(_) => AnsweredOn::Deals,
            Self::Org(_) => AnsweredOn::Orgs,
        }
    }
}

impl std::fmt::Display for Record {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Deal(deal) => write!(f, "deal {deal}"),
            Self::Org(org) => write!(f, "organization {org}"),
        }
    }
}

/// A record as last read.
struct LastRead {
    says: Answers,
    read_at: Timestamp,
    /// Whether it can be written: it is neither gone nor archived.
    writable: bool,
}

/// What is told of a write.
struct Written<'a> {
    record: Record,
    intent: IntentId,
    before: &'a Answers,
    changes: BTreeMap<AnswerField, Option<String>>,
    how: &'static str,
}

impl Engine {
    /// Looks at the next handover of which deals and organization shall tell, while nothing more urgent is due. Tells whether there
    /// was one.
    pub(crate) async fn show_handover(&mut self, now: Timestamp) -> Result<bool, EngineError> {
        let Some(handing) = self.handing.clone().filter(|_| self.handed.begun.is_some()) else {
            return Ok(false);
        };
        if !self.crm_is_open_for(CLASS, now) {
            return Ok(false);
        }
        let mut tx = self.store.read(self.connection()).await?;
        let Some(job) = tx.claim_shows(now, 1).await?.into_iter().next() else { return Ok(false) };
        drop(tx);
        if self.customer_waits(now).await? {
            return Ok(false);
        }
        Box::pin(self.show_answers(&handing, &job)).await?;
        Ok(true)
    }

    /// Law 5: a customer that waits comes before what is told of another one. Handovers had their turn.
    pub(crate) async fn customer_waits(&self, now: Timestamp) -> Result<bool, EngineError> {
        if self.plants.has(Plant::TellingPasses) {
            return Ok(false);
        }
        let mut tx = self.store.read(self.connection()).await?;
        Ok(self.is_loaded(&mut tx).await? && !tx.claim(now, Class::NewCustomer, 1).await?.is_empty())
    }

    /// Shows on deals and organization how their handover stands. What could not be shown is tried again later.
    async fn show_answers(&mut self, handing: &Handing, job: &HandoverJob) -> Result<(), EngineError> {
        // Where the customer belongs is told by names: without them nothing would seem to be done.
        if let Err(error) = self.learn_names(handing, self.clock.now()).await {
            if is_the_crms(&error) {
                self.crm_failed(CLASS, &error);
            }
            return self.tell_later(job, "names of pipelines and users could not be learned", &error).await;
        }
        let all = self.what_to_show(handing, job).await?;
        // One that fails does not stand in the way of the others (law 10), unless it is the CRM that fails.
        let mut failed = None;
        let mut crm_fails = false;
        for (record, wanted) in all {
            match self.show(handing, job, record, &wanted).await? {
                Ok(None) => {}
                Ok(Some(opens)) => return self.settle_show(job, Some(opens), job.attempts, None).await,
                Err(error) => {
                    crm_fails = self.not_shown(job, record, &error).await?;
                    failed = Some((format!("{record} could not be told how it stands"), error));
                    if crm_fails {
                        break;
                    }
                }
            }
        }
        // A deal that is gone, or refuses what it is told, keeps nobody from being asked, or from being asked no longer.
        if let (Subject::Org(org), false) = (job.subject, crm_fails) {
            match self.tend_activity(handing, job, org).await? {
                Ok(None) => {}
                Ok(Some(opens)) => return self.settle_show(job, Some(opens), job.attempts, None).await,
                Err(error) => {
                    if is_the_crms(&error) {
                        self.crm_failed(CLASS, &error);
                    }
                    failed = Some(("the owner of its deal could not be asked".to_owned(), error));
                }
            }
        }
        match failed {
            Some((what, error)) => self.tell_later(job, &what, &error).await,
            None => self.settle_show(job, None, 0, None).await,
        }
    }

    /// What could not be told is tried again: soon, or the next day where a person has to see to it first.
    async fn tell_later(
        &mut self,
        job: &HandoverJob,
        what: &str,
        error: &CallError,
    ) -> Result<(), EngineError> {
        let (now, attempts) = (self.clock.now(), job.attempts + 1);
        let due = match error.kind {
            ErrorKind::Exhausted { until } => until,
            ErrorKind::Transient { .. } | ErrorKind::UnknownField | ErrorKind::Unauthorized => {
                now + backoff::after(attempts, seed(job.subject))
            }
            ErrorKind::Rejected | ErrorKind::Missing | ErrorKind::Unreadable | ErrorKind::Forbidden => {
                now + NEXT_DAY
            }
        };
        // Nobody waits for what a person has to allow first.
        let lasting = due == now + NEXT_DAY;
        let attempts = if lasting { attempts.max(MOST_ATTEMPTS) } else { attempts };
        self.settle_show(job, Some(due), attempts, Some(format!("{what}: {error}"))).await
    }

    /// What was to be shown is shown, or is looked at again at `due`.
    async fn settle_show(
        &mut self,
        job: &HandoverJob,
        due: Option<Timestamp>,
        attempts: u32,
        error: Option<String>,
    ) -> Result<(), EngineError> {
        let mut tx = self.write().await?;
        tx.settle_show(job, due, attempts, error.as_deref()).await?;
        Ok(tx.commit().await?)
    }

    /// Notes why something could not be shown. A failure that is about this very record, or about a right that only answers
    /// need, says nothing about the CRM (law 10). Tells whether it was the CRM's.
    async fn not_shown(
        &mut self,
        job: &HandoverJob,
        record: Record,
        error: &CallError,
    ) -> Result<bool, EngineError> {
        tracing::warn!(%record, %error, "how a handover stands could not be shown; it is tried again later");
        let mut tx = self.write().await?;
        let mut row = tx.handover(job.subject).await?.unwrap_or_default();
        on_mut(&mut row.made.shown, record).refused = Some(error.to_string());
        tx.put_shown(job.subject, &row.made.shown, self.clock.now()).await?;
        tx.commit().await?;
        let of_crm = is_the_crms(error);
        if of_crm {
            self.crm_failed(CLASS, error);
        }
        Ok(of_crm)
    }

    /// Until when nothing of this class may be asked of the CRM.
    pub(crate) fn closed_until(&self, now: Timestamp) -> Option<Timestamp> {
        let pauses = || self.pauses(now).into_iter().filter(|pause| pause.side == Side::Crm);
        (!self.crm_is_open_for(CLASS, now)).then(|| pauses().map(|pause| pause.until).max()).flatten()
    }

    async fn what_to_show(
        &self,
        handing: &Handing,
        job: &HandoverJob,
    ) -> Result<Vec<(Record, Wanted)>, EngineError> {
        let names = self.handed.directory.as_ref().map(|(names, _)| names.clone()).unwrap_or_default();
        let mut tx = self.store.read(self.connection()).await?;
        what_to_show(&mut tx, (&handing.policy, &names), self.since(), job, self.clock.now()).await
    }

    /// Writes what differs on one record, after having read it a moment before. Gives when it may be tried, if the CRM is left
    /// alone.
    async fn show(
        &mut self,
        handing: &Handing,
        job: &HandoverJob,
        record: Record,
        wanted: &Wanted,
    ) -> Result<Called<Option<Timestamp>>, EngineError> {
        if wanted.is_empty() {
            return Ok(Ok(None));
        }
        for reread in [false, true] {
            let now = self.clock.now();
            let mut tx = self.store.read(self.connection()).await?;
            let row = tx.handover(job.subject).await?.unwrap_or_default();
            let Some(last) = last_read(&mut tx, record).await?.filter(|last| last.writable) else {
                return Ok(Ok(None));
            };
            drop(tx);
            let shown = on(&row.made.shown, record);
            let fresh = now.duration_since(last.read_at) <= handing.policy.freshness;
            let lost = shown.sending.clone();
            let changes = shown.changes(wanted, &last.says);
            if changes.is_empty() && lost.is_none() {
                return Ok(Ok(None));
            }
            if let Some(opens) = self.closed_until(now) {
                return Ok(Ok(Some(opens)));
            }
            if !fresh && !reread {
                if let Err(error) = self.read_again(handing, record).await? {
                    return Ok(Err(error));
                }
                continue;
            }
            if let Some(lost) = lost {
                self.conclude_answer(job, record, lost, &last.says).await?;
                // What is left of it is written with the next look.
                return Ok(Ok(Some(now)));
            }
            if self.customer_waits(now).await? {
                // Reading this very record again may have made one due.
                return Ok(Ok(Some(now)));
            }
            let written = self.write_answer(handing, job, (record, &last.says), changes).await?;
            return Ok(written.map(|()| None));
        }
        Ok(Ok(None))
    }

    /// An answer never came: what the record says now tells whether the write took effect.
    async fn conclude_answer(
        &mut self,
        job: &HandoverJob,
        record: Record,
        lost: Sending,
        says: &Answers,
    ) -> Result<(), EngineError> {
        let Sending { intent, changes } = lost;
        if changes.iter().all(|(field, value)| says.get(field) == value.as_ref()) {
            let how = " (no answer came; found afterwards)";
            let written = Written { record, intent, before: &Answers::new(), changes, how };
            return self.answer_done(job, written, None).await;
        }
        let mut tx = self.write().await?;
        let mut row = tx.handover(job.subject).await?.unwrap_or_default();
        on_mut(&mut row.made.shown, record).sending = None;
        tx.put_shown(job.subject, &row.made.shown, self.clock.now()).await?;
        // It did not: looked at once more.
        Ok(tx.commit().await?)
    }

    /// Permit, intent, call, receipt.
    async fn write_answer(
        &mut self,
        handing: &Handing,
        job: &HandoverJob,
        (record, says): (Record, &Answers),
        changes: BTreeMap<AnswerField, Option<String>>,
    ) -> Result<Called<()>, EngineError> {
        match handing.crm.ready_to_answer(record.kind(), CLASS).await {
            // What is read must show the new ones, too.
            Ok(true) => self.prepared = false,
            Ok(false) => {}
            Err(error) => return Ok(Err(error)),
        }
        let permit = match self.crm.permits(CLASS, handing.crm.price_of_answer(), 1).await {
            Ok(mut permits) => permits.pop(),
            Err(error) => return Ok(Err(error)),
        };
        let Some(permit) = permit else { return Ok(Ok(())) };
        let mut tx = self.write().await?;
        let mut row = tx.handover(job.subject).await?.unwrap_or_default();
        let intent = tx.next_answer().await?;
        on_mut(&mut row.made.shown, record).sending = Some(Sending { intent, changes: changes.clone() });
        tx.put_shown(job.subject, &row.made.shown, self.clock.now()).await?;
        tx.commit().await?;
        if !self.lease.is_valid() {
            return Err(EngineError::LeaseLost);
        }
        let sent = match record {
            Record::Deal(deal) => handing.crm.answer_on_deal(permit, deal, &changes).await.map(Some),
            Record::Org(org) => handing.crm.answer_on_org(permit, org, &changes).await.map(|()| None),
        };
        let written = Written { record, intent, before: says, changes, how: "" };
        match sent {
            Ok(deal) => {
                self.crm_pauses.answered();
                self.answer_done(job, written, deal).await?;
                Ok(Ok(()))
            }
            // Whether it took effect is read before the next one.
            Err(error) if error.effect == Effect::InDoubt => Ok(Err(error)),
            Err(error) => {
                self.answer_refused(handing, job, written, &error).await?;
                Ok(Err(error))
            }
        }
    }

    /// The receipt: what was shown, the journal, and what the CRM says now, in one transaction.
    async fn answer_done(
        &mut self,
        job: &HandoverJob,
        written: Written<'_>,
        deal: Option<CrmDeal>,
    ) -> Result<(), EngineError> {
        let now = self.clock.now();
        let mut tx = self.write().await?;
        let mut row = tx.handover(job.subject).await?.unwrap_or_default();
        let shown = on_mut(&mut row.made.shown, written.record);
        let repeated = !shown.repeated(&written.changes).is_empty();
        shown.remember(written.changes.clone());
        tx.put_shown(job.subject, &row.made.shown, now).await?;
        if let Some(deal) = deal {
            stage_answer(&mut tx, deal, now).await?;
        }
        if let Record::Org(org) = written.record {
            // What is staged of it is older than the write.
            tx.read_earlier(StagedKind::Org, &[org.0], Timestamp::UNIX_EPOCH).await?;
        }
        let party = row.made.party.as_ref().map_or(PartyId(0), |party| party.id);
        let entry = self.entry(job, written, party, repeated);
        tx.append_journal(&[entry]).await?;
        Ok(tx.commit().await?)
    }

    fn entry(&self, job: &HandoverJob, written: Written<'_>, party: PartyId, repeated: bool) -> JournalEntry {
        let Written { record, intent, before, changes, how } = written;
        let op = match record {
            Record::Deal(_) => "answer_deal",
            Record::Org(_) => "answer_organization",
        };
        let again = if repeated {
            "; somebody wrote over it, so it is written once more and then left alone"
        } else {
            ""
        };
        JournalEntry {
            intent,
            run: self.run,
            at: self.clock.now(),
            op: op.to_owned(),
            party,
            org: match job.subject {
                Subject::Org(org) => Some(org),
                Subject::Deal(_) => None,
            },
            before: Values::new(),
            after: Values::new(),
            reason: format!("{record} shows how its handover stands{again}{how}"),
            rule: "customers_from_crm".to_owned(),
            origin: job.origin.clone(),
            tokens: i64::from(self.handing.as_ref().map_or(0, |handing| handing.crm.price_of_answer())),
            detail: Some(serde_json::json!({ "before": before, "set": changes })),
        }
    }

    /// It surely did not happen. What the CRM refuses is not sent again until something else is to be said; unless the record
    /// was archived or deleted a moment ago: it is told when it is back.
    async fn answer_refused(
        &mut self,
        handing: &Handing,
        job: &HandoverJob,
        written: Written<'_>,
        error: &CallError,
    ) -> Result<(), EngineError> {
        let mut refused = matches!(error.kind, ErrorKind::Rejected | ErrorKind::Missing);
        if refused {
            match self.read_again(handing, written.record).await? {
                Ok(()) => {
                    let mut tx = self.store.read(self.connection()).await?;
                    refused = last_read(&mut tx, written.record).await?.is_some_and(|last| last.writable);
                }
                // Nobody knows: it is judged with the next refusal.
                Err(error) => {
                    refused = false;
                    if is_the_crms(&error) {
                        self.crm_failed(CLASS, &error);
                    }
                }
            }
        }
        let mut tx = self.write().await?;
        let mut row = tx.handover(job.subject).await?.unwrap_or_default();
        let shown = on_mut(&mut row.made.shown, written.record);
        shown.sending = None;
        shown.refused = Some(error.to_string());
        if refused {
            shown.again.extend(written.changes.keys());
            shown.written.extend(written.changes);
        }
        tx.put_shown(job.subject, &row.made.shown, self.clock.now()).await?;
        Ok(tx.commit().await?)
    }

    async fn read_again(&mut self, handing: &Handing, record: Record) -> Result<Called<()>, EngineError> {
        let read_at = self.clock.now();
        match record {
            Record::Deal(deal) => {
                let rows = match handing.crm.deals_by_id(&[deal], CLASS).await {
                    Ok(rows) => rows,
                    Err(error) => return Ok(Err(error)),
                };
                let there = rows.iter().any(|seen| match seen {
                    Seen::Record(read) => read.id == deal,
                    Seen::Malformed(record) => record.id == Some(deal.0),
                });
                let page = Page { rows, more: false, next: None, server_now: read_at };
                let mut tx = self.write().await?;
                stage_deals(&mut tx, page, read_at, 0, self.since()).await?;
                if !there {
                    tx.mark_absent(StagedKind::Deal, &[deal.0]).await?;
                    // No walk will miss it again: its documents hear of it here.
                    deals_moved(&mut tx, &[deal], &BTreeSet::new(), read_at, "deal gone").await?;
                }
                tx.commit().await?;
            }
            Record::Org(org) => {
                let rows = match self.crm.orgs_by_id(&[org], CLASS).await {
                    Ok(rows) => rows,
                    Err(error) => return Ok(Err(error)),
                };
                let page = Page { rows, more: false, next: None, server_now: read_at };
                let mut tx = self.write().await?;
                let staged = stage_orgs(&mut tx, page, read_at, self.stage_rules()).await?;
                tx.enqueue(&staged.keys, Class::Edit, read_at, "handover").await?;
                if staged.rows == 0 {
                    // No walk will miss it again: whoever belongs to it hears of it here.
                    let mut keys = family::orgs_gone(&mut tx, &[org.0], read_at).await?;
                    keys.extend(parties_near(&mut tx, &[org]).await?);
                    tx.enqueue(&keys, Class::Edit, read_at, "handover").await?;
                }
                tx.commit().await?;
            }
        }
        self.crm_pauses.answered();
        Ok(Ok(()))
    }
}

/// What the records of a handover shall say, unless it is still going on.
async fn what_to_show(
    tx: &mut Tx,
    (policy, names): (&HandoverPolicy, &Directory),
    since: Timestamp,
    job: &HandoverJob,
    now: Timestamp,
) -> Result<Vec<(Record, Wanted)>, EngineError> {
    let rules = &policy.answers;
    if rules.deal.is_empty() && rules.org.is_empty() {
        return Ok(Vec::new());
    }
    match job.subject {
        Subject::Org(org) => {
            let (handover, _) = situation(tx, since, org, Looked::default(), job, now).await?;
            let mut wanted = answers(policy, names, &handover);
            leave_to_others(tx, org, &mut wanted.deals).await?;
            let on_deals = wanted.deals.into_iter().map(|(deal, wanted)| (Record::Deal(deal), wanted));
            Ok(on_deals.chain([(Record::Org(org), wanted.org)]).collect())
        }
        Subject::Deal(deal) => {
            let row = tx.handover(job.subject).await?.unwrap_or_default();
            let record = tx.staged(StagedKind::Deal, &[deal.0]).await?.remove(&deal.0);
            let wanted = alone(&row, deal, read_deal(record.as_ref())?.as_ref());
            let wanted = wanted.filter(|_| rules.deal.contains(&AnswerField::Status));
            let of_status = |status| (Record::Deal(deal), Wanted::from([(AnswerField::Status, status)]));
            Ok(wanted.map(of_status).into_iter().collect())
        }
    }
}

/// A deal that moved says what its organization says now, be it word for word what the one before it said.
async fn leave_to_others(
    tx: &mut Tx,
    org: OrgId,
    wanted: &mut BTreeMap<DealId, Wanted>,
) -> Result<(), EngineError> {
    let cleared = |on_deal: &Wanted| on_deal.get(&AnswerField::Status) == Some(&None);
    let deals: Vec<i64> =
        wanted.iter().filter(|(_, on_deal)| cleared(on_deal)).map(|(deal, _)| deal.0).collect();
    for (id, record) in tx.staged(StagedKind::Deal, &deals).await? {
        let Some(deal) = read_deal(Some(&record))?.filter(|deal| deal.org != Some(org)) else { continue };
        let subject = deal.org.map_or(Subject::Deal(deal.id), Subject::Org);
        let theirs = tx.handover(subject).await?.unwrap_or_default().made.shown;
        let theirs = on(&theirs, Record::Deal(deal.id)).written.remove(&AnswerField::Status).flatten();
        if theirs.is_some() && theirs.as_ref() == deal.facts.shown.get(&AnswerField::Status) {
            wanted.remove(&DealId(id));
        }
    }
    Ok(())
}

/// What would be written about a handover that came to rest, as far as its records were read.
pub(crate) async fn to_be_shown(
    tx: &mut Tx,
    deciding: (&HandoverPolicy, &Directory),
    since: Timestamp,
    job: &HandoverJob,
    now: Timestamp,
) -> Result<Vec<ForeseenAnswer>, EngineError> {
    let shown = tx.handover(job.subject).await?.unwrap_or_default().made.shown;
    let mut answers = Vec::new();
    for (record, wanted) in what_to_show(tx, deciding, since, job, now).await? {
        let Some(last) = last_read(tx, record).await?.filter(|last| last.writable) else { continue };
        let set = on(&shown, record).changes(&wanted, &last.says);
        if !set.is_empty() {
            let on = match record {
                Record::Deal(deal) => Subject::Deal(deal),
                Record::Org(org) => Subject::Org(org),
            };
            answers.push(ForeseenAnswer { on, set });
        }
    }
    Ok(answers)
}

/// Whether a failure says something about the CRM, and not only about one record, or a right that nothing else needs.
fn is_the_crms(error: &CallError) -> bool {
    match error.kind {
        ErrorKind::Rejected | ErrorKind::Missing | ErrorKind::Unreadable | ErrorKind::Forbidden => false,
        ErrorKind::UnknownField
        | ErrorKind::Unauthorized
        | ErrorKind::Exhausted { .. }
        | ErrorKind::Transient { .. } => true,
    }
}

/// By which waits of several keys are spread.
fn seed(subject: Subject) -> i64 {
    match subject {
        Subject::Org(org) => org.0,
        Subject::Deal(deal) => deal.0,
    }
}

fn on(shown: &Shown, record: Record) -> OnRecord {
    match record {
        Record::Deal(deal) => shown.deals.get(&deal).cloned().unwrap_or_default(),
        Record::Org(_) => shown.org.clone(),
    }
}

fn on_mut(shown: &mut Shown, record: Record) -> &mut OnRecord {
    match record {
        Record::Deal(deal) => shown.deals.entry(deal).or_default(),
        Record::Org(_) => &mut shown.org,
    }
}

/// What a won deal without an organization shall say of how it stands: that somebody is asked, or nothing any more. None
/// where its organization answers for it, or nothing was said.
fn alone(row: &HandoverRow, deal: DealId, read: Option<&CrmDeal>) -> Option<Option<String>> {
    let without = read.is_some_and(|read| read.org.is_none());
    let said = row.made.shown.deals.contains_key(&deal);
    let question = row.question.as_ref().map(|(question, _)| waiting(question));
    (without && (question.is_some() || said)).then_some(question)
}

pub(crate) fn read_deal(record: Option<&StagedRecord>) -> Result<Option<CrmDeal>, EngineError> {
    let record = record.filter(|record| record.missing < 2 && record.row.malformed.is_none());
    record.map(|record| staging::read("deal", &record.row)).transpose()
}

async fn last_read(tx: &mut Tx, record: Record) -> Result<Option<LastRead>, EngineError> {
    Ok(match record {
        Record::Deal(deal) => {
            let staged = tx.staged(StagedKind::Deal, &[deal.0]).await?.remove(&deal.0);
            let read_at = staged.as_ref().map(|staged| staged.read_at);
            let read = read_deal(staged.as_ref())?;
            read.zip(read_at).map(|(deal, read_at)| LastRead {
                writable: !deal.archived && deal.status != DealStatus::Deleted,
                says: deal.facts.shown,
                read_at,
            })
        }
        Record::Org(org) => {
            let staged = tx.staged(StagedKind::Org, &[org.0]).await?.remove(&org.0);
            let staged = staged.filter(|staged| staged.missing < 2 && staged.row.malformed.is_none());
            match staged {
                Some(staged) => {
                    let org: CrmOrg = staging::read("organization", &staged.row)?;
                    Some(LastRead { says: org.facts.shown, read_at: staged.read_at, writable: true })
                }
                None => None,
            }
        }
    })
}
