//! One request: what is sent, what an outcome means, when a token is renewed.
#[cfg(test)]
mod support;

#[cfg(test)]
mod tests {
    use std::{sync::Arc, time::Duration};

    use http::{HeaderMap, HeaderName, Method};
    use jiff::SignedDuration;
    use saas_http::*;
    use sync_core::{
        budget::Class,
        error::{CallError, Effect, ErrorKind},
    };

    use super::support::*;

    struct Get;
    struct Post;
    /// Speaks XML, and keeps the separators of a parameter.
    struct Xml;

    impl Endpoint for Xml {
        const NAME: &'static str = "things.xml";
        const METHOD: Method = Method::POST;
        const WRITE: bool = true;
        const CONTENT_TYPE: &'static str = "text/xml;charset=UTF-8";
        const ACCEPT: &'static str = "text/xml";
        type Output = String;

        fn path(&self) -> String {
            "xml".to_owned()
        }

        fn query(&self) -> Vec<(&'static str, String)> {
            vec![("a", "1,2?".to_owned())]
        }

        fn encoded_query(&self) -> Option<String> {
            Some("finder=F;V=1,W=%20".to_owned())
        }

        fn bytes(&self) -> Option<bytes::Bytes> {
            Some(bytes::Bytes::from_static(b"<a/>"))
        }

        fn decode(body: &[u8]) -> Result<String, String> {
            let text = String::from_utf8_lossy(body).into_owned();
            if text.starts_with("<b") { Ok(text) } else { Err("it is no b".to_owned()) }
        }
    }

    impl Endpoint for Get {
        const NAME: &'static str = "things.list";
        const METHOD: Method = Method::GET;
        type Output = serde_json::Value;

        fn path(&self) -> String {
            "things".to_owned()
        }

        fn query(&self) -> Vec<(&'static str, String)> {
            vec![("q", "Name = 'A & B'".to_owned())]
        }
    }

    impl Endpoint for Post {
        const NAME: &'static str = "things.create";
        const METHOD: Method = Method::POST;
        const WRITE: bool = true;
        type Output = serde_json::Value;

        fn path(&self) -> String {
            "things".to_owned()
        }

        fn body(&self) -> Option<serde_json::Value> {
            Some(serde_json::json!({ "name": "A" }))
        }
    }

    fn caller(transport: &Arc<dyn Transport>) -> Caller {
        let (clock, _) = clock();
        Caller::new(Wiring {
            base: BaseUrl::parse("base_url", "https://api.example/base/").unwrap(),
            headers: HeaderMap::new(),
            timeout: Duration::from_secs(30),
            transport: Arc::clone(transport),
            credentials: Credentials::header(HeaderName::from_static("x-api-token"), &"hunter2".into())
                .unwrap(),
            gate: Arc::new(Adaptive::new(3, Arc::new(clock.clone()))),
            dialect: Arc::new(Plain),
            clock: Arc::new(clock),
        })
    }

    async fn both(answer: impl Fn() -> Outcome + Send + Sync + 'static) -> (CallError, CallError) {
        let (transport, _) = remote(move |_| answer());
        let caller = caller(&transport);
        let get = caller.send(&Get, Pass::Class(Class::Edit)).await.unwrap_err();
        let post = caller.send(&Post, Pass::Class(Class::Edit)).await.unwrap_err();
        assert_eq!(get.kind, post.kind);
        (get, post)
    }

