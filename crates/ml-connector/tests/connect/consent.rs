//! A person gives access, or does not.

use jiff::SignedDuration;
use saas_sims::pipedrive::{OAuthSettings, PipedriveSettings, PipedriveSim};
use sync_core::{
    ids::{OrgId, PartyId},
    pair::Pair,
};
use sync_store::AttemptEnd;

use crate::world::{Beginning, CALLBACK, Overheard, SECRET, World, company, param};

const TOKENS: &str = "POST /oauth/token";

#[tokio::test]
async fn consent_is_exchanged_kept_and_shown_with_and_without_pkce() {
    for (taken, pkce, used) in
        [(false, "\"auto\"", false), (true, "\"auto\"", true), (true, "true", true), (true, "false", false)]
    {
        let settings = company(OAuthSettings { pkce: taken, ..OAuthSettings::default() });
        let world = World::new(Beginning { pkce, settings, ..Beginning::default() }).await;
        let overheard = Overheard::default();
        let listening = overheard.begin();
        let begun = world.begin().await;
        assert_eq!(
            (begun.pkce, param(&begun.url, "code_challenge").is_some()),
            (used, used),
            "{taken} {pkce}"
        );
        let (state, back) = (param(&begun.url, "state").unwrap(), world.consent(&begun.url).await);
        let code = param(&back, "code").unwrap();
        assert_eq!(param(&back, "state").as_ref(), Some(&state));

        let page = world.get(&back).await;
        assert_eq!(page.status, 200, "{}", page.text);
        for shown in ["acme is connected", "Northwind Trading", "ERP Integration", "contacts:full"] {
            assert!(page.text.contains(shown), "{shown}: {}", page.text);
        }
        assert_eq!(page.header("cache-control"), "no-store");
        assert_eq!(page.header("referrer-policy"), "no-referrer");
        let policy = page.header("content-security-policy");
        assert!(policy.starts_with("default-src 'none'; style-src 'sha256-"), "{policy}");
        assert!(!page.text.contains("src="), "nothing from elsewhere");
        let ways: Vec<&str> = page.text.split("href=").skip(1).collect();
        assert!(
            ways.len() == 1 && ways[0].starts_with("\"/c/acme/setup\""),
            "one way, to the console: {ways:?}"
        );

        let Some(AttemptEnd::Connected(connected)) = world.end(&begun).await else { panic!("connected") };
        assert_eq!((connected.company_id, connected.user_id), (8_087_566, 12_415_231));
        assert!(connected.missing.is_empty() && connected.api_domain.is_some());
        assert_eq!(world.who().await, Ok(8_087_566), "whoever works on it has access");
        let company = world.store.company(world.id).await.unwrap().expect("it is remembered");
        assert_eq!((company.id, company.ended), (8_087_566, None));

        drop(listening);
        let log = overheard.text();
        assert!(log.contains("access was given"), "{log}");
        for secret in [code.as_str(), state.as_str(), SECRET, "v1u:"] {
            assert!(!log.contains(secret) && !page.text.contains(secret), "{secret} in {log}");
        }
    }
}

#[tokio::test]
async fn pkce_that_is_demanded_is_sent_though_it_is_refused() {
    let world = World::new(Beginning { pkce: "true", ..Beginning::default() }).await;
    let begun = world.begin().await;
    assert_eq!(world.asked("GET /oauth/authorize"), 0, "there is nothing to find out");
    assert_eq!(world.open(&begun.url).await.status, 400);
}

