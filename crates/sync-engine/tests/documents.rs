//! Documents on deals, with a store and small worlds behind the ports: read, matched, shown, whatever gets lost.
//!
//! It is long on purpose: all stories are about the same two small worlds.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
};

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp, civil::Date};
use sync_core::{
    budget::Class,
    deals::{CrmDeal, CrmNote, CrmPerson, DealFacts, DealStatus},
    documents::{
        Currencies, Document, DocumentKind, DocumentPolicy, ErpInvoice, ErpSalesOrder, FieldWrite, How,
        Installment, InvoiceDetails, PageWrite, Pattern, ReferenceRule, RollUpField, RollUpValue,
    },
    error::{CallError, ErrorKind},
    fields::Values,
    handover::{Directory, NewActivity, Subject},
    ids::{ActivityId, ConnectionId, DealId, NoteId, OrgId, PartyId, PersonId, SalesOrderId, TransactionId},
    model::{Page, Seen},
    money::{Amount, Money},
    pair::Pair,
    poll::{ErpRead, Pace},
    ports::{Called, Clock, CrmDeals, CrmDocuments, DocumentRead, ErpDocuments, Permit},
};
use sync_engine::{
    EngineError,
    documents::{Did, DocumentFlow, DocumentRhythm, Place},
    lease::{Lease, Taker, Taking},
};
use sync_store::{DecisionKey, DocumentId, NewPageIntent, StagedKind, Store, StoreOptions};

/// What becomes of the next write of a note.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    Answered,
    /// It takes effect, and the answer is lost.
    LostAfter,
    /// It is lost on the way.
    LostBefore,
    Refused,
}

struct State {
    now: Timestamp,
    invoices: BTreeMap<i64, (Document, Timestamp)>,
    orders: BTreeMap<i64, (Document, Timestamp)>,
    deals: BTreeMap<DealId, CrmDeal>,
    notes: BTreeMap<NoteId, CrmNote>,
    /// What activities say, and whether they are done.
    activities: BTreeMap<ActivityId, (String, bool)>,
    fate: Fate,
    /// For so long the process is frozen while it waits for its permit.
    frozen: SignedDuration,
    /// So many notes fit on a page.
    notes_page: usize,
    /// What the next list of changed notes fails with.
    no_list: Option<CallError>,
    /// Nobody may make custom fields.
    no_room: bool,
    /// Everything that was asked of the CRM.
    calls: Vec<String>,
    /// What was credited of invoices, as their installments say.
    credited: BTreeMap<i64, Amount>,
    /// The invoices of which details were asked for.
    detailed: Vec<i64>,
    /// Nobody may see details.
    no_details: bool,
}

/// Both worlds.
struct World(Mutex<State>);

impl Clock for World {
    fn now(&self) -> Timestamp {
        self.0.lock().unwrap().now
    }
}

fn start() -> Timestamp {
    "2026-03-02T12:00:00Z".parse().unwrap()
}

fn day(text: &str) -> Date {
    text.parse().unwrap()
}

fn page<T>(rows: Vec<Seen<T>>, server_now: Timestamp) -> Page<T> {
    Page { rows, more: false, next: None, server_now }
}

#[async_trait]
impl ErpDocuments for World {
    async fn documents(&self, kind: DocumentKind, read: DocumentRead) -> Called<Page<Document>> {
        let state = self.0.lock().unwrap();
        let since = read.created_since.unwrap();
        let within = |(document, created): &&(Document, Timestamp)| {
            let stamp = document.updated_at.unwrap();
            *created >= since
                && match read.at {
                    ErpRead::ById { after } => document.key.id > after,
                    ErpRead::Window { from, to } => stamp >= from && to.is_none_or(|to| stamp < to),
                    ErpRead::Tie { .. } => false,
                }
        };
        let of_kind = match kind {
            DocumentKind::Invoice => state.invoices.clone(),
            DocumentKind::SalesOrder => state.orders.clone(),
            DocumentKind::CreditMemo | DocumentKind::PurchaseOrder => BTreeMap::new(),
        };
        let rows =
            of_kind.values().filter(within).map(|(document, _)| Seen::Record(document.clone())).collect();
        Ok(page(rows, state.now))
    }

    async fn open_invoices(&self, after: TransactionId) -> Called<Page<Document>> {
        let state = self.0.lock().unwrap();
        let open = |document: &&Document| document.key.id > after.0 && !document.balance.unwrap().is_zero();
        let rows = state.invoices.values().map(|(document, _)| document).filter(open);
        Ok(page(rows.cloned().map(Seen::Record).collect(), state.now))
    }

    async fn invoices_by_id(&self, ids: &[TransactionId]) -> Called<Vec<Seen<Document>>> {
        let state = self.0.lock().unwrap();
        Ok(ids.iter().filter_map(|id| Some(Seen::Record(state.invoices.get(&id.0)?.0.clone()))).collect())
    }

    async fn invoice_details(
        &self,
        ids: &[TransactionId],
        segments: bool,
    ) -> Called<BTreeMap<TransactionId, InvoiceDetails>> {
        let mut state = self.0.lock().unwrap();
        state.detailed.extend(ids.iter().map(|id| id.0));
        if state.no_details {
            return Err(CallError::without_effect("details", ErrorKind::Forbidden, "not for you"));
        }
        let installment = |id: &TransactionId| Installment {
            id: id.0,
            due: None,
            original: Amount::parse("1000"),
            balance: None,
            paid: Some(Amount::ZERO),
            credited: Some(state.credited.get(&id.0).copied().unwrap_or(Amount::ZERO)),
        };
        let details = |id: &TransactionId| InvoiceDetails {
            installments: Some(vec![installment(id)]),
            segments: segments.then(BTreeMap::new),
        };
        Ok(ids.iter().map(|id| (*id, details(id))).collect())
    }
}

