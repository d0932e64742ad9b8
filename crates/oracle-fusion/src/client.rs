//! Fusion as the engine knows it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use async_trait::async_trait;
use http::{HeaderMap, HeaderName, HeaderValue};
use jiff::Timestamp;
use saas_http::scalar::int;
use saas_http::{
    Adaptive, Answer, BadUrl, BaseUrl, Caller, ClientCredentials, Credentials, Endpoint, OAuthClient, Pass,
    TokenSource, Transport, Wiring,
};
use serde_json::Value;
use sync_core::{
    budget::Class,
    customers::AccountKey,
    error::{CallError, ErrorKind},
    hierarchy::ErpLink,
    ids::{AccountId, PartyId},
    matching::Company,
    model::{AccountTerms, ErpAccount, ErpParty, Page, Seen},
    poll::ErpRead,
    ports::{Called, Clock, Erp, LinkPage, PartyKey},
};

use crate::{
    api::{
        Collection,
        describe::Describe,
        hub_organizations::{self, ListParties, ListParty},
        parties::FindDuplicates,
        receivables_customer_account_activities::{self, ListAccounts, ListAccountsOf},
    },
    config::{FusionConfig, Terms},
    convert,
    dialect::FusionDialect,
    extra::Extra,
};

/// Pinned on every call: 4 has rowmatch conditions and structured errors (oracle-fusion.md 4.4).
const FRAMEWORK: (HeaderName, HeaderValue) =
    (HeaderName::from_static("rest-framework-version"), HeaderValue::from_static("4"));

/// One Fusion instance.
pub struct Fusion {
    caller: Caller,
    clock: Arc<dyn Clock>,
    api_version: String,
    page_size: u32,
    created_by_module: String,
    extra: Extra,
    terms: Terms,
    /// Whether the pod's own duplicate identification is asked.
    asks_for_duplicates: AtomicBool,
}

/// Parties that the pod takes for the same company and that are looked at.
const MOST_DUPLICATES: usize = 10;

impl Fusion {
    /// The same, asking the pod's own duplicate identification for companies that may be the same, as long as it does not
    /// refuse to tell (oracle-fusion.md 1.5).
    #[must_use]
    pub fn asking_for_duplicates(self) -> Self {
        self.asks_for_duplicates.store(true, Ordering::Relaxed);
        self
    }

    /// What the pod takes for the same company. It is one more opinion: that it is not to be had keeps nobody waiting.
    pub(crate) async fn duplicates_of(&self, company: &Company) -> Called<Vec<PartyId>> {
        let name = company.names.iter().find(|name| !name.trim().is_empty());
        let Some(name) = name.filter(|_| self.asks_for_duplicates.load(Ordering::Relaxed)) else {
            return Ok(Vec::new());
        };
        let find = FindDuplicates { api_version: &self.api_version, name, company };
        let error = match self.call(&find).await {
            Ok(answer) => {
                let found = answer.value.result.unwrap_or_default();
                let ids = found.iter().filter_map(|one| int("PartyId", Some(&one.party_id)).ok().flatten());
                return Ok(ids.map(PartyId).take(MOST_DUPLICATES).collect());
            }
            Err(error) => error,
        };
        match error.kind {
            ErrorKind::Unauthorized => return Err(error),
            ErrorKind::Transient { .. } | ErrorKind::Exhausted { .. } => {
                tracing::warn!(%error, "the ERP's own duplicate identification does not answer; it is done without it");
            }
            ErrorKind::Forbidden
            | ErrorKind::Rejected
            | ErrorKind::UnknownField
            | ErrorKind::Missing
            | ErrorKind::Unreadable => {
                self.asks_for_duplicates.store(false, Ordering::Relaxed);
                tracing::warn!(%error, "the ERP does not identify duplicates; it is not asked again before the next start");
            }
        }
        Ok(Vec::new())
    }

