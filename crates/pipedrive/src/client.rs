//! Pipedrive as the engine knows it.

use std::sync::{Arc, PoisonError, RwLock};

use async_trait::async_trait;
use futures::future::join_all;
use http::{HeaderMap, HeaderName};
use jiff::{SignedDuration, Timestamp, tz::TimeZone};
use saas_http::{
    Answer, BaseUrl, Caller, ClientProof, Credentials, Endpoint, Metered, OAuthClient, Pacer, Pass,
    RefreshToken, Sleeper, TokenSource, Transport, Wiring, scalar,
};
use secrecy::{ExposeSecret as _, SecretString};
use sync_core::{
    budget::{Class, Spent},
    deals::Relation,
    error::{CallError, Effect, ErrorKind},
    fields::{CustomField, Field, Values},
    handover::Interest,
    hooks::{HookEntity, Subscription},
    ids::{OrgId, PartyId, RelationId, SubscriptionId},
    model::{CrmOrg, Malformed, Page, Seen},
    plan::Step,
    ports::{Called, Clock, Crm, Missing, Permit, Spend, TokenVault},
    value::Value,
};
use tokio::sync::Mutex;

use crate::{
    answers::OwnFields,
    api::{
        Envelope, Listed, item_search,
        organization_relationships::{CreateRelationship, DeleteRelationship},
        organizations::{
            CreateOrganization, GetOrganization, IDS, ListOrganizations, UpdateOrganization, Which,
        },
        users::{Me, MeDto},
    },
    asked::AskedFields,
    codes::Codes,
    config::{PipedriveAuth, PipedriveConfig},
    convert,
    dialect::PipedriveDialect,
    provision::{Provision, Wanted},
};

/// Below this live all companies, and the addresses that OAuth names (1.1, 4.2).
const VENDOR: &str = "pipedrive.com";

/// Vault name of the rotating refresh token.
const REFRESH_TOKEN: &str = "pipedrive.refresh_token";

/// From so many organizations on one list costs no more than each of them alone (1.5).
const CHEAPER_TOGETHER: usize = 10;

/// Pages of search hits to read at most: one customer id has hardly more than one organization.
const SEARCH_PAGES: usize = 5;

/// One Pipedrive company.
pub struct Pipedrive {
    pub(crate) caller: Caller,
    gate: Arc<Metered>,
    pub(crate) clock: Arc<dyn Clock>,
    /// Codes of the custom fields that exist, and whether these are all that are mapped.
    codes: RwLock<Option<(Codes, bool)>>,
    provision: Mutex<Provision>,
    fields: Vec<CustomField>,
    labels: Vec<String>,
    pub(crate) asked: Interest,
    /// What deals have of what is asked about; none before it was looked up.
    pub(crate) asked_of_deals: RwLock<Option<AskedFields>>,
    pub(crate) timeout: SignedDuration,
    pub(crate) own_fields: Mutex<OwnFields>,
    owner_id: Option<i64>,
    visible_to: Option<i64>,
    pub(crate) hook_login: Option<(String, SecretString)>,
}

/// Whose token it is (pipedrive.md 1.7).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WhoAmI {
    /// The user.
    pub user_id: i64,
    /// The user's name.
    pub user_name: Option<String>,
    /// The company; one connection must never be pointed at another.
    pub company_id: i64,
    /// The company's name.
    pub company_name: Option<String>,
    /// The `acme` of `acme.pipedrive.com`.
    pub company_domain: Option<String>,
    /// Whether the user is an administrator of sales, if that is told: `access` with `app` and `admin`.
    pub admin: Option<bool>,
}

