//! Errors as Pipedrive words them (sections 3.5, 4.1, 8).

use axum::http::StatusCode;
use serde_json::{Value, json};

use crate::call::Reply;

const INFO: &str = "Please check developers.pipedrive.com for more information about Pipedrive API.";

/// A refused request.
#[derive(Debug)]
pub(crate) struct Problem {
    pub(crate) status: StatusCode,
    pub(crate) error: String,
    pub(crate) code: Option<&'static str>,
}

impl Problem {
    /// 400 `ERR_SCHEMA_VALIDATION_FAILED`: nothing is stored.
    pub(crate) fn invalid(what: impl std::fmt::Display) -> Self {
        let error = format!("Validation failed: {what}");
        Self { status: StatusCode::BAD_REQUEST, error, code: Some("ERR_SCHEMA_VALIDATION_FAILED") }
    }

    pub(crate) fn not_found(what: &str) -> Self {
        Self {
            status: StatusCode::NOT_FOUND,
            error: format!("{what} not found"),
            code: Some("ERR_NOT_FOUND"),
        }
    }

    pub(crate) fn method_not_allowed() -> Self {
        Self { status: StatusCode::METHOD_NOT_ALLOWED, error: "Method not allowed".to_owned(), code: None }
    }

    /// 403 when the plan's number of custom fields is reached; the code's name is UNVERIFIED (section 2).
    pub(crate) fn field_limit() -> Self {
        let error = "Couldn't add the custom field. Custom fields limit reached.".to_owned();
        Self { status: StatusCode::FORBIDDEN, error, code: Some("feature_capping_custom_fields_limit") }
    }

    /// 403 when the plan's number of open deals is reached (section 2).
    pub(crate) fn deal_limit() -> Self {
        let error = "Couldn't add the deal. Open deals limit reached.".to_owned();
        Self { status: StatusCode::FORBIDDEN, error, code: Some("feature_capping_deals_limit") }
    }

    /// Archived deals are read-only (section 1.2); status and wording are UNVERIFIED.
    pub(crate) fn archived() -> Self {
        let error = "Archived deals can not be changed.".to_owned();
        Self { status: StatusCode::FORBIDDEN, error, code: Some("ERR_DEAL_ARCHIVED") }
    }

    /// 403 for what needs contact sync or the marketing app (section 8).
    pub(crate) fn app_needed(what: &str) -> Self {
        let error = format!("{what} is not available for this company");
        Self { status: StatusCode::FORBIDDEN, error, code: Some("ERR_FORBIDDEN") }
    }

    /// 501: the real system can, this simulator cannot; never silently ignored.
    pub(crate) fn not_modelled(what: &str) -> Self {
        let error = format!("{what} is not modelled by this simulator");
        Self { status: StatusCode::NOT_IMPLEMENTED, error, code: None }
    }

    pub(crate) fn reply(&self) -> Reply {
        let mut body = json!({
            "success": false, "error": self.error, "error_info": INFO, "data": null, "additional_data": null,
        });
        if let Some(code) = self.code {
            body["code"] = Value::from(code);
        }
        Reply::json(self.status, &body)
    }
}

/// The short form that the gateway uses for 401 and 429.
pub(crate) fn gateway(status: StatusCode, error: &str) -> Reply {
    let body = json!({
        "success": false, "error": error, "errorCode": status.as_u16(), "error_info": "Please check developers.pipedrive.com",
    });
    Reply::json(status, &body)
}