    /// A client; nothing is sent yet.
    ///
    /// # Errors
    /// When an address cannot be used.
    pub fn new(
        config: FusionConfig,
        transport: Arc<dyn Transport>,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, BadUrl> {
        let FusionConfig {
            base_url,
            token_url,
            client_id,
            client_proof,
            scope,
            page_size,
            api_version,
            timeout,
            concurrency,
            attributes,
            terms,
            created_by_module,
        } = config;
        let base = BaseUrl::parse("base_url", &base_url)?;
        let token_url = BaseUrl::parse("token_url", &token_url)?;
        let client = OAuthClient { token_url, id: client_id, proof: client_proof };
        let tokens = TokenSource::client_credentials(
            client,
            ClientCredentials { scope },
            Arc::clone(&transport),
            Arc::clone(&clock),
        );
        let caller = Caller::new(Wiring {
            base,
            headers: HeaderMap::from_iter([FRAMEWORK]),
            timeout,
            transport,
            credentials: Credentials::bearer(tokens),
            gate: Arc::new(Adaptive::new(concurrency, Arc::clone(&clock))),
            dialect: Arc::new(FusionDialect),
            clock: Arc::clone(&clock),
        });
        Ok(Self {
            caller,
            clock,
            api_version,
            page_size: page_size.max(1),
            created_by_module,
            extra: Extra::of(attributes),
            terms,
            asks_for_duplicates: AtomicBool::new(false),
        })
    }

    /// Whether a resource still has what we read of it. A pod that does not describe it is taken as it is: the first
    /// page will tell.
    async fn fits(
        &self,
        root: &'static str,
        resource: &'static str,
        shown: &str,
        asked: &[&str],
    ) -> Called<()> {
        let describe = Describe { root, api_version: &self.api_version, resource };
        let described = match self.caller.send(&describe, Pass::Class(Class::Edit)).await {
            Ok(answer) => answer.value,
            Err(error) => {
                return match error.kind {
                    ErrorKind::Transient { .. } | ErrorKind::Exhausted { .. } | ErrorKind::Unauthorized => {
                        Err(error)
                    }
                    ErrorKind::Forbidden
                    | ErrorKind::Rejected
                    | ErrorKind::UnknownField
                    | ErrorKind::Missing
                    | ErrorKind::Unreadable => {
                        tracing::warn!(%error, resource, "the resource is not described; it is read unchecked");
                        Ok(())
                    }
                };
            }
        };
        let missing = described.missing(resource, shown, asked);
        if missing.is_empty() {
            return Ok(());
        }
        let message = format!(
            "on this pod {resource} is not what we know: {}. Nothing is read, so that nothing is taken for empty; \
             see whether a quarterly update did it, and update ml-connector",
            missing.join(", ")
        );
        Err(CallError::without_effect(Describe::NAME, ErrorKind::Rejected, message))
    }

    /// What is read of parties beside our own.
    pub(crate) fn extra(&self) -> &Extra {
        &self.extra
    }

    /// The release in all paths.
    pub(crate) fn api_version(&self) -> &str {
        &self.api_version
    }

    /// The time, where an answer does not tell it.
    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Rows to ask for at once.
    pub(crate) fn page_size(&self) -> u32 {
        self.page_size
    }

    /// Who says to have created what we create over SOAP.
    pub(crate) fn created_by_module(&self) -> &str {
        &self.created_by_module
    }

    /// Makes one call.
    pub(crate) async fn call<E: Endpoint>(&self, endpoint: &E) -> Called<Answer<E::Output>> {
        self.caller.send(endpoint, Pass::Class(Class::Edit)).await
    }

    /// All rows of a collection, unread, by a key that grows: `list` makes the page of those with a greater one.
    pub(crate) async fn every<E>(&self, key: &str, list: impl Fn(i64) -> E) -> Called<Vec<Value>>
    where
        E: Endpoint<Output = Collection>,
    {
        let (mut all, mut after) = (Vec::new(), 0);
        loop {
            let answer = self.call(&list(after)).await?;
            let Collection { items, has_more } = answer.value;
            let last = items.iter().rev().find_map(|row| int(key, row.get(key)).unwrap_or(None));
            // "More" after nothing leads nowhere (10, no. 4).
            let more = has_more && !items.is_empty();
            all.extend(items);
            match last.filter(|last| *last > after) {
                _ if !more => return Ok(all),
                Some(last) => after = last,
                // Half of them, taken for all, would seem to have ended.
                None => {
                    let why = format!("there are more rows than a page has, and {key} does not grow");
                    return Err(CallError::without_effect(E::NAME, ErrorKind::Unreadable, why)
                        .with_correlation(answer.correlation));
                }
            }
        }
    }

    /// Reads one page.
    pub(crate) async fn page<E, T>(&self, list: E, convert: impl Fn(Value) -> Seen<T>) -> Called<Page<T>>
    where
        E: Endpoint<Output = Collection>,
    {
        let Answer { value, server_now, .. } = self.caller.send(&list, Pass::Class(Class::Edit)).await?;
        let Collection { items, has_more } = value;
        // "More" after nothing leads nowhere (10, no. 4).
        let more = has_more && !items.is_empty();
        let rows = items.into_iter().map(convert).collect();
        let server_now = server_now.unwrap_or_else(|| self.clock.now());
        Ok(Page { rows, more, next: None, server_now })
    }
}

#[async_trait]
impl Erp for Fusion {
    async fn prepare(&self) -> Called<()> {
        let parties = ["PartyId", "LastUpdateDate"];
        let shown = self.extra.fields(hub_organizations::FIELDS);
        self.fits("crmRestApi", "hubOrganizations", &shown, &parties).await?;
        let (resource, accounts) = ("receivablesCustomerAccountActivities", ["AccountId", "LastUpdateDate"]);
        self.fits("fscmRestApi", resource, receivables_customer_account_activities::FIELDS, &accounts).await
    }

