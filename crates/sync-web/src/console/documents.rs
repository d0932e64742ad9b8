//! Documents of the ERP and the deals they belong to.

use askama::Template;
use axum::{Extension, extract::State, http::StatusCode};
use serde::Deserialize;
use sync_core::documents::{DocumentKey, ParseKeyError};
use sync_store::DecisionKey;

use super::{
    handovers::number,
    sent::{Form, Path, Query},
    shell::{Afterwards, Frame, Shown, connection_of, go_to, page, part},
};
use crate::{
    act::{self, Belongs},
    door::Door,
    problem::Problem,
    told::{self, DealTold, DocumentCursor, DocumentRuleTold, DocumentTold, Paged},
    who::Who,
};

/// Rows of a page.
const ROWS: u32 = 100;

#[derive(Template)]
#[template(path = "documents.html")]
struct Documents {
    frame: Frame,
    base: String,
    decision: String,
    kinds: Vec<(&'static str, &'static str)>,
    page: Paged<DocumentTold>,
    rules: Vec<DocumentRuleTold>,
}

/// Which documents, or which deal.
#[derive(Deserialize)]
pub(crate) struct Which {
    #[serde(default)]
    decision: String,
    #[serde(default, deserialize_with = "number")]
    deal: Option<i64>,
    cursor: Option<DocumentCursor>,
    #[serde(flatten)]
    after: Afterwards,
}

/// What can be listed.
fn kinds() -> Vec<(&'static str, &'static str)> {
    let label = |key: DecisionKey| match key {
        DecisionKey::Attached => "on a deal",
        DecisionKey::Ambiguous => "on which deal?",
        DecisionKey::Unmatched => "name no deal that there is",
        DecisionKey::Customer => "only the customer is known",
        DecisionKey::NotCounted => "do not count",
    };
    let all = DecisionKey::ALL.into_iter().map(|key| (key.key(), label(key)));
    std::iter::once(("", "to be looked at")).chain(all).collect()
}

/// `GET /c/{connection}/documents`
pub(crate) async fn documents(
    State(door): State<Door>,
    Extension(who): Extension<Who>,
    Path(name): Path<String>,
    Query(Which { decision, deal, cursor, after }): Query<Which>,
) -> Shown {
    let row = connection_of(&door, &name).await?;
    let base = format!("/c/{}", part(&name));
    if let Some(deal) = deal {
        return Ok(go_to(&format!("{base}/deals/{deal}")));
    }
    let key = DecisionKey::ALL.into_iter().find(|key| key.key() == decision);
    let mut tx = door.parts.store.read(row.id).await?;
    let found = told::documents(&mut tx, key, cursor, ROWS).await?;
    let rules = told::document_rules(&mut tx).await?;
    let frame = Frame::of("Documents", &who, "documents").within(&row).saying(after.into());
    Ok(page(StatusCode::OK, &Documents { frame, base, decision, kinds: kinds(), page: found, rules }))
}

#[derive(Template)]
#[template(path = "document.html")]
struct OneDocument {
    frame: Frame,
    base: String,
    one: DocumentTold,
}

fn key(document: &str) -> Result<DocumentKey, Problem> {
    let parsed: Result<DocumentKey, ParseKeyError> = document.parse();
    parsed.map_err(|error| Problem::not_found(error.to_string(), "begin at the list"))
}

/// `GET /c/{connection}/documents/{document}`
pub(crate) async fn document(
    State(door): State<Door>,
    Extension(who): Extension<Who>,
    Path((name, document)): Path<(String, String)>,
    Query(after): Query<Afterwards>,
) -> Shown {
    let row = connection_of(&door, &name).await?;
    let key = key(&document)?;
    let mut tx = door.parts.store.read(row.id).await?;
    let unknown = || {
        Problem::not_found(
            format!("there is no document {document}"),
            "documents older than `since` are not read",
        )
    };
    let one = told::document(&mut tx, key).await?.ok_or_else(unknown)?;
    let title = if one.number.is_empty() { one.document.clone() } else { one.number.clone() };
    let frame = Frame::of(title, &who, "documents").within(&row).saying(after.into());
    Ok(page(StatusCode::OK, &OneDocument { frame, base: format!("/c/{}", part(&name)), one }))
}

/// Where it belongs.
#[derive(Deserialize)]
pub(crate) struct To {
    to: String,
    #[serde(default, deserialize_with = "number")]
    deal: Option<i64>,
    /// What a rule goes by; empty for this document alone.
    #[serde(default)]
    always: String,
}

/// `POST /c/{connection}/documents/{document}`
pub(crate) async fn assign(
    State(door): State<Door>,
    Extension(who): Extension<Who>,
    Path((name, document)): Path<(String, String)>,
    Form(To { to, deal, always }): Form<To>,
) -> Shown {
    let row = connection_of(&door, &name).await?;
    let belongs = match (to.as_str(), deal) {
        ("deal", Some(deal)) => Belongs::Deal(deal),
        ("none", _) => Belongs::Nowhere,
        ("as_decided", _) => Belongs::AsDecided,
        _ => return Err(Problem::bad("no deal was named", "write the number of the deal").into()),
    };
    let always = Some(always.as_str()).filter(|always| !always.is_empty());
    act::assign((&door, &who), &row, key(&document)?, (belongs, always)).await?;
    Ok(go_to(&format!("/c/{}/documents/{}?did=assigned", part(&name), part(&document))))
}

/// `POST /c/{connection}/documents/rules/{rule}`
pub(crate) async fn remove_rule(
    State(door): State<Door>,
    Extension(who): Extension<Who>,
    Path((name, rule)): Path<(String, i64)>,
) -> Shown {
    let row = connection_of(&door, &name).await?;
    act::remove_rule((&door, &who), &row, rule).await?;
    Ok(go_to(&format!("/c/{}/documents?did=changed", part(&name))))
}

#[derive(Template)]
#[template(path = "deal.html")]
struct OneDeal {
    frame: Frame,
    base: String,
    one: DealTold,
}

/// `GET /c/{connection}/deals/{deal}`
pub(crate) async fn deal(
    State(door): State<Door>,
    Extension(who): Extension<Who>,
    Path((name, deal)): Path<(String, i64)>,
) -> Shown {
    let row = connection_of(&door, &name).await?;
    let mut tx = door.parts.store.read(row.id).await?;
    let unknown = || {
        Problem::not_found(
            format!("nothing is known of deal {deal}"),
            "won deals are known, and open ones where documents are shown",
        )
    };
    let one = told::deal(&mut tx, deal).await?.ok_or_else(unknown)?;
    let title = if one.title.is_empty() { format!("Deal {deal}") } else { one.title.clone() };
    let frame = Frame::of(title, &who, "documents").within(&row);
    Ok(page(StatusCode::OK, &OneDeal { frame, base: format!("/c/{}", part(&name)), one }))
}
