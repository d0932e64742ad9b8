//! Text as remote systems keep it: trimmed, composed, bounded.

use unicode_normalization::UnicodeNormalization;

/// Composes (NFC), turns every run of blanks and control characters into one space and trims.
///
/// Both systems trim; neither keeps control characters in a name. Doing it twice is doing it once.
#[must_use]
pub fn squeeze(text: &str) -> String {
    let composed: String = text.nfc().collect();
    let mut out = String::with_capacity(composed.len());
    for word in composed.split(|c: char| c.is_whitespace() || c.is_control()).filter(|w| !w.is_empty()) {
        if !out.is_empty() {
            out.push(' ');
        }
        out.push_str(word);
    }
    out
}

/// Squeezes, and gives `None` for what is then empty.
#[must_use]
pub fn present(text: Option<&str>) -> Option<String> {
    text.map(squeeze).filter(|text| !text.is_empty())
}

/// Cuts to at most `limit` characters (Unicode scalar values), not leaving a blank at the end.
///
/// The flag tells whether anything was cut.
#[must_use]
pub fn bounded(text: &str, limit: usize) -> (String, bool) {
    match text.char_indices().nth(limit) {
        None => (text.to_owned(), false),
        Some((end, _)) => (text[..end].trim_end().to_owned(), true),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn squeezing_twice_is_squeezing_once() {
        for text in ["  a\t b\u{0}c ", "e\u{301}", "\u{a0}x\u{2003}y", "", "\n"] {
            let once = squeeze(text);
            assert_eq!(squeeze(&once), once);
        }
        assert_eq!(squeeze(" Müller\n&  Söhne "), "Müller & Söhne");
    }

    #[test]
    fn bounds_count_characters_not_bytes() {
        assert_eq!(bounded("äöü", 2), ("äö".to_owned(), true));
        assert_eq!(bounded("ab cd", 3), ("ab".to_owned(), true));
        assert_eq!(bounded("ab", 2), ("ab".to_owned(), false));
    }
}
