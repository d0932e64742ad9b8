//! Persons, as far as the ERP is to know them (pipedrive.md 1.1, SPEC-v2).

use saas_http::scalar::{flag, int, required, text};
use serde_json::Value as Json;
use sync_core::{budget::Class, deals::CrmPerson, ids::PersonId, ports::Called};

use crate::{
    api::persons::{GetPerson, PersonDto},
    calls::if_there,
    client::Pipedrive,
};

impl Pipedrive {
    /// One person (1 token); `None` when it is not there, or in the bin.
    ///
    /// # Errors
    /// As every call; also when the person cannot be read.
    pub async fn person(&self, id: PersonId, class: Class) -> Called<Option<CrmPerson>> {
        let found = if_there(self.one(&GetPerson { id }, class, |data| read(data, id)).await)?;
        Ok(found.flatten())
    }
}

/// The person, or nobody if it is deleted.
fn read(row: &Json, id: PersonId) -> Result<Option<CrmPerson>, String> {
    if !row.is_object() {
        return Err("the record is not an object".to_owned());
    }
    let dto: PersonDto = serde_json::from_value(row.clone()).map_err(|error| error.to_string())?;
    let about = required("id", int("id", dto.id.as_ref())?)?;
    if about != id.0 {
        return Err(format!("the answer is about person {about}"));
    }
    if flag("is_deleted", dto.is_deleted.as_ref())? == Some(true) {
        return Ok(None);
    }
    Ok(Some(CrmPerson {
        id,
        name: required("name", text("name", dto.name.as_ref())?)?,
        first: text("first_name", dto.first_name.as_ref())?,
        last: text("last_name", dto.last_name.as_ref())?,
        email: main(dto.emails.as_ref()),
        phone: main(dto.phones.as_ref()),
    }))
}

/// The value that is marked as primary, or the first one. What has another shape is left out: a contact needs none of them.
fn main(values: Option<&Json>) -> Option<String> {
    let all = values?.as_array()?;
    let value = |one: &Json| {
        let value = one.get("value").and_then(Json::as_str)?.trim();
        (!value.is_empty()).then(|| value.to_owned())
    };
    let primary = |one: &&Json| one.get("primary").and_then(Json::as_bool) == Some(true);
    all.iter().filter(primary).find_map(value).or_else(|| all.iter().find_map(value))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_main_address_is_taken_whatever_stands_beside_it() {
        let row = json!({"id": 7, "name": "Ada Lovelace", "first_name": "Ada", "last_name": "Lovelace",
            "emails": [{"value": " ", "primary": true}, {"value": "old@acme.example"}, {"value": " ada@acme.example ", "primary": true}],
            "phones": "none", "is_deleted": false});
        let person = read(&row, PersonId(7)).unwrap().unwrap();
        assert_eq!((person.email.as_deref(), person.phone), (Some("ada@acme.example"), None));
        assert_eq!((person.first.as_deref(), person.last.as_deref()), (Some("Ada"), Some("Lovelace")));
    }

    #[test]
    fn whoever_is_in_the_bin_is_nobody_and_another_one_is_no_answer() {
        let row = json!({"id": 7, "name": "Ada", "is_deleted": true});
        assert_eq!(read(&row, PersonId(7)), Ok(None));
        assert_eq!(read(&row, PersonId(8)), Err("the answer is about person 7".to_owned()));
        assert!(
            read(&json!({"id": 7, "name": " "}), PersonId(7)).is_err(),
            "nobody can be billed by no name"
        );
    }
}
