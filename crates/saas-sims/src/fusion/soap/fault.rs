//! Faults: always HTTP 500 with `env:Fault` (section 1.4). Wordings without a source in the reference are UNVERIFIED.

use axum::http::StatusCode;

use super::names::{ENVELOPE, ERRORS};
use super::write;
use super::xml::Element;
use crate::call::Reply;

/// Why an operation failed.
#[derive(Debug)]
pub(crate) struct Fault {
    /// `Client` or `Server`.
    who: &'static str,
    text: String,
    service: Option<Box<ServiceError>>,
}

/// What `detail/ServiceErrorMessage` says.
#[derive(Debug)]
struct ServiceError {
    code: String,
    class: &'static str,
    /// Attribute and object, where the service names them.
    culprit: Option<(String, String)>,
}

impl Fault {
    fn service(code: &str, text: String, culprit: Option<(&str, &str)>) -> Self {
        let class = if code.starts_with("27") {
            "oracle.jbo.AttrValException"
        } else {
            "oracle.apps.fnd.applcore.messages.ApplcoreException"
        };
        let culprit = culprit.map(|(attribute, object)| (attribute.to_owned(), object.to_owned()));
        Self {
            who: "Server",
            text,
            service: Some(Box::new(ServiceError { code: code.to_owned(), class, culprit })),
        }
    }

    /// No such operation, or an element in the wrong namespace.
    pub(crate) fn unknown_method() -> Self {
        Self { who: "Server", text: "Unknown method".to_owned(), service: None }
    }

    /// The message is not well-formed or does not fit the schema.
    pub(crate) fn malformed(what: &str) -> Self {
        Self { who: "Client", text: format!("The message isn't valid: {what}"), service: None }
    }

    /// The real system can, this simulator cannot; never silently ignored.
    pub(crate) fn not_modelled(what: &str) -> Self {
        Self { who: "Server", text: format!("{what} is not modelled by this simulator"), service: None }
    }

    /// A row that failed validation, with nothing said about why.
    pub(crate) fn bare() -> Self {
        Self::service("27024", "JBO-27024: Failed to validate a row".to_owned(), None)
    }

    pub(crate) fn required(attribute: &str, object: &str) -> Self {
        let text = format!("JBO-27014: Attribute {attribute} in {object}DEO is required.");
        Self::service("27014", text, Some((attribute, object)))
    }

    pub(crate) fn read_only(attribute: &str, object: &str) -> Self {
        let text = format!("JBO-27008: Attribute {attribute} in {object}DEO cannot be set.");
        Self::service("27008", text, Some((attribute, object)))
    }

    /// A value that the service does not take.
    pub(crate) fn invalid(attribute: &str, object: &str, value: &str) -> Self {
        let text =
            format!("JBO-27023: The value {value} of attribute {attribute} in {object}DEO isn't valid.");
        Self::service("27023", text, Some((attribute, object)))
    }

    /// The row that a key names is not there.
    pub(crate) fn no_row(object: &str, key: &str) -> Self {
        Self::service("25020", format!("JBO-25020: View row of key {object}[{key}] is not found."), None)
    }

    pub(crate) fn missing_record() -> Self {
        Self::service("FND:::FND_CMN_RCRD_MSNG", "The record doesn't exist.".to_owned(), None)
    }

    /// A value that another record has already; the wording is the generic one of section 1.5.
    pub(crate) fn duplicate(value: &str) -> Self {
        let text = format!("A record with the value {value} already exists. Enter a unique value.");
        Self::service("FND:::FND_CMN_DUPLICATE_VALUE", text, None)
    }

    pub(crate) fn unregistered(system: &str) -> Self {
        let text = format!("The source system {system} isn't registered. (HZ-120559)");
        Self::service("HZ-120559", text, Some(("OrigSystem", "OriginalSystemReference")))
    }

    pub(crate) fn reply(&self, rng: &mut fastrand::Rng) -> Reply {
        let plain = |name: &str, text: &str| Element::leaf("", name, Some(text));
        let mut fault = Element::new(ENVELOPE, "Fault")
            .with([plain("faultcode", &format!("env:{}", self.who)), plain("faultstring", &self.text)]);
        if let Some(service) = &self.service {
            fault = fault.with([Element::new("", "detail").with([self.detail(service)])]);
        }
        let body = Element::new(ENVELOPE, "Body").with([fault]);
        let envelope = Element::new(ENVELOPE, "Envelope").with([Element::new(ENVELOPE, "Header"), body]);
        Reply::of(
            StatusCode::INTERNAL_SERVER_ERROR,
            "text/xml; charset=utf-8",
            write::document(&envelope, rng),
        )
    }

    fn detail(&self, service: &ServiceError) -> Element {
        let leaf = |name: &str, text: &str| Element::leaf(ERRORS, name, Some(text));
        let message = format!("<MESSAGE><TEXT>{}</TEXT></MESSAGE>", quick_xml::escape::escape(&self.text));
        let nested = service.culprit.iter().map(|(attribute, object)| {
            Element::new(ERRORS, "detail").with([
                leaf("message", &message),
                leaf("attributeName", attribute),
                leaf("objectName", object),
            ])
        });
        Element::new(ERRORS, "ServiceErrorMessage")
            .with([
                leaf("code", &service.code),
                leaf("severity", "SEVERITY_ERROR"),
                leaf("message", &message),
                leaf("exceptionClassName", service.class),
            ])
            .with(nested)
    }
}
