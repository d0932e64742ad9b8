//! Won deals that are older than the connection: what each would become, and asking for those that a person chooses.

use askama::Template;
use axum::{Extension, extract::State, http::StatusCode};
use serde::Deserialize;

use super::{
    sent::{Path, Query},
    shell::{Afterwards, Frame, Shown, connection_of, go_to, page, part},
};
use crate::{act, door::Door, problem::Problem, setup::NotMade, told::handover_plan::OlderDeals, who::Who};

#[derive(Template)]
#[template(path = "older.html")]
struct Older {
    frame: Frame,
    base: String,
    found: Result<Option<OlderDeals>, NotMade>,
}

/// Which part of them.
#[derive(Deserialize)]
pub(crate) struct After {
    cursor: Option<i64>,
    #[serde(flatten)]
    after: Afterwards,
}

/// `GET /c/{connection}/plan/deals`
pub(crate) async fn older(
    State(door): State<Door>,
    Extension(who): Extension<Who>,
    Path(name): Path<String>,
    Query(After { cursor, after }): Query<After>,
) -> Shown {
    let row = connection_of(&door, &name).await?;
    let maker = door.parts.maker.as_deref().ok_or_else(act::nobody_makes)?;
    let found = maker.older_deals(&name, cursor).await;
    let frame = Frame::of("Older won deals", &who, "plan").within(&row).saying(after.into());
    Ok(page(StatusCode::OK, &Older { frame, base: format!("/c/{}", part(&name)), found }))
}

/// `POST /c/{connection}/plan/deals`
pub(crate) async fn ask_for_older(
    State(door): State<Door>,
    Extension(who): Extension<Who>,
    Path(name): Path<String>,
    body: axum::body::Bytes,
) -> Shown {
    let row = connection_of(&door, &name).await?;
    let base = format!("/c/{}/plan/deals", part(&name));
    let chosen = chosen(&body)?;
    for (organization, deal) in &chosen {
        act::ask_for_handover((&door, &who), &row, *organization, Some(*deal)).await?;
    }
    let did = if chosen.is_empty() { "nothing" } else { "asked" };
    Ok(go_to(&format!("{base}?did={did}")))
}

/// Organizations and deals, as the form names them.
fn chosen(body: &[u8]) -> Result<Vec<(i64, i64)>, Problem> {
    let all = url::form_urlencoded::parse(body).filter(|(name, _)| name == "deal");
    let chosen = all.map(|(_, which)| {
        let (organization, deal) = which.split_once('.')?;
        Some((organization.parse().ok()?, deal.parse().ok()?))
    });
    let chosen: Option<Vec<(i64, i64)>> = chosen.collect();
    let chosen =
        chosen.ok_or_else(|| Problem::bad("a deal that was chosen is none", "load the page again"))?;
    if chosen.len() > act::MOST_ANSWERS {
        return Err(Problem::bad("more is chosen than can be asked for at once", "choose fewer"));
    }
    Ok(chosen)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_chosen_names_an_organization_and_a_deal() {
        assert_eq!(chosen(b"deal=7.81&x=1&deal=8.82").ok(), Some(vec![(7, 81), (8, 82)]));
        assert_eq!(chosen(b"").ok(), Some(Vec::new()));
        assert!(chosen(b"deal=7").is_err() && chosen(b"deal=a.b").is_err());
    }
}
