//! Access tokens and refresh tokens over time.
#[cfg(test)]
mod support;

#[cfg(test)]
mod tests {
    use std::{sync::Arc, time::Duration};

    use http::{HeaderMap, Method};
    use jiff::SignedDuration;
    use saas_http::*;
    use sync_core::{
        budget::Class,
        error::{CallError, Effect, ErrorKind},
        ports::ManualClock,
    };

    use super::support::*;

    const REMEDY: &str = "run connect";

    struct Get;

    impl Endpoint for Get {
        const NAME: &'static str = "things.list";
        const METHOD: Method = Method::GET;
        type Output = serde_json::Value;

        fn path(&self) -> String {
            "things".to_owned()
        }
    }

    fn wired(transport: &Arc<dyn Transport>, clock: &ManualClock, source: TokenSource) -> Caller {
        Caller::new(Wiring {
            base: BaseUrl::parse("base_url", "https://api.example").unwrap(),
            headers: HeaderMap::new(),
            timeout: Duration::from_secs(30),
            transport: Arc::clone(transport),
            credentials: Credentials::bearer(source),
            gate: Arc::new(Adaptive::new(9, Arc::new(clock.clone()))),
            dialect: Arc::new(Plain),
            clock: Arc::new(clock.clone()),
        })
    }

    fn client() -> OAuthClient {
        let token_url = BaseUrl::parse("token_url", "https://id.example/token").unwrap();
        OAuthClient { token_url, id: "me".to_owned(), proof: ClientProof::Secret("hunter2".into()) }
    }

    fn by_client(transport: &Arc<dyn Transport>, clock: &ManualClock) -> Caller {
        let grant = ClientCredentials {
            scope: "urn:opc:resource:fa:instanceid=1urn:opc:resource:consumer::all".into(),
        };
        let source =
            TokenSource::client_credentials(client(), grant, Arc::clone(transport), Arc::new(clock.clone()));
        wired(transport, clock, source)
    }

    fn by_refresh(
        transport: &Arc<dyn Transport>,
        clock: &ManualClock,
        seed: &str,
        vault: &Arc<Vault>,
    ) -> Caller {
        let grant = RefreshToken::new("pd.refresh_token", Some(seed.into()), REMEDY, Arc::clone(vault) as _);
        let source =
            TokenSource::refresh_token(client(), grant, Arc::clone(transport), Arc::new(clock.clone()));
        wired(transport, clock, source)
    }

    async fn get(caller: &Caller) -> Result<(), CallError> {
        caller.send(&Get, Pass::Class(Class::Edit)).await.map(drop)
    }

    fn token(access: &str, refresh: Option<&str>) -> Outcome {
        ok(serde_json::json!({ "access_token": access, "expires_in": 3600, "refresh_token": refresh }))
    }

    fn count(log: &Log, path: &str) -> usize {
        log.all().iter().filter(|sent| sent.path() == path).count()
    }

    /// Every token request gives another token; refresh tokens rotate, and each is good for one exchange.
    fn rotating() -> (Arc<dyn Transport>, Log) {
        let next = std::sync::Mutex::new(0);
        remote(move |sent| {
            if sent.path() != "/token" {
                return ok("[]");
            }
            let mut next = next.lock().unwrap();
            if !sent.body.ends_with(&format!("refresh_token={}", ["seed", "r1", "r2", "r3"][*next])) {
                return reply(
                    400,
                    &[],
                    r#"{"error":"invalid_grant","message":"Invalid grant: refresh_token is invalid"}"#,
                );
            }
            *next += 1;
            token(&format!("t{next}"), Some(&format!("r{next}")))
        })
    }

