//! What the operations on deals, persons and the like get to see of a request, and the tables they work on.

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::entity::Entity;
use super::params;
use super::problem::Problem;
use super::settings::PipedriveSettings;
use super::show::Show;
use super::state::{State, Writer};
use super::table::{Row, Table};
use super::write;
use super::{deals, persons};
use crate::call::{Call, Reply};

/// A request on its way to its operation.
pub(crate) struct Request<'a> {
    pub(crate) call: &'a Call,
    pub(crate) settings: &'a PipedriveSettings,
    pub(crate) by: Writer,
    /// What the path has in place of `{id}` or `{code}`.
    pub(crate) key: &'a str,
}

/// A kind of record that has a table.
pub(crate) trait Stored: Row {
    fn table(state: &mut State) -> &mut Table<Self>;
}

impl Stored for super::organizations::Organization {
    fn table(state: &mut State) -> &mut Table<Self> {
        &mut state.organizations
    }
}

impl Stored for deals::Deal {
    fn table(state: &mut State) -> &mut Table<Self> {
        &mut state.deals
    }
}

impl Stored for persons::Person {
    fn table(state: &mut State) -> &mut Table<Self> {
        &mut state.persons
    }
}

type Create = fn(&PipedriveSettings, &mut State, &Map<String, Value>, &Writer) -> Result<Value, Problem>;
type Update = fn(&PipedriveSettings, &mut State, i64, &Map<String, Value>, &Writer) -> Result<Value, Problem>;
type Delete = fn(&PipedriveSettings, &mut State, i64, &Writer) -> Result<Value, Problem>;

impl<'a> Request<'a> {
    pub(crate) fn new(call: &'a Call, settings: &'a PipedriveSettings, by: Writer, key: &'a str) -> Self {
        Self { call, settings, by, key }
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.by.now
    }

    /// The key as the id of a record.
    pub(crate) fn id(&self) -> Result<i64, Problem> {
        let id = self.key.parse().ok().filter(|id: &i64| *id > 0);
        id.ok_or_else(|| Problem::invalid("id: must be a positive integer"))
    }

    #[expect(clippy::unused_self, reason = "reads as the answer to the request")]
    pub(crate) fn data(&self, data: Value) -> Reply {
        Reply::ok(&json!({"success": true, "data": data}))
    }

    /// The record behind the key.
    pub(crate) fn one<R: Row>(&self, state: &State, table: &Table<R>) -> Result<Reply, Problem> {
        const KNOWN: [&str; 4] =
            ["include_fields", "custom_fields", "include_option_labels", "include_labels"];
        params::check_names(self.call, &KNOWN, self.settings)?;
        let show = Show::read(self.call, state, R::ENTITY)?;
        let found = table.get(self.id()?).filter(|row| !(row.is_deleted() && self.settings.deleted_is_404));
        let row = found.ok_or_else(|| Problem::not_found(Entity::title(R::ENTITY)))?;
        Ok(self.data(show.record(state, row)))
    }

    pub(crate) fn create(&self, state: &mut State, create: Create) -> Result<Reply, Problem> {
        params::check_names(self.call, &[], self.settings)?;
        create(self.settings, state, &write::object(self.call)?, &self.by).map(|data| self.data(data))
    }

    pub(crate) fn update(&self, state: &mut State, update: Update) -> Result<Reply, Problem> {
        params::check_names(self.call, &[], self.settings)?;
        let body = write::object(self.call)?;
        update(self.settings, state, self.id()?, &body, &self.by).map(|data| self.data(data))
    }

    pub(crate) fn delete(&self, state: &mut State, delete: Delete) -> Result<Reply, Problem> {
        params::check_names(self.call, &[], self.settings)?;
        delete(self.settings, state, self.id()?, &self.by).map(|data| self.data(data))
    }
}
