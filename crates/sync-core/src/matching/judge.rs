//! From comparisons to a verdict: bind, ask, or nobody.

use serde::{Deserialize, Serialize};

use super::{
    compare::{Comparison, Evidence, EvidenceKind, compare},
    profile::Profile,
};
use crate::ids::{OrgId, PartyId};

/// Points that binding takes: an equal name with a street and its town, with a telephone number or with a web site is
/// enough where nobody else comes near; a name with a town is not.
pub const BIND: i32 = 60;

/// Points from which a person is asked: a name that is nearly the same, if nothing speaks against it.
pub const ASK: i32 = 30;

/// What a word counts that nobody else has, where the whole names are equal: with the town it is enough.
const RARE: i32 = 10;

/// What it takes away when the rarest word of the names is one that very many have: two of them may well sit in one
/// street.
const COMMON: i32 = -10;

/// More than so many are very many.
const MANY: usize = 12;

/// How much farther behind somebody of the same name is who sits in another street than the one in question.
const ELSEWHERE: i32 = 10;

/// How far behind everybody else has to be.
pub const GAP: i32 = 20;

/// Names less alike than this contradict: a shared domain or number is then a family's.
const NAME_FITS: i32 = 86;

/// Points of an id that an authority gave.
const BY_ID: i32 = 60;

/// So many points of ids, domains and telephone numbers are worth a question whatever the names say: a company may have
/// been renamed, and a duplicate is harder to mend than a question to answer.
const HARD: i32 = 50;

/// Candidates shown to a person.
const SHOWN: usize = 5;

/// An organization that shares a key with a customer.
#[derive(Debug, Clone)]
pub struct Candidate<'a> {
    /// The organization.
    pub org: OrgId,
    /// Its profile.
    pub profile: &'a Profile,
    /// Other customers without an organization that share a key with it.
    pub rivals: Vec<(PartyId, &'a Profile)>,
}

/// Of the words of a name (see [`Profile::words`]) the rarest one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Rarest<'a> {
    /// How many companies have it, on both sides together.
    pub bearers: usize,
    /// The word.
    pub word: &'a str,
}

/// An organization with what speaks for and against it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Judged {
    /// The organization.
    pub org: OrgId,
    /// Its name.
    pub name: String,
    /// The evidence.
    pub comparison: Comparison,
    /// Other customers that it fits nearly as well, or better.
    pub rivals: Vec<PartyId>,
}

/// What follows. Closed on purpose: match it without `_`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// They are one company.
    Bind {
        /// The organization.
        chosen: Judged,
        /// The next one, which is far behind.
        runner_up: Option<Judged>,
    },
    /// A person has to say.
    Ask {
        /// The likeliest first.
        candidates: Vec<Judged>,
        /// Why it is not certain, one sentence.
        why: String,
    },
    /// None of them is worth a question.
    Nobody,
}

/// Judges the organizations that share a key with a customer. `rarest` is about the words of the customer's name.
#[must_use]
pub fn judge(subject: &Profile, rarest: Option<Rarest<'_>>, candidates: &[Candidate<'_>]) -> Verdict {
    let mut judged: Vec<Judged> =
        candidates.iter().map(|candidate| one(subject, rarest, candidate)).collect();
    judged.retain(|one| one.comparison.points >= ASK || hard(&one.comparison) >= HARD);
    judged.sort_by_key(|one| (std::cmp::Reverse(one.comparison.points), one.org));
    let Some(best) = judged.first() else { return Verdict::Nobody };
    match doubt(best, judged.get(1)) {
        None => {
            let mut judged = judged.into_iter();
            match (judged.next(), judged.next()) {
                (Some(chosen), runner_up) => Verdict::Bind { chosen, runner_up },
                (None, _) => Verdict::Nobody,
            }
        }
        Some(why) => {
            judged.truncate(SHOWN);
            Verdict::Ask { candidates: judged, why }
        }
    }
}

