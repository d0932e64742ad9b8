//! What the company holds.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};

use super::auth::Tokens;
use super::deals::Deal;
use super::entity::Entity;
use super::events::{Action, Event, Source};
use super::fields::Fields;
use super::filters::Filter;
use super::meter::Meter;
use super::organizations::Organizations;
use super::persons::Person;
use super::pipelines::Pipelines;
use super::records::Stored;
use super::search::{Indexed, SearchIndex};
use super::settings::PipedriveSettings;
use super::table::Table;
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
    pub(crate) filters: BTreeMap<i64, Filter>,
    /// Those of organizations.
    pub(crate) fields: Fields,
    pub(crate) deal_fields: Fields,
    pub(crate) person_fields: Fields,
    pub(crate) search: SearchIndex,
    pub(crate) events: Vec<Event>,
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
            filters: BTreeMap::new(),
            fields: Fields::default(),
            deal_fields: Fields::default(),
            person_fields: Fields::default(),
            search: SearchIndex::default(),
            events: Vec::new(),
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
        // A deleted record stays in the search index as it was.
        if action != Action::Delete {
            let due = by.now.checked_add(settings.search_delay).unwrap_or(by.now);
            let entry = row.entry(self.fields_of(R::ENTITY));
            self.search.settle(by.now);
            self.search.take(due, R::ENTITY, row.id(), entry);
        }
        self.log(R::ENTITY.name(), row.id().to_string(), action, changed, by);
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
        let Writer { user_id, source, now } = *by;
        let (merged_to_id, merged_from_id) = (None, None);
        let event = Event {
            time: now,
            entity,
            entity_id,
            action,
            changed,
            user_id,
            source,
            merged_to_id,
            merged_from_id,
        };
        self.events.push(event);
    }
}
