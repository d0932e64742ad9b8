//! Is it the same company? What speaks for and against it, and what follows: bind, ask, or neither.
//!
//! Finance's customer and sales' organization are written by different people: with and without legal form, with other
//! accents, abbreviations, word order and mistakes, an old address, another telephone number. No single attribute
//! decides. So a [`Profile`] of each side is made once (folded, without legal forms, domains without `www.`), profiles
//! that share one of their [`Profile::keys`] are compared, and each piece of [`Evidence`] adds points or takes some.
//!
//! # How it is decided
//! [`judge`] binds a customer to an organization only if the evidence is strong ([`BIND`]), the names do not contradict
//! it, and both are each other's only choice: no other organization comes near (a runner-up), and no other customer fits
//! the organization nearly as well (a rival). Whatever falls short of that but is not negligible ([`ASK`]) is a question
//! for a person, with all evidence. The rest is nobody: the customer gets an organization of its own.
//!
//! # What must never happen
//! A false bind: two companies told as one. Parents and daughters share domains, telephone numbers and half their names;
//! a VAT group shares a tax id; the same name exists in two countries; look-alike letters imitate others. Each of these
//! is worth fewer points than binding takes, or leaves a rival, and so ends as a question.

mod compare;
mod country;
mod fold;
mod judge;
mod legal;
mod profile;
mod reverse;

pub use compare::{Comparison, Evidence, EvidenceKind, compare};
pub use judge::{ASK, BIND, Candidate, GAP, Judged, Rarest, Verdict, judge};
pub use profile::{Company, Profile};
pub use reverse::{JudgedParty, PartyCandidate, PartyVerdict, judge_parties};

/// The ISO 3166 alpha-2 code of a country, however people write it; an unknown code of two letters stays as it is.
#[must_use]
pub fn country_code(text: &str) -> Option<String> {
    country::code(text)
}
