//! Companies: names with all their oddities, addresses, numbers; nulls and families among them.

use serde_json::{Value, json};

use super::countries::{COUNTRIES, Country};

/// Syllables of made-up words, so that most names differ.
const SYLLABLES: [&str; 32] = [
    "al", "ba", "cor", "dan", "el", "fin", "gra", "hel", "is", "jo", "ka", "lum", "mar", "nor", "os", "pal",
    "qui", "ra", "sol", "tan", "ul", "ver", "wes", "xi", "yo", "zen", "tri", "pro", "neo", "vi", "mo", "te",
];

/// Latin letters and Greek or Cyrillic ones that look the same.
const HOMOGLYPHS: [(char, char); 8] =
    [('a', 'а'), ('e', 'е'), ('o', 'о'), ('c', 'с'), ('A', 'Α'), ('B', 'В'), ('p', 'р'), ('H', 'Н')];

/// Makes up companies, one after the other.
pub(crate) struct Companies {
    rng: fastrand::Rng,
    /// Of a hundred names, how many are taken from the few words of their country, so that several companies of one town
    /// have the same.
    common: u32,
    /// Some earlier names without legal form, for relatives.
    families: Vec<String>,
    /// Some earlier full names, for doubles and look-alikes.
    names: Vec<String>,
}

impl Companies {
    pub(crate) fn new(rng: fastrand::Rng) -> Self {
        Self::among(rng, false)
    }

    /// Companies in a crowd, if `crowded`: twice as many have a name that others have too.
    pub(crate) fn among(rng: fastrand::Rng, crowded: bool) -> Self {
        let common = if crowded { 30 } else { 15 };
        Self { rng, common, families: Vec::new(), names: Vec::new() }
    }

    /// Attributes of the next company; what is unknown is left out.
    pub(crate) fn next(&mut self) -> Value {
        let country = &COUNTRIES[self.rng.usize(..COUNTRIES.len())];
        let (core, name) = self.name(country);
        let mut company = json!({
            "OrganizationName": name,
            "CurrencyCode": country.currency,
            "ThirdPartyFlag": false,
            "ValidatedFlag": self.rng.bool(),
        });
        let slug = self.slug(&core);
        let details = [
            (70, "URL", self.url(&slug)),
            (50, "EmailAddress", format!("ap@{slug}.example")),
            (75, "RawPhoneNumber", self.fill(country.phone)),
            (65, "TaxpayerIdentificationNumber", self.fill(country.tax)),
            (40, "DUNSNumber", self.fill("#########")),
        ];
        for (percent, attribute, value) in details {
            if self.chance(percent) {
                company[attribute] = json!(value);
            }
        }
        if self.chance(60) {
            company["EmployeesTotal"] = json!(self.rng.u32(1..20_000));
        }
        if self.chance(92) {
            for (attribute, value) in self.address(country) {
                company[attribute] = json!(value);
            }
        }
        company
    }

    /// Attributes of an address.
    pub(crate) fn new_address(&mut self) -> Vec<(&'static str, Option<String>)> {
        let country = &COUNTRIES[self.rng.usize(..COUNTRIES.len())];
        self.address(country)
    }

    /// A telephone number of some country.
    pub(crate) fn new_phone(&mut self) -> String {
        let country = &COUNTRIES[self.rng.usize(..COUNTRIES.len())];
        self.fill(country.phone)
    }

