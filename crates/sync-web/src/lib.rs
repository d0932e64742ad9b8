//! The door: health, the intake of webhooks, and where people come back to who gave access. API and console come through here, too.
//!
//! Every route but `/health/*`, `/hooks/*` and `/connect/*` will need a bearer token from its first commit.

mod connect;
mod hooks;
mod page;

use std::{sync::Arc, time::Duration};

use axum::{
    Json, Router,
    extract::{DefaultBodyLimit, State},
    http::StatusCode,
    routing::{get, post},
};
use serde::Serialize;
use sync_store::Store;
use tower::limit::GlobalConcurrencyLimitLayer;
use tower_http::timeout::TimeoutLayer;

pub use connect::{ConnectDoor, Connecting, Connects, serve_connects};
pub use hooks::{HookDoor, Intake, Keeper, MOST_BYTES, Visits};

/// The most time to send a request and to wait for its answer.
const PATIENCE: Duration = Duration::from_secs(10);

/// Webhooks looked at at a time: what anybody can make us hold in memory.
const AT_A_TIME: usize = 256;

#[derive(Serialize)]
struct Health {
    status: &'static str,
}

/// The routes. `/health/live`: the process runs. `/health/ready`: its store answers, too. `POST /hooks/{connection}/{path}`:
/// webhooks. `/connect/{connection}`: people who come back with consent, and the remote system that tells of its end.
pub fn router(store: Store, intake: Arc<Intake>, connects: Arc<Connects>) -> Router {
    let health =
        Router::new().route("/health/live", get(live)).route("/health/ready", get(ready)).with_state(store);
    let hooks = Router::new()
        .route("/hooks/{connection}/{path}", post(hooks::take))
        .layer(DefaultBodyLimit::max(MOST_BYTES))
        .layer(GlobalConcurrencyLimitLayer::new(AT_A_TIME))
        .with_state(intake);
    health.merge(hooks).merge(connect::routes(connects)).layer(TimeoutLayer::with_status_code(StatusCode::REQUEST_TIMEOUT, PATIENCE))
}

/// Serves until the process ends.
///
/// # Errors
/// When the listener fails.
pub async fn serve(
    listener: tokio::net::TcpListener,
    store: Store,
    intake: Arc<Intake>,
    keeper: Keeper,
    connects: Arc<Connects>,
) -> std::io::Result<()> {
    let served = axum::serve(listener, router(store, intake, connects));
    tokio::select! {
        biased;
        served = async { served.await } => served,
        () = keeper.work() => Ok(()),
    }
}

async fn live() -> Json<Health> {
    Json(Health { status: "live" })
}

async fn ready(State(store): State<Store>) -> (StatusCode, Json<Health>) {
    match store.connections().await {
        Ok(_) => (StatusCode::OK, Json(Health { status: "ready" })),
        Err(error) => {
            tracing::warn!(%error, "the store does not answer");
            (StatusCode::SERVICE_UNAVAILABLE, Json(Health { status: "the store does not answer" }))
        }
    }
}
