//! The door. Today it only tells whether the process is alive and ready; API, hooks and console come through here.
//!
//! Every route but `/health/*` will need a bearer token from its first commit.

use axum::{Json, Router, extract::State, http::StatusCode, routing::get};
use serde::Serialize;
use sync_store::Store;

#[derive(Serialize)]
struct Health {
    status: &'static str,
}

/// The routes. `/health/live`: the process runs. `/health/ready`: its store answers, too.
pub fn router(store: Store) -> Router {
    Router::new().route("/health/live", get(live)).route("/health/ready", get(ready)).with_state(store)
}

/// Serves until the process ends.
///
/// # Errors
/// When the listener fails.
pub async fn serve(listener: tokio::net::TcpListener, store: Store) -> std::io::Result<()> {
    axum::serve(listener, router(store)).await
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
