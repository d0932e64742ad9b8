//! Looking: the few requests that tell whether two systems fit, both sides at a time. Nothing is judged here, nothing is
//! written anywhere but in our own ledger, and no lease is taken: a daemon may work beside it.

use std::collections::BTreeMap;
use std::future::Future;
use std::sync::Arc;

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use oracle_fusion::{Fusion, Shape, Subject};
use pipedrive::{Fielded, KnownField, Pipedrive, WhoAmI};
use saas_http::{RefreshFrom, RefreshState, Sleeper, Transport, Witness};
use sync_core::budget::{Class, Spent};
use sync_core::documents::DocumentKind;
use sync_core::hooks::{HookEntity, Subscription};
use sync_core::ids::{ConnectionId, PartyId};
use sync_core::model::Seen;
use sync_core::ports::{Called, Crm as _, Erp as _, Grant, Spend, SpendError, TokenVault};
use sync_store::{Ledger, Store, StoreError, Vault};

use super::readiness::{self, CrmReady, ErpReady};
use super::trouble::Trouble;
use crate::clients::{Clients, Kept, budget};
use crate::config::{ConfigError, Connection, Credentials};
use crate::exit::Failed;
use crate::hooks::{addresses, entities};

/// What is looked with.
pub struct Means<'a> {
    /// Makes the clients.
    pub clients: Clients<'a>,
    /// Waits for burst slots.
    pub sleeper: Arc<dyn Sleeper>,
    /// The store, or why it cannot be used.
    pub store: Result<&'a Store, String>,
    /// The way to the ERP, or why there is none.
    pub erp: anyhow::Result<Arc<dyn Transport>>,
    /// The way to the CRM, or why there is none.
    pub crm: anyhow::Result<Arc<dyn Transport>>,
}

/// The answer to one question.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Asked<T> {
    /// What was answered.
    Answered(T),
    /// Why it was not.
    Failed(Trouble),
    /// Something before it failed in a way that would have failed here too.
    NotAsked,
}

/// Why a side could not even be asked: something about our own settings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unusable {
    /// What is wrong.
    pub message: String,
    /// What to do about it.
    pub help: Option<String>,
}

/// Everything that was seen of one connection.
#[derive(Debug, Clone)]
pub struct Observed {
    /// Why the store cannot be used, if so.
    pub store: Result<(), String>,
    /// The ERP's side.
    pub fusion: Result<FusionSeen, Unusable>,
    /// The CRM's side.
    pub pipedrive: Result<PipedriveSeen, Unusable>,
}

/// One resource of the ERP.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResourceSeen {
    /// How its description compares with what we read.
    pub shape: Asked<Shape>,
    /// Whether our user sees any row.
    pub any: Asked<bool>,
}

/// The ERP's side.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FusionSeen {
    /// Parties.
    pub parties: ResourceSeen,
    /// AR accounts.
    pub accounts: ResourceSeen,
    /// Parties with a customer's usage, estimated by the pod.
    pub customers: Asked<Option<u64>>,
    /// AR accounts, estimated by the pod.
    pub account_count: Asked<Option<u64>>,
    /// Whether the services answer; none where nothing is mapped that only they tell.
    pub services: Option<Asked<()>>,
    /// Codes of the relationships that some parties have, with their number; none where the hierarchy is not wanted.
    pub relationships: Option<Asked<BTreeMap<String, usize>>>,
    /// Whether any document of each kind can be read; none where none are wanted.
    pub documents: Option<BTreeMap<DocumentKind, Asked<bool>>>,
    /// Whether customers could be created; none where none are wanted.
    pub ready: Option<ErpReady>,
    /// How far its clock is ahead of ours.
    pub ahead: Option<SignedDuration>,
    /// Requests that it took.
    pub requests: u64,
}

