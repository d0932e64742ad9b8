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
}

/// A normalised company.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Profile {
    pub(super) names: Vec<Name>,
    pub(super) tax_ids: BTreeSet<String>,
    pub(super) duns: Option<String>,
    pub(super) domains: BTreeSet<String>,
    pub(super) phones: BTreeSet<String>,
    pub(super) country: Option<String>,
    pub(super) postal: Option<String>,
    /// Folded words of the whole address.
    pub(super) place: BTreeSet<String>,
    pub(super) city: Option<String>,
}

/// Hosts where everybody has an address or a page: they tell nothing of a company.
const PUBLIC: [&str; 34] = [
    "gmail.com",
    "googlemail.com",
    "outlook.com",
    "hotmail.com",
    "live.com",
    "yahoo.com",
    "icloud.com",
    "aol.com",
    "gmx.de",
    "gmx.net",
    "gmx.com",
    "web.de",
    "t-online.de",
    "mail.ru",
    "yandex.ru",
    "qq.com",
    "163.com",
    "126.com",
    "naver.com",
    "proton.me",
    "protonmail.com",
    "orange.fr",
    "free.fr",
    "libero.it",
    "wp.pl",
    "o2.pl",
    "seznam.cz",
    "facebook.com",
    "linkedin.com",
    "instagram.com",
    "twitter.com",
    "x.com",
    "wordpress.com",
    "wixsite.com",
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
        Self {
            names: names.iter().filter_map(|name| self::name(name)).collect(),
            tax_ids: tax_ids.iter().flat_map(|id| tax_id(id, country.as_deref())).collect(),
            duns: duns.as_deref().map(fold::alphanumeric).filter(|duns| duns.len() >= 8),
            domains: hosts.chain(mail).filter_map(|host| registrable(&host)).collect(),
            phones: phones.iter().filter_map(|text| country::phone(text, country.as_deref())).collect(),
            postal: part(|address| &address.postal_code).map(|code| fold::alphanumeric(&code)),
            city: part(|address| &address.locality)
                .map(|city| fold::words(&city).join(" "))
                .filter(|c| !c.is_empty()),
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
        keys.extend(self.domains.iter().map(|domain| format!("w:{domain}")));
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
                keys.insert(format!("x:{}", longest.join(" ")));
            }
            let country = self.country.as_deref().unwrap_or("-");
            if let (Some(first), [_, ..]) = (words.first().filter(|word| word.len() >= 5), words.as_slice()) {
                keys.insert(format!("m:{}:{country}", fold::skeleton(first)));
            }
        }
        keys
    }

    /// The name as it was entered first.
    #[must_use]
    pub fn name(&self) -> &str {
        self.names.first().map_or("", |name| name.entered.as_str())
    }
}

fn name(entered: &str) -> Option<Name> {
    let (words, form) = legal::split(fold::words(&legal::without_native(entered)));
    (!words.is_empty()).then(|| Name { entered: entered.trim().to_owned(), words, form })
}

/// A tax id with and without the country that may stand before it.
fn tax_id(text: &str, country: Option<&str>) -> Vec<String> {
    let whole = fold::alphanumeric(text);
    if whole.len() < 5 || whole.bytes().all(|byte| byte == whole.as_bytes()[0]) {
        return Vec::new();
    }
    // Greece writes EL.
    let prefixes = [country, country.filter(|code| *code == "GR").map(|_| "EL")];
    let bare = prefixes.into_iter().flatten().find_map(|code| whole.strip_prefix(code));
    let bare = bare.filter(|rest| rest.len() >= 5).unwrap_or(&whole).to_owned();
    vec![bare]
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
    let domain = psl::domain_str(host.trim_end_matches('.'))?.to_owned();
    (!PUBLIC.contains(&domain.as_str())).then_some(domain)
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
