//! Whether both sides say the same, customer by customer.

use axum::{Json, extract::State};

use super::{
    asked::{At, Paging, With, connection},
    planned::elsewhere,
};
use crate::{
    door::Door,
    problem::Problem,
    told::{self, AuditsTold, UnequalPage},
};

/// The last audit
///
/// How many customers were equal on both sides, as of when, and the first of those that differed though nobody worked on it;
/// and the audit under way. One runs for each sweep.
#[utoipa::path(get, path = "/api/v1/connections/{connection}/audit", tag = "customers",
    params(("connection" = String, Path, description = "Its name")),
    responses((status = 200, body = AuditsTold)))]
pub(crate) async fn audit(
    State(door): State<Door>,
    At(name): At<String>,
) -> Result<Json<AuditsTold>, Problem> {
    let connection = connection(&door, &name).await?;
    let mut tx = door.parts.store.read(connection.id).await?;
    Ok(Json(told::audits(&mut tx).await?))
}

/// Customers that are not in step now
///
/// By party, decided anew from what both sides said last: nothing is asked of either system, and nothing is put into the queue.
/// At most 1,000 customers are compared for a page.
#[utoipa::path(get, path = "/api/v1/connections/{connection}/audit/customers", tag = "customers",
    params(("connection" = String, Path, description = "Its name"), Paging),
    responses((status = 200, body = UnequalPage)))]
pub(crate) async fn audit_customers(
    State(door): State<Door>,
    At(name): At<String>,
    With(paging): With<Paging>,
) -> Result<Json<UnequalPage>, Problem> {
    connection(&door, &name).await?;
    let Some(planner) = door.parts.planners.get(&name) else { return Err(elsewhere(&name)) };
    told::unequal(planner, paging.after(), paging.limit()).await.map(Json).map_err(Problem::from)
}
