//! What the ERP issued is shown on the deal it belongs to: the real clients against the simulators.

use std::collections::BTreeMap;

use jiff::SignedDuration;
use saas_sims::{
    faults::{Fault, FaultRule},
    fusion::{Edit, FusionSettings},
    pipedrive::{PipedriveSettings, Plan},
};
use serde_json::{Value, json};
use sync_core::{
    documents::{DocumentKind, DocumentPolicy, How, LearnedBy, Pattern, ReferenceRule},
    ids::DealId,
};
use sync_store::{DecisionKey, DocumentId, StagedKind};

use crate::{
    handovers::work,
    world::{Beginning, SWEEP, World},
};

/// A customer that both sides know.
pub(crate) struct Customer {
    pub(crate) account: i64,
    pub(crate) org: i64,
}

/// A world in which `PD-{deal_id}` names a deal, and every invoice is polled within minutes.
pub(crate) async fn world(seed: u64) -> World {
    let pipedrive = PipedriveSettings { plan: Plan::Ultimate, seats: 20, ..PipedriveSettings::default() };
    let fusion = FusionSettings::default();
    let mut world = World::new(Beginning { seed, fusion, pipedrive, oauth: false }).await;
    let how = How::Pattern(Pattern::parse("PD-{deal_id}").expect("a pattern"));
    let rule = |field: &str| ReferenceRule {
        kinds: Default::default(),
        field: field.parse().expect("a field"),
        how: how.clone(),
        source_system: None,
    };
    let references = ["PurchaseOrder", "CustomerPONumber", "Description"].map(rule).into();
    world.documents = Some(DocumentPolicy { references, ..DocumentPolicy::default() });
    world
}

/// Enters a company and waits until sales knows it.
pub(crate) async fn customer(world: &World, name: &str) -> Customer {
    let party = Edit::set(json!({"OrganizationName": name, "PartyUsageCode": "CUSTOMER"}));
    let party = world.fusion.add_party(party).expect("a party");
    let account = world.fusion.add_account(party, Edit::default()).expect("an account");
    work(world, 10).await;
    let org = world.organizations()[&party][0].id;
    Customer { account, org }
}

pub(crate) fn deal(world: &World, customer: &Customer) -> i64 {
    let body =
        json!({ "title": "Framework contract", "org_id": customer.org, "value": 1000, "currency": "USD" });
    world.pipedrive.create_deal(&body).expect("a deal")
}

pub(crate) fn invoice(world: &World, customer: &Customer, amount: f64, more: Value) -> i64 {
    let mut values = json!({ "EnteredAmount": amount, "DueDate": "2026-04-30" });
    values.as_object_mut().expect("an object").extend(more.as_object().expect("an object").clone());
    world.fusion.add_invoice(customer.account, Edit::set(values), &[]).expect("an invoice")
}

pub(crate) fn number(world: &World, invoice: i64) -> String {
    let row = world.fusion.row("receivablesInvoices", invoice).expect("an invoice");
    row["TransactionNumber"].as_str().unwrap_or_default().to_owned()
}

pub(crate) fn says(world: &World, deal: i64, field: &str) -> Value {
    world.pipedrive.deal(deal).expect("a deal").custom.get(field).cloned().unwrap_or_default()
}

pub(crate) fn dollars(amount: &str) -> Value {
    let amount: serde_json::Number = amount.parse().expect("a number");
    json!({ "value": amount, "currency": "USD" })
}

pub(crate) fn note(world: &World, deal: i64) -> String {
    let notes = world.pipedrive.notes_on_deal(deal);
    assert_eq!(notes.len(), 1, "one note a kind: {notes:?}");
    notes.into_iter().next().map(|(_, content)| content).unwrap_or_default()
}

async fn decision(world: &World, kind: DocumentKind, id: i64) -> DecisionKey {
    let id: DocumentId = sync_core::documents::DocumentKey { kind, id }.into();
    let rows = async { world.store.read(world.connection).await?.documents(&[id]).await };
    let rows = world.drive(rows).await.expect("alive").expect("the store works");
    rows[&id].decided.as_ref().expect("it was looked at").0.key
}

