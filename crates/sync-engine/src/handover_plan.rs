//! What would be handed over to the ERP: what is due and goes on by itself, and won deals that are older than the connection
//! and wait for a person. Needs no lease and writes nothing; what is due is looked for in the ERP as it would be before a
//! write, older deals are compared with the parties that were polled, so that thousands of them cost no request.

use std::{collections::BTreeSet, sync::Arc};

use jiff::{SignedDuration, Timestamp};
use sync_core::{
    budget::Class,
    deals::CrmDeal,
    fields::Field,
    handover::{
        Asked, Cause, Directory, Handover, HandoverCourse, HandoverPolicy, Look, Looked, NextStep, Piece,
        Question, Subject, foresee, older,
    },
    ids::{ConnectionId, DealId, OrgId, PartyId},
    model::ErpParty,
    policy::Policy,
    ports::{Called, Clock, CrmAnswers, Erp, ErpWrites},
    situation::CrmSide,
    value::Value,
};
use sync_store::{HandoverJob, StagedKind, Store, Tx};

use crate::{
    EngineError,
    handover::without_org,
    handover_look::Looker,
    handover_observe::situation,
    handover_shown::{ForeseenAnswer, to_be_shown},
    likeness::judge_organization,
    staging,
};

/// Organizations loaded at once.
const PAGE: u32 = 500;

/// Pages of organizations looked through for one page of older deals.
const MOST_PAGES: usize = 10;

/// Handovers that are due and shown.
const MOST_DUE: u32 = 1_000;

/// Looks at one handover in a row: there are fewer kinds of them.
const MOST_LOOKS: usize = 20;

/// Who is asked before a write is named; none of it changes anything.
#[derive(Clone)]
pub struct Askable {
    /// The ERP's lists.
    pub erp: Arc<dyn Erp>,
    /// The ERP, where customers are created: only looks are used.
    pub writes: Arc<dyn ErpWrites>,
    /// The CRM.
    pub crm: Arc<dyn CrmAnswers>,
}

/// Decides what is due and what waits for a person, and does nothing about it.
pub struct HandoverPlanner {
    /// The store.
    pub store: Store,
    /// The connection.
    pub connection: ConnectionId,
    /// How it is decided; with the company of the CRM where anything is looked for in the ERP.
    pub policy: HandoverPolicy,
    /// By what companies are compared.
    pub customers: Policy,
    /// From when on won deals count by themselves; none while the flow was never switched on.
    pub since: Option<Timestamp>,
    /// Names behind numbers of the CRM.
    pub directory: Directory,
    /// Both sides, for looks and the ERP's own search; none where nothing may be asked.
    pub sides: Option<Askable>,
    /// Whether older deals are looked for in the ERP, too.
    pub fresh: bool,
    /// The time.
    pub clock: Arc<dyn Clock>,
}

/// What would be handed over.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct HandoverPreview {
    /// Those about which there is something to say: first what goes on by itself, then what waits for a person.
    pub handovers: Vec<ForeseenHandover>,
    /// Organizations with older won deals that are customers of the ERP already: nothing is to be done about them.
    pub customers_already: u64,
    /// What sales would be shown of handovers that came to rest.
    pub answers: Vec<ForeseenAnswer>,
}

/// A page of older won deals that wait for a person.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct OlderPage {
    /// Those that wait, by organization.
    pub handovers: Vec<ForeseenHandover>,
    /// Organizations with older won deals that are customers of the ERP already.
    pub customers_already: u64,
    /// The organization after which the next page begins; none at the end.
    pub next: Option<OrgId>,
}

/// A handover, and what would become of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ForeseenHandover {
    /// What it is about.
    pub subject: Subject,
    /// The organization's name.
    pub name: Option<String>,
    /// The deal that it is for; none where it is for something else.
    pub deal: Option<CrmDeal>,
    /// Where the customer would belong.
    pub unit: Option<String>,
    /// Whether it waits for a person to ask for it; otherwise it goes on by itself.
    pub waits: bool,
    /// The party that it would be bound to, if that can be told.
    pub party: Option<PartyId>,
    /// What comes next.
    pub next: NextStep,
    /// Digest of all this, as far as the store tells: whoever asks for it later can tell whether anything moved.
    pub digest: String,
}