fn one(subject: &Profile, rarest: Option<Rarest<'_>>, candidate: &Candidate<'_>) -> Judged {
    let mut comparison = compare(subject, candidate.profile);
    let near = comparison.points - GAP;
    let here = has_street(&comparison);
    let theirs = |word: &str| candidate.profile.words().contains(word);
    match rarest.filter(|_| comparison.name_likeness >= NAME_FITS) {
        // Two have it, and these are the two.
        Some(Rarest { bearers: 2, word }) if comparison.name_likeness == 100 && theirs(word) => {
            comparison.add(EvidenceKind::RareName, word, word, RARE);
        }
        Some(Rarest { bearers, word }) if bearers > MANY => {
            comparison.add(EvidenceKind::CommonName, word, word, COMMON);
        }
        Some(_) | None => {}
    }
    // Only whoever is worth a question is near to anybody.
    let rivals = candidate.rivals.iter().filter(|_| comparison.points >= ASK).filter(|(_, rival)| {
        let its = compare(rival, candidate.profile);
        its.points >= ASK && its.points - farther(&its, here) > near
    });
    let rivals = rivals.map(|(party, _)| *party).collect();
    Judged { org: candidate.org, name: candidate.profile.name().to_owned(), comparison, rivals }
}

/// Points of what does not lie in the eye of the beholder.
fn hard(comparison: &Comparison) -> i32 {
    let hard = |piece: &&Evidence| match piece.kind {
        EvidenceKind::TaxId | EvidenceKind::Duns | EvidenceKind::Domain | EvidenceKind::Phone => {
            piece.points > 0
        }
        EvidenceKind::Name
        | EvidenceKind::RareName
        | EvidenceKind::CommonName
        | EvidenceKind::LegalForm
        | EvidenceKind::MailDomain
        | EvidenceKind::Country
        | EvidenceKind::PostalCode
        | EvidenceKind::City
        | EvidenceKind::Street => false,
    };
    comparison.evidence.iter().filter(hard).map(|piece| piece.points).sum()
}

fn has_street(comparison: &Comparison) -> bool {
    comparison.evidence.iter().any(|piece| piece.kind == EvidenceKind::Street && piece.points > 0)
}

/// What another one's points are reduced by, if the one in question sits `here` and it does not.
fn farther(its: &Comparison, here: bool) -> i32 {
    let elsewhere = |piece: &Evidence| piece.kind == EvidenceKind::Street && piece.points == 0;
    if here && its.evidence.iter().any(elsewhere) { ELSEWHERE } else { 0 }
}

fn has_id(comparison: &Comparison) -> bool {
    comparison.evidence.iter().any(|piece| piece.points >= BY_ID)
}

fn named(judged: &Judged) -> String {
    format!("\"{}\" ({})", judged.name, judged.org)
}

/// Why the best one is not certain; none if it is.
fn doubt(best: &Judged, next: Option<&Judged>) -> Option<String> {
    let Comparison { points, name_likeness, evidence } = &best.comparison;
    let by_id = has_id(&best.comparison);
    if *points < BIND {
        return Some("The evidence is not strong enough to decide by itself.".to_owned());
    }
    if *name_likeness < NAME_FITS {
        return Some("The names differ too much: it may be another company of one group.".to_owned());
    }
    if !by_id && evidence.iter().any(|piece| piece.kind == EvidenceKind::LegalForm) {
        return Some("The legal forms differ: they may be two companies of one group.".to_owned());
    }
    // Another name with the same site or telephone is a relative, and no doubt.
    let comes_near = |next: &&Judged| {
        let Comparison { points: its, name_likeness, .. } = &next.comparison;
        let its = its - farther(&next.comparison, has_street(&best.comparison));
        its > points - GAP && (*name_likeness >= NAME_FITS || has_id(&next.comparison))
    };
    if let Some(next) = next.filter(comes_near) {
        return Some(format!("{} and {} fit nearly as well.", named(best), named(next)));
    }
    if let Some(rival) = best.rivals.first() {
        return Some(format!("{} fits customer {rival} nearly as well.", named(best)));
    }
    None
}

#[cfg(test)]
mod tests {
    use super::{super::Company, *};
    use crate::value::PostalAddress;

