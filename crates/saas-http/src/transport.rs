//! The seam between what we say and how it travels.

use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;

/// Carries one request to a remote system and brings the answer back, whatever its status.
#[async_trait]
pub trait Transport: Send + Sync {
    /// Sends once. Follows no redirect, keeps no cookie, repeats nothing.
    async fn send(&self, request: http::Request<Bytes>) -> Result<http::Response<Bytes>, TransportError>;
}

/// The mark of UTF-8.
const MARK: &[u8] = b"\xef\xbb\xbf";

/// The answer without the mark of UTF-8, which some gateways put before a body and no reader of ours knows (RFC 8259, 8.1: it
/// may be ignored).
pub(crate) fn unmarked(answer: http::Response<Bytes>) -> http::Response<Bytes> {
    answer.map(|body| if body.starts_with(MARK) { body.slice(MARK.len()..) } else { body })
}

/// How long a request may take in all; an extension of the request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RequestTimeout(pub Duration);

/// No answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TransportError {
    /// No connection came about (DNS, TCP, TLS): surely without effect.
    #[error("no connection: {why}")]
    NotSent {
        /// How far it came.
        at: Unreached,
        /// What the system said.
        why: String,
    },
    /// The request went out, but no whole answer came back: a timeout or a broken connection.
    #[error("no answer: {0}")]
    Lost(String),
    /// The answer was larger than we are willing to hold.
    #[error("the answer is larger than {limit} bytes")]
    TooLarge {
        /// The most bytes that are read of one answer.
        limit: usize,
    },
}

/// How far a connection came that did not come about. People look in different places for each.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unreached {
    /// The name is not known.
    Name,
    /// Nobody listens there.
    Refused,
    /// No trust: an unknown authority, a certificate for another name, or no TLS at all over there.
    Tls,
    /// Nothing came back in time.
    Silence,
    /// Anything else, e.g. no route, or an address that cannot be used.
    Other,
}

impl From<std::convert::Infallible> for TransportError {
    fn from(never: std::convert::Infallible) -> Self {
        match never {}
    }
}
