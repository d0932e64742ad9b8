//! Words of a rowmatch expression.

use super::Refusal;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Token {
    /// A name or a keyword.
    Word(String),
    /// A number without quotes.
    Number(String),
    /// A literal in single quotes, with doubled quotes undone.
    Quoted(String),
    /// One of `= != <> < <= > >= ( ) ,`.
    Sign(&'static str),
}

const SIGNS: [&str; 10] = ["!=", "<>", "<=", ">=", "=", "<", ">", "(", ")", ","];

pub(crate) fn tokens(text: &str) -> Result<Vec<Token>, Refusal> {
    let mut tokens = Vec::new();
    let mut rest = text.trim_start();
    while let Some(first) = rest.chars().next() {
        let after;
        if let Some(sign) = SIGNS.iter().find(|sign| rest.starts_with(**sign)) {
            tokens.push(Token::Sign(sign));
            after = &rest[sign.len()..];
        } else if first == '\'' {
            let (literal, behind) = quoted(&rest[1..])?;
            tokens.push(Token::Quoted(literal));
            after = behind;
        } else {
            let length = rest
                .bytes()
                .take_while(|byte| byte.is_ascii_alphanumeric() || b"_.-+".contains(byte))
                .count();
            if length == 0 {
                return Err(Refusal::new(format!("Unexpected character {first} in the query expression.")));
            }
            let (word, behind) = rest.split_at(length);
            let numeric = first.is_ascii_digit() || first == '-' || first == '+';
            tokens.push(if numeric { Token::Number(word.to_owned()) } else { Token::Word(word.to_owned()) });
            after = behind;
        }
        rest = after.trim_start();
    }
    Ok(tokens)
}

/// The literal up to the closing quote, and what follows.
fn quoted(text: &str) -> Result<(String, &str), Refusal> {
    let mut literal = String::new();
    let mut rest = text;
    loop {
        let Some(end) = rest.find('\'') else {
            return Err(Refusal::new("A literal isn't closed with a single quote."));
        };
        literal.push_str(&rest[..end]);
        rest = &rest[end + 1..];
        let Some(more) = rest.strip_prefix('\'') else { return Ok((literal, rest)) };
        literal.push('\'');
        rest = more;
    }
}
