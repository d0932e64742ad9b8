//! Expressions of a person's own mappings: what they give, what they refuse, and that none of them runs away.

use std::collections::BTreeMap;

use proptest::prelude::*;
use serde_json::{Map, Value as Json, json};
use sync_core::{
    expression::{EvaluationError, Expression, ExpressionError, Failure, Outcome, ResultType, TypedValue},
    money::{Amount, Money},
    text,
};

fn record() -> Map<String, Json> {
    let record = json!({
        "PartyId": 300_000_200_000_001_i64, "BigId": 18_446_744_073_709_551_615_u64,
        "PartyNumber": "000123400", "PartyName": "  شركة   النور للتجارة ", "CustomerClassCode": "HIGH_TECH",
        "PaymentTerms": "30 Net", "CreditLimit": 1250.5, "TextLimit": "1000000.10", "Currency": "EUR",
        "Website": null, "Blank": "  ", "Phone": "+49 (30) 1234-56", "Flag": true,
        "Created": "2024-02-29T10:11:12.123+00:00", "Updated": "2024-02-29T23:59:59-08:00", "Day": "2024-12-31",
        "Address": [{"City": "Köln", "Status": "I"}, {"City": "Berlin", "Status": "A"}, {"City": null, "Status": "A"}],
        "NoAddress": [], "Info": {"segment": "Retail", "region": "EMEA", "empty": null},
        "Codes": "A, B,,A", "Long": "ab ".repeat(200), "Nobody": null,
    });
    let Json::Object(record) = record else { unreachable!("an object") };
    record
}

fn money() -> ResultType {
    let currencies = BTreeMap::from([("EUR".to_owned(), 2), ("JPY".to_owned(), 0)]);
    ResultType::Money { currencies, default: Some("EUR".to_owned()) }
}

fn evaluate(source: &str, want: &ResultType) -> Result<Option<Outcome>, EvaluationError> {
    Expression::compile(source).unwrap_or_else(|error| panic!("{source}: {error}")).evaluate(&record(), want)
}

/// The value as a text that tests can compare.
fn shown(source: &str, want: &ResultType) -> String {
    match evaluate(source, want) {
        Ok(None) => "unset".to_owned(),
        Ok(Some(Outcome { value, cut })) => {
            let text = match value {
                TypedValue::Text(text)
                | TypedValue::Number(text)
                | TypedValue::Option(text)
                | TypedValue::Phone(text) => text,
                TypedValue::Date(date) => date.to_string(),
                TypedValue::Money(Money { amount, currency }) => format!("{amount} {currency}"),
                TypedValue::Options(labels) => labels.join("|"),
            };
            if cut { format!("{text} (cut)") } else { text }
        }
        Err(error) => format!("{:?}: {error}", error.failure),
    }
}

#[test]
fn texts_of_realistic_mappings() {
    for (source, expected) in [
        ("CustomerClassCode", "HIGH_TECH"),
        ("CustomerClassCode | replace('_', ' ') | capitalize", "High tech"),
        ("PaymentTerms | lower", "30 net"),
        ("PartyName", "شركة النور للتجارة"),
        ("PartyNumber", "000123400"),
        ("PartyId", "300000200000001"),
        ("BigId", "18446744073709551615"),
        ("BigId + 1", "18446744073709551616"),
        ("CreditLimit", "1250.5"),
        ("0.1 + 0.2", "0.3"),
        ("TextLimit", "1000000.10"),
        ("Flag", "true"),
        ("[Info.segment, Info.region, Info.empty, Website, Blank] | join(' / ')", "Retail / EMEA"),
        ("Info['segment'] ~ ' ' ~ Website ~ PartyNumber[:6]", "Retail 000123"),
        ("Address[1].City | upper", "BERLIN"),
        ("(Address | selectattr('Status', 'eq', 'A') | first).City", "Berlin"),
        ("Address | map(attribute='City') | reject('none') | join(', ')", "Köln, Berlin"),
        ("Phone | digits", "4930123456"),
        ("Phone | alnum", "4930123456"),
        ("PartyName | truncate(8)", "شركة"),
        ("Updated | date", "2024-02-29"),
        ("Website", "unset"),
        ("Website | upper", "unset"),
        ("Blank", "unset"),
        ("NoAddress | first", "unset"),
        ("(NoAddress | first).City", "unset"),
        ("Nobody.Name.First", "unset"),
        ("Website | default('none yet')", "none yet"),
        ("Blank | default(Website) | default(PartyNumber)", "000123400"),
        ("Missing | default('x')", "x"),
        ("Missing if Missing is defined", "unset"),
        ("'big' if TextLimit is gt(1000) else 'small'", "big"),
        ("'none' if Website is none else 'some'", "none"),
        ("PartyName if Website", "unset"),
        ("none", "unset"),
        ("'big' if Website is gt(5) else 'small'", "small"),
        ("'big' if '50' is gt(100) else 'small'", "small"),
        ("'old' if Created is lt(Day) and not Created is ge(Day) and Day is le(Day) else 'new'", "old"),
        ("Address | selectattr('Status', 'gt', 'A') | map(attribute='City') | join", "Köln"),
        ("Codes | split(',') | length", "4"),
    ] {
        assert_eq!(shown(source, &ResultType::Text { limit: 255 }), expected, "{source}");
    }
    assert_eq!(shown("Long", &ResultType::Text { limit: 6 }), "ab ab (cut)");
}

