//! How the engine reaches the world: two roles, and the few things that vendor adapters need from us.
//!
//! Adapters classify, pace, authenticate and convert. They never decide and never repeat a write.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
};

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};

use crate::{
    budget::{Class, Spent},
    customers::{
        CreatedParty, ErpAddress, ErpPerson, FoundAccount, FoundContact, NewAccount, NewAccountContact,
        NewAddress, NewParty, NewPerson, NewProfile, NewSite, Profile, Reference,
    },
    deals::{CrmDeal, CrmNote, CrmPerson, Relation},
    documents::{Currencies, Document, DocumentKind, FieldWrite, InvoiceDetails, PageWrite},
    error::CallError,
    fields::{Field, Values},
    handover::{ActivityChange, AnswerField, AnsweredOn, Directory, NewActivity},
    hierarchy::ErpLink,
    hooks::{HookEntity, Subscription},
    ids::{
        AccountId, AccountSiteId, ActivityId, DealId, NoteId, OrgId, PartyId, PersonId, RelationId,
        RelationshipId, SubscriptionId, TransactionId,
    },
    matching::Company,
    model::{AccountTerms, CrmOrg, ErpAccount, ErpParty, Page, Seen},
    plan::Step,
    poll::ErpRead,
};

/// Result of a call to a remote system.
pub type Called<T> = Result<T, CallError>;

/// The party that somebody means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PartyKey {
    /// By its identity.
    Id(PartyId),
    /// By the number that people use.
    Number(String),
}

/// Custom fields that the CRM does not have yet.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Missing {
    /// Which of the mapped ones.
    pub fields: Vec<Field>,
    /// What creating all of them costs.
    pub tokens: u32,
}

/// The ERP, as far as customers are concerned. Reading only, for now.
#[async_trait]
pub trait Erp: Send + Sync {
    /// Looks whether the ERP still has what is read of it, before anything is read. What is gone must not be taken for
    /// empty: its absence is an error that names it.
    async fn prepare(&self) -> Called<()> {
        Ok(())
    }

    /// One page of parties of every usage (suppliers too), as `read` asks for.
    async fn parties(&self, read: ErpRead) -> Called<Page<ErpParty>>;

    /// One page of AR accounts, as `read` asks for.
    async fn accounts(&self, read: ErpRead) -> Called<Page<ErpAccount>>;

    /// One party as it is now; none when there is no such party, or our user may not see it.
    async fn party(&self, key: &PartyKey) -> Called<Option<Seen<ErpParty>>>;

    /// All AR accounts of a party as they are now.
    async fn accounts_of(&self, party: PartyId) -> Called<Vec<Seen<ErpAccount>>>;

    /// What the ERP's services say about an AR account that no list shows: as much of it as is mapped. Dear: a request or
    /// two for each account. An account that is not there any more has nothing.
    async fn terms(&self, account: AccountId, party: PartyId) -> Called<Seen<AccountTerms>>;

    /// The relationships of one page of parties with an id above `after`, by ascending id. Each comes once or twice: as
    /// its subject tells it, and as its object does.
    async fn links(&self, after: PartyId) -> Called<LinkPage>;

    /// All relationships that one party tells, as they are now.
    async fn links_of(&self, party: &ErpParty) -> Called<Vec<Seen<ErpLink>>>;

    /// Requests sent so far by this adapter, of any kind.
    fn requests(&self) -> u64;
}

/// The ERP, as far as customers are created there (oracle-fusion.md 1.4, 1.5). Every write is one call and not repeated: look
/// first, and again after every doubt.
#[async_trait]
pub trait ErpWrites: Send + Sync {
    /// The parties that carry this reference, of any status.
    async fn parties_by_reference(&self, reference: &Reference) -> Called<Vec<ErpParty>>;

    /// Parties that may be this company, of any usage, by what the ERP itself can search for: what was entered since the
    /// last poll is among them. None of them is sure to be it.
    async fn parties_like(&self, company: &Company) -> Called<Vec<Seen<ErpParty>>>;

    /// Creates a party with its reference and addresses, all or nothing.
    async fn create_party(&self, new: &NewParty) -> Called<CreatedParty>;

    /// What a party is used as.
    async fn usages(&self, number: &str) -> Called<Vec<String>>;

    /// Gives a party one more usage.
    async fn add_usage(&self, number: &str, usage: &str) -> Called<()>;

    /// All addresses of a party.
    async fn addresses(&self, number: &str) -> Called<Vec<ErpAddress>>;

    /// Adds an address to a party.
    async fn add_address(&self, number: &str, new: &NewAddress) -> Called<ErpAddress>;

