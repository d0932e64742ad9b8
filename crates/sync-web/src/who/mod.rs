//! Who asks: people with a session, programs with a token, and what each may do.
//!
//! Secrets are random texts of 256 bits; what is stored and compared are their digests, so that a stolen database opens no
//! session. Passwords are hashed with argon2id.

mod cookie;
mod demand;
mod passwords;
mod throttle;

use jiff::{SignedDuration, Timestamp};
use sync_store::{Deed, Invitation, Role, StoreError, unguessable};

pub(crate) use cookie::{LIFE, SESSION_IDLE, ended, of_request, started};
pub(crate) use demand::{person, program, same_site};
pub(crate) use passwords::{Passwords, fitness};
pub(crate) use throttle::Throttle;

use crate::{client::Client, door::Door};

/// Who asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Who {
    /// A person's name, or a token's.
    pub(crate) name: String,
    /// What they may do.
    pub(crate) role: Role,
    /// The person's number; none of a program.
    pub(crate) person: Option<i64>,
    /// Where they are.
    pub(crate) client: Client,
}

impl Who {
    /// Whether they may do what this role may.
    pub(crate) fn may(&self, role: Role) -> bool {
        self.role >= role
    }

    /// Writes down what they did.
    pub(crate) async fn did(
        &self,
        door: &Door,
        what: &str,
        about: String,
        (connection, detail): (Option<sync_core::ids::ConnectionId>, String),
    ) -> Result<(), StoreError> {
        let deed = Deed {
            at: door.parts.clock.now(),
            who: self.name.clone(),
            place: self.client.to_string(),
            what: what.to_owned(),
            about,
            connection,
            detail,
        };
        door.parts.store.note_deed(&deed).await
    }
}

/// A new secret and what is kept of it.
pub(crate) fn secret() -> (String, String) {
    let secret = unguessable();
    let digest = digest(&secret);
    (secret, digest)
}

/// How long an invitation is good for.
const GOOD_FOR: SignedDuration = SignedDuration::from_hours(24);

/// An invitation, and what its link carries: `/welcome/TOKEN`. With a person it is for a new password of theirs.
#[must_use]
pub fn invitation(role: Role, person: Option<i64>, by: &str, now: Timestamp) -> (String, Invitation) {
    let (token, token_hash) = secret();
    let (made_by, expires_at) = (by.to_owned(), now + GOOD_FOR);
    (token, Invitation { token_hash, role, person, made_by, made_at: now, expires_at })
}

/// What is kept of a secret: SHA-256, hexadecimal.
pub(crate) fn digest(secret: &str) -> String {
    use sha2::{Digest as _, Sha256};
    hex::encode(Sha256::digest(secret))
}
