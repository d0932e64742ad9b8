//! Connections as a whole, and who asks.

use axum::{Extension, Json, extract::State};
use serde::Serialize;
use utoipa::ToSchema;

use super::asked::{At, Paging, With, connection};
use crate::{
    door::Door,
    problem::Problem,
    told::{self, Budget, ConnectionTold, DeedTold, Paged, RunRow, Written},
    who::Who,
};

/// Who asks.
#[derive(Serialize, ToSchema)]
pub(crate) struct Me {
    /// The token's name.
    name: String,
    /// What it may do: `viewer`, `approver` or `admin`.
    role: &'static str,
}

/// Who you are
///
/// The name and the role of the token that was sent.
#[utoipa::path(get, path = "/api/v1/me", tag = "site", responses((status = 200, body = Me)))]
pub(crate) async fn me(Extension(who): Extension<Who>) -> Json<Me> {
    Json(Me { name: who.name, role: who.role.key() })
}

/// Connections and how they stand
///
/// Queues, questions, budget, streams and the last audit of every connection of this installation.
#[utoipa::path(get, path = "/api/v1/connections", tag = "site", responses((status = 200, body = Vec<ConnectionTold>)))]
pub(crate) async fn connections(State(door): State<Door>) -> Result<Json<Vec<ConnectionTold>>, Problem> {
    Ok(Json(told::connections(&door).await?))
}

/// The budget of the day
///
/// What the CRM grants a day, what of it is spent by whom and for what, how the day went, and whether it lasts.
#[utoipa::path(get, path = "/api/v1/connections/{connection}/budget", tag = "site",
    params(("connection" = String, Path, description = "Its name")),
    responses((status = 200, body = Budget)))]
pub(crate) async fn budget(State(door): State<Door>, At(name): At<String>) -> Result<Json<Budget>, Problem> {
    connection(&door, &name).await?;
    let all = told::connections(&door).await?;
    let unknown =
        || Problem::not_found(format!("no connection named {name}"), "GET /api/v1/connections lists them");
    all.into_iter().find(|one| one.name == name).map(|one| Json(one.budget)).ok_or_else(unknown)
}

/// Writes that took effect
///
/// Every remote write, newest first, with what it changed, the rule behind it and the event that asked for it.
#[utoipa::path(get, path = "/api/v1/connections/{connection}/journal", tag = "site",
    params(("connection" = String, Path, description = "Its name"), Paging),
    responses((status = 200, body = Paged<Written>)))]
pub(crate) async fn journal(
    State(door): State<Door>,
    At(name): At<String>,
    With(paging): With<Paging>,
) -> Result<Json<Paged<Written>>, Problem> {
    let connection = connection(&door, &name).await?;
    let mut tx = door.parts.store.read(connection.id).await?;
    Ok(Json(told::journal(&mut tx, None, paging.after(), paging.limit()).await?))
}

/// Runs
///
/// Processes and commands that worked on the connection, newest first.
#[utoipa::path(get, path = "/api/v1/connections/{connection}/runs", tag = "site",
    params(("connection" = String, Path, description = "Its name"), Paging),
    responses((status = 200, body = Paged<RunRow>)))]
pub(crate) async fn runs(
    State(door): State<Door>,
    At(name): At<String>,
    With(paging): With<Paging>,
) -> Result<Json<Paged<RunRow>>, Problem> {
    let connection = connection(&door, &name).await?;
    let mut tx = door.parts.store.read(connection.id).await?;
    Ok(Json(told::runs(&mut tx, paging.after(), paging.limit()).await?))
}

/// What people and programs did
///
/// Through console and API, newest first. What the connector wrote is in the journal.
#[utoipa::path(get, path = "/api/v1/deeds", tag = "site", params(Paging),
    responses((status = 200, body = Paged<DeedTold>)))]
pub(crate) async fn deeds(
    State(door): State<Door>,
    With(paging): With<Paging>,
) -> Result<Json<Paged<DeedTold>>, Problem> {
    Ok(Json(told::deeds(&door.parts.store, paging.after(), paging.limit()).await?))
}
