//! `hubOrganizations`: parties (section 1.2). The item's key is the PartyNumber, not the PartyId.

use std::sync::LazyLock;

use super::resource::{Finder, Resource, attributes};

pub(crate) static PARTIES: LazyLock<Resource> = LazyLock::new(|| Resource {
    name: "hubOrganizations",
    root: "crmRestApi",
    id: "PartyId",
    key: "PartyNumber",
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
});

const FINDERS: &[Finder] = &[
    Finder { name: "PrimaryKey", variables: &["PartyId"], complete: true },
    Finder { name: "PartyIdAltKey", variables: &["PartyId"], complete: true },
    Finder { name: "PartyNumberAltKey", variables: &["PartyNumber"], complete: true },
    Finder { name: "PartyNumberRF", variables: &["PartyNumber"], complete: true },
    Finder { name: "PartyUsageCodeRF", variables: &["PartyUsageCode"], complete: true },
    Finder {
        name: "SourceSystemReferenceAltKey",
        variables: &["SourceSystem", "SourceSystemReferenceValue"],
        complete: true,
    },
    Finder {
        name: "SourceSystemReferenceRF",
        variables: &["SourceSystem", "SourceSystemReferenceValue"],
        complete: true,
    },
];

/// Party usages that make a party a customer without an account.
pub(crate) const CUSTOMER_USAGES: [&str; 2] = ["CUSTOMER", "EXTERNAL_LEGAL_ENTITY"];