    #[tokio::test]
    async fn a_token_is_fetched_once_under_concurrency_and_renewed_at_80_percent_of_its_life() {
        let (transport, log) =
            remote(|sent| if sent.path() == "/token" { token("t", None) } else { ok("[]") });
        let (clock, _) = clock();
        let caller = by_client(&transport, &clock);
        let many = futures::future::join_all((0..8).map(|_| get(&caller))).await;
        assert!(many.iter().all(Result::is_ok));
        assert_eq!(count(&log, "/token"), 1);
        clock.advance(SignedDuration::from_secs(2879));
        get(&caller).await.unwrap();
        assert_eq!(count(&log, "/token"), 1);
        clock.advance(SignedDuration::from_secs(2));
        futures::future::join_all((0..8).map(|_| get(&caller))).await;
        assert_eq!(count(&log, "/token"), 2);
        assert_eq!(caller.spent().requests, 19, "requests for tokens count too");
    }

    #[tokio::test]
    async fn the_client_shows_itself_by_basic_and_the_scope_is_sent_as_given() {
        let (transport, log) =
            remote(|sent| if sent.path() == "/token" { token("t", None) } else { ok("[]") });
        get(&by_client(&transport, &clock().0)).await.unwrap();
        let asked = &log.all()[0];
        assert_eq!(asked.header("authorization"), Some("Basic bWU6aHVudGVyMg=="));
        assert_eq!(
            asked.body,
            "grant_type=client_credentials&scope=urn%3Aopc%3Aresource%3Afa%3Ainstanceid%3D1urn%3Aopc%3Aresource%3Aconsumer%3A%3Aall"
        );
        assert_eq!(log.last().header("authorization"), Some("Bearer t"));
    }

    #[tokio::test]
    async fn one_401_renews_the_token_once_and_sends_again_once() {
        let (transport, log) = remote(|sent| match sent.path() {
            "/token" => token("t", None),
            _ => reply(401, &[], ""),
        });
        let error = get(&by_client(&transport, &clock().0)).await.unwrap_err();
        assert_eq!((error.kind, error.effect), (ErrorKind::Unauthorized, Effect::None));
        assert_eq!(log.lines(), ["POST /token", "GET /things", "POST /token", "GET /things"]);
    }

    #[tokio::test]
    async fn many_401s_of_one_token_renew_it_once() {
        let fetched = std::sync::Mutex::new(0);
        let (transport, log) = remote(move |sent| match sent.path() {
            "/token" => {
                *fetched.lock().unwrap() += 1;
                token(&format!("t{}", fetched.lock().unwrap()), None)
            }
            _ if sent.header("authorization") == Some("Bearer t1") => reply(401, &[], ""),
            _ => ok("[]"),
        });
        let caller = by_client(&transport, &clock().0);
        let many = futures::future::join_all((0..5).map(|_| get(&caller))).await;
        assert!(many.iter().all(Result::is_ok));
        assert_eq!(count(&log, "/token"), 2);
    }

    #[tokio::test]
    async fn an_early_renewal_that_fails_leaves_the_old_token_in_use() {
        let down = Arc::new(std::sync::Mutex::new(false));
        let is_down = Arc::clone(&down);
        let (transport, log) = remote(move |sent| match sent.path() {
            "/token" if *is_down.lock().unwrap() => reply(503, &[], "<html>"),
            "/token" => token("t", None),
            _ => ok("[]"),
        });
        let (clock, _) = clock();
        let caller = by_client(&transport, &clock);
        get(&caller).await.unwrap();
        *down.lock().unwrap() = true;
        clock.advance(SignedDuration::from_secs(3000));
        get(&caller).await.unwrap();
        get(&caller).await.unwrap();
        assert_eq!(count(&log, "/token"), 2, "not asked again at once");
        clock.advance(SignedDuration::from_secs(601));
        let error = get(&caller).await.unwrap_err();
        assert_eq!((error.call, error.effect), ("oauth.token", Effect::None));
    }

    #[tokio::test]
    async fn a_wrong_client_is_for_a_person_and_secrets_are_cut_out_of_the_message() {
        let body = r#"{"error":"invalid_client","error_description":"hunter2 is wrong"}"#;
        let (transport, _) = remote(move |_| reply(401, &[], body));
        let error = get(&by_client(&transport, &clock().0)).await.unwrap_err();
        assert_eq!(error.kind, ErrorKind::Unauthorized);
        assert_eq!(error.message, "401: invalid_client: [redacted] is wrong");
    }

