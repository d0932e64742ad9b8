//! What sales won becomes a customer of the ERP: one organization at a time, one write at a time, each looked for first.
//!
//! A key is decided again and again until it asks for a write, waits or is done; what a look tells counts for this one
//! handling only. If the process dies anywhere, the next one begins the key anew.
//!
//! Longer than 600 lines: the loop of one key and the ends it can come to; looks, writes and what is shown are files of their own.

use std::{collections::BTreeSet, sync::Arc};

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use sync_core::{
    budget::Class,
    deals::{CrmDeal, DealStatus},
    error::{CallError, ErrorKind},
    handover::{
        Decision, Directory, Handover, HandoverPolicy, Look, Looked, Made, Piece, Question, Subject, decide,
    },
    ids::{ConnectionId, DealId, OrgId, PartyId},
    model::{Page, Seen},
    ports::{Called, CrmAnswers, ErpWrites},
};
use sync_store::{HandoverJob, Outcome, StagedKind, Store, Tx};

use crate::{
    Engine, EngineError, HandoverPlanner, backoff,
    crm_stream::stage_orgs,
    deal_stream::stage_deals,
    documents::deals_moved,
    estranged, family,
    handover_activity::is_lasting,
    handover_observe::situation,
    handover_others::{created_elsewhere, in_doubt_elsewhere},
    handover_persons::made_for_another,
    handover_plan::Askable,
    likeness::parties_near,
    pause::Side,
    plants::Plant,
    receipt::new_pair,
};

/// Name of the flow in summaries.
pub const HANDOVERS: &str = "customers_from_crm";

/// Somebody waits for the first invoice.
pub(crate) const CLASS: Class = Class::Urgent;

/// How much later a customer is shown that was completed while something else was on its way.
const TOLD_LATER: SignedDuration = SignedDuration::from_secs(1);

/// How much later an organization is looked at whose party is just being given another one, or of whose customer something is just
/// being made for another one.
const MADE_BY_OTHERS: SignedDuration = SignedDuration::from_secs(1);

/// Decisions about one key in a row: looks and what they lead to are fewer.
const MOST_DECISIONS: usize = 20;

/// How old names of pipelines and users may be.
const NAMES_LAST: SignedDuration = SignedDuration::from_hours(24);

/// What handing over takes; an engine without it does none.
#[derive(Clone)]
pub struct Handing {
    /// How it is decided; the company is learned from the CRM.
    pub policy: HandoverPolicy,
    /// The ERP, where customers are created.
    pub erp: Arc<dyn ErpWrites>,
    /// The CRM's deals.
    pub crm: Arc<dyn CrmAnswers>,
}

/// What an engine remembers of handovers; all of it can be lost.
#[derive(Default)]
pub(crate) struct HandingState {
    pub(crate) directory: Option<(Directory, Timestamp)>,
    /// When the fields that rules ask about were learned.
    learned: Option<Timestamp>,
    /// When writes that an earlier process left without an answer were looked up; none before.
    pub(crate) recovered: Option<Timestamp>,
    /// What was settled when the flow was switched on.
    pub(crate) begun: Option<Begun>,
}

/// Name of the row that says when the flow was switched on.
pub(crate) const BEGUN: &str = "handovers";

/// What is settled when the flow is switched on, once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Begun {
    /// From when on changes count.
    pub(crate) since: Timestamp,
    /// The company of the CRM, which is a part of the names that we give in the ERP.
    company: i64,
}

/// From when on changes of the CRM count by themselves; none while the flow was never switched on.
///
/// # Errors
/// When the store cannot be read.
pub async fn activated_at(store: &Store, of: ConnectionId) -> Result<Option<Timestamp>, EngineError> {
    let begun: Option<Begun> = store.read(of).await?.cursor(BEGUN).await?;
    Ok(begun.map(|begun| begun.since))
}

/// The same in a transaction, for those who stage deals: never, while the flow was never switched on.
pub(crate) async fn counts_since(tx: &mut Tx) -> Result<Timestamp, EngineError> {
    let begun: Option<Begun> = tx.cursor(BEGUN).await?;
    Ok(begun.map_or(Timestamp::MAX, |begun| begun.since))
}

/// Whether a party became an organization's.
pub(crate) enum Bound {
    /// It is.
    Yes,
    /// One of them belongs to somebody else.
    Asked(Question),
    /// An organization may just be coming into being for the party; from then on it is known.
    Unclear(Timestamp),
}

