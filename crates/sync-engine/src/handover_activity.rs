//! The activity that asks a deal's owner for what is missing: one, looked for after a lost answer, and done with the question.

use jiff::{Timestamp, tz::TimeZone};
use sync_core::{
    deals::CrmDeal,
    error::{CallError, Effect, ErrorKind},
    fields::Values,
    handover::{
        Activity, ActivityChange, ActivityStep, NewActivity, Sent, activity_marker, activity_step,
        activity_words,
    },
    ids::{ActivityId, DealId, IntentId, OrgId, PartyId},
    ports::{Called, Permit},
};
use sync_store::{HandoverJob, HandoverRow, JournalEntry, StagedKind};

use crate::{
    Engine, EngineError,
    handover::Handing,
    handover_shown::{CLASS, read_deal},
};

/// Most steps at a time: a look, and what follows from it.
const STEPS: usize = 3;

/// What became of a step: the outer error is ours, the inner one the CRM's.
type Done = Result<Called<()>, EngineError>;

impl Engine {
    /// Makes, changes or finishes the activity, as the open question has it. Gives when it may be tried, if it has to wait.
    pub(crate) async fn tend_activity(
        &mut self,
        handing: &Handing,
        job: &HandoverJob,
        org: OrgId,
    ) -> Result<Called<Option<Timestamp>>, EngineError> {
        for _ in 0..STEPS {
            let now = self.clock.now();
            let mut tx = self.store.read(self.connection()).await?;
            let row = tx.handover(job.subject).await?.unwrap_or_default();
            drop(tx);
            let asks = handing.policy.answers.activity;
            let question = row.question.as_ref().map(|(question, _)| question).filter(|_| asks);
            let step = activity_step(question, row.made.shown.activity.as_ref());
            if step == ActivityStep::Nothing {
                return Ok(Ok(None));
            }
            if step == ActivityStep::Forget {
                self.put_activity(job, None, None).await?;
                continue;
            }
            if let Some(opens) = self.closed_until(now) {
                return Ok(Ok(Some(opens)));
            }
            if self.customer_waits(now).await? {
                return Ok(Ok(Some(now)));
            }
            let done = match step {
                ActivityStep::Nothing | ActivityStep::Forget => return Ok(Ok(None)),
                ActivityStep::Create { deal, what } => {
                    let Some(read) = self.deal_to_ask_on(deal).await? else { return Ok(Ok(None)) };
                    self.ask_owner(handing, job, (org, read), what).await?
                }
                ActivityStep::LookFor { deal, sent } => {
                    match handing.crm.find_activity(deal, &activity_marker(org, sent.intent), CLASS).await {
                        Ok(Some(id)) => {
                            self.activity_is_there(job, org, &row, (sent.intent, id), " (found afterwards)")
                                .await?;
                            Ok(())
                        }
                        Ok(None) if now < self.settled_at(handing, sent) => {
                            return Ok(Ok(Some(self.settled_at(handing, sent))));
                        }
                        Ok(None) => {
                            self.put_activity(job, None, None).await?;
                            Ok(())
                        }
                        Err(error) => Err(error),
                    }
                }
                ActivityStep::Reword { id, what } => {
                    self.reword_activity(handing, job, (org, id), &row, what).await?
                }
                ActivityStep::Finish { id } => self.finish_activity(handing, job, (org, id), &row).await?,
            };
            if let Err(error) = done {
                return Ok(Err(error));
            }
            self.crm_pauses.answered();
        }
        Ok(Ok(None))
    }

    /// From when on a list surely shows what was sent, if it took effect. An earlier process may have sent it at any time before
    /// it lost the lease.
    fn settled_at(&self, handing: &Handing, sent: Sent) -> Timestamp {
        let sent_by = self.handed.recovered.map_or(sent.since, |at| at.max(sent.since));
        sent_by + self.settings.t_effect + handing.policy.settle
    }

    /// The deal, unless it is gone or archived: there nobody looks.
    async fn deal_to_ask_on(&self, deal: DealId) -> Result<Option<CrmDeal>, EngineError> {
        let mut tx = self.store.read(self.connection()).await?;
        let record = tx.staged(StagedKind::Deal, &[deal.0]).await?.remove(&deal.0);
        Ok(read_deal(record.as_ref())?.filter(|deal| !deal.archived))
    }

