//! What would become of a handover, told without writing anything: decided again and again as long as nothing but memory
//! would change.

use std::collections::BTreeSet;

use super::{
    decide::{Decision, Next, Wait, decide, left, next_cause},
    pieces::{Look, Made, Piece, PieceKind},
    policy::{BusinessUnit, Directory, HandoverPolicy},
    question::Question,
    situation::Handover,
    trigger::{Because, Cause, causes},
};
use crate::ids::{PartyId, SetId};

/// Where a handover leads, as far as it can be told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HandoverCourse {
    /// What is remembered by then: the party and account that it would be bound to.
    pub made: Made,
    /// What it is for; none where nothing is to be done.
    pub cause: Option<Cause>,
    /// Where the customer would belong; none where no rule says so.
    pub unit: Option<String>,
    /// What comes next.
    pub next: NextStep,
}

/// What comes next. Closed on purpose: match it without `_`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NextStep {
    /// Nothing.
    Nothing(Wait),
    /// Organization and deals are read again.
    Observe,
    /// This is looked for in the ERP.
    Look(Look),
    /// A write, and the pieces that follow it.
    Write {
        /// It.
        piece: Box<Piece>,
        /// What for.
        cause: Cause,
        /// Where the customer belongs.
        unit: Box<BusinessUnit>,
        /// What is missing beside it.
        follow: Vec<PieceKind>,
    },
    /// Nothing is missing: it is bound to this party.
    Complete(PartyId),
    /// A person is asked.
    Ask(Box<Question>),
    /// A write is in doubt.
    Wait(jiff::Timestamp),
}

/// Adopting is remembered, and each of these happens once: a party, its usage, an account, a profile, a contact in three steps,
/// and the end.
const MOST: usize = 12;

/// Follows a handover to the next thing that is more than remembering.
#[must_use]
pub fn foresee(policy: &HandoverPolicy, directory: &Directory, handover: &Handover) -> HandoverCourse {
    let all = causes(policy, directory, handover);
    let (cause, unit) = match next_cause(policy, handover, &all) {
        Next::One(because) => (Some(because.cause), because.unit.map(|unit| unit.name.clone())),
        Next::Party(_) | Next::Nothing(_) => (None, None),
    };
    let mut handover = handover.clone();
    for _ in 0..MOST {
        let next = match decide(policy, directory, &handover) {
            Decision::Adopt(party) => {
                handover.made.party = Some(party);
                continue;
            }
            Decision::AdoptAccount(account, found) => {
                handover.made.adopt_account(account, &found);
                continue;
            }
            Decision::AdoptProfile => {
                handover.made.profile = true;
                continue;
            }
            Decision::AdoptContact(person, contact) => {
                handover.made.contacts.insert(person, contact);
                continue;
            }
            Decision::StartOver => {
                handover.made = Made::default();
                continue;
            }
            Decision::Nothing(why) => NextStep::Nothing(why),
            Decision::Observe => NextStep::Observe,
            Decision::Look(look) => NextStep::Look(look),
            Decision::Do { piece, cause, unit } => {
                let mut follow = to_follow(piece.kind(), &handover.made, unit.set);
                let others = handover.made.account.as_ref().is_some_and(|account| !account.ours);
                let contact = policy.contact.is_some() && handover.person_of(cause).is_some();
                follow.extend(
                    (contact && !others && piece.contact().is_none()).then_some(PieceKind::AccountContact),
                );
                NextStep::Write { piece, cause, unit, follow }
            }
            Decision::Complete(party) => NextStep::Complete(party),
            Decision::Hold(question) => NextStep::Ask(question),
            Decision::WaitUntil(at) => NextStep::Wait(at),
        };
        return HandoverCourse { made: handover.made, cause, unit, next };
    }
    HandoverCourse { made: handover.made, cause, unit, next: NextStep::Observe }
}

/// What is missing of a customer beside the piece that is written first. An account comes with its site.
fn to_follow(first: PieceKind, made: &Made, set: SetId) -> Vec<PieceKind> {
    let account = made.account.is_none();
    let site = !account && !made.sites.contains_key(&set);
    let mut follow = Vec::new();
    follow.extend((account && first != PieceKind::Account).then_some(PieceKind::Account));
    let is_site = matches!(first, PieceKind::Site | PieceKind::SiteUse);
    follow.extend((site && !is_site).then_some(PieceKind::Site));
    follow.extend((!made.profile && first != PieceKind::Profile).then_some(PieceKind::Profile));
    follow
}

/// Won deals that are older than the connection and wait for a person, one for each business unit: the oldest. Those that are
/// satisfied or refused are none of them.
#[must_use]
pub fn older<'a>(
    policy: &'a HandoverPolicy,
    directory: &Directory,
    handover: &'a Handover,
) -> Vec<Because<'a>> {
    let mut units: BTreeSet<Option<SetId>> = BTreeSet::new();
    let mut waiting = causes(policy, directory, handover);
    waiting.retain(|because| {
        let done =
            because.unit.is_some_and(|unit| handover.made.is_complete(unit.set) || left(handover, unit));
        let of_deal = matches!(because.cause, Cause::Deal(_));
        let refused = handover.answers.rejected.contains(&because.cause);
        of_deal && !because.due && !done && !refused && units.insert(because.unit.map(|unit| unit.set))
    });
    waiting
}
