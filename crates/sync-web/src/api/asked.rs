//! What requests carry: paths, queries and bodies, and how they are refused.

use axum::{
    extract::{FromRequest, FromRequestParts, Path, Query, Request, rejection::JsonRejection},
    http::request::Parts,
};
use serde::{Deserialize, de::DeserializeOwned};
use sync_store::ConnectionRow;
use utoipa::IntoParams;

use crate::{
    door::Door,
    problem::Problem,
    told::{self, MOST},
};

/// Records of a page, if nothing else is asked for.
const SOME: u32 = 50;

/// Which page.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct Paging {
    /// `next_cursor` of the page before; none for the first page.
    #[param(value_type = Option<String>, pattern = "^[0-9]{1,18}$")]
    pub(crate) cursor: Option<Cursor>,
    /// The most records, 1 to 200; 50 if it is not given.
    #[param(minimum = 1, maximum = 200, value_type = Option<u32>)]
    pub(crate) limit: Option<Limit>,
}

/// Where a page begins.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(try_from = "String")]
pub(crate) struct Cursor(pub(crate) i64);

impl TryFrom<String> for Cursor {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse().map(Self).map_err(|_| "cursor: this is no next_cursor of a page before".to_owned())
    }
}

/// Lists have cursors of their own.
pub(super) fn other_list() -> Problem {
    let title = "cursor: this is the next_cursor of another list";
    Problem::bad(title, "begin without a cursor, and go on with `next_cursor` of the same list")
}

/// The most records of a page.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(try_from = "u32")]
pub(crate) struct Limit(u32);

impl TryFrom<u32> for Limit {
    type Error = String;

    fn try_from(limit: u32) -> Result<Self, String> {
        if (1..=MOST).contains(&limit) { Ok(Self(limit)) } else { Err(format!("limit: it is 1 to {MOST}")) }
    }
}

impl Paging {
    pub(crate) fn after(&self) -> Option<i64> {
        self.cursor.map(|cursor| cursor.0)
    }

    pub(crate) fn limit(&self) -> u32 {
        self.limit.map_or(SOME, |limit| limit.0)
    }
}

/// What stands in the path.
pub(crate) struct At<T>(pub(crate) T);

impl<T: DeserializeOwned + Send> FromRequestParts<Door> for At<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, door: &Door) -> Result<Self, Problem> {
        match Path::<T>::from_request_parts(parts, door).await {
            Ok(Path(path)) => Ok(Self(path)),
            Err(error) => Err(Problem::not_found(
                format!("there is nothing at this address: {}", error.body_text()),
                "ids are whole numbers; /api/v1/openapi.json lists what there is",
            )),
        }
    }
}

/// What stands behind the question mark.
pub(crate) struct With<T>(pub(crate) T);

impl<T: DeserializeOwned> FromRequestParts<Door> for With<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, door: &Door) -> Result<Self, Problem> {
        match Query::<T>::from_request_parts(parts, door).await {
            Ok(Query(query)) => Ok(Self(query)),
            Err(error) => Err(Problem::bad(
                format!("the query cannot be understood: {}", error.body_text()),
                "/api/v1/openapi.json lists what each address takes",
            )),
        }
    }
}

/// The body, as JSON.
pub(crate) struct Body<T>(pub(crate) T);

impl<T: DeserializeOwned> FromRequest<Door> for Body<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, door: &Door) -> Result<Self, Problem> {
        match axum::Json::<T>::from_request(request, door).await {
            Ok(axum::Json(body)) => Ok(Self(body)),
            Err(error @ JsonRejection::BytesRejection(_)) => Err(Problem::new(
                error.status(),
                "body",
                format!("the body cannot be read: {}", error.body_text()),
                "send at most 64 KiB",
            )),
            Err(error) => Err(Problem::bad(
                format!("the body cannot be understood: {}", error.body_text()),
                "send JSON with the header Content-Type: application/json; /api/v1/openapi.json says which",
            )),
        }
    }
}

/// The connection of a path.
pub(crate) async fn connection(door: &Door, name: &str) -> Result<ConnectionRow, Problem> {
    told::connection(&door.parts.store, name).await?.ok_or_else(|| {
        Problem::not_found(
            format!("no connection named {name} was ever synced"),
            "GET /api/v1/connections lists them",
        )
    })
}
