//! Customers: pairs of a party of the ERP and an organization of the CRM.

use axum::{Json, extract::State};
use serde::Deserialize;
use utoipa::IntoParams;

use super::asked::{At, Cursor, Limit, Paging, With, connection};
use crate::{
    door::Door,
    problem::Problem,
    told::{self, Customer, CustomerRow, Paged},
};

/// Which customers.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct Search {
    /// Only those with this text in what the CRM says, whatever its case, or with this party or organization id.
    #[param(max_length = 200)]
    search: Option<String>,
    /// `next_cursor` of the page before; none for the first page.
    #[param(value_type = Option<String>, pattern = "^[0-9]{1,18}$")]
    cursor: Option<Cursor>,
    /// The most records, 1 to 200; 50 if it is not given.
    #[param(minimum = 1, maximum = 200, value_type = Option<u32>)]
    limit: Option<Limit>,
}

/// Customers that have an organization
///
/// By party. With `search`, those in which the text is found, of 50,000 customers at a time: a page may be empty and have a
/// `next_cursor` all the same.
#[utoipa::path(get, path = "/api/v1/connections/{connection}/customers", tag = "customers",
    params(("connection" = String, Path, description = "Its name"), Search),
    responses((status = 200, body = Paged<CustomerRow>)))]
pub(crate) async fn customers(
    State(door): State<Door>,
    At(name): At<String>,
    With(Search { search, cursor, limit }): With<Search>,
) -> Result<Json<Paged<CustomerRow>>, Problem> {
    let connection = connection(&door, &name).await?;
    let paging = Paging { cursor, limit };
    if search.as_ref().is_some_and(|search| search.chars().count() > 200) {
        return Err(Problem::bad("search: it has more than 200 characters", "look for less"));
    }
    let mut tx = door.parts.store.read(connection.id).await?;
    Ok(Json(told::customers(&mut tx, search.as_deref(), paging.after(), paging.limit()).await?))
}

/// Everything about a customer
///
/// Its fields on both sides, why each says what it says, what is asked about it, and what was written.
#[utoipa::path(get, path = "/api/v1/connections/{connection}/customers/{party}", tag = "customers",
    params(("connection" = String, Path, description = "Its name"), ("party" = i64, Path, description = "The party's id in the ERP")),
    responses((status = 200, body = Customer)))]
pub(crate) async fn customer(
    State(door): State<Door>,
    At((name, party)): At<(String, i64)>,
) -> Result<Json<Customer>, Problem> {
    let connection = connection(&door, &name).await?;
    let mut tx = door.parts.store.read(connection.id).await?;
    told::customer(&mut tx, party).await?.map(Json).ok_or_else(|| {
        Problem::not_found(format!("nothing is known about party {party}"), "GET .../customers lists them")
    })
}
