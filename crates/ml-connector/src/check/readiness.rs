//! Looking whether customers could be created in the ERP: only where `[connection.customers_from_crm]` is configured.
//! Reads alone; whether our user may create parties only the first create tells.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use oracle_fusion::{Fusion, SetAssignments, SourceSystem};
use pipedrive::{DealCodes, Pipedrive, User};
use sync_core::budget::Class;
use sync_core::customers::{AccountKey, FoundAccount, Reference};
use sync_core::deals::CrmDeal;
use sync_core::ids::{AccountId, ConnectionId, OrgId, PartyId};
use sync_core::model::{Page, Seen};
use sync_core::ports::Called;
use sync_engine::activated_at;
use sync_store::Store;

use super::observe::{Asked, Asker};
use crate::config::CustomersFromCrm;

/// A reference that nobody has.
const NOBODY: &str = "ml-connector:check";

/// Accounts that are looked at for what is usual here.
const ACCOUNTS: u32 = 20;

/// Accounts whose profiles are looked at.
const PROFILES: usize = 3;

/// A person waits for the answer.
const CLASS: Class = Class::Urgent;

/// The ERP's side.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ErpReady {
    /// The source system, if the pod knows it.
    pub source_system: Asked<Option<SourceSystem>>,
    /// Whether parties can be looked for by our reference.
    pub by_reference: Asked<()>,
    /// Whether persons can be; none where nobody is made a contact.
    pub persons: Option<Asked<()>>,
    /// Whether accounts can be looked for by our reference: the account service.
    pub account_service: Asked<()>,
    /// Some accounts, as that service shows them.
    pub accounts: Asked<Vec<FoundAccount>>,
    /// Classes of the profiles of some of them: the profile service; none where no account is seen to ask about.
    pub profiles: Option<Asked<BTreeSet<String>>>,
    /// Reference data sets of business units.
    pub sets: Asked<SetAssignments>,
    /// Whether some party has the usage that created ones get.
    pub usage: Asked<bool>,
    /// Whether addresses and usages of some party can be read; none where no account is seen whose party to ask about.
    pub children: Option<Asked<bool>>,
}

/// The CRM's side.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CrmReady {
    /// The first won deals.
    pub won: Asked<DealsSeen>,
    /// The first open deals.
    pub open: Asked<DealsSeen>,
    /// Pipelines by number; none where no rule names one.
    pub pipelines: Option<Asked<BTreeMap<i64, String>>>,
    /// Users; none where no rule names one.
    pub users: Option<Asked<Vec<User>>>,
    /// Decimal places by currency; none where no limit names one.
    pub currencies: Option<Asked<BTreeMap<String, u8>>>,
    /// From when on won deals count by themselves; none while that was never switched on, or is not known.
    pub activated_at: Option<Timestamp>,
    /// Organizations of these deals that are customers already, as far as the store knows.
    pub customers: BTreeSet<OrgId>,
}

/// A page of deals.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DealsSeen {
    /// Those that can be read.
    pub rows: Vec<CrmDeal>,
    /// Whether there are others.
    pub more: bool,
}

/// Looks at the pod. What fails for one question says nothing about the others.
pub(super) async fn look_at_erp(
    section: &CustomersFromCrm,
    fusion: &Fusion,
    asker: &mut Asker<'_>,
) -> ErpReady {
    let system = &section.source_system;
    let source_system = asker.ask_in_passing(fusion.source_system(system)).await;
    let by_reference = asker.ask_in_passing(nothing(fusion.parties_by_reference(system, NOBODY))).await;
    let nobody = Reference { system: system.clone(), value: NOBODY.to_owned() };
    let persons = match section.contact {
        true => Some(asker.ask_in_passing(nothing(fusion.persons_by_reference(&nobody))).await),
        false => None,
    };
    let account_service = asker.ask_in_passing(nothing(fusion.accounts_by_reference(system, NOBODY))).await;
    let accounts = asker.ask_in_passing(fusion.some_accounts(ACCOUNTS)).await;
    let sets = asker.ask_in_passing(fusion.set_assignments()).await;
    let usage = asker.ask_in_passing(fusion.sees_usage(&section.party_usage)).await;
    let (mut profiles, mut children) = (None, None);
    match some(fusion, asker, &accounts).await {
        Asked::Answered(known) => {
            if let Some((_, party)) = known.first() {
                children = Some(asker.ask_in_passing(fusion.shows_children(*party)).await);
                profiles = Some(asker.ask_in_passing(classes(fusion, &known)).await);
            }
        }
        Asked::Failed(_) | Asked::NotAsked => {
            (profiles, children) = (Some(Asked::NotAsked), Some(Asked::NotAsked));
        }
    }
    ErpReady {
        source_system,
        by_reference,
        persons,
        account_service,
        accounts,
        profiles,
        sets,
        usage,
        children,
    }
}