#[async_trait]
impl CrmDeals for World {
    async fn deals_won(&self, _: Option<String>, _: Class) -> Called<Page<CrmDeal>> {
        Ok(page(Vec::new(), start()))
    }

    async fn deals_changed(&self, _: Timestamp, _: Option<String>, _: Class) -> Called<Page<CrmDeal>> {
        Ok(page(Vec::new(), start()))
    }

    async fn deals_by_id(&self, ids: &[DealId], _: Class) -> Called<Vec<Seen<CrmDeal>>> {
        let mut state = self.0.lock().unwrap();
        state.calls.push(format!("{} deals", ids.len()));
        Ok(ids.iter().filter_map(|id| state.deals.get(id).cloned().map(Seen::Record)).collect())
    }

    async fn person(&self, _: PersonId, _: Class) -> Called<Option<CrmPerson>> {
        Ok(None)
    }

    async fn company(&self) -> Called<i64> {
        Ok(1)
    }

    async fn directory(&self, _: Class) -> Called<Directory> {
        Ok(Directory::default())
    }
}

impl World {
    fn write<T>(&self, what: &str, act: impl FnOnce(&mut State) -> T) -> Called<T> {
        let mut state = self.0.lock().unwrap();
        state.calls.push(what.to_owned());
        let transient = || ErrorKind::Transient { after: None };
        match std::mem::replace(&mut state.fate, Fate::Answered) {
            Fate::Answered => Ok(act(&mut state)),
            Fate::LostAfter => {
                act(&mut state);
                Err(CallError::in_doubt("notes", transient(), "lost"))
            }
            Fate::LostBefore => Err(CallError::in_doubt("notes", transient(), "lost")),
            Fate::Refused => Err(CallError::without_effect("notes", ErrorKind::Rejected, "no")),
        }
    }
}

#[async_trait]
impl CrmDocuments for World {
    async fn deals_open(&self, _: Option<String>, _: Class) -> Called<Page<CrmDeal>> {
        Ok(page(Vec::new(), start()))
    }

    async fn currencies(&self, _: Class) -> Called<Currencies> {
        Ok(Currencies([("EUR".to_owned(), 2)].into()))
    }

    async fn ready_to_show(&self, _: Class) -> Called<()> {
        let refused = self.0.lock().unwrap().no_room;
        let error = || CallError::without_effect("fields", ErrorKind::Forbidden, "no room");
        if refused { Err(error()) } else { Ok(()) }
    }

    async fn show_fields(&self, _: Permit, id: DealId, writes: &[FieldWrite]) -> Called<CrmDeal> {
        self.write(&format!("{} fields of {id}", writes.len()), |state| {
            let deal = state.deals.get_mut(&id).unwrap();
            for write in writes {
                match &write.value {
                    Some(value) => deal.facts.rolled.insert(write.field, value.clone()),
                    None => deal.facts.rolled.remove(&write.field),
                };
            }
            deal.clone()
        })
    }

    async fn create_note(&self, _: Permit, deal: DealId, content: &str) -> Called<CrmNote> {
        self.write(&format!("create on {deal}"), |state| {
            let id = NoteId(1 + state.notes.len() as i64);
            // The CRM keeps another form of what was sent.
            let content = content.replace("<p>", "<p class=\"kept\">");
            let updated_at = Some(state.now);
            let note = CrmNote { id, deal: Some(deal), content, updated_at, deleted: false };
            state.notes.insert(id, note.clone());
            note
        })
    }

    async fn update_note(&self, _: Permit, id: NoteId, content: &str) -> Called<CrmNote> {
        self.write(&format!("update {id}"), |state| {
            let now = state.now;
            let note = state.notes.get_mut(&id).filter(|note| !note.deleted)?;
            (note.content, note.updated_at) = (content.to_owned(), Some(now));
            Some(note.clone())
        })?
        .ok_or_else(|| CallError::without_effect("notes", ErrorKind::Missing, "deleted"))
    }

    async fn delete_note(&self, _: Permit, id: NoteId) -> Called<()> {
        self.write(&format!("delete {id}"), |state| state.notes.get_mut(&id).unwrap().deleted = true)
    }

    async fn note(&self, id: NoteId, _: Class) -> Called<Option<CrmNote>> {
        let mut state = self.0.lock().unwrap();
        state.calls.push(format!("read {id}"));
        Ok(state.notes.get(&id).cloned())
    }

    async fn notes_changed(&self, since: Timestamp, _: Class) -> Called<Page<CrmNote>> {
        let mut state = self.0.lock().unwrap();
        state.calls.push("list of changed".to_owned());
        if let Some(error) = state.no_list.take() {
            return Err(error);
        }
        let changed = state.notes.values().filter(|note| !note.deleted && note.updated_at >= Some(since));
        let rows: Vec<CrmNote> = changed.cloned().collect();
        let more = rows.len() > state.notes_page;
        let rows = rows.into_iter().take(state.notes_page).map(Seen::Record).collect();
        Ok(Page { more, ..page(rows, state.now) })
    }

    async fn notes_of(&self, deal: DealId, _: Class) -> Called<Vec<CrmNote>> {
        let mut state = self.0.lock().unwrap();
        state.calls.push(format!("list of {deal}"));
        Ok(state.notes.values().filter(|note| note.deal == Some(deal) && !note.deleted).cloned().collect())
    }

    async fn tell_owner(&self, _: Permit, activity: &NewActivity) -> Called<ActivityId> {
        self.write(&format!("tell {:?}: {}", activity.owner, activity.words.subject), |state| {
            let id = ActivityId(1 + state.activities.len() as i64);
            state.activities.insert(id, (activity.words.note.clone(), false));
            id
        })
    }

