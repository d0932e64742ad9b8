//! Migrations meet data: every version is filled the way it was filled in its time, then migrated to the next.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on has failed")]

use sqlx::Executor as _;
use sync_core::{
    budget::Class,
    handover::Subject,
    hierarchy::Made,
    hold::HoldReason,
    hooks::HookEntity,
    ids::{ConnectionId, DealId, OrgId, PartyId, RelationId, SetId, WishId},
};
use sync_store::{AttemptEnd, DocumentId, Errand, StagedKind, Store};

mod support;

/// Rows as each version left them. A new migration comes with its own file.
const DATA: [(i64, &str); 22] = [
    (1, include_str!("data/0001.sql")),
    (2, include_str!("data/0002.sql")),
    (3, include_str!("data/0003.sql")),
    (4, include_str!("data/0004.sql")),
    (5, include_str!("data/0005.sql")),
    (6, include_str!("data/0006.sql")),
    (7, include_str!("data/0007.sql")),
    (8, include_str!("data/0008.sql")),
    (9, include_str!("data/0009.sql")),
    (10, include_str!("data/0010.sql")),
    (11, include_str!("data/0011.sql")),
    (12, include_str!("data/0012.sql")),
    (13, include_str!("data/0013.sql")),
    (14, include_str!("data/0014.sql")),
    (15, include_str!("data/0015.sql")),
    (16, include_str!("data/0016.sql")),
    (17, include_str!("data/0017.sql")),
    (18, include_str!("data/0018.sql")),
    (19, include_str!("data/0019.sql")),
    (20, include_str!("data/0020.sql")),
    (21, include_str!("data/0021.sql")),
    (22, include_str!("data/0022.sql")),
];

async fn fill(url: &str, sql: &'static str) {
    if url.starts_with("sqlite:") {
        let pool = sqlx::SqlitePool::connect(url).await.unwrap();
        pool.execute(sql).await.unwrap();
        pool.close().await;
    } else {
        let pool = sqlx::PgPool::connect(url).await.unwrap();
        pool.execute(sql).await.unwrap();
        pool.close().await;
    }
}

