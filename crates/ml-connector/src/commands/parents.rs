//! The parents of a party, for `pairs show`.

use std::collections::BTreeMap;

use serde::Serialize;
use sync_core::hierarchy::{ErpRelation, Made, MadeRelation};
use sync_core::ids::PartyId;
use sync_store::{StagedKind, Tx};

/// A parent by the ERP, or one of which something is remembered.
#[derive(Serialize)]
pub(super) struct ShownParent {
    pub(super) party: i64,
    pub(super) organization: Option<i64>,
    pub(super) relation: String,
}

pub(super) async fn parents_of(tx: &mut Tx, party: PartyId) -> anyhow::Result<Vec<ShownParent>> {
    let mut parents: BTreeMap<PartyId, bool> = BTreeMap::new();
    for record in tx.staged_of_parties(StagedKind::Relation, &[party.0]).await? {
        if record.missing < 2 && record.row.malformed.is_none() {
            let relation: ErpRelation = serde_json::from_str(&record.row.body)?;
            *parents.entry(relation.parent).or_default() |= relation.in_force;
        }
    }
    let made = tx.relations(&[party]).await?.remove(&party).unwrap_or_default();
    for relation in &made {
        parents.entry(relation.parent).or_default();
    }
    let parties: Vec<PartyId> = parents.keys().copied().collect();
    let pairs = tx.pairs_by_party(&parties).await?;
    let shown = parents.into_iter().map(|(parent, in_force)| {
        let organization = pairs.get(&parent).map(|pair| pair.org.0);
        let made = made.iter().find(|made| made.parent == parent);
        let relation = told(in_force, organization, made);
        ShownParent { party: parent.0, organization, relation }
    });
    Ok(shown.collect())
}

/// How the relation to a parent stands, in words.
fn told(in_force: bool, organization: Option<i64>, made: Option<&MadeRelation>) -> String {
    let moved = |made: &&MadeRelation| organization.is_none_or(|org| org == made.parent_org.0);
    match (in_force, made.filter(moved).map(|made| made.state)) {
        (true, Some(Made::Stands(id))) => format!("relation {id}"),
        (true, Some(Made::Found(id))) => format!("relation {id}, found after a doubt"),
        (false, Some(Made::Found(id))) => {
            format!("relation {id}, ours or a person's; the ERP says it has ended")
        }
        (false, Some(Made::Stands(id))) => format!("relation {id}; the ERP says it has ended"),
        (_, Some(Made::Removed)) => "removed by a person, not made again".to_owned(),
        (_, Some(Made::ByHand)) => "made by a person, left alone".to_owned(),
        (_, Some(Made::Unsure)) => "sent, but not found afterwards".to_owned(),
        (false, None) => "ended in the ERP".to_owned(),
        (true, None) if organization.is_none() => {
            "none: the parent has no organization (no customer of ours, or not yet)".to_owned()
        }
        (true, None) => "not made".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use sync_core::ids::{OrgId, RelationId};

    use super::*;

    #[test]
    fn a_relation_is_told_in_words() {
        let made = |state| MadeRelation {
            parent: PartyId(1),
            daughter_org: OrgId(11),
            parent_org: OrgId(12),
            state,
            times: 1,
        };
        let stands = made(Made::Stands(RelationId(7)));
        assert_eq!(told(true, Some(12), Some(&stands)), "relation 7");
        assert_eq!(told(false, Some(12), Some(&stands)), "relation 7; the ERP says it has ended");
        assert_eq!(
            told(true, Some(13), Some(&stands)),
            "not made",
            "the parent has another organization now"
        );
        assert!(told(true, None, None).contains("no organization"));
        assert!(told(true, Some(12), Some(&made(Made::Removed))).contains("removed by a person"));
        assert!(told(true, Some(12), Some(&made(Made::ByHand))).contains("made by a person"));
        assert!(told(true, Some(12), Some(&made(Made::Unsure))).contains("not found"));
        assert_eq!(told(false, None, None), "ended in the ERP");
        assert_eq!(told(true, Some(12), None), "not made");
    }
}
