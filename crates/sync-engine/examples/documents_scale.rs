//! What documents cost at scale: many invoices on many deals, read, attached and shown by the real flow on a real store, between
//! two worlds that answer at once. Prints rows for docs/documents-scale.md.
//!
//! `cargo run --release -p sync-engine --example documents_scale -- INVOICES DEALS [CHANGED]`

#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::unwrap_used,
    reason = "a command-line tool that may end when something fails"
)]
#![expect(clippy::disallowed_methods, reason = "a stop watch")]

use std::{
    collections::{BTreeMap, BTreeSet},
    fs::File,
    os::unix::fs::FileExt as _,
    sync::{Arc, Mutex},
    time::Instant,
};

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp, ToSpan, tz::TimeZone};
use sync_core::{
    budget::Class,
    deals::{CrmDeal, CrmNote, CrmPerson, DealFacts, DealStatus},
    documents::{
        Currencies, Document, DocumentKind, DocumentPolicy, ErpInvoice, FieldWrite, How, Installment,
        InvoiceDetails, PageWrite, Pattern, ReferenceRule,
    },
    error::{CallError, ErrorKind},
    handover::{Directory, NewActivity},
    ids::{ActivityId, DealId, NoteId, OrgId, PartyId, PersonId, TransactionId},
    model::{Page, Seen},
    money::{Amount, Money},
    poll::{ErpRead, Pace},
    ports::{Called, Clock, CrmDeals, CrmDocuments, DocumentRead, ErpDocuments, Permit},
};
use sync_engine::{
    documents::{Did, DocumentFlow, DocumentRhythm, Place},
    lease::{Taker, Taking},
};
use sync_store::{StagedKind, StagedRow, Store, StoreOptions};

/// Rows of a page of the ERP (oracle-fusion.md 4.1).
const PAGE: usize = 500;

/// What was asked for.
#[derive(Debug, Default, Clone, Copy)]
struct Asked {
    erp_pages: u64,
    erp_details: u64,
    /// In tokens: a list of a hundred deals costs as much as ten (pipedrive.md 3).
    deals: u64,
    notes_read: u64,
    notes_listed: u64,
    fields: u64,
    notes: u64,
}

impl Asked {
    fn tokens(self) -> u64 {
        self.deals + 2 * self.notes_read + 20 * self.notes_listed + 5 * self.fields + 10 * self.notes
    }
}

/// A text in the file: where it begins and how long it is.
type Slot = (u64, usize);

struct State {
    now: Timestamp,
    asked: Asked,
    paid: BTreeMap<i64, Timestamp>,
    /// What fields and notes of deals say is kept in a file: the memory that is measured is ours.
    said: File,
    end: u64,
    fields: Vec<Slot>,
    notes: Vec<Slot>,
    changed_notes: BTreeMap<Timestamp, Vec<NoteId>>,
}

/// Both worlds: invoice `i` names deal `1 + i % deals`; a note has the number of its deal.
struct World {
    invoices: i64,
    deals: i64,
    state: Mutex<State>,
}

fn start() -> Timestamp {
    "2026-03-02T12:00:00Z".parse().unwrap()
}

fn at(id: i64) -> usize {
    usize::try_from(id).unwrap()
}

fn page<T>(rows: Vec<Seen<T>>, more: bool, server_now: Timestamp) -> Page<T> {
    Page { rows, more, next: None, server_now }
}

impl State {
    fn keep(&mut self, text: &str) -> Slot {
        let slot = (self.end, text.len());
        self.said.write_all_at(text.as_bytes(), self.end).unwrap();
        self.end += text.len() as u64;
        slot
    }

    fn kept(&self, (at, len): Slot) -> String {
        let mut bytes = vec![0; len];
        self.said.read_exact_at(&mut bytes, at).unwrap();
        String::from_utf8(bytes).unwrap()
    }

