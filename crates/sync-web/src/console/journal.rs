//! Every write that took effect.

use askama::Template;
use axum::{Extension, extract::State, http::StatusCode};
use serde::Deserialize;

use super::{
    sent::{Path, Query},
    shell::{Frame, Shown, connection_of, page, part},
};
use crate::{
    door::Door,
    told::{self, Written},
    who::Who,
};

/// Rows of a page.
const ROWS: u32 = 50;

#[derive(Template)]
#[template(path = "journal.html")]
struct Journal {
    frame: Frame,
    base: String,
    writes: Vec<Written>,
    next: Option<String>,
}

/// Where the page begins.
#[derive(Deserialize)]
pub(crate) struct Begin {
    cursor: Option<i64>,
}

/// `GET /c/{connection}/journal`
pub(crate) async fn journal(
    State(door): State<Door>,
    Extension(who): Extension<Who>,
    Path(name): Path<String>,
    Query(Begin { cursor }): Query<Begin>,
) -> Shown {
    let row = connection_of(&door, &name).await?;
    let mut tx = door.parts.store.read(row.id).await?;
    let found = told::journal(&mut tx, None, cursor, ROWS).await?;
    let frame = Frame::of("Journal", &who, "journal").within(&row);
    let (writes, next) = (found.items, found.next_cursor);
    Ok(page(StatusCode::OK, &Journal { frame, base: format!("/c/{}", part(&name)), writes, next }))
}