impl Pipedrive {
    /// A client; nothing is sent yet.
    ///
    /// # Errors
    /// When an address or the token cannot be used.
    pub fn new(
        config: PipedriveConfig,
        transport: Arc<dyn Transport>,
        clock: Arc<dyn Clock>,
        sleeper: Arc<dyn Sleeper>,
        spend: Arc<dyn Spend>,
        vault: Arc<dyn TokenVault>,
    ) -> Called<Self> {
        let base = address("base_url", &config.base_url)?;
        let (burst, search_burst) = (config.burst(), config.search_burst());
        let pacer = Pacer::new(burst, search_burst, Arc::clone(&clock), Arc::clone(&sleeper));
        let gate = Arc::new(Metered::new(pacer, config.burst, spend, Arc::clone(&clock)));
        // Only the vendor's own address is left for another of its own; a proxy or stand-in stays.
        let follows = base.is_below(VENDOR);
        let caller = Caller::new(Wiring {
            base,
            headers: HeaderMap::new(),
            timeout: config.timeout,
            credentials: credentials(config.auth, follows, &transport, (&clock, &sleeper), vault)?,
            transport,
            gate: Arc::clone(&gate) as _,
            dialect: Arc::new(PipedriveDialect),
            clock: Arc::clone(&clock),
        });
        Ok(Self {
            caller,
            gate,
            clock,
            codes: RwLock::default(),
            provision: Mutex::default(),
            fields: config.fields,
            labels: config.labels,
            asked: config.asked,
            asked_of_deals: RwLock::default(),
            own_fields: Mutex::default(),
            timeout: SignedDuration::try_from(config.timeout).unwrap_or(SignedDuration::MAX),
            owner_id: config.owner_id,
            visible_to: config.visible_to,
            hook_login: config.hook_login,
        })
    }

    /// Who the token belongs to, and to which company (2 tokens).
    ///
    /// # Errors
    /// As every call.
    pub async fn whoami(&self) -> Called<WhoAmI> {
        let answer = self.caller.send(&Me, Pass::Class(Class::Urgent)).await?;
        let data = answer.value.one().map_err(unreadable::<Me>)?;
        let me = serde_json::from_value(data).map_err(|error| error.to_string()).and_then(who);
        me.map_err(unreadable::<Me>)
    }

    /// The codes to read with.
    fn codes(&self, call: &'static str) -> Called<Codes> {
        let codes = self.codes.read().unwrap_or_else(PoisonError::into_inner).clone();
        codes.map(|(codes, _)| codes).ok_or_else(|| unprepared(call, "custom fields were not prepared yet"))
    }

    /// The codes to write with: all of them, or a value would be left out silently.
    fn all_codes(&self, call: &'static str) -> Called<Codes> {
        let codes = self.codes.read().unwrap_or_else(PoisonError::into_inner).clone();
        let complete = codes.filter(|(_, complete)| *complete).map(|(codes, _)| codes);
        complete.ok_or_else(|| unprepared(call, "not all custom fields exist yet"))
    }

    fn wanted(&self) -> Wanted<'_> {
        Wanted { fields: &self.fields, labels: &self.labels, asked: &self.asked }
    }

    fn learn(&self, codes: Codes, complete: bool) {
        *self.codes.write().unwrap_or_else(PoisonError::into_inner) = Some((codes, complete));
    }

    async fn page(&self, which: Which, cursor: Option<String>, class: Class) -> Called<Page<CrmOrg>> {
        let codes = self.codes(ListOrganizations::NAME)?;
        let list = ListOrganizations { which, custom_fields: codes.joined(), cursor };
        let answer = self.caller.send(&list, Pass::Class(class)).await?;
        let Listed { rows, next } = answer.value.listed().map_err(unreadable::<ListOrganizations>)?;
        let rows = rows.iter().filter_map(|row| convert::org(row, &codes)).collect();
        let server_now = answer.server_now.unwrap_or_else(|| self.clock.now());
        Ok(Page { rows, more: next.is_some(), next, server_now })
    }

    /// Sends a write and reads the organization that it answers with.
    async fn write<E: Endpoint<Output = Envelope>>(
        &self,
        endpoint: E,
        permit: Permit,
        codes: &Codes,
    ) -> Called<CrmOrg> {
        let Answer { value, correlation, .. } = self.caller.send(&endpoint, Pass::Permit(permit)).await?;
        let org = value.one().map_err(str::to_owned).and_then(|data| convert::read(&data, codes));
        let org = org.and_then(|org| scalar::required("an organization that exists", org));
        org.map_err(|what| unreadable::<E>(what).with_correlation(correlation))
    }

    /// Organizations one at a time, those that exist.
    async fn one_by_one(&self, ids: &[OrgId], codes: &Codes, class: Class) -> Called<Vec<Seen<CrmOrg>>> {
        let answers = ids.iter().map(|id| async move {
            let get = GetOrganization { id: *id, custom_fields: codes.joined() };
            match self.caller.send(&get, Pass::Class(class)).await {
                Ok(answer) => {
                    let row = answer.value.one().map_err(unreadable::<GetOrganization>)?;
                    Ok(convert::org(&row, codes).map(|seen| about(*id, seen)))
                }
                Err(error) if error.kind == ErrorKind::Missing => Ok(None),
                Err(error) => Err(error),
            }
        });
        let found: Called<Vec<_>> = join_all(answers).await.into_iter().collect();
        Ok(found?.into_iter().flatten().collect())
    }

    async fn hits(&self, term: String, codes: &Codes, class: Class) -> Called<Vec<OrgId>> {
        let field = codes.of(Field::ErpCustomerId).unwrap_or_default().to_owned();
        let mut search = item_search::SearchByField { field, term, cursor: None };
        let mut hits = Vec::new();
        for _ in 0..SEARCH_PAGES {
            let answer = self.caller.send(&search, Pass::Class(class)).await?;
            let listed = answer.value.listed().map_err(unreadable::<item_search::SearchByField>)?;
            hits.extend(listed.rows.iter().filter_map(item_search::hit));
            search.cursor = listed.next;
            if search.cursor.is_none() {
                break;
            }
        }
        Ok(hits)
    }
}

