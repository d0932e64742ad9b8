//! `organizationFields`: custom fields and their codes (pipedrive.md 2).

use http::Method;
use saas_http::Endpoint;
use serde::Deserialize;
use serde_json::{Value, json};

use super::Envelope;

const PATH: &str = "api/v2/organizationFields";

/// The type that we create: up to 255 characters, searchable (2, 7).
pub(crate) const VARCHAR: &str = "varchar";

/// One page of all fields, built-in ones too.
pub(crate) struct ListFields {
    pub(crate) cursor: Option<String>,
}

impl Endpoint for ListFields {
    const NAME: &'static str = "organization_fields.list";
    const METHOD: Method = Method::GET;
    const TOKENS: u32 = 10;

    type Output = Envelope;

    fn path(&self) -> String {
        PATH.to_owned()
    }

    fn query(&self) -> Vec<(&'static str, String)> {
        let mut query = vec![("limit", "500".to_owned())];
        query.extend(self.cursor.clone().map(|cursor| ("cursor", cursor)));
        query
    }
}

/// Creates a field. Names are not unique: doing it twice makes two (2).
pub(crate) struct CreateField {
    pub(crate) name: &'static str,
}

impl Endpoint for CreateField {
    const NAME: &'static str = "organization_fields.create";
    const METHOD: Method = Method::POST;
    const TOKENS: u32 = 5;
    const WRITE: bool = true;

    type Output = Envelope;

    fn path(&self) -> String {
        PATH.to_owned()
    }

    fn body(&self) -> Option<Value> {
        Some(json!({ "field_name": self.name, "field_type": VARCHAR }))
    }
}

/// The part of a field that tells whether it is ours.
#[derive(Debug, Deserialize)]
pub(crate) struct FieldDto {
    pub(crate) field_name: Option<String>,
    /// 40 hex digits, different in every company.
    pub(crate) field_code: Option<String>,
    pub(crate) field_type: Option<String>,
    pub(crate) is_custom_field: Option<bool>,
}
