//! One piece of a customer: intent, call, receipt; or a doubt, which is looked into once it can no longer take effect.

use jiff::{SignedDuration, Timestamp};
use sync_core::{
    customers::{BILL_TO, ErpPerson, FoundAccount},
    error::{CallError, Effect, ErrorKind},
    fields::Values,
    handover::{
        Began, Cause, ContactEnd, Made, MadeAccount, MadeContact, MadeParty, MadePerson, Piece, Question,
        Subject,
    },
    ids::{IntentId, OrgId, PartyId, PersonId, RelationshipId, SetId},
    ports::Called,
};
use sync_store::{ErpIntent, HandoverJob, IntentEnd, JournalEntry, NewErpIntent, Tx};

use crate::{
    Engine, EngineError,
    doubt::FOUND_AFTERWARDS,
    estranged,
    handover::{Bound, Handing, Handled},
    handover_persons,
    pause::Side,
    plants::Plant,
};

/// Who asks for the look after a refusal.
const REFUSED: &str = "refused by the ERP";

/// What a write was answered with, as far as it is remembered.
enum Told {
    Party(MadeParty),
    Usage,
    Address,
    Account(FoundAccount),
    Profile,
    Person(PersonId, ErpPerson),
    Contact(PersonId, RelationshipId),
    AccountContact(PersonId),
}

impl Engine {
    /// Sends the next piece of an organization's customer.
    pub(crate) async fn write_piece(
        &mut self,
        handing: &Handing,
        job: &HandoverJob,
        made: &Made,
        (piece, cause, set): (Piece, Cause, SetId),
        contact: Option<PersonId>,
    ) -> Result<Handled, EngineError> {
        let Subject::Org(org) = job.subject else { return Ok(Handled::Settled(None)) };
        let now = self.clock.now();
        let began = Began { cause, set, at: now, contact };
        let made = match &made.began {
            Some(known) if !made.is_finished(known.set) => made.clone(),
            Some(_) | None => Made { began: Some(began), told: false, ..made.clone() },
        };
        let new = NewErpIntent {
            org,
            piece,
            cause,
            set,
            reason: format!("{cause}"),
            class: job.class,
            origin: job.origin.clone(),
        };
        let mut tx = self.write().await?;
        tx.put_made(org, &made, now).await?;
        let id = tx.open_erp_intent(self.run, &new, now).await?;
        if self.plants.has(Plant::NoErpIntent) {
            tx.close_erp_intent(id, IntentEnd::Void, now).await?;
        }
        tx.commit().await?;
        if !self.lease.is_valid() {
            return Err(EngineError::LeaseLost);
        }
        let intent = ErpIntent { id, new, created_at: now, settled_at: None };
        match send(handing, &intent.new.piece).await {
            Ok(told) => {
                self.erp_pauses.answered();
                self.piece_done(&intent, &made, told, "").await?;
                self.settle(job, Some(self.clock.now()), None, None).await
            }
            Err(error) => self.piece_failed(handing, job, (intent, &made), error).await,
        }
    }

    async fn piece_failed(
        &mut self,
        handing: &Handing,
        job: &HandoverJob,
        (intent, made): (ErpIntent, &Made),
        error: CallError,
    ) -> Result<Handled, EngineError> {
        let now = self.clock.now();
        if error.effect == Effect::InDoubt && self.plants.has(Plant::NoErpIntent) {
            return Ok(Handled::Failed(Side::Erp, error));
        }
        if error.effect == Effect::InDoubt {
            let at = now + self.settings.t_effect + handing.policy.settle;
            self.note_doubt(intent.id, at).await?;
            if !matches!(error.kind, ErrorKind::Rejected | ErrorKind::Unreadable) {
                self.side_failed(Side::Erp, &error);
            }
            return self.settle(job, Some(at), None, None).await;
        }
        let refused = matches!(error.kind, ErrorKind::Rejected | ErrorKind::Missing | ErrorKind::Forbidden);
        let mut tx = self.write().await?;
        let end = if refused { IntentEnd::Refused } else { IntentEnd::Void };
        tx.close_erp_intent(intent.id, end, now).await?;
        self.unbegin(&mut tx, &intent, made, now).await?;
        if refused {
            // How a duplicate is refused is unknown (oracle-fusion.md 1.5): it is looked for again before it is a question.
            let question = Question::Refused {
                piece: Box::new(intent.new.piece),
                message: error.message.clone(),
                exchange: error.exchange.clone(),
            };
            tx.put_question(job.subject, Some(&question), now).await?;
            // What a person said about the last refusal is not said about this one.
            tx.has_tried_again(job.subject).await?;
            tx.enqueue_handovers(&[job.subject], job.class, now, REFUSED).await?;
        }
        tx.commit().await?;
        if refused { Ok(Handled::Settled(None)) } else { Ok(Handled::Failed(Side::Erp, error)) }
    }

