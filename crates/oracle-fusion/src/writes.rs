//! How customers are created: the port `ErpWrites`. Each method is one call.

use async_trait::async_trait;
use saas_http::scalar::text;
use sync_core::{
    customers::{
        AccountKey, CreatedParty, ErpAddress, ErpPerson, FoundAccount, FoundContact, NewAccount,
        NewAccountContact, NewAddress, NewParty, NewPerson, NewProfile, NewSite, Profile, Reference,
    },
    error::{CallError, ErrorKind},
    ids::{AccountId, AccountSiteId, PartyId, RelationshipId},
    matching::Company,
    model::{ErpParty, Seen},
    ports::{Called, Erp, ErpWrites, PartyKey},
};

use crate::{
    api::{
        Collection,
        parties::{ListLike, ListUsages, like},
    },
    client::Fusion,
    convert,
};

#[async_trait]
impl ErpWrites for Fusion {
    async fn parties_by_reference(&self, reference: &Reference) -> Called<Vec<ErpParty>> {
        Self::parties_by_reference(self, &reference.system, &reference.value).await
    }

    async fn parties_like(&self, company: &Company) -> Called<Vec<Seen<ErpParty>>> {
        let Some(condition) = like(&company.names, &company.tax_ids, company.duns.as_deref()) else {
            return Ok(Vec::new());
        };
        let list = ListLike { api_version: self.api_version(), condition, limit: self.page_size() };
        // Whoever has so many namesakes is asked about anyhow: one page tells enough.
        let mut found = self.page(list, |item| convert::party(item, self.extra())).await?.rows;
        for party in self.duplicates_of(company).await? {
            let is_known = |seen: &Seen<ErpParty>| match seen {
                Seen::Record(known) => known.id == party,
                Seen::Malformed(record) => record.id == Some(party.0),
            };
            if !found.iter().any(is_known) {
                found.extend(Erp::party(self, &PartyKey::Id(party)).await?);
            }
        }
        Ok(found)
    }

    async fn create_party(&self, new: &NewParty) -> Called<CreatedParty> {
        Self::create_party(self, new).await
    }

    async fn usages(&self, number: &str) -> Called<Vec<String>> {
        let list = ListUsages { api_version: self.api_version(), number, limit: self.page_size() };
        let Collection { items, .. } = self.call(&list).await?.value;
        let code = |item: &serde_json::Value| text("PartyUsageCode", item.get("PartyUsageCode"));
        let codes: Result<Vec<Option<String>>, String> = items.iter().map(code).collect();
        let codes = codes.map_err(|why| {
            CallError::without_effect("hub_organizations.usages", ErrorKind::Unreadable, why)
        })?;
        Ok(codes.into_iter().flatten().collect())
    }

    async fn add_usage(&self, number: &str, usage: &str) -> Called<()> {
        Self::add_usage(self, number, usage).await
    }

    async fn addresses(&self, number: &str) -> Called<Vec<ErpAddress>> {
        Self::addresses(self, number).await
    }

    async fn add_address(&self, number: &str, new: &NewAddress) -> Called<ErpAddress> {
        Self::add_address(self, number, new).await
    }

    async fn accounts_by_reference(&self, reference: &Reference) -> Called<Vec<FoundAccount>> {
        Self::accounts_by_reference(self, &reference.system, &reference.value).await
    }

    async fn account(&self, account: AccountId) -> Called<Option<FoundAccount>> {
        Self::account(self, account).await
    }

    async fn create_account(&self, new: &NewAccount) -> Called<FoundAccount> {
        Self::create_account(self, new).await
    }

    async fn add_site(&self, account: AccountId, new: &NewSite) -> Called<FoundAccount> {
        Self::add_site(self, account, new).await
    }

    async fn add_site_use(
        &self,
        account: AccountId,
        site: AccountSiteId,
        purpose: &str,
        reference: &Reference,
    ) -> Called<FoundAccount> {
        Self::add_site_use(self, account, site, purpose, reference).await
    }

    async fn active_profile(&self, account: AccountId, party: PartyId) -> Called<Option<Profile>> {
        Self::active_profile(self, &AccountKey::Id(account), party).await
    }

    async fn create_profile(&self, new: &NewProfile) -> Called<()> {
        Self::create_profile(self, new).await
    }

    async fn persons_by_reference(&self, reference: &Reference) -> Called<Vec<ErpPerson>> {
        Self::persons_by_reference(self, reference).await
    }

    async fn create_person(&self, new: &NewPerson) -> Called<ErpPerson> {
        Self::create_person(self, new).await
    }

    async fn contacts(&self, number: &str) -> Called<Vec<FoundContact>> {
        Self::contacts(self, number).await
    }

    async fn contact_of(&self, person: &str, party: PartyId) -> Called<Option<RelationshipId>> {
        Self::contact_of(self, person, party).await
    }

    async fn add_contact(&self, person: &str, party: PartyId) -> Called<RelationshipId> {
        Self::add_contact(self, person, party).await
    }

    async fn add_account_contact(&self, account: AccountId, new: &NewAccountContact) -> Called<FoundAccount> {
        Self::add_account_contact(self, account, new).await
    }
}