    /// The accounts that carry this reference.
    async fn accounts_by_reference(&self, reference: &Reference) -> Called<Vec<FoundAccount>>;

    /// An account with its sites, if it exists and our user may see it.
    async fn account(&self, account: AccountId) -> Called<Option<FoundAccount>>;

    /// Creates an account with its first site.
    async fn create_account(&self, new: &NewAccount) -> Called<FoundAccount>;

    /// Adds a site to an account.
    async fn add_site(&self, account: AccountId, new: &NewSite) -> Called<FoundAccount>;

    /// Adds a use to a site of an account.
    async fn add_site_use(
        &self,
        account: AccountId,
        site: AccountSiteId,
        purpose: &str,
        reference: &Reference,
    ) -> Called<FoundAccount>;

    /// The profile in force of an account.
    async fn active_profile(&self, account: AccountId, party: PartyId) -> Called<Option<Profile>>;

    /// Creates a credit profile.
    async fn create_profile(&self, new: &NewProfile) -> Called<()>;

    /// The persons that carry this reference, of any status.
    async fn persons_by_reference(&self, reference: &Reference) -> Called<Vec<ErpPerson>>;

    /// Creates a person with its reference.
    async fn create_person(&self, new: &NewPerson) -> Called<ErpPerson>;

    /// Whom a party names as its contacts, as far as its own relationships tell.
    async fn contacts(&self, number: &str) -> Called<Vec<FoundContact>>;

    /// What makes the person with this number a contact of a party, if it is one.
    async fn contact_of(&self, person: &str, party: PartyId) -> Called<Option<RelationshipId>>;

    /// Makes the person with this number a contact of a party.
    async fn add_contact(&self, person: &str, party: PartyId) -> Called<RelationshipId>;

    /// Makes somebody a contact of an account, and answers what the account then is.
    async fn add_account_contact(&self, account: AccountId, new: &NewAccountContact) -> Called<FoundAccount>;
}

/// The CRM, as far as deals are concerned (pipedrive.md 1.6).
#[async_trait]
pub trait CrmDeals: Send + Sync {
    /// One page of all won deals, by ascending id. `cursor` is the `next` of the page before.
    async fn deals_won(&self, cursor: Option<String>, class: Class) -> Called<Page<CrmDeal>>;

    /// One page of the deals changed at or after `from` (in whole seconds, rounded down), by ascending update time.
    async fn deals_changed(
        &self,
        from: Timestamp,
        cursor: Option<String>,
        class: Class,
    ) -> Called<Page<CrmDeal>>;

    /// The deals with these ids, archived ones too. Missing, deleted and invisible ones are left out.
    async fn deals_by_id(&self, ids: &[DealId], class: Class) -> Called<Vec<Seen<CrmDeal>>>;

    /// A person, if it is there.
    async fn person(&self, id: PersonId, class: Class) -> Called<Option<CrmPerson>>;

    /// The company that the CRM is of: part of the names that we give in the ERP.
    async fn company(&self) -> Called<i64>;

    /// Names behind numbers: pipelines and users.
    async fn directory(&self, class: Class) -> Called<Directory>;
}

/// The CRM, as far as people read there what became of a customer, and are asked for what is missing.
#[async_trait]
pub trait CrmAnswers: CrmDeals {
    /// Makes sure that the custom fields exist in which answers are shown on these records, creating what is missing; found
    /// again by name and type. Tells whether any was created: from then on it has to be read, too ([`Crm::prepare`]).
    async fn ready_to_answer(&self, on: AnsweredOn, class: Class) -> Called<bool>;

    /// Sets answers on a deal (`None` clears) and leaves all else alone.
    async fn answer_on_deal(
        &self,
        permit: Permit,
        id: DealId,
        changes: &BTreeMap<AnswerField, Option<String>>,
    ) -> Called<CrmDeal>;

    /// Sets answers on an organization (`None` clears) and leaves all else alone.
    async fn answer_on_org(
        &self,
        permit: Permit,
        id: OrgId,
        changes: &BTreeMap<AnswerField, Option<String>>,
    ) -> Called<()>;

    /// Tokens that one answer costs.
    fn price_of_answer(&self) -> u32;

    /// Makes an activity. Nothing makes that idempotent: it is looked for after a lost answer.
    async fn create_activity(&self, permit: Permit, activity: &NewActivity) -> Called<ActivityId>;

    /// The activity on a deal whose note has this text in it, done or not.
    async fn find_activity(&self, deal: DealId, marker: &str, class: Class) -> Called<Option<ActivityId>>;

