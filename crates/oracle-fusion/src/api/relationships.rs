//! `hubOrganizations` with their `Relationship` children (oracle-fusion.md 1.2).
//!
//! `expand` and `fields` cannot be combined (4.2), so that a page has all 151 attributes of every party: dear in bytes,
//! but one request for some hundred parties. Read party by party it would be one request each.

use http::Method;
use saas_http::{Endpoint, encode};
use serde::Deserialize;
use serde_json::Value;

use super::Collection;
use crate::query;

/// Parties a page: 100 rows with four expanded children took up to 6.7 seconds (4.1).
pub(crate) const MOST_PARTIES: u32 = 200;

/// One page of parties with all that they are to others.
pub(crate) struct ListWithRelationships<'a> {
    pub(crate) api_version: &'a str,
    /// Those with a greater id.
    pub(crate) after: i64,
    pub(crate) limit: u32,
}

impl Endpoint for ListWithRelationships<'_> {
    const NAME: &'static str = "hub_organizations.relationships";
    const METHOD: Method = Method::GET;

    type Output = Collection;

    fn path(&self) -> String {
        format!("crmRestApi/resources/{}/hubOrganizations", self.api_version)
    }

    fn query(&self) -> Vec<(&'static str, String)> {
        let condition = format!("PartyId > {}", self.after);
        let mut query = query::of(condition, "PartyId:asc".to_owned(), None, self.limit);
        query.push(("expand", CHILD.to_owned()));
        query
    }
}

/// The child's name, and that of the attribute which holds its rows when it is expanded.
pub(crate) const CHILD: &str = "Relationship";

const FIELDS: &str = "RelationshipRecId,RelationshipId,RelationshipType,RelationshipCode,SubjectPartyId,ObjectPartyId,\
                      Status,StartDate,EndDate,LastUpdateDate";

/// The relationships of one party, for those that have more than fit into an expanded page.
pub(crate) struct ListRelationships<'a> {
    pub(crate) api_version: &'a str,
    pub(crate) number: &'a str,
    /// Those rows with a greater `RelationshipRecId`.
    pub(crate) after: i64,
    pub(crate) limit: u32,
}

impl Endpoint for ListRelationships<'_> {
    const NAME: &'static str = "hub_organizations.relationships_of";
    const METHOD: Method = Method::GET;

    type Output = Collection;

    fn path(&self) -> String {
        let (version, number) = (self.api_version, encode(self.number));
        format!("crmRestApi/resources/{version}/hubOrganizations/{number}/child/{CHILD}")
    }

    fn query(&self) -> Vec<(&'static str, String)> {
        let condition = format!("RelationshipRecId > {}", self.after);
        query::of(condition, "RelationshipRecId:asc".to_owned(), Some(FIELDS), self.limit)
    }
}

/// A relationship as it comes: 9 of 56 attributes.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct RelationshipDto {
    /// The same in the rows of both parties.
    pub(crate) relationship_id: Option<Value>,
    pub(crate) relationship_type: Option<Value>,
    /// What the subject is to the object.
    pub(crate) relationship_code: Option<Value>,
    pub(crate) subject_party_id: Option<Value>,
    pub(crate) object_party_id: Option<Value>,
    /// A or I.
    pub(crate) status: Option<Value>,
    pub(crate) start_date: Option<Value>,
    /// 4712-12-31 while it is open.
    pub(crate) end_date: Option<Value>,
    pub(crate) last_update_date: Option<Value>,
}
