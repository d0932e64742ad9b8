//! `hubOrganizations` beyond the list: find by finder, create, change, children (oracle-fusion.md 1.2, 1.4, 4.6, 4.7).

use http::{HeaderName, HeaderValue, Method, header};
use saas_http::{Endpoint, encode};
use serde::{Deserialize, de::IgnoredAny};
use serde_json::Value;
use sync_core::matching::Company;

use super::{Collection, hub_organizations};
use crate::query;

/// Media type of one item.
const ITEM: &str = "application/vnd.oracle.adf.resourceitem+json";

/// The parties that a finder finds.
pub(crate) struct FindParties<'a> {
    pub(crate) api_version: &'a str,
    /// The finder's name.
    pub(crate) finder: &'static str,
    /// Its variables and their values; see [`sayable`].
    pub(crate) variables: Vec<(&'static str, &'a str)>,
    pub(crate) limit: u32,
}

/// Whether a finder's variable can take this value: its separators cannot be quoted.
pub(crate) fn sayable(value: &str) -> bool {
    !value.trim().is_empty() && !value.contains([',', ';', '='])
}

impl Endpoint for FindParties<'_> {
    const NAME: &'static str = "hub_organizations.find";
    const METHOD: Method = Method::GET;

    type Output = Collection;

    fn path(&self) -> String {
        format!("crmRestApi/resources/{}/hubOrganizations", self.api_version)
    }

    /// `;` and `,` separate and stay as they are; only values are encoded (4.2).
    fn encoded_query(&self) -> Option<String> {
        let variables = self.variables.iter().map(|(name, value)| format!("{name}={}", encode(value)));
        Some(format!("finder={};{}", self.finder, variables.collect::<Vec<_>>().join(",")))
    }

    fn query(&self) -> Vec<(&'static str, String)> {
        vec![
            ("fields", hub_organizations::FIELDS.to_owned()),
            ("onlyData", "true".to_owned()),
            ("limit", self.limit.to_string()),
        ]
    }
}

/// Creates a party with its children, all or nothing.
pub(crate) struct CreateParty<'a> {
    pub(crate) api_version: &'a str,
    pub(crate) party: Value,
}

impl Endpoint for CreateParty<'_> {
    const NAME: &'static str = "hub_organizations.create";
    const METHOD: Method = Method::POST;
    const WRITE: bool = true;
    const CONTENT_TYPE: &'static str = ITEM;

    type Output = CreatedPartyDto;

    fn path(&self) -> String {
        format!("crmRestApi/resources/{}/hubOrganizations", self.api_version)
    }

    fn body(&self) -> Option<Value> {
        Some(self.party.clone())
    }
}

/// The keys of a new party. The echo of `SourceSystem*` is null and proves nothing (1.4).
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct CreatedPartyDto {
    pub(crate) party_id: Option<Value>,
    pub(crate) party_number: Option<Value>,
}

/// A party as it is now, with links: without `onlyData`, which drops the change indicator (4.2).
pub(crate) struct GetParty<'a> {
    pub(crate) api_version: &'a str,
    pub(crate) number: &'a str,
}

impl Endpoint for GetParty<'_> {
    const NAME: &'static str = "hub_organizations.get";
    const METHOD: Method = Method::GET;

    type Output = Value;

    fn path(&self) -> String {
        format!("crmRestApi/resources/{}/hubOrganizations/{}", self.api_version, encode(self.number))
    }
}

/// Changes attributes of a party.
pub(crate) struct UpdateParty<'a> {
    pub(crate) api_version: &'a str,
    pub(crate) number: &'a str,
    pub(crate) changes: Value,
    /// Only if it is still this version.
    pub(crate) if_match: Option<HeaderValue>,
}

impl Endpoint for UpdateParty<'_> {
    const NAME: &'static str = "hub_organizations.update";
    const METHOD: Method = Method::PATCH;
    const WRITE: bool = true;
    const CONTENT_TYPE: &'static str = ITEM;

    type Output = IgnoredAny;

    fn path(&self) -> String {
        format!("crmRestApi/resources/{}/hubOrganizations/{}", self.api_version, encode(self.number))
    }

    fn body(&self) -> Option<Value> {
        Some(self.changes.clone())
    }

    fn headers(&self) -> Vec<(HeaderName, HeaderValue)> {
        self.if_match.iter().map(|version| (header::IF_MATCH, version.clone())).collect()
    }
}

