//! Relationships in the web application: what is there, and what people make and remove.

use super::super::super::events::Action;
use super::super::super::problem::Problem;
use super::super::super::state::{State, Writer};
use super::super::super::write::whole;
use super::Relationship;

/// Id, whether the owner is the parent, owner and linked organization of each.
pub(crate) fn all(state: &State) -> Vec<(i64, bool, i64, i64)> {
    let all = state.v1.relationships.all.values();
    all.map(|relationship| {
        let Relationship { id, parent, owner, linked, .. } = relationship;
        (*id, *parent, *owner, *linked)
    })
    .collect()
}

/// A person makes one organization the parent of another.
pub(crate) fn relate(state: &mut State, parent: i64, daughter: i64, by: &Writer) -> i64 {
    let relationships = &mut state.v1.relationships;
    relationships.last_id += 1;
    let (id, now) = (relationships.last_id, whole(by.now));
    let made =
        Relationship { id, parent: true, owner: parent, linked: daughter, add_time: now, update_time: now };
    relationships.all.insert(id, made);
    state.log("organizationRelationship", id.to_string(), Action::Create, Vec::new(), by);
    id
}

/// A person removes a relationship.
pub(crate) fn remove(state: &mut State, id: i64, by: &Writer) -> Result<(), Problem> {
    let removed = state.v1.relationships.all.remove(&id);
    removed.ok_or_else(|| Problem::not_found("Organization relationship"))?;
    state.log("organizationRelationship", id.to_string(), Action::Delete, Vec::new(), by);
    Ok(())
}
