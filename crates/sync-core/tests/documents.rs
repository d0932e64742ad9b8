//! Which deal a document belongs to, as a table: a situation in words, and the attachment in words. Read it top down.
//!
//! It is long on purpose: whoever asks where a document goes looks through one table.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::collections::{BTreeMap, BTreeSet};

use jiff::{Timestamp, civil::Date};
use proptest::prelude::*;
use sync_core::{
    deals::DealStatus,
    documents::{
        Ambiguity, AttachAnswer, Attachment, Before, CustomerDeals, DealFound, DealSeen, Document,
        DocumentKey, DocumentKind, DocumentPolicy, ErpCreditMemo, ErpInvoice, ErpPurchaseOrder,
        ErpSalesOrder, FieldAsk, How, Installment, Known, Learned, LearnedBy, Link, LinkAsk, LinkTemplate,
        NotCounted, Pattern, ReferenceField, ReferenceRule, Rule, Unmatched, asks, attach, pages_touched,
    },
    ids::{DealId, OrgId, PartyId, PurchaseOrderId, SalesOrderId, TransactionId},
    money::{Amount, Money},
};

const ORG: OrgId = OrgId(11);
const PARTY: PartyId = PartyId(300);

fn day(text: &str) -> Date {
    text.parse().unwrap()
}

fn stamp() -> Timestamp {
    "2026-03-02T12:00:00Z".parse().unwrap()
}

fn amount(text: &str) -> Option<Amount> {
    Some(Amount::parse(text).unwrap())
}

fn some(text: &str) -> Option<String> {
    Some(text.to_owned())
}

fn rule(field: &str, how: How) -> ReferenceRule {
    ReferenceRule { kinds: BTreeSet::new(), field: field.parse().unwrap(), how, source_system: None }
}

fn pattern(text: &str) -> How {
    How::Pattern(Pattern::parse(text).unwrap())
}

/// As in the issue, with a rule for every kind of document.
fn policy() -> DocumentPolicy {
    let of_pipedrive = ReferenceRule {
        source_system: some("PIPEDRIVE"),
        ..rule("SourceTransactionNumber", pattern("{deal_id}"))
    };
    DocumentPolicy {
        references: vec![
            rule("PurchaseOrder", pattern("PD-{deal_id}")),
            rule("PurchaseOrder", How::DealField("Customer PO".to_owned())),
            rule("CrossReference", pattern("PD-{deal_id}")),
            rule("SpecialInstructions", pattern("PD-{deal_id}")),
            rule("DFF:dealId", pattern("{deal_id}")),
            of_pipedrive,
            rule("CustomerPONumber", pattern("PD-{deal_id}")),
            rule("Description", pattern("PD-{deal_id}")),
            rule("ReferenceNumber", pattern("PD-{deal_id}")),
        ],
        ..DocumentPolicy::default()
    }
}

fn invoice() -> ErpInvoice {
    ErpInvoice {
        id: TransactionId(9001),
        number: "INV-1".to_owned(),
        party: Some(PARTY),
        account_number: some("10061"),
        status: some("Complete"),
        currency: some("EUR"),
        entered: amount("1000"),
        balance: amount("400"),
        date: Some(day("2026-02-10")),
        due: Some(day("2026-03-10")),
        purchase_order: None,
        cross_reference: None,
        special_instructions: None,
        business_unit: None,
        updated_at: stamp(),
    }
}

fn with_po(po: &str) -> Document {
    Document::from(&ErpInvoice { purchase_order: some(po), ..invoice() })
}

fn plain() -> Document {
    Document::from(&invoice())
}

fn order() -> ErpSalesOrder {
    ErpSalesOrder {
        id: SalesOrderId(7001),
        number: "SO-1".to_owned(),
        party: Some(PARTY),
        source_system: some("PIPEDRIVE"),
        source_number: some("81"),
        customer_po: None,
        status: some("OPEN"),
        currency: some("EUR"),
        updated_at: stamp(),
    }
}

fn purchase() -> ErpPurchaseOrder {
    ErpPurchaseOrder {
        id: PurchaseOrderId(5001),
        number: "PO-1".to_owned(),
        supplier: Some(PARTY),
        status: some("OPEN"),
        total: amount("1000"),
        currency: some("EUR"),
        description: None,
        reference: None,
        sales_order: None,
        segments: BTreeMap::new(),
        updated_at: stamp(),
    }
}

fn memo() -> ErpCreditMemo {
    ErpCreditMemo {
        id: TransactionId(9501),
        number: "CM-1".to_owned(),
        account_number: some("10061"),
        currency: some("EUR"),
        entered: amount("-100"),
        date: Some(day("2026-02-20")),
        purchase_order: None,
        cross_reference: None,
    }
}

