//! What a company is like, looked at before anything is written: all its custom fields, its organizations, its users.

use saas_http::{Endpoint as _, scalar::text};
use serde_json::Value as Json;
use sync_core::{budget::Class, fields::CustomKind, ports::Called};

use crate::{
    api::{
        organization_fields::{self, CreateField, FieldDto, ListFields},
        organizations::{CreateOrganization, GetOrganization, ListOrganizations, Which},
    },
    client::Pipedrive,
};

/// A person waits for the answer.
const CLASS: Class = Class::Urgent;

/// What can have custom fields. The plan limits them for the company as a whole (pipedrive.md 2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fielded {
    /// `organizationFields`.
    Organizations,
    /// `dealFields`; leads share them.
    Deals,
    /// `personFields`.
    Persons,
    /// `productFields`.
    Products,
}

impl Fielded {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Organizations, Self::Deals, Self::Persons, Self::Products];

    /// The last part of the path.
    #[must_use]
    pub fn resource(self) -> &'static str {
        match self {
            Self::Organizations => "organizationFields",
            Self::Deals => "dealFields",
            Self::Persons => "personFields",
            Self::Products => "productFields",
        }
    }
}

/// A custom field of the company, or its labels.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnownField {
    /// What people call it; not unique (2).
    pub name: String,
    /// Its code, different in every company.
    pub code: String,
    /// Its type in Pipedrive's words, such as `varchar`.
    pub kind: String,
    /// The options it has.
    pub options: Vec<String>,
    /// Whether it is the built-in field of labels.
    pub labels: bool,
}

/// Pipedrive's word for the type of a custom field (2).
#[must_use]
pub fn type_name(kind: CustomKind) -> &'static str {
    organization_fields::type_of(kind)
}

impl Pipedrive {
    /// Tokens for creating or changing an organization.
    pub const WRITE_TOKENS: u32 = CreateOrganization::TOKENS;
    /// Tokens for reading one organization.
    pub const READ_TOKENS: u32 = GetOrganization::TOKENS;
    /// Tokens for creating a custom field.
    pub const FIELD_TOKENS: u32 = CreateField::TOKENS;
    /// Tokens for a page of organizations, or of fields.
    pub const PAGE_TOKENS: u32 = ListOrganizations::TOKENS;
    /// Organizations on a page.
    pub const PAGE: u32 = 500;

    /// All custom fields of one kind of record, and its labels (10 tokens a page of 500).
    ///
    /// # Errors
    /// As every call.
    pub async fn custom_fields(&self, of: Fielded) -> Called<Vec<KnownField>> {
        let page = |cursor| ListFields { resource: of.resource(), cursor };
        self.every(CLASS, page, |row| Ok(of_interest(row))).await
    }

    /// How many organizations the first page holds, and whether there are more (10 tokens). No call counts them all.
    ///
    /// # Errors
    /// As every call.
    pub async fn first_organizations(&self) -> Called<(usize, bool)> {
        let list = ListOrganizations { which: Which::ById, custom_fields: None, cursor: None };
        let read = |row: &Json| sync_core::model::Seen::Record(text("id", row.get("id")).is_ok());
        let page = self.cursor_page(&list, CLASS, read).await?;
        Ok((page.rows.len(), page.more))
    }
}

/// A row of a list of fields, if it is a custom one or that of labels. One without a name is of no interest here.
fn of_interest(row: &Json) -> Option<KnownField> {
    let dto: FieldDto = serde_json::from_value(row.clone()).ok()?;
    let labels = dto.is_labels();
    let FieldDto { field_name, field_code, field_type, is_custom_field, options } = dto;
    (labels || is_custom_field == Some(true)).then_some(())?;
    let options = options.into_iter().flatten().filter_map(|option| option.label).collect();
    let (code, kind) = (field_code.unwrap_or_default(), field_type.unwrap_or_default());
    Some(KnownField { name: field_name?, code, kind, options, labels })
}
