//! A parsed query and what it says about a row.

use std::cmp::Ordering;

use super::literal::{self, Literal};
use super::{Grammar, Refusal};
use crate::fusion::resource::{Attribute, Resource};
use crate::fusion::table::{Cell, Row};

/// A comparison.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Op {
    Eq,
    Ne,
    Lt,
    Le,
    Gt,
    Ge,
}

impl Op {
    fn holds(self, ordering: Ordering) -> bool {
        match self {
            Self::Eq => ordering.is_eq(),
            Self::Ne => ordering.is_ne(),
            Self::Lt => ordering.is_lt(),
            Self::Le => ordering.is_le(),
            Self::Gt => ordering.is_gt(),
            Self::Ge => ordering.is_ge(),
        }
    }
}

/// The left side of a condition.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Term {
    pub(crate) attribute: &'static Attribute,
    /// `upper(attribute)`.
    pub(crate) upper: bool,
}

/// A query. As in SQL a comparison with NULL is never true, also not `!=` or `not like`.
#[derive(Debug)]
pub(crate) enum Expr {
    All(Vec<Expr>),
    Any(Vec<Expr>),
    Compare(Term, Op, Literal),
    In(Term, Vec<Literal>),
    Between(Term, Literal, Literal),
    Like { term: Term, pattern: String, negated: bool },
    Null { term: Term, negated: bool },
}

impl Expr {
    /// A comparison with a value as it stands in a finder, without quotes.
    pub(crate) fn equal(name: &str, value: &str, grammar: &Grammar<'_>) -> Result<Self, Refusal> {
        let attribute = grammar.known(name)?;
        let literal = literal::read(value, None, attribute, grammar)?;
        Ok(Self::Compare(Term { attribute, upper: false }, Op::Eq, literal))
    }

    /// Both ends included, with values as they stand in a finder.
    pub(crate) fn between(name: &str, low: &str, high: &str, grammar: &Grammar<'_>) -> Result<Self, Refusal> {
        let attribute = grammar.known(name)?;
        let read = |text| literal::read(text, None, attribute, grammar);
        Ok(Self::Between(Term { attribute, upper: false }, read(low)?, read(high)?))
    }

    /// Rows with one of these surrogate keys; `None` if the resource's key is no attribute.
    pub(crate) fn one_of(resource: &'static Resource, ids: Vec<i64>) -> Option<Self> {
        let attribute = resource.attribute(resource.id)?;
        Some(Self::In(Term { attribute, upper: false }, ids.into_iter().map(Literal::Integer).collect()))
    }

    pub(crate) fn holds(&self, row: &Row) -> bool {
        match self {
            Self::All(parts) => parts.iter().all(|part| part.holds(row)),
            Self::Any(parts) => parts.iter().any(|part| part.holds(row)),
            Self::Compare(term, op, literal) => {
                compare(row, *term, literal).is_some_and(|ordering| op.holds(ordering))
            }
            Self::In(term, literals) => {
                literals.iter().any(|literal| compare(row, *term, literal).is_some_and(Ordering::is_eq))
            }
            Self::Between(term, low, high) => {
                compare(row, *term, low).is_some_and(Ordering::is_ge)
                    && compare(row, *term, high).is_some_and(Ordering::is_le)
            }
            Self::Like { term, pattern, negated } => match row.cell(term.attribute) {
                Cell::Value(serde_json::Value::String(text)) => {
                    let text = if term.upper { text.to_uppercase() } else { text.clone() };
                    like(&text, pattern) != *negated
                }
                Cell::Value(_) | Cell::Stamp(_) | Cell::Null => false,
            },
            Self::Null { term, negated } => matches!(row.cell(term.attribute), Cell::Null) != *negated,
        }
    }
}

/// How the row's value stands to the literal; `None` when the value is NULL.
fn compare(row: &Row, term: Term, literal: &Literal) -> Option<Ordering> {
    match (row.cell(term.attribute), literal) {
        (Cell::Stamp(at), Literal::Stamp(other)) => Some(at.cmp(other)),
        (Cell::Value(value), Literal::Integer(other)) => match value.as_i64() {
            Some(value) => Some(value.cmp(other)),
            None => value.as_f64()?.partial_cmp(&(*other as f64)),
        },
        (Cell::Value(value), Literal::Number(other)) => value.as_f64()?.partial_cmp(other),
        (Cell::Value(value), Literal::Boolean(other)) => Some(value.as_bool()?.cmp(other)),
        (Cell::Value(value), Literal::Text(other)) => {
            let text = value.as_str()?;
            Some(if term.upper { text.to_uppercase().as_str().cmp(other) } else { text.cmp(other) })
        }
        (Cell::Null | Cell::Stamp(_) | Cell::Value(_), _) => None,
    }
}

/// SQL's LIKE: `%` for any run, `_` for one character, case-sensitive.
fn like(text: &str, pattern: &str) -> bool {
    let text: Vec<char> = text.chars().collect();
    let pattern: Vec<char> = pattern.chars().collect();
    let (mut at, mut want) = (0, 0);
    let mut retry: Option<(usize, usize)> = None;
    while at < text.len() {
        match pattern.get(want) {
            Some('%') => {
                retry = Some((want + 1, at));
                want += 1;
            }
            Some(&c) if c == '_' || c == text[at] => {
                at += 1;
                want += 1;
            }
            _ => {
                let Some((after, from)) = retry else { return false };
                retry = Some((after, from + 1));
                (want, at) = (after, from + 1);
            }
        }
    }
    pattern[want.min(pattern.len())..].iter().all(|c| *c == '%')
}

#[cfg(test)]
mod tests {
    use super::like;

    #[test]
    fn like_knows_runs_and_single_characters() {
        assert!(
            like("Acme Oy", "Acme%") && like("Acme Oy", "%Oy") && like("Acme Oy", "A_me%") && like("", "%")
        );
        assert!(like("aXbXc", "%X%c") && like("abc", "abc"));
        assert!(!like("Acme Oy", "acme%") && !like("abc", "ab") && !like("abc", "abcd"));
    }
}
