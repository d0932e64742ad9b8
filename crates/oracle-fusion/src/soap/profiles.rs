//! `ReceivablesCustomerProfileService`: the credit profile without which an account cannot be invoiced
//! (oracle-fusion.md 1.4, step 3).

use sync_core::{
    customers::{AccountKey, NewProfile, Profile},
    error::{CallError, ErrorKind},
    ids::PartyId,
    ports::Called,
};

use super::{
    call::{Operation, Service, SoapCall},
    fault, read,
    write::{leaf, node},
};
use crate::client::Fusion;

/// Content of a profile, and what SOAPAction begins with.
pub(crate) const PROFILE: &str =
    "http://xmlns.oracle.com/apps/financials/receivables/customers/customerProfileService/";

pub(crate) struct Profiles;

impl Service for Profiles {
    const PATH: &'static str = "fscmService/ReceivablesCustomerProfileService";
    const ACTIONS: &'static str = PROFILE;
    const SPACES: &'static [(&'static str, &'static str)] = &[
        (
            "typ",
            "http://xmlns.oracle.com/apps/financials/receivables/customers/customerProfileService/types/",
        ),
        ("cus", PROFILE),
    ];
}

struct Active;
struct Create;

impl Operation for Active {
    type Service = Profiles;
    const NAME: &'static str = "customer_profiles.active";
    const OPERATION: &'static str = "getActiveCustomerProfile";
    const WRITE: bool = false;
}

impl Operation for Create {
    type Service = Profiles;
    const NAME: &'static str = "customer_profiles.create";
    const OPERATION: &'static str = "createCustomerProfile";
    const WRITE: bool = true;
}

impl Fusion {
    /// The profile in force. Accounts made by [`Fusion::create_account`] have none at first, others usually do.
    ///
    /// # Errors
    /// As every call.
    pub async fn active_profile(&self, account: &AccountKey, party: PartyId) -> Called<Option<Profile>> {
        let parameters = vec![node("typ:customerProfile", &[leaf("cus:PartyId", party), named(account)])];
        let answer = match self.call(&SoapCall::of(Active, parameters)).await {
            Ok(answer) => answer,
            Err(error) if fault::is_missing_record(&error) => return Ok(None),
            Err(error) => return Err(error),
        };
        let profile = answer.value.first().map(read::profile).transpose();
        profile.map_err(|why| {
            CallError::without_effect(Active::NAME, ErrorKind::Unreadable, why)
                .with_correlation(answer.correlation)
        })
    }

    /// Creates the profile of an account. The answer repeats what was sent and nothing more: its id is learned from
    /// [`Fusion::active_profile`].
    ///
    /// # Errors
    /// As every call.
    pub async fn create_profile(&self, new: &NewProfile) -> Called<()> {
        let NewProfile { account, party, class, payment_terms, starts } = new;
        // The party is needed beside the account, which knows it: else JBO-27014.
        let mut content = vec![
            leaf("cus:PartyId", party),
            named(account),
            leaf("cus:ProfileClassName", class),
            leaf("cus:EffectiveStartDate", starts),
        ];
        // Without them the class gives its own.
        content.extend(payment_terms.as_ref().map(|terms| leaf("cus:PaymentTerms", terms)));
        let parameters = vec![node("typ:customerProfile", &content)];
        self.call(&SoapCall::of(Create, parameters)).await.map(|_| ())
    }
}

fn named(account: &AccountKey) -> String {
    match account {
        AccountKey::Id(id) => leaf("cus:CustomerAccountId", id),
        AccountKey::Number(number) => leaf("cus:AccountNumber", number),
    }
}