    fn company(words: &str) -> Profile {
        let mut company = Company::default();
        for word in words.split("; ") {
            let (key, value) = word.split_once('=').unwrap();
            let value = value.to_owned();
            let address = company.address.get_or_insert_default();
            match key {
                "name" => company.names.push(value),
                "tax" => company.tax_ids.push(value),
                "site" => company.websites.push(value),
                "mail" => company.emails.push(value),
                "phone" => company.phones.push(value),
                "country" => company.country = Some(value),
                "city" => address.locality = Some(value),
                "postal" => address.postal_code = Some(value),
                other => panic!("{other}"),
            }
        }
        company.address = company.address.filter(|address| *address != PostalAddress::default());
        Profile::of(&company)
    }

    fn verdict(subject: &str, organizations: &[&str], rivals: &[&str], rarest: Option<Rarest<'_>>) -> String {
        let organizations: Vec<Profile> = organizations.iter().map(|words| company(words)).collect();
        let rivals: Vec<Profile> = rivals.iter().map(|words| company(words)).collect();
        let candidate = |(at, profile)| Candidate {
            org: OrgId(i64::try_from(at).unwrap() + 1),
            profile,
            rivals: rivals.iter().map(|rival| (PartyId(9), rival)).collect(),
        };
        let candidates: Vec<Candidate<'_>> = organizations.iter().enumerate().map(candidate).collect();
        let found = judge(&company(subject), rarest, &candidates);
        let mut reversed = candidates.clone();
        reversed.reverse();
        assert_eq!(judge(&company(subject), rarest, &reversed), found, "the order does not matter");
        match found {
            Verdict::Bind { chosen, .. } => format!("bind {}", chosen.org),
            Verdict::Ask { candidates, .. } => format!("ask {}", candidates.len()),
            Verdict::Nobody => "nobody".to_owned(),
        }
    }

