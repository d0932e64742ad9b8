//! `GET receivablesCustomerAccountActivities`: AR accounts; `CustomerId` is the party (oracle-fusion.md 1.3).

use http::Method;
use saas_http::Endpoint;
use serde::Deserialize;
use serde_json::Value;
use sync_core::poll::ErpRead;

use super::Collection;
use crate::query;

/// What is decoded, hence what is asked for. The totals are left out: they cost the server and bump no stamp.
pub(crate) const FIELDS: &str = "AccountId,AccountNumber,CustomerId,LastUpdateDate";

/// One page of AR accounts.
pub(crate) struct ListAccounts<'a> {
    pub(crate) api_version: &'a str,
    pub(crate) read: ErpRead,
    pub(crate) limit: u32,
}

impl Endpoint for ListAccounts<'_> {
    const NAME: &'static str = "receivables_customer_account_activities.list";
    const METHOD: Method = Method::GET;

    type Output = Collection;

    fn path(&self) -> String {
        format!("fscmRestApi/resources/{}/receivablesCustomerAccountActivities", self.api_version)
    }

    fn query(&self) -> Vec<(&'static str, String)> {
        query::page(self.read, "AccountId", FIELDS, self.limit)
    }
}

/// One page of the accounts of one party, by id (`CustomerId` is queryable, oracle-fusion.md 1.3).
pub(crate) struct ListAccountsOf<'a> {
    pub(crate) api_version: &'a str,
    pub(crate) party: i64,
    /// Those with a greater id.
    pub(crate) after: i64,
    pub(crate) limit: u32,
}

impl Endpoint for ListAccountsOf<'_> {
    const NAME: &'static str = "receivables_customer_account_activities.of_party";
    const METHOD: Method = Method::GET;

    type Output = Collection;

    fn path(&self) -> String {
        format!("fscmRestApi/resources/{}/receivablesCustomerAccountActivities", self.api_version)
    }

    fn query(&self) -> Vec<(&'static str, String)> {
        let condition = format!("CustomerId = {} and AccountId > {}", self.party, self.after);
        query::of(condition, "AccountId:asc".to_owned(), Some(FIELDS), self.limit)
    }
}

/// An account as it comes.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct AccountDto {
    /// `CustomerAccountId`, int64.
    pub(crate) account_id: Option<Value>,
    /// Up to 30 characters.
    pub(crate) account_number: Option<Value>,
    /// `PartyId`, int64.
    pub(crate) customer_id: Option<Value>,
    /// Of the account itself, not of its balance.
    pub(crate) last_update_date: Option<Value>,
}
