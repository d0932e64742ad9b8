//! What `/metrics` says. `MLC_REWRITE=1` writes the expected page anew.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

#[expect(dead_code, reason = "it serves another test, too")]
mod support;

use axum::{Router, body::Body, http::Request};
use jiff::SignedDuration;
use support::{HOOK, World, at};
use sync_core::{
    budget::{Class, DailyBudget},
    hold::HoldReason,
    ids::PartyId,
    ports::Spend as _,
};
use sync_engine::{
    streams::{ErpStream, Rhythm, Stream},
    subscriptions::{HookState, STATE},
};
use sync_store::{Ledger, StagedKind, StagedRow};
use tower::ServiceExt as _;

async fn ask(router: &Router, request: Request<Body>) -> (u16, String) {
    let answer = router.clone().oneshot(request).await.unwrap();
    let status = answer.status().as_u16();
    let body = axum::body::to_bytes(answer.into_body(), 1 << 20).await.unwrap();
    (status, String::from_utf8(body.to_vec()).unwrap())
}

async fn scrape(router: &Router) -> String {
    ask(router, Request::get("/metrics").body(Body::empty()).unwrap()).await.1
}

async fn busy(world: &World) {
    let mut tx = world.store.write(&world.fence).await.unwrap();
    tx.enqueue(&[PartyId(1), PartyId(2)], Class::Edit, at(0), "poll").await.unwrap();
    tx.open_hold(PartyId(9), &HoldReason::PartyMissing, at(0)).await.unwrap();
    let rhythm = Rhythm { polled_at: Some(at(10)), swept_at: Some(at(-3_600)), ..Rhythm::default() };
    let stream = ErpStream { rhythm, ..ErpStream::default() };
    tx.put_cursor(Stream::Parties.name(), &stream, at(10)).await.unwrap();
    let state = HookState { stands: true, proven: true, announced: 12, missed: 3, ..HookState::default() };
    tx.put_cursor(STATE, &state, at(10)).await.unwrap();
    tx.put_cursor("match_keys", &vec![1], at(10)).await.unwrap();
    let row = StagedRow {
        id: 1,
        party: None,
        parent: None,
        stamp: at(1),
        hash: "a".into(),
        body: "{}".into(),
        malformed: None,
    };
    tx.stage(StagedKind::Party, &[row], at(2), 1).await.unwrap();
    tx.commit().await.unwrap();
    let budget = DailyBudget { tokens: 1_000, max_share: 1.0, reserve: 0.0 };
    let ledger = Ledger::new(world.store.clone(), world.connection, budget);
    ledger.reserve(Class::Edit, 10, 3, at(0)).await.unwrap();
    ledger.correct(900, at(1)).await.unwrap();
}

#[tokio::test]
async fn the_page_says_what_is_going_on() {
    let world = World::new().await;
    busy(&world).await;
    world.store.ensure_connection("a \"quoted\" \\ name", "{}", at(0)).await.unwrap();
    let (parts, keeper) = world.parts();
    let router = sync_web::router(parts);
    let visits = async {
        for (vouched, body) in [("basic", "1"), ("both", "2"), ("basic", "{"), ("both", "deal"), ("", "3")] {
            let request = Request::post(HOOK).header("x-vouched", vouched).body(Body::from(body));
            ask(&router, request.unwrap()).await;
        }
        let wrong = Request::get("/api/v1/status").header("authorization", "Bearer wrong");
        assert_eq!(ask(&router, wrong.body(Body::empty()).unwrap()).await.0, 401);
        world.clock.advance(SignedDuration::from_millis(90_500));
        scrape(&router).await
    };
    let page = tokio::select! {
        page = visits => page,
        () = keeper.work() => panic!("nobody closes the doors"),
    };
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/metrics.txt");
    if std::env::var_os("MLC_REWRITE").is_some() {
        std::fs::write(path, &page).unwrap();
    }
    assert_eq!(page, std::fs::read_to_string(path).unwrap());
    let documented = sync_web::metrics_page();
    let names = page
        .lines()
        .filter_map(|line| line.strip_prefix("# TYPE "))
        .map(|line| line.split(' ').next().unwrap());
    for name in names {
        assert!(documented.contains(&format!("| `{name}` |")), "{name} is not documented");
    }
}

#[tokio::test]
async fn scrapes_within_a_second_share_an_answer() {
    let world = World::new().await;
    let (parts, _keeper) = world.parts();
    let router = sync_web::router(parts);
    let first = scrape(&router).await;
    let statements = world.store.statements();
    busy(&world).await;
    let after = world.store.statements();
    assert_ne!(statements, after);
    assert_eq!(scrape(&router).await, first);
    assert_eq!(world.store.statements(), after, "the store was not asked");
    world.clock.advance(SignedDuration::from_secs(1));
    assert_ne!(scrape(&router).await, first);
    world.store.close().await;
    world.clock.advance(SignedDuration::from_secs(1));
    let without = scrape(&router).await;
    assert!(without.contains("mlc_store_up 0\n") && without.contains("mlc_build_info"), "{without}");
}
