//! What an answer means for the store: mirrors, journal, outcome; or a hold, a doubt, another try.

use jiff::Timestamp;
use sync_core::{
    budget::Class,
    error::{CallError, Effect, ErrorKind},
    fields::{Field, FieldTable, Values},
    hierarchy::{self, MadeRelation},
    hold::HoldReason,
    ids::{IntentId, OrgId, PartyId},
    mapping,
    model::CrmOrg,
    pair::{Pair, remember},
    plan::{Plan, Step},
    situation::ErpSide,
    value::same,
};
use sync_store::{IntentEnd, JournalEntry, Outcome, Reschedule, StagedKind, StagedRow};

use crate::{
    CUSTOMERS, Engine, EngineError,
    apply::{Reply, Sent, before},
    backoff, facts, family,
    likeness::stage,
    pause::Side,
    plants::Plant,
    reconcile::Planned,
    relate::{Refusal, standing},
    staging,
    watch::Event,
};

/// Everything that a handful of answers changes in the store.
#[derive(Default)]
struct Receipts {
    pairs: Vec<Pair>,
    /// Parties that have an organization now.
    created: Vec<PartyId>,
    related: Vec<(PartyId, MadeRelation)>,
    unrelated: Vec<(PartyId, PartyId)>,
    /// Relations that were refused, perhaps because they are there already.
    refused: Vec<Refusal>,
    class: Option<Class>,
    staged: Vec<StagedRow>,
    absent: Vec<i64>,
    ended: Vec<(IntentId, IntentEnd)>,
    doubts: Vec<(IntentId, Timestamp)>,
    journal: Vec<JournalEntry>,
    done: Vec<(PartyId, i64)>,
    later: Vec<Reschedule>,
    held: Vec<(PartyId, HoldReason)>,
    freed: Vec<PartyId>,
    outcomes: Vec<(PartyId, Outcome)>,
    errors: Vec<CallError>,
    answered: bool,
}

impl Engine {
    /// Stores what the answers mean, in one transaction.
    pub(crate) async fn store_receipts(&mut self, sent: Vec<Sent>) -> Result<(), EngineError> {
        let now = self.clock.now();
        let mut receipts = Receipts::default();
        for sent in sent {
            let Sent { planned, intent, tokens, answer } = sent;
            // All of a slice have one class.
            receipts.class = Some(planned.plan.class);
            match answer {
                Ok(Reply::Org(org)) => self.accept(&mut receipts, planned, intent, tokens, org, now),
                Ok(reply @ (Reply::Related(_) | Reply::Ended)) => {
                    self.accept_relation(&mut receipts, planned, (intent, tokens), &reply, now);
                }
                Err(error) => self.decline(&mut receipts, planned, intent, error, now),
            }
        }
        let mut tx = self.write().await?;
        if self.plants.has(Plant::WrittenForgotten) {
            receipts.pairs.iter_mut().for_each(|pair| pair.written.clear());
        }
        self.note_paired(&mut tx, &receipts.pairs, now).await?;
        tx.put_pairs(&receipts.pairs, now).await?;
        tx.put_relations(&receipts.related, now).await?;
        tx.delete_relations(&receipts.unrelated).await?;
        let was = facts::before(&mut tx, self.watched(), receipts.staged.iter().map(|row| row.id)).await?;
        stage(&mut tx, StagedKind::Org, &receipts.staged, now, 0).await?;
        facts::note(&mut tx, self.watched(), was, now).await?;
        family::orgs_gone(&mut tx, &receipts.absent, now).await?;
        if !self.plants.has(Plant::NoIntent) {
            tx.close_intents(&receipts.ended, now).await?;
            tx.doubt_intents(&receipts.doubts).await?;
        }
        tx.append_journal(&receipts.journal).await?;
        tx.close_holds(&receipts.freed, now).await?;
        for (party, reason) in &receipts.held {
            tx.open_hold(*party, reason, now).await?;
        }
        if self.plants.has(Plant::AskingForgotten) {
            self.plants.as_if_never_asked_again(&mut tx, &mut receipts.done).await?;
        }
        tx.finish(&receipts.done).await?;
        tx.reschedule(&receipts.later).await?;
        let class = receipts.class.map_or(Class::Edit, |class| class.max(Class::Edit));
        self.enqueue_relatives(&mut tx, &receipts.created, class, now).await?;
        tx.put_outcomes(self.run, CUSTOMERS, &receipts.outcomes).await?;
        tx.commit().await?;

        if let Some(tally) = &mut self.tally {
            tally.note(&receipts.journal);
        }
        if receipts.answered {
            self.crm_pauses.answered();
        }
        if !self.plants.has(Plant::NoIntent) {
            self.looks.get_or_insert_default().extend(receipts.doubts);
        }
        for error in receipts.errors {
            self.side_failed(Side::Crm, &error);
        }
        for (party, outcome) in receipts.outcomes {
            self.watch.see(Event::Outcome { party, outcome });
        }
        for refusal in receipts.refused {
            // Boxed: it is rare, and every write would carry its size.
            Box::pin(self.look_into(refusal, now)).await?;
        }
        Ok(())
    }

