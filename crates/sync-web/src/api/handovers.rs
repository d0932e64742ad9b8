//! Won deals that become customers of the ERP.

use axum::{Json, extract::State};
use serde::Deserialize;
use utoipa::IntoParams;

use super::asked::{At, Limit, Paging, With, connection};
use crate::{
    door::Door,
    problem::Problem,
    told::{self, HandoverCursor, HandoverRow, HandoverTold, Paged},
};

/// Which page.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct WhichHandovers {
    /// `next_cursor` of the page before; none for the first page.
    #[param(value_type = Option<String>, pattern = r"^(asked\.[0-9]{1,16}\.(organization|deal)\.[0-9]{1,18}|failed(\.(organization|deal)\.[0-9]{1,18})?)$")]
    cursor: Option<HandoverCursor>,
    /// The most records, 1 to 200; 50 if it is not given.
    #[param(minimum = 1, maximum = 200, value_type = Option<u32>)]
    limit: Option<Limit>,
}

/// Handovers that wait for a person, or whose last try failed
///
/// Questions first, the oldest first; then those that failed.
#[utoipa::path(get, path = "/api/v1/connections/{connection}/handovers", tag = "handovers",
    params(("connection" = String, Path, description = "Its name"), WhichHandovers),
    responses((status = 200, body = Paged<HandoverRow>)))]
pub(crate) async fn handovers(
    State(door): State<Door>,
    At(name): At<String>,
    With(WhichHandovers { cursor, limit }): With<WhichHandovers>,
) -> Result<Json<Paged<HandoverRow>>, Problem> {
    let connection = connection(&door, &name).await?;
    let limit = Paging { cursor: None, limit }.limit();
    let mut tx = door.parts.store.read(connection.id).await?;
    Ok(Json(told::handovers(&mut tx, cursor, limit).await?))
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