    /// Notes from when on a look can tell that a write did not happen.
    pub(crate) async fn note_doubt(
        &mut self,
        id: IntentId,
        settled_at: Timestamp,
    ) -> Result<(), EngineError> {
        let mut tx = self.write().await?;
        tx.doubt_erp_intent(id, settled_at).await?;
        Ok(tx.commit().await?)
    }

    /// Remembers what a piece became: one transaction for what was made, pair, journal and the end of the intent.
    async fn piece_done(
        &mut self,
        intent: &ErpIntent,
        made: &Made,
        told: Told,
        how: &str,
    ) -> Result<(), EngineError> {
        let now = self.clock.now();
        let org = intent.new.org;
        let mut made = made.clone();
        let mut tx = self.write().await?;
        match told {
            Told::Party(party) => {
                // From here on the other flow knows whose party this is.
                if !self.plants.has(Plant::PartyNotPaired) {
                    match self.bind_party(&mut tx, org, party.id, now).await? {
                        Bound::Yes => {}
                        // What is decided next about the organization asks for this pair again, and then asks a person or waits.
                        Bound::Asked(question) => {
                            if tx.pairs_by_org(&[org]).await?.contains_key(&org) {
                                estranged::remember(&mut tx, party.id, org, now).await?;
                            }
                            tracing::error!(%org, party = %party.id, question = question.key(), "a new party is somebody else's");
                        }
                        Bound::Unclear(at) => {
                            tracing::warn!(%org, party = %party.id, %at, "a new party is being given another organization");
                        }
                    }
                }
                made.party = Some(party);
            }
            Told::Usage => {
                if let Some(party) = &mut made.party {
                    party.usage = true;
                }
            }
            Told::Address => {}
            Told::Account(found) => {
                let ours = made.account.as_ref().is_none_or(|account| account.ours);
                made.adopt_account(MadeAccount { id: found.id, number: found.number.clone(), ours }, &found);
            }
            Told::Profile => made.profile = true,
            Told::Person(of, person) => {
                let person = MadePerson { id: person.id, number: person.number };
                let settle =
                    self.handing.as_ref().map_or(SignedDuration::ZERO, |handing| handing.policy.settle);
                handover_persons::remember(&mut tx, of, &person, (now, settle)).await?;
                let person = Some(person);
                made.contacts.insert(of, MadeContact { person, ..known(&made, of) });
            }
            Told::Contact(of, relationship) => {
                let relationship = Some(relationship);
                made.contacts.insert(of, MadeContact { relationship, ..known(&made, of) });
            }
            Told::AccountContact(of) => {
                made.contacts.insert(of, MadeContact { end: Some(ContactEnd::Made), ..known(&made, of) });
            }
        }
        tx.put_made(org, &made, now).await?;
        tx.close_erp_intent(intent.id, IntentEnd::Done, now).await?;
        if let Some(party) = &made.party {
            self.journal_piece(&mut tx, intent, party.id, &made, how).await?;
        }
        Ok(tx.commit().await?)
    }