/// Adds a child to a party.
pub(crate) struct AddChild<'a> {
    pub(crate) api_version: &'a str,
    pub(crate) number: &'a str,
    /// `Address`, `UsageAssignment`, `SourceSystemReference`.
    pub(crate) child: &'static str,
    pub(crate) row: Value,
}

impl Endpoint for AddChild<'_> {
    const NAME: &'static str = "hub_organizations.add_child";
    const METHOD: Method = Method::POST;
    const WRITE: bool = true;
    const CONTENT_TYPE: &'static str = ITEM;

    type Output = Value;

    fn path(&self) -> String {
        child(self.api_version, self.number, self.child)
    }

    fn body(&self) -> Option<Value> {
        Some(self.row.clone())
    }
}

/// What a party is used as.
pub(crate) struct ListUsages<'a> {
    pub(crate) api_version: &'a str,
    pub(crate) number: &'a str,
    pub(crate) limit: u32,
}

impl Endpoint for ListUsages<'_> {
    const NAME: &'static str = "hub_organizations.usages";
    const METHOD: Method = Method::GET;

    type Output = Collection;

    fn path(&self) -> String {
        child(self.api_version, self.number, "UsageAssignment")
    }

    fn query(&self) -> Vec<(&'static str, String)> {
        vec![("onlyData", "true".to_owned()), ("limit", self.limit.to_string())]
    }
}

/// Parties of any usage that share an id or the name with a company.
pub(crate) struct ListLike<'a> {
    pub(crate) api_version: &'a str,
    /// The condition, see [`like`].
    pub(crate) condition: String,
    pub(crate) limit: u32,
}

impl Endpoint for ListLike<'_> {
    const NAME: &'static str = "hub_organizations.like";
    const METHOD: Method = Method::GET;

    type Output = Collection;

    fn path(&self) -> String {
        format!("crmRestApi/resources/{}/hubOrganizations", self.api_version)
    }

    fn query(&self) -> Vec<(&'static str, String)> {
        let order = "PartyId:asc".to_owned();
        query::of(self.condition.clone(), order, Some(hub_organizations::FIELDS), self.limit)
    }
}

/// The condition under which a party may be this company: all of these attributes are queryable (1.2). None if nothing is
/// known of it.
pub(crate) fn like(names: &[String], tax_ids: &[String], duns: Option<&str>) -> Option<String> {
    let same = |attribute: &str, value: &str| format!("{attribute} = '{}'", value.trim().replace('\'', "''"));
    let said = |value: &&String| !value.trim().is_empty();
    let mut any: Vec<String> = Vec::new();
    for name in names.iter().filter(said) {
        // Letter case is the ERP's business, accents are not: what only differs in those is found among what was polled.
        any.push(same("upper(OrganizationName)", &name.to_uppercase()));
    }
    any.extend(tax_ids.iter().filter(said).map(|id| same("TaxpayerIdentificationNumber", id)));
    any.extend(duns.map(|duns| same("DUNSNumber", duns)));
    (!any.is_empty()).then(|| any.join(" or "))
}

/// What the pod's own duplicate identification takes for the same company (1.2, 1.5; docs:
/// op-huborganizations-action-findduplicates-post). It needs a subscription and a match configuration, and changes nothing.
pub(crate) struct FindDuplicates<'a> {
    pub(crate) api_version: &'a str,
    pub(crate) name: &'a str,
    pub(crate) company: &'a Company,
}

