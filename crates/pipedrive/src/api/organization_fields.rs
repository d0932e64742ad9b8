//! `organizationFields`: custom fields and their codes (pipedrive.md 2).

use http::Method;
use saas_http::Endpoint;
use serde::Deserialize;
use serde_json::{Value, json};
use sync_core::fields::CustomKind;

use super::Envelope;

/// Fields of organizations, in lists.
pub(crate) const ORGANIZATIONS: &str = "organizationFields";

/// How Pipedrive calls the types of custom fields (2).
pub(crate) fn type_of(kind: CustomKind) -> &'static str {
    match kind {
        // Searchable, which our origin key has to be (7).
        CustomKind::ShortText => "varchar",
        CustomKind::LongText => "text",
        CustomKind::Number => "double",
        CustomKind::Date => "date",
        CustomKind::Money => "monetary",
        CustomKind::Option => "enum",
        CustomKind::Options => "set",
        CustomKind::Phone => "phone",
    }
}

/// One page of all fields of a kind of record, built-in ones too.
pub(crate) struct ListFields {
    /// `organizationFields`, or its like for other records.
    pub(crate) resource: &'static str,
    pub(crate) cursor: Option<String>,
}

impl Endpoint for ListFields {
    const NAME: &'static str = "organization_fields.list";
    const METHOD: Method = Method::GET;
    const TOKENS: u32 = 10;

    type Output = Envelope;

    fn path(&self) -> String {
        format!("api/v2/{}", self.resource)
    }

    fn query(&self) -> Vec<(&'static str, String)> {
        let mut query = vec![("limit", "500".to_owned())];
        query.extend(self.cursor.clone().map(|cursor| ("cursor", cursor)));
        query
    }
}

/// Creates a field. Names are not unique: doing it twice makes two (2).
pub(crate) struct CreateField<'a> {
    /// As in [`ListFields`].
    pub(crate) resource: &'static str,
    pub(crate) name: &'a str,
    pub(crate) kind: CustomKind,
}

impl Endpoint for CreateField<'_> {
    const NAME: &'static str = "organization_fields.create";
    const METHOD: Method = Method::POST;
    const TOKENS: u32 = 5;
    const WRITE: bool = true;

    type Output = Envelope;

    fn path(&self) -> String {
        format!("api/v2/{}", self.resource)
    }

    fn body(&self) -> Option<Value> {
        Some(json!({ "field_name": self.name, "field_type": type_of(self.kind) }))
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
    /// Of an option field.
    pub(crate) options: Option<Vec<OptionDto>>,
}

impl FieldDto {
    /// Whether it is the built-in field of labels (7).
    pub(crate) fn is_labels(&self) -> bool {
        self.field_code.as_deref() == Some("label_ids") && self.is_custom_field != Some(true)
    }
}

/// An option.
#[derive(Debug, Deserialize)]
pub(crate) struct OptionDto {
    /// A number for options of custom fields; other fields have texts.
    pub(crate) id: Option<Value>,
    pub(crate) label: Option<String>,
}