#[test]
fn every_type_takes_what_fits() {
    for (source, want, expected) in [
        ("CreditLimit", ResultType::Number, "1250.5"),
        ("TextLimit", ResultType::Number, "1000000.1"),
        ("PartyNumber", ResultType::Number, "123400"),
        ("PartyNumber | number | times(0.5)", ResultType::Number, "61700"),
        ("CreditLimit | times('0.1')", ResultType::Number, "125.05"),
        ("Website", ResultType::Number, "unset"),
        ("Created", ResultType::Date, "2024-02-29"),
        ("Updated", ResultType::Date, "2024-02-29"),
        ("Day", ResultType::Date, "2024-12-31"),
        ("'2024-02-29 10:11:12'", ResultType::Date, "2024-02-29"),
        ("Blank | date", ResultType::Date, "unset"),
        ("TextLimit", money(), "1000000.1 EUR"),
        ("'99999999999999.99'", money(), "99999999999999.99 EUR"),
        ("[CreditLimit, 'JPY']", money(), "1251 JPY"),
        ("[CreditLimit, Website]", money(), "1250.5 EUR"),
        ("[Website, 'JPY']", money(), "unset"),
        ("CustomerClassCode", ResultType::Option, "HIGH_TECH"),
        ("Codes | split(',')", ResultType::Options, "A|B"),
        ("PaymentTerms", ResultType::Options, "30 Net"),
        ("[]", ResultType::Options, "unset"),
        ("Phone", ResultType::Phone, "+49 (30) 1234-56"),
    ] {
        assert_eq!(shown(source, &want), expected, "{source}");
    }
}

#[test]
fn what_does_not_fit_says_what_was_expected() {
    for (source, want, failure, part) in [
        ("Missing", ResultType::Text { limit: 9 }, Failure::Missing, "`Missing` is not in this record"),
        ("Info.nothing", ResultType::Text { limit: 9 }, Failure::Missing, "is not in this record"),
        ("Info.nothing ~ 'x'", ResultType::Text { limit: 9 }, Failure::Missing, "Info.nothing"),
        ("Missing | upper", ResultType::Text { limit: 9 }, Failure::Missing, "is not in this record"),
        (
            "Address",
            ResultType::Text { limit: 9 },
            Failure::Misfit,
            "expected a text, but the expression gave a list",
        ),
        ("Info", ResultType::Option, Failure::Misfit, "gave an object"),
        ("PartyName", ResultType::Number, Failure::Misfit, "expected a number, but"),
        ("BigId", ResultType::Number, Failure::Misfit, "at most 14 digits before the point"),
        (
            "'2023-02-29'",
            ResultType::Date,
            Failure::Misfit,
            "expected a date, but the expression gave `2023-02-29`",
        ),
        ("'2024-02-28T99'", ResultType::Date, Failure::Misfit, "expected a date"),
        ("PartyNumber | date", ResultType::Date, Failure::Impossible, "needs a date"),
        (
            "[CreditLimit, 'XXQ']",
            money(),
            Failure::Misfit,
            "a currency that the CRM has, but the expression gave `XXQ`",
        ),
        ("'12 EUR'", money(), Failure::Misfit, "an amount of money"),
        ("'call me'", ResultType::Phone, Failure::Misfit, "a telephone number"),
        ("[Info]", ResultType::Options, Failure::Misfit, "gave an object"),
        ("1 // 0", ResultType::Number, Failure::Impossible, ""),
        ("PaymentTerms is gt(5)", ResultType::Option, Failure::Impossible, "`30 Net` is not a number"),
        ("Info | upper", ResultType::Option, Failure::Impossible, "not a text"),
    ] {
        let error = evaluate(source, &want).expect_err(source);
        assert_eq!(error.failure, failure, "{source}: {error}");
        assert!(error.message.contains(part), "{source}: {error}");
        assert!(!error.hint.is_empty());
    }
    let error = evaluate("Long | replace(' ', '')", &ResultType::Number).unwrap_err();
    assert!(error.message.contains('…') && error.message.chars().count() < 160, "{error}");
    let error = evaluate("PartyNumber ~ Missing", &ResultType::Number).unwrap_err();
    assert!("PartyNumber ~ Missing".get(error.span.unwrap()).is_some_and(|at| at.contains("Missing")));
}

