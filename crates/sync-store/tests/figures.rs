//! Figures for whoever watches, on both databases.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on has failed")]

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use sync_core::{
    budget::{Class, DailyBudget},
    fields::Values,
    handover::{Cause, Question, Subject},
    hold::HoldReason,
    hooks::{Check, HookEntity, HookEvent},
    ids::{DealId, OrgId, PartyId},
    pair::Pair,
    plan::{Plan, Rule, Step},
    ports::Spend as _,
};
use sync_store::{
    Decided, DecisionKey, DocumentId, DocumentQueue, Figures, HoldCause, HookRow, Ledger, NewIntent,
    NewPageIntent, PageQuestion, QueueFigures, Reschedule, SettledDocument, StagedKind, StagedRow, Store,
};

#[expect(dead_code, reason = "another test reopens its store")]
mod support;

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_second(1_767_225_600 + seconds).unwrap()
}

async fn figures(store: &Store, now: Timestamp) -> BTreeMap<String, Figures> {
    let all = store.figures_and_records(now).await.unwrap();
    all.into_iter().map(|figures| (figures.name.clone(), figures)).collect()
}

async fn watched(store: Store) {
    store.migrate().await.unwrap();
    assert_eq!(store.figures(at(0)).await.unwrap(), []);
    let acme = store.ensure_connection("acme", "{}", at(0)).await.unwrap();
    store.ensure_connection("quiet", "{}", at(0)).await.unwrap();
    let fence = store.lease_take(acme, "process 7", None).await.unwrap().unwrap();
    let mut tx = store.write(&fence).await.unwrap();
    let parties = [1, 2, 3].map(PartyId);
    tx.enqueue(&parties, Class::Edit, at(10), "poll").await.unwrap();
    tx.enqueue(&[PartyId(4)], Class::Urgent, at(10), "person").await.unwrap();
    let later = Reschedule {
        party: PartyId(3),
        generation: 1,
        due: at(1_000),
        attempts: 2,
        error: Some("503".to_owned()),
    };
    tx.reschedule(&[later]).await.unwrap();
    tx.open_hold(PartyId(8), &HoldReason::PartyMissing, at(20)).await.unwrap();
    tx.open_hold(PartyId(9), &HoldReason::PartyMissing, at(30)).await.unwrap();
    tx.open_hold(PartyId(7), &HoldReason::PartyMissing, at(5)).await.unwrap();
    tx.close_holds(&[PartyId(7)], at(6)).await.unwrap();
    // A question about a handover is one more that waits for a person.
    let handover = Subject::Org(OrgId(11));
    tx.enqueue_handovers(&[handover], Class::Urgent, at(15), "deal 81").await.unwrap();
    let missing = Question::DataMissing { cause: Cause::Deal(DealId(81)), what: vec!["country".to_owned()] };
    tx.put_question(handover, Some(&missing), at(15)).await.unwrap();
    let run = tx.begin_run("run", at(0)).await.unwrap();
    let documents = [7, 8].map(|id| DocumentId { kind: StagedKind::Invoice, id });
    tx.enqueue_documents(&documents, Class::Document, at(10), "poll").await.unwrap();
    let job = tx.claim_documents(at(12), Class::Backfill, 1).await.unwrap().remove(0);
    let body = "{}".to_owned();
    let decided = Some(Decided { key: DecisionKey::Ambiguous, deal: None, body, open: true });
    let unsure = SettledDocument { job, decided, due: None, attempts: 0, error: None };
    tx.settle_documents(&[unsure], at(12)).await.unwrap();
    let deal = DealId(81);
    tx.enqueue_deal_pages(&[deal, DealId(82)], Class::Edit, at(400), "invoice").await.unwrap();
    let body = "{}".to_owned();
    let contested = PageQuestion { key: "deal_field_contested".to_owned(), body };
    tx.put_page_question(deal, Some(&contested), at(13)).await.unwrap();
    let page_intent = |deal| NewPageIntent {
        deal,
        kind: "note".to_owned(),
        body: "{}".to_owned(),
        reason: String::new(),
        class: Class::Document,
        origin: "poll".to_owned(),
    };
    let shown =
        tx.open_page_intents(run, &[page_intent(deal), page_intent(DealId(82))], at(40)).await.unwrap();
    tx.doubt_page_intents(&shown[..1], at(50)).await.unwrap();
    let intent = |party, plan| NewIntent {
        party,
        plan,
        step: Step::Create { values: Values::new() },
        before: Values::new(),
        before_stamp: None,
        reason: String::new(),
        rule: String::new(),
        class: Class::Edit,
        origin: "poll".to_owned(),
    };
    let plan = |party| Plan {
        party,
        steps: vec![Step::Create { values: Values::new() }],
        reason: String::new(),
        rule: Rule::CustomerWithoutOrganization,
        class: Class::Edit,
        then_hold: None,
    };
    let plans = tx.put_plans(run, &[plan(PartyId(1)), plan(PartyId(2))], at(40)).await.unwrap();
    let intents = [intent(PartyId(1), plans[0]), intent(PartyId(2), plans[1])];
    let ids = tx.open_intents(run, &intents, at(40)).await.unwrap();
    tx.doubt_intents(&[(ids[1], at(50))]).await.unwrap();
    let row = |id| StagedRow {
        id,
        party: None,
        parent: None,
        stamp: at(1),
        hash: "a".into(),
        body: "{}".into(),
        malformed: None,
    };
    tx.stage(StagedKind::Party, &[row(1), row(2)], at(2), 1).await.unwrap();
    tx.stage(StagedKind::Org, &[row(1)], at(2), 1).await.unwrap();
    let pair = Pair {
        party: PartyId(1),
        org: OrgId(1),
        erp_mirror: Values::new(),
        crm_mirror: Values::new(),
        written: BTreeMap::new(),
    };
    tx.put_pairs(&[pair], at(3)).await.unwrap();
    tx.put_cursor("erp.party", &vec![1], at(4)).await.unwrap();
    tx.commit().await.unwrap();
    let event = |key: &str| HookRow {
        event: HookEvent {
            subscription: None,
            key: key.to_owned(),
            entity: HookEntity::Organization,
            record: 1,
            action: "change".to_owned(),
            at: None,
            urgent: true,
            merged: None,
        },
        vouched: vec![Check::Basic],
        body: "{}".to_owned(),
    };
    store.put_hooks(acme, &[event("a")], at(60)).await.unwrap();
    store.put_hooks(acme, &[event("b")], at(61)).await.unwrap();
    let ledger =
        Ledger::new(store.clone(), acme, DailyBudget { tokens: 1_000, max_share: 1.0, reserve: 0.0 });
    ledger.reserve(Class::Edit, 10, 3, at(100)).await.unwrap();
    ledger.correct(900, at(101)).await.unwrap();

    let before = store.statements();
    let all = figures(&store, at(200)).await;
    assert!(store.statements() - before <= 12, "a dozen statements, whatever is there");
    let acme_now = &all["acme"];
    assert_eq!((acme_now.owner.as_deref(), acme_now.epoch), (Some("process 7"), fence.epoch));
    assert_eq!((acme_now.inbox, acme_now.inbox_since), (2, Some(at(60))));
    let queue = BTreeMap::from([
        (Class::Urgent, QueueFigures { due: 1, waiting: 0, failed: 0 }),
        (Class::Edit, QueueFigures { due: 2, waiting: 1, failed: 1 }),
    ]);
    assert_eq!(acme_now.queue, queue);
    let cause = HoldCause { reason: "party_missing".to_owned(), holds: 2, since: at(20) };
    let asked = HoldCause { reason: "data_missing".to_owned(), holds: 1, since: at(15) };
    let unsure = HoldCause { reason: "deal_ambiguous".to_owned(), holds: 1, since: at(12) };
    let contested = HoldCause { reason: "deal_field_contested".to_owned(), holds: 1, since: at(13) };
    assert_eq!(acme_now.holds, [asked, unsure, contested, cause]);
    assert_eq!((acme_now.writes_open, acme_now.writes_in_doubt), (4, 2));
    let documents = BTreeMap::from([
        ((DocumentQueue::Documents, Class::Document), QueueFigures { due: 1, waiting: 0, failed: 0 }),
        ((DocumentQueue::Deals, Class::Edit), QueueFigures { due: 0, waiting: 2, failed: 0 }),
    ]);
    assert_eq!(acme_now.documents, documents);
    assert_eq!(acme_now.day.ours, BTreeMap::from([(Class::Edit, (30, 3))]));
    assert_eq!((acme_now.day.others, acme_now.day.remaining), (70, Some(900)));
    assert_eq!(acme_now.day.exhausted_until, None);
    assert_eq!(acme_now.staged, BTreeMap::from([("org".to_owned(), 1), ("party".to_owned(), 2)]));
    assert_eq!((acme_now.pairs, acme_now.cursors.len()), (1, 1));
    let cursor = &acme_now.cursors[0];
    assert_eq!((cursor.stream.as_str(), cursor.body.as_str(), cursor.moved_at), ("erp.party", "[1]", at(4)));
    let quiet = &all["quiet"];
    assert_eq!((quiet.owner.clone(), quiet.epoch, quiet.inbox, quiet.pairs), (None, 0, 0, 0));

    // A refusal teaches when the CRM's day begins; what was spent belongs to that day then.
    let until = at(200) + SignedDuration::from_hours(5);
    ledger.exhausted(until, at(200)).await.unwrap();
    let taught = figures(&store, at(300)).await;
    assert_eq!(taught["acme"].day.exhausted_until, Some(until));
    assert_eq!(taught["acme"].day.ours[&Class::Edit], (30, 3));
    let tomorrow = figures(&store, until + SignedDuration::from_hours(1)).await;
    assert_eq!((tomorrow["acme"].day.ours.len(), tomorrow["acme"].day.exhausted_until), (0, None));
}

#[tokio::test]
async fn sqlite_figures() {
    watched(support::sqlite().await.store.clone()).await;
}

#[tokio::test]
async fn postgres_figures() {
    watched(support::postgres("figures").await.store.clone()).await;
}
