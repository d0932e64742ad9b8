//! Documents in the ERP of a simulation, and the people of finance who enter, pay, credit, correct and cancel them.
//!
//! Longer than 600 lines: one set of papers, and the deeds that change them.
//!
//! A payment changes a balance and seldom moves the stamp. Stamps may be older than the moment at which a row becomes visible,
//! as everywhere in this ERP.

use std::collections::BTreeMap;

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp, ToSpan, civil::Date, tz::TimeZone};
use sync_core::{
    documents::{
        Document, DocumentKey, DocumentKind, DocumentPolicy, ErpCreditMemo, ErpInvoice, ErpPurchaseOrder,
        ErpSalesOrder, How, Installment, InvoiceDetails, NoteFor, Pattern, ReferenceField, ReferenceRule,
        RollUpField,
    },
    error::{CallError, ErrorKind},
    fields::Field,
    ids::{DealId, PartyId, PurchaseOrderId, SalesOrderId, TransactionId},
    model::{Page, Seen},
    money::Amount,
    poll::{ErpRead, floor_ms},
    ports::{Called, DocumentRead, ErpDocuments},
};

use super::{
    deals::sells,
    erp::{newest_visible, page},
    world::{OVERLAP, Version, World, Worlds},
};

/// How old documents may be that are read first.
pub(crate) const SINCE: SignedDuration = SignedDuration::from_hours(90 * 24);

/// More of them tell nothing new and take time.
const MOST: usize = 16;

/// More of them are not cancelled.
const MOST_GONE: usize = 5;

/// One hundredth of a unit.
const CENT: i64 = 100;

/// Whether documents are shown in a life that creates no customers.
pub(crate) fn alone(seed: u64) -> bool {
    matches!(seed % 252, 20 | 41 | 104)
}

/// Whether documents are shown in this life: in some of those that create customers, too.
pub(crate) fn shows(seed: u64) -> bool {
    alone(seed) || sells(seed) && matches!(seed % 280, 12 | 65)
}

/// How it is decided in this life.
fn policy(seed: u64) -> DocumentPolicy {
    let mut rng = fastrand::Rng::with_seed(seed ^ 0x7061_7065);
    let rule = |field| {
        let how = How::Pattern(Pattern::parse("PD-{deal_id}").ok()?);
        Some(ReferenceRule { kinds: Default::default(), field, how, source_system: None })
    };
    let fields =
        [ReferenceField::PurchaseOrder, ReferenceField::SourceTransactionNumber, ReferenceField::Description];
    let all = rng.bool();
    DocumentPolicy {
        references: fields.into_iter().filter_map(rule).collect(),
        match_by_customer: false,
        fields: if all { RollUpField::ALL.into() } else { RollUpField::DEFAULT.into() },
        note_for: if rng.bool() { NoteFor::All } else { NoteFor::OpenAndRecent },
        recreate_notes: rng.u32(..3) == 0,
        overdue_activity: rng.u32(..2) == 0,
        ..DocumentPolicy::default()
    }
}

/// What finance has.
pub(crate) struct Papers {
    /// Whether any of it plays a part.
    pub(crate) on: bool,
    pub(crate) rng: fastrand::Rng,
    pub(crate) policy: DocumentPolicy,
    pub(crate) all: BTreeMap<DocumentKey, Paper>,
    next: i64,
}

impl Papers {
    pub(crate) fn new(seed: u64) -> Self {
        Self {
            on: shows(seed),
            rng: fastrand::Rng::with_seed(seed ^ 0x646f_6375),
            policy: policy(seed),
            all: BTreeMap::new(),
            next: 300_000_400_000_000,
        }
    }
}

/// A document and what became of it.
pub(crate) struct Paper {
    versions: Vec<Version<Sheet>>,
    created: Timestamp,
    /// Somebody deleted it.
    gone: bool,
}

