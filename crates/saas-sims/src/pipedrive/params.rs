//! Query parameters of version 2: strict names, strict values (sections 1.4, 1.5).

use jiff::Timestamp;

use super::cursor::Cursor;
use super::problem::Problem;
use super::settings::PipedriveSettings;
use crate::call::Call;
use crate::text::date_time_shape;

/// Refuses repeated parameters and, if so set, unknown ones.
pub(crate) fn check_names(call: &Call, known: &[&str], settings: &PipedriveSettings) -> Result<(), Problem> {
    if let Some(name) = call.repeated_param() {
        return Err(Problem::invalid(format_args!("{name}: must be a single value")));
    }
    let unknown = call.query.iter().find(|(name, _)| !known.contains(&name.as_str()));
    match unknown {
        Some((name, _)) if settings.refuse_unknown_parameters => {
            Err(Problem::invalid(format_args!("\"{name}\" is not allowed")))
        }
        Some(_) | None => Ok(()),
    }
}

/// `limit`, 1 to `cap`, 100 when left out.
pub(crate) fn limit(call: &Call, cap: usize, settings: &PipedriveSettings) -> Result<usize, Problem> {
    match call.param("limit").map(str::parse::<usize>) {
        None => Ok(100.min(cap)),
        Some(Ok(limit)) if (1..=cap).contains(&limit) => Ok(limit),
        Some(Ok(limit)) if limit > cap && !settings.refuse_limit_above_cap => Ok(cap),
        Some(_) => Err(Problem::invalid(format_args!("limit: must be an integer between 1 and {cap}"))),
    }
}

/// The decoded cursor.
pub(crate) fn cursor(call: &Call) -> Result<Option<Cursor>, Problem> {
    let decode = |text: &str| Cursor::decode(text).ok_or_else(|| Problem::invalid("cursor: is not valid"));
    call.param("cursor").map(decode).transpose()
}

/// A time in RFC 3339 and whole seconds; fractions are refused (section 1.5).
pub(crate) fn time(call: &Call, name: &str) -> Result<Option<Timestamp>, Problem> {
    let parse = |text: &str| {
        whole_seconds(text)
            .ok_or_else(|| Problem::invalid(format_args!("{name}: {text} is not a valid datetime")))
    };
    call.param(name).map(parse).transpose()
}

/// A time with zone and without fraction.
pub(crate) fn whole_seconds(text: &str) -> Option<Timestamp> {
    let tail = date_time_shape(text)?;
    if tail.fraction.is_empty() && !tail.zone.is_empty() { text.parse().ok() } else { None }
}

/// A comma list of integers.
pub(crate) fn integers(call: &Call, name: &str) -> Result<Option<Vec<i64>>, Problem> {
    let bad = || Problem::invalid(format_args!("{name}: must be a comma separated list of integers"));
    let parse = |text: &str| text.split(',').map(|part| part.parse().map_err(|_| bad())).collect();
    call.param(name).map(parse).transpose()
}

/// One integer.
pub(crate) fn integer(call: &Call, name: &str) -> Result<Option<i64>, Problem> {
    let bad = || Problem::invalid(format_args!("{name}: must be an integer"));
    call.param(name).map(|text| text.parse().map_err(|_| bad())).transpose()
}

/// `true` or `false`; false when left out.
pub(crate) fn boolean(call: &Call, name: &str) -> Result<bool, Problem> {
    Ok(choice(call, name, &["true", "false"])? == Some("true"))
}

/// A comma list out of a closed set.
pub(crate) fn choices<'a>(
    call: &'a Call,
    name: &str,
    known: &[&'a str],
) -> Result<Option<Vec<&'a str>>, Problem> {
    let bad = || Problem::invalid(format_args!("{name}: must be some of {}", known.join(", ")));
    let check = |one: &'a str| if known.contains(&one) { Ok(one) } else { Err(bad()) };
    call.param(name).map(|list| list.split(',').map(check).collect()).transpose()
}

/// One of a closed set.
pub(crate) fn choice<'a>(call: &'a Call, name: &str, known: &[&'a str]) -> Result<Option<&'a str>, Problem> {
    match call.param(name) {
        Some(text) if !known.contains(&text) => {
            Err(Problem::invalid(format_args!("{name}: must be one of {}", known.join(", "))))
        }
        found => Ok(found),
    }
}
