//! Framework 2 and later: rowmatch expressions (section 4.2).
//!
//! `any := all (or all)*`, `all := one (and one)*`, `one := ( any ) | condition`. Text and times stand in single
//! quotes, numbers do not; names are case-sensitive, keywords are not.

use super::expr::{Expr, Op, Term};
use super::lexer::{Token, tokens};
use super::literal::{self, Literal};
use super::{Grammar, Refusal};
use crate::fusion::resource::Kind;

/// Deeper nesting is refused.
const DEPTH: usize = 16;

pub(crate) fn parse(text: &str, grammar: &Grammar<'_>) -> Result<Expr, Refusal> {
    let tokens = tokens(text)?;
    let mut parser = Parser { tokens: &tokens, at: 0, grammar };
    let expr = parser.any(0)?;
    match parser.peek() {
        None => Ok(expr),
        Some(token) => Err(unexpected(Some(token))),
    }
}

struct Parser<'a> {
    tokens: &'a [Token],
    at: usize,
    grammar: &'a Grammar<'a>,
}

impl<'a> Parser<'a> {
    fn peek(&self) -> Option<&'a Token> {
        self.tokens.get(self.at)
    }

    fn next(&mut self) -> Option<&'a Token> {
        let token = self.peek();
        self.at += 1;
        token
    }

    fn keyword(&mut self, word: &str) -> bool {
        let found = matches!(self.peek(), Some(Token::Word(next)) if next.eq_ignore_ascii_case(word));
        self.at += usize::from(found);
        found
    }

    fn sign(&mut self, sign: &str) -> bool {
        let found = matches!(self.peek(), Some(Token::Sign(next)) if *next == sign);
        self.at += usize::from(found);
        found
    }

    fn expect_sign(&mut self, sign: &str) -> Result<(), Refusal> {
        if self.sign(sign) { Ok(()) } else { Err(unexpected(self.peek())) }
    }

    fn any(&mut self, depth: usize) -> Result<Expr, Refusal> {
        let mut parts = vec![self.all(depth)?];
        while self.keyword("or") {
            parts.push(self.all(depth)?);
        }
        Ok(if parts.len() == 1 { parts.remove(0) } else { Expr::Any(parts) })
    }

    fn all(&mut self, depth: usize) -> Result<Expr, Refusal> {
        let mut parts = vec![self.one(depth)?];
        while self.keyword("and") {
            parts.push(self.one(depth)?);
        }
        Ok(if parts.len() == 1 { parts.remove(0) } else { Expr::All(parts) })
    }

    fn one(&mut self, depth: usize) -> Result<Expr, Refusal> {
        if depth > DEPTH {
            return Err(Refusal::new("The query expression is nested too deeply."));
        }
        if self.sign("(") {
            let inner = self.any(depth + 1)?;
            self.expect_sign(")")?;
            return Ok(inner);
        }
        let term = self.term()?;
        self.condition(term)
    }

    fn term(&mut self) -> Result<Term, Refusal> {
        let name = self.word()?;
        if name.eq_ignore_ascii_case("upper") && self.sign("(") {
            let inner = self.word()?;
            let attribute = self.grammar.queryable(inner)?;
            self.expect_sign(")")?;
            if attribute.kind != Kind::Text {
                return Err(Refusal::new(format!("upper can't be used with attribute {inner}.")));
            }
            return Ok(Term { attribute, upper: true });
        }
        Ok(Term { attribute: self.grammar.queryable(name)?, upper: false })
    }

    fn condition(&mut self, term: Term) -> Result<Expr, Refusal> {
        if self.keyword("is") {
            let negated = self.keyword("not");
            return if self.keyword("null") {
                Ok(Expr::Null { term, negated })
            } else {
                Err(unexpected(self.peek()))
            };
        }
        if self.keyword("in") {
            return self.list(term);
        }
        if self.keyword("between") {
            let low = self.literal(term)?;
            if !self.keyword("and") {
                return Err(unexpected(self.peek()));
            }
            return Ok(Expr::Between(term, low, self.literal(term)?));
        }
        let negated = self.keyword("not");
        if self.keyword("like") {
            return match (term.attribute.kind, self.next()) {
                (Kind::Text, Some(Token::Quoted(pattern))) => {
                    Ok(Expr::Like { term, pattern: pattern.clone(), negated })
                }
                (_, token) => Err(unexpected(token)),
            };
        }
        if negated {
            return Err(unexpected(self.peek()));
        }
        let op = match self.next() {
            Some(Token::Sign("=")) => Op::Eq,
            Some(Token::Sign("!=" | "<>")) => Op::Ne,
            Some(Token::Sign("<")) => Op::Lt,
            Some(Token::Sign("<=")) => Op::Le,
            Some(Token::Sign(">")) => Op::Gt,
            Some(Token::Sign(">=")) => Op::Ge,
            token => return Err(unexpected(token)),
        };
        Ok(Expr::Compare(term, op, self.literal(term)?))
    }

    fn list(&mut self, term: Term) -> Result<Expr, Refusal> {
        self.expect_sign("(")?;
        let mut literals = vec![self.literal(term)?];
        while self.sign(",") {
            literals.push(self.literal(term)?);
        }
        self.expect_sign(")")?;
        Ok(Expr::In(term, literals))
    }

    fn word(&mut self) -> Result<&'a str, Refusal> {
        match self.next() {
            Some(Token::Word(word)) => Ok(word),
            token => Err(unexpected(token)),
        }
    }

    fn literal(&mut self, term: Term) -> Result<Literal, Refusal> {
        match self.next() {
            Some(Token::Quoted(text)) => literal::read(text, Some(true), term.attribute, self.grammar),
            Some(Token::Number(text)) => literal::read(text, Some(false), term.attribute, self.grammar),
            Some(Token::Word(text)) if term.attribute.kind == Kind::Boolean => {
                literal::read(text, Some(false), term.attribute, self.grammar)
            }
            token => Err(unexpected(token)),
        }
    }
}

fn unexpected(token: Option<&Token>) -> Refusal {
    match token {
        None => Refusal::new("The query expression ends too early."),
        Some(Token::Word(text) | Token::Number(text) | Token::Quoted(text)) => {
            Refusal::new(format!("The query expression isn't valid at {text}."))
        }
        Some(Token::Sign(sign)) => Refusal::new(format!("The query expression isn't valid at {sign}.")),
    }
}
