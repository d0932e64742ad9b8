//! The filters of the language: those of the engine that are safe under fuel, and our own, which leave nulls alone,
//! take only texts and numbers for text, and check the size of what they make before they make it.

use std::cmp::Ordering;

use minijinja::{Environment, Error, ErrorKind, UndefinedBehavior, value::Value, value::ValueKind};

use super::{
    input::{is_null, null},
    number::{Decimal, float_text},
    result::date_of,
};
use crate::text;

/// What can follow a `|`.
pub(super) const FILTERS: [&str; 27] = [
    "abs",
    "alnum",
    "capitalize",
    "date",
    "default",
    "digits",
    "first",
    "join",
    "last",
    "length",
    "lower",
    "map",
    "max",
    "min",
    "number",
    "reject",
    "rejectattr",
    "replace",
    "round",
    "select",
    "selectattr",
    "sort",
    "split",
    "times",
    "trim",
    "truncate",
    "upper",
];
/// What can follow an `is`.
pub(super) const TESTS: [&str; 24] = [
    "boolean",
    "defined",
    "endingwith",
    "eq",
    "even",
    "false",
    "ge",
    "gt",
    "in",
    "integer",
    "iterable",
    "le",
    "lower",
    "lt",
    "mapping",
    "ne",
    "none",
    "number",
    "odd",
    "sequence",
    "startingwith",
    "string",
    "true",
    "undefined",
];
/// Filters of the engine that are taken out.
const REMOVED: [&str; 29] = [
    "attr",
    "batch",
    "bool",
    "chain",
    "count",
    "d",
    "dictsort",
    "e",
    "escape",
    "float",
    "format",
    "groupby",
    "indent",
    "int",
    "items",
    "lines",
    "list",
    "pprint",
    "reverse",
    "safe",
    "slice",
    "string",
    "sum",
    "title",
    "tojson",
    "unique",
    "urlencode",
    "zip",
    "range",
];
/// One expression may do so much: an instruction costs one, 64 bytes made or looked at cost one.
const FUEL: u64 = 10_000;
/// No text is longer, in bytes, on the way or at the end.
pub(super) const MOST_BYTES: usize = 64 * 1024;

/// The engine, without everything that is not listed above.
pub(super) fn environment() -> Environment<'static> {
    let mut engine = Environment::new();
    engine.set_fuel(Some(FUEL));
    engine.set_undefined_behavior(UndefinedBehavior::Strict);
    engine.set_recursion_limit(16);
    engine.set_debug(true);
    for name in ["range", "dict", "debug", "namespace"] {
        engine.remove_global(name);
    }
    for name in REMOVED {
        engine.remove_filter(name);
    }
    engine.add_test("none", |value: Value| is_null(&value));
    engine.add_test("lt", |left: Value, right: Value| ordered(&left, &right, Ordering::is_lt));
    engine.add_test("le", |left: Value, right: Value| ordered(&left, &right, Ordering::is_le));
    engine.add_test("gt", |left: Value, right: Value| ordered(&left, &right, Ordering::is_gt));
    engine.add_test("ge", |left: Value, right: Value| ordered(&left, &right, Ordering::is_ge));
    engine.add_filter("upper", |value: Value| on_text(&value, |text| Ok(text.to_uppercase())));
    engine.add_filter("lower", |value: Value| on_text(&value, |text| Ok(text.to_lowercase())));
    engine.add_filter("capitalize", |value: Value| on_text(&value, |text| Ok(capitalized(text))));
    engine.add_filter("trim", |value: Value| on_text(&value, |text| Ok(text.trim().to_owned())));
    engine.add_filter("digits", |value: Value| kept(&value, |c| c.is_ascii_digit()));
    engine.add_filter("alnum", |value: Value| kept(&value, char::is_alphanumeric));
    engine.add_filter("truncate", |value: Value, most: usize| {
        on_text(&value, |text| Ok(text::bounded(text, most).0))
    });
    engine.add_filter("replace", replace);
    engine.add_filter("date", date);
    engine.add_filter("default", default);
    engine.add_filter("join", join);
    engine.add_filter("split", split);
    engine.add_filter("first", |value: Value| end_of(&value, true));
    engine.add_filter("last", |value: Value| end_of(&value, false));
    engine.add_filter("number", |value: Value| on_number(&value, Some));
    engine.add_filter("times", |value: Value, factor: Value| {
        let factor = decimal(&factor)?;
        on_number(&value, |number| number.times(factor))
    });
    engine
}

/// A text, number or truth as text; `None` for lists, objects and what is undefined.
pub(super) fn scalar_text(value: &Value) -> Option<String> {
    match value.kind() {
        ValueKind::String => value.as_str().map(str::to_owned),
        ValueKind::Bool => Some(if value.is_true() { "true" } else { "false" }.to_owned()),
        ValueKind::Number if value.is_integer() => Some(value.to_string()),
        ValueKind::Number => f64::try_from(value.clone()).ok().and_then(float_text),
        _ => None,
    }
}

fn impossible(message: impl Into<String>) -> Error {
    Error::new(ErrorKind::InvalidOperation, message.into())
}

fn text_of(value: &Value) -> Result<String, Error> {
    if value.is_undefined() {
        return Err(Error::from(ErrorKind::UndefinedError));
    }
    scalar_text(value).ok_or_else(|| impossible(format!("a {} is not a text", value.kind())))
}

