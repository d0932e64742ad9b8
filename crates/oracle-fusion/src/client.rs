//! Fusion as the engine knows it.

use std::sync::Arc;

use async_trait::async_trait;
use http::{HeaderMap, HeaderName, HeaderValue};
use saas_http::{
    Adaptive, Answer, BadUrl, BaseUrl, Caller, ClientCredentials, Credentials, Endpoint, OAuthClient, Pass,
    TokenSource, Transport, Wiring,
};
use serde_json::Value;
use sync_core::{
    budget::Class,
    model::{ErpAccount, ErpParty, Page, Seen},
    poll::ErpRead,
    ports::{Called, Clock, Erp},
};

use crate::{
    api::{
        Collection, hub_organizations::ListParties, receivables_customer_account_activities::ListAccounts,
    },
    config::FusionConfig,
    convert,
    dialect::FusionDialect,
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
}

impl Fusion {
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
            client_secret,
            scope,
            page_size,
            api_version,
            timeout,
            concurrency,
        } = config;
        let base = BaseUrl::parse("base_url", &base_url)?;
        let token_url = BaseUrl::parse("token_url", &token_url)?;
        let client = OAuthClient { token_url, id: client_id, secret: client_secret };
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
        Ok(Self { caller, clock, api_version, page_size: page_size.max(1) })
    }

    async fn page<E, T>(&self, list: E, convert: fn(Value) -> Seen<T>) -> Called<Page<T>>
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
    async fn parties(&self, read: ErpRead) -> Called<Page<ErpParty>> {
        let list = ListParties { api_version: &self.api_version, read, limit: self.page_size };
        self.page(list, convert::party).await
    }

    async fn accounts(&self, read: ErpRead) -> Called<Page<ErpAccount>> {
        let list = ListAccounts { api_version: &self.api_version, read, limit: self.page_size };
        self.page(list, convert::account).await
    }

    fn requests(&self) -> u64 {
        self.caller.spent().requests
    }
}
