//! The source in pieces: what it reads and where, and what is refused before the engine sees it.

use std::ops::Range;

use super::{
    error::ExpressionError,
    filters::{FILTERS, TESTS},
};

/// An expression of more pieces is refused: every piece may be a level of recursion in the engine.
const MOST_TOKENS: usize = 400;
/// Brackets within brackets.
const DEEPEST: usize = 32;

/// One place where an expression reads the record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Read {
    /// The attribute, then the children by name as far as they are written out: `Address[0].City` is
    /// `["Address", "City"]`. What filters reach (`map(attribute=…)`) is not in it.
    pub path: Vec<String>,
    /// Where it stands in the source, in bytes.
    pub span: Range<usize>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Word,
    Text,
    Number,
    Mark,
}

#[derive(Debug, Clone)]
struct Token<'s> {
    kind: Kind,
    text: &'s str,
    span: Range<usize>,
}

impl Token<'_> {
    fn is(&self, text: &str) -> bool {
        self.text == text && matches!(self.kind, Kind::Word | Kind::Mark)
    }
}

/// What the source reads, or why it is refused.
pub(super) fn reads(source: &str) -> Result<Vec<Read>, ExpressionError> {
    let tokens = split(source);
    if let Some(token) = tokens.get(MOST_TOKENS) {
        let message = format!("the expression has more than {MOST_TOKENS} words and signs");
        return Err(ExpressionError::new(token.span.clone(), message, "split it over several fields"));
    }
    check_depth(&tokens)?;
    let mut reads = Vec::new();
    for at in 0..tokens.len() {
        check_token(&tokens, at)?;
        if is_name(&tokens, at) {
            reads.push(read_at(&tokens, at));
        }
    }
    Ok(reads)
}

fn split(source: &str) -> Vec<Token<'_>> {
    let mut tokens = Vec::new();
    let mut at = 0;
    while let Some(first) = source[at..].chars().next() {
        let rest = &source[at..];
        let (kind, length) = match first {
            c if c.is_whitespace() => {
                at += c.len_utf8();
                continue;
            }
            '\'' | '"' => (Kind::Text, text_length(rest, first)),
            c if c.is_ascii_alphabetic() || c == '_' => (Kind::Word, word_length(rest)),
            c if c.is_ascii_digit() => (Kind::Number, number_length(rest)),
            c => (Kind::Mark, c.len_utf8()),
        };
        tokens.push(Token { kind, text: &rest[..length], span: at..at + length });
        at += length;
    }
    tokens
}

fn text_length(rest: &str, quote: char) -> usize {
    let mut escaped = false;
    for (at, c) in rest.char_indices().skip(1) {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            c if c == quote => return at + c.len_utf8(),
            _ => {}
        }
    }
    rest.len()
}

fn word_length(rest: &str) -> usize {
    rest.bytes().take_while(|byte| byte.is_ascii_alphanumeric() || *byte == b'_').count()
}

fn number_length(rest: &str) -> usize {
    let whole = word_length(rest);
    match rest[whole..].strip_prefix('.') {
        Some(fraction) if fraction.starts_with(|c: char| c.is_ascii_digit()) => {
            whole + 1 + word_length(fraction)
        }
        Some(_) | None => whole,
    }
}

