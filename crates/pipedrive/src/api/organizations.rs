//! `organizations` of v2 (pipedrive.md 1.5).

use http::Method;
use saas_http::Endpoint;
use serde::Deserialize;
use serde_json::Value;
use sync_core::ids::OrgId;

use super::Envelope;

const PATH: &str = "api/v2/organizations";

/// The most that `ids=` takes.
pub(crate) const IDS: usize = 100;

/// Which organizations to list.
pub(crate) enum Which {
    /// All, by ascending id.
    ById,
    /// Those changed since, by ascending update time. Whole seconds: a fraction is answered with 400 (8).
    ChangedSince(String),
    /// These, at most [`IDS`]; missing, deleted and invisible ones are left out.
    Ids(Vec<OrgId>),
}

/// One page of organizations. The price is per request, so pages are as large as they may be (1.4).
pub(crate) struct ListOrganizations {
    pub(crate) which: Which,
    /// Codes of the custom fields to return, comma separated; at most 15. Without it all of them are returned.
    pub(crate) custom_fields: Option<String>,
    pub(crate) cursor: Option<String>,
}

impl Endpoint for ListOrganizations {
    const NAME: &'static str = "organizations.list";
    const METHOD: Method = Method::GET;
    const TOKENS: u32 = 10;

    type Output = Envelope;

    fn path(&self) -> String {
        PATH.to_owned()
    }

    fn query(&self) -> Vec<(&'static str, String)> {
        let sorted = |by: &str| vec![("sort_by", by.to_owned()), ("sort_direction", "asc".to_owned())];
        let mut query = match &self.which {
            Which::ById => sorted("id"),
            Which::ChangedSince(since) => {
                let mut query = vec![("updated_since", since.clone())];
                query.extend(sorted("update_time"));
                query
            }
            Which::Ids(ids) => {
                let ids: Vec<String> = ids.iter().map(ToString::to_string).collect();
                vec![("ids", ids.join(","))]
            }
        };
        query.extend(self.custom_fields.clone().map(|codes| ("custom_fields", codes)));
        query.push(("limit", "500".to_owned()));
        query.extend(self.cursor.clone().map(|cursor| ("cursor", cursor)));
        query
    }
}

/// One organization, deleted ones too. Ten of them cost as much as a list of a hundred.
pub(crate) struct GetOrganization {
    pub(crate) id: OrgId,
    /// As in lists.
    pub(crate) custom_fields: Option<String>,
}

impl Endpoint for GetOrganization {
    const NAME: &'static str = "organizations.get";
    const METHOD: Method = Method::GET;
    const TOKENS: u32 = 1;

    type Output = Envelope;

    fn path(&self) -> String {
        format!("{PATH}/{}", self.id)
    }

    fn query(&self) -> Vec<(&'static str, String)> {
        self.custom_fields.clone().map(|codes| ("custom_fields", codes)).into_iter().collect()
    }
}

/// Creates an organization. Names are not unique, nothing makes it idempotent (7).
pub(crate) struct CreateOrganization {
    pub(crate) body: Value,
}

impl Endpoint for CreateOrganization {
    const NAME: &'static str = "organizations.create";
    const METHOD: Method = Method::POST;
    const TOKENS: u32 = 5;
    const WRITE: bool = true;

    type Output = Envelope;

    fn path(&self) -> String {
        PATH.to_owned()
    }

    fn body(&self) -> Option<Value> {
        Some(self.body.clone())
    }
}

/// Sets some fields of an organization.
pub(crate) struct UpdateOrganization {
    pub(crate) id: OrgId,
    pub(crate) body: Value,
}

impl Endpoint for UpdateOrganization {
    const NAME: &'static str = "organizations.update";
    const METHOD: Method = Method::PATCH;
    const TOKENS: u32 = 5;
    const WRITE: bool = true;

    type Output = Envelope;

    fn path(&self) -> String {
        format!("{PATH}/{}", self.id)
    }

    fn body(&self) -> Option<Value> {
        Some(self.body.clone())
    }
}

/// An organization as it comes; nullability in the published schema is not to be trusted (8).
#[derive(Debug, Deserialize)]
pub(crate) struct OrganizationDto {
    pub(crate) id: Option<Value>,
    pub(crate) name: Option<Value>,
    /// An object, or null; a text where v1 shines through.
    pub(crate) address: Option<Value>,
    pub(crate) website: Option<Value>,
    /// RFC 3339 in whole seconds.
    pub(crate) update_time: Option<Value>,
    /// Likewise.
    pub(crate) add_time: Option<Value>,
    /// An id, or an object where v1 shines through.
    pub(crate) owner_id: Option<Value>,
    /// Soft deletion; lists leave the deleted out.
    pub(crate) is_deleted: Option<Value>,
    /// Every field asked for by its code, null when unset.
    pub(crate) custom_fields: Option<Value>,
}

/// The parts of an address that we know. What a write leaves out becomes null, so all of them are always sent.
#[derive(Debug, Deserialize)]
pub(crate) struct AddressDto {
    /// Free text.
    pub(crate) value: Option<Value>,
    pub(crate) locality: Option<Value>,
    pub(crate) admin_area_level_1: Option<Value>,
    pub(crate) postal_code: Option<Value>,
    pub(crate) country: Option<Value>,
}
