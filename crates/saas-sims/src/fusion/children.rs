//! The children of a party: addresses, usages, references, contact points, relationships (sections 1.1, 1.2).
//!
//! People and jobs edit a party's flattened primary address and its main usage directly; the rows behind them are made
//! when somebody first looks, so that 100,000 parties stay small.

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::catalog;
use super::edit::Edit;
use super::parties::PARTIES;
use super::resource::Resource;
use super::settings::FusionSettings;
use super::state::State;

/// What a party shows of its primary address.
pub(crate) const FLATTENED: [&str; 11] = [
    "Address1",
    "Address2",
    "Address3",
    "Address4",
    "City",
    "County",
    "State",
    "Province",
    "PostalCode",
    "PostalPlus4Code",
    "Country",
];

/// The child collection of that name below a party.
pub(crate) fn child(name: &str) -> Result<&'static Resource, String> {
    catalog::child(&PARTIES, name).ok_or_else(|| format!("a party has no child {name}"))
}

/// PartyIds with an active reference of that source system.
pub(crate) fn parties_with(state: &State, system: &str, value: &str) -> Vec<i64> {
    let Ok(references) = child("SourceSystemReference") else { return Vec::new() };
    let rows = state.table(references).rows().filter(|row| {
        row.text("SourceSystem") == Some(system) && row.text("SourceSystemReferenceValue") == Some(value)
    });
    rows.filter(|row| row.text("Status") != Some("I")).filter_map(|row| row.integer("PartyId")).collect()
}

/// Makes the rows behind what a party shows: its primary address and its usage.
pub(crate) fn materialise(state: &mut State, settings: &FusionSettings, resource: &Resource, party: i64) {
    if !resource.is(&PARTIES) {
        return;
    }
    let Some(row) = state.parties.get(party).cloned() else { return };
    let by = row.text("CreatedBy").unwrap_or_default().to_owned();
    let flattened: Map<String, Value> = FLATTENED
        .iter()
        .filter_map(|name| Some(((*name).to_owned(), row.values.get(name)?.clone())))
        .collect();
    if let (Ok(addresses), false) = (child("Address"), flattened.is_empty()) {
        let primary = state
            .table(addresses)
            .owned_by(party)
            .find(|row| row.values.get("PrimaryFlag") == Some(&json!(true)))
            .cloned();
        match primary {
            None => {
                let edit = Edit { set: flattened, ..Edit::default() }.by(&by).stamped(row.created);
                // Values that the party has fit the address too.
                let _ = add(state, settings, party, "Address", edit, row.created);
            }
            Some(address) => {
                // A person changed the party's flattened address: the address behind it follows.
                let changed: Map<String, Value> = FLATTENED
                    .iter()
                    .filter(|name| row.values.get(*name) != address.values.get(*name))
                    .map(|name| ((*name).to_owned(), row.values.get(name).cloned().unwrap_or_default()))
                    .collect();
                if !changed.is_empty() {
                    let by = row.text("LastUpdatedBy").unwrap_or_default().to_owned();
                    let edit = Edit { set: changed, ..Edit::default() }.by(&by).stamped(row.updated);
                    let _ = state.apply(addresses, address.id, None, &edit, row.updated);
                }
            }
        }
    }
    if let (Ok(usages), Some(code)) = (child("UsageAssignment"), row.text("PartyUsageCode"))
        && state.table(usages).owned_by(party).next().is_none()
    {
        let edit = Edit::set(json!({"PartyUsageCode": code})).by(&by).stamped(row.created);
        let _ = add(state, settings, party, "UsageAssignment", edit, row.created);
    }
}

/// Adds a child of a party and gives its surrogate key.
pub(crate) fn add(
    state: &mut State,
    settings: &FusionSettings,
    party: i64,
    name: &str,
    edit: Edit,
    now: Timestamp,
) -> Result<i64, String> {
    let resource = child(name)?;
    let owner = state.parties.get(party).cloned().ok_or_else(|| format!("no party {party}"))?;
    let number = owner.text("PartyNumber").unwrap_or_default().to_owned();
    let mut edit = edit;
    let id = state.next_id();
    let mut default = |name: &str, value: Value| {
        if resource.attribute(name).is_some() {
            edit.set.entry(name).or_insert(value);
        }
    };
    default(resource.id, json!(id));
    default("PartyId", json!(party));
    default("PartyNumber", json!(number));
    default("CreatedByModule", json!("HZ_WS"));
    default("ObjectVersionNumber", json!(1));
    default("Status", json!("A"));
    let today = now.strftime("%Y-%m-%d").to_string();
    match name {
        "Address" => {
            let first = state.table(resource).owned_by(party).next().is_none();
            default("AddressNumber", json!(format!("{number}-A{}", id % 100_000)));
            default("LocationId", json!(id + 1_000_000_000));
            default("PrimaryFlag", json!(first));
            default("StartDateActive", json!(today));
            default("EndDateActive", json!("4712-12-31"));
        }
        "UsageAssignment" => {
            default("StatusFlag", json!(true));
            default("StartDate", json!(today));
            default("EndDate", json!("4712-12-31"));
        }
        "Relationship" | "SourceSystemReference" => {
            default("StartDate", json!(today));
            default("EndDate", json!("4712-12-31"));
        }
        _ => {}
    }
    state.apply(resource, id, None, &edit, now)?;
    if name == "Address" {
        flatten(state, settings, id, &edit, now)?;
    }
    Ok(id)
}