    type Row<'a> = (&'a str, &'a str, &'a [&'a str], &'a [&'a str], &'a str);

    /// Read it top down: a customer, the organizations that exist, other customers without one, and what follows.
    #[test]
    fn who_is_bound_and_who_is_asked_about() {
        let acme = "name=Acme GmbH; site=acme.de; country=DE; city=Berlin";
        let table: [Row<'_>; 21] = [
            ("all but the legal form", acme, &["name=ACME; site=www.acme.de; country=DE"], &[], "bind 1"),
            (
                "the tax id, another spelling",
                "name=Acme GmbH; tax=DE123456789; country=DE",
                &["name=Akme; tax=123456789; country=Germany"],
                &[],
                "ask 1",
            ),
            (
                "the tax id and the name",
                "name=Acme GmbH; tax=DE123456789; country=DE",
                &["name=Acme; tax=123456789; country=Germany"],
                &[],
                "bind 1",
            ),
            ("the name alone", "name=Acme GmbH", &["name=Acme"], &[], "ask 1"),
            (
                "name, town and postal code",
                "name=Acme; country=DE; city=Berlin; postal=10115",
                &["name=Acme; country=DE; city=Berlin; postal=10115"],
                &[],
                "bind 1",
            ),
            (
                "the same, but another customer is there too",
                "name=Acme; country=DE; city=Berlin; postal=10115",
                &["name=Acme; country=DE; city=Berlin; postal=10115"],
                &["name=Acme; country=DE; city=Berlin"],
                "ask 1",
            ),
            (
                "one provider of e-mail",
                "name=Smith Ltd; mail=a@somebodys-mail.net",
                &["name=Smith Ltd; mail=b@somebodys-mail.net"],
                &[],
                "ask 1",
            ),
            (
                "funds of one group: one tax id, one site",
                "name=Solar Invest Fund 1; tax=DE123456789; site=solar.de",
                &["name=Solar Invest Fund 2; tax=DE123456789; site=solar.de"],
                &[],
                "ask 1",
            ),
            (
                "a daughter: one word more",
                "name=Nordlicht Maschinenbau Süd; site=nordlicht.de; phone=0301234567",
                &["name=Nordlicht Maschinenbau; site=nordlicht.de; phone=0301234567"],
                &[],
                "ask 1",
            ),
            (
                "two legal forms in one house",
                "name=Müller AG; site=mueller.de; phone=0301234567; country=DE; city=Berlin",
                &["name=Müller GmbH; site=mueller.de; phone=0301234567; country=DE; city=Berlin"],
                &[],
                "ask 1",
            ),
            (
                "names that sound the same",
                "name=华信; phone=0301234567; country=CN; city=Berlin; postal=10115",
                &["name=化新; phone=0301234567; country=CN; city=Berlin; postal=10115"],
                &[],
                "ask 1",
            ),
            (
                "a tax id with its country, which only one side knows",
                "name=Acme; tax=DE123456789; country=DE",
                &["name=ACME; tax=DE123456789"],
                &[],
                "bind 1",
            ),
            ("the same name in another country", acme, &["name=Acme; country=FR; city=Paris"], &[], "nobody"),
            (
                "the same name, another tax id",
                "name=Acme; tax=11111112; site=acme.de",
                &["name=Acme; tax=22222223; site=acme.de"],
                &[],
                "nobody",
            ),
            (
                "twice in the CRM",
                acme,
                &["name=Acme; site=acme.de; country=DE", "name=ACME GmbH; site=acme.de; country=DE"],
                &[],
                "ask 2",
            ),
            (
                "another customer fits as well",
                acme,
                &["name=Acme; site=acme.de; country=DE"],
                &[acme],
                "ask 1",
            ),
            (
                "a family: one domain, other names",
                "name=Acme Logistics GmbH; site=acme.de; country=DE; phone=0301234567",
                &["name=Acme Holding AG; site=acme.de; country=DE; phone=0301234567"],
                &[],
                "ask 1",
            ),
            (
                "a family: countries in the names",
                "name=Acme Germany; site=acme.com; phone=0301234567",
                &["name=Acme France; site=acme.com; phone=0301234567"],
                &[],
                "ask 1",
            ),
            (
                "a VAT group",
                "name=Acme Logistics; tax=DE123456789; site=acme.de",
                &["name=Zeta Services; tax=DE123456789; site=acme.de"],
                &[],
                "ask 1",
            ),
            ("somebody else", acme, &["name=Bolt; site=bolt.de; country=DE; city=Berlin"], &[], "nobody"),
            ("nobody there", acme, &[], &[], "nobody"),
        ];
        let wrong: Vec<String> = table
            .into_iter()
            .filter_map(|(situation, subject, organizations, rivals, wanted)| {
                let found = verdict(subject, organizations, rivals, None);
                (found != wanted).then(|| format!("{situation}: wanted {wanted}, found {found}"))
            })
            .collect();
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    }

    #[test]
    fn a_rare_word_and_the_town_are_enough_a_rare_word_alone_is_not() {
        let subject = "name=Zenproka Foods; country=DE; city=Berlin";
        let had_by = |bearers| Some(Rarest { bearers, word: "zenproka" });
        let (rare, known, common) = (had_by(2), had_by(5), had_by(13));
        let phone = "; phone=0301234567";
        let with_phone = format!("{subject}{phone}");
        for (ours, organization, rarest, wanted) in [
            (subject, "name=Zenproka Foods; country=DE; city=Berlin", known, "ask 1"),
            (subject, "name=Zenproka Foods; country=DE; city=Berlin", rare, "bind 1"),
            (subject, "name=Zenproka Foods; city=Berlin", rare, "bind 1"),
            (subject, "name=Zenproka Foods", rare, "ask 1"),
            (subject, "name=Zenproka Food; country=DE; city=Berlin", rare, "ask 1"),
            (subject, "name=Zenproka Foods; country=FR; city=Paris", rare, "nobody"),
            (&with_phone, "name=Zenproka Foods; phone=0301234567", known, "bind 1"),
            (&with_phone, "name=Zenproka Foods; phone=0301234567", common, "ask 1"),
        ] {
            assert_eq!(verdict(ours, &[organization], &[], rarest), wanted, "{organization} {rarest:?}");
        }
    }

    #[test]
    fn the_domain_of_an_address_is_a_companys_own_if_it_is_a_web_site() {
        let subject = "name=Smith; mail=ap@smith-foods.com";
        assert_eq!(verdict(subject, &["name=Smith; site=www.smith-foods.com"], &[], None), "bind 1");
        assert_eq!(verdict(subject, &["name=Smith; mail=joe@smith-foods.com"], &[], None), "ask 1");
    }
}