fn check_depth(tokens: &[Token<'_>]) -> Result<(), ExpressionError> {
    let mut depth = 0_usize;
    for token in tokens.iter().filter(|token| token.kind == Kind::Mark) {
        match token.text {
            "(" | "[" | "{" => depth += 1,
            ")" | "]" | "}" => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth > DEEPEST {
            let message = format!("more than {DEEPEST} brackets within brackets");
            return Err(ExpressionError::new(token.span.clone(), message, "take out the needless brackets"));
        }
    }
    Ok(())
}

fn check_token(tokens: &[Token<'_>], at: usize) -> Result<(), ExpressionError> {
    let token = &tokens[at];
    if token.is("*") {
        let hint = "multiply numbers with the filter `times`, as in `CreditLimit | times(100)`";
        return Err(ExpressionError::new(token.span.clone(), "`*` is not part of the language", hint));
    }
    if token.is("<") || token.is(">") {
        let message = format!(
            "`{}` is not part of the language: it would order texts and nulls as numbers",
            token.text
        );
        let hint = "write a test, as in `CreditLimit is gt(1000)`; there are gt, ge, lt and le";
        return Err(ExpressionError::new(token.span.clone(), message, hint));
    }
    if token.kind != Kind::Word {
        return Ok(());
    }
    let followed_by = |text| tokens.get(at + 1).is_some_and(|next| next.is(text));
    if after_pipe(tokens, at) {
        if !FILTERS.contains(&token.text) {
            let message = format!("there is no filter `{}`", token.text);
            let hint = format!("the filters are {}", FILTERS.join(", "));
            return Err(ExpressionError::new(token.span.clone(), message, hint));
        }
    } else if after_is(tokens, at) {
        if !TESTS.contains(&token.text) && !token.is("not") {
            let message = format!("there is no test `{}`", token.text);
            let hint = format!("the tests are {}", TESTS.join(", "));
            return Err(ExpressionError::new(token.span.clone(), message, hint));
        }
    } else if followed_by("(") && !is_keyword(token.text) {
        let message = format!("`{}(` calls a function, and there are none", token.text);
        return Err(ExpressionError::new(token.span.clone(), message, "use a filter, as in `Name | upper`"));
    } else if matches!(token.text, "none" | "None") && after_equals(tokens, at) {
        let message = "nothing equals `none`";
        return Err(ExpressionError::new(token.span.clone(), message, "write `is none` or `is not none`"));
    }
    Ok(())
}

fn is_name(tokens: &[Token<'_>], at: usize) -> bool {
    let token = &tokens[at];
    let next = |ahead: usize, text| tokens.get(at + ahead).is_some_and(|next| next.is(text));
    let names_argument = next(1, "=") && !next(2, "=");
    token.kind == Kind::Word
        && !is_keyword(token.text)
        && !before(tokens, at, 1, ".")
        && !after_pipe(tokens, at)
        && !after_is(tokens, at)
        && !names_argument
}

fn read_at(tokens: &[Token<'_>], start: usize) -> Read {
    let mut path = vec![tokens[start].text.to_owned()];
    let (mut end, mut at) = (tokens[start].span.end, start + 1);
    while let Some((step, length)) = step_at(&tokens[at..]) {
        path.extend(step.map(str::to_owned));
        at += length;
        end = tokens[at - 1].span.end;
    }
    Read { path, span: tokens[start].span.start..end }
}

/// A written-out step to a child: its name unless it is a place in a list, and its number of tokens.
fn step_at<'s>(tokens: &[Token<'s>]) -> Option<(Option<&'s str>, usize)> {
    match tokens {
        [dot, child, ..] if dot.is(".") && child.kind == Kind::Word => Some((Some(child.text), 2)),
        [dot, child, ..] if dot.is(".") && child.kind == Kind::Number => Some((None, 2)),
        [open, child, close, ..] if open.is("[") && close.is("]") => match child.kind {
            Kind::Text => child.text.get(1..child.text.len().saturating_sub(1)).map(|name| (Some(name), 3)),
            Kind::Number => Some((None, 3)),
            Kind::Word | Kind::Mark => None,
        },
        [open, minus, child, close, ..]
            if open.is("[") && minus.is("-") && close.is("]") && child.kind == Kind::Number =>
        {
            Some((None, 4))
        }
        _ => None,
    }
}

fn before(tokens: &[Token<'_>], at: usize, back: usize, text: &str) -> bool {
    at.checked_sub(back).and_then(|at| tokens.get(at)).is_some_and(|token| token.is(text))
}

fn after_pipe(tokens: &[Token<'_>], at: usize) -> bool {
    before(tokens, at, 1, "|")
}

fn after_is(tokens: &[Token<'_>], at: usize) -> bool {
    let is = |back| before(tokens, at, back, "is") && !before(tokens, at, back + 1, ".");
    is(1) || (before(tokens, at, 1, "not") && is(2))
}

fn after_equals(tokens: &[Token<'_>], at: usize) -> bool {
    before(tokens, at, 1, "=") && (before(tokens, at, 2, "=") || before(tokens, at, 2, "!"))
}

fn is_keyword(word: &str) -> bool {
    let keywords =
        ["and", "or", "not", "in", "is", "if", "else", "true", "false", "none", "True", "False", "None"];
    keywords.contains(&word)
}
