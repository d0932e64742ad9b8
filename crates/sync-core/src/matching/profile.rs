//! A company as it is compared: normalised once, with the keys by which possible counterparts are found.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::{country, fold, legal};
use crate::value::PostalAddress;

/// A company as somebody entered it. Everything may be missing.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Company {
    /// Its names.
    pub names: Vec<String>,
    /// Its tax ids.
    pub tax_ids: Vec<String>,
    /// Its D-U-N-S number.
    pub duns: Option<String>,
    /// Its web sites.
    pub websites: Vec<String>,
    /// Its e-mail addresses.
    pub emails: Vec<String>,
    /// Its telephone numbers.
    pub phones: Vec<String>,
    /// Its address.
    pub address: Option<PostalAddress>,
    /// Its country, if the address does not say it.
    pub country: Option<String>,
}

/// A name without its legal form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Name {
    /// As it was entered.
    pub(super) entered: String,
    /// Folded words in the order of writing.
    pub(super) words: Vec<String>,
    /// The legal form.
    pub(super) form: Option<String>,
    /// Its ideographs, sorted: two names that only sound the same are two names.
    pub(super) ideographs: Vec<char>,
    /// Whether one of the systems cannot keep all of it.
    pub(super) cut: bool,
}

/// A normalised company.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Profile {
    pub(super) names: Vec<Name>,
    pub(super) tax_ids: BTreeSet<String>,
    pub(super) duns: Option<String>,
    pub(super) domains: BTreeSet<String>,
    /// Domains that only an e-mail address tells: often those of a provider.
    pub(super) mail_domains: BTreeSet<String>,
    pub(super) phones: BTreeSet<String>,
    pub(super) country: Option<String>,
    pub(super) postal: Option<String>,
    /// Folded words of the whole address.
    pub(super) place: BTreeSet<String>,
    /// What may be a postal code in that text: words with digits, and two such words in a row.
    pub(super) codes: BTreeSet<String>,
    pub(super) city: Option<String>,
}

/// Hosts where everybody has an address or a page: they tell nothing of a company.
const PUBLIC: [&str; 33] = [
    "facebook.com",
    "linkedin.com",
    "instagram.com",
    "twitter.com",
    "x.com",
    "wordpress.com",
    "wixsite.com",
    "163.com",
    "126.com",
    "t-online.de",
    "web.de",
    "me.com",
    "mail.com",
    "mail.ru",
    "orange.fr",
    "free.fr",
    "sfr.fr",
    "laposte.net",
    "comcast.net",
    "verizon.net",
    "att.net",
    "cox.net",
    "btinternet.com",
    "virginmedia.com",
    "bigpond.com",
    "uol.com.br",
    "terra.com.br",
    "bol.com.br",
    "ukr.net",
    "wp.pl",
    "o2.pl",
    "interia.pl",
    "onet.pl",
];

/// The same under any country: `yahoo.co.uk`, `gmx.at`.
const PUBLIC_EVERYWHERE: [&str; 24] = [
    "gmail",
    "googlemail",
    "outlook",
    "hotmail",
    "live",
    "msn",
    "yahoo",
    "ymail",
    "icloud",
    "aol",
    "gmx",
    "yandex",
    "qq",
    "naver",
    "daum",
    "proton",
    "protonmail",
    "wanadoo",
    "bluewin",
    "libero",
    "seznam",
    "zoho",
    "fastmail",
    "rediffmail",
];