/// The CRM's side.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PipedriveSeen {
    /// Whose credentials they are.
    pub me: Asked<WhoAmI>,
    /// Organizations on the first page, and whether there are more.
    pub organizations: Asked<(usize, bool)>,
    /// Custom fields by what has them.
    pub fields: Vec<(Fielded, Asked<Vec<KnownField>>)>,
    /// Webhooks that are registered; none where none are wanted.
    pub webhooks: Option<Asked<WebhooksSeen>>,
    /// What handovers need of it; none where none are wanted.
    pub ready: Option<CrmReady>,
    /// Scopes of the OAuth installation, if they were told.
    pub scopes: Option<Vec<String>>,
    /// The grant of an app before it was used here; none where there is no app, or where it is not known.
    pub grant: Option<GrantSeen>,
    /// The company that the connection belongs to, if that is remembered.
    pub belongs_to: Option<i64>,
    /// Tokens a day, by the company's own word.
    pub tokens_a_day: Option<u64>,
    /// Requests a burst window, by the company's own word.
    pub window: Option<u64>,
    /// What bulk work may still spend today, by our ledger; none without a store.
    pub left_today: Option<u64>,
    /// How far its clock is ahead of ours.
    pub ahead: Option<SignedDuration>,
    /// What it took.
    pub spent: Spent,
}

/// The webhooks that the CRM shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WebhooksSeen {
    /// How many, those of others too.
    pub listed: usize,
    /// Whether one of them delivers everything to the address of the secret in use.
    pub ours: bool,
}

/// The grant of an app.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GrantSeen {
    /// Where the refresh token comes from.
    pub from: RefreshFrom,
    /// How long ago it was renewed last, if that was noted.
    pub idle: Option<SignedDuration>,
}

/// Looks at both sides of a connection. Never fails: what fails is seen.
pub async fn observe(connection: &Connection, means: Means<'_>) -> Observed {
    let Means { clients, sleeper, store, erp, crm } = means;
    let fusion = async {
        let witness = Arc::new(Witness::new(erp.map_err(unusable)?, clients.clock.clone()));
        let fusion = clients.fusion(connection, witness.clone()).map_err(unusable)?;
        Ok(look_at_fusion(connection, &fusion, Asker::new(&witness)).await)
    };
    let pipedrive = async {
        let witness = Arc::new(Witness::new(crm.map_err(unusable)?, clients.clock.clone()));
        let store = store.as_ref().ok().copied();
        let (kept, ledger) = kept(connection, &clients, store).await?;
        let grant = grant(connection, &clients, &kept.vault).await?;
        let made = clients.pipedrive(connection, witness.clone(), sleeper, kept);
        let address = addresses(connection, clients.env).map_err(unusable)?.into_iter().next();
        let made = made.map_err(unusable)?;
        let mut seen = look_at_pipedrive(connection, &made, address.as_deref(), Asker::new(&witness)).await;
        if let Some(ledger) = ledger {
            seen.left_today = ledger.left_today(Class::Backfill, clients.clock.now()).await.ok();
        }
        seen.grant = grant;
        if let Some(store) = store {
            seen.belongs_to = belongs_to(connection, store, &clients).await;
            if let (Some(ready), Ok(id)) = (&mut seen.ready, number(connection, store, &clients).await) {
                readiness::remember(ready, store, id).await;
            }
        }
        Ok(seen)
    };
    let (fusion, pipedrive) = tokio::join!(fusion, pipedrive);
    Observed { store: store.map(|_| ()), fusion, pipedrive }
}

/// Asks until something fails in a way that would fail again.
pub(super) struct Asker<'a> {
    witness: &'a Witness,
    ended: bool,
}

impl<'a> Asker<'a> {
    fn new(witness: &'a Witness) -> Self {
        Self { witness, ended: false }
    }

    /// Asks what would only be nice to know: a failure says nothing about the rest.
    pub(super) async fn ask_in_passing<T>(&mut self, call: impl Future<Output = Called<T>>) -> Asked<T> {
        let before = self.ended;
        let asked = self.ask(call).await;
        self.ended = before;
        asked
    }

    async fn ask<T>(&mut self, call: impl Future<Output = Called<T>>) -> Asked<T> {
        if self.ended {
            return Asked::NotAsked;
        }
        self.witness.turn_page();
        match call.await {
            Ok(answer) => Asked::Answered(answer),
            Err(error) => {
                let trouble = Trouble::of(&error, self.witness.last().as_ref());
                self.ended = trouble.ends_it();
                Asked::Failed(trouble)
            }
        }
    }
}

