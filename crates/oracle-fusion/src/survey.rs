//! Whether a pod has what we read of it, looked at with as few requests as can be: for people who ask before anything
//! is synchronized.

use saas_http::{Answer, Endpoint};
use serde::Deserialize;
use serde_json::Value;
use sync_core::{
    ids::{AccountId, PartyId},
    model::Seen,
    poll::ErpRead,
    ports::Called,
};

use crate::{
    api::{
        describe::Describe,
        hub_organizations,
        receivables_customer_account_activities::{self, ListAccounts},
    },
    client::Fusion,
    convert, query,
};

/// What is read of a pod.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Subject {
    /// `hubOrganizations` (oracle-fusion.md 1.2).
    Parties,
    /// `receivablesCustomerAccountActivities` (1.3).
    Accounts,
}

/// How the description of a resource compares with what we read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Shape {
    /// What is missing for us: attributes that are gone, and those that cannot be asked by any more.
    pub unfit: Vec<String>,
    /// Attributes that only the expressions of this connection read, and that are not there.
    pub own_unknown: Vec<String>,
}

impl Subject {
    /// The resource's name in paths.
    #[must_use]
    pub fn resource(self) -> &'static str {
        match self {
            Self::Parties => "hubOrganizations",
            Self::Accounts => "receivablesCustomerAccountActivities",
        }
    }

    fn root(self) -> &'static str {
        match self {
            Self::Parties => "crmRestApi",
            Self::Accounts => "fscmRestApi",
        }
    }

    fn fields(self) -> &'static str {
        match self {
            Self::Parties => hub_organizations::FIELDS,
            Self::Accounts => receivables_customer_account_activities::FIELDS,
        }
    }

    fn id(self) -> &'static str {
        match self {
            Self::Parties => "PartyId",
            Self::Accounts => "AccountId",
        }
    }
}

impl Fusion {
    /// Compares the pod's description of a resource with what we read of it. Unlike preparing, it tells when a pod does
    /// not describe the resource.
    ///
    /// # Errors
    /// As every call.
    pub async fn shape(&self, subject: Subject) -> Called<Shape> {
        let describe =
            Describe { root: subject.root(), api_version: self.api_version(), resource: subject.resource() };
        let described = self.call(&describe).await?.value;
        let asked = [subject.id(), "LastUpdateDate"];
        let unfit = described.missing(subject.resource(), subject.fields(), &asked);
        let own = match subject {
            Subject::Parties => self.extra().attributes(),
            Subject::Accounts => Vec::new(),
        };
        let own_unknown = own.into_iter().filter(|name| described.lacks(subject.resource(), name));
        Ok(Shape { unfit, own_unknown: own_unknown.map(str::to_owned).collect() })
    }

    /// Whether our user sees any row of a resource. None at all, with status 200, is how a pod answers a user without
    /// access to the data (4.8).
    ///
    /// # Errors
    /// As every call.
    pub async fn sees_any(&self, subject: Subject) -> Called<bool> {
        let sample =
            Sample { subject, api_version: self.api_version(), condition: String::new(), count: false };
        let Answer { value, .. } = self.call(&sample).await?;
        Ok(!value.items.is_empty())
    }

    /// Some AR account with its party, if our user sees any.
    ///
    /// # Errors
    /// As every call.
    pub async fn first_account(&self) -> Called<Option<(AccountId, PartyId)>> {
        let list =
            ListAccounts { api_version: self.api_version(), read: ErpRead::ById { after: 0 }, limit: 1 };
        let found = self.page(list, convert::account).await?.rows;
        Ok(found.into_iter().find_map(|seen| match seen {
            Seen::Record(account) => Some((account.id, account.party)),
            Seen::Malformed(_) => None,
        }))
    }

    /// How many parties have one of these usages, by the pod's own estimate, if it gives one. Counting may fail on a pod
    /// where reading does not (4.1): never needed, only nice to know.
    ///
    /// # Errors
    /// As every call.
    pub async fn estimate_of_usages(&self, usages: &[String]) -> Called<Option<u64>> {
        let usages: Vec<String> =
            usages.iter().map(|usage| format!("'{}'", usage.replace('\'', "''"))).collect();
        let condition = format!(" and PartyUsageCode in ({})", usages.join(", "));
        self.estimate(Subject::Parties, condition).await
    }

    /// Whether our user sees any party with this usage.
    ///
    /// # Errors
    /// As every call.
    pub async fn sees_usage(&self, usage: &str) -> Called<bool> {
        let condition = format!(" and PartyUsageCode = '{}'", usage.replace('\'', "''"));
        let sample =
            Sample { subject: Subject::Parties, api_version: self.api_version(), condition, count: false };
        Ok(!self.call(&sample).await?.value.items.is_empty())
    }

    /// How many rows of a resource our user sees, by the pod's own estimate, if it gives one.
    ///
    /// # Errors
    /// As every call.
    pub async fn estimate_of_all(&self, subject: Subject) -> Called<Option<u64>> {
        self.estimate(subject, String::new()).await
    }

    async fn estimate(&self, subject: Subject, condition: String) -> Called<Option<u64>> {
        let sample = Sample { subject, api_version: self.api_version(), condition, count: true };
        let Answer { value, .. } = self.call(&sample).await?;
        Ok(value.total)
    }
}

/// One row of a resource at most; on request with an estimate of how many there are.
struct Sample<'a> {
    subject: Subject,
    api_version: &'a str,
    /// What is asked beside the id, beginning with `and`.
    condition: String,
    count: bool,
}

/// The part of a page that tells how much there is.
#[derive(Debug, Deserialize)]
struct Sampled {
    items: Vec<Value>,
    #[serde(rename = "totalResults")]
    total: Option<u64>,
}

impl Endpoint for Sample<'_> {
    const NAME: &'static str = "sample";
    const METHOD: http::Method = http::Method::GET;

    type Output = Sampled;

    fn path(&self) -> String {
        format!("{}/resources/{}/{}", self.subject.root(), self.api_version, self.subject.resource())
    }

    fn query(&self) -> Vec<(&'static str, String)> {
        let id = self.subject.id();
        let condition = format!("{id} > 0{}", self.condition);
        let mut query = query::of(condition, format!("{id}:asc"), Some(id), 1);
        if self.count {
            query.push(("totalResults", "true".to_owned()));
        }
        query
    }
}
