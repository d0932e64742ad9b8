//! The ERP's seat of a simulation: looks before creates, and creates that are refused, lost or late. Before each of them
//! is sent, the laws look at what another process could read of the store.

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use sync_core::{
    customers::{
        CreatedParty, ErpAddress, ErpPerson, FoundAccount, FoundContact, NewAccount, NewAccountContact,
        NewAddress, NewParty, NewPerson, NewProfile, NewSite, Profile, Reference,
    },
    error::{CallError, ErrorKind},
    handover::Piece,
    ids::{
        AccountId, AccountSiteId, ConnectionId, IntentId, OrgId, PartyId, PersonId, RelationshipId, SetId,
    },
    laws::{Violation, law_1_not_for_another, law_2_due, law_2_piece_intended},
    matching::Company,
    model::{ErpParty, PartyStatus, Seen},
    ports::{Called, ErpWrites},
};
use sync_store::{ErpIntent, Store, StoreError};

use super::{
    book::{Became, SETS},
    world::{Effect, Fate, Landed, World, Worlds, lost, not_sent},
};

/// Where customers are created.
pub(crate) struct ErpSeat {
    pub(crate) world: World,
    /// Where every create's intent must be found when it is sent.
    pub(crate) intents: (Store, ConnectionId),
}

/// What the store says when a create is sent.
struct Said {
    open: Vec<ErpIntent>,
    pairs: Vec<(OrgId, PartyId)>,
    since: Option<Timestamp>,
}

/// When the flow was switched on, as the store has it.
pub(crate) fn since_of(begun: Option<&serde_json::Value>) -> Option<Timestamp> {
    begun?.get("since")?.as_str()?.parse().ok()
}

#[async_trait]
impl ErpWrites for ErpSeat {
    async fn parties_by_reference(&self, reference: &Reference) -> Called<Vec<ErpParty>> {
        self.world.reading("erp.parties_by_reference").await?;
        Ok(self.world.lock().parties_referred(reference, self.world.now()))
    }

    async fn parties_like(&self, company: &Company) -> Called<Vec<Seen<ErpParty>>> {
        self.world.reading("erp.parties_like").await?;
        let worlds = self.world.lock();
        let like = |party: &&ErpParty| {
            let taxed = party.tax_id.as_ref().is_some_and(|tax| company.tax_ids.contains(tax));
            taxed || company.names.contains(&party.name)
        };
        let found = worlds.parties_shown(self.world.now()).filter(like);
        Ok(found.cloned().map(Seen::Record).collect())
    }

    async fn create_party(&self, new: &NewParty) -> Called<CreatedParty> {
        match self.write("erp.create_party", Piece::Party { new: new.clone() }).await? {
            Became::Party(id) => Ok(CreatedParty { id, number: format!("CDRM_{id}") }),
            other => Err(refused("erp.create_party", other)),
        }
    }

    async fn usages(&self, number: &str) -> Called<Vec<String>> {
        self.world.reading("erp.usages").await?;
        self.world.lock().usages_of(number).ok_or_else(|| missing("erp.usages"))
    }

    async fn add_usage(&self, number: &str, usage: &str) -> Called<()> {
        let piece = Piece::Usage { number: number.to_owned(), usage: usage.to_owned() };
        match self.write("erp.add_usage", piece).await? {
            Became::Noted => Ok(()),
            other => Err(refused("erp.add_usage", other)),
        }
    }

    async fn addresses(&self, number: &str) -> Called<Vec<ErpAddress>> {
        self.world.reading("erp.addresses").await?;
        self.world.lock().addresses_of(number).ok_or_else(|| missing("erp.addresses"))
    }

    async fn add_address(&self, number: &str, new: &NewAddress) -> Called<ErpAddress> {
        let piece = Piece::Address { number: number.to_owned(), new: new.clone() };
        match self.write("erp.add_address", piece).await? {
            Became::Address(id) => {
                let found = self.world.lock().addresses_of(number).unwrap_or_default();
                found.into_iter().find(|address| address.id == id).ok_or_else(|| missing("erp.add_address"))
            }
            other => Err(refused("erp.add_address", other)),
        }
    }

    async fn accounts_by_reference(&self, reference: &Reference) -> Called<Vec<FoundAccount>> {
        self.world.reading("erp.accounts_by_reference").await?;
        Ok(self.world.lock().accounts_referred(reference, self.world.now()))
    }

    async fn account(&self, account: AccountId) -> Called<Option<FoundAccount>> {
        self.world.reading("erp.account").await?;
        Ok(self.world.lock().account_now(account, self.world.now()))
    }

    async fn create_account(&self, new: &NewAccount) -> Called<FoundAccount> {
        let became = self.write("erp.create_account", Piece::Account { new: new.clone() }).await?;
        self.told("erp.create_account", became)
    }

    async fn add_site(&self, account: AccountId, new: &NewSite) -> Called<FoundAccount> {
        let became = self.write("erp.add_site", Piece::Site { account, new: new.clone() }).await?;
        self.told("erp.add_site", became)
    }