fn deal() -> DealSeen {
    DealSeen {
        title: "Contract".to_owned(),
        status: DealStatus::Won,
        org: Some(ORG),
        value: Some(Money { amount: amount("1000").unwrap(), currency: "EUR".to_owned() }),
        added: Some(day("2026-01-01")),
        won: Some(day("2026-02-01")),
        archived: false,
    }
}

fn worth(value: &str, currency: &str) -> DealSeen {
    DealSeen {
        value: Some(Money { amount: amount(value).unwrap(), currency: currency.to_owned() }),
        ..deal()
    }
}

fn knows<const N: usize>(deals: [(i64, DealFound); N]) -> Known {
    Known { deals: deals.into_iter().map(|(id, found)| (DealId(id), found)).collect(), ..Known::default() }
}

fn here(id: i64) -> (i64, DealFound) {
    (id, DealFound::Here(deal()))
}

fn customer<const N: usize>(deals: [(i64, DealSeen); N]) -> Known {
    let deals = deals.into_iter().map(|(id, deal)| (DealId(id), deal)).collect();
    Known { customer: Some(CustomerDeals { org: ORG, family: BTreeSet::new(), deals }), ..Known::default() }
}

/// The attachment in a few words.
fn told(attachment: &Attachment) -> String {
    match attachment {
        Attachment::Deal { deal, rule, because, archived } => {
            assert!(because.contains(&deal.to_string()) || because.len() > 20, "{because}");
            format!("deal {deal} by {}{}", rule.key(), if *archived { ", archived" } else { "" })
        }
        Attachment::Ambiguous { candidates, because } => {
            assert!(because.explain().len() > 20);
            let list: Vec<String> = candidates.iter().map(|one| one.deal.to_string()).collect();
            let why = match because {
                Ambiguity::SeveralNamed { .. } => "several named",
                Ambiguity::SeveralSay { .. } => "several say it",
                Ambiguity::SeveralLinked { .. } => "several linked",
                Ambiguity::OtherCompany { .. } => "other company",
                Ambiguity::CloseCall => "close call",
            };
            format!("ask about {}: {why}", list.join(" "))
        }
        Attachment::Unmatched { because } | Attachment::Customer { because, .. } => {
            assert!(because.explain().len() > 20);
            let whom = if matches!(attachment, Attachment::Customer { .. }) { "customer" } else { "none" };
            let why = match because {
                Unmatched::Answer => "a person said so",
                Unmatched::DealsGone { .. } => "deals gone",
                Unmatched::NamesNone => "names none",
                Unmatched::NotByCustomer => "not by customer",
                Unmatched::NoOrganization => "no organization",
                Unmatched::NoDealFits => "no deal fits",
            };
            format!("{whom}: {why}")
        }
        Attachment::NotCounted { because } => {
            assert!(because.explain().len() > 20);
            match because {
                NotCounted::KindOff => "not counted: kind".to_owned(),
                NotCounted::Incomplete { .. } => "not counted: incomplete".to_owned(),
                NotCounted::Gone => "not counted: gone".to_owned(),
            }
        }
        Attachment::Look { deals } => format!("look for {deals:?}"),
    }
}

fn check(cases: Vec<(&str, Document, Known, &str)>) {
    for (case, document, known, expected) in cases {
        assert_eq!(told(&attach(&policy(), &document, &known)), expected, "{case}");
    }
}

