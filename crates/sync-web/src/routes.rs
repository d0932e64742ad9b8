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
    status,
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
