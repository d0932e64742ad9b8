//! How a configuration error is told: message, the place in the file, and a remedy.
//!
//! The text of the file that a diagnostic shows went through [`super::mask`] first, so a snippet never
//! contains a secret; messages written here and in the sections never repeat a value that could be one.

use std::fmt;
use std::io::Write;
use std::ops::Range;
use std::sync::Arc;

use miette::{Diagnostic, GraphicalReportHandler, GraphicalTheme, LabeledSpan, NamedSource, SourceCode};
use toml::de::DeValue;

use super::mask;

/// A configuration file as diagnostics may show it: named, and with everything secret masked.
#[derive(Debug)]
pub struct Source {
    shown: NamedSource<String>,
    /// Bytes that are not the first ones of their characters: where something is masked, the text does not tell any more.
    inside: Vec<usize>,
}

impl Source {
    /// Keeps `text` for snippets; secrets in it are masked, and the length of the text stays the same.
    pub(super) fn new(name: &str, text: &str) -> Arc<Self> {
        let inside = (0..text.len()).filter(|at| !text.is_char_boundary(*at)).collect();
        Arc::new(Self { shown: NamedSource::new(name, mask::mask(text)), inside })
    }
}

/// A place in a configuration file.
#[derive(Debug, Clone)]
pub struct Location {
    source: Arc<Source>,
    span: Range<usize>,
}

impl Location {
    /// Line and column, both counted from 1, the column in characters.
    pub fn line_column(&self) -> (usize, usize) {
        let Source { shown, inside } = &*self.source;
        let text = shown.inner().as_bytes();
        let start = self.span.start.min(text.len());
        let newlines = || text[..start].iter().enumerate().filter(|(_, byte)| **byte == b'\n');
        let line_start = newlines().next_back().map_or(0, |(newline, _)| newline + 1);
        let line = newlines().count() + 1;
        let within = inside.iter().filter(|at| (line_start..start).contains(*at)).count();
        (line, start - line_start - within + 1)
    }
}

/// What is wrong with the configuration, where, and what to do about it.
pub struct ConfigError(Box<Details>);

struct Details {
    message: String,
    label: &'static str,
    help: String,
    at: Option<Location>,
    cause: Option<std::io::Error>,
}

impl ConfigError {
    /// An error that belongs to no place in a file.
    pub(crate) fn new(message: impl Into<String>, help: impl Into<String>) -> Self {
        Self(Box::new(Details {
            message: message.into(),
            label: "here",
            help: help.into(),
            at: None,
            cause: None,
        }))
    }

    /// The same error, pointing at a place in the file.
    pub(crate) fn at(mut self, at: Option<Location>) -> Self {
        self.0.at = at;
        self
    }

    /// The same error, with the words written under the snippet.
    pub(crate) fn label(mut self, label: &'static str) -> Self {
        self.0.label = label;
        self
    }

    /// The same error, with the refusal of the operating system behind it.
    pub(crate) fn because(mut self, cause: std::io::Error) -> Self {
        self.0.cause = Some(cause);
        self
    }

    /// The remedy.
    pub fn remedy(&self) -> &str {
        &self.0.help
    }

    /// Line and column in the file, if the error belongs to one.
    pub fn line_column(&self) -> Option<(usize, usize)> {
        self.0.at.as_ref().map(Location::line_column)
    }

    /// The error as it is told to programs: `{"error":{"message","line","column","help"}}`.
    pub fn to_json(&self) -> serde_json::Value {
        let place = self.line_column();
        let message = match &self.0.cause {
            Some(cause) => format!("{self}: {cause}"),
            None => self.to_string(),
        };
        serde_json::json!({ "error": {
            "message": message,
            "line": place.map(|(line, _)| line),
            "column": place.map(|(_, column)| column),
            "help": self.0.help,
        }})
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.message)
    }
}

impl fmt::Debug for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ConfigError")
            .field("message", &self.0.message)
            .field("line_column", &self.line_column())
            .field("help", &self.0.help)
            .field("cause", &self.0.cause)
            .finish()
    }
}

