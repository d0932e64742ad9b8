//! People who use the console: who they are, the links that make them, and their sessions.
//!
//! They belong to the installation and not to a connection, so none of it needs a lease. Of secrets only digests are kept.

use jiff::{SignedDuration, Timestamp};

use crate::{Store, StoreError, connections::INSTALLATION, sql::Row};

/// What somebody may do. Whoever may do more may do everything before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    /// To look at everything.
    Viewer,
    /// To answer questions, to approve plans, to ask for a sync.
    Approver,
    /// To say who may do what.
    Admin,
}

impl Role {
    /// All of them, the least first.
    pub const ALL: [Self; 3] = [Self::Viewer, Self::Approver, Self::Admin];

    /// Its name.
    #[must_use]
    pub fn key(self) -> &'static str {
        match self {
            Self::Viewer => "viewer",
            Self::Approver => "approver",
            Self::Admin => "admin",
        }
    }

    /// The role of this name.
    #[must_use]
    pub fn of_key(key: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.key() == key)
    }

    pub(crate) fn read(row: &Row<'_>, index: usize) -> Result<Self, StoreError> {
        let key = row.text(index, "role")?;
        Self::of_key(&key).ok_or_else(|| row.unreadable("role", &format!("{key} is no role")))
    }
}

/// Somebody who may use the console.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Person {
    /// Their number.
    pub id: i64,
    /// Their name, as they wrote it. Two people never have the same, whatever its case.
    pub name: String,
    /// What they may do.
    pub role: Role,
    /// Their password's argon2id hash, as a PHC string.
    pub password: String,
    /// Since when.
    pub made_at: Timestamp,
    /// Until when, if they may not any more.
    pub left_at: Option<Timestamp>,
}

/// A link that makes a person, or gives one a new password.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Invitation {
    /// SHA-256 of what the link carries, hexadecimal.
    pub token_hash: String,
    /// What whoever follows it may do.
    pub role: Role,
    /// Whose password it replaces; none if it makes somebody new.
    pub person: Option<i64>,
    /// Who made it.
    pub made_by: String,
    /// When.
    pub made_at: Timestamp,
    /// From then on it is worth nothing.
    pub expires_at: Timestamp,
}

/// How following an invitation ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Welcomed {
    /// Here they are.
    Person(Box<Person>),
    /// The link was used, is too old, or never was.
    NoSuchLink,
    /// Somebody has that name.
    NameTaken,
}

/// A session that stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    /// Whose it is.
    pub person: Person,
    /// When it ends, whatever happens.
    pub expires_at: Timestamp,
}

/// Invitations are kept so long after they are worth nothing, for those who look what happened.
const KEPT: SignedDuration = SignedDuration::from_hours(24 * 30);

/// A session is written down as seen at most so often: looking at pages is no reason to write.
const SEEN_EVERY: SignedDuration = SignedDuration::from_mins(5);

/// A name as it is compared.
fn key_of(name: &str) -> String {
    name.trim().to_lowercase()
}

fn person(row: &Row<'_>) -> Result<Person, StoreError> {
    Ok(Person {
        id: row.int(0, "id")?,
        name: row.text(1, "name")?,
        role: Role::read(row, 2)?,
        password: row.text(3, "password")?,
        made_at: row.time(4, "made_at")?,
        left_at: row.maybe_time(5, "left_at")?,
    })
}