    /// Changes an activity: the same again does no harm.
    async fn change_activity(&self, permit: Permit, id: ActivityId, change: &ActivityChange) -> Called<()>;

    /// Tokens that one activity costs, made or changed.
    fn price_of_activity(&self) -> u32;
}

/// The ERP, as far as its documents are concerned: headers, balances and installments (oracle-fusion.md 2, 3). Read only.
#[async_trait]
pub trait ErpDocuments: Send + Sync {
    /// One page of documents of a kind, as `read` asks for. The stamps of credit memos cannot be asked for: windows over them
    /// are refused with [`crate::error::ErrorKind::Rejected`].
    async fn documents(&self, kind: DocumentKind, read: DocumentRead) -> Called<Page<Document>>;

    /// One page of the invoices that have a balance and an id above `after`, by ascending id: a payment changes the balance
    /// and need not move the stamp.
    async fn open_invoices(&self, after: TransactionId) -> Called<Page<Document>>;

    /// The invoices with these ids (any number; read in hundreds). What is missing is left out.
    async fn invoices_by_id(&self, ids: &[TransactionId]) -> Called<Vec<Seen<Document>>>;

    /// What these invoices say beside their headers (any number; read in hundreds): their installments, and with `segments`
    /// their descriptive flexfields. What is missing is left out. Dear: pods take seconds for a hundred (4.1).
    async fn invoice_details(
        &self,
        ids: &[TransactionId],
        segments: bool,
    ) -> Called<BTreeMap<TransactionId, InvoiceDetails>>;
}

/// One page of documents to ask the ERP for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DocumentRead {
    /// Where the page begins.
    pub at: ErpRead,
    /// Only what was entered at this time or later, where the ERP can be asked for that: not for credit memos.
    pub created_since: Option<Timestamp>,
    /// Whether purchase orders shall tell their descriptive flexfield; other kinds have it among their details, or none.
    pub segments: bool,
}

/// The CRM, as far as deals show documents: which deals there are, and notes on them (pipedrive.md 6).
#[async_trait]
pub trait CrmDocuments: Send + Sync {
    /// One page of all open deals, by ascending id; those that are won come with [`CrmDeals::deals_won`].
    async fn deals_open(&self, cursor: Option<String>, class: Class) -> Called<Page<CrmDeal>>;

    /// The decimals of all currencies that the CRM knows.
    async fn currencies(&self, class: Class) -> Called<Currencies>;

    /// Makes sure that the custom fields exist in which deals show their documents, creating what is missing; found again by
    /// name and type. What is read afterwards has them.
    async fn ready_to_show(&self, class: Class) -> Called<()>;

    /// Sets fields of a deal (`None` clears), leaves all else alone, and gives the deal as it is then.
    async fn show_fields(&self, permit: Permit, deal: DealId, writes: &[FieldWrite]) -> Called<CrmDeal>;

    /// Writes a note on a deal, and gives what was kept of it. Not idempotent: doubts must be looked into.
    async fn create_note(&self, permit: Permit, deal: DealId, content: &str) -> Called<CrmNote>;

    /// Replaces what a note says, and gives what was kept of it.
    async fn update_note(&self, permit: Permit, note: NoteId, content: &str) -> Called<CrmNote>;

    /// Deletes a note; one that is not there is deleted.
    async fn delete_note(&self, permit: Permit, note: NoteId) -> Called<()>;

    /// A note as it is now; one that was deleted may still be there and says so.
    async fn note(&self, note: NoteId, class: Class) -> Called<Option<CrmNote>>;

    /// The notes that changed at `since` or later, by the CRM's clock, in no order and those of others too, as far as one page
    /// holds them; deleted ones are left out. Lists may lag.
    async fn notes_changed(&self, since: Timestamp, class: Class) -> Called<Page<CrmNote>>;

    /// All notes on a deal, those of others too: dear, and only for what is in doubt.
    async fn notes_of(&self, deal: DealId, class: Class) -> Called<Vec<CrmNote>>;

    /// Makes an activity. Nothing makes that idempotent: it is looked for after a lost answer.
    async fn tell_owner(&self, permit: Permit, activity: &NewActivity) -> Called<ActivityId>;

    /// Marks an activity as done: the same again does no harm.
    async fn end_activity(&self, permit: Permit, id: ActivityId) -> Called<()>;

    /// All activities on a deal with their notes, done or not: dear, and only for what is in doubt.
    async fn activities_on(&self, deal: DealId, class: Class) -> Called<Vec<(ActivityId, String)>>;

