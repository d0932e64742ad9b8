//! What browsers send: paths, queries and forms. What makes no sense is refused with a page.

use axum::{
    extract::{FromRequest, FromRequestParts, Request},
    http::request::Parts,
};
use serde::de::DeserializeOwned;

use super::shell::Stop;
use crate::{door::Door, problem::Problem};

/// What stands in the path.
pub(crate) struct Path<T>(pub(crate) T);

/// What stands behind the question mark.
pub(crate) struct Query<T>(pub(crate) T);

/// A form.
pub(crate) struct Form<T>(pub(crate) T);

impl<T: DeserializeOwned + Send> FromRequestParts<Door> for Path<T> {
    type Rejection = Stop;

    async fn from_request_parts(parts: &mut Parts, door: &Door) -> Result<Self, Stop> {
        let path = axum::extract::Path::<T>::from_request_parts(parts, door).await;
        path.map(|path| Self(path.0)).map_err(|_| {
            Problem::not_found("there is nothing at this address", "begin at the overview").into()
        })
    }
}

impl<T: DeserializeOwned> FromRequestParts<Door> for Query<T> {
    type Rejection = Stop;

    async fn from_request_parts(parts: &mut Parts, door: &Door) -> Result<Self, Stop> {
        let query = axum::extract::Query::<T>::from_request_parts(parts, door).await;
        query
            .map(|query| Self(query.0))
            .map_err(|error| Problem::bad("this address cannot be understood", error.body_text()).into())
    }
}

impl<T: DeserializeOwned> FromRequest<Door> for Form<T> {
    type Rejection = Stop;

    async fn from_request(request: Request, door: &Door) -> Result<Self, Stop> {
        let form = axum::extract::Form::<T>::from_request(request, door).await;
        form.map(|form| Self(form.0)).map_err(|error| {
            Problem::bad("what was sent cannot be understood; nothing was done", error.body_text()).into()
        })
    }
}
