//! Checks that several sections share. Every failure points at the value and names a remedy.

use std::fmt::Display;
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Deserializer};
use url::Url;

use super::ConfigError;
use super::diagnose::At;

/// A path that is not absolute starts at the folder of the configuration file.
pub(super) fn absolute(path: &mut Option<PathBuf>, folder: &Path) {
    if let Some(path) = path {
        *path = folder.join(&*path);
    }
}

/// Refuses a whole number outside `range`.
pub(super) fn within<T: PartialOrd + Display>(
    value: T,
    range: RangeInclusive<T>,
    at: &At<'_>,
) -> Result<(), ConfigError> {
    if range.contains(&value) {
        return Ok(());
    }
    let (low, high) = (range.start(), range.end());
    Err(at.fail(
        format!("{value} is outside {low} to {high}"),
        format!("write a whole number from {low} to {high}"),
    ))
}

/// Refuses 0 where at least one of something is needed.
pub(super) fn at_least_one<T: PartialOrd + Default>(value: T, at: &At<'_>) -> Result<(), ConfigError> {
    if value > T::default() {
        return Ok(());
    }
    Err(at.fail("this must be at least 1", "write a whole number, 1 or more, or leave the key out"))
}

/// Refuses an empty text.
pub(super) fn not_empty(text: &str, at: &At<'_>) -> Result<(), ConfigError> {
    if text.trim().is_empty() {
        Err(at.fail("this is empty", "write the value, or see docs/config.md"))
    } else {
        Ok(())
    }
}

/// For `#[serde(deserialize_with)]`: an http or https URL without user, query and fragment.
pub(super) fn url<'de, D: Deserializer<'de>>(input: D) -> Result<Url, D::Error> {
    // The text itself is never repeated: people paste URLs with passwords.
    const HELP: &str = "write a URL such as \"https://acme.example.com\", with scheme and host";
    let fail = |message: &str| Err(serde::de::Error::custom(format_args!("{message}\n{HELP}")));
    let Ok(url) = Url::parse(&String::deserialize(input)?) else { return fail("this is not a URL") };
    if !matches!(url.scheme(), "http" | "https") {
        return fail("this URL begins with neither https:// nor http://");
    }
    if !url.username().is_empty() || url.password().is_some() {
        return fail("a user or password does not belong into a URL");
    }
    if url.query().is_some() || url.fragment().is_some() {
        return fail("this URL has a query or a fragment");
    }
    Ok(url)
}

/// As [`url`], for a key that may be left out.
pub(super) fn maybe_url<'de, D: Deserializer<'de>>(input: D) -> Result<Option<Url>, D::Error> {
    url(input).map(Some)
}

/// Whether it is this machine, where simulators are.
pub(super) fn is_local(url: &Url) -> bool {
    matches!(url.host_str(), Some("localhost" | "127.0.0.1" | "[::1]"))
}