    async fn journal_piece(
        &self,
        tx: &mut Tx,
        intent: &ErpIntent,
        party: PartyId,
        made: &Made,
        how: &str,
    ) -> Result<(), EngineError> {
        let NewErpIntent { org, piece, cause: _, set: _, reason, class: _, origin } = &intent.new;
        let entry = JournalEntry {
            intent: intent.id,
            run: self.run,
            at: self.clock.now(),
            op: piece.op().to_owned(),
            party,
            org: Some(*org),
            before: Values::new(),
            after: Values::new(),
            reason: format!("{reason}{how}"),
            rule: "customers_from_crm".to_owned(),
            origin: origin.clone(),
            tokens: 0,
            detail: Some(serde_json::json!({ "sent": piece, "became": made })),
        };
        Ok(tx.append_journal(&[entry]).await?)
    }

    /// An answer never came and can no longer be on its way: looks whether it happened.
    pub(crate) async fn conclude_piece(
        &mut self,
        handing: &Handing,
        intent: &ErpIntent,
        made: &Made,
    ) -> Result<Result<(), CallError>, EngineError> {
        match self.find_piece(handing, intent, made).await {
            Err(error) => Ok(Err(error)),
            Ok(Some(told)) => {
                self.erp_pauses.answered();
                self.piece_done(intent, made, told, FOUND_AFTERWARDS).await?;
                Ok(Ok(()))
            }
            Ok(None) => {
                self.erp_pauses.answered();
                let now = self.clock.now();
                let mut tx = self.write().await?;
                tx.close_erp_intent(intent.id, IntentEnd::Void, now).await?;
                self.unbegin(&mut tx, intent, made, now).await?;
                tx.commit().await?;
                Ok(Ok(()))
            }
        }
    }

    /// What a write made, if it did. Of several of what should be one the first is taken: deciding finds them all, and asks.
    async fn find_piece(&self, handing: &Handing, intent: &ErpIntent, made: &Made) -> Called<Option<Told>> {
        let reference = handing.policy.reference(intent.new.org);
        let erp = &handing.erp;
        let party_id = made.party.as_ref().map(|party| party.id);
        let sites = |account: &FoundAccount, set: SetId| {
            account.sites.iter().any(|site| {
                let billed = site.uses.iter().any(|one| one.active && one.purpose == BILL_TO);
                site.active && site.set == Some(set) && billed
            })
        };
        Ok(match &intent.new.piece {
            Piece::Party { .. } => {
                let found = erp.parties_by_reference(&reference).await?;
                match found.as_slice() {
                    [party] => Some(Told::Party(MadeParty {
                        id: party.id,
                        number: party.number.clone(),
                        ours: true,
                        usage: true,
                    })),
                    // None of them is chosen here.
                    _ => None,
                }
            }
            Piece::Usage { number, usage } => {
                erp.usages(number).await?.contains(usage).then_some(Told::Usage)
            }
            Piece::Address { number, new } => {
                let found = erp.addresses(number).await?;
                let same = |parts: &sync_core::customers::AddressParts| *parts == new.parts;
                let ours = found.iter().any(|address| {
                    (address.reference.is_some() && address.reference == new.reference)
                        || same(&address.parts)
                });
                ours.then_some(Told::Address)
            }
            Piece::Account { .. } => {
                let mut found = erp.accounts_by_reference(&reference).await?;
                found.retain(|account| Some(account.party) == party_id);
                (found.len() == 1).then(|| found.pop()).flatten().map(Told::Account)
            }
            Piece::Site { account, new } => {
                let found = erp.account(*account).await?;
                found.filter(|found| sites(found, new.set)).map(Told::Account)
            }
            Piece::SiteUse { account, set, .. } => {
                let found = erp.account(*account).await?;
                found.filter(|found| sites(found, *set)).map(Told::Account)
            }
            Piece::Profile { new } => {
                let account = made.account.as_ref().map(|account| account.id);
                match account {
                    Some(account) => erp.active_profile(account, new.party).await?.map(|_| Told::Profile),
                    None => None,
                }
            }
            Piece::Person { of, new } => {
                let mut found = erp.persons_by_reference(&new.reference).await?;
                // None of several is chosen here.
                (found.len() == 1).then(|| found.pop()).flatten().map(|person| Told::Person(*of, person))
            }
            Piece::Contact { of, number, party } => {
                let found = erp.contact_of(number, *party).await?;
                found.map(|relationship| Told::Contact(*of, relationship))
            }
            Piece::AccountContact { of, account, new } => {
                let found = erp.account(*account).await?;
                if let Some(why) = found.as_ref().and_then(|found| found.unclear.as_ref()) {
                    let error = CallError::without_effect("handover.look", ErrorKind::Unreadable, why);
                    return Err(error);
                }
                let is_there = found.is_some_and(|found| {
                    found.contacts.iter().any(|one| {
                        one.active
                            && one.relationship == new.relationship
                            && one.purposes.contains(&new.purpose)
                    })
                });
                is_there.then_some(Told::AccountContact(*of))
            }
        })
    }