fn page_of(preview: HandoverPreview, next: Option<OrgId>) -> OlderPage {
    let HandoverPreview { handovers, customers_already, answers: _ } = preview;
    OlderPage { handovers, customers_already, next }
}

impl HandoverPlanner {
    /// Everything there is to say.
    ///
    /// # Errors
    /// When the store cannot be read; inside, when the ERP did not answer.
    pub async fn preview(&self) -> Result<Called<HandoverPreview>, EngineError> {
        let mut preview = HandoverPreview::default();
        let mut told = BTreeSet::new();
        let now = self.clock.now();
        let jobs = self.store.read(self.connection).await?.pending_handovers(now, MOST_DUE).await?;
        for job in jobs {
            let foreseen = match self.due(&job).await? {
                Ok(foreseen) => foreseen,
                Err(error) => return Ok(Err(error)),
            };
            if let Some(foreseen) = foreseen {
                told.insert(job.subject);
                preview.handovers.push(foreseen);
            }
        }
        let mut tx = self.store.read(self.connection).await?;
        let since = self.since.unwrap_or(Timestamp::MAX);
        for job in tx.pending_shows(now, MOST_DUE).await? {
            let deciding = (&self.policy, &self.directory);
            preview.answers.extend(to_be_shown(&mut tx, deciding, since, &job, now).await?);
        }
        drop(tx);
        let mut after = OrgId(0);
        loop {
            let orgs = self.store.read(self.connection).await?.orgs_with_deals(after, PAGE).await?;
            let Some(last) = orgs.last() else { return Ok(Ok(preview)) };
            after = *last;
            for org in orgs.into_iter().filter(|org| !told.contains(&Subject::Org(*org))) {
                if let Err(error) = self.waiting(org, &mut preview).await? {
                    return Ok(Err(error));
                }
            }
        }
    }

    /// Older won deals of the organizations after this one: about `limit` of them, or as many as there are among the first
    /// thousands of organizations.
    ///
    /// # Errors
    /// When the store cannot be read; inside, when the ERP did not answer.
    pub async fn older(&self, after: Option<OrgId>, limit: usize) -> Result<Called<OlderPage>, EngineError> {
        let (mut preview, mut after) = (HandoverPreview::default(), after.unwrap_or(OrgId(0)));
        for _ in 0..MOST_PAGES {
            let orgs = self.store.read(self.connection).await?.orgs_with_deals(after, PAGE).await?;
            if orgs.is_empty() {
                return Ok(Ok(page_of(preview, None)));
            }
            for org in orgs {
                if let Err(error) = self.waiting(org, &mut preview).await? {
                    return Ok(Err(error));
                }
                after = org;
                if preview.handovers.len() >= limit {
                    return Ok(Ok(page_of(preview, Some(after))));
                }
            }
        }
        Ok(Ok(page_of(preview, Some(after))))
    }

    /// What a person would ask for now in the name of this deal; none if it does not wait.
    ///
    /// # Errors
    /// When the store cannot be read; inside, when the ERP did not answer.
    pub async fn waits(
        &self,
        org: OrgId,
        deal: DealId,
    ) -> Result<Called<Option<ForeseenHandover>>, EngineError> {
        let mut preview = HandoverPreview::default();
        if let Err(error) = self.waiting(org, &mut preview).await? {
            return Ok(Err(error));
        }
        let of_deal = |found: &ForeseenHandover| found.deal.as_ref().is_some_and(|of| of.id == deal);
        Ok(Ok(preview.handovers.into_iter().find(of_deal)))
    }

    /// What is due: it goes on by itself, as it is shown.
    async fn due(&self, job: &HandoverJob) -> Result<Called<Option<ForeseenHandover>>, EngineError> {
        let org = match job.subject {
            Subject::Org(org) => org,
            Subject::Deal(deal) => return Ok(Ok(self.homeless(deal).await?)),
        };
        let Some(handover) = self.load(org, job).await? else { return Ok(Ok(None)) };
        let course = match self.follow(handover.clone(), true).await? {
            Ok(course) => course,
            Err(error) => return Ok(Err(error)),
        };
        Ok(Ok(match course.next {
            NextStep::Nothing(_) => None,
            NextStep::Observe
            | NextStep::Look(_)
            | NextStep::Write { .. }
            | NextStep::Complete(_)
            | NextStep::Ask(_)
            | NextStep::Wait(_) => Some(tell(&handover, course, false)),
        }))
    }

