//! `organizationRelationships` of v1: how organizations belong together (pipedrive.md 1.1).

use http::Method;
use saas_http::Endpoint;
use serde::Deserialize;
use serde_json::{Value, json};
use sync_core::ids::{OrgId, RelationId};

use super::{Envelope, offset::OffsetEnvelope};

const PATH: &str = "v1/organizationRelationships";

/// The type that has a parent and a daughter; the other one is `related`.
pub(crate) const PARENT: &str = "parent";

/// The most that the one page of a list holds; nothing turns it.
pub(crate) const PAGE: usize = 100;

/// All relationships of an organization, at either end.
pub(crate) struct ListRelationships {
    pub(crate) org: OrgId,
}

impl Endpoint for ListRelationships {
    const NAME: &'static str = "organization_relationships.list";
    const METHOD: Method = Method::GET;
    const TOKENS: u32 = 20;

    type Output = OffsetEnvelope;

    fn path(&self) -> String {
        PATH.to_owned()
    }

    fn query(&self) -> Vec<(&'static str, String)> {
        vec![("org_id", self.org.to_string())]
    }
}

/// Makes one organization the parent of another. Doing it twice may make two of it, or be refused (UNVERIFIED).
pub(crate) struct CreateRelationship {
    pub(crate) parent: OrgId,
    pub(crate) daughter: OrgId,
}

impl Endpoint for CreateRelationship {
    const NAME: &'static str = "organization_relationships.create";
    const METHOD: Method = Method::POST;
    const TOKENS: u32 = 10;
    const WRITE: bool = true;

    type Output = Envelope;

    fn path(&self) -> String {
        PATH.to_owned()
    }

    fn body(&self) -> Option<Value> {
        let (owner, linked) = (self.parent.0, self.daughter.0);
        Some(json!({ "type": PARENT, "rel_owner_org_id": owner, "rel_linked_org_id": linked }))
    }
}

/// Ends a relationship.
pub(crate) struct DeleteRelationship {
    pub(crate) id: RelationId,
}

impl Endpoint for DeleteRelationship {
    const NAME: &'static str = "organization_relationships.delete";
    const METHOD: Method = Method::DELETE;
    const TOKENS: u32 = 6;
    const WRITE: bool = true;

    type Output = Envelope;

    fn path(&self) -> String {
        format!("{PATH}/{}", self.id)
    }
}

/// The part of a relationship that we need.
#[derive(Debug, Deserialize)]
pub(crate) struct RelationshipDto {
    pub(crate) id: Option<Value>,
    pub(crate) r#type: Option<Value>,
    /// An id, or an object with the id in `value`.
    pub(crate) rel_owner_org_id: Option<Value>,
    /// Like the owner.
    pub(crate) rel_linked_org_id: Option<Value>,
    /// `"true"` as a text, in the schema and in its examples.
    pub(crate) active_flag: Option<Value>,
}
