//! What speaks for and against two profiles being one company.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use strsim::jaro_winkler;

use super::{
    country,
    profile::{Name, Profile},
};

/// What a piece of evidence is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EvidenceKind {
    /// The tax id.
    TaxId,
    /// The D-U-N-S number.
    Duns,
    /// The domain of the web site.
    Domain,
    /// The domain of an e-mail address.
    MailDomain,
    /// The telephone number.
    Phone,
    /// The name.
    Name,
    /// A word of the name that nobody else has.
    RareName,
    /// A name of words that many have.
    CommonName,
    /// The legal form.
    LegalForm,
    /// The country.
    Country,
    /// The postal code.
    PostalCode,
    /// The town.
    City,
    /// Street and house.
    Street,
}

impl EvidenceKind {
    /// What people read.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::TaxId => "tax id",
            Self::Duns => "D-U-N-S number",
            Self::Domain => "domain",
            Self::MailDomain => "domain of the e-mail address",
            Self::Phone => "phone",
            Self::Name => "name",
            Self::RareName => "word that only these two names have",
            Self::CommonName => "name of words that many have",
            Self::LegalForm => "legal form",
            Self::Country => "country",
            Self::PostalCode => "postal code",
            Self::City => "town",
            Self::Street => "street",
        }
    }
}

/// A piece of evidence.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Evidence {
    /// What it is about.
    pub kind: EvidenceKind,
    /// What the customer says.
    pub ours: String,
    /// What the organization says.
    pub theirs: String,
    /// What it is worth; below zero where it speaks against.
    pub points: i32,
}

/// All evidence about two profiles.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Comparison {
    /// The sum.
    pub points: i32,
    /// How alike the names are, 0 to 100.
    pub name_likeness: i32,
    /// Piece by piece.
    pub evidence: Vec<Evidence>,
}

impl Comparison {
    /// One line for each piece of evidence.
    #[must_use]
    pub fn explain(&self) -> String {
        let line = |Evidence { kind, ours, theirs, points }: &Evidence| {
            let both = if ours == theirs { format!("{ours:?}") } else { format!("{ours:?} and {theirs:?}") };
            format!("{points:+} {}: {both}", kind.label())
        };
        self.evidence.iter().map(line).collect::<Vec<_>>().join("\n")
    }

    pub(super) fn add(&mut self, kind: EvidenceKind, ours: &str, theirs: &str, points: i32) {
        self.points += points;
        self.evidence.push(Evidence { kind, ours: ours.to_owned(), theirs: theirs.to_owned(), points });
    }
}

/// Compares two profiles. Swapping them swaps `ours` and `theirs` and changes no points.
#[must_use]
pub fn compare(ours: &Profile, theirs: &Profile) -> Comparison {
    let mut found = Comparison::default();
    names(&mut found, ours, theirs);
    // An id given by an authority; groups share tax ids, so alone it is a question (judge.rs).
    sets(&mut found, EvidenceKind::TaxId, (&ours.tax_ids, &theirs.tax_ids), 60, -60);
    if let (Some(left), Some(right)) = (&ours.duns, &theirs.duns) {
        found.add(EvidenceKind::Duns, left, right, if left == right { 60 } else { -50 });
    }
    // Companies have several domains; another one says little.
    sets(&mut found, EvidenceKind::Domain, (&ours.domains, &theirs.domains), 35, -10);
    if ours.domains.is_disjoint(&theirs.domains) {
        mail_domains(&mut found, ours, theirs);
    }
    sets(&mut found, EvidenceKind::Phone, (&ours.phones, &theirs.phones), 20, 0);
    if ours.phones.is_disjoint(&theirs.phones) {
        extensions(&mut found, ours, theirs);
    }
    if let (Some(left), Some(right)) = (&ours.country, &theirs.country) {
        found.add(EvidenceKind::Country, left, right, if left == right { 5 } else { -45 });
    }
    place(&mut found, ours, theirs);
    found
}

