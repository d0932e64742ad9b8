//! `PUT /v1/organizations/{id}/merge` and `PUT /v1/deals/{id}/merge` (section 1.5): the record in the path is removed, the
//! other survives with its deals, persons, activities, notes and files.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::deals::Deal;
use super::entity::Entity;
use super::events::{Action, Around};
use super::fields::Fields;
use super::organizations::Organization;
use super::params;
use super::problem::Problem;
use super::records::{Request, Stored};
use super::search::Indexed;
use super::settings::PipedriveSettings;
use super::state::{State, Writer};
use super::table::Link;
use super::write::{object, whole};
use crate::call::Reply;

/// The body's `merge_with_id` and the operation.
pub(crate) fn merge(state: &mut State, request: &Request<'_>, entity: Entity) -> Result<Reply, Problem> {
    params::check_names(request.call, &[], request.settings)?;
    let body: Map<String, Value> = object(request.call)?;
    if let Some(name) = body.keys().find(|name| *name != "merge_with_id") {
        return Err(Problem::invalid(format_args!("\"{name}\" is not allowed")));
    }
    let survivor = body.get("merge_with_id").and_then(Value::as_i64);
    let survivor = survivor.ok_or_else(|| Problem::invalid("merge_with_id: must be an integer"))?;
    let loser = request.id()?;
    let data = match entity {
        Entity::Organization => organizations(request.settings, state, loser, survivor, &request.by)?,
        Entity::Deal => deals(request.settings, state, loser, survivor, &request.by)?,
        Entity::Person => return Err(Problem::not_modelled("merging persons")),
    };
    Ok(request.data(data))
}

/// Merges organizations: deals and persons move to the survivor.
pub(crate) fn organizations(
    settings: &PipedriveSettings,
    state: &mut State,
    loser: i64,
    survivor: i64,
    by: &Writer,
) -> Result<Value, Problem> {
    let (gone, old) =
        pair(state.organizations.living(loser), state.organizations.living(survivor), loser == survivor)?;
    let mut new: Organization = old.clone();
    if new.address.is_null() {
        new.address = gone.address.clone();
    }
    for (name, value) in &gone.plain {
        new.plain.entry(name).or_insert_with(|| value.clone());
    }
    custom(&mut new.custom, &gone.custom, &state.fields);
    let (changed, mut gone) = (new.changed_from(old), gone.clone());
    let now = whole(by.now);
    (gone.is_deleted, gone.update_time, new.update_time) = (true, now, now);
    finish(settings, state, gone, new, changed, by);
    for id in state.deals.linked_ids(Link::Organization(loser)) {
        if let Some(mut deal) = state.deals.living(id).cloned() {
            (deal.org_id, deal.update_time) = (Some(survivor), now);
            state.store(settings, deal, Action::Change, vec!["org_id".to_owned()], by);
        }
    }
    for id in state.persons.linked_ids(Link::Organization(loser)) {
        if let Some(mut person) = state.persons.living(id).cloned() {
            (person.org_id, person.update_time) = (Some(survivor), now);
            state.store(settings, person, Action::Change, vec!["org_id".to_owned()], by);
        }
    }
    Ok(json!({"id": survivor}))
}

/// Merges deals: the survivor's empty attributes are filled.
pub(crate) fn deals(
    settings: &PipedriveSettings,
    state: &mut State,
    loser: i64,
    survivor: i64,
    by: &Writer,
) -> Result<Value, Problem> {
    let (gone, old) = pair(state.deals.living(loser), state.deals.living(survivor), loser == survivor)?;
    if gone.is_archived || old.is_archived {
        return Err(Problem::archived());
    }
    let mut new: Deal = old.clone();
    new.org_id = new.org_id.or(gone.org_id);
    new.person_id = new.person_id.or(gone.person_id);
    new.probability = new.probability.or_else(|| gone.probability.clone());
    new.expected_close_date = new.expected_close_date.or_else(|| gone.expected_close_date.clone());
    custom(&mut new.custom, &gone.custom, &state.deal_fields);
    let (changed, mut gone) = (new.changed_from(old), gone.clone());
    let now = whole(by.now);
    (gone.is_deleted, gone.update_time, new.update_time) = (true, now, now);
    finish(settings, state, gone, new, changed, by);
    Ok(json!({"id": survivor}))
}

fn pair<'a, R: Stored>(
    loser: Option<&'a R>,
    survivor: Option<&'a R>,
    same: bool,
) -> Result<(&'a R, &'a R), Problem> {
    if same {
        return Err(Problem::invalid("merge_with_id: a record can not be merged with itself"));
    }
    loser.zip(survivor).ok_or_else(|| Problem::not_found(R::ENTITY.title()))
}

/// The survivor wins conflicts, but long texts are joined and what is empty is filled.
fn custom(into: &mut BTreeMap<String, Value>, from: &BTreeMap<String, Value>, fields: &Fields) {
    for (code, value) in from {
        let long = fields.get(code).is_some_and(|field| field.kind == "text");
        match into.get_mut(code) {
            Some(Value::String(own)) if long && Some(own.as_str()) != value.as_str() => {
                own.push('\n');
                own.push_str(value.as_str().unwrap_or_default());
            }
            Some(_) => {}
            None => {
                into.insert(code.clone(), value.clone());
            }
        }
    }
}

/// Stores both and notes in the log which became which.
fn finish<R: Indexed + Stored>(
    settings: &PipedriveSettings,
    state: &mut State,
    gone: R,
    new: R,
    changed: Vec<String>,
    by: &Writer,
) {
    let (loser, survivor) = (gone.id(), new.id());
    let lost = Around { merged_to: Some(survivor), ..Around::default() };
    state.store_around(settings, gone, Action::Delete, Vec::new(), by, lost);
    let kept = Around { merged_from: Some(loser), ..Around::default() };
    state.store_around(settings, new, Action::Change, changed, by, kept);
    state.v1.move_over(R::ENTITY, loser, survivor);
    state.activities.move_over(R::ENTITY, loser, survivor);
}
