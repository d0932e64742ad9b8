//! Attempts to get a person's consent, and the company that a connection belongs to since it was given.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use sync_core::ids::ConnectionId;

use crate::{Store, StoreError, sql::json};

/// An attempt that begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewAttempt {
    /// SHA-256 of the state that will come back, hexadecimal. The state itself is kept nowhere.
    pub state_hash: String,
    /// What the code is exchanged with (PKCE), sealed for this row.
    pub verifier: Option<String>,
    /// Where the person is sent back to.
    pub redirect_url: String,
    /// The company that it has to be, if that was said.
    pub company: Option<i64>,
    /// When it began.
    pub made_at: Timestamp,
    /// From then on it is worth nothing.
    pub expires_at: Timestamp,
}

/// An attempt whose person came back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attempt {
    /// As in [`NewAttempt`].
    pub state_hash: String,
    /// As in [`NewAttempt`].
    pub verifier: Option<String>,
    /// As in [`NewAttempt`].
    pub redirect_url: String,
    /// As in [`NewAttempt`].
    pub company: Option<i64>,
}

/// How an attempt ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "result", rename_all = "snake_case")]
pub enum AttemptEnd {
    /// The connection has access.
    Connected(Connected),
    /// The person said no.
    Denied {
        /// The remote system's word for it.
        said: String,
    },
    /// It did not come about; what was before is as it was.
    Failed {
        /// What happened.
        message: String,
        /// What to do.
        help: String,
    },
}

/// What a person consented to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Connected {
    /// The company.
    pub company_id: i64,
    /// Its name.
    pub company_name: Option<String>,
    /// The first part of its host name.
    pub company_domain: Option<String>,
    /// The user in whose name everything is done from now on.
    pub user_id: i64,
    /// That user's name.
    pub user_name: Option<String>,
    /// What was granted; none if it was not told.
    pub scopes: Option<Vec<String>>,
    /// What was not granted and is wanted.
    pub missing: Vec<MissingScope>,
    /// Where the API of this company is, as told.
    pub api_domain: Option<String>,
}

/// A scope that was not granted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MissingScope {
    /// Its name.
    pub scope: String,
    /// What does not work without it.
    pub without: String,
    /// Whether that is needed already.
    pub needed_now: bool,
}

/// The company of a connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Company {
    /// Its id there.
    pub id: i64,
    /// Its name.
    pub name: Option<String>,
    /// The first part of its host name.
    pub domain: Option<String>,
    /// The user who consented last.
    pub user_id: i64,
    /// That user's name.
    pub user_name: Option<String>,
    /// When.
    pub connected_at: Timestamp,
    /// When and by whom access was ended since.
    pub ended: Option<(Timestamp, CompanyEnd)>,
}

/// Who ended access.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CompanyEnd {
    /// Somebody over there removed the app.
    Uninstalled,
    /// Somebody here gave access back.
    Disconnected,
}

impl CompanyEnd {
    /// The word for it in the store.
    #[must_use]
    pub fn key(self) -> &'static str {
        match self {
            Self::Uninstalled => "uninstalled",
            Self::Disconnected => "disconnected",
        }
    }
}

/// Attempts are kept so long, for those who look what happened.
const KEPT: SignedDuration = SignedDuration::from_hours(24 * 30);

