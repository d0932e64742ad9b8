//! How organizations belong together, and what people change about it in the web application.

use serde_json::json;

use super::{PipedriveSim, v1::relationship_hands as hands};

/// A relationship between two organizations.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RelationshipView {
    /// Its id.
    pub id: i64,
    /// Whether the owner is the parent; otherwise the two are just related.
    pub is_parent: bool,
    /// The owner.
    pub owner: i64,
    /// The linked organization.
    pub linked: i64,
}

impl PipedriveSim {
    /// All relationships, by id; those of deleted organizations, too.
    pub fn relationships(&self) -> Vec<RelationshipView> {
        let all = hands::all(&self.lock()).into_iter();
        all.map(|(id, is_parent, owner, linked)| RelationshipView { id, is_parent, owner, linked }).collect()
    }

    /// A person makes one organization the parent of another and gets the relationship's id.
    pub fn relate_as_person(&self, parent: i64, daughter: i64) -> Result<i64, String> {
        let made = self.as_person(|_, state, by| Ok(json!(hands::relate(state, parent, daughter, by))))?;
        Ok(made.as_i64().unwrap_or_default())
    }

    /// A person removes a relationship.
    pub fn unrelate_as_person(&self, id: i64) -> Result<(), String> {
        self.as_person(|_, state, by| hands::remove(state, id, by).map(|()| json!(null))).map(drop)
    }
}
