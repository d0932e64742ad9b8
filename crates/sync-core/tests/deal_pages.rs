//! What a deal shows of its documents: the arithmetic, the note, and what is written when.
//!
//! It is long on purpose: what is summed, what the note says of it and what is written are about the same made-up documents.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::collections::{BTreeMap, BTreeSet};

use jiff::{Timestamp, ToSpan, civil::Date};
use proptest::prelude::*;
use sync_core::{
    deals::DealStatus,
    documents::{
        Amounts, Currencies, DealHere, DealPage, DealState, Document, DocumentKind, DocumentPolicy,
        DocumentQuestion, ErpCreditMemo, ErpInvoice, ErpPurchaseOrder, ErpSalesOrder, Installment,
        LinkTemplate, NOTE_LIMIT, NotShown, NoteFor, NoteStyle, PageAnswers, PageDecision, PageRead,
        PageWrite, RollUpField, RollUpValue, SeenNote, Shown, ToRead, Trouble, decide_page, digest, is_ours,
        marker, render, roll_up, tells_of,
    },
    ids::{ActivityId, DealId, NoteId, PartyId, PurchaseOrderId, SalesOrderId, TransactionId},
    money::Amount,
};

const DEAL: DealId = DealId(81);

fn day(text: &str) -> Date {
    text.parse().unwrap()
}

fn today() -> Date {
    day("2026-03-02")
}

fn stamp() -> Timestamp {
    "2026-03-01T12:00:00Z".parse().unwrap()
}

fn amount(text: &str) -> Amount {
    Amount::parse(text).unwrap()
}

fn currencies() -> Currencies {
    let known = [("EUR", 2), ("USD", 2), ("JPY", 0), ("BHD", 3)];
    Currencies(known.into_iter().map(|(code, decimals)| (code.to_owned(), decimals)).collect())
}

/// Every field, so that none is forgotten here.
fn policy() -> DocumentPolicy {
    DocumentPolicy { fields: RollUpField::ALL.into(), ..DocumentPolicy::default() }
}

fn invoice(id: i64, date: &str, total: &str, balance: &str) -> Document {
    Document::from(&ErpInvoice {
        id: TransactionId(id),
        number: format!("INV-{id}"),
        party: Some(PartyId(300)),
        account_number: Some("10061".to_owned()),
        status: Some("Complete".to_owned()),
        currency: Some("EUR".to_owned()),
        entered: Some(amount(total)),
        balance: Some(amount(balance)),
        date: Some(day(date)),
        due: Some(day(date).saturating_add(30.days())),
        purchase_order: None,
        cross_reference: None,
        special_instructions: None,
        business_unit: None,
        updated_at: stamp(),
    })
}

fn of_currency(code: &str, invoice: Document) -> Document {
    Document { currency: Some(code.to_owned()), ..invoice }
}

fn memo(id: i64, total: &str) -> Document {
    Document::from(&ErpCreditMemo {
        id: TransactionId(id),
        number: format!("CM-{id}"),
        account_number: None,
        currency: Some("EUR".to_owned()),
        entered: Some(amount(total)),
        date: Some(day("2026-02-20")),
        purchase_order: None,
        cross_reference: None,
    })
}

fn order(id: i64, status: &str) -> Document {
    Document::from(&ErpSalesOrder {
        id: SalesOrderId(id),
        number: format!("SO-{id}"),
        party: None,
        source_system: None,
        source_number: None,
        customer_po: None,
        status: Some(status.to_owned()),
        currency: Some("EUR".to_owned()),
        updated_at: stamp(),
    })
}

fn purchase(id: i64) -> Document {
    Document::from(&ErpPurchaseOrder {
        id: PurchaseOrderId(id),
        number: format!("PO-{id}"),
        supplier: None,
        status: Some("OPEN".to_owned()),
        total: Some(amount("70")),
        currency: Some("EUR".to_owned()),
        description: None,
        reference: None,
        sales_order: None,
        segments: BTreeMap::new(),
        updated_at: stamp(),
    })
}

fn credited(by: &str, document: Document) -> Document {
    let part = Installment {
        id: 1,
        due: document.due,
        original: document.total,
        balance: document.balance,
        paid: Some(Amount::ZERO),
        credited: Some(amount(by)),
    };
    document.with_installments(&[part])
}

fn said(value: &RollUpValue) -> String {
    match value {
        RollUpValue::Text(said) => said.clone(),
        RollUpValue::Money(money) => format!("{} {}", money.amount, money.currency),
        RollUpValue::Date(day) => day.to_string(),
        RollUpValue::Count(count) => count.to_string(),
    }
}

/// What one field says, or why it cannot be told; nothing if it is empty.
fn field(policy: &DocumentPolicy, documents: &[Document], field: RollUpField) -> String {
    let roll_up = roll_up(policy, "EUR", &currencies(), documents, today());
    match (roll_up.values.get(&field), roll_up.troubles.get(&field)) {
        (Some(value), None) => said(value),
        (None, Some(trouble)) => format!("untold: {}", trouble.explain()),
        (None, None) => String::new(),
        (Some(_), Some(_)) => panic!("{field:?} is told and untold"),
    }
}

