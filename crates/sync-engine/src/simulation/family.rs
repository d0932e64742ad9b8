//! Who belongs to whom in both worlds, and the people who change it.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{Timestamp, civil::date};
use sync_core::{
    deals::Relation,
    hierarchy::ErpLink,
    ids::{OrgId, PartyId, RelationId, RelationshipId},
    laws::{SeenRelation, TrueRelations},
};

use super::world::{Landed, Worlds};

/// Relationships of the ERP and relations of the CRM.
pub(crate) struct FamilyWorld {
    rng: fastrand::Rng,
    links: BTreeMap<i64, Link>,
    next_link: i64,
    /// Whether both parties of a relationship tell it.
    both_ways: bool,
    relations: BTreeMap<RelationId, Related>,
    next_relation: i64,
    /// Whether the CRM refuses to relate twice.
    refuses_twice: bool,
    /// What our requests did.
    pub(crate) writes: Vec<SeenRelation>,
    removed: BTreeSet<(OrgId, OrgId)>,
    /// Relations of ours that a person removed, and no request of ours has asked to end yet.
    gone: BTreeMap<RelationId, (OrgId, OrgId)>,
}

#[derive(Debug, Clone, Copy)]
struct Link {
    daughter: PartyId,
    parent: PartyId,
    ended: bool,
    stamp: Timestamp,
}

struct Related {
    parent: OrgId,
    daughter: OrgId,
    ours: bool,
}

impl FamilyWorld {
    pub(crate) fn new(seed: u64) -> Self {
        let mut rng = fastrand::Rng::with_seed(seed ^ 0x6b_696e);
        let (both_ways, refuses_twice) = (rng.bool(), rng.bool());
        Self {
            rng,
            links: BTreeMap::new(),
            next_link: 0,
            both_ways,
            relations: BTreeMap::new(),
            next_relation: 0,
            refuses_twice,
            writes: Vec::new(),
            removed: BTreeSet::new(),
            gone: BTreeMap::new(),
        }
    }

    /// The rows that a party tells.
    pub(crate) fn links_of(&self, party: PartyId) -> Vec<ErpLink> {
        let mut rows = Vec::new();
        for (id, link) in &self.links {
            let Link { daughter, parent, ended, stamp } = *link;
            let row = |subject, object, code: &str| ErpLink {
                id: RelationshipId(*id),
                subject,
                object,
                kind: None,
                code: code.to_owned(),
                active: !ended,
                starts: None,
                ends: Some(date(4712, 12, 31)),
                updated_at: stamp,
            };
            if daughter == party {
                rows.push(row(daughter, parent, "SUBSIDIARY_OF"));
            }
            if parent == party && self.both_ways {
                rows.push(row(parent, daughter, "PARENT_OF"));
            }
        }
        rows
    }

    /// Parents in force, by daughter.
    pub(crate) fn parents(&self) -> BTreeMap<PartyId, BTreeSet<PartyId>> {
        let mut parents: BTreeMap<PartyId, BTreeSet<PartyId>> = BTreeMap::new();
        for link in self.links.values().filter(|link| !link.ended) {
            parents.entry(link.daughter).or_default().insert(link.parent);
        }
        parents
    }

    /// Parent and daughter of each relation that one of our requests made and that is there.
    pub(crate) fn ours(&self) -> Vec<(OrgId, OrgId)> {
        let ours = self.relations.values().filter(|related| related.ours);
        ours.map(|related| (related.parent, related.daughter)).collect()
    }
}

impl Worlds {
    fn lives(&self, org: OrgId) -> bool {
        self.orgs.get(&org).is_some_and(|org| !org.deleted)
    }

    pub(crate) fn relations_of(&self, org: OrgId) -> Vec<Relation> {
        let relations = self.family.relations.iter().map(|(id, related)| Relation {
            id: *id,
            parent: related.parent,
            daughter: related.daughter,
        });
        relations
            .filter(|relation| relation.parent == org || relation.daughter == org)
            .filter(|relation| self.lives(relation.parent) && self.lives(relation.daughter))
            .collect()
    }

    /// One of our requests relates two organizations.
    pub(crate) fn relate(&mut self, parent: OrgId, daughter: OrgId, now: Timestamp) -> Landed {
        let there = self.family.relations.values().any(|r| r.parent == parent && r.daughter == daughter);
        if !self.lives(parent) || !self.lives(daughter) || (there && self.family.refuses_twice) {
            return Landed::Refused;
        }
        self.family.writes.push(SeenRelation::Made { parent, daughter });
        self.family.removed.remove(&(parent, daughter));
        let id = self.add_relation(parent, daughter, true);
        self.tell(now, format!("{parent} is made the parent of {daughter}: relation {id}"));
        Landed::Relation(id)
    }

    fn add_relation(&mut self, parent: OrgId, daughter: OrgId, ours: bool) -> RelationId {
        self.family.next_relation += 1;
        let id = RelationId(self.family.next_relation);
        self.family.relations.insert(id, Related { parent, daughter, ours });
        id
    }

