//! What a company has set up: currencies and users (v1), pipelines and stages (v2) (pipedrive.md 1.7).

use http::Method;
use saas_http::Endpoint;
use serde::Deserialize;
use serde_json::Value;

use super::Envelope;

/// All currencies, those of the company's own included. Not paged.
pub(crate) struct ListCurrencies;

impl Endpoint for ListCurrencies {
    const NAME: &'static str = "currencies.list";
    const METHOD: Method = Method::GET;
    const TOKENS: u32 = 20;

    type Output = Envelope;

    fn path(&self) -> String {
        "v1/currencies".to_owned()
    }
}

/// All users, inactive ones included. Not paged.
pub(crate) struct ListUsers;

impl Endpoint for ListUsers {
    const NAME: &'static str = "users.list";
    const METHOD: Method = Method::GET;
    const TOKENS: u32 = 20;

    type Output = Envelope;

    fn path(&self) -> String {
        "v1/users".to_owned()
    }
}

/// One page of pipelines.
pub(crate) struct ListPipelines {
    pub(crate) cursor: Option<String>,
}

impl Endpoint for ListPipelines {
    const NAME: &'static str = "pipelines.list";
    const METHOD: Method = Method::GET;
    const TOKENS: u32 = 5;

    type Output = Envelope;

    fn path(&self) -> String {
        "api/v2/pipelines".to_owned()
    }

    fn query(&self) -> Vec<(&'static str, String)> {
        page(self.cursor.as_ref())
    }
}

/// One page of the stages of all pipelines.
pub(crate) struct ListStages {
    pub(crate) cursor: Option<String>,
}

impl Endpoint for ListStages {
    const NAME: &'static str = "stages.list";
    const METHOD: Method = Method::GET;
    const TOKENS: u32 = 5;

    type Output = Envelope;

    fn path(&self) -> String {
        "api/v2/stages".to_owned()
    }

    fn query(&self) -> Vec<(&'static str, String)> {
        page(self.cursor.as_ref())
    }
}

fn page(cursor: Option<&String>) -> Vec<(&'static str, String)> {
    let mut query = vec![("limit", "500".to_owned())];
    query.extend(cursor.map(|cursor| ("cursor", cursor.clone())));
    query
}

/// A currency as it comes.
#[derive(Debug, Deserialize)]
pub(crate) struct CurrencyDto {
    pub(crate) code: Option<Value>,
    pub(crate) decimal_points: Option<Value>,
}

/// A user as it comes.
#[derive(Debug, Deserialize)]
pub(crate) struct UserDto {
    pub(crate) id: Option<Value>,
    pub(crate) name: Option<Value>,
    pub(crate) email: Option<Value>,
    pub(crate) active_flag: Option<Value>,
}

/// A pipeline or a stage as it comes.
#[derive(Debug, Deserialize)]
pub(crate) struct NamedDto {
    pub(crate) id: Option<Value>,
    pub(crate) name: Option<Value>,
    /// Of stages: the pipeline.
    pub(crate) pipeline_id: Option<Value>,
}
