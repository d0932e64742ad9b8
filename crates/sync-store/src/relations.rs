//! Relations between organizations that we made for their parties, and who belongs to whom by the ERP.

use std::collections::BTreeMap;

use jiff::Timestamp;
use sync_core::{
    hierarchy::{Made, MadeRelation},
    ids::{OrgId, PartyId, RelationId},
};

use crate::{
    StoreError, Tx,
    sql::{Many, Row},
};

static PUT: Many = Many::new(
    "INSERT INTO relation (connection_id, updated_at, daughter_id, parent_id, daughter_org, parent_org, state, \
        relation_id, times) VALUES {rows} ON CONFLICT (connection_id, daughter_id, parent_id) DO UPDATE SET \
        daughter_org = excluded.daughter_org, parent_org = excluded.parent_org, state = excluded.state, \
        relation_id = excluded.relation_id, times = excluded.times, updated_at = excluded.updated_at",
    "($1, $2, ?, ?, ?, ?, ?, ?, ?)",
    2,
);

static DELETE: Many = Many::new(
    "WITH ended (daughter, parent) AS (VALUES {rows}) \
        DELETE FROM relation WHERE connection_id = $1 AND daughter_id IN (SELECT daughter FROM ended) AND EXISTS \
        (SELECT 1 FROM ended WHERE ended.daughter = relation.daughter_id AND ended.parent = relation.parent_id)",
    "(?, ?)",
    1,
);

static BY_DAUGHTER: Many = Many::new(
    "SELECT daughter_id, parent_id, daughter_org, parent_org, state, relation_id, times FROM relation \
        WHERE connection_id = $1 AND daughter_id IN ({rows}) ORDER BY parent_id",
    "?",
    1,
);

// Both ends need an organization before anything can be done: so whoever gets its own later is the one to ask. A party
// with parents is asked in any case: it may be in a circle.
static DAUGHTERS: Many = Many::new(
    "SELECT party_id FROM staged WHERE connection_id = $1 AND kind = 'relation' AND missing < 2 \
        AND EXISTS (SELECT 1 FROM pair WHERE pair.connection_id = $1 AND pair.party_id = staged.party_id) \
        AND parent_id IN ({rows})",
    "?",
    1,
);

static WITH_PARENTS: Many = Many::new(
    "SELECT party_id FROM staged WHERE connection_id = $1 AND kind = 'relation' AND missing < 2 \
        AND party_id IN ({rows})",
    "?",
    1,
);

impl Tx {
    /// Remembers relations of daughters.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn put_relations(
        &mut self,
        relations: &[(PartyId, MadeRelation)],
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let rows: Vec<_> = relations
            .iter()
            .map(|(daughter, relation)| {
                let MadeRelation { parent, daughter_org, parent_org, state, times } = relation;
                let (state, id) = match state {
                    Made::Stands(id) => ("stands", Some(id.0)),
                    Made::Found(id) => ("found", Some(id.0)),
                    Made::Removed => ("removed", None),
                    Made::ByHand => ("by_hand", None),
                    Made::Unsure => ("unsure", None),
                };
                let times = i64::from(*times);
                let (daughter, parent) = (daughter.0.into(), parent.0.into());
                let (daughter_org, parent_org) = (daughter_org.0.into(), parent_org.0.into());
                vec![daughter, parent, daughter_org, parent_org, state.into(), id.into(), times.into()]
            })
            .collect();
        let shared = [self.id(), now.into()];
        self.execute_many(&PUT, &shared, &rows).await?;
        Ok(())
    }

    /// Forgets relations, by daughter and parent.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn delete_relations(&mut self, relations: &[(PartyId, PartyId)]) -> Result<(), StoreError> {
        let rows: Vec<_> =
            relations.iter().map(|(daughter, parent)| vec![daughter.0.into(), parent.0.into()]).collect();
        let shared = [self.id()];
        self.execute_many(&DELETE, &shared, &rows).await?;
        Ok(())
    }

    /// What is remembered of these daughters, in the order of their parents.
    ///
    /// # Errors
    /// When the database refuses or a row cannot be read.
    pub async fn relations(
        &mut self,
        daughters: &[PartyId],
    ) -> Result<BTreeMap<PartyId, Vec<MadeRelation>>, StoreError> {
        let ids: Vec<i64> = daughters.iter().map(|party| party.0).collect();
        let found = self.fetch_in("relation", &BY_DAUGHTER, &[self.id()], &ids, relation).await?;
        let mut relations: BTreeMap<PartyId, Vec<MadeRelation>> = BTreeMap::new();
        for (daughter, relation) in found {
            relations.entry(daughter).or_default().push(relation);
        }
        Ok(relations)
    }

    /// The parties whose relations can be made once these have an organization: their daughters that have one, and
    /// those of them that have a parent.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn relatives(&mut self, parties: &[PartyId]) -> Result<Vec<PartyId>, StoreError> {
        let ids: Vec<i64> = parties.iter().map(|party| party.0).collect();
        let party = |row: &Row<'_>| Ok(PartyId(row.int(0, "party_id")?));
        let mut found = self.fetch_in("staged", &DAUGHTERS, &[self.id()], &ids, party).await?;
        found.extend(self.fetch_in("staged", &WITH_PARENTS, &[self.id()], &ids, party).await?);
        found.sort_unstable();
        found.dedup();
        Ok(found)
    }
}

fn relation(row: &Row<'_>) -> Result<(PartyId, MadeRelation), StoreError> {
    let id = row.maybe_int(5, "relation_id")?;
    let state = match (row.text(4, "state")?.as_str(), id) {
        ("stands", Some(id)) => Made::Stands(RelationId(id)),
        ("found", Some(id)) => Made::Found(RelationId(id)),
        ("removed", None) => Made::Removed,
        ("by_hand", None) => Made::ByHand,
        ("unsure", None) => Made::Unsure,
        (state, _) => return Err(row.unreadable("state", &format!("{state} with relation {id:?}"))),
    };
    let made = MadeRelation {
        parent: PartyId(row.int(1, "parent_id")?),
        daughter_org: OrgId(row.int(2, "daughter_org")?),
        parent_org: OrgId(row.int(3, "parent_org")?),
        state,
        times: u8::try_from(row.int(6, "times")?).unwrap_or(u8::MAX),
    };
    Ok((PartyId(row.int(0, "daughter_id")?), made))
}
