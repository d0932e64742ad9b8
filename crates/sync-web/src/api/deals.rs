//! Deals to work through.

use axum::{Json, extract::State};
use jiff::Timestamp;
use serde::Deserialize;
use sync_core::ids::DealId;
use utoipa::{IntoParams, ToSchema};

use super::asked::{At, Limit, Paging, With, connection, other_list};
use crate::{
    door::Door,
    problem::Problem,
    told::{self, DealRow, Paged},
};

/// Which deals.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct WhichDeals {
    /// `without_documents`: won deals to which no document belongs. `asked`: deals of which a field cannot be shown, or is
    /// contested.
    #[param(inline)]
    which: DealList,
    /// `next_cursor` of the page before; none for the first page.
    #[param(value_type = Option<String>, pattern = "^([0-9]{1,16}-)?[0-9]{1,18}$")]
    cursor: Option<DealCursor>,
    /// The most records, 1 to 200; 50 if it is not given.
    #[param(minimum = 1, maximum = 200, value_type = Option<u32>)]
    limit: Option<Limit>,
}

/// A list of deals.
#[derive(Debug, Clone, Copy, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum DealList {
    /// Won ones to which no document belongs.
    WithoutDocuments,
    /// Those of which something is asked.
    Asked,
}

/// Where a page of deals begins: after a deal, and where questions are told, when that one was asked.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(try_from = "String")]
struct DealCursor(Option<Timestamp>, i64);

impl TryFrom<String> for DealCursor {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let parse = || {
            let Some((asked, deal)) = text.split_once('-') else {
                return Some(Self(None, text.parse().ok()?));
            };
            let asked = Timestamp::from_microsecond(asked.parse().ok()?).ok()?;
            Some(Self(Some(asked), deal.parse().ok()?))
        };
        parse().ok_or_else(|| "cursor: this is no next_cursor of a page before".to_owned())
    }
}

/// Deals to work through
///
/// Won ones without documents, by id; or those of which something is asked, the oldest question first. A page may have fewer than
/// `limit`: `next_cursor` says whether others follow.
#[utoipa::path(get, path = "/api/v1/connections/{connection}/deals", tag = "documents",
    params(("connection" = String, Path, description = "Its name"), WhichDeals),
    responses((status = 200, body = Paged<DealRow>)))]
pub(crate) async fn deals(
    State(door): State<Door>,
    At(name): At<String>,
    With(WhichDeals { which, cursor, limit }): With<WhichDeals>,
) -> Result<Json<Paged<DealRow>>, Problem> {
    let connection = connection(&door, &name).await?;
    let limit = Paging { cursor: None, limit }.limit();
    let mut tx = door.parts.store.read(connection.id).await?;
    let page = match (which, cursor) {
        (DealList::WithoutDocuments, None) => told::deals_without_documents(&mut tx, None, limit).await?,
        (DealList::WithoutDocuments, Some(DealCursor(None, deal))) => {
            told::deals_without_documents(&mut tx, Some(deal), limit).await?
        }
        (DealList::Asked, None) => told::asked_deals(&mut tx, None, limit).await?,
        (DealList::Asked, Some(DealCursor(Some(asked), deal))) => {
            told::asked_deals(&mut tx, Some((asked, DealId(deal))), limit).await?
        }
        (DealList::WithoutDocuments, Some(DealCursor(Some(_), _)))
        | (DealList::Asked, Some(DealCursor(None, _))) => return Err(other_list()),
    };
    Ok(Json(page))
}