#[test]
fn what_the_fields_say() {
    use RollUpField as F;
    let net = DocumentPolicy { amounts: Amounts::Net, ..policy() };
    let one = vec![invoice(1, "2026-02-10", "1000", "400")];
    let paid = vec![invoice(1, "2026-02-10", "1000", "0")];
    let late = vec![invoice(1, "2026-01-10", "1000", "400"), invoice(2, "2026-02-10", "50", "50")];
    let overpaid = vec![invoice(1, "2026-02-10", "1000", "-20"), invoice(2, "2026-02-11", "50", "50")];
    let mixed = vec![
        invoice(1, "2026-02-10", "1000", "400"),
        of_currency("USD", invoice(2, "2026-02-11", "7", "7")),
        of_currency("JPY", invoice(3, "2026-02-12", "9.6", "1")),
    ];
    let thirds: Vec<Document> = (1..=3).map(|id| invoice(id, "2026-02-10", "0.335", "0.335")).collect();
    let applied = vec![credited("100", invoice(1, "2026-02-10", "1000", "900")), memo(9, "-100")];
    let unapplied = vec![invoice(1, "2026-02-10", "1000", "1000"), memo(9, "-100")];
    let all_credited = vec![credited("1000", invoice(1, "2026-02-10", "1000", "0"))];
    let unknown = vec![Document { total: None, balance: None, ..invoice(1, "2026-02-10", "1", "1") }];
    let twice = vec![
        Document { updated_at: Some(stamp() - 1.hour()), ..invoice(1, "2026-02-10", "1000", "1000") },
        invoice(1, "2026-02-10", "1000", "400"),
    ];
    let incomplete =
        vec![Document { status: Some("Incomplete".to_owned()), ..invoice(1, "2026-02-10", "1000", "400") }];
    let foreign = vec![of_currency("USD", invoice(2, "2026-02-11", "7", "7"))];
    let orders = vec![order(3, "OPEN"), order(4, "CLOSED"), purchase(5), purchase(6)];
    let huge: Vec<Document> =
        (1..=2).map(|id| invoice(id, "2026-02-10", "922337203685477", "922337203685477")).collect();
    for (policy, documents, of, expected) in [
        (&policy(), &one, F::LastInvoiceNumber, "INV-1"),
        (&policy(), &one, F::LastInvoiceStatus, "partly paid"),
        (&policy(), &one, F::InvoicedTotal, "1000 EUR"),
        (&policy(), &one, F::OpenBalance, "400 EUR"),
        (&policy(), &one, F::PaidTotal, "600 EUR"),
        (&policy(), &one, F::OldestUnpaidDue, "2026-03-12"),
        (&policy(), &one, F::OverdueAmount, "0 EUR"),
        (&policy(), &one, F::InvoiceCount, "1"),
        (&policy(), &one, F::OtherCurrencies, ""),
        (&policy(), &one, F::LastOrderNumber, ""),
        (&policy(), &paid, F::LastInvoiceStatus, "paid"),
        (&policy(), &paid, F::OpenBalance, "0 EUR"),
        (&policy(), &paid, F::OldestUnpaidDue, ""),
        (&policy(), &late, F::LastInvoiceStatus, "open"),
        (&policy(), &late, F::OverdueAmount, "400 EUR"),
        (&policy(), &late, F::OldestUnpaidDue, "2026-02-09"),
        (&policy(), &overpaid, F::OpenBalance, "50 EUR"),
        (&policy(), &mixed, F::InvoicedTotal, "1000 EUR"),
        (&policy(), &mixed, F::InvoiceCount, "3"),
        (&policy(), &mixed, F::LastInvoiceNumber, "INV-3"),
        (&policy(), &mixed, F::OtherCurrencies, "10 JPY in 1 invoice, 7.00 USD in 1 invoice"),
        (&policy(), &thirds, F::InvoicedTotal, "1.02 EUR"),
        (&policy(), &applied, F::InvoicedTotal, "1000 EUR"),
        (&net, &applied, F::InvoicedTotal, "900 EUR"),
        (&net, &unapplied, F::InvoicedTotal, "900 EUR"),
        (&policy(), &applied, F::CreditedTotal, "100 EUR"),
        (&policy(), &unapplied, F::OpenBalance, "1000 EUR"),
        (&policy(), &all_credited, F::LastInvoiceStatus, "credited"),
        (&policy(), &unknown, F::LastInvoiceNumber, "INV-1"),
        (&policy(), &unknown, F::InvoicedTotal, "untold: the ERP tells no amount of invoice 1"),
        (&policy(), &unknown, F::LastInvoiceStatus, "untold: the ERP tells no amount of invoice 1"),
        (&policy(), &twice, F::OpenBalance, "400 EUR"),
        (&policy(), &twice, F::InvoiceCount, "1"),
        (&policy(), &incomplete, F::InvoicedTotal, ""),
        (&policy(), &incomplete, F::LastInvoiceNumber, ""),
        (&policy(), &foreign, F::InvoicedTotal, ""),
        (&policy(), &foreign, F::OldestUnpaidDue, ""),
        (&policy(), &foreign, F::LastInvoiceNumber, "INV-2"),
        (&policy(), &orders, F::LastOrderNumber, "SO-4"),
        (&policy(), &orders, F::LastOrderStatus, "CLOSED"),
        (&policy(), &orders, F::LastPurchaseOrder, "PO-6 (OPEN)"),
        (&policy(), &huge, F::InvoicedTotal, "untold: the sum is larger than any amount can be"),
        (&policy(), &huge, F::InvoiceCount, "2"),
    ] {
        assert_eq!(field(policy, documents, of), expected, "{of:?} of {documents:#?}");
    }
}

