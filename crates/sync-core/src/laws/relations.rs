//! The laws about relations between organizations: 1, 3 and 8 for what our requests made of them.

use std::collections::{BTreeMap, BTreeSet};

use super::{Violation, broken};
use crate::{
    hierarchy::Family,
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
    /// A relation that one of our requests had made was to end by another one, whether it was still there or not: the ERP
    /// had taken it back, and may say it anew.
    Ended {
        /// The parent.
        parent: OrgId,
        /// The daughter.
        daughter: OrgId,
    },
}

/// Law 3 for relations: none is made a third time without our having asked for its end.
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

/// The relations of the CRM as an all-seeing observer knows them, each as parent and daughter.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TrueRelations {
    /// Those that our requests made and that are there.
    pub ours: BTreeSet<(OrgId, OrgId)>,
    /// All that are there.
    pub all: BTreeSet<(OrgId, OrgId)>,
    /// Those that a person removed: nothing lists them, so that nobody can know.
    pub removed: BTreeSet<(OrgId, OrgId)>,
    /// Organizations that exist.
    pub alive: BTreeSet<OrgId>,
}

/// Law 8 for relations: a daughter without a hold has the relations that the ERP says, and none of ours beside them.
///
/// `org` is its living organization; `family` what the ERP truly says, and what we remember.
#[must_use]
pub fn law_8_relations(
    party: PartyId,
    org: OrgId,
    family: &Family,
    relations: &TrueRelations,
) -> Vec<Violation> {
    let TrueRelations { ours, all, removed, alive } = relations;
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
    let missing = wanted
        .iter()
        .filter(|parent| alive.contains(parent))
        .filter(|parent| !all.contains(&(**parent, org)) && !removed.contains(&(**parent, org)))
        .map(|parent| broken(8, format!("{parent} is not the parent of {org} (party {party})")));
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
        hierarchy::{Made, MadeRelation, Parent},
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
        let check = |family: &Family, ours: &[(OrgId, OrgId)]| {
            let ours: BTreeSet<_> = ours.iter().copied().collect();
            let alive = BTreeSet::from([PARENT, DAUGHTER]);
            let relations = TrueRelations { all: ours.clone(), ours, alive, ..TrueRelations::default() };
            law_8_relations(party, DAUGHTER, family, &relations).len()
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
        let dormant = Family { parents, made: vec![made], ..Family::default() };
        assert_eq!(check(&dormant, &[(PARENT, DAUGHTER)]), 0);
        // One that a person removed unseen is missing for a reason; one that a person made is enough.
        let one = BTreeSet::from([(PARENT, DAUGHTER)]);
        let alive = BTreeSet::from([PARENT, DAUGHTER]);
        for relations in [
            TrueRelations { removed: one.clone(), alive: alive.clone(), ..TrueRelations::default() },
            TrueRelations { all: one, alive, ..TrueRelations::default() },
        ] {
            assert_eq!(law_8_relations(party, DAUGHTER, &family, &relations), []);
        }
    }
}