#[tokio::test]
async fn a_state_is_good_once_in_time_and_for_its_connection_only() {
    let world = World::new(Beginning::default()).await;
    let begun = world.begin().await;
    let back = world.consent(&begun.url).await;
    let state = param(&begun.url, "state").unwrap();
    let wrong = back.replace(&state, &"0".repeat(64));
    let foreign = world.store.ensure_connection("other", "{}", world.clock.now()).await.unwrap();
    assert_ne!(foreign, world.id);
    let without = back.split_once("&state").unwrap().0.to_owned();
    for path in
        [wrong.as_str(), &without, "/connect/acme", &format!("{back}&state=x"), &format!("{back}&code=x")]
    {
        let page = world.get(path).await;
        assert_eq!(page.status, 400, "{path}");
        assert!(page.text.contains("ml-connector connect acme"), "{}", page.text);
    }
    assert_eq!(world.get(&back.replace("/acme", "/other")).await.status, 404);
    assert_eq!(world.knock("HEAD", &back, &[], "").await.status, 405, "looking ahead uses nothing up");
    assert_eq!(world.asked(TOKENS), 0, "nothing was exchanged");
    assert_eq!(world.end(&begun).await, None);

    assert_eq!(world.get(&back).await.status, 200, "the real one is not used up by those");
    assert_eq!(world.asked(TOKENS), 1);
    assert_eq!(world.get(&back).await.status, 400, "once");
    assert_eq!(world.asked(TOKENS), 1);

    // A code that was used, with a state that is good.
    let code = param(&back, "code").unwrap();
    let begun = world.begin().await;
    let state = param(&begun.url, "state").unwrap();
    let page = world.get(&format!("/connect/acme?code={code}&state={state}")).await;
    assert_eq!(page.status, 409);
    assert!(
        page.text.contains("authorization_code is invalid") && !page.text.contains(&code),
        "{}",
        page.text
    );
    assert!(matches!(world.end(&begun).await, Some(AttemptEnd::Failed { .. })));
    assert_eq!(world.who().await, Ok(8_087_566), "what was before is as it was");

    let begun = world.begin().await;
    let back = world.consent(&begun.url).await;
    world.clock.advance(SignedDuration::from_mins(10));
    assert_eq!(world.get(&back).await.status, 400, "in time");
    assert_eq!(world.end(&begun).await, None);
}

#[tokio::test]
async fn a_code_of_more_than_five_minutes_is_told() {
    let world = World::new(Beginning::default()).await;
    let begun = world.begin().await;
    let back = world.consent(&begun.url).await;
    world.clock.advance(SignedDuration::from_mins(5));
    let page = world.get(&back).await;
    assert_eq!(page.status, 409);
    assert!(page.text.contains("has expired") && page.text.contains("five minutes"), "{}", page.text);
    assert!(world.who().await.is_err());
}

#[tokio::test]
async fn whoever_says_no_is_heard() {
    for word in ["user_denied", "access_denied"] {
        let settings = company(OAuthSettings { denial: word.to_owned(), ..OAuthSettings::default() });
        let world = World::new(Beginning { settings, ..Beginning::default() }).await;
        world.company.deny_authorization(true);
        let begun = world.begin().await;
        let back = world.consent(&begun.url).await;
        assert_eq!(world.get("/connect/acme?error=user_denied&state=nonsense").await.status, 400);
        let page = world.get(&back).await;
        assert_eq!(page.status, 200);
        assert!(page.text.contains("Access was denied") && page.text.contains(word), "{}", page.text);
        assert_eq!(world.end(&begun).await, Some(AttemptEnd::Denied { said: word.to_owned() }));
        assert_eq!(world.asked(TOKENS), 0);
    }
}

fn elsewhere(world: &World) -> PipedriveSim {
    let settings = PipedriveSettings {
        company_id: 4_711,
        company_name: "Initech <b>".to_owned(),
        ..company(OAuthSettings::default())
    };
    PipedriveSim::new(settings, world.clock.clone(), 2)
}

#[tokio::test]
async fn a_connection_is_never_pointed_at_another_company() {
    let world = World::new(Beginning::default()).await;
    assert_eq!(world.connect().await.status, 200);
    let other = elsewhere(&world);
    world.log_in_at(&other);
    let page = world.connect().await;
    assert_eq!(page.status, 409);
    assert!(
        page.text.contains("belongs to company 8087566") && page.text.contains("given back"),
        "{}",
        page.text
    );
    assert!(page.text.contains("Initech &lt;b&gt;"), "{}", page.text);
    assert_eq!(other.uninstall_callbacks().len(), 1, "the other company's access was given back");
    world.log_in_at(&world.company);
    assert!(world.company.uninstall_callbacks().is_empty());
    assert_eq!(world.who().await, Ok(8_087_566), "nothing of the old access was touched");
}