/// What a document says.
#[derive(Debug, Clone)]
pub(crate) struct Sheet {
    pub(crate) number: String,
    pub(crate) party: Option<PartyId>,
    pub(crate) account: Option<String>,
    pub(crate) complete: bool,
    status: &'static str,
    pub(crate) currency: &'static str,
    pub(crate) total: i64,
    pub(crate) paid: i64,
    pub(crate) credited: i64,
    /// Somebody took a payment back.
    reversed: bool,
    pub(crate) date: Date,
    /// Each part with the day on which it is due.
    parts: Vec<(Date, i64)>,
    /// Where it may name a deal.
    pub(crate) reference: Option<String>,
    /// The number of the document that it belongs to.
    pub(crate) cross: Option<String>,
}

impl Sheet {
    pub(crate) fn balance(&self) -> i64 {
        self.total - self.paid - self.credited
    }

    pub(crate) fn status(&self) -> &'static str {
        self.status
    }

    /// What was paid, credited and left of each part, payments first; the last part takes what is too much.
    fn installments(&self) -> Vec<Installment> {
        let (mut paid, mut credited) = (self.paid, self.credited);
        let last = self.parts.len().saturating_sub(1);
        let mut all = Vec::new();
        for (at, (due, original)) in (0..).zip(&self.parts) {
            let is_last = usize::try_from(at).is_ok_and(|at| at == last);
            let by_payment = if is_last { paid } else { paid.min(*original) };
            let by_credit = if is_last { credited } else { credited.min(original - by_payment) };
            paid -= by_payment;
            credited -= by_credit;
            all.push(Installment {
                id: at,
                due: Some(*due),
                original: Some(Amount(*original)),
                balance: Some(Amount(original - by_payment - by_credit)),
                paid: Some(Amount(by_payment)),
                credited: Some(Amount(by_credit)),
            });
        }
        all
    }

    /// What is left of its parts, with the days on which they are due.
    pub(crate) fn left(&self) -> Vec<(Date, i64)> {
        let left = |part: Installment| Some((part.due?, part.balance?.0));
        self.installments().into_iter().filter_map(left).filter(|(_, left)| *left > 0).collect()
    }
}

impl Paper {
    /// What the ERP says of it now.
    pub(crate) fn now(&self, now: Timestamp) -> Option<&Sheet> {
        self.version(now).map(|version| &version.record)
    }

    /// Whether it was entered recently enough to be read.
    pub(crate) fn is_read(&self, kind: DocumentKind, start: Timestamp) -> bool {
        kind == DocumentKind::CreditMemo || self.created >= start - SINCE + SignedDuration::from_hours(24)
    }

    fn version(&self, now: Timestamp) -> Option<&Version<Sheet>> {
        newest_visible(&self.versions, now).filter(|_| !self.gone)
    }

    /// The newest version, if nobody has the row locked.
    fn unlocked(&mut self, now: Timestamp) -> Option<&mut Version<Sheet>> {
        let newest = self.versions.iter_mut().max_by_key(|version| version.stamp)?;
        (newest.visible_at <= now && newest.stamp < now && !self.gone).then_some(newest)
    }
}

fn document(key: DocumentKey, version: &Version<Sheet>) -> Document {
    let Version { record: sheet, stamp, .. } = version;
    let (number, currency) = (sheet.number.clone(), Some(sheet.currency.to_owned()));
    let (reference, cross) = (sheet.reference.clone(), sheet.cross.clone());
    let (account_number, updated_at) = (sheet.account.clone(), floor_ms(*stamp));
    match key.kind {
        DocumentKind::Invoice => Document::from(&ErpInvoice {
            id: TransactionId(key.id),
            number,
            party: sheet.party,
            account_number,
            status: Some(if sheet.complete { "Complete" } else { "Incomplete" }.to_owned()),
            currency,
            entered: Some(Amount(sheet.total)),
            balance: Some(Amount(sheet.balance())),
            date: Some(sheet.date),
            due: sheet.parts.first().map(|(due, _)| *due),
            purchase_order: reference,
            cross_reference: cross,
            special_instructions: None,
            business_unit: None,
            updated_at,
        }),
        DocumentKind::CreditMemo => Document::from(&ErpCreditMemo {
            id: TransactionId(key.id),
            number,
            account_number,
            currency,
            entered: Some(Amount(-sheet.total)),
            date: Some(sheet.date),
            purchase_order: reference,
            cross_reference: cross,
        }),
        DocumentKind::SalesOrder => Document::from(&ErpSalesOrder {
            id: SalesOrderId(key.id),
            number,
            party: sheet.party,
            source_system: Some("PIPEDRIVE".to_owned()),
            source_number: reference,
            customer_po: None,
            status: Some(sheet.status.to_owned()),
            currency,
            updated_at,
        }),
        DocumentKind::PurchaseOrder => Document::from(&ErpPurchaseOrder {
            id: PurchaseOrderId(key.id),
            number,
            supplier: sheet.party,
            status: Some(sheet.status.to_owned()),
            total: Some(Amount(sheet.total)),
            currency,
            description: reference,
            reference: None,
            sales_order: cross,
            segments: BTreeMap::new(),
            updated_at,
        }),
    }
}

