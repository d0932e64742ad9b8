//! From Fusion's JSON to our records. A record that cannot be read says which attribute is to blame.

use saas_http::scalar::{int, moment, required, text};
use serde::de::DeserializeOwned;
use serde_json::Value;
use sync_core::{
    ids::{AccountId, PartyId},
    model::{ErpAccount, ErpParty, Malformed, PartyStatus, Seen},
    value::PostalAddress,
};

use crate::api::{hub_organizations::PartyDto, receivables_customer_account_activities::AccountDto};
use crate::extra::Extra;

/// A party of a page.
pub(crate) fn party(item: Value, extra: &Extra) -> Seen<ErpParty> {
    let attributes = extra.of_party(&item);
    seen("PartyId", None, item, |dto: PartyDto| {
        let PartyDto {
            party_id,
            party_number,
            organization_name,
            party_usage_code,
            status,
            taxpayer_identification_number,
            url,
            raw_phone_number,
            duns_number,
            email_address,
            currency_code,
            address1,
            address2,
            address3,
            address4,
            city,
            state,
            province,
            postal_code,
            country,
            last_update_date,
        } = dto;
        let address = AddressDto {
            lines: [address1, address2, address3, address4],
            city,
            state,
            province,
            postal_code,
            country,
        };
        Ok(ErpParty {
            id: PartyId(required("PartyId", int("PartyId", party_id.as_ref())?)?),
            number: required("PartyNumber", text("PartyNumber", party_number.as_ref())?)?,
            // A nameless party is a party; its number stands in later.
            name: text("OrganizationName", organization_name.as_ref())?.unwrap_or_default(),
            usage: text("PartyUsageCode", party_usage_code.as_ref())?,
            status: party_status(required("Status", text("Status", status.as_ref())?)?),
            tax_id: text("TaxpayerIdentificationNumber", taxpayer_identification_number.as_ref())?,
            url: text("URL", url.as_ref())?,
            phone: text("RawPhoneNumber", raw_phone_number.as_ref())?,
            duns: text("DUNSNumber", duns_number.as_ref())?,
            email: text("EmailAddress", email_address.as_ref())?,
            currency: text("CurrencyCode", currency_code.as_ref())?,
            address: postal_address(&address)?,
            attributes,
            updated_at: required("LastUpdateDate", moment("LastUpdateDate", last_update_date.as_ref())?)?,
        })
    })
}

/// An account of a page.
pub(crate) fn account(item: Value) -> Seen<ErpAccount> {
    seen("AccountId", Some("CustomerId"), item, |dto: AccountDto| {
        let AccountDto { account_id, account_number, customer_id, last_update_date } = dto;
        Ok(ErpAccount {
            id: AccountId(required("AccountId", int("AccountId", account_id.as_ref())?)?),
            party: PartyId(required("CustomerId", int("CustomerId", customer_id.as_ref())?)?),
            number: required("AccountNumber", text("AccountNumber", account_number.as_ref())?)?,
            updated_at: required("LastUpdateDate", moment("LastUpdateDate", last_update_date.as_ref())?)?,
        })
    })
}

/// Reads one item; what can be read of a bad one is kept, because cursors continue from it.
pub(crate) fn seen<D: DeserializeOwned, T>(
    id_name: &str,
    owner_name: Option<&str>,
    item: Value,
    convert: impl FnOnce(D) -> Result<T, String>,
) -> Seen<T> {
    let id = int(id_name, item.get(id_name)).unwrap_or(None);
    let owner = owner_name.and_then(|name| int(name, item.get(name)).unwrap_or(None)).map(PartyId);
    let updated_at = moment("LastUpdateDate", item.get("LastUpdateDate")).unwrap_or(None);
    let record = if item.is_object() {
        serde_json::from_value(item).map_err(|error| error.to_string()).and_then(convert)
    } else {
        Err("the item is not an object".to_owned())
    };
    match record {
        Ok(record) => Seen::Record(record),
        Err(reason) => Seen::Malformed(Malformed { id, owner, updated_at, reason }),
    }
}

pub(crate) fn party_status(code: String) -> PartyStatus {
    match code.as_str() {
        "A" => PartyStatus::Active,
        "I" => PartyStatus::Inactive,
        _ => PartyStatus::Other(code),
    }
}

struct AddressDto {
    lines: [Option<Value>; 4],
    city: Option<Value>,
    state: Option<Value>,
    province: Option<Value>,
    postal_code: Option<Value>,
    country: Option<Value>,
}

