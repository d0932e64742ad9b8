//! Durations in the file: `"90s"`, `"5m"`, `"1h 30m"`, `"24h"`.
//!
//! For `#[serde(with = "duration")]` on a [`SignedDuration`]; the schema of such a field is [`Duration`].

use jiff::SignedDuration;
use jiff::fmt::friendly::{Designator, SpanParser, SpanPrinter};
use schemars::JsonSchema;
use serde::{Deserializer, Serializer};

use super::ConfigError;
use super::diagnose::At;

/// A length of time: a number and a unit, or several of them, for example `"90s"`, `"5m"`, `"1h 30m"`, `"24h"`.
/// The units are `h`, `m`, `s` and `ms`; days and longer are not units here.
#[derive(JsonSchema)]
#[schemars(transparent)]
pub struct Duration(#[expect(dead_code, reason = "only its schema is used")] String);

const HELP: &str = "write a number and a unit in quotes, for example \"90s\", \"5m\", \"1h 30m\" or \"24h\"";

pub(super) fn deserialize<'de, D: Deserializer<'de>>(input: D) -> Result<SignedDuration, D::Error> {
    struct Text;
    impl serde::de::Visitor<'_> for Text {
        type Value = SignedDuration;

        fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str("a duration in quotes, for example \"5m\"")
        }

        fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<SignedDuration, E> {
            SpanParser::new()
                .parse_duration(text)
                .map_err(|_| E::custom(format_args!("`{text}` is not a duration\n{HELP}")))
        }

        fn visit_i64<E: serde::de::Error>(self, _: i64) -> Result<SignedDuration, E> {
            Err(E::custom(format_args!("a duration needs a unit\n{HELP}")))
        }

        fn visit_f64<E: serde::de::Error>(self, _: f64) -> Result<SignedDuration, E> {
            Err(E::custom(format_args!("a duration needs a unit\n{HELP}")))
        }
    }
    input.deserialize_any(Text)
}

pub(super) fn serialize<S: Serializer>(value: &SignedDuration, output: S) -> Result<S::Ok, S::Error> {
    output.serialize_str(&text(*value))
}

/// The shortest way people write it: `"60s"` and `"90s"`, but `"5m"` and `"24h"`.
pub(super) fn text(value: SignedDuration) -> String {
    if value.subsec_nanos() == 0 && (0..120).contains(&value.as_secs()) {
        return format!("{}s", value.as_secs());
    }
    SpanPrinter::new().designator(Designator::Compact).duration_to_string(&value)
}

/// Refuses a duration outside `min..=max`.
pub(super) fn within(
    value: SignedDuration,
    min: SignedDuration,
    max: SignedDuration,
    at: &At<'_>,
) -> Result<(), ConfigError> {
    within_as(text, value, (min, max), at)
}

/// The same, for durations that are written like this.
fn within_as(
    text: fn(SignedDuration) -> String,
    value: SignedDuration,
    (min, max): (SignedDuration, SignedDuration),
    at: &At<'_>,
) -> Result<(), ConfigError> {
    if (min..=max).contains(&value) {
        return Ok(());
    }
    let (low, high) = (text(min), text(max));
    Err(at.fail(
        format!("{} is outside {low} to {high}", text(value)),
        format!("write a duration from \"{low}\" to \"{high}\""),
    ))
}

/// A length of time, also in days: `"90d"`, or as all others.
#[derive(JsonSchema)]
#[schemars(transparent)]
pub(super) struct DayDuration(#[expect(dead_code, reason = "only its schema is used")] String);

/// The same for what people count in days of 24 hours: `"90d"`.
pub(super) mod days {
    use jiff::SignedDuration;
    use serde::{Deserialize as _, Deserializer, Serializer};

    use super::super::{ConfigError, diagnose::At};

    pub(in super::super) fn deserialize<'de, D: Deserializer<'de>>(
        input: D,
    ) -> Result<SignedDuration, D::Error> {
        let value = toml::Value::deserialize(input)?;
        let days = value.as_str().and_then(|text| text.trim().strip_suffix('d')?.trim().parse::<u16>().ok());
        match days {
            Some(days) => Ok(SignedDuration::from_hours(24 * i64::from(days))),
            None => super::deserialize(value).map_err(serde::de::Error::custom),
        }
    }

    pub(in super::super) fn serialize<S: Serializer>(
        value: &SignedDuration,
        output: S,
    ) -> Result<S::Ok, S::Error> {
        output.serialize_str(&text(*value))
    }

    fn text(value: SignedDuration) -> String {
        let (days, rest) = (value.as_hours() / 24, value.as_secs() % (24 * 3_600));
        if days > 0 && rest == 0 { format!("{days}d") } else { super::text(value) }
    }

    pub(in super::super) fn within(
        value: SignedDuration,
        min: SignedDuration,
        max: SignedDuration,
        at: &At<'_>,
    ) -> Result<(), ConfigError> {
        super::within_as(text, value, (min, max), at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(serde::Deserialize)]
    struct Holder {
        #[serde(with = "super")]
        value: SignedDuration,
    }

    fn parse(value: &str) -> Result<SignedDuration, String> {
        toml::from_str::<Holder>(&format!("value = {value}"))
            .map(|holder| holder.value)
            .map_err(|error| error.message().to_owned())
    }

    #[test]
    fn the_usual_ways_to_write_a_duration() {
        for (written, seconds) in
            [("5m", 300), ("10m", 600), ("24h", 86_400), ("90s", 90), ("1h 30m", 5_400), ("1h30m", 5_400)]
        {
            assert_eq!(parse(&format!("\"{written}\"")), Ok(SignedDuration::from_secs(seconds)), "{written}");
        }
        for bad in ["\"5\"", "\"\"", "\"five minutes\"", "\"1d\"", "5", "5.5"] {
            let message = parse(bad).unwrap_err();
            assert!(message.contains('\n'), "{bad} has no remedy: {message}");
        }
    }

    #[test]
    fn durations_are_printed_as_people_write_them() {
        for (seconds, shown) in
            [(1, "1s"), (60, "60s"), (90, "90s"), (300, "5m"), (5_400, "1h 30m"), (86_400, "24h")]
        {
            assert_eq!(text(SignedDuration::from_secs(seconds)), shown);
        }
    }
}
