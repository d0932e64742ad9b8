//! `persons` of v2 (SPEC-v2).

use http::Method;
use saas_http::Endpoint;
use serde::Deserialize;
use serde_json::Value;
use sync_core::ids::PersonId;

use super::Envelope;

/// One person.
pub(crate) struct GetPerson {
    pub(crate) id: PersonId,
}

impl Endpoint for GetPerson {
    const NAME: &'static str = "persons.get";
    const METHOD: Method = Method::GET;
    const TOKENS: u32 = 1;

    type Output = Envelope;

    fn path(&self) -> String {
        format!("api/v2/persons/{}", self.id)
    }
}

/// A person as it comes.
#[derive(Debug, Deserialize)]
pub(crate) struct PersonDto {
    pub(crate) id: Option<Value>,
    pub(crate) name: Option<Value>,
    pub(crate) first_name: Option<Value>,
    pub(crate) last_name: Option<Value>,
    pub(crate) emails: Option<Value>,
    pub(crate) phones: Option<Value>,
    pub(crate) is_deleted: Option<Value>,
}
