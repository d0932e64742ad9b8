//! Countries by code or by name, with what their telephone numbers begin with.

use super::fold::words;

/// ISO 3166 alpha-2, calling code, names people write (folded).
const COUNTRIES: [(&str, &str, &[&str]); 59] = [
    ("US", "1", &["usa", "united states", "united states of america", "etats unis", "estados unidos"]),
    ("CA", "1", &["canada"]),
    ("GB", "44", &["uk", "united kingdom", "great britain", "england", "royaume uni", "grossbritannien"]),
    ("IE", "353", &["ireland"]),
    ("DE", "49", &["germany", "deutschland", "allemagne", "alemania", "germania"]),
    ("FR", "33", &["france", "frankreich", "francia"]),
    ("CH", "41", &["switzerland", "schweiz", "suisse", "svizzera"]),
    ("AT", "43", &["austria", "osterreich"]),
    ("IT", "39", &["italy", "italia", "italien", "italie"]),
    ("ES", "34", &["spain", "espana", "spanien", "espagne"]),
    ("PT", "351", &["portugal"]),
    ("BR", "55", &["brazil", "brasil"]),
    ("MX", "52", &["mexico"]),
    ("AR", "54", &["argentina"]),
    ("NL", "31", &["netherlands", "nederland", "holland"]),
    ("BE", "32", &["belgium", "belgie", "belgique"]),
    ("LU", "352", &["luxembourg"]),
    ("PL", "48", &["poland", "polska"]),
    ("CZ", "420", &["czechia", "czech republic", "cesko"]),
    ("SK", "421", &["slovakia", "slovensko"]),
    ("HU", "36", &["hungary", "magyarorszag"]),
    ("RO", "40", &["romania"]),
    ("BG", "359", &["bulgaria"]),
    ("GR", "30", &["greece", "hellas"]),
    ("TR", "90", &["turkey", "turkiye"]),
    ("SE", "46", &["sweden", "sverige"]),
    ("NO", "47", &["norway", "norge"]),
    ("DK", "45", &["denmark", "danmark"]),
    ("FI", "358", &["finland", "suomi"]),
    ("EE", "372", &["estonia", "eesti"]),
    ("LV", "371", &["latvia", "latvija"]),
    ("LT", "370", &["lithuania", "lietuva"]),
    ("UA", "380", &["ukraine"]),
    ("RU", "7", &["russia"]),
    ("IL", "972", &["israel"]),
    ("SA", "966", &["saudi arabia"]),
    ("AE", "971", &["uae", "united arab emirates"]),
    ("EG", "20", &["egypt"]),
    ("ZA", "27", &["south africa"]),
    ("JP", "81", &["japan"]),
    ("CN", "86", &["china"]),
    ("KR", "82", &["south korea", "korea"]),
    ("TW", "886", &["taiwan"]),
    ("VN", "84", &["vietnam", "viet nam"]),
    ("IN", "91", &["india"]),
    ("SG", "65", &["singapore"]),
    ("AU", "61", &["australia"]),
    ("NZ", "64", &["new zealand"]),
    ("HR", "385", &["croatia", "hrvatska", "kroatien"]),
    ("SI", "386", &["slovenia", "slovenija"]),
    ("RS", "381", &["serbia", "srbija"]),
    ("IS", "354", &["iceland"]),
    ("CL", "56", &["chile"]),
    ("CO", "57", &["colombia"]),
    ("PE", "51", &["peru"]),
    ("MY", "60", &["malaysia"]),
    ("TH", "66", &["thailand"]),
    ("ID", "62", &["indonesia"]),
    ("PH", "63", &["philippines"]),
];

/// Whether this is the code of a country that we know.
pub(super) fn is_known(code: &str) -> bool {
    COUNTRIES.iter().any(|(known, ..)| *known == code)
}

/// The code of a country, however it is written; an unknown two-letter code stays as it is.
pub(super) fn code(text: &str) -> Option<String> {
    let folded = words(text).join(" ");
    let upper = text.trim().to_uppercase();
    let known = COUNTRIES.iter().find(|(code, _, names)| *code == upper || names.contains(&folded.as_str()));
    match known {
        Some((code, ..)) => Some((*code).to_owned()),
        None => (upper.len() == 2 && upper.bytes().all(|b| b.is_ascii_uppercase())).then_some(upper),
    }
}

/// The last nine digits of a telephone number, without the calling code of its country: what stays the same however it
/// is written. None for what is too short to tell anything.
pub(super) fn phone(text: &str, country: Option<&str>) -> Option<String> {
    let digits: String = text.chars().filter_map(|c| c.to_digit(10)).map(|d| d.to_string()).collect();
    let calling = COUNTRIES.iter().find(|(code, ..)| Some(*code) == country).map(|(_, calling, _)| *calling);
    let bare = digits.strip_prefix("00").unwrap_or(&digits);
    let local =
        calling.and_then(|calling| bare.strip_prefix(calling)).filter(|rest| rest.len() >= 6).unwrap_or(bare);
    let local = local.trim_start_matches('0');
    let last = local.get(local.len().saturating_sub(9)..)?;
    (last.len() >= 6).then(|| last.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn countries_and_numbers_have_many_spellings() {
        for text in ["DE", "de", "Germany", " Deutschland "] {
            assert_eq!(code(text).as_deref(), Some("DE"));
        }
        assert_eq!((code("XX").as_deref(), code("somewhere")), (Some("XX"), None));
        for text in ["+49 89 1234567", "0049 89 1234567", "089 / 123 45 67", "(089) 1234567"] {
            assert_eq!(phone(text, Some("DE")).as_deref(), Some("891234567"), "{text}");
        }
        assert_eq!(phone("12", None), None);
    }
}
