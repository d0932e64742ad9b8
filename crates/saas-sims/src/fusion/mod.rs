//! Oracle Fusion Cloud ERP: parties and customer accounts over REST, and the token endpoint of the identity domain.
//!
//! What is here: `POST /oauth2/v1/token`; under `/crmRestApi` `hubOrganizations` with its children and `hubPersons`, read and written;
//! under `/fscmRestApi` `receivablesCustomerAccountActivities`, `receivablesCustomerAccountSiteActivities`,
//! `receivablesInvoices` with installments and flexfield, `receivablesCreditMemos`, `standardReceipts`,
//! `salesOrdersForOrderHub`, `purchaseOrders` with flexfield, `draftPurchaseOrders`, `setIdAssignmentsBusinessUnit`, read only;
//! `describe` of each; the SOAP services for customer accounts, their profiles and source systems.
//! What the real system has and this one has not is refused with 501, never ignored.
//!
//! `POST /_sim/fusion/party` takes `{"PartyNumber" | "PartyId": ..., "set": {...}, "by"?, "stamp"?,
//! "visible_after_seconds"?, "unstamped"?}`; without a key a party is added. `POST /_sim/fusion/account` takes the same
//! with the `PartyId` or `PartyNumber` of the owner and adds an account. `/_sim/fusion/child/{name}` adds a child to a
//! party or, with `id`, edits one; `/_sim/fusion/relate` makes a party a part of another (`into`) or, with `id`, changes
//! that relationship; `/_sim/fusion/rows/{resource}` adds or, with `id`, edits a document; `/_sim/fusion/invoice` issues
//! one to `account`; `/_sim/fusion/settle` pays (`"credit": true`: credits) an `amount` on the invoice `id`.

mod accounts;
mod admin;
mod assertion;
mod catalog;
mod children;
mod describe;
mod documents;
mod edit;
mod errors;
mod item;
mod list;
mod parties;
mod persons;
mod query;
mod request;
mod resource;
mod routes;
mod settings;
mod soap;
mod state;
mod table;
mod token;
mod writes;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::Router;
use jiff::Timestamp;
use serde_json::{Value, json};

pub use assertion::Trust;
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
        let (faults, mut state) = (Faults::new(seed ^ 0xfa17), State::new(seed));
        documents::assign_sets(&mut state, &settings.set_ids, clock.now());
        Self { inner: Arc::new(Inner { settings, clock, faults, state: Mutex::new(state) }) }
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

    /// Adds a child to a party (`Address`, `ContactPoint`, `SourceSystemReference`, `UsageAssignment`) and gives its
    /// surrogate key. The party's own stamp does not move (section 8).
    pub fn add_child(&self, party: i64, name: &str, edit: Edit) -> Result<i64, String> {
        let (state, settings) = (&mut self.lock(), &self.inner.settings);
        children::materialise(state, settings, &PARTIES, party);
        children::add(state, settings, party, name, edit, self.now())
    }

    /// Changes a child of a party by its surrogate key.
    pub fn edit_child(&self, name: &str, id: i64, edit: &Edit) -> Result<(), String> {
        let (state, resource) = (&mut self.lock(), children::child(name)?);
        if state.table(resource).get(id).is_none() {
            return Err(format!("no {name} {id}"));
        }
        state.apply(resource, id, None, edit, self.now())?;
        if name == "Address" {
            children::flatten(state, &self.inner.settings, id, edit, self.now())?;
        }
        Ok(())
    }

    /// The children of a party, NULLs included.
    pub fn children(&self, party: i64, name: &str) -> Vec<Value> {
        let state = &mut self.lock();
        children::materialise(state, &self.inner.settings, &PARTIES, party);
        let Ok(resource) = children::child(name) else { return Vec::new() };
        state.table(resource).owned_by(party).map(|row| Value::Object(row.json(resource, None))).collect()
    }

    /// Makes a party a part of another one and gives the RelationshipId; the edit may name another code and type.
    pub fn relate(&self, daughter: i64, parent: i64, edit: &Edit) -> Result<i64, String> {
        children::relate(&mut self.lock(), &self.inner.settings, (daughter, parent), edit, self.now())
    }

    /// Changes a relationship by RelationshipId, in both directions; `Status` I or an `EndDate` ends it.
    pub fn change_relation(&self, relationship: i64, edit: &Edit) -> Result<(), String> {
        children::change_relation(&mut self.lock(), relationship, edit, self.now())
    }

    /// Adds a row of a document's resource (`salesOrdersForOrderHub` for example, or `purchaseOrders/DFF` with its
    /// parent) and gives its surrogate key.
    pub fn add_row(&self, resource: &str, parent: Option<i64>, edit: Edit) -> Result<i64, String> {
        documents::add(&mut self.lock(), resource, parent, edit, self.now())
    }

    /// Changes a document's row.
    pub fn edit_row(&self, resource: &str, id: i64, edit: &Edit) -> Result<(), String> {
        let (state, resource) = (&mut self.lock(), documents::resource(resource)?);
        if state.table(resource).get(id).is_none() {
            return Err(format!("no {} {id}", resource.name));
        }
        state.apply(resource, id, None, edit, self.now())
    }

    /// A row's visible attributes, NULLs included.
    pub fn row(&self, resource: &str, id: i64) -> Option<Value> {
        let resource = documents::resource(resource).ok()?;
        self.lock().table(resource).get(id).map(|row| Value::Object(row.json(resource, None)))
    }

    /// Deletes a document's row; no poll sees it.
    pub fn remove_row(&self, resource: &str, id: i64) -> Result<(), String> {
        let row = self.lock().remove_row(documents::resource(resource)?, id);
        row.map(|_| ()).ok_or_else(|| format!("no {resource} {id}"))
    }

    /// Issues an invoice to an account, in one installment or in these.
    pub fn add_invoice(&self, account: i64, edit: Edit, installments: &[f64]) -> Result<i64, String> {
        documents::invoice(&mut self.lock(), account, edit, installments, self.now())
    }

    /// Applies a receipt to an invoice: its balance changes, its LastUpdateDate does not (section 2; switch
    /// `payment_moves_invoice`).
    pub fn pay_invoice(&self, invoice: i64, amount: f64) -> Result<(), String> {
        let (state, settings) = (&mut self.lock(), &self.inner.settings);
        documents::settle(state, settings, (invoice, amount), false, "AR_RECEIPTS", self.now())
    }

    /// Applies a credit memo to an invoice.
    pub fn credit_invoice(&self, invoice: i64, amount: f64) -> Result<(), String> {
        let (state, settings) = (&mut self.lock(), &self.inner.settings);
        documents::settle(state, settings, (invoice, amount), true, "AR_CREDITS", self.now())
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
        if state.table(resource).get(id).is_none() {
            return Err(format!("no visible {} {id}", resource.id));
        }
        state.apply(resource, id, None, edit, self.now())
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
        let mut truth = json!({"parties": parties, "accounts": accounts, "uncommitted": state.uncommitted(),
                               "soap": soap::truth(&state)});
        for resource in catalog::OTHERS.iter().chain([&*persons::PERSONS]) {
            let rows = state.table(resource).rows().map(|row| row.json(resource, None));
            truth[resource.full_name()] = rows.collect();
        }
        truth
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
