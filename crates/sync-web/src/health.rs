//! `/health/live`: the process runs. `/health/ready`: its store answers, too.

use axum::{Json, extract::State, http::StatusCode};
use serde::Serialize;

use crate::door::Door;

#[derive(Serialize)]
pub(crate) struct Health {
    status: &'static str,
}

pub(crate) async fn live() -> Json<Health> {
    Json(Health { status: "live" })
}

pub(crate) async fn ready(State(door): State<Door>) -> (StatusCode, Json<Health>) {
    match door.parts.store.connections().await {
        Ok(_) => (StatusCode::OK, Json(Health { status: "ready" })),
        Err(error) => {
            tracing::warn!(%error, "the store does not answer");
            (StatusCode::SERVICE_UNAVAILABLE, Json(Health { status: "the store does not answer" }))
        }
    }
}
