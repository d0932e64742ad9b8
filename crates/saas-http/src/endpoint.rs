//! What one call of a remote system is.

use http::{HeaderName, HeaderValue, Method};
use serde::de::DeserializeOwned;

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

    /// The JSON of a successful answer. Tolerant: what it does not need, it does not name.
    type Output: DeserializeOwned + Send;

    /// Path below the base URL, already percent-encoded.
    fn path(&self) -> String;

    /// Query parameters, not yet encoded.
    fn query(&self) -> Vec<(&'static str, String)> {
        Vec::new()
    }

    /// JSON to send.
    fn body(&self) -> Option<serde_json::Value> {
        None
    }

    /// Headers beside those that every call of the vendor carries.
    fn headers(&self) -> Vec<(HeaderName, HeaderValue)> {
        Vec::new()
    }
}
