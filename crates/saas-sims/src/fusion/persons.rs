//! `hubPersons`: people, and what makes them contacts of organizations (docs: faaps, api-hub-persons; oesws, Trading Community
//! Party Usage Rule). A person is a party of its own; a relationship CONTACT_OF makes it an organization's contact.

use std::sync::LazyLock;

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::FusionSim;
use super::catalog;
use super::children;
use super::edit::Edit;
use super::errors::Failure;
use super::resource::{Finder, How, Resource, Writes, attributes};
use super::settings::FusionSettings;
use super::state::State;

pub(crate) static PERSONS: LazyLock<Resource> = LazyLock::new(|| Resource {
    name: "hubPersons",
    root: "crmRestApi",
    id: "PartyId",
    parent: None,
    key: "PartyNumber",
    opaque: false,
    owner: None,
    attributes: attributes(include_str!("../../fixtures/hub_persons.txt")),
    finders: FINDERS,
    children: &["Address", "ContactPoint", "Relationship", "SourceSystemReference", "UsageAssignment"],
    writes: Writes::All,
});

const FINDERS: &[Finder] = &[
    Finder::key("PartyNumberRF", &[("PartyNumber", "PartyNumber")]),
    Finder {
        name: "SourceSystemReferenceRF",
        variables: &[
            ("SourceSystem", "SourceSystem"),
            ("SourceSystemReferenceValue", "SourceSystemReferenceValue"),
        ],
        complete: true,
        how: How::Reference,
    },
];

/// The child collections of a person that are modelled: the rows are those of organizations.
pub(crate) fn children() -> Vec<Resource> {
    let child = |name, id, owner, fixture| Resource {
        name,
        root: PERSONS.root,
        parent: Some(PERSONS.name),
        id,
        key: id,
        opaque: false,
        owner: Some(owner),
        attributes: attributes(fixture),
        finders: &[],
        children: &[],
        writes: Writes::All,
    };
    let references = child(
        "SourceSystemReference",
        "SourceSystemReferenceId",
        "PartyId",
        include_str!("../../fixtures/hub_source_system_reference.txt"),
    );
    vec![
        child(
            "Relationship",
            "RelationshipRecId",
            "SubjectPartyId",
            include_str!("../../fixtures/hub_relationship.txt"),
        ),
        // A person gets its reference when it is made.
        Resource { writes: Writes::NotModelled, ..references },
    ]
}

fn child(name: &str) -> Result<&'static Resource, String> {
    catalog::child(&PERSONS, name).ok_or_else(|| format!("a person has no child {name}"))
}

/// PartyIds of persons with an active reference of that source system.
pub(crate) fn with_reference(state: &State, system: &str, value: &str) -> Vec<i64> {
    let Ok(references) = child("SourceSystemReference") else { return Vec::new() };
    let rows = state.table(references).rows().filter(|row| {
        row.text("SourceSystem") == Some(system) && row.text("SourceSystemReferenceValue") == Some(value)
    });
    rows.filter_map(|row| row.integer("PartyId")).collect()
}

/// Makes a person with its references, all or nothing; they were checked.
pub(crate) fn create(
    state: &mut State,
    settings: &FusionSettings,
    values: Map<String, Value>,
    references: &[Map<String, Value>],
    now: Timestamp,
) -> Result<i64, Failure> {
    if values.get("PartyUsageCode").is_none_or(Value::is_null) {
        let detail = "This party isn't valid because there is no party usage assigned. (HZ-120421)";
        return Err(Failure::invalid("HZ-120421", detail));
    }
    if values.contains_key("PartyNumber") && !settings.party_numbers_from_outside {
        return Err(Failure::invalid("27008", "Attribute PartyNumber isn't updatable."));
    }
    let edit = Edit { set: values, ..Edit::default() }.by(&settings.user);
    let id = state.add_person(edit, now).map_err(Failure::bad_request)?;
    for reference in references {
        let row = state.next_id();
        let mut edit = Edit { set: reference.clone(), ..Edit::default() }.by(&settings.user);
        edit.set.insert("SourceSystemReferenceId".to_owned(), json!(row));
        edit.set.insert("PartyId".to_owned(), json!(id));
        let resource = child("SourceSystemReference").map_err(Failure::bad_request)?;
        state.apply(resource, row, None, &edit, now).map_err(Failure::bad_request)?;
    }
    Ok(id)
}