    async fn parties(&self, read: ErpRead) -> Called<Page<ErpParty>> {
        let list = ListParties {
            api_version: &self.api_version,
            read,
            limit: self.page_size,
            fields: (!self.extra.expands()).then(|| self.extra.fields(hub_organizations::FIELDS)),
            expand: self.extra.children(),
        };
        self.page(list, |item| convert::party(item, &self.extra)).await
    }

    async fn accounts(&self, read: ErpRead) -> Called<Page<ErpAccount>> {
        let list = ListAccounts { api_version: &self.api_version, read, limit: self.page_size };
        self.page(list, convert::account).await
    }

    async fn party(&self, key: &PartyKey) -> Called<Option<Seen<ErpParty>>> {
        let fields = self.extra.fields(hub_organizations::FIELDS);
        let id = match key {
            PartyKey::Id(id) => *id,
            PartyKey::Number(number) => {
                let found = self.party_by_number(number).await?;
                match found {
                    // The read by number does not show what expressions of the connection need.
                    Some(party) if self.extra.expands() || fields != hub_organizations::FIELDS => party.id,
                    Some(_) | None => return Ok(found.map(Seen::Record)),
                }
            }
        };
        let list = ListParty {
            api_version: &self.api_version,
            id: id.0,
            fields: (!self.extra.expands()).then_some(fields),
            expand: self.extra.children(),
        };
        let mut found = self.page(list, |item| convert::party(item, &self.extra)).await?.rows;
        found.retain(|seen| match seen {
            Seen::Record(party) => party.id == id,
            Seen::Malformed(record) => record.id == Some(id.0),
        });
        Ok(found.pop())
    }

    async fn accounts_of(&self, party: PartyId) -> Called<Vec<Seen<ErpAccount>>> {
        let mut accounts = Vec::new();
        let mut after = 0;
        loop {
            let (api_version, limit) = (self.api_version.as_str(), self.page_size);
            let list = ListAccountsOf { api_version, party: party.0, after, limit };
            let Page { rows, more, .. } = self.page(list, convert::account).await?;
            let last = rows.iter().rev().find_map(|seen| match seen {
                Seen::Record(account) => Some(account.id.0),
                Seen::Malformed(record) => record.id,
            });
            accounts.extend(rows);
            match last {
                Some(last) if more && last > after => after = last,
                Some(_) | None if more => {
                    let message = "a page says that more follows but gives nothing to continue from";
                    let kind = ErrorKind::Unreadable;
                    return Err(CallError::without_effect(ListAccountsOf::NAME, kind, message));
                }
                Some(_) | None => return Ok(accounts),
            }
        }
    }

    async fn terms(&self, account: AccountId, party: PartyId) -> Called<Seen<AccountTerms>> {
        let Terms { class, payment_terms } = self.terms;
        let found = if class { self.account(account).await? } else { None };
        let key = AccountKey::Id(account);
        let profile = if payment_terms { self.active_profile(&key, party).await? } else { None };
        Ok(Seen::Record(AccountTerms {
            account,
            party,
            class: found.and_then(|found| found.class),
            payment_terms: profile.and_then(|profile| profile.payment_terms),
        }))
    }

    async fn links(&self, after: PartyId) -> Called<LinkPage> {
        self.relationships(after).await
    }

    async fn links_of(&self, party: &ErpParty) -> Called<Vec<Seen<ErpLink>>> {
        self.relationships_of(&party.number).await
    }

    fn requests(&self) -> u64 {
        self.caller.spent().requests
    }
}
