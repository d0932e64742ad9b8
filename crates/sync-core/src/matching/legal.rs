//! Legal forms of many countries, and words that people abbreviate.

/// Legal forms where they are written in their own letters, before folding.
const NATIVE: [&str; 29] = [
    "株式会社",
    "有限会社",
    "合同会社",
    "㈱",
    "㈲",
    "股份有限公司",
    "有限责任公司",
    "有限公司",
    "股份",
    "주식회사",
    "(주)",
    "㈜",
    "유한회사",
    "المحدودة",
    "شركة",
    "مؤسسة",
    "בע\"מ",
    "בע״מ",
    "ТОВ",
    "ПАТ",
    "ООО",
    "ОАО",
    "ЗАО",
    "ЕООД",
    "ООД",
    "АД",
    "Công ty TNHH",
    "Công ty Cổ phần",
    "Α.Ε.",
];

/// Legal forms as folded words, the longest first.
const FORMS: [&[&str]; 92] = [
    &["societa", "a", "responsabilita", "limitata"],
    &["cong", "ty", "co", "phan"],
    &["cong", "ty", "tnhh"],
    &["gmbh", "and", "co", "kgaa"],
    &["gmbh", "and", "co", "kg"],
    &["gmbh", "und", "co", "kg"],
    &["gmbh", "co", "kg"],
    &["sa", "de", "cv"],
    &["s", "de", "rl", "de", "cv"],
    &["s", "de", "rl"],
    &["ug", "haftungsbeschrankt"],
    &["sp", "z", "oo"],
    &["sp", "zoo"],
    &["sp", "j"],
    &["spolka", "akcyjna"],
    &["sdn", "bhd"],
    &["pvt", "ltd"],
    &["pty", "ltd"],
    &["pte", "ltd"],
    &["private", "limited"],
    &["co", "ltd"],
    &["company", "limited"],
    &["ltd", "sti"],
    &["and", "co", "kg"],
    &["and", "company"],
    &["and", "co"],
    &["et", "cie"],
    &["y", "cia"],
    &["e", "k"],
    &["a", "s"],
    &["s", "a"],
    &["s", "l"],
    &["s", "r", "o"],
    &["a", "e"],
    &["s", "coop"],
    &["k", "k"],
    &["d", "o", "o"],
    &["aktiengesellschaft"],
    &["gesellschaft"],
    &["incorporated"],
    &["corporation"],
    &["handelsbolag"],
    &["limited"],
    &["societe"],
    &["eireli"],
    &["gmbh"],
    &["kgaa"],
    &["sarl"],
    &["eurl"],
    &["ltda"],
    &["corp"],
    &["spzoo"],
    &["eood"],
    &["ooo"],
    &["oao"],
    &["zao"],
    &["tov"],
    &["pat"],
    &["ood"],
    &["ead"],
    &["inc"],
    &["llc"],
    &["llp"],
    &["ltd"],
    &["plc"],
    &["sas"],
    &["spa"],
    &["srl"],
    &["sro"],
    &["aps"],
    &["oyj"],
    &["kft"],
    &["doo"],
    &["zrt"],
    &["nyrt"],
    &["bvba"],
    &["epe"],
    &["ag"],
    &["kg"],
    &["se"],
    &["ek"],
    &["ug"],
    &["sa"],
    &["sl"],
    &["as"],
    &["ab"],
    &["oy"],
    &["ky"],
    &["ou"],
    &["bv"],
    &["nv"],
    &["lp"],
];

/// Forms of one or two letters that may as well be a word or initials: taken off the end only.
const SHORT_AT_END: [&str; 8] = ["ad", "ae", "kk", "sc", "cv", "kd", "jsc", "hb"];

/// What people shorten.
const ABBREVIATIONS: [(&str, &str); 30] = [
    ("intl", "international"),
    ("int", "international"),
    ("mfg", "manufacturing"),
    ("mfr", "manufacturing"),
    ("bros", "brothers"),
    ("tech", "technology"),
    ("technologies", "technology"),
    ("techn", "technology"),
    ("svc", "services"),
    ("svcs", "services"),
    ("service", "services"),
    ("ind", "industries"),
    ("inds", "industries"),
    ("industry", "industries"),
    ("eng", "engineering"),
    ("engrg", "engineering"),
    ("assoc", "associates"),
    ("natl", "national"),
    ("univ", "university"),
    ("mgmt", "management"),
    ("dist", "distribution"),
    ("grp", "group"),
    ("hldg", "holding"),
    ("hldgs", "holding"),
    ("holdings", "holding"),
    ("und", "and"),
    ("et", "and"),
    ("og", "and"),
    ("och", "and"),
    ("y", "and"),
];

/// The name without legal forms in their own letters.
pub(super) fn without_native(name: &str) -> String {
    let mut out = name.to_owned();
    for form in NATIVE {
        // Forms in letters with small and capital ones are words of their own.
        let word = form.chars().any(char::is_lowercase) || form.chars().any(char::is_uppercase);
        if word {
            out = words_replaced(&out, form);
        } else {
            out = out.replace(form, " ");
        }
    }
    if out.trim().is_empty() { name.to_owned() } else { out }
}