#[test]
fn a_currency_that_the_crm_does_not_know_is_told_and_not_guessed() {
    let documents = [of_currency("XTS", invoice(1, "2026-02-10", "1.23456", "1"))];
    let rolled = roll_up(&policy(), "XTS", &currencies(), &documents, today());
    let trouble = Trouble::UnknownCurrency { currency: "XTS".to_owned() };
    for field in [RollUpField::InvoicedTotal, RollUpField::OpenBalance, RollUpField::OldestUnpaidDue] {
        assert_eq!(rolled.troubles.get(&field), Some(&trouble), "{field:?}");
    }
    assert!(rolled.values.contains_key(&RollUpField::LastInvoiceNumber), "what needs no currency is told");
    let none = roll_up(&policy(), "XTS", &currencies(), &[], today());
    assert_eq!(none.troubles, BTreeMap::new(), "nothing is asked where there is nothing to say");
}

/// Any invoice or credit memo, with amounts that are finer than its currency.
fn any_document() -> impl Strategy<Value = Document> {
    let amounts = (-99_999_999_i64..99_999_999, -99_999_999_i64..99_999_999);
    let what = (1_i64..40, any::<bool>(), 0_usize..4, 0_i32..800);
    (what, amounts, proptest::option::of(0_i64..99_999_999)).prop_map(
        |((id, is_memo, currency, days), (total, balance), credited)| {
            let code = ["EUR", "USD", "JPY", "XTS"][currency];
            let date = day("2025-01-01").saturating_add(days.days()).to_string();
            let (total, balance) = (Amount(total), Amount(balance));
            let document = if is_memo {
                memo(1000 + id, &total.to_string())
            } else {
                let plain = invoice(id, &date, &total.to_string(), &balance.to_string());
                Document { credited: credited.map(Amount), ..plain }
            };
            of_currency(code, document)
        },
    )
}

fn money(policy: &DocumentPolicy, documents: &[Document], field: RollUpField) -> i128 {
    let rolled = roll_up(policy, "EUR", &currencies(), documents, today());
    match rolled.values.get(&field) {
        Some(RollUpValue::Money(money)) => i128::from(money.amount.0),
        None => 0,
        Some(other) => panic!("{other:?}"),
    }
}