    #[tokio::test]
    async fn a_request_is_built_as_described_and_the_servers_clock_read() {
        let (transport, log) = remote(|_| ok(r#"{"a":1}"#));
        let caller = caller(&transport);
        let answer = caller.send(&Get, Pass::Class(Class::Edit)).await.unwrap();
        assert_eq!(answer.server_now, Some(at("2026-11-24T12:00:05Z")));
        assert_eq!(log.last().target, "/base/things?q=Name%20%3D%20%27A%20%26%20B%27");
        assert_eq!(log.last().header("x-api-token"), Some("hunter2"));
        assert!(!format!("{:?}", log.last().headers).contains("hunter2"), "marked sensitive");
        caller.send(&Post, Pass::Class(Class::Edit)).await.unwrap();
        assert_eq!(log.last().header("content-type"), Some("application/json"));
        assert_eq!(caller.spent().requests, 2);
    }

    #[tokio::test]
    async fn a_call_may_speak_something_else_than_json() {
        let (transport, log) = remote(|_| ok("<b/>"));
        let answer = caller(&transport).send(&Xml, Pass::Class(Class::Edit)).await.unwrap();
        assert_eq!(answer.value, "<b/>");
        let sent = log.last();
        assert_eq!(sent.target, "/base/xml?finder=F;V=1,W=%20&a=1%2C2%3F");
        assert_eq!(
            (sent.header("content-type"), sent.body.as_str()),
            (Some("text/xml;charset=UTF-8"), "<a/>")
        );
        assert_eq!(sent.header("accept"), Some("text/xml"));
        for (body, said) in [("<c/>", "it is no b"), (" ", "200 with an empty body")] {
            let (transport, _) = remote(move |_| ok(body));
            let error = caller(&transport).send(&Xml, Pass::Class(Class::Edit)).await.unwrap_err();
            assert_eq!((error.kind, error.effect), (ErrorKind::Unreadable, Effect::InDoubt));
            assert_eq!(error.message, said);
        }
    }

    #[tokio::test]
    async fn lost_writes_are_in_doubt_and_refused_connections_are_not() {
        let transient = ErrorKind::Transient { after: None };
        let (get, post) = both(lost).await;
        assert_eq!((get.effect, post.effect, get.kind), (Effect::None, Effect::InDoubt, transient.clone()));
        let (get, post) = both(not_sent).await;
        assert_eq!((get.effect, post.effect, get.kind), (Effect::None, Effect::None, transient));
        let (get, post) = both(|| Err(TransportError::TooLarge { limit: 9 })).await;
        assert_eq!(
            (get.effect, post.effect, get.kind),
            (Effect::None, Effect::InDoubt, ErrorKind::Unreadable)
        );
    }

    #[tokio::test]
    async fn clear_refusals_have_no_effect_and_server_errors_leave_doubt() {
        for status in [400, 401, 403, 404, 409, 412, 422, 429] {
            let (_, post) = both(move || reply(status, &[], r#"{"error":"no"}"#)).await;
            assert_eq!(post.effect, Effect::None, "{status}");
        }
        for status in [302, 408, 500, 502, 503, 524] {
            let (get, post) = both(move || reply(status, &[], "<html>down</html>")).await;
            assert_eq!((get.effect, post.effect), (Effect::None, Effect::InDoubt), "{status}");
            assert_eq!(get.kind, ErrorKind::Transient { after: None }, "{status}");
        }
    }

    #[tokio::test]
    async fn unreadable_successes_are_survived_and_leave_writes_in_doubt() {
        for body in ["", "<!doctype html><p>sign in", r#"{"data": [1, 2"#] {
            let (get, post) = both(move || ok(body)).await;
            assert_eq!(get.kind, ErrorKind::Unreadable);
            assert_eq!((get.effect, post.effect), (Effect::None, Effect::InDoubt), "{body}");
        }
    }

    #[tokio::test]
    async fn a_fixed_secret_is_not_tried_twice() {
        let (transport, log) = remote(|_| reply(401, &[], r#"{"error":"unauthorized access"}"#));
        let error = caller(&transport).send(&Get, Pass::Class(Class::Edit)).await.unwrap_err();
        assert_eq!((error.kind, log.all().len()), (ErrorKind::Unauthorized, 1));
    }

    #[tokio::test]
    async fn metered_places_and_tokens_bound_permits() {
        let (clock, sleeper) = clock();
        let clock = Arc::new(clock);
        let metered = |ledger: Arc<Ledger>| {
            let pacer = Pacer::new(20, 10, Arc::clone(&clock) as _, Arc::clone(&sleeper) as _);
            Metered::new(pacer, None, ledger, Arc::clone(&clock) as _)
        };
        let rich = metered(Ledger::of(1_000));
        assert_eq!(rich.permits("x", Class::Edit, 5, 500).await.unwrap().len(), 10, "one second's worth");
        assert_eq!(rich.permits("x", Class::Edit, 5, 0).await.unwrap().len(), 0);
        let ledger = Ledger::of(15);
        let poor = metered(Arc::clone(&ledger));
        assert_eq!(poor.permits("x", Class::Edit, 5, 500).await.unwrap().len(), 3, "what the ledger grants");
        let error = poor.permits("x", Class::Edit, 5, 500).await.unwrap_err();
        assert_eq!(error.kind, ErrorKind::Exhausted { until: at("2026-11-25T00:00:00Z") });
        assert_eq!(SignedDuration::ZERO, clock.now_since());
    }

    trait Since {
        fn now_since(&self) -> SignedDuration;
    }

    impl Since for Arc<sync_core::ports::ManualClock> {
        fn now_since(&self) -> SignedDuration {
            sync_core::ports::Clock::now(self.as_ref()).duration_since(at("2026-11-24T12:00:00Z"))
        }
    }
}