/// A party shows its primary address; its own stamp moves only where that is so set.
pub(crate) fn flatten(
    state: &mut State,
    settings: &FusionSettings,
    address: i64,
    edit: &Edit,
    now: Timestamp,
) -> Result<(), String> {
    let Some(row) = state.table(child("Address")?).get(address).cloned() else { return Ok(()) };
    let (Some(party), Some(true)) =
        (row.integer("PartyId"), row.values.get("PrimaryFlag").and_then(Value::as_bool))
    else {
        return Ok(());
    };
    let shown = FLATTENED
        .iter()
        .chain(["AddressNumber"].iter())
        .map(|name| ((*name).to_owned(), row.values.get(name).cloned().unwrap_or_default()));
    let shown =
        Edit { set: shown.collect(), silent: !settings.address_moves_party, late: edit.late, ..edit.clone() };
    state.apply(&PARTIES, party, None, &shown, now)
}

/// Makes one party a part of another: a row for each direction, with one RelationshipId (switch
/// `relationships_both_ways`). Gives the RelationshipId.
pub(crate) fn relate(
    state: &mut State,
    settings: &FusionSettings,
    (daughter, parent): (i64, i64),
    edit: &Edit,
    now: Timestamp,
) -> Result<i64, String> {
    let name = |state: &State, party: i64| {
        let row = state.parties.get(party).ok_or_else(|| format!("no party {party}"))?;
        let text = |name| row.text(name).unwrap_or_default().to_owned();
        Ok::<_, String>((text("OrganizationName"), text("PartyNumber")))
    };
    let relationship = state.next_id();
    let text =
        |name: &str, other: &str| edit.set.get(name).and_then(Value::as_str).unwrap_or(other).to_owned();
    let forward = text("RelationshipCode", "SUBSIDIARY_OF");
    let backward =
        if forward == "SUBSIDIARY_OF" { "PARENT_OF".to_owned() } else { format!("BACK_{forward}") };
    let directions = [(daughter, parent, forward, "C"), (parent, daughter, backward, "P")];
    let wanted = if settings.relationships_both_ways { 2 } else { 1 };
    for (subject, object, code, direction) in directions.into_iter().take(wanted) {
        let (subject_name, subject_number) = name(state, subject)?;
        let (object_name, object_number) = name(state, object)?;
        let mut row = edit.clone();
        for (name, value) in [
            ("RelationshipId", json!(relationship)),
            ("RelationshipType", json!(text("RelationshipType", "PARENT/SUBSIDIARY"))),
            ("RelationshipCode", json!(code)),
            ("DirectionCode", json!(direction)),
            ("SubjectPartyId", json!(subject)),
            ("SubjectPartyName", json!(subject_name)),
            ("SubjectPartyNumber", json!(subject_number)),
            ("SubjectTableName", json!("HZ_PARTIES")),
            ("SubjectType", json!("ORGANIZATION")),
            ("ObjectPartyId", json!(object)),
            ("ObjectPartyName", json!(object_name)),
            ("ObjectPartyNumber", json!(object_number)),
            ("ObjectTableName", json!("HZ_PARTIES")),
            ("ObjectType", json!("ORGANIZATION")),
        ] {
            row.set.insert(name.to_owned(), value);
        }
        add(state, settings, subject, "Relationship", row, now)?;
    }
    Ok(relationship)
}

/// Changes all rows of a relationship, by RelationshipId.
pub(crate) fn change_relation(
    state: &mut State,
    relationship: i64,
    edit: &Edit,
    now: Timestamp,
) -> Result<(), String> {
    let resource = child("Relationship")?;
    let rows = state.table(resource).rows();
    let ids: Vec<i64> =
        rows.filter(|row| row.integer("RelationshipId") == Some(relationship)).map(|row| row.id).collect();
    if ids.is_empty() {
        return Err(format!("no relationship {relationship}"));
    }
    ids.into_iter().try_for_each(|id| state.apply(resource, id, None, edit, now))
}