/// How handling a key went on.
pub(crate) enum Handled {
    /// It ended, or is looked at later; the outcome if it had one.
    Settled(Option<Outcome>),
    /// A side did not answer.
    Failed(Side, CallError),
}

impl Engine {
    /// Looks at the next handover that is due. Tells whether there was one.
    pub(crate) async fn hand_over(&mut self, now: Timestamp) -> Result<bool, EngineError> {
        if self.handing.is_none() {
            return Ok(false);
        }
        if self.recover_handovers(now).await? {
            return Ok(true);
        }
        if !self.erp_is_open(now) || !self.crm_is_open_for(CLASS, now) {
            return Ok(false);
        }
        if self.begin_handovers(now).await? {
            return Ok(true);
        }
        let Some(handing) = self.handing.clone().filter(|_| self.handed.begun.is_some()) else {
            return Ok(false);
        };
        let mut tx = self.store.read(self.connection()).await?;
        // Whoever is not known yet cannot be found to be the same.
        let loaded = self.is_loaded(&mut tx).await?;
        // Who is only to be looked at once more waits for its turn.
        let least = if self.attention.is_busy() { CLASS } else { Class::Backfill };
        let jobs = if loaded { tx.claim_handovers(now, least, 1).await? } else { Vec::new() };
        drop(tx);
        let Some(job) = jobs.into_iter().next() else { return Ok(false) };
        if let Err(error) = self.learn_names(&handing, now).await {
            self.handover_failed(&job, Side::Crm, &error).await?;
            return Ok(true);
        }
        let handled = match job.subject {
            // Boxed: it holds everything that is known of a key.
            Subject::Org(org) => Box::pin(self.hand_over_one(&handing, &job, org)).await?,
            Subject::Deal(deal) => self.look_at_deal(&handing, &job, deal).await?,
        };
        match handled {
            Handled::Settled(outcome) => {
                if let (Subject::Org(org), Some(outcome)) = (job.subject, outcome) {
                    let mut tx = self.write().await?;
                    tx.put_handover_outcome(self.run, HANDOVERS, org, outcome).await?;
                    tx.commit().await?;
                }
            }
            Handled::Failed(side, error) => self.handover_failed(&job, side, &error).await?,
        }
        Ok(true)
    }

    /// Settles since when changes count and whose names we give, or learns what was settled. Tells whether it tried and
    /// did not come to it.
    async fn begin_handovers(&mut self, now: Timestamp) -> Result<bool, EngineError> {
        let Some(handing) = self.handing.clone().filter(|_| self.handed.begun.is_none()) else {
            return Ok(false);
        };
        let mut tx = self.store.read(self.connection()).await?;
        let known: Option<Begun> = tx.cursor(BEGUN).await?;
        drop(tx);
        let company = match handing.crm.company().await {
            Ok(company) => company,
            Err(error) => {
                self.crm_failed(CLASS, &error);
                return Ok(true);
            }
        };
        let begun = match known {
            // Whatever was created bears the name of the other one.
            Some(known) if known.company != company => {
                let message = format!(
                    "customers were created for company {}, and this is company {company}: make a connection of its own",
                    known.company
                );
                self.crm_failed(CLASS, &CallError::without_effect("handover", ErrorKind::Forbidden, message));
                return Ok(true);
            }
            Some(known) => known,
            None => {
                // The CRM's times have whole seconds.
                let since = Timestamp::from_second(now.as_second()).unwrap_or(now);
                let begun = Begun { since, company };
                let mut tx = self.write().await?;
                tx.put_cursor(BEGUN, &begun, now).await?;
                tx.commit().await?;
                begun
            }
        };
        self.handing = Some(Handing { policy: HandoverPolicy { company, ..handing.policy }, ..handing });
        self.handed.begun = Some(begun);
        Ok(false)
    }