    /// A won deal without an organization is a question, until it has one.
    async fn homeless(&self, id: DealId) -> Result<Option<ForeseenHandover>, EngineError> {
        let mut tx = self.store.read(self.connection).await?;
        let Some(record) = tx.staged(StagedKind::Deal, &[id.0]).await?.remove(&id.0) else { return Ok(None) };
        if record.row.malformed.is_some() {
            return Ok(None);
        }
        let deal: CrmDeal = staging::read("deal", &record.row)?;
        Ok(without_org(&deal).map(|question| ForeseenHandover {
            subject: Subject::Deal(id),
            name: None,
            deal: Some(deal),
            unit: None,
            waits: false,
            party: None,
            next: NextStep::Ask(Box::new(question)),
            digest: String::new(),
        }))
    }

    /// Won deals of an organization that wait for a person.
    async fn waiting(&self, org: OrgId, preview: &mut HandoverPreview) -> Result<Called<()>, EngineError> {
        let nobody = HandoverJob {
            subject: Subject::Org(org),
            class: Class::Edit,
            generation: 0,
            attempts: 0,
            origin: String::new(),
        };
        let Some(handover) = self.load(org, &nobody).await? else { return Ok(Ok(())) };
        let deals: Vec<DealId> = older(&self.policy, &self.directory, &handover)
            .into_iter()
            .filter_map(|because| because.deal.map(|deal| deal.id))
            .collect();
        if deals.is_empty() {
            return Ok(Ok(()));
        }
        if is_customer(&handover) {
            preview.customers_already += 1;
            return Ok(Ok(()));
        }
        for deal in deals {
            let mut asked = handover.clone();
            asked.answers.asked.insert(Asked::Deal(deal));
            let stored = match self.follow(asked.clone(), false).await? {
                Ok(course) => course,
                Err(error) => return Ok(Err(error)),
            };
            // What is asked for is what is done next, unless something else is under way there.
            if stored.cause != Some(Cause::Deal(deal)) {
                continue;
            }
            let mut foreseen = tell(&handover, stored, true);
            if self.fresh {
                let looked = match self.follow(asked, true).await? {
                    Ok(course) => tell(&handover, course, true),
                    Err(error) => return Ok(Err(error)),
                };
                // Whoever compares later has the store alone.
                foreseen = ForeseenHandover { digest: foreseen.digest, ..looked };
            }
            preview.handovers.push(foreseen);
        }
        Ok(Ok(()))
    }

    /// What is known of an organization, taken as it is; none about which somebody is asked already.
    async fn load(&self, org: OrgId, job: &HandoverJob) -> Result<Option<Handover>, EngineError> {
        let mut tx = self.store.read(self.connection).await?;
        let since = self.since.unwrap_or(Timestamp::MAX);
        let now = self.clock.now();
        let (handover, _) = situation(&mut tx, since, org, Looked::default(), job, now).await?;
        let asked = handover.hold.is_some() && job.generation == 0;
        Ok((!asked).then_some(handover))
    }

    /// Follows a handover; what has to be known of the ERP is looked for there, or, as far as it goes, in the store.
    async fn follow(&self, mut handover: Handover, ask: bool) -> Result<Called<HandoverCourse>, EngineError> {
        let policy = HandoverPolicy { freshness: SignedDuration::MAX, ..self.policy.clone() };
        for _ in 0..MOST_LOOKS {
            let course = foresee(&policy, &self.directory, &handover);
            let NextStep::Look(look) = &course.next else { return Ok(Ok(course)) };
            let mut looked = handover.looked.clone();
            let known = match &self.sides {
                Some(Askable { erp, writes, crm }) if ask => {
                    let looker = Looker {
                        store: &self.store,
                        connection: self.connection,
                        customers: &self.customers,
                        policy: &self.policy,
                        erp: erp.as_ref(),
                        writes: writes.as_ref(),
                        crm: crm.as_ref(),
                    };
                    match looker.look(&handover, look.clone(), &mut looked).await? {
                        Ok(()) => true,
                        Err(error) => return Ok(Err(error)),
                    }
                }
                Some(_) | None => self.recall(&handover, look, &mut looked).await?,
            };
            if !known {
                return Ok(Ok(course));
            }
            (handover.looked, handover.made) = (looked, course.made);
        }
        Ok(Ok(foresee(&policy, &self.directory, &handover)))
    }

