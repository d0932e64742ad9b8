//! Which deal a document belongs to. Pure and total; the order of the rules can be read here.
//!
//! A person's answer; what was learned from answers; what the document says, rule by rule; the documents that it belongs to;
//! the deals of its customer. A document that names a deal which is gone is not guessed to belong to another one.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::{
    answers::AttachAnswer,
    document::Document,
    kind::DocumentKind,
    known::{Asks, CustomerAsk, CustomerDeals, DealFound, DealSeen, FieldAsk, Known, Link, LinkAsk},
    policy::DocumentPolicy,
    reference::{How, ReferenceField, fold},
    rule::{Ambiguity, Candidate, Rule},
    score::{ATTACH_AT, LEAD, PLAUSIBLE, Reason, candidate, candidates},
};
use crate::ids::{DealId, PartyId};

/// Where a document belongs. Closed on purpose: match it without `_`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "attachment")]
pub enum Attachment {
    /// To this deal.
    Deal {
        /// The deal.
        deal: DealId,
        /// By which rule.
        rule: Rule,
        /// The rule in words.
        because: String,
        /// Whether the deal is archived: it is attached, and shown when the deal is back.
        archived: bool,
    },
    /// A person has to say to which of these.
    Ambiguous {
        /// They, the likeliest first.
        candidates: Vec<Candidate>,
        /// Why it was not decided.
        because: Ambiguity,
    },
    /// To no deal.
    Unmatched {
        /// Why.
        because: Unmatched,
    },
    /// It is a credit memo that is shown with the customer.
    Customer {
        /// The customer, if it is told.
        party: Option<PartyId>,
        /// The account, if it is told.
        account_number: Option<String>,
        /// Why it is on no deal.
        because: Unmatched,
    },
    /// It does not count.
    NotCounted {
        /// Why.
        because: NotCounted,
    },
    /// These deals have to be looked for first: references, links or mergers lead to them.
    Look {
        /// They.
        deals: BTreeSet<DealId>,
    },
}

impl Attachment {
    /// The deal, if there is one.
    #[must_use]
    pub fn deal(&self) -> Option<DealId> {
        match self {
            Self::Deal { deal, .. } => Some(*deal),
            Self::Ambiguous { .. }
            | Self::Unmatched { .. }
            | Self::Customer { .. }
            | Self::NotCounted { .. }
            | Self::Look { .. } => None,
        }
    }
}

/// Why a document belongs to no deal. Closed on purpose: match it without `_`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "why")]
pub enum Unmatched {
    /// A person said so.
    Answer,
    /// It names deals that are gone, or that never were.
    DealsGone {
        /// These.
        deals: BTreeSet<DealId>,
    },
    /// It names none, and documents of its kind are not matched by their customer.
    NamesNone,
    /// It names none, and matching by customer is off.
    NotByCustomer,
    /// It names none, and its customer has no organization.
    NoOrganization,
    /// It names none, and none of its customer's deals can be meant.
    NoDealFits,
}

impl Unmatched {
    /// One sentence for people.
    #[must_use]
    pub fn explain(&self) -> String {
        match self {
            Self::Answer => "A person said that it belongs to no deal.".to_owned(),
            Self::DealsGone { deals } => format!(
                "It names deal {}, which is gone or never was; it is not guessed to belong to another one.",
                list(deals)
            ),
            Self::NamesNone => {
                "It names no deal, and documents of its kind are not matched by their customer.".to_owned()
            }
            Self::NotByCustomer => "It names no deal, and match_by_customer is off.".to_owned(),
            Self::NoOrganization => {
                "It names no deal, and its customer is not paired with an organization.".to_owned()
            }
            Self::NoDealFits => "It names no deal, and none of its customer's deals can be meant.".to_owned(),
        }
    }
}

/// Why a document does not count. Closed on purpose: match it without `_`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "why")]
pub enum NotCounted {
    /// Documents of its kind are not wanted.
    KindOff,
    /// It is not complete.
    Incomplete {
        /// As the ERP says it.
        status: Option<String>,
    },
    /// The ERP does not have it any more.
    Gone,
}

impl NotCounted {
    /// One sentence for people.
    #[must_use]
    pub fn explain(&self) -> String {
        match self {
            Self::KindOff => "Documents of its kind are not among `kinds`.".to_owned(),
            Self::Incomplete { status } => format!(
                "It is not complete in the ERP: its status is {}.",
                status.as_deref().unwrap_or("not told")
            ),
            Self::Gone => "The ERP does not have it any more.".to_owned(),
        }
    }
}