/// Writes that were sent to the CRM so far.
fn writes(world: &World) -> u64 {
    let stats = world.pipedrive.stats();
    let written = stats.by_operation.iter().filter(|(name, _)| !name.starts_with("GET"));
    written.map(|(_, counted)| counted.0).sum()
}

#[tokio::test]
async fn invoices_are_shown_on_their_deal_from_the_first_day_to_the_last() {
    let world = world(301).await;
    let acme = customer(&world, "Acme Trading Inc").await;
    let [first, second] = [deal(&world, &acme), deal(&world, &acme)];
    let one = invoice(&world, &acme, 600.0, json!({ "PurchaseOrder": format!("PD-{first}") }));
    let two = invoice(&world, &acme, 250.5, json!({ "PurchaseOrder": format!("our order PD-{first}, 2") }));
    work(&world, 20).await;
    assert_eq!(says(&world, first, "ERP last invoice"), json!(number(&world, two)));
    assert_eq!(says(&world, first, "ERP invoiced"), dollars("850.5"));
    assert_eq!(says(&world, first, "ERP open balance"), dollars("850.5"));
    assert_eq!(says(&world, first, "ERP oldest unpaid due"), json!("2026-04-30"));
    for invoice in [one, two] {
        assert!(note(&world, first).contains(&number(&world, invoice)));
    }
    let quiet = writes(&world);
    work(&world, 90).await;
    assert_eq!(writes(&world), quiet, "nothing changed, nothing is written");

    // A payment and a credit move no stamp of the invoice.
    world.fusion.pay_invoice(one, 600.0).expect("paid");
    world.fusion.credit_invoice(two, 50.5).expect("credited");
    world.clock.advance(SWEEP);
    work(&world, 20).await;
    assert_eq!(says(&world, first, "ERP open balance"), dollars("200"));
    assert!(note(&world, first).contains("paid"));

    // It is corrected: it belongs to the other deal.
    let moved = Edit::set(json!({ "PurchaseOrder": format!("PD-{second}") }));
    world.fusion.edit_row("receivablesInvoices", two, &moved).expect("edited");
    work(&world, 20).await;
    assert_eq!(says(&world, first, "ERP invoiced"), dollars("600"));
    assert_eq!(says(&world, second, "ERP open balance"), dollars("200"));
    assert!(!note(&world, first).contains(&number(&world, two)));

    // A payment is taken back.
    world.fusion.pay_invoice(one, -600.0).expect("reversed");
    world.clock.advance(SWEEP);
    work(&world, 20).await;
    assert_eq!(says(&world, first, "ERP open balance"), dollars("600"));
}

#[tokio::test]
async fn the_owner_is_told_once_of_an_invoice_that_is_overdue_until_it_is_paid() {
    let mut world = world(309).await;
    let policy = world.documents.take().expect("a policy");
    world.documents = Some(DocumentPolicy { overdue_activity: true, ..policy });
    let acme = customer(&world, "Acme Trading Inc").await;
    let deal = deal(&world, &acme);
    let due = world.clock.now().to_zoned(jiff::tz::TimeZone::UTC).date().tomorrow().expect("a day");
    let more = json!({ "PurchaseOrder": format!("PD-{deal}"), "DueDate": due.to_string() });
    let late = invoice(&world, &acme, 600.0, more);
    work(&world, 20).await;
    assert_eq!(world.pipedrive.activities().len(), 0, "it is not due yet");
    // The answer gets lost: whether it was made is looked up before anything is sent again.
    world
        .pipedrive
        .faults()
        .set(vec![FaultRule::on("/activities", Fault::DropAfter).method("POST").times(1)]);
    for _ in 0..3 {
        world.clock.advance(SignedDuration::from_hours(24));
        work(&world, 20).await;
        let activities = world.pipedrive.activities();
        let told = activities.first().map(|one| (one.subject.clone(), one.deal_id, one.done));
        let subject = format!("Overdue: invoice {}", number(&world, late));
        let expected = (world.clock.now().to_zoned(jiff::tz::TimeZone::UTC).date() > due).then_some((
            subject,
            Some(deal),
            false,
        ));
        assert_eq!((activities.len(), told), (usize::from(expected.is_some()), expected));
    }
    world.fusion.pay_invoice(late, 600.0).expect("paid");
    world.clock.advance(SWEEP);
    work(&world, 20).await;
    let activities = world.pipedrive.activities();
    assert!(activities.len() == 1 && activities[0].done, "{activities:?}");
}

