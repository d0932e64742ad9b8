//! Oracle Fusion Cloud ERP: parties and customer accounts over REST, and the token endpoint of the identity domain.
//!
//! What is here: `POST /oauth2/v1/token`, `hubOrganizations` (list and item) under `/crmRestApi`,
//! `receivablesCustomerAccountActivities` (list and item) under `/fscmRestApi`, and the SOAP services for customer
//! accounts and their profiles. Not yet: writes over REST, children, `describe`, receivables and purchasing.
//!
//! `POST /_sim/fusion/party` takes `{"PartyNumber" | "PartyId": ..., "set": {...}, "by"?, "stamp"?,
//! "visible_after_seconds"?}`; without a key a party is added. `POST /_sim/fusion/account` takes the same with the
//! `PartyId` or `PartyNumber` of the owner and adds an account.

mod accounts;
mod admin;
mod edit;
mod errors;
mod item;
mod list;
mod parties;
mod query;
mod request;
mod resource;
mod routes;
mod settings;
mod soap;
mod state;
mod table;
mod token;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::Router;
use jiff::Timestamp;
use serde_json::{Value, json};

pub use edit::Edit;
pub use settings::FusionSettings;

use crate::call::{Call, Reply};
use crate::clock::SimClock;
use crate::faults::Faults;
use crate::shell::{self, Simulator};
use crate::stats::Stats;
use accounts::ACCOUNTS;
use parties::{CUSTOMER_USAGES, PARTIES};
use resource::Resource;
use state::State;

/// A simulated Fusion pod together with its identity domain. Clones share everything.
#[derive(Clone, Debug)]
pub struct FusionSim {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    settings: FusionSettings,
    clock: SimClock,
    faults: Faults,
    state: Mutex<State>,
}

impl FusionSim {
    /// An empty pod.
    pub fn new(settings: FusionSettings, clock: SimClock, seed: u64) -> Self {
        let (faults, state) = (Faults::new(seed ^ 0xfa17), Mutex::new(State::new(seed)));
        Self { inner: Arc::new(Inner { settings, clock, faults, state }) }
    }

    /// The pod as an axum router.
    pub fn router(&self) -> Router {
        shell::router(self.clone())
    }

    /// What was asked so far.
    pub fn stats(&self) -> Stats {
        self.lock().stats.clone()
    }

    /// The fault plan.
    pub fn faults(&self) -> &Faults {
        &self.inner.faults
    }

    /// The clock.
    pub fn clock(&self) -> &SimClock {
        &self.inner.clock
    }

    /// Adds a party and returns its PartyId. Without a PartyNumber in the edit one is generated.
    pub fn add_party(&self, edit: Edit) -> Result<i64, String> {
        self.lock().add_party(edit, self.now())
    }

    /// Adds an account to a party that is visible, and returns the AccountId.
    pub fn add_account(&self, party: i64, edit: Edit) -> Result<i64, String> {
        self.lock().add_account(party, edit, self.now())
    }

    /// Changes a party by PartyId.
    pub fn edit_party(&self, party: i64, edit: &Edit) -> Result<(), String> {
        self.change(&PARTIES, party, edit)
    }

    /// Changes an account by AccountId.
    pub fn edit_account(&self, account: i64, edit: &Edit) -> Result<(), String> {
        self.change(&ACCOUNTS, account, edit)
    }

    /// Deletes a party and its accounts; no poll sees it (section 8).
    pub fn remove_party(&self, party: i64) -> Result<(), String> {
        self.lock().remove_party(party)
    }

    /// Merges a party into another one: its status becomes M and its accounts move (section 8).
    pub fn merge_party(&self, party: i64, into: i64) -> Result<(), String> {
        self.lock().merge_party(party, into, self.now())
    }

