//! From what an expression gives to what a field of the CRM keeps (pipedrive.md 1.8 and 2).

use std::collections::BTreeMap;

use jiff::civil::{Date, DateTime};
use minijinja::value::{Value, ValueKind};
use serde::Serialize;

use super::{
    error::{EvaluationError, Failure},
    filters::{MOST_BYTES, scalar_text},
    input::is_null,
    number::Decimal,
};
use crate::{
    money::{Amount, Money},
    text,
};

/// More labels than any field has options is a mistake (pipedrive.md 2: at most 10,000 options).
const MOST_LABELS: usize = 10_000;
/// A number keeps so many digits (pipedrive.md 2: 14 before the point, 16 after it; a double says 15 exactly).
const WHOLE_DIGITS: usize = 14;
const DECIMALS: u32 = 16;
const DIGITS: usize = 15;
/// A telephone number is kept like a short text (pipedrive.md 1.8, 2).
const PHONE: usize = 255;

/// What the field takes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ResultType {
    /// A text of at most so many characters: 255 in a short text field, 65,000 in a long one.
    Text {
        /// Characters.
        limit: usize,
    },
    /// A number: up to 14 digits before the point, 15 in all.
    Number,
    /// A day.
    Date,
    /// An amount, or a list of an amount and its currency.
    Money {
        /// The currencies that the CRM has, with their decimals.
        currencies: BTreeMap<String, u8>,
        /// The currency of an amount that comes without.
        default: Option<String>,
    },
    /// The label of one option.
    Option,
    /// The labels of several options: a list, or one text for one option.
    Options,
    /// A telephone number.
    Phone,
}

/// A value that fits its field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TypedValue {
    /// Squeezed, not empty, within the limit.
    Text(String),
    /// The exact digits, such as `-12.5`.
    Number(String),
    /// A day.
    Date(Date),
    /// An amount in a currency of the CRM, rounded to its decimals.
    Money(Money),
    /// A label, squeezed.
    Option(String),
    /// Labels, squeezed, each once, in their order; never none.
    Options(Vec<String>),
    /// A telephone number, squeezed.
    Phone(String),
}

/// What an expression gave for a record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// The value.
    pub value: TypedValue,
    /// Whether something did not fit and was cut off.
    pub cut: bool,
}

/// The value in the field's type; none when it is null, blank or an empty list.
pub(super) fn typed(value: &Value, want: &ResultType) -> Result<Option<Outcome>, EvaluationError> {
    if is_null(value) || value.is_undefined() {
        return Ok(None);
    }
    let (typed, cut) = match want {
        ResultType::Text { limit } => {
            let (bounded, cut) = text::bounded(&line(value, "a text")?, *limit);
            (present(bounded).map(TypedValue::Text), cut)
        }
        ResultType::Number => (number(value)?.map(TypedValue::Number), false),
        ResultType::Date => (date(value)?.map(TypedValue::Date), false),
        ResultType::Money { currencies, default } => {
            (money(value, currencies, default.as_deref())?.map(TypedValue::Money), false)
        }
        ResultType::Option => {
            (present(line(value, "the label of an option")?).map(TypedValue::Option), false)
        }
        ResultType::Options => {
            (Some(labels(value)?).filter(|all| !all.is_empty()).map(TypedValue::Options), false)
        }
        ResultType::Phone => (phone(value)?.map(TypedValue::Phone), false),
    };
    Ok(typed.map(|value| Outcome { value, cut }))
}

/// The day of an ISO date or timestamp, as it is written: no time zone moves it.
pub(super) fn date_of(text: &str) -> Option<Date> {
    let (day, rest) = text.split_at_checked(10)?;
    let date = day.parse::<Date>().ok()?;
    if rest.is_empty() {
        return Some(date);
    }
    let whole = text.parse::<DateTime>().is_ok() || text.parse::<jiff::Timestamp>().is_ok();
    whole.then_some(date)
}

fn present(text: String) -> Option<String> {
    Some(text).filter(|text| !text.is_empty())
}

/// The value as one squeezed line.
fn line(value: &Value, expected: &str) -> Result<String, EvaluationError> {
    let Some(text) = scalar_text(value) else {
        // A list or an object is named, never printed: it may be as large as the record.
        let hint =
            "take one of a list with `| first`, or join it with `| join(\", \")`; of an object name a child";
        return Err(misfit_kind(value, expected, hint));
    };
    if text.len() > MOST_BYTES {
        return Err(EvaluationError::exhausted(format!("the result is longer than {MOST_BYTES} bytes")));
    }
    Ok(text::squeeze(&text))
}