#[test]
fn a_document_that_names_its_deal() {
    let merged = |into| DealFound::Merged { into: DealId(into) };
    let archived = DealFound::Here(DealSeen { archived: true, ..deal() });
    let reopened = DealFound::Here(DealSeen { status: DealStatus::Open, won: None, ..deal() });
    let lost = DealFound::Here(DealSeen { status: DealStatus::Lost, ..deal() });
    let both = Document::from(&ErpInvoice {
        purchase_order: some("PD-81"),
        cross_reference: some("PD-82"),
        ..invoice()
    });
    let cross = Document::from(&ErpInvoice { cross_reference: some("Order of PD-81."), ..invoice() });
    let instructions = "Please pay soon\nWe refer to pd-81, thank you";
    let free = Document::from(&ErpInvoice { special_instructions: some(instructions), ..invoice() });
    let segment = plain().with_segments(&BTreeMap::from([("dealId".to_owned(), "81".to_owned())]));
    let from_elsewhere = Document::from(&ErpSalesOrder { source_system: some("OPS"), ..order() });
    let by_po = Document::from(&ErpSalesOrder { source_number: None, customer_po: some("PD-81"), ..order() });
    let described = Document::from(&ErpPurchaseOrder { description: some("For PD-81"), ..purchase() });
    let referring = Document::from(&ErpPurchaseOrder { reference: some("PD-81"), ..purchase() });
    let memo_of = Document::from(&ErpCreditMemo { purchase_order: some("PD-81"), ..memo() });
    check(vec![
        ("the deal was not looked for", with_po("PD-81"), Known::default(), "look for {DealId(81)}"),
        ("by the purchase order", with_po("PD-81"), knows([here(81)]), "deal 81 by pattern"),
        ("by the cross reference", cross, knows([here(81)]), "deal 81 by pattern"),
        ("in free text", free, knows([here(81)]), "deal 81 by pattern"),
        ("by a segment", segment, knows([here(81)]), "deal 81 by pattern"),
        ("an order that came from us", Document::from(&order()), knows([here(81)]), "deal 81 by pattern"),
        ("another system's number", from_elsewhere, knows([here(81)]), "none: no organization"),
        ("by the order's customer PO", by_po, knows([here(81)]), "deal 81 by pattern"),
        ("a purchase order's description", described, knows([here(81)]), "deal 81 by pattern"),
        ("a purchase order's reference", referring, knows([here(81)]), "deal 81 by pattern"),
        ("a credit memo's purchase order", memo_of, knows([here(81)]), "deal 81 by pattern"),
        ("the first rule that names one decides", both, knows([here(81), here(82)]), "deal 81 by pattern"),
        ("two ids", with_po("PD-81 PD-82"), knows([here(81), here(82)]), "ask about 81 82: several named"),
        ("one id twice", with_po("PD-81, pd-81"), knows([here(81)]), "deal 81 by pattern"),
        (
            "two ids of one deal",
            with_po("PD-80 PD-81"),
            knows([(80, merged(81)), here(81)]),
            "deal 81 by pattern",
        ),
        ("merged", with_po("PD-80"), knows([(80, merged(81)), here(81)]), "deal 81 by pattern"),
        (
            "merged, the survivor unknown",
            with_po("PD-80"),
            knows([(80, merged(81))]),
            "look for {DealId(81)}",
        ),
        (
            "merged in a circle",
            with_po("PD-80"),
            knows([(80, merged(81)), (81, merged(80))]),
            "none: deals gone",
        ),
        ("deleted", with_po("PD-81"), knows([(81, DealFound::Deleted)]), "none: deals gone"),
        ("never was", with_po("PD-81"), knows([(81, DealFound::Missing)]), "none: deals gone"),
        ("archived", with_po("PD-81"), knows([(81, archived)]), "deal 81 by pattern, archived"),
        ("reopened", with_po("PD-81"), knows([(81, reopened)]), "deal 81 by pattern"),
        ("lost", with_po("PD-81"), knows([(81, lost)]), "deal 81 by pattern"),
    ]);
    let gone = Known { deals: knows([(81, DealFound::Deleted)]).deals, ..customer([(82, deal())]) };
    check(vec![("not guessed to be another deal's", with_po("PD-81"), gone, "none: deals gone")]);
}

#[test]
fn a_deal_of_another_company_is_asked_about() {
    let of = |org: Option<i64>| {
        let found = DealFound::Here(DealSeen { org: org.map(OrgId), ..deal() });
        Known { deals: knows([(81, found)]).deals, ..customer([]) }
    };
    let family = |org| {
        let mut known = of(Some(org));
        known.customer.as_mut().unwrap().family.insert(OrgId(12));
        known
    };
    let bought_for = Document::from(&ErpPurchaseOrder { reference: some("PD-81"), ..purchase() });
    let answered = Known { answer: Some(AttachAnswer::Deal(DealId(81))), ..of(Some(12)) };
    check(vec![
        ("another company's", with_po("PD-81"), of(Some(12)), "ask about 81: other company"),
        ("its own", with_po("PD-81"), of(Some(11)), "deal 81 by pattern"),
        ("nobody's", with_po("PD-81"), of(None), "deal 81 by pattern"),
        ("of the family", with_po("PD-81"), family(12), "deal 81 by pattern"),
        ("of another family", with_po("PD-81"), family(13), "ask about 81: other company"),
        ("a supplier is another company", bought_for, of(Some(12)), "deal 81 by pattern"),
        ("a person knows better", with_po("PD-81"), answered, "deal 81 by answer"),
    ]);
}

