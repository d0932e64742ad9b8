//! Access over time: refreshed by several, ended by people, given back, given again.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use jiff::SignedDuration;
use ml_connector::check::{Report, Severity};
use saas_sims::pipedrive::{OAuthSettings, PipedriveSettings};
use serde_json::{Value, json};
use sync_core::error::ErrorKind;
use sync_store::CompanyEnd;

use crate::world::{Beginning, Overheard, SECRET, World, company};

const TOKENS: &str = "POST /oauth/token";

fn basic(secret: &str) -> String {
    format!("Basic {}", STANDARD.encode(format!("app:{secret}")))
}

/// What Pipedrive sends when the app is uninstalled.
fn callback(world: &World) -> Value {
    serde_json::to_value(world.company.uninstall_callbacks().pop().expect("it was uninstalled"))
        .expect("JSON")
}

async fn tell(world: &World, authorization: Option<&str>, body: &str) -> u16 {
    let headers: Vec<(&str, &str)> = authorization.iter().map(|value| ("authorization", *value)).collect();
    world.knock("DELETE", "/connect/acme", &headers, body).await.status
}

#[tokio::test]
async fn two_processes_that_refresh_at_a_time_both_go_on_with_rotation_and_without() {
    for rotate_refresh_tokens in [false, true] {
        let settings = PipedriveSettings { rotate_refresh_tokens, ..company(OAuthSettings::default()) };
        let world = World::new(Beginning { settings, ..Beginning::default() }).await;
        assert_eq!(world.connect().await.status, 200);
        let (one, two) = (world.process(), world.process());
        for _ in 0..5 {
            let (first, second) = tokio::join!(one.whoami(), two.whoami());
            assert!(first.is_ok() && second.is_ok(), "{rotate_refresh_tokens} {first:?} {second:?}");
            world.clock.advance(SignedDuration::from_mins(61));
        }
        assert_eq!(world.who().await, Ok(8_087_566), "what is stored is good");
    }
}

#[tokio::test]
async fn a_seed_works_without_consent_and_consent_wins_against_it() {
    let world = World::new(Beginning { seed: true, ..Beginning::default() }).await;
    assert_eq!(world.who().await, Ok(8_087_566));
    assert_eq!(world.connect().await.status, 200);
    world.company.uninstall_as_person();
    assert!(world.who().await.is_err());
    assert_eq!(world.connect().await.status, 200);
    assert_eq!(world.who().await, Ok(8_087_566), "the seed is dead since");
}

#[tokio::test]
async fn a_revoked_grant_is_told_with_the_way_out() {
    let world = World::new(Beginning::default()).await;
    let error = world.who().await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Unauthorized);
    assert!(error.message.contains("run `ml-connector connect acme`"), "{error}");
    assert_eq!(world.company.stats().requests, 0, "there is nothing to show oneself with");

    assert_eq!(world.connect().await.status, 200);
    let daemon = world.process();
    daemon.whoami().await.unwrap();
    world.company.uninstall_as_person();
    let error = daemon.whoami().await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Unauthorized);
    assert!(error.message.contains("refresh_token is invalid: run `ml-connector connect acme`"), "{error}");
    assert_eq!(world.connect().await.status, 200);
    assert_eq!(daemon.whoami().await.unwrap().company_id, 8_087_566, "without a new start");
}