proptest! {
    #[test]
    fn a_sum_is_the_sum_of_the_lines_that_people_see(documents in proptest::collection::vec(any_document(), 0..30)) {
        let documents: Vec<Document> =
            documents.into_iter().map(|one| (one.key, one)).collect::<BTreeMap<_, _>>().into_values().collect();
        let cents = |amount: Amount| i128::from((amount.0 + if amount.0 < 0 { -50 } else { 50 }) / 100 * 100);
        let mine = || documents.iter().filter(|one| one.currency.as_deref() == Some("EUR"));
        let invoices = || mine().filter(|one| one.key.kind == DocumentKind::Invoice);
        let invoiced: i128 = invoices().map(|one| cents(one.total.unwrap())).sum();
        let open: i128 = invoices().map(|one| cents(one.balance.unwrap()).max(0)).sum();
        let by_parts: i128 = invoices().map(|one| one.credited.map_or(0, cents)).sum();
        let by_memos: i128 =
            mine().filter(|one| one.key.kind == DocumentKind::CreditMemo).map(|one| cents(one.total.unwrap())).sum();
        let net = DocumentPolicy { amounts: Amounts::Net, ..policy() };
        prop_assert_eq!(money(&policy(), &documents, RollUpField::InvoicedTotal), invoiced);
        prop_assert_eq!(money(&policy(), &documents, RollUpField::OpenBalance), open);
        prop_assert_eq!(money(&policy(), &documents, RollUpField::CreditedTotal), by_parts.max(by_memos));
        prop_assert_eq!(money(&net, &documents, RollUpField::InvoicedTotal), invoiced - by_parts.max(by_memos));
        let overdue = money(&policy(), &documents, RollUpField::OverdueAmount);
        prop_assert!(0 <= overdue && overdue <= open, "{} of {}", overdue, open);
    }

    #[test]
    fn neither_order_nor_repetition_nor_other_currencies_matter(
        documents in proptest::collection::vec(any_document(), 0..20), turn in 0_usize..20,
    ) {
        let said = roll_up(&policy(), "EUR", &currencies(), &documents, today());
        let mut turned = documents.clone();
        turned.rotate_left(turn.min(documents.len()));
        turned.extend(documents.iter().take(turn).cloned());
        prop_assert_eq!(&roll_up(&policy(), "EUR", &currencies(), &turned, today()), &said);
        let newest: BTreeMap<_, _> = documents.iter().map(|one| (one.key, one)).collect();
        let one_each: Vec<Document> = newest.into_values().cloned().collect();
        let own: Vec<Document> =
            one_each.iter().filter(|one| one.currency.as_deref() == Some("EUR")).cloned().collect();
        for field in [RollUpField::InvoicedTotal, RollUpField::OpenBalance, RollUpField::OverdueAmount] {
            prop_assert_eq!(money(&policy(), &own, field), money(&policy(), &one_each, field));
        }
        for kind in DocumentKind::ALL {
            let note = |documents: &[Document]| render(&policy(), DEAL, kind, documents, &currencies(), today());
            prop_assert_eq!(note(&turned), note(&documents));
        }
    }

    #[test]
    fn sums_of_two_halves_are_the_sum(documents in proptest::collection::vec(any_document(), 0..30), at in 0_usize..30) {
        let one_each: Vec<Document> =
            documents.into_iter().map(|one| (one.key, one)).collect::<BTreeMap<_, _>>().into_values().collect();
        let (left, right) = one_each.split_at(at.min(one_each.len()));
        for field in [RollUpField::InvoicedTotal, RollUpField::OpenBalance, RollUpField::OverdueAmount] {
            let halves = money(&policy(), left, field) + money(&policy(), right, field);
            prop_assert_eq!(halves, money(&policy(), &one_each, field));
        }
    }

    #[test]
    fn no_amount_is_too_strange(totals in proptest::collection::vec((any::<i64>(), any::<i64>()), 1..6)) {
        let documents: Vec<Document> = (1..).zip(&totals).map(|(id, (total, balance))| Document {
            total: Some(Amount(*total)), balance: Some(Amount(*balance)), ..invoice(id, "2026-02-10", "1", "1")
        }).collect();
        let rolled = roll_up(&policy(), "EUR", &currencies(), &documents, today());
        let exact: i128 = documents.iter().map(|one| i128::from(one.total.unwrap().rounded(2).0)).sum();
        match rolled.values.get(&RollUpField::InvoicedTotal) {
            Some(RollUpValue::Money(money)) => prop_assert_eq!(i128::from(money.amount.0), exact),
            _ => prop_assert_eq!(rolled.troubles.get(&RollUpField::InvoicedTotal), Some(&Trouble::TooLarge)),
        }
        prop_assert!(render(&policy(), DEAL, DocumentKind::Invoice, &documents, &currencies(), today()).is_some());
    }

    #[test]
    fn whatever_the_erp_says_a_note_is_text_and_ours(number in "\\PC{0,60}", status in "\\PC{0,60}") {
        let named = Document { number: number.clone(), ..order(1, &status) };
        let note = render(&policy(), DEAL, DocumentKind::SalesOrder, &[named], &currencies(), today()).unwrap();
        let tags: BTreeSet<&str> =
            note.split('<').skip(1).map(|tag| tag.split_once('>').unwrap().0.trim_start_matches('/')).collect();
        prop_assert!(tags.iter().all(|tag| ["p", "b", "ul", "li"].contains(tag)), "{:?}", tags);
        prop_assert!(is_ours(&note, DEAL, DocumentKind::SalesOrder));
        prop_assert!(!is_ours(&note, DealId(8), DocumentKind::SalesOrder));
        prop_assert!(!is_ours(&note, DEAL, DocumentKind::Invoice));
    }
}

#[test]
fn a_company_called_script_is_a_text() {
    let strange =
        Document { number: "<script>alert(\"x\")</script>".to_owned(), ..invoice(1, "2026-02-10", "1", "1") };
    let links = BTreeMap::from([(
        DocumentKind::Invoice,
        LinkTemplate::parse("https://erp.example/i?n={number}&a=\"b").unwrap(),
    )]);
    for note_style in [NoteStyle::List, NoteStyle::Table] {
        let policy = DocumentPolicy { links: links.clone(), note_style, ..policy() };
        let note = render(
            &policy,
            DEAL,
            DocumentKind::Invoice,
            std::slice::from_ref(&strange),
            &currencies(),
            today(),
        )
        .unwrap();
        assert!(!note.contains("<script") && note.contains("&lt;script&gt;"), "{note}");
        let href = note.split("href=\"").nth(1).unwrap().split('"').next().unwrap();
        assert_eq!(
            href,
            "https://erp.example/i?n=%3Cscript%3Ealert%28%22x%22%29%3C%2Fscript%3E&amp;a=&quot;b"
        );
    }
    // Whoever names an invoice like our marker takes no note from another deal.
    let forged = Document { number: marker(DealId(7), DocumentKind::Invoice), ..strange };
    let note = render(&policy(), DEAL, DocumentKind::Invoice, &[forged], &currencies(), today()).unwrap();
    assert!(is_ours(&note, DEAL, DocumentKind::Invoice) && !is_ours(&note, DealId(7), DocumentKind::Invoice));
}

