//! Relationships between organizations.

use serde_json::{Value, json};
use sync_core::{
    budget::Class,
    deals::Relation,
    error::{Effect, ErrorKind},
    ids::{OrgId, RelationId},
    ports::{Crm as _, Permit},
};

use crate::{company::*, support::*};

const RELATIONS: &str = "/v1/organizationRelationships";

/// As v1 shows it: both ends as objects.
fn relation(id: i64, kind: &str, owner: i64, linked: i64) -> Value {
    json!({ "id": id, "type": kind, "active_flag": "true", "add_time": "2020-09-22 08:58:28",
        "rel_owner_org_id": { "name": "A", "value": owner }, "rel_linked_org_id": { "name": "B", "value": linked } })
}

fn listed(rows: &Value, page: &Value) -> Outcome {
    ok(json!({ "success": true, "data": rows, "additional_data": page, "related_objects": {} }))
}

async fn relations(rows: Value, page: Value) -> sync_core::ports::Called<Vec<Relation>> {
    company(move |_| Some(listed(&rows, &page))).crm.relations_of(OrgId(1), Class::Audit).await
}

async fn permit(company: &Company, tokens: u32) -> Permit {
    company.crm.permits(Class::Edit, tokens, 1).await.unwrap().pop().unwrap()
}

#[tokio::test]
async fn a_parent_owns_the_relationship_and_its_daughter_is_linked() {
    let company = company(|_| Some(data(&relation(7, "parent", 1, 2))));
    let made = company.crm.relate(permit(&company, 10).await, OrgId(1), OrgId(2)).await.unwrap();
    assert_eq!(made, Relation { id: RelationId(7), parent: OrgId(1), daughter: OrgId(2) });
    assert_eq!(company.log.lines(), [format!("POST {RELATIONS}")]);
    let sent = company.log.last();
    assert_eq!(sent.json(), json!({ "type": "parent", "rel_owner_org_id": 1, "rel_linked_org_id": 2 }));
    assert_eq!(*company.ledger.heard.lock().unwrap(), ["reserve Edit 1 x 10"]);
}

#[tokio::test]
async fn an_organization_is_never_related_to_itself() {
    let company = company(|_| None);
    let error = company.crm.relate(permit(&company, 10).await, OrgId(1), OrgId(1)).await.unwrap_err();
    assert_eq!((error.kind, error.effect), (ErrorKind::Rejected, Effect::None));
    assert!(company.log.all().is_empty());
}

#[tokio::test]
async fn a_relationship_that_was_made_of_others_is_in_doubt() {
    for answer in [relation(7, "parent", 2, 1), relation(7, "related", 1, 2), json!({ "id": 7 }), json!(null)]
    {
        let company = company(move |_| Some(data(&answer)));
        let error = company.crm.relate(permit(&company, 10).await, OrgId(1), OrgId(2)).await.unwrap_err();
        assert_eq!((error.kind, error.effect), (ErrorKind::Unreadable, Effect::InDoubt));
    }
    let company = company(|_| Some(lost()));
    let error = company.crm.relate(permit(&company, 10).await, OrgId(1), OrgId(2)).await.unwrap_err();
    assert_eq!(error.effect, Effect::InDoubt);
    assert_eq!(company.log.all().len(), 1, "nothing is repeated");
}

#[tokio::test]
async fn a_relationship_that_is_not_there_is_ended() {
    let missing = json!({ "success": false, "error": "Organization relationship not found" });
    let done = json!({ "success": true, "data": { "id": 7 } });
    for (status, body) in [(200, done), (404, missing)] {
        let company = company(move |_| Some(reply(status, &[], body.clone())));
        company.crm.unrelate(permit(&company, 6).await, RelationId(7)).await.unwrap();
        assert_eq!(company.log.lines(), [format!("DELETE {RELATIONS}/7")]);
        assert_eq!(*company.ledger.heard.lock().unwrap(), ["reserve Edit 1 x 6"]);
    }
    let company = company(|_| Some(ok(json!({ "success": false }))));
    let error = company.crm.unrelate(permit(&company, 6).await, RelationId(7)).await.unwrap_err();
    assert_eq!(error.effect, Effect::InDoubt);
}

#[tokio::test]
async fn only_parents_and_daughters_are_listed_whatever_shape_their_ids_have() {
    let plain = json!({ "id": "4", "type": "parent", "rel_owner_org_id": 9, "rel_linked_org_id": "1" });
    let mut ended = relation(5, "parent", 1, 6);
    ended["active_flag"] = json!("false");
    let foreign = relation(6, "parent", 8, 9);
    let rows = json!([relation(3, "parent", 1, 2), relation(2, "related", 1, 3), plain, ended, foreign]);
    let company = company(move |_| Some(listed(&rows, &json!(null))));
    let found = company.crm.relations_of(OrgId(1), Class::Audit).await.unwrap();
    let daughter = Relation { id: RelationId(3), parent: OrgId(1), daughter: OrgId(2) };
    let parent = Relation { id: RelationId(4), parent: OrgId(9), daughter: OrgId(1) };
    assert_eq!(found, [daughter, parent]);
    let sent = company.log.last();
    assert_eq!(sent.target, format!("{RELATIONS}?org_id=1"));
    assert_eq!(*company.ledger.heard.lock().unwrap(), ["reserve Audit 1 x 20"]);
}

#[tokio::test]
async fn a_relationship_that_cannot_be_read_is_never_left_out() {
    let mut bad = relation(3, "parent", 1, 2);
    bad["rel_linked_org_id"] = json!({ "name": "B" });
    let error = relations(json!([bad]), json!(null)).await.unwrap_err();
    assert_eq!((error.kind, error.effect), (ErrorKind::Unreadable, Effect::None));
    assert!(error.message.contains("rel_linked_org_id.value is missing"), "{}", error.message);
}

#[tokio::test]
async fn null_is_an_empty_list_only_where_the_page_says_that_nothing_follows() {
    let nothing = json!({ "start": 0, "limit": 100, "more_items_in_collection": false });
    for page in [nothing.clone(), json!({ "pagination": nothing })] {
        assert_eq!(relations(json!(null), page).await, Ok(Vec::new()));
    }
    assert_eq!(relations(json!(null), json!(null)).await.unwrap_err().kind, ErrorKind::Unreadable);
}

#[tokio::test]
async fn a_full_page_that_is_not_the_last_one_is_no_answer() {
    let more = json!({ "pagination": { "start": 0, "limit": 100, "more_items_in_collection": true } });
    let rows = |count: i64| (0..count).map(|id| relation(id, "parent", 1, id + 2)).collect::<Value>();
    let error = relations(rows(100), more.clone()).await.unwrap_err();
    assert!(error.message.contains("more relationships"), "{}", error.message);
    assert_eq!(relations(rows(99), more).await.unwrap().len(), 99, "so says the published example");
}