fn list(deals: &BTreeSet<DealId>) -> String {
    deals.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

fn not_counted(policy: &DocumentPolicy, document: &Document) -> Option<NotCounted> {
    if !policy.kinds.contains(&document.key.kind) {
        return Some(NotCounted::KindOff);
    }
    (!document.is_complete()).then(|| NotCounted::Incomplete { status: document.status.clone() })
}

/// Whether documents of the kind may be matched by their customer. A purchase order goes to a supplier, and a credit memo
/// belongs where its invoice is.
const fn by_customer(kind: DocumentKind) -> bool {
    match kind {
        DocumentKind::Invoice | DocumentKind::SalesOrder => true,
        DocumentKind::CreditMemo | DocumentKind::PurchaseOrder => false,
    }
}

/// What has to be known before the document is attached. The deals that fields and links lead to come with their answers;
/// what is missing then, [`attach`] asks for.
#[must_use]
pub fn asks(policy: &DocumentPolicy, document: &Document) -> Asks {
    let mut asks = Asks::default();
    if not_counted(policy, document).is_some() {
        return asks;
    }
    asks.deals.extend(policy.learned.iter().filter(|one| one.by.means(document)).map(|one| one.deal));
    for rule in &policy.references {
        let Some(said) = rule.said(document) else { continue };
        match &rule.how {
            How::Pattern(pattern) => asks.deals.extend(pattern.find(said)),
            How::DealField(field) => {
                asks.fields.insert(field_ask(field, said));
            }
        }
    }
    asks.links = links(document);
    let kind = document.key.kind;
    let party = document.party.filter(|_| kind != DocumentKind::PurchaseOrder);
    asks.customer =
        party.map(|party| CustomerAsk { party, deals: policy.match_by_customer && by_customer(kind) });
    asks
}

fn field_ask(field: &str, said: &str) -> FieldAsk {
    FieldAsk { field: field.to_owned(), value: fold(said) }
}

/// The documents that a document may belong to.
fn links(document: &Document) -> BTreeSet<LinkAsk> {
    let said = |field: ReferenceField| document.references.get(&field).cloned();
    let mut all = BTreeSet::new();
    match document.key.kind {
        DocumentKind::SalesOrder => {}
        DocumentKind::PurchaseOrder => {
            all.extend(said(ReferenceField::SalesOrder).map(LinkAsk::OrderNumber));
        }
        DocumentKind::Invoice => {
            all.extend(said(ReferenceField::CrossReference).map(LinkAsk::OrderNumber));
            let po = said(ReferenceField::PurchaseOrder).zip(document.party);
            all.extend(po.map(|(value, party)| LinkAsk::OrderWithCustomerPo { party, value }));
        }
        DocumentKind::CreditMemo => {
            let Some(account) = document.account_number.clone() else { return all };
            let number = said(ReferenceField::CrossReference);
            all.extend(number.map(|number| LinkAsk::InvoiceNumber { number, account: account.clone() }));
            let amount = document.total.filter(|total| !total.is_zero()).zip(document.currency.clone());
            all.extend(amount.map(|(amount, currency)| LinkAsk::InvoiceCredited {
                account,
                currency,
                amount,
            }));
        }
    }
    all
}

/// Where a document belongs, and why.
#[must_use]
pub fn attach(policy: &DocumentPolicy, document: &Document, known: &Known) -> Attachment {
    if let Some(because) = not_counted(policy, document) {
        return Attachment::NotCounted { because };
    }
    let mut task = Task { policy, document, known, gone: BTreeSet::new() };
    task.decide().unwrap_or_else(|| task.by_customer())
}

/// The deals whose pages a new attachment changes: the one that the document leaves and the one that it comes to. The page
/// of a deal on which it stays changes with the document itself.
#[must_use]
pub fn pages_touched(before: Option<DealId>, after: &Attachment) -> BTreeSet<DealId> {
    match after {
        // Nothing is known yet.
        Attachment::Look { .. } => BTreeSet::new(),
        Attachment::Deal { .. }
        | Attachment::Ambiguous { .. }
        | Attachment::Unmatched { .. }
        | Attachment::Customer { .. }
        | Attachment::NotCounted { .. } => before.into_iter().chain(after.deal()).collect(),
    }
}

struct Task<'a> {
    policy: &'a DocumentPolicy,
    document: &'a Document,
    known: &'a Known,
    /// Deals that were named and are gone.
    gone: BTreeSet<DealId>,
}