/// Needs no lease: the process that asks need not be the one that works, and neither the one to which the person comes.
impl Store {
    /// Begins an attempt; forgets old ones.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn put_attempt(&self, connection: ConnectionId, new: &NewAttempt) -> Result<(), StoreError> {
        let NewAttempt { state_hash, verifier, redirect_url, company, made_at, expires_at } = new.clone();
        let mut tx = self.begin(connection).await?;
        let sql = "DELETE FROM connect_attempt WHERE connection_id = $1 AND made_at < $2";
        tx.execute(sql, vec![tx.id(), (made_at - KEPT).into()]).await?;
        let sql = "INSERT INTO connect_attempt \
            (connection_id, state_hash, verifier, redirect_url, company_id, made_at, expires_at) \
            VALUES ($1, $2, $3, $4, $5, $6, $7)";
        let args = vec![
            tx.id(),
            state_hash.into(),
            verifier.into(),
            redirect_url.into(),
            company.into(),
            made_at.into(),
            expires_at.into(),
        ];
        tx.execute(sql, args).await?;
        tx.commit().await
    }

    /// The attempt of this state, if it is of this connection, in time, and nobody came back with it before: then it is
    /// taken, whatever follows.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn take_attempt(
        &self,
        connection: ConnectionId,
        state_hash: &str,
        now: Timestamp,
    ) -> Result<Option<Attempt>, StoreError> {
        // Anybody may try: nobody waits for a turn to write before there is something to take.
        let mut tx = self.read(connection).await?;
        let sql = "SELECT state_hash FROM connect_attempt WHERE connection_id = $1 AND state_hash = $2";
        let args = vec![tx.id(), state_hash.into()];
        if tx.fetch_one("connect_attempt", sql, args, |row| row.text(0, "state_hash")).await?.is_none() {
            return Ok(None);
        }
        drop(tx);
        let mut tx = self.begin(connection).await?;
        let sql = "UPDATE connect_attempt SET taken_at = $3 \
            WHERE connection_id = $1 AND state_hash = $2 AND taken_at IS NULL AND expires_at > $3";
        if tx.execute(sql, vec![tx.id(), state_hash.into(), now.into()]).await? == 0 {
            return Ok(None);
        }
        let sql = "SELECT state_hash, verifier, redirect_url, company_id FROM connect_attempt \
            WHERE connection_id = $1 AND state_hash = $2";
        let args = vec![tx.id(), state_hash.into()];
        let read = |row: &crate::sql::Row<'_>| {
            Ok(Attempt {
                state_hash: row.text(0, "state_hash")?,
                verifier: row.maybe_text(1, "verifier")?,
                redirect_url: row.text(2, "redirect_url")?,
                company: row.maybe_int(3, "company_id")?,
            })
        };
        let attempt = tx.fetch_one("connect_attempt", sql, args, read).await?;
        let sql = "UPDATE connect_attempt SET verifier = NULL WHERE connection_id = $1 AND state_hash = $2";
        tx.execute(sql, vec![tx.id(), state_hash.into()]).await?;
        tx.commit().await?;
        Ok(attempt)
    }

    /// Notes how an attempt ended.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn end_attempt(
        &self,
        connection: ConnectionId,
        state_hash: &str,
        end: &AttemptEnd,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let outcome = json("connect_attempt", "outcome", end)?;
        let mut tx = self.begin(connection).await?;
        let sql = "UPDATE connect_attempt SET ended_at = $3, outcome = $4 \
            WHERE connection_id = $1 AND state_hash = $2 AND ended_at IS NULL";
        let args = vec![tx.id(), state_hash.into(), now.into(), outcome.into()];
        tx.execute(sql, args).await?;
        tx.commit().await
    }

    /// How an attempt ended, if it did.
    ///
    /// # Errors
    /// When the database refuses or the row cannot be read.
    pub async fn attempt_end(
        &self,
        connection: ConnectionId,
        state_hash: &str,
    ) -> Result<Option<AttemptEnd>, StoreError> {
        let mut tx = self.read(connection).await?;
        let sql = "SELECT state_hash, outcome FROM connect_attempt \
            WHERE connection_id = $1 AND state_hash = $2 AND ended_at IS NOT NULL";
        let args = vec![tx.id(), state_hash.into()];
        tx.fetch_one("connect_attempt", sql, args, |row| row.json(1, "outcome")).await
    }

    /// The company that a connection belongs to, if that is known.
    ///
    /// # Errors
    /// When the database refuses or the row cannot be read.
    pub async fn company(&self, connection: ConnectionId) -> Result<Option<Company>, StoreError> {
        let mut tx = self.read(connection).await?;
        let sql = "SELECT company_id, name, domain, user_id, user_name, connected_at, ended_at, ended_by \
            FROM company WHERE connection_id = $1";
        let args = vec![tx.id()];
        let read = |row: &crate::sql::Row<'_>| {
            let by = match row.maybe_text(7, "ended_by")?.as_deref() {
                Some("uninstalled") => Some(CompanyEnd::Uninstalled),
                Some("disconnected") => Some(CompanyEnd::Disconnected),
                Some(other) => return Err(row.unreadable("ended_by", &format!("{other} is unknown"))),
                None => None,
            };
            Ok(Company {
                id: row.int(0, "company_id")?,
                name: row.maybe_text(1, "name")?,
                domain: row.maybe_text(2, "domain")?,
                user_id: row.int(3, "user_id")?,
                user_name: row.maybe_text(4, "user_name")?,
                connected_at: row.time(5, "connected_at")?,
                ended: row.maybe_time(6, "ended_at")?.zip(by),
            })
        };
        tx.fetch_one("company", sql, args, read).await
    }

    /// Remembers the company that a connection belongs to from now on; tells whether it may: a connection that belongs
    /// to another one stays there.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn remember_company(
        &self,
        connection: ConnectionId,
        company: &Company,
    ) -> Result<bool, StoreError> {
        let Company { id, name, domain, user_id, user_name, connected_at, ended: _ } = company.clone();
        let mut tx = self.begin(connection).await?;
        let sql = "INSERT INTO company \
            (connection_id, company_id, name, domain, user_id, user_name, connected_at) \
            VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (connection_id) DO UPDATE SET \
            name = excluded.name, domain = excluded.domain, user_id = excluded.user_id, \
            user_name = excluded.user_name, connected_at = excluded.connected_at, ended_at = NULL, \
            ended_by = NULL WHERE company.company_id = excluded.company_id";
        let args = vec![
            tx.id(),
            id.into(),
            name.into(),
            domain.into(),
            user_id.into(),
            user_name.into(),
            connected_at.into(),
        ];
        let remembered = tx.execute(sql, args).await? == 1;
        tx.commit().await?;
        Ok(remembered)
    }

    /// Notes that access to the company ended; the first time counts.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn end_company(
        &self,
        connection: ConnectionId,
        by: CompanyEnd,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let mut tx = self.begin(connection).await?;
        let sql = "UPDATE company SET ended_at = $2, ended_by = $3 \
            WHERE connection_id = $1 AND ended_at IS NULL";
        tx.execute(sql, vec![tx.id(), now.into(), by.key().into()]).await?;
        tx.commit().await
    }

    /// Whether anything of a connection's company is bound to anything of the ERP.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn has_pairs(&self, connection: ConnectionId) -> Result<bool, StoreError> {
        let mut tx = self.read(connection).await?;
        let sql = "SELECT party_id FROM pair WHERE connection_id = $1 LIMIT 1";
        let args = vec![tx.id()];
        Ok(tx.fetch_one("pair", sql, args, |row| row.int(0, "party_id")).await?.is_some())
    }
}
