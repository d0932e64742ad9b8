//! Webhooks of a connection.

use axum::{Extension, Json, extract::State};
use serde::Deserialize;
use sync_store::Role;
use utoipa::IntoParams;

use super::asked::{At, Limit, Paging, With, connection};
use crate::{
    door::Door,
    problem::Problem,
    told::{self, WebhooksTold},
    who::Who,
};

/// How many events.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct Newest {
    /// The most events, 1 to 200; 50 if it is not given.
    #[param(minimum = 1, maximum = 200, value_type = Option<u32>)]
    limit: Option<Limit>,
}

/// Webhooks
///
/// Where they come in (for admins alone: whoever knows it has half of what a webhook proves), the state of the subscriptions, and
/// the newest events.
#[utoipa::path(get, path = "/api/v1/connections/{connection}/webhooks", tag = "site",
    params(("connection" = String, Path, description = "Its name"), Newest),
    responses((status = 200, body = WebhooksTold)))]
pub(crate) async fn webhooks(
    State(door): State<Door>,
    Extension(who): Extension<Who>,
    At(name): At<String>,
    With(Newest { limit }): With<Newest>,
) -> Result<Json<WebhooksTold>, Problem> {
    let connection = connection(&door, &name).await?;
    let addresses = door.parts.intake.addresses(&name);
    let events = Paging { cursor: None, limit }.limit();
    let mut tx = door.parts.store.read(connection.id).await?;
    Ok(Json(told::webhooks(&mut tx, addresses, who.may(Role::Admin), events).await?))
}
