//! What the company holds.

use jiff::Timestamp;
use serde_json::Value;

use super::auth::Tokens;
use super::events::{Action, Around, Event, Source};
use super::fields::Fields;
use super::meter::Meter;
use super::organizations::Organizations;
use super::search::SearchIndex;
use super::v1;
use super::webhooks::{self, Told, Webhooks};
use crate::stats::Stats;

#[derive(Debug)]
pub(crate) struct State {
    pub(crate) organizations: Organizations,
    pub(crate) fields: Fields,
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
            fields: Fields::default(),
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
            // Types of custom fields of other entities than organizations plug in here.
            let kind = |code: &str| self.fields.get(code).map(|field| field.kind.as_str());
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
