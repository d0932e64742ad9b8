//! Saved filters: `filter_id` silently wins over `ids`, `owner_id` and the like (sections 1.5, 8).

use std::collections::BTreeSet;

use serde::Deserialize;

use super::activities;
use super::entity::Entity;
use super::params;
use super::problem::Problem;
use super::state::State;
use crate::call::Call;

/// A saved filter, made by a person in the web application.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Filter {
    /// `organization`, `deal`, `person` or `activity`.
    entity: String,
    /// These records only.
    ids: Option<BTreeSet<i64>>,
    /// Records of this user only.
    owner_id: Option<i64>,
}

impl Filter {
    /// A filter has to say which records of which kind.
    pub(crate) fn check(&self) -> Result<(), Problem> {
        if Entity::of_name(&self.entity).is_none() && self.entity != activities::NAME {
            return Err(Problem::invalid("entity: must be organization, deal, person or activity"));
        }
        if self.ids.is_none() && self.owner_id.is_none() {
            return Err(Problem::invalid("a filter needs ids or owner_id"));
        }
        Ok(())
    }
}

/// Which records a list is about.
#[derive(Debug)]
pub(crate) struct Selection {
    pub(crate) ids: Option<BTreeSet<i64>>,
    pub(crate) owner: Option<i64>,
    /// Whether a saved filter is in force: all other selecting parameters count for nothing.
    pub(crate) filtered: bool,
}

impl Selection {
    pub(crate) fn read(call: &Call, state: &State, entity: Entity) -> Result<Self, Problem> {
        Self::of(call, state, entity.name())
    }

    /// The same for what filters call `name`.
    pub(crate) fn of(call: &Call, state: &State, name: &str) -> Result<Self, Problem> {
        let ids = params::integers(call, "ids")?;
        let owner = params::integer(call, "owner_id")?;
        if let Some(id) = params::integer(call, "filter_id")? {
            let known = state.filters.get(&id).filter(|filter| filter.entity == name);
            let filter = known.ok_or_else(|| Problem::invalid(format_args!("filter_id: no filter {id}")))?;
            return Ok(Self { ids: filter.ids.clone(), owner: filter.owner_id, filtered: true });
        }
        if ids.as_ref().is_some_and(|ids| ids.len() > 100) {
            return Err(Problem::invalid("ids: must contain at most 100 items"));
        }
        Ok(Self { ids: ids.map(|ids| ids.into_iter().collect()), owner, filtered: false })
    }

    /// A selecting parameter that a saved filter silences.
    pub(crate) fn integer(&self, call: &Call, name: &str) -> Result<Option<i64>, Problem> {
        let given = params::integer(call, name)?;
        Ok(given.filter(|_| !self.filtered))
    }

    /// Leaves only records that are in `others` too.
    pub(crate) fn narrow(&mut self, others: BTreeSet<i64>) {
        self.ids = Some(match &self.ids {
            Some(ids) => ids.intersection(&others).copied().collect(),
            None => others,
        });
    }
}