    /// Loads the writes that an earlier process left without an answer: when they were sent is not known, so T_effect and
    /// settle are counted from now. Tells whether there were any.
    pub(crate) async fn recover_handovers(&mut self, now: Timestamp) -> Result<bool, EngineError> {
        let Some(handing) = &self.handing else { return Ok(false) };
        if self.handed.recovered.is_some() {
            return Ok(false);
        }
        let settled_at = now + self.settings.t_effect + handing.policy.settle;
        let mut tx = self.write().await?;
        let open = tx.erp_intents().await?;
        for intent in &open {
            let at = intent.settled_at.unwrap_or(settled_at);
            if intent.settled_at.is_none() {
                tx.doubt_erp_intent(intent.id, at).await?;
            }
            let subject = Subject::Org(OrgId(intent.new.org.0));
            tx.enqueue_handovers(&[subject], intent.new.class, at, "after doubt").await?;
        }
        tx.commit().await?;
        self.handed.recovered = Some(now);
        Ok(!open.is_empty())
    }

    /// A first write that surely did not happen has begun nothing: what it was for is looked at anew before the next try.
    async fn unbegin(
        &self,
        tx: &mut Tx,
        intent: &ErpIntent,
        made: &Made,
        now: Timestamp,
    ) -> Result<(), EngineError> {
        let first = made.began.as_ref().is_some_and(|began| {
            // Both are the moment of that write; the intent's is stored in microseconds.
            began.at.as_microsecond() == intent.created_at.as_microsecond()
        });
        if first && !self.plants.has(Plant::BegunByNothing) {
            tx.put_made(intent.new.org, &Made { began: None, ..made.clone() }, now).await?;
        }
        Ok(())
    }
}

fn known(made: &Made, of: PersonId) -> MadeContact {
    made.contacts.get(&of).cloned().unwrap_or_default()
}

async fn send(handing: &Handing, piece: &Piece) -> Called<Told> {
    let erp = &handing.erp;
    Ok(match piece {
        Piece::Party { new } => {
            let created = erp.create_party(new).await?;
            Told::Party(MadeParty { id: created.id, number: created.number, ours: true, usage: true })
        }
        Piece::Usage { number, usage } => {
            erp.add_usage(number, usage).await?;
            Told::Usage
        }
        Piece::Address { number, new } => {
            erp.add_address(number, new).await?;
            Told::Address
        }
        Piece::Account { new } => Told::Account(erp.create_account(new).await?),
        Piece::Site { account, new } => Told::Account(erp.add_site(*account, new).await?),
        Piece::SiteUse { account, site, set: _, purpose, reference } => {
            Told::Account(erp.add_site_use(*account, *site, purpose, reference).await?)
        }
        Piece::Profile { new } => {
            erp.create_profile(new).await?;
            Told::Profile
        }
        Piece::Person { of, new } => Told::Person(*of, erp.create_person(new).await?),
        Piece::Contact { of, number, party } => Told::Contact(*of, erp.add_contact(number, *party).await?),
        Piece::AccountContact { of, account, new } => {
            erp.add_account_contact(*account, new).await?;
            Told::AccountContact(*of)
        }
    })
}
