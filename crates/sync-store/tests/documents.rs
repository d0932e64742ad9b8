//! Documents, what deals show of them, and intents of showing it, on both databases.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on has failed")]

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use sync_core::{
    budget::Class,
    hooks::{Check, HookEntity, HookEvent, Merged},
    ids::{ConnectionId, DealId},
};
use sync_store::{
    DealPageJob, DealPageRow, Decided, DecidedDocument, DecisionKey, DocumentId, DocumentJob, DocumentRow,
    DocumentRule, FailedDealPage, FailedDocument, Fence, HookRow, IntentEnd, NewPageIntent, PageQuestion,
    PersonAnswer, SettledDealPage, SettledDocument, StagedKind, StagedRow, Store, StoreError, Tx,
};

#[expect(dead_code, reason = "another test reopens its store")]
mod support;

const DEAL: DealId = DealId(81);
const OTHER: DealId = DealId(82);

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_767_225_600 + second).unwrap()
}

fn invoice(id: i64) -> DocumentId {
    DocumentId { kind: StagedKind::Invoice, id }
}

fn attached(deal: DealId, open: bool) -> Decided {
    let body = format!("{{\"deal\":{deal}}}");
    Decided { key: DecisionKey::Attached, deal: Some(deal), body, open }
}

fn decided(key: DecisionKey) -> Decided {
    Decided { key, deal: None, body: "{}".to_owned(), open: false }
}

fn done(job: &DocumentJob, decided: Decided) -> SettledDocument {
    SettledDocument { job: job.clone(), decided: Some(decided), due: None, attempts: 0, error: None }
}

fn failed(job: &DocumentJob, due: Timestamp, attempts: u32, error: &str) -> SettledDocument {
    let error = Some(error.to_owned());
    SettledDocument { job: job.clone(), decided: None, due: Some(due), attempts, error }
}

fn ids(rows: Vec<DocumentRow>) -> Vec<DocumentId> {
    rows.into_iter().map(|row| row.id).collect()
}

async fn opened(store: &Store, name: &str) -> (ConnectionId, Fence) {
    store.migrate().await.unwrap();
    let connection = store.ensure_connection(name, "{}", at(0)).await.unwrap();
    (connection, store.lease_take(connection, "one", None).await.unwrap().expect("nobody has it"))
}

async fn claim(tx: &mut Tx, second: i64) -> Vec<DocumentJob> {
    tx.claim_documents(at(second), Class::Backfill, 1000).await.unwrap()
}

/// Decides one document that is due.
async fn decide(tx: &mut Tx, id: DocumentId, second: i64, decided: Decided) -> DecidedDocument {
    tx.enqueue_documents(&[id], Class::Edit, at(second), "poll").await.unwrap();
    let job = claim(tx, second).await.into_iter().find(|job| job.id == id).expect("it is due");
    tx.settle_documents(&[done(&job, decided)], at(second)).await.unwrap().remove(0)
}

