//! Who belongs to whom: the families of the parties that are looked at.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use sync_core::{
    budget::Class,
    hierarchy::{ErpRelation, Family, Parent, cycle},
    ids::{OrgId, PartyId},
};
use sync_store::{Changed, StagedKind, Tx};

use crate::{EngineError, staging};

/// What the ERP says, climbed up to the top.
#[derive(Default)]
struct Climbed {
    parents: BTreeMap<PartyId, BTreeSet<PartyId>>,
    unreadable: BTreeMap<PartyId, String>,
}

/// Loads the families of `parties`: a statement for each level above them, and three more.
pub(crate) async fn families(
    tx: &mut Tx,
    parties: &[PartyId],
) -> Result<BTreeMap<PartyId, Family>, EngineError> {
    let mut made = tx.relations(parties).await?;
    let Climbed { parents, mut unreadable } = climb(tx, parties).await?;
    let direct: Vec<PartyId> =
        parties.iter().filter_map(|party| parents.get(party)).flatten().copied().collect();
    let orgs = living_orgs(tx, &direct).await?;
    let mut families = BTreeMap::new();
    for party in parties {
        let above = parents.get(party).into_iter().flatten();
        let family = Family {
            parents: above.map(|parent| Parent { party: *parent, org: orgs.get(parent).copied() }).collect(),
            made: made.remove(party).unwrap_or_default(),
            cycle: cycle(*party, &parents),
            unreadable: unreadable.remove(party),
        };
        families.insert(*party, family);
    }
    Ok(families)
}

/// Everybody who is in a circle of parents with one of `parties`.
pub(crate) async fn circles(tx: &mut Tx, parties: &[PartyId]) -> Result<BTreeSet<PartyId>, EngineError> {
    let Climbed { parents, unreadable: _ } = climb(tx, parties).await?;
    Ok(parties.iter().flat_map(|party| cycle(*party, &parents)).collect())
}

async fn climb(tx: &mut Tx, parties: &[PartyId]) -> Result<Climbed, EngineError> {
    let mut climbed = Climbed::default();
    let mut seen: BTreeSet<PartyId> = parties.iter().copied().collect();
    let mut level: Vec<i64> = parties.iter().map(|party| party.0).collect();
    while !level.is_empty() {
        let mut next = Vec::new();
        for record in tx.staged_of_parties(StagedKind::Relation, &level).await? {
            let Some(daughter) = record.row.party.map(PartyId).filter(|_| record.missing < 2) else {
                continue;
            };
            if let Some(reason) = &record.row.malformed {
                climbed.unreadable.insert(daughter, format!("its relationship {}: {reason}", record.row.id));
                continue;
            }
            let relation: ErpRelation = staging::read("relation", &record.row)?;
            if relation.in_force {
                climbed.parents.entry(daughter).or_default().insert(relation.parent);
                next.extend(seen.insert(relation.parent).then_some(relation.parent.0));
            }
        }
        level = next;
    }
    Ok(climbed)
}

/// Whose relations can be made again now that organizations that were taken for gone are there.
pub(crate) async fn relatives_of_returned(
    tx: &mut Tx,
    changed: &[Changed],
) -> Result<Vec<PartyId>, EngineError> {
    let returned: Vec<OrgId> = changed.iter().filter(|row| row.returned).map(|row| OrgId(row.id)).collect();
    if returned.is_empty() {
        return Ok(Vec::new());
    }
    let parties: Vec<PartyId> = tx.pairs_by_org(&returned).await?.into_values().collect();
    Ok(tx.relatives(&parties).await?)
}

/// Notes that organizations are gone. What was to be related to them cannot be any more, also while their own customers wait for
/// a doubt or a person. Gives their customers.
pub(crate) async fn orgs_gone(
    tx: &mut Tx,
    orgs: &[i64],
    now: Timestamp,
) -> Result<Vec<PartyId>, EngineError> {
    if orgs.is_empty() {
        return Ok(Vec::new());
    }
    tx.mark_absent(StagedKind::Org, orgs).await?;
    let orgs: Vec<OrgId> = orgs.iter().copied().map(OrgId).collect();
    let parties: Vec<PartyId> = tx.pairs_by_org(&orgs).await?.into_values().collect();
    let relatives = tx.relatives(&parties).await?;
    tx.enqueue(&relatives, Class::Edit, now, "a relative's organization is gone").await?;
    Ok(parties)
}

/// The organizations of these parties, but for those that are gone.
async fn living_orgs(tx: &mut Tx, parties: &[PartyId]) -> Result<BTreeMap<PartyId, OrgId>, EngineError> {
    let pairs = tx.pairs_by_party(parties).await?;
    let ids: Vec<i64> = pairs.values().map(|pair| pair.org.0).collect();
    let staged = tx.staged(StagedKind::Org, &ids).await?;
    let gone = |org: OrgId| staged.get(&org.0).is_some_and(|record| record.missing >= 2);
    Ok(pairs.into_values().filter(|pair| !gone(pair.org)).map(|pair| (pair.party, pair.org)).collect())
}