    /// Somebody who shows what would be handed over; none where nothing is. `fresh`: older deals are looked for in the ERP,
    /// too. Asks the CRM for its company and its names, where they are not known yet.
    ///
    /// # Errors
    /// When the store cannot be read; inside, when the CRM did not answer.
    pub async fn handover_planner(
        &mut self,
        fresh: bool,
    ) -> Result<Called<Option<HandoverPlanner>>, EngineError> {
        let Some(handing) = self.handing.clone() else { return Ok(Ok(None)) };
        let begun: Option<Begun> = self.store.read(self.connection()).await?.cursor(BEGUN).await?;
        let company = match begun {
            Some(begun) => Ok(begun.company),
            None => handing.crm.company().await,
        };
        let names = self.learn_names(&handing, self.clock.now()).await;
        let company = match (company, names) {
            (Ok(company), Ok(())) => company,
            (Err(error), _) | (Ok(_), Err(error)) => return Ok(Err(error)),
        };
        Ok(Ok(Some(HandoverPlanner {
            store: self.store.for_others(),
            connection: self.connection(),
            policy: HandoverPolicy { company, ..handing.policy },
            customers: self.settings.policy.clone(),
            since: begun.map(|begun| begun.since),
            directory: self.handed.directory.as_ref().map(|(names, _)| names.clone()).unwrap_or_default(),
            sides: Some(Askable { erp: self.erp.clone(), writes: handing.erp, crm: handing.crm }),
            fresh,
            clock: self.clock.clone(),
        })))
    }

    /// From when on changes count.
    pub(crate) fn since(&self) -> Timestamp {
        self.handed.begun.map_or(Timestamp::MAX, |begun| begun.since)
    }

    /// The same, also in a process that only reads; none while the flow was never switched on.
    pub(crate) async fn counting_since(&self) -> Result<Option<Timestamp>, EngineError> {
        match &self.handed.begun {
            Some(begun) => Ok(Some(begun.since)),
            None => activated_at(&self.store, self.connection()).await,
        }
    }

    /// The key is tried again later. A failure that is about this very question says nothing about its side.
    pub(crate) async fn handover_failed(
        &mut self,
        job: &HandoverJob,
        side: Side,
        error: &CallError,
    ) -> Result<(), EngineError> {
        let now = self.clock.now();
        match (side, &error.kind) {
            // A right that only this flow needs must not stop the other one (law 10).
            (_, ErrorKind::Rejected | ErrorKind::Missing | ErrorKind::Unreadable | ErrorKind::Forbidden) => {}
            (Side::Erp, _) => self.side_failed(side, error),
            (Side::Crm, _) => self.crm_failed(CLASS, error),
        }
        let attempts = job.attempts + 1;
        let spread = match job.subject {
            Subject::Org(OrgId(id)) | Subject::Deal(DealId(id)) => id,
        };
        let due = now + backoff::after(attempts, spread);
        let mut tx = self.write().await?;
        tx.settle_handover(job, Some(due), attempts, Some(&error.to_string()), now).await?;
        tx.commit().await?;
        tracing::warn!(subject = %job.subject, attempts, %error, "a handover is tried again later");
        Ok(())
    }

    /// Learns the names behind numbers, if rules ask for them. Labels and options are learned anew as seldom.
    pub(crate) async fn learn_names(&mut self, handing: &Handing, now: Timestamp) -> Result<(), CallError> {
        let learned = *self.handed.learned.get_or_insert(now);
        if now.duration_since(learned) >= NAMES_LAST && !handing.policy.interest().asks_nothing() {
            self.handed.learned = Some(now);
            self.prepared = false;
        }
        let fresh =
            self.handed.directory.as_ref().is_some_and(|(_, at)| now.duration_since(*at) < NAMES_LAST);
        if !fresh && handing.policy.asks_for_names() {
            self.handed.directory = Some((handing.crm.directory(CLASS).await?, now));
        }
        Ok(())
    }