#[async_trait]
impl Crm for Pipedrive {
    async fn prepare(&self) -> Called<()> {
        let mut provision = self.provision.lock().await;
        let codes = provision.run(self.wanted(), &self.caller, self.clock.as_ref(), self.timeout).await?;
        self.learn(codes, true);
        self.learn_asked_of_deals(None);
        Ok(())
    }

    async fn survey(&self) -> Called<Missing> {
        let (codes, missing) = Provision::look(self.wanted(), &self.caller).await?;
        self.learn(codes, missing.fields.is_empty());
        Ok(missing)
    }

    async fn orgs_walk(&self, cursor: Option<String>, class: Class) -> Called<Page<CrmOrg>> {
        self.page(Which::ById, cursor, class).await
    }

    async fn orgs_changed(
        &self,
        from: Timestamp,
        cursor: Option<String>,
        class: Class,
    ) -> Called<Page<CrmOrg>> {
        self.page(Which::ChangedSince(whole_seconds(from)), cursor, class).await
    }

    async fn orgs_by_id(&self, ids: &[OrgId], class: Class) -> Called<Vec<Seen<CrmOrg>>> {
        let mut ids = ids.to_vec();
        ids.sort_unstable();
        ids.dedup();
        let codes = self.codes(ListOrganizations::NAME)?;
        let mut orgs = Vec::with_capacity(ids.len());
        for some in ids.chunks(IDS) {
            if some.len() < CHEAPER_TOGETHER {
                match self.one_by_one(some, &codes, class).await {
                    // One that is gone or that our user may not see is left out of lists; how it is answered alone is not
                    // documented.
                    Err(error) if matches!(error.kind, ErrorKind::Forbidden | ErrorKind::Unreadable) => {}
                    found => {
                        orgs.extend(found?);
                        continue;
                    }
                }
            }
            let which = Which::Ids(some.to_vec());
            let list = ListOrganizations { which, custom_fields: codes.joined(), cursor: None };
            let answer = self.caller.send(&list, Pass::Class(class)).await?;
            let listed = answer.value.listed().map_err(unreadable::<ListOrganizations>)?;
            let wanted = |seen: &Seen<CrmOrg>| match seen {
                Seen::Record(org) => some.contains(&org.id),
                // Left out, it would seem to be deleted.
                Seen::Malformed(record) => record.id.is_none_or(|id| some.contains(&OrgId(id))),
            };
            orgs.extend(listed.rows.iter().filter_map(|row| convert::org(row, &codes)).filter(wanted));
        }
        Ok(orgs)
    }

    async fn orgs_by_origin(&self, party: PartyId, class: Class) -> Called<Vec<Seen<CrmOrg>>> {
        let codes = self.codes(item_search::SearchByField::NAME)?;
        let origin = Value::Text(party.to_string());
        let hits = self.hits(party.to_string(), &codes, class).await?;
        let mut orgs = self.orgs_by_id(&hits, class).await?;
        orgs.retain(|seen| match seen {
            Seen::Record(org) => org.values.get(&Field::ErpCustomerId) == Some(&origin),
            Seen::Malformed(_) => true,
        });
        Ok(orgs)
    }

