//! Expressions: how a person says what a field of the CRM shows of the ERP. Pure, bounded, typed.
//!
//! An expression names attributes of the record and works on them: `CustomerType`, `AddressLine1 ~ ", " ~ City`,
//! `CreditLimit if Status == "A" else none`, `OrganizationInformation.segment | default("none yet")`.
//!
//! # What a name means
//! A null attribute is `none`: it adds nothing to a text, is false, its children are null too, filters leave it alone.
//! An attribute that is not in the record at all is an error, unless `default(...)` or `is defined` deals with it. A
//! result that is null, blank or an empty list (also an `if` without `else`) leaves the field unset.
//! Whole numbers are exact up to 38 digits, texts of digits stay texts (`"00042"` keeps its zeros).
//!
//! # Operators
//! `~` joins texts; `+ - / // %` calculate; `== != in and or not`, `is`; `a if b else c`; `[0]`, `.child`,
//! `["child"]`, `[:3]`. There is no `*` (it also repeats texts and lists): write `| times(100)`.
//! There are no `<` and `>`: write `CreditLimit is gt(1000)`, which compares numbers as numbers also when one is a text
//! of digits, other texts (and ISO dates) as texts, and does not hold for a null.
//!
//! # Filters
//! | filter | gives |
//! |---|---|
//! | `default(x)` | `x` for what is absent, null or blank |
//! | `upper`, `lower`, `capitalize`, `trim` | the text so |
//! | `replace(a, b)` | every `a` turned into `b` |
//! | `digits`, `alnum` | only the digits, only letters and digits |
//! | `truncate(n)` | the first `n` characters |
//! | `split(s)` | the pieces between `s` |
//! | `join(s)` | the items of a list that are not blank, `s` between them |
//! | `first`, `last` | one of a list or text, null if there is none |
//! | `date` | the day of a timestamp as it is written |
//! | `number` | the number that a text says, for calculating and comparing |
//! | `times(n)` | the number multiplied, exactly |
//! | `abs`, `round(n)` | the number so |
//! | `length`, `min`, `max`, `sort` | of a list (take nulls out first) |
//! | `map(attribute="City")`, `map("upper")` | of every item |
//! | `select("none")`, `reject("none")`, `selectattr("Status", "eq", "A")`, `rejectattr(...)` | the items that pass |
//!
//! # Tests, after `is` or `is not`
//! `defined`, `undefined`, `none`, `string`, `number`, `integer`, `boolean`, `sequence`, `mapping`, `iterable`, `true`,
//! `false`, `odd`, `even`, `lower`, `upper`, `in`, `eq`, `ne`, `lt`, `le`, `gt`, `ge`, `startingwith`, `endingwith`.
//!
//! # Bounds
//! The source has at most 2,048 bytes and 400 words and signs, brackets nest 32 deep; an evaluation has 10,000 units of
//! fuel (one an instruction, one per 64 bytes), reads at most 128 KB and makes texts of at most 64 KB.

mod error;
mod filters;
mod input;
mod number;
mod result;
mod tokens;

use std::{
    collections::BTreeSet,
    fmt,
    ops::Range,
    sync::{Arc, LazyLock},
};

use minijinja::{Environment, ErrorKind, value::Value};

pub use error::{EvaluationError, ExpressionError, Failure};
pub use result::{Outcome, ResultType, TypedValue};
pub use tokens::Read;

/// A longer source is refused.
const MOST_SOURCE: usize = 2048;

/// Never changes once it is made.
static ENGINE: LazyLock<Environment<'static>> = LazyLock::new(filters::environment);

/// An expression that was checked. Clones share it.
#[derive(Clone)]
pub struct Expression {
    inner: Arc<Inner>,
}

struct Inner {
    source: String,
    reads: Vec<Read>,
    compiled: minijinja::Expression<'static, 'static>,
}