    async fn end_activity(&self, _: Permit, id: ActivityId) -> Called<()> {
        self.write(&format!("end {id}"), |state| state.activities.get_mut(&id).unwrap().1 = true)
    }

    async fn activities_on(&self, deal: DealId, _: Class) -> Called<Vec<(ActivityId, String)>> {
        let mut state = self.0.lock().unwrap();
        state.calls.push(format!("activities of {deal}"));
        Ok(state.activities.iter().map(|(id, (note, _))| (*id, note.clone())).collect())
    }

    async fn permit(&self, class: Class, _: &PageWrite) -> Called<Permit> {
        let mut state = self.0.lock().unwrap();
        let frozen = std::mem::take(&mut state.frozen);
        state.now += frozen;
        Ok(Permit::paid(class, 10))
    }
}

struct Story {
    world: Arc<World>,
    place: Place,
    flow: DocumentFlow,
    now: Timestamp,
    _folder: tempfile::TempDir,
}

const RHYTHM: DocumentRhythm = DocumentRhythm {
    poll_every: SignedDuration::from_mins(15),
    balances_every: SignedDuration::from_hours(6),
    sweep_every: SignedDuration::from_hours(24),
    since: SignedDuration::from_hours(24 * 90),
    pace: Pace { overlap: SignedDuration::from_mins(10), safety: SignedDuration::from_secs(1) },
    t_effect: SignedDuration::from_mins(2),
    settle: SignedDuration::from_mins(1),
    freshness: SignedDuration::from_secs(5),
    notes_listed_from: 10,
    notes_freshness: SignedDuration::from_secs(30),
};

fn flow(world: &Arc<World>) -> DocumentFlow {
    let how = How::Pattern(Pattern::parse("PD-{deal_id}").unwrap());
    let rule = |field: &str| ReferenceRule {
        kinds: Default::default(),
        field: field.parse().unwrap(),
        how: how.clone(),
        source_system: None,
    };
    let references = vec![rule("PurchaseOrder"), rule("CustomerPONumber")];
    let policy = DocumentPolicy { references, fields: Default::default(), ..DocumentPolicy::default() };
    DocumentFlow::new(policy, (world.clone(), world.clone(), world.clone()), RHYTHM)
}

/// The connection, which nobody else has.
async fn take(store: &Store, connection: ConnectionId, clock: &Arc<dyn Clock>) -> Lease {
    let mut taker = Taker::new("one".to_owned(), SignedDuration::from_secs(10));
    match taker.try_take(store, connection, clock).await.unwrap() {
        Taking::Taken(lease) => lease,
        Taking::Held { owner, .. } => panic!("{owner} has it"),
    }
}

impl Story {
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let url = format!("sqlite://{}", folder.path().join("story.db").display());
        let store = Store::open(&url, StoreOptions { durable: false, gate: None }).await.unwrap();
        store.migrate().await.unwrap();
        let connection = store.ensure_connection("acme", "{}", start()).await.unwrap();
        let state = State {
            now: start(),
            invoices: BTreeMap::new(),
            orders: BTreeMap::new(),
            deals: [81, 82].map(|id| (DealId(id), deal(id))).into(),
            notes: BTreeMap::new(),
            activities: BTreeMap::new(),
            fate: Fate::Answered,
            frozen: SignedDuration::ZERO,
            notes_page: 100,
            no_list: None,
            no_room: false,
            calls: Vec::new(),
            credited: BTreeMap::new(),
            detailed: Vec::new(),
            no_details: false,
        };
        let world = Arc::new(World(Mutex::new(state)));
        let clock: Arc<dyn Clock> = world.clone();
        let lease = take(&store, connection, &clock).await;
        let mut tx = store.write(lease.fence()).await.unwrap();
        let run = tx.begin_run("run", start()).await.unwrap();
        let pair = Pair {
            party: PartyId(300),
            org: OrgId(11),
            erp_mirror: Values::new(),
            crm_mirror: Values::new(),
            written: BTreeMap::new(),
        };
        tx.put_pairs(&[pair], start()).await.unwrap();
        tx.commit().await.unwrap();
        let flow = flow(&world);
        Self { world, place: Place { store, lease, clock, run }, flow, now: start(), _folder: folder }
    }

    fn edit(&self, act: impl FnOnce(&mut State)) {
        act(&mut self.world.0.lock().unwrap());
    }

    /// An invoice as it stands now, entered or changed.
    fn enter(&self, id: i64, po: Option<&str>, balance: &str) {
        let now = self.now;
        self.edit(|state| {
            state.invoices.insert(id, (invoice(id, po, balance, now), now));
        });
    }

    fn advance(&mut self, by: SignedDuration) {
        self.now += by;
        let now = self.now;
        self.edit(|state| state.now = now);
    }

    /// Until nothing is due; what was asked of the CRM meanwhile.
    async fn cycle(&mut self) -> String {
        self.edit(|state| state.calls.clear());
        self.place.lease.renew().await.unwrap();
        for _ in 0..100 {
            let mut idle = true;
            for turn in 0..3 {
                let did = match turn {
                    0 => self.flow.read_documents(&self.place, Class::Backfill, self.now).await.unwrap(),
                    1 => self.flow.find_deals(&self.place, Class::Backfill, self.now).await.unwrap(),
                    _ => self.flow.show_documents(&self.place, Class::Backfill, self.now).await.unwrap(),
                };
                match did {
                    Did::Nothing => {}
                    Did::Something => idle = false,
                    Did::Failed { error, .. } => panic!("{error}"),
                }
            }
            if idle {
                return self.world.0.lock().unwrap().calls.join(", ");
            }
        }
        panic!("no end");
    }

    async fn key_of(&self, id: i64) -> (DecisionKey, Option<DealId>) {
        let mut tx = self.place.store.read(self.place.lease.fence().connection).await.unwrap();
        let id = DocumentId { kind: StagedKind::Invoice, id };
        let (decided, _) = tx.documents(&[id]).await.unwrap().remove(&id).unwrap().decided.unwrap();
        (decided.key, decided.deal)
    }

    async fn staged_deal(&self, id: i64) -> CrmDeal {
        let mut tx = self.place.store.read(self.place.lease.fence().connection).await.unwrap();
        let staged = tx.staged(StagedKind::Deal, &[id]).await.unwrap().remove(&id).unwrap();
        serde_json::from_str(&staged.row.body).unwrap()
    }

    fn notes_on(&self, deal: i64) -> Vec<String> {
        let state = self.world.0.lock().unwrap();
        let here = state.notes.values().filter(|note| note.deal == Some(DealId(deal)) && !note.deleted);
        here.map(|note| note.content.clone()).collect()
    }
}