/// Some accounts with their parties, whoever shows them.
async fn some(
    fusion: &Fusion,
    asker: &mut Asker<'_>,
    accounts: &Asked<Vec<FoundAccount>>,
) -> Asked<Vec<(AccountId, PartyId)>> {
    if let Asked::Answered(found) = accounts
        && !found.is_empty()
    {
        let known = found.iter().take(PROFILES).map(|account| (account.id, account.party));
        return Asked::Answered(known.collect());
    }
    match asker.ask_in_passing(fusion.first_account()).await {
        Asked::Answered(first) => Asked::Answered(first.into_iter().collect()),
        Asked::Failed(trouble) => Asked::Failed(trouble),
        Asked::NotAsked => Asked::NotAsked,
    }
}

async fn nothing<T>(call: impl Future<Output = Called<T>>) -> Called<()> {
    call.await.map(drop)
}

/// The classes of these accounts' profiles.
async fn classes(fusion: &Fusion, of: &[(AccountId, PartyId)]) -> Called<BTreeSet<String>> {
    let mut classes = BTreeSet::new();
    for (account, party) in of {
        let profile = fusion.active_profile(&AccountKey::Id(*account), *party).await?;
        classes.extend(profile.and_then(|profile| profile.class));
    }
    Ok(classes)
}

/// Looks at the company: what rules name, and its deals.
pub(super) async fn look_at_crm(
    section: &CustomersFromCrm,
    pipedrive: &Pipedrive,
    asker: &mut Asker<'_>,
) -> CrmReady {
    let codes = DealCodes::default();
    let won = asker.ask_in_passing(page(pipedrive.deals_won(&codes, None, CLASS))).await;
    let open = asker.ask_in_passing(page(pipedrive.deals_open(&codes, None, CLASS))).await;
    let units = &section.business_unit;
    let pipelines = match units.iter().any(|unit| !unit.when.pipeline.is_empty()) {
        true => Some(asker.ask_in_passing(pipedrive.pipelines(CLASS)).await),
        false => None,
    };
    let users = match units.iter().any(|unit| !unit.when.owner.is_empty()) {
        true => Some(asker.ask_in_passing(pipedrive.users(CLASS)).await),
        false => None,
    };
    let currencies = match section.review_above.is_empty() {
        false => Some(asker.ask_in_passing(pipedrive.currencies(CLASS)).await),
        true => None,
    };
    CrmReady { won, open, pipelines, users, currencies, activated_at: None, customers: BTreeSet::new() }
}

async fn page(call: impl Future<Output = Called<Page<CrmDeal>>>) -> Called<DealsSeen> {
    let page = call.await?;
    let record = |seen| match seen {
        Seen::Record(deal) => Some(deal),
        Seen::Malformed(_) => None,
    };
    Ok(DealsSeen { rows: page.rows.into_iter().filter_map(record).collect(), more: page.more })
}

/// Adds what the store knows: since when deals count, and whose organizations are customers. Without it nothing is known.
pub(super) async fn remember(ready: &mut CrmReady, store: &Store, connection: ConnectionId) {
    ready.activated_at = activated_at(store, connection).await.ok().flatten();
    let deals = [&ready.won, &ready.open].into_iter().filter_map(|asked| match asked {
        Asked::Answered(seen) => Some(&seen.rows),
        Asked::Failed(_) | Asked::NotAsked => None,
    });
    let orgs: BTreeSet<OrgId> = deals.flatten().filter_map(|deal| deal.org).collect();
    let orgs: Vec<OrgId> = orgs.into_iter().collect();
    let Ok(mut tx) = store.read(connection).await else { return };
    if let Ok(pairs) = tx.pairs_by_org(&orgs).await {
        ready.customers = pairs.into_keys().collect();
    }
}
