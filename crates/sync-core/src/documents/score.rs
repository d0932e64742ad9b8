//! How well a deal of the customer fits a document that names none.
//!
//! Each observation gives points. A deal is taken if it has at least [`ATTACH_AT`] and is [`LEAD`] ahead of the next one; a
//! person is asked if one has at least [`PLAUSIBLE`]; else the document belongs to none of them.

use std::collections::BTreeMap;

use jiff::{ToSpan, civil::Date};
use serde::{Deserialize, Serialize};

use super::{document::Document, known::DealSeen, policy::DocumentPolicy, rule::Candidate};
use crate::{deals::DealStatus, ids::DealId};

/// So many points are enough: for example the customer's only deal, won, same currency, in time.
pub const ATTACH_AT: i32 = 60;
/// So many points ahead of the next one is clear: for example the same amount against a part of it.
pub const LEAD: i32 = 20;
/// From so many points on a person is asked.
pub const PLAUSIBLE: i32 = 20;

/// Something that speaks for a deal or against it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// The document names it.
    Named,
    /// A document that it belongs to is there.
    Linked,
    /// It is another company's.
    OtherCompany,
    /// It was won.
    Won,
    /// It is open.
    Open,
    /// It has the document's currency.
    SameCurrency,
    /// It has another currency.
    OtherCurrency,
    /// It is worth what the document comes to.
    SameAmount,
    /// It is worth more: the document may be a part.
    LessThanDeal,
    /// It is worth less.
    MoreThanDeal,
    /// The document is dated when its documents are.
    InTime,
    /// The document is dated when its documents are not.
    OutOfTime,
    /// No other deal of the customer has the currency and is in time.
    OnlyOne,
}

impl Reason {
    /// What it counts.
    #[must_use]
    pub const fn points(self) -> i32 {
        match self {
            Self::Named | Self::Linked => 100,
            Self::SameAmount => 40,
            Self::SameCurrency => 30,
            Self::InTime | Self::OnlyOne => 20,
            Self::Won | Self::LessThanDeal => 15,
            Self::Open => 5,
            Self::OtherCurrency => -30,
            Self::MoreThanDeal => -40,
            Self::OutOfTime => -60,
            Self::OtherCompany => -100,
        }
    }

    /// In words.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::Named => "the document names it",
            Self::Linked => "a document that this one belongs to is there",
            Self::OtherCompany => "it is another company's",
            Self::Won => "it was won",
            Self::Open => "it is open",
            Self::SameCurrency => "same currency",
            Self::OtherCurrency => "another currency",
            Self::SameAmount => "same amount",
            Self::LessThanDeal => "the amount may be a part of the deal's",
            Self::MoreThanDeal => "the amount is more than the deal's",
            Self::InTime => "dated when the deal's documents are",
            Self::OutOfTime => "dated when the deal's documents are not",
            Self::OnlyOne => "the customer's only deal in that currency and time",
        }
    }

    /// Several in words.
    #[must_use]
    pub fn list(reasons: &[Self]) -> String {
        reasons.iter().map(|reason| reason.label()).collect::<Vec<_>>().join(", ")
    }
}

/// A candidate with these reasons.
pub(super) fn candidate(deal: DealId, seen: Option<&DealSeen>, reasons: Vec<Reason>) -> Candidate {
    let score = reasons.iter().map(|reason| reason.points()).sum();
    Candidate { deal, title: seen.map(|seen| seen.title.clone()).unwrap_or_default(), score, reasons }
}

/// The customer's deals that can be meant, the likeliest first.
pub(super) fn candidates(
    policy: &DocumentPolicy,
    document: &Document,
    deals: &BTreeMap<DealId, DealSeen>,
) -> Vec<Candidate> {
    let alive =
        |deal: &&DealSeen| !deal.archived && matches!(deal.status, DealStatus::Open | DealStatus::Won);
    let judged: Vec<(DealId, &DealSeen, Vec<Reason>)> = deals
        .iter()
        .filter(|(_, deal)| alive(deal))
        .map(|(id, deal)| (*id, deal, reasons(policy, document, deal)))
        .collect();
    let fits =
        |reasons: &[Reason]| reasons.contains(&Reason::SameCurrency) && !reasons.contains(&Reason::OutOfTime);
    let only = judged.iter().filter(|(_, _, reasons)| fits(reasons)).count() == 1;
    let mut all: Vec<Candidate> = judged
        .into_iter()
        .map(|(id, deal, mut reasons)| {
            if only && fits(&reasons) {
                reasons.push(Reason::OnlyOne);
            }
            candidate(id, Some(deal), reasons)
        })
        .collect();
    all.sort_by_key(|candidate| (-candidate.score, candidate.deal));
    all
}

fn reasons(policy: &DocumentPolicy, document: &Document, deal: &DealSeen) -> Vec<Reason> {
    let mut all = vec![if deal.status == DealStatus::Won { Reason::Won } else { Reason::Open }];
    if let (Some(value), Some(currency)) = (&deal.value, document.currency.as_deref()) {
        let same = value.currency.eq_ignore_ascii_case(currency);
        all.push(if same { Reason::SameCurrency } else { Reason::OtherCurrency });
        let worth = i128::from(value.amount.0);
        // A deal of no value is one that nobody has put a value on.
        if let Some(total) = document.total.filter(|_| same && worth > 0) {
            let total = i128::from(total.0);
            let allowed = worth * i128::from(policy.tolerance) / 10_000;
            all.push(if (total - worth).abs() <= allowed {
                Reason::SameAmount
            } else if total < worth {
                Reason::LessThanDeal
            } else {
                Reason::MoreThanDeal
            });
        }
    }
    if let Some(in_time) = in_time(policy, document, deal) {
        all.push(if in_time { Reason::InTime } else { Reason::OutOfTime });
    }
    all
}

/// Whether the document is dated when the deal's documents are, if both are dated. What has no date of issue was changed at
/// some time, and that says nothing.
fn in_time(policy: &DocumentPolicy, document: &Document, deal: &DealSeen) -> Option<bool> {
    let date = document.date?;
    let won = deal.won.filter(|_| deal.status == DealStatus::Won);
    let from = won.or(deal.added)?;
    let begin = from.saturating_sub(policy.window.before.days());
    let end = won.map_or(Date::MAX, |won| won.saturating_add(policy.window.after.days()));
    Some(begin <= date && date <= end)
}
