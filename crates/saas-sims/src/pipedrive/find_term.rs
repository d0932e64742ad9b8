//! `GET /api/v2/{organizations,deals,persons}/search` (section 7): not case-sensitive, also when exact.

use serde_json::{Value, json};

use super::deals::Status;
use super::entity::Entity;
use super::find::{check_length, limit, page, start};
use super::params;
use super::problem::Problem;
use super::records::Request;
use super::search::Entry;
use super::state::State;
use crate::call::Reply;

const KNOWN: [&str; 9] = [
    "term",
    "fields",
    "exact_match",
    "limit",
    "cursor",
    // Not for organizations:
    "organization_id",
    "include_fields",
    // Only for deals:
    "person_id",
    "status",
];

pub(crate) fn by_term(state: &mut State, request: &Request<'_>, entity: Entity) -> Result<Reply, Problem> {
    let Request { call, settings, .. } = *request;
    let (known, groups): (_, &[&str]) = match entity {
        Entity::Organization => (&KNOWN[..5], &["address", "custom_fields", "notes", "name"]),
        Entity::Deal => (&KNOWN[..], &["custom_fields", "notes", "title"]),
        Entity::Person => (&KNOWN[..7], &["custom_fields", "email", "notes", "phone", "name"]),
    };
    params::check_names(call, known, settings)?;
    if call.param("include_fields").is_some() {
        return Err(Problem::not_modelled("include_fields of a search"));
    }
    let term = call.param("term").ok_or_else(|| Problem::invalid("term: is required"))?;
    let exact = params::boolean(call, "exact_match")?;
    check_length(term, exact)?;
    let groups = params::choices(call, "fields", groups)?.unwrap_or_else(|| groups.to_vec());
    let (limit, start) = (limit(call, settings)?, start(call)?);
    let organization = params::integer(call, "organization_id")?;
    let person = params::integer(call, "person_id")?;
    let status = params::choice(call, "status", &["open", "won", "lost"])?.and_then(Status::of_name);
    state.search.settle(request.now());
    let state = &*state;
    let term = term.to_lowercase();
    let matches = |text: &str| {
        let text = text.to_lowercase();
        if exact { text == term } else { text.contains(&term) }
    };
    let hits = state.search.entries(entity, start).filter(|(_, entry)| {
        organization.is_none_or(|id| entry.org_id == Some(id))
            && person.is_none_or(|id| entry.person_id == Some(id))
            && status.is_none_or(|status| entry.deal.as_ref().is_some_and(|deal| deal.status == status))
    });
    // Bare matched values, without the hashes that they belong to.
    let hits = hits.filter_map(|(id, entry)| {
        let fields = state.fields_of(entity);
        let custom = entry.values.iter().filter(|(code, _)| fields.get(code).is_some());
        let custom = custom.map(|(_, value)| value).filter(|value| matches(value));
        let custom: Vec<&String> =
            if groups.contains(&"custom_fields") { custom.collect() } else { Vec::new() };
        let text = entry.texts.iter().any(|(group, text)| groups.contains(group) && matches(text));
        (text || !custom.is_empty()).then_some((id, (entry, custom)))
    });
    let (hits, next) = page(hits, limit);
    let items: Vec<Value> = hits
        .into_iter()
        .map(|(id, (entry, custom))| {
            let score = if entry.name.to_lowercase() == term { 1.2 } else { 0.3 };
            json!({"result_score": score, "item": item(state, entity, id, entry, &custom)})
        })
        .collect();
    let additional = json!({"next_cursor": next});
    Ok(Reply::ok(&json!({"success": true, "data": {"items": items}, "additional_data": additional})))
}

/// A hit as the index knows it, deleted or not.
fn item(state: &State, entity: Entity, id: i64, entry: &Entry, custom: &[&String]) -> Value {
    let texts = |group: &str| {
        let of_group = entry.texts.iter().filter(|(known, _)| *known == group);
        of_group.map(|(_, text)| text.clone()).collect::<Vec<String>>()
    };
    let organization = entry
        .org_id
        .and_then(|id| state.organizations.get(id))
        .map(|found| json!({"id": found.id, "name": found.name, "address": found.address["value"]}));
    let mut item = json!({
        "id": id,
        "type": entity.name(),
        "visible_to": entry.visible_to,
        "owner": {"id": entry.owner_id},
        "custom_fields": custom,
        "notes": [],
    });
    match entity {
        Entity::Organization => {
            item["name"] = json!(entry.name);
            item["address"] = json!(texts("address").first());
        }
        Entity::Person => {
            item["name"] = json!(entry.name);
            item["emails"] = json!(texts("email"));
            item["phones"] = json!(texts("phone"));
            item["organization"] = json!(organization);
        }
        Entity::Deal => {
            let person = entry.person_id.and_then(|id| state.persons.get(id));
            let organization = organization.map(|found| json!({"id": found["id"], "name": found["name"]}));
            item["title"] = json!(entry.name);
            item["organization"] = json!(organization);
            item["person"] = json!(person.map(|found| json!({"id": found.id, "name": found.name})));
            if let Some(deal) = &entry.deal {
                let stage = state.pipelines.stage(deal.stage_id).map(|stage| stage.name.as_str());
                item["value"] = json!(deal.value);
                item["currency"] = json!(deal.currency);
                item["status"] = json!(deal.status.name());
                item["stage"] = json!({"id": deal.stage_id, "name": stage});
                item["is_archived"] = json!(deal.is_archived);
            }
        }
    }
    item
}
