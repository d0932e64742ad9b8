//! The record as the engine sees it: only what is read, exact, bounded.

use std::{collections::BTreeMap, fmt, sync::Arc};

use minijinja::value::{Object, ObjectRepr, Value};
use serde_json::Value as Json;

use super::{error::EvaluationError, number};

/// More of a record is not given to one expression: bytes of text, and 16 for every value.
const MOST_BYTES: usize = 128 * 1024;
/// Objects within objects.
const DEEPEST: usize = 32;

/// A null: no text when joined, false, and its children are nulls too.
#[derive(Debug)]
pub(super) struct Null;

impl Object for Null {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        ObjectRepr::Plain
    }

    fn get_value(self: &Arc<Self>, _key: &Value) -> Option<Value> {
        Some(Value::from_object(Self))
    }

    fn is_true(self: &Arc<Self>) -> bool {
        false
    }

    fn render(self: &Arc<Self>, _f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Ok(())
    }
}

/// The null that expressions see.
pub(super) fn null() -> Value {
    Value::from_object(Null)
}

/// Whether it is a null, the record's or one that is written as `none`.
pub(super) fn is_null(value: &Value) -> bool {
    value.is_none() || value.downcast_object_ref::<Null>().is_some()
}

/// What the record has of the names.
pub(super) fn context<'n>(
    record: &serde_json::Map<String, Json>,
    names: impl Iterator<Item = &'n str>,
) -> Result<Value, EvaluationError> {
    let mut left = MOST_BYTES;
    let mut context = BTreeMap::new();
    for name in names {
        if let Some(json) = record.get(name) {
            context.insert(name.to_owned(), value(json, 0, &mut left)?);
        }
    }
    Ok(Value::from(context))
}

fn value(json: &Json, depth: usize, left: &mut usize) -> Result<Value, EvaluationError> {
    if depth > DEEPEST {
        return Err(EvaluationError::exhausted("what the expression reads is nested too deeply"));
    }
    spend(left, 16)?;
    Ok(match json {
        Json::Null => null(),
        Json::Bool(flag) => Value::from(*flag),
        Json::Number(digits) => number_value(digits),
        Json::String(text) => {
            spend(left, text.len())?;
            Value::from(text.as_str())
        }
        Json::Array(items) => {
            let items: Result<Vec<_>, _> = items.iter().map(|item| value(item, depth + 1, left)).collect();
            Value::from(items?)
        }
        Json::Object(children) => {
            let mut map = BTreeMap::new();
            for (name, child) in children {
                spend(left, name.len())?;
                map.insert(name.clone(), value(child, depth + 1, left)?);
            }
            Value::from(map)
        }
    })
}

fn spend(left: &mut usize, bytes: usize) -> Result<(), EvaluationError> {
    *left = left.checked_sub(bytes).ok_or_else(|| {
        EvaluationError::exhausted(format!("the expression reads more than {MOST_BYTES} bytes of the record"))
    })?;
    Ok(())
}

/// Whole numbers stay whole (the engine calculates in 128 bits); a fraction is a number when fifteen digits say it,
/// else the text of its digits.
fn number_value(number: &serde_json::Number) -> Value {
    if let Some(whole) = number.as_i64() {
        return Value::from(whole);
    }
    if let Some(whole) = number.as_u64() {
        return Value::from(whole);
    }
    let digits = number.to_string();
    let exact = number::Decimal::parse(&digits).is_some_and(|decimal| decimal.significant() <= 15);
    match number.as_f64() {
        Some(float) if exact => Value::from(float),
        Some(_) | None => Value::from(digits),
    }
}