/// Whoever asks again makes the look earlier or more urgent; who settles what was asked for anew settles nothing.
async fn queue(store: Store) {
    let (_, fence) = opened(&store, "acme").await;
    let mut tx = store.write(&fence).await.unwrap();
    let one = invoice(7);
    tx.enqueue_documents(&[one, one], Class::Edit, at(100), "poll").await.unwrap();
    tx.enqueue_documents(&[one], Class::Document, at(50), "webhook").await.unwrap();
    tx.enqueue_documents(&[one], Class::Backfill, at(200), "later").await.unwrap();
    assert_eq!(tx.next_document(Class::Document).await.unwrap(), Some(at(50)));
    assert_eq!(tx.next_document(Class::Urgent).await.unwrap(), None);
    assert_eq!(claim(&mut tx, 49).await, []);
    assert_eq!(tx.claim_documents(at(50), Class::Urgent, 10).await.unwrap(), []);
    let old = claim(&mut tx, 50).await.remove(0);
    let expected =
        DocumentJob { id: one, class: Class::Document, generation: 3, attempts: 0, origin: "later".into() };
    assert_eq!(old, expected, "the earliest, the most urgent, the last who asked");

    // An older generation does not settle.
    tx.enqueue_documents(&[one], Class::Edit, at(61), "again").await.unwrap();
    for stale in [done(&old, attached(DEAL, true)), failed(&old, at(900), 4, "503")] {
        assert_eq!(tx.settle_documents(&[stale], at(62)).await.unwrap(), []);
    }
    let untouched = DocumentRow { id: one, decided: None, answer: None };
    assert_eq!(tx.documents(&[one]).await.unwrap()[&one], untouched);
    assert_eq!(tx.failed_documents(10).await.unwrap(), []);
    let job = claim(&mut tx, 62).await.remove(0);
    let told = tx.settle_documents(&[done(&job, attached(DEAL, true))], at(62)).await.unwrap();
    assert_eq!(told, [DecidedDocument { id: one, was: None, deal: Some(DEAL) }]);
    assert_eq!(claim(&mut tx, 900).await, [], "it is done");

    // What is done with is asked for anew at the class it is asked for with.
    tx.enqueue_documents(&[one], Class::Backfill, at(70), "sweep").await.unwrap();
    let job = claim(&mut tx, 70).await.remove(0);
    assert_eq!(job.class, Class::Backfill);

    // A failure leaves what was decided, is told, and is forgotten once somebody asks.
    let told = tx.settle_documents(&[failed(&job, at(500), 2, "503")], at(71)).await.unwrap();
    assert_eq!(told, [DecidedDocument { id: one, was: Some(DEAL), deal: Some(DEAL) }]);
    let failure = FailedDocument { id: one, attempts: 2, error: "503".to_owned(), due: Some(at(500)) };
    assert_eq!(tx.failed_documents(10).await.unwrap(), [failure]);
    assert_eq!(tx.documents_by_attempts(at(71), 2).await.unwrap(), (0, 1));
    let kept = tx.documents(&[one]).await.unwrap().remove(&one).unwrap().decided;
    assert_eq!(kept, Some((attached(DEAL, true), at(62))));
    tx.enqueue_documents(&[one], Class::Urgent, at(72), "ann").await.unwrap();
    assert_eq!(tx.failed_documents(10).await.unwrap(), []);
    tx.commit().await.unwrap();

    // Only documents have decisions, only attached ones a deal, and those one.
    for kind in [StagedKind::Org, StagedKind::Installments] {
        let mut tx = store.write(&fence).await.unwrap();
        let refused = DocumentId { kind, id: 1 };
        assert!(tx.enqueue_documents(&[refused], Class::Edit, at(80), "poll").await.is_err());
    }
    let no_deal = Decided { deal: None, ..attached(DEAL, true) };
    let a_deal = Decided { deal: Some(DEAL), ..decided(DecisionKey::Ambiguous) };
    for wrong in [no_deal, a_deal] {
        let mut tx = store.write(&fence).await.unwrap();
        let job = claim(&mut tx, 80).await.remove(0);
        assert!(tx.settle_documents(&[done(&job, wrong)], at(80)).await.is_err());
    }
}