/// What became of deals that were named.
enum Found<'a> {
    /// These are there, survivors of mergers for those that were merged.
    Here(Vec<(DealId, &'a DealSeen)>),
    /// These were not looked for.
    Look(BTreeSet<DealId>),
}

impl<'a> Task<'a> {
    /// By everything but the customer's deals.
    fn decide(&mut self) -> Option<Attachment> {
        match self.known.answer {
            Some(AttachAnswer::NoDeal) => return Some(Attachment::Unmatched { because: Unmatched::Answer }),
            Some(AttachAnswer::Deal(deal)) => {
                if let Some(attachment) = self.said_by_person(deal, Rule::Answer) {
                    return Some(attachment);
                }
            }
            None => {}
        }
        for learned in self.policy.learned.iter().filter(|one| one.by.means(self.document)) {
            let rule = Rule::Learned { by: learned.by.clone() };
            if let Some(attachment) = self.said_by_person(learned.deal, rule) {
                return Some(attachment);
            }
        }
        // What a person said is void with its deal; what the document says is not.
        self.gone.clear();
        self.by_reference().or_else(|| self.by_link())
    }

    fn said_by_person(&mut self, deal: DealId, rule: Rule) -> Option<Attachment> {
        match self.find([deal]) {
            Found::Look(deals) => Some(Attachment::Look { deals }),
            Found::Here(here) => here.first().map(|(deal, seen)| on(*deal, seen, rule)),
        }
    }

    /// Follows mergers, and remembers what is gone.
    fn find(&mut self, deals: impl IntoIterator<Item = DealId>) -> Found<'a> {
        let (mut here, mut look): (Vec<(DealId, &DealSeen)>, BTreeSet<DealId>) = Default::default();
        for named in deals {
            let (mut deal, mut been) = (named, BTreeSet::new());
            loop {
                match self.known.deals.get(&deal) {
                    None => {
                        look.insert(deal);
                    }
                    Some(DealFound::Here(seen)) => {
                        if here.iter().all(|(other, _)| *other != deal) {
                            here.push((deal, seen));
                        }
                    }
                    // A circle leads nowhere.
                    Some(DealFound::Merged { into }) if been.insert(deal) => {
                        deal = *into;
                        continue;
                    }
                    Some(DealFound::Merged { .. } | DealFound::Deleted | DealFound::Missing) => {
                        self.gone.insert(named);
                    }
                }
                break;
            }
        }
        if look.is_empty() { Found::Here(here) } else { Found::Look(look) }
    }

    fn by_reference(&mut self) -> Option<Attachment> {
        for rule in &self.policy.references {
            let Some(said) = rule.said(self.document) else { continue };
            let (named, by, several) = match &rule.how {
                How::Pattern(pattern) => (
                    pattern.find(said),
                    Rule::Pattern {
                        field: rule.field.clone(),
                        pattern: pattern.as_str().to_owned(),
                        said: said.to_owned(),
                    },
                    Ambiguity::SeveralNamed { field: rule.field.clone(), said: said.to_owned() },
                ),
                How::DealField(field) => (
                    self.known.fields.get(&field_ask(field, said)).cloned().unwrap_or_default(),
                    Rule::DealField {
                        field: rule.field.clone(),
                        deal_field: field.clone(),
                        said: said.to_owned(),
                    },
                    Ambiguity::SeveralSay { deal_field: field.clone(), said: said.to_owned() },
                ),
            };
            let here = match self.find(named) {
                Found::Look(deals) => return Some(Attachment::Look { deals }),
                Found::Here(here) => here,
            };
            let here = match &rule.how {
                How::Pattern(_) => here,
                // An order number that two customers have means each one's own deal.
                How::DealField(_) => self.own_first(here),
            };
            match here.as_slice() {
                [] => {}
                [(deal, seen)] => return Some(self.named(*deal, seen, by)),
                several_deals => return Some(ambiguous(several_deals, several, Reason::Named)),
            }
        }
        None
    }

    /// The customer's organization; a supplier's says nothing about the deal.
    fn customer(&self) -> Option<&'a CustomerDeals> {
        self.known.customer.as_ref().filter(|_| self.document.key.kind != DocumentKind::PurchaseOrder)
    }

    /// The customer's own deals, if any of these are; else all of them.
    fn own_first(&self, here: Vec<(DealId, &'a DealSeen)>) -> Vec<(DealId, &'a DealSeen)> {
        let Some(customer) = self.customer() else { return here };
        let own = |(_, seen): &(DealId, &DealSeen)| seen.org.is_some_and(|org| customer.includes(org));
        if here.iter().any(own) { here.into_iter().filter(own).collect() } else { here }
    }

    /// One deal is named; is it the customer's?
    fn named(&self, deal: DealId, seen: &DealSeen, rule: Rule) -> Attachment {
        if let (Some(customer), Some(org)) = (self.customer(), seen.org)
            && !customer.includes(org)
        {
            let reasons = vec![Reason::Named, Reason::OtherCompany];
            return Attachment::Ambiguous {
                candidates: vec![candidate(deal, Some(seen), reasons)],
                because: Ambiguity::OtherCompany { org, customer: customer.org },
            };
        }
        on(deal, seen, rule)
    }

    /// By the documents that it belongs to: the surest link that leads to a deal.
    fn by_link(&mut self) -> Option<Attachment> {
        for ask in links(self.document) {
            let matching: Vec<&Link> = self.known.links.iter().filter(|link| link.ask == ask).collect();
            // The amount alone says something only if it says one thing.
            let weak = matches!(ask, LinkAsk::InvoiceCredited { .. });
            let here = match self.find(matching.iter().map(|link| link.deal)) {
                Found::Look(deals) => return Some(Attachment::Look { deals }),
                Found::Here(here) => self.own_first(here),
            };
            match here.as_slice() {
                [] => {}
                [(deal, seen)] if !weak || matching.len() == 1 => {
                    let link = matching.iter().find(|link| self.leads_to(link.deal, *deal))?;
                    return Some(self.named(*deal, seen, Rule::Link { document: link.document, by: ask }));
                }
                several => {
                    let documents = matching.iter().map(|link| link.document).collect();
                    return Some(ambiguous(several, Ambiguity::SeveralLinked { documents }, Reason::Linked));
                }
            }
        }
        None
    }

    /// Whether a deal is another one, or was merged into it.
    fn leads_to(&mut self, named: DealId, deal: DealId) -> bool {
        matches!(self.find([named]), Found::Here(here) if here.iter().any(|(there, _)| *there == deal))
    }

    fn by_customer(&self) -> Attachment {
        let kind = self.document.key.kind;
        let unmatched = |because| match kind {
            DocumentKind::CreditMemo => Attachment::Customer {
                party: self.document.party,
                account_number: self.document.account_number.clone(),
                because,
            },
            DocumentKind::Invoice | DocumentKind::SalesOrder | DocumentKind::PurchaseOrder => {
                Attachment::Unmatched { because }
            }
        };
        if !self.gone.is_empty() {
            return unmatched(Unmatched::DealsGone { deals: self.gone.clone() });
        }
        if !by_customer(kind) {
            return unmatched(Unmatched::NamesNone);
        }
        if !self.policy.match_by_customer {
            return unmatched(Unmatched::NotByCustomer);
        }
        let Some(customer) = &self.known.customer else {
            return unmatched(Unmatched::NoOrganization);
        };
        let mut all = candidates(self.policy, self.document, &customer.deals);
        all.retain(|candidate| candidate.score >= PLAUSIBLE);
        let before = self.known.before.filter(|before| before.by_customer).map(|before| before.deal);
        let kept = all.iter().find(|candidate| Some(candidate.deal) == before);
        let chosen = match (kept, all.as_slice()) {
            (_, []) => return unmatched(Unmatched::NoDealFits),
            (Some(kept), _) => Some((kept, Rule::Kept)),
            (None, [best, others @ ..]) => {
                let clear = others.first().is_none_or(|second| best.score - second.score >= LEAD);
                let rule = Rule::Customer { score: best.score, reasons: best.reasons.clone() };
                (best.score >= ATTACH_AT && clear).then_some((best, rule))
            }
        };
        match chosen.and_then(|(best, rule)| Some((best.deal, customer.deals.get(&best.deal)?, rule))) {
            Some((deal, seen, rule)) => on(deal, seen, rule),
            None => {
                all.truncate(10);
                Attachment::Ambiguous { candidates: all, because: Ambiguity::CloseCall }
            }
        }
    }
}

fn on(deal: DealId, seen: &DealSeen, rule: Rule) -> Attachment {
    Attachment::Deal { deal, because: rule.explain(deal), rule, archived: seen.archived }
}

fn ambiguous(deals: &[(DealId, &DealSeen)], because: Ambiguity, reason: Reason) -> Attachment {
    let candidates = deals.iter().map(|(deal, seen)| candidate(*deal, Some(seen), vec![reason])).collect();
    Attachment::Ambiguous { candidates, because }
}
