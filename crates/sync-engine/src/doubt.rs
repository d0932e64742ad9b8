//! Writes that were sent, or may have been, and never answered. Looked for before anything is repeated.
//!
//! A create is looked for twice. At once, in one listing of what changed since the oldest of them: what is found is
//! adopted. What is not found there may still take effect or still be unlisted, so it is looked for again when it is
//! settled (T_effect plus settle), by listing and by search; only if both know nothing it did not happen. An update
//! sets values, so it only waits until it can no longer take effect and is then observed again.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use sync_core::{
    budget::Class,
    hold::HoldReason,
    ids::{IntentId, OrgId, PartyId},
    model::{CrmOrg, Seen},
    pair::{Pair, Written, remember},
    plan::Step,
    value::same,
};
use sync_store::{Intent, IntentEnd, JournalEntry, Outcome, StagedKind, Tx};

use crate::{
    CUSTOMERS, Engine, EngineError, facts, family, likeness::stage, plants::Plant, receipt::pair_after,
    staging, watch::Event,
};

/// How the reason of a write ends in the journal whose answer never came.
pub(crate) const FOUND_AFTERWARDS: &str = " (no answer came; found afterwards)";

/// Looks stand in the way of customers that somebody waits for.
pub(crate) const LOOK: Class = Class::NewCustomer;

/// The CRM's clock may differ from ours by this much, at most, when we ask for what changed since an intent.
const CLOCK_SKEW: SignedDuration = SignedDuration::from_mins(10);

/// Clocks that differ by more are an operator's concern; by less, they are no help in telling two changes apart.
const UNNOTICED_SKEW: SignedDuration = SignedDuration::from_mins(1);

/// What a search says about a create.
fn searched(hits: Vec<Seen<CrmOrg>>) -> Found {
    let mut orgs = Vec::new();
    let mut unreadable = None;
    for seen in hits {
        match seen {
            Seen::Record(org) => orgs.push(org),
            Seen::Malformed(record) => {
                let org = OrgId(record.id.unwrap_or_default());
                unreadable.get_or_insert((org, record.reason));
            }
        }
    }
    match unreadable {
        _ if !orgs.is_empty() => Found::Orgs(orgs),
        Some((org, reason)) => Found::Unreadable(org, reason),
        None => Found::Nothing,
    }
}

/// How soon an organization that could not be read is looked at again.
const LOOK_AGAIN: SignedDuration = SignedDuration::from_mins(15);

/// What looking told about a write.
enum Found {
    /// It happened: these organizations say so.
    Orgs(Vec<CrmOrg>),
    /// It surely did not, or was undone since.
    Nothing,
    /// An update that nobody can tell: its organization was changed in the very second in which it was sent, and
    /// says what it said before. Counted as written (law 3) but not told as a change.
    Perhaps(CrmOrg),
    /// The search names an organization that cannot be read: it may be the one.
    Unreadable(OrgId, String),
    /// Too early to tell.
    NotYet,
}

impl Engine {
    /// Loads the writes that an earlier process left without an answer. Tells whether there were any.
    ///
    /// When they were sent is not known, only that it was before that process lost the lease: so T_effect and
    /// settle are counted from now.
    pub(crate) async fn recover(&mut self, now: Timestamp) -> Result<bool, EngineError> {
        if self.looks.is_some() {
            return Ok(false);
        }
        let mut tx = self.write().await?;
        let mut open = tx.intents().await?;
        if self.plants.has(Plant::DoubtsForgotten) {
            let forgotten: Vec<_> = open.drain(..).map(|intent| (intent.id, IntentEnd::Void)).collect();
            tx.close_intents(&forgotten, now).await?;
        }
        let mut looks = BTreeMap::new();
        let mut unsettled = Vec::new();
        for intent in &open {
            let settled_at = intent.settled_at.unwrap_or_else(|| {
                let settled_at = now + self.settled_after(&intent.step);
                unsettled.push((intent.id, settled_at));
                settled_at
            });
            let at_once = matches!(intent.step, Step::Create { .. });
            looks.insert(intent.id, if at_once { now } else { settled_at });
        }
        tx.doubt_intents(&unsettled).await?;
        tx.commit().await?;
        self.looks = Some(looks);
        if !open.is_empty() {
            tracing::info!(writes = open.len(), "an earlier process left writes without an answer");
        }
        self.tell_doubts();
        Ok(!open.is_empty())
    }