fn deal(id: i64) -> CrmDeal {
    CrmDeal {
        id: DealId(id),
        title: "Contract".to_owned(),
        status: DealStatus::Won,
        value: Some(Money { amount: Amount::parse("1000").unwrap(), currency: "EUR".to_owned() }),
        org: Some(OrgId(11)),
        person: None,
        owner: Some(7),
        pipeline: None,
        stage: None,
        won_at: Some("2026-02-01T00:00:00Z".parse().unwrap()),
        added_at: Some("2026-01-01T00:00:00Z".parse().unwrap()),
        expected_close: None,
        archived: false,
        updated_at: start(),
        custom: BTreeMap::new(),
        label_ids: Vec::new(),
        facts: DealFacts::default(),
    }
}

fn invoice(id: i64, po: Option<&str>, balance: &str, updated_at: Timestamp) -> Document {
    Document::from(&ErpInvoice {
        id: TransactionId(id),
        number: format!("INV-{id}"),
        party: Some(PartyId(300)),
        account_number: Some("10061".to_owned()),
        status: Some("Complete".to_owned()),
        currency: Some("EUR".to_owned()),
        entered: Amount::parse("1000"),
        balance: Amount::parse(balance),
        date: Some(day("2026-02-10")),
        due: Some(day("2026-04-10")),
        purchase_order: po.map(str::to_owned),
        cross_reference: None,
        special_instructions: None,
        business_unit: None,
        updated_at,
    })
}

const POLL: SignedDuration = SignedDuration::from_mins(16);

#[tokio::test]
async fn issued_paid_and_moved() {
    let mut story = Story::new().await;
    story.enter(1, Some("PD-81"), "1000");
    story.enter(2, Some("Our PD-81, again"), "1000");
    assert_eq!(story.cycle().await, "1 deals, 1 deals, create on 81", "many documents are one note");
    let note = story.notes_on(81);
    assert!(note.len() == 1 && note[0].contains("INV-1") && note[0].contains("INV-2"), "{note:?}");
    story.advance(POLL);
    assert_eq!(story.cycle().await, "", "an unchanged cycle asks nothing of the CRM");

    // A payment moves no stamp.
    story.edit(|state| state.invoices.get_mut(&1).unwrap().0.balance = Amount::parse("0"));
    story.advance(POLL);
    assert_eq!(story.cycle().await, "");
    story.advance(RHYTHM.balances_every);
    assert_eq!(story.cycle().await, "1 deals, read 1, update 1");
    assert!(story.notes_on(81)[0].contains("paid"));

    story.enter(2, Some("PD-82"), "1000");
    story.advance(POLL);
    assert_eq!(story.cycle().await, "1 deals, 2 deals, read 1, update 1, create on 82");
    assert!(!story.notes_on(81)[0].contains("INV-2") && story.notes_on(82)[0].contains("INV-2"));
    story.enter(1, Some("PD-82"), "0");
    story.advance(POLL);
    assert_eq!(story.cycle().await, "2 deals, read 1, delete 1, read 2, update 2");
    assert_eq!(story.notes_on(81), Vec::<String>::new());
}

/// They are dear: asked for of what is new or changed, and a refusal stops nothing.
#[tokio::test]
async fn details_are_asked_for_when_a_header_changed_and_missed_without_harm() {
    let mut story = Story::new().await;
    let asked = |story: &Story| std::mem::take(&mut story.world.0.lock().unwrap().detailed);
    for id in [1, 2] {
        story.enter(id, Some("PD-81"), "1000");
    }
    story.cycle().await;
    assert_eq!(asked(&story), [1, 2]);
    story.advance(POLL);
    story.cycle().await;
    assert_eq!(asked(&story), Vec::<i64>::new(), "nothing changed");
    let close = |story: &Story, id: i64| {
        story.edit(|state| {
            state.invoices.get_mut(&id).unwrap().0.balance = Amount::parse("0");
            state.credited.insert(id, Amount::parse("1000").unwrap());
        });
    };
    // Payments are seen where balances are.
    let balances = SignedDuration::from_hours(7);
    close(&story, 1);
    story.advance(balances);
    story.cycle().await;
    assert_eq!(asked(&story), [1]);
    assert!(story.notes_on(81)[0].contains("credited"), "{:?}", story.notes_on(81));

    story.edit(|state| state.no_details = true);
    close(&story, 2);
    for expected in [vec![2], vec![]] {
        story.advance(balances);
        story.cycle().await;
        assert_eq!(asked(&story), expected, "a refusal is not asked for again at once");
    }
    assert!(story.notes_on(81)[0].contains("paid"), "the header is gone by: {:?}", story.notes_on(81));
    story.edit(|state| state.no_details = false);
    story.advance(SignedDuration::from_hours(25));
    story.cycle().await;
    assert_eq!(asked(&story), [2], "a sweep comes by it again");
    assert!(!story.notes_on(81)[0].contains("paid"), "{:?}", story.notes_on(81));

    // A rule goes by a flexfield from now on: a sweep asks for it once.
    let how = How::Pattern(Pattern::parse("{deal_id}").unwrap());
    let field = "DFF:dealId".parse().unwrap();
    let rule = ReferenceRule { kinds: Default::default(), field, how, source_system: None };
    story.flow.policy.references.push(rule);
    for expected in [vec![1, 2], vec![]] {
        story.advance(SignedDuration::from_hours(25));
        story.cycle().await;
        assert_eq!(asked(&story), expected);
    }
}