#[test]
fn a_note_says_the_same_whatever_the_sanitizer_does_to_its_form() {
    let documents = [Document { number: "A & B <c> \"d\"".to_owned(), ..invoice(1, "2026-02-10", "1", "1") }];
    let note = render(&policy(), DEAL, DocumentKind::Invoice, &documents, &currencies(), today()).unwrap();
    let kept = note.replace("&quot;", "\"").replace("<li>", "<li class=\"x\">\n").replace("&amp;", "&#38;");
    assert_ne!(kept, note);
    assert_eq!(digest(&kept), digest(&note));
    assert_ne!(digest(&note.replace("INV", "").replace("A &amp;", "B &amp;")), digest(&note));
    assert!(is_ours(&kept, DEAL, DocumentKind::Invoice));
}

#[test]
fn thousands_of_invoices_fit_into_one_note_and_its_totals_stay_true() {
    let many: Vec<Document> = (1..=8_000)
        .map(|id| {
            let date = day("1990-01-01").saturating_add((id as i32).days());
            let one = invoice(id, &date.to_string(), "10", "1");
            of_currency(&format!("\"'<&{}", id % 60), Document { number: "\"".repeat(400), ..one })
        })
        .collect();
    let link = format!("https://erp.example/{{id}}?{}", "&".repeat(900));
    let links = BTreeMap::from([(DocumentKind::Invoice, LinkTemplate::parse(&link).unwrap())]);
    for note_style in [NoteStyle::List, NoteStyle::Table] {
        let policy = DocumentPolicy { links: links.clone(), note_style, ..policy() };
        let note = render(&policy, DEAL, DocumentKind::Invoice, &many, &currencies(), today()).unwrap();
        assert!(note.len() < NOTE_LIMIT, "{}", note.len());
        assert!(note.contains("Invoices in the ERP: 8000"));
        assert!(is_ours(&note, DEAL, DocumentKind::Invoice));
    }
    let plain: Vec<Document> =
        (1..=3_000).map(|id| invoice(id, &format!("{}-05-05", 2022 + id % 4), "10.01", "0.5")).collect();
    let note = render(&policy(), DEAL, DocumentKind::Invoice, &plain, &currencies(), today()).unwrap();
    assert!(note.contains("2800 older:"), "{note}");
    // The newest year's first 200 have lines of their own.
    for line in [
        "<li>2025: 550 invoices, 5505.50 EUR, open 275.00 EUR</li>",
        "<li>2024: 750 invoices, 7507.50 EUR, open 375.00 EUR</li>",
        "<li>2022: 750 invoices, 7507.50 EUR, open 375.00 EUR</li>",
    ] {
        assert!(note.contains(line), "{line} in {note}");
    }
    let first = note.find("INV-2999").unwrap();
    assert!(first < note.find("INV-2995").unwrap(), "the newest first");
}

#[test]
fn what_a_line_says() {
    let line = |kind, document: Document| {
        let note = render(&policy(), DEAL, kind, &[document], &currencies(), today()).unwrap();
        note.split("<li>").nth(1).unwrap().split("</li>").next().unwrap().to_owned()
    };
    let open = invoice(1, "2026-02-10", "1000", "400");
    assert_eq!(
        line(DocumentKind::Invoice, open),
        "INV-1, 2026-02-10, 1000.00 EUR, open 400.00 EUR, due 2026-03-12, partly paid"
    );
    assert_eq!(line(DocumentKind::CreditMemo, memo(9, "-100")), "CM-9, 2026-02-20, 100.00 EUR");
    assert_eq!(line(DocumentKind::SalesOrder, order(3, "OPEN")), "SO-3, OPEN");
    assert_eq!(line(DocumentKind::PurchaseOrder, purchase(5)), "PO-5, 70.00 EUR, OPEN");
    let nameless = of_currency("XTS", Document { number: String::new(), ..purchase(5) });
    assert_eq!(line(DocumentKind::PurchaseOrder, nameless), "no. 5, 70 XTS, OPEN");
    assert_eq!(render(&policy(), DEAL, DocumentKind::Invoice, &[purchase(5)], &currencies(), today()), None);
}

/// A deal in the CRM with what is on it, the least that a page needs.
struct World {
    page: DealPage,
    policy: DocumentPolicy,
    today: Date,
    fields: BTreeMap<RollUpField, RollUpValue>,
    notes: BTreeMap<NoteId, SeenNote>,
    next_note: i64,
    /// Every write, in a few words.
    wrote: Vec<String>,
}

impl World {
    fn new(documents: Vec<Document>) -> Self {
        let here =
            DealHere { status: DealStatus::Won, currency: "EUR".to_owned(), owner: Some(7), archived: false };
        let page = DealPage {
            deal: DEAL,
            state: DealState::Here(here),
            documents,
            currencies: currencies(),
            shown: Shown::default(),
            in_doubt: BTreeSet::new(),
            read: PageRead::default(),
            answers: PageAnswers::default(),
        };
        Self {
            page,
            policy: DocumentPolicy::default(),
            today: today(),
            fields: BTreeMap::new(),
            notes: BTreeMap::new(),
            next_note: 1,
            wrote: Vec::new(),
        }
    }