    /// A receipt: the answer is what the organization says now.
    fn accept(
        &self,
        receipts: &mut Receipts,
        planned: Planned,
        intent: IntentId,
        tokens: u32,
        org: CrmOrg,
        now: Timestamp,
    ) {
        let before = before(&planned);
        let Planned { job, plan, pair, situation } = planned;
        let Plan { party, mut steps, reason, rule, class: _, then_hold } = plan;
        let Some(step) = (!steps.is_empty()).then(|| steps.remove(0)) else { return };
        let fields = &self.settings.policy.fields;
        let edited_meanwhile = differs_elsewhere(fields, &step, &before, &org.values);
        // Its own fields come first, what it is to others after.
        let waits = !step.is_create() && hierarchy::waits(&self.settings.policy, &situation, org.id);
        let outcome = match &then_hold {
            Some(_) => Outcome::Held,
            None if step.is_create() => Outcome::Created,
            None => Outcome::Updated,
        };
        receipts.journal.push(JournalEntry {
            intent,
            run: self.run,
            at: now,
            op: step.op().to_owned(),
            party,
            org: Some(org.id),
            before,
            after: org.values.clone(),
            reason,
            rule: rule.key().to_owned(),
            origin: job.origin,
            tokens: i64::from(tokens),
            detail: None,
        });
        let desired = match &situation.erp {
            ErpSide::Present(customer) => {
                Some(mapping::desired(&self.settings.policy.fields, customer).values)
            }
            ErpSide::Unseen | ErpSide::Missing | ErpSide::Malformed(_) => None,
        };
        receipts.pairs.push(pair_after(pair, party, &step, &org, desired));
        receipts.created.extend(step.is_create().then_some(party));
        receipts.staged.push(staging::org(&org));
        receipts.ended.push((intent, IntentEnd::Done));
        receipts.outcomes.push((party, outcome));
        match then_hold {
            Some(reason) => receipts.held.push((party, reason)),
            None => receipts.freed.push(party),
        }
        if edited_meanwhile || waits {
            // A person's edit fell between our reading and our writing. The mirror now has it, so that no later
            // page would show it as a change: look again at once.
            receipts.later.push(Reschedule {
                party,
                generation: job.generation,
                due: now,
                attempts: job.attempts,
                error: None,
            });
        } else {
            receipts.done.push((party, job.generation));
        }
        receipts.answered = true;
    }

    /// A receipt about a relation: it stands under its id, or it is ended.
    fn accept_relation(
        &self,
        receipts: &mut Receipts,
        planned: Planned,
        (intent, tokens): (IntentId, u32),
        reply: &Reply,
        now: Timestamp,
    ) {
        let Planned { job, plan, situation, .. } = planned;
        let Plan { party, steps, reason, rule, class: _, then_hold } = plan;
        let Some(step) = steps.first() else { return };
        match (reply, step) {
            (Reply::Related(relation), _) => {
                receipts
                    .related
                    .extend(standing(&situation.family, step, relation).map(|made| (party, made)));
            }
            (Reply::Ended, Step::Unrelate { parent, .. }) => receipts.unrelated.push((party, *parent)),
            (Reply::Ended | Reply::Org(_), _) => {}
        }
        receipts.journal.push(JournalEntry {
            intent,
            run: self.run,
            at: now,
            op: step.op().to_owned(),
            party,
            org: step.org(),
            // A relation is no field of an organization; which one it is says the intent's step.
            before: Values::new(),
            after: Values::new(),
            reason,
            rule: rule.key().to_owned(),
            origin: job.origin,
            tokens: i64::from(tokens),
            detail: None,
        });
        receipts.ended.push((intent, IntentEnd::Done));
        let outcome = if then_hold.is_some() { Outcome::Held } else { Outcome::Updated };
        receipts.outcomes.push((party, outcome));
        match then_hold {
            Some(reason) => receipts.held.push((party, reason)),
            None => receipts.freed.push(party),
        }
        if steps.len() > 1 {
            // The next one follows from another look.
            let (generation, attempts) = (job.generation, job.attempts);
            receipts.later.push(Reschedule { party, generation, due: now, attempts, error: None });
        } else {
            receipts.done.push((party, job.generation));
        }
        receipts.answered = true;
    }

