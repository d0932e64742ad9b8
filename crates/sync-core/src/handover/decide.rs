//! handover -> decision. Pure and total; the whole policy of this flow can be read here.

use jiff::Timestamp;

use super::{
    contact::MadeContact,
    pieces::{Look, MadeAccount, MadeParty, Piece},
    policy::{Approval, BusinessUnit, Directory, HandoverPolicy},
    question::Question,
    situation::Handover,
    task::Task,
    trigger::{Because, Cause, causes},
};
use crate::{
    customers::FoundAccount,
    ids::{PartyId, PersonId},
    situation::CrmSide,
};

/// What follows for an organization. Closed on purpose: match it without `_`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decision {
    /// Nothing is to be done: see why.
    Nothing(Wait),
    /// The organization and its deals must be read again first.
    Observe,
    /// This must be known of the ERP first.
    Look(Look),
    /// This party is the organization: remember it, and decide again.
    Adopt(MadeParty),
    /// This account is the one: remember it with the sites it has, and decide again.
    AdoptAccount(MadeAccount, Box<FoundAccount>),
    /// The account has a profile: remember it, and decide again.
    AdoptProfile,
    /// So far there is this contact for the person: remember it, and decide again.
    AdoptContact(PersonId, MadeContact),
    /// Forget what was made or found so far, and decide again: a person said that the customer is another party.
    StartOver,
    /// Write.
    Do {
        /// What.
        piece: Box<Piece>,
        /// What for.
        cause: Cause,
        /// Where the customer belongs.
        unit: Box<BusinessUnit>,
    },
    /// It is a customer that can be invoiced.
    Complete(PartyId),
    /// Ask a person.
    Hold(Box<Question>),
    /// Look again at this time.
    WaitUntil(Timestamp),
}

impl Decision {
    pub(super) fn hold(question: Question) -> Self {
        Self::Hold(Box::new(question))
    }
}

/// Why nothing is to be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wait {
    /// There is no cause.
    NoCause,
    /// All causes are older than the connection: a person may ask for it.
    Older,
    /// A person refused.
    Rejected,
    /// The organization is gone.
    Gone,
}

/// Decides what to do about an organization.
#[must_use]
pub fn decide(policy: &HandoverPolicy, directory: &Directory, handover: &Handover) -> Decision {
    if let Some(doubt) = handover.doubt {
        return Decision::WaitUntil(doubt.settled_at);
    }
    let (org, read_at) = match &handover.crm {
        CrmSide::NoPair | CrmSide::Unknown => return Decision::Observe,
        CrmSide::Malformed(reason) => {
            let reason = reason.clone();
            return Decision::hold(Question::OrganizationUnreadable { org: handover.org, reason });
        }
        CrmSide::Absent { .. } => return absent(handover),
        CrmSide::Present { org, read_at } => (org, *read_at),
    };
    let all = causes(policy, directory, handover);
    let because = match next_cause(policy, handover, &all) {
        Next::One(because) => because,
        Next::Party(party) => return Decision::Complete(party),
        Next::Nothing(why) => return Decision::Nothing(why),
    };
    let under_way = handover.is_under_way();
    let oldest = because.read_at.map_or(read_at, |deal| deal.min(read_at));
    if !under_way && handover.now.duration_since(oldest) > policy.freshness {
        return Decision::Observe;
    }
    // Not before it was read again: a deal that is gone or archived is in no list, and nobody is to be asked about it.
    let Some(unit) = because.unit else {
        return Decision::hold(Question::NoBusinessUnit { cause: because.cause });
    };
    let task = Task { policy, handover, org, because, unit };
    match task.next() {
        // Asked right before the first write: whoever is a customer already needs nobody's approval.
        Decision::Do { piece, cause, unit } => {
            if let Some(decision) = estranged(handover) {
                return decision;
            }
            let refused = handover.hold.as_ref().filter(|_| handover.was_refused(piece.kind()));
            let question = refused.map(|(question, _)| question.clone());
            match question.or_else(|| if under_way { None } else { approval(policy, handover, &because) }) {
                Some(question) => Decision::hold(question),
                None => Decision::Do { piece, cause, unit },
            }
        }
        decision => decision,
    }
}