    /// Decides about an organization until it is written, waits or is done.
    async fn hand_over_one(
        &mut self,
        handing: &Handing,
        job: &HandoverJob,
        org: OrgId,
    ) -> Result<Handled, EngineError> {
        let mut looked = Looked::default();
        let mut observed = None;
        for _ in 0..MOST_DECISIONS {
            if !self.lease.is_valid() {
                return Err(EngineError::LeaseLost);
            }
            let now = self.clock.now();
            let mut tx = self.store.read(self.connection()).await?;
            let intent = tx.erp_intent_of(org).await?;
            let (handover, row) = situation(&mut tx, self.since(), org, looked.clone(), job, now).await?;
            drop(tx);
            if let Some(intent) = intent {
                match intent.settled_at {
                    // Nobody may tell yet whether it happened.
                    Some(at) if at > now => return self.settle(job, Some(at), None, None).await,
                    Some(_) => {
                        if let Err(error) = self.conclude_piece(handing, &intent, &row.made).await? {
                            return Ok(Handled::Failed(Side::Erp, error));
                        }
                        continue;
                    }
                    None => {
                        // Our own lost answer: its doubt was not noted yet.
                        let at = now + self.settings.t_effect + handing.policy.settle;
                        self.note_doubt(intent.id, at).await?;
                        return self.settle(job, Some(at), None, None).await;
                    }
                }
            }
            let directory =
                self.handed.directory.as_ref().map(|(names, _)| names.clone()).unwrap_or_default();
            let decision = decide(&handing.policy, &directory, &handover);
            if let (Decision::Do { .. } | Decision::AdoptAccount(..), Some(party)) =
                (&decision, &row.made.party)
            {
                let mut tx = self.store.read(self.connection()).await?;
                if let Some(settled_at) = in_doubt_elsewhere(&mut tx, org, party.id, now).await? {
                    let at = settled_at.max(now + MADE_BY_OTHERS);
                    return self.settle(job, Some(at), None, None).await;
                }
            }
            match decision {
                Decision::Nothing(_) => {
                    if let Some(party) = to_be_told(&row.made) {
                        if self.attention.is_busy() {
                            // It reads and writes what may be on its way just now, and nobody waits for it.
                            return self.settle(job, Some(now + TOLD_LATER), None, None).await;
                        }
                        self.remember_made(org, &Made { told: true, ..row.made }).await?;
                        self.settle(job, None, Some(None), None).await?;
                        return self.answer_back(party).await;
                    }
                    let outcome = handover.is_begun().then_some(Outcome::Unchanged);
                    return self.settle(job, None, Some(None), outcome).await;
                }
                // It was never staged and is not there: deleted before it was read, or hidden. Nobody can be billed.
                Decision::Observe if observed == Some(false) => {
                    return self.settle(job, None, Some(None), None).await;
                }
                Decision::Observe if observed.is_some() => {
                    // It was read and is still not known: another page overtook us.
                    let due = now + SignedDuration::from_secs(1);
                    return self.settle(job, Some(due), None, None).await;
                }
                Decision::Observe => match self.observe_handover(handing, &handover).await? {
                    Ok(is_there) => observed = Some(is_there),
                    Err(error) => return Ok(Handled::Failed(Side::Crm, error)),
                },
                Decision::Look(look) => {
                    let side = if look.asks_crm() { Side::Crm } else { Side::Erp };
                    let of_contact = row.made.contact_wanted().filter(|_| look.is_about_contact());
                    if let Err(error) = self.look_up(handing, &handover, look, &mut looked).await? {
                        return match of_contact.filter(|_| is_lasting(&error)) {
                            Some(person) => {
                                let question = Question::ContactUnusable { person, why: error.to_string() };
                                self.ask_and_tell(job, org, row.made, question).await
                            }
                            None => Ok(Handled::Failed(side, error)),
                        };
                    }
                }
                Decision::Adopt(party) => {
                    let made = Made { party: Some(party.clone()), ..row.made };
                    match self.adopt_party(org, party.id, &made).await? {
                        Bound::Yes => {}
                        Bound::Asked(question) => return self.ask(job, question).await,
                        Bound::Unclear(at) => return self.settle(job, Some(at), None, None).await,
                    }
                }
                Decision::AdoptAccount(mut account, found) => {
                    let mut made = row.made;
                    if !account.ours {
                        let mut tx = self.store.read(self.connection()).await?;
                        account.ours = created_elsewhere(&mut tx, org, found.party, account.id).await?;
                    }
                    made.adopt_account(account, &found);
                    self.remember_made(org, &made).await?;
                }
                Decision::AdoptProfile => {
                    self.remember_made(org, &Made { profile: true, ..row.made }).await?;
                }
                Decision::AdoptContact(person, contact) => {
                    let mut made = row.made;
                    made.contacts.insert(person, contact);
                    self.remember_made(org, &made).await?;
                }
                Decision::StartOver => {
                    tracing::warn!(%org, made = ?row.made, "a handover starts over with the party that its organization belongs to");
                    self.start_over(org, row.made, handover.pair.map(|pair| pair.party)).await?;
                }
                Decision::Do { piece, cause, unit } => {
                    if let Piece::Person { of, .. } = piece.as_ref() {
                        let mut tx = self.store.read(self.connection()).await?;
                        let elsewhere = made_for_another(&mut tx, org, *of).await?;
                        drop(tx);
                        if let Some(settled_at) = elsewhere {
                            let at = settled_at.unwrap_or(now).max(now + MADE_BY_OTHERS);
                            return self.settle(job, Some(at), None, None).await;
                        }
                    }
                    let person = handover.person_of(cause).filter(|_| handing.policy.contact.is_some());
                    let what = (*piece, cause, unit.set);
                    return self.write_piece(handing, job, &row.made, what, person).await;
                }
                // It is bound, and decided once more.
                Decision::Complete(party) => match self.adopt_party(org, party, &row.made).await? {
                    Bound::Yes => {}
                    Bound::Asked(question) => return self.ask(job, question).await,
                    Bound::Unclear(at) => return self.settle(job, Some(at), None, None).await,
                },
                Decision::Hold(question) => {
                    return self.ask_and_tell(job, org, row.made, *question).await;
                }
                Decision::WaitUntil(due) => return self.settle(job, Some(due), None, None).await,
            }
        }
        let due = self.clock.now() + SignedDuration::from_mins(1);
        tracing::warn!(%org, "a handover does not come to a decision; it is looked at again");
        self.settle(job, Some(due), None, None).await
    }