impl Profile {
    /// Normalises a company.
    #[must_use]
    pub fn of(company: &Company) -> Self {
        let Company { names, tax_ids, duns, websites, emails, phones, address, country } = company;
        let address_country = address.as_ref().and_then(|address| address.country.as_deref());
        let country = country.as_deref().or(address_country).and_then(country::code);
        let hosts = websites.iter().filter_map(|site| host(site));
        let mail = emails.iter().filter_map(|email| Some(email.rsplit_once('@')?.1.trim().to_lowercase()));
        let part = |of: fn(&PostalAddress) -> &Option<String>| {
            address.as_ref().and_then(|address| of(address).clone())
        };
        let domains: BTreeSet<String> = hosts.filter_map(|host| registrable(&host)).collect();
        let mail_domains = mail.filter_map(|host| registrable(&host)).filter(|host| !domains.contains(host));
        Self {
            mail_domains: mail_domains.collect(),
            domains: domains.clone(),
            names: names.iter().filter_map(|name| self::name(name)).collect(),
            tax_ids: tax_ids.iter().filter_map(|id| tax_id(id, country.as_deref())).collect(),
            duns: duns.as_deref().map(fold::alphanumeric).filter(|duns| duns.len() >= 8),
            phones: phones.iter().filter_map(|text| country::phone(text, country.as_deref())).collect(),
            postal: part(|address| &address.postal_code).map(|code| fold::alphanumeric(&code)),
            city: part(|address| &address.locality)
                .map(|city| fold::words(&city).join(" "))
                .filter(|c| !c.is_empty()),
            codes: address.iter().flat_map(|address| codes(&fold::words(&address.line))).collect(),
            place: address.iter().flat_map(|address| fold::words(&address.line)).collect(),
            country,
        }
    }

    /// Short texts of which true counterparts share at least one and others seldom any.
    #[must_use]
    pub fn keys(&self) -> BTreeSet<String> {
        let mut keys = BTreeSet::new();
        keys.extend(self.tax_ids.iter().map(|id| format!("t:{id}")));
        keys.extend(self.duns.iter().map(|duns| format!("d:{duns}")));
        keys.extend(self.domains.iter().chain(&self.mail_domains).map(|domain| format!("w:{domain}")));
        keys.extend(self.phones.iter().map(|phone| format!("p:{phone}")));
        for Name { words, .. } in &self.names {
            let mut sorted = words.clone();
            sorted.sort();
            keys.insert(format!("n:{}", sorted.join(" ")));
            keys.insert(format!("c:{}", words.concat()));
            // A misspelt or reordered name keeps the sound of its longest words.
            let mut longest: Vec<String> = words.iter().map(|word| fold::skeleton(word)).collect();
            longest.sort_by_key(|sound| (std::cmp::Reverse(sound.len()), sound.clone()));
            longest.truncate(2);
            longest.sort();
            if longest.iter().any(|sound| sound.len() >= 3) {
                let sound = longest.join(" ");
                // Whichever letter one of them forgot, doubled or swapped: without it they are the same.
                for (at, letter) in sound.char_indices().filter(|_| sound.len() >= 4) {
                    keys.insert(format!("x:{}{}", &sound[..at], &sound[at + letter.len_utf8()..]));
                }
                keys.insert(format!("x:{sound}"));
            }
            let country = self.country.as_deref().unwrap_or("-");
            if let (Some(first), [_, ..]) = (words.first().filter(|word| word.len() >= 5), words.as_slice()) {
                keys.insert(format!("m:{}:{country}", fold::skeleton(first)));
            }
        }
        keys
    }

    /// Words of the name by which a company can be told from others, if nobody else has them.
    #[must_use]
    pub fn words(&self) -> BTreeSet<&str> {
        let telling = |word: &&String| word.chars().count() >= 4 && word.chars().any(char::is_alphabetic);
        self.names.iter().flat_map(|name| name.words.iter().filter(telling)).map(String::as_str).collect()
    }

    /// The name as it was entered first.
    #[must_use]
    pub fn name(&self) -> &str {
        self.names.first().map_or("", |name| name.entered.as_str())
    }
}

/// Letters of a name that are compared; the CRM keeps 255 (reference, Pipedrive section 9).
const LONGEST: usize = 254;

