//! `hubPersons`: people, whom a relationship makes contacts of a party (docs: faaps, api-hub-persons; what it takes is
//! UNVERIFIED on a pod, so that every refusal ends in words that a person reads).

use http::Method;
use saas_http::{Endpoint, encode};
use serde::Deserialize;
use serde_json::Value;

use super::Collection;
use crate::query;

/// Media type of one item.
const ITEM: &str = "application/vnd.oracle.adf.resourceitem+json";

/// What makes a person a contact of an organization: seen from the person, and seen from the organization.
pub(crate) const CONTACT_OF: &str = "CONTACT_OF";

/// The type of such relationships.
pub(crate) const CONTACT: &str = "CONTACT";

fn collection(api_version: &str) -> String {
    format!("crmRestApi/resources/{api_version}/hubPersons")
}

/// The persons that carry a reference, as parties are found by theirs (oracle-fusion.md 1.2).
pub(crate) struct FindPersons<'a> {
    pub(crate) api_version: &'a str,
    pub(crate) system: &'a str,
    pub(crate) value: &'a str,
    pub(crate) limit: u32,
}

impl Endpoint for FindPersons<'_> {
    const NAME: &'static str = "hub_persons.find";
    const METHOD: Method = Method::GET;

    type Output = Collection;

    fn path(&self) -> String {
        collection(self.api_version)
    }

    /// `;` and `,` separate and stay as they are; only values are encoded (oracle-fusion.md 4.2).
    fn encoded_query(&self) -> Option<String> {
        let (system, value) = (encode(self.system), encode(self.value));
        Some(format!(
            "finder=SourceSystemReferenceRF;SourceSystem={system},SourceSystemReferenceValue={value}"
        ))
    }

    fn query(&self) -> Vec<(&'static str, String)> {
        vec![
            ("fields", "PartyId,PartyNumber,Status".to_owned()),
            ("onlyData", "true".to_owned()),
            ("limit", self.limit.to_string()),
        ]
    }
}

/// Creates a person with its reference.
pub(crate) struct CreatePerson<'a> {
    pub(crate) api_version: &'a str,
    pub(crate) person: Value,
}

impl Endpoint for CreatePerson<'_> {
    const NAME: &'static str = "hub_persons.create";
    const METHOD: Method = Method::POST;
    const WRITE: bool = true;
    const CONTENT_TYPE: &'static str = ITEM;

    type Output = PersonDto;

    fn path(&self) -> String {
        collection(self.api_version)
    }

    fn body(&self) -> Option<Value> {
        Some(self.person.clone())
    }
}

/// A person's keys and its status.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct PersonDto {
    pub(crate) party_id: Option<Value>,
    pub(crate) party_number: Option<Value>,
    pub(crate) status: Option<Value>,
}

const FIELDS: &str = "RelationshipRecId,RelationshipId,RelationshipType,RelationshipCode,SubjectPartyId,\
                      SubjectPartyName,ObjectPartyId,ObjectPartyName,Status,EndDate";

/// What one party, a person or an organization, is to others.
pub(crate) struct ListContacts<'a> {
    pub(crate) api_version: &'a str,
    /// `hubPersons` or `hubOrganizations`.
    pub(crate) of: &'static str,
    pub(crate) number: &'a str,
    /// Those rows with a greater `RelationshipRecId`.
    pub(crate) after: i64,
    pub(crate) limit: u32,
}

impl Endpoint for ListContacts<'_> {
    const NAME: &'static str = "hub_parties.contacts";
    const METHOD: Method = Method::GET;

    type Output = Collection;

    fn path(&self) -> String {
        let Self { api_version, of, number, .. } = self;
        format!("crmRestApi/resources/{api_version}/{of}/{}/child/Relationship", encode(number))
    }

    fn query(&self) -> Vec<(&'static str, String)> {
        let condition = format!("RelationshipRecId > {}", self.after);
        query::of(condition, "RelationshipRecId:asc".to_owned(), Some(FIELDS), self.limit)
    }
}

/// Adds a relationship to a person.
pub(crate) struct RelatePerson<'a> {
    pub(crate) api_version: &'a str,
    pub(crate) number: &'a str,
    pub(crate) row: Value,
}

impl Endpoint for RelatePerson<'_> {
    const NAME: &'static str = "hub_persons.add_relationship";
    const METHOD: Method = Method::POST;
    const WRITE: bool = true;
    const CONTENT_TYPE: &'static str = ITEM;

    type Output = ContactDto;

    fn path(&self) -> String {
        format!("{}/{}/child/Relationship", collection(self.api_version), encode(self.number))
    }

    fn body(&self) -> Option<Value> {
        Some(self.row.clone())
    }
}

/// A relationship between a person and a party, from either side.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct ContactDto {
    /// The same in the rows of both parties.
    pub(crate) relationship_id: Option<Value>,
    pub(crate) relationship_code: Option<Value>,
    pub(crate) subject_party_id: Option<Value>,
    pub(crate) subject_party_name: Option<Value>,
    pub(crate) object_party_id: Option<Value>,
    pub(crate) object_party_name: Option<Value>,
    /// A or I.
    pub(crate) status: Option<Value>,
    /// 4712-12-31 while it is open.
    pub(crate) end_date: Option<Value>,
}