#[tokio::test]
async fn what_names_no_deal_is_matched_by_its_customer_or_waits() {
    let mut story = Story::new().await;
    story.enter(1, Some("PD-81"), "1000");
    story.enter(2, None, "1000");
    story.enter(3, Some("PD-99"), "1000");
    story.cycle().await;
    assert_eq!(story.key_of(3).await, (DecisionKey::Unmatched, None), "it names a deal that never was");
    // Deal 81 is known by now: it is the customer's only one.
    story.advance(RHYTHM.sweep_every + POLL);
    story.cycle().await;
    assert_eq!(story.key_of(2).await, (DecisionKey::Attached, Some(DealId(81))));
    story.edit(|state| {
        state.invoices.remove(&1);
    });
    story.enter(4, Some("PD-82"), "1000");
    story.advance(POLL);
    story.cycle().await;
    assert_eq!(story.key_of(2).await, (DecisionKey::Attached, Some(DealId(81))), "it stays where it is");
    story.enter(5, None, "1000");
    story.advance(POLL);
    story.cycle().await;
    assert_eq!(story.key_of(5).await, (DecisionKey::Ambiguous, None), "two deals fit as well");
}

#[tokio::test]
async fn documents_that_are_older_than_the_settings_say_are_not_read() {
    let mut story = Story::new().await;
    let (now, old) = (story.now, story.now - RHYTHM.since - POLL);
    story.edit(|state| {
        state.invoices.insert(1, (invoice(1, Some("PD-81"), "1000", now), old));
    });
    assert_eq!(story.cycle().await, "");
    story.advance(RHYTHM.balances_every);
    assert_eq!(story.cycle().await, "", "not by its balance either");
}

#[tokio::test]
async fn a_note_whose_answer_is_lost_is_never_written_twice_and_never_lost() {
    for fate in [Fate::LostAfter, Fate::LostBefore] {
        let mut story = Story::new().await;
        story.enter(1, Some("PD-81"), "1000");
        story.edit(|state| state.fate = fate);
        assert_eq!(story.cycle().await, "1 deals, 1 deals, create on 81");
        story.advance(SignedDuration::from_mins(2));
        assert_eq!(story.cycle().await, "", "nobody may tell yet");
        // Whoever goes on is another process.
        story.flow = flow(&story.world);
        story.advance(SignedDuration::from_mins(2));
        let looked = story.cycle().await;
        let expected =
            if fate == Fate::LostAfter { "1 deals, list of 81" } else { "1 deals, list of 81, create on 81" };
        assert_eq!(looked, expected);
        assert_eq!(story.notes_on(81).len(), 1, "{fate:?}");
        story.advance(POLL);
        assert_eq!(story.cycle().await, "");
    }
}

#[tokio::test]
async fn a_process_that_dies_after_its_intent_is_followed_by_one_that_looks_first() {
    for happened in [false, true] {
        let mut story = Story::new().await;
        story.enter(1, Some("PD-81"), "1000");
        story.edit(|state| state.fate = Fate::Refused);
        let content = "<p>Invoices</p> [erp-sync:invoice:deal:81]".to_owned();
        let mut tx = story.place.store.write(story.place.lease.fence()).await.unwrap();
        let new = NewPageIntent {
            deal: DealId(81),
            kind: "create_note".to_owned(),
            body: serde_json::json!({ "create_note": { "kind": "invoice" } }).to_string(),
            reason: String::new(),
            class: Class::Document,
            origin: "document poll".to_owned(),
        };
        tx.open_page_intents(story.place.run, &[new], story.now).await.unwrap();
        tx.commit().await.unwrap();
        if happened {
            let note =
                CrmNote { id: NoteId(1), deal: Some(DealId(81)), content, updated_at: None, deleted: false };
            story.edit(|state| {
                state.notes.insert(NoteId(1), note);
            });
        }
        story.edit(|state| state.fate = Fate::Answered);
        assert_eq!(story.cycle().await, "1 deals, 1 deals", "nothing is written before it can be told");
        story.advance(SignedDuration::from_mins(4));
        let looked = story.cycle().await;
        let expected =
            if happened { "1 deals, list of 81, update 1" } else { "1 deals, list of 81, create on 81" };
        assert_eq!(looked, expected);
        assert_eq!(story.notes_on(81).len(), 1);
    }
}

/// Nothing but activities: what gets lost is one of them.
async fn telling() -> Story {
    let mut story = Story::new().await;
    let how = How::Pattern(Pattern::parse("PD-{deal_id}").unwrap());
    let field = "PurchaseOrder".parse().unwrap();
    let rule = ReferenceRule { kinds: Default::default(), field, how, source_system: None };
    let policy = DocumentPolicy {
        references: vec![rule],
        fields: Default::default(),
        note: false,
        overdue_activity: true,
        ..DocumentPolicy::default()
    };
    let world = &story.world;
    story.flow = DocumentFlow::new(policy, (world.clone(), world.clone(), world.clone()), RHYTHM);
    story
}