impl Store {
    /// Everybody, those who left as well, in the order in which they came.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn people(&self) -> Result<Vec<Person>, StoreError> {
        const ALL: &str = "SELECT id, name, role, password, made_at, left_at FROM person ORDER BY id";
        let mut tx = self.read(INSTALLATION).await?;
        tx.fetch("person", ALL, Vec::new(), person).await
    }

    /// The person of this name, who did not leave.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn person_named(&self, name: &str) -> Result<Option<Person>, StoreError> {
        const NAMED: &str = "SELECT id, name, role, password, made_at, left_at FROM person \
            WHERE name_key = $1 AND left_at IS NULL";
        let mut tx = self.read(INSTALLATION).await?;
        tx.fetch_one("person", NAMED, vec![key_of(name).into()], person).await
    }

    /// Whether nobody may use the console as an admin.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn has_no_admin(&self) -> Result<bool, StoreError> {
        let admins = self.people().await?.into_iter().filter(|person| person.role == Role::Admin);
        Ok(admins.filter(|person| person.left_at.is_none()).count() == 0)
    }

    /// Remembers an invitation; forgets old ones.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn invite(&self, invitation: &Invitation) -> Result<(), StoreError> {
        let Invitation { token_hash, role, person, made_by, made_at, expires_at } = invitation.clone();
        let mut tx = self.begin(INSTALLATION).await?;
        let old = vec![(made_at - KEPT).into()];
        tx.execute("DELETE FROM invitation WHERE expires_at < $1", old).await?;
        let sql = "INSERT INTO invitation (token_hash, role, person_id, made_by, made_at, expires_at) \
            VALUES ($1, $2, $3, $4, $5, $6)";
        let args = vec![
            token_hash.into(),
            role.key().into(),
            person.into(),
            made_by.into(),
            made_at.into(),
            expires_at.into(),
        ];
        tx.execute(sql, args).await?;
        tx.commit().await
    }

    /// The invitation behind a link, as long as it is good for something.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn invitation(
        &self,
        token_hash: &str,
        now: Timestamp,
    ) -> Result<Option<Invitation>, StoreError> {
        let sql = "SELECT token_hash, role, person_id, made_by, made_at, expires_at FROM invitation \
            WHERE token_hash = $1 AND used_at IS NULL AND expires_at > $2";
        let mut tx = self.read(INSTALLATION).await?;
        tx.fetch_one("invitation", sql, vec![token_hash.into(), now.into()], |row| {
            Ok(Invitation {
                token_hash: row.text(0, "token_hash")?,
                role: Role::read(row, 1)?,
                person: row.maybe_int(2, "person_id")?,
                made_by: row.text(3, "made_by")?,
                made_at: row.time(4, "made_at")?,
                expires_at: row.time(5, "expires_at")?,
            })
        })
        .await
    }

    /// Uses an invitation up: makes the person, or gives the one it is for this password and ends their sessions.
    /// `password` is the argon2id hash. Without an end of it, the invitation stays as it is.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn welcome(
        &self,
        token_hash: &str,
        name: &str,
        password: &str,
        now: Timestamp,
    ) -> Result<Welcomed, StoreError> {
        let mut tx = self.begin(INSTALLATION).await?;
        let sql = "UPDATE invitation SET used_at = $2 \
            WHERE token_hash = $1 AND used_at IS NULL AND expires_at > $2 RETURNING token_hash, role, person_id";
        let used = tx
            .fetch_one("invitation", sql, vec![token_hash.into(), now.into()], |row| {
                Ok((Role::read(row, 1)?, row.maybe_int(2, "person_id")?))
            })
            .await?;
        let Some((role, known)) = used else { return Ok(Welcomed::NoSuchLink) };
        let id = match known {
            Some(id) => {
                let sql = "UPDATE person SET password = $2 WHERE id = $1 AND left_at IS NULL";
                if tx.execute(sql, vec![id.into(), password.into()]).await? == 0 {
                    return Ok(Welcomed::NoSuchLink);
                }
                tx.execute("DELETE FROM session WHERE person_id = $1", vec![id.into()]).await?;
                id
            }
            None => {
                let id = tx.numbers("person", 1).await?;
                // Whoever left leaves the name free.
                let sql = "INSERT INTO person (id, name, name_key, role, password, made_at) \
                    VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (name_key) DO NOTHING";
                let args = vec![
                    id.into(),
                    name.trim().into(),
                    key_of(name).into(),
                    role.key().into(),
                    password.into(),
                    now.into(),
                ];
                if tx.execute(sql, args).await? == 0 {
                    return Ok(Welcomed::NameTaken);
                }
                id
            }
        };
        const ONE: &str = "SELECT id, name, role, password, made_at, left_at FROM person WHERE id = $1";
        let person = tx.fetch_one("person", ONE, vec![id.into()], person).await?;
        tx.commit().await?;
        Ok(person.map_or(Welcomed::NoSuchLink, |person| Welcomed::Person(Box::new(person))))
    }

    /// Gives somebody another role. Their sessions go on with it.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn set_role(&self, person: i64, role: Role) -> Result<bool, StoreError> {
        let mut tx = self.begin(INSTALLATION).await?;
        let sql = "UPDATE person SET role = $2 WHERE id = $1 AND left_at IS NULL";
        let found = tx.execute(sql, vec![person.into(), role.key().into()]).await? > 0;
        tx.commit().await?;
        Ok(found)
    }

    /// Somebody may not use the console any more: from now on, in no session. The name is free again.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn leave(&self, person: i64, now: Timestamp) -> Result<bool, StoreError> {
        let mut tx = self.begin(INSTALLATION).await?;
        let sql = "UPDATE person SET left_at = $2, name_key = name_key || '#' || id \
            WHERE id = $1 AND left_at IS NULL";
        let found = tx.execute(sql, vec![person.into(), now.into()]).await? > 0;
        tx.execute("DELETE FROM session WHERE person_id = $1", vec![person.into()]).await?;
        tx.execute("DELETE FROM invitation WHERE person_id = $1", vec![person.into()]).await?;
        tx.commit().await?;
        Ok(found)
    }

    /// Begins a session; forgets those that are over.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn begin_session(
        &self,
        person: i64,
        token_hash: &str,
        expires_at: Timestamp,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let mut tx = self.begin(INSTALLATION).await?;
        tx.execute("DELETE FROM session WHERE expires_at <= $1", vec![now.into()]).await?;
        let sql = "INSERT INTO session (token_hash, person_id, made_at, seen_at, expires_at) \
            VALUES ($1, $2, $3, $3, $4)";
        tx.execute(sql, vec![token_hash.into(), person.into(), now.into(), expires_at.into()]).await?;
        tx.commit().await
    }

    /// The session of this digest, if it stands and was used within `idle`; notes now and then that it is used.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn session(
        &self,
        token_hash: &str,
        idle: SignedDuration,
        now: Timestamp,
    ) -> Result<Option<Session>, StoreError> {
        let sql = "SELECT person.id, name, role, password, person.made_at, left_at, expires_at, seen_at \
            FROM session JOIN person ON person.id = session.person_id \
            WHERE token_hash = $1 AND expires_at > $2 AND seen_at > $3 AND left_at IS NULL";
        let args = vec![token_hash.into(), now.into(), (now - idle).into()];
        let mut tx = self.read(INSTALLATION).await?;
        let found = tx.fetch_one("session", sql, args, |row| {
            Ok((
                Session { person: person(row)?, expires_at: row.time(6, "expires_at")? },
                row.time(7, "seen_at")?,
            ))
        });
        let Some((session, seen)) = found.await? else { return Ok(None) };
        drop(tx);
        if now.duration_since(seen) >= SEEN_EVERY {
            let mut tx = self.begin(INSTALLATION).await?;
            let sql = "UPDATE session SET seen_at = $2 WHERE token_hash = $1";
            tx.execute(sql, vec![token_hash.into(), now.into()]).await?;
            tx.commit().await?;
        }
        Ok(Some(session))
    }

    /// Ends a session.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn end_session(&self, token_hash: &str) -> Result<(), StoreError> {
        let mut tx = self.begin(INSTALLATION).await?;
        tx.execute("DELETE FROM session WHERE token_hash = $1", vec![token_hash.into()]).await?;
        tx.commit().await
    }
}
