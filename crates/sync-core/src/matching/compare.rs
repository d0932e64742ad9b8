//! What speaks for and against two profiles being one company.

use serde::{Deserialize, Serialize};
use strsim::jaro_winkler;

use super::profile::{Name, Profile};

/// What a piece of evidence is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EvidenceKind {
    /// The tax id.
    TaxId,
    /// The D-U-N-S number.
    Duns,
    /// The domain of web site or e-mail.
    Domain,
    /// The telephone number.
    Phone,
    /// The name.
    Name,
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
            Self::Phone => "phone",
            Self::Name => "name",
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

    fn add(&mut self, kind: EvidenceKind, ours: &str, theirs: &str, points: i32) {
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
    sets(&mut found, EvidenceKind::Phone, (&ours.phones, &theirs.phones), 20, 0);
    if let (Some(left), Some(right)) = (&ours.country, &theirs.country) {
        found.add(EvidenceKind::Country, left, right, if left == right { 5 } else { -45 });
    }
    place(&mut found, ours, theirs);
    found
}

fn names(found: &mut Comparison, ours: &Profile, theirs: &Profile) {
    let pairs = ours.names.iter().flat_map(|left| theirs.names.iter().map(move |right| (left, right)));
    let best = pairs.map(|(left, right)| (likeness(left, right), left, right)).max_by_key(|(like, ..)| *like);
    let Some((like, left, right)) = best else { return };
    found.name_likeness = like;
    let points = match like {
        100.. => 40,
        93..100 => 32,
        86..93 => 24,
        78..86 => 8,
        60..78 => 0,
        _ => -35,
    };
    found.add(EvidenceKind::Name, &left.entered, &right.entered, points);
    if let (Some(ours), Some(theirs)) = (&left.form, &right.form)
        && ours != theirs
    {
        // One company seldom changes it; people seldom get it right.
        found.add(EvidenceKind::LegalForm, ours, theirs, -8);
    }
}

/// How alike two names are, 0 to 100, whatever the order of their words.
fn likeness(left: &Name, right: &Name) -> i32 {
    let joined = (left.words.concat(), right.words.concat());
    if joined.0 == joined.1 {
        return 100;
    }
    let (short, long) = if left.words.len() <= right.words.len() { (left, right) } else { (right, left) };
    let mut free: Vec<&String> = long.words.iter().collect();
    let (mut likeness, mut weight, mut lonely) = (0.0, 0.0, 0);
    for word in &short.words {
        let best = free.iter().enumerate().map(|(at, other)| (alike(word, other), at));
        let best = best.max_by(|(left, _), (right, _)| left.total_cmp(right));
        let letters = word.chars().count() as f64;
        weight += letters;
        match best {
            Some((like, at)) if like >= WORD => {
                likeness += like * letters;
                free.remove(at);
            }
            Some(_) | None => lonely += 1,
        }
    }
    weight += free.iter().map(|word| word.chars().count() as f64).sum::<f64>();
    let whole = percent(likeness / weight.max(1.0));
    match (lonely, free.len()) {
        (0, 0) => whole,
        // "Acme" and "Acme Logistics": perhaps a daughter.
        (0, _) => whole.min(84),
        // "Acme Germany" and "Acme France": each has a word that the other one does not have.
        (_, 1..) => whole.min(70),
        (_, 0) => whole.min(70),
    }
    .max(if jaro_winkler(&joined.0, &joined.1) >= 0.97 && lonely == 0 { 86 } else { 0 })
}

/// Words this alike are one word, misspelt.
const WORD: f64 = 0.9;

/// Short words and words with digits are the same or they are not: `B2` is not `B3`.
fn alike(left: &str, right: &str) -> f64 {
    if left == right {
        return 1.0;
    }
    let digits = |word: &str| word.chars().any(|c| c.is_ascii_digit());
    if left.len().min(right.len()) < 4 || digits(left) || digits(right) {
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
    (ours, theirs): (&std::collections::BTreeSet<String>, &std::collections::BTreeSet<String>),
    same: i32,
    other: i32,
) {
    let all = |set: &std::collections::BTreeSet<String>| set.iter().cloned().collect::<Vec<_>>().join(", ");
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
    let numbers = |profile: &Profile| {
        profile
            .place
            .iter()
            .filter(|word| word.chars().any(|c| c.is_ascii_digit()))
            .cloned()
            .collect::<Vec<_>>()
    };
    let both: Vec<&String> = ours.place.intersection(&theirs.place).collect();
    let number = numbers(ours).into_iter().find(|number| both.contains(&number));
    // The same words and at least one number: street and house, not only the town.
    let fewer = ours.place.len().min(theirs.place.len());
    if let Some(number) = number.filter(|_| fewer >= 3 && both.len() * 10 >= fewer * 7) {
        found.add(EvidenceKind::Street, &number, &number, 10);
    }
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
