//! How a refusal is told to programs: `application/problem+json` (RFC 9457), with what to do about it.

use axum::{
    Json,
    http::{HeaderValue, StatusCode, header::CONTENT_TYPE},
    response::{IntoResponse, Response},
};
use serde::Serialize;
use utoipa::ToSchema;

use crate::told::TellError;

/// What is wrong, and what to do about it.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct Problem {
    /// The status, once more.
    pub(crate) status: u16,
    /// A word for programs.
    pub(crate) code: &'static str,
    /// What is wrong.
    pub(crate) title: String,
    /// What to do about it.
    pub(crate) help: String,
}

impl Problem {
    pub(crate) fn new(
        status: StatusCode,
        code: &'static str,
        title: impl Into<String>,
        help: impl Into<String>,
    ) -> Self {
        Self { status: status.as_u16(), code, title: title.into(), help: help.into() }
    }

    /// There is no such thing.
    pub(crate) fn not_found(title: impl Into<String>, help: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, "not_found", title, help)
    }

    /// What was sent makes no sense.
    pub(crate) fn bad(title: impl Into<String>, help: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "bad_request", title, help)
    }

    /// It cannot be done as things stand.
    pub(crate) fn conflict(title: impl Into<String>, help: impl Into<String>) -> Self {
        Self::new(StatusCode::CONFLICT, "conflict", title, help)
    }

    /// The store does not answer.
    pub(crate) fn store() -> Self {
        Self::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "store_unavailable",
            "the store does not answer",
            "try again in a moment; the log says what is wrong",
        )
    }
}

impl From<TellError> for Problem {
    fn from(error: TellError) -> Self {
        tracing::warn!(%error, "a request could not be answered");
        Self::store()
    }
}

impl From<sync_store::StoreError> for Problem {
    fn from(error: sync_store::StoreError) -> Self {
        TellError::from(error).into()
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut response = (status, Json(self)).into_response();
        response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        response
    }
}
