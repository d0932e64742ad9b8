//! Where reading stands, for the holder of a lease, on both databases.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on has failed")]

use jiff::Timestamp;
use sync_core::ids::ConnectionId;
use sync_store::{Fence, Store};

#[expect(dead_code, reason = "another test reopens its store")]
mod support;

const NOW: Timestamp = Timestamp::UNIX_EPOCH;

async fn read(store: &Store, connection: ConnectionId) -> Option<i64> {
    store.read(connection).await.unwrap().cursor("crm.deal").await.unwrap()
}

async fn write(store: &Store, fence: &Fence, place: i64) {
    let mut tx = store.write(fence).await.unwrap();
    tx.put_cursor("crm.deal", &place, NOW).await.unwrap();
    tx.commit().await.unwrap();
}

async fn its_holder_reads_it_once(store: Store) {
    store.migrate().await.unwrap();
    let connection = store.ensure_connection("acme", "{}", NOW).await.unwrap();
    let fence = store.lease_take(connection, "one", None).await.unwrap().unwrap();
    let ours = store.for_its_holder();

    // Nobody looks yet: everybody is told what the database has.
    assert_eq!(read(&ours, connection).await, None);
    write(&store, &fence, 1).await;
    assert_eq!(read(&ours, connection).await, Some(1));

    let glancing = ours.glance();
    let before = ours.statements();
    for _ in 0..3 {
        assert_eq!(read(&ours, connection).await, Some(1));
        assert_eq!(read(&ours.clone(), connection).await, Some(1));
    }
    assert_eq!(ours.statements() - before, 1, "the database is asked once");
    // What its own transactions commit is seen, what they take back is not.
    write(&ours, &fence, 2).await;
    assert_eq!(read(&ours, connection).await, Some(2));
    let mut taken_back = ours.write(&fence).await.unwrap();
    taken_back.put_cursor("crm.deal", &3, NOW).await.unwrap();
    assert_eq!(taken_back.cursor("crm.deal").await.unwrap(), Some(3));
    drop(taken_back);
    assert_eq!(read(&ours, connection).await, Some(2));
    // A transaction that writes asks the database, whatever was seen.
    write(&store, &fence, 4).await;
    assert_eq!(read(&ours, connection).await, Some(2), "nobody but the holder would write this");
    assert_eq!(ours.write(&fence).await.unwrap().cursor("crm.deal").await.unwrap(), Some(4));
    assert_eq!(read(&ours.for_others(), connection).await, Some(4));
    drop(glancing);
    assert_eq!(read(&ours, connection).await, Some(4));
    let _glancing = ours.glance();
    assert_eq!(read(&ours, connection).await, Some(4), "each look begins anew");
}

#[tokio::test]
async fn sqlite_glance() {
    its_holder_reads_it_once(support::sqlite().await.store.clone()).await;
}

#[tokio::test]
async fn postgres_glance() {
    its_holder_reads_it_once(support::postgres("glance").await.store.clone()).await;
}