impl Worlds {
    /// What there is before we come: some of it too old to be read.
    pub(crate) fn populate_papers(&mut self, now: Timestamp) {
        if !self.papers.on {
            return;
        }
        for _ in 0..self.papers.rng.usize(0..4) {
            let days = self.papers.rng.i64(1..20);
            let stamp = now - SignedDuration::from_hours(24 * days);
            self.enter_paper(stamp, stamp);
        }
        if self.papers.rng.bool() {
            let old = now - SINCE - SignedDuration::from_hours(24 * 9);
            self.enter_paper(old, old);
        }
    }

    /// One plausible edit of finance.
    pub(crate) fn edit_papers(&mut self, now: Timestamp) {
        let late = if self.papers.rng.u32(..5) == 0 {
            SignedDuration::from_secs(self.papers.rng.i64(1..OVERLAP.as_secs() - 60))
        } else {
            SignedDuration::ZERO
        };
        let visible_at = now + late;
        let few = self.papers.all.len() < 3;
        match self.papers.rng.u32(..20) {
            0..5 => self.enter_paper(now, visible_at),
            _ if few => self.enter_paper(now, visible_at),
            5..9 => self.pay(now),
            9 | 10 => self.credit(now),
            11..14 => {
                let reference = self.any_reference();
                self.rewrite("another reference", (now, visible_at), |sheet| sheet.reference = reference);
            }
            14 | 15 => self.rewrite("complete, or not any more", (now, visible_at), |sheet| {
                sheet.complete = !sheet.complete;
            }),
            16 => self.rewrite("another status", (now, visible_at), |sheet| {
                sheet.status = if sheet.status == "OPEN" { "CLOSED" } else { "OPEN" };
            }),
            17 => self.rewrite("touched", (now, visible_at), |_| {}),
            18 => {
                let more = self.papers.rng.i64(1..900) * 100 * CENT;
                self.rewrite("another total", (now, visible_at), |sheet| {
                    sheet.total += more;
                    if let Some((_, last)) = sheet.parts.last_mut() {
                        *last += more;
                    }
                });
            }
            _ => self.cancel(now),
        }
    }

    /// What a document says about its deal: most name one, some none, two or one that never was.
    fn any_reference(&mut self) -> Option<String> {
        let deals: Vec<DealId> = self.sales.deals.keys().copied().collect();
        let rng = &mut self.papers.rng;
        let mut one = || deals.get(rng.usize(..deals.len().max(1))).copied().unwrap_or(DealId(81));
        let (first, second) = (one(), one());
        match rng.u32(..14) {
            0 => None,
            1 => Some("as agreed".to_owned()),
            2 => Some(format!("PD-{first} and PD-{second}")),
            3 => Some("PD-9".to_owned()),
            4..7 => Some(format!("our order pd-{first}")),
            _ => Some(format!("PD-{first}")),
        }
    }