#[tokio::test]
async fn archived_deals_are_left_alone_and_what_is_gone_shows_nothing() {
    let world = world(302).await;
    let acme = customer(&world, "Acme Trading Inc").await;
    let [kept, gone] = [deal(&world, &acme), deal(&world, &acme)];
    let one = invoice(&world, &acme, 600.0, json!({ "PurchaseOrder": format!("PD-{kept}") }));
    let two = invoice(&world, &acme, 70.0, json!({ "PurchaseOrder": format!("PD-{gone}") }));
    work(&world, 20).await;
    assert_eq!(says(&world, kept, "ERP invoiced"), dollars("600"));
    world.pipedrive.archive_deal(kept, true).expect("archived");
    world.pipedrive.delete_deal(gone).expect("deleted");
    let three = invoice(&world, &acme, 30.0, json!({ "PurchaseOrder": format!("PD-{kept}") }));
    let more = invoice(&world, &acme, 5.0, json!({ "PurchaseOrder": format!("PD-{gone}") }));
    // Deleted deals are in no list: two walks miss them.
    for _ in 0..3 {
        world.clock.advance(SWEEP);
        work(&world, 20).await;
    }
    assert_eq!(says(&world, kept, "ERP invoiced"), dollars("600"), "it is archived and cannot be written");
    for (invoice, expected) in [
        (one, DecisionKey::Attached),
        (three, DecisionKey::Attached),
        (two, DecisionKey::Unmatched),
        (more, DecisionKey::Unmatched),
    ] {
        assert_eq!(decision(&world, DocumentKind::Invoice, invoice).await, expected, "invoice {invoice}");
    }
    world.pipedrive.archive_deal(kept, false).expect("back");
    work(&world, 30).await;
    assert_eq!(says(&world, kept, "ERP invoiced"), dollars("630"));
}

#[tokio::test]
async fn nobody_sees_the_documents_of_another_company() {
    let world = world(303).await;
    let acme = customer(&world, "Acme Trading Inc").await;
    let other = customer(&world, "Bolt Manufacturing Corp").await;
    let deal = deal(&world, &acme);
    let wrong = invoice(&world, &other, 90.0, json!({ "PurchaseOrder": format!("PD-{deal}") }));
    work(&world, 20).await;
    assert_eq!(decision(&world, DocumentKind::Invoice, wrong).await, DecisionKey::Ambiguous);
    assert_eq!(world.pipedrive.notes_on_deal(deal), Vec::new());
    assert_eq!(says(&world, deal, "ERP invoiced"), Value::Null);
    // A person says that it is right so.
    let id: DocumentId = sync_core::documents::DocumentKey { kind: DocumentKind::Invoice, id: wrong }.into();
    let answer = json!({ "deal": deal }).to_string();
    let answering =
        world.store.answer_document(world.connection, id, Some(&answer), "ann", world.clock.now());
    assert!(world.drive(answering).await.expect("alive").expect("the store works"));
    work(&world, 10).await;
    assert_eq!(says(&world, deal, "ERP invoiced"), dollars("90"));
}

#[tokio::test]
async fn names_are_text_and_foreign_money_is_not_added() {
    let world = world(304).await;
    let script = customer(&world, "<script>alert(1)</script> & Sons").await;
    let deal = deal(&world, &script);
    let po = format!("PD-{deal}");
    invoice(&world, &script, 600.0, json!({ "PurchaseOrder": po, "TransactionNumber": "<b>INV</b>&1" }));
    invoice(&world, &script, 40.0, json!({ "PurchaseOrder": po, "InvoiceCurrencyCode": "XTS" }));
    work(&world, 20).await;
    let shown = note(&world, deal);
    assert!(shown.contains("&lt;b&gt;INV") && !shown.contains("<script"), "{shown}");
    assert!(shown.contains("XTS"), "it is told as it is: {shown}");
    assert_eq!(says(&world, deal, "ERP invoiced"), dollars("600"), "nothing is converted");
}