#[tokio::test]
async fn owners_are_told_once_of_what_is_overdue_and_no_longer_than_it_is() {
    let tell = "tell Some(7): Overdue: invoice INV-1";
    for (fate, looked) in [
        (Fate::Answered, String::new()),
        (Fate::LostAfter, "1 deals, activities of 81".to_owned()),
        (Fate::LostBefore, format!("1 deals, activities of 81, {tell}")),
    ] {
        let mut story = telling().await;
        story.enter(1, Some("PD-81"), "1000");
        assert_eq!(story.cycle().await, "1 deals, 1 deals", "it is not due yet");
        story.advance(SignedDuration::from_hours(24 * 40));
        story.edit(|state| state.fate = fate);
        assert_eq!(story.cycle().await, format!("1 deals, {tell}"));
        story.advance(SignedDuration::from_mins(4));
        assert_eq!(story.cycle().await, looked);
        story.advance(SignedDuration::from_hours(24));
        assert_eq!(story.cycle().await, "", "once");
        story.enter(1, Some("PD-81"), "0");
        story.advance(POLL);
        assert_eq!(story.cycle().await, "1 deals, end 1");
        let activities = story.world.0.lock().unwrap().activities.clone();
        assert!(activities.len() == 1 && activities.values().all(|(_, done)| *done), "{activities:?}");
        story.advance(SignedDuration::from_hours(24));
        assert_eq!(story.cycle().await, "");
    }
}

#[tokio::test]
async fn after_a_restore_activities_are_looked_for_before_anybody_is_told_again() {
    let mut story = telling().await;
    story.enter(1, Some("PD-81"), "1000");
    story.cycle().await;
    story.advance(SignedDuration::from_hours(24 * 40));
    assert_eq!(story.cycle().await, "1 deals, tell Some(7): Overdue: invoice INV-1");
    // The store is one of before: it does not know of the activity.
    let mut tx = story.place.store.write(story.place.lease.fence()).await.unwrap();
    tx.put_page_shown(DealId(81), None, story.now).await.unwrap();
    tx.commit().await.unwrap();
    story.place.store.came_back(true, story.now).await.unwrap();
    story.enter(1, Some("PD-81"), "900");
    let connection = story.place.lease.fence().connection;
    story.place.lease = take(&story.place.store, connection, &story.place.clock).await;
    story.advance(POLL);
    assert_eq!(story.cycle().await, "1 deals, list of 81, activities of 81", "its notes, too");
    story.enter(2, Some("PD-81"), "1000");
    story.advance(POLL);
    assert_eq!(story.cycle().await, "1 deals, tell Some(7): Overdue: invoice INV-2", "looked for once");
    assert_eq!(story.world.0.lock().unwrap().activities.len(), 2);
}

#[tokio::test]
async fn an_activity_that_may_not_be_ended_is_left_as_it_is() {
    let mut story = telling().await;
    story.enter(1, Some("PD-81"), "1000");
    story.cycle().await;
    story.advance(SignedDuration::from_hours(24 * 40));
    story.cycle().await;
    story.enter(1, Some("PD-81"), "0");
    story.advance(POLL);
    story.edit(|state| state.fate = Fate::Refused);
    assert_eq!(story.cycle().await, "1 deals, end 1");
    story.advance(SignedDuration::from_hours(48));
    assert_eq!(story.cycle().await, "", "nobody tries again");
}

#[tokio::test]
async fn a_refused_note_is_tried_again_later_and_stops_no_other() {
    let mut story = Story::new().await;
    story.enter(1, Some("PD-81"), "1000");
    story.enter(2, Some("PD-82"), "1000");
    story.edit(|state| state.fate = Fate::Refused);
    assert_eq!(story.cycle().await, "2 deals, 2 deals, create on 81, create on 82");
    assert_eq!(story.notes_on(81).len(), 0);
    story.advance(POLL);
    assert_eq!(story.cycle().await, "1 deals, create on 81");
    assert_eq!((story.notes_on(81).len(), story.notes_on(82).len()), (1, 1));
}

#[tokio::test]
async fn a_won_deal_that_a_document_shows_first_is_handed_over_all_the_same() {
    for (since, expected) in [("2026-01-15T00:00:00Z", true), ("2026-02-15T00:00:00Z", false)] {
        let mut story = Story::new().await;
        let mut tx = story.place.store.write(story.place.lease.fence()).await.unwrap();
        let begun = serde_json::json!({ "since": since, "company": 1 });
        tx.put_cursor("handovers", &begun, story.now).await.unwrap();
        tx.commit().await.unwrap();
        story.enter(1, Some("PD-81"), "1000");
        story.cycle().await;
        let mut tx = story.place.store.read(story.place.lease.fence().connection).await.unwrap();
        let asked = tx.handover(Subject::Org(OrgId(11))).await.unwrap().is_some();
        assert_eq!(asked, expected, "won on 2026-02-01, counting since {since}");
    }
}

#[tokio::test]
async fn a_process_whose_lease_ran_out_while_it_waited_sends_nothing() {
    let mut story = Story::new().await;
    story.enter(1, Some("PD-81"), "1000");
    story.flow.read_documents(&story.place, Class::Backfill, story.now).await.unwrap();
    story.flow.find_deals(&story.place, Class::Backfill, story.now).await.unwrap();
    story.edit(|state| state.frozen = SignedDuration::from_secs(30));
    let shown = story.flow.show_documents(&story.place, Class::Backfill, story.now).await;
    assert!(matches!(shown, Err(EngineError::LeaseLost)), "{shown:?}");
    assert_eq!(story.notes_on(81), Vec::<String>::new());
    // Whoever goes on cannot tell that nothing was sent, and looks.
    story.now = story.world.now();
    story.flow = flow(&story.world);
    story.cycle().await;
    story.advance(SignedDuration::from_mins(4));
    assert_eq!(story.cycle().await, "1 deals, list of 81, create on 81");
}

