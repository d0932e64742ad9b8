//! Errors as the REST framework words them (section 4.8): structured from version 4 on, plain text before.

use axum::http::StatusCode;
use serde_json::json;

use super::settings::FusionSettings;
use crate::call::{Call, Reply};

const ERROR_MEDIA: &str = "application/vnd.oracle.adf.error+json";

/// What went wrong, before it takes a form.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) status: StatusCode,
    /// The error code inside the details.
    pub(crate) code: &'static str,
    pub(crate) detail: String,
}

impl Failure {
    /// 400 for a query, a parameter or a header.
    pub(crate) fn bad_request(detail: impl Into<String>) -> Self {
        Self { status: StatusCode::BAD_REQUEST, code: "29140", detail: detail.into() }
    }

    /// 400 for a record that breaks a rule.
    pub(crate) fn invalid(code: &'static str, detail: impl Into<String>) -> Self {
        Self { status: StatusCode::BAD_REQUEST, code, detail: detail.into() }
    }

    /// 400 JBO-27014: a required attribute is missing.
    pub(crate) fn required(attribute: &str, object: &str) -> Self {
        Self::invalid("27014", format!("Attribute {attribute} in {object} is required."))
    }

    /// 501: the real system can, this simulator cannot.
    pub(crate) fn not_modelled(what: &str) -> Self {
        let detail = format!("{what} is not modelled by this simulator.");
        Self { status: StatusCode::NOT_IMPLEMENTED, code: "501", detail }
    }

    pub(crate) fn not_found(detail: impl Into<String>) -> Self {
        Self { status: StatusCode::NOT_FOUND, code: "27520", detail: detail.into() }
    }

    pub(crate) fn not_allowed() -> Self {
        let detail = "The method isn't allowed for this resource.".to_owned();
        Self { status: StatusCode::METHOD_NOT_ALLOWED, code: "27514", detail }
    }

    /// The answer in the form that the caller's framework version gets.
    pub(crate) fn reply(&self, call: &Call, version: u8, settings: &FusionSettings) -> Reply {
        let accept = call.header("accept").unwrap_or("*/*");
        let named = accept.contains(ERROR_MEDIA);
        if named && settings.error_accept_is_406 {
            return Reply::empty(StatusCode::NOT_ACCEPTABLE);
        }
        let json_accepted = named || accept.contains("*/*") || accept.contains("application/json");
        if version < 4 || !json_accepted || (settings.structured_errors_need_accept && !named) {
            return Reply::of(self.status, "text/plain;charset=utf-8", self.detail.clone());
        }
        let body = json!({
            "title": self.status.canonical_reason().unwrap_or_default(),
            "status": self.status.as_u16().to_string(),
            "o:errorDetails": [{"detail": self.detail, "o:errorCode": self.code}],
        });
        Reply::of(self.status, if named { ERROR_MEDIA } else { "application/json" }, body.to_string())
    }
}