    /// The customer of the deal that is named, mostly.
    fn party_for(&mut self, reference: Option<&str>) -> Option<PartyId> {
        let named = reference.and_then(|said| deals_named(said).into_iter().next());
        let org = named.and_then(|deal| self.sales.deals.get(&deal)?.now.org);
        let party = org.and_then(|org| {
            self.orgs.get(&org)?.values.get(&Field::ErpCustomerId)?.text().parse().ok().map(PartyId)
        });
        let chosen = self.papers.rng.usize(..self.parties.len().max(1));
        match self.papers.rng.u32(..8) {
            0 => self.parties.keys().nth(chosen).copied().map(PartyId),
            1 | 2 => None,
            _ => party,
        }
    }

    fn enter_paper(&mut self, stamp: Timestamp, visible_at: Timestamp) {
        if self.papers.all.len() >= MOST {
            return;
        }
        let reference = self.any_reference();
        let party = self.party_for(reference.as_deref());
        let kind = match self.papers.rng.u32(..9) {
            0..5 => DocumentKind::Invoice,
            5 => DocumentKind::CreditMemo,
            6 | 7 => DocumentKind::SalesOrder,
            _ => DocumentKind::PurchaseOrder,
        };
        let cross = self.belongs_to(kind);
        let rng = &mut self.papers.rng;
        self.papers.next += rng.i64(1..5);
        let id = self.papers.next;
        let serial = id % 10_000;
        let day = stamp.to_zoned(TimeZone::UTC).date();
        let first = day.saturating_add(rng.i32(-8..40).days());
        let odd = rng.u32(..5) == 0;
        let total = rng.i64(1..90_000) * 100 * CENT + if odd { rng.i64(1..CENT) } else { 0 };
        let parts = if odd || rng.bool() {
            vec![(first, total)]
        } else {
            let half = total / 2 / CENT * CENT;
            vec![(first, half), (first.saturating_add(20.days()), total - half)]
        };
        let number = format!("{}-{serial}", prefix(kind));
        let sheet = Sheet {
            number: number.clone(),
            party,
            account: Some(format!("A{}", party.map_or(0, |party| party.0 % 7))),
            complete: rng.u32(..5) > 0,
            status: "OPEN",
            currency: if rng.u32(..6) == 0 { "EUR" } else { "USD" },
            total,
            paid: 0,
            credited: 0,
            reversed: false,
            date: day,
            parts,
            reference,
            cross,
        };
        self.tell(
            stamp,
            format!(
                "people: finance enters {number} of {party:?} saying {:?} and {:?}, {}complete (visible at {visible_at})",
                sheet.reference,
                sheet.cross,
                if sheet.complete { "" } else { "in" }
            ),
        );
        let versions = vec![Version { record: sheet, stamp, visible_at }];
        self.papers.all.insert(DocumentKey { kind, id }, Paper { versions, created: stamp, gone: false });
    }

    /// The number of another document, now and then.
    fn belongs_to(&mut self, kind: DocumentKind) -> Option<String> {
        let of = match kind {
            DocumentKind::Invoice | DocumentKind::PurchaseOrder => DocumentKind::SalesOrder,
            DocumentKind::CreditMemo => DocumentKind::Invoice,
            DocumentKind::SalesOrder => return None,
        };
        let known: Vec<DocumentKey> = self.papers.all.keys().filter(|key| key.kind == of).copied().collect();
        let chosen = known.get(self.papers.rng.usize(..known.len().max(1))).copied();
        let wanted = self.papers.rng.u32(..3) == 0;
        chosen.filter(|_| wanted).map(|key| format!("{}-{}", prefix(of), key.id % 10_000))
    }

    fn any_paper(&mut self, of: impl Fn(DocumentKind) -> bool) -> Option<DocumentKey> {
        let here: Vec<DocumentKey> = self
            .papers
            .all
            .iter()
            .filter(|(key, paper)| of(key.kind) && !paper.gone)
            .map(|(key, _)| *key)
            .collect();
        here.get(self.papers.rng.usize(..here.len().max(1))).copied()
    }

