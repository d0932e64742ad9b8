//! People of the ERP: look for ours, create, make contacts of a party. Each is one call; what to do after a refusal or a doubt
//! is the engine's decision.

use jiff::{civil::Date, tz::TimeZone};
use saas_http::{
    Answer, Endpoint,
    scalar::{day, int, required, text},
};
use serde_json::{Map, Value, json};
use sync_core::{
    customers::{ErpPerson, FoundContact, NewPerson, Reference},
    error::{CallError, ErrorKind},
    ids::{PartyId, RelationshipId},
    model::PartyStatus,
    ports::Called,
};

use crate::{
    api::{
        Collection,
        parties::sayable,
        persons::{
            CONTACT, CONTACT_OF, ContactDto, CreatePerson, FindPersons, ListContacts, PersonDto, RelatePerson,
        },
    },
    client::Fusion,
    convert::party_status,
    places,
};

impl Fusion {
    /// The persons that carry this reference, of any status.
    ///
    /// # Errors
    /// As every call; also for values that a finder cannot say, and when one of the persons cannot be read, because a lookup
    /// that overlooks one leads to a second one.
    pub async fn persons_by_reference(&self, reference: &Reference) -> Called<Vec<ErpPerson>> {
        let Reference { system, value } = reference;
        if !sayable(system) || !sayable(value) {
            let why =
                "the reference is blank or has a comma, semicolon or equals sign: no finder can say that";
            return Err(CallError::without_effect(FindPersons::NAME, ErrorKind::Rejected, why));
        }
        let find = FindPersons { api_version: self.api_version(), system, value, limit: self.page_size() };
        let Answer { value: Collection { items, .. }, correlation, .. } = self.call(&find).await?;
        let read = |item: Value| {
            let person: Result<PersonDto, _> = serde_json::from_value(item);
            person.map_err(|error| error.to_string()).and_then(|person| self::person(&person))
        };
        items.into_iter().map(read).collect::<Result<_, _>>().map_err(|why| {
            CallError::without_effect(FindPersons::NAME, ErrorKind::Unreadable, why)
                .with_correlation(correlation)
        })
    }

    /// Creates a person with its reference. After a refusal or a doubt, look for the reference.
    ///
    /// # Errors
    /// As every call.
    pub async fn create_person(&self, new: &NewPerson) -> Called<ErpPerson> {
        let NewPerson { first, last, email, phone, usage, reference } = new;
        let mut body = Map::new();
        places::put(&mut body, "PersonFirstName", first.as_deref());
        body.insert("PersonLastName".to_owned(), json!(last));
        places::put(&mut body, "EmailAddress", email.as_deref());
        places::put(&mut body, "RawPhoneNumber", phone.as_deref());
        // Without a usage: HZ-120421, as of organizations (oracle-fusion.md 1.4).
        body.insert("PartyUsageCode".to_owned(), json!(usage));
        body.insert("SourceSystemReference".to_owned(), json!([places::reference(reference)]));
        let create = CreatePerson { api_version: self.api_version(), person: Value::Object(body) };
        let Answer { value, correlation, .. } = self.call(&create).await?;
        person(&value).map_err(|why| {
            CallError::in_doubt(CreatePerson::NAME, ErrorKind::Unreadable, why).with_correlation(correlation)
        })
    }

    /// Whom an organization names as its contacts now, as far as its own relationships tell.
    ///
    /// # Errors
    /// As every call; also when one of them cannot be read.
    pub async fn contacts(&self, number: &str) -> Called<Vec<FoundContact>> {
        let rows = self.contact_rows("hubOrganizations", number).await?;
        let told = |Row { relationship, person, name, .. }| FoundContact { relationship, person, name };
        Ok(rows.into_iter().map(told).collect())
    }

    /// What makes the person with this number a contact of an organization now.
    ///
    /// # Errors
    /// As [`Fusion::contacts`].
    pub async fn contact_of(&self, person: &str, party: PartyId) -> Called<Option<RelationshipId>> {
        let rows = self.contact_rows("hubPersons", person).await?;
        Ok(rows.into_iter().find(|row| row.company == party).map(|row| row.relationship))
    }