#[test]
fn a_deal_that_says_the_same() {
    let ask = || FieldAsk { field: "Customer PO".to_owned(), value: "4500 01".to_owned() };
    let say = |deals: &[i64]| {
        let found: BTreeSet<DealId> = deals.iter().copied().map(DealId).collect();
        let known = found.iter().map(|id| (*id, DealFound::Here(deal()))).collect();
        Known { deals: known, fields: BTreeMap::from([(ask(), found)]), ..Known::default() }
    };
    assert_eq!(asks(&policy(), &with_po(" 4500  01 ")).fields, BTreeSet::from([ask()]));
    let unknown = Known { deals: BTreeMap::new(), ..say(&[81]) };
    let of = |deals: &[(i64, i64)]| {
        let ids: Vec<i64> = deals.iter().map(|(deal, _)| *deal).collect();
        let found = |(id, org): &(i64, i64)| {
            (DealId(*id), DealFound::Here(DealSeen { org: Some(OrgId(*org)), ..deal() }))
        };
        Known { deals: deals.iter().map(found).collect(), customer: customer([]).customer, ..say(&ids) }
    };
    let mixed = of(&[(81, 12), (82, 11)]);
    let foreign = of(&[(81, 12)]);
    let foreigners = of(&[(81, 12), (82, 13)]);
    check(vec![
        ("one deal says it", with_po("4500  01"), say(&[81]), "deal 81 by deal_field"),
        ("two say it", with_po("4500 01"), say(&[81, 82]), "ask about 81 82: several say it"),
        ("none says it", with_po("4500 01"), say(&[]), "none: no organization"),
        ("another text", with_po("4500 02"), say(&[81]), "none: no organization"),
        (
            "two say it, one of them the customer's own",
            with_po("4500 01"),
            mixed.clone(),
            "deal 82 by deal_field",
        ),
        ("one of another company says it", with_po("4500 01"), foreign, "ask about 81: other company"),
        ("two other companies' say it", with_po("4500 01"), foreigners, "ask about 81 82: several say it"),
        ("its state is unknown", with_po("4500 01"), unknown, "look for {DealId(81)}"),
    ]);
}

#[test]
fn a_document_of_another_document() {
    let so = DocumentKey { kind: DocumentKind::SalesOrder, id: 7001 };
    let inv = DocumentKey { kind: DocumentKind::Invoice, id: 9001 };
    let linked = |links: &[(LinkAsk, DocumentKey, i64)]| {
        let link = |(ask, document, deal): &(LinkAsk, DocumentKey, i64)| Link {
            ask: ask.clone(),
            document: *document,
            deal: DealId(*deal),
        };
        Known { links: links.iter().map(link).collect(), ..knows([here(81), here(82)]) }
    };
    let for_order = Document::from(&ErpPurchaseOrder { sales_order: some("SO-1"), ..purchase() });
    let of_order = Document::from(&ErpInvoice { cross_reference: some("SO-1"), ..invoice() });
    let by_order = LinkAsk::OrderNumber("SO-1".to_owned());
    let by_po = LinkAsk::OrderWithCustomerPo { party: PARTY, value: "4500".to_owned() };
    let by_number = LinkAsk::InvoiceNumber { number: "INV-1".to_owned(), account: "10061".to_owned() };
    let by_amount = LinkAsk::InvoiceCredited {
        account: "10061".to_owned(),
        currency: "EUR".to_owned(),
        amount: amount("100").unwrap(),
    };
    let crediting = Document::from(&ErpCreditMemo { cross_reference: some("INV-1"), ..memo() });
    let wanted = asks(&policy(), &crediting).links;
    assert_eq!(wanted, BTreeSet::from([by_number.clone(), by_amount.clone()]));
    let other = DocumentKey { id: 9002, ..inv };
    let second = DocumentKey { id: 7002, ..so };
    let elsewhere = |mut known: Known| {
        let theirs = DealFound::Here(DealSeen { org: Some(OrgId(12)), ..deal() });
        known.deals.insert(DealId(82), theirs);
        known.customer = customer([]).customer;
        known
    };
    let foreign = elsewhere(linked(&[(by_order.clone(), so, 82)]));
    let both = elsewhere(linked(&[(by_order.clone(), second, 82), (by_order.clone(), so, 81)]));
    let Attachment::Deal { rule: Rule::Link { document, .. }, .. } = attach(&policy(), &of_order, &both)
    else {
        panic!("it is linked")
    };
    assert_eq!(document, so, "the order on that deal is named");
    let mut merged = linked(&[(by_order.clone(), so, 80)]);
    merged.deals.insert(DealId(80), DealFound::Merged { into: DealId(81) });
    check(vec![
        ("bought for an order", for_order.clone(), linked(&[(by_order.clone(), so, 81)]), "deal 81 by link"),
        ("the order has no deal", for_order.clone(), Known::default(), "none: names none"),
        ("an order of another company", of_order.clone(), foreign, "ask about 82: other company"),
        ("two orders of that number, one the customer's", of_order.clone(), both, "deal 81 by link"),
        ("the order's deal was merged", of_order.clone(), merged, "deal 81 by link"),
        ("the invoice of an order", of_order, linked(&[(by_order.clone(), so, 81)]), "deal 81 by link"),
        ("the same customer PO", with_po("4500"), linked(&[(by_po, so, 81)]), "deal 81 by link"),
        (
            "two orders of that number on two deals",
            for_order,
            linked(&[(by_order.clone(), so, 81), (by_order, DocumentKey { id: 7002, ..so }, 82)]),
            "ask about 81 82: several linked",
        ),
        ("a memo names its invoice", crediting, linked(&[(by_number, inv, 81)]), "deal 81 by link"),
        (
            "an installment was credited by its amount",
            Document::from(&memo()),
            linked(&[(by_amount.clone(), inv, 81)]),
            "deal 81 by link",
        ),
        (
            "so were two",
            Document::from(&memo()),
            linked(&[(by_amount.clone(), inv, 81), (by_amount, other, 81)]),
            "ask about 81: several linked",
        ),
        (
            "nothing says where a memo belongs",
            Document::from(&memo()),
            customer([(81, deal())]),
            "customer: names none",
        ),
    ]);
}

