//! From Pipedrive's JSON to our records, and back.

use saas_http::scalar::{int, moment, required, text};
use serde_json::{Map, Value as Json, json};
use sync_core::{
    fields::{Field, Values},
    ids::OrgId,
    model::{CrmOrg, Malformed, Seen},
    value::{PostalAddress, Value},
};

use crate::{
    api::organizations::{AddressDto, OrganizationDto},
    codes::Codes,
};

/// An organization of a page; `None` when it is deleted.
pub(crate) fn org(row: &Json, codes: &Codes) -> Option<Seen<CrmOrg>> {
    match read(row, codes) {
        Ok(org) => org.map(Seen::Record),
        Err(reason) => Some(Seen::Malformed(Malformed {
            id: int("id", row.get("id")).unwrap_or(None),
            owner: None,
            updated_at: moment("update_time", row.get("update_time")).unwrap_or(None),
            reason,
        })),
    }
}

/// The whole organization, `None` when it is deleted, or what is wrong with it.
pub(crate) fn read(row: &Json, codes: &Codes) -> Result<Option<CrmOrg>, String> {
    if !row.is_object() {
        return Err("the record is not an object".to_owned());
    }
    let dto: OrganizationDto = serde_json::from_value(row.clone()).map_err(|error| error.to_string())?;
    if dto.is_deleted == Some(Json::Bool(true)) {
        return Ok(None);
    }
    let mut values = Values::new();
    for field in Field::ALL {
        if let Some(value) = value_of(field, &dto, codes)? {
            values.insert(field, value);
        }
    }
    Ok(Some(CrmOrg {
        id: OrgId(required("id", int("id", dto.id.as_ref())?)?),
        values,
        updated_at: required("update_time", moment("update_time", dto.update_time.as_ref())?)?,
    }))
}

fn value_of(field: Field, dto: &OrganizationDto, codes: &Codes) -> Result<Option<Value>, String> {
    match field {
        Field::Name => Ok(text("name", dto.name.as_ref())?.map(Value::Text)),
        Field::Website => Ok(text("website", dto.website.as_ref())?.map(Value::Text)),
        Field::Address => address(dto.address.as_ref()),
        Field::Phone
        | Field::ErpCustomerId
        | Field::AccountNumbers
        | Field::TaxId
        | Field::ErpStatus
        | Field::Duns
        | Field::Email
        | Field::Currency => custom(field, dto.custom_fields.as_ref(), codes),
    }
}

/// Without the object nothing is known about custom fields; taking them for unset would write them for ever.
fn custom(field: Field, fields: Option<&Json>, codes: &Codes) -> Result<Option<Value>, String> {
    // A field that is not mapped, or does not exist yet, has no code and is not read.
    let Some(code) = codes.of(field) else { return Ok(None) };
    let Some(Json::Object(fields)) = fields else { return Err("custom_fields is missing".to_owned()) };
    Ok(text(field.row().label, fields.get(code))?.map(Value::Text))
}

fn address(value: Option<&Json>) -> Result<Option<Value>, String> {
    let Some(Json::Object(_)) = value else {
        let line = text("address", value)?;
        return Ok(line.map(|line| Value::Address(PostalAddress { line, ..PostalAddress::default() })));
    };
    let dto = serde_json::from_value(value.cloned().unwrap_or_default());
    let AddressDto { value, locality, admin_area_level_1, postal_code, country } =
        dto.map_err(|error| format!("address: {error}"))?;
    let Some(line) = text("address.value", value.as_ref())? else { return Ok(None) };
    Ok(Some(Value::Address(PostalAddress {
        line,
        locality: text("address.locality", locality.as_ref())?,
        region: text("address.admin_area_level_1", admin_area_level_1.as_ref())?,
        postal_code: text("address.postal_code", postal_code.as_ref())?,
        country: text("address.country", country.as_ref())?,
    })))
}

/// The body of a write that sets these fields (`None` clears) and no others.
///
/// A name cannot be cleared: null is refused there, so a change without one leaves it alone.
pub(crate) fn body<'a>(
    changes: impl IntoIterator<Item = (Field, Option<&'a Value>)>,
    codes: &Codes,
) -> Map<String, Json> {
    let mut body = Map::new();
    let mut custom = Map::new();
    for (field, value) in changes {
        let json = value.map_or(Json::Null, json_of);
        match field {
            Field::Name if value.is_none() => {}
            Field::Name => drop(body.insert("name".to_owned(), json)),
            Field::Website => drop(body.insert("website".to_owned(), json)),
            Field::Address => drop(body.insert("address".to_owned(), json)),
            Field::Phone
            | Field::ErpCustomerId
            | Field::AccountNumbers
            | Field::TaxId
            | Field::ErpStatus
            | Field::Duns
            | Field::Email
            | Field::Currency => {
                if let Some(code) = codes.of(field) {
                    custom.insert(code.to_owned(), json);
                }
            }
        }
    }
    if !custom.is_empty() {
        body.insert("custom_fields".to_owned(), Json::Object(custom));
    }
    body
}

fn json_of(value: &Value) -> Json {
    match value {
        Value::Text(text) => json!(text),
        Value::Address(PostalAddress { line, locality, region, postal_code, country }) => json!({
            "value": line,
            "locality": locality,
            "admin_area_level_1": region,
            "postal_code": postal_code,
            "country": country,
        }),
    }
}