    /// Makes the person with this number a contact of an organization.
    ///
    /// # Errors
    /// As every call.
    pub async fn add_contact(&self, person: &str, party: PartyId) -> Called<RelationshipId> {
        let row = json!({
            "ObjectPartyId": party, "RelationshipCode": CONTACT_OF, "RelationshipType": CONTACT,
        });
        let relate = RelatePerson { api_version: self.api_version(), number: person, row };
        let Answer { value, correlation, .. } = self.call(&relate).await?;
        let id = int("RelationshipId", value.relationship_id.as_ref());
        id.and_then(|id| required("RelationshipId", id)).map(RelationshipId).map_err(|why| {
            CallError::in_doubt(RelatePerson::NAME, ErrorKind::Unreadable, why).with_correlation(correlation)
        })
    }

    /// The relationships of a party in force that make somebody a contact.
    async fn contact_rows(&self, of: &'static str, number: &str) -> Called<Vec<Row>> {
        let today = self.now().to_zoned(TimeZone::UTC).date();
        let (api_version, limit) = (self.api_version(), self.page_size());
        let list = |after| ListContacts { api_version, of, number, after, limit };
        let rows = self.every("RelationshipRecId", list).await?;
        let rows: Vec<Option<Row>> = rows
            .into_iter()
            .map(contact)
            .collect::<Result<_, _>>()
            .map_err(|why| CallError::without_effect(ListContacts::NAME, ErrorKind::Unreadable, why))?;
        Ok(rows.into_iter().flatten().filter(|row| row.is_in_force(today)).collect())
    }
}

/// A relationship that makes somebody a contact.
struct Row {
    relationship: RelationshipId,
    person: PartyId,
    company: PartyId,
    name: Option<String>,
    active: bool,
    ends: Option<Date>,
}

impl Row {
    fn is_in_force(&self, today: Date) -> bool {
        self.active && self.ends.is_none_or(|ends| ends >= today)
    }
}

/// The row, if it makes somebody a contact. From a person's side the subject is the person (`CONTACT_OF`), from the
/// organization's side the object is (`CONTACT`).
fn contact(item: Value) -> Result<Option<Row>, String> {
    let dto: ContactDto = serde_json::from_value(item).map_err(|error| error.to_string())?;
    let code = text("RelationshipCode", dto.relationship_code.as_ref())?.unwrap_or_default();
    let is_subject = match code.as_str() {
        CONTACT_OF => true,
        CONTACT => false,
        _ => return Ok(None),
    };
    let party = |name, value: Option<&Value>| required(name, int(name, value)?).map(PartyId);
    let subject = party("SubjectPartyId", dto.subject_party_id.as_ref())?;
    let object = party("ObjectPartyId", dto.object_party_id.as_ref())?;
    let (person, company) = if is_subject { (subject, object) } else { (object, subject) };
    let name = if is_subject { dto.subject_party_name } else { dto.object_party_name };
    let row = Row {
        relationship: RelationshipId(required(
            "RelationshipId",
            int("RelationshipId", dto.relationship_id.as_ref())?,
        )?),
        person,
        company,
        name: text("PartyName", name.as_ref())?,
        active: text("Status", dto.status.as_ref())?.is_none_or(|status| status == "A"),
        ends: day("EndDate", dto.end_date.as_ref())?,
    };
    Ok(Some(row))
}

fn person(dto: &PersonDto) -> Result<ErpPerson, String> {
    let status = text("Status", dto.status.as_ref())?;
    Ok(ErpPerson {
        id: PartyId(required("PartyId", int("PartyId", dto.party_id.as_ref())?)?),
        number: required("PartyNumber", text("PartyNumber", dto.party_number.as_ref())?)?,
        status: status.map_or(PartyStatus::Active, party_status),
    })
}
