//! The laws about relations between organizations: 1, 3 and 8 for what our requests made of them.

use std::collections::{BTreeMap, BTreeSet};

use super::{Violation, broken};
use crate::{
    hierarchy::{Family, Made},
    ids::{OrgId, PartyId},
};

/// Law 1 for relations: of what our requests made and is still there, one for each pair of organizations.
///
/// `standing` are parent and daughter of each.
#[must_use]
pub fn law_1_one_relation(standing: impl IntoIterator<Item = (OrgId, OrgId)>) -> Vec<Violation> {
    let mut pairs = BTreeSet::new();
    let twice = standing.into_iter().filter(|pair| !pairs.insert(*pair));
    twice
        .map(|(parent, daughter)| broken(1, format!("{parent} was made the parent of {daughter} twice")))
        .collect()
}

/// A write about relations that reached the CRM, as it saw it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SeenRelation {
    /// A relation was made.
    Made {
        /// The parent.
        parent: OrgId,
        /// The daughter.
        daughter: OrgId,
    },
    /// A relation that one of our requests had made was ended by another one.
    Ended {
        /// The parent.
        parent: OrgId,
        /// The daughter.
        daughter: OrgId,
    },
}

/// Law 3 for relations: none is made a third time without having been ended by us.
#[must_use]
pub fn law_3_no_third_relation(writes: &[SeenRelation]) -> Vec<Violation> {
    let mut row: BTreeMap<(OrgId, OrgId), u32> = BTreeMap::new();
    let mut found = Vec::new();
    for write in writes {
        match write {
            SeenRelation::Ended { parent, daughter } => {
                row.remove(&(*parent, *daughter));
            }
            SeenRelation::Made { parent, daughter } => {
                let times = row.entry((*parent, *daughter)).or_default();
                *times += 1;
                if *times > 2 {
                    found.push(broken(3, format!("{parent} was made the parent of {daughter} a third time")));
                }
            }
        }
    }
    found
}

/// Law 8 for relations: a daughter without a hold has the relations that the ERP says, and none of ours beside them.
///
/// `org` is its living organization; `family` what the ERP says and what we remember; `alive` the organizations that
/// exist; `ours` parent and daughter of each relation that our requests made and that is there.
#[must_use]
pub fn law_8_relations(
    party: PartyId,
    org: OrgId,
    family: &Family,
    alive: &BTreeSet<OrgId>,
    ours: &BTreeSet<(OrgId, OrgId)>,
) -> Vec<Violation> {
    if !family.cycle.is_empty() {
        return vec![broken(8, format!("party {party} is in a circle of parents and is not held"))];
    }
    let wanted: BTreeSet<OrgId> = family.parents.iter().filter_map(|parent| parent.org).collect();
    // A parent that has no organization for the moment leaves the relation to its last one as it is.
    let without: BTreeSet<PartyId> =
        family.parents.iter().filter(|parent| parent.org.is_none()).map(|parent| parent.party).collect();
    let dormant: BTreeSet<OrgId> = family
        .made
        .iter()
        .filter(|made| without.contains(&made.parent))
        .map(|made| made.parent_org)
        .collect();
    let left = |parent: &OrgId| {
        family.made.iter().any(|made| {
            let people = matches!(made.state, Made::Removed | Made::ByHand | Made::Unsure);
            people && made.parent_org == *parent && made.daughter_org == org
        })
    };
    // What a person removed after we made it, we cannot know: nothing lists it.
    let believed = |parent: &OrgId| {
        family.made.iter().any(|made| {
            matches!(made.state, Made::Stands(_)) && made.parent_org == *parent && made.daughter_org == org
        })
    };
    let missing = wanted
        .iter()
        .filter(|parent| alive.contains(parent) && !ours.contains(&(**parent, org)))
        .filter(|parent| !left(parent) && !believed(parent));
    let missing =
        missing.map(|parent| broken(8, format!("{parent} is not the parent of {org} (party {party})")));
    let surplus = ours
        .iter()
        .filter(|(parent, daughter)| *daughter == org && alive.contains(parent))
        .filter(|(parent, _)| !wanted.contains(parent) && !dormant.contains(parent))
        .map(|(parent, _)| broken(8, format!("{parent} is still the parent of {org} (party {party})")));
    missing.chain(surplus).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        hierarchy::{MadeRelation, Parent},
        ids::RelationId,
    };

    const PARENT: OrgId = OrgId(1);
    const DAUGHTER: OrgId = OrgId(2);

    #[test]
    fn one_relation_made_twice_breaks_law_1() {
        assert_eq!(law_1_one_relation([(PARENT, DAUGHTER), (DAUGHTER, PARENT)]), []);
        assert_eq!(law_1_one_relation([(PARENT, DAUGHTER), (PARENT, DAUGHTER)]).len(), 1);
    }

    #[test]
    fn a_third_time_without_an_end_breaks_law_3() {
        let made = SeenRelation::Made { parent: PARENT, daughter: DAUGHTER };
        let ended = SeenRelation::Ended { parent: PARENT, daughter: DAUGHTER };
        assert_eq!(law_3_no_third_relation(&[made, made, ended, made, made]), []);
        assert_eq!(law_3_no_third_relation(&[made, made, made]).len(), 1);
    }

    #[test]
    fn a_missing_and_a_surplus_relation_break_law_8() {
        let party = PartyId(7);
        let parents = vec![Parent { party: PartyId(6), org: Some(PARENT) }];
        let family = Family { parents, ..Family::default() };
        let alive = BTreeSet::from([PARENT, DAUGHTER]);
        let check = |family: &Family, ours: &[(OrgId, OrgId)]| {
            law_8_relations(party, DAUGHTER, family, &alive, &ours.iter().copied().collect()).len()
        };
        assert_eq!(check(&family, &[(PARENT, DAUGHTER)]), 0);
        assert_eq!(check(&family, &[]), 1);
        assert_eq!(check(&Family::default(), &[(PARENT, DAUGHTER)]), 1);
        assert_eq!(check(&Family { cycle: vec![party], ..family.clone() }, &[(PARENT, DAUGHTER)]), 1);
        // A parent that lost its organization keeps the relation that it had.
        let made = MadeRelation {
            parent: PartyId(6),
            daughter_org: DAUGHTER,
            parent_org: PARENT,
            state: Made::Stands(RelationId(1)),
            times: 1,
        };
        let parents = vec![Parent { party: PartyId(6), org: None }];
        let dormant = Family { parents, made: vec![made.clone()], ..Family::default() };
        assert_eq!(check(&dormant, &[(PARENT, DAUGHTER)]), 0);
        // One that a person removed unseen is missing for a reason.
        assert_eq!(check(&Family { made: vec![made], ..family }, &[]), 0);
    }
}
