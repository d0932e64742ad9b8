//! Answers to requests that may come twice: the second one gets the answer of the first, and nothing is done again.

use jiff::{SignedDuration, Timestamp};

use crate::{Store, StoreError, connections::INSTALLATION};

/// What is known of a request with a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Once {
    /// It is the first; whoever got this word answers it and says so with [`Store::answered_once`].
    First,
    /// It was answered: status and body.
    Answered(u16, String),
    /// Another request with this key is worked on, or died while it was.
    UnderWay,
    /// The key came with another request before.
    Other,
}

/// Answers are kept so long.
const KEPT: SignedDuration = SignedDuration::from_hours(24);

impl Store {
    /// Takes a request with a key, by digests of who asked with which key and of what was asked.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn once(&self, key_hash: &str, request_hash: &str, now: Timestamp) -> Result<Once, StoreError> {
        let mut tx = self.begin(INSTALLATION).await?;
        tx.execute("DELETE FROM idempotent WHERE made_at < $1", vec![(now - KEPT).into()]).await?;
        let sql = "INSERT INTO idempotent (key_hash, request_hash, made_at) VALUES ($1, $2, $3) \
            ON CONFLICT (key_hash) DO NOTHING";
        let first = tx.execute(sql, vec![key_hash.into(), request_hash.into(), now.into()]).await? > 0;
        if first {
            tx.commit().await?;
            return Ok(Once::First);
        }
        let sql = "SELECT key_hash, request_hash, status, body FROM idempotent WHERE key_hash = $1";
        let known = tx.fetch_one("idempotent", sql, vec![key_hash.into()], |row| {
            let status = row.maybe_int(2, "status")?.and_then(|status| u16::try_from(status).ok());
            Ok((row.text(1, "request_hash")?, status, row.maybe_text(3, "body")?))
        });
        Ok(match known.await? {
            Some((request, ..)) if request != request_hash => Once::Other,
            Some((_, Some(status), body)) => Once::Answered(status, body.unwrap_or_default()),
            Some((_, None, _)) | None => Once::UnderWay,
        })
    }

    /// Remembers the answer; without one, that the request was never made.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn answered_once(&self, key_hash: &str, answer: Option<(u16, &str)>) -> Result<(), StoreError> {
        let mut tx = self.begin(INSTALLATION).await?;
        match answer {
            Some((status, body)) => {
                let sql = "UPDATE idempotent SET status = $2, body = $3 WHERE key_hash = $1";
                tx.execute(sql, vec![key_hash.into(), i64::from(status).into(), body.into()]).await?;
            }
            None => {
                let sql = "DELETE FROM idempotent WHERE key_hash = $1 AND status IS NULL";
                tx.execute(sql, vec![key_hash.into()]).await?;
            }
        }
        tx.commit().await
    }
}
