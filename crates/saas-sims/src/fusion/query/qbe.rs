//! Framework 1, the default: `expr1;expr2`, values without quotes or in double quotes (section 4.2).
//!
//! `Deptno>=10 and <=30;Loc!=NY`: a condition may go on with `and` and another sign for the same attribute.
//! With `=` and `!=` the signs `*` and `%` stand for any text. Single quotes are refused.

use super::expr::{Expr, Op, Term};
use super::literal;
use super::{Grammar, Refusal};
use crate::fusion::resource::Kind;

const SIGNS: [(&str, Op); 7] = [
    ("!=", Op::Ne),
    ("<>", Op::Ne),
    ("<=", Op::Le),
    (">=", Op::Ge),
    ("=", Op::Eq),
    ("<", Op::Lt),
    (">", Op::Gt),
];

pub(crate) fn parse(text: &str, grammar: &Grammar<'_>) -> Result<Expr, Refusal> {
    let mut parts = Vec::new();
    for piece in split(text)? {
        parts.extend(conditions(piece.trim(), grammar)?);
    }
    Ok(Expr::All(parts))
}

/// Splits at `;` outside double quotes.
fn split(text: &str) -> Result<Vec<&str>, Refusal> {
    let mut quoted = false;
    let pieces = text.split(|c| {
        quoted ^= c == '"';
        c == ';' && !quoted
    });
    let pieces: Vec<&str> = pieces.collect();
    if quoted { Err(bad(text)) } else { Ok(pieces) }
}

fn conditions(piece: &str, grammar: &Grammar<'_>) -> Result<Vec<Expr>, Refusal> {
    let length = piece.bytes().take_while(|byte| byte.is_ascii_alphanumeric() || *byte == b'_').count();
    let (name, mut rest) = piece.split_at(length);
    if name.is_empty() {
        return Err(bad(piece));
    }
    let term = Term { attribute: grammar.queryable(name)?, upper: false };
    let mut found = Vec::new();
    loop {
        rest = rest.trim_start();
        let (sign, op) =
            SIGNS.into_iter().find(|(sign, _)| rest.starts_with(sign)).ok_or_else(|| bad(piece))?;
        let (value, behind) = value(rest[sign.len()..].trim_start(), piece)?;
        found.push(condition(term, op, value, grammar)?);
        rest = behind.trim_start();
        match rest.strip_prefix("and ") {
            Some(more) => rest = more,
            None if rest.is_empty() => return Ok(found),
            None => return Err(bad(piece)),
        }
    }
}

/// The value and what follows: up to the closing quote, or up to ` and ` with a sign behind it.
fn value<'a>(text: &'a str, piece: &str) -> Result<(&'a str, &'a str), Refusal> {
    if let Some(inner) = text.strip_prefix('"') {
        return inner.split_once('"').ok_or_else(|| bad(piece));
    }
    let next = text.match_indices(" and ").find(|(at, word)| {
        let behind = text[at + word.len()..].trim_start();
        SIGNS.iter().any(|(sign, _)| behind.starts_with(sign))
    });
    let (value, behind) = next.map_or((text, ""), |(at, _)| text.split_at(at));
    let value = value.trim();
    if value.is_empty() || value.contains(['\'', '"', '=', '<', '>', '(', ')']) {
        return Err(bad(piece));
    }
    Ok((value, behind))
}

fn condition(term: Term, op: Op, value: &str, grammar: &Grammar<'_>) -> Result<Expr, Refusal> {
    if term.attribute.kind == Kind::Text && value.contains(['*', '%']) && matches!(op, Op::Eq | Op::Ne) {
        return Ok(Expr::Like { term, pattern: value.replace('*', "%"), negated: op == Op::Ne });
    }
    Ok(Expr::Compare(term, op, literal::read(value, None, term.attribute, grammar)?))
}

fn bad(piece: &str) -> Refusal {
    Refusal::new(format!("The query expression isn't valid at {piece}."))
}
