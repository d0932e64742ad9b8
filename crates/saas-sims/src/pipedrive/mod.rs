//! Pipedrive: organizations, deals, persons and their fields, products, followers, activities, pipelines and stages over
//! API version 2, searches, saved filters, merges; version 1's relationships, users, currencies, activity types, notes,
//! files and changelogs; OAuth; webhooks; burst and daily limits.

mod activities;
mod admin;
mod admin_hands;
mod attributes;
mod auth;
mod cursor;
mod deals;
mod entity;
mod events;
mod family_hands;
mod fields;
mod filters;
mod find;
mod find_term;
mod followers;
mod hands;
mod listing;
mod merge;
mod meter;
mod oauth;
mod optional;
mod organizations;
mod params;
mod persons;
mod pipelines;
mod problem;
mod products;
mod records;
mod route_table;
mod routes;
mod scopes;
mod search;
mod settings;
mod show;
mod state;
mod table;
mod users;
mod v1;
mod values;
mod view;
mod webhooks;
mod write;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::Router;
use jiff::Timestamp;
use serde_json::{Map, Value, json};

pub use events::{Action, Event, Replaced, Source};
pub use family_hands::RelationshipView;
pub use oauth::{OAuthSettings, Uninstall};
pub use settings::{PipedriveSettings, Plan};
pub use v1::{CustomCurrency, V1Settings};
pub use view::{ActivityView, DealView, OrganizationView, PersonView};
pub use webhooks::{Deliver, Delivery, Outcome, WebhookSettings, deliver_due, deliver_forever};

use crate::call::{Call, Reply};
use crate::clock::SimClock;
use crate::faults::Faults;
use crate::shell::{self, Simulator};
use crate::stats::Stats;
use entity::Entity;
use problem::Problem;
use state::{State, Writer};

/// A simulated Pipedrive company. Clones share everything.
#[derive(Clone, Debug)]
pub struct PipedriveSim {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    settings: PipedriveSettings,
    clock: SimClock,
    faults: Faults,
    state: Mutex<State>,
}

impl PipedriveSim {
    /// An empty company.
    pub fn new(settings: PipedriveSettings, clock: SimClock, seed: u64) -> Self {
        let (faults, state) = (Faults::new(seed ^ 0xfa17), Mutex::new(State::new(seed)));
        Self { inner: Arc::new(Inner { settings, clock, faults, state }) }
    }

    /// The company's API as an axum router.
    pub fn router(&self) -> Router {
        shell::router(self.clone())
    }

    /// What was asked so far.
    pub fn stats(&self) -> Stats {
        let state = self.lock();
        let (burst_refusals, daily_refusals) = (state.meter.burst_refusals, state.meter.daily_refusals);
        Stats { burst_refusals, daily_refusals, ..state.stats.clone() }
    }

    /// The fault plan.
    pub fn faults(&self) -> &Faults {
        &self.inner.faults
    }

    /// The clock.
    pub fn clock(&self) -> &SimClock {
        &self.inner.clock
    }

    /// The settings.
    pub fn settings(&self) -> &PipedriveSettings {
        &self.inner.settings
    }

    /// All organizations, deleted ones included, by id.
    pub fn organizations(&self) -> Vec<OrganizationView> {
        let state = self.lock();
        state
            .organizations
            .all()
            .map(|organization| OrganizationView::of(organization, &state.fields))
            .collect()
    }

    /// One organization, also when it is deleted.
    pub fn organization(&self, id: i64) -> Option<OrganizationView> {
        let state = self.lock();
        state.organizations.get(id).map(|organization| OrganizationView::of(organization, &state.fields))
    }

    /// Ids of the organizations that are not deleted.
    pub fn organization_ids(&self) -> Vec<i64> {
        self.lock()
            .organizations
            .all()
            .filter(|organization| !organization.is_deleted)
            .map(|found| found.id)
            .collect()
    }

    /// Code and name of the custom fields, in the order of their creation.
    pub fn custom_fields(&self) -> Vec<(String, String)> {
        self.lock().fields.custom().iter().map(|field| (field.code.clone(), field.name.clone())).collect()
    }

    /// Everything that changed, in order.
    pub fn events(&self) -> Vec<Event> {
        self.lock().events.clone()
    }

    /// Creates an organization as a person does; the body is that of the API.
    pub fn create_as_person(&self, body: &Value) -> Result<i64, String> {
        let record =
            self.as_person(|settings, state, by| organizations::create(settings, state, object(body)?, by))?;
        Ok(record["id"].as_i64().unwrap_or_default())
    }

    /// Edits an organization as a person does: no tokens, `change_source` `app`; the body is that of a PATCH.
    pub fn edit_as_person(&self, id: i64, body: &Value) -> Result<(), String> {
        self.as_person(|settings, state, by| organizations::update(settings, state, id, object(body)?, by))
            .map(|_| ())
    }

    /// Deletes an organization as a person does.
    pub fn delete_as_person(&self, id: i64) -> Result<(), String> {
        self.as_person(|settings, state, by| organizations::delete(settings, state, id, by)).map(|_| ())
    }

    /// Takes an organization out of the bin as a person does, within 30 days.
    pub fn restore_as_person(&self, id: i64) -> Result<(), String> {
        self.as_person(|settings, state, by| organizations::restore(settings, state, id, by)).map(|_| ())
    }

    /// Uses up tokens of the day as another integration of the company does (section 3.1).
    pub fn spend_foreign(&self, tokens: u64) {
        self.lock().meter.spend_foreign(&self.inner.settings, tokens, self.now());
    }

    /// What is left of today's tokens.
    pub fn tokens_left(&self) -> u64 {
        self.lock().meter.left(&self.inner.settings, self.now())
    }

    /// Ends all OAuth access tokens; the refresh token stays.
    pub fn revoke_tokens(&self) {
        self.lock().tokens.revoke();
    }

    fn as_person(
        &self,
        write: impl FnOnce(&PipedriveSettings, &mut State, &Writer) -> Result<Value, Problem>,
    ) -> Result<Value, String> {
        let settings = &self.inner.settings;
        let by = Writer { user_id: settings.user_id + 1, source: Source::App, now: self.now() };
        write(settings, &mut self.lock(), &by).map_err(|problem| problem.error)
    }

    fn now(&self) -> Timestamp {
        self.inner.clock.now()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        let mut state = self.inner.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.purge(self.now());
        state
    }
}

fn object(body: &Value) -> Result<&Map<String, Value>, Problem> {
    body.as_object().ok_or_else(|| Problem::invalid("the body must be a JSON object"))
}

impl Simulator for PipedriveSim {
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
        let fields = |entity| -> Vec<Value> {
            let own = state.fields_of(entity).custom();
            own.iter().map(|field| field.json(&[])).collect()
        };
        json!({
            "organizations": table::json(&state.organizations, &state.fields),
            "deals": table::json(&state.deals, &state.deal_fields),
            "persons": table::json(&state.persons, &state.person_fields),
            "organization_fields": fields(Entity::Organization),
            "deal_fields": fields(Entity::Deal),
            "person_fields": fields(Entity::Person),
            "pipelines": state.pipelines.json(),
        })
    }

    fn answer(&self, call: &Call) -> Reply {
        let now = self.now();
        routes::answer(&self.inner.settings, &mut self.lock(), call, now)
    }

    fn admin(&self, call: &Call) -> Option<Reply> {
        admin::answer(self, call)
    }
}