    async fn activity_permit(&self, handing: &Handing) -> Called<Option<Permit>> {
        Ok(self.crm.permits(CLASS, handing.crm.price_of_activity(), 1).await?.pop())
    }

    async fn ask_owner(
        &mut self,
        handing: &Handing,
        job: &HandoverJob,
        (org, deal): (OrgId, CrmDeal),
        what: Vec<String>,
    ) -> Done {
        let permit = match self.activity_permit(handing).await {
            Ok(Some(permit)) => permit,
            Ok(None) => return Ok(Ok(())),
            Err(error) => return Ok(Err(error)),
        };
        let (id, since) = (deal.id, self.clock.now());
        let mut tx = self.write().await?;
        let intent = tx.next_answer().await?;
        let mut row = tx.handover(job.subject).await?.unwrap_or_default();
        let words = activity_words(&what, &activity_marker(org, intent));
        let sending = Some(Sent { intent, since });
        row.made.shown.activity = Some(Activity { deal: id, what, id: None, sending, dropped: None });
        tx.put_shown(job.subject, &row.made.shown, since).await?;
        tx.commit().await?;
        if !self.lease.is_valid() {
            return Err(EngineError::LeaseLost);
        }
        let due = since.to_zoned(TimeZone::UTC).date();
        let activity = NewActivity { deal: id, org: Some(org), owner: deal.owner, due, words };
        match handing.crm.create_activity(permit, &activity).await {
            Ok(made) => {
                self.activity_is_there(job, org, &row, (intent, made), "").await?;
                Ok(Ok(()))
            }
            // It is looked for before anything else.
            Err(error) if error.effect == Effect::InDoubt => Ok(Err(error)),
            Err(error) => {
                let left = row.made.shown.activity.take().filter(|_| is_lasting(&error));
                let left = left.map(|activity| Activity {
                    sending: None,
                    dropped: Some(error.to_string()),
                    ..activity
                });
                self.put_activity(job, left, None).await?;
                Ok(Err(error))
            }
        }
    }

    /// The receipt of a creation.
    async fn activity_is_there(
        &mut self,
        job: &HandoverJob,
        org: OrgId,
        row: &HandoverRow,
        (intent, id): (IntentId, ActivityId),
        how: &str,
    ) -> Result<(), EngineError> {
        let Some(activity) = row.made.shown.activity.clone() else { return Ok(()) };
        let reason =
            format!("deal {}: its owner is asked for {}{how}", activity.deal, activity.what.join(", "));
        let detail = serde_json::json!({ "activity": id, "deal": activity.deal, "what": activity.what });
        let entry = self.activity_entry(job, org, (intent, "ask_owner"), reason, detail);
        self.put_activity(job, Some(Activity { id: Some(id), sending: None, ..activity }), Some(entry)).await
    }

    async fn reword_activity(
        &mut self,
        handing: &Handing,
        job: &HandoverJob,
        (org, id): (OrgId, ActivityId),
        row: &HandoverRow,
        what: Vec<String>,
    ) -> Done {
        let Some(activity) = row.made.shown.activity.clone() else { return Ok(Ok(())) };
        let words = |intent| ActivityChange::Words(activity_words(&what, &activity_marker(org, intent)));
        let now_asks = Activity { what: what.clone(), sending: None, ..activity.clone() };
        match self.change_activity(handing, job, (&activity, id), words).await? {
            Ok(None) => Ok(Ok(())),
            Ok(Some(intent)) => {
                let reason =
                    format!("deal {}: its owner is asked for {} now", activity.deal, what.join(", "));
                let detail = serde_json::json!({ "activity": id, "before": activity.what, "what": what });
                let entry = self.activity_entry(job, org, (intent, "ask_owner"), reason, detail);
                self.put_activity(job, Some(now_asks), Some(entry)).await?;
                Ok(Ok(()))
            }
            Err(error) if is_lasting(&error) => {
                // Whoever deleted it does not want to be asked.
                let id = Some(id).filter(|_| error.kind != ErrorKind::Missing);
                let dropped = id.is_none().then(|| error.to_string());
                self.put_activity(job, Some(Activity { id, dropped, ..now_asks }), None).await?;
                Ok(Ok(()))
            }
            Err(error) => Ok(Err(error)),
        }
    }

