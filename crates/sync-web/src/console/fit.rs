//! What a connection would be like, and measuring it anew.

use askama::Template;
use axum::{Extension, Json, extract::State, http::StatusCode, response::IntoResponse as _};

use super::{
    sent::{Path, Query},
    shell::{Afterwards, Frame, Shown, connection_of, go_to, page, part},
};
use crate::{
    act,
    door::Door,
    problem::Problem,
    setup::{Look, LookState},
    told::fit::{self, Compared, FitReport},
    who::Who,
};

#[derive(Template)]
#[template(path = "fit.html")]
struct Fit {
    frame: Frame,
    base: String,
    report: Option<FitReport>,
    compared: Option<Compared>,
    look: LookState,
}

impl Fit {
    fn is_running(&self) -> bool {
        self.look.running.is_some_and(|(look, _)| look == Look::Fit)
    }
}

/// `GET /c/{connection}/fit`
pub(crate) async fn fit(
    State(door): State<Door>,
    Extension(who): Extension<Who>,
    Path(name): Path<String>,
    Query(after): Query<Afterwards>,
) -> Shown {
    let row = connection_of(&door, &name).await?;
    let told = fit::newest(&door.parts.store, row.id).await?;
    let (report, compared) = told.map(|told| (told.report, told.compared)).unzip();
    let frame = Frame::of("Fit report", &who, "fit").within(&row).saying(after.into());
    let (base, look) = (format!("/c/{}", part(&name)), door.parts.looks.state(&name));
    Ok(page(StatusCode::OK, &Fit { frame, base, report, compared: compared.flatten(), look }))
}

/// `GET /c/{connection}/fit.json`: the report, for whoever keeps it.
pub(crate) async fn fit_json(State(door): State<Door>, Path(name): Path<String>) -> Shown {
    let row = connection_of(&door, &name).await?;
    let told = fit::newest(&door.parts.store, row.id).await?;
    let told = told.ok_or_else(|| Problem::not_found("nothing was measured yet", "measure it first"))?;
    Ok(Json(told).into_response())
}

/// `POST /c/{connection}/fit`
pub(crate) async fn measure(
    State(door): State<Door>,
    Extension(who): Extension<Who>,
    Path(name): Path<String>,
) -> Shown {
    let row = connection_of(&door, &name).await?;
    act::look((&door, &who), &row, Look::Fit).await?;
    Ok(go_to(&format!("/c/{}/fit", part(&name))))
}