#[tokio::test]
async fn orders_are_shown_and_what_people_do_to_notes_stays() {
    let world = world(305).await;
    let acme = customer(&world, "Acme Trading Inc").await;
    let deal = deal(&world, &acme);
    let header = json!({
        "SourceTransactionSystem": "OPS", "SourceTransactionId": "7", "SourceTransactionNumber": "7",
        "CustomerPONumber": format!("PD-{deal}"), "StatusCode": "OPEN", "TransactionalCurrencyCode": "USD",
    });
    world.fusion.add_row("salesOrdersForOrderHub", None, Edit::set(header)).expect("an order");
    let purchase = json!({
        "OrderNumber": "PO-1", "Description": format!("parts for PD-{deal}"), "CurrencyCode": "USD",
        "Total": 12.5, "StatusCode": "OPEN",
    });
    world.fusion.add_row("purchaseOrders", None, Edit::set(purchase)).expect("a purchase order");
    work(&world, 20).await;
    let notes = world.pipedrive.notes_on_deal(deal);
    assert_eq!(notes.len(), 2, "{notes:?}");
    assert!(notes.iter().any(|(_, content)| content.contains("PO-1")));

    // One is deleted, one is written into: neither is written again for nothing.
    world.pipedrive.delete_note(notes[0].0).expect("deleted");
    world.pipedrive.edit_note(notes[1].0, "mine").expect("edited");
    let before = writes(&world);
    world.clock.advance(SWEEP + SignedDuration::from_mins(10));
    work(&world, 30).await;
    assert_eq!(world.pipedrive.notes_on_deal(deal), [(notes[1].0, "mine".to_owned())]);
    assert_eq!(writes(&world), before);
}

#[tokio::test]
async fn without_a_reference_an_invoice_goes_to_the_one_deal_that_fits() {
    let world = world(306).await;
    let acme = customer(&world, "Acme Trading Inc").await;
    let only = deal(&world, &acme);
    world.pipedrive.win_deal(only).expect("won");
    let fits = invoice(&world, &acme, 1000.0, json!({}));
    work(&world, 30).await;
    assert_eq!(decision(&world, DocumentKind::Invoice, fits).await, DecisionKey::Attached);
    assert_eq!(says(&world, only, "ERP invoiced"), dollars("1000"));
    let kind = StagedKind::Invoice;
    let open = async { world.store.read(world.connection).await?.open_documents(kind, 0, 10).await };
    let open = world.drive(open).await.expect("alive").expect("the store works");
    assert_eq!(open, [fits], "its balance is looked at by itself");
}