impl Endpoint for FindDuplicates<'_> {
    const NAME: &'static str = "hub_organizations.find_duplicates";
    const METHOD: Method = Method::POST;
    const CONTENT_TYPE: &'static str = "application/vnd.oracle.adf.action+json";

    type Output = DuplicatesDto;

    fn path(&self) -> String {
        format!("crmRestApi/resources/{}/hubOrganizations/action/findDuplicates", self.api_version)
    }

    fn body(&self) -> Option<Value> {
        let Company { tax_ids, duns, address, country, .. } = self.company;
        let mut said = serde_json::Map::new();
        let mut say = |attribute: &str, value: Option<&str>| {
            if let Some(value) = value.map(str::trim).filter(|value| !value.is_empty()) {
                said.insert(attribute.to_owned(), value.into());
            }
        };
        say("OrganizationName", Some(self.name));
        say("TaxpayerIdentificationNumber", tax_ids.first().map(String::as_str));
        say("DUNSNumber", duns.as_deref());
        if let Some(address) = address {
            say("City", address.locality.as_deref());
            say("State", address.region.as_deref());
            say("PostalCode", address.postal_code.as_deref());
        }
        let of_address = address.as_ref().and_then(|address| address.country.as_deref());
        say("Country", of_address.or(country.as_deref()));
        Some(serde_json::json!({ "hubOrganization": said }))
    }
}

/// Parties that may be the same; of each only its id is read, whatever else is told of it.
#[derive(Debug, Deserialize)]
pub(crate) struct DuplicatesDto {
    #[serde(default)]
    pub(crate) result: Option<Vec<DuplicateDto>>,
}

/// One of them. Ids are numbers in most answers of Fusion and texts in this one's example.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct DuplicateDto {
    #[serde(default)]
    pub(crate) party_id: Value,
}

/// The addresses of a party, by id.
pub(crate) struct ListAddresses<'a> {
    pub(crate) api_version: &'a str,
    pub(crate) number: &'a str,
    /// Those with a greater id.
    pub(crate) after: i64,
    pub(crate) limit: u32,
}

const ADDRESS_FIELDS: &str = "AddressId,AddressNumber,AddressType,Address1,Address2,Address3,Address4,City,County,State,\
                              Province,PostalCode,Country,PrimaryFlag,Status,SourceSystem,SourceSystemReferenceValue";

impl Endpoint for ListAddresses<'_> {
    const NAME: &'static str = "hub_organizations.addresses";
    const METHOD: Method = Method::GET;

    type Output = Collection;

    fn path(&self) -> String {
        child(self.api_version, self.number, "Address")
    }

    fn query(&self) -> Vec<(&'static str, String)> {
        let condition = format!("AddressId > {}", self.after);
        query::of(condition, "AddressId:asc".to_owned(), Some(ADDRESS_FIELDS), self.limit)
    }
}

fn child(api_version: &str, number: &str, child: &str) -> String {
    format!("crmRestApi/resources/{api_version}/hubOrganizations/{}/child/{child}", encode(number))
}

/// An address as it comes.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct AddressDto {
    /// The `PartySiteId` of SOAP.
    pub(crate) address_id: Option<Value>,
    pub(crate) address_number: Option<Value>,
    pub(crate) address_type: Option<Value>,
    pub(crate) address1: Option<Value>,
    pub(crate) address2: Option<Value>,
    pub(crate) address3: Option<Value>,
    pub(crate) address4: Option<Value>,
    pub(crate) city: Option<Value>,
    pub(crate) county: Option<Value>,
    pub(crate) state: Option<Value>,
    pub(crate) province: Option<Value>,
    pub(crate) postal_code: Option<Value>,
    pub(crate) country: Option<Value>,
    /// A boolean; older descriptions say Y and N.
    pub(crate) primary_flag: Option<Value>,
    pub(crate) status: Option<Value>,
    pub(crate) source_system: Option<Value>,
    pub(crate) source_system_reference_value: Option<Value>,
}

#[cfg(test)]
mod tests {
    use super::like;

    #[test]
    fn whoever_has_the_name_or_an_id_is_asked_for_and_quotes_are_doubled() {
        let some = |text: &str| vec![text.to_owned()];
        assert_eq!(
            like(&some("L'Oréal"), &some(" FR1 "), Some("123456789")).as_deref(),
            Some(
                "upper(OrganizationName) = 'L''ORÉAL' or TaxpayerIdentificationNumber = 'FR1' or DUNSNumber = '123456789'"
            )
        );
        assert_eq!(like(&some(" "), &[], None), None);
    }
}
