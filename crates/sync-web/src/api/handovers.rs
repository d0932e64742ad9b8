//! Won deals that become customers of the ERP.

use axum::{Json, extract::State};

use super::asked::{At, connection};
use crate::{
    door::Door,
    problem::Problem,
    told::{self, HandoverRow, HandoverTold, MOST},
};

/// Handovers that wait for a person, or whose last try failed
///
/// Questions first, the oldest first.
#[utoipa::path(get, path = "/api/v1/connections/{connection}/handovers", tag = "handovers",
    params(("connection" = String, Path, description = "Its name")),
    responses((status = 200, body = Vec<HandoverRow>)))]
pub(crate) async fn handovers(
    State(door): State<Door>,
    At(name): At<String>,
) -> Result<Json<Vec<HandoverRow>>, Problem> {
    let connection = connection(&door, &name).await?;
    let mut tx = door.parts.store.read(connection.id).await?;
    Ok(Json(told::handovers(&mut tx, MOST).await?))
}

/// Everything about one handover
///
/// What was made or found, what is asked, what can be answered.
#[utoipa::path(get, path = "/api/v1/connections/{connection}/handovers/{kind}/{id}", tag = "handovers",
    params(("connection" = String, Path, description = "Its name"), ("kind" = String, Path, description = "`organization` or `deal`"),
        ("id" = i64, Path, description = "Its id in the CRM")),
    responses((status = 200, body = HandoverTold)))]
pub(crate) async fn handover(
    State(door): State<Door>,
    At((name, kind, id)): At<(String, String, i64)>,
) -> Result<Json<HandoverTold>, Problem> {
    let connection = connection(&door, &name).await?;
    let unknown = || {
        Problem::not_found(
            format!("nothing is known of a handover of {kind} {id}"),
            "GET .../handovers lists what is asked; the kind is organization or deal",
        )
    };
    let subject = told::subject(&kind, id).ok_or_else(unknown)?;
    let mut tx = door.parts.store.read(connection.id).await?;
    told::handover(&mut tx, subject).await?.map(Json).ok_or_else(unknown)
}