#[tokio::test]
async fn an_answer_that_is_made_a_rule_decides_until_it_is_taken_back() {
    let world = world(310).await;
    let acme = customer(&world, "Acme Trading Inc").await;
    let deals = [deal(&world, &acme), deal(&world, &acme)];
    let po = json!({ "PurchaseOrder": "Frame 47-11" });
    let [one, other] = [invoice(&world, &acme, 10.0, po.clone()), invoice(&world, &acme, 7.0, json!({}))];
    work(&world, 20).await;
    for invoice in [one, other] {
        assert_eq!(decision(&world, DocumentKind::Invoice, invoice).await, DecisionKey::Ambiguous);
    }
    let by = LearnedBy::Reference {
        field: "PurchaseOrder".parse().expect("a field"),
        value: "Frame 47-11".to_owned(),
    };
    let by = serde_json::to_string(&by).expect("JSON");
    let (store, connection, now) = (&world.store, world.connection, world.clock.now());
    let made = store.put_document_rule(connection, (&by, DealId(deals[0])), "ann", now);
    let rule = world.drive(made).await.expect("alive").expect("the store works");
    let later = invoice(&world, &acme, 5.0, json!({ "PurchaseOrder": "frame  47-11" }));
    work(&world, 20).await;
    assert_eq!(says(&world, deals[0], "ERP invoiced"), dollars("15"), "what was there, and what came later");
    assert_eq!(decision(&world, DocumentKind::Invoice, other).await, DecisionKey::Ambiguous);

    // The same documents, another deal: it is the same rule.
    let made = store.put_document_rule(connection, (&by, DealId(deals[1])), "bob", world.clock.now());
    assert_eq!(world.drive(made).await.expect("alive").expect("the store works"), rule);
    work(&world, 20).await;
    assert_eq!(says(&world, deals[0], "ERP invoiced"), Value::Null);
    assert_eq!(says(&world, deals[1], "ERP invoiced"), dollars("15"));

    let removed = store.remove_document_rule(connection, rule, "ann", world.clock.now());
    let removed = world.drive(removed).await.expect("alive").expect("the store works");
    assert_eq!(removed.expect("a rule").by, "bob");
    work(&world, 20).await;
    for invoice in [one, later] {
        assert_eq!(decision(&world, DocumentKind::Invoice, invoice).await, DecisionKey::Ambiguous);
    }
    assert_eq!(says(&world, deals[1], "ERP invoiced"), Value::Null);
}

#[tokio::test]
async fn installments_tell_what_was_credited_and_which_part_is_late() {
    let mut world = world(311).await;
    let fields =
        ["last_invoice_status", "invoiced_total", "paid_total", "credited_total", "oldest_unpaid_due"];
    let fields =
        fields.into_iter().map(|field| sync_core::documents::RollUpField::parse(field).expect("a field"));
    let policy = world.documents.take().expect("a policy");
    world.documents = Some(DocumentPolicy { fields: fields.collect(), ..policy });
    let acme = customer(&world, "Acme Trading Inc").await;
    let [credited, parts] = [deal(&world, &acme), deal(&world, &acme)];
    let of = |deal: i64| json!({ "PurchaseOrder": format!("PD-{deal}"), "EnteredAmount": 100, "DueDate": "2026-05-31" });
    let add = |deal: i64, parts: &[f64]| {
        world.fusion.add_invoice(acme.account, Edit::set(of(deal)), parts).expect("an invoice")
    };
    let (gone, split) = (add(credited, &[60.0, 40.0]), add(parts, &[30.0, 70.0]));
    work(&world, 20).await;
    assert_eq!(says(&world, credited, "ERP last invoice status"), json!("open"));
    world.fusion.credit_invoice(gone, 100.0).expect("credited");
    world.fusion.pay_invoice(split, 30.0).expect("paid");
    world.clock.advance(SWEEP);
    work(&world, 20).await;
    assert_eq!(says(&world, credited, "ERP last invoice status"), json!("credited"));
    assert_eq!(says(&world, parts, "ERP last invoice status"), json!("partly paid"));
    assert_eq!(says(&world, parts, "ERP paid"), dollars("30"));
    // The header's day has not come yet, and the part that was due on it is paid.
    assert_eq!(says(&world, parts, "ERP oldest unpaid due"), json!("2026-06-30"));
}

#[tokio::test]
async fn a_segment_of_a_flexfield_names_the_deal() {
    let mut world = world(312).await;
    let policy = world.documents.take().expect("a policy");
    let references = vec![ReferenceRule {
        kinds: Default::default(),
        field: "DFF:dealId".parse().expect("a field"),
        how: How::Pattern(Pattern::parse("{deal_id}").expect("a pattern")),
        source_system: None,
    }];
    world.documents = Some(DocumentPolicy { references, ..policy });
    let acme = customer(&world, "Acme Trading Inc").await;
    let [first, second] = [deal(&world, &acme), deal(&world, &acme)];
    let segment = |deal: i64| Edit::set(json!({ "__FLEX_Context": "CRM", "dealId": deal.to_string() }));
    for (deal, child) in [(first, "receivablesInvoiceDFF"), (second, "receivablesInvoiceTransactionDFF")] {
        let invoice = invoice(&world, &acme, 10.0, json!({}));
        let child = format!("receivablesInvoices/{child}");
        world.fusion.add_row(&child, Some(invoice), segment(deal)).expect("a segment");
    }
    let order = json!({ "OrderNumber": "PO-1", "CurrencyCode": "USD", "Total": 12.5, "StatusCode": "OPEN" });
    let order = world.fusion.add_row("purchaseOrders", None, Edit::set(order)).expect("a purchase order");
    world.fusion.add_row("purchaseOrders/DFF", Some(order), segment(first)).expect("a segment");
    work(&world, 20).await;
    for deal in [first, second] {
        assert_eq!(says(&world, deal, "ERP invoiced"), dollars("10"), "deal {deal}");
    }
    let notes = world.pipedrive.notes_on_deal(first);
    assert!(notes.iter().any(|(_, content)| content.contains("PO-1")), "{notes:?}");
}