fn sized(text: String) -> Result<Value, Error> {
    if text.len() > MOST_BYTES { Err(Error::from(ErrorKind::OutOfFuel)) } else { Ok(Value::from(text)) }
}

fn on_text(value: &Value, change: impl FnOnce(&str) -> Result<String, Error>) -> Result<Value, Error> {
    if is_null(value) {
        return Ok(null());
    }
    sized(change(&text_of(value)?)?)
}

fn kept(value: &Value, keep: impl Fn(char) -> bool) -> Result<Value, Error> {
    on_text(value, |text| Ok(text.chars().filter(|c| keep(*c)).collect()))
}

fn capitalized(text: &str) -> String {
    let mut rest = text.chars();
    rest.next().map_or_else(String::new, |first| {
        first.to_uppercase().chain(rest.flat_map(char::to_lowercase)).collect()
    })
}

fn replace(value: Value, from: String, to: String) -> Result<Value, Error> {
    on_text(&value, |text| {
        if from.is_empty() {
            return Err(impossible("`replace` needs a text to look for"));
        }
        let size = text.matches(&from).count().saturating_mul(to.len()).saturating_add(text.len());
        if size > 4 * MOST_BYTES {
            Err(Error::from(ErrorKind::OutOfFuel))
        } else {
            Ok(text.replace(&from, &to))
        }
    })
}

fn date(value: Value) -> Result<Value, Error> {
    on_text(&value, |text| {
        if text.trim().is_empty() {
            return Ok(String::new());
        }
        let date = date_of(text.trim()).map(|date| date.to_string());
        date.ok_or_else(|| {
            impossible("`date` needs a date or a timestamp, such as 2026-11-26T09:30:00.000+00:00")
        })
    })
}

/// Stands in for what is absent, null or blank.
fn default(value: Value, other: Option<Value>) -> Value {
    let blank = value.as_str().is_some_and(|text| text.trim().is_empty());
    if value.is_undefined() || is_null(&value) || blank {
        return other.unwrap_or_else(|| Value::from(""));
    }
    value
}

/// The texts that are there, with the separator between them: nulls and blanks leave no gap.
fn join(value: Value, separator: Option<String>) -> Result<Value, Error> {
    if is_null(&value) || scalar_text(&value).is_some() {
        return Ok(value);
    }
    let separator = separator.unwrap_or_default();
    let mut joined = String::new();
    for item in value.try_iter()?.filter(|item| !is_null(item)) {
        let piece = text_of(&item)?;
        if piece.trim().is_empty() {
            continue;
        }
        if !joined.is_empty() {
            joined.push_str(&separator);
        }
        joined.push_str(&piece);
        if joined.len() > MOST_BYTES {
            return Err(Error::from(ErrorKind::OutOfFuel));
        }
    }
    Ok(Value::from(joined))
}

fn split(value: Value, separator: String) -> Result<Value, Error> {
    if is_null(&value) {
        return Ok(null());
    }
    if separator.is_empty() {
        return Err(impossible("`split` needs a separator"));
    }
    let text = text_of(&value)?;
    if text.matches(&separator).count() > MOST_BYTES / 8 {
        return Err(Error::from(ErrorKind::OutOfFuel));
    }
    Ok(Value::from(text.split(&separator).map(Value::from).collect::<Vec<_>>()))
}

/// The first or last of a list or text; null when there is none.
fn end_of(value: &Value, first: bool) -> Result<Value, Error> {
    if is_null(value) {
        return Ok(null());
    }
    if let Some(text) = value.as_str() {
        let end = if first { text.chars().next() } else { text.chars().next_back() };
        return Ok(end.map_or_else(null, Value::from));
    }
    if value.is_undefined() {
        return Err(Error::from(ErrorKind::UndefinedError));
    }
    let mut items = value.try_iter()?;
    Ok(if first { items.next() } else { items.last() }.unwrap_or_else(null))
}

/// Compares as numbers when either side is one, else as texts (ISO dates order so); nothing is above or below a null.
/// The engine's own order puts texts above numbers and nulls above both without a word.
fn ordered(left: &Value, right: &Value, holds: fn(Ordering) -> bool) -> Result<bool, Error> {
    if is_null(left) || is_null(right) {
        return Ok(false);
    }
    if left.is_number() || right.is_number() {
        return Ok(holds(decimal(left)?.cmp(&decimal(right)?)));
    }
    Ok(holds(text_of(left)?.cmp(&text_of(right)?)))
}

fn decimal(value: &Value) -> Result<Decimal, Error> {
    let text = text_of(value)?;
    Decimal::parse(&text)
        .ok_or_else(|| impossible(format!("{} is not a number", super::error::shortened(&text))))
}

/// The result is a whole number, or a fraction; a text that is too long for either stays an error.
fn on_number(value: &Value, change: impl FnOnce(Decimal) -> Option<Decimal>) -> Result<Value, Error> {
    if is_null(value) || value.as_str().is_some_and(|text| text.trim().is_empty()) {
        return Ok(null());
    }
    let number = change(decimal(value)?).ok_or_else(|| impossible("the number has too many digits"))?;
    if let Some(whole) = number.whole() {
        return Ok(Value::from(whole));
    }
    if number.significant() > 15 {
        return Err(impossible("a fraction of more than 15 digits cannot be calculated with exactly"));
    }
    number.to_string().parse::<f64>().map(Value::from).map_err(|_| impossible("not a number"))
}