    fn name(&mut self, country: &Country) -> (String, String) {
        if self.names.len() > 20 && self.chance(3) {
            let known = self.names[self.rng.usize(..self.names.len())].clone();
            let name = if self.rng.bool() { known } else { look_alike(&known) };
            return (name.clone(), name);
        }
        let common = 10 + self.common;
        let core = match self.rng.u32(..100) {
            0..10 if self.families.len() > 5 => {
                let family = self.families[self.rng.usize(..self.families.len())].clone();
                format!("{family} {}", self.pick(country.second))
            }
            percent if percent < common => {
                format!("{} {}", self.pick(country.first), self.pick(country.second))
            }
            40..42 => format!("{} 🌱 {}", self.word(), self.pick(country.second)),
            42..44 => format!("{}\u{a0}{}", self.pick(country.first), self.word()),
            // Letters and their accents as separate characters.
            44..46 => format!("Cafe\u{301} {} Stro\u{308}m", self.word()),
            46..48 => self.word().to_uppercase(),
            _ => format!("{} {}", self.word(), self.pick(country.second)),
        };
        let mut name = self.pick(country.forms).replace('*', &core);
        if self.rng.u32(..1000) < 6 {
            name = self.lengthen(name, country);
        }
        if self.names.len() < 2_000 {
            self.names.push(name.clone());
            self.families.push(core.clone());
        }
        (core, name)
    }

    /// A name of 256 to 360 characters, as consortia and funds have.
    fn lengthen(&mut self, name: String, country: &Country) -> String {
        let wanted = self.rng.usize(256..=360);
        let mut name = name;
        while name.chars().count() < wanted {
            name = format!("{name} – {} {}", self.pick(country.second), self.word());
        }
        name.chars().take(wanted).collect::<String>().trim_end().to_owned()
    }

    fn address(&mut self, country: &Country) -> Vec<(&'static str, Option<String>)> {
        let street = self.pick(country.streets);
        let (city, state) = country.towns[self.rng.usize(..country.towns.len())];
        let second = self.chance(12).then(|| format!("c/o {}, {}/F", self.word(), self.rng.u32(1..40)));
        vec![
            ("Address1", Some(self.fill(street))),
            ("Address2", second),
            ("City", Some(city.to_owned())),
            ("State", (!state.is_empty()).then(|| state.to_owned())),
            ("PostalCode", self.chance(90).then(|| self.fill(country.postal))),
            ("Country", Some(country.code.to_owned())),
        ]
    }

    fn url(&mut self, slug: &str) -> String {
        match self.rng.u32(..10) {
            0 => format!("www.{slug}.example"),
            1 => format!("HTTP://WWW.{}.EXAMPLE/", slug.to_uppercase()),
            2 => format!("https://{slug}.example/{}?ref=erp", self.word().to_lowercase()),
            _ => format!("https://www.{slug}.example"),
        }
    }

    /// A host name that goes with the name.
    fn slug(&mut self, core: &str) -> String {
        let ascii: String = core.chars().filter(char::is_ascii_alphanumeric).take(20).collect();
        let slug = if ascii.len() < 3 { self.word() } else { ascii };
        // Two companies never own one domain.
        format!("{}{}", slug.to_lowercase(), self.rng.u32(..100_000_000))
    }

    fn word(&mut self) -> String {
        let mut word = String::new();
        for _ in 0..self.rng.usize(2..=4) {
            word.push_str(SYLLABLES[self.rng.usize(..SYLLABLES.len())]);
        }
        let mut letters = word.chars();
        letters
            .next()
            .map(|first| first.to_uppercase().collect::<String>() + letters.as_str())
            .unwrap_or_default()
    }

    fn fill(&mut self, pattern: &str) -> String {
        let letter = |c| match c {
            '#' => self.rng.digit(10),
            '@' => self.rng.uppercase(),
            other => other,
        };
        pattern.chars().map(letter).collect()
    }

    fn pick(&mut self, words: &[&'static str]) -> &'static str {
        words[self.rng.usize(..words.len())]
    }

    fn chance(&mut self, percent: u32) -> bool {
        self.rng.u32(..100) < percent
    }
}

/// The name with letters of other scripts that look the same.
fn look_alike(name: &str) -> String {
    name.chars()
        .map(|c| HOMOGLYPHS.iter().find(|(latin, _)| *latin == c).map_or(c, |(_, other)| *other))
        .collect()
}