#[test]
fn whoever_is_meant_is_found_by_what_the_other_one_asks() {
    let of_order = Document::from(&ErpInvoice {
        purchase_order: some("4500"),
        cross_reference: some("SO-1"),
        ..invoice()
    });
    let order = Document::from(&ErpSalesOrder { customer_po: some("4500"), ..order() });
    assert_eq!(asks(&policy(), &of_order).links, LinkAsk::answered_by(&order));
    let for_order = Document::from(&ErpPurchaseOrder { sales_order: some("SO-1"), ..purchase() });
    assert!(LinkAsk::answered_by(&order).is_superset(&asks(&policy(), &for_order).links));
    let crediting = Document::from(&ErpCreditMemo { cross_reference: some("INV-1"), ..memo() });
    let credited = Document { credited: amount("-100"), ..plain() };
    assert_eq!(asks(&policy(), &crediting).links, LinkAsk::answered_by(&credited));
    assert_eq!(LinkAsk::answered_by(&plain()).len(), 1, "nothing was credited");
    assert!(
        asks(&policy(), &with_po(" 4500  x"))
            .fields
            .contains(&FieldAsk::answered_by("Customer PO", "4500 X"))
    );
}

#[test]
fn an_invoice_that_names_no_deal() {
    let open = DealSeen { status: DealStatus::Open, won: None, ..deal() };
    let lost = DealSeen { status: DealStatus::Lost, ..deal() };
    let archived = DealSeen { archived: true, ..deal() };
    let late = DealSeen { won: Some(day("2024-01-01")), added: Some(day("2023-01-01")), ..deal() };
    let early = DealSeen { won: Some(day("2026-06-01")), ..deal() };
    let no_value = DealSeen { value: None, status: DealStatus::Open, won: None, ..deal() };
    let before = |deal, by_customer, known: Known| Known {
        before: Some(Before { deal: DealId(deal), by_customer }),
        ..known
    };
    let two = || customer([(81, worth("5000", "EUR")), (82, worth("7000", "EUR"))]);
    check(vec![
        ("no pair", plain(), Known::default(), "none: no organization"),
        ("no deals", plain(), customer([]), "none: no deal fits"),
        ("one deal, won, same amount", plain(), customer([(81, deal())]), "deal 81 by customer"),
        (
            "one deal, a part of its value",
            plain(),
            customer([(81, worth("5000", "EUR"))]),
            "deal 81 by customer",
        ),
        ("one deal, worth less", plain(), customer([(81, worth("10", "EUR"))]), "ask about 81: close call"),
        (
            "one deal, in the tolerance",
            plain(),
            customer([(81, worth("1009", "EUR"))]),
            "deal 81 by customer",
        ),
        ("one deal, open", plain(), customer([(81, open.clone())]), "deal 81 by customer"),
        ("one deal, open and without value", plain(), customer([(81, no_value)]), "ask about 81: close call"),
        ("one deal, another currency", plain(), customer([(81, worth("1000", "USD"))]), "none: no deal fits"),
        ("one deal, lost", plain(), customer([(81, lost)]), "none: no deal fits"),
        ("one deal, archived", plain(), customer([(81, archived)]), "none: no deal fits"),
        ("one deal, won long ago", plain(), customer([(81, late)]), "ask about 81: close call"),
        ("one deal, won long after", plain(), customer([(81, early)]), "ask about 81: close call"),
        ("two parts", plain(), two(), "ask about 81 82: close call"),
        (
            "two deals, one of the amount",
            plain(),
            customer([(81, worth("5000", "EUR")), (82, deal())]),
            "deal 82 by customer",
        ),
        ("two of the amount", plain(), customer([(81, deal()), (82, deal())]), "ask about 81 82: close call"),
        (
            "two, one of the currency",
            plain(),
            customer([(81, deal()), (82, worth("1000", "USD"))]),
            "deal 81 by customer",
        ),
        ("two, one open", plain(), customer([(81, deal()), (82, open)]), "ask about 81 82: close call"),
        ("matched before", plain(), before(82, true, two()), "deal 82 by kept"),
        (
            "matched before to one that is gone",
            plain(),
            before(83, true, two()),
            "ask about 81 82: close call",
        ),
        ("named before, no longer", plain(), before(82, false, two()), "ask about 81 82: close call"),
        (
            "an unknown currency",
            Document { currency: some("XXQ"), ..plain() },
            customer([(81, deal())]),
            "none: no deal fits",
        ),
        (
            "a purchase order is never guessed",
            Document::from(&purchase()),
            customer([(81, deal())]),
            "none: names none",
        ),
    ]);
    let off = DocumentPolicy { match_by_customer: false, ..policy() };
    let attachment = attach(&off, &plain(), &customer([(81, deal())]));
    assert_eq!(told(&attachment), "none: not by customer");
    assert!(!asks(&off, &plain()).customer.unwrap().deals, "whose it is matters all the same");
}

