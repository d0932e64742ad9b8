//! Parents and daughters among organizations (pipedrive.md 1.1, v1).

use saas_http::{
    Answer, Endpoint, Pass,
    scalar::{int, required, text},
};
use serde_json::Value as Json;
use sync_core::{
    budget::Class,
    deals::Relation,
    error::{CallError, ErrorKind},
    ids::{OrgId, RelationId},
    ports::{Called, Permit},
};

use crate::{
    api::organization_relationships::{
        CreateRelationship, DeleteRelationship, ListRelationships, PAGE, PARENT, RelationshipDto,
    },
    client::{Pipedrive, unreadable},
    shapes::{reference, says_no},
};

impl Pipedrive {
    /// Makes `parent` the parent of `daughter` (10 tokens). Look first whether it is already: nothing makes this call
    /// idempotent.
    ///
    /// # Errors
    /// As every call; [`ErrorKind::Rejected`] may mean that they are related already.
    pub(crate) async fn make_parent(
        &self,
        permit: Permit,
        parent: OrgId,
        daughter: OrgId,
    ) -> Called<Relation> {
        if parent == daughter {
            let message = format!("organization {parent} cannot be its own parent");
            return Err(CallError::without_effect(CreateRelationship::NAME, ErrorKind::Rejected, message));
        }
        let create = CreateRelationship { parent, daughter };
        let Answer { value, correlation, .. } = self.caller.send(&create, Pass::Permit(permit)).await?;
        let made = value.one().map_err(str::to_owned).and_then(|data| {
            let relation = required("a relationship of type parent", read(&data)?)?;
            let asked = relation.parent == parent && relation.daughter == daughter;
            if asked { Ok(relation) } else { Err("the answer is about other organizations".to_owned()) }
        });
        made.map_err(|what| unreadable::<CreateRelationship>(what).with_correlation(correlation))
    }

    /// Ends a relationship (6 tokens); one that is not there is ended.
    ///
    /// # Errors
    /// As every call.
    pub(crate) async fn end_relation(&self, permit: Permit, id: RelationId) -> Called<()> {
        let delete = DeleteRelationship { id };
        let Answer { value, correlation, .. } = match self.caller.send(&delete, Pass::Permit(permit)).await {
            Ok(answer) => answer,
            Err(error) if error.kind == ErrorKind::Missing => return Ok(()),
            Err(error) => return Err(error),
        };
        value.done().map_err(|what| unreadable::<DeleteRelationship>(what).with_correlation(correlation))
    }

    /// The parent and the daughters of an organization (20 tokens). The list has one page: of a parent with more than
    /// a hundred daughters ask from the daughters' side.
    ///
    /// # Errors
    /// As every call; [`ErrorKind::Unreadable`] when the list goes on where nobody can read it, or when a relationship of
    /// type parent cannot be understood: left out it would be made a second time.
    pub(crate) async fn list_relations(&self, org: OrgId, class: Class) -> Called<Vec<Relation>> {
        let list = ListRelationships { org };
        let Answer { value, correlation, .. } = self.caller.send(&list, Pass::Class(class)).await?;
        let relations = value.page().and_then(|page| {
            // The published example says that more follows after its one row.
            if page.more == Some(true) && page.rows.len() >= PAGE {
                return Err("there are more relationships than the one page holds".to_owned());
            }
            page.rows.iter().filter_map(|row| read(row).transpose()).collect::<Result<Vec<_>, String>>()
        });
        let mut relations =
            relations.map_err(|what| unreadable::<ListRelationships>(what).with_correlation(correlation))?;
        relations.retain(|relation| relation.parent == org || relation.daughter == org);
        Ok(relations)
    }
}

/// A relationship with a parent; `None` for any other one, and for one that is no longer.
fn read(row: &Json) -> Result<Option<Relation>, String> {
    let dto: RelationshipDto = serde_json::from_value(row.clone()).map_err(|error| error.to_string())?;
    let RelationshipDto { id, r#type, rel_owner_org_id, rel_linked_org_id, active_flag } = dto;
    if required("type", text("type", r#type.as_ref())?)? != PARENT || says_no(active_flag.as_ref()) {
        return Ok(None);
    }
    let end = |name, value: Option<&Json>| required(name, reference(name, value)?).map(OrgId);
    Ok(Some(Relation {
        id: RelationId(required("id", int("id", id.as_ref())?)?),
        parent: end("rel_owner_org_id", rel_owner_org_id.as_ref())?,
        daughter: end("rel_linked_org_id", rel_linked_org_id.as_ref())?,
    }))
}
