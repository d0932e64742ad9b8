//! Answers to writes about relations, and writes about relations that got no answer.

use jiff::Timestamp;
use sync_core::{
    budget::Class,
    deals::Relation,
    error::{CallError, ErrorKind},
    fields::Values,
    hierarchy::{Family, Made, MadeRelation},
    hold::HoldReason,
    ids::{IntentId, OrgId, PartyId},
    plan::Step,
};
use sync_store::{Intent, IntentEnd, JournalEntry, Outcome, Reschedule, Tx};

use crate::{
    CUSTOMERS, Engine, EngineError, backoff,
    doubt::{FOUND_AFTERWARDS, LOOK},
    reconcile::Planned,
    watch::Event,
};

/// A relation that was sent and refused: perhaps it is there already.
pub(crate) struct Refusal {
    pub(crate) planned: Planned,
    pub(crate) intent: IntentId,
    pub(crate) error: CallError,
}

/// What is remembered once the relation stands.
pub(crate) fn standing(family: &Family, step: &Step, relation: &Relation) -> Option<MadeRelation> {
    remembered(&family.made, step, Made::Stands(relation.id))
}

/// What is remembered once a step was sent once more.
fn remembered(known: &[MadeRelation], step: &Step, state: Made) -> Option<MadeRelation> {
    let Step::Relate { parent, parent_org, org } = step else { return None };
    let tried = known.iter().find(|made| {
        made.parent == *parent
            && made.parent_org == *parent_org
            && made.daughter_org == *org
            && made.state == Made::Unsure
    });
    let times = tried.map_or(0, |made| made.times).saturating_add(1);
    Some(MadeRelation { parent: *parent, daughter_org: *org, parent_org: *parent_org, state, times })
}

/// Whether a relation of the CRM is the one that a step wanted.
fn is_it(step: &Step, relation: &Relation) -> bool {
    matches!(step, Step::Relate { parent_org, org, .. }
        if *parent_org == relation.parent && *org == relation.daughter)
}

impl Engine {
    /// Asks for a look at everybody whose relations can be made now that these have organizations.
    pub(crate) async fn enqueue_relatives(
        &self,
        tx: &mut Tx,
        parties: &[PartyId],
        class: Class,
        now: Timestamp,
    ) -> Result<(), EngineError> {
        if self.settings.policy.hierarchy.is_some() && !parties.is_empty() {
            let relatives = tx.relatives(parties).await?;
            tx.enqueue(&relatives, class, now, "a relative has an organization").await?;
        }
        Ok(())
    }

    /// Looks whether a relation that was refused is there already: then a person made it, and it is left to people.
    pub(crate) async fn look_into(&mut self, refusal: Refusal, now: Timestamp) -> Result<(), EngineError> {
        let Refusal { planned: Planned { job, plan, situation, .. }, intent, error } = refusal;
        let (party, class) = (plan.party, plan.class);
        let Some((step, org)) = plan.steps.first().and_then(|step| Some((step, step.org()?))) else {
            return Ok(());
        };
        let listed = match self.crm.relations_of(org, class).await {
            Err(unseen) if unseen.kind == ErrorKind::Missing => Ok(Vec::new()),
            listed => listed,
        };
        let later =
            |due, attempts, error| Reschedule { party, generation: job.generation, due, attempts, error };
        let mut tx = self.write().await?;
        let mut outcome = Outcome::Held;
        match &listed {
            Ok(relations) if relations.iter().any(|relation| is_it(step, relation)) => {
                let by_hand = remembered(&situation.family.made, step, Made::ByHand);
                let by_hand: Vec<_> = by_hand.map(|made| (party, made)).into_iter().collect();
                tx.put_relations(&by_hand, now).await?;
                tx.close_intents(&[(intent, IntentEnd::Refused)], now).await?;
                tx.reschedule(&[later(now, job.attempts, None)]).await?;
                outcome = Outcome::Unchanged;
            }
            Ok(_) => {
                let reason = HoldReason::Refused {
                    step: step.clone(),
                    message: error.message.clone(),
                    exchange: error.exchange.clone(),
                };
                tx.close_intents(&[(intent, IntentEnd::Refused)], now).await?;
                tx.open_hold(party, &reason, now).await?;
                tx.finish(&[(party, job.generation)]).await?;
            }
            Err(unseen) => {
                let attempts = job.attempts + 1;
                let due = now + backoff::after(attempts, party.0);
                tx.close_intents(&[(intent, IntentEnd::Void)], now).await?;
                tx.reschedule(&[later(due, attempts, Some(unseen.to_string()))]).await?;
                outcome = Outcome::Failed;
            }
        }
        tx.put_outcomes(self.run, CUSTOMERS, &[(party, outcome)]).await?;
        tx.commit().await?;
        if let Err(unseen) = listed {
            self.crm_failed(class, &unseen);
        }
        self.watch.see(Event::Outcome { party, outcome });
        Ok(())
    }