    async fn room(&self, class: Class) {
        self.gate.room(class).await;
    }

    async fn permits(&self, class: Class, each: u32, wanted: usize) -> Called<Vec<Permit>> {
        self.gate.permits("permits", class, each, wanted).await
    }

    async fn give_back(&self, permits: Vec<Permit>) {
        self.gate.give_back(permits).await;
    }

    async fn create_org(&self, permit: Permit, values: &Values) -> Called<CrmOrg> {
        let codes = self.all_codes(CreateOrganization::NAME)?;
        let values = values.iter().map(|(field, value)| (*field, Some(value)));
        let mut body = convert::body(values, &codes)
            .map_err(|why| CallError::without_effect(CreateOrganization::NAME, ErrorKind::Rejected, why))?;
        if !body.contains_key("name") {
            let message = "an organization needs a name";
            return Err(CallError::without_effect(CreateOrganization::NAME, ErrorKind::Rejected, message));
        }
        body.extend(self.owner_id.map(|id| ("owner_id".to_owned(), id.into())));
        body.extend(self.visible_to.map(|who| ("visible_to".to_owned(), who.into())));
        self.write(CreateOrganization { body: body.into() }, permit, &codes).await
    }

    async fn update_org(
        &self,
        permit: Permit,
        id: OrgId,
        changes: &[(Field, Option<Value>)],
    ) -> Called<CrmOrg> {
        let codes = self.all_codes(UpdateOrganization::NAME)?;
        let labels = changes.iter().any(|(field, _)| *field == Field::Labels);
        let changes = changes.iter().map(|(field, value)| (*field, value.as_ref()));
        let body = convert::body(changes, &codes)
            .map_err(|why| CallError::without_effect(UpdateOrganization::NAME, ErrorKind::Rejected, why))?;
        if body.is_empty() {
            // Whether a PATCH without content bumps the update time is unknown (8): never send one.
            let message = "there is nothing to write";
            return Err(CallError::without_effect(UpdateOrganization::NAME, ErrorKind::Rejected, message));
        }
        let written = self.write(UpdateOrganization { id, body: body.into() }, permit, &codes).await;
        if labels && written.as_ref().is_err_and(|error| error.kind == ErrorKind::Rejected) {
            // Perhaps a label was removed: what is tried again shall not be sent with an id that is dead.
            *self.codes.write().unwrap_or_else(PoisonError::into_inner) = None;
        }
        written
    }

    fn price(&self, step: &Step) -> u32 {
        match step {
            Step::Bind { .. } | Step::Forget { .. } => 0,
            Step::Create { .. } => CreateOrganization::TOKENS,
            Step::Update { .. } => UpdateOrganization::TOKENS,
            Step::Relate { .. } => CreateRelationship::TOKENS,
            Step::Unrelate { .. } => DeleteRelationship::TOKENS,
        }
    }

    async fn relate(&self, permit: Permit, parent: OrgId, daughter: OrgId) -> Called<Relation> {
        self.make_parent(permit, parent, daughter).await
    }

    async fn unrelate(&self, permit: Permit, relation: RelationId) -> Called<()> {
        self.end_relation(permit, relation).await
    }

    async fn relations_of(&self, org: OrgId, class: Class) -> Called<Vec<Relation>> {
        self.list_relations(org, class).await
    }

    async fn subscriptions(&self, class: Class) -> Called<Vec<Subscription>> {
        self.list_subscriptions(class).await
    }

    async fn subscribe(
        &self,
        class: Class,
        entity: HookEntity,
        address: &str,
        name: &str,
    ) -> Called<Subscription> {
        self.make_subscription(class, entity, address, name).await
    }

    async fn unsubscribe(&self, class: Class, id: SubscriptionId) -> Called<()> {
        self.end_subscription(class, id).await
    }

    fn spent(&self) -> Spent {
        self.caller.spent()
    }
}

/// Whatever an answer says, it is about the organization that was asked for.
fn about(id: OrgId, seen: Seen<CrmOrg>) -> Seen<CrmOrg> {
    match seen {
        Seen::Record(org) if org.id == id => Seen::Record(org),
        Seen::Record(org) => Seen::Malformed(Malformed {
            id: Some(id.0),
            owner: None,
            updated_at: None,
            reason: format!("the answer is about organization {}", org.id),
        }),
        Seen::Malformed(record) => Seen::Malformed(Malformed { id: Some(id.0), ..record }),
    }
}

