//! One customer, now: read from both sides by id, decided, done, and told of, whatever else is waiting.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sync_core::{
    budget::Class,
    decide::Decision,
    error::{CallError, ErrorKind},
    foresee::Rest,
    hierarchy::ErpLink,
    ids::{OrgId, PartyId},
    model::{CrmOrg, ErpAccount, ErpParty, Page, Seen},
    plan::Plan,
    policy::Policy,
    ports::{Called, PartyKey},
};
use sync_store::{Job, StagedKind};

use crate::{
    CUSTOMERS, Engine, EngineError,
    apply::Manners,
    crm_stream::stage_orgs,
    erp_stream::{keys_of, with_targets},
    family,
    likeness::stage,
    observe::observe,
    pause::Side,
    planner::{Foreseen, Sides, staged_orgs, tell},
    relation_stream::{enqueue_daughters, rows_of},
    staging,
    terms::{Asked, ask_terms, stage_terms},
};

/// A person waits.
const CLASS: Class = Class::Urgent;

/// Looks in a row: a pair forgotten, another bound, its organization written, and the look that finds all well.
const MOST_LOOKS: usize = 6;

/// What became of one customer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Told {
    /// What was decided, and what remains.
    #[serde(flatten)]
    pub foreseen: Foreseen,
    /// How it ended: created, updated, unchanged, held or failed; none when there was nothing to end.
    pub outcome: Option<String>,
}

/// What the ERP says about one customer.
struct Found {
    party: Seen<ErpParty>,
    accounts: Vec<Seen<ErpAccount>>,
    links: Vec<Seen<ErpLink>>,
}

impl Engine {
    /// Reads one customer from both sides now, by its party id or number, and does what follows. What is told of an alias
    /// is told of the party that stands for it too. Nothing when the ERP shows no such party.
    ///
    /// # Errors
    /// When the store fails or the connection was taken by another process; inside, when a side did not answer.
    pub async fn sync_customer(&mut self, who: &str) -> Result<Called<Vec<Told>>, EngineError> {
        self.check_lease()?;
        let now = self.clock.now();
        if let Some(until) = self.settles_until(now).await? {
            let message =
                format!("the store came from a backup; before {until} what was sent cannot be found");
            let kind = ErrorKind::Transient { after: Some(until.duration_since(now)) };
            return Ok(Err(CallError::without_effect("sync_customer", kind, message)));
        }
        self.recover(now).await?;
        self.prepare(now).await;
        self.prepare_erp(now).await;
        self.settle_doubts(now).await?;
        if let Some(error) = self.what_stops(now) {
            return Ok(Err(error));
        }
        let Found { party, accounts, links } = match self.find(who).await {
            Ok(Some(found)) => found,
            Ok(None) => return Ok(Ok(Vec::new())),
            Err(error) => return Ok(Err(self.noted(Side::Erp, error))),
        };
        let parties = self.stage_customer(party, accounts, links).await?;
        if let Some(error) = self.read_terms_of(&parties).await? {
            return Ok(Err(self.noted(Side::Erp, error)));
        }
        for party in &parties {
            if let Err(error) = self.read_organizations(*party).await? {
                return Ok(Err(self.noted(Side::Crm, error)));
            }
        }
        let mut told = Vec::new();
        for party in parties {
            // Boxed: it holds the whole path from look to receipt.
            told.push(Box::pin(self.see_through(party)).await?);
        }
        Ok(self.what_stops(self.clock.now()).map_or(Ok(told), Err))
    }

    /// Why nothing can be done now for somebody who waits.
    fn what_stops(&self, now: Timestamp) -> Option<CallError> {
        let sides = [&self.erp_pauses, &self.crm_pauses].into_iter().filter_map(|side| side.active(now));
        sides.map(|pause| pause.error.clone()).next()
    }

    /// Notes what a failure says about its whole side; one that is about this very question says nothing.
    fn noted(&mut self, side: Side, error: CallError) -> CallError {
        match side {
            _ if error.kind == ErrorKind::Rejected => {}
            Side::Erp => self.side_failed(side, &error),
            Side::Crm => self.crm_failed(CLASS, &error),
        }
        error
    }

