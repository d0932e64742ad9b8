//! `GET /v1/users/me`: whose company this is (pipedrive.md 1.7).

use http::Method;
use saas_http::Endpoint;
use serde::Deserialize;
use serde_json::Value;

use super::Envelope;

/// Who we are there.
pub(crate) struct Me;

impl Endpoint for Me {
    const NAME: &'static str = "users.me";
    const METHOD: Method = Method::GET;
    const TOKENS: u32 = 2;

    type Output = Envelope;

    fn path(&self) -> String {
        "v1/users/me".to_owned()
    }
}

/// The part that we need.
#[derive(Debug, Deserialize)]
pub(crate) struct MeDto {
    pub(crate) id: Option<Value>,
    pub(crate) name: Option<Value>,
    pub(crate) company_id: Option<Value>,
    pub(crate) company_name: Option<Value>,
    pub(crate) company_domain: Option<Value>,
    /// A list with a word for each app of the suite.
    pub(crate) access: Option<Value>,
}