#[test]
fn what_a_person_said_wins_until_its_deal_is_gone() {
    let said = |answer, known: Known| Known { answer: Some(answer), ..known };
    let deal = AttachAnswer::Deal(DealId(82));
    let merged = DealFound::Merged { into: DealId(83) };
    check(vec![
        ("to this one", with_po("PD-81"), said(deal, knows([here(81), here(82)])), "deal 82 by answer"),
        ("unknown", with_po("PD-81"), said(deal, knows([here(81)])), "look for {DealId(82)}"),
        (
            "to none",
            with_po("PD-81"),
            said(AttachAnswer::NoDeal, knows([here(81)])),
            "none: a person said so",
        ),
        (
            "gone",
            with_po("PD-81"),
            said(deal, knows([here(81), (82, DealFound::Deleted)])),
            "deal 81 by pattern",
        ),
        ("merged", with_po("PD-81"), said(deal, knows([(82, merged), here(83)])), "deal 83 by answer"),
    ]);
}

#[test]
fn an_answer_can_become_a_rule() {
    let document = with_po("Framework 7");
    let choices = LearnedBy::choices(&document);
    assert!(matches!(choices.first(), Some(LearnedBy::Reference { .. })), "the narrowest first");
    for by in choices {
        assert!(by.means(&document));
        let policy = DocumentPolicy { learned: vec![Learned { by, deal: DealId(82) }], ..policy() };
        assert!(asks(&policy, &document).deals.contains(&DealId(82)));
        assert_eq!(told(&attach(&policy, &document, &knows([here(82)]))), "deal 82 by learned");
    }
    let by = LearnedBy::Party(PARTY);
    let supplier = DocumentPolicy { learned: vec![Learned { by, deal: DealId(82) }], ..policy() };
    let bought = Document::from(&purchase());
    assert_eq!(told(&attach(&supplier, &bought, &knows([here(82)]))), "deal 82 by learned");
    let gone = knows([(82, DealFound::Deleted)]);
    assert_eq!(told(&attach(&supplier, &bought, &gone)), "none: names none");
}

#[test]
fn only_complete_invoices_of_wanted_kinds_count() {
    let of = |status: Option<&str>| {
        Document::from(&ErpInvoice {
            status: status.map(str::to_owned),
            purchase_order: some("PD-81"),
            ..invoice()
        })
    };
    check(vec![
        ("incomplete", of(Some("Incomplete")), knows([here(81)]), "not counted: incomplete"),
        ("frozen", of(Some("Frozen")), knows([here(81)]), "not counted: incomplete"),
        ("not told", of(None), knows([here(81)]), "not counted: incomplete"),
        ("however it is spelled", of(Some("COMPLETE")), knows([here(81)]), "deal 81 by pattern"),
    ]);
    let orders = DocumentPolicy { kinds: BTreeSet::from([DocumentKind::SalesOrder]), ..policy() };
    assert_eq!(told(&attach(&orders, &with_po("PD-81"), &knows([here(81)]))), "not counted: kind");
    assert_eq!(asks(&orders, &with_po("PD-81")), Default::default(), "nothing is read for it");
}