fn rolled(story: &Story, deal: i64, field: RollUpField) -> Option<RollUpValue> {
    story.world.0.lock().unwrap().deals[&DealId(deal)].facts.rolled.get(&field).cloned()
}

fn euros(amount: &str) -> Option<RollUpValue> {
    let amount = Amount::parse(amount).unwrap();
    Some(RollUpValue::Money(Money { amount, currency: "EUR".to_owned() }))
}

/// A story whose deals have fields, too.
async fn with_fields() -> Story {
    let mut story = Story::new().await;
    story.flow.policy.fields = RollUpField::DEFAULT.into();
    story
}

#[tokio::test]
async fn fields_say_what_the_documents_come_to_and_what_people_write_over_is_mended_once() {
    let mut story = with_fields().await;
    story.enter(1, Some("PD-81"), "400");
    assert_eq!(story.cycle().await, "1 deals, 1 deals, 5 fields of 81, create on 81");
    assert_eq!(rolled(&story, 81, RollUpField::OpenBalance), euros("400"));
    story.enter(2, Some("PD-81"), "1000");
    story.advance(POLL);
    // The day on which the oldest is due stays as it was.
    assert_eq!(story.cycle().await, "1 deals, read 1, 4 fields of 81, update 1");
    assert_eq!(rolled(&story, 81, RollUpField::InvoicedTotal), euros("2000"));
    // A person writes over it, twice.
    for expected in ["1 deals, 1 fields of 81", "1 deals"] {
        story.edit(|state| {
            let deal = state.deals.get_mut(&DealId(81)).unwrap();
            deal.facts.rolled.insert(RollUpField::OpenBalance, RollUpValue::Text("mine".to_owned()));
        });
        let mut tx = story.place.store.write(story.place.lease.fence()).await.unwrap();
        tx.enqueue_deal_pages(&[DealId(81)], Class::Document, story.now, "poll").await.unwrap();
        tx.commit().await.unwrap();
        assert_eq!(story.cycle().await, expected);
    }
    let mut tx = story.place.store.read(story.place.lease.fence().connection).await.unwrap();
    let asked = tx.page_questions(None, None, 10).await.unwrap();
    assert_eq!(asked.len(), 1, "never a third time: a person is asked");
}

#[tokio::test]
async fn fields_whose_answer_is_lost_are_set_once_and_cleared_when_their_documents_go() {
    for fate in [Fate::LostAfter, Fate::LostBefore] {
        let mut story = with_fields().await;
        story.flow.policy.note = false;
        story.enter(1, Some("PD-81"), "400");
        story.edit(|state| state.fate = fate);
        assert_eq!(story.cycle().await, "1 deals, 1 deals, 5 fields of 81");
        story.advance(SignedDuration::from_mins(4));
        let again = if fate == Fate::LostAfter { "1 deals" } else { "1 deals, 5 fields of 81" };
        assert_eq!(story.cycle().await, again, "{fate:?}");
        story.enter(1, Some("PD-82"), "400");
        story.advance(POLL);
        story.cycle().await;
        assert_eq!(rolled(&story, 81, RollUpField::OpenBalance), None, "{fate:?}");
        assert_eq!(rolled(&story, 82, RollUpField::OpenBalance), euros("400"), "{fate:?}");
    }
}

#[tokio::test]
async fn without_room_for_fields_there_are_notes_alone() {
    let mut story = with_fields().await;
    story.edit(|state| state.no_room = true);
    story.enter(1, Some("PD-81"), "400");
    assert_eq!(story.cycle().await, "1 deals, 1 deals, create on 81");
    assert_eq!(story.notes_on(81).len(), 1);
    story.edit(|state| state.no_room = false);
    story.advance(RHYTHM.sweep_every + POLL);
    story.enter(2, Some("PD-81"), "1000");
    assert_eq!(story.cycle().await, "1 deals, read 1, 5 fields of 81, update 1", "tried again a day later");
}

#[tokio::test]
async fn an_invoice_follows_its_order_to_the_deal_and_on_to_another() {
    let mut story = Story::new().await;
    let enter = |story: &Story, po: &str| {
        let (now, customer_po) = (story.now, Some(po.to_owned()));
        let order = Document::from(&ErpSalesOrder {
            id: SalesOrderId(7),
            number: "SO-7".to_owned(),
            party: Some(PartyId(300)),
            source_system: Some("OPS".to_owned()),
            source_number: None,
            customer_po,
            status: Some("OPEN".to_owned()),
            currency: Some("EUR".to_owned()),
            updated_at: now,
        });
        story.edit(|state| {
            state.orders.insert(7, (order, now));
        });
    };
    story.enter(1, Some("our 4711"), "1000");
    story.edit(|state| {
        let invoice = &mut state.invoices.get_mut(&1).unwrap().0;
        invoice.references.insert("CrossReference".parse().unwrap(), "SO-7".to_owned());
    });
    story.cycle().await;
    assert_eq!(story.key_of(1).await, (DecisionKey::Unmatched, None), "its order is not known yet");
    enter(&story, "PD-81");
    story.advance(POLL);
    story.cycle().await;
    assert_eq!(story.key_of(1).await, (DecisionKey::Attached, Some(DealId(81))));
    story.advance(POLL);
    enter(&story, "PD-82");
    story.advance(POLL);
    story.cycle().await;
    assert_eq!(story.key_of(1).await, (DecisionKey::Attached, Some(DealId(82))), "at once, not a day later");
}

