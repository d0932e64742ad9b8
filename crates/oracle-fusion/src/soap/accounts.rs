//! `CustomerAccountService`: accounts, their sites, what the sites are for (oracle-fusion.md 1.4, step 2).
//!
//! createCustomerAccount is not idempotent: look for the reference first, and again after every doubt.

use saas_http::Answer;
use sync_core::{
    customers::{FoundAccount, NewAccount, NewAccountContact, NewSite, Reference},
    error::{CallError, ErrorKind},
    ids::{AccountId, AccountSiteId},
    ports::Called,
};

use super::{
    call::{Operation, Service, SoapCall},
    fault, read,
    tree::Element,
    write::{leaf, maybe, node},
};
use crate::client::Fusion;

/// Content of an account.
pub(crate) const ACCOUNT: &str =
    "http://xmlns.oracle.com/apps/cdm/foundation/parties/customerAccountService/";

/// External; `I` would be internal (1.4 on who has that wrong).
const EXTERNAL: &str = "R";

/// What somebody is to an account whom it writes to.
const CONTACT: &str = "CONTACT";

pub(crate) struct Accounts;

impl Service for Accounts {
    const PATH: &'static str = "crmService/CustomerAccountService";
    const ACTIONS: &'static str =
        "http://xmlns.oracle.com/apps/cdm/foundation/parties/customerAccountService/applicationModule/";
    const SPACES: &'static [(&'static str, &'static str)] = &[
        (
            "typ",
            "http://xmlns.oracle.com/apps/cdm/foundation/parties/customerAccountService/applicationModule/types/",
        ),
        ("cus", ACCOUNT),
        ("par", "http://xmlns.oracle.com/apps/cdm/foundation/parties/partyService/"),
        ("adf", "http://xmlns.oracle.com/adf/svc/types/"),
    ];
}

struct Find;
struct FindSome;
struct Get;
struct Create;
struct Merge;

impl Operation for Find {
    type Service = Accounts;
    const NAME: &'static str = "customer_accounts.by_reference";
    const OPERATION: &'static str = "getCustomerAccountByOriginalSystemReference";
    const WRITE: bool = false;
}

impl Operation for FindSome {
    type Service = Accounts;
    const NAME: &'static str = "customer_accounts.find";
    const OPERATION: &'static str = "findCustomerAccount";
    const WRITE: bool = false;
}

impl Operation for Get {
    type Service = Accounts;
    const NAME: &'static str = "customer_accounts.get";
    const OPERATION: &'static str = "getCustomerAccount";
    const WRITE: bool = false;
}

impl Operation for Create {
    type Service = Accounts;
    const NAME: &'static str = "customer_accounts.create";
    const OPERATION: &'static str = "createCustomerAccount";
    const WRITE: bool = true;
}

impl Operation for Merge {
    type Service = Accounts;
    const NAME: &'static str = "customer_accounts.merge";
    const OPERATION: &'static str = "mergeCustomerAccount";
    const WRITE: bool = true;
}

impl Fusion {
    /// The accounts that carry this reference: none, the one we made, or more than there should be.
    ///
    /// # Errors
    /// As every call; also when one of them cannot be read, because a lookup that overlooks one leads to a second one.
    pub async fn accounts_by_reference(&self, system: &str, value: &str) -> Called<Vec<FoundAccount>> {
        if system.trim().is_empty() || value.trim().is_empty() {
            let why = "a reference without system or value finds nothing of ours";
            return Err(CallError::without_effect(Find::NAME, ErrorKind::Rejected, why));
        }
        // fetchStart and fetchSize come first; all of them.
        let criteria = [leaf("adf:fetchStart", 0), leaf("adf:fetchSize", -1)];
        let parameters = vec![
            node("typ:findCriteria", &criteria),
            leaf("typ:bindOrigSystem", system),
            leaf("typ:bindOrigSystemReference", value),
            node("typ:findControl", &[]),
        ];
        let answer = self.call(&SoapCall::of(Find, parameters)).await?;
        let mut found: Vec<FoundAccount> = Vec::new();
        for value in &answer.value {
            let account = read::account(value).map_err(|why| {
                CallError::without_effect(Find::NAME, ErrorKind::Unreadable, why)
                    .with_correlation(answer.correlation.clone())
            })?;
            if !found.iter().any(|earlier| earlier.id == account.id) {
                found.push(account);
            }
        }
        Ok(found)
    }

    /// Some accounts with their sites, in no order; those that cannot be read are left out, for nothing is decided by them.
    ///
    /// # Errors
    /// As every call.
    pub async fn some_accounts(&self, limit: u32) -> Called<Vec<FoundAccount>> {
        let criteria = [leaf("adf:fetchStart", 0), leaf("adf:fetchSize", limit)];
        let parameters = vec![node("typ:findCriteria", &criteria), node("typ:findControl", &[])];
        let answer = self.call(&SoapCall::of(FindSome, parameters)).await?;
        Ok(answer.value.iter().filter_map(|value| read::account(value).ok()).collect())
    }

    /// An account with its sites, if it exists and our user may see it.
    ///
    /// # Errors
    /// As every call.
    pub async fn account(&self, account: AccountId) -> Called<Option<FoundAccount>> {
        let parameters = vec![leaf("typ:customerAccountId", account)];
        let answer = match self.call(&SoapCall::of(Get, parameters)).await {
            Ok(answer) => answer,
            Err(error) if fault::is_missing_record(&error) => return Ok(None),
            Err(error) => return Err(error),
        };
        if answer.value.is_empty() { Ok(None) } else { only::<Get>(answer).map(Some) }
    }