/// The party that was made or found is not the one that the organization belongs to: the ERP merged it, or the other flow or a
/// person bound another while our write was under way. A second customer helps nobody.
fn estranged(handover: &Handover) -> Option<Decision> {
    let (made, pair) = of_another(handover)?;
    let said = handover.answers.party == Some(pair);
    Some(if said {
        Decision::StartOver
    } else {
        Decision::hold(Question::PartyChanged { made, party: pair })
    })
}

/// What was made, and the other party that the organization belongs to.
fn of_another(handover: &Handover) -> Option<(PartyId, PartyId)> {
    let (made, pair) = (handover.made.party.as_ref()?.id, handover.pair.as_ref()?.party);
    (made != pair).then_some((made, pair))
}

/// What was begun stays as it is; a person may have to see to it.
fn absent(handover: &Handover) -> Decision {
    let begun = handover.made.began.as_ref();
    let complete = begun.is_some_and(|began| handover.made.is_complete(began.set));
    match begun {
        Some(_) if !complete && (handover.pair.is_none() || of_another(handover).is_some()) => {
            Decision::hold(Question::OrganizationGone { org: handover.org })
        }
        Some(_) | None => Decision::Nothing(Wait::Gone),
    }
}

pub(super) enum Next<'a> {
    One(Because<'a>),
    /// Everything is done, and this is the customer.
    Party(PartyId),
    Nothing(Wait),
}

/// The first cause that is not satisfied. What was begun comes first, and is finished whatever became of its cause: half a
/// customer helps nobody.
pub(super) fn next_cause<'a>(
    policy: &'a HandoverPolicy,
    handover: &'a Handover,
    all: &[Because<'a>],
) -> Next<'a> {
    let Handover { made, answers, pair, .. } = handover;
    if let Some(began) = made.began.as_ref().filter(|began| !made.is_finished(began.set)) {
        let known = all.iter().find(|because| because.cause == began.cause);
        let unit = policy.business_units.iter().find(|unit| unit.set == began.set);
        let plain =
            Because { cause: began.cause, deal: None, read_at: None, unit, due: true, by_hand: false };
        return Next::One(Because { unit, ..known.copied().unwrap_or(plain) });
    }
    let mut why = Wait::NoCause;
    let mut satisfied = false;
    for because in all {
        let done = because.unit.is_some_and(|unit| made.is_complete(unit.set) || left(handover, unit));
        if done {
            satisfied = true;
        } else if !because.due {
            why = Wait::Older;
        } else if answers.rejected.contains(&because.cause) && !because.by_hand {
            why = Wait::Rejected;
        } else {
            return Next::One(*because);
        }
    }
    match &made.party {
        Some(party) if satisfied && pair.is_none() => Next::Party(party.id),
        Some(_) | None => Next::Nothing(why),
    }
}

/// Whether a person said that the customer, which is not of our making, gets no site there.
pub(super) fn left(handover: &Handover, unit: &BusinessUnit) -> bool {
    handover.answers.sites_left.contains(&unit.set)
}

/// The question to ask before anything is created, if there is one.
fn approval(policy: &HandoverPolicy, handover: &Handover, because: &Because<'_>) -> Option<Question> {
    let Handover { answers, hold, now, .. } = handover;
    if because.by_hand || answers.approved.contains(&because.cause) {
        return None;
    }
    let value = because.deal.and_then(|deal| deal.value.clone());
    let large = value.as_ref().is_some_and(|value| {
        let limit = policy.review_above.get(&value.currency);
        !policy.review_above.is_empty() && limit.is_none_or(|limit| value.amount >= *limit)
    });
    if policy.approval == Approval::Auto && !large {
        return None;
    }
    let (cause, title) = (because.cause, because.deal.map(|deal| deal.title.clone()));
    match hold {
        Some((Question::ApprovalExpired { cause: asked, .. }, _))
            if *asked == cause && !handover.try_again =>
        {
            Some(Question::ApprovalExpired { cause, title })
        }
        Some((Question::ApprovalNeeded { cause: asked, .. }, since))
            if *asked == cause && now.duration_since(*since) > policy.approval_lasts =>
        {
            Some(Question::ApprovalExpired { cause, title })
        }
        Some(_) | None => Some(Question::ApprovalNeeded { cause, title, value }),
    }
}
