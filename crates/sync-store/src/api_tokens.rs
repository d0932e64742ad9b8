//! Tokens of programs that use the API: named, with a role, of which only digests are kept.

use jiff::{SignedDuration, Timestamp};

use crate::{Role, Store, StoreError, connections::INSTALLATION, sql::Row};

/// A token of a program.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiToken {
    /// Its number.
    pub id: i64,
    /// What it is for, in the words of whoever made it.
    pub name: String,
    /// What it may be used for.
    pub role: Role,
    /// Who made it.
    pub made_by: String,
    /// When.
    pub made_at: Timestamp,
    /// When it was used last, to five minutes.
    pub used_at: Option<Timestamp>,
    /// Until when, if it is worth nothing any more.
    pub ended_at: Option<Timestamp>,
}

/// How often it is written down that a token is used.
const USED_EVERY: SignedDuration = SignedDuration::from_mins(5);

fn token(row: &Row<'_>) -> Result<ApiToken, StoreError> {
    Ok(ApiToken {
        id: row.int(0, "id")?,
        name: row.text(1, "name")?,
        role: Role::read(row, 2)?,
        made_by: row.text(3, "made_by")?,
        made_at: row.time(4, "made_at")?,
        used_at: row.maybe_time(5, "used_at")?,
        ended_at: row.maybe_time(6, "ended_at")?,
    })
}

impl Store {
    /// All tokens, also those that ended, the newest first.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn api_tokens(&self) -> Result<Vec<ApiToken>, StoreError> {
        let sql =
            "SELECT id, name, role, made_by, made_at, used_at, ended_at FROM api_token ORDER BY id DESC";
        let mut tx = self.read(INSTALLATION).await?;
        tx.fetch("api_token", sql, Vec::new(), token).await
    }

    /// Remembers a token by its digest; gives its number.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn put_api_token(
        &self,
        (name, role): (&str, Role),
        token_hash: &str,
        by: &str,
        now: Timestamp,
    ) -> Result<i64, StoreError> {
        let mut tx = self.begin(INSTALLATION).await?;
        let id = tx.numbers("api_token", 1).await?;
        let sql = "INSERT INTO api_token (id, name, token_hash, role, made_by, made_at) \
            VALUES ($1, $2, $3, $4, $5, $6)";
        let args = vec![id.into(), name.into(), token_hash.into(), role.key().into(), by.into(), now.into()];
        tx.execute(sql, args).await?;
        tx.commit().await?;
        Ok(id)
    }

    /// The token of this digest, if it did not end; notes now and then that it is used.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn api_token(&self, token_hash: &str, now: Timestamp) -> Result<Option<ApiToken>, StoreError> {
        let sql = "SELECT id, name, role, made_by, made_at, used_at, ended_at FROM api_token \
            WHERE token_hash = $1 AND ended_at IS NULL";
        let mut tx = self.read(INSTALLATION).await?;
        let Some(found) = tx.fetch_one("api_token", sql, vec![token_hash.into()], token).await? else {
            return Ok(None);
        };
        drop(tx);
        if found.used_at.is_none_or(|used| now.duration_since(used) >= USED_EVERY) {
            let mut tx = self.begin(INSTALLATION).await?;
            let sql = "UPDATE api_token SET used_at = $2 WHERE id = $1";
            tx.execute(sql, vec![found.id.into(), now.into()]).await?;
            tx.commit().await?;
        }
        Ok(Some(found))
    }

    /// From now on the token is worth nothing.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn end_api_token(&self, id: i64, now: Timestamp) -> Result<bool, StoreError> {
        let mut tx = self.begin(INSTALLATION).await?;
        let sql = "UPDATE api_token SET ended_at = $2 WHERE id = $1 AND ended_at IS NULL";
        let found = tx.execute(sql, vec![id.into(), now.into()]).await? > 0;
        tx.commit().await?;
        Ok(found)
    }
}