    /// Creates an account with one site and its use. Sent twice it makes two: after a doubt look for the reference.
    ///
    /// # Errors
    /// As every call.
    pub async fn create_account(&self, new: &NewAccount) -> Called<FoundAccount> {
        let NewAccount { party, name, class, reference, site } = new;
        let content = [
            leaf("cus:PartyId", party),
            leaf("cus:AccountName", name),
            leaf("cus:CustomerType", EXTERNAL),
            maybe("cus:CustomerClassCode", class.as_deref()),
            leaf("cus:CreatedByModule", self.created_by_module()),
            self.reference(reference, "HZ_CUST_ACCOUNTS"),
            self.site(site),
        ];
        let parameters = vec![node("typ:customerAccount", &content)];
        only::<Create>(self.call(&SoapCall::of(Create, parameters)).await?)
    }

    /// Adds a site with one use to an account, and answers what the account then is.
    ///
    /// # Errors
    /// As every call.
    pub async fn add_site(&self, account: AccountId, new: &NewSite) -> Called<FoundAccount> {
        self.merge(account, self.site(new)).await
    }

    /// Adds a use to a site of an account, and answers what the account then is.
    ///
    /// # Errors
    /// As every call.
    pub async fn add_site_use(
        &self,
        account: AccountId,
        site: AccountSiteId,
        purpose: &str,
        reference: &Reference,
    ) -> Called<FoundAccount> {
        // Rows named by their id exist: nothing else is said of them, and what is omitted is kept.
        let site = [leaf("cus:CustomerAccountSiteId", site), self.site_use(purpose, reference)];
        self.merge(account, node("cus:CustomerAccountSite", &site)).await
    }

    /// Makes somebody a contact of an account for one purpose, and answers what the account then is (docs: oesws,
    /// Add-a-New-Role-to-an-Existing-Account-Contact; what a new one takes is UNVERIFIED on a pod).
    ///
    /// # Errors
    /// As every call.
    pub async fn add_account_contact(
        &self,
        account: AccountId,
        new: &NewAccountContact,
    ) -> Called<FoundAccount> {
        let NewAccountContact { relationship, known, purpose, primary } = new;
        let mut content = match known {
            Some(known) => vec![leaf("cus:CustomerAccountRoleId", known)],
            None => vec![
                leaf("cus:CustomerAccountId", account),
                leaf("cus:PrimaryFlag", false),
                leaf("cus:RoleType", CONTACT),
                leaf("cus:CreatedByModule", self.created_by_module()),
                leaf("cus:RelationshipId", relationship),
            ],
        };
        let role = [
            leaf("cus:ResponsibilityType", purpose),
            leaf("cus:PrimaryFlag", primary),
            leaf("cus:CreatedByModule", self.created_by_module()),
        ];
        content.push(node("cus:CustomerAccountContactRole", &role));
        self.merge(account, node("cus:CustomerAccountContact", &content)).await
    }

    async fn merge(&self, account: AccountId, below: String) -> Called<FoundAccount> {
        let content = [leaf("cus:CustomerAccountId", account), below];
        let parameters = vec![node("typ:customerAccount", &content)];
        only::<Merge>(self.call(&SoapCall::of(Merge, parameters)).await?)
    }

    /// Without CreatedByModule at every new level there is a fault that names nothing.
    fn site(&self, site: &NewSite) -> String {
        let NewSite { party_site, set, purpose, reference } = site;
        let content = [
            leaf("cus:PartySiteId", party_site),
            leaf("cus:SetId", set),
            leaf("cus:CreatedByModule", self.created_by_module()),
            self.reference(reference, "HZ_CUST_ACCT_SITES_ALL"),
            self.site_use(purpose, reference),
        ];
        node("cus:CustomerAccountSite", &content)
    }

    fn site_use(&self, purpose: &str, reference: &Reference) -> String {
        let content = [
            leaf("cus:SiteUseCode", purpose),
            leaf("cus:CreatedByModule", self.created_by_module()),
            self.reference(reference, "HZ_CUST_SITE_USES_ALL"),
        ];
        node("cus:CustomerAccountSiteUse", &content)
    }

    /// A reference is unique within its table, so that one value serves several levels (1.5).
    fn reference(&self, reference: &Reference, table: &str) -> String {
        let content = [
            leaf("par:OrigSystem", &reference.system),
            leaf("par:OrigSystemReference", &reference.value),
            leaf("par:OwnerTableName", table),
            leaf("par:CreatedByModule", self.created_by_module()),
        ];
        node("cus:OriginalSystemReference", &content)
    }
}

/// The one account of an answer.
fn only<O: Operation>(answer: Answer<Vec<Element>>) -> Called<FoundAccount> {
    let account = match answer.value.as_slice() {
        [value] => read::account(value),
        values => Err(format!("{} accounts instead of one", values.len())),
    };
    account.map_err(|why| {
        let error = if O::WRITE { CallError::in_doubt } else { CallError::without_effect };
        error(O::NAME, ErrorKind::Unreadable, why).with_correlation(answer.correlation)
    })
}