/// Two numbers of one switchboard: they differ in their last three digits only.
fn extensions(found: &mut Comparison, ours: &Profile, theirs: &Profile) {
    let trunk =
        |number: &str| number.get(..number.len() - 3).filter(|trunk| trunk.len() >= 5).map(str::to_owned);
    let one = |left: &&String, right: &&String| {
        left.len() == right.len() && trunk(left).is_some_and(|trunk| right.starts_with(&trunk))
    };
    let pairs = ours.phones.iter().flat_map(|left| theirs.phones.iter().map(move |right| (left, right)));
    let mut pairs = pairs.filter(|(left, right)| one(left, right));
    if let Some((left, right)) = pairs.next() {
        found.add(EvidenceKind::Phone, left, right, 12);
    }
}

/// A domain of e-mail addresses that is the other one's web site is the company's own; one that both have for e-mail
/// only may be that of a provider that we do not know.
fn mail_domains(found: &mut Comparison, ours: &Profile, theirs: &Profile) {
    let of_site = ours.domains.intersection(&theirs.mail_domains).next();
    let of_site = of_site.or_else(|| ours.mail_domains.intersection(&theirs.domains).next());
    match of_site {
        Some(domain) => found.add(EvidenceKind::MailDomain, domain, domain, 30),
        None => {
            let both = (&ours.mail_domains, &theirs.mail_domains);
            sets(found, EvidenceKind::MailDomain, both, 10, 0);
        }
    }
}

fn names(found: &mut Comparison, ours: &Profile, theirs: &Profile) {
    let pairs = ours.names.iter().flat_map(|left| theirs.names.iter().map(move |right| (left, right)));
    // The first of the likest, and of those one whose legal forms agree.
    let judged = pairs.map(|(left, right)| (likeness(left, right), !forms_differ(left, right), left, right));
    let best = judged.reduce(|best, next| if (next.0, next.1) > (best.0, best.1) { next } else { best });
    let Some((like, _, left, right)) = best else { return };
    found.name_likeness = like;
    let points = match like {
        100.. => 40,
        93..100 => 33,
        86..93 => 24,
        78..86 => 8,
        60..78 => 0,
        _ => -35,
    };
    found.add(EvidenceKind::Name, &left.entered, &right.entered, points);
    if let (Some(ours), Some(theirs)) = (&left.form, &right.form)
        && forms_differ(left, right)
    {
        // One company seldom changes it; people seldom get it right.
        found.add(EvidenceKind::LegalForm, ours, theirs, -8);
    }
}

/// How alike two names are, 0 to 100, whatever the order of their words.
fn likeness(left: &Name, right: &Name) -> i32 {
    if left.cut || right.cut {
        return if left.words == right.words { CUT } else { 0 };
    }
    let joined = (left.words.concat(), right.words.concat());
    if joined.0 == joined.1 && !differ(&left.ideographs, &right.ideographs) {
        return 100;
    }
    if differ(&left.ideographs, &right.ideographs) {
        return SOUNDS;
    }
    // The likest words first, so that it does not matter which name is asked about the other.
    let mut pairs: Vec<(f64, [&String; 2], usize, usize)> = Vec::new();
    for (at, word) in left.words.iter().enumerate() {
        for (there, other) in right.words.iter().enumerate() {
            let like = alike(word, other);
            if like >= WORD {
                pairs.push((like, [word.min(other), word.max(other)], at, there));
            }
        }
    }
    pairs.sort_by(|(left, left_words, ..), (right, right_words, ..)| {
        right.total_cmp(left).then_with(|| left_words.cmp(right_words))
    });
    let (mut mine, mut yours) = (vec![true; left.words.len()], vec![true; right.words.len()]);
    let length = |word: &String| word.chars().count() as f64;
    let mut shared = 0.0;
    for (like, [word, other], at, there) in pairs {
        if mine[at] && yours[there] {
            (mine[at], yours[there]) = (false, false);
            shared += like * (length(word) + length(other));
        }
    }
    let all: f64 = left.words.iter().chain(&right.words).map(length).sum();
    let whole = percent(shared / all.max(1.0));
    match (mine.contains(&true), yours.contains(&true)) {
        (false, false) if jaro_winkler(&joined.0, &joined.1) >= 0.97 => whole.max(86),
        (false, false) => whole,
        // One word written as two, with a mistake.
        (true, true)
            if left.words.len() != right.words.len() && jaro_winkler(&joined.0, &joined.1) >= 0.97 =>
        {
            86
        }
        // "Acme Germany" and "Acme France": each has a word that the other one does not have.
        (true, true) => whole.min(70),
        // "Acme" and "Acme Logistics": perhaps a daughter.
        (true, false) | (false, true) => whole.min(84),
    }
}

