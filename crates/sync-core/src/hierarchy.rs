//! Which organization is a part of which other one: what the ERP's relationships mean, and what follows for a pair.
//!
//! The CRM's relationships are never listed except in doubt (20 tokens each): what we made is remembered. What people
//! made or removed there by hand is left as it is.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{Timestamp, civil::Date};
use serde::{Deserialize, Serialize};

use crate::{
    answers::Answers,
    budget::Class,
    decide::Decision,
    hold::HoldReason,
    ids::{OrgId, PartyId, RelationId, RelationshipId},
    plan::{Plan, Rule, Step},
    policy::Policy,
    situation::Situation,
};

/// Law 3: how often in a row the same relation may be sent.
const MOST_TIMES: u8 = 2;

/// Which relationships of the ERP make one party a part of another.
///
/// A code is read from the row's subject: "subject `SUBSIDIARY_OF` object". The seeded codes and types of a pod are
/// UNVERIFIED (oracle-fusion.md 1.2 names the child only), so they are configuration.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct HierarchyRule {
    /// Relationship types that count; all if empty.
    pub types: BTreeSet<String>,
    /// Codes that make the subject the parent of the object.
    pub parent_codes: BTreeSet<String>,
    /// Codes that make the subject a daughter of the object.
    pub daughter_codes: BTreeSet<String>,
}

impl Default for HierarchyRule {
    fn default() -> Self {
        let codes = |codes: [&str; 2]| codes.map(str::to_owned).into();
        Self {
            types: BTreeSet::new(),
            parent_codes: codes(["PARENT_OF", "HEADQUARTERS_OF"]),
            daughter_codes: codes(["SUBSIDIARY_OF", "DIVISION_OF"]),
        }
    }
}

/// A relationship as one row of the ERP tells it; the other party may have a row for the same one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ErpLink {
    /// Its identity, the same in both rows.
    pub id: RelationshipId,
    /// Who the row speaks of.
    pub subject: PartyId,
    /// To whom.
    pub object: PartyId,
    /// `RelationshipType`: the pair of codes it belongs to.
    pub kind: Option<String>,
    /// `RelationshipCode`: what the subject is to the object.
    pub code: String,
    /// Whether its status says that it is in force; without a status it is.
    pub active: bool,
    /// Its first day.
    pub starts: Option<Date>,
    /// Its last day; `4712-12-31` where it is open (oracle-fusion.md 4.3).
    pub ends: Option<Date>,
    /// `LastUpdateDate`.
    pub updated_at: Timestamp,
}

/// One party of the ERP is a part of another.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ErpRelation {
    /// Its identity.
    pub id: RelationshipId,
    /// The part.
    pub daughter: PartyId,
    /// The whole.
    pub parent: PartyId,
    /// Whether it had begun and not ended when it was read.
    pub in_force: bool,
    /// `LastUpdateDate`.
    pub updated_at: Timestamp,
}

impl HierarchyRule {
    /// What a row says about parents and daughters; none if it is about something else. `today` is the ERP's day.
    #[must_use]
    pub fn relation(&self, link: &ErpLink, today: Date) -> Option<ErpRelation> {
        let ErpLink { id, subject, object, kind, code, active, starts, ends, updated_at } = link;
        let counts = self.types.is_empty() || kind.as_ref().is_some_and(|kind| self.types.contains(kind));
        let (daughter, parent) = match (self.daughter_codes.contains(code), self.parent_codes.contains(code))
        {
            _ if !counts => return None,
            (true, _) => (*subject, *object),
            (false, true) => (*object, *subject),
            (false, false) => return None,
        };
        let begun = starts.is_none_or(|day| day <= today);
        let ended = !active || ends.is_some_and(|day| day < today);
        Some(ErpRelation { id: *id, daughter, parent, in_force: begun && !ended, updated_at: *updated_at })
    }
}

