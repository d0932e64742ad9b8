//! Questions about customers.

use axum::{Json, extract::State};
use serde::Deserialize;
use utoipa::IntoParams;

use super::asked::{At, Cursor, Limit, Paging, With, connection};
use crate::{
    door::Door,
    problem::Problem,
    told::{self, HoldRow, HoldTold, Paged},
};

/// Which questions.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct Which {
    /// Only those with this cause.
    reason: Option<String>,
    /// `next_cursor` of the page before; none for the first page.
    #[param(value_type = Option<String>, pattern = "^[0-9]{1,18}$")]
    cursor: Option<Cursor>,
    /// The most records, 1 to 200; 50 if it is not given.
    #[param(minimum = 1, maximum = 200, value_type = Option<u32>)]
    limit: Option<Limit>,
}

/// Questions about customers
///
/// What waits for a person, oldest first.
#[utoipa::path(get, path = "/api/v1/connections/{connection}/holds", tag = "holds",
    params(("connection" = String, Path, description = "Its name"), Which),
    responses((status = 200, body = Paged<HoldRow>)))]
pub(crate) async fn holds(
    State(door): State<Door>,
    At(name): At<String>,
    With(Which { reason, cursor, limit }): With<Which>,
) -> Result<Json<Paged<HoldRow>>, Problem> {
    let connection = connection(&door, &name).await?;
    let paging = Paging { cursor, limit };
    let mut tx = door.parts.store.read(connection.id).await?;
    Ok(Json(told::holds(&mut tx, reason.as_deref(), paging.after(), paging.limit()).await?))
}

/// A question with its evidence
///
/// What speaks for and against, what can be answered, and what was asked before.
#[utoipa::path(get, path = "/api/v1/connections/{connection}/holds/{party}", tag = "holds",
    params(("connection" = String, Path, description = "Its name"), ("party" = i64, Path, description = "The party's id in the ERP")),
    responses((status = 200, body = HoldTold)))]
pub(crate) async fn hold(
    State(door): State<Door>,
    At((name, party)): At<(String, i64)>,
) -> Result<Json<HoldTold>, Problem> {
    let connection = connection(&door, &name).await?;
    let mut tx = door.parts.store.read(connection.id).await?;
    told::hold(&mut tx, party).await?.map(Json).ok_or_else(|| {
        Problem::not_found(
            format!("nothing is asked about party {party}"),
            "GET .../holds lists what is asked",
        )
    })
}