#[test]
fn names_and_places() {
    let source = "Address[0].City | default(Info['segment'], x=Other.a) if 'Text' is not none and not Flag else Address";
    let expression = Expression::compile(source).unwrap();
    let reads: Vec<_> =
        expression.reads().iter().map(|read| (read.path.join("."), &source[read.span.clone()])).collect();
    let expected = [
        ("Address.City", "Address[0].City"),
        ("Info.segment", "Info['segment']"),
        ("Other.a", "Other.a"),
        ("Flag", "Flag"),
        ("Address", "Address"),
    ];
    assert_eq!(reads, expected.map(|(path, place)| (path.to_owned(), place)));
    assert_eq!(expression.names().into_iter().collect::<Vec<_>>(), ["Address", "Flag", "Info", "Other"]);
    assert_eq!(format!("{:?}", Expression::compile("A").unwrap()), "Expression(\"A\")");
    fn shared<T: Send + Sync + Clone>(_: &T) {}
    shared(&expression);
}

#[test]
fn refused_when_loaded_with_its_place() {
    for (source, place, part) in [
        ("", "", "empty"),
        ("Name | uper", "uper", "no filter `uper`"),
        ("Name is strange", "strange", "no test `strange`"),
        ("range(9)", "range", "there are none"),
        ("Name.upper()", "upper", "there are none"),
        ("Website == none", "none", "nothing equals"),
        ("Name ~", "", ""),
        ("'open", "", ""),
        ("Größe", "", ""),
        ("A B", "", ""),
        ("'x' * 100000000", "*", "`*` is not part"),
        ("[1] * 100000000", "*", "`*` is not part"),
        ("2 ** 100", "*", "`*` is not part"),
        ("namespace(a='x')", "namespace", "there are none"),
        ("A | pprint", "pprint", "no filter"),
        ("A >= 5", ">", "not part"),
        ("A < 'x'", "<", "not part"),
    ] {
        let error = Expression::compile(source).expect_err(source);
        assert!(error.message.contains(part), "{source}: {error}");
        let at = source.get(error.span.clone()).expect("on character boundaries");
        assert!(place.is_empty() || at == place, "{source}: {at}");
        assert!(!error.hint.is_empty());
    }
}

#[test]
fn bombs_end_with_an_error() {
    let refused = |source: String, part: &str| {
        let ExpressionError { message, .. } = Expression::compile(&source).expect_err(part);
        assert!(message.contains(part), "{message}");
    };
    refused(format!("{}1{}", "(".repeat(5000), ")".repeat(5000)), "bytes");
    refused(format!("{}1{}", "(".repeat(100), ")".repeat(100)), "brackets within brackets");
    refused(format!("{}1{}", "(".repeat(900), ")".repeat(900)), "words and signs");
    refused(format!("{}1", "-".repeat(2000)), "words and signs");
    refused(format!("{}A", "not ".repeat(500)), "words and signs");
    refused(format!("A{}", "|trim".repeat(400)), "words and signs");
    refused(format!("A{}", ".a".repeat(900)), "words and signs");
    // The longest of each that is taken neither overflows the stack nor the engine's limits.
    for longest in [
        format!("{}1", "-".repeat(399)),
        format!("{}1", "not ".repeat(399)),
        format!("'a'{}", "|trim".repeat(199)),
        format!("Nobody{}", ".a".repeat(199)),
        format!("1{}", "+1".repeat(199)),
        format!("1{}", " if true else 1".repeat(30)),
        format!("{}1{}", "(".repeat(32), ")".repeat(32)),
    ] {
        let result =
            Expression::compile(&longest).unwrap().evaluate(&record(), &ResultType::Text { limit: 255 });
        assert!(result.is_ok(), "{longest}: {result:?}");
    }

    let exhausted = |source: &str, record: &Map<String, Json>, want: &ResultType| {
        let error = Expression::compile(source).unwrap().evaluate(record, want).expect_err(source);
        assert_eq!(error.failure, Failure::Exhausted, "{error}");
    };
    let text = ResultType::Text { limit: 255 };
    let with = |name: &str, value: Json| Map::from_iter([(name.to_owned(), value)]);
    let a = with("A", json!("a".repeat(1000)));
    exhausted(&format!("A{}", "|replace('a','aaaaaaaaaa')".repeat(8)), &a, &text);
    exhausted(&format!("[{}] | join(A)", "A,".repeat(190)), &a, &text);
    exhausted(&format!("A{}", "~A".repeat(190)), &a, &text);
    exhausted(&format!("[{}] ~ ''", "A,".repeat(190)), &with("A", json!(vec!["x"; 7000])), &text);
    exhausted("A | length", &with("A", json!(vec!["x"; 100_000])), &text);
    exhausted("A | length", &with("A", json!("x".repeat(1_000_000))), &text);
    exhausted("A", &with("A", json!("x".repeat(100_000))), &text);
    exhausted("A | map('upper') | map('lower') | join", &with("A", json!(vec!["x"; 7000])), &text);
    let mut nest = json!(1);
    for _ in 0..100 {
        nest = json!([nest]);
    }
    exhausted("A", &with("A", nest), &text);
    // A nested list is named, not printed.
    let error = Expression::compile("A").unwrap().evaluate(&with("A", json!(vec![vec![1; 50]; 50])), &text);
    assert_eq!(error.unwrap_err().message, "expected a text, but the expression gave a list");
}