    /// Looks for the writes whose look is due. Tells whether there were any.
    pub(crate) async fn settle_doubts(&mut self, now: Timestamp) -> Result<bool, EngineError> {
        let any_due = self.looks.iter().flatten().any(|(_, at)| *at <= now);
        if !any_due || !self.crm_is_open(now) {
            return Ok(false);
        }
        let mut tx = self.store.read(self.connection()).await?;
        let mut due = tx.intents().await?;
        drop(tx);
        due.retain(|intent| self.looks.iter().flatten().any(|(id, at)| *id == intent.id && *at <= now));
        let (relations, due): (Vec<Intent>, Vec<Intent>) = due
            .into_iter()
            .partition(|intent| matches!(intent.step, Step::Relate { .. } | Step::Unrelate { .. }));
        let (creates, updates): (Vec<Intent>, Vec<Intent>) =
            due.into_iter().partition(|intent| intent.step.is_create());
        let found = match self.look(&creates, &updates, now).await {
            Ok(found) => found,
            Err(error) => {
                self.crm_failed(LOOK, &error);
                return Ok(true);
            }
        };
        if !found.is_empty() {
            self.crm_pauses.answered();
        }
        for (intent, found) in found {
            self.conclude(intent, found, now).await?;
        }
        for intent in relations {
            if !self.settle_relation(intent, now).await? {
                break;
            }
        }
        self.tell_doubts();
        Ok(true)
    }

    async fn look(
        &self,
        creates: &[Intent],
        updates: &[Intent],
        now: Timestamp,
    ) -> Result<Vec<(Intent, Found)>, sync_core::error::CallError> {
        let mut results = Vec::new();
        if let Some(oldest) = creates.iter().map(|intent| intent.created_at).min() {
            let mut carried = self.list_since(oldest - CLOCK_SKEW).await?;
            for intent in creates {
                let found = match carried.remove(&intent.party) {
                    Some(orgs) => Found::Orgs(orgs),
                    None if self.plants.has(Plant::DoubtEndedAtOnce) => Found::Nothing,
                    None if intent.settled_at.is_none_or(|at| at > now) => Found::NotYet,
                    None => searched(self.crm.orgs_by_origin(intent.party, LOOK).await?),
                };
                results.push((intent.clone(), found));
            }
        }
        let ids: Vec<OrgId> = updates.iter().filter_map(|intent| intent.step.org()).collect();
        if !ids.is_empty() {
            let orgs = self.crm.orgs_by_id(&ids, LOOK).await?;
            for intent in updates {
                let org = orgs.iter().find_map(|seen| match seen {
                    Seen::Record(org) => (Some(org.id) == intent.step.org()).then_some(org),
                    // What is not understood is held when its pair is looked at next.
                    Seen::Malformed(_) => None,
                });
                let found = match org {
                    Some(org) if took_effect(intent, org) => Found::Orgs(vec![org.clone()]),
                    Some(org) if in_the_same_second(intent, org) => Found::Perhaps(org.clone()),
                    Some(_) | None => Found::Nothing,
                };
                results.push((intent.clone(), found));
            }
        }
        Ok(results)
    }

    /// Organizations changed since then, by the party whose id they carry.
    async fn list_since(
        &self,
        since: Timestamp,
    ) -> Result<BTreeMap<PartyId, Vec<CrmOrg>>, sync_core::error::CallError> {
        let mut carried: BTreeMap<PartyId, Vec<CrmOrg>> = BTreeMap::new();
        let mut cursor = None;
        loop {
            let page = self.crm.orgs_changed(since, cursor, LOOK).await?;
            for seen in page.rows {
                if let Seen::Record(org) = seen
                    && let Some(party) = staging::carried_party(&org)
                {
                    let orgs = carried.entry(party).or_default();
                    // A row that changes while we list is seen again.
                    orgs.retain(|known| known.id != org.id);
                    orgs.push(org);
                }
            }
            match page.next.filter(|_| page.more) {
                Some(next) => cursor = Some(next),
                None => return Ok(carried),
            }
        }
    }

    async fn conclude(&mut self, intent: Intent, found: Found, now: Timestamp) -> Result<(), EngineError> {
        let (id, party) = (intent.id, intent.party);
        let mut uncertain = None;
        let orgs = match found {
            Found::NotYet => {
                let settled_at = intent.settled_at.unwrap_or(now);
                self.looks.get_or_insert_default().insert(id, settled_at);
                return Ok(());
            }
            Found::Unreadable(org, reason) => {
                // It may be what we created, so the doubt stays and a person is asked meanwhile.
                let mut tx = self.write().await?;
                let reason = HoldReason::OrganizationUnreadable { org, reason };
                tx.open_hold(party, &reason, now).await?;
                tx.commit().await?;
                self.looks.get_or_insert_default().insert(id, now + LOOK_AGAIN);
                return Ok(());
            }
            Found::Nothing => Vec::new(),
            Found::Perhaps(org) => {
                uncertain = Some(org);
                Vec::new()
            }
            Found::Orgs(orgs) => orgs,
        };
        tracing::debug!(%party, intent = id.0, found = orgs.len(), "a write without an answer is looked up");
        let mut tx = self.write().await?;
        let end = if orgs.is_empty() { IntentEnd::Void } else { IntentEnd::Done };
        let rows: Vec<_> = orgs.iter().map(staging::org).collect();
        let was = facts::before(&mut tx, self.watched(), rows.iter().map(|row| row.id)).await?;
        let changed = stage(&mut tx, StagedKind::Org, &rows, now, 0).await?;
        let relatives = family::relatives_of_returned(&mut tx, &changed).await?;
        tx.enqueue(&relatives, Class::Edit, now, "a relative's organization is back").await?;
        facts::note(&mut tx, self.watched(), was, now).await?;
        let mut outcome = None;
        if let [org] = orgs.as_slice() {
            outcome = self.adopt(&mut tx, &intent, org, now).await?;
        }
        if let Some(org) = uncertain
            && !self.plants.has(Plant::PerhapsNotCounted)
        {
            count_as_written(&mut tx, &intent, &org, now).await?;
        }
        tx.close_intents(&[(id, end)], now).await?;
        tx.enqueue(&[party], LOOK, now, "after doubt").await?;
        if outcome == Some(Outcome::Created) {
            self.enqueue_relatives(&mut tx, &[party], Class::Edit, now).await?;
        }
        let outcomes: Vec<(PartyId, Outcome)> = outcome.map(|outcome| (party, outcome)).into_iter().collect();
        tx.put_outcomes(self.run, CUSTOMERS, &outcomes).await?;
        tx.commit().await?;
        // What was found afterwards is in the journal now, and counted from there.
        self.tally = None;
        self.looks.get_or_insert_default().remove(&id);
        for (party, outcome) in outcomes {
            self.watch.see(Event::Outcome { party, outcome });
        }
        Ok(())
    }

