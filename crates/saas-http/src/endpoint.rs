//! What one call of a remote system is.

use bytes::Bytes;
use http::{HeaderName, HeaderValue, Method};
use serde::de::DeserializeOwned;

/// What most calls speak.
pub(crate) const JSON: &str = "application/json";

/// One call: its name, price and shape. Implemented beside the DTOs of its answer.
pub trait Endpoint: Send + Sync {
    /// What logs, metrics and errors call it, e.g. `organizations.create`.
    const NAME: &'static str;
    /// The verb.
    const METHOD: Method;
    /// What the vendor charges for it, in tokens of the daily budget; 0 where there is no such thing.
    const TOKENS: u32 = 0;
    /// Whether it counts against the vendor's separate window for searches.
    const SEARCH: bool = false;
    /// Whether it may change something there, so that a lost answer leaves doubt.
    const WRITE: bool = false;
    /// Media type of what is sent.
    const CONTENT_TYPE: &'static str = JSON;
    /// Media type of what is wanted back.
    const ACCEPT: &'static str = JSON;

    /// The JSON of a successful answer, unless [`Endpoint::decode`] reads something else. Tolerant: what it does not
    /// need, it does not name.
    type Output: DeserializeOwned + Send;

    /// Path below the base URL, already percent-encoded.
    fn path(&self) -> String;

    /// Query parameters, not yet encoded.
    fn query(&self) -> Vec<(&'static str, String)> {
        Vec::new()
    }

    /// Query parameters whose separators have a meaning and must travel as they are: encoded already, put first.
    fn encoded_query(&self) -> Option<String> {
        None
    }

    /// JSON to send.
    fn body(&self) -> Option<serde_json::Value> {
        None
    }

    /// What is sent: the JSON, unless this call speaks something else.
    fn bytes(&self) -> Option<Bytes> {
        self.body().map(|json| Bytes::from(json.to_string()))
    }

    /// Reads a successful answer.
    ///
    /// # Errors
    /// With a sentence on what is wrong with it; where, not what, because a body may hold anything.
    fn decode(body: &[u8]) -> Result<Self::Output, String> {
        serde_json::from_slice(body).map_err(|error| {
            let (line, column) = (error.line(), error.column());
            format!("the answer is not the JSON expected (line {line}, column {column})")
        })
    }

    /// What is sent and must not be told, even if the answer repeats it.
    fn secret(&self) -> Option<&str> {
        None
    }

    /// Headers beside those that every call of the vendor carries.
    fn headers(&self) -> Vec<(HeaderName, HeaderValue)> {
        Vec::new()
    }
}
