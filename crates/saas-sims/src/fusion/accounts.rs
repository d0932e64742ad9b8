//! `receivablesCustomerAccountActivities`: customer accounts, read-only (section 1.3).
//!
//! `CustomerName` and `TaxpayerIdentificationNumber` are the party's and follow it; LastUpdateDate is the account's own.

use std::sync::LazyLock;

use super::resource::{Finder, Resource, attributes};

pub(crate) static ACCOUNTS: LazyLock<Resource> = LazyLock::new(|| Resource {
    name: "receivablesCustomerAccountActivities",
    root: "fscmRestApi",
    id: "AccountId",
    key: "AccountId",
    owner: Some("CustomerId"),
    attributes: attributes(include_str!("../../fixtures/customer_account_activities.txt")),
    finders: FINDERS,
    children: &["creditMemos", "standardReceipts", "transactionAdjustments", "transactionPaymentSchedules"],
});

const FINDERS: &[Finder] = &[
    Finder { name: "PrimaryKey", variables: &["AccountId"], complete: true },
    Finder {
        name: "CustomerAccountActivitiesFinder",
        variables: &[
            "AccountNumber",
            "CustomerName",
            "TaxRegistrationNumber",
            "TaxpayerIdentificationNumber",
        ],
        complete: false,
    },
];

/// What an account shows of its party: the account's attribute and the party's.
pub(crate) const FROM_PARTY: [(&str, &str); 2] =
    [("CustomerName", "OrganizationName"), ("TaxpayerIdentificationNumber", "TaxpayerIdentificationNumber")];
