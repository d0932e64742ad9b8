//! POST and PATCH of parties and their children (sections 1.2, 1.4, 1.5, 4.6, 4.7): all or nothing, as the token's user.

use axum::http::StatusCode;
use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::catalog;
use super::children::{self, FLATTENED};
use super::describe::longest;
use super::edit::Edit;
use super::errors::Failure;
use super::item::{self, Place};
use super::parties::PARTIES;
use super::persons::{self, PERSONS};
use super::request::Shape;
use super::resource::{Kind, Resource};
use super::settings::FusionSettings;
use super::state::State;
use super::table::Row;
use crate::call::{Call, Reply};

const ITEM_MEDIA: &str = "application/vnd.oracle.adf.resourceitem+json";
const ACTION_MEDIA: &str = "application/vnd.oracle.adf.action+json";

/// Attributes that a new row cannot do without, by resource.
pub(crate) const MANDATORY: [(&str, &str); 8] = [
    ("hubOrganizations", "OrganizationName"),
    ("hubPersons", "PersonLastName"),
    ("Address", "Country"),
    ("SourceSystemReference", "SourceSystem"),
    ("SourceSystemReference", "SourceSystemReferenceValue"),
    ("UsageAssignment", "PartyUsageCode"),
    ("Relationship", "RelationshipCode"),
    ("Relationship", "RelationshipType"),
];

/// Whether the API never takes a value for the attribute.
pub(crate) fn read_only(resource: &Resource, name: &str) -> bool {
    const SYSTEM: [&str; 7] = [
        "CreatedBy",
        "CreationDate",
        "LastUpdateDate",
        "LastUpdateLogin",
        "LastUpdatedBy",
        "ObjectVersionNumber",
        "LocationId",
    ];
    let party = resource.is(&PARTIES);
    name == resource.id
        || SYSTEM.contains(&name)
        || (resource.parent.is_some() && (name == "PartyId" || name == "PartyNumber"))
        || (resource.name == "Relationship" && name.starts_with("Subject"))
        || (resource.is(&PERSONS) && name == "PartyName")
        || (party && (FLATTENED.contains(&name) || matches!(name, "AddressNumber" | "FormattedAddress")))
        // A reference is a child; the flattened pair is not even echoed (section 1.4).
        || (party && matches!(name, "SourceSystem" | "SourceSystemReferenceValue"))
}

