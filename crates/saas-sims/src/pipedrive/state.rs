//! What the company holds.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use super::activities::Activities;
use super::auth::Tokens;
use super::deals::Deal;
use super::entity::Entity;
use super::events::{Action, Around, Event, Source};
use super::fields::Fields;
use super::filters::Filter;
use super::followers::Followers;
use super::meter::Meter;
use super::organizations::Organizations;
use super::persons::Person;
use super::pipelines::Pipelines;
use super::products::Products;
use super::records::Stored;
use super::search::{Indexed, SearchIndex};
use super::settings::PipedriveSettings;
use super::table::Table;
use super::v1;
use super::webhooks::{self, Told, Webhooks};
use super::write::whole;
use crate::stats::Stats;

/// Soft-deleted records are forgotten after this (section 1.3).
const KEPT: SignedDuration = SignedDuration::from_hours(30 * 24);

#[derive(Debug)]
pub(crate) struct State {
    pub(crate) organizations: Organizations,
    pub(crate) deals: Table<Deal>,
    pub(crate) persons: Table<Person>,
    pub(crate) pipelines: Pipelines,
    pub(crate) products: Products,
    pub(crate) followers: Followers,
    pub(crate) activities: Activities,
    pub(crate) filters: BTreeMap<i64, Filter>,
    /// Those of organizations.
    pub(crate) fields: Fields,
    pub(crate) deal_fields: Fields,
    pub(crate) person_fields: Fields,
    pub(crate) search: SearchIndex,
    pub(crate) v1: v1::Records,
    pub(crate) webhooks: Webhooks,
    pub(crate) events: Vec<Event>,
    /// Whether what is written now is part of a bulk edit.
    pub(crate) bulk: bool,
    pub(crate) meter: Meter,
    pub(crate) tokens: Tokens,
    pub(crate) stats: Stats,
    pub(crate) rng: fastrand::Rng,
}

/// Who writes, how and when.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Writer {
    pub(crate) user_id: i64,
    pub(crate) source: Source,
    pub(crate) now: Timestamp,
}

impl State {
    pub(crate) fn new(seed: u64) -> Self {
        Self {
            organizations: Organizations::default(),
            deals: Table::default(),
            persons: Table::default(),
            pipelines: Pipelines::default(),
            products: Products::default(),
            followers: Followers::default(),
            activities: Activities::default(),
            filters: BTreeMap::new(),
            fields: Fields::default(),
            deal_fields: Fields::default(),
            person_fields: Fields::default(),
            search: SearchIndex::default(),
            v1: v1::Records::default(),
            webhooks: Webhooks::new(seed ^ 0x6875_6b73),
            events: Vec::new(),
            bulk: false,
            meter: Meter::new(seed ^ 0x6d65_7465),
            tokens: Tokens::default(),
            stats: Stats::default(),
            rng: fastrand::Rng::with_seed(seed),
        }
    }

    pub(crate) fn fields_of(&self, entity: Entity) -> &Fields {
        match entity {
            Entity::Organization => &self.fields,
            Entity::Deal => &self.deal_fields,
            Entity::Person => &self.person_fields,
        }
    }

    pub(crate) fn fields_of_mut(&mut self, entity: Entity) -> &mut Fields {
        match entity {
            Entity::Organization => &mut self.fields,
            Entity::Deal => &mut self.deal_fields,
            Entity::Person => &mut self.person_fields,
        }
    }

    /// Stores a written record: search index, log, table.
    pub(crate) fn store<R: Indexed + Stored>(
        &mut self,
        settings: &PipedriveSettings,
        row: R,
        action: Action,
        changed: Vec<String>,
        by: &Writer,
    ) {
        self.store_around(settings, row, action, changed, by, Around::default());
    }

    /// Stores a written record; `around` may say what it was merged with.
    pub(crate) fn store_around<R: Indexed + Stored>(
        &mut self,
        settings: &PipedriveSettings,
        row: R,
        action: Action,
        changed: Vec<String>,
        by: &Writer,
        mut around: Around,
    ) {
        // A deleted record stays in the search index as it was.
        if action != Action::Delete {
            let due = by.now.checked_add(settings.search_delay).unwrap_or(by.now);
            let entry = row.entry(self.fields_of(R::ENTITY));
            self.search.settle(by.now);
            self.search.take(due, R::ENTITY, row.id(), entry);
        }
        if self.listening() || !changed.is_empty() {
            let before = R::table(self).get(row.id()).cloned();
            let fields = self.fields_of(R::ENTITY);
            around.before = before.map(|old| old.json(fields, None));
            around.after = (action != Action::Delete).then(|| row.json(fields, None));
        }
        self.log_around(R::ENTITY.name(), row.id().to_string(), action, changed, by, around);
        R::table(self).put(row);
    }

    /// Forgets what was deleted 30 days ago.
    pub(crate) fn purge(&mut self, now: Timestamp) {
        let limit = whole(now).checked_sub(KEPT).unwrap_or(Timestamp::MIN);
        let gone = [
            (Entity::Organization, self.organizations.purge(limit)),
            (Entity::Deal, self.deals.purge(limit)),
            (Entity::Person, self.persons.purge(limit)),
        ];
        self.activities.purge(limit);
        for (entity, ids) in gone {
            ids.into_iter().for_each(|id| self.search.forget(entity, id));
        }
    }

    pub(crate) fn log(
        &mut self,
        entity: &'static str,
        entity_id: String,
        action: Action,
        changed: Vec<String>,
        by: &Writer,
    ) {
        self.log_around(entity, entity_id, action, changed, by, Around::default());
    }

    /// Logs a change with the record around it. Webhooks need `before` and `after` and are silent without, see
    /// [`State::listening`]; the changelog needs both for changes.
    pub(crate) fn log_around(
        &mut self,
        entity: &'static str,
        entity_id: String,
        action: Action,
        changed: Vec<String>,
        by: &Writer,
        around: Around,
    ) {
        let Writer { user_id, source, now } = *by;
        let values = around.replaced(&changed);
        let (bulk, merged_to, merged_from) = (self.bulk, around.merged_to, around.merged_from);
        let event = Event {
            time: now,
            entity,
            entity_id,
            action,
            changed,
            values,
            user_id,
            source,
            bulk,
            merged_to,
            merged_from,
        };
        if self.listening() {
            let field = |code: &str| Entity::ALL.into_iter().find_map(|of| self.fields_of(of).get(code));
            let kind = |code: &str| field(code).map(|field| field.kind.as_str());
            let typed = |record: Option<Value>| record.map(|record| webhooks::typed(record, kind));
            let (before, after) = (typed(around.before), typed(around.after));
            self.webhooks.tell(Told { event: event.clone(), before, after });
        }
        self.events.push(event);
    }

    /// Whether somebody wants to know the whole record around each change.
    pub(crate) fn listening(&self) -> bool {
        self.webhooks.listening()
    }
}