    /// Until nothing more is to be written, as the engine does it; what it ends with.
    fn settle(&mut self) -> PageDecision {
        self.page.read = PageRead::default();
        self.wrote.clear();
        for _ in 0..9 {
            match decide_page(&self.policy, &self.page, self.today) {
                PageDecision::Observe(ToRead::Deal) => self.page.read.fields = Some(self.fields.clone()),
                PageDecision::Observe(ToRead::Notes) => {
                    self.page.read.notes = Some(self.notes.clone());
                    let gone = |id: &NoteId| self.notes.get(id).is_none_or(|note| note.deleted);
                    let shown = &self.page.shown.notes;
                    let deleted: Vec<_> =
                        shown.iter().filter(|(_, note)| gone(&note.id)).map(|(kind, _)| *kind).collect();
                    for kind in deleted {
                        self.page.shown.found_deleted(kind);
                    }
                }
                PageDecision::Adopt(found) => {
                    for (kind, id, digest) in found {
                        self.page.shown.adopt(kind, id, &digest);
                        self.wrote.push(format!("adopt {id}"));
                    }
                }
                PageDecision::Do(writes) => {
                    for write in writes {
                        self.write(write);
                    }
                    self.page.read = PageRead::default();
                    self.page.in_doubt.clear();
                }
                end @ (PageDecision::InSync | PageDecision::NotShown(_) | PageDecision::Hold(_)) => {
                    return end;
                }
            }
        }
        panic!("no end: {:?}", self.wrote);
    }

    fn write(&mut self, write: PageWrite) {
        match write {
            PageWrite::Fields { writes } => {
                self.wrote.push(format!("{} fields", writes.len()));
                for write in &writes {
                    match &write.value {
                        Some(value) => self.fields.insert(write.field, value.clone()),
                        None => self.fields.remove(&write.field),
                    };
                }
                self.page.shown.wrote_fields(&writes, &self.fields);
            }
            PageWrite::CreateNote { kind, content, .. } => {
                let id = NoteId(self.next_note);
                self.next_note += 1;
                self.notes.insert(id, SeenNote { content: content.clone(), deleted: false });
                self.page.shown.wrote_note(kind, id, &content, &content);
                self.wrote.push(format!("create {id}"));
            }
            PageWrite::UpdateNote { kind, id, content, replaces_edit, .. } => {
                self.notes.insert(id, SeenNote { content: content.clone(), deleted: false });
                self.page.shown.wrote_note(kind, id, &content, &content);
                self.wrote.push(format!("update {id}{}", if replaces_edit { ", edited" } else { "" }));
            }
            PageWrite::DeleteNote { kind, id, replaces_edit, .. } => {
                self.notes.get_mut(&id).unwrap().deleted = true;
                self.page.shown.removed_note(kind);
                self.wrote.push(format!("delete {id}{}", if replaces_edit { ", edited" } else { "" }));
            }
            PageWrite::OverdueActivity { owner, invoices, subject, note } => {
                assert!(invoices.iter().all(|invoice| tells_of(&note, *invoice)), "{note}");
                let id = ActivityId(i64::try_from(self.page.shown.told_overdue.len()).unwrap() + 1);
                self.page.shown.told_owner(id, &invoices);
                self.wrote.push(format!("tell {owner}: {subject}"));
            }
            PageWrite::EndActivity { id } => {
                self.page.shown.ended_activity(id);
                self.wrote.push(format!("end {id}"));
            }
        }
    }

    fn wrote(&mut self) -> String {
        let end = self.settle();
        assert_eq!(end, PageDecision::InSync, "{:?}", self.wrote);
        let wrote = self.wrote.join("; ");
        assert_eq!(
            (self.settle(), self.wrote.len()),
            (PageDecision::InSync, 0),
            "a second look writes nothing"
        );
        wrote
    }
}

#[test]
fn issued_paid_credited_moved() {
    let mut world = World::new(vec![invoice(1, "2026-02-10", "1000", "1000")]);
    assert_eq!(world.wrote(), "5 fields; create 1");
    world.page.documents.push(invoice(2, "2026-02-11", "50", "50"));
    world.page.documents.push(invoice(3, "2026-02-12", "60", "60"));
    assert_eq!(world.wrote(), "3 fields; update 1", "many changes are one write each");
    world.page.documents[0].balance = Some(amount("400"));
    assert_eq!(world.wrote(), "1 fields; update 1", "a payment");
    world.page.documents.push(memo(9, "-100"));
    assert_eq!(world.wrote(), "create 2", "a credit memo has a note of its own");
    world.page.documents.truncate(3);
    assert_eq!(world.wrote(), "delete 2", "it moved to another deal");
    world.page.documents[2].status = Some("Incomplete".to_owned());
    assert_eq!(world.wrote(), "3 fields; update 1", "reversed");
    world.page.documents.clear();
    assert_eq!(world.wrote(), "5 fields; delete 1", "all moved");
    assert_eq!(world.fields, BTreeMap::new());
}