/// "Address1, Address2, City, State PostalCode, Country", without what is absent.
fn postal_address(dto: &AddressDto) -> Result<Option<PostalAddress>, String> {
    let AddressDto { lines, city, state, province, postal_code, country } = dto;
    let locality = text("City", city.as_ref())?;
    let region = text("State", state.as_ref())?.or(text("Province", province.as_ref())?);
    let postal_code = text("PostalCode", postal_code.as_ref())?;
    let country = text("Country", country.as_ref())?;

    let mut parts = Vec::new();
    for (name, line) in ["Address1", "Address2", "Address3", "Address4"].into_iter().zip(lines) {
        parts.extend(text(name, line.as_ref())?);
    }
    parts.extend(locality.clone());
    let region_and_code: Vec<&str> =
        [&region, &postal_code].into_iter().filter_map(Option::as_deref).collect();
    if !region_and_code.is_empty() {
        parts.push(region_and_code.join(" "));
    }
    parts.extend(country.clone());
    let line = parts.join(", ");
    Ok((!line.is_empty()).then_some(PostalAddress { line, locality, region, postal_code, country }))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn whole() -> Value {
        json!({
            "PartyId": 300_000_248_939_071_i64, "PartyNumber": "10071", "OrganizationName": "Acme  Ltd ",
            "PartyUsageCode": "CUSTOMER", "Status": "A", "TaxpayerIdentificationNumber": null,
            "URL": "https://acme.example", "RawPhoneNumber": "16505060000",
            "Address1": "500 Oracle Pkwy", "Address2": null, "City": "Redwood City", "State": "CA",
            "PostalCode": "94065", "Country": "US", "LastUpdateDate": "2026-01-02T03:04:05.678+00:00",
            "SomethingNew": {"deep": true}
        })
    }

    #[test]
    fn a_party_is_read_and_unknown_attributes_ignored() {
        let Seen::Record(party) = party(whole(), &Extra::default()) else { panic!() };
        assert_eq!(party.id, PartyId(300_000_248_939_071));
        assert_eq!(party.name, "Acme Ltd");
        assert_eq!(party.status, PartyStatus::Active);
        assert_eq!(party.tax_id, None);
        let address = party.address.unwrap();
        assert_eq!(address.line, "500 Oracle Pkwy, Redwood City, CA 94065, US");
        assert_eq!(address.locality.as_deref(), Some("Redwood City"));
        assert_eq!(party.updated_at, "2026-01-02T03:04:05.678Z".parse().unwrap());
    }

    #[test]
    fn addresses_join_what_is_present() {
        let line = |item: Value| match party(item, &Extra::default()) {
            Seen::Record(party) => party.address.map(|address| address.line),
            Seen::Malformed(bad) => panic!("{}", bad.reason),
        };
        let mut item = whole();
        for (name, value) in
            [("Address2", json!("Floor 3")), ("State", json!(null)), ("Province", json!(" "))]
        {
            item[name] = value;
        }
        assert_eq!(line(item.clone()).as_deref(), Some("500 Oracle Pkwy, Floor 3, Redwood City, 94065, US"));
        for name in ["Address1", "Address2", "City", "PostalCode", "Country"] {
            item[name] = json!(null);
        }
        assert_eq!(line(item), None);
    }

    #[test]
    fn a_bad_attribute_is_named_and_id_and_stamp_survive() {
        let mut item = whole();
        item["RawPhoneNumber"] = json!({"number": 1});
        let Seen::Malformed(bad) = party(item, &Extra::default()) else { panic!() };
        assert_eq!(bad.id, Some(300_000_248_939_071));
        assert!(bad.updated_at.is_some());
        assert_eq!(bad.reason, r#"RawPhoneNumber is not a text: {"number":1}"#);
    }

    #[test]
    fn items_that_are_no_records_are_reported() {
        for item in [json!(null), json!("x"), json!([1])] {
            assert!(matches!(party(item, &Extra::default()), Seen::Malformed(bad) if bad.id.is_none()));
        }
        let Seen::Malformed(bad) = account(json!({"AccountId": "7", "AccountNumber": 1006})) else {
            panic!()
        };
        assert_eq!((bad.id, bad.reason.as_str()), (Some(7), "CustomerId is missing"));
        let numberless = json!({"AccountId": 7, "CustomerId": 9, "LastUpdateDate": "2026-01-02T03:04:05Z"});
        let Seen::Malformed(bad) = account(numberless) else { panic!() };
        assert_eq!(bad.owner, Some(PartyId(9)), "its party can be held");
    }

    #[test]
    fn other_status_codes_are_kept() {
        let mut item = whole();
        item["Status"] = json!("M");
        let Seen::Record(party) = party(item, &Extra::default()) else { panic!() };
        assert_eq!(party.status, PartyStatus::Other("M".to_owned()));
    }
}
