//! Handovers in a life: people who ask and answer, and what has to be true of customers all along and in the end.

use std::{collections::BTreeMap, sync::Arc};

use jiff::Timestamp;
use sync_core::{
    fields::Field,
    handover::{AnswerField, Asked, Cause, HandoverAnswer, Question, Subject},
    ids::{DealId, OrgId, PartyId, SetId},
    laws::{
        Violation, Whole, law_1_no_second_organization, law_1_one_contact, law_1_one_customer,
        law_8_complete, law_8_no_idle_question,
    },
    value::Value,
};
use sync_store::{Answered, HandoverRow, QuestionRow, StoreError};

use super::{
    deals::DealSeat,
    life::Life,
    seat::{ErpSeat, since_of},
    trial::Failure,
    world::Worlds,
};
use crate::Handing;

/// What the store says in the end.
pub(super) struct Ended {
    pub(super) rows: BTreeMap<OrgId, HandoverRow>,
    pairs: BTreeMap<OrgId, PartyId>,
    asked_about_deals: Vec<DealId>,
    doubts: Vec<OrgId>,
    since: Option<Timestamp>,
}

impl Life {
    /// What an engine of this life hands over with.
    pub(super) fn handing(&self) -> Option<Handing> {
        let world = self.world.clone();
        let policy =
            Some(&world.lock().sales).filter(|sales| sales.hands).map(|sales| sales.policy.clone())?;
        #[cfg(feature = "planted")]
        let policy = super::planted::mistaken_rules(policy, world.lock().planted.bug.map(|bug| bug.plant));
        let intents = (self.store.clone(), self.connection);
        let erp = Arc::new(ErpSeat { world: world.clone(), intents });
        Some(Handing {
            policy,
            erp,
            crm: Arc::new(DealSeat { world, intents: (self.store.clone(), self.connection) }),
        })
    }

    /// Whether customers are created in this life.
    pub(super) fn hands(&self) -> bool {
        self.world.lock().sales.hands
    }

    /// Whether there are deals in this life.
    pub(super) fn sells(&self) -> bool {
        self.world.lock().sales.on
    }

    /// Turns more: what is sold can be handed over only once everything was read.
    pub(super) fn longer(&self) -> u32 {
        let mut worlds = self.world.lock();
        let deals = if worlds.sales.on { worlds.sales.rng.u32(60..120) } else { 0 };
        // Documents come after that.
        deals + if worlds.papers.on { worlds.papers.rng.u32(150..300) } else { 0 }
    }

    /// Sales goes on, and now and then somebody answers or asks for a customer. `false`: the process died.
    pub(super) async fn sell(&mut self) -> Result<bool, Failure> {
        if !self.sells() {
            return Ok(true);
        }
        let dice = {
            let now = self.world.now();
            let mut worlds = self.world.lock();
            if worlds.sales.rng.bool() {
                worlds.edit_sales(now);
            }
            worlds.sales.rng.u32(..14)
        };
        match dice {
            0..4 => self.answer_some(1).await,
            4 if self.hands() => self.ask_by_hand().await,
            _ => Ok(true),
        }
    }