    /// The write happened: remember it as if its answer had come, as far as that can be known.
    async fn adopt(
        &self,
        tx: &mut Tx,
        intent: &Intent,
        org: &CrmOrg,
        now: Timestamp,
    ) -> Result<Option<Outcome>, EngineError> {
        let known = tx.pairs_by_party(&[intent.party]).await?.remove(&intent.party);
        let taken = tx.pairs_by_org(&[org.id]).await?.get(&org.id).is_some_and(|by| *by != intent.party);
        let elsewhere = known.as_ref().is_some_and(|pair| pair.org != org.id);
        if taken || elsewhere {
            // Not ours to decide: the next look at the party finds the organization among its carriers and asks.
            return Ok(None);
        }
        let mut pair = pair_after(known, intent.party, &intent.step, org, None);
        forget_foreign_forms(&mut pair, &intent.step);
        self.note_paired(tx, std::slice::from_ref(&pair), now).await?;
        tx.put_pairs(&[pair], now).await?;
        tx.append_journal(&[JournalEntry {
            intent: intent.id,
            run: self.run,
            at: now,
            op: intent.step.op().to_owned(),
            party: intent.party,
            org: Some(org.id),
            before: intent.before.clone(),
            after: org.values.clone(),
            reason: format!("{}{FOUND_AFTERWARDS}", intent.reason),
            rule: intent.rule.clone(),
            origin: intent.origin.clone(),
            tokens: 0,
            detail: None,
        }])
        .await?;
        Ok(Some(if intent.step.is_create() { Outcome::Created } else { Outcome::Updated }))
    }

    fn tell_doubts(&self) {
        let looks = self.looks.iter().flatten();
        if let Some(until) = looks.clone().map(|(_, at)| *at).min() {
            let writes = looks.map(|(id, _)| id).collect::<std::collections::BTreeSet<&IntentId>>().len();
            self.watch.see(Event::InDoubt { writes, until });
        }
    }
}

/// Adds an update that may have happened to the memory of what was written.
async fn count_as_written(
    tx: &mut Tx,
    intent: &Intent,
    org: &CrmOrg,
    now: Timestamp,
) -> Result<(), EngineError> {
    let Some(mut pair) = tx.pairs_by_party(&[intent.party]).await?.remove(&intent.party) else {
        return Ok(());
    };
    remember(&mut pair.written, intent.step.sent(), &org.values);
    forget_foreign_forms(&mut pair, &intent.step);
    Ok(tx.put_pairs(&[pair], now).await?)
}

/// Whether an update may have left no trace: the CRM's stamps have whole seconds, and the last change that it shows
/// happened when the update was sent, as far as two clocks can be compared.
fn in_the_same_second(intent: &Intent, org: &CrmOrg) -> bool {
    intent.created_at <= org.updated_at + SignedDuration::from_secs(1) + UNNOTICED_SKEW
}

/// Whether an update may have left traces: the organization was changed since, or a field that was sent no longer
/// says what it said before.
///
/// Somebody else may have changed it instead; counting that as our write only makes us stop sooner (law 3).
fn took_effect(intent: &Intent, org: &CrmOrg) -> bool {
    let touched = intent.before_stamp.is_none_or(|before| org.updated_at > before);
    touched
        || intent.step.sent().iter().any(|(field, _)| !same(intent.before.get(field), org.values.get(field)))
}

/// What an organization says when it is found is the form of what we sent only if it says the same: anything else
/// may be a person's edit and must not be taken for the remote system's own form.
fn forget_foreign_forms(pair: &mut Pair, step: &Step) {
    for (field, _) in step.sent() {
        if let Some(Written { value, became, .. }) = pair.written.get_mut(&field)
            && !same(value.as_ref(), became.as_ref())
        {
            became.clone_from(value);
        }
    }
}
