//! What the core reads of people and of remote systems: expressions with the records that they are evaluated on, and texts.
#![cfg(test)]

mod harness;

use std::collections::BTreeMap;

use harness::Target;
use serde_json::{Map, Value as Json};
use sync_core::{
    documents::Pattern,
    expression::{Expression, Outcome, ResultType, TypedValue, canonical_number},
    matching::{Company, Profile, country_code},
    money::{Amount, Money},
    text,
};

const HOME: &str = env!("CARGO_MANIFEST_DIR");

const EXPRESSIONS: Target<'_> = Target {
    name: "expressions",
    home: HOME,
    inputs: 400,
    words: &[
        "| upper",
        "| default('x')",
        "| replace('a', 'aaaaaaaaaaaaaaaa')",
        "| split('')",
        "| join('-')",
        "| times('99999')",
        "| round(99)",
        "| truncate(-1)",
        "| map('upper')",
        "| map(attribute='City')",
        "| selectattr('a', 'eq', 'b')",
        "| sort",
        "| number",
        "| date",
        "| first",
        "| abs",
        "~",
        "//",
        "%",
        "**",
        "*",
        "<",
        "is gt(1)",
        "is in",
        "if",
        "else",
        "not",
        "none",
        "[:3]",
        "[::-1]",
        "[-1:99999999999]",
        "['City']",
        "{%",
        "{{ a }}",
        "{#",
        "}}",
        "loop",
        "self",
        "1_000",
        "0x1F",
        "1.5e300",
        "Address",
        "Long",
        "BigId",
        "\n---\n",
        "\\x41",
    ],
};

const TEXTS: Target<'_> = Target {
    name: "texts",
    home: HOME,
    inputs: 300,
    words: &[
        "{deal_id}",
        "PD-",
        "GmbH",
        "株式会社",
        "https://",
        "www.",
        "@",
        "+49",
        "DE",
        "Deutschland",
        "e5",
        "-",
        ".",
    ],
};

/// Nothing that is told or kept is longer, whatever comes.
const MOST_VALUE: usize = 70_000;

/// Characters of a message.
const MOST_MESSAGE: usize = 600;

fn types() -> Vec<ResultType> {
    let currencies = BTreeMap::from([("EUR".to_owned(), 2), ("JPY".to_owned(), 0)]);
    vec![
        ResultType::Text { limit: 255 },
        ResultType::Text { limit: 65_000 },
        ResultType::Number,
        ResultType::Date,
        ResultType::Money { currencies, default: Some("EUR".to_owned()) },
        ResultType::Option,
        ResultType::Options,
        ResultType::Phone,
    ]
}

/// A source, and after a line of three dashes the record.
fn parts(input: &str) -> (&str, Map<String, Json>) {
    let (source, record) = input.split_once("\n---\n").unwrap_or((input.trim_end_matches('\n'), "{}"));
    let record = match serde_json::from_str(record) {
        Ok(Json::Object(record)) => record,
        Ok(_) | Err(_) => Map::from_iter([("Address".to_owned(), Json::from(record))]),
    };
    (source, record)
}

fn fits(value: &TypedValue, want: &ResultType) {
    let length = |text: &str| text.chars().count();
    match (value, want) {
        (TypedValue::Text(text), ResultType::Text { limit }) => {
            assert!(!text.is_empty() && length(text) <= *limit, "a text of {} characters", length(text));
            assert_eq!(&text::squeeze(text), text, "a text that was squeezed stays");
        }
        (TypedValue::Number(digits), ResultType::Number) => {
            assert_eq!(canonical_number(digits).as_ref(), Some(digits), "a number is written the one way");
        }
        (TypedValue::Money(Money { amount, currency }), ResultType::Money { currencies, .. }) => {
            assert!(currencies.contains_key(currency));
            assert_eq!(
                Amount::parse(&amount.to_string()),
                Some(*amount),
                "an amount is read as it is written"
            );
        }
        (TypedValue::Options(labels), ResultType::Options) => {
            assert!(!labels.is_empty() && labels.iter().all(|label| !label.is_empty()));
        }
        (TypedValue::Option(text), ResultType::Option) | (TypedValue::Phone(text), ResultType::Phone) => {
            assert!(!text.is_empty() && text.len() <= MOST_VALUE);
        }
        (TypedValue::Date(day), ResultType::Date) => {
            assert_eq!(day.to_string().parse::<jiff::civil::Date>().ok(), Some(*day));
        }
        (value, want) => panic!("{value:?} for {want:?}"),
    }
}