#[test]
fn a_corrected_reference_moves_the_document() {
    let known = Known {
        before: Some(Before { deal: DealId(81), by_customer: false }),
        ..knows([here(81), here(82)])
    };
    let after = attach(&policy(), &with_po("PD-82"), &known);
    assert_eq!(told(&after), "deal 82 by pattern");
    assert_eq!(pages_touched(Some(DealId(81)), &after), BTreeSet::from([DealId(81), DealId(82)]));
    let guessed = Known { before: Some(Before { deal: DealId(81), by_customer: true }), ..known };
    assert_eq!(attach(&policy(), &with_po("PD-82"), &guessed).deal(), Some(DealId(82)), "a guess gives way");
    let look = attach(&policy(), &with_po("PD-83"), &guessed);
    assert_eq!(pages_touched(Some(DealId(81)), &look), BTreeSet::new());
    let incomplete = Attachment::NotCounted { because: NotCounted::KindOff };
    assert_eq!(pages_touched(Some(DealId(81)), &incomplete), BTreeSet::from([DealId(81)]));
}

#[test]
fn patterns_find_ids_in_longer_texts() {
    for (pattern, text, ids) in [
        ("PD-{deal_id}", "PD-123", vec![123]),
        ("PD-{deal_id}", "pd-123", vec![123]),
        ("PD-{deal_id}", "PD-1234", vec![1234]),
        ("PD-{deal_id}", "XPD-123", vec![]),
        ("PD-{deal_id}", "ÄPD-123", vec![]),
        ("PD-{deal_id}", "PD-123a", vec![]),
        ("PD-{deal_id}", "PD-", vec![]),
        ("PD-{deal_id}", "PD- 123", vec![]),
        ("PD-{deal_id}", "PD-0", vec![]),
        ("PD-{deal_id}", "PD-00123", vec![123]),
        ("PD-{deal_id}", "PD-9999999999999999999", vec![]),
        ("PD-{deal_id}", "see (PD-7), PD-8; PD-7/PD-9.", vec![7, 8, 9]),
        ("deal {deal_id}", "the  DEAL\t5 of May", vec![5]),
        ("{deal_id}", "81", vec![81]),
        ("{deal_id}", " 81 ", vec![81]),
        ("{deal_id}", "order 81", vec![]),
        ("#{deal_id}", "A#81", vec![81]),
        ("{deal_id}/PD", "4/PD 5/pdx 66/PD", vec![4, 66]),
        ("{deal_id}/PD", "X4/PD", vec![]),
        ("Ä{deal_id}Ö", "ä81ö", vec![81]),
    ] {
        let found = Pattern::parse(pattern).unwrap().find(text);
        assert_eq!(found, ids.into_iter().map(DealId).collect(), "{pattern} in {text}");
    }
    for bad in [
        "",
        "PD-",
        "PD-{id}",
        "{deal_id}{deal_id}",
        "{x}{deal_id}",
        "PD1{deal_id}",
        "{deal_id}7",
        "}{deal_id}",
    ] {
        let error = Pattern::parse(bad).unwrap_err().to_string();
        assert!(error.contains(&format!("`{bad}`")) && error.contains(": "), "{error}");
    }
    let json = serde_json::to_string(&pattern("PD-{deal_id}")).unwrap();
    assert_eq!(serde_json::from_str::<How>(&json).unwrap(), pattern("PD-{deal_id}"));
    assert!(serde_json::from_str::<How>("{\"pattern\":\"PD\"}").is_err());
}