    /// Somebody answers so many of the open questions. `false`: the process died.
    pub(super) async fn answer_some(&mut self, most: usize) -> Result<bool, Failure> {
        let reading = async { self.store.read(self.connection).await?.questions(None, None, 100).await };
        let mut questions = match self.world.gate.drive(reading).await {
            None => return Ok(false),
            Some(Ok(questions)) => questions,
            Some(Err(error)) => return Err(self.failed(&error)),
        };
        self.world.lock().sales.rng.shuffle(&mut questions);
        for row in questions.into_iter().take(most) {
            if !self.answer(row).await? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    async fn answer(&mut self, row: QuestionRow) -> Result<bool, Failure> {
        let QuestionRow { subject, question, asked_at: _ } = row;
        let now = self.world.now();
        let answer = {
            let mut worlds = self.world.lock();
            if let (Subject::Org(org), Question::DataMissing { .. }) = (subject, &question) {
                worlds.fill_in_all(org, now);
            }
            let answer = worlds.think(&question);
            worlds.tell(now, format!("people: {} about {subject}: {}", question.key(), answer.key()));
            // If the process dies now, nobody knows whether it was heard.
            worlds.note_answer(subject, &question, answer);
            answer
        };
        let answering = self.store.answer_handover(self.connection, subject, answer, "ann", now);
        match self.world.gate.drive(answering).await {
            None => Ok(false),
            Some(Ok(Answered::Taken | Answered::NotAsked)) => Ok(true),
            Some(Ok(Answered::Refused(why))) => {
                Err(self.failure(&format!("a fitting answer is refused: {why}")))
            }
            Some(Err(error)) => Err(self.failed(&error)),
        }
    }

    async fn ask_by_hand(&mut self) -> Result<bool, Failure> {
        let now = self.world.now();
        let wish = self.world.lock().wish(now);
        let Some((org, asked)) = wish else { return Ok(true) };
        let asking = self.store.ask_for_handover(self.connection, org, asked, "ann", now);
        match self.world.gate.drive(asking).await {
            None => Ok(false),
            Some(Ok(())) => {
                self.world.lock().sales.heard.insert((org, asked));
                Ok(true)
            }
            Some(Err(error)) => Err(self.failed(&error)),
        }
    }

    /// Nothing is lost, nothing is asked in vain, nothing stays in doubt.
    pub(super) async fn check_customers(&mut self) -> Result<(), Failure> {
        if !self.hands() {
            return Ok(());
        }
        let gate = self.world.gate.clone();
        let ended = match gate.drive(self.ended()).await {
            Some(Ok(ended)) => ended,
            Some(Err(error)) => return Err(self.failed(&error)),
            None => return Ok(()),
        };
        let now = self.world.now();
        let found = {
            let worlds = self.world.lock();
            let mut found = worlds.unfinished_customers(&ended, now);
            found.extend(worlds.idle_questions(&ended));
            found.extend(worlds.unasked_deals(&ended));
            found.extend(worlds.untold_deals(&ended));
            found.extend(worlds.untended_activities(&ended));
            found
        };
        let customers = self.world.lock().seen_customers();
        self.report.customers = customers.values().filter(|seen| !seen.accounts.is_empty()).count() as u64;
        self.judge(found)
    }

    async fn ended(&self) -> Result<Ended, StoreError> {
        let (orgs, deals): (Vec<OrgId>, Vec<DealId>) = {
            let worlds = self.world.lock();
            (worlds.orgs.keys().copied().collect(), worlds.sales.deals.keys().copied().collect())
        };
        let mut tx = self.store.read(self.connection).await?;
        let mut rows = BTreeMap::new();
        for org in &orgs {
            rows.extend(tx.handover(Subject::Org(*org)).await?.map(|row| (*org, row)));
        }
        let mut asked_about_deals = Vec::new();
        for deal in deals {
            let row = tx.handover(Subject::Deal(deal)).await?;
            asked_about_deals.extend(row.and_then(|row| row.question).map(|_| deal));
        }
        let pairs = tx.pairs_by_org(&orgs).await?;
        let doubts = tx.erp_intents().await?.into_iter().map(|intent| intent.new.org).collect();
        let begun: Option<serde_json::Value> = tx.cursor("handovers").await?;
        Ok(Ended { rows, pairs, asked_about_deals, doubts, since: since_of(begun.as_ref()) })
    }
}

impl Worlds {
    /// What a person says, as far as the laws depend on it.
    fn note_answer(&mut self, subject: Subject, question: &Question, answer: HandoverAnswer) {
        if let (Subject::Org(org), Question::ApprovalNeeded { cause, .. }, HandoverAnswer::Approve) =
            (subject, question, answer)
        {
            self.sales.approved.insert((org, *cause));
        }
    }

    /// What somebody asks for by hand.
    fn wish(&mut self, now: Timestamp) -> Option<(OrgId, Asked)> {
        let (org, deal) = (self.any_organization()?, self.any_deal()?);
        let of = self.sales.deals.get(&deal).and_then(|deal| deal.now.org);
        let wish = match of {
            Some(of) if self.sales.rng.bool() => (of, Asked::Deal(deal)),
            Some(_) | None => (org, Asked::Org),
        };
        self.sales.asked.insert(wish);
        self.tell(now, format!("people: somebody asks for {wish:?}"));
        Some(wish)
    }

    /// Laws 1 for what our requests made.
    pub(super) fn doubled_customers(&self) -> Vec<Violation> {
        if !self.sales.on {
            return Vec::new();
        }
        let seen = self.seen_customers();
        let mut found: Vec<Violation> =
            seen.iter().flat_map(|(org, seen)| law_1_one_customer(*org, seen)).collect();
        let alive = |org: &OrgId| self.orgs.get(org).is_some_and(|org| !org.deleted);
        let made: BTreeMap<PartyId, OrgId> =
            self.book.made.iter().filter(|(_, org)| alive(org)).map(|(party, org)| (*party, *org)).collect();
        found.extend(law_1_no_second_organization(self.created.iter().copied(), &made));
        found.extend(law_1_one_contact(&self.book.persons.seen()));
        found
    }

    /// What is due for an organization: causes and sets; what was begun is finished.
    fn wanted(&self, org: OrgId, since: Timestamp) -> Vec<(Cause, Option<SetId>)> {
        let causes = self.sales.causes(org, since, &self.sales.heard);
        let mut wanted: Vec<_> =
            causes.into_iter().map(|(cause, pipeline)| (cause, self.sales.set_of(pipeline))).collect();
        let begun = self.book.begun.iter().filter(|(of, _)| *of == org);
        wanted.extend(begun.map(|(_, set)| (Cause::Asked, Some(*set))));
        wanted
    }

    fn unfinished_customers(&self, ended: &Ended, now: Timestamp) -> Vec<Violation> {
        let mut found: Vec<Violation> = ended
            .doubts
            .iter()
            .map(|org| Violation { law: 8, story: format!("a write for organization {org} stays in doubt") })
            .collect();
        let Some(since) = ended.since else { return found };
        for org in self.orgs.iter().filter(|(_, org)| !org.deleted).map(|(id, _)| *id) {
            let row = ended.rows.get(&org).cloned().unwrap_or_default();
            if row.question.is_some() {
                continue;
            }
            let pair = ended.pairs.get(&org).copied();
            if let Some(person) = row.made.contact_wanted() {
                let story =
                    format!("person {person} is no contact of organization {org}, and nobody is asked");
                found.push(Violation { law: 8, story });
            }
            for (cause, set) in self.wanted(org, since) {
                let refused = row.answers.rejected.contains(&cause) && !self.is_by_hand(org, cause);
                let Some(set) = set else {
                    let story = format!("organization {org}, {cause}: no business unit, and nobody is asked");
                    found.extend((!refused).then_some(Violation { law: 8, story }));
                    continue;
                };
                if refused || row.answers.sites_left.contains(&set) {
                    continue;
                }
                let (billed, profile) =
                    pair.map(|party| self.invoiceable(party, set, now)).unwrap_or_default();
                found.extend(law_8_complete(org, cause, set, Whole { pair, billed, profile }));
            }
        }
        found
    }

    /// Deals that do not show how their handover came to rest.
    fn untold_deals(&self, ended: &Ended) -> Vec<Violation> {
        let Some(since) = ended.since else { return Vec::new() };
        if self.sales.policy.answers.deal.is_empty() {
            return Vec::new();
        }
        let mut found = Vec::new();
        for org in self.orgs.iter().filter(|(_, org)| !org.deleted).map(|(id, _)| *id) {
            let row = ended.rows.get(&org).cloned().unwrap_or_default();
            for (cause, pipeline) in self.sales.causes(org, since, &self.sales.heard) {
                let Cause::Deal(id) = cause else { continue };
                let Some(deal) = self.sales.deals.get(&id) else { continue };
                let rejected = row.answers.rejected.contains(&cause) && !self.is_by_hand(org, cause);
                let set = self.sales.set_of(pipeline);
                let customer = row.made.party.is_some() && row.made.account.is_some();
                let left = set.is_some_and(|set| row.answers.sites_left.contains(&set));
                let done = set.is_some_and(|set| row.made.is_complete(set)) || left && customer;
                let says = deal.now.facts.shown.get(&AnswerField::Status).cloned().unwrap_or_default();
                let fits = match (done, rejected, &row.question) {
                    (true, ..) => says == "customer created" || says == "customer found",
                    (false, true, _) => says == "rejected",
                    (false, false, Some(_)) => says.starts_with("waiting: "),
                    // That nobody is asked then is another law's.
                    (false, false, None) => true,
                };
                if !fits {
                    let story = format!("deal {id} says \"{says}\"; done: {done}, {:?}", row.question);
                    found.push(Violation { law: 8, story });
                }
            }
        }
        found
    }

    fn is_by_hand(&self, org: OrgId, cause: Cause) -> bool {
        match cause {
            Cause::Deal(deal) => self.sales.asked.contains(&(org, Asked::Deal(deal))),
            Cause::Asked | Cause::Created | Cause::Assigned => true,
        }
    }

    /// Questions whose reason is gone.
    fn idle_questions(&self, ended: &Ended) -> Vec<Violation> {
        let Some(since) = ended.since else { return Vec::new() };
        let mut found = Vec::new();
        for (org, row) in &ended.rows {
            let Some((question, _)) = &row.question else { continue };
            let stands = self.stands(*org, question, row, since);
            found.extend(law_8_no_idle_question(Subject::Org(*org), &question.explain(), stands));
        }
        for deal in &ended.asked_about_deals {
            let stands =
                self.sales.deals.get(deal).is_some_and(|deal| deal.is_won() && deal.now.org.is_none());
            found.extend(law_8_no_idle_question(Subject::Deal(*deal), "no_organization", stands));
        }
        found
    }

    fn stands(&self, org: OrgId, question: &Question, row: &HandoverRow, since: Timestamp) -> bool {
        let gone = self.orgs.get(&org).is_none_or(|org| org.deleted);
        let half = row.made.began.as_ref().is_some_and(|began| !row.made.is_complete(began.set));
        let begun = half || row.made.contact_wanted().is_some();
        let causes = self.sales.causes(org, since, &self.sales.asked);
        let there = |cause: &Cause| begun || causes.iter().any(|(known, _)| known == cause);
        match question {
            Question::OrganizationGone { .. } => gone && half,
            Question::ApprovalNeeded { cause, .. } | Question::ApprovalExpired { cause, .. } => {
                !gone && there(cause)
            }
            Question::DataMissing { cause, .. } => !gone && there(cause) && self.lacks(org),
            Question::NoBusinessUnit { cause } => {
                let unit = causes.iter().find(|(known, _)| known == cause);
                !gone && unit.is_some_and(|(_, pipeline)| self.sales.set_of(*pipeline).is_none())
            }
            Question::NoOrganization { .. } => false,
            Question::PartyAmbiguous { .. }
            | Question::PartyKnown { .. }
            | Question::PartyUnusable { .. }
            | Question::PartyChanged { .. }
            | Question::SeveralParties { .. }
            | Question::SeveralAccounts { .. }
            | Question::SiteMissing { .. }
            | Question::ContactUnusable { .. }
            | Question::Refused { .. }
            | Question::OrganizationUnreadable { .. } => !gone && (begun || !causes.is_empty()),
        }
    }

    /// Whether an organization lacks what the policy asks for.
    fn lacks(&self, org: OrgId) -> bool {
        let Some(org) = self.orgs.get(&org) else { return true };
        let country = match org.values.get(&Field::Address) {
            Some(Value::Address(address)) => address.country.clone(),
            Some(_) | None => None,
        };
        let taxed = &self.sales.policy.required.tax_id;
        let needed = country.as_ref().is_some_and(|country| taxed.contains(country));
        country.is_none() || (needed && !org.values.contains_key(&Field::TaxId))
    }

    /// Won deals without an organization about which nobody is asked.
    fn unasked_deals(&self, ended: &Ended) -> Vec<Violation> {
        let Some(since) = ended.since else { return Vec::new() };
        let forgotten = self.sales.deals.values().filter(|deal| {
            let young = deal.now.won_at.is_some_and(|at| at >= since);
            deal.is_won()
                && young
                && deal.now.org.is_none()
                && !ended.asked_about_deals.contains(&deal.now.id)
        });
        let story = |deal: DealId| format!("deal {deal} was won, has no organization, and nobody is asked");
        forgotten.map(|deal| Violation { law: 8, story: story(deal.now.id) }).collect()
    }
}
