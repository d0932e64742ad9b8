//! The table of routes. Each says whether it is open; what is not open needs the token, and so does what does not exist.

use std::{convert::Infallible, time::Duration};

use axum::{
    Json, Router,
    extract::DefaultBodyLimit,
    http::StatusCode,
    middleware::from_fn_with_state,
    response::IntoResponse,
    routing::{MethodRouter, get, post},
};
use tower::limit::GlobalConcurrencyLimitLayer;
use tower_http::timeout::TimeoutLayer;

use crate::{
    bearer, client, connect,
    door::{Door, Parts},
    health,
    hooks::{self, MOST_BYTES},
    problem::Problem,
    scrape, status,
};

/// The most time to send a request and to wait for its answer.
const PATIENCE: Duration = Duration::from_secs(10);

/// Webhooks looked at at a time: what anybody can make us hold in memory.
const AT_A_TIME: usize = 256;

/// Who may call a route.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Guard {
    /// Anybody; it proves itself in its own way, or tells nothing.
    Open,
    /// Who shows the token.
    Token,
}

/// Routes as they are added, and a list of them.
pub(crate) struct Routes {
    open: Router<Door>,
    guarded: Router<Door>,
    /// Every path with its guard.
    pub(crate) listed: Vec<(&'static str, Guard)>,
}

impl Routes {
    fn none() -> Self {
        Self { open: Router::new(), guarded: Router::new(), listed: Vec::new() }
    }

    /// Adds a route that anybody may call.
    fn open(mut self, path: &'static str, methods: MethodRouter<Door>) -> Self {
        self.listed.push((path, Guard::Open));
        self.open = self.open.route(path, methods);
        self
    }

    /// Adds a route that needs the token.
    fn guarded(mut self, path: &'static str, methods: MethodRouter<Door>) -> Self {
        self.listed.push((path, Guard::Token));
        self.guarded = self.guarded.route(path, methods);
        self
    }
}

/// Every route there is.
pub(crate) fn routes() -> Routes {
    let webhook = post(hooks::take)
        .layer::<_, Infallible>(DefaultBodyLimit::max(MOST_BYTES))
        .layer(GlobalConcurrencyLimitLayer::new(AT_A_TIME));
    Routes::none()
        .open("/health/live", get(health::live))
        .open("/health/ready", get(health::ready))
        .open("/metrics", get(scrape::metrics))
        .open("/hooks/{connection}/{path}", webhook)
        .open("/connect/{connection}", connect::methods())
        .guarded("/api/v1/status", get(status::status))
}

/// The routes of a process.
pub fn router(parts: Parts) -> Router {
    let door = Door::new(parts);
    let Routes { open, guarded, listed: _ } = routes();
    let guarded = guarded.fallback(nothing_here).layer(from_fn_with_state(door.clone(), bearer::demand));
    open.merge(guarded)
        .layer(from_fn_with_state(door.clone(), client::find))
        .layer(TimeoutLayer::with_status_code(StatusCode::REQUEST_TIMEOUT, PATIENCE))
        .with_state(door)
}

async fn nothing_here() -> impl IntoResponse {
    let problem = Problem::new("there is nothing at this address", "docs/door.md lists what there is");
    (StatusCode::NOT_FOUND, Json(problem))
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeMap, sync::Arc};

    use axum::{body::Body, http::Request};
    use jiff::Timestamp;
    use sync_core::ports::ManualClock;
    use sync_store::{Store, StoreOptions};
    use tower::ServiceExt as _;

    use super::*;
    use crate::{bearer::Token, hooks::Intake};

    const TOKEN: &str = "0123456789abcdef";

    /// The prefixes of what is open; a route below none of them needs the token.
    const OPEN: [&str; 5] = ["/health/live", "/health/ready", "/metrics", "/hooks/", "/connect/"];

    async fn door(token: Option<Token>) -> (Router, tempfile::TempDir) {
        let folder = tempfile::tempdir().unwrap();
        let url = format!("sqlite://{}", folder.path().join("door.db").display());
        let store = Store::open(&url, StoreOptions { durable: false, gate: None }).await.unwrap();
        store.migrate().await.unwrap();
        let clock = Arc::new(ManualClock::at(Timestamp::UNIX_EPOCH));
        let (intake, _) = Intake::new(BTreeMap::new(), store.clone(), clock.clone());
        (router(Parts { token, ..Parts::new(store, intake, clock) }), folder)
    }

    async fn ask(router: &Router, method: &str, path: &str, tokens: &[&str]) -> (u16, String) {
        let mut request = Request::builder().method(method).uri(path);
        for token in tokens {
            request = request.header("authorization", *token);
        }
        let answer = router.clone().oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
        let status = answer.status().as_u16();
        let body = axum::body::to_bytes(answer.into_body(), 1 << 20).await.unwrap();
        (status, String::from_utf8_lossy(&body).into_owned())
    }

    #[tokio::test]
    async fn whatever_is_not_open_needs_the_token() {
        let (router, _folder) = door(Token::new(TOKEN)).await;
        let listed = routes().listed;
        assert!(listed.len() >= 5);
        let elsewhere =
            ["/", "/nothing", "/api", "/api/v1/nothing", "/hooks", "/metrics/", "/health", "//api/v1/status"];
        let all = listed.iter().map(|(path, _)| *path).chain(elsewhere);
        for path in all {
            let open = OPEN.iter().any(|open| path == *open || open.ends_with('/') && path.starts_with(open));
            if let Some((_, guard)) = listed.iter().find(|(listed, _)| *listed == path) {
                assert_eq!(open, *guard == Guard::Open, "{path}");
            }
            let filled = path.replace(['{', '}'], "");
            for method in ["GET", "POST", "PUT", "DELETE", "OPTIONS"] {
                let (status, body) = ask(&router, method, &filled, &[]).await;
                // Open routes may want a proof of their own, and say nothing of the token.
                let guarded = status == 401 && body.contains("error");
                assert_eq!(guarded, !open, "{method} {filled}: {status} {body}");
            }
        }
    }

    #[tokio::test]
    async fn the_token_has_to_be_right_and_to_come_once() {
        let (router, _folder) = door(Token::new(TOKEN)).await;
        let right = format!("Bearer {TOKEN}");
        for (path, tokens, expected) in [
            ("/api/v1/status", &[right.as_str()][..], 200),
            ("/api/v1/status", &["bearer 0123456789abcdef"], 200),
            ("/nothing", &[&right], 404),
            ("/api/v1/status", &["Bearer 0123456789abcdeF"], 401),
            ("/api/v1/status", &["Bearer 0123456789abcde"], 401),
            ("/api/v1/status", &["Bearer "], 401),
            ("/api/v1/status", &["Bearer"], 401),
            ("/api/v1/status", &["Basic 0123456789abcdef"], 401),
            ("/api/v1/status", &["0123456789abcdef"], 401),
            ("/api/v1/status", &[&right, &right], 401),
        ] {
            assert_eq!(ask(&router, "GET", path, tokens).await.0, expected, "{path} {tokens:?}");
        }
    }

    #[tokio::test]
    async fn without_a_token_nobody_may_call_and_the_remedy_is_told() {
        let (router, _folder) = door(None).await;
        let (status, body) = ask(&router, "GET", "/api/v1/status", &["Bearer 0123456789abcdef"]).await;
        assert!(status == 401 && body.contains("MLC_TOKEN"), "{status} {body}");
        assert!(Token::new("too short").is_none());
        assert_eq!(format!("{:?}", Token::new(TOKEN)), "Some(Token(redacted))");
    }
}