#[test]
fn a_day_passes() {
    let mut world = World::new(vec![invoice(1, "2026-02-10", "1000", "1000")]);
    world.policy.overdue_activity = true;
    assert_eq!(world.wrote(), "5 fields; create 1");
    world.today = day("2026-03-13");
    assert_eq!(world.wrote(), "1 fields; update 1; tell 7: Overdue: invoice INV-1");
    world.today = day("2026-03-14");
    assert_eq!(world.wrote(), "", "once");
    world.page.documents.push(invoice(2, "2026-02-11", "50", "50"));
    assert_eq!(world.wrote(), "3 fields; update 1; tell 7: Overdue: invoice INV-2", "and each in its time");
    world.page.documents[0].balance = Some(amount("0"));
    let before = world.page.documents[0].clone();
    world.page.documents.push(Document {
        updated_at: Some(stamp() - 1.hour()),
        balance: Some(amount("1000")),
        ..before
    });
    assert_eq!(world.wrote(), "2 fields; update 1; end 1", "it was paid, whatever an older page says");
    world.page.documents.pop();
    world.page.documents.truncate(1);
    assert_eq!(world.wrote(), "5 fields; update 1; end 2", "it moved to another deal");
    let mut old = World::new(vec![invoice(1, "2025-02-10", "1000", "1000")]);
    old.policy.overdue_activity = true;
    assert_eq!(old.wrote(), "5 fields; create 1", "a first load tells nobody of what is long overdue");
}

#[test]
fn a_deal_that_is_gone_merged_archived_or_reopened() {
    let mut world = World::new(vec![invoice(1, "2026-02-10", "1000", "1000")]);
    let DealState::Here(here) = world.page.state.clone() else { panic!("it is there") };
    for (state, expected) in [
        (DealState::Deleted, NotShown::Gone),
        (DealState::Missing, NotShown::Gone),
        (DealState::Merged { into: DealId(82) }, NotShown::Merged { into: DealId(82) }),
        (DealState::Here(DealHere { archived: true, ..here.clone() }), NotShown::Archived),
    ] {
        world.page.state = state;
        assert_eq!(world.settle(), PageDecision::NotShown(expected));
        assert_eq!(world.wrote.len(), 0);
    }
    world.page.state = DealState::Unknown;
    assert_eq!(decide_page(&world.policy, &world.page, today()), PageDecision::Observe(ToRead::Deal));
    world.page.state = DealState::Here(DealHere { status: DealStatus::Open, ..here });
    assert_eq!(world.wrote(), "5 fields; create 1");
}

/// The deal that stands for both shows its documents: what went there with it would say the same again, and never change.
#[test]
fn a_merged_deal_keeps_no_note_and_no_activity_of_ours() {
    let mut world = World::new(vec![invoice(1, "2026-02-10", "1000", "1000")]);
    world.policy.overdue_activity = true;
    world.today = "2026-04-20".parse().unwrap();
    world.wrote();
    let into = DealId(82);
    world.page.state = DealState::Merged { into };
    world.page.read.notes = None;
    assert_eq!(world.page.notes_are_on(), into);
    assert_eq!(decide_page(&world.policy, &world.page, world.today), PageDecision::Observe(ToRead::Notes));
    assert_eq!(world.settle(), PageDecision::NotShown(NotShown::Merged { into }));
    assert_eq!(world.notes.values().filter(|note| !note.deleted).count(), 0);
    // A note whose answer was lost went there, too.
    let mut lost = World::new(vec![invoice(1, "2026-02-10", "1000", "1000")]);
    lost.wrote();
    lost.page.shown.notes.clear();
    lost.page.in_doubt.insert(DocumentKind::Invoice);
    lost.page.read.notes = None;
    lost.page.state = DealState::Merged { into };
    assert_eq!(lost.settle(), PageDecision::NotShown(NotShown::Merged { into }));
    assert_eq!(lost.notes.values().filter(|note| !note.deleted).count(), 0);
}

#[test]
fn what_persons_do_to_our_fields_is_undone_once_and_then_asked_about() {
    let field = RollUpField::LastInvoiceNumber;
    let mut world = World::new(vec![invoice(1, "2026-02-10", "1000", "1000")]);
    world.wrote();
    let theirs = RollUpValue::Text("mine".to_owned());
    let meddle = |world: &mut World| {
        world.fields.insert(field, theirs.clone());
        world.page.read.fields = Some(world.fields.clone());
        decide_page(&world.policy, &world.page, world.today)
    };
    let PageDecision::Do(writes) = meddle(&mut world) else { panic!("it is written again") };
    world.write(writes[0].clone());
    let PageDecision::Hold(question) = meddle(&mut world) else { panic!("never a third time") };
    assert!(matches!(*question, DocumentQuestion::FieldContested { field: of, .. } if of == field));
    world.page.answers.again.insert(field, 2);
    let PageDecision::Do(writes) = meddle(&mut world) else { panic!("a person said so") };
    world.write(writes[0].clone());
    assert!(matches!(meddle(&mut world), PageDecision::Hold(_)), "one answer is one write");
    world.page.answers.left.insert(field);
    assert_eq!(meddle(&mut world), PageDecision::InSync);
    // The other fields go on.
    world.page.documents.push(invoice(2, "2026-02-11", "50", "50"));
    assert_eq!(world.wrote(), "2 fields; update 1");
}