    /// Permission to send this write now, as [`Crm::permits`] gives it.
    async fn permit(&self, class: Class, write: &PageWrite) -> Called<Permit>;
}

/// The relationships of some parties.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LinkPage {
    /// The relationships.
    pub rows: Vec<Seen<ErpLink>>,
    /// The last of the parties; none when there was none to read on from.
    pub last: Option<PartyId>,
    /// Whether more parties follow.
    pub more: bool,
    /// The server's own clock when it answered.
    pub server_now: Timestamp,
}

/// The CRM, as far as organizations are concerned.
#[async_trait]
pub trait Crm: Send + Sync {
    /// Makes sure that every custom field of the field table exists, creating what is missing (found again by
    /// name and type, so doing it twice is doing it once), and remembers their codes. Must have succeeded once
    /// before anything else is called; called again after [`crate::error::ErrorKind::UnknownField`].
    async fn prepare(&self) -> Called<()>;

    /// As [`Crm::prepare`], but creates nothing: tells which custom fields are missing. What is read afterwards has none
    /// of them; whatever writes is refused with [`crate::error::ErrorKind::UnknownField`] while any is missing.
    async fn survey(&self) -> Called<Missing>;

    /// One page of all organizations that exist, by ascending id. `cursor` is the `next` of the page before.
    async fn orgs_walk(&self, cursor: Option<String>, class: Class) -> Called<Page<CrmOrg>>;

    /// One page of the organizations changed at or after `from` (used in whole seconds, rounded down), by
    /// ascending update time. The caller stops when it has seen enough; `cursor` is the `next` of the page before.
    async fn orgs_changed(
        &self,
        from: Timestamp,
        cursor: Option<String>,
        class: Class,
    ) -> Called<Page<CrmOrg>>;

    /// The organizations with these ids (any number; read in hundreds). Missing, deleted and invisible ones are left
    /// out; one that cannot be read is told as such, with its id, and spoils no other.
    async fn orgs_by_id(&self, ids: &[OrgId], class: Class) -> Called<Vec<Seen<CrmOrg>>>;

    /// Existing organizations whose ERP customer id is exactly this, by the CRM's search index (which lags), and
    /// those that the index names but that cannot be read.
    async fn orgs_by_origin(&self, party: PartyId, class: Class) -> Called<Vec<Seen<CrmOrg>>>;

    /// Waits until permits of this class would not have to wait for burst slots. Takes none: whoever stops waiting has lost
    /// nothing.
    async fn room(&self, class: Class);

    /// Permission to send up to `wanted` writes now that cost `each` tokens ([`Crm::price`]): tokens
    /// reserved, burst slots taken. Waits for burst slots, never for tokens. Gives at least one permit and never more
    /// than the next second can carry.
    async fn permits(&self, class: Class, each: u32, wanted: usize) -> Called<Vec<Permit>>;

    /// Takes back permits that will not be used: their tokens and places are free again.
    async fn give_back(&self, permits: Vec<Permit>);

    /// Creates an organization. Not idempotent: an error with [`crate::error::Effect::InDoubt`] must be looked into.
    async fn create_org(&self, permit: Permit, values: &Values) -> Called<CrmOrg>;

    /// Sets the given fields of an organization (`None` clears) and leaves all others alone.
    async fn update_org(
        &self,
        permit: Permit,
        id: OrgId,
        changes: &[(Field, Option<crate::value::Value>)],
    ) -> Called<CrmOrg>;

    /// Tokens that sending this step costs; 0 for steps that are not sent anywhere.
    fn price(&self, step: &Step) -> u32;

    /// Makes `parent` the parent of `daughter`. Not idempotent: doubts must be looked into. [`ErrorKind::Rejected`] may
    /// mean that they are related already, and so must be looked into too.
    ///
    /// [`ErrorKind::Rejected`]: crate::error::ErrorKind::Rejected
    async fn relate(&self, permit: Permit, parent: OrgId, daughter: OrgId) -> Called<Relation>;

    /// Ends a relation; one that is not there is ended.
    async fn unrelate(&self, permit: Permit, relation: RelationId) -> Called<()>;

    /// The parents and the daughters of an organization: dear, and only for what is in doubt.
    async fn relations_of(&self, org: OrgId, class: Class) -> Called<Vec<Relation>>;

    /// All subscriptions for webhooks that the CRM shows to us, those of others too.
    async fn subscriptions(&self, class: Class) -> Called<Vec<Subscription>>;