    async fn add_site_use(
        &self,
        account: AccountId,
        site: AccountSiteId,
        purpose: &str,
        reference: &Reference,
    ) -> Called<FoundAccount> {
        let set = self.set_of(account, site);
        let (purpose, reference) = (purpose.to_owned(), reference.clone());
        let piece = Piece::SiteUse { account, site, set, purpose, reference };
        let became = self.write("erp.add_site_use", piece).await?;
        self.told("erp.add_site_use", became)
    }

    async fn active_profile(&self, account: AccountId, _party: PartyId) -> Called<Option<Profile>> {
        self.world.reading("erp.active_profile").await?;
        Ok(self.world.lock().profile_of(account))
    }

    async fn create_profile(&self, new: &NewProfile) -> Called<()> {
        match self.write("erp.create_profile", Piece::Profile { new: new.clone() }).await? {
            Became::Noted => Ok(()),
            other => Err(refused("erp.create_profile", other)),
        }
    }

    async fn persons_by_reference(&self, reference: &Reference) -> Called<Vec<ErpPerson>> {
        self.world.reading("erp.persons_by_reference").await?;
        Ok(self.world.lock().persons_referred(reference, self.world.now()))
    }

    async fn create_person(&self, new: &NewPerson) -> Called<ErpPerson> {
        let of = person_of(&new.reference);
        match self.write("erp.create_person", Piece::Person { of, new: new.clone() }).await? {
            Became::Person(id) => {
                Ok(ErpPerson { id, number: format!("P_{id}"), status: PartyStatus::Active })
            }
            other => Err(refused("erp.create_person", other)),
        }
    }

    async fn contacts(&self, number: &str) -> Called<Vec<FoundContact>> {
        self.world.reading("erp.contacts").await?;
        self.world.lock().contacts_of(number).ok_or_else(|| missing("erp.contacts"))
    }

    async fn contact_of(&self, person: &str, party: PartyId) -> Called<Option<RelationshipId>> {
        self.world.reading("erp.contact_of").await?;
        Ok(self.world.lock().contact_between(person, party))
    }

    async fn add_contact(&self, person: &str, party: PartyId) -> Called<RelationshipId> {
        let of = self.intended(|piece| matches!(piece, Piece::Contact { .. })).await;
        let piece = Piece::Contact { of, number: person.to_owned(), party };
        match self.write("erp.add_contact", piece).await? {
            Became::Contact(id) => Ok(id),
            other => Err(refused("erp.add_contact", other)),
        }
    }

    async fn add_account_contact(&self, account: AccountId, new: &NewAccountContact) -> Called<FoundAccount> {
        let of = self.intended(|piece| matches!(piece, Piece::AccountContact { .. })).await;
        let piece = Piece::AccountContact { of, account, new: new.clone() };
        let became = self.write("erp.add_account_contact", piece).await?;
        self.told("erp.add_account_contact", became)
    }
}

impl ErpSeat {
    /// For which person of the CRM such a piece is intended: the request itself does not say it.
    async fn intended(&self, is: fn(&Piece) -> bool) -> PersonId {
        let (store, connection) = &self.intents;
        let reading = async { store.read(*connection).await?.erp_intents().await };
        let open: Vec<ErpIntent> = reading.await.unwrap_or_default();
        let mut pieces = open.iter().map(|intent| &intent.new.piece).filter(|piece| is(piece));
        pieces.next_back().and_then(Piece::contact).unwrap_or(PersonId(0))
    }

    fn set_of(&self, account: AccountId, site: AccountSiteId) -> SetId {
        let found = self.world.lock().account_now(account, self.world.now());
        let sites = found.map(|account| account.sites).unwrap_or_default();
        sites.iter().find(|known| known.id == site).and_then(|site| site.set).unwrap_or(SETS[0])
    }

    fn told(&self, call: &'static str, became: Became) -> Called<FoundAccount> {
        match became {
            Became::Account(id) => {
                self.world.lock().account_now(id, self.world.now()).ok_or_else(|| missing(call))
            }
            other => Err(refused(call, other)),
        }
    }

    /// A write: judged, sent, carried out or not, answered or not. The process may die in between.
    async fn write(&self, call: &'static str, piece: Piece) -> Called<Became> {
        let world = &self.world;
        // Behind a gate, so that looking at the store does not decide who comes first.
        world.gate.enter("erp.send").await;
        let about = self.judge(&piece).await;
        let (ticket, fate) = {
            let mut worlds = world.lock();
            let fate = worlds.fate_of_piece(call, &piece)?;
            (worlds.send(Effect::Piece { piece: Box::new(piece), about }), fate)
        };
        world.gate.enter(call).await;
        if !world.lock().is_in_air(ticket) {
            return Err(lost(call));
        }
        let landed = world.lock().reach(ticket, fate, world.now());
        world.gate.enter("erp.answer").await;
        match (fate, landed) {
            (Fate::Answered, Some(Landed::Piece(became))) => Ok(became),
            (Fate::Answered, _) => Err(missing(call)),
            (Fate::NotSent | Fate::LostBefore | Fate::LostAfter | Fate::Late | Fate::ServerError, _) => {
                let mut worlds = world.lock();
                worlds.tell(world.now(), format!("{call} gets no answer ({fate:?})"));
                let error = lost(call);
                #[cfg(feature = "planted")]
                let error = worlds.mistold(error, crate::plants::Plant::LostPieceRepeated);
                Err(error)
            }
        }
    }

