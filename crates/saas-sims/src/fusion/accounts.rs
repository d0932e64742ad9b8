//! `receivablesCustomerAccountActivities`: customer accounts, read-only (section 1.3).
//!
//! `CustomerName` and `TaxpayerIdentificationNumber` are the party's and follow it; LastUpdateDate is the account's own.

use std::sync::LazyLock;

use super::resource::{Finder, Resource, Writes, attributes};

pub(crate) static ACCOUNTS: LazyLock<Resource> = LazyLock::new(|| Resource {
    name: "receivablesCustomerAccountActivities",
    root: "fscmRestApi",
    id: "AccountId",
    parent: None,
    key: "AccountId",
    opaque: false,
    owner: Some("CustomerId"),
    attributes: attributes(include_str!("../../fixtures/customer_account_activities.txt")),
    finders: FINDERS,
    children: &["creditMemos", "standardReceipts", "transactionAdjustments", "transactionPaymentSchedules"],
    writes: Writes::None,
});

const FINDERS: &[Finder] = &[
    Finder::key("PrimaryKey", &[("AccountId", "AccountId")]),
    Finder::any(
        "CustomerAccountActivitiesFinder",
        &[
            ("AccountNumber", "AccountNumber"),
            ("CustomerName", "CustomerName"),
            ("TaxRegistrationNumber", "TaxRegistrationNumber"),
            ("TaxpayerIdentificationNumber", "TaxpayerIdentificationNumber"),
        ],
    ),
];

/// What an account shows of its party: the account's attribute and the party's.
pub(crate) const FROM_PARTY: [(&str, &str); 2] =
    [("CustomerName", "OrganizationName"), ("TaxpayerIdentificationNumber", "TaxpayerIdentificationNumber")];
