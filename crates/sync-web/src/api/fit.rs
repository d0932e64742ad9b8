//! What a connection would be like.

use axum::{Extension, Json, extract::State, http::StatusCode};
use serde::Serialize;
use utoipa::ToSchema;

use super::asked::{At, Body, connection};
use crate::{
    act,
    door::Door,
    problem::Problem,
    setup::Look,
    told::{
        at,
        fit::{self, FitTold},
    },
    who::Who,
};

/// The newest fit report
///
/// Whether both systems fit, how much there is, what a first sync would do, what it costs on every plan, and what became of
/// the first forecast.
#[utoipa::path(get, path = "/api/v1/connections/{connection}/fit", tag = "fit",
    params(("connection" = String, Path, description = "Its name")),
    responses((status = 200, body = FitTold)))]
pub(crate) async fn fit(State(door): State<Door>, At(name): At<String>) -> Result<Json<FitTold>, Problem> {
    let row = connection(&door, &name).await?;
    let told = fit::newest(&door.parts.store, row.id).await?;
    let missing = || Problem::not_found("nothing was measured yet", "POST .../fit measures");
    told.map(Json).ok_or_else(missing)
}

/// Nothing is said.
#[derive(serde::Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct MeasureBody {}

/// A look that was asked for.
#[derive(Serialize, ToSchema)]
pub(crate) struct Measuring {
    /// Since when it is asked for.
    since: Option<String>,
}

impl Measuring {
    pub(crate) fn of(door: &Door, connection: &str) -> Self {
        Self { since: door.parts.looks.state(connection).running.map(|(_, since)| at(since)) }
    }
}

/// Measure
///
/// Both systems are read completely, and neither is written to. The report is there when it is done.
#[utoipa::path(post, path = "/api/v1/connections/{connection}/fit", tag = "fit", request_body = MeasureBody,
    params(("connection" = String, Path, description = "Its name")),
    responses((status = 202, body = Measuring)))]
pub(crate) async fn measure(
    State(door): State<Door>,
    Extension(who): Extension<Who>,
    At(name): At<String>,
    Body(MeasureBody {}): Body<MeasureBody>,
) -> Result<(StatusCode, Json<Measuring>), Problem> {
    let row = connection(&door, &name).await?;
    act::look((&door, &who), &row, Look::Fit).await?;
    Ok((StatusCode::ACCEPTED, Json(Measuring::of(&door, &name))))
}
