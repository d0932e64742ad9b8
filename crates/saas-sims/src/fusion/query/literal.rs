//! Literals: what may be compared with an attribute of which type.

use jiff::Timestamp;

use super::{Grammar, Refusal};
use crate::fusion::resource::{Attribute, Kind};
use crate::text::{date_time_shape, is_date};

/// A value to compare with.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Literal {
    Integer(i64),
    Number(f64),
    Boolean(bool),
    Text(String),
    /// Compared with the stored microseconds, not with the printed milliseconds.
    Stamp(Timestamp),
}

/// Reads a literal for `attribute`. `quoted`: whether it stood in quotes; `None` where quotes do not matter (framework 1).
pub(crate) fn read(
    text: &str,
    quoted: Option<bool>,
    attribute: &Attribute,
    grammar: &Grammar<'_>,
) -> Result<Literal, Refusal> {
    let bad = || Refusal::new(format!("The value {text} isn't valid for attribute {}.", attribute.name));
    let textual = matches!(attribute.kind, Kind::Text | Kind::Date | Kind::Timestamp);
    if quoted.is_some_and(|quoted| quoted != textual) {
        return Err(bad());
    }
    match attribute.kind {
        Kind::Text => Ok(Literal::Text(text.to_owned())),
        Kind::Date if is_date(text) => Ok(Literal::Text(text.to_owned())),
        Kind::Date => Err(bad()),
        Kind::Integer => text.parse().map(Literal::Integer).map_err(|_| bad()),
        Kind::Number => {
            text.parse().ok().filter(|number: &f64| number.is_finite()).map(Literal::Number).ok_or_else(bad)
        }
        Kind::Boolean => text.parse().map(Literal::Boolean).map_err(|_| bad()),
        Kind::Timestamp => stamp(text, grammar).ok_or_else(bad).map(Literal::Stamp),
    }
}

fn stamp(text: &str, grammar: &Grammar<'_>) -> Option<Timestamp> {
    let tail = date_time_shape(text)?;
    match (tail.zone, grammar.settings.zoneless_literals) {
        ("", false) => None,
        ("", true) => format!("{text}Z").parse().ok(),
        _ => text.parse().ok(),
    }
}
