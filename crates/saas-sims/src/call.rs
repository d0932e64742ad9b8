//! One request taken apart, and one answer put together: what the simulators work with instead of axum's types.

use axum::body::Body;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri};
use axum::response::Response;
use bytes::Bytes;
use serde_json::Value;

use crate::text::percent_decode;

/// A request with its body read.
pub(crate) struct Call {
    pub(crate) method: Method,
    pub(crate) path: String,
    /// The path's segments, percent-decoded.
    pub(crate) segments: Vec<String>,
    /// The query's pairs in their order, decoded.
    pub(crate) query: Vec<(String, String)>,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Call {
    pub(crate) fn new(method: Method, uri: &Uri, headers: HeaderMap, body: Bytes) -> Self {
        let path = uri.path().to_owned();
        let segments = path.trim_matches('/').split('/').map(percent_decode).collect();
        let query = url::form_urlencoded::parse(uri.query().unwrap_or_default().as_bytes())
            .map(|(name, value)| (name.into_owned(), value.into_owned()))
            .collect();
        let mut headers = headers;
        if let (false, Some(authority)) = (headers.contains_key("host"), uri.authority())
            && let Ok(host) = HeaderValue::from_str(authority.as_str())
        {
            headers.insert("host", host);
        }
        Self { method, path, segments, query, headers, body }
    }

    /// A query parameter; of several with one name the first.
    pub(crate) fn param(&self, name: &str) -> Option<&str> {
        self.query.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// The name of a query parameter that was given more than once.
    pub(crate) fn repeated_param(&self) -> Option<&str> {
        let names: Vec<&str> = self.query.iter().map(|(name, _)| name.as_str()).collect();
        names.iter().enumerate().find(|(at, name)| names[..*at].contains(name)).map(|(_, name)| *name)
    }

    /// A header as text.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    /// The media type of the body, in lower case and without parameters.
    pub(crate) fn media_type(&self) -> String {
        let full = self.header("content-type").unwrap_or_default();
        full.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
    }

    /// Host and port as the client sees them.
    pub(crate) fn host(&self) -> &str {
        self.header("host").unwrap_or("localhost")
    }

    /// The pairs of a form body; `None` when a name comes twice.
    pub(crate) fn form(&self) -> Option<std::collections::BTreeMap<String, String>> {
        let mut form = std::collections::BTreeMap::new();
        for (name, value) in url::form_urlencoded::parse(&self.body) {
            if form.insert(name.into_owned(), value.into_owned()).is_some() {
                return None;
            }
        }
        Some(form)
    }

    /// User and password of `Authorization: Basic`.
    pub(crate) fn basic(&self) -> Option<(String, String)> {
        use base64::Engine as _;
        let encoded = self.header("authorization")?.strip_prefix("Basic ")?;
        let decoded = base64::engine::general_purpose::STANDARD.decode(encoded).ok()?;
        let (user, password) = String::from_utf8(decoded).ok()?.split_once(':').map(owned_pair)?;
        Some((user, password))
    }

    /// The token of `Authorization: Bearer`.
    pub(crate) fn bearer(&self) -> Option<&str> {
        self.header("authorization")?.strip_prefix("Bearer ")
    }
}

fn owned_pair((left, right): (&str, &str)) -> (String, String) {
    (left.to_owned(), right.to_owned())
}

/// An answer before it becomes an HTTP response.
#[derive(Clone, Debug)]
pub(crate) struct Reply {
    pub(crate) status: StatusCode,
    pub(crate) headers: Vec<(&'static str, String)>,
    pub(crate) body: Vec<u8>,
}

impl Reply {
    pub(crate) fn empty(status: StatusCode) -> Self {
        Self { status, headers: Vec::new(), body: Vec::new() }
    }

    pub(crate) fn json(status: StatusCode, body: &Value) -> Self {
        Self::of(status, "application/json", body.to_string())
    }

    pub(crate) fn ok(body: &Value) -> Self {
        Self::json(StatusCode::OK, body)
    }

    pub(crate) fn of(status: StatusCode, content_type: &str, body: impl Into<Vec<u8>>) -> Self {
        let headers = vec![("content-type", content_type.to_owned())];
        Self { status, headers, body: body.into() }
    }

    /// Adds a header, in place of an earlier one of that name.
    pub(crate) fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.retain(|(existing, _)| *existing != name);
        self.headers.push((name, value.into()));
        self
    }

    pub(crate) fn into_response(self) -> Response {
        let mut response = Response::new(Body::from(self.body));
        *response.status_mut() = self.status;
        for (name, value) in self.headers {
            if let Ok(value) = HeaderValue::from_str(&value) {
                response.headers_mut().insert(HeaderName::from_static(name), value);
            }
        }
        response
    }
}