impl Expression {
    /// Reads and checks a source.
    ///
    /// # Errors
    /// When it is no expression, uses what the language does not have, or is too long or too deep.
    pub fn compile(source: &str) -> Result<Self, ExpressionError> {
        let whole = 0..source.len();
        if source.trim().is_empty() {
            return Err(ExpressionError::new(whole, "the expression is empty", "name an attribute"));
        }
        if source.len() > MOST_SOURCE {
            let message = format!("the expression has {} bytes, more than {MOST_SOURCE}", source.len());
            return Err(ExpressionError::new(whole, message, "split it over several fields"));
        }
        let mut reads = tokens::reads(source)?;
        let compiled = ENGINE.compile_expression_owned(source.to_owned()).map_err(|error| {
            let message = error.detail().map_or_else(|| error.kind().to_string(), str::to_owned);
            let span = on_characters(source, error.range()).unwrap_or(whole.clone());
            ExpressionError::new(span, message, "write it as in `AddressLine1 ~ \", \" ~ City | upper`")
        })?;
        // The engine's own list decides; a name that the scan of the words did not place stands for the whole.
        let engine_names: BTreeSet<String> = compiled.undeclared_variables(false).into_iter().collect();
        for name in engine_names {
            if !reads.iter().any(|read| read.path.first() == Some(&name)) {
                reads.push(Read { path: vec![name], span: whole.clone() });
            }
        }
        Ok(Self { inner: Arc::new(Inner { source: source.to_owned(), reads, compiled }) })
    }

    /// As it was written.
    #[must_use]
    pub fn source(&self) -> &str {
        &self.inner.source
    }

    /// The attributes that it reads.
    #[must_use]
    pub fn names(&self) -> BTreeSet<String> {
        self.inner.reads.iter().filter_map(|read| read.path.first().cloned()).collect()
    }

    /// Every place where it reads the record, in the order of the source.
    #[must_use]
    pub fn reads(&self) -> &[Read] {
        &self.inner.reads
    }

    /// What it gives for a record, in the type of a field; `None` leaves the field unset.
    ///
    /// # Errors
    /// When it reads what is not there, does the impossible, works too much, or gives what does not fit the field.
    pub fn evaluate(
        &self,
        record: &serde_json::Map<String, serde_json::Value>,
        want: &ResultType,
    ) -> Result<Option<Outcome>, EvaluationError> {
        let names = self.names();
        let context = input::context(record, names.iter().map(String::as_str))?;
        let value = self.inner.compiled.eval(context).map_err(|error| self.failed(&error))?;
        if value.is_undefined() && !is_silent(&value) {
            return Err(self.missing(None));
        }
        result::typed(&value, want)
    }

    fn failed(&self, error: &minijinja::Error) -> EvaluationError {
        let span = on_characters(self.source(), error.range());
        match error.kind() {
            ErrorKind::UndefinedError => self.missing(span),
            ErrorKind::OutOfFuel => EvaluationError {
                span,
                ..EvaluationError::exhausted("the expression works too much, or on texts that are too long")
            },
            _ => EvaluationError {
                failure: Failure::Impossible,
                message: error::cut(
                    error.detail().unwrap_or("this cannot be done with the values of the record"),
                ),
                span,
                hint: "change the expression, or the record in the ERP".to_owned(),
            },
        }
    }

    fn missing(&self, span: Option<Range<usize>>) -> EvaluationError {
        let span = span.unwrap_or(0..self.source().len());
        let place = self.source().get(span.clone()).unwrap_or(self.source());
        EvaluationError {
            failure: Failure::Missing,
            message: format!("{} is not in this record", error::shortened(place)),
            span: Some(span),
            hint: "write `| default(\"\")` after it if records may lack it".to_owned(),
        }
    }
}

/// Two expressions are the same if they are written the same.
impl PartialEq for Expression {
    fn eq(&self, other: &Self) -> bool {
        self.source() == other.source()
    }
}

impl Eq for Expression {}

impl serde::Serialize for Expression {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.source())
    }
}

/// A number written the one way in which numbers compare: digits, a point only before decimals that say something.
#[must_use]
pub fn canonical_number(text: &str) -> Option<String> {
    number::Decimal::parse(text.trim()).map(|decimal| decimal.to_string())
}

impl fmt::Debug for Expression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Expression").field(&self.inner.source).finish()
    }
}

/// Whether an undefined value comes from an `if` without `else`: that one may be used as a text, other ones not.
fn is_silent(value: &Value) -> bool {
    static JOINED: LazyLock<Option<minijinja::Expression<'static, 'static>>> =
        LazyLock::new(|| ENGINE.compile_expression("value ~ ''").ok());
    let context = Value::from(std::collections::BTreeMap::from([("value", value.clone())]));
    JOINED.as_ref().is_some_and(|joined| joined.eval(context).is_ok())
}

/// The range, when it is one of the source and cuts no character.
fn on_characters(source: &str, range: Option<Range<usize>>) -> Option<Range<usize>> {
    range.filter(|range| source.get(range.clone()).is_some_and(|text| !text.is_empty()))
}
