//! `GET itemSearch/field`: organizations by the exact value of a custom field (pipedrive.md 7).

use http::Method;
use saas_http::Endpoint;
use serde_json::Value;
use sync_core::ids::OrgId;

use super::Envelope;

/// One page of hits. The index lags, and still knows what was deleted.
pub(crate) struct SearchByField {
    /// Code of a varchar field.
    pub(crate) field: String,
    /// Compared case-sensitively.
    pub(crate) term: String,
    pub(crate) cursor: Option<String>,
}

impl Endpoint for SearchByField {
    const NAME: &'static str = "item_search.field";
    const METHOD: Method = Method::GET;
    const TOKENS: u32 = 20;
    const SEARCH: bool = true;

    type Output = Envelope;

    fn path(&self) -> String {
        "api/v2/itemSearch/field".to_owned()
    }

    fn query(&self) -> Vec<(&'static str, String)> {
        let mut query = vec![
            ("term", self.term.clone()),
            ("entity_type", "organization".to_owned()),
            ("field", self.field.clone()),
            ("match", "exact".to_owned()),
            // More than 100 is refused by searches (1.4).
            ("limit", "100".to_owned()),
        ];
        query.extend(self.cursor.clone().map(|cursor| ("cursor", cursor)));
        query
    }
}

/// The id of a hit: the schema wraps items, the published example does not.
pub(crate) fn hit(row: &Value) -> Option<OrgId> {
    let id = row.get("id").or_else(|| row.get("item")?.get("id"));
    saas_http::scalar::int("id", id).ok().flatten().map(OrgId)
}