    async fn find(&self, who: &str) -> Called<Option<Found>> {
        let mut found = None;
        if let Ok(id) = who.trim().parse() {
            found = self.erp.party(&PartyKey::Id(PartyId(id))).await?;
        }
        if found.is_none() {
            found = self.erp.party(&PartyKey::Number(who.trim().to_owned())).await?;
        }
        let Some(party) = found else { return Ok(None) };
        let Some(id) = id_of(&party) else { return Ok(None) };
        let accounts = self.erp.accounts_of(id).await?;
        let links = match &party {
            Seen::Record(party) if self.settings.policy.hierarchy.is_some() => {
                self.erp.links_of(party).await?
            }
            Seen::Record(_) | Seen::Malformed(_) => Vec::new(),
        };
        Ok(Some(Found { party, accounts, links }))
    }

    /// Stages what the ERP said. Gives the party, and the one that stands for it if it is an alias.
    async fn stage_customer(
        &mut self,
        party: Seen<ErpParty>,
        accounts: Vec<Seen<ErpAccount>>,
        links: Vec<Seen<ErpLink>>,
    ) -> Result<Vec<PartyId>, EngineError> {
        let now = self.clock.now();
        let asked: Vec<PartyId> = id_of(&party).into_iter().collect();
        let (rows, _) = staging::rows(vec![party], staging::party);
        let (account_rows, lost) = staging::rows(accounts, staging::account);
        for record in lost {
            tracing::warn!(reason = record.reason, "an account without a readable id was left out");
        }
        let mut tx = self.write().await?;
        stage(&mut tx, StagedKind::Party, &rows, now, 0).await?;
        let changed = stage(&mut tx, StagedKind::Account, &account_rows, now, 0).await?;
        // An account that came from another party changes that one too.
        let others = with_targets(&mut tx, keys_of(StagedKind::Account, &changed)).await?;
        tx.enqueue(&others, Class::Edit, now, "one customer").await?;
        if let Some(rule) = &self.settings.policy.hierarchy {
            let (rows, _) = rows_of(rule, links, now);
            let changed = stage(&mut tx, StagedKind::Relation, &rows, now, 0).await?;
            enqueue_daughters(&mut tx, &changed, now).await?;
        }
        let mut parties = with_targets(&mut tx, asked).await?;
        parties.dedup();
        self.enqueue_daughters_of(&mut tx, StagedKind::Party, &parties, Class::Edit, now).await?;
        tx.enqueue(&parties, CLASS, now, "one customer").await?;
        tx.commit().await?;
        Ok(parties)
    }

    /// Reads what only the ERP's services say about the accounts of these parties, if it is mapped. Gives what failed.
    async fn read_terms_of(&self, parties: &[PartyId]) -> Result<Option<CallError>, EngineError> {
        if !self.wants_terms() {
            return Ok(None);
        }
        let ids: Vec<i64> = parties.iter().map(|party| party.0).collect();
        let mut tx = self.store.read(self.connection()).await?;
        let mut accounts = tx.staged_of_parties(StagedKind::Account, &ids).await?;
        drop(tx);
        accounts.retain(|account| account.missing < 2);
        let Asked { rows, failed } = ask_terms(self.erp.as_ref(), &accounts).await;
        let mut tx = self.write().await?;
        stage_terms(&mut tx, &rows, self.clock.now()).await?;
        tx.commit().await?;
        Ok(failed)
    }

    /// Reads the party's organization by id; without one, those that the search says carry the party's id.
    async fn read_organizations(&mut self, party: PartyId) -> Result<Called<()>, EngineError> {
        let mut tx = self.store.read(self.connection()).await?;
        let pair = tx.pairs_by_party(&[party]).await?.remove(&party);
        drop(tx);
        let read_at = self.clock.now();
        let (found, asked) = match &pair {
            Some(pair) => (self.crm.orgs_by_id(&[pair.org], CLASS).await, Some(pair.org)),
            None => (self.crm.orgs_by_origin(party, CLASS).await, None),
        };
        let rows: Vec<Seen<CrmOrg>> = match found {
            Ok(rows) => rows,
            Err(error) => return Ok(Err(error)),
        };
        self.crm_pauses.answered();
        let gone = asked.filter(|org| rows.iter().all(|seen| org_of(seen) != Some(*org)));
        let page = Page { rows, more: false, next: None, server_now: read_at };
        let mut tx = self.write().await?;
        let staged = stage_orgs(&mut tx, page, read_at, self.stage_rules()).await?;
        let gone: Vec<i64> = gone.into_iter().map(|OrgId(org)| org).collect();
        family::orgs_gone(&mut tx, &gone, read_at).await?;
        tx.enqueue(&staged.keys, Class::Edit, read_at, "one customer").await?;
        tx.commit().await?;
        Ok(Ok(()))
    }

