//! `hubOrganizations`: parties (section 1.2). The item's key is the PartyNumber, not the PartyId.

use std::sync::LazyLock;

use super::resource::{Finder, How, Resource, Writes, attributes};

pub(crate) static PARTIES: LazyLock<Resource> = LazyLock::new(|| Resource {
    name: "hubOrganizations",
    root: "crmRestApi",
    id: "PartyId",
    parent: None,
    key: "PartyNumber",
    opaque: false,
    owner: None,
    attributes: attributes(include_str!("../../fixtures/hub_organizations.txt")),
    finders: FINDERS,
    children: &[
        "AdditionalIdentifier",
        "Address",
        "ContactPoint",
        "Relationship",
        "SourceSystemReference",
        "UsageAssignment",
    ],
    writes: Writes::All,
});

const REFERENCE: &[(&str, &str)] =
    &[("SourceSystem", "SourceSystem"), ("SourceSystemReferenceValue", "SourceSystemReferenceValue")];

const FINDERS: &[Finder] = &[
    Finder::key("PrimaryKey", &[("PartyId", "PartyId")]),
    Finder::key("PartyIdAltKey", &[("PartyId", "PartyId")]),
    Finder::key("PartyNumberAltKey", &[("PartyNumber", "PartyNumber")]),
    Finder::key("PartyNumberRF", &[("PartyNumber", "PartyNumber")]),
    Finder::key("PartyUsageCodeRF", &[("PartyUsageCode", "PartyUsageCode")]),
    Finder { name: "SourceSystemReferenceAltKey", variables: REFERENCE, complete: true, how: How::Reference },
    Finder { name: "SourceSystemReferenceRF", variables: REFERENCE, complete: true, how: How::Reference },
];

/// Party usages that make a party a customer without an account.
pub(crate) const CUSTOMER_USAGES: [&str; 2] = ["CUSTOMER", "EXTERNAL_LEGAL_ENTITY"];
