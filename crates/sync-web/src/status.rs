//! `GET /api/v1/status`: what this process is, and what came to its doors.

use std::sync::atomic::Ordering;

use axum::{Json, extract::State};
use serde::Serialize;
use utoipa::ToSchema;

use crate::{door::Door, hooks::Visits};

/// The process.
#[derive(Serialize, ToSchema)]
pub(crate) struct Status {
    version: &'static str,
    started: String,
    connections: Vec<Connection>,
}

#[derive(Serialize, ToSchema)]
#[schema(as = ServedConnection)]
struct Connection {
    name: String,
    /// Since the process began; none where no webhooks are taken.
    webhooks: Option<Webhooks>,
}

#[derive(Serialize, ToSchema)]
struct Webhooks {
    accepted: u64,
    ignored: u64,
    unreadable: u64,
    rejected: u64,
}

impl Webhooks {
    fn of(visits: &Visits) -> Self {
        let Visits { accepted, ignored, unreadable, rejected, vouched: _ } = visits;
        let [accepted, ignored, unreadable, rejected] =
            [accepted, ignored, unreadable, rejected].map(|count| count.load(Ordering::Relaxed));
        Self { accepted, ignored, unreadable, rejected }
    }
}

/// The process
///
/// Its version, since when it runs, the connections it works on, and what came to its doors for webhooks.
#[utoipa::path(get, path = "/api/v1/status", tag = "site", responses((status = 200, body = Status)))]
pub(crate) async fn status(State(door): State<Door>) -> Json<Status> {
    let connection = |served: &crate::Served| Connection {
        name: served.name.clone(),
        webhooks: door.parts.intake.visits(&served.name).map(Webhooks::of),
    };
    Json(Status {
        version: door.parts.version,
        started: door.started.to_string(),
        connections: door.parts.served.iter().map(connection).collect(),
    })
}
