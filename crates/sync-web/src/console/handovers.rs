//! Won deals that become customers of the ERP.

use askama::Template;
use axum::{Extension, extract::State, http::StatusCode};
use serde::{Deserialize, Deserializer};

use super::{
    sent::{Form, Path, Query},
    shell::{Afterwards, Frame, Shown, connection_of, go_to, page, part},
};
use crate::{
    act,
    door::Door,
    problem::Problem,
    told::{self, HandoverCursor, HandoverRow, HandoverTold, Paged},
    who::Who,
};

/// Rows of a page.
const ROWS: u32 = 100;

#[derive(Template)]
#[template(path = "handovers.html")]
struct Handovers {
    frame: Frame,
    base: String,
    page: Paged<HandoverRow>,
}

/// Which one.
#[derive(Deserialize)]
pub(crate) struct Which {
    #[serde(default, deserialize_with = "number")]
    organization: Option<i64>,
    cursor: Option<HandoverCursor>,
    #[serde(flatten)]
    after: Afterwards,
}

/// A number of a form; none where it was left empty.
pub(super) fn number<'de, D: Deserializer<'de>>(input: D) -> Result<Option<i64>, D::Error> {
    let text = Option::<String>::deserialize(input)?;
    let text = text.as_deref().map(str::trim).filter(|text| !text.is_empty());
    text.map(|text| text.parse().map_err(|_| serde::de::Error::custom("this is no number"))).transpose()
}

/// `GET /c/{connection}/handovers`
pub(crate) async fn handovers(
    State(door): State<Door>,
    Extension(who): Extension<Who>,
    Path(name): Path<String>,
    Query(Which { organization, cursor, after }): Query<Which>,
) -> Shown {
    let row = connection_of(&door, &name).await?;
    let base = format!("/c/{}", part(&name));
    if let Some(organization) = organization {
        return Ok(go_to(&format!("{base}/handovers/organization/{organization}")));
    }
    let mut tx = door.parts.store.read(row.id).await?;
    let found = told::handovers(&mut tx, cursor, ROWS).await?;
    let frame = Frame::of("Won deals", &who, "handovers").within(&row).saying(after.into());
    Ok(page(StatusCode::OK, &Handovers { frame, base, page: found }))
}

#[derive(Template)]
#[template(path = "handover.html")]
struct OneHandover {
    frame: Frame,
    one: HandoverTold,
    made: String,
    evidence: Option<String>,
}

fn readable(value: &serde_json::Value) -> String {
    serde_json::to_string_pretty(value).unwrap_or_default()
}

/// `GET /c/{connection}/handovers/{kind}/{id}`
pub(crate) async fn handover(
    State(door): State<Door>,
    Extension(who): Extension<Who>,
    Path((name, kind, id)): Path<(String, String, i64)>,
    Query(after): Query<Afterwards>,
) -> Shown {
    let row = connection_of(&door, &name).await?;
    let unknown = || {
        Problem::not_found(
            format!("nothing is known of a handover of {kind} {id}"),
            "no deal of it was won since the flow was switched on",
        )
    };
    let subject = told::subject(&kind, id).ok_or_else(unknown)?;
    let mut tx = door.parts.store.read(row.id).await?;
    let one = told::handover(&mut tx, subject).await?.ok_or_else(unknown)?;
    let (made, evidence) = (readable(&one.made), one.evidence.as_ref().map(readable));
    let frame =
        Frame::of(format!("Handover of {kind} {id}"), &who, "handovers").within(&row).saying(after.into());
    Ok(page(StatusCode::OK, &OneHandover { frame, one, made, evidence }))
}

/// An answer.
#[derive(Deserialize)]
pub(crate) struct Given {
    answer: String,
    #[serde(default, deserialize_with = "number")]
    party: Option<i64>,
    #[serde(default, deserialize_with = "number")]
    account: Option<i64>,
}

/// `POST /c/{connection}/handovers/{kind}/{id}`
pub(crate) async fn answer_handover(
    State(door): State<Door>,
    Extension(who): Extension<Who>,
    Path((name, kind, id)): Path<(String, String, i64)>,
    Form(Given { answer, party, account }): Form<Given>,
) -> Shown {
    let row = connection_of(&door, &name).await?;
    let subject = told::subject(&kind, id)
        .ok_or_else(|| Problem::not_found(format!("{kind} is no kind of handover"), "begin at the list"))?;
    act::answer_handover((&door, &who), &row, subject, (&answer, party, account)).await?;
    Ok(go_to(&format!("/c/{}/handovers/{kind}/{id}?did=answered", part(&name))))
}

/// What is asked for.
#[derive(Deserialize)]
pub(crate) struct Wish {
    organization: i64,
    #[serde(default, deserialize_with = "number")]
    deal: Option<i64>,
}

/// `POST /c/{connection}/handovers`
pub(crate) async fn ask(
    State(door): State<Door>,
    Extension(who): Extension<Who>,
    Path(name): Path<String>,
    Form(Wish { organization, deal }): Form<Wish>,
) -> Shown {
    let row = connection_of(&door, &name).await?;
    act::ask_for_handover((&door, &who), &row, organization, deal).await?;
    Ok(go_to(&format!("/c/{}/handovers/organization/{organization}?did=asked", part(&name))))
}
