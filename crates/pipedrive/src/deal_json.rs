//! From Pipedrive's JSON to a deal, and from changes of a deal to Pipedrive's JSON (pipedrive.md 1.6, 1.8).

use std::collections::BTreeMap;

use saas_http::scalar::{amount, day, flag, int, moment, required, text};
use serde_json::{Map, Value as Json, json};
use sync_core::{
    deals::{CrmDeal, DealFacts, DealStatus},
    ids::{DealId, OrgId, PersonId},
    model::{Malformed, Seen},
    money::{Amount, Money},
};

use crate::{api::deals::DealDto, asked::label_ids, deals::DealChanges, shapes::reference};

/// What an emptied date becomes in storage (8).
const NO_DAY: &str = "0000-00-00";

/// A deal of a page.
pub(crate) fn seen(row: &Json) -> Seen<CrmDeal> {
    match read(row) {
        Ok(deal) => Seen::Record(deal),
        Err(reason) => Seen::Malformed(Malformed {
            id: int("id", row.get("id")).unwrap_or(None),
            owner: None,
            updated_at: moment("update_time", row.get("update_time")).unwrap_or(None),
            reason,
        }),
    }
}

/// The whole deal, or what is wrong with it.
pub(crate) fn read(row: &Json) -> Result<CrmDeal, String> {
    if !row.is_object() {
        return Err("the record is not an object".to_owned());
    }
    let dto: DealDto = serde_json::from_value(row.clone()).map_err(|error| error.to_string())?;
    Ok(CrmDeal {
        id: DealId(required("id", int("id", dto.id.as_ref())?)?),
        title: text("title", dto.title.as_ref())?.unwrap_or_default(),
        status: status(&dto)?,
        value: value(&dto)?,
        org: reference("org_id", dto.org_id.as_ref())?.map(OrgId),
        person: reference("person_id", dto.person_id.as_ref())?.map(PersonId),
        owner: reference("owner_id", dto.owner_id.as_ref())?,
        pipeline: int("pipeline_id", dto.pipeline_id.as_ref())?,
        stage: int("stage_id", dto.stage_id.as_ref())?,
        won_at: moment("won_time", dto.won_time.as_ref())?,
        added_at: moment("add_time", dto.add_time.as_ref())?,
        expected_close: day(
            "expected_close_date",
            dto.expected_close_date.as_ref().filter(|day| day.as_str() != Some(NO_DAY)),
        )?,
        archived: flag("is_archived", dto.is_archived.as_ref())? == Some(true),
        updated_at: required("update_time", moment("update_time", dto.update_time.as_ref())?)?,
        custom: custom(dto.custom_fields)?,
        label_ids: label_ids(dto.label_ids.as_ref()),
        facts: DealFacts::default(),
    })
}

fn status(dto: &DealDto) -> Result<DealStatus, String> {
    let status = required("status", text("status", dto.status.as_ref())?)?;
    let deleted = flag("is_deleted", dto.is_deleted.as_ref())? == Some(true);
    Ok(match status.as_str() {
        _ if deleted => DealStatus::Deleted,
        "open" => DealStatus::Open,
        "won" => DealStatus::Won,
        "lost" => DealStatus::Lost,
        "deleted" => DealStatus::Deleted,
        _ => DealStatus::Other(status),
    })
}

/// Nothing needs no currency; anything else is worth nothing without one.
fn value(dto: &DealDto) -> Result<Option<Money>, String> {
    let (Some(amount), currency) =
        (amount("value", dto.value.as_ref())?, text("currency", dto.currency.as_ref())?)
    else {
        return Ok(None);
    };
    match currency {
        Some(currency) => Ok(Some(Money { amount, currency })),
        None if amount.is_zero() => Ok(None),
        None => Err("currency is missing".to_owned()),
    }
}

/// Without the object nothing is known about custom fields; taking them for unset would write them for ever.
fn custom(fields: Option<Json>) -> Result<BTreeMap<String, Json>, String> {
    match fields {
        Some(Json::Object(fields)) => Ok(fields.into_iter().collect()),
        None | Some(Json::Null | Json::Bool(_) | Json::Number(_) | Json::String(_) | Json::Array(_)) => {
            Err("custom_fields is missing".to_owned())
        }
    }
}

/// The body of a PATCH that sets this and nothing else, or why it must not be sent.
pub(crate) fn body(changes: &DealChanges) -> Result<Map<String, Json>, String> {
    let DealChanges { value, custom } = changes;
    let mut body = Map::new();
    if let Some(Money { amount, currency }) = value {
        body.insert("value".to_owned(), number(*amount)?);
        body.insert("currency".to_owned(), json!(currency));
    }
    if let Some((code, _)) = custom.iter().find(|(_, value)| value.as_array().is_some_and(Vec::is_empty)) {
        return Err(format!("field {code} is cleared with null, not with an empty list"));
    }
    if !custom.is_empty() {
        let custom = custom.iter().map(|(code, value)| (code.clone(), value.clone()));
        body.insert("custom_fields".to_owned(), Json::Object(custom.collect()));
    }
    // Whether a PATCH without content bumps the update time is unknown (8): never send one.
    if body.is_empty() { Err("there is nothing to write".to_owned()) } else { Ok(body) }
}

/// What a monetary custom field holds, the same for reading and writing (1.8).
///
/// # Errors
/// When the amount has more digits than a JSON number holds.
pub fn monetary(money: &Money) -> Result<Json, String> {
    Ok(json!({ "value": number(money.amount)?, "currency": money.currency }))
}

/// The amount as a JSON number; those have some 15 digits.
fn number(amount: Amount) -> Result<Json, String> {
    let digits = amount.to_string();
    let number: Option<serde_json::Number> = digits.parse().ok();
    let exact = number.filter(|number| Amount::parse(&number.to_string()) == Some(amount));
    exact.map(Json::Number).ok_or_else(|| format!("{digits} has too many digits"))
}
