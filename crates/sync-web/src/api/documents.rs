//! Documents of the ERP and the deals they belong to.

use axum::{Json, extract::State};
use serde::Deserialize;
use sync_core::documents::DocumentKey;
use sync_store::DecisionKey;
use utoipa::IntoParams;

use super::asked::{At, Limit, Paging, With, connection, other_list};
use crate::{
    door::Door,
    problem::Problem,
    told::{self, DealTold, DocumentCursor, DocumentRuleTold, DocumentTold, Paged},
};

/// Which documents.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct Decided {
    /// Only those of which this was decided; without it, those that somebody has to look at.
    decision: Option<String>,
    /// `next_cursor` of the page before; none for the first page.
    #[param(value_type = Option<String>, pattern = "^[a-z_]{1,20}:[a-z_]{1,20}:[0-9]{1,18}$")]
    cursor: Option<DocumentCursor>,
    /// The most records, 1 to 200; 50 if it is not given.
    #[param(minimum = 1, maximum = 200, value_type = Option<u32>)]
    limit: Option<Limit>,
}

/// Documents by what was decided
///
/// Without `decision`, those that belong to no deal, or perhaps to several.
#[utoipa::path(get, path = "/api/v1/connections/{connection}/documents", tag = "documents",
    params(("connection" = String, Path, description = "Its name"), Decided),
    responses((status = 200, body = Paged<DocumentTold>)))]
pub(crate) async fn documents(
    State(door): State<Door>,
    At(name): At<String>,
    With(Decided { decision, cursor, limit }): With<Decided>,
) -> Result<Json<Paged<DocumentTold>>, Problem> {
    let connection = connection(&door, &name).await?;
    let key = decision.map(|decision| {
        let found = DecisionKey::ALL.into_iter().find(|key| key.key() == decision);
        found.ok_or_else(|| {
            let all: Vec<&str> = DecisionKey::ALL.iter().map(|key| key.key()).collect();
            Problem::bad(format!("{decision} is no decision"), format!("there are: {}", all.join(", ")))
        })
    });
    let (key, limit) = (key.transpose()?, Paging { cursor: None, limit }.limit());
    if cursor.is_some_and(|cursor| !cursor.is_of(key)) {
        return Err(other_list());
    }
    let mut tx = door.parts.store.read(connection.id).await?;
    Ok(Json(told::documents(&mut tx, key, cursor, limit).await?))
}

/// A document of a path.
pub(crate) fn key(document: &str) -> Result<DocumentKey, Problem> {
    document.parse().map_err(|error: sync_core::documents::ParseKeyError| {
        Problem::not_found(
            error.to_string(),
            "write `invoice:ID`, `credit_memo:ID`, `sales_order:ID` or `purchase_order:ID`",
        )
    })
}

/// A document, the deal it belongs to, and why
#[utoipa::path(get, path = "/api/v1/connections/{connection}/documents/{document}", tag = "documents",
    params(("connection" = String, Path, description = "Its name"), ("document" = String, Path, description = "Its kind and id, such as `invoice:300100123`")),
    responses((status = 200, body = DocumentTold)))]
pub(crate) async fn one_document(
    State(door): State<Door>,
    At((name, document)): At<(String, String)>,
) -> Result<Json<DocumentTold>, Problem> {
    let connection = connection(&door, &name).await?;
    let key = key(&document)?;
    let mut tx = door.parts.store.read(connection.id).await?;
    told::document(&mut tx, key).await?.map(Json).ok_or_else(|| {
        Problem::not_found(
            format!("there is no document {document}"),
            "documents older than `since` are not read",
        )
    })
}

/// Rules that persons made of answers
#[utoipa::path(get, path = "/api/v1/connections/{connection}/document-rules", tag = "documents",
    params(("connection" = String, Path, description = "Its name")),
    responses((status = 200, body = Vec<DocumentRuleTold>)))]
pub(crate) async fn document_rules(
    State(door): State<Door>,
    At(name): At<String>,
) -> Result<Json<Vec<DocumentRuleTold>>, Problem> {
    let connection = connection(&door, &name).await?;
    let mut tx = door.parts.store.read(connection.id).await?;
    Ok(Json(told::document_rules(&mut tx).await?))
}

/// A deal with its documents
#[utoipa::path(get, path = "/api/v1/connections/{connection}/deals/{deal}", tag = "documents",
    params(("connection" = String, Path, description = "Its name"), ("deal" = i64, Path, description = "Its id in the CRM")),
    responses((status = 200, body = DealTold)))]
pub(crate) async fn deal(
    State(door): State<Door>,
    At((name, deal)): At<(String, i64)>,
) -> Result<Json<DealTold>, Problem> {
    let connection = connection(&door, &name).await?;
    let mut tx = door.parts.store.read(connection.id).await?;
    told::deal(&mut tx, deal).await?.map(Json).ok_or_else(|| {
        Problem::not_found(
            format!("nothing is known of deal {deal}"),
            "won deals are known, and open ones where documents are shown",
        )
    })
}
