//! What would be written, before it is.

use axum::{Extension, Json, extract::State, http::StatusCode};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::asked::{At, Body, Paging, With, connection};
use crate::{
    act::{self, Approval, MOST_ANSWERS},
    door::Door,
    problem::Problem,
    told::{self, PlanError, PlanPage},
    who::Who,
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

/// What is approved.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ApproveBody {
    /// `all` that the mass guard holds, `some` of it, or `none`.
    approve: HowMuch,
    /// The parties, for `some`; at most 1,000.
    parties: Option<Vec<i64>>,
}

/// How much is approved.
#[derive(Debug, Clone, Copy, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum HowMuch {
    /// Everything.
    All,
    /// Only the parties that are named.
    Some,
    /// Nothing.
    None,
}

/// What was approved.
#[derive(Serialize, ToSchema)]
pub(crate) struct Approved {
    /// Parties that pass the guard now, for a day.
    approved: Vec<i64>,
    /// Parties that were named and that the guard does not hold.
    not_held: Vec<i64>,
    /// How many it still holds.
    left: usize,
}

/// Approve what the mass guard holds
///
/// With `all`, at most 200 customers with one request: `left` tells whether there are more. With `none` nothing is approved, and
/// `left` tells how many wait.
#[utoipa::path(post, path = "/api/v1/connections/{connection}/plan/approve", tag = "plan", request_body = ApproveBody,
    params(("connection" = String, Path, description = "Its name")),
    responses((status = 200, body = Approved)))]
pub(crate) async fn approve(
    State(door): State<Door>,
    Extension(who): Extension<Who>,
    At(name): At<String>,
    Body(ApproveBody { approve, parties }): Body<ApproveBody>,
) -> Result<Json<Approved>, Problem> {
    let connection = connection(&door, &name).await?;
    let parties = match (approve, parties) {
        (HowMuch::All, None) => None,
        (HowMuch::None, None) => Some(Vec::new()),
        (HowMuch::Some, Some(parties)) if parties.len() <= MOST_ANSWERS => Some(parties),
        (HowMuch::Some, Some(_)) => {
            let title = format!("parties: there are more than {MOST_ANSWERS}");
            return Err(Problem::bad(title, "send them in several requests"));
        }
        (HowMuch::Some, None) => {
            return Err(Problem::bad("parties: it is missing", "name the parties, or send approve: all"));
        }
        (HowMuch::All | HowMuch::None, Some(_)) => {
            return Err(Problem::bad(
                "parties: only `some` names them",
                "leave it out, or send approve: some",
            ));
        }
    };
    let Approval { approved, not_held, left } = act::approve((&door, &who), &connection, parties).await?;
    Ok(Json(Approved { approved, not_held, left }))
}

/// The connection belongs to another process, whose rules this one does not know.
pub(crate) fn elsewhere(name: &str) -> Problem {
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
