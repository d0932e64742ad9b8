//! Letters as everybody can type them: composed, small, Latin, without accents.

use unicode_normalization::UnicodeNormalization;

/// The words of a text, folded. `S.p.A.` is one word, `L'Œuvre` two.
pub(super) fn words(text: &str) -> Vec<String> {
    let composed: String = text.nfkc().filter(|c| !is_invisible(*c)).collect();
    let latin = deunicode::deunicode(&composed.to_lowercase()).to_lowercase();
    // Dots within a word stand in abbreviations, which people write with and without them.
    let undotted = latin.replace(". ", " ").replace(['.', '\''], "");
    let words = undotted.replace('&', " and ");
    words.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).map(str::to_owned).collect()
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
            ("\u{200f}Acme\u{200b}Widgets\u{ad}fabrik", "acmewidgetsfabrik"),
        ] {
            assert_eq!(words(text).join(" "), wanted);
        }
        assert_eq!(skeleton("trading"), skeleton("tradding"));
        assert_eq!(alphanumeric("DE 123-456"), "DE123456");
    }
}