    fn deal(&self, id: DealId) -> CrmDeal {
        let slot = self.fields[at(id.0)];
        let rolled =
            if slot.1 == 0 { BTreeMap::new() } else { serde_json::from_str(&self.kept(slot)).unwrap() };
        CrmDeal {
            id,
            title: "Framework contract".to_owned(),
            status: DealStatus::Won,
            value: Some(Money { amount: Amount::parse("1000").unwrap(), currency: "EUR".to_owned() }),
            org: Some(OrgId(id.0)),
            person: None,
            owner: Some(7),
            pipeline: None,
            stage: None,
            won_at: Some(start()),
            added_at: Some(start()),
            expected_close: None,
            archived: false,
            updated_at: start(),
            custom: BTreeMap::new(),
            label_ids: Vec::new(),
            facts: DealFacts { rolled, ..DealFacts::default() },
        }
    }

    fn note(&self, id: NoteId) -> Option<CrmNote> {
        let slot = *self.notes.get(at(id.0))?;
        let (deal, content) = (Some(DealId(id.0)), self.kept(slot));
        (slot.1 > 0).then_some(CrmNote { id, deal, content, updated_at: None, deleted: false })
    }

    fn write_note(&mut self, id: NoteId, content: &str) -> CrmNote {
        self.asked.notes += 1;
        self.notes[at(id.0)] = self.keep(content);
        self.changed_notes.entry(self.now).or_default().push(id);
        self.note(id).unwrap()
    }
}

impl World {
    fn invoice(&self, id: i64, state: &State) -> Document {
        let paid = state.paid.get(&id).copied();
        let total = Amount::parse("119.00");
        let today = start().to_zoned(TimeZone::UTC).date();
        Document::from(&ErpInvoice {
            id: TransactionId(id),
            number: format!("INV-{id}"),
            party: Some(PartyId(300_000_000_000_000 + id % self.deals)),
            account_number: Some((100_000 + id % self.deals).to_string()),
            status: Some("Complete".to_owned()),
            currency: Some("EUR".to_owned()),
            entered: total,
            balance: if paid.is_some() { Some(Amount::ZERO) } else { total },
            date: Some(today.saturating_sub((id % 60).days())),
            due: Some("2026-04-30".parse().unwrap()),
            purchase_order: Some(format!("PD-{}", 1 + id % self.deals)),
            cross_reference: None,
            special_instructions: None,
            business_unit: Some("US1 Business Unit".to_owned()),
            updated_at: paid.unwrap_or(start() - SignedDuration::from_hours(24)),
        })
    }

    fn page(&self, state: &mut State, ids: impl Iterator<Item = i64>) -> Page<Document> {
        state.asked.erp_pages += 1;
        let ids: Vec<i64> = ids.take(PAGE).collect();
        let more = ids.len() == PAGE;
        let rows = ids.into_iter().map(|id| Seen::Record(self.invoice(id, state))).collect();
        page(rows, more, state.now)
    }
}

impl Clock for World {
    fn now(&self) -> Timestamp {
        self.state.lock().unwrap().now
    }
}

#[async_trait]
impl ErpDocuments for World {
    async fn documents(&self, _: DocumentKind, read: DocumentRead) -> Called<Page<Document>> {
        let mut state = self.state.lock().unwrap();
        Ok(match read.at {
            ErpRead::ById { after } => self.page(&mut state, after + 1..=self.invoices),
            ErpRead::Window { from, to } => {
                let within = |stamp: Timestamp| stamp >= from && to.is_none_or(|to| stamp < to);
                let changed: Vec<i64> =
                    state.paid.iter().filter(|(_, stamp)| within(**stamp)).map(|(id, _)| *id).collect();
                self.page(&mut state, changed.into_iter())
            }
            // Only if more than a page have one stamp.
            ErpRead::Tie { .. } => panic!("fewer are changed than fit on a page"),
        })
    }

    async fn open_invoices(&self, after: TransactionId) -> Called<Page<Document>> {
        let mut state = self.state.lock().unwrap();
        let paid = state.paid.clone();
        let open = (after.0 + 1..=self.invoices).filter(|id| !paid.contains_key(id));
        Ok(self.page(&mut state, open))
    }

