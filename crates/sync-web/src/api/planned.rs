//! What would be written, before it is.

use axum::{Json, extract::State, http::StatusCode};

use super::asked::{At, Paging, With, connection};
use crate::{
    door::Door,
    problem::Problem,
    told::{self, PlanError, PlanPage},
};

/// What would be written
///
/// The records in the queue and those that the mass guard holds, by party, with every field from old to new. Decided on
/// what was read last: nothing is asked of either system.
#[utoipa::path(get, path = "/api/v1/connections/{connection}/plan", tag = "plan",
    params(("connection" = String, Path, description = "Its name"), Paging),
    responses((status = 200, body = PlanPage)))]
pub(crate) async fn plan(
    State(door): State<Door>,
    At(name): At<String>,
    With(paging): With<Paging>,
) -> Result<Json<PlanPage>, Problem> {
    connection(&door, &name).await?;
    let Some(planner) = door.parts.planners.get(&name) else { return Err(elsewhere(&name)) };
    told::plan_page(planner, paging.after(), paging.limit()).await.map(Json).map_err(Problem::from)
}

/// The connection belongs to another process, whose rules this one does not know.
fn elsewhere(name: &str) -> Problem {
    Problem::conflict(
        format!("this process does not work on {name}, and does not know its rules"),
        "ask the process that does, or run `ml-connector plan`",
    )
}

impl From<PlanError> for Problem {
    fn from(error: PlanError) -> Self {
        match error {
            PlanError::NotLoaded => {
                Self::conflict(error.to_string(), "wait for the first sync to come to its end")
            }
            PlanError::Remote(error) => Self::new(
                StatusCode::SERVICE_UNAVAILABLE,
                "crm_unavailable",
                error.to_string(),
                "try again in a moment",
            ),
            PlanError::Engine(error) => {
                tracing::warn!(%error, "a plan could not be made");
                Self::store()
            }
        }
    }
}