    #[tokio::test]
    async fn rotated_refresh_tokens_are_stored_before_use_and_win_over_the_seed() {
        let (transport, log) = rotating();
        let (clock, _) = clock();
        let vault = Arc::new(Vault::default());
        get(&by_refresh(&transport, &clock, "seed", &vault)).await.unwrap();
        assert!(vault.secrets.lock().unwrap()["pd.refresh_token"].contains(r#""refresh_token":"r1""#));
        assert!(
            !vault.secrets.lock().unwrap()["pd.refresh_token"].contains(r#""seed""#),
            "its hash, not itself"
        );
        // The next process has the same file.
        get(&by_refresh(&transport, &clock, "seed", &vault)).await.unwrap();
        assert_eq!(count(&log, "/token"), 2);
    }

    #[tokio::test]
    async fn a_changed_seed_wins_over_the_stored_token() {
        let (transport, log) =
            remote(|sent| if sent.path() == "/token" { token("t", Some("r")) } else { ok("[]") });
        let (clock, _) = clock();
        let vault = Arc::new(Vault::default());
        get(&by_refresh(&transport, &clock, "seed", &vault)).await.unwrap();
        get(&by_refresh(&transport, &clock, "new", &vault)).await.unwrap();
        get(&by_refresh(&transport, &clock, "new", &vault)).await.unwrap();
        let used: Vec<String> =
            log.all().iter().filter(|s| s.path() == "/token").map(|s| s.body.clone()).collect();
        let used: Vec<&str> = used.iter().filter_map(|body| body.split('=').next_back()).collect();
        assert_eq!(used, ["seed", "new", "r"]);
    }

    #[tokio::test]
    async fn a_refused_grant_is_read_again_from_the_vault_once() {
        let (clock, _) = clock();
        let vault = Arc::new(Vault::default());
        let elsewhere = Arc::clone(&vault);
        // Another process exchanges our token just before we do, and stores what it got.
        let (transport, log) = remote(move |sent| match sent.path() {
            "/token" if sent.body.ends_with("=fresh") => token("t", None),
            "/token" => {
                let mut secrets = elsewhere.secrets.lock().unwrap();
                for stored in secrets.values_mut() {
                    *stored = stored.replace("\"r1\"", "\"fresh\"");
                }
                reply(
                    400,
                    &[],
                    r#"{"error":"invalid_grant","message":"Invalid grant: refresh_token is invalid"}"#,
                )
            }
            _ => ok("[]"),
        });
        let hash = "19b25856e1c150ca834cffc8b59b23adbd0ec0389e58eb22b3b64768098d002b"; // of "seed"
        let stored = format!(r#"{{"seed_sha256":"{hash}","refresh_token":"r1"}}"#);
        vault.secrets.lock().unwrap().insert("pd.refresh_token".to_owned(), stored);
        get(&by_refresh(&transport, &clock, "seed", &vault)).await.unwrap();
        assert_eq!(count(&log, "/token"), 2);

        // A seed that nobody accepts and for which nothing newer is stored is final.
        let error = get(&by_refresh(&transport, &clock, "nonsense", &vault)).await.unwrap_err();
        assert_eq!((error.kind, error.effect), (ErrorKind::Unauthorized, Effect::None));
        assert_eq!(count(&log, "/token"), 3);
    }

    #[tokio::test]
    async fn a_refresh_token_that_cannot_be_stored_is_kept_and_stored_first_next_time() {
        let (transport, log) = rotating();
        let (clock, _) = clock();
        let vault = Arc::new(Vault::default());
        *vault.broken.lock().unwrap() = true;
        let caller = by_refresh(&transport, &clock, "seed", &vault);
        let error = get(&caller).await.unwrap_err();
        assert_eq!((error.kind, error.effect), (ErrorKind::Transient { after: None }, Effect::None));
        assert!(get(&caller).await.is_err());
        assert_eq!(log.all().len(), 1, "nothing is sent while the token is not safe");
        *vault.broken.lock().unwrap() = false;
        get(&caller).await.unwrap();
        assert!(vault.secrets.lock().unwrap()["pd.refresh_token"].contains(r#""refresh_token":"r2""#));
    }

    /// A source whose configuration has this seed, or none, beside what a consent put into the vault.
    fn grant(seed: Option<&str>, vault: &Arc<Vault>) -> RefreshToken {
        RefreshToken::new("pd.refresh_token", seed.map(Into::into), REMEDY, Arc::clone(vault) as _)
    }

    fn by_grant(
        transport: &Arc<dyn Transport>,
        clock: &ManualClock,
        seed: Option<&str>,
        vault: &Arc<Vault>,
    ) -> Caller {
        let (grant, clock_) = (grant(seed, vault), Arc::new(clock.clone()));
        wired(transport, clock, TokenSource::refresh_token(client(), grant, Arc::clone(transport), clock_))
    }

    /// Every refresh token is good and comes back as it is; tells those that were used.
    fn lasting() -> (Arc<dyn Transport>, impl Fn() -> Vec<String>) {
        let (transport, log) = remote(|sent| match sent.path() {
            "/token" => token("t", sent.body.rsplit('=').next()),
            _ => ok("[]"),
        });
        let used = move || {
            let tokens = log.all().into_iter().filter(|sent| sent.path() == "/token");
            tokens.filter_map(|sent| Some(sent.body.rsplit('=').next()?.to_owned())).collect()
        };
        (transport, used)
    }

    #[tokio::test]
    async fn consent_wins_against_the_seed_until_the_seed_changes_in_either_order() {
        let (clock, _) = clock();
        let now = sync_core::ports::Clock::now(&clock);
        // Seed first, then consent, then the seed goes, comes back, and changes.
        let (transport, used) = lasting();
        let vault = Arc::new(Vault::default());
        get(&by_grant(&transport, &clock, Some("seed"), &vault)).await.unwrap();
        grant(Some("seed"), &vault).begin(&"consent".into(), now).await.unwrap();
        for seed in [Some("seed"), None, Some("seed"), Some("new"), Some("new"), None] {
            get(&by_grant(&transport, &clock, seed, &vault)).await.unwrap();
        }
        assert_eq!(used(), ["seed", "consent", "consent", "consent", "new", "new", "new"]);

        // Consent first, then a seed.
        let (transport, used) = lasting();
        let vault = Arc::new(Vault::default());
        let error = get(&by_grant(&transport, &clock, None, &vault)).await.unwrap_err();
        assert_eq!((error.kind, error.effect), (ErrorKind::Unauthorized, Effect::None));
        assert_eq!(error.message, "nobody has given access yet: run connect");
        grant(None, &vault).begin(&"consent".into(), now).await.unwrap();
        for seed in [None, Some("seed"), Some("seed"), None] {
            get(&by_grant(&transport, &clock, seed, &vault)).await.unwrap();
        }
        assert_eq!(
            used(),
            ["consent", "seed", "seed", "seed"],
            "a seed that was not there is a changed seed"
        );
        grant(Some("seed"), &vault).begin(&"again".into(), now).await.unwrap();
        get(&by_grant(&transport, &clock, Some("seed"), &vault)).await.unwrap();
        assert_eq!(used().pop().as_deref(), Some("again"));
    }

    #[tokio::test]
    async fn an_ended_grant_is_ended_for_its_seed_too_and_times_are_kept() {
        let (clock, _) = clock();
        let now = || sync_core::ports::Clock::now(&clock);
        let (transport, used) = lasting();
        let vault = Arc::new(Vault::default());
        let old = r#"{"seed_sha256":"19b25856e1c150ca834cffc8b59b23adbd0ec0389e58eb22b3b64768098d002b","refresh_token":"r1"}"#;
        vault.secrets.lock().unwrap().insert("pd.refresh_token".to_owned(), old.to_owned());
        let grant = grant(Some("seed"), &vault);
        let state = |from, obtained_at, renewed_at| RefreshState { from, obtained_at, renewed_at };
        assert_eq!(
            grant.state().await.unwrap(),
            state(RefreshFrom::Vault, None, None),
            "of an older version"
        );
        get(&by_grant(&transport, &clock, Some("seed"), &vault)).await.unwrap();
        assert_eq!(grant.state().await.unwrap(), state(RefreshFrom::Vault, None, Some(now())));
        let began = now();
        grant.begin(&"consent".into(), began).await.unwrap();
        clock.advance(SignedDuration::from_hours(1));
        get(&by_grant(&transport, &clock, Some("seed"), &vault)).await.unwrap();
        assert_eq!(grant.state().await.unwrap(), state(RefreshFrom::Vault, Some(began), Some(now())));

        let ended = grant.end(now()).await.unwrap();
        assert!(ended.is_some() && grant.end(now()).await.unwrap().is_none(), "once");
        assert_eq!(grant.state().await.unwrap().from, RefreshFrom::Ended(now()));
        let sent = used().len();
        for seed in [Some("seed"), None] {
            let error = get(&by_grant(&transport, &clock, seed, &vault)).await.unwrap_err();
            assert_eq!(error.kind, ErrorKind::Unauthorized);
            assert!(error.message.starts_with("access was ended at 2026-11-24T13:00:00Z: run"), "{error}");
        }
        assert_eq!(used().len(), sent, "nothing is sent");
        get(&by_grant(&transport, &clock, Some("new"), &vault)).await.unwrap();
        assert_eq!(used().pop().as_deref(), Some("new"), "another seed is another grant");
    }

    /// A refresh under way never puts its token over that of a consent, nor over an end.
    #[tokio::test]
    async fn an_answer_that_comes_late_is_dropped() {
        for ended in [false, true] {
            let (clock, _) = clock();
            let now = sync_core::ports::Clock::now(&clock);
            let vault = Arc::new(Vault::default());
            let other = Arc::new(grant(Some("seed"), &vault));
            let meanwhile = Arc::clone(&other);
            let (transport, log) = remote(move |sent| match sent.path() {
                "/token" if sent.body.ends_with("=seed") => {
                    // What another process does between our request and its answer.
                    let done = async {
                        match ended {
                            true => meanwhile.end(now).await.map(drop),
                            false => meanwhile.begin(&"consent".into(), now).await,
                        }
                    };
                    futures::FutureExt::now_or_never(Box::pin(done)).unwrap().unwrap();
                    token("t", Some("rotated"))
                }
                "/token" => token("t", sent.body.rsplit('=').next()),
                _ => ok("[]"),
            });
            let got = get(&by_grant(&transport, &clock, Some("seed"), &vault)).await;
            assert_eq!(got.is_err(), ended);
            assert!(!vault.secrets.lock().unwrap()["pd.refresh_token"].contains("rotated"));
            assert_eq!(count(&log, "/token"), if ended { 1 } else { 2 }, "the newer one is used");
        }
    }

    /// Seed 2201 of `prove`: a process slept between its request and the answer, and put what it got in the place of what another one
    /// had got and used meanwhile. Access was lost.
    #[tokio::test]
    async fn of_answers_to_one_grant_that_counts_which_was_asked_for_last() {
        for (asked, left) in [("2026-11-24T12:00:01Z", "theirs"), ("2026-11-24T11:59:59Z", "ours")] {
            let (clock, _) = clock();
            let vault = Arc::new(Vault::default());
            let elsewhere = Arc::clone(&vault);
            let hash = "19b25856e1c150ca834cffc8b59b23adbd0ec0389e58eb22b3b64768098d002b"; // of "seed"
            let (transport, log) = remote(move |sent| match sent.path() {
                "/token" if sent.body.ends_with("=seed") => {
                    let stored = format!(
                        r#"{{"seed_sha256":"{hash}","refresh_token":"theirs","renewed_at":"{asked}"}}"#
                    );
                    elsewhere.secrets.lock().unwrap().insert("pd.refresh_token".to_owned(), stored);
                    token("t", Some("ours"))
                }
                "/token" => token("t", sent.body.rsplit('=').next()),
                _ => ok("[]"),
            });
            get(&by_refresh(&transport, &clock, "seed", &vault)).await.unwrap();
            let stored = vault.secrets.lock().unwrap()["pd.refresh_token"].clone();
            assert!(stored.contains(&format!(r#""refresh_token":"{left}""#)), "{asked}: {stored}");
            assert_eq!(count(&log, "/token"), if left == "theirs" { 2 } else { 1 }, "what counts is used");
        }
    }

    #[tokio::test]
    async fn a_code_is_exchanged_with_its_verifier_and_what_was_granted_is_told() {
        let (clock, _) = clock();
        let (transport, log) = remote(|sent| match sent.path() {
            "/token" if sent.body.contains("code=bad") => reply(
                400,
                &[],
                r#"{"error":"invalid_grant","message":"Invalid grant: authorization_code bad%2F is invalid, bad/"}"#,
            ),
            "/token" => ok(
                r#"{"access_token":"a","refresh_token":"r","expires_in":3599,"scope":"base,deals:full","api_domain":"https://x"}"#,
            ),
            "/revoke" => reply(200, &[], ""),
            _ => reply(500, &[], "r1"),
        });
        let way = OAuthWay { client: client(), transport, clock: Arc::new(clock) };
        let code = |code: &str, verifier: Option<&str>| Code {
            code: code.into(),
            redirect_url: "https://h.example/c".to_owned(),
            verifier: verifier.map(Into::into),
        };
        let granted = way.exchange(&code("a b", Some("v"))).await.unwrap();
        assert_eq!(granted.scopes, Some(vec!["base".to_owned(), "deals:full".to_owned()]));
        assert_eq!(granted.api_domain.as_deref(), Some("https://x"));
        assert_eq!(
            log.last().body,
            "grant_type=authorization_code&code=a%20b&redirect_uri=https%3A%2F%2Fh.example%2Fc&code_verifier=v"
        );
        way.exchange(&code("c", None)).await.unwrap();
        assert!(!log.last().body.contains("verifier"));
        let refused = way.exchange(&code("bad/", None)).await.unwrap_err();
        assert_eq!(refused.kind, ErrorKind::Unauthorized);
        assert!(!refused.message.contains("bad/"), "{refused}");

        let url = |text| BaseUrl::parse("revoke_url", text).unwrap();
        way.revoke(&url("https://id.example/revoke"), &"r1".into()).await.unwrap();
        assert_eq!(log.last().body, "token=r1&token_type_hint=refresh_token");
        assert_eq!(log.last().header("authorization"), Some("Basic bWU6aHVudGVyMg=="));
        let lost = way.revoke(&url("https://id.example/other"), &"r1".into()).await.unwrap_err();
        assert_eq!((lost.call, lost.message.as_str()), ("oauth.revoke", "500 instead of 200"));
    }

    #[tokio::test]
    async fn only_a_4xx_is_a_no_to_a_challenge() {
        for (answer, expected) in [(302, true), (200, true), (503, true), (400, false), (401, false)] {
            let (transport, log) = remote(move |_| reply(answer, &[("location", "https://h.example")], ""));
            assert_eq!(
                takes(&*transport, "https://id.example/authorize?state=x").await,
                expected,
                "{answer}"
            );
            assert_eq!(log.all().len(), 1, "redirects are not followed");
        }
        let (transport, _) = remote(|_| not_sent());
        assert!(takes(&*transport, "https://id.example/authorize").await);
        // RFC 7636, appendix B.
        let verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk".into();
        assert_eq!(challenge(&verifier), "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM");
    }

    #[test]
    fn no_debug_output_shows_a_secret() {
        let (transport, _) = remote(|_| ok(""));
        let clock = Arc::new(clock().0);
        let grant = RefreshToken::new("name", Some("seed-secret".into()), REMEDY, Arc::new(Vault::default()));
        let source = TokenSource::refresh_token(client(), grant, transport, clock);
        let header = Credentials::header(http::HeaderName::from_static("x-api-token"), &"api-secret".into());
        let shown = format!("{source:?} {:?} {header:?}", client());
        for secret in ["hunter2", "seed-secret", "api-secret"] {
            assert!(!shown.contains(secret), "{shown}");
        }
    }
}