/// What is known about a party as a part of others.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Family {
    /// Its parents by the ERP, in force, each once, in the order of their ids.
    pub parents: Vec<Parent>,
    /// Relations of its organization that we made, or tried to make.
    pub made: Vec<MadeRelation>,
    /// The parties of the circle it is in by mistake, itself included, in the order of their ids; mostly none.
    pub cycle: Vec<PartyId>,
    /// A relationship of it that cannot be understood.
    pub unreadable: Option<String>,
}

/// A parent by the ERP.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Parent {
    /// The party.
    pub party: PartyId,
    /// Its organization; none for suppliers, parties outside the filters, and parents that come later.
    pub org: Option<OrgId>,
}

/// A relation between organizations that we made, or tried to make, for a daughter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MadeRelation {
    /// The parent's party.
    pub parent: PartyId,
    /// The daughter's organization then.
    pub daughter_org: OrgId,
    /// The parent's organization then.
    pub parent_org: OrgId,
    /// What became of it.
    pub state: Made,
    /// How often in a row it was sent.
    pub times: u8,
}

/// What became of a relation that we sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Made {
    /// It stands, as far as we know; this is its id.
    Stands(RelationId),
    /// It stands under this id, and no answer told it: it was found when its doubt was looked into. Perhaps a person was
    /// faster than we were, so that it is not ended without a word.
    Found(RelationId),
    /// A person removed it; it is not made again.
    Removed,
    /// The CRM had it already: a person made it, and nobody but people touches it.
    ByHand,
    /// It was sent without an answer and is not there: it got lost, or a person was faster than our look.
    Unsure,
}

impl MadeRelation {
    /// Whether the ERP still wants exactly this one for the organization. A parent that has lost its organization for
    /// the moment leaves it as it is.
    fn is_wanted(&self, family: &Family, org: OrgId) -> bool {
        let parent = family.parents.iter().find(|parent| parent.party == self.parent);
        let same_end = |at: Parent| at.org.is_none_or(|parent_org| parent_org == self.parent_org);
        self.daughter_org == org && parent.copied().is_some_and(same_end)
    }
}

/// Remembered relations that mean nothing any more and stand nowhere, or are people's: parents whose rows can be forgotten.
#[must_use]
pub fn outdated(family: &Family, answers: &Answers, org: OrgId) -> Vec<PartyId> {
    let gone = family.made.iter().filter(|made| match made.state {
        Made::Stands(_) => false,
        Made::Found(_) => {
            let left = made.daughter_org != org || answers.parents_left.contains(&made.parent);
            left && !made.is_wanted(family, org)
        }
        Made::Removed | Made::ByHand | Made::Unsure => !made.is_wanted(family, org),
    });
    gone.map(|made| made.parent).collect()
}

/// The circle that a party is in: everybody who is above and below it. `parents` is the ERP's word.
#[must_use]
pub fn cycle(party: PartyId, parents: &BTreeMap<PartyId, BTreeSet<PartyId>>) -> Vec<PartyId> {
    let above = reach(party, parents);
    if !above.contains(&party) {
        return Vec::new();
    }
    above.iter().copied().filter(|other| reach(*other, parents).contains(&party)).collect()
}

/// Everybody above a party; the party itself only if it is in a circle.
fn reach(party: PartyId, parents: &BTreeMap<PartyId, BTreeSet<PartyId>>) -> BTreeSet<PartyId> {
    let mut found = BTreeSet::new();
    let mut next = vec![party];
    while let Some(at) = next.pop() {
        next.extend(parents.get(&at).into_iter().flatten().filter(|parent| found.insert(**parent)));
    }
    found
}

/// Whether something is to be done, or asked, about the relations of an organization once its own fields are right.
#[must_use]
pub fn waits(policy: &Policy, situation: &Situation, org: OrgId) -> bool {
    policy.hierarchy.is_some() && decide(situation, org, None) != Decision::InSync
}

/// Parents that a party becomes a daughter of once both have organizations; until then nothing can be written about it.
#[must_use]
pub fn parents_to_come(policy: &Policy, situation: &Situation, has_org: bool) -> Vec<Parent> {
    let Family { parents, made: _, cycle, unreadable } = &situation.family;
    if policy.hierarchy.is_none() || !cycle.is_empty() || unreadable.is_some() {
        return Vec::new();
    }
    parents.iter().filter(|parent| !has_org || parent.org.is_none()).copied().collect()
}