impl std::error::Error for ConfigError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.0.cause.as_ref().map(|cause| cause as _)
    }
}

impl Diagnostic for ConfigError {
    fn help<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        Some(Box::new(&self.0.help))
    }

    fn source_code(&self) -> Option<&dyn SourceCode> {
        self.0.at.as_ref().map(|at| &at.source.shown as _)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        let at = self.0.at.as_ref()?;
        let span = LabeledSpan::new_with_span(Some(self.0.label.to_owned()), at.span.clone());
        Some(Box::new(std::iter::once(span)))
    }
}

/// Renders an error with its snippet and remedy; with `color`, for a terminal.
pub fn render(error: &ConfigError, color: bool) -> String {
    let theme = if color { GraphicalTheme::unicode() } else { GraphicalTheme::unicode_nocolor() };
    let handler = GraphicalReportHandler::new_themed(theme).with_context_lines(1).with_width(100);
    let mut text = String::new();
    match handler.render_report(&mut text, error) {
        Ok(()) => text,
        Err(fmt::Error) => format!("{error}\nhelp: {}\n", error.remedy()),
    }
}

/// Writes an error to stderr; colours are dropped where stderr is not a terminal or NO_COLOR is set.
pub fn report(error: &ConfigError) {
    let mut stderr = anstream::stderr().lock();
    // If stderr is closed there is nobody left to tell; the exit code still says it.
    let _ = write!(stderr, "{}", render(error, true));
}

/// A place in the parsed document, walked along with the typed structs while they are validated.
#[derive(Clone)]
pub(super) struct At<'a> {
    source: &'a Arc<Source>,
    value: Option<&'a DeValue<'a>>,
    span: Range<usize>,
}

impl<'a> At<'a> {
    pub(super) fn root(source: &'a Arc<Source>, value: &'a DeValue<'a>) -> Self {
        Self { source, value: Some(value), span: 0..0 }
    }

    /// The value of a key; where the key is absent, the place of its table.
    pub(super) fn key(&self, name: &str) -> Self {
        self.child(self.value.and_then(|value| value.get(name)))
    }

    /// The element of an array.
    pub(super) fn index(&self, index: usize) -> Self {
        self.child(self.value.and_then(|value| value.get(index)))
    }

    fn child(&self, found: Option<&'a toml::Spanned<DeValue<'a>>>) -> Self {
        match found {
            Some(found) => Self { source: self.source, value: Some(found.get_ref()), span: found.span() },
            None => Self { source: self.source, value: None, span: self.span.clone() },
        }
    }

    pub(super) fn location(&self) -> Location {
        Location { source: Arc::clone(self.source), span: self.span.clone() }
    }

    /// A part of a text: `part` are bytes of `text`, the value here. Where the file writes it with escapes, the whole.
    pub(super) fn part(&self, text: &str, part: &Range<usize>) -> Self {
        let written = self.source.shown.inner().get(self.span.clone()).unwrap_or_default();
        let span = written.find(text).filter(|_| !text.is_empty()).map(|at| {
            let start = self.span.start + at;
            start + part.start..start + part.end.min(text.len())
        });
        Self { source: self.source, value: None, span: span.unwrap_or(self.span.clone()) }
    }

    pub(super) fn fail(&self, message: impl Into<String>, help: impl Into<String>) -> ConfigError {
        ConfigError::new(message, help).at(Some(self.location()))
    }
}

/// Says in our words what the TOML reader found. Deserializers of ours put the remedy on a second line.
pub(super) fn from_toml(error: &toml::de::Error, source: &Arc<Source>) -> ConfigError {
    let (message, help) = reword(error.message());
    let location = error.span().map(|span| Location { source: Arc::clone(source), span });
    ConfigError::new(message, help).at(location)
}