    async fn finish_activity(
        &mut self,
        handing: &Handing,
        job: &HandoverJob,
        (org, id): (OrgId, ActivityId),
        row: &HandoverRow,
    ) -> Done {
        let Some(activity) = row.made.shown.activity.clone() else { return Ok(Ok(())) };
        match self.change_activity(handing, job, (&activity, id), |_| ActivityChange::Done).await? {
            Ok(None) => Ok(Ok(())),
            Ok(Some(intent)) => {
                let reason =
                    format!("deal {}: nothing is missing any more, the activity is done", activity.deal);
                let detail = serde_json::json!({ "activity": id, "deal": activity.deal });
                let entry = self.activity_entry(job, org, (intent, "owner_done"), reason, detail);
                self.put_activity(job, None, Some(entry)).await?;
                Ok(Ok(()))
            }
            Err(error) if is_lasting(&error) => {
                tracing::info!(activity = %id, %error, "an activity cannot be marked as done; it is left as it is");
                self.put_activity(job, None, None).await?;
                Ok(Ok(()))
            }
            Err(error) => Ok(Err(error)),
        }
    }

    /// Permit, committed intent and call of a change; whoever finds the intent without a receipt repeats the change. Gives its
    /// number, or none if there was no permit.
    async fn change_activity(
        &mut self,
        handing: &Handing,
        job: &HandoverJob,
        (activity, id): (&Activity, ActivityId),
        change: impl FnOnce(IntentId) -> ActivityChange,
    ) -> Result<Called<Option<IntentId>>, EngineError> {
        let permit = match self.activity_permit(handing).await {
            Ok(Some(permit)) => permit,
            Ok(None) => return Ok(Ok(None)),
            Err(error) => return Ok(Err(error)),
        };
        let since = self.clock.now();
        let mut tx = self.write().await?;
        let intent = tx.next_answer().await?;
        let mut row = tx.handover(job.subject).await?.unwrap_or_default();
        row.made.shown.activity =
            Some(Activity { sending: Some(Sent { intent, since }), ..activity.clone() });
        tx.put_shown(job.subject, &row.made.shown, since).await?;
        tx.commit().await?;
        if !self.lease.is_valid() {
            return Err(EngineError::LeaseLost);
        }
        Ok(handing.crm.change_activity(permit, id, &change(intent)).await.map(|()| Some(intent)))
    }

    async fn put_activity(
        &mut self,
        job: &HandoverJob,
        activity: Option<Activity>,
        entry: Option<JournalEntry>,
    ) -> Result<(), EngineError> {
        let mut tx = self.write().await?;
        let mut row = tx.handover(job.subject).await?.unwrap_or_default();
        row.made.shown.activity = activity;
        tx.put_shown(job.subject, &row.made.shown, self.clock.now()).await?;
        if let Some(mut entry) = entry {
            entry.party = row.made.party.as_ref().map_or(PartyId(0), |party| party.id);
            tx.append_journal(&[entry]).await?;
        }
        Ok(tx.commit().await?)
    }

    fn activity_entry(
        &self,
        job: &HandoverJob,
        org: OrgId,
        (intent, op): (IntentId, &str),
        reason: String,
        detail: serde_json::Value,
    ) -> JournalEntry {
        JournalEntry {
            intent,
            run: self.run,
            at: self.clock.now(),
            op: op.to_owned(),
            party: PartyId(0),
            org: Some(org),
            before: Values::new(),
            after: Values::new(),
            reason,
            rule: "customers_from_crm".to_owned(),
            origin: job.origin.clone(),
            tokens: i64::from(self.handing.as_ref().map_or(0, |handing| handing.crm.price_of_activity())),
            detail: Some(detail),
        }
    }
}

/// Whether trying again would change nothing.
pub(crate) fn is_lasting(error: &CallError) -> bool {
    match error.kind {
        ErrorKind::Rejected | ErrorKind::Missing | ErrorKind::Forbidden => error.effect == Effect::None,
        ErrorKind::Transient { .. }
        | ErrorKind::Exhausted { .. }
        | ErrorKind::Unauthorized
        | ErrorKind::UnknownField
        | ErrorKind::Unreadable => false,
    }
}