    fn pay(&mut self, now: Timestamp) {
        let Some(key) = self.any_paper(|kind| kind == DocumentKind::Invoice) else { return };
        let (how, stamps) = (self.papers.rng.u32(..10), self.papers.rng.u32(..4) == 0);
        let Some(version) = self.papers.all.get_mut(&key).and_then(|paper| paper.unlocked(now)) else {
            return;
        };
        let open = version.record.balance();
        let amount = match how {
            0 => open + 500 * CENT,
            // Somebody takes a payment back.
            1 => -version.record.paid,
            2..6 => open,
            _ => open / 3 / CENT * CENT,
        };
        version.record.paid += amount;
        version.record.reversed |= amount < 0;
        if stamps {
            version.stamp = now;
        }
        let line = format!("people: {} is paid {}, stamped: {stamps}", version.record.number, Amount(amount));
        self.tell(now, line);
    }

    fn credit(&mut self, now: Timestamp) {
        let Some(key) = self.any_paper(|kind| kind == DocumentKind::Invoice) else { return };
        let whole = self.papers.rng.bool();
        let Some(version) = self.papers.all.get_mut(&key).and_then(|paper| paper.unlocked(now)) else {
            return;
        };
        let open = version.record.balance().max(0);
        let amount = if whole { open } else { open / 4 / CENT * CENT };
        version.record.credited += amount;
        if version.record.reversed {
            // A payment that becomes a credit between two looks at balances leaves nothing that we could see (docs/documents.md).
            version.stamp = now;
        }
        let line = format!("people: {} is credited {}", version.record.number, Amount(amount));
        self.tell(now, line);
    }

    fn rewrite(
        &mut self,
        what: &str,
        (now, visible_at): (Timestamp, Timestamp),
        change: impl FnOnce(&mut Sheet),
    ) {
        let Some(key) = self.any_paper(|_| true) else { return };
        let Some(version) = self.papers.all.get_mut(&key).and_then(|paper| paper.unlocked(now)) else {
            return;
        };
        let mut record = version.record.clone();
        change(&mut record);
        let line = format!(
            "people: finance has {} {what}: it says {:?}, {}complete (visible at {visible_at})",
            record.number,
            record.reference,
            if record.complete { "" } else { "in" }
        );
        if let Some(paper) = self.papers.all.get_mut(&key) {
            paper.versions.push(Version { record, stamp: now, visible_at });
        }
        self.tell(now, line);
    }

    fn cancel(&mut self, now: Timestamp) {
        // Many at once would not be believed.
        if self.papers.all.values().filter(|paper| paper.gone).count() >= MOST_GONE {
            return;
        }
        let Some(key) = self.any_paper(|_| true) else { return };
        if let Some(paper) =
            self.papers.all.get_mut(&key).filter(|paper| paper.versions.iter().all(|v| v.visible_at <= now))
        {
            paper.gone = true;
            self.tell(now, format!("people: finance deletes {key}"));
        }
    }

    /// How many pages a reading of all balances takes.
    pub(crate) fn pages_of_balances(&self, now: Timestamp) -> u64 {
        let open = self.papers.all.iter().filter(|(key, paper)| {
            key.kind == DocumentKind::Invoice && paper.now(now).is_some_and(|sheet| sheet.balance() != 0)
        });
        (open.count().div_ceil(self.page_size)).max(1) as u64
    }

    fn rows(&self, kind: DocumentKind, now: Timestamp) -> Vec<(i64, Timestamp, Document, Timestamp)> {
        let of_kind = self.papers.all.iter().filter(|(key, _)| key.kind == kind);
        let row = |(key, paper): (&DocumentKey, &Paper)| {
            let version = paper.version(now)?;
            Some((key.id, version.stamp, document(*key, version), paper.created))
        };
        of_kind.filter_map(row).collect()
    }
}

/// The deals that a text names as `PD-81`, however it is written.
pub(crate) fn deals_named(said: &str) -> Vec<DealId> {
    let said = said.to_lowercase();
    let parts = said.split("pd-").skip(1);
    let mut deals: Vec<DealId> = parts
        .filter_map(|part| part.chars().take_while(char::is_ascii_digit).collect::<String>().parse().ok())
        .map(DealId)
        .collect();
    deals.sort_unstable();
    deals.dedup();
    deals
}

