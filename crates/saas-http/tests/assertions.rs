//! Tokens for a client that signs instead of sending a secret.
#[cfg(test)]
mod support;

#[cfg(test)]
mod tests {
    use std::{collections::BTreeMap, sync::Arc, time::Duration};

    use http::{HeaderMap, Method};
    use jiff::SignedDuration;
    use saas_http::*;
    use sync_core::{
        budget::Class,
        error::{CallError, ErrorKind},
        ports::ManualClock,
    };

    use super::support::*;

    struct Get;

    impl Endpoint for Get {
        const NAME: &'static str = "things.list";
        const METHOD: Method = Method::GET;
        type Output = serde_json::Value;

        fn path(&self) -> String {
            "things".to_owned()
        }
    }

    fn signing() -> ClientProof {
        let key = SigningKey::from_pem(&include_str!("fixtures/key.pem").into()).unwrap();
        let name = KeyName { kid: Some("mlc".to_owned()), ..KeyName::default() };
        let life = SignedDuration::from_mins(5);
        ClientProof::Assertion(ClientAssertion::new(key, name, "them".to_owned(), life, [1; 16]))
    }

    fn source(transport: &Arc<dyn Transport>, clock: &ManualClock) -> TokenSource {
        let token_url = BaseUrl::parse("token_url", "https://id.example/token").unwrap();
        let client = OAuthClient { token_url, id: "me".to_owned(), proof: signing() };
        let grant = ClientCredentials { scope: "all".to_owned() };
        TokenSource::client_credentials(client, grant, Arc::clone(transport), Arc::new(clock.clone()))
    }

    fn caller(transport: &Arc<dyn Transport>, clock: &ManualClock) -> Caller {
        Caller::new(Wiring {
            base: BaseUrl::parse("base_url", "https://api.example").unwrap(),
            headers: HeaderMap::new(),
            timeout: Duration::from_secs(30),
            transport: Arc::clone(transport),
            credentials: Credentials::bearer(source(transport, clock)),
            gate: Arc::new(Adaptive::new(9, Arc::new(clock.clone()))),
            dialect: Arc::new(Plain),
            clock: Arc::new(clock.clone()),
        })
    }

    fn form(sent: &Sent) -> BTreeMap<String, String> {
        url::form_urlencoded::parse(sent.body.as_bytes()).into_owned().collect()
    }

    async fn get(caller: &Caller) -> Result<(), CallError> {
        caller.send(&Get, Pass::Class(Class::Edit)).await.map(drop)
    }

    #[tokio::test]
    async fn an_assertion_is_sent_in_the_form_without_any_header_and_a_new_one_each_time() {
        let (transport, log) = remote(|sent| match sent.path() {
            "/token" => ok(serde_json::json!({"access_token": "t", "expires_in": 60})),
            _ => ok("[]"),
        });
        let (clock, _) = clock();
        let caller = caller(&transport, &clock);
        get(&caller).await.unwrap();
        clock.advance(SignedDuration::from_secs(60));
        get(&caller).await.unwrap();
        let asked: Vec<Sent> = log.all().into_iter().filter(|sent| sent.path() == "/token").collect();
        let [first, second] = [form(&asked[0]), form(&asked[1])];
        assert!(asked.iter().all(|sent| sent.header("authorization").is_none()));
        assert_eq!(asked[0].header("content-type"), Some("application/x-www-form-urlencoded"));
        let kind = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
        for (name, value) in [
            ("grant_type", "client_credentials"),
            ("scope", "all"),
            ("client_id", "me"),
            ("client_assertion_type", kind),
        ] {
            assert_eq!(first[name], value);
        }
        assert_eq!(first["client_assertion"].split('.').count(), 3);
        assert_eq!(first.len(), 5);
        assert_ne!(first["client_assertion"], second["client_assertion"]);
    }

    #[tokio::test]
    async fn an_assertion_that_the_endpoint_repeats_is_not_told() {
        for wrap in ["", "x"] {
            let (transport, log) = remote(move |sent| {
                let assertion = form(sent)["client_assertion"].clone();
                // As JSON and as plain text; longer than what messages keep.
                match wrap {
                    "" => reply(
                        401,
                        &[],
                        serde_json::json!({"error": "invalid_client", "error_description": assertion}),
                    ),
                    _ => reply(401, &[], assertion.as_str()),
                }
            });
            let (clock, _) = clock();
            let error = get(&caller(&transport, &clock)).await.unwrap_err();
            let told = format!("{error:?} {error}");
            let sent = form(&log.last())["client_assertion"].clone();
            assert!(told.contains("[redacted]"), "{told}");
            for part in sent.split('.') {
                assert!(!told.contains(&part[..20]), "{told}");
            }
        }
    }

    async fn told(date: &'static str, words: &'static str) -> CallError {
        let (transport, _) = remote(move |_| {
            reply(
                401,
                &[("date", date)],
                serde_json::json!({"error": "invalid_client", "error_description": words}),
            )
        });
        let (clock, _) = clock();
        get(&caller(&transport, &clock)).await.unwrap_err()
    }

    #[tokio::test]
    async fn a_refusal_about_time_names_the_clock_of_this_machine() {
        let now = "Tue, 24 Nov 2026 12:00:05 GMT";
        for words in ["The assertion is expired.", "It is not yet valid", "issued at a time to come"] {
            let error = told(now, words).await;
            assert_eq!(error.kind, ErrorKind::Unauthorized);
            assert!(error.message.ends_with("assertions tell its time"), "{}", error.message);
        }
        let error = told("Tue, 24 Nov 2026 12:10:00 GMT", "no").await;
        assert!(error.message.contains("it is 600 s behind the token endpoint's"), "{}", error.message);
        let error = told("Tue, 24 Nov 2026 11:50:00 GMT", "no").await;
        assert!(error.message.contains("it is 600 s ahead of the token endpoint's"), "{}", error.message);
        assert_eq!(told(now, "no").await.message, "401: invalid_client: no");
    }

    #[test]
    fn neither_key_nor_secret_is_in_the_debug_output() {
        let (transport, _) = remote(|_| ok("[]"));
        let told = format!("{:?}", source(&transport, &clock().0));
        assert!(told.contains("SigningKey(redacted)"), "{told}");
        let key = include_str!("fixtures/key.pem");
        assert!(key.lines().all(|line| !told.contains(line)));
    }
}