fn expression(input: &[u8]) {
    let input = String::from_utf8_lossy(input);
    let (source, record) = parts(&input);
    let compiled = match Expression::compile(source) {
        Ok(compiled) => compiled,
        Err(error) => {
            assert!(source.get(error.span.clone()).is_some(), "{:?} is no place of it", error.span);
            assert!(!error.message.is_empty() && !error.hint.is_empty());
            assert!(error.message.chars().count() <= MOST_MESSAGE, "{} characters", error.message.len());
            return;
        }
    };
    assert_eq!(compiled.source(), source);
    for read in compiled.reads() {
        assert!(source.get(read.span.clone()).is_some(), "{:?} is no place of it", read.span);
        assert!(read.path.first().is_some_and(|name| compiled.names().contains(name)));
    }
    for want in types() {
        let outcome = compiled.evaluate(&record, &want);
        assert_eq!(outcome, compiled.evaluate(&record, &want), "twice the same is the same");
        match outcome {
            Ok(None) => {}
            Ok(Some(Outcome { value, cut: _ })) => fits(&value, &want),
            Err(error) => {
                let place = error.span.unwrap_or(0..0);
                assert!(source.get(place.clone()).is_some(), "{place:?} is no place of it");
                assert!(!error.message.is_empty() && !error.hint.is_empty());
                assert!(error.message.chars().count() <= MOST_MESSAGE, "{} characters", error.message.len());
            }
        }
    }
}

/// The first line may be a pattern; every line is a name, a number, an address and whatever else a field may be.
fn words(input: &[u8]) {
    let input = String::from_utf8_lossy(input);
    let (first, rest) = input.split_once('\n').unwrap_or((&input, ""));
    let once = text::squeeze(&input);
    assert_eq!(text::squeeze(&once), once, "squeezing twice is squeezing once");
    match Pattern::parse(first) {
        Ok(pattern) => {
            let said = pattern.as_str().to_owned();
            assert_eq!(Pattern::parse(&said), Ok(pattern.clone()), "a pattern is read as it is written");
            assert!(pattern.find(rest).iter().all(|deal| deal.0 > 0));
        }
        Err(error) => assert!(!error.to_string().is_empty()),
    }
    let mut lines = input.lines().map(str::to_owned);
    for line in lines.clone().take(20) {
        if let Some(amount) = Amount::parse(&line) {
            assert_eq!(
                Amount::parse(&amount.to_string()),
                Some(amount),
                "an amount is read as it is written"
            );
            for decimals in 0..6 {
                let rounded = amount.rounded(decimals);
                assert_eq!(rounded.rounded(decimals), rounded, "rounding twice is rounding once");
            }
        }
        if let Some(number) = canonical_number(&line) {
            assert_eq!(canonical_number(&number), Some(number));
        }
        assert!(country_code(&line).is_none_or(|code| code.len() == 2));
    }
    let mut some = |count: usize| lines.by_ref().take(count).collect::<Vec<_>>();
    let company = Company {
        names: some(2),
        tax_ids: some(1),
        duns: some(1).pop(),
        websites: some(1),
        emails: some(1),
        phones: some(1),
        country: some(1).pop(),
        address: None,
    };
    let profile = Profile::of(&company);
    assert_eq!(profile, Profile::of(&company));
    // They are kept as digests; each is a row.
    let keys = profile.keys().len();
    assert!(keys <= 600, "{keys} keys");
}

#[test]
fn fuzz_expressions() {
    EXPRESSIONS.run(expression);
}

#[test]
fn fuzz_texts() {
    TEXTS.run(words);
}