#[tokio::test]
async fn organizations_that_are_bound_already_must_be_of_this_company() {
    let world = World::new(Beginning { seed: true, ..Beginning::default() }).await;
    let fence = world.store.lease_take(world.id, "one", None).await.unwrap().unwrap();
    let mut tx = world.store.write(&fence).await.unwrap();
    let pair = Pair {
        party: PartyId(1),
        org: OrgId(11),
        erp_mirror: Default::default(),
        crm_mirror: Default::default(),
        written: Default::default(),
    };
    tx.put_pairs(&[pair], world.clock.now()).await.unwrap();
    tx.commit().await.unwrap();

    // Nobody remembers the company, and the old access does not tell any more.
    let other = elsewhere(&world);
    other.uninstall_as_person();
    world.log_in_at(&other);
    let page = world.connect().await;
    assert_eq!(page.status, 409);
    assert!(page.text.contains("ml-connector connect acme --company 4711"), "{}", page.text);
    // Somebody says which one it is.
    let begun = world.connector().begin(CALLBACK.to_owned(), Some(8_087_566)).await.unwrap();
    let page = world.get(&world.consent(&begun.url).await).await;
    assert!(page.status == 409 && page.text.contains("company 8087566 was asked for"), "{}", page.text);
    // The old access tells.
    world.log_in_at(&world.company);
    assert_eq!(world.connect().await.status, 200);
    assert_eq!(world.store.company(world.id).await.unwrap().unwrap().id, 8_087_566);
}

#[tokio::test]
async fn missing_scopes_are_told_with_what_does_not_work_without_them() {
    let oauth =
        OAuthSettings { scopes: "base,contacts:full,users:read".to_owned(), ..OAuthSettings::default() };
    let world = World::new(Beginning { settings: company(oauth), ..Beginning::default() }).await;
    let begun = world.begin().await;
    let page = world.get(&world.consent(&begun.url).await).await;
    assert_eq!(page.status, 200);
    assert!(
        page.text.contains("contact-fields:full") && page.text.contains("cannot be created"),
        "{}",
        page.text
    );
    let Some(AttemptEnd::Connected(connected)) = world.end(&begun).await else { panic!("connected") };
    let missing: Vec<(&str, bool)> =
        connected.missing.iter().map(|missing| (missing.scope.as_str(), missing.needed_now)).collect();
    assert_eq!(
        missing,
        [
            ("contact-fields:full", true),
            ("search:read", true),
            ("deals:full", false),
            ("deal-fields:full", false)
        ]
    );
}

#[tokio::test]
async fn whose_access_it_is_must_be_told_and_until_then_the_old_one_stays() {
    let oauth = OAuthSettings { scopes: "contacts:full".to_owned(), ..OAuthSettings::default() };
    let world = World::new(Beginning { settings: company(oauth), ..Beginning::default() }).await;
    let page = world.connect().await;
    assert_eq!(page.status, 409);
    assert!(page.text.contains("scope base"), "{}", page.text);
    assert_eq!(world.store.company(world.id).await.unwrap(), None);
    assert!(world.who().await.unwrap_err().message.contains("nobody has given access yet"));
}

#[tokio::test]
async fn nothing_is_sent_where_nothing_could_be_kept() {
    let world = World::new(Beginning { master_key: false, ..Beginning::default() }).await;
    let refused = world.connector().begin(CALLBACK.to_owned(), None).await.err().expect("refused");
    assert!(refused.to_string().contains("MLC_MASTER_KEY"), "{refused}");
    assert_eq!(world.company.stats().requests, 0);
}
