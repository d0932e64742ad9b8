//! XML out of names that we chose and texts that others chose (oracle-fusion.md 1.4).

use std::fmt::Display;

use quick_xml::escape::escape;

use super::ENVELOPE;

/// An element with a text. What XML cannot say (most control characters) is left out.
pub(crate) fn leaf(name: &str, text: impl Display) -> String {
    let text: String = text.to_string().chars().filter(|letter| is_letter(*letter)).collect();
    format!("<{name}>{}</{name}>", escape(&text))
}

/// An element with a text, or nothing at all: what is omitted is kept.
pub(crate) fn maybe(name: &str, text: Option<&str>) -> String {
    text.map(|text| leaf(name, text)).unwrap_or_default()
}

/// An element with these elements.
pub(crate) fn node(name: &str, inside: &[String]) -> String {
    format!("<{name}>{}</{name}>", inside.concat())
}

/// A whole message. The prefixes of `body` are those of `spaces`.
pub(crate) fn envelope(spaces: &[(&str, &str)], body: &str) -> String {
    let spaces: String =
        spaces.iter().map(|(prefix, space)| format!(" xmlns:{prefix}=\"{space}\"")).collect();
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
         <soap:Envelope xmlns:soap=\"{ENVELOPE}\"{spaces}><soap:Body>{body}</soap:Body></soap:Envelope>"
    )
}

/// The characters of XML 1.0.
fn is_letter(letter: char) -> bool {
    matches!(letter, '\t' | '\n' | '\r' | ' '..='\u{FFFD}' | '\u{10000}'..)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_escaped_and_freed_of_what_xml_cannot_say() {
        assert_eq!(leaf("a:b", "<x> & \"y\" 'z'"), "<a:b>&lt;x&gt; &amp; &quot;y&quot; &apos;z&apos;</a:b>");
        assert_eq!(leaf("a", "1\u{0}2\u{b}3\u{FFFE}4\u{1F600}ü\n"), "<a>1234\u{1F600}ü\n</a>");
        assert_eq!(maybe("a", None) + &maybe("b", Some("")), "<b></b>");
    }

    #[test]
    fn a_message_is_an_envelope_with_a_body() {
        let body = node("typ:get", &[leaf("typ:id", 7)]);
        let message = envelope(&[("typ", "urn:t")], &body);
        assert_eq!(
            message,
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
             <soap:Envelope xmlns:soap=\"http://schemas.xmlsoap.org/soap/envelope/\" xmlns:typ=\"urn:t\">\
             <soap:Body><typ:get><typ:id>7</typ:id></typ:get></soap:Body></soap:Envelope>"
        );
    }
}