fn misfit_kind(value: &Value, expected: &str, hint: &str) -> EvaluationError {
    let kind = match value.kind() {
        ValueKind::Seq | ValueKind::Iterable => "a list",
        ValueKind::Map | ValueKind::Plain => "an object",
        ValueKind::Number => "no finite number",
        _ => "something else",
    };
    let message = format!("expected {expected}, but the expression gave {kind}");
    EvaluationError { failure: Failure::Misfit, message, span: None, hint: hint.to_owned() }
}

fn number(value: &Value) -> Result<Option<String>, EvaluationError> {
    let line = line(value, "a number")?;
    if line.is_empty() {
        return Ok(None);
    }
    let Some(decimal) = Decimal::parse(&line) else {
        let hint = "give digits with a point, or take them out of the text with `| digits`";
        return Err(EvaluationError::misfit("a number", &line, hint));
    };
    if decimal.whole_digits() > WHOLE_DIGITS
        || decimal.decimals() > DECIMALS
        || decimal.significant() > DIGITS
    {
        let expected =
            format!("a number of at most {WHOLE_DIGITS} digits before the point and {DIGITS} in all");
        return Err(EvaluationError::misfit(
            expected,
            &line,
            "map it to a text field, which keeps every digit",
        ));
    }
    Ok(Some(decimal.to_string()))
}

fn date(value: &Value) -> Result<Option<Date>, EvaluationError> {
    let line = line(value, "a date")?;
    if line.is_empty() {
        return Ok(None);
    }
    let hint = "give a day such as 2026-11-26, or a timestamp that begins with one";
    date_of(&line).map(Some).ok_or_else(|| EvaluationError::misfit("a date", &line, hint))
}

fn money(
    value: &Value,
    currencies: &BTreeMap<String, u8>,
    default: Option<&str>,
) -> Result<Option<Money>, EvaluationError> {
    let (amount, currency) = match value.kind() {
        ValueKind::Seq => match [value.get_item_by_index(0), value.get_item_by_index(1)] {
            [Ok(amount), Ok(currency)] if value.len() == Some(2) => (amount, currency),
            _ => return Err(misfit_kind(value, "an amount and its currency", "write `[amount, currency]`")),
        },
        _ => (value.clone(), Value::from("")),
    };
    let line_of =
        |part: &Value, expected| if is_null(part) { Ok(String::new()) } else { line(part, expected) };
    let amount = line_of(&amount, "an amount")?;
    if amount.is_empty() {
        return Ok(None);
    }
    let given = line_of(&currency, "a currency")?;
    let code = if given.is_empty() { default.unwrap_or("").to_owned() } else { given };
    let Some(decimals) = currencies.get(&code) else {
        let hint = "write `[amount, currency]` with a code of the CRM's list, or add the currency to the CRM";
        return Err(EvaluationError::misfit("a currency that the CRM has", &code, hint));
    };
    let Some(parsed) = Amount::parse(&amount) else {
        return Err(EvaluationError::misfit(
            "an amount of money",
            &amount,
            "give digits with a point, without a sign for the currency",
        ));
    };
    Ok(Some(Money { amount: parsed.rounded(*decimals), currency: code }))
}

fn labels(value: &Value) -> Result<Vec<String>, EvaluationError> {
    if !matches!(value.kind(), ValueKind::Seq | ValueKind::Iterable) {
        return Ok(present(line(value, "labels of options")?).into_iter().collect());
    }
    let hint = "give a list of texts, such as `Codes | split(\",\")`";
    let items = value.try_iter().map_err(|_| misfit_kind(value, "labels of options", hint))?;
    let (mut labels, mut size) = (Vec::new(), 0_usize);
    let mut seen = std::collections::BTreeSet::new();
    for (at, item) in items.enumerate() {
        if at >= MOST_LABELS || size > MOST_BYTES {
            return Err(EvaluationError::exhausted(format!(
                "more than {MOST_LABELS} labels or {MOST_BYTES} bytes"
            )));
        }
        if is_null(&item) {
            continue;
        }
        let label = line(&item, "the label of an option")?;
        size += label.len();
        if !label.is_empty() && seen.insert(label.clone()) {
            labels.push(label);
        }
    }
    Ok(labels)
}

fn phone(value: &Value) -> Result<Option<String>, EvaluationError> {
    let line = line(value, "a telephone number")?;
    if line.is_empty() {
        return Ok(None);
    }
    let digits = line.chars().filter(|c| c.is_numeric()).count();
    if digits < 3 || line.chars().count() > PHONE {
        let expected = format!("a telephone number of at least 3 digits and at most {PHONE} characters");
        return Err(EvaluationError::misfit(expected, &line, "map it to a text field if it is none"));
    }
    Ok(Some(line))
}
