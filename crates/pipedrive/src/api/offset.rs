//! Lists of v1: pages by offset instead of by cursor (pipedrive.md 1.4).

use saas_http::scalar::{flag, int};
use serde::Deserialize;
use serde_json::Value;

/// What wraps a list of v1.
#[derive(Debug, Deserialize)]
pub(crate) struct OffsetEnvelope {
    success: Option<bool>,
    #[serde(default)]
    data: Value,
    /// The page is described in `pagination` below it; of relationships the schema has it here, the example there.
    #[serde(default)]
    additional_data: Value,
}

/// A page of such a list.
#[derive(Debug)]
pub(crate) struct OffsetPage {
    pub(crate) rows: Vec<Value>,
    /// Whether more follow, where the answer says so.
    pub(crate) more: Option<bool>,
    /// Where they begin, where the answer says so.
    pub(crate) next_start: Option<i64>,
}

impl OffsetEnvelope {
    /// The records. Null is an empty list where the answer says that nothing follows (UNVERIFIED whether it occurs);
    /// without that it is no list, as in [`Envelope`](super::Envelope).
    pub(crate) fn page(self) -> Result<OffsetPage, String> {
        let Self { success, data, additional_data } = self;
        if success == Some(false) {
            return Err("the answer says success: false".to_owned());
        }
        let page = additional_data.get("pagination").unwrap_or(&additional_data);
        let more = flag("more_items_in_collection", page.get("more_items_in_collection"))?;
        let next_start = int("next_start", page.get("next_start"))?;
        match data {
            Value::Array(rows) => Ok(OffsetPage { rows, more, next_start }),
            Value::Null if more == Some(false) => Ok(OffsetPage { rows: Vec::new(), more, next_start }),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Object(_) => {
                Err("the answer holds no list".to_owned())
            }
        }
    }
}