/// Likeness of names that begin alike and are longer than the CRM keeps: a daughter's has its own word after that.
const CUT: i32 = 85;

/// Likeness of names in Chinese characters that differ and yet are transcribed alike.
const SOUNDS: i32 = 70;

/// Whether both have something, and not the same.
fn differ(left: &[char], right: &[char]) -> bool {
    !left.is_empty() && !right.is_empty() && left != right
}

fn forms_differ(left: &Name, right: &Name) -> bool {
    left.form.is_some() && right.form.is_some() && left.form != right.form
}

/// Words this alike are one word, misspelt.
const WORD: f64 = 0.9;

/// Short words and words with digits are the same or they are not: `B2` is not `B3`.
fn alike(left: &str, right: &str) -> f64 {
    if left == right {
        return 1.0;
    }
    let digits = |word: &str| word.chars().any(|c| c.is_ascii_digit());
    // "Technik" and "Technikservice" are two words; whoever mistypes one hardly adds three letters.
    if left.len().min(right.len()) < 4
        || left.len().abs_diff(right.len()) >= 3
        || digits(left)
        || digits(right)
    {
        return 0.0;
    }
    jaro_winkler(left, right)
}

#[expect(clippy::cast_possible_truncation, reason = "a share of 1 in percent")]
fn percent(share: f64) -> i32 {
    (share.clamp(0.0, 1.0) * 100.0).floor() as i32
}

fn sets(
    found: &mut Comparison,
    kind: EvidenceKind,
    (ours, theirs): (&BTreeSet<String>, &BTreeSet<String>),
    same: i32,
    other: i32,
) {
    let all = |set: &BTreeSet<String>| set.iter().cloned().collect::<Vec<_>>().join(", ");
    match (ours.intersection(theirs).next(), ours.is_empty() || theirs.is_empty()) {
        (Some(both), _) => found.add(kind, both, both, same),
        (None, false) if other != 0 => found.add(kind, &all(ours), &all(theirs), other),
        (None, _) => {}
    }
}