    async fn invoices_by_id(&self, ids: &[TransactionId]) -> Called<Vec<Seen<Document>>> {
        let mut state = self.state.lock().unwrap();
        state.asked.erp_pages += (ids.len() as u64).div_ceil(100);
        Ok(ids.iter().map(|id| Seen::Record(self.invoice(id.0, &state))).collect())
    }

    async fn invoice_details(
        &self,
        ids: &[TransactionId],
        _: bool,
    ) -> Called<BTreeMap<TransactionId, InvoiceDetails>> {
        let mut state = self.state.lock().unwrap();
        state.asked.erp_details += (ids.len() as u64).div_ceil(100);
        let details = |id: &TransactionId| {
            let invoice = self.invoice(id.0, &state);
            let installment = Installment {
                id: id.0,
                due: invoice.due,
                original: invoice.total,
                balance: invoice.balance,
                paid: invoice.total.zip(invoice.balance).map(|(total, left)| Amount(total.0 - left.0)),
                credited: Some(Amount::ZERO),
            };
            InvoiceDetails { installments: Some(vec![installment]), segments: None }
        };
        Ok(ids.iter().map(|id| (*id, details(id))).collect())
    }
}

#[async_trait]
impl CrmDeals for World {
    async fn deals_won(&self, _: Option<String>, _: Class) -> Called<Page<CrmDeal>> {
        Ok(page(Vec::new(), false, start()))
    }

    async fn deals_changed(&self, _: Timestamp, _: Option<String>, _: Class) -> Called<Page<CrmDeal>> {
        Ok(page(Vec::new(), false, start()))
    }

    async fn deals_by_id(&self, ids: &[DealId], _: Class) -> Called<Vec<Seen<CrmDeal>>> {
        let mut state = self.state.lock().unwrap();
        state.asked.deals += ids.chunks(100).map(|some| (some.len() as u64).min(10)).sum::<u64>();
        Ok(ids.iter().map(|id| Seen::Record(state.deal(*id))).collect())
    }

    async fn person(&self, _: PersonId, _: Class) -> Called<Option<CrmPerson>> {
        Ok(None)
    }

    async fn company(&self) -> Called<i64> {
        Ok(1)
    }

    async fn directory(&self, _: Class) -> Called<Directory> {
        Err(CallError::without_effect("directory", ErrorKind::Missing, "nobody asks"))
    }
}

#[async_trait]
impl CrmDocuments for World {
    async fn deals_open(&self, _: Option<String>, _: Class) -> Called<Page<CrmDeal>> {
        Ok(page(Vec::new(), false, start()))
    }

    async fn currencies(&self, _: Class) -> Called<Currencies> {
        Ok(Currencies([("EUR".to_owned(), 2)].into()))
    }

    async fn ready_to_show(&self, _: Class) -> Called<()> {
        Ok(())
    }

    async fn show_fields(&self, _: Permit, id: DealId, writes: &[FieldWrite]) -> Called<CrmDeal> {
        let mut state = self.state.lock().unwrap();
        state.asked.fields += 1;
        let mut rolled = state.deal(id).facts.rolled;
        for write in writes {
            match &write.value {
                Some(value) => rolled.insert(write.field, value.clone()),
                None => rolled.remove(&write.field),
            };
        }
        let slot = state.keep(&serde_json::to_string(&rolled).unwrap());
        state.fields[at(id.0)] = slot;
        Ok(state.deal(id))
    }

    async fn create_note(&self, _: Permit, deal: DealId, content: &str) -> Called<CrmNote> {
        Ok(self.state.lock().unwrap().write_note(NoteId(deal.0), content))
    }

    async fn update_note(&self, _: Permit, id: NoteId, content: &str) -> Called<CrmNote> {
        Ok(self.state.lock().unwrap().write_note(id, content))
    }

    async fn delete_note(&self, _: Permit, id: NoteId) -> Called<()> {
        self.state.lock().unwrap().notes[at(id.0)] = (0, 0);
        Ok(())
    }