#[test]
fn the_crms_form_of_a_value_is_accepted() {
    let mut world = World::new(vec![invoice(1, "2026-02-10", "1000", "1000")]);
    world.wrote();
    let field = RollUpField::LastInvoiceNumber;
    let cut = RollUpValue::Text("INV".to_owned());
    world.page.shown.fields.get_mut(&field).unwrap().became = Some(cut.clone());
    world.fields.insert(field, cut);
    world.page.read.fields = Some(world.fields.clone());
    assert_eq!(decide_page(&world.policy, &world.page, today()), PageDecision::InSync);
}

#[test]
fn notes_of_ours_in_the_hands_of_persons() {
    let mut world = World::new(vec![invoice(1, "2026-02-10", "1000", "1000")]);
    world.wrote();
    world.notes.get_mut(&NoteId(1)).unwrap().content += "<p>my remark</p>";
    assert_eq!(world.wrote(), "", "what a person wrote stays until the documents change");
    world.page.documents[0].balance = Some(amount("1"));
    assert_eq!(world.wrote(), "2 fields; update 1, edited");
    world.notes.get_mut(&NoteId(1)).unwrap().deleted = true;
    world.page.documents[0].balance = Some(amount("2"));
    assert_eq!(world.wrote(), "1 fields", "it stays deleted");
    world.policy.recreate_notes = true;
    assert_eq!(world.wrote(), "create 2", "unless that is the policy");
    world.notes.get_mut(&NoteId(2)).unwrap().deleted = true;
    world.page.documents[0].balance = Some(amount("3"));
    assert_eq!(world.wrote(), "1 fields", "a person who deletes it twice means it");
    world.policy.note = false;
    assert_eq!(world.wrote(), "");
}

#[test]
fn a_note_whose_answer_was_lost_is_found_again() {
    let mut world = World::new(vec![invoice(1, "2026-02-10", "1000", "1000")]);
    let content =
        render(&world.policy, DEAL, DocumentKind::Invoice, &world.page.documents, &currencies(), today());
    world.notes.insert(NoteId(5), SeenNote { content: content.unwrap(), deleted: false });
    world.notes.insert(NoteId(4), SeenNote { content: "<p>a person's</p>".to_owned(), deleted: false });
    world.page.in_doubt.insert(DocumentKind::Invoice);
    assert_eq!(world.wrote(), "adopt 5; 5 fields");
    // Its documents have moved on meanwhile: nobody else would ever remove it.
    let mut moved = World::new(Vec::new());
    moved
        .notes
        .insert(NoteId(5), SeenNote { content: world.notes[&NoteId(5)].content.clone(), deleted: false });
    moved.page.in_doubt.insert(DocumentKind::Invoice);
    assert_eq!(moved.wrote(), "adopt 5; delete 5");
    let mut nothing = World::new(vec![invoice(1, "2026-02-10", "1000", "1000")]);
    nothing.page.in_doubt.insert(DocumentKind::Invoice);
    assert_eq!(nothing.wrote(), "5 fields; create 1", "it was never made");
    // One that is made again says what the one says that a person deleted (seed 5564 of old).
    let mut again = World::new(vec![invoice(1, "2026-02-10", "1000", "1000")]);
    again.policy.recreate_notes = true;
    again.wrote();
    let content = again.notes[&NoteId(1)].content.clone();
    again.notes.get_mut(&NoteId(1)).unwrap().deleted = true;
    again.page.shown.found_deleted(DocumentKind::Invoice);
    again.notes.insert(NoteId(5), SeenNote { content, deleted: false });
    again.page.in_doubt.insert(DocumentKind::Invoice);
    again.page.read.notes = None;
    assert_eq!(again.wrote(), "adopt 5");
}

#[test]
fn for_which_deals_notes_are_begun() {
    let long_ago = || vec![invoice(1, "2024-02-10", "1000", "0")];
    let unpaid = || vec![invoice(1, "2024-02-10", "1000", "10")];
    let recent = || vec![invoice(1, "2026-02-10", "1000", "0")];
    for (note_for, status, documents, expected) in [
        (NoteFor::OpenAndRecent, DealStatus::Won, long_ago(), "4 fields"),
        (NoteFor::OpenAndRecent, DealStatus::Open, long_ago(), "4 fields; create 1"),
        (NoteFor::OpenAndRecent, DealStatus::Won, unpaid(), "5 fields; create 1"),
        (NoteFor::OpenAndRecent, DealStatus::Won, recent(), "4 fields; create 1"),
        (NoteFor::All, DealStatus::Won, long_ago(), "4 fields; create 1"),
        (NoteFor::None, DealStatus::Open, unpaid(), "5 fields"),
    ] {
        let mut world = World::new(documents);
        world.policy.note_for = note_for;
        if let DealState::Here(here) = &mut world.page.state {
            here.status = status.clone();
        }
        assert_eq!(world.wrote(), expected, "{note_for:?} {status:?}");
    }
}