/// Makes a person a contact of an organization: a row below the person and, switch `relationships_both_ways`, one below the
/// organization. Gives the person's row.
pub(crate) fn relate(
    state: &mut State,
    settings: &FusionSettings,
    person: i64,
    values: &Map<String, Value>,
    now: Timestamp,
) -> Result<i64, Failure> {
    let text = |name: &str| values.get(name).and_then(Value::as_str).unwrap_or_default();
    if (text("RelationshipType"), text("RelationshipCode")) != ("CONTACT", "CONTACT_OF") {
        let detail = "The relationship isn't valid for a person and an organization.";
        return Err(Failure::invalid("27024", detail));
    }
    let organization = values.get("ObjectPartyId").and_then(Value::as_i64);
    let organization = organization.ok_or_else(|| Failure::required("ObjectPartyId", "Relationship"))?;
    let object = state.parties.get(organization).filter(|row| row.text("Status").is_none_or(|it| it == "A"));
    let Some(object) = object.cloned() else {
        return Err(Failure::invalid("27024", format!("The object party {organization} isn't valid.")));
    };
    let own = child("Relationship").map_err(Failure::bad_request)?;
    let twice = state
        .table(own)
        .owned_by(person)
        .any(|row| row.integer("ObjectPartyId") == Some(organization) && row.text("Status") == Some("A"));
    if twice && settings.refuse_duplicate_references {
        let detail = "A relationship between these parties already exists.";
        return Err(Failure::invalid("27024", detail));
    }
    let subject = state.table(&PERSONS).get(person).cloned();
    let subject = subject.ok_or_else(|| Failure::not_found("The person isn't found."))?;
    let (relationship, today) = (state.next_id(), now.strftime("%Y-%m-%d").to_string());
    let of = |row: &super::table::Row, name: &str| row.text(name).unwrap_or_default().to_owned();
    let ours = (person, of(&subject, "PartyName"), of(&subject, "PartyNumber"), "PERSON");
    let theirs = (organization, of(&object, "OrganizationName"), of(&object, "PartyNumber"), "ORGANIZATION");
    let organizations = children::child("Relationship").map_err(Failure::bad_request)?;
    let both = [(own, &ours, &theirs, "CONTACT_OF", "P"), (organizations, &theirs, &ours, "CONTACT", "C")];
    let wanted = if settings.relationships_both_ways { 2 } else { 1 };
    let mut first = 0;
    for (resource, subject, object, code, direction) in both.into_iter().take(wanted) {
        let id = state.next_id();
        let row = json!({
            "RelationshipRecId": id, "RelationshipId": relationship, "RelationshipType": "CONTACT",
            "RelationshipCode": code, "DirectionCode": direction, "Status": "A", "StartDate": today,
            "EndDate": "4712-12-31", "CreatedByModule": "HZ_WS", "ObjectVersionNumber": 1,
            "SubjectPartyId": subject.0, "SubjectPartyName": subject.1, "SubjectPartyNumber": subject.2,
            "SubjectTableName": "HZ_PARTIES", "SubjectType": subject.3,
            "ObjectPartyId": object.0, "ObjectPartyName": object.1, "ObjectPartyNumber": object.2,
            "ObjectTableName": "HZ_PARTIES", "ObjectType": object.3,
        });
        let edit = Edit::set(row).by(&settings.user);
        state.apply(resource, id, None, &edit, now).map_err(Failure::bad_request)?;
        if first == 0 {
            first = id;
        }
    }
    Ok(first)
}

/// Whether this relationship makes somebody a contact of the organization.
pub(crate) fn is_contact(state: &State, relationship: i64, organization: i64) -> bool {
    let Ok(own) = child("Relationship") else { return false };
    state.table(own).rows().any(|row| {
        row.integer("RelationshipId") == Some(relationship)
            && row.integer("ObjectPartyId") == Some(organization)
            && row.text("Status") == Some("A")
    })
}

impl FusionSim {
    /// Enters a person as a contact of a party, as somebody does on the screen; gives its PartyId and the RelationshipId.
    pub fn add_contact(&self, party: i64, first: &str, last: &str) -> Result<(i64, i64), String> {
        let (now, settings) = (self.now(), &self.inner.settings);
        let mut state = self.lock();
        let values =
            json!({"PersonFirstName": first, "PersonLastName": last, "PartyUsageCode": "ORG_CONTACT"});
        let values = values.as_object().cloned().unwrap_or_default();
        let person = create(&mut state, settings, values, &[], now).map_err(|failure| failure.detail)?;
        let values =
            json!({"ObjectPartyId": party, "RelationshipCode": "CONTACT_OF", "RelationshipType": "CONTACT"});
        let values = values.as_object().cloned().unwrap_or_default();
        let row = relate(&mut state, settings, person, &values, now).map_err(|failure| failure.detail)?;
        let own = child("Relationship")?;
        let relationship = state.table(own).get(row).and_then(|row| row.integer("RelationshipId"));
        Ok((person, relationship.unwrap_or_default()))
    }

    /// All persons, with all their attributes.
    pub fn persons(&self) -> Vec<Value> {
        let state = self.lock();
        state.table(&PERSONS).rows().map(|row| Value::Object(row.json(&PERSONS, None))).collect()
    }

    /// The rows by which persons are contacts of organizations.
    pub fn person_contacts(&self) -> Vec<Value> {
        let state = self.lock();
        let Ok(own) = child("Relationship") else { return Vec::new() };
        state.table(own).rows().map(|row| Value::Object(row.json(own, None))).collect()
    }

    /// Changes a person by PartyId, as somebody does on the screen.
    pub fn edit_person(&self, person: i64, edit: &Edit) -> Result<(), String> {
        self.change(&PERSONS, person, edit)
    }
}