fn reword(message: &str) -> (String, String) {
    const REFERENCE: &str = "docs/config.md lists every key with its type and default";
    if let Some((message, help)) = message.split_once('\n') {
        return (message.to_owned(), help.to_owned());
    }
    if let Some(rest) = message.strip_prefix("unknown field ") {
        return unknown(rest, "key");
    }
    if let Some(rest) = message.strip_prefix("unknown variant ") {
        return unknown(rest, "value");
    }
    if let Some(name) = message.strip_prefix("missing field ") {
        return (format!("the key {name} is missing"), format!("add {name} to this table; {REFERENCE}"));
    }
    for prefix in ["invalid type: ", "invalid value: "] {
        let Some((found, expected)) = message.strip_prefix(prefix).and_then(|m| m.rsplit_once(", expected "))
        else {
            continue;
        };
        // The value itself may be a secret in the wrong place: only its kind is repeated.
        let kind = found.split(['"', '`']).next().unwrap_or(found).trim();
        let expected = in_words(expected);
        return (
            format!("expected {expected}, found {}", article(kind)),
            format!("write {expected}; {REFERENCE}"),
        );
    }
    let help =
        "this is not TOML: strings need quotes, tables are written [table], keys are written key = value";
    (message.to_owned(), help.to_owned())
}

fn unknown(rest: &str, what: &str) -> (String, String) {
    let mut names = rest.split('`').skip(1).step_by(2);
    let name = names.next().unwrap_or_default();
    let known: Vec<&str> = names.collect();
    let message = format!("unknown {what} `{name}`");
    if known.is_empty() {
        return (message, format!("remove this {what}"));
    }
    let nearest = known
        .iter()
        .map(|known| (strsim::normalized_damerau_levenshtein(name, known), *known))
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .filter(|(likeness, _)| *likeness >= 0.6);
    let list = known.join(", ");
    let help = match nearest {
        Some((_, nearest)) => format!("did you mean `{nearest}`? The {what}s allowed here are: {list}"),
        None => format!("the {what}s allowed here are: {list}"),
    };
    (message, help)
}

fn in_words(expected: &str) -> &str {
    match expected {
        "u8" | "u16" | "u32" | "u64" | "usize" => "a whole number, 0 or more",
        "i8" | "i16" | "i32" | "i64" | "isize" => "a whole number",
        "f32" | "f64" => "a number",
        "a boolean" => "true or false",
        "a sequence" => "an array",
        other if other.starts_with("struct ") || other == "a map" => "a table",
        other => other,
    }
}

fn article(kind: &str) -> String {
    match kind {
        "map" => "a table".to_owned(),
        "sequence" => "an array".to_owned(),
        "integer" => "an integer".to_owned(),
        "floating point" => "a number with a fraction".to_owned(),
        other => format!("a {other}"),
    }
}

#[cfg(test)]
mod tests {
    use super::{Location, Source, reword};

    #[test]
    fn columns_count_characters_also_of_what_is_masked() {
        let text = "a = 1\napi_token = \"äöü\" x";
        let source = Source::new("x.toml", text);
        assert!(!source.shown.inner().contains('ä'));
        let at = text.find('x').unwrap();
        assert_eq!(Location { source, span: at..at + 1 }.line_column(), (2, 19));
    }

    #[test]
    fn values_of_the_wrong_type_are_not_repeated() {
        let (message, help) = reword(r#"invalid type: string "hunter2, expected", expected struct OAuth"#);
        assert_eq!(message, "expected a table, found a string");
        assert!(!help.contains("hunter2"));
        assert_eq!(
            reword("invalid value: integer `-1`, expected u32").0,
            "expected a whole number, 0 or more, found an integer"
        );
    }

    #[test]
    fn the_nearest_known_key_is_named() {
        let (message, help) = reword("unknown field `pol_every`, expected one of `poll_every`, `overlap`");
        assert_eq!(message, "unknown key `pol_every`");
        assert_eq!(help, "did you mean `poll_every`? The keys allowed here are: poll_every, overlap");
        assert_eq!(reword("unknown field `zzz`, expected `name`").1, "the keys allowed here are: name");
    }
}