fn name(entered: &str) -> Option<Name> {
    let bare = legal::without_native(&fold::composed(entered, LONGEST));
    let (words, form) = legal::split(fold::words(&bare));
    let mut ideographs: Vec<char> = fold::ideographs(&bare);
    ideographs.sort_unstable();
    let cut = entered.trim().chars().count() > LONGEST;
    (!words.is_empty()).then(|| Name { entered: entered.trim().to_owned(), words, form, ideographs, cut })
}

/// A tax id without the country that may stand before it, whether or not the country is known otherwise: both sides
/// lose it, or neither has it.
fn tax_id(text: &str, country: Option<&str>) -> Option<String> {
    let whole = fold::alphanumeric(text);
    let rest = whole.get(2..).filter(|_| {
        let prefix = &whole[..2];
        // Greece writes EL, Northern Ireland XI.
        matches!(prefix, "EL" | "XI") || Some(prefix) == country || country::is_known(prefix)
    });
    let bare = rest.filter(|rest| rest.len() >= 5).unwrap_or(&whole);
    let tells = bare.len() >= 5 && bare.bytes().any(|byte| byte != bare.as_bytes()[0]);
    tells.then(|| bare.to_owned())
}

fn codes(words: &[String]) -> BTreeSet<String> {
    let two = words.windows(2).map(<[String]>::concat);
    let code =
        |text: &String| text.bytes().any(|byte| byte.is_ascii_digit()) && (4..=10).contains(&text.len());
    words.iter().cloned().chain(two).filter(code).map(|code| code.to_uppercase()).collect()
}

fn host(site: &str) -> Option<String> {
    let site = site.trim().to_lowercase();
    let rest = site.split_once("://").map_or(site.as_str(), |(_, rest)| rest);
    let host = rest.split(['/', '?', '#', ':']).next().unwrap_or_default();
    let host = host.rsplit_once('@').map_or(host, |(_, host)| host);
    host.contains('.').then(|| host.to_owned())
}

/// The part of a host that somebody registered; none for what everybody shares.
fn registrable(host: &str) -> Option<String> {
    let domain = psl::domain_str(host.trim_end_matches('.'))?;
    let label = domain.split('.').next().unwrap_or_default();
    let public = PUBLIC.contains(&domain) || PUBLIC_EVERYWHERE.contains(&label);
    (!public).then(|| domain.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_profile_keeps_what_stays_the_same_however_it_is_written() {
        let company = |name: &str, tax: &str, site: &str, mail: &str| Company {
            names: vec![name.into()],
            tax_ids: vec![tax.into()],
            websites: vec![site.into()],
            emails: vec![mail.into()],
            country: Some("DE".into()),
            ..Company::default()
        };
        let one = Profile::of(&company(
            "Müller Technik GmbH",
            "DE 123456789",
            "HTTP://WWW.mueller.co.uk/x",
            "a@gmail.com",
        ));
        let two = Profile::of(&company("TECHNIK, Müller", "123456789", "shop.mueller.co.uk", ""));
        assert_eq!((&one.tax_ids, &one.domains), (&two.tax_ids, &two.domains));
        assert_eq!(one.domains, BTreeSet::from(["mueller.co.uk".to_owned()]), "gmail.com tells nothing");
        assert!(one.keys().intersection(&two.keys()).count() >= 3, "{:?} {:?}", one.keys(), two.keys());
        let empty = Profile::of(&Company::default());
        assert!(empty.keys().is_empty() && empty.name().is_empty());
    }

    #[test]
    fn misspelt_names_still_meet() {
        let keys =
            |name: &str| Profile::of(&Company { names: vec![name.into()], ..Company::default() }).keys();
        for (left, right) in [
            ("Nordlicht Maschinenbau GmbH", "Nordlicht Maschinnenbau"),
            ("Great Lakes Medical Inc.", "Medical Great Lakes"),
            ("Éclair Énergie", "Eclair Energie SA"),
        ] {
            assert!(!keys(left).is_disjoint(&keys(right)), "{left} {right}");
        }
    }
}
