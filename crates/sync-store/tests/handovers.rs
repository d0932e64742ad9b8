//! Handovers and intents of the ERP, on both databases.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on has failed")]

use jiff::Timestamp;
use sync_core::{
    budget::Class,
    handover::{Asked, Cause, HandoverAnswer, Made, MadeParty, Piece, Question, Subject},
    ids::{DealId, OrgId, PartyId, SetId},
};
use sync_store::{Answered, FailedHandover, HandoverFailure, HandoverRow, IntentEnd, NewErpIntent, Store};

#[expect(dead_code, reason = "another test reopens its store")]
mod support;

const ORG: OrgId = OrgId(11);
const KEY: Subject = Subject::Org(ORG);

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_767_225_600 + second).unwrap()
}

fn intent(org: OrgId) -> NewErpIntent {
    NewErpIntent {
        org,
        piece: Piece::Usage { number: "1001".to_owned(), usage: "CUSTOMER".to_owned() },
        cause: Cause::Deal(DealId(81)),
        set: SetId(204),
        reason: "deal 81 was won".to_owned(),
        class: Class::Urgent,
        origin: "deal 81".to_owned(),
    }
}

/// What failed is told with when it is tried again, and forgotten once it is asked for anew; what is asked is not pending.
async fn tries(store: Store) {
    store.migrate().await.unwrap();
    let connection = store.ensure_connection("acme", "{}", at(0)).await.unwrap();
    let fence = store.lease_take(connection, "one", None).await.unwrap().expect("nobody has it");
    let mut tx = store.write(&fence).await.unwrap();
    tx.enqueue_handovers(&[KEY], Class::Urgent, at(10), "deal 81").await.unwrap();
    let job = tx.claim_handovers(at(10), Class::Backfill, 1).await.unwrap().remove(0);
    assert_eq!(tx.failed_handovers(10).await.unwrap(), []);
    tx.settle_handover(&job, Some(at(70)), 2, Some("503"), at(70)).await.unwrap();
    let failure = HandoverFailure { attempts: 2, error: "503".to_owned(), due: Some(at(70)) };
    let failed = FailedHandover { subject: KEY, failure: failure.clone() };
    assert_eq!(tx.failed_handovers_after(Some(failed.subject), 10).await.unwrap(), []);
    assert_eq!(tx.failed_handovers_after(None, 10).await.unwrap(), tx.failed_handovers(10).await.unwrap());
    assert_eq!(tx.failed_handovers(10).await.unwrap(), [failed]);
    assert_eq!(tx.handover(KEY).await.unwrap().unwrap().failure, Some(failure));
    let pending = |jobs: Vec<sync_store::HandoverJob>| -> Vec<Subject> {
        jobs.into_iter().map(|job| job.subject).collect()
    };
    assert_eq!(pending(tx.pending_handovers(at(20), 10).await.unwrap()), [KEY], "also what is tried later");
    let missing = Question::DataMissing { cause: Cause::Deal(DealId(81)), what: Vec::new() };
    tx.put_question(KEY, Some(&missing), at(20)).await.unwrap();
    assert_eq!(pending(tx.pending_handovers(at(20), 10).await.unwrap()), []);
    assert_eq!(pending(tx.pending_handovers(at(70), 10).await.unwrap()), [KEY]);
    tx.enqueue_handovers(&[KEY], Class::Urgent, at(80), "ann").await.unwrap();
    assert_eq!(tx.handover(KEY).await.unwrap().unwrap().failure, None);
    tx.commit().await.unwrap();
}

