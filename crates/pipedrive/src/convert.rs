//! From Pipedrive's JSON to our records, and back.

use saas_http::scalar::{int, moment, required, text};
use serde_json::{Map, Value as Json, json};
use sync_core::{
    fields::{Field, Values},
    handover::OrgFacts,
    ids::OrgId,
    model::{CrmOrg, Malformed, Seen},
    value::{PostalAddress, Value},
};

use crate::{
    api::organizations::{AddressDto, OrganizationDto},
    asked::label_ids as label_ids_of,
    codes::{Codes, Labels},
    custom,
    shapes::reference,
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
    let built_in = [
        (Field::Name, text("name", dto.name.as_ref())?.map(Value::Text)),
        (Field::Website, text("website", dto.website.as_ref())?.map(Value::Text)),
        (Field::Address, address(dto.address.as_ref())?),
    ];
    values.extend(built_in.into_iter().filter_map(|(field, value)| Some((field, value?))));
    let labels = codes.labels().map(|known| labels(row.get("label_ids"), known)).transpose()?.flatten();
    values.extend(labels.map(|labels| (Field::Labels, labels)));
    // Without the object nothing is known about custom fields; taking them for unset would write them for ever.
    for (field, code) in codes.iter() {
        let Some(Json::Object(custom_fields)) = &dto.custom_fields else {
            return Err("custom_fields is missing".to_owned());
        };
        let value = custom::read(field.label(), custom_fields.get(&code.code), code)?;
        values.extend(value.map(|value| (field, value)));
    }
    // Nothing that is synced depends on these: what cannot be read of them is not known.
    let facts = OrgFacts {
        owner: reference("owner_id", dto.owner_id.as_ref()).unwrap_or(None),
        added_at: moment("add_time", dto.add_time.as_ref()).unwrap_or(None),
        labels: codes.asked().labels(&label_ids_of(row.get("label_ids"))),
        custom: codes.asked().read_in(dto.custom_fields.as_ref()),
        shown: codes.asked().shown_in(dto.custom_fields.as_ref()),
    };
    Ok(Some(CrmOrg {
        id: OrgId(required("id", int("id", dto.id.as_ref())?)?),
        values,
        facts,
        updated_at: required("update_time", moment("update_time", dto.update_time.as_ref())?)?,
    }))
}

/// Missing, they would be taken for none, and a write would take people's own labels away.
fn labels(value: Option<&Json>, known: &Labels) -> Result<Option<Value>, String> {
    let ids = match value {
        Some(Json::Array(ids)) => ids,
        Some(Json::Null) => return Ok(None),
        Some(other) => return Err(format!("label_ids is not a list of labels: {other}")),
        None => return Err("label_ids is missing".to_owned()),
    };
    let name = |id: &Json| Ok(known.name(required("label_ids", int("label_ids", Some(id))?)?));
    let names: Result<Vec<String>, String> = ids.iter().map(name).collect();
    Ok(Value::labels(names?))
}

fn label_ids(value: Option<&Value>, known: &Labels) -> Result<Json, String> {
    let names: &[String] = match value {
        Some(Value::Labels(labels)) => &labels.labels,
        Some(other) => return Err(format!("Labels takes labels, not \"{}\"", other.text())),
        None => &[],
    };
    let id = |name: &String| {
        let missing =
            || format!("there is no label \"{name}\": create it in Pipedrive, as a label of organizations");
        known.id(name).ok_or_else(missing)
    };
    let ids: Result<Vec<i64>, String> = names.iter().map(id).collect();
    Ok(json!(ids?))
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
///
/// # Errors
/// When a value is none that the field can take; the text says what to do about it.
pub(crate) fn body<'a>(
    changes: impl IntoIterator<Item = (Field, Option<&'a Value>)>,
    codes: &Codes,
) -> Result<Map<String, Json>, String> {
    let mut body = Map::new();
    let mut custom = Map::new();
    for (field, value) in changes {
        match field {
            Field::Name if value.is_none() => {}
            Field::Name => drop(body.insert("name".to_owned(), value.map_or(Json::Null, plain))),
            Field::Website => drop(body.insert("website".to_owned(), value.map_or(Json::Null, plain))),
            Field::Address => drop(body.insert("address".to_owned(), value.map_or(Json::Null, plain))),
            Field::Labels => {
                if let Some(known) = codes.labels() {
                    body.insert("label_ids".to_owned(), label_ids(value, known)?);
                }
            }
            Field::Phone
            | Field::ErpCustomerId
            | Field::AccountNumbers
            | Field::TaxId
            | Field::ErpStatus
            | Field::Duns
            | Field::Email
            | Field::Currency
            | Field::AccountClass
            | Field::PaymentTerms
            | Field::Parent
            | Field::Own(_) => {
                if let Some(code) = codes.get(field) {
                    let value =
                        value.map_or(Ok(Json::Null), |value| custom::write(field.label(), value, code))?;
                    custom.insert(code.code.clone(), value);
                }
            }
        }
    }
    if !custom.is_empty() {
        body.insert("custom_fields".to_owned(), Json::Object(custom));
    }
    Ok(body)
}

/// What a built-in field takes.
fn plain(value: &Value) -> Json {
    match value {
        Value::Address(PostalAddress { line, locality, region, postal_code, country }) => json!({
            "value": line,
            "locality": locality,
            "admin_area_level_1": region,
            "postal_code": postal_code,
            "country": country,
        }),
        Value::Text(_) | Value::Number(_) | Value::Date(_) | Value::Money(_) | Value::Labels(_) => {
            json!(value.text())
        }
    }
}