async fn every_version_meets_data(store: Store, url: &str) {
    for (version, rows) in DATA {
        store.migrate_to(version).await.unwrap();
        fill(url, rows).await;
    }
    assert_eq!(store.migrate().await.unwrap(), [], "the newest migration has no data file");

    let told = store.alert_told(ConnectionId(1)).await.unwrap();
    assert_eq!(told.as_deref(), Some(r#"{"broken_since":"2026-01-01T00:00:00Z"}"#));
    let waiting = store.waiting_alerts(ConnectionId(1), 10).await.unwrap();
    assert_eq!(waiting.iter().map(|alert| alert.webhook_id.as_str()).collect::<Vec<_>>(), ["msg_2"]);
    let party = PartyId(300_000_200_000_001);
    let attempted = store.attempt_end(ConnectionId(1), "bb").await.unwrap();
    assert_eq!(attempted, Some(AttemptEnd::Denied { said: "user_denied".to_owned() }));
    assert_eq!(store.company(ConnectionId(1)).await.unwrap().map(|company| company.id), Some(7));
    let connection = store.connections().await.unwrap()[0].id;
    assert_eq!(connection, ConnectionId(1));
    let seen = store.lease_look(connection).await.unwrap().expect("the lease");
    let fence = store.lease_take(connection, "new", Some(&seen)).await.unwrap().expect("it was free");
    assert_eq!(fence.epoch, 4);
    let mut tx = store.write(&fence).await.unwrap();
    assert_eq!(tx.pairs_by_party(&[party]).await.unwrap()[&party].org, OrgId(11));
    assert_eq!(tx.staged(StagedKind::Party, &[party.0]).await.unwrap().len(), 1);
    assert_eq!(tx.cursor::<Vec<i64>>("erp.party").await.unwrap(), Some(vec![1]));
    let other = PartyId(300_000_200_000_002);
    assert_eq!(tx.holds(&[other]).await.unwrap()[&other], HoldReason::PartyMissing);
    assert_eq!(tx.answers(&[other]).await.unwrap()[&other].lives.len(), 1);
    assert_eq!(tx.closed_holds(PartyId(300_000_200_000_004), 10).await.unwrap().len(), 1);
    assert_eq!(tx.aliases_of(&[party]).await.unwrap().len(), 1);
    assert_eq!(tx.staged_of_parties(StagedKind::Relation, &[party.0]).await.unwrap().len(), 1);
    assert_eq!(tx.relations(&[party]).await.unwrap()[&party][0].state, Made::Stands(RelationId(77)));
    let hooked = tx.take_hooked(HookEntity::Organization, 10, seen_at()).await.unwrap();
    assert_eq!(hooked.iter().map(|record| record.id).collect::<Vec<_>>(), [11]);
    let hooked = tx.take_hooked(HookEntity::Deal, 10, seen_at()).await.unwrap();
    assert_eq!(hooked.iter().map(|record| record.id).collect::<Vec<_>>(), [81]);
    assert_eq!(tx.subscriptions(true, 10).await.unwrap().len(), 2);
    let ours = tx.subscriptions(false, 10).await.unwrap();
    let deals = ours.iter().filter(|ours| ours.entity == Some(HookEntity::Deal)).count();
    assert_eq!((ours.len(), deals), (3, 1));
    assert_eq!(tx.journal(Some(party), None, 10).await.unwrap().len(), 1);
    assert_eq!(tx.runs(None, 10).await.unwrap().len(), 2);
    assert_eq!(tx.plans(party, 10).await.unwrap().len(), 1);
    let questions = tx.questions(None, None, 10).await.unwrap();
    assert_eq!(questions.iter().map(|row| row.subject).collect::<Vec<_>>(), [Subject::Deal(DealId(81))]);
    assert_eq!(
        tx.questions(Some("no_organization"), questions.first().map(|row| (row.asked_at, row.subject)), 10)
            .await
            .unwrap(),
        [],
        "no more of them"
    );
    assert_eq!(
        tx.claim_handovers(seen_at(), Class::Backfill, 10).await.unwrap()[0].subject,
        Subject::Org(OrgId(11))
    );
    assert_eq!(tx.erp_intent_of(OrgId(11)).await.unwrap().unwrap().new.set, SetId(204));
    let shows = tx.claim_shows(seen_at(), 10).await.unwrap();
    let shows: Vec<_> = shows.iter().map(|job| (job.subject, job.attempts)).collect();
    assert_eq!(shows, [(Subject::Deal(DealId(81)), 2)], "the organization's is decided first");
    let invoice = DocumentId { kind: StagedKind::Invoice, id: 300_000_300_000_001 };
    assert_eq!(tx.staged(StagedKind::Installments, &[invoice.id]).await.unwrap().len(), 1);
    let said = tx.who_says(StagedKind::Invoice, &[-77].into()).await.unwrap();
    assert_eq!(said, [(-77, [invoice.id].into())].into());
    assert_eq!(tx.documents_of(&[DealId(81)]).await.unwrap()[0].id, invoice);
    assert_eq!(tx.claim_documents(seen_at(), Class::Backfill, 10).await.unwrap()[0].attempts, 1);
    let page = tx.deal_pages(&[DealId(81)]).await.unwrap().remove(&DealId(81)).unwrap();
    assert_eq!(page.shown.as_deref(), Some(r#"{"note":5}"#));
    assert_eq!(tx.page_intent_of(DealId(81)).await.unwrap().unwrap().new.kind, "note");
    let errands = tx.open_errands().await.unwrap();
    assert_eq!(
        errands,
        [
            (WishId(2), Errand::Customer("1006".to_owned())),
            (WishId(3), Errand::Again(sync_core::poll::Again::All))
        ]
    );
    assert_eq!(tx.begin_run("sync", seen_at()).await.unwrap().0, 3, "numbers go on");
    tx.commit().await.unwrap();
    assert!(store.wish_look(connection, WishId(1)).await.unwrap().is_some());
}

fn seen_at() -> jiff::Timestamp {
    jiff::Timestamp::from_second(1_767_225_700).unwrap()
}

#[tokio::test]
async fn sqlite_migrations() {
    let opened = support::sqlite().await;
    every_version_meets_data(opened.store.clone(), &opened.url).await;
}

#[tokio::test]
async fn postgres_migrations() {
    let opened = support::postgres("migrations").await;
    every_version_meets_data(opened.store.clone(), &opened.url).await;
}
