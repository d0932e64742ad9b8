//! Customers: the list, and everything about one.

use askama::Template;
use axum::{Extension, extract::State, http::StatusCode};
use serde::Deserialize;

use super::{
    sent::{Path, Query},
    shell::{Afterwards, Frame, Shown, connection_of, go_to, page, part},
};
use crate::{
    act,
    door::Door,
    problem::Problem,
    told::{self, Customer, CustomerRow},
    who::Who,
};

/// Rows of a page.
const ROWS: u32 = 50;

#[derive(Template)]
#[template(path = "customers.html")]
struct Customers {
    frame: Frame,
    base: String,
    search: String,
    rows: Vec<CustomerRow>,
    next: Option<String>,
    looked_through: u32,
}

/// Which customers.
#[derive(Deserialize)]
pub(crate) struct Which {
    #[serde(default)]
    search: String,
    cursor: Option<i64>,
}

/// `GET /c/{connection}/customers`
pub(crate) async fn customers(
    State(door): State<Door>,
    Extension(who): Extension<Who>,
    Path(name): Path<String>,
    Query(Which { search, cursor }): Query<Which>,
) -> Shown {
    let row = connection_of(&door, &name).await?;
    let search: String = search.trim().chars().take(200).collect();
    let mut tx = door.parts.store.read(row.id).await?;
    let found = told::customers(&mut tx, Some(&search), cursor, ROWS).await?;
    let frame = Frame::of("Customers", &who, "customers").within(&row);
    let (rows, next) = (found.items, found.next_cursor);
    let (base, looked_through) = (format!("/c/{}", part(&name)), told::LOOKED_THROUGH);
    Ok(page(StatusCode::OK, &Customers { frame, base, search, rows, next, looked_through }))
}

#[derive(Template)]
#[template(path = "customer.html")]
struct OneCustomer {
    frame: Frame,
    base: String,
    one: Customer,
}

/// `GET /c/{connection}/customers/{party}`
pub(crate) async fn customer(
    State(door): State<Door>,
    Extension(who): Extension<Who>,
    Path((name, party)): Path<(String, i64)>,
    Query(after): Query<Afterwards>,
) -> Shown {
    let row = connection_of(&door, &name).await?;
    let mut tx = door.parts.store.read(row.id).await?;
    let unknown = || {
        Problem::not_found(
            format!("nothing is known about party {party}"),
            "it was not read yet, or the integration user does not see it",
        )
    };
    let one = told::customer(&mut tx, party).await?.ok_or_else(unknown)?;
    let title = one.name.clone().unwrap_or_else(|| format!("Party {party}"));
    let frame = Frame::of(title, &who, "customers").within(&row).saying(after.into());
    Ok(page(StatusCode::OK, &OneCustomer { frame, base: format!("/c/{}", part(&name)), one }))
}

/// `POST /c/{connection}/customers/{party}/sync`
pub(crate) async fn sync_customer(
    State(door): State<Door>,
    Extension(who): Extension<Who>,
    Path((name, party)): Path<(String, i64)>,
) -> Shown {
    let row = connection_of(&door, &name).await?;
    act::sync((&door, &who), &row, Some(party)).await?;
    Ok(go_to(&format!("/c/{}/customers/{party}?did=asked", part(&name))))
}