/// The text without a phrase, where it stands between spaces, commas or ends.
fn words_replaced(text: &str, phrase: &str) -> String {
    let outside = |c: Option<char>| c.is_none_or(|c| !c.is_alphanumeric());
    let found = text.match_indices(phrase).find(|(at, _)| {
        let (before, after) = (&text[..*at], &text[at + phrase.len()..]);
        outside(before.chars().next_back()) && outside(after.chars().next())
    });
    found.map_or_else(|| text.to_owned(), |(at, _)| format!("{} {}", &text[..at], &text[at + phrase.len()..]))
}

/// Forms that are one, written out or not.
fn one_spelling(form: &str) -> String {
    let joined: String = form.split(' ').filter(|word| *word != "and" && *word != "und").collect();
    let long = [
        ("incorporated", "inc"),
        ("privatelimited", "pvtltd"),
        ("companylimited", "coltd"),
        ("corporation", "corp"),
        ("limited", "ltd"),
        ("aktiengesellschaft", "ag"),
        ("spzoo", "spzoo"),
    ];
    long.iter().find(|(long, _)| *long == joined).map_or(joined.clone(), |(_, short)| (*short).to_owned())
}

/// Splits folded words into those of the name and the legal form; abbreviations are written out.
pub(super) fn split(words: Vec<String>) -> (Vec<String>, Option<String>) {
    let mut rest = words.as_slice();
    let mut found: Vec<String> = Vec::new();
    let turned = turned(rest);
    loop {
        let ends = |form: &&&[&str]| rest.len() > form.len() && rest.ends_with_words(form);
        let begins = |form: &&&[&str]| rest.len() > form.len() && rest.starts_with_words(form);
        let short = rest.last().filter(|last| rest.len() > 1 && SHORT_AT_END.contains(&last.as_str()));
        if let Some(form) = FORMS.iter().find(ends) {
            found.push(form.join(" "));
            rest = &rest[..rest.len() - form.len()];
        } else if let Some(form) = FORMS.iter().filter(|form| form.concat().len() > 2).find(begins) {
            found.push(form.join(" "));
            rest = &rest[form.len()..];
        } else if let Some(last) = short {
            found.push(last.clone());
            rest = &rest[..rest.len() - 1];
        } else if let Some(turned) = turned.as_ref().filter(|_| found.is_empty() && rest.len() == words.len())
        {
            rest = turned;
        } else {
            break;
        }
    }
    let written_out = rest.iter().map(|word| {
        let long = ABBREVIATIONS.iter().find(|(short, _)| short == word);
        long.map_or(word.clone(), |(_, long)| (*long).to_owned())
    });
    let name = written_out.filter(|word| word != "and" && word != "the").collect::<Vec<_>>();
    let name = if name.is_empty() { rest.to_vec() } else { name };
    found.sort();
    let found: Vec<String> = found.iter().map(|form| one_spelling(form)).collect();
    (name, (!found.is_empty()).then(|| found.join(" ")))
}

/// "Müller GmbH, Söhne": a form of three letters or more in the middle stands where somebody turned the name around.
fn turned(words: &[String]) -> Option<Vec<String>> {
    let (at, form) = FORMS.iter().filter(|form| form.concat().len() > 2).find_map(|form| {
        let inside = |at: &usize| words[*at..].starts_with_words(form) && words.len() > *at + form.len();
        (1..words.len().saturating_sub(form.len())).find(inside).map(|at| (at, form))
    })?;
    let rest = words[..at].iter().chain(&words[at + form.len()..]).cloned();
    Some(rest.chain(form.iter().map(|word| (*word).to_owned())).collect())
}

trait Words {
    fn ends_with_words(&self, form: &[&str]) -> bool;
    fn starts_with_words(&self, form: &[&str]) -> bool;
}

impl Words for [String] {
    fn ends_with_words(&self, form: &[&str]) -> bool {
        self.iter().rev().zip(form.iter().rev()).all(|(word, form)| word == form)
    }

    fn starts_with_words(&self, form: &[&str]) -> bool {
        self.iter().zip(form).all(|(word, form)| word == form)
    }
}

#[cfg(test)]
mod tests {
    use super::{super::fold::words, *};

    #[test]
    fn legal_forms_are_told_from_names_in_many_countries() {
        for (name, rest, form) in [
            ("Acme, Inc.", "acme", Some("inc")),
            ("Müller Maschinenbau GmbH & Co. KG", "muller maschinenbau", Some("gmbhcokg")),
            ("Łódzkie Zakłady Sp. z o.o.", "lodzkie zaklady", Some("spzoo")),
            ("Éclair Énergie S.A.", "eclair energie", Some("sa")),
            ("São José Comércio S/A", "sao jose comercio", Some("sa")),
            ("Shakti Textiles Pvt. Ltd.", "shakti textiles", Some("pvtltd")),
            ("Ørsted Møller A/S", "orsted moller", Some("as")),
            ("株式会社東京電機", "dong jing dian ji", None),
            ("İstanbul Tekstil Ltd. Şti.", "istanbul tekstil", Some("ltdsti")),
            ("Société Éclair Transports et Cie", "eclair transports", Some("etcie societe")),
            ("Sons & Daughters Mfg Intl LLC", "sons daughters manufacturing international", Some("llc")),
            ("Söhne UG (haftungsbeschränkt), Müller", "sohne muller", Some("ughaftungsbeschrankt")),
            ("Строй ООД, Sollum", "stroi sollum", None),
            ("AG", "ag", None),
            ("The Limited", "the", Some("ltd")),
        ] {
            let (found, legal) = split(words(&without_native(name)));
            assert_eq!((found.join(" ").as_str(), legal.as_deref()), (rest, form), "{name}");
        }
    }
}
