//! Parties and addresses from our words to Fusion's JSON, and addresses back (oracle-fusion.md 1.2, 1.4).

use saas_http::scalar::{int, required, text};
use serde_json::{Map, Value, json};
use sync_core::{
    customers::{AddressParts, ErpAddress, NewAddress, NewParty, PartyAttribute, PartyChanges, Reference},
    ids::PartySiteId,
    model::Seen,
};

use crate::{api::parties::AddressDto, convert::seen};

/// The lines of an address there.
const LINES: [&str; 4] = ["Address1", "Address2", "Address3", "Address4"];

/// A party to create. What is absent is not named.
pub(crate) fn party(new: &NewParty) -> Value {
    let NewParty { name, usage, reference: ours, tax_id, url, phone, currency, addresses } = new;
    let mut party = Map::new();
    party.insert("OrganizationName".to_owned(), json!(name));
    // Without a usage: HZ-120421.
    party.insert("PartyUsageCode".to_owned(), json!(usage));
    party.insert("SourceSystemReference".to_owned(), json!([reference(ours)]));
    put(&mut party, "TaxpayerIdentificationNumber", tax_id.as_deref());
    put(&mut party, "URL", url.as_deref());
    put(&mut party, "RawPhoneNumber", phone.as_deref());
    put(&mut party, "CurrencyCode", currency.as_deref());
    if !addresses.is_empty() {
        let addresses: Vec<Value> = addresses.iter().map(self::new).collect();
        party.insert("Address".to_owned(), Value::Array(addresses));
    }
    Value::Object(party)
}

/// A reference to add.
pub(crate) fn reference(reference: &Reference) -> Value {
    let Reference { system, value } = reference;
    json!({ "SourceSystem": system, "SourceSystemReferenceValue": value })
}

/// An address to create. A fifth line and what follows go into the fourth.
pub(crate) fn new(new: &NewAddress) -> Value {
    let NewAddress { purpose, reference, parts } = new;
    let AddressParts { lines, city, county, state, province, postal_code, country } = parts;
    let mut address = Map::new();
    put(&mut address, "AddressType", purpose.as_deref());
    let (first, rest) = lines.split_at(lines.len().min(LINES.len() - 1));
    let rest = (!rest.is_empty()).then(|| rest.join(", "));
    for (name, line) in LINES.iter().zip(first.iter().chain(&rest)) {
        put(&mut address, name, Some(line));
    }
    put(&mut address, "City", city.as_deref());
    put(&mut address, "County", county.as_deref());
    put(&mut address, "State", state.as_deref());
    put(&mut address, "Province", province.as_deref());
    put(&mut address, "PostalCode", postal_code.as_deref());
    put(&mut address, "Country", country.as_deref());
    if let Some(Reference { system, value }) = reference {
        put(&mut address, "SourceSystem", Some(system));
        put(&mut address, "SourceSystemReferenceValue", Some(value));
    }
    Value::Object(address)
}

/// Changes of a party; null clears.
pub(crate) fn changes(changes: &PartyChanges) -> Value {
    let changes = changes.iter().map(|(attribute, value)| {
        let name = match attribute {
            PartyAttribute::Name => "OrganizationName",
            PartyAttribute::TaxId => "TaxpayerIdentificationNumber",
            PartyAttribute::Url => "URL",
            PartyAttribute::Phone => "RawPhoneNumber",
        };
        (name.to_owned(), json!(value))
    });
    Value::Object(changes.collect())
}

/// An address of a page, or of the answer to its creation.
pub(crate) fn address(item: Value) -> Seen<ErpAddress> {
    seen("AddressId", None, item, |dto: AddressDto| {
        let AddressDto {
            address_id,
            address_number,
            address_type,
            address1,
            address2,
            address3,
            address4,
            city,
            county,
            state,
            province,
            postal_code,
            country,
            primary_flag,
            status,
            source_system,
            source_system_reference_value,
        } = dto;
        let mut lines = Vec::new();
        for (name, line) in LINES.into_iter().zip([address1, address2, address3, address4]) {
            lines.extend(text(name, line.as_ref())?);
        }
        let system = text("SourceSystem", source_system.as_ref())?;
        let value = text("SourceSystemReferenceValue", source_system_reference_value.as_ref())?;
        Ok(ErpAddress {
            id: PartySiteId(required("AddressId", int("AddressId", address_id.as_ref())?)?),
            number: text("AddressNumber", address_number.as_ref())?,
            purpose: text("AddressType", address_type.as_ref())?,
            reference: system.zip(value).map(|(system, value)| Reference { system, value }),
            parts: AddressParts {
                lines,
                city: text("City", city.as_ref())?,
                county: text("County", county.as_ref())?,
                state: text("State", state.as_ref())?,
                province: text("Province", province.as_ref())?,
                postal_code: text("PostalCode", postal_code.as_ref())?,
                country: text("Country", country.as_ref())?,
            },
            primary: matches!(primary_flag, Some(Value::Bool(true))) || primary_flag == Some(json!("Y")),
            active: text("Status", status.as_ref())?.is_none_or(|status| status == "A"),
        })
    })
}

pub(crate) fn put(into: &mut Map<String, Value>, name: &str, value: Option<&str>) {
    if let Some(value) = value.filter(|value| !value.trim().is_empty()) {
        into.insert(name.to_owned(), json!(value));
    }
}