    async fn note(&self, id: NoteId, _: Class) -> Called<Option<CrmNote>> {
        let mut state = self.state.lock().unwrap();
        state.asked.notes_read += 1;
        Ok(state.note(id))
    }

    async fn notes_changed(&self, since: Timestamp, _: Class) -> Called<Page<CrmNote>> {
        let mut state = self.state.lock().unwrap();
        state.asked.notes_listed += 1;
        let (changed, now) = (state.changed_notes.range(since..), state.now);
        let ids: Vec<NoteId> = changed.flat_map(|(_, ids)| ids).copied().take(PAGE + 1).collect();
        let rows = ids.iter().take(PAGE).filter_map(|id| state.note(*id).map(Seen::Record)).collect();
        Ok(page(rows, ids.len() > PAGE, now))
    }

    async fn notes_of(&self, deal: DealId, _: Class) -> Called<Vec<CrmNote>> {
        Ok(self.state.lock().unwrap().note(NoteId(deal.0)).into_iter().collect())
    }

    async fn tell_owner(&self, _: Permit, _: &NewActivity) -> Called<ActivityId> {
        Err(CallError::without_effect("activities", ErrorKind::Missing, "nobody asks"))
    }

    async fn end_activity(&self, _: Permit, _: ActivityId) -> Called<()> {
        Ok(())
    }

    async fn activities_on(&self, _: DealId, _: Class) -> Called<Vec<(ActivityId, String)>> {
        Ok(Vec::new())
    }

    async fn permit(&self, class: Class, _: &PageWrite) -> Called<Permit> {
        Ok(Permit::paid(class, 10))
    }
}

const RHYTHM: DocumentRhythm = DocumentRhythm {
    poll_every: SignedDuration::from_mins(15),
    balances_every: SignedDuration::from_hours(24 * 30),
    sweep_every: SignedDuration::from_hours(24 * 30),
    since: SignedDuration::from_hours(24 * 90),
    pace: Pace { overlap: SignedDuration::from_mins(10), safety: SignedDuration::from_secs(1) },
    t_effect: SignedDuration::from_mins(2),
    settle: SignedDuration::from_mins(1),
    freshness: SignedDuration::from_secs(5),
    notes_listed_from: 10,
    notes_freshness: SignedDuration::from_secs(30),
};

/// Works until nothing is due: what was asked for, statements run, and how long it took.
async fn cycle(world: &World, place: &mut Place, flow: &mut DocumentFlow) -> (Asked, u64, f64) {
    world.state.lock().unwrap().asked = Asked::default();
    let (before, began) = (place.store.statements(), Instant::now());
    for turn in 1_u64.. {
        place.lease.renew().await.unwrap();
        let (now, all) = (world.now(), Class::Backfill);
        let did = [
            flow.read_documents(place, all, now).await.unwrap(),
            flow.find_deals(place, all, now).await.unwrap(),
            flow.show_documents(place, all, now).await.unwrap(),
        ];
        let mut idle = true;
        for did in did {
            match did {
                Did::Nothing => {}
                Did::Something => idle = false,
                Did::Failed { error, .. } => panic!("{error}"),
            }
        }
        if idle {
            break;
        }
        if turn.is_multiple_of(10_000) {
            eprintln!("{turn} turns: {:?}", world.state.lock().unwrap().asked);
        }
    }
    let asked = world.state.lock().unwrap().asked;
    (asked, place.store.statements() - before, began.elapsed().as_secs_f64())
}

/// The most memory that this process had, in megabytes.
fn peak() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() / 1024
}

