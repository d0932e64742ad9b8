//! Letters as everybody can type them: composed, small, Latin, without accents.

use unicode_normalization::UnicodeNormalization;

/// The words of a text, folded. `S.p.A.` is one word, `L'Œuvre` two.
pub(super) fn words(text: &str) -> Vec<String> {
    let composed = composed(text, usize::MAX);
    let composed = composed.split(' ').map(seen_as_latin).collect::<Vec<_>>().join(" ");
    let latin = deunicode::deunicode(&composed.to_lowercase()).to_lowercase();
    // Dots within a word stand in abbreviations, which people write with and without them.
    let undotted = latin.replace(". ", " ").replace(['.', '\''], "");
    let words = undotted.replace('&', " and ");
    words.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).map(str::to_owned).collect()
}

/// The first letters of a text, composed, without what nobody sees.
pub(super) fn composed(text: &str, longest: usize) -> String {
    text.nfkc().filter(|c| !is_invisible(*c)).take(longest).collect()
}

/// Cyrillic and Greek letters that look Latin, small and capital, and what they look like.
const LOOK_ALIKES: [&str; 2] =
    ["асеорхуіјѕАВЕКМНОРСТХУІЈЅοαυνρΑΒΕΖΗΙΚΜΝΟΡΤΥΧ", "aceopxyijsABEKMHOPCTXYIJSoauvpABEZHIKMNOPTYX"];

/// A word that has Latin letters among others is Latin: the others are taken for what they look like.
fn seen_as_latin(word: &str) -> String {
    let seen = |c: char| {
        let at = LOOK_ALIKES[0].chars().position(|known| known == c);
        at.and_then(|at| LOOK_ALIKES[1].chars().nth(at)).unwrap_or(c)
    };
    let mixed = word.chars().any(|c| c.is_ascii_alphabetic()) && word.chars().any(|c| seen(c) != c);
    if mixed { word.chars().map(seen).collect() } else { word.to_owned() }
}

/// The Chinese characters of a text: many of them sound the same.
pub(super) fn ideographs(text: &str) -> Vec<char> {
    text.nfkc().filter(|c| matches!(c, '\u{3400}'..='\u{9fff}' | '\u{20000}'..='\u{3ffff}')).collect()
}

/// Joiners, direction marks and soft hyphens: nobody sees them, nobody types them.
fn is_invisible(c: char) -> bool {
    matches!(c, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
}

/// Letters and digits only.
pub(super) fn alphanumeric(text: &str) -> String {
    text.nfkc().filter(|c| c.is_alphanumeric()).collect::<String>().to_uppercase()
}

/// A word as a hasty ear hears it: first letter, then consonants, none twice in a row. Misspelt words often keep it.
pub(super) fn skeleton(word: &str) -> String {
    let mut out = String::new();
    for c in word.chars() {
        let vowel = matches!(c, 'a' | 'e' | 'i' | 'o' | 'u' | 'y' | 'h' | 'w');
        if (out.is_empty() || !vowel) && !out.ends_with(c) {
            out.push(c);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_fold_to_words_that_anybody_can_type() {
        for (text, wanted) in [
            ("Müller & Söhne", "muller and sohne"),
            ("ＡＣＭＥ　Ｔｒａｄｉｎｇ", "acme trading"),
            ("Cafe\u{301} Stro\u{308}m", "cafe strom"),
            ("L'Œuvre S.p.A.", "loeuvre spa"),
            ("Łódź Sp. z o.o.", "lodz sp z oo"),
            ("Асmе Роrtо", "acme porto"),
            ("\u{200f}Acme\u{200b}Widgets\u{ad}fabrik", "acmewidgetsfabrik"),
        ] {
            assert_eq!(words(text).join(" "), wanted);
        }
        assert_eq!(skeleton("trading"), skeleton("tradding"));
        assert_eq!(alphanumeric("DE 123-456"), "DE123456");
    }
}