/// What follows for an organization whose own fields need no write. `question` is what a person has to decide about them.
pub(crate) fn decide(situation: &Situation, org: OrgId, question: Option<HoldReason>) -> Decision {
    let family = &situation.family;
    let rest = |reason: Option<HoldReason>| reason.map_or(Decision::InSync, Decision::Hold);
    if let Some(reason) = &family.unreadable {
        return rest(question.or_else(|| Some(HoldReason::Malformed { reason: reason.clone() })));
    }
    if !family.cycle.is_empty() {
        let left = situation.answers.cycle_left.as_ref().is_some_and(|left| left.iter().eq(&family.cycle));
        let cycle = HoldReason::RelationCycle { parties: family.cycle.clone() };
        return rest(question.or_else(|| (!left).then_some(cycle)));
    }
    let Wanted { steps, unsure } = wanted(situation, org);
    let question = question.or(unsure);
    if steps.is_empty() {
        return rest(question);
    }
    Decision::Do(Plan {
        party: situation.party,
        reason: explain(&steps),
        steps,
        rule: Rule::ErpFamily,
        class: Class::Edit,
        then_hold: question,
    })
}

/// The writes that make the relations what the ERP says, and the first one that a person has to decide about.
struct Wanted {
    steps: Vec<Step>,
    unsure: Option<HoldReason>,
}

fn wanted(situation: &Situation, org: OrgId) -> Wanted {
    let family = &situation.family;
    let ended = family.made.iter().filter(|made| !made.is_wanted(family, org));
    // What has to go goes first: a relation that moves shall not be there twice.
    let mut steps: Vec<Step> = ended
        .filter_map(|made| match made.state {
            Made::Stands(relation) => {
                Some(Step::Unrelate { relation, parent: made.parent, org: made.daughter_org })
            }
            Made::Found(_) | Made::Removed | Made::ByHand | Made::Unsure => None,
        })
        .collect();
    let mut unsure = family.made.iter().find_map(|made| match made.state {
        Made::Found(relation) if made.daughter_org == org && !made.is_wanted(family, org) => {
            let left = situation.answers.parents_left.contains(&made.parent);
            (!left).then_some(HoldReason::RelationFound {
                relation,
                parent: made.parent,
                org: made.parent_org,
            })
        }
        Made::Stands(_) | Made::Found(_) | Made::Removed | Made::ByHand | Made::Unsure => None,
    });
    for Parent { party, org: parent_org } in &family.parents {
        let Some(parent_org) = *parent_org else { continue };
        let known = family.made.iter().find(|made| made.parent == *party && made.is_wanted(family, org));
        match known.map(|made| (made.state, made.times)) {
            Some((Made::Stands(_) | Made::Found(_) | Made::Removed | Made::ByHand, _)) => {}
            Some((Made::Unsure, times)) if times >= MOST_TIMES => {
                if !situation.answers.parents_left.contains(party) {
                    unsure.get_or_insert(HoldReason::RelationUnsure { parent: *party, org: parent_org });
                }
            }
            Some((Made::Unsure, _)) | None => {
                steps.push(Step::Relate { parent: *party, parent_org, org });
            }
        }
    }
    Wanted { steps, unsure }
}

/// Why relations are made and ended, in words for people.
pub(crate) fn explain(steps: &[Step]) -> String {
    let told: Vec<String> = steps
        .iter()
        .filter_map(|step| match step {
            Step::Relate { parent, parent_org, org } => Some(format!(
                "organization {org} belongs to {parent_org}: the ERP says that party {parent} is its parent"
            )),
            Step::Unrelate { relation, parent, org } => Some(format!(
                "relation {relation} of organization {org} ends: it no longer stands for party {parent} as its parent"
            )),
            Step::Bind { .. } | Step::Forget { .. } | Step::Create { .. } | Step::Update { .. } => None,
        })
        .collect();
    told.join("; ")
}
