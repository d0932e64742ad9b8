//! What people and programs did through console and API. What the connector wrote is the journal's.

use jiff::Timestamp;
use sync_core::ids::ConnectionId;

use crate::{Store, StoreError, connections::INSTALLATION, sql::Row};

/// Something that somebody did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Deed {
    /// When.
    pub at: Timestamp,
    /// Who: a person's name, or a token's.
    pub who: String,
    /// From which address.
    pub place: String,
    /// What, as a word for filters.
    pub what: String,
    /// About what, e.g. `party 300000200000001`.
    pub about: String,
    /// The connection; none if it is about the installation.
    pub connection: Option<ConnectionId>,
    /// What else there is to say, for people.
    pub detail: String,
}

fn deed(row: &Row<'_>) -> Result<(i64, Deed), StoreError> {
    let deed = Deed {
        at: row.time(1, "at")?,
        who: row.text(2, "who")?,
        place: row.text(3, "place")?,
        what: row.text(4, "what")?,
        about: row.text(5, "about")?,
        connection: row.maybe_int(6, "connection_id")?.map(ConnectionId),
        detail: row.text(7, "detail")?,
    };
    Ok((row.int(0, "id")?, deed))
}

impl Store {
    /// Writes down what somebody did.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn note_deed(&self, deed: &Deed) -> Result<(), StoreError> {
        let Deed { at, who, place, what, about, connection, detail } = deed.clone();
        let mut tx = self.begin(INSTALLATION).await?;
        let id = tx.numbers("deed", 1).await?;
        let sql = "INSERT INTO deed (id, at, who, place, what, about, connection_id, detail) \
            VALUES ($1, $2, $3, $4, $5, $6, $7, $8)";
        let args = vec![
            id.into(),
            at.into(),
            who.into(),
            place.into(),
            what.into(),
            about.into(),
            connection.map(|id| id.0).into(),
            detail.into(),
        ];
        tx.execute(sql, args).await?;
        tx.commit().await
    }

    /// A page of what was done, newest first, with numbers to go on from.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn deeds(&self, before: Option<i64>, limit: u32) -> Result<Vec<(i64, Deed)>, StoreError> {
        let sql = "SELECT id, at, who, place, what, about, connection_id, detail FROM deed \
            WHERE id < $1 ORDER BY id DESC LIMIT $2";
        let args = vec![before.unwrap_or(i64::MAX).into(), i64::from(limit).into()];
        let mut tx = self.read(INSTALLATION).await?;
        tx.fetch("deed", sql, args, deed).await
    }
}