/// A checked body: what goes into the row, and the children in it.
struct Body {
    values: Map<String, Value>,
    children: Vec<(&'static str, Map<String, Value>)>,
}

pub(crate) fn create(
    settings: &FusionSettings,
    state: &mut State,
    call: &Call,
    place: &Place<'_>,
    owner: Option<i64>,
    version: u8,
    now: Timestamp,
) -> Result<Reply, Failure> {
    let resource = place.resource;
    let body = read(call, resource, settings)?;
    let upsert = call.header("upsert-mode") == Some("true") && resource.is(&PARTIES);
    if let Some(id) = upsert.then(|| existing(settings, state, &body)).flatten() {
        let mut values = body.values;
        values.remove("PartyNumber");
        store_update(settings, state, resource, id, values, now)?;
        return Ok(answer(state, settings, place, id, version, StatusCode::OK));
    }
    let id = match owner {
        None if resource.is(&PERSONS) => create_person(settings, state, body, now)?,
        None => create_party(settings, state, &body, now)?,
        Some(person) if resource.parent == Some(PERSONS.name) => {
            required(resource, &body.values)?;
            persons::relate(state, settings, person, &body.values, now)?
        }
        Some(party) => {
            inactive(state, party)?;
            check_child(settings, state, resource, &body.values)?;
            create_child(settings, state, resource, party, body.values, now)?
        }
    };
    let reply = answer(state, settings, place, id, version, StatusCode::CREATED);
    Ok(if settings.location_header { reply.with("location", place.collection()) } else { reply })
}

pub(crate) fn update(
    settings: &FusionSettings,
    state: &mut State,
    call: &Call,
    place: &Place<'_>,
    id: i64,
    version: u8,
    now: Timestamp,
) -> Result<Reply, Failure> {
    let resource = place.resource;
    let body = read(call, resource, settings)?;
    if !body.children.is_empty() {
        return Err(Failure::not_modelled("PATCH with children"));
    }
    let current = state.table(resource).get(id).cloned();
    let current = current.ok_or_else(|| Failure::not_found("The row isn't found."))?;
    if call.header("if-match").is_some_and(|etag| etag != item::etag(&current, resource)) {
        return Err(Failure {
            status: StatusCode::PRECONDITION_FAILED,
            code: "25014",
            detail: format!("Another user has changed the row with primary key oracle.jbo.Key[{id} ]."),
        });
    }
    let party = if resource.is(&PARTIES) { Some(id) } else { current.integer("PartyId") };
    party.map_or(Ok(()), |party| inactive(state, party))?;
    if body.values.contains_key("PartyNumber") && !settings.party_numbers_from_outside {
        return Err(Failure::invalid("27008", "Attribute PartyNumber isn't updatable."));
    }
    if resource.name == "SourceSystemReference" {
        check_child(settings, state, resource, &merged(&current, &body.values))?;
    }
    store_update(settings, state, resource, id, body.values, now)?;
    Ok(answer(state, settings, place, id, version, StatusCode::OK))
}

/// `findDuplicates` (section 1.5); others are not modelled.
pub(crate) fn action(
    settings: &FusionSettings,
    state: &State,
    call: &Call,
    name: &str,
) -> Result<Reply, Failure> {
    if call.method != axum::http::Method::POST {
        return Err(Failure::not_allowed());
    }
    if name != "findDuplicates" {
        return Err(Failure::not_modelled(&format!("the action {name}")));
    }
    if call.media_type() != ACTION_MEDIA {
        return Err(unsupported());
    }
    if !settings.duplicate_check {
        return Err(Failure::bad_request("Duplicate identification isn't configured."));
    }
    let body: Value = serde_json::from_slice(&call.body).unwrap_or_default();
    let wanted = body["hubOrganization"]["OrganizationName"].as_str();
    let wanted = wanted.ok_or_else(|| Failure::required("OrganizationName", "hubOrganization"))?;
    // Data quality looks past case and punctuation, as the search of a name does not.
    let alike =
        |name: &str| name.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect();
    let wanted: String = alike(wanted);
    let found: Vec<Value> = state
        .parties
        .rows()
        .filter(|row| row.text("OrganizationName").is_some_and(|name| wanted == alike(name)))
        .map(|row| {
            // Ids come as texts here (docs: op-huborganizations-action-findduplicates-post).
            json!({"PartyId": row.id.to_string(), "PartyNumber": row.text("PartyNumber"),
                          "OrganizationName": row.text("OrganizationName"), "Score": 100})
        })
        .collect();
    Ok(Reply::json(StatusCode::OK, &json!({"result": found})))
}

fn create_party(
    settings: &FusionSettings,
    state: &mut State,
    body: &Body,
    now: Timestamp,
) -> Result<i64, Failure> {
    required(&PARTIES, &body.values)?;
    let with_usage = body.values.get("PartyUsageCode").is_some_and(|code| !code.is_null())
        || body.children.iter().any(|(name, _)| *name == "UsageAssignment");
    if !with_usage {
        let detail = "This party isn't valid because there is no party usage assigned. (HZ-120421)";
        return Err(Failure::invalid("HZ-120421", detail));
    }
    if let Some(number) = body.values.get("PartyNumber") {
        if !settings.party_numbers_from_outside {
            return Err(Failure::invalid("27008", "Attribute PartyNumber isn't updatable."));
        }
        if number.as_str().is_none_or(|number| state.parties.by_key(number).is_some()) {
            return Err(exists(number));
        }
    }
    for (at, (name, values)) in body.children.iter().enumerate() {
        let resource = children::child(name).map_err(Failure::bad_request)?;
        check_child(settings, state, resource, values)?;
        let twice = body
            .children
            .iter()
            .take(at)
            .any(|earlier| *name == "SourceSystemReference" && earlier.1 == *values);
        if twice {
            return Err(exists(&values["SourceSystemReferenceValue"]));
        }
    }
    let mut values = body.values.clone();
    values.insert("CreatedByModule".to_owned(), json!("ORA_ZCH_WS"));
    if let (None, Some((_, usage))) =
        (values.get("PartyUsageCode"), body.children.iter().find(|(name, _)| *name == "UsageAssignment"))
    {
        values.insert("PartyUsageCode".to_owned(), usage["PartyUsageCode"].clone());
    }
    let edit = Edit { set: values, ..Edit::default() }.by(&settings.user);
    let party = state.add_party(edit, now).map_err(Failure::bad_request)?;
    for (name, values) in &body.children {
        let resource = children::child(name).map_err(Failure::bad_request)?;
        create_child(settings, state, resource, party, values.clone(), now)?;
    }
    Ok(party)
}

fn create_person(
    settings: &FusionSettings,
    state: &mut State,
    body: Body,
    now: Timestamp,
) -> Result<i64, Failure> {
    required(&PERSONS, &body.values)?;
    let mut references = Vec::new();
    for (name, values) in body.children {
        if name != "SourceSystemReference" {
            return Err(Failure::not_modelled(&format!("a person with {name}")));
        }
        let resource = children::child(name).map_err(Failure::bad_request)?;
        check_child(settings, state, resource, &values)?;
        let text = |name: &str| values.get(name).and_then(Value::as_str).unwrap_or_default();
        let value = text("SourceSystemReferenceValue");
        let taken = !persons::with_reference(state, text("SourceSystem"), value).is_empty();
        if settings.refuse_duplicate_references && (taken || references.contains(&values)) {
            return Err(exists(&json!(value)));
        }
        references.push(values);
    }
    persons::create(state, settings, body.values, &references, now)
}

fn create_child(
    settings: &FusionSettings,
    state: &mut State,
    resource: &'static Resource,
    party: i64,
    values: Map<String, Value>,
    now: Timestamp,
) -> Result<i64, Failure> {
    let edit = Edit { set: values, ..Edit::default() }.by(&settings.user);
    if resource.name == "Relationship" {
        let object = edit.set.get("ObjectPartyId").and_then(Value::as_i64);
        let object = object.ok_or_else(|| Failure::required("ObjectPartyId", "Relationship"))?;
        let relation = children::relate(state, settings, (party, object), &edit, now);
        let relation = relation.map_err(|why| Failure::invalid("27024", why))?;
        let row =
            state.table(resource).owned_by(party).find(|row| row.integer("RelationshipId") == Some(relation));
        return Ok(row.map_or(relation, |row| row.id));
    }
    children::add(state, settings, party, resource.name, edit, now).map_err(Failure::bad_request)
}

/// What a child has to be, besides types.
fn check_child(
    settings: &FusionSettings,
    state: &State,
    resource: &'static Resource,
    values: &Map<String, Value>,
) -> Result<(), Failure> {
    required(resource, values)?;
    if resource.name != "SourceSystemReference" {
        return Ok(());
    }
    let text = |name: &str| values.get(name).and_then(Value::as_str).unwrap_or_default();
    let (system, value) = (text("SourceSystem"), text("SourceSystemReferenceValue"));
    if !settings.source_systems.iter().any(|known| known == system) {
        let detail = format!("The source system {system} isn't valid. (HZ-120559)");
        return Err(Failure::invalid("HZ-120559", detail));
    }
    let owners = children::parties_with(state, system, value);
    let own = values.get("PartyId").and_then(Value::as_i64);
    if settings.refuse_duplicate_references && owners.iter().any(|owner| Some(*owner) != own) {
        return Err(exists(&json!(value)));
    }
    Ok(())
}

fn store_update(
    settings: &FusionSettings,
    state: &mut State,
    resource: &'static Resource,
    id: i64,
    values: Map<String, Value>,
    now: Timestamp,
) -> Result<(), Failure> {
    let edit = Edit { set: values, ..Edit::default() }.by(&settings.user);
    state.apply(resource, id, None, &edit, now).map_err(Failure::bad_request)?;
    if resource.name == "Address" {
        children::flatten(state, settings, id, &edit, now).map_err(Failure::bad_request)?;
    }
    Ok(())
}

/// The party that `Upsert-Mode` means.
fn existing(settings: &FusionSettings, state: &State, body: &Body) -> Option<i64> {
    let number = body.values.get("PartyNumber").and_then(Value::as_str);
    if let Some(row) = number.and_then(|number| state.parties.by_key(number)) {
        return Some(row.id);
    }
    let mut references = body.children.iter().filter(|(name, _)| *name == "SourceSystemReference");
    let found = references.find_map(|(_, values)| {
        let text = |name: &str| values.get(name).and_then(Value::as_str).unwrap_or_default();
        let owners = children::parties_with(state, text("SourceSystem"), text("SourceSystemReferenceValue"));
        owners.first().copied()
    });
    found.filter(|_| settings.upsert_by_reference)
}

/// Reads and checks a body: JSON, known attributes, their types and lengths, nothing read-only.
fn read(call: &Call, resource: &'static Resource, settings: &FusionSettings) -> Result<Body, Failure> {
    if !matches!(call.media_type().as_str(), "application/json" | ITEM_MEDIA) {
        return Err(unsupported());
    }
    let object = serde_json::from_slice::<Map<String, Value>>(&call.body)
        .map_err(|_| Failure::bad_request("The request body isn't a JSON object."))?;
    if object.is_empty() {
        return Err(Failure::bad_request("The request body is empty."));
    }
    check(object, resource, settings)
}

fn check(
    object: Map<String, Value>,
    resource: &'static Resource,
    settings: &FusionSettings,
) -> Result<Body, Failure> {
    let mut body = Body { values: Map::new(), children: Vec::new() };
    for (name, value) in object {
        let whole = resource.is(&PARTIES) || resource.is(&PERSONS);
        if let (true, Some(child)) = (whole, catalog::child(resource, &name)) {
            let rows =
                value.as_array().ok_or_else(|| Failure::bad_request(format!("{name} must be a list.")))?;
            for row in rows {
                let row = row.as_object().cloned();
                let row =
                    row.ok_or_else(|| Failure::bad_request(format!("{name} must be a list of objects.")))?;
                body.children.push((child.name, check(row, child, settings)?.values));
            }
            continue;
        }
        let attribute = resource.attribute(&name).filter(|_| !settings.removed(resource, &name));
        let attribute = attribute.ok_or_else(|| {
            Failure::invalid("27022", format!("Attribute {name} isn't valid for resource {}.", resource.name))
        })?;
        if read_only(resource, &name) {
            return Err(Failure::invalid("27008", format!("Attribute {name} isn't updatable.")));
        }
        let fits = match attribute.kind {
            Kind::Text => value.is_string(),
            Kind::Date => value.as_str().is_some_and(crate::text::is_date),
            Kind::Integer => value.is_i64(),
            Kind::Number => value.is_number(),
            Kind::Boolean => value.is_boolean(),
            Kind::Timestamp => false,
        };
        if !fits && !value.is_null() {
            let detail = format!("The value {value} isn't valid for attribute {name}.");
            return Err(Failure::invalid("27018", detail));
        }
        let length = value.as_str().map_or(0, |text| text.chars().count());
        if longest(&name).is_some_and(|longest| length > longest) {
            let detail = format!("Attribute {name} is too long.");
            return Err(Failure::invalid("27040", detail));
        }
        body.values.insert(name, value);
    }
    Ok(body)
}

fn required(resource: &Resource, values: &Map<String, Value>) -> Result<(), Failure> {
    let missing = MANDATORY.iter().filter(|(name, _)| *name == resource.name).find(|(_, attribute)| {
        values.get(*attribute).is_none_or(|value| value.is_null() || value == &json!(""))
    });
    missing.map_or(Ok(()), |(name, attribute)| Err(Failure::required(attribute, name)))
}

/// Section 1.2: inactive records can't be updated.
fn inactive(state: &State, party: i64) -> Result<(), Failure> {
    match state.parties.get(party).and_then(|row| row.text("Status")) {
        Some("A") | None => Ok(()),
        Some(_) => Err(Failure::invalid("27024", "Inactive records can't be updated.")),
    }
}

fn merged(row: &Row, values: &Map<String, Value>) -> Map<String, Value> {
    let mut all: Map<String, Value> =
        row.values.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect();
    all.extend(values.clone());
    all
}

fn answer(
    state: &State,
    settings: &FusionSettings,
    place: &Place<'_>,
    id: i64,
    version: u8,
    status: StatusCode,
) -> Reply {
    let resource = place.resource;
    let Some(row) = state.table(resource).get(id) else { return Reply::empty(status) };
    let mut body = String::new();
    item::write(state, row, &Shape::whole(version, resource, settings), place, &mut body);
    Reply::of(status, ITEM_MEDIA, body).with("etag", item::etag(row, resource))
}

fn exists(value: &Value) -> Failure {
    let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    Failure::invalid("27024", format!("A record with the value {text} already exists. Enter a unique value."))
}

fn unsupported() -> Failure {
    let detail = "The content type isn't supported.".to_owned();
    Failure { status: StatusCode::UNSUPPORTED_MEDIA_TYPE, code: "415", detail }
}