/// The grant of a company's consent: the `seed` of the configuration, and what the vault keeps. `remedy` says what a person
/// does where there is none.
pub fn grant(
    seed: Option<SecretString>,
    remedy: impl Into<String>,
    vault: Arc<dyn TokenVault>,
) -> RefreshToken {
    RefreshToken::new(REFRESH_TOKEN, seed, remedy, vault)
}

/// Where the API of a token is: at the `api_domain` that came with it if that is the vendor's and the configured address is,
/// too; else where the configuration says (4.2).
#[must_use]
pub fn home(base_url: &str, api_domain: Option<&str>) -> String {
    let vendors = |text: &str| BaseUrl::parse("api_domain", text).is_ok_and(|url| url.is_below(VENDOR));
    api_domain.filter(|domain| vendors(base_url) && vendors(domain)).unwrap_or(base_url).to_owned()
}

fn credentials(
    auth: PipedriveAuth,
    follows: bool,
    transport: &Arc<dyn Transport>,
    (clock, sleeper): (&Arc<dyn Clock>, &Arc<dyn Sleeper>),
    vault: Arc<dyn TokenVault>,
) -> Called<Credentials> {
    match auth {
        PipedriveAuth::ApiToken(token) => Credentials::header(HeaderName::from_static("x-api-token"), &token),
        PipedriveAuth::Access(token) => {
            let bearer = format!("Bearer {}", token.expose_secret());
            Credentials::header(http::header::AUTHORIZATION, &bearer.into())
        }
        PipedriveAuth::OAuth { client_id, client_secret, token_url, refresh_token, remedy } => {
            let token_url = address("token_url", &token_url)?;
            let client = OAuthClient { token_url, id: client_id, proof: ClientProof::Secret(client_secret) };
            let grant = grant(refresh_token, remedy, vault);
            let source = TokenSource::refresh_token(client, grant, Arc::clone(transport), Arc::clone(clock))
                .waiting(Arc::clone(sleeper));
            Ok(Credentials::bearer(if follows { source.following(VENDOR) } else { source }))
        }
    }
}

fn address(name: &'static str, text: &str) -> Called<BaseUrl> {
    BaseUrl::parse(name, text)
        .map_err(|bad| CallError::without_effect("config", ErrorKind::Rejected, bad.to_string()))
}

fn who(me: MeDto) -> Result<WhoAmI, String> {
    let MeDto { id, name, company_id, company_name, company_domain, access } = me;
    Ok(WhoAmI {
        user_id: scalar::required("id", scalar::int("id", id.as_ref())?)?,
        user_name: scalar::text("name", name.as_ref())?,
        company_id: scalar::required("company_id", scalar::int("company_id", company_id.as_ref())?)?,
        company_name: scalar::text("company_name", company_name.as_ref())?,
        company_domain: scalar::text("company_domain", company_domain.as_ref())?,
        admin: access.as_ref().and_then(is_admin),
    })
}

/// The word of the suite's app for sales; none if the list is not as we know it.
fn is_admin(access: &serde_json::Value) -> Option<bool> {
    let sales =
        |app: &&serde_json::Value| app.get("app").and_then(serde_json::Value::as_str) == Some("sales");
    access.as_array()?.iter().find(sales)?.get("admin")?.as_bool()
}

fn unprepared(call: &'static str, why: &str) -> CallError {
    CallError::without_effect(call, ErrorKind::UnknownField, why)
}

/// An answer with status 200 that breaks the contract; after a write nobody knows what it did.
pub(crate) fn unreadable<E: Endpoint>(what: impl Into<String>) -> CallError {
    let effect = if E::WRITE { Effect::InDoubt } else { Effect::None };
    CallError {
        call: E::NAME,
        kind: ErrorKind::Unreadable,
        effect,
        message: what.into(),
        correlation: None,
        exchange: None,
    }
}

/// RFC 3339 without a fraction, rounded down: a fraction is answered with 400 (8).
pub(crate) fn whole_seconds(at: Timestamp) -> String {
    at.to_zoned(TimeZone::UTC).strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}