    /// Answers a look by what was polled, if it can be: nothing of ours is there, for it would have been remembered.
    async fn recall(
        &self,
        handover: &Handover,
        look: &Look,
        looked: &mut Looked,
    ) -> Result<bool, EngineError> {
        let CrmSide::Present { org, .. } = &handover.crm else { return Ok(false) };
        let mut tx = self.store.read(self.connection).await?;
        match look {
            Look::ByReference => looked.by_reference = Some(Vec::new()),
            Look::Alike => {
                let apart = &handover.answers.apart;
                let verdict = judge_organization(&mut tx, &self.customers, org, Vec::new(), apart).await?;
                looked.alike = Some(verdict);
            }
            Look::Party(party) => match polled(&mut tx, *party).await? {
                Some(party) => looked.party = Some(Some(party)),
                None => return Ok(false),
            },
            Look::Usages { .. }
            | Look::Addresses { .. }
            | Look::Accounts
            | Look::Others(_)
            | Look::Profile { .. }
            | Look::Person(_)
            | Look::Persons(_)
            | Look::Contacts { .. }
            | Look::ContactOf { .. }
            | Look::Account(_) => return Ok(false),
        }
        Ok(true)
    }
}

/// Whether the ERP had an account for it before anything was handed over.
fn is_customer(handover: &Handover) -> bool {
    let customer = handover.pair.as_ref().and_then(|pair| pair.customer.as_ref());
    handover.made.party.is_none() && customer.is_some_and(|customer| !customer.accounts.is_empty())
}

async fn polled(tx: &mut Tx, party: PartyId) -> Result<Option<ErpParty>, EngineError> {
    let record = tx.staged(StagedKind::Party, &[party.0]).await?.remove(&party.0);
    let readable = record.filter(|record| record.missing < 2 && record.row.malformed.is_none());
    readable.map(|record| staging::read("party", &record.row)).transpose()
}

fn tell(handover: &Handover, course: HandoverCourse, waits: bool) -> ForeseenHandover {
    let HandoverCourse { made, cause, unit, next } = course;
    let deal = match cause {
        Some(Cause::Deal(id)) => handover.deals.iter().map(|staged| &staged.deal).find(|deal| deal.id == id),
        Some(Cause::Created | Cause::Assigned | Cause::Asked) | None => None,
    };
    let name = match &handover.crm {
        CrmSide::Present { org, .. } => org.values.get(&Field::Name).map(|name| Value::text(name).to_owned()),
        CrmSide::NoPair | CrmSide::Unknown | CrmSide::Malformed(_) | CrmSide::Absent { .. } => None,
    };
    let stable = deal.map(|deal| CrmDeal { updated_at: Timestamp::UNIX_EPOCH, ..deal.clone() });
    let digest =
        staging::digest(&format!("{name:?} {unit:?} {} {}", staging::json(&stable), in_short(&next)));
    let party = made.party.map(|party| party.id);
    let subject = Subject::Org(handover.org);
    ForeseenHandover { subject, name, deal: deal.cloned(), unit, waits, party, next, digest }
}

/// What a digest is made of: the whole of what would be written, but for the day.
fn in_short(next: &NextStep) -> String {
    match next {
        NextStep::Write { piece, .. } => match piece.as_ref() {
            Piece::Profile { new } => {
                format!("profile {:?} {} {:?}", new.account, new.class, new.payment_terms)
            }
            piece @ (Piece::Party { .. }
            | Piece::Usage { .. }
            | Piece::Address { .. }
            | Piece::Account { .. }
            | Piece::Site { .. }
            | Piece::SiteUse { .. }
            | Piece::Person { .. }
            | Piece::Contact { .. }
            | Piece::AccountContact { .. }) => staging::json(piece),
        },
        NextStep::Ask(question) => staging::json::<Question>(question),
        NextStep::Complete(party) => format!("complete {party}"),
        NextStep::Look(look) => format!("{look:?}"),
        NextStep::Nothing(_) | NextStep::Observe | NextStep::Wait(_) => String::new(),
    }
}
