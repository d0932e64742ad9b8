//! What would be written, and approving what the mass guard holds.

use askama::Template;
use axum::{Extension, extract::State, http::StatusCode};
use serde::Deserialize;

use super::{
    holds::Chosen,
    sent::{Path, Query},
    shell::{Afterwards, Frame, Shown, connection_of, go_to, page, part},
};
use crate::{
    act,
    door::Door,
    told::{self, PlanPage, plan::Entry},
    who::Who,
};

/// Records of a page.
const ROWS: u32 = 50;

/// What records can be filtered by.
const OPS: [&str; 8] = ["create", "update", "bind", "forget", "relate", "unrelate", "hold", "wait"];

#[derive(Template)]
#[template(path = "plan.html")]
struct Plan {
    frame: Frame,
    base: String,
    op: String,
    ops: [&'static str; 8],
    page: Result<PlanPage, String>,
    records: Vec<Entry>,
    held: usize,
    later: bool,
}

/// Which part of the plan.
#[derive(Deserialize)]
pub(crate) struct Which {
    #[serde(default)]
    op: String,
    cursor: Option<i64>,
    #[serde(flatten)]
    after: Afterwards,
}

/// `GET /c/{connection}/plan`
pub(crate) async fn plan(
    State(door): State<Door>,
    Extension(who): Extension<Who>,
    Path(name): Path<String>,
    Query(Which { op, cursor, after }): Query<Which>,
) -> Shown {
    let row = connection_of(&door, &name).await?;
    let mut found = match door.parts.planners.get(&name) {
        Some(planner) => {
            told::plan_page(planner, cursor, ROWS).await.map_err(|why| format!("There is no plan: {why}."))
        }
        None => Err(
            "This process does not work on this connection and does not know its rules. Look where it is worked on, or run `ml-connector plan`."
                .to_owned(),
        ),
    };
    let op = if OPS.contains(&op.as_str()) { op } else { String::new() };
    let mut records = found.as_mut().map(|page| std::mem::take(&mut page.records.items)).unwrap_or_default();
    records.retain(|record| op.is_empty() || record.action == op);
    let held = found.as_ref().map_or(0, |page| records.iter().filter(|record| page.holds(record)).count());
    let frame = Frame::of("Plan", &who, "plan").within(&row).saying(after.into());
    let base = format!("/c/{}", part(&name));
    Ok(page(
        StatusCode::OK,
        &Plan { frame, base, op, ops: OPS, page: found, records, held, later: cursor.is_some() },
    ))
}

/// `POST /c/{connection}/plan`
pub(crate) async fn approve(
    State(door): State<Door>,
    Extension(who): Extension<Who>,
    Path(name): Path<String>,
    Query(Which { cursor, .. }): Query<Which>,
    body: axum::body::Bytes,
) -> Shown {
    let row = connection_of(&door, &name).await?;
    let mut chosen = Chosen::of(&body)?;
    let base = format!("/c/{}/plan", part(&name));
    if chosen.get("approve") == "all" {
        let Some(planner) = door.parts.planners.get(&name) else {
            return Ok(go_to(&format!("{base}?did=nothing")));
        };
        // What the page showed, looked at once more: whatever is held now.
        let found = told::plan_page(planner, cursor, ROWS).await?;
        chosen.parties = found.held_by_guard;
    }
    if chosen.parties.is_empty() {
        return Ok(go_to(&format!("{base}?did=nothing")));
    }
    let many = act::approve((&door, &who), &row, Some(chosen.parties)).await?.approved.len();
    Ok(go_to(&format!("{base}?did=answered&many={many}")))
}