async fn story(store: Store) {
    store.migrate().await.unwrap();
    let connection = store.ensure_connection("acme", "{}", at(0)).await.unwrap();
    let fence = store.lease_take(connection, "one", None).await.unwrap().expect("nobody has it");

    // The queue coalesces: earlier and more urgent wins, and whoever asked meanwhile is not forgotten.
    let mut tx = store.write(&fence).await.unwrap();
    let run = tx.begin_run("sync", at(0)).await.unwrap();
    tx.enqueue_handovers(&[KEY], Class::Edit, at(100), "poll").await.unwrap();
    tx.enqueue_handovers(&[KEY], Class::Urgent, at(50), "deal 81").await.unwrap();
    tx.enqueue_handovers(&[KEY], Class::Backfill, at(200), "later").await.unwrap();
    assert_eq!(tx.next_handover(Class::Urgent).await.unwrap(), Some(at(50)));
    assert_eq!(tx.claim_handovers(at(49), Class::Backfill, 10).await.unwrap(), []);
    let job = tx.claim_handovers(at(50), Class::Backfill, 10).await.unwrap().remove(0);
    assert_eq!((job.subject, job.class, job.origin.as_str()), (KEY, Class::Urgent, "later"));
    tx.enqueue_handovers(&[KEY], Class::Edit, at(60), "again").await.unwrap();
    tx.settle_handover(&job, None, 0, None, at(70)).await.unwrap();
    let job = tx.claim_handovers(at(60), Class::Backfill, 10).await.unwrap().remove(0);
    tx.settle_handover(&job, None, 0, None, at(61)).await.unwrap();
    assert_eq!(tx.next_handover(Class::Backfill).await.unwrap(), None);

    // What was decided is told of next; what failed to be told is told later; what is decided anew is told of after that.
    assert_eq!(tx.claim_shows(at(60), 10).await.unwrap(), []);
    let show = tx.claim_shows(at(61), 10).await.unwrap().remove(0);
    assert_eq!((show.subject, show.attempts, tx.next_show().await.unwrap()), (KEY, 0, Some(at(61))));
    assert_eq!(tx.handovers_by_attempts(at(61), 2).await.unwrap(), (1, 0), "somebody waits for it");
    tx.settle_show(&show, Some(at(65)), 2, Some("429")).await.unwrap();
    assert_eq!(tx.handovers_by_attempts(at(61), 2).await.unwrap(), (0, 1));
    let failed = tx.failed_handovers(10).await.unwrap().remove(0).failure;
    assert_eq!(failed, HandoverFailure { attempts: 2, error: "429".to_owned(), due: Some(at(65)) });
    assert_eq!(tx.handover(KEY).await.unwrap().unwrap().failure, Some(failed));
    assert_eq!(tx.claim_shows(at(64), 10).await.unwrap(), []);
    let show = tx.claim_shows(at(65), 10).await.unwrap().remove(0);
    assert_eq!(show.attempts, 2);
    tx.enqueue_handovers(&[KEY], Class::Edit, at(66), "deal 81 again").await.unwrap();
    assert_eq!(tx.claim_shows(at(66), 10).await.unwrap(), [], "first it is decided");
    tx.settle_show(&show, None, 0, None).await.unwrap();
    assert_eq!(tx.next_show().await.unwrap(), Some(at(65)), "somebody asked meanwhile");
    let job = tx.claim_handovers(at(66), Class::Backfill, 10).await.unwrap().remove(0);
    tx.settle_handover(&job, None, 0, None, at(67)).await.unwrap();
    let show = tx.claim_shows(at(67), 10).await.unwrap().remove(0);
    tx.settle_show(&show, None, 0, None).await.unwrap();
    assert_eq!(tx.next_show().await.unwrap(), None);
    assert_eq!(tx.failed_handovers(10).await.unwrap(), []);

    tx.enqueue_handovers(&[KEY], Class::Edit, at(70), "deal 82").await.unwrap();
    let job = tx.claim_handovers(at(70), Class::Backfill, 10).await.unwrap().remove(0);
    assert_eq!(job.class, Class::Edit, "what was urgent is done with");
    tx.settle_handover(&job, Some(at(500)), 2, Some("503"), at(70)).await.unwrap();
    assert_eq!(tx.handovers_by_attempts(at(71), 2).await.unwrap(), (0, 1));

    // Questions keep their age, and are answered once.
    let party = MadeParty { id: PartyId(300), number: "1001".to_owned(), ours: true, usage: true };
    let made = Made { party: Some(party), ..Made::default() };
    tx.put_made(ORG, &made, at(71)).await.unwrap();
    let asked = |title: &str| Question::ApprovalNeeded {
        cause: Cause::Deal(DealId(81)),
        title: Some(title.to_owned()),
        value: None,
    };
    tx.put_question(KEY, Some(&asked("a")), at(80)).await.unwrap();
    tx.put_question(KEY, Some(&asked("b")), at(90)).await.unwrap();
    let row = tx.handover(KEY).await.unwrap().unwrap();
    assert_eq!((row.question, row.made), (Some((asked("b"), at(80))), made));
    tx.enqueue_handovers(&[Subject::Deal(DealId(9))], Class::Urgent, at(90), "deal 9").await.unwrap();
    let missing = Question::NoOrganization { deal: DealId(9), title: "x".to_owned() };
    tx.put_question(Subject::Deal(DealId(9)), Some(&missing), at(91)).await.unwrap();
    let first = tx.questions(None, None, 1).await.unwrap();
    assert_eq!(first[0].subject, KEY);
    assert_eq!(
        tx.questions(None, first.first().map(|row| (row.asked_at, row.subject)), 10).await.unwrap()[0]
            .question,
        missing
    );
    tx.enqueue_asked(&[ORG.0, 12], at(95)).await.unwrap();
    assert_eq!(tx.claim_handovers(at(95), Class::Backfill, 10).await.unwrap().len(), 2);
    tx.commit().await.unwrap();
    let answer = |answer| store.answer_handover(connection, KEY, answer, "ann", at(100));
    assert!(
        matches!(answer(HandoverAnswer::New).await.unwrap(), Answered::Refused(why) if why.contains("approve"))
    );
    assert_eq!(answer(HandoverAnswer::Approve).await.unwrap(), Answered::Taken);
    assert_eq!(answer(HandoverAnswer::Approve).await.unwrap(), Answered::NotAsked);
    store.ask_for_handover(connection, OrgId(12), Asked::Org, "bob", at(101)).await.unwrap();

    let mut tx = store.write(&fence).await.unwrap();
    let row = tx.handover(KEY).await.unwrap().unwrap();
    assert!(row.answers.approved.contains(&Cause::Deal(DealId(81))) && row.question.is_none());
    assert!(tx.handover(Subject::Org(OrgId(12))).await.unwrap().unwrap().answers.asked.contains(&Asked::Org));

    // A new owner is remembered, and nothing is looked at for that alone; what is known beside stays.
    tx.note_assigned(OrgId(13), at(102), at(103)).await.unwrap();
    tx.note_assigned(OrgId(13), at(104), at(105)).await.unwrap();
    tx.note_assigned(ORG, at(104), at(105)).await.unwrap();
    let given = tx.handover(Subject::Org(OrgId(13))).await.unwrap().unwrap();
    assert_eq!(given, HandoverRow { assigned_at: Some(at(104)), ..HandoverRow::default() });
    let known = tx.handover(KEY).await.unwrap().unwrap();
    assert_eq!(known, HandoverRow { assigned_at: Some(at(104)), ..row });
    let due = tx.claim_handovers(at(110), Class::Backfill, 10).await.unwrap();
    assert!(due.iter().all(|job| job.subject != Subject::Org(OrgId(13))), "{due:?}");

    // Whoever comes after a person who said to try again does not take that back.
    let third = Subject::Org(OrgId(14));
    tx.enqueue_handovers(&[third], Class::Urgent, at(102), "ann answered retry").await.unwrap();
    tx.enqueue_handovers(&[third], Class::Edit, at(103), "deal 83").await.unwrap();
    let job = tx.claim_handovers(at(103), Class::Backfill, 10).await.unwrap();
    let job = job.into_iter().find(|job| job.subject == third).unwrap();
    assert_eq!(job.origin, "ann answered retry");
    tx.has_tried_again(third).await.unwrap();
    tx.enqueue_handovers(&[third], Class::Edit, at(103), "refused by the ERP").await.unwrap();
    let again = tx.claim_handovers(at(103), Class::Backfill, 10).await.unwrap();
    let again = again.into_iter().find(|job| job.subject == third).unwrap();
    assert_eq!(again.origin, "refused by the ERP");
    let job = again;
    tx.settle_handover(&job, None, 0, None, at(70)).await.unwrap();
    tx.enqueue_handovers(&[third], Class::Edit, at(104), "deal 83").await.unwrap();
    let job = tx.claim_handovers(at(104), Class::Backfill, 10).await.unwrap();
    assert_eq!(job.into_iter().find(|job| job.subject == third).unwrap().origin, "deal 83", "once");

    // One write at a time.
    let id = tx.open_erp_intent(run, &intent(ORG), at(110)).await.unwrap();
    tx.doubt_erp_intent(id, at(200)).await.unwrap();
    tx.open_erp_intent(run, &intent(OrgId(12)), at(110)).await.unwrap();
    tx.commit().await.unwrap();
    let mut tx = store.write(&fence).await.unwrap();
    assert!(tx.open_erp_intent(run, &intent(ORG), at(111)).await.is_err(), "an answer is missing");
    drop(tx);
    let mut tx = store.write(&fence).await.unwrap();
    let open = tx.erp_intent_of(ORG).await.unwrap().unwrap();
    assert_eq!((open.new, open.settled_at), (intent(ORG), Some(at(200))));
    tx.close_erp_intent(id, IntentEnd::Done, at(210)).await.unwrap();
    assert_eq!(tx.erp_intents().await.unwrap().len(), 1);
    tx.open_erp_intent(run, &intent(ORG), at(220)).await.unwrap();
    tx.commit().await.unwrap();
}

#[tokio::test]
async fn sqlite_handovers() {
    let opened = support::sqlite().await;
    story(opened.store.clone()).await;
    let opened = support::sqlite().await;
    tries(opened.store.clone()).await;
}

#[tokio::test]
async fn postgres_handovers() {
    let opened = support::postgres("handovers").await;
    story(opened.store.clone()).await;
    let opened = support::postgres("handover_tries").await;
    tries(opened.store.clone()).await;
}