    /// Subscribes to every change of one kind of record, delivered to `address` with the user and password that the adapter
    /// was given. Not idempotent, but for the address: look whether it is there already.
    async fn subscribe(
        &self,
        class: Class,
        entity: HookEntity,
        address: &str,
        name: &str,
    ) -> Called<Subscription>;

    /// Ends a subscription; one that is not there is ended.
    async fn unsubscribe(&self, class: Class, id: SubscriptionId) -> Called<()>;

    /// What this adapter has spent so far.
    fn spent(&self) -> Spent;
}

/// Proof that one write may be sent now: its tokens are reserved and its burst slot is taken.
///
/// Only adapters make permits. One that is not used is to be given back ([`Crm::give_back`]); one that is lost with its
/// process keeps its tokens reserved for the day, which errs on the safe side.
#[derive(Debug)]
#[must_use = "a permit is paid for"]
pub struct Permit {
    class: Class,
    tokens: u32,
}

impl Permit {
    /// To be called by adapters alone, after the tokens were reserved.
    pub fn paid(class: Class, tokens: u32) -> Self {
        Self { class, tokens }
    }

    /// Class under which it was paid.
    #[must_use]
    pub fn class(&self) -> Class {
        self.class
    }

    /// Tokens reserved for it.
    #[must_use]
    pub fn tokens(&self) -> u32 {
        self.tokens
    }
}

/// The ledger of one connection's daily token budget, kept where all processes see it.
#[async_trait]
pub trait Spend: Send + Sync {
    /// Reserves up to `count` times `each` tokens for calls of `class` on the day of `now`. Returns how many of
    /// them were granted; none means that the class may spend nothing more before the returned time.
    async fn reserve(&self, class: Class, each: u32, count: u32, now: Timestamp)
    -> Result<Grant, SpendError>;

    /// Records what the remote system's headers say is left today; what others spent is the difference.
    async fn correct(&self, remaining: u64, now: Timestamp) -> Result<(), SpendError>;

    /// When anything was reserved last, today or yesterday: a burst window outlives the process that filled it.
    async fn last_spent(&self, now: Timestamp) -> Result<Option<Timestamp>, SpendError>;

    /// Gives back what was reserved on the day of `now` for calls that were surely never sent.
    async fn refund(&self, class: Class, each: u32, count: u32, now: Timestamp) -> Result<(), SpendError>;

    /// Records that the remote system itself said the budget is used up until `until`.
    async fn exhausted(&self, until: Timestamp, now: Timestamp) -> Result<(), SpendError>;
}

/// Answer of the ledger.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Grant {
    /// How many calls were paid for, 0 to `count`.
    pub granted: u32,
    /// When to ask again if `granted` is 0.
    pub retry_at: Timestamp,
}

/// The ledger could not be read or written.
#[derive(Debug, thiserror::Error)]
#[error("the spend ledger could not be used: {0}")]
pub struct SpendError(pub String);

/// Where rotated tokens are kept, sealed.
#[async_trait]
pub trait TokenVault: Send + Sync {
    /// The stored secret of this name, opened.
    async fn load(&self, name: &str) -> Result<Option<String>, VaultError>;

    /// Seals and stores a secret; durable when this returns.
    async fn save(&self, name: &str, secret: &str) -> Result<(), VaultError>;

    /// The same if what is stored is still `was`; tells whether it was.
    async fn swap(&self, name: &str, was: Option<&str>, secret: &str) -> Result<bool, VaultError>;
}

/// A secret could not be read or stored.
#[derive(Debug, thiserror::Error)]
#[error("stored credentials could not be used: {0}")]
pub struct VaultError(pub String);

/// Where the time comes from.
pub trait Clock: Send + Sync {
    /// Now, by the calendar. May jump when an operator or NTP sets it.
    fn now(&self) -> Timestamp;

    /// Time since some fixed moment, never jumping: for leases and pacing.
    fn monotonic(&self) -> SignedDuration {
        self.now().duration_since(Timestamp::UNIX_EPOCH)
    }
}

/// A clock that only moves when told to.
#[derive(Debug, Clone)]
pub struct ManualClock(Arc<Mutex<Timestamp>>);

impl ManualClock {
    /// A clock that shows `start`.
    #[must_use]
    pub fn at(start: Timestamp) -> Self {
        Self(Arc::new(Mutex::new(start)))
    }

    /// Moves on.
    pub fn advance(&self, by: SignedDuration) {
        let mut now = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *now += by;
    }

    /// Moves to `to`, never back.
    pub fn advance_to(&self, to: Timestamp) {
        let mut now = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *now = (*now).max(to);
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