async fn look_at_fusion(connection: &Connection, fusion: &Fusion, mut asker: Asker<'_>) -> FusionSeen {
    let parties = look_at_resource(fusion, Subject::Parties, &mut asker).await;
    let accounts = look_at_resource(fusion, Subject::Accounts, &mut asker).await;
    let usages = &connection.oracle.customer_usages;
    let customers = asker.ask_in_passing(fusion.estimate_of_usages(usages)).await;
    let account_count = asker.ask_in_passing(fusion.estimate_of_all(Subject::Accounts)).await;
    let relationships = match connection.customers.hierarchy {
        true => Some(asker.ask_in_passing(codes(fusion)).await),
        false => None,
    };
    // Last: whoever refuses them may want to be left alone for a while.
    let services = match connection.fields.table().wants_terms() {
        true => Some(asker.ask_in_passing(services(fusion)).await),
        false => None,
    };
    let documents = match &connection.documents {
        Some(section) => {
            let mut asked = BTreeMap::new();
            for kind in section.policy().kinds {
                asked.insert(kind, asker.ask_in_passing(fusion.sees_document(kind)).await);
            }
            Some(asked)
        }
        None => None,
    };
    let ready = match &connection.customers_from_crm {
        Some(section) => Some(readiness::look_at_erp(section, fusion, &mut asker).await),
        None => None,
    };
    FusionSeen {
        parties,
        accounts,
        customers,
        account_count,
        services,
        relationships,
        documents,
        ready,
        ahead: asker.witness.ahead(),
        requests: fusion.requests(),
    }
}

/// Whether the services say anything about some account, if there is one.
async fn services(fusion: &Fusion) -> Called<()> {
    match fusion.first_account().await? {
        Some((account, party)) => fusion.terms(account, party).await.map(drop),
        None => Ok(()),
    }
}

/// The codes that the first parties' relationships have.
async fn codes(fusion: &Fusion) -> Called<BTreeMap<String, usize>> {
    let mut codes = BTreeMap::new();
    for seen in fusion.links(PartyId(0)).await?.rows {
        if let Seen::Record(link) = seen {
            *codes.entry(link.code).or_default() += 1;
        }
    }
    Ok(codes)
}

async fn look_at_resource(fusion: &Fusion, subject: Subject, asker: &mut Asker<'_>) -> ResourceSeen {
    let shape = asker.ask(fusion.shape(subject)).await;
    ResourceSeen { shape, any: asker.ask(fusion.sees_any(subject)).await }
}

async fn look_at_pipedrive(
    connection: &Connection,
    pipedrive: &Pipedrive,
    address: Option<&str>,
    mut asker: Asker<'_>,
) -> PipedriveSeen {
    let me = asker.ask(pipedrive.whoami()).await;
    let mut fields = Vec::new();
    for fielded in Fielded::ALL {
        fields.push((fielded, asker.ask(pipedrive.custom_fields(fielded)).await));
    }
    let organizations = asker.ask(pipedrive.first_organizations()).await;
    let webhooks = match address {
        Some(address) => {
            Some(asker.ask_in_passing(webhooks(pipedrive, address, &entities(connection))).await)
        }
        None => None,
    };
    let ready = match &connection.customers_from_crm {
        Some(section) => Some(readiness::look_at_crm(section, pipedrive, &mut asker).await),
        None => None,
    };
    let scopes = asker.witness.scope();
    PipedriveSeen {
        me,
        organizations,
        fields,
        webhooks,
        ready,
        scopes: scopes.as_deref().map(saas_http::scopes),
        grant: None,
        belongs_to: None,
        // Undocumented, at times absent, as are the burst limits (pipedrive.md 3.4).
        tokens_a_day: asker.witness.number("x-daily-ratelimit-token-limit"),
        window: asker.witness.number("x-ratelimit-limit"),
        left_today: None,
        ahead: asker.witness.ahead(),
        spent: pipedrive.spent(),
    }
}