/// Deals as the walk over them leaves them.
async fn stage_deals(place: &Place, world: &World) {
    let ids: Vec<i64> = (1..=world.deals).collect();
    for some in ids.chunks(PAGE) {
        let row = |id: &i64| StagedRow {
            id: *id,
            party: None,
            parent: Some(*id),
            stamp: start(),
            hash: "1".to_owned(),
            body: serde_json::to_string(&world.state.lock().unwrap().deal(DealId(*id))).unwrap(),
            malformed: None,
        };
        let rows: Vec<StagedRow> = some.iter().map(row).collect();
        let mut tx = place.store.write(place.lease.fence()).await.unwrap();
        tx.stage(StagedKind::Deal, &rows, start(), 0).await.unwrap();
        tx.commit().await.unwrap();
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let mut arguments = std::env::args().skip(1).map(|argument| argument.parse::<i64>().unwrap());
    let (invoices, deals) = (arguments.next().unwrap_or(50_000), arguments.next().unwrap_or(10_000));
    let changed = arguments.next().unwrap_or(100);
    let folder = tempfile::tempdir().unwrap();
    let said = folder.path().join("said");
    let said = File::options().create_new(true).read(true).write(true).open(said).unwrap();
    let (asked, slots) = (Asked::default(), vec![(0, 0); at(deals + 1)]);
    let (fields, notes) = (slots.clone(), slots);
    let (paid, changed_notes) = (BTreeMap::new(), BTreeMap::new());
    let state = State { now: start(), asked, paid, said, end: 0, fields, notes, changed_notes };
    let world = Arc::new(World { invoices, deals, state: Mutex::new(state) });
    let url = format!("sqlite://{}", folder.path().join("store.db").display());
    let store = Store::open(&url, StoreOptions { durable: false, gate: None }).await.unwrap();
    store.migrate().await.unwrap();
    let connection = store.ensure_connection("acme", "{}", start()).await.unwrap();
    let clock: Arc<dyn Clock> = world.clone();
    let mut taker = Taker::new("one".to_owned(), SignedDuration::from_secs(10));
    let lease = match taker.try_take(&store, connection, &clock).await.unwrap() {
        Taking::Taken(lease) => lease,
        Taking::Held { owner, .. } => panic!("{owner} has it"),
    };
    let mut tx = store.write(lease.fence()).await.unwrap();
    let run = tx.begin_run("run", start()).await.unwrap();
    tx.commit().await.unwrap();
    let reference = ReferenceRule {
        kinds: BTreeSet::new(),
        field: "PurchaseOrder".parse().unwrap(),
        how: How::Pattern(Pattern::parse("PD-{deal_id}").unwrap()),
        source_system: None,
    };
    let kinds = [DocumentKind::Invoice].into();
    let policy = DocumentPolicy { kinds, references: vec![reference], ..DocumentPolicy::default() };
    let mut flow = DocumentFlow::new(policy, (world.clone(), world.clone(), world.clone()), RHYTHM);
    let mut place = Place { store, lease, clock, run };
    stage_deals(&place, &world).await;

    let later = |minutes: i64| world.state.lock().unwrap().now += SignedDuration::from_mins(minutes);
    let first = cycle(&world, &mut place, &mut flow).await;
    later(16);
    let quiet = cycle(&world, &mut place, &mut flow).await;
    let mut told = vec![(format!("all {invoices}"), first), ("none".to_owned(), quiet)];
    // The first time, what notes say is not known yet.
    for (round, what) in (0..).zip([format!("{changed}"), format!("{changed} others")]) {
        later(16);
        {
            let mut state = world.state.lock().unwrap();
            let stamp = state.now - SignedDuration::from_mins(5);
            // Each on a deal of its own.
            let step = (deals / changed).max(1);
            state.paid.extend((0..changed).map(|nth| (1 + nth * step + round * deals, stamp)));
        }
        told.push((what, cycle(&world, &mut place, &mut flow).await));
    }
    for (what, (asked, statements, seconds)) in told {
        let Asked { erp_pages, erp_details, deals: read, notes_read, notes_listed, fields, notes } = asked;
        let tokens = asked.tokens();
        println!(
            "| {invoices} | {deals} | {what} | {erp_pages} + {erp_details} | {read} | {fields} | {notes_read} + {notes_listed} | {notes} | {tokens} | {statements} | {seconds:.1} s | {} MB |",
            peak()
        );
    }
}