/// Lists do not show what is archived: back as it was before, it would be no news to anybody who had not remembered that.
#[tokio::test]
async fn a_deal_that_was_archived_or_gone_when_it_was_read_is_looked_at_once_it_is_back() {
    let mut story = Story::new().await;
    story.enter(1, Some("PD-81"), "1000");
    story.enter(2, Some("PD-82"), "1000");
    story.cycle().await;
    assert!(!story.staged_deal(81).await.archived);

    let taken = {
        let mut state = story.world.0.lock().unwrap();
        state.deals.get_mut(&DealId(81)).unwrap().archived = true;
        state.deals.remove(&DealId(82)).unwrap()
    };
    story.advance(POLL);
    story.enter(1, Some("PD-81"), "400");
    story.enter(2, Some("PD-82"), "400");
    let asked = story.cycle().await;
    assert!(!asked.contains("update"), "{asked}");
    assert!(story.staged_deal(81).await.archived, "so that the list that shows it again tells something new");

    // Restored before any walk missed it.
    story.edit(|state| {
        state.deals.insert(DealId(82), taken);
    });
    story.advance(POLL);
    assert_eq!(story.cycle().await, "", "not asked for each quarter of an hour");
    story.advance(RHYTHM.sweep_every);
    let asked = story.cycle().await;
    assert!(asked.contains("update"), "{asked}");
    assert!(story.notes_on(82)[0].contains("400.00"), "{:?}", story.notes_on(82));
}

impl Story {
    /// A person writes into a note.
    fn scribble(&self, id: i64, text: &str) {
        let now = self.now;
        self.edit(|state| {
            let note = state.notes.get_mut(&NoteId(id)).unwrap();
            note.content.push_str(text);
            note.updated_at = Some(now);
        });
    }

    /// Both invoices change; what is asked of the CRM then.
    async fn both_change(&mut self, balance: &str) -> String {
        self.advance(POLL);
        self.enter(1, Some("PD-81"), balance);
        self.enter(2, Some("PD-82"), balance);
        self.cycle().await
    }

    async fn with_two_notes() -> Self {
        let mut story = Self::new().await;
        story.flow.rhythm.notes_listed_from = 1;
        assert_eq!(story.both_change("1000").await, "2 deals, 2 deals, create on 81, create on 82");
        story
    }

    async fn last_before(&self) -> String {
        let mut tx = self.place.store.read(self.place.lease.fence().connection).await.unwrap();
        let journal = tx.journal(None, None, 100).await.unwrap();
        let details = journal.into_iter().filter_map(|row| row.entry.detail);
        details.map(|detail| detail["before"].to_string()).collect::<Vec<_>>().join(" ")
    }
}

#[tokio::test]
async fn what_notes_say_is_read_once_and_then_a_list_tells_what_changed() {
    let mut story = Story::with_two_notes().await;
    let first = story.both_change("900").await;
    assert_eq!(first, "2 deals, list of changed, read 1, update 1, read 2, update 2");
    assert_eq!(story.both_change("800").await, "2 deals, list of changed, update 1, update 2");
    // What is not in the list says what it said.
    story.advance(POLL);
    story.scribble(2, "<p>Called them</p>");
    assert_eq!(story.both_change("700").await, "2 deals, list of changed, update 1, read 2, update 2");
    assert!(
        story.last_before().await.contains("Called them"),
        "what a person wrote is in the journal (law 4)"
    );
    assert!(story.notes_on(82)[0].contains("700.00") && !story.notes_on(82)[0].contains("Called"));
    assert_eq!(story.both_change("600").await, "2 deals, list of changed, update 1, update 2");
    // Where few wait each is read by itself.
    story.flow.rhythm.notes_listed_from = 3;
    assert_eq!(story.both_change("500").await, "2 deals, read 1, update 1, read 2, update 2");
}

#[tokio::test]
async fn a_note_that_no_list_shows_as_deleted_stays_deleted() {
    let mut story = Story::with_two_notes().await;
    story.both_change("900").await;
    story.edit(|state| state.notes.get_mut(&NoteId(1)).unwrap().deleted = true);
    assert_eq!(story.both_change("800").await, "2 deals, list of changed, update 1, read 1, update 2");
    assert_eq!(story.both_change("700").await, "2 deals, list of changed, update 2");
    assert_eq!((story.notes_on(81).len(), story.notes_on(82).len()), (0, 1));
}

#[tokio::test]
async fn lists_without_an_end_are_given_up_for_an_hour_and_lists_that_cannot_be_read_too() {
    let mut story = Story::with_two_notes().await;
    let (listed, read) = (
        "2 deals, list of changed, read 1, update 1, read 2, update 2",
        "2 deals, read 1, update 1, read 2, update 2",
    );
    assert_eq!(story.both_change("900").await, listed);
    // One that does not end tells nothing of notes, and the next one begins anew.
    story.edit(|state| state.notes_page = 0);
    assert_eq!(story.both_change("800").await, listed);
    assert_eq!(story.both_change("700").await, listed, "twice in a row: changes are not told apart");
    for balance in ["600", "500", "400"] {
        assert_eq!(story.both_change(balance).await, read);
    }
    story.edit(|state| state.notes_page = 100);
    assert_eq!(story.both_change("300").await, listed, "an hour later");
    let unreadable = CallError::without_effect("notes", ErrorKind::Unreadable, "not a list");
    story.edit(|state| state.no_list = Some(unreadable));
    assert_eq!(story.both_change("200").await, listed);
    assert_eq!(story.both_change("100").await, read);
}