#[test]
fn one_record_of_many_fails_alone() {
    let expression = Expression::compile("Name | replace('a', Other)").unwrap();
    let results = (0..10_000).map(|at| {
        let name = if at == 5_000 { "a".repeat(60_000) } else { format!("a{at}") };
        let Json::Object(record) = json!({ "Name": name, "Other": "bcdefghijkl" }) else {
            unreachable!("an object")
        };
        expression.evaluate(&record, &ResultType::Text { limit: 255 })
    });
    assert_eq!(results.filter(Result::is_err).count(), 1);
}

fn pieces() -> impl Strategy<Value = String> {
    let words = [
        "A",
        "B",
        "A.x",
        "A[0]",
        "'t'",
        "\"",
        "1",
        "2.5",
        "~",
        "+",
        "-",
        "/",
        "|",
        "upper",
        "|join(',')",
        "|first",
        "|default('d')",
        "|map('upper')",
        "|sort",
        "|number",
        "|times(3)",
        "|split('a')",
        "(",
        ")",
        "[",
        "]",
        "{",
        "}",
        ",",
        ":",
        "if",
        "else",
        "is",
        "not",
        "none",
        "in",
        "==",
        "<",
        "and",
        "|date",
        "|round",
        "|truncate(3)",
        "ä",
        "\\",
    ];
    prop_oneof![
        proptest::collection::vec(proptest::sample::select(words.to_vec()), 0..40)
            .prop_map(|words| words.join(" ")),
        "[ -~äم\n]{0,200}",
        (proptest::sample::select(words.to_vec()), 0..2048_usize)
            .prop_map(|(word, bytes)| word.repeat(bytes / word.len())),
        proptest::collection::vec(
            proptest::sample::select(vec!["|trim", "|upper", "|first", " ~ A", " + B", "|sort"]),
            0..20
        )
        .prop_map(|chain| format!("A{}", chain.concat())),
    ]
}

fn values() -> impl Strategy<Value = Json> {
    let leaf = prop_oneof![
        Just(Json::Null),
        any::<bool>().prop_map(Json::from),
        any::<i64>().prop_map(Json::from),
        any::<f64>().prop_map(Json::from),
        "\\PC{0,30}".prop_map(Json::from),
        "[a\u{301}\u{0} e\u{300}]{0,12}".prop_map(Json::from),
    ];
    leaf.prop_recursive(3, 20, 4, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Json::from),
            proptest::collection::btree_map("[xyz]", inner, 0..3)
                .prop_map(|map| Json::from(Map::from_iter(map))),
        ]
    })
}

proptest! {
    #[test]
    fn nothing_panics_and_texts_are_normal(source in pieces(), a in values(), b in values(), limit in 0..40_usize) {
        let expression = match Expression::compile(&source) {
            Ok(expression) => expression,
            Err(error) => {
                prop_assert!(source.get(error.span).is_some());
                return Ok(());
            }
        };
        for read in expression.reads() {
            prop_assert!(source.get(read.span.clone()).is_some());
        }
        let record = Map::from_iter([("A".to_owned(), a), ("B".to_owned(), b)]);
        for want in [ResultType::Number, ResultType::Date, money(), ResultType::Option, ResultType::Options, ResultType::Phone] {
            if let Ok(Some(Outcome { value: TypedValue::Money(Money { amount, .. }), .. })) = expression.evaluate(&record, &want) {
                prop_assert_eq!(Amount::parse(&amount.to_string()), Some(amount));
            }
        }
        match expression.evaluate(&record, &ResultType::Text { limit }) {
            Ok(Some(Outcome { value, .. })) => {
                let TypedValue::Text(value) = value else { return Err(TestCaseError::fail("a text")) };
                prop_assert_eq!(&text::squeeze(&value), &value);
                prop_assert!(!value.is_empty() && value.chars().count() <= limit);
            }
            Ok(None) => {}
            Err(error) => prop_assert!(error.span.is_none_or(|span| source.get(span).is_some())),
        }
    }
}