    /// A won deal without an organization: a question, until it has one.
    async fn look_at_deal(
        &mut self,
        handing: &Handing,
        job: &HandoverJob,
        id: DealId,
    ) -> Result<Handled, EngineError> {
        let read_at = self.clock.now();
        let rows = match handing.crm.deals_by_id(&[id], CLASS).await {
            Ok(rows) => rows,
            Err(error) => return Ok(Handled::Failed(Side::Crm, error)),
        };
        self.crm_pauses.answered();
        let found = rows.iter().find_map(|seen| match seen {
            Seen::Record(deal) if deal.id == id => Some(deal.clone()),
            Seen::Record(_) | Seen::Malformed(_) => None,
        });
        let page = Page { rows, more: false, next: None, server_now: read_at };
        let mut tx = self.write().await?;
        stage_deals(&mut tx, page, read_at, 0, self.since()).await?;
        tx.commit().await?;
        let question = found.and_then(|deal| without_org(&deal));
        match question {
            Some(question) => self.ask(job, question).await,
            None => self.settle(job, None, Some(None), None).await,
        }
    }

    /// Puts a question. Whoever can be invoiced is told so, whatever is still asked about its contact.
    async fn ask_and_tell(
        &mut self,
        job: &HandoverJob,
        org: OrgId,
        made: Made,
        question: Question,
    ) -> Result<Handled, EngineError> {
        let Some(party) = to_be_told(&made) else { return self.ask(job, question).await };
        if self.attention.is_busy() {
            // As with what is complete: it reads and writes what may be on its way just now.
            let due = self.clock.now() + TOLD_LATER;
            return self.settle(job, Some(due), None, None).await;
        }
        self.remember_made(org, &Made { told: true, ..made }).await?;
        self.ask(job, question).await?;
        self.answer_back(party).await
    }

    /// Puts a question; asks it again when its time is over.
    async fn ask(&mut self, job: &HandoverJob, question: Question) -> Result<Handled, EngineError> {
        let lasts = self.handing.as_ref().map(|handing| handing.policy.approval_lasts);
        let due = match (&question, lasts) {
            (Question::ApprovalNeeded { .. }, Some(lasts)) => {
                let mut tx = self.store.read(self.connection()).await?;
                let since = tx.handover(job.subject).await?.and_then(|row| row.question);
                let since = since.filter(|(known, _)| question.continues(known)).map(|(_, at)| at);
                let since = since.unwrap_or(self.clock.now());
                Some(since + lasts + SignedDuration::from_secs(1))
            }
            _ => None,
        };
        self.settle(job, due, Some(Some(question)), Some(Outcome::Held)).await
    }

    /// The key is done with, or looked at later; with another question, or none, if that is said.
    pub(crate) async fn settle(
        &mut self,
        job: &HandoverJob,
        due: Option<Timestamp>,
        question: Option<Option<Question>>,
        outcome: Option<Outcome>,
    ) -> Result<Handled, EngineError> {
        let now = self.clock.now();
        let mut tx = self.write().await?;
        if let Some(question) = question {
            tx.put_question(job.subject, question.as_ref(), now).await?;
        }
        tx.settle_handover(job, due, 0, None, now).await?;
        if self.plants.has(Plant::TellingForgotten) {
            tx.settle_show(job, None, 0, None).await?;
        }
        tx.commit().await?;
        Ok(Handled::Settled(outcome))
    }