    /// No receipt: either it surely did not happen, or nobody knows yet.
    fn decline(
        &self,
        receipts: &mut Receipts,
        planned: Planned,
        intent: IntentId,
        error: CallError,
        now: Timestamp,
    ) {
        if is_refused_relation(&planned, &error) {
            receipts.refused.push(Refusal { planned, intent, error });
            receipts.answered = true;
            return;
        }
        let Planned { job, plan, .. } = planned;
        let Some(step) = plan.steps.first() else { return };
        let party = plan.party;
        let attempts = job.attempts + 1;
        let retry = |due: Timestamp, attempts: u32| Reschedule {
            party,
            generation: job.generation,
            due,
            attempts,
            error: Some(error.to_string()),
        };
        let backed_off = now + backoff::after(attempts, party.0);
        tracing::warn!(party.id = party.0, op = step.op(), %error, "a write got no receipt");
        match error.effect {
            Effect::InDoubt => {
                let settled_at = now + self.settled_after(step);
                receipts.doubts.push((intent, settled_at));
                // Whoever clears up the doubt enqueues the key; this is only the latest time for it.
                receipts.later.push(retry(settled_at, attempts));
                receipts.outcomes.push((party, Outcome::Failed));
                receipts.errors.push(error);
                return;
            }
            Effect::None => {}
        }
        match &error.kind {
            ErrorKind::Rejected => {
                let message = error.message.clone();
                receipts.ended.push((intent, IntentEnd::Refused));
                receipts.held.push((
                    party,
                    HoldReason::Refused { step: step.clone(), message, exchange: error.exchange.clone() },
                ));
                receipts.outcomes.push((party, Outcome::Held));
                receipts.done.push((party, job.generation));
                receipts.answered = true;
                return;
            }
            ErrorKind::Missing => {
                receipts.absent.extend(step.org().map(|OrgId(org)| org));
                receipts.later.push(retry(now, attempts));
            }
            ErrorKind::Exhausted { .. } => receipts.later.push(retry(now, job.attempts)),
            ErrorKind::UnknownField
            | ErrorKind::Transient { .. }
            | ErrorKind::Unauthorized
            | ErrorKind::Forbidden
            | ErrorKind::Unreadable => {
                receipts.outcomes.push((party, Outcome::Failed));
                receipts.later.push(retry(backed_off, attempts));
            }
        }
        receipts.ended.push((intent, IntentEnd::Void));
        if error.kind != ErrorKind::Missing {
            receipts.errors.push(error);
        }
    }

    /// From sending until a look can tell that the step did not happen.
    pub(crate) fn settled_after(&self, step: &Step) -> jiff::SignedDuration {
        match step {
            Step::Create { .. } | Step::Relate { .. } => self.settings.t_effect + self.settings.settle,
            // Set-to-value writes need no look-up that lags: they are observed again by id. What is ended twice is ended.
            Step::Update { .. } | Step::Unrelate { .. } | Step::Bind { .. } | Step::Forget { .. } => {
                self.settings.t_effect
            }
        }
    }
}

/// Whether the CRM clearly refused to relate two organizations: they may be related already.
fn is_refused_relation(planned: &Planned, error: &CallError) -> bool {
    let refused = match error.kind {
        ErrorKind::Rejected | ErrorKind::Missing => error.effect == Effect::None,
        ErrorKind::Transient { .. }
        | ErrorKind::Exhausted { .. }
        | ErrorKind::Unauthorized
        | ErrorKind::Forbidden
        | ErrorKind::UnknownField
        | ErrorKind::Unreadable => false,
    };
    refused && matches!(planned.plan.steps.first(), Some(Step::Relate { .. }))
}

/// Whether a field that was not sent says something else in the answer than when the write was decided.
fn differs_elsewhere(fields: &FieldTable, step: &Step, before: &Values, after: &Values) -> bool {
    if step.is_create() {
        return false;
    }
    let sent = step.sent();
    let mut untouched = fields.fields().filter(|field: &Field| sent.iter().all(|(sent, _)| sent != field));
    untouched.any(|field| !same(before.get(&field), after.get(&field)))
}

/// The pair once the organization said `org` in answer to `step`. `desired` is all that the ERP wanted then, where
/// that is known.
pub(crate) fn pair_after(
    pair: Option<Pair>,
    party: PartyId,
    step: &Step,
    org: &CrmOrg,
    desired: Option<Values>,
) -> Pair {
    let mut pair = pair.unwrap_or_else(|| new_pair(party, org.id));
    let sent = step.sent();
    match desired {
        Some(desired) => pair.erp_mirror = desired,
        None => {
            for (field, value) in &sent {
                match value {
                    Some(value) => pair.erp_mirror.insert(*field, value.clone()),
                    None => pair.erp_mirror.remove(field),
                };
            }
        }
    }
    remember(&mut pair.written, sent, &org.values);
    pair.crm_mirror = org.values.clone();
    pair
}

/// A pair of which neither side was seen yet.
pub(crate) fn new_pair(party: PartyId, org: OrgId) -> Pair {
    let (erp_mirror, crm_mirror) = (Values::new(), Values::new());
    Pair { party, org, erp_mirror, crm_mirror, written: std::collections::BTreeMap::new() }
}
