//! Questions about customers: the list, the evidence, the answers.

use askama::Template;
use axum::{Extension, extract::State, http::StatusCode};
use serde::Deserialize;
use sync_core::hold::HoldReason;

use super::{
    sent::{Form, Path, Query},
    shell::{Afterwards, Frame, Shown, connection_of, go_to, page, part},
};
use crate::{
    act,
    door::Door,
    problem::Problem,
    told::{self, Cause, HoldRow, HoldTold, PossibleAnswer, possible},
    who::Who,
};

/// Rows of a page.
const ROWS: u32 = 50;

#[derive(Template)]
#[template(path = "holds.html")]
struct Holds {
    frame: Frame,
    base: String,
    reason: String,
    causes: Vec<Cause>,
    rows: Vec<HoldRow>,
    answers: Vec<PossibleAnswer>,
    next: Option<String>,
}

/// Which questions.
#[derive(Deserialize)]
pub(crate) struct Which {
    #[serde(default)]
    reason: String,
    cursor: Option<i64>,
    #[serde(flatten)]
    after: Afterwards,
}

/// `GET /c/{connection}/holds`
pub(crate) async fn holds(
    State(door): State<Door>,
    Extension(who): Extension<Who>,
    Path(name): Path<String>,
    Query(Which { reason, cursor, after }): Query<Which>,
) -> Shown {
    let row = connection_of(&door, &name).await?;
    let mut tx = door.parts.store.read(row.id).await?;
    let causes = told::causes(&mut tx).await?;
    let wanted = Some(reason.as_str()).filter(|reason| !reason.is_empty());
    let found = told::holds(&mut tx, wanted, cursor, ROWS).await?;
    let (rows, next) = (found.items, found.next_cursor);
    // One answer for many is offered where all have the same cause, and only what needs no organization.
    let kind = HoldReason::examples().into_iter().find(|one| one.key() == reason);
    let simple = kind
        .iter()
        .flat_map(HoldReason::answers)
        .filter(|(key, _)| sync_core::answers::Answer::parse(key, None).is_ok());
    let answers = possible(simple);
    let frame = Frame::of("Questions", &who, "holds").within(&row).saying(after.into());
    let base = format!("/c/{}", part(&name));
    Ok(page(StatusCode::OK, &Holds { frame, base, reason, causes, rows, answers, next }))
}

#[derive(Template)]
#[template(path = "hold.html")]
struct OneHold {
    frame: Frame,
    base: String,
    one: HoldTold,
    name: Option<String>,
    exchange: Option<(String, String)>,
}

/// `GET /c/{connection}/holds/{party}`
pub(crate) async fn hold(
    State(door): State<Door>,
    Extension(who): Extension<Who>,
    Path((name, party)): Path<(String, i64)>,
) -> Shown {
    let row = connection_of(&door, &name).await?;
    let mut tx = door.parts.store.read(row.id).await?;
    let Some(one) = told::hold(&mut tx, party).await? else {
        return Ok(go_to(&format!("/c/{}/customers/{party}", part(&name))));
    };
    let customer = told::customer(&mut tx, party).await?;
    let exchange = match &one.evidence {
        HoldReason::Refused { exchange: Some(exchange), .. } => {
            Some((exchange.request.clone(), exchange.answer.clone()))
        }
        _ => None,
    };
    let called = customer.and_then(|customer| customer.name);
    let title =
        called.clone().map_or_else(|| format!("Party {party}"), |name| format!("A question about {name}"));
    let frame = Frame::of(title, &who, "holds").within(&row);
    let base = format!("/c/{}", part(&name));
    Ok(page(StatusCode::OK, &OneHold { frame, base, one, name: called, exchange }))
}

/// An answer.
#[derive(Deserialize)]
pub(crate) struct Given {
    answer: String,
    organization: Option<i64>,
}

/// `POST /c/{connection}/holds/{party}`
pub(crate) async fn answer(
    State(door): State<Door>,
    Extension(who): Extension<Who>,
    Path((name, party)): Path<(String, i64)>,
    Form(Given { answer, organization }): Form<Given>,
) -> Shown {
    let row = connection_of(&door, &name).await?;
    act::answer_hold((&door, &who), &row, party, (&answer, organization)).await?;
    Ok(go_to(&format!("/c/{}/customers/{party}?did=answered", part(&name))))
}

/// One answer to all that are chosen, as a form sends them: a name may come several times.
pub(crate) struct Chosen {
    pub(crate) parties: Vec<i64>,
    pub(crate) fields: Vec<(String, String)>,
}

impl Chosen {
    pub(crate) fn of(body: &[u8]) -> Result<Self, Problem> {
        let all: Vec<(String, String)> = url::form_urlencoded::parse(body).into_owned().collect();
        let (parties, fields): (Vec<_>, Vec<_>) = all.into_iter().partition(|(name, _)| name == "party");
        if parties.len() > act::MOST_ANSWERS {
            return Err(Problem::bad("more is chosen than can be answered at once", "choose fewer"));
        }
        let parties = parties.iter().map(|(_, party)| party.parse()).collect::<Result<_, _>>();
        let parties = parties
            .map_err(|_| Problem::bad("a party that was chosen is no number", "load the page again"))?;
        Ok(Self { parties, fields })
    }

    pub(crate) fn get(&self, name: &str) -> &str {
        self.fields.iter().find(|(field, _)| field == name).map_or("", |(_, value)| value)
    }
}

/// `POST /c/{connection}/holds`
pub(crate) async fn answer_all(
    State(door): State<Door>,
    Extension(who): Extension<Who>,
    Path(name): Path<String>,
    body: axum::body::Bytes,
) -> Shown {
    let row = connection_of(&door, &name).await?;
    let chosen = Chosen::of(&body)?;
    let base = format!("/c/{}/holds", part(&name));
    let reason = part(chosen.get("reason"));
    if chosen.parties.is_empty() {
        return Ok(go_to(&format!("{base}?reason={reason}&did=nothing")));
    }
    let answer = chosen.get("answer");
    let many = act::answer_all((&door, &who), &row, &chosen.parties, answer).await?.len();
    Ok(go_to(&format!("{base}?reason={reason}&did=answered&many={many}")))
}