    /// Looks for a relation whose answer never came, once it is settled. Ending one needs no look: what is not there is
    /// ended, so that it may be done again. Tells whether the CRM answered.
    pub(crate) async fn settle_relation(
        &mut self,
        intent: Intent,
        now: Timestamp,
    ) -> Result<bool, EngineError> {
        let settled_at = intent.settled_at.unwrap_or(now);
        if settled_at > now {
            self.looks.get_or_insert_default().insert(intent.id, settled_at);
            return Ok(true);
        }
        let listed = match &intent.step {
            Step::Relate { org, .. } => match self.crm.relations_of(*org, LOOK).await {
                Ok(listed) => Some((*org, listed)),
                // An organization that is gone has no relations.
                Err(error) if error.kind == ErrorKind::Missing => Some((*org, Vec::new())),
                Err(error) => {
                    self.crm_failed(LOOK, &error);
                    return Ok(false);
                }
            },
            Step::Unrelate { .. }
            | Step::Create { .. }
            | Step::Update { .. }
            | Step::Bind { .. }
            | Step::Forget { .. } => None,
        };
        if listed.is_some() {
            self.crm_pauses.answered();
        }
        let mut tx = self.write().await?;
        let mut end = IntentEnd::Void;
        let mut outcome = None;
        if let Some((org, listed)) = listed {
            let known = tx.relations(&[intent.party]).await?.remove(&intent.party).unwrap_or_default();
            let removed = removed(&known, org, &listed);
            // Of several the newest: what a person made by hand was there before ours, or would be refused.
            let found = listed.iter().filter(|relation| is_it(&intent.step, relation)).max_by_key(|r| r.id);
            let state = found.map_or(Made::Unsure, |relation| Made::Found(relation.id));
            let now_known = removed.into_iter().chain(remembered(&known, &intent.step, state));
            let rows: Vec<_> = now_known.map(|made| (intent.party, made)).collect();
            tx.put_relations(&rows, now).await?;
            if found.is_some() {
                end = IntentEnd::Done;
                outcome = Some(Outcome::Updated);
                tx.append_journal(&[self.found_afterwards(&intent, org, now)]).await?;
            }
        }
        tx.close_intents(&[(intent.id, end)], now).await?;
        tx.enqueue(&[intent.party], LOOK, now, "after doubt").await?;
        let outcomes: Vec<_> = outcome.map(|outcome| (intent.party, outcome)).into_iter().collect();
        tx.put_outcomes(self.run, CUSTOMERS, &outcomes).await?;
        tx.commit().await?;
        self.looks.get_or_insert_default().remove(&intent.id);
        for (party, outcome) in outcomes {
            self.watch.see(Event::Outcome { party, outcome });
        }
        Ok(true)
    }

    fn found_afterwards(&self, intent: &Intent, org: OrgId, now: Timestamp) -> JournalEntry {
        JournalEntry {
            intent: intent.id,
            run: self.run,
            at: now,
            op: intent.step.op().to_owned(),
            party: intent.party,
            org: Some(org),
            before: Values::new(),
            after: Values::new(),
            reason: format!("{}{FOUND_AFTERWARDS}", intent.reason),
            rule: intent.rule.clone(),
            origin: intent.origin.clone(),
            tokens: 0,
            detail: None,
        }
    }
}

/// Relations of ours that the list of their daughter no longer shows: a person removed them.
fn removed(known: &[MadeRelation], org: OrgId, listed: &[Relation]) -> Vec<MadeRelation> {
    let gone = known.iter().filter(|made| match made.state {
        Made::Stands(id) | Made::Found(id) => {
            made.daughter_org == org && listed.iter().all(|relation| relation.id != id)
        }
        Made::Removed | Made::ByHand | Made::Unsure => false,
    });
    gone.map(|made| MadeRelation { state: Made::Removed, ..made.clone() }).collect()
}