/// With what numbers of a kind begin.
pub(crate) fn prefix(kind: DocumentKind) -> &'static str {
    match kind {
        DocumentKind::Invoice => "INV",
        DocumentKind::CreditMemo => "CM",
        DocumentKind::SalesOrder => "SO",
        DocumentKind::PurchaseOrder => "PO",
    }
}

#[async_trait]
impl ErpDocuments for World {
    async fn documents(&self, kind: DocumentKind, read: DocumentRead) -> Called<Page<Document>> {
        let (call, windows) = match kind {
            DocumentKind::Invoice => ("erp.invoices", true),
            DocumentKind::CreditMemo => ("erp.credit_memos", false),
            DocumentKind::SalesOrder => ("erp.sales_orders", true),
            DocumentKind::PurchaseOrder => ("erp.purchase_orders", true),
        };
        self.paper_reading(call).await?;
        if !windows && !matches!(read.at, ErpRead::ById { .. }) {
            return Err(CallError::without_effect(call, ErrorKind::Rejected, "stamps cannot be asked for"));
        }
        let (worlds, now) = (self.lock(), self.now());
        let since = read.created_since.filter(|_| windows);
        let rows = worlds.rows(kind, now).into_iter();
        let rows = rows.filter(|(.., created)| since.is_none_or(|since| *created >= since));
        let rows = rows.map(|(id, stamp, document, _)| (id, stamp, document)).collect();
        Ok(page(rows, read.at, worlds.page_size, now))
    }

    async fn open_invoices(&self, after: TransactionId) -> Called<Page<Document>> {
        self.paper_reading("erp.open_invoices").await?;
        let (worlds, now) = (self.lock(), self.now());
        let open = |(_, _, document, _): &(i64, Timestamp, Document, Timestamp)| {
            document.balance.is_some_and(|balance| !balance.is_zero())
        };
        let rows = worlds.rows(DocumentKind::Invoice, now).into_iter().filter(open);
        let rows = rows.map(|(id, stamp, document, _)| (id, stamp, document)).collect();
        Ok(page(rows, ErpRead::ById { after: after.0 }, worlds.page_size, now))
    }

    async fn invoices_by_id(&self, ids: &[TransactionId]) -> Called<Vec<Seen<Document>>> {
        self.paper_reading("erp.invoices_by_id").await?;
        let rows = self.lock().rows(DocumentKind::Invoice, self.now()).into_iter();
        let asked = rows.filter(|(id, ..)| ids.contains(&TransactionId(*id)));
        Ok(asked.map(|(_, _, document, _)| Seen::Record(document)).collect())
    }

    async fn invoice_details(
        &self,
        ids: &[TransactionId],
        segments: bool,
    ) -> Called<BTreeMap<TransactionId, InvoiceDetails>> {
        self.paper_reading("erp.invoice_details").await?;
        let (worlds, now) = (self.lock(), self.now());
        let details = |id: &TransactionId| {
            let key = DocumentKey { kind: DocumentKind::Invoice, id: id.0 };
            let sheet = worlds.papers.all.get(&key)?.now(now)?;
            let segments = segments.then(BTreeMap::new);
            Some((*id, InvoiceDetails { installments: Some(sheet.installments()), segments }))
        };
        Ok(ids.iter().filter_map(details).collect())
    }
}

impl World {
    /// A read of documents passes the gate and may fail; now and then it is one too many for the ERP.
    async fn paper_reading(&self, call: &'static str) -> Called<()> {
        self.reading(call).await?;
        let mut worlds = self.lock();
        if worlds.faults && worlds.papers.rng.u32(..25) == 0 {
            worlds.meet(call, "throttled");
            let kind = ErrorKind::Transient { after: Some(SignedDuration::from_secs(5)) };
            return Err(CallError::without_effect(call, kind, "too many requests"));
        }
        Ok(())
    }
}