    /// One of our requests ends a relation.
    pub(crate) fn unrelate(&mut self, id: RelationId, now: Timestamp) -> Landed {
        if let Some(Related { parent, daughter, ours }) = self.family.relations.remove(&id) {
            self.tell(now, format!("relation {id} of {parent} and {daughter} is ended"));
            if !ours {
                let story = format!("relation {id}, which a person made, was ended");
                self.violations.push(sync_core::laws::Violation { law: 4, story });
            }
            self.family.writes.push(SeenRelation::Ended { parent, daughter });
        } else if let Some((parent, daughter)) = self.family.gone.remove(&id) {
            self.tell(now, format!("relation {id} of {parent} and {daughter}, which is gone, is to end"));
            self.family.writes.push(SeenRelation::Ended { parent, daughter });
        }
        Landed::Ended
    }

    /// What an all-seeing observer knows.
    pub(crate) fn true_relations(&self) -> TrueRelations {
        let all = self.family.relations.values().map(|related| (related.parent, related.daughter));
        TrueRelations {
            ours: self.family.ours().into_iter().collect(),
            all: all.collect(),
            removed: self.family.removed.clone(),
            alive: self.orgs.iter().filter(|(_, org)| !org.deleted).map(|(id, _)| *id).collect(),
        }
    }

    /// The families that are there when we come.
    pub(crate) fn found_families(&mut self, now: Timestamp) {
        for _ in 0..self.family.rng.usize(..8) {
            if let Some(what) = self.new_link(Timestamp::UNIX_EPOCH) {
                self.tell(now, what);
            }
        }
    }

    fn any_party(&mut self) -> Option<PartyId> {
        let chosen = self.family.rng.usize(..self.parties.len().max(1));
        self.parties.keys().nth(chosen).copied().map(PartyId)
    }

    fn new_link(&mut self, stamp: Timestamp) -> Option<String> {
        let (daughter, parent) = (self.any_party()?, self.any_party()?);
        // Most are sensible; some make circles.
        let (daughter, parent) = if self.family.rng.u32(..6) > 0 {
            (daughter.max(parent), daughter.min(parent))
        } else {
            (daughter, parent)
        };
        if daughter == parent && self.family.rng.u32(..8) > 0 {
            return None;
        }
        self.family.next_link += self.family.rng.i64(1..5);
        self.family.links.insert(self.family.next_link, Link { daughter, parent, ended: false, stamp });
        Some(format!("{daughter} belongs to {parent} (relationship {})", self.family.next_link))
    }

    /// Somebody is found to belong to a party.
    pub(crate) fn has_daughter(&mut self, parent: PartyId, now: Timestamp) {
        let Some(daughter) = self.any_party().filter(|daughter| *daughter != parent) else { return };
        self.family.next_link += self.family.rng.i64(1..5);
        let id = self.family.next_link;
        self.family.links.insert(id, Link { daughter, parent, ended: false, stamp: now });
        self.tell(now, format!("people: {daughter} belongs to {parent} (relationship {id})"));
    }

    /// One plausible edit of relationships in the ERP.
    pub(crate) fn edit_links(&mut self, now: Timestamp) {
        let chosen = self.family.rng.usize(..self.family.links.len().max(1));
        let link = self.family.links.keys().nth(chosen).copied();
        let what = match (self.family.rng.u32(..10), link) {
            (0..4, _) | (_, None) => self.new_link(now),
            (4..8, Some(id)) => self.family.links.get_mut(&id).map(|link| {
                (link.ended, link.stamp) = (!link.ended, now);
                format!("relationship {id} is {}", if link.ended { "ended" } else { "resumed" })
            }),
            (8, Some(id)) => {
                let parent = self.any_party();
                self.family.links.get_mut(&id).zip(parent).map(|(link, parent)| {
                    (link.parent, link.stamp) = (parent, now);
                    format!("relationship {id} names {parent} as the parent")
                })
            }
            (_, Some(id)) => self.family.links.remove(&id).map(|_| format!("relationship {id} is deleted")),
        };
        if let Some(what) = what {
            self.tell(now, format!("people: {what}"));
        }
    }

    /// One plausible edit of relations in the CRM.
    pub(crate) fn edit_relations(&mut self, now: Timestamp) {
        if self.family.rng.bool() {
            let chosen = self.family.rng.usize(..self.family.relations.len().max(1));
            let Some(id) = self.family.relations.keys().nth(chosen).copied() else { return };
            if let Some(Related { parent, daughter, ours }) = self.family.relations.remove(&id) {
                if ours {
                    self.family.gone.insert(id, (parent, daughter));
                }
                self.family.removed.insert((parent, daughter));
                self.tell(now, format!("people: sales removes relation {id} of {parent} and {daughter}"));
            }
            return;
        }
        let living: Vec<OrgId> = self.orgs.keys().copied().filter(|org| self.lives(*org)).collect();
        let mut any = || living.get(self.family.rng.usize(..living.len().max(1))).copied();
        let (Some(parent), Some(daughter)) = (any(), any()) else { return };
        let there = self.family.relations.values().any(|r| r.parent == parent && r.daughter == daughter);
        if parent != daughter && !there {
            let id = self.add_relation(parent, daughter, false);
            self.tell(now, format!("people: sales makes {parent} the parent of {daughter}: relation {id}"));
        }
    }
}