fn place(found: &mut Comparison, ours: &Profile, theirs: &Profile) {
    if let (Some(left), Some(right)) = (&ours.postal, &theirs.postal)
        && left == right
    {
        found.add(EvidenceKind::PostalCode, left, right, 12);
    } else if let Some(code) = named_by(ours, theirs).or_else(|| named_by(theirs, ours)) {
        found.add(EvidenceKind::PostalCode, code, code, 12);
    }
    if let (Some(left), Some(right)) = (&ours.city, &theirs.city) {
        // Companies move; that is why another town says little.
        let same = left == right || jaro_winkler(left, right) >= 0.93;
        found.add(EvidenceKind::City, left, right, if same { 12 } else { -6 });
    } else if let Some(city) = ours.city.as_ref().filter(|city| says(theirs, city)) {
        found.add(EvidenceKind::City, city, city, 10);
    } else if let Some(city) = theirs.city.as_ref().filter(|city| says(ours, city)) {
        found.add(EvidenceKind::City, city, city, 10);
    }
    let numbers = |profile: &Profile| -> BTreeSet<String> {
        let number = |word: &&String| word.chars().any(|c| c.is_ascii_digit());
        profile.place.iter().filter(number).cloned().collect()
    };
    let both: Vec<&String> = ours.place.intersection(&theirs.place).collect();
    let (mine, yours) = (numbers(ours), numbers(theirs));
    // Two houses may have the third floor in common: whoever has fewer numbers has none of its own.
    let agree = mine.is_subset(&yours) || yours.is_subset(&mine);
    let number = mine.intersection(&yours).next().filter(|_| agree);
    // The same words, one of them the street's, and at least one number: street and house, not only the town.
    let fewer = ours.place.len().min(theirs.place.len());
    let town = |word: &str| {
        [ours, theirs].iter().filter_map(|one| one.city.as_ref()).any(|city| city.contains(word))
    };
    let street = |word: &str| {
        let letters = word.len() > 2 && !word.bytes().any(|byte| byte.is_ascii_digit());
        letters && !town(word) && country::code(word).is_none()
    };
    let alike = both.len() * 10 >= fewer * 7 && both.iter().any(|word| street(word));
    if let Some(number) = number.filter(|_| fewer >= 3 && alike) {
        found.add(EvidenceKind::Street, number, number, 10);
    } else if !agree && fewer >= 3 {
        // Worth nothing by itself, for companies move; but of two alike, this is not the one.
        let all = |numbers: BTreeSet<String>| numbers.into_iter().collect::<Vec<_>>().join(", ");
        found.add(EvidenceKind::Street, &all(mine), &all(yours), 0);
    }
}

/// The postal code of one, if an address without parts names it.
fn named_by<'a>(one: &'a Profile, other: &Profile) -> Option<&'a str> {
    let code = one.postal.as_ref().filter(|code| other.postal.is_none() && code.len() >= 4)?;
    other.codes.contains(code).then_some(code)
}

/// Whether an address without parts names the town.
fn says(profile: &Profile, city: &str) -> bool {
    !city.is_empty() && city.split(' ').all(|word| profile.place.contains(word))
}

#[cfg(test)]
mod tests {
    use super::{super::Company, *};

    fn named(name: &str) -> Profile {
        Profile::of(&Company { names: vec![name.into()], ..Company::default() })
    }

    #[test]
    fn names_are_alike_whatever_their_order_accents_and_mistakes() {
        for (left, right, at_least, at_most) in [
            ("Acme Ltd", "ACME Limited", 100, 100),
            ("Müller Technik", "Technik Muller", 100, 100),
            ("Nordlicht Maschinenbau", "Nordlicht Maschinnenbau", 93, 99),
            ("Acme", "Acme Logistics", 0, 84),
            ("Acme Germany", "Acme France", 0, 70),
            ("Acme Holding AG", "Acme Logistics GmbH", 0, 70),
            ("Zeta Foods", "Bolt Medical", 0, 59),
            ("Line B2", "Line B3", 0, 70),
            ("Ganga Udyog", "Ganga UdyogSüd", 0, 70),
            ("Daimler Chrysler", "DaimlerChrysler", 100, 100),
        ] {
            let found = compare(&named(left), &named(right));
            let like = found.name_likeness;
            assert!((at_least..=at_most).contains(&like), "{left} / {right}: {like}");
            assert_eq!(compare(&named(right), &named(left)).points, found.points, "both ways");
        }
    }

    #[test]
    fn evidence_explains_itself() {
        let company = |country: &str, site: &str| Company {
            names: vec!["Acme Ltd".into()],
            websites: vec![site.into()],
            country: Some(country.into()),
            ..Company::default()
        };
        let found =
            compare(&Profile::of(&company("GB", "acme.com")), &Profile::of(&company("FR", "www.acme.com")));
        assert_eq!(
            found.explain(),
            "+40 name: \"Acme Ltd\"\n+35 domain: \"acme.com\"\n-45 country: \"GB\" and \"FR\""
        );
    }
}
