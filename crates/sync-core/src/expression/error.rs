//! What can be wrong with an expression, or with its result for one record; both point into the source.

use std::{fmt, ops::Range};

/// Why an expression is refused when it is loaded.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct ExpressionError {
    /// What is wrong.
    pub message: String,
    /// The bytes of the source it is about, on character boundaries.
    pub span: Range<usize>,
    /// What to write instead.
    pub hint: String,
}

impl ExpressionError {
    pub(super) fn new(span: Range<usize>, message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { message: message.into(), span, hint: hint.into() }
    }
}

/// What kind of failure one record met.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Failure {
    /// It reads something that the record does not have.
    Missing,
    /// It works too much or on too much.
    Exhausted,
    /// Its result does not fit the field.
    Misfit,
    /// An operation in it is impossible for these values.
    Impossible,
}

/// Why an expression has no result for one record. The record is held, the others go on.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct EvaluationError {
    /// What kind of failure it is.
    pub failure: Failure,
    /// What is wrong; values in it are shortened to 80 characters.
    pub message: String,
    /// The bytes of the source it is about; none when it is about the result.
    pub span: Option<Range<usize>>,
    /// What to do about it.
    pub hint: String,
}

impl EvaluationError {
    pub(super) fn misfit(expected: impl fmt::Display, value: &str, hint: impl Into<String>) -> Self {
        let message = format!("expected {expected}, but the expression gave {}", shortened(value));
        Self { failure: Failure::Misfit, message, span: None, hint: hint.into() }
    }

    pub(super) fn exhausted(message: impl Into<String>) -> Self {
        let hint = "make the expression simpler, or let it read less of the record".to_owned();
        Self { failure: Failure::Exhausted, message: message.into(), span: None, hint }
    }
}

/// The value in quotes, at most 80 characters of it.
pub(super) fn shortened(value: &str) -> String {
    match value.char_indices().nth(80) {
        None => format!("`{value}`"),
        Some((end, _)) => format!("`{}…`", &value[..end]),
    }
}

/// A message of the engine, at most 300 characters of it: it may quote values.
pub(super) fn cut(message: &str) -> String {
    crate::text::bounded(message, 300).0
}