#[tokio::test]
async fn an_uninstallation_is_believed_with_proof_and_ends_access() {
    let world = World::new(Beginning::default()).await;
    let overheard = Overheard::default();
    let _listening = overheard.begin();
    assert_eq!(world.connect().await.status, 200);
    let daemon = world.process();
    daemon.whoami().await.unwrap();
    world.clock.advance(SignedDuration::from_mins(1));
    world.company.uninstall_as_person();
    let told = callback(&world);

    for forged in [None, Some(basic("wrong")), Some("Bearer x".to_owned()), Some("Basic !".to_owned())] {
        assert_eq!(tell(&world, forged.as_deref(), &told.to_string()).await, 401);
    }
    assert_eq!(tell(&world, None, &"x".repeat(1 << 20)).await, 401, "not even read");
    let other = world.knock("DELETE", "/connect/other", &[("authorization", &basic(SECRET))], "{}").await;
    assert_eq!(other.status, 401);
    // Proven, and not about this access.
    let right = basic(SECRET);
    for (key, value) in [
        ("company_id", json!(4_711)),
        ("client_id", json!("another")),
        ("user_id", json!(99)),
        ("timestamp", json!("2026-03-02T11:59:59Z")),
        ("timestamp", Value::Null),
    ] {
        let mut told = told.clone();
        told[key] = value;
        assert_eq!(tell(&world, Some(&right), &told.to_string()).await, 200);
    }
    assert_eq!(tell(&world, Some(&right), "{").await, 200);
    assert_eq!(tell(&world, Some(&right), &"x".repeat(1 << 20)).await, 200);
    assert_eq!(world.store.company(world.id).await.unwrap().unwrap().ended, None);

    assert_eq!(tell(&world, Some(&right), &told.to_string()).await, 200);
    let ended = world.store.company(world.id).await.unwrap().unwrap().ended;
    assert_eq!(ended, Some((world.clock.now(), CompanyEnd::Uninstalled)));
    let asked = world.asked(TOKENS);
    let error = daemon.whoami().await.unwrap_err();
    assert_eq!(
        (&error.kind, world.asked(TOKENS)),
        (&ErrorKind::Unauthorized, asked),
        "nothing is left to show"
    );
    let when = format!("access was ended at {:.0}", ended.map(|(at, _)| at).unwrap());
    assert!(error.message.contains(&when), "{error}");
    assert!(error.message.contains("ml-connector connect acme"), "{error}");

    world.clock.advance(SignedDuration::from_mins(1));
    assert_eq!(world.connect().await.status, 200);
    assert_eq!(daemon.whoami().await.unwrap().company_id, 8_087_566, "without a new start");
    assert_eq!(tell(&world, Some(&right), &told.to_string()).await, 200, "it comes again, late");
    assert_eq!(daemon.whoami().await.map(|me| me.company_id), Ok(8_087_566));
    assert_eq!(world.who().await, Ok(8_087_566));
    let log = overheard.text();
    assert!(log.contains("was uninstalled in Pipedrive") && !log.contains(SECRET), "{log}");
}

#[tokio::test]
async fn access_is_given_back_once_and_a_daemon_hears_of_it() {
    for seed in [false, true] {
        let world = World::new(Beginning { seed, ..Beginning::default() }).await;
        if seed {
            assert_eq!(world.who().await, Ok(8_087_566));
        }
        assert_eq!(world.connect().await.status, 200);
        let daemon = world.process();
        daemon.whoami().await.unwrap();
        let done = world.connector().disconnect().await.unwrap();
        assert_eq!((done.revoked, done.token_in_file), (true, seed));
        assert_eq!(world.company.uninstall_callbacks().len(), 1);
        for error in [daemon.whoami().await.unwrap_err(), world.process().whoami().await.unwrap_err()] {
            assert!(error.message.contains("access was ended"), "not even the seed is tried: {error}");
        }
        let ended = world.store.company(world.id).await.unwrap().unwrap().ended;
        assert_eq!(ended.map(|(_, by)| by), Some(CompanyEnd::Disconnected));
        let again = world.connector().disconnect().await.unwrap();
        assert!(!again.revoked);
        assert_eq!(world.asked("POST /oauth/revoke"), 1);

        world.clock.advance(SignedDuration::from_mins(1));
        assert_eq!(world.connect().await.status, 200);
        assert_eq!(daemon.whoami().await.unwrap().company_id, 8_087_566);
    }
}

#[tokio::test]
async fn a_check_warns_before_a_grant_dies_of_idleness_and_names_the_way_out_after() {
    let world = World::new(Beginning::default()).await;
    let about = |report: &Report, name: &str| {
        let found = report.findings.iter().find(|finding| finding.name == name).expect("it is looked at");
        (found.severity, found.remedy.as_ref().map(|remedy| remedy.what.clone()).unwrap_or_default())
    };
    let name = "pipedrive.refresh_token";
    assert_eq!(
        about(&world.check().await, name),
        (Severity::Problem, "run `ml-connector connect acme`".to_owned())
    );
    assert_eq!(world.connect().await.status, 200);
    let day = SignedDuration::from_hours(24);
    world.clock.advance(day * 44);
    assert_eq!(about(&world.check().await, name).0, Severity::Ok, "that was use of it");
    world.clock.advance(day * 46);
    let report = world.check().await;
    assert_eq!(about(&report, name).0, Severity::Warning);
    assert!(report.findings.iter().any(|finding| finding.seen.contains("renewed 46 days ago")));
    assert_eq!(about(&world.check().await, name).0, Severity::Ok);
    world.clock.advance(day * 61);
    let (severity, what) = about(&world.check().await, "pipedrive.credentials");
    assert_eq!(severity, Severity::Problem);
    assert!(what.contains("ml-connector connect"), "{what}");
}