    /// Laws 1 and 2 at the moment of sending. Tells for which organization and set it is.
    async fn judge(&self, piece: &Piece) -> Option<(OrgId, SetId)> {
        let (store, connection) = &self.intents;
        let reading = async {
            let mut tx = store.read(*connection).await?;
            let open = tx.erp_intents().await?;
            let orgs: Vec<OrgId> = open.iter().map(|intent| intent.new.org).collect();
            let pairs = tx.pairs_by_org(&orgs).await?.into_iter().collect();
            let begun: Option<serde_json::Value> = tx.cursor("handovers").await?;
            Ok::<Said, StoreError>(Said { open, pairs, since: since_of(begun.as_ref()) })
        };
        let said = reading.await;
        let mut worlds = self.world.lock();
        match said {
            Ok(said) => worlds.judge(piece, &said, self.world.now()),
            Err(error) => {
                let story = format!("the intents cannot be read: {error}");
                worlds.violations.push(Violation { law: 2, story });
                None
            }
        }
    }
}

impl Worlds {
    fn judge(&mut self, piece: &Piece, said: &Said, now: Timestamp) -> Option<(OrgId, SetId)> {
        let sure = said.open.iter().filter(|intent| intent.settled_at.is_none());
        let open: Vec<(IntentId, Piece)> = sure.map(|intent| (intent.id, intent.new.piece.clone())).collect();
        let id = match law_2_piece_intended(piece, &open, &self.book.used) {
            Ok(id) => id,
            Err(broken) => {
                self.violations.push(broken);
                return None;
            }
        };
        self.book.used.insert(id);
        let intent = said.open.iter().find(|intent| intent.id == id)?;
        let (org, cause, set) = (intent.new.org, intent.new.cause, intent.new.set);
        let begun = self.book.begun.contains(&(org, set));
        let grounds = self.grounds(org, cause, begun, said.since, now);
        self.violations.extend(law_2_due(org, cause, grounds));
        let pair = said.pairs.iter().find(|(paired, _)| *paired == org).map(|(_, party)| *party);
        let party = self.party_of(piece, now);
        self.violations.extend(law_1_not_for_another(org, piece, party, pair));
        Some((org, set))
    }

    /// What becomes of a write; an error where it has no effect for sure.
    fn fate_of_piece(&mut self, call: &'static str, piece: &Piece) -> Called<Fate> {
        let dice = if self.faults { self.book.rng.u32(..100) } else { 100 };
        let transient = |after| ErrorKind::Transient { after };
        let (what, error) = match dice {
            0..3 => ("refused", Some((ErrorKind::Rejected, "the ERP has its reasons"))),
            3 => ("forbidden", Some((ErrorKind::Forbidden, "no privilege"))),
            4..8 => ("throttled", Some((transient(Some(SignedDuration::from_secs(5))), "too many requests"))),
            _ => ("", None),
        };
        if let Some((kind, message)) = error {
            self.meet(piece.kind().label(), what);
            self.story.push(format!("{call} is {what}"));
            return Err(CallError::without_effect(call, kind, message));
        }
        // There are few of them: more is to happen to each than to reads.
        let fate = match dice {
            8..18 => Fate::LostAfter,
            18..24 => Fate::Late,
            24..28 => Fate::LostBefore,
            _ => self.fate(),
        };
        self.meet(piece.kind().label(), fate.label());
        if fate == Fate::NotSent {
            self.story.push(format!("{call} is not sent"));
        }
        if fate == Fate::NotSent { Err(not_sent(call)) } else { Ok(fate) }
    }
}

/// The person of the CRM that a name of ours is about.
fn person_of(reference: &Reference) -> PersonId {
    PersonId(reference.value.rsplit(':').next().and_then(|id| id.parse().ok()).unwrap_or(0))
}

fn missing(call: &'static str) -> CallError {
    CallError::without_effect(call, ErrorKind::Missing, "there is no such record")
}

fn refused(call: &'static str, became: Became) -> CallError {
    let why = match became {
        Became::Refused(why) => why,
        Became::Party(_)
        | Became::Address(_)
        | Became::Account(_)
        | Became::Person(_)
        | Became::Contact(_)
        | Became::Noted => "another answer",
    };
    CallError::without_effect(call, ErrorKind::Rejected, why)
}