/// What was spent on a hundred deals whose documents changed, three times in a row: of it, lists of deals.
async fn spent_on_a_hundred_deals(world: World) -> Vec<(u64, u64)> {
    let acme = customer(&world, "Acme Trading Inc").await;
    let deals: Vec<i64> = (0..100).map(|_| deal(&world, &acme)).collect();
    let bought = |deal: &i64| json!({ "PurchaseOrder": format!("PD-{deal}") });
    let invoices: Vec<i64> = deals.iter().map(|deal| invoice(&world, &acme, 600.0, bought(deal))).collect();
    let lease = world.take().await.expect("nobody dies");
    let mut engine = world.engine(&lease);
    let mut spent = async || {
        let before = world.pipedrive.stats().by_operation;
        let end = world.clock.now() + world.poll_every * 2;
        Box::pin(world.work_until(&mut engine, &lease, end)).await;
        let after = world.pipedrive.stats().by_operation;
        let before = |name: &str| before.get(name).map_or(0, |counted| counted.1);
        after
            .iter()
            .map(|(name, counted)| (name.clone(), counted.1 - before(name)))
            .collect::<BTreeMap<_, _>>()
    };
    spent().await;
    spent().await;
    let mut costs = Vec::new();
    for amount in [700, 800, 900] {
        for invoice in &invoices {
            let corrected = Edit::set(json!({ "EnteredAmount": amount }));
            world.fusion.edit_row("receivablesInvoices", *invoice, &corrected).expect("edited");
        }
        let cost = spent().await;
        println!("{amount}: {cost:?}");
        assert_eq!(cost["PATCH /api/v2/deals/{id}"], 500, "fields of each deal");
        assert_eq!(cost["PUT /v1/notes/{id}"], 1000, "a note of each deal");
        let polls = cost["GET /api/v2/organizations"];
        costs.push((cost.values().sum::<u64>() - polls, cost["GET /api/v2/deals"]));
    }
    costs
}

/// At most 1.05 x (5 + 10 x notes changed) for each changed deal, beside lists of deals (10 for a hundred, polls among them); what
/// notes say has to be read once after a start.
#[tokio::test]
async fn a_changed_deal_costs_little_more_than_its_writes() {
    let costs = spent_on_a_hundred_deals(world(313).await).await;
    let [first, later @ ..] = &costs[..] else { panic!("three") };
    assert_eq!(first.0 - first.1, 1_500 + 20 + 200, "{costs:?}");
    assert!(later.iter().all(|(all, lists)| all - lists <= 1_575 && *lists <= 40), "{costs:?}");
}

/// A deal is written within five seconds of being read: the slower the answers, the more lists.
#[tokio::test]
async fn a_changed_deal_costs_no_more_where_answers_take_their_time() {
    let world = world(314).await;
    let slow = |path: &str, method: &str| FaultRule::on(path, Fault::Delay { millis: 300 }).method(method);
    world.pipedrive.faults().set(vec![slow("/deals", "PATCH"), slow("/notes", "PUT")]);
    let costs = spent_on_a_hundred_deals(world).await;
    let later = &costs[1..];
    assert!(later.iter().all(|(all, lists)| all - lists <= 1_575 && *lists > 40), "{costs:?}");
}
