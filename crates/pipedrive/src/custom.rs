//! Values of custom fields by their types: strict when written, tolerant when read (pipedrive.md 1.8, 8).

use saas_http::scalar::{int, text};
use serde_json::{Number, Value as Json, json};
use sync_core::{
    fields::CustomKind,
    money::Amount,
    value::{Labels, MoneyValue, Value},
};

use crate::codes::Code;

/// What a field says; `None` when it is unset.
///
/// # Errors
/// When it is nothing that a field of this type can say.
pub(crate) fn read(name: &str, value: Option<&Json>, code: &Code) -> Result<Option<Value>, String> {
    let Some(value) = value.filter(|value| !value.is_null()) else { return Ok(None) };
    let wrong = |wanted: &str| format!("{name} is not {wanted}: {value}");
    match code.kind {
        CustomKind::ShortText | CustomKind::LongText | CustomKind::Phone => {
            Ok(text(name, Some(value))?.map(Value::Text))
        }
        CustomKind::Date => Ok(text(name, Some(value))?.map(Value::Date)),
        CustomKind::Number => {
            let Some(digits) = text(name, Some(value))? else { return Ok(None) };
            Value::number(&digits).map(Some).ok_or_else(|| wrong("a number"))
        }
        CustomKind::Money => {
            let amount = text(name, value.get("value"))?;
            let currency = text(name, value.get("currency"))?;
            let Some(amount) = amount else { return Ok(None) };
            let amount = Amount::parse(&amount).ok_or_else(|| wrong("an amount"))?;
            Ok(Some(Value::money(amount, currency.ok_or_else(|| wrong("an amount with its currency"))?)))
        }
        CustomKind::Option => Ok(Some(Value::Text(label(code, option(name, value)?)))),
        CustomKind::Options => {
            let Json::Array(ids) = value else { return Err(wrong("a list of options")) };
            let labels: Result<Vec<String>, String> =
                ids.iter().map(|id| Ok(label(code, option(name, id)?))).collect();
            Ok(Value::labels(labels?))
        }
    }
}

/// An option is its id, or an object that has it.
fn option(name: &str, value: &Json) -> Result<i64, String> {
    let id = value.get("id").unwrap_or(value);
    int(name, Some(id))?.ok_or_else(|| format!("{name} is not an option: {value}"))
}

/// An option that was added since the fields were learned goes by its id until they are learned again.
fn label(code: &Code, id: i64) -> String {
    code.options.get(&id).cloned().unwrap_or_else(|| format!("option {id}"))
}

/// What to send.
///
/// # Errors
/// When the field has no such option, or the value is of another type; the text says what to do about it.
pub(crate) fn write(name: &str, value: &Value, code: &Code) -> Result<Json, String> {
    match (code.kind, value) {
        (CustomKind::ShortText | CustomKind::LongText | CustomKind::Phone | CustomKind::Date, value) => {
            Ok(json!(value.text()))
        }
        (CustomKind::Number, value) => {
            let number: Result<Number, _> = serde_json::from_str(value.text());
            number.map(Json::Number).map_err(|_| format!("{name} takes a number, not \"{}\"", value.text()))
        }
        (CustomKind::Money, Value::Money(MoneyValue { amount, currency, .. })) => {
            let number: Result<Number, _> = serde_json::from_str(&amount.to_string());
            let number = number.map_err(|_| format!("{name}: {amount} is no amount"))?;
            Ok(json!({ "value": number, "currency": currency }))
        }
        (CustomKind::Option, value) => Ok(json!(option_of(name, value.text(), code)?)),
        (CustomKind::Options, Value::Labels(Labels { labels, .. })) => {
            // An empty list is refused there; nothing is told by null.
            let ids: Result<Vec<i64>, String> =
                labels.iter().map(|label| option_of(name, label, code)).collect();
            Ok(json!(ids?))
        }
        (CustomKind::Options, value) => Ok(json!([option_of(name, value.text(), code)?])),
        (CustomKind::Money, value) => {
            Err(format!("{name} takes an amount with its currency, not \"{}\"", value.text()))
        }
    }
}

fn option_of(name: &str, label: &str, code: &Code) -> Result<i64, String> {
    let same =
        |known: &String| known.eq_ignore_ascii_case(label) || known.to_lowercase() == label.to_lowercase();
    let found = code
        .options
        .iter()
        .find(|(_, known)| *known == label)
        .or_else(|| code.options.iter().find(|(_, known)| same(known)));
    found.map(|(id, _)| *id).ok_or_else(|| {
        let known: Vec<&str> = code.options.values().map(String::as_str).take(20).collect();
        format!("{name} has no option \"{label}\"; it has: {}. Add the option in Pipedrive, or map to one of these", known.join(", "))
    })
}