    /// Stamps parties with one LastUpdateDate and changes nothing else, as bulk jobs do (section 8, ghost updates).
    pub fn stamp_parties(&self, parties: &[i64], at: Timestamp) {
        let edit = Edit::default().by("SCHEDULED_JOB").stamped(at);
        for party in parties {
            // A party that is not there cannot be stamped; the job skips it.
            let _ = self.edit_party(*party, &edit);
        }
    }

    /// A party's visible attributes, NULLs included.
    pub fn party(&self, party: i64) -> Option<Value> {
        self.lock().parties.get(party).map(|row| Value::Object(row.json(&PARTIES, None)))
    }

    /// An account's visible attributes, NULLs included.
    pub fn account(&self, account: i64) -> Option<Value> {
        self.lock().accounts.get(account).map(|row| Value::Object(row.json(&ACCOUNTS, None)))
    }

    /// The PartyId that goes with a PartyNumber.
    pub fn party_id(&self, number: &str) -> Option<i64> {
        self.lock().parties.by_key(number).map(|row| row.id)
    }

    /// The PartyNumber of a visible party.
    pub fn party_number(&self, party: i64) -> Option<String> {
        self.lock().parties.get(party).and_then(|row| row.text("PartyNumber")).map(str::to_owned)
    }

    /// The AccountNumber of a visible account.
    pub fn account_number(&self, account: i64) -> Option<String> {
        self.lock().accounts.get(account).and_then(|row| row.text("AccountNumber")).map(str::to_owned)
    }

    /// The PartyIds of all visible parties, in their order.
    pub fn party_ids(&self) -> Vec<i64> {
        self.lock().parties.rows().map(|row| row.id).collect()
    }

    /// The PartyIds of the visible customers: by usage, or because they have an account (section 1.1).
    pub fn customer_ids(&self) -> Vec<i64> {
        let state = self.lock();
        let customers = state.parties.rows().filter(|row| {
            row.text("PartyUsageCode").is_some_and(|usage| CUSTOMER_USAGES.contains(&usage))
                || state.accounts.owned_by(row.id).next().is_some()
        });
        customers.map(|row| row.id).collect()
    }

    /// The AccountIds of a party.
    pub fn account_ids(&self, party: i64) -> Vec<i64> {
        self.lock().accounts.owned_by(party).map(|row| row.id).collect()
    }

    /// Ends all access tokens, as a change of the trust does; the next call is 401.
    pub fn revoke_tokens(&self) {
        self.lock().tokens.clear();
    }

    fn change(&self, resource: &'static Resource, id: i64, edit: &Edit) -> Result<(), String> {
        let mut state = self.lock();
        let table = if resource.name == ACCOUNTS.name { &state.accounts } else { &state.parties };
        if table.get(id).is_none() {
            return Err(format!("no visible {} {id}", resource.id));
        }
        state.apply(resource, id, edit, self.now())
    }

    fn now(&self) -> Timestamp {
        self.inner.clock.now()
    }

    /// The state with everything committed that is due.
    fn lock(&self) -> MutexGuard<'_, State> {
        let now = self.now();
        let mut state = self.inner.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.settle(now);
        state
    }
}

impl Simulator for FusionSim {
    fn clock(&self) -> &SimClock {
        self.clock()
    }

    fn faults(&self) -> &Faults {
        self.faults()
    }

    fn stats(&self) -> Stats {
        self.stats()
    }

    fn truth(&self) -> Value {
        let state = self.lock();
        let parties: Vec<_> = state.parties.rows().map(|row| row.json(&PARTIES, None)).collect();
        let accounts: Vec<_> = state.accounts.rows().map(|row| row.json(&ACCOUNTS, None)).collect();
        json!({"parties": parties, "accounts": accounts, "uncommitted": state.uncommitted(),
               "soap": soap::truth(&state)})
    }

    fn answer(&self, call: &Call) -> Reply {
        let now = self.now();
        let mut state = self.lock();
        routes::answer(&self.inner.settings, &mut state, call, now)
    }

    fn admin(&self, call: &Call) -> Option<Reply> {
        admin::answer(self, call)
    }
}