/// What was decided is found by deal, by what it is, and by whether it is open; what a person said stays.
async fn decisions(store: Store) {
    let (connection, fence) = opened(&store, "acme").await;
    let mut tx = store.write(&fence).await.unwrap();
    let order = DocumentId { kind: StagedKind::SalesOrder, id: 1 };
    let memo = DocumentId { kind: StagedKind::CreditMemo, id: 9 };
    decide(&mut tx, invoice(1), 10, attached(DEAL, true)).await;
    decide(&mut tx, invoice(2), 10, attached(OTHER, false)).await;
    decide(&mut tx, invoice(3), 10, Decided { open: true, ..decided(DecisionKey::Unmatched) }).await;
    decide(&mut tx, order, 10, attached(DEAL, false)).await;
    decide(&mut tx, memo, 10, decided(DecisionKey::Unmatched)).await;
    assert_eq!(ids(tx.documents_of(&[DEAL]).await.unwrap()), [invoice(1), order]);
    assert_eq!(tx.open_documents(StagedKind::Invoice, 0, 10).await.unwrap(), [1, 3]);
    assert_eq!(tx.open_documents(StagedKind::Invoice, 1, 10).await.unwrap(), [3]);
    assert_eq!(tx.open_documents(StagedKind::Invoice, 0, 1).await.unwrap(), [1]);

    // Both deals are told when it moves.
    let moved = decide(&mut tx, invoice(1), 20, attached(OTHER, false)).await;
    assert_eq!(moved, DecidedDocument { id: invoice(1), was: Some(DEAL), deal: Some(OTHER) });
    assert_eq!(tx.open_documents(StagedKind::Invoice, 0, 10).await.unwrap(), [3], "it was paid");
    let gone = decide(&mut tx, order, 20, decided(DecisionKey::Unmatched)).await;
    assert_eq!(gone, DecidedDocument { id: order, was: Some(DEAL), deal: None });
    assert_eq!(tx.documents_of(&[DEAL]).await.unwrap(), []);

    // Lists by what was decided, page by page.
    let (mut pages, mut last) = (Vec::new(), None);
    loop {
        let page = ids(tx.decided_documents(DecisionKey::Unmatched, last, 1).await.unwrap());
        let Some(document) = page.first() else { break };
        last = Some(*document);
        pages.extend(page);
    }
    assert_eq!(pages, [memo, invoice(3), order]);
    let counts = BTreeMap::from([(DecisionKey::Attached, 2), (DecisionKey::Unmatched, 3)]);
    assert_eq!(tx.document_counts().await.unwrap(), counts);
    tx.commit().await.unwrap();

    // A person's answer asks for a look, stays whatever is decided, and is taken back.
    let answer = Some(r#"{"deal":81}"#);
    assert!(store.answer_document(connection, memo, answer, "ann", at(50)).await.unwrap());
    assert!(!store.answer_document(connection, invoice(99), answer, "ann", at(50)).await.unwrap());
    let mut tx = store.write(&fence).await.unwrap();
    let job = claim(&mut tx, 50).await.remove(0);
    assert_eq!((job.id, job.class, job.origin.as_str()), (memo, Class::Urgent, "ann answered"));
    tx.settle_documents(&[done(&job, attached(DEAL, false))], at(51)).await.unwrap();
    let said = PersonAnswer { body: r#"{"deal":81}"#.to_owned(), by: "ann".to_owned(), at: at(50) };
    assert_eq!(tx.documents_of(&[DEAL]).await.unwrap()[0].answer, Some(said));
    tx.commit().await.unwrap();
    assert!(store.answer_document(connection, memo, None, "bob", at(60)).await.unwrap());
    let mut tx = store.write(&fence).await.unwrap();
    assert_eq!(claim(&mut tx, 60).await[0].origin, "bob took an answer back");
    assert_eq!(tx.documents(&[memo]).await.unwrap()[&memo].answer, None);
}

/// Rules that are made of answers, and records that are told to be merged, each of its own connection.
async fn rules_and_mergers(store: Store) {
    let (connection, fence) = opened(&store, "acme").await;
    let (other, _) = opened(&store, "other").await;
    let mut tx = store.write(&fence).await.unwrap();
    let all = [invoice(1), invoice(2), invoice(3)];
    tx.enqueue_documents(&all, Class::Backfill, at(0), "walk").await.unwrap();
    decide(&mut tx, invoice(1), 1, attached(DEAL, true)).await;
    decide(&mut tx, invoice(2), 1, decided(DecisionKey::Unmatched)).await;
    decide(&mut tx, invoice(3), 1, attached(OTHER, true)).await;
    tx.commit().await.unwrap();
    let due = async |now: i64| -> Vec<DocumentId> {
        let mut tx = store.write(&fence).await.unwrap();
        let jobs = claim(&mut tx, now).await;
        for job in &jobs {
            let settled =
                SettledDocument { job: job.clone(), decided: None, due: None, attempts: 0, error: None };
            tx.settle_documents(&[settled], at(now)).await.unwrap();
        }
        tx.commit().await.unwrap();
        jobs.iter().map(|job| job.id).collect()
    };
    due(2).await;
    let first = store.put_document_rule(connection, ("a", DEAL), "ann", at(10)).await.unwrap();
    assert_eq!(due(10).await, [invoice(1), invoice(2)], "what is on the deal, and what is on none");
    let second = store.put_document_rule(connection, ("b", OTHER), "ann", at(20)).await.unwrap();
    due(20).await;
    assert_eq!(store.put_document_rule(connection, ("a", OTHER), "bob", at(30)).await.unwrap(), first);
    assert_eq!(due(30).await, all, "those of the deal before, too");
    let rules = |rules: Vec<DocumentRule>| -> Vec<(i64, String, DealId, String)> {
        rules.into_iter().map(|rule| (rule.id, rule.likeness, rule.deal, rule.by)).collect()
    };
    let mut tx = store.read(connection).await.unwrap();
    let expected =
        [(first, "a".to_owned(), OTHER, "bob".to_owned()), (second, "b".to_owned(), OTHER, "ann".to_owned())];
    assert_eq!(rules(tx.document_rules().await.unwrap()), expected);
    drop(tx);
    assert_eq!(store.remove_document_rule(other, first, "eve", at(40)).await.unwrap(), None);
    let removed = store.remove_document_rule(connection, first, "ann", at(40)).await.unwrap().unwrap();
    assert_eq!((removed.likeness.as_str(), removed.at), ("a", at(30)));
    assert_eq!(due(40).await, [invoice(2), invoice(3)]);
    assert_eq!(store.remove_document_rule(connection, first, "ann", at(50)).await.unwrap(), None);

    let told = |key: &str, entity, gone, into| HookRow {
        event: HookEvent {
            key: key.to_owned(),
            subscription: None,
            entity,
            record: gone,
            action: "delete".to_owned(),
            at: None,
            urgent: true,
            merged: Some(Merged { gone, into }),
        },
        vouched: vec![Check::Basic],
        body: "{}".to_owned(),
    };
    // Both sides tell of it in one breath; a later word counts.
    let rows = [told("1", HookEntity::Deal, 80, 81), told("2", HookEntity::Deal, 80, 81)];
    store.put_hooks(connection, &rows, at(60)).await.unwrap();
    let rows = [told("3", HookEntity::Deal, 80, 82), told("4", HookEntity::Organization, 80, 17)];
    store.put_hooks(connection, &rows, at(61)).await.unwrap();
    for (connection, entity, into) in [
        (connection, HookEntity::Deal, Some(82)),
        (connection, HookEntity::Organization, Some(17)),
        (other, HookEntity::Deal, None),
    ] {
        let mut tx = store.read(connection).await.unwrap();
        let told = tx.merged_into(entity, &[79, 80]).await.unwrap();
        assert_eq!(
            told.into_iter().collect::<Vec<_>>(),
            into.map(|into| (80, into)).into_iter().collect::<Vec<_>>()
        );
    }
}

/// A page of documents costs a handful of statements for each thing that is done with it.
async fn pages_of_documents(store: Store) {
    let (_, fence) = opened(&store, "acme").await;
    let mut tx = store.write(&fence).await.unwrap();
    let all: Vec<DocumentId> = (1..=512).map(invoice).collect();
    let before = store.statements();
    tx.enqueue_documents(&all, Class::Backfill, at(0), "walk").await.unwrap();
    let jobs = claim(&mut tx, 0).await;
    let settled: Vec<SettledDocument> =
        jobs.iter().map(|job| done(job, attached(DealId(job.id.id % 256), true))).collect();
    let told = tx.settle_documents(&settled, at(1)).await.unwrap();
    let deals: Vec<DealId> = told.iter().filter_map(|told| told.deal).collect();
    tx.enqueue_deal_pages(&deals, Class::Backfill, at(1), "documents").await.unwrap();
    let pages = tx.claim_deal_pages(at(1), Class::Backfill, 1000).await.unwrap();
    let settled: Vec<SettledDealPage> = pages.iter().map(|job| page_done(job, None)).collect();
    tx.settle_deal_pages(&settled).await.unwrap();
    assert_eq!((jobs.len(), told.len(), pages.len()), (512, 512, 256));
    let spent = store.statements() - before;
    assert!(spent <= 20, "512 documents took {spent} statements");
}

fn page_done(job: &DealPageJob, due: Option<Timestamp>) -> SettledDealPage {
    SettledDealPage { job: job.clone(), due, attempts: 0, error: None }
}

fn question(key: &str, body: &str) -> PageQuestion {
    PageQuestion { key: key.to_owned(), body: body.to_owned() }
}

/// Deals are queued as documents are; what they show and what is asked about it is remembered.
async fn deal_pages(store: Store) {
    let (_, fence) = opened(&store, "acme").await;
    let mut tx = store.write(&fence).await.unwrap();
    tx.enqueue_deal_pages(&[DEAL, DEAL], Class::Edit, at(100), "poll").await.unwrap();
    tx.enqueue_deal_pages(&[DEAL, OTHER], Class::Document, at(50), "invoice 7").await.unwrap();
    assert_eq!(tx.next_deal_page(Class::Document).await.unwrap(), Some(at(50)));
    assert_eq!(tx.claim_deal_pages(at(49), Class::Backfill, 10).await.unwrap(), []);
    let jobs = tx.claim_deal_pages(at(50), Class::Backfill, 10).await.unwrap();
    assert_eq!(jobs.iter().map(|job| job.deal).collect::<Vec<_>>(), [DEAL, OTHER]);
    tx.enqueue_deal_pages(&[DEAL], Class::Edit, at(60), "again").await.unwrap();
    let settled: Vec<_> = jobs.iter().map(|job| page_done(job, None)).collect();
    tx.settle_deal_pages(&settled).await.unwrap();
    let left = tx.claim_deal_pages(at(60), Class::Backfill, 10).await.unwrap();
    assert_eq!(left.iter().map(|job| job.deal).collect::<Vec<_>>(), [DEAL], "it was asked for meanwhile");
    let failed =
        SettledDealPage { attempts: 3, error: Some("429".to_owned()), ..page_done(&left[0], Some(at(70))) };
    tx.settle_deal_pages(&[failed]).await.unwrap();
    let failure = FailedDealPage { deal: DEAL, attempts: 3, error: "429".to_owned(), due: Some(at(70)) };
    assert_eq!(tx.failed_deal_pages(10).await.unwrap(), [failure]);
    assert_eq!(tx.deal_pages_by_attempts(at(60), 3).await.unwrap(), (0, 1));

    // A question keeps its age while it is of the same kind.
    tx.put_page_shown(DEAL, Some("5"), at(80)).await.unwrap();
    tx.put_page_question(DEAL, Some(&question("note_edited", "1")), at(81)).await.unwrap();
    tx.put_page_question(DEAL, Some(&question("note_edited", "2")), at(85)).await.unwrap();
    tx.put_page_question(OTHER, Some(&question("note_gone", "3")), at(82)).await.unwrap();
    let row = tx.deal_pages(&[DEAL, DealId(5)]).await.unwrap().remove(&DEAL).unwrap();
    assert_eq!(row.question, Some((question("note_edited", "2"), at(81))));
    let first = tx.page_questions(None, None, 1).await.unwrap();
    let last = (first[0].asked_at, first[0].deal);
    let second = tx.page_questions(None, Some(last), 10).await.unwrap();
    assert_eq!((first[0].deal, second[0].deal, second.len()), (DEAL, OTHER, 1));
    assert_eq!(tx.page_questions(Some("note_gone"), None, 10).await.unwrap(), second);
    let counts = BTreeMap::from([("note_edited".to_owned(), 1), ("note_gone".to_owned(), 1)]);
    assert_eq!(tx.page_question_counts().await.unwrap(), counts);
    tx.put_page_question(DEAL, None, at(91)).await.unwrap();
    tx.put_page_shown(DEAL, None, at(91)).await.unwrap();
    assert_eq!(tx.deal_pages(&[DEAL]).await.unwrap()[&DEAL], DealPageRow::default());
}

/// Deals to which nothing belongs, as far as they are there and can be understood.
async fn deals_without_documents(store: Store) {
    let (_, fence) = opened(&store, "acme").await;
    let mut tx = store.write(&fence).await.unwrap();
    let deal = |id: i64, malformed: Option<&str>| StagedRow {
        id,
        party: None,
        parent: Some(11),
        stamp: at(0),
        hash: "a".to_owned(),
        body: "{}".to_owned(),
        malformed: malformed.map(str::to_owned),
    };
    let rows = [deal(80, None), deal(81, None), deal(82, None), deal(83, Some("no title")), deal(84, None)];
    tx.stage(StagedKind::Deal, &rows, at(0), 1).await.unwrap();
    tx.mark_absent(StagedKind::Deal, &[84]).await.unwrap();
    decide(&mut tx, invoice(1), 10, attached(DEAL, true)).await;
    decide(&mut tx, invoice(2), 10, attached(DEAL, true)).await;
    for (after, limit, expected) in [(0, 10, vec![80, 82]), (0, 1, vec![80]), (80, 10, vec![82])] {
        let found = tx.deals_without_documents(DealId(after), limit).await.unwrap();
        assert_eq!(found.into_iter().map(|record| record.row.id).collect::<Vec<_>>(), expected);
    }
}

fn intent(deal: DealId) -> NewPageIntent {
    NewPageIntent {
        deal,
        kind: "create_note".to_owned(),
        body: "{}".to_owned(),
        reason: "invoice INV-1 was issued".to_owned(),
        class: Class::Document,
        origin: "erp poll".to_owned(),
    }
}

/// One write at a time for each deal.
async fn intents(store: Store) {
    let (_, fence) = opened(&store, "acme").await;
    let mut tx = store.write(&fence).await.unwrap();
    let run = tx.begin_run("sync", at(0)).await.unwrap();
    let open = tx.open_page_intents(run, &[intent(DEAL), intent(OTHER)], at(10)).await.unwrap();
    tx.doubt_page_intents(&open[..1], at(90)).await.unwrap();
    tx.commit().await.unwrap();
    let mut tx = store.write(&fence).await.unwrap();
    assert!(tx.open_page_intents(run, &[intent(DEAL)], at(11)).await.is_err(), "an answer is missing");
    drop(tx);
    let mut tx = store.write(&fence).await.unwrap();
    let known = tx.page_intents().await.unwrap();
    assert_eq!(
        known.iter().map(|one| (one.id, one.settled_at)).collect::<Vec<_>>(),
        [(open[0], Some(at(90))), (open[1], None)]
    );
    tx.close_page_intents(&open, IntentEnd::Done, at(20)).await.unwrap();
    assert_eq!(tx.page_intent_of(DEAL).await.unwrap(), None);
    let again = tx.open_page_intents(run, &[intent(DEAL)], at(30)).await.unwrap();
    tx.close_page_intents(&open, IntentEnd::Void, at(31)).await.unwrap();
    assert_eq!(tx.page_intents().await.unwrap()[0].id, again[0], "what has ended does not end again");
}

/// What another connection has is never seen nor touched, and who lost the lease writes nothing.
async fn strangers(store: Store) {
    let (acme, fence) = opened(&store, "acme").await;
    let mut tx = store.write(&fence).await.unwrap();
    let run = tx.begin_run("sync", at(0)).await.unwrap();
    decide(&mut tx, invoice(1), 10, attached(DEAL, true)).await;
    tx.enqueue_documents(&[invoice(1)], Class::Urgent, at(20), "poll").await.unwrap();
    let job = claim(&mut tx, 20).await.remove(0);
    tx.enqueue_deal_pages(&[DEAL], Class::Urgent, at(20), "poll").await.unwrap();
    tx.put_page_question(DEAL, Some(&question("note_gone", "1")), at(20)).await.unwrap();
    let page = tx.claim_deal_pages(at(20), Class::Backfill, 9).await.unwrap().remove(0);
    let open = tx.open_page_intents(run, &[intent(DEAL)], at(20)).await.unwrap();
    tx.commit().await.unwrap();

    let (other, theirs) = opened(&store, "other").await;
    let mut tx = store.write(&theirs).await.unwrap();
    assert_eq!(claim(&mut tx, 99).await, []);
    assert!(tx.documents(&[invoice(1)]).await.unwrap().is_empty());
    assert_eq!(tx.documents_of(&[DEAL]).await.unwrap(), []);
    assert_eq!(tx.decided_documents(DecisionKey::Attached, None, 9).await.unwrap(), []);
    assert!(tx.document_counts().await.unwrap().is_empty());
    assert!(tx.open_documents(StagedKind::Invoice, 0, 9).await.unwrap().is_empty());
    assert_eq!(tx.claim_deal_pages(at(99), Class::Backfill, 9).await.unwrap(), []);
    assert!(tx.deal_pages(&[DEAL]).await.unwrap().is_empty());
    assert_eq!(tx.page_questions(None, None, 9).await.unwrap(), []);
    assert_eq!(tx.page_intents().await.unwrap(), []);
    assert_eq!(tx.settle_documents(&[done(&job, attached(OTHER, false))], at(99)).await.unwrap(), []);
    tx.settle_deal_pages(&[page_done(&page, None)]).await.unwrap();
    tx.put_page_question(DEAL, None, at(99)).await.unwrap();
    tx.close_page_intents(&open, IntentEnd::Void, at(99)).await.unwrap();
    tx.commit().await.unwrap();
    assert!(!store.answer_document(other, invoice(1), Some("{}"), "eve", at(99)).await.unwrap());

    let mut tx = store.read(acme).await.unwrap();
    assert_eq!(ids(tx.documents_of(&[DEAL]).await.unwrap()), [invoice(1)]);
    assert_eq!(tx.next_deal_page(Class::Backfill).await.unwrap(), Some(at(20)));
    assert_eq!(tx.page_questions(None, None, 9).await.unwrap().len(), 1);
    assert!(tx.page_intent_of(DEAL).await.unwrap().is_some());
    drop(tx);
    let seen = store.lease_look(acme).await.unwrap().unwrap();
    store.lease_take(acme, "two", Some(&seen)).await.unwrap().expect("it was quiet");
    assert!(matches!(store.write(&fence).await, Err(StoreError::Fenced)), "the lease was taken over");
}

/// What a record says is replaced with it, and is another's of its kind alone.
async fn said(store: Store) {
    let (_, fence) = opened(&store, "acme").await;
    let mut tx = store.write(&fence).await.unwrap();
    let words = |words: &[i64]| words.iter().copied().collect::<BTreeSet<i64>>();
    let invoices = BTreeMap::from([(1, words(&[10, 20])), (2, words(&[20]))]);
    tx.put_said(StagedKind::Invoice, &invoices).await.unwrap();
    tx.put_said(StagedKind::Deal, &BTreeMap::from([(81, words(&[20]))])).await.unwrap();
    let found = tx.who_says(StagedKind::Invoice, &words(&[10, 20, 30])).await.unwrap();
    assert_eq!(found, BTreeMap::from([(10, words(&[1])), (20, words(&[1, 2]))]));
    tx.put_said(StagedKind::Invoice, &BTreeMap::from([(1, words(&[30])), (2, words(&[]))])).await.unwrap();
    let found = tx.who_says(StagedKind::Invoice, &words(&[10, 20, 30])).await.unwrap();
    assert_eq!(found, BTreeMap::from([(30, words(&[1]))]));
    let found = tx.who_says(StagedKind::Deal, &words(&[20])).await.unwrap();
    assert_eq!(found, BTreeMap::from([(20, words(&[81]))]));
}

#[tokio::test]
async fn sqlite_documents() {
    said(support::sqlite().await.store.clone()).await;
    for story in 0..4 {
        let opened = support::sqlite().await;
        match story {
            0 => queue(opened.store.clone()).await,
            1 => decisions(opened.store.clone()).await,
            2 => rules_and_mergers(opened.store.clone()).await,
            _ => pages_of_documents(opened.store.clone()).await,
        }
    }
}

#[tokio::test]
async fn postgres_documents() {
    said(support::postgres("document_said").await.store.clone()).await;
    queue(support::postgres("document_queue").await.store.clone()).await;
    decisions(support::postgres("document_decisions").await.store.clone()).await;
    rules_and_mergers(support::postgres("document_rules").await.store.clone()).await;
    pages_of_documents(support::postgres("document_pages").await.store.clone()).await;
}

#[tokio::test]
async fn sqlite_deal_pages() {
    let (one, two, three, four) =
        (support::sqlite().await, support::sqlite().await, support::sqlite().await, support::sqlite().await);
    deal_pages(one.store.clone()).await;
    deals_without_documents(two.store.clone()).await;
    intents(three.store.clone()).await;
    strangers(four.store.clone()).await;
}

#[tokio::test]
async fn postgres_deal_pages() {
    deal_pages(support::postgres("deal_pages").await.store.clone()).await;
    deals_without_documents(support::postgres("deals_without").await.store.clone()).await;
    intents(support::postgres("page_intents").await.store.clone()).await;
    strangers(support::postgres("document_strangers").await.store.clone()).await;
}
