//! Alerts on their way, on both databases.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on has failed")]

use jiff::Timestamp;
use sync_core::{
    budget::Class,
    handover::{Cause, Question, Subject},
    ids::{DealId, OrgId},
};
use sync_store::{AlertEnd, NewAlert, Store};

#[expect(dead_code, reason = "another test reopens its store")]
mod support;

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_second(1_767_225_600 + seconds).unwrap()
}

fn alert(name: &str) -> NewAlert {
    NewAlert {
        webhook_id: name.to_owned(),
        kind: "holds.waiting".to_owned(),
        body: format!("{{\"{name}\":1}}"),
    }
}

async fn alerts_wait_until_somebody_takes_them(store: Store) {
    store.migrate().await.unwrap();
    let acme = store.ensure_connection("acme", "{}", at(0)).await.unwrap();
    let other = store.ensure_connection("other", "{}", at(0)).await.unwrap();
    assert_eq!(store.alert_told(acme).await.unwrap(), None);

    // Of two processes that read the same one tells, and what the other one would tell is nowhere.
    assert!(store.tell(acme, None, "one", &[alert("a")], at(10)).await.unwrap());
    assert!(!store.tell(acme, None, "another", &[alert("lost")], at(10)).await.unwrap());
    assert!(store.tell(acme, Some("one"), "two", &[alert("b"), alert("c")], at(20)).await.unwrap());
    assert!(!store.tell(acme, Some("one"), "three", &[alert("lost")], at(20)).await.unwrap());
    assert!(store.tell(acme, Some("two"), "four", &[], at(25)).await.unwrap());
    assert_eq!(store.alert_told(acme).await.unwrap().as_deref(), Some("four"));
    assert_eq!(store.alert_told(other).await.unwrap(), None);

    let names = |limit| {
        let store = store.clone();
        async move {
            let rows = store.waiting_alerts(acme, limit).await.unwrap();
            rows.into_iter().map(|row| row.webhook_id).collect::<Vec<_>>()
        }
    };
    assert_eq!(names(10).await, ["a", "b", "c"], "in the order in which they were told");
    assert_eq!(names(2).await, ["a", "b"]);
    assert_eq!(store.waiting_alerts(other, 10).await.unwrap(), []);

    let row = store.waiting_alerts(acme, 1).await.unwrap().remove(0);
    assert_eq!((row.body.as_str(), row.at, row.attempts, row.next_at), ("{\"a\":1}", at(10), 0, at(10)));
    assert!(store.take_alert(acme, &row, at(100)).await.unwrap());
    assert!(!store.take_alert(acme, &row, at(100)).await.unwrap(), "somebody has it");
    let taken = store.waiting_alerts(acme, 1).await.unwrap().remove(0);
    assert_eq!((taken.attempts, taken.next_at), (1, at(100)), "whoever dies now leaves it");
    let again = AlertEnd::Again { at: at(200), error: "HTTP 503".to_owned() };
    store.settle_alert(acme, row.id, &again, at(30)).await.unwrap();
    let later = store.waiting_alerts(acme, 1).await.unwrap().remove(0);
    assert_eq!((later.attempts, later.next_at), (1, at(200)));
    assert!(store.take_alert(acme, &later, at(300)).await.unwrap());
    store.settle_alert(acme, row.id, &AlertEnd::Sent, at(40)).await.unwrap();
    assert_eq!(names(10).await, ["b", "c"]);
    let second = store.waiting_alerts(acme, 1).await.unwrap().remove(0);
    let given_up = AlertEnd::GivenUp { error: "HTTP 410".to_owned() };
    store.settle_alert(acme, second.id, &given_up, at(50)).await.unwrap();
    assert!(!store.take_alert(acme, &second, at(300)).await.unwrap(), "it is over");
    assert_eq!(names(10).await, ["c"]);

    let kept = |now| {
        let store = store.clone();
        async move {
            let figures = store.figures(now).await.unwrap().into_iter().find(|one| one.id == acme);
            figures.unwrap().alerts.into_iter().collect::<Vec<_>>()
        }
    };
    let state = |state: &str, number| (state.to_owned(), number);
    assert_eq!(kept(at(60)).await, [state("given_up", 1), state("sent", 1), state("waiting", 1)]);
    store.forget_alerts(acme, at(45)).await.unwrap();
    assert_eq!(kept(at(60)).await, [state("given_up", 1), state("waiting", 1)]);
    store.forget_alerts(acme, at(1_000)).await.unwrap();
    assert_eq!(kept(at(60)).await, [state("waiting", 1)], "what waits is kept");
}

async fn handovers_are_open_until_they_rest(store: Store) {
    store.migrate().await.unwrap();
    let acme = store.ensure_connection("acme", "{}", at(0)).await.unwrap();
    let fence = store.lease_take(acme, "process 7", None).await.unwrap().expect("it is free");
    let mut tx = store.write(&fence).await.unwrap();
    let [asked, due, done] = [11, 12, 13].map(|id| Subject::Org(OrgId(id)));
    tx.enqueue_handovers(&[asked, due, done], Class::Urgent, at(1), "deal 81").await.unwrap();
    let missing = Question::DataMissing { cause: Cause::Deal(DealId(81)), what: vec!["country".to_owned()] };
    tx.put_question(asked, Some(&missing), at(2)).await.unwrap();
    for job in tx.claim_handovers(at(3), Class::Backfill, 10).await.unwrap() {
        let next = (job.subject == due).then_some(at(500));
        tx.settle_handover(&job, next, 0, None, at(3)).await.unwrap();
    }
    let open = tx.open_handovers().await.unwrap();
    let open: Vec<_> = open.iter().map(|one| (one.subject, one.asked)).collect();
    assert_eq!(open, [(asked, true), (due, false)]);
    tx.put_question(asked, None, at(4)).await.unwrap();
    assert_eq!(tx.open_handovers().await.unwrap().len(), 1);
}

#[tokio::test]
async fn sqlite_alerts() {
    alerts_wait_until_somebody_takes_them(support::sqlite().await.store.clone()).await;
}

#[tokio::test]
async fn postgres_alerts() {
    alerts_wait_until_somebody_takes_them(support::postgres("alerts").await.store.clone()).await;
}

#[tokio::test]
async fn sqlite_open_handovers() {
    handovers_are_open_until_they_rest(support::sqlite().await.store.clone()).await;
}

#[tokio::test]
async fn postgres_open_handovers() {
    handovers_are_open_until_they_rest(support::postgres("open_handovers").await.store.clone()).await;
}
