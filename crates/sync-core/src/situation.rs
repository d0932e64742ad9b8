//! Everything that is known about one party when it is decided.

use jiff::Timestamp;

use crate::{
    answers::Answers,
    hierarchy::Family,
    hold::HoldReason,
    ids::{OrgId, PartyId},
    matching::Verdict,
    model::{CrmOrg, ErpCustomer},
    pair::Pair,
};

/// Everything known about one party when it is decided.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Situation {
    /// The party in question.
    pub party: PartyId,
    /// Now.
    pub now: Timestamp,
    /// What the ERP says.
    pub erp: ErpSide,
    /// The pair, if there is one.
    pub pair: Option<Pair>,
    /// What the CRM says about the pair's organization.
    pub crm: CrmSide,
    /// Organizations that carry this party's id, as last read, with the party each is paired with.
    pub carriers: Vec<Carrier>,
    /// The organization that a handover created this party for and that belongs to another party by now: the handover asks about
    /// that.
    pub made_for: Option<OrgId>,
    /// Existing organizations that may be the same company, where that was looked into.
    pub likeness: Likeness,
    /// An unanswered write, if any: nothing else is decided before it is cleared up.
    pub doubt: Option<Doubt>,
    /// The open hold of this party, if any.
    pub hold: Option<HoldReason>,
    /// Whether a write that was refused before shall be tried again.
    pub try_again: bool,
    /// What people decided about this party.
    pub answers: Answers,
    /// Its parents, and what was made of them; empty where the policy does not ask.
    pub family: Family,
}

impl Situation {
    /// Organizations that the party may be bound to: those that carry its id, the one that is like it, and the one that a
    /// person chose.
    pub fn bindable(&self) -> impl Iterator<Item = OrgId> {
        let like = match &self.likeness {
            Likeness::Compared(Verdict::Bind { chosen, .. }) => Some(chosen.org),
            Likeness::Compared(Verdict::Ask { .. } | Verdict::Nobody) | Likeness::NotCompared => None,
        };
        self.carriers.iter().map(|carrier| carrier.org).chain(like).chain(self.answers.same)
    }
}

/// What comparing a customer with existing organizations gave.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Likeness {
    /// Nothing was compared, because nothing depends on it.
    #[default]
    NotCompared,
    /// So it ended.
    Compared(Verdict),
}

/// What the ERP says about a party.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(
    clippy::large_enum_variant,
    reason = "nearly every situation is the large one; a box would cost each of them"
)]
pub enum ErpSide {
    /// Nothing was read about it (its account may have come first).
    Unseen,
    /// As last read.
    Present(ErpCustomer),
    /// It was read once, but two sweeps in a row did not find it.
    Missing,
    /// It was read but could not be understood.
    Malformed(String),
}

/// What the CRM says about the organization of a pair.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CrmSide {
    /// There is no pair, so nothing to say.
    NoPair,
    /// As last read.
    Present {
        /// The organization.
        org: CrmOrg,
        /// When it was read.
        read_at: Timestamp,
    },
    /// A sweep did not find it, or it was never staged: it has to be read by id.
    Unknown,
    /// It exists, but could not be understood.
    Malformed(String),
    /// Reading it by id gave nothing.
    Absent {
        /// When it was last seen alive.
        last_seen: Timestamp,
    },
}

/// An organization that carries a party's id.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Carrier {
    /// The organization.
    pub org: OrgId,
    /// The party it is paired with, if any.
    pub paired_with: Option<PartyId>,
}

/// A write whose outcome is not known yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Doubt {
    /// From when on a look-up can tell that it did not happen.
    pub settled_at: Timestamp,
}
