//! Access ends and comes back while a process works on.

use std::sync::Arc;

use axum::{body::Body, http::Request};
use jiff::SignedDuration;
use saas_sims::{
    fusion::{Edit, FusionSettings},
    pipedrive::PipedriveSettings,
};
use serde_json::{Value, json};
use sync_core::error::ErrorKind;
use sync_store::Errand;
use tower::ServiceExt as _;

use crate::world::{Beginning, World};

/// What a person's consent brings in: another refresh token, put where `connect` puts it.
async fn consent(world: &World) {
    let router = world.pipedrive.router();
    let path = "/oauth/authorize?client_id=app&redirect_uri=https%3A%2F%2Fsync.example.com%2Fc&state=s";
    let request = Request::get(path).body(Body::empty()).expect("a request");
    let answer = router.clone().oneshot(request).await.expect("an answer");
    let location = answer.headers()["location"].to_str().expect("text").to_owned();
    let code =
        location.split_once("code=").expect("a code").1.split('&').next().unwrap_or_default().to_owned();
    let form = format!(
        "grant_type=authorization_code&code={code}&redirect_uri=https%3A%2F%2Fsync.example.com%2Fc&client_id=app\
         &client_secret=secret"
    );
    let request = Request::post("/oauth/token")
        .header("content-type", "application/x-www-form-urlencoded")
        .body(Body::from(form))
        .expect("a request");
    let answer = router.oneshot(request).await.expect("an answer");
    let body = axum::body::to_bytes(answer.into_body(), 1 << 20).await.expect("a body");
    let granted: Value = serde_json::from_slice(&body).expect("JSON");
    let refresh = granted["refresh_token"].as_str().expect("a refresh token").into();
    let grant = pipedrive::grant(Some("seed".into()), "run connect", Arc::new(world.vault()));
    let now = world.clock.now();
    world.drive(grant.begin(&refresh, now)).await.expect("alive").expect("the vault works");
}

#[tokio::test]
async fn a_daemon_that_was_locked_out_goes_on_by_itself_once_access_is_back() {
    let (fusion, pipedrive) = (FusionSettings::default(), PipedriveSettings::default());
    let mut world = World::new(Beginning { seed: 12, fusion, pipedrive, oauth: true }).await;
    world.poll_every = SignedDuration::from_mins(1);
    let values = json!({"OrganizationName": "Acme", "PartyUsageCode": "CUSTOMER"});
    let acme = world.fusion.add_party(Edit::set(values)).expect("a party");
    let lease = world.take().await.expect("nobody dies");
    let mut engine = world.engine(&lease);
    let shown = |world: &World| world.organizations()[&acme][0].name.clone();
    let rename = |world: &World, name: &str| {
        world.fusion.edit_party(acme, &Edit::set(json!({"OrganizationName": name}))).expect("a party");
    };
    let after = |world: &World, minutes| world.clock.now() + SignedDuration::from_mins(minutes);
    let end = after(&world, 60);
    world.work_until(&mut engine, &lease, end).await;
    assert_eq!(shown(&world), "Acme");

    // Nobody asks for anything: the pause ends, and that is all it takes.
    world.pipedrive.uninstall_as_person();
    rename(&world, "Acme One");
    let end = after(&world, 90);
    world.work_until(&mut engine, &lease, end).await;
    assert_eq!(shown(&world), "Acme");
    let pause = engine.pauses(world.clock.now()).pop().expect("it is locked out");
    assert_eq!(pause.error.kind, ErrorKind::Unauthorized);
    assert!(pause.error.message.contains("run `ml-connector connect acme`"), "{}", pause.error);
    consent(&world).await;
    let end = after(&world, 8);
    world.work_until(&mut engine, &lease, end).await;
    assert_eq!(shown(&world), "Acme One");

    // Whoever connects leaves a wish: then nobody waits for the end of the pause.
    world.pipedrive.uninstall_as_person();
    rename(&world, "Acme Two");
    let end = after(&world, 90);
    world.work_until(&mut engine, &lease, end).await;
    let pause = engine.pauses(world.clock.now()).pop().expect("it is locked out");
    consent(&world).await;
    let wish = async {
        world.store.wish_for(world.connection, "connect", &Errand::Sync, world.clock.now()).await?;
        engine.take_wishes().await.map_err(|error| panic!("{error}"))
    };
    let taken: Result<bool, sync_store::StoreError> = world.drive(wish).await.expect("alive");
    assert!(taken.expect("the store works"));
    assert!(engine.pauses(world.clock.now()).is_empty(), "{pause:?}");
    let end = after(&world, 2);
    world.work_until(&mut engine, &lease, end).await;
    assert_eq!(shown(&world), "Acme Two");
}
