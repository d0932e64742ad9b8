//! The cursor: a keyset marker in base64url, as the published samples have it (section 1.4).

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Points at the first item of the next page.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Cursor {
    pub(crate) field: String,
    pub(crate) field_value: Value,
    pub(crate) sort_direction: String,
    pub(crate) id: i64,
}

impl Cursor {
    pub(crate) fn by_id(id: i64) -> Self {
        Self { field: "id".to_owned(), field_value: Value::from(id), sort_direction: "asc".to_owned(), id }
    }

    pub(crate) fn encode(&self) -> String {
        URL_SAFE_NO_PAD.encode(serde_json::to_vec(self).unwrap_or_default())
    }

    pub(crate) fn decode(text: &str) -> Option<Self> {
        serde_json::from_slice(&URL_SAFE_NO_PAD.decode(text).ok()?).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::Cursor;

    #[test]
    fn the_published_sample_is_read() {
        let sample = "eyJmaWVsZCI6ImlkIiwiZmllbGRWYWx1ZSI6Nywic29ydERpcmVjdGlvbiI6ImFzYyIsImlkIjo3fQ";
        assert_eq!(Cursor::decode(sample), Some(Cursor::by_id(7)));
        assert_eq!(Cursor::by_id(7).encode(), sample);
        assert_eq!(Cursor::decode("7"), None);
    }
}
