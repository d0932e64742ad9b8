//! `/v1/organizationRelationships` (section 1.1, specification of version 1): parents, daughters and related ones.

pub(crate) mod hands;
mod write;

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::{Map, Value, json};

pub(super) use write::{create, delete, update};

use super::super::params;
use super::super::problem::Problem;
use super::super::settings::PipedriveSettings;
use super::super::state::State;
use super::{bad, time};
use crate::call::{Call, Reply};

/// All relationships; what is deleted is gone.
#[derive(Debug, Default)]
pub(super) struct Relationships {
    all: BTreeMap<i64, Relationship>,
    last_id: i64,
}

#[derive(Clone, Debug)]
struct Relationship {
    id: i64,
    /// The owner is the parent of the linked organization; otherwise the two are just related.
    parent: bool,
    owner: i64,
    linked: i64,
    add_time: Timestamp,
    update_time: Timestamp,
}

impl Relationship {
    fn kind(&self) -> &'static str {
        if self.parent { "parent" } else { "related" }
    }

    /// Same type and same two organizations; which of two related ones is the owner does not matter.
    fn repeats(&self, other: &Self) -> bool {
        let (one, two) = ((self.owner, self.linked), (other.owner, other.linked));
        self.id != other.id
            && self.parent == other.parent
            && (one == two || (!self.parent && one == (two.1, two.0)))
    }

    fn json(&self, state: &State) -> Value {
        let side = |id: i64| {
            let mut side = info(state, id);
            side["value"] = Value::from(id);
            side
        };
        json!({
            "id": self.id,
            "type": self.kind(),
            "rel_owner_org_id": side(self.owner),
            "rel_linked_org_id": side(self.linked),
            "add_time": time::text(self.add_time),
            "update_time": time::text(self.update_time),
            // A text, in the schema and in its examples.
            "active_flag": "true",
        })
    }

    /// The record with what it means for `base`.
    fn calculated(&self, state: &State, base: i64) -> Value {
        let other = if base == self.owner { self.linked } else { self.owner };
        let kind = match (self.parent, base == self.owner) {
            (true, true) => "daughter",
            (true, false) => "parent",
            (false, _) => "related",
        };
        let mut record = self.json(state);
        record["calculated_type"] = Value::from(kind);
        record["calculated_related_org_id"] = Value::from(other);
        record
    }
}

/// What is shown of an organization at either end.
fn info(state: &State, id: i64) -> Value {
    let Some(organization) = state.organizations.get(id) else { return json!({}) };
    json!({
        "name": organization.name,
        "people_count": 0,
        "owner_id": organization.owner_id,
        "address": organization.address["value"],
        "cc_email": null,
    })
}

fn related_objects<'a>(state: &State, shown: impl Iterator<Item = &'a Relationship>) -> Value {
    let mut organizations = Map::new();
    for id in shown.flat_map(|relationship| [relationship.owner, relationship.linked]) {
        let mut record = info(state, id);
        record["id"] = Value::from(id);
        organizations.insert(id.to_string(), record);
    }
    json!({"organization": organizations})
}

/// Whether the relationship is shown in spite of deleted ends.
fn shown(settings: &PipedriveSettings, state: &State, relationship: &Relationship) -> bool {
    let living = |id| state.organizations.get(id).is_some_and(|found| !found.is_deleted);
    settings.v1.relationships_survive_deletion || (living(relationship.owner) && living(relationship.linked))
}

fn find(settings: &PipedriveSettings, state: &State, id: i64) -> Result<Relationship, Problem> {
    let found = state.v1.relationships.all.get(&id).filter(|found| shown(settings, state, found));
    found.cloned().ok_or_else(|| Problem::not_found("Organization relationship"))
}

pub(super) fn list(settings: &PipedriveSettings, state: &State, call: &Call) -> Result<Reply, Problem> {
    params::check_names(call, &["org_id"], settings)?;
    let base = base(state, call)?.ok_or_else(|| bad("org_id: is required"))?;
    let of_base: Vec<&Relationship> = state
        .v1
        .relationships
        .all
        .values()
        .filter(|found| (found.owner == base || found.linked == base) && shown(settings, state, found))
        .collect();
    let records = of_base.iter().map(|relationship| {
        let mut record = relationship.calculated(state, base);
        let other = record["calculated_related_org_id"].as_i64().and_then(|id| state.organizations.get(id));
        record["related_organization_name"] = Value::from(other.map(|other| other.name.clone()));
        record
    });
    // There is no parameter to turn the page.
    let page = json!({"start": 0, "limit": of_base.len().max(100), "more_items_in_collection": false});
    let page = if settings.v1.nested_relationship_page { json!({"pagination": page}) } else { page };
    Ok(Reply::ok(&json!({
        "success": true,
        "data": records.collect::<Vec<Value>>(),
        "additional_data": page,
        "related_objects": related_objects(state, of_base.iter().copied()),
    })))
}

pub(super) fn one(
    settings: &PipedriveSettings,
    state: &State,
    call: &Call,
    id: i64,
) -> Result<Reply, Problem> {
    params::check_names(call, &["org_id"], settings)?;
    let relationship = find(settings, state, id)?;
    let base = base(state, call)?.unwrap_or(relationship.owner);
    if base != relationship.owner && base != relationship.linked {
        return Err(bad("org_id: is not part of the relationship"));
    }
    Ok(answer(state, &relationship, relationship.calculated(state, base)))
}

/// The organization from whose side things are seen; deleted ones may still be asked about.
fn base(state: &State, call: &Call) -> Result<Option<i64>, Problem> {
    let Some(text) = call.param("org_id") else { return Ok(None) };
    let id: i64 = text.parse().map_err(|_| bad("org_id: must be an integer"))?;
    let known = state.organizations.get(id).map(|organization| organization.id);
    known.map(Some).ok_or_else(|| Problem::not_found("Organization"))
}

fn answer(state: &State, relationship: &Relationship, record: Value) -> Reply {
    let related = related_objects(state, std::iter::once(relationship));
    Reply::ok(&json!({"success": true, "data": record, "related_objects": related}))
}