async fn webhooks(pipedrive: &Pipedrive, address: &str, wanted: &[HookEntity]) -> Called<WebhooksSeen> {
    let listed = pipedrive.subscriptions(Class::Urgent).await?;
    let good = |seen: &&Subscription| seen.address == address && seen.complete && seen.active;
    let told_of = |entity: &HookEntity| listed.iter().filter(good).any(|seen| seen.entity == Some(*entity));
    let ours = wanted.iter().all(told_of);
    Ok(WebhooksSeen { listed: listed.len(), ours })
}

/// What the client keeps: in the store, or without one nowhere. A refresh token that could not be kept is not used.
async fn kept(
    connection: &Connection,
    clients: &Clients<'_>,
    store: Option<&Store>,
) -> Result<(Kept, Option<Ledger>), Unusable> {
    let Some(store) = store else {
        if let Ok(Credentials::OAuth(_)) = connection.pipedrive.credentials() {
            let message = "a refresh token that is exchanged must be kept, and the store cannot be used";
            return Err(Unusable {
                message: message.to_owned(),
                help: Some("see store.reachable".to_owned()),
            });
        }
        return Ok((Kept { spend: Arc::new(Uncounted), vault: Arc::new(Vault::absent()) }, None));
    };
    let id = number(connection, store, clients).await.map_err(|error| unusable(error.into()))?;
    let ledger = Ledger::new(store.clone(), id, budget(&connection.pipedrive));
    let vault = clients.vault(store, id).map_err(unusable)?;
    Ok((Kept { spend: Arc::new(ledger.clone()), vault: Arc::new(vault) }, Some(ledger)))
}

/// What is known about an app's grant. Asking on renews it, so this comes first.
async fn grant(
    connection: &Connection,
    clients: &Clients<'_>,
    vault: &Arc<dyn TokenVault>,
) -> Result<Option<GrantSeen>, Unusable> {
    let Some(grant) = clients.grant(connection, Arc::clone(vault)).map_err(unusable)? else {
        return Ok(None);
    };
    // What is in the vault's way is in the way of every call, too, and told there.
    let Ok(RefreshState { from, obtained_at: _, renewed_at }) = grant.state().await else { return Ok(None) };
    let now = clients.clock.now();
    Ok(Some(GrantSeen { from, idle: renewed_at.map(|at| now.duration_since(at)) }))
}

/// The connection's number in the store.
async fn number(
    connection: &Connection,
    store: &Store,
    clients: &Clients<'_>,
) -> Result<ConnectionId, StoreError> {
    store.ensure_connection(&connection.name, "{}", clients.clock.now()).await
}

async fn belongs_to(connection: &Connection, store: &Store, clients: &Clients<'_>) -> Option<i64> {
    let id = number(connection, store, clients).await.ok()?;
    Some(store.company(id).await.ok()??.id)
}

fn unusable(error: anyhow::Error) -> Unusable {
    let help = match (error.downcast_ref::<ConfigError>(), error.downcast_ref::<Failed>()) {
        (Some(config), _) => Some(config.remedy().to_owned()),
        (None, Some(failed)) => failed.remedy().map(str::to_owned),
        (None, None) => None,
    };
    Unusable { message: format!("{error:#}"), help }
}

/// The ledger of somebody who has no store: a few requests that are counted nowhere.
struct Uncounted;

#[async_trait]
impl Spend for Uncounted {
    async fn reserve(&self, _: Class, _: u32, count: u32, now: Timestamp) -> Result<Grant, SpendError> {
        Ok(Grant { granted: count, retry_at: now })
    }

    async fn correct(&self, _: u64, _: Timestamp) -> Result<(), SpendError> {
        Ok(())
    }

    async fn last_spent(&self, _: Timestamp) -> Result<Option<Timestamp>, SpendError> {
        Ok(None)
    }

    async fn refund(&self, _: Class, _: u32, _: u32, _: Timestamp) -> Result<(), SpendError> {
        Ok(())
    }

    async fn exhausted(&self, _: Timestamp, _: Timestamp) -> Result<(), SpendError> {
        Ok(())
    }
}