    pub(crate) async fn remember_made(&mut self, org: OrgId, made: &Made) -> Result<(), EngineError> {
        let now = self.clock.now();
        let mut tx = self.write().await?;
        tx.put_made(org, made, now).await?;
        Ok(tx.commit().await?)
    }

    /// Forgets what was made for an organization that belongs to another party: what we created ourselves stands for the same
    /// company from here on.
    async fn start_over(&mut self, org: OrgId, made: Made, pair: Option<PartyId>) -> Result<(), EngineError> {
        let now = self.clock.now();
        let mut tx = self.write().await?;
        if let (Some(party), Some(pair)) = (made.party, pair) {
            estranged::is_alias(&mut tx, party.id, pair, now).await?;
        }
        tx.put_made(org, &Made::default(), now).await?;
        Ok(tx.commit().await?)
    }

    /// The party is the organization's: it gets its pair at once, so that nobody makes another organization for it.
    async fn adopt_party(&mut self, org: OrgId, party: PartyId, made: &Made) -> Result<Bound, EngineError> {
        let now = self.clock.now();
        let mut tx = self.write().await?;
        let bound = self.bind_party(&mut tx, org, party, now).await?;
        if matches!(bound, Bound::Yes) {
            tx.put_made(org, made, now).await?;
            tx.commit().await?;
        }
        Ok(bound)
    }

    /// Binds a party to an organization if neither belongs to anybody else; whoever is concerned is looked at again.
    pub(crate) async fn bind_party(
        &self,
        tx: &mut Tx,
        org: OrgId,
        party: PartyId,
        now: Timestamp,
    ) -> Result<Bound, EngineError> {
        let of_org = tx.pairs_by_org(&[org]).await?.remove(&org);
        let of_party = tx.pairs_by_party(&[party]).await?.remove(&party);
        match (of_org, of_party) {
            (Some(known), _) if known == party => Ok(Bound::Yes),
            (Some(known), _) => {
                let why = format!("organization {org} belongs to party {known} already");
                Ok(Bound::Asked(Question::PartyUnusable { party, why }))
            }
            (None, Some(pair)) => {
                let why = format!("it belongs to organization {} already", pair.org);
                Ok(Bound::Asked(Question::PartyUnusable { party, why }))
            }
            (None, None) => {
                if !self.plants.has(Plant::CreateOverlooked)
                    && let Some(settled_at) = tx.create_in_doubt(party).await?
                {
                    // An organization is being created for it, or may have been: what comes of that decides.
                    let at = settled_at.unwrap_or(now).max(now + MADE_BY_OTHERS);
                    return Ok(Bound::Unclear(at));
                }
                estranged::settled(tx, party, now).await?;
                self.note_paired(tx, &[new_pair(party, org)], now).await?;
                tx.put_pairs(&[new_pair(party, org)], now).await?;
                let near = parties_near(tx, &[org]).await?;
                tx.enqueue(&near, Class::Edit, now, "an organization found its customer").await?;
                tx.enqueue(&[party], Class::NewCustomer, now, "it is the customer of a handover").await?;
                if !self.plants.has(Plant::RelativesUntold) {
                    self.enqueue_relatives(tx, &[party], Class::Edit, now).await?;
                }
                Ok(Bound::Yes)
            }
        }
    }