    /// Looks at one key until nothing is left to do about it now.
    async fn see_through(&mut self, party: PartyId) -> Result<Told, EngineError> {
        let mut plans: Vec<Plan> = Vec::new();
        let mut before: Option<Sides> = None;
        let mut last = self.foresee_one(party).await?;
        // Each relation takes a look of its own.
        let (mut looks, mut most) = (0, MOST_LOOKS);
        while looks < most {
            looks += 1;
            let now = self.clock.now();
            let mut tx = self.store.read(self.connection()).await?;
            let jobs: Vec<Job> = tx.jobs(&[party]).await?.into_iter().filter(|job| job.due <= now).collect();
            drop(tx);
            if jobs.is_empty() || !self.crm_is_open(now) {
                break;
            }
            let Some(looked) = self.look_at(&jobs, now).await? else { break };
            last = self.foresee_one(party).await?;
            before.get_or_insert_with(|| last.sides.clone());
            if let (Some(Decision::Do(plan)), Some(job)) = (looked.decisions.get(&party), jobs.first()) {
                let plan = plan.clone().asked_by(job.class);
                // What could not be sent at once is decided again; and of several relations one is written at a time.
                let goes_on = plans.last().is_some_and(|last| goes_on(last, &plan));
                if !goes_on {
                    most = most.max(MOST_LOOKS + plan.steps.len());
                    plans.push(plan);
                }
            }
            self.handle(jobs, looked, Manners::Insist, now).await?;
        }
        let mut tx = self.store.read(self.connection()).await?;
        let outcome = tx.outcomes_of(self.run, CUSTOMERS, &[party]).await?.remove(&party);
        let hold = tx.holds(&[party]).await?.remove(&party);
        let org = tx.pairs_by_party(&[party]).await?.remove(&party).map(|pair| pair.org);
        drop(tx);
        if let Some(reason) = hold {
            last.rest = Rest::Hold { reason: Box::new(reason) };
        }
        let sides = before.unwrap_or_else(|| last.sides.clone());
        let foreseen = Foreseen { plans, org: org.or(last.org), sides, ..last };
        Ok(Told { foreseen, outcome: outcome.map(|outcome| outcome.key().to_owned()) })
    }

    async fn foresee_one(&self, party: PartyId) -> Result<Foreseen, EngineError> {
        let now = self.clock.now();
        let mut tx = self.store.read(self.connection()).await?;
        let class = tx.jobs(&[party]).await?.first().map_or(CLASS, |job| job.class);
        let mut situations = observe(&mut tx, &self.settings.policy, &[party], now).await?;
        let orgs = staged_orgs(&mut tx, situations.values()).await?;
        drop(tx);
        let policy = Policy { freshness: jiff::SignedDuration::MAX, ..self.settings.policy.clone() };
        let situation = situations.remove(&party).ok_or(EngineError::Stored {
            what: "situation",
            id: party.0,
            reason: "it was not observed".to_owned(),
        })?;
        Ok(tell(&policy, situation, class, &orgs))
    }
}

/// Whether a plan is the same as another, or what was left of it.
fn goes_on(before: &Plan, plan: &Plan) -> bool {
    let mut rest = Some(before.clone());
    while let Some(left) = rest {
        if left == *plan {
            return true;
        }
        rest = left.after_first();
    }
    false
}

fn id_of(seen: &Seen<ErpParty>) -> Option<PartyId> {
    match seen {
        Seen::Record(party) => Some(party.id),
        Seen::Malformed(record) => record.id.map(PartyId),
    }
}

fn org_of(seen: &Seen<CrmOrg>) -> Option<OrgId> {
    match seen {
        Seen::Record(org) => Some(org.id),
        Seen::Malformed(record) => record.id.map(OrgId),
    }
}