#[test]
fn names_are_read_back() {
    for kind in DocumentKind::ALL {
        assert_eq!(DocumentKind::parse(kind.key()), Some(kind));
        let key = DocumentKey { kind, id: 300_100_123 };
        assert_eq!(key.to_string().parse(), Ok(key));
        assert_eq!(format!("{}:300100123", kind.key()).parse(), Ok(key));
        assert_eq!(serde_json::from_str::<DocumentKey>(&serde_json::to_string(&key).unwrap()).unwrap(), key);
    }
    for bad in ["", "invoice", "invoice:", "invoice:x", "invoice:-1", "bill:1"] {
        assert!(bad.parse::<DocumentKey>().unwrap_err().to_string().contains("invoice:300100123"), "{bad}");
    }
    for field in ReferenceField::PLAIN.into_iter().chain([ReferenceField::Dff("dealId".to_owned())]) {
        assert_eq!(field.to_string().parse(), Ok(field));
    }
    assert!("Comments".parse::<ReferenceField>().unwrap_err().to_string().contains("CustomerPONumber"));
    assert!("DFF: ".parse::<ReferenceField>().is_err());
    let document = with_po("PD-81").with_segments(&BTreeMap::from([("dealId".to_owned(), "81".to_owned())]));
    let json = serde_json::to_string(&document).unwrap();
    assert_eq!(serde_json::from_str::<Document>(&json).unwrap(), document);
}

#[test]
fn links_lead_into_the_erp_and_nowhere_else() {
    let template = LinkTemplate::parse("https://erp.example/i?id={id}&n={number}").unwrap();
    let document = Document { number: "A/1 &\"ä".to_owned(), ..plain() };
    assert_eq!(template.link(&document), "https://erp.example/i?id=9001&n=A%2F1%20%26%22%C3%A4");
    for bad in ["javascript:alert({id})", "//x/{id}", "https://erp.example/", "https://x/{id}/{name}"] {
        assert!(LinkTemplate::parse(bad).unwrap_err().to_string().contains(bad), "{bad}");
    }
}

#[test]
fn installments_tell_what_was_paid_and_what_is_due_first() {
    let part = |id, due: &str, balance: &str, paid: &str| Installment {
        id,
        due: Some(day(due)),
        original: amount("500"),
        balance: amount(balance),
        paid: amount(paid),
        credited: amount("0"),
    };
    let parts = [part(2, "2026-04-01", "300", "200"), part(1, "2026-03-01", "100", "400")];
    let document = plain().with_installments(&parts);
    assert_eq!((document.paid, document.credited), (amount("600"), amount("0")));
    let unpaid: Vec<_> = document.unpaid(2).iter().map(|part| (part.due, part.balance)).collect();
    assert_eq!(
        unpaid,
        [
            (Some(day("2026-03-01")), amount("100").unwrap()),
            (Some(day("2026-04-01")), amount("300").unwrap())
        ]
    );
    let later = Document { balance: amount("350"), ..document };
    let unpaid: Vec<_> = later.unpaid(2).iter().map(|part| (part.due, part.balance)).collect();
    assert_eq!(unpaid, [(Some(day("2026-03-01")), amount("350").unwrap())], "the header was read later");
}

proptest! {
    #[test]
    fn an_id_between_any_texts_is_found_or_glued(before in ".{0,12}", id in 1_i64..1_000_000, after in ".{0,12}") {
        let pattern = Pattern::parse("PD-{deal_id}").unwrap();
        let text = format!("{before} PD-{id} {after}");
        prop_assert!(pattern.find(&text).contains(&DealId(id)), "{}", text);
        let glued = pattern.find(&format!("PD-{id}{after}"));
        let digits: String = id.to_string() + &after.chars().take_while(char::is_ascii_digit).collect::<String>();
        prop_assert!(!glued.contains(&DealId(id)) || digits == id.to_string());
    }

    #[test]
    fn attaching_is_total_and_guesses_only_what_fits(
        po in proptest::option::of(".{0,20}"), total in any::<i64>(), values in proptest::collection::vec(any::<i64>(), 0..6), days in -4000_i32..4000,
    ) {
        use jiff::ToSpan;
        let date = day("2026-02-10").saturating_add(days.days());
        let document = Document::from(&ErpInvoice { purchase_order: po, entered: Some(Amount(total)), date: Some(date), ..invoice() });
        let deals: BTreeMap<DealId, DealSeen> = (1..).map(DealId).zip(values.iter().map(|value| DealSeen {
            value: Some(Money { amount: Amount(*value), currency: "EUR".to_owned() }), ..deal()
        })).collect();
        let found = deals.iter().map(|(id, deal)| (*id, DealFound::Here(deal.clone()))).collect();
        let known = Known { deals: found, customer: Some(CustomerDeals { org: ORG, family: BTreeSet::new(), deals }), ..Known::default() };
        let attachment = attach(&policy(), &document, &known);
        if let Attachment::Deal { rule: Rule::Customer { score, .. }, .. } = &attachment {
            prop_assert!(*score >= 60);
        }
        prop_assert_eq!(attach(&policy(), &document, &known), attachment);
    }
}