    /// Reads an organization and its deals again by id. Tells whether the organization is there.
    async fn observe_handover(
        &mut self,
        handing: &Handing,
        handover: &Handover,
    ) -> Result<Result<bool, CallError>, EngineError> {
        let read_at = self.clock.now();
        let org = handover.org;
        // All of them, also what was read a moment ago: a list may have shown an older state of it.
        let ids: Vec<DealId> = handover.deals.iter().map(|staged| staged.deal.id).collect();
        let orgs = [org];
        let reading = async {
            if ids.is_empty() { Ok(Vec::new()) } else { handing.crm.deals_by_id(&ids, CLASS).await }
        };
        let (rows, deals) = match tokio::join!(self.crm.orgs_by_id(&orgs, CLASS), reading) {
            (Ok(rows), Ok(deals)) => (rows, deals),
            (Err(error), _) | (_, Err(error)) => return Ok(Err(error)),
        };
        self.crm_pauses.answered();
        let is_there = rows.iter().any(|seen| match seen {
            Seen::Record(record) => record.id == org,
            Seen::Malformed(record) => record.id.is_none_or(|id| id == org.0),
        });
        let seen: BTreeSet<i64> = deals
            .iter()
            .filter_map(|seen| match seen {
                Seen::Record(deal) => Some(deal.id.0),
                Seen::Malformed(record) => record.id,
            })
            .collect();
        let gone: Vec<i64> = ids.iter().map(|id| id.0).filter(|id| !seen.contains(id)).collect();
        let page = Page { rows, more: false, next: None, server_now: read_at };
        let mut tx = self.write().await?;
        let staged = stage_orgs(&mut tx, page, read_at, self.stage_rules()).await?;
        tx.enqueue(&staged.keys, Class::Edit, read_at, "handover").await?;
        if !is_there {
            // No walk will miss it again: whoever belongs to it hears of it here.
            let mut keys = family::orgs_gone(&mut tx, &[org.0], read_at).await?;
            keys.extend(parties_near(&mut tx, &[org]).await?);
            if !self.plants.has(Plant::GoneUntold) {
                tx.enqueue(&keys, Class::Edit, read_at, "handover").await?;
            }
        }
        let page = Page { rows: deals, more: false, next: None, server_now: read_at };
        stage_deals(&mut tx, page, read_at, 0, self.since()).await?;
        tx.mark_absent(StagedKind::Deal, &gone).await?;
        let gone: Vec<DealId> = gone.into_iter().map(DealId).collect();
        deals_moved(&mut tx, &gone, &BTreeSet::new(), read_at, "deal gone").await?;
        tx.commit().await?;
        Ok(Ok(is_there))
    }

    /// The customer's numbers appear on its organization at once, by the other flow.
    async fn answer_back(&mut self, party: PartyId) -> Result<Handled, EngineError> {
        match Box::pin(self.sync_customer(&party.to_string())).await? {
            Ok(_) => {}
            // The poll brings it a little later.
            Err(error) => tracing::warn!(%party, %error, "the new customer is shown with the next poll only"),
        }
        Ok(Handled::Settled(Some(Outcome::Created)))
    }
}

/// The customer that was completed, if its organization was not told of it yet.
fn to_be_told(made: &Made) -> Option<PartyId> {
    let complete = made.began.as_ref().is_some_and(|began| made.is_complete(began.set));
    made.party.as_ref().filter(|_| complete && !made.told).map(|party| party.id)
}

/// The question about a won deal that nobody can be billed for.
pub(crate) fn without_org(deal: &CrmDeal) -> Option<Question> {
    let won = deal.status == DealStatus::Won && !deal.archived;
    (won && deal.org.is_none()).then(|| Question::NoOrganization { deal: deal.id, title: deal.title.clone() })
}

/// Names of the parties that are being created, in lower case: a poll may show them before their answers came.
pub(crate) fn party_named(piece: &Piece) -> Option<String> {
    match piece {
        Piece::Party { new } => Some(sync_core::text::squeeze(&new.name).to_lowercase()),
        Piece::Usage { .. }
        | Piece::Address { .. }
        | Piece::Account { .. }
        | Piece::Site { .. }
        | Piece::SiteUse { .. }
        | Piece::Profile { .. }
        | Piece::Person { .. }
        | Piece::Contact { .. }
        | Piece::AccountContact { .. } => None,
    }
}

/// What is looked up, for logs.
pub(crate) fn look_name(look: &Look) -> &'static str {
    match look {
        Look::ByReference => "party by reference",
        Look::Alike => "parties that are alike",
        Look::Party(_) => "party",
        Look::Usages { .. } => "usages",
        Look::Addresses { .. } => "addresses",
        Look::Accounts => "accounts by reference",
        Look::Others(_) => "accounts of the party",
        Look::Profile { .. } => "profile",
        Look::Person(_) => "person of the CRM",
        Look::Persons(_) => "persons by reference",
        Look::Contacts { .. } => "contacts of the party",
        Look::ContactOf { .. } => "contact of the party",
        Look::Account(_) => "account",
    }
}
