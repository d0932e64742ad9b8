//! `GET hubOrganizations`: parties, suppliers and banks among them (oracle-fusion.md 1.2).
//!
//! Under crmRestApi only; fscmRestApi answers 404. No CX licence is needed (0).

use http::Method;
use saas_http::Endpoint;
use serde::Deserialize;
use serde_json::Value;
use sync_core::poll::ErpRead;

use super::Collection;
use crate::query;

/// What is decoded, hence what is asked for.
pub(crate) const FIELDS: &str = "PartyId,PartyNumber,OrganizationName,PartyUsageCode,Status,TaxpayerIdentificationNumber,URL,\
                      RawPhoneNumber,DUNSNumber,EmailAddress,CurrencyCode,Address1,Address2,Address3,Address4,City,State,Province,PostalCode,Country,\
                      LastUpdateDate";

/// One page of parties.
pub(crate) struct ListParties<'a> {
    pub(crate) api_version: &'a str,
    pub(crate) read: ErpRead,
    pub(crate) limit: u32,
    /// Attributes to show; none for all of them.
    pub(crate) fields: Option<String>,
    /// Children to show; cannot be combined with `fields` (4.2).
    pub(crate) expand: Option<String>,
}

impl Endpoint for ListParties<'_> {
    const NAME: &'static str = "hub_organizations.list";
    const METHOD: Method = Method::GET;

    type Output = Collection;

    fn path(&self) -> String {
        format!("crmRestApi/resources/{}/hubOrganizations", self.api_version)
    }

    fn query(&self) -> Vec<(&'static str, String)> {
        let (condition, order) = (query::condition(self.read, "PartyId"), query::order(self.read, "PartyId"));
        let mut query = query::of(condition, order, self.fields.as_deref(), self.limit);
        query.extend(self.expand.clone().map(|children| ("expand", children)));
        query
    }
}

/// The party with this identity (queryable, oracle-fusion.md 1.2).
pub(crate) struct ListParty<'a> {
    pub(crate) api_version: &'a str,
    pub(crate) id: i64,
    /// Attributes to show; none for all of them.
    pub(crate) fields: Option<String>,
    /// Children to show; cannot be combined with `fields` (4.2).
    pub(crate) expand: Option<String>,
}

impl Endpoint for ListParty<'_> {
    const NAME: &'static str = "hub_organizations.one";
    const METHOD: Method = Method::GET;

    type Output = Collection;

    fn path(&self) -> String {
        format!("crmRestApi/resources/{}/hubOrganizations", self.api_version)
    }

    fn query(&self) -> Vec<(&'static str, String)> {
        let condition = format!("PartyId = {}", self.id);
        let mut query = query::of(condition, "PartyId:asc".to_owned(), self.fields.as_deref(), 2);
        query.extend(self.expand.clone().map(|children| ("expand", children)));
        query
    }
}

/// A party as it comes: 21 of 151 properties, each of any type, each perhaps null.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct PartyDto {
    /// int64, up to 18 digits.
    pub(crate) party_id: Option<Value>,
    /// Up to 30 characters; the key in URLs.
    pub(crate) party_number: Option<Value>,
    /// Up to 360 characters.
    pub(crate) organization_name: Option<Value>,
    pub(crate) party_usage_code: Option<Value>,
    /// Lookup HZ_STATUS.
    pub(crate) status: Option<Value>,
    pub(crate) taxpayer_identification_number: Option<Value>,
    #[serde(rename = "URL")]
    pub(crate) url: Option<Value>,
    pub(crate) raw_phone_number: Option<Value>,
    #[serde(rename = "DUNSNumber")]
    pub(crate) duns_number: Option<Value>,
    pub(crate) email_address: Option<Value>,
    /// ISO 4217.
    pub(crate) currency_code: Option<Value>,
    /// The flattened primary address begins.
    pub(crate) address1: Option<Value>,
    pub(crate) address2: Option<Value>,
    pub(crate) address3: Option<Value>,
    pub(crate) address4: Option<Value>,
    pub(crate) city: Option<Value>,
    pub(crate) state: Option<Value>,
    /// Where countries have provinces instead of states.
    pub(crate) province: Option<Value>,
    pub(crate) postal_code: Option<Value>,
    /// ISO 3166 alpha-2.
    pub(crate) country: Option<Value>,
    /// Milliseconds or none, `+00:00` (4.3).
    pub(crate) last_update_date: Option<Value>,
}
