//! Whether both systems let us in and have what we need.

use axum::{Extension, Json, extract::State, http::StatusCode};
use serde::Serialize;
use utoipa::ToSchema;

use super::{
    asked::{At, Body, connection},
    fit::{MeasureBody, Measuring},
};
use crate::{
    act,
    door::Door,
    problem::Problem,
    setup::Look,
    told::{
        at,
        fit::{FitFinding, nothing_in_the_way},
    },
    who::Who,
};

/// What was found when both systems were tested last.
#[derive(Serialize, ToSchema)]
pub(crate) struct CheckTold {
    /// Since when somebody looks at both systems; none if nobody does.
    running_since: Option<String>,
    /// Why the last look ended without a result.
    failed: Option<String>,
    /// When the findings were made; none if this process has not looked since it began.
    checked_at: Option<String>,
    /// Whether nothing of what was found stands in the way.
    good: Option<bool>,
    /// What was looked at, with its place and what to do where something is missing.
    findings: Vec<FitFinding>,
}

/// The newest findings about both systems
///
/// Of a check or of a fit report, whichever this process made last.
#[utoipa::path(get, path = "/api/v1/connections/{connection}/check", tag = "fit",
    params(("connection" = String, Path, description = "Its name")),
    responses((status = 200, body = CheckTold)))]
pub(crate) async fn checked(
    State(door): State<Door>,
    At(name): At<String>,
) -> Result<Json<CheckTold>, Problem> {
    connection(&door, &name).await?;
    let look = door.parts.looks.state(&name);
    let (checked_at, findings) = look.findings.unzip();
    Ok(Json(CheckTold {
        running_since: look.running.map(|(_, since)| at(since)),
        failed: look.failed,
        checked_at: checked_at.map(at),
        good: findings.as_deref().map(nothing_in_the_way),
        findings: findings.unwrap_or_default(),
    }))
}

/// Test both systems
///
/// A few questions are asked of each, and nothing is written. `GET` tells the findings when it is done.
#[utoipa::path(post, path = "/api/v1/connections/{connection}/check", tag = "fit", request_body = MeasureBody,
    params(("connection" = String, Path, description = "Its name")),
    responses((status = 202, body = Measuring)))]
pub(crate) async fn check(
    State(door): State<Door>,
    Extension(who): Extension<Who>,
    At(name): At<String>,
    Body(MeasureBody {}): Body<MeasureBody>,
) -> Result<(StatusCode, Json<Measuring>), Problem> {
    let row = connection(&door, &name).await?;
    act::look((&door, &who), &row, Look::Access).await?;
    Ok((StatusCode::ACCEPTED, Json(Measuring::of(&door, &name))))
}
